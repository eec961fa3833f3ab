/*
 * Explaining: each criterion with the figure of each of its conditions, and the reports that made
 * it so. Only done when something changed.
 */
#include "explain.h"

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

static void note_condition(const struct incident *incident, const struct node *node, int level,
                           const struct reading *reading, struct sequences *sequences)
{
    const struct mark *mark;
    switch (node->condition->kind) {
    case PLAN_COUNT:
    case PLAN_AREAS:
    case PLAN_PLACES:
        note_marks(incident, node, reading, sequences);
        break;
    case PLAN_GAUGE:
        mark = series_last_in(&incident->readings[node->slot], reading->area);
        if (mark)
            note(sequences, mark->report);
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
static void list_reports(struct sv_outputs *out, struct sequences *sequences,
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
    criterion->reports = ld_arena_alloc(sv_arena(out), (listed + 1) * sizeof(uint64_t));
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
}

static void set_window(Liandong__V1__Count *count, const struct incident *incident,
                       const struct node *node, const struct reading *reading)
{
    enum plan_condition_kind kind = node->condition->kind;
    if (kind != PLAN_COUNT && kind != PLAN_AREAS && kind != PLAN_PLACES)
        return;
    const struct tally *tally = &incident->tallies[node->slot];
    if (tally->window_us == GRADING_ALL_TIME)
        return;
    count->from_us = tally_from(tally, reading->to_us);
    count->to_us = reading->to_us;
}

static Liandong__V1__Count *count_of(struct sv_outputs *out, const struct incident *incident,
                                     const struct node *node, const struct reading *reading)
{
    Liandong__V1__Count *count = ld_arena_alloc(sv_arena(out), sizeof *count);
    liandong__v1__count__init(count);
    count->measure = sv_borrow(subject_of(incident->plan, node->condition));
    count->area = sv_borrow(
        reading->area == NO_AREA ? incident->city : sv_names_text(&incident->areas, reading->area));
    count->value = reading->value;
    count->holds = reading->holds;
    set_bounds(count, node->condition);
    set_window(count, incident, node, reading);
    return count;
}

struct explaining {
    struct sv_outputs *out;
    const struct incident *incident;
    int level;
    bool late;
    Liandong__V1__Criterion *criterion;
    struct sequences sequences;
};

static size_t leaves(const struct rules *rules, const struct node *node)
{
    size_t count = node->child_count == 0;
    for (size_t i = 0; i < node->child_count; i++)
        count += leaves(rules, &rules->nodes[node->first_child + i]);
    return count;
}

static void add_counts(struct explaining *explaining, const struct node *node)
{
    const struct incident *incident = explaining->incident;
    for (size_t i = 0; i < node->child_count; i++)
        add_counts(explaining, &incident->rules->nodes[node->first_child + i]);
    if (node->child_count > 0)
        return;
    struct reading reading = judge_read(incident, node, explaining->level, explaining->late);
    Liandong__V1__Criterion *criterion = explaining->criterion;
    criterion->counts[criterion->n_counts++] = count_of(explaining->out, incident, node, &reading);
    if (reading.holds)
        note_condition(incident, node, explaining->level, &reading, &explaining->sequences);
}

static Liandong__V1__Criterion *criterion_of(struct sv_outputs *out,
                                             const struct incident *incident, size_t index)
{
    const struct rule *rule = &incident->rules->all[index];
    const struct node *root = &incident->rules->nodes[rule->root];
    Liandong__V1__Criterion *criterion = ld_arena_alloc(sv_arena(out), sizeof *criterion);
    liandong__v1__criterion__init(criterion);
    criterion->id = sv_borrow(rule->criterion->id);
    criterion->level = (Liandong__V1__Level)rule->criterion->level;
    criterion->section = sv_borrow(rule->criterion->section);
    criterion->text = sv_text_of(out, rule->criterion->text);
    size_t count = leaves(incident->rules, root);
    criterion->counts = ld_arena_alloc(sv_arena(out), count * sizeof *criterion->counts);
    struct explaining explaining = {.out = out,
                                    .incident = incident,
                                    .level = rule->criterion->level,
                                    .late = incident->verdicts[index].late,
                                    .criterion = criterion};
    add_counts(&explaining, root);
    if (incident->verdicts[index].holds)
        list_reports(out, &explaining.sequences, criterion);
    free(explaining.sequences.all);
    return criterion;
}

static bool belongs(const struct incident *incident, enum explain_part part, size_t index,
                    int next_level)
{
    bool warning = index >= incident->rules->grading_count;
    if (part == EXPLAIN_MISSING)
        return !warning && (int)incident->rules->all[index].criterion->level == next_level &&
               !incident->verdicts[index].holds;
    return incident->verdicts[index].holds && warning == (part == EXPLAIN_WARNING);
}

Liandong__V1__Criterion **explain(struct sv_outputs *out, const struct incident *incident,
                                  enum explain_part part, size_t *count)
{
    const struct rules *rules = incident->rules;
    int next_level = judge_next_level(incident);
    Liandong__V1__Criterion **all = ld_arena_alloc(sv_arena(out), (rules->count + 1) * sizeof *all);
    *count = 0;
    for (size_t i = 0; i < rules->count; i++) {
        if (belongs(incident, part, i, next_level))
            all[(*count)++] = criterion_of(out, incident, i);
    }
    return all;
}

char **explain_counties(struct sv_outputs *out, const struct incident *incident, size_t *count)
{
    char **counties = ld_arena_alloc(sv_arena(out), (incident->areas.count + 1) * sizeof *counties);
    *count = 0;
    for (size_t i = 0; i < incident->areas.count; i++) {
        if (incident->is_county[i])
            counties[(*count)++] = sv_borrow(sv_names_text(&incident->areas, i));
    }
    return counties;
}
