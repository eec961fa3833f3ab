/* What is due and not done. An entry that is dropped while an attempt is under way stays until that
 * is over, and is not tried again. */
#include <stdlib.h>
#include <string.h>

#include "channel.h"

struct pending *pending_find(const struct channel *channel, const char *id)
{
    struct pending *pending = NULL;
    HASH_FIND_STR(channel->pending, id, pending);
    return pending;
}

void pending_drop(struct channel *channel, struct pending *pending)
{
    if (pending->busy) {
        pending->gone = true;
        return;
    }
    HASH_DEL(channel->pending, pending);
    liandong__v1__delivery__free_unpacked(pending->delivery, NULL);
    free(pending->id);
    free(pending);
}

static bool same_address(const Liandong__V1__Delivery *one, const Liandong__V1__Delivery *other)
{
    return strcmp(one->identifier, other->identifier) == 0 &&
           strcmp(one->contact->address, other->contact->address) == 0;
}

void pending_add(struct channel *channel, Liandong__V1__Delivery *delivery, bool exercise)
{
    struct pending *at, *next;
    HASH_ITER(hh, channel->pending, at, next)
    {
        if (same_address(at->delivery, delivery))
            pending_drop(channel, at);
    }
    struct pending *pending = calloc(1, sizeof *pending);
    if (pending == NULL || (pending->id = strdup(delivery->id)) == NULL)
        abort();
    pending->delivery = delivery;
    pending->exercise = exercise;
    pending->channel = channel;
    pending->work.data = pending;
    HASH_ADD_KEYPTR(hh, channel->pending, pending->id, strlen(pending->id), pending);
}

void pending_drop_notice(struct channel *channel, const char *identifier)
{
    struct pending *at, *next;
    HASH_ITER(hh, channel->pending, at, next)
    {
        if (strcmp(at->delivery->identifier, identifier) == 0)
            pending_drop(channel, at);
    }
}

void pending_free(struct channel *channel)
{
    struct pending *at, *next;
    HASH_ITER(hh, channel->pending, at, next)
    {
        pending_drop(channel, at);
    }
}
