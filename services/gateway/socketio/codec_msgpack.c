/* codec_msgpack.c - packets as socket.io-msgpack-parser has them: {type, data, nsp, id} in one binary message. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "libshared/base/log.h"
#include "libshared/wire/json_msgpack.h"
#include "libshared/wire/pack.h"
#include "services/gateway/socketio/codec_msgpack.h"
#include "services/gateway/socketio/sio_private.h"

#define OUT_DEPTH_MAX 128 /* what clients sent has JSON_DEPTH_MAX; an array of ours stands around it */

/* --- in --- */

/* What the map holds; later ones of the same name win. */
struct fields {
    struct msgpack_value type, nsp, id;
    struct str data; /* raw; STR_NONE: absent or undefined */
};

static bool is_undefined(struct str raw)
{
    struct msgpack_in in = { raw, false };
    struct msgpack_value value;

    return msgpack_next(&in, &value) && msgpack_is_undefined(&value);
}

/* Of an array or map it is the head alone. */
static struct msgpack_value head_of(struct str raw)
{
    struct msgpack_in in = { raw, false };
    struct msgpack_value value;

    msgpack_next(&in, &value);
    return value;
}

static void read_field(struct msgpack_in *in, struct fields *out)
{
    struct msgpack_value key;
    struct str raw;

    if (!msgpack_next(in, &key) || key.kind != MSGPACK_TEXT || !msgpack_skip(in, &raw)) {
        in->bad = true;
        return;
    }
    if (str_is(key.bytes, "type"))
        out->type = head_of(raw);
    else if (str_is(key.bytes, "nsp"))
        out->nsp = head_of(raw);
    else if (str_is(key.bytes, "id"))
        out->id = head_of(raw);
    else if (str_is(key.bytes, "data"))
        out->data = is_undefined(raw) ? STR_NONE : raw;
}

static bool read_fields(struct str bytes, struct fields *out)
{
    struct msgpack_in in = { bytes, false };
    struct msgpack_value map;

    *out = (struct fields){ 0 };
    if (!msgpack_next(&in, &map) || map.kind != MSGPACK_MAP) return false;
    for (uint32_t i = 0; i < map.count && !in.bad; i++) read_field(&in, out);
    return !in.bad && in.left.len == 0;
}

/* Its text form has a comma behind the name, so the name can have none. */
static bool put_namespace(struct buf *out, const struct msgpack_value *nsp)
{
    size_t comma;

    if (nsp->kind != MSGPACK_TEXT || nsp->bytes.len == 0 || nsp->bytes.at[0] != '/' ||
        str_find(nsp->bytes, ',', &comma) || !utf8_is_valid(nsp->bytes.at, nsp->bytes.len))
        return false;
    buf_add_str(out, nsp->bytes);
    buf_add_char(out, ',');
    return true;
}

static bool put_id(struct buf *out, const struct msgpack_value *id)
{
    if (id->kind == MSGPACK_UINT) buf_printf(out, "%" PRIu64, id->uint);
    return id->kind == MSGPACK_UINT || id->kind == MSGPACK_NIL || msgpack_is_undefined(id);
}

static bool put_data(struct buf *out, struct str data, struct json_parts *parts)
{
    struct msgpack_in in = { data, false };

    if (data.len == 0) return true;
    /* A bare number would read as an id. */
    return head_of(data).kind >= MSGPACK_ARRAY && msgpack_json(&in, out, parts);
}

static bool put_rest(struct buf *out, const struct fields *f, struct json_parts *parts)
{
    return put_namespace(out, &f->nsp) && put_id(out, &f->id) && put_data(out, f->data, parts);
}

/* With attachments the type is another, and how many there are stands before what is known first. */
static bool put_type(struct buf *out, const struct msgpack_value *type, unsigned n)
{
    if (type->kind != MSGPACK_UINT || type->uint > SIO_CONNECT_ERROR) return false;
    if (n == 0)
        buf_printf(out, "%u", (unsigned)type->uint);
    else if (type->uint == SIO_EVENT || type->uint == SIO_ACK)
        buf_printf(out, "%u%u-", type->uint == SIO_EVENT ? SIO_BINARY_EVENT : SIO_BINARY_ACK, n);
    else
        return false;
    return true;
}

