/* share.h - the handlers of the share service, whose prototypes come from proto/share.def, and what they share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/quota.h"
#include "libshared/rpc/rpc_rows.h"
#include "services/share/media/uploads.h"

/* The context of each call. */
struct share {
    struct files *files;
    struct uploads *uploads;
};

/* clang-format off */
#define METHOD RPC_PROTOTYPE
#include "proto/begin.def"
#include "proto/share.def"
#include "proto/end.def"
/* clang-format on */

/* media_describe.c: an id, and a name and a URL that are safe to show. */
struct str media_url(struct call *call, struct id id, struct str name);
void media_describe(struct call *call, const struct media_draft *draft, struct media *out);
