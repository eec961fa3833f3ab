/* Waiting until something is true of the files in a folder, with a deadline. */
#ifndef TESTS_FAULT_AWAIT_H
#define TESTS_FAULT_AWAIT_H

#include <stdbool.h>

typedef bool await_fn(void *data);
/* Asks again whenever a file in the folder has changed. Fails the test after a minute, saying
 * what did not come. */
void await_folder(const char *folder, await_fn *is_so, void *data, const char *what);

#endif
