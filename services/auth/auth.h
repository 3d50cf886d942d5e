/* auth.h - what the files of the auth service share.  Handlers come from the rows of proto/auth.def. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/db/pg.h"
#include "libshared/jobs/job_rows.h"
#include "libshared/rpc/rpc_rows.h"
#include "libshared/service/settings.h"
#include "services/auth/webhooks/webhooks.h"

#include <ev.h>

#define WATCHERS_MAX    256
#define FILE_KEYS_SHOWN 32 /* proto/auth.def: file_key_page */

struct mailer;
struct oauth;

struct trust_waiter {
    struct rpc_later *later;
    struct rpc_peer *peer;
    struct trust_position from;
};

/* What the handlers share.  All of it, but for the settings, belongs to the loop thread and to trust_watch.c. */
struct auth {
    const struct settings_auth *settings;
    const char *public_url; /* of links */
    bool demo;              /* there is one */
    struct ev_loop *loop;
    struct rpc_server *server;
    struct mailer *mailer;                       /* NULL: no mail server is configured */
    struct oauth *oauth;                         /* NULL: no other provider is */
    struct webhook_receiver *webhooks[WEBHOOKS]; /* NULL: nothing is posted there */
    struct pg_listen *listen;
    struct trust_waiter waiting[WATCHERS_MAX];
    size_t n_waiting;
    struct rpc_peer *watchers[WATCHERS_MAX];
    size_t n_watchers;
    struct trust_position told; /* up to where all who watch know it; epoch nil: nobody ever watched */
    struct trust_position from; /* of the present load */
    struct trust *loaded;       /* by the load that has just ended; in its arena */
    bool loading, changed;      /* changed: since the present load began, or the last one failed */
    bool announce;              /* the present load is for all who watch */
    bool turned;                /* the last look at the signing keys made a new one */
    int64_t seq;
    struct id stream;
    ev_timer retry, turn;
};

#define METHOD RPC_PROTOTYPE
#define JOB    JOB_PROTOTYPE
#include "proto/begin.def"
#include "proto/auth.def"
#include "proto/end.def"

/* trust.c: what changed behind a position, a page of it. */
enum err trust_load(struct pg *pg, struct arena *arena, const struct settings_auth *s,
    const struct trust_position *from, struct trust *out) MUST_CHECK;

/* trust.c: the public keys whose tokens may still hold. */
enum err signing_keys_load(struct pg *pg, struct arena *arena, int64_t now, struct signing_key_list *out) MUST_CHECK;

/* Of the call's process. */
const struct settings_auth *auth_settings(const struct call *call);
const char *auth_public_url(const struct call *call);

enum err limits_load(struct pg *pg, struct arena *arena, struct limit_list *out) MUST_CHECK;

/* trust_watch.c: its life, on the loop thread. */
struct auth *auth_start(struct ev_loop *loop, const struct settings_auth *s,
    const char *public_url); /* exits if there is no signing key and none can be made */
/* As struct service has them. */
void auth_serving(void *auth, struct rpc_server *server);
void auth_stop(void *auth);
void auth_peer_gone(void *auth, struct rpc_peer *peer);
bool auth_ready(void *auth, struct buf *why);
/* In a WORKER: what it did is announced right after the commit.  The tables' triggers note what that is, and tell the other
 * auth processes, and this one again if need be. */
void trust_changed(struct call *call);

/* Until when ended tokens have to be remembered: the last of them has ended by itself by then. */
int64_t tokens_until(const struct settings_auth *s, int64_t now);
/* session_logout.c: all tokens of this `subject` or `session` that were issued up to now end; as trust_changed() says. */
enum err tokens_end(struct pg *pg, struct arena *arena, const struct settings_auth *s, int64_t now, const char *kind,
    struct str name) MUST_CHECK;

/* audit/audit.c: one more link of the chain; `detail` is a JSON object without secrets. */
enum err audit_add(struct call *call, const char *what, struct str target, struct str detail) MUST_CHECK;
/* The same with a small record as its detail. */
enum err audit_record(struct call *call, const char *what, struct str target, const struct wire_shape *shape,
    const void *record) MUST_CHECK;

/* key_networks.c: before they are stored.  `id` is whose they shall be, "" of a new key. */
enum err key_check_networks(struct call *call, struct str id, struct str_list networks) MUST_CHECK;

/* subject.c */
struct str id_text(struct arena *arena, struct id id); /* as `sub` and `sid` of tokens have it */
struct key_rights {
    bool impersonate, act_as_users;
};
struct subject_forms {
    struct str canonical; /* in normal form C */
    struct str folded;    /* in normal form KC: what it could be taken for */
};
/* The subject that a key may have a token for, in its one spelling; ERR_INVALID_ARGUMENT: nobody's; ERR_FORBIDDEN: the
 * right is missing that the sentence names. */
enum err subject_check(
    struct call *call, const struct key_rights *rights, const struct subject_forms *forms, struct str *out) MUST_CHECK;
/* The spelling that a token has, of a subject that an admin typed; a name of ours, too.  Nothing stays nothing. */
enum err subject_spell(struct call *call, struct str typed, struct str *out) MUST_CHECK;
