/* Orders asked of the read model: which ones, and as rows. Used by status, duty and duty list. */
#ifndef CLI_ORDERS_H
#define CLI_ORDERS_H

#include "model.h"

struct order_options {
    const char *unit, *group, *level, *state, *incident, *area, *db;
    bool open, overdue;
};
/* The options of every command that shows orders; own is a struct order_options. */
#define ORDER_OPTIONS(own)                                                                         \
    {"unit", 'u', CLI_TEXT, &(own)->unit, "UNIT", {"只看这一单位", "of this unit only"}},          \
        {"group",       'g',  CLI_TEXT,                                                            \
         &(own)->group, "ID", {"只看这一工作组", "of this working group only"}},                   \
        {"level",                                                                                  \
         'L',                                                                                      \
         CLI_TEXT,                                                                                 \
         &(own)->level,                                                                            \
         "LEVEL",                                                                                  \
         {"只看这一响应级别：I、II、III、IV", "of this level of response only: I, II, III, IV"}},  \
        {"state",  'S',                                                                            \
         CLI_TEXT, &(own)->state,                                                                  \
         "STATE",  {"只看这一状态，如 issued、done", "in this state only, e.g. issued, done"}},    \
        {"incident",       'I',  CLI_TEXT,                                                         \
         &(own)->incident, "ID", {"只看这一事件", "of this incident only"}},                       \
        {"area",   'a',                                                                            \
         CLI_TEXT, &(own)->area,                                                                   \
         "CODE",   {"只看这一地区及下辖的单位", "of units in this area and below only"}},          \
        {"open",       'o',  CLI_FLAG,                                                             \
         &(own)->open, NULL, {"只看未办结的", "only those that still ask for something"}},         \
        {"overdue",       'O',  CLI_FLAG,                                                          \
         &(own)->overdue, NULL, {"只看曾逾期的", "only those that were ever overdue"}},            \
    {                                                                                              \
        "db", 0, CLI_TEXT, &(own)->db, "FILE",                                                     \
        {                                                                                          \
            "查询这一读模型文件，不连总线", "ask this read model, without the bus"                 \
        }                                                                                          \
    }

/* False, with the mistake told, if a value means nothing. */
bool orders_filter(const struct cli *cli, const struct order_options *own,
                   struct model_filter *filter);

/* The orders as rows: by world, incident, unit, then in order of their first issue. */
json_t *orders_ask(struct model *model, const struct model_filter *filter, struct ld_error *error);
/* One of these rows as its newest event would be shown, with what is remembered of those before. */
json_t *orders_public(const json_t *row);
int orders_state(const json_t *row); /* DutyOrder.State */

#endif
