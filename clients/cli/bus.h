/*
 * The bus as the commands use it: open, read to the head, publish and wait for the answer. Plain
 * blocking calls over libliandong's own loop; every wait ends after cli->timeout_us without
 * progress.
 */
#ifndef CLI_BUS_H
#define CLI_BUS_H

#include <liandong.h>
#include <protobuf-c/protobuf-c.h>
#include <signal.h>

#include "cli.h"

/* Opens and waits until the link is up: LD_UNREACHABLE with what to check; with cli->outbox LD_OK
 * too, after a second. */
int bus_open(const struct cli *cli, struct ld_client **client, struct ld_error *error) LD_MUST_USE;
void bus_close(struct ld_client *client);

/* The router's status (docs/protocol.md, 3.6); the caller's. LD_TIMEOUT when it does not answer. */
int bus_status(const struct cli *cli, struct ld_client *client, json_t **json,
               struct ld_error *error) LD_MUST_USE;

/* The first sequence at or after time_us, one behind the head if there is none. LD_PROTOCOL from a
 * router too old to know, LD_TIMEOUT when it does not answer. */
int bus_find_time(const struct cli *cli, struct ld_client *client, int64_t time_us,
                  uint64_t *sequence, struct ld_error *error) LD_MUST_USE;

/* The router takes its log's oldest segment away, which ends with event last and was archived in
 * that folder: ld_client_retire. LD_TIMEOUT when it does not answer. */
int bus_retire(const struct cli *cli, struct ld_client *client, uint64_t last, const char *archive,
               struct ld_error *error) LD_MUST_USE;

/* Calls each for every event that matches (no filters: all), from a sequence to the head that the
 * router names when the stream opens. */
typedef void bus_record_fn(const struct ld_record *record, void *data);
struct bus_read {
    const char *const *filters;
    size_t filter_count;
    uint64_t from;                            /* LD_FROM_FIRST, LD_FROM_NOW or a sequence */
    bool follow;                              /* go on after the head, until stop */
    const bool *stop;                         /* set by each; may be NULL */
    const volatile sig_atomic_t *interrupted; /* set by a signal; may be NULL */
    bus_record_fn *each;
    void *data;
};
int bus_read(const struct cli *cli, struct ld_client *client, const struct bus_read *read,
             struct ld_error *error) LD_MUST_USE;

/* One event to publish and what became of it. */
struct bus_event {
    const char *topic;
    const ProtobufCMessage *message;
    uint16_t flags;
    /* filled in: */
    int code; /* of the publish */
    uint64_t sequence;
    bool answered, accepted;
    char answer[64]; /* the receipt's code word */
    char section[64];
    char reason[400]; /* in the user's language; the router's when it refused */
};
/* Publishes as cli->identity and waits until each event is durable and the service has answered.
 * LD_OK when all are answered (accepted or not), LD_TIMEOUT when a service did not answer in time,
 * the publish's code when the router refused one. */
int bus_publish(const struct cli *cli, struct ld_client *client, struct bus_event *events,
                size_t count, struct ld_error *error) LD_MUST_USE;
/* What became of them, told to the user: a line (or JSON) per event that was answered; CLI_OK or
 * CLI_REFUSED. */
int bus_tell(const struct cli *cli, const struct bus_event *events, size_t count);
/* The same, told to the user: one line (or JSON) per event; returns the exit status. */
int bus_publish_and_tell(const struct cli *cli, struct ld_client *client, struct bus_event *events,
                         size_t count);

/* The router's time now (a drill's own time in a drill); this machine's if there was no router. */
int64_t bus_now(const struct ld_client *client);
/* The flags of what the user publishes: exercise when asked for or when the router is in a drill.
 */
uint16_t bus_flags(const struct cli *cli, const struct ld_client *client);

/* The log from a folder (directory not NULL) or from the bus, to its head. */
int bus_source(const struct cli *cli, const char *directory, const struct bus_read *read,
               struct ld_error *error) LD_MUST_USE;

#endif
