/* conversation_change.c - making another of a conversation: all of it, some, or what it was before. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/msgpack_in.h"
#include "services/share/conversations/conversations_private.h"
#include "services/share/links/links.h"

#define PATCH_OBJECTS_MAX 1000 /* each is a call of a function of the database's */

static enum err lock_kept(struct call *call, struct id conversation, enum conversation_right right, struct str if_match,
    struct conversation_state *out)
{
    TRY(conversation_lock(call, conversation, right, if_match, out));
    return out->in_trash ? call_fail(call, ERR_NOT_FOUND, "it is in the trash") : OK;
}

/* --- all of it --- */

/* By its content, as it is kept, to the byte. */
#define WAS                                                                                                            \
    "WITH was AS (SELECT *, same_data AND name = $2 AND theme IS NOT DISTINCT FROM $3 AS same,"                        \
    " coalesce(changed_by = $8 AND began_at > $9, false) AS soon FROM (SELECT *, ROW(data)::record"                    \
    " *= ROW($5::jsonb)::record AS same_data FROM conversation WHERE id = $1) c)"
/* Who has made it so: only its owner made what has not changed yet. */
#define CHANGED_BY "coalesce(changed_by, CASE WHEN version = 1 THEN owner END)"
#define KEEP_FORMER                                                                                                    \
    ", kept AS (INSERT INTO former_version (conversation, version, owner, changed_by, changed_at, kept_at, name,"      \
    " theme, data, messages, bytes) SELECT id, version, owner, " CHANGED_BY ", changed_at, $7, name, theme, data,"     \
    " CASE jsonb_typeof(data->'messages') WHEN 'array' THEN jsonb_array_length(data->'messages') ELSE 0 END, bytes"    \
    " FROM was WHERE $10 AND NOT same AND ($11 OR NOT soon) RETURNING conversation, version),"                         \
    " held AS (INSERT INTO former_version_media (conversation, version, media) SELECT k.conversation, k.version,"      \
    " u.media FROM kept k JOIN conversation_media u ON u.conversation = k.conversation AND u.shown)"
/* A content that is the same stays where it lies.  After a restoration nothing is the same change. */
static const char UPDATE[] = WAS KEEP_FORMER
    " UPDATE conversation SET name = $2, theme = $3, public = $4, bytes = $6, changed_at = $7, version = version + 1,"
    " data = CASE WHEN (SELECT same_data FROM was) THEN data ELSE $5 END,"
    " changed_by = CASE WHEN (SELECT same FROM was) THEN " CHANGED_BY " ELSE $8 END,"
    " began_at = CASE WHEN $11 THEN NULL WHEN (SELECT same OR soon FROM was) THEN began_at ELSE $7 END"
    " WHERE id = $1 RETURNING " CONVERSATION ", nullif(owner, $8) AS owner";

static enum err count_change(struct call *call, const struct conversation_state *state, int64_t now)
{
    if (now > state->bytes) return quota_take_for(call, QUOTA_conversation_bytes, state->owner, now - state->bytes);
    return quota_give(call, QUOTA_conversation_bytes, state->owner, state->bytes - now);
}

/* Who reads it is its owner's business. */
static enum err check_public(struct call *call, const struct conversation_state *state, bool public)
{
    if (public == state->public || conversation_role_may(state->role, CAN_publish)) return OK;
    return call_fail(call, ERR_FORBIDDEN, "public: its owner says whether it is");
}

/* restored: the former version that it is to be again; 0: none. */
static enum err change(struct call *call, struct id conversation, const struct conversation_state *state,
    const struct conversation_content *content, int64_t restored, struct conversation *rep)
{
    int64_t soon = call->now - share_settings(call)->version_s * 1000;

    TRY(check_public(call, state, content->public));
    TRY(conversation_check(call, content->data));
    TRY(pg_one(call->pg, call->arena, conversation_shape(), rep, UPDATE,
        PG_ARGS(pg_id(conversation), pg_text(content->name), pg_text(content->theme), pg_bool(content->public),
            pg_json(call->arena, content->data), pg_int((int64_t)content->data.len), pg_time(call->now),
            pg_text(call->who->sub), pg_time(soon), pg_bool(versions_are_kept(call)), pg_bool(restored > 0))));
    conversation_describe(call, state->role, rep);
    TRY(conversation_use_media(call, conversation, restored));
    TRY(versions_trim(call, conversation, state->owner));
    share_tell_after(call, (struct share_news){ .conversation = conversation });
    return count_change(call, state, (int64_t)content->data.len);
}

enum err conversation_put(struct call *call, const struct conversation_version *req, struct conversation *rep)
{
    struct conversation_content content = { req->name, req->theme, req->public, req->data };
    struct conversation_state state;

    TRY(lock_kept(call, req->conversation, CAN_edit, req->if_match, &state));
    return change(call, req->conversation, &state, &content, 0, rep);
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
    TRY(lock_kept(call, req->conversation, CAN_edit, req->if_match, &state));
    TRY(pg_one(call->pg, call->arena, &merged_shape, &merged, MERGE,
        PG_ARGS(pg_id(req->conversation), pg_json(call->arena, req->changes))));
    TRY(wire_decode(conversation_content_shape(), merged.content, call->arena, &content, call->why));
    return change(call, req->conversation, &state, &content, 0, rep);
}

/* --- what it was before --- */

/* Who may read it is not of what it was. */
enum err version_restore(struct call *call, const struct version_restoring *req, struct conversation *rep)
{
    struct conversation_state state;
    struct former_version former = { .version = 0 };

    TRY(lock_kept(call, req->conversation, CAN_restore, req->if_match, &state));
    TRY(version_find(call, &(struct version_ref){ req->conversation, req->version }, &former));
    struct conversation_content content = { former.name, former.theme, state.public, former.data };
    return change(call, req->conversation, &state, &content, former.version, rep);
}
