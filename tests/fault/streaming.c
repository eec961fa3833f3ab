/*
 * fault_peer stream: listeners, each a client of its own, that stream everything and write down
 * each event. Started again, each goes on behind the last event in its file. Whatever fails a
 * stream (damage, a gap, another log) ends the process with the reason.
 */
#include "peer.h"

#include <inttypes.h>
#include <stdio.h>

enum { LISTENERS_MAX = 100 };

struct listener {
    struct ld_client *client;
    struct ld_stream *stream;
    unsigned number;
    int file;
};
static struct listener listeners[LISTENERS_MAX];
static unsigned listener_count;

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    struct listener *listener = data;
    struct seen_entry entry;
    (void)stream;
    content_seen(&entry, record);
    peer_append(listener->file, &entry, sizeof entry);
}

static void on_failed(struct ld_stream *stream, const struct ld_error *error, void *data)
{
    struct listener *listener = data;
    (void)stream;
    peer_die("listener %u: %s: %s", listener->number, ld_code_name(error->code), error->text);
}

static void listener_open(struct peer *peer, struct listener *listener, const char *endpoint,
                          const char *folder)
{
    char name[CONTENT_NAME_SIZE], path[CONTENT_PATH_SIZE];
    struct seen_entry last;
    struct ld_error error;
    struct ld_stream_options options;
    content_seen_path(path, folder, listener->number);
    peer_open_file(path, &listener->file, &last, sizeof last);
    snprintf(name, sizeof name, "3303.listener-%u", listener->number);
    listener->client = peer_connect(peer, endpoint, name, folder);
    ld_stream_options_init(&options);
    options.from = last.sequence == 0 ? LD_FROM_FIRST : last.sequence + 1;
    options.event = on_event;
    options.failed = on_failed;
    options.data = listener;
    if (ld_stream_open(listener->client, &options, &listener->stream, &error) != LD_OK)
        peer_die("%s", error.text);
}

static void streaming_start(struct peer *peer, char **arguments)
{
    uint64_t first = peer_number(arguments[2]), count = peer_number(arguments[3]);
    if (count > LISTENERS_MAX)
        peer_die("at most %d listeners", LISTENERS_MAX);
    for (; listener_count < count; listener_count++) {
        listeners[listener_count].number = (unsigned)first + listener_count;
        listener_open(peer, &listeners[listener_count], arguments[0], arguments[1]);
    }
}

static void streaming_stop(void)
{
    for (unsigned i = 0; i < listener_count; i++)
        ld_client_close(listeners[i].client, NULL, NULL);
}

const struct peer_role peer_streaming = {
    .name = "stream",
    .usage = "ENDPOINT FOLDER FIRST COUNT",
    .argument_count = 4,
    .start = streaming_start,
    .stop = streaming_stop,
};
