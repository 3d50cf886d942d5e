/* avatar_make.c - two squares of an image that a user has chosen; a job. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/share/avatars/avatars.h"
#include "services/share/images/making.h"

static const int64_t SIDES[AVATAR_FORMS] = { 256, 64 }; /* as the imager writes them */

static const char CHOSEN_BY[] = "SELECT FROM avatar_choice WHERE media = $1";

enum err avatar_image_was_read(struct call *call, struct id media)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, CHOSEN_BY, PG_ARGS(pg_id(media)), &rows));
    return rows == 0 ? OK : job_put(call, &avatar_make_job, call->who->sub, &(struct nothing){}, 0);
}

/* --- kept, or not --- */

/* Another choice may have been made meanwhile, or none: then nothing of this is kept. */
static const char TAKE_CHOICE[] = "DELETE FROM avatar_choice WHERE owner = $1 AND media = $2";
static const char KEEP_SQUARE[] = "INSERT INTO avatar (picture, side, owner, size, hash) VALUES ($1, $2, $3, $4, $5)";

static enum err keep_squares(struct call *call, const struct making *making)
{
    struct id picture = id_new();

    for (size_t i = 0; i < making->n_forms; i++)
        TRY(pg_run(call->pg, call->arena, KEEP_SQUARE,
            PG_ARGS(pg_id(picture), pg_int(SIDES[i]), pg_text(making->row->owner), pg_int(making->forms[i].size),
                pg_bytes(making_hash(making, i))),
            NULL));
    return OK;
}

static enum err keep_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct making *making = arg;
    struct call call = making_call(making, pg);
    int64_t rows = 0, bytes = 0;

    TRY(pg_run(pg, arena, TAKE_CHOICE, PG_ARGS(pg_text(making->row->owner), pg_id(making->row->media)), &rows));
    if (rows == 0 || making->fault != NULL) {
        making_drop(making);
        return OK;
    }
    TRY(making_keep_contents(&call, making, STR_NONE));
    TRY(keep_squares(&call, making));
    TRY(job_put(&call, &avatar_tell_job, making->row->owner, &(struct nothing){}, 0));
    for (size_t i = 0; i < making->n_forms; i++) bytes += making->forms[i].size;
    return quota_take(&call, QUOTA_media_bytes, bytes);
}

static void keep_making(struct making *making);

/* A user whose quota has no room for the picture keeps the one before it. */
static void keep_done(void *arg, enum err e)
{
    struct making *making = arg;

    if (e == ERR_QUOTA_EXCEEDED) {
        making->fault = "quota_exceeded";
        keep_making(making);
        return;
    }
    if (e == OK) media_files_gone(making->call->context, &making->gone);
    making_end(making, e);
}

static void keep_making(struct making *making)
{
    making_work(making, making->row->owner, keep_work, keep_done);
}

static void read_done(struct making *making, enum err e)
{
    if (e == OK)
        keep_making(making);
    else
        making_end(making, e);
}

/* --- found --- */

static const char FIND_CHOSEN[] = "SELECT " IMAGE_COLUMNS " FROM avatar_choice c JOIN media m ON m.id = c.media"
                                  " JOIN blob b USING (hash) WHERE c.owner = $1";

static enum err find_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct making *making = arg;

    (void)arena;
    return pg_one(
        pg, making->call->arena, image_row_shape(), making->row, FIND_CHOSEN, PG_ARGS(pg_text(making->call->who->sub)));
}

/* The job ends for an image that is still pending: image.make puts it again when the image has been read. */
static void find_done(void *arg, enum err e)
{
    struct making *making = arg;

    if (e == ERR_NOT_FOUND || (e == OK && str_is(making->row->state, "pending"))) {
        making_end(making, OK);
    } else if (e != OK) {
        making_end(making, e);
    } else if (str_is(making->row->state, "refused")) {
        making->n_forms = 0;
        making->fault = "unprocessable_media";
        keep_making(making);
    } else {
        making_read(making);
    }
}

void avatar_make(struct call *call, const struct job *job, const struct nothing *payload, struct job_run *run)
{
    struct making *making = making_create(call, run);

    (void)payload;
    making->avatar = true;
    making->n_forms = AVATAR_FORMS;
    making->done = read_done;
    making_work(making, job->subject, find_work, find_done);
}
