/*
 * command: what its files share. The state (state.c), the procedure (procedure.c: the table),
 * checking an act from outside (decide.c), refusing it (refuse.c), saying what happened
 * (announce.c), orders and counties (above.c), warnings (warning.c), and the core itself
 * (command.c).
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "common/core.h"

#include <liandong/v1/command.pb-c.h>
#include <liandong/v1/grade.pb-c.h>
#include <uthash.h>

typedef Liandong__V1__Decision Decision;
typedef Liandong__V1__Response Response;
typedef Liandong__V1__Warning Warning;

/* ---- state ---- */

/* WARNING: a warning is issued, adjusted or lifted; the others are of responses. */
enum procedure_kind { NOTHING_PENDING, STARTING, LOWERING, ENDING, WARNING };

/* A procedure under way: at most one for each response and each warning. */
struct pending {
    enum procedure_kind kind;
    int level;     /* the level meant; PLAN_NONE: to end it */
    int before;    /* level in force when it began: the rule goes by both */
    uint64_t done; /* bit i: step i of the rule is taken */
    char *persons; /* who signed, by name, each with a line end behind it; NULL: nobody said */
    char *decider; /* unit whose act was the decision, else the first act; NULL: none yet */
};

/* The response of one incident for one area: the city or one of its counties. Likewise its
 * warning, where level is the colour and of started_by who issued it. */
struct response {
    char *area;
    int in_force;      /* level; PLAN_NONE */
    int64_t since_us;  /* when it came into force at this level; 0: not in force */
    char *started_by;  /* unit; NULL: not in force */
    bool ordered;      /* by an order from above, whose author then adjusts and ends it */
    bool follows;      /* a county's: in force because the city's is, nobody said otherwise */
    int demanded;      /* a county's: the level that a higher authority demands */
    char *demanded_by; /* unit; NULL: nothing is demanded */
    struct pending pending;
    struct response *next;
};

/* Decision.Act beyond those of the plan. */
enum { ACT_WITHDRAW = LIANDONG__V1__DECISION__ACT__WITHDRAW_ACT };

struct response_list { /* in order of appearance */
    struct response *first, *last;
};

struct incident {
    char *id, *area, *hazard;
    const struct plan *plan; /* the incident is pinned to it */
    int grade;               /* of the event; not under a plan whose response follows the warning */
    int colour; /* suggested for the warning, or for those that it is issued as one with */
    bool closed;
    char **counties; /* affected, in order of appearance */
    size_t county_count;
    struct response_list responses, warnings;
    UT_hash_handle hh;
};

/* An act that was made ahead: on record until its time comes. */
struct ahead {
    uint64_t sequence; /* of the decision */
    int64_t due_us;
    char *incident, *area, *author, *filed_with, *person;
    int act, level;
    bool of_warning, in_favour;
    struct ahead *next;
};

struct sv_core {
    const struct sv_plans *plans;
    const struct plan **adopted; /* every version ever: who has an instance of duty */
    size_t adopted_count;
    struct incident *incidents; /* by id; walked in order of appearance */
    struct ahead *aheads;       /* earliest first; ties in order of sequence */
};

struct incident *command_incident_find(const struct sv_core *core, const char *id);
struct incident *command_incident_add(struct sv_core *core, const char *id, const char *area,
                                      const char *hazard, const struct plan *plan);
void command_incident_add_county(struct incident *incident, const char *code);
/* The response or warning for the area; NULL if there is none yet. */
struct response *command_response_find(const struct response_list *list, const char *area);
struct response *command_response_add(struct response_list *list, const char *area);
void command_plan_remember(struct sv_core *core, const struct plan *plan);
/* Has the unit an instance of duty, under any plan that was ever adopted? */
bool command_unit_has_instance(const struct sv_core *core, const char *unit);
void command_state_free(struct sv_core *core);
void command_state_visit(struct sv_core *core, struct sv_codec *codec);
/* Sets *text to a copy (NULL stays NULL) and frees what it was. */
void command_text_set(char **text, const char *value);

/* ---- refusing ---- */

