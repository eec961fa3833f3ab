/*
 * atom: the public alerts in force as an Atom feed in a folder that a web server shows.
 *
 *   notice ──> feed (feed.c) ──> CAP files that are new ──> feed.atom ──> again if more has come
 *
 * Each file is written beside, synced and renamed, the messages before the feed that names them:
 * who reads sees a whole feed whose links lead somewhere. A message is never removed; those who
 * still hold an older feed find it. No state: a restart makes the same bytes from the log.
 *
 * Ways it fails: a notice that is no good public message is left out, a file that cannot be written
 * is tried again after growing pauses; both are said on standard error. When asked to stop it ends
 * what is being written.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "feed.h"
#include "place.h"
#include "timefmt.h"

#define PAUSE_MAX_US (5 * LD_US_MINUTE)

/* Copies for the thread: the feed goes on meanwhile. */
struct writing {
    uv_work_t work;
    struct channel *channel;
    struct ld_arena arena;
    const char **identifiers, **messages;
    size_t count;
    struct ld_buffer text; /* feed.atom */
    int code;
    struct ld_error error;
};

static struct feed feed; /* there is one in this program */
static char host[256];
static bool stale = true; /* feed.atom is not what the feed is */
static int64_t pause_us;  /* 0: the last writing went well */
static bool pausing;

/* ---- options ---- */

static bool is_host(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");
    return size > 0 && size < sizeof host && text[size] == '\0';
}

static bool take_url(const char *text)
{
    CURLU *url = curl_url();
    char *scheme = NULL, *name = NULL;
    bool good = url != NULL && strlen(text) <= 1000 && text[strlen(text) - 1] == '/' &&
                curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_HOST, &name, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) && is_host(name);
    if (good)
        snprintf(host, sizeof host, "%s", name);
    curl_free(scheme);
    curl_free(name);
    curl_url_cleanup(url);
    return good;
}

static int prepare(const struct channel_options *options, struct ld_error *error)
{
    if (options->root == NULL || options->url == NULL)
        return ld_fail(error, LD_INVALID,
                       "--root FOLDER and --url URL are needed: where the feed "
                       "is written, and where it is read");
    return *options->url != '\0' && take_url(options->url)
               ? LD_OK
               : ld_fail(error, LD_INVALID,
                         "--url: expected http(s)://NAME/…/ that ends in a slash, found %s",
                         options->url);
}

/* ---- writing ---- */

static void in_thread(uv_work_t *work)
{
    struct writing *writing = work->data;
    const struct ld_context *context = writing->channel->context;
    const char *root = writing->channel->options->root;
    char name[256];
    writing->code = LD_OK;
    for (size_t i = 0; i < writing->count && writing->code == LD_OK; i++) {
        snprintf(name, sizeof name, "%s.xml", writing->identifiers[i]);
        writing->code = place_file(context, root, name, writing->messages[i], &writing->error);
    }
    if (writing->code == LD_OK)
        writing->code = place_file(context, root, "feed.atom", ld_buffer_string(&writing->text),
                                   &writing->error);
}

static void on_timer(uv_timer_t *timer)
{
    struct channel *channel = timer->data;
    pausing = false;
    if (channel->ready && !channel->stopping && !channel->closing)
        channel->way->show(channel);
}

static void try_later(struct channel *channel, const char *reason)
{
    stale = pausing = true;
    pause_us = pause_us == 0 ? channel->options->pause_us : 2 * pause_us;
    if (pause_us > PAUSE_MAX_US)
        pause_us = PAUSE_MAX_US;
    fprintf(stderr, "%s: %s; tried again in %lld s\n", channel->identity, reason,
            (long long)((pause_us + LD_US_SECOND - 1) / LD_US_SECOND));
    if (!channel->stopping && !channel->closing)
        uv_timer_start(&channel->timer, on_timer, (uint64_t)(pause_us / 1000 + 1), 0);
}

static void mark_placed(const struct writing *writing)
{
    for (size_t i = 0; i < writing->count; i++) {
        struct feed_entry *entry = NULL;
        HASH_FIND_STR(feed.entries, writing->identifiers[i], entry);
        if (entry != NULL)
            entry->placed = true;
    }
}

static void after(uv_work_t *work, int status)
{
    struct writing *writing = work->data;
    struct channel *channel = writing->channel;
    (void)status;
    channel->busy--;
    if (writing->code == LD_OK) {
        pause_us = 0;
        mark_placed(writing);
        on_timer(&channel->timer);
    } else {
        try_later(channel, writing->error.text);
    }
    ld_arena_free(&writing->arena);
    ld_buffer_free(&writing->text);
    free(writing->identifiers);
    free(writing->messages);
    free(writing);
    channel_leave_if_done(channel);
}

static struct writing *open_writing(struct channel *channel)
{
    size_t entries_max = (size_t)channel->options->entries_max, listed = 0;
    struct writing *writing = calloc(1, sizeof *writing);
    const char **identifiers = calloc(entries_max, sizeof(char *));
    const char **messages = calloc(entries_max, sizeof(char *));
    if (writing == NULL || identifiers == NULL || messages == NULL)
        abort();
    *writing = (struct writing){
        .channel = channel, .identifiers = identifiers, .messages = messages, .code = LD_IO};
    for (const struct feed_entry *at = feed.entries; at != NULL && listed < entries_max;
         at = at->hh.next, listed++) {
        if (at->placed)
            continue;
        identifiers[writing->count] = ld_arena_format(&writing->arena, "%s", at->says.identifier);
        messages[writing->count++] = ld_arena_string(&writing->arena, at->cap, strlen(at->cap));
    }
    feed_write(&feed, channel->options->url, host, channel->options->exercise, entries_max,
               &writing->text);
    writing->work.data = writing;
    return writing;
}

/* Writes what is stale; one piece of work at a time. */
static void show(struct channel *channel)
{
    if (!stale || pausing || channel->busy > 0)
        return;
    struct writing *writing = open_writing(channel);
    stale = false;
    channel->busy++;
    if (uv_queue_work(&channel->loop, &writing->work, in_thread, after) != 0)
        after(&writing->work, 0);
}

/* ---- what comes ---- */

static void take(struct channel *channel, const struct ld_record *record)
{
    struct ld_error error = {0};
    bool exercise = (record->flags & LD_RECORD_EXERCISE) != 0;
    if (exercise != channel->options->exercise)
        return;
    Liandong__V1__Notice *notice =
        liandong__v1__notice__unpack(NULL, record->payload_size, record->payload);
    int code = notice == NULL ? ld_fail(&error, LD_INVALID, "no Notice")
                              : feed_take(&feed, notice, exercise, &error);
    if (code == LD_OK)
        stale = true;
    else
        fprintf(stderr, "%s: event %llu is left out: %s\n", channel->identity,
                (unsigned long long)record->sequence, error.text);
    if (notice != NULL)
        liandong__v1__notice__free_unpacked(notice, NULL);
}

static void end(void)
{
    feed_free(&feed);
}

const struct channel_way atom_way = {
    .kind = "atom", .prepare = prepare, .take = take, .show = show, .end = end};
