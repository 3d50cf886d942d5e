/* uploads_private.h - what the files of uploads share: one upload, the calls that are about it, and the set of all. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <assert.h>
#include <ev.h>
#include <openssl/evp.h>

#include "libshared/base/clock.h"
#include "libshared/base/invariant.h"
#include "libshared/base/metrics.h"
#include "libshared/base/places.h"
#include "libshared/base/table.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/media/tus.h"
#include "services/share/share.h"

enum upload_state { UPLOAD_BEGINS, UPLOAD_OPEN, UPLOAD_WRITES, UPLOAD_ENDS, UPLOAD_LEAVES };

/* One call that is about an upload, from its receipt to its answer. */
struct upload_request {
    struct rpc_later *later;
    const struct upload_piece *piece;
    upload_keep_fn *keep;
    void *made;
    const void *rep; /* what the call is answered with */
    enum err e;
    struct upload_request *next;
};

struct upload {
    UT_hash_handle hh;
    struct uploads *uploads;
    struct id id;
    enum upload_state state;
    char *name;
    struct str owner; /* that name */
    int64_t most;     /* bytes that it may have, which are taken from the quota */
    int64_t last_call_us;
    struct place place; /* none once it is to leave */
    struct file *file;
    uint8_t hash[32];                               /* of all of it */
    const struct content_type *type;                /* of all of it */
    struct upload_request *waiting, **last_waiting; /* pieces that came while a worker was at it */
    struct upload_request *present;                 /* what a worker is at */
    struct upload_part *part;                       /* of a transfer; NULL: it comes in one request */
    bool unwanted;                                  /* it leaves when the worker is done */
    bool spare;                                     /* its content is there already */
};

/* The part of a transfer that is on its way. */
struct upload_part {
    int64_t at, expires_at;
    struct tus_checksum checksum; /* no algorithm: none was given */
    EVP_MD_CTX *hash;             /* of what has come of it */
    char name[4 * 200 + 1];       /* the file's */
    bool is_over;                 /* it is not to rest: nothing of it can be kept */
};

struct garbage;
struct uploads {
    struct uploads_config config;
    struct ev_loop *loop;
    struct rpc_server *server;
    struct upload *all;
    struct places places;
    size_t n_places, n_placed; /* of which as many are taken */
    struct garbage *garbage;   /* files that no worker has taken yet */
    ev_timer tick;
    bool expiring; /* a worker looks for transfers whose time is over */
    int64_t expire_us;
    struct upload_ref_list expired;
    struct metric *now;
};

/* upload.c: one upload, from its first call to its last. */
extern struct upload_request upload_leaving; /* what a worker is at that removes one: no call waits for it */
struct upload *upload_create(struct uploads *uploads, struct id id, struct str owner, const struct place *place);
void upload_free(struct upload *upload);
void upload_check(const struct upload *upload);
/* rpc_work_done: it is open, or its beginning has failed. */
void upload_begin_done(void *upload, enum err e);
/* The caller's own that is not on its way out, or NULL: the call is answered. */
struct upload *upload_require(struct call *call, struct id id, struct rpc_later *later);
/* Its waiting calls are told so, and it leaves; upload_lose: with all that it had, if that would fail again. */
void upload_fail(struct upload *upload);
void upload_lose(struct upload *upload, enum err e);
/* Its calls are told so, and then it leaves; at once if no worker is at it. */
void upload_give_up(struct upload *upload);
/* On a worker: its row goes. */
enum err upload_delete_row(struct pg *pg, struct arena *arena, struct id id, int64_t *rows);

struct upload_request *upload_request_create(struct rpc_later *later);
void upload_answer(struct upload_request *request, enum err e, const void *rep);
static inline struct uploads *uploads_of(const struct call *call)
{
    return ((struct share *)call->context)->uploads;
}

/* upload_places.c: how many there may be at once, and which one gives way. */
size_t uploads_count_places(void);
bool uploads_take_place(
    struct uploads *uploads, const struct principal *who, struct place *out); /* false: there is none */
void upload_leave_place(struct upload *upload);

/* upload_write.c: is a file kept that is so large and of this type? */
enum err upload_check_type(
    struct call *call, const struct upload *upload, const struct content_type *type, int64_t size);

/* upload_end.c: the file on disk, then the rows that refer to it; upload_end_done answers the present request. */
enum err upload_sync_work(struct pg *pg, struct arena *arena, void *upload);
void upload_sync_done(void *upload, enum err e);
void upload_end_done(void *upload, enum err e);
