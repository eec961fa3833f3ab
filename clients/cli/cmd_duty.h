/* The parts of liandong duty. */
#ifndef CLI_CMD_DUTY_H
#define CLI_CMD_DUTY_H

#include <liandong/record.h>

#include "cli.h"

/* The topics of a unit's orders, as a filter; of all units' for NULL. LD_INVALID: it is no unit. */
int duty_topics(const char *unit, char filter[LD_TOPIC_SIZE_MAX], struct ld_error *error);

int duty_list(struct cli *cli, int argc, char **argv);
int duty_matrix(struct cli *cli, int argc, char **argv);

#endif
