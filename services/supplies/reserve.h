/* Standing reserves: who has to keep how much, and who is told when it does not. */
#ifndef SUPPLIES_RESERVE_H
#define SUPPLIES_RESERVE_H

#include "supplies.h"

/* After an event: looks at the holders whose stock it has changed; with the first event of a day in
 * China at all of them. */
void reserve_check(struct handling *handling);

#endif
