/* outwards.h - requests to other people's servers, as the settings allow them. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/fetch/fetch.h"
#include "libshared/service/settings.h"

/* For a service with an OUTWARDS row in proto/services.def: its `start` and its handlers (call_fetcher()) have it. */
struct fetcher *outwards_create(struct ev_loop *loop, const struct settings_common *s);
