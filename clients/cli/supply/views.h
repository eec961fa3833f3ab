/* What can be asked about supplies: each view is one question to the read model and how its answer
 * is shown. */
#ifndef CLI_SUPPLY_VIEWS_H
#define CLI_SUPPLY_VIEWS_H

#include "model.h"
#include "paper/paper.h"

struct view;
extern const struct view VIEW_STOCK, VIEW_BATCHES, VIEW_REQUESTS, VIEW_MOVEMENTS, VIEW_OWED,
    VIEW_DONATIONS, VIEW_RESERVES;

/* The rows; the caller's. NULL with the error if it fails. */
json_t *view_ask(const struct view *view, struct model *model, const struct model_filter *filter,
                 struct ld_error *error);
/* A heading and a table of the rows; nothing if there are none. now_us: days left count from here.
 */
void view_put(const struct cli *cli, const struct view *view, const json_t *rows, int64_t now_us,
              struct paper *paper);
/* Rows of VIEW_STOCK as a chart: until when what each holder has lasts. */
void view_chart(const struct cli *cli, const json_t *stock, int64_t now_us, struct paper *paper);
const char *view_name(const struct view *view);

#endif
