/* Bad input to real processes: each gets a clear error that names what is wrong and what to do, and
 * everything else goes on. */
#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLAN LIANDONG_SOURCE "/plans/wenzhou-phe.yaml"

enum { OK = 0, FAILED = 1, USAGE = 2, UNREACHABLE = 3, REFUSED = 4 };

/* Text that the processes wrote since mark, which is moved on. */
static char *said_since(struct harness *harness, size_t *mark)
{
    char *all = harness_messages(harness);
    char *rest = strdup(all + *mark);
    *mark = strlen(all);
    free(all);
    return rest;
}

static void expect_said(struct harness *harness, size_t *mark, const char *needle)
{
    char *said = said_since(harness, mark);
    if (strstr(said, needle) == NULL) {
        fail_msg("expected \"%s\" in:\n%s", needle, said);
    }
    free(said);
}

static void start_all(struct harness *harness)
{
    harness_open(harness);
    harness_start_router(harness);
    harness_start_services(harness);
    assert_int_equal(harness_run(harness, NULL, "liandong", "plan", "adopt", PLAN, "--as",
                                 "3303.gov", "-e", harness->endpoint, NULL),
                     OK);
}

struct bad_report {
    const char *hazard, *as, *option, *value, *names;
};

static int report(struct harness *harness, const struct bad_report *what)
{
    return harness_run(harness, NULL, "liandong", "report", what->hazard, "--as", what->as,
                       "--lang", "en", "-e", harness->endpoint, what->option, what->value, NULL);
}

static void a_bad_report_is_refused_by_name(void **state)
{
    (void)state;
    static const struct bad_report CASES[] = {
        {"cholera", "330302.health", "--area", "330399", "330399"},
        {"dragon-pox", "330302.health", "--measure", "cases=1", "dragon-pox"},
        {"cholera", "330302.health", "--measure", "sneezes=1", "sneezes"},
        {"cholera", "330302.health", "--measure", "cases=-3", "-3"},
        {"cholera", "330302.health", "--occurred", "2199-01-01T00:00", "2199"},
        {"cholera", "330302.circus", "--measure", "cases=1", "330302.circus"},
        {"cholera", "330302.health", "--sign", "moonlight", "moonlight"},
    };
    struct harness harness;
    size_t mark = 0;
    start_all(&harness);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        free(said_since(&harness, &mark));
        int status = report(&harness, &CASES[i]);
        if (status != REFUSED) {
            harness_show_messages(&harness);
            fail_msg("%s %s: exit %d", CASES[i].option, CASES[i].value, status);
        }
        expect_said(&harness, &mark, CASES[i].names);
    }
    const struct bad_report good = {"cholera", "330302.health", "--measure", "cases=1", ""};
    assert_int_equal(report(&harness, &good), OK);
    harness_close(&harness);
}

static void an_act_that_the_plan_does_not_allow_names_the_section(void **state)
{
    (void)state;
    struct harness harness;
    size_t mark = 0;
    start_all(&harness);
    const struct bad_report first = {"cholera", "330302.health", "--measure", "cases=40", ""};
    assert_int_equal(report(&harness, &first), OK);
    char *status = NULL;
    assert_int_equal(
        harness_run(&harness, &status, "liandong", "status", "-e", harness.endpoint, NULL), OK);
    char *incident = strstr(status, "3303-cholera-");
    assert_non_null(incident);
    incident[strcspn(incident, " \n\t")] = '\0';
    free(said_since(&harness, &mark));
    assert_int_equal(harness_run(&harness, NULL, "liandong", "decide", incident, "propose", "II",
                                 "--as", "3303.education", "--lang", "en", "-e", harness.endpoint,
                                 NULL),
                     REFUSED);
    expect_said(&harness, &mark, "6.1");
    free(status);
    harness_close(&harness);
}

