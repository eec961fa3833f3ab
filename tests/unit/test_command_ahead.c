/* command: acts made ahead, amended, withdrawn, and overtaken; two signatures by two persons. */
#include "command_world.h"
#include "command/command.h"

#include <inttypes.h>

typedef Liandong__V1__Warning warning;

#define MINUTE_US INT64_C(60000000)

static int teardown_saved(void **state)
{
    world_survives_snapshots(&world, &command_class);
    return teardown(state);
}

static int64_t in_minutes(int minutes)
{
    return sv_sim_now(world.sim) + minutes * MINUTE_US;
}

static void minutes_pass(int minutes)
{
    for (int i = 0; i < minutes; i++)
        minute_passes();
}

/* The act of a word, made ahead to take effect in so many minutes. */
static size_t ahead(const char *incident, const char *word, int minutes, uint64_t amends)
{
    struct act act = act_of(word);
    act.effective_at_us = minutes ? in_minutes(minutes) : 0;
    act.amends = amends;
    return decide(incident, act);
}

static uint64_t sequence_of(size_t index)
{
    return world.all[index].record.sequence;
}

/* What was said about responses after index: "state level by, in force". */
static const char *said(size_t index)
{
    static char text[1024];
    const response *message;
    text[0] = 0;
    for (size_t i = 0; (message = (const void *)world_after(&world, index, SV_RESPONSE, i)); i++) {
        size_t used = strlen(text);
        const ProtobufCEnumValue *state = protobuf_c_enum_descriptor_get_value(
            &liandong__v1__response__state__descriptor, (int)message->state);
        snprintf(text + used, sizeof text - used, "%s %s by %s, in force %s%s\n", state->name,
                 plan_level_name((int)message->level), message->by,
                 plan_level_name((int)message->in_force),
                 message->scheduled_act ? ", made ahead" : "");
        if (message->reason)
            snprintf(text + strlen(text) - 1, sizeof text - strlen(text), ": %s\n",
                     message->reason->en);
    }
    return text;
}

static void takes_effect_with_the_tick(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    play(incident, "P3 A3");
    size_t index = ahead(incident, "D3", 3, 0);
    assert_true(receipt_after(index)->accepted);
    assert_string_equal(said(index), "SCHEDULED III by 3303.gov, in force none, made ahead\n");
    const response *made = (const void *)world_after(&world, index, SV_RESPONSE, 0);
    assert_int_equal(made->scheduled_act, sequence_of(index));
    assert_int_equal(made->effective_at_us, world.all[index].record.time_us + 3 * MINUTE_US);
    size_t before = world.count - 1;
    minutes_pass(2);
    assert_string_equal(said(before), "");
    minutes_pass(2);
    assert_string_equal(said(before), "DECIDED III by 3303.gov, in force none, made ahead\n"
                                      "ACTIVE III by 3303.gov, in force III, made ahead\n");
    assert_int_equal(world_count_after(&world, before, SV_RECEIPT), 0);
}

static void amended_and_withdrawn(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    play(incident, "P3 A3");
    size_t first = ahead(incident, "D3", 3, 0);
    size_t second = ahead(incident, "D3", 6, sequence_of(first));
    char expected[256];
    snprintf(expected, sizeof expected,
             "CANCELLED III by 3303.gov, in force none, made ahead: Amended by who made it: act "
             "number %" PRIu64 "\nSCHEDULED III by 3303.gov, in force none, made ahead\n",
             sequence_of(second));
    assert_string_equal(said(second), expected);
    minutes_pass(4);
    struct act withdraw = {.act = LIANDONG__V1__DECISION__ACT__WITHDRAW_ACT, .unit = "3303.gov"};
    withdraw.amends = sequence_of(first);
    assert_string_equal(receipt_after(decide(incident, withdraw))->code, "nothing-ahead");
    withdraw.amends = sequence_of(second);
    withdraw.unit = "3303.health";
    assert_string_equal(receipt_after(decide(incident, withdraw))->code, "other-author");
    withdraw.unit = "3303.gov";
    size_t index = decide(incident, withdraw);
    assert_true(receipt_after(index)->accepted);
    assert_string_equal(said(index), "CANCELLED III by 3303.gov, in force none, made ahead: "
                                     "Withdrawn by who made it\n");
    size_t before = world.count - 1;
    minutes_pass(4);
    assert_string_equal(said(before), "");
    index = ahead(incident, "D3", 2, 0);
    index = ahead(incident, "D3", 0, sequence_of(index)); /* at once, in its place */
    snprintf(expected, sizeof expected,
             "CANCELLED III by 3303.gov, in force none, made ahead: Amended by who made it: act "
             "number %" PRIu64 "\nDECIDED III by 3303.gov, in force none\n"
             "ACTIVE III by 3303.gov, in force III\n",
             sequence_of(index));
    assert_string_equal(said(index), expected);
}

