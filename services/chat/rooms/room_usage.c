/* room_usage.c - what a subject has of the quotas of rooms. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/chat.h"

enum err room_usage(struct call *call, const struct usage_query *req, struct usage_page *rep)
{
    return quota_usage(call, req->subject, rep);
}
