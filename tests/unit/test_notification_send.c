/* Notices on their way: whom contacts name, repeated, passed on, acknowledged, corrected. */
#include "notification_rig.h"

#include "buffer.h"
#include "liandong/v1/common.pb-c.h"
#include "timefmt.h"

#define ACT(name) LIANDONG__V1__NOTICE_ACT__ACT__##name

typedef Liandong__V1__Delivery delivery;

/* "name channel address rank" each, ended by NULL. */
static size_t reach_by(struct world *world, const char *area, const char *slug, const char *author,
                       const char *supervisor, const char *const *lines, uint16_t flags)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__ContactList list = LIANDONG__V1__CONTACT_LIST__INIT;
    Liandong__V1__Contact all[40], *pointers[40];
    char words[40][3][64], topic[256];
    for (; lines[list.n_contacts] != NULL; list.n_contacts++) {
        size_t i = list.n_contacts;
        liandong__v1__contact__init(&all[i]);
        assert_int_equal(sscanf(lines[i], "%63s %63s %63s %u", words[i][0], words[i][1],
                                words[i][2], &all[i].rank),
                         4);
        all[i].name = words[i][0];
        all[i].channel = words[i][1];
        all[i].address = words[i][2];
        pointers[i] = &all[i];
    }
    context.author = text(author);
    list.context = &context;
    list.contacts = pointers;
    list.supervisor = text(supervisor);
    snprintf(topic, sizeof topic, "contact/%s/%s/%s", area, slug, author);
    return world_publish(world, author, topic, &list.base, flags);
}
#define REACH(world, area, slug, ...)                                                              \
    reach_by(world, area, slug, "3303.gov", "3303.gov", (const char *const[]){__VA_ARGS__, NULL}, 0)

static size_t say(struct world *world, const char *author, const char *slug, int act,
                  const char *identifier, const char *id, const char *zh)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__NoticeAct message = LIANDONG__V1__NOTICE_ACT__INIT;
    Liandong__V1__Text words = LIANDONG__V1__TEXT__INIT;
    char topic[256];
    context.author = text(author);
    words.zh = text(zh == NULL ? "" : zh);
    message.context = &context;
    message.act = (Liandong__V1__NoticeAct__Act)act;
    message.identifier = text(identifier);
    message.delivery = text(id);
    message.text = zh == NULL ? NULL : &words;
    snprintf(topic, sizeof topic, "notify/3303/%s/" INCIDENT "/%s", slug, author);
    return world_publish(world, author, topic, &message.base, 0);
}

static void pass(struct world *world, int64_t minutes)
{
    sv_sim_advance(world->sim, sv_sim_now(world->sim) + minutes * LD_US_MINUTE);
}

/* All deliveries behind an event, one a line: minute since then, state, why, and to whom. */
static const char *deliveries_after(const struct world *world, size_t index)
{
    static struct ld_buffer lines;
    ld_buffer_clear(&lines);
    int64_t since_us = world->all[index].record.time_us;
    for (size_t i = index; i < world->count; i++) {
        const delivery *one = (const void *)world->all[i].message;
        if (world->all[i].family != SV_DELIVERY)
            continue;
        ld_buffer_format(&lines, "%lld %s %s",
                         (long long)((world->all[i].record.time_us - since_us) / LD_US_MINUTE),
                         protobuf_c_enum_descriptor_get_value(
                             &liandong__v1__delivery__state__descriptor, (int)one->state)
                             ->name,
                         protobuf_c_enum_descriptor_get_value(
                             &liandong__v1__delivery__why__descriptor, (int)one->why)
                             ->name);
        if (one->contact != NULL)
            ld_buffer_format(&lines, " %s %s %s", one->contact->name, one->contact->channel,
                             one->contact->address);
        ld_buffer_format(&lines, "%s%s\n", *one->by == '\0' ? "" : " by ", one->by);
    }
    return ld_buffer_string(&lines);
}

static const char *answer_to(const struct world *world, size_t index)
{
    const Liandong__V1__Receipt *receipt = (const void *)world_after(world, index, SV_RECEIPT, 0);
    assert_non_null(receipt);
    return receipt->code;
}

static void open_at_level_two(struct world *world, size_t *index)
{
    world_open(world, &notification_class);
    report_cases(world, "1", "", 60, 0);
    assert_string_equal(answer_to(world, REACH(world, "3303", "health", "desk mail a@b 0",
                                               "chief webhook https://c/d 1", "duty files x 0")),
                        "accepted");
    REACH(world, "3303", "gov", "mayor mail m@b 0", "deputy mail n@b 1");
    *index = respond(world, "3303", STATE(ACTIVE), PLAN_II, PLAN_NONE, 0);
}

