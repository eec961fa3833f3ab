/*
 * A scenario from its file. Happy path: read, open as YAML, the head, then each step in order of
 * the file; at last steps are put in order of time. Every mistake is a finding; with any, nothing
 * is returned.
 */
#include "parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timefmt.h"

static const char *const TOP_KEYS[] = {"scenario", "title",    "plan",  "start",  "area", "as",
                                       "hazard",   "reporter", "steps", "expect", NULL};
static const char *const STEP_KEYS[] = {"at",       "note",    "report", "bulletin", "series",
                                        "decision", "reply",   "supply", "adopt",    "raw",
                                        "silence",  "advance", "repeat", "expect",   NULL};

const char *parse_beside(struct parse *parse, const char *path)
{
    const char *own = parse->scenario->path, *slash = strrchr(own, '/');
    if (path[0] == '/' || slash == NULL)
        return path;
    return ld_arena_format(parse->reader.arena, "%.*s/%s", (int)(slash - own), own, path);
}

const char *parse_city(struct parse *parse)
{
    enum { CITY_DIGITS = 4 };
    const char *area = parse->scenario->area;
    return ld_arena_string(parse->reader.arena, area, strnlen(area, CITY_DIGITS));
}

struct scenario_step *parse_add_step(struct parse *parse, const yaml_node_t *node, int64_t at_us)
{
    struct scenario *scenario = parse->scenario;
    if (scenario->step_count == SCENARIO_STEPS_MAX) {
        reader_mistake(&parse->reader, node, "more than %d steps", (int)SCENARIO_STEPS_MAX);
        return NULL;
    }
    if (scenario->step_count == parse->capacity) {
        parse->capacity = parse->capacity == 0 ? 64 : parse->capacity * 2;
        scenario->steps = reallocarray(scenario->steps, parse->capacity, sizeof *scenario->steps);
        if (scenario->steps == NULL)
            abort();
    }
    struct scenario_step *step = &scenario->steps[scenario->step_count++];
    *step = (struct scenario_step){.line = reader_line(node), .at_us = at_us, .note = {"", ""}};
    parse->previous_us = at_us;
    return step;
}

/* ---- the head ---- */

/* "today", "today -42d", or a date. */
static void parse_start(struct parse *parse, yaml_node_t *node)
{
    struct reader *reader = &parse->reader;
    struct ld_error error;
    const char *text = reader_text(reader, node, "today");
    if (strncmp(text, "today", 5) == 0 && (text[5] == '\0' || text[5] == ' ')) {
        const char *rest = text + 5 + strspn(text + 5, " ");
        int64_t back_us = 0;
        parse->scenario->start_is_relative = true;
        if (rest[0] != '\0' &&
            (rest[0] != '-' || ld_duration_parse(rest + 1, &back_us, &error) != LD_OK))
            reader_mistake(reader, node, "expected \"today -42d\", found \"%.60s\"", text);
        parse->scenario->start_us = -back_us;
        return;
    }
    if (ld_time_parse(text, LD_CHINA_OFFSET_MINUTES, &parse->scenario->start_us, &error) != LD_OK)
        reader_mistake(reader, node, "start: expected \"today -42d\" or a date, found \"%.60s\"",
                       text);
}

static void parse_as(struct parse *parse, yaml_node_t *node)
{
    const char *as = reader_text(&parse->reader, node, "exercise");
    if (strcmp(as, "exercise") != 0)
        reader_mistake(&parse->reader, node,
                       "as: a scenario is always played as \"exercise\", found \"%.60s\"", as);
}

static void parse_head(struct parse *parse, yaml_node_t *root)
{
    struct reader *reader = &parse->reader;
    struct scenario *scenario = parse->scenario;
    reader_only(reader, root, TOP_KEYS);
    yaml_node_t *(*need)(struct reader * reader, yaml_node_t * map, const char *key) =
        parse->part ? reader_get : reader_need;
    scenario->name = reader_text(reader, need(reader, root, "scenario"), "");
    scenario->title = reader_both(reader, reader_get(reader, root, "title"));
    const char *plan = reader_text(reader, need(reader, root, "plan"), "");
    scenario->plan = parse->part ? NULL : parse_beside(parse, plan);
    scenario->area = reader_text(reader, reader_need(reader, root, "area"), "");
    parse_start(parse, reader_get(reader, root, "start"));
    parse_as(parse, reader_get(reader, root, "as"));
    parse->hazard = reader_text(reader, reader_get(reader, root, "hazard"), NULL);
    parse->reporter = reader_text(reader, reader_get(reader, root, "reporter"), NULL);
}

/* ---- steps ---- */

