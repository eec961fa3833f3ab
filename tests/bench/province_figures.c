/* From /proc, and from the router's status. */
#include "province_figures.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"

enum { AGAIN_NS = 20000000 };

void processes_add(struct processes *processes, char *name_and_pid)
{
    char *equals = strchr(name_and_pid, '=');
    if (!equals || processes->count == PROCESSES_MAX)
        bench_die(name_and_pid, "expected NAME=PID");
    *equals = 0;
    processes->all[processes->count].name = name_and_pid;
    processes->all[processes->count++].pid = (int)strtol(equals + 1, NULL, 10);
}

/* Of all threads. */
static double cpu_us(int pid)
{
    char path[64], file[352];
    unsigned long long ns, total_ns = 0;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *threads = opendir(path);
    if (!threads)
        bench_die(path, "the process has ended");
    for (const struct dirent *entry; (entry = readdir(threads));) {
        snprintf(file, sizeof file, "%s/%s/schedstat", path, entry->d_name);
        FILE *stat = entry->d_name[0] == '.' ? NULL : fopen(file, "r");
        if (stat && fscanf(stat, "%llu", &ns) == 1)
            total_ns += ns;
        if (stat)
            fclose(stat);
    }
    closedir(threads);
    return (double)total_ns / 1e3;
}

void processes_mark(struct processes *processes)
{
    for (size_t i = 0; i < processes->count; i++)
        processes->all[i].cpu_us = cpu_us(processes->all[i].pid);
}

double processes_cpu_us(const struct processes *processes, size_t index)
{
    return cpu_us(processes->all[index].pid) - processes->all[index].cpu_us;
}

double processes_memory_mib(const struct processes *processes, size_t index)
{
    char path[64], line[256];
    double kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", processes->all[index].pid);
    FILE *status = fopen(path, "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = strtod(line + 8, NULL);
    if (status)
        fclose(status);
    return kib / 1024;
}

/* ---- lag ---- */

struct question {
    bool answered, even;
};

static void on_status(int code, const char *json, void *data)
{
    struct question *question = data;
    json_t *status = code == LD_OK ? json_loads(json, 0, NULL) : NULL, *stream;
    size_t index;
    if (!status)
        bench_die("status", ld_code_text(code));
    question->answered = question->even = true;
    json_array_foreach(json_object_get(status, "streams"), index, stream)
    {
        if (json_integer_value(json_object_get(stream, "lag")) != 0)
            question->even = false;
    }
    json_decref(status);
}

void wait_until_all_have_read(struct ld_client *client, uv_loop_t *loop)
{
    struct question question = {0};
    struct ld_error error;
    while (!question.even) {
        question.answered = false;
        if (ld_client_status(client, on_status, &question, &error) != LD_OK)
            bench_die("status", error.text);
        int64_t again_ns = bench_now_ns() + AGAIN_NS;
        while (!question.answered || bench_now_ns() < again_ns)
            uv_run(loop, UV_RUN_NOWAIT);
    }
}
