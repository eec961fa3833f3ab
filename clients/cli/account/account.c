/*
 * Happy path: every record goes to the picture and the story; lines of the story become the
 * timeline; orders are followed issue by issue (a duty that repeats is issued anew each time),
 * responses by what they put in force. The plan that the incident is pinned to gives the names.
 */
#include "account.h"

#include <stdlib.h>
#include <string.h>

#include "picture/keep.h"

static void keep_line(const struct story_line *line, void *data)
{
    struct account *account = data;
    account->lines = keep_room(account->lines, account->line_count, &account->line_capacity,
                               sizeof *account->lines);
    account->lines[account->line_count++] = (struct account_line){
        .kind = line->kind,
        .time_us = line->time_us,
        .sequence = line->sequence,
        .level = line->level,
        .alarming = line->alarming,
        .zh = keep_format("%s", line->text.zh),
        .en = keep_format("%s", line->text.en),
    };
}

void account_open(struct account *account, const char *incident)
{
    *account = (struct account){.id = incident, .plans = sv_host_open()};
    picture_init(&account->picture);
    account->story =
        story_open(STORY_USUAL | STORY_BIT(STORY_REPORT), incident, keep_line, account);
}

void account_close(struct account *account)
{
    for (size_t i = 0; i < account->line_count; i++) {
        free(account->lines[i].zh);
        free(account->lines[i].en);
    }
    for (size_t i = 0; i < account->issue_count; i++) {
        KEEP_DROP(account->issues[i].order);
        free(account->issues[i].late_for);
        free(account->issues[i].escalated_to);
    }
    for (size_t i = 0; i < account->force_count; i++) {
        free(account->forces[i].area);
        free(account->forces[i].by);
        free(account->forces[i].section);
    }
    struct account_current *current, *next;
    HASH_ITER(hh, account->current, current, next)
    {
        HASH_DEL(account->current, current);
        free(current->key);
        free(current);
    }
    free(account->lines);
    free(account->issues);
    free(account->forces);
    story_close(account->story);
    sv_host_close(account->plans);
    picture_free(&account->picture);
}

/* ---- orders ---- */

/* Where the order's issue stands; NULL if it was never issued. */
static size_t *current_issue(struct account *account, const DutyOrder *order, bool make)
{
    char *key = keep_format("%s %s", order->unit, order->order);
    struct account_current *found;
    HASH_FIND_STR(account->current, key, found);
    if (found == NULL && make) {
        found = keep_zeroed(sizeof *found);
        found->key = key;
        HASH_ADD_KEYPTR(hh, account->current, found->key, strlen(found->key), found);
        return &found->issue;
    }
    free(key);
    return found != NULL ? &found->issue : NULL;
}

static void add_issue(struct account *account, const struct ld_record *record,
                      const DutyOrder *order)
{
    account->issues = keep_room(account->issues, account->issue_count, &account->issue_capacity,
                                sizeof *account->issues);
    *current_issue(account, order, true) = account->issue_count;
    account->issues[account->issue_count++] = (struct account_issue){
        .issued_us = record->time_us,
        .early = account->first_response != 0 && order->context != NULL &&
                 order->context->causation == account->first_response,
        .late_for = keep_format("%s", ""),
        .escalated_to = keep_format("%s", ""),
    };
}

static void set_text(char **slot, const char *text)
{
    free(*slot);
    *slot = keep_format("%s", text);
}

static void note_state(struct account_issue *issue, const DutyOrder *order, int64_t time_us)
{
    switch (order->state) {
    case LIANDONG__V1__DUTY_ORDER__STATE__ACKNOWLEDGED:
    case LIANDONG__V1__DUTY_ORDER__STATE__ACCEPTED:
    case LIANDONG__V1__DUTY_ORDER__STATE__DECLINED:
    case LIANDONG__V1__DUTY_ORDER__STATE__IN_PROGRESS:
    case LIANDONG__V1__DUTY_ORDER__STATE__DONE:
        if (issue->acknowledged_us == 0)
            issue->acknowledged_us = time_us;
        if (order->state == LIANDONG__V1__DUTY_ORDER__STATE__DONE)
            issue->done_us = time_us;
        break;
    case LIANDONG__V1__DUTY_ORDER__STATE__OVERDUE:
        if (issue->overdue_us == 0)
            set_text(&issue->late_for, order->late_for);
        if (issue->overdue_us == 0)
            issue->overdue_us = time_us;
        break;
    case LIANDONG__V1__DUTY_ORDER__STATE__ESCALATED:
        issue->escalated = true;
        set_text(&issue->escalated_to, order->escalated_to);
        break;
    default:
        break;
    }
}

