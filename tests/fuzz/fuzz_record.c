/* fuzz_record.c - any bytes as a recovery record in Redis: unsigned they are none, signed they are held against their bounds. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/secret.h"
#include "services/gateway/engineio/eio.h"
#include "services/gateway/recovery/record.h"
#include "tests/fuzz/fuzz.h"

static const struct record_key key = { "a key that all gateways have...." };
static const unsigned char hash[RECORD_HASH_BYTES] = "the hash of a pid";
static struct arena *arena;

static void is_sane(const struct record *r)
{
    PROMISE(secret_is_text(r->sid, EIO_SID_CHARS) && r->sid.at[EIO_SID_CHARS] == '\0');
    PROMISE(r->n <= 1000 && r->n_names <= 1000 && r->nsp.len > 0);
    for (size_t i = 0; i < r->n; i++) {
        PROMISE(r->rooms[i].start_seq >= 0 && r->rooms[i].room_no < r->next_room_no);
        PROMISE(i == 0 || r->rooms[i].room_no > r->rooms[i - 1].room_no);
        for (size_t k = 0; k < i && k < 20; k++) PROMISE(!id_eq(r->rooms[i].room, r->rooms[k].room));
    }
}

static void writes_again(const struct record *r)
{
    struct buf text = BUF(RECORD_BYTES_MAX);
    struct record again;

    record_write(r, &key, hash, &text);
    PROMISE(record_read(buf_str(&text), &key, hash, arena, &again));
    PROMISE(again.n == r->n && again.n_names == r->n_names && str_eq(again.sid, r->sid) && str_eq(again.nsp, r->nsp));
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str msgpack = { (const char *)data, size };
    unsigned char mac[32];
    struct buf text = BUF(size + sizeof mac);
    struct record record;

    if (arena == NULL) arena = arena_create("fuzz", (size_t)1 << 28);
    PROMISE(!record_read(msgpack, &key, hash, arena, &record));
    record_sign(&key, hash, msgpack, mac);
    buf_add(&text, mac, sizeof mac);
    buf_add_str(&text, msgpack);
    if (record_read(buf_str(&text), &key, hash, arena, &record)) {
        is_sane(&record);
        writes_again(&record);
    }
    buf_free(&text);
    arena_reset(arena);
    return 0;
}
