/*
 * fault_peer publish: an author who keeps a window of events under way and writes down each answer.
 *
 * Happy path: events are numbered from 1, and an event's number is its producer sequence, until one
 * is refused. Started again, the author goes on behind the last answer in its file: what was under
 * way is published again under the same sequences, and the router takes each once.
 * No space: once all that is under way is answered, the author waits a little and publishes what
 * was refused again, under new sequences. Refused for good, answered out of order, or told by the
 * router that the log has less than was answered: it dies with the reason.
 * With a pace, the window is filled that often, and not with each answer.
 * Asked to stop, it publishes no more and ends when all is answered.
 */
#include "peer.h"

#include <inttypes.h>
#include <string.h>

enum { PAUSE_MS = 20 };

static struct {
    struct ld_client *client;
    struct ld_producer *producer;
    int file, refusals_file;
    uv_timer_t pause; /* after a refusal */
    uv_timer_t pace;
    uint64_t seed, window, pace_ms;
    unsigned author;
    uint64_t answered, published; /* numbers */
    uint64_t sequence;            /* of the producer, the last one used */
    uint64_t under_way;
    bool refused, stopping;
} self;

static void on_published(const struct ld_published *published, void *data);

static void publish_window(void)
{
    static struct content content;
    struct ld_error error;
    while (!self.stopping && !self.refused && self.under_way < self.window) {
        content_make(&content, self.seed, self.author, self.published + 1);
        struct ld_event event = {
            .topic = content.topic,
            .payload = content.payload,
            .payload_size = content.payload_size,
            .flags = content.flags,
            .producer_sequence = self.sequence + 1,
        };
        int code = ld_publish(self.producer, &event, on_published, NULL, &error);
        if (code == LD_BUSY)
            return; /* an answer comes, then on */
        if (code != LD_OK)
            peer_die("author %u, event %" PRIu64 ": %s", self.author, self.published + 1,
                     error.text);
        self.published++;
        self.sequence++;
        self.under_way++;
    }
}

static void close_when_done(void)
{
    if (!self.stopping || self.under_way > 0 || self.client == NULL)
        return;
    ld_client_close(self.client, NULL, NULL);
    uv_close((uv_handle_t *)&self.pause, NULL);
    uv_close((uv_handle_t *)&self.pace, NULL);
    self.client = NULL;
}

static void on_pace(uv_timer_t *timer)
{
    (void)timer;
    publish_window();
}

static void on_pause_over(uv_timer_t *timer)
{
    (void)timer;
    self.refused = false;
    publish_window();
}

/* The first that is refused is the next to be published; all behind it must be refused too. */
static void note_refusal(void)
{
    uint64_t number = self.answered + 1;
    if (!self.refused)
        peer_append(self.refusals_file, &number, sizeof number);
    self.refused = true;
    if (self.under_way > 0)
        return;
    self.published = self.answered;
    uv_timer_start(&self.pause, on_pause_over, PAUSE_MS, 0);
}

static void note_answer(const struct ld_published *published)
{
    if (self.refused)
        peer_die("author %u: an event behind a refused one was taken", self.author);
    struct answer_entry entry = {++self.answered, published->producer_sequence,
                                 published->sequence};
    peer_append(self.file, &entry, sizeof entry);
    if (self.pace_ms == 0)
        publish_window();
}

static void on_published(const struct ld_published *published, void *data)
{
    (void)data;
    uint64_t expected = self.sequence - self.under_way + 1;
    if (published->producer_sequence != expected)
        peer_die("author %u: sequence %" PRIu64 " was answered, expected %" PRIu64, self.author,
                 published->producer_sequence, expected);
    self.under_way--;
    if (published->code == LD_NOSPACE)
        note_refusal();
    else if (published->code == LD_OK || published->code == LD_DUPLICATE)
        note_answer(published);
    else
        peer_die("author %u, sequence %" PRIu64 ": %s: %s", self.author, expected,
                 ld_code_name(published->code), published->reason);
    close_when_done();
}

static void on_producer(struct ld_producer *producer, int code, uint64_t last_sequence, void *data)
{
    (void)producer, (void)data;
    if (code != LD_OK)
        peer_die("author %u: %s", self.author, ld_code_text(code));
    if (last_sequence < self.answered)
        peer_die("author %u: %" PRIu64 " events were answered, the log knows of %" PRIu64,
                 self.author, self.answered, last_sequence);
}

static void publishing_start(struct peer *peer, char **arguments)
{
    char name[CONTENT_NAME_SIZE], path[CONTENT_PATH_SIZE];
    struct answer_entry last;
    uint64_t refused;
    struct ld_error error;
    self.seed = peer_number(arguments[2]);
    self.author = (unsigned)peer_number(arguments[3]);
    self.window = peer_number(arguments[4]);
    self.pace_ms = peer_number(arguments[5]);
    content_author(name, self.author);
    content_answers_path(path, arguments[1], self.author);
    self.answered = self.published = peer_open_file(path, &self.file, &last, sizeof last);
    self.sequence = last.producer_sequence;
    content_refusals_path(path, arguments[1], self.author);
    if (peer_open_file(path, &self.refusals_file, &refused, sizeof refused) > 0)
        peer_die("author %u: which sequences its refused events had is not known", self.author);
    uv_timer_init(&peer->loop, &self.pause);
    uv_timer_init(&peer->loop, &self.pace);
    if (self.pace_ms > 0)
        uv_timer_start(&self.pace, on_pace, self.pace_ms, self.pace_ms);
    self.client = peer_connect(peer, arguments[0], name, arguments[1]);
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
    .usage = "ENDPOINT FOLDER SEED AUTHOR WINDOW PACE_MS",
    .argument_count = 6,
    .start = publishing_start,
    .stop = publishing_stop,
};
