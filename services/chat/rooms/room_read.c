/* room_read.c - reading one room and its members from the database, by a worker, for the loop. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/rooms/room_read.h"

#include <string.h>

#include "libshared/db/pg.h"

#define PORTION       10000 /* members that are read at once */
#define PORTION_BYTES (8u << 20)
#define MEMBERS_MAX   1000000 /* what MADANG_CHAT_MEMBERS_MAX can be; it may have been more once than it is */
#define SUBJECT_BYTES (128 * 4)

static const char VERSION[] = "SELECT version, slow_s FROM room WHERE id = $1";

#define ACCESS                                                                                                         \
    "role_now(m.role, m.muted_until, r.writes, r.archived_at) AS role, reads_after(r.history, m.joined_at) AS "        \
    "reads_after"

static const char NEXT_MEMBERS[] =
    "SELECT m.subject, " ACCESS
    " FROM room r JOIN member m ON m.room_id = r.id WHERE r.id = $1 AND m.subject > $2 ORDER BY m.subject LIMIT $3";

struct member_row {
    int64_t version, slow_s, reads_after;
    struct str subject, role;
};
struct member_row_list {
    struct member_row *at;
    size_t len;
};

static const struct wire_shape *member_row_shape(void)
{
    static const struct wire_field fields[] = {
        { WIRE_NAME("version"), .at = offsetof(struct member_row, version), .kind = WIRE_INT },
        { WIRE_NAME("slow_s"), .at = offsetof(struct member_row, slow_s), .kind = WIRE_INT },
        { WIRE_NAME("subject"), .at = offsetof(struct member_row, subject), .kind = WIRE_TEXT },
        { WIRE_NAME("role"), .at = offsetof(struct member_row, role), .kind = WIRE_TEXT },
        { WIRE_NAME("reads_after"), .at = offsetof(struct member_row, reads_after), .kind = WIRE_TIME },
        { .name = NULL },
    };
    static const struct wire_shape shape = { "member_row", "", sizeof(struct member_row), fields };

    return &shape;
}

static const char ONE_MEMBER[] =
    "SELECT " ACCESS " FROM room r JOIN member m ON m.room_id = r.id WHERE r.id = $1 AND m.subject = $2";

/* The last member that was read, in the order of the index. */
struct last_member {
    char subject[SUBJECT_BYTES];
    size_t len;
};

static enum err take_rows(struct room_read *read, const struct member_row_list *rows, struct last_member *last)
{
    if (members_count(read->members) + rows->len > MEMBERS_MAX) return ERR_TOO_LARGE;
    for (size_t i = 0; i < rows->len; i++)
        members_set(read->members, rows->at[i].subject,
            (struct member_access){ .role = rows->at[i].role, .reads_after = rows->at[i].reads_after }, read->version);
    if (rows->len == 0) return OK;
    struct str subject = rows->at[rows->len - 1].subject;
    if (subject.len > sizeof last->subject) return ERR_TOO_LARGE;
    memcpy(last->subject, subject.at, subject.len);
    last->len = subject.len;
    return OK;
}

static enum err read_portion(struct pg *pg, struct room_read *read, struct last_member *last, size_t *n)
{
    /* bound: PORTION rows */
    struct arena *arena = arena_create("members", PORTION_BYTES);
    struct member_row_list rows = { NULL, 0 };
    enum err e = pg_all(pg, arena, member_row_shape(), &rows, PORTION, NEXT_MEMBERS,
        PG_ARGS(pg_id(read->room), pg_text((struct str){ last->subject, last->len }), pg_int(PORTION)));

    if (e == OK) e = take_rows(read, &rows, last);
    *n = rows.len;
    arena_destroy(&arena);
    return e;
}

static enum err read_members(struct pg *pg, struct room_read *read)
{
    struct last_member last = { .len = 0 };
    size_t n = PORTION;

    while (n == PORTION && members_bytes(read->members) <= read->most_bytes) TRY(read_portion(pg, read, &last, &n));
    if (members_bytes(read->members) > read->most_bytes) members_forget(read->members);
    return OK;
}

static enum err read_one(struct pg *pg, struct arena *arena, struct room_read *read)
{
    struct member_row row = { .version = 0 };
    enum err e =
        pg_one(pg, arena, member_row_shape(), &row, ONE_MEMBER, PG_ARGS(pg_id(read->room), pg_text(read->only)));

    members_forget(read->members);
    if (e == OK || e == ERR_NOT_FOUND)
        members_set(read->members, read->only,
            (struct member_access){ .role = row.role, .reads_after = row.reads_after }, read->version);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err read_room(struct pg *pg, struct arena *arena, void *arg)
{
    struct room_read *read = arg;
    struct member_row room = { .version = 0 };

    TRY(pg_one_snapshot(pg, arena)); /* for all portions: the members are those of the version that is read first */
    enum err e = pg_one(pg, arena, member_row_shape(), &room, VERSION, PG_ARGS(pg_id(read->room)));
    read->exists = e == OK;
    read->version = e == OK ? room.version : INT64_MAX;
    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    members_set_pace(read->members, room.slow_s);
    return read->only.at != NULL ? read_one(pg, arena, read) : read_members(pg, read);
}

static void on_read(void *arg, enum err e)
{
    struct room_read *read = arg;

    read->done(read, e);
    members_destroy(&read->members);
    mem_free(read);
}

bool room_read_begin(struct rpc_server *server, struct str subject, const struct room_read *what)
{
    struct room_read *read = mem_alloc(sizeof *read);

    *read = *what;
    read->members = members_create();
    read->server = server;
    if (rpc_server_work(server, subject, read_room, on_read, read)) return true;
    members_destroy(&read->members);
    mem_free(read);
    return false;
}
