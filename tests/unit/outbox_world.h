/*
 * What the outbox's tests share: the client's world, an outbox in a folder of its own, and a count
 * of what it said. Each event's payload is its number, so that the log shows order and doubles.
 */
#ifndef LD_TEST_OUTBOX_WORLD_H
#define LD_TEST_OUTBOX_WORLD_H

#include "client_world.h"

#include <dirent.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

struct outbox_world {
    struct world world; /* first: its functions take it */
    char folder[64], path[96];
    struct ld_outbox *outbox;
    struct ld_outbox_options options;
    uint32_t put, kept; /* events */
    uint64_t kept_codes[CODES];
    char kept_reason[LD_ERROR_TEXT_SIZE];
    uint32_t settled;
    uint64_t settled_codes[CODES];
    uint64_t last_settled; /* producer sequence */
    char settled_reason[256];
    int held; /* LD_OK: not */
    int held_count;
    int close_at_kept;  /* the client, from this callback on */
    uint32_t put_until; /* from callbacks */
    uint32_t goal;
};

static inline int put_event(struct outbox_world *box, const char *topic, uint16_t flags);

static inline void box_kept(const struct ld_published *kept, void *data)
{
    struct outbox_world *box = data;
    assert_false(box->world.closed);
    box->kept++;
    box->kept_codes[kept->code]++;
    snprintf(box->kept_reason, sizeof box->kept_reason, "%s", kept->reason);
    if (box->put < box->put_until)
        assert_int_equal(put_event(box, "a/b", 0), LD_OK);
    if (box->close_at_kept > 0 && --box->close_at_kept == 0)
        ld_client_close(box->world.client, on_closed, &box->world);
}

static inline void box_settled(const struct ld_published *settled, void *data)
{
    struct outbox_world *box = data;
    assert_false(box->world.closed);
    box->settled++;
    box->settled_codes[settled->code]++;
    box->last_settled = settled->producer_sequence;
    snprintf(box->settled_reason, sizeof box->settled_reason, "%s", settled->reason);
}

static inline void box_held(struct ld_outbox *outbox, int code, const char *reason, void *data)
{
    struct outbox_world *box = data;
    (void)outbox;
    (void)reason;
    box->held = code;
    box->held_count++;
}

static inline int put_event(struct outbox_world *box, const char *topic, uint16_t flags)
{
    uint32_t number = box->put + 1;
    struct ld_event event = {
        .topic = topic, .payload = &number, .payload_size = sizeof number, .flags = flags};
    int code = ld_outbox_put(box->outbox, &event, box_kept, box, NULL);
    if (code == LD_OK)
        box->put++;
    return code;
}

static inline void put_many(struct outbox_world *box, const char *topic, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(put_event(box, topic, 0), LD_OK);
}

static inline void until(struct outbox_world *box, bool (*done)(struct world *))
{
    run_until(&box->world, done);
}

static inline bool all_kept(struct world *world)
{
    const struct outbox_world *box = (const struct outbox_world *)world;
    return box->kept == box->put;
}

static inline bool all_settled(struct world *world)
{
    const struct outbox_world *box = (const struct outbox_world *)world;
    return box->settled >= box->goal;
}

static inline bool is_held(struct world *world)
{
    const struct outbox_world *box = (const struct outbox_world *)world;
    return box->held != LD_OK;
}

/* Until so many are settled since the box was opened. */
static inline void until_settled(struct outbox_world *box, uint32_t goal)
{
    box->goal = goal;
    until(box, all_settled);
}

static inline int try_open(struct outbox_world *box, struct ld_error *error)
{
    return ld_outbox_open(box->world.client, &box->options, &box->outbox, error);
}

static inline void open_box(struct outbox_world *box)
{
    struct ld_error error = {.text = ""};
    open_client(&box->world);
    box->settled = 0;
    box->held = LD_OK;
    if (try_open(box, &error) != LD_OK)
        fail_msg("%s", error.text);
}

static inline void close_box(struct outbox_world *box)
{
    close_client(&box->world);
    box->outbox = NULL;
}

/* ---- what is in the log and in the file ---- */

static inline uint32_t number_at(struct outbox_world *box, uint64_t sequence)
{
    struct ld_record record;
    uint32_t number;
    fake_record(&box->world.fake, sequence, &record);
    assert_int_equal(record.payload_size, sizeof number);
    memcpy(&number, record.payload, sizeof number);
    return number;
}

/* The log has exactly the events 1 … count, in order. */
static inline void expect_log(struct outbox_world *box, uint32_t count)
{
    assert_int_equal(box->world.fake.head, count);
    for (uint32_t i = 1; i <= count; i++)
        assert_int_equal(number_at(box, i), i);
}

struct listed {
    uint64_t waiting, refused;
    uint64_t last_sequence;
    int code;
    char reason[512];
};

static inline void box_listed(const struct ld_outbox_item *item, void *data)
{
    struct listed *listed = data;
    assert_true(item->producer_sequence > listed->last_sequence);
    listed->last_sequence = item->producer_sequence;
    if (item->code == LD_OK) {
        listed->waiting++;
        return;
    }
    listed->refused++;
    listed->code = item->code;
    snprintf(listed->reason, sizeof listed->reason, "%s", item->reason);
}

static inline void expect_file(struct outbox_world *box, uint64_t waiting, uint64_t refused,
                               struct listed *listed)
{
    struct ld_error error = {.text = ""};
    struct ld_outbox_state state;
    *listed = (struct listed){.waiting = 0};
    if (ld_outbox_list(box->path, box_listed, listed, &state, &error) != LD_OK)
        fail_msg("%s", error.text);
    assert_int_equal(listed->waiting, waiting);
    assert_int_equal(listed->refused, refused);
    assert_int_equal(state.waiting, waiting);
    assert_int_equal(state.refused, refused);
    assert_int_equal(state.oldest_us != 0, waiting > 0);
}

static inline void execute_sql(struct outbox_world *box, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(box->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- life ---- */

static inline int setup_box(void **state)
{
    struct outbox_world *box = calloc(1, sizeof *box);
    struct world *world = &box->world;
    assert_int_equal(uv_loop_init(&world->loop), 0);
    uv_timer_init(&world->loop, &world->deadline);
    world->deadline.data = world;
    fake_open(&world->fake, &world->loop, "tcp://127.0.0.1:*");
    snprintf(box->folder, sizeof box->folder, "/tmp/liandong-outbox-XXXXXX");
    assert_non_null(mkdtemp(box->folder));
    snprintf(box->path, sizeof box->path, "%s/box", box->folder);
    ld_outbox_options_init(&box->options);
    box->options.path = box->path;
    box->options.settled = box_settled;
    box->options.held = box_held;
    box->options.data = box;
    *state = box;
    return 0;
}

static inline void remove_folder(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        char file[512];
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        unlink(file);
    }
    closedir(directory);
    rmdir(path);
}

static inline int teardown_box(void **state)
{
    struct outbox_world *box = *state;
    char folder[64];
    memcpy(folder, box->folder, sizeof folder);
    teardown(state);
    remove_folder(folder);
    return 0;
}

#endif
