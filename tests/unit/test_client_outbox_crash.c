/*
 * Programs with an outbox, killed at random moments, while the router comes and goes: every event
 * whose keeping was said is in the log exactly once, in order.
 *
 *   this program           the parent: the real router in this process, kills and starts children
 *   … put ENDPOINT FILE N  a child: puts events N, N + 1 … and says each that is kept on descriptor
 * 3 … drain ENDPOINT FILE  a child: runs until nothing waits any more
 *
 * LIANDONG_SEED repeats a run, LIANDONG_TESTS=full makes it ten times as long.
 */
#include "bus_world.h"

#include <liandong.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILLS = 200, SAID_MOST = 200, BURST_MOST = 20, NUMBERS = 16 << 20, PIPE_END = 3 };

/* ---- children ---- */

static void say_kept(const struct ld_published *kept, void *data)
{
    uint32_t number = (uint32_t)(uintptr_t)data;
    if (kept->code != LD_OK || write(PIPE_END, &number, sizeof number) != sizeof number)
        _exit(3);
}

static void put_burst(struct ld_outbox *outbox, uint32_t *number)
{
    uint32_t count = 1 + *number * 2654435761u % BURST_MOST;
    for (uint32_t i = 0; i < count; i++, (*number)++) {
        struct ld_event event = {
            .topic = "crash/a", .payload = number, .payload_size = sizeof *number};
        if (ld_outbox_put(outbox, &event, say_kept, (void *)(uintptr_t)*number, NULL) != LD_OK)
            _exit(4);
    }
}

static int run_child(char **arguments)
{
    struct ld_client_options options;
    struct ld_outbox_options box;
    struct ld_client *client;
    struct ld_outbox *outbox;
    struct ld_outbox_state state = {.waiting = 1};
    struct ld_error error;
    bool drains = strcmp(arguments[0], "drain") == 0;
    ld_client_options_init(&options);
    options.endpoint = arguments[1];
    options.identity = "3303.health";
    ld_outbox_options_init(&box);
    box.path = arguments[2];
    if (ld_client_open(&options, &client, &error) != LD_OK ||
        ld_outbox_open(client, &box, &outbox, &error) != LD_OK) {
        fprintf(stderr, "child: %s\n", error.text);
        return 2;
    }
    uint32_t number = drains ? 0 : (uint32_t)strtoul(arguments[3], NULL, 10);
    while (state.waiting > 0 || !drains) {
        if (!drains)
            put_burst(outbox, &number);
        (void)ld_client_run(client, drains ? 10000 : 0);
        if (!drains && ld_outbox_wait_kept(outbox, -1, &error) != LD_OK)
            return 5;
        ld_outbox_get_state(outbox, &state);
    }
    ld_client_close(client, NULL, NULL);
    return 0;
}

/* ---- the parent ---- */

struct parent {
    struct bus bus;
    char folder[64], path[96];
    uint64_t random;
    pid_t child;
    int child_status;
    uv_poll_t poll;
    int said_end;  /* where the child says what it has kept */
    uint8_t *said; /* by number */
    uint32_t first, last_said, said_by_child, wanted;
    bool ended; /* the pipe */
    /* the log */
    struct ld_client *client;
    uint64_t events, missing;
    uint32_t last;
    bool out_of_order, finished, closed;
};

static uint32_t draw(struct parent *parent, uint32_t below)
{
    parent->random = parent->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(parent->random >> 33) % below;
}

static void on_said(uv_poll_t *poll, int status, int events)
{
    struct parent *parent = poll->data;
    uint32_t numbers[256];
    (void)status;
    (void)events;
    ssize_t size = read(parent->said_end, numbers, sizeof numbers);
    if (size <= 0) {
        parent->ended = true;
        uv_poll_stop(poll);
        return;
    }
    assert_int_equal(size % (ssize_t)sizeof *numbers, 0);
    for (size_t i = 0; i < (size_t)size / sizeof *numbers; i++) {
        assert_true(numbers[i] > parent->last_said && numbers[i] < NUMBERS);
        parent->last_said = numbers[i];
        parent->said[numbers[i]] = 1;
    }
    parent->said_by_child += (uint32_t)((size_t)size / sizeof *numbers);
}

static void start_child(struct parent *parent, const char *what, uint32_t first)
{
    char number[16];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    snprintf(number, sizeof number, "%u", first);
    parent->said_by_child = 0;
    parent->ended = false;
    parent->said_end = ends[0];
    parent->child = fork();
    if (parent->child == 0) {
        dup2(ends[1], PIPE_END);
        for (int other = PIPE_END + 1; other < 256; other++)
            close(other);
        execl("/proc/self/exe", "child", what, parent->bus.endpoint, parent->path, number, NULL);
        _exit(9);
    }
    close(ends[1]);
    uv_poll_init(&parent->bus.loop, &parent->poll, parent->said_end);
    parent->poll.data = parent;
    uv_poll_start(&parent->poll, UV_READABLE, on_said);
}

static bool enough_said(void *data)
{
    const struct parent *parent = data;
    return parent->said_by_child >= parent->wanted || parent->ended;
}

static bool child_has_ended(void *data)
{
    const struct parent *parent = data;
    return parent->ended;
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct parent *parent = handle->data;
    parent->closed = true;
}

static bool poll_is_closed(void *data)
{
    const struct parent *parent = data;
    return parent->closed;
}

