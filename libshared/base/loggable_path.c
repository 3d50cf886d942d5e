/* loggable_path.c - the part of a request's path that a log may have. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/loggable_path.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "libshared/base/err.h"
#include "libshared/base/id.h"

#define SECRET_CHARS 24 /* 144 bits */

/* Does `path` begin with this text, some of its characters written as %XX perhaps? */
static bool is_spelled(struct str path, const char *text)
{
    for (; *text != '\0'; text++) {
        char escape[4];
        snprintf(escape, sizeof escape, "%%%02x", (unsigned char)*text);
        bool escaped = path.len >= 3 && strncasecmp(path.at, escape, 3) == 0;
        if (!escaped && (path.len == 0 || path.at[0] != *text)) return false;
        path = str_skip(path, escaped ? 3 : 1);
    }
    return true;
}

/* Of what secrets are written in, and words and ids too. */
static size_t run_length(struct str at)
{
    size_t n = 0;

    while (n < at.len && (isalnum((unsigned char)at.at[n]) || at.at[n] == '_' || at.at[n] == '-')) n++;
    return n;
}

/* As long as what our secrets are made of, and no id: a session's refresh token, a link, a code. */
static bool could_be_secret(struct str run)
{
    struct id id;

    return run.len >= SECRET_CHARS && !id_parse(run, &id);
}

/* What comes behind them is a secret, however short it is. */
static const char *const before_secrets[] = { "/s/", "/api/v1/share/", "/hooks/" };

static bool is_before_secret(struct str rest, size_t *len)
{
    for (size_t i = 0; i < COUNT(before_secrets); i++) {
        if (!is_spelled(rest, before_secrets[i])) continue;
        *len = str_starts(rest, str_of(before_secrets[i])) ? strlen(before_secrets[i]) : 0;
        return true;
    }
    return false;
}

struct str loggable_path(struct str path)
{
    size_t run = 0, before; /* of the characters from here on */

    for (size_t i = 0; i<path.len; i++, run -= run> 0) {
        struct str rest = str_skip(path, i);
        if (is_before_secret(rest, &before)) return (struct str){ path.at, i + before };
        bool begins = run == 0 && (run = run_length(rest)) > 0;
        if (is_spelled(rest, "mdk_") || is_spelled(rest, "eyJ") ||
            (begins && could_be_secret((struct str){ rest.at, run })))
            return (struct str){ path.at, i };
    }
    return path;
}
