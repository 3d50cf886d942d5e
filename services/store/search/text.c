/* text.c - folding texts, cutting queries into words, and looking for those. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/search/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>

#define CLUSTER_MAX 32                     /* characters that are folded together */
#define FORM_UNITS  (CLUSTER_MAX * 2 * 18) /* of UTF-16: no form makes more than 18 of one */

/* --- reading --- */

/* The next character of valid UTF-8. */
static int32_t next_character(struct str text, size_t *at)
{
    unsigned char c = (unsigned char)text.at[(*at)++];
    int more = c < 0x80 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    int32_t value = more == 0 ? c : c & (0x3F >> more);

    while (more-- > 0 && *at < text.len) value = value << 6 | ((unsigned char)text.at[(*at)++] & 0x3F);
    return value;
}

/* Alone it is folded already, or an ASCII letter: and what follows it, being such a one, does not combine with it. */
static bool is_plain(int32_t c)
{
    return c < 0x80 || (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0x4E00 && c <= 0x9FFF);
}

/* --- folding --- */

struct folding {
    struct arena *arena;
    struct search_text out;
    size_t room;
};

static void grow(struct folding *f)
{
    size_t room = f->room * 2;
    struct search_text more = { arena_alloc(f->arena, room * sizeof *more.at),
        arena_alloc(f->arena, room * sizeof *more.from), arena_alloc(f->arena, room * sizeof *more.until), f->out.len };

    memcpy(more.at, f->out.at, f->out.len * sizeof *more.at);
    memcpy(more.from, f->out.from, f->out.len * sizeof *more.from);
    memcpy(more.until, f->out.until, f->out.len * sizeof *more.until);
    f->out = more;
    f->room = room;
}

static void put(struct folding *f, int32_t c, uint32_t from, uint32_t until)
{
    if (f->out.len == f->room) grow(f);
    f->out.at[f->out.len] = c;
    f->out.from[f->out.len] = from;
    f->out.until[f->out.len++] = until;
}

struct units {
    UChar at[FORM_UNITS];
    int32_t len;
};

static void add_unit(struct units *units, int32_t c)
{
    if (c > 0xFFFF) {
        units->at[units->len++] = (UChar)(0xD7C0 + (c >> 10));
        units->at[units->len++] = (UChar)(0xDC00 | (c & 0x3FF));
    } else {
        units->at[units->len++] = (UChar)c;
    }
}

static int32_t next_of_units(const struct units *units, int32_t *i)
{
    int32_t c = units->at[(*i)++];

    return (c & 0xFC00) != 0xD800 ? c : ((c - 0xD7C0) << 10) + (units->at[(*i)++] & 0x3FF);
}

/* Decomposed, folded, composed: canonical caseless matching as Unicode defines it (D145). */
static void fold_units(const struct units *from, struct units *out)
{
    struct units apart, folded;
    UErrorCode e = U_ZERO_ERROR;

    apart.len = unorm2_normalize(unorm2_getNFDInstance(&e), from->at, from->len, apart.at, FORM_UNITS, &e);
    folded.len = u_strFoldCase(folded.at, FORM_UNITS, apart.at, apart.len, U_FOLD_CASE_DEFAULT, &e);
    out->len = unorm2_normalize(unorm2_getNFCInstance(&e), folded.at, folded.len, out->at, FORM_UNITS, &e);
    assert(U_SUCCESS(e)); /* there is room for whatever comes of a cluster */
}

static void put_cluster(struct folding *f, const int32_t *at, size_t n, uint32_t from)
{
    struct units units = { .len = 0 }, folded;

    for (size_t i = 0; i < n; i++) add_unit(&units, at[i]);
    fold_units(&units, &folded);
    for (int32_t i = 0; i < folded.len;) {
        int32_t c = next_of_units(&folded, &i);
        if (!u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) put(f, c, from, from + (uint32_t)n);
    }
}

static bool begins_cluster(int32_t c)
{
    UErrorCode e = U_ZERO_ERROR;

    return is_plain(c) || unorm2_hasBoundaryBefore(unorm2_getNFCInstance(&e), c);
}

struct search_text search_fold(struct arena *arena, struct str text)
{
    struct folding f = { .arena = arena, .room = text.len + 8 };
    int32_t cluster[CLUSTER_MAX];
    uint32_t n_read = 0;

