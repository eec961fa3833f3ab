/* libliandong on the caller's loop: the link, publishing, questions, closing, owner. */
#include "client_world.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- opening ---- */

static void test_bad_options_are_refused(void **state)
{
    struct world *world = *state;
    struct ld_client_options options;
    struct ld_error error;
    client_options(world, &options);
    options.endpoint = NULL;
    assert_int_equal(ld_client_open(&options, &world->client, &error), LD_INVALID);
    options.endpoint = "nonsense";
    assert_int_equal(ld_client_open(&options, &world->client, &error), LD_INVALID);
    assert_non_null(strstr(error.text, "nonsense"));
    options.loop = NULL;
    assert_int_equal(ld_client_open(&options, &world->client, &error), LD_INVALID);
    options.endpoint = world->fake.endpoint;
    options.identity = "";
    assert_int_equal(ld_client_open(&options, &world->client, &error), LD_INVALID);
    world->client = NULL;
}

static void test_link_comes_up(void **state)
{
    struct world *world = *state;
    open_client(world);
    run_until(world, is_up);
    struct ld_client_state state_now;
    ld_client_get_state(world->client, &state_now);
    assert_int_equal(state_now.link, LD_LINK_UP);
    assert_int_equal(state_now.incarnation, 1);
    assert_int_equal(state_now.first_sequence, 1);
    assert_int_equal(state_now.log_id[15], 7);
    assert_int_equal(state_now.router_time_us, 1234567);
    assert_int_equal(state_now.reconnects, 0);
    assert_false(state_now.drill);
    close_client(world);
    assert_int_equal(world->link_changes[LD_LINK_CLOSED], 1);
}

static bool goodbye_said(struct world *world)
{
    return world->fake.goodbyes == 1;
}

static void test_closing_says_goodbye(void **state)
{
    struct world *world = *state;
    open_client(world);
    run_until(world, is_up);
    close_client(world);
    run_until(world, goodbye_said);
}

static void test_router_that_is_not_running_is_waited_for(void **state)
{
    struct world *world = *state;
    stop_fake(world);
    open_client(world);
    open_producer(world);
    publish_many(world, "report/330302/cholera", 10);
    for (int i = 0; i < 3; i++)
        uv_run(&world->loop, UV_RUN_NOWAIT);
    assert_int_equal(world->answers, 0);
    fake_open_again(&world->fake);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_OK], 10);
    assert_int_equal(world->fake.head, 10);
}

static bool hello_refused(struct world *world)
{
    return strstr(world->link_reason, "refuses 3303.health: because") != NULL;
}

static void test_refused_identity_is_told_and_tried_again(void **state)
{
    struct world *world = *state;
    world->fake.refuse_hello = LD_DENIED;
    open_client(world);
    run_until(world, hello_refused);
    assert_int_equal(world->link, LD_LINK_CONNECTING);
    world->fake.refuse_hello = LD_OK;
    run_until(world, is_up);
}

/* ---- publishing ---- */

static void test_publish_is_answered_once_in_order(void **state)
{
    struct world *world = *state;
    open_client(world);
    open_producer(world);
    publish_many(world, "report/330302/cholera", 1000);
    assert_int_equal(world->answers, 0); /* always later */
    run_until(world, is_answered);
    assert_int_equal(world->ready_count, 1);
    assert_int_equal(world->ready_last, 0);
    assert_int_equal(world->answered[LD_OK], 1000);
    assert_false(world->answers_out_of_order);
    assert_int_equal(world->last_sequence, 1000);
    assert_int_equal(world->last_answered, 1000);
    assert_in_range(world->fake.publishes, 1, 10); /* many events in one message */
    struct ld_client_state state_now;
    ld_client_get_state(world->client, &state_now);
    assert_int_equal(state_now.unanswered, 0);
    assert_int_equal(state_now.head, 1000);
}

static void test_record_is_what_was_published(void **state)
{
    struct world *world = *state;
    open_client(world);
    open_producer(world);
    struct ld_event event = {.topic = "report/330302/cholera",
                             .payload = "\0\1\2",
                             .payload_size = 3,
                             .flags = LD_RECORD_EXERCISE,
                             .producer_sequence = 77};
    assert_int_equal(ld_publish(world->producer, &event, on_published, world, NULL), LD_OK);
    world->published++;
    run_until(world, is_answered);
    struct ld_record record;
    fake_record(&world->fake, 1, &record);
    assert_int_equal(record.producer, ld_producer_id_of(world->producer));
    assert_int_equal(record.producer_sequence, 77);
    assert_int_equal(record.payload_size, 3);
    assert_memory_equal(record.payload, "\0\1\2", 3);
    assert_int_equal(record.topic_size, strlen(event.topic));
    assert_memory_equal(record.topic, event.topic, record.topic_size);
    assert_int_equal(publish(world, "a/b"), LD_OK);
    run_until(world, is_answered);
    assert_int_equal(world->last_answered, 78); /* the next one by itself */
}

