/* arena.c - blocks in a chain, and the functions to run before they go. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/asan_interface.h>

#include "libshared/base/log.h"

#define BLOCK_BYTES 16384
#define ALIGNMENT   _Alignof(max_align_t)

/* Under ASan what nobody has allocated is poisoned, and a gap follows what somebody has: an arena would hide from it
 * what malloc shows. */
#ifdef __SANITIZE_ADDRESS__
#define GAP_BYTES ALIGNMENT
#else
#define GAP_BYTES 0
#endif

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(max_align_t) char at[];
};
struct cleanup {
    struct cleanup *next;
    void (*clean)(void *);
    void *arg;
};

struct arena {
    const char *name;
    size_t cap, used;
    bool over;
    struct block *blocks;     /* the one in use is first */
    struct cleanup *cleanups; /* newest first; they lie in the blocks */
};

static void *or_die(void *at, size_t size)
{
    if (at != NULL) return at;
    LOG(ERROR, "memory.exhausted", F_INT("bytes", size));
    abort();
}

void *mem_alloc(size_t size)
{
    return or_die(malloc(size == 0 ? 1 : size), size);
}

void *mem_zero(size_t size)
{
    return or_die(calloc(1, size == 0 ? 1 : size), size);
}

void *mem_grow(void *old, size_t size)
{
    return or_die(realloc(old, size == 0 ? 1 : size), size);
}

void *mem_one_more(void *list, size_t n, size_t *cap, size_t size)
{
    if (n < *cap) return list;
    *cap = *cap > 0 ? *cap * 2 : 4;
    return mem_grow(list, *cap * size);
}

void mem_free(void *old)
{
    free(old);
}

struct arena *arena_create(const char *name, size_t cap_bytes)
{
    struct arena *arena = mem_zero(sizeof *arena);

    arena->name = name;
    arena->cap = cap_bytes;
    return arena;
}

void arena_destroy(struct arena **arena)
{
    if (*arena == NULL) return;
    arena_reset(*arena);
    mem_free((*arena)->blocks);
    mem_free(*arena);
    *arena = NULL;
}

static void run_cleanups(struct arena *arena)
{
    while (arena->cleanups != NULL) {
        struct cleanup *c = arena->cleanups;
        arena->cleanups = c->next;
        c->clean(c->arg);
    }
}

void arena_reset(struct arena *arena)
{
    struct block *kept = NULL;

    run_cleanups(arena);
    while (arena->blocks != NULL) {
        struct block *b = arena->blocks;
        arena->blocks = b->next;
        if (kept == NULL && b->size == BLOCK_BYTES)
            kept = b;
        else
            mem_free(b);
    }
    if (kept != NULL) {
        kept->next = NULL;
        kept->used = 0;
        ASAN_POISON_MEMORY_REGION(kept->at, kept->size);
    }
    arena->blocks = kept;
    arena->used = 0;
    arena->over = false;
}

static struct block *block_create(size_t size)
{
    struct block *b = mem_alloc(sizeof *b + size);

    *b = (struct block){ .size = size };
    ASAN_POISON_MEMORY_REGION(b->at, size);
    return b;
}

/* A block with room for `size` bytes.  A large one goes behind the first, whose rest stays in use. */
static struct block *block_for(struct arena *arena, size_t size)
{
    struct block *first = arena->blocks;

    if (first != NULL && first->size - first->used >= size) return first;

    struct block *b = block_create(size > BLOCK_BYTES / 2 ? size : BLOCK_BYTES);
    bool behind = first != NULL && b->size != BLOCK_BYTES;
    b->next = behind ? first->next : first;
    *(behind ? &first->next : &arena->blocks) = b;
    return b;
}

bool arena_fits(const struct arena *arena, size_t more)
{
    return arena->used <= arena->cap && more <= arena->cap - arena->used;
}

bool arena_is_over(const struct arena *arena)
{
    return arena->over;
}

static void note_over(struct arena *arena, size_t size)
{
    if (!arena->over)
        LOG(WARN, "arena.over_cap", F_TEXT("arena", arena->name), F_INT("cap", arena->cap), F_INT("used", arena->used),
            F_INT("want", size));
    arena->over = true;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > PTRDIFF_MAX - BLOCK_BYTES) or_die(NULL, size); /* no sum of sizes: a mistake of ours */
    if (!arena_fits(arena, size)) note_over(arena, size);
    arena->used += size;

    size_t whole = ((size + ALIGNMENT - 1) & ~(ALIGNMENT - 1)) + GAP_BYTES;
    struct block *b = block_for(arena, whole);
    void *at = b->at + b->used;
    b->used += whole;
    ASAN_UNPOISON_MEMORY_REGION(at, size);
    return at;
}

void *arena_zero(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

void *arena_copy(struct arena *arena, const void *from, size_t size)
{
    void *at = arena_alloc(arena, size);

    if (size > 0) memcpy(at, from, size);
    return at;
}

struct str arena_str(struct arena *arena, struct str from)
{
    return (struct str){ arena_cstr(arena, from), from.len };
}

char *arena_cstr(struct arena *arena, struct str from)
{
    char *at = arena_alloc(arena, from.len + 1);

    if (from.len > 0) memcpy(at, from.at, from.len);
    at[from.len] = '\0';
    return at;
}

struct str arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args, again;

    assert(fmt != NULL);
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    assert(len >= 0);

    char *at = arena_alloc(arena, (size_t)len + 1);
    vsnprintf(at, (size_t)len + 1, fmt, again);
    va_end(again);
    return (struct str){ at, (size_t)len };
}

void arena_on_reset(struct arena *arena, void (*clean)(void *), void *arg)
{
    struct cleanup *c = arena_alloc(arena, sizeof *c);

    *c = (struct cleanup){ arena->cleanups, clean, arg };
    arena->cleanups = c;
}

size_t arena_held(const struct arena *arena)
{
    size_t bytes = sizeof *arena;

    for (const struct block *b = arena->blocks; b != NULL; b = b->next) bytes += sizeof *b + b->size;
    return bytes;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
