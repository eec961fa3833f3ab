/*
 * liandong keys: makes key pairs, shows their public halves, and changes the list of those that the
 * router lets in (docs/security.md, 2). Listing and checking are in cmd_keys_list.c. Never prints a
 * secret.
 */
#include "cmd_keys.h"

#include <sodium.h>
#include <string.h>
#include "timefmt.h"

#define DEFAULT_OVERLAP_US (24 * LD_US_HOUR)

bool keys_directory(const struct cli *cli, const char **directory)
{
    *directory = cli->keys;
    if (cli->keys)
        return true;
    cli_complain(cli, "没有给出密钥目录：用 --keys DIR 或 LIANDONG_KEYS",
                 "no directory of keys given: --keys DIR or LIANDONG_KEYS");
    return false;
}

/* ---- new ---- */

static void tell_made(const struct cli *cli, const struct keys_public *open, bool enrolled)
{
    char fingerprint[KEYS_FINGERPRINT_SIZE];
    keys_fingerprint(fingerprint, open->bus);
    if (cli->json)
        cli_print_json(json_pack("{s:s,s:s,s:b}", "name", open->name, "fingerprint", fingerprint,
                                 "enrolled", enrolled));
    else if (enrolled)
        printf(
            cli_say(cli, "%s 已生成并登记，指纹 %s\n", "%s: made and enrolled, fingerprint %s\n"),
            open->name, fingerprint);
    else
        printf(cli_say(cli, "%s 已生成，指纹 %s\n", "%s: made, fingerprint %s\n"), open->name,
               fingerprint);
}

/* Enrolled too, unless it is the router's, which is never. */
static int make_one(const struct cli *cli, const char *directory, const char *name, bool enrol)
{
    struct keys_pair pair;
    struct ld_error error;
    int64_t now_us = ld_wall_us(cli->context);
    enrol = enrol && strcmp(name, KEYS_ROUTER) != 0;
    int code = keys_make(name, now_us, &pair, &error);
    if (code == LD_OK)
        code = keys_save(directory, &pair, false, &error);
    if (code == LD_OK && enrol)
        code = keys_enrol(directory, &pair.open, now_us, 0, -1, &error);
    if (code == LD_OK)
        tell_made(cli, &pair.open, enrol);
    keys_forget(&pair);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}

