/* What the files of services/common share with each other and with nobody else. */
#ifndef SV_INSIDE_H
#define SV_INSIDE_H

#include "host.h"

/* ---- plans.c: all plans ever adopted, and which of them are in force in each world ---- */
struct sv_stored { /* a plan with the files it came from, shared by both worlds */
    struct plan *plan;
    struct plan_file *files; /* owned copies */
    size_t file_count;
};
struct sv_store {
    struct sv_stored *all; /* in order of first adoption */
    size_t count;
};
struct sv_plans {
    const struct plan **known; /* in order of adoption in this world, each hash once */
    size_t known_count;
    const struct plan **current; /* one a plan id, in order of first adoption */
    size_t current_count;
};
/* The plan of these files, loaded at first sight. NULL with the reason if the linter refuses. */
const struct plan *sv_store_take(struct sv_store *store, const struct plan_file *files,
                                 size_t count, struct ld_error *error);
const struct plan *sv_store_find(const struct sv_store *store, const char *hash);
void sv_store_clear(struct sv_store *store);
/* Puts the plan in force; true if that hash was not the one in force. */
bool sv_plans_adopt(struct sv_plans *plans, const struct plan *plan);
void sv_plans_clear(struct sv_plans *plans);
void sv_store_visit(struct sv_store *store, struct sv_codec *codec);
void sv_plans_visit(struct sv_plans *plans, const struct sv_store *store, struct sv_codec *codec);

/* ---- codec.c ---- */
struct sv_codec {
    struct ld_buffer *into; /* saving; else NULL */
    const uint8_t *from;    /* loading */
    size_t size, at;
    bool failed;
    const struct sv_plans *plans; /* of the world whose core is visited */
};
/* Loading only: the same bytes, borrowed. */
const uint8_t *sv_code_view(struct sv_codec *codec, size_t *size);

/* ---- emit.c ---- */
struct sv_outputs {
    struct ld_arena arena;
    struct sv_output *all;
    size_t count, capacity;
    /* whose outputs and of which input: set before each apply */
    const char *service, *producer;
    uint64_t producer_id, input;
    unsigned index;
    bool exercise;
};
void sv_outputs_begin(struct sv_outputs *out); /* a new event: forgets the last one's outputs */
void sv_outputs_free(struct sv_outputs *out);

#endif
