/* CAP messages from outside: refused, or read and checked with no more findings than promised. */
#include "fuzz.h"

#include "cap/cap.h"

static void read_texts(const struct cap *cap)
{
    fuzz_check(cap_text(cap, "identifier") != NULL && cap_text(cap, "references") != NULL);
    for (size_t i = 0; i < 3; i++) {
        fuzz_check(cap_info_text(cap, i, "headline") != NULL);
        fuzz_check(cap_info_value(cap, i, "geocode", "GB/T 2260", i) != NULL);
        fuzz_check(cap_info_value(cap, i, "eventCode", "SAME", i) != NULL);
        fuzz_check(cap_info_area(cap, i, i) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cap *cap = NULL;
    struct ld_error error;
    struct cap_findings findings = {0};
    uint8_t *copy = fuzz_copy(data, size);
    int code = cap_read(copy, size, &cap, &error);
    free(copy); /* nothing of it is borrowed */
    fuzz_check((code == LD_OK) == (cap != NULL));
    fuzz_check(code == LD_OK || code == LD_INVALID || code == LD_TOOBIG);
    if (cap != NULL) {
        cap_check(cap, &findings);
        fuzz_check(findings.count <= CAP_FINDINGS_MAX);
        for (size_t i = 0; i < findings.count; i++)
            fuzz_check(findings.all[i].line >= 1 && *findings.all[i].zh != '\0');
        read_texts(cap);
        cap_findings_free(&findings);
    }
    cap_free(cap);
    return 0;
}
