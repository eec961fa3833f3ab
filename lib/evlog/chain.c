/*
 * Heads: made from the segments (or their indexes), and compared with the segments.
 *
 * Happy path of making: open the log to read, one link per segment, the chain over them. Of
 * comparing: the head's links give the head's chain, so they are what the head's maker saw; each is
 * compared with the bytes that are there now. A difference is a finding and never stops the rest.
 */
#include "chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"
#include "catalog.h"
#include "log.h"

static const char CHAIN_WORDS[16] = "liandong chain 1";
static const char HEAD_WORDS[16] = "liandong head 1";
enum { RECORD_FLOOR_AT = 56, LINK_BYTES = 2 * EVLOG_HASH_SIZE + 24 };

/* ---- the chain ---- */

void chain_begin(const uint8_t id[EVLOG_ID_SIZE], uint8_t chain[EVLOG_HASH_SIZE])
{
    uint8_t bytes[sizeof CHAIN_WORDS + EVLOG_ID_SIZE];
    memcpy(bytes, CHAIN_WORDS, sizeof CHAIN_WORDS);
    memcpy(bytes + sizeof CHAIN_WORDS, id, EVLOG_ID_SIZE);
    crypto_generichash(chain, EVLOG_HASH_SIZE, bytes, sizeof bytes, NULL, 0);
}

void chain_add(uint8_t chain[EVLOG_HASH_SIZE], const struct evlog_link *link)
{
    uint8_t bytes[LINK_BYTES];
    memcpy(bytes, chain, EVLOG_HASH_SIZE);
    memcpy(bytes + EVLOG_HASH_SIZE, link->hash, EVLOG_HASH_SIZE);
    ld_put_u64(bytes + 2 * EVLOG_HASH_SIZE, link->number);
    ld_put_u64(bytes + 2 * EVLOG_HASH_SIZE + 8, link->base);
    ld_put_u64(bytes + 2 * EVLOG_HASH_SIZE + 16, link->last);
    crypto_generichash(chain, EVLOG_HASH_SIZE, bytes, sizeof bytes, NULL, 0);
}

static void chain_of(const struct evlog_head *head, uint8_t chain[EVLOG_HASH_SIZE])
{
    chain_begin(head->id, chain);
    for (size_t i = 0; i < head->count; i++)
        chain_add(chain, &head->links[i]);
}

int chain_walk(const struct ld_context *context, const char *directory, const char *archive,
               uint64_t number, uint64_t last, struct evlog_link *link, int64_t *last_time_us,
               struct ld_error *error)
{
    struct segment_walk walk;
    struct ld_record record;
    int code = directory ? walk_open(&walk, context, directory, number, error)
                         : walk_open_packed(&walk, context, archive, number, error);
    if (code != LD_OK)
        return code;
    *link = (struct evlog_link){.number = number, .base = walk.header.base, .last = last};
    while (code == LD_OK && walk.next.sequence <= last) {
        code = walk_next(&walk, &record, error);
        if (code == LD_OK && last_time_us)
            *last_time_us = record.time_us;
    }
    walk_hash(&walk, link->hash);
    walk_close(&walk);
    return code;
}

/* ---- making ---- */

void evlog_head_free(struct evlog_head *head)
{
    free(head->links);
    *head = (struct evlog_head){0};
}

/* What is certainly durable: beside a running router the last commit may not be. */
static int durable_now(struct evlog *log, uint64_t *durable, struct ld_error *error)
{
    struct evlog_span span;
    struct mark mark;
    *durable = log->durable;
    int code = mark_read(log->context, log->directory, &mark, error);
    if (code != LD_OK || log->durable == 0)
        return code;
    if (memcmp(mark.id, log->pattern.id, EVLOG_ID_SIZE) == 0 && mark.durable >= log->durable)
        return LD_OK;
    code = evlog_read(log, log->durable, 1, &span, error);
    if (code != LD_OK)
        return code;
    *durable = ld_get_u64(span.data + RECORD_FLOOR_AT);
    evlog_span_release(&span);
    return LD_OK;
}

