/* Publishing through an outbox (docs/outbox.md): kept first, then on its way. */
#ifndef CLI_KEEPING_H
#define CLI_KEEPING_H

#include "bus.h"

/* Keeps the event in the outbox cli->outbox and tells so; if the router is there, waits until all
 * that is in the outbox is in the log, and tells that too. Returns the exit status: 0 once it is
 * kept, CLI_REFUSED when the router refused it. */
int keeping_publish_and_tell(const struct cli *cli, struct ld_client *client,
                             const struct bus_event *event);
/* Publishes what is in the outbox; returns when it is empty (but for refused events), or with
 * CLI_UNREACHABLE after cli->timeout_us without a step forward. */
int keeping_send(const struct cli *cli, const char *path);

#endif
