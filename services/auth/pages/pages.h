/* pages.h - what the pages of /account have in common. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/page/page.h"
#include "services/auth/auth.h"

/* In the language that the gateway says, English if it says none. */
void account_page_begin(struct page *page, struct call *call, struct str lang, const char *title);
/* Its end, and the choice of a language, after which `path` is shown again; into the reply. */
void account_page_end(struct page *page, struct call *call, struct str path, struct web_page *rep);

/* Where one may go on: a paragraph with a link, `text` is a name of texts.def. */
void page_put_link(struct page *page, const char *path, const char *text);
void page_put_text(struct page *page, const char *text); /* a paragraph, of texts.def */
struct str page_time(struct arena *arena, int64_t ms);
/* providers.c: links to those that are configured: to sign in, to link one, to have an account back. */
enum provider_use { PROVIDER_SIGNS_IN, PROVIDER_IS_LINKED, PROVIDER_RETURNS };
void page_put_providers(struct page *page, struct call *call, struct str invitation, enum provider_use use);

/* --- proof_form_show.c: what wants a proof of the last ten minutes; `to` is a row of proved.def --- */

/* The session is older: the answer sends there.  Not to a form that was refused just now, which says so. */
bool page_wants_proof(struct call *call, const char *to, struct str refused, struct web_page *rep);
void form_put_way_to_prove(struct page *page, struct call *call, const struct form_visit *visit, const char *to);
const char *page_proved_path(struct str name); /* NULL: there is no such row */

/* --- form.c: forms, and why they are shown again --- */

/* Why what was sent was refused, if it was.  `wrong`: the text that says so of a proof. */
void form_put_refusal(struct page *page, const struct form_visit *visit, const char *wrong);
void form_begin(struct page *page, const char *path);
void form_put_hidden(struct page *page, const char *name, struct str value);
enum form_field {
#define FIELD_OF_FORM(field, name, type, autocomplete, label, hint) FIELD_##field,
#include "services/auth/pages/fields.def"
#undef FIELD_OF_FORM
};
void form_put_field(struct page *page, enum form_field field, struct str value, const struct form_visit *visit);
void form_end(struct page *page, const char *button);
void form_put_quiet_button(struct page *page, const char *path, const char *name, struct str value, const char *button);
/* A button for who has a passkey, where scripts run: `kind` is get or create; page_put_script() follows. */
void form_put_passkey(struct page *page, const char *kind, const char *options, const char *send, const char *next);
/* The page's own path, with the secret that it was opened with. */
struct str form_path(struct call *call, const char *path, struct str token);
