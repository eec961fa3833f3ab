/* Batches in order of expiry; see batches.h. Lists are short: a few dozen, BATCHES_MAX at most. */
#include "batches.h"

#include <assert.h>

#include "memory.h"

/* Order by expiry (never comes last), then lot, then donation; 0: alike. */
static int compare(const struct batch *a, const struct batch *b)
{
    if (a->expires_at_us != b->expires_at_us) {
        bool a_later =
            a->expires_at_us == 0 || (b->expires_at_us != 0 && a->expires_at_us > b->expires_at_us);
        return a_later ? 1 : -1;
    }
    int lots = strcmp(a->lot, b->lot);
    return lots != 0 ? lots : strcmp(a->donation, b->donation);
}

static bool good_at(const struct batch *batch, int64_t time_us)
{
    return batch->expires_at_us == 0 || batch->expires_at_us > time_us;
}

int64_t batches_total(const struct batches *batches)
{
    int64_t total = 0;
    for (size_t i = 0; i < batches->count; i++) {
        total += batches->all[i].quantity;
    }
    return total;
}

int64_t batches_good_at(const struct batches *batches, int64_t time_us)
{
    int64_t total = 0;
    for (size_t i = 0; i < batches->count; i++) {
        total += good_at(&batches->all[i], time_us) ? batches->all[i].quantity : 0;
    }
    return total;
}

int64_t batches_first_expiry(const struct batches *batches)
{
    return batches->count == 0 || batches->all[0].expires_at_us == 0
               ? INT64_MAX
               : batches->all[0].expires_at_us;
}

static void insert(struct batches *batches, size_t at, const struct batch *like)
{
    batches->all = memory_room(batches->all, batches->count, sizeof *batches->all);
    memmove(&batches->all[at + 1], &batches->all[at], (batches->count - at) * sizeof *batches->all);
    batches->all[at] = (struct batch){like->expires_at_us, memory_copy(like->lot),
                                      memory_copy(like->donation), like->quantity};
    batches->count++;
}

void batches_add(struct batches *batches, const struct batch *like)
{
    assert(like->quantity >= 0);
    size_t at = 0;
    while (at < batches->count && compare(&batches->all[at], like) < 0) {
        at++;
    }
    if (like->quantity == 0) {
        return;
    }
    if (at < batches->count && compare(&batches->all[at], like) == 0) {
        batches->all[at].quantity += like->quantity;
        return;
    }
    insert(batches, at, like);
}

void batches_add_all(struct batches *batches, const struct batches *more)
{
    for (size_t i = 0; i < more->count; i++) {
        batches_add(batches, &more->all[i]);
    }
}

static void free_batch(struct batch *batch)
{
    free(batch->lot);
    free(batch->donation);
}

/* Drops the parts that have become empty. */
static void sweep(struct batches *batches)
{
    size_t kept = 0;
    for (size_t i = 0; i < batches->count; i++) {
        if (batches->all[i].quantity == 0) {
            free_batch(&batches->all[i]);
        } else {
            batches->all[kept++] = batches->all[i];
        }
    }
    batches->count = kept;
}

static void take_part(struct batch *batch, int64_t *left, struct batches *taken)
{
    struct batch part = *batch;
    part.quantity = batch->quantity < *left ? batch->quantity : *left;
    batch->quantity -= part.quantity;
    *left -= part.quantity;
    batches_add(taken, &part);
}

struct batches batches_take(struct batches *batches, int64_t quantity, int64_t arrival_us)
{
    struct batches taken = {0};
    int64_t left = quantity;
    for (size_t i = 0; i < batches->count && left > 0; i++) {
        if (good_at(&batches->all[i], arrival_us)) {
            take_part(&batches->all[i], &left, &taken);
        }
    }
    for (size_t i = 0; i < batches->count && left > 0; i++) {
        take_part(&batches->all[i], &left, &taken);
    }
    assert(left == 0);
    sweep(batches);
    return taken;
}

static struct batch *find(const struct batches *batches, const struct batch *like)
{
    for (size_t i = 0; i < batches->count; i++) {
        if (compare(&batches->all[i], like) == 0) {
            return &batches->all[i];
        }
    }
    return NULL;
}

bool batches_take_these(struct batches *batches, const struct batches *these, struct batches *taken)
{
    for (size_t i = 0; i < these->count; i++) {
        const struct batch *there = find(batches, &these->all[i]);
        if (there == NULL || there->quantity < these->all[i].quantity) {
            return false;
        }
    }
    for (size_t i = 0; i < these->count; i++) {
        int64_t left = these->all[i].quantity;
        take_part(find(batches, &these->all[i]), &left, taken);
    }
    sweep(batches);
    return true;
}

struct batches batches_take_expired(struct batches *batches, int64_t now_us)
{
    struct batches taken = {0};
    for (size_t i = 0; i < batches->count; i++) {
        int64_t left = good_at(&batches->all[i], now_us) ? 0 : batches->all[i].quantity;
        take_part(&batches->all[i], &left, &taken);
    }
    sweep(batches);
    return taken;
}

struct batches batches_beyond(const struct batches *batches, const struct batches *others)
{
    struct batches rest = {0};
    for (size_t i = 0; i < batches->count; i++) {
        struct batch part = batches->all[i];
        const struct batch *other = find(others, &part);
        part.quantity -= other != NULL ? other->quantity : 0;
        if (part.quantity > 0) {
            batches_add(&rest, &part);
        }
    }
    return rest;
}

void batches_free(struct batches *batches)
{
    for (size_t i = 0; i < batches->count; i++) {
        free_batch(&batches->all[i]);
    }
    free(batches->all);
    *batches = (struct batches){0};
}

static void visit_batch(struct batch *batch, struct sv_codec *codec)
{
    sv_code_i64(codec, &batch->expires_at_us);
    sv_code_string(codec, &batch->lot);
    sv_code_string(codec, &batch->donation);
    sv_code_i64(codec, &batch->quantity);
}

void batches_visit(struct batches *batches, struct sv_codec *codec)
{
    size_t count = batches->count;
    sv_code_count(codec, &count);
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        if (!sv_codec_loading(codec)) {
            visit_batch(&batches->all[i], codec);
            continue;
        }
        struct batch batch = {0};
        visit_batch(&batch, codec);
        if (batch.lot == NULL || batch.donation == NULL || batch.quantity <= 0) {
            sv_codec_fail(codec);
        } else {
            batches_add(batches, &batch);
        }
        free_batch(&batch);
    }
}
