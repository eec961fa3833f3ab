/*
 * Explaining: each criterion with the figure of each of its conditions, what it lacks or when it
 * lapses, and the reports that made it so. Only done when something changed, or when asked.
 */
#include "explain.h"
#include "lapse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REPORTS_MAX = 64 };

/* ---- which reports ---- */

struct sequences {
    uint64_t *all;
    size_t count, capacity;
};

static void note(struct sequences *sequences, uint64_t sequence)
{
    if (sequences->count == sequences->capacity) {
        size_t capacity = sequences->capacity ? sequences->capacity * 2 : 64;
        uint64_t *all = realloc(sequences->all, capacity * sizeof *all);
        if (!all)
            abort();
        sequences->all = all;
        sequences->capacity = capacity;
    }
    sequences->all[sequences->count++] = sequence;
}

static void note_marks(const struct incident *incident, const struct node *node,
                       const struct reading *reading, struct sequences *sequences)
{
    const struct tally *tally = &incident->tallies[node->slot];
    const struct series *series = &tally->marks;
    struct cursor cursor = series_after(series, tally_from(tally, reading->to_us));
    const struct mark *mark;
    for (; (mark = series_at(series, cursor)) != NULL && mark->time_us <= reading->to_us;
         series_next(series, &cursor)) {
        if (reading->area == NO_AREA || reading->area == mark->area)
            note(sequences, mark->report);
    }
}

/* The reading itself, or all that its mean is of. */
static void note_readings(const struct incident *incident, const struct node *node,
                          const struct reading *reading, struct sequences *sequences)
{
    const struct readings *readings = &incident->readings;
    if (node->condition->over != PLAN_OVER_MEAN) {
        note(sequences, readings_in_area(readings, node->slot, reading->area)->report);
        return;
    }
    for (size_t place = 0; place < incident->places.count; place++) {
        const struct mark *mark = readings_at_place(readings, node->slot, place);
        if (judge_is_recent(incident, node->condition, mark))
            note(sequences, mark->report);
    }
}

