/* Counting from the list, each time; see slow_grading.h. */
#include "slow_grading.h"

#include <math.h>
#include <string.h>

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* ---- which reports count ---- */

/* A report replaces the latest one before it with that number of the same reporter. */
static bool is_replaced(const struct slow *slow, size_t index)
{
    const struct slow_report *old = &slow->reports[index];
    for (size_t i = index + 1; i < slow->report_count; i++) {
        const struct slow_report *newer = &slow->reports[i];
        if (!same(newer->reporter, old->reporter))
            continue;
        if (same(newer->revises, old->id))
            return true;
        if (same(newer->id, old->id))
            return false;
    }
    return false;
}

static int64_t as_of_us(const struct slow *slow)
{
    int64_t latest_us = INT64_MIN;
    for (size_t i = 0; i < slow->report_count; i++)
        latest_us = slow->reports[i].onset_us > latest_us ? slow->reports[i].onset_us : latest_us;
    return latest_us;
}

bool slow_is_county(const struct slow *slow, const char *area)
{
    for (size_t i = 0; i < slow->plan->area_count; i++) {
        if (same(slow->plan->areas[i].code, area))
            return slow->plan->areas[i].level == PLAN_COUNTY;
    }
    return false;
}

static bool is_count(double value)
{
    return value >= 1 && value <= 1e9 && value == floor(value);
}

static double number_in(const struct slow_report *report, const char *measure)
{
    for (size_t i = 0; i < report->measure_count; i++) {
        if (same(report->measures[i].id, measure) && is_count(report->measures[i].value))
            return report->measures[i].value;
    }
    return 0;
}

/* ---- counts in a window ---- */

/* 0: no end. */
static int64_t window_us(const struct slow *slow, const struct plan_condition *condition)
{
    if (condition->window == PLAN_WINDOW_FIXED)
        return condition->window_us;
    if (condition->window == PLAN_WINDOW_INCUBATION)
        return slow->plan->hazards[slow->hazard].incubation_us;
    return 0;
}

/* The sum of a measure in the window that ends at to, where area and place are these (NULL: any).
 */
static double sum(const struct slow *slow, const struct plan_condition *condition, int64_t to_us,
                  const char *area, const char *place)
{
    double total = 0;
    int64_t window = window_us(slow, condition);
    for (size_t i = 0; i < slow->report_count; i++) {
        const struct slow_report *report = &slow->reports[i];
        bool inside =
            window == 0 || (report->onset_us <= to_us && report->onset_us > to_us - window);
        bool here = (!area || same(report->area, area)) && (!place || same(report->place, place));
        if (inside && here && !slow->replaced[i])
            total += number_in(report, slow->plan->measures[condition->measure].id);
    }
    return total;
}

/* Is report i the first of its area (and place)? */
static bool first_of(const struct slow *slow, size_t index, bool places)
{
    for (size_t i = 0; i < index; i++) {
        const struct slow_report *other = &slow->reports[i];
        if (same(other->area, slow->reports[index].area) &&
            (!places || same(other->place, slow->reports[index].place)))
            return false;
    }
    return true;
}

/* Counties or places with at least one case. */
static double distinct(const struct slow *slow, const struct plan_condition *condition,
                       int64_t to_us)
{
    double count = 0;
    bool places = condition->kind == PLAN_PLACES;
    for (size_t i = 0; i < slow->report_count; i++) {
        const struct slow_report *report = &slow->reports[i];
        if (!first_of(slow, i, places) || (!places && !slow_is_county(slow, report->area)))
            continue;
        count += sum(slow, condition, to_us, report->area, places ? report->place : NULL) >= 1;
    }
    return count;
}

static struct slow_figure compared(const struct plan_condition *condition, double value)
{
    const struct plan_bounds *bounds = &condition->bounds;
    bool low =
        !bounds->has_low || value > bounds->low || (value == bounds->low && !bounds->low_open);
    bool high =
        !bounds->has_high || value < bounds->high || (value == bounds->high && !bounds->high_open);
    return (struct slow_figure){value, low && high};
}

/* Of one that holds and one that does not, the first; else the greater. */
static void keep_better(struct slow_figure *best, bool *any, struct slow_figure other)
{
    bool better = best->holds != other.holds ? other.holds : other.value > best->value;
    if (!*any || better)
        *best = other;
    *any = true;
}

static struct slow_figure best_county(const struct slow *slow,
                                      const struct plan_condition *condition)
{
    struct slow_figure best = {0, false};
    bool any = false;
    for (size_t i = 0; i < slow->report_count; i++) {
        const char *area = slow->reports[i].area;
        if (slow_is_county(slow, area))
            keep_better(&best, &any,
                        compared(condition, sum(slow, condition, as_of_us(slow), area, NULL)));
    }
    return best;
}

