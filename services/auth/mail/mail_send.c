/* mail_send.c - a mail is written, on a worker, and sent, on the loop; the job of all mails. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/secret.h"
#include "libshared/base/url.h"
#include "libshared/db/rows.h"
#include "services/auth/mail/mail.h"
#include "services/auth/mail/mail_message.h"
#include "services/auth/users/email_syntax.h"

#define TEXT_BYTES_MAX    16384
#define HTML_BYTES_MAX    32768
#define MESSAGE_BYTES_MAX 98304
#define CODE_DIGITS       6

struct mail {
    struct job_run *run;
    struct call *call;
    struct auth *auth;
    const struct job *job;
    const struct mail_draft *draft;
    const struct mail_kind_row *row;
    enum mail_kind kind;
    struct str email, locale;
    struct mail_words words;
    struct mail_letter letter;
    const char *dropped; /* why it is not sent at all; NULL: it is */
};

/* --- whom --- */

struct addressee {
    struct str email, locale;
};
static const struct wire_field addressee_fields[] = {
    ROW_FIELD(struct addressee, email, TEXT),
    ROW_FIELD(struct addressee, locale, TEXT),
    ROW_END,
};
static const struct wire_shape addressee_shape = { "addressee", "", sizeof(struct addressee), addressee_fields };

static const char FIND_ADDRESSEE[] = "SELECT email, locale FROM account WHERE id = $1";

static enum err find_addressee(struct mail *mail, struct pg *pg, struct arena *arena)
{
    struct addressee found = { .email = STR_NONE };
    enum err e = OK;

    if (!id_is_nil(mail->draft->account))
        e = pg_one(pg, arena, &addressee_shape, &found, FIND_ADDRESSEE, PG_ARGS(pg_id(mail->draft->account)));
    if (e == ERR_NOT_FOUND) mail->dropped = "no_account";
    if (e != OK) return e;
    mail->email = mail->draft->email.len > 0 ? mail->draft->email : found.email;
    mail->locale = mail->draft->locale.len > 0 ? mail->draft->locale : found.locale;
    if (mail->email.len == 0) mail->dropped = "no_email";
    return mail->email.len == 0 ? ERR_NOT_FOUND : OK;
}

/* The domain in ASCII, the rest as it was written. */
static enum err write_address(struct mail *mail, struct arena *arena)
{
    const char *at = memrchr(mail->email.at, '@', mail->email.len);
    struct email_parts parts;
    const char *why = at == NULL ? "has no @" : email_parse(arena, mail->email, &parts);

    if (why != NULL) return call_fail(mail->call, ERR_INVALID_ARGUMENT, "email: %s", why);
    mail->letter.to =
        arena_printf(mail->call->arena, "%.*s@%.*s", (int)(at - mail->email.at), mail->email.at, STR_ARG(parts.domain));
    return OK;
}

/* --- the link, and the code --- */

static enum err make_secret(struct mail *mail, struct pg *pg, struct arena *arena, struct str *secret)
{
    const struct mail_draft *draft = mail->draft;
    const struct wire_shape *shape = mail->row->purpose->data();
    void *carried = arena_zero(arena, shape->size + 1);
    struct wire_error why = { .field = "" };

    TRY(wire_decode(shape, draft->carries, arena, carried, &why));
    return single_use_make(pg, arena, mail->row->purpose,
        &(struct single_use_draft){ .account = draft->account, .holder = draft->holder, .life_s = draft->life_s },
        carried, secret);
}

static enum err add_link(struct mail *mail, struct pg *pg, struct arena *arena)
{
    const struct single_use_purpose *purpose = mail->row->purpose;
    int64_t life_s = mail->draft->life_s;
    struct url_value token = { "token", STR("") };

    if (purpose != NULL) {
        TRY(make_secret(mail, pg, arena, &token.value));
        if (life_s == 0 || life_s > purpose->life_s) life_s = purpose->life_s;
        mail_add_word(&mail->words, "life", mail_life_text(arena, mail->locale, life_s));
    }
    mail_add_word(
        &mail->words, "link", url_build(arena, mail->auth->public_url, mail->row->page, &token, purpose != NULL));
    return OK;
}

static struct str make_code(struct arena *arena)
{
    uint64_t random;

    secret_random(&random, sizeof random); /* of 2^64, a million is 10^-13 too often */
    return arena_printf(arena, "%0*u", CODE_DIGITS, (unsigned)(random % 1000000));
}

/* A mail that is sent again has the same code: the one that came first may be the one that is read. */
static enum err add_code(struct mail *mail, struct pg *pg, struct arena *arena)
{
    struct login_flow flow;

