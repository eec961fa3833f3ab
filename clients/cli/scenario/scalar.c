/* Scalars of a scenario: texts, numbers, words of an enum, durations and times. */
#include "reader.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picture/enum_name.h"
#include "timefmt.h"

enum { DAY_MAX = 3660, TEXT_MAX_BYTES = 64 * 1024 };

const char *reader_text(struct reader *reader, yaml_node_t *node, const char *missing)
{
    if (node == NULL)
        return missing;
    if (!reader_is_scalar(node)) {
        reader_mistake(reader, node, "expected a text, found a %s",
                       node->type == YAML_SEQUENCE_NODE ? "list" : "mapping");
        return missing;
    }
    const char *text = (const char *)node->data.scalar.value;
    size_t size = node->data.scalar.length;
    if (size > TEXT_MAX_BYTES || strlen(text) != size) {
        reader_mistake(reader, node, "this text is too long, or holds a zero byte");
        return missing;
    }
    return ld_arena_string(reader->arena, text, size);
}

static bool parse_number(const char *text, double *value)
{
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && errno == 0 && isfinite(*value);
}

double reader_number(struct reader *reader, yaml_node_t *node, double missing)
{
    double value;
    const char *text = reader_text(reader, node, NULL);
    if (text == NULL)
        return missing;
    if (parse_number(text, &value))
        return value;
    reader_mistake(reader, node, "expected a number, found \"%.60s\"", text);
    return missing;
}

int64_t reader_whole(struct reader *reader, yaml_node_t *node, int64_t low, int64_t high,
                     int64_t missing)
{
    const char *text = reader_text(reader, node, NULL);
    double value;
    if (text == NULL)
        return missing;
    if (parse_number(text, &value) && value >= (double)low && value <= (double)high &&
        floor(value) == value)
        return (int64_t)value;
    reader_mistake(reader, node, "expected a whole number from %lld to %lld, found \"%.60s\"",
                   (long long)low, (long long)high, text);
    return missing;
}

bool reader_bool(struct reader *reader, yaml_node_t *node, bool missing)
{
    const char *text = reader_text(reader, node, NULL);
    if (text == NULL)
        return missing;
    if (strcmp(text, "true") == 0)
        return true;
    if (strcmp(text, "false") != 0)
        reader_mistake(reader, node, "expected true or false, found \"%.60s\"", text);
    return false;
}

int reader_enum(struct reader *reader, yaml_node_t *node, const ProtobufCEnumDescriptor *descriptor,
                int missing)
{
    char words[240];
    const char *text = reader_text(reader, node, NULL);
    if (text == NULL)
        return missing;
    int value = enum_value(descriptor, text);
    if (value >= 0)
        return value;
    reader_mistake(reader, node, "expected one of %s, found \"%.60s\"",
                   enum_words(words, sizeof words, descriptor), text);
    return missing;
}

struct plan_text reader_both(struct reader *reader, yaml_node_t *node)
{
    static const char *const KEYS[] = {"zh", "en", NULL};
    if (node == NULL)
        return (struct plan_text){"", ""};
    if (reader_is_scalar(node)) {
        const char *text = reader_text(reader, node, "");
        return (struct plan_text){text, text};
    }
    if (!reader_is_map(reader, node, "a text in two languages"))
        return (struct plan_text){"", ""};
    reader_only(reader, node, KEYS);
    return (struct plan_text){reader_text(reader, reader_need(reader, node, "zh"), ""),
                              reader_text(reader, reader_need(reader, node, "en"), "")};
}

struct scenario_strings reader_strings(struct reader *reader, yaml_node_t *node)
{
    struct scenario_strings strings = {0};
    if (node == NULL)
        return strings;
    size_t count = reader_is_scalar(node) ? 1 : reader_items(node);
    strings.all = ld_arena_alloc(reader->arena, (count + 1) * sizeof *strings.all);
    if (reader_is_scalar(node)) {
        strings.all[strings.count++] = reader_text(reader, node, "");
        return strings;
    }
    if (!reader_is_list(reader, node, "texts"))
        return strings;
    for (size_t i = 0; i < count; i++)
        strings.all[strings.count++] = reader_text(reader, reader_item(reader, node, i), "");
    return strings;
}

struct scenario_number reader_expected(struct reader *reader, yaml_node_t *node)
{
    struct scenario_number number = {.relation = '='};
    const char *text = reader_text(reader, node, NULL);
    if (text == NULL)
        return number;
    const char *from = text;
    if ((text[0] == '>' || text[0] == '<') && text[1] == '=') {
        number.relation = text[0];
        from = text + 2 + strspn(text + 2, " ");
    }
    number.set = parse_number(from, &number.value);
    if (!number.set)
        reader_mistake(reader, node, "expected a number, \">= n\" or \"<= n\", found \"%.60s\"",
                       text);
    return number;
}

bool scenario_number_holds(const struct scenario_number *number, double found)
{
    if (!number->set)
        return true;
    if (number->relation == '>')
        return found >= number->value;
    return number->relation == '<' ? found <= number->value : found == number->value;
}

int64_t reader_duration(struct reader *reader, yaml_node_t *node, int64_t missing)
{
    struct ld_error error;
    int64_t duration_us;
    const char *text = reader_text(reader, node, NULL);
    if (text == NULL)
        return missing;
    if (ld_duration_parse(text, &duration_us, &error) == LD_OK)
        return duration_us;
    reader_mistake(reader, node, "%s", error.text);
    return missing;
}

/* "day 3", "day 3 08:00": since the start, which is day 1 at midnight. */
static bool parse_day(const char *text, int64_t *us)
{
    int day, hour = 0, minute = 0, used = 0;
    if (sscanf(text, "day %4d %2d:%2d%n", &day, &hour, &minute, &used) != 3) {
        hour = minute = 0;
        if (sscanf(text, "day %4d%n", &day, &used) != 1)
            return false;
    }
    if (text[used] != '\0' || day < 1 || day > DAY_MAX || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59)
        return false;
    *us = (day - 1) * LD_US_DAY + hour * LD_US_HOUR + minute * LD_US_MINUTE;
    return true;
}

static bool parse_relative(const char *text, int64_t previous_us, int64_t *us)
{
    struct ld_error error;
    int64_t duration_us;
    if ((text[0] != '+' && text[0] != '-') ||
        ld_duration_parse(text + 1, &duration_us, &error) != LD_OK)
        return false;
    *us = text[0] == '+' ? previous_us + duration_us : previous_us - duration_us;
    return true;
}

struct scenario_time reader_time(struct reader *reader, yaml_node_t *node, int64_t previous_us)
{
    struct scenario_time time = {.us = previous_us};
    struct ld_error error;
    const char *text = reader_text(reader, node, NULL);
    if (text == NULL)
        return time;
    time.set = true;
    if (parse_day(text, &time.us) || parse_relative(text, previous_us, &time.us))
        return time;
    time.absolute = true;
    if (ld_time_parse(text, LD_CHINA_OFFSET_MINUTES, &time.us, &error) == LD_OK)
        return time;
    reader_mistake(reader, node,
                   "expected \"day 3 08:00\", \"+30m\", \"-2h\" or a date, found \"%.60s\"", text);
    return (struct scenario_time){.us = previous_us};
}
