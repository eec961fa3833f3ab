/*
 * The matrix, as text and as JSON. Rows come in order of incident and unit, so each unit is a run
 * of rows. Whether the table fits the screen is reckoned before anything is printed.
 */
#include "matrix.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "health.h"
#include "liandong/v1/duty.pb-c.h"
#include "telling.h"

enum { COLUMNS_MAX = PICTURE_STATES, LEADING_MAX = 3 /* unit, name, heard */ };

struct cell {
    size_t count;
    int64_t oldest_us; /* when the oldest of them came into its state */
    int state;         /* the one that asks for most */
    bool late;         /* one of them is open, and a time of its is up */
    struct ld_buffer lines;
};
struct unit {      /* a row */
    json_t *first; /* of its orders */
    size_t orders, open, overdue;
    size_t place; /* among the rows */
    struct cell cells[COLUMNS_MAX];
};
struct matrix {
    const struct matrix_view *view;
    struct unit *units;
    size_t count;
    size_t used[COLUMNS_MAX]; /* orders in each column */
};

/* ---- states ---- */

/* The more it asks for, the later: a cell shows the last of its states. */
static int urgency(int state)
{
    static const int ORDER[PICTURE_STATES] = {[LIANDONG__V1__DUTY_ORDER__STATE__WITHDRAWN] = 1,
                                              [LIANDONG__V1__DUTY_ORDER__STATE__SUPERSEDED] = 2,
                                              [LIANDONG__V1__DUTY_ORDER__STATE__DONE] = 3,
                                              [LIANDONG__V1__DUTY_ORDER__STATE__IN_PROGRESS] = 4,
                                              [LIANDONG__V1__DUTY_ORDER__STATE__ACCEPTED] = 5,
                                              [LIANDONG__V1__DUTY_ORDER__STATE__ACKNOWLEDGED] = 6,
                                              [LIANDONG__V1__DUTY_ORDER__STATE__DELIVERED] = 7,
                                              [LIANDONG__V1__DUTY_ORDER__STATE__ISSUED] = 8,
                                              [LIANDONG__V1__DUTY_ORDER__STATE__DECLINED] = 9,
                                              [LIANDONG__V1__DUTY_ORDER__STATE__OVERDUE] = 10,
                                              [LIANDONG__V1__DUTY_ORDER__STATE__ESCALATED] = 11};
    return state >= 0 && state < PICTURE_STATES ? ORDER[state] : 0;
}

static bool is_open(int state)
{
    return urgency(state) > urgency(LIANDONG__V1__DUTY_ORDER__STATE__DONE);
}

static enum cli_style style_of(const struct cell *cell)
{
    if (cell->count == 0)
        return CLI_PLAIN;
    if (cell->late)
        return CLI_RED;
    switch (cell->state) {
    case LIANDONG__V1__DUTY_ORDER__STATE__OVERDUE:
    case LIANDONG__V1__DUTY_ORDER__STATE__ESCALATED:
        return CLI_RED;
    case LIANDONG__V1__DUTY_ORDER__STATE__DECLINED:
        return CLI_ORANGE;
    case LIANDONG__V1__DUTY_ORDER__STATE__ISSUED:
    case LIANDONG__V1__DUTY_ORDER__STATE__DELIVERED:
        return CLI_YELLOW;
    case LIANDONG__V1__DUTY_ORDER__STATE__DONE:
        return CLI_GREEN;
    case LIANDONG__V1__DUTY_ORDER__STATE__SUPERSEDED:
    case LIANDONG__V1__DUTY_ORDER__STATE__WITHDRAWN:
        return CLI_DIM;
    default:
        return CLI_BLUE;
    }
}

/* ---- gathering ---- */

static bool same(const json_t *left, const json_t *right, bool unit_too)
{
    return model_number(left, "exercise") == model_number(right, "exercise") &&
           strcmp(model_text(left, "incident"), model_text(right, "incident")) == 0 &&
           (!unit_too || strcmp(model_text(left, "unit"), model_text(right, "unit")) == 0);
}

static size_t column_of(const struct matrix_view *view, const json_t *row)
{
    int64_t at = view->by == MATRIX_LEVELS ? model_number(row, "level") : orders_state(row);
    return at >= 0 && at < COLUMNS_MAX ? (size_t)at : 0;
}

