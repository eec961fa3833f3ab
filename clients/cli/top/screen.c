/*
 * The terminal, by ncurses: three lines of head, the keys, then consumers, producers and queues,
 * each as many rows as there is room; what has no room is counted. Text is placed by its width in
 * columns, so that Chinese is aligned. ncurses restores the terminal when the program ends.
 */
#include "top.h"

#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { PAIR_WARNING = 1, PAIR_ALARM, CONTROL_C = 3, GAP = 2, TEXT_MAX = 512 };

bool top_screen_open(const struct cli *cli)
{
    SCREEN *screen = newterm(NULL, stdout, stdin);
    if (screen == NULL)
        return false;
    raw();
    noecho();
    nodelay(stdscr, TRUE);
    keypad(stdscr, TRUE);
    (void)curs_set(0);
    if (cli->color && has_colors()) {
        start_color();
        use_default_colors();
        init_pair(PAIR_WARNING, COLOR_YELLOW, -1);
        init_pair(PAIR_ALARM, COLOR_RED, -1);
    }
    return true;
}

void top_screen_close(void)
{
    endwin();
}

enum top_key top_screen_key(void)
{
    switch (getch()) {
    case ERR:
        return TOP_KEY_NONE;
    case 'q':
    case 'Q':
    case CONTROL_C:
        return TOP_KEY_QUIT;
    case 's':
        return TOP_KEY_SORT;
    case 'p':
    case ' ':
        return TOP_KEY_PAUSE;
    default: /* the window's size, among others */
        return TOP_KEY_REDRAW;
    }
}

/* ---- text by width ---- */

static size_t widen(const char *text, wchar_t wide[TEXT_MAX])
{
    size_t count = mbstowcs(wide, text, TEXT_MAX - 1);
    if (count == (size_t)-1) /* not text of this locale */
        return 0;
    wide[count] = L'\0';
    return count;
}

static int width_of(const char *text)
{
    wchar_t wide[TEXT_MAX];
    int width = wcswidth(wide, widen(text, wide));
    return width > 0 ? width : 0;
}

/* At most room columns of it. */
static void put(int line, int column, int room, bool right, const char *text)
{
    wchar_t wide[TEXT_MAX];
    size_t count = widen(text, wide), shown = 0;
    int width = 0;
    for (; shown < count; shown++) {
        int more = wcwidth(wide[shown]);
        if (more < 0 || width + more > room)
            break;
        width += more;
    }
    if (right && width < room)
        column += room - width;
    (void)mvaddnwstr(line, column, wide, (int)shown);
}

static attr_t attribute_of(const struct cli *cli, enum top_severity severity)
{
    bool color = cli->color && has_colors();
    if (severity == TOP_ALARM)
        return color ? (attr_t)COLOR_PAIR(PAIR_ALARM) | A_BOLD : A_REVERSE;
    if (severity == TOP_WARNING)
        return color ? (attr_t)COLOR_PAIR(PAIR_WARNING) : A_BOLD;
    return A_NORMAL;
}

/* ---- tables ---- */

static void measure(const struct cli *cli, const struct top_table *table,
                    int widths[TOP_COLUMNS_MAX])
{
    for (size_t column = 0; column < table->column_count; column++) {
        widths[column] = width_of(cli_text(cli, table->columns[column].name));
        for (size_t row = 0; row < table->row_count; row++) {
            int width = width_of(table->rows[row].cells[column]);
            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
}

static void draw_row(const struct top_table *table, const int widths[TOP_COLUMNS_MAX], int line,
                     const char *const cells[TOP_COLUMNS_MAX])
{
    int at = 0;
    for (size_t column = 0; column < table->column_count && at < COLS; column++) {
        int room = widths[column] < COLS - at ? widths[column] : COLS - at;
        put(line, at, room, table->columns[column].right, cells[column]);
        at += widths[column] + GAP;
    }
}

/* From a line on, with at most so many rows; returns the line behind it. */
static int draw_table(const struct cli *cli, const struct top_table *table, int line, int rows)
{
    int widths[TOP_COLUMNS_MAX];
    const char *cells[TOP_COLUMNS_MAX];
    measure(cli, table, widths);
    for (size_t column = 0; column < table->column_count; column++)
        cells[column] = cli_text(cli, table->columns[column].name);
    (void)attron(A_BOLD | A_UNDERLINE);
    draw_row(table, widths, line++, cells);
    (void)attroff(A_BOLD | A_UNDERLINE);
    for (size_t row = 0; row < table->row_count && rows > 0; row++, rows--) {
        if (rows == 1 && row + 1 < table->row_count) {
            (void)mvprintw(line++, 0, cli_say(cli, "……另有 %zu 个", "... and %zu more"),
                           table->row_count - row);
            break;
        }
        for (size_t column = 0; column < table->column_count; column++)
            cells[column] = table->rows[row].cells[column];
        attr_t attribute = attribute_of(cli, table->rows[row].severity);
        (void)attron(attribute);
        draw_row(table, widths, line++, cells);
        (void)attroff(attribute);
    }
    return line;
}

/* ---- all of it ---- */

static int least(int a, int b)
{
    return a < b ? a : b;
}

static void draw_head(const struct cli *cli, const struct top_view *view)
{
    static const struct plan_text SORTS[TOP_SORTS] = {
        {"落后", "lag"}, {"名称", "name"}, {"速率", "rate"}};
    char lines[TOP_HEAD_LINES][TOP_LINE_SIZE], keys[TOP_LINE_SIZE];
    attr_t attribute = attribute_of(cli, top_head_severity(view->sample));
    if (view->sample->taken_us != 0) {
        top_head(cli, view->sample, lines);
        (void)attron(attribute);
        for (int line = 0; line < TOP_HEAD_LINES; line++)
            put(line, 0, COLS, false, lines[line]);
        (void)attroff(attribute);
    }
    snprintf(keys, sizeof keys,
             cli_say(cli, "q 退出  s 排序：%s  p %s", "q quit  s sort: %s  p %s"),
             cli_text(cli, SORTS[view->sort]),
             view->paused ? cli_say(cli, "继续（已暂停）", "go on (paused)")
                          : cli_say(cli, "暂停", "pause"));
    (void)attron(A_DIM);
    put(TOP_HEAD_LINES, 0, COLS, false, keys);
    (void)attroff(A_DIM);
    if (view->notice == NULL)
        return;
    attribute = attribute_of(cli, TOP_ALARM);
    (void)attron(attribute);
    put(TOP_HEAD_LINES + 1, 0, COLS, false, view->notice);
    (void)attroff(attribute);
}

void top_screen_draw(const struct cli *cli, const struct top_view *view)
{
    static struct top_table tables[TOP_TABLES];
    (void)erase();
    draw_head(cli, view);
    top_tables_fill(cli, view->sample, tables);
    int line = TOP_HEAD_LINES + 2;
    int room = LINES - line - 5; /* three heads, two empty lines */
    int queues = room > 20 ? (int)tables[TOP_QUEUE_TABLE].row_count : 0;
    int producers = least((room - queues) / 3, (int)tables[TOP_PRODUCERS].row_count);
    int consumers = least(room - queues - producers, (int)tables[TOP_CONSUMERS].row_count);
    producers = room - queues - consumers; /* what consumers do not need */
    line = draw_table(cli, &tables[TOP_CONSUMERS], line, consumers) + 1;
    if (producers > 0)
        line = draw_table(cli, &tables[TOP_PRODUCERS], line, producers) + 1;
    if (queues > 0)
        (void)draw_table(cli, &tables[TOP_QUEUE_TABLE], line, queues);
    (void)refresh();
}
