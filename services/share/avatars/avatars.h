/*
 * avatars.h - the picture that a user is seen with, made of an image of theirs.
 *
 *      avatar.set:   the choice, and a job
 *      avatar.make:  once the image was read: two squares --imager--> `avatar`, under a new id; the choice is gone, and a job
 *      avatar.tell:  auth has its path now, and so has everybody (stream `users`) --> former pictures are removed
 *
 * Its URL is public, and held by caches for ever: another picture has another one, which nobody can guess.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/directory/directory.h"

/* In a WORKER: this image is read now, or refused.  If somebody has chosen it, a picture is made of it. */
enum err avatar_image_was_read(struct call *call, struct id media) MUST_CHECK;
/* In a WORKER: pictures of this owner's that are older than `than`, and what is counted for them; *files as blobs_leave() has it. */
#define NEWER_THAN_ALL ((struct id){ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" })
enum err avatars_drop(
    struct call *call, struct str owner, struct id than, struct id_list *files, int64_t *rows) MUST_CHECK;
