/*
 * Watching: one loop with the client, the keyboard and a timer. Once a second the router is asked;
 * what it answers is drawn. While the link is gone the last answer stays, with since when it is
 * stale; the client reconnects by itself.
 *
 * Ways it ends: q or Ctrl-C; the terminal is gone (its input ends). A terminal that ncurses does
 * not know is told at the start.
 */
#include "watch.h"

#include <liandong.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "timefmt.h"

enum { TICK_MS = 250, NOTICE_SIZE = 512, KEYS_MAX = 16 };

struct watch {
    const struct cli *cli;
    uv_loop_t loop;
    uv_timer_t tick;
    uv_poll_t keyboard;
    struct ld_client *client;
    struct top_sample samples[2]; /* the last answer and the one before */
    size_t current;
    bool asking;
    int64_t asked_us;
    char notice[NOTICE_SIZE];
    struct top_view view;
};

static void draw(struct watch *watch)
{
    struct top_sample *sample = &watch->samples[watch->current];
    top_sample_sort(sample, watch->view.sort);
    watch->view.sample = sample;
    watch->view.notice = watch->notice[0] != '\0' ? watch->notice : NULL;
    top_screen_draw(watch->cli, &watch->view);
}

/* ---- the router ---- */

static void on_answer(int code, const char *json, void *data)
{
    struct watch *watch = data;
    watch->asking = false;
    json_t *status = code == LD_OK ? json_loads(json, 0, NULL) : NULL;
    if (status == NULL)
        return; /* the link went; asked again when it is back */
    const struct top_sample *before = &watch->samples[watch->current];
    watch->current = 1 - watch->current;
    top_sample_read(&watch->samples[watch->current], status, ld_monotonic_us(watch->cli->context),
                    before);
    json_decref(status);
    draw(watch);
}

static void ask(struct watch *watch)
{
    struct ld_client_state state;
    struct ld_error error;
    int64_t now_us = ld_monotonic_us(watch->cli->context);
    ld_client_get_state(watch->client, &state);
    if (watch->asking || watch->view.paused || state.link != LD_LINK_UP ||
        now_us - watch->asked_us < LD_US_SECOND - TICK_MS * 500)
        return;
    watch->asking = ld_client_status(watch->client, on_answer, watch, &error) == LD_OK;
    watch->asked_us = now_us;
}

static void on_link(struct ld_client *client, enum ld_link link, const char *reason, void *data)
{
    struct watch *watch = data;
    char iso[LD_TIME_TEXT_SIZE];
    (void)client;
    if (link == LD_LINK_CLOSED)
        return;
    if (link == LD_LINK_UP) {
        watch->notice[0] = '\0';
        ask(watch);
    } else if (watch->notice[0] == '\0') { /* the first reason, and since when */
        ld_time_format(iso, ld_wall_us(watch->cli->context), LD_CHINA_OFFSET_MINUTES);
        snprintf(
            watch->notice, sizeof watch->notice,
            cli_say(watch->cli, "%.8s 起没有消息，下面是此前的情况：%s", "stale since %.8s: %s"),
            iso + 11, reason);
    }
    draw(watch);
}

/* ---- the keyboard ---- */

static void end(struct watch *watch)
{
    uv_stop(&watch->loop);
}

/* False: the user quits. */
static bool take_keys(struct watch *watch)
{
    bool changed = false;
    for (int i = 0; i < KEYS_MAX; i++) {
        enum top_key key = top_screen_key();
        if (key == TOP_KEY_NONE)
            break;
        if (key == TOP_KEY_QUIT)
            return false;
        if (key == TOP_KEY_SORT)
            watch->view.sort = (watch->view.sort + 1) % TOP_SORTS;
        if (key == TOP_KEY_PAUSE)
            watch->view.paused = !watch->view.paused;
        changed = true;
    }
    if (changed)
        draw(watch);
    return true;
}

static bool terminal_is_gone(void)
{
    return isatty(STDIN_FILENO) != 1;
}

static void on_keyboard(uv_poll_t *keyboard, int status, int events)
{
    struct watch *watch = keyboard->data;
    (void)events;
    if (status < 0 || terminal_is_gone() || !take_keys(watch))
        end(watch);
}

static void on_tick(uv_timer_t *tick)
{
    struct watch *watch = tick->data;
    if (!take_keys(watch)) /* also hears of a window that has changed its size */
        end(watch);
    ask(watch);
}

/* ---- opening and closing ---- */

static void open_handles(struct watch *watch)
{
    uv_timer_init(&watch->loop, &watch->tick);
    uv_timer_start(&watch->tick, on_tick, TICK_MS, TICK_MS);
    if (uv_poll_init(&watch->loop, &watch->keyboard, STDIN_FILENO) == 0)
        uv_poll_start(&watch->keyboard, UV_READABLE | UV_DISCONNECT, on_keyboard);
    watch->tick.data = watch->keyboard.data = watch;
}

static void close_handles(struct watch *watch)
{
    ld_client_close(watch->client, NULL, NULL);
    uv_close((uv_handle_t *)&watch->tick, NULL);
    uv_close((uv_handle_t *)&watch->keyboard, NULL);
    uv_run(&watch->loop, UV_RUN_DEFAULT);
    uv_loop_close(&watch->loop);
}

static int open_client(struct watch *watch, struct ld_error *error)
{
    struct ld_client_options options;
    ld_client_options_init(&options);
    options.endpoint = watch->cli->endpoint;
    options.identity = watch->cli->identity;
    options.keys = watch->cli->keys;
    options.loop = &watch->loop;
    options.link_changed = on_link;
    options.data = watch;
    snprintf(watch->notice, sizeof watch->notice, "%s %s",
             cli_say(watch->cli, "正在连接", "connecting to"), watch->cli->endpoint);
    return ld_client_open(&options, &watch->client, error);
}

int top_watch(const struct cli *cli, enum top_sort sort)
{
    static struct watch watch;
    struct ld_error error;
    watch = (struct watch){.cli = cli, .view = {.sort = sort}};
    if (uv_loop_init(&watch.loop) != 0)
        abort();
    int code = open_client(&watch, &error);
    if (code != LD_OK) {
        uv_loop_close(&watch.loop);
        return cli_fail(cli, &error);
    }
    bool opened = top_screen_open(cli);
    open_handles(&watch);
    if (opened) {
        draw(&watch);
        uv_run(&watch.loop, UV_RUN_DEFAULT);
        top_screen_close();
    } else {
        cli_complain(cli, "这个终端（TERM）不能显示；用 --once",
                     "this terminal (TERM) cannot show it; use --once");
    }
    close_handles(&watch);
    return opened ? CLI_OK : CLI_USAGE;
}
