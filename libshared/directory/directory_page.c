/* directory_page.c - a page of users becomes rows, together with its position. */
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/directory/directory_private.h"
#include "libshared/wire/columns.h"

#define USERS_MAX  500 /* proto/common.def: users_page.users */
#define SWEEP_ROWS 1000

/* The row of directory_position. */
struct position_row {
    struct id epoch;
    int64_t position, generation;
    bool swept; /* nothing of a former generation is left */
};
static const struct wire_field position_fields[] = {
    ROW_FIELD(struct position_row, epoch, ID),
    ROW_FIELD(struct position_row, position, INT),
    ROW_FIELD(struct position_row, generation, INT),
    ROW_FIELD(struct position_row, swept, BOOL),
    ROW_END,
};
static const struct wire_shape position_shape = { "position_row", "", sizeof(struct position_row), position_fields };

static const char POSITION[] = "SELECT epoch, position FROM directory_position";

enum err directory_position(struct pg *pg, struct arena *arena, struct users_position *out)
{
    return pg_one(pg, arena, users_position_shape(), out, POSITION, PG_NO_ARGS);
}

/* --- rows --- */

/* What differs from before is told, and who is new: but not while all are. */
static const char PUT_USERS[] =
    "WITH page AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS p (subject,"
    " state, nickname, name, avatar)), put AS (INSERT INTO directory (subject, state, nickname, name, avatar,"
    " generation) SELECT page.*, $6::bigint FROM page ON CONFLICT (subject) DO UPDATE SET state = excluded.state,"
    " nickname = excluded.nickname, name = excluded.name, avatar = excluded.avatar, generation = excluded.generation)"
    " SELECT page.subject::uuid AS id, page.state, page.nickname, page.name, page.avatar FROM page LEFT JOIN directory"
    " d USING (subject) WHERE CASE WHEN d.subject IS NULL THEN $7 ELSE (d.state, d.nickname, d.name, d.avatar) IS"
    " DISTINCT FROM (page.state, page.nickname, page.name, page.avatar) END";

static struct str text_of(struct arena *arena, struct id id)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(id, text);
    return arena_str(arena, str_of(text));
}

static struct str_list subjects_of(struct arena *arena, struct user_state_list users)
{
    struct str *subjects = arena_alloc(arena, users.len * sizeof *subjects + 1);

    for (size_t i = 0; i < users.len; i++) subjects[i] = text_of(arena, users.at[i].id);
    return (struct str_list){ subjects, users.len };
}

static enum err put_users(struct pg *pg, struct arena *arena, struct user_state_list users,
    const struct position_row *row, bool tells_new, struct user_state_list *changed)
{
    if (users.len == 0) return OK;
    return pg_all(pg, arena, user_state_shape(), changed, USERS_MAX, PUT_USERS,
        PG_ARGS(pg_texts(arena, subjects_of(arena, users)), pg_texts(arena, TEXTS_OF(arena, users, state)),
            pg_texts(arena, TEXTS_OF(arena, users, nickname)), pg_texts(arena, TEXTS_OF(arena, users, name)),
            pg_texts(arena, TEXTS_OF(arena, users, avatar)), pg_int(row->generation), pg_bool(tells_new)));
}

/* --- who was erased --- */

static int compare_ids(const void *a, const void *b)
{
    const struct user_state *left = a, *right = b;

    return memcmp(left->id.b, right->id.b, sizeof left->id.b);
}

static const char DROP_USERS[] = "DELETE FROM directory WHERE subject = ANY ($1)";

/* In the order of their keys, as jobs are put. */
static enum err put_erasures(
    struct pg *pg, struct arena *arena, const struct job_kind *kind, struct user_state_list erased)
{
    struct principal nobody = { .sub = STR_NONE };
    struct wire_error why = { .field = "" };
    struct call call = { .arena = arena, .pg = pg, .who = &nobody, .now = clock_ms(), .why = &why };

    if (erased.len == 0) return OK;
    qsort(erased.at, erased.len, sizeof *erased.at, compare_ids);
    TRY(pg_run(pg, arena, DROP_USERS, PG_ARGS(pg_texts(arena, subjects_of(arena, erased))), NULL));
    for (size_t i = 0; i < erased.len; i++) {
        struct erasure erasure = { .user = erased.at[i].id };
        TRY(job_put(&call, kind, text_of(arena, erased.at[i].id), &erasure, 0));
    }
    return OK;
}

