/* Grading and the slow one side by side; see grading_stream.h. */
#include "grading_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "grading/grading.h"

#define DIFFERS(stream, told, ...)                                                                 \
    do {                                                                                           \
        print_message("seed %u, %s, step %zu: ", (stream)->seed, (told)->id, (stream)->step);      \
        fail_msg(__VA_ARGS__);                                                                     \
    } while (0)

/* The figures of a criterion, in the order of the plan. */
static void compare_figures(const struct stream *stream, const struct told *told, size_t number,
                            const struct plan_condition *condition,
                            const Liandong__V1__Criterion *said, size_t *at)
{
    for (size_t i = 0; i < condition->child_count; i++)
        compare_figures(stream, told, number, &condition->children[i], said, at);
    if (condition->child_count > 0)
        return;
    int level = (int)slow_criterion(stream->plan, number)->level;
    struct slow_figure slow =
        slow_figure_of(&told->slow, condition, level, told->slow.past[number]);
    assert_true(*at < said->n_counts);
    const Liandong__V1__Count *count = said->counts[(*at)++];
    counts.figures++;
    if (count->value != slow.value || (bool)count->holds != slow.holds)
        DIFFERS(stream, told, "%s: %s is %g (%d), expected %g (%d)", said->id, count->measure,
                count->value, count->holds, slow.value, slow.holds);
}

struct expected { /* criteria [from, to) that hold; or that do not and are of the level */
    size_t from, to;
    bool holding;
    int level;
};

static void compare_list(const struct stream *stream, const struct told *told,
                         struct expected expected, Liandong__V1__Criterion *const *said,
                         size_t said_count, bool figures)
{
    size_t at = 0;
    for (size_t i = expected.from; i < expected.to; i++) {
        const struct plan_criterion *criterion = slow_criterion(stream->plan, i);
        bool wanted = told->slow.concerned[i] && told->slow.holds[i] == expected.holding &&
                      (expected.holding || (int)criterion->level == expected.level);
        if (!wanted)
            continue;
        if (at == said_count || strcmp(said[at]->id, criterion->id) != 0)
            DIFFERS(stream, told, "expected %s among those that %s", criterion->id,
                    expected.holding ? "hold" : "are missing");
        size_t leaf = 0;
        if (figures) {
            assert_int_equal(said[at]->parts[0]->holds, expected.holding);
            assert_int_equal(said[at]->past, told->slow.past[i]);
            compare_figures(stream, told, i, &criterion->when, said[at], &leaf);
            assert_int_equal(leaf, said[at]->n_counts);
        }
        at++;
    }
    if (at != said_count)
        DIFFERS(stream, told, "%s is among those that %s", said[at]->id,
                expected.holding ? "hold" : "are missing");
}

/* The least grave level above this one among criteria [from, to). */
static int next_above(const struct told *told, int level, size_t from, size_t to)
{
    int next = PLAN_NONE;
    for (size_t i = from; i < to; i++) {
        int one = (int)slow_criterion(told->slow.plan, i)->level;
        if (told->slow.concerned[i] && (level == PLAN_NONE || one < level) && one > next)
            next = one;
    }
    return next;
}

static void compare_counties(const struct told *told, char *const *said, size_t said_count)
{
    const struct slow *slow = &told->slow;
    size_t at = 0;
    for (size_t i = 0; i < slow->report_count; i++) {
        const char *area = slow->reports[i].area;
        bool first = slow_is_county(slow, area);
        for (size_t k = 0; k < i; k++)
            first = first && strcmp(slow->reports[k].area, area) != 0;
        if (!first)
            continue;
        assert_true(at < said_count);
        assert_string_equal(said[at++], area);
    }
    assert_int_equal(at, said_count);
}

static void compare_grade(const struct stream *stream, const struct told *told,
                          const Liandong__V1__Grade *grade, bool whole)
{
    const struct slow *slow = &told->slow;
    size_t count = stream->plan->criterion_count;
    int next = next_above(told, slow->level, 0, count);
    if ((int)grade->level != slow->level || (int)grade->suggested != slow->suggested)
        DIFFERS(stream, told, "level %d, suggested %d, expected %d and %d", (int)grade->level,
                (int)grade->suggested, slow->level, slow->suggested);
    compare_list(stream, told, (struct expected){0, count, true, 0}, grade->holding,
                 grade->n_holding, whole);
    compare_counties(told, grade->counties, grade->n_counties);
    if (whole)
        compare_list(stream, told, (struct expected){0, count, false, next}, grade->missing,
                     grade->n_missing, true);
}

