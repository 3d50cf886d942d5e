/* conversation_change.c - making another of a conversation of one's own: all of it, or some. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/msgpack_in.h"
#include "services/share/conversations/conversations_private.h"
#include "services/share/links/links.h"

#define PATCH_OBJECTS_MAX 1000 /* each is a call of a function of the database's */

static const struct wire_field state_fields[] = { ROW_FIELD(struct conversation_state, etag, TEXT),
    ROW_FIELD(struct conversation_state, bytes, INT), ROW_FIELD(struct conversation_state, in_trash, BOOL), ROW_END };
static const struct wire_shape state_shape = { "state", "", sizeof(struct conversation_state), state_fields };

static const char LOCK[] = "SELECT " CONVERSATION_ETAG ", bytes, deleted_at IS NOT NULL AS in_trash FROM conversation"
                           " WHERE id = $1 AND owner = $2 FOR UPDATE";

/* RFC 9110: any, or a list of which one has to be the same. */
static bool fits_etag(struct str if_match, struct str etag)
{
    if (if_match.len == 0 || str_is(str_trim(if_match), "*")) return true;
    while (if_match.len > 0)
        if (str_eq(str_trim(str_cut(&if_match, ',')), etag)) return true;
    return false;
}

enum err conversation_lock(
    struct call *call, struct id conversation, struct str if_match, struct conversation_state *out)
{
    enum err e =
        pg_one(call->pg, call->arena, &state_shape, out, LOCK, PG_ARGS(pg_id(conversation), pg_text(call->who->sub)));

    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no such conversation of yours");
    TRY(e);
    if (fits_etag(if_match, out->etag)) return OK;
    return call_fail(call, ERR_PRECONDITION, "if_match: its etag is %.*s by now", STR_ARG(out->etag));
}

static enum err lock_kept(
    struct call *call, struct id conversation, struct str if_match, struct conversation_state *out)
{
    TRY(conversation_lock(call, conversation, if_match, out));
    return out->in_trash ? call_fail(call, ERR_NOT_FOUND, "it is in the trash") : OK;
}

/* --- all of it --- */

static const char UPDATE[] =
    "UPDATE conversation SET name = $2, theme = $3, public = $4, data = $5, bytes = $6, changed_at = $7,"
    " version = version + 1 WHERE id = $1 RETURNING " CONVERSATION;

static enum err count_change(struct call *call, int64_t before, int64_t now)
{
    if (now > before) return quota_take(call, QUOTA_conversation_bytes, now - before);
    return quota_give(call, QUOTA_conversation_bytes, call->who->sub, before - now);
}

static enum err change(struct call *call, struct id conversation, int64_t bytes,
    const struct conversation_content *content, struct conversation *rep)
{
    TRY(conversation_check(call, content->data));
    TRY(pg_one(call->pg, call->arena, conversation_shape(), rep, UPDATE,
        PG_ARGS(pg_id(conversation), pg_text(content->name), pg_text(content->theme), pg_bool(content->public),
            pg_json(call->arena, content->data), pg_int((int64_t)content->data.len), pg_time(call->now))));
    TRY(conversation_use_media(call, conversation));
    share_tell_after(call, (struct share_news){ .conversation = conversation });
    return count_change(call, bytes, (int64_t)content->data.len);
}

enum err conversation_put(struct call *call, const struct conversation_version *req, struct conversation *rep)
{
    struct conversation_content content = { req->name, req->theme, req->public, req->data };
    struct conversation_state state;

    TRY(lock_kept(call, req->conversation, req->if_match, &state));
    return change(call, req->conversation, state.bytes, &content, rep);
}

/* --- some of it --- */

struct merged {
    struct str content; /* msgpack */
};
static const struct wire_field merged_fields[] = { ROW_FIELD(struct merged, content, ANY), ROW_END };
static const struct wire_shape merged_shape = { "merged", "", sizeof(struct merged), merged_fields };

/* Without a theme it has no such member: null would be one. */
static const char MERGE[] =
    "SELECT merge_patch(jsonb_build_object('name', name, 'public', public, 'data', data)"
    " || CASE WHEN theme IS NULL THEN '{}' ELSE jsonb_build_object('theme', theme) END, $2) AS content"
    " FROM conversation WHERE id = $1";

/* Those in arrays are not merged: an array is a value of its own. */
static size_t count_objects(struct str any)
{
    struct msgpack_in in = { .left = any };
    struct msgpack_value value;
    size_t n = 0;

    while (in.left.len > 0 && msgpack_next(&in, &value)) {
        if (value.kind == MSGPACK_MAP) n++;
        for (uint32_t i = 0; value.kind == MSGPACK_ARRAY && i < value.count; i++) {
            struct str item;
            if (!msgpack_skip(&in, &item)) return n;
        }
    }
    return n;
}

enum err merge_patch_check(struct call *call, struct str changes)
{
    struct msgpack_in in = { .left = changes };
    struct msgpack_value value;

    if (!msgpack_next(&in, &value) || value.kind != MSGPACK_MAP)
        return call_fail(call, ERR_INVALID_ARGUMENT, "changes: want an object");
    if (count_objects(changes) > PATCH_OBJECTS_MAX)
        return call_fail(call, ERR_TOO_LARGE, "changes: has more than %d objects", PATCH_OBJECTS_MAX);
    return OK;
}

enum err conversation_patch(struct call *call, const struct conversation_patch *req, struct conversation *rep)
{
    struct conversation_state state;
    struct conversation_content content;
    struct merged merged;

    TRY(merge_patch_check(call, req->changes));
    TRY(lock_kept(call, req->conversation, req->if_match, &state));
    TRY(pg_one(call->pg, call->arena, &merged_shape, &merged, MERGE,
        PG_ARGS(pg_id(req->conversation), pg_json(call->arena, req->changes))));
    TRY(wire_decode(conversation_content_shape(), merged.content, call->arena, &content, call->why));
    return change(call, req->conversation, state.bytes, &content, rep);
}
