/*
 * share_files.h - files in a page of a conversation: what its lines name, and its link shows.
 *
 *      image: its form `medium`, and where it may be kept a link to the whole      other: a link, or its name alone
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/page/page.h"
#include "services/share/links/links.h"
#include "services/share/pages/talk.h"

struct share_files {
    struct call *call;
    struct str code;
    bool download;
    bool saved;                     /* the page is a file by itself: pictures are named, and nothing is a link */
    struct shared_medium_list list; /* in no order that a page has */
};

/* So many as a page has room for; more of them are taken out of the lines. */
enum err share_files_find(struct share_files *files, struct id link, struct talk *talk) MUST_CHECK;
/* Of these those that there are: how many.  Their texts are `picture` and `unkept`. */
size_t share_files_put(struct page *page, const struct share_files *files, struct id_list media);
bool share_files_put_face(struct page *page, const struct share_files *files, struct id face); /* false: it has none */
