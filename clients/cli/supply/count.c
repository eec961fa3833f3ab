/*
 * CSV as spreadsheets write it: UTF-8 with or without a mark at the beginning, lines that end in LF
 * or CRLF, fields with or without quotes (a quote in a quoted field is doubled). Empty lines are
 * passed over.
 *
 * Ways it fails: each finding names its line, what was expected and found; with any of them no
 * batch is to be used.
 */
#include "supply/count.h"

#include <stdlib.h>
#include <string.h>

#include "services/common/utf8.h"
#include "timefmt.h"

enum { COLUMNS_MAX = 4, LOT_SIZE_MAX = 100 };
enum column { ITEM, QUANTITY, EXPIRES, LOT };
static const char *const NAMES[COLUMNS_MAX] = {"item", "quantity", "expires", "lot"};
static const int64_t QUANTITY_MAX = INT64_C(1000000000000);

struct reading {
    struct ld_arena *arena;
    const struct plan *plan;
    struct count *count;
    const char *at, *end;
    int line;
    enum column order[COLUMNS_MAX];
    size_t column_count;
};

static void find(struct reading *reading, const char *zh, const char *en)
{
    struct count *count = reading->count;
    count->findings[count->finding_count++] = (struct count_finding){reading->line, {zh, en}};
}

#define FIND(reading, zh, en, ...)                                                                 \
    find(reading, ld_arena_format((reading)->arena, zh, __VA_ARGS__),                              \
         ld_arena_format((reading)->arena, en, __VA_ARGS__))

/* ---- fields ---- */

static bool at_end_of_line(const struct reading *reading)
{
    return reading->at == reading->end || *reading->at == '\n' || *reading->at == '\r';
}

static void next_line(struct reading *reading)
{
    if (reading->at < reading->end && *reading->at == '\r') {
        reading->at++;
    }
    if (reading->at < reading->end && *reading->at == '\n') {
        reading->at++;
    }
    reading->line++;
}

/* What stands in quotes; the second of two quotes is one. */
static char *quoted(struct reading *reading)
{
    char *text = ld_arena_alloc(reading->arena, (size_t)(reading->end - reading->at) + 1),
         *to = text;
    for (reading->at++; reading->at < reading->end; reading->at++) {
        if (*reading->at == '"' && (reading->at + 1 == reading->end || reading->at[1] != '"')) {
            reading->at++;
            break;
        }
        reading->at += *reading->at == '"';
        *to++ = *reading->at;
    }
    *to = '\0';
    return text;
}

static char *trimmed(struct reading *reading, const char *from, const char *to)
{
    while (from < to && (*from == ' ' || *from == '\t')) {
        from++;
    }
    while (to > from && (to[-1] == ' ' || to[-1] == '\t')) {
        to--;
    }
    return ld_arena_string(reading->arena, from, (size_t)(to - from));
}

static char *plain(struct reading *reading)
{
    const char *from = reading->at;
    while (!at_end_of_line(reading) && *reading->at != ',') {
        reading->at++;
    }
    return trimmed(reading, from, reading->at);
}

/* The fields of a line; how many there are, which may be more than are kept. */
static size_t read_fields(struct reading *reading, char *fields[COLUMNS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < COLUMNS_MAX; i++) {
        fields[i] = ld_arena_string(reading->arena, "", 0);
    }
    for (;; reading->at++) {
        bool quotes = reading->at < reading->end && *reading->at == '"';
        char *field = quotes ? quoted(reading) : plain(reading);
        if (count < COLUMNS_MAX) {
            fields[count] = field;
        }
        count++;
        while (!at_end_of_line(reading) && *reading->at != ',') {
            reading->at++;
        }
        if (at_end_of_line(reading)) {
            return count;
        }
    }
}

/* ---- lines ---- */

static bool read_header(struct reading *reading)
{
    char *fields[COLUMNS_MAX];
    bool seen[COLUMNS_MAX] = {false};
    size_t count = read_fields(reading, fields);
    for (size_t i = 0; i < count && i < COLUMNS_MAX; i++) {
        size_t column = 0;
        while (column < COLUMNS_MAX && strcmp(fields[i], NAMES[column]) != 0) {
            column++;
        }
        if (column == COLUMNS_MAX || seen[column]) {
            FIND(reading, "列名应为 item,quantity,expires,lot，各至多一次；实为“%s”",
                 "the columns are named item,quantity,expires,lot, each once at most; found \"%s\"",
                 fields[i]);
            return false;
        }
        seen[column] = true;
        reading->order[i] = (enum column)column;
    }
    reading->column_count = count;
    if (count > COLUMNS_MAX || !seen[ITEM] || !seen[QUANTITY]) {
        find(reading, "首行应为列名，至少有 item 和 quantity",
             "the first line has to name the columns, item and quantity at least");
        return false;
    }
    return true;
}

static void check_item(struct reading *reading, const char *item)
{
    if (*item == '\0') {
        find(reading, "缺物资代码", "the item is missing");
    } else if (reading->plan != NULL && plan_find_item(reading->plan, item) < 0) {
        FIND(reading, "没有物资“%s”，请用 plans/vocabulary/items.yaml 里的代码",
             "no item \"%s\"; use an id of plans/vocabulary/items.yaml", item);
    }
}

