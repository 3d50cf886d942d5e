/* echo_resume.c - a client of the echo that brings a pid goes on where its log says; any other begins. */
// SPDX-License-Identifier: Apache-2.0
#include <hiredis/hiredis.h>
#include <string.h>

#include "libshared/base/log.h"
#include "libshared/base/secret.h"
#include "services/gateway/recovery/resume_claim.h"
#include "tests/echo/echo_private.h"
#include "services/gateway/rooms/offset.h"

struct echo_entry {
    struct echo_logs *home;
    struct arrival arrival;
    struct arena *arena;
    struct resume_claim claims;
    struct record record;
    unsigned char hash[RECORD_HASH_BYTES];
    char owner[RECORD_OWNER_CHARS + 1];
    int64_t seq; /* what the client has */
    struct room_start own;
};

/* What it is sent is as one room with room number 0.  A record's rooms have ids. */
static const struct id own_room = { "own log" };

static struct str subject(const struct echo_entry *e)
{
    return bearer_subject(e->arrival.rights.bearer);
}

static void drop_entry(struct echo_entry *e)
{
    rights_drop(&e->arrival.rights);
    sio_socket_drop(e->arrival.socket);
    arena_destroy(&e->arena);
    mem_free(e);
}

/* Both ways in; the right to connect may have been lost meanwhile. */
static bool admit_entry(struct echo_entry *e)
{
    enum err code = clients_check(e->arrival.clients, e->arrival.socket, &e->arrival.rights);

    e->arrival.record = &e->record;
    if (code == OK)
        clients_admit(&e->arrival);
    else
        clients_refuse(&e->arrival, code);
    return code == OK;
}

/* As it is from now on. */
static void fill_record(struct echo_entry *e, char epoch, bool replayed)
{
    e->own = (struct room_start){ .room = own_room, .start_seq = e->seq };
    e->record.nsp = sio_nsp(e->arrival.socket);
    e->record.subject = arena_str(e->arena, subject(e));
    if (e->record.sid.len == 0) e->record.sid = str_of(sio_sid(e->arrival.socket));
    e->record.epoch = epoch;
    e->record.next_room_no = 1;
    e->record.replayed = replayed;
    e->record.rooms = &e->own;
    e->record.n = 1;
}

static void begin_anew(struct echo_entry *e, const char *why)
{
    char pid[RESUME_PID_CHARS + 1];

    if (why != NULL)
        LOG(INFO, "gateway.not_recovered", F_TEXT("socket", sio_sid(e->arrival.socket)), F_TEXT("why", why));
    e->record = (struct record){ 0 };
    e->seq = 0;
    secret_text(pid, RESUME_PID_CHARS);
    fill_record(e, offset_next_epoch(e->claims.offset), false);
    e->arrival.pid = pid;
    if (sio_is_pending(e->arrival.socket)) admit_entry(e);
    drop_entry(e);
}

/* --- the log --- */

static void send_again(const struct echo_entry *e, int64_t number, const struct str *parts, unsigned n)
{
    struct eio_packet *packets[ECHO_PARTS_MAX], *plain = eio_packet_text(parts[0]);
    struct buf offset = BUF(64);

    offset_begin(&offset, e->record.epoch);
    offset_add(&offset, 0, number);
    packets[0] = sio_packet_with(plain, buf_str(&offset));
    for (unsigned i = 1; i < n; i++) packets[i] = eio_packet_binary(parts[i]);
    sio_send_early(e->arrival.socket, packets, n);
    for (unsigned i = 0; i < n; i++) eio_packet_drop(packets[i]);
    eio_packet_drop(plain);
    buf_free(&offset);
}

struct missed_range {
    int64_t last;
    size_t missed, bytes;
    bool whole;
};

/* Entries from seq + 1 on, without a gap; `send` or only count. */
static struct missed_range go_through(const struct echo_entry *e, const struct redisReply *reply, bool send)
{
    struct missed_range found = { .last = e->seq, .whole = reply != NULL && reply->type == REDIS_REPLY_ARRAY };
    struct str parts[ECHO_PARTS_MAX];
    int64_t number;
    unsigned n;

