/*
 * The procedure: what an act means for a response or a warning, and what follows from it. Who may
 * do what, in which order and for which level is the plan's (plan.procedure, plan.issue); what kind
 * of act may do what in which phase is this table:
 *
 *     of a response
 *              assess, …        decide        last step of the plan's rule
 *     ┌─> IDLE ──> OPENED ──┬──> DECIDED ──┬──> takes effect: in force at another level, or ended
 *     │     │        │      │      approve, file                     │
 *     │     └──> PROPOSED ──┘                                        │
 *     │  propose │                                                   │
 *     └──────────┴── assessed or decided against, overtaken by an order, or done ──┘
 *
 *     phase     propose  assess  decide  approve  file   order
 *     IDLE        B        B       B        B       B      D
 *     OPENED      S R      S R     S R A    S       S      D
 *     PROPOSED    S R      S       S R A    S       S      D
 *     DECIDED     R        ·       S        S       S      D
 *
 *     of a warning
 *           suggest, …            issue: takes effect           last step of the plan's rule
 *     ┌─> IDLE ──> OPENED ──────────────────────────> DECIDED ────────────────────────┐
 *     │              │       issued, adjusted, lifted    │   inform, file afterwards  │
 *     └──────────────┴── verified, assessed, approved or signed against, or done ─────┘
 *
 *     phase     suggest  verify  assess  approve  sign   file   issue  inform
 *     IDLE        B        B       B        B       B      B      B      B
 *     OPENED      S R      S R     S R      S R     S R    S R    S R    S R
 *     DECIDED     B S      B S     B S      B S     B S    B S    B S    B S
 *
 *     B  begins a procedure, if the plan's rule begins with it
 *     S  takes its step of the procedure under way, if what the rule puts before it is done
 *     R  begins another procedure, which takes the place of the one under way
 *     A  for the level as it is: decides against, and ends the procedure without effect
 *     D  takes effect at once
 *
 * propose and assess of one rule come in either order. The target of a response's procedure is a
 * level that is graver than the one in force (STARTING, the rule of the level meant), less grave
 * (LOWERING) or none (ENDING, both by the rule of the level in force); the step that completes the
 * rule makes it take effect. A warning is issued, adjusted and lifted (WARNING) by the rule of the
 * graver of the two colours. Nothing here fails but by refusing; a refused act changes nothing.
 */
#include "command.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum phase { IDLE, OPENED, PROPOSED, DECIDED, PHASES };
enum { B = 1, S = 2, R = 4, A = 8, D = 16, STEPS_MAX = 64 };

static const unsigned moves[2][PHASES][PLAN_INFORM + 1] = {
    {
        /*    none PROPOSE ASSESS DECIDE     APPROVE FILE ORDER DESIGNATE and those of warnings */
        [IDLE] = {0, B, B, B, B, B, D, 0},
        [OPENED] = {0, S | R, S | R, S | R | A, S, S, D, 0},
        [PROPOSED] = {0, S | R, S, S | R | A, S, S, D, 0},
        [DECIDED] = {0, R, 0, S, S, S, D, 0},
    },
    {
        /*    none and PROPOSE, ASSESS, DECIDE, APPROVE, FILE, ORDER and DESIGNATE, SUGGEST,
         *    VERIFY, SIGN, ISSUE, INFORM */
        [IDLE] = {0, 0, B, 0, B, B, 0, 0, B, B, B, B, B},
        [OPENED] = {0, 0, S | R, 0, S | R, S | R, 0, 0, S | R, S | R, S | R, S | R, S | R},
        [DECIDED] = {0, 0, B | S, 0, B | S, B | S, 0, 0, B | S, B | S, B | S, B | S, B | S},
    },
};

