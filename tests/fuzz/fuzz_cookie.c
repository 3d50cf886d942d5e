/* fuzz_cookie.c - any bytes as what a browser says of itself: cookies, the page that sent it, the languages of its reader. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/url.h"
#include "libshared/http/conn_private.h"
#include "libshared/http/message/cookie.h"
#include "libshared/page/page.h"
#include "tests/fuzz/fuzz.h"

#define NAME "__Secure-madang_rt"

/* It stands in the header, behind its name. */
static void try_cookie(struct str header)
{
    struct str value = STR_NONE;

    if (cookie_find(header, NAME, &value) != COOKIE_FOUND) return;
    PROMISE(value.len > 0 && value.at > header.at && value.at + value.len <= header.at + header.len);
    PROMISE(memcmp(value.at - sizeof NAME, NAME "=", sizeof NAME) == 0);
    PROMISE(memchr(value.at, ';', value.len) == NULL);
}

/* An origin is its own origin, and what comes from a page is refused unless that page is named. */
static void try_origin(struct str text)
{
    static struct origins *origins;
    char origin[URL_ORIGIN_MAX], again[URL_ORIGIN_MAX];
    bool is_named = false;

    if (origins == NULL) origins = origins_create("*, https://app.example", "https://own.example");
    if (url_origin(text, origin)) {
        PROMISE(url_origin(str_of(origin), again) && strcmp(origin, again) == 0);
        is_named = strcmp(origin, "https://own.example") == 0 || strcmp(origin, "https://app.example") == 0;
    }
    struct sender by_referer = { .referer = text };
    PROMISE(sender_is_good(origins, &by_referer) == is_named);
    struct sender by_origin = { .origin = text };
    PROMISE(!sender_is_good(origins, &by_origin) || is_named);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };

    try_cookie(text);
    try_origin(text);
    PROMISE(page_language_accepted(text) < PAGE_LANGUAGES);
    (void)cookie_is_value(text);
    return 0;
}
