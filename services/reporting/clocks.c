/*
 * Clocks: the plan's time limits as events.
 *
 *                 due passes                    waiting: a daily clock before its day begins
 *   waiting ─> running ───────> missed          met: by a report or bulletin of a unit that owes
 *                 │ report        │ report      it, by the means that the plan wants, also late
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
 *
 * A rhythm runs round after round while the response is at its levels: a bulletin of its kind in a
 * round meets it, and the next round starts when the time is over. One that is missed stays so,
 * and is missed again with each round, until a bulletin makes it good, late; the round that is
 * then under way still asks for one of its own. What comes round says since when it hears nothing.
 */
#include "runs.h"

#include "timefmt.h"
#include <stdlib.h>
#include <string.h>

/* ---- meeting ---- */

static bool is_right(enum plan_clock_met met_by, const struct filed *filed)
{
    switch (met_by) {
    case PLAN_MET_WRITTEN:
        return filed->means == LIANDONG__V1__REPORT__MEANS__WRITTEN;
    case PLAN_MET_TELEPHONE: /* a written report or the reporting network does as
                                well */
        return filed->means != LIANDONG__V1__REPORT__MEANS__MEANS_UNSPECIFIED;
    case PLAN_MET_FINAL:
    case PLAN_MET_AFTERCARE:
        return filed->kind == LIANDONG__V1__REPORT__KIND__FINAL;
    default:
        return met_by <= PLAN_MET_ZERO; /* a rhythm waits for bulletins */
    }
}

static bool meets(const struct sv_core *core, const struct run *run, const struct filed *filed)
{
    const struct incident *incident = &core->incidents[run->incident];
    const struct plan_clock *clock = run_clock(core, run);
    bool in_county = run_per_county(clock);
    if (filed->incident != run->incident || (in_county && filed->area != run->area))
        return false;
    if (run->unit != NOTHING && run->unit != filed->reporter)
        return false;
    return is_right(clock->met_by, filed) &&
           plan_unit_in(incident->plan, word_text(core, filed->reporter), clock->by,
                        clock->by_count, in_county ? word_text(core, run->area) : NULL);
}

/* The next round of a rhythm: from where the one before ended, however late that was met. */
static void next_round(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                       struct run *run)
{
    run->started_us = run->due_us;
    run->due_us += run_clock(core, run)->within_us;
    run->next_us = 0;
    run_start(core, event, out, run);
}

/* What the run waits for has come. */
static void settle(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                   struct run *run, int64_t met_us)
{
    bool missed = run->state == RUN_MISSED;
    run->heard_us = met_us;
    run->missed = 0;
    if (run->state != RUN_RUNNING && !missed)
        return;
    run->state = RUN_MET;
    run_tell(core, event, out, run, LIANDONG__V1__CLOCK__STATE__MET, met_us);
    if (missed && run_clock(core, run)->starts == PLAN_EVERY)
        next_round(core, event, out, run);
}

static void meet(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                 struct run *run, const struct filed *filed)
{
    if (run->state != RUN_CANCELLED && meets(core, run, filed))
        settle(core, event, out, run, filed->time_us);
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
    return run_per_county(clock) ? report_area : word_of(core, incident->plan->area);
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

static void start_for_unit(struct sv_core *core, const struct sv_event *event,
                           struct sv_outputs *out, size_t clock_index, size_t number, size_t area,
                           size_t unit)
{
    const struct filed *filed = &core->filed[number];
    const struct incident *incident = &core->incidents[filed->incident];
    const struct plan_clock *clock = &incident->plan->clocks[clock_index];
    int64_t from_us = clock->starts == PLAN_FROM_RECEIVED ? filed->received_us : filed->occurred_us;
    struct run *run = run_add(core, (struct run){.incident = filed->incident,
                                                 .clock = clock_index,
                                                 .area = area,
                                                 .unit = unit,
                                                 .started_us = from_us,
                                                 .due_us = from_us + clock->within_us});
    run_start(core, event, out, run);
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
    struct debtors debtors = run_debtors(core, out, incident->plan, clock, area);
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
        const struct plan_clock *clock = run_clock(core, run);
        if (run->state == RUN_RUNNING && of_grade(clock) && !asks(clock, incident->level))
            run_cancel(core, event, out, run);
    }
    if (number != NOTHING)
        start_for_level(core, event, out, number);
}