typedef void parse_act_fn(struct parse *parse, yaml_node_t *node, struct scenario_step *step);

static void parse_plain_report(struct parse *parse, yaml_node_t *node, struct scenario_step *step)
{
    parse_report(parse, NULL, node, step);
}

static const struct {
    const char *key;
    parse_act_fn *parse;
} ACTS[] = {
    {"report", parse_plain_report},
    {"bulletin", parse_bulletin},
    {"decision", parse_decision},
    {"reply", parse_reply},
    {"supply", parse_supply},
    {"adopt", parse_adopt},
    {"raw", parse_raw},
};
enum { ACT_COUNT = sizeof ACTS / sizeof ACTS[0] };

/* What the step does; more than one thing is a mistake. */
static void parse_act(struct parse *parse, yaml_node_t *node, struct scenario_step *step)
{
    int found = 0;
    for (int i = 0; i < ACT_COUNT; i++) {
        yaml_node_t *act = reader_get(&parse->reader, node, ACTS[i].key);
        if (act == NULL)
            continue;
        if (found++ > 0)
            reader_mistake(&parse->reader, act,
                           "a step does one thing: put \"%s\" in a step of its own", ACTS[i].key);
        else
            ACTS[i].parse(parse, act, step);
    }
}

/* When the step is: at, or the step before; silence and advance let time pass first. */
static int64_t parse_at(struct parse *parse, yaml_node_t *node)
{
    struct reader *reader = &parse->reader;
    yaml_node_t *at = reader_get(reader, node, "at");
    struct scenario_time time = reader_time(reader, at, parse->previous_us);
    int64_t us = time.us;
    if (time.absolute && parse->scenario->start_is_relative) {
        reader_mistake(reader, at, "a date needs a start that is a date; use \"day 3 08:00\"");
        us = parse->previous_us;
    } else if (time.absolute) {
        us -= parse->scenario->start_us;
    }
    us += reader_duration(reader, reader_get(reader, node, "silence"), 0);
    us += reader_duration(reader, reader_get(reader, node, "advance"), 0);
    if (us < 0) {
        reader_mistake(reader, at, "this is before the start");
        us = 0;
    }
    return us;
}

static void parse_series_step(struct parse *parse, yaml_node_t *node, yaml_node_t *series,
                              int64_t at_us)
{
    yaml_node_t *expect = reader_get(&parse->reader, node, "expect");
    parse_series(parse, series, at_us);
    if (expect == NULL)
        return;
    struct scenario_step *step = parse_add_step(parse, node, parse->previous_us);
    if (step != NULL)
        parse_expect(parse, expect, step);
}

static void parse_one(struct parse *parse, yaml_node_t *node, int64_t at_us)
{
    struct reader *reader = &parse->reader;
    yaml_node_t *expect = reader_get(reader, node, "expect");
    struct scenario_step *step = parse_add_step(parse, node, at_us);
    if (step == NULL)
        return;
    step->note = reader_both(reader, reader_get(reader, node, "note"));
    parse_act(parse, node, step);
    if (expect != NULL)
        parse_expect(parse, expect, step);
}

/* repeat: {every, times}: the same step again and again. */
static size_t parse_repeat(struct parse *parse, yaml_node_t *node, int64_t *every_us)
{
    static const char *const KEYS[] = {"every", "times", NULL};
    struct reader *reader = &parse->reader;
    *every_us = LD_US_DAY;
    if (node == NULL || !reader_is_map(reader, node, "repeat"))
        return 1;
    reader_only(reader, node, KEYS);
    *every_us = reader_duration(reader, reader_get(reader, node, "every"), LD_US_DAY);
    return (size_t)reader_whole(reader, reader_need(reader, node, "times"), 1, SCENARIO_STEPS_MAX,
                                1);
}

static void parse_step(struct parse *parse, yaml_node_t *node)
{
    struct reader *reader = &parse->reader;
    int64_t every_us;
    if (!reader_is_map(reader, node, "a step"))
        return;
    reader_only(reader, node, STEP_KEYS);
    int64_t at_us = parse_at(parse, node);
    yaml_node_t *series = reader_get(reader, node, "series");
    size_t times = parse_repeat(parse, reader_get(reader, node, "repeat"), &every_us);
    if (series != NULL)
        parse_series_step(parse, node, series, at_us);
    for (size_t i = 0; series == NULL && i < times; i++) {
        if (i > 0 && reader->finding_count > 0)
            return; /* each mistake is told once */
        parse_one(parse, node, at_us + (int64_t)i * every_us);
    }
}