    f.out = (struct search_text){ arena_alloc(arena, f.room * sizeof *f.out.at),
        arena_alloc(arena, f.room * sizeof *f.out.from), arena_alloc(arena, f.room * sizeof *f.out.until), 0 };
    for (size_t at = 0; at < text.len;) {
        size_t n = 1, next = at;
        cluster[0] = next_character(text, &next);
        for (at = next; next < text.len && n < CLUSTER_MAX; at = next) {
            int32_t c = next_character(text, &next);
            if (begins_cluster(c)) break;
            cluster[n++] = c;
        }
        if (n == 1 && is_plain(cluster[0]))
            put(&f, cluster[0] >= 'A' && cluster[0] <= 'Z' ? cluster[0] + 'a' - 'A' : cluster[0], n_read, n_read + 1);
        else
            put_cluster(&f, cluster, n, n_read);
        n_read += (uint32_t)n;
    }
    return f.out;
}

/* --- words --- */

bool search_is_blank(int32_t c)
{
    return c <= ' ' || (c >= 0x7F && u_isUWhiteSpace(c));
}

/* Scripts that set no blanks between words, and Korean, whose syllables say something: each character is a word. */
static bool stands_alone(int32_t c)
{
    static const UScriptCode scripts[] = { USCRIPT_HANGUL, USCRIPT_HAN, USCRIPT_HIRAGANA, USCRIPT_KATAKANA,
        USCRIPT_BOPOMOFO, USCRIPT_THAI, USCRIPT_LAO, USCRIPT_KHMER, USCRIPT_MYANMAR, USCRIPT_YI };
    UErrorCode e = U_ZERO_ERROR;
    UScriptCode script = uscript_getScript(c, &e);

    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (script == scripts[i]) return true;
    return false;
}

/* A letter, a digit, or a mark on one, of a script that separates its words. */
static bool is_in_word(int32_t c)
{
    if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
    if (c >= 0x4E00 && is_plain(c)) return false;
    return (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK)) != 0 && !stands_alone(c);
}

bool search_begins_word(const struct search_text *text, size_t i)
{
    return i == 0 || !is_in_word(text->at[i]) || !is_in_word(text->at[i - 1]);
}

bool search_cut_words(const struct search_text *query, struct search_words *out)
{
    out->len = 0;
    for (size_t i = 0; i < query->len;) {
        size_t from = i;
        while (i < query->len && !search_is_blank(query->at[i])) i++;
        if (i > from && out->len == SEARCH_WORDS_MAX) return false;
        if (i > from)
            out->at[out->len++] =
                (struct search_text){ query->at + from, query->from + from, query->until + from, i - from };
        else
            i++;
    }
    return out->len > 0;
}

/* --- looking for words --- */

/* So many places of one word are enough: more are not shown, and a text of one letter is no work. */
#define PLACES_MAX 128

static bool stands_at(const struct search_text *text, const struct search_text *word, size_t i)
{
    if (text->at[i] != word->at[0]) return false;
    if (word->len == 1) return search_begins_word(text, i);
    return memcmp(text->at + i, word->at, word->len * sizeof *word->at) == 0;
}

static size_t find_word(const struct search_text *text, const struct search_text *word, struct search_piece *out)
{
    size_t n = 0;

    for (size_t i = 0; i + word->len <= text->len && n < PLACES_MAX; i++) {
        if (!stands_at(text, word, i)) continue;
        out[n++] = (struct search_piece){ text->from[i], text->until[i + word->len - 1] };
        i += word->len - 1;
    }
    return n;
}

static int compare_pieces(const void *a, const void *b)
{
    const struct search_piece *left = a, *right = b;

    if (left->from != right->from) return left->from < right->from ? -1 : 1;
    return left->until < right->until ? -1 : left->until > right->until;
}

static void join_pieces(struct search_pieces *pieces, size_t max)
{
    size_t n = 0;

    if (pieces->len > 1) qsort(pieces->at, pieces->len, sizeof *pieces->at, compare_pieces);
    for (size_t i = 0; i < pieces->len; i++) {
        const struct search_piece piece = pieces->at[i];
        if (n == 0 || piece.from >= pieces->at[n - 1].until) {
            if (n == max) break;
            pieces->at[n++] = piece;
        } else if (piece.until > pieces->at[n - 1].until) {
            pieces->at[n - 1].until = piece.until;
        }
    }
    pieces->len = n;
}

bool search_match(struct arena *arena, const struct search_text *text, const struct search_words *words, size_t max,
    struct search_pieces *out)
{
    struct search_piece found[SEARCH_WORDS_MAX * PLACES_MAX];

    out->len = 0;
    for (size_t i = 0; i < words->len; i++) {
        size_t n = find_word(text, &words->at[i], found + out->len);
        if (n == 0) return false;
        out->len += n;
    }
    out->at = arena_copy(arena, found, out->len * sizeof *found);
    join_pieces(out, max);
    return true;
}
