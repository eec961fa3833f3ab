/* The program liandong as a process: exit codes, languages, JSON, and its offline commands. */
#include "test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evlog/evlog.h"

struct answer {
    int status;
    char text[65536]; /* standard output and error together */
};

static struct answer answer;

/* Runs the program with these arguments, words separated by single blanks. */
static const char *run(const char *arguments)
{
    char command[2000];
    snprintf(command, sizeof command, "NO_COLOR=1 LANG=C " LIANDONG_PROGRAM " %s 2>&1", arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t size = fread(answer.text, 1, sizeof answer.text - 1, pipe);
    answer.text[size] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    answer.status = WEXITSTATUS(status);
    return answer.text;
}

static void exits(int status, const char *arguments)
{
    (void)run(arguments);
    if (answer.status != status)
        fail_msg("liandong %s: expected exit status %d, found %d: %s", arguments, status,
                 answer.status, answer.text);
}

static bool says(const char *part)
{
    return strstr(answer.text, part) != NULL;
}

static void test_exit_codes(void **state)
{
    (void)state;
    exits(0, "--help");
    exits(2, "");
    exits(2, "dance");
    exits(2, "duty dance");
    exits(0, "route test 'warning/33*/>' warning/330302/x");
    exits(1, "route test warning/33/x warning/330302/x");
    exits(2, "route test 'a/>/b' a");
    exits(2, "route test a");
    exits(2, "route test --nonsense a a");
    exits(2, "sim /no/such/file");
    exits(3, "status --endpoint ipc:///no/such/socket --timeout 0s");
    exits(3, "tail --endpoint ipc:///no/such/socket --timeout 0s");
    exits(3, "play " LIANDONG_SOURCE_DIR
             "/tests/scenarios/poisoning.yaml --endpoint ipc:///no/such/socket --timeout 0s");
    exits(2, "report cholera --kind sudden");
    exits(2, "report cholera --measure cases");
    exits(2, "decide i shout");
    exits(2, "supply act stock-take ors many");
    exits(2, "duty acknowledge");
    exits(2, "tail --from yesterday");
    exits(2, "status --lang fr");
    exits(2, "status --timeout soon");
}

/* The ways of a key: made, enrolled, replaced, revoked; and what check finds. */
static void test_keys(void **state)
{
    char folder[] = "/tmp/cli-keys-XXXXXX", command[200];
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("LIANDONG_KEYS", folder, 1), 0);
    exits(0, "keys new router 330302.health");
    exits(0, "keys new --enrol 3303.gov");
    assert_true(says("3303.gov: made and enrolled"));
    exits(4, "keys new 3303.gov");
    exits(2, "keys new a/b");
    exits(1, "keys check");
    assert_true(says("330302.health: not enrolled: keys enrol\n3 keys, 1 findings\n"));
    exits(0, "keys enrol 330302.health");
    exits(0, "keys check");
    exits(0, "keys rotate --overlap 1h 3303.gov");
    exits(0, "keys check");
    exits(2, "keys revoke 330302.health");
    exits(0, "keys revoke --reason lost 330302.health");
    exits(1, "keys check");
    assert_true(says("330302.health: revoked on "));
    exits(0, "keys list --valid");
    assert_false(says("330302.health") || !says("valid until "));
    snprintf(command, sizeof command, "keys show --json %s/router.key", folder);
    exits(0, command);
    assert_false(says("secret") || says("seed"));
    exits(0, "keys rotate router");
    assert_true(says("not in use yet"));
    exits(0, "keys rotate --switch router");
    snprintf(command, sizeof command, "%s/router.key", folder);
    assert_int_equal(chmod(command, 0640), 0);
    exits(1, "keys check");
    assert_true(says("may be read by others (mode 0640)"));
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(unsetenv("LIANDONG_KEYS"), 0);
    exits(2, "keys list");
    assert_true(says("LIANDONG_KEYS"));
}

static void test_help_everywhere(void **state)
{
    static const char *const COMMANDS[] = {
        "status",     "report",      "decide",     "tail",       "story",      "explain",
        "account",    "sim",         "play",       "replay",     "duty list",  "duty accept",
        "duty done",  "log stat",    "log verify", "log export", "plan check", "plan show",
        "plan adopt", "notice list", "notice cap", "supply why", "supply act", "supply stock",
        "route test", "duty decline"};
    (void)state;
    for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++) {
        char arguments[100], usage[100];
        snprintf(arguments, sizeof arguments, "%s --help", COMMANDS[i]);
        snprintf(usage, sizeof usage, "usage: liandong %s", COMMANDS[i]);
        exits(0, arguments);
        assert_true(says(usage));
        assert_true(says("--json"));
    }
}

