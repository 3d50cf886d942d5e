/*
 * lifeline.c - open sockets and their records:
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
#include "services/gateway/recovery/recovery_inside.h"

#define KEEP_MS_MAX 30000
#define SWEEP_S     0.1
#define SWEEP_MAX   500 /* lines looked at in one go */

/* A save under way. */
struct note {
    struct lifeline *line;
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

struct lifeline *lifeline_find(struct recovery *recovery, const unsigned char *hash)
{
    struct lifeline *line;

    HASH_FIND(hh, recovery->table, hash, SHELF_HASH_BYTES, line);
    return line;
}

static void enlist(struct lifeline *line)
{
    line->due_us = clock_mono_us() + keep_ms(line->home) * 1000;
    DL_APPEND(line->home->list, line);
}

static struct lifeline **slot_of(struct client *client)
{
    return client_slot(client, FEATURE_recovery);
}

struct lifeline *lifeline_begin(struct recovery *recovery, struct client *client, const unsigned char *hash)
{
    struct lifeline *line = mem_zero(sizeof *line);

    line->home = recovery;
    line->client = client;
    line->refs = 1;
    line->saved = UINT64_MAX;
    memcpy(line->hash, hash, sizeof line->hash);
    secret_text(line->owner, SHELF_OWNER_CHARS);
    HASH_ADD(hh, recovery->table, hash, sizeof line->hash, line);
    enlist(line);
    *slot_of(client) = line;
    return line;
}

static void drop(struct lifeline *line)
{
    if (--line->refs == 0) mem_free(line);
}

/* Its socket has no lifeline any more. */
static void cut(struct lifeline *line)
{
    if (line->client == NULL) return;
    HASH_DEL(line->home->table, line);
    DL_DELETE(line->home->list, line);
    *slot_of(line->client) = NULL;
    line->client = NULL;
    drop(line);
}

uint64_t lifeline_changes(const struct lifeline *line)
{
    return client_subscriber(line->client)->changes + line->touched;
}

void lifeline_supersede(struct lifeline *line)
{
    struct sio_socket *socket = line->client->socket;

    LOG(INFO, "gateway.superseded", F_TEXT("socket", sio_sid(socket)));
    cut(line);
    sio_hang_up(socket);
}

/* Its client must not come back with an older offset than what it has heard, or expect rooms that nobody wrote down. */
static void tell_off(struct client *client)
{
    struct buf args = BUF(64);

    buf_printf(&args, "{},\"%c-\"", client_subscriber(client)->epoch);
    struct eio_packet *packet = sio_packet_event(sio_nsp(client->socket), "recovery:off", buf_str(&args));
    sio_send_marked(client->socket, packet);
    eio_packet_drop(packet);
    buf_free(&args);
}

static void not_saved(struct lifeline *line)
{
    struct guest *guest = client_subscriber(line->client);

    if (!line->told && guest->changes > 0) { /* who was in no room has nothing to lose */
        tell_off(line->client);
        line->told = true;
    }
    guest->lost = true;
    line->saved = UINT64_MAX;
}

static void saved(struct lifeline *line, uint64_t changes)
{
    client_subscriber(line->client)->lost = line->told = false;
    line->saved = changes;
}

static void lifeline_check(const struct lifeline *line)
{
    const struct lifeline *found;

    assert(line->refs > line->saving || (line->client == NULL && line->refs >= line->saving));
    HASH_FIND(hh, line->home->table, line->hash, SHELF_HASH_BYTES, found);
    assert(line->client == NULL ? found != line : found == line && *slot_of(line->client) == line);
}

static void on_saved(void *arg, const struct redisReply *reply)
{
    struct note *note = arg;
    struct lifeline *line = note->line;
    enum shelf_answer answer = shelf_answer(reply);

    CHECK_STEP(lifeline_check(line));
    line->saving--;
    if (line->client != NULL && answer == SHELF_AWAY) not_saved(line);
    if (line->client != NULL && answer == SHELF_DONE) saved(line, note->changes);
    if (line->client != NULL && answer == SHELF_TAKEN) lifeline_supersede(line);
    if (line->client != NULL && answer == SHELF_DONE && line->stale && line->saving == 0)
        lifeline_save(line, NULL, NULL);
    if (note->done != NULL) note->done(note->arg);
    drop(line);
    mem_free(note);
}

/* Of its lists some are in the scratch arena, which is the caller's to empty. */
static struct record collect_record(const struct lifeline *line)
{
    struct client *client = line->client;
    struct record record = { .nsp = sio_nsp(client->socket),
        .subject = bearer_subject(client->rights.bearer),
        .sid = str_of(sio_sid(client->socket)),
        .replayed = line->replayed };

