/* uploads.c - all bodies on their way: those that nobody ends are given up, files that nobody refers to are removed. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/media/uploads_private.h"

#define TICK_S 1.

/* How often transfers whose time is over are looked for, and how many are given up at once. */
#define EXPIRE_US        5000000
#define EXPIRED_MAX      1000
#define EXPIRED_MAX_TEXT "1000"

struct garbage {
    struct uploads *uploads;
    struct id file;
    struct garbage *next;
};

void uploads_check(const struct uploads *uploads)
{
    size_t placed = 0;

    for (const struct upload *upload = uploads->all; upload != NULL; upload = upload->hh.next) {
        upload_check(upload);
        placed += place_is_taken(&upload->place);
    }
    assert(placed == uploads->n_placed && placed <= uploads->n_places);
}

int64_t uploads_bytes_max(const struct uploads *uploads)
{
    return uploads->config.bytes_max;
}

int64_t uploads_transfer_ms(const struct uploads *uploads)
{
    return uploads->config.transfer_s * 1000;
}

/* --- files that nobody refers to --- */

static enum err remove_work(struct pg *pg, struct arena *arena, void *arg)
{
    const struct garbage *garbage = arg;

    (void)pg, (void)arena;
    file_remove(garbage->uploads->config.files, garbage->file);
    return OK;
}

/* A file that no worker came to waits for the next tick. */
static void remove_done(void *arg, enum err e)
{
    struct garbage *garbage = arg;
    struct uploads *uploads = garbage->uploads;

    if (e == OK) {
        mem_free(garbage);
    } else {
        garbage->next = uploads->garbage;
        uploads->garbage = garbage;
    }
}

static void remove_garbage(struct uploads *uploads)
{
    while (uploads->garbage != NULL) {
        struct garbage *garbage = uploads->garbage;
        if (!rpc_server_work_blocking(uploads->server, STR_NONE, remove_work, remove_done, garbage)) return;
        uploads->garbage = garbage->next;
    }
}

void uploads_remove_file(struct uploads *uploads, struct id file)
{
    struct garbage *garbage = mem_zero(sizeof *garbage);

    garbage->uploads = uploads;
    garbage->file = file;
    garbage->next = uploads->garbage;
    uploads->garbage = garbage;
    remove_garbage(uploads);
}

/* --- what nobody ends --- */

void uploads_forget(struct uploads *uploads, struct id id)
{
    struct upload *upload;

    HASH_FIND(hh, uploads->all, &id, sizeof id, upload);
    if (upload == NULL || upload->state == UPLOAD_LEAVES) {
        uploads_remove_file(uploads, id);
        return;
    }
    upload->part->is_over = true; /* what a worker would keep of it finds no row */
    if (!upload->unwanted) upload_give_up(upload);
    CHECK_STEP(uploads_check(uploads));
}

static const char EXPIRE_TRANSFERS[] =
    "WITH lost AS (DELETE FROM upload WHERE id IN (SELECT id FROM upload WHERE expires_at <= $1 ORDER BY expires_at"
    "   LIMIT " EXPIRED_MAX_TEXT " FOR UPDATE SKIP LOCKED) RETURNING id, owner, bytes), given AS ("
    " SELECT 'media' AS quota, owner, count(*) AS amount FROM lost GROUP BY owner"
    " UNION ALL SELECT 'media_bytes', owner, sum(bytes) FROM lost GROUP BY owner), taken AS ("
    " UPDATE usage u SET used = greatest(u.used - given.amount, 0) FROM given"
    " WHERE u.quota = given.quota AND u.subject = given.owner)"
    " SELECT id AS upload FROM lost";

static enum err expire_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct uploads *uploads = arg;

    uploads->expired = (struct upload_ref_list){ NULL, 0 };
    return pg_all(
        pg, arena, upload_ref_shape(), &uploads->expired, EXPIRED_MAX, EXPIRE_TRANSFERS, PG_ARGS(pg_time(clock_ms())));
}

/* Their rows are gone; a process that is killed before their files are leaves those to the next start. */
static void expire_done(void *arg, enum err e)
{
    struct uploads *uploads = arg;

    uploads->expiring = false;
    for (size_t i = 0; e == OK && i < uploads->expired.len; i++) uploads_forget(uploads, uploads->expired.at[i].upload);
    if (e == OK && uploads->expired.len > 0) LOG(INFO, "share.transfers_expired", F_INT("n", uploads->expired.len));
}

static void expire_transfers(struct uploads *uploads, int64_t now_us)
{
    if (uploads->expiring || now_us < uploads->expire_us) return;
    uploads->expire_us = now_us + EXPIRE_US;
    uploads->expiring = rpc_server_work(uploads->server, STR_NONE, expire_work, expire_done, uploads);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct uploads *uploads = timer->data;
    struct upload *upload, *next;
    int64_t since_us = clock_mono_us() - uploads->config.idle_s * 1000000;

    (void)loop, (void)revents;
    remove_garbage(uploads);
    expire_transfers(uploads, clock_mono_us());
    HASH_ITER(hh, uploads->all, upload, next) {
        bool quiet = upload->state == UPLOAD_OPEN && upload->last_call_us < since_us;
        if (quiet) LOG_BOUNDED(INFO, "share.upload_idle", F_STR("subject", upload->owner));
        if ((quiet || upload->state == UPLOAD_LEAVES) && upload->present == NULL) upload_fail(upload);
    }
    CHECK_STEP(uploads_check(uploads));
}

struct uploads *uploads_create(struct ev_loop *loop, const struct uploads_config *config)
{
    struct uploads *uploads = mem_zero(sizeof *uploads);

    uploads->loop = loop;
    uploads->n_places = uploads_count_places();
    uploads->now = metric_gauge("madang_share_uploads", NULL, "Files on their way");
    uploads->config = *config;
    ev_timer_init(&uploads->tick, on_tick, TICK_S, TICK_S);
    uploads->tick.data = uploads;
    return uploads;
}

void uploads_serving(struct uploads *uploads, struct rpc_server *server)
{
    uploads->server = server;
    ev_timer_start(uploads->loop, &uploads->tick);
}

/* The server is gone, and with it the calls: what is left the next process collects. */
void uploads_destroy(struct uploads **at)
{
    struct uploads *uploads = *at;
    struct upload *upload, *next;

    if (uploads == NULL) return;
    ev_timer_stop(uploads->loop, &uploads->tick);
    HASH_ITER(hh, uploads->all, upload, next) {
        while (upload->waiting != NULL) {
            struct upload_request *request = upload->waiting;
            upload->waiting = request->next;
            mem_free(request);
        }
        while (upload->present != NULL && upload->present != &upload_leaving) {
            struct upload_request *request = upload->present;
            upload->present = request->next;
            mem_free(request);
        }
        upload->present = NULL;
        upload_free(upload);
    }
    while (uploads->garbage != NULL) {
        struct garbage *garbage = uploads->garbage;
        uploads->garbage = garbage->next;
        mem_free(garbage);
    }
    mem_free(uploads);
    *at = NULL;
}
