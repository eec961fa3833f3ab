/* The router watched live in the terminal, until the user quits. Returns the exit status. */
#ifndef CLI_TOP_WATCH_H
#define CLI_TOP_WATCH_H

#include "top.h"

int top_watch(const struct cli *cli, enum top_sort sort);

#endif
