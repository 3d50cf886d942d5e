/* record.c - a socket's record as bytes that only a gateway can have written. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/recovery/record.h"

#include <assert.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/secret.h"
#include "libshared/rpc/keys.h"
#include "services/gateway/rooms/rooms.h"
#include "services/gateway/rooms/offset.h"

#define PURPOSE   "madang recovery record"
#define MAC_BYTES 32

bool record_is_over(const char *reason)
{
    return strstr(reason, "namespace disconnect") != NULL || strcmp(reason, "parse error") == 0;
}

size_t record_names_bytes(const struct str *names, size_t n)
{
    size_t bytes = 0;

    for (size_t i = 0; i < n; i++) bytes += names[i].len;
    return bytes;
}

/* --- whose it is --- */

void record_key_load(struct record_key *key, const char *key_dir)
{
    keys_derive(key_dir, "gateway", PURPOSE, key->bytes);
}

static void make_hmac(const unsigned char *key, struct str bytes, unsigned char out[MAC_BYTES])
{
    unsigned len = 0;
    const void *made = HMAC(EVP_sha256(), key, MAC_BYTES, (const unsigned char *)bytes.at, bytes.len, out, &len);

    assert(made != NULL && len == MAC_BYTES);
    (void)made;
}

/* Each pid has a key of its own: one record is of no use in another's place. */
void record_sign(
    const struct record_key *key, const unsigned char *hash, struct str msgpack, unsigned char out[MAC_BYTES])
{
    unsigned char own[MAC_BYTES];

    make_hmac(key->bytes, (struct str){ (const char *)hash, RECORD_HASH_BYTES }, own);
    make_hmac(own, msgpack, out);
    secret_wipe(own, sizeof own);
}

static bool is_ours(struct str mac, const struct record_key *key, const unsigned char *hash, struct str msgpack)
{
    unsigned char want[MAC_BYTES];

    record_sign(key, hash, msgpack, want);
    return secret_eq(mac.at, want, sizeof want);
}

/* --- writing --- */

static void fill_wire_record(
    const struct record *record, struct recovery_room *starts, struct recovery_name *names, struct recovery_record *out)
{
    for (size_t i = 0; i < record->n; i++)
        starts[i] =
            (struct recovery_room){ record->rooms[i].room, record->rooms[i].room_no, record->rooms[i].start_seq };
    for (size_t i = 0; i < record->n_names; i++) names[i] = (struct recovery_name){ record->names[i] };
    *out = (struct recovery_record){ .nsp = record->nsp,
        .subject = record->subject,
        .sid = record->sid,
        .epoch = { &record->epoch, 1 },
        .next = record->next_room_no,
        .replayed = record->replayed,
        .rooms = { starts, record->n },
        .names = { names, record->n_names } };
}

static void encode_record(const struct record *record, struct buf *out)
{
    struct recovery_room *starts = mem_alloc((record->n + 1) * sizeof *starts);
    struct recovery_name *names = mem_alloc((record->n_names + 1) * sizeof *names);
    struct recovery_record wire;

    fill_wire_record(record, starts, names, &wire);
    if (wire_encode(recovery_record_shape(), &wire, out) != OK) buf_clear(out); /* the log says why */
    mem_free(starts);
    mem_free(names);
}

void record_write(const struct record *record, const struct record_key *key, const unsigned char *hash, struct buf *out)
{
    unsigned char mac[MAC_BYTES];
    struct buf msgpack = BUF(RECORD_BYTES_MAX - MAC_BYTES);

    encode_record(record, &msgpack);
    if (msgpack.len > 0) {
        record_sign(key, hash, buf_str(&msgpack), mac);
        buf_add(out, mac, sizeof mac);
        buf_add_str(out, buf_str(&msgpack));
    }
    buf_free(&msgpack);
}

/* --- reading --- */

static int compare_texts(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Sorts the list. */
static bool has_twins(struct str *list, size_t n)
{
    qsort(list, n, sizeof *list, compare_texts);
    for (size_t i = 1; i < n; i++)
        if (str_eq(list[i - 1], list[i])) return true;
    return false;
}

static bool rooms_are_sane(const struct recovery_record *wire, struct arena *arena)
{
    const struct recovery_room *starts = wire->rooms.at;
    size_t n = wire->rooms.len;
    struct str *rooms = arena_alloc(arena, (n + 1) * sizeof *rooms);

    for (size_t i = 0; i < n; i++) {
        if (starts[i].room_no >= wire->next || (i > 0 && starts[i].room_no <= starts[i - 1].room_no)) return false;
        rooms[i] = (struct str){ (const char *)starts[i].room.b, sizeof starts[i].room.b };
    }
    return !has_twins(rooms, n);
}

static void take_rooms(const struct recovery_record *wire, struct arena *arena, struct record *out)
{
    out->n = wire->rooms.len;
    out->rooms = arena_alloc(arena, (out->n + 1) * sizeof *out->rooms);
    for (size_t i = 0; i < out->n; i++)
        out->rooms[i] = (struct room_start){ wire->rooms.at[i].room, (uint32_t)wire->rooms.at[i].room_no,
            wire->rooms.at[i].start_seq };
}

static bool take_names(const struct recovery_record *wire, struct arena *arena, struct record *out)
{
    size_t n = wire->names.len;
    struct str *names = arena_alloc(arena, (n + 1) * sizeof *names);

    for (size_t i = 0; i < n; i++) names[i] = wire->names.at[i].name;
    out->names = names;
    out->n_names = n;
    return !has_twins(names, n);
}

static bool take_record(const struct recovery_record *wire, struct arena *arena, struct record *out)
{
    *out = (struct record){ .nsp = wire->nsp,
        .subject = wire->subject,
        .sid = arena_str(arena, wire->sid),
        .epoch = wire->epoch.at[0],
        .next_room_no = (uint32_t)wire->next,
        .replayed = wire->replayed };
    if (!secret_is_text(wire->sid, EIO_SID_CHARS) || !offset_is_epoch(out->epoch)) return false;
    if (!rooms_are_sane(wire, arena) || !take_names(wire, arena, out)) return false;
    take_rooms(wire, arena, out);
    return true;
}

bool record_read(
    struct str text, const struct record_key *key, const unsigned char *hash, struct arena *arena, struct record *out)
{
    struct recovery_record wire;
    struct wire_error why;

    *out = (struct record){ 0 };
    if (text.len <= MAC_BYTES || text.len > RECORD_BYTES_MAX) return false;
    struct str msgpack = str_skip(text, MAC_BYTES);
    if (!is_ours((struct str){ text.at, MAC_BYTES }, key, hash, msgpack)) return false;
    return wire_decode(recovery_record_shape(), msgpack, arena, &wire, &why) == OK && take_record(&wire, arena, out);
}
