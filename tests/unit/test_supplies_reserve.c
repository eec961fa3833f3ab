/* Days left, and standing reserves: who falls below is told of once, with who has to act. */
#include "supply_rig.h"

#define DAY      (INT64_C(86400) * 1000000)
#define HOUR     (DAY / 24)
#define START    INT64_C(1767225600000000) /* 2026-01-01 08:00 in China: winter */
#define MIDNIGHT (START + 16 * HOUR)       /* the next one there */

typedef Liandong__V1__SupplyReserve reserve;

static size_t use(struct world *world, const char *id, const char *item, int64_t quantity)
{
    return act(world, (struct act){.verb = VERB(USE),
                                   .author = "330302.hospital",
                                   .area = "330302",
                                   .id = id,
                                   .item = item,
                                   .quantity = quantity});
}

static void hospital_has(struct world *world, const char *item, int64_t quantity)
{
    act(world, (struct act){.verb = VERB(STOCK_TAKE),
                            .author = "330302.hospital",
                            .area = "330302",
                            .id = "count",
                            .item = item,
                            .quantity = quantity});
}

static const char *const PROTECTIVE[] = {"mask.n95",       "mask.surgical", "suit.protective",
                                         "gown.isolation", "goggles",       "face-shield",
                                         "gloves.nitrile", "boots"};

static void hospital_has_protective(struct world *world, int64_t quantity)
{
    for (size_t i = 0; i < sizeof PROTECTIVE / sizeof *PROTECTIVE; i++) {
        hospital_has(world, PROTECTIVE[i], quantity);
    }
}

/* The n-th word about the rule after index; NULL if there is none. */
static const reserve *said(const struct world *world, size_t index, const char *rule, size_t n)
{
    for (size_t i = 0;; i++) {
        const reserve *one = (const void *)world_after(world, index, SV_RESERVE, i);
        if (one == NULL || (strcmp(one->rule, rule) == 0 && n-- == 0)) {
            return one;
        }
    }
}

static void days_left_follow_from_the_rate_of_use(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    hospital_has(&world, ITEM, 1000);
    const movement *first = expect_moved(&world, use(&world, "u1", ITEM, 100), 0, KIND(USED), 100);
    assert_int_equal(first->from_lasts_until_us, START + 9 * DAY);
    assert_int_equal(first->to_lasts_until_us, 0);
    sv_sim_advance(world.sim, START + DAY); /* two days of use by now: 150 a day */
    const movement *second = expect_moved(&world, use(&world, "u2", ITEM, 200), 0, KIND(USED), 200);
    assert_int_equal(second->from_balance, 700);
    assert_int_equal(second->from_lasts_until_us, START + DAY + 700 * DAY / 150);
    sv_sim_advance(world.sim, START + 9 * DAY); /* none in the last seven days */
    const movement *third = expect_moved(&world, use(&world, "u3", ITEM, 70), 0, KIND(USED), 70);
    assert_int_equal(third->from_lasts_until_us, START + 9 * DAY + 63 * DAY);
    world_survives_snapshots(&world, &supplies_class);
    world_close(&world);
}

static void what_expires_unused_is_not_counted(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    act(&world, (struct act){.verb = VERB(STOCK_TAKE),
                             .author = "330302.hospital",
                             .area = "330302",
                             .id = "c1",
                             .quantity = 1100,
                             .batch = {{"A", START + 2 * DAY, 800, NULL},
                                       {"B", START + 90 * DAY, 300, NULL}},
                             .batch_count = 2});
    const movement *moved = expect_moved(&world, use(&world, "u1", ITEM, 100), 0, KIND(USED), 100);
    assert_int_equal(moved->from_lasts_until_us, START + 5 * DAY); /* two days of A, three of B */
    world_close(&world);
}

