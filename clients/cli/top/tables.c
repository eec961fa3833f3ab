/* What `liandong top` says, as lines and tables of text, in the user's language. */
#include "top.h"

#include <inttypes.h>
#include <string.h>

#include "timefmt.h"

enum { WARNING_LAG_US = 5000000, ALARM_LAG_US = 30000000, SHORT_SIZE = 32 };

/* ---- figures as people read them ---- */

static const char *bytes_text(char text[SHORT_SIZE], double bytes)
{
    static const char *const UNITS[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < sizeof UNITS / sizeof UNITS[0]; unit++)
        bytes /= 1024;
    snprintf(text, SHORT_SIZE, unit > 0 && bytes < 100 ? "%.1f %s" : "%.0f %s", bytes, UNITS[unit]);
    return text;
}

static const char *span_text(char text[SHORT_SIZE], int64_t us)
{
    char whole[LD_TIME_TEXT_SIZE];
    if (us < LD_US_SECOND)
        snprintf(text, SHORT_SIZE, "%.1f ms", (double)us / 1000);
    else if (us < 60 * LD_US_SECOND)
        snprintf(text, SHORT_SIZE, "%.1f s", (double)us / 1e6);
    else
        snprintf(text, SHORT_SIZE, "%.31s", ld_duration_format(whole, us));
    return text;
}

static const char *rate_text(char text[SHORT_SIZE], double rate)
{
    snprintf(text, SHORT_SIZE, rate > 0 && rate < 10 ? "%.1f" : "%.0f", rate);
    return text;
}

static const char *number_text(char text[SHORT_SIZE], uint64_t number)
{
    snprintf(text, SHORT_SIZE, "%" PRIu64, number);
    return text;
}

/* ---- the head ---- */

static const char *clock_text(char text[SHORT_SIZE], int64_t time_us)
{
    char iso[LD_TIME_TEXT_SIZE];
    ld_time_format(iso, time_us, LD_CHINA_OFFSET_MINUTES);
    snprintf(text, SHORT_SIZE, "%.10s %.8s", iso, iso + 11);
    return text;
}

void top_head(const struct cli *cli, const struct top_sample *sample,
              char lines[TOP_HEAD_LINES][TOP_LINE_SIZE])
{
    const struct top_router *router = &sample->router;
    char a[SHORT_SIZE], b[SHORT_SIZE], c[SHORT_SIZE], d[SHORT_SIZE];
    snprintf(lines[0], TOP_LINE_SIZE,
             cli_say(cli, "联动 %s  %s%s  第 %" PRIu64 " 号  会话 %" PRIu64 "  流 %" PRIu64 "%s",
                     "liandong %s  %s%s  head %" PRIu64 "  sessions %" PRIu64 "  streams %" PRIu64
                     "%s"),
             cli->endpoint, clock_text(a, router->time_us),
             router->drill ? cli_say(cli, "（演练）", " (drill)") : "", router->head,
             router->sessions, router->streams,
             router->failed ? cli_say(cli, "  日志写入失败", "  WRITING THE LOG HAS FAILED") : "");
    snprintf(lines[1], TOP_LINE_SIZE,
             cli_say(cli, "写入 %s 条/秒  送出 %s 条/秒  落盘 %s（最长 %s）",
                     "in %s/s  delivered %s/s  sync %s (longest %s)"),
             rate_text(a, router->in_rate), rate_text(b, router->delivered_rate),
             span_text(c, router->sync_us), span_text(d, router->sync_us_max));
    size_t used = strlen(lines[1]);
    snprintf(lines[1] + used, TOP_LINE_SIZE - used,
             cli_say(cli, "  提交 %s 次/秒  拒绝 %" PRIu64, "  commits %s/s  refused %" PRIu64),
             rate_text(a, router->commits_rate), router->refused);
    snprintf(lines[2], TOP_LINE_SIZE,
             cli_say(cli, "日志 %s  磁盘余 %s  内存 %s", "log %s  disk free %s  memory %s"),
             bytes_text(a, (double)router->disk_bytes), bytes_text(b, (double)router->free_bytes),
             bytes_text(c, (double)router->resident_bytes));
    used = strlen(lines[2]);
    snprintf(lines[2] + used, TOP_LINE_SIZE - used,
             cli_say(cli, "  最长一轮 %s（最近）%s（启动以来）  停顿 %" PRIu64 " 次",
                     "  longest turn %s recently, %s ever  stalls %" PRIu64),
             span_text(a, router->turn_us_recent), span_text(b, router->turn_us_max),
             router->stalls);
}

