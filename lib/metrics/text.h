/*
 * Figures in the Prometheus text exposition format, version 0.0.4.
 *
 * Happy path: metrics_family, then one sample per set of labels; then the next family. Each family
 * is begun once, all its samples follow at once: that is the format's rule and the caller's care.
 * Values are exact: whole numbers, or microseconds shown as seconds.
 */
#ifndef LD_METRICS_TEXT_H
#define LD_METRICS_TEXT_H

#include "buffer.h"
#include "histogram.h"

enum metrics_kind { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

struct metrics_text {
    struct ld_buffer buffer; /* the text; freed by the caller */
    const char *name;        /* of the family; borrowed until the next one */
};

struct metrics_label {
    const char *name;
    const char *value; /* any UTF-8: escaped, and cut after METRICS_LABEL_SIZE bytes */
};
enum { METRICS_LABEL_SIZE = 200, METRICS_LABELS_MAX = 8 };

/* Ended by a label without name. NULL: none. */
typedef const struct metrics_label *metrics_labels;
#define METRICS_LABELS(...) ((const struct metrics_label[]){__VA_ARGS__, {NULL, NULL}})

/* help: one line. */
void metrics_family(struct metrics_text *text, const char *name, enum metrics_kind kind,
                    const char *help);
void metrics_number(struct metrics_text *text, metrics_labels labels, uint64_t value);
void metrics_seconds(struct metrics_text *text, metrics_labels labels, int64_t value_us);
/* All its buckets, sum and count. */
void metrics_histogram(struct metrics_text *text, const struct ld_histogram *histogram);

#endif
