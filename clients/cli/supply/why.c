/* liandong supply why REQUEST: what of it was set aside where, what came of it, and why not more.
 */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "bus.h"
#include "liandong/v1/supply.pb-c.h"
#include "picture/enum_name.h"
#include "picture/event_json.h"
#include "picture/keep.h"
#include "picture/kinds.h"
#include "services/common/core.h"
#include "supply/supply.h"

typedef Liandong__V1__SupplyMovement movement;

struct step {
    movement *movement;
    int64_t time_us;
};
struct why {
    const char *request, *requester;
    struct step *steps;
    size_t count, capacity;
    const movement *unmet; /* the last one; NULL: nothing is missing */
    struct ld_arena arena;
};

static bool is_of_it(const struct why *why, const movement *one)
{
    return strcmp(one->request, why->request) == 0 &&
           (why->requester == NULL || strcmp(one->requester, why->requester) == 0);
}

static void take(const struct ld_record *record, void *data)
{
    struct why *why = data;
    ProtobufCMessage *message = NULL;
    struct ld_error error;
    ld_arena_reset(&why->arena);
    if (sv_family_of(record->topic, record->topic_size) != SV_SUPPLY ||
        sv_decode(SV_SUPPLY, record->payload, record->payload_size, &why->arena, &message,
                  &error) != LD_OK ||
        !is_of_it(why, (const movement *)message))
        return;
    why->steps = keep_room(why->steps, why->count, &why->capacity, sizeof *why->steps);
    movement *copy = keep_copy(message);
    why->steps[why->count++] = (struct step){copy, record->time_us};
    if (copy->kind == LIANDONG__V1__SUPPLY_MOVEMENT__KIND__UNMET)
        why->unmet = copy;
    else if (copy->kind == LIANDONG__V1__SUPPLY_MOVEMENT__KIND__ALLOCATED && why->unmet != NULL &&
             copy->quantity >= why->unmet->quantity)
        why->unmet = NULL; /* what was missing has been found */
}

/* ---- words ---- */

static const char *source_words(const struct cli *cli, int reason)
{
    static const struct plan_text WORDS[] = {
        {"?", "?"},
        {"在此预留，再无可用", "set aside here, no more is free"},
        {"无库存", "has none"},
        {"已全部预留给他处", "all is set aside for others"},
        {"现行级别不可调用", "not open at the level in force"},
        {"该单位谢绝", "has declined"},
        {"运到时已过期", "would have expired on the way"},
        {"该单位自己也在申请", "asks for it itself"}};
    size_t count = sizeof WORDS / sizeof WORDS[0];
    return cli_text(cli, WORDS[reason > 0 && (size_t)reason < count ? (size_t)reason : 0]);
}

static const char *rival_words(const struct cli *cli, int reason)
{
    static const struct plan_text WORDS[] = {{"?", "?"},
                                             {"所在地事件分级更高", "its area's grade is graver"},
                                             {"已承诺或征用", "promised or requisitioned"},
                                             {"预留在先", "set aside before"},
                                             {"其存量更早用完", "its stock runs out sooner"},
                                             {"需要得更早", "needed sooner"},
                                             {"申请在先", "asked earlier"}};
    size_t count = sizeof WORDS / sizeof WORDS[0];
    return cli_text(cli, WORDS[reason > 0 && (size_t)reason < count ? (size_t)reason : 0]);
}

static const char *number(struct ld_arena *arena, int64_t value)
{
    return ld_arena_format(arena, "%lld", (long long)value);
}

/* ---- showing ---- */

static void print_steps(const struct cli *cli, struct why *why)
{
    static const struct cli_column COLUMNS[] = {{.name = {"时间", "TIME"}},
                                                {.name = {"类型", "KIND"}},
                                                {.name = {"数量", "QUANTITY"}, .right = true},
                                                {.name = {"从", "FROM"}},
                                                {.name = {"到", "TO"}},
                                                {.name = {"级别", "LEVEL"}},
                                                {.name = {"分级", "GRADE"}},
                                                {.name = {"说明", "REASON"}, .wrap = true}};
    struct cli_table *table = cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < why->count; i++) {
        const movement *one = why->steps[i].movement;
        char time[CLI_TIME_SIZE];
        bool ranked = one->pool[0] != '\0';
        const char *cells[] = {
            cli_time(time, why->steps[i].time_us),
            cli_text(cli, kind_of_movement((int)one->kind)),
            number(&why->arena, one->quantity),
            one->from,
            one->to,
            ranked ? plan_level_name((int)one->level) : "",
            ranked ? plan_level_name((int)one->grade) : "",
            one->reason == NULL ? one->pool : cli_say(cli, one->reason->zh, one->reason->en)};
        cli_table_row(table, cells);
    }
    cli_table_print(table);
}

