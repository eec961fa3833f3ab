/*
 * Happy path: open the outbox, put the event, wait until it is synced, wait until everything in the
 * outbox has its outcome. The router being away is no failure of a publish: the event is kept and
 * goes with the next command that opens the outbox.
 */
#include "keeping.h"

#include <stdlib.h>
#include <string.h>

enum { SLICE_US = 20000 };

struct keeping {
    const struct cli *cli;
    struct ld_client *client;
    struct ld_outbox *outbox;
    uint64_t put;            /* producer sequence of the event that was put; 0: none */
    struct ld_published own; /* its outcome; producer_sequence 0: none yet */
    char reason[256];
    uint64_t settled, refused; /* of all */
};

static void on_kept(const struct ld_published *kept, void *data)
{
    struct keeping *keeping = data;
    if (kept->code == LD_OK)
        keeping->put = kept->producer_sequence;
}

static void on_settled(const struct ld_published *settled, void *data)
{
    struct keeping *keeping = data;
    keeping->settled++;
    if (settled->code != LD_OK && settled->code != LD_DUPLICATE)
        keeping->refused++;
    if (settled->producer_sequence != keeping->put)
        return;
    keeping->own = *settled;
    snprintf(keeping->reason, sizeof keeping->reason, "%s", settled->reason);
    keeping->own.reason = keeping->reason;
}

static int open_outbox(struct keeping *keeping, const char *path, struct ld_error *error)
{
    struct ld_outbox_options options;
    ld_outbox_options_init(&options);
    options.path = path;
    options.settled = on_settled;
    options.data = keeping;
    return ld_outbox_open(keeping->client, &options, &keeping->outbox, error);
}

static int put(struct keeping *keeping, const struct bus_event *event, struct ld_error *error)
{
    size_t size = protobuf_c_message_get_packed_size(event->message);
    uint8_t *payload = malloc(size + 1);
    if (payload == NULL)
        abort();
    protobuf_c_message_pack(event->message, payload);
    struct ld_event sent = {
        .topic = event->topic, .payload = payload, .payload_size = size, .flags = event->flags};
    int code = ld_outbox_put(keeping->outbox, &sent, on_kept, keeping, error);
    free(payload);
    return code == LD_OK ? ld_outbox_wait_kept(keeping->outbox, -1, error) : code;
}

/* Until nothing waits. False: not one step forward for too long; held says why, if it is known. */
static bool run_until_empty(struct keeping *keeping, struct ld_outbox_state *state)
{
    int64_t since_us = ld_monotonic_us(keeping->cli->context);
    uint64_t before = keeping->settled;
    ld_outbox_get_state(keeping->outbox, state);
    while (state->waiting > 0) {
        (void)ld_client_run(keeping->client, SLICE_US);
        ld_outbox_get_state(keeping->outbox, state);
        int64_t now_us = ld_monotonic_us(keeping->cli->context);
        if (keeping->settled != before)
            since_us = now_us;
        before = keeping->settled;
        if (now_us - since_us > keeping->cli->timeout_us)
            return state->waiting == 0;
    }
    return true;
}

static void tell_json(const struct keeping *keeping, const struct bus_event *event,
                      const struct ld_outbox_state *state)
{
    bool settled = keeping->own.producer_sequence != 0;
    cli_print_json(
        json_pack("{s:s,s:b,s:I,s:b,s:s,s:s,s:I}", "topic", event->topic, "kept", 1, "sequence",
                  (json_int_t)keeping->own.sequence, "durable",
                  settled && (keeping->own.code == LD_OK || keeping->own.code == LD_DUPLICATE),
                  "code", settled ? ld_code_name(keeping->own.code) : "", "reason", keeping->reason,
                  "waiting", (json_int_t)state->waiting));
}

