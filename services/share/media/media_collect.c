/*
 * media_collect.c - media that nothing uses go, after a while; a job, once a minute.
 *
 *      kept --never_used_s--> asked                             never --------.
 *      claimed by store, for a message --unused_s--> asked      shown --.      |
 *                                                                 ^      v      v
 *                                                                 |     nothing uses it: left --unused_s--> asked: nothing again? removed
 *                                                                 '----- something does <---------------------'
 *
 * Store knows what messages show, and says so between two transactions of ours: the first finds what is due, the second does what its
 * answer says with those that are due still. A claim meanwhile has put its medium off, and one that comes later finds it, or finds none and
 * the message is refused. So nothing that a message shows is removed, whoever is killed when. Files go after the commit, or with the next start.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/rpc/rpc_client.h"
#include "services/share/links/links.h"

#define MEDIA_AT_ONCE 500
#define IDS_BYTES     20000 /* media_ids of so many */

/* Of one owner, as quotas are given back by owner. */
struct collection {
    struct share *share;
    struct call *call;
    struct job_run *run;
    struct str key;
    struct medium_of_list due;
    struct id_list used, gone; /* as store says; files */
};

static void end_collection(struct collection *collection, enum err e)
{
    job_done(collection->run, e);
}

/* --- done with what is known --- */

struct look {
    struct id media;
    bool is_used, was_left;
};
struct look_list {
    struct look *at;
    size_t len;
};
static const struct wire_field look_fields[] = { ROW_FIELD(struct look, media, ID),
    ROW_FIELD(struct look, is_used, BOOL), ROW_FIELD(struct look, was_left, BOOL), ROW_END };
static const struct wire_shape look_shape = { "look", "", sizeof(struct look), look_fields };

/* Whoever claims or chooses one now waits, or is seen here. */
static const char LOCK_DUE[] = "SELECT FROM media WHERE id = ANY ($1) AND due_at <= $2 ORDER BY id FOR UPDATE";
#define OPEN_LINK LINK_LIVES("$2", "$4")
static const char LOOKS[] = "SELECT m.id AS media, m.use = 'left' AS was_left, m.id = ANY ($3) OR m.state = 'pending'"
                            " OR EXISTS (SELECT FROM avatar_choice c WHERE c.media = m.id)"
                            " OR EXISTS (SELECT FROM conversation_media u WHERE u.media = m.id AND u.shown)"
                            " OR EXISTS (SELECT FROM former_version_media u WHERE u.media = m.id)"
                            " OR EXISTS (SELECT FROM share_link_media u JOIN share_link l ON l.id = u.link"
                            "            WHERE u.media = m.id AND " OPEN_LINK ") AS is_used"
                            " FROM media m WHERE m.id = ANY ($1) AND m.due_at <= $2 ORDER BY m.id";
static const char PUT_OFF[] = "UPDATE media SET use = $2, due_at = $3 WHERE id = ANY ($1)";

static struct id_list ids_of(struct arena *arena, struct medium_of_list media)
{
    struct id_list ids = { arena_alloc(arena, (media.len + 1) * sizeof *ids.at), media.len };

    for (size_t i = 0; i < media.len; i++) ids.at[i] = media.at[i].media;
    return ids;
}

static enum err put_off(struct call *call, struct id_list ids, const char *use, int64_t due_at)
{
    if (ids.len == 0) return OK;
    return pg_run(
        call->pg, call->arena, PUT_OFF, PG_ARGS(pg_ids(call->arena, ids), pg_text(str_of(use)), pg_time(due_at)), NULL);
}

static enum err settle_media(struct collection *collection, struct call *call, struct look_list looks)
{
    int64_t due_at = call->now + share_settings(call)->unused_s * 1000;
    struct id_list lists[3], *used = &lists[0], *left = &lists[1], *unused = &lists[2];