static void test_wrong_events_are_refused_at_once(void **state)
{
    struct world *world = *state;
    static uint8_t big[LD_PAYLOAD_SIZE_MAX + 1];
    struct ld_error error;
    open_client(world);
    open_producer(world);
    struct ld_event event = {.topic = "Not/a topic"};
    assert_int_equal(ld_publish(world->producer, &event, on_published, world, &error), LD_INVALID);
    event = (struct ld_event){.topic = "a/b", .payload = big, .payload_size = sizeof big};
    assert_int_equal(ld_publish(world->producer, &event, on_published, world, &error), LD_TOOBIG);
    event = (struct ld_event){.topic = "a/b", .flags = 0x8000};
    assert_int_equal(ld_publish(world->producer, &event, on_published, world, &error), LD_INVALID);
    assert_int_equal(publish_at(world, "a/b", 5, on_published, world), LD_OK);
    assert_int_equal(publish_at(world, "a/b", 5, on_published, world), LD_INVALID);
    assert_int_equal(publish_at(world, "a/b", 4, on_published, world), LD_INVALID);
    assert_int_equal(publish_at(world, "a/b", 6, on_published, world), LD_OK);
    run_until(world, is_answered);
    assert_int_equal(world->answers, 2);
    event = (struct ld_event){.topic = "a/b", .payload = big, .payload_size = sizeof big - 1};
    assert_int_equal(ld_publish(world->producer, &event, on_published, world, &error), LD_OK);
    world->published++;
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_OK], 3);
}

static void test_sequences_follow_the_log(void **state)
{
    struct world *world = *state;
    open_client(world);
    open_producer(world);
    publish_many(world, "a/b", 5);
    run_until(world, is_answered);
    close_client(world);
    world->last_answered = 0;
    open_client(world);
    open_producer(world);
    /* In the log before this producer was opened: truly duplicates. */
    assert_int_equal(publish_at(world, "a/b", 4, on_published, world), LD_OK);
    assert_int_equal(publish_at(world, "a/b", 5, on_published, world), LD_OK);
    assert_int_equal(publish(world, "a/b"), LD_OK);
    run_until(world, is_answered);
    assert_int_equal(world->ready_last, 5);
    assert_int_equal(world->answered[LD_DUPLICATE], 2);
    assert_int_equal(world->answered[LD_OK], 6);
    assert_int_equal(world->last_answered, 6);
    assert_int_equal(world->fake.head, 6);
}

static void test_refusal_comes_with_its_reason(void **state)
{
    struct world *world = *state;
    world->fake.publish = FAKE_REFUSE_BAD;
    open_client(world);
    open_producer(world);
    publish_many(world, "good/a", 3);
    publish_many(world, "bad/b", 2);
    publish_many(world, "good/c", 1);
    publish_many(world, "bad/d", 1);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_OK], 4);
    assert_int_equal(world->answered[LD_REFUSED], 3);
    assert_string_equal(world->reason, "because");
    assert_false(world->answers_out_of_order);
    assert_int_equal(world->last_sequence, 4);
}

static void test_busy_router_is_asked_again_in_order(void **state)
{
    struct world *world = *state;
    world->fake.publish = FAKE_BUSY_ONCE;
    world->fake.batch_size_max = 1000; /* many messages under way */
    open_client(world);
    open_producer(world);
    run_until(world, is_ready);
    publish_many(world, "a/b", 200);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_OK], 200);
    assert_int_equal(world->fake.head,
                     200); /* nothing overtook the refused and made it a duplicate */
    assert_false(world->answers_out_of_order);
}

static void publish_for_refused(const struct ld_published *published, void *data)
{
    on_published(published, data);
    if (published->code == LD_NOSPACE)
        assert_int_equal(publish(data, "a/b"), LD_OK);
}

/* Refusals that the caller hears: what he publishes then waits until all of them are known. */
static void test_full_disk_is_heard_once(void **state)
{
    struct world *world = *state;
    world->fake.publish = FAKE_BUSY_ONCE;
    world->fake.refuse_code = LD_NOSPACE;
    world->fake.batch_size_max = 100; /* more messages than one turn reads */
    open_client(world);
    open_producer(world);
    run_until(world, is_ready);
    for (uint64_t i = 1; i <= 200; i++)
        assert_int_equal(publish_at(world, "a/b", 0, publish_for_refused, world), LD_OK);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_NOSPACE], 200);
    assert_int_equal(world->answered[LD_OK], 200);
    assert_int_equal(world->fake.head, 200);
    assert_false(world->answers_out_of_order);
}

