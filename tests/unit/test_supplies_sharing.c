/* Who gets what of scarce stock, from where, and why; what is lent, requisitioned, given back and
 * paid for. */
#include "supply_rig.h"

#define MINUTE       INT64_C(60000000)
#define HOUR         (60 * MINUTE)
#define START        INT64_C(1767225600000000) /* when the world begins */
#define SOURCE(name) LIANDONG__V1__SUPPLY_SOURCE__REASON__##name
#define RIVAL(name)  LIANDONG__V1__SUPPLY_RIVAL__REASON__##name

static size_t ask(struct world *world, const char *unit, const char *id, int64_t quantity)
{
    char area[16];
    snprintf(area, sizeof area, "%.*s", (int)strcspn(unit, "."), unit);
    return act(
        world,
        (struct act){
            .verb = VERB(REQUEST), .author = unit, .area = area, .id = id, .quantity = quantity});
}

static void open_at(struct world *world, int level)
{
    world_open(world, &supplies_class);
    respond(world, "3303", level);
}

static void close_it(struct world *world)
{
    world_survives_snapshots(world, &supplies_class);
    world_close(world);
}

/* Nothing follows behind what has been looked at. */
static void expect_no_more(const struct world *world, size_t index, size_t count)
{
    assert_int_equal(world_count_after(world, index, SV_SUPPLY), count);
}

static void expect_from(const struct world *world, size_t index, size_t n, const char *holder,
                        int64_t quantity, int64_t minutes)
{
    const movement *moved = expect_moved(world, index, n, KIND(ALLOCATED), quantity);
    assert_string_equal(moved->from, holder);
    assert_int_equal(moved->travel_minutes, minutes);
}

static void the_nearest_gives_first(void **state)
{
    (void)state;
    struct world world;
    open_at(&world, PLAN_II);
    stock(&world, "330329.depot", 100); /* Taishun: by way of others */
    stock(&world, "3303.depot", 100);
    stock(&world, "330303.depot", 100);
    stock(&world, "330302.depot", 100);
    size_t asked = ask(&world, "330302.hospital", "r1", 400);
    expect_from(&world, asked, 1, "330302.depot", 100, 0);
    expect_from(&world, asked, 2, "3303.depot", 100, 10);
    expect_from(&world, asked, 3, "330303.depot", 100, 30);
    expect_from(&world, asked, 4, "330329.depot", 100, 175);
    expect_no_more(&world, asked, 5);
    close_it(&world);
}

static void equally_near_the_first_to_expire_gives_first(void **state)
{
    (void)state;
    struct world world;
    open_at(&world, PLAN_II);
    stock(&world, "330303.depot", 50);
    act(&world, (struct act){.verb = VERB(STOCK_TAKE),
                             .author = "330303.hospital",
                             .area = "330303",
                             .id = "c1",
                             .quantity = 50,
                             .batch = {{"A", START + 9 * HOUR, 50, NULL}},
                             .batch_count = 1});
    size_t asked = ask(&world, "330302.hospital", "r1", 60);
    expect_from(&world, asked, 1, "330303.hospital", 50, 30);
    expect_from(&world, asked, 2, "330303.depot", 10, 30);
    close_it(&world);
}

static void what_would_expire_on_the_way_is_not_asked_for(void **state)
{
    (void)state;
    struct world world;
    open_at(&world, PLAN_II);
    act(&world, (struct act){.verb = VERB(STOCK_TAKE),
                             .author = "330303.depot",
                             .area = "330303",
                             .id = "c1",
                             .quantity = 50,
                             .batch = {{"A", START + 30 * MINUTE, 40, NULL},
                                       {"B", START + 31 * MINUTE, 10, NULL}},
                             .batch_count = 2});
    size_t asked = ask(&world, "330302.hospital", "r1", 60);
    expect_from(&world, asked, 1, "330303.depot", 10, 30);
    expect_moved(&world, asked, 2, KIND(UNMET), 50);
    close_it(&world);
}

/* ---- who comes first ---- */

static void a_graver_area_takes_what_is_not_promised(void **state)
{
    (void)state;
    struct world world;
    open_at(&world, PLAN_II);
    stock(&world, "3303.depot", 1000);
    ask(&world, "330303.hospital", "r1", 900);
    grade(&world, PLAN_II, "330302");
    size_t asked = ask(&world, "330302.hospital", "r1", 700);
    expect_from(&world, asked, 1, "3303.depot", 100, 10);
    const movement *given = expect_moved(&world, asked, 2, KIND(RELEASED), 600);
    assert_string_equal(given->requester, "330303.hospital");
    assert_string_equal(given->reason->en, "gives way to Lucheng District, whose grade is II");
    expect_from(&world, asked, 3, "3303.depot", 600, 10);
    const movement *unmet = expect_moved(&world, asked, 4, KIND(UNMET), 600);
    assert_string_equal(unmet->requester, "330303.hospital");
    assert_int_equal(unmet->n_rivals, 1);
    assert_int_equal(unmet->rivals[0]->reason, RIVAL(GRADE));
    assert_string_equal(unmet->rivals[0]->area, "330302");
    assert_int_equal(unmet->rivals[0]->quantity, 700);
    expect_no_more(&world, asked, 5);
    close_it(&world);
}

