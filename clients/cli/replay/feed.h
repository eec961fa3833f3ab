/*
 * Feeding: what came into a log from outside goes once more to a router in a drill, in the same
 * order, at the same times of the drill's clock, under the same names and numbers. The services
 * there derive the rest. Can be interrupted and run again: it goes on where it stopped.
 */
#ifndef CLI_FEED_H
#define CLI_FEED_H

#include "cli.h"
#include "replay/inputs.h"

struct feed_options {
    const char *directory; /* the log */
    enum log_world world;
    double pace; /* drill time per real time: 1 original; 0: as fast as it goes */
    bool step;   /* wait for Enter before each event */
};

/* "original", "x60", "max", "step" into options; false: it is none of them. */
bool feed_speed(const char *text, struct feed_options *options);
/* "actual", "exercise". */
bool feed_world(const char *text, enum log_world *world);

/* To the router at cli->endpoint; returns the exit status. */
int feed_run(const struct cli *cli, const struct feed_options *options);

#endif
