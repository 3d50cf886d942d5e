/*
 * email_syntax.h - what is an e-mail address, by RFC 5321 and, for letters beyond ASCII, RFC 6531.
 *
 *      Ada.Lovelace+chat@example.org   "ada lovelace"@example.org   아다@도메인.kr
 *
 * Refused are: addresses without a name of a domain (RFC 5321 4.1.3 has them, and a mail to them leaves the mail server's
 * own rules aside), domains of one part, and characters that are not seen.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"

#define EMAIL_BYTES_MAX 254 /* RFC 5321 4.5.3.1.3, without its brackets */
#define EMAIL_LOCAL_MAX 64

struct email_parts {
    struct str local;  /* without its quotes */
    struct str domain; /* in letters of ASCII, small: what the name system is asked for */
};

/* NULL, or why it is none: a constant.  The parts live in the arena. */
const char *email_parse(struct arena *arena, struct str text, struct email_parts *out);