static double at_end(const struct slow *slow, const struct plan_condition *condition, int64_t to_us,
                     const char *county)
{
    return condition->kind == PLAN_COUNT ? sum(slow, condition, to_us, county, NULL)
                                         : distinct(slow, condition, to_us);
}

/* The greatest over all windows that hold the report told last; over a county: over its own. */
static struct slow_figure greatest_past(const struct slow *slow,
                                        const struct plan_condition *condition)
{
    const struct slow_report *late = &slow->reports[slow->report_count - 1];
    bool over_county = condition->kind == PLAN_COUNT && condition->over == PLAN_OVER_COUNTY;
    const char *county = over_county ? late->area : NULL;
    int64_t window = window_us(slow, condition);
    double most = at_end(slow, condition, late->onset_us, county);
    for (size_t i = 0; i < slow->report_count; i++) {
        int64_t to_us = slow->reports[i].onset_us;
        if (to_us >= late->onset_us && (window == 0 || to_us - window < late->onset_us))
            most = fmax(most, at_end(slow, condition, to_us, county));
    }
    struct slow_figure figure = compared(condition, most);
    figure.holds = figure.holds && (!over_county || slow_is_county(slow, late->area));
    return figure;
}

static struct slow_figure counted(const struct slow *slow, const struct plan_condition *condition,
                                  bool past)
{
    if (past)
        return greatest_past(slow, condition);
    if (condition->kind == PLAN_COUNT && condition->over == PLAN_OVER_COUNTY)
        return best_county(slow, condition);
    return compared(condition, at_end(slow, condition, as_of_us(slow), NULL));
}

/* ---- readings ---- */

static bool reads(const struct slow_report *report, const char *measure, double *value)
{
    for (size_t i = 0; i < report->measure_count; i++) {
        if (same(report->measures[i].id, measure) && isfinite(report->measures[i].value)) {
            *value = report->measures[i].value;
            return true;
        }
    }
    return false;
}

/* The reading with the latest onset in an area (and at a place, or NULL); of several, the one told
 * last. False: none, or it is too old. */
static bool latest_reading(const struct slow *slow, const struct plan_condition *condition,
                           const char *area, const char *place, double *value)
{
    const char *measure = slow->plan->measures[condition->measure].id;
    int64_t latest_us = INT64_MIN;
    for (size_t i = 0; i < slow->report_count; i++) {
        const struct slow_report *report = &slow->reports[i];
        bool here = same(report->area, area) && (!place || same(report->place, place));
        double read = 0;
        if (here && !slow->replaced[i] && report->onset_us >= latest_us &&
            reads(report, measure, &read)) {
            latest_us = report->onset_us;
            *value = read;
        }
    }
    return latest_us != INT64_MIN && (condition->window != PLAN_WINDOW_FIXED ||
                                      latest_us > as_of_us(slow) - condition->window_us);
}

static double rounded(const struct plan_condition *condition, double value)
{
    return condition->round_up ? ceil(value) : value;
}

static struct slow_figure best_reading(const struct slow *slow,
                                       const struct plan_condition *condition)
{
    struct slow_figure best = {0, false};
    bool any = false;
    for (size_t i = 0; i < slow->report_count; i++) {
        const char *area = slow->reports[i].area;
        bool wanted = condition->over == PLAN_OVER_ANY ||
                      (condition->over == PLAN_OVER_CITY && same(area, slow->city)) ||
                      (condition->over == PLAN_OVER_COUNTY && slow_is_county(slow, area));
        double value = 0;
        if (wanted && latest_reading(slow, condition, area, NULL, &value))
            keep_better(&best, &any, compared(condition, rounded(condition, value)));
    }
    return best;
}

static struct slow_figure mean(const struct slow *slow, const struct plan_condition *condition)
{
    double total = 0, places = 0;
    for (size_t i = 0; i < slow->report_count; i++) {
        const struct slow_report *report = &slow->reports[i];
        double value = 0;
        if (!first_of(slow, i, true) ||
            !latest_reading(slow, condition, report->area, report->place, &value))
            continue;
        total += value;
        places++;
    }
    if (places == 0)
        return (struct slow_figure){0, false};
    return compared(condition, rounded(condition, total / places));
}

/* ---- facts ---- */

/* It stands where it was said and has not been lifted since. */
static bool stands(const struct slow *slow, const char *sign)
{
    for (size_t i = 0; i < slow->report_count; i++) {
        const struct slow_report *said = &slow->reports[i];
        bool lifted = false;
        for (size_t k = i; k < slow->report_count; k++) {
            const struct slow_report *later = &slow->reports[k];
            lifted = lifted ||
                     (later->lifted && same(later->lifted, sign) && same(later->area, said->area));
        }
        if (said->sign && same(said->sign, sign) && !lifted)
            return true;
    }
    return false;
}

