/* Time limits that ask for somebody's attention, asked of the read model: missed and not yet made
 * good, silent ones among them, and those that are nearly up. Used by status. */
#ifndef CLI_LATE_H
#define CLI_LATE_H

#include "model.h"

/* As rows: what is missed first, then what is nearly up; each the longest first. The filter's unit,
 * incident and area count. */
json_t *late_ask(struct model *model, const struct model_filter *filter, struct ld_error *error);
/* about: ages are as of then. A table, or on a narrower screen a paragraph each; nothing if there
 * are none. */
void late_print(const struct cli *cli, const struct model_about *about, json_t *rows);
json_t *late_json(json_t *rows); /* an array */

#endif
