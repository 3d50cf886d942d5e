/* draft_send.c - a message that was a draft: behind the commit that has it in the log, before the answer, the draft goes. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/drafts/drafts.h"

struct draft_sending {
    struct store *store;
    struct rpc_later *later;
    struct draft_ref draft;
    struct receipt receipt;
    int64_t gone;
};

static enum err remove_sent(struct pg *pg, struct arena *arena, void *arg)
{
    struct draft_sending *s = arg;
    struct call call = call_on_worker(rpc_later_call(s->later), pg, arena);

    return draft_remove(&call, &s->draft, &s->gone);
}

static void on_removed(void *arg, enum err e)
{
    struct draft_sending *s = arg;
    struct call *call = rpc_later_call(s->later);
    struct draft_end end = { .room = s->draft.room, .thread = s->draft.thread, .version = s->gone };

    if (e == OK && s->gone > 0)
        draft_tell(s->store->server, &(struct draft_news){ .subject = call->who->sub, .end = &end });
    if (e != OK) e = call_fail(call, e, "it is in the log, and its draft is not cleared; repeat with the same id");
    rpc_later_done(s->later, e, &s->receipt);
}

/* A repeat clears it, too: whoever died may have died in between. */
static void on_sent(void *arg, enum err e, const struct message *m, bool was_put)
{
    struct draft_sending *s = arg;
    struct str subject = rpc_later_call(s->later)->who->sub;

    (void)was_put;
    s->receipt = (struct receipt){ .room = m->room, .seq = m->seq, .id = m->id, .at = m->at };
    if (e != OK)
        rpc_later_done(s->later, e, NULL);
    else if (!rpc_server_work(s->store->server, subject, remove_sent, on_removed, s))
        on_removed(s, ERR_OVERLOADED);
}

void draft_send(struct call *call, const struct message *message, int64_t version, struct rpc_later *later)
{
    struct draft_sending *s = arena_zero(call->arena, sizeof *s);

    s->store = call->context;
    s->later = later;
    s->draft = (struct draft_ref){ .room = message->room, .thread = message->thread, .version = version };
    entry_send(call, ENTRY_message, message, on_sent, s);
}
