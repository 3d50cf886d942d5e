/* media_find.c - what media are, to who may read them. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/wire/record.h"
#include "services/share/share.h"

struct finding {
    struct rpc_later *later;
    struct id_list ids, shown;
    media_find_fn *answer;
    struct media_list media;
    struct medium_of_list owners;
};

static const char MEDIA[] =
    "SELECT id, name, type, size, created_at, state, fault, width, height, placeholder FROM media"
    " WHERE id = ANY ($1)";
static const char OWNERS[] = "SELECT id AS media, owner FROM media WHERE id = ANY ($1)";

static enum err read_media(struct pg *pg, struct arena *arena, void *arg)
{
    struct finding *finding = arg;
    const struct pg_args *ids = PG_ARGS(pg_ids(arena, finding->ids));

    TRY(pg_all(pg, arena, media_shape(), &finding->media, finding->ids.len, MEDIA, ids));
    TRY(media_access_look(pg, arena, rpc_later_call(finding->later)->who->sub, finding->ids, &finding->shown));
    return pg_all(pg, arena, medium_of_shape(), &finding->owners, finding->ids.len, OWNERS, ids);
}

static void on_access(void *arg, enum err e, struct id_list readable)
{
    struct finding *finding = arg;
    struct media_list *media = &finding->media;
    size_t n = 0;

    if (e != OK) {
        rpc_later_done(finding->later, e, NULL);
        return;
    }
    for (size_t i = 0; i < media->len; i++)
        if (ids_have(readable, media->at[i].id)) media->at[n++] = media->at[i];
    finding->answer(finding->later, (struct media_list){ media->at, n });
}

static void on_media(void *arg, enum err e)
{
    struct finding *finding = arg;
    struct call *call = rpc_later_call(finding->later);

    if (e == OK)
        media_access_ask(call, call->who->sub, finding->owners, finding->shown, on_access, finding);
    else
        rpc_later_done(finding->later, e, NULL);
}

void media_find(struct rpc_later *later, struct id_list ids, media_find_fn *answer)
{
    static const struct rpc_step steps[] = { { WORKER, read_media }, { .run = NULL } };
    struct finding *finding = arena_zero(rpc_later_call(later)->arena, sizeof *finding);

    *finding = (struct finding){ .later = later, .ids = ids, .answer = answer };
    rpc_later_steps(later, steps, on_media, finding);
}
