/*
 * Producers: names under which sequences strictly increase, for ever.
 *
 *   PRODUCER ──> name belongs to the session? ──no──> DENIED, INVALID
 *                  │ first seen: sys/producer/<id> with the name is appended
 *                  v
 *                late, or taken over meanwhile? ──yes──> FENCED
 *                  v
 *                claimed; whoever had it before is fenced (FENCED from now on)
 *                  └──> PRODUCER_OK with the last sequence, once that is durable
 *
 * A record carries only the 64-bit id. That no two names ever share one is kept true by the names
 * in the log: they are read at start, in bounded pieces beside other work; until that is done
 * requests for producers wait.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>

#define NAME_TOPIC_PREFIX "sys/producer/"
enum {
    NAME_TOPIC_PREFIX_SIZE = sizeof NAME_TOPIC_PREFIX - 1,
    NAME_TOPIC_SIZE = NAME_TOPIC_PREFIX_SIZE + 16,
    NAMES_TURN_BYTES = 1 << 20
};

struct claim *producer_claim(const struct session *session, uint64_t id)
{
    struct claim *claim;
    HASH_FIND(hh, session->claims, &id, sizeof id, claim);
    return claim;
}

static struct producer *producer_find(const struct router *router, uint64_t id)
{
    struct producer *producer;
    HASH_FIND(hh, router->producers, &id, sizeof id, producer);
    return producer;
}

static struct producer *producer_add(struct router *router, uint64_t id, const char *name,
                                     size_t size)
{
    struct producer *producer = calloc(1, sizeof *producer);
    if (!producer)
        abort();
    producer->id = id;
    memcpy(producer->name, name, size);
    HASH_ADD(hh, router->producers, id, sizeof producer->id, producer);
    identity_producer_added(router, name, size);
    return producer;
}

void producer_free_all(struct router *router)
{
    struct producer *producer, *next;
    HASH_ITER(hh, router->producers, producer, next)
    {
        HASH_DEL(router->producers, producer);
        free(producer);
    }
}

/* ---- names in the log ---- */

static void scan_record(struct router *router, const uint8_t *raw)
{
    struct peek peek = record_peek(raw);
    if (peek.topic_size != NAME_TOPIC_SIZE ||
        memcmp(peek.topic, NAME_TOPIC_PREFIX, NAME_TOPIC_PREFIX_SIZE) != 0)
        return;
    struct ld_record record;
    struct ld_error error;
    if (ld_record_decode(raw, peek.size, &record, &error) != LD_OK ||
        record.producer != router->own_id || record.payload_size > WIRE_NAME_SIZE_MAX ||
        ld_record_check(&record, &error) != LD_OK)
        return;
    uint64_t id = ld_producer_id((const char *)record.payload, record.payload_size);
    if (!producer_find(router, id))
        producer_add(router, id, (const char *)record.payload, record.payload_size);
}

/* The next events that may be names; an empty span when there are no more, or for this turn. */
static void read_names(struct router *router, struct evlog_span *span)
{
    static const struct evlog_filter FILTER = {NAME_TOPIC_PREFIX "*", NAME_TOPIC_PREFIX_SIZE + 1};
    struct ld_error error;
    size_t step_bytes;
    router->names.filters = &FILTER;
    router->names.count = 1;
    router->names_next = evlog_seek(router->log, &router->names, router->names_next, &step_bytes);
    if (step_bytes == 0 || router->names_next > router->names_end)
        return;
    if (step_bytes > NAMES_TURN_BYTES)
        step_bytes = NAMES_TURN_BYTES;
    if (evlog_read(router->log, router->names_next, step_bytes, span, &error) == LD_OK)
        return;
    note(router, "reading producer names from event %" PRIu64 " on failed: %s", router->names_next,
         error.text);
    router->names_next = router->names_end + 1;
    span->size = 0;
}

void producer_scan_turn(struct router *router)
{
    if (router->names_known)
        return;
    struct evlog_span span = {0};
    read_names(router, &span);
    router->names_known = router->names_next > router->names_end;
    if (span.size == 0)
        return;
    for (size_t offset = 0; offset < span.size; offset += record_peek(span.data + offset).size)
        scan_record(router, span.data + offset);
    router->names_next = span.last + 1;
    router->names_known = router->names_next > router->names_end;
    evlog_span_release(&span);
}

/* ---- claiming ---- */

static bool instance_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte && strchr(".-_:@", byte));
}

static int name_check(const struct session *session, const char *name, size_t size,
                      struct ld_error *error)
{
    size_t own = strlen(session->identity);
    if (size == 0 || size > WIRE_NAME_SIZE_MAX)
        return ld_fail(error, LD_INVALID, "a producer's name has 1 to %d bytes, this one %zu",
                       WIRE_NAME_SIZE_MAX, size);
    if (size < own || memcmp(name, session->identity, own) != 0 || (size > own && name[own] != '#'))
        return ld_fail(error, LD_DENIED,
                       "%s may publish as \"%s\" or \"%s#instance\", not as \"%.*s\"",
                       session->identity, session->identity, session->identity, (int)size, name);
    if (size == own + 1)
        return ld_fail(error, LD_INVALID, "the producer's instance after '#' is empty");
    for (size_t i = own + 1; i < size; i++)
        if (!instance_byte(name[i]))
            return ld_fail(error, LD_INVALID, "byte 0x%02x at position %zu of the producer's name",
                           (unsigned char)name[i], i + 1);
    return LD_OK;
}

