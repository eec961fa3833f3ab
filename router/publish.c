/*
 * Publishing: each record of a batch is checked on its own, then staged, found a duplicate, or
 * refused with a reason. One RESULT answers the batch when everything that it calls OK or
 * DUPLICATE is durable (R2, R8).
 *
 * Order: a record that was refused for a reason that may pass (BUSY, NOSPACE, CORRUPT) must not be
 * overtaken by a later one of its producer, or its repetition would be taken for a duplicate (R3)
 * and be lost. So the producer is held: higher sequences are refused with the same code, and
 * prolong it, until the client says in PUBLISH.b that it has seen the last of these refusals, or
 * the producer is opened anew. The refused ones may come again at any time, in order. Within one
 * batch the rest of the producer's records is always held.
 */
#include "internal.h"

enum { RECORD_SIZE_MIN = 72, PUBLISH_WAIT = -1 };

/* Fields of a record that are looked at before it is decoded (record.h). */
enum { AT_SIZE = 12, AT_PRODUCER = 40, AT_PRODUCER_SEQUENCE = 48, AT_RESERVED = 56 };

/* ---- the batch as a frame ---- */

static int check_frame(const struct router *router, const struct wire_head *head,
                       const uint8_t *body, size_t size, struct ld_error *error)
{
    if (size > router->options.limits.batch_bytes)
        return ld_fail(error, LD_TOOBIG, "batch of %zu bytes, at most %zu", size,
                       router->options.limits.batch_bytes);
    size_t offset = 0;
    uint64_t count = 0;
    for (; offset + RECORD_SIZE_MIN <= size; count++) {
        uint32_t record_size = ld_get_u32(body + offset + AT_SIZE);
        if (record_size < RECORD_SIZE_MIN || record_size % LD_RECORD_ALIGN != 0 ||
            record_size > size - offset)
            return ld_fail(error, LD_PROTOCOL, "record %llu of the batch says it has %u bytes",
                           (unsigned long long)count + 1, record_size);
        offset += record_size;
    }
    if (offset != size)
        return ld_fail(error, LD_PROTOCOL, "%zu bytes after the last record of the batch",
                       size - offset);
    if (count == 0 || count != head->a)
        return ld_fail(error, LD_PROTOCOL, "the batch says it has %llu records, it has %llu",
                       (unsigned long long)head->a, (unsigned long long)count);
    return LD_OK;
}

/* ---- runs of equal outcomes ---- */

static void run_flush(struct request *request)
{
    if (request->run.count == 0)
        return;
    uint8_t *raw = ld_buffer_reserve(&request->runs, WIRE_RUN_SIZE);
    wire_run_encode(raw, &request->run);
    request->runs.size += WIRE_RUN_SIZE;
    request->run.count = 0;
}

static void run_add(struct request *request, int code, uint64_t sequence)
{
    struct wire_run *run = &request->run;
    request->session->router->counters.records[code]++;
    bool fits = run->count > 0 && run->code == (uint32_t)code &&
                (code != LD_OK || sequence == run->first + run->count);
    if (!fits) {
        run_flush(request);
        *run = (struct wire_run){.code = (uint32_t)code, .first = sequence};
    }
    run->count++;
}

static void publish_answer(struct request *request)
{
    run_flush(request);
    uint64_t runs = request->runs.size / WIRE_RUN_SIZE;
    if (request->reason.code != LD_OK)
        ld_buffer_text(&request->runs, request->reason.text);
    struct wire_head head = {WIRE_RESULT, request->head.id, 0, runs};
    answer_later(request->session, &head, request->runs.data, request->runs.size);
}

/* ---- one record ---- */

static bool may_pass(int code)
{
    return code == LD_BUSY || code == LD_NOSPACE || code == LD_CORRUPT;
}

static void claim_hold(struct claim *claim, uint64_t request, uint64_t sequence, int code)
{
    bool held = claim->held_sequence != 0;
    if (!held || request > claim->held_request)
        claim->held_request = request;
    if (!held || request < claim->held_from)
        claim->held_from = request;
    if (held && claim->held_sequence <= sequence)
        return;
    claim->held_sequence = sequence;
    claim->held_code = code;
}

/* Has the client, when it sent this request, seen how the refused one was answered? b says so; a
 * client that never says (0) is protected within one batch only. */
