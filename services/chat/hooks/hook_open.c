/* hook_open.c - a program posts by a hook: whose URL it is, and whether something may be posted by it now. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/chat/hooks/hooks.h"

#define MINUTE_MS 60000

/* A hook as it is found by its code, and what was posted of late. */
struct opened {
    struct id id;
    struct str name, avatar;
    bool is_archived;
    int64_t posts, minute;         /* by this one; 0: nothing within a minute */
    int64_t room_posts, room_over; /* by all of the room, and when the oldest of their minutes is over */
};
static const struct wire_field opened_fields[] = {
    ROW_FIELD(struct opened, id, ID),
    ROW_FIELD(struct opened, name, TEXT),
    ROW_FIELD(struct opened, avatar, TEXT),
    ROW_FIELD(struct opened, is_archived, BOOL),
    ROW_FIELD(struct opened, posts, INT),
    ROW_FIELD(struct opened, minute, TIME),
    ROW_FIELD(struct opened, room_posts, INT),
    ROW_FIELD(struct opened, room_over, TIME),
    ROW_END,
};
static const struct wire_shape opened_shape = { "opened", "", sizeof(struct opened), opened_fields };

/* Whoever posts to the room by any of its hooks waits, so the counts are exact. */
static const char LOCK[] = "SELECT FROM hook WHERE room_id = $1 AND EXISTS (SELECT FROM hook WHERE room_id = $1 AND"
                           " code_hash = $2) ORDER BY id FOR NO KEY UPDATE";
/* A room that nobody is in hears nothing. */
static const char FIND[] =
    "SELECT h.id, h.name, h.avatar, r.archived_at IS NOT NULL AS is_archived, CASE WHEN h.minute > $3 THEN h.posts ELSE"
    " 0 END AS posts, CASE WHEN h.minute > $3 THEN h.minute END AS minute, late.room_posts::bigint, late.room_over FROM"
    " hook h JOIN room r ON r.id = h.room_id CROSS JOIN LATERAL (SELECT coalesce(sum(posts), 0) AS room_posts,"
    " min(minute) AS room_over FROM hook WHERE room_id = $1 AND minute > $3) late WHERE h.room_id = $1 AND"
    " h.code_hash = $2 AND r.members > 0";
static const char COUNT_POST[] = "UPDATE hook SET minute = $2, posts = $3, used_at = $4 WHERE id = $1";

/* Who keeps order bans it like anybody, until whoever looks after it is there. */
static enum err require_welcome(struct call *call, struct id room, const struct opened *hook)
{
    char id[ID_TEXT_BYTES + 1];

    if (hook->is_archived) return call_fail(call, ERR_FORBIDDEN, "the room is archived");
    id_format(hook->id, id);
    struct str self = arena_printf(call->arena, "hook:%s", id);
    return require_unbanned(call, room, (struct str_list){ &self, 1 }, ERR_FORBIDDEN);
}

static enum err refuse_rate(struct call *call, int64_t began, const char *whose, int64_t most)
{
    int64_t wait = began + MINUTE_MS - call->now;

    call->why->retry_after_ms = wait > 0 ? wait : 1;
    return call_fail(call, ERR_RATE_LIMITED, "%s posted %lld messages within a minute", whose, (long long)most);
}

static enum err require_rates(struct call *call, const struct opened *hook)
{
    const struct settings_chat *settings = chat_settings(call);

    if (hook->posts >= settings->hook_per_minute)
        return refuse_rate(call, hook->minute, "this hook has", settings->hook_per_minute);
    if (hook->room_posts >= settings->hooks_per_minute)
        return refuse_rate(call, hook->room_over, "the hooks of this room have", settings->hooks_per_minute);
    return OK;
}

enum err hook_open(struct call *call, const struct hook_code *req, struct hook_face *rep)
{
    struct str hash = code_hash(call->arena, HOOK_CODE, req->code);
    struct opened hook = { .posts = 0 };

    TRY(pg_run(call->pg, call->arena, LOCK, PG_ARGS(pg_id(req->room), pg_bytes(hash)), NULL));
    enum err e = pg_one(call->pg, call->arena, &opened_shape, &hook, FIND,
        PG_ARGS(pg_id(req->room), pg_bytes(hash), pg_time(call->now - MINUTE_MS)));
    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no such hook");
    TRY(e);
    TRY(require_welcome(call, req->room, &hook));
    TRY(require_rates(call, &hook));
    *rep = (struct hook_face){ hook.id, hook.name, hook.avatar };
    return pg_run(call->pg, call->arena, COUNT_POST,
        PG_ARGS(pg_id(hook.id), pg_time(hook.minute > 0 ? hook.minute : call->now), pg_int(hook.posts + 1),
            pg_time(call->now)),
        NULL);
}
