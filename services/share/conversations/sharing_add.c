/*
 * sharing_add.c - a conversation is shared with somebody by name, as reader or editor.
 *
 *      nickname --auth: whom does that find?--> subject --chat: who blocks whom?--> the row --after the commit--> they are told (sharing_tell.c)
 *
 * Whom its owner blocks is not shared with.  To who blocks its owner nothing of it comes, and its owner is answered, and sees, what would be there
 * without the block.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/rpc/rpc_client.h"
#include "services/share/conversations/conversations_private.h"

#define BODY_BYTES 2048 /* a user_search and a friend_pair, by the bounds of their fields */

struct adding {
    struct rpc_later *later;
    struct share *share;
    const struct sharing_draft *draft;
    struct str subject;
    bool hidden; /* they block the caller */
    struct sharing sharing;
};

static void end_adding(void *arg, enum err e)
{
    struct adding *adding = arg;

    rpc_later_done(adding->later, e, &adding->sharing);
}

static void refuse(struct adding *adding, enum err e, const char *why)
{
    end_adding(adding, call_fail(rpc_later_call(adding->later), e, "%s", why));
}

#define NOBODY "there is no such user whom you may find"

/* --- the row --- */

/* The lock keeps an account from being erased meanwhile.  Subjects that are no ids are names that a back end gave. */
static const char IS_THERE[] = "SELECT FROM directory WHERE subject = $1 AND state = 'active' FOR KEY SHARE";

static const char SHARE[] =
    "INSERT INTO sharing AS s (conversation, subject, role, since, hidden) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (conversation, subject) DO UPDATE SET role = excluded.role, hidden = s.hidden AND excluded.hidden,"
    " since = CASE WHEN s.hidden AND NOT excluded.hidden THEN excluded.since ELSE s.since END"
    " RETURNING xmax = 0 AS is_new, (SELECT count(*) FROM sharing WHERE conversation = $1) AS before";

struct kept {
    bool is_new;
    int64_t before; /* of this conversation there were so many */
};
static const struct wire_field kept_fields[] = { ROW_FIELD(struct kept, is_new, BOOL),
    ROW_FIELD(struct kept, before, INT), ROW_END };
static const struct wire_shape kept_shape = { "kept", "", sizeof(struct kept), kept_fields };

static enum err count_sharing(struct call *call, const struct kept *kept)
{
    int64_t most = share_settings(call)->people_max;

    if (!kept->is_new) return OK;
    if (kept->before >= most)
        return call_fail(
            call, ERR_CONFLICT, "it is shared with %lld people, which are all it may be shared with", (long long)most);
    return quota_take(call, QUOTA_sharings, 1);
}

static enum err require_user(struct call *call, struct str subject)
{
    struct id user;
    int64_t rows = 0;

    if (!id_parse(subject, &user)) return OK;
    TRY(pg_run(call->pg, call->arena, IS_THERE, PG_ARGS(pg_text(subject)), &rows));
    return rows > 0 ? OK : call_fail(call, ERR_NOT_FOUND, NOBODY);
}

static enum err share_it(struct pg *pg, struct arena *arena, void *arg)
{
    struct adding *adding = arg;
    struct call call = call_on_worker(rpc_later_call(adding->later), pg, arena);
    struct conversation_state state;
    struct kept kept = { .before = 0 };
    struct id conversation = adding->draft->conversation;

    TRY(conversation_lock(&call, conversation, CAN_share, STR_NONE, &state));
    if (state.in_trash) return call_fail(&call, ERR_NOT_FOUND, "it is in the trash");
    TRY(require_user(&call, adding->subject));
    TRY(pg_one(pg, arena, &kept_shape, &kept, SHARE,
        PG_ARGS(pg_id(conversation), pg_text(adding->subject), pg_text(adding->draft->role), pg_time(call.now),
            pg_bool(adding->hidden))));
    TRY(count_sharing(&call, &kept));
    TRY(sharing_put_news(&call, state.owner, adding->subject));
    return sharing_find(&call, conversation, adding->subject, &adding->sharing);
}

/* --- who blocks whom --- */