/* The gravest colour in force, as one; it is in the order of opening. */
static void compare_merged(const struct stream *stream, const struct told *told,
                           const Liandong__V1__Warning *warning, bool whole)
{
    int merged = PLAN_NONE;
    size_t others = 0;
    bool merges = *stream->plan->warning_merge_section && told->slow.colour != PLAN_NONE;
    for (size_t i = 0; i < stream->opened && merges; i++) {
        const struct told *other = &stream->told[i];
        if (!other->open || other->slow.colour == PLAN_NONE)
            continue;
        if (merged == PLAN_NONE || other->slow.colour < merged)
            merged = other->slow.colour;
        if (whole && other != told) {
            assert_true(others < warning->n_merged_with);
            assert_string_equal(warning->merged_with[others++], other->id);
        }
    }
    if ((int)warning->merged != merged)
        DIFFERS(stream, told, "merged %d, expected %d", (int)warning->merged, merged);
    if (whole)
        assert_int_equal(others, warning->n_merged_with);
}

static void compare_warning(const struct stream *stream, const struct told *told,
                            const Liandong__V1__Warning *warning, bool whole)
{
    const struct slow *slow = &told->slow;
    bool from_grade = stream->plan->warning_from_grade;
    size_t from = from_grade ? 0 : stream->plan->criterion_count;
    size_t to = from_grade ? stream->plan->criterion_count : slow_criteria(stream->plan);
    int next = next_above(told, slow->colour, from, to);
    if ((int)warning->level != slow->colour)
        DIFFERS(stream, told, "colour %d, expected %d", (int)warning->level, slow->colour);
    compare_merged(stream, told, warning, whole);
    if (whole || !from_grade) /* else it is said when the colour changes, not what holds */
        compare_list(stream, told, (struct expected){from, to, true, 0}, warning->holding,
                     warning->n_holding, whole);
    if (whole)
        compare_list(stream, told, (struct expected){from, to, false, next}, warning->missing,
                     warning->n_missing, true);
}

/* What grading would say now of the one that the event was about. */
static void compare_asked(const struct stream *stream, const struct told *told)
{
    const struct sv_core *core =
        sv_host_core(sv_sim_host(stream->world->sim), &grading_class, false);
    struct ld_arena arena = {0};
    Liandong__V1__Grade grade;
    Liandong__V1__Warning warning;
    assert_int_equal(grading_explain(core, told->id, &arena, &grade, &warning), told->open);
    if (told->open) {
        compare_grade(stream, told, &grade, true);
        compare_warning(stream, told, &warning, true);
    }
    ld_arena_free(&arena);
}

/* What it said last is still so, for each that is open. */
static void compare_said(const struct stream *stream)
{
    for (size_t i = 0; i < stream->opened; i++) {
        const struct told *told = &stream->told[i];
        if (!told->open)
            continue;
        assert_int_equal(told->grade != NULL, stream->plan->criterion_count > 0);
        if (told->grade)
            compare_grade(stream, told, told->grade, false);
        if (told->warning)
            compare_warning(stream, told, told->warning, false);
        else
            assert_int_equal(told->slow.colour, PLAN_NONE);
    }
}

static struct told *named(struct stream *stream, const char *id)
{
    for (size_t i = 0; i < stream->opened; i++) {
        if (strcmp(stream->told[i].id, id) == 0)
            return &stream->told[i];
    }
    fail_msg("%s: nothing was told of it", id);
    return NULL;
}

static void hear(struct stream *stream)
{
    for (; stream->seen < stream->world->count; stream->seen++) {
        const struct world_record *record = &stream->world->all[stream->seen];
        if (record->family == SV_GRADE) {
            const Liandong__V1__Grade *grade = (const void *)record->message;
            named(stream, grade->context->incident)->grade = grade;
        } else if (record->family == SV_WARNING) {
            const Liandong__V1__Warning *warning = (const void *)record->message;
            named(stream, warning->context->incident)->warning = warning;
        }
    }
}

void compare(struct stream *stream, const struct told *told)
{
    counts.events++;
    hear(stream);
    compare_asked(stream, told);
    compare_said(stream);
}
