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

void paper_print(const struct cli *cli, const struct paper *paper);
/* LD_OK; LD_INVALID if there can be no such file; LD_IO. */
int paper_write_html(const struct cli *cli, const struct paper *paper, const char *path,
                     struct ld_error *error) LD_MUST_USE;

#endif
