/* The ledger: every verb, every refusal, pools by level. */
#include "supply_rig.h"

static void a_request_goes_its_whole_way(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    stock(&world, "330302.depot", 1000);
    size_t asked = act(&world, (struct act){.verb = VERB(REQUEST),
                                            .author = "330302.hospital",
                                            .area = "330302",
                                            .id = "r1",
                                            .quantity = 300});
    expect_moved(&world, asked, 0, KIND(REQUESTED), 300);
    const movement *set_aside = expect_moved(&world, asked, 1, KIND(ALLOCATED), 300);
    assert_string_equal(set_aside->from, "330302.depot");
    assert_string_equal(set_aside->to, "330302.hospital");
    assert_string_equal(set_aside->pool, "own");
    assert_int_equal(set_aside->from_balance, 700);

    size_t sent = act(&world, (struct act){.verb = VERB(DISPATCH),
                                           .author = "330302.depot",
                                           .area = "330302",
                                           .id = "s1",
                                           .quantity = 300,
                                           .from = "330302.depot",
                                           .to = "330302.hospital",
                                           .request = "r1"});
    assert_int_equal(expect_moved(&world, sent, 0, KIND(DISPATCHED), 300)->from_balance, 700);
    size_t arrived = act(&world, (struct act){.verb = VERB(RECEIVE),
                                              .author = "330302.hospital",
                                              .area = "330302",
                                              .id = "s1",
                                              .quantity = 290,
                                              .from = "330302.depot",
                                              .to = "330302.hospital"});
    assert_int_equal(expect_moved(&world, arrived, 0, KIND(RECEIVED), 290)->to_balance, 290);
    expect_moved(&world, arrived, 1, KIND(SHORTFALL), 10);
    world_survives_snapshots(&world, &supplies_class);
    world_close(&world);
}

static void what_is_lost_on_the_way_is_sought_again(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    stock(&world, "330302.depot", 310);
    act(&world, (struct act){.verb = VERB(REQUEST),
                             .author = "330302.hospital",
                             .area = "330302",
                             .id = "r1",
                             .quantity = 300});
    struct act send = {.verb = VERB(DISPATCH),
                       .author = "330302.depot",
                       .area = "330302",
                       .id = "s1",
                       .quantity = 300,
                       .from = "330302.depot",
                       .to = "330302.hospital",
                       .request = "r1"};
    act(&world, send);
    struct act take = send;
    take.verb = VERB(RECEIVE);
    take.author = "330302.hospital";
    take.quantity = 280;
    take.proof = "photo 7";
    size_t arrived = act(&world, take);
    assert_string_equal(expect_moved(&world, arrived, 0, KIND(RECEIVED), 280)->proof, "photo 7");
    expect_moved(&world, arrived, 1, KIND(SHORTFALL), 20);
    expect_moved(&world, arrived, 2, KIND(ALLOCATED), 10);
    expect_moved(&world, arrived, 3, KIND(UNMET), 10);
    assert_int_equal(world_count_after(&world, arrived, SV_SUPPLY), 4);
    world_survives_snapshots(&world, &supplies_class);
    world_close(&world);
}

static void the_level_opens_the_pool(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    stock(&world, "330303.depot", 500);    /* another county */
    stock(&world, "330302.hospital", 200); /* same county, no depot */
    size_t asked = act(&world, (struct act){.verb = VERB(REQUEST),
                                            .author = "330302.cdc",
                                            .area = "330302",
                                            .id = "r1",
                                            .quantity = 600});
    expect_moved(&world, asked, 1, KIND(UNMET), 600);
    size_t three = respond(&world, "3303", PLAN_III);
    assert_string_equal(expect_moved(&world, three, 0, KIND(ALLOCATED), 200)->from,
                        "330302.hospital");
    expect_moved(&world, three, 1, KIND(UNMET), 400);
    size_t two = respond(&world, "3303", PLAN_II);
    assert_string_equal(expect_moved(&world, two, 0, KIND(ALLOCATED), 400)->from, "330303.depot");
    assert_int_equal(world_count_after(&world, two, SV_SUPPLY), 1);
    world_survives_snapshots(&world, &supplies_class);
    world_close(&world);
}

static void requisition_needs_level_one(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    stock(&world, "330303.hospital", 100);
    struct act take = {.verb = VERB(REQUISITION),
                       .author = "3303.gov",
                       .area = "3303",
                       .id = "q1",
                       .quantity = 60,
                       .from = "330303.hospital",
                       .to = "330302.hospital"};
    respond(&world, "3303", PLAN_II);
    expect_refused(&world, act(&world, take), "level-too-low");
    respond(&world, "3303", PLAN_I);
    expect_moved(&world, act(&world, take), 0, KIND(REQUISITIONED), 60);
    expect_refused(&world, act(&world, take), "duplicate");
    world_close(&world);
}

