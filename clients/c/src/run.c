/*
 * A loop of the client's own, for plain programs.
 *
 * ld_client_fd. The loop's own descriptor becomes readable for sockets only, not for timers and
 * not for work left over from the last turn. So the descriptor handed out is an epoll set of the
 * loop's and a timer descriptor, which is set after each run to the loop's next timeout.
 *
 * Closing from a callback cannot run the loop from inside itself: the run that is under way sees
 * it, runs on until all is closed, frees the client and answers LD_CLOSED.
 */
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct ldc_run {
    uv_loop_t loop;
    uv_timer_t deadline;
    bool inside;  /* a run is under way */
    bool stopped; /* by ld_client_stop */
    bool late;
    bool ended;   /* all closed */
    bool watched; /* the descriptor was asked for */
    int epoll_fd, timer_fd;
};

/* ---- opening ---- */

static int open_descriptor(struct ldc_run *run)
{
    run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    run->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event timer = {.events = EPOLLIN}, loop = {.events = EPOLLIN};
    if (run->epoll_fd < 0 || run->timer_fd < 0 ||
        epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, run->timer_fd, &timer) != 0 ||
        epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, uv_backend_fd(&run->loop), &loop) != 0)
        return errno;
    return 0;
}

int ldc_run_open(struct ld_client *client, struct ld_error *error)
{
    struct ldc_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return ld_fail(error, LD_NOMEM, "cannot allocate a loop");
    int status = uv_loop_init(&run->loop);
    if (status != 0) {
        free(run);
        return ld_fail(error, LD_IO, "cannot open an event loop: %s", uv_strerror(status));
    }
    client->run = run;
    client->loop = &run->loop;
    uv_timer_init(&run->loop, &run->deadline);
    run->deadline.data = run;
    status = open_descriptor(run);
    if (status != 0)
        return ld_fail(error, LD_IO, "cannot open a descriptor: %s", strerror(status));
    return LD_OK;
}

void ldc_run_free(struct ldc_run *run)
{
    if (run == NULL)
        return;
    if (!uv_is_closing((uv_handle_t *)&run->deadline))
        uv_close((uv_handle_t *)&run->deadline, NULL);
    uv_run(&run->loop, UV_RUN_DEFAULT);
    uv_loop_close(&run->loop);
    if (run->epoll_fd >= 0)
        close(run->epoll_fd);
    if (run->timer_fd >= 0)
        close(run->timer_fd);
    free(run);
}

/* ---- the descriptor ---- */

static void set_timer(struct ldc_run *run, int timeout_ms)
{
    struct itimerspec time = {.it_value = {0}};
    if (timeout_ms == 0)
        time.it_value.tv_nsec = 1;
    else if (timeout_ms > 0)
        time.it_value = (struct timespec){timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000};
    timerfd_settime(run->timer_fd, 0, &time, NULL);
}

void ldc_run_wake(struct ld_client *client)
{
    struct ldc_run *run = client->run;
    if (run != NULL && run->watched && !run->inside)
        set_timer(run, 0);
}

int ld_client_fd(const struct ld_client *client)
{
    if (client->run == NULL || ldc_check(client, NULL) != LD_OK)
        return -1;
    client->run->watched = true;
    set_timer(client->run, 0);
    return client->run->epoll_fd;
}

/* ---- running ---- */

static void on_deadline(uv_timer_t *timer)
{
    struct ldc_run *run = timer->data;
    run->late = true;
}

static void begin(struct ldc_run *run, int64_t timeout_us)
{
    run->inside = true;
    run->late = false;
    uv_update_time(&run->loop);
    if (timeout_us > 0)
        uv_timer_start(&run->deadline, on_deadline, (uint64_t)(timeout_us + 999) / 1000, 0);
}

static void end(struct ld_client *client)
{
    struct ldc_run *run = client->run;
    uv_timer_stop(&run->deadline);
    run->inside = false;
    if (!run->watched)
        return;
    bool waiting = (client->output_wanted && !client->blocked) || client->pump_wanted;
    set_timer(run, waiting ? 0 : uv_backend_timeout(&run->loop));
}

