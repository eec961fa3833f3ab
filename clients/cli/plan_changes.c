#include "plan_changes.h"

#include <string.h>

int plan_changes_make(const struct plan_version *old_version,
                      const struct plan_version *new_version, struct plan_changes *changes,
                      struct ld_error *error)
{
    int code = plan_diff_make(old_version->files, old_version->count, new_version->files,
                              new_version->count, &changes->diff, error);
    if (code != LD_OK)
        return code;
    changes->old_plan = old_version->plan;
    changes->new_plan = new_version->plan;
    plan_diff_members(old_version->plan, new_version->plan, &changes->members);
    return LD_OK;
}

void plan_changes_free(struct plan_changes *changes)
{
    plan_diff_free(&changes->diff);
    plan_diff_members_free(&changes->members);
}

/* ---- as JSON ---- */

static const char *const KIND_NAMES[] = {"added", "removed", "changed"};

static json_t *side_json(const struct plan *plan)
{
    return json_pack("{s:s,s:s}", "plan", plan->id, "hash", plan->hash);
}

static json_t *changes_json(const struct plan_diff *diff)
{
    json_t *changes = json_array();
    for (size_t i = 0; i < diff->count; i++) {
        const struct plan_change *change = &diff->all[i];
        json_array_append_new(changes, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:b}", "kind",
                                                 KIND_NAMES[change->kind], "section",
                                                 change->section, "path", change->path, "cite",
                                                 change->cite, "old", change->old_text, "new",
                                                 change->new_text, "acts", change->acts));
    }
    return changes;
}

static json_t *members_json(const struct plan_member_changes *members)
{
    json_t *all = json_array();
    for (size_t i = 0; i < members->count; i++) {
        const struct plan_member_change *change = &members->all[i];
        json_array_append_new(all, json_pack("{s:s,s:b,s:b,s:s,s:s}", "unit", change->unit,
                                             "joined", change->joined, "left", change->left,
                                             "gained", change->gained, "lost", change->lost));
    }
    return all;
}

json_t *plan_changes_json(const struct plan_changes *changes)
{
    const struct plan_diff *diff = &changes->diff;
    return json_pack("{s:o,s:o,s:I,s:I,s:o,s:o}", "old", side_json(changes->old_plan), "new",
                     side_json(changes->new_plan), "acting", (json_int_t)diff->acting, "said",
                     (json_int_t)(diff->count - diff->acting), "changes", changes_json(diff),
                     "members", members_json(&changes->members));
}

/* ---- as text ---- */

static void print_change(const struct cli *cli, const struct plan_change *change)
{
    static const enum cli_style STYLES[] = {CLI_GREEN, CLI_RED, CLI_ORANGE};
    static const char MARKS[] = "+-~";
    const char *cite = change->cite;
    printf("  %s%c%s %s%s", cli_on(cli, STYLES[change->kind]), MARKS[change->kind], cli_off(cli),
           change->path, change->path[0] != '\0' ? " " : "");
    if (cite[0] != '\0')
        printf("(%s) ", cite);
    if (change->kind == PLAN_CHANGED)
        printf("%s → %s\n", change->old_text, change->new_text);
    else
        printf("%s\n", change->kind == PLAN_ADDED ? change->new_text : change->old_text);
}

static void print_changes(const struct cli *cli, const struct plan_diff *diff, bool acts)
{
    const char *section = NULL;
    for (size_t i = 0; i < diff->count; i++) {
        if (diff->all[i].acts != acts)
            continue;
        if (section == NULL || strcmp(section, diff->all[i].section) != 0)
            printf("%s%s%s\n", cli_on(cli, CLI_BOLD), diff->all[i].section, cli_off(cli));
        section = diff->all[i].section;
        print_change(cli, &diff->all[i]);
    }
}

static void print_members(const struct cli *cli, const struct plan *old_plan,
                          const struct plan *new_plan, const struct plan_member_changes *members)
{
    if (members->count > 0)
        printf("%s%s%s\n", cli_on(cli, CLI_BOLD),
               cli_say(cli, "由此各单位的职责", "what that means for units"), cli_off(cli));
    for (size_t i = 0; i < members->count; i++) {
        const struct plan_member_change *change = &members->all[i];
        struct plan_text name = plan_unit_name(change->left ? old_plan : new_plan, change->unit);
        printf("  %s (%s)%s", cli_text(cli, name), change->unit,
               change->joined ? cli_say(cli, "，新增单位", ", new")
               : change->left ? cli_say(cli, "，不再是成员单位", ", no member any more")
                              : "");
        if (change->gained_count > 0)
            printf(" %s+%s %s", cli_on(cli, CLI_GREEN), cli_off(cli), change->gained);
        if (change->lost_count > 0)
            printf(" %s-%s %s", cli_on(cli, CLI_RED), cli_off(cli), change->lost);
        putchar('\n');
    }
}

static void print_sum(const struct cli *cli, const struct plan_diff *diff, bool same_hash)
{
    size_t said = diff->count - diff->acting;
    if (same_hash)
        puts(cli_say(cli, "同一版本", "the same version"));
    else if (diff->count == 0)
        puts(cli_say(cli, "内容没有差别，只有写法不同",
                     "no difference in what the plan says, only in how it is written down"));
    else if (diff->acting == 0)
        printf(cli_say(cli, "要做的事没有差别；文字、读法或出处有 %zu 处不同\n",
                       "no difference in what is done; %zu in texts, readings or citations\n"),
               said);
    else
        printf(cli_say(cli, "要做的事有 %zu 处不同；文字、读法或出处有 %zu 处不同\n",
                       "%zu differences in what is done; %zu in texts, readings or citations\n"),
               diff->acting, said);
}

void plan_changes_print(const struct cli *cli, const struct plan_changes *changes)
{
    const struct plan *old_plan = changes->old_plan, *new_plan = changes->new_plan;
    const struct plan_diff *diff = &changes->diff;
    printf("%s %.12s → %s %.12s\n", old_plan->id, old_plan->hash, new_plan->id, new_plan->hash);
    print_changes(cli, diff, true);
    print_members(cli, old_plan, new_plan, &changes->members);
    if (diff->count > diff->acting)
        printf("%s\n", cli_say(cli, "—— 以下只是文字、读法或出处",
                               "-- below: only texts, readings or citations"));
    print_changes(cli, diff, false);
    print_sum(cli, diff, strcmp(old_plan->hash, new_plan->hash) == 0);
}
