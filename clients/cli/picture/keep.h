/* Keeping things: copies that live as long as their owner. All abort when memory ends. */
#ifndef CLI_KEEP_H
#define CLI_KEEP_H

#include <liandong/error.h>
#include <protobuf-c/protobuf-c.h>

void *keep_zeroed(size_t size);
char *keep_format(const char *format, ...) LD_PRINTF(1, 2);
/* A deep copy, freed by KEEP_DROP. */
void *keep_copy(const ProtobufCMessage *message);
/* The array, grown where needed so that it has room for one item more than count. */
void *keep_room(void *array, size_t count, size_t *capacity, size_t item_size);

/* Frees the message a pointer holds (NULL is legal) and sets it NULL; replaces it by a copy. */
#define KEEP_DROP(slot)                                                                            \
    (protobuf_c_message_free_unpacked((ProtobufCMessage *)(slot), NULL), (slot) = NULL)
#define KEEP_REPLACE(slot, message) (KEEP_DROP(slot), (slot) = keep_copy(message))

#endif
