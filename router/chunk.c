/*
 * Chunks: runs of events as they are sent. Without filters a chunk is a piece of the log itself
 * (no copy; the span is held until ZeroMQ has sent it); with filters it is a copy of what matched,
 * and what the log's indexes rule out is not read.
 * Chunks are shared by reference between streams and with ZeroMQ's I/O thread.
 *
 * Copies for all sessions come out of one pool: a session that has some under way may have as much
 * as it leaves free for the others, so that those who do not read cannot use it up.
 */
#include "internal.h"

static struct chunk *chunk_new(uint64_t from)
{
    struct chunk *chunk = calloc(1, sizeof *chunk);
    if (!chunk)
        abort();
    atomic_init(&chunk->references, 1);
    chunk->from = from;
    return chunk;
}

void chunk_release(struct chunk *chunk)
{
    if (!chunk || atomic_fetch_sub_explicit(&chunk->references, 1, memory_order_acq_rel) > 1)
        return;
    if (chunk->span.size > 0)
        evlog_span_release(&chunk->span);
    if (chunk->copied_bytes)
        atomic_fetch_sub_explicit(chunk->copied_bytes, chunk->size, memory_order_relaxed);
    free(chunk->copy);
    free(chunk);
}

static void release_frame(void *data, void *hint)
{
    (void)data;
    chunk_release(hint);
}

void chunk_frame_part(struct chunk *chunk, const uint8_t *bytes, size_t size,
                      struct zuv_frame *frame)
{
    atomic_fetch_add_explicit(&chunk->references, 1, memory_order_relaxed);
    zuv_frame_share(frame, bytes, size, release_frame, chunk);
}

/* A copy that a session has under way. */
struct loan {
    struct chunk *chunk;
    struct unread *unread;
};

static void release_loan(void *data, void *hint)
{
    struct loan *loan = hint;
    (void)data;
    atomic_fetch_sub_explicit(&loan->unread->copied, loan->chunk->size, memory_order_relaxed);
    unread_release(loan->unread);
    chunk_release(loan->chunk);
    free(loan);
}

void chunk_frame(struct chunk *chunk, struct session *session, struct zuv_frame *frame)
{
    if (!chunk->copy) {
        chunk_frame_part(chunk, chunk->bytes, chunk->size, frame);
        return;
    }
    struct loan *loan = malloc(sizeof *loan);
    if (!loan)
        abort();
    *loan = (struct loan){chunk, session->unread};
    atomic_fetch_add_explicit(&chunk->references, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&session->unread->references, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&session->unread->copied, chunk->size, memory_order_relaxed);
    zuv_frame_share(frame, chunk->bytes, chunk->size, release_loan, loan);
}

bool chunk_may_copy(const struct session *session)
{
    const struct router *router = session->router;
    size_t pool = router->options.limits.copied_bytes;
    size_t used = atomic_load_explicit(&router->copied_bytes, memory_order_relaxed);
    size_t own = atomic_load_explicit(&session->unread->copied, memory_order_relaxed);
    return own == 0 || (used < pool && own <= pool - used);
}

/* ---- building ---- */

int chunk_of_log(struct router *router, uint64_t from, size_t max_bytes, struct chunk **out,
                 struct ld_error *error)
{
    *out = NULL;
    struct evlog_span span;
    int code = evlog_read(router->log, from, max_bytes, &span, error);
    if (code != LD_OK || span.size == 0)
        return code;
    assert(span.first == from && span.last >= from);
    router->looked_at_bytes += span.size;
    struct chunk *chunk = chunk_new(from);
    chunk->span = span;
    chunk->bytes = span.data;
    chunk->size = span.size;
    chunk->to = span.last;
    chunk->events = span.last - span.first + 1;
    *out = chunk;
    return LD_OK;
}

/* Copies what matches in the span; returns the first sequence not looked at. */
static uint64_t copy_matching(const struct filter_set *set, const struct evlog_span *span,
                              size_t max_bytes, struct ld_buffer *copy, uint64_t *events)
{
    const uint8_t *raw = span->data;
    uint64_t sequence = span->first;
    for (; sequence <= span->last; sequence++) {
        struct peek peek = record_peek(raw);
        if (filter_set_matches(set, peek.topic, peek.topic_size)) {
            if (copy->size > 0 && copy->size + peek.size > max_bytes)
                return sequence;
            ld_buffer_append(copy, raw, peek.size);
            ++*events;
        }
        raw += peek.size;
    }
    return sequence;
}

