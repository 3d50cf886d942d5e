/* frame.c - heads of the messages between processes. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/frame.h"

#include <string.h>

#include "libshared/wire/check.h"
#include "libshared/wire/pack.h"
#include "libshared/wire/unpack.h"

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
    if (wire_encode(principal_shape(), &head->who, out) != OK) out->over = true;
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

/* A bin of 8, 16 or 32 bits of length. */
static bool cut_bin(struct str *rest, struct str *out)
{
    const uint8_t *at = (const uint8_t *)rest->at;

    if (rest->len == 0 || at[0] < 0xc4 || at[0] > 0xc6) return false;
    size_t width = (size_t)1 << (at[0] - 0xc4), len = 0;
    if (rest->len < 1 + width) return false;
    for (size_t i = 1; i <= width; i++) len = len << 8 | at[i];
    if (rest->len - 1 - width < len) return false;
    *out = (struct str){ rest->at + 1 + width, len };
    *rest = str_skip(*rest, 1 + width + len);
    return true;
}

bool frame_batch_next(struct str *rest, struct str *head, struct str *body)
{
    return cut_bin(rest, head) && cut_bin(rest, body);
}

static bool get_uint(const msgpack_object *o, uint64_t *out)
{
    *out = o->via.u64;
    return o->type == MSGPACK_OBJECT_POSITIVE_INTEGER;
}

static bool get_int(const msgpack_object *o, int64_t *out)
{
    *out = o->via.i64;
    return o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ||
           (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 <= INT64_MAX);
}

static bool get_name(const msgpack_object *o, struct str *out)
{
    *out = (struct str){ o->via.str.ptr, o->via.str.size };
    return o->type == MSGPACK_OBJECT_STR && out->len <= NAME_BYTES && is_text(*out);
}

static bool get_id(const msgpack_object *o, struct id *out)
{
    if (o->type != MSGPACK_OBJECT_BIN || o->via.bin.size != sizeof out->b) return false;
    memcpy(out->b, o->via.bin.ptr, sizeof out->b);
    return true;
}

static bool read_request(msgpack_object_array a, const char *end, struct arena *arena, struct frame_request *out)
{
    return a.size == 6 && get_uint(&a.ptr[1], &out->id) && get_name(&a.ptr[2], &out->method) &&
           get_int(&a.ptr[3], &out->budget_ms) && get_name(&a.ptr[4], &out->trace) &&
           unpack_record(principal_shape(), &a.ptr[5], end, arena, &out->who, NULL) == OK;
}

static bool read_reply(msgpack_object_array a, struct frame_reply *out)
{
    struct str code;

    if (a.size != 3 || !get_uint(&a.ptr[1], &out->id) || !get_name(&a.ptr[2], &code)) return false;
    out->status = err_find(code.at, code.len);
    return true;
}

static bool read_event(msgpack_object_array a, struct frame_event *out)
{
    return a.size == 4 && get_id(&a.ptr[1], &out->stream) && get_int(&a.ptr[2], &out->seq) &&
           get_name(&a.ptr[3], &out->name);
}

static bool read_head(const msgpack_object *root, const char *end, struct arena *arena, struct frame_head *out)
{
    uint64_t kind;

    if (root->type != MSGPACK_OBJECT_ARRAY || root->via.array.size == 0) return false;
    if (!get_uint(&root->via.array.ptr[0], &kind) || kind > FRAME_BATCH) return false;
    out->kind = (enum frame_kind)kind;
    switch (out->kind) {
    case FRAME_REQUEST: return read_request(root->via.array, end, arena, &out->request);
    case FRAME_REPLY: return read_reply(root->via.array, &out->reply);
    case FRAME_EVENT: return read_event(root->via.array, &out->event);
    case FRAME_BATCH: return root->via.array.size == 2 && get_uint(&root->via.array.ptr[1], &out->batch.n);
    }
    return false;
}

enum err frame_read(struct str bytes, struct arena *arena, struct frame_head *out)
{
    struct unpacked in;

    memset(out, 0, sizeof *out);
    TRY(unpack_open(bytes, &in));
    bool good = read_head(&in.root, bytes.at + bytes.len, arena, out);
    unpack_close(&in);
    return good ? OK : ERR_MALFORMED;
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
    };

    if (wire_encode(failure_shape(), &failure, out) != OK) out->over = true;
}
