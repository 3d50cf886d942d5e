/*
 * qr.c - QR codes: the text becomes bytes with error correction, and these a square of modules.
 *
 *      version   the smallest square that holds them: 21 modules a side and 4 more for each
 *      fixed     finders in three corners, timing lines, alignment patterns, format, version
 *      data      two columns at a time, from the right, upwards and downwards; inverted by a mask
 *
 * The mask is always the first.  The standard chooses the one of eight with the fewest regular patterns, for what is regular
 * itself; readers read any.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/page/qr.h"

#include <string.h>

#include "libshared/base/buf.h"

#define VERSIONS       27
#define CODEWORDS_MAX  2048
#define CORRECTION_MAX 30
#define MASK           0

/* Of level M, by version from 1: codewords of correction in a block, and blocks. */
static const unsigned char correction[VERSIONS + 1] = { 0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24,
    28, 28, 26, 26, 26, 26, 28, 28, 28, 28, 28, 28 };
static const unsigned char blocks[VERSIONS + 1] = { 0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16,
    17, 17, 18, 20, 21, 23, 25 };

/* --- how much a version holds --- */

static int alignments_of(int version)
{
    return version == 1 ? 0 : version / 7 + 2;
}

static int codewords_of(int version)
{
    int bits = (16 * version + 128) * version + 64, n = alignments_of(version);

    if (n > 0) bits -= (25 * n - 10) * n - 55;
    if (version >= 7) bits -= 36;
    return bits / 8;
}

static int data_codewords_of(int version)
{
    return codewords_of(version) - correction[version] * blocks[version];
}

static int length_bits_of(int version)
{
    return version < 10 ? 8 : 16;
}

static int choose_version(size_t bytes)
{
    for (int version = 1; version <= VERSIONS; version++)
        if (4 + length_bits_of(version) + 8 * (int)bytes <= 8 * data_codewords_of(version)) return version;
    return 0;
}

/* --- codewords --- */

struct codewords {
    unsigned char at[CODEWORDS_MAX];
    int bits;
};

static void add_bits(struct codewords *out, unsigned value, int n)
{
    for (int i = n - 1; i >= 0; i--, out->bits++)
        out->at[out->bits / 8] = (unsigned char)(out->at[out->bits / 8] | ((value >> i & 1u) << (7 - out->bits % 8)));
}

static void write_data(struct codewords *out, struct str text, int version)
{
    int end = 8 * data_codewords_of(version);

    add_bits(out, 4, 4); /* bytes */
    add_bits(out, (unsigned)text.len, length_bits_of(version));
    for (size_t i = 0; i < text.len; i++) add_bits(out, (unsigned char)text.at[i], 8);
    add_bits(out, 0, end - out->bits < 4 ? end - out->bits : 4);
    while (out->bits % 8 != 0) add_bits(out, 0, 1);
    for (unsigned pad = 0xec; out->bits < end; pad ^= 0xec ^ 0x11) add_bits(out, pad, 8);
}

/* In the field of 256 elements modulo x^8 + x^4 + x^3 + x^2 + 1. */
static unsigned char multiply(unsigned char a, unsigned char b)
{
    unsigned product = 0;

    for (int i = 7; i >= 0; i--) {
        product = product << 1 ^ (product >> 7) * 0x11du;
        if (b >> i & 1) product ^= a;
    }
    return (unsigned char)product;
}

/* The coefficients of (x - 1)(x - 2)(x - 4) ..., without the first. */
static void make_generator(int degree, unsigned char out[CORRECTION_MAX])
{
    unsigned char root = 1;

    memset(out, 0, CORRECTION_MAX);
    out[degree - 1] = 1;
    for (int i = 0; i < degree; i++) {
        for (int k = 0; k < degree; k++) {
            out[k] = multiply(out[k], root);
            if (k + 1 < degree) out[k] ^= out[k + 1];
        }
        root = multiply(root, 2);
    }
}

static void make_correction(const unsigned char *data, int n, int degree, unsigned char out[CORRECTION_MAX])
{
    unsigned char generator[CORRECTION_MAX];

    make_generator(degree, generator);
    memset(out, 0, CORRECTION_MAX);
    for (int i = 0; i < n; i++) {
        unsigned char factor = data[i] ^ out[0];
        memmove(out, out + 1, (size_t)degree - 1);
        out[degree - 1] = 0;
        for (int k = 0; k < degree; k++) out[k] ^= multiply(generator[k], factor);
    }
}

/* Blocks of nearly the same length, the longer ones last; then of each the first, of each the second ... */
static void interleave_blocks(const struct codewords *data, int version, unsigned char out[CODEWORDS_MAX])
{
    int n = blocks[version], degree = correction[version], all = codewords_of(version);
    int shorter = all / n - degree, longer_from = n - all % n, at = 0;
    unsigned char ends[32][CORRECTION_MAX];
    const unsigned char *begins[32];

    for (int i = 0, from = 0; i < n; i++) {
        int len = shorter + (i >= longer_from);
        begins[i] = data->at + from;
        make_correction(begins[i], len, degree, ends[i]);
        from += len;
    }
    for (int k = 0; k <= shorter; k++)
        for (int i = k < shorter ? 0 : longer_from; i < n; i++) out[at++] = begins[i][k];
    for (int k = 0; k < degree; k++)
        for (int i = 0; i < n; i++) out[at++] = ends[i][k];
}

/* --- modules --- */

struct qr_square {
    struct qr *qr;
    unsigned char *fixed; /* which modules hold no data */
};

