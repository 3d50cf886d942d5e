/* share.h - the handlers of the share service: their prototypes come from proto/share.def. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/quota.h"
#include "libshared/rpc/rpc_rows.h"

/* clang-format off */
#define METHOD RPC_PROTOTYPE
#include "proto/begin.def"
#include "proto/share.def"
#include "proto/end.def"
/* clang-format on */
