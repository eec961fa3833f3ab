/*
 * The router's clock, its ticks, and its own events.
 *
 * Actual: the clock is the machine's; a tick is staged when a boundary (a whole multiple of the
 * tick interval) has passed, and before any event that is later than it. After a pause only the
 * last boundary gets one: it says what time it is, which is all that deadlines need.
 * When the machine's clock is set back, or is behind the log's last event at start, time goes on
 * nevertheless, a sixteenth slower than it should, until the machine's clock has caught up: no
 * event is earlier than the one before, and no deadline waits for the hour to come again.
 *
 * Drill: the clock stands still. ADVANCE moves it to a target; every boundary between gets its
 * tick, a bounded number per turn, so that commits and other work go on meanwhile:
 *
 *   ADVANCE ──> queued ──(turns: tick, tick, …)──> target reached ──(durable)──> ADVANCED
 *      └─ not a drill: REFUSED; backwards, too far: INVALID; log full or failed: ERROR
 */
#include "internal.h"

#include "timefmt.h"

#define TICK_TOPIC "sys/tick"
enum { ADVANCE_TURN_TICKS = 256, CLOCK_SLOWER = 16 };

static int64_t boundary_before(const struct router *router, int64_t time_us)
{
    int64_t tick_us = router->options.tick_us;
    int64_t rest = time_us % tick_us;
    return time_us - (rest < 0 ? rest + tick_us : rest);
}

static void note_behind(struct router *router, int64_t wall_us)
{
    int64_t behind_us = router->clock_us - wall_us;
    if (router->clock_behind || behind_us < LD_US_SECOND)
        return;
    router->clock_behind = true;
    note(router,
         "the machine's clock is %lld s behind the log's: time goes on from the log's, a little "
         "slower, until the machine's has caught up",
         (long long)(behind_us / LD_US_SECOND));
}

/* Whole steps only, so that taking it often does not make it faster. */
static int64_t clock_steps(const struct router *router)
{
    return (ld_monotonic_us(router->context) - router->clock_taken_us) / CLOCK_SLOWER;
}

int64_t clock_now_us(const struct router *router)
{
    if (router->options.drill)
        return router->drill_us;
    int64_t wall_us = ld_wall_us(router->context);
    int64_t slow_us = router->clock_us + clock_steps(router) * (CLOCK_SLOWER - 1);
    return wall_us >= slow_us ? wall_us : slow_us;
}

int64_t clock_take_us(struct router *router)
{
    if (router->options.drill)
        return router->drill_us;
    int64_t wall_us = ld_wall_us(router->context);
    int64_t steps = clock_steps(router);
    int64_t slow_us = router->clock_us + steps * (CLOCK_SLOWER - 1);
    router->clock_us = wall_us >= slow_us ? wall_us : slow_us;
    router->clock_taken_us += steps * CLOCK_SLOWER;
    if (wall_us >= slow_us)
        router->clock_behind = false;
    else
        note_behind(router, wall_us);
    return router->clock_us;
}

void clock_open(struct router *router)
{
    bool empty = evlog_staged(router->log) == 0;
    int64_t last_us = empty ? INT64_MIN : evlog_last_time_us(router->log);
    int64_t start_us = router->options.drill_start_us;
    router->drill_us = last_us > start_us ? last_us : start_us;
    router->clock_us = last_us;
    router->clock_taken_us = ld_monotonic_us(router->context);
    router->tick_last_us = boundary_before(router, clock_take_us(router));
}

int clock_stage_own(struct router *router, int64_t time_us, const char *topic, const void *payload,
                    size_t size, struct ld_error *error)
{
    uint8_t raw[LD_RECORD_HEADER_SIZE + LD_TOPIC_SIZE_MAX + OWN_PAYLOAD_SIZE_MAX + LD_RECORD_ALIGN];
    struct ld_record record = {
        .producer = router->own_id,
        .producer_sequence = evlog_producer(router->log, router->own_id) + 1,
        .topic = topic,
        .topic_size = (uint16_t)strlen(topic),
        .payload = payload,
        .payload_size = (uint32_t)size,
    };
    assert(ld_record_size(record.topic_size, size) <= sizeof raw);
    ld_record_encode(raw, &record);
    uint64_t sequence;
    uint16_t flags = router->options.drill ? LD_RECORD_EXERCISE : 0;
    int code = evlog_stage(router->log, raw, time_us, flags, &sequence, error);
    if (code == LD_OK)
        tally_event(router, &router->own_family, topic, record.topic_size, ld_get_u32(raw + 12));
    return code;
}

