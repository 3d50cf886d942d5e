/* receipt_list.c - up to where the others have read a room, and who of them has read a message. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/chat/chat.h"

/* Not of whom one blocks, nor of who blocks one. */
static const char NAMES[] =
    "SELECT m.subject, m.read_seq AS read, m.read_at AS at FROM room r JOIN member m ON m.room_id = r.id LEFT JOIN"
    " receipt_choice c ON c.subject = m.subject WHERE r.id = $1 AND m.subject <> $2 AND m.subject > coalesce($3, '')"
    " AND m.read_seq >= $4 AND " RECEIPT_IS_SHOWN
    " AND NOT EXISTS (SELECT FROM relation b WHERE b.low = least(m.subject COLLATE \"C\", $2)"
    " AND b.high = greatest(m.subject COLLATE \"C\", $2) AND (b.low_blocks IS NOT NULL OR b.high_blocks IS NOT NULL))"
    " ORDER BY m.subject LIMIT $5";

/* The same for all. */
static const char COUNT_READERS[] =
    "SELECT count(*) AS n FROM room r JOIN member m ON m.room_id = r.id LEFT JOIN receipt_choice c ON c.subject ="
    " m.subject WHERE r.id = $1 AND m.read_seq >= $2 AND " RECEIPT_IS_SHOWN;

struct readers {
    int64_t n;
};
static const struct wire_field readers_fields[] = { ROW_FIELD(struct readers, n, INT), ROW_END };
static const struct wire_shape readers_shape = { "readers", "", sizeof(struct readers), readers_fields };

static enum err list_names(struct call *call, const struct receipt_query *req, struct receipt_page *rep)
{
    TRY(pg_all(call->pg, call->arena, read_receipt_shape(), &rep->receipts, (size_t)req->limit, NAMES,
        PG_ARGS(pg_id(req->room), pg_text(call->who->sub), pg_text(req->after.len > 0 ? req->after : STR_NONE),
            pg_int(req->seq), pg_int(req->limit))));
    if ((int64_t)rep->receipts.len == req->limit) rep->next = rep->receipts.at[rep->receipts.len - 1].subject;
    return directory_people(call->pg, call->arena, TEXTS_OF(call->arena, rep->receipts, subject), &rep->users);
}

static enum err count_readers(struct call *call, const struct receipt_query *req, struct receipt_page *rep)
{
    struct readers readers;

    if (req->seq == 0) return OK;
    TRY(pg_one(
        call->pg, call->arena, &readers_shape, &readers, COUNT_READERS, PG_ARGS(pg_id(req->room), pg_int(req->seq))));
    rep->count = readers.n;
    return OK;
}

enum err receipt_list(struct call *call, const struct receipt_query *req, struct receipt_page *rep)
{
    struct receipt_choice own;
    struct nothing nothing;
    struct room_row row;

    TRY(pg_one_snapshot(call->pg, call->arena));
    TRY(room_row_get(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_read));
    TRY(receipt_mine(call, &nothing, &own));
    rep->count = -1;
    bool is_large = row.room.members > RECEIPT_NAMES_MAX;
    rep->shows = !row.room.receipts || !own.shown ? STR("nothing") : is_large ? STR("count") : STR("names");
    if (str_is(rep->shows, "nothing")) return OK;
    return is_large ? count_readers(call, req, rep) : list_names(call, req, rep);
}
