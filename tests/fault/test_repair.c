/*
 * Repairing damaged logs on the storage model: what is kept is all before the first damage, what
 * is told is true, nothing is ever deleted, doing it twice changes nothing; and the same when the
 * power is cut, or the disk fails, at any step of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "bytes.h"
#include "evlog/segment.h"
#include "rig.h"
#include "watch.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { SEGMENTS = 4, PER_STEP = 6 };

/* ---- a log, and ways to damage it ---- */

struct base {
    struct rig *rig;
    struct storage *storage;
    uint64_t bases[SEGMENTS + 1]; /* of each segment in use; [0] is not used */
    uint64_t head;
};

static const char *path_of(uint64_t number)
{
    static char path[STORAGE_PATH_SIZE];
    snprintf(path, sizeof path, LOG_DIRECTORY "/%016" PRIu64 ".ldlog", number);
    return path;
}

static uint64_t base_of(struct storage *storage, uint64_t number)
{
    uint64_t size;
    struct segment_header header;
    const uint8_t *data = storage_peek(storage, path_of(number), &size);
    assert_ok(segment_header_decode(data, &header, &test_error));
    return header.base;
}

static uint64_t offset_of(struct storage *storage, uint64_t number, uint64_t sequence)
{
    uint64_t size, offset = SEGMENT_HEADER_SIZE;
    const uint8_t *data = storage_peek(storage, path_of(number), &size);
    struct ld_record record;
    while (ld_record_decode(data + offset, size - offset, &record, NULL) == LD_OK &&
           record.sequence < sequence)
        offset += record.size;
    return offset;
}

/* Three producers, SEGMENTS - 1 sealed segments. */
static struct base make_base(bool closed)
{
    struct base base = {0};
    void *state;
    rig_setup(&state);
    base.rig = state;
    rig_open(base.rig);
    for (uint64_t i = 1; i <= SEGMENTS; i++) {
        rig_grow(base.rig, 1 + i % 3, i);
        rig_append(base.rig, 1, 3);
    }
    for (uint64_t i = 0; i < 9; i++)
        base.head = rig_append(base.rig, 1 + i % 3, 1);
    if (closed)
        rig_close(base.rig);
    base.storage = storage_kill(base.rig->storage);
    rig_close(base.rig);
    for (uint64_t number = 1; number <= SEGMENTS; number++)
        base.bases[number] = base_of(base.storage, number);
    return base;
}

static void free_base(struct base *base)
{
    void *state = base->rig;
    storage_free(base->storage);
    rig_teardown(&state);
}

/* What the truth about a damage is. */
struct damaged {
    uint64_t segment, sequence; /* with the first damage, first event that goes */
    uint64_t readable;          /* events that go and are whole */
    bool last_is_known;         /* the log's head is known to have been there */
};

typedef struct damaged damage_fn(const struct base *base, struct storage *storage);

static void flip_record(struct storage *storage, uint64_t number, uint64_t sequence, uint64_t byte)
{
    storage_flip(storage, path_of(number), 8 * (offset_of(storage, number, sequence) + byte) + 3);
}

static struct damaged record_in_first(const struct base *base, struct storage *storage)
{
    flip_record(storage, 1, 7, 80);
    return (struct damaged){1, 7, base->head - 7, true};
}

static struct damaged header_in_second(const struct base *base, struct storage *storage)
{
    uint64_t sequence = base->bases[2] + 20;
    flip_record(storage, 2, sequence, 20);
    return (struct damaged){2, sequence, base->head - sequence, true};
}

static struct damaged two_places(const struct base *base, struct storage *storage)
{
    uint64_t sequence = base->bases[2] + 20;
    flip_record(storage, 2, sequence, 100);
    flip_record(storage, 3, base->bases[3] + 5, 100);
    return (struct damaged){2, sequence, base->head - sequence - 1, true};
}

static struct damaged record_in_last(const struct base *base, struct storage *storage)
{
    flip_record(storage, SEGMENTS, base->head - 4, 70);
    return (struct damaged){SEGMENTS, base->head - 4, 4, true};
}