/* What a step is called once it is taken. */
static const Liandong__V1__Response__State step_states[PLAN_INFORM + 1] = {
    [PLAN_PROPOSE] = LIANDONG__V1__RESPONSE__STATE__PROPOSED,
    [PLAN_ASSESS] = LIANDONG__V1__RESPONSE__STATE__ASSESSED,
    [PLAN_DECIDE] = LIANDONG__V1__RESPONSE__STATE__DECIDED,
    [PLAN_APPROVE] = LIANDONG__V1__RESPONSE__STATE__APPROVED,
    [PLAN_FILE] = LIANDONG__V1__RESPONSE__STATE__FILED,
};

/* ---- rules and steps ---- */

int command_level_in_force(const struct response *response)
{
    return response ? response->in_force : PLAN_NONE;
}

static size_t step_count(const struct plan_rule *rule)
{
    return rule->step_count < STEPS_MAX ? rule->step_count : STEPS_MAX;
}

static bool step_done(uint64_t done, size_t step)
{
    return (done >> step & 1) != 0;
}

const struct plan_rule *command_rule_of(const struct plan *plan, enum procedure_kind kind,
                                        int level, int in_force)
{
    const struct plan_procedure *procedure = &plan->procedure;
    if (kind == WARNING)
        return plan_rule_for(plan->issue, plan->issue_count,
                             plan_level_reaches(level, in_force) ? level : in_force);
    if (kind == STARTING)
        return plan_rule_for(procedure->start, procedure->start_count, level);
    if (kind == LOWERING)
        return plan_rule_for(procedure->lower, procedure->lower_count, in_force);
    return plan_rule_for(procedure->terminate, procedure->terminate_count, in_force);
}

const struct plan_rule *command_rule_under_way(const struct plan *plan,
                                               const struct pending *pending)
{
    return command_rule_of(plan, pending->kind, pending->level, pending->before);
}

const struct plan_step *command_step_waited_for(const struct plan_rule *rule, uint64_t done)
{
    for (size_t i = 0; i < step_count(rule); i++)
        if (!step_done(done, i))
            return &rule->steps[i];
    return NULL;
}

static bool act_done(const struct plan_rule *rule, uint64_t done, enum plan_act act)
{
    for (size_t i = 0; i < step_count(rule); i++)
        if (rule->steps[i].act == act && step_done(done, i))
            return true;
    return false;
}

/* propose and assess come in either order. */
static bool either_order(enum plan_act one, enum plan_act other)
{
    return (one == PLAN_PROPOSE && other == PLAN_ASSESS) ||
           (one == PLAN_ASSESS && other == PLAN_PROPOSE);
}

/* The first step that must be taken before this one and is not; NULL: none. */
static const struct plan_step *step_missing(const struct plan_rule *rule, size_t step,
                                            uint64_t done)
{
    for (size_t i = 0; i < step; i++)
        if (!step_done(done, i) && !either_order(rule->steps[i].act, rule->steps[step].act))
            return &rule->steps[i];
    return NULL;
}

static enum phase phase_of(const struct plan *plan, const struct response *response)
{
    if (!response || response->pending.kind == NOTHING_PENDING)
        return IDLE;
    const struct pending *pending = &response->pending;
    const struct plan_rule *rule = command_rule_under_way(plan, pending);
    if (act_done(rule, pending->done, PLAN_DECIDE) || act_done(rule, pending->done, PLAN_ISSUE))
        return DECIDED;
    return act_done(rule, pending->done, PLAN_PROPOSE) ? PROPOSED : OPENED;
}

/* How well a step suits the act: 3 not taken and for this author, 2 not taken, 1 taken, 0 not. */
static int step_fit(const struct inquiry *inquiry, const struct plan_step *step, bool done)
{
    if ((int)step->act != inquiry->act)
        return 0;
    if (done)
        return 1;
    return plan_unit_in(inquiry->incident->plan, inquiry->author, step->by, step->by_count, NULL)
               ? 3
               : 2;
}