static void add_line(const struct cli *cli, const struct matrix *matrix, struct cell *cell,
                     const json_t *row)
{
    char age[CLI_AGE_SIZE], word[ENUM_WORD_SIZE];
    const char *duty = model_text(row, "duty");
    cli_age(cli, age, matrix->view->about->time_us - model_number(row, "changed_at_us"));
    if (cell->lines.size > 0)
        ld_buffer_text(&cell->lines, "\n");
    if (matrix->view->by == MATRIX_LEVELS)
        ld_buffer_format(&cell->lines, "%s %s %s", duty, order_state(cli, word, orders_state(row)),
                         age);
    else
        ld_buffer_format(&cell->lines, "%s %s", duty, age);
}

static void add_order(struct matrix *matrix, struct unit *unit, const json_t *row,
                      const struct cli *cli)
{
    size_t column = column_of(matrix->view, row);
    struct cell *cell = &unit->cells[column];
    int64_t since_us = model_number(row, "changed_at_us");
    int state = orders_state(row);
    unit->orders++;
    unit->open += is_open(state);
    unit->overdue += model_number(row, "ever_overdue") != 0;
    if (cell->count == 0 || since_us < cell->oldest_us)
        cell->oldest_us = since_us;
    if (cell->count == 0 || urgency(state) > urgency(cell->state))
        cell->state = state;
    cell->late |= is_open(state) && model_text(row, "late_for")[0] != '\0';
    cell->count++;
    matrix->used[column]++;
    if (cli != NULL && matrix->view->by != MATRIX_COUNTS)
        add_line(cli, matrix, cell, row);
}

static struct unit *new_unit(struct matrix *matrix, json_t *row)
{
    matrix->units = reallocarray(matrix->units, matrix->count + 1, sizeof *matrix->units);
    if (matrix->units == NULL)
        abort();
    struct unit *unit = &matrix->units[matrix->count++];
    *unit = (struct unit){.first = row, .place = matrix->count};
    return unit;
}

/* The matrix of the incident that the row at index is of; returns the index behind its rows. cli
 * may be NULL: then no lines are made. */
static size_t gather(struct matrix *matrix, const struct matrix_view *view, json_t *rows,
                     size_t index, const struct cli *cli)
{
    json_t *first = json_array_get(rows, index), *row;
    struct unit *unit = NULL;
    *matrix = (struct matrix){.view = view};
    for (; (row = json_array_get(rows, index)) != NULL && same(first, row, false); index++) {
        if (unit == NULL || !same(unit->first, row, true))
            unit = new_unit(matrix, row);
        add_order(matrix, unit, row, cli);
    }
    return index;
}

static void forget_unit(struct matrix *matrix, struct unit *unit)
{
    for (size_t k = 0; k < COLUMNS_MAX; k++) {
        matrix->used[k] -= unit->cells[k].count;
        ld_buffer_free(&unit->cells[k].lines);
    }
}

static void forget(struct matrix *matrix)
{
    for (size_t i = 0; i < matrix->count; i++)
        forget_unit(matrix, &matrix->units[i]);
    free(matrix->units);
}

/* ---- what asks for most ---- */

/* Late now: 4; declined: 3; not seen: 2; at work: 1; nothing open: 0. */
static int rank_of_cell(const struct cell *cell)
{
    if (cell->count == 0 || !is_open(cell->state))
        return 0;
    if (cell->late || urgency(cell->state) >= urgency(LIANDONG__V1__DUTY_ORDER__STATE__OVERDUE))
        return 4;
    if (cell->state == LIANDONG__V1__DUTY_ORDER__STATE__DECLINED)
        return 3;
    return urgency(cell->state) >= urgency(LIANDONG__V1__DUTY_ORDER__STATE__DELIVERED) ? 2 : 1;
}

static int rank_of(const struct unit *unit, int64_t *since_us)
{
    int rank = 0;
    *since_us = INT64_MAX;
    for (size_t k = 0; k < COLUMNS_MAX; k++) {
        const struct cell *cell = &unit->cells[k];
        int other = rank_of_cell(cell);
        if (other > rank || (other == rank && rank > 0 && cell->oldest_us < *since_us))
            *since_us = cell->oldest_us;
        rank = other > rank ? other : rank;
    }
    return rank;
}

