/* The router's status, asked for and waited for (bus.h). */
#include "bus.h"

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
