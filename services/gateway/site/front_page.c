/* front_page.c - the page at /: what this is and where to go, in two languages, of files that are a part of the program. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/buf.h"
#include "libshared/page/html.h"
#include "libshared/page/page.h"
#include "services/gateway/site/site_private.h"

#define PAGE_MAX 65536
#define ORIGIN   "{origin}" /* in the page: our own URL */

/* Nothing of other origins, no frame, no inline script or style. */
const char front_page_policy[] =
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/* The bytes of a file between two names. */
#define FRONT(name, file)                                                                                              \
    __asm__(".section .rodata\n" #name ":\n.incbin \"services/gateway/site/front/" file "\"\n" #name                   \
            "_end:\n.byte 0\n.text\n");                                                                                \
    extern const char name[], name##_end[]

FRONT(front_en, "en.html");
FRONT(front_ko, "ko.html");
FRONT(front_css, "front.css");
FRONT(front_live, "live.js");
FRONT(front_client, "socket.io.esm.min.js");
FRONT(front_licence, "socket.io.LICENSE.txt");

static struct str between(const char *at, const char *end)
{
    return (struct str){ at, (size_t)(end - at) };
}

/* Puts the template up to `end`, or all of it, and takes it away; false: there was no such place. */
static bool take_until(struct str *template, const char *end, struct buf *out)
{
    const char *next = memmem(template->at, template->len, end, strlen(end));
    size_t len = next != NULL ? (size_t)(next - template->at) : template->len;

    if (out != NULL) buf_add(out, template->at, len);
    *template = str_skip(*template, next != NULL ? len + strlen(end) : len);
    return next != NULL;
}

/* Without what is of the demo, where there is none. */
static void fill_demo(struct str template, bool has_demo, struct buf *out)
{
    while (take_until(&template, "<!--demo-->\n", out))
        (void)take_until(&template, "<!--/demo-->\n", has_demo ? out : NULL);
}

static void fill_origin(struct str template, const char *origin, struct buf *out)
{
    while (take_until(&template, ORIGIN, out)) html_put_text(out, str_of(origin));
}

/* Keys of pages are no paths, so that they are found by their language alone. */
static void add_page(
    struct site_files *files, enum page_language language, struct str template, const struct site_config *config)
{
    struct buf parts = BUF(PAGE_MAX), html = BUF(PAGE_MAX);

    fill_demo(template, config->demo, &parts);
    fill_origin(buf_str(&parts), config->public_url, &html);
    site_files_add(files, page_language_code(language), "text/html; charset=utf-8", buf_str(&html));
    buf_free(&parts);
    buf_free(&html);
}

void front_page_add_client(struct site_files *files, const char *path, const char *licence_path)
{
    site_files_add(files, path, SITE_SCRIPT_TYPE, between(front_client, front_client_end));
    site_files_add(files, licence_path, "text/plain; charset=utf-8", between(front_licence, front_licence_end));
}

static void add_demo(struct site_files *files)
{
    site_files_add(files, "/welcome/live.js", SITE_SCRIPT_TYPE, between(front_live, front_live_end));
    front_page_add_client(files, "/welcome/socket.io.esm.min.js", "/welcome/socket.io.LICENSE.txt");
}

static void check_home_url(const char *url)
{
    if (url[0] == '\0' || strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0 || url[0] == '/') return;
    fprintf(stderr, "MADANG_GATEWAY_HOME_URL: wants https://, http:// or a path of this host\n");
    exit(2);
}

struct site_files *front_page_files(const struct site_config *config)
{
    check_home_url(config->home_url);
    if (!config->page || config->home_url[0] != '\0') return NULL;
    struct site_files *files = site_files_create();
    add_page(files, PAGE_EN, between(front_en, front_en_end), config);
    add_page(files, PAGE_KO, between(front_ko, front_ko_end), config);
    site_files_add(files, "/welcome/front.css", "text/css; charset=utf-8", between(front_css, front_css_end));
    if (config->demo) add_demo(files);
    return files;
}

/* ?lang says it, else the browser. */
static enum page_language language_of(struct http *http)
{
    enum page_language language;
    struct str wanted;

    if (http_param(http, "lang", &wanted) && page_language_find(wanted, &language)) return language;
    return page_language_accepted(http_header(http, "accept-language"));
}

bool front_page_is_there(const struct site *site, struct str path)
{
    if (site->front == NULL) return false;
    return str_is(path, "/") || (str_starts(path, STR("/")) && site_files_find(site->front, path) != NULL);
}

const struct site_file *front_page_find(const struct site *site, struct http *http, struct str path)
{
    if (!front_page_is_there(site, path)) return NULL;
    return site_files_find(site->front, str_is(path, "/") ? str_of(page_language_code(language_of(http))) : path);
}
