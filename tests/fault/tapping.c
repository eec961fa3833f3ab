/* fault_peer tap: a plain ZeroMQ SUB socket on the tap that writes down each event it hears. */
#include "peer.h"

#include <errno.h>
#include <zmq.h>

enum { POLL_MS = 5, TAKE_AT_MOST = 1000 };

static struct {
    void *context, *socket;
    uv_timer_t timer;
    int file;
} self;

static void take(zmq_msg_t *message)
{
    struct ld_record record;
    struct ld_error error;
    struct seen_entry entry;
    if (ld_record_decode(zmq_msg_data(message), zmq_msg_size(message), &record, &error) != LD_OK ||
        ld_record_check(&record, &error) != LD_OK)
        peer_die("tap: %s", error.text);
    content_seen(&entry, &record);
    peer_append(self.file, &entry, sizeof entry);
}

/* A message is a topic and a record. */
static bool receive_one(void)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    bool received = zmq_msg_recv(&message, self.socket, ZMQ_DONTWAIT) >= 0;
    if (received) {
        zmq_msg_recv(&message, self.socket, 0);
        take(&message);
    }
    zmq_msg_close(&message);
    return received;
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
    for (int i = 0; i < TAKE_AT_MOST && receive_one(); i++)
        continue;
}

static void tapping_start(struct peer *peer, char **arguments)
{
    char path[CONTENT_PATH_SIZE];
    struct seen_entry last;
    content_tapped_path(path, arguments[1], (unsigned)peer_number(arguments[2]));
    peer_open_file(path, &self.file, &last, sizeof last);
    self.context = zmq_ctx_new();
    self.socket = zmq_socket(self.context, ZMQ_SUB);
    if (zmq_connect(self.socket, arguments[0]) != 0 ||
        zmq_setsockopt(self.socket, ZMQ_SUBSCRIBE, "", 0) != 0)
        peer_die("%s: %s", arguments[0], zmq_strerror(errno));
    uv_timer_init(&peer->loop, &self.timer);
    uv_timer_start(&self.timer, on_timer, POLL_MS, POLL_MS);
}

static void tapping_stop(void)
{
    uv_close((uv_handle_t *)&self.timer, NULL);
    zmq_close(self.socket);
    zmq_ctx_term(self.context);
}

const struct peer_role peer_tapping = {
    .name = "tap",
    .usage = "ENDPOINT FOLDER NUMBER",
    .argument_count = 3,
    .start = tapping_start,
    .stop = tapping_stop,
};