/* What was allowed when it was made may not be when its time comes. */
static void overtaken(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    play(incident, "P3 A3");
    ahead(incident, "D3", 3, 0);
    play(incident, "D3");
    size_t before = world.count - 1;
    minutes_pass(4);
    assert_string_equal(said(before), "CANCELLED III by 3303.gov, in force III, made ahead: The "
                                      "response of Wenzhou (3303) is at level III already\n");
}

/* With its incident, what was made ahead for it is gone at once; what is for another stays. */
static void closed_meanwhile(void **state)
{
    (void)state;
    char closed[64];
    snprintf(closed, sizeof closed, "%s", open_incident(PLAN_I));
    play(closed, "P3 A3");
    ahead(closed, "D3", 3, 0);
    const char *other = open_incident(PLAN_I);
    play(other, "P3 A3");
    ahead(other, "D3", 3, 0);
    size_t index = say_incident(closed, LIANDONG__V1__INCIDENT__ACTION__CLOSED, 0);
    assert_string_equal(said(index),
                        "CANCELLED III by 3303.gov, in force none, made ahead: Incident "
                        "3303-cholera-20260101-1 is closed and takes no more acts; report anew "
                        "what is new\n");
    size_t before = world.count - 1;
    minutes_pass(4);
    assert_string_equal(said(before), "DECIDED III by 3303.gov, in force none, made ahead\n"
                                      "ACTIVE III by 3303.gov, in force III, made ahead\n");
}

static void refused_when_made(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    size_t index = ahead(incident, "D3", 3, 0);
    expect_receipt(
        index, "receipt/3303/3303.gov", false, "out-of-order", "6.1, 6.1.3",
        "决定III级响应之前须先“提出”，由：市卫生健康委（3303.health）",
        "To decide level III, \"propose\" must come first, by: Wenzhou Health Commission "
        "(3303.health)");
    assert_int_equal(world.count, index + 2);
    index = ahead(incident, "G1", 3, 0);
    expect_receipt(index, "receipt/3303/3303.gov", false, "not-ahead", "", "认定不能预先作出",
                   "A designation cannot be made ahead");
    index = ahead(incident, "P3", 0, 7);
    expect_receipt(
        index, "receipt/3303/3303.health", false, "nothing-ahead", "",
        "没有第 7 号预先作出且尚未生效的行为（同一事件、同一区域、同一对象）",
        "There is no act number 7 on this matter that was made ahead and has yet to take "
        "effect");
}

/* One more than there may be is refused, with what to do; amending and withdrawing make room, and
 * another unit has its own. */
