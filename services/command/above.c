/*
 * Orders from above, and a county's own response.
 *
 * An order by an authority that the plan names starts or raises the city's response at once; its
 * author then adjusts and ends it by order too (谁启动谁调整). A county's government decides on the
 * county's response. What a higher authority demands of a county lifts the county's response at
 * least to that level, and the county cannot go below it until the demand is relaxed.
 *
 * Where the plan says that counties follow the city, an affected county takes the city's level
 * when that changes, or when it is affected, though never a lower one than is demanded of it. Once
 * its own government decides, or an order lifts it, it goes its own way until its response has
 * ended.
 */
#include "command.h"

#include <string.h>

static enum refusal same_level(const struct inquiry *inquiry)
{
    return inquiry->level == PLAN_NONE ? REFUSED_NOT_IN_FORCE : REFUSED_ALREADY_IN_FORCE;
}

/* Is the response in force by an order of this author? */
static bool ordered_by_author(const struct inquiry *inquiry)
{
    const struct response *response = inquiry->response;
    return response && response->ordered && strcmp(response->started_by, inquiry->author) == 0;
}

static void order_section(struct inquiry *inquiry, const struct plan_rule *direct)
{
    const struct plan_rule *rule = direct;
    if (!rule)
        rule = command_rule_of(inquiry->incident->plan, inquiry->kind, inquiry->level,
                               command_level_in_force(inquiry->response));
    inquiry->rule = rule;
    inquiry->section = rule ? rule->section : "";
}

static enum refusal judge_order_city(struct inquiry *inquiry)
{
    const struct plan *plan = inquiry->incident->plan;
    const struct plan_procedure *procedure = &plan->procedure;
    int in_force = command_level_in_force(inquiry->response);
    inquiry->kind = command_kind_towards(inquiry->level, in_force);
    const struct plan_rule *direct =
        plan_rule_for(procedure->direct, procedure->direct_count, inquiry->level);
    bool starts = inquiry->kind == STARTING;
    order_section(inquiry, starts ? direct : NULL);
    if (inquiry->level == in_force && in_force == PLAN_NONE)
        return REFUSED_NOT_IN_FORCE;
    if (ordered_by_author(inquiry))
        return inquiry->level == in_force ? REFUSED_ALREADY_IN_FORCE : ALLOWED;
    if (in_force != PLAN_NONE && !starts) {
        const char *starter = inquiry->response->started_by;
        command_inquiry_who_one(inquiry, starter);
        return strcmp(starter, inquiry->author) == 0 ? REFUSED_NO_RULE : REFUSED_STARTED_BY_OTHER;
    }
    if (!direct || direct->step_count == 0)
        return REFUSED_NO_RULE;
    const struct plan_step *step = &direct->steps[0];
    command_inquiry_who(inquiry, step->by, step->by_count);
    if (!plan_unit_in(plan, inquiry->author, step->by, step->by_count, NULL))
        return REFUSED_NOT_ALLOWED;
    return inquiry->level == in_force ? REFUSED_ALREADY_IN_FORCE : ALLOWED;
}

/* Is the level below what someone demands of the county, and that someone not the author? */
static bool below_demand(struct inquiry *inquiry, bool author_may)
{
    const struct response *response = inquiry->response;
    if (!response || !response->demanded_by ||
        plan_level_reaches(inquiry->level, response->demanded))
        return false;
    command_inquiry_who_one(inquiry, response->demanded_by);
    return !author_may || strcmp(response->demanded_by, inquiry->author) != 0;
}

static enum refusal judge_order_county(struct inquiry *inquiry)
{
    const struct plan_procedure *procedure = &inquiry->incident->plan->procedure;
    const char *const *above = procedure->county_must_follow;
    size_t above_count = procedure->county_must_follow_count;
    inquiry->section = procedure->county_section;
    command_inquiry_who(inquiry, above, above_count);
    if (!plan_unit_in(inquiry->incident->plan, inquiry->author, above, above_count, inquiry->area))
        return REFUSED_NOT_ALLOWED;
    const struct response *response = inquiry->response;
    if (below_demand(inquiry, true))
        return REFUSED_BELOW_DEMANDED;
    bool demands = response && response->demanded_by;
    if (inquiry->level != (demands ? response->demanded : PLAN_NONE))
        return ALLOWED;
    if (command_level_in_force(response) == PLAN_NONE || demands)
        return same_level(inquiry);
    command_inquiry_who_one(inquiry, response->started_by);
    return REFUSED_STARTED_BY_OTHER;
}

