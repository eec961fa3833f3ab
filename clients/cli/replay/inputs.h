/*
 * What came into a log from outside: every event that no service derived, and the ticks, in order,
 * so that it can be run again elsewhere: on a router in a drill (feed.h) or under other rules
 * (whatif). What is run again is an exercise, whatever it was; as exercise and actual never mix,
 * it is one world of a log that has both.
 */
#ifndef CLI_INPUTS_H
#define CLI_INPUTS_H

#include <liandong/record.h>
#include <uthash.h>

#include "services/common/host.h"

struct log_input {
    struct ld_record record; /* borrows from bytes; sequence and time of the log, flags: exercise */
    char *bytes;             /* topic and payload */
    const char *producer;    /* its name; NULL: the log does not say */
    bool tick;
    bool answered; /* a tick: the log has what follows from it */
    bool actual;   /* as logged */
};

enum log_world { LOG_WORLD_ANY, LOG_WORLD_ACTUAL, LOG_WORLD_EXERCISE };

struct log_name;
struct log_inputs {
    struct log_input *all;
    size_t count, capacity;
    size_t events;             /* of all, those that are not ticks */
    int64_t first_us, last_us; /* of the log's records */
    uint64_t first_sequence;   /* of the log's records; 0: none */
    struct log_name *names;    /* producers: services, and who is named on the log */
    struct sv_host *plans;     /* as adopted: their units have a service each */
};

void log_inputs_open(struct log_inputs *inputs);
void log_inputs_free(struct log_inputs *inputs);
void log_inputs_take(const struct ld_record *record, void *data); /* a bus_record_fn */
/* All has been read: keeps one world. LD_OK; LD_INVALID if the log does not begin at its beginning,
 * or has both worlds and none is named. */
int log_inputs_end(struct log_inputs *inputs, enum log_world world,
                   struct ld_error *error) LD_MUST_USE;

#endif
