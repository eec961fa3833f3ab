/*
 * Payloads of every family, as services and the CLI decode them: the first byte says which. What is
 * taken can be shown as JSON, and is the same after packing and decoding it again.
 */
#include "fuzz.h"

#include "common/core.h"
#include "picture/event_json.h"

static void show(const ProtobufCMessage *message)
{
    json_t *json = event_json_message(message);
    fuzz_check(json != NULL);
    char *text = json_dumps(json, 0);
    fuzz_check(text != NULL); /* whatever is taken is UTF-8 */
    free(text);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ld_arena arena = {0};
    struct ld_error error;
    ProtobufCMessage *message = NULL, *again = NULL;
    if (size == 0)
        return 0;
    enum sv_family family = (enum sv_family)(data[0] % SV_TICK);
    uint8_t *payload = fuzz_copy(data + 1, size - 1);
    if (sv_decode(family, payload, size - 1, &arena, &message, &error) == LD_OK) {
        show(message);
        size_t packed_size = protobuf_c_message_get_packed_size(message);
        uint8_t *packed = malloc(packed_size + 1);
        fuzz_check(packed != NULL);
        fuzz_check(protobuf_c_message_pack(message, packed) == packed_size);
        int code = sv_decode(family, packed, packed_size, &arena, &again, &error);
        fuzz_check(code == LD_OK || code == LD_TOOBIG);
        free(packed);
    }
    ld_arena_free(&arena);
    free(payload);
    return 0;
}
