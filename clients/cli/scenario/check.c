/*
 * One function per kind of expectation. Each puts what is expected and what is there into two
 * texts side by side, item by item, and says whether all items agree; the texts are only shown
 * when they do not.
 */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "picture/enum_name.h"

typedef const struct scenario_expectation expectation_t;

static const char *const NAMES[] = {"grade",    "warning",  "response", "orders",    "refused",
                                    "receipts", "clocks",   "overdue",  "escalated", "notices",
                                    "incident", "balances", "movements"};

const char *check_name(enum scenario_kind kind)
{
    return NAMES[kind];
}

/* ---- items ---- */

static void put(struct ld_buffer *buffer, const char *label, const char *value)
{
    ld_buffer_format(buffer, "%s%s%s%s", buffer->size > 0 ? ", " : "", label,
                     label[0] != '\0' ? " " : "", value);
}

static bool item_text(struct check *check, const char *label, const char *expected,
                      const char *found)
{
    if (expected == NULL)
        return true;
    put(&check->expected, label, expected);
    put(&check->found, label, found == NULL || found[0] == '\0' ? "none" : found);
    return found != NULL && strcmp(expected, found) == 0;
}

static bool item_enum(struct check *check, const char *label,
                      const ProtobufCEnumDescriptor *descriptor, int expected, int found)
{
    char left[ENUM_WORD_SIZE], right[ENUM_WORD_SIZE];
    if (expected == SCENARIO_ANY)
        return true;
    put(&check->expected, label, enum_word(left, descriptor, expected));
    put(&check->found, label, enum_word(right, descriptor, found));
    return expected == found;
}

static const char *number_text(char text[40], double value)
{
    snprintf(text, 40, "%.15g", value);
    return text;
}

static bool item_number(struct check *check, const char *label,
                        const struct scenario_number *expected, double found)
{
    char value[40], text[48];
    if (!expected->set)
        return true;
    snprintf(text, sizeof text, "%s%s",
             expected->relation == '>'   ? ">= "
             : expected->relation == '<' ? "<= "
                                         : "",
             number_text(value, expected->value));
    put(&check->expected, label, text);
    put(&check->found, label, number_text(value, found));
    return scenario_number_holds(expected, found);
}

static bool nothing(struct check *check, const char *expected, const char *found)
{
    put(&check->expected, "", expected);
    put(&check->found, "", found);
    return false;
}

/* ---- grade and warning ---- */

static bool has_section(Liandong__V1__Criterion *const *criteria, size_t count, const char *section)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(criteria[i]->section, section) == 0)
            return true;
    return false;
}

static bool has_id(Liandong__V1__Criterion *const *criteria, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(criteria[i]->id, id) == 0)
            return true;
    return false;
}

static void put_criteria(struct ld_buffer *buffer, const char *label,
                         Liandong__V1__Criterion *const *criteria, size_t count, bool ids)
{
    for (size_t i = 0; i < count; i++)
        put(buffer, label, ids ? criteria[i]->id : criteria[i]->section);
    if (count == 0)
        put(buffer, label, "none");
}

static bool criteria_hold(struct check *check, expectation_t *expectation,
                          Liandong__V1__Criterion *const *criteria, size_t count)
{
    bool holds = true;
    for (size_t i = 0; i < expectation->sections.count; i++) {
        put(&check->expected, "section", expectation->sections.all[i]);
        holds &= has_section(criteria, count, expectation->sections.all[i]);
    }
    if (expectation->sections.count > 0)
        put_criteria(&check->found, "section", criteria, count, false);
    for (size_t i = 0; i < expectation->criteria.count; i++) {
        put(&check->expected, "criterion", expectation->criteria.all[i]);
        holds &= has_id(criteria, count, expectation->criteria.all[i]);
    }
    if (expectation->criteria.count > 0)
        put_criteria(&check->found, "criterion", criteria, count, true);
    return holds;
}

