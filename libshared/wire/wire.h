/*
 * wire.h - the contract, interpreted.
 *
 *      msgpack bytes --wire_decode----> struct --wire_encode-----> msgpack bytes
 *      JSON text     --wire_read_json-> struct --wire_write_json-> JSON text
 *
 * A record of proto/ is a C struct (records.h) and a shape: its fields as data.  Strictness lives here and nowhere
 * else: types, bounds, what is required.  Unknown fields are ignored, so an older process survives a newer peer.
 * On msgpack's side an ID is bin 16 and a TIME an integer; in JSON an ID is its 36 characters.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"
#include "libshared/base/id.h"

enum wire_kind {
    WIRE_INT,
    WIRE_BOOL,
    WIRE_TEXT,
    WIRE_BYTES,
    WIRE_ID,
    WIRE_TIME,
    WIRE_ANY,
    WIRE_TEXTS,
    WIRE_IDS,
    WIRE_LIST,
    WIRE_ONE
};

#define WIRE_MAX_DEPTH          16 /* nesting of what we take */
/* An ANY may travel as its JSON text, in an extension of this type: what was checked before it was stored is neither read
 * nor printed again, however many numbers are in it.  The text of so many bytes of msgpack may be longer. */
#define WIRE_ANY_TEXT           'J'
#define WIRE_ANY_TEXT_MOST(max) (3 * (size_t)(max) + 6)
#define WIRE_ANY_DEPTH          12 /* nesting of an ANY: what one record took still fits into the lists of another */
#define WIRE_MAX_FIELDS         64
#define WIRE_MAX_VALUES         (6u << 20) /* of one message: a page of messages, each with as many values as `meta` can hold */

struct str_list {
    struct str *at;
    size_t len;
};
struct id_list {
    struct id *at;
    size_t len;
};
struct wire_list { /* the layout of every list: items one behind the other */
    char *at;
    size_t len;
};

struct wire_shape;
struct wire_field {
    const char *name, *doc;
    size_t name_len; /* a name is looked for and written more often than anything else: WIRE_NAME() counts it */
    size_t at;       /* offsetof in the struct */
    enum wire_kind kind;
    int64_t min, max; /* value, code points, bytes or items, as the kind has it */
    int64_t item_max; /* TEXTS: code points of each */
    int64_t total;    /* LIST_WITHIN: bytes of msgpack of all items together; 0: what they add up to */
    const struct wire_shape *(*of)(void); /* LIST, ONE: the record */
    bool required;
    int64_t fallback; /* INT, BOOL: the value when absent */
};
#define WIRE_NAME(text) .name = (text), .name_len = sizeof(text) - 1
static inline struct str field_name(const struct wire_field *f)
{
    return (struct str){ f->name, f->name_len };
}

struct wire_shape {
    const char *name, *doc;
    size_t size;
    const struct wire_field *fields; /* ends with name NULL */
};

/* Why something was refused: the field at fault (empty: the whole; "rules[2].effect" inside a list) and a sentence,
 * which names the field too. */
struct wire_error {
    char field[65];
    char text[240];
    int64_t retry_after_ms;
    const char *quota; /* quota_exceeded: a name of proto/quotas.def; else NULL */
    int64_t limit, used;
    int64_t line; /* of a body of lines; 0: none */
};

/* Absent optionals are zero: an ID nil, a TIME 0, TEXT, BYTES and ANY with at == NULL, lists with len 0.
 * A ONE is NULL then, and else in the arena, like lists; TEXT, BYTES and ANY are views into `bytes`, which must live as
 * long as the record.
 * ERR_MALFORMED: not msgpack.  ERR_INVALID_ARGUMENT: msgpack, but not this record; `why` names the field.
 * ERR_TOO_LARGE: over a list's bytes, the values of a message, or the arena's cap. */
enum err wire_decode(const struct wire_shape *shape, struct str bytes, struct arena *arena, void *out,
    struct wire_error *why) MUST_CHECK;

/* Append the record.  Absent optionals are left out, and so is an INT at a default that lies out of its bounds.  Bounds
 * are checked here too: ERR_INTERNAL, with a log line that names the field.  ERR_TOO_LARGE: the buffer's bound.
 * Whatever fails to append (here and below) leaves `out` as it was. */
enum err wire_encode(const struct wire_shape *shape, const void *record, struct buf *out) MUST_CHECK;

/* The same from JSON text, by the door (json.h), and to compact JSON: key order of the shape, non-ASCII kept, control
 * characters escaped.  What is read are views into the text, but for texts with escapes, BYTES and ANY, which are in the
 * arena: no more bytes than the text has, lists apart.  ERR_MALFORMED: not JSON, or deeper than WIRE_MAX_DEPTH.
 * ERR_INVALID_ARGUMENT: JSON that the door refuses, with its place, or not this record, with the field. */
enum err wire_read_json(
    const struct wire_shape *shape, struct str json, struct arena *arena, void *out, struct wire_error *why) MUST_CHECK;
enum err wire_write_json(const struct wire_shape *shape, const void *record, struct buf *out) MUST_CHECK;

/* Values from beside the text, as of a path or a query: decoded, UTF-8 without NUL.  A field takes what is given before
 * what the text says, the last one of its name, and reads it as its kind is written: 7, true, a single item. */
struct wire_given {
    struct str name, value;
};
struct wire_given_list {
    struct wire_given *at;
    size_t len;
};
enum err wire_read_json_over(const struct wire_shape *shape, struct str json, struct wire_given_list given,
    struct arena *arena, void *out, struct wire_error *why) MUST_CHECK;

/* Both ways between JSON and msgpack, where nobody needs the record itself. */
#define WIRE_JSON_ARENA_MAX (256u << 20) /* four times a message between processes, of which the record is a view */
enum err wire_from_json(
    const struct wire_shape *shape, struct str json, struct buf *out, struct wire_error *why) MUST_CHECK;
enum err wire_to_json(const struct wire_shape *shape, struct str bytes, struct buf *out) MUST_CHECK;

/* Any msgpack value to JSON and back, without a shape.  bin becomes base64 text; a number that no 64 bits hold is a
 * real. */
enum err wire_any_to_json(struct str bytes, struct buf *out) MUST_CHECK;
enum err wire_any_from_json(struct str json, struct buf *out) MUST_CHECK;
/* Text that was checked before, as an ANY that stays text. */
void wire_any_of_text(struct str json, struct buf *out);
/* The text of such an ANY; STR_NONE: it is none. */
struct str wire_any_text(struct str any);

/* Is this exactly one well-formed msgpack value: depth, counts that fit into the bytes left, nothing after it?
 * Everything that unpacks asks this first, because msgpack-c allocates by the declared count. */
bool wire_is_sane(struct str bytes);

/* The id that a field of an encoded record has, without decoding the rest; false: it is absent, or no id. */
bool wire_peek_id(struct str bytes, const char *field, struct id *out);

/* The most that wire_encode can make of a record of this shape. */
size_t wire_most_bytes(const struct wire_shape *shape);

size_t wire_list_length(const struct wire_field *f, const void *record);             /* 0 of what is no list */
const struct wire_field *wire_find(const struct wire_shape *shape, struct str name); /* NULL if it has none such */
bool wire_is_page(const struct wire_shape *shape); /* its last field is `meta`, a page_meta (proto/common.def) */
enum err wire_refuse(struct wire_error *why, enum err e, const char *field, const char *fmt, ...)
    PRINTF_LIKE(4, 5); /* returns e */
