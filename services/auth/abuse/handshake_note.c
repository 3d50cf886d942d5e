/* handshake_note.c - what gateways answered sockets, as attempts. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"
#include "services/auth/auth.h"

/* A gateway's clock may be wrong; there are tables from yesterday on. */
static const char ADD_HANDSHAKES[] =
    "INSERT INTO attempt (at, id, kind, subject, key, address, device, result, trace, times)"
    " SELECT least(greatest(at, now() - interval '1 day'), now() + interval '1 day'), id, 'handshake', subject, key,"
    " address, '', result, '', times FROM unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::text[], $5::text[],"
    " $6::text[], $7::bigint[]) h (at, id, subject, key, address, result, times) ON CONFLICT DO NOTHING";

struct handshake_columns {
    int64_t *at, *times;
    struct id *id;
    struct str *subject, *key, *address, *result;
};

static struct handshake_columns make_columns(struct arena *arena, size_t n)
{
    return (struct handshake_columns){ .at = arena_zero(arena, n * sizeof(int64_t)),
        .times = arena_zero(arena, n * sizeof(int64_t)),
        .id = arena_zero(arena, n * sizeof(struct id)),
        .subject = arena_zero(arena, n * sizeof(struct str)),
        .key = arena_zero(arena, n * sizeof(struct str)),
        .address = arena_zero(arena, n * sizeof(struct str)),
        .result = arena_zero(arena, n * sizeof(struct str)) };
}

static struct str or_empty(struct str text)
{
    return text.at != NULL ? text : STR("");
}

static void fill_columns(struct handshake_columns *to, size_t i, const struct handshake *from)
{
    to->at[i] = from->at;
    to->times[i] = from->times;
    to->id[i] = from->id;
    to->subject[i] = or_empty(from->subject);
    to->key[i] = or_empty(from->key);
    to->address[i] = or_empty(from->address);
    to->result[i] = from->result;
}

/* Those that a gateway had no room for are one row more, which is nobody's. */
enum err handshake_note(struct call *call, const struct handshake_batch *req, struct nothing *rep)
{
    struct arena *arena = call->arena;
    size_t n = req->handshakes.len;
    struct handshake_columns c = make_columns(arena, n + 1);

    (void)rep;
    for (size_t i = 0; i < n; i++) fill_columns(&c, i, &req->handshakes.at[i]);
    if (req->left_out > 0) {
        fill_columns(&c, n++,
            &(struct handshake){ .id = id_new(), .at = call->now, .result = STR("left_out"), .times = req->left_out });
        LOG(WARN, "auth.handshakes_left_out", F_INT("n", req->left_out));
    }
    call_note(call, F_INT("rows", n));
    return pg_run(call->pg, arena, ADD_HANDSHAKES,
        PG_ARGS(pg_times(arena, c.at, n), pg_ids(arena, (struct id_list){ c.id, n }),
            pg_texts(arena, (struct str_list){ c.subject, n }), pg_texts(arena, (struct str_list){ c.key, n }),
            pg_texts(arena, (struct str_list){ c.address, n }), pg_texts(arena, (struct str_list){ c.result, n }),
            pg_ints(arena, c.times, n)),
        NULL);
}
