/*
 * A message's fields as parameters of a statement, by name. What each parameter stands for is found
 * once, when the statement is prepared; a name that means nothing is our own mistake.
 *
 * Texts are never NULL. A time that is not given (0) is: a duration of 0 is one. Lists are JSON
 * arrays. A level is its number, any other enum the name that it has in proto/.
 */
#include "inside.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "liandong/v1/common.pb-c.h"

enum source {
    FROM_MESSAGE,
    FROM_CONTEXT,
    FROM_TEXT_ZH,
    FROM_TEXT_EN,
    EXERCISE,
    SEQUENCE,
    TIME,
    SUBJECT,
    AREA,
    TOPIC_AREA,
    PLACE,
    HOLDS
};

struct projection_parameter {
    enum source source;
    const ProtobufCFieldDescriptor *field;
};

/* ---- preparing ---- */

static bool is_special(const char *name, enum source *source)
{
    static const struct {
        const char *name;
        enum source source;
    } SPECIAL[] = {{"exercise", EXERCISE}, {"sequence", SEQUENCE},    {"time_us", TIME},
                   {"subject", SUBJECT},   {"of_area", AREA},         {"place", PLACE},
                   {"holds", HOLDS},       {"topic_area", TOPIC_AREA}};
    for (size_t i = 0; i < sizeof SPECIAL / sizeof *SPECIAL; i++)
        if (strcmp(name, SPECIAL[i].name) == 0) {
            *source = SPECIAL[i].source;
            return true;
        }
    return false;
}

/* "text_zh" is the Chinese of the field "text". */
static bool is_text(const ProtobufCMessageDescriptor *of, const char *name,
                    struct projection_parameter *parameter)
{
    char stem[64];
    size_t size = strlen(name);
    bool zh = size > 3 && strcmp(name + size - 3, "_zh") == 0;
    bool en = size > 3 && strcmp(name + size - 3, "_en") == 0;
    if (!zh && !en)
        return false;
    snprintf(stem, sizeof stem, "%.*s", (int)(size - 3), name);
    parameter->source = zh ? FROM_TEXT_ZH : FROM_TEXT_EN;
    parameter->field = protobuf_c_message_descriptor_get_field_by_name(of, stem);
    return parameter->field != NULL;
}

static void find(const ProtobufCMessageDescriptor *of, const char *name,
                 struct projection_parameter *parameter)
{
    if (is_special(name, &parameter->source) || is_text(of, name, parameter))
        return;
    parameter->source = FROM_MESSAGE;
    parameter->field = protobuf_c_message_descriptor_get_field_by_name(of, name);
    if (parameter->field != NULL)
        return;
    parameter->source = FROM_CONTEXT;
    parameter->field =
        protobuf_c_message_descriptor_get_field_by_name(&liandong__v1__context__descriptor, name);
    assert(parameter->field != NULL);
}

int projection_prepare(sqlite3 *db, const struct projection_statement *what,
                       struct projection_prepared *prepared)
{
    int status = sqlite3_prepare_v3(db, what->sql, -1, SQLITE_PREPARE_PERSISTENT,
                                    &prepared->statement, NULL);
    if (status != SQLITE_OK)
        return status;
    prepared->count = sqlite3_bind_parameter_count(prepared->statement);
    prepared->parameters = calloc((size_t)prepared->count, sizeof *prepared->parameters);
    if (prepared->parameters == NULL)
        abort();
    for (int i = 0; i < prepared->count; i++)
        find(what->descriptor, sqlite3_bind_parameter_name(prepared->statement, i + 1) + 1,
             &prepared->parameters[i]);
    return SQLITE_OK;
}

void projection_finalize(struct projection_prepared *prepared)
{
    sqlite3_finalize(prepared->statement);
    free(prepared->parameters);
    *prepared = (struct projection_prepared){0};
}

/* ---- binding ---- */

static int bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    return sqlite3_bind_text(statement, at, text != NULL ? text : "", -1, SQLITE_TRANSIENT);
}

static int bind_list(sqlite3_stmt *statement, int at, const void *member, size_t count)
{
    char *const *all = *(char *const *const *)member;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(all[i]));
    char *text = json_dumps(list, JSON_COMPACT);
    if (text == NULL)
        abort();
    json_decref(list);
    return sqlite3_bind_text(statement, at, text, -1, free);
}

static int bind_enum(sqlite3_stmt *statement, int at, const ProtobufCFieldDescriptor *field,
                     int value)
{
    const ProtobufCEnumDescriptor *descriptor = field->descriptor;
    if (descriptor == &liandong__v1__level__descriptor)
        return sqlite3_bind_int(statement, at, value);
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(descriptor, value);
    return bind_text(statement, at, known != NULL ? known->name : "");
}

