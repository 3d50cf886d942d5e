/* keeping_erase.c - what a user who was erased has kept goes, one kind after the other: erases.def. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/share/avatars/avatars.h"
#include "services/share/links/links.h"
#include "services/share/share.h"

#define CONVERSATIONS_AT_ONCE 50 /* of up to 256 KiB */
#define REPORTS_AT_ONCE       1000
#define MEDIA_AT_ONCE         50

static const char UNCHOOSE[] = "DELETE FROM avatar_choice WHERE owner = $1";

enum err avatars_erase(struct call *call, struct str owner, struct id_list *files, int64_t *rows)
{
    TRY(pg_run(call->pg, call->arena, UNCHOOSE, PG_ARGS(pg_text(owner)), NULL));
    return avatars_drop(call, owner, NEWER_THAN_ALL, files, rows);
}

static const char DELETE_CONVERSATIONS[] =
    "DELETE FROM conversation WHERE id IN (SELECT id FROM conversation WHERE owner = $1 ORDER BY id DESC LIMIT $2)";

enum err conversations_erase(struct call *call, struct str owner, struct id_list *files, int64_t *rows)
{
    (void)files;
    return pg_run(
        call->pg, call->arena, DELETE_CONVERSATIONS, PG_ARGS(pg_text(owner), pg_int(CONVERSATIONS_AT_ONCE)), rows);
}

static const char CHANGED[] = "SELECT id AS conversation FROM conversation WHERE changed_by = $1 UNION ALL"
                              " SELECT conversation FROM former_version WHERE changed_by = $1 LIMIT 1";
static const char HOLD[] = "SELECT FROM conversation WHERE id = $1 FOR UPDATE";
static const char FORGET_CHANGES[] =
    "WITH present AS (UPDATE conversation SET changed_by = NULL WHERE id = $1 AND changed_by = $2 RETURNING 1),"
    " former AS (UPDATE former_version SET changed_by = NULL WHERE conversation = $1 AND changed_by = $2 RETURNING 1)"
    " SELECT FROM present UNION ALL SELECT FROM former";

/* Of one conversation, under its lock, as whoever deletes it has it. */
enum err changes_erase(struct call *call, struct str owner, struct id_list *files, int64_t *rows)
{
    struct conversation_ref changed;

    (void)files;
    *rows = 0;
    enum err e = pg_one(call->pg, call->arena, conversation_ref_shape(), &changed, CHANGED, PG_ARGS(pg_text(owner)));
    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    TRY(pg_run(call->pg, call->arena, HOLD, PG_ARGS(pg_id(changed.conversation)), NULL));
    TRY(pg_run(call->pg, call->arena, FORGET_CHANGES, PG_ARGS(pg_id(changed.conversation), pg_text(owner)), rows));
    if (*rows == 0) *rows = 1; /* it is gone meanwhile, and there may be others */
    return OK;
}

static const char FORGET_REPORTS[] =
    "DELETE FROM share_report WHERE id IN (SELECT id FROM share_report WHERE owner = $1 LIMIT $2)";

enum err reports_erase(struct call *call, struct str owner, struct id_list *files, int64_t *rows)
{
    (void)files;
    return pg_run(call->pg, call->arena, FORGET_REPORTS, PG_ARGS(pg_text(owner), pg_int(REPORTS_AT_ONCE)), rows);
}

enum err media_erase(struct call *call, struct str owner, struct id_list *files, int64_t *rows)
{
    return media_delete_some(call, owner, MEDIA_AT_ONCE, files, rows);
}

/* uploads.c does the rest soon, as of any whose time is over. */
static const char END_TRANSFERS[] = "UPDATE upload SET expires_at = $2 WHERE owner = $1 AND expires_at > $2";

enum err transfers_erase(struct call *call, struct str owner, struct id_list *files, int64_t *rows)
{
    (void)files;
    return pg_run(call->pg, call->arena, END_TRANSFERS, PG_ARGS(pg_text(owner), pg_time(call->now)), rows);
}

static const char FORGET_USAGE[] = "DELETE FROM usage WHERE subject = $1";

enum err quotas_erase(struct call *call, struct str owner, struct id_list *files, int64_t *rows)
{
    (void)files;
    return pg_run(call->pg, call->arena, FORGET_USAGE, PG_ARGS(pg_text(owner)), rows);
}

/* --- all of it --- */

static const struct {
    const char *name;
    enum err (*erase)(struct call *call, struct str owner, struct id_list *files, int64_t *rows);
} kinds[] = {
#define ERASES(name) { #name, name##_erase },
#include "services/share/conversations/erases.def"
#undef ERASES
};

struct keeping_left {
    struct id_list files;
    struct id owner;
};

enum err keeping_erase_some(struct call *call, struct erasure *erasure, void **out)
{
    struct keeping_left *left = arena_zero(call->arena, sizeof *left);
    char owner[ID_TEXT_BYTES + 1];
    int64_t rows = 0;

    id_format(erasure->user, owner);
    left->owner = erasure->user;
    *out = left;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        TRY(kinds[i].erase(call, str_of(owner), &left->files, &rows));
        erasure_add(call, erasure, kinds[i].name, rows);
        if (rows > 0) return OK; /* there may be more of it */
    }
    erasure->erased_at = call->now;
    return OK;
}

void keeping_erased(void *share, const void *at)
{
    const struct keeping_left *left = at;
    char owner[ID_TEXT_BYTES + 1];

    media_files_gone(share, &left->files);
    id_format(left->owner, owner);
    share_tell_owner(share, str_of(owner));
}

void keeping_erase(struct call *call, const struct job *job, const struct erasure *payload, struct job_run *run)
{
    directory_erase(((struct share *)call->context)->directory, call, job, payload, run);
}
