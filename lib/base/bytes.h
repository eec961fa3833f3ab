/* Little-endian integers in bytes, at any alignment. */
#ifndef LD_BASE_BYTES_H
#define LD_BASE_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t ld_get_u16(const void *raw)
{
    uint16_t value;
    memcpy(&value, raw, sizeof value);
    return le16toh(value);
}

static inline uint32_t ld_get_u32(const void *raw)
{
    uint32_t value;
    memcpy(&value, raw, sizeof value);
    return le32toh(value);
}

static inline uint64_t ld_get_u64(const void *raw)
{
    uint64_t value;
    memcpy(&value, raw, sizeof value);
    return le64toh(value);
}

static inline void ld_put_u16(void *raw, uint16_t value)
{
    uint16_t little = htole16(value);
    memcpy(raw, &little, sizeof little);
}

static inline void ld_put_u32(void *raw, uint32_t value)
{
    uint32_t little = htole32(value);
    memcpy(raw, &little, sizeof little);
}

static inline void ld_put_u64(void *raw, uint64_t value)
{
    uint64_t little = htole64(value);
    memcpy(raw, &little, sizeof little);
}

#endif
