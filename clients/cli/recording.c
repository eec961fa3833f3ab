/*
 * Happy path: each record is staged with its own time and gets the sequence it has in memory, as
 * causation names events by it. Where a segment of the log begins, its checkpoint would take one:
 * so all has to fit into the first. The first failure ends it; the records after it are dropped.
 */
#include "recording.h"

#include <stdlib.h>

#include "evlog/evlog.h"

struct recording {
    struct evlog *log;
    int code;
    struct ld_error error;
};

int recording_open(const struct ld_context *context, const char *directory,
                   struct recording **recording, struct ld_error *error)
{
    struct recording *made = calloc(1, sizeof *made);
    struct evlog_options options;
    struct evlog_recovery found;
    if (made == NULL)
        abort();
    evlog_options_init(&options);
    options.drill = true;
    options.writer_thread = false;
    options.index = false;
    int code = evlog_open(context, directory, &options, &made->log, &found, error);
    if (code == LD_OK && found.head > 0)
        code = ld_fail(error, LD_INVALID, "%s holds a log already: name a new folder", directory);
    if (code != LD_OK) {
        evlog_close(made->log);
        free(made);
        return code;
    }
    *recording = made;
    return LD_OK;
}

static int stage(struct recording *recording, const uint8_t *raw, const struct ld_record *record)
{
    uint64_t sequence;
    int code = evlog_stage(recording->log, raw, record->time_us, record->flags, &sequence,
                           &recording->error);
    if (code == LD_BUSY) {
        code = evlog_commit(recording->log, &recording->error);
        if (code == LD_OK)
            code = evlog_stage(recording->log, raw, record->time_us, record->flags, &sequence,
                               &recording->error);
    }
    if (code == LD_OK && sequence != record->sequence)
        code = ld_fail(&recording->error, LD_TOOBIG,
                       "this log is larger than a segment: play it on a drill router");
    return code;
}

void recording_take(struct recording *recording, const struct ld_record *record)
{
    if (recording->code != LD_OK)
        return;
    uint8_t *raw = malloc(ld_record_size(record->topic_size, record->payload_size));
    if (raw == NULL)
        abort();
    ld_record_encode(raw, record);
    recording->code = stage(recording, raw, record);
    free(raw);
}

int recording_close(struct recording *recording, struct ld_error *error)
{
    if (recording == NULL)
        return LD_OK;
    int code = recording->code;
    if (code == LD_OK)
        code = evlog_commit(recording->log, &recording->error);
    if (code != LD_OK && error != NULL)
        *error = recording->error;
    evlog_close(recording->log);
    free(recording);
    return code;
}
