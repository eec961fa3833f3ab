/*
 * Clocks: the plan's time limits as events.
 *
 *                 due passes                    waiting: a daily clock before its day begins
 *   waiting ─> running ───────> missed          met: by a report of a unit that owes it, by the
 *                 │ report        │ report      means that the plan wants, also late
 *                 └────> met <────┘             cancelled: the level no longer asks for it, the
 *                                               response ended or the incident closed
 *
 * Clocks from receipt or onset belong to the grade: when it reaches their level, they start for the
 * county of the report that raised it, back at that report's own time; a county whose first report
 * comes later starts then. A clock runs once for each incident and area. Clocks from the response
 * start when it is in force at their level; daily ones run each local day while it is. Clocks from
 * the end of the response start when it has ended everywhere, outlive the closing of the incident,
 * and are cancelled if a response comes again. If a clock names {county} among those who owe it, it
 * runs for each affected county, else for the city; a report by any of the units that owe it meets
 * it, unless each owes it for itself: then it runs for each of them.
 */
#include "reporting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "timefmt.h"
#include "liandong/v1/common.pb-c.h"

enum { TIMER_WARN, TIMER_DUE, TIMER_DAY };

/* ---- telling ---- */

static const struct plan_clock *clock_of(const struct sv_core *core, const struct run *run)
{
    return &core->incidents[run->incident].plan->clocks[run->clock];
}

/* "{county}.gov" in county 330302 is 330302.gov. */
static const char *in_county(struct sv_outputs *out, const char *unit, const char *county)
{
    static const char pattern[] = "{county}";
    const char *place = strstr(unit, pattern);
    if (!place)
        return unit;
    return ld_arena_format(sv_arena(out), "%.*s%s%s", (int)(place - unit), unit, county,
                           place + sizeof pattern - 1);
}

/* Who owes it for itself; else the first unit that does. */
static const char *responsible(const struct sv_core *core, struct sv_outputs *out,
                               const struct run *run)
{
    const struct plan_clock *clock = clock_of(core, run);
    if (run->unit != NOTHING)
        return word_text(core, run->unit);
    return clock->by_count > 0 ? in_county(out, clock->by[0], word_text(core, run->area)) : "";
}

static void tell(const struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                 const struct run *run, Liandong__V1__Clock__State state, int64_t met_us)
{
    const struct incident *incident = &core->incidents[run->incident];
    const struct plan_clock *clock = clock_of(core, run);
    Liandong__V1__Clock message = LIANDONG__V1__CLOCK__INIT;
    message.context = sv_context(out, event, incident->id, incident->plan);
    message.clock = sv_borrow(clock->id);
    message.state = state;
    message.responsible = sv_borrow(responsible(core, out, run));
    message.section = sv_borrow(clock->section);
    message.text = sv_text_of(out, clock->text);
    message.started_at_us = run->started_us;
    message.due_at_us = run->due_us;
    message.met_at_us = met_us;
    if (met_us > run->due_us)
        message.late_us = met_us - run->due_us;
    if (state == LIANDONG__V1__CLOCK__STATE__MISSED)
        message.late_us = event->record->time_us - run->due_us;
    sv_emit(out, &message.base, "clock/%s/%s/%s", word_text(core, run->area), incident->id,
            clock->id);
}

/* ---- runs ---- */

static bool per_county(const struct plan_clock *clock)
{
    static const char pattern[] = "{county}."; /* the area of a unit, if it is there */
    for (size_t i = 0; i < clock->by_count; i++) {
        if (strncmp(clock->by[i], pattern, sizeof pattern - 1) == 0)
            return true;
    }
    return false;
}

static struct run *find_run(struct sv_core *core, const struct incident *incident, size_t clock,
                            size_t area, size_t unit)
{
    for (size_t i = 0; i < incident->run_count; i++) {
        struct run *run = &core->runs[incident->runs[i]];
        if (run->clock == clock && run->area == area && run->unit == unit)
            return run;
    }
    return NULL;
}

static bool has_run(const struct sv_core *core, const struct incident *incident, size_t clock,
                    size_t area)
{
    for (size_t i = 0; i < incident->run_count; i++) {
        const struct run *run = &core->runs[incident->runs[i]];
        if (run->clock == clock && run->area == area)
            return true;
    }
    return false;
}

