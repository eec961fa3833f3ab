/* An arena: many small allocations, freed together. Zero-initialise the struct to begin. */
#ifndef LD_BASE_ARENA_H
#define LD_BASE_ARENA_H

#include <liandong/error.h>
#include <stdint.h>

struct ld_arena_block;

struct ld_arena {
    struct ld_arena_block *blocks;
    size_t used_bytes; /* handed out since the last reset */
};

/* Zeroed memory, aligned to 16; aborts when memory ends (callers bound what they ask for). */
void *ld_arena_alloc(struct ld_arena *arena, size_t size);
/* The same, to be filled by the caller: not zeroed. */
void *ld_arena_take(struct ld_arena *arena, size_t size);
char *ld_arena_string(struct ld_arena *arena, const char *text, size_t size);
char *ld_arena_format(struct ld_arena *arena, const char *format, ...) LD_PRINTF(2, 3);
void ld_arena_reset(struct ld_arena *arena); /* keeps one block for reuse */
void ld_arena_free(struct ld_arena *arena);

#endif
