/* What sim and play share: reading the file, showing it as it runs, the verdict. */
#ifndef CLI_PLAYING_H
#define CLI_PLAYING_H

#include "cli.h"
#include "scenario/run.h"

struct playing {
    const struct cli *cli;
    const char *path;
    bool events, quiet; /* every derived event; nothing but the verdict */
    bool external_replies;
    int64_t start_us;            /* 0: as the scenario says */
    struct recording *recording; /* takes every record; NULL: none */
};

/* Reads and runs the scenario on the bus; returns the exit status. */
int playing_run(const struct playing *playing, struct scenario_bus *bus);

#endif
