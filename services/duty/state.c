/*
 * duty's state: incidents, and the orders of each, in hashes by id, walked in order of appearance
 * only. An order's number begins with its incident's, so it is found in a table as small as that;
 * the unit's own are also at hand without a name, for when a response moves. Strings are owned by
 * what holds them, plans borrowed from the host, an order's incident from the core.
 */
#include "duty.h"

#include <stdlib.h>
#include <string.h>

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

void duty_unit_set(struct sv_core *core, const char *unit)
{
    core->unit = must(strdup(unit));
    const char *dot = strchr(core->unit, '.');
    core->area = must(strndup(core->unit, dot ? (size_t)(dot - core->unit) : strlen(core->unit)));
    core->slug = dot ? dot + 1 : "";
}

/* ---- incidents and signs ---- */

struct incident *duty_incident_find(const struct sv_core *core, const char *id)
{
    struct incident *incident = NULL;
    HASH_FIND_STR(core->incidents, id, incident);
    return incident;
}

/* What follows from the plan and the hazard; false if the unit is no member. */
static bool incident_bind(const struct sv_core *core, struct incident *incident)
{
    if (!incident->plan || !incident->id || !incident->hazard)
        return false;
    incident->member = plan_find_member(incident->plan, core->unit);
    incident->hazard_index = plan_find_hazard(incident->plan, incident->hazard);
    if (incident->member < 0)
        return false;
    size_t duties = incident->plan->members[incident->member].duty_count;
    incident->own = must(calloc(duties + 1, sizeof(struct order *)));
    return true;
}

static void incident_free(struct incident *incident)
{
    for (size_t i = 0; i < incident->sign_count; i++)
        free(incident->signs[i].area);
    free(incident->signs);
    free(incident->own);
    free(incident->id);
    free(incident->hazard);
    free(incident);
}

static void incident_link(struct sv_core *core, struct incident *incident)
{
    HASH_ADD_KEYPTR(hh, core->incidents, incident->id, strlen(incident->id), incident);
}

struct incident *duty_incident_learn(struct sv_core *core, const char *id, const char *hazard,
                                     const char *plan_hash)
{
    struct incident *incident = duty_incident_find(core, id);
    if (incident)
        return incident;
    const struct plan *plan = sv_plans_pinned(core->plans, plan_hash);
    if (!plan || plan_find_member(plan, core->unit) < 0)
        return NULL;
    incident = must(calloc(1, sizeof *incident));
    incident->id = must(strdup(id));
    incident->hazard = must(strdup(hazard));
    incident->plan = plan;
    incident_bind(core, incident);
    incident_link(core, incident);
    return incident;
}

static size_t sign_find(const struct incident *incident, const char *area, int sign)
{
    size_t i = 0;
    while (i < incident->sign_count &&
           (incident->signs[i].sign != sign || strcmp(incident->signs[i].area, area) != 0))
        i++;
    return i;
}

void duty_sign_set(struct incident *incident, const char *area, int sign, bool stands)
{
    size_t at = sign_find(incident, area, sign);
    bool stood = at < incident->sign_count;
    if (stands && !stood) {
        size_t size = (incident->sign_count + 1) * sizeof *incident->signs;
        incident->signs = must(realloc(incident->signs, size));
        incident->signs[incident->sign_count++] = (struct standing){must(strdup(area)), sign};
    } else if (!stands && stood) {
        free(incident->signs[at].area);
        incident->signs[at] = incident->signs[--incident->sign_count];
    }
}

bool duty_sign_stands(const struct incident *incident, int sign)
{
    for (size_t i = 0; i < incident->sign_count; i++)
        if (incident->signs[i].sign == sign)
            return true;
    return false;
}

/* ---- orders ---- */

bool duty_order_is_of(const char *id, const struct incident *incident)
{
    size_t size = strlen(incident->id);
    return strncmp(id, incident->id, size) == 0 && id[size] == '/';
}

struct order *duty_order_find(const struct sv_core *core, const char *id)
{
    struct incident *incident = NULL;
    struct order *order = NULL;
    HASH_FIND(hh, core->incidents, id, strcspn(id, "/"), incident);
    if (incident)
        HASH_FIND_STR(incident->orders, id, order);
    return order;
}

static void order_link(struct order *order)
{
    struct incident *incident = order->incident;
    const struct plan_member *member = &incident->plan->members[incident->member];
    HASH_ADD_KEYPTR(hh, incident->orders, order->id, strlen(order->id), order);
    for (size_t i = 0; i < member->duty_count && !order->asker; i++)
        if (member->duties[i] == (size_t)order->duty)
            incident->own[i] = order;
}

struct order *duty_order_add(struct incident *incident, const char *id, int duty, const char *asker)
{
    struct order *order = must(calloc(1, sizeof *order));
    order->id = must(strdup(id));
    order->incident = incident;
    order->duty = duty;
    order->asker = asker ? must(strdup(asker)) : NULL;
    order_link(order);
    return order;
}

void duty_helper_add(struct order *order, const char *unit)
{
    for (size_t i = 0; i < order->helper_count; i++) {
        if (strcmp(order->helpers[i], unit) == 0)
            return;
    }
    size_t size = (order->helper_count + 1) * sizeof *order->helpers;
    order->helpers = must(realloc(order->helpers, size));
    order->helpers[order->helper_count++] = must(strdup(unit));
}

void duty_helpers_forget(struct order *order)
{
    for (size_t i = 0; i < order->helper_count; i++)
        free(order->helpers[i]);
    free(order->helpers);
    order->helpers = NULL;
    order->helper_count = 0;
}

