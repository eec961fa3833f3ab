/*
 * Applies a world's log again: to a host that is saved and loaded at every event, or to several
 * hosts side by side. What they put out must be what was logged, event for event, none missing and
 * none more.
 */
#ifndef TESTS_RERUN_H
#define TESTS_RERUN_H

#include "world.h"

#include <string.h>

/* Inputs from outside count from 1; what cores put out is numbered after its input. */
static inline bool rerun_is_derived(const struct ld_record *record)
{
    return record->producer_sequence >= 1u << 16;
}

static inline size_t rerun_next(const struct world *logged, size_t from)
{
    while (from < logged->count && !rerun_is_derived(&logged->all[from].record))
        from++;
    return from;
}

/* The output is the logged record at index. */
static inline void rerun_equal(const struct world *logged, size_t index,
                               const struct sv_output *output)
{
    if (index >= logged->count)
        fail_msg("more than was logged: %s", output->topic);
    const struct ld_record *record = &logged->all[index].record;
    assert_int_equal(record->topic_size, strlen(output->topic));
    assert_memory_equal(record->topic, output->topic, record->topic_size);
    assert_int_equal(record->producer, output->producer_id);
    assert_int_equal(record->producer_sequence, output->producer_sequence);
    assert_int_equal(record->flags, output->flags);
    assert_int_equal(record->payload_size, output->payload_size);
    assert_memory_equal(record->payload, output->payload, output->payload_size);
}

static inline struct sv_host *rerun_reborn(struct sv_host *host, const struct sv_class *class,
                                           const char *unit)
{
    struct ld_buffer saved = {0}, again = {0};
    struct ld_error error = {0};
    sv_host_save(host, &saved);
    sv_host_close(host);
    struct sv_host *fresh = sv_host_open();
    sv_host_add(fresh, class, unit);
    if (sv_host_load(fresh, saved.data, saved.size, &error) != LD_OK)
        fail_msg("%s", error.text);
    sv_host_save(fresh, &again);
    assert_int_equal(again.size, saved.size);
    assert_memory_equal(again.data, saved.data, saved.size);
    ld_buffer_free(&saved);
    ld_buffer_free(&again);
    return fresh;
}

/* hosts[i] runs the class for units[i] (NULL: all units, or not per unit). reborn: each is saved,
 * closed and loaded again at every reborn-th event; 0: never. */
static inline void rerun(const struct world *logged, const struct sv_class *class,
                         struct sv_host **hosts, const char *const *units, size_t host_count,
                         size_t reborn)
{
    size_t next = rerun_next(logged, 0);
    for (size_t i = 0; i < logged->count; i++) {
        for (size_t h = 0; h < host_count; h++) {
            assert_int_equal(sv_host_apply(hosts[h], &logged->all[i].record, NULL), LD_OK);
            for (size_t k = 0; k < sv_host_output_count(hosts[h]); k++) {
                rerun_equal(logged, next, sv_host_output(hosts[h], k));
                next = rerun_next(logged, next + 1);
            }
            if (reborn > 0 && i % reborn == 0)
                hosts[h] = rerun_reborn(hosts[h], class, units ? units[h] : NULL);
        }
    }
    assert_int_equal(next, logged->count);
}

static inline void rerun_with_snapshots(const struct world *logged, const struct sv_class *class,
                                        size_t reborn)
{
    struct sv_host *host = sv_host_open();
    sv_host_add(host, class, NULL);
    rerun(logged, class, &host, NULL, 1, reborn);
    sv_host_close(host);
}

static inline void rerun_same_outputs(const struct sv_host *one, const struct sv_host *other)
{
    assert_int_equal(sv_host_output_count(one), sv_host_output_count(other));
    for (size_t i = 0; i < sv_host_output_count(one); i++) {
        const struct sv_output *a = sv_host_output(one, i), *b = sv_host_output(other, i);
        assert_string_equal(a->topic, b->topic);
        assert_int_equal(a->producer_sequence, b->producer_sequence);
        assert_int_equal(a->payload_size, b->payload_size);
        assert_memory_equal(a->payload, b->payload, a->payload_size);
    }
}

/* A class that keeps events from its instances (sv_class.concerns), and beside it one whose every
 * instance sees every event: they put out the same and end alike. */
static inline void rerun_spared(const struct world *logged, const struct sv_class *class)
{
    struct sv_class sees_all = *class;
    sees_all.concerns = NULL;
    struct ld_buffer states[2] = {{0}, {0}};
    struct sv_host *hosts[] = {sv_host_open(), sv_host_open()};
    sv_host_add(hosts[0], class, NULL);
    sv_host_add(hosts[1], &sees_all, NULL);
    for (size_t i = 0; i < logged->count; i++) {
        for (size_t h = 0; h < 2; h++)
            assert_int_equal(sv_host_apply(hosts[h], &logged->all[i].record, NULL), LD_OK);
        rerun_same_outputs(hosts[0], hosts[1]);
    }
    for (size_t h = 0; h < 2; h++) {
        sv_host_save(hosts[h], &states[h]);
        sv_host_close(hosts[h]);
    }
    assert_int_equal(states[0].size, states[1].size);
    assert_memory_equal(states[0].data, states[1].data, states[0].size);
    ld_buffer_free(&states[0]);
    ld_buffer_free(&states[1]);
}

#endif