static bool seen_by_client(const struct request *request, uint64_t refused)
{
    return request->head.b == 0 || request->head.b >= refused;
}

/* Was it sent in ignorance of that refusal? */
static bool in_ignorance(const struct request *request, uint64_t refused)
{
    return request->head.id == refused || !seen_by_client(request, refused);
}

static int check_held(struct claim *claim, const struct request *request, uint64_t sequence,
                      struct ld_error *error)
{
    struct session *session = request->session;
    if (session->held_request != 0 && request->head.id >= session->held_request &&
        in_ignorance(request, session->held_request))
        return ld_fail(error, LD_CORRUPT, "an earlier record was damaged, repeat that first");
    if (claim->held_sequence == 0 || request->head.id < claim->held_from)
        return LD_OK;
    if (!in_ignorance(request, claim->held_request)) {
        claim->held_sequence = 0;
        return LD_OK;
    }
    if (sequence <= claim->held_sequence)
        return LD_OK; /* the refused one again */
    return ld_fail(error, claim->held_code, "event %llu of this producer has to be repeated first",
                   (unsigned long long)claim->held_sequence);
}

static int check_producer(const struct request *request, const struct ld_record *record,
                          struct claim **out, struct ld_error *error)
{
    struct claim *claim = producer_claim(request->session, record->producer);
    if (!claim)
        return ld_fail(error, LD_DENIED, "producer %016llx is not opened in this session",
                       (unsigned long long)record->producer);
    *out = claim;
    if (claim->fenced)
        return ld_fail(error, LD_FENCED, "another client has taken over the producer %s",
                       claim->producer->name);
    return LD_OK;
}

static int check_content(const uint8_t *raw, const struct ld_record *record, struct ld_error *error)
{
    if (ld_get_u64(raw + AT_RESERVED) != 0)
        return ld_fail(error, LD_INVALID, "the reserved bytes of the header are not 0");
    if (record->flags & ~LD_RECORD_FLAGS)
        return ld_fail(error, LD_INVALID, "unknown flags %04x", record->flags);
    if (record->producer_sequence == 0)
        return ld_fail(error, LD_INVALID, "producer sequences begin at 1");
    int code = ld_topic_check(record->topic, record->topic_size, error);
    if (code != LD_OK)
        return code;
    if (record->topic_size >= 3 && memcmp(record->topic, "sys", 3) == 0 &&
        (record->topic_size == 3 || record->topic[3] == '/'))
        return ld_fail(error, LD_DENIED, "topics under sys/ are the router's own");
    return LD_OK;
}

static uint16_t stamped_flags(const struct router *router, const struct ld_record *record)
{
    return record->flags | (router->options.drill ? LD_RECORD_EXERCISE : 0);
}

/* LD_BUSY from the log is not for the client: the request waits. */
static int stage(struct request *request, const uint8_t *raw, const struct ld_record *record,
                 uint64_t *sequence, struct ld_error *error)
{
    struct router *router = request->session->router;
    int code = clock_stage_due(router, request->now_us, error);
    if (code == LD_OK)
        code = evlog_stage(router->log, raw, request->now_us, stamped_flags(router, record),
                           sequence, error);
    return code == LD_BUSY ? PUBLISH_WAIT : code;
}

static int judge(struct request *request, const uint8_t *raw, const struct ld_record *record,
                 struct claim *claim, uint64_t *sequence, struct ld_error *error)
{
    int code = check_content(raw, record, error);
    if (code == LD_OK)
        code = ld_record_check(record, error);
    if (code != LD_OK)
        return code;
    if (record->producer_sequence <= evlog_producer(request->session->router->log, claim->id))
        return LD_DUPLICATE;
    code = check_held(claim, request, record->producer_sequence, error);
    if (code == LD_OK)
        code = stage(request, raw, record, sequence, error);
    if (code == LD_OK && claim->held_sequence == record->producer_sequence)
        claim->held_sequence++; /* now those behind it may come again, in order */
    return code;
}

