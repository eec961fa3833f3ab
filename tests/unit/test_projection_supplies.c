/* Supplies in the read model: batches, requests, what is owed, donations and reserves. */
#include "projection_rig.h"

#include "supply_rig.h"

#define HOSPITAL "330302.hospital"
#define DEPOT    "330302.depot"
#define START    INT64_C(1767225600000000)
#define DAY      (INT64_C(86400) * 1000000)

static void by(struct world *world, int verb, const char *author, struct act act_of)
{
    struct act one = act_of;
    char area[16];
    snprintf(area, sizeof area, "%.*s", (int)strcspn(author, "."), author);
    one.verb = verb;
    one.author = author;
    one.area = area;
    act(world, one);
}

/* A request, partly sent, partly lost; a donation, partly used; a loan, partly back. */
static void play(struct world *world)
{
    respond(world, "3303", PLAN_II);
    stock(world, DEPOT, 500);
    by(world, VERB(DONATE), HOSPITAL, (struct act){.id = "g1", .quantity = 30, .donor = "Zhou"});
    by(world, VERB(USE), HOSPITAL, (struct act){.id = "u1", .quantity = 12});
    by(world, VERB(REQUEST), HOSPITAL, (struct act){.id = "r1", .quantity = 600});
    struct act ship = {.id = "s1", .quantity = 200, .from = DEPOT, .to = HOSPITAL, .request = "r1"};
    by(world, VERB(DISPATCH), DEPOT, ship);
    ship.quantity = 190;
    by(world, VERB(RECEIVE), HOSPITAL, ship);
    by(world, VERB(CANCEL), HOSPITAL, (struct act){.id = "x1", .request = "r1"});
    struct act loan = {.id = "l1", .quantity = 100, .from = DEPOT, .to = HOSPITAL};
    by(world, VERB(LEND), DEPOT, loan);
    by(world, VERB(RECEIVE), HOSPITAL, loan);
    struct act back = {.id = "b1", .quantity = 40, .from = HOSPITAL, .to = DEPOT, .request = "l1"};
    by(world, VERB(RETURN), HOSPITAL, back);
    by(world, VERB(RECEIVE), DEPOT, back);
    sv_sim_advance(world->sim, START + DAY);
}

static void expect(sqlite3 *db, const char *sql, const char *rows)
{
    char found[1024];
    ask(db, found, sizeof found, "%s", sql);
    assert_string_equal(found, rows);
}

static void the_views_say_what_has_happened(void **state)
{
    (void)state;
    struct world world;
    struct projection *projection = NULL;
    struct ld_error error = {0};
    world_open(&world, &supplies_class);
    play(&world);
    TRY(projection_open_memory(&projection, &error));
    for (size_t i = 0; i < world.count; i++)
        TRY(projection_take(projection, &world.all[i].record, &error));
    sqlite3 *db = projection_database(projection);
    expect(
        db,
        "SELECT requester, request, item, \"to\", area, requisition, asked, cancelled, set_aside,"
        " under_way, arrived, lost FROM supply_request",
        "330302.hospital|r1|mask.n95|330302.hospital|330302|0|600|410|0|0|190|10\n");
    expect(
        db,
        "SELECT opener, id, loan, creditor, debtor, owed, given_back, compensated FROM supply_debt",
        "330302.depot|l1|1|330302.depot|330302.hospital|100|40|0\n");
    expect(db, "SELECT donation, donor, given, used, lost, expired, held FROM supply_donation",
           "330302.hospital/g1|Zhou|30|12|0|0|18\n");
    expect(db, "SELECT holder, quantity FROM supply_balance ORDER BY 1",
           "330302.depot|240\n330302.hospital|268\ndonated|-30\nlost|10\ntransit|0\nused|12\n"
           "world|-500\n");
    expect(db,
           "SELECT count(*) FROM supply_balance b WHERE quantity <> (SELECT sum(quantity) FROM"
           " supply_batch WHERE item = b.item AND holder = b.holder) AND quantity <> 0",
           "0\n");
    expect(db,
           "SELECT rule, below, kinds_held, days, (SELECT group_concat(item) FROM supply_lacking l"
           " WHERE l.holder = r.holder AND l.rule = r.rule) FROM supply_reserve r WHERE holder ="
           " '330302.hospital' AND rule = 'hospital-protective'",
           "hospital-protective|1|1|30|NULL\n");
    projection_close(projection);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_views_say_what_has_happened)};
    return cmocka_run_group_tests_name("projection_supplies", tests, NULL, NULL);
}
