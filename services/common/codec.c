/*
 * State that lasts: one pass over a core's state either writes it or reads it back.
 *
 * Integers are base-128 varints (signed ones zigzag), doubles their eight bytes, strings length + 1
 * (0: NULL) and bytes. Loading trusts nothing: the first read beyond the end or impossible value
 * makes the codec fail for good, and everything read from then on is zero.
 */
#include "inside.h"

#include <stdlib.h>
#include <string.h>
#include "bytes.h"

bool sv_codec_loading(const struct sv_codec *codec)
{
    return !codec->into;
}

bool sv_codec_failed(const struct sv_codec *codec)
{
    return codec->failed;
}

void sv_codec_fail(struct sv_codec *codec)
{
    codec->failed = true;
}

static void save_u64(struct sv_codec *codec, uint64_t value)
{
    uint8_t *place = ld_buffer_reserve(codec->into, 10);
    size_t size = 0;
    while (value >= 0x80) {
        place[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    place[size++] = (uint8_t)value;
    codec->into->size += size;
}

static uint64_t load_u64(struct sv_codec *codec)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && codec->at < codec->size; shift += 7) {
        uint8_t byte = codec->from[codec->at++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return codec->failed ? 0 : value;
    }
    codec->failed = true;
    return 0;
}

void sv_code_u64(struct sv_codec *codec, uint64_t *value)
{
    if (codec->into)
        save_u64(codec, *value);
    else
        *value = load_u64(codec);
}

void sv_code_i64(struct sv_codec *codec, int64_t *value)
{
    uint64_t zigzag = ((uint64_t)*value << 1) ^ (uint64_t)(*value >> 63);
    sv_code_u64(codec, &zigzag);
    *value = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
}

void sv_code_int(struct sv_codec *codec, int *value)
{
    int64_t wide = *value;
    sv_code_i64(codec, &wide);
    if (wide < INT32_MIN || wide > INT32_MAX)
        codec->failed = true;
    *value = codec->failed ? 0 : (int)wide;
}

void sv_code_bool(struct sv_codec *codec, bool *value)
{
    uint64_t wide = *value;
    sv_code_u64(codec, &wide);
    if (wide > 1)
        codec->failed = true;
    *value = !codec->failed && wide == 1;
}

void sv_code_double(struct sv_codec *codec, double *value)
{
    uint64_t bits;
    if (codec->into) {
        memcpy(&bits, value, sizeof bits);
        ld_put_u64(ld_buffer_reserve(codec->into, sizeof bits), bits);
        codec->into->size += sizeof bits;
        return;
    }
    *value = 0;
    if (codec->failed || codec->size - codec->at < sizeof bits) {
        codec->failed = true;
        return;
    }
    bits = ld_get_u64(codec->from + codec->at);
    codec->at += sizeof bits;
    memcpy(value, &bits, sizeof bits);
}

/* An element takes at least one byte, so a count beyond what is left is damage. */
void sv_code_count(struct sv_codec *codec, size_t *count)
{
    uint64_t wide = *count;
    sv_code_u64(codec, &wide);
    if (!codec->into && wide > codec->size - codec->at)
        codec->failed = true;
    *count = codec->failed ? 0 : (size_t)wide;
}

const uint8_t *sv_code_view(struct sv_codec *codec, size_t *size)
{
    sv_code_count(codec, size);
    const uint8_t *bytes = codec->from + codec->at;
    codec->at += *size;
    return bytes;
}

void sv_code_bytes(struct sv_codec *codec, uint8_t **data, size_t *size)
{
    if (codec->into) {
        sv_code_count(codec, size);
        ld_buffer_append(codec->into, *data, *size);
        return;
    }
    const uint8_t *bytes = sv_code_view(codec, size);
    *data = malloc(*size + 1);
    if (!*data)
        abort();
    if (*size > 0)
        memcpy(*data, bytes, *size);
    (*data)[*size] = 0;
}

void sv_code_string(struct sv_codec *codec, char **value)
{
    bool there = *value != NULL;
    sv_code_bool(codec, &there);
    if (!codec->into)
        *value = NULL;
    if (!there)
        return;
    uint8_t *bytes = (uint8_t *)*value;
    size_t size = codec->into ? strlen(*value) : 0;
    sv_code_bytes(codec, &bytes, &size);
    if (!codec->into && codec->failed) {
        free(bytes);
        return;
    }
    *value = (char *)bytes;
}

void sv_code_plan(struct sv_codec *codec, const struct plan **plan)
{
    union {
        const char *constant;
        char *plain; /* only read while saving */
    } hash = {codec->into && *plan ? (*plan)->hash : NULL};
    sv_code_string(codec, &hash.plain);
    if (codec->into)
        return;
    *plan = hash.plain ? sv_plans_pinned(codec->plans, hash.plain) : NULL;
    if (hash.plain && !*plan)
        codec->failed = true;
    free(hash.plain);
}
