/*
 * resume.c - a client brings a pid: its record is read, services are asked, the record is claimed, and the client let in.
 *
 *      its turn --> record --> heads --> member of each room? --> what was missed --> claim --> may it still? --> let in
 *           \_________\___________\______________\_____________________\_____________\_____________\--> anew
 */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/recovery/resume_private.h"

#include <stdio.h>
#include <string.h>

#include "libshared/base/log.h"
#include "libshared/base/secret.h"
#include "services/gateway/methods.h"

#define EXTRA_BYTES (4u << 20)

static void release_recovery(struct recovery *recovery)
{
    if (recovery->ending && recovery->resumes == 0) mem_free(recovery);
}

void resumes_end(struct recovery *recovery)
{
    recovery->resumes++; /* not before the last one is stopped */
    resumes_stop_waiting(recovery);
    recovery->resumes--;
    release_recovery(recovery);
}

static void end_resume(struct resume *c)
{
    struct recovery *home = c->home;

    resume_end_turn(c);
    resume_drop_missed(c);
    rights_drop(&c->arrival.rights);
    sio_socket_drop(c->arrival.socket);
    arena_destroy(&c->arena);
    mem_free(c);
    home->resumes--;
    release_recovery(home);
}

static void refuse_socket(struct resume *c, enum err e)
{
    clients_refuse(&c->arrival, e);
    end_resume(c);
}

/* Each is a constant of these files. */
static void count_why(const char *why)
{
    struct buf label = BUF(100);

    metric_label("why", str_of(why), &label);
    metric_add(metric_counter("madang_recoveries_refused_total", label.at,
                   "Clients that came back and began anew, by what the log says of them"),
        1);
    buf_free(&label);
}

/* The token was good when the client came, but its right to connect may have ended since. */
static void begin_anew(struct resume *c)
{
    bool is_there = sio_is_pending(c->arrival.socket);
    enum err e = clients_check(c->arrival.clients, c->arrival.socket, &c->arrival.rights);

    LOG(INFO, "gateway.not_recovered", F_TEXT("socket", sio_sid(c->arrival.socket)),
        F_STR("subject", bearer_subject(c->arrival.rights.bearer)), F_TEXT("why", c->why));
    metric_add(c->home->anew, 1);
    count_why(c->why);
    if (is_there && e != OK) {
        refuse_socket(c, e);
        return;
    }
    if (is_there) {
        recovery_begin(c->home, &c->arrival, c->offset);
        clients_admit(&c->arrival);
    }
    end_resume(c);
}

static bool goes_on(struct resume *c)
{
    if (c->why == NULL && sio_is_pending(c->arrival.socket)) return true;
    if (c->why == NULL) c->why = "connection_lost";
    begin_anew(c);
    return false;
}

/* --- the last step --- */

static void write_record(struct resume *c, bool replayed, struct buf *out)
{
    for (size_t i = 0; i < c->n; i++) c->record.rooms[i].start_seq = c->positions[i].seq;
    c->record.replayed = replayed;
    record_write(&c->record, &c->home->key, c->hash, out);
}

/* The record was claimed and the client is gone: the record waits for it as before. */
static void give_back(struct resume *c)
{
    struct buf record = BUF(RECORD_BYTES_MAX);

    write_record(c, false, &record);
    recovery_records_write(
        c->home->redis, c->hash, c->owner, buf_str(&record), c->home->config.recovery_ms, NULL, NULL);
    buf_free(&record);
}

/* What the features go on with. */
static void point_at_record(struct resume *c)
{
    int64_t *sent = arena_alloc(c->arena, (c->n + 1) * sizeof *sent);
    struct membership *memberships = arena_alloc(c->arena, (c->n + 1) * sizeof *memberships);

    for (size_t i = 0; i < c->n; i++) {
        sent[i] = c->positions[i].got;
        memberships[i] = c->positions[i].membership;
    }
    c->record.sent = sent;
    c->record.memberships = memberships;
    c->arrival.record = &c->record;
    c->arrival.sid = c->record.sid.at;
    c->arrival.pid = arena_cstr(c->arena, c->pid);
    c->arrival.owner = c->owner;
}

static void let_in(struct resume *c)
{
    struct saved_connection *old = saved_connection_find(c->home, c->hash);

    if (old != NULL) saved_connection_supersede(old);
    recovery_records_announce(c->home->redis, c->hash, c->owner);
    resume_send_missed(c);
    point_at_record(c);
    struct client *client = clients_admit(&c->arrival);
    LOG(INFO, "gateway.recovered", F_TEXT("socket", sio_sid(c->arrival.socket)),
        F_STR("subject", bearer_subject(client->rights.bearer)), F_INT("rooms", c->n), F_INT("missed", c->missed));
    metric_add(c->home->recovered, 1);
    end_resume(c);
}

static void on_claimed(void *arg, const struct redisReply *reply)
{
    struct resume *c = arg;

    if (recovery_records_state(reply) != RECORD_DONE) c->why = "lost_race";
    if (c->why == NULL && !sio_is_pending(c->arrival.socket)) give_back(c);
    if (!goes_on(c)) return;
    enum err e = clients_check(c->arrival.clients, c->arrival.socket, &c->arrival.rights);
    if (e == OK && resume_may_hear(c)) {
        let_in(c);
        return;
    }
    recovery_records_remove(c->home->redis, c->hash, c->owner, record_ttl_ms(c->home));
    c->why = "policy_denied";
    if (e == OK)
        begin_anew(c);
    else
        refuse_socket(c, e);
}

