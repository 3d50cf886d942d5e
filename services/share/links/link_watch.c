/*
 * link_watch.c - who is shown what a link opens can hear that it changes and that it ends.
 *
 *      shown: a ticket --> gateway --share_watch.begin--> how the link is now
 *      something is another: share.moved to every gateway --share_watch.look--> how its links are now; those that ended are left out
 *
 * Nothing is kept of who listens: the ticket is with its bearer, the sockets are with the gateways.  What the ticket's bearer may see
 * is decided by the gateway, from both: viewers.h.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/share/links/links.h"

#define PURPOSE   STR("share.watch")
#define LINKS_MAX 200 /* proto/share.def: share_refs */

enum err link_ticket_print(struct call *call, const struct link_visit *visit, const struct found_link *link,
    int64_t changed_at, struct str *out)
{
    const struct share_ticket ticket = { .link = link->id,
        .code = { visit->hash.at, LINK_CODE_BYTES },
        .lock = visit->is_fresh ? visit->lock : link->lock,
        .at = visit->is_fresh ? visit->at : call->now,
        .changed_at = changed_at };

    return sealed_text_print(call->arena, PURPOSE, share_ticket_shape(), &ticket, out);
}

/* --- how links are --- */

static const char LOOK[] =
    "SELECT l.id AS link, l.conversation, l.owner, substr(l.code_hash, 1, 16) AS code, " LINK_LOCK " AS lock,"
    " coalesce(l.views >= l.view_budget, false) AS used_up, l.expires_at,"
    " coalesce(l.snap_changed_at, c.changed_at) AS changed_at" LINKS_THAT_OPEN("$2") " AND l.id = ANY ($1)";

static enum err look_at_links(struct call *call, struct id_list links, struct share_state_list *out)
{
    return pg_all(call->pg, call->arena, share_state_shape(), out, LINKS_MAX, LOOK,
        PG_ARGS(pg_ids(call->arena, links), pg_time(call->now)));
}

enum err share_watch_begin(struct call *call, const struct share_listener *req, struct share_listening *rep)
{
    struct share_ticket *ticket = arena_zero(call->arena, sizeof *ticket);
    struct share_state_list states = { NULL, 0 };

    if (!sealed_text_read(call->arena, PURPOSE, share_ticket_shape(), req->watch, ticket))
        return call_fail(call, ERR_CREDENTIALS_INVALID, "watch: no conversation was shown with that");
    TRY(look_at_links(call, (struct id_list){ &ticket->link, 1 }, &states));
    *rep = (struct share_listening){ .ticket = ticket,
        .looks_until = ticket->at + share_settings(call)->visit_s * 1000,
        .now = call->now,
        .state = states.len > 0 ? &states.at[0] : NULL };
    return OK;
}

enum err share_watch_look(struct call *call, const struct share_refs *req, struct share_states *rep)
{
    rep->now = call->now;
    return look_at_links(call, req->links, &rep->links);
}

/* --- that something is another --- */

void share_tell(struct rpc_server *server, const struct share_news *news)
{
    struct rpc_event *event = rpc_event_create((struct id){ { 0 } }, 0, "share.moved", share_news_shape(), news);

    rpc_event_send_all(server, "gateway", event);
    rpc_event_destroy(&event);
}

static void tell_news(struct rpc_server *server, void *context, void *arg)
{
    (void)context;
    share_tell(server, arg);
}

void share_tell_after(struct call *call, struct share_news news)
{
    call_after(call, tell_news, arena_copy(call->arena, &news, sizeof news));
}

/* --- of an owner who is let in no more --- */

void share_tell_owner(struct share *share, struct str owner)
{
    if (share->server != NULL) share_tell(share->server, &(struct share_news){ .owner = owner });
}

enum err share_owners_look(struct pg *pg, struct arena *arena, struct user_state_list changed, void **found)
{
    struct user_state_list *out = arena_zero(arena, sizeof *out);

    (void)pg;
    out->at = arena_alloc(arena, changed.len * sizeof *out->at + 1);
    for (size_t i = 0; i < changed.len; i++)
        if (!str_is(changed.at[i].state, "active")) out->at[out->len++] = changed.at[i];
    *found = out;
    return OK;
}

void share_owners_tell(void *context, const void *found)
{
    const struct user_state_list *owners = found;
    char id[ID_TEXT_BYTES + 1];

    for (size_t i = 0; i < owners->len; i++) {
        id_format(owners->at[i].id, id);
        share_tell_owner(context, str_of(id));
    }
}
