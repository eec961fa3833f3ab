/*
 * duty: every answer in every state of an order; each refusal as the whole receipt; being late,
 * told and escalated by ticks; rounds that repeat.
 */
#include "duty_world.h"

/* ---- every answer in every state ---- */

/* How a state is reached: k acknowledge, c accept, x decline, p progress, d done, h ask help, v
 * delivered, 1 an hour and a half passes, W the response ends. */
static void reach(const char *incident, const char *way)
{
    static const char letters[] = " kcxpdhvb"; /* by number of the action */
    respond(incident, PLAN_NONE, PLAN_IV);
    for (; *way; way++) {
        if (*way == '1')
            time_passes(90);
        else if (*way == 'W')
            respond(incident, PLAN_IV, PLAN_NONE);
        else
            reply(answer(incident, "a1.43.1", (int)(strchr(letters, *way) - letters)));
    }
}

static char outcome(const char *way, int action)
{
    static const char states[] = "..iKCXPDOE.W"; /* by number of the state */
    const char *incident = new_incident();
    reach(incident, way);
    size_t index = reply(answer(incident, "a1.43.1", action));
    const receipt *taken = receipt_after(index);
    const duty_order *order = (const void *)world_after(&world, index, SV_DUTY, 0);
    if (!taken->accepted) {
        assert_null(order);
        return taken->code[0]; /* already-done, finished, withdrawn */
    }
    assert_non_null(order);
    return states[order->state];
}

struct ways {
    const char *way, *name,
        *outcomes; /* of acknowledge accept decline progress done ask-help delivered problem */
};

static const struct ways all_ways[] = {
    {"", "issued", "KCXPDPiP"},
    {"v", "delivered", "KCXPDPaP"},
    {"11v", "delivered overdue and escalated", "KCXPDPaP"},
    {"k", "acknowledged", "aCXPDPaP"},
    {"c", "accepted", "aaXPDPaP"},
    {"x", "declined", "aCaPDPaP"},
    {"xc", "declined, then accepted", "aaXPDPaP"},
    {"p", "in progress", "aaXPDPaP"},
    {"h", "asked for help", "aaXPDPaP"},
    {"b", "a problem raised", "aaXPDPaP"},
    {"d", "done", "ffffffff"},
    {"11", "overdue and escalated unseen", "KCXPDPiP"},
    {"111", "overdue and escalated undone, unseen", "KCXPDPiP"},
    {"k11", "overdue undone, acknowledged", "aCXPDPaP"},
    {"c11", "overdue undone, accepted", "aaXPDPaP"},
    {"p111", "escalated undone, in progress", "aaXPDPaP"},
    {"W", "withdrawn", "wwwwwwww"},
    {"cW", "accepted, then withdrawn", "wwwwwwww"},
    {"xW", "declined, then withdrawn", "wwwwwwww"},
    {"11W", "escalated, then withdrawn", "wwwwwwww"},
    {"dW", "done, and the response ended", "ffffffff"},
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all_ways / sizeof *all_ways; i++) {
        char outcomes[9] = {0};
        for (int action = ACTION(ACKNOWLEDGE); action <= ACTION(PROBLEM); action++)
            outcomes[action - 1] = outcome(all_ways[i].way, action);
        if (strcmp(outcomes, all_ways[i].outcomes) != 0)
            fail_msg("%s: expected %s, found %s", all_ways[i].name, all_ways[i].outcomes, outcomes);
    }
}

/* ---- refusals ---- */

struct refused {
    const char *way;
    struct answer answer; /* incident: filled in; NULL duty: a1.43.1 */
    const char *code, *section, *zh, *en;
};