static void a_declined_allocation_is_sought_elsewhere(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    respond(&world, "3303", PLAN_II);
    stock(&world, "330302.depot", 100);
    stock(&world, "330303.depot", 100);
    act(&world, (struct act){.verb = VERB(REQUEST),
                             .author = "330302.cdc",
                             .area = "330302",
                             .id = "r1",
                             .quantity = 80});
    size_t no = act(&world, (struct act){.verb = VERB(DECLINE),
                                         .author = "330302.depot",
                                         .area = "330302",
                                         .id = "d1",
                                         .quantity = 0,
                                         .request = "r1"});
    expect_moved(&world, no, 0, KIND(RELEASED), 80);
    assert_string_equal(expect_moved(&world, no, 1, KIND(ALLOCATED), 80)->from, "330303.depot");
    world_survives_snapshots(&world, &supplies_class);
    world_close(&world);
}

static const struct {
    struct act act;
    const char *code;
} WRONG[] = {
    {{.verb = VERB(STOCK_TAKE),
      .author = "330302.depot",
      .area = "330302",
      .id = "x",
      .quantity = 1,
      .item = "gold"},
     "unknown-item"},
    {{.verb = VERB(STOCK_TAKE),
      .author = "330302.depot",
      .area = "330302",
      .id = "x",
      .quantity = -1},
     "bad-quantity"},
    {{.verb = VERB(REQUEST), .author = "330302.cdc", .area = "330302", .id = "x", .quantity = 0},
     "bad-quantity"},
    {{.verb = VERB(REQUEST), .author = "330302.nobody", .area = "330302", .id = "x", .quantity = 5},
     "unknown-unit"},
    {{.verb = VERB(REQUEST), .author = "330302.cdc", .area = "330302", .id = "", .quantity = 5},
     "bad-id"},
    {{.verb = VERB(REQUEST), .author = "330302.cdc", .area = "990302", .id = "x", .quantity = 5},
     "unknown-area"},
    {{.verb = VERB(DISPATCH),
      .author = "330302.cdc",
      .area = "330302",
      .id = "x",
      .quantity = 5,
      .from = "330302.depot",
      .to = "330302.cdc"},
     "wrong-unit"},
    {{.verb = VERB(DISPATCH),
      .author = "330302.depot",
      .area = "330302",
      .id = "x",
      .quantity = 5,
      .from = "330302.depot",
      .to = "330302.cdc"},
     "not-enough"},
    {{.verb = VERB(DISPATCH),
      .author = "330302.depot",
      .area = "330302",
      .id = "x",
      .quantity = 5,
      .from = "330302.depot",
      .to = "330302.cdc",
      .request = "r9"},
     "unknown-request"},
    {{.verb = VERB(RECEIVE),
      .author = "330302.cdc",
      .area = "330302",
      .id = "x",
      .quantity = 5,
      .from = "330302.depot",
      .to = "330302.cdc"},
     "unknown-shipment"},
    {{.verb = VERB(DECLINE),
      .author = "330302.cdc",
      .area = "330302",
      .id = "x",
      .quantity = 0,
      .request = "r9"},
     "unknown-request"},
    {{.verb = VERB(REQUISITION),
      .author = "3303.gov",
      .area = "3303",
      .id = "x",
      .quantity = 5,
      .from = "330302.depot",
      .to = "330302.cdc"},
     "level-too-low"},
    {{.verb = 99, .author = "330302.cdc", .area = "330302", .id = "x", .quantity = 5},
     "unknown-verb"},
};

static void what_is_wrong_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        expect_refused(&world, act(&world, WRONG[i].act), WRONG[i].code);
    }
    world_close(&world);
}

/* ---- batches ---- */

#define DAY (INT64_C(86400) * 1000000)
/* 2026-01-01, when the world begins. */
#define START INT64_C(1767225600000000)

static void expect_batches(const movement *moved, size_t count, const char *const *lots,
                           const int64_t *quantities)
{
    assert_int_equal(moved->n_batches, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(moved->batches[i]->lot, lots[i]);
        assert_int_equal(moved->batches[i]->quantity, quantities[i]);
    }
}

