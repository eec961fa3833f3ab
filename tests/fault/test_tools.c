/*
 * The operator's way out: the program liandong on damaged logs in real directories. `log verify`
 * names the damage, `log repair` says what it would do and changes nothing, `log repair --yes` does
 * it, tells whose events are gone, deletes nothing; doing it again finds nothing to do. Both
 * languages, and JSON.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bytes.h"
#include "rig.h"

struct place {
    struct rig *rig;
    char folder[64];
    uint64_t head, damaged;
    char answer[16384];
    int status;
};

/* ---- the program ---- */

static void run(struct place *place, const char *arguments)
{
    char command[600];
    snprintf(command, sizeof command, "NO_COLOR=1 " LIANDONG_PROGRAM " %s %s 2>&1", arguments,
             place->folder);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t size = fread(place->answer, 1, sizeof place->answer - 1, pipe);
    place->answer[size] = 0;
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    place->status = WEXITSTATUS(status);
}

/* Runs it; it exits with status and its answer has these words. */
static void expect_run(struct place *place, int status, const char *arguments, const char *words)
{
    run(place, arguments);
    if (place->status != status || !strstr(place->answer, words))
        fail_msg("liandong %s: expected %d and \"%s\", found %d and:\n%s", arguments, status, words,
                 place->status, place->answer);
}

/* ---- a damaged log ---- */

static char *path_in(const struct place *place, const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", place->folder, name);
    return path;
}

static uint8_t *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t *bytes = malloc(SEGMENT_BYTES + 1);
    *size = fread(bytes, 1, SEGMENT_BYTES + 1, file);
    fclose(file);
    return bytes;
}

/* Two segments; in the second the fifth event behind the checkpoint is damaged. */
static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    void *rig_state;
    uint64_t size, offset = 4096, second;
    struct ld_record record;
    rig_setup(&rig_state);
    struct rig *rig = place->rig = rig_state;
    rig_open(rig);
    rig_grow(rig, 1, 2);
    second = evlog_durable(rig->log) - 1;
    rig_append(rig, 2, 8);
    place->head = rig_append(rig, 1, 2);
    place->damaged = second + 5;
    rig_close(rig);
    const char *path = LOG_DIRECTORY "/0000000000000002.ldlog";
    const uint8_t *data = storage_peek(rig->storage, path, &size);
    while (ld_record_decode(data + offset, size - offset, &record, NULL) == LD_OK &&
           record.sequence < place->damaged)
        offset += record.size;
    storage_flip(rig->storage, path, 8 * (offset + 90));
    snprintf(place->folder, sizeof place->folder, "/tmp/liandong-tools-XXXXXX");
    if (!mkdtemp(place->folder) || !storage_export(rig->storage, LOG_DIRECTORY, place->folder))
        return -1;
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    void *rig_state = place->rig;
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", place->folder);
    int status = system(command);
    rig_teardown(&rig_state);
    free(place);
    return status;
}

/* ---- what it says and does ---- */

static void check_by_hand(struct place *place, const char *language, const char *const words[6])
{
    char arguments[100], text[200];
    size_t size, size_aside;
    uint8_t *before = read_whole(path_in(place, "0000000000000002.ldlog"), &size);
#define RUN(status, command, expected)                                                             \
    do {                                                                                           \
        snprintf(arguments, sizeof arguments, "%s --lang %s", command, language);                  \
        expect_run(place, status, arguments, expected);                                            \
    } while (0)
    snprintf(text, sizeof text, "0000000000000002.ldlog: %" PRIu64 ":", place->damaged);
    RUN(5, "log verify", text);
    RUN(5, "log repair", text);
    snprintf(text, sizeof text, words[0], place->damaged - 1);
    RUN(5, "log repair", text);
    uint8_t *looked = read_whole(path_in(place, "0000000000000002.ldlog"), &size_aside);
    assert_memory_equal(looked, before, size);
    free(looked);
    RUN(0, "log repair --yes", "set-aside-");
    snprintf(text, sizeof text, words[1], place->damaged - 1);
    assert_non_null(strstr(place->answer, text));
    snprintf(text, sizeof text, words[2], place->damaged, place->head,
             place->head - place->damaged);
    assert_non_null(strstr(place->answer, text));
    snprintf(text, sizeof text, words[3], UINT64_C(2), UINT64_C(3), UINT64_C(8)); /* producer 2 */
    assert_non_null(strstr(place->answer, text));
    char *folder = strstr(place->answer, "set-aside-");
    folder[strspn(folder, "set-aid-0123456789")] = 0;
    snprintf(text, sizeof text, "%s/0000000000000002.ldlog", folder);
    uint8_t *aside = read_whole(path_in(place, text), &size_aside);
    assert_int_equal(size_aside, size);
    assert_memory_equal(aside, before, size);
    RUN(0, "log repair --yes", words[4]);
    RUN(0, "log repair", words[4]);
    RUN(0, "log verify", words[5]);
#undef RUN
    free(before);
    free(aside);
}

