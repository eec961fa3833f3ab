/*
 * fault_peer publish: an author who keeps a window of events under way and writes down each answer.
 *
 * Happy path: events are numbered from 1, and an event's number is its producer sequence. Started
 * again, the author goes on behind the last answer in its file: what was under way is published
 * again under the same sequences, and the router takes each once. Refused for good, answered out of
 * order, or told by the router that the log has less than was answered: the author dies with the
 * reason. Asked to stop, it publishes no more and ends when all is answered.
 */
#include "peer.h"

#include <inttypes.h>
#include <string.h>

static struct {
    struct ld_client *client;
    struct ld_producer *producer;
    int file;
    uint64_t seed, window;
    unsigned author;
    uint64_t answered, published; /* numbers */
    bool stopping;
} self;

static void on_published(const struct ld_published *published, void *data);

static void publish_window(void)
{
    static struct content content;
    struct ld_error error;
    while (!self.stopping && self.published - self.answered < self.window) {
        content_make(&content, self.seed, self.author, self.published + 1);
        struct ld_event event = {
            .topic = content.topic,
            .payload = content.payload,
            .payload_size = content.payload_size,
            .flags = content.flags,
            .producer_sequence = self.published + 1,
        };
        int code = ld_publish(self.producer, &event, on_published, NULL, &error);
        if (code == LD_BUSY)
            return; /* an answer comes, then on */
        if (code != LD_OK)
            peer_die("author %u, event %" PRIu64 ": %s", self.author, self.published + 1,
                     error.text);
        self.published++;
    }
}

static void close_when_done(void)
{
    if (self.stopping && self.published == self.answered && self.client != NULL) {
        ld_client_close(self.client, NULL, NULL);
        self.client = NULL;
    }
}

static void on_published(const struct ld_published *published, void *data)
{
    (void)data;
    if (published->code != LD_OK && published->code != LD_DUPLICATE)
        peer_die("author %u, event %" PRIu64 ": %s: %s", self.author, published->producer_sequence,
                 ld_code_name(published->code), published->reason);
    if (published->producer_sequence != self.answered + 1)
        peer_die("author %u: event %" PRIu64 " was answered, expected %" PRIu64, self.author,
                 published->producer_sequence, self.answered + 1);
    struct answer_entry entry = {++self.answered, published->producer_sequence,
                                 published->sequence};
    peer_append(self.file, &entry, sizeof entry);
    publish_window();
    close_when_done();
}

static void on_producer(struct ld_producer *producer, int code, uint64_t last_sequence, void *data)
{
    (void)producer, (void)data;
    if (code != LD_OK)
        peer_die("author %u: %s", self.author, ld_code_text(code));
    if (last_sequence < self.answered)
        peer_die("author %u: %" PRIu64 " events were answered, the log has %" PRIu64, self.author,
                 self.answered, last_sequence);
}

static void publishing_start(struct peer *peer, char **arguments)
{
    char name[CONTENT_NAME_SIZE], path[CONTENT_PATH_SIZE];
    struct answer_entry last;
    struct ld_error error;
    self.seed = peer_number(arguments[2]);
    self.author = (unsigned)peer_number(arguments[3]);
    self.window = peer_number(arguments[4]);
    content_author(name, self.author);
    content_answers_path(path, arguments[1], self.author);
    self.answered = self.published = peer_open_file(path, &self.file, &last, sizeof last);
    self.client = peer_connect(peer, arguments[0], name);
    if (ld_producer_open(self.client, name, on_producer, NULL, &self.producer, &error) != LD_OK)
        peer_die("%s", error.text);
    publish_window();
}

static void publishing_stop(void)
{
    self.stopping = true;
    close_when_done();
}

const struct peer_role peer_publishing = {
    .name = "publish",
    .usage = "ENDPOINT FOLDER SEED AUTHOR WINDOW",
    .argument_count = 5,
    .start = publishing_start,
    .stop = publishing_stop,
};
