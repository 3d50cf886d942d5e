/* site.c - files out of memory: which one, in which coding, how much of it, or that the client has it already. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/base/errand.h"
#include "libshared/base/hex.h"
#include "libshared/base/log.h"
#include "libshared/base/loggable_path.h"
#include "libshared/http/message/gzip.h"
#include "libshared/http/message/http_range.h"
#include "services/gateway/site/api_documents.h"
#include "services/gateway/site/site_private.h"

#define DATE        "%a, %d %b %Y %H:%M:%S GMT"
#define HEADERS_MAX 10
#define INDEX       "/index.html"
#define METHODS     "GET, HEAD"
#define FOREVER     STR("public, max-age=31536000, immutable")
#define ASK_AGAIN   STR("no-cache")

void site_log(struct http *http, int status, size_t bytes)
{
    static struct log_bound strangers; /* they ask as often as they like */
    int64_t left_out = 0;

    if (status >= 400 && !log_may_write(&strangers, &left_out)) return;
    LOG(INFO, "gateway.http", F_STR("method", http_method(http)), F_STR("path", loggable_path(http_path(http))),
        F_INT("status", status), F_STR("address", http_address(http)), F_SOME("bytes", (int64_t)bytes),
        F_SOME("left_out", left_out));
}

/* --- which file --- */

static struct str with_index(struct http *http, struct str path)
{
    bool slash = path.len > 0 && path.at[path.len - 1] == '/';

    return arena_printf(http_arena(http), "%.*s%s", STR_ARG(path), slash ? &INDEX[1] : INDEX);
}

/* A page's own links are meant from its directory: so that is where its reader is sent. */
static bool is_sent_to_directory(struct site *site, struct http *http, struct str path)
{
    if (path.len < 2 || site_files_find(site->files, with_index(http, path)) == NULL) return false;
    struct str query = http_query(http), to = arena_printf(http_arena(http), "%.*s/%s%.*s", STR_ARG(http_path(http)),
                                             query.len > 0 ? "?" : "", STR_ARG(query));
    site_log(http, 308, 0);
    const struct http_header_out headers[] = { { "Location", to }, { "Cache-Control", ASK_AGAIN } };
    http_reply(http, 308, NULL, STR_NONE, headers, COUNT(headers));
    return true;
}

static const struct site_file *find_file(struct site *site, struct http *http, struct str path)
{
    bool is_dir = path.len > 0 && path.at[path.len - 1] == '/';

    return site_files_find(site->files, is_dir ? with_index(http, path) : path);
}

static const struct site_file *find_fallback(struct site *site, struct http *http)
{
    if (site->config.fallback[0] == '\0' || !http_wants_page(http)) return NULL;
    return site_files_find(site->files, arena_printf(http_arena(http), "/%s", site->config.fallback));
}

/* --- in which coding, and how much of it --- */

/* A part is of the file as it is. */
static enum site_coding choose_coding(struct http *http, const struct site_file *file)
{
    struct str accept = http_header(http, "accept-encoding");

    if (http_range(http).len > 0) return AS_IS;
    int brotli = file->as[AS_BROTLI].at != NULL ? coding_weight(accept, "br") : 0;
    int gzip = file->as[AS_GZIP].at != NULL ? coding_weight(accept, "gzip") : 0;
    if (brotli > 0 && brotli >= gzip) return AS_BROTLI;
    return gzip > 0 ? AS_GZIP : AS_IS;
}

static bool is_packed(const struct site_file *file)
{
    return file->as[AS_GZIP].at != NULL || file->as[AS_BROTLI].at != NULL;
}

static bool read_date(struct http *http, const char *header, time_t *out)
{
    struct tm utc = { 0 };
    struct str text = http_header(http, header);
    const char *end = text.len > 0 ? strptime(arena_cstr(http_arena(http), text), DATE, &utc) : NULL;

    if (end == NULL || *end != '\0') return false;
    *out = timegm(&utc);
    return true;
}

static struct str print_date(struct http *http, time_t at)
{
    struct tm utc;
    char text[64];

    gmtime_r(&at, &utc);
    strftime(text, sizeof text, DATE, &utc);
    return arena_str(http_arena(http), str_of(text));
}

