/* message_append.c - storing a message: is its sender a member, then into the next commit, then the receipt. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/store.h"

#define RETRY_AFTER_MS 500 /* a few hundred commits later */

struct sending {
    struct append append;
    struct store *store;
    struct rpc_later *later;
};

enum err access_error(struct call *call, enum err e, bool is_member)
{
    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no such room");
    if (e != OK) return call_fail(call, e, "chat did not say who may act in this room");
    return is_member ? OK : call_fail(call, ERR_FORBIDDEN, "not a member of this room");
}

static void finish_sending(struct sending *s, enum err e)
{
    const struct message *m = &s->append.message;
    struct receipt receipt = { .room = m->room, .seq = m->seq, .id = m->id, .at = m->at };

    s->store->appends_open--;
    rpc_later_done(s->later, e, &receipt);
}

static void on_grant(void *arg, enum err e, bool is_member)
{
    struct sending *s = arg;

    e = access_error(rpc_later_call(s->later), e, is_member);
    if (e != OK)
        finish_sending(s, e);
    else
        committer_put(s->store->committer, &s->append);
}

static enum err explain_error(struct call *call, enum err e)
{
    switch (e) {
    case ERR_UNAVAILABLE: return call_fail(call, e, "the database is away; repeat with the same id");
    case ERR_INVALID_ARGUMENT: return call_fail(call, e, "meta: holds what cannot be stored");
    default: return e;
    }
}

/* Publications leave before the answers, so that chat has them even if we die while answering.  A repeat is published
 * again: its first publication may have died with us, and chat passes on once what it hears twice. */
void appends_done(void *context, struct append *first)
{
    struct store *store = context;

    for (const struct append *a = first; a != NULL; a = a->next)
        if (a->e == OK && !outbox_put(store->outbox, &a->message)) chat_link_recheck(store->link);
    outbox_flush(store->outbox);
    chat_link_flush(store->link);

    for (struct append *a = first, *next; a != NULL; a = next) {
        struct sending *s = a->owner;
        next = a->next; /* a goes with its call's arena */
        finish_sending(s, explain_error(rpc_later_call(s->later), a->e));
    }
}

static enum err check_draft(struct call *call, const struct message_draft *draft, const struct store *store)
{
    if (call->who->sub.len == 0) return call_fail(call, ERR_UNAUTHENTICATED, "a message needs a sender");
    if (utf8_length(draft->body.at, draft->body.len) > (size_t)store->settings->message_chars)
        return call_fail(call, ERR_INVALID_ARGUMENT, "body: has more than %lld characters",
            (long long)store->settings->message_chars);
    if (store->appends_open < (size_t)store->settings->append_max) return OK;
    enum err e = call_fail(call, ERR_OVERLOADED, "too many messages wait for a commit");
    call->why->retry_after_ms = RETRY_AFTER_MS;
    return e;
}

void message_append(struct call *call, const struct message_draft *draft, struct rpc_later *later)
{
    struct store *store = call->context;
    enum err e = check_draft(call, draft, store);

    if (e != OK) {
        rpc_later_done(later, e, NULL);
        return;
    }
    struct sending *s = arena_zero(call->arena, sizeof *s);
    *s = (struct sending){ .store = store,
        .later = later,
        .append = { .owner = s,
            .deadline_us = call->deadline_us,
            .message = { .room = draft->room,
                .id = draft->id,
                .sender = call->who->sub,
                .body = draft->body,
                .meta = draft->meta } } };
    store->appends_open++;
    access_cache_ask(store->access, draft->room, call->who->sub, on_grant, s);
}
