/* SIGTERM and SIGINT as something to read, for a program with a loop. No handler runs in any
 * thread, so that a signal can come at any moment of a program's end and change nothing. */
#ifndef LD_BASE_STOPPING_H
#define LD_BASE_STOPPING_H

#include <liandong/error.h>

/* Blocks both signals for this thread and all that it makes later: call it first. Returns a
 * descriptor that is readable when one has come; close it at the end. -1: no descriptors left. */
int ld_stopping_open(void);
/* Takes what has come: true if there was one. */
bool ld_stopping_read(int descriptor);

#endif