/* The first figure of this measure (and area) among the criteria that hold; NaN if none. */
static double figure(const Liandong__V1__Grade *grade, const struct scenario_count *count)
{
    for (size_t i = 0; i < grade->n_holding; i++) {
        const Liandong__V1__Criterion *criterion = grade->holding[i];
        for (size_t k = 0; k < criterion->n_counts; k++) {
            const Liandong__V1__Count *at = criterion->counts[k];
            if (strcmp(at->measure, count->measure) == 0 &&
                (count->area == NULL || strcmp(at->area, count->area) == 0))
                return at->value;
        }
    }
    return NAN;
}

static bool check_grade(struct check *check, expectation_t *expectation)
{
    static const ProtobufCEnumDescriptor *const LEVEL = &liandong__v1__level__descriptor;
    const Liandong__V1__Grade *grade = check->incident != NULL ? check->incident->grade : NULL;
    if (grade == NULL)
        return expectation->level == LIANDONG__V1__LEVEL__LEVEL_NONE ||
               nothing(check, "a grade", "no grade");
    bool holds = item_enum(check, "level", LEVEL, expectation->level, (int)grade->level);
    holds &= item_enum(check, "suggested", LEVEL, expectation->suggested, (int)grade->suggested);
    holds &= criteria_hold(check, expectation, grade->holding, grade->n_holding);
    for (size_t i = 0; i < expectation->count_count; i++)
        holds &= item_number(check, expectation->counts[i].measure, &expectation->counts[i].value,
                             figure(grade, &expectation->counts[i]));
    return holds;
}

/* Exactly these other incidents are issued as one with it. */
static bool merged_hold(struct check *check, const struct scenario_strings *expected,
                        const Liandong__V1__Warning *warning)
{
    bool holds = expected->count == warning->n_merged_with;
    if (expected->count == 0)
        return true;
    for (size_t i = 0; i < expected->count; i++) {
        bool there = false;
        for (size_t k = 0; k < warning->n_merged_with; k++)
            there |= strcmp(expected->all[i], warning->merged_with[k]) == 0;
        put(&check->expected, "with", expected->all[i]);
        holds &= there;
    }
    for (size_t i = 0; i < warning->n_merged_with; i++)
        put(&check->found, "with", warning->merged_with[i]);
    return holds;
}

/* The colour that the figures suggest or, where another state is expected, the last step of the
 * procedure. */
static const Liandong__V1__Warning *warning_meant(const struct check *check,
                                                  const expectation_t *expectation)
{
    if (check->incident == NULL)
        return NULL;
    bool by_figures = expectation->state == SCENARIO_ANY ||
                      expectation->state == LIANDONG__V1__WARNING__STATE__SUGGESTED;
    return by_figures ? check->incident->warning : check->incident->warning_step;
}

static bool sections_hold(struct check *check, expectation_t *expectation,
                          const Liandong__V1__Warning *warning)
{
    if (warning->state == LIANDONG__V1__WARNING__STATE__SUGGESTED)
        return criteria_hold(check, expectation, warning->holding, warning->n_holding);
    bool holds = true;
    for (size_t i = 0; i < expectation->sections.count; i++)
        holds &= item_text(check, "section", expectation->sections.all[i], warning->section);
    return holds;
}

static bool check_warning(struct check *check, expectation_t *expectation)
{
    const Liandong__V1__Warning *warning = warning_meant(check, expectation);
    if (warning == NULL)
        return (expectation->level == LIANDONG__V1__LEVEL__LEVEL_NONE &&
                expectation->state == SCENARIO_ANY) ||
               nothing(check, "a warning", "no warning");
    bool holds = item_enum(check, "level", &liandong__v1__level__descriptor, expectation->level,
                           (int)warning->level);
    holds &= item_enum(check, "state", &liandong__v1__warning__state__descriptor,
                       expectation->state, (int)warning->state);
    holds &= item_text(check, "by", expectation->by, warning->by);
    holds &= item_text(check, "next", expectation->next, warning->next);
    holds &= item_enum(check, "merged", &liandong__v1__level__descriptor, expectation->merged,
                       (int)warning->merged);
    holds &= merged_hold(check, &expectation->names, warning);
    return holds & sections_hold(check, expectation, warning);
}

