/* hook_change.c - hooks are made, named, given another URL, and ended, by whoever has the right. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/plain_text.h"
#include "libshared/base/secret.h"
#include "libshared/base/url.h"
#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"
#include "services/chat/hooks/hooks.h"
#include "services/chat/operator/operator.h"

#define HOOKS_MAX 100 /* of a room; proto/chat.def: hook_page.hooks */

#define COLUMNS "id, room_id AS room, name, avatar, mentions_all, made_by, made_at, used_at"

/* --- what may be said of one --- */

static enum err require_name(struct call *call, struct str name)
{
    if (text_is_plain(name)) return OK;
    return call_fail(
        call, ERR_INVALID_ARGUMENT, "name: has a character that is not seen, or begins or ends with a blank");
}

/* A path of another server is a URL that goes without its scheme. */
static bool is_own_path(struct str text)
{
    return str_starts(text, STR("/")) && !str_starts(text, STR("//")) && memchr(text.at, '\\', text.len) == NULL;
}

static enum err require_avatar(struct call *call, struct str avatar)
{
    char origin[URL_ORIGIN_MAX];

    if (avatar.len == 0) return OK;
    bool is_url = str_starts(avatar, STR("https://")) && url_origin(avatar, origin);
    if ((is_url || is_own_path(avatar)) && text_is_plain(avatar) && memchr(avatar.at, ' ', avatar.len) == NULL)
        return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "avatar: is https://host/path, or a path at this server");
}

/* --- their URLs --- */

/* Its code is in the answer alone. */
static void give_url(struct call *call, struct hook *hook, struct str code)
{
    char room[ID_TEXT_BYTES + 1];

    id_format(hook->room, room);
    hook->url = url_build(call->arena, ((const struct chat *)call->context)->public_url, "/hooks/{room}/{code}",
        URL_VALUES({ "room", str_of(room) }, { "code", code }));
}

static struct str make_code(struct call *call)
{
    char code[HOOK_CODE_CHARS + 1];

    secret_text(code, HOOK_CODE_CHARS);
    struct str made = arena_str(call->arena, str_of(code));
    secret_wipe(code, sizeof code);
    return made;
}

static enum err write_deed(struct call *call, const char *what, struct id room, struct id hook)
{
    const struct hook_ref ref = { room, hook };

    return deed_put_room(call, &audit_tell_job, what, room, hook_ref_shape(), &ref);
}

/* --- making them --- */

/* Whoever asks again has lost our answer, and with it the URL. */
static const char INSERT[] =
    "INSERT INTO hook (id, room_id, code_hash, name, avatar, mentions_all, made_by, made_at, client_key) VALUES ($1,"
    " $2, $3, $4, nullif($5, ''), $6, $7, $8, $9) ON CONFLICT (room_id, made_by, client_key) DO UPDATE SET code_hash ="
    " excluded.code_hash RETURNING " COLUMNS;
static const char COUNT_HOOKS[] = "SELECT FROM hook WHERE room_id = $1";

enum err hook_create(struct call *call, const struct hook_draft *req, struct hook *rep)
{
    struct room_row row;
    int64_t n, most = chat_settings(call)->hooks_max;

    TRY(room_row_lock(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_webhook));
    TRY(require_name(call, req->name));
    TRY(require_avatar(call, req->avatar));
    struct str code = make_code(call);
    TRY(pg_one(call->pg, call->arena, hook_shape(), rep, INSERT,
        PG_ARGS(pg_id(id_new()), pg_id(req->room), pg_bytes(code_hash(call->arena, HOOK_CODE, code)),
            pg_text(req->name), pg_text(req->avatar), pg_bool(req->mentions_all), pg_text(call->who->sub),
            pg_time(call->now), pg_text(req->client_key))));
    TRY(pg_run(call->pg, call->arena, COUNT_HOOKS, PG_ARGS(pg_id(req->room)), &n));
    if (n > most) return call_fail(call, ERR_TOO_LARGE, "a room has at most %lld hooks", (long long)most);
    TRY(write_deed(call, "hook.create", req->room, rep->id));
    give_url(call, rep, code);
    return OK;
}

