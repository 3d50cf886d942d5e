/* pattern.c - patterns of policies: cut into pieces once, the common forms without a walk. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/policy/pattern.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* How many bytes of `rest`, which is not empty, are its first piece. */
static size_t first_piece(struct str rest)
{
    size_t len = 0;

    if (rest.at[0] == '*') return 1;
    if (str_starts(rest, STR("{sub}"))) return 5;
    while (len < rest.len && rest.at[len] != '*' && !str_starts(str_skip(rest, len), STR("{sub}"))) len++;
    return len;
}

static struct piece piece_at(struct str text, size_t at)
{
    struct piece piece = { (uint16_t)at, (uint16_t)first_piece(str_skip(text, at)), PIECE_TEXT };

    if (text.at[at] == '*') piece.kind = PIECE_STAR;
    if (str_starts(str_skip(text, at), STR("{sub}"))) piece.kind = PIECE_SUBJECT;
    return piece;
}

static size_t cut_into(struct str text, struct piece out[PATTERN_BYTES_MAX])
{
    size_t n = 0;

    for (size_t at = 0; at < text.len;) {
        struct piece piece = piece_at(text, at);

        at += piece.len;
        if (n > 0 && piece.kind == PIECE_STAR && out[n - 1].kind == PIECE_STAR) continue; /* ** is * */
        out[n++] = piece;
    }
    return n;
}

static struct str text_of(const struct pattern *p, const struct piece *piece)
{
    return (struct str){ p->text.at + piece->at, piece->len };
}

static void note_piece(struct pattern *p, const struct piece *piece)
{
    p->has_subject |= piece->kind == PIECE_SUBJECT;
    if (piece->kind == PIECE_TEXT) p->min_len = (uint16_t)(p->min_len + piece->len);
}

static bool is_form(const struct pattern *p, int first, int second)
{
    return p->n_pieces == 2 && (int)p->pieces[0].kind == first && (int)p->pieces[1].kind == second;
}

/* The common forms need their text alone. */
static void find_form(struct pattern *p)
{
    if (p->n_pieces == 1 && p->pieces[0].kind == PIECE_STAR)
        p->kind = PATTERN_ANY;
    else if (p->n_pieces == 1 && p->pieces[0].kind == PIECE_TEXT)
        p->kind = PATTERN_EXACT;
    else if (is_form(p, PIECE_TEXT, PIECE_STAR))
        p->kind = PATTERN_PREFIX;
    else if (is_form(p, PIECE_STAR, PIECE_TEXT))
        p->kind = PATTERN_SUFFIX;
    if (p->kind == PATTERN_PIECES) return;
    p->text = text_of(p, &p->pieces[p->kind == PATTERN_SUFFIX]);
    p->pieces = NULL;
    p->n_pieces = 0;
}

struct pattern pattern_compile(struct arena *arena, struct str text)
{
    struct piece pieces[PATTERN_BYTES_MAX];

    assert(text.len <= PATTERN_BYTES_MAX);
    struct pattern p = { .kind = PATTERN_PIECES, .text = arena_str(arena, text), .pieces = pieces };
    p.n_pieces = (uint16_t)cut_into(p.text, pieces);
    if (p.n_pieces == 0) return (struct pattern){ .kind = PATTERN_PIECES, .text = p.text };
    for (size_t i = 0; i < p.n_pieces; i++) note_piece(&p, &pieces[i]);
    struct str first = text_of(&p, &pieces[0]), last = text_of(&p, &pieces[p.n_pieces - 1]);
    p.head = pieces[0].kind == PIECE_TEXT ? first.at[0] : '\0';
    p.tail = pieces[p.n_pieces - 1].kind == PIECE_TEXT ? last.at[last.len - 1] : '\0';
    find_form(&p);
    if (p.pieces != NULL) p.pieces = arena_copy(arena, pieces, p.n_pieces * sizeof *pieces);
    return p;
}

/* Go along the pieces; where one does not fit, let the last star take one more character and try again from there. */
static bool pieces_fit(const struct pattern *p, struct str text, struct str subject)
{
    size_t i = 0, at = 0, star = SIZE_MAX, star_end = 0;

    for (;;) {
        const struct piece *piece = i < p->n_pieces ? &p->pieces[i] : NULL;
        if (piece == NULL && at == text.len) return true;
        if (piece != NULL && piece->kind == PIECE_STAR) {
            star = i++;
            star_end = at;
            continue;
        }
        if (piece != NULL) {
            struct str want = piece->kind == PIECE_SUBJECT ? subject : text_of(p, piece);
            if (text.len - at >= want.len && memcmp(text.at + at, want.at, want.len) == 0) {
                at += want.len;
                i++;
                continue;
            }
        } else if (star != SIZE_MAX && star + 1 == p->n_pieces) {
            return true; /* the star at the end takes the rest */
        }
        if (star == SIZE_MAX || star_end >= text.len) return false;
        at = ++star_end;
        i = star + 1;
    }
}

bool pattern_walk(const struct pattern *p, struct str text, struct str subject)
{
    if (p->has_subject && subject.len == 0) return false;

    switch (p->kind) {
    case PATTERN_EXACT: return text.len == p->text.len && memcmp(text.at, p->text.at, text.len) == 0;
    case PATTERN_PREFIX: return memcmp(text.at, p->text.at, p->text.len) == 0;
    case PATTERN_SUFFIX: return memcmp(text.at + text.len - p->text.len, p->text.at, p->text.len) == 0;
    case PATTERN_ANY:
    case PATTERN_PIECES: break;
    }
    return pieces_fit(p, text, subject);
}
