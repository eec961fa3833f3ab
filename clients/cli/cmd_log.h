/* The commands of liandong log that have files of their own. */
#ifndef CMD_LOG_H
#define CMD_LOG_H

#include "cli.h"
#include "evlog/evlog.h"

int log_key(struct cli *cli, int argc, char **argv);
int log_head(struct cli *cli, int argc, char **argv);
int log_archive(struct cli *cli, int argc, char **argv);
int log_hold(struct cli *cli, int argc, char **argv);
int log_restore(struct cli *cli, int argc, char **argv);
int log_repair(struct cli *cli, int argc, char **argv);

/* Compares the log in directory, and what is archived of it in archive (NULL: directory/archive),
 * with the head in a file, and the head's signature with a public key
 * file (NULL: not asked); tells what it finds. Returns the exit status. */
int log_compare_head(struct cli *cli, const char *directory, const char *archive,
                     const char *head_path, const char *key_path);

/* A finding of verification, told. data is the struct cli. */
void log_print_finding(const char *segment, uint64_t sequence, const char *text, void *data);

#endif