enum top_severity top_head_severity(const struct top_sample *sample)
{
    if (sample->router.failed)
        return TOP_ALARM;
    return sample->router.turn_us_recent > 100000 ? TOP_WARNING : TOP_QUIET;
}

/* ---- tables ---- */

static void put(char cell[TOP_CELL_SIZE], const char *text)
{
    snprintf(cell, TOP_CELL_SIZE, "%s", text);
}

static const char *state_text(const struct cli *cli, const char *state)
{
    static const struct {
        const char *state;
        struct plan_text text;
    } STATES[] = {{"ready", {"待发", "ready"}},
                  {"at-head", {"跟上", "at head"}},
                  {"no-credit", {"等额度", "no credit"}},
                  {"busy", {"拥塞", "busy"}}};
    for (size_t i = 0; i < sizeof STATES / sizeof STATES[0]; i++)
        if (strcmp(STATES[i].state, state) == 0)
            return cli_text(cli, STATES[i].text);
    return state;
}

static enum top_severity consumer_severity(const struct top_consumer *consumer)
{
    if (consumer->lag_us >= ALARM_LAG_US)
        return TOP_ALARM;
    bool waits = strcmp(consumer->state, "busy") == 0 || strcmp(consumer->state, "no-credit") == 0;
    return consumer->lag_us >= WARNING_LAG_US || waits ? TOP_WARNING : TOP_QUIET;
}

static void fill_consumers(const struct cli *cli, const struct top_sample *sample,
                           struct top_table *table)
{
    static const struct cli_column COLUMNS[] = {
        {.name = {"消费者", "CONSUMER"}},
        {.name = {"状态", "STATE"}},
        {.name = {"位置", "POSITION"}, .right = true},
        {.name = {"落后（条）", "LAG"}, .right = true},
        {.name = {"落后（时间）", "LAG TIME"}, .right = true},
        {.name = {"条/秒", "EVENTS/S"}, .right = true},
        {.name = {"字节/秒", "BYTES/S"}, .right = true},
        {.name = {"过滤器", "FILTERS"}}};
    char text[SHORT_SIZE];
    table->columns = COLUMNS;
    table->column_count = sizeof COLUMNS / sizeof COLUMNS[0];
    table->row_count = sample->consumer_count;
    for (size_t i = 0; i < sample->consumer_count; i++) {
        const struct top_consumer *consumer = &sample->consumers[i];
        char(*cells)[TOP_CELL_SIZE] = table->rows[i].cells;
        table->rows[i].severity = consumer_severity(consumer);
        put(cells[0], consumer->identity);
        put(cells[1], state_text(cli, consumer->state));
        put(cells[2], number_text(text, consumer->position));
        put(cells[3], number_text(text, consumer->lag));
        put(cells[4], consumer->lag > 0 ? span_text(text, consumer->lag_us) : "-");
        put(cells[5], rate_text(text, consumer->events_rate));
        put(cells[6], bytes_text(text, consumer->bytes_rate));
        put(cells[7], consumer->filters);
    }
}

