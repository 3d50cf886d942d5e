/* share.h - the handlers of the share service, whose prototypes come from proto/share.def, and what they share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/directory/directory.h"
#include "libshared/jobs/job_rows.h"
#include "libshared/rpc/quota.h"
#include "libshared/rpc/rpc_rows.h"
#include "libshared/service/settings.h"
#include "services/share/images/images.h"
#include "services/share/media/uploads.h"

/* The context of each call. */
struct share {
    const struct settings_share *settings;
    struct files *files;
    struct uploads *uploads;
    struct images *images;
    struct hashing *hashing;     /* of links' passwords */
    const char *public_url;      /* with which links begin */
    struct directory *directory; /* of users */
    struct rpc_client *store;    /* whose messages show media */
    struct rpc_client *chat;     /* which knows who blocks whom, and tells people */
    struct rpc_server *server;   /* once it serves */
    bool stopping;               /* the server is gone: answer nobody */
};

static inline const struct settings_share *share_settings(const struct call *call)
{
    return ((const struct share *)call->context)->settings;
}

/* clang-format off */
#define METHOD RPC_PROTOTYPE
#define JOB    JOB_PROTOTYPE
#include "proto/begin.def"
#include "proto/share.def"
#include "proto/end.def"
/* clang-format on */

/* sealed_text.c: a record for us alone, as text that others carry.  false: it is none of ours, or for another purpose. */
enum err sealed_text_print(struct arena *arena, struct str purpose, const struct wire_shape *shape, const void *record,
    struct str *out) MUST_CHECK;
bool sealed_text_read(
    struct arena *arena, struct str purpose, const struct wire_shape *shape, struct str text, void *record) MUST_CHECK;

/* conversation_change.c: a patch of RFC 7386 is an object, and small enough for the function merge_patch of the database. */
enum err merge_patch_check(struct call *call, struct str changes) MUST_CHECK;

/* media_describe.c: an id, and a name and a URL that are safe to show. */
struct str media_url(struct call *call, struct id id, struct str name, struct str signature); /* STR_NONE: none */
/* media_create.c: the row of a medium, as uploads.h has it; made: the medium. */
enum err media_keep(struct call *call, const struct content *content, void *made) MUST_CHECK;
/* image_make.c: an image of the caller's was kept, and is to be read. */
enum err image_put_turn(struct call *call) MUST_CHECK;
/* media_access.c: which of these the reader may read: their own, what a conversation shows that they may read (`shown`, which
 * media_access_look() has found on a worker), and what a room shows that they are in.  `done` comes once, perhaps before this returns; the list is
 * valid during it, the error is the call's. */
typedef void media_access_fn(void *arg, enum err e, struct id_list readable);
void media_access_ask(struct call *call, struct str reader, struct medium_of_list media, struct id_list shown,
    media_access_fn *done, void *arg);
enum err media_access_look(
    struct pg *pg, struct arena *arena, struct str reader, struct id_list media, struct id_list *shown) MUST_CHECK;
/* media_find.c: of these those that the caller may read, in no order, without their URLs.  `answer` answers the call, unless an error did. */
typedef void media_find_fn(struct rpc_later *later, struct media_list media);
void media_find(struct rpc_later *later, struct id_list ids, media_find_fn *answer);
/* media_open.c: what a medium is, and where its bytes or those of one of its forms lie (form: none, those of itself); and that as an
 * answer, if it may be shown to anybody. */
struct medium_source {
    struct id source;
    struct str owner, name, type, state, tag;
    int64_t size;
};
enum err medium_source_find(
    struct pg *pg, struct arena *arena, struct id media, struct str form, struct medium_source *out) MUST_CHECK;
enum err medium_source_show(struct call *call, const struct medium_source *shown, struct source *out) MUST_CHECK;
/* media_sign.c: in whose name the bearer of a signed URL reads.  forbidden: it is none, of another medium, or over. */
enum err media_signature_check(struct call *call, const struct media_link *link, struct str *subject) MUST_CHECK;
void media_describe(struct call *call, const struct media_draft *draft, struct media *out);
/* media_delete.c: so many of somebody's at most; *files are to be removed after the commit, by media_files_gone() on the loop. */
enum err media_delete_some(
    struct call *call, struct str owner, size_t most, struct id_list *files, int64_t *rows) MUST_CHECK;
/* These, all of one owner; files: as above. */
enum err media_delete_unused(struct call *call, struct str owner, struct id_list ids, struct id_list *files) MUST_CHECK;
void media_files_gone(void *share, const void *files);

/* On a worker, of what `owner` has kept: *rows go, and 0 when nothing is left; *files are to be removed after the commit. */
#define ERASES(name)                                                                                                   \
    enum err name##_erase(struct call *call, struct str owner, struct id_list *files, int64_t *rows) MUST_CHECK;
#include "services/share/conversations/erases.def"
#undef ERASES
/* keeping_erase.c: a step of directory.h's. */
enum err keeping_erase_some(struct call *call, struct erasure *erasure, void **left) MUST_CHECK;
void keeping_erased(void *share, const void *left);