static void note_order(struct account *account, const struct ld_record *record,
                       const DutyOrder *order)
{
    if (order->state == LIANDONG__V1__DUTY_ORDER__STATE__ISSUED && !order->reminder)
        add_issue(account, record, order);
    const size_t *at = current_issue(account, order, false);
    if (at == NULL)
        return;
    struct account_issue *issue = &account->issues[*at];
    KEEP_REPLACE(issue->order, &order->base);
    if (order->reminder)
        return;
    note_state(issue, order, record->time_us);
}

/* ---- responses ---- */

static struct account_force *force_in(const struct account *account, const char *area)
{
    for (size_t i = account->force_count; i > 0; i--) {
        struct account_force *force = &account->forces[i - 1];
        if (strcmp(force->area, area) == 0)
            return force->until_us == 0 ? force : NULL;
    }
    return NULL;
}

static void note_response(struct account *account, const struct ld_record *record,
                          const Liandong__V1__Response *response)
{
    struct account_force *force = force_in(account, response->area);
    int level = (int)response->in_force;
    if (force != NULL ? force->level == level : level == PLAN_NONE)
        return;
    if (force != NULL)
        force->until_us = record->time_us;
    if (level == PLAN_NONE)
        return;
    if (account->first_response == 0)
        account->first_response = record->sequence;
    account->forces = keep_room(account->forces, account->force_count, &account->force_capacity,
                                sizeof *account->forces);
    account->forces[account->force_count++] =
        (struct account_force){.area = keep_format("%s", response->area),
                               .by = keep_format("%s", response->by),
                               .section = keep_format("%s", response->section),
                               .level = level,
                               .since_us = record->time_us};
}

/* ---- reports ---- */

static void note_report(struct account *account, const struct ld_record *record,
                        const Liandong__V1__Incident *incident)
{
    if (account->opened_us == 0)
        account->opened_us = record->time_us;
    if (incident->report == NULL)
        return;
    int64_t received_us = incident->report->received_at_us;
    if (received_us == 0 || received_us > record->time_us)
        received_us = record->time_us;
    if (account->received_us == 0 || received_us < account->received_us)
        account->received_us = received_us;
}

/* ---- the whole ---- */

void account_take(const struct ld_record *record, void *data)
{
    struct account *account = data;
    struct picture_event event;
    struct ld_error error;
    picture_apply(&account->picture, record, &event);
    story_take(account->story, record, &event);
    if (event.family == SV_PLAN && sv_host_apply(account->plans, record, &error) != LD_OK)
        return;
    if (event.message == NULL || event.incident == NULL ||
        strcmp(event.incident->id, account->id) != 0)
        return;
    if (event.family == SV_DUTY)
        note_order(account, record, (const void *)event.message);
    else if (event.family == SV_RESPONSE)
        note_response(account, record, (const void *)event.message);
    else if (event.family == SV_INCIDENT)
        note_report(account, record, (const void *)event.message);
}

int account_finish(struct account *account, struct ld_error *error)
{
    story_flush(account->story);
    account->incident = picture_select(&account->picture, account->id);
    if (account->incident == NULL || account->incident->last == NULL)
        return ld_fail(error, LD_INVALID,
                       "no incident %s there: liandong status names those that are open",
                       account->id);
    account->exercise = account->incident->exercise;
    account->plan = sv_plans_pinned(sv_host_plans(account->plans, account->exercise),
                                    account->incident->last->context->plan_hash);
    if (account->plan == NULL)
        return ld_fail(error, LD_INVALID,
                       "incident %s is there, but not the plan that it is pinned to (%.12s)",
                       account->id, account->incident->last->context->plan_hash);
    return LD_OK;
}
