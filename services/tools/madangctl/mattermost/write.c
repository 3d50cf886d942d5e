/* write.c - a room as a file of docs/import.md: its entries in the order of their times, in parts that end with marks. */
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "services/store/export/export.h"
#include "services/tools/madangctl/mattermost/rooms.h"

#define PART_MEMBERS 200
#define PART_ENTRIES 250 /* with their media no more lines than a part may have */
#define PART_LINES   500
#define PART_BYTES   (128 << 10)
#define ID_BYTES     32

/* By room, then by time; of one time, as the file has them. */
static int compare_entries(const void *a, const void *b)
{
    const struct made_entry *one = a, *other = b;

    if (one->room != other->room) return one->room < other->room ? -1 : 1;
    if (one->order != other->order) return one->order < other->order ? -1 : 1;
    return one->n < other->n ? -1 : one->n > other->n;
}

void rooms_sort(struct made_rooms *all)
{
    uint32_t seq = 0;

    if (all->n_entries > 0) qsort(all->entries, all->n_entries, sizeof *all->entries, compare_entries);
    all->seqs = mem_alloc(all->n_entries * sizeof *all->seqs + 1);
    for (size_t i = 0; i < all->n_entries; i++) {
        if (i == 0 || all->entries[i].room != all->entries[i - 1].room) {
            seq = 0;
            all->rooms[all->entries[i].room].first_entry = i;
        }
        all->seqs[all->entries[i].n] = ++seq;
    }
}

/* --- a part --- */

struct made_part {
    struct made_rooms *all;
    FILE *to;
    struct arena *arena;
    struct buf media, entries, text; /* of entries, and the media that they show; the part */
    size_t n_media, n_entries;
    struct export_place place;
    char hash[ID_BYTES];
    bool good;
};

static void end_part(struct made_part *part, bool is_last)
{
    buf_add_str(&part->text, buf_str(&part->media));
    buf_add_str(&part->text, buf_str(&part->entries));
    struct str hash = export_hash(part->arena, (struct str){ part->hash, ID_BYTES }, buf_str(&part->text));
    memcpy(part->hash, hash.at, ID_BYTES);
    part->place.hash = (struct str){ part->hash, ID_BYTES };
    export_put_last(&part->text, &part->place, is_last ? STR_NONE : export_place_print(part->arena, &part->place));
    part->good = part->good && !part->text.over && !part->media.over && !part->entries.over &&
                 fwrite(part->text.at, 1, part->text.len, part->to) == part->text.len;
    buf_clear(&part->text);
    buf_clear(&part->media);
    buf_clear(&part->entries);
    part->n_media = part->n_entries = 0;
    part->place.member = STR_NONE;
    arena_reset(part->arena);
}

/* --- members --- */

static int compare_members(const void *a, const void *b)
{
    return str_cmp(((const struct made_member *)a)->subject, ((const struct made_member *)b)->subject);
}

/* Once each; of the channel's admins the first is the owner, or if it has none, the first member. */
static size_t sort_members(struct made_room *room, struct str *owner)
{
    size_t n = 0, first = 0;

    *owner = STR_NONE;
    if (room->n_members == 0) return 0;
    while (first < room->n_members && !room->members[first].is_admin) first++;
    if (!room->is_direct) *owner = room->members[first < room->n_members ? first : 0].subject;
    qsort(room->members, room->n_members, sizeof *room->members, compare_members);
    for (size_t i = 0; i < room->n_members; i++) {
        if (n == 0 || !str_eq(room->members[n - 1].subject, room->members[i].subject))
            room->members[n++] = room->members[i];
        else
            room->members[n - 1].is_admin |= room->members[i].is_admin;
    }
    return room->n_members = n;
}

static void put_members(struct made_part *part, const struct made_room *room, struct str owner, int64_t since)
{
    for (size_t i = 0; i < room->n_members; i++) {
        const struct made_member *one = &room->members[i];
        struct room_member member = { .subject = one->subject, .role = STR("member"), .joined_at = since };
        if (one->is_admin) member.role = STR("admin");
        if (str_eq(one->subject, owner)) member.role = STR("owner");
        export_put_members(&part->text, (struct room_member_list){ &member, 1 });
        part->place.members = i + 1 == room->n_members;
        if (i % PART_MEMBERS < PART_MEMBERS - 1 || part->place.members) continue;
        part->place.member = one->subject;
        end_part(part, false);
    }
    part->place.members = part->place.friends = true;
}

