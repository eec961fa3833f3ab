/*
 * A disk that writes to the wrong place, and says that all is well. Each write of a small workload
 * goes astray in turn: by a sector, by pages, into another segment. While the process runs it sees
 * what it wrote; then the power is cut. The log may refuse, or have holes that are found when they
 * are read; it never shows a wrong event, verifying finds what opening does not, and repairing
 * gives a log that opens. Only the very last commit may go unnoticed (docs/log-format.md, 7).
 */
#include <inttypes.h>
#include <stdio.h>
#include "rig.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { TAIL_COMMITS = 12 };

struct astray {
    const char *path; /* NULL: the same file */
    int64_t shift_bytes;
};

static const struct astray WAYS[] = {
    {NULL, STORAGE_SECTOR},
    {NULL, -(int64_t)STORAGE_SECTOR},
    {NULL, STORAGE_PAGE},
    {NULL, -2 * (int64_t)STORAGE_PAGE},
    {LOG_DIRECTORY "/0000000000000001.ldlog", 0},
    {LOG_DIRECTORY "/0000000000000002.ldlog", 3 * (int64_t)STORAGE_PAGE},
};

/* Segment 1 is full, 2 has a few commits. The n-th write from there goes astray; returns the least
 * that must be there or be missed: all that was acknowledged but in the last commit. */
static uint64_t drive(struct rig *rig, const struct astray *way, uint64_t n, bool closed)
{
    uint64_t before_last = 0;
    rig_open(rig);
    rig_grow(rig, 1, 2);
    rig_append(rig, 2, 70); /* the next segment is made */
    rig_append(rig, 3, 1);
    storage_misdirect(rig->storage, n, way->path, way->shift_bytes);
    for (uint64_t i = 0; i < TAIL_COMMITS; i++) {
        before_last = evlog_durable(rig->log);
        rig_append(rig, 1 + i % 4, 1 + i % 3 * 9);
    }
    if (closed)
        rig_close(rig);
    rig_end(rig, STORAGE_NOTHING, n);
    return before_last;
}

static void check_refused(struct rig *rig, int code)
{
    expect(code == LD_CORRUPT, "%s: %s", ld_code_name(code), rig->error.text);
    expect(strstr(rig->error.text, "liandong log verify") != NULL, "%s", rig->error.text);
}

/* Returns whether the damage was noticed. */
static bool check(struct rig *rig, uint64_t least)
{
    const struct ld_context *context = storage_context(rig->storage);
    struct evlog_repair_report report;
    uint64_t bad = 0;
    int verified = evlog_verify(context, LOG_DIRECTORY, NULL, NULL, NULL, &test_error);
    expect(verified == LD_OK || verified == LD_CORRUPT, "%s", test_error.text);
    int opened = rig_try_open(rig);
    if (opened == LD_OK)
        bad = history_check_damaged(&rig->history, rig->log);
    else
        check_refused(rig, opened);
    expect(verified == LD_CORRUPT || (opened == LD_OK && bad == 0), "verifying finds nothing");
    if (verified == LD_OK)
        history_check(&rig->history, rig->log, least);
    rig_close(rig);
    assert_ok(evlog_repair(context, LOG_DIRECTORY, NULL, &report, &test_error));
    expect(report.damaged == (verified == LD_CORRUPT), "verifying and repairing do not agree");
    rig_open(rig);
    rig_append(rig, 5, 2);
    return verified == LD_CORRUPT;
}

static void test_every_write(void **state)
{
    struct rig *rig = *state;
    unsigned noticed = 0, all = 0;
    for (uint64_t n = 0; n < TAIL_COMMITS + 3; n++) {
        for (size_t i = 0; i < COUNT(WAYS) * 2; i++, all++) {
            place_set("write %" PRIu64 " goes astray by way %zu, %s", n, i / 2,
                      i % 2 ? "closed" : "cut");
            rig_renew(rig, n);
            uint64_t least = drive(rig, &WAYS[i / 2], n, i % 2);
            noticed += check(rig, least);
        }
    }
    print_message("%u writes went astray, %u were noticed\n", all, noticed);
    assert_true(noticed > all / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {RIG_INLINE(test_every_write)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