static void put_module(struct qr_square *s, int x, int y, bool dark)
{
    if (x < 0 || y < 0 || x >= s->qr->size || y >= s->qr->size) return;
    s->qr->dark[y * s->qr->size + x] = dark;
    s->fixed[y * s->qr->size + x] = 1;
}

static int distance(int x, int y)
{
    int ax = x < 0 ? -x : x, ay = y < 0 ? -y : y;

    return ax > ay ? ax : ay;
}

/* With the light border around it. */
static void put_finder(struct qr_square *s, int x, int y)
{
    for (int dy = -4; dy <= 4; dy++)
        for (int dx = -4; dx <= 4; dx++) put_module(s, x + dx, y + dy, distance(dx, dy) != 2 && distance(dx, dy) != 4);
}

static void put_alignment(struct qr_square *s, int x, int y)
{
    for (int dy = -2; dy <= 2; dy++)
        for (int dx = -2; dx <= 2; dx++) put_module(s, x + dx, y + dy, distance(dx, dy) != 1);
}

static void put_alignments(struct qr_square *s, int version)
{
    int n = alignments_of(version), at[7] = { 6 };
    int step = n > 1 ? (version * 8 + n * 3 + 5) / (n * 4 - 4) * 2 : 0;

    for (int i = n - 1, place = s->qr->size - 7; i >= 1; i--, place -= step) at[i] = place;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++)
            if (!((i == 0 && k == 0) || (i == 0 && k == n - 1) || (i == n - 1 && k == 0)))
                put_alignment(s, at[i], at[k]);
}

/* A code of BCH: `value`, and the rest of its division. */
static unsigned with_rest(unsigned value, unsigned divisor, int degree)
{
    unsigned rest = value;

    for (int i = 0; i < degree; i++) rest = rest << 1 ^ (rest >> (degree - 1)) * divisor;
    return value << degree | rest;
}

/* Twice: around the first finder, and beside the other two. */
static void put_format(struct qr_square *s)
{
    unsigned bits = with_rest(0u << 3 | MASK, 0x537, 10) ^ 0x5412; /* level M is 0 */
    int size = s->qr->size;

    for (int i = 0; i < 15; i++) {
        bool dark = bits >> i & 1u;
        put_module(s, i < 8 ? 8 : i == 8 ? 7 : 14 - i, i < 6 ? i : i < 8 ? i + 1 : 8, dark);
        put_module(s, i < 8 ? size - 1 - i : 8, i < 8 ? 8 : size - 15 + i, dark);
    }
    put_module(s, 8, size - 8, true);
}

static void put_version(struct qr_square *s, int version)
{
    unsigned bits = with_rest((unsigned)version, 0x1f25, 12);

    for (int i = 0; version >= 7 && i < 18; i++) {
        int a = s->qr->size - 11 + i % 3, b = i / 3;
        put_module(s, a, b, bits >> i & 1u);
        put_module(s, b, a, bits >> i & 1u);
    }
}

static void put_fixed(struct qr_square *s, int version)
{
    int size = s->qr->size;

    for (int i = 0; i < size; i++) {
        put_module(s, 6, i, i % 2 == 0);
        put_module(s, i, 6, i % 2 == 0);
    }
    put_finder(s, 3, 3);
    put_finder(s, size - 4, 3);
    put_finder(s, 3, size - 4);
    put_alignments(s, version);
    put_format(s);
    put_version(s, version);
}

static void put_data(struct qr_square *s, const unsigned char *codewords, int n)
{
    int size = s->qr->size, bit = 0;

    for (int right = size - 1; right >= 1; right -= 2) {
        if (right == 6) right = 5; /* the timing line has a column for itself */
        for (int i = 0; i < 2 * size; i++) {
            int x = right - i % 2, y = ((right + 1) & 2) == 0 ? size - 1 - i / 2 : i / 2;
            if (s->fixed[y * size + x]) continue;
            bool dark = bit < 8 * n && (codewords[bit / 8] >> (7 - bit % 8) & 1);
            s->qr->dark[y * size + x] = dark ^ ((x + y) % 2 == 0);
            bit++;
        }
    }
}

bool qr_make(struct arena *arena, struct str text, struct qr *out)
{
    int version = text.len <= QR_TEXT_BYTES_MAX ? choose_version(text.len) : 0;
    struct codewords data = { .bits = 0 };
    unsigned char codewords[CODEWORDS_MAX];

    if (version == 0) return false;
    out->size = 17 + 4 * version;
    out->dark = arena_zero(arena, (size_t)(out->size * out->size));
    struct qr_square square = { out, arena_zero(arena, (size_t)(out->size * out->size)) };
    write_data(&data, text, version);
    interleave_blocks(&data, version, codewords);
    put_fixed(&square, version);
    put_data(&square, codewords, codewords_of(version));
    return true;
}

struct str qr_path(struct arena *arena, const struct qr *qr, int margin)
{
    struct buf path = BUF(262144);

    for (int y = 0; y < qr->size; y++)
        for (int x = 0, n = 1; x < qr->size; x += n, n = 1) {
            const unsigned char *row = qr->dark + y * qr->size;
            while (x + n < qr->size && row[x + n] == row[x]) n++;
            if (row[x]) buf_printf(&path, "M%d %dh%dv1h-%dz", x + margin, y + margin, n, n);
        }
    struct str text = arena_str(arena, buf_str(&path));
    buf_free(&path);
    return text;
}