static int link_of(struct evlog *log, struct extent *extent, uint64_t last, struct evlog_link *link,
                   int64_t *time_us, struct ld_error *error)
{
    const struct segment_index *index = last == extent->last ? log_index(log, extent) : NULL;
    if (!index) {
        int code = chain_walk(log->context, log->directory, NULL, extent->number, last, link,
                              time_us, error);
        return code == LD_CORRUPT ? log_corrupt(log->directory, extent->number, last, error) : code;
    }
    *link = (struct evlog_link){.number = extent->number, .base = extent->base, .last = last};
    memcpy(link->hash, index->hash, EVLOG_HASH_SIZE);
    *time_us = index->last_time_us;
    return LD_OK;
}

/* The segments that are archived: their list has the hashes. */
static int add_archived(struct evlog *log, uint64_t count, struct evlog_head *head,
                        struct ld_error *error)
{
    struct archived archived;
    int code = archived_read(log->context, log->directory, &archived, NULL, error);
    if (code == LD_OK && archived.count < count)
        code = ld_fail(error, LD_CORRUPT, "the list of archived segments has changed meanwhile");
    for (uint64_t i = 0; code == LD_OK && i < count; i++)
        head->links[head->count++] = archived.entries[i].link;
    archived_free(&archived);
    return code;
}

static int add_links(struct evlog *log, struct evlog_head *head, struct ld_error *error)
{
    uint64_t before = log->extents[0].number - 1;
    head->links = calloc((size_t)before + log->extent_count, sizeof *head->links);
    if (!head->links)
        return ld_fail(error, LD_NOMEM, "no memory for %zu segments", log->extent_count);
    int archived = add_archived(log, before, head, error);
    if (archived != LD_OK)
        return archived;
    for (size_t i = 0; i < log->extent_count; i++) {
        struct extent *extent = &log->extents[i];
        if (extent->base > head->sequence)
            break;
        uint64_t last = extent->last < head->sequence ? extent->last : head->sequence;
        int code = link_of(log, extent, last, &head->links[head->count++], &head->time_us, error);
        if (code != LD_OK)
            return code;
    }
    chain_of(head, head->chain);
    return LD_OK;
}

static int make_head(struct evlog *log, uint64_t sequence, struct evlog_head *head,
                     struct ld_error *error)
{
    memcpy(head->id, log->pattern.id, EVLOG_ID_SIZE);
    int code = durable_now(log, &head->sequence, error);
    if (code != LD_OK)
        return code;
    if (sequence > head->sequence || head->sequence == 0)
        return ld_fail(error, LD_NOTFOUND,
                       "the log ends with %" PRIu64 ", a head at %" PRIu64 " cannot be made",
                       head->sequence, sequence);
    if (sequence > 0 && sequence < evlog_first(log))
        return ld_fail(error, LD_NOTFOUND,
                       "the log begins with %" PRIu64 ", what was before is "
                       "archived",
                       evlog_first(log));
    if (sequence > 0)
        head->sequence = sequence;
    return add_links(log, head, error);
}

int evlog_head(const struct ld_context *context, const char *directory, uint64_t sequence,
               struct evlog_head *head, struct ld_error *error)
{
    struct evlog_options options;
    struct evlog *log;
    *head = (struct evlog_head){0};
    evlog_options_init(&options);
    options.read_only = true;
    int code = evlog_open(context, directory, &options, &log, NULL, error);
    if (code != LD_OK)
        return code;
    code = make_head(log, sequence, head, error);
    evlog_close(log);
    if (code != LD_OK)
        evlog_head_free(head);
    return code;
}

void evlog_head_message(const struct evlog_head *head, uint8_t message[EVLOG_HEAD_MESSAGE_SIZE])
{
    memcpy(message, HEAD_WORDS, sizeof HEAD_WORDS);
    memcpy(message + 16, head->id, EVLOG_ID_SIZE);
    ld_put_u64(message + 32, head->sequence);
    ld_put_u64(message + 40, (uint64_t)head->time_us);
    memcpy(message + 48, head->chain, EVLOG_HASH_SIZE);
}

/* ---- comparing ---- */

