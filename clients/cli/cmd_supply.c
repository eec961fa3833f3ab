/* liandong supply: what is where, how it moved, and acts of holders and requesters. */
#include <stdlib.h>
#include <string.h>

#include "keeping.h"
#include "message.h"
#include "picture/enum_name.h"
#include "picture/event_json.h"
#include "picture/picture.h"

static void take(const struct ld_record *record, void *data)
{
    struct picture_event event;
    picture_apply(data, record, &event);
}

static int read_ledger(const struct cli *cli, const char *directory, struct picture *picture,
                       struct ld_error *error)
{
    static const char *const FILTERS[] = {"supply/>"};
    struct bus_read read = {.filters = FILTERS, .filter_count = 1, .each = take, .data = picture};
    picture_init(picture);
    return bus_source(cli, directory, &read, error);
}

static void print_balances(const struct cli *cli, const struct picture *picture, const char *item)
{
    static const struct cli_column COLUMNS[] = {{.name = {"物资", "ITEM"}},
                                                {.name = {"持有者", "HOLDER"}},
                                                {.name = {"", ""}},
                                                {.name = {"数量", "QUANTITY"}, .right = true}};
    struct cli_table *table =
        cli->json ? NULL : cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (const struct picture_balance *at = picture->balances; at != NULL; at = at->hh.next) {
        char quantity[24];
        if ((item != NULL && strcmp(at->item, item) != 0) || strcmp(at->holder, "world") == 0)
            continue;
        if (cli->json) {
            cli_print_json(json_pack("{s:s,s:s,s:b,s:I}", "item", at->item, "holder", at->holder,
                                     "exercise", at->exercise, "quantity",
                                     (json_int_t)at->quantity));
            continue;
        }
        snprintf(quantity, sizeof quantity, "%lld", (long long)at->quantity);
        const char *cells[] = {at->item, at->holder,
                               at->exercise ? cli_say(cli, "演练", "exercise") : "", quantity};
        cli_table_row(table, cells);
    }
    if (table != NULL)
        cli_table_print(table);
}

static void movement_row(const struct cli *cli, struct cli_table *table,
                         const struct picture_movement *at)
{
    char word[ENUM_WORD_SIZE], time[CLI_TIME_SIZE], quantity[24];
    const Liandong__V1__SupplyMovement *movement = at->movement;
    const Liandong__V1__Text *reason = movement->reason;
    snprintf(quantity, sizeof quantity, "%lld", (long long)movement->quantity);
    const char *cells[] = {
        cli_time(time, at->time_us),
        at->exercise ? cli_say(cli, "演练", "exercise") : "",
        movement->item,
        enum_word(word, &liandong__v1__supply_movement__kind__descriptor, (int)movement->kind),
        quantity,
        movement->from,
        movement->to,
        movement->request,
        reason == NULL ? ""
        : cli->zh      ? reason->zh
                       : reason->en};
    cli_table_row(table, cells);
}

static void print_movements(const struct cli *cli, const struct picture *picture, const char *item)
{
    static const struct cli_column COLUMNS[] = {{.name = {"时间", "TIME"}},
                                                {.name = {"", ""}},
                                                {.name = {"物资", "ITEM"}},
                                                {.name = {"类型", "KIND"}},
                                                {.name = {"数量", "QUANTITY"}, .right = true},
                                                {.name = {"从", "FROM"}},
                                                {.name = {"到", "TO"}},
                                                {.name = {"申请", "REQUEST"}},
                                                {.name = {"说明", "REASON"}, .wrap = true}};
    struct cli_table *table =
        cli->json ? NULL : cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < picture->movement_count; i++) {
        const struct picture_movement *at = &picture->movements[i];
        if (item != NULL && strcmp(at->movement->item, item) != 0)
            continue;
        if (cli->json)
            cli_print_json(event_json_message(&at->movement->base));
        else
            movement_row(cli, table, at);
    }
    if (table != NULL)
        cli_table_print(table);
}

static int supply_show(struct cli *cli, int argc, char **argv, bool balances, const char *line,
                       struct plan_text summary)
{
    const char *item = NULL, *directory = NULL;
    const struct cli_option options[] = {
        {"item", 'I', CLI_TEXT, &item, "ITEM", {"只看这种物资", "of this item only"}},
        {"log",
         'L',
         CLI_TEXT,
         &directory,
         "DIR",
         {"读日志目录而不连总线", "read a log folder instead of the bus"}},
        {.name = NULL}};
    const struct cli_usage usage = {line, summary, options, NULL};
    struct picture picture;
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 0, 0, &count);
    if (status >= 0)
        return status;
    int code = read_ledger(cli, directory, &picture, &error);
    if (code == LD_OK && balances)
        print_balances(cli, &picture, item);
    else if (code == LD_OK)
        print_movements(cli, &picture, item);
    picture_free(&picture);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}

static int supply_balance(struct cli *cli, int argc, char **argv)
{
    return supply_show(cli, argc, argv, true, "supply balance [OPTION]…",
                       (struct plan_text){"各处现有数量。", "What is where."});
}

static int supply_list(struct cli *cli, int argc, char **argv)
{
    return supply_show(cli, argc, argv, false, "supply list [OPTION]…",
                       (struct plan_text){"物资流水。", "How supplies moved."});
}

/* ---- acts ---- */

