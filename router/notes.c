/*
 * Lines for the operator. What a peer can cause at will is written at most once a second per kind;
 * how many were left out stands in the next line, or, if there is none for a second, in one of its
 * own. Everything is counted elsewhere (status.c).
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>

enum { NOTE_PAUSE_US = 1000000, NOTE_TEXT_SIZE = 1024 };

static void note_text(struct router *router, uint64_t suppressed, const char *format,
                      va_list arguments) __attribute__((format(printf, 3, 0)));

/* What a peer said may be in it; a line stays a line. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

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
    make_printable(text);
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

void note_left_out(struct router *router)
{
    static const char *const KINDS[NOTE_KINDS] = {
        [NOTE_GARBAGE] = "messages that are none of ours",
        [NOTE_REFUSED] = "refusals",
        [NOTE_SESSION] = "sessions dropped",
        [NOTE_STREAM] = "streams failed",
        [NOTE_SPACE] = "waits for space",
        [NOTE_CONNECTION] = "connections",
        [NOTE_STALL] = "stalls",
        [NOTE_KEYS] = "refused for their key",
    };
    int64_t now_us = ld_monotonic_us(router->context);
    for (int kind = 0; kind < NOTE_KINDS; kind++) {
        struct note_limit *limit = &router->note_limits[kind];
        if (limit->suppressed == 0 || now_us - limit->last_us < NOTE_PAUSE_US)
            continue;
        note(router, "%s: %llu more", KINDS[kind], (unsigned long long)limit->suppressed);
        *limit = (struct note_limit){.last_us = now_us};
    }
}