void resume_claim(struct resume *c)
{
    struct buf record = BUF(RECORD_BYTES_MAX);

    if (!goes_on(c)) return;
    secret_text(c->owner, RECORD_OWNER_CHARS);
    write_record(c, c->missed > 0, &record);
    recovery_records_claim(
        c->home->redis, c->hash, c->value, c->owner, buf_str(&record), record_ttl_ms(c->home), on_claimed, c);
    buf_free(&record);
}

/* --- what the client missed --- */

static const char *take_heads(struct resume *c, const struct log_heads *heads)
{
    int64_t missed = 0;

    if (heads->heads.len != c->n) return "heads_mismatch";
    for (size_t i = 0; i < c->n; i++) {
        struct resume_position *position = &c->positions[i];
        if (!id_eq(heads->heads.at[i].room, position->start.room)) return "heads_mismatch";
        position->head = heads->heads.at[i].seq;
        position->got = position->seq;
        if (position->head < position->seq) return "offset_ahead";
        if (position->head - position->seq > MISSED_MAX - missed) return "too_much_missed";
        missed += position->head - position->seq;
    }
    return NULL;
}

static void ask_heads(struct resume *c);
static void ask_roles(struct resume *c);

static struct id_list rooms_of(const struct resume *c)
{
    struct id *rooms = arena_alloc(c->arena, c->n * sizeof *rooms);

    for (size_t i = 0; i < c->n; i++) rooms[i] = c->positions[i].start.room;
    return (struct id_list){ rooms, c->n };
}

static void on_heads(void *arg, enum err status, struct str body)
{
    struct resume *c = arg;
    struct log_heads heads = { 0 };
    struct wire_error why;

    if (resume_ask_again(c, status, ask_heads)) return;
    if (status == OK) status = wire_decode(log_heads_shape(), body, c->arena, &heads, &why);
    c->why = status == OK ? take_heads(c, &heads) : "store_unavailable";
    ask_roles(c);
}

static void ask_heads(struct resume *c)
{
    if (!goes_on(c)) return;
    method_ask_for(c->home->store, M_store_log_heads, bearer_subject(c->arrival.rights.bearer),
        &(struct log_rooms){ .rooms = rooms_of(c) }, on_heads, c);
}

/* --- may its subject hear what there was until then --- */

static const char *take_roles(struct resume *c, const struct room_roles *roles)
{
    if (roles->roles.len != c->n) return "roles_unavailable";
    for (size_t i = 0; i < c->n; i++) {
        const struct room_role *found = &roles->roles.at[i];
        if (!id_eq(found->room, c->positions[i].start.room) || found->role.len == 0) return "not_member";
        c->positions[i].membership.reads_after = found->reads_after;
    }
    return NULL;
}

static void on_roles(void *arg, enum err status, struct str body)
{
    struct resume *c = arg;
    struct room_roles roles = { 0 };
    struct wire_error why;

    if (resume_ask_again(c, status, ask_roles)) return;
    if (status == OK) status = wire_decode(room_roles_shape(), body, c->arena, &roles, &why);
    c->why = status == OK ? take_roles(c, &roles) : "roles_unavailable";
    if (goes_on(c)) resume_fetch(c);
}

static void ask_roles(struct resume *c)
{
    if (!goes_on(c)) return;
    for (size_t i = 0; i < c->n; i++)
        c->positions[i].membership.stamp = rooms_membership_stamp(c->home->rooms, c->positions[i].start.room);
    struct roles_query query = { .subject = bearer_subject(c->arrival.rights.bearer), .rooms = rooms_of(c) };
    method_ask_for(c->home->chat, M_chat_room_roles, query.subject, &query, on_roles, c);
}

static const char *read_record(struct resume *c)
{
    if (c->value.len == 0) return "no_record";
    if (!record_read(str_skip(c->value, RECORD_OWNER_CHARS), &c->home->key, c->hash, c->arena, &c->record))
        return "record_invalid";
    if (!str_eq(c->record.nsp, sio_nsp(c->arrival.socket)) ||
        !str_eq(c->record.subject, bearer_subject(c->arrival.rights.bearer)))
        return "subject_mismatch";
    if (c->record.n > (size_t)c->home->config.socket_rooms_max) return "too_many_rooms";
    if (c->record.n_names > (c->home->config.has_names ? (size_t)c->home->config.socket_rooms_max : 0))
        return "named_rooms_unsupported";
    return resume_find_positions(c);
}

static void on_read(void *arg, const struct redisReply *reply)
{
    struct resume *c = arg;

    c->value = arena_str(c->arena, recovery_records_value(reply));
    c->why = reply != NULL ? read_record(c) : "redis_unavailable";
    if (c->n > 0)
        ask_heads(c);
    else
        resume_claim(c);
}

static void read_it(struct resume *c)
{
    if (goes_on(c)) recovery_records_read(c->home->redis, c->hash, on_read, c);
}

static void too_late(struct resume *c)
{
    if (c->why == NULL) c->why = "no_turn";
    goes_on(c);
}

void resume_begin(struct recovery *recovery, const struct arrival *arrival, const struct resume_claim *claims)
{
    struct resume *c = mem_zero(sizeof *c);

    /* bound: RECORD_BYTES_MAX, a CONNECT of max_payload, and heads whose room the decoder asks for */
    c->arena = arena_create("resume", EXTRA_BYTES + 2 * (size_t)recovery->config.max_payload);
    c->home = recovery;
    c->arrival = *arrival;
    c->arrival.auth = arena_str(c->arena, arrival->auth);
    sio_socket_take(c->arrival.socket);
    c->pid = arena_str(c->arena, claims->pid);
    c->offset = arena_str(c->arena, claims->offset);
    recovery_records_hash(c->pid, c->hash);
    recovery->resumes++;
    resume_await_turn(c, read_it, too_late);
}