static void a_plan_in_force_is_not_written_again(void **state)
{
    (void)state;
    struct harness harness;
    char *said = NULL, *events = NULL;
    start_all(&harness);
    assert_int_equal(harness_run(&harness, &said, "liandong", "plan", "adopt", PLAN, "--as",
                                 "3303.gov", "--lang", "en", "-e", harness.endpoint, NULL),
                     OK);
    assert_non_null(strstr(said, "in force already"));
    assert_int_equal(harness_run(&harness, &events, "liandong", "tail", "plan/>", "--from", "first",
                                 "--until-head", "-e", harness.endpoint, NULL),
                     OK);
    char *first = strstr(events, "plan/wenzhou-phe");
    assert_non_null(first);
    assert_null(strstr(first + 1, "plan/wenzhou-phe"));
    free(said);
    free(events);
    harness_close(&harness);
}

static void a_plan_with_a_mistake_is_not_adopted(void **state)
{
    (void)state;
    struct harness harness;
    char folder[96], path[128], command[2048];
    size_t mark = 0;
    start_all(&harness);
    snprintf(folder, sizeof folder, "%s/plans", harness.folder);
    snprintf(path, sizeof path, "%s/wenzhou-phe.yaml", folder);
    snprintf(command, sizeof command, "cp -r %s/plans %s && sed -i 's/cholera/colera/' %s",
             LIANDONG_SOURCE, folder, path);
    assert_int_equal(harness_run(&harness, NULL, "/bin/sh", "-c", command, NULL), OK);
    free(said_since(&harness, &mark));
    assert_int_not_equal(harness_run(&harness, NULL, "liandong", "plan", "adopt", path, "--as",
                                     "3303.gov", "-e", harness.endpoint, NULL),
                         OK);
    expect_said(&harness, &mark, "colera");
    harness_close(&harness);
}

static void a_second_router_and_a_taken_port_are_named(void **state)
{
    (void)state;
    struct harness harness;
    char other[96];
    size_t mark = 0;
    start_all(&harness);
    free(said_since(&harness, &mark));
    assert_int_not_equal(harness_run(&harness, NULL, "liandong-router", "--data", harness.data,
                                     "--endpoint", "ipc:///tmp/liandong-test-unused", NULL),
                         OK);
    expect_said(&harness, &mark, harness.data);
    snprintf(other, sizeof other, "%s/other", harness.folder);
    assert_int_not_equal(harness_run(&harness, NULL, "liandong-router", "--data", other,
                                     "--endpoint", harness.endpoint, NULL),
                         OK);
    expect_said(&harness, &mark, harness.endpoint);
    assert_int_equal(
        harness_run(&harness, NULL, "liandong", "status", "-e", harness.endpoint, NULL), OK);
    harness_close(&harness);
}

static void a_router_that_is_away_is_said_to_be(void **state)
{
    (void)state;
    struct harness harness;
    size_t mark = 0;
    harness_open(&harness);
    assert_int_equal(harness_run(&harness, NULL, "liandong", "status", "-e", harness.endpoint,
                                 "--timeout", "1s", NULL),
                     UNREACHABLE);
    expect_said(&harness, &mark, harness.endpoint);
    harness_close(&harness);
}

/* The router's log on a small disk of its own, which only the router sees. */
static struct harness_process *start_on_small_disk(struct harness *harness)
{
    char command[2048];
    snprintf(command, sizeof command,
             "mkdir -p %s && mount -t tmpfs -o size=64m tmpfs %s && "
             "exec %s/liandong-router --no-keys --data %s/log --segment-bytes 1048576 --endpoint %s",
             harness->data, harness->data, LIANDONG_BIN, harness->data, harness->endpoint);
    return harness_start(harness, "router", "/usr/bin/unshare", "--mount",
                         geteuid() == 0 ? "--propagation" : "--map-root-user",
                         geteuid() == 0 ? "private" : "--user", "/bin/sh", "-c", command, NULL);
}

