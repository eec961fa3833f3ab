/* What an account adds up to: units, clocks, notices, 7-1-7. */
#include "account.h"

#include <stdlib.h>
#include <string.h>

#include "picture/keep.h"
#include "timefmt.h"

/* ---- times ---- */

static int by_length(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* Sorts the lengths. Of an even number, the median is the longer of the middle two. */
static struct account_times times_of(int64_t *lengths_us, size_t count)
{
    if (count == 0)
        return (struct account_times){0};
    qsort(lengths_us, count, sizeof *lengths_us, by_length);
    return (struct account_times){count, lengths_us[count / 2], lengths_us[count - 1]};
}

/* ---- units ---- */

static struct account_unit *unit_of(struct account_unit *units, size_t *count, const char *id)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(units[i].id, id) == 0)
            return &units[i];
    units[*count] = (struct account_unit){.id = id};
    return &units[(*count)++];
}

static void add_issue(struct account_unit *unit, const struct account_issue *issue)
{
    Liandong__V1__DutyOrder__State state = issue->order->state;
    bool ended = state == LIANDONG__V1__DUTY_ORDER__STATE__WITHDRAWN ||
                 state == LIANDONG__V1__DUTY_ORDER__STATE__SUPERSEDED;
    unit->issued++;
    unit->acknowledged += issue->acknowledged_us != 0;
    unit->done += issue->done_us != 0;
    unit->declined += state == LIANDONG__V1__DUTY_ORDER__STATE__DECLINED;
    unit->overdue += issue->overdue_us != 0;
    unit->escalated += issue->escalated;
    unit->ended += ended && issue->done_us == 0;
    unit->open += !ended && issue->done_us == 0;
}

static void measure_unit(const struct account *account, struct account_unit *unit,
                         int64_t *lengths_us)
{
    size_t count = 0;
    for (size_t i = 0; i < account->issue_count; i++) {
        const struct account_issue *issue = &account->issues[i];
        if (issue->acknowledged_us != 0 && strcmp(issue->order->unit, unit->id) == 0)
            lengths_us[count++] = issue->acknowledged_us - issue->issued_us;
    }
    unit->to_acknowledge = times_of(lengths_us, count);
    count = 0;
    for (size_t i = 0; i < account->issue_count; i++) {
        const struct account_issue *issue = &account->issues[i];
        if (issue->done_us != 0 && strcmp(issue->order->unit, unit->id) == 0)
            lengths_us[count++] = issue->done_us - issue->issued_us;
    }
    unit->to_done = times_of(lengths_us, count);
}

struct account_unit *account_units(const struct account *account, size_t *count)
{
    struct account_unit *units = keep_zeroed((account->issue_count + 1) * sizeof *units);
    int64_t *lengths_us = keep_zeroed((account->issue_count + 1) * sizeof *lengths_us);
    *count = 0;
    for (size_t i = 0; i < account->issue_count; i++)
        add_issue(unit_of(units, count, account->issues[i].order->unit), &account->issues[i]);
    for (size_t i = 0; i < *count; i++)
        measure_unit(account, &units[i], lengths_us);
    free(lengths_us);
    return units;
}

/* ---- clocks ---- */

static struct account_clock *clock_of(struct account_clock *clocks, size_t *count,
                                      const Liandong__V1__Clock *clock)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(clocks[i].last->clock, clock->clock) == 0 &&
            strcmp(clocks[i].last->responsible, clock->responsible) == 0)
            return &clocks[i];
    clocks[*count] = (struct account_clock){.last = clock};
    return &clocks[(*count)++];
}

static void add_clock(struct account_clock *sum, const Liandong__V1__Clock *clock)
{
    bool met = clock->state == LIANDONG__V1__CLOCK__STATE__MET;
    sum->started++;
    sum->met += met && clock->late_us == 0;
    sum->late += met && clock->late_us > 0;
    sum->missed += clock->state == LIANDONG__V1__CLOCK__STATE__MISSED;
    sum->cancelled += clock->state == LIANDONG__V1__CLOCK__STATE__CANCELLED;
    sum->running += clock->state == LIANDONG__V1__CLOCK__STATE__STARTED ||
                    clock->state == LIANDONG__V1__CLOCK__STATE__WARNED;
    if (met && clock->late_us > sum->latest_us)
        sum->latest_us = clock->late_us;
}

