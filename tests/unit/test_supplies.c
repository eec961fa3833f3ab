/* The ledger: every verb, every refusal, pools by level, and that it balances whatever happens. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/supply.pb-c.h"

#define VERB(name) LIANDONG__V1__SUPPLY_ACT__VERB__##name
#define KIND(name) LIANDONG__V1__SUPPLY_MOVEMENT__KIND__##name

#define ITEM "mask.n95"

typedef Liandong__V1__SupplyMovement movement;

/* What an act says, short. */
struct act {
    int verb;
    const char *author, *area, *id;
    int64_t quantity;
    const char *from, *to, *request, *item;
};

static char *text(const char *constant)
{
    union {
        const char *constant;
        char *plain;
    } either = {constant != NULL ? constant : ""};
    return either.plain;
}

static size_t act_flagged(struct world *world, struct act act, uint16_t flags)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__SupplyAct message = LIANDONG__V1__SUPPLY_ACT__INIT;
    context.author = text(act.author);
    message.context = &context;
    message.verb = (Liandong__V1__SupplyAct__Verb)act.verb;
    message.area = text(act.area);
    message.id = text(act.id);
    message.quantity = act.quantity;
    message.from = text(act.from);
    message.to = text(act.to);
    message.request = text(act.request);
    message.item = text(act.item != NULL ? act.item : ITEM);
    char topic[256];
    snprintf(topic, sizeof topic, "need/%s/%s/%s", act.area, message.item, act.author);
    return world_publish(world, act.author, topic, &message.base, flags);
}

static size_t act(struct world *world, struct act what)
{
    return act_flagged(world, what, 0);
}

static void expect_refused(const struct world *world, size_t index, const char *code)
{
    const Liandong__V1__Receipt *receipt = (const void *)world_after(world, index, SV_RECEIPT, 0);
    assert_non_null(receipt);
    assert_false(receipt->accepted);
    assert_string_equal(receipt->code, code);
    assert_true(strlen(receipt->reason->zh) > 0 && strlen(receipt->reason->en) > 0);
    assert_int_equal(world_count_after(world, index, SV_SUPPLY), 0);
}

static const movement *expect_moved(const struct world *world, size_t index, size_t n, int kind,
                                    int64_t quantity)
{
    const Liandong__V1__Receipt *receipt = (const void *)world_after(world, index, SV_RECEIPT, 0);
    if (receipt != NULL && !receipt->accepted) {
        fail_msg("refused: %s", receipt->reason->en);
    }
    const movement *moved = (const void *)world_after(world, index, SV_SUPPLY, n);
    assert_non_null(moved);
    assert_int_equal(moved->kind, kind);
    assert_int_equal(moved->quantity, quantity);
    return moved;
}

static size_t respond(struct world *world, const char *area, int level)
{
    const struct plan *plan =
        sv_plans_current(sv_host_plans(sv_sim_host(world->sim), false), "wenzhou-phe");
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Response response = LIANDONG__V1__RESPONSE__INIT;
    context.incident = text("3303-cholera-20260101-1");
    context.plan = text(plan->id);
    context.plan_hash = text(plan->hash);
    response.context = &context;
    response.area = text(area);
    response.in_force = (Liandong__V1__Level)level;
    response.state = level == PLAN_NONE ? LIANDONG__V1__RESPONSE__STATE__TERMINATED
                                        : LIANDONG__V1__RESPONSE__STATE__ACTIVE;
    return world_publish(world, "command", "response/3303/3303-cholera-20260101-1", &response.base,
                         0);
}

static void stock(struct world *world, const char *holder, int64_t quantity)
{
    char area[16];
    snprintf(area, sizeof area, "%.*s", (int)strcspn(holder, "."), holder);
    act(world, (struct act){.verb = VERB(STOCK_TAKE),
                            .author = holder,
                            .area = area,
                            .id = "count",
                            .quantity = quantity});
}