/* X(NAME, "code", zh, en): placeholders in braces are listed in refuse.c. */
#define REFUSALS(X)                                                                                \
    X(MALFORMED, "malformed", "消息无法解读：{found}；请更正后重新发送",                           \
      "The message cannot be read: {found}; correct it and send it again")                         \
    X(WRONG_TOPIC, "wrong-topic",                                                                  \
      "主题应为 decision/<区划>/<事件>/<单位>，区划、事件与内容一致；实际为 {topic}",              \
      "Expected topic decision/<area>/<incident>/<unit> with the message's own area and "          \
      "incident; found {topic}")                                                                   \
    X(WRONG_AUTHOR, "wrong-author", "主题指明的单位是“{topic_unit}”，内容署名是“{found}”；须一致", \
      "The topic names \"{topic_unit}\", the message is signed \"{found}\"; they must agree")      \
    X(UNKNOWN_INCIDENT, "unknown-incident", "没有编号为“{found}”的事件；请核对事件编号",           \
      "There is no incident \"{found}\"; check its number")                                        \
    X(INCIDENT_CLOSED, "incident-closed", "事件 {found} 已结案，不再受理；新情况请另行报告",       \
      "Incident {found} is closed and takes no more acts; report anew what is new")                \
    X(UNKNOWN_UNIT, "unknown-unit", "词汇表中没有单位“{found}”；请核对单位编号",                   \
      "The vocabulary has no unit \"{found}\"; check its id")                                      \
    X(UNKNOWN_AREA, "unknown-area", "响应区域应为{city}或其所辖县（市、区）；实际为“{found}”",     \
      "The area must be {city} or one of its counties; found \"{found}\"")                         \
    X(UNKNOWN_ACT, "unknown-act", "没有编号为 {found} 的行为；请指明提出、评估、决定等行为",       \
      "There is no act number {found}; say propose, assess, decide and so on")                     \
    X(UNKNOWN_SUBJECT, "unknown-subject", "没有编号为 {found} 的对象；应为响应或预警",             \
      "There is no subject number {found}; expected response or warning")                          \
    X(UNKNOWN_LEVEL, "unknown-level", "没有编号为 {found} 的级别；应为I至IV级，终止为无",          \
      "There is no level number {found}; expected I to IV, or none to end the response")           \
    X(NO_RULE, "no-rule", "预案没有规定如何{act}{matter}",                                         \
      "The plan has no procedure to {act} {matter}")                                               \
    X(NOT_IN_PROCEDURE, "not-in-procedure", "{matter}的程序中没有“{act}”；规定的步骤：{steps}",    \
      "The procedure for {matter} has no step \"{act}\"; its steps: {steps}")                      \
    X(NOT_ALLOWED, "not-allowed", "{unit}无权{act}{matter}；有权的是：{who}",                      \
      "{unit} may not {act} {matter}; this is for: {who}")                                         \
    X(NO_DESIGNATION, "no-rule", "预案对本类事件没有可认定为{grade_meant}的条款",                  \
      "The plan has no criterion by which this event could be designated {grade_meant}")           \
    X(NOT_DESIGNATOR, "not-allowed", "{unit}无权认定{grade_meant}事件；有权的是：{who}",           \
      "{unit} may not designate the event {grade_meant}; this is for: {who}")                      \
    X(LEVEL_MISMATCH, "level-mismatch",                                                            \
      "正在办理的是{pending}，与{matter}不符；改换须先另行提出，由：{who}",                        \
      "Under way is {pending}, not {matter}; to change that it must first be taken up by: {who}")  \
    X(GRADE_NOT_REACHED, "grade-not-reached",                                                      \
      "事件分级为{grade}，尚不符合{grade_meant}事件标准，不能{act}{matter}",                       \
      "The event is graded {grade} and does not meet the criteria of {grade_meant}; nobody may "   \
      "{act} {matter} before it does")                                                             \
    X(COLOUR_NOT_REACHED, "grade-not-reached",                                                     \
      "预警为{colour}，响应随预警启动，不能{act}{matter}",                                         \
      "The warning is {colour}, which responses follow; nobody may {act} {matter} before it is "   \
      "reached")                                                                                   \
    X(COLOUR_NOT_SUGGESTED, "colour-not-reached",                                                  \
      "建议的预警为{colour_suggested}，尚不符合{colour_meant}预警条件，不能{act}",                 \
      "The warning suggested is {colour_suggested}; nobody may {act} {matter} before its "         \
      "criteria are met")                                                                          \
    X(COLOUR_WITHOUT_RULE, "no-rule", "本预案不发布{colour_meant}预警：{issuer}",                  \
      "This plan does not issue {matter}: {issuer}")                                               \
    X(WARNING_IN_FORCE, "already-in-force", "{area}的{colour_meant}预警已在实施",                  \
      "The warning of {area} is {colour_meant} already")                                           \
    X(NO_WARNING, "not-in-force", "{area}没有实施中的预警，无从解除",                              \
      "{area} has no warning in force that could be lifted")                                       \
    X(BELOW_CITY, "below-city", "县（市、区）的预警不得低于市的预警；市的预警为{colour_of_city}",  \
      "A county's warning is never below the city's, which is {colour_of_city}")                   \
    X(OUT_OF_ORDER, "out-of-order", "{act}{matter}之前须先“{needs}”，由：{who}",                   \
      "To {act} {matter}, \"{needs}\" must come first, by: {who}")                                 \
    X(ALREADY_DONE, "already-done", "{matter}的“{act}”已经完成，无需重复",                         \
      "To {act} {matter} has been done already; there is nothing to repeat")                       \
    X(ALREADY_IN_FORCE, "already-in-force", "{area}的{matter}已在实施",                            \
      "The response of {area} is at {level} already")                                              \
    X(NOT_IN_FORCE, "not-in-force", "{area}没有实施中的响应，无从终止",                            \
      "{area} has no response in force that could be ended")                                       \
    X(STARTED_BY_OTHER, "started-by-other",                                                        \
      "谁启动谁调整、谁启动谁终止；现有响应的启动或要求方：{who}",                                 \
      "Who started a response adjusts and ends it; this one was started or demanded by: {who}")    \
    X(BELOW_DEMANDED, "below-demanded", "{area}的响应不得低于上级要求的{demanded}；要求方：{who}", \
      "The response of {area} may not go below {demanded}, which is demanded by: {who}")           \
    X(WRONG_OFFICE, "wrong-office", "应向{who}{act}；实际为“{found}”",                             \
      "It must be {filed}: {who}; found \"{found}\"")                                              \
    X(SAME_PERSON, "same-person", "“{found}”已在这一程序中签过一次；每次签署须由不同的人",         \
      "\"{found}\" has signed in this procedure already; each signature takes another person")     \
    X(NOTHING_AHEAD, "nothing-ahead",                                                              \
      "没有第 {found} 号预先作出且尚未生效的行为（同一事件、同一区域、同一对象）",                 \
      "There is no act number {found} on this matter that was made ahead and has yet to take "     \
      "effect")                                                                                    \
    X(OTHER_AUTHOR, "other-author", "第 {found} 号行为只能由作出者变更或撤回：{who}",              \
      "Act number {found} is amended and withdrawn only by who made it: {who}")                    \
    X(TOO_MANY_AHEAD, "too-many-ahead",                                                            \
      "{unit}已有 {found} 项预先作出且尚未生效的行为，不能再增加；请先撤回或变更其中之一",         \
      "{unit} has {found} acts on record that have yet to take effect, as many as there may be; "  \
      "withdraw or amend one of them first")                                                       \
    X(TOO_LONG, "too-long", "“{found}”过长；署名和报备对象不超过200字节，意见不超过16384字节",     \
      "\"{found}\" is too long: person and filed_with have at most 200 bytes, an opinion 16384")   \
    X(NOT_AHEAD, "not-ahead", "认定不能预先作出", "A designation cannot be made ahead")            \
    X(PLAN_REFUSED, "plan-refused", "预案未被采用：{found}；请更正后重新发布",                     \
      "The plan is not adopted: {found}; correct it and publish it again")                         \
    X(NO_INSTANCE, "no-orders", "“{found}”不是已采用预案的成员单位，没有任务交办单",               \
      "\"{found}\" is no member unit of an adopted plan and has no orders")

