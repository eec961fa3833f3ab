/*
 * Expectations from their mapping. Each key is a kind; its value is a short form (a word, a number
 * or a list of names), a mapping, or a list of mappings.
 */
#include "parse.h"

#include <stdlib.h>
#include <string.h>

#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/notice.pb-c.h"

typedef struct scenario_expectation expectation_t;

/* The part of each kind: which keys, what the short form sets, how the mapping is read. */
struct kind {
    const char *key;
    enum scenario_kind kind;
    const char *short_key; /* the short form is this key's value */
    const char *const *keys;
    void (*read)(struct parse *parse, yaml_node_t *map, expectation_t *expectation);
};

static yaml_node_t *at(struct parse *parse, yaml_node_t *map, const char *key)
{
    return reader_get(&parse->reader, map, key);
}

static const char *text_at(struct parse *parse, yaml_node_t *map, const char *key)
{
    return reader_text(&parse->reader, at(parse, map, key), NULL);
}

static int enum_at(struct parse *parse, yaml_node_t *map, const char *key,
                   const ProtobufCEnumDescriptor *descriptor)
{
    return reader_enum(&parse->reader, at(parse, map, key), descriptor, SCENARIO_ANY);
}

static int level_at(struct parse *parse, yaml_node_t *map, const char *key)
{
    return enum_at(parse, map, key, &liandong__v1__level__descriptor);
}

static struct scenario_number number_at(struct parse *parse, yaml_node_t *map, const char *key)
{
    return reader_expected(&parse->reader, at(parse, map, key));
}

static struct scenario_strings strings_at(struct parse *parse, yaml_node_t *map, const char *key)
{
    return reader_strings(&parse->reader, at(parse, map, key));
}

/* section: one or several. */
static struct scenario_strings sections_at(struct parse *parse, yaml_node_t *map)
{
    return strings_at(parse, map, at(parse, map, "sections") != NULL ? "sections" : "section");
}

/* ---- grade, warning, response ---- */

/* counts: {cases: 13} or a list of {measure, area, value}. */
static void read_counts(struct parse *parse, yaml_node_t *node, expectation_t *expectation)
{
    static const char *const KEYS[] = {"measure", "area", "value", NULL};
    struct reader *reader = &parse->reader;
    if (node == NULL)
        return;
    bool map = node->type == YAML_MAPPING_NODE;
    size_t count = map ? reader_pairs(node) : reader_items(node);
    expectation->counts = ld_arena_alloc(reader->arena, (count + 1) * sizeof *expectation->counts);
    if (!map && !reader_is_list(reader, node, "counts"))
        return;
    for (size_t i = 0; i < count; i++) {
        struct scenario_count *made = &expectation->counts[expectation->count_count++];
        if (map) {
            struct reader_pair pair = reader_pair_at(reader, node, i);
            made->measure = reader_text(reader, pair.key, "");
            made->value = reader_expected(reader, pair.value);
            continue;
        }
        yaml_node_t *item = reader_item(reader, node, i);
        if (!reader_is_map(reader, item, "a count"))
            continue;
        reader_only(reader, item, KEYS);
        made->measure = reader_text(reader, reader_need(reader, item, "measure"), "");
        made->area = text_at(parse, item, "area");
        made->value = number_at(parse, item, "value");
    }
}

static void read_grade(struct parse *parse, yaml_node_t *map, expectation_t *expectation)
{
    expectation->level = level_at(parse, map, "level");
    expectation->suggested = level_at(parse, map, "suggested");
    expectation->sections = sections_at(parse, map);
    expectation->criteria = strings_at(parse, map, "criteria");
    read_counts(parse, at(parse, map, "counts"), expectation);
}

static void read_warning(struct parse *parse, yaml_node_t *map, expectation_t *expectation)
{
    expectation->level = level_at(parse, map, "level");
    expectation->state = enum_at(parse, map, "state", &liandong__v1__warning__state__descriptor);
    expectation->sections = sections_at(parse, map);
    expectation->by = text_at(parse, map, "by");
    expectation->next = text_at(parse, map, "next");
    expectation->merged = level_at(parse, map, "merged");
    expectation->names = strings_at(parse, map, "merged_with");
}

