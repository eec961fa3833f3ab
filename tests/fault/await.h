/* Waiting for something to come about in the files of a folder, as long as it comes nearer. */
#ifndef TESTS_FAULT_AWAIT_H
#define TESTS_FAULT_AWAIT_H

#include "../integration/harness.h"

/* How much is left to come; 0: it is there. */
typedef uint64_t await_fn(void *data);
/* Asks again whenever a file in the folder has changed. Fails the test when for a minute it has
 * not become less, however long it takes in all, and when a process has ended by itself; says what
 * did not come, and what the processes said. */
void await_folder(struct harness *harness, const char *folder, await_fn *left, void *data,
                  const char *what);

#endif