/* ---- clocks of the response ---- */

int clocks_response_level(const struct incident *incident)
{
    int gravest = PLAN_NONE;
    for (size_t i = 0; i < incident->response_count; i++) {
        gravest = plan_level_graver(incident->responses[i].level, gravest);
    }
    return gravest;
}

/* The day that begins at midnight or, on the first, now. */
static void begin_day(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                      struct run *run)
{
    int64_t now_us = event->record->time_us;
    int64_t midnight_us = ld_china_midnight(now_us);
    run->next_us = midnight_us + LD_US_DAY;
    run_timer(core, run, run->next_us, TIMER_NEXT);
    run->started_us = now_us;
    run->due_us = midnight_us + run_clock(core, run)->at_minute * LD_US_MINUTE;
    if (run->due_us > now_us)
        run_start(core, event, out, run);
    else
        run->state = RUN_WAITING;
}

/* What was owed at the end of one response is owed again at the end of the next. */
static bool may_start(const struct plan_clock *clock, const struct run *run)
{
    return !run || run->state == RUN_CANCELLED ||
           (clock->starts == PLAN_FROM_END && run->state != RUN_RUNNING);
}

/* By a clock of the same name at another level, or a report before the level asked for it. */
static int64_t last_heard(const struct sv_core *core, const struct run *run, int64_t now_us)
{
    const struct incident *incident = &core->incidents[run->incident];
    int64_t heard_us = run->heard_us;
    for (size_t i = 0; i < incident->run_count; i++) {
        const struct run *other = &core->runs[incident->runs[i]];
        if (other->area == run->area && other->unit == run->unit && other->heard_us > heard_us &&
            strcmp(run_clock(core, other)->id, run_clock(core, run)->id) == 0)
            heard_us = other->heard_us;
    }
    bool by_report = run_clock(core, run)->starts == PLAN_DAILY;
    for (size_t i = by_report ? core->reports.count : 0;
         i > 0 && core->filed[i - 1].time_us > heard_us; i--) {
        if (meets(core, run, &core->filed[i - 1]))
            return core->filed[i - 1].time_us;
        if (core->filed[i - 1].time_us < incident->opened_us)
            break;
    }
    return heard_us ? heard_us : now_us;
}

static void start_run(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                      struct run wanted)
{
    const struct incident *incident = &core->incidents[wanted.incident];
    const struct plan_clock *clock = &incident->plan->clocks[wanted.clock];
    struct run *run = run_find(core, incident, wanted.clock, wanted.area, wanted.unit);
    if (!may_start(clock, run))
        return;
    if (!run)
        run = run_add(core, wanted);
    run->heard_us = last_heard(core, run, event->record->time_us);
    if (clock->starts == PLAN_DAILY) {
        begin_day(core, event, out, run);
        return;
    }
    run->started_us = event->record->time_us;
    run->due_us = run->started_us + clock->within_us;
    run_start(core, event, out, run);
}

static void start_in_area(struct sv_core *core, const struct sv_event *event,
                          struct sv_outputs *out, size_t incident_index, size_t clock_index,
                          size_t area)
{
    const struct plan *plan = core->incidents[incident_index].plan;
    struct debtors debtors = run_debtors(core, out, plan, &plan->clocks[clock_index], area);
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
    if (!run_per_county(clock)) {
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
            run_cancel(core, event, out, run);
    }
}

/* Does the level in force decide whether it runs? Clocks of the end run only without one. */
static bool of_response(const struct plan_clock *clock, int level)
{
    return !of_grade(clock) && (clock->starts != PLAN_FROM_END || level != PLAN_NONE);
}

static bool wanted(const struct plan_clock *clock, int level)
{
    return !of_grade(clock) && clock->starts != PLAN_FROM_END && asks(clock, level);
}

