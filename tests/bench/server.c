/*
 * Servers. A script starts the peers and says where they are; without one, a router is started
 * here, in a directory that goes with it. Who is not measured is stopped (SIGSTOP), so that
 * servers that do something while idle take nothing from the others.
 */
#include "server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

enum { PATH_SIZE = 4096 };

static char router_directory[PATH_SIZE];

static const struct series *const KNOWN[] = {
    &series_liandong,
#ifdef LIANDONG_PEERS
    &series_nats,         &series_nats_synced, &series_redis,
    &series_redis_groups, &series_mosquitto,   &series_rabbitmq,
#endif
};

static const struct series *series_named(const char *name)
{
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++)
        if (strcmp(KNOWN[i]->name, name) == 0)
            return KNOWN[i];
    bench_die(name, "no such series is built in");
}

static struct slow_sync_page *page_map(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *page =
        mmap(NULL, sizeof(struct slow_sync_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || page == MAP_FAILED)
        bench_die(path, strerror(errno));
    close(fd);
    return page;
}

void server_parse(struct server *server, const char *text)
{
    char name[64], page[SERVER_TEXT_SIZE] = "";
    *server = (struct server){.group = 0};
    if (sscanf(text, "%63[^=]=%255[^,],%d,%255s", name, server->endpoint, &server->group, page) < 2)
        bench_die(text, "expected NAME=ENDPOINT[,GROUP[,PAGE]]");
    server->series = series_named(name);
    if (*page)
        server->page = page_map(page);
}

/* ---- a router of our own ---- */

static void exec_router(const char *program, const int pipe_fd[2])
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(pipe_fd[1], STDOUT_FILENO);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
    setpgid(0, 0);
    /* With LIANDONG_KEYS both sides have keys. */
    execl(program, program, "--data", router_directory, "--endpoint", "tcp://127.0.0.1:*",
          getenv("LIANDONG_KEYS") ? (char *)NULL : "--no-keys", (char *)NULL);
    bench_die(program, strerror(errno));
}

void server_start_router(struct server *server, const char *program, const char *directory)
{
    int pipe_fd[2];
    char line[PATH_SIZE];
    *server = (struct server){.series = &series_liandong};
    snprintf(router_directory, sizeof router_directory, "%s/bench-bus-XXXXXX", directory);
    if (!mkdtemp(router_directory) || pipe(pipe_fd) != 0)
        bench_die(router_directory, strerror(errno));
    server->group = fork();
    if (server->group == 0)
        exec_router(program, pipe_fd);
    close(pipe_fd[1]);
    FILE *output = fdopen(pipe_fd[0], "r");
    if (!output || !fgets(line, sizeof line, output) ||
        sscanf(line, "ready %255s", server->endpoint) != 1)
        bench_die(program, "did not get ready");
    fclose(output);
}

void server_stop_router(struct server *server)
{
    char command[PATH_SIZE + 16];
    server_continue(server);
    kill(server->group, SIGTERM);
    waitpid(server->group, NULL, 0);
    snprintf(command, sizeof command, "rm -rf '%s'", router_directory);
    if (system(command) != 0)
        fprintf(stderr, "%s is left behind\n", router_directory);
}

/* ---- any ---- */

static void signal_group(const struct server *server, int number)
{
    if (server->group > 0 && kill(-server->group, number) != 0)
        bench_die(server->series->name, "is no longer there");
}

void server_pause(const struct server *server)
{
    signal_group(server, SIGSTOP);
}

void server_continue(const struct server *server)
{
    signal_group(server, SIGCONT);
}

double server_syncs(const struct server *server)
{
    double syncs = 0;
    if (!server->page)
        return server->series->syncs ? server->series->syncs(server->endpoint) : -1;
    for (int kind = 0; kind < SLOW_SYNC_BLIND; kind++)
        syncs += (double)server->page->calls[kind];
    return syncs;
}

/* ---- what it uses ---- */

static bool read_text(const char *process, const char *name, char *text, size_t size)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/proc/%s/%s", process, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return false; /* it has ended meanwhile */
    size_t read = fread(text, 1, size - 1, file);
    text[read] = 0;
    fclose(file);
    return read > 0;
}

static double line_mib(const char *status, const char *name)
{
    const char *at = strstr(status, name);
    return at ? strtod(at + strlen(name), NULL) / 1024 : 0;
}

static void add_process(struct usage *usage, const char *process, pid_t group)
{
    char text[PATH_SIZE];
    int process_group = 0;
    double user = 0, kernel = 0;
    const char *behind_name =
        read_text(process, "stat", text, sizeof text) ? strrchr(text, ')') : NULL;
    if (!behind_name ||
        sscanf(behind_name, ") %*c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %lf %lf", &process_group,
               &user, &kernel) != 3 ||
        process_group != group)
        return;
    usage->cpu_s += (user + kernel) / (double)sysconf(_SC_CLK_TCK);
    if (!read_text(process, "status", text, sizeof text))
        return;
    usage->anon_mib += line_mib(text, "RssAnon:") + line_mib(text, "RssShmem:");
    usage->file_mib += line_mib(text, "RssFile:");
}

struct usage server_usage(const struct server *server)
{
    struct usage usage = {0};
    DIR *processes = opendir("/proc");
    if (!processes)
        bench_die("/proc", strerror(errno));
    for (const struct dirent *entry; (entry = readdir(processes));)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            add_process(&usage, entry->d_name, server->group);
    closedir(processes);
    return usage;
}
