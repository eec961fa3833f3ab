/* Following the log from the bus into the read model. */
#ifndef PROJECTION_FOLLOW_H
#define PROJECTION_FOLLOW_H

#include "projection.h"

/* Until it is asked to stop (SIGTERM, SIGINT: true) or cannot go on (said; false). Says "ready
 * projection from SEQUENCE" on standard output when its stream is open. */
bool follow(const char *endpoint, struct projection *projection);

#endif
