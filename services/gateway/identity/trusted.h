/*
 * trusted.h - what auth says is to be trusted: public keys, policies, what has ended, what is bound to networks, limits.
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
#include "services/gateway/identity/bound_keys.h"
#include "services/gateway/identity/ended.h"
#include "services/gateway/rates/limits.h"

struct trusted;

/* page: what is another now; NULL: anything may be. */
typedef void trusted_changed_fn(void *arg, const struct trust *page);

/* asked: all that was asked for is there. */
struct trusted *trusted_create(struct ev_loop *loop, trusted_changed_fn *changed, void (*asked)(void *arg), void *arg);
void trusted_destroy(struct trusted **trusted);
void trusted_ask(struct trusted *trusted, struct rpc_client *auth); /* at each connection, and after a `resync` */
/* Was it ours?  auth: for whatever is missing before it. */
bool trusted_event(struct trusted *trusted, struct rpc_client *auth, const struct frame_event *head, struct str body);
/* Take a `trust` record: what the two above do with what they get.  ERR_CONFLICT: something is missing before it. */
enum err trusted_take(struct trusted *trusted, struct str body) MUST_CHECK;

bool trusted_is_known(const struct trusted *trusted);
int64_t trusted_position(const struct trusted *trusted);
struct str trusted_issuer(const struct trusted *trusted);
struct str trusted_audience(const struct trusted *trusted);
struct str trusted_find_key(const struct trusted *trusted, struct str kid);                  /* PEM, or STR_NONE */
struct policy_compiled *trusted_find_policy(const struct trusted *trusted, struct str name); /* not taken; NULL: none */
const struct ended *trusted_ended(const struct trusted *trusted);
const struct bound_keys *trusted_bound_keys(const struct trusted *trusted);
struct limits *trusted_limits(const struct trusted *trusted); /* until all of it is another */
