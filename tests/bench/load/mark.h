/* mark.h - the head of each body, "~room.number~", by which a listener knows what it hears. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MARK_BODY_MAX = 4000 };

/* A body of `len` characters, at most MARK_BODY_MAX, with its mark, and an end to the string. */
void mark_write(char *body, size_t len, size_t room, uint32_t number);

/* What the first mark of an event says; `~` stands nowhere else in one. */
bool mark_read(const char *text, size_t len, size_t *room, uint32_t *number);

/* The number after the first `key`, or -1. */
int64_t mark_number_after(const char *text, size_t len, const char *key);