static int scan_matching(struct router *router, struct filter_set *set, uint64_t *next,
                         size_t max_bytes, struct ld_buffer *copy, uint64_t *events,
                         struct ld_error *error)
{
    /* Many filters take longer for each record. */
    const size_t limit = SCAN_BYTES / (1 + set->count / 4);
    for (size_t scanned = 0; scanned < limit && copy->size < max_bytes;) {
        struct evlog_span span;
        size_t step_bytes;
        uint64_t from = *next;
        *next = evlog_seek(router->log, &set->selection, from, &step_bytes);
        if (step_bytes == 0)
            return LD_OK; /* goes on in the next turn */
        scanned += *next > from ? SEEK_COST_BYTES : 0;
        if (step_bytes > limit)
            step_bytes = limit;
        int code = evlog_read(router->log, *next, step_bytes, &span, error);
        if (code != LD_OK || span.size == 0)
            return code;
        scanned += span.size;
        router->looked_at_bytes += span.size;
        *next = copy_matching(set, &span, max_bytes, copy, events);
        bool full = *next <= span.last;
        evlog_span_release(&span);
        if (full)
            break;
    }
    return LD_OK;
}

static int build_matching(struct router *router, struct filter_set *set, uint64_t from,
                          size_t max_bytes, struct chunk **out, struct ld_error *error)
{
    struct ld_buffer copy = {0};
    uint64_t next = from, events = 0;
    int code = scan_matching(router, set, &next, max_bytes, &copy, &events, error);
    if (next == from) {
        ld_buffer_free(&copy);
        return code;
    }
    /* An error behind what was read will show when it is read from there. */
    struct chunk *chunk = chunk_new(from);
    chunk->to = next - 1;
    chunk->events = events;
    chunk->size = copy.size;
    if (copy.size > 0) {
        uint8_t *fitted = realloc(copy.data, copy.size);
        chunk->copy = fitted ? fitted : copy.data;
        chunk->bytes = chunk->copy;
        chunk->copied_bytes = &router->copied_bytes;
        atomic_fetch_add_explicit(&router->copied_bytes, chunk->size, memory_order_relaxed);
    }
    *out = chunk;
    return LD_OK;
}

static struct chunk *find_built(const struct filter_set *set, uint64_t from, size_t max_bytes)
{
    for (size_t i = 0; i < FILTER_CHUNKS; i++) {
        struct chunk *chunk = set->chunks[i];
        if (chunk && chunk->from == from && chunk->size <= max_bytes)
            return chunk;
    }
    return NULL;
}

static void keep_built(struct filter_set *set, struct chunk *chunk)
{
    size_t place = set->next_chunk++ % FILTER_CHUNKS;
    chunk_release(set->chunks[place]);
    set->chunks[place] = chunk;
}

static bool copies_are_few(const struct router *router)
{
    return atomic_load_explicit(&router->copied_bytes, memory_order_relaxed) <=
           router->options.limits.copied_bytes / 2;
}

int chunk_get(struct router *router, struct filter_set *set, uint64_t from, size_t max_bytes,
              struct chunk **out, struct ld_error *error)
{
    *out = NULL;
    if (from > evlog_durable(router->log))
        return LD_OK;
    struct chunk *chunk = find_built(set, from, max_bytes);
    if (chunk) {
        router->counters.chunks_shared++;
    } else {
        int code = set->everything ? chunk_of_log(router, from, max_bytes, &chunk, error)
                                   : build_matching(router, set, from, max_bytes, &chunk, error);
        if (!chunk)
            return code;
        if (set->references > 1 && (set->everything || copies_are_few(router)))
            keep_built(set, chunk);
        else
            atomic_init(&chunk->references, 0);
    }
    atomic_fetch_add_explicit(&chunk->references, 1, memory_order_relaxed);
    *out = chunk;
    return LD_OK;
}
