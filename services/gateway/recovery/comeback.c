/*
 * comeback.c - somebody brings a pid: read, asked about, claimed, let in.
 *
 *      its turn --> record --> member of each room? --> heads --> what was missed --> claim --> let in
 *           \_________\______________\___________________\__________________\____________\--> anew
 */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/recovery/comeback.h"

#include <stdio.h>
#include <string.h>

#include "libshared/base/log.h"
#include "libshared/base/secret.h"
#include "services/gateway/methods.h"

#define EXTRA_BYTES (4u << 20)

static void release(struct recovery *recovery)
{
    if (recovery->ending && recovery->comebacks == 0) mem_free(recovery);
}

void comebacks_end(struct recovery *recovery)
{
    recovery->comebacks++; /* not before the last one is stopped */
    turns_stop(recovery);
    recovery->comebacks--;
    release(recovery);
}

static void end(struct comeback *c)
{
    struct recovery *home = c->home;

    turn_end(c);
    comeback_drop_missed(c);
    rights_drop(&c->arrival.rights);
    sio_socket_drop(c->arrival.socket);
    arena_destroy(&c->arena);
    mem_free(c);
    home->comebacks--;
    release(home);
}

static void refuse(struct comeback *c, enum err e)
{
    clients_refuse(&c->arrival, e);
    end(c);
}

/* He is known to be who he is, but may have lost the right to connect meanwhile. */
static void anew(struct comeback *c)
{
    bool is_there = sio_is_pending(c->arrival.socket);
    enum err e = clients_check(c->arrival.clients, c->arrival.socket, &c->arrival.rights);

    LOG(INFO, "gateway.not_recovered", F_TEXT("socket", sio_sid(c->arrival.socket)),
        F_STR("subject", bearer_subject(c->arrival.rights.bearer)), F_TEXT("why", c->why));
    metric_add(c->home->anew, 1);
    if (is_there && e != OK) {
        refuse(c, e);
        return;
    }
    if (is_there) {
        recovery_begin(c->home, &c->arrival, c->offset);
        clients_admit(&c->arrival);
    }
    end(c);
}

static bool goes_on(struct comeback *c)
{
    if (c->why == NULL && sio_is_pending(c->arrival.socket)) return true;
    if (c->why == NULL) c->why = "the connection was lost again";
    anew(c);
    return false;
}

/* --- the last step --- */

static void write_record(struct comeback *c, bool replayed, struct buf *out)
{
    for (size_t i = 0; i < c->n; i++) c->record.marks[i].base = c->places[i].seq;
    c->record.replayed = replayed;
    record_write(&c->record, &c->home->key, c->hash, out);
}

/* It is ours now, and he is gone: let it wait for him as before. */
static void give_back(struct comeback *c)
{
    struct buf record = BUF(RECORD_BYTES_MAX);

    write_record(c, false, &record);
    shelf_write(c->home->redis, c->hash, c->owner, buf_str(&record), c->home->config.recovery_ms, NULL, NULL);
    buf_free(&record);
}

/* What the features go on with. */
static void point_at_record(struct comeback *c)
{
    int64_t *sent = arena_alloc(c->arena, (c->n + 1) * sizeof *sent);

    for (size_t i = 0; i < c->n; i++) sent[i] = c->places[i].got;
    c->record.sent = sent;
    c->arrival.record = &c->record;
    c->arrival.sid = c->record.sid.at;
    c->arrival.pid = arena_cstr(c->arena, c->pid);
    c->arrival.owner = c->owner;
}

static void let_in(struct comeback *c)
{
    struct lifeline *old = lifeline_find(c->home, c->hash);

    if (old != NULL) lifeline_supersede(old);
    shelf_announce(c->home->redis, c->hash, c->owner);
    comeback_send_missed(c);
    point_at_record(c);
    struct client *client = clients_admit(&c->arrival);
    LOG(INFO, "gateway.recovered", F_TEXT("socket", sio_sid(c->arrival.socket)),
        F_STR("subject", bearer_subject(client->rights.bearer)), F_INT("rooms", c->n), F_INT("missed", c->missed));
    metric_add(c->home->recovered, 1);
    end(c);
}

static void on_claimed(void *arg, const struct redisReply *reply)
{
    struct comeback *c = arg;

    if (shelf_answer(reply) != SHELF_DONE) c->why = "another was faster";
    if (c->why == NULL && !sio_is_pending(c->arrival.socket)) give_back(c);
    if (!goes_on(c)) return;
    enum err e = clients_check(c->arrival.clients, c->arrival.socket, &c->arrival.rights);
    if (e != OK) {
        shelf_remove(c->home->redis, c->hash, c->owner, record_ttl_ms(c->home));
        refuse(c, e);
    } else {
        let_in(c);
    }
}

void comeback_claim(struct comeback *c)
{
    struct buf record = BUF(RECORD_BYTES_MAX);

    if (!goes_on(c)) return;
    secret_text(c->owner, SHELF_OWNER_CHARS);
    write_record(c, c->missed > 0, &record);
    shelf_claim(c->home->redis, c->hash, c->value, c->owner, buf_str(&record), record_ttl_ms(c->home), on_claimed, c);
    buf_free(&record);
}

