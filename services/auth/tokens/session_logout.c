/* session_logout.c - tokens end before their time: all that a subject has, or those of one session. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/rows.h"
#include "services/auth/keys/issuer.h"

#define LEEWAY_MS 60000 /* between the clocks of ours */

static const char NOTE_END[] = "SELECT trust_note($1, $2, $3, $4)";

int64_t tokens_until(const struct settings_auth *s, int64_t now)
{
    return now + s->token_ttl_max_s * 1000 + LEEWAY_MS;
}

/* Tokens say in whole seconds when they were issued.  A token that is asked for within this second is dated
 * with the next: token_issued_s(). */
enum err tokens_end(
    struct pg *pg, struct arena *arena, const struct settings_auth *s, int64_t now, const char *kind, struct str name)
{
    return pg_run(pg, arena, NOTE_END,
        PG_ARGS(pg_text(str_of(kind)), pg_text(name), pg_time(now / 1000 * 1000), pg_time(tokens_until(s, now))), NULL);
}

static enum err end_tokens(struct call *call, const char *kind, struct str name)
{
    return tokens_end(call->pg, call->arena, auth_settings(call), call->now, kind, name);
}

/* A registered user's sessions are no more gone on with. */
static const char FORGET_SESSIONS[] = "DELETE FROM session WHERE account_id::text = $1";
static const char FORGET_SESSION[] = "DELETE FROM session WHERE id::text = $1";

enum err subject_logout(struct call *call, const struct subject_ref *ref, struct nothing *rep)
{
    struct str subject;

    (void)rep;
    TRY(subject_spell(call, ref->subject, &subject));
    TRY(issuer_outranks_subject(call, subject));
    TRY(pg_run(call->pg, call->arena, FORGET_SESSIONS, PG_ARGS(pg_text(subject)), NULL));
    TRY(end_tokens(call, "subject", subject));
    TRY(audit_add(call, "subject.logout", subject, STR("{}")));
    trust_changed(call);
    return OK;
}

struct session_owner {
    struct str subject;
};
static const struct wire_field owner_fields[] = { ROW_FIELD(struct session_owner, subject, TEXT), ROW_END };
static const struct wire_shape owner_shape = { "owner", "", sizeof(struct session_owner), owner_fields };

static const char FIND_OWNER[] = "SELECT account_id::text AS subject FROM session WHERE id::text = $1";

/* A user's session has a UUID for its name, and is over if it is not found.  That of a key's token could be anybody's. */
static enum err check_owner(struct call *call, struct str session)
{
    struct session_owner owner;
    struct id id;

    if (!id_parse(session, &id)) return issuer_outranks_all(call);
    enum err e = pg_one(call->pg, call->arena, &owner_shape, &owner, FIND_OWNER, PG_ARGS(pg_text(session)));

    return e == OK ? issuer_outranks_subject(call, owner.subject) : e == ERR_NOT_FOUND ? OK : e;
}

enum err session_logout(struct call *call, const struct session_ref *ref, struct nothing *rep)
{
    (void)rep;
    TRY(check_owner(call, ref->session));
    TRY(pg_run(call->pg, call->arena, FORGET_SESSION, PG_ARGS(pg_text(ref->session)), NULL));
    TRY(end_tokens(call, "session", ref->session));
    TRY(audit_add(call, "session.logout", ref->session, STR("{}")));
    trust_changed(call);
    return OK;
}
