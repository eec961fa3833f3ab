/*
 * Attempts: what is due is tried, one piece of work each; what fails is tried again after growing
 * pauses, and given up after the last. Each attempt's outcome is published.
 *
 * Happy path: a thread sends, the loop says SENT or DELIVERED, the entry goes.
 * Ways it fails: the other side refuses for good (GIVEN_UP at once) or for now (FAILED with the
 * time of the next attempt). When asked to stop, attempts under way are waited for.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "channel.h"
#include "timefmt.h"

enum { BUSY_MAX = 4 };
#define PAUSE_MAX_US (5 * LD_US_MINUTE)
#define ACT(name)    LIANDONG__V1__NOTICE_ACT__ACT__##name

void outcome_set(struct outcome *outcome, enum outcome_kind kind, const char *format, ...)
{
    va_list arguments;
    outcome->kind = kind;
    va_start(arguments, format);
    vsnprintf(outcome->detail, sizeof outcome->detail, format, arguments);
    va_end(arguments);
    for (char *at = outcome->detail; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7f)
            *at = '?'; /* servers say what they like; the bus wants UTF-8 */
    }
}

static void in_thread(uv_work_t *work)
{
    struct pending *pending = work->data;
    const struct channel *channel = pending->channel;
    channel->way->bring(channel->options, pending->delivery, pending->exercise, &pending->outcome);
}

static int64_t pause_after(const struct channel *channel, uint32_t attempts)
{
    int64_t pause_us = channel->options->pause_us;
    while (--attempts > 0 && pause_us < PAUSE_MAX_US)
        pause_us *= 2;
    return pause_us < PAUSE_MAX_US ? pause_us : PAUSE_MAX_US;
}

static void on_success(struct channel *channel, struct pending *pending)
{
    const struct outcome *outcome = &pending->outcome;
    channel_say(channel, pending, outcome->kind == OUTCOME_SENT ? ACT(SENT) : ACT(DELIVERED),
                outcome->detail, 0);
    if (outcome->acknowledged)
        channel_say(channel, pending, ACT(ACKNOWLEDGED), outcome->detail, 0);
    pending_drop(channel, pending);
}

static void on_failure(struct channel *channel, struct pending *pending)
{
    const struct outcome *outcome = &pending->outcome;
    if (outcome->kind == OUTCOME_REFUSED || pending->attempts >= channel->options->attempts_max) {
        channel_say(channel, pending, ACT(GIVEN_UP), outcome->detail, 0);
        pending_drop(channel, pending);
        return;
    }
    pending->next_at_us = ld_wall_us(channel->context) + pause_after(channel, pending->attempts);
    channel_say(channel, pending, ACT(FAILED), outcome->detail, pending->next_at_us);
}

static void after(uv_work_t *work, int status)
{
    struct pending *pending = work->data;
    struct channel *channel = pending->channel;
    (void)status;
    pending->busy = false;
    channel->busy--;
    if (pending->outcome.kind <= OUTCOME_DELIVERED)
        on_success(channel, pending);
    else if (pending->gone)
        pending_drop(channel, pending);
    else
        on_failure(channel, pending);
    attempts_go_on(channel);
    channel_leave_if_done(channel);
}

static void begin(struct channel *channel, struct pending *pending)
{
    pending->busy = true;
    pending->attempts++;
    pending->outcome = (struct outcome){.kind = OUTCOME_FAILED};
    channel->busy++;
    if (uv_queue_work(&channel->loop, &pending->work, in_thread, after) != 0)
        after(&pending->work, 0);
}

static void on_timer(uv_timer_t *timer)
{
    attempts_go_on(timer->data);
}

void attempts_go_on(struct channel *channel)
{
    int64_t now_us = ld_wall_us(channel->context), soonest_us = INT64_MAX;
    struct pending *at, *next;
    if (!channel->ready || channel->stopping || channel->closing)
        return;
    HASH_ITER(hh, channel->pending, at, next)
    {
        if (at->busy || at->gone)
            continue;
        if (at->next_at_us - now_us > PAUSE_MAX_US)
            at->next_at_us = now_us; /* the clock was set back meanwhile */
        if (at->next_at_us <= now_us && channel->busy < BUSY_MAX)
            begin(channel, at);
        else if (at->next_at_us > now_us && at->next_at_us < soonest_us)
            soonest_us = at->next_at_us;
    }
    if (soonest_us != INT64_MAX)
        uv_timer_start(&channel->timer, on_timer, (uint64_t)((soonest_us - now_us) / 1000 + 1), 0);
}