static void note_condition(const struct incident *incident, const struct node *node, int level,
                           const struct reading *reading, struct sequences *sequences)
{
    switch (node->condition->kind) {
    case PLAN_COUNT:
    case PLAN_AREAS:
    case PLAN_PLACES:
        note_marks(incident, node, reading, sequences);
        break;
    case PLAN_GAUGE:
        note_readings(incident, node, reading, sequences);
        break;
    case PLAN_SIGN:
        for (size_t i = 0; i < incident->standing_count; i++) {
            if (incident->standing[i].sign == node->condition->sign)
                note(sequences, incident->standing[i].report);
        }
        break;
    case PLAN_DESIGNATED:
        for (size_t i = 0; i < incident->designation_count; i++) {
            if (incident->designations[i].level == level)
                note(sequences, incident->designations[i].decision);
        }
        break;
    default:
        break;
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* Each report once, the newest last; the newest 64 are listed. */
static void list_reports(struct ld_arena *arena, struct sequences *sequences,
                         Liandong__V1__Criterion *criterion)
{
    size_t distinct = 0;
    if (sequences->count > 0)
        qsort(sequences->all, sequences->count, sizeof *sequences->all, by_value);
    for (size_t i = 0; i < sequences->count; i++) {
        if (distinct == 0 || sequences->all[distinct - 1] != sequences->all[i])
            sequences->all[distinct++] = sequences->all[i];
    }
    size_t listed = distinct < REPORTS_MAX ? distinct : REPORTS_MAX;
    criterion->report_count = (uint32_t)distinct;
    criterion->n_reports = listed;
    criterion->reports = ld_arena_alloc(arena, (listed + 1) * sizeof(uint64_t));
    if (listed > 0)
        memcpy(criterion->reports, sequences->all + distinct - listed, listed * sizeof(uint64_t));
}

/* ---- which figures ---- */

static const char *subject_of(const struct plan *plan, const struct plan_condition *condition)
{
    switch (condition->kind) {
    case PLAN_COUNT:
    case PLAN_GAUGE:
        return plan->measures[condition->measure].id;
    case PLAN_AREAS:
        return "areas";
    case PLAN_PLACES:
        return "places";
    case PLAN_SIGN:
        return plan->signs[condition->sign].id;
    default:
        return "designated";
    }
}

static void set_bounds(Liandong__V1__Count *count, const struct plan_condition *condition)
{
    static const struct plan_bounds once = {.has_low = true, .low = 1};
    bool fact = condition->kind == PLAN_SIGN || condition->kind == PLAN_DESIGNATED;
    const struct plan_bounds *bounds = fact ? &once : &condition->bounds;
    count->has_at_least = bounds->has_low;
    count->at_least = bounds->low;
    count->more_than = bounds->has_low && bounds->low_open;
    count->has_at_most = bounds->has_high;
    count->at_most = bounds->high;
    count->less_than = bounds->has_high && bounds->high_open;
}

/* How much more would meet the lower bound. */
static double lack(const struct plan_condition *condition, const Liandong__V1__Count *count)
{
    bool whole = condition->kind != PLAN_GAUGE || condition->round_up;
    double low = whole && count->more_than ? floor(count->at_least) + 1 : count->at_least;
    if (!count->has_at_least || count->value > low || (count->value == low && !count->more_than))
        return 0;
    return low - count->value;
}

static void set_window(Liandong__V1__Count *count, const struct incident *incident,
                       const struct node *node, const struct reading *reading)
{
    enum plan_condition_kind kind = node->condition->kind;
    if (kind == PLAN_GAUGE && node->condition->window == PLAN_WINDOW_FIXED) {
        count->from_us = incident->as_of_us - node->condition->window_us;
        count->to_us = incident->as_of_us;
    }
    if (kind != PLAN_COUNT && kind != PLAN_AREAS && kind != PLAN_PLACES)
        return;
    const struct tally *tally = &incident->tallies[node->slot];
    if (tally->window_us == GRADING_ALL_TIME)
        return;
    count->from_us = tally_from(tally, reading->to_us);
    count->to_us = reading->to_us;
}

struct explaining {
    struct ld_arena *arena;
    const struct incident *incident;
    int level;
    bool late;
    Liandong__V1__Criterion *criterion;
    struct sequences sequences;
};

static int64_t or_zero(int64_t lapses_us)
{
    return lapses_us == LAPSE_NEVER ? 0 : lapses_us;
}

static Liandong__V1__Count *count_of(const struct explaining *explaining, const struct node *node,
                                     const struct reading *reading)
{
    const struct incident *incident = explaining->incident;
    const struct plan_condition *condition = node->condition;
    Liandong__V1__Count *count = ld_arena_alloc(explaining->arena, sizeof *count);
    liandong__v1__count__init(count);
    count->measure = sv_borrow(subject_of(incident->plan, condition));
    count->area = sv_borrow(
        reading->area == NO_AREA ? incident->city : sv_names_text(&incident->areas, reading->area));
    count->value = reading->value;
    count->holds = reading->holds;
    set_bounds(count, condition);
    set_window(count, incident, node, reading);
    count->mean = condition->kind == PLAN_GAUGE && condition->over == PLAN_OVER_MEAN;
    count->rounded_up = condition->round_up;
    if (condition->kind == PLAN_AREAS || condition->kind == PLAN_PLACES)
        count->counted = sv_borrow(incident->plan->measures[condition->measure].id);
    count->lacks = lack(condition, count);
    if (reading->holds && !explaining->late)
        count->lapses_us = or_zero(lapse_of(incident, node, explaining->level));
    return count;
}

static void count_nodes(const struct rules *rules, const struct node *node, size_t *leaves,
                        size_t *all)
{
    *leaves += node->child_count == 0;
    *all += 1;
    for (size_t i = 0; i < node->child_count; i++)
        count_nodes(rules, &rules->nodes[node->first_child + i], leaves, all);
}

static void add_count(struct explaining *explaining, const struct node *node)
{
    const struct incident *incident = explaining->incident;
    Liandong__V1__Criterion *criterion = explaining->criterion;
    struct reading reading = judge_read(incident, node, explaining->level, explaining->late);
    criterion->counts[criterion->n_counts++] = count_of(explaining, node, &reading);
    if (reading.holds)
        note_condition(incident, node, explaining->level, &reading, &explaining->sequences);
}

static Liandong__V1__Part__Kind kind_of(const struct node *node)
{
    switch (node->condition->kind) {
    case PLAN_ALL:
        return LIANDONG__V1__PART__KIND__ALL;
    case PLAN_ANY:
        return LIANDONG__V1__PART__KIND__ANY;
    case PLAN_NOT:
        return LIANDONG__V1__PART__KIND__NOT;
    default:
        return LIANDONG__V1__PART__KIND__FIGURE;
    }
}

static void add_parts(struct explaining *explaining, const struct node *node)
{
    const struct incident *incident = explaining->incident;
    Liandong__V1__Criterion *criterion = explaining->criterion;
    Liandong__V1__Part *part = ld_arena_alloc(explaining->arena, sizeof *part);
    liandong__v1__part__init(part);
    part->kind = kind_of(node);
    part->parts = (uint32_t)node->child_count;
    part->holds = judge_holds(incident, node, explaining->level, explaining->late);
    criterion->parts[criterion->n_parts++] = part;
    if (node->child_count == 0)
        add_count(explaining, node);
    for (size_t i = 0; i < node->child_count; i++)
        add_parts(explaining, &incident->rules->nodes[node->first_child + i]);
}

static void add_conditions(struct explaining *explaining, const struct node *root)
{
    Liandong__V1__Criterion *criterion = explaining->criterion;
    struct ld_arena *arena = explaining->arena;
    size_t leaves = 0, nodes = 0;
    count_nodes(explaining->incident->rules, root, &leaves, &nodes);
    criterion->counts = ld_arena_alloc(arena, leaves * sizeof *criterion->counts);
    criterion->parts = ld_arena_alloc(arena, nodes * sizeof *criterion->parts);
    add_parts(explaining, root);
}

static void say_holds(struct explaining *explaining, const struct verdict *verdict,
                      const struct node *root)
{
    Liandong__V1__Criterion *criterion = explaining->criterion;
    list_reports(explaining->arena, &explaining->sequences, criterion);
    criterion->since_us = verdict->since.time_us;
    criterion->since_event = verdict->since.sequence;
    criterion->past = verdict->late;
    if (!verdict->late)
        criterion->lapses_us = or_zero(lapse_of(explaining->incident, root, explaining->level));
}

static Liandong__V1__Text *text_of(struct ld_arena *arena, struct plan_text from)
{
    Liandong__V1__Text *text = ld_arena_alloc(arena, sizeof *text);
    liandong__v1__text__init(text);
    text->zh = sv_borrow(from.zh);
    text->en = sv_borrow(from.en);
    return text;
}

static Liandong__V1__Criterion *criterion_of(struct ld_arena *arena,
                                             const struct incident *incident, size_t index)
{
    const struct rule *rule = &incident->rules->all[index];
    const struct node *root = &incident->rules->nodes[rule->root];
    const struct verdict *verdict = &incident->verdicts[index];
    Liandong__V1__Criterion *criterion = ld_arena_alloc(arena, sizeof *criterion);
    liandong__v1__criterion__init(criterion);
    criterion->id = sv_borrow(rule->criterion->id);
    criterion->level = (Liandong__V1__Level)rule->criterion->level;
    criterion->section = sv_borrow(rule->criterion->section);
    criterion->text = text_of(arena, rule->criterion->text);
    struct explaining explaining = {.arena = arena,
                                    .incident = incident,
                                    .level = rule->criterion->level,
                                    .late = verdict->late,
                                    .criterion = criterion};
    add_conditions(&explaining, root);
    if (verdict->holds)
        say_holds(&explaining, verdict, root);
    free(explaining.sequences.all);
    return criterion;
}

/* ---- the whole ---- */

struct wanted { /* rules [from, to) that hold, or that do not hold and are of this level */
    size_t from, to;
    bool holding;
    int level;
};

static struct wanted wanted_for(const struct incident *incident, enum explain_part part)
{
    size_t grading = incident->rules->grading_count, all = incident->rules->count;
    switch (part) {
    case EXPLAIN_HOLDING:
        return (struct wanted){0, grading, true, PLAN_NONE};
    case EXPLAIN_MISSING:
        return (struct wanted){0, grading, false, judge_next_level(incident)};
    case EXPLAIN_WARNING:
        return (struct wanted){grading, all, true, PLAN_NONE};
    default:
        return (struct wanted){grading, all, false, judge_next_colour(incident)};
    }
}

Liandong__V1__Criterion **explain(struct ld_arena *arena, const struct incident *incident,
                                  enum explain_part part, size_t *count)
{
    struct wanted wanted = wanted_for(incident, part);
    Liandong__V1__Criterion **all =
        ld_arena_alloc(arena, (wanted.to - wanted.from + 1) * sizeof *all);
    *count = 0;
    for (size_t i = wanted.from; i < wanted.to; i++) {
        bool of_level = (int)incident->rules->all[i].criterion->level == wanted.level;
        if (incident->verdicts[i].holds == wanted.holding && (wanted.holding || of_level))
            all[(*count)++] = criterion_of(arena, incident, i);
    }
    return all;
}

/* Codes of the counties affected, in order of appearance. */
static char **explain_counties(struct ld_arena *arena, const struct incident *incident,
                               size_t *count)
{
    char **counties = ld_arena_alloc(arena, (incident->areas.count + 1) * sizeof *counties);
    *count = 0;
    for (size_t i = 0; i < incident->areas.count; i++) {
        if (incident->is_county[i])
            counties[(*count)++] = sv_borrow(sv_names_text(&incident->areas, i));
    }
    return counties;
}

void explain_grade(struct ld_arena *arena, const struct incident *incident,
                   Liandong__V1__Grade *grade)
{
    grade->level = (Liandong__V1__Level)incident->level;
    grade->suggested = (Liandong__V1__Level)incident->suggested;
    grade->holding = explain(arena, incident, EXPLAIN_HOLDING, &grade->n_holding);
    grade->missing = explain(arena, incident, EXPLAIN_MISSING, &grade->n_missing);
    grade->area = sv_borrow(incident->city);
    grade->hazard = sv_borrow(incident->hazard);
    grade->counties = explain_counties(arena, incident, &grade->n_counties);
    grade->as_of_us = incident->as_of_us == INT64_MIN ? 0 : incident->as_of_us;
    grade->since_us = incident->level_since.time_us;
    grade->since_event = incident->level_since.sequence;
    grade->lapses_us = or_zero(lapse_of_suggested(incident));
}

void explain_warning(struct ld_arena *arena, const struct incident *incident,
                     Liandong__V1__Warning *warning)
{
    bool from_grade = incident->plan->warning_from_grade;
    enum explain_part holding = from_grade ? EXPLAIN_HOLDING : EXPLAIN_WARNING;
    enum explain_part missing = from_grade ? EXPLAIN_MISSING : EXPLAIN_MISSING_COLOUR;
    bool any = incident->colour != PLAN_NONE;
    warning->state = LIANDONG__V1__WARNING__STATE__SUGGESTED;
    warning->level = (Liandong__V1__Level)incident->colour;
    warning->holding = explain(arena, incident, holding, &warning->n_holding);
    warning->missing = explain(arena, incident, missing, &warning->n_missing);
    warning->area = sv_borrow(incident->city);
    warning->counties = explain_counties(arena, incident, &warning->n_counties);
    warning->section = sv_borrow(incident->plan->warning_section);
    warning->county_section = sv_borrow(incident->plan->warning_county_section);
    warning->since_us = any ? incident->colour_since.time_us : 0;
    warning->since_event = any ? incident->colour_since.sequence : 0;
}
