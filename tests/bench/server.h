/* The servers that a run measures: one of our own, or those that a script has started. */
#ifndef LIANDONG_SERVER_H
#define LIANDONG_SERVER_H

#include <sys/types.h>
#include "series.h"
#include "slow_sync.h"

enum { SERVER_TEXT_SIZE = 256 };

struct server {
    const struct series *series;
    char endpoint[SERVER_TEXT_SIZE];
    pid_t group;                 /* of processes, stopped while others are measured; 0: none */
    struct slow_sync_page *page; /* NULL: not run under slow_sync */
};

/* NAME=ENDPOINT[,GROUP[,PAGE]], as in "redis=tcp://127.0.0.1:7601,1234,/tmp/page". */
void server_parse(struct server *server, const char *text);
/* Starts a router on a directory made under this one. */
void server_start_router(struct server *server, const char *program, const char *directory);
void server_stop_router(struct server *server);

void server_pause(const struct server *server);
void server_continue(const struct server *server);
/* Syncs made so far, as counted by slow_sync or by the system itself; negative: nobody counts. */
double server_syncs(const struct server *server);

/* Of all processes of the server. */
struct usage {
    double cpu_s;
    double anon_mib; /* resident: its own, and shared without a file */
    double file_mib; /* resident: mapped files, which the kernel may drop */
};
struct usage server_usage(const struct server *server);

#endif
