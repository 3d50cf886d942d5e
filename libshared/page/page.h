/*
 * page.h - HTML for people, of templates whose values cannot be anything but text.
 *
 *      page_begin(&page, texts, language, "title");
 *      page_put(&page, "<h1>{title}</h1><p><a href=\"{link}\">{name}</a></p>", PAGE_VALUES({ "name", name }, ...));
 *      rep->html = page_end(&page, arena);
 *
 * {name} is a value of that name, else a text of the page's table in the page's language; it stands in the text or within
 * double quotes, is escaped, and in href, action or src it has to be a path of ours or https.  A template that has one
 * elsewhere, or a style or a script, is our mistake and an assert.  The style is one of page_style()'s and the script, of pages that
 * have one, one of page_script()'s: the gateway allows them by their hashes.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"

enum page_language { PAGE_EN, PAGE_KO, PAGE_LANGUAGES };

/* The language that somebody reads, by the q of an Accept-Language (RFC 9110 12.5.4); English where it says nothing of ours. */
enum page_language page_language_accepted(struct str accept_language);
bool page_language_find(struct str code, enum page_language *out); /* "en", "ko" */
const char *page_language_code(enum page_language language);

/* A table of them ends with a row without a name. */
struct page_text {
    const char *name, *in[PAGE_LANGUAGES];
};
/* A row of a file of texts: SAY(name, English, Korean). */
#define PAGE_TEXT_ROW(name_, en_, ko_) { .name = #name_, .in = { [PAGE_EN] = en_, [PAGE_KO] = ko_ } },

struct page_value {
    const char *name;
    struct str value;
};
#define PAGE_VALUES(...)                                                                                               \
    (const struct page_value[]){ __VA_ARGS__ },                                                                        \
        sizeof((const struct page_value[]){ __VA_ARGS__ }) / sizeof(struct page_value)
#define PAGE_NO_VALUES NULL, 0

#define PAGE_BYTES_MAX 2097152 /* proto/common.def: web_page */

enum page_style { PAGE_STYLE_FORMS, PAGE_STYLE_TALK, PAGE_STYLES };

struct page {
    struct buf html;
    const struct page_text *texts;
    enum page_language language;
    bool scripted; /* it has one of page_script()'s */
};

/* A whole document: its head, with the text `title`, and the beginning of its body. */
void page_begin(struct page *page, const struct page_text *texts, enum page_language language, const char *title);
/* The same, of another look. */
/* Of a link to a page, for programs that draw something of it (ogp.me). */
struct page_preview {
    struct str title, text, url;
};
struct page_head {
    struct str title; /* itself */
    enum page_style style;
    const char *theme; /* of PAGE_STYLE_TALK: one of page_theme_find()'s */
    bool noindex;
    const struct page_preview *preview; /* NULL: they are told nothing */
    size_t bytes_max;                   /* 0: PAGE_BYTES_MAX */
};
void page_begin_with(
    struct page *page, const struct page_text *texts, enum page_language language, const struct page_head *head);
const char *page_theme_find(struct str name); /* a row of themes.def: of this name, or the first */
void page_put(struct page *page, const char *template, const struct page_value *values, size_t n_values);
const char *page_text(const struct page *page, const char *name); /* of its table; it has to be there */
struct str page_end(struct page *page, struct arena *arena);      /* frees; STR_NONE: it is over its bound */

/* Of a page of /account: its foot, with a choice of the language that the table calls `language`, after which `path` is shown again. */
void page_put_account_foot(struct page *page, struct str path);

/* Content-Security-Policy of such a page: nothing is loaded, forms go to us, nobody frames us.  Of one that is SCRIPTED those of
 * page_script() run, and ask us alone; one that is WATCHED loads scripts and images of ours, and asks us. */
#define PAGE_POLICY_BYTES 512
enum page_needs { PAGE_PLAIN, PAGE_SCRIPTED, PAGE_WATCHED, PAGE_NEEDS };
void page_content_policy(char out[PAGE_POLICY_BYTES], enum page_needs needs);
const char *page_style(enum page_style which); /* its hash is in the gateway's policy of contents */

/*
 * For what cannot be done without one.  A button is hidden until the script is there; then, pressed:
 *
 *      passkey  <button type="button" hidden data-passkey="get" data-options="…" data-send="…" data-next="…" data-failed="why not">…</button>
 *               <span class="bad" role="alert" hidden></span>
 *               asks `options` by POST, the browser for what these say ("get" or "create"), sends that to `send`, and goes on to `next`;
 *               why that failed is written behind it: what the form says that was refused (#refused), or data-failed
 *
 *      archive  <button type="button" hidden data-archive="name" data-working="…" data-done="…" data-failed="…">…</button>
 *               <p role="status"></p>
 *               asks /account/export/… for all that is there, page by page, and the files for their bytes, and has the browser keep
 *               them as archives: ZIP, each of half a GiB or so.  No server holds more of it than a page
 */
enum page_script { PAGE_SCRIPT_PASSKEY, PAGE_SCRIPT_ARCHIVE, PAGE_SCRIPTS };
const char *page_script(enum page_script which);
void page_put_script(struct page *page, enum page_script which); /* once, behind the buttons */
/* The script that listens to the link whose conversation is shown, where the gateway has it (services/gateway/site/watch). */
void page_put_watch(struct page *page);