/* ---- response ---- */

static bool has_group(const Liandong__V1__Response *response, const char *group)
{
    for (size_t i = 0; i < response->n_groups; i++)
        if (strcmp(response->groups[i], group) == 0)
            return true;
    return false;
}

static bool groups_work(struct check *check, expectation_t *expectation,
                        const Liandong__V1__Response *response)
{
    bool holds = true;
    for (size_t i = 0; i < expectation->groups.count; i++) {
        put(&check->expected, "group", expectation->groups.all[i]);
        holds &= has_group(response, expectation->groups.all[i]);
    }
    for (size_t i = 0; i < response->n_groups && expectation->groups.count > 0; i++)
        put(&check->found, "group", response->groups[i]);
    return holds;
}

static bool check_response(struct check *check, expectation_t *expectation)
{
    const Liandong__V1__Response *response =
        check->incident != NULL ? picture_response_of(check->incident, expectation->area) : NULL;
    if (response == NULL)
        return (expectation->level == LIANDONG__V1__LEVEL__LEVEL_NONE &&
                expectation->state == SCENARIO_ANY) ||
               nothing(check, "a response", "no response");
    bool holds = item_enum(check, "level", &liandong__v1__level__descriptor, expectation->level,
                           (int)response->in_force);
    holds &= item_enum(check, "state", &liandong__v1__response__state__descriptor,
                       expectation->state, (int)response->state);
    holds &= item_text(check, "by", expectation->by, response->by);
    holds &= item_text(check, "section", expectation->section, response->section);
    holds &= item_text(check, "next", expectation->next, response->next);
    return holds & groups_work(check, expectation, response);
}

/* ---- orders ---- */

/* A duty's id, or the beginning of several: "a1.29.*". */
static bool duty_matches(const char *duty, const char *pattern)
{
    size_t size = strlen(pattern);
    if (size > 0 && pattern[size - 1] == '*')
        return strncmp(duty, pattern, size - 1) == 0;
    return strcmp(duty, pattern) == 0;
}

static void count_duty(const struct picture_incident *incident, const char *unit, const char *duty,
                       struct picture_matrix *matrix)
{
    memset(matrix, 0, sizeof *matrix);
    for (const struct picture_order *at = incident->orders; at != NULL; at = at->hh.next) {
        const DutyOrder *last = at->last;
        if (!duty_matches(last->duty, duty) || (unit != NULL && strcmp(last->unit, unit) != 0))
            continue;
        matrix->orders++;
        matrix->open += picture_order_open(last);
        if ((int)last->state > 0 && (int)last->state < PICTURE_STATES)
            matrix->states[last->state]++;
    }
}

static void count_orders(const struct check *check, expectation_t *expectation, const char *unit,
                         struct picture_matrix *matrix)
{
    memset(matrix, 0, sizeof *matrix);
    if (check->incident == NULL)
        return;
    picture_count(check->incident, unit, matrix);
    size_t units = matrix->units;
    if (expectation->duty != NULL)
        count_duty(check->incident, unit, expectation->duty, matrix);
    matrix->units = units;
}

static bool states_hold(struct check *check, expectation_t *expectation,
                        const struct picture_matrix *matrix)
{
    bool holds = true;
    for (size_t i = 0; i < expectation->state_count; i++) {
        const struct scenario_state *state = &expectation->states[i];
        char word[ENUM_WORD_SIZE] = "open";
        size_t found = matrix->open;
        if (state->state != SCENARIO_OPEN) {
            enum_word(word, &liandong__v1__duty_order__state__descriptor, state->state);
            found = matrix->states[state->state];
        }
        holds &= item_number(check, word, &state->count, (double)found);
    }
    return holds;
}