static void test_languages(void **state)
{
    (void)state;
    exits(0, "route test a a --lang zh");
    assert_string_equal(answer.text, "匹配\n");
    exits(0, "route test a a --lang en");
    assert_string_equal(answer.text, "matches\n");
    exits(0, "route test a a --json");
    assert_string_equal(answer.text, "{\"matches\":true}\n");
}

static void test_plan(void **state)
{
    (void)state;
    exits(0, "plan check " LIANDONG_SOURCE_DIR "/plans/wenzhou-phe.yaml");
    exits(0, "plan show --json " LIANDONG_SOURCE_DIR "/plans/wenzhou-phe.yaml");
    json_t *json = json_loads(answer.text, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "plan")), "wenzhou-phe");
    json_decref(json);
    exits(0, "plan show --units " LIANDONG_SOURCE_DIR "/plans/wenzhou-phe.yaml");
    assert_true(says("3303.health\n"));
    exits(0, "plan show --duties 3303.health --procedure --clocks --criteria " LIANDONG_SOURCE_DIR
             "/plans/wenzhou-phe.yaml");
    assert_true(says("a1.29.1"));
    exits(2, "plan show --duties 3303.circus " LIANDONG_SOURCE_DIR "/plans/wenzhou-phe.yaml");
    exits(2, "plan check /no/such/file.yaml");
}

static void test_sim(void **state)
{
    (void)state;
    exits(0, "sim --quiet " LIANDONG_SOURCE_DIR "/tests/scenarios/poisoning.yaml");
    assert_true(says("as expected: 3 steps"));
    exits(0, "sim --json " LIANDONG_SOURCE_DIR "/tests/scenarios/poisoning.yaml");
    char *line = strtok_r(answer.text, "\n", &(char *){NULL});
    json_t *first = json_loads(line, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(first, "kind")), "plan");
    json_decref(first);
}

/* ---- a log on disk ---- */

static char folder[] = "/tmp/liandong-cli-XXXXXX";

static int make_log(void **state)
{
    struct evlog_options options;
    struct evlog *log = NULL;
    uint8_t raw[256];
    uint64_t sequence;
    (void)state;
    struct ld_record record = {
        .producer = 7, .producer_sequence = 1, .topic = "sys/tick", .topic_size = 8};
    if (mkdtemp(folder) == NULL)
        return -1;
    evlog_options_init(&options);
    options.segment_bytes = 4 << 20;
    options.writer_thread = false;
    assert_ok(evlog_open(ld_context_system(), folder, &options, &log, NULL, &test_error));
    for (; record.producer_sequence <= 3; record.producer_sequence++) {
        ld_record_encode(raw, &record);
        assert_ok(evlog_stage(log, raw, 1772420400000000, 0, &sequence, &test_error));
    }
    assert_ok(evlog_commit(log, &test_error));
    evlog_close(log);
    return 0;
}

static int remove_log(void **state)
{
    char command[100];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void test_log(void **state)
{
    char arguments[100];
    (void)state;
    snprintf(arguments, sizeof arguments, "log stat --json %s", folder);
    exits(0, arguments);
    json_t *stat = json_loads(answer.text, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(stat, "head")), 3);
    json_decref(stat);
    snprintf(arguments, sizeof arguments, "log verify %s", folder);
    exits(0, arguments);
    snprintf(arguments, sizeof arguments, "log export --from 3 %s", folder);
    exits(0, arguments);
    json_t *event = json_loads(answer.text, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(event, "sequence")), 3);
    assert_string_equal(json_string_value(json_object_get(event, "topic")), "sys/tick");
    json_decref(event);
    snprintf(arguments, sizeof arguments, "replay %s", folder);
    exits(0, arguments);
    assert_true(says("3 records, 3 of them inputs"));
    snprintf(arguments, sizeof arguments, "story --log %s", folder);
    exits(0, arguments);
}

