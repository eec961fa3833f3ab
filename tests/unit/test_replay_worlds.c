/*
 * Replay of a log with everything in it: two cities' plans, actual and exercise side by side, all
 * six services and an instance for each unit. One output is changed in each of its parts, left out,
 * added or put elsewhere, for each producer; each is found, and shown field by field.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/sim.h"
#include "replay/fields.h"
#include "replay/inputs.h"
#include "replay/replay.h"
#include "scenario/run.h"
#include "timefmt.h"

struct log {
    struct ld_record *all; /* topic and payload malloc'ed */
    size_t count, capacity;
};

static void copy_into(struct ld_record *to, const struct ld_record *from)
{
    char *topic = malloc((size_t)from->topic_size + 1);
    uint8_t *payload = malloc((size_t)from->payload_size + 1);
    assert_true(topic != NULL && payload != NULL);
    memcpy(topic, from->topic, from->topic_size);
    if (from->payload_size > 0)
        memcpy(payload, from->payload, from->payload_size);
    *to = *from;
    to->topic = topic;
    to->payload = payload;
}

static void keep(const struct ld_record *record, void *data)
{
    struct log *log = data;
    if (log->count == log->capacity) {
        log->capacity = log->capacity == 0 ? 1024 : log->capacity * 2;
        log->all = realloc(log->all, log->capacity * sizeof *log->all);
        assert_non_null(log->all);
    }
    copy_into(&log->all[log->count++], record);
}

static void free_log(struct log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        free((void *)(uintptr_t)log->all[i].topic);
        free((void *)(uintptr_t)log->all[i].payload);
    }
    free(log->all);
    *log = (struct log){0};
}

/* ---- the log: two scenarios, each event once as an exercise and once as actual ---- */

static void take_input(const struct ld_record *record, const struct picture_event *event,
                       const struct picture *picture, void *data)
{
    (void)event;
    (void)picture;
    log_inputs_take(record, data);
}

static void play(const char *path, int64_t start_us, struct log_inputs *inputs)
{
    struct scenario *scenario = NULL;
    struct scenario_result result;
    struct scenario_bus *bus = scenario_memory_open();
    struct scenario_options options = {.context = ld_context_system(),
                                       .bus = bus,
                                       .start_us = start_us,
                                       .record = take_input,
                                       .data = inputs};
    log_inputs_open(inputs);
    assert_ok(scenario_read(ld_context_system(), path, &scenario, NULL, &test_error));
    assert_ok(scenario_run(scenario, &options, &result, &test_error));
    assert_ok(log_inputs_end(inputs, LOG_WORLD_ANY, &test_error));
    assert_int_equal(result.failures, 0);
    assert_int_equal(inputs->events, result.published);
    for (size_t i = 0; i < inputs->count; i++)
        assert_true(inputs->all[i].tick || inputs->all[i].producer != NULL); /* though no router */
    scenario_free(scenario);
    scenario_memory_close(bus);
}

static void append_both(struct sv_sim *sim, const struct log_inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        struct ld_record record = inputs->all[i].record;
        sv_sim_append(sim, &record);
        record.flags = 0;
        record.producer ^= 1; /* somebody else's, who says the same in earnest */
        if (!inputs->all[i].tick)
            sv_sim_append(sim, &record);
    }
}

static struct log whole;

static int write_log(void **state)
{
    const int64_t day_us = 1772380800 * LD_US_SECOND; /* 2026-03-02 in China */
    struct log_inputs first, second;
    (void)state;
    play(LIANDONG_SOURCE_DIR "/tests/scenarios/supplies.yaml", day_us - 3 * LD_US_DAY, &first);
    play(LIANDONG_SOURCE_DIR "/tests/scenarios/two-cities.yaml", 0, &second);
    struct sv_sim *sim = sv_sim_open(first.first_us, keep, &whole);
    sv_host_add_all(sv_sim_host(sim));
    append_both(sim, &first);
    append_both(sim, &second);
    sv_sim_close(sim);
    log_inputs_free(&first);
    log_inputs_free(&second);
    return 0;
}

static int drop_log(void **state)
{
    (void)state;
    free_log(&whole);
    return 0;
}

static bool is_derived(const struct ld_record *record)
{
    return record->producer_sequence >= 1u << 16;
}

/* ---- replaying ---- */

struct found {
    uint64_t counts[3]; /* by kind */
    struct ld_record logged, derived;
    char *differing;
};

static json_t *as_json(const struct ld_record *record)
{
    return record == NULL
               ? json_null()
               : json_pack("{s:s%,s:i,s:I}", "topic", record->topic, (size_t)record->topic_size,
                           "flags", record->flags, "size", (json_int_t)record->payload_size);
}

static void see(const struct replay_difference *difference, void *data)
{
    struct found *found = data;
    struct fields fields;
    if (found->differing == NULL) {
        json_t *left = as_json(difference->logged), *right = as_json(difference->derived);
        fields_compare(&fields, left, right);
        json_t *differing = fields_differing(&fields);
        found->differing = json_dumps(differing, JSON_COMPACT);
        json_decref(differing);
        json_decref(left);
        json_decref(right);
        fields_free(&fields);
    }
    found->counts[difference->kind]++;
}