static bool unit_orders(struct check *check, expectation_t *expectation, const char *unit)
{
    struct picture_matrix matrix;
    count_orders(check, expectation, unit, &matrix);
    if (unit != NULL) {
        put(&check->expected, "", unit);
        put(&check->found, "", unit);
    }
    bool holds = item_number(check, "orders", &expectation->count, (double)matrix.orders);
    holds &= item_number(check, "units", &expectation->units, (double)matrix.units);
    return holds & states_hold(check, expectation, &matrix);
}

/* Each of the names on its own: only those for whom it does not hold are shown. */
static bool check_orders(struct check *check, expectation_t *expectation)
{
    enum { SHOWN_MAX = 5 };
    struct check one = {.picture = check->picture, .incident = check->incident};
    size_t failing = 0;
    if (expectation->names.count == 0)
        return unit_orders(check, expectation, expectation->unit);
    for (size_t i = 0; i < expectation->names.count; i++) {
        ld_buffer_clear(&one.expected);
        ld_buffer_clear(&one.found);
        if (unit_orders(&one, expectation, expectation->names.all[i]))
            continue;
        if (failing++ >= SHOWN_MAX)
            continue;
        put(&check->expected, "", ld_buffer_string(&one.expected));
        put(&check->found, "", ld_buffer_string(&one.found));
    }
    if (failing > SHOWN_MAX)
        ld_buffer_format(&check->found, ", … (%zu units in all)", failing);
    ld_buffer_free(&one.expected);
    ld_buffer_free(&one.found);
    return failing == 0;
}

static bool unit_late(const struct picture_incident *incident, const char *unit, bool escalated)
{
    for (const struct picture_order *at = incident->orders; at != NULL; at = at->hh.next)
        if (strcmp(at->last->unit, unit) == 0 && (escalated ? at->escalated : at->overdue))
            return true;
    return false;
}

static bool check_late(struct check *check, expectation_t *expectation)
{
    bool escalated = expectation->kind == SCENARIO_ESCALATED, holds = true;
    struct picture_matrix matrix = {0};
    if (check->incident != NULL)
        picture_count(check->incident, NULL, &matrix);
    size_t late = escalated ? matrix.escalated_units : matrix.overdue_units;
    holds &= item_number(check, "units", &expectation->count, (double)late);
    for (size_t i = 0; i < expectation->names.count; i++) {
        const char *unit = expectation->names.all[i];
        bool is = check->incident != NULL && unit_late(check->incident, unit, escalated);
        put(&check->expected, "", unit);
        put(&check->found, is ? "" : "not", unit);
        holds &= is;
    }
    struct scenario_number only = {.set = expectation->names.count > 0,
                                   .relation = '=',
                                   .value = (double)expectation->names.count};
    return holds & item_number(check, "in all", &only, (double)late);
}

/* ---- receipts ---- */

static bool check_refused(struct check *check, expectation_t *expectation)
{
    bool holds = true;
    for (size_t i = 0; i < check->published_count; i++) {
        const struct picture_receipt *receipt =
            picture_receipt_of(check->picture, check->published[i]);
        if (receipt == NULL)
            return nothing(check, "a refusal", "no receipt");
        if (receipt->last->accepted)
            return nothing(check, "a refusal", "accepted");
        holds &= item_text(check, "code", expectation->code, receipt->last->code);
        holds &= item_text(check, "section", expectation->section, receipt->last->section);
    }
    return holds && (check->published_count > 0 ||
                     nothing(check, "a refusal", "nothing was published in this step"));
}

static bool check_receipts(struct check *check, expectation_t *expectation)
{
    size_t accepted = 0, refused = 0;
    for (size_t i = 0; i < check->published_count; i++) {
        const struct picture_receipt *receipt =
            picture_receipt_of(check->picture, check->published[i]);
        accepted += receipt != NULL && receipt->last->accepted;
        refused += receipt != NULL && !receipt->last->accepted;
    }
    bool holds = item_number(check, "accepted", &expectation->accepted, (double)accepted);
    return holds & item_number(check, "refused", &expectation->refused, (double)refused);
}

