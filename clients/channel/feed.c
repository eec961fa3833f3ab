/*
 * What is in force for the public. A notice takes the place of all that it refers to (an Update and
 * a Cancel refer to all live predecessors); an end stays as an entry, so that who reads now and
 * then learns of it and need not guess from silence. The last FEED_ENDED_MAX ends stay.
 *
 * All of it follows from the notices alone, no clock: read again, they give the same bytes.
 */
#include "feed.h"

#include <stdlib.h>
#include <string.h>

#include "place.h"
#include "timefmt.h"

static bool is_good(const struct cap *cap)
{
    struct cap_findings findings = {0};
    cap_check(cap, &findings);
    bool good = findings.of_weight[CAP_SCHEMA] == 0 && findings.of_weight[CAP_RULE] == 0;
    cap_findings_free(&findings);
    return good;
}

/* The message says what its notice says; nothing private ever gets into a feed. */
static int examine(const struct cap *cap, const Liandong__V1__Notice *notice, bool exercise,
                   struct ld_error *error)
{
    const char *status = exercise ? "Exercise" : "Actual";
    if (!place_is_name(notice->identifier) ||
        strcmp(cap_text(cap, "identifier"), notice->identifier) != 0)
        return ld_fail(error, LD_INVALID, "expected a CAP message named as its notice");
    if (strcmp(cap_text(cap, "scope"), "Public") != 0)
        return ld_fail(error, LD_INVALID, "%s: expected scope Public, found %s", notice->identifier,
                       cap_text(cap, "scope"));
    if (strcmp(cap_text(cap, "status"), status) != 0)
        return ld_fail(error, LD_INVALID, "%s: expected status %s, found %s", notice->identifier,
                       status, cap_text(cap, "status"));
    return is_good(cap) ? LD_OK
                        : ld_fail(error, LD_INVALID, "%s: no good CAP message", notice->identifier);
}

static void drop(struct feed *feed, struct feed_entry *entry)
{
    HASH_DEL(feed->entries, entry);
    struct ld_arena arena = entry->arena;
    free(entry);
    ld_arena_free(&arena);
}

static void drop_named(struct feed *feed, const char *identifier)
{
    struct feed_entry *entry = NULL;
    HASH_FIND_STR(feed->entries, identifier, entry);
    if (entry != NULL)
        drop(feed, entry);
}

static int by_place(const struct feed_entry *one, const struct feed_entry *other)
{
    if (one->ended != other->ended)
        return one->ended ? 1 : -1;
    if (one->sent_at_us != other->sent_at_us)
        return one->sent_at_us > other->sent_at_us ? -1 : 1;
    return one->arrival > other->arrival ? -1 : 1;
}

static void drop_old_ends(struct feed *feed)
{
    struct feed_entry *at, *next;
    size_t ended = 0;
    HASH_ITER(hh, feed->entries, at, next)
    {
        ended += at->ended;
        if (ended > FEED_ENDED_MAX)
            drop(feed, at);
    }
}

static void add(struct feed *feed, const struct cap *cap, const Liandong__V1__Notice *notice)
{
    struct feed_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        abort();
    cap_entry_of(cap, &entry->arena, &entry->says);
    entry->cap = ld_arena_string(&entry->arena, notice->cap, strlen(notice->cap));
    entry->sent_at_us = notice->sent_at_us;
    entry->arrival = ++feed->arrivals;
    entry->ended = notice->kind == LIANDONG__V1__NOTICE__KIND__CANCEL;
    HASH_ADD_KEYPTR(hh, feed->entries, entry->says.identifier, strlen(entry->says.identifier),
                    entry);
    HASH_SORT(feed->entries, by_place);
    drop_old_ends(feed);
}

int feed_take(struct feed *feed, const Liandong__V1__Notice *notice, bool exercise,
              struct ld_error *error)
{
    struct cap *cap = NULL;
    int code = notice->scope == LIANDONG__V1__NOTICE__SCOPE__PUBLIC
                   ? cap_read(notice->cap, strlen(notice->cap), &cap, error)
                   : ld_fail(error, LD_INVALID, "%s: not for the public", notice->identifier);
    if (code == LD_OK)
        code = examine(cap, notice, exercise, error);
    if (code == LD_OK) {
        for (size_t i = 0; i < notice->n_references; i++)
            drop_named(feed, notice->references[i]);
        drop_named(feed, notice->identifier);
        add(feed, cap, notice);
        if (notice->sent_at_us > feed->newest_us)
            feed->newest_us = notice->sent_at_us;
    }
    cap_free(cap);
    return code;
}

void feed_write(const struct feed *feed, const char *url, const char *host, bool exercise,
                size_t entries_max, struct ld_buffer *text)
{
    char updated[LD_TIME_TEXT_SIZE];
    const struct cap_entry **listed = calloc(entries_max, sizeof(struct cap_entry *));
    if (listed == NULL)
        abort();
    struct cap_feed form = {.folder_url = url,
                            .host = host,
                            .exercise = exercise,
                            .updated =
                                ld_time_format(updated, feed->newest_us, LD_CHINA_OFFSET_MINUTES),
                            .entries = listed};
    for (const struct feed_entry *at = feed->entries; at != NULL; at = at->hh.next) {
        if (form.count < entries_max)
            listed[form.count++] = &at->says;
        else
            form.left_out += !at->ended;
    }
    cap_feed(&form, text);
    free(listed);
}

void feed_free(struct feed *feed)
{
    struct feed_entry *at, *next;
    HASH_ITER(hh, feed->entries, at, next)
    {
        drop(feed, at);
    }
}
