/* push_private.h - what the files of this folder share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/metrics.h"
#include "libshared/base/url.h"
#include "libshared/db/rows.h"
#include "libshared/fetch/web_push.h"
#include "libshared/fetch/webhook_receiver.h"
#include "services/chat/notifications/notifications.h"
#include "services/chat/push/push.h"

#define PUSH_LANES 8 /* proto/chat.def: push_lane.lane; so many for each of both */
enum push_to { TO_WEBHOOK, TO_BROWSERS, PUSH_TO };
static inline enum push_to push_to_of(int64_t lane)
{
    return lane < PUSH_LANES ? TO_WEBHOOK : TO_BROWSERS;
}

/* What becomes of a row. */
#define PUSH_EACH_END(X) X(posted) X(gone) X(read) X(heard) X(muted) X(quiet) X(late) X(limited) X(refused) X(ended)
enum push_end {
#define END(name) PUSH_##name,
    PUSH_EACH_END(END)
#undef END
        PUSH_ENDS
};
const char *push_end_name(enum push_end end);

struct push {
    struct webhook_receiver *receiver; /* NULL: nothing is posted to one */
    struct str services, contact;      /* of browsers: settings.def; no services: none is told */
    struct metric *ends[PUSH_TO][PUSH_ENDS], *failed[PUSH_TO];
};
static inline struct push *push_of(const struct call *call)
{
    return ((const struct chat *)call->context)->push;
}

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

/* A row that is due, with all that is posted of it. */
struct push_item {
    struct id delivery, notification, room, subscription, session;
    struct str subject, kind, room_name, by, by_name, collapse, why_not;
    struct str endpoint, origin, keys, topic; /* of a browser */
    int64_t made, put_at, attempts, seq, thread, at, count, badge;
};

/* --- push_subscribe.c --- */

/* Do we post to a push service of this origin? */
bool push_service_is_known(const struct push *push, struct str origin);
/* It is told nothing more; of one that is gone already nothing happens. */
enum err push_forget(struct call *call, struct id subscription, struct str subject) MUST_CHECK;
/* The pair that signs, made when it is asked for first. */
enum err push_pair_get(struct call *call, struct web_push_pair *out) MUST_CHECK;
enum err push_keys_open(
    struct call *call, struct id subscription, struct str sealed, struct web_push_browser *out) MUST_CHECK;

/* --- push_browser.c --- */

struct push_request {
    struct str endpoint, authorization, topic, body;
    int64_t ttl_s;
    bool is_urgent;
};
/* On a worker; `text` is the message. */
enum err push_request_write(
    struct call *call, const struct push_item *item, struct str text, struct push_request *out) MUST_CHECK;
/* On the loop; as fetch_start(). */
void push_request_post(struct fetcher *fetcher, const struct push_request *request, fetch_done_fn *done, void *arg);
/* PUSH_posted, PUSH_refused (this message, as it is, is never taken), PUSH_ended (the browser takes nothing any more); PUSH_ENDS: it is to be posted again. */
enum push_end push_answer_end(const struct fetch_answer *answer);
