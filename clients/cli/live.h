/*
 * A live bus in a drill, for scenarios: each unit publishes through a client of its own, time is
 * moved by the router, and the bus is settled when every stream has been processed to the head.
 */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include "cli.h"
#include "scenario/run.h"

struct scenario_bus *live_open(const struct cli *cli);
void live_close(struct scenario_bus *bus);

/* ---- beside what a scenario needs ---- */

/* Before start: if no service at all is there, none is waited for. After it: are there any? */
void live_services_optional(struct scenario_bus *bus);
bool live_has_services(const struct scenario_bus *bus);
/* Publishes a record of another log under its producer's own name and number; one that is there
 * already counts as published. */
int live_put(struct scenario_bus *bus, const char *producer, const struct ld_record *record,
             struct ld_error *error) LD_MUST_USE;
/* Runs until done says so, asked at least every 50 ms. */
int live_until(struct scenario_bus *bus, bool (*done)(void *data), void *data,
               struct ld_error *error) LD_MUST_USE;

#endif
