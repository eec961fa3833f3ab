/*
 * Shapes: what decoding needs to know of a message's fields, side by side. protobuf-c's descriptors
 * spread it over two cache lines a field, behind several switches.
 */
#ifndef SV_SHAPE_H
#define SV_SHAPE_H

#include "core.h"

enum { SV_SHAPE_FIELDS = 16 }; /* those whose keys take one byte have numbers from 1 to 15 */

enum sv_form {
    SV_FORM_OTHER, /* not known, or of a form that is rare */
    SV_FORM_TEXT,
    SV_FORM_TEXTS, /* strings, one or repeated */
    SV_FORM_PART,
    SV_FORM_PARTS, /* messages */
    SV_FORM_FLAG,  /* bool */
    SV_FORM_FOUR,
    SV_FORM_EIGHT, /* varints, by their size in memory; not zigzag */
    SV_FORM_FIXED  /* eight bytes as they are */
};

struct sv_shape_field {
    const struct sv_shape *part;   /* of messages */
    uint16_t offset, count_offset; /* in the message; count: of repeated ones */
    uint8_t form;
    uint8_t key; /* as on the wire: number and wire type; of another number if there is none here */
};
struct sv_shape {
    const ProtobufCMessageDescriptor *descriptor;
    struct sv_shape_field fields[SV_SHAPE_FIELDS]; /* by number */
};

/* The field with this key; NULL if it is not known, or of a form that is rare. */
static inline const struct sv_shape_field *sv_shape_field_at(const struct sv_shape *shape,
                                                             uint8_t key)
{
    const struct sv_shape_field *field = &shape->fields[key >> 3 & (SV_SHAPE_FIELDS - 1)];
    return field->key == key ? field : NULL;
}

/* NULL if the family carries no message. Made once, for all threads. */
const struct sv_shape *sv_shape_of(enum sv_family family);
/* Of a message that is part of one of a family. */
const struct sv_shape *sv_shape_of_part(const ProtobufCMessageDescriptor *descriptor);

#endif
