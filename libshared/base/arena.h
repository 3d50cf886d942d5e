/*
 * arena.h - memory with one lifetime: allocate as you go, free all at once.
 *
 * Allocation never fails: out of memory is the end of the process.  Over its cap an arena gives memory all the same and
 * is `over`, sticks so until its reset, and the log says it once.  Nobody asks after each step: whoever runs the request
 * asks at its end, keeps nothing of what was done, and answers too_large.  Code that allocates by a number that came from
 * outside asks arena_fits() first, so that what is given beyond the cap is no more than one step's.
 * docs/why/0019-arenas-that-are-over.md
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/err.h"
#include "libshared/base/str.h"

struct arena;

struct arena *arena_create(const char *name, size_t cap_bytes);
void arena_destroy(struct arena **arena); /* runs the cleanups, frees, sets NULL; NULL is fine */
void arena_reset(struct arena *arena);    /* runs the cleanups newest first, keeps one block for reuse */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, alloc_size(2))); /* aligned for anything */
void *arena_zero(struct arena *arena, size_t size);
void *arena_copy(struct arena *arena, const void *from, size_t size);
struct str arena_str(struct arena *arena, struct str from); /* a copy, NUL-terminated behind its end */
char *arena_cstr(struct arena *arena, struct str from);
struct str arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3); /* NUL-terminated */
void arena_on_reset(struct arena *arena, void (*clean)(void *), void *arg);
size_t arena_used(const struct arena *arena);
size_t arena_held(const struct arena *arena);            /* with what its blocks have left */
bool arena_fits(const struct arena *arena, size_t more); /* false: so many bytes more would be over the cap */
bool arena_is_over(const struct arena *arena);

/* The process's own allocator, for what outlives every arena: never NULL. */
void *mem_alloc(size_t size) __attribute__((malloc));
void *mem_zero(size_t size) __attribute__((malloc));
void *mem_grow(void *old, size_t size);
void mem_free(void *old);
/* A list with room for one more behind its n items of so many bytes: moved to twice the room when it was full. */
void *mem_one_more(void *list, size_t n, size_t *cap, size_t size);
