/* Inside a paper. */
#ifndef CLI_PARTS_H
#define CLI_PARTS_H

#include "paper.h"

enum paper_kind { PAPER_HEADING, PAPER_LINE, PAPER_TABLE };

struct paper_table_row {
    char **cells;
    enum cli_style style;
};
struct paper_part {
    enum paper_kind kind;
    char *text; /* of a heading or a line */
    enum cli_style style;
    char **names; /* of a table's columns */
    bool *right;
    size_t column_count;
    struct paper_table_row *rows;
    size_t row_count, row_capacity;
};
struct paper {
    char *title;
    struct paper_part *parts;
    size_t count, capacity;
};

#endif
