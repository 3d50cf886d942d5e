/*
 * sealed.h - what lies in a database or leaves the process, and is read only with a key that does not: the file key.
 *
 *      file:    its first line is the key that seals; what the lines below it have sealed is still opened.  64 hex digits each
 *      sealed:  1 | key id, 4 | nonce, 12 | what was sealed, AES-256-GCM | tag, 16
 *
 * The purpose is authenticated with it: name the table, the column and the row ("auth.signing_key.sealed:<kid>"), and
 * what is moved to another row is not opened there.  A key is changed by a new line in front, sealing all again, and
 * taking the old line away.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"

#define FILE_KEYS_MAX     8
#define FILE_KEY_BYTES    32
#define FILE_KEY_ID_BYTES 4
#define SEALED_BYTES_MORE (1 + FILE_KEY_ID_BYTES + 12 + 16)

/* Once, before there are threads.  false: `why` says in a sentence what is wrong with the file.  A file that others than
 * its owner and group may read is refused. */
bool file_keys_load(const char *path, char *why, size_t size) MUST_CHECK;
/* The same lines from elsewhere. */
bool file_keys_take(struct str text, char *why, size_t size) MUST_CHECK;

size_t file_keys_count(void);
/* Public: the beginning of the key's SHA-256.  0: the one that seals. */
const unsigned char *file_key_id(size_t i);

/* In the arena.  There is a key: whoever seals has loaded it. */
struct str seal(struct arena *arena, struct str purpose, struct str plain);
/* false: sealed with another key, for another purpose, or it was changed. */
bool unseal(struct arena *arena, struct str purpose, struct str sealed, struct str *plain) MUST_CHECK;
/* Not NULL: which key has sealed it; and is it one of ours? */
const unsigned char *sealed_key_id(struct str sealed);