static const char LIST[] = "SELECT " COLUMNS " FROM hook WHERE room_id = $1 ORDER BY made_at, id";

enum err hook_list(struct call *call, const struct room_ref *req, struct hook_page *rep)
{
    struct room_row row;

    TRY(room_row_get(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_webhook));
    TRY(pg_all(call->pg, call->arena, hook_shape(), &rep->hooks, HOOKS_MAX, LIST, PG_ARGS(pg_id(req->room))));
    return directory_people(call->pg, call->arena, TEXTS_OF(call->arena, rep->hooks, made_by), &rep->users);
}

/* --- changing them --- */

static enum err explain_missing(struct call *call, enum err e)
{
    return e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such hook") : e;
}

static enum err require_may(struct call *call, struct id room)
{
    struct room_row row;

    TRY(room_row_get(call, room, &row));
    return require_right(call, &row.room, MAY_webhook);
}

static const char UPDATE[] = "UPDATE hook SET name = coalesce($3, name), avatar = CASE WHEN $4::text IS NULL THEN "
                             "avatar ELSE nullif($4, '') END,"
                             " mentions_all = CASE $5 WHEN 'yes' THEN true WHEN 'no' THEN false ELSE mentions_all END"
                             " WHERE room_id = $1 AND id = $2 RETURNING " COLUMNS;

enum err hook_update(struct call *call, const struct hook_change *req, struct hook *rep)
{
    TRY(require_may(call, req->room));
    if (req->name.at != NULL) TRY(require_name(call, req->name));
    TRY(require_avatar(call, req->avatar));
    if (req->mentions_all.at != NULL && !str_is(req->mentions_all, "yes") && !str_is(req->mentions_all, "no"))
        return call_fail(call, ERR_INVALID_ARGUMENT, "mentions_all: is yes or no");
    TRY(explain_missing(call, pg_one(call->pg, call->arena, hook_shape(), rep, UPDATE,
                                  PG_ARGS(pg_id(req->room), pg_id(req->hook), pg_text(req->name), pg_text(req->avatar),
                                      pg_text(req->mentions_all)))));
    return write_deed(call, "hook.update", req->room, req->hook);
}

static const char ROTATE[] = "UPDATE hook SET code_hash = $3 WHERE room_id = $1 AND id = $2 RETURNING " COLUMNS;

enum err hook_rotate(struct call *call, const struct hook_ref *req, struct hook *rep)
{
    TRY(require_may(call, req->room));
    struct str code = make_code(call);
    TRY(explain_missing(
        call, pg_one(call->pg, call->arena, hook_shape(), rep, ROTATE,
                  PG_ARGS(pg_id(req->room), pg_id(req->hook), pg_bytes(code_hash(call->arena, HOOK_CODE, code))))));
    TRY(write_deed(call, "hook.rotate", req->room, req->hook));
    give_url(call, rep, code);
    return OK;
}

static const char DELETE[] = "DELETE FROM hook WHERE room_id = $1 AND id = $2 RETURNING " COLUMNS;

enum err hook_delete(struct call *call, const struct hook_ref *req, struct nothing *rep)
{
    struct hook gone;

    (void)rep;
    TRY(require_may(call, req->room));
    TRY(explain_missing(
        call, pg_one(call->pg, call->arena, hook_shape(), &gone, DELETE, PG_ARGS(pg_id(req->room), pg_id(req->hook)))));
    return write_deed(call, "hook.delete", req->room, req->hook);
}

static const char ERASE[] =
    "UPDATE hook SET made_by = NULL, client_key = NULL WHERE id IN (SELECT id FROM hook WHERE made_by = $1 LIMIT $2)";

enum err hooks_erase_some(struct call *call, struct str subject, int64_t most, int64_t *n)
{
    return pg_run(call->pg, call->arena, ERASE, PG_ARGS(pg_text(subject), pg_int(most)), n);
}
