/*
 * The jobs of an outbox: what a worker does with its file, and what follows from it on the loop.
 *
 * One job at a time. It writes all that has gathered (puts, refusals, what is settled) in one
 * transaction, looks whether the router's log is the right one, reads what has room in memory, and
 * at the end closes the file. Afterwards, on the loop and in this order: kept callbacks; the
 * producer is admitted or not; what was read, then what was put, is handed to it.
 */
#include "outbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- in a worker ---- */

static void do_job(uv_work_t *work)
{
    struct ld_outbox *outbox = work->data;
    struct outbox_job *job = &outbox->job;
    if (job->writes)
        job->write_code = outbox_file_write(outbox->file, &job->write, &job->error);
    if (job->contacts && job->write_code == LD_OK)
        job->contact_code = outbox_file_contact(outbox->file, &job->meeting, &job->contact,
                                                &job->head, &job->error);
    if (job->reads && job->write_code == LD_OK && job->contact_code == LD_OK)
        job->read_code = outbox_file_read(outbox->file, job->after, job->read_bytes, &job->items,
                                          &job->damaged, &job->end, &job->error);
    job->oldest_us = outbox_file_oldest(outbox->file, job->write.settled_to);
    if (job->closes)
        outbox_file_close(outbox->file);
}

/* ---- beginning ---- */

static bool has_to_write(const struct ld_outbox *outbox)
{
    return outbox->puts != NULL || outbox->refusals != NULL || outbox->settled > outbox->removed;
}

/* Not for every little bit of room: reading is done in portions. */
static bool has_to_read(const struct ld_outbox *outbox)
{
    return outbox->more && outbox->producer != NULL && !outbox->adrift &&
           ldo_room(outbox) >= outbox->client->options.queue_bytes / 8;
}

static void prepare_write(struct ld_outbox *outbox, struct outbox_job *job)
{
    job->puts = outbox->puts;
    job->refusals = outbox->refusals;
    job->writes = !outbox->failed && has_to_write(outbox);
    job->write = (struct outbox_write){.puts = job->puts,
                                       .refusals = job->refusals,
                                       .settled_from = outbox->removed,
                                       .settled_to = outbox->settled,
                                       .given = outbox->given,
                                       .answered = outbox->answered};
    outbox->puts = NULL;
    outbox->puts_end = &outbox->puts;
    outbox->refusals = NULL;
    outbox->refusals_end = &outbox->refusals;
}

static void prepare_contact(struct ld_outbox *outbox, struct outbox_job *job)
{
    job->contacts = outbox->contact_wanted && outbox->producer != NULL && !outbox->failed;
    if (!job->contacts)
        return;
    job->request = outbox->producer->request;
    job->meeting =
        (struct outbox_meeting){.last = outbox->contact_last, .exposed = outbox->exposed};
    memcpy(job->meeting.log_id, outbox->client->welcome.log_id, sizeof job->meeting.log_id);
    outbox->contact_wanted = false;
}

static void finish_job(uv_work_t *work, int status);

static void begin_job(struct ld_outbox *outbox)
{
    struct outbox_job *job = &outbox->job;
    *job = (struct outbox_job){.closes = outbox->closing};
    prepare_write(outbox, job);
    prepare_contact(outbox, job);
    job->reads = !outbox->failed && has_to_read(outbox);
    job->after = outbox->fed;
    job->read_bytes = ldo_room(outbox);
    outbox->working = true;
    outbox->work.data = outbox;
    uv_queue_work(outbox->client->loop, &outbox->work, do_job, finish_job);
}

void ldo_pump(struct ld_outbox *outbox)
{
    if (outbox->working)
        return;
    bool work = has_to_write(outbox) || outbox->contact_wanted || has_to_read(outbox);
    bool rests = (outbox->failed || outbox->resting) && outbox->puts == NULL;
    if (outbox->closing || (work && !rests))
        begin_job(outbox);
}

/* ---- what came of writing ---- */

/* A job has failed: for good, or until later. */
static void take_failure(struct ld_outbox *outbox, int code, const struct ld_error *error)
{
    if (ld_code_blame(code) == LD_BLAME_RETRY || code == LD_NOMEM) {
        outbox->resting = true;
        return;
    }
    outbox->failed = true;
    ldo_hold(outbox, code, error->text);
}

static void tell_kept(struct ld_outbox *outbox, const struct outbox_item *item, int code,
                      const char *reason)
{
    struct ld_published kept = {
        .code = code, .producer_sequence = item->sequence, .reason = reason};
    outbox->state.unkept--;
    outbox->put_bytes -= item->size;
    if (code == LD_OK) {
        outbox->state.waiting++;
    } else {
        outbox->state.bytes -= item->size;
        if (outbox->kept_code == LD_OK)
            snprintf(outbox->kept_reason, sizeof outbox->kept_reason, "%s", reason);
        if (outbox->kept_code == LD_OK)
            outbox->kept_code = code;
    }
    if (item->kept != NULL)
        item->kept(&kept, item->data);
}

