/* Enum values of the messages as people write them: "IV", "in-progress", "telephone". */
#ifndef CLI_ENUM_NAME_H
#define CLI_ENUM_NAME_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

/* The word for a value: its name in lower case, '_' as '-', without "LEVEL_", levels in capitals
 * ("IV", "none"); "?" if unknown. Returns text. */
enum { ENUM_WORD_SIZE = 40 };
const char *enum_word(char text[ENUM_WORD_SIZE], const ProtobufCEnumDescriptor *descriptor,
                      int value);
/* The value that a word or a full name stands for, whatever its case; -1 if none. */
int enum_value(const ProtobufCEnumDescriptor *descriptor, const char *word);
/* All words, joined by ", ": for error texts. UNSPECIFIED is left out. Returns text. */
const char *enum_words(char *text, size_t size, const ProtobufCEnumDescriptor *descriptor);

#endif
