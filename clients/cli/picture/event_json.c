/*
 * Generic protobuf-c reflection to jansson. Happy path: one walk over the descriptor's fields, by
 * label and type. Nothing here fails but memory: jansson then yields NULL, which the setters skip.
 */
#include "event_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/core.h"
#include "timefmt.h"

static const char TIME_SUFFIX[] = "_us";
static const char *const DURATIONS[] = {"late_us"};

const char *event_time(char text[EVENT_TIME_SIZE], int64_t time_us)
{
    char whole[LD_TIME_TEXT_SIZE];
    ld_time_format(whole, time_us, LD_CHINA_OFFSET_MINUTES);
    int64_t fraction_us = time_us % LD_US_SECOND;
    if (fraction_us < 0)
        fraction_us += LD_US_SECOND;
    if (fraction_us == 0)
        snprintf(text, EVENT_TIME_SIZE, "%s", whole);
    else
        snprintf(text, EVENT_TIME_SIZE, "%.19s.%06d%s", whole, (int)fraction_us, whole + 19);
    return text;
}

json_t *event_text(struct plan_text text)
{
    return json_pack("{s:s,s:s}", "zh", text.zh, "en", text.en);
}

static bool is_time(const char *name)
{
    size_t size = strlen(name), tail = sizeof TIME_SUFFIX - 1;
    if (size <= tail || strcmp(name + size - tail, TIME_SUFFIX) != 0)
        return false;
    for (size_t i = 0; i < sizeof DURATIONS / sizeof DURATIONS[0]; i++)
        if (strcmp(name, DURATIONS[i]) == 0)
            return false;
    return true;
}

static json_t *hex(const uint8_t *data, size_t size)
{
    char *text = malloc(size * 2 + 1);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", data[i]);
    text[size * 2] = '\0';
    json_t *value = json_string(text);
    free(text);
    return value;
}

/* json_stringn answers NULL for what is not UTF-8. */
static json_t *bytes(const uint8_t *data, size_t size)
{
    json_t *text = json_stringn(size > 0 ? (const char *)data : "", size);
    return text != NULL ? text : hex(data, size);
}

static json_t *time_value(int64_t time_us)
{
    char text[EVENT_TIME_SIZE];
    return time_us == 0 ? NULL : json_string(event_time(text, time_us));
}

static json_t *enumeration(const ProtobufCEnumDescriptor *descriptor, int value)
{
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, value);
    return found != NULL ? json_string(found->name) : json_integer(value);
}

static json_t *text_value(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : bytes((const uint8_t *)text, strlen(text));
}

/* One value of a field; NULL where it is left out. */
static json_t *value_at(const ProtobufCFieldDescriptor *field, const void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return json_integer(*(const int32_t *)at);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return json_integer((json_int_t) * (const uint32_t *)at);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return is_time(field->name) ? time_value(*(const int64_t *)at)
                                    : json_integer(*(const int64_t *)at);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return json_integer((json_int_t) * (const uint64_t *)at);
    case PROTOBUF_C_TYPE_FLOAT:
        return json_real((double)*(const float *)at);
    case PROTOBUF_C_TYPE_DOUBLE:
        return json_real(*(const double *)at);
    case PROTOBUF_C_TYPE_BOOL:
        return json_boolean(*(const protobuf_c_boolean *)at);
    case PROTOBUF_C_TYPE_ENUM:
        return enumeration(field->descriptor, *(const int *)at);
    case PROTOBUF_C_TYPE_STRING:
        return text_value(*(const char *const *)at);
    case PROTOBUF_C_TYPE_BYTES: {
        const ProtobufCBinaryData *data = at;
        return data->len == 0 ? NULL : bytes(data->data, data->len);
    }
    case PROTOBUF_C_TYPE_MESSAGE: {
        const ProtobufCMessage *message = *(const ProtobufCMessage *const *)at;
        return message == NULL ? NULL : event_json_message(message);
    }
    }
    return NULL;
}

static size_t size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return sizeof(int64_t);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return sizeof(int32_t);
    }
}

static json_t *list_value(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
    const char *base = (const char *)message;
    size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
    const char *items = *(const char *const *)(const void *)(base + field->offset);
    if (count == 0)
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *item = value_at(field, items + i * size_of(field->type));
        json_array_append_new(list, item != NULL ? item : json_string(""));
    }
    return list;
}

/* The field's key: its name, a time's without the unit. */
static void key_of(const ProtobufCFieldDescriptor *field, char *key, size_t size)
{
    size_t length = strlen(field->name);
    if (is_time(field->name))
        length -= sizeof TIME_SUFFIX - 1;
    snprintf(key, size, "%.*s", (int)length, field->name);
}

json_t *event_json_message(const ProtobufCMessage *message)
{
    if (message == NULL)
        return json_null();
    json_t *object = json_object();
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const char *at = (const char *)message + field->offset;
        json_t *value = field->label == PROTOBUF_C_LABEL_REPEATED ? list_value(field, message)
                                                                  : value_at(field, at);
        char key[80];
        key_of(field, key, sizeof key);
        if (value != NULL)
            json_object_set_new(object, key, value);
    }
    return object;
}

json_t *event_json(const struct ld_record *record, const ProtobufCMessage *message,
                   const char *producer)
{
    char text[EVENT_TIME_SIZE], id[20];
    snprintf(id, sizeof id, "%016llx", (unsigned long long)record->producer);
    enum sv_family family = sv_family_of(record->topic, record->topic_size);
    json_t *object = json_object();
    json_object_set_new(object, "sequence", json_integer((json_int_t)record->sequence));
    json_object_set_new(object, "time", json_string(event_time(text, record->time_us)));
    json_object_set_new(object, "topic", json_stringn(record->topic, record->topic_size));
    json_object_set_new(object, "family", json_string(sv_family_name(family)));
    json_object_set_new(object, "exercise", json_boolean(record->flags & LD_RECORD_EXERCISE));
    json_object_set_new(object, "producer", json_string(producer != NULL ? producer : id));
    json_object_set_new(object, "producer_sequence",
                        json_integer((json_int_t)record->producer_sequence));
    json_object_set_new(object, "payload_bytes", json_integer(record->payload_size));
    if (message != NULL)
        json_object_set_new(object, "message", event_json_message(message));
    return object;
}