static int end_child(struct parent *parent)
{
    int status;
    bus_run_until(&parent->bus, child_has_ended, parent); /* all that it had said */
    assert_int_equal(waitpid(parent->child, &status, 0), parent->child);
    parent->closed = false;
    uv_close((uv_handle_t *)&parent->poll, on_poll_closed);
    bus_run_until(&parent->bus, poll_is_closed, parent);
    close(parent->said_end);
    return status;
}

static void toggle_router(struct parent *parent)
{
    if (parent->bus.router != NULL)
        bus_stop_router(&parent->bus);
    else
        bus_start_router(&parent->bus);
}

/* Numbers rise over all children: what one has put and not said is less than a burst. */
static void kill_one(struct parent *parent)
{
    uint32_t used = parent->last_said > parent->first ? parent->last_said : parent->first;
    parent->first = used + BURST_MOST + 1;
    start_child(parent, "put", parent->first);
    parent->wanted = draw(parent, 4) == 0 ? 0 : draw(parent, SAID_MOST);
    if (draw(parent, 3) == 0) {
        parent->wanted /= 2;
        bus_run_until(&parent->bus, enough_said, parent);
        parent->wanted *= 2;
        toggle_router(parent);
    }
    bus_run_until(&parent->bus, enough_said, parent);
    assert_false(parent->ended); /* it did not end by itself */
    kill(parent->child, SIGKILL);
    int status = end_child(parent);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* ---- the log ---- */

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    struct parent *parent = data;
    uint32_t number;
    (void)stream;
    if (record->topic_size != 7 || memcmp(record->topic, "crash/a", 7) != 0) {
        parent->finished |= record->topic_size == 7; /* "crash/z", the last one */
        return;
    }
    memcpy(&number, record->payload, sizeof number);
    if (number <= parent->last)
        parent->out_of_order = true; /* or twice */
    parent->last = number;
    parent->events++;
    parent->said[number] = 0;
}

static bool is_finished(void *data)
{
    const struct parent *parent = data;
    return parent->finished;
}

static void on_closed(void *data)
{
    struct parent *parent = data;
    parent->closed = true;
}

static void read_log(struct parent *parent)
{
    struct ld_client_options options;
    struct ld_stream_options listen;
    struct ld_stream *stream;
    struct ld_producer *producer;
    struct ld_event last = {.topic = "crash/z"};
    ld_client_options_init(&options);
    options.endpoint = parent->bus.endpoint;
    options.identity = "3303.health";
    options.loop = &parent->bus.loop;
    ld_stream_options_init(&listen);
    listen.event = on_event;
    listen.data = parent;
    assert_int_equal(ld_client_open(&options, &parent->client, NULL), LD_OK);
    assert_int_equal(
        ld_producer_open(parent->client, "3303.health#last", NULL, NULL, &producer, NULL), LD_OK);
    assert_int_equal(ld_publish(producer, &last, NULL, NULL, NULL), LD_OK);
    assert_int_equal(ld_stream_open(parent->client, &listen, &stream, NULL), LD_OK);
    bus_run_until(&parent->bus, is_finished, parent);
    parent->closed = false;
    ld_client_close(parent->client, on_closed, parent);
    bus_run_until(&parent->bus, poll_is_closed, parent);
}

static void test_kept_events_survive_kills(void **state)
{
    struct parent *parent = *state;
    const char *seed = getenv("LIANDONG_SEED"), *length = getenv("LIANDONG_TESTS");
    uint32_t kills = length != NULL && strcmp(length, "full") == 0 ? 10 * KILLS : KILLS;
    parent->random = seed != NULL ? (uint64_t)strtoull(seed, NULL, 10) : (uint64_t)uv_hrtime();
    printf("LIANDONG_SEED=%llu\n", (unsigned long long)parent->random);
    parent->said = calloc(NUMBERS, 1);
    assert_non_null(parent->said);
    uint64_t said = 0;
    for (uint32_t i = 0; i < kills; i++) {
        kill_one(parent);
        said += parent->said_by_child;
    }
    if (parent->bus.router == NULL)
        bus_start_router(&parent->bus);
    start_child(parent, "drain", 0);
    assert_int_equal(end_child(parent), 0);
    read_log(parent);
    for (size_t i = 0; i < NUMBERS; i++)
        parent->missing += parent->said[i];
    printf("%u kills, %llu kept, %llu in the log\n", kills, (unsigned long long)said,
           (unsigned long long)parent->events);
    assert_int_equal(parent->missing, 0);
    assert_false(parent->out_of_order);
    assert_true(parent->events >= said && said > kills);
}

static int setup(void **state)
{
    struct parent *parent = calloc(1, sizeof *parent);
    bus_open(&parent->bus, false);
    snprintf(parent->folder, sizeof parent->folder, "/tmp/liandong-outbox-XXXXXX");
    assert_non_null(mkdtemp(parent->folder));
    snprintf(parent->path, sizeof parent->path, "%s/box", parent->folder);
    *state = parent;
    return 0;
}

static int teardown(void **state)
{
    struct parent *parent = *state;
    bus_close(&parent->bus);
    bus_remove_directory(parent->folder);
    free(parent->said);
    free(parent);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept_events_survive_kills, setup, teardown),
    };
    if (argc > 1)
        return run_child(argv + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
