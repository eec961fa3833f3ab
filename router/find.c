/*
 * FIND: from which event on is it that time or later (docs/protocol.md, 3.7).
 *
 *   asked ──> queue ──(a step a turn, until the log knows)──> answered
 *
 * One for all sessions, first come, first served; each session may have a few in it. A step is a
 * look into an index file and at one block of events, or a bounded piece of a segment without one;
 * the log keeps how far it got. Steps are paid for out of the allowance. When the session ends, its
 * questions are dropped.
 */
#include "internal.h"

enum { FIND_STEP_BYTES = 1 << 20, FIND_STEP_US = 200, FIND_LOOK_US = 50 };

struct find {
    struct find *next;
    struct session *session;
    uint64_t id;
    int64_t time_us;
};

void find_ask(struct session *session, const struct wire_head *head)
{
    struct router *router = session->router;
    if (session->find_count >= router->options.limits.finds_per_session) {
        send_error(session, head->id, LD_BUSY, "wait for the answers to your earlier FIND");
        return;
    }
    struct find *find = malloc(sizeof *find);
    if (!find)
        abort();
    *find = (struct find){
        .session = session_retain(session), .id = head->id, .time_us = (int64_t)head->a};
    session->find_count++;
    router->find_count++;
    LL_APPEND(router->finds, find);
}

static void pop(struct router *router)
{
    struct find *find = router->finds;
    router->finds = find->next;
    router->find_count--;
    find->session->find_count--;
    session_release(find->session);
    free(find);
}

void find_turn(struct router *router)
{
    while (router->finds && router->finds->session->gone)
        pop(router);
    const struct find *find = router->finds;
    if (!find || !allowance_is_left(router))
        return;
    struct ld_error error;
    uint64_t sequence = 0;
    int code = evlog_find_time(router->log, find->time_us, FIND_STEP_BYTES, &sequence, &error);
    allowance_spend(router, code == LD_BUSY ? FIND_STEP_US : FIND_LOOK_US);
    if (code == LD_BUSY)
        return;
    struct wire_head answer = {WIRE_FOUND, find->id, sequence, evlog_durable(router->log)};
    if (code == LD_OK)
        send_answer(find->session, &answer, NULL, 0);
    else
        send_error(find->session, find->id, code, error.text);
    pop(router);
}

void find_drop_all(struct router *router)
{
    while (router->finds)
        pop(router);
}