struct account_clock *account_clocks(const struct account *account, size_t *count)
{
    const struct picture_clock *first = account->incident->clocks;
    struct account_clock *clocks = keep_zeroed((HASH_COUNT(first) + 1) * sizeof *clocks);
    *count = 0;
    for (const struct picture_clock *at = first; at != NULL; at = at->hh.next)
        add_clock(clock_of(clocks, count, at->last), at->last);
    return clocks;
}

/* ---- notices ---- */

struct account_notice *account_notices(const struct account *account, size_t *count)
{
    const struct picture_incident *incident = account->incident;
    struct account_notice *notices = keep_zeroed((incident->notice_count + 1) * sizeof *notices);
    *count = 0;
    for (size_t i = 0; i < incident->notice_count; i++) {
        const Liandong__V1__Notice *notice = incident->notices[i].notice;
        struct account_notice *last = *count > 0 ? &notices[*count - 1] : NULL;
        if (last == NULL || last->first->sent_at_us != notice->sent_at_us ||
            last->first->kind != notice->kind || last->first->level != notice->level) {
            last = &notices[(*count)++];
            last->first = notice;
        }
        if (strcmp(notice->audience, "public") == 0)
            last->to_public = true;
        else
            last->units++;
    }
    return notices;
}

bool account_has_movement(const struct account *account, const struct picture_movement *movement)
{
    const Liandong__V1__Context *context = movement->movement->context;
    return movement->exercise == account->exercise && context != NULL &&
           strcmp(context->incident, account->id) == 0;
}

/* ---- 7-1-7 ---- */

/* The first onset that a report which still stands tells of; zero reports tell of none. */
static int64_t first_onset(const struct account *account)
{
    int64_t first_us = 0;
    for (const struct picture_report *at = account->incident->reports; at != NULL;
         at = at->hh.next) {
        if (at->report == NULL || at->report->kind == LIANDONG__V1__REPORT__KIND__ZERO)
            continue;
        int64_t onset_us = at->report->occurred_at_us;
        if (onset_us != 0 && (first_us == 0 || onset_us < first_us))
            first_us = onset_us;
    }
    return first_us;
}

/* When the last order of the first response was done; 0 if one was not, also if it was withdrawn
 * undone. */
static int64_t early_actions(const struct account *account, struct account_717 *out)
{
    int64_t done_us = 0;
    for (size_t i = 0; i < account->issue_count; i++) {
        const struct account_issue *issue = &account->issues[i];
        if (!issue->early)
            continue;
        out->early++;
        out->early_seen += issue->acknowledged_us != 0;
        out->early_done += issue->done_us != 0;
        if (issue->acknowledged_us > out->last_seen_us)
            out->last_seen_us = issue->acknowledged_us;
        if (issue->done_us > done_us)
            done_us = issue->done_us;
    }
    return out->early > 0 && out->early_done == out->early ? done_us : 0;
}

static struct account_step step(int64_t from_us, int64_t to_us, int64_t target_us)
{
    bool known = from_us != 0 && to_us != 0;
    return (struct account_step){from_us, to_us, target_us, known && to_us - from_us <= target_us};
}

struct account_717 account_717(const struct account *account)
{
    struct account_717 out = {.early = 0};
    int64_t onset_us = first_onset(account), done_us = early_actions(account, &out);
    out.steps[ACCOUNT_DETECT] = step(onset_us, account->received_us, 7 * LD_US_DAY);
    out.steps[ACCOUNT_NOTIFY] = step(account->received_us, account->opened_us, LD_US_DAY);
    out.steps[ACCOUNT_RESPOND] = step(account->opened_us, done_us, 7 * LD_US_DAY);
    return out;
}