static void print_sources(const struct cli *cli, struct ld_arena *arena, const movement *unmet)
{
    static const struct cli_column COLUMNS[] = {
        {.name = {"持有者", "HOLDER"}},
        {.name = {"路程（分钟）", "MINUTES"}, .right = true},
        {.name = {"现有", "ON HAND"}, .right = true},
        {.name = {"可用", "FREE"}, .right = true},
        {.name = {"给予", "GIVES"}, .right = true},
        {.name = {"为何不再多", "WHY NOT MORE"}}};
    struct cli_table *table = cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < unmet->n_sources; i++) {
        const Liandong__V1__SupplySource *source = unmet->sources[i];
        const char *cells[] = {source->holder,
                               source->travel_minutes < 0 ? "?"
                                                          : number(arena, source->travel_minutes),
                               number(arena, source->on_hand),
                               number(arena, source->free),
                               number(arena, source->gives),
                               source_words(cli, (int)source->reason)};
        cli_table_row(table, cells);
    }
    cli_table_print(table);
}

static void print_rivals(const struct cli *cli, struct ld_arena *arena, const movement *unmet)
{
    static const struct cli_column COLUMNS[] = {{.name = {"预留给", "SET ASIDE FOR"}},
                                                {.name = {"申请", "REQUEST"}},
                                                {.name = {"区划", "AREA"}},
                                                {.name = {"分级", "GRADE"}},
                                                {.name = {"数量", "QUANTITY"}, .right = true},
                                                {.name = {"因为", "BECAUSE"}}};
    if (unmet->n_rivals == 0)
        return;
    struct cli_table *table = cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < unmet->n_rivals; i++) {
        const Liandong__V1__SupplyRival *rival = unmet->rivals[i];
        const char *cells[] = {rival->requester,
                               rival->request,
                               rival->area,
                               plan_level_name((int)rival->grade),
                               number(arena, rival->quantity),
                               rival_words(cli, (int)rival->reason)};
        cli_table_row(table, cells);
    }
    cli_table_print(table);
}

static void print_why(const struct cli *cli, struct why *why)
{
    const movement *unmet = why->unmet;
    print_steps(cli, why);
    if (unmet == NULL) {
        puts(cli_say(cli, "没有缺口。", "Nothing is missing."));
        return;
    }
    printf(cli_say(cli, "\n%s 申请 %lld，已落实 %lld，尚缺 %lld；响应级别 %s，可调用范围：%s\n",
                   "\n%s asked for %lld, got %lld, is short of %lld; level %s opens: %s\n"),
           unmet->to, (long long)unmet->asked, (long long)unmet->covered,
           (long long)unmet->quantity, plan_level_name((int)unmet->level), unmet->pool);
    print_sources(cli, &why->arena, unmet);
    print_rivals(cli, &why->arena, unmet);
}

static json_t *why_json(const struct why *why)
{
    json_t *steps = json_array();
    for (size_t i = 0; i < why->count; i++)
        json_array_append_new(steps, event_json_message(&why->steps[i].movement->base));
    return json_pack("{s:s,s:o,s:o}", "request", why->request, "steps", steps, "unmet",
                     event_json_message(why->unmet != NULL ? &why->unmet->base : NULL));
}

static int tell(const struct cli *cli, struct why *why)
{
    if (why->count == 0) {
        cli_complain(cli, "没有编号为 %s 的申请", "there is no request %s", why->request);
        return CLI_FAILED;
    }
    if (cli->json)
        cli_print_json(why_json(why));
    else
        print_why(cli, why);
    return CLI_OK;
}

int supply_why(struct cli *cli, int argc, char **argv)
{
    static const char *const FILTERS[] = {"supply/>"};
    const char *directory = NULL;
    struct why why = {0};
    const struct cli_option options[] = {
        {"requester", 0, CLI_TEXT, &why.requester, "UNIT", {"谁的申请", "whose request it is"}},
        {"log",
         'L',
         CLI_TEXT,
         &directory,
         "DIR",
         {"读日志目录而不连总线", "read a log folder instead of the bus"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "supply why [OPTION]… REQUEST",
        {"一份申请为何只得到这些：从哪里得到，各处为何不再多给，预留给了谁、为何。",
         "Why a request got what it got: from where, why each holder gives no more, and for whom\n"
         "it is set aside instead, and why."},
        options,
        NULL};
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    why.request = argv[0];
    struct bus_read read = {.filters = FILTERS, .filter_count = 1, .each = take, .data = &why};
    int code = bus_source(cli, directory, &read, &error);
    status = code == LD_OK ? tell(cli, &why) : cli_fail(cli, &error);
    for (size_t i = 0; i < why.count; i++)
        KEEP_DROP(why.steps[i].movement);
    free(why.steps);
    ld_arena_free(&why.arena);
    return status;
}
