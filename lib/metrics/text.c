#include "text.h"

#include <inttypes.h>
#include <string.h>

static const char *const KINDS[] = {"counter", "gauge", "histogram"};

void metrics_family(struct metrics_text *text, const char *name, enum metrics_kind kind,
                    const char *help)
{
    text->name = name;
    ld_buffer_format(&text->buffer, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, KINDS[kind]);
}

/* ---- labels ---- */

/* How much of the value is shown: whole characters. */
static size_t shown_size(const char *value)
{
    size_t size = strnlen(value, METRICS_LABEL_SIZE + 1);
    if (size <= METRICS_LABEL_SIZE)
        return size;
    size = METRICS_LABEL_SIZE;
    while (size > 0 && ((unsigned char)value[size] & 0xc0) == 0x80)
        size--;
    return size;
}

static void add_value(struct ld_buffer *buffer, const char *value)
{
    size_t size = shown_size(value);
    for (size_t i = 0; i < size; i++) {
        if (value[i] == '\n')
            ld_buffer_text(buffer, "\\n");
        else if (value[i] == '"' || value[i] == '\\')
            ld_buffer_append(buffer, (const char[]){'\\', value[i]}, 2);
        else
            ld_buffer_append(buffer, value + i, 1);
    }
    if (value[size] != '\0')
        ld_buffer_text(buffer, "…");
}

static void begin_sample(struct metrics_text *text, const char *suffix, metrics_labels labels)
{
    struct ld_buffer *buffer = &text->buffer;
    ld_buffer_text(buffer, text->name);
    ld_buffer_text(buffer, suffix);
    for (metrics_labels label = labels; label && label->name; label++) {
        ld_buffer_text(buffer, label == labels ? "{" : ",");
        ld_buffer_text(buffer, label->name);
        ld_buffer_text(buffer, "=\"");
        add_value(buffer, label->value);
        ld_buffer_text(buffer, "\"");
    }
    if (labels && labels->name)
        ld_buffer_text(buffer, "}");
    ld_buffer_text(buffer, " ");
}

/* ---- values ---- */

static void end_seconds(struct metrics_text *text, int64_t value_us)
{
    uint64_t size_us = value_us < 0 ? 0 - (uint64_t)value_us : (uint64_t)value_us;
    ld_buffer_format(&text->buffer, "%s%" PRIu64 ".%06" PRIu64 "\n", value_us < 0 ? "-" : "",
                     size_us / 1000000, size_us % 1000000);
}

void metrics_number(struct metrics_text *text, metrics_labels labels, uint64_t value)
{
    begin_sample(text, "", labels);
    ld_buffer_format(&text->buffer, "%" PRIu64 "\n", value);
}

void metrics_seconds(struct metrics_text *text, metrics_labels labels, int64_t value_us)
{
    begin_sample(text, "", labels);
    end_seconds(text, value_us);
}

static void add_bucket(struct metrics_text *text, const char *bound, uint64_t count)
{
    begin_sample(text, "_bucket", METRICS_LABELS({"le", bound}));
    ld_buffer_format(&text->buffer, "%" PRIu64 "\n", count);
}

void metrics_histogram(struct metrics_text *text, const struct ld_histogram *histogram)
{
    static const char *const BOUNDS[LD_HISTOGRAM_BOUNDS + 1] = {
        "0.0001", "0.0002", "0.0005", "0.001", "0.002", "0.005", "0.01", "0.02",
        "0.05",   "0.1",    "0.2",    "0.5",   "1",     "2",     "5",    "+Inf"};
    uint64_t count = 0;
    for (int bucket = 0; bucket <= LD_HISTOGRAM_BOUNDS; bucket++) {
        count += histogram->counts[bucket];
        add_bucket(text, BOUNDS[bucket], count);
    }
    begin_sample(text, "_sum", NULL);
    end_seconds(text, histogram->sum_us);
    begin_sample(text, "_count", NULL);
    ld_buffer_format(&text->buffer, "%" PRIu64 "\n", count);
}
