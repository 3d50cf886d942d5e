/* avatar_tell.c - auth is told which picture a user has, and the ones before it are removed; a job. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stddef.h>

#include "libshared/base/url.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/rpc/rpc_client.h"
#include "services/share/avatars/avatars.h"
#include "services/share/share.h"

#define PICTURE_BYTES 512 /* a user_picture, by the bounds of its fields */

struct avatar_telling {
    struct share *share;
    struct call *call;
    struct job_run *run;
    struct id user, picture; /* nil: none */
    struct id_list gone;
};

static void end_telling(struct avatar_telling *telling, enum err e)
{
    job_done(telling->run, e);
}

/* --- told --- */

/* A picture that was made meanwhile is newer, and has put this job again: it stays. */
static enum err drop_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct avatar_telling *telling = arg;
    struct call call = *telling->call;
    int64_t rows = 0;

    (void)arena;
    call.pg = pg;
    return avatars_drop(&call, call.who->sub, telling->picture, &telling->gone, &rows);
}

static void drop_done(void *arg, enum err e)
{
    struct avatar_telling *telling = arg;

    if (e == OK) media_files_gone(telling->share, &telling->gone);
    end_telling(telling, e);
}

/* A subject that auth no longer knows is erased here by another job. */
static void on_told(void *arg, enum err status, struct str body)
{
    struct avatar_telling *telling = arg;

    (void)body;
    if (status != OK || id_is_nil(telling->picture))
        end_telling(telling, status == ERR_NOT_FOUND ? OK : status);
    else if (!rpc_server_work(
                 images_server(telling->share->images), telling->call->who->sub, drop_work, drop_done, telling))
        end_telling(telling, ERR_OVERLOADED);
}

static struct str path_of(const struct avatar_telling *telling)
{
    char user[ID_TEXT_BYTES + 1], picture[ID_TEXT_BYTES + 1];

    if (id_is_nil(telling->picture)) return STR_NONE;
    id_format(telling->user, user);
    id_format(telling->picture, picture);
    return url_build(telling->call->arena, "", "/avatars/{user}/{picture}.webp",
        URL_VALUES({ "user", str_of(user) }, { "picture", str_of(picture) }));
}

static void tell_auth(struct avatar_telling *telling)
{
    struct user_picture said = { .user = telling->user, .avatar = path_of(telling) };
    struct buf body = BUF(PICTURE_BYTES);
    enum err e = wire_encode(user_picture_shape(), &said, &body);

    assert(e == OK); /* within its bounds */
    rpc_client_call(directory_auth(telling->share->directory),
        &(struct rpc_request){
            .method = "user.picture", .safe = true, .trace = telling->call->trace, .body = buf_str(&body) },
        on_told, telling);
    buf_free(&body);
}

/* --- found --- */

struct newest_picture {
    struct id picture;
};
static const struct wire_field newest_fields[] = { ROW_FIELD(struct newest_picture, picture, ID), ROW_END };
static const struct wire_shape newest_shape = { "newest", "", sizeof(struct newest_picture), newest_fields };

static const char NEWEST[] = "SELECT picture FROM avatar WHERE owner = $1 ORDER BY picture DESC LIMIT 1";

static enum err find_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct avatar_telling *telling = arg;
    struct newest_picture newest = { { { 0 } } };

    enum err e = pg_one(pg, arena, &newest_shape, &newest, NEWEST, PG_ARGS(pg_text(telling->call->who->sub)));
    telling->picture = newest.picture;
    return e == ERR_NOT_FOUND ? OK : e;
}

static void find_done(void *arg, enum err e)
{
    if (e == OK)
        tell_auth(arg);
    else
        end_telling(arg, e);
}

void avatar_tell(struct call *call, const struct job *job, const struct nothing *payload, struct job_run *run)
{
    struct avatar_telling *telling = arena_zero(call->arena, sizeof *telling);

    (void)payload;
    *telling = (struct avatar_telling){ .share = call->context, .call = call, .run = run };
    bool is_user = id_parse(job->subject, &telling->user);
    assert(is_user && "only users put it");
    (void)is_user;
    if (!rpc_server_work(images_server(telling->share->images), job->subject, find_work, find_done, telling))
        end_telling(telling, ERR_OVERLOADED);
}
