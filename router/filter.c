/*
 * Filter sets: parsed once, shared by all streams that ask for the same, with the last chunks that
 * were built for them. Sixty consumers at the same place cost one scan and one copy.
 */
#include "internal.h"

static int add_filter(struct filter_set *set, const char *text, size_t size, struct ld_error *error)
{
    if (set->count == WIRE_FILTERS_MAX)
        return ld_fail(error, LD_INVALID, "more than %d filters", WIRE_FILTERS_MAX);
    int code = ld_filter_check(text, size, error);
    if (code != LD_OK)
        return ld_wrap(error, code, "filter %zu", set->count + 1);
    set->filters[set->count++] = (struct evlog_filter){text, size};
    if (size == 1 && text[0] == '>')
        set->everything = true;
    return LD_OK;
}

static int parse(struct filter_set *set, struct ld_error *error)
{
    const char *at = set->text, *end = set->text + set->text_size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        int code = add_filter(set, at, (size_t)(stop - at), error);
        if (code != LD_OK)
            return code;
        at = newline ? newline + 1 : end;
    }
    if (set->count == 0)
        set->everything = true;
    set->selection = (struct evlog_selection){.filters = set->filters, .count = set->count};
    return LD_OK;
}

static struct filter_set *set_find(const struct router *router, const char *text, size_t size)
{
    struct filter_set *set;
    HASH_FIND(hh, router->filter_sets, text, size, set);
    return set;
}

int filter_set_get(struct router *router, const char *text, size_t size, struct filter_set **out,
                   struct ld_error *error)
{
    if (size > WIRE_FILTERS_MAX * (LD_TOPIC_SIZE_MAX + 1))
        return ld_fail(error, LD_INVALID, "filters of %zu bytes, at most %d of 255", size,
                       WIRE_FILTERS_MAX);
    struct filter_set *set = set_find(router, text, size);
    if (set) {
        set->references++;
        *out = set;
        return LD_OK;
    }
    set = calloc(1, sizeof *set + size + 1);
    if (!set)
        abort();
    set->references = 1;
    set->text_size = size;
    if (size > 0)
        memcpy(set->text, text, size);
    int code = parse(set, error);
    if (code != LD_OK) {
        free(set);
        return code;
    }
    HASH_ADD_KEYPTR(hh, router->filter_sets, set->text, set->text_size, set);
    *out = set;
    return LD_OK;
}

static void forget(struct filter_set *set)
{
    for (size_t i = 0; i < FILTER_CHUNKS; i++) {
        chunk_release(set->chunks[i]);
        set->chunks[i] = NULL;
    }
}

void filter_set_put(struct router *router, struct filter_set *set)
{
    assert(set->references > 0);
    if (--set->references > 0)
        return;
    forget(set);
    HASH_DEL(router->filter_sets, set);
    free(set);
}

bool filter_set_matches(const struct filter_set *set, const char *topic, size_t topic_size)
{
    for (size_t i = 0; i < set->count; i++)
        if (ld_filter_matches(set->filters[i].text, set->filters[i].size, topic, topic_size))
            return true;
    return false;
}

void filter_forget_chunks(struct router *router)
{
    struct filter_set *set, *next;
    HASH_ITER(hh, router->filter_sets, set, next)
    forget(set);
}
