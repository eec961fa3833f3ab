/*
 * Decoding: payload to message, for bytes that nobody vouches for, in one pass.
 *
 * protobuf-c's own parser checks neither how deep messages nest nor how many fields there are nor
 * that strings are text (and needs a second pass and twice the time); so we read the wire format
 * ourselves into the structs that its generator describes. What a payload can cost is bounded: its
 * size, FIELDS_MAX fields and sub-messages, DEPTH_MAX levels, all memory from one arena. The
 * payload is copied there once, and strings stay where they are in the copy.
 *
 * Refused: bytes that end early, unknown wire types and groups, a field of another type than
 * declared, text that is not UTF-8 or holds a zero, a sub-message given twice. Fields that we do
 * not know are skipped: later versions may have more.
 *
 * The usual (a known field of a usual form, its text in ASCII) is read by a short way of its own;
 * whatever is unusual or wrong goes, untouched, the long way, which knows all forms and finds the
 * words for what is wrong.
 */
#include "core.h"

#include <assert.h>
#include <string.h>
#include "bytes.h"
#include "shape.h"
#include "utf8.h"

enum {
    SIZE_MAX_BYTES = 256 << 10, /* of any message but a plan */
    FIELDS_MAX = 16384,
    DEPTH_MAX = 8,
    ARRAY_FIRST = 4,
    SLACK_BYTES = 8, /* behind the copy of a payload: eight bytes may be looked at anywhere in it */
    NOT_USUAL = -1
};

struct decoding {
    struct ld_arena *arena;
    uint8_t *unended; /* behind the last string: to be its zero once the key there has been read */
    unsigned fields;  /* seen so far */
    struct ld_error *error;
};

/* One message, at whatever depth. */
struct part {
    struct decoding *decoding;
    const struct sv_shape *shape;
    const ProtobufCMessageDescriptor *descriptor;
    ProtobufCMessage *message;
    uint8_t *at, *end;
    unsigned depth;
};

static int read_message(struct decoding *decoding, const struct sv_shape *shape, uint8_t *bytes,
                        size_t size, unsigned depth, ProtobufCMessage **message);

static int malformed(const struct part *part, const ProtobufCFieldDescriptor *field,
                     const char *what)
{
    return ld_fail(part->decoding->error, LD_PROTOCOL, "%s is malformed: %s%s%s",
                   part->descriptor->short_name, field ? field->name : "", field ? ": " : "", what);
}

/* ---- bytes ---- */

static bool read_long_varint(struct part *part, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && part->at < part->end; shift += 7) {
        uint8_t byte = *part->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static inline bool read_varint(struct part *part, uint64_t *value)
{
    if (part->at < part->end && *part->at < 0x80) {
        *value = *part->at++;
        return true;
    }
    return read_long_varint(part, value);
}

/* A value of a wire type other than length-delimited. */
static bool read_number(struct part *part, unsigned wire_type, uint64_t *value)
{
    size_t size = wire_type == PROTOBUF_C_WIRE_TYPE_32BIT ? 4 : 8;
    if (wire_type == PROTOBUF_C_WIRE_TYPE_VARINT)
        return read_varint(part, value);
    if ((size_t)(part->end - part->at) < size)
        return false;
    *value = size == 4 ? ld_get_u32(part->at) : ld_get_u64(part->at);
    part->at += size;
    return true;
}

/* ---- members ---- */

static unsigned wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    default:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
}

static size_t size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    default:
        return 4;
    }
}

static void *member(const struct part *part, unsigned offset)
{
    return (char *)part->message + offset;
}

/* Room for one more element of a repeated field; capacities are powers of two. */
static inline void *append_to(const struct part *part, unsigned offset, unsigned count_offset,
                              size_t size)
{
    size_t *count = member(part, count_offset);
    char **array = member(part, offset);
    bool full = *count == 0 || (*count >= ARRAY_FIRST && (*count & (*count - 1)) == 0);
    if (full) {
        size_t capacity = *count == 0 ? ARRAY_FIRST : *count * 2;
        char *more = ld_arena_take(part->decoding->arena, capacity * size);
        if (*count > 0)
            memcpy(more, *array, *count * size);
        *array = more;
    }
    return memset(*array + size * (*count)++, 0, size);
}

static void *append(const struct part *part, const ProtobufCFieldDescriptor *field)
{
    return append_to(part, field->offset, field->quantifier_offset, size_of(field->type));
}

/* Where the field's next value goes. */
static void *place_of(const struct part *part, const ProtobufCFieldDescriptor *field)
{
    assert(!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
           field->label != PROTOBUF_C_LABEL_REQUIRED); /* none in our messages */
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return append(part, field);
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->quantifier_offset)
        *(protobuf_c_boolean *)member(part, field->quantifier_offset) = true;
    return member(part, field->offset);
}

