/* What a step does: reports, series of reports, decisions, replies, supplies, raw events. */
#include "parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "timefmt.h"

static const char *const REPORT_KEYS[] = {"by",       "id",     "kind",     "means",     "area",
                                          "hazard",   "place",  "occurred", "received",  "measures",
                                          "signs",    "lifted", "revises",  "narrative", "channel",
                                          "incident", NULL};
static const char *const SERIES_KEYS[] = {"every",  "columns", "values", "times",
                                          "report", "first",   "zero",   NULL};
static const char *const BULLETIN_KEYS[] = {"by",   "area", "kind",  "zh",       "en", "link",
                                            "from", "to",   "entry", "incident", NULL};
static const char *const DECISION_KEYS[] = {
    "by",       "act",     "level", "area",      "in_favour", "opinion",  "filed_with", "person",
    "incident", "subject", "id",    "effective", "amends",    "withdraw", NULL};
static const char *const REPLY_KEYS[] = {"units",     "except", "duties", "action",   "reason",
                                         "help_from", "person", "order",  "external", NULL};
static const char *const SUPPLY_KEYS[] = {
    "by",   "id",     "verb",      "item",  "quantity", "from",      "to",         "request",
    "area", "reason", "needed_by", "donor", "proof",    "requester", "amount_fen", NULL};
static const char *const RAW_KEYS[] = {"by", "topic", "text", "hex", NULL};

