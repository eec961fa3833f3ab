/*
 * Announcing: response/<area>/<incident> events, each with what is in force after it, who answers
 * for it, and what the procedure waits for next.
 */
#include "command.h"

#include <string.h>

/* ---- units that patterns stand for ---- */

static const char county_mark[] = "{county}";

static char *pattern_with(struct ld_arena *arena, const char *pattern, const char *mark,
                          const char *code)
{
    return ld_arena_format(arena, "%.*s%s%s", (int)(mark - pattern), pattern, code,
                           mark + sizeof county_mark - 1);
}

char **command_units_expand(struct ld_arena *arena, const struct incident *incident,
                            const char *area, const char *const *patterns, size_t pattern_count,
                            size_t *count)
{
    bool of_county = incident && strcmp(area, incident->area) != 0;
    size_t each = incident && !of_county ? incident->county_count : 1;
    char **units = ld_arena_alloc(arena, (pattern_count * (each + 1) + 1) * sizeof *units);
    *count = 0;
    for (size_t i = 0; i < pattern_count; i++) {
        const char *mark = strstr(patterns[i], county_mark);
        if (!mark) {
            units[(*count)++] = sv_borrow(patterns[i]);
            continue;
        }
        for (size_t k = 0; k < each; k++) {
            const char *code = incident && !of_county ? incident->counties[k] : area;
            units[(*count)++] = pattern_with(arena, patterns[i], mark, code);
        }
    }
    return units;
}

/* ---- the event ---- */

static void fill_groups(struct ld_arena *arena, Response *message, const struct plan *plan,
                        int level)
{
    message->groups = ld_arena_alloc(arena, (plan->group_count + 1) * sizeof *message->groups);
    for (size_t i = 0; i < plan->group_count; i++)
        if (plan_level_reaches(level, (int)plan->groups[i].from))
            message->groups[message->n_groups++] = sv_borrow(plan->groups[i].id);
}

/* Commander and working groups are the city's: a county's are in no city plan. */
static void fill_organisation(const struct inquiry *inquiry, Response *message)
{
    const struct plan *plan = inquiry->incident->plan;
    int level = inquiry->response->in_force;
    if (level == PLAN_NONE || inquiry->of_county)
        return;
    message->commander = sv_text_of(inquiry->out, plan->organisation[level].commander);
    fill_groups(sv_arena(inquiry->out), message, plan, level);
}

void command_next(const struct inquiry *inquiry, char **next, char ***next_by,
                  size_t *next_by_count)
{
    const struct response *response = inquiry->response;
    const struct pending *pending = &response->pending;
    if (pending->kind == NOTHING_PENDING)
        return;
    const struct plan_rule *rule = command_rule_under_way(inquiry->incident->plan, pending);
    const struct plan_step *step = command_step_waited_for(rule, pending->done);
    if (!step)
        return;
    *next = sv_borrow(plan_act_name((int)step->act));
    *next_by = command_units_expand(sv_arena(inquiry->out), inquiry->incident, response->area,
                                    step->by, step->by_count, next_by_count);
}

static void announce(const struct inquiry *inquiry, Liandong__V1__Response__State state,
                     int previous)
{
    const struct incident *incident = inquiry->incident;
    const struct response *response = inquiry->response;
    Response message = LIANDONG__V1__RESPONSE__INIT;
    message.context = sv_context(inquiry->out, inquiry->event, incident->id, incident->plan);
    message.area = response->area;
    message.state = state;
    message.level = (Liandong__V1__Level)inquiry->level;
    message.previous = (Liandong__V1__Level)previous;
    message.in_force = (Liandong__V1__Level)response->in_force;
    message.by = sv_borrow(inquiry->author);
    message.started_by = sv_borrow(response->started_by);
    message.section = sv_borrow(inquiry->section);
    message.in_force_since_us = response->since_us;
    message.counties = incident->counties;
    message.n_counties = incident->county_count;
    message.hazard = incident->hazard;
    message.follows_city = inquiry->follows;
    if (inquiry->ahead) {
        message.scheduled_act = inquiry->ahead->sequence;
        message.effective_at_us = inquiry->ahead->due_us;
    }
    if (inquiry->reason.zh)
        message.reason = sv_text_of(inquiry->out, inquiry->reason);
    fill_organisation(inquiry, &message);
    command_next(inquiry, &message.next, &message.next_by, &message.n_next_by);
    sv_emit(inquiry->out, &message.base, "response/%s/%s", response->area, incident->id);
}

void command_announce_step(struct inquiry *inquiry, Liandong__V1__Response__State state)
{
    announce(inquiry, state, inquiry->response->in_force);
}

void command_announce_effect(struct inquiry *inquiry, int previous)
{
    Liandong__V1__Response__State state = LIANDONG__V1__RESPONSE__STATE__ADJUSTED;
    if (inquiry->level == PLAN_NONE)
        state = LIANDONG__V1__RESPONSE__STATE__TERMINATED;
    else if (previous == PLAN_NONE)
        state = LIANDONG__V1__RESPONSE__STATE__ACTIVE;
    announce(inquiry, state, previous);
}
