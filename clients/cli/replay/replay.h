/*
 * Replay: every record of a log through all cores again; what they put out is compared bit by bit
 * with what the log has of it.
 */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include "services/common/host.h"

enum replay_difference_kind {
    REPLAY_DIFFERENT, /* logged and derived disagree */
    REPLAY_MISSING,   /* derived, not logged, though later ones of its producer are */
    REPLAY_UNKNOWN    /* logged by a service, not derived */
};

struct replay_difference {
    enum replay_difference_kind kind;
    const char *producer;
    const struct ld_record *logged;  /* NULL with REPLAY_MISSING; borrowed for the call */
    const struct ld_record *derived; /* NULL with REPLAY_UNKNOWN; borrowed for the call */
};

struct replay_counts {
    uint64_t records, inputs; /* inputs: not derived by a service */
    uint64_t same, different, missing, unknown;
    uint64_t pending; /* derived at the tail and not yet logged: not wrong */
};

/* The services' names, NULL-terminated; is this the name of a producer of theirs? "duty#3303.fire"
 */
extern const char *const replay_services[];
bool replay_is_service(const char *name, size_t size);

struct replay;
typedef void replay_difference_fn(const struct replay_difference *difference, void *data);

struct replay *replay_open(struct sv_host *host, replay_difference_fn *difference, void *data);
void replay_close(struct replay *replay);
/* The next record of the log. LD_OK (differences are told and counted), or the host's error. */
int replay_take(struct replay *replay, const struct ld_record *record,
                struct ld_error *error) LD_MUST_USE;
/* The log is known to be whole: what is still outstanding is told and counted as missing. */
void replay_end(struct replay *replay);
/* The outstanding output that follows from the earliest event, with its producer's name; NULL:
 * none. Borrowed until the next call that changes something. */
const struct ld_record *replay_first_pending(const struct replay *replay, const char **producer);
/* Counts so far; what is still outstanding counts as pending. */
void replay_get_counts(const struct replay *replay, struct replay_counts *counts);

#endif