/* Refusals that could not be written, in front of those that came meanwhile. */
static void put_back(struct ld_outbox *outbox, struct outbox_refusal *list)
{
    struct outbox_refusal **end = &list;
    while (*end != NULL)
        end = &(*end)->next;
    if (list == NULL)
        return;
    *end = outbox->refusals;
    if (outbox->refusals == NULL)
        outbox->refusals_end = end;
    outbox->refusals = list;
}

static void finish_write(struct ld_outbox *outbox, struct outbox_job *job)
{
    int code = job->write_code;
    const char *reason = job->error.text;
    if (!job->writes && outbox->failed) { /* before this job */
        code = outbox->state.held;
        reason = outbox->state.held_reason;
    } else if (code != LD_OK) {
        take_failure(outbox, code, &job->error);
    }
    if (code == LD_OK) {
        outbox->removed = job->write.settled_to;
        outbox->resting = false;
        outbox->state.oldest_us = job->oldest_us;
        ldo_free_refusals(job->refusals);
    } else {
        put_back(outbox, job->refusals);
    }
    for (const struct outbox_item *at = job->puts; at != NULL; at = at->next)
        tell_kept(outbox, at, code, code == LD_OK ? "" : reason);
    if (code != LD_OK) {
        outbox_item_free_all(job->puts);
        job->puts = NULL;
    }
}

/* ---- what came of meeting the log ---- */

static void part_from_copy(struct ld_outbox *outbox, const struct outbox_job *job)
{
    struct ld_outbox_state *state = &outbox->state;
    char reason[LDC_REASON_SIZE];
    snprintf(reason, sizeof reason,
             "a copy of this outbox has published up to %" PRIu64 ": %" PRIu64
             " events that may be among those are kept apart",
             job->meeting.last, job->head.refused - state->refused);
    ldc_producer_kill(outbox->producer, LD_CANCELLED, "");
    memcpy(state->producer, job->head.producer, sizeof state->producer);
    state->refused = job->head.refused;
    state->waiting = job->head.waiting;
    outbox->answered = 0;
    outbox->exposed = 0;
    ldo_hold(outbox, LD_UNKNOWN, reason);
    if (!outbox->client->closing)
        ldo_open_producer(outbox);
}

static void judge_contact(struct ld_outbox *outbox, const struct outbox_job *job)
{
    switch (job->contact) {
    case OUTBOX_OTHER_LOG:
        ldo_hold(outbox, LD_REFUSED,
                 "the router has another log than the one this outbox publishes to; if that is "
                 "right, close the outbox and say: liandong outbox rebind FILE");
        break;
    case OUTBOX_OLD_COPY:
        part_from_copy(outbox, job);
        break;
    case OUTBOX_GO_ON:
        outbox->admitted = true;
        if (outbox->exposed < outbox->fed)
            outbox->exposed = outbox->fed;
        ldc_producer_admit(outbox->producer, job->meeting.last);
        ldo_hold(outbox, LD_OK, "");
        break;
    }
}

static void finish_contact(struct ld_outbox *outbox, const struct outbox_job *job)
{
    const struct ld_producer *producer = outbox->producer;
    bool current = producer != NULL && producer->request == job->request && !outbox->adrift;
    if (!job->contacts)
        return;
    if (job->write_code != LD_OK || job->contact_code != LD_OK) {
        outbox->contact_wanted |= current;
        if (job->contact_code != LD_OK)
            take_failure(outbox, job->contact_code, &job->error);
        return;
    }
    outbox->state.bound = job->head.bound;
    memcpy(outbox->state.log_id, job->head.log_id, sizeof outbox->state.log_id);
    if (current || job->contact == OUTBOX_OLD_COPY)
        judge_contact(outbox, job);
}

/* ---- what came of reading ---- */

static void take_damaged(struct ld_outbox *outbox, struct outbox_refusal *list)
{
    while (list != NULL) {
        struct outbox_refusal *refusal = list;
        struct ld_published damaged = {.code = refusal->code,
                                       .producer_sequence = refusal->sequence,
                                       .reason = refusal->reason};
        list = list->next;
        refusal->next = NULL;
        ldo_add_refusal(outbox, refusal);
        ldo_tell_settled(outbox, &damaged);
    }
}

static void finish_read(struct ld_outbox *outbox, const struct outbox_job *job)
{
    if (!job->reads)
        return;
    if (job->read_code != LD_OK)
        take_failure(outbox, job->read_code, &job->error);
    if (outbox->fed != job->after || outbox->producer == NULL) { /* another one began meanwhile */
        ldo_free_refusals(job->damaged);
        return;
    }
    take_damaged(outbox, job->damaged);
    if (job->write_code != LD_OK || job->contact_code != LD_OK || job->read_code != LD_OK)
        return;
    outbox->more = false;
    ldo_feed(outbox, job->items);
    outbox->more |= !job->end;
}

static void finish_job(uv_work_t *work, int status)
{
    struct ld_outbox *outbox = work->data;
    struct outbox_job *job = &outbox->job;
    (void)status; /* it is never cancelled */
    finish_write(outbox, job);
    finish_contact(outbox, job);
    finish_read(outbox, job);
    ldo_feed(outbox, job->puts);
    outbox_item_free_all(job->items);
    outbox_item_free_all(job->puts);
    outbox->working = false;
    if (job->closes)
        ldo_free(outbox);
    else
        ldo_pump(outbox);
}
