/* Stock-takes from CSV: what spreadsheets write is read; each mistake is told with its line. */
#include "test.h"

#include <stdlib.h>

#include "supply/count.h"

#define DAY (INT64_C(86400) * 1000000)

static void read_text(struct ld_arena *arena, const char *text, struct count *count)
{
    count_read(arena, text, strlen(text), NULL, count);
}

static void what_spreadsheets_write_is_read(void **state)
{
    (void)state;
    static const char TEXT[] = "\xef\xbb\xbfitem,lot,quantity,expires\r\n"
                               "mask.n95,\"A,\"\"1\"\"\",1200,2026-01-01\r\n"
                               "\r\n"
                               " tent , , 7 ,\r\n";
    struct ld_arena arena = {0};
    struct count count;
    read_text(&arena, TEXT, &count);
    assert_int_equal(count.finding_count, 0);
    assert_int_equal(count.batch_count, 2);
    assert_string_equal(count.batches[0]->item, "mask.n95");
    assert_string_equal(count.batches[0]->lot, "A,\"1\"");
    assert_int_equal(count.batches[0]->quantity, 1200);
    /* the day itself is the last: until midnight in China after it */
    assert_int_equal(count.batches[0]->expires_at_us, INT64_C(1767283200000000));
    assert_string_equal(count.batches[1]->item, "tent");
    assert_string_equal(count.batches[1]->lot, "");
    assert_int_equal(count.batches[1]->quantity, 7);
    assert_int_equal(count.batches[1]->expires_at_us, 0);
    ld_arena_free(&arena);
}

static void each_mistake_is_told_with_its_line(void **state)
{
    (void)state;
    static const char TEXT[] = "item,quantity,expires\n"
                               "tent,many,\n"
                               "tent,7\n"
                               "tent,5,2026-13-01\n"
                               "tent,-1,\n"
                               ",3,1/2/2026\n"
                               "tent,1000000000001,\n";
    static const struct {
        int line;
        const char *text;
    } TOLD[] = {
        {2, "expected a whole number from 0 to 10^12, without unit or separators; found \"many\""},
        {3, "expected 3 fields, found 2"},
        {4, "expected a date such as 2027-03-31, or nothing for what does not expire; found "
            "\"2026-13-01\""},
        {5, "expected a whole number from 0 to 10^12, without unit or separators; found \"-1\""},
        {6, "the item is missing"},
        {6, "expected a date such as 2027-03-31, or nothing for what does not expire; found "
            "\"1/2/2026\""},
        {7, "expected a whole number from 0 to 10^12, without unit or separators; found "
            "\"1000000000001\""},
    };
    struct ld_arena arena = {0};
    struct count count;
    read_text(&arena, TEXT, &count);
    assert_int_equal(count.finding_count, sizeof TOLD / sizeof *TOLD);
    for (size_t i = 0; i < count.finding_count; i++) {
        assert_int_equal(count.findings[i].line, TOLD[i].line);
        assert_string_equal(count.findings[i].text.en, TOLD[i].text);
        assert_true(strlen(count.findings[i].text.zh) > 0);
    }
    ld_arena_free(&arena);
}

static void expect_one(const char *text, size_t size, int line, const char *en)
{
    struct ld_arena arena = {0};
    struct count count;
    count_read(&arena, text, size, NULL, &count);
    assert_int_equal(count.finding_count, 1);
    assert_int_equal(count.findings[0].line, line);
    assert_string_equal(count.findings[0].text.en, en);
    ld_arena_free(&arena);
}

static void what_is_no_such_file_is_told_as_a_whole(void **state)
{
    (void)state;
    static const char GBK[] = "item,quantity\n\xbf\xda\xd5\xd6,3\n";
    expect_one("", 0, 1,
               "the columns are named item,quantity,expires,lot, each once at most; "
               "found \"\"");
    expect_one("item,quantity", 13, 0, "there is no item in the file");
    expect_one("item,expires\n", 13, 1,
               "the first line has to name the columns, item and quantity at least");
    expect_one(
        "item,item\n", 10, 1,
        "the columns are named item,quantity,expires,lot, each once at most; found \"item\"");
    expect_one(GBK, sizeof GBK - 1, 0,
               "the file has to be UTF-8 text: save it as \"CSV UTF-8\" in the spreadsheet");
    expect_one("item\0", 5, 0,
               "the file has to be UTF-8 text: save it as \"CSV UTF-8\" in the spreadsheet");
    char *large = calloc(1, COUNT_BYTES_MAX + 1);
    assert_non_null(large);
    expect_one(large, COUNT_BYTES_MAX + 1, 0, "the file may have 245760 bytes at most");
    free(large);
}

static void lines_are_bounded(void **state)
{
    (void)state;
    static const char HEADER[] = "item,quantity\n", LINE[] = "tent,1\n";
    char *text = calloc(1, sizeof HEADER + (COUNT_LINES_MAX + 10) * sizeof LINE), *at = text;
    assert_non_null(text);
    memcpy(at, HEADER, sizeof HEADER - 1);
    at += sizeof HEADER - 1;
    for (int i = 0; i < COUNT_LINES_MAX + 10; i++, at += sizeof LINE - 1) {
        memcpy(at, LINE, sizeof LINE - 1);
    }
    expect_one(text, (size_t)(at - text), COUNT_LINES_MAX + 2,
               "2000 lines at most: split the file, each item whole in one");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_spreadsheets_write_is_read),
        cmocka_unit_test(each_mistake_is_told_with_its_line),
        cmocka_unit_test(what_is_no_such_file_is_told_as_a_whole),
        cmocka_unit_test(lines_are_bounded),
    };
    return cmocka_run_group_tests_name("supply_count", tests, NULL, NULL);
}
