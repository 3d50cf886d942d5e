/* pattern.c - patterns of policies: cut into pieces once, the common forms without a walk. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/policy/pattern.h"

#include <stdint.h>
#include <string.h>

/* The piece at the head of `rest`, which is not empty. */
static struct piece first_piece(struct str rest)
{
    size_t len = 0;

    if (rest.at[0] == '*') return (struct piece){ PIECE_STAR, { rest.at, 1 } };
    if (str_starts(rest, STR("{sub}"))) return (struct piece){ PIECE_SUBJECT, { rest.at, 5 } };
    while (len < rest.len && rest.at[len] != '*' && !str_starts(str_skip(rest, len), STR("{sub}"))) len++;
    return (struct piece){ PIECE_TEXT, { rest.at, len } };
}

/* Into `out`, or only counted if that is NULL. */
static size_t cut_piece(struct str text, struct piece *out)
{
    size_t n = 0;
    bool was_star = false;

    while (text.len > 0) {
        struct piece piece = first_piece(text);

        text = str_skip(text, piece.text.len);
        if (was_star && piece.kind == PIECE_STAR) continue; /* ** is * */
        was_star = piece.kind == PIECE_STAR;
        if (out != NULL) out[n] = piece;
        n++;
    }
    return n;
}

static void cut_into(struct arena *arena, struct str text, struct pattern *p)
{
    p->pieces = arena_alloc(arena, cut_piece(text, NULL) * sizeof *p->pieces);
    p->n_pieces = cut_piece(text, p->pieces);
    for (size_t i = 0; i < p->n_pieces; i++) {
        p->has_subject |= p->pieces[i].kind == PIECE_SUBJECT;
        p->min_len += p->pieces[i].kind == PIECE_TEXT ? p->pieces[i].text.len : 0;
    }
}

static bool is_form(const struct pattern *p, int first, int second)
{
    return p->n_pieces == 2 && (int)p->pieces[0].kind == first && (int)p->pieces[1].kind == second;
}

struct pattern pattern_compile(struct arena *arena, struct str text)
{
    struct pattern p = { .kind = PATTERN_PIECES };

    cut_into(arena, arena_str(arena, text), &p);
    if (p.n_pieces == 1 && p.pieces[0].kind == PIECE_STAR)
        p.kind = PATTERN_ANY;
    else if (p.n_pieces == 1 && p.pieces[0].kind == PIECE_TEXT)
        p.kind = PATTERN_EXACT;
    else if (is_form(&p, PIECE_TEXT, PIECE_STAR))
        p.kind = PATTERN_PREFIX;
    else if (is_form(&p, PIECE_STAR, PIECE_TEXT))
        p.kind = PATTERN_SUFFIX;
    if (p.n_pieces == 0) return p;

    struct piece first = p.pieces[0], last = p.pieces[p.n_pieces - 1];
    p.head = first.kind == PIECE_TEXT ? first.text.at[0] : '\0';
    p.tail = last.kind == PIECE_TEXT ? last.text.at[last.text.len - 1] : '\0';
    p.text = p.pieces[p.kind == PATTERN_SUFFIX].text;
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
            struct str want = piece->kind == PIECE_SUBJECT ? subject : piece->text;
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
    default: return pieces_fit(p, text, subject);
    }
}
