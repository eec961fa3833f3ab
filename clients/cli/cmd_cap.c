/* liandong cap: CAP 1.2 messages in files, ours and foreign ones. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cap/cap.h"
#include "cap_file.h"
#include "cmd_cap.h"

static const char *weight_word(const struct cli *cli, enum cap_weight weight)
{
    static const struct plan_text WORDS[] = {[CAP_SCHEMA] = {"格式错误", "schema"},
                                             [CAP_RULE] = {"违反规则", "rule"},
                                             [CAP_ADVICE] = {"建议", "advice"}};
    return cli->json ? WORDS[weight].en : cli_text(cli, WORDS[weight]);
}

static void show_finding(const struct cli *cli, const char *path, const struct cap_finding *finding)
{
    const char *weight = weight_word(cli, finding->weight);
    if (cli->json) {
        cli_print_json(json_pack("{s:s,s:i,s:s,s:s,s:{s:s,s:s}}", "file", path, "line",
                                 finding->line, "weight", weight, "element", finding->element,
                                 "text", "zh", finding->zh, "en", finding->en));
        return;
    }
    enum cli_style style = finding->weight == CAP_ADVICE ? CLI_YELLOW : CLI_RED;
    printf("%s:%d: %s%s%s: %s: %s\n", path, finding->line, cli_on(cli, style), weight, cli_off(cli),
           finding->element, cli->zh ? finding->zh : finding->en);
}

static int show_findings(const struct cli *cli, const char *path, const struct cap *cap)
{
    struct cap_findings findings = {0};
    cap_check(cap, &findings);
    for (size_t i = 0; i < findings.count; i++)
        show_finding(cli, path, &findings.all[i]);
    size_t mistakes = findings.of_weight[CAP_SCHEMA] + findings.of_weight[CAP_RULE];
    size_t advice = findings.of_weight[CAP_ADVICE];
    if (!cli->json && mistakes + advice > findings.count)
        printf("%s: … %zu\n", path, mistakes + advice - findings.count);
    if (!cli->json && mistakes == 0)
        printf(cli_say(cli, "%s：合格（建议 %zu 条）\n", "%s: good (advice: %zu)\n"), path, advice);
    cap_findings_free(&findings);
    return mistakes == 0 ? CLI_OK : CLI_FAILED;
}

static int check_file(const struct cli *cli, const char *path)
{
    struct ld_error error;
    struct cap *cap;
    int code = cap_file_read(path, &cap, &error);
    if (code == LD_NOTFOUND)
        return cli_fail(cli, &error);
    if (code != LD_OK) {
        if (cli->json)
            cli_print_json(json_pack("{s:s,s:s,s:s}", "file", path, "weight", "unreadable", "text",
                                     error.text));
        else
            printf("%s: %s\n", path, error.text);
        return CLI_FAILED;
    }
    int status = show_findings(cli, path, cap);
    cap_free(cap);
    return status;
}

static int cap_check_files(struct cli *cli, int argc, char **argv)
{
    static const struct cli_usage USAGE = {
        "cap check FILE…",
        {"检查 CAP 1.2 报文（\"-\" 为标准输入）：格式、标准的文字规定、易误解之处。\n"
         "每条指出行、应为什么、实为什么、怎么改。退出码 1：不合格。",
         "Checks CAP 1.2 messages (\"-\": standard input): the schema, what the standard says in\n"
         "words, and what is known to mislead. Each finding says the line, what was expected, "
         "what\n"
         "was found and what to do. Exit status 1: a message is not good; advice alone is no "
         "mistake."},
        NULL,
        "  liandong notice cap IDENTIFIER | liandong cap check -\n"};
    int count;
    int status = cli_parse(cli, &USAGE, argc, argv, 1, 1000, &count);
    if (status >= 0)
        return status;
    status = CLI_OK;
    for (int i = 0; i < count; i++) {
        int one = check_file(cli, argv[i]);
        status = one > status ? one : status;
    }
    return status;
}

int cmd_cap(struct cli *cli, int argc, char **argv)
{
    static const struct cli_command COMMANDS[] = {
        {"check", cap_check_files, {"检查 CAP 报文", "check CAP messages"}},
        {"take", cap_take_file, {"受理外来 CAP 报文", "report what a foreign one says"}},
        {NULL, NULL, {NULL, NULL}}};
    static const struct plan_text SUMMARY = {"CAP 1.2 报文，本系统的和外来的。",
                                             "CAP 1.2 messages, ours and foreign ones."};
    return cli_dispatch(cli, "cap", SUMMARY, COMMANDS, argc, argv);
}
