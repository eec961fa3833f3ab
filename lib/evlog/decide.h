/*
 * The decisions of recovery as pure functions (docs/log-format.md, 7), so that a test can go
 * through all inputs. Private to evlog.
 */
#ifndef LD_EVLOG_DECIDE_H
#define LD_EVLOG_DECIDE_H

#include <stdbool.h>

enum recovery_action {
    RECOVERY_USE,   /* good as it is */
    RECOVERY_CUT,   /* proven torn: overwrite with zeros behind the last good record */
    RECOVERY_DROP,  /* nothing in it was ever acknowledged: remove the file */
    RECOVERY_REFUSE /* damage: name it and leave everything as it is */
};

enum header_state { HEADER_IN_USE, HEADER_PREPARED, HEADER_BAD };

enum body_state {
    BODY_ZERO,     /* nothing but zeros */
    BODY_UNPROVEN, /* bytes of which none proves that an event was durable */
    BODY_PROVEN    /* a record or mark proves that an event missing here was durable */
};

/* The header of a segment when one with a higher number is in use. */
enum recovery_action decide_header(enum header_state header);

/* A segment above the last one in use. */
enum recovery_action decide_spare(enum header_state header, enum body_state body);

/* What follows the last good record of the last segment in use; begun: it has its complete
 * checkpoint (or is the first segment, which has none). */
enum recovery_action decide_tail(bool begun, enum body_state rest);

/* What follows the last good record of the last segment in use when the one above it was dropped;
 * complete: its last good record is the one right before the dropped segment's base. */
enum recovery_action decide_sealed(bool complete, enum body_state rest);

#endif
