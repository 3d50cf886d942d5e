/* style.c - how our pages look, light and dark, on a phone and on a desk. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/page/scripts.h"

static const char style[] =
    ":root{color-scheme:light "
    "dark;--ink:#1d1f23;--paper:#fbfaf7;--card:#fff;--line:#dedad2;--quiet:#666b74;--deed:#2f5d50;--bad:#a4282b}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e9e7e2;--paper:#17191c;--card:#1f2226;--line:#363a40;--quiet:#"
    "9aa0a8;--deed:#7fc0ab;--bad:#f0888a}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.6 system-ui,-apple-system,\"Noto Sans "
    "KR\",\"Apple SD Gothic Neo\",\"Malgun Gothic\",sans-serif;word-break:keep-all;overflow-wrap:anywhere}"
    "main{max-width:30rem;margin:0 auto;padding:3rem 1.25rem}"
    "h1{font-size:1.5rem;line-height:1.3;margin:0 0 1rem}h2{font-size:1.05rem;margin:2rem 0 .5rem}"
    "p{margin:.5rem 0}a{color:var(--deed)}"
    "ul{padding:0;margin:1rem 0;list-style:none;background:var(--card);border:1px solid "
    "var(--line);border-radius:.75rem}"
    "li{padding:.75rem 1rem}li+li{border-top:1px solid var(--line)}"
    ".quiet{color:var(--quiet);font-size:.9rem}.bad{color:var(--bad)}"
    "form{margin:1rem 0}label{display:block;margin:.75rem 0 .25rem;font-size:.9rem}"
    "input,textarea{width:100%;padding:.6rem .75rem;font:inherit;color:inherit;background:var(--card);border:1px solid "
    "var(--line);border-radius:.5rem}"
    "button{padding:.6rem "
    "1rem;font:inherit;font-weight:600;color:var(--paper);background:var(--deed);border:0;border-radius:.5rem;cursor:"
    "pointer}"
    "button.plain{color:var(--deed);background:none;border:1px solid var(--line);font-weight:400}"
    "form p{margin:1.25rem 0 0}form .quiet{margin:.25rem 0 0}li form{margin:.5rem 0 0}"
    ".site{margin:0 0 2rem;font-weight:600}.site a{color:inherit;text-decoration:none}"
    "input[type=hidden]{display:none}input[aria-invalid=true]{border-color:var(--bad)}"
    "p.bad{padding:.6rem .75rem;border:1px solid var(--bad);border-radius:.5rem}"
    "footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line)}"
    "footer form{display:flex;gap:.5rem;align-items:center;margin:0}footer .quiet{margin:0}footer "
    "button{padding:.25rem .6rem;font-size:.9rem}"
    "[hidden]{display:none}.row{display:flex;flex-wrap:wrap;gap:.5rem;margin:1rem 0}"
    "a.button{display:inline-block;padding:.6rem 1rem;color:var(--deed);border:1px solid "
    "var(--line);border-radius:.5rem;text-decoration:none}"
    ".qr{display:block;width:13rem;max-width:100%;margin:1rem 0;background:#fff;border-radius:.5rem}"
    "textarea{font-family:monospace;font-size:.9rem;resize:vertical}"
    "code{font-size:1.05rem;overflow-wrap:anywhere}.codes{columns:2;padding:1rem}.codes "
    "li{padding:.25rem 0;border:0;font-family:monospace}"
    ":focus-visible{outline:2px solid var(--deed);outline-offset:2px}";

const char *page_style_forms(void)
{
    return style;
}