static void put_begin(struct made_part *part, const struct made_room *room, struct str owner, int64_t since)
{
    struct str two[2] = { STR_NONE, STR_NONE };
    struct exported_room said = { .id = room->id,
        .name = room->name.at != NULL ? room->name : STR(""),
        .topic = room->topic.at != NULL ? room->topic : STR(""),
        .created_by = owner.len > 0 ? owner : part->all->as,
        .created_at = since,
        .open = room->is_open,
        .listed = room->is_open,
        .writes = STR("member"),
        .invites = STR("admin"),
        .history = STR("all"),
        .archived_at = room->archived_at };

    if (room->is_direct) {
        for (size_t i = 0; i < 2; i++) two[i] = room->members[i].subject;
        said.two = (struct str_list){ two, 2 };
        said.created_by = two[0];
    }
    export_put_begin(&part->text, &said, 0, room->entries);
    part->place = (struct export_place){ .head = room->entries, .room = room->id };
}

/* --- entries --- */

static bool read_spooled(
    struct made_part *part, const struct made_entry *made, struct export_entry *entry, struct export_media *media)
{
    char *bytes = arena_alloc(part->arena, (size_t)made->bytes + made->media_bytes + 1);
    struct wire_error why;

    if (fseeko(part->all->spool, (off_t)made->offset, SEEK_SET) != 0 ||
        fread(bytes, 1, (size_t)made->bytes + made->media_bytes, part->all->spool) !=
            (size_t)made->bytes + made->media_bytes)
        return false;
    *media = (struct export_media){ { NULL, 0 } };
    return wire_decode(export_entry_shape(), (struct str){ bytes, made->bytes }, part->arena, entry, &why) == OK &&
           (made->media_bytes == 0 ||
               wire_decode(export_media_shape(), (struct str){ bytes + made->bytes, made->media_bytes }, part->arena,
                   media, &why) == OK);
}

static void put_entry(struct made_part *part, const struct made_entry *made)
{
    struct export_entry said;
    struct export_media media;
    char id[ID_BYTES];

    part->good = part->good && read_spooled(part, made, &said, &media);
    if (!part->good) return;
    int64_t parent = made->parent > 0 ? part->all->seqs[made->parent - 1] : 0;
    struct message entry = { .seq = part->all->seqs[made->n],
        .kind = said.kind,
        .sender = said.sender,
        .at = said.at,
        .target = said.kind.len > 0 ? parent : 0,
        .thread = said.kind.len > 0 ? 0 : parent,
        .body = said.body,
        .meta = said.meta,
        .attachments = said.attachments };
    snprintf(id, sizeof id, "mattermost-%lld", (long long)entry.seq);
    entry.id = str_of(id);
    export_put_media(&part->media, media);
    export_put_entry(&part->entries, &entry);
    part->n_media += media.media.len;
    part->place.seq = ++part->place.entries;
    if (++part->n_entries == PART_ENTRIES || part->n_entries + part->n_media > PART_LINES ||
        part->entries.len > PART_BYTES)
        if (part->place.seq < part->place.head) end_part(part, false);
}

bool room_write(struct made_rooms *all, size_t i, FILE *to)
{
    struct made_room *room = &all->rooms[i];
    struct made_part part = { .all = all,
        .to = to,
        .media = BUF(EXPORT_TEXT_MAX),
        .entries = BUF(EXPORT_TEXT_MAX),
        .text = BUF(EXPORT_TEXT_MAX),
        .good = true };
    int64_t since = room->first_at > 0 ? room->first_at : all->earliest > 0 ? all->earliest : 1;
    struct str owner;

    /* bound: one part */
    part.arena = arena_create("madangctl.part", 64u << 20);
    sort_members(room, &owner);
    put_begin(&part, room, owner, since);
    put_members(&part, room, owner, since);
    for (int64_t k = 0; k < room->entries && part.good; k++)
        put_entry(&part, &all->entries[room->first_entry + (size_t)k]);
    end_part(&part, true);
    buf_free(&part.media);
    buf_free(&part.entries);
    buf_free(&part.text);
    arena_destroy(&part.arena);
    return part.good;
}
