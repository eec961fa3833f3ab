/* liandong top: rates between two answers of the router, orders, what the tables say. */
#include "test.h"

#include <stdlib.h>
#include "cli.h"
#include "top/top.h"

static const char FIRST[] =
    "{\"incarnation\":\"aa\",\"head\":100,\"session_count\":3,\"counters\":{\"chunk_events\":50},"
    "\"log\":{\"commits\":10},\"streams\":["
    "{\"identity\":\"duty\",\"session\":1,\"id\":2,\"sent_events\":10,\"sent_bytes\":1000},"
    "{\"identity\":\"duty\",\"session\":2,\"id\":2,\"sent_events\":5,\"sent_bytes\":500}],"
    "\"publishers\":[{\"name\":\"a\",\"outcomes\":{\"OK\":7}}]}";
static const char SECOND[] =
    "{\"incarnation\":\"aa\",\"head\":300,\"time_us\":1795327863021452,\"drill\":true,"
    "\"session_count\":3,\"stream_count\":4,\"turn_us_max\":250000,"
    "\"loop\":{\"turn_us_recent\":1500,\"stalls\":2},\"process\":{\"resident_bytes\":3145728},"
    "\"log\":{\"commits\":14,\"sync_us_last\":310,\"sync_us_max\":70305,\"bytes_on_disk\":67108864,"
    "\"free_bytes\":1099511627776,\"failed\":false},"
    "\"counters\":{\"chunk_events\":1050,\"records\":{\"OK\":7,\"DUPLICATE\":4,\"NOSPACE\":2,"
    "\"FENCED\":1}},"
    "\"streams\":["
    "{\"identity\":\"duty\",\"session\":1,\"id\":2,\"filters\":[\"duty/>\",\"sys/tick\"],"
    "\"state\":\"at-head\",\"position\":300,\"lag\":0,\"lag_us\":0,\"sent_events\":30,"
    "\"sent_bytes\":3000},"
    "{\"identity\":\"slow\",\"session\":4,\"id\":9,\"filters\":[],\"state\":\"busy\","
    "\"position\":100,\"lag\":200,\"lag_us\":90000000,\"sent_events\":1,\"sent_bytes\":10},"
    "{\"identity\":\"grading\",\"session\":3,\"id\":2,\"filters\":[\"report/>\"],"
    "\"state\":\"ready\",\"position\":290,\"lag\":10,\"lag_us\":1200000}],"
    "\"other_streams\":{\"count\":1},"
    "\"publishers\":[{\"name\":\"b\",\"open\":true,\"sequence\":3,\"silent_ms\":90000,"
    "\"outcomes\":{\"OK\":1,\"INVALID\":2}},"
    "{\"name\":\"a\",\"open\":false,\"sequence\":107,\"silent_ms\":10,\"outcomes\":{\"OK\":107,"
    "\"DUPLICATE\":4}}],"
    "\"queues\":{\"requests\":{\"length\":1,\"length_limit\":0,\"bytes\":2048,"
    "\"bytes_limit\":67108864,\"dropped\":5}}}";

static void read_sample(struct top_sample *sample, const char *text, int64_t taken_us,
                        const struct top_sample *before)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    top_sample_read(sample, json, taken_us, before);
    json_decref(json);
}

static struct top_sample *two_seconds_apart(const char *second)
{
    static struct top_sample none, first, sample;
    read_sample(&first, FIRST, 5000000, &none);
    read_sample(&sample, second, 7000000, &first);
    return &sample;
}

static void test_rates(void **state)
{
    (void)state;
    struct top_sample *sample = two_seconds_apart(SECOND);
    top_sample_sort(sample, TOP_BY_LAG);
    json_t *json = top_sample_json(sample);
    char *found = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
    assert_string_equal(
        found,
        "{\"router\":{\"head\":300,\"time_us\":1795327863021452,\"drill\":true,\"failed\":false,"
        "\"in_per_second\":100.0,\"delivered_per_second\":500.0,\"commits_per_second\":2.0,"
        "\"sync_us\":310,\"sync_us_max\":70305,\"disk_bytes\":67108864,"
        "\"free_bytes\":1099511627776,\"resident_bytes\":3145728,\"sessions\":3,\"streams\":4,"
        "\"refused\":3,\"turn_us_recent\":1500,\"turn_us_max\":250000,\"stalls\":2},"
        "\"consumers\":["
        "{\"identity\":\"slow\",\"session\":4,\"stream\":9,\"state\":\"busy\",\"position\":100,"
        "\"lag\":200,\"lag_us\":90000000,\"events_per_second\":0.0,\"bytes_per_second\":0.0,"
        "\"filters\":\">\"},"
        "{\"identity\":\"grading\",\"session\":3,\"stream\":2,\"state\":\"ready\","
        "\"position\":290,\"lag\":10,\"lag_us\":1200000,\"events_per_second\":0.0,"
        "\"bytes_per_second\":0.0,\"filters\":\"report/>\"},"
        "{\"identity\":\"duty\",\"session\":1,\"stream\":2,\"state\":\"at-head\","
        "\"position\":300,\"lag\":0,\"lag_us\":0,\"events_per_second\":10.0,"
        "\"bytes_per_second\":1000.0,\"filters\":\"duty/> sys/tick\"}],"
        "\"other_consumers\":1,"
        "\"producers\":["
        "{\"name\":\"a\",\"open\":false,\"sequence\":107,\"events\":107,\"duplicates\":4,"
        "\"refused\":0,\"silent_us\":10000,\"events_per_second\":50.0},"
        "{\"name\":\"b\",\"open\":true,\"sequence\":3,\"events\":1,\"duplicates\":0,"
        "\"refused\":2,\"silent_us\":90000000,\"events_per_second\":0.0}],"
        "\"queues\":[{\"name\":\"requests\",\"length\":1,\"length_limit\":0,\"bytes\":2048,"
        "\"bytes_limit\":67108864,\"dropped\":5}]}");
    free(found);
    json_decref(json);
}

