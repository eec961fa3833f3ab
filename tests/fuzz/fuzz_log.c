/*
 * The log's files, damaged in any way: opened, read, verified, repaired and opened again.
 *
 * The input is a list of changes to a small log of three segments, with index and mark: bytes
 * written, files cut, removed, copied or put, checksums of headers and records made right again.
 * Whatever is opened can be read to its end; whatever was repaired opens.
 */
#include "fuzz.h"

#include <stdio.h>
#include "bytes.h"
#include "evlog/evlog.h"
#include "storage.h"

enum {
    SEGMENT_BYTES = 65536,
    HEADER_BYTES = 4096,
    CHECKED_BYTES = 512,
    CHANGES_MAX = 12,
    FILES_MAX = 16,
    NAME_SIZE = 64,
    EVENTS = 150,
    PAYLOAD_BYTES = 900
};
#define FOLDER "/log"

static struct storage *base;

static struct evlog_options log_options(void)
{
    struct evlog_options options;
    evlog_options_init(&options);
    options.segment_bytes = SEGMENT_BYTES;
    options.buffer_bytes = 2 * SEGMENT_BYTES;
    options.reserve_bytes = 0;
    options.writer_thread = false;
    return options;
}

static void stage(struct evlog *log, uint64_t number)
{
    static uint8_t payload[PAYLOAD_BYTES], raw[PAYLOAD_BYTES + 256];
    memset(payload, (int)number, sizeof payload);
    struct ld_record record = {.producer = 1 + number % 3,
                               .producer_sequence = 1 + number / 3,
                               .topic = "report/330302/x",
                               .topic_size = 15,
                               .payload = payload,
                               .payload_size = sizeof payload};
    uint64_t sequence;
    ld_record_encode(raw, &record);
    fuzz_check(evlog_stage(log, raw, (int64_t)number * 1000000, 0, &sequence, NULL) == LD_OK);
    fuzz_check(evlog_commit(log, NULL) == LD_OK);
}

static void make_base(void)
{
    struct evlog_options options = log_options();
    struct evlog_recovery recovery;
    struct evlog *log;
    base = storage_new(1);
    fuzz_check(evlog_open(storage_context(base), FOLDER, &options, &log, &recovery, NULL) == LD_OK);
    for (uint64_t i = 0; i < EVENTS; i++)
        stage(log, i);
    evlog_close(log);
}

/* ---- changes ---- */

struct names {
    char all[FILES_MAX][NAME_SIZE];
    size_t count;
};

static int add_name(const char *name, void *data)
{
    struct names *names = data;
    if (names->count < FILES_MAX)
        snprintf(names->all[names->count++], NAME_SIZE, FOLDER "/%s", name);
    return 0;
}

/* A file's bytes to change, malloc'ed; NULL if it is none. */
static uint8_t *bytes_of(struct storage *storage, const char *path, size_t *size)
{
    uint64_t length;
    const uint8_t *bytes = storage_peek(storage, path, &length);
    *size = (size_t)length;
    return bytes != NULL ? fuzz_copy(bytes, (size_t)length) : NULL;
}

static void fix_checksums(uint8_t *bytes, size_t size)
{
    if (size >= CHECKED_BYTES)
        ld_put_u32(bytes + 4, ld_crc32c(0, bytes + 8, CHECKED_BYTES - 8));
    if (size > HEADER_BYTES)
        fuzz_fix_records(bytes + HEADER_BYTES, size - HEADER_BYTES);
}

enum change { WRITE, CUT, REMOVE, COPY, PUT, FIX, CHANGES };

static void change_bytes(enum change change, struct fuzz_input *input, uint8_t *bytes, size_t size)
{
    size_t count = 0;
    if (size == 0)
        return;
    size_t place = (size_t)fuzz_number(input, 3) % size;
    const uint8_t *with = bytes;
    if (change == WRITE) {
        with = fuzz_bytes(input, &count);
    } else {
        size_t from = (size_t)fuzz_number(input, 3) % size;
        count = (size_t)fuzz_number(input, 2);
        with = bytes + from;
        count = count < size - from ? count : size - from;
    }
    count = count < size - place ? count : size - place;
    if (count > 0)
        memmove(bytes + place, with, count);
}

