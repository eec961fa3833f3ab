/* What was measured: figures by series and name, one a round; medians; written as TSV. */
#ifndef LIANDONG_FIGURES_H
#define LIANDONG_FIGURES_H

#include <stddef.h>
#include <stdio.h>

enum { FIGURE_NAME_SIZE = 64 };

struct figure {
    const char *series; /* borrowed for ever */
    char name[FIGURE_NAME_SIZE];
    double value;
    size_t round;
};

struct figures {
    struct figure *all;
    size_t count, capacity;
    size_t round;     /* of what is noted now */
    const char *part; /* first column of what is written */
    FILE *raw;        /* each figure at once: part, series, name, round, value; NULL: not */
};

void figures_note(struct figures *figures, const char *series, const char *name, double value);
double figures_median(const struct figures *figures, const char *series, const char *name);
void figures_free(struct figures *figures);

#endif
