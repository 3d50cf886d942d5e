/* broadcast.c - an event for sockets, out of msgpack. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/interop/broadcast.h"

#include <inttypes.h>

#include "services/gateway/socketio/msgpack_json.h"

/* What the message holds, in whatever order its keys came. */
struct raw {
    struct msgpack_value type, nsp;
    struct str data;
};

static bool next_key(struct msgpack_in *in, struct str *key)
{
    struct msgpack_value value;

    if (msgpack_next(in, &value) && value.kind != MSGPACK_TEXT) in->bad = true;
    *key = value.bytes;
    return !in->bad;
}

static uint32_t open_list(struct msgpack_in *in, enum msgpack_kind kind)
{
    struct msgpack_value value;

    if (msgpack_next(in, &value) && value.kind != kind) in->bad = true;
    return in->bad ? 0 : value.count;
}

static void skip_value(struct msgpack_in *in)
{
    struct str raw;

    msgpack_skip(in, &raw);
}

/* --- the packet --- */

static void read_packet(struct msgpack_in *in, struct raw *out)
{
    struct str key;

    for (uint32_t n = open_list(in, MSGPACK_MAP); n > 0 && next_key(in, &key); n--) {
        if (str_is(key, "type"))
            msgpack_next(in, &out->type);
        else if (str_is(key, "nsp"))
            msgpack_next(in, &out->nsp);
        else if (str_is(key, "data"))
            msgpack_skip(in, &out->data);
        else
            skip_value(in);
    }
    if (out->type.kind >= MSGPACK_ARRAY || out->nsp.kind >= MSGPACK_ARRAY) in->bad = true;
}

static bool is_event_for(const struct raw *raw, struct str nsp)
{
    struct str wanted = raw->nsp.kind == MSGPACK_TEXT ? raw->nsp.bytes : STR("/");
    bool is_event =
        raw->type.kind == MSGPACK_UINT && (raw->type.uint == SIO_EVENT || raw->type.uint == SIO_BINARY_EVENT);

    return is_event && str_eq(wanted, nsp) && raw->data.len > 0;
}

static struct str text_of(struct str nsp, struct str json, unsigned parts, struct arena *arena)
{
    bool main = str_is(nsp, "/");
    const char *comma = main ? "" : ",";
    struct str name = main ? STR_NONE : nsp;

    if (parts == 0) return arena_printf(arena, "2%.*s%s%.*s", STR_ARG(name), comma, STR_ARG(json));
    return arena_printf(arena, "5%u-%.*s%s%.*s", parts, STR_ARG(name), comma, STR_ARG(json));
}

/* Read back as if a client had sent it: what a client's parser would choke on stays here. */
static bool make_text(const struct raw *raw, struct str nsp, struct arena *arena, struct broadcast *out)
{
    struct json_parts parts = { out->parts, 0, SIO_MAX_ATTACHMENTS };
    struct msgpack_in in = { raw->data, false };
    struct buf json = BUF(msgpack_json_bound(raw->data.len, parts.max));
    struct sio_packet packet;
    bool good = msgpack_json(&in, &json, &parts);

    out->n_parts = parts.n;
    if (good) out->text = text_of(nsp, buf_str(&json), parts.n, arena);
    buf_free(&json);
    if (!good || !sio_packet_read(out->text, arena, &packet) || packet.refused.at != NULL) return false;
    out->name = packet.name;
    return true;
}

/* --- whom it is for --- */

static struct str name_of(const struct msgpack_value *value, struct arena *arena)
{
    switch ((int)value->kind) {
    case MSGPACK_TEXT: return value->bytes;
    case MSGPACK_UINT: return arena_printf(arena, "%" PRIu64, value->uint);
    case MSGPACK_INT: return arena_printf(arena, "%" PRId64, value->integer);
    default: return STR_NONE;
    }
}

static const struct str *read_names(struct msgpack_in *in, struct arena *arena, size_t *n)
{
    struct msgpack_value value;
    uint32_t count = open_list(in, MSGPACK_ARRAY);

    if (count > BROADCAST_NAMES_MAX || *n > 0) in->bad = true; /* one such list is enough */
    *n = in->bad ? 0 : count;
    struct str *names = arena_alloc(arena, (*n + 1) * sizeof *names);
    for (size_t i = 0; i < *n && msgpack_next(in, &value); i++) {
        names[i] = name_of(&value, arena);
        if (names[i].at == NULL) in->bad = true;
    }
    return names;
}

static void read_flags(struct msgpack_in *in, struct broadcast *out)
{
    struct msgpack_value value;
    struct str key, raw;

    for (uint32_t n = open_list(in, MSGPACK_MAP); n > 0 && next_key(in, &key); n--) {
        struct msgpack_in ahead = *in;
        if (str_is(key, "volatile") && msgpack_next(&ahead, &value)) out->is_volatile = value.truth;
        msgpack_skip(in, &raw);
    }
}

static void read_opts(struct msgpack_in *in, struct arena *arena, struct broadcast *out)
{
    struct str key;

    for (uint32_t n = open_list(in, MSGPACK_MAP); n > 0 && next_key(in, &key); n--) {
        if (str_is(key, "rooms"))
            out->who.rooms = read_names(in, arena, &out->who.n_rooms);
        else if (str_is(key, "except"))
            out->who.except = read_names(in, arena, &out->who.n_except);
        else if (str_is(key, "flags"))
            read_flags(in, out);
        else
            skip_value(in);
    }
}

bool broadcast_read(struct str bytes, struct str nsp, struct arena *arena, struct broadcast *out)
{
    struct msgpack_in in = { bytes, false };
    struct raw raw = { 0 };

    *out = (struct broadcast){ .who.nsp = nsp };
    if (open_list(&in, MSGPACK_ARRAY) != 3) return false;
    skip_value(&in);
    read_packet(&in, &raw);
    read_opts(&in, arena, out);
    return !in.bad && in.left.len == 0 && is_event_for(&raw, nsp) && make_text(&raw, nsp, arena, out);
}
