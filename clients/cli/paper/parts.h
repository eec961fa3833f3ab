/* Inside a paper. */
#ifndef CLI_PARTS_H
#define CLI_PARTS_H

#include "paper.h"

enum paper_kind { PAPER_HEADING, PAPER_LINE, PAPER_TABLE, PAPER_CHART, PAPER_LANES };

struct paper_table_row {
    char **cells;
    enum cli_style style, right_style; /* right_style: of the right lane */
};
struct paper_chart_row {
    char *name;
    struct paper_span *spans; /* texts are owned */
    size_t count, capacity;
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
    int64_t from_us, until_us; /* of a chart */
    struct paper_chart_row *chart;
    size_t chart_count, chart_capacity;
};
struct paper {
    char *title;
    struct paper_part *parts;
    size_t count, capacity;
};

/* A lane's row is a row of a table: cells time, left, right; its styles apart. */
enum { LANE_TIME, LANE_LEFT, LANE_RIGHT, LANE_CELLS };
bool lane_is_same(const struct paper_table_row *row);

void chart_free(struct paper_part *part);
/* Escaped, and an element around it: html.c. */
struct ld_buffer;
void html_escaped(struct ld_buffer *buffer, const char *text);
void html_element(struct ld_buffer *buffer, const char *name, const char *class, const char *text);
const char *html_class(enum cli_style style);
/* The parts of lanes.c as HTML: html_lanes.c. */
extern const char HTML_LANES_STYLE[];
void html_chart(struct ld_buffer *buffer, const struct paper_part *part);
void html_lanes(struct ld_buffer *buffer, const struct paper_part *part);

#endif
