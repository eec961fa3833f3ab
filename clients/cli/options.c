/*
 * Command lines: one table per command, one parser, one help. Options may stand before and after
 * arguments; "--" ends them. Mistakes are told on standard error, with where to find help.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "timefmt.h"

enum { OPTIONS_MAX = 40, CODE_BASE = 1000 };

static const struct plan_text LANG_HELP = {"输出语言 zh 或 en（默认按 LANG）",
                                           "language, zh or en (default: from LANG)"};

static const char *language;

/* The options of every command. They set fields of one cli: filled in by common_options. */
static size_t common_options(struct cli *cli, struct cli_option *out)
{
    const struct cli_option common[] = {
        {"endpoint",
         'e',
         CLI_TEXT,
         &cli->endpoint,
         "ENDPOINT",
         {"路由器地址（默认 $LIANDONG_ENDPOINT 或 " CLI_DEFAULT_ENDPOINT "）",
          "the router (default: $LIANDONG_ENDPOINT, else " CLI_DEFAULT_ENDPOINT ")"}},
        {"as",
         'i',
         CLI_TEXT,
         &cli->identity,
         "UNIT",
         {"以哪个单位的身份（默认 $LIANDONG_IDENTITY 或 operator）",
          "act as this unit (default: $LIANDONG_IDENTITY, else operator)"}},
        {"keys",
         0,
         CLI_TEXT,
         &cli->keys,
         "DIR",
         {"密钥目录（默认 $LIANDONG_KEYS）", "directory of keys (default: $LIANDONG_KEYS)"}},
        {"timeout",
         't',
         CLI_DURATION,
         &cli->timeout_us,
         "TIME",
         {"最多等多久（默认 10s）", "how long to wait at most (default: 10s)"}},
        {"json", 'j', CLI_FLAG, &cli->json, NULL, {"输出 JSON", "show JSON"}},
        {"lang", 'l', CLI_TEXT, &language, "LANG", LANG_HELP},
    };
    memcpy(out, common, sizeof common);
    return sizeof common / sizeof common[0];
}

struct table {
    struct cli_option all[OPTIONS_MAX];
    size_t count;
    struct option longs[OPTIONS_MAX + 2];
    char shorts[2 * OPTIONS_MAX + 4];
};

static void fill(struct table *table, struct cli *cli, const struct cli_usage *usage)
{
    table->count = 0;
    for (const struct cli_option *at = usage->options; at != NULL && at->name != NULL; at++)
        table->all[table->count++] = *at;
    table->count += common_options(cli, table->all + table->count);
    char *letter = table->shorts;
    *letter++ = 'h';
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->all[i];
        bool valued = option->value != CLI_FLAG;
        table->longs[i] = (struct option){option->name, valued ? required_argument : no_argument,
                                          NULL, CODE_BASE + (int)i};
        if (option->letter == 0)
            continue;
        *letter++ = option->letter;
        if (valued)
            *letter++ = ':';
    }
    *letter = '\0';
    table->longs[table->count] = (struct option){"help", no_argument, NULL, 'h'};
    table->longs[table->count + 1] = (struct option){NULL, 0, NULL, 0};
}

/* ---- help ---- */

static void print_option(const struct cli *cli, const struct cli_option *option)
{
    char left[64];
    char letter[8] = "    ";
    if (option->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, option->name,
             option->value_name != NULL ? " " : "",
             option->value_name != NULL ? option->value_name : "");
    printf("  %-28s %s\n", left, cli_text(cli, option->help));
}

static void print_help(const struct cli *cli, const struct cli_usage *usage,
                       const struct table *table)
{
    printf("%s liandong %s\n\n%s\n\n%s\n", cli_say(cli, "用法：", "usage:"), usage->line,
           cli_text(cli, usage->summary), cli_say(cli, "选项：", "options:"));
    for (size_t i = 0; i < table->count; i++)
        print_option(cli, &table->all[i]);
    printf("  %-28s %s\n", "-h, --help", cli_say(cli, "显示本说明", "show this help"));
    if (usage->examples != NULL)
        printf("\n%s\n%s", cli_say(cli, "例：", "examples:"), usage->examples);
}

/* ---- values ---- */

static bool set_number(const char *text, int64_t *to, struct ld_error *error)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0) {
        (void)ld_fail(error, LD_INVALID, "expected a number, found \"%s\"", text);
        return false;
    }
    *to = value;
    return true;
}

static bool add_to_list(struct cli_list *list, const char *text, struct ld_error *error)
{
    if (list->count == CLI_LIST_MAX) {
        (void)ld_fail(error, LD_INVALID, "given more than %d times", (int)CLI_LIST_MAX);
        return false;
    }
    list->all[list->count++] = text;
    return true;
}