/* --- a page --- */

static const char LOCK_POSITION[] = "SELECT epoch, position, generation, swept FROM directory_position FOR UPDATE";
static const char SET_PLACE[] = "UPDATE directory_position SET epoch = $1, position = $2, generation = $3, swept = $4";
static const char SWEEP[] = "DELETE FROM directory WHERE subject IN (SELECT subject FROM directory WHERE generation <"
                            " $1 LIMIT $2)";

/* What the pages of a directory that was made anew did not name. */
static enum err sweep_leftovers(struct pg *pg, struct arena *arena, struct position_row *row)
{
    int64_t rows;

    TRY(pg_run(pg, arena, SWEEP, PG_ARGS(pg_int(row->generation), pg_int(SWEEP_ROWS)), &rows));
    row->swept = rows < SWEEP_ROWS;
    return OK;
}

/* Those who are there first, then those who were erased. */
static struct user_state_list split_erased(struct arena *arena, struct user_state_list *users)
{
    struct user_state *erased = arena_alloc(arena, users->len * sizeof *erased + 1);
    size_t n = 0, kept = 0;

    for (size_t i = 0; i < users->len; i++)
        if (str_is(users->at[i].state, "erased"))
            erased[n++] = users->at[i];
        else
            users->at[kept++] = users->at[i];
    users->len = kept;
    return (struct user_state_list){ erased, n };
}

static struct user_state_list joined(struct arena *arena, struct user_state_list a, struct user_state_list b)
{
    struct user_state *all = arena_alloc(arena, (a.len + b.len) * sizeof *all + 1);

    for (size_t i = 0; i < a.len; i++) all[i] = a.at[i];
    for (size_t i = 0; i < b.len; i++) all[a.len + i] = b.at[i];
    return (struct user_state_list){ all, a.len + b.len };
}

static enum err take_users(
    struct pg *pg, struct arena *arena, struct directory_page *page, struct users_page *got, struct position_row *row)
{
    bool is_whole = got->since == 0; /* of everybody, from the beginning */
    struct user_state_list erased = split_erased(arena, &got->users), changed = { NULL, 0 };

    TRY(put_users(pg, arena, got->users, row, !is_whole, &changed));
    TRY(put_erasures(pg, arena, page->config->erase, erased));
    changed = joined(arena, changed, erased);
    return changed.len > 0 && page->config->look != NULL ? page->config->look(pg, arena, changed, &page->found) : OK;
}

static enum err lock_position(
    struct pg *pg, struct arena *arena, const struct users_position *asked, struct position_row *out)
{
    TRY(pg_one(pg, arena, &position_shape, out, LOCK_POSITION, PG_NO_ARGS));
    return id_eq(out->epoch, asked->epoch) && out->position == asked->position ? OK : ERR_CONFLICT;
}

enum err directory_take(struct pg *pg, struct arena *arena, struct directory_page *page)
{
    struct position_row row = { .position = 0 };
    struct wire_error why = { .field = "" };
    struct users_page got = { .more = false };

    TRY(wire_decode(users_page_shape(), buf_str(&page->body), arena, &got, &why));
    TRY(lock_position(pg, arena, &page->asked, &row));
    if (got.since != row.position) {
        LOG(WARN, "directory.anew", F_INT("position", row.position));
        row.generation++;
        row.swept = false;
    }
    row.epoch = got.epoch;
    row.position = got.position;
    TRY(take_users(pg, arena, page, &got, &row));
    if (!got.more && !row.swept) TRY(sweep_leftovers(pg, arena, &row));
    page->taken = (struct users_position){ row.epoch, row.position };
    page->more = got.more || !row.swept;
    return pg_run(pg, arena, SET_PLACE,
        PG_ARGS(pg_id(row.epoch), pg_int(row.position), pg_int(row.generation), pg_bool(row.swept)), NULL);
}

/* --- asking --- */

static const char PEOPLE[] =
    "SELECT subject::uuid AS id, nickname, name, avatar FROM directory WHERE subject = ANY ($1)"
    " AND state = 'active'";

enum err directory_people(struct pg *pg, struct arena *arena, struct str_list subjects, struct person_list *out)
{
    *out = (struct person_list){ NULL, 0 };
    if (subjects.len == 0) return OK;
    return pg_all(pg, arena, person_shape(), out, USERS_MAX, PEOPLE, PG_ARGS(pg_texts(arena, subjects)));
}