static struct damaged checkpoint_of_third(const struct base *base, struct storage *storage)
{
    flip_record(storage, 3, base->bases[3], 90);
    return (struct damaged){3, base->bases[3], base->head - base->bases[3], true};
}

static struct damaged header_of_second(const struct base *base, struct storage *storage)
{
    storage_flip(storage, path_of(2), 8 * 40);
    return (struct damaged){2, base->bases[2], base->head - base->bases[2] + 1, true};
}

static struct damaged header_of_last(const struct base *base, struct storage *storage)
{
    storage_flip(storage, path_of(SEGMENTS), 8 * 40);
    return (struct damaged){SEGMENTS, base->bases[SEGMENTS], base->head - base->bases[SEGMENTS] + 1,
                            true};
}

static struct damaged third_missing(const struct base *base, struct storage *storage)
{
    storage_remove(storage, path_of(3));
    return (struct damaged){4, base->bases[3], base->head - base->bases[4] + 1, true};
}

static struct damaged header_of_first(const struct base *base, struct storage *storage)
{
    storage_flip(storage, path_of(1), 8 * 20);
    return (struct damaged){1, 1, base->head, true};
}

static struct damaged sealed_cut_short(const struct base *base, struct storage *storage)
{
    static const uint8_t nothing[SEGMENT_BYTES];
    uint64_t size, sequence = base->bases[3] - 30;
    uint64_t offset = offset_of(storage, 2, sequence);
    uint8_t *copy = malloc(SEGMENT_BYTES);
    memcpy(copy, storage_peek(storage, path_of(2), &size), SEGMENT_BYTES);
    memcpy(copy + offset, nothing, SEGMENT_BYTES - offset);
    storage_put(storage, path_of(2), copy, SEGMENT_BYTES);
    free(copy);
    return (struct damaged){2, sequence, base->head - base->bases[3] + 1, true};
}

static damage_fn *const DAMAGES[] = {
    record_in_first,  header_in_second, two_places,    record_in_last,  checkpoint_of_third,
    header_of_second, header_of_last,   third_missing, header_of_first, sealed_cut_short,
};

/* ---- nothing is deleted ---- */

static bool has_bytes(struct storage *storage, const char *path, const uint8_t *bytes)
{
    uint64_t size;
    const uint8_t *data = storage_peek(storage, path, &size);
    return data && size == SEGMENT_BYTES && memcmp(data, bytes, size) == 0;
}

static bool is_untouched(struct storage *storage, struct storage *before)
{
    for (uint64_t number = 1; number <= SEGMENTS; number++) {
        uint64_t size;
        const uint8_t *bytes = storage_peek(before, path_of(number), &size);
        if (bytes && !has_bytes(storage, path_of(number), bytes))
            return false;
    }
    return true;
}

struct search {
    struct storage *storage;
    const uint8_t *bytes;
    uint64_t number;
    bool found;
};

static int search_folder(const char *name, void *data)
{
    struct search *search = data;
    char path[STORAGE_PATH_SIZE];
    snprintf(path, sizeof path, LOG_DIRECTORY "/%s/%016" PRIu64 ".ldlog", name, search->number);
    search->found |= has_bytes(search->storage, path, search->bytes);
    return search->found;
}

/* Each segment is still where it was or in a folder, bit for bit. */
static void check_all_there(struct storage *storage, struct storage *before)
{
    const struct ld_context *context = storage_context(storage);
    for (uint64_t number = 1; number <= SEGMENTS; number++) {
        uint64_t size;
        const uint8_t *bytes = storage_peek(before, path_of(number), &size);
        struct search search = {.storage = storage, .bytes = bytes, .number = number};
        if (!bytes || has_bytes(storage, path_of(number), bytes))
            continue;
        assert_ok(context->files.list(storage, LOG_DIRECTORY, search_folder, &search, &test_error));
        expect(search.found, "segment %" PRIu64 " is not there any more", number);
    }
}

/* ---- repairing ---- */