static void what_is_promised_stays(void **state)
{
    (void)state;
    struct world world;
    open_at(&world, PLAN_II);
    stock(&world, "3303.depot", 1000);
    ask(&world, "330303.hospital", "r1", 700);
    size_t promised = act(&world, (struct act){.verb = VERB(COMMIT),
                                               .author = "3303.depot",
                                               .area = "3303",
                                               .id = "k1",
                                               .request = "r1"});
    expect_moved(&world, promised, 0, KIND(COMMITTED), 700);
    grade(&world, PLAN_II, "330302");
    size_t asked = ask(&world, "330302.hospital", "r2", 1000);
    expect_from(&world, asked, 1, "3303.depot", 300, 10);
    const movement *unmet = expect_moved(&world, asked, 2, KIND(UNMET), 700);
    assert_int_equal(unmet->asked, 1000);
    assert_int_equal(unmet->covered, 300);
    assert_int_equal(unmet->rivals[0]->reason, RIVAL(PROMISED));
    assert_int_equal(unmet->sources[0]->reason, SOURCE(GIVES));
    assert_int_equal(unmet->sources[0]->gives, 300);
    assert_int_equal(unmet->sources[0]->free, 0);
    /* the level falls: what is promised stays, the rest is given back */
    size_t lower = respond(&world, "3303", PLAN_III);
    expect_moved(&world, lower, 0, KIND(RELEASED), 300);
    expect_moved(&world, lower, 1, KIND(UNMET), 1000);
    expect_no_more(&world, lower, 2);
    close_it(&world);
}

static void whose_stock_runs_out_sooner_comes_first(void **state)
{
    (void)state;
    struct world world;
    open_at(&world, PLAN_IV);
    stock(&world, "330303.hospital", 100);
    stock(&world, "330304.hospital", 40);
    struct act use = {.verb = VERB(USE),
                      .author = "330303.hospital",
                      .area = "330303",
                      .id = "u1",
                      .quantity = 50};
    act(&world, use); /* 50 left, lasts a day */
    use.author = "330304.hospital";
    use.area = "330304";
    use.quantity = 30;
    act(&world, use); /* 10 left, lasts 8 hours */
    ask(&world, "330303.hospital", "r1", 100);
    ask(&world, "330304.hospital", "r2", 100);
    respond(&world, "3303", PLAN_II);
    size_t before = world.count;
    stock(&world, "3303.depot", 120);
    assert_string_equal(expect_moved(&world, before, 1, KIND(ALLOCATED), 100)->request, "r2");
    const movement *rest = expect_moved(&world, before, 2, KIND(ALLOCATED), 20);
    assert_string_equal(rest->request, "r1");
    const movement *unmet = expect_moved(&world, before, 3, KIND(UNMET), 80);
    assert_int_equal(unmet->rivals[0]->reason, RIVAL(NEED));
    assert_int_equal(unmet->sources[0]->reason, SOURCE(NEEDS)); /* it asks for them itself */
    close_it(&world);
}

static void needed_sooner_comes_first(void **state)
{
    (void)state;
    struct world world;
    open_at(&world, PLAN_II);
    struct act need = {.verb = VERB(REQUEST),
                       .author = "330303.cdc",
                       .area = "330303",
                       .id = "r1",
                       .quantity = 100};
    act(&world, need);
    need.author = "330304.cdc";
    need.area = "330304";
    need.needed_by_us = START + HOUR;
    act(&world, need);
    size_t before = world.count;
    stock(&world, "3303.depot", 120);
    assert_string_equal(expect_moved(&world, before, 1, KIND(ALLOCATED), 100)->to, "330304.cdc");
    assert_string_equal(expect_moved(&world, before, 2, KIND(ALLOCATED), 20)->to, "330303.cdc");
    const movement *unmet = expect_moved(&world, before, 3, KIND(UNMET), 80);
    assert_int_equal(unmet->rivals[0]->reason, RIVAL(TIME));
    close_it(&world);
}

