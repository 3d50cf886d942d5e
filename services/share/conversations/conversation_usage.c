/* conversation_usage.c - what a subject has of the quotas of conversations. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/share.h"

enum err conversation_usage(struct call *call, const struct usage_query *req, struct usage_page *rep)
{
    return quota_usage(call, req->subject, rep);
}
