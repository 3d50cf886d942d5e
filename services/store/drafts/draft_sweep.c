/*
 * draft_sweep.c - drafts go of who is in the room no more, and of rooms that are archived or no more; a job, every ten minutes.
 *
 *      the next of whose and where --member.absent, chat--> those who are not there --> their drafts are removed, and they are told
 *
 * What is removed has no greater version than what was found: it was there before chat was asked.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/rpc/quota.h"
#include "libshared/wire/columns.h"
#include "services/store/drafts/drafts.h"

#define PAIRS_AT_ONCE 1000 /* proto/chat.def: access_queries.asked */
#define ROWS_AT_ONCE  500
#define SUBJECT_MAX   128 /* proto/store.def: draft_news.subject */
#define PAGE_BYTES    (16u << 20)

struct lost_draft {
    struct str subject;
    struct id room;
    int64_t thread, version;
};
struct lost_draft_list {
    struct lost_draft *at;
    size_t len;
};
static const struct wire_field lost_fields[] = {
    ROW_FIELD(struct lost_draft, subject, TEXT),
    ROW_FIELD(struct lost_draft, room, ID),
    ROW_FIELD(struct lost_draft, thread, INT),
    ROW_FIELD(struct lost_draft, version, INT),
    ROW_END,
};
static const struct wire_shape lost_shape = { "lost_draft", "", sizeof(struct lost_draft), lost_fields };

/* Whose drafts of which room, and the newest of them. */
struct kept_by {
    struct id room;
    struct str subject;
    int64_t version;
};
struct kept_by_list {
    struct kept_by *at;
    size_t len;
};
static const struct wire_field kept_by_fields[] = {
    ROW_FIELD(struct kept_by, room, ID),
    ROW_FIELD(struct kept_by, subject, TEXT),
    ROW_FIELD(struct kept_by, version, INT),
    ROW_END,
};
static const struct wire_shape kept_by_shape = { "kept_by", "", sizeof(struct kept_by), kept_by_fields };

struct draft_sweep {
    struct store *store;
    struct call *call;
    struct job_run *run;
    struct arena *page;  /* what is known of the pairs that are looked at: as much however many there are in all */
    struct kept_by last; /* up to this one chat was asked */
    char subject[SUBJECT_MAX]; /* its subject */
    struct kept_by_list kept;
    int64_t newest; /* version of them */
    struct access_queries absent;
    struct lost_draft_list removed;
};

static void work(struct draft_sweep *sweep, enum err (*step)(struct pg *pg, struct arena *arena, void *arg),
    void (*done)(void *arg, enum err e))
{
    if (!rpc_server_work(sweep->store->server, STR_NONE, step, done, sweep)) job_done(sweep->run, ERR_OVERLOADED);
}

static void look_on(struct draft_sweep *sweep);

static const char REMOVE[] =
    "DELETE FROM draft WHERE (subject, room_id, thread) IN (SELECT d.subject, d.room_id, d.thread"
    " FROM unnest($1::uuid[], $2::text[]) AS a (room_id, subject) JOIN draft d USING (room_id, subject)"
    " WHERE d.version <= $3 LIMIT $4) AND version <= $3 RETURNING subject, room_id AS room, thread, version";

static enum err remove_lost(struct pg *pg, struct arena *arena, void *arg)
{
    struct draft_sweep *sweep = arg;
    struct call call = call_on_worker(sweep->call, pg, arena);
    const struct access_query_list *absent = &sweep->absent.asked;

    TRY(pg_all(pg, sweep->page, &lost_shape, &sweep->removed, ROWS_AT_ONCE, REMOVE,
        PG_ARGS(pg_ids(arena, IDS_OF(arena, *absent, room)), pg_texts(arena, TEXTS_OF(arena, *absent, subject)),
            pg_int(sweep->newest), pg_int(ROWS_AT_ONCE))));
    for (size_t i = 0; i < sweep->removed.len; i++)
        TRY(quota_give(&call, QUOTA_drafts, sweep->removed.at[i].subject, 1));
    return OK;
}

