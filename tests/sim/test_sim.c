/*
 * All cores together under random inputs, good and bad. Whatever comes in:
 *   - the same inputs give the same log, byte for byte;
 *   - state saved and loaded at any moment changes nothing that follows;
 *   - every event from outside gets exactly one receipt;
 *   - no unit misses an event that its service said concerns none of them;
 *   - exercise events change nothing that is actual.
 * The seed is printed; LIANDONG_SEED repeats it; LIANDONG_TESTS=full makes more of it.
 */
#include "inputs.h"
#include "rerun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "liandong/v1/duty.pb-c.h"
#include "liandong/v1/report.pb-c.h"
#include "timefmt.h"

static uint64_t seed;

static unsigned inputs_per_run(void)
{
    const char *mode = getenv("LIANDONG_TESTS");
    return mode != NULL && strcmp(mode, "full") == 0 ? 20000 : 1500;
}

static void learn(struct generator *generator, const struct world *world, size_t from)
{
    for (size_t i = from; i < world->count; i++) {
        const struct world_record *one = &world->all[i];
        if (one->message == NULL) {
            continue;
        }
        if (one->family == SV_INCIDENT) {
            const Liandong__V1__Incident *incident = (const void *)one->message;
            if (incident->action == LIANDONG__V1__INCIDENT__ACTION__OPENED) {
                generator_saw_incident(generator, incident->context->incident);
            }
        } else if (one->family == SV_DUTY) {
            const Liandong__V1__DutyOrder *order = (const void *)one->message;
            generator_saw_order(generator, order->unit, order->order);
        }
    }
}

static size_t publish(struct world *world, const struct input *input, uint16_t flags)
{
    size_t index = world->count;
    struct ld_error error = {0};
    int code = sv_sim_publish(world->sim, input->producer, input->topic, input->payload,
                              input->payload_size, flags, NULL, &error);
    if (code != LD_OK) {
        fail_msg("seed %llu: %s: %s", (unsigned long long)seed, input->topic, error.text);
    }
    return index;
}

/* exercises: every third input comes once more as an exercise, before the actual one. */
static void run(struct world *world, uint64_t run_seed, bool exercises)
{
    struct generator generator;
    struct input input;
    generator_open(&generator, run_seed);
    world_open(world, NULL);
    for (unsigned i = 0; i < inputs_per_run(); i++) {
        generator.now_us = sv_sim_now(world->sim);
        generator_next(&generator, &input);
        if (exercises && i % 3 == 0) {
            publish(world, &input, LD_RECORD_EXERCISE);
        }
        size_t from = publish(world, &input, 0);
        learn(&generator, world, from);
        if (generator_below(&generator, 4) == 0) {
            sv_sim_advance(world->sim, sv_sim_now(world->sim) +
                                           (int64_t)generator_below(&generator, 90) * LD_US_MINUTE);
        }
    }
}

static uint64_t causation(const struct world_record *receipt)
{
    return ((const Liandong__V1__Receipt *)(const void *)receipt->message)->context->causation;
}

static void every_input_gets_one_receipt(const struct world *world)
{
    unsigned char *receipts = calloc(world->count + 2, 1);
    assert_non_null(receipts);
    for (size_t i = 0; i < world->count; i++) {
        if (world->all[i].family == SV_RECEIPT) {
            receipts[causation(&world->all[i])]++;
        }
    }
    for (size_t i = 0; i < world->count; i++) {
        const struct ld_record *record = &world->all[i].record;
        int expected = sv_family_is_input(world->all[i].family) ? 1 : 0;
        if (receipts[record->sequence] != expected) {
            fail_msg("seed %llu: %.*s got %d receipts", (unsigned long long)seed,
                     (int)record->topic_size, record->topic, receipts[record->sequence]);
        }
    }
    free(receipts);
}

static void the_same_seed_gives_the_same_log(void **state)
{
    (void)state;
    struct world first, second;
    run(&first, seed, true);
    run(&second, seed, true);
    assert_int_equal(first.count, second.count);
    for (size_t i = 0; i < first.count; i++) {
        assert_int_equal(first.all[i].record.size, second.all[i].record.size);
        assert_memory_equal(first.all[i].raw, second.all[i].raw, first.all[i].record.size);
    }
    print_message("%zu events\n", first.count);
    assert_true(world_count_after(&first, 0, SV_GRADE) > 0);
    assert_true(world_count_after(&first, 0, SV_DUTY) > 0);
    every_input_gets_one_receipt(&first);
    world_close(&first);
    world_close(&second);
}

/* The actual part of a log, without places: topic and size of each event, in order. */
static char *actual_part(const struct world *world)
{
    char *part = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&part, &size);
    for (size_t i = 0; i < world->count; i++) {
        const struct ld_record *record = &world->all[i].record;
        if ((record->flags & LD_RECORD_EXERCISE) == 0 && world->all[i].family != SV_TICK) {
            fprintf(stream, "%lld %.*s\n", (long long)record->time_us, (int)record->topic_size,
                    record->topic);
        }
    }
    fclose(stream);
    return part;
}

static void exercises_change_nothing_actual(void **state)
{
    (void)state;
    struct world alone, beside;
    run(&alone, seed + 1, false);
    run(&beside, seed + 1, true);
    assert_true(beside.count > alone.count);
    char *expected = actual_part(&alone), *found = actual_part(&beside);
    assert_string_equal(expected, found);
    free(expected);
    free(found);
    world_close(&alone);
    world_close(&beside);
}

static void snapshots_change_nothing(void **state)
{
    (void)state;
    struct world world;
    run(&world, seed + 2, true);
    world_survives_snapshots(&world, NULL);
    world_close(&world);
}

static void what_concerns_nobody_changes_nothing(void **state)
{
    (void)state;
    struct world world;
    run(&world, seed + 3, true);
    rerun_spared(&world, &duty_class);
    world_close(&world);
}

int main(void)
{
    const char *given = getenv("LIANDONG_SEED");
    seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("LIANDONG_SEED=%llu\n", (unsigned long long)seed);
    world_add_all = sv_host_add_all;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_log),
        cmocka_unit_test(exercises_change_nothing_actual),
        cmocka_unit_test(snapshots_change_nothing),
        cmocka_unit_test(what_concerns_nobody_changes_nothing),
    };
    return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
