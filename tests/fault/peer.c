/*
 * The process around a role: arguments, the loop, the signal to stop, the file of entries.
 *
 * Whatever the role did not expect (an answer that may not come, a stream that failed) ends the
 * process with status 1 and the reason on stderr; the test sees the status when it ends the
 * process itself. Stopped by SIGTERM it ends with 0.
 */
#include "peer.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "stopping.h"

void peer_die(const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "fault_peer: ");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    _exit(EXIT_FAILURE);
}

uint64_t peer_number(const char *text)
{
    char *end = NULL;
    uint64_t number = strtoull(text, &end, 10);
    if (end == text || *end != '\0')
        peer_die("'%s': expected a number", text);
    return number;
}

static void on_link(struct ld_client *client, enum ld_link link, const char *reason, void *data)
{
    const struct peer *peer = data;
    (void)client, (void)reason;
    if (link == LD_LINK_STALE)
        peer_append(peer->stale_file, "", 1);
}

static void open_stale_file(struct peer *peer, const char *folder)
{
    char path[CONTENT_PATH_SIZE];
    uint8_t last;
    content_stale_path(path, folder);
    if (peer->stale_file == 0)
        peer_open_file(path, &peer->stale_file, &last, sizeof last);
}

struct ld_client *peer_connect(struct peer *peer, const char *endpoint, const char *identity,
                               const char *folder)
{
    struct ld_client_options options;
    struct ld_client *client = NULL;
    struct ld_error error;
    open_stale_file(peer, folder);
    ld_client_options_init(&options);
    options.link_changed = on_link;
    options.data = peer;
    options.endpoint = endpoint;
    options.identity = identity;
    options.loop = &peer->loop;
    if (ld_client_open(&options, &client, &error) != LD_OK)
        peer_die("%s", error.text);
    return client;
}

/* ---- the file ---- */

uint64_t peer_open_file(const char *path, int *fd, void *last, size_t entry_size)
{
    struct stat status;
    memset(last, 0, entry_size);
    *fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (*fd < 0 || fstat(*fd, &status) != 0)
        peer_die("cannot open %s", path);
    uint64_t count = (uint64_t)status.st_size / entry_size;
    if (ftruncate(*fd, (off_t)(count * entry_size)) != 0)
        peer_die("cannot cut %s", path);
    if (count > 0 &&
        pread(*fd, last, entry_size, (off_t)((count - 1) * entry_size)) != (ssize_t)entry_size)
        peer_die("cannot read %s", path);
    return count;
}

void peer_append(int fd, const void *entry, size_t entry_size)
{
    if (write(fd, entry, entry_size) != (ssize_t)entry_size)
        peer_die("cannot write down what was told");
}

/* ---- the process ---- */

static void on_asked(uv_poll_t *handle, int status, int events)
{
    struct peer *peer = handle->data;
    (void)status, (void)events;
    if (!ld_stopping_read(peer->stop_signals))
        return;
    uv_close((uv_handle_t *)handle, NULL);
    peer->role->stop();
}

static const struct peer_role *find_role(int argc, char **argv)
{
    static const struct peer_role *const ROLES[] = {&peer_publishing, &peer_streaming,
                                                    &peer_tapping, &peer_proxying};
    for (size_t i = 0; argc > 1 && i < sizeof ROLES / sizeof *ROLES; i++) {
        if (strcmp(argv[1], ROLES[i]->name) != 0)
            continue;
        if (argc - 2 != ROLES[i]->argument_count)
            peer_die("usage: fault_peer %s %s", ROLES[i]->name, ROLES[i]->usage);
        return ROLES[i];
    }
    peer_die("usage: fault_peer publish|stream|tap|proxy …");
}

int main(int argc, char **argv)
{
    static struct peer peer;
    peer.role = find_role(argc, argv);
    peer.stop_signals = ld_stopping_open();
    uv_loop_init(&peer.loop);
    uv_poll_init(&peer.loop, &peer.asked, peer.stop_signals);
    peer.asked.data = &peer;
    uv_poll_start(&peer.asked, UV_READABLE, on_asked);
    peer.role->start(&peer, argv + 2);
    uv_run(&peer.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&peer.loop) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
