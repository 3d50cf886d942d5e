/* style_talk.c - how a conversation looks: in a theme, light and dark, on a phone, on a desk and on paper. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/page/scripts.h"

/* clang-format off */
#define COLOURS(wall, ink, quiet, bubble, bubble_ink, mine, mine_ink, line)                                            \
    "{--wall:" wall ";--ink:" ink ";--quiet:" quiet ";--bubble:" bubble ";--bubble-ink:" bubble_ink ";--mine:" mine    \
    ";--mine-ink:" mine_ink ";--line:" line "}"
#define THEME(name, day, night) "[data-theme=" #name "]" day
static const char style[] = ":root{color-scheme:light dark}"
#include "libshared/page/themes.def"
#undef THEME
#define THEME(name, day, night) "[data-theme=" #name "]" night
    "@media screen and (prefers-color-scheme:dark){"
#include "libshared/page/themes.def"
#undef THEME
    "}"
    /* clang-format on */
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--wall);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,\"Noto Sans "
    "KR\",\"Apple SD Gothic Neo\",\"Malgun Gothic\",sans-serif;word-break:keep-all;overflow-wrap:anywhere}"
    "main{max-width:40rem;margin:0 auto;padding:1.5rem 1rem 2rem}"
    "h1{font-size:1.25rem;line-height:1.35;margin:0}p{margin:0}"
    "header{padding-bottom:1rem;margin-bottom:1rem;border-bottom:1px solid var(--line)}"
    ".quiet{color:var(--quiet);font-size:.875rem;margin-top:.25rem}"
    ".talk{list-style:none;margin:0;padding:0}"
    ".talk li{display:grid;grid-template-columns:2.5rem minmax(0,1fr);column-gap:.6rem;margin-top:.9rem}"
    ".talk li.goes-on{margin-top:.3rem}.talk li>div{grid-column:2}"
    ".talk .mine{display:block;margin-left:15%}"
    ".face{grid-row:1;width:2.5rem;height:2.5rem;border-radius:.9rem;display:grid;place-items:center;font-weight:600;"
    "background:var(--line);color:var(--ink)}"
    "img.face{object-fit:cover}"
    ".picture img{display:inline-block;max-width:100%;height:auto;border-radius:1rem;border:1px solid "
    "var(--line);vertical-align:bottom}.picture a{display:inline-block}.picture+.bubble{margin-top:.2rem}"
    ".file{padding:.3rem 0}"
    ".who{font-size:.875rem;color:var(--quiet);margin-bottom:.15rem}"
    ".bubble{display:inline-block;max-width:100%;padding:.5rem .8rem;border-radius:.3rem 1rem 1rem "
    "1rem;background:var(--bubble);color:var(--bubble-ink);white-space:pre-wrap;border:1px solid var(--line)}"
    ".goes-on .bubble{border-radius:1rem}"
    ".mine>div{text-align:right}.mine .bubble{text-align:start;border-radius:1rem .3rem 1rem "
    "1rem;background:var(--mine);color:var(--mine-ink);border-color:var(--mine)}"
    ".when{font-size:.75rem;color:var(--quiet)}"
    ".talk .notice{display:block;text-align:center;font-size:.875rem;color:var(--quiet);white-space:pre-wrap}"
    ".unshown{font-style:italic}"
    ".unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}"
    ".gate{max-width:26rem;margin:12vh auto 0;padding:1.75rem "
    "1.5rem;background:var(--bubble);color:var(--bubble-ink);border:1px solid var(--line);border-radius:1.25rem}"
    ".gate p{margin-top:.75rem}.gate form{margin-top:1.25rem}.gate label{font-weight:600}"
    "input{width:100%;margin:.4rem 0 .9rem;padding:.65rem "
    ".8rem;font:inherit;color:inherit;background:var(--wall);border:1px solid "
    "var(--quiet);border-radius:.75rem}.gate .refused{margin:0 0 .9rem;font-weight:600}.refused::before{content:\"⚠ \"}"
    "button{width:100%;padding:.7rem 1rem;font:inherit;font-weight:600;color:var(--mine-ink);background:var(--mine);"
    "border:0;border-radius:.75rem;cursor:pointer}"
    ".keep{margin-top:1.5rem;text-align:center;font-size:.875rem;color:var(--quiet)}"
    ".report{margin-top:2rem;font-size:.875rem}summary{cursor:pointer;width:max-content;max-width:100%;margin:0 "
    "auto;padding:.25rem;color:var(--quiet)}.report form{max-width:26rem;margin:1rem "
    "auto 0}.report label{display:block;margin-top:.9rem;font-weight:600}"
    "select,textarea{width:100%;margin-top:.4rem;padding:.65rem "
    ".8rem;font:inherit;color:inherit;background:var(--wall);border:1px solid var(--quiet);border-radius:.75rem}"
    "nav,footer{margin-top:1.5rem;display:flex;flex-wrap:wrap;gap:1rem;justify-content:center;font-size:.875rem}"
    ".news{position:fixed;bottom:1rem;left:50%;translate:-50%;width:max-content;max-width:calc(100% - "
    "2rem);padding:.6rem "
    "1rem;display:flex;flex-wrap:wrap;gap:.25rem .75rem;background:var(--bubble);color:var(--bubble-ink);border:1px "
    "solid "
    "var(--quiet);border-radius:.75rem;font-size:.875rem}.news:empty{padding:0;border:0}"
    "a{color:var(--ink)}.news a{color:inherit}"
    ":focus-visible{outline:3px solid var(--ink);outline-offset:2px}"
    "@media print{body{background:#fff;color:#000}main{max-width:none;padding:0}nav,footer,.news,.keep,.report,.gate "
    "form{display:none}.talk li{break-inside:avoid}.bubble,.mine .bubble{background:#fff;color:#000;border:1px solid "
    "#888}.face{border:1px solid #888;background:#fff;color:#000}.who,.when,.quiet,.talk .notice{color:#444}}";

const char *page_style_talk(void)
{
    return style;
}

static const char *const themes[] = {
#undef COLOURS
#define COLOURS(...)
#define THEME(name, day, night) #name,
#include "libshared/page/themes.def"
#undef THEME
};

const char *page_theme_find(struct str name)
{
    for (size_t i = 0; i < sizeof themes / sizeof *themes; i++)
        if (str_is(name, themes[i])) return themes[i];
    return themes[0];
}
