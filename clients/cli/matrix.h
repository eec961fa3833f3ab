/*
 * The matrix of units against orders: a row for each unit of an incident, a column for each state
 * that occurs, or for each level. In a cell: how many orders and how old the oldest is, or each
 * order with its age. What asks for most comes first: units that are late, then those that
 * declined, that have not seen, that are at work. On a terminal that is too narrow each unit is a
 * paragraph instead.
 */
#ifndef CLI_MATRIX_H
#define CLI_MATRIX_H

#include "orders.h"

enum matrix_by {
    MATRIX_COUNTS, /* how many in each state */
    MATRIX_STATES, /* which in each state */
    MATRIX_LEVELS  /* which at each level, with their states */
};
struct matrix_view {
    enum matrix_by by;
    const struct model_about *about; /* ages are as of then */
    json_t *status;                  /* the router's, for who is connected; NULL: not known */
    bool busy_only;                  /* of units with nothing open only the number, in text */
};

/* As text, all incidents that the rows (of orders_ask) are of, one after the other. */
void matrix_print(const struct cli *cli, const struct matrix_view *view, json_t *rows);
/* One incident's units with their orders by state, counted: an array. */
json_t *matrix_counts(const struct matrix_view *view, json_t *rows, const char *incident,
                      bool exercise);
/* One object for each incident, its units with each of their orders: an array. */
json_t *matrix_orders(json_t *rows);

#endif
