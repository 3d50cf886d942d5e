/* notification_list.c - what somebody was told of, as it may be read now: pages, what is new since a version, and what they have read of it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/chat/notifications/notifications.h"

#define PAGE_MAX 100 /* proto/chat.def: notification_page.notifications */

/* What has ended shows nothing of what it was. */
#define ROWS(condition, order)                                                                                         \
    "SELECT id, version, kind, collapse, quiet, made <= heard AS heard, read_at, NOT holds AS gone, CASE WHEN holds"   \
    " THEN room_id END AS room, CASE WHEN holds THEN coalesce(seq, 0) ELSE 0 END AS seq, CASE WHEN holds THEN"         \
    " coalesce(thread, 0) ELSE 0 END AS thread, CASE WHEN holds THEN by END AS by, CASE WHEN holds THEN at END AS at," \
    " CASE WHEN holds AND kind = 'direct' AND read_at IS NULL THEN " NOTIFICATION_COUNT                                \
    " ELSE 1 END AS count, made AS place, -1::bigint AS "                                                              \
    "unread FROM (SELECT n.*, "                                                                                        \
    "m.read_seq,"                                                                                                      \
    " h.heard, " NOTIFICATION_HOLDS " AS holds FROM notification n JOIN notification_head h"                           \
    " ON h.subject = n.subject" NOTIFICATION_JOINS " WHERE n.subject = $1 AND " condition ") n " order

#define IS_WANTED " AND (NOT $3 OR n.read_at IS NULL)"
#define OLDER     "n.made < $2::bigint" IS_WANTED
#define NEWER     "n.made > $2::bigint" IS_WANTED

static const char BACKWARDS[] = ROWS(OLDER, "WHERE holds ORDER BY made DESC LIMIT $4");
static const char FORWARDS[] = ROWS(NEWER, "WHERE holds ORDER BY made LIMIT $4");
static const char CHANGED[] = ROWS("n.version > $2::bigint", "ORDER BY version LIMIT $3");
static const char CHANGED_FROM[] =
    ROWS("n.version > $2::bigint AND greatest(n.made_at, n.read_at, n.ended_at) >= $4", "ORDER BY version LIMIT $3");

struct notification_head {
    int64_t version, forgotten, unread;
};
static const struct wire_field head_fields[] = {
    ROW_FIELD(struct notification_head, version, INT),
    ROW_FIELD(struct notification_head, forgotten, INT),
    ROW_FIELD(struct notification_head, unread, INT),
    ROW_END,
};
static const struct wire_shape head_shape = { "notification_head", "", sizeof(struct notification_head), head_fields };

static const char HEAD[] =
    "SELECT version, forgotten, " NOTIFICATION_UNREAD("$1") " AS unread FROM notification_head WHERE subject = $1";

static enum err read_head(struct call *call, struct notification_head *out)
{
    *out = (struct notification_head){ .version = 0 };
    enum err e = pg_one(call->pg, call->arena, &head_shape, out, HEAD, PG_ARGS(pg_text(call->who->sub)));
    return e == ERR_NOT_FOUND ? OK : e;
}

/* --- lists --- */

/* "b" and a place: what is older; "a": what is newer. */
static enum err read_place(struct call *call, struct str after, bool *is_older, int64_t *place)
{
    *is_older = true;
    *place = INT64_MAX;
    if (after.len == 0) return OK;
    *is_older = after.at[0] == 'b';
    if ((*is_older || after.at[0] == 'a') && str_to_int(str_skip(after, 1), place) && *place >= 0) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

static void turn_over(struct notification_list *list)
{
    for (size_t i = 0; i < list->len / 2; i++) {
        struct notification other = list->at[i];
        list->at[i] = list->at[list->len - 1 - i];
        list->at[list->len - 1 - i] = other;
    }
}

/* `prev` is given by each page: what is newer may come later. */
static struct page_meta *place_page(
    struct call *call, const struct notification_query *req, bool is_older, const struct notification_list *list)
{
    struct page_meta *meta = arena_zero(call->arena, sizeof *meta);
    bool is_full = (int64_t)list->len == req->limit;

    *meta = (struct page_meta){ .limit = req->limit, .total = -1 };
    if (list->len == 0) return meta;
    if (is_full || !is_older) meta->next = arena_printf(call->arena, "b%lld", (long long)list->at[list->len - 1].place);
    if (is_full || req->after.len > 0) meta->prev = arena_printf(call->arena, "a%lld", (long long)list->at[0].place);
    return meta;
}

static enum err list_page(struct call *call, const struct notification_query *req, struct notification_page *rep)
{
    int64_t place;
    bool is_older;

