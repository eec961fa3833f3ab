/* Checks a log against what was told; see ledger.h. */
#include "ledger.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../unit/test.h"
#include "buffer.h"
#include "bytes.h"
#include "content.h"
#include "evlog/evlog.h"

enum { READ_BYTES = 1 << 20 };

/* The log, read: its events as a listener would note them, each author's as they would be
 * answered. */
struct picture {
    struct ld_buffer events;                      /* of struct seen_entry */
    struct ld_buffer authors[LEDGER_AUTHORS_MAX]; /* of struct answer_entry */
};

static size_t count_of(const struct ld_buffer *entries, size_t entry_size)
{
    return entries->size / entry_size;
}

/* ---- reading the log ---- */

static unsigned author_of(const struct ledger *ledger, uint64_t producer)
{
    char name[CONTENT_NAME_SIZE];
    for (unsigned author = 0; author < ledger->authors; author++) {
        content_author(name, author);
        if (ld_producer_id(name, strlen(name)) == producer)
            return author;
    }
    return ledger->authors;
}

/* The author's next event must be just this one. */
static void take_written(const struct ledger *ledger, struct picture *picture, unsigned author,
                         const struct ld_record *record)
{
    static struct content expected;
    struct ld_buffer *written = &picture->authors[author];
    uint64_t number = count_of(written, sizeof(struct answer_entry)) + 1;
    content_make(&expected, ledger->seed, author, number);
    if (record->payload_size < sizeof number || ld_get_u64(record->payload) != number)
        fail_msg("author %u: sequence %" PRIu64 " is event %" PRIu64 ", expected %" PRIu64, author,
                 record->sequence, ld_get_u64(record->payload), number);
    assert_int_equal(record->topic_size, strlen(expected.topic));
    assert_memory_equal(record->topic, expected.topic, record->topic_size);
    assert_int_equal(record->payload_size, expected.payload_size);
    assert_memory_equal(record->payload, expected.payload, expected.payload_size);
    assert_int_equal(record->flags, expected.flags);
    struct answer_entry entry = {number, record->producer_sequence, record->sequence};
    ld_buffer_append(written, &entry, sizeof entry);
}

static void take_record(const struct ledger *ledger, struct picture *picture,
                        const struct ld_record *record)
{
    struct seen_entry entry;
    content_seen(&entry, record);
    ld_buffer_append(&picture->events, &entry, sizeof entry);
    assert_int_equal(record->sequence, count_of(&picture->events, sizeof entry));
    unsigned author = author_of(ledger, record->producer);
    if (author < ledger->authors)
        take_written(ledger, picture, author, record);
}

static void take_span(const struct ledger *ledger, struct picture *picture,
                      const struct evlog_span *span)
{
    struct ld_record record;
    for (size_t offset = 0; offset < span->size; offset += record.size) {
        assert_ok(ld_record_decode(span->data + offset, span->size - offset, &record, &test_error));
        assert_ok(ld_record_check(&record, &test_error));
        take_record(ledger, picture, &record);
    }
}

static void read_log(const struct ledger *ledger, struct picture *picture)
{
    struct evlog *log;
    struct evlog_recovery recovery;
    struct evlog_options options;
    struct evlog_span span;
    evlog_options_init(&options);
    options.read_only = true;
    options.writer_thread = false;
    assert_ok(evlog_open(ld_context_system(), ledger->log, &options, &log, &recovery, &test_error));
    for (uint64_t next = 1; next <= recovery.head; next = span.last + 1) {
        assert_ok(evlog_read(log, next, READ_BYTES, &span, &test_error));
        take_span(ledger, picture, &span);
        evlog_span_release(&span);
    }
    evlog_close(log);
}

/* ---- what was told ---- */

/* A file's whole entries; one that is just being written does not count. */
static void read_file(const char *path, size_t entry_size, struct ld_buffer *entries)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* not begun yet */
    assert_int_equal(fstat(fd, &status), 0);
    size_t size = (size_t)status.st_size / entry_size * entry_size;
    if (size > 0)
        assert_int_equal(pread(fd, ld_buffer_reserve(entries, size), size, 0), size);
    entries->size = size;
    close(fd);
}

static void check_answers(const struct ledger *ledger, const struct picture *picture,
                          unsigned author, struct ledger_totals *totals)
{
    struct ld_buffer file = {0};
    char path[CONTENT_PATH_SIZE];
    content_answers_path(path, ledger->folder, author);
    read_file(path, sizeof(struct answer_entry), &file);
    const struct answer_entry *answered = (const void *)file.data;
    const struct answer_entry *written = (const void *)picture->authors[author].data;
    size_t count = count_of(&file, sizeof *answered);
    size_t written_count = count_of(&picture->authors[author], sizeof *written);
    if (count > written_count)
        fail_msg("author %u: %zu events were answered, %zu are in the log", author, count,
                 written_count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(answered[i].number, i + 1);
        assert_int_equal(answered[i].producer_sequence, written[i].producer_sequence);
        if (answered[i].sequence != 0)
            assert_int_equal(answered[i].sequence, written[i].sequence);
    }
    totals->answered += count;
    totals->written += written_count;
    ld_buffer_free(&file);
}