static bool set_value(const struct cli_option *option, const char *text, struct ld_error *error)
{
    switch (option->value) {
    case CLI_FLAG:
        *(bool *)option->to = true;
        return true;
    case CLI_TEXT:
        *(const char **)option->to = text;
        return true;
    case CLI_DURATION:
        return ld_duration_parse(text, option->to, error) == LD_OK;
    case CLI_TIME:
        return ld_time_parse(text, LD_CHINA_OFFSET_MINUTES, option->to, error) == LD_OK;
    case CLI_NUMBER:
        return set_number(text, option->to, error);
    case CLI_LIST:
        return add_to_list(option->to, text, error);
    }
    return false;
}

static const struct cli_option *option_of(const struct table *table, int code)
{
    if (code >= CODE_BASE)
        return &table->all[code - CODE_BASE];
    for (size_t i = 0; i < table->count; i++)
        if (table->all[i].letter == code)
            return &table->all[i];
    return NULL;
}

static bool set_language(struct cli *cli)
{
    if (language == NULL)
        return true;
    if (strcmp(language, "zh") != 0 && strcmp(language, "en") != 0) {
        cli_complain(cli, "--lang：应为 zh 或 en", "--lang: expected zh or en");
        return false;
    }
    cli->zh = strcmp(language, "zh") == 0;
    return true;
}

static int see_help(const struct cli *cli, const struct cli_usage *usage)
{
    fprintf(stderr, "%s liandong %s\n", cli_say(cli, "用法：", "usage:"), usage->line);
    fprintf(stderr, "%s\n", cli_say(cli, "加 --help 看全部说明", "--help shows more"));
    return CLI_USAGE;
}

/* All options: -1 to go on, else the exit status. */
static int take_options(struct cli *cli, const struct cli_usage *usage, const struct table *table,
                        int argc, char **argv)
{
    int code;
    bool help = false;
    optind = 0;
    opterr = 0;
    while ((code = getopt_long(argc, argv, table->shorts, table->longs, NULL)) != -1) {
        struct ld_error error;
        const struct cli_option *option = option_of(table, code);
        if (code == 'h') {
            help = true;
        } else if (option == NULL) {
            const char *found = optind > 0 && optind <= argc ? argv[optind - 1] : "?";
            cli_complain(cli, "选项 %s 未知或缺少值", "option %s: unknown, or its value is missing",
                         found);
            return see_help(cli, usage);
        } else if (!set_value(option, optarg, &error)) {
            cli_complain(cli, "选项 --%s：%s", "option --%s: %s", option->name, error.text);
            return see_help(cli, usage);
        }
    }
    if (!set_language(cli))
        return CLI_USAGE;
    if (!help)
        return -1;
    print_help(cli, usage, table);
    return CLI_OK;
}

int cli_parse(struct cli *cli, const struct cli_usage *usage, int argc, char **argv, int minimum,
              int maximum, int *count)
{
    struct table table;
    fill(&table, cli, usage);
    int status = take_options(cli, usage, &table, argc, argv);
    if (status >= 0)
        return status;
    *count = argc - optind;
    if (*count < minimum || *count > maximum) {
        cli_complain(cli, "参数个数不对（%d）", "wrong number of arguments (%d)", *count);
        return see_help(cli, usage);
    }
    for (int i = 0; i < *count; i++)
        argv[i] = argv[optind + i];
    return -1;
}

/* ---- subcommands ---- */

static void print_commands(const struct cli *cli, const char *path, struct plan_text summary,
                           const struct cli_command *commands, FILE *to)
{
    fprintf(to, "%s liandong %s%s%s\n\n%s\n\n%s\n", cli_say(cli, "用法：", "usage:"), path,
            path[0] != '\0' ? " " : "", cli_say(cli, "命令 …", "COMMAND …"), cli_text(cli, summary),
            cli_say(cli, "命令：", "commands:"));
    for (const struct cli_command *at = commands; at->name != NULL; at++)
        fprintf(to, "  %-12s %s\n", at->name, cli_text(cli, at->summary));
    fprintf(to, "\n%s\n",
            cli_say(cli, "每个命令都有 --help。", "Each command explains itself with --help."));
}

int cli_dispatch(struct cli *cli, const char *path, struct plan_text summary,
                 const struct cli_command *commands, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    for (const struct cli_command *at = commands; at->name != NULL; at++)
        if (strcmp(name, at->name) == 0)
            return at->run(cli, argc - 1, argv + 1);
    bool help = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
    if (help) {
        print_commands(cli, path, summary, commands, stdout);
        return CLI_OK;
    }
    if (name[0] != '\0')
        cli_complain(cli, "没有命令 \"%s\"", "there is no command \"%s\"", name);
    print_commands(cli, path, summary, commands, stderr);
    return CLI_USAGE;
}

bool cli_check_incident(const struct cli *cli, const char *id)
{
    size_t size = strlen(id);
    if (size > 0 && size <= 128 && strcspn(id, "/*> ") == size)
        return true;
    cli_complain(cli, "应为事件编号，如 3303-cholera-20261011-1，现为“%s”",
                 "expected an incident such as 3303-cholera-20261011-1, found \"%s\"", id);
    return false;
}
