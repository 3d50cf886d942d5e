/* room_read.c - reading one room and its members from the database, by a worker, for the loop. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/room_read.h"

#include "libshared/db/pg.h"
#include "libshared/service/settings.h"

/* One statement, so one snapshot: the members are those of this very version. */
static const char MEMBERS_AT_VERSION[] =
    "SELECT r.version, m.subject, m.role FROM room r LEFT JOIN member m ON m.room_id = r.id WHERE r.id = $1";

static const struct wire_shape *member_row_shape(void)
{
    static const struct wire_field fields[] = {
        { .name = "version", .at = offsetof(struct member_row, version), .kind = WIRE_INT },
        { .name = "subject", .at = offsetof(struct member_row, subject), .kind = WIRE_TEXT },
        { .name = "role", .at = offsetof(struct member_row, role), .kind = WIRE_TEXT },
        { .name = NULL },
    };
    static const struct wire_shape shape = { "member_row", "", sizeof(struct member_row), fields };

    return &shape;
}

static enum err work(struct pg *pg, struct arena *arena, void *arg)
{
    struct room_read *read = arg;

    return pg_all(pg, arena, member_row_shape(), &read->rows, (size_t)settings.chat.members_max + 1, MEMBERS_AT_VERSION,
        PG_ARGS(pg_id(read->room)));
}

static void done(void *arg, enum err e)
{
    struct room_read *read = arg;

    read->done(read, e);
    mem_free(read);
}

bool room_read_begin(struct rpc_server *server, struct str subject, struct id room,
    void (*then)(struct room_read *, enum err), void *arg)
{
    struct room_read *read = mem_zero(sizeof *read);

    *read = (struct room_read){ .room = room, .done = then, .arg = arg, .server = server };
    if (rpc_server_work(server, subject, work, done, read)) return true;
    mem_free(read);
    return false;
}
