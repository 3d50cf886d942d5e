/* fuzz_mail.c - whatever comes as an e-mail address, and any text in a header: of each comes what is one line. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/auth/mail/mail_message.h"
#include "services/auth/users/email_syntax.h"
#include "tests/fuzz/fuzz.h"

#define HEADERS 10 /* of a mail */

static void is_written_to(const struct email_parts *parts)
{
    PROMISE(parts->local.len > 0 && parts->domain.len > 0 && memchr(parts->domain.at, '.', parts->domain.len) != NULL);
    for (size_t i = 0; i < parts->domain.len; i++) {
        char c = parts->domain.at[i];
        PROMISE((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.');
    }
}

/* Lines that begin with no blank up to the first empty one; each line ends in CRLF, and nothing else ends one. */
static void has_headers(struct str message, int n)
{
    const char *end = memmem(message.at, message.len, "\r\n\r\n", 4);
    PROMISE(end != NULL);
    struct str head = { message.at, (size_t)(end - message.at) };

    while (head.at != NULL) {
        struct str line = str_cut(&head, '\n');
        if (head.at != NULL) {
            PROMISE(line.len > 0 && line.at[line.len - 1] == '\r');
            line.len--;
        }
        PROMISE(line.len > 0 && memchr(line.at, '\r', line.len) == NULL && memchr(line.at, '\0', line.len) == NULL);
        n -= line.at[0] != ' ';
    }
    PROMISE(n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str subject = { (const char *)data, size }, address = str_cut(&subject, '\n');
    struct arena *arena = arena_create("fuzz", 16u << 20);
    struct email_parts parts;
    struct buf out = BUF(16u << 20);

    if (email_parse(arena, address, &parts) == NULL) {
        is_written_to(&parts);
        mail_write_message(&out, &(struct mail_message){ .name = subject,
                                     .from = STR("gate@example.org"),
                                     .to = address,
                                     .subject = subject,
                                     .id = STR("0"),
                                     .locale = STR("en"),
                                     .text = subject,
                                     .html = subject });
        PROMISE(!out.over);
        has_headers(buf_str(&out), HEADERS);
    }
    buf_free(&out);
    arena_destroy(&arena);
    return 0;
}