static int tell(const struct keeping *keeping, const struct bus_event *event,
                const struct ld_outbox_state *state)
{
    const struct cli *cli = keeping->cli;
    const struct ld_published *own = &keeping->own;
    bool refused = own->producer_sequence != 0 && own->code != LD_OK && own->code != LD_DUPLICATE;
    if (cli->json) {
        tell_json(keeping, event, state);
    } else if (own->producer_sequence == 0) {
        printf(
            cli_say(
                cli,
                "已存入 %s：%s（共 %llu 条待发）；路由器可达后由 liandong outbox send 发出%s%s\n",
                "kept in %s: %s (%llu wait); goes to the log with liandong outbox send%s%s\n"),
            cli->outbox, event->topic, (unsigned long long)state->waiting,
            state->held != LD_OK ? ": " : "", state->held_reason);
    } else if (!refused) {
        printf(cli_say(cli, "已入库 %s（第 %llu 号）\n", "in the log: %s (sequence %llu)\n"),
               event->topic, (unsigned long long)own->sequence);
    } else {
        fprintf(stderr, cli_say(cli, "拒收 %s：%s；留存于 %s\n", "refused: %s: %s; kept in %s\n"),
                event->topic, own->reason, cli->outbox);
    }
    return refused ? CLI_REFUSED : CLI_OK;
}

static int keep_and_tell(const struct cli *cli, struct ld_client *client,
                         const struct bus_event *event)
{
    struct keeping keeping = {.cli = cli, .client = client};
    struct ld_client_state link;
    struct ld_outbox_state state;
    struct ld_error error;
    int code = open_outbox(&keeping, cli->outbox, &error);
    if (code == LD_OK)
        code = put(&keeping, event, &error);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    ld_client_get_state(client, &link);
    ld_outbox_get_state(keeping.outbox, &state);
    if (link.link == LD_LINK_UP)
        (void)run_until_empty(&keeping, &state);
    return tell(&keeping, event, &state);
}

int keeping_say(const struct cli *cli, struct ld_client *client, const char *topic,
                const ProtobufCMessage *message)
{
    struct bus_event event = {.topic = topic, .message = message, .flags = bus_flags(cli, client)};
    int status = cli->outbox != NULL ? keep_and_tell(cli, client, &event)
                                     : bus_publish_and_tell(cli, client, &event, 1);
    bus_close(client);
    return status;
}

/* ---- what is already there ---- */

static int tell_sent(const struct keeping *keeping, const struct ld_outbox_state *state)
{
    const struct cli *cli = keeping->cli;
    uint64_t sent = keeping->settled - keeping->refused;
    if (cli->json)
        cli_print_json(json_pack("{s:I,s:I,s:I,s:s}", "sent", (json_int_t)sent, "refused",
                                 (json_int_t)keeping->refused, "waiting",
                                 (json_int_t)state->waiting, "held", state->held_reason));
    else
        printf(cli_say(cli, "已发出 %llu 条，拒收 %llu 条，待发 %llu 条%s%s\n",
                       "%llu sent, %llu refused, %llu wait%s%s\n"),
               (unsigned long long)sent, (unsigned long long)keeping->refused,
               (unsigned long long)state->waiting, state->held != LD_OK ? ": " : "",
               state->held_reason);
    if (state->waiting > 0)
        return state->held != LD_OK ? CLI_REFUSED : CLI_UNREACHABLE;
    return keeping->refused > 0 ? CLI_REFUSED : CLI_OK;
}

int keeping_send(const struct cli *cli, const char *path)
{
    struct keeping keeping = {.cli = cli};
    struct ld_outbox_state state;
    struct ld_error error;
    int status;
    if (bus_open(cli, &keeping.client, &error) != LD_OK)
        return cli_fail(cli, &error);
    if (open_outbox(&keeping, path, &error) != LD_OK) {
        status = cli_fail(cli, &error);
    } else {
        (void)run_until_empty(&keeping, &state);
        status = tell_sent(&keeping, &state);
    }
    bus_close(keeping.client);
    return status;
}
