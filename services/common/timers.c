/* Timers: a binary heap of (due, order of setting), so that equal times fire in that order. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 16 };

static bool earlier(const struct sv_timer *a, const struct sv_timer *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void grow(struct sv_timers *timers)
{
    size_t capacity = timers->capacity ? timers->capacity * 2 : CAPACITY_FIRST;
    struct sv_timer *heap = realloc(timers->heap, capacity * sizeof *heap);
    if (!heap)
        abort();
    timers->heap = heap;
    timers->capacity = capacity;
}

static void sift_up(struct sv_timers *timers, size_t at)
{
    struct sv_timer timer = timers->heap[at];
    while (at > 0 && earlier(&timer, &timers->heap[(at - 1) / 2])) {
        timers->heap[at] = timers->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    timers->heap[at] = timer;
}

static void sift_down(struct sv_timers *timers, size_t at)
{
    struct sv_timer timer = timers->heap[at];
    for (size_t child; (child = at * 2 + 1) < timers->count; at = child) {
        if (child + 1 < timers->count && earlier(&timers->heap[child + 1], &timers->heap[child]))
            child++;
        if (!earlier(&timers->heap[child], &timer))
            break;
        timers->heap[at] = timers->heap[child];
    }
    timers->heap[at] = timer;
}

static void push(struct sv_timers *timers, struct sv_timer timer)
{
    if (timers->count == timers->capacity)
        grow(timers);
    timers->heap[timers->count++] = timer;
    sift_up(timers, timers->count - 1);
}

void sv_timers_set(struct sv_timers *timers, int64_t due_us, const char *key, int what)
{
    char *copy = strdup(key);
    if (!copy)
        abort();
    push(timers, (struct sv_timer){due_us, timers->next_order++, copy, what});
}

bool sv_timers_pop(struct sv_timers *timers, int64_t now_us, struct sv_timer *timer)
{
    if (timers->count == 0 || timers->heap[0].due_us > now_us)
        return false;
    *timer = timers->heap[0];
    timers->heap[0] = timers->heap[--timers->count];
    if (timers->count > 0)
        sift_down(timers, 0);
    return true;
}

void sv_timers_free(struct sv_timers *timers)
{
    for (size_t i = 0; i < timers->count; i++)
        free(timers->heap[i].key);
    free(timers->heap);
    *timers = (struct sv_timers){0};
}

static void visit_timer(struct sv_timer *timer, struct sv_codec *codec)
{
    sv_code_i64(codec, &timer->due_us);
    sv_code_u64(codec, &timer->order);
    sv_code_string(codec, &timer->key);
    sv_code_int(codec, &timer->what);
}

/* Loading goes through push: a heap that damage has disordered is put right or dropped. */
void sv_timers_visit(struct sv_timers *timers, struct sv_codec *codec)
{
    size_t count = timers->count;
    sv_code_u64(codec, &timers->next_order);
    sv_code_count(codec, &count);
    for (size_t i = 0; i < count; i++) {
        if (!sv_codec_loading(codec)) {
            visit_timer(&timers->heap[i], codec);
            continue;
        }
        struct sv_timer timer = {0};
        visit_timer(&timer, codec);
        if (!timer.key)
            return;
        push(timers, timer);
    }
}
