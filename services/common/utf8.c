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

/* Up to eight bytes, filled up with blanks. */
static uint64_t word_of(const uint8_t *text, size_t size)
{
    uint64_t word = UINT64_C(0x2020202020202020);
    memcpy(&word, text, size);
    return word;
}

bool sv_utf8_valid(const uint8_t *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        size_t left = size - at;
        if (plain_eight(left >= 8 ? word_of(text + at, 8) : word_of(text + at, left))) {
            at += left < 8 ? left : 8;
            continue;
        }
        if (text[at] == 0)
            return false;
        size_t step = text[at] < 0x80 ? 1 : character_size(text + at, left);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}
