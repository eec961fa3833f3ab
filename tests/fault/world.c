/* The world of the fault tests; see world.h. */
#include "world.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { ROUTER_ARGUMENTS_MAX = 16 };

uint64_t world_seed(void)
{
    const char *given = getenv("LIANDONG_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("LIANDONG_SEED=%" PRIu64 "\n", seed);
    return seed;
}

unsigned world_rounds(unsigned full, unsigned plain, unsigned sanitized)
{
    const char *mode = getenv("LIANDONG_TESTS");
    if (mode != NULL && strcmp(mode, "full") == 0)
        return full;
#ifdef LIANDONG_SANITIZED
    (void)plain;
    return sanitized;
#else
    (void)sanitized;
    return plain;
#endif
}

/* ---- processes ---- */

void world_open(struct world *world, uint64_t seed)
{
    memset(world, 0, sizeof *world);
    harness_open(&world->harness);
    snprintf(world->told, sizeof world->told, "%s/told", world->harness.folder);
    assert_int_equal(mkdir(world->told, 0700), 0);
    world->chance = seed;
    world->endpoint = world->harness.endpoint;
    world->ledger =
        (struct ledger){.log = world->harness.data, .folder = world->told, .seed = seed};
}

void world_add_shim(struct world *world)
{
    snprintf(world->shim_path, sizeof world->shim_path, "%s/shim", world->harness.folder);
    world->shim = shim_open(world->shim_path);
}

/* With a shim it is env that starts the router. */
static size_t router_command(struct world *world, const char *command[ROUTER_ARGUMENTS_MAX])
{
    static char variable[CONTENT_PATH_SIZE + sizeof SHIM_VARIABLE];
    size_t count = 0;
    command[count++] = "/usr/bin/env";
    if (world->shim != NULL) {
        snprintf(variable, sizeof variable, SHIM_VARIABLE "=%s", world->shim_path);
        command[count++] = "LD_PRELOAD=" FAULT_SHIM;
        command[count++] = variable;
        command[count++] = "ASAN_OPTIONS=verify_asan_link_order=0"; /* the shim comes first */
    }
    command[count++] = LIANDONG_BIN "/liandong-router";
    command[count++] = "--no-keys";
    command[count++] = "--data";
    command[count++] = world->harness.data;
    command[count++] = "--endpoint";
    command[count++] = world->harness.endpoint;
    return count;
}

void world_start_router(struct world *world, const char *const *options)
{
    const char *all[ROUTER_ARGUMENTS_MAX] = {NULL};
    size_t count = router_command(world, all);
    for (size_t i = 0; options[i] != NULL; i++) {
        assert_true(count + 1 < ROUTER_ARGUMENTS_MAX);
        all[count++] = options[i];
    }
    world->router = harness_start(&world->harness, "router", all[0], all[1], all[2], all[3], all[4],
                                  all[5], all[6], all[7], all[8], all[9], all[10], all[11], all[12],
                                  all[13], all[14], NULL);
}

void world_close(struct world *world)
{
    harness_close(&world->harness);
}

struct harness_process *world_start_author(struct world *world, unsigned window, unsigned pace_ms)
{
    char name[CONTENT_NAME_SIZE], seed[24], number[12], window_text[12], pace[12];
    unsigned author = world->ledger.authors++;
    snprintf(name, sizeof name, "author-%u", author);
    snprintf(seed, sizeof seed, "%" PRIu64, world->ledger.seed);
    snprintf(number, sizeof number, "%u", author);
    snprintf(window_text, sizeof window_text, "%u", window);
    snprintf(pace, sizeof pace, "%u", pace_ms);
    return harness_launch(&world->harness, name, FAULT_PEER, "publish", world->endpoint,
                          world->told, seed, number, window_text, pace, NULL);
}

struct harness_process *world_start_listeners(struct world *world, unsigned count)
{
    char name[CONTENT_NAME_SIZE], first[12], count_text[12];
    snprintf(name, sizeof name, "listener-%u", world->ledger.listeners);
    snprintf(first, sizeof first, "%u", world->ledger.listeners);
    snprintf(count_text, sizeof count_text, "%u", count);
    world->ledger.listeners += count;
    return harness_launch(&world->harness, name, FAULT_PEER, "stream", world->endpoint, world->told,
                          first, count_text, NULL);
}

struct harness_process *world_start_tap(struct world *world, const char *endpoint)
{
    char number[12];
    snprintf(number, sizeof number, "%u", world->ledger.taps++);
    return harness_launch(&world->harness, "tap", FAULT_PEER, "tap", endpoint, world->told, number,
                          NULL);
}

void world_start_proxy(struct world *world, unsigned cuts)
{
    char seed[24], cuts_text[12];
    snprintf(seed, sizeof seed, "%" PRIu64, world->ledger.seed);
    snprintf(cuts_text, sizeof cuts_text, "%u", cuts);
    world->endpoint = harness_start(&world->harness, "proxy", FAULT_PEER, "proxy",
                                    world->harness.endpoint + strlen("ipc://"), world->told, seed,
                                    cuts_text, NULL)
                          ->ready;
}

void world_stop(struct world *world, struct harness_process *process)
{
    int status = harness_signal(process, SIGTERM);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        harness_show_messages(&world->harness);
        fail_msg("%s: SIGTERM ended it with status %#x", process->name, (unsigned)status);
    }
}

