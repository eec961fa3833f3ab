/* The outbox against the fake router: keeping, publishing once and in order, refusals, bounds. */
#include "outbox_world.h"

#include <sys/wait.h>

/* ---- keeping and publishing ---- */

static void test_events_are_kept_published_and_removed(void **state)
{
    struct outbox_world *box = *state;
    struct listed listed;
    struct ld_outbox_state now;
    open_box(box);
    put_many(box, "report/330302/cholera", 1000);
    assert_int_equal(box->kept, 0); /* always later */
    ld_outbox_get_state(box->outbox, &now);
    assert_int_equal(now.unkept, 1000);
    until(box, all_kept);
    assert_int_equal(box->kept_codes[LD_OK], 1000);
    until_settled(box, 1000);
    assert_int_equal(box->settled_codes[LD_OK], 1000);
    expect_log(box, 1000);
    ld_outbox_get_state(box->outbox, &now);
    assert_int_equal(now.unkept, 0);
    assert_int_equal(now.waiting, 0);
    assert_int_equal(now.refused, 0);
    assert_int_equal(now.bytes, 0);
    assert_true(now.bound);
    assert_int_equal(now.log_id[0], 7);
    assert_memory_equal(now.producer, "3303.health#outbox-", 19);
    close_box(box);
    expect_file(box, 0, 0, &listed);
}

static void test_kept_events_survive_until_the_router_is_there(void **state)
{
    struct outbox_world *box = *state;
    struct listed listed;
    stop_fake(&box->world);
    for (int run = 1; run <= 3; run++) {
        open_box(box);
        put_many(box, "a/b", 100);
        until(box, all_kept);
        close_box(box);
        expect_file(box, 100 * (uint64_t)run, 0, &listed);
    }
    fake_open_again(&box->world.fake);
    open_box(box);
    put_many(box, "a/b", 100);
    until_settled(box, 400);
    expect_log(box, 400);
    assert_int_equal(box->settled_codes[LD_OK], 400);
}

static void test_exercise_stays_exercise(void **state)
{
    struct outbox_world *box = *state;
    struct ld_record record;
    stop_fake(&box->world);
    open_box(box);
    assert_int_equal(put_event(box, "a/b", LD_RECORD_EXERCISE), LD_OK);
    assert_int_equal(put_event(box, "a/c", 0), LD_OK);
    close_box(box);
    fake_open_again(&box->world.fake);
    open_box(box);
    until_settled(box, 2);
    fake_record(&box->world.fake, 1, &record);
    assert_int_equal(record.flags, LD_RECORD_EXERCISE);
    fake_record(&box->world.fake, 2, &record);
    assert_int_equal(record.flags, 0);
    assert_memory_equal(record.topic, "a/c", 3);
}

static bool all_came(struct world *world)
{
    const struct outbox_world *box = (const struct outbox_world *)world;
    return world->fake.records >= box->put;
}

/* The answer was lost with the process: published again, dropped as a duplicate. */
static void test_lost_answers_double_nothing(void **state)
{
    struct outbox_world *box = *state;
    struct listed listed;
    box->world.fake.publish = FAKE_KEEP_SILENT;
    open_box(box);
    put_many(box, "a/b", 10);
    until(box, all_came);
    close_box(box);
    assert_int_equal(box->settled, 0);
    box->world.fake.publish = FAKE_ACCEPT;
    open_box(box);
    put_many(box, "a/b", 10);
    until_settled(box, 20);
    assert_int_equal(box->settled_codes[LD_OK] + box->settled_codes[LD_DUPLICATE], 20);
    expect_log(box, 20);
    close_box(box);
    expect_file(box, 0, 0, &listed);
}

/* Emptied, and the router not there: what is put now must not get a sequence that the log has. */
static void test_sequences_are_never_used_again(void **state)
{
    struct outbox_world *box = *state;
    open_box(box);
    put_many(box, "a/b", 5);
    until_settled(box, 5);
    close_box(box);
    stop_fake(&box->world);
    open_box(box);
    put_many(box, "a/b", 5);
    close_box(box);
    open_box(box);
    put_many(box, "a/b", 5);
    fake_open_again(&box->world.fake);
    until_settled(box, 10);
    expect_log(box, 15);
}

