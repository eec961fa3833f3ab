/*
 * Who may connect: ZeroMQ's ZAP (RFC 27), answered on the loop.
 *
 * Before a connection to a socket with a server key is let in, ZeroMQ's thread asks
 * inproc://zeromq.zap.01, with the client's public key, whose secret half it has proven to have:
 *
 *   "1.0", request id, domain, address, routing id, "CURVE", key     asked
 *   "1.0", request id, "200" or "400", text, user, ""                answered
 *
 * The user text that the caller gives comes back with every message of the connection
 * (zuv_message_user). A question that makes no sense is answered "500": only ZeroMQ asks, so it
 * does not happen. Answers go to a thread of this process and are never waited for.
 *
 * The descriptor is edge-triggered: on_asked takes all there is, but at most TURN_QUESTIONS, and
 * then goes on with the next turn.
 */
#include "socket.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 7, PART_SIZE = 256, TURN_QUESTIONS = 64 };
enum { PART_VERSION, PART_ID, PART_DOMAIN, PART_ADDRESS, PART_ROUTING, PART_MECHANISM, PART_KEY };

struct zuv_admission {
    struct zuv *zuv;
    void *socket;
    uv_poll_t poll;
    uv_timer_t more;
    int handle_count;
    zuv_admit_fn *admit;
    void *data;
    void (*closed)(void *data);
    void *closed_data;
};

struct question {
    size_t count;
    size_t size[PARTS];
    uint8_t part[PARTS][PART_SIZE];
};

/* ---- asking and answering ---- */

static int receive_part(void *socket, uint8_t *bytes, size_t size)
{
    int received;
    do
        received = zmq_recv(socket, bytes, size, ZMQ_DONTWAIT);
    while (received < 0 && errno == EINTR);
    return received;
}

static bool has_more(void *socket)
{
    int more = 0;
    size_t size = sizeof more;
    return zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more;
}

/* False: there is none. What is too long or too much is counted and cut. */
static bool receive_question(void *socket, struct question *question)
{
    uint8_t rest[PART_SIZE];
    question->count = 0;
    do {
        bool fits = question->count < PARTS;
        int size = receive_part(socket, fits ? question->part[question->count] : rest, PART_SIZE);
        if (size < 0)
            return false;
        if (fits)
            question->size[question->count] = (size_t)size;
        question->count++;
    } while (has_more(socket));
    return true;
}

static bool part_is(const struct question *question, size_t part, const char *text)
{
    size_t size = strlen(text);
    return question->size[part] == size && memcmp(question->part[part], text, size) == 0;
}

static bool makes_sense(const struct question *question)
{
    return question->count == PARTS && part_is(question, PART_VERSION, "1.0") &&
           question->size[PART_ID] <= PART_SIZE && question->size[PART_DOMAIN] < PART_SIZE &&
           question->size[PART_ADDRESS] < PART_SIZE && part_is(question, PART_MECHANISM, "CURVE") &&
           question->size[PART_KEY] == ZUV_KEY_BYTES;
}

static void send_part(void *socket, const void *bytes, size_t size, int flags)
{
    int sent;
    do
        sent = zmq_send(socket, bytes, size, flags | ZMQ_DONTWAIT);
    while (sent < 0 && errno == EINTR);
}

static void answer(void *socket, const struct question *question, const char *status,
                   const char *user)
{
    size_t id_size = question->count > PART_ID ? question->size[PART_ID] : 0;
    send_part(socket, "1.0", 3, ZMQ_SNDMORE);
    send_part(socket, question->part[PART_ID], id_size < PART_SIZE ? id_size : 0, ZMQ_SNDMORE);
    send_part(socket, status, strlen(status), ZMQ_SNDMORE);
    send_part(socket, "", 0, ZMQ_SNDMORE);
    send_part(socket, user, strlen(user), ZMQ_SNDMORE);
    send_part(socket, "", 0, 0);
}