/* "late_us" is how long, all others are when. */
static int bind_int64(sqlite3_stmt *statement, int at, const char *name, int64_t value)
{
    size_t size = strlen(name);
    bool time = size > 3 && strcmp(name + size - 3, "_us") == 0 && strcmp(name, "late_us") != 0;
    return time && value == 0 ? sqlite3_bind_null(statement, at)
                              : sqlite3_bind_int64(statement, at, value);
}

static int bind_field(sqlite3_stmt *statement, int at, const ProtobufCFieldDescriptor *field,
                      const ProtobufCMessage *message)
{
    const char *member = (const char *)message + field->offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        assert(field->type == PROTOBUF_C_TYPE_STRING);
        const void *count = (const char *)message + field->quantifier_offset;
        return bind_list(statement, at, member, *(const size_t *)count);
    }
    const void *value = member;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return bind_text(statement, at, *(const char *const *)value);
    case PROTOBUF_C_TYPE_ENUM:
        return bind_enum(statement, at, field, *(const int *)value);
    case PROTOBUF_C_TYPE_BOOL:
        return sqlite3_bind_int(statement, at, *(const protobuf_c_boolean *)value != 0);
    case PROTOBUF_C_TYPE_UINT32:
        return sqlite3_bind_int64(statement, at, *(const uint32_t *)value);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        return bind_int64(statement, at, field->name, *(const int64_t *)value);
    case PROTOBUF_C_TYPE_MESSAGE: /* whether it is there */
        return sqlite3_bind_int(statement, at, *(const void *const *)value != NULL);
    default:
        assert(!"a column for this type of field");
        return SQLITE_MISUSE;
    }
}

static int bind_translation(sqlite3_stmt *statement, int at,
                            const struct projection_parameter *parameter,
                            const ProtobufCMessage *message)
{
    const void *member = (const char *)message + parameter->field->offset;
    const Liandong__V1__Text *text = *(const Liandong__V1__Text *const *)member;
    if (text == NULL)
        return bind_text(statement, at, "");
    return bind_text(statement, at, parameter->source == FROM_TEXT_ZH ? text->zh : text->en);
}

const struct Liandong__V1__Context *projection_context(const ProtobufCMessage *message)
{
    static const Liandong__V1__Context NONE = LIANDONG__V1__CONTEXT__INIT;
    const ProtobufCFieldDescriptor *field = &message->descriptor->fields[0]; /* in all of ours */
    assert(field->descriptor == &liandong__v1__context__descriptor);
    const void *member = (const char *)message + field->offset;
    const Liandong__V1__Context *context = *(const Liandong__V1__Context *const *)member;
    return context != NULL ? context : &NONE;
}

static int bind_topic_area(sqlite3_stmt *statement, int at, const struct ld_record *record)
{
    char area[LD_TOPIC_SIZE_MAX + 1];
    sv_topic_area(record->topic, record->topic_size, area);
    return bind_text(statement, at, area);
}

static int bind(sqlite3_stmt *statement, int at, const struct projection_parameter *parameter,
                const struct projection_values *values)
{
    const struct ld_record *record = values->record;
    switch (parameter->source) {
    case FROM_MESSAGE:
        return bind_field(statement, at, parameter->field, values->of);
    case FROM_CONTEXT:
        return bind_field(statement, at, parameter->field,
                          &projection_context(values->message)->base);
    case FROM_TEXT_ZH:
    case FROM_TEXT_EN:
        return bind_translation(statement, at, parameter, values->of);
    case EXERCISE:
        return sqlite3_bind_int(statement, at, (record->flags & LD_RECORD_EXERCISE) != 0);
    case SEQUENCE:
        return sqlite3_bind_int64(statement, at, (int64_t)record->sequence);
    case TIME:
        return sqlite3_bind_int64(statement, at, record->time_us);
    case SUBJECT:
        return bind_text(statement, at, values->subject);
    case AREA:
        return bind_text(statement, at, values->area);
    case TOPIC_AREA:
        return bind_topic_area(statement, at, record);
    case PLACE:
        return sqlite3_bind_int64(statement, at, values->place);
    case HOLDS:
        return sqlite3_bind_int(statement, at, values->holds);
    }
    return SQLITE_MISUSE;
}

int projection_write(struct projection_prepared *prepared, const struct projection_values *values)
{
    int status = SQLITE_OK;
    for (int i = 0; i < prepared->count && status == SQLITE_OK; i++)
        status = bind(prepared->statement, i + 1, &prepared->parameters[i], values);
    if (status == SQLITE_OK)
        status = sqlite3_step(prepared->statement);
    int ended = sqlite3_reset(prepared->statement);
    return status == SQLITE_DONE ? ended : status;
}
