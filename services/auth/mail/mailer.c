/* mailer.c - the operator's mail server, on the loop. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/secret.h"
#include "libshared/fetch/fetch.h"
#include "services/auth/mail/mail.h"
#include "libshared/base/secret_file.h"

#define CONNECTIONS_MAX 4 /* with the mail server */
#define WAITING_MAX     10000
#define TIMEOUT_MS      30000

struct mailer {
    const struct settings_auth *settings;
    struct fetcher *fetcher;
    char password[SECRET_FILE_MAX];
};

static _Noreturn void refuse_settings(const char *what)
{
    fprintf(stderr, "madang: MADANG_AUTH_%s\n", what);
    exit(2);
}

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void check_settings(const struct settings_auth *s)
{
    if (!begins_with(s->smtp_url, "smtp://") && !begins_with(s->smtp_url, "smtps://"))
        refuse_settings("SMTP_URL: wants smtp://host:port or smtps://host:port");
    if (strchr(s->smtp_url, '@') != NULL)
        refuse_settings("SMTP_URL: a user belongs into MADANG_AUTH_SMTP_USER, a password into a file");
    if (strpbrk(strstr(s->smtp_url, "//") + 2, "/?#") != NULL || s->smtp_url[strlen(s->smtp_url) - 1] == '/')
        refuse_settings("SMTP_URL: wants a host, and no path");
    if (strchr(s->mail_from, '@') == NULL) refuse_settings("MAIL_FROM: wants the address that mails come from");
    if (s->smtp_user[0] != '\0' && !s->smtp_tls && begins_with(s->smtp_url, "smtp://"))
        refuse_settings("SMTP_TLS: without TLS nobody signs in, for the password could be read on the way");
    if (s->smtp_user[0] != '\0' && s->smtp_password[0] == '\0')
        refuse_settings("SMTP_PASSWORD: wants the file with the password of MADANG_AUTH_SMTP_USER");
}

struct mailer *mailer_create(struct ev_loop *loop, const struct settings_auth *s)
{
    struct mailer *mailer;

    if (!mail_is_on(s)) return NULL;
    check_settings(s);
    mailer = mem_zero(sizeof *mailer);
    mailer->settings = s;
    if (s->smtp_user[0] != '\0' && !secret_file_read(s->smtp_password, mailer->password))
        refuse_settings("SMTP_PASSWORD: the file cannot be read, or is empty");
    mailer->fetcher = fetcher_create(loop, &(struct fetcher_config){ .user_agent = "madang",
                                               .ca_file = s->smtp_ca[0] != '\0' ? s->smtp_ca : NULL,
                                               .running_max = CONNECTIONS_MAX,
                                               .host_max = CONNECTIONS_MAX,
                                               .waiting_max = WAITING_MAX });
    return mailer;
}

void mailer_destroy(struct mailer **mailer)
{
    if (*mailer == NULL) return;
    fetcher_destroy(&(*mailer)->fetcher);
    secret_wipe((*mailer)->password, SECRET_FILE_MAX);
    mem_free(*mailer);
    *mailer = NULL;
}

/* --- one letter --- */

struct mail_sending {
    void (*done)(void *arg, enum err e, const char *why);
    void *arg;
};

/* "550 5.1.1": what the server says besides may have an address in it, which logs and lists of jobs are no place for. */
static void copy_codes(struct str line, char *to, size_t size)
{
    size_t n = 0;

    while (n < line.len && n + 1 < size && strchr("0123456789. ", line.at[n]) != NULL) {
        to[n] = line.at[n] == '-' ? ' ' : line.at[n];
        n++;
    }
    while (n > 0 && to[n - 1] == ' ') n--;
    to[n] = '\0';
}

/* Which the server has judged for ever is not sent again. */
static enum err judge_delivery(const struct fetch_answer *answer, char *why, size_t size)
{
    char codes[32];

    if (answer->result != FETCH_ANSWERED) {
        snprintf(why, size, "the mail server: %s", fetch_result_code(answer->result));
        return ERR_UNAVAILABLE;
    }
    if (answer->status < 400) return OK;
    copy_codes(answer->body, codes, sizeof codes);
    snprintf(why, size, "the mail server refused it: %s", codes);
    return answer->status < 500 ? ERR_UNAVAILABLE : ERR_FORBIDDEN;
}

static void on_answer(void *arg, const struct fetch_answer *answer)
{
    struct mail_sending *sending = arg;
    char why[120] = "";
    enum err e = judge_delivery(answer, why, sizeof why);

    sending->done(sending->arg, e, why);
    mem_free(sending);
}

void mailer_send(struct mailer *mailer, const struct mail_letter *letter,
    void (*done)(void *arg, enum err e, const char *why), void *arg)
{
    const struct settings_auth *s = mailer->settings;
    bool signs_in = s->smtp_user[0] != '\0';
    struct mail_sending *sending = mem_zero(sizeof *sending);

    *sending = (struct mail_sending){ done, arg };
    fetch_mail(mailer->fetcher,
        &(struct fetch_mail){ .url = str_of(s->smtp_url),
            .plain = !s->smtp_tls && begins_with(s->smtp_url, "smtp://"),
            .user = signs_in ? s->smtp_user : NULL,
            .password = signs_in ? mailer->password : NULL,
            .greeting = str_of(strrchr(s->mail_from, '@') + 1),
            .from = str_of(s->mail_from),
            .to = letter->to,
            .message = letter->message,
            .timeout_ms = TIMEOUT_MS },
        on_answer, sending);
}
