/*
 * duty: what its files share. One core is one unit's own instance: it sees what concerns its unit
 * and passes over everything else at once. The states of an order (order.c: the table), issuing
 * and withdrawing (issue.c), the unit's answers (reply.c), help for others (help.c), what is said
 * about an order (announce.c), the state that lasts (state.c), the core itself (duty.c).
 */
#ifndef DUTY_H
#define DUTY_H

#include "common/core.h"

#include <liandong/v1/duty.pb-c.h>
#include <liandong/v1/grade.pb-c.h>
#include <uthash.h>

typedef Liandong__V1__DutyOrder DutyOrder;
typedef Liandong__V1__DutyReply DutyReply;

/* Same numbers as liandong.v1.DutyOrder.State. */
enum order_state {
    ORDER_NONE,
    ORDER_ISSUED,
    ORDER_DELIVERED,
    ORDER_ACKNOWLEDGED,
    ORDER_ACCEPTED,
    ORDER_DECLINED,
    ORDER_IN_PROGRESS,
    ORDER_DONE,
    ORDER_OVERDUE,
    ORDER_ESCALATED,
    ORDER_SUPERSEDED,
    ORDER_WITHDRAWN,
    ORDER_STATES
};

/* What can happen to an order. */
enum order_input {
    ON_ISSUE,
    ON_ACKNOWLEDGE,
    ON_ACCEPT,
    ON_DECLINE,
    ON_PROGRESS,
    ON_HELP,
    ON_DONE,
    ON_DELIVER,   /* it has reached the unit's program */
    ON_PROBLEM,   /* something stands in the way */
    ON_SETTLED,   /* the unit asked for help has taken it up */
    ON_UNSEEN,    /* the time to acknowledge is up */
    ON_UNDONE,    /* the time to be done is up */
    ON_UNSETTLED, /* the day on which a problem was raised is over */
    ON_ESCALATE,  /* still late */
    ON_REPEAT,    /* the next round begins */
    ON_WITHDRAW,
    ORDER_INPUTS,
    TIMER_REMIND = ORDER_INPUTS /* of a timer only: its time to be done is nearly up */
};

enum order_late { NOT_LATE, LATE_ACKNOWLEDGE, LATE_DONE, LATE_PROBLEM };

/* ---- state ---- */

struct standing { /* a sign that stands reported as true in an area */
    char *area;
    int sign; /* index in the plan */
};

struct incident {
    char *id, *hazard;
    const struct plan *plan;        /* the incident is pinned to it */
    int member;                     /* index of the unit in plan->members */
    int hazard_index;               /* -1: the plan does not know it */
    int city_level, county_level;   /* in force; the county's is that of the unit's own county */
    int level;                      /* the graver of the two; PLAN_NONE */
    int city_colour, county_colour; /* of the warnings issued, likewise */
    bool affected;                  /* the incident has reached the unit's own county */
    struct standing *signs;
    size_t sign_count;
    struct order **own;   /* by position among the member's duties; NULL: never issued */
    struct order *orders; /* by id: the unit's own and help for others; in order of issue */
    UT_hash_handle hh;
};

struct order {
    char *id;                  /* "<incident>/<duty>"; help: … "-for-<unit that asked>" */
    struct incident *incident; /* borrowed */
    int duty;                  /* index in plan->duties */
    char *asker;               /* unit that asked for help; NULL: the unit's own duty */
    char **helpers;            /* units asked for help since it was issued, each once */
    size_t helper_count;
    enum order_state state;
    enum order_state reached; /* furthest that the unit itself has said; see order.c */
    bool applies;             /* under the response in force */
    enum order_late late;
    bool reminded;                         /* in this round */
    int64_t issued_at_us, delivered_at_us; /* delivered: 0 not yet known */
    int64_t problem_by_us;                 /* 0: no problem stands */
    int64_t acknowledge_by_us, done_by_us, escalate_at_us, repeat_at_us; /* 0: never */
    UT_hash_handle hh;
};

struct sv_core {
    const struct sv_plans *plans;
    char *unit, *area;          /* "3303.health", "3303" */
    const char *slug;           /* "health", within unit */
    struct incident *incidents; /* by id; walked in order of appearance */
    struct sv_timers timers;    /* keys are ids of orders, what is an order_input */
};

void duty_unit_set(struct sv_core *core, const char *unit);
struct incident *duty_incident_find(const struct sv_core *core, const char *id);
/* The incident, if the unit is a member under the plan it is pinned to; else NULL. */
struct incident *duty_incident_learn(struct sv_core *core, const char *id, const char *hazard,
                                     const char *plan_hash);
void duty_incident_drop(struct sv_core *core, struct incident *incident); /* with its orders */
void duty_sign_set(struct incident *incident, const char *area, int sign, bool stands);
bool duty_sign_stands(const struct incident *incident, int sign);
bool duty_order_is_of(const char *id, const struct incident *incident); /* by its number */
struct order *duty_order_find(const struct sv_core *core, const char *id);
struct order *duty_order_add(struct incident *incident, const char *id, int duty,
                             const char *asker);
void duty_helper_add(struct order *order, const char *unit);
void duty_helpers_forget(struct order *order);
void duty_state_free(struct sv_core *core);
void duty_state_visit(struct sv_core *core, struct sv_codec *codec);