static void read_response(struct parse *parse, yaml_node_t *map, expectation_t *expectation)
{
    expectation->level = level_at(parse, map, "level");
    expectation->state = enum_at(parse, map, "state", &liandong__v1__response__state__descriptor);
    expectation->area = text_at(parse, map, "area");
    expectation->by = text_at(parse, map, "by");
    expectation->section = text_at(parse, map, "section");
    expectation->next = text_at(parse, map, "next");
    expectation->groups = strings_at(parse, map, "groups");
}

/* ---- orders ---- */

static void read_states(struct parse *parse, yaml_node_t *node, expectation_t *expectation)
{
    struct reader *reader = &parse->reader;
    if (node == NULL || !reader_is_map(reader, node, "states"))
        return;
    for (size_t i = 0; i < reader_pairs(node); i++) {
        struct reader_pair pair = reader_pair_at(reader, node, i);
        if (expectation->state_count == SCENARIO_STATES_MAX) {
            reader_mistake(reader, pair.key, "too many states");
            return;
        }
        struct scenario_state *made = &expectation->states[expectation->state_count++];
        bool open = reader_is_scalar(pair.key) &&
                    strcmp((const char *)pair.key->data.scalar.value, "open") == 0;
        made->state =
            open ? SCENARIO_OPEN
                 : reader_enum(reader, pair.key, &liandong__v1__duty_order__state__descriptor, 0);
        made->count = reader_expected(reader, pair.value);
    }
}

static void read_orders(struct parse *parse, yaml_node_t *map, expectation_t *expectation)
{
    expectation->unit = text_at(parse, map, "unit");
    expectation->names = strings_at(parse, map, "each");
    expectation->duty = text_at(parse, map, "duty");
    expectation->count = number_at(parse, map, "count");
    expectation->units = number_at(parse, map, "units");
    read_states(parse, at(parse, map, "states"), expectation);
}

static void read_late_units(struct parse *parse, yaml_node_t *map, expectation_t *expectation)
{
    expectation->count = number_at(parse, map, "count");
    expectation->names = strings_at(parse, map, "units");
}

/* ---- answers ---- */

static void read_refused(struct parse *parse, yaml_node_t *map, expectation_t *expectation)
{
    expectation->code = text_at(parse, map, "code");
    expectation->section = text_at(parse, map, "section");
}

static void read_receipts(struct parse *parse, yaml_node_t *map, expectation_t *expectation)
{
    expectation->accepted = number_at(parse, map, "accepted");
    expectation->refused = number_at(parse, map, "refused");
}

static void read_clock(struct parse *parse, yaml_node_t *map, expectation_t *expectation)
{
    yaml_node_t *late = at(parse, map, "late");
    expectation->id = text_at(parse, map, "clock");
    expectation->state = enum_at(parse, map, "state", &liandong__v1__clock__state__descriptor);
    expectation->unit = text_at(parse, map, "responsible");
    expectation->late = late == NULL ? SCENARIO_ANY : reader_bool(&parse->reader, late, false);
    expectation->count = number_at(parse, map, "count");
}

static void read_notices(struct parse *parse, yaml_node_t *map, expectation_t *expectation)
{
    expectation->audience = text_at(parse, map, "audience");
    expectation->notice_kind = enum_at(parse, map, "kind", &liandong__v1__notice__kind__descriptor);
    expectation->level = level_at(parse, map, "level");
    expectation->count = number_at(parse, map, "count");
}

static int incident_state(struct parse *parse, yaml_node_t *node)
{
    static const char *const WORDS[] = {"none", "open", "closed"};
    const char *word = reader_text(&parse->reader, node, NULL);
    if (word == NULL)
        return SCENARIO_ANY;
    for (int i = 0; i <= SCENARIO_IS_CLOSED; i++)
        if (strcmp(word, WORDS[i]) == 0)
            return i;
    reader_mistake(&parse->reader, node, "expected open, closed or none, found \"%.60s\"", word);
    return SCENARIO_ANY;
}

static void read_incident(struct parse *parse, yaml_node_t *map, expectation_t *expectation)
{
    expectation->state = incident_state(parse, at(parse, map, "state"));
    expectation->count = number_at(parse, map, "reports");
    read_counts(parse, at(parse, map, "totals"), expectation);
}

