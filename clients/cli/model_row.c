/* Rows of the read model: their members, and as JSON for others. */
#include "model.h"

#include <string.h>

#include "liandong/v1/common.pb-c.h"
#include "picture/event_json.h"

const char *model_text(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text != NULL ? text : "";
}

int64_t model_number(const json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

enum { NAME_SIZE = 64 };

/* The object that a member belongs to; *name becomes its name in there. */
static json_t *place_of(json_t *object, const char **name)
{
    char outer[NAME_SIZE];
    const char *dot = strchr(*name, '.');
    if (dot == NULL)
        return object;
    snprintf(outer, sizeof outer, "%.*s", (int)(dot - *name), *name);
    *name = dot + 1;
    json_t *inner = json_object_get(object, outer);
    if (inner == NULL) {
        inner = json_object();
        json_object_set_new(object, outer, inner);
    }
    return inner;
}

static json_t *level_name(int level)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&liandong__v1__level__descriptor, level);
    return value != NULL ? json_string(value->name) : json_integer(level);
}

static json_t *time_text(int64_t time_us)
{
    char text[EVENT_TIME_SIZE];
    return json_string(event_time(text, time_us));
}

static void put(json_t *object, const char *name, json_t *value)
{
    char plain[NAME_SIZE];
    if (json_is_string(value) && json_string_length(value) == 0)
        return;
    json_t *place = place_of(object, &name);
    size_t size = strlen(name);
    int64_t number = json_integer_value(value);
    snprintf(plain, sizeof plain, "%s", name);
    if (size > 1 && name[size - 1] == '?') {
        plain[size - 1] = '\0';
        json_object_set_new(place, plain, json_boolean(number != 0));
    } else if (size > 1 && name[size - 1] == '!') {
        plain[size - 1] = '\0';
        json_object_set_new(place, plain, level_name((int)number));
    } else if (size > 3 && strcmp(name + size - 3, "_us") == 0) {
        plain[size - 3] = '\0';
        if (number != 0)
            json_object_set_new(place, plain, time_text(number));
    } else {
        json_object_set(place, plain, value);
    }
}

json_t *model_public(const json_t *row)
{
    json_t *object = json_object(), *value;
    const char *name;
    json_object_foreach((json_t *)(uintptr_t)row, name, value) put(object, name, value);
    return object;
}
