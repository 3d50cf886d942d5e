/* message_append.c - an entry on its way into the log: is its sender a member, may they do this, may they show these media, then into the
 * next commit, then the receipt. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/drafts/drafts.h"

#define RETRY_AFTER_MS 500 /* a few hundred commits later */

struct message_sending {
    struct append append;
    struct store *store;
    struct call *call;
    entry_done_fn *done;
    void *arg;
    bool was_put; /* to the committer */
    struct sender_turn turn;
    enum entry_kind kind;
    struct log_access may; /* the sender, once that is known */
    struct target target;
};

enum err access_error(struct call *call, enum err e, struct log_access may)
{
    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no such room");
    if (e != OK) return call_fail(call, e, "chat did not say who may act in this room");
    return may.role != ROLE_none ? OK : call_fail(call, ERR_FORBIDDEN, "not a member of this room");
}

static void finish_sending(struct message_sending *s, enum err e)
{
    s->store->appends_open--;
    turns_leave(s->store->turns, &s->turn);
    s->done(s->arg, e, &s->append.message, s->was_put);
}

static enum err refuse_overload(struct call *call)
{
    call->why->retry_after_ms = RETRY_AFTER_MS;
    return call_fail(call, ERR_OVERLOADED, "too many messages wait for a commit");
}

static enum err put_entry(struct message_sending *s)
{
    s->was_put = committer_put(s->store->committer, &s->append);
    return s->was_put ? OK : refuse_overload(s->call);
}

static bool has_target(const struct message *m)
{
    return m->target > 0 || m->thread > 0;
}

/* What is done to a message is judged once that is read. */
static enum err judge_new(const struct message_sending *s)
{
    if (has_target(&s->append.message) || entry_is_allowed(s->store->settings, s->kind, s->may.role, true, 0))
        return OK;
    return call_fail(s->call, ERR_FORBIDDEN, "one only reads in this room, or for the time being");
}

/* Reads what the log has already: the target of the entry, or an earlier entry with its id. */
static enum err read_former(struct pg *pg, struct arena *arena, void *arg)
{
    struct message_sending *s = arg;
    const struct message *m = &s->append.message;

    return has_target(m) ? target_read(pg, arena, m, &s->target) : repeat_read(pg, arena, m, &s->target.is_repeat);
}

static void on_claimed(void *arg, enum err e)
{
    struct message_sending *s = arg;

    if (e == OK) e = put_entry(s);
    if (e != OK) finish_sending(s, e);
}

/* Of a repeat that is in the log nobody is asked: its media may have gone since. */
static enum err go_on(struct message_sending *s)
{
    const struct message *m = &s->append.message;

    if (m->attachments.len == 0 || s->target.is_repeat) return put_entry(s);
    media_claim_ask(s->store, s->call, m->attachments, on_claimed, s);
    return OK;
}

/* An act that changes nothing is answered with the entry that made it so. */
static void answer_done(struct message_sending *s)
{
    struct message *m = &s->append.message;

    m->seq = s->target.done_seq;
    m->at = s->target.done_at;
    m->id = s->target.done_id;
    finish_sending(s, OK);
}

static void on_former(void *arg, enum err e)
{
    struct message_sending *s = arg;
    struct call *call = s->call;
    bool is_about_one = has_target(&s->append.message);

    if (e == ERR_NOT_FOUND) e = call_fail(call, e, "there is no such message");
    if (e == OK && is_about_one) e = entry_judge(call, s->store->settings, s->kind, s->may, &s->target);
    if (e == OK && s->target.done_seq > 0 && !s->target.is_repeat) {
        answer_done(s);
        return;
    }
    if (e == OK) e = go_on(s);
    if (e != OK) finish_sending(s, e);
}

static enum err ask_for_former(struct message_sending *s)
{
    if (rpc_server_work(s->store->server, s->call->who->sub, read_former, on_former, s)) return OK;
    return call_fail(s->call, ERR_OVERLOADED, "too many requests wait for a worker");
}

static bool wants_former(const struct message *m)
{
    return has_target(m) || m->attachments.len > 0;
}

static void on_grant(void *arg, enum err e, struct log_access may)
{
    struct message_sending *s = arg;

    s->may = may;
    if (s->kind == ENTRY_message) s->append.slow_ms = INT64_C(1000) * may.slow_s;
    e = access_error(s->call, e, may);
    if (e == OK) e = judge_new(s);
    if (e == OK) e = wants_former(&s->append.message) ? ask_for_former(s) : put_entry(s);
    if (e != OK) finish_sending(s, e);
}

static void ask_for_grant(void *arg)
{
    struct message_sending *s = arg;
    const struct message *m = &s->append.message;

    if (s->may.role != ROLE_none)
        on_grant(s, OK, s->may);
    else
        access_cache_ask(store_chat(s->store, m->room)->access, m->room, m->sender, on_grant, s);
}

static enum err explain_error(struct call *call, const struct append *append)
{
    enum err e = append->e;