static void bounded_for_each_unit(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    size_t index = 0;
    for (int i = 0; i < COMMAND_AHEAD_MAX; i++) {
        index = ahead(incident, "P3", 1000 + i, 0);
        assert_true(receipt_after(index)->accepted);
    }
    uint64_t last = sequence_of(index);
    index = ahead(incident, "P3", 5, 0);
    expect_receipt(index, "receipt/3303/3303.health", false, "too-many-ahead", "",
                   "市卫生健康委（3303.health）已有 100 项预先作出且尚未生效的行为，不能再增加；"
                   "请先撤回或变更其中之一",
                   "Wenzhou Health Commission (3303.health) has 100 acts on record that have yet "
                   "to take effect, as many as there may be; withdraw or amend one of them first");
    assert_int_equal(world.count, index + 2);
    assert_true(receipt_after(ahead(incident, "A3", 5, 0))->accepted); /* the experts */
    index = ahead(incident, "P3", 2000, last);
    assert_true(receipt_after(index)->accepted);
    struct act withdraw = {.act = LIANDONG__V1__DECISION__ACT__WITHDRAW_ACT,
                           .unit = "3303.health",
                           .amends = sequence_of(index)};
    assert_true(receipt_after(decide(incident, withdraw))->accepted);
    assert_true(receipt_after(ahead(incident, "P3", 5, 0))->accepted);
    assert_true(receipt_after(play(incident, "P3"))->accepted); /* at once: not ahead */
}

static void of_a_warning(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    say_warning(incident, SUGGESTED, PLAN_II, PLAN_NONE);
    struct act act = {
        .act = PLAN_SUGGEST, .level = PLAN_II, .unit = "3303.cdc", .of_warning = true};
    act.effective_at_us = in_minutes(2);
    size_t index = decide(incident, act);
    const warning *made = (const void *)world_after(&world, index, SV_WARNING, 0);
    assert_int_equal(made->state, LIANDONG__V1__WARNING__STATE__SCHEDULED);
    assert_int_equal(made->scheduled_act, sequence_of(index));
    assert_int_equal(made->effective_at_us, act.effective_at_us);
    size_t before = world.count - 1;
    minutes_pass(3);
    made = (const void *)world_after(&world, before, SV_WARNING, 0);
    assert_int_equal(made->state, LIANDONG__V1__WARNING__STATE__PROPOSED);
    assert_string_equal(made->next, "assess");
    assert_int_equal(world_count_after(&world, before, SV_WARNING), 1);
}

/* ---- persons ---- */

static size_t by_person(const char *incident, const char *word, const char *person)
{
    struct act act = act_of(word);
    act.person = person;
    return decide(incident, act);
}

/* Deciding, approving and signing are signatures; assessing, proposing and filing are none. */
static void two_persons(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_IV);
    assert_true(receipt_after(by_person(incident, "A4", "Li Ming"))->accepted);
    assert_true(receipt_after(by_person(incident, "D4h", "Li Ming"))->accepted);
    expect_receipt(by_person(incident, "V4", "Li Ming"), "receipt/3303/3303.gov", false,
                   "same-person", "6.1.4", "“Li Ming”已在这一程序中签过一次；每次签署须由不同的人",
                   "\"Li Ming\" has signed in this procedure already; each signature takes another "
                   "person");
    assert_true(receipt_after(by_person(incident, "V4", "Li"))->accepted); /* another name */
    play(incident, "A0");
    assert_true(receipt_after(by_person(incident, "D0h", "Li Ming"))->accepted); /* a new one */
    assert_true(receipt_after(by_person(incident, "F0h", "Li Ming"))->accepted);
}

/* A name is 200 bytes at most: 200 are taken, 201 are not, and leave nothing behind. */
static void no_longer_than_a_name(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_IV);
    char name[202];
    memset(name, 'x', 201);
    name[201] = 0;
    size_t index = by_person(incident, "P4", name);
    assert_string_equal(receipt_after(index)->code, "too-long");
    assert_int_equal(world.count, index + 2);
    struct act filed = act_of("P4");
    filed.filed_with = name;
    assert_string_equal(receipt_after(decide(incident, filed))->code, "too-long");
    name[200] = 0;
    assert_true(receipt_after(by_person(incident, "A4", name))->accepted);
}

int main(void)
{
#define SAVED(name) cmocka_unit_test_setup_teardown(name, setup, teardown_saved)
    const struct CMUnitTest tests[] = {
        SAVED(takes_effect_with_the_tick), SAVED(amended_and_withdrawn), SAVED(overtaken),
        SAVED(refused_when_made),          SAVED(closed_meanwhile),      SAVED(of_a_warning),
        SAVED(bounded_for_each_unit),      SAVED(no_longer_than_a_name), SAVED(two_persons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
