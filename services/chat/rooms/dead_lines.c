/* dead_lines.c - lines that their logs refuse: they are tried some times, then kept with the reason, for an operator to look at. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

#define ATTEMPTS 20   /* half a second apart: for so long other lines of the room wait */
#define DEAD_MAX 1000 /* the oldest go first */

static const char REFUSE[] = "UPDATE line l SET attempts = l.attempts + 1, last_error = r.code,"
                             " dead_at = CASE WHEN r.final > 0 OR l.attempts + 1 >= $4 THEN now() END"
                             " FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS r (id, code, final)"
                             " WHERE l.id = r.id AND l.dead_at IS NULL";
static const char DIED[] = "SELECT FROM line WHERE id = ANY ($1) AND dead_at IS NOT NULL";
static const char FORGET_DEAD[] =
    "DELETE FROM line WHERE id IN"
    " (SELECT id FROM line WHERE dead_at IS NOT NULL ORDER BY dead_at DESC, n DESC OFFSET $1)";

enum err lines_refuse(struct call *call, struct line_refusal_list refused)
{
    struct id_list ids = { arena_alloc(call->arena, refused.len * sizeof *ids.at), refused.len };
    struct str *codes = arena_alloc(call->arena, refused.len * sizeof *codes);
    int64_t *final = arena_alloc(call->arena, refused.len * sizeof *final);
    int64_t dead;

    for (size_t i = 0; i < refused.len; i++) {
        ids.at[i] = refused.at[i].id;
        codes[i] = refused.at[i].code;
        final[i] = refused.at[i].final;
    }
    TRY(pg_run(call->pg, call->arena, REFUSE,
        PG_ARGS(pg_ids(call->arena, ids), pg_texts(call->arena, (struct str_list){ codes, refused.len }),
            pg_ints(call->arena, final, refused.len), pg_int(ATTEMPTS)),
        NULL));
    TRY(pg_run(call->pg, call->arena, DIED, PG_ARGS(pg_ids(call->arena, ids)), &dead));
    if (dead == 0) return OK;
    LOG_BOUNDED(ERROR, "line.dead", F_INT("lines", dead), F_STR("code", codes[0]));
    return pg_run(call->pg, call->arena, FORGET_DEAD, PG_ARGS(pg_int(DEAD_MAX)), NULL);
}

static const char LIST[] = "SELECT id, room_id AS room, kind, sender, body, attempts, last_error, dead_at FROM line"
                           " WHERE dead_at IS NOT NULL ORDER BY dead_at DESC, n DESC LIMIT $1";

enum err line_list(struct call *call, const struct dead_line_query *req, struct dead_line_page *rep)
{
    return pg_all(call->pg, call->arena, dead_line_shape(), &rep->lines, DEAD_MAX, LIST, PG_ARGS(pg_int(req->limit)));
}

static enum err change_dead(struct call *call, const char *statement, struct id line)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, statement, PG_ARGS(pg_id(line)), &rows));
    return rows == 1 ? OK : call_fail(call, ERR_NOT_FOUND, "there is no such line that was given up");
}

static const char RETRY[] = "UPDATE line SET attempts = 0, dead_at = NULL WHERE id = $1 AND dead_at IS NOT NULL";
static const char DROP[] = "DELETE FROM line WHERE id = $1 AND dead_at IS NOT NULL";

enum err line_retry(struct call *call, const struct line_ref *req, struct nothing *rep)
{
    (void)rep;
    TRY(change_dead(call, RETRY, req->line));
    call_after(call, lines_tell_stores, NULL);
    return OK;
}

enum err line_drop(struct call *call, const struct line_ref *req, struct nothing *rep)
{
    (void)rep;
    return change_dead(call, DROP, req->line);
}