    client_save(client, line->home->scratch, &record);
    return record;
}

static bool has_too_much(const struct lifeline *line)
{
    struct record record = collect_record(line);
    bool too_much = record.n + record.n_names > (size_t)line->home->config.rooms_max ||
                    record_names_bytes(record.names, record.n_names) > RECORD_NAMES_BYTES_MAX;

    arena_reset(line->home->scratch);
    return too_much;
}

/* In too many rooms, for as long as it is connected. */
static void give_up(struct lifeline *line)
{
    struct client *client = line->client;

    tell_off(client);
    guest_untrack(client_subscriber(client));
    shelf_remove(line->home->redis, line->hash, line->owner, record_ttl_ms(line->home));
    cut(line);
}

void lifeline_save(struct lifeline *line, void (*done)(void *arg), void *arg)
{
    struct note *note = mem_alloc(sizeof *note);
    struct buf text = BUF(RECORD_BYTES_MAX);
    struct record record = collect_record(line);

    *note = (struct note){ line, lifeline_changes(line), done, arg };
    record_write(&record, &line->home->key, line->hash, &text);
    arena_reset(line->home->scratch);
    line->refs++;
    line->saving++;
    line->stale = false;
    shelf_write(line->home->redis, line->hash, line->owner, buf_str(&text), record_ttl_ms(line->home), on_saved, note);
    buf_free(&text);
}

/* Nobody waits for this to be on record; so a back end that goes on and on has one save of a socket under way. */
void lifeline_touched(struct lifeline *line)
{
    if (has_too_much(line)) {
        give_up(line);
        return;
    }
    line->touched++;
    line->stale = true;
    if (line->saving == 0) lifeline_save(line, NULL, NULL);
}

/* Only a client that heard its CONNECT asks for anything: what was replayed before that has arrived. */
void recovery_note(struct client *client, void (*done)(void *arg), void *arg)
{
    struct lifeline **slot = slot_of(client), *line = slot != NULL ? *slot : NULL;

    if (line != NULL && has_too_much(line)) {
        give_up(line);
        line = NULL;
    }
    if (line == NULL) {
        done(arg);
        return;
    }
    line->replayed = false;
    lifeline_save(line, done, arg);
}

static void on_kept(void *arg, const struct redisReply *reply)
{
    struct lifeline *line = arg;
    enum shelf_answer answer = shelf_answer(reply);

    if (line->client != NULL && answer == SHELF_NONE)
        lifeline_save(line, NULL, NULL); /* Redis lost it */
    else if (line->client != NULL && answer == SHELF_TAKEN)
        lifeline_supersede(line);
    drop(line);
}

static void keep(struct lifeline *line)
{
    if (line->saved != lifeline_changes(line)) {
        lifeline_save(line, NULL, NULL);
        return;
    }
    line->refs++;
    shelf_keep(line->home->redis, line->hash, line->owner, record_ttl_ms(line->home), on_kept, line);
}

static void on_sweep(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct recovery *recovery = timer->data;
    int64_t now = clock_mono_us();

    (void)loop, (void)events;
    for (int i = 0; i < SWEEP_MAX && recovery->list != NULL && recovery->list->due_us <= now; i++) {
        struct lifeline *line = recovery->list;
        DL_DELETE(recovery->list, line);
        enlist(line);
        keep(line);
    }
}

void lifeline_closed(struct lifeline *line, const char *reason)
{
    if (record_is_over(reason))
        shelf_remove(line->home->redis, line->hash, line->owner, record_ttl_ms(line->home));
    else if (line->saved != lifeline_changes(line))
        lifeline_save(line, NULL, NULL);
    else
        shelf_keep(line->home->redis, line->hash, line->owner, line->home->config.recovery_ms, NULL, NULL);
    cut(line);
}

static void on_announced(void *arg, const unsigned char *hash, struct str owner)
{
    struct lifeline *line = lifeline_find(arg, hash);

    if (line != NULL && !str_is(owner, line->owner)) lifeline_supersede(line);
}

void lifelines_open(struct recovery *recovery)
{
    ev_timer_init(&recovery->sweep, on_sweep, SWEEP_S, SWEEP_S);
    recovery->sweep.data = recovery;
    ev_timer_start(recovery->loop, &recovery->sweep);
    recovery->ear = (struct shelf_ear){ on_announced, recovery };
    shelf_listen(recovery->redis, &recovery->ear);
}

void lifelines_close(struct recovery *recovery)
{
    ev_timer_stop(recovery->loop, &recovery->sweep);
}
