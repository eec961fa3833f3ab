/*
 * command: every act by every actor for every level in every state of the procedure; every refusal
 * as the whole receipt; bad input; what command answers beside decisions.
 */
#include "command_world.h"

#include "liandong/v1/duty.pb-c.h"

/* ---- every act × actor × level in every state ---- */

struct mark {
    const char *code;
    char mark;
};
static const struct mark marks[] = {
    {"accepted", '+'},         {"not-allowed", 'x'},       {"out-of-order", 'o'},
    {"already-done", 'd'},     {"level-mismatch", 'm'},    {"not-in-procedure", 'p'},
    {"already-in-force", 'f'}, {"not-in-force", 'n'},      {"started-by-other", 's'},
    {"no-rule", 'r'},          {"grade-not-reached", 'g'},
};

static char mark_of(const char *code)
{
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strcmp(marks[i].code, code) == 0)
            return marks[i].mark;
    return '?';
}

static const char *const actors[] = {"3303.health", "3303.health-experts", "3303.gov",
                                     "33.gov",      "3303.education",      "330302.gov"};
enum { ACTORS = sizeof actors / sizeof *actors, ACTS = PLAN_ORDER };

static char outcome(const char *words, int act, int level, const char *actor)
{
    const char *incident = open_incident(PLAN_I);
    play(incident, words);
    const char *office = strcmp(actor, "3303.health") == 0 ? "3303.gov" : "33.gov";
    size_t index = decide(
        incident, (struct act){.act = act, .level = level, .unit = actor, .filed_with = office});
    return mark_of(receipt_after(index)->code);
}

/* One line: for each actor in turn, its acts P A D V F O. */
static void line_of(char *line, const char *words, int level)
{
    for (size_t actor = 0; actor < ACTORS; actor++) {
        for (int act = PLAN_PROPOSE; act <= ACTS; act++)
            *line++ = outcome(words, act, level, actors[actor]);
        *line++ = ' ';
    }
    line[-1] = 0;
}

struct sweep {
    const char *words;             /* how the state is reached */
    const char *line[PLAN_LEVELS]; /* end, I, II, III, IV */
};

static const struct sweep sweeps[] = {
#include "data/command_sweep.inc"
};

static void show(const struct sweep *sweep)
{
    print_message("    {\"%s\",\n     {", sweep->words);
    for (int level = PLAN_NONE; level <= PLAN_IV; level++) {
        char line[64];
        line_of(line, sweep->words, level);
        print_message("%s\"%s\"%s", level ? "      " : "", line, level < PLAN_IV ? ",\n" : "}},\n");
    }
}

static void test_sweep(void **state)
{
    (void)state;
    bool same = true;
    for (size_t i = 0; i < sizeof sweeps / sizeof *sweeps; i++) {
        bool as_expected = true;
        for (int level = PLAN_NONE; level <= PLAN_IV; level++) {
            char line[64];
            line_of(line, sweeps[i].words, level);
            as_expected = as_expected && strcmp(line, sweeps[i].line[level]) == 0;
        }
        if (!as_expected)
            show(&sweeps[i]);
        same = same && as_expected;
    }
    assert_true(same);
}

/* ---- refusals, as whole receipts ---- */

struct refused {
    const char *words; /* what was done before */
    int grade;
    struct act act;
    const char *code, *section, *zh, *en;
};

static const struct refused refusals[] = {
#include "data/command_refusals.inc"
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refused *refused = &refusals[i];
        const char *incident = open_incident(refused->grade);
        play(incident, refused->words);
        char topic[256];
        size_t index = decide(incident, refused->act);
        snprintf(topic, sizeof topic, "receipt/%s/%s", refused->act.area ? refused->act.area : CITY,
                 refused->act.unit);
        expect_receipt(index, topic, false, refused->code, refused->section, refused->zh,
                       refused->en);
        assert_int_equal(world.count, index + 2); /* and nothing else follows */
    }
}

static size_t publish_raw(const char *producer, const char *topic, const char *payload, size_t size)
{
    size_t index = world.count;
    assert_int_equal(sv_sim_publish(world.sim, producer, topic, payload, size, 0, NULL, NULL),
                     LD_OK);
    return index;
}

