/* frame.c - heads of the messages between processes. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/frame.h"

#include <string.h>

#include "libshared/wire/check.h"
#include "libshared/wire/decode.h"
#include "libshared/wire/pack.h"

#define NAME_BYTES 128 /* methods, traces, events */

void frame_put_request(struct buf *out, const struct frame_request *head)
{
    msgpack_packer pk = pack_into(out);

    msgpack_pack_array(&pk, 6);
    msgpack_pack_int(&pk, FRAME_REQUEST);
    msgpack_pack_uint64(&pk, head->id);
    pack_text(&pk, head->method);
    msgpack_pack_int64(&pk, head->budget_ms);
    pack_text(&pk, head->trace);
    if (head->same_who > 0)
        msgpack_pack_uint64(&pk, head->same_who);
    else if (wire_encode(principal_shape(), &head->who, out) != OK)
        out->over = true;
}

void frame_put_reply(struct buf *out, const struct frame_reply *head)
{
    msgpack_packer pk = pack_into(out);

    msgpack_pack_array(&pk, 3);
    msgpack_pack_int(&pk, FRAME_REPLY);
    msgpack_pack_uint64(&pk, head->id);
    pack_text(&pk, str_of(err_code(head->status)));
}

void frame_put_event(struct buf *out, const struct frame_event *head)
{
    msgpack_packer pk = pack_into(out);

    msgpack_pack_array(&pk, 4);
    msgpack_pack_int(&pk, FRAME_EVENT);
    pack_id(&pk, head->stream);
    msgpack_pack_int64(&pk, head->seq);
    pack_text(&pk, head->name);
}

void frame_put_batch(struct buf *out, const struct frame_batch *head)
{
    msgpack_packer pk = pack_into(out);

    msgpack_pack_array(&pk, 2);
    msgpack_pack_int(&pk, FRAME_BATCH);
    msgpack_pack_uint64(&pk, head->n);
}

void frame_batch_add(struct buf *out, struct str head, struct str body)
{
    msgpack_packer pk = pack_into(out);

    pack_bytes(&pk, head);
    pack_bytes(&pk, body);
}

static bool cut_bin(struct str *rest, struct str *out)
{
    struct msgpack_head head;

    if (!msgpack_read_head(*rest, &head) || head.kind != MSGPACK_BIN || head.n > rest->len - head.len) return false;
    *out = (struct str){ rest->at + head.len, (size_t)head.n };
    *rest = str_skip(*rest, head.len + (size_t)head.n);
    return true;
}

bool frame_batch_next(struct str *rest, struct str *head, struct str *body)
{
    return cut_bin(rest, head) && cut_bin(rest, body);
}

/* --- reading: a value after the other, and none is left --- */

static bool read_uint(struct msgpack_in *in, uint64_t *out)
{
    struct msgpack_value v;

    msgpack_next(in, &v);
    *out = v.uint;
    return v.kind == MSGPACK_UINT;
}

static bool read_int(struct msgpack_in *in, int64_t *out)
{
    struct msgpack_value v;

    msgpack_next(in, &v);
    *out = v.kind == MSGPACK_INT ? v.integer : (int64_t)v.uint;
    return v.kind == MSGPACK_INT || (v.kind == MSGPACK_UINT && v.uint <= INT64_MAX);
}

static bool read_name(struct msgpack_in *in, struct str *out)
{
    struct msgpack_value v;

    msgpack_next(in, &v);
    *out = v.bytes;
    return v.kind == MSGPACK_TEXT && out->len <= NAME_BYTES && is_text(*out);
}

static bool read_id(struct msgpack_in *in, struct id *out)
{
    struct msgpack_value v;

    msgpack_next(in, &v);
    if (v.kind != MSGPACK_BIN || v.bytes.len != sizeof out->b) return false;
    memcpy(out->b, v.bytes.at, sizeof out->b);
    return true;
}

static bool read_who(struct msgpack_in *in, struct arena *arena, struct frame_request *out)
{
    struct msgpack_in ahead = *in;

    if (!read_uint(&ahead, &out->same_who))
        return wire_decode_next(principal_shape(), in, arena, &out->who, NULL) == OK;
    *in = ahead;
    return out->same_who > 0;
}

static bool read_request(struct msgpack_in *in, struct arena *arena, struct frame_request *out)
{
    return read_uint(in, &out->id) && read_name(in, &out->method) && read_int(in, &out->budget_ms) &&
           read_name(in, &out->trace) && read_who(in, arena, out);
}

static bool read_reply(struct msgpack_in *in, struct frame_reply *out)
{
    struct str code;

    if (!read_uint(in, &out->id) || !read_name(in, &code)) return false;
    out->status = err_find(code.at, code.len);
    return true;
}

static bool read_event(struct msgpack_in *in, struct frame_event *out)
{
    return read_id(in, &out->stream) && read_int(in, &out->seq) && read_name(in, &out->name);
}

static bool read_head(struct msgpack_in *in, struct arena *arena, struct frame_head *out)
{
    static const uint32_t sizes[] = { [FRAME_REQUEST] = 6, [FRAME_REPLY] = 3, [FRAME_EVENT] = 4, [FRAME_BATCH] = 2 };
    struct msgpack_value array;
    uint64_t kind;

    if (!msgpack_next(in, &array) || array.kind != MSGPACK_ARRAY || array.count == 0) return false;
    if (!read_uint(in, &kind) || kind > FRAME_BATCH || array.count != sizes[kind]) return false;
    out->kind = (enum frame_kind)kind;
    switch (out->kind) {
    case FRAME_REQUEST: return read_request(in, arena, &out->request);
    case FRAME_REPLY: return read_reply(in, &out->reply);
    case FRAME_EVENT: return read_event(in, &out->event);
    case FRAME_BATCH: return read_uint(in, &out->batch.n);
    }
    return false;
}

enum err frame_read(struct str bytes, struct arena *arena, struct frame_head *out)
{
    struct msgpack_in in = { .left = bytes };

    memset(out, 0, sizeof *out);
    return read_head(&in, arena, out) && in.left.len == 0 ? OK : ERR_MALFORMED;
}

/* A sentence of ours may quote what was cut in the middle of a character. */
static struct str sentence(enum err e, const char *text)
{
    struct str s = str_of(text);

    return s.len > 0 && is_text(s) ? s : str_of(err_text(e));
}

void frame_put_failure(struct buf *out, enum err e, const struct wire_error *why)
{
    static const struct wire_error none = { .field = "" };
    const struct wire_error *w = why == NULL ? &none : why;
    bool waits = w->retry_after_ms > 0 && w->retry_after_ms <= 86400000;
    struct failure failure = {
        .code = str_of(err_code(e)),
        .message = sentence(e, w->text),
        .field = *w->field != '\0' ? str_of(w->field) : STR_NONE,
        .retry_after_ms = waits ? w->retry_after_ms : 0,
        .quota = w->quota != NULL ? str_of(w->quota) : STR_NONE,
        .limit = w->quota != NULL ? w->limit : -1,
        .used = w->quota != NULL ? w->used : -1,
        .line = w->line,
    };

    if (wire_encode(failure_shape(), &failure, out) != OK) out->over = true;
}
