/* Two of the plan's subcommands. */
#ifndef CLI_PLAN_DIFF_H
#define CLI_PLAN_DIFF_H

#include "cli.h"

int plan_list(struct cli *cli, int argc, char **argv);
int plan_diff(struct cli *cli, int argc, char **argv);

#endif