struct told_losses {
    const struct base *base;
    const struct damaged *damaged;
    unsigned count;
};

static uint64_t position_at(const struct history *history, uint64_t producer, uint64_t head)
{
    uint64_t position = 0;
    for (uint64_t i = 0; i < head && i < history->count; i++) {
        if (history->events[i].producer == producer)
            position = history->events[i].producer_sequence;
    }
    return position;
}

static void check_loss(uint64_t producer, uint64_t kept, uint64_t last, void *data)
{
    struct told_losses *told = data;
    const struct history *history = &told->base->rig->history;
    uint64_t kept_really = position_at(history, producer, told->damaged->sequence - 1);
    uint64_t last_really = position_at(history, producer, told->base->head);
    expect(kept == kept_really && last == last_really,
           "producer %" PRIu64 " kept %" PRIu64 " lost %" PRIu64 ", really %" PRIu64
           " and %" PRIu64,
           producer, kept, last, kept_really, last_really);
    told->count++;
}

static int run_repair(struct storage *storage, bool look_only, struct told_losses *told,
                      struct evlog_repair_report *report)
{
    struct evlog_repair_options options = {
        .look_only = look_only, .producer = told ? check_loss : NULL, .data = told};
    return evlog_repair(storage_context(storage), LOG_DIRECTORY, &options, report, &test_error);
}

/* Opens with all before the damage and goes on; or is empty, when nothing was kept. */
static void check_repaired(const struct base *base, struct storage *storage,
                           const struct damaged *damaged)
{
    struct rig rig = {.storage = storage};
    rig_options(&rig.options);
    history_copy(&rig.history, &base->rig->history, damaged->sequence - 1);
    if (damaged->sequence > 1) {
        int code =
            evlog_verify(storage_context(storage), LOG_DIRECTORY, NULL, NULL, NULL, &test_error);
        expect(code == LD_OK, "%s", test_error.text);
    }
    rig_open(&rig);
    expect(evlog_durable(rig.log) == damaged->sequence - 1, "the log ends with %" PRIu64,
           evlog_durable(rig.log));
    rig_append(&rig, 2, 4);
    rig_end(&rig, STORAGE_NOTHING, 1);
    rig_open(&rig);
    rig_close(&rig);
    storage_free(rig.storage);
    history_free(&rig.history);
}

/* Nothing is left to do. */
static void check_done(struct storage *storage, uint64_t kept)
{
    struct evlog_repair_report report;
    int code = run_repair(storage, false, NULL, &report);
    expect(code == (kept > 0 ? LD_OK : LD_NOTFOUND), "%s", test_error.text);
    expect(!report.damaged && report.folder[0] == 0, "there is more to repair: %s", report.reason);
}

static void check_damage(const struct base *base, damage_fn *damage)
{
    struct evlog_repair_report seen, done;
    struct storage *storage = storage_kill(base->storage);
    struct damaged damaged = damage(base, storage);
    struct storage *before = storage_kill(storage);
    struct told_losses told = {.base = base, .damaged = &damaged};
    assert_ok(run_repair(storage, true, &told, &seen));
    expect(seen.folder[0] == 0 && is_untouched(storage, before), "looking has changed it");
    assert_ok(run_repair(storage, false, &told, &done));
    expect(told.count == 6 || damaged.sequence > base->bases[SEGMENTS], "%u producers", told.count);
    expect(seen.damaged && seen.readable == done.readable && seen.last == done.last,
           "not the same");
    expect(done.segment == damaged.segment && done.sequence == damaged.sequence &&
               done.head == damaged.sequence - 1,
           "segment %" PRIu64 ", sequence %" PRIu64, done.segment, done.sequence);
    expect(done.readable == damaged.readable && done.last == base->head,
           "%" PRIu64 " readable, to %" PRIu64 "; really %" PRIu64 " to %" PRIu64, done.readable,
           done.last, damaged.readable, base->head);
    check_all_there(storage, before);
    check_done(storage, damaged.sequence - 1);
    check_all_there(storage, before);
    check_repaired(base, storage, &damaged);
    storage_free(before);
}