static void not_acknowledged_is_repeated_and_passed_on(void **state)
{
    (void)state;
    struct world world;
    size_t index;
    open_at_level_two(&world, &index);
    pass(&world, 600);
    assert_string_equal(deliveries_after(&world, index),
                        "0 DUE FIRST desk mail a@b\n"
                        "0 DUE FIRST duty files x\n"
                        "0 DUE FIRST mayor mail m@b\n"
                        "30 DUE REPEATED desk mail a@b\n"
                        "30 DUE REPEATED duty files x\n"
                        "30 DUE REPEATED mayor mail m@b\n"
                        "60 DUE NEXT_CONTACT chief webhook https://c/d\n"
                        "60 DUE NEXT_CONTACT deputy mail n@b\n"
                        "90 DUE REPEATED chief webhook https://c/d\n"
                        "90 DUE REPEATED deputy mail n@b\n"
                        "120 DUE SUPERVISOR mayor mail m@b by 3303.gov\n"
                        "120 DUE SUPERVISOR mayor mail m@b by 3303.gov\n"
                        "150 DUE REPEATED mayor mail m@b by 3303.gov\n"
                        "150 DUE REPEATED mayor mail m@b by 3303.gov\n"
                        "180 UNREACHED UNANSWERED\n"
                        "180 UNREACHED UNANSWERED\n");
    const notice *told = to_whom(&world, index, "3303.health");
    const delivery *first = (const void *)world_after(&world, index, SV_DELIVERY, 0);
    assert_string_equal(first->notice->cap, told->cap);
    assert_string_equal(first->identifier, told->identifier);
    assert_string_equal(first->id, "liandong." INCIDENT ".3303.1.3303.health.r1.1");
    assert_true(first->acknowledge_by_us == told->sent_at_us + 30 * LD_US_MINUTE);
    world_survives_snapshots(&world, &notification_class);
    world_close(&world);
}

static void acknowledged_stops_at_once(void **state)
{
    (void)state;
    struct world world;
    size_t index;
    open_at_level_two(&world, &index);
    const char *id = to_whom(&world, index, "3303.health")->identifier;
    const char *other = to_whom(&world, index, "3303.gov")->identifier;
    pass(&world, 5);
    assert_string_equal(
        answer_to(&world, say(&world, "3303.health", "health", ACT(SEEN), id, "", NULL)),
        "accepted");
    pass(&world, 30);
    assert_string_equal(
        answer_to(&world, say(&world, "3303.health", "health", ACT(ACKNOWLEDGED), id, "", NULL)),
        "accepted");
    say(&world, "3303.health", "health", ACT(ACKNOWLEDGED), id, "", NULL); /* once is enough */
    say(&world, "channel-mail", "gov", ACT(ACKNOWLEDGED), other, "", NULL);
    pass(&world, 600);
    assert_string_equal(deliveries_after(&world, index),
                        "0 DUE FIRST desk mail a@b\n"
                        "0 DUE FIRST duty files x\n"
                        "0 DUE FIRST mayor mail m@b\n"
                        "30 DUE REPEATED desk mail a@b\n"
                        "30 DUE REPEATED duty files x\n"
                        "30 DUE REPEATED mayor mail m@b\n"
                        "35 STOPPED ACKNOWLEDGED by 3303.health\n"
                        "35 STOPPED ACKNOWLEDGED by channel-mail\n");
    world_survives_snapshots(&world, &notification_class);
    world_close(&world);
}