static void test_english(void **state)
{
    static const char *const WORDS[6] = {
        "Repaired, it would end with %" PRIu64 ". Do it with --yes.",
        "The log now ends with %" PRIu64 ".",
        "Set aside: events %" PRIu64 " to %" PRIu64 ", %" PRIu64 " of them readable.",
        "%016" PRIx64 ": kept up to its %" PRIu64 ", set aside up to its %" PRIu64,
        "there is no damage to repair; nothing was changed",
        "0 findings",
    };
    check_by_hand(*state, "en", WORDS);
}

static void test_chinese(void **state)
{
    static const char *const WORDS[6] = {
        "修复后日志将止于第 %" PRIu64 " 号。加 --yes 执行。",
        "日志现止于第 %" PRIu64 " 号。",
        "移出第 %" PRIu64 " 至 %" PRIu64 " 号事件，其中 %" PRIu64 " 个可读。",
        "%016" PRIx64 "：保留至其第 %" PRIu64 " 条，移出至其第 %" PRIu64 " 条",
        "日志没有需要修复的损坏，未作改动",
        "发现 0 处",
    };
    check_by_hand(*state, "zh", WORDS);
}

static void test_json(void **state)
{
    struct place *place = *state;
    run(place, "log repair --yes --json");
    assert_int_equal(place->status, 0);
    json_t *report = json_loads(place->answer, JSON_DISABLE_EOF_CHECK, NULL);
    json_t *expected =
        json_pack("{s:b,s:b,s:I,s:I,s:I,s:I,s:I}", "damaged", 1, "repaired", 1, "head",
                  (json_int_t)place->damaged - 1, "sequence", (json_int_t)place->damaged, "last",
                  (json_int_t)place->head, "readable", (json_int_t)(place->head - place->damaged),
                  "segments_moved", (json_int_t)0);
    assert_non_null(report);
    assert_int_equal(
        strncmp(json_string_value(json_object_get(report, "folder")), "set-aside-", 10), 0);
    assert_true(json_object_get(report, "reason") != NULL);
    json_object_del(report, "folder");
    json_object_del(report, "reason");
    assert_true(json_equal(report, expected));
    json_decref(report);
    json_decref(expected);
}

static void test_refused_log_names_the_tool(void **state)
{
    struct place *place = *state;
    expect_run(place, 5, "log stat", "run `liandong log verify");
    expect_run(place, 0, "log repair --yes", "set-aside-");
    expect_run(place, 0, "log stat", "");
}