static void put_file(struct storage *storage, struct fuzz_input *input)
{
    char path[NAME_SIZE];
    size_t size;
    static const char *const kinds[] = {"ldlog", "ldidx", "ldlog.tmp", "other"};
    uint64_t number = fuzz_number(input, 1), kind = fuzz_number(input, 1);
    const uint8_t *bytes = fuzz_bytes(input, &size);
    snprintf(path, sizeof path, FOLDER "/%016llu.%s", (unsigned long long)number, kinds[kind % 4]);
    uint8_t *copy = fuzz_copy(bytes, size);
    storage_put(storage, path, copy, size);
    free(copy);
}

static void change(struct storage *storage, struct fuzz_input *input)
{
    struct names names = {.count = 0};
    const struct ld_context *context = storage_context(storage);
    enum change what = (enum change)(fuzz_number(input, 1) % CHANGES);
    if (what == PUT) {
        put_file(storage, input);
        return;
    }
    fuzz_check(context->files.list(context->self, FOLDER, add_name, &names, NULL) == LD_OK);
    if (names.count == 0)
        return;
    const char *path = names.all[fuzz_number(input, 1) % names.count];
    size_t size;
    uint8_t *bytes = bytes_of(storage, path, &size);
    if (bytes == NULL)
        return;
    if (what == CUT)
        size = (size_t)fuzz_number(input, 3) % (size + 1);
    else if (what == FIX)
        fix_checksums(bytes, size);
    else if (what != REMOVE)
        change_bytes(what, input, bytes, size);
    if (what == REMOVE)
        storage_remove(storage, path);
    else
        storage_put(storage, path, bytes, size);
    free(bytes);
}

/* ---- what must hold ---- */

static void read_all(struct evlog *log)
{
    uint64_t next = evlog_first(log), sequence;
    struct evlog_span span;
    struct ld_error error;
    while (next <= evlog_durable(log)) {
        int code = evlog_read(log, next, 1 << 20, &span, &error);
        if (code != LD_OK) { /* found where it stands: never hidden */
            fuzz_check(code == LD_CORRUPT);
            return;
        }
        fuzz_check(span.size > 0 && span.first == next && span.last >= next);
        next = span.last + 1;
        evlog_span_release(&span);
    }
    (void)!evlog_find_time(log, 50 * 1000000, UINT64_MAX, &sequence, &error);
}

static int open_and_read(const struct ld_context *context)
{
    struct evlog_options options = log_options();
    struct evlog_recovery recovery;
    struct evlog *log;
    struct ld_error error;
    int code = evlog_open(context, FOLDER, &options, &log, &recovery, &error);
    if (code != LD_OK)
        return code;
    read_all(log);
    stage(log, 3 * EVENTS);
    evlog_close(log);
    return LD_OK;
}

static void find(const char *segment, uint64_t sequence, const char *text, void *data)
{
    (void)segment, (void)sequence, (void)data;
    fuzz_check(strlen(text) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (base == NULL)
        make_base();
    struct fuzz_input input = {data, size};
    struct storage *storage = storage_kill(base);
    const struct ld_context *context = storage_context(storage);
    struct evlog_verify_counts counts;
    struct evlog_repair_report report;
    struct ld_error error;
    for (size_t i = 0; i < CHANGES_MAX && input.left > 0; i++)
        change(storage, &input);
    struct storage *other = storage_kill(storage);
    (void)!open_and_read(storage_context(other));
    storage_free(other);
    (void)!evlog_verify(context, FOLDER, find, NULL, &counts, &error);
    int code = evlog_repair(context, FOLDER, NULL, &report, &error);
    if (code == LD_OK) {
        code = open_and_read(context);
        fuzz_check(code == LD_OK || code == LD_INVALID); /* a drill's, when all headers say so */
    }
    storage_free(storage);
    return 0;
}
