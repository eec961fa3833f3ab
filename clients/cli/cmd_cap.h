/* The parts of liandong cap. */
#ifndef CLI_CMD_CAP_H
#define CLI_CMD_CAP_H

#include "cli.h"

int cap_take_file(struct cli *cli, int argc, char **argv); /* cmd_cap_take.c */

#endif
