/*
 * The host with a core of the test's own: worlds, producer sequences, plans, snapshots, instances
 * for units; and the simulator.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "timefmt.h"
#include "liandong/v1/notice.pb-c.h"
#include "liandong/v1/plan.pb-c.h"
#include "liandong/v1/report.pb-c.h"

/* ---- a core of the test's own: it answers everything with what it has seen ---- */

struct sv_core {
    const struct sv_plans *plans;
    char *unit;
    uint64_t seen, ticks;
    const struct plan *last;
};

static struct sv_core *echo_create(const struct sv_setup *setup)
{
    struct sv_core *core = calloc(1, sizeof *core);
    assert_non_null(core);
    core->plans = setup->plans;
    core->unit = setup->unit ? strdup(setup->unit) : NULL;
    return core;
}

static void echo_destroy(struct sv_core *core)
{
    free(core->unit);
    free(core);
}

static void echo_apply(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    core->seen++;
    core->ticks += event->family == SV_TICK;
    if (event->plan)
        core->last = event->plan;
    if (event->fault) {
        sv_refuse(out, event, "fault", NULL, event->fault, event->fault);
        return;
    }
    Liandong__V1__Notice notice = LIANDONG__V1__NOTICE__INIT;
    notice.context = sv_context(out, event, "i", core->last);
    notice.identifier = ld_arena_format(sv_arena(out), "%llu", (unsigned long long)core->seen);
    notice.audience = sv_borrow(core->unit);
    notice.section = sv_borrow(event->plan_is_new ? "new" : "");
    sv_emit(out, &notice.base, "notice/3303/public/%s", event->segment[event->segment_count - 1]);
    sv_emit(out, &notice.base, "notice/3303/again/x");
}

static void echo_visit(struct sv_core *core, struct sv_codec *codec)
{
    sv_code_u64(codec, &core->seen);
    sv_code_u64(codec, &core->ticks);
    sv_code_plan(codec, &core->last);
}

static const char *const echo_filters[] = {"report/>", "sys/tick", "plan/>", NULL};
static const struct sv_class echo_class = {
    .name = "echo",
    .families = SV_BIT(SV_REPORT) | SV_BIT(SV_TICK) | SV_BIT(SV_PLAN),
    .filters = echo_filters,
    .create = echo_create,
    .destroy = echo_destroy,
    .apply = echo_apply,
    .visit = echo_visit,
};
static const struct sv_class each_class = {
    .name = "each",
    .families = SV_BIT(SV_REPORT),
    .per_unit = true,
    .filters = echo_filters,
    .create = echo_create,
    .destroy = echo_destroy,
    .apply = echo_apply,
    .visit = echo_visit,
};

static size_t publish(struct world *world, uint16_t flags)
{
    Liandong__V1__Report report = LIANDONG__V1__REPORT__INIT;
    return world_publish(world, "tester", "report/330302/cholera/330302.health", &report.base,
                         flags);
}

static void outputs_know_where_they_come_from(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &echo_class);
    size_t index = publish(&world, 0);
    const struct ld_record *input = &world.all[index].record;
    for (size_t i = 1; i <= 2; i++) {
        const struct ld_record *output = &world.all[index + i].record;
        assert_int_equal(output->producer, ld_producer_id("echo", 4));
        assert_int_equal(output->producer_sequence, input->sequence << 16 | i);
        assert_int_equal(output->flags, 0);
    }
    index = publish(&world, LD_RECORD_EXERCISE);
    input = &world.all[index].record;
    const struct ld_record *output = &world.all[index + 1].record;
    assert_int_equal(output->producer_sequence, input->sequence << 16 | 0x8001);
    assert_int_equal(output->flags, LD_RECORD_EXERCISE);
    const Liandong__V1__Notice *notice = (const void *)world.all[index + 1].message;
    assert_int_equal(notice->context->causation, input->sequence);
    assert_string_equal(notice->context->author, "echo");
    world_survives_snapshots(&world, &echo_class);
    world_close(&world);
}

static const Liandong__V1__Notice *notice_after(const struct world *world, size_t index, size_t n)
{
    return (const void *)world_after(world, index, SV_NOTICE, n);
}

