/* The account as one JSON object. */
#include "account/show.h"

#include <stdlib.h>

#include "picture/enum_name.h"
#include "picture/event_json.h"

const char *const ACCOUNT_STEP_NAMES[ACCOUNT_STEPS] = {"detect", "notify", "respond"};

static json_t *time_json(int64_t time_us)
{
    char text[EVENT_TIME_SIZE];
    return time_us != 0 ? json_string(event_time(text, time_us)) : json_null();
}

static json_t *count_json(size_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *steps_json(const struct account *account)
{
    struct account_717 figures = account_717(account);
    json_t *object = json_object();
    for (int i = 0; i < ACCOUNT_STEPS; i++) {
        const struct account_step *step = &figures.steps[i];
        bool known = step->from_us != 0 && step->to_us != 0;
        json_object_set_new(
            object, ACCOUNT_STEP_NAMES[i],
            json_pack("{s:o,s:o,s:o,s:I,s:b}", "from", time_json(step->from_us), "to",
                      time_json(step->to_us), "took_us",
                      known ? json_integer(step->to_us - step->from_us) : json_null(), "target_us",
                      (json_int_t)step->target_us, "met", step->met));
    }
    json_object_set_new(object, "early_actions", count_json(figures.early));
    json_object_set_new(object, "early_actions_acknowledged", count_json(figures.early_seen));
    json_object_set_new(object, "early_actions_done", count_json(figures.early_done));
    return object;
}

static json_t *timeline_json(const struct account *account)
{
    json_t *lines = json_array();
    for (size_t i = 0; i < account->line_count; i++) {
        const struct account_line *line = &account->lines[i];
        json_array_append_new(
            lines, json_pack("{s:o,s:I,s:s,s:s,s:b,s:s,s:s}", "time", time_json(line->time_us),
                             "sequence", (json_int_t)line->sequence, "kind",
                             story_kind_name(line->kind), "level", plan_level_name(line->level),
                             "alarming", line->alarming, "zh", line->zh, "en", line->en));
    }
    return lines;
}

static json_t *forces_json(const struct account *account)
{
    json_t *forces = json_array();
    for (size_t i = 0; i < account->force_count; i++) {
        const struct account_force *force = &account->forces[i];
        json_array_append_new(forces, json_pack("{s:s,s:s,s:o,s:o,s:s,s:s}", "area", force->area,
                                                "level", plan_level_name(force->level), "since",
                                                time_json(force->since_us), "until",
                                                time_json(force->until_us), "by", force->by,
                                                "section", force->section));
    }
    return forces;
}

static json_t *clocks_json(const struct account *account)
{
    json_t *clocks = json_array();
    for (const struct picture_clock *at = account->incident->clocks; at != NULL; at = at->hh.next) {
        json_t *clock = event_json_message(&at->last->base);
        json_object_del(clock, "context");
        json_array_append_new(clocks, clock);
    }
    return clocks;
}

/* ---- orders ---- */

static json_t *times_json(const struct account_times *times)
{
    return json_pack("{s:I,s:I,s:I}", "count", (json_int_t)times->count, "median_us",
                     (json_int_t)times->median_us, "longest_us", (json_int_t)times->longest_us);
}

static json_t *units_json(const struct account *account)
{
    size_t count;
    struct account_unit *units = account_units(account, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct account_unit *unit = &units[i];
        json_array_append_new(
            list,
            json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "unit", unit->id, "issued",
                      (json_int_t)unit->issued, "acknowledged", (json_int_t)unit->acknowledged,
                      "done", (json_int_t)unit->done, "declined", (json_int_t)unit->declined,
                      "overdue", (json_int_t)unit->overdue, "escalated",
                      (json_int_t)unit->escalated, "ended", (json_int_t)unit->ended, "open",
                      (json_int_t)unit->open, "to_acknowledge", times_json(&unit->to_acknowledge),
                      "to_done", times_json(&unit->to_done)));
    }
    free(units);
    return list;
}

static json_t *issue_json(const struct account_issue *issue)
{
    char state[ENUM_WORD_SIZE];
    const DutyOrder *order = issue->order;
    enum_word(state, &liandong__v1__duty_order__state__descriptor, (int)order->state);
    json_t *object =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:b}", "unit", order->unit, "order", order->order, "duty",
                  order->duty, "section", order->section, "state", state, "early", issue->early);
    json_object_set_new(object, "issued", time_json(issue->issued_us));
    json_object_set_new(object, "acknowledged", time_json(issue->acknowledged_us));
    json_object_set_new(object, "done", time_json(issue->done_us));
    json_object_set_new(object, "overdue", time_json(issue->overdue_us));
    if (issue->overdue_us != 0)
        json_object_set_new(object, "late_for", json_string(issue->late_for));
    if (issue->escalated)
        json_object_set_new(object, "escalated_to", json_string(issue->escalated_to));
    return object;
}

static json_t *orders_json(const struct account *account)
{
    json_t *orders = json_array();
    for (size_t i = 0; i < account->issue_count; i++)
        json_array_append_new(orders, issue_json(&account->issues[i]));
    return orders;
}

/* ---- notices, supplies ---- */

static json_t *notices_json(const struct account *account)
{
    json_t *notices = json_array();
    for (size_t i = 0; i < account->incident->notice_count; i++) {
        const Liandong__V1__Notice *notice = account->incident->notices[i].notice;
        char kind[ENUM_WORD_SIZE];
        json_array_append_new(
            notices,
            json_pack("{s:o,s:s,s:s,s:s,s:s}", "sent", time_json(notice->sent_at_us), "identifier",
                      notice->identifier, "audience", notice->audience, "kind",
                      enum_word(kind, &liandong__v1__notice__kind__descriptor, (int)notice->kind),
                      "level", plan_level_name((int)notice->level)));
    }
    return notices;
}

static json_t *supplies_json(const struct account *account)
{
    json_t *movements = json_array();
    for (size_t i = 0; i < account->picture.movement_count; i++) {
        const struct picture_movement *at = &account->picture.movements[i];
        if (!account_has_movement(account, at))
            continue;
        json_t *movement = event_json_message(&at->movement->base);
        json_object_del(movement, "context");
        json_object_set_new(movement, "time", time_json(at->time_us));
        json_object_set_new(movement, "sequence", json_integer((json_int_t)at->sequence));
        json_array_append_new(movements, movement);
    }
    return movements;
}

json_t *account_json(const struct account *account)
{
    const struct picture_incident *incident = account->incident;
    json_t *object = json_pack(
        "{s:s,s:b,s:b,s:s,s:s,s:s,s:s,s:o,s:o,s:i,s:s}", "incident", account->id, "exercise",
        account->exercise, "closed", incident->closed, "plan", account->plan->id, "plan_hash",
        account->plan->hash, "area", incident->last->area, "hazard", incident->last->hazard,
        "opened", time_json(account->opened_us), "closed_at", time_json(incident->closed_at_us),
        "reports", (int)HASH_COUNT(incident->reports), "grade",
        plan_level_name(incident->grade != NULL ? (int)incident->grade->level : 0));
    json_object_set_new(object, "7-1-7", steps_json(account));
    json_object_set_new(object, "timeline", timeline_json(account));
    json_object_set_new(object, "responses", forces_json(account));
    json_object_set_new(object, "clocks", clocks_json(account));
    json_object_set_new(object, "units", units_json(account));
    json_object_set_new(object, "orders", orders_json(account));
    json_object_set_new(object, "notices", notices_json(account));
    json_object_set_new(object, "supplies", supplies_json(account));
    return object;
}
