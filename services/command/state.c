/*
 * command's state: incidents in a hash by id, responses and warnings of each in lists. All are
 * walked in order of appearance only, so that what is put out depends on the log alone. Strings are
 * owned by what holds them; plans are borrowed from the host and never go away.
 */
#include "command.h"

#include <stdlib.h>
#include <string.h>

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

void command_text_set(char **text, const char *value)
{
    char *copy = value ? must(strdup(value)) : NULL;
    free(*text);
    *text = copy;
}

struct incident *command_incident_find(const struct sv_core *core, const char *id)
{
    struct incident *incident = NULL;
    HASH_FIND_STR(core->incidents, id, incident);
    return incident;
}

static void incident_link(struct sv_core *core, struct incident *incident)
{
    HASH_ADD_KEYPTR(hh, core->incidents, incident->id, strlen(incident->id), incident);
}

struct incident *command_incident_add(struct sv_core *core, const char *id, const char *area,
                                      const char *hazard, const struct plan *plan)
{
    struct incident *incident = must(calloc(1, sizeof *incident));
    command_text_set(&incident->id, id);
    command_text_set(&incident->area, area);
    command_text_set(&incident->hazard, hazard);
    incident->plan = plan;
    incident_link(core, incident);
    return incident;
}

void command_incident_add_county(struct incident *incident, const char *code)
{
    for (size_t i = 0; i < incident->county_count; i++)
        if (strcmp(incident->counties[i], code) == 0)
            return;
    size_t size = (incident->county_count + 1) * sizeof *incident->counties;
    incident->counties = must(realloc(incident->counties, size));
    incident->counties[incident->county_count] = NULL;
    command_text_set(&incident->counties[incident->county_count++], code);
}

struct response *command_response_find(const struct response_list *list, const char *area)
{
    struct response *response = list->first;
    while (response && strcmp(response->area, area) != 0)
        response = response->next;
    return response;
}

static void response_link(struct response_list *list, struct response *response)
{
    if (list->last)
        list->last->next = response;
    else
        list->first = response;
    list->last = response;
}

struct response *command_response_add(struct response_list *list, const char *area)
{
    struct response *response = must(calloc(1, sizeof *response));
    command_text_set(&response->area, area);
    response_link(list, response);
    return response;
}

void command_plan_remember(struct sv_core *core, const struct plan *plan)
{
    for (size_t i = 0; i < core->adopted_count; i++)
        if (core->adopted[i] == plan)
            return;
    size_t size = (core->adopted_count + 1) * sizeof(struct plan *);
    core->adopted = must(realloc(core->adopted, size));
    core->adopted[core->adopted_count++] = plan;
}

bool command_unit_has_instance(const struct sv_core *core, const char *unit)
{
    for (size_t i = 0; i < core->adopted_count; i++)
        if (plan_find_member(core->adopted[i], unit) >= 0)
            return true;
    return false;
}

static void response_free(struct response *response)
{
    free(response->area);
    free(response->started_by);
    free(response->demanded_by);
    free(response->pending.decider);
    free(response->pending.persons);
    free(response);
}

static void responses_free(struct response_list *list)
{
    for (struct response *response = list->first, *next; response; response = next) {
        next = response->next;
        response_free(response);
    }
}

static void incident_free(struct incident *incident)
{
    responses_free(&incident->responses);
    responses_free(&incident->warnings);
    for (size_t i = 0; i < incident->county_count; i++)
        free(incident->counties[i]);
    free(incident->counties);
    free(incident->id);
    free(incident->area);
    free(incident->hazard);
    free(incident);
}

void command_state_free(struct sv_core *core)
{
    struct incident *incident, *next;
    HASH_ITER(hh, core->incidents, incident, next)
    {
        HASH_DEL(core->incidents, incident);
        incident_free(incident);
    }
    command_ahead_free(core);
    free(core->adopted);
    core->adopted = NULL;
    core->adopted_count = 0;
}

/* ---- saving and loading ---- */

static void response_visit(struct response *response, struct sv_codec *codec)
{
    int kind = (int)response->pending.kind;
    sv_code_string(codec, &response->area);
    sv_code_int(codec, &response->in_force);
    sv_code_i64(codec, &response->since_us);
    sv_code_string(codec, &response->started_by);
    sv_code_bool(codec, &response->ordered);
    sv_code_bool(codec, &response->follows);
    sv_code_int(codec, &response->demanded);
    sv_code_string(codec, &response->demanded_by);
    sv_code_int(codec, &kind);
    sv_code_int(codec, &response->pending.level);
    sv_code_int(codec, &response->pending.before);
    sv_code_u64(codec, &response->pending.done);
    sv_code_string(codec, &response->pending.decider);
    sv_code_string(codec, &response->pending.persons);
    response->pending.kind = (enum procedure_kind)kind;
}

static void responses_visit(struct response_list *list, struct sv_codec *codec)
{
    size_t count = 0;
    for (struct response *response = list->first; response; response = response->next)
        count++;
    sv_code_count(codec, &count);
    struct response *response = list->first;
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        if (sv_codec_loading(codec)) {
            response = must(calloc(1, sizeof *response));
            response_link(list, response);
        }
        response_visit(response, codec);
        response = response->next;
    }
}

static void incident_visit(struct incident *incident, struct sv_codec *codec)
{
    sv_code_string(codec, &incident->id);
    sv_code_string(codec, &incident->area);
    sv_code_string(codec, &incident->hazard);
    sv_code_plan(codec, &incident->plan);
    sv_code_int(codec, &incident->grade);
    sv_code_int(codec, &incident->colour);
    sv_code_bool(codec, &incident->closed);
    sv_code_count(codec, &incident->county_count);
    if (sv_codec_loading(codec))
        incident->counties = must(calloc(incident->county_count + 1, sizeof *incident->counties));
    for (size_t i = 0; i < incident->county_count; i++)
        sv_code_string(codec, &incident->counties[i]);
    responses_visit(&incident->responses, codec);
    responses_visit(&incident->warnings, codec);
}

static void incidents_load(struct sv_core *core, struct sv_codec *codec, size_t count)
{
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        struct incident *incident = must(calloc(1, sizeof *incident));
        incident_visit(incident, codec);
        if (sv_codec_failed(codec) || !incident->id)
            incident_free(incident);
        else
            incident_link(core, incident);
    }
}

static void adopted_visit(struct sv_core *core, struct sv_codec *codec)
{
    size_t count = core->adopted_count;
    sv_code_count(codec, &count);
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        const struct plan *plan = sv_codec_loading(codec) ? NULL : core->adopted[i];
        sv_code_plan(codec, &plan);
        if (sv_codec_loading(codec) && plan)
            command_plan_remember(core, plan);
    }
}

static void incidents_visit(struct sv_core *core, struct sv_codec *codec)
{
    size_t count = HASH_COUNT(core->incidents);
    sv_code_count(codec, &count);
    if (sv_codec_loading(codec)) {
        incidents_load(core, codec, count);
        return;
    }
    for (struct incident *incident = core->incidents; incident; incident = incident->hh.next)
        incident_visit(incident, codec);
}

void command_state_visit(struct sv_core *core, struct sv_codec *codec)
{
    adopted_visit(core, codec);
    incidents_visit(core, codec);
    command_ahead_visit(core, codec);
}
