/* conversations.h - who may do what with a conversation: the rows of rights.def. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/share/share.h"

/* clang-format off */
enum conversation_right {
#define CAN(name, anybody, reader, editor, owner, doc) CAN_##name,
#include "services/share/conversations/rights.def"
#undef CAN
};
/* clang-format on */

/* The caller has this right.  not_found, as if it were not there; forbidden: they are something of it, and have not. */
enum err conversation_require(struct call *call, struct id conversation, enum conversation_right right) MUST_CHECK;

/* Of a statement: is c shared with the subject of its sharing p, as they see it? */
#define CONVERSATION_IS_SHARED                                                                                         \
    "c.deleted_at IS NULL AND c.taken_down_at IS NULL AND NOT p.hidden AND NOT EXISTS (SELECT FROM directory d"        \
    " WHERE d.subject = c.owner AND d.state <> 'active')"