static void on_blocks(void *arg, enum err status, struct str body)
{
    static const struct rpc_step steps[] = { { WORKER, share_it }, { 0 } };
    struct adding *adding = arg;
    struct friend_blocks blocks = { .blocks = false };
    struct wire_error why = { 0 };

    if (adding->share->stopping) return; /* its call is gone */
    if (status == OK)
        status = wire_decode(friend_blocks_shape(), body, rpc_later_call(adding->later)->arena, &blocks, &why);
    adding->hidden = blocks.blocked;
    if (status != OK)
        refuse(adding, status, "chat did not say who blocks whom");
    else if (blocks.blocks)
        refuse(adding, ERR_CONFLICT, "you block them: unblock them first");
    else
        rpc_later_steps(adding->later, steps, end_adding, adding);
}

static void ask(struct rpc_client *client, const struct adding *adding, const char *method,
    const struct wire_shape *shape, const void *record, rpc_reply_fn *reply)
{
    struct buf body = BUF(BODY_BYTES);
    enum err e = wire_encode(shape, record, &body);

    assert(e == OK); /* within its bounds */
    rpc_client_call(client,
        &(struct rpc_request){
            .method = method, .safe = true, .trace = rpc_later_call(adding->later)->trace, .body = buf_str(&body) },
        reply, (void *)(uintptr_t)adding);
    buf_free(&body);
}

/* A user's id has one spelling. */
static void ask_who_blocks(struct adding *adding, struct str subject)
{
    struct call *call = rpc_later_call(adding->later);

    adding->subject = sharing_subject(call->arena, subject);
    if (str_eq(adding->subject, call->who->sub)) {
        refuse(adding, ERR_INVALID_ARGUMENT, "subject: is oneself");
        return;
    }
    ask(adding->share->chat, adding, "friend.between", friend_pair_shape(),
        &(struct friend_pair){ call->who->sub, adding->subject }, on_blocks);
}

/* --- whom a nickname finds --- */

static void on_found(void *arg, enum err status, struct str body)
{
    struct adding *adding = arg;
    struct person person = { .nickname = STR_NONE };
    struct wire_error why = { 0 };
    char id[ID_TEXT_BYTES + 1];

    if (adding->share->stopping) return; /* its call is gone */
    if (status == OK) status = wire_decode(person_shape(), body, rpc_later_call(adding->later)->arena, &person, &why);
    if (status != OK) {
        refuse(adding, status, status == ERR_NOT_FOUND ? NOBODY : "auth did not say whom it finds");
        return;
    }
    id_format(person.id, id);
    ask_who_blocks(adding, arena_str(rpc_later_call(adding->later)->arena, str_of(id)));
}

static enum err check_draft(struct call *call, const struct sharing_draft *draft)
{
    if ((draft->subject.len > 0) == (draft->nickname.len > 0))
        return call_fail(call, ERR_INVALID_ARGUMENT, "subject: either this or nickname is there");
    if (str_is(draft->role, "reader") || str_is(draft->role, "editor")) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "role: is reader or editor");
}

/* Who may not share it is told so before anybody is looked for. */
static enum err check_right(struct pg *pg, struct arena *arena, void *arg)
{
    struct adding *adding = arg;
    struct call call = call_on_worker(rpc_later_call(adding->later), pg, arena);

    TRY(conversation_require(&call, adding->draft->conversation, CAN_share));
    return check_draft(&call, adding->draft);
}

static void on_right(void *arg, enum err e)
{
    struct adding *adding = arg;

    if (e != OK)
        end_adding(adding, e);
    else if (adding->draft->subject.len > 0)
        ask_who_blocks(adding, adding->draft->subject);
    else
        ask(directory_auth(adding->share->directory), adding, "user.find", user_search_shape(),
            &(struct user_search){ .nickname = adding->draft->nickname }, on_found);
}

void sharing_add(struct call *call, const struct sharing_draft *req, struct rpc_later *later)
{
    static const struct rpc_step steps[] = { { WORKER, check_right }, { 0 } };
    struct adding *adding = arena_zero(call->arena, sizeof *adding);

    *adding = (struct adding){ .later = later, .share = call->context, .draft = req };
    rpc_later_steps(later, steps, on_right, adding);
}
