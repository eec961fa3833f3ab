/* The I/O thread that a process shares: counted, and made anew in a child process. */
#include "test.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>
#include "zuv/zuv.h"

enum { USERS = 40 };

static size_t thread_count(void)
{
    size_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks))
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static void on_closed(void *data)
{
    ++*(int *)data;
}

static void on_message(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    (void)socket, (void)message;
    *(bool *)data = true;
}

static struct zuv_socket *open_socket(struct zuv *zuv, enum zuv_kind kind, bool *heard)
{
    struct zuv_options options;
    struct zuv_socket *socket;
    zuv_options_init(&options);
    options.message = on_message;
    options.data = heard;
    if (zuv_socket_open(zuv, kind, &options, &socket, &test_error) != LD_OK)
        abort();
    return socket;
}

/* Sends a message over TCP, which takes ZeroMQ's thread. */
static void use(uv_loop_t *loop, struct zuv *zuv)
{
    bool heard = false;
    int closed = 0;
    struct zuv_message message = {.count = 1};
    struct zuv_socket *listener = open_socket(zuv, ZUV_ROUTER, &heard);
    struct zuv_socket *caller = open_socket(zuv, ZUV_DEALER, &heard);
    if (zuv_bind(listener, "tcp://127.0.0.1:*", &test_error) != LD_OK ||
        zuv_connect(caller, zuv_endpoint(listener), &test_error) != LD_OK)
        abort();
    zuv_frame_copy(&message.frames[0], "x", 1);
    if (zuv_send(caller, &message) != LD_OK)
        abort();
    while (!heard)
        uv_run(loop, UV_RUN_ONCE);
    zuv_socket_close(listener, on_closed, &closed);
    zuv_socket_close(caller, on_closed, &closed);
    while (closed < 2)
        uv_run(loop, UV_RUN_ONCE);
}

static void test_many_share_one_thread(void **state)
{
    uv_loop_t loop;
    struct zuv *users[USERS];
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_ok(zuv_open_shared(&loop, &users[0], &test_error));
    use(&loop, users[0]);
    size_t threads = thread_count();
    for (size_t i = 1; i < USERS; i++) {
        assert_ok(zuv_open_shared(&loop, &users[i], &test_error));
        use(&loop, users[i]);
    }
    assert_int_equal(thread_count(), threads);
    for (size_t i = 0; i < USERS; i++) /* the first that opened it is the first that goes */
        zuv_close(users[i]);
    assert_true(thread_count() < threads);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_opened_again_after_the_last(void **state)
{
    uv_loop_t loop;
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    for (int i = 0; i < 3; i++) {
        struct zuv *zuv;
        assert_ok(zuv_open_shared(&loop, &zuv, &test_error));
        use(&loop, zuv);
        zuv_close(zuv);
    }
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void use_from_thread(void *data)
{
    uv_loop_t loop;
    (void)data;
    uv_loop_init(&loop);
    for (int i = 0; i < 50; i++) {
        struct zuv *zuv;
        struct ld_error error;
        if (zuv_open_shared(&loop, &zuv, &error) != LD_OK)
            abort();
        use(&loop, zuv);
        zuv_close(zuv);
    }
    uv_loop_close(&loop);
}

static void test_threads_share_it(void **state)
{
    uv_thread_t threads[4];
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(uv_thread_create(&threads[i], use_from_thread, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        uv_thread_join(&threads[i]);
}

#ifndef __SANITIZE_THREAD__ /* which ends a child that starts a thread */
/* The parent's thread is not there in the child, and what the parent holds means nothing. */
static void test_a_child_gets_its_own(void **state)
{
    uv_loop_t loop;
    struct zuv *zuv;
    int status;
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_ok(zuv_open_shared(&loop, &zuv, &test_error));
    use(&loop, zuv);
    pid_t child = fork();
    if (child == 0) {
        alarm(30); /* a child that waits for the parent's thread ends here */
        use_from_thread(NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    zuv_close(zuv);
    assert_int_equal(uv_loop_close(&loop), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_many_share_one_thread),
                                       cmocka_unit_test(test_opened_again_after_the_last),
#ifndef __SANITIZE_THREAD__
                                       cmocka_unit_test(test_a_child_gets_its_own),
#endif
                                       cmocka_unit_test(test_threads_share_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