static void put_number(ProtobufCType type, void *place, uint64_t value)
{
    uint64_t zigzag = (value >> 1) ^ (0 - (value & 1));
    uint32_t low;
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)place = value != 0;
        break;
    case PROTOBUF_C_TYPE_SINT64:
        memcpy(place, &zigzag, sizeof zigzag);
        break;
    case PROTOBUF_C_TYPE_SINT32:
        low = (uint32_t)zigzag;
        memcpy(place, &low, sizeof low);
        break;
    default:
        low = (uint32_t)value;
        if (size_of(type) == sizeof value)
            memcpy(place, &value, sizeof value);
        else
            memcpy(place, &low, sizeof low);
    }
}

/* ---- fields ---- */

/* A string stays where it is in our copy of the payload. What stands behind it is the key of the
 * next field, or the end. */
static uint8_t *in_place(struct decoding *decoding, uint8_t *bytes, size_t size)
{
    decoding->unended = bytes + size;
    return bytes;
}

static int read_string(struct part *part, const ProtobufCFieldDescriptor *field, uint8_t *bytes,
                       size_t size)
{
    if (!sv_utf8_valid(bytes, size))
        return malformed(part, field, "not UTF-8 text");
    *(char **)place_of(part, field) = (char *)in_place(part->decoding, bytes, size);
    return LD_OK;
}

static int read_bytes(struct part *part, const ProtobufCFieldDescriptor *field, uint8_t *bytes,
                      size_t size)
{
    ProtobufCBinaryData *data = place_of(part, field);
    data->len = size;
    data->data = in_place(part->decoding, bytes, size);
    return LD_OK;
}

static int read_part(struct part *part, const ProtobufCFieldDescriptor *field, uint8_t *bytes,
                     size_t size)
{
    ProtobufCMessage **place = place_of(part, field);
    if (*place)
        return malformed(part, field, "there twice");
    return read_message(part->decoding, sv_shape_of_part(field->descriptor), bytes, size,
                        part->depth + 1, place);
}

/* Numbers of one repeated field, end to end. */
static int read_packed(struct part *part, const ProtobufCFieldDescriptor *field, uint8_t *bytes,
                       size_t size)
{
    struct part packed = *part;
    packed.at = bytes;
    packed.end = bytes + size;
    uint64_t value;
    while (packed.at < packed.end) {
        if (!read_number(&packed, wire_type_of(field->type), &value))
            return malformed(part, field, "a number is cut short");
        put_number(field->type, append(&packed, field), value);
    }
    return LD_OK;
}

static int read_delimited(struct part *part, const ProtobufCFieldDescriptor *field)
{
    uint64_t size;
    if (!read_varint(part, &size) || size > (uint64_t)(part->end - part->at))
        return malformed(part, field, "longer than what holds it");
    uint8_t *bytes = part->at;
    part->at += size;
    if (!field)
        return LD_OK;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return read_string(part, field, bytes, (size_t)size);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return read_part(part, field, bytes, (size_t)size);
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return read_bytes(part, field, bytes, (size_t)size);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return read_packed(part, field, bytes, (size_t)size);
    return malformed(part, field, "of another type than declared");
}

static int read_plain(struct part *part, const ProtobufCFieldDescriptor *field, unsigned wire_type)
{
    uint64_t value;
    if (!read_number(part, wire_type, &value))
        return malformed(part, field, "a number is cut short");
    if (!field)
        return LD_OK;
    if (wire_type_of(field->type) != wire_type)
        return malformed(part, field, "of another type than declared");
    put_number(field->type, place_of(part, field), value);
    return LD_OK;
}

/* Our fields are numbered from 1 without gaps, nearly always. */
static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *descriptor,
                                                uint64_t id)
{
    if (id <= descriptor->n_fields && descriptor->fields[id - 1].id == id)
        return &descriptor->fields[id - 1];
    return protobuf_c_message_descriptor_get_field(descriptor, (unsigned)id);
}

static int read_field(struct part *part)
{
    uint64_t key;
    if (!read_varint(part, &key) || key >> 3 == 0 || key >> 3 >= 1u << 29)
        return malformed(part, NULL, "bad field number");
    *part->decoding->unended = 0;
    if (++part->decoding->fields > FIELDS_MAX)
        return ld_fail(part->decoding->error, LD_TOOBIG, "more than %d fields", FIELDS_MAX);
    const ProtobufCFieldDescriptor *field = field_of(part->descriptor, key >> 3);
    switch (key & 7) {
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        return read_delimited(part, field);
    case PROTOBUF_C_WIRE_TYPE_VARINT:
    case PROTOBUF_C_WIRE_TYPE_32BIT:
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        return read_plain(part, field, (unsigned)(key & 7));
    default:
        return malformed(part, field, "unknown wire type");
    }
}

/* ---- the short way ---- */

