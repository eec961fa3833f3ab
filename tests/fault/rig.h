/* One log on the storage model with its history, for tests. */
#ifndef LIANDONG_FAULT_RIG_H
#define LIANDONG_FAULT_RIG_H

#include "chance.h"
#include "cuts.h"
#include "evlog_event.h"

struct rig {
    struct storage *storage;
    struct evlog_options options;
    struct evlog *log;
    struct evlog_recovery recovery;
    struct history history;
    struct ld_error error; /* of opening and staging */
};

void rig_options(struct evlog_options *options); /* small segments and buffers, no threads */
int rig_setup(void **state);
int rig_setup_threaded(void **state);
int rig_teardown(void **state);

int rig_try_open(struct rig *rig);
void rig_open(struct rig *rig); /* and checks what is there; the history goes on from it */
void rig_close(struct rig *rig);
/* The process or the power ends; nothing is open any more. */
void rig_end(struct rig *rig, unsigned ending, uint64_t seed);
/* A new, empty storage, without a history. */
void rig_renew(struct rig *rig, uint64_t seed);

int rig_try_stage(struct rig *rig, uint64_t producer);
void rig_stage(struct rig *rig, uint64_t producer, size_t count);
/* Stages and commits; returns the durable head. */
uint64_t rig_append(struct rig *rig, uint64_t producer, size_t count);
/* Appends one event a commit until so many segments are in use. */
void rig_grow(struct rig *rig, uint64_t producer, uint64_t segments);

#define RIG_BOTH(test)                                                                             \
    cmocka_unit_test_setup_teardown(test, rig_setup_threaded, rig_teardown),                       \
        cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
#define RIG_INLINE(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)

#endif
