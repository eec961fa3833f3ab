/*
 * The world of the fault tests: a real router and, as processes of their own, authors, listeners
 * and tap listeners (fault_peer), with the files in which they write down what they are told.
 * What must be true of them all is checked by ledger.h.
 */
#ifndef TESTS_FAULT_WORLD_H
#define TESTS_FAULT_WORLD_H

#include "../unit/test.h"
#include "../integration/harness.h"
#include "await.h"
#include "content.h"
#include "ledger.h"
#include "shim.h"

struct world {
    struct harness harness;
    struct ledger ledger; /* authors, listeners, taps: how many there are */
    char told[CONTENT_PATH_SIZE];
    uint64_t chance; /* see chance.h */
    struct harness_process *router;
    const char *endpoint; /* where authors and listeners connect */
    struct shim *shim;    /* of the router, or NULL */
    char shim_path[CONTENT_PATH_SIZE];
};

/* The run's seed, printed: LIANDONG_SEED, else the time. */
uint64_t world_seed(void);
/* LIANDONG_TESTS=full, a sanitizer's build, or neither. */
unsigned world_rounds(unsigned full, unsigned plain, unsigned sanitized);

/* Nothing runs yet; harness.data may be changed before the router is started. */
void world_open(struct world *world, uint64_t seed);
void world_add_shim(struct world *world); /* before the router is started */
/* options: NULL-terminated, besides --data and --endpoint. */
void world_start_router(struct world *world, const char *const *options);
/* Ends every process (SIGTERM, each with status 0), removes the files. */
void world_close(struct world *world);

/* Each starts the next of its kind; count listeners in one process. An author has window events
 * under way, and publishes the next with each answer (pace 0) or so often. */
struct harness_process *world_start_author(struct world *world, unsigned window, unsigned pace_ms);
struct harness_process *world_start_listeners(struct world *world, unsigned count);
struct harness_process *world_start_tap(struct world *world, const char *endpoint);
/* From now on authors and listeners connect to a proxy, which breaks so many connections. */
void world_start_proxy(struct world *world, unsigned cuts);
void world_stop(struct world *world, struct harness_process *process);

/* ledger_check, and `liandong log verify` has nothing to find. Nobody may be appending. */
void world_check(struct world *world, struct ledger_totals *totals);
/* So many more answers, all authors together; or each of them. */
void world_await_answers(struct world *world, uint64_t more);
void world_await_answers_each(struct world *world, uint64_t more);
/* One more refusal (no space) for each author. */
void world_await_refusals(struct world *world);
/* So many more links found dead by authors and listeners. */
void world_await_stale(struct world *world, uint64_t more);
void world_await_cuts(struct world *world, uint64_t cuts); /* in all */
/* Each listener has seen everything up to this sequence. */
void world_await_seen(struct world *world, uint64_t sequence);
/* Stops the authors, which get their last answers, and the router; lets the listeners catch up;
 * checks everything. The router is stopped then. */
void world_settle(struct world *world, struct ledger_totals *totals);

#endif