    TRY(read_place(call, req->after, &is_older, &place));
    TRY(pg_all(call->pg, call->arena, notification_shape(), &rep->notifications, (size_t)req->limit,
        is_older ? BACKWARDS : FORWARDS,
        PG_ARGS(pg_text(call->who->sub), pg_int(place), pg_bool(req->unread), pg_int(req->limit))));
    if (!is_older) turn_over(&rep->notifications);
    rep->meta = place_page(call, req, is_older, &rep->notifications);
    return OK;
}

/* `head` was read before the rows: what is behind its version may be among them, and comes again. */
static void end_changes(struct notification_page *rep, int64_t limit)
{
    const struct notification_list *list = &rep->notifications;
    int64_t last = list->len > 0 ? list->at[list->len - 1].version : 0;

    rep->more = (int64_t)list->len == limit;
    if (rep->more || last > rep->version) rep->version = last;
}

static enum err list_changes(
    struct call *call, const struct notification_query *req, int64_t forgotten, struct notification_page *rep)
{
    if (req->since > rep->version || req->since < forgotten)
        return call_fail(call, ERR_RESYNC, "since: not all that has changed since is known; ask for pages");
    TRY(pg_all(call->pg, call->arena, notification_shape(), &rep->notifications, (size_t)req->limit, CHANGED,
        PG_ARGS(pg_text(call->who->sub), pg_int(req->since), pg_int(req->limit))));
    end_changes(rep, req->limit);
    return OK;
}

enum err notification_list(struct call *call, const struct notification_query *req, struct notification_page *rep)
{
    struct notification_head head;

    TRY(require_subject(call));
    if (req->since >= 0 && (req->after.len > 0 || req->unread))
        return call_fail(call, ERR_INVALID_ARGUMENT, "since: is asked for alone");
    TRY(read_head(call, &head));
    rep->unread = head.unread;
    rep->version = head.version;
    TRY(req->since >= 0 ? list_changes(call, req, head.forgotten, rep) : list_page(call, req, rep));
    return directory_people(call->pg, call->arena, TEXTS_OF(call->arena, rep->notifications, by), &rep->users);
}

/* --- for gateways --- */

enum err notification_changes(struct call *call, const struct notification_missed *req, struct notification_page *rep)
{
    struct notification_head head;

    TRY(require_subject(call));
    TRY(read_head(call, &head));
    rep->unread = head.unread;
    rep->version = head.version;
    TRY(pg_all(call->pg, call->arena, notification_shape(), &rep->notifications, PAGE_MAX,
        req->from > 0 ? CHANGED_FROM : CHANGED,
        req->from > 0 ? PG_ARGS(pg_text(call->who->sub), pg_int(req->since), pg_int(PAGE_MAX), pg_time(req->from))
                      : PG_ARGS(pg_text(call->who->sub), pg_int(req->since), pg_int(PAGE_MAX))));
    end_changes(rep, PAGE_MAX);
    return OK;
}

static const char HEARD[] = "UPDATE notification_head SET heard = $2 WHERE subject = $1 AND heard < $2";

enum err notification_heard(struct call *call, const struct notification_place *req, struct nothing *rep)
{
    (void)rep;
    TRY(require_subject(call));
    return pg_run(call->pg, call->arena, HEARD, PG_ARGS(pg_text(call->who->sub), pg_int(req->version)), NULL);
}

/* --- reading --- */

struct marked_rows {
    int64_t n;
};
static const struct wire_field marked_fields[] = { ROW_FIELD(struct marked_rows, n, INT), ROW_END };
static const struct wire_shape marked_shape = { "marked_rows", "", sizeof(struct marked_rows), marked_fields };

static const char LOCK_OWN[] = "SELECT FROM notification_head WHERE subject = $1 FOR UPDATE";
static const char FIND[] = "SELECT FROM notification WHERE subject = $1 AND id = $2";
static const char MARK[] =
    "WITH few AS MATERIALIZED (SELECT n.id, row_number() OVER (ORDER BY n.made) AS nth, count(*) OVER () AS of_all FROM"
    " notification n WHERE n.subject = $1 AND n.read_at IS NULL AND ($2::uuid IS NULL OR n.id = $2) AND ($3::uuid IS "
    "NULL"
    " OR n.made <= (SELECT made FROM notification WHERE subject = $1 AND id = $3))),"
    " head AS (UPDATE notification_head SET version = version + (SELECT count(*) FROM few) WHERE subject = $1"
    "  RETURNING version),"
    " done AS (UPDATE notification n SET read_at = now(), version = head.version - few.of_all + few.nth FROM few, head"
    "  WHERE n.subject = $1 AND n.id = few.id)"
    " SELECT count(*) AS n FROM few";

static enum err require_one(struct call *call, struct id id)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, FIND, PG_ARGS(pg_text(call->who->sub), pg_id(id)), &rows));
    return rows > 0 ? OK : call_fail(call, ERR_NOT_FOUND, "there is no such notification");
}