bool check_accepted(struct check *check)
{
    for (size_t i = 0; i < check->published_count; i++) {
        const struct picture_receipt *receipt =
            picture_receipt_of(check->picture, check->published[i]);
        char count[40];
        if (receipt == NULL)
            return nothing(check, "accepted", "no receipt");
        if (receipt->count != 1) {
            snprintf(count, sizeof count, "%u receipts for one event", receipt->count);
            return nothing(check, "one receipt", count);
        }
        if (receipt->last->accepted)
            continue;
        ld_buffer_text(&check->expected, "accepted");
        const Liandong__V1__Text *reason = receipt->last->reason;
        ld_buffer_format(&check->found, "refused, %s: %s", receipt->last->code,
                         reason != NULL ? reason->en : "");
        return false;
    }
    return true;
}

/* ---- clocks, notices, incidents ---- */

static bool clock_fits(const Liandong__V1__Clock *clock, expectation_t *expectation)
{
    return (expectation->id == NULL || strcmp(clock->clock, expectation->id) == 0) &&
           (expectation->unit == NULL || strcmp(clock->responsible, expectation->unit) == 0) &&
           (expectation->state == SCENARIO_ANY || (int)clock->state == expectation->state) &&
           (expectation->late == SCENARIO_ANY || (clock->late_us > 0) == (expectation->late == 1));
}

static void put_clocks(struct check *check, expectation_t *expectation)
{
    char word[ENUM_WORD_SIZE];
    for (const struct picture_clock *at = check->incident->clocks; at != NULL; at = at->hh.next) {
        const Liandong__V1__Clock *clock = at->last;
        if (expectation->id != NULL && strcmp(clock->clock, expectation->id) != 0)
            continue;
        enum_word(word, &liandong__v1__clock__state__descriptor, (int)clock->state);
        ld_buffer_format(&check->found, "; %s %s %s%s", clock->clock, clock->responsible, word,
                         clock->late_us > 0 ? " late" : "");
    }
}

static bool check_clock(struct check *check, expectation_t *expectation)
{
    char word[ENUM_WORD_SIZE];
    struct scenario_number one = {.set = true, .relation = '>', .value = 1};
    size_t found = 0;
    const struct picture_clock *first = check->incident != NULL ? check->incident->clocks : NULL;
    for (const struct picture_clock *at = first; at != NULL; at = at->hh.next)
        found += clock_fits(at->last, expectation);
    if (expectation->id != NULL)
        put(&check->expected, "", expectation->id);
    if (expectation->unit != NULL)
        put(&check->expected, "of", expectation->unit);
    if (expectation->state != SCENARIO_ANY)
        put(&check->expected, "",
            enum_word(word, &liandong__v1__clock__state__descriptor, expectation->state));
    if (expectation->late != SCENARIO_ANY)
        put(&check->expected, "", expectation->late == 1 ? "late" : "in time");
    bool holds = item_number(check, "clocks", expectation->count.set ? &expectation->count : &one,
                             (double)found);
    if (!holds && first != NULL)
        put_clocks(check, expectation);
    return holds;
}

static bool notice_fits(const Liandong__V1__Notice *notice, expectation_t *expectation)
{
    const char *audience = expectation->audience;
    bool units = audience != NULL && strcmp(audience, "units") == 0;
    return (audience == NULL || (units ? strcmp(notice->audience, "public") != 0
                                       : strcmp(notice->audience, audience) == 0)) &&
           (expectation->level == SCENARIO_ANY || (int)notice->level == expectation->level) &&
           (expectation->notice_kind == SCENARIO_ANY ||
            (int)notice->kind == expectation->notice_kind);
}