static int stage_tick(struct router *router, int64_t boundary_us, struct ld_error *error)
{
    int code = clock_stage_own(router, boundary_us, TICK_TOPIC, NULL, 0, error);
    if (code != LD_OK)
        return code;
    router->tick_last_us = boundary_us;
    router->counters.ticks++;
    return LD_OK;
}

int clock_stage_due(struct router *router, int64_t now_us, struct ld_error *error)
{
    if (router->options.drill)
        return LD_OK;
    if (now_us - router->tick_last_us < router->options.tick_us)
        return LD_OK;
    return stage_tick(router, boundary_before(router, now_us), error);
}

int clock_stage_now(struct router *router, const char *topic, const void *payload, size_t size,
                    struct ld_error *error)
{
    int64_t now_us = clock_take_us(router);
    int code = clock_stage_due(router, now_us, error);
    if (code == LD_OK)
        code = clock_stage_own(router, now_us, topic, payload, size, error);
    return code;
}

/* ---- drills ---- */

static int advance_check(const struct router *router, int64_t target_us, struct ld_error *error)
{
    char now[LD_TIME_TEXT_SIZE];
    if (!router->options.drill)
        return ld_fail(error, LD_REFUSED,
                       "this router is not in a drill: its clock is the actual "
                       "time");
    if (target_us < router->drill_us)
        return ld_fail(error, LD_INVALID, "the drill's clock is at %s already, it never goes back",
                       ld_time_format(now, router->drill_us, LD_CHINA_OFFSET_MINUTES));
    uint64_t span_us = (uint64_t)target_us - (uint64_t)router->drill_us;
    if (span_us / (uint64_t)router->options.tick_us > router->options.limits.advance_ticks)
        return ld_fail(error, LD_INVALID, "too far from the drill's time %s: at most %llu ticks",
                       ld_time_format(now, router->drill_us, LD_CHINA_OFFSET_MINUTES),
                       (unsigned long long)router->options.limits.advance_ticks);
    if (router->advance_count >= router->options.limits.advances)
        return ld_fail(error, LD_BUSY, "%zu moves of the clock are under way, try again later",
                       router->advance_count);
    return LD_OK;
}

void clock_advance(struct session *session, const struct wire_head *head)
{
    struct router *router = session->router;
    struct ld_error error;
    int code = advance_check(router, (int64_t)head->a, &error);
    if (code != LD_OK) {
        send_error(session, head->id, code, error.text);
        return;
    }
    struct advance *advance = calloc(1, sizeof *advance);
    if (!advance)
        abort();
    *advance = (struct advance){
        .session = session_retain(session), .id = head->id, .target_us = (int64_t)head->a};
    LL_APPEND(router->advances, advance);
    router->advance_count++;
}

static void advance_free(struct router *router, struct advance *advance)
{
    LL_DELETE(router->advances, advance);
    router->advance_count--;
    session_release(advance->session);
    free(advance);
}

static void advance_done(struct router *router, struct advance *advance)
{
    if (advance->target_us > router->drill_us)
        router->drill_us = advance->target_us;
    struct wire_head head = {WIRE_ADVANCED, advance->id, (uint64_t)router->drill_us, 0};
    answer_later(advance->session, &head, NULL, 0);
    advance_free(router, advance);
}

void clock_advance_turn(struct router *router)
{
    struct ld_error error;
    for (int ticks = 0; router->advances && ticks < ADVANCE_TURN_TICKS; ticks++) {
        struct advance *advance = router->advances;
        int64_t next_us = router->tick_last_us + router->options.tick_us;
        if (next_us > advance->target_us) {
            advance_done(router, advance);
            continue;
        }
        int code = stage_tick(router, next_us, &error);
        if (code == LD_BUSY) {
            router->advance_blocked = true;
            return;
        }
        if (code != LD_OK) {
            send_error(advance->session, advance->id, code, error.text);
            advance_free(router, advance);
            continue;
        }
        router->drill_us = next_us;
    }
}

void clock_drop_advances(struct router *router)
{
    while (router->advances)
        advance_free(router, router->advances);
}
