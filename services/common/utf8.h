/* Is this well-formed UTF-8 (RFC 3629: shortest form, no surrogates, up to U+10FFFF), without
 * U+0000? */
#ifndef SV_UTF8_H
#define SV_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool sv_utf8_valid(const uint8_t *text, size_t size);

#endif
