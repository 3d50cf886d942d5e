/*
 * saved_connection.c - open sockets and their records:
 *
 *      begun --save--> on record --keep, every so often--> on record ...     lost: kept for recovery_ms
 *                          \--joined, left, named--save--> on record         left by DISCONNECT: removed
 *
 * An answer of Redis may say that another connection has the record: then this one is closed.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/invariant.h"
#include "libshared/base/log.h"
#include "libshared/base/secret.h"
#include "services/gateway/recovery/recovery_private.h"

#define KEEP_MS_MAX 30000
#define SWEEP_S     0.1
#define SWEEP_MAX   500 /* lines looked at in one go */

/* A save under way. */
struct note {
    struct saved_connection *connection;
    uint64_t changes;
    void (*done)(void *arg); /* may be NULL */
    void *arg;
};

static int64_t keep_ms(const struct recovery *recovery)
{
    int64_t half = recovery->config.recovery_ms / 2;

    return half < KEEP_MS_MAX ? half : KEEP_MS_MAX;
}

int64_t record_ttl_ms(const struct recovery *recovery)
{
    return recovery->config.recovery_ms + keep_ms(recovery);
}

struct saved_connection *saved_connection_find(struct recovery *recovery, const unsigned char *hash)
{
    struct saved_connection *connection;

    HASH_FIND(hh, recovery->table, hash, RECORD_HASH_BYTES, connection);
    return connection;
}

static void enlist_connection(struct saved_connection *connection)
{
    connection->due_us = clock_mono_us() + keep_ms(connection->home) * 1000;
    DL_APPEND(connection->home->list, connection);
}

static struct saved_connection **slot_of(struct client *client)
{
    return client_slot(client, FEATURE_recovery);
}

/* --- what is true of them between two steps --- */

static void line_check(const struct saved_connection *connection)
{
    const struct saved_connection *found = saved_connection_find(connection->home, connection->hash);

    assert(connection->refs >= connection->saving + (connection->client != NULL));
    if (connection->client == NULL) {
        assert(found != connection); /* another one may have its pid by now */
        return;
    }
    assert(found == connection && *slot_of(connection->client) == connection);
    /* What changed while it was being saved is being saved once more, or will be. */
    assert(!connection->stale || connection->saving > 0 || connection->saved != saved_connection_changes(connection));
}

static void all_lines_check(const struct recovery *recovery)
{
    const struct saved_connection *connection;
    int64_t due_us = 0;
    size_t n = 0;

    DL_FOREACH(recovery->list, connection) {
        line_check(connection);
        assert(connection->client != NULL && connection->due_us >= due_us);
        due_us = connection->due_us;
        n++;
    }
    assert(n == HASH_COUNT(recovery->table));
}

static void saved_connection_check(const struct saved_connection *connection)
{
    struct recovery *recovery = connection->home;

    line_check(connection);
    if (walk_is_due(&recovery->steps, HASH_COUNT(recovery->table))) all_lines_check(recovery);
}

/* --- its life --- */

struct saved_connection *saved_connection_begin(
    struct recovery *recovery, struct client *client, const unsigned char *hash)
{
    struct saved_connection *connection = mem_zero(sizeof *connection);

    connection->home = recovery;
    connection->client = client;
    connection->refs = 1;
    connection->saved = UINT64_MAX;
    memcpy(connection->hash, hash, sizeof connection->hash);
    secret_text(connection->owner, RECORD_OWNER_CHARS);
    HASH_ADD(hh, recovery->table, hash, sizeof connection->hash, connection);
    enlist_connection(connection);
    *slot_of(client) = connection;
    CHECK_STEP(saved_connection_check(connection));
    return connection;
}

static void drop_connection(struct saved_connection *connection)
{
    assert(connection->refs > 0);
    if (--connection->refs == 0) mem_free(connection);
}