static const struct refused refusals[] = {
    {"",
     {.action = ACTION(DONE), .signed_by = "3303.health"},
     "wrong-author",
     "",
     "交办单只能由本单位答复；内容署名为“3303.health”",
     "Only the unit itself answers its orders; the message is signed \"3303.health\""},
    {"",
     {.action = ACTION(DONE), .duty = "a1.29.1"},
     "unknown-order",
     "",
     "本单位没有编号为“3303-cholera-20260101-2/a1.29.1”的交办单；请核对编号，或事件已结案",
     "This unit has no order \"3303-cholera-20260101-2/a1.29.1\"; check its number (orders of "
     "closed incidents are gone)"},
    {"",
     {.action = ACTION(DONE), .order = "3303-cholera-20260101-3/a1.43.2"},
     "wrong-topic",
     "",
     "主题应为 reply/<区划>/<单位>/<事件>/<职责>，且与交办单编号一致；实际为 "
     "reply/3303/youth-league/3303-cholera-20260101-3/a1.43.1",
     "Expected topic reply/<area>/<unit>/<incident>/<duty> that agrees with the order's number; "
     "found reply/3303/youth-league/3303-cholera-20260101-3/a1.43.1"},
    {"",
     {.action = 9},
     "unknown-action",
     "4.4.1(4)",
     "没有编号为 9 的答复；应为送达、已阅、接受、谢绝、进展、完成、求助、反映问题",
     "There is no answer number 9; expected delivered, acknowledge, accept, decline, progress, "
     "done, ask-help or problem"},
    {"",
     {.action = ACTION(DECLINE)},
     "reason-missing",
     "4.4.1(4)",
     "“谢绝”须说明理由",
     "To decline needs a reason"},
    {"",
     {.action = ACTION(ASK_HELP), .help_from = "3303.health"},
     "reason-missing",
     "4.4.1(4)",
     "“求助”须说明理由",
     "To ask help needs a reason"},
    {"",
     {.action = ACTION(ASK_HELP), .reason = "why"},
     "unknown-unit",
     "4.4.1(4)",
     "词汇表中没有单位“”；请指明向哪个单位求助",
     "The vocabulary has no unit \"\"; say which unit is asked for help"},
    {"",
     {.action = ACTION(ASK_HELP), .reason = "why", .help_from = LEAGUE},
     "help-from-self",
     "4.4.1(4)",
     "不能向本单位求助（3303.youth-league）",
     "A unit cannot ask itself for help (3303.youth-league)"},
    {"",
     {.action = ACTION(ASK_HELP), .reason = "why", .help_from = "33.gov"},
     "help-not-member",
     "4.4.1(4)",
     "“33.gov”不是本预案的成员单位，不能接受交办",
     "\"33.gov\" is no member unit under this plan and takes no orders"},
    {"c",
     {.action = ACTION(ACCEPT)},
     "already-done",
     "4.4.1(4)",
     "交办单“3303-cholera-20260101-10/a1.43.1”已到此步或更进一步，无需重复",
     "Order \"3303-cholera-20260101-10/a1.43.1\" is at this step already or beyond it; there is "
     "nothing to repeat"},
    {"d",
     {.action = ACTION(PROGRESS)},
     "finished",
     "4.4.1(4)",
     "交办单“3303-cholera-20260101-11/a1.43.1”已经完成",
     "Order \"3303-cholera-20260101-11/a1.43.1\" is done"},
    {"W",
     {.action = ACTION(DONE)},
     "withdrawn",
     "4.4.1(4)",
     "交办单“3303-cholera-20260101-12/a1.43.1”已撤回，不再需要答复",
     "Order \"3303-cholera-20260101-12/a1.43.1\" was withdrawn and needs no answer"},
};

static void expect_receipt(size_t index, const struct refused *refused)
{
    static const char topic[] = "receipt/3303/3303.youth-league";
    const receipt *found = receipt_after(index);
    assert_int_equal(world.all[index + 1].record.topic_size, sizeof topic - 1);
    assert_memory_equal(world.all[index + 1].record.topic, topic, sizeof topic - 1);
    assert_false(found->accepted);
    assert_string_equal(found->code, refused->code);
    assert_string_equal(found->section, refused->section);
    assert_string_equal(found->reason->zh, refused->zh);
    assert_string_equal(found->reason->en, refused->en);
    assert_string_equal(found->context->author, "duty");
    assert_int_equal(found->context->causation, world.all[index].record.sequence);
    assert_int_equal(world.count, index + 2); /* and nothing else follows */
}

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const char *incident = new_incident();
        reach(incident, refusals[i].way);
        struct answer answer = refusals[i].answer;
        answer.incident = incident;
        answer.unit = LEAGUE;
        answer.duty = answer.duty ? answer.duty : "a1.43.1";
        expect_receipt(reply(answer), &refusals[i]);
    }
}

static size_t publish_raw(const char *topic, const char *payload)
{
    size_t index = world.count;
    assert_int_equal(
        sv_sim_publish(world.sim, LEAGUE, topic, payload, strlen(payload), 0, NULL, NULL), LD_OK);
    return index;
}

static void test_bad_input(void **state)
{
    (void)state;
    size_t index = publish_raw("reply/3303/youth-league/x/y", "\xff");
    assert_string_equal(receipt_after(index)->code, "malformed");
    index = publish_raw("reply/3303/youth-league", "");
    assert_string_equal(receipt_after(index)->code, "wrong-topic");
    const char *incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_IV);
    char *reason = malloc(5001);
    assert_non_null(reason);
    memset(reason, 'x', 5000);
    reason[5000] = 0;
    struct answer answer = {incident, "a1.43.1", LEAGUE, ACTION(PROGRESS), reason, .order = NULL};
    assert_string_equal(receipt_after(reply(answer))->code, "reason-too-long");
    free(reason);
}

