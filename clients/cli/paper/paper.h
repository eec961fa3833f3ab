/*
 * A paper: headings, lines and tables in the language of the screen, put together once and then
 * shown as text or written as one HTML file that needs nothing else and prints well. Everything is
 * copied. Colour only ever repeats what a word beside it says.
 */
#ifndef CLI_PAPER_H
#define CLI_PAPER_H

#include "cli.h"

struct paper;
struct paper *paper_open(const char *title);
void paper_close(struct paper *paper); /* NULL is legal */

void paper_heading(struct paper *paper, const char *text);
void paper_line(struct paper *paper, enum cli_style style, const char *format, ...) LD_PRINTF(3, 4);
/* A table; its rows follow, each with a cell for each column. A table without rows is left out. */
void paper_table(struct paper *paper, const struct cli *cli, const struct cli_column *columns,
                 size_t count);
void paper_row(struct paper *paper, enum cli_style style, const char *const *cells);

/* A chart of what held when, on one axis of time: rows of spans. Shown in HTML only: what it says
 * is also to stand in a table. height 1 … 4; until_us 0: to the end. */
void paper_chart(struct paper *paper, int64_t from_us, int64_t until_us);
void paper_chart_row(struct paper *paper, const char *name);
struct paper_span {
    enum cli_style style;
    int height;
    const char *label; /* short, inside */
    const char *hint;  /* in full */
    int64_t from_us, until_us;
};
void paper_chart_span(struct paper *paper, const struct paper_span *span);

/* Two lanes side by side in time. A line that is the same in both is in left and right; one that
 * only one of them has leaves the other NULL. As text only the differing ones are shown. */
struct paper_lane {
    const char *time;
    enum cli_style style[2];
    const char *text[2];
};
void paper_lanes(struct paper *paper, const char *left_name, const char *right_name,
                 const char *same_name);
void paper_lane(struct paper *paper, const struct paper_lane *lane);

void paper_print(const struct cli *cli, const struct paper *paper);
/* Writes it as HTML to path, or shows it if path is NULL. The exit status; what failed is said. */
int paper_put(const struct cli *cli, const struct paper *paper, const char *path);

#endif
