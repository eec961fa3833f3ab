/* liandong keys list, keys check: who is let in, and what is wrong with the files of a directory.
 */
#include "cmd_keys.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "timefmt.h"

/* ---- list ---- */

static const char *standing_name(enum keys_standing standing)
{
    static const char *const NAMES[] = {"valid", "not-yet", "expired", "revoked"};
    return NAMES[standing];
}

static json_t *time_json(int64_t time_us)
{
    char text[LD_TIME_TEXT_SIZE];
    return time_us == 0 ? json_null()
                        : json_string(ld_time_format(text, time_us, LD_CHINA_OFFSET_MINUTES));
}

static void list_json(const struct keys_enrolled *key, int64_t now_us)
{
    cli_print_json(json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:s}", "name", key->open.name, "fingerprint",
                             key->fingerprint, "standing",
                             standing_name(keys_standing(key, now_us)), "from",
                             time_json(key->open.made_us), "until", time_json(key->until_us),
                             "revoked", time_json(key->revoked_us), "reason", key->reason));
}

static void list_row(struct cli_table *table, const struct keys_enrolled *key, int64_t now_us)
{
    char from[CLI_TIME_SIZE], standing[KEYS_REASON_MAX + 64];
    const char *cells[] = {key->open.name, key->fingerprint, cli_time(from, key->open.made_us),
                           keys_standing_text(key, now_us, standing, sizeof standing)};
    cli_table_row_in(table, keys_standing(key, now_us) == KEYS_VALID ? CLI_PLAIN : CLI_DIM, cells);
}

static void list_all(const struct cli *cli, const struct keys_list *list, bool valid_only)
{
    static const struct cli_column COLUMNS[] = {{.name = {"名称", "NAME"}},
                                                {.name = {"指纹", "FINGERPRINT"}},
                                                {.name = {"登记", "ENROLLED"}},
                                                {.name = {"状态", "STANDING"}, .wrap = true}};
    int64_t now_us = ld_wall_us(cli->context);
    struct cli_table *table =
        cli->json ? NULL : cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < list->count; i++) {
        const struct keys_enrolled *key = &list->all[i];
        if (valid_only && keys_standing(key, now_us) != KEYS_VALID)
            continue;
        if (cli->json)
            list_json(key, now_us);
        else
            list_row(table, key, now_us);
    }
    if (table)
        cli_table_print(table);
}

