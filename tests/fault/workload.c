/*
 * A random workload: several producers that repeat what they have no answer for, batches of all
 * sizes, pipelined commits, segments that roll over, reopening, drills, clocks that run backwards,
 * full disks, failing disks, kills and power cuts on the way. Images of the storage are taken
 * before each step that changes it, and cut and recovered (cuts.c) after each action.
 */
#include "workload.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include "chance.h"
#include "evlog_event.h"

enum { ACTIONS = 40, ENDINGS_PER_STEP = 3, FULL_SCALE = 50 };

struct workload {
    uint64_t seed, random;
    struct storage *storage;
    struct evlog *log;
    struct evlog_options options;
    struct history history;
    struct watch watch;
    struct cuts cuts;
    int64_t now_us;
    uint64_t producers;
    bool full; /* the disk is */
};

static uint64_t below(struct workload *work, uint64_t limit)
{
    return chance_below(&work->random, limit);
}

/* ---- the ends of a log ---- */

static void acknowledge(struct workload *work)
{
    if (evlog_durable(work->log) > atomic_load(&work->watch.acknowledged))
        atomic_store(&work->watch.acknowledged, evlog_durable(work->log));
}

static void open_log(struct workload *work)
{
    int code = evlog_open(storage_context(work->storage), LOG_DIRECTORY, &work->options, &work->log,
                          NULL, &test_error);
    expect(code == LD_OK, "the log does not open: %s", test_error.text);
    history_check(&work->history, work->log, atomic_load(&work->watch.acknowledged));
    history_cut(&work->history, evlog_durable(work->log));
    acknowledge(work);
}

/* Threads of the log may go on; they are not watched meanwhile. */
static void check_images(struct workload *work)
{
    storage_on_step(work->storage, NULL, NULL);
    for (size_t i = 0; i < work->watch.count; i++)
        cuts_check(&work->cuts, &work->watch.images[i], ENDINGS_PER_STEP);
    watch_clear(&work->watch);
    place_set("seed %" PRIu64 ", step %" PRIu64, work->seed, work->watch.steps);
    watch_begin(&work->watch, work->storage);
}

/* The process ends in one of the ways; what it leaves is opened. */
static void end_and_reopen(struct workload *work, unsigned ending)
{
    struct storage *left = storage_after(work->storage, ending, below(work, UINT64_MAX));
    check_images(work);
    storage_on_step(work->storage, NULL, NULL);
    evlog_close(work->log);
    storage_free(work->storage);
    work->storage = left;
    watch_begin(&work->watch, left);
    open_log(work);
}

static void close_and_reopen(struct workload *work)
{
    evlog_close(work->log);
    history_cut(&work->history, work->history.count);
    check_images(work);
    work->options.segment_bytes = (1 + below(work, 2)) * SEGMENT_BYTES;
    work->cuts.options.segment_bytes = work->options.segment_bytes;
    open_log(work);
}

/* ---- what is done with a log ---- */

/* False: the log takes no more. */
static bool stage(struct workload *work, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        work->now_us += (int64_t)below(work, 1000);
        uint64_t producer = 1 + below(work, work->producers);
        int code = history_stage(&work->history, work->log, producer, work->now_us, &test_error);
        expect(code == LD_OK || code == LD_BUSY || code == LD_NOSPACE || code == LD_IO, "%s",
               test_error.text);
        if (code != LD_OK)
            return code != LD_IO;
    }
    return true;
}

/* What the log answers to a commit; a failed one ends the process. */
static void commit(struct workload *work)
{
    int code = evlog_commit(work->log, &test_error);
    acknowledge(work);
    if (code == LD_IO) {
        storage_fail(work->storage, 0, 0, 0);
        end_and_reopen(work, ENDING_KILL);
        return;
    }
    expect(code == LD_OK || code == LD_NOSPACE, "%s", test_error.text);
}

static uint64_t batch_size(struct workload *work)
{
    static const uint64_t SIZES[] = {1, 1, 2, 3, 7, 20, 60, 200};
    return 1 + below(work, SIZES[below(work, sizeof SIZES / sizeof SIZES[0])]);
}

static void append(struct workload *work)
{
    stage(work, batch_size(work));
    commit(work);
}

static void append_pipelined(struct workload *work)
{
    bool started;
    stage(work, batch_size(work));
    int code = evlog_commit_begin(work->log, &started, &test_error);
    expect(code == LD_OK, "%s", test_error.text);
    stage(work, batch_size(work));
    commit(work);
}

