/*
 * Stopped (SIGSTOP) for longer than the heartbeats and continued; restarted under 62 streams. Every
 * process goes on by itself: authors get their answers, listeners have no gap and nothing twice,
 * services are up again and answer a report.
 */
#include "world.h"

#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 8, PACE_MS = 10, SOME = 50, LISTENERS = 62, STATUS_TRIES = 3000 };

#define PLAN LIANDONG_SOURCE "/plans/wenzhou-phe.yaml"

static uint64_t seed;

/* ---- services ---- */

static size_t services_up(struct world *world)
{
    char *text = NULL;
    harness_run(&world->harness, &text, "liandong", "status", "--json", "-e",
                world->harness.endpoint, NULL);
    json_t *status = json_loads(text, 0, NULL);
    size_t index, up = 0;
    json_t *service;
    json_array_foreach(json_object_get(status, "services"), index, service) up +=
        json_is_true(json_object_get(service, "up"));
    json_decref(status);
    free(text);
    return up;
}

static void await_services(struct world *world, size_t up)
{
    for (int tries = 0; services_up(world) != up; tries++)
        if (tries == STATUS_TRIES)
            fail_msg("expected %zu services to be up", up);
}

/* The reporter hears of its receipt only when the service has taken the report. */
static void expect_report_is_taken(struct world *world)
{
    int status =
        harness_run(&world->harness, NULL, "liandong", "report", "cholera", "--as", "330302.health",
                    "-m", "cases=1", "-m", "deaths=0", "-e", world->harness.endpoint, NULL);
    if (status != 0) {
        harness_show_messages(&world->harness);
        fail_msg("liandong report: exit %d", status);
    }
}

static bool is_service(const struct harness_process *process)
{
    return strstr("reporting grading command duty notification supplies", process->name) != NULL;
}

/* ---- the world ---- */

static void world_begin(struct world *world, bool services)
{
    static const char *const OPTIONS[] = {"--tick-seconds", "1", NULL};
    world_open(world, seed);
    world_start_router(world, OPTIONS);
    if (services) {
        harness_start_services(&world->harness);
        assert_int_equal(harness_run(&world->harness, NULL, "liandong", "plan", "adopt", PLAN,
                                     "--as", "3303.gov", "-e", world->harness.endpoint, NULL),
                         0);
        expect_report_is_taken(world);
    }
    world_start_author(world, WINDOW, PACE_MS);
    world_start_author(world, 1, PACE_MS);
    world_start_listeners(world, services ? 1 : LISTENERS);
    world_await_answers_each(world, SOME);
}

static void world_end(struct world *world)
{
    struct ledger_totals totals;
    for (size_t i = 0; i < world->harness.process_count; i++)
        if (is_service(&world->harness.process[i]))
            world_stop(world, &world->harness.process[i]);
    world_settle(world, &totals);
    world_close(world);
}

static void signal_all_but_router(struct world *world, int signal)
{
    for (size_t i = 0; i < world->harness.process_count; i++)
        if (&world->harness.process[i] != world->router)
            kill(world->harness.process[i].pid, signal);
}

static void expect_all_is_well(struct world *world)
{
    world_await_answers_each(world, SOME);
    await_services(world, 6);
    expect_report_is_taken(world);
}

/* ---- tests ---- */

/* For so long that the router has dropped their sessions. */
static void stopped_clients_go_on(void **state)
{
    struct world world;
    (void)state;
    world_begin(&world, true);
    await_services(&world, 6);
    signal_all_but_router(&world, SIGSTOP);
    await_services(&world, 0);
    signal_all_but_router(&world, SIGCONT);
    expect_all_is_well(&world);
    world_end(&world);
}

/* For so long that every client has taken the link for dead. */
static void a_stopped_router_goes_on(void **state)
{
    struct world world;
    (void)state;
    world_begin(&world, true);
    kill(world.router->pid, SIGSTOP);
    world_await_stale(&world, 3); /* both authors and the listener */
    kill(world.router->pid, SIGCONT);
    expect_all_is_well(&world);
    world_end(&world);
}

static void a_restarted_router_finds_62_streams_again(void **state)
{
    struct world world;
    struct ledger_totals totals;
    (void)state;
    world_begin(&world, false);
    for (unsigned round = world_rounds(100, 3, 1); round > 0; round--) {
        harness_signal(world.router, round % 2 == 1 ? SIGKILL : SIGTERM);
        ledger_check(&world.ledger, &totals);
        harness_restart(&world.harness, world.router);
        world_await_answers_each(&world, SOME);
        world_await_seen(&world, totals.events + SOME);
    }
    world_end(&world);
}

int main(void)
{
    seed = world_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopped_clients_go_on),
        cmocka_unit_test(a_stopped_router_goes_on),
        cmocka_unit_test(a_restarted_router_finds_62_streams_again),
    };
    return cmocka_run_group_tests_name("fault.stall", tests, NULL, NULL);
}
