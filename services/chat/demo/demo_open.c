/*
 * demo_open.c - a room for two, for whoever has a link to the demo, and its end.
 *
 *      gateway --demo.open--> auth: demo.admit, which takes the secret --> the room and both members --> gateway
 *
 * The room's id goes to auth first: the tokens name it.  A process that dies in between has used up a link and made nothing.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/db/pg.h"
#include "libshared/rpc/rpc_client.h"
#include "services/chat/chat.h"

#define TICKET_BYTES 512
#define LINGER_MS    60000 /* of the room, when the tokens have ended */

struct demo_opening {
    struct rpc_later *later;
    struct demo demo;
};

static const char INSERT_ROOM[] = "WITH made AS (INSERT INTO room (id, name, open, created_by, created_at, members) "
                                  "VALUES ($1, 'demo', false, $2, $4, 2))"
                                  " INSERT INTO member (room_id, subject, role, joined_at, added_by) VALUES ($1, $2, "
                                  "'owner', $4, $2), ($1, $3, 'member', $4, $2)";

static struct pg_arg person_arg(struct arena *arena, const struct demo_person *person)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(person->id, text);
    return pg_text(arena_str(arena, str_of(text)));
}

/* On a worker, with the call's arena. */
static enum err make_room(struct pg *pg, struct arena *arena, void *arg)
{
    struct demo_opening *opening = arg;
    const struct demo *demo = &opening->demo;
    struct call call = *rpc_later_call(opening->later);
    char key[ID_TEXT_BYTES + 1];

    call.pg = pg;
    id_format(demo->room, key);
    TRY(pg_run(pg, arena, INSERT_ROOM,
        PG_ARGS(pg_id(demo->room), person_arg(arena, &demo->people.at[0]), person_arg(arena, &demo->people.at[1]),
            pg_time(call.now)),
        NULL));
    return job_put(&call, &demo_end_job, arena_str(arena, str_of(key)), &(struct room_ref){ demo->room },
        demo->expires_at + LINGER_MS);
}

static void on_room(void *arg, enum err e)
{
    struct demo_opening *opening = arg;

    rpc_later_done(opening->later, e, &opening->demo);
}

static enum err read_admission(struct demo_opening *opening, struct str body)
{
    struct arena *arena = rpc_later_call(opening->later)->arena;
    struct demo_admission admission;
    struct wire_error why;

    TRY(wire_decode(demo_admission_shape(), arena_str(arena, body), arena, &admission, &why));
    if (admission.people.len != 2) return ERR_INTERNAL;
    opening->demo.people = admission.people;
    opening->demo.expires_at = admission.expires_at;
    return OK;
}

static void on_admission(void *arg, enum err e, struct str body)
{
    static const struct rpc_step steps[] = { { WORKER, make_room }, { 0 } };
    struct demo_opening *opening = arg;

    if (e == OK) e = read_admission(opening, body);
    if (e == OK)
        rpc_later_steps(opening->later, steps, on_room, opening);
    else
        rpc_later_done(opening->later, e, NULL);
}

void demo_open(struct call *call, const struct demo_secret *req, struct rpc_later *later)
{
    const struct chat *chat = call->context;
    struct demo_opening *opening = arena_zero(call->arena, sizeof *opening);
    struct buf body = BUF(TICKET_BYTES);

    opening->later = later;
    opening->demo.room = id_new();
    const struct demo_ticket ticket = { .secret = req->secret, .room = opening->demo.room };
    enum err e = wire_encode(demo_ticket_shape(), &ticket, &body);
    assert(e == OK); /* of a secret within its bounds, and an id */
    rpc_client_call(directory_auth(chat->directory),
        &(struct rpc_request){ .method = "demo.admit", .trace = call->trace, .body = buf_str(&body) }, on_admission,
        opening);
    buf_free(&body);
}

/* --- its end: both have left, erased or about to be --- */

static const char REMOVE_ROOM[] = "DELETE FROM room WHERE id = $1";

enum err demo_end(struct call *call, const struct job *job, const struct room_ref *ref)
{
    int64_t rows;

    (void)job;
    TRY(pg_run(call->pg, call->arena, REMOVE_ROOM, PG_ARGS(pg_id(ref->room)), &rows));
    call_note(call, F_INT("rooms", rows));
    return OK;
}
