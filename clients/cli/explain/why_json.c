/* An explanation as JSON: the messages as they are on the bus, and the reports they name. */
#include "why.h"

#include <string.h>

#include "picture/event_json.h"

/* Where and when it was said; null if it was not. */
static json_t *place_json(const struct why_said *said)
{
    char time[EVENT_TIME_SIZE];
    if (said->grade == NULL)
        return json_null();
    return json_pack("{s:I,s:s}", "sequence", (json_int_t)said->sequence, "time",
                     event_time(time, said->time_us));
}

static json_t *raised_json(const struct why_said *raised)
{
    json_t *object = place_json(raised);
    if (raised->grade != NULL)
        json_object_set_new(object, "grade", event_json_message(&raised->grade->base));
    return object;
}

static json_t *said_json(const struct why_said *said)
{
    json_t *object = place_json(said);
    if (said->grade == NULL)
        return object;
    json_object_set_new(object, "level", json_string(plan_level_name((int)said->grade->level)));
    json_object_set_new(object, "suggested",
                        json_string(plan_level_name((int)said->grade->suggested)));
    return object;
}

static json_t *report_json(const struct why *why, const struct why_input *input)
{
    const Liandong__V1__Incident *incident = input->incident;
    json_t *object = json_pack("{s:I,s:s,s:o}", "sequence", (json_int_t)input->sequence, "reporter",
                               incident->reporter, "reporter_name",
                               event_text(plan_unit_name(why->plan, incident->reporter)));
    json_object_set_new(object, "area_name",
                        event_text(plan_area_name(why->plan, incident->report->area)));
    json_object_set_new(object, "report", event_json_message(&incident->report->base));
    return object;
}

static json_t *input_json(const struct why *why, const struct why_input *input)
{
    if (input->incident != NULL)
        return report_json(why, input);
    return json_pack("{s:I,s:o}", "sequence", (json_int_t)input->sequence, "decision",
                     event_json_message(&input->decision->base));
}

static void add_inputs(json_t *inputs, const struct why *why, Liandong__V1__Criterion **all,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < all[i]->n_reports; k++) {
            char key[24];
            snprintf(key, sizeof key, "%llu", (unsigned long long)all[i]->reports[k]);
            const struct why_input *input = why_input_of(why, all[i]->reports[k]);
            if (input != NULL && json_object_get(inputs, key) == NULL)
                json_object_set_new(inputs, key, input_json(why, input));
        }
    }
}

/* All that criteria name, by sequence. */
static json_t *inputs_json(const struct why *why)
{
    json_t *inputs = json_object();
    const Liandong__V1__Grade *raised = why->world->raised.grade;
    add_inputs(inputs, why, why->grade.holding, why->grade.n_holding);
    add_inputs(inputs, why, why->warning.holding, why->warning.n_holding);
    if (raised != NULL)
        add_inputs(inputs, why, raised->holding, raised->n_holding);
    return inputs;
}

/* What command said of the warning, each with the act that it follows from. */
static json_t *steps_json(const struct why *why)
{
    json_t *steps = json_array();
    char time[EVENT_TIME_SIZE];
    for (size_t i = 0; i < why->world->step_count; i++) {
        const struct why_step *step = &why->world->steps[i];
        const Liandong__V1__Decision *act = why_act_of(why, step);
        json_array_append_new(
            steps, json_pack("{s:I,s:s,s:o,s:o,s:o}", "sequence", (json_int_t)step->sequence,
                             "time", event_time(time, step->time_us), "warning",
                             event_json_message(&step->warning->base), "act",
                             act != NULL ? event_json_message(&act->base) : json_null(), "figures",
                             step->figures != NULL ? event_json_message(&step->figures->base)
                                                   : json_null()));
    }
    return steps;
}

json_t *why_json(const struct why *why)
{
    char time[EVENT_TIME_SIZE];
    json_t *object =
        json_pack("{s:s,s:b,s:b,s:{s:I,s:s},s:{s:s,s:s,s:o}}", "incident", why->id, "exercise",
                  why->exercise, "closed", why->world->closed_at_us != 0, "at", "sequence",
                  (json_int_t)why->sequence, "time", event_time(time, why->time_us), "plan", "id",
                  why->plan->id, "hash", why->plan->hash, "title", event_text(why->plan->title));
    json_object_set_new(object, "grade", event_json_message(&why->grade.base));
    json_object_set_new(object, "warning", event_json_message(&why->warning.base));
    json_object_set_new(object, "warning_steps", steps_json(why));
    json_object_set_new(object, "raised", raised_json(&why->world->raised));
    json_object_set_new(object, "said", said_json(&why->world->said));
    json_object_set_new(object, "inputs", inputs_json(why));
    return object;
}
