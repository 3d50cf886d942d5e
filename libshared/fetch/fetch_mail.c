/* fetch_mail.c - a mail as curl has it, and whether its server has judged it. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/fetch/fetch_private.h"

static size_t give_message(char *to, size_t size, size_t n, void *arg)
{
    struct fetch *fetch = arg;
    struct str *unread = &fetch->mail.unread;
    size_t len = size * n < unread->len ? size * n : unread->len;

    fetch->mail.was_read = true;
    memcpy(to, unread->at, len);
    *unread = str_skip(*unread, len);
    return len;
}

/* The last refusal among the server's lines says why, if there is a why. */
static size_t take_line(char *at, size_t size, size_t n, void *arg)
{
    struct fetch *fetch = arg;
    struct str line = str_trim((struct str){ at, size * n });

    if (line.len == 0 || (line.at[0] != '4' && line.at[0] != '5')) return size * n;
    buf_clear(&fetch->body);
    buf_add(&fetch->body, line.at, line.len < FETCH_MAIL_LINE_MAX ? line.len : FETCH_MAIL_LINE_MAX);
    return size * n;
}

/* Each would begin another command of SMTP, or is none of an address. */
static bool is_one_word(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= ' ' || text.at[i] == 0x7f || text.at[i] == '<' || text.at[i] == '>')
            return false;
    return text.len > 0;
}

static void set_mail(struct fetch *fetch, const struct fetch_mail *mail, const char *url)
{
    CURL *easy = fetch->easy;

    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)(mail->plain ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    if (mail->user != NULL) curl_easy_setopt(easy, CURLOPT_USERNAME, mail->user);
    if (mail->password != NULL) curl_easy_setopt(easy, CURLOPT_PASSWORD, mail->password);
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, arena_cstr(fetch->arena, mail->from));
    fetch->mail.to = curl_slist_append(NULL, arena_cstr(fetch->arena, mail->to));
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, fetch->mail.to);
    fetch->mail.unread = arena_str(fetch->arena, mail->message);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)mail->message.len);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_message);
    curl_easy_setopt(easy, CURLOPT_READDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch);
}

enum fetch_result fetch_mail_prepare(struct fetch *fetch, const struct fetch_mail *mail)
{
    if (!is_one_word(mail->url) || !is_one_word(mail->greeting) || !is_one_word(mail->from) || !is_one_word(mail->to))
        return FETCH_BAD_URL;
    if (mail->message.len > FETCH_MAIL_BYTES_MAX) return FETCH_TOO_LARGE;
    const char *url = arena_printf(fetch->arena, "%.*s/%.*s", STR_ARG(mail->url), STR_ARG(mail->greeting)).at;
    enum fetch_result result = fetch_judge_url(fetch, url);

    if (result != FETCH_ANSWERED) return result;
    fetch->easy = curl_easy_init();
    fetch_set_guards(fetch, "smtp,smtps", mail->timeout_ms);
    set_mail(fetch, mail, url);
    return FETCH_ANSWERED;
}

/* curl says CURLE_SEND_ERROR of an address that is refused, and CURLE_WEIRD_SERVER_REPLY of a message, but of a greeting too. */
bool fetch_mail_is_judged(struct fetch *fetch, CURLcode code)
{
    long status = 0;

    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK) return true;
    if (status < 400 || status > 599) return false;
    return code == CURLE_SEND_ERROR || (code == CURLE_WEIRD_SERVER_REPLY && fetch->mail.was_read);
}