/* In the order of RFC 9110 13.2.2: 412, 304, or 0. */
static int judge_conditions(struct http *http, const struct site_file *file, struct str tag)
{
    struct str match = http_header(http, "if-match"), none = http_header(http, "if-none-match");
    time_t date;

    if (match.at != NULL && !http_tag_is_same(match, tag)) return 412;
    if (match.at == NULL && read_date(http, "if-unmodified-since", &date) && file->changed > date) return 412;
    if (none.at != NULL) return http_tag_matches(none, tag) ? 304 : 0;
    return read_date(http, "if-modified-since", &date) && file->changed <= date ? 304 : 0;
}

/* If-Range: the part is wanted of what the client has the rest of, and else all. */
static bool is_still_same(struct http *http, const struct site_file *file, struct str tag)
{
    struct str has = http_header(http, "if-range");
    time_t date;

    if (has.at == NULL) return true;
    if (has.len > 0 && has.at[0] == '"') return str_eq(has, tag);
    return read_date(http, "if-range", &date) && file->changed == date;
}

/* --- answering --- */

/* The rest of a file that the socket has not taken. */
struct serving {
    struct site_files *files;
    struct str rest;
};

static void on_writable(void *arg, struct http *http)
{
    struct serving *serving = http_user(http);

    (void)arg;
    serving->rest = str_skip(serving->rest, http_write(http, serving->rest));
    if (serving->rest.len > 0) return;
    site_files_drop(serving->files);
    mem_free(serving);
    http_set_user(http, NULL);
    http_reply_end(http);
}

static void on_gone(void *arg, struct http *http)
{
    struct serving *serving = http_user(http);

    (void)arg;
    if (serving == NULL) return;
    site_files_drop(serving->files);
    mem_free(serving);
}

struct headers {
    struct http_header_out at[HEADERS_MAX];
    size_t n;
};

static void add_header(struct headers *headers, const char *name, struct str value)
{
    headers->at[headers->n++] = (struct http_header_out){ name, value };
}

/* Where a file lies, and what its place says of the HTML there. */
struct site_place {
    struct site_files *files;
    const char *policy;
    bool by_language; /* its pages are in the reader's */
};

static void add_content_headers(const struct site_place *place, struct http *http, const struct site_file *file,
    enum site_coding coding, struct headers *out)
{
    bool is_html = strncmp(file->type, "text/html", 9) == 0, by_language = is_html && place->by_language;

    add_header(out, "Cache-Control", file->immutable ? FOREVER : ASK_AGAIN);
    add_header(out, "ETag", str_of(file->as[coding].tag));
    add_header(out, "Last-Modified", print_date(http, file->changed));
    add_header(out, "Accept-Ranges", STR("bytes"));
    if (is_packed(file)) add_header(out, "Vary", STR("Accept-Encoding"));
    if (by_language) add_header(out, "Vary", STR("Accept-Language"));
    if (coding != AS_IS) add_header(out, "Content-Encoding", coding == AS_BROTLI ? STR("br") : STR("gzip"));
    if (is_html) add_header(out, "Content-Security-Policy", str_of(place->policy));
}

static void send_bytes(struct site_files *files, struct http *http, int status, const char *type, struct str bytes,
    const struct headers *headers)
{
    site_log(http, status, bytes.len);
    if (!http_reply_begin(http, status, type, (int64_t)bytes.len, headers->at, headers->n)) return;
    struct serving *serving = mem_zero(sizeof *serving);
    serving->files = files;
    serving->files->uses++;
    serving->rest = bytes;
    http_set_user(http, serving);
}

