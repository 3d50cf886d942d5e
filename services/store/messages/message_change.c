/* message_change.c - what is done to a message: each is an entry of its log, and goes the way of message_append.c. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/store.h"

/* The sender's own id, or one that nobody repeats. */
static struct str id_or_new(struct call *call, struct str id)
{
    char *made;

    if (id.len > 0) return id;
    made = arena_alloc(call->arena, ID_TEXT_BYTES + 1);
    id_format(id_new(), made);
    return str_of(made);
}

static void begin_mark(struct call *call, enum entry_kind kind, const struct mark_draft *draft, struct rpc_later *later)
{
    const struct message entry = {
        .room = draft->room, .id = id_or_new(call, draft->id), .target = draft->seq, .body = STR("")
    };

    entry_begin(call, kind, &entry, later);
}

static void begin_reaction(
    struct call *call, enum entry_kind kind, const struct reaction_draft *draft, struct rpc_later *later)
{
    const struct message entry = {
        .room = draft->room, .id = id_or_new(call, draft->id), .target = draft->seq, .body = draft->emoji
    };

    entry_begin(call, kind, &entry, later);
}

void message_edit(struct call *call, const struct edit_draft *draft, struct rpc_later *later)
{
    const struct message entry = { .room = draft->room,
        .id = draft->id,
        .target = draft->seq,
        .body = draft->body,
        .attachments = draft->attachments };

    entry_begin(call, ENTRY_edit, &entry, later);
}

void message_delete(struct call *call, const struct mark_draft *draft, struct rpc_later *later)
{
    begin_mark(call, ENTRY_delete, draft, later);
}

static void begin_withholding(
    struct call *call, enum entry_kind kind, const struct withhold_draft *draft, struct rpc_later *later)
{
    const struct message entry = {
        .room = draft->room, .id = id_or_new(call, draft->id), .target = draft->seq, .body = draft->reason
    };

    entry_begin(call, kind, &entry, later);
}

void message_withhold(struct call *call, const struct withhold_draft *draft, struct rpc_later *later)
{
    begin_withholding(call, ENTRY_withhold, draft, later);
}

void message_release(struct call *call, const struct withhold_draft *draft, struct rpc_later *later)
{
    begin_withholding(call, ENTRY_release, draft, later);
}

void pin_add(struct call *call, const struct mark_draft *draft, struct rpc_later *later)
{
    begin_mark(call, ENTRY_pin_add, draft, later);
}

void pin_remove(struct call *call, const struct mark_draft *draft, struct rpc_later *later)
{
    begin_mark(call, ENTRY_pin_remove, draft, later);
}

void reaction_add(struct call *call, const struct reaction_draft *draft, struct rpc_later *later)
{
    begin_reaction(call, ENTRY_reaction_add, draft, later);
}

void reaction_remove(struct call *call, const struct reaction_draft *draft, struct rpc_later *later)
{
    begin_reaction(call, ENTRY_reaction_remove, draft, later);
}