static void worlds_are_apart_but_share_time_and_plans(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &echo_class);
    assert_int_equal(world_count_after(&world, 0, SV_NOTICE), 4); /* the plan reaches both */
    assert_string_equal(notice_after(&world, 0, 0)->section, "new");
    assert_string_equal(notice_after(&world, 0, 2)->section, "new");
    size_t index = publish(&world, 0);
    assert_string_equal(notice_after(&world, index, 0)->identifier, "2");
    index = publish(&world, 0);
    assert_string_equal(notice_after(&world, index, 0)->identifier, "3");
    index = publish(&world, LD_RECORD_EXERCISE);
    assert_string_equal(notice_after(&world, index, 0)->identifier, "2");
    index = world.count;
    sv_sim_advance(world.sim, sv_sim_now(world.sim) + 90 * LD_US_SECOND);
    assert_int_equal(world.count, index + 1 + 4); /* one tick, two notices in each world */
    assert_int_equal(world.all[index + 1].record.flags, 0);
    assert_int_equal(world.all[index + 3].record.flags, LD_RECORD_EXERCISE);
    world_close(&world);
}

/* The adoption that world_open has published, published again with a change. */
static size_t adopt_again(struct world *world, const char *topic, const char *hash, bool damage,
                          uint16_t flags)
{
    const Liandong__V1__PlanAdoption *first = (const void *)world->all[0].message;
    Liandong__V1__PlanAdoption adoption = *first;
    Liandong__V1__Context context = *first->context;
    if (hash)
        context.plan_hash = sv_borrow(hash);
    adoption.context = &context;
    adoption.n_files -= damage;
    return world_publish(world, "3303.gov", topic, &adoption.base, flags);
}

static void adoptions(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &echo_class);
    const struct sv_host *host = sv_sim_host(world.sim);
    const struct plan *plan = sv_plans_current(sv_host_plans(host, false), "wenzhou-phe");
    assert_ptr_equal(plan, sv_plans_current(sv_host_plans(host, true), "wenzhou-phe"));
    assert_ptr_equal(plan, sv_plans_pinned(sv_host_plans(host, false), plan->hash));
    assert_ptr_equal(plan, sv_plans_governing(sv_host_plans(host, false), "330302", "cholera"));
    assert_null(sv_plans_governing(sv_host_plans(host, false), "330402", "cholera"));
    assert_null(sv_plans_governing(sv_host_plans(host, false), "330302", "avian-influenza.h5n1"));
    assert_ptr_equal(plan, sv_plans_any(sv_host_plans(host, false), "330302"));
    assert_null(sv_plans_any(sv_host_plans(host, false), "33"));
    size_t index = adopt_again(&world, "plan/wenzhou-phe", NULL, false, 0);
    assert_string_equal(notice_after(&world, index, 0)->section, ""); /* nothing new */
    static const char *const wrong[][2] = {{"plan/other", NULL}, {"plan/wenzhou-phe", "00ff"}};
    for (size_t i = 0; i < 2; i++) {
        index = adopt_again(&world, wrong[i][0], wrong[i][1], false, 0);
        assert_int_equal(world_count_after(&world, index, SV_NOTICE), 0);
        assert_int_equal(world_count_after(&world, index, SV_RECEIPT), 1);
    }
    index = adopt_again(&world, "plan/wenzhou-phe", "", true, 0);
    assert_int_equal(world_count_after(&world, index, SV_RECEIPT), 1);
    assert_ptr_equal(plan, sv_plans_current(sv_host_plans(host, false), "wenzhou-phe"));
    world_survives_snapshots(&world, &echo_class);
    world_close(&world);
}

static void instance_for_every_member(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &each_class);
    const struct plan *plan =
        sv_plans_current(sv_host_plans(sv_sim_host(world.sim), false), "wenzhou-phe");
    assert_true(plan->member_count >= 62);
    size_t index = publish(&world, 0);
    assert_int_equal(world_count_after(&world, index, SV_NOTICE), plan->member_count * 2);
    for (size_t i = 0; i < plan->member_count; i++) {
        const char *unit = plan->units[plan->members[i].unit].id;
        char producer[128];
        size_t size = (size_t)snprintf(producer, sizeof producer, "each#%s", unit);
        assert_string_equal(notice_after(&world, index, i * 2)->audience, unit);
        assert_int_equal(world.all[index + 1 + i * 2].record.producer,
                         ld_producer_id(producer, size));
    }
    world_survives_snapshots(&world, &each_class);
    world_close(&world);
}