static struct replay_counts replayed(const struct log *log, bool complete, struct found *found)
{
    struct replay_counts counts;
    struct sv_host *host = sv_host_open();
    *found = (struct found){0};
    sv_host_add_all(host);
    struct replay *replay = replay_open(host, see, found);
    for (size_t i = 0; i < log->count; i++) {
        struct ld_record record = log->all[i];
        record.sequence = log->all[i].sequence;
        assert_ok(replay_take(replay, &record, &test_error));
    }
    if (complete)
        replay_end(replay);
    replay_get_counts(replay, &counts);
    assert_int_equal(counts.different, found->counts[REPLAY_DIFFERENT]);
    assert_int_equal(counts.missing, found->counts[REPLAY_MISSING]);
    assert_int_equal(counts.unknown, found->counts[REPLAY_UNKNOWN]);
    replay_close(replay);
    sv_host_close(host);
    return counts;
}

static void all_is_there(void **state)
{
    struct found found;
    uint64_t derived = 0, worlds[2] = {0};
    size_t last_of[7] = {0};
    (void)state;
    for (size_t i = 0; i < whole.count; i++) {
        derived += is_derived(&whole.all[i]);
        worlds[whole.all[i].flags] += is_derived(&whole.all[i]);
        for (size_t k = 0; replay_services[k] != NULL; k++)
            if (whole.all[i].producer ==
                ld_producer_id(replay_services[k], strlen(replay_services[k])))
                last_of[k] = i;
    }
    for (size_t k = 0; replay_services[k] != NULL; k++)
        assert_true(last_of[k] > 0 || strcmp(replay_services[k], "duty") == 0);
    assert_true(worlds[0] > 300 && worlds[1] > 300);
    struct replay_counts counts = replayed(&whole, true, &found);
    assert_int_equal(counts.same, derived);
    assert_int_equal(counts.different + counts.missing + counts.unknown + counts.pending, 0);
    assert_null(found.differing);
}

/* Nothing follows from it in what is left of the log, so that only it differs. */
static size_t last_output(const char *producer, uint16_t flags)
{
    uint64_t id = ld_producer_id(producer, strlen(producer));
    for (size_t i = whole.count; i > 0; i--)
        if (whole.all[i - 1].producer == id && whole.all[i - 1].flags == flags)
            return i - 1;
    fail_msg("no output of %s", producer);
    return 0;
}

static const char *const PRODUCERS[] = {
    "reporting", "grading",          "command",       "notification",
    "supplies",  "duty#3303.health", "duty#3304.gov", "duty#3303.publicity"};
enum { PRODUCER_COUNT = sizeof PRODUCERS / sizeof PRODUCERS[0] };

static void expect_different(const char *differing)
{
    struct found found;
    (void)replayed(&whole, true, &found);
    assert_true(found.counts[REPLAY_DIFFERENT] >= 1);
    if (differing != NULL)
        assert_string_equal(found.differing, differing);
    free(found.differing);
}

/* All changes for all producers take a while. */
static bool is_full(void)
{
    const char *tests = getenv("LIANDONG_TESTS");
    return tests != NULL && strcmp(tests, "full") == 0;
}

enum { CHANGES = 4 };
static void change(struct ld_record *record, size_t what, uint16_t flags)
{
    const struct ld_record as_it_was = *record;
    uint8_t *last = (uint8_t *)(uintptr_t)record->payload + record->payload_size - 1;
    if (what == 0) {
        *last ^= 1;
        expect_different("[]"); /* neither topic nor flags nor size */
        *last ^= 1;
    } else if (what == 1) {
        record->flags ^= LD_RECORD_EXERCISE;
        expect_different(flags == 0 ? "[{\"field\":\"flags\",\"logged\":1,\"derived\":0}]"
                                    : "[{\"field\":\"flags\",\"logged\":0,\"derived\":1}]");
    } else if (what == 2) {
        record->payload_size--;
        expect_different(NULL);
    } else {
        record->topic_size--;
        expect_different(NULL);
    }
    *record = as_it_was;
}

static void a_changed_part_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < PRODUCER_COUNT; i++) {
        uint16_t flags = (uint16_t)(i % 2);
        for (size_t what = 0; what < CHANGES; what++)
            if (is_full() || what == i / 2)
                change(&whole.all[last_output(PRODUCERS[i], flags)], what, flags);
    }
}

static void a_number_changed_is_found(void **state)
{
    struct found found;
    (void)state;
    struct ld_record *record = &whole.all[last_output("grading", 1)];
    record->producer_sequence++;
    (void)replayed(&whole, true, &found);
    record->producer_sequence--;
    assert_int_equal(found.counts[REPLAY_MISSING], 1);
    assert_int_equal(found.counts[REPLAY_UNKNOWN], 1);
    free(found.differing);
}

static struct log without(size_t index)
{
    struct log log = {0};
    for (size_t i = 0; i < whole.count; i++)
        if (i != index)
            keep(&whole.all[i], &log);
    return log;
}