static void channels_that_give_up_lead_on_at_once(void **state)
{
    (void)state;
    struct world world;
    size_t index;
    open_at_level_two(&world, &index);
    const char *id = to_whom(&world, index, "3303.health")->identifier;
    const char *one = "liandong." INCIDENT ".3303.1.3303.health.r1.1";
    const char *two = "liandong." INCIDENT ".3303.1.3303.health.r1.2";
    REACH(&world, "3303", "gov", "mayor mail m@b 0");
    say(&world, "3303.gov", "gov", ACT(ACKNOWLEDGED),
        to_whom(&world, index, "3303.gov")->identifier, "", NULL);
    pass(&world, 10);
    say(&world, "channel-mail", "health", ACT(FAILED), id, one, NULL);
    size_t first = say(&world, "channel-mail", "health", ACT(GIVEN_UP), id, one, NULL);
    assert_string_equal(deliveries_after(&world, first), "");
    size_t second = say(&world, "channel-files", "health", ACT(GIVEN_UP), id, two, NULL);
    assert_string_equal(deliveries_after(&world, second),
                        "0 DUE NEXT_CONTACT chief webhook https://c/d\n");
    pass(&world, 25); /* the time of the first round is over, not that of the second */
    say(&world, "channel-files", "health", ACT(GIVEN_UP), id, two, NULL); /* of a round gone by */
    assert_string_equal(deliveries_after(&world, second),
                        "0 DUE NEXT_CONTACT chief webhook https://c/d\n");
    REACH(&world, "3303", "gov", "mayor mail m@b 5");
    say(&world, "channel-webhook", "health", ACT(GIVEN_UP), id,
        "liandong." INCIDENT ".3303.1.3303.health.r2.1", NULL);
    assert_string_equal(deliveries_after(&world, second),
                        "0 DUE NEXT_CONTACT chief webhook https://c/d\n25 UNREACHED FAILED\n");
    world_survives_snapshots(&world, &notification_class);
    world_close(&world);
}

static void a_later_notice_replaces_the_one_on_its_way(void **state)
{
    (void)state;
    struct world world;
    size_t index;
    open_at_level_two(&world, &index);
    const char *old = to_whom(&world, index, "3303.health")->identifier;
    size_t raised = respond(&world, "3303", STATE(ADJUSTED), PLAN_I, PLAN_II, 0);
    assert_string_equal(
        answer_to(&world, say(&world, "3303.health", "health", ACT(ACKNOWLEDGED), old, "", NULL)),
        "unknown-notice");
    size_t ended = respond(&world, "3303", STATE(TERMINATED), PLAN_NONE, PLAN_I, 0);
    pass(&world, 600); /* nobody has to acknowledge an end */
    assert_string_equal(deliveries_after(&world, raised), "0 STOPPED REPLACED\n"
                                                          "0 DUE FIRST desk mail a@b\n"
                                                          "0 DUE FIRST duty files x\n"
                                                          "0 STOPPED REPLACED\n"
                                                          "0 DUE FIRST mayor mail m@b\n"
                                                          "0 STOPPED REPLACED\n"
                                                          "0 DUE FIRST desk mail a@b\n"
                                                          "0 DUE FIRST duty files x\n"
                                                          "0 STOPPED REPLACED\n"
                                                          "0 DUE FIRST mayor mail m@b\n");
    const delivery *last = (const void *)world_after(&world, ended, SV_DELIVERY, 1);
    assert_int_equal(last->acknowledge_by_us, 0);
    world_survives_snapshots(&world, &notification_class);
    world_close(&world);
}

static void repeated_and_corrected_by_hand(void **state)
{
    (void)state;
    struct world world;
    size_t index;
    world_open(&world, &notification_class);
    report_cases(&world, "1", "", 60, 0);
    REACH(&world, "3303", "public", "radio files radio 0");
    index = respond(&world, "3303", STATE(ACTIVE), PLAN_II, PLAN_NONE, 0);
    const notice *told = to_whom(&world, index, "public");
    assert_string_equal(
        told->correction->zh,
        "此前发布的温州市霍乱橙色（II级）通知有误，请勿据此行动。请以政府后续发布的信息为准。");
    say(&world, "3303.publicity", "public", ACT(REPEAT), told->identifier, "", NULL);
    assert_string_equal(deliveries_after(&world, index), "0 DUE FIRST radio files radio\n"
                                                         "0 DUE BY_HAND radio files radio\n");
    size_t corrected = say(&world, "3303.gov", "public", ACT(CORRECT), told->identifier, "", NULL);
    assert_string_equal(answer_to(&world, corrected), "accepted");
    const notice *correction = to_whom(&world, corrected, "public");
    assert_int_equal(correction->kind, KIND(UPDATE));
    assert_int_equal(correction->n_references, 1);
    assert_string_equal(correction->references[0], told->identifier);
    assert_string_equal(correction->headline->zh,
                        "更正：温州市霍乱事件：II级应急响应（橙色，未定级）");
    assert_string_equal(correction->body->zh, told->correction->zh);
    assert_string_equal(to_whom(&world, corrected, "3303.health")->body->zh, told->correction->zh);
    size_t again = say(&world, "3303.gov", "public", ACT(CORRECT), correction->identifier, "",
                       "改正：是II级，范围为鹿城区。");
    assert_string_equal(to_whom(&world, again, "public")->body->zh, "改正：是II级，范围为鹿城区。");
    assert_int_equal(to_whom(&world, again, "public")->n_references, 2);
    respond(&world, "3303", STATE(TERMINATED), PLAN_NONE, PLAN_II, 0);
    size_t late = world.count;
    say(&world, "3303.gov", "public", ACT(CORRECT), "liandong." INCIDENT ".3303.4.public", "",
        NULL);
    assert_string_equal(answer_to(&world, late), "ended");
    world_survives_snapshots(&world, &notification_class);
    world_close(&world);
}