/* The file is lost: a new one is another producer, so nothing of it is taken for a duplicate. */
static void test_a_new_file_is_a_new_producer(void **state)
{
    struct outbox_world *box = *state;
    open_box(box);
    put_many(box, "a/b", 5);
    until_settled(box, 5);
    close_box(box);
    assert_int_equal(unlink(box->path), 0);
    open_box(box);
    put_many(box, "a/b", 5);
    until_settled(box, 5);
    expect_log(box, 10);
}

static void test_more_than_memory_may_hold(void **state)
{
    struct outbox_world *box = *state;
    struct ld_client_options options;
    stop_fake(&box->world);
    for (int run = 0; run < 2; run++) {
        client_options(&box->world, &options);
        options.queue_bytes = 20000; /* 200 events and more are waiting */
        assert_int_equal(ld_client_open(&options, &box->world.client, NULL), LD_OK);
        box->world.closed = false;
        assert_int_equal(try_open(box, NULL), LD_OK);
        while (box->put < 1500 * (uint32_t)(run + 1))
            if (put_event(box, "a/b", 0) == LD_BUSY)
                until(box, all_kept);
        until(box, all_kept);
        if (run == 0)
            close_box(box);
    }
    fake_open_again(&box->world.fake);
    until_settled(box, 3000);
    expect_log(box, 3000);
}

static void test_putting_from_callbacks(void **state)
{
    struct outbox_world *box = *state;
    open_box(box);
    box->put_until = 100;
    put_many(box, "a/b", 1);
    until_settled(box, 100);
    expect_log(box, 100);
}

/* ---- closing ---- */

static void test_closing_keeps_what_was_put(void **state)
{
    struct outbox_world *box = *state;
    struct listed listed;
    box->world.fake.publish = FAKE_HOLD;
    open_box(box);
    put_many(box, "a/b", 100);
    close_box(box);
    assert_int_equal(box->kept_codes[LD_OK], 100);
    assert_int_equal(box->settled, 0);
    expect_file(box, 100, 0, &listed);
}

static void test_closing_from_a_callback(void **state)
{
    struct outbox_world *box = *state;
    struct listed listed;
    box->world.fake.publish = FAKE_HOLD;
    open_box(box);
    put_many(box, "a/b", 10);
    box->close_at_kept = 3;
    run_until(&box->world, is_closed);
    assert_int_equal(box->kept_codes[LD_OK], 10);
    expect_file(box, 10, 0, &listed);
}

static void test_forked_children_are_told(void **state)
{
    struct outbox_world *box = *state;
    int status;
    open_box(box);
    pid_t child = fork();
    if (child == 0)
        _exit(put_event(box, "a/b", 0));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), LD_FORKED);
}

/* ---- refusals ---- */

static void test_refused_events_are_kept_apart(void **state)
{
    struct outbox_world *box = *state;
    struct listed listed;
    size_t count = 0;
    box->world.fake.publish = FAKE_REFUSE_BAD;
    open_box(box);
    put_many(box, "good/a", 3);
    put_many(box, "bad/b", 2);
    put_many(box, "good/c", 1);
    until_settled(box, 6);
    assert_int_equal(box->settled_codes[LD_OK], 4);
    assert_int_equal(box->settled_codes[LD_REFUSED], 2);
    close_box(box);
    assert_int_equal(box->world.fake.head, 4);
    expect_file(box, 0, 2, &listed);
    assert_int_equal(listed.code, LD_REFUSED);
    assert_string_equal(listed.reason, "because");
    /* They are not sent again by themselves. */
    open_box(box);
    put_many(box, "good/a", 1);
    until_settled(box, 1);
    close_box(box);
    expect_file(box, 0, 2, &listed);
    /* One is dropped, the other tried again, behind all others. */
    assert_int_equal(ld_outbox_amend(box->path, LD_OUTBOX_DROP, listed.last_sequence, &count, NULL),
                     LD_OK);
    assert_int_equal(count, 1);
    assert_int_equal(ld_outbox_amend(box->path, LD_OUTBOX_DROP, listed.last_sequence, &count, NULL),
                     LD_NOTFOUND);
    assert_int_equal(ld_outbox_amend(box->path, LD_OUTBOX_RETRY, 0, &count, NULL), LD_OK);
    assert_int_equal(count, 1);
    expect_file(box, 1, 0, &listed);
    box->world.fake.publish = FAKE_ACCEPT;
    open_box(box);
    until_settled(box, 1);
    assert_int_equal(box->world.fake.head, 6);
    assert_int_equal(number_at(box, 6), 4);
}