/* Each byte 01..7F. May say no of such a text, too; then the long way finds that it is good. */
static inline bool is_plain(const uint8_t *text, size_t size)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word, odd = 0;
    for (; size > sizeof word; text += sizeof word, size -= sizeof word) {
        word = ld_get_u64(text);
        odd |= word | (word - ones);
    }
    if (size > 0) {
        uint64_t kept = UINT64_MAX >> (64 - 8 * size);
        word = (ld_get_u64(text) & kept) | (ones & ~kept);
        odd |= word | (word - ones);
    }
    return (odd & (ones << 7)) == 0;
}

/* The field has been read up to here. */
static inline void go_on(struct part *part, uint8_t *to)
{
    *part->decoding->unended = 0;
    part->decoding->fields++;
    part->at = to;
}

static inline void *usual_place(const struct part *part, const struct sv_shape_field *field)
{
    if (field->form == SV_FORM_TEXTS || field->form == SV_FORM_PARTS)
        return append_to(part, field->offset, field->count_offset, sizeof(void *));
    return member(part, field->offset);
}

static inline int usual_text(struct part *part, const struct sv_shape_field *field, uint8_t *bytes,
                             size_t size)
{
    if (!is_plain(bytes, size))
        return NOT_USUAL;
    go_on(part, bytes + size);
    part->decoding->unended = bytes + size;
    *(char **)usual_place(part, field) = (char *)bytes;
    return LD_OK;
}

static inline int usual_part(struct part *part, const struct sv_shape_field *field, uint8_t *bytes,
                             size_t size)
{
    ProtobufCMessage **only = member(part, field->offset);
    if (field->form == SV_FORM_PART && *only)
        return NOT_USUAL; /* there twice */
    go_on(part, bytes + size);
    return read_message(part->decoding, field->part, bytes, size, part->depth + 1,
                        usual_place(part, field));
}

static inline int usual_varint(struct part *part, const struct sv_shape_field *field)
{
    uint8_t *at = part->at + 1, *end = part->end;
    uint64_t value = 0;
    unsigned shift = 0;
    do {
        if (at == end || shift >= 64)
            return NOT_USUAL;
        value |= (uint64_t)(*at & 0x7f) << shift;
        shift += 7;
    } while (*at++ & 0x80);
    void *place = member(part, field->offset);
    if (field->form == SV_FORM_EIGHT)
        *(uint64_t *)place = value;
    else
        *(uint32_t *)place = field->form == SV_FORM_FOUR ? (uint32_t)value : value != 0;
    go_on(part, at);
    return LD_OK;
}

static inline int usual_fixed(struct part *part, const struct sv_shape_field *field)
{
    enum { SIZE = sizeof(uint64_t) };
    if (part->end - part->at < 1 + SIZE)
        return NOT_USUAL;
    memcpy(member(part, field->offset), part->at + 1, SIZE);
    go_on(part, part->at + 1 + SIZE);
    return LD_OK;
}

/* LD_OK, what is wrong within a part, or NOT_USUAL with nothing done. */
static inline int read_usual(struct part *part)
{
    const struct sv_shape_field *field = sv_shape_field_at(part->shape, part->at[0]);
    if (!field || part->decoding->fields == FIELDS_MAX)
        return NOT_USUAL;
    if (field->form == SV_FORM_FIXED)
        return usual_fixed(part, field);
    if (field->form >= SV_FORM_FLAG)
        return usual_varint(part, field);
    uint8_t *bytes = part->at + 2, size = part->at[1]; /* there is slack behind the end */
    if (size > 0x7f || bytes + size > part->end)
        return NOT_USUAL;
    if (field->form <= SV_FORM_TEXTS)
        return usual_text(part, field, bytes, size);
    return usual_part(part, field, bytes, size);
}

static int read_message(struct decoding *decoding, const struct sv_shape *shape, uint8_t *bytes,
                        size_t size, unsigned depth, ProtobufCMessage **message)
{
    struct part part = {decoding, shape, shape->descriptor, NULL, bytes, bytes + size, depth};
    if (depth > DEPTH_MAX)
        return malformed(&part, NULL, "nested too deep");
    part.message = ld_arena_take(decoding->arena, shape->descriptor->sizeof_message);
    shape->descriptor->message_init(part.message);
    *message = part.message;
    while (part.at < part.end) {
        int code = read_usual(&part);
        if (code == NOT_USUAL)
            code = read_field(&part);
        if (code != LD_OK)
            return code;
    }
    return LD_OK;
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
    const struct sv_shape *shape = sv_shape_of(family);
    *message = NULL;
    if (!shape)
        return ld_fail(error, LD_PROTOCOL, "%s carries no message", sv_family_name(family));
    int code = check_size(family, size, error);
    if (code != LD_OK)
        return code;
    uint8_t *copy = ld_arena_take(arena, size + SLACK_BYTES);
    if (size > 0)
        memcpy(copy, payload, size);
    memset(copy + size, 0, SLACK_BYTES);
    struct decoding decoding = {.arena = arena, .unended = copy + size, .error = error};
    code = read_message(&decoding, shape, copy, size, 0, message);
    *decoding.unended = 0;
    if (code != LD_OK)
        *message = NULL;
    return code;
}