struct comparison {
    const struct ld_context *context;
    const char *directory, *archive;
    const struct evlog_head *head;
    evlog_finding_fn *finding;
    void *data;
    uint64_t findings;
};

static void report(struct comparison *comparison, const struct evlog_link *link, const char *text)
{
    char name[SEGMENT_NAME_SIZE];
    segment_name(name, link->number);
    comparison->findings++;
    if (comparison->finding)
        comparison->finding(name, link->base, text, comparison->data);
}

/* The head by itself: do its links follow each other and give its chain? */
static int check_links(const struct evlog_head *head, struct ld_error *error)
{
    uint8_t chain[EVLOG_HASH_SIZE];
    uint64_t number = 1, base = 1;
    for (size_t i = 0; i < head->count; i++, number++) {
        const struct evlog_link *link = &head->links[i];
        if (link->number != number || link->base != base || link->last < link->base)
            return ld_fail(error, LD_INVALID,
                           "the head's segment %" PRIu64 " (%" PRIu64 " to %" PRIu64
                           ") does not follow the one before",
                           link->number, link->base, link->last);
        base = link->last + 1;
    }
    chain_of(head, chain);
    if (base != head->sequence + 1 || memcmp(chain, head->chain, EVLOG_HASH_SIZE) != 0)
        return ld_fail(error, LD_INVALID,
                       "the head's hash is not that of its segments: the file "
                       "was changed, or is not a head");
    return LD_OK;
}

static int compare_log_id(const struct comparison *comparison, struct ld_error *error)
{
    struct catalog catalog;
    int code = catalog_read(comparison->context, comparison->directory, &catalog, error);
    if (code == LD_OK && catalog.count == 0)
        code = ld_fail(error, LD_NOTFOUND, "there is no log in %s", comparison->directory);
    const uint8_t *id = comparison->head->id;
    bool same = false, known = false;
    for (size_t i = 0; code == LD_OK && i < catalog.count; i++) {
        known |= catalog.entries[i].state != HEADER_BAD;
        same |= memcmp(catalog.entries[i].header.id, id, EVLOG_ID_SIZE) == 0;
    }
    catalog_free(&catalog);
    if (code == LD_OK && known && !same)
        return ld_fail(error, LD_INVALID, "the head is of another log than the one in %s",
                       comparison->directory);
    return code;
}

static int compare(struct comparison *comparison, const struct evlog_link *expected,
                   struct ld_error *error)
{
    struct evlog_link found;
    struct ld_error reason = {0};
    int code = chain_walk(comparison->context, comparison->directory, NULL, expected->number,
                          expected->last, &found, NULL, &reason);
    if (code == LD_NOTFOUND && comparison->archive)
        code = chain_walk(comparison->context, NULL, comparison->archive, expected->number,
                          expected->last, &found, NULL, &reason);
    if (code == LD_NOTFOUND)
        report(comparison, expected, "the segment is not here, nor in the archive");
    else if (code == LD_CORRUPT || code == LD_VERSION)
        report(comparison, expected, reason.text);
    else if (code != LD_OK)
        return ld_fail(error, code, "%s", reason.text);
    else if (memcmp(found.hash, expected->hash, EVLOG_HASH_SIZE) != 0)
        report(comparison, expected,
               "changed since the head was made, though every checksum is right");
    return LD_OK;
}

int evlog_head_compare(const struct ld_context *context, const char *directory, const char *archive,
                       const struct evlog_head *head, evlog_finding_fn *finding, void *data,
                       struct ld_error *error)
{
    struct comparison comparison = {.context = context,
                                    .directory = directory,
                                    .archive = archive,
                                    .head = head,
                                    .finding = finding,
                                    .data = data};
    int code = check_links(head, error);
    if (code == LD_OK)
        code = compare_log_id(&comparison, error);
    for (size_t i = 0; code == LD_OK && i < head->count; i++)
        code = compare(&comparison, &head->links[i], error);
    if (code == LD_OK && comparison.findings > 0)
        return ld_fail(error, LD_CORRUPT,
                       "%" PRIu64 " of the %zu segments up to %" PRIu64
                       " are not what they were when the head was made",
                       comparison.findings, head->count, head->sequence);
    return code;
}