static void who_may_not_is_refused(void **state)
{
    (void)state;
    struct world world;
    size_t index;
    open_at_level_two(&world, &index);
    const char *id = to_whom(&world, index, "3303.health")->identifier;
#define REFUSED(code, author, slug, act, identifier)                                               \
    assert_string_equal(                                                                           \
        answer_to(&world, say(&world, author, slug, ACT(act), identifier, "", NULL)), code)
    REFUSED("not-responsible", "3303.education", "health", ACKNOWLEDGED, id);
    REFUSED("not-responsible", "3303.health", "health", SENT, id);
    REFUSED("not-responsible", "330302.gov", "health", REPEAT, id);
    REFUSED("not-responsible", "channel-mail", "health", CORRECT, id);
    REFUSED("unknown-notice", "channel-mail", "health", SENT, "liandong.nothing");
    REFUSED("topic-mismatch", "channel-mail", "gov", SENT, id);
    REFUSED("bad-act", "channel-mail", "health", ACT_UNSPECIFIED, id);
    REFUSED("no-contact", "3303.gov", "public", REPEAT,
            to_whom(&world, index, "public")->identifier);
    const char *const long_list[] = {
        "a b c 0", "a b c 0", "a b c 0", "a b c 0", "a b c 0", "a b c 0", "a b c 0",
        "a b c 0", "a b c 0", "a b c 0", "a b c 0", "a b c 0", "a b c 0", "a b c 0",
        "a b c 0", "a b c 0", "a b c 0", "a b c 0", "a b c 0", "a b c 0", "a b c 0",
        "a b c 0", "a b c 0", "a b c 0", "a b c 0", "a b c 0", "a b c 0", "a b c 0",
        "a b c 0", "a b c 0", "a b c 0", "a b c 0", "a b c 0", NULL};
    assert_string_equal(
        answer_to(&world, reach_by(&world, "3303", "gov", "3303.gov", "", long_list, 0)),
        "too-many");
    assert_string_equal(answer_to(&world, REACH(&world, "3303", "gov", "a b c 10")), "bad-contact");
    assert_string_equal(answer_to(&world, REACH(&world, "3303", "gov", "a B c 0")), "bad-contact");
    assert_string_equal(answer_to(&world, REACH(&world, "3303", "gov", "a b c\x01 0")),
                        "bad-contact");
    assert_string_equal(deliveries_after(&world, index), "0 DUE FIRST desk mail a@b\n"
                                                         "0 DUE FIRST duty files x\n"
                                                         "0 DUE FIRST mayor mail m@b\n");
    world_survives_snapshots(&world, &notification_class);
    world_close(&world);
}

/* A drill reaches whom the drill's own lists name. */
static void an_exercise_reaches_nobody_else(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &notification_class);
    report_cases(&world, "1", "", 60, LD_RECORD_EXERCISE);
    REACH(&world, "3303", "health", "desk mail a@b 0");
    size_t index = respond(&world, "3303", STATE(ACTIVE), PLAN_II, PLAN_NONE, LD_RECORD_EXERCISE);
    assert_string_equal(deliveries_after(&world, index), "");
    assert_string_equal(to_whom(&world, index, "3303.health")->headline->en,
                        "EXERCISE: Wenzhou, Cholera: level II response (orange, not yet graded)");
    reach_by(&world, "3303", "health", "3303.gov", "",
             (const char *const[]){"drill mail d@b 0", NULL}, LD_RECORD_EXERCISE);
    index = respond(&world, "3303", STATE(ADJUSTED), PLAN_I, PLAN_II, LD_RECORD_EXERCISE);
    assert_string_equal(deliveries_after(&world, index), "0 DUE FIRST drill mail d@b\n");
    world_survives_snapshots(&world, &notification_class);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_acknowledged_is_repeated_and_passed_on),
        cmocka_unit_test(acknowledged_stops_at_once),
        cmocka_unit_test(channels_that_give_up_lead_on_at_once),
        cmocka_unit_test(a_later_notice_replaces_the_one_on_its_way),
        cmocka_unit_test(repeated_and_corrected_by_hand),
        cmocka_unit_test(who_may_not_is_refused),
        cmocka_unit_test(an_exercise_reaches_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
