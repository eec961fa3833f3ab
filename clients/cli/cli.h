/*
 * What the subcommands share: the options common to all, how they are parsed and explained, and
 * how things are shown. See liandong(1).
 */
#ifndef CLI_H
#define CLI_H

#include <jansson.h>
#include <liandong/error.h>
#include <stdint.h>
#include <stdio.h>

#include "context.h"
#include "plan/plan.h"

/* Exit codes; part of the interface. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,      /* an expectation or a verification does not hold */
    CLI_USAGE = 2,       /* the command line, or a file it names, is wrong */
    CLI_UNREACHABLE = 3, /* no router, or no answer in time */
    CLI_REFUSED = 4,     /* the router or a service refused */
    CLI_DAMAGED = 5      /* damaged data, or a broken disk */
};

struct cli {
    const struct ld_context *context;
    bool zh, json, color, terminal, exercise;
    const char *endpoint; /* LIANDONG_ENDPOINT; never NULL */
    const char *identity; /* LIANDONG_IDENTITY; never NULL */
    const char *keys;     /* directory of keys, LIANDONG_KEYS; NULL: none */
    int64_t timeout_us;
    const char *outbox; /* keep what is published in this file first; NULL: do not */
};
#define CLI_DEFAULT_ENDPOINT "tcp://127.0.0.1:7501"
#define CLI_DEFAULT_IDENTITY "operator"

/* The text in the user's language. */
const char *cli_text(const struct cli *cli, struct plan_text text);
const char *cli_say(const struct cli *cli, const char *zh, const char *en);

/* ---- the command line ---- */

enum cli_value { CLI_FLAG, CLI_TEXT, CLI_DURATION, CLI_TIME, CLI_NUMBER, CLI_LIST };
enum { CLI_LIST_MAX = 64 };
struct cli_list {
    const char *all[CLI_LIST_MAX];
    size_t count;
};
struct cli_option {
    const char *name; /* long name */
    char letter;      /* short name, 0 for none */
    enum cli_value value;
    void *to;               /* bool, const char *, int64_t (us), int64_t (us), int64_t, cli_list */
    const char *value_name; /* "UNIT" in the help; NULL with CLI_FLAG */
    struct plan_text help;
};
struct cli_usage {
    const char *line;                 /* "duty list [OPTION]…" */
    struct plan_text summary;         /* what it does: a few lines */
    const struct cli_option *options; /* ended by one without name; may be NULL */
    const char *examples;             /* lines, may be NULL */
};
/* Parses options (common ones included, in any order) until the end; the rest of the arguments is
 * moved to argv[0 … *count). Returns -1 to go on, or the exit status (after --help or a mistake,
 * which has been told). minimum, maximum: how many arguments may be left. */
int cli_parse(struct cli *cli, const struct cli_usage *usage, int argc, char **argv, int minimum,
              int maximum, int *count);

/* Is it fit to be an incident's id, which becomes a segment of filters? Else complains. */
bool cli_check_incident(const struct cli *cli, const char *id);

/* One word further down: "duty list". Explains itself on --help. */
struct cli_command {
    const char *name;
    int (*run)(struct cli *cli, int argc, char **argv); /* argv[0] is the command's own name */
    struct plan_text summary;
};
int cli_dispatch(struct cli *cli, const char *path, struct plan_text summary,
                 const struct cli_command *commands, int argc, char **argv);

/* ---- showing ---- */

/* "liandong: text" on standard error; returns the exit status that fits the code. */
int cli_fail(const struct cli *cli, const struct ld_error *error);
int cli_exit_of(int code);
void cli_complain(const struct cli *cli, const char *zh, const char *en, ...) LD_PRINTF(3, 4);

enum cli_style {
    CLI_PLAIN,
    CLI_BOLD,
    CLI_DIM,
    CLI_RED,
    CLI_ORANGE,
    CLI_YELLOW,
    CLI_BLUE,
    CLI_GREEN
};
/* Escape sequences; "" where colours are off. */
const char *cli_on(const struct cli *cli, enum cli_style style);
const char *cli_off(const struct cli *cli);
enum cli_style cli_level_style(int level);
const char *cli_level(const struct cli *cli, int level); /* "II 橙色" */

/* One JSON value per line, on standard output; takes over the value. */
void cli_print_json(json_t *value);

/* A table (libsmartcols). Columns are named in both languages; right: numbers. */
struct cli_column {
    struct plan_text name;
    bool right, wrap;
    bool lines; /* cells hold lines, each of which stays whole */
};
struct cli_table;
struct cli_table *cli_table_open(const struct cli *cli, const struct cli_column *columns,
                                 size_t count);
void cli_table_row(struct cli_table *table, const char *const *cells); /* as many as columns */
void cli_table_row_in(struct cli_table *table, enum cli_style style, const char *const *cells);
/* Each cell in a style of its own. */
void cli_table_row_styled(struct cli_table *table, const enum cli_style *styles,
                          const char *const *cells);
void cli_table_print(struct cli_table *table); /* and frees it */

/* Columns of the screen that a text takes; those that there are (COLUMNS counts, too), or very many
 * if it is no terminal. */
size_t cli_width(const char *text);
size_t cli_screen_width(const struct cli *cli);

/* "2026-11-22 10:00", local; "-" for 0. Returns text. */
enum { CLI_TIME_SIZE = 24 };
const char *cli_time(char text[CLI_TIME_SIZE], int64_t time_us);
/* "12m", "3h", "2d": how long ago. Returns text. */
enum { CLI_AGE_SIZE = 32 };
const char *cli_age(const struct cli *cli, char text[CLI_AGE_SIZE], int64_t age_us);

/* ---- the commands ---- */
int cmd_status(struct cli *cli, int argc, char **argv);
int cmd_top(struct cli *cli, int argc, char **argv);
int cmd_report(struct cli *cli, int argc, char **argv);
int cmd_bulletin(struct cli *cli, int argc, char **argv);
int cmd_decide(struct cli *cli, int argc, char **argv);
int cmd_duty(struct cli *cli, int argc, char **argv);
int cmd_tail(struct cli *cli, int argc, char **argv);
int cmd_sim(struct cli *cli, int argc, char **argv);
int cmd_play(struct cli *cli, int argc, char **argv);
int cmd_replay(struct cli *cli, int argc, char **argv);
int cmd_whatif(struct cli *cli, int argc, char **argv);
int cmd_log(struct cli *cli, int argc, char **argv);
int cmd_plan(struct cli *cli, int argc, char **argv);
int cmd_cap(struct cli *cli, int argc, char **argv);
int cmd_notice(struct cli *cli, int argc, char **argv);
int cmd_supply(struct cli *cli, int argc, char **argv);
int cmd_route(struct cli *cli, int argc, char **argv);
int cmd_outbox(struct cli *cli, int argc, char **argv);
int cmd_account(struct cli *cli, int argc, char **argv);
int cmd_explain(struct cli *cli, int argc, char **argv);
int cmd_keys(struct cli *cli, int argc, char **argv);
int cmd_story(struct cli *cli, int argc, char **argv);

#endif
