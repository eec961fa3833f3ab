/*
 * What is to be sent, sent once per turn of the loop, before it sleeps. Stops when ZeroMQ is full
 * and goes on when it has room again (ldc_link_writable); the state that asks for a message is
 * changed only when the message is gone.
 */
#include "client.h"

#include <assert.h>
#include <string.h>

void ldc_want_output(struct ld_client *client)
{
    client->output_wanted = true;
    ldc_run_wake(client);
}

static bool send_message(struct ld_client *client, struct zuv_message *message)
{
    if (zuv_send(client->socket, message) != LD_OK) {
        zuv_message_drop(message);
        client->blocked = true;
        return false;
    }
    client->said_us = ldc_now_us();
    return true;
}

static void put_head(struct zuv_message *message, const struct wire_head *head)
{
    wire_head_encode(zuv_frame_alloc(&message->frames[message->count++], WIRE_HEAD_SIZE), head);
}

/* body may be NULL. */
static bool send_head(struct ld_client *client, const struct wire_head *head, const void *body,
                      size_t size)
{
    struct zuv_message message = {.count = 0};
    put_head(&message, head);
    if (body != NULL)
        zuv_frame_copy(&message.frames[message.count++], body, size);
    return send_message(client, &message);
}

static bool send_hello(struct ld_client *client)
{
    if (!client->hello_wanted)
        return true;
    struct wire_head head = {.operation = WIRE_HELLO, .id = client->hello_id};
    if (!send_head(client, &head, client->identity, strlen(client->identity)))
        return false;
    client->hello_wanted = false;
    return true;
}

static bool send_ping(struct ld_client *client)
{
    if (!client->ping_wanted)
        return true;
    struct wire_head head = {.operation = WIRE_PING, .id = client->next_id++};
    if (!send_head(client, &head, NULL, 0))
        return false;
    client->ping_wanted = false;
    return true;
}

/* ---- producers ---- */

/* b says which answers have been seen: behind a refusal that may pass, the router refuses what was
 * sent in ignorance of it, so that nothing overtakes. */
static bool send_batch(struct ld_producer *producer, struct ldc_batch *batch)
{
    struct ld_client *client = producer->client;
    struct zuv_message message = {.count = 0};
    struct wire_head head = {.operation = WIRE_PUBLISH,
                             .id = client->next_id++,
                             .a = batch->count - batch->done,
                             .b = client->answered_id};
    batch->sealed = true;
    put_head(&message, &head);
    ldc_batch_frame(batch, &message.frames[message.count++]);
    if (!send_message(client, &message))
        return false;
    batch->request = head.id;
    batch->producer = producer;
    DL_APPEND2(client->sent, batch, sent_prev, sent_next);
    batch->sent_from = batch->done;
    producer->under_way++;
    return true;
}

static bool send_producer(struct ld_producer *producer)
{
    struct ld_client *client = producer->client;
    if (producer->dead != LD_OK || producer->retrying)
        return true;
    if (producer->request == 0) {
        struct wire_head head = {.operation = WIRE_PRODUCER,
                                 .id = client->next_id++,
                                 .a = producer->claimant,
                                 .b = producer->round};
        if (!send_head(client, &head, producer->name, strlen(producer->name)))
            return false;
        producer->request = head.id;
    }
    if (!producer->registered || (producer->draining && producer->under_way > 0))
        return true;
    producer->draining = false;
    for (struct ldc_batch *batch = producer->head; batch != NULL; batch = batch->next) {
        if (batch->request == 0 && batch->done < batch->count && !send_batch(producer, batch))
            return false;
    }
    return true;
}

static bool has_unsent(const struct ld_producer *producer)
{
    if (producer->dead != LD_OK)
        return false;
    const struct ldc_batch *batch = producer->head;
    while (batch != NULL && (batch->request != 0 || batch->done == batch->count))
        batch = batch->next;
    return !producer->registered || batch != NULL;
}

/* Of thousands of producers few have something to send: only those are looked at. */
static bool send_producers(struct ld_client *client)
{
    struct ld_producer *producer, *next;
    DL_FOREACH_SAFE2(client->eager, producer, next, eager_next)
    {
        if (!send_producer(producer))
            return false;
        if (has_unsent(producer))
            continue;
        DL_DELETE2(client->eager, producer, eager_prev, eager_next);
        producer->eager = false;
    }
    return true;
}

/* ---- streams ---- */

static bool send_open(struct ld_stream *stream)
{
    struct ld_client *client = stream->client;
    uint64_t credit = ldc_stream_credit(stream);
    if (credit == 0)
        return true; /* opened when ld_stream_confirm has made room */
    struct wire_head head = {
        .operation = WIRE_OPEN, .id = client->next_id++, .a = stream->from, .b = credit};
    if (!send_head(client, &head, stream->filter_text, stream->filter_size))
        return false;
    stream->id = head.id;
    stream->granted_bytes = credit;
    stream->owed_bytes = 0;
    stream->state = LDC_STREAM_OPENING;
    return true;
}

static bool send_credit(struct ld_stream *stream)
{
    struct wire_head head = {.operation = WIRE_CREDIT,
                             .id = stream->id,
                             .a = stream->owed_bytes,
                             .b = stream->processed};
    if (!send_head(stream->client, &head, NULL, 0))
        return false;
    stream->owed_bytes = 0;
    return true;
}

static bool send_close(struct ld_stream *stream)
{
    if (!stream->close_wanted)
        return true;
    struct wire_head head = {.operation = WIRE_CLOSE, .id = stream->id};
    if (!send_head(stream->client, &head, NULL, 0))
        return false;
    stream->close_wanted = false;
    return true;
}

/* Without a session there is nothing to close at the router. */
static bool sweep_closed_streams(struct ld_client *client)
{
    struct ld_stream *stream, *next;
    bool open = client->session == LDC_SESSION_OPEN;
    DL_FOREACH_SAFE(client->closed_streams, stream, next)
    {
        if (open && !send_close(stream))
            return false;
        DL_DELETE(client->closed_streams, stream);
        ldc_stream_free(stream);
    }
    return true;
}

static bool send_streams(struct ld_client *client)
{
    struct ld_stream *stream;
    DL_FOREACH(client->streams, stream)
    {
        if (stream->state == LDC_STREAM_WANTED && !send_open(stream))
            return false;
        if (ldc_stream_credit_due(stream, client->tick_credit) && !send_credit(stream))
            return false;
        if (!send_close(stream))
            return false;
    }
    client->tick_credit = false;
    return true;
}

/* ---- requests ---- */

static bool send_requests(struct ld_client *client)
{
    struct ldc_request *request;
    DL_FOREACH(client->requests, request)
    {
        if (request->sent)
            continue;
        struct wire_head head = {
            .operation = request->operation, .id = client->next_id++, .a = request->a};
        if (!send_head(client, &head, request->text, request->text ? strlen(request->text) : 0))
            return false;
        request->id = head.id;
        request->sent = true;
    }
    return true;
}

void ldc_output(struct ld_client *client)
{
    if (!client->output_wanted || client->blocked || client->closing || client->socket == NULL)
        return;
    if (!send_hello(client) || !sweep_closed_streams(client))
        return;
    if (client->session == LDC_SESSION_OPEN && (!send_producers(client) || !send_streams(client) ||
                                                !send_requests(client) || !send_ping(client)))
        return;
    client->output_wanted = false;
}