int keys_list(struct cli *cli, int argc, char **argv)
{
    bool valid_only = false;
    const struct cli_option options[] = {
        {"valid", 'v', CLI_FLAG, &valid_only, NULL, {"只列有效的", "only those that are valid"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "keys list [OPTION]…",
        {"登记表：路由器放行过谁、现在放行谁。", "The list of enrolled keys, past ones included."},
        options,
        "  liandong keys list --valid\n"};
    const char *directory;
    struct keys_list list;
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 0, 0, &count);
    if (status >= 0)
        return status;
    if (!keys_directory(cli, &directory))
        return CLI_USAGE;
    if (keys_list_load(directory, &list, &error) != LD_OK)
        return cli_fail(cli, &error);
    list_all(cli, &list, valid_only);
    keys_list_free(&list);
    return CLI_OK;
}

/* ---- check ---- */

struct check {
    const struct cli *cli;
    const char *directory;
    struct keys_list list;
    int64_t now_us;
    size_t keys, findings;
};

static void find(struct check *check, const char *name, const char *finding)
{
    check->findings++;
    if (check->cli->json)
        cli_print_json(json_pack("{s:s,s:s}", "key", name, "finding", finding));
    else
        printf(cli_say(check->cli, "%s：%s\n", "%s: %s\n"), name, finding);
}

static void check_public(struct check *check, const struct keys_pair *pair)
{
    char path[KEYS_PATH_SIZE];
    struct keys_public open;
    struct ld_error error;
    if (keys_path(path, check->directory, pair->open.name, KEYS_PUBLIC, &error) != LD_OK ||
        keys_load_public(path, &open, &error) != LD_OK)
        find(check, pair->open.name, error.text);
    else if (memcmp(&open, &pair->open, sizeof open) != 0)
        find(check, pair->open.name,
             cli_say(check->cli, ".pub 与 .key 不是一对：不要把它交出去",
                     "its .pub is not that of its .key: do not give it away"));
}

/* Only where the list is: elsewhere it is the router's business. */
static void check_standing(struct check *check, const struct keys_public *open)
{
    char text[KEYS_REASON_MAX + 64];
    if (check->list.count == 0 || strcmp(open->name, KEYS_ROUTER) == 0)
        return;
    const struct keys_enrolled *key = keys_list_find(&check->list, open->bus);
    if (!key)
        find(check, open->name,
             cli_say(check->cli, "未登记：keys enrol", "not enrolled: keys enrol"));
    else if (strcmp(key->open.name, open->name) != 0)
        find(check, open->name,
             cli_say(check->cli, "这把钥匙登记在别人名下", "this key is enrolled as another's"));
    else if (memcmp(key->open.sign, open->sign, KEYS_BYTES) != 0)
        find(check, open->name,
             cli_say(check->cli, "登记的签名公钥与此不符",
                     "it is enrolled with another signature key"));
    else if (keys_standing(key, check->now_us) != KEYS_VALID)
        find(check, open->name, keys_standing_text(key, check->now_us, text, sizeof text));
}

static void check_key(struct check *check, const char *name)
{
    struct keys_pair pair;
    struct ld_error error;
    check->keys++;
    if (keys_load(check->directory, name, &pair, &error) != LD_OK) {
        find(check, name, error.text);
        return;
    }
    check_public(check, &pair);
    check_standing(check, &pair.open);
    keys_forget(&pair);
}

static void check_directory(struct check *check)
{
    struct stat status;
    if (stat(check->directory, &status) == 0 && (status.st_mode & 022) != 0)
        find(check, check->directory,
             cli_say(check->cli, "别人可以写这个目录：chmod 700",
                     "others may write this directory: chmod 700 it"));
}

static void check_router(struct check *check)
{
    char path[KEYS_PATH_SIZE];
    struct keys_public open;
    struct ld_error error;
    if (keys_path(path, check->directory, KEYS_ROUTER, KEYS_PUBLIC, &error) != LD_OK ||
        keys_load_public(path, &open, &error) != LD_OK)
        find(check, KEYS_ROUTER,
             cli_say(check->cli, "没有 router.pub：向路由器的管理员要",
                     "there is no good router.pub: ask for it where the router is"));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_key(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return size > 4 && size - 4 <= KEYS_NAME_MAX && strcmp(entry->d_name + size - 4, ".key") == 0;
}

static int check_files(struct check *check, struct ld_error *error)
{
    struct dirent **entries;
    int count = scandir(check->directory, &entries, is_key, by_name);
    if (count < 0)
        return ld_fail(error, LD_NOTFOUND, "cannot read %s: %s", check->directory, strerror(errno));
    for (int i = 0; i < count; i++) {
        char name[KEYS_NAME_MAX + 1];
        snprintf(name, sizeof name, "%.*s", (int)strlen(entries[i]->d_name) - 4,
                 entries[i]->d_name);
        check_key(check, name);
        free(entries[i]);
    }
    free(entries);
    return LD_OK;
}

int keys_check(struct cli *cli, int argc, char **argv)
{
    const struct cli_usage usage = {
        "keys check [OPTION]…",
        {"目录里的文件有什么不对：权限、属主、不成对、未登记、过期、吊销。有则退出状态为 1。",
         "What is wrong with the files of the directory: mode, owner, halves that do not belong\n"
         "together, not enrolled, expired, revoked. Exit status 1 if there is anything."},
        NULL,
        "  liandong keys check --keys /etc/liandong/keys\n"};
    struct check check = {.cli = cli, .now_us = ld_wall_us(cli->context)};
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 0, 0, &count);
    if (status >= 0)
        return status;
    if (!keys_directory(cli, &check.directory))
        return CLI_USAGE;
    if (keys_list_load(check.directory, &check.list, &error) != LD_OK)
        return cli_fail(cli, &error);
    check_directory(&check);
    check_router(&check);
    int code = check_files(&check, &error);
    keys_list_free(&check.list);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    if (!cli->json)
        printf(cli_say(cli, "%zu 把钥匙，%zu 处不对\n", "%zu keys, %zu findings\n"), check.keys,
               check.findings);
    return check.findings == 0 ? CLI_OK : CLI_FAILED;
}
