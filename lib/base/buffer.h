/* A growing byte buffer. data is NULL until the first byte; freed by ld_buffer_free. */
#ifndef LD_BASE_BUFFER_H
#define LD_BASE_BUFFER_H

#include <liandong/error.h>
#include <stdint.h>

struct ld_buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

/* Makes room for extra bytes behind size and returns where they go; aborts when memory ends, as
 * every bound is checked before growing. The bytes count once ld_buffer_grow or size += is done. */
uint8_t *ld_buffer_reserve(struct ld_buffer *buffer, size_t extra);
void ld_buffer_append(struct ld_buffer *buffer, const void *data, size_t size);
void ld_buffer_text(struct ld_buffer *buffer, const char *text);
void ld_buffer_format(struct ld_buffer *buffer, const char *format, ...) LD_PRINTF(2, 3);
/* The bytes as a zero-terminated string (the zero is not counted); borrowed. */
const char *ld_buffer_string(struct ld_buffer *buffer);
void ld_buffer_clear(struct ld_buffer *buffer); /* keeps the memory */
void ld_buffer_free(struct ld_buffer *buffer);

#endif