/* The longest first; else as the rows come. */
static int compare_units(const void *left, const void *right)
{
    const struct unit *one = left, *other = right;
    int64_t one_us, other_us;
    int difference = rank_of(other, &other_us) - rank_of(one, &one_us);
    if (difference != 0)
        return difference;
    if (one_us != other_us)
        return one_us < other_us ? -1 : 1;
    return one->place < other->place ? -1 : 1;
}

/* Leaves those with something open, and returns how many others there were. */
static size_t leave_busy(struct matrix *matrix)
{
    size_t busy = 0;
    while (busy < matrix->count && matrix->units[busy].open > 0)
        busy++;
    size_t others = matrix->count - busy;
    for (size_t i = busy; i < matrix->count; i++)
        forget_unit(matrix, &matrix->units[i]);
    matrix->count = busy;
    return others;
}

/* ---- as text ---- */

static const char *heading(const struct cli *cli, const struct matrix *matrix, size_t column,
                           char word[ENUM_WORD_SIZE])
{
    return matrix->view->by == MATRIX_LEVELS ? cli_level(cli, (int)column)
                                             : order_state(cli, word, (int)column);
}

static const char *cell_text(const struct cli *cli, const struct matrix *matrix, struct cell *cell)
{
    char age[CLI_AGE_SIZE];
    if (cell->count == 0)
        return "";
    if (cell->lines.size == 0)
        ld_buffer_format(&cell->lines, "%zu (%s)", cell->count,
                         cli_age(cli, age, matrix->view->about->time_us - cell->oldest_us));
    return ld_buffer_string(&cell->lines);
}

static const char *unit_name(const struct cli *cli, const struct unit *unit)
{
    return model_text(unit->first, cli->zh ? "unit_name_zh" : "unit_name_en");
}

/* Only status asks for more than orders. */
static bool knows_links(const struct matrix *matrix)
{
    return matrix->view->by == MATRIX_COUNTS;
}

/* "on line", or how long ago it was heard. */
static const char *link_text(const struct cli *cli, const struct matrix *matrix,
                             const struct unit *unit, char text[CLI_AGE_SIZE])
{
    struct health health = {0};
    int64_t heard_us = model_number(unit->first, "last_heard_us");
    if (matrix->view->status != NULL)
        health_of(matrix->view->status, model_text(unit->first, "unit"), &health);
    if (health.alive > 0)
        return cli_say(cli, "在线", "on line");
    return heard_us == 0 ? cli_say(cli, "从未", "never")
                         : cli_age(cli, text, matrix->view->about->time_us - heard_us);
}

/* The widest of the lines. */
static size_t lines_width(const char *text)
{
    size_t widest = 0;
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        char line[256];
        snprintf(line, sizeof line, "%.*s", (int)size, text);
        size_t width = cli_width(line);
        widest = width > widest ? width : widest;
        text += size + (text[size] == '\n');
    }
    return widest;
}

static size_t wider(size_t width, const char *text)
{
    size_t other = lines_width(text);
    return other > width ? other : width;
}

static bool fits(const struct cli *cli, struct matrix *matrix)
{
    char word[ENUM_WORD_SIZE];
    size_t unit = 0, name = 0, all = knows_links(matrix) ? 9 : 0; /* and a space */
    for (size_t i = 0; i < matrix->count; i++) {
        unit = wider(unit, model_text(matrix->units[i].first, "unit"));
        name = wider(name, unit_name(cli, &matrix->units[i]));
    }
    for (size_t k = 0; k < COLUMNS_MAX; k++) {
        if (matrix->used[k] == 0)
            continue;
        size_t width = lines_width(heading(cli, matrix, k, word));
        for (size_t i = 0; i < matrix->count; i++)
            width = wider(width, cell_text(cli, matrix, &matrix->units[i].cells[k]));
        all += width + 1;
    }
    return unit + 1 + name + 1 + all <= cli_screen_width(cli);
}