void clocks_response(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                     size_t incident_index)
{
    const struct incident *incident = &core->incidents[incident_index];
    int level = clocks_response_level(incident);
    for (size_t i = 0; i < incident->plan->clock_count; i++) {
        if (of_response(&incident->plan->clocks[i], level) &&
            !wanted(&incident->plan->clocks[i], level))
            cancel_clock(core, event, out, incident, i);
    }
    for (size_t i = 0; i < incident->plan->clock_count; i++) {
        if (wanted(&incident->plan->clocks[i], level))
            start_clock(core, event, out, incident_index, i);
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
            const struct plan_clock *clock = run_clock(core, run);
            if (clock->starts == PLAN_FROM_END && clock->met_by != PLAN_MET_AFTERCARE)
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
        if (open && run_clock(core, run)->starts == PLAN_FROM_END && meets(core, run, &filed))
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
        if (run_clock(core, run)->starts == PLAN_FROM_END)
            meet(core, event, out, run, &core->filed[number]);
    }
}

/* ---- bulletins ---- */

static enum plan_clock_met met_by_kind(Liandong__V1__Bulletin__Kind kind)
{
    switch (kind) {
    case LIANDONG__V1__BULLETIN__KIND__PRESS:
        return PLAN_MET_PRESS;
    case LIANDONG__V1__BULLETIN__KIND__ASSESSMENT:
        return PLAN_MET_ASSESSMENT;
    case LIANDONG__V1__BULLETIN__KIND__MAP:
        return PLAN_MET_MAP;
    case LIANDONG__V1__BULLETIN__KIND__MEETING:
        return PLAN_MET_MEETING;
    case LIANDONG__V1__BULLETIN__KIND__DAILY:
        return PLAN_MET_ZERO;
    default:
        return PLAN_MET_AFTERCARE;
    }
}

/* What is said of the city is said of each of its counties. */
static bool answers(const struct sv_core *core, const struct run *run, const struct notice *notice)
{
    const struct plan_clock *clock = run_clock(core, run);
    const char *area = word_text(core, run->area), *entry = notice->bulletin->entry;
    if (strcmp(notice->area, area) != 0 && strcmp(notice->area, notice->plan->area) != 0)
        return false;
    if (run->unit != NOTHING && strcmp(word_text(core, run->unit), notice->unit) != 0)
        return false;
    bool right = clock->starts == PLAN_FROM_END
                     ? strcmp(entry, clock->id) == 0
                     : clock->met_by == met_by_kind(notice->bulletin->kind);
    return right && plan_unit_in(notice->plan, notice->unit, clock->by, clock->by_count,
                                 run_per_county(clock) ? area : NULL);
}

void clocks_bulletin(const struct notice *notice)
{
    struct sv_core *core = notice->core;
    const struct incident *incident = &core->incidents[notice->incident];
    for (size_t i = 0; i < incident->run_count; i++) {
        struct run *run = &core->runs[incident->runs[i]];
        if (run->state != RUN_CANCELLED && answers(core, run, notice))
            settle(core, notice->event, notice->out, run, notice->event->record->time_us);
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
        if (run_clock(core, run)->starts != PLAN_FROM_END)
            run_cancel(core, event, out, run);
    }
}

static void miss(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                 struct run *run)
{
    run->state = RUN_MISSED;
    run->missed++;
    run_tell(core, event, out, run, LIANDONG__V1__CLOCK__STATE__MISSED, 0);
    if (run_clock(core, run)->starts != PLAN_EVERY)
        return;
    run->next_us = run->due_us + run_clock(core, run)->within_us;
    run_timer(core, run, run->next_us, TIMER_NEXT);
}

static void end(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                struct run *run)
{
    if (run->state == RUN_RUNNING)
        miss(core, event, out, run);
    else if (run->state == RUN_MET && run_clock(core, run)->starts == PLAN_EVERY)
        next_round(core, event, out, run);
}

/* The next day begins; or a round has passed in which not even the one before was made good. */
static void next(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                 struct run *run)
{
    if (run_clock(core, run)->starts == PLAN_DAILY) {
        begin_day(core, event, out, run);
        return;
    }
    run->started_us = run->due_us;
    run->due_us = run->next_us;
    miss(core, event, out, run);
}

static void fire(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                 struct run *run, const struct sv_timer *timer)
{
    if (timer->what == TIMER_WARN && run->state == RUN_RUNNING &&
        timer->due_us == run_warn_us(core, run))
        run_tell(core, event, out, run, LIANDONG__V1__CLOCK__STATE__WARNED, 0);
    if (timer->what == TIMER_DUE && timer->due_us == run->due_us)
        end(core, event, out, run);
    if (timer->what == TIMER_NEXT && timer->due_us == run->next_us)
        next(core, event, out, run);
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
