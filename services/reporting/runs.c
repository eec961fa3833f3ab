/*
 * Runs: one clock of the plan for one incident and area and, maybe, unit. Telling what becomes of
 * it, finding and adding it, starting and cancelling it, and who owes what it asks for. When each
 * of these happens is for clocks.c to say.
 */
#include "runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- telling ---- */

const struct plan_clock *run_clock(const struct sv_core *core, const struct run *run)
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

/* Who owes it for itself; else the first unit that does, of a county's clock its own. */
static const char *responsible(const struct sv_core *core, struct sv_outputs *out,
                               const struct run *run)
{
    const struct plan_clock *clock = run_clock(core, run);
    if (run->unit != NOTHING)
        return word_text(core, run->unit);
    const char *area = word_text(core, run->area);
    for (size_t i = 0; run_per_county(clock) && i < clock->by_count; i++) {
        if (clock->by[i][0] == '{')
            return in_county(out, clock->by[i], area);
    }
    return clock->by_count > 0 ? in_county(out, clock->by[0], area) : "";
}

static bool comes_round(const struct plan_clock *clock)
{
    return clock->starts == PLAN_DAILY || clock->starts == PLAN_EVERY;
}

void run_tell(const struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
              const struct run *run, Liandong__V1__Clock__State state, int64_t met_us)
{
    const struct incident *incident = &core->incidents[run->incident];
    const struct plan_clock *clock = run_clock(core, run);
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
    if (state == LIANDONG__V1__CLOCK__STATE__MISSED && comes_round(clock)) {
        message.silent_since_us = run->heard_us;
        message.missed_in_a_row = (uint32_t)run->missed;
    }
    sv_emit(out, &message.base, "clock/%s/%s/%s", word_text(core, run->area), incident->id,
            clock->id);
}

/* ---- runs ---- */

bool run_per_county(const struct plan_clock *clock)
{
    static const char pattern[] = "{county}."; /* the area of a unit, if it is there */
    for (size_t i = 0; i < clock->by_count; i++) {
        if (strncmp(clock->by[i], pattern, sizeof pattern - 1) == 0)
            return true;
    }
    return false;
}

struct run *run_find(struct sv_core *core, const struct incident *incident, size_t clock,
                     size_t area, size_t unit)
{
    for (size_t i = 0; i < incident->run_count; i++) {
        struct run *run = &core->runs[incident->runs[i]];
        if (run->clock == clock && run->area == area && run->unit == unit)
            return run;
    }
    return NULL;
}

/* ---- who owes ---- */

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
struct debtors run_debtors(struct sv_core *core, struct sv_outputs *out, const struct plan *plan,
                           const struct plan_clock *clock, size_t area)
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

struct run *run_add(struct sv_core *core, struct run run)
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

void run_timer(struct sv_core *core, const struct run *run, int64_t due_us, int what)
{
    char key[24];
    snprintf(key, sizeof key, "%zu", (size_t)(run - core->runs));
    sv_timers_set(&core->timers, due_us, key, what);
}

int64_t run_warn_us(const struct sv_core *core, const struct run *run)
{
    return run->due_us - run_clock(core, run)->warn_before_us;
}

void run_start(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
               struct run *run)
{
    run->state = RUN_RUNNING;
    run_tell(core, event, out, run, LIANDONG__V1__CLOCK__STATE__STARTED, 0);
    if (run_clock(core, run)->warn_before_us > 0)
        run_timer(core, run, run_warn_us(core, run), TIMER_WARN);
    run_timer(core, run, run->due_us, TIMER_DUE);
}

void run_cancel(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                struct run *run)
{
    bool silent = run->state == RUN_MISSED && comes_round(run_clock(core, run));
    if (run->state == RUN_RUNNING || silent)
        run_tell(core, event, out, run, LIANDONG__V1__CLOCK__STATE__CANCELLED, 0);
    run->state = RUN_CANCELLED;
    run->next_us = 0;
    run->missed = 0;
}