/* ---- checking ---- */

void world_check(struct world *world, struct ledger_totals *totals)
{
    ledger_check(&world->ledger, totals);
    int status =
        harness_run(&world->harness, NULL, "liandong", "log", "verify", world->harness.data, NULL);
    if (status != 0) {
        harness_show_messages(&world->harness);
        fail_msg("liandong log verify: exit %d", status);
    }
}

void world_settle(struct world *world, struct ledger_totals *totals)
{
    for (size_t i = 0; i < world->harness.process_count; i++) {
        struct harness_process *process = &world->harness.process[i];
        if (process->pid != 0 && strncmp(process->name, "author-", strlen("author-")) == 0)
            world_stop(world, process);
    }
    world_stop(world, world->router);
    world_check(world, totals);
    uint64_t events = totals->events;
    harness_restart(&world->harness, world->router);
    world_await_seen(world, events);
    world_stop(world, world->router);
    world_check(world, totals);
    assert_int_equal(totals->answered, totals->written);
    assert_true(totals->seen >= world->ledger.listeners * events);
}

/* ---- waiting ---- */

struct goal {
    const struct world *world;
    uint64_t all;
    uint64_t each[LEDGER_AUTHORS_MAX];
};

static uint64_t short_of(uint64_t goal, uint64_t count)
{
    return goal > count ? goal - count : 0;
}

static void await(struct world *world, await_fn *left, struct goal *goal, const char *what)
{
    await_folder(&world->harness, world->told, left, goal, what);
}

static uint64_t answers_of_all(void *data)
{
    const struct goal *goal = data;
    return short_of(goal->all, ledger_answers(&goal->world->ledger));
}

void world_await_answers(struct world *world, uint64_t more)
{
    struct goal goal = {.world = world, .all = ledger_answers(&world->ledger) + more};
    await(world, answers_of_all, &goal, "answers to the authors");
}

/* What is left of each author's goal, all together. */
static uint64_t left_of_each(const struct goal *goal,
                             uint64_t (*count)(const struct ledger *ledger, unsigned author))
{
    const struct ledger *ledger = &goal->world->ledger;
    uint64_t left = 0;
    for (unsigned author = 0; author < ledger->authors; author++)
        left += short_of(goal->each[author], count(ledger, author));
    return left;
}

static uint64_t answers_of_each(void *data)
{
    return left_of_each(data, ledger_answers_of);
}

void world_await_answers_each(struct world *world, uint64_t more)
{
    struct goal goal = {.world = world};
    for (unsigned author = 0; author < world->ledger.authors; author++)
        goal.each[author] = ledger_answers_of(&world->ledger, author) + more;
    await(world, answers_of_each, &goal, "answers to each author");
}

static uint64_t refusals_of_each(void *data)
{
    return left_of_each(data, ledger_refusals_of);
}

void world_await_refusals(struct world *world)
{
    struct goal goal = {.world = world};
    for (unsigned author = 0; author < world->ledger.authors; author++)
        goal.each[author] = ledger_refusals_of(&world->ledger, author) + 1;
    await(world, refusals_of_each, &goal, "refusals for each author");
}

static uint64_t stale_links(void *data)
{
    const struct goal *goal = data;
    return short_of(goal->all, ledger_stale_links(&goal->world->ledger));
}

void world_await_stale(struct world *world, uint64_t more)
{
    struct goal goal = {.world = world, .all = ledger_stale_links(&world->ledger) + more};
    await(world, stale_links, &goal, "links found dead");
}

static uint64_t broken_connections(void *data)
{
    const struct goal *goal = data;
    return short_of(goal->all, ledger_cuts(&goal->world->ledger));
}

void world_await_cuts(struct world *world, uint64_t cuts)
{
    struct goal goal = {.world = world, .all = cuts};
    await(world, broken_connections, &goal, "broken connections");
}

static uint64_t unseen(void *data)
{
    const struct goal *goal = data;
    return ledger_unseen(&goal->world->ledger, goal->all);
}

void world_await_seen(struct world *world, uint64_t sequence)
{
    struct goal goal = {.world = world, .all = sequence};
    await(world, unseen, &goal, "events at the listeners");
}
