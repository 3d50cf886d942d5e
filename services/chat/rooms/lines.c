/*
 * lines.c - what a room's log shall say of its members.
 *
 *      a worker: who came or went + lines, one transaction     --line.waiting--> store
 *      store --line.take: nothing--> the oldest     (into their logs, each once, by its id)
 *      store --line.take: those----> they are forgotten; the next
 *      refused ones are tried some times, and then kept with the reason: dead_lines.c
 *
 * Lines of a room are written under the lock of its row: so they are read in the order in which it was so, and none is read before an older
 * one.  A store that dies on the way is given them again.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

#define LINES_MAX 500 /* proto/chat.def: line_page.lines */

/* clang-format off */
enum line_kind {
#define ENTRY(kind, name, about, heard, unread, effect, doc) KIND_##kind,
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
};

static struct str name_of(enum line_kind kind)
{
    static const char *const names[] = {
#define ENTRY(kind, name, about, heard, unread, effect, doc) [KIND_##kind] = name,
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
    };

    return str_of(names[kind]);
}
/* clang-format on */

/* Who is named behind one that went was a member before, and is the room's owner now. */
static enum line_kind kind_of(const struct member_change *change, size_t i, bool is_own)
{
    if (change->who.at[i].role.len == 0) return is_own ? KIND_member_leave : KIND_member_remove;
    if (change->of == OF_ROLES || change->who.at[0].role.len == 0) return KIND_member_role;
    return is_own ? KIND_member_join : KIND_member_add;
}

static const char PUT[] = "INSERT INTO line (room_id, kind, sender, body)"
                          " SELECT r.id, u.kind, $2, u.body FROM room r, unnest($3::text[], $4::text[]) WITH ORDINALITY"
                          " AS u (kind, body, i) WHERE r.id = $1 AND r.lines ORDER BY u.i";

static enum err put_lines(struct call *call, const struct member_change *change, struct str sender, int64_t *rows)
{
    struct access_change_list who = change->who;
    struct str *kinds = arena_alloc(call->arena, who.len * sizeof *kinds + 1);
    struct str *bodies = arena_alloc(call->arena, who.len * sizeof *bodies + 1);

    for (size_t i = 0; i < who.len; i++) {
        bool is_own = str_eq(who.at[i].subject, sender);
        kinds[i] = name_of(kind_of(change, i, is_own));
        bodies[i] = is_own ? STR("") : who.at[i].subject;
    }
    return pg_run(call->pg, call->arena, PUT,
        PG_ARGS(pg_id(change->room), pg_text(sender), pg_texts(call->arena, (struct str_list){ kinds, who.len }),
            pg_texts(call->arena, (struct str_list){ bodies, who.len })),
        rows);
}

enum err lines_put(struct call *call, const struct member_change *change, struct str sender)
{
    return put_lines(call, change, sender, NULL);
}

void lines_tell_stores(struct rpc_server *server, void *context, void *arg)
{
    (void)arg;
    watchers_tell_lines(((struct chat *)context)->watchers, server);
}

enum err lines_write(struct call *call, const struct member_change *change)
{
    int64_t rows;

    if (change->who.len == 0 || change->of == OF_MUTES) return OK;
    TRY(put_lines(call, change, call->who->sub, &rows));
    if (rows > 0) call_after(call, lines_tell_stores, NULL);
    return OK;
}

static const char FORGET[] = "DELETE FROM line WHERE id = ANY ($1)";
static const char OLDEST[] =
    "SELECT id, room_id AS room, kind, sender, body FROM line WHERE dead_at IS NULL ORDER BY n LIMIT $1";

enum err line_take(struct call *call, const struct line_query *req, struct line_page *rep)
{
    if (req->stored.len > 0)
        TRY(pg_run(call->pg, call->arena, FORGET, PG_ARGS(pg_ids(call->arena, req->stored)), NULL));
    if (req->refused.len > 0) TRY(lines_refuse(call, req->refused));
    return pg_all(call->pg, call->arena, log_line_shape(), &rep->lines, LINES_MAX, OLDEST, PG_ARGS(pg_int(LINES_MAX)));
}
