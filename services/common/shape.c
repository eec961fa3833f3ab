/* All shapes, made from the descriptors at first use. */
#include "shape.h"

#include <assert.h>
#include <pthread.h>

enum { SHAPES_MAX = 64, NUMBER_SHIFT = 3 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct sv_shape shapes[SHAPES_MAX];
static size_t shape_count;
static const struct sv_shape *by_family[SV_FAMILY_COUNT];

static const struct sv_shape *make(const ProtobufCMessageDescriptor *descriptor);

static enum sv_form plain_form(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
        return SV_FORM_TEXT;
    case PROTOBUF_C_TYPE_MESSAGE:
        return SV_FORM_PART;
    case PROTOBUF_C_TYPE_BOOL:
        return SV_FORM_FLAG;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_ENUM:
        return SV_FORM_FOUR;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        return SV_FORM_EIGHT;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return SV_FORM_FIXED;
    default:
        return SV_FORM_OTHER;
    }
}

static enum sv_form form_of(const ProtobufCFieldDescriptor *field)
{
    enum sv_form form = plain_form(field->type);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return form == SV_FORM_TEXT   ? SV_FORM_TEXTS
               : form == SV_FORM_PART ? SV_FORM_PARTS
                                      : SV_FORM_OTHER;
    bool counted = field->quantifier_offset != 0 || field->label == PROTOBUF_C_LABEL_REQUIRED;
    return counted || (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ? SV_FORM_OTHER : form;
}

static uint8_t key_of(const ProtobufCFieldDescriptor *field, enum sv_form form)
{
    unsigned wire_type = form == SV_FORM_FIXED  ? PROTOBUF_C_WIRE_TYPE_64BIT
                         : form >= SV_FORM_FLAG ? PROTOBUF_C_WIRE_TYPE_VARINT
                                                : PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    return form == SV_FORM_OTHER ? 0 : (uint8_t)(field->id << NUMBER_SHIFT | wire_type);
}

static struct sv_shape_field field_of(const ProtobufCFieldDescriptor *field)
{
    enum sv_form form = form_of(field);
    bool message = field->type == PROTOBUF_C_TYPE_MESSAGE;
    assert(field->offset <= UINT16_MAX && field->quantifier_offset <= UINT16_MAX);
    return (struct sv_shape_field){.part = message ? make(field->descriptor) : NULL,
                                   .offset = (uint16_t)field->offset,
                                   .count_offset = (uint16_t)field->quantifier_offset,
                                   .form = (uint8_t)form,
                                   .key = key_of(field, form)};
}

static const struct sv_shape *find(const ProtobufCMessageDescriptor *descriptor)
{
    for (size_t i = 0; i < shape_count; i++) {
        if (shapes[i].descriptor == descriptor)
            return &shapes[i];
    }
    return NULL;
}

static const struct sv_shape *make(const ProtobufCMessageDescriptor *descriptor)
{
    const struct sv_shape *made = find(descriptor);
    if (made)
        return made;
    assert(shape_count < SHAPES_MAX);
    struct sv_shape *shape = &shapes[shape_count++];
    shape->descriptor = descriptor;
    shape->fields[0].key = 1 << NUMBER_SHIFT;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        struct sv_shape_field field = field_of(&descriptor->fields[i]);
        if (descriptor->fields[i].id < SV_SHAPE_FIELDS)
            shape->fields[descriptor->fields[i].id] = field;
    }
    return shape;
}

static void make_all(void)
{
    for (int family = 0; family < SV_FAMILY_COUNT; family++) {
        const ProtobufCMessageDescriptor *descriptor = sv_family_descriptor((enum sv_family)family);
        by_family[family] = descriptor ? make(descriptor) : NULL;
    }
}

const struct sv_shape *sv_shape_of(enum sv_family family)
{
    pthread_once(&once, make_all);
    return by_family[family];
}

const struct sv_shape *sv_shape_of_part(const ProtobufCMessageDescriptor *descriptor)
{
    const struct sv_shape *shape = find(descriptor);
    assert(shape);
    return shape;
}
