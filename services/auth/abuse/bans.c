/* bans.c - made, listed, lifted; gateways hear of it by the trigger of the table. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/abuse/bans.h"

#include "libshared/base/network.h"
#include "services/auth/id_page.h"
#include "services/auth/keys/issuer.h"

#define IPV4_BITS_LEAST (96 + 8)
#define IPV6_BITS_LEAST 16

#define BAN_COLUMNS                                                                                                    \
    "id, CASE WHEN kind = 'network' THEN what END AS network, CASE WHEN kind = 'subject' THEN what END AS subject,"    \
    " CASE WHEN kind = 'key' THEN what END AS key, reason, made_by AS by, at, until"

static const char ADD_BAN[] =
    "INSERT INTO ban (id, kind, what, reason, made_by, at, until) VALUES ($1, $2, $3, $4, $5, $6, $7)"
    " ON CONFLICT (kind, what) DO UPDATE SET reason = excluded.reason, made_by = excluded.made_by, at = excluded.at,"
    " until = excluded.until RETURNING " BAN_COLUMNS;

#define THAT_HOLD " FROM ban WHERE (until IS NULL OR until > $1)"

static const char BEHIND[] =
    "SELECT " BAN_COLUMNS THAT_HOLD " AND ($2::uuid IS NULL OR (at, id) < (SELECT at, id FROM ban WHERE id = $2))"
    " ORDER BY at DESC, id DESC LIMIT $3";
static const char AHEAD[] = "SELECT * FROM (SELECT " BAN_COLUMNS THAT_HOLD
                            " AND (at, id) > (SELECT at, id FROM ban WHERE id = $2) ORDER BY at, id LIMIT $3) page"
                            " ORDER BY at DESC, id DESC";
static const char PLACE[] = "SELECT count(*) AS total, count(*) FILTER (WHERE (at, id) > (SELECT at, id FROM ban WHERE"
                            " id = $2)) AS ahead" THAT_HOLD;

static const char REMOVE_BAN[] = "DELETE FROM ban WHERE id = $1 RETURNING " BAN_COLUMNS;

static const char FIND_SUBJECT[] =
    "SELECT " BAN_COLUMNS " FROM ban WHERE kind = 'subject' AND what = $1 AND (until IS NULL OR until > now())";

static const char FORGET_OVER[] =
    "DELETE FROM ban WHERE id IN (SELECT id FROM ban WHERE until < $2 ORDER BY until LIMIT $1)";

/* A network has one spelling, a subject its own. */
static enum err spell_target(struct call *call, const struct ban_draft *draft, const char **kind, struct str *what)
{
    struct network network;
    char *text = arena_alloc(call->arena, NETWORK_CHARS);

    if ((draft->network.len > 0) + (draft->subject.len > 0) + (draft->key.len > 0) != 1)
        return call_fail(call, ERR_INVALID_ARGUMENT, "a ban is about a network, a subject or a key: say one of them");
    *kind = draft->subject.len > 0 ? "subject" : draft->key.len > 0 ? "key" : "network";
    *what = draft->key;
    if (draft->subject.len > 0) return subject_spell(call, draft->subject, what);
    if (draft->key.len > 0) return OK;
    if (!network_parse(draft->network, &network))
        return call_fail(
            call, ERR_INVALID_ARGUMENT, "network: is neither an address nor a network such as 192.0.2.0/24");
    if (network.bits < (network_is_ipv4(&network) ? IPV4_BITS_LEAST : IPV6_BITS_LEAST))
        return call_fail(call, ERR_INVALID_ARGUMENT, "network: is wider than a /8, of IPv6 a /16");
    network_print(&network, text);
    *what = str_of(text);
    return OK;
}

/* A caller of REST that bans itself could not lift the ban. */
static enum err check_not_oneself(struct call *call, const char *kind, struct str what)
{
    const struct principal *who = call->who;
    bool is_own = *kind == 'n'   ? network_holds(what, who->address)
                  : *kind == 's' ? str_eq(what, who->sub)
                                 : str_eq(what, who->key);

    if (is_own && who->address.len > 0)
        return call_fail(call, ERR_INVALID_ARGUMENT, "%s: that is you, who could not lift it again", kind);
    return OK;
}

/* A network is nobody's. */
static enum err check_rank(struct call *call, struct str subject, struct str key)
{
    if (key.len > 0) return issuer_outranks_key(call, key);
    return subject.len > 0 ? issuer_outranks_subject(call, subject) : OK;
}

enum err ban_add(struct call *call, const struct ban_draft *draft, struct ban *rep)
{
    struct str who = call->who->sub.len > 0 ? call->who->sub : call->peer_name, what;
    const char *kind = "";

    TRY(spell_target(call, draft, &kind, &what));
    TRY(check_not_oneself(call, kind, what));
    TRY(check_rank(call, *kind == 's' ? what : STR_NONE, *kind == 'k' ? what : STR_NONE));
    TRY(pg_one(call->pg, call->arena, ban_shape(), rep, ADD_BAN,
        PG_ARGS(pg_id(id_new()), pg_text(str_of(kind)), pg_text(what), pg_text(draft->reason), pg_text(who),
            pg_time(call->now), pg_time(draft->for_s > 0 ? call->now + draft->for_s * 1000 : 0))));
    TRY(audit_record(call, "ban.add", what, ban_shape(), rep));
    trust_changed(call);
    return OK;
}

enum err ban_list(struct call *call, const struct ban_query *req, struct ban_page *rep)
{
    struct id_place place = { 0, 0 };
    struct id cursor, first = { { 0 } }, last = first;
    bool is_ahead;

    TRY(id_page_read(call, req->after, &is_ahead, &cursor));
    TRY(pg_all(call->pg, call->arena, ban_shape(), &rep->bans, (size_t)req->limit, is_ahead ? AHEAD : BEHIND,
        PG_ARGS(pg_time(call->now), pg_id(cursor), pg_int(req->limit))));
    size_t n = rep->bans.len;
    if (n > 0) first = rep->bans.at[0].id, last = rep->bans.at[n - 1].id;
    TRY(pg_one(call->pg, call->arena, &id_place_shape, &place, PLACE, PG_ARGS(pg_time(call->now), pg_id(first))));
    rep->meta = id_page_meta(call, req->limit, n, first, last, &place);
    return OK;
}

enum err ban_remove(struct call *call, const struct ban_ref *req, struct ban *rep)
{
    TRY(pg_one(call->pg, call->arena, ban_shape(), rep, REMOVE_BAN, PG_ARGS(pg_id(req->ban))));
    TRY(check_rank(call, rep->subject, rep->key));
    struct str what = rep->network.len > 0 ? rep->network : rep->subject.len > 0 ? rep->subject : rep->key;
    TRY(audit_record(call, "ban.remove", what, ban_shape(), rep));
    trust_changed(call);
    return OK;
}

enum err ban_check(struct pg *pg, struct arena *arena, struct str subject)
{
    struct ban ban;
    enum err e = pg_one(pg, arena, ban_shape(), &ban, FIND_SUBJECT, PG_ARGS(pg_text(subject)));

    return e == OK ? ERR_BANNED : e == ERR_NOT_FOUND ? OK : e;
}

enum err ban_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    (void)payload;
    return job_remove_rows(call, job, "rows", FORGET_OVER, PG_ARGS(pg_time(call->now)));
}
