/* message_aside.c - what is asked about one message, or done to it for oneself alone: by who reads it, and without an entry. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/store/store.h"

#define VERSIONS_MAX 200   /* the bound of the record; a message is edited less often */
#define HIDDEN_MAX   10000 /* by one subject in one room */

struct message_aside {
    struct store *store;
    struct rpc_later *later;
    enum entry_kind kind; /* an ASIDE row */
    struct id room;
    int64_t seq;
    bool hides;
    struct log_access may;
    struct message_versions rep;
};

/* One that was deleted or is withheld, and what the server says, have none. */
static const char VERSIONS[] =
    "SELECT v.seq, v.at, v.body, v.attachments, v.body = '' AND v.attachments IS NULL AS gone FROM message m"
    " LEFT JOIN message_now n ON n.room_id = m.room_id AND n.seq = m.seq, LATERAL ("
    " SELECT m.seq, m.at, m.body, m.attachments UNION ALL SELECT c.seq, c.at, c.body, c.attachments FROM change c"
    " WHERE c.room_id = $1 AND c.target = $2 AND c.kind = 'message:edit') v"
    " WHERE m.room_id = $1 AND m.seq = $2 AND m.kind IS NULL AND n.delete_seq IS NULL AND n.withheld_at IS NULL"
    " ORDER BY v.seq LIMIT $3";

static const char HIDE[] = "INSERT INTO hidden (subject, room_id, seq, at) SELECT $3, $1, $2, $4 WHERE (SELECT "
                           "count(*) FROM (SELECT FROM hidden"
                           " WHERE subject = $3 AND room_id = $1 LIMIT $5) h) < $5 ON CONFLICT DO NOTHING";
static const char IS_HIDDEN[] = "SELECT FROM hidden WHERE subject = $3 AND room_id = $1 AND seq = $2";
static const char SHOW[] = "DELETE FROM hidden WHERE subject = $3 AND room_id = $1 AND seq = $2";

static enum err read_versions(struct pg *pg, struct arena *arena, struct message_aside *aside)
{
    struct message_version_list *versions = &aside->rep.versions;

    TRY(pg_all(pg, arena, message_version_shape(), versions, VERSIONS_MAX, VERSIONS,
        PG_ARGS(pg_id(aside->room), pg_int(aside->seq), pg_int(VERSIONS_MAX))));
    return versions->len > 0 ? OK : ERR_NOT_FOUND;
}

static enum err hide(struct pg *pg, struct arena *arena, const struct message_aside *aside)
{
    struct call *call = rpc_later_call(aside->later);
    int64_t rows;

    if (!aside->hides)
        return pg_run(pg, arena, SHOW, PG_ARGS(pg_id(aside->room), pg_int(aside->seq), pg_text(call->who->sub)), NULL);
    TRY(pg_run(pg, arena, HIDE,
        PG_ARGS(
            pg_id(aside->room), pg_int(aside->seq), pg_text(call->who->sub), pg_time(call->now), pg_int(HIDDEN_MAX)),
        &rows));
    if (rows > 0) return OK;
    TRY(pg_run(pg, arena, IS_HIDDEN, PG_ARGS(pg_id(aside->room), pg_int(aside->seq), pg_text(call->who->sub)), &rows));
    return rows > 0 ? OK : call_fail(call, ERR_TOO_LARGE, "one hides at most %d messages of a room", HIDDEN_MAX);
}

static enum err do_aside(struct pg *pg, struct arena *arena, void *arg)
{
    struct message_aside *aside = arg;
    struct call *call = rpc_later_call(aside->later);
    const struct message about = {
        .room = aside->room, .target = aside->seq, .sender = call->who->sub, .id = STR(""), .body = STR("")
    };
    struct target target = { .at = 0 };

    TRY(target_read(pg, arena, &about, &target));
    if (!history_reads(aside->may.reads_after, target.at)) return ERR_NOT_FOUND;
    bool is_own = str_eq(target.sender, call->who->sub);
    if (!entry_is_allowed(aside->store->settings, aside->kind, aside->may.role, is_own, call->now - target.at))
        return call_fail(call, ERR_FORBIDDEN, "to this message, or not any more");
    return aside->kind == ENTRY_versions ? read_versions(pg, call->arena, aside) : hide(pg, arena, aside);
}

static void on_done(void *arg, enum err e)
{
    struct message_aside *aside = arg;

    if (e == ERR_NOT_FOUND) e = call_fail(rpc_later_call(aside->later), e, "there is no such message");
    rpc_later_done(aside->later, e, &aside->rep);
}

static void on_grant(void *arg, enum err e, struct log_access may)
{
    struct message_aside *aside = arg;
    struct call *call = rpc_later_call(aside->later);

    aside->may = may;
    e = access_error(call, e, may);
    if (e == OK && !rpc_server_work(aside->store->server, call->who->sub, do_aside, on_done, aside))
        e = call_fail(call, ERR_OVERLOADED, "too many requests wait for a worker");
    if (e != OK) rpc_later_done(aside->later, e, NULL);
}

static void begin_aside(struct call *call, const struct message_aside *what, struct rpc_later *later)
{
    struct message_aside *aside = arena_copy(call->arena, what, sizeof *what);

    aside->store = call->context;
    aside->later = later;
    if (call->who->sub.len > 0)
        access_cache_ask(store_chat(aside->store, aside->room)->access, aside->room, call->who->sub, on_grant, aside);
    else
        rpc_later_done(
            later, call_fail(call, ERR_UNAUTHENTICATED, "messages are read by somebody: there is no subject"), NULL);
}

void message_versions(struct call *call, const struct message_ref *req, struct rpc_later *later)
{
    begin_aside(call, &(struct message_aside){ .kind = ENTRY_versions, .room = req->room, .seq = req->seq }, later);
}

void message_hide(struct call *call, const struct message_hiding *req, struct rpc_later *later)
{
    begin_aside(call,
        &(struct message_aside){ .kind = ENTRY_hide, .room = req->room, .seq = req->seq, .hides = req->hidden }, later);
}