enum refusal {
    ALLOWED,
#define REFUSAL_ENUM(name, code, zh, en) REFUSED_##name,
    REFUSALS(REFUSAL_ENUM)
#undef REFUSAL_ENUM
        REFUSAL_COUNT
};

enum { COMMAND_AHEAD_MAX = 100 }; /* acts of one unit that have yet to take effect */

/* One act from outside while it is judged, and what a refusal would say. */
struct inquiry {
    struct sv_core *core;
    const struct sv_event *event;
    struct sv_outputs *out;
    const Decision *decision;
    struct incident *incident;
    struct response *response; /* or warning; NULL: none for this area yet */
    const char *area, *author;
    int act, level;
    bool of_county;           /* the area is one of the city's counties */
    bool follows;             /* a county's response takes the level of the city's */
    bool of_warning;          /* response is the area's warning, level a colour */
    enum procedure_kind kind; /* what the act would begin or carry on */
    const struct plan_rule *rule;
    size_t step; /* of the rule, which the act would take */
    const char *section;
    const char *const *who; /* units or patterns that may do it */
    size_t who_count;
    const struct ahead *ahead; /* that the act was, that it amends or withdraws; NULL: none */
    const char *one;           /* backing of who, when it is one unit */
    const char *found;         /* what was found instead */
    int needs;                 /* the act that must come first */
    struct plan_text reason;   /* why nobody's act ends it; zh NULL: somebody's does */
};
/* Who may do it, for the refusal's text: some units, or one. */
void command_inquiry_who(struct inquiry *inquiry, const char *const *units, size_t count);
void command_inquiry_who_one(struct inquiry *inquiry, const char *unit);
void command_refuse(struct inquiry *inquiry, enum refusal refusal);
/* What a refusal says, in the arena. */
struct plan_text command_refusal_text(const struct inquiry *inquiry, enum refusal refusal);

