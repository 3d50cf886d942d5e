/* avatar_set.c - a user chooses the image that they are seen with, or none. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/avatars/avatars.h"
#include "services/share/media/blob.h"
#include "services/share/share.h"

#define DROPPED_MAX 1000 /* squares of one user at a time: two pictures, but for while auth is away */

/* Subjects that a back end names are nobody whom others see a picture of. */
static enum err check_user(const struct call *call)
{
    struct id user;

    return call->who->key.len == 0 && id_parse(call->who->sub, &user) ? OK : ERR_NOT_FOUND;
}

struct chosen {
    struct str type, state;
};
static const struct wire_field chosen_fields[] = { ROW_FIELD(struct chosen, type, TEXT),
    ROW_FIELD(struct chosen, state, TEXT), ROW_END };
static const struct wire_shape chosen_shape = { "chosen", "", sizeof(struct chosen), chosen_fields };

/* A job that reads the image meanwhile waits for the row, and then sees that it is chosen. */
static const char LOCK_CHOSEN[] = "SELECT type, state FROM media WHERE id = $1 AND owner = $2 FOR SHARE";
static const char CHOOSE[] = "INSERT INTO avatar_choice (owner, media) VALUES ($1, $2)"
                             " ON CONFLICT (owner) DO UPDATE SET media = excluded.media";

enum err avatar_set(struct call *call, const struct media_ref *req, struct media_ref *rep)
{
    struct chosen chosen;

    TRY(check_user(call));
    enum err e = pg_one(call->pg, call->arena, &chosen_shape, &chosen, LOCK_CHOSEN,
        PG_ARGS(pg_id(req->media), pg_text(call->who->sub)));
    if (e == ERR_NOT_FOUND) return call_fail(call, e, "media: there is no such file of yours");
    TRY(e);
    if (!content_type_is_read(chosen.type) || str_is(chosen.state, "refused"))
        return call_fail(call, ERR_UNPROCESSABLE, "media: it is no image that can be read");
    rep->media = req->media;
    TRY(pg_run(call->pg, call->arena, CHOOSE, PG_ARGS(pg_text(call->who->sub), pg_id(req->media)), NULL));
    return job_put(call, &avatar_make_job, call->who->sub, &(struct nothing){}, 0);
}

/* --- none --- */

struct avatar_square {
    int64_t size;
    struct str hash;
};
struct square_list {
    struct avatar_square *at;
    size_t len;
};
static const struct wire_field square_fields[] = { ROW_FIELD(struct avatar_square, size, INT),
    ROW_FIELD(struct avatar_square, hash, BYTES), ROW_END };
static const struct wire_shape square_shape = { "square", "", sizeof(struct avatar_square), square_fields };

static const char DROP_SQUARES[] = "DELETE FROM avatar WHERE owner = $1 AND picture < $2 RETURNING size, hash";

enum err avatars_drop(struct call *call, struct str owner, struct id than, struct id_list *files, int64_t *rows)
{
    struct square_list gone = { NULL, 0 };
    int64_t bytes = 0;

    TRY(pg_all(
        call->pg, call->arena, &square_shape, &gone, DROPPED_MAX, DROP_SQUARES, PG_ARGS(pg_text(owner), pg_id(than))));
    struct str_list hashes = { arena_alloc(call->arena, (gone.len + 1) * sizeof *hashes.at), gone.len };
    for (size_t i = 0; i < gone.len; i++) {
        hashes.at[i] = gone.at[i].hash;
        bytes += gone.at[i].size;
    }
    *rows = (int64_t)gone.len;
    TRY(blobs_leave(call, hashes, files));
    return quota_give(call, QUOTA_media_bytes, owner, bytes);
}

static void remove_files(struct rpc_server *server, void *context, void *arg)
{
    (void)server;
    media_files_gone(context, arg);
}

static const char UNCHOOSE[] = "DELETE FROM avatar_choice WHERE owner = $1";

/* The picture is gone with the answer; who is shown the former path finds nothing there until auth has the news. */
enum err avatar_remove(struct call *call, const struct nothing *req, struct nothing *rep)
{
    struct id_list *files = arena_zero(call->arena, sizeof *files);
    int64_t rows = 0;

    (void)req, (void)rep;
    TRY(check_user(call));
    TRY(job_put(call, &avatar_tell_job, call->who->sub, &(struct nothing){}, 0));
    TRY(pg_run(call->pg, call->arena, UNCHOOSE, PG_ARGS(pg_text(call->who->sub)), NULL));
    TRY(avatars_drop(call, call->who->sub, NEWER_THAN_ALL, files, &rows));
    call_after(call, remove_files, files);
    return OK;
}
