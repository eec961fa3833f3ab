/* liandong supply: what is where, who asks for it, how it moved, and acts on it. */
#include "supply/supply.h"

int cmd_supply(struct cli *cli, int argc, char **argv)
{
    static const struct cli_command COMMANDS[] = {
        {"stock", supply_stock, {"各处现有多少，还够几天", "what is where, for how many days"}},
        {"batches", supply_batches, {"批次与有效期", "batches and when they expire"}},
        {"requests", supply_requests, {"申请与征用", "requests and requisitions"}},
        {"why", supply_why, {"一份申请为何只得到这些", "why a request got what it got"}},
        {"movements", supply_movements, {"物资流水", "how supplies moved"}},
        {"owed", supply_owed, {"借用与征用补偿", "loans, and compensation for requisitions"}},
        {"donations", supply_donations, {"捐赠账", "the account of donations"}},
        {"reserves", supply_reserves, {"常备储备", "standing reserves"}},
        {"page", supply_page, {"以上全部，一页", "all of these on one page"}},
        {"count", supply_count, {"按 CSV 文件盘点", "take stock from a CSV file"}},
        {"act", supply_act, {"申请、调出、接收、使用……", "request, dispatch, receive, use …"}},
        {NULL, NULL, {NULL, NULL}}};
    static const struct plan_text SUMMARY = {"应急物资。", "Supplies."};
    return cli_dispatch(cli, "supply", SUMMARY, COMMANDS, argc, argv);
}
