/*
 * The runner. Happy path: fix the start, adopt the plan, then for each step in order of time:
 * advance, act, settle, check. The picture is fed with every record that the bus shows.
 *
 * Ways it fails: the plan cannot be read, the bus refuses or is lost (the run stops with the
 * reason); an expectation does not hold (counted, told, and the run goes on).
 */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act.h"
#include "check.h"
#include "timefmt.h"

static void count_derived(struct scenario_run *run, const struct picture_event *event)
{
    run->result->derived +=
        !sv_family_is_input(event->family) && event->family != SV_TICK && event->family != SV_OTHER;
}

/* The incident that expectations and decisions mean: the newest that this run has opened. */
static void follow_incident(struct scenario_run *run, const struct picture_event *event,
                            const struct ld_record *record)
{
    const Liandong__V1__Incident *message = (const void *)event->message;
    if (event->family == SV_INCIDENT && event->incident != NULL &&
        (record->flags & LD_RECORD_EXERCISE) != 0 &&
        message->action == LIANDONG__V1__INCIDENT__ACTION__OPENED)
        run->incident = event->incident;
}

static void take_record(const struct ld_record *record, void *data)
{
    struct scenario_run *run = data;
    struct picture_event event;
    picture_apply(&run->picture, record, &event);
    follow_incident(run, &event, record);
    count_derived(run, &event);
    if (run->options->record != NULL)
        run->options->record(record, &event, &run->picture, run->options->data);
}

/* ---- failures ---- */

static void fail(struct scenario_run *run, int line, const char *what, struct check *check)
{
    struct scenario_failure failure = {.line = line,
                                       .what = what,
                                       .expected = ld_buffer_string(&check->expected),
                                       .found = ld_buffer_string(&check->found)};
    run->result->failures++;
    if (run->options->failed != NULL)
        run->options->failed(&failure, run->options->data);
}

static const struct picture_incident *incident_meant(struct scenario_run *run, const char *id)
{
    return id != NULL ? picture_find(&run->picture, true, id) : run->incident;
}

static void check_one(struct scenario_run *run, struct check *check,
                      const struct scenario_expectation *expectation)
{
    check->incident = incident_meant(run, expectation->incident);
    run->result->expectations++;
    if (!check_expectation(check, expectation))
        fail(run, expectation->line, check_name(expectation->kind), check);
}

static bool expects_answers(const struct scenario_step *step)
{
    for (size_t i = 0; i < step->expect_count; i++)
        if (step->expect[i].kind == SCENARIO_REFUSED || step->expect[i].kind == SCENARIO_RECEIPTS)
            return true;
    return false;
}

static void check_step(struct scenario_run *run, const struct scenario_step *step)
{
    struct check check = {.picture = &run->picture,
                          .published = run->published,
                          .published_count = run->published_count};
    if (step->action != SCENARIO_RAW && !expects_answers(step) && !check_accepted(&check))
        fail(run, step->line, "answer", &check);
    if (run->nothing_to_do) {
        ld_buffer_clear(&check.expected);
        ld_buffer_clear(&check.found);
        ld_buffer_text(&check.expected, "an order that this reply fits");
        ld_buffer_text(&check.found, "none");
        fail(run, step->line, "reply", &check);
    }
    for (size_t i = 0; i < step->expect_count; i++)
        check_one(run, &check, &step->expect[i]);
    ld_buffer_free(&check.expected);
    ld_buffer_free(&check.found);
}

/* ---- steps ---- */

static int run_step(struct scenario_run *run, const struct scenario_step *step,
                    struct ld_error *error)
{
    struct scenario_bus *bus = run->options->bus;
    int64_t at_us = run->result->start_us + step->at_us;
    run->published_count = 0;
    run->nothing_to_do = false;
    int code = at_us > run->result->end_us ? bus->advance(bus->self, at_us, error) : LD_OK;
    if (code == LD_OK && at_us > run->result->end_us)
        run->result->end_us = at_us;
    if (code == LD_OK && run->options->stepping != NULL)
        run->options->stepping(step, at_us, run->options->data);
    if (code == LD_OK)
        code = act_step(run, step, error);
    if (code == LD_OK)
        code = bus->settle(bus->self, error);
    if (code == LD_OK)
        check_step(run, step);
    return code;
}

static int run_steps(struct scenario_run *run, struct ld_error *error)
{
    const struct scenario *scenario = run->scenario;
    for (size_t i = 0; i < scenario->step_count; i++) {
        const struct scenario_step *step = &scenario->steps[i];
        int code = run_step(run, step, error);
        if (code != LD_OK)
            return ld_wrap(error, code, "%s:%d", scenario->path, step->line);
        run->result->steps++;
        if (run->options->stepped != NULL)
            run->options->stepped(step, i, run->result->start_us + step->at_us, &run->picture,
                                  run->options->data);
    }
    return LD_OK;
}

/* ---- beginning ---- */

static int64_t start_of(const struct scenario_run *run)
{
    const struct scenario *scenario = run->scenario;
    if (run->options->start_us != 0)
        return run->options->start_us;
    if (!scenario->start_is_relative)
        return scenario->start_us;
    return ld_china_midnight(ld_wall_us(run->options->context)) + scenario->start_us;
}

static int begin(struct scenario_run *run, struct ld_error *error)
{
    struct scenario_bus *bus = run->options->bus;
    bool may_move = run->scenario->start_is_relative && run->options->start_us == 0;
    run->result->start_us = start_of(run);
    int code = bus->start(bus->self, &run->result->start_us, may_move, take_record, run, error);
    if (code != LD_OK)
        return code;
    run->result->end_us = run->result->start_us;
    if (run->scenario->plan == NULL)
        return LD_OK;
    const struct scenario_step adopt = {.line = 1,
                                        .action = SCENARIO_ADOPT,
                                        .note = {"", ""},
                                        .author = "operator",
                                        .plan_from_run = true};
    return run_step(run, &adopt, error);
}

int scenario_run(const struct scenario *scenario, const struct scenario_options *options,
                 struct scenario_result *result, struct ld_error *error)
{
    *result = (struct scenario_result){0};
    struct scenario_run run = {.scenario = scenario, .options = options, .result = result};
    picture_init(&run.picture);
    int code = begin(&run, error);
    if (code == LD_OK)
        code = run_steps(&run, error);
    free(run.published);
    free(run.said);
    ld_arena_free(&run.arena);
    picture_free(&run.picture);
    return code;
}