static void tell_authors(const struct draft_sweep *sweep)
{
    for (size_t i = 0; i < sweep->removed.len; i++) {
        const struct lost_draft *lost = &sweep->removed.at[i];
        struct draft_end end = { .room = lost->room, .thread = lost->thread, .version = lost->version };
        draft_tell(sweep->store->server, &(struct draft_news){ .subject = lost->subject, .end = &end });
    }
}

static void on_removed(void *arg, enum err e)
{
    struct draft_sweep *sweep = arg;

    if (e != OK) {
        job_done(sweep->run, e);
        return;
    }
    tell_authors(sweep);
    if (sweep->removed.len == ROWS_AT_ONCE)
        work(sweep, remove_lost, on_removed);
    else
        look_on(sweep);
}

static void on_absent(void *arg, enum err e, struct str body)
{
    struct draft_sweep *sweep = arg;
    struct arena *arena = sweep->page;
    struct wire_error why = { 0 };

    if (e == OK) e = wire_decode(access_queries_shape(), arena_str(arena, body), arena, &sweep->absent, &why);
    if (e != OK)
        job_done(sweep->run, e);
    else if (sweep->absent.asked.len > 0)
        work(sweep, remove_lost, on_removed);
    else
        look_on(sweep);
}

static const char KEPT[] = "SELECT room_id AS room, subject, max(version) AS version FROM draft"
                           " WHERE (room_id, subject) > (coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid),"
                           " coalesce($2, '')) GROUP BY room_id, subject ORDER BY room_id, subject LIMIT $3";

static enum err find_kept(struct pg *pg, struct arena *arena, void *arg)
{
    struct draft_sweep *sweep = arg;

    (void)arena;
    return pg_all(pg, sweep->page, &kept_by_shape, &sweep->kept, PAIRS_AT_ONCE, KEPT,
        PG_ARGS(pg_id(sweep->last.room), pg_text(sweep->last.subject), pg_int(PAIRS_AT_ONCE)));
}

static void ask_chat(struct draft_sweep *sweep, const struct chat_part *part)
{
    size_t n = sweep->kept.len;
    struct access_queries asked = { { arena_alloc(sweep->page, n * sizeof *asked.asked.at), n } };

    sweep->newest = 0;
    for (size_t i = 0; i < n; i++) {
        const struct kept_by *kept = &sweep->kept.at[i];
        asked.asked.at[i] = (struct access_query){ kept->room, kept->subject };
        if (kept->version > sweep->newest) sweep->newest = kept->version;
    }
    chat_link_absent(part->link, &asked, on_absent, sweep);
}

static void on_kept(void *arg, enum err e)
{
    struct draft_sweep *sweep = arg;
    const struct chat_part *part = store_any_chat(sweep->store);

    if (e != OK || sweep->kept.len == 0) {
        job_done(sweep->run, e);
        return;
    }
    sweep->last = sweep->kept.at[sweep->kept.len - 1];
    if (part == NULL)
        job_done(sweep->run, ERR_UNAVAILABLE);
    else
        ask_chat(sweep, part);
}

static void look_on(struct draft_sweep *sweep)
{
    struct str *subject = &sweep->last.subject;

    assert(subject->len <= sizeof sweep->subject);
    if (subject->len > 0) memcpy(sweep->subject, subject->at, subject->len);
    subject->at = sweep->subject;
    arena_reset(sweep->page);
    work(sweep, find_kept, on_kept);
}

static void drop_page(void *arg)
{
    struct draft_sweep *sweep = arg;

    arena_destroy(&sweep->page);
}

void draft_sweep(struct call *call, const struct job *job, const struct nothing *payload, struct job_run *run)
{
    struct draft_sweep *sweep = arena_zero(call->arena, sizeof *sweep);

    (void)job, (void)payload;
    sweep->store = call->context;
    sweep->call = call;
    sweep->run = run;
    /* bound: PAIRS_AT_ONCE and ROWS_AT_ONCE */
    sweep->page = arena_create("draft_sweep", PAGE_BYTES);
    arena_on_reset(call->arena, drop_page, sweep);
    look_on(sweep);
}
