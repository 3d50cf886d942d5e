/* fuzz_import.c - any bytes as a part of a file that is read in: what is taken is a gapless piece of one room's log, and what is not says its line. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/wire/wire.h"
#include "services/store/export/export.h"
#include "services/store/import/import.h"
#include "tests/fuzz/fuzz.h"

#define NOW    INT64_C(1800000000000)
#define BEFORE 41

static struct arena *arena;

static void is_sane(const struct import_lines *lines)
{
    PROMISE(!id_is_nil(lines->room) && (lines->begin == NULL || id_eq(lines->begin->room->id, lines->room)));
    for (size_t i = 1; i < lines->members.len; i++)
        PROMISE(str_cmp(lines->members.at[i - 1].subject, lines->members.at[i].subject) < 0);
    for (size_t i = 0; i < lines->entries.len; i++) {
        const struct message *entry = &lines->entries.at[i];
        PROMISE(id_eq(entry->room, lines->room) && entry->target < entry->seq && entry->thread < entry->seq);
        PROMISE(i == 0 || entry->seq == lines->entries.at[i - 1].seq + 1);
    }
    PROMISE(lines->entries.len == 0 || lines->place.seq == lines->entries.at[lines->entries.len - 1].seq);
    PROMISE(!lines->is_whole || lines->place.seq == lines->place.head);
}

/* With the end that belongs to it, so that what a fuzzer changes of lines is not always refused by its hash. */
static struct str with_end(struct str text, struct buf *out)
{
    char zeroes[32] = { 0 };
    struct export_place place = { .hash = export_hash(arena, (struct str){ zeroes, sizeof zeroes }, text) };

    for (const char *at = text.at; (at = memchr(at, '\n', text.len - (size_t)(at - text.at))) != NULL; at++)
        place.entries += str_starts(str_skip(text, (size_t)(at - text.at) + 1), STR("{\"entry\""));
    buf_add_str(out, text);
    export_put_last(out, &place, STR_NONE);
    return buf_str(out);
}

static void read_part(struct str text)
{
    struct import_lines lines;
    struct wire_error why = { 0 };

    if (import_lines_read(arena, STR_NONE, text, BEFORE, NOW, &lines, &why) == OK)
        is_sane(&lines);
    else
        PROMISE(why.line >= BEFORE && why.text[0] != '\0');
    arena_reset(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct buf whole = BUF(size + 1024);

    if (arena == NULL) arena = arena_create("fuzz", (size_t)1 << 28);
    read_part(text);
    if (size > 0) read_part(with_end(text, &whole));
    buf_free(&whole);
    return 0;
}
