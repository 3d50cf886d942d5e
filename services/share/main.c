/* main.c - the share service: what was handed over.  Owns the schema `share`, and the directory of media. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "libshared/db/pg.h"
#include "libshared/rpc/rpc_client.h"
#include "libshared/service/service.h"
#include "services/share/links/links.h"
#include "services/share/share.h"

#define QUESTIONS_MAX 10000 /* to store, and to chat, unanswered */

static struct settings settings;

#define SERVICE_DEF "proto/share.def"
#include "libshared/service/service_rows.def"

/* Nothing is served before it is known what an earlier process left. */
static void collect_leftovers(struct files *files)
{
    struct pg *pg = pg_create(settings.share.db, "share");
    /* bound: names of files, a thousand at a time */
    struct arena *arena = arena_create("collect", 1u << 30);
    enum err e = files_collect(files, pg, arena);

    if (e == OK) e = images_collect(pg, arena);
    if (e == OK) e = share_links_renew(pg);
    pg_destroy(&pg);
    arena_destroy(&arena);
    if (e == OK) return;
    LOG(ERROR, "share.collect_failed", F_TEXT("code", err_code(e)));
    exit(1);
}

static void refuse_kinds(void)
{
    fprintf(stderr, "share: MADANG_SHARE_MEDIA_KINDS: wants some of image,audio,video,text,document,archive,other\n");
    exit(2);
}

static struct uploads *create_uploads(struct ev_loop *loop, struct files *files)
{
    const int64_t all = settings.share.media_bytes, of_kind[CONTENT_KINDS] = {
        [CONTENT_IMAGE] = settings.share.image_bytes,
        [CONTENT_AUDIO] = settings.share.audio_bytes,
        [CONTENT_VIDEO] = settings.share.video_bytes,
    };
    struct uploads_config config = { .files = files,
        .bytes_max = all,
        .idle_s = settings.share.upload_idle_s,
        .transfer_s = settings.share.transfer_s };
    unsigned kinds = content_kinds_read(str_of(settings.share.media_kinds));

    if (kinds == 0) refuse_kinds();
    for (unsigned i = 0; i < CONTENT_KINDS; i++)
        config.of_kind[i] = (kinds >> i & 1) == 0 ? 0 : of_kind[i] == 0 ? all : of_kind[i];
    return uploads_create(loop, &config);
}

static struct hashing *create_hashing(struct ev_loop *loop)
{
    return hashing_create(loop, &(struct hashing_config){ .rule = { .cost = settings.share.password_cost },
                                    .threads = (unsigned)settings.share.password_threads,
                                    .queue_max = (size_t)settings.share.password_queue });
}

static void start_programs(void)
{
    images_start_imager(&(struct imager_limits){ settings.share.image_memory, settings.share.image_s });
}

static struct rpc_client *connect_to(struct ev_loop *loop, const char *service, const char *endpoint)
{
    return rpc_client_create(loop, &(struct rpc_client_config){ .self = "share",
                                       .service = service,
                                       .endpoint = endpoint,
                                       .key_dir = settings.common.key_dir,
                                       .budget_ms = settings.common.call_budget_ms,
                                       .pending_max = QUESTIONS_MAX });
}

static void *start_service(struct ev_loop *loop)
{
    struct share *share = mem_zero(sizeof *share);
    struct directory_config directory = { .self = "share",
        .auth_url = settings.common.auth_url.at[0],
        .key_dir = settings.common.key_dir,
        .budget_ms = settings.common.call_budget_ms,
        .context = share,
        .look = share_owners_look,
        .tell = share_owners_tell,
        .erase = &keeping_erase_job,
        .step = keeping_erase_some,
        .after = keeping_erased };

    share->settings = &settings.share;
    share->files = files_open(settings.share.media_dir);
    collect_leftovers(share->files);
    share->uploads = create_uploads(loop, share->files);
    share->hashing = create_hashing(loop);
    share->images = images_create(share->files, settings.share.image_pixels);
    share->public_url = settings.common.public_url;
    share->directory = directory_create(loop, &directory);
    share->store = connect_to(loop, "store", settings.common.store_url.at[0]);
    share->chat = connect_to(loop, "chat", settings.common.chat_url.at[0]); /* any part knows it */
    return share;
}

static void begin_serving(void *context, struct rpc_server *server)
{
    struct share *share = context;

    share->server = server;
    uploads_serving(share->uploads, server);
    images_serving(share->images, server);
    directory_serve(share->directory, server);
}

static void stop_service(void *context)
{
    struct share *share = context;

    share->stopping = true;
    share->server = NULL;
    rpc_client_destroy(&share->store);
    rpc_client_destroy(&share->chat);
    directory_destroy(&share->directory);
    hashing_destroy(&share->hashing);
    images_destroy(&share->images);
    uploads_destroy(&share->uploads);
    files_close(&share->files);
    mem_free(share);
}

int main(int argc, char **argv)
{
    return service_main(argc, argv,
        &(struct service){
            .name = "share",
            .settings = &settings,
            .seals = true,
            .doc = "Keeps conversations and files for their owners",
            .methods = methods,
            .n_methods = COUNT(methods),
            .jobs = jobs,
            .n_jobs = COUNT(jobs),
            .blocking_threads = &settings.share.blocking_threads,
            .start_programs = start_programs,
            .start = start_service,
            .serving = begin_serving,
            .stop = stop_service,
        });
}
