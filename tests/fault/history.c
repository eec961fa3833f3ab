/* The truth about a log, and holding a log against it. */
#include "history.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "evlog_event.h"

/* ---- where we are ---- */

static char where[200];

static void tell_where(int number)
{
    ssize_t written = write(STDERR_FILENO, where, strlen(where));
    (void)written;
    signal(number, SIG_DFL);
    raise(number);
}

void place_set(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(where, sizeof where, format, arguments);
    va_end(arguments);
    signal(SIGABRT, tell_where);
}

const char *place(void)
{
    return where;
}

void expect_failed(const char *file, int line, const char *condition, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    print_error("%s: expected %s: %s\n", where, condition, text);
    _fail(file, line);
}

/* ---- what was told ---- */

void history_free(struct history *history)
{
    free(history->events);
    *history = (struct history){0};
}

static struct told *history_add(struct history *history)
{
    if (history->count == history->capacity) {
        history->capacity += 256;
        history->events = realloc(history->events, history->capacity * sizeof *history->events);
        assert(history->events);
    }
    struct told *told = &history->events[history->count++];
    *told = (struct told){0};
    return told;
}

static void find_positions(struct history *history)
{
    memset(history->positions, 0, sizeof history->positions);
    for (uint64_t i = 0; i < history->count; i++)
        history->positions[history->events[i].producer] = history->events[i].producer_sequence;
    history->positions[0] = 0;
}

void history_cut(struct history *history, uint64_t head)
{
    if (head < history->count)
        history->count = head;
    find_positions(history);
}

void history_copy(struct history *to, const struct history *from, uint64_t head)
{
    uint64_t count = head < from->count ? head : from->count;
    *to = (struct history){.count = count, .capacity = count};
    if (count > 0) {
        to->events = malloc(count * sizeof *to->events);
        assert(to->events);
        memcpy(to->events, from->events, count * sizeof *to->events);
    }
    find_positions(to);
}

int history_stage(struct history *history, struct evlog *log, uint64_t producer, int64_t now_us,
                  struct ld_error *error)
{
    struct event event;
    uint64_t sequence = 0, position = history->positions[producer] + 1;
    assert(producer > 0 && producer <= PRODUCERS_MAX);
    event_make(&event, producer, position);
    int code = evlog_stage(log, event.raw, now_us, 0, &sequence, error);
    if (code != LD_OK)
        return code;
    int64_t time_us = evlog_last_time_us(log);
    uint16_t flags = evlog_is_drill(log) ? LD_RECORD_EXERCISE : 0;
    expect(sequence == history->count + 1 || sequence == history->count + 2,
           "staged as %" PRIu64 " after %" PRIu64, sequence, history->count);
    if (sequence > history->count + 1)
        *history_add(history) = (struct told){.time_us = time_us, .flags = flags};
    *history_add(history) = (struct told){
        .producer = producer, .producer_sequence = position, .time_us = time_us, .flags = flags};
    history->positions[producer] = position;
    return LD_OK;
}

/* ---- holding a log against it ---- */

static void check_record(const struct told *told, const struct ld_record *record)
{
    expect(record->producer == told->producer &&
               record->producer_sequence == told->producer_sequence,
           "event %" PRIu64 " is %" PRIu64 " of producer %" PRIu64 ", told was %" PRIu64
           " of %" PRIu64,
           record->sequence, record->producer_sequence, record->producer, told->producer_sequence,
           told->producer);
    expect(record->time_us == told->time_us && record->flags == told->flags,
           "time or flags of event %" PRIu64 " differ", record->sequence);
    expect(is_checkpoint(record) == (told->producer == 0), "event %" PRIu64, record->sequence);
    event_check(record);
}

/* Returns how many of the records do not pass their own check; none may, unless damaged. */
static uint64_t check_span(const struct history *history, const struct evlog_span *span,
                           bool damaged)
{
    size_t offset = 0;
    uint64_t bad = 0;
    for (uint64_t sequence = span->first; sequence <= span->last; sequence++) {
        struct ld_record record;
        int code = ld_record_decode(span->data + offset, span->size - offset, &record, &test_error);
        expect(code == LD_OK && record.sequence == sequence, "event %" PRIu64 ": %s", sequence,
               test_error.text);
        if (damaged && ld_record_check(&record, NULL) != LD_OK)
            bad++;
        else
            check_record(&history->events[sequence - 1], &record);
        offset += record.size;
    }
    expect(offset == span->size, "bytes behind event %" PRIu64, span->last);
    return bad;
}

static void check_producers(const struct history *history, const struct evlog *log)
{
    struct history durable;
    size_t known = 0;
    history_copy(&durable, history, evlog_durable(log));
    for (uint64_t producer = 1; producer <= PRODUCERS_MAX; producer++) {
        uint64_t found = evlog_producer(log, producer);
        expect(found == durable.positions[producer],
               "producer %" PRIu64 " is at %" PRIu64 ", its events end with %" PRIu64, producer,
               found, durable.positions[producer]);
        known += found > 0;
    }
    expect(evlog_producer_count(log) == known, "%zu producers, expected %zu",
           evlog_producer_count(log), known);
    history_free(&durable);
}

void history_check(const struct history *history, struct evlog *log, uint64_t least)
{
    uint64_t head = evlog_durable(log);
    struct evlog_span span;
    expect(head >= least, "the log ends with %" PRIu64 ", acknowledged was %" PRIu64, head, least);
    expect(head <= history->count, "the log ends with %" PRIu64 ", told were %" PRIu64, head,
           history->count);
    for (uint64_t next = 1; next <= head; next = span.last + 1) {
        int code = evlog_read(log, next, SIZE_MAX, &span, &test_error);
        expect(code == LD_OK, "cannot read %" PRIu64 ": %s", next, test_error.text);
        expect(span.first == next && span.last >= next && span.last <= head,
               "span of %" PRIu64 " to %" PRIu64, span.first, span.last);
        check_span(history, &span, false);
        evlog_span_release(&span);
    }
    int code = evlog_read(log, head + 1, SIZE_MAX, &span, &test_error);
    expect(code == LD_OK && span.size == 0, "something is readable behind %" PRIu64, head);
    if (evlog_staged(log) == head)
        check_producers(history, log);
}

uint64_t history_check_damaged(const struct history *history, struct evlog *log)
{
    uint64_t head = evlog_durable(log), bad = 0;
    expect(head <= history->count, "the log ends with %" PRIu64 ", told were %" PRIu64, head,
           history->count);
    for (uint64_t next = 1; next <= head;) {
        struct evlog_span span;
        int code = evlog_read(log, next, SIZE_MAX, &span, &test_error);
        expect(code == LD_OK || code == LD_CORRUPT, "%s: %s", ld_code_name(code), test_error.text);
        if (code == LD_OK) {
            bad += check_span(history, &span, true);
            next = span.last + 1;
            evlog_span_release(&span);
        } else {
            bad++;
            next++;
        }
    }
    return bad;
}
