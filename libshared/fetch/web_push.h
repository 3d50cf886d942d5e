/*
 * web_push.h - a message for a browser: encrypted so that nobody but it reads it, and signed so that its push service knows who sends it.
 *
 *      browser --endpoint, p256dh, auth--> us --POST: RFC 8291 (aes128gcm of RFC 8188), RFC 8292 (ES256)--> its push service --> browser
 *
 * What is encrypted has a pair of keys of its own and a salt each time.  The pair that signs stays: a browser takes messages of the one it was told.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"

#define WEB_PUSH_POINT_BYTES  65 /* of P-256, not compressed */
#define WEB_PUSH_SECRET_BYTES 32
#define WEB_PUSH_AUTH_BYTES   16
#define WEB_PUSH_SALT_BYTES   16
#define WEB_PUSH_TEXT_MAX     3993 /* bytes of a message, which all push services take: RFC 8291, section 4 */

struct web_push_pair {
    unsigned char secret[WEB_PUSH_SECRET_BYTES], point[WEB_PUSH_POINT_BYTES];
};
/* What a browser has said of itself. */
struct web_push_browser {
    unsigned char point[WEB_PUSH_POINT_BYTES], auth[WEB_PUSH_AUTH_BYTES];
};

void web_push_pair_make(struct web_push_pair *out);
/* As a PushSubscription has them: base64url.  false: they are none, or `p256dh` is no point of the curve. */
bool web_push_browser_read(struct str p256dh, struct str auth, struct web_push_browser *out) MUST_CHECK;

/* The body of the request.  `once` and `salt` are used for this message alone. */
struct str web_push_encrypt(struct arena *arena, const struct web_push_browser *to, const struct web_push_pair *once,
    const unsigned char salt[WEB_PUSH_SALT_BYTES], struct str text);
/* The header Authorization, for the push service of this origin.  `contact`: mailto: or https:, without quotes and backslashes. */
struct str web_push_authorize(
    struct arena *arena, const struct web_push_pair *own, struct str origin, struct str contact, int64_t until_s);
