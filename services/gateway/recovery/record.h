/*
 * record.h - what is known of a socket while its client is away (identity/saved.h), as bytes.
 *
 *      in Redis:  HMAC-SHA256, 32 bytes | recovery_record of proto/gateway.def, msgpack
 *
 * How far it has heard is not here but in the client's own offset.  So this changes only when a room is joined or left,
 * and a gateway that is killed takes nothing with it.
 *
 * Redis is not trusted with it.  The HMAC's key is the gateways' own, and it is made over the hash of the pid too, so a
 * record is of no use in another's place; and what it says is held against its bounds all the same.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"
#include "services/gateway/identity/saved.h"

#define RECORD_NAMES_BYTES_MAX (32u << 10)
#define RECORD_BYTES_MAX       (192u << 10) /* the largest recovery_record: tests/unit/gateway/recovery/test_recovery.c */
#define RECORD_HASH_BYTES      32           /* of the pid */

struct record_key {
    unsigned char bytes[32];
};
size_t record_names_bytes(const struct str *names, size_t n); /* to be held against RECORD_NAMES_BYTES_MAX */
/* A client that disconnected does not come back; one that was lost for any other reason may. */
bool record_is_over(const char *reason);

void record_key_load(
    struct record_key *key, const char *key_dir); /* out of the gateways' CURVE key; exits if there is none */
/* Appends the record; nothing, with a line in the log, if it is out of its bounds: it will not be found then. */
void record_write(
    const struct record *record, const struct record_key *key, const unsigned char *hash, struct buf *out);
/* false: none of ours, or not this pid's, or out of its bounds.  Views into the text, which has to live as long. */
bool record_read(
    struct str text, const struct record_key *key, const unsigned char *hash, struct arena *arena, struct record *out);
/* What record_write puts before the msgpack. */
void record_sign(const struct record_key *key, const unsigned char *hash, struct str msgpack, unsigned char out[32]);