/* Protobuf strings are not const; these live in the arena and are never written to. */
static char *borrowed(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* ---- reports ---- */

struct fields { /* a mapping, and one that goes before it */
    struct reader *reader;
    yaml_node_t *first, *base;
};

static yaml_node_t *field(const struct fields *fields, const char *key)
{
    yaml_node_t *found =
        fields->first != NULL ? reader_get(fields->reader, fields->first, key) : NULL;
    return found != NULL ? found : reader_get(fields->reader, fields->base, key);
}

static char *text_field(const struct fields *fields, const char *key, const char *missing)
{
    return borrowed(reader_text(fields->reader, field(fields, key), missing));
}

/* A text that must be there: its own key, or a default of the scenario. */
static char *needed_field(const struct fields *fields, const char *key, const char *missing)
{
    char *text = text_field(fields, key, missing);
    if (text == NULL)
        reader_mistake(fields->reader, fields->base, "\"%s\" is missing", key);
    return text != NULL ? text : borrowed("");
}

static void string_list(struct reader *reader, yaml_node_t *node, size_t *count, char ***list)
{
    struct scenario_strings strings = reader_strings(reader, node);
    *count = strings.count;
    *list = ld_arena_alloc(reader->arena, (strings.count + 1) * sizeof **list);
    for (size_t i = 0; i < strings.count; i++)
        (*list)[i] = borrowed(strings.all[i]);
}

static void add_measure(struct reader *reader, Liandong__V1__Report *report, const char *measure,
                        double value)
{
    Liandong__V1__Measure *made = ld_arena_alloc(reader->arena, sizeof *made);
    liandong__v1__measure__init(made);
    made->measure = borrowed(measure);
    made->value = value;
    report->measures[report->n_measures++] = made;
}

static void parse_measures(struct reader *reader, yaml_node_t *node, Liandong__V1__Report *report)
{
    if (node == NULL || !reader_is_map(reader, node, "measures"))
        return;
    size_t count = reader_pairs(node);
    report->measures = ld_arena_alloc(reader->arena, (count + 1) * sizeof *report->measures);
    for (size_t i = 0; i < count; i++) {
        struct reader_pair pair = reader_pair_at(reader, node, i);
        add_measure(reader, report, reader_text(reader, pair.key, ""),
                    reader_number(reader, pair.value, 0));
    }
}

static char *report_id(struct parse *parse, const struct fields *fields)
{
    parse->report_count++;
    char *automatic = ld_arena_format(parse->reader.arena, parse->part ? "added-%u" : "report-%u",
                                      parse->report_count);
    return text_field(fields, "id", automatic);
}

/* A context that names an incident; NULL if the step names none. */
static Liandong__V1__Context *named_incident(const struct fields *fields)
{
    char *incident = text_field(fields, "incident", NULL);
    if (incident == NULL)
        return NULL;
    Liandong__V1__Context *context = ld_arena_alloc(fields->reader->arena, sizeof *context);
    liandong__v1__context__init(context);
    context->incident = incident;
    return context;
}

/* Times of the step are since the start; a date in them needs a start that is a date too. */
static struct scenario_time report_time(const struct fields *fields, const char *key,
                                        int64_t step_us)
{
    struct scenario_time time = reader_time(fields->reader, field(fields, key), step_us);
    time.set = true;
    return time;
}

void parse_report(struct parse *parse, yaml_node_t *first, yaml_node_t *base,
                  struct scenario_step *step)
{
    struct reader *reader = &parse->reader;
    struct fields fields = {reader, first, base};
    if (!reader_is_map(reader, base, "report") ||
        (first != NULL && !reader_is_map(reader, first, "first")))
        return;
    reader_only(reader, base, REPORT_KEYS);
    if (first != NULL)
        reader_only(reader, first, REPORT_KEYS);
    Liandong__V1__Report *report = ld_arena_alloc(reader->arena, sizeof *report);
    liandong__v1__report__init(report);
    report->context = named_incident(&fields);
    report->id = report_id(parse, &fields);
    report->kind = (Liandong__V1__Report__Kind)reader_enum(reader, field(&fields, "kind"),
                                                           &liandong__v1__report__kind__descriptor,
                                                           LIANDONG__V1__REPORT__KIND__PROGRESS);
    report->means = (Liandong__V1__Report__Means)reader_enum(
        reader, field(&fields, "means"), &liandong__v1__report__means__descriptor,
        LIANDONG__V1__REPORT__MEANS__NETWORK);
    report->area = text_field(&fields, "area", parse->scenario->area);
    report->hazard = needed_field(&fields, "hazard", parse->hazard);
    report->place = text_field(&fields, "place", "");
    report->revises = text_field(&fields, "revises", "");
    report->narrative = text_field(&fields, "narrative", "");
    report->channel = text_field(&fields, "channel", "");
    string_list(reader, field(&fields, "signs"), &report->n_signs, &report->signs);
    string_list(reader, field(&fields, "lifted"), &report->n_signs_lifted, &report->signs_lifted);
    parse_measures(reader, field(&fields, "measures"), report);
    step->occurred = report_time(&fields, "occurred", step->at_us);
    step->received = report_time(&fields, "received", step->at_us);
    step->author = needed_field(&fields, "by", parse->reporter);
    step->report = report;
    step->action = SCENARIO_REPORT;
}

/* ---- series ---- */

static bool row_values(struct parse *parse, yaml_node_t *row,
                       const struct scenario_strings *columns, Liandong__V1__Report *report)
{
    struct reader *reader = &parse->reader;
    if (!reader_is_list(reader, row, "a row"))
        return false;
    if (reader_items(row) != columns->count) {
        reader_mistake(reader, row, "expected %zu values, one for each column, found %zu",
                       columns->count, reader_items(row));
        return false;
    }
    bool any = false;
    report->n_measures = 0;
    report->measures =
        ld_arena_alloc(reader->arena, (columns->count + 1) * sizeof *report->measures);
    for (size_t i = 0; i < columns->count; i++) {
        double value = reader_number(reader, reader_item(reader, row, i), 0);
        add_measure(reader, report, columns->all[i], value);
        any |= value != 0;
    }
    return any;
}

struct series {
    yaml_node_t *values, *report, *first;
    struct scenario_strings columns;
    int64_t every_us;
    bool zero; /* a row of zeros is a zero report */
};

static void parse_row(struct parse *parse, const struct series *series, size_t index, int64_t at_us)
{
    yaml_node_t *row =
        series->values != NULL ? reader_item(&parse->reader, series->values, index) : NULL;
    struct scenario_step *step = parse_add_step(parse, row != NULL ? row : series->report, at_us);
    if (step == NULL)
        return;
    parse_report(parse, index == 0 ? series->first : NULL, series->report, step);
    if (step->report == NULL || row == NULL)
        return;
    bool any = row_values(parse, row, &series->columns, step->report);
    if (!any && series->zero)
        step->report->kind = LIANDONG__V1__REPORT__KIND__ZERO;
}

/* How many rows: those of the table, or so many times the same report without one. */
static size_t series_rows(struct reader *reader, yaml_node_t *node, struct series *series)
{
    series->values = reader_get(reader, node, "values");
    yaml_node_t *times = reader_get(reader, node, "times");
    if ((series->values == NULL) == (times == NULL)) {
        reader_mistake(reader, node, "expected either \"values\" (with \"columns\") or \"times\"");
        return 0;
    }
    if (times != NULL)
        return (size_t)reader_whole(reader, times, 1, SCENARIO_STEPS_MAX, 0);
    series->columns = reader_strings(reader, reader_need(reader, node, "columns"));
    return reader_is_list(reader, series->values, "values") ? reader_items(series->values) : 0;
}

void parse_series(struct parse *parse, yaml_node_t *node, int64_t at_us)
{
    struct reader *reader = &parse->reader;
    if (!reader_is_map(reader, node, "series"))
        return;
    reader_only(reader, node, SERIES_KEYS);
    struct series series = {
        .report = reader_need(reader, node, "report"),
        .first = reader_get(reader, node, "first"),
        .every_us = reader_duration(reader, reader_get(reader, node, "every"), LD_US_DAY),
        .zero = reader_bool(reader, reader_get(reader, node, "zero"), false)};
    size_t rows = series_rows(reader, node, &series);
    if (series.every_us <= 0)
        reader_mistake(reader, node, "every: expected more than 0s");
    for (size_t i = 0; i < rows && reader->finding_count == 0; i++)
        parse_row(parse, &series, i, at_us + (int64_t)i * series.every_us);
}

/* ---- bulletins ---- */

/* A unit above the city speaks of the city. */
static const char *area_of_unit(struct parse *parse, const char *unit)
{
    const char *city = parse_city(parse);
    bool above = strncmp(unit, city, strlen(city)) != 0;
    return above ? city : ld_arena_string(parse->reader.arena, unit, strcspn(unit, "."));
}

void parse_bulletin(struct parse *parse, yaml_node_t *node, struct scenario_step *step)
{
    struct reader *reader = &parse->reader;
    struct fields fields = {reader, NULL, node};
    if (!reader_is_map(reader, node, "bulletin"))
        return;
    reader_only(reader, node, BULLETIN_KEYS);
    Liandong__V1__Bulletin *bulletin = ld_arena_alloc(reader->arena, sizeof *bulletin);
    liandong__v1__bulletin__init(bulletin);
    bulletin->kind = (Liandong__V1__Bulletin__Kind)reader_enum(
        reader, reader_need(reader, node, "kind"), &liandong__v1__bulletin__kind__descriptor, 0);
    bulletin->text = ld_arena_alloc(reader->arena, sizeof *bulletin->text);
    liandong__v1__text__init(bulletin->text);
    bulletin->text->zh = text_field(&fields, "zh", "");
    bulletin->text->en = text_field(&fields, "en", "");
    bulletin->link = text_field(&fields, "link", "");
    bulletin->entry = text_field(&fields, "entry", "");
    bulletin->context = named_incident(&fields);
    step->occurred = reader_time(reader, field(&fields, "from"), step->at_us);
    step->received = reader_time(reader, field(&fields, "to"), step->at_us);
    step->author = needed_field(&fields, "by", NULL);
    step->area = text_field(&fields, "area", NULL);
    if (step->area == NULL)
        step->area = area_of_unit(parse, step->author);
    step->bulletin = bulletin;
    step->action = SCENARIO_BULLETIN;
}

/* ---- decisions ---- */

/* The act: as the word says, or taking back the one that is named. */
static Liandong__V1__Decision__Act decision_act(const struct fields *fields)
{
    struct reader *reader = fields->reader;
    if (field(fields, "withdraw") == NULL)
        return (Liandong__V1__Decision__Act)reader_enum(
            reader, reader_need(reader, fields->base, "act"),
            &liandong__v1__decision__act__descriptor, 0);
    for (const char *const *key = (const char *const[]){"act", "amends", "effective", NULL}; *key;
         key++)
        if (field(fields, *key) != NULL)
            reader_mistake(reader, field(fields, *key), "\"%s\" does not go with \"withdraw\"",
                           *key);
    return LIANDONG__V1__DECISION__ACT__WITHDRAW_ACT;
}

/* The id of a decision of an earlier step: the one to be replaced or taken back. */
static const char *earlier_decision(const struct parse *parse, const struct fields *fields)
{
    const char *key = field(fields, "withdraw") != NULL ? "withdraw" : "amends";
    const char *id = text_field(fields, key, NULL);
    const struct scenario *scenario = parse->scenario;
    for (size_t i = 0; id != NULL && i < scenario->step_count; i++)
        if (scenario->steps[i].id != NULL && strcmp(scenario->steps[i].id, id) == 0)
            return id;
    if (id != NULL)
        reader_mistake(fields->reader, field(fields, key),
                       "%s: no decision above has the id \"%s\"", key, id);
    return NULL;
}

static void parse_ahead(struct parse *parse, const struct fields *fields,
                        struct scenario_step *step)
{
    if (field(fields, "effective") != NULL)
        step->occurred = report_time(fields, "effective", step->at_us);
    step->amends = earlier_decision(parse, fields);
    step->id = text_field(fields, "id", NULL);
}

void parse_decision(struct parse *parse, yaml_node_t *node, struct scenario_step *step)
{
    struct reader *reader = &parse->reader;
    struct fields fields = {reader, NULL, node};
    if (!reader_is_map(reader, node, "decision"))
        return;
    reader_only(reader, node, DECISION_KEYS);
    Liandong__V1__Decision *decision = ld_arena_alloc(reader->arena, sizeof *decision);
    liandong__v1__decision__init(decision);
    decision->act = decision_act(&fields);
    decision->level = (Liandong__V1__Level)reader_enum(reader, field(&fields, "level"),
                                                       &liandong__v1__level__descriptor, 0);
    decision->area = text_field(&fields, "area", parse_city(parse));
    decision->in_favour = reader_bool(reader, field(&fields, "in_favour"), true);
    decision->opinion = text_field(&fields, "opinion", "");
    decision->filed_with = text_field(&fields, "filed_with", "");
    decision->person = text_field(&fields, "person", "");
    decision->subject = (Liandong__V1__Decision__Subject)reader_enum(
        reader, field(&fields, "subject"), &liandong__v1__decision__subject__descriptor,
        LIANDONG__V1__DECISION__SUBJECT__RESPONSE);
    decision->context = named_incident(&fields);
    parse_ahead(parse, &fields, step);
    step->author = needed_field(&fields, "by", NULL);
    step->decision = decision;
    step->action = SCENARIO_DECISION;
}

/* ---- replies ---- */

static bool is_word(const yaml_node_t *node, const char *word)
{
    return reader_is_scalar(node) && strcmp((const char *)node->data.scalar.value, word) == 0;
}

void parse_reply(struct parse *parse, yaml_node_t *node, struct scenario_step *step)
{
    struct reader *reader = &parse->reader;
    struct fields fields = {reader, NULL, node};
    if (!reader_is_map(reader, node, "reply"))
        return;
    reader_only(reader, node, REPLY_KEYS);
    struct scenario_reply *reply = ld_arena_alloc(reader->arena, sizeof *reply);
    yaml_node_t *units = reader_need(reader, node, "units");
    reply->all = is_word(units, "all");
    if (!reply->all)
        reply->units = reader_strings(reader, units);
    reply->except = reader_strings(reader, field(&fields, "except"));
    reply->duties = reader_strings(reader, field(&fields, "duties"));
    reply->action = (Liandong__V1__DutyReply__Action)reader_enum(
        reader, reader_need(reader, node, "action"), &liandong__v1__duty_reply__action__descriptor,
        0);
    reply->reason = text_field(&fields, "reason", "");
    reply->help_from = text_field(&fields, "help_from", "");
    reply->person = text_field(&fields, "person", "");
    reply->order = text_field(&fields, "order", NULL);
    reply->external = reader_bool(reader, field(&fields, "external"),
                                  reply->action == LIANDONG__V1__DUTY_REPLY__ACTION__ACKNOWLEDGE &&
                                      reply->order == NULL);
    if (reply->order != NULL && (reply->all || reply->units.count != 1))
        reader_mistake(reader, node, "\"order\" goes with exactly one unit");
    step->reply = reply;
    step->action = SCENARIO_REPLY;
}

/* ---- supplies ---- */

/* Wrong ones are for the service to refuse. */
static const int64_t QUANTITY_MAX = 1000000000000000;

void parse_supply(struct parse *parse, yaml_node_t *node, struct scenario_step *step)
{
    struct reader *reader = &parse->reader;
    struct fields fields = {reader, NULL, node};
    if (!reader_is_map(reader, node, "supply"))
        return;
    reader_only(reader, node, SUPPLY_KEYS);
    Liandong__V1__SupplyAct *act = ld_arena_alloc(reader->arena, sizeof *act);
    liandong__v1__supply_act__init(act);
    act->verb = (Liandong__V1__SupplyAct__Verb)reader_enum(
        reader, reader_need(reader, node, "verb"), &liandong__v1__supply_act__verb__descriptor, 0);
    act->id = report_id(parse, &fields);
    act->item = needed_field(&fields, "item", NULL);
    act->quantity =
        reader_whole(reader, field(&fields, "quantity"), -QUANTITY_MAX, QUANTITY_MAX, 0);
    act->from = text_field(&fields, "from", "");
    act->to = text_field(&fields, "to", "");
    act->request = text_field(&fields, "request", "");
    act->area = text_field(&fields, "area", parse->scenario->area);
    act->reason = text_field(&fields, "reason", "");
    act->donor = text_field(&fields, "donor", "");
    act->proof = text_field(&fields, "proof", "");
    act->requester = text_field(&fields, "requester", "");
    act->amount_fen =
        reader_whole(reader, field(&fields, "amount_fen"), -QUANTITY_MAX, QUANTITY_MAX, 0);
    step->occurred = reader_time(reader, field(&fields, "needed_by"), step->at_us);
    step->author = needed_field(&fields, "by", NULL);
    step->supply = act;
    step->action = SCENARIO_SUPPLY;
}

/* ---- the rest ---- */

void parse_adopt(struct parse *parse, yaml_node_t *node, struct scenario_step *step)
{
    const char *plan = reader_text(&parse->reader, node, "");
    step->plan_from_run = strcmp(plan, "again") == 0;
    step->plan = parse_beside(parse, plan);
    step->author = "operator";
    step->action = SCENARIO_ADOPT;
}

static uint8_t hex_digit(char digit)
{
    return (uint8_t)(isdigit((unsigned char)digit) ? digit - '0'
                                                   : tolower((unsigned char)digit) - 'a' + 10);
}

static void parse_hex(struct reader *reader, yaml_node_t *node, struct scenario_raw *raw)
{
    const char *text = reader_text(reader, node, "");
    size_t size = strlen(text);
    if (size % 2 != 0 || strspn(text, "0123456789abcdefABCDEF") != size) {
        reader_mistake(reader, node, "expected pairs of hex digits");
        return;
    }
    uint8_t *bytes = ld_arena_alloc(reader->arena, size / 2 + 1);
    for (size_t i = 0; i < size / 2; i++)
        bytes[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    raw->payload = bytes;
    raw->payload_size = size / 2;
}

void parse_raw(struct parse *parse, yaml_node_t *node, struct scenario_step *step)
{
    struct reader *reader = &parse->reader;
    struct fields fields = {reader, NULL, node};
    struct ld_error error;
    if (!reader_is_map(reader, node, "raw"))
        return;
    reader_only(reader, node, RAW_KEYS);
    struct scenario_raw *raw = ld_arena_alloc(reader->arena, sizeof *raw);
    raw->topic = needed_field(&fields, "topic", NULL);
    if (ld_topic_check(raw->topic, strlen(raw->topic), &error) != LD_OK)
        reader_mistake(reader, node, "topic: %s", error.text);
    const char *text = text_field(&fields, "text", "");
    raw->payload = (const uint8_t *)text;
    raw->payload_size = strlen(text);
    yaml_node_t *hex = field(&fields, "hex");
    if (hex != NULL)
        parse_hex(reader, hex, raw);
    step->author = needed_field(&fields, "by", NULL);
    step->raw = raw;
    step->action = SCENARIO_RAW;
}