    for (size_t i = 0; i < COUNT(lists); i++)
        lists[i] = (struct id_list){ arena_alloc(call->arena, (looks.len + 1) * sizeof *lists[i].at), 0 };
    for (size_t i = 0; i < looks.len; i++) {
        struct id_list *list = looks.at[i].is_used ? used : looks.at[i].was_left ? unused : left;
        list->at[list->len++] = looks.at[i].media;
    }
    TRY(put_off(call, *used, "shown", due_at));
    TRY(put_off(call, *left, "left", due_at));
    if (unused->len == 0) return OK;
    call_note(collection->call, F_INT("removed", unused->len));
    return media_delete_unused(call, collection->due.at[0].owner, *unused, &collection->gone);
}

static enum err settle_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct collection *collection = arg;
    struct call call = *collection->call;
    struct look_list looks = { NULL, 0 };
    struct id_list due = ids_of(arena, collection->due);

    call.pg = pg;
    TRY(pg_run(pg, arena, LOCK_DUE, PG_ARGS(pg_ids(arena, due), pg_time(call.now)), NULL));
    TRY(pg_all(pg, arena, &look_shape, &looks, due.len, LOOKS,
        PG_ARGS(pg_ids(arena, due), pg_time(call.now), pg_ids(arena, collection->used),
            pg_time(call.now - share_settings(&call)->visit_s * 1000))));
    TRY(settle_media(collection, &call, looks));
    return job_put(&call, &media_collect_job, collection->key, &(struct nothing){}, 0); /* there may be more */
}

static void settle_done(void *arg, enum err e)
{
    struct collection *collection = arg;

    if (e == OK) media_files_gone(collection->share, &collection->gone);
    end_collection(collection, e);
}

/* --- asked --- */

static void on_used(void *arg, enum err e, struct str body)
{
    struct collection *collection = arg;
    struct media_ids used = { { NULL, 0 } };
    struct wire_error why = { 0 };

    if (e == OK)
        e = wire_decode(
            media_ids_shape(), arena_str(collection->call->arena, body), collection->call->arena, &used, &why);
    collection->used = used.media;
    if (e == OK &&
        !rpc_server_work(images_server(collection->share->images), STR(""), settle_work, settle_done, collection))
        e = ERR_OVERLOADED;
    if (e != OK) end_collection(collection, e);
}

static void ask_store(struct collection *collection)
{
    struct media_ids query = { ids_of(collection->call->arena, collection->due) };
    struct buf body = BUF(IDS_BYTES);
    enum err e = wire_encode(media_ids_shape(), &query, &body);

    assert(e == OK); /* within its bounds */
    rpc_client_call(collection->share->store,
        &(struct rpc_request){
            .method = "attachment.used", .safe = true, .trace = collection->call->trace, .body = buf_str(&body) },
        on_used, collection);
    buf_free(&body);
}

/* --- found --- */

static const char DUE[] =
    "SELECT id AS media, owner FROM media WHERE due_at <= $1 AND owner ="
    " (SELECT owner FROM media WHERE due_at <= $1 ORDER BY due_at LIMIT 1) ORDER BY due_at LIMIT $2";

static enum err find_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct collection *collection = arg;

    (void)arena;
    return pg_all(pg, collection->call->arena, medium_of_shape(), &collection->due, MEDIA_AT_ONCE, DUE,
        PG_ARGS(pg_time(collection->call->now), pg_int(MEDIA_AT_ONCE)));
}

static void find_done(void *arg, enum err e)
{
    struct collection *collection = arg;

    if (e == OK && collection->due.len > 0)
        ask_store(collection);
    else
        end_collection(collection, e);
}

void media_collect(struct call *call, const struct job *job, const struct nothing *payload, struct job_run *run)
{
    struct collection *collection = arena_zero(call->arena, sizeof *collection);

    (void)payload;
    *collection = (struct collection){ .share = call->context, .call = call, .run = run, .key = job->key };
    if (!rpc_server_work(images_server(collection->share->images), STR(""), find_work, find_done, collection))
        end_collection(collection, ERR_OVERLOADED);
}