static void add_table_row(const struct cli *cli, struct cli_table *table, struct matrix *matrix,
                          struct unit *unit)
{
    char link[CLI_AGE_SIZE];
    const char *cells[LEADING_MAX + COLUMNS_MAX] = {model_text(unit->first, "unit"),
                                                    unit_name(cli, unit)};
    enum cli_style styles[LEADING_MAX + COLUMNS_MAX] = {CLI_PLAIN};
    size_t at = 2;
    if (knows_links(matrix))
        cells[at++] = link_text(cli, matrix, unit, link);
    for (size_t k = 0; k < COLUMNS_MAX; k++) {
        if (matrix->used[k] == 0)
            continue;
        styles[at] = style_of(&unit->cells[k]);
        cells[at++] = cell_text(cli, matrix, &unit->cells[k]);
    }
    cli_table_row_styled(table, styles, cells);
}

static void print_table(const struct cli *cli, struct matrix *matrix)
{
    char words[COLUMNS_MAX][ENUM_WORD_SIZE];
    struct cli_column columns[LEADING_MAX + COLUMNS_MAX] = {{.name = {"单位", "UNIT"}},
                                                            {.name = {"名称", "NAME"}}};
    size_t count = 2;
    if (knows_links(matrix))
        columns[count++] = (struct cli_column){.name = {"联系", "HEARD"}};
    for (size_t k = 0; k < COLUMNS_MAX; k++) {
        const char *name = heading(cli, matrix, k, words[k]);
        if (matrix->used[k] > 0)
            columns[count++] = (struct cli_column){.name = {name, name}, .lines = true};
    }
    struct cli_table *table = cli_table_open(cli, columns, count);
    for (size_t i = 0; i < matrix->count; i++)
        add_table_row(cli, table, matrix, &matrix->units[i]);
    cli_table_print(table);
}

/* "  word  line, line, …", as many on a line of the screen as there is room for. */
static void print_cell(const struct cli *cli, const char *word, enum cli_style style,
                       const char *text)
{
    size_t indent = 2 + cli_width(word) + 1, at = indent, screen = cli_screen_width(cli);
    printf("  %s%s%s", cli_on(cli, style), word, cli_off(cli));
    while (*text != '\0') {
        char line[256];
        size_t size = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)size, text);
        text += size + (text[size] == '\n');
        const char *comma = *text != '\0' ? "," : "";
        size_t width = cli_width(line) + cli_width(comma);
        if (at > indent && at + width > screen) {
            printf("\n%*s", (int)indent - 1, "");
            at = indent;
        }
        printf(" %s%s", line, comma);
        at += width + 1;
    }
    putchar('\n');
}

static void print_paragraphs(const struct cli *cli, struct matrix *matrix)
{
    for (size_t i = 0; i < matrix->count; i++) {
        struct unit *unit = &matrix->units[i];
        char word[ENUM_WORD_SIZE], link[CLI_AGE_SIZE];
        printf("%s%s%s %s", cli_on(cli, CLI_BOLD), model_text(unit->first, "unit"), cli_off(cli),
               unit_name(cli, unit));
        if (knows_links(matrix))
            printf(cli_say(cli, "（%s）", " (%s)"), link_text(cli, matrix, unit, link));
        putchar('\n');
        for (size_t k = 0; k < COLUMNS_MAX; k++)
            if (unit->cells[k].count > 0)
                print_cell(cli, heading(cli, matrix, k, word), style_of(&unit->cells[k]),
                           cell_text(cli, matrix, &unit->cells[k]));
    }
}

void matrix_print(const struct cli *cli, const struct matrix_view *view, json_t *rows)
{
    for (size_t index = 0; index < json_array_size(rows);) {
        json_t *first = json_array_get(rows, index);
        struct matrix matrix;
        printf("%s%s%s%s\n", cli_on(cli, CLI_BOLD), model_text(first, "incident"), cli_off(cli),
               model_number(first, "exercise") != 0 ? cli_say(cli, "（演练）", " (exercise)") : "");
        index = gather(&matrix, view, rows, index, cli);
        qsort(matrix.units, matrix.count, sizeof *matrix.units, compare_units);
        size_t idle = view->busy_only ? leave_busy(&matrix) : 0;
        if (matrix.count == 0)
            ;
        else if (fits(cli, &matrix))
            print_table(cli, &matrix);
        else
            print_paragraphs(cli, &matrix);
        if (idle > 0)
            printf(cli_say(cli, "没有未结任务的单位：%zu 个\n", "units with nothing open: %zu\n"),
                   idle);
        forget(&matrix);
    }
}