/* Its socket has no saved connection any more. */
static void cut_connection(struct saved_connection *connection)
{
    if (connection->client == NULL) return;
    HASH_DEL(connection->home->table, connection);
    DL_DELETE(connection->home->list, connection);
    *slot_of(connection->client) = NULL;
    connection->client = NULL;
    CHECK_STEP(saved_connection_check(connection));
    drop_connection(connection);
}

uint64_t saved_connection_changes(const struct saved_connection *connection)
{
    return client_subscriber(connection->client)->changes + connection->touched;
}

void saved_connection_supersede(struct saved_connection *connection)
{
    struct sio_socket *socket = connection->client->socket;

    LOG(INFO, "gateway.superseded", F_TEXT("socket", sio_sid(socket)));
    cut_connection(connection);
    sio_hang_up(socket);
}

/* Tells the client that recovery is off: the offset and the rooms that it would come back with can no longer be trusted. */
static void send_recovery_off(struct client *client)
{
    struct buf args = BUF(64);

    buf_printf(&args, "{},\"%c-\"", client_subscriber(client)->epoch);
    struct eio_packet *packet = sio_packet_event(sio_nsp(client->socket), "recovery:off", buf_str(&args));
    sio_send_with_offset(client->socket, packet);
    eio_packet_drop(packet);
    buf_free(&args);
}

static void note_not_saved(struct saved_connection *connection)
{
    struct subscriber *subscriber = client_subscriber(connection->client);

    if (!connection->told && subscriber->changes > 0) { /* a client that was in no room has nothing to lose */
        send_recovery_off(connection->client);
        connection->told = true;
    }
    subscriber->lost = true;
    connection->saved = UINT64_MAX;
}

static void note_saved(struct saved_connection *connection, uint64_t changes)
{
    client_subscriber(connection->client)->lost = connection->told = false;
    connection->saved = changes;
}

static void on_saved(void *arg, const struct redisReply *reply)
{
    struct note *note = arg;
    struct saved_connection *connection = note->connection;
    enum record_state answer = recovery_records_state(reply);

    CHECK_STEP(saved_connection_check(connection));
    connection->saving--;
    if (connection->client != NULL && answer == RECORD_REDIS_AWAY) note_not_saved(connection);
    if (connection->client != NULL && answer == RECORD_DONE) note_saved(connection, note->changes);
    if (connection->client != NULL && answer == RECORD_TAKEN) saved_connection_supersede(connection);
    if (connection->client != NULL && answer == RECORD_DONE && connection->stale && connection->saving == 0)
        saved_connection_save(connection, NULL, NULL);
    if (note->done != NULL) note->done(note->arg);
    drop_connection(connection);
    mem_free(note);
}

/* Of its lists some are in the scratch arena, which is the caller's to empty. */
static struct record collect_record(const struct saved_connection *connection)
{
    struct client *client = connection->client;
    struct record record = { .nsp = sio_nsp(client->socket),
        .subject = bearer_subject(client->rights.bearer),
        .sid = str_of(sio_sid(client->socket)),
        .replayed = connection->replayed };

    client_save(client, connection->home->scratch, &record);
    return record;
}

static bool has_too_much(const struct saved_connection *connection)
{
    struct record record = collect_record(connection);
    bool too_much = record.n + record.n_names > (size_t)connection->home->config.rooms_max ||
                    record_names_bytes(record.names, record.n_names) > RECORD_NAMES_BYTES_MAX;

    arena_reset(connection->home->scratch);
    return too_much;
}

/* In too many rooms, for as long as it is connected. */
static void give_up_recovery(struct saved_connection *connection)
{
    struct client *client = connection->client;

    send_recovery_off(client);
    subscriber_untrack(client_subscriber(client));
    recovery_records_remove(
        connection->home->redis, connection->hash, connection->owner, record_ttl_ms(connection->home));
    cut_connection(connection);
}

