/*
 * The host: runs cores over records and collects what they put out. No I/O of its own: the shell
 * (shell.h) feeds it from the bus, the simulator (sim.h) from memory, replay from a log file.
 *
 * Happy path: sv_host_open, sv_host_add for each class, then for every record of the log in order
 * sv_host_apply and, before the next one, take the outputs. Malformed payloads are no error: the
 * owning core sees event->fault and refuses them.
 */
#ifndef SV_HOST_H
#define SV_HOST_H

#include "core.h"

struct sv_host;

/* One derived event, ready to publish. Borrowed until the next sv_host_apply. */
struct sv_output {
    const char *producer; /* "grading", "duty#3303.health" */
    uint64_t producer_id;
    uint64_t producer_sequence;
    const char *topic;
    const uint8_t *payload;
    size_t payload_size;
    uint16_t flags;
};

struct sv_host *sv_host_open(void);
void sv_host_close(struct sv_host *host);
/* Adds a class. unit: for per_unit classes, the one unit; NULL: one instance for every member unit
 * of every plan adopted, made when the plan is. Else NULL. */
void sv_host_add(struct sv_host *host, const struct sv_class *class, const char *unit);
void sv_host_add_all(struct sv_host *host); /* all six, duty for every unit */

/* Applies one record, which must follow the one before (sequence strictly greater). LD_OK, or
 * LD_INVALID when the record is out of order. */
int sv_host_apply(struct sv_host *host, const struct ld_record *record,
                  struct ld_error *error) LD_MUST_USE;
size_t sv_host_output_count(const struct sv_host *host);
const struct sv_output *sv_host_output(const struct sv_host *host, size_t index);

uint64_t sv_host_position(const struct sv_host *host); /* last sequence applied */
const struct sv_plans *sv_host_plans(const struct sv_host *host, bool exercise);
/* The instance of a class without units, to be asked what its service's header offers; NULL if it
 * was not added. Borrowed from the host until it is closed or loaded. */
const struct sv_core *sv_host_core(const struct sv_host *host, const struct sv_class *class,
                                   bool exercise);
/* Filters that the classes together want; NULL-terminated, owned by the host. */
const char *const *sv_host_filters(const struct sv_host *host);

/* All state (adopted plans, every instance of both worlds, position), checksummed; loading needs
 * the same classes added and answers LD_CORRUPT or LD_VERSION otherwise, leaving the host empty. */
void sv_host_save(const struct sv_host *host, struct ld_buffer *buffer);
int sv_host_load(struct sv_host *host, const uint8_t *data, size_t size,
                 struct ld_error *error) LD_MUST_USE;
/* The position alone, of a snapshot of any classes: LD_CORRUPT, LD_VERSION. */
int sv_snapshot_position(const uint8_t *data, size_t size, uint64_t *position,
                         struct ld_error *error) LD_MUST_USE;

#endif
