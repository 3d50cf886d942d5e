/*
 * keys.h - CURVE certificates on disk, one key pair per process kind.
 *
 *      key_dir/<self>.key_secret      ours (mode 0600), zcert format
 *      key_dir/peers/<name>.key       public certificates of everyone we talk to, with metadata name=<name>
 *
 * A server lets in only whom peers/ lists (zauth, CURVE); rpc_server learns the caller's name from the metadata.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/err.h"
#include "libshared/base/str.h"

struct _zcert_t;

/* Exits with a clear line when a certificate is missing or readable by others. */
struct _zcert_t *keys_load_self(const char *key_dir, const char *self);
struct _zcert_t *keys_load_peer(const char *key_dir, const char *peer);
/* Another secret for each purpose, out of the one that all processes of this kind have: never sent, never stored. */
#define KEYS_DERIVED_BYTES 32
void keys_derive(const char *key_dir, const char *self, const char *purpose, unsigned char out[KEYS_DERIVED_BYTES]);
/* Start czmq's authenticator for this process, once. */
void keys_start_auth(const char *key_dir);
