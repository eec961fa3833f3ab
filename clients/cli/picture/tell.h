/* Inside the story: its state, and what its parts share. */
#ifndef CLI_TELL_H
#define CLI_TELL_H

#include "story.h"

struct gathered;
struct told_clock { /* a clock whose being met has been told */
    char *clock;
    UT_hash_handle hh;
};

struct story {
    unsigned kinds;
    const char *incident;
    story_line_fn *emit;
    void *data;
    struct plan *names;        /* newest adopted plan; NULL before */
    struct ld_arena arena;     /* of the line under way */
    struct gathered *gathered; /* what happened to many at once, at gathered_us */
    int64_t gathered_us;
    struct told_clock *clocks;
    int suggested; /* last grade suggested: told only when it changes */
};

/* Emits a line if it is wanted; takes over line->details. */
void tell(struct story *story, struct story_line *line, const char *zh, const char *en);
struct plan_text tell_unit(const struct story *story, const char *id);
struct plan_text tell_area(const struct story *story, const char *code);
struct plan_text tell_hazard(const struct story *story, const char *id);
/* steps.c: tellers of the families WARNING and RESPONSE. */
void tell_warning(struct story *story, struct story_line *line, const ProtobufCMessage *message);
void tell_response(struct story *story, struct story_line *line, const ProtobufCMessage *message);

#endif
