/* talk_take.c - a conversation is taken along as a file: by who may read it, and by who has opened a link to it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/share/links/links.h"
#include "services/share/pages/talk_file.h"

#define MEDIA_MAX 1000 /* as many as a link's answer has */

static const char MEDIA[] =
    "SELECT m.id, m.name, m.type, m.size, m.width, m.height FROM conversation_media u JOIN media m"
    " ON m.id = u.media WHERE u.conversation = $1 AND u.shown AND m.state = 'ready'"
    " ORDER BY m.id LIMIT $2";

/* To whom it is only public it shows no files. */
static enum err find_media(struct call *call, const struct conversation *conversation, struct shared_medium_list *out)
{
    if (conversation->role.len == 0) return OK;
    TRY(pg_all(call->pg, call->arena, shared_medium_shape(), out, MEDIA_MAX, MEDIA,
        PG_ARGS(pg_id(conversation->id), pg_int(MEDIA_MAX))));
    for (size_t i = 0; i < out->len; i++) out->at[i].url = media_url(call, out->at[i].id, out->at[i].name, STR_NONE);
    return OK;
}

enum err conversation_take(struct call *call, const struct conversation_taking *req, struct written_file *rep)
{
    struct conversation found = { .name = STR("") };

    TRY(conversation_get(call, &(struct conversation_ref){ req->conversation }, &found));
    struct talk_source of = {
        .name = found.name, .theme = found.theme, .data = found.data, .changed_at = found.changed_at
    };
    TRY(find_media(call, &found, &of.media));
    return talk_file_make(call, &of, req->format, req->lang, rep);
}

/* No view is counted: opening the link was one.  Its owner pays, beside the reader's address. */
enum err share_take(struct call *call, const struct shared_taking *req, struct written_file *rep)
{
    struct link_visit visit = visit_read(call, req->share_visit, req->code, STR_NONE);
    struct shared_conversation shared = { .name = STR("") };
    struct found_link link;

    TRY(link_find(call, &visit, &link));
    if (!visit.is_fresh) return call_fail(call, ERR_FORBIDDEN, "the link is to be opened first, and its visit brought");
    TRY(link_read(call, link.id, &shared));
    if (!shared.download) return call_fail(call, ERR_FORBIDDEN, "the link's owner does not let it be kept");
    struct talk_source of = {
        .name = shared.name, .theme = shared.theme, .data = shared.data, .changed_at = shared.changed_at
    };
    TRY(link_media_list(call, link.id, req->code, true, (struct id_list){ NULL, 0 }, &of.media));
    TRY(talk_file_make(call, &of, req->format, req->lang, rep));
    rep->payer = link.owner;
    return OK;
}
