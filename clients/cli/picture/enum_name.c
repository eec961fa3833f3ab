#include "enum_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char LEVEL_PREFIX[] = "LEVEL_";
static const char UNSPECIFIED[] = "UNSPECIFIED";

static bool is_unspecified(const char *name)
{
    size_t size = strlen(name), tail = sizeof UNSPECIFIED - 1;
    return size >= tail && strcmp(name + size - tail, UNSPECIFIED) == 0;
}

static void word_of(char text[ENUM_WORD_SIZE], const char *name)
{
    bool level = strncmp(name, LEVEL_PREFIX, sizeof LEVEL_PREFIX - 1) == 0;
    const char *from = level ? name + sizeof LEVEL_PREFIX - 1 : name;
    bool keep_case = level && strcmp(from, "NONE") != 0;
    size_t at = 0;
    for (; from[at] != '\0' && at + 1 < ENUM_WORD_SIZE; at++) {
        char lower = from[at] == '_' ? '-' : (char)tolower((unsigned char)from[at]);
        text[at] = keep_case ? from[at] : lower;
    }
    text[at] = '\0';
}

const char *enum_word(char text[ENUM_WORD_SIZE], const ProtobufCEnumDescriptor *descriptor,
                      int value)
{
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, value);
    if (found == NULL)
        snprintf(text, ENUM_WORD_SIZE, "?");
    else if (is_unspecified(found->name))
        snprintf(text, ENUM_WORD_SIZE, "none");
    else
        word_of(text, found->name);
    return text;
}

int enum_value(const ProtobufCEnumDescriptor *descriptor, const char *word)
{
    char own[ENUM_WORD_SIZE];
    for (unsigned i = 0; i < descriptor->n_values; i++) {
        const ProtobufCEnumValue *value = &descriptor->values[i];
        if (is_unspecified(value->name))
            continue;
        word_of(own, value->name);
        if (strcasecmp(own, word) == 0 || strcasecmp(value->name, word) == 0)
            return value->value;
    }
    return -1;
}

const char *enum_words(char *text, size_t size, const ProtobufCEnumDescriptor *descriptor)
{
    char own[ENUM_WORD_SIZE];
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < descriptor->n_values; i++) {
        if (is_unspecified(descriptor->values[i].name))
            continue;
        word_of(own, descriptor->values[i].name);
        int put = snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", own);
        if (put < 0 || (size_t)put >= size - used)
            break;
        used += (size_t)put;
    }
    return text;
}