static void what_the_level_does_not_open_is_named(void **state)
{
    (void)state;
    struct world world;
    open_at(&world, PLAN_IV);
    stock(&world, "330302.depot", 0);
    stock(&world, "330303.depot", 500);
    stock(&world, "330302.cdc", 30);
    size_t asked = ask(&world, "330302.hospital", "r1", 100);
    const movement *unmet = expect_moved(&world, asked, 1, KIND(UNMET), 100);
    static const struct {
        const char *holder;
        int reason, minutes;
    } SEEN[] = {{"330302.cdc", SOURCE(NOT_OPEN), 0},
                {"330302.depot", SOURCE(EMPTY), 0},
                {"330303.depot", SOURCE(NOT_OPEN), 30}};
    assert_int_equal(unmet->n_sources, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(unmet->sources[i]->holder, SEEN[i].holder);
        assert_int_equal(unmet->sources[i]->reason, SEEN[i].reason);
        assert_int_equal(unmet->sources[i]->travel_minutes, SEEN[i].minutes);
    }
    assert_int_equal(unmet->level, PLAN_IV);
    assert_string_equal(unmet->pool, "own");
    close_it(&world);
}

static void another_city_keeps_to_itself(void **state)
{
    (void)state;
    struct world world;
    open_at(&world, PLAN_II);
    world_adopt(&world, LIANDONG_SOURCE "/plans/jiaxing-phe.yaml", NULL, 0);
    stock(&world, "330402.depot", 500);
    size_t asked = ask(&world, "330302.hospital", "r1", 100);
    assert_int_equal(expect_moved(&world, asked, 1, KIND(UNMET), 100)->sources[0]->reason,
                     SOURCE(NOT_OPEN));
    ask(&world, "330402.hospital", "r2", 100); /* no response there: own */
    close_it(&world);
}

/* ---- giving up, mistaking ---- */

static void a_cancelled_request_gives_back_what_was_not_sent(void **state)
{
    (void)state;
    struct world world;
    open_at(&world, PLAN_II);
    stock(&world, "3303.depot", 100);
    ask(&world, "330302.hospital", "r1", 80);
    struct act send = {.verb = VERB(DISPATCH),
                       .author = "3303.depot",
                       .area = "3303",
                       .id = "s1",
                       .quantity = 30,
                       .from = "3303.depot",
                       .to = "330302.hospital",
                       .request = "r1"};
    const movement *sent = expect_moved(&world, act(&world, send), 0, KIND(DISPATCHED), 30);
    assert_string_equal(sent->receiver, "330302.hospital");
    struct act cancel = {.verb = VERB(CANCEL),
                         .author = "330302.hospital",
                         .area = "330302",
                         .id = "x1",
                         .request = "r1"};
    size_t given_up = act(&world, cancel);
    expect_moved(&world, given_up, 0, KIND(RELEASED), 50);
    expect_moved(&world, given_up, 1, KIND(CANCELLED), 50);
    expect_no_more(&world, given_up, 2);
    struct act take = send;
    take.verb = VERB(RECEIVE);
    take.author = "330302.hospital";
    take.quantity = 25;
    size_t arrived = act(&world, take);
    expect_moved(&world, arrived, 1, KIND(SHORTFALL), 5);
    expect_no_more(&world, arrived, 2); /* nothing is sought again */
    expect_refused(&world, act(&world, cancel), "unknown-request");
    close_it(&world);
}

static void two_requests_with_one_number_are_told_apart(void **state)
{
    (void)state;
    struct world world;
    open_at(&world, PLAN_II);
    stock(&world, "3303.depot", 100);
    ask(&world, "330302.hospital", "r1", 30);
    ask(&world, "330303.hospital", "r1", 40);
    struct act send = {.verb = VERB(DISPATCH),
                       .author = "3303.depot",
                       .area = "3303",
                       .id = "s1",
                       .quantity = 30,
                       .from = "3303.depot",
                       .to = "330303.hospital",
                       .request = "r1"};
    expect_refused(&world, act(&world, send), "ambiguous");
    send.requester = "330303.hospital";
    expect_moved(&world, act(&world, send), 0, KIND(DISPATCHED), 30);
    close_it(&world);
}

/* ---- debts ---- */

static const movement *expect_debt(const struct world *world, size_t index, size_t n, int kind,
                                   int64_t quantity, int64_t outstanding)
{
    const movement *moved = expect_moved(world, index, n, kind, quantity);
    assert_int_equal(moved->outstanding, outstanding);
    return moved;
}