static int stage_name(struct router *router, uint64_t id, const char *name, size_t size,
                      struct ld_error *error)
{
    char topic[NAME_TOPIC_SIZE + 1];
    snprintf(topic, sizeof topic, NAME_TOPIC_PREFIX "%016" PRIx64, id);
    return clock_stage_now(router, topic, name, size, error);
}

/* Finds the producer of that name, or makes it known. */
static int producer_get(struct session *session, const char *name, size_t size,
                        struct producer **out, struct ld_error *error)
{
    struct router *router = session->router;
    uint64_t id = ld_producer_id(name, size);
    struct producer *producer = producer_find(router, id);
    if (producer && (strlen(producer->name) != size || memcmp(producer->name, name, size) != 0))
        return ld_fail(error, LD_REFUSED,
                       "the id of producer \"%.*s\" is already that of \"%s\": choose another name",
                       (int)size, name, producer->name);
    if (!producer) {
        if (HASH_COUNT(router->producers) >= router->options.limits.producers)
            return ld_fail(error, LD_REFUSED, "the log knows %zu producers, that is all",
                           router->options.limits.producers);
        if (identity_producers(router, name, size) >= router->options.limits.producers_per_identity)
            return ld_fail(error, LD_REFUSED, "the log knows %zu producers of %s, that is all",
                           router->options.limits.producers_per_identity, session->identity);
        int code = stage_name(router, id, name, size, error);
        if (code != LD_OK)
            return code;
        producer = producer_add(router, id, name, size);
    }
    *out = producer;
    return LD_OK;
}

static void fence_owner(struct producer *producer, const struct session *by)
{
    if (!producer->owner || producer->owner == by)
        return;
    struct claim *claim = producer_claim(producer->owner, producer->id);
    assert(claim && !claim->fenced);
    claim->fenced = true;
    note_limited(by->router, NOTE_SESSION, "producer %s taken over by a newer session",
                 producer->name);
}

/* A client has claimed the name before, in an earlier round: did somebody else do so since? And a
 * claim from a connection that its client has left behind is no new one. */
static int check_claimant(const struct producer *producer, const struct wire_head *head,
                          struct ld_error *error)
{
    if (!producer->claimed || head->a == 0)
        return LD_OK;
    if (head->a != producer->claimant && head->b > 0)
        return ld_fail(error, LD_FENCED, "another client has taken over the producer %s",
                       producer->name);
    if (head->a == producer->claimant && head->b < producer->round)
        return ld_fail(error, LD_FENCED, "the producer %s was claimed by a later connection",
                       producer->name);
    return LD_OK;
}

static int claim_take(struct session *session, struct producer *producer, struct ld_error *error)
{
    struct claim *claim = producer_claim(session, producer->id);
    if (!claim) {
        size_t most = session->router->options.limits.claims_per_identity;
        size_t *claims = identity_claims(session->router, session->identity);
        if (*claims >= most)
            return ld_fail(error, LD_BUSY,
                           "%s has %zu producers open, that is all: try again later",
                           session->identity, most);
        ++*claims;
        claim = calloc(1, sizeof *claim);
        if (!claim)
            abort();
        claim->id = producer->id;
        HASH_ADD(hh, session->claims, id, sizeof claim->id, claim);
    }
    fence_owner(producer, session);
    producer->owner = session;
    claim->producer = producer;
    tally_claim(session, claim);
    claim->fenced = false;
    claim->held_sequence = 0;
    return LD_OK;
}

void producer_release_claims(struct session *session)
{
    struct claim *claim, *next;
    HASH_ITER(hh, session->claims, claim, next)
    {
        if (claim->producer->owner == session)
            claim->producer->owner = NULL;
        tally_release(claim);
        --*identity_claims(session->router, session->identity);
        HASH_DEL(session->claims, claim);
        free(claim);
    }
}

/* With the checksum of its last event: whoever sent that one knows it by this. */
static void answer_claim(const struct request *request, uint64_t id)
{
    struct session *session = request->session;
    struct evlog_position position = evlog_producer_position(session->router->log, id);
    struct wire_head answer = {WIRE_PRODUCER_OK, request->head.id, id, position.sequence};
    uint8_t checksum[WIRE_CHECKSUM_SIZE];
    ld_put_u32(checksum, position.checksum);
    answer_later(session, &answer, checksum, position.checksum_known ? sizeof checksum : 0);
}

enum request_state producer_work(struct request *request)
{
    struct session *session = request->session;
    struct router *router = session->router;
    router->turn_bytes += REQUEST_REFUSED_BYTES;
    allowance_spend(router, PRODUCER_US);
    const char *name = (const char *)zuv_frame_data(&request->body);
    size_t size = zuv_frame_size(&request->body);
    struct producer *producer = NULL;
    struct ld_error error;
    int code = name_check(session, name, size, &error);
    if (code == LD_OK && !router->names_known)
        return REQUEST_WAITS;
    if (code == LD_OK)
        code = producer_get(session, name, size, &producer, &error);
    if (code == LD_BUSY) /* the log's buffer is full */
        return REQUEST_WAITS;
    if (code == LD_OK)
        code = check_claimant(producer, &request->head, &error);
    if (code == LD_OK)
        code = claim_take(session, producer, &error);
    if (code != LD_OK) {
        note_limited(router, NOTE_REFUSED, "producer refused: %s", error.text);
        answer_error_later(session, request->head.id, code, error.text);
        return REQUEST_DONE;
    }
    producer->claimed = true;
    producer->claimant = request->head.a;
    producer->round = request->head.b;
    answer_claim(request, producer->id);
    return REQUEST_DONE;
}