static void expect_list(struct place *place, const json_t *expected)
{
    run(place, "log hold --list --json");
    assert_int_equal(place->status, 0);
    json_t *hold = json_loads(place->answer, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(hold);
    json_object_del(hold, "placed");
    json_object_del(hold, "released");
    if (!json_equal(hold, expected))
        fail_msg("found %s", place->answer);
    json_decref(hold);
}

static void test_hold(void **state)
{
    struct place *place = *state;
    expect_run(place, 0, "log repair --yes", "set-aside-");
    expect_run(place, 2, "log hold --lang en", "give either --list");
    expect_run(place, 2, "log hold --from 1 --release 1", "log hold");
    expect_run(place, 2, "log hold --from 1 --by 张三", "--reason is missing");
    expect_run(place, 0, "log hold --from 1 --to 2099-01-01 --by 张三 --reason 案件17 --lang en",
               "hold 1 is in force");
    json_t *expected = json_pack("{s:i,s:i,s:s,s:s,s:s,s:b}", "number", 1, "from", 1, "to",
                                 "2099-01-01T23:59:59.999999+08:00", "by", "张三", "reason",
                                 "案件17", "in_force", 1);
    expect_list(place, expected);
    expect_run(place, 0, "log archive --lang en", "hold 1 covers the next segment: it stays");
    assert_non_null(strstr(place->answer, "moved 0 segments"));
    expect_run(place, 0, "log archive --lang zh", "保全 1 涵盖下一段");
    expect_run(place, 0, "log hold --release 1 --by 李四 --reason 结案 --lang zh", "已解除保全 1");
    json_object_set_new(expected, "in_force", json_false());
    json_object_set_new(expected, "released_by", json_string("李四"));
    json_object_set_new(expected, "release_reason", json_string("结案"));
    expect_list(place, expected);
    expect_run(place, 0, "log hold --list", "李四");
    json_decref(expected);
    expect_run(place, 0, "log archive --needed-from 2 --lang en", "still needed");
    expect_run(place, 0, "log archive --keep-days 100000 --lang en", "moved 0 segments");
    expect_run(place, 0, "log archive --keep-days 0 --lang en", "moved 1 segments");
}

/* A service's snapshot file: no classes, position. */
static void put_snapshot(struct place *place, const char *name, uint64_t position)
{
    uint8_t bytes[24 + 12 + 3] = "LDSK", *body = bytes + 24;
    size_t size;
    uint8_t *segment = read_whole(path_in(place, "0000000000000001.ldlog"), &size);
    ld_put_u32(bytes + 4, 1);
    memcpy(bytes + 8, segment + 16, 16);
    free(segment);
    memcpy(body, "LDSN", 4);
    ld_put_u32(body + 4, 1);
    assert_true(position < 1 << 14);
    body[13] = (uint8_t)(position | 0x80); /* seven bits a byte */
    body[14] = (uint8_t)(position >> 7);
    ld_put_u32(body + 8, ld_crc32c(0, body + 12, 3));
    FILE *file = fopen(path_in(place, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, sizeof bytes, file), sizeof bytes);
    assert_int_equal(fclose(file), 0);
}

/* What the oldest snapshot of the services reads on from stays. */
static void test_needed_by_services(void **state)
{
    struct place *place = *state;
    char arguments[200];
    expect_run(place, 0, "log repair --yes", "set-aside-");
    snprintf(arguments, sizeof arguments, "log archive --lang en --state %s/state", place->folder);
    expect_run(place, 2, arguments, "what the services need is not known, nothing is moved");
    assert_int_equal(mkdir(path_in(place, "state"), 0700), 0);
    expect_run(place, 2, arguments, "there is no snapshot in");
    put_snapshot(place, "state/duty", place->damaged - 1);
    put_snapshot(place, "state/grading", 3);
    put_snapshot(place, "state/command.new", 0);
    expect_run(place, 0, arguments, "moved 0 segments");
    assert_non_null(strstr(place->answer, "still needed"));
    FILE *file = fopen(path_in(place, "state/supplies"), "wb");
    assert_int_equal(fclose(file), 0);
    expect_run(place, 5, arguments, "state/supplies: it is no snapshot file");
    assert_int_equal(unlink(path_in(place, "state/supplies")), 0);
    put_snapshot(place, "state/grading", place->damaged - 1);
    expect_run(place, 0, arguments, "moved 1 segments");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_english), TEST(test_chinese),
        TEST(test_json),    TEST(test_refused_log_names_the_tool),
        TEST(test_hold),    TEST(test_needed_by_services),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
