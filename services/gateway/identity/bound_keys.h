/* bound_keys.h - API keys that may be used from some networks only, looked up for each request of their tokens. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

struct bound_keys; /* in the arena that it was made in */

struct bound_keys *bound_keys_make(struct arena *arena, const struct bound_key_list *list);
/* May a token of this key be used from here?  for_itself: it speaks for the key.  keys NULL: yes. */
bool bound_keys_admit(const struct bound_keys *keys, struct str key, bool for_itself, struct str address);