static void publish_for_first_answer(const struct ld_published *published, void *data)
{
    struct world *world = data;
    on_published(published, data);
    if (published->producer_sequence == 1) { /* in ignorance of what the same answer says of 2 */
        assert_int_equal(published->code, LD_OK);
        assert_int_equal(publish(world, "a/b"), LD_OK);
    }
}

/* An event that was published before a refusal was heard, and not sent yet, must not get in before
 * the refused one comes again. */
static void test_nothing_overtakes_a_refused_event(void **state)
{
    struct world *world = *state;
    world->fake.publish = FAKE_REFUSE_BAD;
    world->fake.refuse_code = LD_NOSPACE;
    open_client(world);
    open_producer(world);
    run_until(world, is_ready);
    assert_int_equal(publish_at(world, "a/b", 1, publish_for_first_answer, world), LD_OK);
    assert_int_equal(publish(world, "bad/b"), LD_OK);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_OK], 1);
    assert_int_equal(world->answered[LD_NOSPACE], 2);
    assert_int_equal(world->fake.head, 1);
    assert_string_equal(world->reason, "because");
    assert_int_equal(publish(world, "a/b"), LD_OK); /* knowing it */
    run_until(world, is_answered);
    assert_int_equal(world->fake.head, 2);
    assert_false(world->answers_out_of_order);
}

static void test_queue_is_bounded(void **state)
{
    struct world *world = *state;
    struct ld_client_options options;
    client_options(world, &options);
    options.queue_bytes = 10000;
    assert_int_equal(ld_client_open(&options, &world->client, NULL), LD_OK);
    open_producer(world);
    int code;
    while ((code = publish(world, "a/b")) == LD_OK)
        continue;
    assert_int_equal(code, LD_BUSY);
    assert_in_range(world->published, 100, 200);
    run_until(world, is_answered);
    assert_int_equal(publish(world, "a/b"), LD_OK);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_OK], world->published);
}

static void publish_one_more(const struct ld_published *published, void *data)
{
    struct world *world = data;
    on_published(published, data);
    if (world->published < 100)
        assert_int_equal(publish_at(world, "a/b", 0, publish_one_more, world), LD_OK);
}

static void test_publish_from_its_own_callback(void **state)
{
    struct world *world = *state;
    open_client(world);
    open_producer(world);
    assert_int_equal(publish_at(world, "a/b", 0, publish_one_more, world), LD_OK);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_OK], 100);
}

/* ---- questions ---- */

struct answers {
    int status_count, status_code, advance_count, advance_code;
    char json[64];
    int64_t time_us;
};

static struct answers answers;

static void on_status(int code, const char *json, void *data)
{
    (void)data;
    answers.status_count++;
    answers.status_code = code;
    if (json != NULL)
        snprintf(answers.json, sizeof answers.json, "%s", json);
}

static void on_advanced(int code, int64_t time_us, uint64_t head, const char *reason, void *data)
{
    (void)head;
    (void)reason;
    (void)data;
    answers.advance_count++;
    answers.advance_code = code;
    answers.time_us = time_us;
}

static bool both_asked(struct world *world)
{
    (void)world;
    return answers.status_count == 1 && answers.advance_count == 1;
}

static void test_status_and_advance(void **state)
{
    struct world *world = *state;
    answers = (struct answers){0};
    open_client(world);
    assert_int_equal(ld_client_status(world->client, on_status, NULL, NULL), LD_OK);
    assert_int_equal(ld_client_advance(world->client, 5000, on_advanced, NULL, NULL), LD_OK);
    run_until(world, both_asked);
    assert_string_equal(answers.json, "{\"head\":1}");
    assert_int_equal(answers.time_us, 5000);
    answers = (struct answers){.status_count = 1};
    assert_int_equal(ld_client_advance(world->client, 1, on_advanced, NULL, NULL), LD_OK);
    run_until(world, both_asked);
    assert_int_equal(answers.advance_code, LD_REFUSED);
}

struct found {
    int count, code;
    uint64_t sequence, head;
    char reason[64];
};

static struct found found;

static void on_found(int code, uint64_t sequence, uint64_t head, const char *reason, void *data)
{
    assert_ptr_equal(data, &found);
    found.count++;
    found.code = code;
    found.sequence = sequence;
    found.head = head;
    snprintf(found.reason, sizeof found.reason, "%s", reason);
}

static bool has_found(struct world *world)
{
    (void)world;
    return found.count == 1;
}

static struct found find(struct world *world, int64_t time_us)
{
    found = (struct found){0};
    assert_int_equal(ld_client_find_time(world->client, time_us, on_found, &found, NULL), LD_OK);
    run_until(world, has_found);
    return found;
}

