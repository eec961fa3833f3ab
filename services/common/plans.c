/*
 * The plans adopted so far.
 *
 * The store owns every plan ever adopted, once a hash, with the files it was loaded from (a
 * snapshot carries the files and loads them again). Each world knows which of them were adopted in
 * it and which version of each is in force. Plans never go away: incidents stay pinned to theirs.
 */
#include "inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void *copy_of(const void *data, size_t size)
{
    char *copy = malloc(size + 1);
    if (!copy)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = 0;
    return copy;
}

static void *longer(void *array, size_t count, size_t element_size)
{
    void *more = realloc(array, (count + 1) * element_size);
    if (!more)
        abort();
    return more;
}

/* ---- store ---- */

static void free_files(struct plan_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        union {
            const char *constant;
            char *plain;
        } name = {files[i].name}, content = {files[i].content};
        free(name.plain);
        free(content.plain);
    }
    free(files);
}

static struct plan_file *copy_files(const struct plan_file *files, size_t count)
{
    struct plan_file *copies = calloc(count ? count : 1, sizeof *copies);
    if (!copies)
        abort();
    for (size_t i = 0; i < count; i++) {
        copies[i].name = copy_of(files[i].name, strlen(files[i].name));
        copies[i].content = copy_of(files[i].content, files[i].size);
        copies[i].size = files[i].size;
    }
    return copies;
}

const struct plan *sv_store_find(const struct sv_store *store, const char *hash)
{
    for (size_t i = 0; i < store->count; i++) {
        if (strcmp(store->all[i].plan->hash, hash) == 0)
            return store->all[i].plan;
    }
    return NULL;
}

const struct plan *sv_store_take(struct sv_store *store, const struct plan_file *files,
                                 size_t count, struct ld_error *error)
{
    char hash[PLAN_HASH_HEX + 1];
    plan_hash(files, count, hash);
    const struct plan *known = sv_store_find(store, hash);
    if (known)
        return known;
    struct plan *plan = NULL;
    if (plan_load(files, count, &plan, NULL, error) != LD_OK)
        return NULL;
    store->all = longer(store->all, store->count, sizeof *store->all);
    store->all[store->count++] =
        (struct sv_stored){.plan = plan, .files = copy_files(files, count), .file_count = count};
    return plan;
}

void sv_store_clear(struct sv_store *store)
{
    for (size_t i = 0; i < store->count; i++) {
        free_files(store->all[i].files, store->all[i].file_count);
        plan_free(store->all[i].plan);
    }
    free(store->all);
    *store = (struct sv_store){0};
}

/* ---- worlds ---- */

bool sv_plans_adopt(struct sv_plans *plans, const struct plan *plan)
{
    if (!sv_plans_pinned(plans, plan->hash)) {
        plans->known = longer(plans->known, plans->known_count, sizeof *plans->known);
        plans->known[plans->known_count++] = plan;
    }
    for (size_t i = 0; i < plans->current_count; i++) {
        if (strcmp(plans->current[i]->id, plan->id) != 0)
            continue;
        bool is_new = plans->current[i] != plan;
        plans->current[i] = plan;
        return is_new;
    }
    plans->current = longer(plans->current, plans->current_count, sizeof *plans->current);
    plans->current[plans->current_count++] = plan;
    return true;
}

void sv_plans_clear(struct sv_plans *plans)
{
    free(plans->known);
    free(plans->current);
    *plans = (struct sv_plans){0};
}

const struct plan *sv_plans_current(const struct sv_plans *plans, const char *id)
{
    for (size_t i = 0; i < plans->current_count; i++) {
        if (strcmp(plans->current[i]->id, id) == 0)
            return plans->current[i];
    }
    return NULL;
}

const struct plan *sv_plans_pinned(const struct sv_plans *plans, const char *hash)
{
    for (size_t i = 0; i < plans->known_count; i++) {
        if (strcmp(plans->known[i]->hash, hash) == 0)
            return plans->known[i];
    }
    return NULL;
}

static bool covers(const struct plan *plan, const char *area)
{
    return strncmp(plan->area, area, strlen(plan->area)) == 0;
}

