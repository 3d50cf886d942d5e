/* check.h - the bounds of a field, asked in one place by everything that reads or writes a value. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <msgpack.h>

#include "libshared/wire/wire.h"

/* Each gives OK, or fills `why` and gives ERR_INVALID_ARGUMENT, if it says nothing else. */
enum err check_int(const struct wire_field *f, int64_t n, struct wire_error *why) MUST_CHECK;
enum err check_text(const struct wire_field *f, struct str s, struct wire_error *why) MUST_CHECK;
enum err check_item(const struct wire_field *f, size_t i, struct str s, struct wire_error *why) MUST_CHECK;
enum err check_bytes(const struct wire_field *f, size_t len, struct wire_error *why) MUST_CHECK;
enum err check_id(const struct wire_field *f, struct id id, struct wire_error *why) MUST_CHECK;
enum err check_count(const struct wire_field *f, size_t n, struct wire_error *why) MUST_CHECK;
enum err check_total(const struct wire_field *f, size_t len, struct wire_error *why) MUST_CHECK; /* ERR_TOO_LARGE */
enum err check_any_size(const struct wire_field *f, struct str any, struct wire_error *why) MUST_CHECK;
/* A list that was read: its total. */
enum err check_list(const struct wire_field *f, const struct wire_list *list, struct wire_error *why) MUST_CHECK;
/* What was not given: refused, or the default. */
enum err check_absent(const struct wire_field *f, void *out, struct wire_error *why) MUST_CHECK;
enum err check_any(const struct wire_field *f, const msgpack_object *o, struct wire_error *why) MUST_CHECK;

/* The value is of another kind than the field's. */
enum err refuse_kind(const struct wire_field *f, struct wire_error *why);
enum err refuse_memory(const struct wire_field *f, struct wire_error *why); /* more than its arena has */
enum err refuse_field(const struct wire_field *f, const char *what, struct wire_error *why);

/* A refusal came from within f: say so in its path.  `i` < 0: f is no list. */
enum err refuse_within(const struct wire_field *f, long i, enum err e, struct wire_error *why);

/* Bytes of one item of a list, as it lies in memory. */
size_t field_item_size(const struct wire_field *f);
/* Is an optional field's value the one that stands for absence? */
bool field_is_absent(const struct wire_field *f, const void *at);

bool is_text(struct str s); /* UTF-8 without NUL; the empty one, too */
