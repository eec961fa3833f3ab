/* Prints every event whose topic matches the filters, from now on: listen ENDPOINT [FILTER…] */
#include <liandong.h>
#include <stdio.h>
#include <stdlib.h>

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    (void)stream;
    (void)data;
    printf("%llu %.*s %u bytes%s\n", (unsigned long long)record->sequence, (int)record->topic_size,
           record->topic, record->payload_size,
           record->flags & LD_RECORD_EXERCISE ? " (exercise)" : "");
}

static void on_failed(struct ld_stream *stream, const struct ld_error *error, void *data)
{
    (void)stream;
    (void)data;
    fprintf(stderr, "listen: %s\n", error->text);
    exit(1);
}

int main(int argc, char **argv)
{
    struct ld_client_options options;
    struct ld_stream_options listen;
    struct ld_client *client;
    struct ld_stream *stream;
    struct ld_error error;

    if (argc < 2) {
        fprintf(stderr,
                "usage: listen ENDPOINT [FILTER…]   e.g. tcp://127.0.0.1:7501 'duty/33*/>'\n");
        return 2;
    }
    ld_client_options_init(&options);
    options.endpoint = argv[1];
    options.identity = "listener";
    ld_stream_options_init(&listen);
    listen.from = LD_FROM_NOW;
    listen.filters = (const char *const *)(argv + 2);
    listen.filter_count = (size_t)argc - 2;
    listen.event = on_event;
    listen.failed = on_failed;
    if (ld_client_open(&options, &client, &error) != LD_OK ||
        ld_stream_open(client, &listen, &stream, &error) != LD_OK) {
        fprintf(stderr, "listen: %s\n", error.text);
        return 1;
    }
    return ld_client_run(client, -1) == LD_OK ? 0 : 1; /* for ever: it reconnects by itself */
}
