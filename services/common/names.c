/*
 * Names: bytes in one pool, found by XXH3 in a table of hashes and numbers with linear probing,
 * at most half full. The table is never saved: loading adds the names again.
 */
#include "names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "inside.h"

enum { SLOTS_FIRST = 16, LOADED_AHEAD = 16 };

struct sv_name {
    size_t offset, size;
};

static uint32_t hash_of(const char *text, size_t size)
{
    return (uint32_t)XXH3_64bits(text, size);
}

static size_t number_in(uint64_t slot)
{
    return (size_t)(uint32_t)slot - 1;
}

static bool is_name(const struct sv_names *names, uint64_t slot, uint32_t hash, const char *text,
                    size_t size)
{
    if (slot >> 32 != hash)
        return false;
    const struct sv_name *name = &names->all[number_in(slot)];
    return name->size == size && memcmp(names->pool + name->offset, text, size) == 0;
}

/* The slot of the name, or the free one where it belongs. */
static uint64_t *slot_of(const struct sv_names *names, uint32_t hash, const char *text, size_t size)
{
    size_t mask = names->slot_count - 1;
    size_t at = hash & mask;
    while (names->slots[at] && !is_name(names, names->slots[at], hash, text, size))
        at = (at + 1) & mask;
    return &names->slots[at];
}

/* Room for so many names; more than for one at a time only when loading. */
static void grow_slots(struct sv_names *names, size_t count)
{
    size_t old_count = names->slot_count;
    uint64_t *old = names->slots;
    if (old_count == 0)
        names->slot_count = SLOTS_FIRST;
    while (names->slot_count <= count * 2)
        names->slot_count *= 2;
    names->slots = calloc(names->slot_count, sizeof *names->slots);
    if (!names->slots)
        abort();
    for (size_t i = 0; i < old_count; i++) {
        size_t at = (size_t)(old[i] >> 32) & (names->slot_count - 1);
        while (old[i] && names->slots[at])
            at = (at + 1) & (names->slot_count - 1);
        if (old[i])
            names->slots[at] = old[i];
    }
    free(old);
}

static void *at_least(void *array, size_t *capacity, size_t needed, size_t element_size)
{
    if (needed <= *capacity)
        return array;
    size_t more = *capacity ? *capacity * 2 : 16;
    while (more < needed)
        more *= 2;
    void *grown = realloc(array, more * element_size);
    if (!grown)
        abort();
    *capacity = more;
    return grown;
}

size_t sv_names_pair(char pair[SV_PAIR_SIZE], const char *first, const char *second)
{
    size_t first_size = strnlen(first, SV_PAIR_SIZE / 2 - 1);
    size_t second_size = strnlen(second, SV_PAIR_SIZE / 2);
    memcpy(pair, first, first_size);
    pair[first_size] = 0;
    memcpy(pair + first_size + 1, second, second_size);
    return first_size + 1 + second_size;
}

static void append(struct sv_names *names, const char *text, size_t size)
{
    assert(names->count < UINT32_MAX - 1);
    names->all = at_least(names->all, &names->capacity, names->count + 1, sizeof *names->all);
    names->pool = at_least(names->pool, &names->pool_capacity, names->pool_size + size + 1, 1);
    names->all[names->count++] = (struct sv_name){names->pool_size, size};
    if (size > 0)
        memcpy(names->pool + names->pool_size, text, size);
    names->pool[names->pool_size + size] = 0;
    names->pool_size += size + 1;
}

size_t sv_names_find(const struct sv_names *names, const char *text, size_t size)
{
    if (names->count == 0)
        return SV_NO_NAME;
    uint64_t slot = *slot_of(names, hash_of(text, size), text, size);
    return slot ? number_in(slot) : SV_NO_NAME;
}

/* There is a free slot. */
static size_t add_hashed(struct sv_names *names, uint32_t hash, const char *text, size_t size)
{
    uint64_t *slot = slot_of(names, hash, text, size);
    if (*slot)
        return number_in(*slot);
    append(names, text, size);
    *slot = (uint64_t)hash << 32 | names->count;
    return names->count - 1;
}

size_t sv_names_add(struct sv_names *names, const char *text, size_t size)
{
    if (names->count * 2 >= names->slot_count)
        grow_slots(names, names->count);
    return add_hashed(names, hash_of(text, size), text, size);
}

void sv_names_ahead(const struct sv_names *names, const char *text, size_t size)
{
    if (names->slot_count > 0)
        __builtin_prefetch(&names->slots[hash_of(text, size) & (names->slot_count - 1)]);
}

const char *sv_names_text(const struct sv_names *names, size_t number)
{
    assert(number < names->count);
    return (const char *)names->pool + names->all[number].offset;
}

void sv_names_free(struct sv_names *names)
{
    free(names->all);
    free(names->pool);
    free(names->slots);
    *names = (struct sv_names){0};
}

/* Loading adds them again: the hashes of some are made ahead, so that their slots are there when
 * they are looked at. */
static void load_names(struct sv_names *names, size_t count, struct sv_codec *codec)
{
    struct coming {
        const uint8_t *bytes;
        size_t size;
        uint32_t hash;
    } coming[LOADED_AHEAD];
    if (count > 0)
        grow_slots(names, count);
    while (names->count < count && !codec->failed) {
        size_t left = count - names->count, ahead = left < LOADED_AHEAD ? left : LOADED_AHEAD;
        for (size_t i = 0; i < ahead; i++) {
            coming[i].bytes = sv_code_view(codec, &coming[i].size);
            coming[i].hash = hash_of((const char *)coming[i].bytes, coming[i].size);
            __builtin_prefetch(&names->slots[coming[i].hash & (names->slot_count - 1)]);
        }
        for (size_t i = 0; i < ahead && !codec->failed; i++) {
            size_t next = names->count;
            const char *text = (const char *)coming[i].bytes;
            if (add_hashed(names, coming[i].hash, text, coming[i].size) != next)
                codec->failed = true; /* a name given twice */
        }
    }
}

void sv_names_visit(struct sv_names *names, struct sv_codec *codec)
{
    size_t count = names->count;
    sv_code_count(codec, &count);
    if (sv_codec_loading(codec)) {
        load_names(names, count, codec);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t *bytes = names->pool + names->all[i].offset;
        size_t size = names->all[i].size;
        sv_code_bytes(codec, &bytes, &size);
    }
}
