/* The parts of liandong notice: what is done about notices (cmd_notice_act.c), and what became of
 * them (cmd_notice_sent.c). */
#ifndef CLI_CMD_NOTICE_H
#define CLI_CMD_NOTICE_H

#include "cli.h"

int notice_contact(struct cli *cli, int argc, char **argv);
int notice_acknowledge(struct cli *cli, int argc, char **argv);
int notice_seen(struct cli *cli, int argc, char **argv);
int notice_repeat(struct cli *cli, int argc, char **argv);
int notice_correct(struct cli *cli, int argc, char **argv);
int notice_sent(struct cli *cli, int argc, char **argv);

#endif