/* Counters of another start of the router are not compared. */
static void test_restart(void **state)
{
    (void)state;
    char *other = strdup(SECOND);
    memcpy(strstr(other, "\"aa\""), "\"bb\"", 4);
    struct top_sample *sample = two_seconds_apart(other);
    assert_true(sample->router.in_rate <= 0 && sample->router.delivered_rate <= 0);
    assert_true(sample->consumers[0].events_rate <= 0 && sample->producers[1].events_rate <= 0);
    free(other);
}

static void test_orders(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second, *third;
    } EXPECTED[TOP_SORTS] = {
        {"slow", "grading", "duty"}, {"duty", "grading", "slow"}, {"duty", "grading", "slow"}};
    for (int sort = 0; sort < TOP_SORTS; sort++) {
        struct top_sample *sample = two_seconds_apart(SECOND);
        top_sample_sort(sample, (enum top_sort)sort);
        assert_string_equal(sample->consumers[0].identity, EXPECTED[sort].first);
        assert_string_equal(sample->consumers[1].identity, EXPECTED[sort].second);
        assert_string_equal(sample->consumers[2].identity, EXPECTED[sort].third);
        assert_string_equal(sample->producers[0].name, "a");
    }
}

static void expect_row(const struct top_table *table, size_t row, enum top_severity severity,
                       const char *const cells[])
{
    assert_int_equal(table->rows[row].severity, severity);
    for (size_t i = 0; i < table->column_count; i++)
        assert_string_equal(table->rows[row].cells[i], cells[i]);
}

static void test_tables(void **state)
{
    (void)state;
    static struct top_table tables[TOP_TABLES];
    char lines[TOP_HEAD_LINES][TOP_LINE_SIZE];
    struct cli cli = {.zh = true, .endpoint = "ipc:///x"};
    struct top_sample *sample = two_seconds_apart(SECOND);
    top_sample_sort(sample, TOP_BY_LAG);
    top_tables_fill(&cli, sample, tables);
    assert_int_equal(tables[TOP_CONSUMERS].row_count, 3);
    expect_row(&tables[TOP_CONSUMERS], 0, TOP_ALARM,
               (const char *[]){"slow", "拥塞", "100", "200", "1m30s", "0", "0 B", ">"});
    expect_row(&tables[TOP_CONSUMERS], 1, TOP_QUIET,
               (const char *[]){"grading", "待发", "290", "10", "1.2 s", "0", "0 B", "report/>"});
    expect_row(
        &tables[TOP_CONSUMERS], 2, TOP_QUIET,
        (const char *[]){"duty", "跟上", "300", "0", "-", "10", "1000 B", "duty/> sys/tick"});
    cli.zh = false;
    top_tables_fill(&cli, sample, tables);
    expect_row(&tables[TOP_PRODUCERS], 0, TOP_QUIET,
               (const char *[]){"a", "-", "107", "50", "107", "4", "0", "10.0 ms"});
    expect_row(&tables[TOP_PRODUCERS], 1, TOP_WARNING,
               (const char *[]){"b", "yes", "3", "0", "1", "0", "2", "1m30s"});
    expect_row(&tables[TOP_QUEUE_TABLE], 0, TOP_WARNING,
               (const char *[]){"requests", "1", "-", "2.0 KiB", "64.0 MiB", "5"});
    top_head(&cli, sample, lines);
    assert_string_equal(lines[0], "liandong ipc:///x  2026-11-22 14:11:03 (drill)  head 300  "
                                  "sessions 3  streams 4");
    assert_string_equal(lines[1], "in 100/s  delivered 500/s  sync 0.3 ms (longest 70.3 ms)  "
                                  "commits 2.0/s  refused 3");
    assert_string_equal(lines[2], "log 64.0 MiB  disk free 1.0 TiB  memory 3.0 MiB  longest turn "
                                  "1.5 ms recently, 250.0 ms ever  stalls 2");
}

/* Whatever a router of another version answers. */
static void test_strange_answers(void **state)
{
    (void)state;
    static const char *const ANSWERS[] = {
        "[]", "{}", "{\"streams\":7,\"publishers\":{},\"queues\":[],\"log\":\"x\"}",
        "{\"streams\":[1,null,{\"filters\":[1,{}],\"lag\":\"x\"}],\"publishers\":[[],{}],"
        "\"queues\":{\"a very long name of a queue\":3}}"};
    static struct top_table tables[TOP_TABLES];
    char lines[TOP_HEAD_LINES][TOP_LINE_SIZE];
    const struct cli cli = {.endpoint = "x"};
    for (size_t i = 0; i < sizeof ANSWERS / sizeof ANSWERS[0]; i++) {
        struct top_sample *sample = two_seconds_apart(ANSWERS[i]);
        top_sample_sort(sample, TOP_BY_RATE);
        top_tables_fill(&cli, sample, tables);
        top_head(&cli, sample, lines);
        json_decref(top_sample_json(sample));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),           cmocka_unit_test(test_restart),
        cmocka_unit_test(test_orders),          cmocka_unit_test(test_tables),
        cmocka_unit_test(test_strange_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
