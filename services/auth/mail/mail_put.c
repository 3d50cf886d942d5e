/* mail_put.c - a mail becomes a job. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <time.h>

#include "services/auth/mail/mail.h"

#define CARRIES_MAX 4096

bool mail_is_on(const struct settings_auth *s)
{
    return s->smtp_url[0] != '\0';
}

void mail_add_event(struct mail_words *words, struct arena *arena, const struct call *call)
{
    time_t s = call->now / 1000;
    char at[32];
    struct tm t;

    gmtime_r(&s, &t);
    strftime(at, sizeof at, "%Y-%m-%d %H:%M UTC", &t);
    mail_add_word(words, "at", arena_str(arena, str_of(at)));
    mail_add_word(words, "address", call->who->address);
}

static enum err encode_carried(
    struct call *call, const struct mail_kind_row *kind, const void *carries, struct str *out)
{
    static const struct nothing nothing;
    struct buf bytes = BUF(CARRIES_MAX);

    if (kind->purpose == NULL) return OK;
    assert(carries != NULL || kind->purpose->data == nothing_shape);
    enum err e = wire_encode(kind->purpose->data(), carries != NULL ? carries : &nothing, &bytes);
    *out = arena_str(call->arena, buf_str(&bytes));
    buf_free(&bytes);
    return e;
}

enum err mail_put(struct call *call, enum mail_kind kind, const struct mail_to *to, const struct mail_words *words)
{
    const struct mail_kind_row *row = &mail_kinds[kind];
    struct mail_draft draft = { .kind = str_of(row->name),
        .account = to->account,
        .email = to->email,
        .locale = to->locale,
        .holder = to->holder,
        .life_s = to->life_s,
        .flow = to->flow,
        .network = to->network.len > 0 ? to->network : mail_network(call) };
    char id[ID_TEXT_BYTES + 1];

    if (!mail_is_on(auth_settings(call)))
        return call_fail(call, ERR_MAIL_OFF, "No mail server is configured, and this wants a mail");
    if (words != NULL) {
        draft.words.at = (struct mail_word *)(uintptr_t)words->at;
        draft.words.len = words->n;
    }
    TRY(encode_carried(call, row, to->carries, &draft.carries));
    id_format(id_is_nil(to->id) ? id_new() : to->id, id);
    return job_put(call, &mail_send_job, arena_printf(call->arena, "%s %s", row->name, id), &draft, 0);
}

enum err mail_tell(struct call *call, enum mail_kind kind, struct id account)
{
    struct mail_words words = { .n = 0 };

    if (!mail_is_on(auth_settings(call))) return OK;
    mail_add_event(&words, call->arena, call);
    return mail_put(call, kind, &(struct mail_to){ .account = account }, &words);
}