void saved_connection_save(struct saved_connection *connection, void (*done)(void *arg), void *arg)
{
    struct note *note = mem_alloc(sizeof *note);
    struct buf text = BUF(RECORD_BYTES_MAX);
    struct record record = collect_record(connection);

    *note = (struct note){ connection, saved_connection_changes(connection), done, arg };
    record_write(&record, &connection->home->key, connection->hash, &text);
    arena_reset(connection->home->scratch);
    connection->refs++;
    connection->saving++;
    connection->stale = false;
    CHECK_STEP(saved_connection_check(connection));
    recovery_records_write(connection->home->redis, connection->hash, connection->owner, buf_str(&text),
        record_ttl_ms(connection->home), on_saved, note);
    buf_free(&text);
}

/* The save is not awaited.  At most one save of a socket is under way, however often a back end changes its rooms. */
void saved_connection_touched(struct saved_connection *connection)
{
    if (has_too_much(connection)) {
        give_up_recovery(connection);
        return;
    }
    connection->touched++;
    connection->stale = true;
    if (connection->saving == 0) saved_connection_save(connection, NULL, NULL);
}

/* Only a client that heard its CONNECT asks for anything: what was replayed before that has arrived. */
void recovery_note(struct client *client, void (*done)(void *arg), void *arg)
{
    struct saved_connection **slot = slot_of(client), *connection = slot != NULL ? *slot : NULL;

    if (connection != NULL && has_too_much(connection)) {
        give_up_recovery(connection);
        connection = NULL;
    }
    if (connection == NULL) {
        done(arg);
        return;
    }
    connection->replayed = false;
    saved_connection_save(connection, done, arg);
}

static void on_kept(void *arg, const struct redisReply *reply)
{
    struct saved_connection *connection = arg;
    enum record_state answer = recovery_records_state(reply);

    CHECK_STEP(saved_connection_check(connection));
    if (connection->client != NULL && answer == RECORD_NONE)
        saved_connection_save(connection, NULL, NULL); /* Redis lost it */
    else if (connection->client != NULL && answer == RECORD_TAKEN)
        saved_connection_supersede(connection);
    drop_connection(connection);
}

static void keep_record(struct saved_connection *connection)
{
    if (connection->saved != saved_connection_changes(connection)) {
        saved_connection_save(connection, NULL, NULL);
        return;
    }
    connection->refs++;
    recovery_records_keep(connection->home->redis, connection->hash, connection->owner, record_ttl_ms(connection->home),
        on_kept, connection);
}

static void on_sweep(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct recovery *recovery = timer->data;
    int64_t now = clock_mono_us();

    (void)loop, (void)events;
    for (int i = 0; i < SWEEP_MAX && recovery->list != NULL && recovery->list->due_us <= now; i++) {
        struct saved_connection *connection = recovery->list;
        DL_DELETE(recovery->list, connection);
        enlist_connection(connection);
        keep_record(connection);
    }
}

void saved_connection_closed(struct saved_connection *connection, const char *reason)
{
    if (record_is_over(reason))
        recovery_records_remove(
            connection->home->redis, connection->hash, connection->owner, record_ttl_ms(connection->home));
    else if (connection->saved != saved_connection_changes(connection))
        saved_connection_save(connection, NULL, NULL);
    else
        recovery_records_keep(connection->home->redis, connection->hash, connection->owner,
            connection->home->config.recovery_ms, NULL, NULL);
    cut_connection(connection);
}

static void on_announced(void *arg, const unsigned char *hash, struct str owner)
{
    struct saved_connection *connection = saved_connection_find(arg, hash);

    if (connection != NULL && !str_is(owner, connection->owner)) saved_connection_supersede(connection);
}

void saved_connections_open(struct recovery *recovery)
{
    ev_timer_init(&recovery->sweep, on_sweep, SWEEP_S, SWEEP_S);
    recovery->sweep.data = recovery;
    ev_timer_start(recovery->loop, &recovery->sweep);
    recovery->listener = (struct record_listener){ on_announced, recovery };
    recovery_records_listen(recovery->redis, &recovery->listener);
}

void saved_connections_close(struct recovery *recovery)
{
    ev_timer_stop(recovery->loop, &recovery->sweep);
}
