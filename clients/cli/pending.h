/* Procedures under way: which step of a response or a warning is waited for, and of whom; asked of
 * the read model. Used by status. */
#ifndef CLI_PENDING_H
#define CLI_PENDING_H

#include "model.h"

/* As rows, the longest waiting first. The filter's unit (who may take the step), incident and area
 * count. */
json_t *pending_ask(struct model *model, const struct model_filter *filter, struct ld_error *error);
/* about: ages are as of then. A line each; nothing if there are none. */
void pending_print(const struct cli *cli, const struct model_about *about, json_t *rows);
json_t *pending_json(json_t *rows); /* an array */

#endif
