/* image_make.c - what others may see of an image, made of what came; a job. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/avatars/avatars.h"
#include "services/share/images/making.h"
#include "services/share/media/blob.h"

#define PLACEHOLDER_TYPE "data:image/webp;base64,"

static const char *const FORM_NAMES[FORMS] = { "", "small", "medium", "large" };

/* --- refused --- */

/* Owners take turns: with one image done its owner waits behind all others who have some, with whatever else there is to read. */
enum err image_put_turn(struct call *call)
{
    return job_put(call, &image_make_job, call->who->sub, &(struct nothing){}, 0);
}

static const char REFUSE_IMAGE[] = "UPDATE media SET state = 'refused', fault = $2 WHERE id = $1 AND state = 'pending'";

static enum err refuse_work(struct pg *pg, struct arena *arena, void *arg)
{
    const struct making *making = arg;
    struct call call = making_call(making, pg);

    TRY(pg_run(pg, arena, REFUSE_IMAGE, PG_ARGS(pg_id(making->row->media), pg_text(str_of(making->fault))), NULL));
    TRY(image_put_turn(&call));
    return avatar_image_was_read(&call, making->row->media);
}

static void refuse_done(void *arg, enum err e)
{
    making_end(arg, e);
}

static void refuse_image(struct making *making, const char *fault)
{
    making->fault = fault;
    making_work(making, making->row->owner, refuse_work, refuse_done);
}

/* --- kept --- */

#define IMAGE "SELECT " IMAGE_COLUMNS " FROM media m JOIN blob b USING (hash)"
static const char LOCK_IMAGE[] = IMAGE " WHERE m.id = $1 AND m.state = 'pending' FOR UPDATE OF m";
static const char KEEP_FORM[] = "INSERT INTO media_form (media, form, size, hash) VALUES ($1, $2, $3, $4)";
static const char KEEP_IMAGE[] = "UPDATE media SET state = 'ready', size = $2, hash = $3, width = $4, height = $5,"
                                 " placeholder = $6 WHERE id = $1";

static struct str print_placeholder(struct arena *arena, struct str bytes)
{
    size_t head = sizeof PLACEHOLDER_TYPE - 1, len = head + 4 * ((bytes.len + 2) / 3);
    char *text = arena_alloc(arena, len + 1);

    if (bytes.len == 0) return STR_NONE;
    memcpy(text, PLACEHOLDER_TYPE, head);
    base64_encode(text + head, bytes);
    return (struct str){ text, len };
}

static enum err count_bytes(struct call *call, const struct making *making, int64_t came)
{
    int64_t all = 0;

    for (size_t i = 0; i < FORMS; i++) all += making->forms[i].size;
    if (all > came) return quota_take(call, QUOTA_media_bytes, all - came);
    return quota_give(call, QUOTA_media_bytes, call->who->sub, came - all);
}

static enum err keep_rows(struct call *call, const struct making *making)
{
    TRY(pg_run(call->pg, call->arena, KEEP_IMAGE,
        PG_ARGS(pg_id(making->row->media), pg_int(making->forms[0].size), pg_bytes(making_hash(making, 0)),
            pg_int(making->made.width), pg_int(making->made.height),
            pg_text(print_placeholder(call->arena, making->made.placeholder))),
        NULL));
    for (size_t i = 1; i < FORMS; i++)
        TRY(pg_run(call->pg, call->arena, KEEP_FORM,
            PG_ARGS(pg_id(making->row->media), pg_text(str_of(FORM_NAMES[i])), pg_int(making->forms[i].size),
                pg_bytes(making_hash(making, i))),
            NULL));
    return OK;
}

/* It may have been deleted meanwhile, or a job that lost its lease has done it: then nothing of this is kept.  The quota's row comes last,
 * as with whoever keeps a file, so that the two do not wait for each other. */
static enum err keep_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct making *making = arg;
    struct call call = making_call(making, pg);
    struct image_row now;
    struct id came;

    enum err e = pg_one(pg, arena, image_row_shape(), &now, LOCK_IMAGE, PG_ARGS(pg_id(making->row->media)));
    if (e == ERR_NOT_FOUND) {
        making_drop(making);
        return image_put_turn(&call);
    }
    TRY(e);
    TRY(making_keep_contents(&call, making, now.hash));
    TRY(keep_rows(&call, making));
    TRY(blob_leave(&call, now.hash, &came));
    if (!id_is_nil(came)) making->gone.at[making->gone.len++] = came;
    TRY(image_put_turn(&call));
    TRY(avatar_image_was_read(&call, making->row->media));
    return count_bytes(&call, making, now.size);
}

/* Files that are not known to be kept the next start collects, if they are not. */
static void keep_done(void *arg, enum err e)
{
    struct making *making = arg;

    if (e == ERR_QUOTA_EXCEEDED) making_drop(making);
    if (e == OK || e == ERR_QUOTA_EXCEEDED) media_files_gone(making->call->context, &making->gone);
    if (e == ERR_QUOTA_EXCEEDED)
        refuse_image(making, "quota_exceeded");
    else
        making_end(making, e);
}

static void read_done(struct making *making, enum err e)
{
    if (e != OK)
        making_end(making, e);
    else if (making->fault != NULL)
        refuse_image(making, making->fault);
    else
        making_work(making, making->row->owner, keep_work, keep_done);
}

/* --- found --- */

static const char FIND_IMAGE[] = IMAGE " WHERE m.owner = $1 AND m.state = 'pending' ORDER BY m.id LIMIT 1";

static enum err find_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct making *making = arg;

    (void)arena;
    return pg_one(
        pg, making->call->arena, image_row_shape(), making->row, FIND_IMAGE, PG_ARGS(pg_text(making->call->who->sub)));
}

/* None is left: it was made in an earlier turn, or is gone. */
static void find_done(void *arg, enum err e)
{
    struct making *making = arg;

    if (e != OK)
        making_end(making, e == ERR_NOT_FOUND ? OK : e);
    else
        making_read(making);
}

static const char TAKE_UP_IMAGES[] = "UPDATE job SET run_at = now() WHERE kind IN ('image.make', 'avatar.make') AND "
                                     "lease IS NOT NULL AND dead_at IS NULL";

enum err images_collect(struct pg *pg, struct arena *arena)
{
    TRY(pg_run(pg, arena, TAKE_UP_IMAGES, PG_NO_ARGS, NULL));
    return pg_commit(pg);
}

void image_make(struct call *call, const struct job *job, const struct nothing *payload, struct job_run *run)
{
    struct making *making = making_create(call, run);

    (void)payload;
    making->done = read_done;
    making_work(making, job->subject, find_work, find_done);
}
