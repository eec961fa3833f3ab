/*
 * The whole system with keys, as real processes: who belongs works as ever; each stranger is told
 * what is wrong with it; a key that leaves ends its sessions; the router's key is replaced.
 */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAN   LIANDONG_SOURCE "/plans/wenzhou-phe.yaml"
#define HEALTH "330302.health"

static struct harness harness;
static char keys[128];

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...)
{
    char command[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_int_equal(system(command), 0);
}

static void use_keys(const char *directory)
{
    assert_int_equal(setenv("LIANDONG_KEYS", directory, 1), 0);
}

static int set_up(void **state)
{
    (void)state;
    harness_open(&harness);
    snprintf(keys, sizeof keys, "%s/keys", harness.folder);
    use_keys(keys);
    assert_int_equal(harness_run(&harness, NULL, "liandong", "keys", "new", "--enrol", "router",
                                 "reporting", "grading", "command", "duty", "notification",
                                 "supplies", "operator", "3303.gov", HEALTH, NULL),
                     0);
    harness_start_router(&harness);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    harness_close(&harness);
    return unsetenv("LIANDONG_KEYS");
}

static int status_as(const char *who)
{
    return harness_run(&harness, NULL, "liandong", "status", "--as", who, "-e", harness.endpoint,
                       NULL);
}

/* It is refused, at once, and what it says has that in it. */
static void expect_refused(const char *who, const char *why)
{
    char *before = harness_messages(&harness);
    assert_int_equal(harness_run(&harness, NULL, "liandong", "report", "cholera", "--as", who, "-m",
                                 "cases=1", "-e", harness.endpoint, "--timeout", "60s", NULL),
                     4);
    char *after = harness_messages(&harness);
    const char *said = strstr(after + strlen(before), "liandong: ");
    if (!said || !strstr(said, why))
        fail_msg("expected \"%s\", heard: %s", why, after + strlen(before));
    free(before);
    free(after);
}

/* No secret is in what anybody said. */
static void expect_silence(void)
{
    char secret[65], *text = harness_messages(&harness);
    FILE *pipe;
    char command[400];
    snprintf(command, sizeof command,
             "sed -n 's/^bus-secret //p; s/^sign-seed //p' %s/*.key %s/*.key.next 2>&1", keys,
             keys);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    int count = 0;
    for (; fscanf(pipe, "%64s", secret) == 1; count++)
        assert_null(strlen(secret) == 64 ? strstr(text, secret) : NULL);
    pclose(pipe);
    assert_true(count >= 20);
    free(text);
}

static void who_belongs_works_as_ever(void **state)
{
    (void)state;
    harness_start_services(&harness);
    assert_int_equal(harness_run(&harness, NULL, "liandong", "plan", "adopt", PLAN, "--as",
                                 "3303.gov", "-e", harness.endpoint, NULL),
                     0);
    assert_int_equal(harness_run(&harness, NULL, "liandong", "report", "cholera", "--as", HEALTH,
                                 "-m", "cases=1", "-e", harness.endpoint, NULL),
                     0);
    assert_int_equal(harness_run(&harness, NULL, "liandong", "tail", "--until-head", "-e",
                                 harness.endpoint, NULL),
                     0);
    assert_int_equal(status_as("operator"), 0);
    expect_silence();
}

static void each_stranger_is_told(void **state)
{
    char other[140];
    (void)state;
    assert_int_equal(harness_run(&harness, NULL, "liandong", "keys", "new", "stranger", NULL), 0);
    expect_refused("stranger", "unknown key with fingerprint ");
    /* Somebody who belongs calls his key another's. */
    snprintf(other, sizeof other, "%s/other", harness.folder);
    shell("mkdir -m 700 %s && cp %s/router.pub %s/" HEALTH
          ".* %s && sed 's/name .*/name 3303.police/' %s/" HEALTH
          ".key >%s/3303.police.key && chmod 600 %s/*.key",
          other, keys, keys, other, keys, other, other);
    use_keys(other);
    expect_refused("3303.police", "this is the key of " HEALTH "; it cannot be 3303.police");
    /* The router is another one than he thinks. */
    shell("sed '/^bus-secret/d; /^sign-seed/d' %s/stranger.pub | sed 's/^name .*/name router/' "
          ">%s/router.pub",
          keys, other);
    expect_refused(HEALTH, "it has another key than router.pub");
    use_keys("");
    expect_refused(HEALTH, "it asks for keys");
    use_keys(keys);
    assert_int_equal(harness_run(&harness, NULL, "liandong", "keys", "revoke", "--reason",
                                 "lost in a taxi", HEALTH, NULL),
                     0);
    expect_refused(HEALTH, "lost in a taxi");
    expect_silence();
}

/* The operator's key is replaced at once; the router's when all have its next one. */
static void keys_are_replaced(void **state)
{
    char apart[140];
    struct harness_process *router = harness_find(&harness, "router");
    (void)state;
    assert_int_equal(harness_run(&harness, NULL, "liandong", "keys", "rotate", "operator", NULL),
                     0);
    harness_start_service(&harness, "reporting");
    assert_int_equal(harness_run(&harness, NULL, "liandong", "keys", "rotate", "router", NULL), 0);
    snprintf(apart, sizeof apart, "%s/apart", harness.folder);
    shell("cp -a %s %s", keys, apart); /* as on another machine */
    use_keys(apart);
    assert_int_not_equal(status_as("operator"), 4);
    use_keys(keys);
    assert_int_equal(
        harness_run(&harness, NULL, "liandong", "keys", "rotate", "--switch", "router", NULL), 0);
    assert_int_equal(harness_signal(router, SIGTERM), 0);
    harness_restart(&harness, router);
    use_keys(apart);
    assert_int_not_equal(status_as("operator"), 3);
    use_keys(keys);
    expect_silence();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_belongs_works_as_ever, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_stranger_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_are_replaced, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
