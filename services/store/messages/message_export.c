/* message_export.c - what somebody has said and reacted to, in all rooms that they were ever in, for them: page by page. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "libshared/db/pg.h"
#include "services/store/store.h"

/* Where a page ended: a room, and the seq of an entry in it, or 0. */
static bool read_place(struct str text, struct own_place *out)
{
    struct str rest = text, room = str_cut(&rest, '.');

    return id_parse(room, &out->room) && !id_is_nil(out->room) && str_to_int(rest, &out->seq) && out->seq >= 0;
}

static struct str print_place(struct arena *arena, const struct own_place *place)
{
    char room[ID_TEXT_BYTES + 1];

    id_format(place->room, room);
    return arena_printf(arena, "%s.%" PRId64, room, place->seq);
}

static enum err read_query(struct call *call, const struct export_query *req, struct own_place *from)
{
    *from = (struct own_place){ .seq = 0 };
    if (call->who->sub.len == 0) return ERR_UNAUTHENTICATED;
    if (req->after.len == 0 || read_place(req->after, from)) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

static struct page_meta *meta_of(struct call *call, const struct export_query *req, const struct own_place *next)
{
    struct page_meta *meta = arena_zero(call->arena, sizeof *meta);

    *meta = (struct page_meta){ .limit = req->limit, .total = -1 };
    if (!id_is_nil(next->room)) meta->next = print_place(call->arena, next);
    return meta;
}

/* Whether they are still in a room does not matter: it is theirs, and nobody else's is among it. */
enum err message_export(struct call *call, const struct export_query *req, struct own_messages *rep)
{
    struct own_place from, next;

    TRY(read_query(call, req, &from));
    TRY(history_own(call->pg, call->arena, &from, req->limit, call->who->sub, &rep->messages, &next));
    rep->meta = meta_of(call, req, &next);
    return OK;
}

enum err reaction_export(struct call *call, const struct export_query *req, struct own_reactions *rep)
{
    struct own_place from, next;

    TRY(read_query(call, req, &from));
    TRY(history_own_reactions(call->pg, call->arena, &from, req->limit, call->who->sub, &rep->reactions, &next));
    rep->meta = meta_of(call, req, &next);
    return OK;
}
