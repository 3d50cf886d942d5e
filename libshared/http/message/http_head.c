/* http_head.c - the request line and headers of HTTP/1.1, strictly (RFC 9112). */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/message/http_head.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define METHOD_MAX 16

static bool is_token_char(unsigned char c)
{
    return isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Every method that there is; so an unfinished head can be told from what is no HTTP at all. */
static bool is_method(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < 'A' || s.at[i] > 'Z') return false;
    return s.len > 0 && s.len <= METHOD_MAX;
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_token_char((unsigned char)s.at[i])) return false;
    return s.len > 0;
}

size_t http_head_end(const char *at, size_t len, size_t seen)
{
    size_t from = seen > 3 ? seen - 3 : 0;
    const char *end = len > from ? memmem(at + from, len - from, "\r\n\r\n", 4) : NULL;
    return end == NULL ? 0 : (size_t)(end - at) + 4;
}

bool http_head_is_plausible(const char *at, size_t len)
{
    for (size_t i = 0; i < len && i < METHOD_MAX && at[i] != ' '; i++)
        if (at[i] < 'A' || at[i] > 'Z') return i == 0 && (at[i] == '\r' || at[i] == '\n');
    return true;
}

/* Cuts off the first line, without its CRLF.  A lone CR or LF does not end one. */
static bool next_line(struct str *rest, struct str *line)
{
    const char *end = memmem(rest->at, rest->len, "\r\n", 2);
    if (end == NULL) return false;
    *line = (struct str){ rest->at, (size_t)(end - rest->at) };
    *rest = str_skip(*rest, line->len + 2);
    return true;
}

/* http://host/path is legal, and means /path here.  A slash behind the question mark is no path. */
static struct str without_authority(struct str target)
{
    if (target.len < 8 || (strncasecmp(target.at, "http://", 7) != 0 && strncasecmp(target.at, "https://", 8) != 0))
        return target;
    target = str_skip(target, target.at[4] == ':' ? 7 : 8);
    while (target.len > 0 && target.at[0] != '/' && target.at[0] != '?') target = str_skip(target, 1);
    return target.len > 0 ? target : STR("/");
}

static int parse_target(struct str target, struct http_head *out)
{
    if (target.len > HTTP_TARGET_MAX) return 414;
    for (size_t i = 0; i < target.len; i++)
        if ((unsigned char)target.at[i] <= 0x20 || target.at[i] == 0x7f) return 400;
    out->query = without_authority(target);
    bool absolute = out->query.at != target.at;
    out->path = str_cut(&out->query, '?');
    if (absolute && out->path.len == 0) out->path = STR("/"); /* http://host?query */
    bool of_server = str_is(out->path, "*") && str_is(out->method, "OPTIONS");
    return of_server || (out->path.len > 0 && out->path.at[0] == '/') ? 0 : 400;
}

static int parse_request_line(struct str line, struct http_head *out)
{
    struct str rest = line;
    out->method = str_cut(&rest, ' ');
    struct str target = str_cut(&rest, ' ');
    if (!is_method(out->method) || target.len == 0) return 400;
    if (rest.len != 8 || memcmp(rest.at, "HTTP/", 5) != 0 || rest.at[6] != '.') return 400;
    if (rest.at[5] != '1' || !isdigit((unsigned char)rest.at[7])) return 505;
    out->minor = rest.at[7] - '0';
    return parse_target(target, out);
}

static int parse_field(struct str line, struct http_head *out)
{
    struct str value = line;
    struct str name = str_cut(&value, ':');
    if (value.at == NULL || !is_token(name)) return 400; /* also a folded line, and a blank before the colon */
    if (out->n_fields == HTTP_FIELDS_MAX) return 431;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) return 400;
    }
    for (char *c = (char *)name.at; c < name.at + name.len; c++) *c = (char)tolower((unsigned char)*c);
    out->fields[out->n_fields++] = (struct http_field){ name, str_trim(value) };
    return 0;
}

struct str http_list_last(struct str *list)
{
    const char *comma = list->len > 0 ? memrchr(list->at, ',', list->len) : NULL;
    size_t before = comma == NULL ? 0 : (size_t)(comma - list->at) + 1;
    struct str item = str_trim(str_skip(*list, before));
    *list = comma == NULL ? STR_NONE : (struct str){ list->at, before - 1 };
    return item;
}