    if (mail->draft->flow.len == 0) return OK;
    TRY(single_use_read_hashed(pg, arena, &single_use_login_flow, mail->draft->flow, &flow));
    if (flow.code.len == 0) {
        flow.code = make_code(arena);
        TRY(single_use_write_hashed(pg, arena, &single_use_login_flow, mail->draft->flow, &flow));
    }
    mail_add_word(&mail->words, "code", flow.code);
    return OK;
}

static enum err add_words(struct mail *mail, struct pg *pg, struct arena *arena)
{
    const struct mail_word_list *given = &mail->draft->words;

    for (size_t i = 0; i < given->len; i++) mail->words.at[mail->words.n++] = given->at[i];
    mail_add_word(&mail->words, "site", str_of(mail->auth->settings->mail_site));
    enum err e = add_code(mail, pg, arena);
    if (e == ERR_GONE) mail->dropped = "flow_is_over";
    return e == OK ? add_link(mail, pg, arena) : e;
}

/* --- all of it --- */

static enum err write_message(struct mail *mail)
{
    struct buf subject = BUF(1000), text = BUF(TEXT_BYTES_MAX), html = BUF(HTML_BYTES_MAX),
               out = BUF(MESSAGE_BYTES_MAX);
    char id[ID_TEXT_BYTES + 1];

    id_format(mail->job->id, id);
    mail_write_subject(&subject, mail->kind, mail->locale, &mail->words);
    mail_write_text(&text, mail->kind, mail->locale, &mail->words);
    mail_write_html(&html, mail->kind, mail->locale, &mail->words);
    mail_write_message(&out, &(struct mail_message){ .name = str_of(mail->auth->settings->mail_site),
                                 .from = str_of(mail->auth->settings->mail_from),
                                 .to = mail->letter.to,
                                 .subject = buf_str(&subject),
                                 .id = str_of(id),
                                 .locale = mail->locale,
                                 .at = clock_ms(),
                                 .text = buf_str(&text),
                                 .html = buf_str(&html) });
    bool is_whole = !subject.over && !text.over && !html.over && !out.over;
    mail->letter.message = arena_str(mail->call->arena, buf_str(&out));
    buf_free(&subject);
    buf_free(&text);
    buf_free(&html);
    buf_free(&out);
    return is_whole ? OK : call_fail(mail->call, ERR_TOO_LARGE, "words: they make more than a mail may have");
}

static enum err compose_mail(struct pg *pg, struct arena *arena, void *arg)
{
    struct mail *mail = arg;

    TRY(find_addressee(mail, pg, arena));
    if (!str_is(mail->locale, "ko")) mail->locale = STR("en");
    TRY(write_address(mail, arena));
    enum err e = mail_budget_spend(pg, arena, mail->auth->settings, mail->row->class,
        &(struct mail_takers){
            .address = mail->letter.to, .network = mail->draft->network, .account = mail->draft->account });
    if (e == ERR_RATE_LIMITED && mail->row->class == ASKED) mail->dropped = "too_many";
    TRY(e);
    TRY(add_words(mail, pg, arena));
    return write_message(mail);
}

static void end_mail(void *arg, enum err e, const char *why)
{
    struct mail *mail = arg;

    if (e != OK) e = call_fail(mail->call, e, "%s", why);
    job_done(mail->run, e);
}

static void on_composed(void *arg, enum err e)
{
    struct mail *mail = arg;

    if (mail->dropped != NULL) {
        call_note(mail->call, F_TEXT("dropped", mail->dropped));
        job_done(mail->run, OK);
    } else if (e != OK) {
        job_done(mail->run, e);
    } else {
        mailer_send(mail->auth->mailer, &mail->letter, end_mail, mail);
    }
}

void mail_send(struct call *call, const struct job *job, const struct mail_draft *draft, struct job_run *run)
{
    struct mail *mail = arena_zero(call->arena, sizeof *mail);

    *mail = (struct mail){ .run = run, .call = call, .auth = call->context, .job = job, .draft = draft };
    if (!mail_find_kind(draft->kind, &mail->kind)) {
        job_done(run, call_fail(call, ERR_NOT_FOUND, "kind: no mail is called so"));
        return;
    }
    mail->row = &mail_kinds[mail->kind];
    call_note(call, F_TEXT("mail", mail->row->name));
    if (mail->auth->mailer == NULL) {
        job_done(run, ERR_MAIL_OFF);
    } else if (!rpc_server_work(mail->auth->server, STR_NONE, compose_mail, on_composed, mail)) {
        job_done(run, ERR_OVERLOADED);
    }
}