    switch ((int)e) {
    case ERR_SLOW_MODE:
        call->why->retry_after_ms = append->early_ms;
        return call_fail(call, e, "one message in %lld seconds, in this room", (long long)append->slow_ms / 1000);
    case ERR_UNAVAILABLE: return call_fail(call, e, "the database is away; repeat with the same id");
    case ERR_INVALID_ARGUMENT: return call_fail(call, e, "meta: holds what cannot be stored");
    default: return e;
    }
}

static void answer_sender(struct append *append)
{
    struct message_sending *s = append->owner;

    finish_sending(s, explain_error(s->call, append));
}

/* A batch has its appends room by room: each room is noted once. */
static void note_rooms(struct store *store, const struct append *first)
{
    const struct append *noted = NULL;

    for (const struct append *a = first; a != NULL; a = a->next) {
        if (a->e != OK || (noted != NULL && id_eq(noted->message.room, a->message.room))) continue;
        feeds_note(store->feeds, a->message.room, a->message.at);
        noted = a;
    }
}

/* Publications leave before the answers, so that chat has them even if we die while answering.  A repeat is published
 * again: its first publication may have died with us, and chat passes on once what it hears twice. */
void appends_done(void *context, struct append *first)
{
    struct store *store = context;

    note_rooms(store, first);
    for (const struct append *a = first; a != NULL; a = a->next)
        if (a->e == OK && !outbox_put(store->outbox, &a->message))
            chat_link_recheck(store_chat(store, a->message.room)->link);
    outbox_flush(store->outbox);
    for (size_t i = 0; i < store->n_parts; i++) chat_link_flush(store->parts[i].link);

    for (struct append *a = first, *next; a != NULL; a = next) {
        next = a->next; /* a goes with its call's arena */
        a->answer(a);
    }
}

static enum err check_attachments(struct call *call, const struct message *entry)
{
    const struct id_list shown = entry->attachments;

    for (size_t i = 0; i < shown.len; i++)
        for (size_t j = 0; j < i; j++)
            if (id_eq(shown.at[i], shown.at[j]))
                return call_fail(call, ERR_INVALID_ARGUMENT, "attachments: names a medium twice");
    return OK;
}

/* Only messages and edits have to have a text. */
static bool wants_text(enum entry_kind kind)
{
    return kind == ENTRY_message || kind == ENTRY_edit;
}

enum err entry_check_length(struct call *call, struct str body)
{
    int64_t most = ((const struct store *)call->context)->settings->message_chars;

    if (utf8_length(body.at, body.len) <= (size_t)most) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "body: has more than %lld characters", (long long)most);
}

enum err entry_check(struct call *call, enum entry_kind kind, const struct message *entry)
{
    if (wants_text(kind) && entry->body.len == 0 && entry->attachments.len == 0)
        return call_fail(call, ERR_INVALID_ARGUMENT, "body: is empty, and nothing is attached");
    TRY(check_attachments(call, entry));
    if (call->who->sub.len == 0) return call_fail(call, ERR_UNAUTHENTICATED, "a message needs a sender");
    return entry_check_length(call, entry->body);
}

static enum err check_load(struct call *call, const struct store *store)
{
    return store->appends_open < (size_t)store->settings->append_max ? OK : refuse_overload(call);
}

void entry_send_by(struct call *call, enum entry_kind kind, const struct message *entry, struct log_access may,
    entry_done_fn *done, void *arg)
{
    struct store *store = call->context;
    enum err e = entry_check(call, kind, entry);

    if (e == OK) e = check_load(call, store);
    if (e != OK) {
        done(arg, e, entry, false);
        return;
    }
    struct message_sending *s = arena_zero(call->arena, sizeof *s);
    *s = (struct message_sending){ .store = store, .call = call, .done = done, .arg = arg, .kind = kind, .may = may };
    s->append =
        (struct append){ .owner = s, .answer = answer_sender, .deadline_us = call->deadline_us, .message = *entry };
    s->append.message.sender = call->who->sub;
    s->append.message.kind = entry_name(kind);
    store->appends_open++;
    s->turn = (struct sender_turn){ .room = entry->room, .subject = call->who->sub, .begin = ask_for_grant, .arg = s };
    if (turns_take(store->turns, &s->turn, wants_former(entry))) ask_for_grant(s);
}

void entry_send(struct call *call, enum entry_kind kind, const struct message *entry, entry_done_fn *done, void *arg)
{
    entry_send_by(call, kind, entry, (struct log_access){ .role = ROLE_none }, done, arg);
}

static void answer_later(void *arg, enum err e, const struct message *m, bool was_put)
{
    struct receipt receipt = { .room = m->room, .seq = m->seq, .id = m->id, .at = m->at };

    (void)was_put;
    rpc_later_done(arg, e, &receipt);
}

void entry_begin(struct call *call, enum entry_kind kind, const struct message *entry, struct rpc_later *later)
{
    entry_send(call, kind, entry, answer_later, later);
}

void message_append(struct call *call, const struct message_draft *draft, struct rpc_later *later)
{
    const struct message entry = { .room = draft->room,
        .id = draft->id,
        .body = draft->body,
        .meta = draft->meta,
        .thread = draft->thread,
        .attachments = draft->attachments };

    if (draft->draft > 0)
        draft_send(call, &entry, draft->draft, later);
    else
        entry_begin(call, ENTRY_message, &entry, later);
}
