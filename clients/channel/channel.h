/*
 * liandong-channel: brings what is due to contacts of one kind of channel, and says on the bus what
 * became of it (docs/notices.md, "Channels"). follow.c reads and publishes, pending.c keeps what is
 * due, attempt.c tries and waits, files.c, webhook.c and mail.c know how. atom.c shows what is in
 * force instead of bringing what is due; feed.c knows what that is.
 *
 * All on one libuv loop; one attempt at a time is a piece of work in libuv's threads.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <liandong.h>
#include <uthash.h>
#include <uv.h>

#include "arena.h"
#include "context.h"
#include "liandong/v1/notice.pb-c.h"

struct channel_options {
    const char *endpoint;
    const char *kind;     /* "files", "webhook", "mail", "atom" */
    const char *root;     /* files: the folder of folders; atom: the folder */
    const char *key_file; /* webhook: what signs */
    const char *smtp;     /* mail: smtp:// or smtps:// */
    const char *from;     /* mail: the sender's address */
    const char *netrc;    /* mail: where user and password are, NULL: none */
    const char *url;      /* atom: where the folder is on the web */
    int64_t entries_max;  /* atom */
    bool exercise;        /* atom: exercises, and nothing else */
    int64_t pause_us;     /* after the first attempt that fails; doubles, to PAUSE_MAX_US */
    int64_t timeout_us;   /* of one attempt */
    int64_t attempts_max;
};

/* ---- how one attempt ends ---- */
enum outcome_kind {
    OUTCOME_SENT,      /* the next machine has taken it */
    OUTCOME_DELIVERED, /* it is where the recipient reads it */
    OUTCOME_FAILED,    /* may succeed later */
    OUTCOME_REFUSED    /* will never succeed */
};
struct outcome {
    enum outcome_kind kind;
    bool acknowledged; /* the other side has said so */
    char detail[240];  /* what it said, or why; UTF-8 */
};

/* One way of sending. prepare: checks the options at the start; LD_OK or LD_INVALID. bring: one
 * attempt, in a thread; at most options->timeout_us. A way that brings nothing has take (a notice
 * for the public, on the loop), show (they are all known, up to now) and end (frees) instead; it
 * publishes nothing. */
struct channel;
struct channel_way {
    const char *kind;
    int (*prepare)(const struct channel_options *options, struct ld_error *error);
    void (*bring)(const struct channel_options *options, const Liandong__V1__Delivery *delivery,
                  bool exercise, struct outcome *outcome);
    void (*take)(struct channel *channel, const struct ld_record *record);
    void (*show)(struct channel *channel);
    void (*end)(void);
};
extern const struct channel_way files_way, webhook_way, mail_way, atom_way;
void outcome_set(struct outcome *outcome, enum outcome_kind kind, const char *format, ...)
    LD_PRINTF(3, 4);

/* ---- pending.c: what is due and not done, in order of arrival ---- */
struct pending {
    char *id; /* of the delivery */
    Liandong__V1__Delivery *delivery;
    bool exercise;
    uint32_t attempts;  /* made so far */
    int64_t next_at_us; /* wall clock; 0: at once */
    bool busy;          /* an attempt is under way */
    bool gone;          /* nobody wants it any more: freed when the attempt is over */
    struct channel *channel;
    uv_work_t work;
    struct outcome outcome;
    UT_hash_handle hh;
};
/* Takes over the delivery; drops an earlier one of the same notice to the same address. */
void pending_add(struct channel *channel, Liandong__V1__Delivery *delivery, bool exercise);
struct pending *pending_find(const struct channel *channel, const char *id);
void pending_drop(struct channel *channel, struct pending *pending);
void pending_drop_notice(struct channel *channel, const char *identifier);
void pending_free(struct channel *channel);

/* ---- attempt.c ---- */
/* Begins what is due, as far as there is room, and sets the timer for the rest. */
void attempts_go_on(struct channel *channel);

/* ---- follow.c ---- */
struct channel {
    const struct channel_options *options;
    const struct channel_way *way;
    const struct ld_context *context;
    char identity[64]; /* "channel-mail" */
    uv_loop_t loop;
    uv_timer_t timer; /* for the next attempt */
    uv_poll_t asked;  /* to stop */
    int stop_signals;
    struct ld_client *client;
    struct ld_stream *stream;
    struct ld_producer *producer;
    struct pending *pending;
    size_t busy;
    uint64_t head; /* up to here nothing is begun: what was done is read first */
    size_t unsaid; /* published and not answered yet */
    bool ready, producing, stopping, closing, failed;
};
/* Follows the bus until asked to stop; false if it failed, with the reason said. */
bool channel_run(const struct channel_options *options, const struct channel_way *way);
/* Asked to stop: ends as soon as nothing is under way. */
void channel_leave_if_done(struct channel *channel);
/* Publishes an act about the delivery. */
void channel_say(struct channel *channel, const struct pending *pending,
                 Liandong__V1__NoticeAct__Act act, const char *detail, int64_t next_at_us);

#endif