enum refusal command_judge_order(struct inquiry *inquiry)
{
    return inquiry->of_county ? judge_order_county(inquiry) : judge_order_city(inquiry);
}

enum refusal command_judge_county(struct inquiry *inquiry)
{
    const struct plan *plan = inquiry->incident->plan;
    const struct plan_procedure *procedure = &plan->procedure;
    const char *const *by = procedure->county_decide;
    size_t by_count = procedure->county_decide_count;
    inquiry->section = procedure->county_section;
    command_inquiry_who(inquiry, by, by_count);
    if (inquiry->act != PLAN_DECIDE)
        return REFUSED_NOT_IN_PROCEDURE;
    if (!plan_unit_in(plan, inquiry->author, by, by_count, inquiry->area))
        return REFUSED_NOT_ALLOWED;
    if (below_demand(inquiry, false))
        return REFUSED_BELOW_DEMANDED;
    return inquiry->level == command_level_in_force(inquiry->response) ? same_level(inquiry)
                                                                       : ALLOWED;
}

void command_act_county(struct inquiry *inquiry)
{
    bool raises = plan_level_reaches(inquiry->level, inquiry->response->in_force);
    command_announce_step(inquiry, LIANDONG__V1__RESPONSE__STATE__DECIDED);
    command_take_effect(inquiry, raises ? inquiry->author : NULL, false);
}

/* A demand binds the county: it lifts the response to its level, and when it is relaxed, lets down
 * what was in force by the same author's order. */
static bool demand(struct inquiry *inquiry)
{
    struct response *response = inquiry->response;
    response->demanded = inquiry->level;
    command_text_set(&response->demanded_by, inquiry->level == PLAN_NONE ? NULL : inquiry->author);
    if (inquiry->level == response->in_force)
        return false;
    return ordered_by_author(inquiry) || !plan_level_reaches(response->in_force, inquiry->level);
}

/* ---- following the city ---- */

/* The level to take: the city's, but none below what is demanded; by: who it is then from. */
static int level_to_follow(const struct response *city, const struct response *response,
                           const char **by)
{
    *by = city->started_by;
    if (!response->demanded_by || plan_level_reaches(city->in_force, response->demanded))
        return city->in_force;
    *by = response->demanded_by;
    return response->demanded;
}

static void follow(const struct inquiry *city, const char *county)
{
    struct inquiry inquiry = *city;
    struct response *response = command_response_find(&city->incident->responses, county);
    const char *by;
    if (!response)
        response = command_response_add(&city->incident->responses, county);
    int level = level_to_follow(city->response, response, &by), previous = response->in_force;
    bool goes_along = response->follows || previous == PLAN_NONE;
    if (!goes_along || previous == level)
        return;
    inquiry.response = response;
    inquiry.of_county = inquiry.follows = true;
    inquiry.level = level;
    inquiry.section = city->incident->plan->procedure.county_section;
    response->in_force = level;
    response->follows = level != PLAN_NONE;
    response->since_us = response->follows ? city->event->record->time_us : 0;
    command_text_set(&response->started_by, by);
    command_announce_effect(&inquiry, previous);
    if (!response->follows)
        command_text_set(&response->started_by, NULL);
}

void command_counties_follow(struct inquiry *inquiry)
{
    const struct incident *incident = inquiry->incident;
    if (!incident->plan->procedure.county_follows_city)
        return;
    for (size_t i = 0; i < incident->county_count; i++)
        follow(inquiry, incident->counties[i]);
}

void command_act_order(struct inquiry *inquiry)
{
    if (!inquiry->of_county || demand(inquiry))
        command_take_effect(inquiry, inquiry->author, true);
}
