/*
 * trusted.h - what auth says is to be trusted: public keys, policies, what has ended, what keys are now, bans, limits;
 * and what is said to everybody.
 *
 *      nothing known --ask--> pages, from 0 on --the last one--> known --trust.moved--> known ...
 *                                                                 | ^
 *                                    a lost pipe, or a gap: ask --+ +-- what was missed, or all of it again
 *
 * Each page says what changed between two positions of auth's, as it is now; so one that is heard twice does no harm.  While
 * auth is away the newest trust holds.  Views and policies live until the next change, of which `changed` tells.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>

#include "libshared/policy/policy_set.h"
#include "libshared/rpc/rpc_client.h"
#include "services/gateway/identity/announcements.h"
#include "services/gateway/identity/bans.h"
#include "services/gateway/identity/key_states.h"
#include "services/gateway/identity/ended.h"
#include "services/gateway/rates/limits.h"

struct service_pipes;
struct trusted;

/* page: what is another now; NULL: anything may be. */
typedef void trusted_changed_fn(void *arg, const struct trust *page);

/* asked: all that was asked for is there. */
struct trusted *trusted_create(struct ev_loop *loop, trusted_changed_fn *changed, void (*asked)(void *arg), void *arg);
void trusted_destroy(struct trusted **trusted);
void trusted_ask(
    struct trusted *trusted, const struct service_pipes *auth); /* at each connection, and after a `resync` */
/* Was it ours?  auth: for whatever is missing before it. */
bool trusted_event(
    struct trusted *trusted, const struct service_pipes *auth, const struct frame_event *head, struct str body);
/* Take a `trust` record: what the two above do with what they get.  ERR_CONFLICT: something is missing before it. */
enum err trusted_take(struct trusted *trusted, struct str body) MUST_CHECK;

bool trusted_is_known(const struct trusted *trusted);
int64_t trusted_position(const struct trusted *trusted);
struct str trusted_issuer(const struct trusted *trusted);
struct str trusted_audience(const struct trusted *trusted);
struct evp_pkey_st *trusted_find_key(const struct trusted *trusted, struct str kid); /* its own, or NULL: none */
struct policy_compiled *trusted_find_policy(const struct trusted *trusted, struct str name); /* not taken; NULL: none */
/* A token of auth's names what is not known here.  true: auth is being asked, for it may have been told to nobody yet; false: it has
 * just answered, or is not there. */
bool trusted_recheck(struct trusted *trusted);
const struct ended *trusted_ended(const struct trusted *trusted);
struct bans *trusted_bans(const struct trusted *trusted); /* NULL: nothing is known yet */
const struct key_states *trusted_key_states(const struct trusted *trusted);
struct limits *trusted_limits(const struct trusted *trusted);                     /* until all of it is another */
const struct announcements *trusted_announcements(const struct trusted *trusted); /* until all of it is another */