/* ---- supplies ---- */

static void read_balance(struct parse *parse, yaml_node_t *map, expectation_t *expectation)
{
    expectation->id = reader_text(&parse->reader, reader_need(&parse->reader, map, "item"), "");
    expectation->unit = reader_text(&parse->reader, reader_need(&parse->reader, map, "holder"), "");
    expectation->count = number_at(parse, map, "quantity");
}

static void read_movements(struct parse *parse, yaml_node_t *map, expectation_t *expectation)
{
    expectation->id = text_at(parse, map, "item");
    expectation->state =
        enum_at(parse, map, "kind", &liandong__v1__supply_movement__kind__descriptor);
    expectation->unit = text_at(parse, map, "to");
    expectation->by = text_at(parse, map, "from");
    expectation->count = number_at(parse, map, "count");
    expectation->units = number_at(parse, map, "quantity");
}

/* ---- the table ---- */

static const char *const GRADE_KEYS[] = {"incident", "level",    "suggested", "section",
                                         "sections", "criteria", "counts",    NULL};
static const char *const WARNING_KEYS[] = {"incident", "level",  "state",       "section",
                                           "sections", "merged", "merged_with", "by",
                                           "next",     NULL};
static const char *const RESPONSE_KEYS[] = {"incident", "level", "state",  "area", "by",
                                            "section",  "next",  "groups", NULL};
static const char *const ORDERS_KEYS[] = {"incident", "unit",  "each",   "duty",
                                          "count",    "units", "states", NULL};
static const char *const REFUSED_KEYS[] = {"code", "section", NULL};
static const char *const RECEIPTS_KEYS[] = {"accepted", "refused", NULL};
static const char *const CLOCK_KEYS[] = {"incident", "clock", "state", "responsible",
                                         "late",     "count", NULL};
static const char *const LATE_KEYS[] = {"incident", "count", "units", NULL};
static const char *const NOTICE_KEYS[] = {"incident", "audience", "kind", "level", "count", NULL};
static const char *const INCIDENT_KEYS[] = {"incident", "state", "reports", "totals", NULL};
static const char *const BALANCE_KEYS[] = {"item", "holder", "quantity", NULL};
static const char *const MOVEMENT_KEYS[] = {"item",  "kind",     "from", "to",
                                            "count", "quantity", NULL};

static const struct kind KINDS[] = {
    {"grade", SCENARIO_GRADE, "level", GRADE_KEYS, read_grade},
    {"warning", SCENARIO_WARNING, "level", WARNING_KEYS, read_warning},
    {"response", SCENARIO_RESPONSE, "level", RESPONSE_KEYS, read_response},
    {"orders", SCENARIO_ORDERS, "count", ORDERS_KEYS, read_orders},
    {"refused", SCENARIO_REFUSED, "code", REFUSED_KEYS, read_refused},
    {"receipts", SCENARIO_RECEIPTS, "accepted", RECEIPTS_KEYS, read_receipts},
    {"clocks", SCENARIO_CLOCK, "clock", CLOCK_KEYS, read_clock},
    {"overdue", SCENARIO_OVERDUE, "count", LATE_KEYS, read_late_units},
    {"escalated", SCENARIO_ESCALATED, "count", LATE_KEYS, read_late_units},
    {"notices", SCENARIO_NOTICES, "count", NOTICE_KEYS, read_notices},
    {"incident", SCENARIO_INCIDENT, "state", INCIDENT_KEYS, read_incident},
    {"balances", SCENARIO_BALANCE, NULL, BALANCE_KEYS, read_balance},
    {"movements", SCENARIO_MOVEMENTS, "count", MOVEMENT_KEYS, read_movements},
};
enum { KIND_COUNT = sizeof KINDS / sizeof KINDS[0] };

static const struct kind *kind_named(const yaml_node_t *key)
{
    for (int i = 0; reader_is_scalar(key) && i < KIND_COUNT; i++)
        if (strcmp((const char *)key->data.scalar.value, KINDS[i].key) == 0)
            return &KINDS[i];
    return NULL;
}

