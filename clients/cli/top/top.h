/*
 * `liandong top`: what STATUS says, made comparable (sample.c), as tables of text (tables.c), on a
 * terminal (screen.c). cmd_top.c asks and waits.
 */
#ifndef CLI_TOP_H
#define CLI_TOP_H

#include "cli.h"

enum { TOP_LISTED = 257, TOP_QUEUES = 16, TOP_NAME_SIZE = 128, TOP_FILTERS_SIZE = 128 };

/* ---- sample.c: one answer of the router ---- */

struct top_consumer {
    char identity[TOP_NAME_SIZE], state[16], filters[TOP_FILTERS_SIZE];
    uint64_t session, stream, position, lag, events, bytes;
    int64_t lag_us;
    double events_rate, bytes_rate; /* per second */
};
struct top_producer {
    char name[TOP_NAME_SIZE];
    uint64_t sequence, events, duplicates, refused;
    int64_t silent_us;
    bool open;
    double events_rate;
};
struct top_queue {
    char name[16];
    uint64_t length, length_limit, bytes, bytes_limit, dropped;
};
struct top_router {
    char incarnation[20], directory[256];
    bool drill, failed;
    uint64_t head, delivered, commits, sessions, streams, refused, stalls;
    uint64_t disk_bytes, free_bytes, resident_bytes;
    int64_t time_us, sync_us, sync_us_max, turn_us_recent, turn_us_max;
    double in_rate, delivered_rate, commits_rate;
};
struct top_sample {
    int64_t taken_us; /* monotonic; 0: none yet */
    struct top_router router;
    struct top_consumer consumers[TOP_LISTED];
    struct top_producer producers[TOP_LISTED];
    struct top_queue queues[TOP_QUEUES];
    size_t consumer_count, producer_count, queue_count;
    uint64_t others_count; /* consumers that the router did not list one by one */
};
enum top_sort { TOP_BY_LAG, TOP_BY_NAME, TOP_BY_RATE, TOP_SORTS };

/* Reads an answer; rates are those since before (taken_us 0: none). What is missing is 0. */
void top_sample_read(struct top_sample *sample, json_t *status, int64_t taken_us,
                     const struct top_sample *before);
void top_sample_sort(struct top_sample *sample, enum top_sort sort);
json_t *top_sample_json(const struct top_sample *sample);

/* ---- tables.c: text ---- */

enum { TOP_COLUMNS_MAX = 8, TOP_CELL_SIZE = 160 };
enum top_severity { TOP_QUIET, TOP_WARNING, TOP_ALARM };
struct top_table {
    const struct cli_column *columns;
    size_t column_count, row_count;
    struct {
        char cells[TOP_COLUMNS_MAX][TOP_CELL_SIZE];
        enum top_severity severity;
    } rows[TOP_LISTED];
};
enum { TOP_CONSUMERS, TOP_PRODUCERS, TOP_QUEUE_TABLE, TOP_TABLES };
void top_tables_fill(const struct cli *cli, const struct top_sample *sample,
                     struct top_table tables[TOP_TABLES]);

/* The lines above the tables. */
enum { TOP_HEAD_LINES = 3, TOP_LINE_SIZE = 512 };
void top_head(const struct cli *cli, const struct top_sample *sample,
              char lines[TOP_HEAD_LINES][TOP_LINE_SIZE]);
enum top_severity top_head_severity(const struct top_sample *sample);

/* ---- screen.c: the terminal; the only file that includes ncurses ---- */

enum top_key { TOP_KEY_NONE, TOP_KEY_QUIT, TOP_KEY_SORT, TOP_KEY_PAUSE, TOP_KEY_REDRAW };
struct top_view {
    const struct top_sample *sample;
    const char *notice; /* "stale since …"; NULL: none */
    enum top_sort sort;
    bool paused;
};
/* False: this terminal cannot do it. */
bool top_screen_open(const struct cli *cli);
void top_screen_close(void);
enum top_key top_screen_key(void); /* does not wait */
void top_screen_draw(const struct cli *cli, const struct top_view *view);

#endif
