/* takedown.c - a link or a conversation is shown to nobody but its owner, and shown again. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <string.h>

#include "libshared/db/rows.h"
#include "libshared/jobs/deeds.h"
#include "services/share/reports/reports.h"

/* --- what it is about --- */

/* On a lock until the commit; `name` is the conversation's. */
struct share_target {
    struct id conversation, link; /* nil: all of it */
    struct str owner, name, reason;
    int64_t taken_down_at;
};
static const struct wire_field target_fields[] = {
    ROW_FIELD(struct share_target, conversation, ID),
    ROW_FIELD(struct share_target, link, ID),
    ROW_FIELD(struct share_target, owner, TEXT),
    ROW_FIELD(struct share_target, name, TEXT),
    ROW_FIELD(struct share_target, reason, TEXT),
    ROW_FIELD(struct share_target, taken_down_at, TIME),
    ROW_END,
};
static const struct wire_shape target_shape = { "target", "", sizeof(struct share_target), target_fields };

static const char LINK[] = "SELECT l.conversation, l.id AS link, l.owner, c.name, l.taken_down_for AS reason, "
                           "l.taken_down_at FROM share_link l"
                           " JOIN conversation c ON c.id = l.conversation WHERE l.id = $1 FOR NO KEY UPDATE OF l";
static const char CONVERSATION_OF[] =
    "SELECT id AS conversation, NULL::uuid AS link, owner, name, taken_down_for AS reason, taken_down_at"
    " FROM conversation WHERE id = $1 FOR NO KEY UPDATE";
static const char LINK_OF_CODE[] = "SELECT id AS link FROM share_link WHERE code_hash = $1";

static enum err hold_target(struct call *call, struct id conversation, struct id link, struct share_target *out)
{
    enum err e = id_is_nil(link)
                     ? pg_one(call->pg, call->arena, &target_shape, out, CONVERSATION_OF, PG_ARGS(pg_id(conversation)))
                     : pg_one(call->pg, call->arena, &target_shape, out, LINK, PG_ARGS(pg_id(link)));

    return e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such link or conversation") : e;
}

/* Of a URL what is behind /s/. */
static struct str code_of(struct str share)
{
    const char *path = memmem(share.at, share.len, "/s/", 3);

    if (path == NULL) return share;
    struct str code = { path + 3, share.len - (size_t)(path + 3 - share.at) };
    for (size_t i = 0; i < code.len; i++)
        if (strchr("/?#", code.at[i]) != NULL) code.len = i;
    return code;
}

static enum err find_target(struct call *call, struct str share, bool whole, struct share_target *out)
{
    struct share_link_ref link = { { { 0 } } };
    struct id id, none = { { 0 } };

    if (id_parse(share, &id)) {
        enum err e = hold_target(call, none, id, out);
        if (e == ERR_NOT_FOUND) return hold_target(call, id, none, out);
        TRY(e);
    } else {
        enum err e = pg_one(call->pg, call->arena, share_link_ref_shape(), &link, LINK_OF_CODE,
            PG_ARGS(pg_bytes(link_code_hash(call->arena, code_of(share)))));
        if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no such link or conversation");
        TRY(e);
        TRY(hold_target(call, none, link.link, out));
    }
    return whole && !id_is_nil(out->link) ? hold_target(call, out->conversation, none, out) : OK;
}

/* --- who is told --- */

/* Subjects of a key have no mail. */
static enum err tell_owner(struct call *call, const struct share_target *of, struct str reason, bool lifted)
{
    const struct share *share = call->context;
    struct takedown_notice notice = { .id = id_new(),
        .name = of->name,
        .whole = id_is_nil(of->link),
        .lifted = lifted,
        .reason = reason,
        .appeal = str_of(share_settings(call)->appeal) };

    if (notice.appeal.len == 0) notice.appeal = str_of(share->public_url);
    if (!id_parse(of->owner, &notice.owner)) return OK;
    return job_put(call, &takedown_tell_job, link_uses_id(call->arena, notice.id), &notice, 0);
}

static enum err tell_all(struct call *call, const struct share_target *of, const struct takedown *done, bool lifted)
{
    struct id target = id_is_nil(of->link) ? of->conversation : of->link;

    share_tell_after(call, id_is_nil(of->link) ? (struct share_news){ .conversation = of->conversation }
                                               : (struct share_news){ .link = of->link });
    TRY(tell_owner(call, of, done->reason, lifted));
    return deed_put(call, &audit_tell_job, lifted ? "share.restore" : "share.takedown",
        link_uses_id(call->arena, target), takedown_shape(), done);
}

/* --- down --- */

static const char DOWN_LINK[] = "UPDATE share_link SET taken_down_at = $2, taken_down_for = $3 WHERE id = $1";
static const char DOWN_ALL[] = "UPDATE conversation SET taken_down_at = $2, taken_down_for = $3 WHERE id = $1";
static const char DECIDE[] =
    "UPDATE share_report SET state = 'taken_down', resolved_at = $3, resolved_by = $4, note = $5"
    " WHERE conversation = $1 AND ($2::uuid IS NULL OR link = $2) AND state = 'open'";

static struct takedown describe(const struct share_target *of, struct str note)
{
    return (struct takedown){ .conversation = of->conversation,
        .link = of->link,
        .owner = of->owner,
        .reason = of->reason,
        .taken_down_at = of->taken_down_at,
        .note = note };
}