static void one_left_out_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < PRODUCER_COUNT; i++) {
        struct found found;
        struct log log = without(last_output(PRODUCERS[i], (uint16_t)(i % 2)));
        bool complete = i % 2 == 0;
        struct replay_counts counts = replayed(&log, complete, &found);
        assert_true(counts.missing + counts.pending >= 1); /* pending: it was the last of its own */
        assert_true(!complete || counts.pending == 0);
        free(found.differing);
        free_log(&log);
    }
}

static void one_added_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < PRODUCER_COUNT; i += is_full() ? 1 : 3) {
        struct found found;
        size_t index = last_output(PRODUCERS[i], (uint16_t)(i % 2));
        struct log log = without(whole.count);
        copy_into(&log.all[log.count], &whole.all[index]);
        log.all[log.count].sequence = whole.all[whole.count - 1].sequence + 1;
        log.all[log.count++].producer_sequence |= 0x7000;
        struct replay_counts counts = replayed(&log, true, &found);
        assert_int_equal(counts.unknown, 1);
        assert_int_equal(counts.different + counts.missing + counts.pending, 0);
        free(found.differing);
        free_log(&log);
    }
}

/* Two of the same producer change places: the later one first means the earlier is missing, and
 * where it stands nobody derives it any more. */
static void two_changed_about_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < PRODUCER_COUNT; i += is_full() ? 1 : 3) {
        struct found found;
        size_t last = last_output(PRODUCERS[i], (uint16_t)(i % 2)), before = last;
        while (before-- > 0 && whole.all[before].producer != whole.all[last].producer)
            ;
        struct log log = without(whole.count);
        struct ld_record later = log.all[last], earlier = log.all[before];
        uint64_t sequence = later.sequence;
        later.sequence = earlier.sequence;
        earlier.sequence = sequence;
        log.all[last] = earlier;
        log.all[before] = later;
        struct replay_counts counts = replayed(&log, true, &found);
        assert_true(counts.missing + counts.unknown + counts.different >= 1);
        free(found.differing);
        free_log(&log);
    }
}

static void fields_are_told_apart(void **state)
{
    struct fields fields;
    (void)state;
    json_t *left = json_loads("{\"a\":{\"b\":[1,{\"c\":\"x\"}],\"d\":true},\"e\":1}", 0, NULL);
    json_t *right = json_loads("{\"a\":{\"b\":[1,{\"c\":\"y\"},3]},\"e\":[1],\"f\":0}", 0, NULL);
    fields_compare(&fields, left, right);
    json_t *differing = fields_differing(&fields);
    char *text = json_dumps(differing, JSON_COMPACT);
    assert_string_equal(text, "[{\"field\":\"a.b[1].c\",\"logged\":\"x\",\"derived\":\"y\"},"
                              "{\"field\":\"a.b[2]\",\"logged\":null,\"derived\":3},"
                              "{\"field\":\"a.d\",\"logged\":true,\"derived\":null},"
                              "{\"field\":\"e\",\"logged\":1,\"derived\":[1]},"
                              "{\"field\":\"f\",\"logged\":null,\"derived\":0}]");
    assert_int_equal(fields.count, 6);
    assert_true(fields.all[0].same);
    free(text);
    json_decref(differing);
    json_decref(left);
    json_decref(right);
    fields_free(&fields);
}

/* ---- what came from outside ---- */

static void only_what_came_from_outside_is_kept(void **state)
{
    struct log_inputs inputs;
    size_t ticks = 0, outside = 0, actual = 0, kept = 0;
    (void)state;
    log_inputs_open(&inputs);
    for (size_t i = 0; i < whole.count; i++) {
        bool tick = sv_family_of(whole.all[i].topic, whole.all[i].topic_size) == SV_TICK;
        ticks += tick;
        outside += !tick && !is_derived(&whole.all[i]);
        actual += !tick && !is_derived(&whole.all[i]) && whole.all[i].flags == 0;
        log_inputs_take(&whole.all[i], &inputs);
    }
    assert_int_equal(inputs.count, ticks + outside);
    assert_int_equal(log_inputs_end(&inputs, LOG_WORLD_ANY, &test_error), LD_INVALID);
    assert_ok(log_inputs_end(&inputs, LOG_WORLD_ACTUAL, &test_error));
    assert_int_equal(inputs.events, actual);
    for (size_t i = 0; i < inputs.count; i++) {
        assert_int_equal(inputs.all[i].record.flags, LD_RECORD_EXERCISE);
        kept += inputs.all[i].tick;
    }
    assert_int_equal(kept, ticks);
    log_inputs_free(&inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_there),
        cmocka_unit_test(a_changed_part_is_found),
        cmocka_unit_test(a_number_changed_is_found),
        cmocka_unit_test(one_left_out_is_found),
        cmocka_unit_test(one_added_is_found),
        cmocka_unit_test(two_changed_about_are_found),
        cmocka_unit_test(fields_are_told_apart),
        cmocka_unit_test(only_what_came_from_outside_is_kept),
    };
    return cmocka_run_group_tests(tests, write_log, drop_log);
}
