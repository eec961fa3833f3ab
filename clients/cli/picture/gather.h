/* What happens to many units at once, gathered into one line each. */
#ifndef CLI_GATHER_H
#define CLI_GATHER_H

#include "tell.h"

/* Adds a duty order's change or a notice to what happened at this time. */
void gather(struct story *story, const struct ld_record *record, const struct picture_event *event);
void gather_flush(struct story *story); /* tells and forgets */
void gather_clear(struct story *story); /* forgets */

#endif
