/* Figures in the order in which they were noted. */
#include "figures.h"

#include <stdlib.h>
#include <string.h>
#include "bench.h"

void figures_note(struct figures *figures, const char *series, const char *name, double value)
{
    if (figures->count == figures->capacity) {
        figures->capacity = figures->capacity ? 2 * figures->capacity : 256;
        figures->all = realloc(figures->all, figures->capacity * sizeof *figures->all);
        if (!figures->all)
            bench_die("memory", "none left");
    }
    struct figure *figure = &figures->all[figures->count++];
    *figure = (struct figure){.series = series, .value = value, .round = figures->round};
    snprintf(figure->name, sizeof figure->name, "%s", name);
    if (!figures->raw)
        return;
    fprintf(figures->raw, "%s\t%s\t%s\t%zu\t%.6g\n", figures->part, series, name,
            figures->round + 1, value);
    fflush(figures->raw);
}

double figures_median(const struct figures *figures, const char *series, const char *name)
{
    double *values = bench_allocate((figures->count + 1) * sizeof *values), median = 0;
    size_t count = 0;
    for (size_t i = 0; i < figures->count; i++)
        if (strcmp(figures->all[i].series, series) == 0 && strcmp(figures->all[i].name, name) == 0)
            values[count++] = figures->all[i].value;
    if (count > 0)
        median = bench_median(values, count);
    free(values);
    return median;
}

void figures_free(struct figures *figures)
{
    free(figures->all);
}