bool msgpack_packet_to_text(struct str bytes, struct buf *out, struct json_parts *parts)
{
    struct buf rest = BUF(msgpack_json_bound(bytes.len, parts->max));
    struct fields fields;
    bool good = read_fields(bytes, &fields) && put_rest(&rest, &fields, parts) && put_type(out, &fields.type, parts->n);

    if (good) buf_add_str(out, buf_str(&rest));
    buf_free(&rest);
    return good && !out->over;
}

static void on_packet(struct sio_session *session, struct str text, const struct str *parts)
{
    struct sio_packet packet;

    if (sio_refuses_large_connect(session, text)) return;
    if (!sio_packet_read(text, session->sio->scratch, &packet)) {
        sio_violation(session);
        return;
    }
    enum sio_turn turn = sio_turn(session, &packet);
    if (turn == SIO_OUT_OF_TURN)
        sio_violation(session);
    else if (turn == SIO_IN_TURN)
        sio_take_packet(session, &packet, parts);
}

static void on_message(struct sio_session *session, bool binary, struct str bytes)
{
    struct str at[SIO_MAX_ATTACHMENTS];
    struct json_parts parts = { at, 0, SIO_MAX_ATTACHMENTS };
    struct buf text = BUF(msgpack_json_bound(bytes.len, parts.max) + 8);

    if (binary && msgpack_packet_to_text(bytes, &text, &parts))
        on_packet(session, buf_str(&text), at);
    else
        sio_violation(session);
    buf_free(&text);
}

/* --- out --- */

static enum sio_type plain_type(enum sio_type type)
{
    return type == SIO_BINARY_EVENT ? SIO_EVENT : type == SIO_BINARY_ACK ? SIO_ACK : type;
}

static bool put_data_of(struct buf *out, struct str json, const struct str *parts, unsigned n)
{
    struct json_in in;

    json_begin(&in, json, OUT_DEPTH_MAX);
    bool good = json_to_msgpack(&in, out, parts, n);
    return json_end(&in) == JSON_FINE && good && !out->over;
}

static bool put_map(struct buf *out, const struct sio_packet *packet, const struct str *parts, unsigned n)
{
    msgpack_packer pk = pack_into(out);

    msgpack_pack_map(&pk, 2u + (packet->json.len > 0) + (packet->id >= 0));
    pack_text(&pk, STR("type"));
    msgpack_pack_int(&pk, (int)plain_type(packet->type));
    pack_text(&pk, STR("nsp"));
    pack_text(&pk, packet->nsp);
    if (packet->id >= 0) {
        pack_text(&pk, STR("id"));
        msgpack_pack_int64(&pk, packet->id);
    }
    if (packet->json.len == 0) return !out->over;
    pack_text(&pk, STR("data"));
    return put_data_of(out, packet->json, parts, n);
}

bool msgpack_packet_from_text(struct str text, const struct str *parts, unsigned n, struct buf *out)
{
    struct sio_packet packet;

    return sio_packet_split(text, &packet) && put_map(out, &packet, parts, n);
}

size_t msgpack_packet_bound(size_t text_bytes)
{
    return json_msgpack_bound(text_bytes) + 64;
}

static struct eio_packet *translate_packets(struct eio_packet *const *packets, unsigned n)
{
    struct str text = eio_packet_text_payload(packets[0]), parts[SIO_MAX_ATTACHMENTS];
    struct eio_packet *made = NULL;
    size_t max = msgpack_packet_bound(text.len);

    for (unsigned i = 1; i < n; i++) {
        parts[i - 1] = eio_packet_binary_payload(packets[i]);
        max += parts[i - 1].len + 5;
    }
    struct buf bytes = BUF(max);
    if (msgpack_packet_from_text(text, parts, n - 1, &bytes)) made = eio_packet_binary(buf_str(&bytes));
    buf_free(&bytes);
    return made;
}

/* Made for the first of our clients that gets it, and kept for the others. */
static void send_msgpack(struct eio_session *eio, struct eio_packet *const *packets, unsigned n)
{
    struct eio_packet *other = eio_packet_other_encoding(packets[0]);

    if (other == NULL) {
        other = translate_packets(packets, n);
        if (other == NULL) {
            LOG_BOUNDED(
                ERROR, "gateway.untranslated", F_INT("bytes", eio_packet_bytes(packets[0])), F_INT("parts", n - 1));
            return;
        }
        eio_packet_set_other_encoding(packets[0], other);
    }
    eio_send(eio, other);
}

const struct sio_codec sio_msgpack_codec = { .message = on_message, .send = send_msgpack };
