/* What the router is asked, and waited for: its status, times (bus.h). */
#include "bus.h"

#include <stdio.h>

struct answer {
    struct ld_client *client;
    bool done;
    int code;
    json_t *json;
};

static void on_answer(int code, const char *json, void *data)
{
    struct answer *answer = data;
    answer->done = true;
    answer->code = code;
    answer->json = json != NULL ? json_loads(json, 0, NULL) : NULL;
    ld_client_stop(answer->client);
}

int bus_status(const struct cli *cli, struct ld_client *client, json_t **json,
               struct ld_error *error)
{
    static struct answer answer; /* outlives a question that is cancelled by closing */
    answer = (struct answer){.client = client};
    int code = ld_client_status(client, on_answer, &answer, error);
    if (code != LD_OK)
        return code;
    (void)ld_client_run(client, cli->timeout_us);
    if (!answer.done)
        return ld_fail(error, LD_TIMEOUT, "the router did not answer");
    if (answer.code != LD_OK || answer.json == NULL)
        return ld_fail(error, answer.code != LD_OK ? answer.code : LD_PROTOCOL,
                       "the router's answer: %s", ld_code_text(answer.code));
    *json = answer.json;
    return LD_OK;
}

struct finding {
    struct ld_client *client;
    bool done;
    int code;
    uint64_t sequence;
    char reason[256];
};

static void on_found(int code, uint64_t sequence, uint64_t head, const char *reason, void *data)
{
    struct finding *finding = data;
    (void)head;
    finding->done = true;
    finding->code = code;
    finding->sequence = sequence;
    snprintf(finding->reason, sizeof finding->reason, "%s", reason);
    ld_client_stop(finding->client);
}

/* Waits for the answer to what was asked: LD_OK, or that of the router. */
static int await_found(const struct cli *cli, const struct finding *finding, struct ld_error *error)
{
    (void)ld_client_run(finding->client, cli->timeout_us);
    if (!finding->done)
        return ld_fail(error, LD_TIMEOUT, "the router did not answer");
    if (finding->code == LD_PROTOCOL)
        return ld_fail(error, LD_PROTOCOL, "the router at %s is older than this program",
                       cli->endpoint);
    if (finding->code != LD_OK)
        return ld_fail(error, finding->code, "the router's answer: %s", finding->reason);
    return LD_OK;
}

int bus_retire(const struct cli *cli, struct ld_client *client, uint64_t last, const char *archive,
               struct ld_error *error)
{
    static struct finding finding; /* as above */
    finding = (struct finding){.client = client};
    int code = ld_client_retire(client, last, archive, on_found, &finding, error);
    return code == LD_OK ? await_found(cli, &finding, error) : code;
}

int bus_find_time(const struct cli *cli, struct ld_client *client, int64_t time_us,
                  uint64_t *sequence, struct ld_error *error)
{
    static struct finding finding; /* as above */
    finding = (struct finding){.client = client};
    int code = ld_client_find_time(client, time_us, on_found, &finding, error);
    if (code == LD_OK)
        code = await_found(cli, &finding, error);
    if (code == LD_PROTOCOL)
        return ld_wrap(error, code, "it cannot find a time, use --from with a sequence");
    *sequence = finding.sequence;
    return code;
}
