/*
 * Waits until so many streams are open at a router and none lags behind: until all services have
 * read everything.
 *
 *     bench_lag ENDPOINT STREAMS
 */
#include <liandong.h>

#include <jansson.h>
#include <stdlib.h>
#include "bench.h"

enum { WAIT_US = 60000000, AGAIN_US = 5000 };

struct question {
    struct ld_client *client;
    size_t streams, even; /* open, and without lag */
};

static void on_status(int code, const char *json, void *data)
{
    struct question *question = data;
    if (code != LD_OK)
        bench_die("status", ld_code_text(code));
    json_t *status = json_loads(json, 0, NULL), *stream;
    size_t index;
    question->streams = question->even = 0;
    json_array_foreach(json_object_get(status, "streams"), index, stream)
    {
        question->streams++;
        question->even += json_integer_value(json_object_get(stream, "lag")) == 0;
    }
    json_decref(status);
    ld_client_stop(question->client);
}

int main(int argc, char **argv)
{
    struct ld_client_options options;
    struct ld_error error;
    struct question question = {0};
    if (argc != 3)
        bench_die("usage", "bench_lag ENDPOINT STREAMS");
    size_t wanted = strtoul(argv[2], NULL, 10);
    ld_client_options_init(&options);
    options.endpoint = argv[1];
    options.identity = "bench";
    if (ld_client_open(&options, &question.client, &error) != LD_OK ||
        ld_client_wait_up(question.client, WAIT_US, &error) != LD_OK)
        bench_die(argv[1], error.text);
    while (question.even < wanted || question.even < question.streams) {
        if (ld_client_status(question.client, on_status, &question, &error) != LD_OK ||
            ld_client_run(question.client, WAIT_US) != LD_OK)
            bench_die(argv[1], "no answer");
        ld_client_run(question.client, AGAIN_US);
    }
    ld_client_close(question.client, NULL, NULL);
    return 0;
}