bool http_list_has(struct str list, const char *word)
{
    while (list.len > 0) {
        struct str item = str_trim(str_cut(&list, ','));
        if (item.len == strlen(word) && strncasecmp(item.at, word, item.len) == 0) return true;
    }
    return false;
}

static int read_length(struct str value, struct http_head *out)
{
    int64_t n;
    if (value.len == 0 || value.len > 18 || !isdigit((unsigned char)value.at[0]) || !str_to_int(value, &n) || n < 0)
        return 400;
    if (out->content_length >= 0 && out->content_length != n) return 400;
    out->content_length = n;
    return 0;
}

static int read_connection(struct str value, struct http_head *out)
{
    out->close = out->close || http_list_has(value, "close");
    out->keep_alive = out->keep_alive || http_list_has(value, "keep-alive");
    out->upgrade = out->upgrade || http_list_has(value, "upgrade");
    return 0;
}

static int read_upgrade(struct str value, struct http_head *out)
{
    out->websocket = out->websocket || http_list_has(value, "websocket");
    return 0;
}

static int read_transfer_encoding(struct str value, struct http_head *out)
{
    if (out->chunked || out->minor == 0) return 400;
    if (value.len != 7 || strncasecmp(value.at, "chunked", 7) != 0) return 501;
    out->chunked = true;
    return 0;
}

static int read_expect(struct str value, struct http_head *out)
{
    if (out->minor == 0) return 0; /* RFC 9110 10.1.1: such a client cannot mean it */
    if (value.len != 12 || strncasecmp(value.at, "100-continue", 12) != 0) return 417;
    out->expects_continue = true;
    return 0;
}

/* One that says whose the request is, where it comes from or what its body is: of two one reader takes the first, another the last. */
static int singular_bit(struct str name)
{
    static const char *const singular[] = { "host", "authorization", "cookie", "origin", "referer", "sec-fetch-site",
        "sec-fetch-mode", "sec-fetch-dest", "content-type", "range", "if-range" };

    for (size_t i = 0; i < sizeof singular / sizeof *singular; i++)
        if (str_is(name, singular[i])) return 1 << i;
    return 0;
}

/* The headers that frame the message, or say what becomes of the connection.  A list may come in several fields. */
static int understand_fields(struct http_head *out)
{
    static const struct {
        const char *name;
        int (*read)(struct str value, struct http_head *out);
    } known[] = {
        { "content-length", read_length },
        { "connection", read_connection },
        { "upgrade", read_upgrade },
        { "transfer-encoding", read_transfer_encoding },
        { "expect", read_expect },
    };
    const int host = singular_bit(STR("host"));
    int there = 0;

    for (size_t i = 0; i < out->n_fields; i++) {
        int bit = singular_bit(out->fields[i].name);
        if ((there & bit) != 0) return 400;
        there |= bit;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
            int refused = str_is(out->fields[i].name, known[k].name) ? known[k].read(out->fields[i].value, out) : 0;
            if (refused) return refused;
        }
    }
    if ((there & host) == 0 && out->minor > 0) return 400;
    return out->chunked && out->content_length >= 0 ? 400 : 0; /* request smuggling */
}

int http_head_parse(char *at, size_t len, struct http_head *out)
{
    struct str rest = { at, len }, line;
    out->n_fields = 0;
    out->chunked = out->expects_continue = out->close = out->keep_alive = out->upgrade = out->websocket = false;
    out->content_length = -1;

    do {
        if (!next_line(&rest, &line)) return 400;
    } while (line.len == 0 && rest.len > 0); /* RFC 9112 2.2: empty lines before a request */
    int refused = parse_request_line(line, out);
    while (!refused && next_line(&rest, &line) && line.len > 0) refused = parse_field(line, out);
    return refused ? refused : understand_fields(out);
}

struct str http_head_field(const struct http_head *head, const char *lower_case_name)
{
    for (size_t i = 0; i < head->n_fields; i++)
        if (str_is(head->fields[i].name, lower_case_name)) return head->fields[i].value;
    return STR_NONE;
}

struct str http_head_peek(struct str head, const char *lower_case_name)
{
    size_t len = strlen(lower_case_name);
    while (head.len > 0) {
        const char *end = memchr(head.at, '\n', head.len);
        if (end == NULL) break;
        struct str line = { head.at, (size_t)(end - head.at) };
        if (line.len > len && line.at[len] == ':' && strncasecmp(line.at, lower_case_name, len) == 0)
            return str_trim(str_skip(line, len + 1));
        head = str_skip(head, line.len + 1);
    }
    return STR_NONE;
}
