/* push_private.h - for push_put.c and push_send.c. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/metrics.h"
#include "libshared/db/rows.h"
#include "libshared/fetch/webhook_receiver.h"
#include "services/chat/notifications/notifications.h"
#include "services/chat/push/push.h"

#define PUSH_LANES 8 /* proto/chat.def: push_lane.lane */

/* What becomes of a row. */
#define PUSH_EACH_END(X) X(posted) X(gone) X(read) X(heard) X(muted) X(quiet) X(late) X(limited)
enum push_end {
#define END(name) PUSH_##name,
    PUSH_EACH_END(END)
#undef END
        PUSH_ENDS
};
const char *push_end_name(enum push_end end);

struct push {
    struct webhook_receiver *receiver; /* NULL: nothing is posted */
    struct metric *ends[PUSH_ENDS], *failed;
};

struct due_lane {
    int64_t lane, at;
};
struct due_lane_list {
    struct due_lane *at;
    size_t len;
};
extern const struct wire_shape due_lane_shape;

/* The lane's job runs at this time, or earlier. */
enum err push_wake(struct call *call, int64_t lane, int64_t at) MUST_CHECK;
