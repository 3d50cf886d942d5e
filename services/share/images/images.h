/*
 * images.h - images that were kept become what others may see: by the program imager (services/share/imager/), one at a time.
 *
 *      media_keep: state `pending`, and a job
 *      image.make:  find --worker--> wait for the imager's turn --> read --thread--> keep --worker--> `ready`
 *                                                                      \-> refuse --worker--> `refused`
 *
 * The file that came is replaced by the one that the imager wrote, in the transaction that makes it `ready`: nobody is ever shown
 * what a camera had put beside the picture.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"
#include "services/share/media/files.h"

struct images;

struct imager_limits {
    int64_t memory, seconds; /* bytes, and of CPU, for one image */
};
/* Once, before privileges are dropped.  Ends the process with one line if it can't be started. */
void images_start_imager(const struct imager_limits *limits);
struct images *images_create(struct files *files, int64_t pixels);
/* Before it serves: the jobs that a killed process had are due again, as no other process has the directory. */
enum err images_collect(struct pg *pg, struct arena *arena) MUST_CHECK;
void images_serving(struct images *images, struct rpc_server *server);
struct rpc_server *images_server(const struct images *images);
void images_destroy(struct images **images); /* after the server: what was under way its job does again */
