/*
 * The simulator: all cores in one process against a log in memory, in no time. Used by scenarios,
 * what-if and tests. Deterministic: the same inputs give the same log, byte for byte.
 */
#ifndef SV_SIM_H
#define SV_SIM_H

#include "host.h"

struct sv_sim;

/* Called for every record appended, inputs and derived alike, in order of sequence. */
typedef void sv_sim_record_fn(const struct ld_record *record, void *data);

struct sv_sim *sv_sim_open(int64_t start_us, sv_sim_record_fn *each, void *data);
void sv_sim_close(struct sv_sim *sim);
struct sv_host *sv_sim_host(struct sv_sim *sim);
int64_t sv_sim_now(const struct sv_sim *sim);

/* Appends an event from outside and everything that follows from it. producer: e.g.
 * "330302.health#scenario"; sequences count up per producer. *sequence may be NULL. */
int sv_sim_publish(struct sv_sim *sim, const char *producer, const char *topic, const void *payload,
                   size_t payload_size, uint16_t flags, uint64_t *sequence,
                   struct ld_error *error) LD_MUST_USE;
/* The same for a record of another log: its producer, number, flags and time are kept (a time
 * before now becomes now), its sequence is the next. */
void sv_sim_append(struct sv_sim *sim, const struct ld_record *record);
/* Lets time pass to time_us: a tick each full minute, and all that follows from each. */
void sv_sim_advance(struct sv_sim *sim, int64_t time_us);

#endif