/* The depot counts 100 of lot B that expire after ten days and 50 of lot A after five. */
static void two_lots(struct world *world)
{
    size_t counted = act(world, (struct act){.verb = VERB(STOCK_TAKE),
                                             .author = "330302.depot",
                                             .area = "330302",
                                             .id = "c1",
                                             .quantity = 150,
                                             .batch = {{"B", START + 10 * DAY, 100, NULL},
                                                       {"A", START + 5 * DAY, 50, NULL}},
                                             .batch_count = 2});
    const movement *set = expect_moved(world, counted, 0, KIND(STOCK_SET), 150);
    expect_batches(set, 2, (const char *[]){"A", "B"}, (const int64_t[]){50, 100});
}

static const struct act USE_60 = {
    .verb = VERB(USE), .author = "330302.depot", .area = "330302", .id = "u1", .quantity = 60};

static void what_expires_first_goes_first(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    two_lots(&world);
    size_t used = act(&world, USE_60);
    const movement *moved = expect_moved(&world, used, 0, KIND(USED), 60);
    expect_batches(moved, 2, (const char *[]){"A", "B"}, (const int64_t[]){50, 10});
    assert_int_equal(moved->from_balance, 90);
    assert_int_equal(moved->to_balance, 60);
    assert_string_equal(moved->to, "used");
    expect_refused(&world, act(&world, USE_60), "duplicate");
    world_survives_snapshots(&world, &supplies_class);
    world_close(&world);
}

static void named_batches_go_or_nothing_does(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    two_lots(&world);
    struct act loss = {.verb = VERB(LOSS),
                       .author = "330302.depot",
                       .area = "330302",
                       .id = "l1",
                       .quantity = 60,
                       .batch = {{"B", START + 10 * DAY, 60, NULL}},
                       .batch_count = 1};
    size_t lost = act(&world, loss);
    const movement *moved = expect_moved(&world, lost, 0, KIND(LOST), 60);
    expect_batches(moved, 1, (const char *[]){"B"}, (const int64_t[]){60});
    loss.id = "l2";
    expect_refused(&world, act(&world, loss), "no-such-batch"); /* 40 are left */
    loss.quantity = 50;
    expect_refused(&world, act(&world, loss), "bad-batches");
    world_close(&world);
}

static void time_takes_what_has_expired(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    two_lots(&world);
    size_t asked = act(&world, (struct act){.verb = VERB(REQUEST),
                                            .author = "330302.cdc",
                                            .area = "330302",
                                            .id = "r1",
                                            .quantity = 120});
    expect_moved(&world, asked, 1, KIND(ALLOCATED), 120);
    size_t before = world.count - 1;
    sv_sim_advance(world.sim, START + 5 * DAY - 60 * INT64_C(1000000));
    assert_int_equal(world_count_after(&world, before, SV_SUPPLY), 0);
    sv_sim_advance(world.sim, START + 5 * DAY);
    const movement *moved = expect_moved(&world, before, 0, KIND(EXPIRED), 50);
    expect_batches(moved, 1, (const char *[]){"A"}, (const int64_t[]){50});
    assert_int_equal(moved->from_balance, 100);
    expect_moved(&world, before, 1, KIND(RELEASED), 20); /* 120 were set aside */
    world_survives_snapshots(&world, &supplies_class);
    world_close(&world);
}

static void new_goods_keep_as_long_as_the_item_does(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    size_t given = act(&world, (struct act){.verb = VERB(DONATE),
                                            .author = "330302.hospital",
                                            .area = "330302",
                                            .id = "g1",
                                            .quantity = 10,
                                            .item = "blood.red-cells",
                                            .donor = "Zhou"});
    const movement *moved = expect_moved(&world, given, 0, KIND(DONATED), 10);
    assert_string_equal(moved->donor, "Zhou");
    assert_string_equal(moved->donation, "330302.hospital/g1");
    assert_string_equal(moved->from, "donated");
    assert_int_equal(moved->from_balance, -10);
    assert_int_equal(moved->n_batches, 1);
    /* midnight in China is at 16:00 UTC the day before */
    assert_int_equal(moved->batches[0]->expires_at_us, START + 35 * DAY - DAY / 3);
    assert_string_equal(moved->batches[0]->donation, "330302.hospital/g1");
    expect_refused(&world,
                   act(&world, (struct act){.verb = VERB(DONATE),
                                            .author = "330302.hospital",
                                            .area = "330302",
                                            .id = "g2",
                                            .quantity = 10}),
                   "no-donor");
    world_close(&world);
}

