/* Well-formed UTF-8, table 3-7 of the Unicode standard; eight ASCII bytes at a time. */
#include "utf8.h"

#include <string.h>

/* Bytes of a multi-byte character at text, 0 if malformed: first byte gives the length and the
 * range of the second, the others are 80..BF. */
static size_t character_size(const uint8_t *text, size_t left)
{
    uint8_t first = text[0], low = 0x80, high = 0xbf;
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || left < size)
        return 0;
    if (first == 0xe0)
        low = 0xa0;
    if (first == 0xed)
        high = 0x9f;
    if (first == 0xf0)
        low = 0x90;
    if (first == 0xf4)
        high = 0x8f;
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    return size;
}

/* Eight bytes, each 01..7F: no high bit, and none that borrows when 1 is taken from each. */
static bool plain_eight(uint64_t word)
{
    return ((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080)) == 0;
}

static uint64_t eight(const uint8_t *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

static uint64_t four(const uint8_t *text)
{
    uint32_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

/* All bytes of a text of 1 to 7, some of them twice. */
static uint64_t few(const uint8_t *text, size_t size)
{
    if (size >= 4)
        return four(text) | four(text + size - 4) << 32;
    return UINT64_C(0x2020202020000000) | (uint64_t)text[size - 1] << 16 |
           (uint64_t)text[size / 2] << 8 | text[0];
}

/* Fewer than eight bytes are left. */
static bool plain_to_the_end(const uint8_t *text, size_t size, size_t at)
{
    if (at == size)
        return true;
    return plain_eight(size >= 8 ? eight(text + size - 8) : few(text + at, size - at));
}

bool sv_utf8_valid(const uint8_t *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        while (size - at >= 8 && plain_eight(eight(text + at)))
            at += 8;
        if (size - at < 8 && plain_to_the_end(text, size, at))
            return true;
        if (text[at] == 0)
            return false;
        size_t step = text[at] < 0x80 ? 1 : character_size(text + at, size - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}
