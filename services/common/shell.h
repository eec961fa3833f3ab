/*
 * The shell: a service as a process. Parses the command line, opens the client, restores the
 * snapshot, streams events into the host and publishes what comes out; confirms an event only when
 * all that follows from it is durable, so that a crash at any moment is made good by reading on
 * from the last snapshot (outputs already published are dropped as duplicates).
 */
#ifndef SV_SHELL_H
#define SV_SHELL_H

#include "core.h"

/* main() of every service: returns the exit status. Options: --endpoint, --snapshot FILE,
 * --snapshot-events N, --unit UNIT (duty), --help. Prints "ready" once its stream is open. */
int sv_shell_main(int argc, char **argv, const struct sv_class *class);

#endif