static void a_count_of_several_items_is_taken_whole_or_not(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    struct act count = {.verb = VERB(STOCK_TAKE),
                        .author = "330302.depot",
                        .area = "330302",
                        .id = "c1",
                        .item = "",
                        .batch = {{"", 0, 7, "tent"}, {"", 0, 5, "unicorn-dust"}},
                        .batch_count = 2};
    expect_refused(&world, act(&world, count), "unknown-item");
    count.batch[1].item = "mask.n95";
    size_t counted = act(&world, count);
    assert_string_equal(expect_moved(&world, counted, 0, KIND(STOCK_SET), 7)->item, "tent");
    assert_string_equal(expect_moved(&world, counted, 1, KIND(STOCK_SET), 5)->item, "mask.n95");
    assert_int_equal(world_count_after(&world, counted, SV_SUPPLY), 2);
    count.batch[0].item = NULL;
    expect_refused(&world, act(&world, count), "bad-batches");
    world_close(&world);
}

/* A count of the lot and expiry keeps apart what was given: the donation can be followed. */
static void a_count_keeps_donations_apart(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    struct act given = {.verb = VERB(DONATE),
                        .author = "330302.depot",
                        .area = "330302",
                        .id = "g1",
                        .quantity = 30,
                        .donor = "Zhou",
                        .batch = {{"A", START + 5 * DAY, 30, NULL}},
                        .batch_count = 1};
    act(&world, given);
    struct act count = given;
    count.verb = VERB(STOCK_TAKE);
    count.quantity = count.batch[0].quantity = 40;
    size_t counted = act(&world, count);
    const movement *found = expect_moved(&world, counted, 0, KIND(STOCK_SET), 10);
    assert_int_equal(found->n_batches, 1);
    assert_string_equal(found->batches[0]->donation, "");
    assert_int_equal(world_count_after(&world, counted, SV_SUPPLY), 1);
    world_close(&world);
}

static void a_count_below_what_is_set_aside_gives_back_the_last(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    stock(&world, "330302.depot", 100);
    struct act ask = {.verb = VERB(REQUEST),
                      .author = "330302.cdc",
                      .area = "330302",
                      .id = "r1",
                      .quantity = 60};
    act(&world, ask);
    ask.id = "r2";
    ask.quantity = 40;
    act(&world, ask);
    size_t before = world.count;
    stock(&world, "330302.depot", 50);
    expect_moved(&world, before, 0, KIND(STOCK_SET), 50);
    assert_string_equal(expect_moved(&world, before, 1, KIND(RELEASED), 40)->request, "r2");
    assert_string_equal(expect_moved(&world, before, 2, KIND(RELEASED), 10)->request, "r1");
    world_survives_snapshots(&world, &supplies_class);
    world_close(&world);
}

static void no_sum_can_overflow(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    const int64_t most = INT64_C(1000000000000);
    struct act given = {.verb = VERB(DONATE),
                        .author = "330302.depot",
                        .area = "330302",
                        .quantity = most,
                        .donor = "Zhou"};
    char id[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof id, "g%d", i);
        given.id = id;
        given.verb = VERB(DONATE);
        expect_moved(&world, act(&world, given), 0, KIND(DONATED), most);
        given.verb = VERB(USE);
        expect_moved(&world, act(&world, given), 0, KIND(USED), most);
    }
    given.verb = VERB(DONATE);
    given.id = "more";
    given.quantity = 1;
    expect_refused(&world, act(&world, given), "too-much");
    given.quantity = most + 1;
    expect_refused(&world, act(&world, given), "bad-quantity");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_goes_its_whole_way),
        cmocka_unit_test(what_is_lost_on_the_way_is_sought_again),
        cmocka_unit_test(the_level_opens_the_pool),
        cmocka_unit_test(requisition_needs_level_one),
        cmocka_unit_test(a_declined_allocation_is_sought_elsewhere),
        cmocka_unit_test(what_is_wrong_is_refused_and_changes_nothing),
        cmocka_unit_test(what_expires_first_goes_first),
        cmocka_unit_test(named_batches_go_or_nothing_does),
        cmocka_unit_test(time_takes_what_has_expired),
        cmocka_unit_test(new_goods_keep_as_long_as_the_item_does),
        cmocka_unit_test(a_count_of_several_items_is_taken_whole_or_not),
        cmocka_unit_test(a_count_keeps_donations_apart),
        cmocka_unit_test(a_count_below_what_is_set_aside_gives_back_the_last),
        cmocka_unit_test(no_sum_can_overflow),
    };
    return cmocka_run_group_tests_name("supplies", tests, NULL, NULL);
}