static void consider(struct zuv_admission *admission, struct question *question)
{
    char user[ZUV_USER_SIZE] = "";
    if (!makes_sense(question)) {
        answer(admission->socket, question, "500", "");
        return;
    }
    question->part[PART_DOMAIN][question->size[PART_DOMAIN]] = '\0';
    question->part[PART_ADDRESS][question->size[PART_ADDRESS]] = '\0';
    struct zuv_applicant applicant = {
        .domain = (const char *)question->part[PART_DOMAIN],
        .address = (const char *)question->part[PART_ADDRESS],
        .key = question->part[PART_KEY],
    };
    bool admitted = admission->admit(&applicant, user, admission->data);
    answer(admission->socket, question, admitted ? "200" : "400", admitted ? user : "");
}

static void take_questions(struct zuv_admission *admission)
{
    struct question question;
    for (int i = 0; i < TURN_QUESTIONS; i++) {
        if (!receive_question(admission->socket, &question))
            return;
        consider(admission, &question);
    }
    uv_timer_start(&admission->more, admission->more.timer_cb, 0, 0);
}

static void on_more(uv_timer_t *timer)
{
    take_questions(timer->data);
}

static void on_asked(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    take_questions(poll->data);
}

const char *zuv_message_user(const struct zuv_message *message)
{
    /* Of the last frame: ZeroMQ does not always say it of a peer's name. */
    return message->count == 0 ? NULL : frame_user(&message->frames[message->count - 1]);
}

/* ---- opening and closing ---- */

static int open_socket(struct zuv_admission *admission, int *descriptor, struct ld_error *error)
{
    int none = 0;
    size_t size = sizeof *descriptor;
    admission->socket = zmq_socket(admission->zuv->context, ZMQ_REP);
    if (!admission->socket)
        return ld_fail(error, LD_IO, "cannot open a socket: %s", zmq_strerror(errno));
    if (zmq_setsockopt(admission->socket, ZMQ_LINGER, &none, sizeof none) == 0 &&
        zmq_bind(admission->socket, "inproc://zeromq.zap.01") == 0 &&
        zmq_getsockopt(admission->socket, ZMQ_FD, descriptor, &size) == 0)
        return LD_OK;
    int code = ld_fail(error, LD_IO, "cannot be asked who may connect: %s", zmq_strerror(errno));
    zmq_close(admission->socket);
    return code;
}

int zuv_admission_open(struct zuv *zuv, zuv_admit_fn *admit, void *data, struct zuv_admission **out,
                       struct ld_error *error)
{
    int descriptor = -1;
    struct zuv_admission *admission = calloc(1, sizeof *admission);
    if (!admission)
        return ld_fail(error, LD_NOMEM, "cannot allocate an admission");
    *admission = (struct zuv_admission){.zuv = zuv, .admit = admit, .data = data};
    int code = open_socket(admission, &descriptor, error);
    if (code != LD_OK)
        goto allocated;
    int status = uv_poll_init(zuv->loop, &admission->poll, descriptor);
    if (status != 0) {
        code = ld_fail(error, LD_IO, "cannot watch a socket: %s", uv_strerror(status));
        goto opened;
    }
    uv_timer_init(zuv->loop, &admission->more);
    admission->handle_count = 2;
    admission->poll.data = admission->more.data = admission;
    uv_poll_start(&admission->poll, UV_READABLE, on_asked);
    uv_timer_start(&admission->more, on_more, 0, 0); /* what came before it was watched */
    zuv->socket_count++;
    *out = admission;
    return LD_OK;
opened:
    zmq_close(admission->socket);
allocated:
    free(admission);
    return code;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct zuv_admission *admission = handle->data;
    if (--admission->handle_count > 0)
        return;
    void (*closed)(void *) = admission->closed;
    void *data = admission->closed_data;
    admission->zuv->socket_count--;
    free(admission);
    if (closed)
        closed(data);
}

void zuv_admission_close(struct zuv_admission *admission, void (*closed)(void *data), void *data)
{
    admission->closed = closed;
    admission->closed_data = data;
    uv_close((uv_handle_t *)&admission->poll, on_handle_closed);
    uv_close((uv_handle_t *)&admission->more, on_handle_closed);
    zmq_close(admission->socket);
}
