#include "keep.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void *or_abort(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

void *keep_zeroed(size_t size)
{
    return or_abort(calloc(1, size));
}

char *keep_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (size < 0)
        abort();
    return text;
}

void *keep_copy(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = or_abort(malloc(size + 1));
    protobuf_c_message_pack(message, packed);
    void *copy = protobuf_c_message_unpack(message->descriptor, NULL, size, packed);
    free(packed);
    return or_abort(copy);
}

void *keep_room(void *array, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity == 0 ? 16 : *capacity * 2;
    return or_abort(reallocarray(array, *capacity, item_size));
}
