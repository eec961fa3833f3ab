/* What bench_province reads off the machine: CPU time and memory of processes, and the streams'
 * lag. */
#ifndef LIANDONG_BENCH_PROVINCE_FIGURES_H
#define LIANDONG_BENCH_PROVINCE_FIGURES_H

#include <liandong.h>
#include <uv.h>

enum { PROCESSES_MAX = 16 };

struct processes {
    struct {
        const char *name; /* borrowed */
        int pid;
        double cpu_us; /* at the last processes_mark */
    } all[PROCESSES_MAX];
    size_t count;
};

void processes_add(struct processes *processes, char *name_and_pid); /* "router=123", kept */
void processes_mark(struct processes *processes);
/* Microseconds since the mark, of one of them. */
double processes_cpu_us(const struct processes *processes, size_t index);
double processes_memory_mib(const struct processes *processes, size_t index); /* its own pages */

/* Until every stream has all there is. */
void wait_until_all_have_read(struct ld_client *client, uv_loop_t *loop);

#endif
