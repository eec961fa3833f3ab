/* An outbox on the loop: outbox.c (what callers and the log do), outbox_job.c (what its file does).
 */
#ifndef LIANDONG_OUTBOX_H
#define LIANDONG_OUTBOX_H

#include "client.h"

/* What a worker does with the file, and what came of it. */
struct outbox_job {
    bool writes, contacts, reads, closes;
    struct outbox_write write;
    struct outbox_item *puts; /* the write's, owned */
    struct outbox_refusal *refusals;
    uint64_t request; /* of the PRODUCER whose answer is looked into */
    struct outbox_meeting meeting;
    enum outbox_contact contact;
    struct outbox_head head; /* after the contact */
    uint64_t after;
    size_t read_bytes;
    struct outbox_item *items;
    struct outbox_refusal *damaged;
    bool end;
    int64_t oldest_us;
    int write_code, contact_code, read_code;
    struct ld_error error;
};

struct ld_outbox {
    struct ld_outbox *prev, *next;
    struct ld_client *client;
    struct ld_outbox_options options; /* without the path */
    struct outbox_file *file;
    struct ld_producer *producer; /* NULL: none at present */
    struct ld_outbox_state state;
    uint64_t given, fed, settled, removed, answered;
    uint64_t exposed; /* highest sequence that may ever have been sent */
    struct outbox_item *puts, **puts_end;
    size_t put_bytes;
    int kept_code; /* first failure since ld_outbox_wait_kept */
    char kept_reason[LD_ERROR_TEXT_SIZE];
    struct outbox_refusal *refusals, **refusals_end; /* to be written */
    bool more;
    bool admitted; /* in this run: what is fed may be sent */
    bool adrift;   /* the producer is dying: its completions say nothing about the log */
    bool fenced;   /* by a copy of this file */
    bool resting;  /* a job has failed: not before the next put or tick */
    bool failed;   /* the file: for good */
    bool contact_wanted;
    uint64_t contact_last;
    bool working, closing;
    uv_work_t work;
    struct outbox_job job;
};

/* outbox.c */
void ldo_want(struct ld_outbox *outbox);
void ldo_hold(struct ld_outbox *outbox, int code, const char *reason);
void ldo_tell_settled(struct ld_outbox *outbox, const struct ld_published *published);
void ldo_add_refusal(struct ld_outbox *outbox, struct outbox_refusal *refusal);
void ldo_free_refusals(struct outbox_refusal *list);
void ldo_open_producer(struct ld_outbox *outbox);
size_t ldo_room(const struct ld_outbox *outbox); /* bytes that may be handed to the producer */
/* Hands what is in memory to the producer, until there is no room: then there is more. */
void ldo_feed(struct ld_outbox *outbox, const struct outbox_item *list);
void ldo_free(struct ld_outbox *outbox);

/* outbox_job.c */
void ldo_pump(struct ld_outbox *outbox); /* begins a job if there is something to do */

#endif