static void fill_producers(const struct cli *cli, const struct top_sample *sample,
                           struct top_table *table)
{
    static const struct cli_column COLUMNS[] = {{.name = {"生产者", "PRODUCER"}},
                                                {.name = {"在线", "OPEN"}},
                                                {.name = {"序号", "SEQUENCE"}, .right = true},
                                                {.name = {"条/秒", "EVENTS/S"}, .right = true},
                                                {.name = {"事件", "EVENTS"}, .right = true},
                                                {.name = {"重复", "DUPLICATES"}, .right = true},
                                                {.name = {"拒绝", "REFUSED"}, .right = true},
                                                {.name = {"静默", "SILENT"}, .right = true}};
    char text[SHORT_SIZE];
    table->columns = COLUMNS;
    table->column_count = sizeof COLUMNS / sizeof COLUMNS[0];
    table->row_count = sample->producer_count;
    for (size_t i = 0; i < sample->producer_count; i++) {
        const struct top_producer *producer = &sample->producers[i];
        char(*cells)[TOP_CELL_SIZE] = table->rows[i].cells;
        table->rows[i].severity = producer->refused > 0 ? TOP_WARNING : TOP_QUIET;
        put(cells[0], producer->name);
        put(cells[1], producer->open ? cli_say(cli, "是", "yes") : "-");
        put(cells[2], number_text(text, producer->sequence));
        put(cells[3], rate_text(text, producer->events_rate));
        put(cells[4], number_text(text, producer->events));
        put(cells[5], number_text(text, producer->duplicates));
        put(cells[6], number_text(text, producer->refused));
        put(cells[7], span_text(text, producer->silent_us));
    }
}

static const char *queue_text(const struct cli *cli, const char *name)
{
    static const struct {
        const char *name, *zh;
    } NAMES[] = {{"requests", "请求"},   {"commit", "待落盘"}, {"answers", "待答复"},
                 {"outbox", "发件箱"},   {"busy", "拥塞连接"}, {"streams", "待发的流"},
                 {"chunks", "在途副本"}, {"advances", "拨钟"}, {"finds", "按时查找"}};
    for (size_t i = 0; cli->zh && i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (strcmp(NAMES[i].name, name) == 0)
            return NAMES[i].zh;
    return name;
}

static bool nearly_full(const struct top_queue *queue)
{
    return (queue->length_limit > 0 && queue->length > queue->length_limit / 2) ||
           (queue->bytes_limit > 0 && queue->bytes > queue->bytes_limit / 2);
}

static void fill_queues(const struct cli *cli, const struct top_sample *sample,
                        struct top_table *table)
{
    static const struct cli_column COLUMNS[] = {{.name = {"队列", "QUEUE"}},
                                                {.name = {"长度", "LENGTH"}, .right = true},
                                                {.name = {"上限", "LIMIT"}, .right = true},
                                                {.name = {"字节", "BYTES"}, .right = true},
                                                {.name = {"上限", "LIMIT"}, .right = true},
                                                {.name = {"丢弃", "DROPPED"}, .right = true}};
    char text[SHORT_SIZE];
    table->columns = COLUMNS;
    table->column_count = sizeof COLUMNS / sizeof COLUMNS[0];
    table->row_count = sample->queue_count;
    for (size_t i = 0; i < sample->queue_count; i++) {
        const struct top_queue *queue = &sample->queues[i];
        char(*cells)[TOP_CELL_SIZE] = table->rows[i].cells;
        table->rows[i].severity = nearly_full(queue)   ? TOP_ALARM
                                  : queue->dropped > 0 ? TOP_WARNING
                                                       : TOP_QUIET;
        put(cells[0], queue_text(cli, queue->name));
        put(cells[1], number_text(text, queue->length));
        put(cells[2], queue->length_limit > 0 ? number_text(text, queue->length_limit) : "-");
        put(cells[3], bytes_text(text, (double)queue->bytes));
        put(cells[4], queue->bytes_limit > 0 ? bytes_text(text, (double)queue->bytes_limit) : "-");
        put(cells[5], number_text(text, queue->dropped));
    }
}

void top_tables_fill(const struct cli *cli, const struct top_sample *sample,
                     struct top_table tables[TOP_TABLES])
{
    fill_consumers(cli, sample, &tables[TOP_CONSUMERS]);
    fill_producers(cli, sample, &tables[TOP_PRODUCERS]);
    fill_queues(cli, sample, &tables[TOP_QUEUE_TABLE]);
}
