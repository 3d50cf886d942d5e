/* media_access.c - who may read a medium: its owner, who may read a conversation that shows it, and whoever is in a room that does, which store
 * knows. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/rpc/rpc_client.h"
#include "libshared/wire/record.h"
#include "services/share/conversations/conversations.h"

#define QUERY_BYTES (100u * 1024) /* an attachment_query, by the bounds of its fields */

struct access_question {
    struct share *share;
    struct call *call;
    struct id_list readable; /* by now */
    media_access_fn *done;
    void *arg;
};

static void add_readable(struct access_question *question, struct str body)
{
    struct media_ids shown = { { NULL, 0 } };
    struct wire_error why = { 0 };
    enum err e = wire_decode(media_ids_shape(), body, question->call->arena, &shown, &why);

    for (size_t i = 0; i < shown.media.len && e == OK; i++)
        question->readable.at[question->readable.len++] = shown.media.at[i];
}

static void on_access(void *arg, enum err e, struct str body)
{
    struct access_question question = *(struct access_question *)arg;

    mem_free(arg);
    if (question.share->stopping) return; /* its call is gone */
    if (e == OK)
        add_readable(&question, body);
    else
        e = call_fail(question.call, e, "store did not say who may read it");
    question.done(question.arg, e, question.readable);
}

static void ask_store(const struct access_question *asked, struct str reader, struct medium_of_list others)
{
    const struct attachment_query query = { reader, others };
    struct access_question *question = mem_alloc(sizeof *question); /* it may outlive the call */
    struct buf body = BUF(QUERY_BYTES);
    enum err e = wire_encode(attachment_query_shape(), &query, &body);

    assert(e == OK); /* within its bounds */
    *question = *asked;
    rpc_client_call(asked->share->store,
        &(struct rpc_request){
            .method = "attachment.access", .safe = true, .trace = asked->call->trace, .body = buf_str(&body) },
        on_access, question);
    buf_free(&body);
}

/* --- what conversations show --- */

struct shown_row {
    struct id media;
};
struct shown_row_list {
    struct shown_row *at;
    size_t len;
};
static const struct wire_field shown_row_fields[] = { ROW_FIELD(struct shown_row, media, ID), ROW_END };
static const struct wire_shape shown_row_shape = { "shown_row", "", sizeof(struct shown_row), shown_row_fields };

static const char SHOWN[] =
    "SELECT m AS media FROM unnest($1::uuid[]) m WHERE EXISTS (SELECT FROM conversation_media u JOIN conversation c"
    " ON c.id = u.conversation WHERE u.media = m AND u.shown AND (c.owner = $2 OR EXISTS (SELECT FROM sharing p WHERE"
    " p.conversation = c.id AND p.subject = $2 AND " CONVERSATION_IS_SHARED ")))"
    " OR EXISTS (SELECT FROM former_version_media u JOIN conversation c ON c.id = u.conversation WHERE u.media = m AND"
    " (c.owner = $2 OR EXISTS (SELECT FROM sharing p WHERE p.conversation = c.id AND p.subject = $2 AND p.role ="
    " 'editor' AND " CONVERSATION_IS_SHARED ")))"; /* rights.def: versions */

enum err media_access_look(
    struct pg *pg, struct arena *arena, struct str reader, struct id_list media, struct id_list *shown)
{
    struct shown_row_list rows = { NULL, 0 };

    TRY(pg_all(pg, arena, &shown_row_shape, &rows, media.len, SHOWN, PG_ARGS(pg_ids(arena, media), pg_text(reader))));
    shown->at = arena_alloc(arena, (rows.len + 1) * sizeof *shown->at);
    for (shown->len = 0; shown->len < rows.len; shown->len++) shown->at[shown->len] = rows.at[shown->len].media;
    return OK;
}

/* A token that narrows its key's policy may be for one room or one conversation alone, and which one is not known here: it opens its
 * subject's own. */
void media_access_ask(struct call *call, struct str reader, struct medium_of_list media, struct id_list shown,
    media_access_fn *done, void *arg)
{
    struct access_question asked = { .share = call->context, .call = call, .done = done, .arg = arg };
    struct medium_of_list others = { arena_alloc(call->arena, (media.len + 1) * sizeof *others.at), 0 };

    asked.readable.at = arena_alloc(call->arena, (media.len + 1) * sizeof *asked.readable.at);
    for (size_t i = 0; i < media.len; i++) {
        bool is_narrow = call->who->narrowed;
        if (str_eq(media.at[i].owner, reader) || (!is_narrow && ids_have(shown, media.at[i].media)))
            asked.readable.at[asked.readable.len++] = media.at[i].media;
        else if (!is_narrow)
            others.at[others.len++] = media.at[i];
    }
    if (others.len == 0)
        done(arg, OK, asked.readable);
    else
        ask_store(&asked, reader, others);
}