/* A head made, signed, checked; then by the wrong key, changed, and of another state of the log. */
static void test_head(void **state)
{
    char arguments[400], path[100];
    (void)state;
    snprintf(arguments, sizeof arguments, "log key %s/a.key", folder);
    exits(0, arguments);
    exits(2, arguments); /* never overwrites one */
    snprintf(arguments, sizeof arguments, "log key %s/b.key", folder);
    exits(0, arguments);
    snprintf(arguments, sizeof arguments, "log head --at 2 --key %s/a.key %s", folder, folder);
    exits(0, arguments);
    json_t *head = json_loads(answer.text, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(head, "sequence")), 2);
    snprintf(path, sizeof path, "%s/head.json", folder);
    assert_int_equal(json_dump_file(head, path, 0), 0);
    snprintf(arguments, sizeof arguments, "log verify --head %s/head.json %s", folder, folder);
    exits(0, arguments);
    snprintf(arguments, sizeof arguments, "log verify --head %s/head.json --key %s/a.key.pub %s",
             folder, folder, folder);
    exits(0, arguments);
    snprintf(arguments, sizeof arguments, "log verify --head %s/head.json --key %s/b.key.pub %s",
             folder, folder, folder);
    exits(5, arguments);
    json_object_set_new(head, "time_us", json_integer(7));
    assert_int_equal(json_dump_file(head, path, 0), 0);
    snprintf(arguments, sizeof arguments, "log verify --head %s/head.json --key %s/a.key.pub %s",
             folder, folder, folder);
    exits(5, arguments);
    json_object_set_new(head, "sequence", json_integer(3));
    assert_int_equal(json_dump_file(head, path, 0), 0);
    snprintf(arguments, sizeof arguments, "log verify --head %s/head.json %s", folder, folder);
    exits(2, arguments); /* not what its hash says */
    json_decref(head);
    snprintf(arguments, sizeof arguments, "log head --at 9 %s", folder);
    exits(2, arguments);
    snprintf(path, sizeof path, "%s/a.key", folder);
    assert_int_equal(chmod(path, 0644), 0);
    snprintf(arguments, sizeof arguments, "log head --key %s/a.key %s", folder, folder);
    exits(4, arguments);
}

static int find_segment(const char *name, void *data)
{
    if (strstr(name, ".ldlog") != NULL)
        snprintf(data, 200, "%s/%s", folder, name);
    return 0;
}

static void test_damaged_log(void **state)
{
    char arguments[200], segment[200] = "";
    (void)state;
    const struct ld_files *files = &ld_context_system()->files;
    assert_ok(files->list(NULL, folder, find_segment, segment, &test_error));
    FILE *file = fopen(segment, "r+b");
    assert_non_null(file);
    uint8_t bytes[8192];
    size_t size = fread(bytes, 1, sizeof bytes, file), at = 0;
    while (at + 8 < size && memcmp(bytes + at, "sys/tick", 8) != 0)
        at++;
    assert_true(at + 8 < size);
    assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
    assert_int_equal(fputc('X', file), 'X');
    assert_int_equal(fclose(file), 0);
    snprintf(arguments, sizeof arguments, "log verify %s", folder);
    exits(5, arguments);
    snprintf(arguments, sizeof arguments, "log repair %s", folder);
    exits(5, arguments); /* says what it would do */
    snprintf(arguments, sizeof arguments, "log repair --yes %s", folder);
    exits(0, arguments);
    assert_true(says("set-aside-"));
    exits(0, arguments);
    snprintf(arguments, sizeof arguments, "log verify %s", folder);
    exits(0, arguments);
}

/* Kept without a router; listed; amended as far as there is something to amend. */
static void test_outbox_without_a_router(void **state)
{
    (void)state;
    char box[] = "/tmp/liandong-cli-XXXXXX", line[400];
    const char *away = "--endpoint ipc:///no/such/socket --timeout 0s";
    assert_non_null(mkdtemp(box));
    snprintf(line, sizeof line, "report cholera --as 330302.health -m cases=1 --outbox %s/box %s",
             box, away);
    exits(0, line);
    assert_true(says("kept in ") && says("report/330302/cholera/330302.health (1 wait)"));
    exits(0, line);
    assert_true(says("(2 wait)"));
    snprintf(line, sizeof line, "outbox list --json %s/box", box);
    exits(0, line);
    json_t *first = json_loads(answer.text, JSON_DISABLE_EOF_CHECK, NULL);
    assert_string_equal(json_string_value(json_object_get(first, "code")), "OK");
    json_t *event = json_object_get(first, "event");
    assert_string_equal(json_string_value(json_object_get(event, "topic")),
                        "report/330302/cholera/330302.health");
    json_decref(first);
    snprintf(line, sizeof line, "outbox list %s/box", box);
    exits(0, line);
    assert_true(says("330302.health#outbox-") && says("2 wait") && says("no router yet"));
    snprintf(line, sizeof line, "outbox retry --all %s/box", box);
    exits(0, line);
    assert_true(says("0 wait again"));
    snprintf(line, sizeof line, "outbox drop %s/box", box);
    exits(2, line);
    snprintf(line, sizeof line, "outbox drop %s/box 12345", box);
    exits(2, line);
    assert_true(says("no refused event 12345"));
    snprintf(line, sizeof line, "outbox send %s/box --as 330302.health %s", box, away);
    exits(3, line);
    snprintf(line, sizeof line, "rm -r %s", box);
    assert_int_equal(system(line), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_help_everywhere),
        cmocka_unit_test(test_languages),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_sim),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_damaged_log),
        cmocka_unit_test(test_outbox_without_a_router),
    };
    return cmocka_run_group_tests(tests, make_log, remove_log);
}
