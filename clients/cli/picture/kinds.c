#include "kinds.h"

#include <stddef.h>

static struct plan_text at(const struct plan_text *kinds, size_t count, int kind)
{
    return kinds[kind > 0 && (size_t)kind < count ? (size_t)kind : 0];
}

struct plan_text kind_of_notice(int kind)
{
    static const struct plan_text KINDS[] = {
        {"?", "?"}, {"发布", "first"}, {"更新", "update"}, {"解除", "end"}};
    return at(KINDS, sizeof KINDS / sizeof KINDS[0], kind);
}

struct plan_text kind_of_movement(int kind)
{
    static const struct plan_text KINDS[] = {{"?", "?"},
                                             {"盘点", "stock-take"},
                                             {"申请", "requested"},
                                             {"分配", "allocated"},
                                             {"未满足", "unmet"},
                                             {"发出", "dispatched"},
                                             {"收到", "received"},
                                             {"退回", "returned"},
                                             {"征用", "requisitioned"},
                                             {"解除分配", "released"},
                                             {"短缺", "shortfall"},
                                             {"使用", "used"},
                                             {"损失", "lost"},
                                             {"过期", "expired"},
                                             {"受赠", "donated"},
                                             {"承诺", "committed"},
                                             {"撤回申请", "cancelled"},
                                             {"应还", "owed"},
                                             {"归还", "given back"},
                                             {"补偿", "compensated"}};
    return at(KINDS, sizeof KINDS / sizeof KINDS[0], kind);
}

struct plan_text kind_of_bulletin(int kind)
{
    static const struct plan_text KINDS[] = {{"?", "?"},
                                             {"风险评估", "assessment"},
                                             {"风险地图", "map"},
                                             {"新闻发布", "press"},
                                             {"总结", "summary"},
                                             {"评估", "evaluation"},
                                             {"会商", "meeting"},
                                             {"通报", "notice"},
                                             {"日报告", "daily report"}};
    return at(KINDS, sizeof KINDS / sizeof KINDS[0], kind);
}