/* ---- who owes ---- */

struct debtors { /* words of units; one NOTHING: any of the clock's */
    size_t *all;
    size_t count;
};

static void add_debtor(struct debtors *debtors, size_t unit)
{
    for (size_t i = 0; i < debtors->count; i++) {
        if (debtors->all[i] == unit)
            return;
    }
    debtors->all[debtors->count++] = unit;
}

static void add_matching(struct sv_core *core, struct debtors *debtors, const struct plan *plan,
                         const char *pattern)
{
    for (size_t unit = 0; unit < plan->unit_count; unit++) {
        if (plan_unit_in(plan, plan->units[unit].id, &pattern, 1, NULL))
            add_debtor(debtors, word_of(core, plan->units[unit].id));
    }
}

/* In the order in which the plan names them. */
static struct debtors debtors_of(struct sv_core *core, struct sv_outputs *out,
                                 const struct plan *plan, const struct plan_clock *clock,
                                 size_t area)
{
    size_t room = clock->each ? plan->unit_count : 1;
    struct debtors debtors = {.all = ld_arena_alloc(sv_arena(out), room * sizeof(size_t))};
    if (!clock->each)
        add_debtor(&debtors, NOTHING);
    for (size_t i = 0; clock->each && i < clock->by_count; i++) {
        const char *unit = in_county(out, clock->by[i], word_text(core, area));
        if (strchr(unit, '*'))
            add_matching(core, &debtors, plan, unit);
        else if (plan_find_unit(plan, unit) >= 0)
            add_debtor(&debtors, word_of(core, unit));
    }
    return debtors;
}

/* ---- starting and stopping ---- */

static struct run *add_run(struct sv_core *core, struct run run)
{
    struct incident *incident = &core->incidents[run.incident];
    size_t size = (incident->run_count + 1) * sizeof *incident->runs;
    size_t *runs = realloc(incident->runs, size);
    if (!runs)
        abort();
    incident->runs = runs;
    runs[incident->run_count++] = core->run_count;
    core->runs =
        reporting_room(core->runs, &core->run_capacity, core->run_count + 1, sizeof *core->runs);
    core->runs[core->run_count] = run;
    return &core->runs[core->run_count++];
}

static void set_timer(struct sv_core *core, const struct run *run, int64_t due_us, int what)
{
    char key[24];
    snprintf(key, sizeof key, "%zu", (size_t)(run - core->runs));
    sv_timers_set(&core->timers, due_us, key, what);
}

static int64_t warn_us(const struct sv_core *core, const struct run *run)
{
    return run->due_us - clock_of(core, run)->warn_before_us;
}

static void start(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                  struct run *run)
{
    run->state = RUN_RUNNING;
    tell(core, event, out, run, LIANDONG__V1__CLOCK__STATE__STARTED, 0);
    if (clock_of(core, run)->warn_before_us > 0)
        set_timer(core, run, warn_us(core, run), TIMER_WARN);
    set_timer(core, run, run->due_us, TIMER_DUE);
}

static void cancel(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                   struct run *run)
{
    if (run->state == RUN_RUNNING)
        tell(core, event, out, run, LIANDONG__V1__CLOCK__STATE__CANCELLED, 0);
    run->state = RUN_CANCELLED;
    run->next_day_us = 0;
}

/* ---- meeting ---- */

static bool is_right(enum plan_clock_met met_by, const struct filed *filed)
{
    switch (met_by) {
    case PLAN_MET_WRITTEN:
        return filed->means == LIANDONG__V1__REPORT__MEANS__WRITTEN;
    case PLAN_MET_TELEPHONE: /* a written report or the reporting network does as well */
        return filed->means != LIANDONG__V1__REPORT__MEANS__MEANS_UNSPECIFIED;
    case PLAN_MET_FINAL:
        return filed->kind == LIANDONG__V1__REPORT__KIND__FINAL;
    default:
        return true;
    }
}

