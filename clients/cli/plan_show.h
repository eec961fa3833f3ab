/* A plan on the screen. */
#ifndef CLI_PLAN_SHOW_H
#define CLI_PLAN_SHOW_H

#include "cli.h"

struct plan_show_options {
    bool units, criteria, procedure, clocks;
    const char *duties_of; /* unit; NULL: not wanted */
};
/* Returns the exit status: CLI_USAGE if the unit named is no member. */
int plan_show_print(const struct cli *cli, const struct plan *plan,
                    const struct plan_show_options *options);

#endif