static bool step_find(struct inquiry *inquiry, uint64_t done)
{
    int best = 0;
    for (size_t i = 0; i < step_count(inquiry->rule); i++) {
        int fit = step_fit(inquiry, &inquiry->rule->steps[i], step_done(done, i));
        if (fit > best) {
            best = fit;
            inquiry->step = i;
        }
    }
    return best > 0;
}

/* ---- judging an act on the city's response ---- */

static unsigned move_of(const struct inquiry *inquiry)
{
    return moves[inquiry->of_warning][phase_of(inquiry->incident->plan, inquiry->response)]
                [inquiry->act];
}

static bool pending_is(const struct inquiry *inquiry)
{
    const struct response *response = inquiry->response;
    return response && response->pending.kind == inquiry->kind &&
           response->pending.level == inquiry->level;
}

static enum refusal out_of_order(struct inquiry *inquiry, const struct plan_step *missing)
{
    inquiry->needs = (int)missing->act;
    command_inquiry_who(inquiry, missing->by, missing->by_count);
    return REFUSED_OUT_OF_ORDER;
}

/* The act belongs to the procedure under way. */
static enum refusal judge_step(struct inquiry *inquiry, unsigned move)
{
    uint64_t done = inquiry->response->pending.done;
    if (step_done(done, inquiry->step) || !(move & S))
        return REFUSED_ALREADY_DONE;
    const struct plan_step *missing = step_missing(inquiry->rule, inquiry->step, done);
    return missing ? out_of_order(inquiry, missing) : ALLOWED;
}

/* The act would begin a procedure. */
static enum refusal judge_begin(struct inquiry *inquiry, unsigned move)
{
    const struct plan_step *missing = step_missing(inquiry->rule, inquiry->step, 0);
    if (!(move & B) && (missing || !(move & R))) {
        const struct plan_step *first = &inquiry->rule->steps[0];
        command_inquiry_who(inquiry, first->by, first->by_count);
        return REFUSED_LEVEL_MISMATCH;
    }
    return missing ? out_of_order(inquiry, missing) : ALLOWED;
}

static enum refusal judge_author(struct inquiry *inquiry)
{
    const struct plan_step *step = &inquiry->rule->steps[inquiry->step];
    if (plan_unit_in(inquiry->incident->plan, inquiry->author, step->by, step->by_count, NULL))
        return ALLOWED;
    command_inquiry_who(inquiry, step->by, step->by_count);
    return REFUSED_NOT_ALLOWED;
}

static enum refusal judge_office(struct inquiry *inquiry)
{
    const struct plan_step *step = &inquiry->rule->steps[inquiry->step];
    const char *office = inquiry->decision->filed_with;
    if (step->with_count == 0 ||
        plan_unit_in(inquiry->incident->plan, office, step->with, step->with_count, NULL))
        return ALLOWED;
    inquiry->found = office;
    command_inquiry_who(inquiry, step->with, step->with_count);
    return REFUSED_WRONG_OFFICE;
}

/* Filing, informing and issuing put into effect what others have signed. */
static bool is_signature(int act)
{
    return act == PLAN_DECIDE || act == PLAN_APPROVE || act == PLAN_SIGN_OFF;
}

/* Two signatures of one procedure are those of two persons. */
static enum refusal judge_person(struct inquiry *inquiry)
{
    const char *person = inquiry->decision->person;
    const char *persons = inquiry->response ? inquiry->response->pending.persons : NULL;
    size_t size = strcspn(person, "\n");
    if (size == 0 || !persons || !is_signature(inquiry->act) || !pending_is(inquiry))
        return ALLOWED;
    for (const char *line = persons; *line; line = strchr(line, '\n') + 1) {
        if (strncmp(line, person, size) != 0 || line[size] != '\n')
            continue;
        inquiry->found = person;
        return REFUSED_SAME_PERSON;
    }
    return ALLOWED;
}

/* What the act itself says: with whom it is filed, and who acts. */
static enum refusal judge_words(struct inquiry *inquiry)
{
    enum refusal refusal = judge_office(inquiry);
    return refusal ? refusal : judge_person(inquiry);
}

