/* avatar_draw.c - a picture for who has none: drawn of the id alone, so it is the same for ever and tells nothing of anybody. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"
#include "services/auth/oauth/sha256.h"

#define SIDE      5 /* squares; the right half mirrors the left one */
#define SVG_BYTES 2048

static void draw_square(struct buf *svg, int x, int y)
{
    buf_printf(svg, "M%d %dh1v1h-1z", x, y);
}

/* A bit for each square of the left half and the middle. */
static void draw_squares(struct buf *svg, uint32_t bits)
{
    for (int i = 0; i < (SIDE + 1) / 2 * SIDE; i++) {
        int x = i / SIDE, y = i % SIDE;
        if ((bits >> i & 1) == 0) continue;
        draw_square(svg, x, y);
        if (x < SIDE / 2) draw_square(svg, SIDE - 1 - x, y);
    }
}

/* Elements without scripts, styles and links; colours far enough from their ground to be seen. */
enum err avatar_draw(struct call *call, const struct user_ref *req, struct drawing *rep)
{
    struct str hash = sha256_of(call->arena, (struct str){ (const char *)req->user.b, sizeof req->user.b });
    const unsigned char *h = (const unsigned char *)hash.at;
    struct buf svg = BUF(SVG_BYTES);

    buf_printf(&svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-1 -1 7 7\" shape-rendering=\"crispEdges\">"
        "<rect x=\"-1\" y=\"-1\" width=\"7\" height=\"7\" fill=\"#f0f0f2\"/><path fill=\"hsl(%d,%d%%,%d%%)\" d=\"",
        (h[0] << 8 | h[1]) % 360, 45 + h[2] % 30, 35 + h[3] % 20);
    draw_square(&svg, SIDE / 2, h[6] % SIDE); /* never nothing */
    draw_squares(&svg, (uint32_t)(h[4] << 8 | h[5]));
    buf_add_str(&svg, STR("\"/></svg>"));
    rep->svg = arena_str(call->arena, buf_str(&svg));
    buf_free(&svg);
    return OK;
}
