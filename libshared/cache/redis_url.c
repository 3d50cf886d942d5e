/* redis_url.c - redis://[user:password@]host[:port][/db] and unix:///path. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/cache/redis_link.h"

#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/secret.h"

static char *copy_part(struct str s)
{
    char *text = mem_alloc(s.len + 1);

    memcpy(text, s.len ? s.at : "", s.len);
    text[s.len] = '\0';
    return text;
}

static bool find_last(struct str s, char c, size_t *at)
{
    for (size_t i = s.len; i > 0; i--)
        if (s.at[i - 1] == c) {
            *at = i - 1;
            return true;
        }
    return false;
}

/* "user:password", ":password" */
static bool parse_credentials(struct str text, struct redis_url *out)
{
    size_t colon;

    if (!str_find(text, ':', &colon)) return false;
    if (colon > 0) out->user = copy_part((struct str){ text.at, colon });
    out->password = copy_part(str_skip(text, colon + 1));
    return true;
}

static bool parse_number(struct str text, int64_t most, int *out)
{
    int64_t n;

    if (!str_to_int(text, &n) || n < 0 || n > most) return false;
    *out = (int)n;
    return true;
}

/* "host", "host:6379", "[::1]:6379" */
static bool parse_host(struct str text, struct redis_url *out)
{
    size_t end = text.len, bracket;

    out->port = 6379;
    if (text.len > 0 && text.at[0] == '[') {
        if (!str_find(text, ']', &bracket)) return false;
        out->host = copy_part((struct str){ text.at + 1, bracket - 1 });
        text = str_skip(text, bracket + 1);
        return text.len == 0 || (text.at[0] == ':' && parse_number(str_skip(text, 1), 65535, &out->port));
    }
    bool has_port = find_last(text, ':', &end);
    out->host = copy_part((struct str){ text.at, has_port ? end : text.len });
    return *out->host != '\0' && (!has_port || parse_number(str_skip(text, end + 1), 65535, &out->port));
}

static bool parse_tcp(struct str rest, struct redis_url *out)
{
    size_t at;

    if (find_last(rest, '@', &at)) {
        if (!parse_credentials((struct str){ rest.at, at }, out)) return false;
        rest = str_skip(rest, at + 1);
    }
    if (str_find(rest, '/', &at)) {
        struct str db = str_skip(rest, at + 1);
        if (db.len > 0 && !parse_number(db, 1000000, &out->db)) return false;
        rest.len = at;
    }
    return parse_host(rest, out);
}

bool redis_url_parse(struct str text, struct redis_url *out)
{
    bool good = text.len == 0;

    memset(out, 0, sizeof *out);
    if (str_starts(text, STR("redis://"))) {
        good = parse_tcp(str_skip(text, 8), out);
    } else if (str_starts(text, STR("unix:///"))) {
        out->path = copy_part(str_skip(text, 7));
        good = true;
    }
    if (!good) redis_url_free(out);
    return good;
}

void redis_url_free(struct redis_url *url)
{
    if (url->password != NULL) secret_wipe(url->password, strlen(url->password));
    mem_free(url->host);
    mem_free(url->path);
    mem_free(url->user);
    mem_free(url->password);
    memset(url, 0, sizeof *url);
}
