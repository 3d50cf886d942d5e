/*
 * json.h - the door through which JSON comes in: a cursor over a text, with a sticky fault.
 *
 *      json_begin   json_open_array  json_next_item ...                  json_end
 *                   json_open_object json_next_key ...
 *                   json_text json_number json_word json_skip
 *
 * Strict RFC 8259.  What is well-formed but not taken, because PostgreSQL, msgpack or another parser would make
 * something else of it, is JSON_REFUSED: a number that no IEEE double holds (or longer than JSON_NUMBER_MAX), a key
 * given twice in an object, a NUL, half of a surrogate pair, more than JSON_KEYS_MAX keys at once.  The cursor goes on
 * over these, so that its reader can tell a text that is not JSON from one that is.  Keys and texts are compared as
 * they are once decoded.  Nothing is built, and no memory is taken by a count that the text announces.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"

#define JSON_DEPTH_MAX   64    /* what clients say to each other; records nest less */
#define JSON_NUMBER_MAX  1100  /* characters: any double written in full has fewer */
#define JSON_KEYS_MAX    65536 /* of all objects that are open at the same time */
#define JSON_KEYS_INLINE 32

enum json_verdict { JSON_FINE, JSON_REFUSED, JSON_MALFORMED };

struct json_key {
    unsigned hash;
    uint32_t at; /* where its quote stands */
};

struct json_in {
    const char *begin, *at, *end;
    unsigned depth, depth_max;
    enum json_verdict verdict;
    const char *fault; /* the first one, in words; and where */
    size_t fault_at;
    struct buf scratch; /* the last text with escapes, decoded */
    struct json_key inline_keys[JSON_KEYS_INLINE], *keys;
    size_t n_keys, cap_keys;
    const char *key_at;
};

/* Of an array or object that is being read. */
struct json_open {
    bool begun;
    size_t first_key;
};

struct json_number {
    bool whole;    /* no fraction, no exponent, and in 64 bits: -magnitude or magnitude; `real` holds it, too */
    bool negative; /* never with a magnitude of 0: -0 is no whole number */
    uint64_t magnitude;
    double real;
};

void json_begin(struct json_in *in, struct str text, unsigned depth_max);
/* Nothing but blanks is left?  Frees; verdict and fault stay. */
enum json_verdict json_end(struct json_in *in);

/* The first character of the next value: one of {["tfn-0123456789 of JSON, or whatever stands there; 0: none. */
char json_peek(struct json_in *in);
/* Each reads what json_peek has announced, a number for any other character; false: JSON_MALFORMED. */
bool json_open_array(struct json_in *in, struct json_open *array);
bool json_next_item(struct json_in *in, struct json_open *array); /* false: it has ended, or is malformed */
bool json_open_object(struct json_in *in, struct json_open *object);
bool json_next_key(struct json_in *in, struct json_open *object, struct str *key); /* decoded, like a text */
const char *json_key_at(const struct json_in *in); /* where the quote of the last key stands */
/* Decoded: a view into the text, or into `scratch` if it has escapes; that one holds until the next is read. */
bool json_text(struct json_in *in, struct str *out);
bool json_number(struct json_in *in, struct json_number *out);
bool json_word(struct json_in *in, struct str word);             /* true, false, null */
bool json_skip(struct json_in *in, struct str *raw);             /* a whole value; raw may be NULL */
bool json_is_decoded(const struct json_in *in, struct str text); /* it lies in `scratch` */

/* A whole text is one value, nested no deeper. */
enum json_verdict json_check(struct str text, unsigned depth_max);
/* The raw value of an object's member.  It looks no further: whether the whole is JSON, and has the key only once, is
 * asked of json_check() or wire_read_json(), before or after. */
bool json_find(struct str object, const char *name, struct str *raw);
/* The same of a text or an id: decoded, a copy only where there are escapes. */
bool json_find_text(struct str object, const char *name, struct arena *arena, struct str *out);
/* A raw string without escapes, without its quotes; false: it has some, or is no string. */
bool json_plain_text(struct str raw, struct str *out);
/* A raw string, decoded. */
bool json_decode_text(struct str raw, struct arena *arena, struct str *out);