static int keys_new(struct cli *cli, int argc, char **argv)
{
    bool enrol = false;
    const struct cli_option options[] = {
        {"enrol",
         'n',
         CLI_FLAG,
         &enrol,
         NULL,
         {"同时登记到同一目录（路由器在本机时）", "enrol them in the same directory, too"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "keys new [OPTION]… NAME…",
        {"生成密钥对：NAME.key 只有本人可读，NAME.pub 交给路由器的管理员登记。路由器自己的叫 "
         "router。",
         "Makes key pairs: NAME.key for its owner only, NAME.pub to be enrolled by whoever runs\n"
         "the router. The router's own is called router."},
        options,
        "  liandong keys new --keys /etc/liandong/keys 330302.health\n"};
    const char *directory;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, KEYS_ENROLLED_MAX, &count);
    if (status >= 0)
        return status;
    status = keys_directory(cli, &directory) ? CLI_OK : CLI_USAGE;
    for (int i = 0; status == CLI_OK && i < count; i++)
        status = make_one(cli, directory, argv[i], enrol);
    return status;
}

/* ---- show, enrol ---- */

/* A name means its public file in the directory; whatever has a slash or ends in .pub, a file. */
static int load_named(const char *directory, const char *word, struct keys_public *open,
                      struct ld_error *error)
{
    char path[KEYS_PATH_SIZE];
    size_t size = strlen(word);
    if (strchr(word, '/') || (size > 4 && strcmp(word + size - 4, ".pub") == 0))
        return keys_load_public(word, open, error);
    if (!directory)
        return ld_fail(error, LD_INVALID,
                       "no directory of keys given: --keys DIR or LIANDONG_KEYS");
    int code = keys_check_name(word, error);
    if (code == LD_OK)
        code = keys_path(path, directory, word, KEYS_PUBLIC, error);
    return code == LD_OK ? keys_load_public(path, open, error) : code;
}

static void show_public(const struct cli *cli, const struct keys_public *open)
{
    char fingerprint[KEYS_FINGERPRINT_SIZE], made[LD_TIME_TEXT_SIZE];
    char bus[2 * KEYS_BYTES + 1], sign[2 * KEYS_BYTES + 1];
    keys_fingerprint(fingerprint, open->bus);
    ld_time_format(made, open->made_us, LD_CHINA_OFFSET_MINUTES);
    sodium_bin2hex(bus, sizeof bus, open->bus, KEYS_BYTES);
    sodium_bin2hex(sign, sizeof sign, open->sign, KEYS_BYTES);
    if (cli->json)
        cli_print_json(json_pack("{s:s,s:s,s:s,s:s,s:s}", "name", open->name, "fingerprint",
                                 fingerprint, "made", made, "bus", bus, "sign", sign));
    else
        printf("name         %s\nfingerprint  %s\nmade         %s\nbus          %s\nsign         "
               "%s\n",
               open->name, fingerprint, made, bus, sign);
}

static int keys_show(struct cli *cli, int argc, char **argv)
{
    const struct cli_usage usage = {
        "keys show [OPTION]… NAME|FILE",
        {"公钥和指纹（用电话核对）。从不显示私钥。",
         "A public key and its fingerprint, to be compared by telephone. Never a secret one."},
        NULL,
        "  liandong keys show 330302.health.pub\n"};
    struct keys_public open;
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    if (load_named(cli->keys, argv[0], &open, &error) != LD_OK)
        return cli_fail(cli, &error);
    show_public(cli, &open);
    return CLI_OK;
}

static void tell_enrolled(const struct cli *cli, const struct keys_public *open)
{
    char fingerprint[KEYS_FINGERPRINT_SIZE];
    keys_fingerprint(fingerprint, open->bus);
    if (cli->json)
        cli_print_json(json_pack("{s:s,s:s}", "enrolled", open->name, "fingerprint", fingerprint));
    else
        printf(cli_say(cli, "已登记 %s，指纹 %s\n", "enrolled %s, fingerprint %s\n"), open->name,
               fingerprint);
}

static int keys_do_enrol(struct cli *cli, int argc, char **argv)
{
    int64_t until_us = 0, overlap_us = -1;
    const struct cli_option options[] = {
        {"until", 'u', CLI_TIME, &until_us, "TIME", {"有效至（默认不限）", "valid until then"}},
        {"overlap",
         'o',
         CLI_DURATION,
         &overlap_us,
         "TIME",
         {"该名原有的钥匙再过多久失效（默认不失效）",
          "the keys that this name has end so much later (default: they stay)"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "keys enrol [OPTION]… NAME|FILE…",
        {"登记公钥：路由器从此放行。先用电话核对指纹（keys show）。",
         "Enrols public keys: the router lets them in from now on. Compare the fingerprints by\n"
         "telephone first (keys show)."},
        options,
        "  liandong keys enrol --keys /etc/liandong/keys 330302.health.pub\n"};
    const char *directory;
    int count, code = LD_OK;
    int status = cli_parse(cli, &usage, argc, argv, 1, KEYS_ENROLLED_MAX, &count);
    if (status >= 0)
        return status;
    if (!keys_directory(cli, &directory))
        return CLI_USAGE;
    for (int i = 0; code == LD_OK && i < count; i++) {
        struct keys_public open;
        struct ld_error error;
        code = load_named(directory, argv[i], &open, &error);
        if (code == LD_OK)
            code = keys_enrol(directory, &open, ld_wall_us(cli->context), until_us, overlap_us,
                              &error);
        if (code != LD_OK)
            return cli_fail(cli, &error);
        tell_enrolled(cli, &open);
    }
    return CLI_OK;
}

/* ---- revoke ---- */

static int keys_do_revoke(struct cli *cli, int argc, char **argv)
{
    const char *reason = NULL, *fingerprint = NULL, *directory;
    const struct cli_option options[] = {
        {"reason", 'r', CLI_TEXT, &reason, "TEXT", {"为何（必填）", "why; needed"}},
        {"key",
         'K',
         CLI_TEXT,
         &fingerprint,
         "FINGERPRINT",
         {"只吊销这一把（默认该名的全部）", "only this one (default: all of that name)"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "keys revoke --reason TEXT [OPTION]… NAME",
        {"吊销：路由器在一个心跳之内切断，以后不再放行，并告诉对方何时何故。",
         "Revokes keys: the router cuts them off within a heartbeat, lets them in no more, and\n"
         "says when and why."},
        options,
        "  liandong keys revoke --reason 'laptop stolen' 330302.health\n"};
    struct ld_error error;
    size_t revoked;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    if (!keys_directory(cli, &directory))
        return CLI_USAGE;
    if (keys_revoke(directory, argv[0], fingerprint, reason ? reason : "", ld_wall_us(cli->context),
                    &revoked, &error) != LD_OK)
        return cli_fail(cli, &error);
    if (cli->json)
        cli_print_json(json_pack("{s:s,s:I}", "revoked", argv[0], "keys", (json_int_t)revoked));
    else
        printf(cli_say(cli, "已吊销 %s 的 %zu 把\n", "revoked %2$zu of %1$s\n"), argv[0], revoked);
    return CLI_OK;
}

/* ---- rotate ---- */

static int make_next(const struct cli *cli, const char *directory, const char *name,
                     struct keys_public *open, struct ld_error *error)
{
    struct keys_pair pair;
    int code = keys_make(name, ld_wall_us(cli->context), &pair, error);
    if (code == LD_OK)
        code = keys_save(directory, &pair, true, error);
    *open = pair.open;
    keys_forget(&pair);
    return code;
}

static int tell_next(const struct cli *cli, const char *name)
{
    if (cli->json)
        cli_print_json(json_pack("{s:s,s:s+}", "next", name, "file", name, ".pub.next"));
    else
        printf(cli_say(cli,
                       "已生成 %s.key.next，尚未启用。先把 %s.pub.next 交给对方，再 keys rotate "
                       "--switch\n",
                       "made %s.key.next, not in use yet: give %s.pub.next away first, then keys "
                       "rotate --switch\n"),
               name, name);
    return CLI_OK;
}

static int tell_switched(const struct cli *cli, const char *name)
{
    if (cli->json)
        cli_print_json(json_pack("{s:s}", "switched", name));
    else
        printf(cli_say(cli, "%s 已换用新钥匙；在用它的程序重启后生效\n",
                       "%s has its new key; programs that use it have to be started again\n"),
               name);
    return CLI_OK;
}

/* Where the list is at hand, all of it at once; what the router gives away has to be given away
 * first. */
static int rotate(const struct cli *cli, const char *directory, const char *name, bool switching,
                  int64_t overlap_us)
{
    struct keys_public open;
    struct keys_list list;
    struct ld_error error;
    int code = switching ? LD_OK : make_next(cli, directory, name, &open, &error);
    if (code == LD_OK)
        code = keys_list_load(directory, &list, &error);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    bool here = list.count > 0 && strcmp(name, KEYS_ROUTER) != 0;
    keys_list_free(&list);
    if (!switching && !here)
        return tell_next(cli, name);
    if (!switching)
        code = keys_enrol(directory, &open, ld_wall_us(cli->context), 0, overlap_us, &error);
    if (code == LD_OK)
        code = keys_switch(directory, name, &error);
    return code == LD_OK ? tell_switched(cli, name) : cli_fail(cli, &error);
}

static int keys_rotate(struct cli *cli, int argc, char **argv)
{
    bool switching = false;
    int64_t overlap_us = DEFAULT_OVERLAP_US;
    const struct cli_option options[] = {
        {"overlap",
         'o',
         CLI_DURATION,
         &overlap_us,
         "TIME",
         {"旧钥匙还能用多久（默认 1d）", "how long the old one still works (default: 1d)"}},
        {"switch",
         's',
         CLI_FLAG,
         &switching,
         NULL,
         {"启用先前生成的那一把", "put the one that was made before in use"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "keys rotate [OPTION]… NAME",
        {"换钥匙。登记表在同一目录时一步完成；否则（以及 router）先生成下一把，对方有了它再 "
         "--switch。",
         "A new key in place of the old one. Where the list of enrolled keys is in the same\n"
         "directory, at once; else, and for router, the next one is made, and put in use by\n"
         "--switch when the other side has its public half."},
        options,
        "  liandong keys rotate --overlap 7d 330302.health\n"};
    const char *directory;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    if (!keys_directory(cli, &directory))
        return CLI_USAGE;
    return rotate(cli, directory, argv[0], switching, overlap_us);
}

int cmd_keys(struct cli *cli, int argc, char **argv)
{
    static const struct cli_command COMMANDS[] = {
        {"new", keys_new, {"生成", "make key pairs"}},
        {"show", keys_show, {"公钥和指纹", "a public key and its fingerprint"}},
        {"enrol", keys_do_enrol, {"登记", "let keys in"}},
        {"revoke", keys_do_revoke, {"吊销", "let them in no more"}},
        {"rotate", keys_rotate, {"更换", "a new key for the old one"}},
        {"list", keys_list, {"登记表", "who is let in"}},
        {"check", keys_check, {"检查", "what is wrong with the files"}},
        {NULL, NULL, {NULL, NULL}}};
    static const struct plan_text SUMMARY = {
        "密钥：谁是谁，路由器放行谁。目录由 --keys 或 LIANDONG_KEYS 给出。",
        "Keys: who is who, and whom the router lets in. --keys or LIANDONG_KEYS says where."};
    return cli_dispatch(cli, "keys", SUMMARY, COMMANDS, argc, argv);
}
