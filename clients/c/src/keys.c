/*
 * The client's keys: loaded when it is opened, given to its socket, and what is said when the
 * router turns it away.
 *
 * The router lets a client whose key it does not like in to be told why (HELLO is answered with
 * DENIED). It cannot where the two do not understand each other at all: one has keys and the other
 * has none, or router.pub is another router's. ZeroMQ says then no more than that somebody hung up,
 * so what can be wrong is said here. With router.pub.next beside router.pub they take turns.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int load_router(const char *directory, enum keys_file file, struct ldc_keys *keys,
                       struct ld_error *error)
{
    char path[KEYS_PATH_SIZE];
    int code = keys_path(path, directory, KEYS_ROUTER, file, error);
    if (code == LD_OK)
        code = keys_load_public(path, &keys->router[keys->router_count], error);
    keys->router_count += code == LD_OK;
    return code;
}

int ldc_keys_load(struct ld_client *client, struct ld_error *error)
{
    const char *directory = client->options.keys;
    if (directory == NULL)
        directory = getenv("LIANDONG_KEYS");
    if (directory == NULL || directory[0] == '\0')
        return LD_OK;
    client->keys = calloc(1, sizeof *client->keys);
    if (client->keys == NULL)
        return ld_fail(error, LD_NOMEM, "cannot allocate the keys");
    int code = keys_load(directory, client->identity, &client->keys->own, error);
    if (code == LD_OK)
        code = load_router(directory, KEYS_PUBLIC, client->keys, error);
    if (code == LD_NOTFOUND)
        return ld_wrap(error, code,
                       "no keys of %s (liandong keys new makes them; router.pub comes from whoever "
                       "runs the router)",
                       client->identity);
    if (code != LD_OK)
        return ld_wrap(error, code, "the keys of %s", client->identity);
    code = load_router(directory, KEYS_PUBLIC_NEXT, client->keys, error);
    return code == LD_NOTFOUND ? LD_OK : code;
}

void ldc_keys_free(struct ld_client *client)
{
    if (client->keys == NULL)
        return;
    keys_forget(&client->keys->own);
    free(client->keys);
    client->keys = NULL;
}

void ldc_keys_set(const struct ld_client *client, struct zuv_options *options)
{
    const struct ldc_keys *keys = client->keys;
    options->tells_joining = true;
    if (keys == NULL)
        return;
    options->own_key = keys->own.open.bus;
    options->own_secret = keys->own.bus_secret;
    options->server_key = keys->router[keys->router_tried % keys->router_count].bus;
}

/* Twice with each key: somebody may have hung up for another reason. */
static bool tried_all(const struct ld_client *client)
{
    return client->turned_away >= 2 * (client->keys != NULL ? client->keys->router_count : 1);
}

bool ldc_keys_turned_away(struct ld_client *client)
{
    if (client->socket == NULL || zuv_joined(client->socket) != ZUV_TURNED_AWAY)
        return false;
    client->turned_away++;
    if (client->keys != NULL)
        client->keys->router_tried++;
    if (tried_all(client))
        client->refused = LD_DENIED;
    if (client->keys == NULL)
        ldc_set_link(client, LD_LINK_CONNECTING,
                     "what answers at %s turns this client away: it asks for keys (--keys DIR, "
                     "LIANDONG_KEYS), or is no router",
                     client->endpoint);
    else
        ldc_set_link(client, LD_LINK_CONNECTING,
                     "what answers at %s turns %s away: it has another key than router.pub, or "
                     "none, or is tired of strangers; see liandong keys check",
                     client->endpoint, client->identity);
    return true;
}