/* The ids that patterns stand for in an area: {county} becomes the area's own code or, for the
 * city, each affected county's. In the arena; *count is set. */
char **command_units_expand(struct ld_arena *arena, const struct incident *incident,
                            const char *area, const char *const *patterns, size_t pattern_count,
                            size_t *count);

/* ---- procedure ---- */

int command_level_in_force(const struct response *response);
/* The rule for a procedure of this kind from what is in force towards level; NULL if the plan has
 * none. */
const struct plan_rule *command_rule_of(const struct plan *plan, enum procedure_kind kind,
                                        int level, int in_force);
/* The rule of the procedure under way. */
const struct plan_rule *command_rule_under_way(const struct plan *plan,
                                               const struct pending *pending);
/* The first step that the procedure waits for; NULL: it is complete. */
const struct plan_step *command_step_waited_for(const struct plan_rule *rule, uint64_t done);
/* Judges an act on the city's, a county's response, or an order; fills in what a refusal says. */
enum refusal command_judge_city(struct inquiry *inquiry);
enum refusal command_judge_county(struct inquiry *inquiry);
enum refusal command_judge_order(struct inquiry *inquiry);
enum refusal command_judge_designation(struct inquiry *inquiry);
enum refusal command_judge_warning(struct inquiry *inquiry);
/* What reaching level would be, from what is in force. */
enum procedure_kind command_kind_towards(int level, int in_force);
/* The level changes; starter is who answers for it from now on (NULL: who did before). */
void command_take_effect(struct inquiry *inquiry, const char *starter, bool ordered);
/* Where the plan says that counties follow the city: those that nobody told otherwise take the
 * level of the city's response. */
void command_counties_follow(struct inquiry *inquiry);
/* Does what was judged allowed, and announces it. */
void command_act_city(struct inquiry *inquiry);
void command_act_county(struct inquiry *inquiry);
void command_act_order(struct inquiry *inquiry);
/* Marks the step that was judged allowed as taken. */
void command_step_taken(struct inquiry *inquiry);
void command_pending_clear(struct pending *pending);

/* ---- warnings ---- */

void command_on_suggestion(struct sv_core *core, const Warning *message);
/* The gravest colour in force of the incident's warning and those that are issued as one with it.
 */
int command_colour_in_force(const struct sv_core *core, const struct incident *incident);
/* The colour of the city's own warning in force. */
int command_city_colour(const struct incident *incident);
void command_act_warning(struct inquiry *inquiry);
/* The incident is closed: what is in force of its warnings, city's and counties', lapses. */
void command_warnings_lapse(struct sv_core *core, const struct sv_event *event,
                            struct sv_outputs *out, struct incident *incident);
void command_announce_warning(const struct inquiry *inquiry, Liandong__V1__Warning__State state,
                              int previous);

/* ---- acts made ahead ---- */

/* The act that this one amends or withdraws is its author's and has yet to take effect. */
enum refusal command_judge_ahead(struct inquiry *inquiry);
bool command_is_ahead(const struct inquiry *inquiry);
/* What is amended or withdrawn is off the record; the act itself, if made ahead, is on it. */
void command_ahead_drop(struct inquiry *inquiry);
void command_ahead_keep(struct inquiry *inquiry);
/* The incident is closed: what was made ahead for it is cancelled. */
void command_ahead_close(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                         const struct incident *incident);
/* Acts whose time has come are judged once more and take effect. */
void command_ahead_due(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out);
void command_ahead_free(struct sv_core *core);
void command_ahead_visit(struct sv_core *core, struct sv_codec *codec);
/* decide.c: the plan allows it; it is done. */
enum refusal command_judge_plan(struct inquiry *inquiry);
void command_carry_out(struct inquiry *inquiry);
void command_find_response(struct inquiry *inquiry, bool add);

/* ---- announcing ---- */

/* What the procedure under way waits for; next stays as it is if it waits for nothing. */
void command_next(const struct inquiry *inquiry, char **next, char ***next_by,
                  size_t *next_by_count);
/* The step just taken, or the end of a procedure without effect. */
void command_announce_step(struct inquiry *inquiry, Liandong__V1__Response__State state);
/* A new level in force; previous is what was. */
void command_announce_effect(struct inquiry *inquiry, int previous);

/* ---- the core's inputs ---- */

void command_on_decision(struct sv_core *core, const struct sv_event *event,
                         struct sv_outputs *out);
void command_on_stray_reply(struct sv_core *core, const struct sv_event *event,
                            struct sv_outputs *out);

#endif
