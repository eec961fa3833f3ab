/*
 * The account of one incident, after the action: what happened when, which clocks were met, what
 * each unit was ordered and how fast it acknowledged and was done, what was published and moved,
 * and how long it took to detect, to notify and to respond (docs/account.md). Fed with the
 * incident's records in order; measured when asked.
 */
#ifndef CLI_ACCOUNT_H
#define CLI_ACCOUNT_H

#include "picture/picture.h"
#include "picture/story.h"
#include "services/common/host.h"

struct account_line { /* of the timeline */
    enum story_kind kind;
    int64_t time_us;
    uint64_t sequence;
    int level;
    bool alarming;
    char *zh, *en;
};

struct account_issue { /* an order from being issued until it ends or is issued again */
    DutyOrder *order;  /* as last heard */
    bool early;        /* issued by the first response in force */
    bool escalated;
    int64_t issued_us, acknowledged_us, done_us, overdue_us; /* 0: not */
    char *late_for;     /* "acknowledge" or "done", of the first time that it was overdue */
    char *escalated_to; /* "" if it was not */
};

struct account_current { /* the issue of an order that is under way */
    char *key;           /* "<unit> <order>" */
    size_t issue;
    UT_hash_handle hh;
};

struct account_force { /* a level in force */
    char *area, *by, *section;
    int level;
    int64_t since_us, until_us; /* 0: still in force */
};

struct account_notice {
    const Liandong__V1__Notice *first; /* of those sent at the same time, of a kind */
    size_t units;
    bool to_public;
};

struct account {
    const char *id; /* borrowed */
    bool exercise;
    struct picture picture;
    struct story *story;
    struct sv_host *plans;   /* as adopted */
    const struct plan *plan; /* that the incident is pinned to; NULL: not on this log */
    struct account_line *lines;
    size_t line_count, line_capacity;
    struct account_issue *issues; /* in order of being issued */
    size_t issue_count, issue_capacity;
    struct account_current *current;
    struct account_force *forces;
    size_t force_count, force_capacity;
    int64_t opened_us, received_us;    /* first report on the log; first learned of */
    uint64_t first_response;           /* sequence of the first response in force; 0: none */
    struct picture_incident *incident; /* NULL before it is opened */
};

void account_open(struct account *account, const char *incident);
void account_close(struct account *account);
void account_take(const struct ld_record *record, void *data); /* a bus_record_fn */
/* All has been read. LD_OK, or LD_INVALID if there is no such incident or its plan is not there. */
int account_finish(struct account *account, struct ld_error *error) LD_MUST_USE;

/* ---- measured ---- */

struct account_times { /* of the issues that have one */
    size_t count;
    int64_t median_us, longest_us; /* 0 if none */
};
struct account_unit {
    const char *id;
    size_t issued, acknowledged, done, declined, overdue, escalated, ended, open;
    struct account_times to_acknowledge, to_done;
};
/* One for each unit with orders, in order of its first; *count of them; freed by the caller. */
struct account_unit *account_units(const struct account *account, size_t *count);

struct account_clock { /* one time limit of one unit */
    const Liandong__V1__Clock *last;
    size_t started, met, late, missed, running, cancelled;
    int64_t latest_us; /* how late at worst, among those that were met late */
};
struct account_clock *account_clocks(const struct account *account, size_t *count);

/* Notices of a kind sent at one time, to all who got it. */
struct account_notice *account_notices(const struct account *account, size_t *count);

/* Is the movement of supplies the incident's? */
bool account_has_movement(const struct account *account, const struct picture_movement *movement);

enum { ACCOUNT_DETECT, ACCOUNT_NOTIFY, ACCOUNT_RESPOND, ACCOUNT_STEPS };
struct account_step {       /* of 7-1-7 */
    int64_t from_us, to_us; /* 0: not (yet) */
    int64_t target_us;
    bool met;
};
struct account_717 {
    struct account_step steps[ACCOUNT_STEPS];
    /* Early response actions: the orders of the first response in force. */
    size_t early, early_seen, early_done;
    int64_t last_seen_us; /* the last of those acknowledged; 0: none */
};
struct account_717 account_717(const struct account *account);

#endif