/* What the page about our interface may do: look as it does. */
#define API_POLICY "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static void answer_file(const struct site_place *place, struct http *http, const struct site_file *file)
{
    enum site_coding coding = choose_coding(http, file);
    const struct site_bytes *bytes = &file->as[coding];
    struct str tag = str_of(bytes->tag);
    struct headers headers = { .n = 0 };
    int64_t at = 0, end = (int64_t)bytes->len;

    int status = judge_conditions(http, file, tag);
    enum http_range range = RANGE_NONE;
    if (status == 0 && is_still_same(http, file, tag))
        range = http_range_read(http_range(http), (int64_t)bytes->len, &at, &end);
    if (status == 0 && range == RANGE_UNSATISFIABLE) status = 416;
    add_content_headers(place, http, file, coding, &headers);
    if (range == RANGE_UNSATISFIABLE)
        headers.at[0] =
            (struct http_header_out){ "Content-Range", arena_printf(http_arena(http), "bytes */%zu", bytes->len) };
    if (status != 0) {
        site_log(http, status, 0);
        http_reply(http, status, NULL, STR_NONE, headers.at, headers.n);
        return;
    }
    if (range == RANGE_PART)
        add_header(&headers, "Content-Range",
            arena_printf(http_arena(http), "bytes %lld-%lld/%zu", (long long)at, (long long)end - 1, bytes->len));
    send_bytes(place->files, http, range == RANGE_PART ? 206 : 200, file->type,
        (struct str){ bytes->at + at, (size_t)(end - at) }, &headers);
}

static void refuse_method(struct http *http, bool is_found)
{
    struct http_header_out allow = { "Allow", STR(METHODS) };

    site_log(http, is_found ? 405 : 404, 0);
    http_reply_refusal(http, is_found ? 405 : 404, &allow, is_found ? 1 : 0);
}

static void answer_not_found(struct http *http)
{
    site_log(http, 404, 0);
    http_reply_refusal(http, 404, NULL, 0);
}

/* An operator's file, else one of the page at / or of links' pages, else what is there for all paths. */
static void answer_found(struct site *site, struct http *http, struct str path, const struct site_file *file)
{
    const struct site_place theirs = { site->files, site->config.policy, false };
    const struct site_place ours = { site->front, front_page_policy, true };
    const struct site_place links = { site->watch, front_page_policy, false };
    const struct site_file *front = file == NULL ? front_page_find(site, http, path) : NULL;
    const struct site_file *watch = file == NULL ? site_files_find(site->watch, path) : NULL;

    if (file == NULL && front == NULL && watch == NULL) file = find_fallback(site, http);
    if (front != NULL)
        answer_file(&ours, http, front);
    else if (watch != NULL)
        answer_file(&links, http, watch);
    else if (file != NULL)
        answer_file(&theirs, http, file);
    else
        answer_not_found(http);
}

static struct str decode_path(struct http *http)
{
    struct str raw = http_path(http);
    char *decoded = arena_alloc(http_arena(http), raw.len + 1);
    size_t len = 0;

    (void)percent_decode(raw, false, decoded, &len);
    return (struct str){ decoded, len };
}

static bool is_there(const struct site *site, struct str path, const struct site_file *file)
{
    return file != NULL || own_page_is_there(site, path) || front_page_is_there(site, path) ||
           site_files_find(site->watch, path) != NULL;
}

static const char *list_methods(void *arg, struct http *http)
{
    struct site *site = arg;
    struct str path = decode_path(http);

    return is_there(site, path, find_file(site, http, path)) ? METHODS : NULL;
}

static int on_begin(void *arg, struct http *http)
{
    struct site *site = arg;
    struct str path = decode_path(http);
    const struct site_file *file = find_file(site, http, path);

    if (!str_is(http_verb(http), "GET")) {
        refuse_method(http, is_there(site, path, file));
        return 0;
    }
    if (file == NULL && (is_sent_to_directory(site, http, path) || own_page_answer(site, http, path))) return 0;
    answer_found(site, http, path, file);
    return 0;
}

/* Documents about the interface. */
static int on_api_begin(void *arg, struct http *http)
{
    struct site *site = arg;
    const struct site_file *file = site_files_find(site->api, http_path(http));

    if (file == NULL)
        answer_not_found(http);
    else
        answer_file(&(struct site_place){ site->api, API_POLICY, false }, http, file);
    return 0;
}

/* --- the directory --- */

struct site_look {
    struct site_wanted wanted;
    uint64_t mark;
    bool changed;
    struct site_files *read;
    char why[200];
};

static void look_at_files(void *work)
{
    struct site_look *look = work;
    uint64_t mark = site_files_mark(&look->wanted);

    look->changed = mark != look->mark;
    look->mark = mark;
    if (look->changed) look->read = site_files_read(&look->wanted, look->why, sizeof look->why);
}