/* One unit's instance alone puts out what it puts out among all. */
static void one_instance_alone(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &each_class);
    publish(&world, 0);
    struct sv_host *alone = sv_host_open();
    sv_host_add(alone, &each_class, "3303.health");
    size_t outputs = 0;
    for (size_t i = 0; i < world.count; i++) {
        assert_int_equal(sv_host_apply(alone, &world.all[i].record, NULL), LD_OK);
        for (size_t k = 0; k < sv_host_output_count(alone); k++, outputs++) {
            const struct sv_output *output = sv_host_output(alone, k);
            assert_string_equal(output->producer, "each#3303.health");
            bool logged = false;
            for (size_t j = 0; j < world.count; j++)
                logged =
                    logged || (world.all[j].record.producer == output->producer_id &&
                               world.all[j].record.producer_sequence == output->producer_sequence);
            assert_true(logged);
        }
    }
    assert_int_equal(outputs, 2);
    sv_host_close(alone);
    world_close(&world);
}

static void order_is_checked(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &echo_class);
    struct ld_error error = {0};
    assert_int_equal(sv_host_apply(sv_sim_host(world.sim), &world.all[0].record, &error),
                     LD_INVALID);
    world_close(&world);
}

static void filters_are_put_together(void **state)
{
    (void)state;
    struct sv_host *host = sv_host_open();
    sv_host_add(host, &echo_class, NULL);
    sv_host_add(host, &each_class, "3303.health");
    const char *const *filters = sv_host_filters(host);
    assert_string_equal(filters[0], "plan/>");
    assert_string_equal(filters[1], "report/>");
    assert_string_equal(filters[2], "sys/tick");
    assert_null(filters[3]);
    sv_host_close(host);
}

/* One unit's instance asks for what is for that unit only; all units' instances for all of it. */
static void filters_of_one_unit(void **state)
{
    (void)state;
    static const char *const OWN[] = {"help", "reply", NULL};
    static const char *const ONE[] = {"plan/>",
                                      "report/>",
                                      "sys/tick",
                                      "help/3303/health",
                                      "help/3303/health/>",
                                      "reply/3303/health",
                                      "reply/3303/health/>"};
    static const char *const ALL[] = {"plan/>", "report/>", "sys/tick", "help/>", "reply/>"};
    struct sv_class class = each_class;
    class.own = OWN;
    struct sv_host *one = sv_host_open(), *all = sv_host_open();
    sv_host_add(one, &class, "3303.health");
    sv_host_add(all, &class, NULL);
    for (size_t i = 0; i < sizeof ONE / sizeof *ONE; i++)
        assert_string_equal(sv_host_filters(one)[i], ONE[i]);
    assert_null(sv_host_filters(one)[sizeof ONE / sizeof *ONE]);
    for (size_t i = 0; i < sizeof ALL / sizeof *ALL; i++)
        assert_string_equal(sv_host_filters(all)[i], ALL[i]);
    assert_null(sv_host_filters(all)[sizeof ALL / sizeof *ALL]);
    sv_host_close(one);
    sv_host_close(all);
}

/* ---- snapshots ---- */

static void snapshots_tell_their_position(void **state)
{
    (void)state;
    struct world world;
    struct ld_buffer whole = {0};
    struct ld_error error = {0};
    uint64_t position = 0;
    world_open(&world, &echo_class);
    publish(&world, 0);
    sv_host_save(sv_sim_host(world.sim), &whole);
    assert_int_equal(sv_snapshot_position(whole.data, whole.size, &position, &error), LD_OK);
    assert_true(position > 0);
    assert_int_equal(position, sv_host_position(sv_sim_host(world.sim)));
    for (size_t i = 0; i < whole.size; i += i < 64 ? 1 : whole.size / 50) {
        whole.data[i] ^= 0x40;
        int code = sv_snapshot_position(whole.data, whole.size, &position, &error);
        assert_true(code == LD_CORRUPT || code == LD_VERSION);
        whole.data[i] ^= 0x40;
        assert_int_equal(sv_snapshot_position(whole.data, i, &position, &error), LD_CORRUPT);
    }
    ld_buffer_free(&whole);
    world_close(&world);
}

static void damaged_snapshots_leave_the_host_empty(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &echo_class);
    publish(&world, 0);
    struct ld_buffer whole = {0};
    sv_host_save(sv_sim_host(world.sim), &whole);
    struct sv_host *host = sv_host_open();
    sv_host_add(host, &echo_class, NULL);
    struct ld_error error = {0};
    for (size_t i = 0; i < whole.size; i += i < 64 ? 1 : whole.size / 50) {
        whole.data[i] ^= 0x40;
        int code = sv_host_load(host, whole.data, whole.size, &error);
        assert_true(code == LD_CORRUPT || code == LD_VERSION);
        whole.data[i] ^= 0x40;
        assert_int_equal(sv_host_load(host, whole.data, i, &error), LD_CORRUPT);
        assert_int_equal(sv_host_position(host), 0);
        assert_null(sv_plans_current(sv_host_plans(host, false), "wenzhou-phe"));
    }
    for (size_t i = 0; i < world.count; i++) /* and it works from the start */
        assert_int_equal(sv_host_apply(host, &world.all[i].record, NULL), LD_OK);
    struct ld_buffer again = {0};
    sv_host_save(host, &again);
    assert_int_equal(again.size, whole.size);
    assert_memory_equal(again.data, whole.data, whole.size);
    struct sv_host *other = sv_host_open();
    sv_host_add(other, &each_class, NULL);
    assert_int_equal(sv_host_load(other, whole.data, whole.size, &error), LD_VERSION);
    sv_host_close(other);
    sv_host_close(host);
    ld_buffer_free(&whole);
    ld_buffer_free(&again);
    world_close(&world);
}