static void fill_up(struct workload *work)
{
    work->full = !work->full;
    uint64_t room = work->options.reserve_bytes + below(work, SEGMENT_BYTES);
    storage_capacity(work->storage,
                     work->full ? storage_used(work->storage) + room : UINT64_C(1) << 40);
}

/* A write finds no space though there was some: the commit waits and is tried again. */
static void fill_up_within(struct workload *work)
{
    storage_fail(work->storage, STORAGE_WRITE, below(work, 3), LD_NOSPACE);
    append(work);
    storage_fail(work->storage, 0, 0, 0);
    append(work);
}

/* A failing step is final for this process; the next one finds what is there. */
static void fail_within(struct workload *work)
{
    storage_fail(work->storage, STORAGE_CHANGES, below(work, 6), LD_IO);
    append(work);
    storage_fail(work->storage, 0, 0, 0);
    append(work);
}

static void act(struct workload *work)
{
    switch (below(work, 16)) {
    case 0:
        close_and_reopen(work);
        break;
    case 1:
        end_and_reopen(work, ENDING_KILL);
        break;
    case 2:
        end_and_reopen(work, (unsigned)below(work, STORAGE_SURVIVALS));
        break;
    case 3:
        fill_up(work);
        break;
    case 4:
        fill_up_within(work);
        break;
    case 5:
        fail_within(work);
        break;
    case 6:
        work->now_us -= 5000000;
        break;
    case 7:
    case 8:
        append_pipelined(work);
        break;
    default:
        append(work);
    }
}

/* ---- workloads ---- */

static void workload_init(struct workload *work, uint64_t seed, bool threads)
{
    *work = (struct workload){.seed = seed, .random = seed, .now_us = INT64_C(1700000000000000)};
    work->storage = storage_new(seed);
    work->producers = 1 + below(work, PRODUCERS_MAX);
    evlog_options_init(&work->options);
    work->options.index = false; /* a thread of its own, whose steps come by chance */
    work->options.segment_bytes = SEGMENT_BYTES;
    work->options.buffer_bytes = 65536 << below(work, 2);
    work->options.reserve_bytes = 65536;
    work->options.drill = below(work, 4) == 0;
    work->options.writer_thread = threads;
    work->options.index = threads;
    work->cuts = (struct cuts){
        .seed = seed, .options = work->options, .history = &work->history, .random = ~seed};
    work->cuts.options.writer_thread = work->cuts.options.index = false;
    place_set("seed %" PRIu64, seed);
    watch_begin(&work->watch, work->storage);
}

void workload_run(uint64_t seed, bool threads, struct cuts *total)
{
    struct workload work;
    workload_init(&work, seed, threads);
    open_log(&work);
    for (unsigned i = 0; i < ACTIONS; i++) {
        act(&work);
        watch_now(&work.watch, work.storage);
        check_images(&work);
        history_check(&work.history, work.log, atomic_load(&work.watch.acknowledged));
    }
    storage_on_step(work.storage, NULL, NULL);
    evlog_close(work.log);
    watch_end(&work.watch, work.storage);
    storage_free(work.storage);
    history_free(&work.history);
    total->cuts += work.cuts.cuts;
    total->nested += work.cuts.nested;
    total->kills += work.cuts.kills;
}

static uint64_t scaled(uint64_t cuts)
{
    const char *mode = getenv("LIANDONG_TESTS");
    if (mode && strcmp(mode, "full") == 0)
        return FULL_SCALE * cuts;
#ifdef LIANDONG_SANITIZED
    return cuts / 10;
#else
    return cuts;
#endif
}

void workload_runs(uint64_t cuts_wanted, bool threads)
{
    const char *one = getenv("LIANDONG_SEED");
    struct cuts total = {0};
    uint64_t seed = one ? strtoull(one, NULL, 10) : 1;
    uint64_t wanted = one ? 1 : scaled(cuts_wanted);
    mallopt(M_MMAP_THRESHOLD, 1 << 28); /* memory is given back and taken again at every cut */
    mallopt(M_TRIM_THRESHOLD, 1 << 28);
    for (; total.cuts < wanted; seed++)
        workload_run(seed, threads, &total);
    print_message("%" PRIu64 " power cuts, %" PRIu64 " more in recoveries, %" PRIu64
                  " kills; the last seed was %" PRIu64 "\n",
                  total.cuts, total.nested, total.kills, seed - 1);
}
