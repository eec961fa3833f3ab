/*
 * Subscriptions of an XPUB: ZeroMQ hands each to the socket's owner, who judges it and lets it take
 * effect for the one who said it, in the message callback (zuv_subscription_apply).
 *
 *   listener ── 0x01 prefix ──> message() ── zuv_subscription_apply ──> hears what begins with it
 *            ── 0x00 prefix ──> message() ── zuv_subscription_apply ──> no more
 *
 * What can go wrong. ZeroMQ keeps the messages in one queue and those who sent them in another, and
 * takes one of each. A message that is no subscription has no entry in the second, so that from
 * then on subscriptions would count for whoever is next in it. Both are empty when ZeroMQ says that
 * there is nothing more. So from such a message until then every subscription is dropped and its
 * sender cut off: a SUB socket connects again by itself and says them anew.
 */
#include "socket.h"

enum { UNSUBSCRIBE = 0, SUBSCRIBE = 1 };

static bool is_subscription(const struct zuv_message *message)
{
    const struct zuv_frame *frame = &message->frames[0];
    return message->count == 1 && zuv_frame_size(frame) > 0 && *zuv_frame_data(frame) <= SUBSCRIBE;
}

bool xpub_understands(struct zuv_socket *socket, const struct zuv_message *message)
{
    if (socket->kind != ZUV_XPUB)
        return true;
    socket->confused |= !is_subscription(message);
    if (socket->confused)
        zuv_link_cut(socket, zuv_link_of(socket, message));
    return !socket->confused;
}

void zuv_subscription_apply(struct zuv_socket *socket, const struct zuv_message *message)
{
    const struct zuv_frame *frame = &message->frames[0];
    const uint8_t *data = zuv_frame_data(frame);
    int option = *data == SUBSCRIBE ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE;
    /* Of one that is gone meanwhile ZeroMQ leaves it alone. */
    (void)zmq_setsockopt(socket->socket, option, data + 1, zuv_frame_size(frame) - 1);
    socket_touch(socket);
}