static void a_request_goes_its_whole_way(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &supplies_class);
    stock(&world, "330302.depot", 1000);
    size_t asked = act(&world, (struct act){VERB(REQUEST), "330302.hospital", "330302", "r1", 300,
                                            NULL, NULL, NULL, NULL});
    expect_moved(&world, asked, 0, KIND(REQUESTED), 300);
    const movement *set_aside = expect_moved(&world, asked, 1, KIND(ALLOCATED), 300);
    assert_string_equal(set_aside->from, "330302.depot");
    assert_string_equal(set_aside->to, "330302.hospital");
    assert_string_equal(set_aside->pool, "own");
    assert_int_equal(set_aside->from_balance, 700);

    size_t sent = act(&world, (struct act){VERB(DISPATCH), "330302.depot", "330302", "s1", 300,
                                           "330302.depot", "330302.hospital", "r1", NULL});
    assert_int_equal(expect_moved(&world, sent, 0, KIND(DISPATCHED), 300)->from_balance, 700);
    size_t arrived = act(&world, (struct act){VERB(RECEIVE), "330302.hospital", "330302", "s1", 290,
                                              "330302.depot", "330302.hospital", NULL, NULL});
    assert_int_equal(expect_moved(&world, arrived, 0, KIND(RECEIVED), 290)->to_balance, 290);
    expect_moved(&world, arrived, 1, KIND(SHORTFALL), 10);
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
    size_t asked = act(&world, (struct act){VERB(REQUEST), "330302.cdc", "330302", "r1", 600, NULL,
                                            NULL, NULL, NULL});
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
    struct act take = {VERB(REQUISITION), "3303.gov",        "3303", "q1", 60,
                       "330303.hospital", "330302.hospital", NULL,   NULL};
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
    act(&world,
        (struct act){VERB(REQUEST), "330302.cdc", "330302", "r1", 80, NULL, NULL, NULL, NULL});
    size_t no = act(&world, (struct act){VERB(DECLINE), "330302.depot", "330302", "d1", 0, NULL,
                                         NULL, "r1", NULL});
    expect_moved(&world, no, 0, KIND(RELEASED), 80);
    assert_string_equal(expect_moved(&world, no, 1, KIND(ALLOCATED), 80)->from, "330303.depot");
    world_survives_snapshots(&world, &supplies_class);
    world_close(&world);
}

static void what_is_wrong_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        struct act act;
        const char *code;
    } CASES[] = {
        {{VERB(STOCK_TAKE), "330302.depot", "330302", "x", 1, NULL, NULL, NULL, "gold"},
         "unknown-item"},
        {{VERB(STOCK_TAKE), "330302.depot", "330302", "x", -1, NULL, NULL, NULL, NULL},
         "bad-quantity"},
        {{VERB(REQUEST), "330302.cdc", "330302", "x", 0, NULL, NULL, NULL, NULL}, "bad-quantity"},
        {{VERB(REQUEST), "330302.nobody", "330302", "x", 5, NULL, NULL, NULL, NULL},
         "unknown-unit"},
        {{VERB(REQUEST), "330302.cdc", "330302", "", 5, NULL, NULL, NULL, NULL}, "bad-id"},
        {{VERB(REQUEST), "330302.cdc", "990302", "x", 5, NULL, NULL, NULL, NULL}, "unknown-area"},
        {{VERB(DISPATCH), "330302.cdc", "330302", "x", 5, "330302.depot", "330302.cdc", NULL, NULL},
         "wrong-unit"},
        {{VERB(DISPATCH), "330302.depot", "330302", "x", 5, "330302.depot", "330302.cdc", NULL,
          NULL},
         "not-enough"},
        {{VERB(DISPATCH), "330302.depot", "330302", "x", 5, "330302.depot", "330302.cdc", "r9",
          NULL},
         "unknown-request"},
        {{VERB(RECEIVE), "330302.cdc", "330302", "x", 5, "330302.depot", "330302.cdc", NULL, NULL},
         "unknown-shipment"},
        {{VERB(DECLINE), "330302.cdc", "330302", "x", 0, NULL, NULL, "r9", NULL},
         "unknown-request"},
        {{VERB(REQUISITION), "3303.gov", "3303", "x", 5, "330302.depot", "330302.cdc", NULL, NULL},
         "level-too-low"},
        {{99, "330302.cdc", "330302", "x", 5, NULL, NULL, NULL, NULL}, "unknown-verb"},
    };
    struct world world;
    world_open(&world, &supplies_class);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        expect_refused(&world, act(&world, CASES[i].act), CASES[i].code);
    }
    world_close(&world);
}

/* ---- it balances ---- */

static unsigned seed = 20260101;