/* ---- time ---- */

/* Not seen: overdue, then escalated; seen at last, that ends, and being undone begins anew. */
static void test_unseen(void **state)
{
    (void)state;
    const char *incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(answer(incident, "a1.43.2", ACTION(ACCEPT)));
    size_t index = world.count;
    time_passes(119);
    EXPECT(index, LEAGUE, NULL);
    time_passes(1);
    EXPECT(index, LEAGUE,
           LATE("a1.43.1", "OVERDUE < ISSUED, level IV, seen +120 done +180, late acknowledge; "
                           "3303.health"));
    index = world.count;
    time_passes(30);
    EXPECT(index, LEAGUE,
           LATE("a1.43.1", "ESCALATED < OVERDUE, level IV, seen +120 done +180, late acknowledge, "
                           "to 3303.gov; 3303.health"));
    EXPECT(reply(answer(incident, "a1.43.1", ACTION(ACKNOWLEDGE))), LEAGUE,
           LATE("a1.43.1", "ACKNOWLEDGED < ESCALATED, level IV, seen +120 done +180; 3303.health"));
    index = world.count;
    time_passes(30);
    EXPECT(index, LEAGUE,
           LATE("a1.43.1", "OVERDUE < ACKNOWLEDGED, level IV, seen +120 done +180, late done; "
                           "3303.health"));
    EXPECT(reply(answer(incident, "a1.43.1", ACTION(PROGRESS))), LEAGUE,
           LATE("a1.43.1", "IN_PROGRESS < OVERDUE, level IV, seen +120 done +180, late done; "
                           "3303.health"));
    index = world.count;
    time_passes(30); /* working on it is not done: it goes on to the next higher office */
    EXPECT(index, LEAGUE,
           LATE("a1.43.1", "ESCALATED < IN_PROGRESS, level IV, seen +120 done +180, late done, "
                           "to 3303.gov; 3303.health"));
    EXPECT(reply(answer(incident, "a1.43.1", ACTION(DONE))), LEAGUE,
           LATE("a1.43.1", "DONE < ESCALATED, level IV, seen +120 done +180; 3303.health"));
    index = world.count;
    time_passes(600);
    EXPECT(index, LEAGUE, NULL);
}

/* Delivered is not seen: the time to acknowledge runs on, and what is late goes on up. */
static void test_delivered(void **state)
{
    (void)state;
    const char *incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(answer(incident, "a1.43.2", ACTION(ACCEPT)));
    time_passes(119);
    EXPECT(reply(answer(incident, "a1.43.1", ACTION(DELIVERED))), LEAGUE,
           LATE("a1.43.1", "DELIVERED < ISSUED, level IV, seen +120 done +180, there +119; "
                           "3303.health"));
    size_t index = world.count;
    time_passes(1);
    EXPECT(index, LEAGUE,
           LATE("a1.43.1", "OVERDUE < DELIVERED, level IV, seen +120 done +180, there +119, late "
                           "acknowledge; 3303.health"));
    EXPECT(reply(answer(incident, "a1.43.1", ACTION(ACKNOWLEDGE))), LEAGUE,
           LATE("a1.43.1", "ACKNOWLEDGED < OVERDUE, level IV, seen +120 done +180, there +119; "
                           "3303.health"));
}

static void test_delivered_late(void **state)
{
    (void)state;
    const char *incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(answer(incident, "a1.43.2", ACTION(ACCEPT)));
    time_passes(125);
    EXPECT(reply(answer(incident, "a1.43.1", ACTION(DELIVERED))), LEAGUE,
           LATE("a1.43.1", "DELIVERED < OVERDUE, level IV, seen +120 done +180, there +125, late "
                           "acknowledge; 3303.health"));
    size_t index = world.count;
    time_passes(25);
    EXPECT(index, LEAGUE,
           LATE("a1.43.1", "ESCALATED < DELIVERED, level IV, seen +120 done +180, there +125, "
                           "late acknowledge, to 3303.gov; 3303.health"));
}

/* Seen in time to stop what would have been escalated. */
static void test_acknowledging_stops_escalation(void **state)
{
    (void)state;
    const char *incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(answer(incident, "a1.43.1", ACTION(DONE)));
    time_passes(121);
    EXPECT(reply(answer(incident, "a1.43.2", ACTION(ACKNOWLEDGE))), LEAGUE,
           LATE("a1.43.2", "ACKNOWLEDGED < OVERDUE, level IV, seen +120 done -; 3303.health"));
    size_t index = world.count;
    time_passes(300);
    EXPECT(index, LEAGUE, NULL);
}