static void what_is_requisitioned_is_owed_given_back_and_paid_for(void **state)
{
    (void)state;
    struct world world;
    open_at(&world, PLAN_I);
    stock(&world, "330303.hospital", 100);
    struct act order = {.verb = VERB(REQUISITION),
                        .author = "3303.gov",
                        .area = "3303",
                        .id = "q1",
                        .quantity = 60,
                        .from = "330303.hospital",
                        .to = "330302.hospital"};
    order.author = "330302.gov";
    order.area = "330302";
    expect_refused(&world, act(&world, order), "wrong-unit"); /* not in its area */
    order.author = "3303.gov";
    order.area = "3303";
    act(&world, order);
    struct act send = order;
    send.verb = VERB(DISPATCH);
    send.author = "330303.hospital";
    send.area = "330303";
    send.id = "s1";
    send.request = "q1";
    const movement *owed = expect_debt(&world, act(&world, send), 1, KIND(OWED), 60, 60);
    assert_string_equal(owed->from, "330303.hospital");
    assert_string_equal(owed->to, "3303.gov");
    struct act take = send;
    take.verb = VERB(RECEIVE);
    take.author = "330302.hospital";
    take.area = "330302";
    take.quantity = 50;
    take.request = NULL;
    size_t arrived = act(&world, take);
    expect_moved(&world, arrived, 1, KIND(SHORTFALL), 10);
    expect_no_more(&world, arrived, 2);
    struct act back = {.verb = VERB(RETURN),
                       .author = "330302.hospital",
                       .area = "330302",
                       .id = "b1",
                       .quantity = 20,
                       .from = "330302.hospital",
                       .to = "330303.hospital",
                       .request = "q1"};
    act(&world, back);
    take = back;
    take.verb = VERB(RECEIVE);
    take.author = "330303.hospital";
    take.area = "330303";
    expect_debt(&world, act(&world, take), 1, KIND(GIVEN_BACK), 20, 40);
    struct act pay = {.verb = VERB(COMPENSATE),
                      .author = "3303.gov",
                      .area = "3303",
                      .id = "p1",
                      .quantity = 40,
                      .request = "q1",
                      .amount_fen = 123400};
    size_t paid = act(&world, pay);
    assert_int_equal(expect_debt(&world, paid, 0, KIND(COMPENSATED), 40, 0)->amount_fen, 123400);
    expect_refused(&world, act(&world, pay), "duplicate");
    pay.id = "p2";
    expect_refused(&world, act(&world, pay), "not-enough");
    pay.author = "3303.health";
    expect_refused(&world, act(&world, pay), "wrong-unit");
    close_it(&world);
}

static void what_is_lent_comes_back(void **state)
{
    (void)state;
    struct world world;
    open_at(&world, PLAN_NONE);
    stock(&world, "330303.depot", 100);
    struct act lend = {.verb = VERB(LEND),
                       .author = "330303.depot",
                       .area = "330303",
                       .id = "l1",
                       .quantity = 30,
                       .from = "330303.depot",
                       .to = "330302.depot"};
    size_t lent = act(&world, lend);
    expect_moved(&world, lent, 0, KIND(DISPATCHED), 30);
    assert_true(expect_debt(&world, lent, 1, KIND(OWED), 30, 30)->loan);
    struct act take = lend;
    take.verb = VERB(RECEIVE);
    take.author = "330302.depot";
    take.area = "330302";
    act(&world, take);
    struct act back = {.verb = VERB(RETURN),
                       .author = "330302.depot",
                       .area = "330302",
                       .id = "b1",
                       .quantity = 30,
                       .from = "330302.depot",
                       .to = "330304.depot",
                       .request = "l1"};
    expect_refused(&world, act(&world, back), "wrong-unit"); /* not to whom it is owed */
    back.to = "330303.depot";
    act(&world, back);
    take = back;
    take.verb = VERB(RECEIVE);
    take.author = "330303.depot";
    take.area = "330303";
    take.request = NULL;
    expect_debt(&world, act(&world, take), 1, KIND(GIVEN_BACK), 30, 0);
    close_it(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_gives_first),
        cmocka_unit_test(equally_near_the_first_to_expire_gives_first),
        cmocka_unit_test(what_would_expire_on_the_way_is_not_asked_for),
        cmocka_unit_test(a_graver_area_takes_what_is_not_promised),
        cmocka_unit_test(what_is_promised_stays),
        cmocka_unit_test(whose_stock_runs_out_sooner_comes_first),
        cmocka_unit_test(needed_sooner_comes_first),
        cmocka_unit_test(what_the_level_does_not_open_is_named),
        cmocka_unit_test(another_city_keeps_to_itself),
        cmocka_unit_test(a_cancelled_request_gives_back_what_was_not_sent),
        cmocka_unit_test(two_requests_with_one_number_are_told_apart),
        cmocka_unit_test(what_is_requisitioned_is_owed_given_back_and_paid_for),
        cmocka_unit_test(what_is_lent_comes_back),
    };
    return cmocka_run_group_tests_name("supplies_sharing", tests, NULL, NULL);
}
