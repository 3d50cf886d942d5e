/*
 * viewers.h - /link: whoever is shown what a link opens hears that it changes, and that it ends for them.
 *
 *      CONNECT {watch} --bounds--> share: whose ticket is it, how is the link? --may look--> open, for link:changed and link:ended
 *                          \-- overloaded, rate_limited                          \--else--> not_found, credentials_invalid
 *
 *      share.moved, its time, a new pipe to share, now and then --> share: how are these links? --> told, to each socket that it is about
 *
 * Nobody here has an identity, and a token is not looked at: there is no policy, no room and no event that a socket may send, and what
 * it hears is of the link in its ticket alone.  What is kept is in memory, and bounded: of one link, of one address, and in all.  A
 * socket that was lost comes to any gateway with its ticket, and is told what has become of the link meanwhile.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/methods.h"
#include "services/gateway/rates/rates.h"
#include "services/gateway/socketio/sio.h"

#define VIEWERS_NAMESPACE "/link"

struct ev_loop;
struct viewers;
struct viewers_config {
    const struct service_pipes *share;
    struct rates *rates;
    size_t max, per_link, per_address;
};

struct viewers *viewers_create(struct ev_loop *loop, const struct viewers_config *config);
const struct sio_namespace *viewers_namespace(const struct viewers *viewers); /* for sio_add(): lives as long */
/* Of share: a pipe is up, an event came. */
void viewers_share_up(struct viewers *viewers);
void viewers_share_event(struct viewers *viewers, const struct frame_event *head, struct str body);
void viewers_destroy(struct viewers **viewers); /* after the last socket and the last answer; NULL is fine */
