/*
 * Lines for the operator. What a peer can cause at will is written at most once a second per kind;
 * the next line says how many were left out. Everything is counted elsewhere (status.c).
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>

enum { NOTE_PAUSE_US = 1000000, NOTE_TEXT_SIZE = 1024 };

static void note_text(struct router *router, uint64_t suppressed, const char *format,
                      va_list arguments) __attribute__((format(printf, 3, 0)));

static void note_text(struct router *router, uint64_t suppressed, const char *format,
                      va_list arguments)
{
    char text[NOTE_TEXT_SIZE];
    int size = vsnprintf(text, sizeof text, format, arguments);
    if (size < 0)
        return;
    size_t used = (size_t)size < sizeof text ? (size_t)size : sizeof text - 1;
    if (suppressed > 0)
        snprintf(text + used, sizeof text - used, " (and %llu more like it)",
                 (unsigned long long)suppressed);
    router->options.note(text, router->options.data);
}

void note(struct router *router, const char *format, ...)
{
    if (!router->options.note)
        return;
    va_list arguments;
    va_start(arguments, format);
    note_text(router, 0, format, arguments);
    va_end(arguments);
}

void note_limited(struct router *router, enum note_kind kind, const char *format, ...)
{
    if (!router->options.note)
        return;
    struct note_limit *limit = &router->note_limits[kind];
    int64_t now_us = ld_monotonic_us(router->context);
    if (limit->last_us != 0 && now_us - limit->last_us < NOTE_PAUSE_US) {
        limit->suppressed++;
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    note_text(router, limit->suppressed, format, arguments);
    va_end(arguments);
    *limit = (struct note_limit){.last_us = now_us};
}