/* ---- one event at work ---- */

struct work {
    struct sv_core *core;
    const struct sv_event *event;
    struct sv_outputs *out;
};

/* ---- order.c ---- */

/* X(NAME, "code", zh, en): refusals of an answer; {} is what was found. */
#define REFUSALS(X)                                                                                \
    X(MALFORMED, "malformed", "消息无法解读：{}；请更正后重新发送",                                \
      "The message cannot be read: {}; correct it and send it again")                              \
    X(WRONG_TOPIC, "wrong-topic",                                                                  \
      "主题应为 reply/<区划>/<单位>/<事件>/<职责>，且与交办单编号一致；实际为 {}",                 \
      "Expected topic reply/<area>/<unit>/<incident>/<duty> that agrees with the order's number; " \
      "found {}")                                                                                  \
    X(WRONG_AUTHOR, "wrong-author", "交办单只能由本单位答复；内容署名为“{}”",                      \
      "Only the unit itself answers its orders; the message is signed \"{}\"")                     \
    X(UNKNOWN_ORDER, "unknown-order", "本单位没有编号为“{}”的交办单；请核对编号，或事件已结案",    \
      "This unit has no order \"{}\"; check its number (orders of closed incidents are gone)")     \
    X(UNKNOWN_ACTION, "unknown-action",                                                            \
      "没有编号为 {} 的答复；应为送达、已阅、接受、谢绝、进展、完成、求助、反映问题",              \
      "There is no answer number {}; expected delivered, acknowledge, accept, decline, progress, " \
      "done, ask-help or problem")                                                                 \
    X(REASON_MISSING, "reason-missing", "“{}”须说明理由", "To {} needs a reason")                  \
    X(REASON_TOO_LONG, "reason-too-long", "理由不得超过4000字节；实际为 {} 字节",                  \
      "A reason has at most 4000 bytes; found {}")                                                 \
    X(HELP_UNKNOWN, "unknown-unit", "词汇表中没有单位“{}”；请指明向哪个单位求助",                  \
      "The vocabulary has no unit \"{}\"; say which unit is asked for help")                       \
    X(HELP_SELF, "help-from-self", "不能向本单位求助（{}）",                                       \
      "A unit cannot ask itself for help ({})")                                                    \
    X(HELP_NOT_MEMBER, "help-not-member", "“{}”不是本预案的成员单位，不能接受交办",                \
      "\"{}\" is no member unit under this plan and takes no orders")                              \
    X(HELP_ON_HELP, "help-on-help", "“{}”本身即为协助，不能再转请他人；可谢绝并说明理由",          \
      "\"{}\" is itself help for another unit and cannot be passed on; decline it with a reason")  \
    X(ALREADY, "already-done", "交办单“{}”已到此步或更进一步，无需重复",                           \
      "Order \"{}\" is at this step already or beyond it; there is nothing to repeat")             \
    X(FINISHED, "finished", "交办单“{}”已经完成", "Order \"{}\" is done")                          \
    X(GONE, "withdrawn", "交办单“{}”已撤回，不再需要答复",                                         \
      "Order \"{}\" was withdrawn and needs no answer")

enum refusal {
    ALLOWED,
#define REFUSAL_ENUM(name, code, zh, en) REFUSED_##name,
    REFUSALS(REFUSAL_ENUM)
#undef REFUSAL_ENUM
        REFUSAL_COUNT
};

/* What an order's announcement adds to its state. */
struct remark {
    const char *reason;    /* NULL: none */
    const char *help_from; /* unit asked for help; NULL: none */
    bool reminder;         /* it says nothing new */
};

/* Would the input change the order's state? REFUSED_… or ALLOWED; changes nothing. */
enum refusal duty_order_judge(const struct order *order, enum order_input input);
/* Changes the state by the table and announces it; false if the input means nothing now. */
bool duty_order_move(struct work *work, struct order *order, enum order_input input,
                     const struct remark *remark);
/* Everything whose time has come, up to the event's time. */
void duty_orders_tick(struct work *work);

/* ---- issue.c ---- */

void duty_on_response(struct work *work);
void duty_on_warning(struct work *work);
/* Does it change what is in force of a warning? */
bool duty_warning_changes(const Liandong__V1__Warning *message);
/* The level in force by which the duty goes: the response's, or the warning's if that is graver and
 * the duty is one of warnings too; PLAN_NONE. */
int duty_level(const struct incident *incident, const struct plan_duty *duty);
void duty_on_incident(struct work *work);
/* Ends an order with the reason; one that is done stays as it is. */
void duty_order_withdraw(struct work *work, struct order *order, const char *reason);

/* ---- reply.c, help.c ---- */

void duty_on_reply(struct work *work);
/* What another unit says about help: it asks for it, needs it no longer, or has taken it up. */
void duty_on_help(struct work *work);
/* Says of the order, just announced so, what concerns those who help with it or are helped. */
void duty_help_tell(struct work *work, struct order *order, const DutyOrder *announced);

/* ---- announce.c ---- */

void duty_order_announce(struct work *work, struct order *order, enum order_state before,
                         const struct remark *remark);
/* Can the order's topic be formed (a plan's ids are not ours)? */
bool duty_order_fits(const struct sv_core *core, const char *id);

#endif
