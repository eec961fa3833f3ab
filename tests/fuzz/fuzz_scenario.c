/* Scenario files: parsed, or refused with a finding. */
#include "fuzz.h"

#include "buffer.h"
#include "scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scenario *scenario = NULL;
    struct ld_buffer findings = {0};
    struct ld_error error;
    char *text = (char *)fuzz_copy(data, size);
    int code = scenario_parse("scenario.yaml", text, size, &scenario, &findings, &error);
    fuzz_check((code == LD_OK) == (scenario != NULL));
    fuzz_check(code == LD_OK || code == LD_TOOBIG || findings.size > 0);
    scenario_free(scenario);
    ld_buffer_free(&findings);
    free(text);
    return 0;
}
