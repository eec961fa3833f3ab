/*
 * Identities: how much of what there is each of them has, so that none can use up the places of
 * all others: sessions, streams and producers that are open, names of producers in the log (for
 * ever).
 */
#include "internal.h"

static struct identity *identity_get(struct router *router, const char *name, size_t size)
{
    struct identity *identity;
    HASH_FIND(hh, router->identities, name, size, identity);
    if (identity)
        return identity;
    identity = calloc(1, sizeof *identity);
    if (!identity)
        abort();
    memcpy(identity->name, name, size);
    identity->size = size;
    HASH_ADD_KEYPTR(hh, router->identities, identity->name, identity->size, identity);
    return identity;
}

static void identity_put(struct router *router, struct identity *identity)
{
    if (identity->sessions > 0 || identity->producers > 0)
        return;
    HASH_DEL(router->identities, identity);
    free(identity);
}

size_t identity_sessions(const struct router *router, const char *name, size_t size)
{
    const struct identity *identity;
    HASH_FIND(hh, router->identities, name, size, identity);
    return identity ? identity->sessions : 0;
}

void identity_session_opened(struct router *router, const char *name)
{
    identity_get(router, name, strlen(name))->sessions++;
}

void identity_session_ended(struct router *router, const char *name)
{
    struct identity *identity = identity_get(router, name, strlen(name));
    assert(identity->sessions > 0);
    identity->sessions--;
    identity_put(router, identity);
}

/* Of a producer's name, whose it is; names in old logs may be of any length. */
static size_t owner_size(const char *name, size_t size)
{
    const char *mark = memchr(name, '#', size);
    size_t own = mark ? (size_t)(mark - name) : size;
    return own < IDENTITY_SIZE_MAX ? own : IDENTITY_SIZE_MAX;
}

size_t identity_producers(const struct router *router, const char *name, size_t size)
{
    const struct identity *identity;
    size_t own = owner_size(name, size);
    HASH_FIND(hh, router->identities, name, own, identity);
    return identity ? identity->producers : 0;
}

void identity_producer_added(struct router *router, const char *name, size_t size)
{
    identity_get(router, name, owner_size(name, size))->producers++;
}

static struct identity *identity_here(const struct router *router, const char *name)
{
    struct identity *identity;
    HASH_FIND(hh, router->identities, name, strlen(name), identity);
    assert(identity && identity->sessions > 0);
    return identity;
}

size_t *identity_streams(const struct router *router, const char *name)
{
    return &identity_here(router, name)->streams;
}

size_t *identity_claims(const struct router *router, const char *name)
{
    return &identity_here(router, name)->claims;
}

void identity_free_all(struct router *router)
{
    struct identity *identity, *next;
    HASH_ITER(hh, router->identities, identity, next)
    {
        HASH_DEL(router->identities, identity);
        free(identity);
    }
}