static bool designated(const struct slow *slow, const struct plan_condition *condition, int level)
{
    for (size_t i = 0; i < slow->designation_count; i++) {
        for (size_t k = 0; k < condition->unit_count; k++) {
            const char *unit = slow->plan->units[condition->units[k]].id;
            if (slow->designations[i].level == level && same(slow->designations[i].unit, unit))
                return true;
        }
    }
    return false;
}

struct slow_figure slow_figure_of(const struct slow *slow, const struct plan_condition *condition,
                                  int level, bool past)
{
    switch (condition->kind) {
    case PLAN_GAUGE:
        return condition->over == PLAN_OVER_MEAN ? mean(slow, condition)
                                                 : best_reading(slow, condition);
    case PLAN_SIGN: {
        bool holds = stands(slow, slow->plan->signs[condition->sign].id);
        return (struct slow_figure){holds, holds};
    }
    case PLAN_DESIGNATED: {
        bool holds = designated(slow, condition, level);
        return (struct slow_figure){holds, holds};
    }
    default:
        return counted(slow, condition, past);
    }
}

/* ---- the whole ---- */

static bool holds(const struct slow *slow, const struct plan_condition *condition, int level,
                  bool past)
{
    bool all = true, any = false;
    for (size_t i = 0; i < condition->child_count; i++) {
        bool child = holds(slow, &condition->children[i], level, past);
        all = all && child;
        any = any || child;
    }
    switch (condition->kind) {
    case PLAN_ALL:
        return all;
    case PLAN_ANY:
        return any;
    case PLAN_NOT:
        return !any;
    default:
        return slow_figure_of(slow, condition, level, past).holds;
    }
}

size_t slow_criteria(const struct plan *plan)
{
    return plan->criterion_count + (plan->warning_from_grade ? 0 : plan->warning_count);
}

const struct plan_criterion *slow_criterion(const struct plan *plan, size_t number)
{
    return number < plan->criterion_count ? &plan->criteria[number]
                                          : &plan->warnings[number - plan->criterion_count];
}

static bool concerns(const struct slow *slow, const struct plan_criterion *criterion)
{
    char class_code = slow->plan->hazards[slow->hazard].class_code;
    for (size_t i = 0; i < criterion->hazard_count; i++) {
        if (criterion->hazards[i] == slow->hazard)
            return true;
    }
    return criterion->hazard_count == 0 &&
           (!*criterion->classes || (class_code && strchr(criterion->classes, class_code)));
}

static bool asks(const struct slow *slow, const struct plan_condition *condition,
                 const char *measure)
{
    bool counts = condition->kind == PLAN_COUNT || condition->kind == PLAN_AREAS ||
                  condition->kind == PLAN_PLACES;
    if (counts && same(slow->plan->measures[condition->measure].id, measure))
        return true;
    for (size_t i = 0; i < condition->child_count; i++) {
        if (asks(slow, &condition->children[i], measure))
            return true;
    }
    return false;
}

/* Does the report tell of a number that any criterion for the hazard counts? */
static bool tells_a_count(const struct slow *slow, const struct slow_report *report)
{
    for (size_t i = 0; i < report->measure_count; i++) {
        for (size_t k = 0; k < slow_criteria(slow->plan); k++) {
            const struct plan_criterion *criterion = slow_criterion(slow->plan, k);
            if (is_count(report->measures[i].value) && concerns(slow, criterion) &&
                asks(slow, &criterion->when, report->measures[i].id))
                return true;
        }
    }
    return false;
}

static bool told_late(const struct slow *slow)
{
    const struct slow_report *last = &slow->reports[slow->report_count - 1];
    return last->onset_us < as_of_us(slow) && tells_a_count(slow, last);
}

static int graver(int a, int b)
{
    return a == PLAN_NONE || (b != PLAN_NONE && b < a) ? b : a;
}

void slow_judge(struct slow *slow, bool told)
{
    for (size_t i = 0; i < slow->report_count; i++)
        slow->replaced[i] = is_replaced(slow, i);
    bool late = told && told_late(slow);
    slow->suggested = slow->colour = PLAN_NONE;
    for (size_t i = 0; i < slow_criteria(slow->plan); i++) {
        const struct plan_criterion *criterion = slow_criterion(slow->plan, i);
        int level = (int)criterion->level;
        bool warning = i >= slow->plan->criterion_count;
        slow->concerned[i] = concerns(slow, criterion);
        bool now = slow->concerned[i] && holds(slow, &criterion->when, level, false);
        slow->past[i] =
            !now && late && slow->concerned[i] && holds(slow, &criterion->when, level, true);
        slow->holds[i] = now || slow->past[i];
        if (slow->holds[i] && warning)
            slow->colour = graver(slow->colour, level);
        if (slow->holds[i] && !warning)
            slow->level = graver(slow->level, level);
        if (now && !warning)
            slow->suggested = graver(slow->suggested, level);
    }
    if (slow->plan->warning_from_grade)
        slow->colour = slow->level;
}