static void check_seen(const struct ledger *ledger, const struct picture *picture,
                       unsigned listener, struct ledger_totals *totals)
{
    struct ld_buffer file = {0};
    char path[CONTENT_PATH_SIZE];
    content_seen_path(path, ledger->folder, listener);
    read_file(path, sizeof(struct seen_entry), &file);
    const struct seen_entry *seen = (const void *)file.data;
    const struct seen_entry *events = (const void *)picture->events.data;
    size_t count = count_of(&file, sizeof *seen);
    assert_true(count <= count_of(&picture->events, sizeof *events));
    for (size_t i = 0; i < count; i++)
        if (memcmp(&seen[i], &events[i], sizeof seen[i]) != 0)
            fail_msg("listener %u: event %" PRIu64 " seen in place %zu is not what the log has",
                     listener, seen[i].sequence, i + 1);
    totals->seen += count;
    ld_buffer_free(&file);
}

static void check_tapped(const struct ledger *ledger, const struct picture *picture, unsigned tap,
                         struct ledger_totals *totals)
{
    struct ld_buffer file = {0};
    char path[CONTENT_PATH_SIZE];
    uint64_t last = 0;
    content_tapped_path(path, ledger->folder, tap);
    read_file(path, sizeof(struct seen_entry), &file);
    const struct seen_entry *tapped = (const void *)file.data;
    const struct seen_entry *events = (const void *)picture->events.data;
    size_t count = count_of(&file, sizeof *tapped);
    for (size_t i = 0; i < count; last = tapped[i++].sequence) {
        assert_true(tapped[i].sequence > last);
        assert_true(tapped[i].sequence <= count_of(&picture->events, sizeof *events));
        assert_memory_equal(&tapped[i], &events[tapped[i].sequence - 1], sizeof tapped[i]);
    }
    totals->tapped += count;
    ld_buffer_free(&file);
}

void ledger_check(const struct ledger *ledger, struct ledger_totals *totals)
{
    struct picture picture = {0};
    *totals = (struct ledger_totals){0};
    read_log(ledger, &picture);
    totals->events = count_of(&picture.events, sizeof(struct seen_entry));
    for (unsigned author = 0; author < ledger->authors; author++)
        check_answers(ledger, &picture, author, totals);
    for (unsigned listener = 0; listener < ledger->listeners; listener++)
        check_seen(ledger, &picture, listener, totals);
    for (unsigned tap = 0; tap < ledger->taps; tap++)
        check_tapped(ledger, &picture, tap, totals);
    for (unsigned author = 0; author < ledger->authors; author++)
        ld_buffer_free(&picture.authors[author]);
    ld_buffer_free(&picture.events);
}

/* ---- progress ---- */

static uint64_t size_of_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

uint64_t ledger_answers_of(const struct ledger *ledger, unsigned author)
{
    char path[CONTENT_PATH_SIZE];
    content_answers_path(path, ledger->folder, author);
    return size_of_file(path) / sizeof(struct answer_entry);
}

uint64_t ledger_refusals_of(const struct ledger *ledger, unsigned author)
{
    char path[CONTENT_PATH_SIZE];
    content_refusals_path(path, ledger->folder, author);
    return size_of_file(path) / sizeof(uint64_t);
}

uint64_t ledger_stale_links(const struct ledger *ledger)
{
    char path[CONTENT_PATH_SIZE];
    content_stale_path(path, ledger->folder);
    return size_of_file(path);
}

uint64_t ledger_cuts(const struct ledger *ledger)
{
    char path[CONTENT_PATH_SIZE];
    content_cuts_path(path, ledger->folder);
    return size_of_file(path);
}

uint64_t ledger_answers(const struct ledger *ledger)
{
    uint64_t answers = 0;
    for (unsigned author = 0; author < ledger->authors; author++)
        answers += ledger_answers_of(ledger, author);
    return answers;
}

uint64_t ledger_unseen(const struct ledger *ledger, uint64_t events)
{
    char path[CONTENT_PATH_SIZE];
    uint64_t unseen = 0;
    for (unsigned listener = 0; listener < ledger->listeners; listener++) {
        content_seen_path(path, ledger->folder, listener);
        uint64_t seen = size_of_file(path) / sizeof(struct seen_entry);
        unseen += seen < events ? events - seen : 0;
    }
    return unseen;
}
