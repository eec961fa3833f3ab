/* What the files of liandong keys share. */
#ifndef CLI_CMD_KEYS_H
#define CLI_CMD_KEYS_H

#include "cli.h"
#include "keys/keys.h"

/* The directory of the keys; false, with what to do said, if none was given. */
bool keys_directory(const struct cli *cli, const char **directory);

int keys_list(struct cli *cli, int argc, char **argv);
int keys_check(struct cli *cli, int argc, char **argv);

#endif
