/* relation.c - the row of two subjects, read and written as one of them has it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/friends/relation.h"

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/chat/notifications/notifications.h"

struct relation_row {
    struct str low, high, bond;
    bool quiet;
    int64_t since, low_quiet_until, high_quiet_until, low_blocks, high_blocks;
};
static const struct wire_field relation_row_fields[] = {
    ROW_FIELD(struct relation_row, low, TEXT),
    ROW_FIELD(struct relation_row, high, TEXT),
    ROW_FIELD(struct relation_row, bond, TEXT),
    ROW_FIELD(struct relation_row, quiet, BOOL),
    ROW_FIELD(struct relation_row, since, TIME),
    ROW_FIELD(struct relation_row, low_quiet_until, TIME),
    ROW_FIELD(struct relation_row, high_quiet_until, TIME),
    ROW_FIELD(struct relation_row, low_blocks, TIME),
    ROW_FIELD(struct relation_row, high_blocks, TIME),
    ROW_END,
};
static const struct wire_shape relation_row_shape = { "relation_row", "", sizeof(struct relation_row),
    relation_row_fields };

/* Two that come at once find one row, also where there was none: the second waits for the first one's end. */
static const char LOCK[] =
    "INSERT INTO relation AS r (low, high) SELECT least(self, other), greatest(self, other) FROM"
    " (SELECT $1::text COLLATE \"C\" AS self, subject_form($2) COLLATE \"C\" AS other) two WHERE self <> other"
    " ON CONFLICT (low, high) DO UPDATE SET bond = r.bond"
    " RETURNING low, high, bond, quiet, since, low_quiet_until, high_quiet_until, low_blocks, high_blocks";

static enum bond bond_of(const struct relation_row *row, bool is_low)
{
    if (str_is(row->bond, "friends")) return BOND_FRIENDS;
    if (str_is(row->bond, "none")) return BOND_NONE;
    if (str_is(row->bond, "low_asks") == is_low) return row->quiet ? BOND_MINE_QUIET : BOND_MINE;
    return row->quiet ? BOND_THEIRS_QUIET : BOND_THEIRS;
}

enum err relation_lock(struct call *call, struct str subject, struct relation *out)
{
    struct relation_row row = { .since = 0 };

    TRY(require_subject(call));
    enum err e = pg_one(
        call->pg, call->arena, &relation_row_shape, &row, LOCK, PG_ARGS(pg_text(call->who->sub), pg_text(subject)));
    if (e == ERR_NOT_FOUND) return call_fail(call, ERR_INVALID_ARGUMENT, "subject: is oneself");
    TRY(e);
    bool is_low = str_eq(row.low, call->who->sub);
    *out = (struct relation){ .self = is_low ? row.low : row.high,
        .other = is_low ? row.high : row.low,
        .bond = bond_of(&row, is_low),
        .since = row.since,
        .mine_quiet_until = is_low ? row.low_quiet_until : row.high_quiet_until,
        .their_quiet_until = is_low ? row.high_quiet_until : row.low_quiet_until,
        .my_block = is_low ? row.low_blocks : row.high_blocks,
        .their_block = is_low ? row.high_blocks : row.low_blocks };
    return OK;
}

/* --- quotas: whoever asks, or is a friend, or blocks, has one of each --- */

static int64_t held_by_me(const struct relation *r)
{
    bool mine = r->bond == BOND_MINE || r->bond == BOND_MINE_QUIET || r->bond == BOND_FRIENDS;

    return (int64_t)mine + (r->my_block > 0);
}

static int64_t held_by_them(const struct relation *r)
{
    bool theirs = r->bond == BOND_THEIRS || r->bond == BOND_THEIRS_QUIET || r->bond == BOND_FRIENDS;

    return (int64_t)theirs + (r->their_block > 0);
}

struct subject_share {
    struct str subject;
    int64_t more;
};

static enum err count_share(struct call *call, struct subject_share share)
{
    if (share.more > 0) return quota_take(call, QUOTA_friends, share.more);
    return share.more < 0 ? quota_give(call, QUOTA_friends, share.subject, -share.more) : OK;
}

/* In the order of the two, so that no two such calls wait for each other.  Only the caller's use grows. */
static enum err count_both(struct call *call, const struct relation *was, const struct relation *is)
{
    struct subject_share mine = { was->self, held_by_me(is) - held_by_me(was) };
    struct subject_share theirs = { was->other, held_by_them(is) - held_by_them(was) };
    bool mine_first = str_cmp(was->self, was->other) < 0;

    TRY(count_share(call, mine_first ? mine : theirs));
    return count_share(call, mine_first ? theirs : mine);
}

/* --- writing --- */