static bool check_notices(struct check *check, expectation_t *expectation)
{
    struct scenario_number one = {.set = true, .relation = '>', .value = 1};
    size_t found = 0, count = check->incident != NULL ? check->incident->notice_count : 0;
    for (size_t i = 0; i < count; i++)
        found += notice_fits(check->incident->notices[i].notice, expectation);
    if (expectation->audience != NULL) {
        put(&check->expected, "to", expectation->audience);
        put(&check->found, "to", expectation->audience);
    }
    return item_number(check, "notices", expectation->count.set ? &expectation->count : &one,
                       (double)found);
}

static bool check_incident(struct check *check, expectation_t *expectation)
{
    static const char *const WORDS[] = {"no incident", "open", "closed"};
    int found = SCENARIO_NO_INCIDENT;
    bool holds = true;
    if (check->incident != NULL)
        found = check->incident->closed ? SCENARIO_IS_CLOSED : SCENARIO_IS_OPEN;
    if (expectation->state != SCENARIO_ANY)
        holds &= item_text(check, "", WORDS[expectation->state], WORDS[found]);
    size_t reports = check->incident != NULL ? HASH_COUNT(check->incident->reports) : 0;
    holds &= item_number(check, "reports", &expectation->count, (double)reports);
    for (size_t i = 0; i < expectation->count_count; i++) {
        const struct scenario_count *count = &expectation->counts[i];
        holds &= item_number(
            check, count->measure, &count->value,
            check->incident != NULL ? picture_total(check->incident, count->measure) : 0);
    }
    return holds;
}

/* ---- supplies ---- */

static bool check_balance(struct check *check, expectation_t *expectation)
{
    int64_t quantity = 0;
    for (const struct picture_balance *at = check->picture->balances; at != NULL; at = at->hh.next)
        if (at->exercise && strcmp(at->item, expectation->id) == 0 &&
            strcmp(at->holder, expectation->unit) == 0)
            quantity = at->quantity;
    return item_number(check, expectation->unit, &expectation->count, (double)quantity);
}

static bool movement_fits(const Liandong__V1__SupplyMovement *movement, expectation_t *expectation)
{
    return (expectation->id == NULL || strcmp(movement->item, expectation->id) == 0) &&
           (expectation->unit == NULL || strcmp(movement->to, expectation->unit) == 0) &&
           (expectation->by == NULL || strcmp(movement->from, expectation->by) == 0) &&
           (expectation->state == SCENARIO_ANY || (int)movement->kind == expectation->state);
}

static bool check_movements(struct check *check, expectation_t *expectation)
{
    struct scenario_number one = {.set = !expectation->units.set, .relation = '>', .value = 1};
    size_t found = 0;
    double quantity = 0;
    for (size_t i = 0; i < check->picture->movement_count; i++) {
        const Liandong__V1__SupplyMovement *movement = check->picture->movements[i].movement;
        if (!movement_fits(movement, expectation))
            continue;
        found++;
        quantity += (double)movement->quantity;
    }
    bool holds = item_number(check, "movements",
                             expectation->count.set ? &expectation->count : &one, (double)found);
    return holds & item_number(check, "quantity", &expectation->units, quantity);
}

typedef bool check_fn(struct check *check, expectation_t *expectation);
static check_fn *const CHECKS[] = {
    [SCENARIO_GRADE] = check_grade,         [SCENARIO_WARNING] = check_warning,
    [SCENARIO_RESPONSE] = check_response,   [SCENARIO_ORDERS] = check_orders,
    [SCENARIO_REFUSED] = check_refused,     [SCENARIO_RECEIPTS] = check_receipts,
    [SCENARIO_CLOCK] = check_clock,         [SCENARIO_OVERDUE] = check_late,
    [SCENARIO_ESCALATED] = check_late,      [SCENARIO_NOTICES] = check_notices,
    [SCENARIO_INCIDENT] = check_incident,   [SCENARIO_BALANCE] = check_balance,
    [SCENARIO_MOVEMENTS] = check_movements,
};

bool check_expectation(struct check *check, const struct scenario_expectation *expectation)
{
    ld_buffer_clear(&check->expected);
    ld_buffer_clear(&check->found);
    return CHECKS[expectation->kind](check, expectation);
}