static void test_every_damage(void **state)
{
    (void)state;
    for (unsigned closed = 0; closed < 2; closed++) {
        struct base base = make_base(closed);
        for (size_t i = 0; i < COUNT(DAMAGES); i++) {
            place_set("%s log, damage %zu", closed ? "closed" : "killed", i);
            check_damage(&base, DAMAGES[i]);
        }
        free_base(&base);
    }
}

/* ---- interrupted ---- */

/* What an interrupted repair leaves: all that was there; the log refuses still, or is what the
 * whole repair makes of it; the next repair finishes. */
static void check_interrupted(const struct base *base, struct storage *storage,
                              struct storage *before, const struct damaged *damaged)
{
    struct evlog_repair_report report;
    check_all_there(storage, before);
    int code = run_repair(storage, false, NULL, &report);
    expect(code == LD_OK || (code == LD_NOTFOUND && damaged->sequence == 1), "%s: %s",
           ld_code_name(code), test_error.text);
    check_all_there(storage, before);
    check_done(storage, damaged->sequence - 1);
    check_repaired(base, storage, damaged);
}

static uint64_t cut_everywhere(const struct base *base, damage_fn *damage, size_t number)
{
    struct evlog_repair_report report;
    struct storage *storage = storage_kill(base->storage);
    struct damaged damaged = damage(base, storage);
    struct storage *before = storage_kill(storage);
    struct watch watch = {0};
    uint64_t random = number, cuts = 0;
    watch_begin(&watch, storage);
    assert_ok(run_repair(storage, false, NULL, &report));
    watch_now(&watch, storage);
    for (size_t i = 0; i < watch.count; i++) {
        for (unsigned k = 0; k < PER_STEP; k++, cuts++) {
            unsigned ending = k < ENDINGS ? k : (unsigned)chance_below(&random, ENDINGS);
            place_set("damage %zu, step %zu (%s), %s", number, i, step_name(watch.images[i].kind),
                      ending_name(ending));
            check_interrupted(base,
                              storage_after(watch.images[i].storage, ending, chance_next(&random)),
                              before, &damaged);
        }
    }
    watch_end(&watch, storage);
    storage_free(before);
    storage_free(storage);
    return cuts;
}

static void test_power_cuts(void **state)
{
    uint64_t cuts = 0;
    (void)state;
    for (unsigned closed = 0; closed < 2; closed++) {
        struct base base = make_base(closed);
        for (size_t i = 0; i < COUNT(DAMAGES); i++)
            cuts += cut_everywhere(&base, DAMAGES[i], i);
        free_base(&base);
    }
    print_message("%" PRIu64 " power cuts in repairs\n", cuts);
}

static void fail_everywhere(const struct base *base, damage_fn *damage, size_t number)
{
    static const int CODES[] = {LD_IO, LD_NOSPACE};
    bool failed = true;
    for (uint64_t n = 0; failed; n++) {
        struct evlog_repair_report report;
        struct storage *storage = storage_kill(base->storage);
        struct damaged damaged = damage(base, storage);
        struct storage *before = storage_kill(storage);
        place_set("damage %zu, step %" PRIu64 " fails", number, n);
        storage_fail(storage, STORAGE_ANY, n, CODES[n % COUNT(CODES)]);
        int code = run_repair(storage, false, NULL, &report);
        failed = storage_failed(storage) > 0;
        expect(code == (failed ? CODES[n % COUNT(CODES)] : LD_OK), "%s", ld_code_name(code));
        storage_fail(storage, 0, 0, 0);
        check_interrupted(base, storage, before, &damaged);
        storage_free(before);
    }
}

static void test_failing_disk(void **state)
{
    (void)state;
    struct base base = make_base(true);
    for (size_t i = 0; i < COUNT(DAMAGES); i++)
        fail_everywhere(&base, DAMAGES[i], i);
    free_base(&base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_damage),
        cmocka_unit_test(test_power_cuts),
        cmocka_unit_test(test_failing_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
