/*
 * Real processes in a temporary folder: the router, the services, back offices and the CLI, as a
 * person would start them. Nothing sleeps: a process is ready when its first line is there, and
 * done when it has ended; each wait has a deadline and fails the test.
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdbool.h>
#include <sys/types.h>

enum { HARNESS_ARGUMENTS_MAX = 32, HARNESS_PROCESSES_MAX = 128 };

struct harness_process {
    char name[64];
    pid_t pid;       /* 0: not running */
    int output;      /* its stdout */
    char read[4096]; /* of it, not taken yet: read_at … read_end */
    size_t read_at, read_end;
    char ready[256]; /* its first line, "" before that */
    char *arguments[HARNESS_ARGUMENTS_MAX + 1];
};

struct harness {
    char folder[64];   /* temporary, removed at the end */
    char endpoint[96]; /* ipc in the folder */
    char data[96];     /* the log's folder */
    char metrics[96];  /* address of the drill's router */
    struct harness_process process[HARNESS_PROCESSES_MAX];
    size_t process_count;
};

void harness_open(struct harness *harness);
/* Stops what runs (SIGTERM, expects exit 0 from each), removes the folder. */
void harness_close(struct harness *harness);

/* Starts bin/<program> (or /program, a path of its own) with the arguments (NULL-terminated) and
 * waits for its first line. A router gets the keys of LIANDONG_KEYS, or --no-keys. */
struct harness_process *harness_start(struct harness *harness, const char *name,
                                      const char *program, ...);
/* The same without waiting: harness_ready is for programs that say when. */
struct harness_process *harness_launch(struct harness *harness, const char *name,
                                       const char *program, ...);
void harness_ready(struct harness_process *process);
/* False: it was not ready so soon. */
bool harness_ready_within(struct harness_process *process, int wait_ms);
/* Starts an ended process again with its arguments; harness_restart waits for its first line. */
void harness_relaunch(struct harness *harness, struct harness_process *process);
void harness_restart(struct harness *harness, struct harness_process *process);
struct harness_process *harness_find(struct harness *harness, const char *name);

/* One line of a process's stdout, without the newline; false at its end. */
bool harness_line(struct harness_process *process, char *line, size_t size);
/* Sends the signal and waits for the end; returns the wait status. */
int harness_signal(struct harness_process *process, int signal);
/* Fails the test, with what was said, if one of them has ended that nobody has ended. */
void harness_expect_running(const struct harness *harness);
/* Waits for the end; returns the wait status. */
int harness_wait(struct harness_process *process);

/* Runs bin/<program> to its end. Returns the exit status; stdout (malloc'ed) in *output if not
 * NULL; stderr goes to the folder's messages. */
int harness_run(struct harness *harness, char **output, const char *program, ...);

/* The usual set: the router, or one in a drill that starts before the outbreak's first day and
 * shows its figures; and all six services. */
void harness_start_router(struct harness *harness);
void harness_start_drill(struct harness *harness, const char *tick_seconds);
void harness_start_services(struct harness *harness);
void harness_start_service(struct harness *harness, const char *service);

/* The log as text in which everything that may differ between two good runs (sequences, causation,
 * the time of ordering, ticks, checkpoints) is left out and events are ordered by producer and
 * topic; malloc'ed. */
char *harness_canonical_log(struct harness *harness);
/* Fails with the first line in which two such logs differ. */
void harness_expect_same(const char *undisturbed, const char *disturbed);

/* What a program shows at --metrics unix:PATH, by curl, as anybody would; malloc'ed. */
char *harness_scrape(struct harness *harness, const char *address);
/* The value of a series in it, which must be there. */
double harness_value(const char *text, const char *series);

/* All that the processes wrote to stderr so far; malloc'ed. */
char *harness_messages(const struct harness *harness);
/* Last lines of what the processes wrote to stderr, for a failing test. */
void harness_show_messages(const struct harness *harness);

#endif