static void who_falls_below_is_told_of_once(void **state)
{
    (void)state;
    static const char RULE[] = "hospital-protective";
    struct world world;
    world_open(&world, &supplies_class);
    hospital_has_protective(&world, 1000);
    use(&world, "u1", ITEM, 100); /* nine days, thirty are asked for */
    assert_int_equal(world_count_after(&world, 0, SV_RESERVE), 0); /* not before it has counted */
    size_t before = world.count - 1;
    sv_sim_advance(world.sim, MIDNIGHT);
    const reserve *low = said(&world, before, RULE, 0);
    assert_non_null(low);
    assert_true(low->below);
    assert_string_equal(low->holder, "330302.hospital");
    assert_int_equal(low->kinds, 10);
    assert_int_equal(low->kinds_held, 8); /* three quarters: enough */
    assert_int_equal(low->days, 30);
    assert_int_equal(low->n_lacking, 1);
    assert_string_equal(low->lacking[0]->item, ITEM);
    assert_int_equal(low->lacking[0]->days_left, 18); /* 100 in two days now */
    assert_int_equal(low->n_act, 3);
    static const char *const ACT[] = {"3303.economy-information", "3303.health",
                                      "3303.medical-insurance"};
    for (size_t i = 0; i < 3; i++) {
        bool named = false;
        for (size_t k = 0; k < 3; k++) {
            named |= strcmp(low->act[k], ACT[i]) == 0;
        }
        assert_true(named);
    }
    sv_sim_advance(world.sim, MIDNIGHT + DAY / 2);
    assert_null(said(&world, before, RULE, 1)); /* nothing new */
    size_t filled = world.count - 1;
    hospital_has(&world, ITEM, 9000);
    const reserve *well = said(&world, filled, RULE, 0);
    assert_non_null(well);
    assert_false(well->below);
    assert_int_equal(well->n_lacking, 0);
    world_survives_snapshots(&world, &supplies_class);
    world_close(&world);
}

static void too_few_kinds_are_told_of(void **state)
{
    (void)state;
    static const char RULE[] = "hospital-protective";
    struct world world;
    world_open(&world, &supplies_class);
    hospital_has_protective(&world, 10);
    sv_sim_advance(world.sim, MIDNIGHT);
    assert_null(said(&world, 0, RULE, 0));
    const reserve *other = said(&world, 0, "hospital-medicine", 0);
    assert_non_null(other); /* none at all */
    assert_int_equal(other->kinds_held, 0);
    size_t index = use(&world, "u1", "boots", 10);
    const reserve *low = said(&world, index, RULE, 0);
    assert_non_null(low);
    assert_int_equal(low->kinds_held, 7);
    assert_int_equal(low->n_lacking, 1); /* boots: they are used, and none is left */
    assert_int_equal(low->lacking[0]->on_hand, 0);
    assert_int_equal(low->lacking[0]->lasts_until_us, 0);
    world_close(&world);
}

/* Ten days from March on: what is too little in February is enough then. */
static void the_season_ends(void **state)
{
    (void)state;
    static const char RULE[] = "hospital-protective";
    struct world world;
    world_open(&world, &supplies_class);
    sv_sim_advance(world.sim, START + 57 * DAY); /* 27 February */
    hospital_has_protective(&world, 1000);
    use(&world, "u1", ITEM, 80); /* 40 a day after tomorrow: 23 days */
    sv_sim_advance(world.sim, MIDNIGHT + 57 * DAY);
    assert_int_equal(said(&world, 0, RULE, 0)->days, 30);
    use(&world, "u2", ITEM, 80);
    sv_sim_advance(world.sim, MIDNIGHT + 58 * DAY);
    const reserve *spring = said(&world, 0, RULE, 1);
    assert_non_null(spring);
    assert_int_equal(spring->days, 10);
    assert_false(spring->below);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_left_follow_from_the_rate_of_use),
        cmocka_unit_test(what_expires_unused_is_not_counted),
        cmocka_unit_test(who_falls_below_is_told_of_once),
        cmocka_unit_test(too_few_kinds_are_told_of),
        cmocka_unit_test(the_season_ends),
    };
    return cmocka_run_group_tests_name("supplies_reserve", tests, NULL, NULL);
}
