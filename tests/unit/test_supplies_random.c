/*
 * Random acts on the ledger, audited from outside after every one of them: any verb by any of a few
 * holders, acts repeated and out of order, named batches, levels that rise and fall, time that
 * passes, an exercise beside the actual; then the log once more with the core saved and loaded on
 * the way.
 *
 * LIANDONG_SEED=n runs that seed alone; LIANDONG_TESTS=full runs 1000 rounds of 2000 acts.
 */
#include "supply_audit.h"
#include "timefmt.h"

enum { ACTS = 1500, ROUNDS = 4, ACTS_FULL = 2000, ROUNDS_FULL = 1000, WAITING = 8 };

static uint64_t state;

static unsigned below(unsigned bound)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(state >> 33) % bound;
}

#define PICK(list) list[below(sizeof list / sizeof *list)]

struct waiting {
    struct act act;
    uint16_t flags;
    char id[16], request[16], area[8];
};

static const char *const UNITS[] = {"330302.depot", "330303.depot", "330302.hospital",
                                    "3303.depot",   "330303.cdc",   "3303.gov"};
static const char *const ITEMS[] = {"mask.n95", "blood.red-cells", "tent"};

static void name_batches(struct act *act, int64_t now_us)
{
    static const char *const LOTS[] = {"", "A", "B"};
    act->batch_count = 1 + below(3);
    act->quantity = 0;
    for (size_t i = 0; i < act->batch_count; i++) {
        act->batch[i].lot = PICK(LOTS);
        act->batch[i].expires_at_us =
            below(3) == 0 ? 0 : now_us - now_us % LD_US_HOUR + (int64_t)below(6) * LD_US_HOUR;
        act->batch[i].quantity = 1 + below(60);
        act->quantity += act->batch[i].quantity;
    }
}

/* A stock-take of several items, some of them twice. */
static void count_several(struct act *act)
{
    act->verb = VERB(STOCK_TAKE);
    act->item = "";
    for (size_t i = 0; i < act->batch_count; i++) {
        act->batch[i].item = PICK(ITEMS);
    }
}

static void think_up(struct waiting *waiting, unsigned n, int64_t now_us)
{
    static const int VERBS[] = {VERB(STOCK_TAKE), VERB(REQUEST),     VERB(REQUEST), VERB(DISPATCH),
                                VERB(DISPATCH),   VERB(RECEIVE),     VERB(RECEIVE), VERB(DECLINE),
                                VERB(COMMIT),     VERB(REQUISITION), VERB(RETURN),  VERB(USE),
                                VERB(LOSS),       VERB(DONATE),      VERB(LEND),    VERB(CANCEL),
                                VERB(COMPENSATE), VERB(RETURN)};
    struct act *act = &waiting->act;
    *waiting = (struct waiting){.flags = below(4) == 0 ? LD_RECORD_EXERCISE : 0};
    snprintf(waiting->id, sizeof waiting->id, "i%u", below(2) == 0 ? below(n + 1) : n);
    snprintf(waiting->request, sizeof waiting->request, "i%u", below(n + 1));
    act->verb = PICK(VERBS);
    act->from = PICK(UNITS);
    act->to = PICK(UNITS);
    act->author = act->verb == VERB(RECEIVE)       ? act->to
                  : act->verb == VERB(REQUISITION) ? "3303.gov"
                                                   : act->from;
    act->item = PICK(ITEMS);
    act->quantity = below(200);
    act->donor = "Chen";
    snprintf(waiting->area, sizeof waiting->area, "%.*s", (int)strcspn(act->author, "."),
             act->author);
    if (below(4) == 0) {
        name_batches(act, now_us);
    }
    if (act->batch_count > 0 && below(3) == 0) {
        count_several(act);
    }
}

/* What is owed is given back or paid for. */
static void settle_debt(const movement *owed, const struct world_record *record,
                        struct waiting *waiting)
{
    struct act *act = &waiting->act;
    act->verb = below(2) == 0 ? VERB(RETURN) : VERB(COMPENSATE);
    act->author = act->from = owed->to;
    act->to = owed->from;
    act->item = owed->item;
    act->batch_count = 0;
    act->quantity = 1 + below((unsigned)owed->quantity);
    act->amount_fen = 100;
    waiting->flags = record->record.flags & LD_RECORD_EXERCISE;
    snprintf(waiting->area, sizeof waiting->area, "%.*s", (int)strcspn(act->author, "."),
             act->author);
    snprintf(waiting->request, sizeof waiting->request, "%s", owed->request);
}

static void cancel(const movement *asked, const struct world_record *record,
                   struct waiting *waiting)
{
    struct act *act = &waiting->act;
    act->verb = VERB(CANCEL);
    act->author = asked->requester;
    act->item = asked->item;
    act->batch_count = 0;
    waiting->flags = record->record.flags & LD_RECORD_EXERCISE;
    snprintf(waiting->area, sizeof waiting->area, "%.*s", (int)strcspn(act->author, "."),
             act->author);
    snprintf(waiting->request, sizeof waiting->request, "%s", asked->request);
}