/* An answer after the time but before the next tick finds the order overdue already. */
static void test_between_ticks(void **state)
{
    (void)state;
    const char *incident = new_incident();
    sv_sim_advance(world.sim, sv_sim_now(world.sim) + 30 * LD_US_SECOND);
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(answer(incident, "a1.43.2", ACTION(ACCEPT)));
    sv_sim_advance(world.sim, sv_sim_now(world.sim) + 120 * LD_US_MINUTE + LD_US_SECOND);
    EXPECT(reply(answer(incident, "a1.43.1", ACTION(ACKNOWLEDGE))), LEAGUE,
           LATE("a1.43.1", "OVERDUE < ISSUED, level IV, seen +120 done +180, late acknowledge; "
                           "3303.health"),
           LATE("a1.43.1", "ACKNOWLEDGED < OVERDUE, level IV, seen +120 done +180; 3303.health"));
}

/* Declining ends the clock; taking it up after all starts it again. */
static void test_declined_then_taken_up(void **state)
{
    (void)state;
    const char *incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(answer(incident, "a1.43.2", ACTION(ACCEPT)));
    reply(answer(incident, "a1.43.1", ACTION(DECLINE)));
    size_t index = world.count;
    time_passes(240);
    EXPECT(index, LEAGUE, NULL);
    EXPECT(reply(answer(incident, "a1.43.1", ACTION(ACCEPT))), LEAGUE,
           LATE("a1.43.1", "ACCEPTED < DECLINED, level IV, seen +120 done +180; 3303.health"),
           LATE("a1.43.1", "OVERDUE < ACCEPTED, level IV, seen +120 done +180, late done; "
                           "3303.health"),
           LATE("a1.43.1", "ESCALATED < OVERDUE, level IV, seen +120 done +180, late done, "
                           "to 3303.gov; 3303.health"));
}

/* The level tells how soon: I and II half an hour, and who is told. */
static void test_levels_tell_how_soon(void **state)
{
    (void)state;
    respond(new_incident(), PLAN_NONE, PLAN_I);
    size_t index = world.count;
    time_passes(29);
    EXPECT(index, LEAGUE, NULL);
    time_passes(1);
    EXPECT(index, LEAGUE,
           LATE("a1.43.1", "OVERDUE < ISSUED, level I, seen +30 done +180, late acknowledge; "
                           "supervision"),
           LATE("a1.43.2", "OVERDUE < ISSUED, level I, seen +30 done -, late acknowledge; "
                           "supervision"));
}

/* ---- rounds ---- */

static void test_rounds(void **state)
{
    (void)state;
    const char *incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(answer(incident, "a1.43.1", ACTION(DONE)));
    reply(answer(incident, "a1.43.2", ACTION(DONE)));
    size_t index = world.count;
    time_passes(24 * 60 - 1);
    EXPECT(index, LEAGUE, NULL);
    time_passes(1);
    EXPECT(index, LEAGUE,
           LATE("a1.43.2", "ISSUED < DONE, level IV, seen +120 done -; 3303.health"));
    reply(answer(incident, "a1.43.2", ACTION(ACCEPT)));
    index = world.count;
    time_passes(24 * 60);
    EXPECT(index, LEAGUE,
           LATE("a1.43.2", "SUPERSEDED < ACCEPTED, level IV, seen +120 done -; 3303.health"),
           LATE("a1.43.2", "ISSUED < SUPERSEDED, level IV, seen +120 done -; 3303.health"));
    respond(incident, PLAN_IV, PLAN_NONE);
    index = world.count;
    time_passes(48 * 60); /* no response, no round */
    EXPECT(index, LEAGUE, NULL);
}

/* A new round ends help with the round before, also where that was declined. */
static void test_round_after_declining_ends_help(void **state)
{
    (void)state;
    const char *incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(answer(incident, "a1.43.2", ACTION(ASK_HELP)));
    reply(answer(incident, "a1.43.2", ACTION(DECLINE)));
    time_passes(24 * 60 - 1);
    size_t index = world.count;
    time_passes(1);
    EXPECT(index, LEAGUE,
           LEAGUE " a1.43.2: ISSUED < DECLINED, level IV, seen +120 done -; 3303.health");
    EXPECT(index, "3303.red-cross",
           "3303.red-cross a1.43.2: WITHDRAWN < ESCALATED, level IV, seen +120 done -, "
           "请求方已不需要协助 / the unit that asked needs the help no longer; 3303.health");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_input, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unseen, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delivered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delivered_late, setup, teardown),
        cmocka_unit_test_setup_teardown(test_acknowledging_stops_escalation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_between_ticks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_declined_then_taken_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_levels_tell_how_soon, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_round_after_declining_ends_help, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