static const struct plan_deferral *deferral_of(const struct plan *plan, size_t hazard)
{
    for (size_t i = 0; i < plan->deferral_count; i++) {
        const struct plan_deferral *deferral = &plan->deferrals[i];
        for (size_t k = 0; k < deferral->hazard_count; k++) {
            if (deferral->hazards[k] == hazard)
                return deferral;
        }
    }
    return NULL;
}

const struct plan *sv_plans_governing(const struct sv_plans *plans, const char *area,
                                      const char *hazard)
{
    for (size_t i = 0; i < plans->current_count; i++) {
        const struct plan *plan = plans->current[i];
        if (!covers(plan, area))
            continue;
        int index = plan_find_hazard(plan, hazard);
        if (index >= 0 && plan->in_scope[index] && !deferral_of(plan, (size_t)index))
            return plan;
    }
    return NULL;
}

const struct plan_deferral *sv_plans_deferral(const struct sv_plans *plans, const char *area,
                                              const char *hazard, const struct plan **by)
{
    for (size_t i = 0; i < plans->current_count; i++) {
        const struct plan *plan = plans->current[i];
        int index = covers(plan, area) ? plan_find_hazard(plan, hazard) : -1;
        const struct plan_deferral *deferral = index < 0 ? NULL : deferral_of(plan, (size_t)index);
        if (!deferral)
            continue;
        *by = plan;
        return deferral;
    }
    return NULL;
}

const struct plan *sv_plans_any(const struct sv_plans *plans, const char *area)
{
    for (size_t i = 0; i < plans->current_count; i++) {
        if (covers(plans->current[i], area))
            return plans->current[i];
    }
    return NULL;
}

/* ---- snapshots ---- */

static void visit_files(struct plan_file **files, size_t *count, struct sv_codec *codec)
{
    sv_code_count(codec, count);
    if (sv_codec_loading(codec))
        *files = calloc(*count ? *count : 1, sizeof **files);
    if (!*files)
        abort();
    for (size_t i = 0; i < *count; i++) {
        struct plan_file *file = &(*files)[i];
        union {
            const char *constant;
            char *text;
            uint8_t *bytes;
        } name = {file->name}, content = {file->content};
        sv_code_string(codec, &name.text);
        sv_code_bytes(codec, &content.bytes, &file->size);
        file->name = name.constant ? name.constant : copy_of("", 0);
        file->content = content.constant;
    }
}

static void load_stored(struct sv_store *store, struct sv_codec *codec)
{
    struct plan_file *files = NULL;
    size_t count = 0;
    visit_files(&files, &count, codec);
    if (!codec->failed && !sv_store_take(store, files, count, NULL))
        codec->failed = true;
    free_files(files, count);
}

void sv_store_visit(struct sv_store *store, struct sv_codec *codec)
{
    size_t count = store->count;
    sv_code_count(codec, &count);
    for (size_t i = 0; i < count && !codec->failed; i++) {
        if (sv_codec_loading(codec))
            load_stored(store, codec);
        else
            visit_files(&store->all[i].files, &store->all[i].file_count, codec);
    }
}

static void visit_list(const struct plan ***list, size_t *list_count, const struct sv_store *store,
                       struct sv_codec *codec)
{
    size_t count = *list_count;
    sv_code_count(codec, &count);
    for (size_t i = 0; i < count && !codec->failed; i++) {
        union {
            const char *constant;
            char *plain; /* only read while saving */
        } hash = {codec->into ? (*list)[i]->hash : NULL};
        sv_code_string(codec, &hash.plain);
        if (codec->into)
            continue;
        const struct plan *plan = hash.plain ? sv_store_find(store, hash.plain) : NULL;
        free(hash.plain);
        if (!plan) {
            codec->failed = true;
            return;
        }
        *list = longer(*list, *list_count, sizeof **list);
        (*list)[(*list_count)++] = plan;
    }
}

void sv_plans_visit(struct sv_plans *plans, const struct sv_store *store, struct sv_codec *codec)
{
    assert(codec->into || plans->known_count == 0);
    visit_list(&plans->known, &plans->known_count, store, codec);
    visit_list(&plans->current, &plans->current_count, store, codec);
}