static bool meets(const struct sv_core *core, const struct run *run, const struct filed *filed)
{
    const struct incident *incident = &core->incidents[run->incident];
    const struct plan_clock *clock = clock_of(core, run);
    bool in_county = per_county(clock);
    if (filed->incident != run->incident || (in_county && filed->area != run->area))
        return false;
    if (run->unit != NOTHING && run->unit != filed->reporter)
        return false;
    return is_right(clock->met_by, filed) &&
           plan_unit_in(incident->plan, word_text(core, filed->reporter), clock->by,
                        clock->by_count, in_county ? word_text(core, run->area) : NULL);
}

static void meet(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                 struct run *run, const struct filed *filed)
{
    if (run->state != RUN_RUNNING && run->state != RUN_MISSED)
        return;
    if (!meets(core, run, filed))
        return;
    run->state = RUN_MET;
    tell(core, event, out, run, LIANDONG__V1__CLOCK__STATE__MET, filed->time_us);
}

/* A clock that starts back in time may have been met by any report made since, also one before the
 * report (number) that started it. */
static void meet_since_start(struct sv_core *core, const struct sv_event *event,
                             struct sv_outputs *out, struct run *run, size_t number)
{
    while (number > 0 && core->filed[number - 1].time_us >= run->started_us)
        number--;
    for (; number < core->reports.count && run->state == RUN_RUNNING; number++)
        meet(core, event, out, run, &core->filed[number]);
}

/* ---- clocks of the grade ---- */

static bool asks(const struct plan_clock *clock, int level)
{
    return level != PLAN_NONE && (clock->levels & (1u << level)) != 0;
}

static bool of_grade(const struct plan_clock *clock)
{
    return clock->starts == PLAN_FROM_RECEIVED || clock->starts == PLAN_FROM_OCCURRED;
}

static size_t area_for(struct sv_core *core, const struct incident *incident,
                       const struct plan_clock *clock, size_t report_area)
{
    return per_county(clock) ? report_area : word_of(core, incident->plan->area);
}

static void start_for_unit(struct sv_core *core, const struct sv_event *event,
                           struct sv_outputs *out, size_t clock_index, size_t number, size_t area,
                           size_t unit)
{
    const struct filed *filed = &core->filed[number];
    const struct incident *incident = &core->incidents[filed->incident];
    const struct plan_clock *clock = &incident->plan->clocks[clock_index];
    int64_t from_us = clock->starts == PLAN_FROM_RECEIVED ? filed->received_us : filed->occurred_us;
    struct run *run = add_run(core, (struct run){.incident = filed->incident,
                                                 .clock = clock_index,
                                                 .area = area,
                                                 .unit = unit,
                                                 .started_us = from_us,
                                                 .due_us = from_us + clock->within_us});
    start(core, event, out, run);
    meet_since_start(core, event, out, run, number);
}

static void start_for_report(struct sv_core *core, const struct sv_event *event,
                             struct sv_outputs *out, size_t clock_index, size_t number)
{
    const struct filed *filed = &core->filed[number];
    const struct incident *incident = &core->incidents[filed->incident];
    const struct plan_clock *clock = &incident->plan->clocks[clock_index];
    size_t area = area_for(core, incident, clock, filed->area);
    if (has_run(core, incident, clock_index, area)) /* it started for all that owe it */
        return;
    struct debtors debtors = debtors_of(core, out, incident->plan, clock, area);
    for (size_t i = 0; i < debtors.count; i++)
        start_for_unit(core, event, out, clock_index, number, area, debtors.all[i]);
}

static void start_for_level(struct sv_core *core, const struct sv_event *event,
                            struct sv_outputs *out, size_t number)
{
    const struct incident *incident = &core->incidents[core->filed[number].incident];
    for (size_t i = 0; i < incident->plan->clock_count; i++) {
        const struct plan_clock *clock = &incident->plan->clocks[i];
        if (of_grade(clock) && asks(clock, incident->level))
            start_for_report(core, event, out, i, number);
    }
}

void clocks_level(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                  size_t incident_index, size_t number)
{
    const struct incident *incident = &core->incidents[incident_index];
    for (size_t i = 0; i < incident->run_count; i++) {
        struct run *run = &core->runs[incident->runs[i]];
        const struct plan_clock *clock = clock_of(core, run);
        if (run->state == RUN_RUNNING && of_grade(clock) && !asks(clock, incident->level))
            cancel(core, event, out, run);
    }
    if (number != NOTHING)
        start_for_level(core, event, out, number);
}

