/*
 * RETIRE: the oldest segment of the log goes, because it was archived (docs/protocol.md, 3.8).
 *
 *   asked ──> checked ──> sys/archive/<number> staged ──(durable)──> forgotten ──> file removed,
 *               │                                                     by a thread ──> RETIRED
 *               └──> ERROR: not archived, on legal hold, not the oldest; or one is under way: BUSY
 *
 * One at a time. What was begun is ended also when its session is gone. A cut on the way leaves the
 * segment where it is, and it may be asked for again: the event is then said twice.
 * Closing waits for the removal; a segment that was not forgotten by then stays.
 */
#include "internal.h"

#include <inttypes.h>
#include <jansson.h>
#include <sched.h>
#include <stdio.h>

enum { TOPIC_SIZE = 48 };

struct retiring {
    struct router *router;
    struct session *session;
    uint64_t id;
    struct evlog_link link;
    uint64_t sequence; /* of the event that says it */
    bool forgotten;
    uv_work_t work;
    int code;
    struct ld_error error;
};

/* ---- the event ---- */

static void hex(char *text, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static int stage_event(struct session *session, const struct evlog_link *link, const char *archive,
                       size_t size, struct ld_error *error)
{
    char topic[TOPIC_SIZE], hash[2 * EVLOG_HASH_SIZE + 1];
    hex(hash, link->hash, sizeof link->hash);
    json_t *json = json_pack("{s:I,s:I,s:I,s:s,s:s%,s:s}", "segment", (json_int_t)link->number,
                             "first", (json_int_t)link->base, "last", (json_int_t)link->last,
                             "hash", hash, "archive", archive, size, "by", session->identity);
    if (!json)
        return ld_fail(error, LD_INVALID, "the archive's name is no text");
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(json);
    if (!text)
        return ld_fail(error, LD_NOMEM, "no memory for an event");
    snprintf(topic, sizeof topic, "sys/archive/%" PRIu64, link->number);
    int code = strlen(text) <= OWN_PAYLOAD_SIZE_MAX
                   ? clock_stage_now(session->router, topic, text, strlen(text), error)
                   : ld_fail(error, LD_TOOBIG, "the archive's name is too long");
    free(text);
    return code;
}

/* ---- asked ---- */

static int check(struct session *session, const struct wire_head *head, size_t size,
                 struct evlog_link *link, struct ld_error *error)
{
    const struct router *router = session->router;
    if (size == 0 || size > WIRE_ARCHIVE_SIZE_MAX)
        return ld_fail(error, LD_INVALID, "an archive's name has 1 to %d bytes, this one %zu",
                       WIRE_ARCHIVE_SIZE_MAX, size);
    if (router->retiring || router->phase != ROUTER_OPEN || !router->names_known)
        return ld_fail(error, LD_BUSY, "another segment is being taken away: try again later");
    return evlog_retire_check(router->log, head->a, link, error);
}

void retire_ask(struct session *session, const struct wire_head *head, const char *archive,
                size_t size)
{
    struct router *router = session->router;
    struct evlog_link link;
    struct ld_error error;
    if (head->a < evlog_first(router->log)) { /* asked again */
        struct wire_head answer = {WIRE_RETIRED, head->id, evlog_first(router->log),
                                   evlog_durable(router->log)};
        send_answer(session, &answer, NULL, 0);
        return;
    }
    int code = check(session, head, size, &link, &error);
    if (code == LD_OK)
        code = stage_event(session, &link, archive, size, &error);
    if (code != LD_OK) {
        send_error(session, head->id, code, error.text);
        return;
    }
    struct retiring *retiring = calloc(1, sizeof *retiring);
    if (!retiring)
        abort();
    *retiring = (struct retiring){.router = router,
                                  .session = session_retain(session),
                                  .id = head->id,
                                  .link = link,
                                  .sequence = evlog_staged(router->log)};
    router->retiring = retiring;
}

/* ---- gone ---- */

static void answer(struct retiring *retiring)
{
    struct router *router = retiring->router;
    struct wire_head head = {WIRE_RETIRED, retiring->id, evlog_first(router->log),
                             evlog_durable(router->log)};
    if (retiring->session->gone)
        return;
    if (retiring->code == LD_OK)
        send_answer(retiring->session, &head, NULL, 0);
    else
        send_error(retiring->session, retiring->id, retiring->code, retiring->error.text);
}

static void retiring_free(struct retiring *retiring)
{
    retiring->router->retiring = NULL;
    session_release(retiring->session);
    free(retiring);
}

/* In a thread of libuv's, which does nothing else: it has the time that nobody else wants. */
static void remove_file(uv_work_t *work)
{
    struct retiring *retiring = work->data;
    const struct sched_param none = {0};
    (void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
    retiring->code = evlog_retire_remove(retiring->router->context, retiring->router->directory,
                                         retiring->link.number, &retiring->error);
}

static void removed(uv_work_t *work, int status)
{
    struct retiring *retiring = work->data;
    struct router *router = retiring->router;
    assert(status == 0); /* never cancelled */
    if (retiring->code == LD_OK)
        note(router, "segment %" PRIu64 " was archived and is gone: the log begins with %" PRIu64,
             retiring->link.number, retiring->link.last + 1);
    else
        note(router, "segment %" PRIu64 " was archived and cannot be removed: %s",
             retiring->link.number, retiring->error.text);
    if (router->phase != ROUTER_CLOSING)
        answer(retiring);
    retiring_free(retiring);
    router_part_ended(router);
}

void retire_turn(struct router *router)
{
    struct retiring *retiring = router->retiring;
    if (!retiring || retiring->forgotten || evlog_durable(router->log) < retiring->sequence)
        return;
    retiring->forgotten = true;
    evlog_retire(router->log);
    retiring->work.data = retiring;
    router->handles_open++;
    int failed = uv_queue_work(router->loop, &retiring->work, remove_file, removed);
    assert(failed == 0);
}

void retire_drop(struct router *router)
{
    if (router->retiring && !router->retiring->forgotten)
        retiring_free(router->retiring);
}