/* A decision for the level as it is: against the procedure under way. */
static enum refusal judge_against(struct inquiry *inquiry)
{
    const struct pending *pending = &inquiry->response->pending;
    inquiry->kind = pending->kind;
    inquiry->rule = command_rule_under_way(inquiry->incident->plan, pending);
    inquiry->section = inquiry->rule->section;
    if (!step_find(inquiry, pending->done))
        return REFUSED_NOT_IN_PROCEDURE;
    enum refusal refusal = judge_author(inquiry);
    return refusal ? refusal : judge_step(inquiry, S);
}

static enum refusal judge_same_level(struct inquiry *inquiry)
{
    unsigned move = move_of(inquiry);
    if (move & A)
        return judge_against(inquiry);
    const struct plan_rule *rule =
        command_rule_of(inquiry->incident->plan, STARTING, inquiry->level, PLAN_NONE);
    inquiry->section = rule ? rule->section : "";
    return inquiry->level == PLAN_NONE ? REFUSED_NOT_IN_FORCE : REFUSED_ALREADY_IN_FORCE;
}

enum procedure_kind command_kind_towards(int level, int in_force)
{
    if (level == PLAN_NONE)
        return ENDING;
    return plan_level_reaches(level, in_force) ? STARTING : LOWERING;
}

/* 谁启动谁调整: what was ordered from above is adjusted and ended from there. */
static bool belongs_to_other(const struct inquiry *inquiry)
{
    const struct response *response = inquiry->response;
    return response && response->ordered && inquiry->kind != STARTING &&
           strcmp(response->started_by, inquiry->author) != 0;
}

/* The plan has no steps for the level: perhaps it leaves starting it to an order from above. */
static enum refusal judge_without_rule(struct inquiry *inquiry)
{
    const struct plan *plan = inquiry->incident->plan;
    const struct plan_procedure *procedure = &plan->procedure;
    const struct plan_rule *direct =
        plan_rule_for(procedure->direct, procedure->direct_count, inquiry->level);
    if (inquiry->kind != STARTING || !direct || direct->step_count == 0)
        return REFUSED_NO_RULE;
    const struct plan_step *order = &direct->steps[0];
    inquiry->section = direct->section;
    if (plan_unit_in(plan, inquiry->author, order->by, order->by_count, NULL))
        return REFUSED_NO_RULE;
    command_inquiry_who(inquiry, order->by, order->by_count);
    return REFUSED_NOT_ALLOWED;
}

/* What a response's level is measured by has reached it. */
static enum refusal judge_reached(const struct inquiry *inquiry)
{
    const struct incident *incident = inquiry->incident;
    bool by_warning = incident->plan->procedure.follows_warning;
    int reached = by_warning ? command_colour_in_force(inquiry->core, incident) : incident->grade;
    if (plan_level_reaches(reached, inquiry->level))
        return ALLOWED;
    return by_warning ? REFUSED_COLOUR_NOT_REACHED : REFUSED_GRADE_NOT_REACHED;
}

enum refusal command_judge_city(struct inquiry *inquiry)
{
    const struct plan *plan = inquiry->incident->plan;
    int in_force = command_level_in_force(inquiry->response);
    if (inquiry->level == in_force)
        return judge_same_level(inquiry);
    inquiry->kind = command_kind_towards(inquiry->level, in_force);
    inquiry->rule = command_rule_of(plan, inquiry->kind, inquiry->level, in_force);
    if (!inquiry->rule || inquiry->rule->step_count == 0)
        return judge_without_rule(inquiry);
    inquiry->section = inquiry->rule->section;
    if (belongs_to_other(inquiry)) {
        command_inquiry_who_one(inquiry, inquiry->response->started_by);
        return REFUSED_STARTED_BY_OTHER;
    }
    if (!step_find(inquiry, pending_is(inquiry) ? inquiry->response->pending.done : 0))
        return REFUSED_NOT_IN_PROCEDURE;
    enum refusal refusal = judge_author(inquiry);
    if (refusal)
        return refusal;
    refusal = inquiry->kind == STARTING ? judge_reached(inquiry) : ALLOWED;
    if (refusal)
        return refusal;
    unsigned move = move_of(inquiry);
    refusal = pending_is(inquiry) ? judge_step(inquiry, move) : judge_begin(inquiry, move);
    return refusal ? refusal : judge_words(inquiry);
}

