/*
 * Recovering from one image, once for each way it may have ended.
 *
 * Each recovered log is opened for writing, must be good, hold all that was acknowledged, take new
 * events, verify, and survive that the power goes once more: at a random step of the recovery (of
 * every recovery) or at all of them (of some), and when it has told of new events.
 */
#include "cuts.h"

#include <inttypes.h>
#include <stdio.h>
#include "chance.h"
#include "evlog_event.h"

enum { APPENDED = 3, ALL_STEPS_OF_ONE_IN = 8, FAILED_STEPS = 8 };

const char *ending_name(unsigned ending)
{
    static const char *const NAMES[ENDINGS] = {"nothing survives", "all survives", "in order",
                                               "some sectors",     "some pages",   "killed"};
    return NAMES[ending];
}

struct storage *storage_after(struct storage *storage, unsigned ending, uint64_t seed)
{
    if (ending == ENDING_KILL)
        return storage_kill(storage);
    return storage_cut(storage, (enum storage_survival)ending, seed);
}

static struct evlog *open_good(const struct cuts *cuts, struct storage *storage)
{
    struct evlog *log = NULL;
    struct evlog_recovery recovery;
    int code = evlog_open(storage_context(storage), LOG_DIRECTORY, &cuts->options, &log, &recovery,
                          &test_error);
    expect(code == LD_OK, "the log does not open: %s: %s", ld_code_name(code), test_error.text);
    return log;
}

/* The power goes while a log is being recovered, or has just told of new events. */
static void check_second(struct cuts *cuts, const struct history *history,
                         const struct image *image, unsigned ending, const char *first)
{
    struct storage *storage = storage_after(image->storage, ending, chance_next(&cuts->random));
    place_set("%s, then at step %" PRIu64 " (%s), %s", first, image->step, step_name(image->kind),
              ending_name(ending));
    struct evlog *log = open_good(cuts, storage);
    history_check(history, log, image->acknowledged);
    evlog_close(log);
    storage_free(storage);
    cuts->nested++;
}

static void check_seconds(struct cuts *cuts, const struct history *history, struct watch *watch,
                          const char *first)
{
    bool all = chance_below(&cuts->random, ALL_STEPS_OF_ONE_IN) == 0;
    size_t chosen = (size_t)chance_below(&cuts->random, watch->count);
    for (size_t i = 0; i < watch->count; i++) {
        unsigned ending = (unsigned)chance_below(&cuts->random, ENDINGS);
        if (all || i == chosen)
            check_second(cuts, history, &watch->images[i], ending, first);
    }
    check_second(cuts, history, &watch->images[watch->count - 1], STORAGE_NOTHING, first);
}

/* A producer repeats what it has no answer for, in commits of another size; so what is left of the
 * old ones may lie behind the new ones. */
static uint64_t next_producer(const struct cuts *cuts, const struct history *history)
{
    const struct history *told = cuts->history;
    if (history->count < told->count && told->events[history->count].producer > 0)
        return told->events[history->count].producer;
    return 1 + (cuts->random + history->count) % PRODUCERS_MAX;
}

static void append(const struct cuts *cuts, struct history *history, struct evlog *log,
                   struct watch *watch)
{
    for (uint64_t i = 0; i < APPENDED; i++) {
        int code = history_stage(history, log, next_producer(cuts, history), 0, &test_error);
        expect(code == LD_OK, "cannot stage: %s", test_error.text);
        code = evlog_commit(log, &test_error);
        expect(code == LD_OK, "cannot commit: %s", test_error.text);
        atomic_store(&watch->acknowledged, evlog_durable(log));
    }
    history_check(history, log, history->count);
}

/* A recovery that meets a failing disk (its process then ends) leaves the log as good as before. */
static struct storage *after_failed_open(struct cuts *cuts, struct storage *storage)
{
    struct evlog *log = NULL;
    uint64_t n = chance_below(&cuts->random, 4 * FAILED_STEPS);
    if (n >= FAILED_STEPS)
        return storage;
    storage_fail(storage, STORAGE_CHANGES, n, LD_IO);
    int code = evlog_open(storage_context(storage), LOG_DIRECTORY, &cuts->options, &log, NULL,
                          &test_error);
    bool met = storage_failed(storage) > 0;
    expect(code == (met ? LD_IO : LD_OK) || (met && code == LD_OK), "%s: %s", ld_code_name(code),
           test_error.text);
    storage_fail(storage, 0, 0, 0);
    struct storage *left = storage_kill(storage);
    evlog_close(log);
    storage_free(storage);
    return left;
}

static struct storage *recover(struct cuts *cuts, struct storage *storage, uint64_t acknowledged,
                               const char *first)
{
    storage = after_failed_open(cuts, storage);
    struct watch watch = {.acknowledged = acknowledged};
    struct history history;
    watch_begin(&watch, storage);
    struct evlog *log = open_good(cuts, storage);
    history_check(cuts->history, log, acknowledged);
    history_copy(&history, cuts->history, evlog_durable(log));
    atomic_store(&watch.acknowledged, evlog_durable(log)); /* it can be read, so it must stay */
    storage_capacity(storage, UINT64_C(1) << 40); /* it may have been full, and yet it opened */
    watch_now(&watch, storage);
    append(cuts, &history, log, &watch);
    watch_now(&watch, storage);
    storage_on_step(storage, NULL, NULL);
    int code = evlog_verify(storage_context(storage), LOG_DIRECTORY, NULL, NULL, NULL, &test_error);
    expect(code == LD_OK, "%s", test_error.text);
    evlog_close(log);
    check_seconds(cuts, &history, &watch, first);
    watch_end(&watch, NULL);
    history_free(&history);
    return storage;
}

void cuts_check(struct cuts *cuts, const struct image *image, unsigned endings)
{
    for (unsigned i = 0; i < endings; i++) {
        char first[120];
        unsigned ending =
            i == 0 ? STORAGE_NOTHING : 1 + (unsigned)chance_below(&cuts->random, ENDINGS - 1);
        snprintf(first, sizeof first, "seed %" PRIu64 ", step %" PRIu64 " (%s), cut %u (%s)",
                 cuts->seed, image->step, step_name(image->kind), i, ending_name(ending));
        place_set("%s", first);
        struct storage *storage = storage_after(image->storage, ending, chance_next(&cuts->random));
        storage_free(recover(cuts, storage, image->acknowledged, first));
        cuts->cuts += ending != ENDING_KILL;
        cuts->kills += ending == ENDING_KILL;
    }
}
