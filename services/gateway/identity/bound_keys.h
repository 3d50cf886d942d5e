/* bound_keys.h - API keys that may be used from some networks only, looked up for each request of their tokens. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

struct bound_keys;

struct bound_keys *bound_keys_create(void);
void bound_keys_destroy(struct bound_keys **keys);
/* As it is from now on: without networks it is bound no more. */
void bound_keys_set(struct bound_keys *keys, const struct trust_key *key);
/* May a token of this key be used from here?  for_itself: it speaks for the key. */
bool bound_keys_admit(const struct bound_keys *keys, struct str key, bool for_itself, struct str address);