static void finish_closing(struct ld_client *client)
{
    struct ldc_run *run = client->run;
    uv_timer_stop(&run->deadline);
    while (!run->ended)
        uv_run(&run->loop, UV_RUN_ONCE);
    void (*closed)(void *) = client->closed;
    void *closed_data = client->closed_data;
    ldc_client_free(client);
    if (closed != NULL)
        closed(closed_data);
}

/* Turns the loop until done(client). LD_OK, LD_TIMEOUT, or LD_CLOSED: the client is gone. */
static int run_until(struct ld_client *client, int64_t timeout_us,
                     bool (*done)(const struct ld_client *client))
{
    struct ldc_run *run = client->run;
    bool finished = false;
    begin(run, timeout_us);
    do {
        uv_run(&run->loop, timeout_us == 0 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
        finished = done(client);
    } while (!finished && !client->closing && !run->late && timeout_us != 0);
    if (client->closing) {
        finish_closing(client);
        return LD_CLOSED;
    }
    end(client);
    return finished ? LD_OK : LD_TIMEOUT;
}

static int check_run(const struct ld_client *client, struct ld_error *error)
{
    int code = ldc_check(client, error);
    if (code != LD_OK)
        return code;
    if (client->run == NULL)
        return ld_fail(error, LD_INVALID, "this client runs on the caller's loop: run that one");
    if (client->run->inside)
        return ld_fail(error, LD_INVALID, "not to be called from a callback");
    return LD_OK;
}

int ldc_run_until(struct ld_client *client, int64_t timeout_us,
                  bool (*done)(const struct ld_client *client), struct ld_error *error)
{
    int code = check_run(client, error);
    if (code != LD_OK || done(client))
        return code;
    return run_until(client, timeout_us, done);
}

static bool is_stopped(const struct ld_client *client)
{
    return client->run->stopped;
}

int ld_client_run(struct ld_client *client, int64_t timeout_us)
{
    int code = check_run(client, NULL);
    if (code != LD_OK)
        return code;
    struct ldc_run *run = client->run;
    code = run_until(client, timeout_us, is_stopped);
    if (code != LD_CLOSED)
        run->stopped = false;
    return code;
}

void ld_client_stop(struct ld_client *client)
{
    if (ldc_check(client, NULL) == LD_OK && client->run != NULL)
        client->run->stopped = true;
}

static bool is_up(const struct ld_client *client)
{
    return client->link == LD_LINK_UP;
}

static bool is_up_or_refused(const struct ld_client *client)
{
    return is_up(client) || client->refused != LD_OK;
}

int ld_client_wait_up(struct ld_client *client, int64_t timeout_us, struct ld_error *error)
{
    int code = check_run(client, error);
    if (code != LD_OK)
        return code;
    if (is_up(client))
        return LD_OK;
    code = run_until(client, timeout_us, is_up_or_refused);
    if (code == LD_OK && !is_up(client))
        return ld_fail(error, client->refused, "%s", client->reason);
    if (code == LD_TIMEOUT)
        return ld_fail(error, code, "no answer from the router at %s (%s); is it running there?",
                       client->endpoint, client->reason);
    if (code == LD_CLOSED)
        return ld_fail(error, code, "the client has been closed");
    return LD_OK;
}

static bool is_flushed(const struct ld_client *client)
{
    return client->unanswered == 0;
}

int ld_client_flush(struct ld_client *client, int64_t timeout_us, size_t *unanswered)
{
    int code = ldc_run_until(client, timeout_us, is_flushed, NULL);
    if (unanswered != NULL)
        *unanswered = code == LD_OK || code == LD_TIMEOUT ? client->unanswered : 0;
    return code;
}

/* ---- closing ---- */

bool ldc_run_inside(const struct ld_client *client)
{
    return client->run->inside;
}

void ldc_run_end(struct ld_client *client)
{
    client->run->ended = true;
}

void ldc_run_until_closed(struct ld_client *client)
{
    client->run->inside = true;
    finish_closing(client);
}