static unsigned below(unsigned bound)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 8) % bound;
}

static void random_act(struct world *world, unsigned n, uint16_t flags)
{
    static const char *const UNITS[] = {"330302.depot", "330303.depot", "330302.hospital",
                                        "330303.cdc"};
    static const int VERBS[] = {VERB(STOCK_TAKE), VERB(REQUEST),     VERB(DISPATCH), VERB(RECEIVE),
                                VERB(DECLINE),    VERB(REQUISITION), VERB(RETURN),   VERB(COMMIT)};
    char id[16], request[16], area[8];
    snprintf(id, sizeof id, "i%u", below(3) == 0 ? below(n + 1) : n);
    snprintf(request, sizeof request, "i%u", below(n + 1));
    int verb = VERBS[below(8)];
    const char *from = UNITS[below(4)], *to = UNITS[below(4)];
    const char *author = verb == VERB(RECEIVE) ? to : from;
    snprintf(area, sizeof area, "%.6s", author);
    act_flagged(world,
                (struct act){verb, author, area, id, (int64_t)below(200), from, to,
                             below(2) == 0 ? request : NULL, NULL},
                flags);
}

/* What one world's movements add up to: taken in from "world", less what was lost or taken out, is
 * what the last balances and the shipments under way say. */
static void expect_balance(const struct world *world, bool exercise)
{
    int64_t in = 0, under_way = 0, held = 0;
    struct {
        const char *holder;
        int64_t on_hand;
    } holders[8] = {0};
    for (size_t i = 0; i < world->count; i++) {
        bool of_this_world = ((world->all[i].record.flags & LD_RECORD_EXERCISE) != 0) == exercise;
        if (world->all[i].family != SV_SUPPLY || !of_this_world) {
            continue;
        }
        const movement *moved = (const void *)world->all[i].message;
        assert_true(moved->quantity >= 0 && moved->from_balance >= 0 && moved->to_balance >= 0);
        bool physical = moved->kind == KIND(STOCK_SET) || moved->kind == KIND(DISPATCHED) ||
                        moved->kind == KIND(RECEIVED) || moved->kind == KIND(RETURNED) ||
                        moved->kind == KIND(SHORTFALL);
        if (!physical) {
            continue;
        }
        const char *sides[2] = {moved->from, moved->to};
        for (int side = 0; side < 2; side++) {
            int64_t change = side == 0 ? -moved->quantity : moved->quantity;
            if (strcmp(sides[side], "world") == 0 || strcmp(sides[side], "lost") == 0) {
                in -= change;
            } else if (strcmp(sides[side], "transit") == 0) {
                under_way += change;
            } else {
                size_t h = 0;
                while (holders[h].holder != NULL && strcmp(holders[h].holder, sides[side]) != 0) {
                    h++;
                }
                holders[h].holder = sides[side];
                holders[h].on_hand += change;
                assert_true(holders[h].on_hand >= 0);
            }
        }
        assert_true(under_way >= 0);
    }
    for (size_t h = 0; h < 8; h++) {
        held += holders[h].on_hand;
    }
    assert_int_equal(in, held + under_way);
}

static void it_balances_over_random_movements(void **state)
{
    (void)state;
    const char *mode = getenv("LIANDONG_TESTS");
    unsigned rounds = mode != NULL && strcmp(mode, "full") == 0 ? 200 : 10;
    for (unsigned round = 0; round < rounds; round++) {
        struct world world;
        world_open(&world, &supplies_class);
        respond(&world, "3303", PLAN_I);
        for (unsigned n = 0; n < 500; n++) {
            random_act(&world, n, below(4) == 0 ? LD_RECORD_EXERCISE : 0);
        }
        assert_true(world_count_after(&world, 0, SV_SUPPLY) > 200);
        expect_balance(&world, false);
        expect_balance(&world, true);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_goes_its_whole_way),
        cmocka_unit_test(the_level_opens_the_pool),
        cmocka_unit_test(requisition_needs_level_one),
        cmocka_unit_test(a_declined_allocation_is_sought_elsewhere),
        cmocka_unit_test(what_is_wrong_is_refused_and_changes_nothing),
        cmocka_unit_test(it_balances_over_random_movements),
    };
    return cmocka_run_group_tests_name("supplies", tests, NULL, NULL);
}