static const char WRITE[] =
    "UPDATE relation SET bond = $3, quiet = $4, since = $5, low_quiet_until = $6, high_quiet_until = $7,"
    " low_blocks = $8, high_blocks = $9 WHERE low = $1 AND high = $2 RETURNING"
    " CASE WHEN $10 THEN high ELSE low END AS subject, CASE WHEN $10 THEN low_sees ELSE high_sees END AS state,"
    " CASE WHEN $10 AND low_blocks IS NOT NULL THEN low_blocks WHEN NOT $10 AND high_blocks IS NOT NULL THEN"
    " high_blocks WHEN CASE WHEN $10 THEN low_sees ELSE high_sees END <> 'none' THEN since END AS since";

static const char FORGET_IDLE[] =
    "DELETE FROM relation WHERE low = $1 AND high = $2 AND bond = 'none' AND low_blocks IS NULL AND high_blocks IS NULL"
    " AND coalesce(greatest(low_quiet_until, high_quiet_until) <= $3, true)";

static const char *name_of(enum bond bond, bool is_low)
{
    if (bond == BOND_NONE) return "none";
    if (bond == BOND_FRIENDS) return "friends";
    bool mine = bond == BOND_MINE || bond == BOND_MINE_QUIET;
    return mine == is_low ? "low_asks" : "high_asks";
}

static enum err write_row(struct call *call, const struct relation *r, bool is_low, struct friend *rep)
{
    struct str low = is_low ? r->self : r->other, high = is_low ? r->other : r->self;

    TRY(pg_one(call->pg, call->arena, friend_shape(), rep, WRITE,
        PG_ARGS(pg_text(low), pg_text(high), pg_text(str_of(name_of(r->bond, is_low))),
            pg_bool(r->bond == BOND_MINE_QUIET || r->bond == BOND_THEIRS_QUIET), pg_time(r->since),
            pg_time(is_low ? r->mine_quiet_until : r->their_quiet_until),
            pg_time(is_low ? r->their_quiet_until : r->mine_quiet_until),
            pg_time(is_low ? r->my_block : r->their_block), pg_time(is_low ? r->their_block : r->my_block),
            pg_bool(is_low))));
    if (r->bond != BOND_NONE) return OK;
    return pg_run(call->pg, call->arena, FORGET_IDLE, PG_ARGS(pg_text(low), pg_text(high), pg_time(call->now)), NULL);
}

/* --- who is told of it --- */

static bool is_seen_by_me(const struct relation *r)
{
    return r->bond == BOND_THEIRS && r->my_block == 0;
}

static bool is_seen_by_them(const struct relation *r)
{
    return r->bond == BOND_MINE && r->their_block == 0;
}

static enum err tell_request(struct call *call, struct str subject, struct str by, bool was, bool is, int64_t since)
{
    struct notification_news_item item = {
        .subject = subject, .kind = NOTIFICATION_friend_request, .by = by, .at = since
    };

    if (was == is) return OK;
    if (!is) return notifications_end_of(call, subject, NOTIFICATION_friend_request, by);
    return notifications_make(call, (struct notification_items){ &item, 1 });
}

/* The caller's deed changes what one of the two sees of a request, or what the caller sees of all that the other did. */
static enum err tell_both(struct call *call, const struct relation *was, const struct relation *is)
{
    struct str both[] = { is->self, is->other };
    bool blocks_anew = (was->my_block > 0) != (is->my_block > 0);

    if (was->bond == is->bond && !blocks_anew) return OK;
    TRY(notifications_lock(call, (struct str_list){ both, COUNT(both) }));
    TRY(tell_request(call, is->self, is->other, is_seen_by_me(was), is_seen_by_me(is), is->since));
    TRY(tell_request(call, is->other, is->self, is_seen_by_them(was), is_seen_by_them(is), is->since));
    if (!blocks_anew) return OK;
    TRY(presence_notify(call, (struct str_list){ both, COUNT(both) }));
    return notifications_touch_by(call, is->self, is->other);
}

/* Rooms that look otherwise to who blocks, or blocks no more: the one of two, and those where mentions are to be read. */
static const char TOUCH_ROOMS[] =
    "UPDATE member SET stated_at = now() FROM (SELECT m.room_id FROM member m WHERE m.subject = $1 AND (EXISTS (SELECT "
    "FROM"
    " direct d WHERE d.room_id = m.room_id AND $2 IN (d.low, d.high)) OR EXISTS (SELECT FROM mention n WHERE"
    " n.room_id = m.room_id AND n.subject IN ($1, '') AND n.seq > m.read_seq AND n.sender = $2)) ORDER BY m.room_id"
    " FOR NO KEY UPDATE) mine WHERE member.subject = $1 AND member.room_id = mine.room_id";

enum err relation_change(struct call *call, const struct relation *was, const struct relation *is, struct friend *rep)
{
    TRY(write_row(call, is, str_cmp(is->self, is->other) < 0, rep));
    TRY(count_both(call, was, is));
    if ((was->my_block > 0) != (is->my_block > 0))
        TRY(pg_run(call->pg, call->arena, TOUCH_ROOMS, PG_ARGS(pg_text(is->self), pg_text(is->other)), NULL));
    return tell_both(call, was, is);
}