static enum err put_down(
    struct call *call, struct share_target *target, struct str reason, struct str note, struct takedown *out)
{
    bool was_down = target->taken_down_at != 0;
    struct str who = call->who->sub.len > 0 ? call->who->sub : call->peer_name;

    if (!was_down) target->taken_down_at = call->now, target->reason = reason;
    *out = describe(target, note);
    TRY(pg_run(call->pg, call->arena, DECIDE,
        PG_ARGS(pg_id(target->conversation), pg_id(target->link), pg_time(call->now), pg_text(who), pg_text(note)),
        NULL));
    if (was_down) return OK;
    if (id_is_nil(target->link))
        TRY(pg_run(call->pg, call->arena, DOWN_ALL,
            PG_ARGS(pg_id(target->conversation), pg_time(call->now), pg_text(reason)), NULL));
    else
        TRY(pg_run(
            call->pg, call->arena, DOWN_LINK, PG_ARGS(pg_id(target->link), pg_time(call->now), pg_text(reason)), NULL));
    return tell_all(call, target, out, false);
}

enum err takedown_do(struct call *call, const struct takedown_of *of, struct takedown *out)
{
    struct share_target target;

    TRY(hold_target(call, of->conversation, of->link, &target));
    return put_down(call, &target, of->reason, of->note, out);
}

enum err takedown_put(struct call *call, const struct takedown_draft *req, struct takedown *rep)
{
    struct share_target target;

    if (!report_reason_is(req->reason))
        return call_fail(call, ERR_INVALID_ARGUMENT, "reason: is spam, illegal, personal_data, copyright or other");
    TRY(find_target(call, req->share, req->whole, &target));
    return put_down(call, &target, req->reason, req->note, rep);
}

/* --- and up again --- */

enum err takedown_lift(struct call *call, const struct takedown_end *req, struct takedown *rep)
{
    struct share_target target;

    TRY(find_target(call, req->share, req->whole, &target));
    *rep = describe(&target, req->note);
    if (target.taken_down_at == 0) return OK;
    rep->taken_down_at = 0;
    TRY(pg_run(call->pg, call->arena, id_is_nil(target.link) ? DOWN_ALL : DOWN_LINK,
        PG_ARGS(pg_id(id_is_nil(target.link) ? target.conversation : target.link), pg_time(0), pg_text(STR_NONE)),
        NULL));
    return tell_all(call, &target, rep, true);
}

/* --- what is down --- */

#define LIST_MAX 100 /* proto/share.def: takedown_page */

#define DOWN_OF(conversation, link, table)                                                                             \
    "(SELECT " conversation " AS conversation, " link " AS link, owner, taken_down_for AS reason, taken_down_at, id"   \
    " FROM " table                                                                                                     \
    " WHERE taken_down_at IS NOT NULL AND (taken_down_at, id) < (coalesce($1, 'infinity'::timestamptz),"               \
    " coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)) ORDER BY taken_down_at DESC, id DESC LIMIT $3)"

static const char LIST[] = "SELECT conversation, link, owner, reason, taken_down_at FROM (" DOWN_OF(
    "id", "NULL::uuid", "conversation") " UNION ALL " DOWN_OF("conversation", "id",
    "share_link") ") down ORDER BY taken_down_at DESC, id DESC LIMIT $3";

/* Behind which a page begins; its id is the link's, or the conversation's. */
static enum err read_down_place(struct call *call, struct str after, int64_t *at, struct id *id)
{
    *at = 0;
    *id = (struct id){ { 0 } };
    if (after.len == 0 || (str_to_int(str_cut(&after, '.'), at) && *at > 0 && id_parse(after, id))) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

enum err takedown_list(struct call *call, const struct takedown_query *req, struct takedown_page *rep)
{
    int64_t at;
    struct id id;

    TRY(read_down_place(call, req->after, &at, &id));
    TRY(pg_all(call->pg, call->arena, takedown_shape(), &rep->takedowns, LIST_MAX, LIST,
        PG_ARGS(pg_time(at), pg_id(id), pg_int(req->limit))));
    rep->meta = arena_zero(call->arena, sizeof *rep->meta);
    *rep->meta = (struct page_meta){ .limit = req->limit, .total = -1 };
    if (rep->takedowns.len < (size_t)req->limit) return OK;
    const struct takedown *last = &rep->takedowns.at[rep->takedowns.len - 1];
    rep->meta->next = arena_printf(call->arena, "%lld.%.*s", (long long)last->taken_down_at,
        STR_ARG(link_uses_id(call->arena, id_is_nil(last->link) ? last->conversation : last->link)));
    return OK;
}

/* --- meanwhile --- */

static const char IS_DOWN[] = "SELECT FROM conversation WHERE id = $1 AND owner = $2 AND taken_down_at IS NOT NULL";

enum err takedown_refuse(struct call *call, struct id conversation, const char *missing)
{
    int64_t down = 0;

    TRY(pg_run(call->pg, call->arena, IS_DOWN, PG_ARGS(pg_id(conversation), pg_text(call->who->sub)), &down));
    if (down == 0) return call_fail(call, ERR_NOT_FOUND, "%s", missing);
    return call_fail(call, ERR_FORBIDDEN, "it was taken down: until that is lifted it is not shared");
}
