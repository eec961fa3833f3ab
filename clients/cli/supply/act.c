/* liandong supply act: what a holder or requester does. */
#include <stdlib.h>
#include <string.h>

#include "keeping.h"
#include "liandong/v1/supply.pb-c.h"
#include "message.h"
#include "supply/supply.h"

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

int supply_act(struct cli *cli, int argc, char **argv)
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
        KEEPING_OPTIONS(cli),
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
