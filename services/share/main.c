/* main.c - the share service: what was handed over.  Owns the schema `share`, and the directory of media. */
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "libshared/db/pg.h"
#include "libshared/service/service.h"
#include "libshared/service/settings.h"
#include "services/share/share.h"

/* clang-format off */
#define METHOD RPC_ADAPTER
#include "proto/begin.def"
#include "proto/share.def"
#include "proto/end.def"

static const struct rpc_method methods[] = {
#define METHOD RPC_ROW
#include "proto/begin.def"
#include "proto/share.def"
#include "proto/end.def"
};
/* clang-format on */

/* Nothing is served before it is known what an earlier process left. */
static void collect(struct files *files)
{
    struct pg *pg = pg_create(settings.share.db, "share");
    /* bound: names of files, a thousand at a time */
    struct arena *arena = arena_create("collect", 1u << 30);
    enum err e = files_collect(files, pg, arena);

    pg_destroy(&pg);
    arena_destroy(&arena);
    if (e == OK) return;
    LOG(ERROR, "share.collect_failed", F_TEXT("code", err_code(e)));
    exit(1);
}

static void *start_service(struct ev_loop *loop)
{
    struct share *share = mem_zero(sizeof *share);

    share->files = files_open(settings.share.media_dir);
    collect(share->files);
    share->uploads = uploads_create(loop, share->files, settings.share.media_bytes, settings.share.upload_idle_s);
    return share;
}

static void begin_serving(void *context, struct rpc_server *server)
{
    uploads_serving(((struct share *)context)->uploads, server);
}

static void stop_service(void *context)
{
    struct share *share = context;

    uploads_destroy(&share->uploads);
    files_close(&share->files);
    mem_free(share);
}

int main(int argc, char **argv)
{
    return service_main(argc, argv,
        &(struct service){
            .name = "share",
            .doc = "Keeps conversations and files for their owners",
            .methods = methods,
            .n_methods = COUNT(methods),
            .blocking_threads = &settings.share.blocking_threads,
            .start = start_service,
            .serving = begin_serving,
            .stop = stop_service,
        });
}
