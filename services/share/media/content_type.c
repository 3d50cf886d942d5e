/* content_type.c - the first bytes of files, compared with the rows of content_types.def. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/media/content_type.h"

#include <string.h>

#include "libshared/base/arena.h"

#define PARTS_MAX 2

struct type_part {
    size_t at, len;
    const char *bytes;
};

struct content_row {
    struct content_type type;
    struct type_part parts[PARTS_MAX];
};

/* clang-format off */
#define SHOWN true
#define SAVED false
#define AT(at_, bytes_) { (at_), sizeof bytes_ - 1, bytes_ },
#define CONTENT_TYPE(name_, kind_, shown_, parts_) { { name_, CONTENT_##kind_, shown_ }, { parts_ } },
static const struct content_row rows[] = {
#include "services/share/media/content_types.def"
};
#undef CONTENT_TYPE
#undef AT
/* clang-format on */

static const struct content_type TEXT = { "text/plain; charset=utf-8", CONTENT_TEXT, false };
static const struct content_type OTHER = { "application/octet-stream", CONTENT_OTHER, false };

static const char *const kinds[CONTENT_KINDS] = { [CONTENT_IMAGE] = "image",
    [CONTENT_AUDIO] = "audio",
    [CONTENT_VIDEO] = "video",
    [CONTENT_TEXT] = "text",
    [CONTENT_DOCUMENT] = "document",
    [CONTENT_ARCHIVE] = "archive",
    [CONTENT_OTHER] = "other" };

static bool has_part(struct str head, const struct type_part *part)
{
    return head.len >= part->at + part->len && memcmp(head.at + part->at, part->bytes, part->len) == 0;
}

static bool fits(const struct content_row *row, struct str head)
{
    for (size_t i = 0; i < PARTS_MAX && row->parts[i].bytes != NULL; i++)
        if (!has_part(head, &row->parts[i])) return false;
    return true;
}

/* The bytes of a text in lines. */
static bool is_written(unsigned char c)
{
    return c >= 0x20 || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* A head that is full may end in the middle of a character, of which up to three bytes are there. */
static bool is_text(struct str head)
{
    size_t cut_max = head.len >= CONTENT_HEAD_BYTES ? 3 : 0;

    for (size_t i = 0; i < head.len; i++)
        if (!is_written((unsigned char)head.at[i])) return false;
    for (size_t cut = 0; cut <= cut_max; cut++)
        if (utf8_is_valid(head.at, head.len - cut)) return head.len > 0;
    return false;
}

const struct content_type *content_type_of(struct str head)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (fits(&rows[i], head)) return &rows[i].type;
    return is_text(head) ? &TEXT : &OTHER;
}

bool content_type_is_shown(struct str name)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (str_is(name, rows[i].type.name)) return rows[i].type.shown;
    return false;
}

bool content_type_is_read(struct str name)
{
    static const char *const read[] = { "image/jpeg", "image/png", "image/gif", "image/webp" };

    for (size_t i = 0; i < COUNT(read); i++)
        if (str_is(name, read[i])) return true;
    return false;
}

const char *content_kind_name(enum content_kind kind)
{
    return kinds[kind];
}

static unsigned kind_bit(struct str word)
{
    for (unsigned i = 0; i < CONTENT_KINDS; i++)
        if (str_is(word, kinds[i])) return 1u << i;
    return 0;
}

unsigned content_kinds_read(struct str list)
{
    unsigned all = 0;

    while (list.len > 0) {
        unsigned bit = kind_bit(str_trim(str_cut(&list, ',')));
        if (bit == 0) return 0;
        all |= bit;
    }
    return all;
}