/* --- what he missed --- */

static const char *take_heads(struct comeback *c, const struct log_heads *heads)
{
    int64_t missed = 0;

    if (heads->heads.len != c->n) return "the store does not know his rooms";
    for (size_t i = 0; i < c->n; i++) {
        struct place *place = &c->places[i];
        if (!id_eq(heads->heads.at[i].room, place->mark.room)) return "the store does not know his rooms";
        place->head = heads->heads.at[i].seq;
        place->got = place->seq;
        if (place->head < place->seq) return "he has heard more than there is";
        if (place->head - place->seq > MISSED_MAX - missed) return "too much was missed";
        missed += place->head - place->seq;
    }
    return NULL;
}

static void ask_heads(struct comeback *c);

static void on_heads(void *arg, enum err status, struct str body)
{
    struct comeback *c = arg;
    struct log_heads heads = { 0 };
    struct wire_error why;

    if (turn_retry(c, status, ask_heads)) return;
    if (status == OK) status = wire_decode(log_heads_shape(), body, c->arena, &heads, &why);
    c->why = status == OK ? take_heads(c, &heads) : "the store is away";
    if (goes_on(c)) comeback_fetch(c);
}

static struct id_list rooms_of(const struct comeback *c)
{
    struct id *rooms = arena_alloc(c->arena, c->n * sizeof *rooms);

    for (size_t i = 0; i < c->n; i++) rooms[i] = c->places[i].mark.room;
    return (struct id_list){ rooms, c->n };
}

static void ask_heads(struct comeback *c)
{
    if (!goes_on(c)) return;
    method_ask_for(c->home->store, M_log_heads, bearer_subject(c->arrival.rights.bearer),
        &(struct log_rooms){ .rooms = rooms_of(c) }, on_heads, c);
}

/* --- may he --- */

static const char *check_roles(const struct comeback *c, const struct room_roles *roles)
{
    if (roles->roles.len != c->n) return "chat does not say whether he is a member";
    for (size_t i = 0; i < c->n; i++)
        if (!id_eq(roles->roles.at[i].room, c->places[i].mark.room) || roles->roles.at[i].role.len == 0)
            return "no member any more";
    return NULL;
}

static void ask_roles(struct comeback *c);

static void on_roles(void *arg, enum err status, struct str body)
{
    struct comeback *c = arg;
    struct room_roles roles = { 0 };
    struct wire_error why;

    if (turn_retry(c, status, ask_roles)) return;
    if (status == OK) status = wire_decode(room_roles_shape(), body, c->arena, &roles, &why);
    c->why = status == OK ? check_roles(c, &roles) : "chat does not say whether he is a member";
    ask_heads(c);
}

static void ask_roles(struct comeback *c)
{
    if (!goes_on(c)) return;
    struct roles_query query = { .subject = bearer_subject(c->arrival.rights.bearer), .rooms = rooms_of(c) };
    method_ask_for(c->home->chat, M_room_roles, query.subject, &query, on_roles, c);
}

static const char *read_record(struct comeback *c)
{
    if (c->value.len == 0) return "no record";
    if (!record_read(str_skip(c->value, SHELF_OWNER_CHARS), &c->home->key, c->hash, c->arena, &c->record))
        return "none of our records";
    if (!str_eq(c->record.nsp, sio_nsp(c->arrival.socket)) ||
        !str_eq(c->record.subject, bearer_subject(c->arrival.rights.bearer)))
        return "somebody else's";
    if (c->record.n > (size_t)c->home->config.socket_rooms_max) return "more rooms than there may be here";
    if (c->record.n_names > (c->home->config.has_names ? (size_t)c->home->config.socket_rooms_max : 0))
        return "rooms by name, which this gateway does not have";
    return comeback_place(c);
}

static void on_read(void *arg, const struct redisReply *reply)
{
    struct comeback *c = arg;

    c->value = arena_str(c->arena, shelf_value(reply));
    c->why = reply != NULL ? read_record(c) : "Redis is away";
    if (c->n > 0)
        ask_roles(c);
    else
        comeback_claim(c);
}

static void read_it(struct comeback *c)
{
    if (goes_on(c)) shelf_read(c->home->redis, c->hash, on_read, c);
}

static void too_late(struct comeback *c)
{
    if (c->why == NULL) c->why = "too many come back";
    goes_on(c);
}

void comeback_begin(struct recovery *recovery, const struct arrival *arrival, const struct identity *claims)
{
    struct comeback *c = mem_zero(sizeof *c);

    /* bound: RECORD_BYTES_MAX, a CONNECT of max_payload, and heads whose room the decoder asks for */
    c->arena = arena_create("comeback", EXTRA_BYTES + 2 * (size_t)recovery->config.max_payload);
    c->home = recovery;
    c->arrival = *arrival;
    c->arrival.auth = arena_str(c->arena, arrival->auth);
    sio_socket_take(c->arrival.socket);
    c->pid = arena_str(c->arena, claims->pid);
    c->offset = arena_str(c->arena, claims->offset);
    shelf_hash(c->pid, c->hash);
    recovery->comebacks++;
    turn_await(c, read_it, too_late);
}
