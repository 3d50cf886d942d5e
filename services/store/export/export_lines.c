/* export_lines.c - the lines of an export, and its places. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/export/export.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/base/hex.h"
#include "libshared/wire/wire.h"

#define HASH_BYTES  32
#define PLACE_BYTES 1190 /* an export_place, by the bounds of its fields */

static void put_line(struct buf *out, const struct export_line *line)
{
    if (wire_write_json(export_line_shape(), line, out) == OK)
        buf_add_char(out, '\n');
    else
        out->over = true;
}

void export_put_begin(struct buf *out, struct exported_room *room, int64_t after, int64_t head)
{
    struct export_begin begin = { STR(EXPORT_FORMAT), EXPORT_VERSION, room, after, head };

    put_line(out, &(struct export_line){ .begin = &begin });
}

static int compare_people(const void *a, const void *b)
{
    return memcmp(&((const struct person *)a)->id, &((const struct person *)b)->id, sizeof(struct id));
}

void export_put_people(struct buf *out, struct person_list people)
{
    if (people.len > 0) qsort(people.at, people.len, sizeof *people.at, compare_people);
    for (size_t i = 0; i < people.len; i++) {
        struct export_person person = { people.at[i].id, people.at[i].nickname, people.at[i].name };
        put_line(out, &(struct export_line){ .person = &person });
    }
}

void export_put_members(struct buf *out, struct room_member_list members)
{
    for (size_t i = 0; i < members.len; i++) put_line(out, &(struct export_line){ .member = &members.at[i] });
}

void export_put_friends(struct buf *out, struct export_friends_list friends)
{
    for (size_t i = 0; i < friends.len; i++) put_line(out, &(struct export_line){ .friends = &friends.at[i] });
}

void export_put_media(struct buf *out, struct export_media media)
{
    for (size_t i = 0; i < media.media.len; i++) put_line(out, &(struct export_line){ .medium = &media.media.at[i] });
}

void export_put_entry(struct buf *out, const struct message *entry)
{
    struct export_entry kept = { .seq = entry->seq,
        .kind = entry->kind,
        .id = entry->id,
        .sender = entry->sender,
        .at = entry->at,
        .target = entry->target,
        .thread = entry->thread,
        .body = entry->body,
        .meta = entry->meta,
        .attachments = entry->attachments };

    put_line(out, &(struct export_line){ .entry = &kept });
}

static struct str print_hash(struct str hash, char out[2 * HASH_BYTES + 1])
{
    hex_format((const unsigned char *)hash.at, hash.len, out);
    return (struct str){ out, 2 * hash.len };
}

void export_put_last(struct buf *out, const struct export_place *place, struct str mark)
{
    char hash[2 * HASH_BYTES + 1];
    struct export_end end = { place->entries, print_hash(place->hash, hash) };

    if (mark.len > 0)
        put_line(out, &(struct export_line){ .mark = mark });
    else
        put_line(out, &(struct export_line){ .end = &end });
}

struct str export_hash(struct arena *arena, struct str before, struct str text)
{
    unsigned char *out = arena_alloc(arena, HASH_BYTES);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();

    if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1 ||
        EVP_DigestUpdate(hash, before.at, before.len) != 1 || EVP_DigestUpdate(hash, text.at, text.len) != 1 ||
        EVP_DigestFinal_ex(hash, out, NULL) != 1)
        abort();
    EVP_MD_CTX_free(hash);
    return (struct str){ (const char *)out, HASH_BYTES };
}

/* --- places --- */

struct str export_place_print(struct arena *arena, const struct export_place *place)
{
    struct buf bytes = BUF(PLACE_BYTES);
    enum err e = wire_encode(export_place_shape(), place, &bytes);

    assert(e == OK); /* within its bounds */
    char *out = arena_alloc(arena, (4 * bytes.len + 2) / 3 + 1);
    base64url_encode((const unsigned char *)bytes.at, bytes.len, out);
    buf_free(&bytes);
    return str_of(out);
}

bool export_place_read(struct arena *arena, struct str text, struct export_place *out)
{
    static const char zeroes[HASH_BYTES];
    struct wire_error why;

    *out = (struct export_place){ .hash = { zeroes, HASH_BYTES } };
    if (text.len == 0) return true;
    if (!base64url_is_canonical(text)) return false;
    unsigned char *bytes = arena_alloc(arena, text.len);
    struct str place = { (const char *)bytes, base64url_decode(text, bytes) };
    return wire_decode(export_place_shape(), place, arena, out, &why) == OK;
}
