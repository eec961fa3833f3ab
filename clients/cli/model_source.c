/*
 * Which read model is asked. --db names one. Else the one beside the router's log, if it is here,
 * of this log, and has reached the head: who asks sees what was acknowledged before. It may be an
 * instant behind, so it is waited for while its service is at work, two seconds at most. Else the
 * same tables are made here from the bus.
 *
 * From the bus, too, the answer is about one moment: the head at the beginning.
 */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "context.h"
#include "health.h"
#include "timefmt.h"

enum { WAIT_US = 2000000, SLICE_US = 5000 };

/* ---- the file beside the log ---- */

/* deploy/up keeps the log in DIR/log. */
static bool path_beside(json_t *status, char *path, size_t size)
{
    const char *log =
        json_string_value(json_object_get(json_object_get(status, "log"), "directory"));
    const char *slash = log != NULL ? strrchr(log, '/') : NULL;
    if (slash == NULL)
        return false;
    int length = snprintf(path, size, "%.*s/read-model.db", (int)(slash - log), log);
    return length > 0 && (size_t)length < size;
}

static bool is_at_work(json_t *status)
{
    struct health health;
    health_of(status, "projection", &health);
    return health.streams > 0 && health.alive > 0;
}

static bool reaches(struct model *model, uint64_t head)
{
    struct model_about about;
    struct ld_error error;
    return model_look(model, &about, &error) == LD_OK && about.position >= head;
}

/* The head does not move while it is waited for: the file gets there, or nobody writes it. */
static bool wait_for(const struct cli *cli, struct model_found *found, uint64_t head)
{
    int64_t deadline_us = ld_monotonic_us(cli->context) + WAIT_US;
    while (!reaches(found->model, head)) {
        if (!is_at_work(found->status) || ld_monotonic_us(cli->context) > deadline_us)
            return false;
        (void)ld_client_run(found->client, SLICE_US);
    }
    return true;
}

static bool find_file(const struct cli *cli, struct model_found *found,
                      const struct ld_client_state *state)
{
    struct ld_error error;
    if (!path_beside(found->status, found->path, sizeof found->path) ||
        model_open_file(found->path, state->log_id, &found->model, &error) != LD_OK)
        return false;
    if (wait_for(cli, found, state->head) && model_hold(found->model, &error) == LD_OK &&
        model_look(found->model, &found->about, &error) == LD_OK)
        return true;
    model_close(found->model);
    found->model = NULL;
    return false;
}

/* ---- the bus ---- */

struct filling {
    struct model *model;
    uint64_t head;
    int64_t head_us;
    bool stop;
    int code;
    struct ld_error error;
};

static void take_head(const struct ld_record *record, void *data)
{
    struct filling *filling = data;
    filling->head_us = record->time_us;
    filling->stop = true;
}

static void take(const struct ld_record *record, void *data)
{
    struct filling *filling = data;
    if (record->sequence > filling->head || filling->code != LD_OK)
        return;
    filling->code = model_take(filling->model, record, &filling->error);
}

static int fill(const struct cli *cli, const struct model_source *source, struct model_found *found,
                uint64_t head, struct ld_error *error)
{
    struct filling filling = {.model = found->model, .head = head};
    struct bus_read last = {
        .from = head, .stop = &filling.stop, .each = take_head, .data = &filling};
    struct bus_read all = {.filters = source->topics,
                           .filter_count = source->topic_count,
                           .each = take,
                           .data = &filling};
    int code = head > 0 ? bus_read(cli, found->client, &last, error) : LD_OK;
    if (code == LD_OK)
        code = bus_read(cli, found->client, &all, error);
    if (code == LD_OK && filling.code != LD_OK) {
        *error = filling.error;
        code = filling.code;
    }
    found->about = (struct model_about){.position = head, .time_us = filling.head_us};
    return code;
}

static int from_bus(const struct cli *cli, const struct model_source *source,
                    struct model_found *found, struct ld_error *error)
{
    struct ld_client_state state;
    int code = bus_open(cli, &found->client, error);
    if (code == LD_OK)
        code = bus_status(cli, found->client, &found->status, error);
    if (code != LD_OK)
        return code;
    ld_client_get_state(found->client, &state);
    state.head = (uint64_t)json_integer_value(json_object_get(found->status, "head"));
    if (find_file(cli, found, &state))
        return LD_OK;
    code = model_open_empty(&found->model, error);
    if (code == LD_OK)
        code = fill(cli, source, found, state.head, error);
    return code == LD_OK ? model_hold(found->model, error) : code;
}

/* ---- either ---- */

static int from_file(const char *path, struct model_found *found, struct ld_error *error)
{
    int code = model_open_file(path, NULL, &found->model, error);
    if (code == LD_OK)
        code = model_hold(found->model, error);
    return code == LD_OK ? model_look(found->model, &found->about, error) : code;
}

/* A folder is read to its end. */
static void take_any(const struct ld_record *record, void *data)
{
    struct filling *filling = data;
    filling->head = record->sequence;
    filling->head_us = record->time_us;
    take(record, data);
}

static int from_log(const struct cli *cli, const struct model_source *source,
                    struct model_found *found, struct ld_error *error)
{
    int code = model_open_empty(&found->model, error);
    struct filling filling = {.model = found->model};
    struct bus_read all = {.each = take_any, .data = &filling};
    if (code == LD_OK)
        code = bus_source(cli, source->log, &all, error);
    if (code == LD_OK && filling.code != LD_OK) {
        *error = filling.error;
        code = filling.code;
    }
    found->about = (struct model_about){.position = filling.head, .time_us = filling.head_us};
    return code == LD_OK ? model_hold(found->model, error) : code;
}

int model_find(const struct cli *cli, const struct model_source *source, struct model_found *found,
               struct ld_error *error)
{
    memset(found, 0, sizeof *found);
    return source->db != NULL    ? from_file(source->db, found, error)
           : source->log != NULL ? from_log(cli, source, found, error)
                                 : from_bus(cli, source, found, error);
}

void model_found_free(struct model_found *found)
{
    model_close(found->model);
    bus_close(found->client);
    json_decref(found->status);
}