static void parse_steps(struct parse *parse, yaml_node_t *root)
{
    struct reader *reader = &parse->reader;
    yaml_node_t *steps = reader_need(reader, root, "steps");
    if (steps == NULL || !reader_is_list(reader, steps, "steps"))
        return;
    for (size_t i = 0; i < reader_items(steps); i++)
        parse_step(parse, reader_item(reader, steps, i));
    yaml_node_t *expect = reader_get(reader, root, "expect");
    if (expect == NULL)
        return;
    struct scenario_step *last = parse_add_step(parse, expect, parse->previous_us);
    if (last != NULL)
        parse_expect(parse, expect, last);
}

/* ---- order of time ---- */

struct placed {
    struct scenario_step step;
    size_t index;
};

static int compare_placed(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;
    if (a->step.at_us != b->step.at_us)
        return a->step.at_us < b->step.at_us ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static void sort_steps(struct scenario *scenario)
{
    size_t count = scenario->step_count;
    if (count < 2)
        return;
    struct placed *placed = calloc(count, sizeof *placed);
    if (placed == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        placed[i] = (struct placed){.step = scenario->steps[i], .index = i};
    qsort(placed, count, sizeof *placed, compare_placed);
    for (size_t i = 0; i < count; i++)
        scenario->steps[i] = placed[i].step;
    free(placed);
}

/* ---- the whole ---- */

static int parse_text(const char *path, const char *text, size_t size, bool part,
                      struct scenario **out, struct ld_buffer *findings, struct ld_error *error)
{
    struct scenario *scenario = calloc(1, sizeof *scenario);
    if (scenario == NULL)
        return ld_fail(error, LD_NOMEM, "no memory for a scenario");
    struct parse parse = {
        .scenario = scenario,
        .part = part,
        .reader = {.file = path, .arena = &scenario->arena, .findings = findings, .error = error}};
    scenario->path = ld_arena_string(&scenario->arena, path, strlen(path));
    int code = reader_open(&parse.reader, text, size);
    if (code == LD_OK && reader_is_map(&parse.reader, reader_root(&parse.reader), "a scenario")) {
        parse_head(&parse, reader_root(&parse.reader));
        parse_steps(&parse, reader_root(&parse.reader));
    }
    reader_close(&parse.reader);
    if (parse.reader.finding_count > 0) {
        scenario_free(scenario);
        return LD_INVALID;
    }
    sort_steps(scenario);
    *out = scenario;
    return LD_OK;
}

int scenario_parse(const char *path, const char *text, size_t size, struct scenario **out,
                   struct ld_buffer *findings, struct ld_error *error)
{
    return parse_text(path, text, size, false, out, findings, error);
}

static int read_whole(const struct ld_context *context, const char *path, char **text,
                      size_t *text_size, struct ld_error *error)
{
    const struct ld_files *files = &context->files;
    uint64_t size = 0;
    int fd;
    int code = files->open(context->self, path, LD_OPEN_READ, &fd, error);
    if (code != LD_OK)
        return code;
    *text = NULL;
    code = files->size(context->self, fd, &size, error);
    if (code == LD_OK && size > SCENARIO_FILE_MAX_BYTES)
        code = ld_fail(error, LD_TOOBIG, "%s: a scenario is at most %d bytes, this is %llu", path,
                       (int)SCENARIO_FILE_MAX_BYTES, (unsigned long long)size);
    if (code == LD_OK && (*text = malloc((size_t)size + 1)) == NULL)
        code = ld_fail(error, LD_NOMEM, "no memory for %s", path);
    if (code == LD_OK)
        code = files->read(context->self, fd, 0, *text, (size_t)size, text_size, error);
    if (code != LD_OK) {
        free(*text);
        *text = NULL;
    }
    (void)files->close(context->self, fd);
    return code;
}

static int read_file(const struct ld_context *context, const char *path, bool part,
                     struct scenario **out, struct ld_buffer *findings, struct ld_error *error)
{
    char *text = NULL;
    size_t size = 0;
    int code = read_whole(context, path, &text, &size, error);
    if (code != LD_OK)
        return code;
    code = parse_text(path, text, size, part, out, findings, error);
    free(text);
    return code;
}

int scenario_read(const struct ld_context *context, const char *path, struct scenario **out,
                  struct ld_buffer *findings, struct ld_error *error)
{
    return read_file(context, path, false, out, findings, error);
}

int scenario_read_part(const struct ld_context *context, const char *path, struct scenario **out,
                       struct ld_buffer *findings, struct ld_error *error)
{
    return read_file(context, path, true, out, findings, error);
}

void scenario_free(struct scenario *scenario)
{
    if (scenario == NULL)
        return;
    ld_arena_free(&scenario->arena);
    free(scenario->steps);
    free(scenario);
}