/* ---- clocks of the response ---- */

int clocks_response_level(const struct incident *incident)
{
    int gravest = PLAN_NONE;
    for (size_t i = 0; i < incident->response_count; i++) {
        if (plan_level_reaches(incident->responses[i].level, gravest))
            gravest = incident->responses[i].level;
    }
    return gravest;
}

static int64_t local_midnight(int64_t time_us)
{
    int64_t offset_us = LD_CHINA_OFFSET_MINUTES * LD_US_MINUTE;
    int64_t local_us = time_us + offset_us;
    return local_us - local_us % LD_US_DAY - offset_us;
}

/* The day that begins at midnight or, on the first, now. */
static void begin_day(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                      struct run *run)
{
    int64_t now_us = event->record->time_us;
    int64_t midnight_us = local_midnight(now_us);
    run->next_day_us = midnight_us + LD_US_DAY;
    set_timer(core, run, run->next_day_us, TIMER_DAY);
    run->started_us = now_us;
    run->due_us = midnight_us + clock_of(core, run)->at_minute * LD_US_MINUTE;
    if (run->due_us > now_us)
        start(core, event, out, run);
    else
        run->state = RUN_WAITING;
}

/* What was owed at the end of one response is owed again at the end of the next. */
static bool may_start(const struct plan_clock *clock, const struct run *run)
{
    return !run || run->state == RUN_CANCELLED ||
           (clock->starts == PLAN_FROM_END && run->state != RUN_RUNNING);
}

static void start_run(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                      struct run wanted)
{
    const struct incident *incident = &core->incidents[wanted.incident];
    const struct plan_clock *clock = &incident->plan->clocks[wanted.clock];
    struct run *run = find_run(core, incident, wanted.clock, wanted.area, wanted.unit);
    if (!may_start(clock, run))
        return;
    if (!run)
        run = add_run(core, wanted);
    if (clock->starts == PLAN_DAILY) {
        begin_day(core, event, out, run);
        return;
    }
    run->started_us = event->record->time_us;
    run->due_us = run->started_us + clock->within_us;
    start(core, event, out, run);
}

static void start_in_area(struct sv_core *core, const struct sv_event *event,
                          struct sv_outputs *out, size_t incident_index, size_t clock_index,
                          size_t area)
{
    const struct plan *plan = core->incidents[incident_index].plan;
    struct debtors debtors = debtors_of(core, out, plan, &plan->clocks[clock_index], area);
    for (size_t i = 0; i < debtors.count; i++)
        start_run(core, event, out,
                  (struct run){.incident = incident_index,
                               .clock = clock_index,
                               .area = area,
                               .unit = debtors.all[i],
                               .state = RUN_WAITING});
}

static void start_clock(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                        size_t incident_index, size_t clock_index)
{
    const struct incident *incident = &core->incidents[incident_index];
    const struct plan_clock *clock = &incident->plan->clocks[clock_index];
    if (!per_county(clock)) {
        size_t city = word_of(core, incident->plan->area);
        start_in_area(core, event, out, incident_index, clock_index, city);
        return;
    }
    for (size_t i = 0; i < incident->county_count; i++)
        start_in_area(core, event, out, incident_index, clock_index, incident->counties[i]);
}

static void cancel_clock(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                         const struct incident *incident, size_t clock)
{
    for (size_t i = 0; i < incident->run_count; i++) {
        struct run *run = &core->runs[incident->runs[i]];
        if (run->clock == clock && run->state != RUN_CANCELLED)
            cancel(core, event, out, run);
    }
}

void clocks_response(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                     size_t incident_index)
{
    const struct incident *incident = &core->incidents[incident_index];
    int level = clocks_response_level(incident);
    for (size_t i = 0; i < incident->plan->clock_count; i++) {
        const struct plan_clock *clock = &incident->plan->clocks[i];
        if (of_grade(clock) || (clock->starts == PLAN_FROM_END && level == PLAN_NONE))
            continue;
        if (clock->starts != PLAN_FROM_END && asks(clock, level))
            start_clock(core, event, out, incident_index, i);
        else
            cancel_clock(core, event, out, incident, i);
    }
}

