/* Heads, WELCOMEs and runs: what decodes is encoded to the same bytes again. */
#include "fuzz.h"

#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ld_error error;
    struct wire_head head;
    struct wire_welcome welcome;
    if (wire_head_decode(data, size, &head, &error) == LD_OK) {
        uint8_t raw[WIRE_HEAD_SIZE];
        wire_head_encode(raw, &head);
        fuzz_check(memcmp(raw, data, 6) == 0 && memcmp(raw + 8, data + 8, sizeof raw - 8) == 0);
        fuzz_check(wire_operation_name(head.operation) != NULL);
    }
    if (wire_welcome_decode(data, size, &welcome, &error) == LD_OK) {
        uint8_t raw[WIRE_WELCOME_SIZE];
        wire_welcome_encode(raw, &welcome);
        fuzz_check(memcmp(raw, data, sizeof raw) == 0);
    }
    if (size >= WIRE_RUN_SIZE) {
        struct wire_run run;
        uint8_t raw[WIRE_RUN_SIZE];
        wire_run_decode(data, &run);
        wire_run_encode(raw, &run);
        fuzz_check(memcmp(raw, data, sizeof raw) == 0);
    }
    return 0;
}