static void test_bad_input(void **state)
{
    (void)state;
    size_t index = decide("3303-plague-20260101-9", act_of("P2"));
    expect_receipt(index, "receipt/3303/3303.health", false, "unknown-incident", "",
                   "没有编号为“3303-plague-20260101-9”的事件；请核对事件编号",
                   "There is no incident \"3303-plague-20260101-9\"; check its number");
    index = publish_raw("3303.health", "decision/3303/x/3303.health", "\xff\xff", 2);
    const receipt *found = receipt_after(index);
    assert_string_equal(found->code, "malformed");
    assert_non_null(strstr(found->reason->en, "cannot be read: "));
    index = publish_raw("3303.health", "decision/3303/3303.health", "", 0);
    expect_receipt(
        index, "receipt/3303/3303.health", false, "wrong-topic", "",
        "主题应为 decision/<区划>/<事件>/<单位>，区划、事件与内容一致；实际为 "
        "decision/3303/3303.health",
        "Expected topic decision/<area>/<incident>/<unit> with the message's own area and "
        "incident; found decision/3303/3303.health");
    index = publish_raw("3303.health", "decision", "", 0);
    assert_string_equal(receipt_after(index)->code, "wrong-topic");
}

/* What is quoted of the input is cut at whole characters: any size, still a receipt. */
static void test_huge_author(void **state)
{
    (void)state;
    char *author = malloc(240001);
    assert_non_null(author);
    for (size_t i = 0; i < 240000; i += 3)
        memcpy(author + i, "温", 3);
    author[240000] = 0;
    struct act act = act_of("P2");
    act.signed_by = author;
    const receipt *found = receipt_after(decide(open_incident(PLAN_II), act));
    assert_string_equal(found->code, "wrong-author");
    assert_true(strlen(found->reason->en) < 600);
    assert_non_null(strstr(found->reason->en, "温…"));
    free(author);
}

static void test_closed_incident(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_II);
    play(incident, "P2");
    say_incident(incident, LIANDONG__V1__INCIDENT__ACTION__CLOSED, 0);
    expect_receipt(decide(incident, act_of("A2")), "receipt/3303/3303.health-experts", false,
                   "incident-closed", "",
                   "事件 3303-cholera-20260101-1 已结案，不再受理；新情况请另行报告",
                   "Incident 3303-cholera-20260101-1 is closed and takes no more acts; report anew "
                   "what is new");
}

/* ---- designations, plans, replies nobody else answers ---- */

static void test_designation(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_NONE);
    const struct act allowed = {.act = PLAN_DESIGNATE, .level = PLAN_III, .unit = "3303.health"};
    size_t index = decide(incident, allowed);
    expect_receipt(index, "receipt/3303/3303.health", true, "accepted", "", "已受理", "taken");
    assert_int_equal(world.count, index + 2);
}

static size_t reply(const char *unit_topic, const char *author)
{
    Liandong__V1__Context context = context_of("", author);
    Liandong__V1__DutyReply message = LIANDONG__V1__DUTY_REPLY__INIT;
    message.context = &context;
    return world_publish(&world, author, unit_topic, &message.base, 0);
}

/* A unit without an instance of duty hears it from command, a member unit from its own. */
static void test_stray_reply(void **state)
{
    (void)state;
    size_t index = reply("reply/330302/health/3303-cholera-20260101-1/a1.29.1", "330302.health");
    expect_receipt(index, "receipt/330302/330302.health", false, "no-orders", "",
                   "“330302.health”不是已采用预案的成员单位，没有任务交办单",
                   "\"330302.health\" is no member unit of an adopted plan and has no orders");
    index = reply("reply/3303/health/3303-cholera-20260101-1/a1.29.1", "3303.health");
    assert_int_equal(world.count, index + 1);
}

static void test_plans(void **state)
{
    (void)state;
    expect_receipt(0, "receipt/3303/3303.gov", true, "accepted", "", "预案已采用",
                   "the plan is adopted and in force");
    const struct ld_record *adoption = &world.all[0].record;
    size_t index = publish_raw("3303.gov", "plan/wenzhou-phe", (const char *)adoption->payload,
                               adoption->payload_size);
    expect_receipt(index, "receipt/3303/3303.gov", true, "no-change", "",
                   "该版本预案已在实施，没有变化",
                   "this version of the plan is in force already; nothing changes");
    index = publish_raw("3303.gov", "plan/jiaxing-air", (const char *)adoption->payload,
                        adoption->payload_size);
    expect_receipt(index, "receipt/cn/3303.gov", false, "plan-refused", "",
                   "预案未被采用：topic is plan/jiaxing-air, but the bundle holds plan "
                   "wenzhou-phe；请更正后重新发布",
                   "The plan is not adopted: topic is plan/jiaxing-air, but the bundle holds plan "
                   "wenzhou-phe; correct it and publish it again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sweep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_input, setup, teardown),
        cmocka_unit_test_setup_teardown(test_huge_author, setup, teardown),
        cmocka_unit_test_setup_teardown(test_closed_incident, setup, teardown),
        cmocka_unit_test_setup_teardown(test_designation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stray_reply, setup, teardown),
        cmocka_unit_test_setup_teardown(test_plans, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
