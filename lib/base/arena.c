/*
 * An arena: blocks in a list, newest first; what is handed out comes from the newest. A request
 * that does not fit begins a block at least twice as large as the last. A reset keeps the newest,
 * which is the largest.
 */
#include "arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN_BYTES = 16, BLOCK_FIRST_BYTES = 4096 };

struct ld_arena_block {
    struct ld_arena_block *next;
    size_t used, capacity;
    _Alignas(ALIGN_BYTES) uint8_t bytes[];
};

static struct ld_arena_block *block_new(struct ld_arena *arena, size_t size)
{
    size_t capacity = arena->blocks ? arena->blocks->capacity * 2 : BLOCK_FIRST_BYTES;
    if (capacity < size)
        capacity = size;
    struct ld_arena_block *block = malloc(sizeof *block + capacity);
    if (!block)
        abort();
    *block = (struct ld_arena_block){.next = arena->blocks, .capacity = capacity};
    arena->blocks = block;
    return block;
}

void *ld_arena_take(struct ld_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 4)
        abort();
    size_t rounded = (size + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
    struct ld_arena_block *block = arena->blocks;
    if (!block || block->capacity - block->used < rounded)
        block = block_new(arena, rounded);
    uint8_t *memory = block->bytes + block->used;
    block->used += rounded;
    arena->used_bytes += rounded;
    return memory;
}

void *ld_arena_alloc(struct ld_arena *arena, size_t size)
{
    return memset(ld_arena_take(arena, size), 0, size);
}

char *ld_arena_string(struct ld_arena *arena, const char *text, size_t size)
{
    char *copy = ld_arena_alloc(arena, size + 1);
    if (size > 0)
        memcpy(copy, text, size);
    return copy;
}

char *ld_arena_format(struct ld_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(size >= 0);
    char *text = ld_arena_alloc(arena, (size_t)size + 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return text;
}

static void free_from(struct ld_arena_block *block)
{
    while (block) {
        struct ld_arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void ld_arena_reset(struct ld_arena *arena)
{
    arena->used_bytes = 0;
    if (!arena->blocks)
        return;
    free_from(arena->blocks->next);
    arena->blocks->next = NULL;
    arena->blocks->used = 0;
}

void ld_arena_free(struct ld_arena *arena)
{
    if (!arena)
        return;
    free_from(arena->blocks);
    *arena = (struct ld_arena){0};
}
