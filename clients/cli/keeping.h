/* Publishing through an outbox (docs/outbox.md): kept first, then on its way. */
#ifndef CLI_KEEPING_H
#define CLI_KEEPING_H

#include "bus.h"

/* The options of every command that says one thing through keeping_say. */
#define KEEPING_OPTIONS(cli)                                                                       \
    {"outbox",                                                                                     \
     0,                                                                                            \
     CLI_TEXT,                                                                                     \
     &(cli)->outbox,                                                                               \
     "FILE",                                                                                       \
     {"先存入此发件箱；路由器不在也可", "keep it in this outbox first; the router may be away"}},  \
    {                                                                                              \
        "exercise", 'x', CLI_FLAG, &(cli)->exercise, NULL,                                         \
        {                                                                                          \
            "演练", "an exercise"                                                                  \
        }                                                                                          \
    }

/* Publishes one event, tells what became of it and closes the client. With an outbox (cli->outbox)
 * it is kept there first, and told so; if the router is there, waits until all that is in the
 * outbox is in the log. Returns the exit status: 0 once it is kept or in the log, CLI_REFUSED when
 * it was refused. */
int keeping_say(const struct cli *cli, struct ld_client *client, const char *topic,
                const ProtobufCMessage *message);
/* Publishes what is in the outbox; returns when it is empty (but for refused events), or with
 * CLI_UNREACHABLE after cli->timeout_us without a step forward. */
int keeping_send(const struct cli *cli, const char *path);

#endif