static void unknown_kind(struct reader *reader, const yaml_node_t *key)
{
    struct ld_buffer text = {0};
    for (int i = 0; i < KIND_COUNT; i++)
        ld_buffer_format(&text, "%s%s", i > 0 ? ", " : "", KINDS[i].key);
    reader_mistake(reader, key, "unknown expectation \"%.60s\"; expected one of: %s",
                   reader_is_scalar(key) ? (const char *)key->data.scalar.value : "?",
                   ld_buffer_string(&text));
    ld_buffer_free(&text);
}

/* ---- one expectation ---- */

/* The value of a short form, read as if it stood under its key. */
static void read_short(struct parse *parse, const struct kind *kind, yaml_node_t *value,
                       expectation_t *expectation)
{
    struct reader *reader = &parse->reader;
    if (kind->short_key == NULL) {
        reader_mistake(reader, value, "%s: expected keys and values", kind->key);
    } else if (value->type == YAML_SEQUENCE_NODE) {
        expectation->names = reader_strings(reader, value);
    } else if (kind->kind == SCENARIO_INCIDENT) {
        expectation->state = incident_state(parse, value);
    } else if (strcmp(kind->short_key, "level") == 0) {
        expectation->level = reader_enum(reader, value, &liandong__v1__level__descriptor, 0);
    } else if (strcmp(kind->short_key, "code") == 0) {
        expectation->code = reader_text(reader, value, "");
    } else if (strcmp(kind->short_key, "clock") == 0) {
        expectation->id = reader_text(reader, value, "");
    } else if (strcmp(kind->short_key, "accepted") == 0) {
        expectation->accepted = reader_expected(reader, value);
    } else {
        expectation->count = reader_expected(reader, value);
    }
}

static expectation_t blank(const struct kind *kind, const yaml_node_t *node)
{
    return (expectation_t){.kind = kind->kind,
                           .line = reader_line(node),
                           .level = SCENARIO_ANY,
                           .suggested = SCENARIO_ANY,
                           .merged = SCENARIO_ANY,
                           .state = SCENARIO_ANY,
                           .notice_kind = SCENARIO_ANY,
                           .late = SCENARIO_ANY};
}

static void add(struct parse *parse, const struct kind *kind, yaml_node_t *value,
                struct scenario_step *step)
{
    struct reader *reader = &parse->reader;
    expectation_t *made = &step->expect[step->expect_count++];
    *made = blank(kind, value);
    if (value->type == YAML_MAPPING_NODE) {
        reader_only(reader, value, kind->keys);
        made->incident = text_at(parse, value, "incident");
        kind->read(parse, value, made);
    } else {
        read_short(parse, kind, value, made);
    }
}

static bool list_of_maps(struct reader *reader, yaml_node_t *value)
{
    return value->type == YAML_SEQUENCE_NODE && reader_items(value) > 0 &&
           reader_item(reader, value, 0)->type == YAML_MAPPING_NODE;
}

static size_t count_entries(struct reader *reader, yaml_node_t *node)
{
    size_t count = 0;
    for (size_t i = 0; i < reader_pairs(node); i++) {
        yaml_node_t *value = reader_pair_at(reader, node, i).value;
        count += list_of_maps(reader, value) ? reader_items(value) : 1;
    }
    return count;
}

void parse_expect(struct parse *parse, yaml_node_t *node, struct scenario_step *step)
{
    struct reader *reader = &parse->reader;
    if (!reader_is_map(reader, node, "expect"))
        return;
    size_t count = count_entries(reader, node);
    step->expect = ld_arena_alloc(reader->arena, (count + 1) * sizeof *step->expect);
    for (size_t i = 0; i < reader_pairs(node); i++) {
        struct reader_pair pair = reader_pair_at(reader, node, i);
        const struct kind *kind = kind_named(pair.key);
        if (kind == NULL) {
            unknown_kind(reader, pair.key);
            continue;
        }
        if (!list_of_maps(reader, pair.value)) {
            add(parse, kind, pair.value, step);
            continue;
        }
        for (size_t k = 0; k < reader_items(pair.value); k++)
            add(parse, kind, reader_item(reader, pair.value, k), step);
    }
}