static bool refusals_came(struct world *world)
{
    return world->fake.records >= 20;
}

/* The router has no space, then has: nothing is refused, nothing overtakes. */
static void test_what_may_pass_is_waited_for(void **state)
{
    struct outbox_world *box = *state;
    const int codes[] = {LD_NOSPACE, LD_IO, LD_UNKNOWN, LD_BUSY};
    open_box(box);
    for (uint32_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        box->world.fake.publish = FAKE_REFUSE;
        box->world.fake.refuse_code = codes[i];
        box->world.fake.records = 0;
        put_many(box, "a/b", 20);
        until(box, refusals_came);
        assert_int_equal(box->settled, 20 * i);
        box->world.fake.publish = FAKE_ACCEPT;
        if (codes[i] == LD_IO || codes[i] == LD_UNKNOWN) /* waits for another session */
            fake_forget_sessions(&box->world.fake);
        until_settled(box, 20 * (i + 1));
    }
    expect_log(box, 80);
    assert_int_equal(box->settled_codes[LD_OK], 80);
}

static void test_a_refused_producer_is_tried_in_the_next_session(void **state)
{
    struct outbox_world *box = *state;
    box->world.fake.refuse_producer = LD_DENIED;
    open_box(box);
    put_many(box, "a/b", 10);
    until(box, is_held);
    assert_int_equal(box->held, LD_DENIED);
    assert_int_equal(box->settled, 0);
    box->world.fake.refuse_producer = LD_OK;
    fake_forget_sessions(&box->world.fake);
    until_settled(box, 10);
    assert_int_equal(box->held, LD_OK);
    expect_log(box, 10);
}

static void test_a_fenced_producer_is_opened_again(void **state)
{
    struct outbox_world *box = *state;
    open_box(box);
    put_many(box, "a/b", 5);
    until_settled(box, 5);
    box->world.fake.publish = FAKE_REFUSE;
    box->world.fake.refuse_code = LD_FENCED;
    put_many(box, "a/b", 5);
    until(box, is_held);
    assert_int_equal(box->held, LD_FENCED);
    box->world.fake.publish = FAKE_ACCEPT;
    until_settled(box, 10);
    expect_log(box, 10);
}

/* ---- bounds ---- */

static void test_wrong_events_are_refused_at_once(void **state)
{
    struct outbox_world *box = *state;
    static uint8_t big[LD_PAYLOAD_SIZE_MAX + 1];
    open_box(box);
    struct ld_event event = {.topic = "Not/a topic"};
    assert_int_equal(ld_outbox_put(box->outbox, &event, box_kept, box, NULL), LD_INVALID);
    event = (struct ld_event){.topic = "a/b", .payload = big, .payload_size = sizeof big};
    assert_int_equal(ld_outbox_put(box->outbox, &event, box_kept, box, NULL), LD_TOOBIG);
    event = (struct ld_event){.topic = "a/b", .producer_sequence = 7};
    assert_int_equal(ld_outbox_put(box->outbox, &event, box_kept, box, NULL), LD_INVALID);
    event = (struct ld_event){.topic = "a/b", .payload = big, .payload_size = sizeof big - 1};
    assert_int_equal(ld_outbox_put(box->outbox, &event, box_kept, box, NULL), LD_OK);
    box->put++;
    until_settled(box, 1);
    assert_int_equal(box->kept, 1);
}

static void test_the_file_is_bounded(void **state)
{
    struct outbox_world *box = *state;
    struct ld_error error;
    uint32_t number = 0;
    struct ld_event event = {.topic = "a/b", .payload = &number, .payload_size = sizeof number};
    stop_fake(&box->world);
    box->options.events_max = 10;
    open_box(box);
    put_many(box, "a/b", 10);
    assert_int_equal(ld_outbox_put(box->outbox, &event, NULL, NULL, &error), LD_BUSY);
    assert_non_null(strstr(error.text, "10 events wait"));
    close_box(box);
    box->options.events_max = 100;
    box->options.bytes_max = 12 * ld_record_size(3, sizeof number);
    open_box(box);
    put_many(box, "a/b", 2);
    assert_int_equal(put_event(box, "a/b", 0), LD_BUSY);
    fake_open_again(&box->world.fake);
    until_settled(box, 12);
    put_many(box, "a/b", 1);
    until_settled(box, 13);
    expect_log(box, 13);
}

