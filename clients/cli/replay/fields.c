/* Both versions are walked at once: keys of the left in its order, then what only the right has. */
#include "fields.h"

#include <stdlib.h>
#include <string.h>

#include "picture/keep.h"

static char *text_of(json_t *value)
{
    if (value == NULL)
        return NULL;
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    return text != NULL ? text : keep_format("?");
}

static void add(struct fields *fields, const char *path, json_t *left, json_t *right)
{
    fields->all = keep_room(fields->all, fields->count, &fields->capacity, sizeof *fields->all);
    struct field *field = &fields->all[fields->count++];
    *field = (struct field){
        .path = keep_format("%s", path), .left = text_of(left), .right = text_of(right)};
    field->same = left != NULL && right != NULL && strcmp(field->left, field->right) == 0;
}

static bool is_empty(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

/* Of one kind, as far as they are there at all. */
static bool both_are(const json_t *left, const json_t *right, json_type type)
{
    return !(is_empty(left) && is_empty(right)) && (is_empty(left) || json_typeof(left) == type) &&
           (is_empty(right) || json_typeof(right) == type);
}

static void walk(struct fields *fields, const char *path, json_t *left, json_t *right);

static void walk_member(struct fields *fields, const char *path, const char *key, json_t *left,
                        json_t *right)
{
    char *inner = keep_format("%s%s%s", path, path[0] != '\0' ? "." : "", key);
    walk(fields, inner, left, right);
    free(inner);
}

static void walk_object(struct fields *fields, const char *path, json_t *left, json_t *right)
{
    const char *key;
    json_t *value;
    json_object_foreach(left, key, value)
        walk_member(fields, path, key, value, json_object_get(right, key));
    json_object_foreach(right, key, value) if (json_object_get(left, key) == NULL)
        walk_member(fields, path, key, NULL, value);
}

static void walk_array(struct fields *fields, const char *path, json_t *left, json_t *right)
{
    size_t lefts = json_array_size(left), rights = json_array_size(right);
    for (size_t i = 0; i < lefts || i < rights; i++) {
        char *inner = keep_format("%s[%zu]", path, i);
        walk(fields, inner, json_array_get(left, i), json_array_get(right, i));
        free(inner);
    }
}

static void walk(struct fields *fields, const char *path, json_t *left, json_t *right)
{
    if (both_are(left, right, JSON_OBJECT))
        walk_object(fields, path, left, right);
    else if (both_are(left, right, JSON_ARRAY))
        walk_array(fields, path, left, right);
    else
        add(fields, path, left, right);
}

void fields_compare(struct fields *fields, json_t *left, json_t *right)
{
    *fields = (struct fields){0};
    walk(fields, "", left, right);
}

void fields_free(struct fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        free(fields->all[i].path);
        free(fields->all[i].left);
        free(fields->all[i].right);
    }
    free(fields->all);
    *fields = (struct fields){0};
}

static json_t *value_of(const char *text)
{
    return text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : json_null();
}

json_t *fields_differing(const struct fields *fields)
{
    json_t *list = json_array();
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->all[i];
        if (!field->same)
            json_array_append_new(list, json_pack("{s:s,s:o,s:o}", "field", field->path, "logged",
                                                  value_of(field->left), "derived",
                                                  value_of(field->right)));
    }
    return list;
}
