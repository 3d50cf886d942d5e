/* takedown_tell.c - whose conversation an operator took down, or let be shown again, is told by mail, and where to object. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/rows.h"
#include "services/auth/mail/mail.h"

static const struct {
    const char *name, *en, *ko;
} reasons[] = {
#define REASON(name, en, ko) { #name, en, ko },
#include "proto/report_reasons.def"
#undef REASON
};

struct owner_locale {
    struct str locale;
};
static const struct wire_field owner_locale_fields[] = { ROW_FIELD(struct owner_locale, locale, TEXT), ROW_END };
static const struct wire_shape owner_locale_shape = { "locale", "", sizeof(struct owner_locale), owner_locale_fields };

static const char FIND_LOCALE[] = "SELECT locale FROM account WHERE id = $1";

static struct str reason_words(struct str name, struct str locale)
{
    for (size_t i = 0; i < COUNT(reasons); i++)
        if (str_is(name, reasons[i].name)) return str_of(str_is(locale, "ko") ? reasons[i].ko : reasons[i].en);
    return name;
}

static enum mail_kind kind_of(const struct takedown_notice *req)
{
    if (req->lifted) return MAIL_shared_again;
    return req->whole ? MAIL_conversation_taken_down : MAIL_link_taken_down;
}

/* Who is gone, has no address, or where there is no mail server, sees it where they share. */
enum err takedown_tell(struct call *call, const struct takedown_notice *req, struct nothing *rep)
{
    struct owner_locale of = { .locale = STR_NONE };
    struct mail_words words = { .n = 0 };

    (void)rep;
    if (!mail_is_on(auth_settings(call))) return OK;
    enum err e = pg_one(call->pg, call->arena, &owner_locale_shape, &of, FIND_LOCALE, PG_ARGS(pg_id(req->owner)));
    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    mail_add_word(&words, "name", req->name);
    mail_add_word(&words, "reason", reason_words(req->reason, of.locale));
    mail_add_word(&words, "appeal", req->appeal);
    return mail_put(
        call, kind_of(req), &(struct mail_to){ .account = req->owner, .locale = of.locale, .id = req->id }, &words);
}