static int act(const struct cli *cli, struct ld_arena *arena, Liandong__V1__SupplyAct *message)
{
    struct ld_client *client = NULL;
    struct ld_error error;
    if (bus_open(cli, &client, &error) != LD_OK)
        return cli_fail(cli, &error);
    if (message->id[0] == '\0')
        message->id = message_number(cli, arena, bus_now(client));
    return keeping_say(
        cli, client,
        ld_arena_format(arena, "need/%s/%s/%s", message->area, message->item, cli->identity),
        &message->base);
}

static bool parse_quantity(const struct cli *cli, const char *text, int64_t *quantity)
{
    char *end;
    *quantity = strtoll(text, &end, 10);
    if (end != text && *end == '\0')
        return true;
    cli_complain(cli, "数量应为整数，实为 \"%s\"", "expected a whole number, found \"%s\"", text);
    return false;
}

struct act_options {
    const char *from, *to, *request, *area, *reason, *donor, *proof, *requester, *id, *incident;
    int64_t amount_fen;
    int64_t needed_by_us;
};

static bool fill(const struct cli *cli, struct ld_arena *arena, const struct act_options *own,
                 char **arguments, Liandong__V1__SupplyAct *message)
{
    int verb = message_enum(cli, &liandong__v1__supply_act__verb__descriptor, "VERB", arguments[0]);
    liandong__v1__supply_act__init(message);
    if (verb < 0 || !parse_quantity(cli, arguments[2], &message->quantity))
        return false;
    message->verb = (Liandong__V1__SupplyAct__Verb)verb;
    message->item = message_text(arguments[1]);
    message->context = message_context(cli, arena, message_text(own->incident));
    message->id = message_text(own->id);
    message->from = message_text(own->from);
    message->to = message_text(own->to);
    message->request = message_text(own->request);
    message->reason = message_text(own->reason);
    message->requester = message_text(own->requester);
    message->amount_fen = own->amount_fen;
    message->donor = message_text(own->donor);
    message->proof = message_text(own->proof);
    message->needed_by_us = own->needed_by_us;
    message->area =
        own->area != NULL ? message_text(own->area) : message_area_of(arena, cli->identity);
    return true;
}

static int supply_act(struct cli *cli, int argc, char **argv)
{
    struct act_options own = {0};
    const struct cli_option options[] = {
        {"from", 0, CLI_TEXT, &own.from, "HOLDER", {"从哪里", "holder it leaves"}},
        {"to", 0, CLI_TEXT, &own.to, "HOLDER", {"到哪里", "holder it goes to"}},
        {"request", 'r', CLI_TEXT, &own.request, "ID", {"答复哪份申请", "the request it answers"}},
        {"area",
         'a',
         CLI_TEXT,
         &own.area,
         "CODE",
         {"需要或持有的县（默认本单位所在地）", "county in need, or of the holder"}},
        {"reason", 'R', CLI_TEXT, &own.reason, "TEXT", {"理由", "the reason"}},
        {"requester", 0, CLI_TEXT, &own.requester, "UNIT", {"谁的申请", "whose request it is"}},
        {"amount",
         0,
         CLI_NUMBER,
         &own.amount_fen,
         "FEN",
         {"补偿金额（分）", "compensate: paid, in CNY 0.01"}},
        {"donor", 0, CLI_TEXT, &own.donor, "NAME", {"捐赠者", "donate: who gave it"}},
        {"proof", 0, CLI_TEXT, &own.proof, "TEXT", {"签收凭证", "receive: the receipt's number"}},
        {"needed-by", 'b', CLI_TIME, &own.needed_by_us, "TIME", {"何时需要", "when it is needed"}},
        {"id", 0, CLI_TEXT, &own.id, "ID", {"编号", "the author's own number"}},
        {"incident", 'I', CLI_TEXT, &own.incident, "ID", {"事件", "the incident it is for"}},
        {"outbox",
         0,
         CLI_TEXT,
         &cli->outbox,
         "FILE",
         {"先存入此发件箱；路由器不在也可",
          "keep it in this outbox first; the router may be away"}},
        {"exercise", 'x', CLI_FLAG, &cli->exercise, NULL, {"演练", "an exercise"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "supply act [OPTION]… VERB ITEM QUANTITY",
        {"物资行为：stock-take、request、commit、decline、dispatch、receive、return、\n"
         "requisition、use、loss、donate、lend、cancel、compensate。",
         "An act on supplies: stock-take, request, commit, decline, dispatch, receive, return,\n"
         "requisition, use, loss, donate, lend, cancel or compensate."},
        options,
        "  liandong supply act stock-take ors 20000 --from 3303.depot --as 3303.depot\n"
        "  liandong supply act request ors 500 --to 330302.hospital --as 330302.hospital\n"};
    struct ld_arena arena = {0};
    Liandong__V1__SupplyAct message;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 3, 3, &count);
    if (status < 0)
        status = fill(cli, &arena, &own, argv, &message) ? act(cli, &arena, &message) : CLI_USAGE;
    ld_arena_free(&arena);
    return status;
}

int cmd_supply(struct cli *cli, int argc, char **argv)
{
    static const struct cli_command COMMANDS[] = {
        {"balance", supply_balance, {"各处现有数量", "what is where"}},
        {"list", supply_list, {"物资流水", "how supplies moved"}},
        {"act",
         supply_act,
         {"盘点、申请、调出、接收……", "take stock, request, dispatch, receive …"}},
        {NULL, NULL, {NULL, NULL}}};
    static const struct plan_text SUMMARY = {"应急物资。", "Supplies."};
    return cli_dispatch(cli, "supply", SUMMARY, COMMANDS, argc, argv);
}
