/* Showing: languages, colours, tables, errors. */
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "cli.h"
#include "timefmt.h"

const char *cli_text(const struct cli *cli, struct plan_text text)
{
    return cli->zh ? text.zh : text.en;
}

const char *cli_say(const struct cli *cli, const char *zh, const char *en)
{
    return cli->zh ? zh : en;
}

/* ---- errors ---- */

int cli_exit_of(int code)
{
    switch (code) {
    case LD_OK:
    case LD_DUPLICATE:
        return CLI_OK;
    case LD_TIMEOUT:
    case LD_UNREACHABLE:
    case LD_UNKNOWN:
    case LD_NOSESSION:
    case LD_BUSY:
        return CLI_UNREACHABLE;
    case LD_REFUSED:
    case LD_DENIED:
    case LD_FENCED:
    case LD_TOOBIG:
    case LD_NOSPACE:
        return CLI_REFUSED;
    case LD_CORRUPT:
    case LD_IO:
    case LD_VERSION:
        return CLI_DAMAGED;
    default:
        return CLI_USAGE;
    }
}

int cli_fail(const struct cli *cli, const struct ld_error *error)
{
    (void)cli;
    fflush(stdout);
    fprintf(stderr, "liandong: %s\n", error->text);
    return cli_exit_of(error->code);
}

void cli_complain(const struct cli *cli, const char *zh, const char *en, ...)
{
    va_list arguments;
    fflush(stdout);
    fputs("liandong: ", stderr);
    va_start(arguments, en);
    vfprintf(stderr, cli->zh ? zh : en, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* ---- colours ---- */

static const char *const SEQUENCES[] = {
    "", "\033[1m", "\033[2m", "\033[31m", "\033[38;5;208m", "\033[33m", "\033[34m", "\033[32m"};

const char *cli_on(const struct cli *cli, enum cli_style style)
{
    return cli->color ? SEQUENCES[style] : "";
}

const char *cli_off(const struct cli *cli)
{
    return cli->color ? "\033[0m" : "";
}

enum cli_style cli_level_style(int level)
{
    static const enum cli_style STYLES[] = {CLI_PLAIN, CLI_RED, CLI_ORANGE, CLI_YELLOW, CLI_BLUE};
    return level >= 0 && level < PLAN_LEVELS ? STYLES[level] : CLI_PLAIN;
}

const char *cli_level(const struct cli *cli, int level)
{
    static const struct plan_text TEXTS[] = {{"无", "none"},
                                             {"I 红", "I red"},
                                             {"II 橙", "II orange"},
                                             {"III 黄", "III yellow"},
                                             {"IV 蓝", "IV blue"}};
    return level >= 0 && level < PLAN_LEVELS ? cli_text(cli, TEXTS[level]) : "?";
}

/* ---- JSON ---- */

void cli_print_json(json_t *value)
{
    json_dumpf(value, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(value);
}

/* ---- tables ---- */

struct cli_table {
    struct libscols_table *table;
    size_t columns;
};

static void *or_abort(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

struct cli_table *cli_table_open(const struct cli *cli, const struct cli_column *columns,
                                 size_t count)
{
    struct cli_table *made = or_abort(calloc(1, sizeof *made));
    made->table = or_abort(scols_new_table());
    made->columns = count;
    scols_table_enable_colors(made->table, cli->color);
    scols_table_set_termwidth(made->table, cli_screen_width(cli));
    for (size_t i = 0; i < count; i++) {
        bool wrap = columns[i].wrap || columns[i].lines;
        int flags = (columns[i].right ? SCOLS_FL_RIGHT : 0) | (wrap ? SCOLS_FL_WRAP : 0);
        struct libscols_column *column =
            or_abort(scols_table_new_column(made->table, cli_text(cli, columns[i].name), 0, flags));
        if (columns[i].lines && (scols_column_set_safechars(column, "\n") != 0 ||
                                 scols_column_set_wrapfunc(column, scols_wrapnl_chunksize,
                                                           scols_wrapnl_nextchunk, NULL) != 0))
            abort();
    }
    return made;
}

void cli_table_row(struct cli_table *table, const char *const *cells)
{
    cli_table_row_in(table, CLI_PLAIN, cells);
}

static struct libscols_line *new_line(struct cli_table *table, const char *const *cells)
{
    struct libscols_line *line = or_abort(scols_table_new_line(table->table, NULL));
    for (size_t i = 0; i < table->columns; i++)
        if (scols_line_set_data(line, i, cells[i] != NULL ? cells[i] : "") != 0)
            abort();
    return line;
}

void cli_table_row_styled(struct cli_table *table, const enum cli_style *styles,
                          const char *const *cells)
{
    struct libscols_line *line = new_line(table, cells);
    for (size_t i = 0; i < table->columns; i++)
        if (styles[i] != CLI_PLAIN &&
            scols_cell_set_color(scols_line_get_cell(line, i), SEQUENCES[styles[i]]) != 0)
            abort();
}

void cli_table_row_in(struct cli_table *table, enum cli_style style, const char *const *cells)
{
    struct libscols_line *line = new_line(table, cells);
    if (style != CLI_PLAIN && scols_line_set_color(line, SEQUENCES[style]) != 0)
        abort();
}

void cli_table_print(struct cli_table *table)
{
    fflush(stdout);
    (void)scols_print_table(table->table);
    scols_unref_table(table->table);
    free(table);
}

size_t cli_width(const char *text)
{
    size_t width = 0;
    mbstate_t state = {0};
    wchar_t wide;
    for (size_t size; (size = mbrtowc(&wide, text, MB_CUR_MAX, &state)) != 0; text += size) {
        if (size == (size_t)-1 || size == (size_t)-2)
            return width;
        int columns = wcwidth(wide);
        width += columns > 0 ? (size_t)columns : 0;
    }
    return width;
}

size_t cli_screen_width(const struct cli *cli)
{
    enum { NO_TERMINAL = 10000, USUAL = 80 };
    struct winsize size;
    const char *given = getenv("COLUMNS");
    long columns = given != NULL ? strtol(given, NULL, 10) : 0;
    if (columns > 0)
        return (size_t)columns;
    if (!cli->terminal)
        return NO_TERMINAL;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : USUAL;
}

const char *cli_age(const struct cli *cli, char text[CLI_AGE_SIZE], int64_t age_us)
{
    long long age = age_us > 0 ? age_us : 0;
    if (age < LD_US_HOUR)
        snprintf(text, CLI_AGE_SIZE, cli_say(cli, "%lld分", "%lldm"), age / LD_US_MINUTE);
    else if (age < LD_US_DAY)
        snprintf(text, CLI_AGE_SIZE, cli_say(cli, "%lld时", "%lldh"), age / LD_US_HOUR);
    else
        snprintf(text, CLI_AGE_SIZE, cli_say(cli, "%lld天", "%lldd"), age / LD_US_DAY);
    return text;
}

const char *cli_time(char text[CLI_TIME_SIZE], int64_t time_us)
{
    char iso[LD_TIME_TEXT_SIZE];
    if (time_us == 0) {
        snprintf(text, CLI_TIME_SIZE, "-");
        return text;
    }
    ld_time_format(iso, time_us, LD_CHINA_OFFSET_MINUTES);
    snprintf(text, CLI_TIME_SIZE, "%.10s %.5s", iso, iso + 11);
    return text;
}
