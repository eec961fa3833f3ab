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

#endif
