/*
 * Happy path: each adoption on the log is kept once by its hash, which is computed from its files;
 * adopting a version again is counted, and makes it the newest of its plan.
 */
#include "versions.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "picture/keep.h"
#include "services/common/core.h"

enum { HASH_DIGITS_MIN = 8 };

struct plan_file *version_files(const struct version *version, size_t *count)
{
    const Liandong__V1__PlanAdoption *adoption = version->adoption;
    struct plan_file *files = keep_zeroed((adoption->n_files + 1) * sizeof *files);
    for (size_t i = 0; i < adoption->n_files; i++)
        files[i] = (struct plan_file){adoption->files[i]->name,
                                      adoption->files[i]->content.len > 0
                                          ? (const char *)adoption->files[i]->content.data
                                          : "",
                                      adoption->files[i]->content.len};
    *count = adoption->n_files;
    return files;
}

static void take(const struct ld_record *record, void *data)
{
    struct versions *versions = data;
    struct version version = {.sequence = record->sequence,
                              .last = record->sequence,
                              .time_us = record->time_us,
                              .actual = (record->flags & LD_RECORD_EXERCISE) == 0};
    size_t count;
    if (sv_family_of(record->topic, record->topic_size) != SV_PLAN)
        return;
    version.adoption =
        liandong__v1__plan_adoption__unpack(NULL, record->payload_size, record->payload);
    if (version.adoption == NULL)
        return;
    struct plan_file *files = version_files(&version, &count);
    plan_hash(files, count, version.hash);
    free(files);
    for (size_t i = 0; i < versions->count; i++) {
        if (strcmp(versions->all[i].hash, version.hash) != 0)
            continue;
        versions->all[i].adoptions++;
        versions->all[i].last = record->sequence;
        versions->all[i].actual |= version.actual;
        KEEP_DROP(version.adoption);
        return;
    }
    version.adoptions = 1;
    versions->all =
        keep_room(versions->all, versions->count, &versions->capacity, sizeof *versions->all);
    versions->all[versions->count++] = version;
}

int versions_read(const struct cli *cli, const char *directory, struct versions *versions,
                  struct ld_error *error)
{
    static const char *const FILTERS[] = {"plan/*"};
    struct bus_read read = {.filters = FILTERS, .filter_count = 1, .each = take, .data = versions};
    *versions = (struct versions){0};
    return bus_source(cli, directory, &read, error);
}

void versions_free(struct versions *versions)
{
    for (size_t i = 0; i < versions->count; i++)
        KEEP_DROP(versions->all[i].adoption);
    free(versions->all);
}

/* ---- finding ---- */

static bool is_hash(const char *name)
{
    size_t digits = strspn(name, "0123456789abcdef");
    return digits >= HASH_DIGITS_MIN && digits <= PLAN_HASH_HEX && name[digits] == '\0';
}

static int find_hash(const struct versions *versions, const char *name,
                     const struct version **found, struct ld_error *error)
{
    *found = NULL;
    for (size_t i = 0; i < versions->count; i++) {
        if (strncmp(versions->all[i].hash, name, strlen(name)) != 0)
            continue;
        if (*found != NULL)
            return ld_fail(error, LD_INVALID, "%s: more than one version begins so", name);
        *found = &versions->all[i];
    }
    return *found != NULL
               ? LD_OK
               : ld_fail(error, LD_INVALID,
                         "no version with hash %s on this log: liandong plan list", name);
}

static const char *plan_of(const struct version *version)
{
    return version->adoption->context != NULL ? version->adoption->context->plan : "";
}

/* How many versions of the same plan were adopted later. */
static size_t newer(const struct versions *versions, const struct version *version)
{
    size_t count = 0;
    for (size_t i = 0; i < versions->count; i++)
        count += versions->all[i].last > version->last &&
                 strcmp(plan_of(&versions->all[i]), plan_of(version)) == 0;
    return count;
}

bool versions_in_force(const struct versions *versions, const struct version *version)
{
    return newer(versions, version) == 0;
}

static int find_id(const struct versions *versions, const char *id, size_t id_size, size_t back,
                   const struct version **found, struct ld_error *error)
{
    size_t count = 0;
    for (size_t i = 0; i < versions->count; i++) {
        const struct version *version = &versions->all[i];
        if (strlen(plan_of(version)) != id_size || memcmp(plan_of(version), id, id_size) != 0)
            continue;
        count++;
        if (newer(versions, version) == back) {
            *found = version;
            return LD_OK;
        }
    }
    return ld_fail(error, LD_INVALID,
                   "%.*s: %zu version%s of this plan on this log: "
                   "liandong plan list",
                   (int)id_size, id, count, count == 1 ? "" : "s");
}

int versions_find(const struct versions *versions, const char *name, const struct version **found,
                  struct ld_error *error)
{
    size_t size = strcspn(name, "~");
    char *end = NULL;
    unsigned long back = 0;
    if (is_hash(name))
        return find_hash(versions, name, found, error);
    if (name[size] == '~') {
        back = strtoul(name + size + 1, &end, 10);
        if (!isdigit((unsigned char)name[size + 1]) || *end != '\0')
            return ld_fail(error, LD_INVALID, "%s: expected a number behind ~", name);
    }
    return find_id(versions, name, size, back, found, error);
}