/* ---- clocks of the end ---- */

/* A final report that still stands when the response ends leaves nothing owed by who made it. */
static void meet_by_standing(struct sv_core *core, const struct sv_event *event,
                             struct sv_outputs *out, const struct incident *incident)
{
    for (size_t number = 0; incident->final && number < core->reports.count; number++) {
        if (core->filed[number].sequence < incident->final_sequence)
            continue;
        for (size_t i = 0; i < incident->run_count; i++) {
            struct run *run = &core->runs[incident->runs[i]];
            if (clock_of(core, run)->starts == PLAN_FROM_END)
                meet(core, event, out, run, &core->filed[number]);
        }
    }
}

void clocks_ended(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                  size_t incident_index, int before)
{
    const struct plan *plan = core->incidents[incident_index].plan;
    for (size_t i = 0; i < plan->clock_count; i++) {
        if (plan->clocks[i].starts == PLAN_FROM_END && asks(&plan->clocks[i], before))
            start_clock(core, event, out, incident_index, i);
    }
    meet_by_standing(core, event, out, &core->incidents[incident_index]);
}

bool clocks_wait_for(struct sv_core *core, size_t incident_index, const char *unit,
                     const char *area)
{
    const struct incident *incident = &core->incidents[incident_index];
    struct filed filed = {.incident = incident_index,
                          .area = word_of(core, area),
                          .reporter = word_of(core, unit),
                          .means = LIANDONG__V1__REPORT__MEANS__WRITTEN,
                          .kind = LIANDONG__V1__REPORT__KIND__FINAL};
    for (size_t i = 0; i < incident->run_count; i++) {
        const struct run *run = &core->runs[incident->runs[i]];
        bool open = run->state == RUN_RUNNING || run->state == RUN_MISSED;
        if (open && clock_of(core, run)->starts == PLAN_FROM_END && meets(core, run, &filed))
            return true;
    }
    return false;
}

void clocks_afterwards(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                       size_t number)
{
    const struct incident *incident = &core->incidents[core->filed[number].incident];
    for (size_t i = 0; i < incident->run_count; i++) {
        struct run *run = &core->runs[incident->runs[i]];
        if (clock_of(core, run)->starts == PLAN_FROM_END)
            meet(core, event, out, run, &core->filed[number]);
    }
}

/* ---- events ---- */

void clocks_report(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                   size_t number)
{
    size_t incident_index = core->filed[number].incident;
    const struct incident *incident = &core->incidents[incident_index];
    if (clocks_response_level(incident) != PLAN_NONE)
        clocks_response(core, event, out, incident_index); /* a new county owes its own */
    for (size_t i = 0; i < incident->run_count; i++)
        meet(core, event, out, &core->runs[incident->runs[i]], &core->filed[number]);
    start_for_level(core, event, out, number);
}

void clocks_close(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                  size_t incident_index)
{
    const struct incident *incident = &core->incidents[incident_index];
    for (size_t i = 0; i < incident->run_count; i++) {
        struct run *run = &core->runs[incident->runs[i]];
        if (clock_of(core, run)->starts != PLAN_FROM_END)
            cancel(core, event, out, run);
    }
}

static void fire(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                 struct run *run, const struct sv_timer *timer)
{
    bool running = run->state == RUN_RUNNING;
    if (timer->what == TIMER_WARN && running && timer->due_us == warn_us(core, run))
        tell(core, event, out, run, LIANDONG__V1__CLOCK__STATE__WARNED, 0);
    if (timer->what == TIMER_DUE && running && timer->due_us == run->due_us) {
        run->state = RUN_MISSED;
        tell(core, event, out, run, LIANDONG__V1__CLOCK__STATE__MISSED, 0);
    }
    if (timer->what == TIMER_DAY && timer->due_us == run->next_day_us)
        begin_day(core, event, out, run);
}

void clocks_fire(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    struct sv_timer timer;
    while (sv_timers_pop(&core->timers, event->record->time_us, &timer)) {
        size_t number = (size_t)strtoul(timer.key, NULL, 10);
        if (number < core->run_count)
            fire(core, event, out, &core->runs[number], &timer);
        free(timer.key);
    }
}
