/* Collecting what is wrong with a bundle: bounded, each with its place, in order of files. */
#ifndef LD_PLAN_FINDINGS_H
#define LD_PLAN_FINDINGS_H

#include "plan.h"
#include <stdarg.h>

/* Adds one finding; beyond PLAN_FINDINGS_MAX only sets more. file and text are copied. */
void findings_add(struct plan_findings *findings, const char *file, int line, int column,
                  const char *format, ...) LD_PRINTF(5, 6);
void findings_add_list(struct plan_findings *findings, const char *file, int line, int column,
                       const char *format, va_list arguments) LD_PRINTF(5, 0);
/* Sorts by the order of files, then by place; keeps the order of findings at one place. */
void findings_sort(struct plan_findings *findings, const struct plan_file *files,
                   size_t file_count);

#endif