static int publish_record(struct request *request, const uint8_t *raw, uint32_t size,
                          uint64_t *sequence, struct ld_error *error)
{
    struct ld_record record;
    struct claim *claim = NULL;
    int code = ld_record_decode(raw, size, &record, error);
    if (code == LD_CORRUPT) /* whose it was is not known: everybody's waits */
        request->session->held_request = request->head.id;
    if (code == LD_OK)
        code = check_producer(request, &record, &claim, error);
    if (code == LD_OK)
        code = judge(request, raw, &record, claim, sequence, error);
    if (claim && may_pass(code))
        claim_hold(claim, request->head.id, record.producer_sequence, code);
    if (claim && code != PUBLISH_WAIT)
        tally_record(request->session, claim, &record, code);
    return code;
}

static void note_refusal(struct request *request, int code, const struct ld_error *error)
{
    struct session *session = request->session;
    session->events_refused++;
    if (request->reason.code == LD_OK)
        request->reason = *error;
    note_limited(session->router, code == LD_NOSPACE ? NOTE_SPACE : NOTE_REFUSED,
                 "event from %s refused: %s: %s", session->identity, ld_code_name(code),
                 error->text);
}

/* ---- the batch ---- */

static void refuse_all(struct request *request, int code, const char *reason)
{
    struct session *session = request->session;
    if (request->head.a < 1 || request->head.a > session->router->options.limits.batch_bytes) {
        answer_error_later(session, request->head.id, code, reason);
        return;
    }
    session->router->counters.records[code] += request->head.a;
    session->events_refused += request->head.a;
    note_limited(session->router, NOTE_REFUSED, "batch from %s refused: %s: %s", session->identity,
                 ld_code_name(code), reason);
    ld_buffer_clear(&request->runs);
    request->run = (struct wire_run){.count = (uint32_t)request->head.a, .code = (uint32_t)code};
    ld_fail(&request->reason, code, "%s", reason);
    publish_answer(request);
}

void publish_refuse(struct request *request, int code, const char *reason)
{
    refuse_all(request, code, reason);
}

void publish_hold(struct request *request, int code)
{
    const uint8_t *body = zuv_frame_data(&request->body);
    size_t size = zuv_frame_size(&request->body);
    if (check_frame(request->session->router, &request->head, body, size, NULL) != LD_OK)
        return;
    for (size_t offset = 0; offset < size; offset += ld_get_u32(body + offset + AT_SIZE)) {
        struct claim *claim =
            producer_claim(request->session, ld_get_u64(body + offset + AT_PRODUCER));
        if (claim)
            claim_hold(claim, request->head.id, ld_get_u64(body + offset + AT_PRODUCER_SEQUENCE),
                       code);
    }
}

static bool is_clients_fault(int code)
{
    return code != LD_OK && code != LD_DUPLICATE && code != LD_BUSY && code != LD_NOSPACE;
}

/* False: it has to wait. */
static bool work_record(struct request *request)
{
    struct router *router = request->session->router;
    const uint8_t *raw = zuv_frame_data(&request->body) + request->offset;
    uint32_t size = ld_get_u32(raw + AT_SIZE);
    uint64_t sequence = 0;
    struct ld_error error;
    int code = publish_record(request, raw, size, &sequence, &error);
    if (code == PUBLISH_WAIT)
        return false;
    if (code == LD_OK)
        request->session->events_published++;
    else if (code != LD_DUPLICATE)
        note_refusal(request, code, &error);
    bool taken = code == LD_OK || code == LD_DUPLICATE;
    router->turn_bytes += taken ? size : size + REQUEST_REFUSED_BYTES;
    if (is_clients_fault(code))
        request_pay(request, REQUEST_REFUSED_US);
    run_add(request, code, sequence);
    request->offset += size;
    request->index++;
    return true;
}

enum request_state publish_work(struct request *request)
{
    struct router *router = request->session->router;
    struct ld_error error;
    if (router->answer_count >= router->options.limits.answers)
        return REQUEST_WAITS;
    int code = LD_OK;
    if (request->index == 0)
        code = check_frame(router, &request->head, zuv_frame_data(&request->body),
                           zuv_frame_size(&request->body), &error);
    if (code != LD_OK) {
        request_pay(request, BATCH_REFUSED_US);
        refuse_all(request, code, error.text);
        return REQUEST_DONE;
    }
    request->now_us = clock_take_us(router);
    while (request->index < request->head.a) {
        if (router->turn_bytes >= router->slice_end)
            return REQUEST_YIELDS;
        if (!work_record(request))
            return REQUEST_WAITS;
    }
    publish_answer(request);
    return REQUEST_DONE;
}