/* ---- logs and copies ---- */

static void test_another_log_is_noticed(void **state)
{
    struct outbox_world *box = *state;
    struct listed listed;
    open_box(box);
    put_many(box, "a/b", 5);
    until_settled(box, 5);
    stop_fake(&box->world);
    put_many(box, "a/b", 5);
    box->world.fake.log_byte = 9;
    fake_open_again(&box->world.fake);
    until(box, is_held);
    assert_int_equal(box->held, LD_REFUSED);
    assert_int_equal(box->world.fake.head, 5);
    put_many(box, "a/b", 5);
    until(box, all_kept); /* it goes on keeping */
    assert_int_equal(ld_outbox_amend(box->path, LD_OUTBOX_REBIND, 0, NULL, NULL), LD_LOCKED);
    close_box(box);
    expect_file(box, 10, 0, &listed);
    assert_int_equal(ld_outbox_amend(box->path, LD_OUTBOX_REBIND, 0, NULL, NULL), LD_OK);
    open_box(box);
    until_settled(box, 10);
    expect_log(box, 15);
}

static void copy_file(const char *from, const char *to)
{
    static char bytes[1 << 20];
    FILE *source = fopen(from, "rb"), *target = fopen(to, "wb");
    assert_true(source != NULL && target != NULL);
    size_t size = fread(bytes, 1, sizeof bytes, source);
    assert_int_equal(fwrite(bytes, 1, size, target), size);
    fclose(source);
    fclose(target);
}

static void keep_without_router(struct outbox_world *box, int count)
{
    stop_fake(&box->world);
    open_box(box);
    put_many(box, "a/b", count);
    close_box(box);
}

/* A backup taken with events in it, brought back when they had been published: nothing doubles. */
static void test_a_restored_backup_doubles_nothing(void **state)
{
    struct outbox_world *box = *state;
    char backup[128];
    snprintf(backup, sizeof backup, "%s.backup", box->path);
    keep_without_router(box, 10);
    copy_file(box->path, backup);
    fake_open_again(&box->world.fake);
    open_box(box);
    until_settled(box, 10);
    close_box(box);
    copy_file(backup, box->path);
    open_box(box);
    put_many(box, "a/b", 5);
    until_settled(box, 15);
    expect_log(box, 15);
}

/* The original has published events that the backup does not know: what may be among them is set
 * aside, what is new goes on. */
static void test_an_old_copy_is_noticed(void **state)
{
    struct outbox_world *box = *state;
    struct listed listed;
    char backup[128];
    snprintf(backup, sizeof backup, "%s.backup", box->path);
    keep_without_router(box, 10);
    copy_file(box->path, backup);
    fake_open_again(&box->world.fake);
    open_box(box);
    put_many(box, "a/b", 5);
    until_settled(box, 15);
    close_box(box);
    copy_file(backup, box->path);
    open_box(box);
    put_many(box, "a/b", 3);
    until_settled(box, 3);
    assert_true(box->held_count >= 2); /* said, and over */
    assert_int_equal(box->held, LD_OK);
    expect_log(box, 18);
    close_box(box);
    expect_file(box, 0, 10, &listed);
    assert_int_equal(listed.code, LD_UNKNOWN);
    assert_non_null(strstr(listed.reason, "copy of this outbox"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_box, teardown_box)
        TEST(test_events_are_kept_published_and_removed),
        TEST(test_kept_events_survive_until_the_router_is_there),
        TEST(test_exercise_stays_exercise),
        TEST(test_lost_answers_double_nothing),
        TEST(test_sequences_are_never_used_again),
        TEST(test_a_new_file_is_a_new_producer),
        TEST(test_more_than_memory_may_hold),
        TEST(test_putting_from_callbacks),
        TEST(test_closing_keeps_what_was_put),
        TEST(test_closing_from_a_callback),
        TEST(test_forked_children_are_told),
        TEST(test_refused_events_are_kept_apart),
        TEST(test_what_may_pass_is_waited_for),
        TEST(test_a_refused_producer_is_tried_in_the_next_session),
        TEST(test_a_fenced_producer_is_opened_again),
        TEST(test_wrong_events_are_refused_at_once),
        TEST(test_the_file_is_bounded),
        TEST(test_another_log_is_noticed),
        TEST(test_a_restored_backup_doubles_nothing),
        TEST(test_an_old_copy_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
