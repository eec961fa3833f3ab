/* An account as a paper, and as one JSON object. */
#ifndef CLI_ACCOUNT_SHOW_H
#define CLI_ACCOUNT_SHOW_H

#include "account.h"
#include "paper/paper.h"

struct paper *account_paper(const struct cli *cli, const struct account *account);
json_t *account_json(const struct account *account);

/* The names of 7-1-7's steps: "detect", "notify", "respond". */
extern const char *const ACCOUNT_STEP_NAMES[ACCOUNT_STEPS];

#endif