/* Damage that the checksum does not see (it was computed over it) must not hurt either. */
static void forged_snapshots_are_survived(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &echo_class);
    publish(&world, 0);
    struct ld_buffer whole = {0};
    sv_host_save(sv_sim_host(world.sim), &whole);
    struct sv_host *host = sv_host_open();
    sv_host_add(host, &echo_class, NULL);
    size_t at = 12;
    for (int tries = 0; tries < 300; tries++) {
        size_t from_end = (size_t)tries % 150 + 1;
        at = tries < 150 ? 12 + (size_t)tries : whole.size - from_end;
        whole.data[at] ^= 0xff;
        uint32_t crc = ld_crc32c(0, whole.data + 12, whole.size - 12);
        for (unsigned i = 0; i < 4; i++)
            whole.data[8 + i] = (uint8_t)(crc >> (8 * i));
        (void)!sv_host_load(host, whole.data, whole.size, NULL);
        whole.data[at] ^= 0xff;
    }
    sv_host_close(host);
    ld_buffer_free(&whole);
    world_close(&world);
}

/* ---- the simulator ---- */

static void same_inputs_same_log(void **state)
{
    (void)state;
    struct world worlds[2];
    for (size_t w = 0; w < 2; w++) {
        world_open(&worlds[w], &echo_class);
        for (int i = 0; i < 20; i++) {
            publish(&worlds[w], i % 3 == 0 ? LD_RECORD_EXERCISE : 0);
            sv_sim_advance(worlds[w].sim, sv_sim_now(worlds[w].sim) + i * 10 * LD_US_SECOND);
        }
    }
    assert_int_equal(worlds[0].count, worlds[1].count);
    for (size_t i = 0; i < worlds[0].count; i++) {
        const struct ld_record *record = &worlds[0].all[i].record;
        assert_int_equal(record->sequence, i + 1);
        assert_int_equal(record->size, worlds[1].all[i].record.size);
        assert_memory_equal(worlds[0].all[i].raw, worlds[1].all[i].raw, record->size);
        assert_true(i == 0 || record->time_us >= worlds[0].all[i - 1].record.time_us);
    }
    world_close(&worlds[0]);
    world_close(&worlds[1]);
}

static void bad_input_is_refused_by_the_simulator(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &echo_class);
    struct ld_error error = {0};
    assert_int_equal(sv_sim_publish(world.sim, "x", "Not A Topic", "", 0, 0, NULL, &error),
                     LD_INVALID);
    char *big = calloc(1, LD_PAYLOAD_SIZE_MAX + 1);
    assert_non_null(big);
    assert_int_equal(
        sv_sim_publish(world.sim, "x", "report/x", big, LD_PAYLOAD_SIZE_MAX + 1, 0, NULL, &error),
        LD_TOOBIG);
    size_t index = world.count;
    assert_int_equal(
        sv_sim_publish(world.sim, "x", "report/x", big, LD_PAYLOAD_SIZE_MAX, 0, NULL, &error),
        LD_OK);
    assert_int_equal(world_count_after(&world, index, SV_RECEIPT), 1);
    free(big);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_know_where_they_come_from),
        cmocka_unit_test(worlds_are_apart_but_share_time_and_plans),
        cmocka_unit_test(adoptions),
        cmocka_unit_test(instance_for_every_member),
        cmocka_unit_test(one_instance_alone),
        cmocka_unit_test(order_is_checked),
        cmocka_unit_test(filters_are_put_together),
        cmocka_unit_test(filters_of_one_unit),
        cmocka_unit_test(snapshots_tell_their_position),
        cmocka_unit_test(damaged_snapshots_leave_the_host_empty),
        cmocka_unit_test(forged_snapshots_are_survived),
        cmocka_unit_test(same_inputs_same_log),
        cmocka_unit_test(bad_input_is_refused_by_the_simulator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
