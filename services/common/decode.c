/*
 * Decoding: payload to message, for bytes that nobody vouches for.
 *
 * Before protobuf-c sees a payload, one walk over its wire format checks what protobuf-c does not
 * (size, number of fields, nesting, groups, a sub-message given twice, UTF-8 of strings). What is
 * left is bounded: at most FIELDS_MAX small structs, from one arena.
 */
#include "core.h"
#include "utf8.h"

enum {
    SIZE_MAX_BYTES = 256 << 10, /* of any message but a plan */
    FIELDS_MAX = 16384,
    DEPTH_MAX = 8
};

struct scan {
    const ProtobufCMessageDescriptor *descriptor;
    const uint8_t *at, *end;
    unsigned depth;
    unsigned *fields; /* seen so far, in the whole payload */
    struct ld_error *error;
};

static int scan_message(struct scan scan);

static bool read_varint(struct scan *scan, uint64_t *value)
{
    if (scan->at < scan->end && *scan->at < 0x80) { /* nearly always one byte */
        *value = *scan->at++;
        return true;
    }
    *value = 0;
    for (unsigned shift = 0; shift < 64 && scan->at < scan->end; shift += 7) {
        uint8_t byte = *scan->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static int malformed(const struct scan *scan, const char *what)
{
    return ld_fail(scan->error, LD_PROTOCOL, "%s is malformed: %s", scan->descriptor->short_name,
                   what);
}

static bool skip(struct scan *scan, uint64_t size)
{
    if (size > (uint64_t)(scan->end - scan->at))
        return false;
    scan->at += size;
    return true;
}

static int scan_string(const struct scan *scan, const ProtobufCFieldDescriptor *field, size_t size)
{
    if (sv_utf8_valid(scan->at - size, size))
        return LD_OK;
    return ld_fail(scan->error, LD_PROTOCOL, "%s is malformed: field %s is not UTF-8 text",
                   scan->descriptor->short_name, field->name);
}

/* The bytes of a length-delimited field, just stepped over. */
static int scan_content(struct scan *scan, const ProtobufCFieldDescriptor *field, size_t size,
                        uint64_t *seen)
{
    if (!field)
        return LD_OK;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return scan_string(scan, field, size);
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return LD_OK;
    uint64_t bit = UINT64_C(1) << (field->id & 63);
    if (field->label != PROTOBUF_C_LABEL_REPEATED && (*seen & bit))
        return malformed(scan, "a part that may be there once is there twice");
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        *seen |= bit;
    struct scan inner = *scan;
    inner.descriptor = field->descriptor;
    inner.at = scan->at - size;
    inner.end = scan->at;
    inner.depth++;
    return scan_message(inner);
}

/* Our fields are numbered from 1 without gaps, nearly always. */
static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *descriptor,
                                                uint64_t id)
{
    if (id <= descriptor->n_fields && descriptor->fields[id - 1].id == id)
        return &descriptor->fields[id - 1];
    return protobuf_c_message_descriptor_get_field(descriptor, (unsigned)id);
}

static int scan_value(struct scan *scan, uint64_t key, uint64_t *seen)
{
    uint64_t value;
    switch (key & 7) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return read_varint(scan, &value) ? LD_OK : malformed(scan, "a number is cut short");
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        return skip(scan, 8) ? LD_OK : malformed(scan, "a number is cut short");
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return skip(scan, 4) ? LD_OK : malformed(scan, "a number is cut short");
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        if (!read_varint(scan, &value) || !skip(scan, value))
            return malformed(scan, "a field is longer than what holds it");
        return scan_content(scan, field_of(scan->descriptor, key >> 3), (size_t)value, seen);
    default:
        return malformed(scan, "unknown wire type");
    }
}

static int scan_message(struct scan scan)
{
    if (scan.depth > DEPTH_MAX)
        return malformed(&scan, "nested too deep");
    uint64_t seen = 0;
    while (scan.at < scan.end) {
        uint64_t key;
        if (!read_varint(&scan, &key) || key >> 3 == 0 || key >> 3 > (1u << 29) - 1)
            return malformed(&scan, "bad field number");
        if (++*scan.fields > FIELDS_MAX)
            return ld_fail(scan.error, LD_TOOBIG, "more than %d fields", FIELDS_MAX);
        int code = scan_value(&scan, key, &seen);
        if (code != LD_OK)
            return code;
    }
    return LD_OK;
}

static void *arena_alloc(void *arena, size_t size)
{
    return ld_arena_alloc(arena, size);
}

static void arena_free(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

static int check_size(enum sv_family family, size_t size, struct ld_error *error)
{
    size_t limit = family == SV_PLAN ? LD_PAYLOAD_SIZE_MAX : SIZE_MAX_BYTES;
    if (size <= limit)
        return LD_OK;
    return ld_fail(error, LD_TOOBIG, "%s of %zu bytes, at most %zu", sv_family_name(family), size,
                   limit);
}

int sv_decode(enum sv_family family, const uint8_t *payload, size_t size, struct ld_arena *arena,
              ProtobufCMessage **message, struct ld_error *error)
{
    static const uint8_t nothing[1];
    const ProtobufCMessageDescriptor *descriptor = sv_family_descriptor(family);
    *message = NULL;
    if (!descriptor)
        return ld_fail(error, LD_PROTOCOL, "%s carries no message", sv_family_name(family));
    int code = check_size(family, size, error);
    if (code != LD_OK)
        return code;
    if (size == 0)
        payload = nothing;
    unsigned fields = 0;
    code = scan_message((struct scan){.descriptor = descriptor,
                                      .at = payload,
                                      .end = payload + size,
                                      .fields = &fields,
                                      .error = error});
    if (code != LD_OK)
        return code;
    ProtobufCAllocator allocator = {arena_alloc, arena_free, arena};
    *message = protobuf_c_message_unpack(descriptor, &allocator, size, payload);
    if (!*message)
        return ld_fail(error, LD_PROTOCOL, "%s is malformed: a field has the wrong type",
                       descriptor->short_name);
    return LD_OK;
}
