#include "paper.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "picture/keep.h"

struct paper *paper_open(const char *title)
{
    struct paper *paper = keep_zeroed(sizeof *paper);
    paper->title = keep_format("%s", title);
    return paper;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

static void free_part(struct paper_part *part)
{
    free(part->text);
    free_texts(part->names, part->column_count);
    free(part->right);
    for (size_t i = 0; i < part->row_count; i++)
        free_texts(part->rows[i].cells, part->column_count);
    free(part->rows);
    chart_free(part);
}

void paper_close(struct paper *paper)
{
    if (paper == NULL)
        return;
    for (size_t i = 0; i < paper->count; i++)
        free_part(&paper->parts[i]);
    free(paper->parts);
    free(paper->title);
    free(paper);
}

static struct paper_part *last_part(struct paper *paper)
{
    return &paper->parts[paper->count - 1];
}

static struct paper_part *add_part(struct paper *paper, enum paper_kind kind)
{
    paper->parts = keep_room(paper->parts, paper->count, &paper->capacity, sizeof *paper->parts);
    struct paper_part *part = &paper->parts[paper->count++];
    *part = (struct paper_part){.kind = kind};
    return part;
}

void paper_heading(struct paper *paper, const char *text)
{
    add_part(paper, PAPER_HEADING)->text = keep_format("%s", text);
}

void paper_line(struct paper *paper, enum cli_style style, const char *format, ...)
{
    struct paper_part *part = add_part(paper, PAPER_LINE);
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&part->text, format, arguments);
    va_end(arguments);
    if (size < 0)
        abort();
    part->style = style;
}

static char **copies(const char *const *texts, size_t count)
{
    char **all = keep_zeroed((count + 1) * sizeof *all);
    for (size_t i = 0; i < count; i++)
        all[i] = keep_format("%s", texts[i] != NULL ? texts[i] : "");
    return all;
}

void paper_table(struct paper *paper, const struct cli *cli, const struct cli_column *columns,
                 size_t count)
{
    struct paper_part *part = add_part(paper, PAPER_TABLE);
    part->column_count = count;
    part->names = keep_zeroed((count + 1) * sizeof *part->names);
    part->right = keep_zeroed((count + 1) * sizeof *part->right);
    for (size_t i = 0; i < count; i++) {
        part->names[i] = keep_format("%s", cli_text(cli, columns[i].name));
        part->right[i] = columns[i].right;
    }
}

void paper_row(struct paper *paper, enum cli_style style, const char *const *cells)
{
    struct paper_part *part = last_part(paper);
    part->rows = keep_room(part->rows, part->row_count, &part->row_capacity, sizeof *part->rows);
    part->rows[part->row_count++] =
        (struct paper_table_row){copies(cells, part->column_count), style, style};
}

/* ---- charts and lanes ---- */

void paper_chart(struct paper *paper, int64_t from_us, int64_t until_us)
{
    struct paper_part *part = add_part(paper, PAPER_CHART);
    part->from_us = from_us;
    part->until_us = until_us;
}

void paper_chart_row(struct paper *paper, const char *name)
{
    struct paper_part *part = last_part(paper);
    part->chart =
        keep_room(part->chart, part->chart_count, &part->chart_capacity, sizeof *part->chart);
    part->chart[part->chart_count++] = (struct paper_chart_row){.name = keep_format("%s", name)};
}

void paper_chart_span(struct paper *paper, const struct paper_span *span)
{
    struct paper_part *part = last_part(paper);
    struct paper_chart_row *row = &part->chart[part->chart_count - 1];
    row->spans = keep_room(row->spans, row->count, &row->capacity, sizeof *row->spans);
    row->spans[row->count] = *span;
    row->spans[row->count].label = keep_format("%s", span->label);
    row->spans[row->count++].hint = keep_format("%s", span->hint);
}