static void order_free(struct order *order)
{
    duty_helpers_forget(order);
    free(order->id);
    free(order->asker);
    free(order);
}

void duty_incident_drop(struct sv_core *core, struct incident *incident)
{
    struct order *order, *next;
    HASH_ITER(hh, incident->orders, order, next)
    {
        HASH_DEL(incident->orders, order);
        order_free(order);
    }
    HASH_DEL(core->incidents, incident);
    incident_free(incident);
}

void duty_state_free(struct sv_core *core)
{
    struct incident *incident, *next;
    HASH_ITER(hh, core->incidents, incident, next)
    {
        duty_incident_drop(core, incident);
    }
    sv_timers_free(&core->timers);
    free(core->unit);
    free(core->area);
}

/* ---- saving and loading ---- */

static void signs_visit(struct incident *incident, struct sv_codec *codec)
{
    sv_code_count(codec, &incident->sign_count);
    if (sv_codec_loading(codec))
        incident->signs = must(calloc(incident->sign_count + 1, sizeof *incident->signs));
    for (size_t i = 0; i < incident->sign_count; i++) {
        sv_code_string(codec, &incident->signs[i].area);
        sv_code_int(codec, &incident->signs[i].sign);
    }
}

static void incident_visit(struct incident *incident, struct sv_codec *codec)
{
    sv_code_string(codec, &incident->id);
    sv_code_string(codec, &incident->hazard);
    sv_code_plan(codec, &incident->plan);
    sv_code_int(codec, &incident->city_level);
    sv_code_int(codec, &incident->county_level);
    sv_code_int(codec, &incident->level);
    sv_code_int(codec, &incident->city_colour);
    sv_code_int(codec, &incident->county_colour);
    sv_code_bool(codec, &incident->affected);
    signs_visit(incident, codec);
}

static void helpers_visit(struct order *order, struct sv_codec *codec)
{
    sv_code_count(codec, &order->helper_count);
    if (sv_codec_loading(codec) && order->helper_count > 0)
        order->helpers = must(calloc(order->helper_count, sizeof *order->helpers));
    for (size_t i = 0; i < order->helper_count; i++)
        sv_code_string(codec, &order->helpers[i]);
}

static void order_visit(struct order *order, struct sv_codec *codec)
{
    int state = (int)order->state, reached = (int)order->reached, late = (int)order->late;
    sv_code_string(codec, &order->id);
    sv_code_int(codec, &order->duty);
    sv_code_string(codec, &order->asker);
    helpers_visit(order, codec);
    sv_code_int(codec, &state);
    sv_code_int(codec, &reached);
    sv_code_bool(codec, &order->applies);
    sv_code_int(codec, &late);
    sv_code_bool(codec, &order->reminded);
    sv_code_i64(codec, &order->issued_at_us);
    sv_code_i64(codec, &order->delivered_at_us);
    sv_code_i64(codec, &order->problem_by_us);
    sv_code_i64(codec, &order->acknowledge_by_us);
    sv_code_i64(codec, &order->done_by_us);
    sv_code_i64(codec, &order->escalate_at_us);
    sv_code_i64(codec, &order->repeat_at_us);
    order->state = (enum order_state)state;
    order->reached = (enum order_state)reached;
    order->late = (enum order_late)late;
}

/* Does what was loaded fit the plan? A snapshot is checksummed, but not ours alone. */
static bool order_sound(const struct order *order)
{
    for (size_t i = 0; i < order->helper_count; i++) {
        if (!order->helpers[i])
            return false;
    }
    return order->id && duty_order_is_of(order->id, order->incident) && order->duty >= 0 &&
           (size_t)order->duty < order->incident->plan->duty_count && order->state > ORDER_NONE &&
           order->state < ORDER_STATES && order->reached > ORDER_NONE &&
           order->reached < ORDER_STATES && order->late >= NOT_LATE && order->late <= LATE_PROBLEM;
}

/* bound: an incident of a plan that is not there has no orders that make sense. */
static void orders_load(struct incident *incident, bool bound, struct sv_codec *codec)
{
    size_t count = 0;
    sv_code_count(codec, &count);
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        struct order *order = must(calloc(1, sizeof *order));
        order->incident = incident;
        order_visit(order, codec);
        if (!sv_codec_failed(codec) && bound && order_sound(order))
            order_link(order);
        else
            order_free(order);
    }
}

static void incidents_load(struct sv_core *core, struct sv_codec *codec)
{
    size_t count = 0;
    sv_code_count(codec, &count);
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        struct incident *incident = must(calloc(1, sizeof *incident));
        incident_visit(incident, codec);
        bool bound = !sv_codec_failed(codec) && incident_bind(core, incident);
        if (bound)
            incident_link(core, incident);
        orders_load(incident, bound, codec);
        if (!bound)
            incident_free(incident);
    }
}

static void incidents_save(struct sv_core *core, struct sv_codec *codec)
{
    size_t incident_count = HASH_COUNT(core->incidents);
    sv_code_count(codec, &incident_count);
    for (struct incident *incident = core->incidents; incident; incident = incident->hh.next) {
        incident_visit(incident, codec);
        size_t order_count = HASH_COUNT(incident->orders);
        sv_code_count(codec, &order_count);
        for (struct order *order = incident->orders; order; order = order->hh.next)
            order_visit(order, codec);
    }
}

void duty_state_visit(struct sv_core *core, struct sv_codec *codec)
{
    if (sv_codec_loading(codec))
        incidents_load(core, codec);
    else
        incidents_save(core, codec);
    sv_timers_visit(&core->timers, codec);
}