static void fill(const char *path)
{
    static const char zeros[1 << 20];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    while (write(fd, zeros, sizeof zeros) > 0) {
    }
    close(fd);
}

/* For exercises: that is written each time. */
static int adopt(struct harness *harness)
{
    return harness_run(harness, NULL, "liandong", "plan", "adopt", PLAN, "--exercise", "--as",
                       "3303.gov", "--lang", "en", "-e", harness->endpoint, "--timeout", "5s",
                       NULL);
}

static void a_full_disk_refuses_and_heals_without_a_restart(void **state)
{
    (void)state;
    struct harness harness;
    char filler[256];
    size_t mark = 0;
    harness_open(&harness);
    struct harness_process *router = start_on_small_disk(&harness);
    harness_start_services(&harness);
    assert_int_equal(adopt(&harness), OK);

    snprintf(filler, sizeof filler, "/proc/%d/root%s/filler", (int)router->pid, harness.data);
    fill(filler);
    int adopted = 0;
    while (adopt(&harness) == OK) { /* until what was prepared ahead is used up */
        assert_true(adopted++ < 100);
    }
    expect_said(&harness, &mark, "space");
    char *events = NULL; /* reading goes on */
    assert_int_equal(harness_run(&harness, &events, "liandong", "tail", "--from", "first",
                                 "--until-head", "-e", harness.endpoint, NULL),
                     OK);
    assert_non_null(strstr(events, "wenzhou-phe"));
    free(events);

    assert_int_equal(unlink(filler), 0);
    assert_int_equal(adopt(&harness), OK);
    harness_close(&harness);
}

/* Many desks of one unit report at once: each is answered for itself. */
static void commands_at_once_do_not_hinder_each_other(void **state)
{
    (void)state;
    struct harness harness;
    char command[1024];
    start_all(&harness);
    snprintf(command, sizeof command,
             "for i in 1 2 3 4 5 6 7 8; do %s/liandong report cholera --as 330302.health "
             "-m cases=1 -e %s >/dev/null & all=\"$all $!\"; done; "
             "for one in $all; do wait $one || exit 1; done",
             LIANDONG_BIN, harness.endpoint);
    assert_int_equal(harness_run(&harness, NULL, "/bin/sh", "-c", command, NULL), OK);
    harness_close(&harness);
}

/* Signals as fast as they can be sent, until it has ended. */
static int hammer(struct harness_process *process)
{
    int status = 0;
    while (waitpid(process->pid, &status, WNOHANG) == 0) {
        kill(process->pid, SIGTERM);
    }
    process->pid = 0;
    return status;
}

static void asked_to_stop_again_and_again_ends_once(void **state)
{
    (void)state;
    struct harness harness;
    start_all(&harness);
    for (int round = 0; round < 20; round++) {
        for (size_t i = 1; i < harness.process_count; i++) { /* behind the router */
            struct harness_process *process = &harness.process[i];
            int status = hammer(process);
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                harness_show_messages(&harness);
                fail_msg("%s ended with status %#x", process->name, (unsigned)status);
            }
            harness_restart(&harness, process);
        }
        assert_int_equal(adopt(&harness), OK); /* news, so that a snapshot is written */
    }
    harness_close(&harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_report_is_refused_by_name),
        cmocka_unit_test(an_act_that_the_plan_does_not_allow_names_the_section),
        cmocka_unit_test(a_plan_in_force_is_not_written_again),
        cmocka_unit_test(a_plan_with_a_mistake_is_not_adopted),
        cmocka_unit_test(a_second_router_and_a_taken_port_are_named),
        cmocka_unit_test(a_router_that_is_away_is_said_to_be),
        cmocka_unit_test(a_full_disk_refuses_and_heals_without_a_restart),
        cmocka_unit_test(commands_at_once_do_not_hinder_each_other),
        cmocka_unit_test(asked_to_stop_again_and_again_ends_once),
    };
    return cmocka_run_group_tests_name("integration.refuse", tests, NULL, NULL);
}