static void test_find_time(void **state)
{
    struct world *world = *state;
    open_client(world);
    world->fake.head = 9000;
    struct found got = find(world, 5000);
    assert_int_equal(got.code, LD_OK);
    assert_int_equal(got.sequence, 5001);
    assert_int_equal(got.head, 9000);
    assert_int_equal(find(world, -2).sequence, UINT64_MAX); /* signed on the way */
    world->fake.old = true;
    got = find(world, 5000);
    assert_int_equal(got.code, LD_PROTOCOL);
    assert_int_equal(got.sequence, 0);
    assert_string_not_equal(got.reason, "");
}

/* ---- closing ---- */

static bool nobody(struct world *world)
{
    (void)world;
    return true;
}

static void test_close_at_every_step(void **state)
{
    struct world *world = *state;
    bool (*const steps[])(struct world *) = {nobody, nobody, is_up, is_ready, records_came};
    for (size_t step = 0; step < sizeof steps / sizeof steps[0]; step++) {
        world->link = LD_LINK_CONNECTING;
        world->ready_count = 0;
        world->fake.records = 0;
        answers = (struct answers){0};
        open_client(world);
        if (step > 0) {
            open_producer(world);
            open_stream(world, LD_FROM_FIRST, NULL);
            world->last_answered = 0;
            publish_many(world, "a/b", 10);
            assert_int_equal(ld_client_status(world->client, on_status, NULL, NULL), LD_OK);
        }
        run_until(world, steps[step]);
        close_client(world);
        assert_int_equal(world->answers, world->published); /* exactly once each */
        assert_int_equal(answers.status_count, step > 0);
        assert_int_equal(world->ready_count, step > 0);
    }
}

static void close_from_answer(const struct ld_published *published, void *data)
{
    struct world *world = data;
    on_published(published, data);
    if (world->answers == 3)
        ld_client_close(world->client, on_closed, world);
    if (published->code == LD_CANCELLED)
        assert_int_equal(publish(world, "a/b"), LD_CLOSED);
}

static void test_close_from_a_completion(void **state)
{
    struct world *world = *state;
    world->fake.batch_size_max = 500;
    open_client(world);
    open_producer(world);
    run_until(world, is_ready);
    for (int i = 0; i < 100; i++)
        assert_int_equal(publish_at(world, "a/b", 0, close_from_answer, world), LD_OK);
    run_until(world, is_closed);
    assert_int_equal(world->answers, 100);
    assert_true(world->answered[LD_CANCELLED] > 0);
}

/* ---- owner ---- */

static void *use_from_thread(void *data)
{
    struct world *world = data;
    struct ld_event event = {.topic = "a/b"};
    return (void *)(intptr_t)ld_publish(world->producer, &event, NULL, NULL, NULL);
}

static void test_other_threads_are_told(void **state)
{
    struct world *world = *state;
    pthread_t thread;
    void *code;
    open_client(world);
    open_producer(world);
    assert_int_equal(pthread_create(&thread, NULL, use_from_thread, world), 0);
    pthread_join(thread, &code);
    assert_int_equal((intptr_t)code, LD_FORKED);
}

static void test_forked_children_are_told(void **state)
{
    struct world *world = *state;
    open_client(world);
    open_producer(world);
    run_until(world, is_ready);
    pid_t child = fork();
    if (child == 0) {
        struct ld_event event = {.topic = "a/b"};
        int code = ld_publish(world->producer, &event, NULL, NULL, NULL);
        ld_client_close(world->client, NULL, NULL);
        _exit(code);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), LD_FORKED);
    publish_many(world, "a/b", 1); /* the parent goes on */
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_OK], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_bad_options_are_refused),
        TEST(test_link_comes_up),
        TEST(test_closing_says_goodbye),
        TEST(test_router_that_is_not_running_is_waited_for),
        TEST(test_refused_identity_is_told_and_tried_again),
        TEST(test_publish_is_answered_once_in_order),
        TEST(test_record_is_what_was_published),
        TEST(test_wrong_events_are_refused_at_once),
        TEST(test_sequences_follow_the_log),
        TEST(test_refusal_comes_with_its_reason),
        TEST(test_busy_router_is_asked_again_in_order),
        TEST(test_full_disk_is_heard_once),
        TEST(test_nothing_overtakes_a_refused_event),
        TEST(test_queue_is_bounded),
        TEST(test_publish_from_its_own_callback),
        TEST(test_status_and_advance),
        TEST(test_find_time),
        TEST(test_close_at_every_step),
        TEST(test_close_from_a_completion),
        TEST(test_other_threads_are_told),
        TEST(test_forked_children_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