/* ---- judging an act on a warning ---- */

static enum refusal judge_same_colour(struct inquiry *inquiry)
{
    const struct plan *plan = inquiry->incident->plan;
    const struct plan_rule *rule = command_rule_of(plan, WARNING, inquiry->level, inquiry->level);
    inquiry->section = rule ? rule->section : plan->warning_section;
    return inquiry->level == PLAN_NONE ? REFUSED_NO_WARNING : REFUSED_WARNING_IN_FORCE;
}

/* The plan leaves the colour to somebody else; its criterion says where, and to whom. */
static enum refusal judge_colour_without_rule(struct inquiry *inquiry)
{
    const struct plan *plan = inquiry->incident->plan;
    inquiry->section = plan->warning_section;
    inquiry->found = NULL;
    for (size_t i = 0; i < plan->warning_count && !inquiry->found; i++) {
        const struct plan_criterion *criterion = &plan->warnings[i];
        if ((int)criterion->level != inquiry->level || !*criterion->reading)
            continue;
        inquiry->section = criterion->section;
        inquiry->found = criterion->reading;
    }
    return REFUSED_COLOUR_WITHOUT_RULE;
}

/* A raise needs the colour that the figures suggest. */
static enum refusal judge_suggested(const struct inquiry *inquiry)
{
    bool raises = inquiry->level != PLAN_NONE &&
                  !plan_level_reaches(command_level_in_force(inquiry->response), inquiry->level);
    return raises && !plan_level_reaches(inquiry->incident->colour, inquiry->level)
               ? REFUSED_COLOUR_NOT_SUGGESTED
               : ALLOWED;
}

static enum refusal judge_city_warning(struct inquiry *inquiry)
{
    const struct plan *plan = inquiry->incident->plan;
    int in_force = command_level_in_force(inquiry->response);
    inquiry->kind = WARNING;
    bool under_way = pending_is(inquiry);
    if (!under_way && inquiry->level == in_force)
        return judge_same_colour(inquiry);
    inquiry->rule = under_way ? command_rule_under_way(plan, &inquiry->response->pending)
                              : command_rule_of(plan, WARNING, inquiry->level, in_force);
    if (!inquiry->rule)
        return judge_colour_without_rule(inquiry);
    inquiry->section = inquiry->rule->section;
    if (!step_find(inquiry, under_way ? inquiry->response->pending.done : 0))
        return REFUSED_NOT_IN_PROCEDURE;
    enum refusal refusal = judge_author(inquiry);
    refusal = refusal ? refusal : judge_suggested(inquiry);
    if (refusal)
        return refusal;
    refusal =
        under_way ? judge_step(inquiry, move_of(inquiry)) : judge_begin(inquiry, move_of(inquiry));
    return refusal ? refusal : judge_words(inquiry);
}