/* ---- as JSON ---- */

static json_t *unit_json(const json_t *row)
{
    json_t *plain =
        json_pack("{s:s,s:s,s:s}", "unit", model_text(row, "unit"), "name.zh",
                  model_text(row, "unit_name_zh"), "name.en", model_text(row, "unit_name_en"));
    json_t *object = model_public(plain);
    json_decref(plain);
    return object;
}

/* When it was last heard and, if the router said so, whether it is there just now. */
static void add_links(const struct matrix_view *view, const json_t *row, json_t *object)
{
    struct health health;
    json_t *plain =
        json_pack("{s:I}", "last_heard_us", (json_int_t)model_number(row, "last_heard_us"));
    json_t *heard = model_public(plain);
    json_object_update(object, heard);
    json_decref(heard);
    json_decref(plain);
    if (view->status == NULL)
        return;
    health_of(view->status, model_text(row, "unit"), &health);
    json_object_set_new(object, "connected", json_boolean(health.alive > 0));
}

static json_t *states_json(const struct unit *unit)
{
    json_t *states = json_object();
    for (int state = 0; state < COLUMNS_MAX; state++) {
        const struct cell *cell = &unit->cells[state];
        if (cell->count == 0)
            continue;
        json_t *plain = json_pack("{s:I,s:I}", "orders", (json_int_t)cell->count, "since_us",
                                  (json_int_t)cell->oldest_us);
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
            &liandong__v1__duty_order__state__descriptor, state);
        json_object_set_new(states, value != NULL ? value->name : "", model_public(plain));
        json_decref(plain);
    }
    return states;
}

static json_t *counts_json(const struct matrix *matrix)
{
    json_t *units = json_array();
    for (size_t i = 0; i < matrix->count; i++) {
        const struct unit *unit = &matrix->units[i];
        json_t *object = unit_json(unit->first);
        add_links(matrix->view, unit->first, object);
        json_object_set_new(object, "orders", json_integer((json_int_t)unit->orders));
        json_object_set_new(object, "open", json_integer((json_int_t)unit->open));
        json_object_set_new(object, "ever_overdue", json_integer((json_int_t)unit->overdue));
        json_object_set_new(object, "states", states_json(unit));
        json_array_append_new(units, object);
    }
    return units;
}

json_t *matrix_counts(const struct matrix_view *view, json_t *rows, const char *incident,
                      bool exercise)
{
    json_t *units = json_array();
    for (size_t index = 0; index < json_array_size(rows);) {
        json_t *first = json_array_get(rows, index);
        struct matrix matrix;
        bool wanted = strcmp(model_text(first, "incident"), incident) == 0 &&
                      (model_number(first, "exercise") != 0) == exercise;
        index = gather(&matrix, view, rows, index, NULL);
        if (wanted) {
            json_decref(units);
            units = counts_json(&matrix);
        }
        forget(&matrix);
    }
    return units;
}

json_t *matrix_orders(json_t *rows)
{
    json_t *incidents = json_array(), *incident = NULL, *unit = NULL, *before = NULL, *row;
    size_t index;
    json_array_foreach(rows, index, row)
    {
        if (before == NULL || !same(before, row, false)) {
            incident = json_pack("{s:s,s:b,s:[]}", "incident", model_text(row, "incident"),
                                 "exercise", model_number(row, "exercise") != 0, "units");
            json_array_append_new(incidents, incident);
        }
        if (before == NULL || !same(before, row, true)) {
            unit = unit_json(row);
            json_object_set_new(unit, "orders", json_array());
            json_array_append_new(json_object_get(incident, "units"), unit);
        }
        json_array_append_new(json_object_get(unit, "orders"), orders_public(row));
        before = row;
    }
    return incidents;
}