/* Answers that fit: what has been set aside is dispatched, what is under way arrives. */
static void make_fit(const struct world *world, struct waiting *waiting)
{
    for (size_t tries = 0; tries < 20 && world->count > 0; tries++) {
        unsigned recent = world->count < 150 ? (unsigned)world->count : 150;
        const struct world_record *record = &world->all[world->count - 1 - below(recent)];
        const movement *moved = (const void *)record->message;
        if (record->family != SV_SUPPLY ||
            (moved->kind != KIND(ALLOCATED) && moved->kind != KIND(REQUISITIONED) &&
             moved->kind != KIND(DISPATCHED) && moved->kind != KIND(RETURNED) &&
             moved->kind != KIND(OWED) && moved->kind != KIND(REQUESTED))) {
            continue;
        }
        if (moved->kind == KIND(REQUESTED) && below(3) == 0) {
            cancel(moved, record, waiting);
            return;
        }
        if (moved->kind == KIND(OWED)) {
            settle_debt(moved, record, waiting);
            return;
        }
        if (moved->kind == KIND(REQUESTED)) {
            continue;
        }
        bool sent = moved->kind == KIND(DISPATCHED) || moved->kind == KIND(RETURNED);
        struct act *act = &waiting->act;
        static const int ANSWERS[] = {VERB(DISPATCH), VERB(DISPATCH), VERB(COMMIT), VERB(DECLINE)};
        act->verb = sent ? VERB(RECEIVE) : PICK(ANSWERS);
        act->from = moved->from;
        act->item = moved->item;
        act->to = sent ? moved->receiver : moved->to;
        act->batch_count = 0;
        act->author = sent ? act->to : act->from;
        act->quantity = below(3) == 0 ? below((unsigned)moved->quantity + 2) : moved->quantity;
        waiting->flags = record->record.flags & LD_RECORD_EXERCISE;
        snprintf(waiting->area, sizeof waiting->area, "%.*s", (int)strcspn(act->author, "."),
                 act->author);
        snprintf(sent ? waiting->id : waiting->request, sizeof waiting->id, "%s",
                 sent ? moved->shipment : moved->request);
        return;
    }
}

static void publish(struct world *world, const struct waiting *waiting)
{
    struct act act = waiting->act;
    act.id = waiting->id;
    act.area = waiting->area;
    static const int NAMING[] = {VERB(DISPATCH), VERB(DECLINE), VERB(COMMIT),
                                 VERB(RETURN),   VERB(CANCEL),  VERB(COMPENSATE)};
    bool names = below(act.verb == VERB(RETURN) ? 2 : 8) != 0;
    for (size_t i = 0; i < sizeof NAMING / sizeof *NAMING && names; i++) {
        act.request = act.verb == NAMING[i] ? waiting->request : act.request;
    }
    act_flagged(world, act, waiting->flags);
}

/* The records since then, each world's to its own audit. */
static void audit_since(const struct world *world, size_t from, struct audit audits[2])
{
    for (size_t i = from; i < world->count; i++) {
        if (world->all[i].family == SV_SUPPLY) {
            bool exercise = (world->all[i].record.flags & LD_RECORD_EXERCISE) != 0;
            audit_take(&audits[exercise], (const void *)world->all[i].message);
        }
    }
    audit_check(&audits[0]);
    audit_check(&audits[1]);
}

static void one_step(struct world *world, struct waiting *waiting, unsigned n)
{
    static const int LEVELS[] = {PLAN_NONE, PLAN_IV, PLAN_III, PLAN_II, PLAN_I, PLAN_I, PLAN_I};
    unsigned what = below(100);
    if (what == 0) {
        respond(world, below(2) == 0 ? "3303" : "330302", PICK(LEVELS));
        return;
    }
    if (what == 2) {
        grade(world, PICK(LEVELS), below(2) == 0 ? "330302" : "330303");
        return;
    }
    if (what == 1) {
        sv_sim_advance(world->sim, sv_sim_now(world->sim) + (int64_t)below(120) * LD_US_MINUTE);
        return;
    }
    struct waiting *one = &waiting[below(WAITING)];
    if (one->act.author != NULL) {
        publish(world, one);
    }
    if (what >= 10) { /* else the same once more, later */
        think_up(one, n, sv_sim_now(world->sim));
        if (below(5) < 3) {
            make_fit(world, one);
        }
    }
}

static size_t one_round(uint64_t seed, unsigned acts, size_t kinds[32])
{
    struct world world;
    struct waiting waiting[WAITING] = {0};
    struct audit audits[2] = {0};
    state = seed;
    world_open(&world, &supplies_class);
    respond(&world, "3303", PLAN_I);
    for (unsigned n = 0; n < acts; n++) {
        size_t from = world.count;
        one_step(&world, waiting, n);
        audit_since(&world, from, audits);
    }
    for (int kind = 0; kind < 32; kind++) {
        kinds[kind] += audits[0].kinds[kind];
    }
    size_t moved = audits[0].moved + audits[1].moved;
    if (seed == 1) {
        world_survives_snapshots(&world, &supplies_class);
    }
    world_survives_snapshot_at(&world, &supplies_class, below((unsigned)world.count));
    audit_free(&audits[0]);
    audit_free(&audits[1]);
    world_close(&world);
    return moved;
}

static void it_balances_whatever_happens(void **unused)
{
    (void)unused;
    const char *one = getenv("LIANDONG_SEED"), *mode = getenv("LIANDONG_TESTS");
    bool full = mode != NULL && strcmp(mode, "full") == 0;
    unsigned rounds = one != NULL ? 1 : full ? ROUNDS_FULL : ROUNDS;
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1;
    size_t moved = 0, kinds[32] = {0};
    for (unsigned round = 0; round < rounds; round++) {
        print_message("LIANDONG_SEED=%llu\n", (unsigned long long)(first + round));
        moved += one_round(first + round, full ? ACTS_FULL : ACTS, kinds);
    }
    for (int kind = KIND(STOCK_SET); kind <= KIND(COMPENSATED) && one == NULL; kind++) {
        if (kinds[kind] == 0) {
            fail_msg("no movement of kind %d", kind);
        }
    }
    print_message("%zu movements of goods\n", moved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_balances_whatever_happens)};
    return cmocka_run_group_tests_name("supplies_random", tests, NULL, NULL);
}
