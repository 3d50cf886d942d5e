/* conversation_content.c - what a conversation may hold, and what it names. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/wire/msgpack_in.h"
#include "services/share/conversations/conversations_private.h"

/* jsonb keeps each digit of 1e308: what a client sends is bounded by what it makes the database print. */
#define PRINTED_BYTES_MAX (1u << 20)

static bool is_kind(struct str any, enum msgpack_kind kind)
{
    struct msgpack_in in = { .left = any };
    struct msgpack_value value;

    return msgpack_next(&in, &value) && value.kind == kind;
}

/* Of objects: the items of a list, or the values of an object. */
static bool holds_objects(struct str any, enum msgpack_kind kind)
{
    struct msgpack_in in = { .left = any };
    struct msgpack_value value;
    struct str raw;

    if (!msgpack_next(&in, &value) || value.kind != kind) return false;
    for (uint32_t i = 0; i < value.count; i++) {
        if (kind == MSGPACK_MAP && !msgpack_skip(&in, &raw)) return false;
        if (!msgpack_skip(&in, &raw) || !is_kind(raw, MSGPACK_MAP)) return false;
    }
    return true;
}

/* NULL: it may be there so. */
static const char *fault_of_member(struct str key, struct str any)
{
    if (str_is(key, "messages") && !holds_objects(any, MSGPACK_ARRAY)) return "messages: want a list of objects";
    if (str_is(key, "profiles") && !holds_objects(any, MSGPACK_ARRAY) && !holds_objects(any, MSGPACK_MAP))
        return "profiles: want a list of objects, or an object of them";
    if (str_is(key, "statusBar") && !is_kind(any, MSGPACK_MAP)) return "statusBar: want an object";
    return NULL;
}

static enum err check_members(struct call *call, struct str data)
{
    struct msgpack_in in = { .left = data };
    struct msgpack_value object, key;
    struct str raw;

    if (!msgpack_next(&in, &object) || object.kind != MSGPACK_MAP)
        return call_fail(call, ERR_INVALID_ARGUMENT, "data: want an object");
    for (uint32_t i = 0; i < object.count; i++) {
        if (!msgpack_next(&in, &key) || key.kind != MSGPACK_TEXT || !msgpack_skip(&in, &raw))
            return call_fail(call, ERR_INVALID_ARGUMENT, "data: want an object");
        const char *fault = fault_of_member(key.bytes, raw);
        if (fault != NULL) return call_fail(call, ERR_INVALID_ARGUMENT, "data: %s", fault);
    }
    return OK;
}

enum err conversation_check(struct call *call, struct str data)
{
    TRY(check_members(call, data));
    if (!pg_json_fits(data, PRINTED_BYTES_MAX))
        return call_fail(call, ERR_TOO_LARGE, "data: has more than %u bytes when it is read back", PRINTED_BYTES_MAX);
    return OK;
}

static const char USE_MEDIA[] =
    "WITH named AS MATERIALIZED (SELECT DISTINCT n[1]::uuid AS media FROM conversation c, regexp_matches(c.data::text,"
    "  '/media/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})', 'g') n WHERE c.id = $1),"
    " gone AS (DELETE FROM conversation_media u WHERE u.conversation = $1 AND NOT EXISTS (SELECT FROM named n"
    "  WHERE n.media = u.media))"
    " INSERT INTO conversation_media AS u (conversation, media, shown) SELECT $1, n.media, EXISTS (SELECT FROM media m"
    "  WHERE m.id = n.media AND m.owner = $2) OR EXISTS (SELECT FROM former_version_media f WHERE f.conversation = $1"
    "  AND f.version = $3 AND f.media = n.media) FROM named n"
    " ON CONFLICT (conversation, media) DO UPDATE SET shown = true WHERE excluded.shown AND NOT u.shown";

enum err conversation_use_media(struct call *call, struct id conversation, int64_t restored)
{
    return pg_run(call->pg, call->arena, USE_MEDIA,
        PG_ARGS(pg_id(conversation), pg_text(call->who->sub), pg_int(restored)), NULL);
}
