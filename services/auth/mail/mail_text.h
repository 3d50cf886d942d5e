/*
 * mail_text.h - the words of a mail, as text and as HTML, from one template.
 *
 * All that is put into a template, and the template, is text: the HTML is made of it, so nothing in it can be markup.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"
#include "services/auth/auth.h"
#include "services/auth/single_use/single_use.h"

enum mail_kind {
#define MAIL(name, class, link, page, words, doc) MAIL_##name,
#include "services/auth/mail/kinds.def"
#undef MAIL
    MAIL_KINDS
};

enum mail_class { ASKED, INVITED, NOTICE };

struct mail_kind_row {
    const char *name, *page, *words;
    enum mail_class class;
    const struct single_use_purpose *purpose; /* NULL: a link without a secret */
};
extern const struct mail_kind_row mail_kinds[MAIL_KINDS];
bool mail_find_kind(struct str name, enum mail_kind *out);

#define MAIL_WORDS_MAX 12 /* 8 of mail_draft, and those that each mail may have */
/* What fills a template. */
struct mail_words {
    struct mail_word at[MAIL_WORDS_MAX];
    size_t n;
};
void mail_add_word(struct mail_words *words, const char *name, struct str text);

/* locale: "ko", or English. */
struct str mail_life_text(struct arena *arena, struct str locale, int64_t life_s); /* "15 minutes" */
void mail_write_subject(struct buf *out, enum mail_kind kind, struct str locale, const struct mail_words *words);
void mail_write_text(struct buf *out, enum mail_kind kind, struct str locale, const struct mail_words *words);
void mail_write_html(struct buf *out, enum mail_kind kind, struct str locale, const struct mail_words *words);