static int64_t read_quantity(struct reading *reading, const char *text)
{
    char *end;
    int64_t quantity = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || quantity < 0 || quantity > QUANTITY_MAX) {
        FIND(reading, "数量应为 0 至 10^12 的整数，不带单位和千位分隔符；实为“%s”",
             "expected a whole number from 0 to 10^12, without unit or separators; found \"%s\"",
             text);
        return 0;
    }
    return quantity;
}

/* The day itself is the last on which it may be used. */
static int64_t read_expiry(struct reading *reading, const char *text)
{
    int64_t time_us = 0;
    if (*text == '\0') {
        return 0;
    }
    if (strlen(text) != strlen("2026-01-01") ||
        ld_time_parse(text, LD_CHINA_OFFSET_MINUTES, &time_us, NULL) != LD_OK || time_us <= 0) {
        FIND(
            reading, "有效期至应如 2027-03-31，不会过期的留空；实为“%s”",
            "expected a date such as 2027-03-31, or nothing for what does not expire; found \"%s\"",
            text);
        return 0;
    }
    return time_us + LD_US_DAY;
}

static void check_lot(struct reading *reading, const char *lot)
{
    if (strlen(lot) > LOT_SIZE_MAX) {
        FIND(reading, "批号应不超过 100 字节：“%.40s…”", "a lot has 100 bytes at most: \"%.40s…\"",
             lot);
    }
}

static void read_line(struct reading *reading)
{
    struct count *count = reading->count;
    char *fields[COLUMNS_MAX], *of[COLUMNS_MAX];
    size_t field_count = read_fields(reading, fields);
    for (size_t i = 0; i < COLUMNS_MAX; i++) {
        of[i] = ld_arena_string(reading->arena, "", 0);
    }
    for (size_t i = 0; i < reading->column_count; i++) {
        of[reading->order[i]] = fields[i];
    }
    if (field_count != reading->column_count) {
        FIND(reading, "应有 %zu 列，实有 %zu 列", "expected %zu fields, found %zu",
             reading->column_count, field_count);
        return;
    }
    if (count->batch_count == COUNT_LINES_MAX) {
        FIND(reading, "应不超过 %d 行，请按物资分成几个文件",
             "%d lines at most: split the file, each item whole in one", COUNT_LINES_MAX);
        reading->at = reading->end;
        return;
    }
    Liandong__V1__SupplyBatch *batch = ld_arena_alloc(reading->arena, sizeof *batch);
    liandong__v1__supply_batch__init(batch);
    check_item(reading, of[ITEM]);
    check_lot(reading, of[LOT]);
    batch->item = of[ITEM];
    batch->lot = of[LOT];
    batch->quantity = read_quantity(reading, of[QUANTITY]);
    batch->expires_at_us = read_expiry(reading, of[EXPIRES]);
    count->batches[count->batch_count++] = batch;
}

static size_t lines_of(const char *text, size_t size)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++) {
        lines += text[i] == '\n' || text[i] == '\r';
    }
    return lines;
}

static bool is_readable(struct reading *reading, const char *text, size_t size)
{
    if (size > COUNT_BYTES_MAX) {
        FIND(reading, "文件应不超过 %d 字节", "the file may have %d bytes at most",
             (int)COUNT_BYTES_MAX);
    } else if (memchr(text, '\0', size) != NULL || !sv_utf8_valid((const uint8_t *)text, size)) {
        find(reading, "文件应为 UTF-8 文本，请在电子表格里另存为“CSV UTF-8”",
             "the file has to be UTF-8 text: save it as \"CSV UTF-8\" in the spreadsheet");
    }
    return reading->count->finding_count == 0;
}

void count_read(struct ld_arena *arena, const char *text, size_t size, const struct plan *plan,
                struct count *count)
{
    static const char MARK[] = "\xef\xbb\xbf";
    size_t room = size > COUNT_BYTES_MAX ? 1 : lines_of(text, size);
    *count = (struct count){
        .batches = ld_arena_alloc(arena, room * sizeof(void *)),
        .findings = ld_arena_alloc(arena, (room * COLUMNS_MAX + 2) * sizeof *count->findings)};
    struct reading reading = {
        .arena = arena, .plan = plan, .count = count, .at = text, .end = text + size};
    if (!is_readable(&reading, text, size)) {
        return;
    }
    if (size >= 3 && memcmp(text, MARK, 3) == 0) {
        reading.at += 3;
    }
    reading.line = 1;
    if (!read_header(&reading)) {
        return;
    }
    for (next_line(&reading); reading.at < reading.end; next_line(&reading)) {
        if (!at_end_of_line(&reading)) {
            read_line(&reading);
        }
    }
    if (count->batch_count == 0 && count->finding_count == 0) {
        reading.line = 0;
        find(&reading, "文件里没有物资", "there is no item in the file");
    }
}
