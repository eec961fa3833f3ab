/* The subcommands of liandong supply. */
#ifndef CLI_SUPPLY_H
#define CLI_SUPPLY_H

#include "cli.h"

int supply_stock(struct cli *cli, int argc, char **argv);
int supply_batches(struct cli *cli, int argc, char **argv);
int supply_requests(struct cli *cli, int argc, char **argv);
int supply_movements(struct cli *cli, int argc, char **argv);
int supply_owed(struct cli *cli, int argc, char **argv);
int supply_donations(struct cli *cli, int argc, char **argv);
int supply_reserves(struct cli *cli, int argc, char **argv);
int supply_page(struct cli *cli, int argc, char **argv);
int supply_why(struct cli *cli, int argc, char **argv);   /* why.c */
int supply_count(struct cli *cli, int argc, char **argv); /* take.c */
int supply_act(struct cli *cli, int argc, char **argv);   /* act.c */

#endif
