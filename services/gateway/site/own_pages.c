/* own_pages.c - what a gateway has of its own at fixed paths: robots.txt, favicon.ico, security.txt, and where / leads. */
// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include "libshared/base/arena.h"
#include "services/gateway/site/site_private.h"

#define CONTACT_VALID_S (30 * 86400)

/* A courtyard, seen from above: four roofs around an open square. */
static const char icon[] =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><rect width=\"32\" height=\"32\" rx=\"7\" "
    "fill=\"#2f5d50\"/><path d=\"M7 7h18v18H7z\" fill=\"none\" stroke=\"#fbfaf7\" stroke-width=\"4\"/></svg>";

/* Interfaces are not pages: nobody searches for them. */
static const char robots[] = "User-agent: *\nAllow: /$\nAllow: /s/\nDisallow: /\n";

static void answer_text(struct http *http, const char *type, struct str text)
{
    site_log(http, 200, text.len);
    http_reply(http, 200, type, text, &(struct http_header_out){ "Cache-Control", STR("public, max-age=86400") }, 1);
}

static void answer_contact(const struct site *site, struct http *http)
{
    struct tm utc;
    time_t until = time(NULL) + CONTACT_VALID_S;
    char expires[40];

    gmtime_r(&until, &utc);
    strftime(expires, sizeof expires, "%Y-%m-%dT%H:%M:%SZ", &utc);
    struct str text =
        arena_printf(http_arena(http), "Contact: %s\nExpires: %s\nCanonical: %s/.well-known/security.txt\n",
            site->config.contact, expires, site->config.public_url);
    answer_text(http, "text/plain; charset=utf-8", text);
}

static void answer_elsewhere(const struct site *site, struct http *http)
{
    const struct http_header_out headers[] = {
        { "Location", str_of(site->config.home_url) },
        { "Cache-Control", STR("no-cache") },
    };

    site_log(http, 302, 0);
    http_reply(http, 302, NULL, STR_NONE, headers, COUNT(headers));
}

static bool leads_elsewhere(const struct site *site, struct str path)
{
    return str_is(path, "/") && site->config.home_url[0] != '\0';
}

bool own_page_is_there(const struct site *site, struct str path)
{
    return leads_elsewhere(site, path) || str_is(path, "/robots.txt") || str_is(path, "/favicon.ico") ||
           (str_is(path, "/.well-known/security.txt") && site->config.contact[0] != '\0');
}

bool own_page_answer(struct site *site, struct http *http, struct str path)
{
    if (!own_page_is_there(site, path)) return false;
    if (leads_elsewhere(site, path))
        answer_elsewhere(site, http);
    else if (str_is(path, "/robots.txt"))
        answer_text(http, "text/plain; charset=utf-8", str_of(robots));
    else if (str_is(path, "/favicon.ico"))
        answer_text(http, "image/svg+xml", str_of(icon));
    else
        answer_contact(site, http);
    return true;
}