    for (size_t i = 0; found.whole && i < reply->elements; i++) {
        struct str text = { reply->element[i]->str, (size_t)reply->element[i]->len };
        found.whole = echo_log_read(text, &number, parts, &n) && number <= found.last + 1;
        if (!found.whole || number <= found.last) continue;
        if (send) send_again(e, number, parts, n);
        found.last = number;
        found.missed++;
        found.bytes += text.len;
    }
    return found;
}

static void let_in(struct echo_entry *e, const struct redisReply *reply)
{
    struct missed_range found = go_through(e, reply, true);

    e->record.sent = &found.last;
    e->arrival.sid = e->record.sid.at;
    e->arrival.pid = e->claims.pid.at;
    e->arrival.owner = e->owner;
    if (admit_entry(e))
        LOG(INFO, "gateway.recovered", F_TEXT("socket", sio_sid(e->arrival.socket)), F_INT("missed", found.missed));
    drop_entry(e);
}

static void on_log(void *arg, const struct redisReply *reply)
{
    struct echo_entry *e = arg;
    struct missed_range found = go_through(e, reply, false);

    if (found.whole && found.bytes <= (size_t)e->home->config.queue_bytes && sio_is_pending(e->arrival.socket))
        let_in(e, reply);
    else
        begin_anew(e, "missed_gone");
}

/* The old connection is closed before the log is read: it can't add to it any more. */
static void on_claimed(void *arg, const struct redisReply *reply)
{
    struct echo_entry *e = arg;

    if (recovery_records_state(reply) != RECORD_DONE) {
        begin_anew(e, "lost_race");
        return;
    }
    echo_sockets_supersede(e->home, e->hash, str_of(e->owner));
    recovery_records_announce(e->home->redis, e->hash, e->owner);
    echo_log_load(e->home->redis, e->hash, on_log, e);
}

/* --- the record --- */

static const char *find_position(struct echo_entry *e)
{
    struct offset offset;

    if (e->record.n != 1 || !str_eq(e->record.nsp, sio_nsp(e->arrival.socket)) ||
        !str_eq(e->record.subject, subject(e)))
        return "subject_mismatch";
    if (e->record.n_names > (e->home->config.has_names ? (size_t)e->home->config.socket_rooms_max : 0))
        return "named_rooms_unsupported";
    e->seq = e->record.rooms[0].start_seq;
    if (offset_read(e->claims.offset, e->record.epoch, e->arena, &offset) && offset.n == 1) {
        if (offset.at[0].seq < e->seq) return "offset_behind";
        if (offset.at[0].seq == INT64_MAX) return "offset_out_of_range";
        e->seq = offset.at[0].seq;
    }
    return e->record.replayed && e->seq == e->record.rooms[0].start_seq ? "offset_reused" : NULL;
}

static void on_read(void *arg, const struct redisReply *reply)
{
    struct echo_entry *e = arg;
    struct str value = arena_str(e->arena, recovery_records_value(reply));
    struct buf text = BUF(RECORD_BYTES_MAX);
    const char *why = "no_record";

    if (value.len > 0 && record_read(str_skip(value, RECORD_OWNER_CHARS), &e->home->key, e->hash, e->arena, &e->record))
        why = find_position(e);
    if (why != NULL) {
        begin_anew(e, why);
        return;
    }
    secret_text(e->owner, RECORD_OWNER_CHARS);
    fill_record(e, e->record.epoch, true);
    record_write(&e->record, &e->home->key, e->hash, &text);
    recovery_records_claim(
        e->home->redis, e->hash, value, e->owner, buf_str(&text), echo_ttl_ms(e->home), on_claimed, e);
    buf_free(&text);
}

void echo_resume(struct echo_logs *home, const struct arrival *arrival)
{
    struct echo_entry *e = mem_zero(sizeof *e);

    /* bound: RECORD_BYTES_MAX, and a CONNECT of max_payload */
    e->arena = arena_create("echo", (4u << 20) + 2 * (size_t)home->config.max_payload);
    e->home = home;
    e->arrival = *arrival;
    e->arrival.auth = arena_str(e->arena, arrival->auth);
    sio_socket_take(arrival->socket);
    e->claims = resume_claim_read(arrival->auth, e->arena);
    recovery_records_hash(e->claims.pid, e->hash);
    if (e->claims.pid.len > 0)
        recovery_records_read(home->redis, e->hash, on_read, e);
    else
        begin_anew(e, NULL);
}