void chart_free(struct paper_part *part)
{
    for (size_t i = 0; i < part->chart_count; i++) {
        struct paper_chart_row *row = &part->chart[i];
        for (size_t k = 0; k < row->count; k++) {
            free((void *)(uintptr_t)row->spans[k].label);
            free((void *)(uintptr_t)row->spans[k].hint);
        }
        free(row->spans);
        free(row->name);
    }
    free(part->chart);
}

void paper_lanes(struct paper *paper, const char *left_name, const char *right_name,
                 const char *same_name)
{
    struct paper_part *part = add_part(paper, PAPER_LANES);
    const char *const names[LANE_CELLS] = {"", left_name, right_name};
    part->text = keep_format("%s", same_name);
    part->column_count = LANE_CELLS;
    part->names = copies(names, LANE_CELLS);
    part->right = keep_zeroed(LANE_CELLS * sizeof *part->right);
}

void paper_lane(struct paper *paper, const struct paper_lane *lane)
{
    const char *const cells[LANE_CELLS] = {lane->time, lane->text[0], lane->text[1]};
    paper_row(paper, lane->style[0], cells);
    struct paper_part *part = last_part(paper);
    part->rows[part->row_count - 1].right_style = lane->style[1];
}

bool lane_is_same(const struct paper_table_row *row)
{
    return strcmp(row->cells[LANE_LEFT], row->cells[LANE_RIGHT]) == 0;
}

/* ---- as text ---- */

static void print_table(const struct cli *cli, const struct paper_part *part)
{
    struct cli_column *columns = keep_zeroed((part->column_count + 1) * sizeof *columns);
    if (part->row_count > 0) {
        for (size_t i = 0; i < part->column_count; i++)
            columns[i] = (struct cli_column){.name = {part->names[i], part->names[i]},
                                             .right = part->right[i],
                                             .wrap = i + 1 == part->column_count ||
                                                     (part->kind == PAPER_LANES && i > 0)};
        struct cli_table *table = cli_table_open(cli, columns, part->column_count);
        for (size_t i = 0; i < part->row_count; i++)
            cli_table_row_in(table, part->rows[i].style, (const char *const *)part->rows[i].cells);
        cli_table_print(table);
    }
    free(columns);
}

static void print_lane(const struct cli *cli, char mark, enum cli_style style, const char *time,
                       const char *text)
{
    if (text[0] != '\0')
        printf("%s%c %s  %s%s\n", cli_on(cli, style), mark, time, text, cli_off(cli));
}

/* As two files are compared: what only the left has, what only the right has. */
static void print_lanes(const struct cli *cli, const struct paper_part *part)
{
    printf("- %s\n+ %s\n", part->names[LANE_LEFT], part->names[LANE_RIGHT]);
    for (size_t i = 0; i < part->row_count; i++) {
        const struct paper_table_row *row = &part->rows[i];
        if (lane_is_same(row))
            continue;
        print_lane(cli, '-', row->style, row->cells[LANE_TIME], row->cells[LANE_LEFT]);
        print_lane(cli, '+', row->right_style, row->cells[LANE_TIME], row->cells[LANE_RIGHT]);
    }
}

void paper_print(const struct cli *cli, const struct paper *paper)
{
    printf("%s%s%s\n", cli_on(cli, CLI_BOLD), paper->title, cli_off(cli));
    for (size_t i = 0; i < paper->count; i++) {
        const struct paper_part *part = &paper->parts[i];
        if (part->kind == PAPER_TABLE)
            print_table(cli, part);
        else if (part->kind == PAPER_LANES)
            print_lanes(cli, part);
        else if (part->kind == PAPER_CHART)
            continue;
        else if (part->kind == PAPER_HEADING)
            printf("\n%s%s%s\n", cli_on(cli, CLI_BOLD), part->text, cli_off(cli));
        else
            printf("%s%s%s\n", cli_on(cli, part->style), part->text, cli_off(cli));
    }
}
