/* A growing byte buffer; capacity doubles, so that appending costs the same on average. */
#include "buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 64 };

uint8_t *ld_buffer_reserve(struct ld_buffer *buffer, size_t extra)
{
    if (extra > SIZE_MAX / 2 - buffer->size)
        abort();
    size_t needed = buffer->size + extra;
    if (needed > buffer->capacity || !buffer->data) {
        size_t capacity = buffer->capacity ? buffer->capacity : CAPACITY_FIRST;
        while (capacity < needed)
            capacity *= 2;
        uint8_t *data = realloc(buffer->data, capacity);
        if (!data)
            abort();
        buffer->data = data;
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->size;
}

void ld_buffer_append(struct ld_buffer *buffer, const void *data, size_t size)
{
    if (size == 0)
        return;
    memcpy(ld_buffer_reserve(buffer, size), data, size);
    buffer->size += size;
}

void ld_buffer_text(struct ld_buffer *buffer, const char *text)
{
    ld_buffer_append(buffer, text, strlen(text));
}

void ld_buffer_format(struct ld_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(size >= 0);
    char *place = (char *)ld_buffer_reserve(buffer, (size_t)size + 1);
    va_start(arguments, format);
    vsnprintf(place, (size_t)size + 1, format, arguments);
    va_end(arguments);
    buffer->size += (size_t)size;
}

const char *ld_buffer_string(struct ld_buffer *buffer)
{
    *ld_buffer_reserve(buffer, 1) = 0;
    return (const char *)buffer->data;
}

void ld_buffer_clear(struct ld_buffer *buffer)
{
    buffer->size = 0;
}

void ld_buffer_free(struct ld_buffer *buffer)
{
    if (!buffer)
        return;
    free(buffer->data);
    *buffer = (struct ld_buffer){0};
}
