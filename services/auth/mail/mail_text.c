/* mail_text.c - templates, filled. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/mail/mail_text.h"

#include <assert.h>
#include <string.h>

#include "libshared/page/html.h"

#define MINUTE_S 60
#define HOUR_S   3600
#define DAY_S    86400

#define SECRET(purpose) &single_use_##purpose
#define PLAIN           NULL
const struct mail_kind_row mail_kinds[MAIL_KINDS] = {
#define MAIL(name_, class_, link, page_, words_, doc)                                                                  \
    [MAIL_##name_] = { .name = #name_, .page = page_, .words = words_, .class = class_, .purpose = link },
#include "services/auth/mail/kinds.def"
#undef MAIL
};

struct template
{
    const char *subject, *body;
};
enum language { LANGUAGE_en, LANGUAGE_ko, LANGUAGES };

static const struct template templates[MAIL_KINDS][LANGUAGES] = {
#define TEXT(kind, language, subject_, body_)                                                                          \
    [MAIL_##kind][LANGUAGE_##language] = { .subject = subject_, .body = body_ },
#include "services/auth/mail/texts.def"
#undef TEXT
};

bool mail_find_kind(struct str name, enum mail_kind *out)
{
    for (int i = 0; i < MAIL_KINDS; i++) {
        *out = (enum mail_kind)i;
        if (str_is(name, mail_kinds[i].name)) return true;
    }
    return false;
}

static enum language language_of(struct str locale)
{
    return str_is(locale, "ko") ? LANGUAGE_ko : LANGUAGE_en;
}

void mail_add_word(struct mail_words *words, const char *name, struct str text)
{
    assert(words->n < MAIL_WORDS_MAX);
    words->at[words->n++] = (struct mail_word){ str_of(name), text };
}

static struct str find_word(const struct mail_words *words, struct str name)
{
    for (size_t i = 0; i < words->n; i++)
        if (str_eq(name, words->at[i].name)) return words->at[i].text;
    assert(false && "each word of a template is given");
    return STR_NONE;
}

struct str mail_life_text(struct arena *arena, struct str locale, int64_t life_s)
{
    static const struct {
        int64_t s;
        const char *names[LANGUAGES];
    } units[] = { { DAY_S, { "days", "일" } }, { HOUR_S, { "hours", "시간" } }, { MINUTE_S, { "minutes", "분" } } };
    enum language language = language_of(locale);
    size_t i = 0;

    while (i + 1 < sizeof units / sizeof *units && life_s < 2 * units[i].s) i++;
    return arena_printf(arena, language == LANGUAGE_ko ? "%lld%s" : "%lld %s", (long long)(life_s / units[i].s),
        units[i].names[language]);
}

/* --- filling --- */

typedef void add_fn(struct buf *out, struct str text);

static void add_plain(struct buf *out, struct str text)
{
    buf_add_str(out, text);
}

/* Its lines as they are. */
static void add_html(struct buf *out, struct str text)
{
    html_put_text(out, str_cut(&text, '\n'));
    while (text.at != NULL) {
        buf_add_str(out, STR("<br>\n"));
        html_put_text(out, str_cut(&text, '\n'));
    }
}

/* Each part of the template that is no word, and each word's text. */
static void fill_template(struct buf *out, struct str template, const struct mail_words *words, add_fn *add)
{
    while (template.at != NULL) {
        add(out, str_cut(&template, '{'));
        if (template.at != NULL) add(out, find_word(words, str_cut(&template, '}')));
    }
}

/* Takes what is before the first empty line. */
static struct str cut_paragraph(struct str *rest)
{
    const char *end = memmem(rest->at, rest->len, "\n\n", 2);
    struct str paragraph = *rest;

    if (end == NULL) {
        *rest = STR_NONE;
        return paragraph;
    }
    paragraph.len = (size_t)(end - rest->at);
    *rest = str_skip(*rest, paragraph.len + 2);
    return paragraph;
}

static const struct template *template_of(enum mail_kind kind, struct str locale)
{
    return &templates[kind][language_of(locale)];
}

void mail_write_subject(struct buf *out, enum mail_kind kind, struct str locale, const struct mail_words *words)
{
    fill_template(out, str_of(template_of(kind, locale)->subject), words, add_plain);
}

void mail_write_text(struct buf *out, enum mail_kind kind, struct str locale, const struct mail_words *words)
{
    fill_template(out, str_of(template_of(kind, locale)->body), words, add_plain);
    buf_add_char(out, '\n');
}

static void write_paragraph(struct buf *out, struct str paragraph, const struct mail_words *words)
{
    const char *before = "<p>", *behind = "</p>\n";

    if (str_is(paragraph, "{code}")) {
        before = "<p style=\"font-size:2em;letter-spacing:0.2em;font-family:monospace\">";
    } else if (str_is(paragraph, "{link}")) {
        buf_add_str(out, STR("<p><a href=\""));
        fill_template(out, paragraph, words, add_html);
        before = "\">";
        behind = "</a></p>\n";
    }
    buf_add_str(out, str_of(before));
    fill_template(out, paragraph, words, add_html);
    buf_add_str(out, str_of(behind));
}

void mail_write_html(struct buf *out, enum mail_kind kind, struct str locale, const struct mail_words *words)
{
    struct str rest = str_of(template_of(kind, locale)->body);

    buf_printf(out, "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"><title>",
        language_of(locale) == LANGUAGE_ko ? "ko" : "en");
    fill_template(out, str_of(template_of(kind, locale)->subject), words, add_html);
    buf_add_str(out, STR("</title></head>\n<body style=\"font-family:sans-serif;line-height:1.5;max-width:36em\">\n"));
    while (rest.at != NULL) write_paragraph(out, cut_paragraph(&rest), words);
    buf_add_str(out, STR("</body></html>\n"));
}
