/* url.c - origins are compared, and URLs built, in one place. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/url.h"

#include <assert.h>
#include <string.h>

#include "libshared/base/buf.h"

#define URL_MAX 8192

static const struct {
    const char *scheme, *port;
} schemes[] = { { "https://", ":443" }, { "http://", ":80" } };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool begins_with(struct str text, const char *start)
{
    size_t len = strlen(start);

    if (text.len < len) return false;
    for (size_t i = 0; i < len; i++)
        if (lower(text.at[i]) != start[i]) return false;
    return true;
}

/* Letters of names and addresses; of an IPv6 address the brackets. */
static bool is_host(struct str host)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    bool bracketed = host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';

    if (bracketed) host = (struct str){ host.at + 1, host.len - 2 };
    for (size_t i = 0; i < host.len; i++)
        if (host.at[i] == '\0' || strchr(bracketed ? "0123456789abcdefABCDEF:." : letters, host.at[i]) == NULL)
            return false;
    return host.len > 0;
}

/* With its colon. */
static bool is_port(struct str port)
{
    int64_t n;

    return port.len == 0 || (port.len <= 6 && str_to_int(str_skip(port, 1), &n) && n > 0 && n < 65536);
}

static struct str authority_of(struct str rest)
{
    size_t len = 0;

    while (len < rest.len && memchr("/?#", rest.at[len], 3) == NULL) len++;
    return (struct str){ rest.at, len };
}

static size_t host_length(struct str authority)
{
    size_t len = authority.len;

    while (len > 0 && authority.at[len - 1] >= '0' && authority.at[len - 1] <= '9') len--;
    return len > 0 && authority.at[len - 1] == ':' ? len - 1 : authority.len;
}

bool url_origin(struct str url, char out[URL_ORIGIN_MAX])
{
    for (size_t i = 0; i < COUNT(schemes); i++) {
        if (!begins_with(url, schemes[i].scheme)) continue;
        struct str authority = authority_of(str_skip(url, strlen(schemes[i].scheme)));
        struct str host = { authority.at, host_length(authority) }, port = str_skip(authority, host.len);
        if (!is_host(host) || !is_port(port)) return false;
        if (str_is(port, schemes[i].port)) port = STR_NONE;
        size_t head = strlen(schemes[i].scheme);
        if (head + host.len + port.len >= URL_ORIGIN_MAX) return false;
        memcpy(out, schemes[i].scheme, head);
        for (size_t k = 0; k < host.len; k++) out[head + k] = lower(host.at[k]);
        if (port.len > 0) memcpy(out + head + host.len, port.at, port.len);
        out[head + host.len + port.len] = '\0';
        return true;
    }
    return false;
}

static void add_escaped(struct buf *out, struct str text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c != '\0' && strchr(plain, c) != NULL)
            buf_add_char(out, c);
        else
            buf_printf(out, "%%%02X", (unsigned char)c);
    }
}

static const struct url_value *find_value(struct str name, const struct url_value *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(name, values[i].name)) return &values[i];
    return NULL;
}

/* Returns a bit for each value that the path has. */
static uint64_t add_path(struct buf *out, const char *path, const struct url_value *values, size_t n)
{
    uint64_t used = 0;

    while (*path != '\0') {
        size_t len = strcspn(path, "{");
        buf_add(out, path, len);
        path += len;
        if (*path == '\0') break;
        len = strcspn(path, "}");
        const struct url_value *value = find_value((struct str){ path + 1, len - 1 }, values, n);
        assert(value != NULL && path[len] == '}');
        used |= UINT64_C(1) << (value - values);
        add_escaped(out, value->value);
        path += len + 1;
    }
    return used;
}

struct str url_build(
    struct arena *arena, const char *origin, const char *path, const struct url_value *values, size_t n_values)
{
    struct buf out = BUF(URL_MAX);
    char before = '?';

    assert(*path == '/' && n_values < 64);
    buf_add(&out, origin, strlen(origin));
    uint64_t used = add_path(&out, path, values, n_values);
    for (size_t i = 0; i < n_values; i++) {
        if (used & UINT64_C(1) << i) continue;
        buf_add_char(&out, before);
        buf_add(&out, values[i].name, strlen(values[i].name));
        buf_add_char(&out, '=');
        add_escaped(&out, values[i].value);
        before = '&';
    }
    assert(!out.over); /* values of ours, which have bounds */
    struct str url = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return url;
}
