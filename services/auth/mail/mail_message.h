/* mail_message.h - a mail as RFC 5322 has it: text and HTML of the same, in UTF-8 as base64. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"

struct mail_message {
    struct str name, from, to; /* addresses as they are in an envelope: ASCII, or UTF-8 before the @ */
    struct str subject;        /* any text */
    struct str id;             /* without its domain: that of `from` is added */
    struct str locale;
    int64_t at; /* milliseconds since 1970 */
    struct str text, html;
};

/* Of any text comes one header line of its name: what is not plain ASCII, or could end it, is an encoded word (RFC 2047). */
void mail_write_message(struct buf *out, const struct mail_message *message);