/* A county's own warning: its government issues it, where the plan speaks of such. */
static enum refusal judge_county_warning(struct inquiry *inquiry)
{
    const struct plan *plan = inquiry->incident->plan;
    const struct plan_procedure *procedure = &plan->procedure;
    inquiry->section =
        *plan->warning_county_section ? plan->warning_county_section : plan->warning_section;
    if (!*plan->warning_county_section)
        return REFUSED_NO_RULE;
    if (inquiry->act != PLAN_ISSUE)
        return REFUSED_NOT_IN_PROCEDURE;
    command_inquiry_who(inquiry, procedure->county_decide, procedure->county_decide_count);
    if (!plan_unit_in(plan, inquiry->author, procedure->county_decide,
                      procedure->county_decide_count, inquiry->area))
        return REFUSED_NOT_ALLOWED;
    if (inquiry->level == command_level_in_force(inquiry->response))
        return inquiry->level == PLAN_NONE ? REFUSED_NO_WARNING : REFUSED_WARNING_IN_FORCE;
    int city = command_city_colour(inquiry->incident);
    if (city != PLAN_NONE && inquiry->level != PLAN_NONE &&
        !plan_level_reaches(inquiry->level, city))
        return REFUSED_BELOW_CITY;
    return judge_suggested(inquiry);
}

enum refusal command_judge_warning(struct inquiry *inquiry)
{
    return inquiry->of_county ? judge_county_warning(inquiry) : judge_city_warning(inquiry);
}

/* ---- effects ---- */

void command_pending_clear(struct pending *pending)
{
    free(pending->decider);
    free(pending->persons);
    *pending = (struct pending){.kind = NOTHING_PENDING};
}

void command_take_effect(struct inquiry *inquiry, const char *starter, bool ordered)
{
    struct response *response = inquiry->response;
    int previous = response->in_force;
    response->in_force = inquiry->level;
    response->since_us = inquiry->level == PLAN_NONE ? 0 : inquiry->event->record->time_us;
    if (starter) {
        command_text_set(&response->started_by, starter);
        response->ordered = ordered;
    }
    command_pending_clear(&response->pending);
    response->follows = false;
    command_announce_effect(inquiry, previous);
    if (!inquiry->of_county)
        command_counties_follow(inquiry);
    if (inquiry->level == PLAN_NONE) {
        command_text_set(&response->started_by, NULL);
        response->ordered = false;
    }
}

/* Names have no line ends: those that have are told apart up to the first. */
static void note_person(struct pending *pending, const char *person)
{
    const char *before = pending->persons ? pending->persons : "";
    size_t name = strcspn(person, "\n"), size = strlen(before) + name + 2;
    if (name == 0)
        return;
    char *persons = malloc(size);
    if (!persons)
        abort();
    snprintf(persons, size, "%s%.*s\n", before, (int)name, person);
    free(pending->persons);
    pending->persons = persons;
}

void command_step_taken(struct inquiry *inquiry)
{
    struct pending *pending = &inquiry->response->pending;
    if (!pending_is(inquiry)) {
        command_pending_clear(pending);
        pending->kind = inquiry->kind;
        pending->level = inquiry->level;
        pending->before = inquiry->response->in_force;
    }
    if (inquiry->act == PLAN_DECIDE || !pending->decider)
        command_text_set(&pending->decider, inquiry->author);
    pending->done |= UINT64_C(1) << inquiry->step;
    if (is_signature(inquiry->act))
        note_person(pending, inquiry->decision->person);
}

static void end_without_effect(struct inquiry *inquiry)
{
    struct pending *pending = &inquiry->response->pending;
    if (inquiry->level == inquiry->response->in_force)
        inquiry->level = pending->level;
    if (pending_is(inquiry))
        command_pending_clear(pending);
    command_announce_step(inquiry, LIANDONG__V1__RESPONSE__STATE__NOT_STARTED);
}

void command_act_city(struct inquiry *inquiry)
{
    struct response *response = inquiry->response;
    bool against = inquiry->act == PLAN_ASSESS ? !inquiry->decision->in_favour
                                               : inquiry->level == response->in_force;
    if (against) {
        end_without_effect(inquiry);
        return;
    }
    command_step_taken(inquiry);
    assert(step_states[inquiry->act] != 0);
    command_announce_step(inquiry, step_states[inquiry->act]);
    if (command_step_waited_for(inquiry->rule, response->pending.done))
        return;
    bool starting = inquiry->kind == STARTING;
    command_take_effect(inquiry, starting ? response->pending.decider : NULL, false);
}
