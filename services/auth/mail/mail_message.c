/* mail_message.c - headers, and two parts. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/mail/mail_message.h"

#include <string.h>
#include <time.h>

#include "libshared/base/base64.h"

#define WORD_BYTES 42 /* of text in an encoded word, which has 75 characters at most (RFC 2047 2) */
#define LINE_BYTES 57 /* of a body's line, 76 characters (RFC 2045 6.8) */

/* --- headers --- */

static void write_encoded_word(struct buf *out, struct str text)
{
    char encoded[64];

    base64_encode(encoded, text);
    buf_printf(out, "=?UTF-8?B?%.*s?=", (int)base64_length(text.len), encoded);
}

/* As much as a word holds, and no half of a character, of what is UTF-8. */
static struct str cut_word(struct str *text)
{
    struct str word = { text->at, text->len < WORD_BYTES ? text->len : WORD_BYTES };

    while (word.len < text->len && word.len > 0 && ((unsigned char)text->at[word.len] & 0xc0) == 0x80) word.len--;
    if (word.len == 0) word.len = WORD_BYTES;
    *text = str_skip(*text, word.len);
    return word;
}

/* Encoded words always: they end no line, whatever is in the text. */
static void write_text(struct buf *out, struct str text)
{
    while (text.len > 0) {
        write_encoded_word(out, cut_word(&text));
        if (text.len > 0) buf_add_str(out, STR("\r\n "));
    }
}

static void write_date(struct buf *out, int64_t at)
{
    static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
        "Dec" };
    time_t s = at / 1000;
    struct tm t;

    gmtime_r(&s, &t);
    buf_printf(out, "%s, %d %s %d %02d:%02d:%02d +0000", days[t.tm_wday], t.tm_mday, months[t.tm_mon], t.tm_year + 1900,
        t.tm_hour, t.tm_min, t.tm_sec);
}

static struct str domain_of(struct str address)
{
    const char *at = memrchr(address.at, '@', address.len);

    return at != NULL ? str_skip(address, (size_t)(at + 1 - address.at)) : address;
}

static void write_head(struct buf *out, const struct mail_message *message)
{
    buf_add_str(out, STR("Date: "));
    write_date(out, message->at);
    buf_add_str(out, STR("\r\nFrom: "));
    write_text(out, message->name);
    buf_printf(out, "\r\n <%.*s>\r\nTo: <%.*s>\r\nSubject: ", STR_ARG(message->from), STR_ARG(message->to));
    write_text(out, message->subject);
    buf_printf(out, "\r\nMessage-ID: <%.*s@%.*s>\r\n", STR_ARG(message->id), STR_ARG(domain_of(message->from)));
    buf_printf(out, "Content-Language: %.*s\r\n", STR_ARG(message->locale));
    buf_add_str(out, STR("Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\nMIME-Version: 1.0\r\n"));
    buf_printf(out, "Content-Type: multipart/alternative;\r\n boundary=\"=_%.*s\"\r\n", STR_ARG(message->id));
}

/* --- parts: base64 has no line of the boundary --- */

static void write_base64(struct buf *out, struct str text)
{
    char line[80];

    while (text.len > 0) {
        struct str piece = { text.at, text.len < LINE_BYTES ? text.len : LINE_BYTES };
        base64_encode(line, piece);
        buf_add(out, line, base64_length(piece.len));
        buf_add_str(out, STR("\r\n"));
        text = str_skip(text, piece.len);
    }
}

static void write_part(struct buf *out, struct str boundary, const char *type, struct str text)
{
    buf_printf(out, "\r\n--=_%.*s\r\nContent-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        STR_ARG(boundary), type);

    struct buf canonical = BUF(2 * text.len);
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\n') buf_add_char(&canonical, '\r');
        buf_add_char(&canonical, text.at[i]);
    }
    write_base64(out, buf_str(&canonical));
    buf_free(&canonical);
}

void mail_write_message(struct buf *out, const struct mail_message *message)
{
    write_head(out, message);
    write_part(out, message->id, "text/plain", message->text);
    write_part(out, message->id, "text/html", message->html);
    buf_printf(out, "\r\n--=_%.*s--\r\n", STR_ARG(message->id));
}