enum err notification_read(struct call *call, const struct notification_reading *req, struct notification_state *rep)
{
    struct notification_head head;
    struct marked_rows marked;
    bool is_one = !id_is_nil(req->id), is_up_to = !id_is_nil(req->up_to);

    TRY(require_subject(call));
    if (is_one && is_up_to) return call_fail(call, ERR_INVALID_ARGUMENT, "up_to: is not said together with id");
    TRY(pg_run(call->pg, call->arena, LOCK_OWN, PG_ARGS(pg_text(call->who->sub)), NULL));
    if (is_one || is_up_to) TRY(require_one(call, is_one ? req->id : req->up_to));
    TRY(pg_one(call->pg, call->arena, &marked_shape, &marked, MARK,
        PG_ARGS(pg_text(call->who->sub), pg_id(req->id), pg_id(req->up_to))));
    TRY(read_head(call, &head));
    *rep = (struct notification_state){ .read = marked.n, .unread = head.unread, .version = head.version };
    if (marked.n == 0) return OK;
    struct notification_mark *mark = arena_zero(call->arena, sizeof *mark);
    *mark = (struct notification_mark){ call->who->sub, head.version };
    notifications_tell(call, (struct notification_mark_list){ mark, 1 });
    return OK;
}

/* --- what is kept no longer --- */

#define ROWS_AT_ONCE 1000

static const char OLD[] =
    "SELECT DISTINCT subject, 1::bigint AS version FROM (SELECT subject FROM notification WHERE made_at < $1"
    " ORDER BY made_at LIMIT $2) o";
#define FORGET(where)                                                                                                  \
    "WITH gone AS (DELETE FROM notification n WHERE " where " RETURNING n.subject, n.version)"                         \
    " UPDATE notification_head h SET forgotten = greatest(h.forgotten, g.version) FROM (SELECT subject, max(version)"  \
    " AS version FROM gone GROUP BY subject) g WHERE h.subject = g.subject"
static const char FORGET_OLD[] = FORGET("n.made_at < $1 AND n.subject = ANY ($2)");

/* Those of subjects who have more than are kept go when further ones are made: notification_put.c. */
enum err notification_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    struct notification_mark_list old;
    int64_t before = call->now - chat_settings(call)->notification_days * INT64_C(86400000);

    TRY(pg_all(call->pg, call->arena, notification_mark_shape(), &old, ROWS_AT_ONCE, OLD,
        PG_ARGS(pg_time(before), pg_int(ROWS_AT_ONCE))));
    call_note(call, F_INT("subjects", (int64_t)old.len));
    if (old.len == 0) return OK;
    struct str_list subjects = TEXTS_OF(call->arena, old, subject);
    TRY(notifications_lock(call, subjects));
    TRY(pg_run(call->pg, call->arena, FORGET_OLD, PG_ARGS(pg_time(before), pg_texts(call->arena, subjects)), NULL));
    return job_put(call, &notification_expire_job, job->key, payload, 0);
}

static const char ERASE[] = "DELETE FROM notification WHERE ctid = ANY (ARRAY(SELECT ctid FROM notification WHERE"
                            " subject = $1 UNION SELECT ctid FROM notification WHERE by = $1 LIMIT $2))";
static const char ERASE_HEAD[] = "DELETE FROM notification_head WHERE subject = $1";

enum err notifications_erase_some(struct call *call, struct str subject, int64_t most, int64_t *n)
{
    TRY(pg_run(call->pg, call->arena, ERASE, PG_ARGS(pg_text(subject), pg_int(most)), n));
    return *n > 0 ? OK : pg_run(call->pg, call->arena, ERASE_HEAD, PG_ARGS(pg_text(subject)), NULL);
}