static void log_files(const struct site *site, const struct site_files *files, const char *why)
{
    LOG(INFO, "site.read", F_BOOL("loaded", files != NULL), F_TEXT("path", site->config.dir),
        F_INT("files", files != NULL ? HASH_COUNT(files->table) : 0), F_TEXT("why", why));
}

static void take_files(void *arg, void *work)
{
    struct site *site = arg;
    struct site_look *look = work;

    site->mark = look->mark;
    if (look->changed) log_files(site, look->read, look->read != NULL ? NULL : look->why);
    if (look->read != NULL) {
        site_files_drop(site->files);
        site->files = look->read;
        look->read = NULL;
    }
    errand_end(&site->errand);
}

static void discard_look(void *work)
{
    site_files_drop(((struct site_look *)work)->read);
    mem_free(work);
}

static struct site_wanted wanted_of(const struct site *site)
{
    return (struct site_wanted){ site->config.dir, site->config.immutable, site->config.bytes_max };
}

void site_reload(struct site *site)
{
    static const struct errand_kind kind = { look_at_files, take_files, discard_look };

    if (site->files == NULL || site->errand != NULL) return;
    struct site_look *look = mem_zero(sizeof *look);
    look->wanted = wanted_of(site);
    look->mark = site->mark;
    site->errand = errand_begin(site->loop, &kind, look, site);
}

static void on_time(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    site_reload(timer->data);
}

static void read_first(struct site *site)
{
    struct site_wanted wanted = wanted_of(site);
    char why[200];

    site->mark = site_files_mark(&wanted);
    site->files = site_files_read(&wanted, why, sizeof why);
    if (site->files == NULL) {
        fprintf(stderr, "MADANG_GATEWAY_STATIC: %s: %s\n", site->config.dir, why);
        exit(2);
    }
    log_files(site, site->files, NULL);
    ev_timer_init(&site->timer, on_time, site->config.check_seconds, site->config.check_seconds);
    site->timer.data = site;
    ev_timer_start(site->loop, &site->timer);
}

static void add_documents(struct site *site)
{
    struct api_document documents[API_DOCUMENTS];
    size_t n = api_documents(documents);

    site->api = site_files_create();
    for (size_t i = 0; i < n; i++) site_files_add(site->api, documents[i].path, documents[i].type, documents[i].bytes);
}

struct site *site_create(struct ev_loop *loop, const struct site_config *config)
{
    struct site *site = mem_zero(sizeof *site);

    site->loop = loop;
    site->config = *config;
    if (config->dir[0] != '\0') read_first(site);
    add_documents(site);
    site->front = front_page_files(config);
    site->watch = watch_files();
    return site;
}

void site_destroy(struct site **at)
{
    struct site *site = *at;

    *at = NULL;
    if (site == NULL) return;
    errand_end(&site->errand);
    if (site->files != NULL) ev_timer_stop(site->loop, &site->timer);
    site_files_drop(site->files);
    site_files_drop(site->api);
    site_files_drop(site->front);
    site_files_drop(site->watch);
    mem_free(site);
}

static const struct http_handler site_handler = {
    .begin = on_begin,
    .allows = list_methods,
    .writable = on_writable,
    .gone = on_gone,
    .headers =
        "Referrer-Policy: strict-origin-when-cross-origin\n"
        "Cross-Origin-Opener-Policy: same-origin\n"
        "Cross-Origin-Resource-Policy: same-site\n"
        "Permissions-Policy: camera=(self), microphone=(self), geolocation=(self), payment=(), usb=(), serial=()\n",
};

static const struct http_handler api_handler = {
    .methods = METHODS,
    .begin = on_api_begin,
    .writable = on_writable,
    .gone = on_gone,
    .headers = "Referrer-Policy: no-referrer\n"
               "Cross-Origin-Opener-Policy: same-origin\n"
               "Cross-Origin-Resource-Policy: cross-origin\n",
};

void site_mount(struct site *site, struct http_server *server)
{
    struct api_document documents[API_DOCUMENTS];
    size_t n = api_documents(documents);

    for (size_t i = 0; i < n; i++) http_mount(server, documents[i].path, &api_handler, site);
    http_mount(server, "/*", &site_handler, site);
    if (site->config.acme_dir[0] != '\0') http_mount(server, ACME_PATH "*", &acme_handler, site);
}
