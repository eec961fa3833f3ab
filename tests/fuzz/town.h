/* The six services on a log in memory, with the real plan in force: where service targets begin. */
#ifndef LIANDONG_FUZZ_TOWN_H
#define LIANDONG_FUZZ_TOWN_H

#include "common/sim.h"
#include "fuzz.h"

enum { TOWN_START_S = 1700000000 };

/* Adopted as actual and as exercise. */
struct sv_sim *town_open(sv_sim_record_fn *each, void *data);

/* Plays a log: for each event a byte that says what, then minutes that pass (3), or producer, topic
 * and payload, actual or as an exercise (2). What is no event is passed over. */
void town_play(struct sv_sim *sim, struct fuzz_input *input);

#endif
