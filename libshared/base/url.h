/*
 * url.h - URLs that others are given.  All of them begin with the origin that the operator has set (MADANG_PUBLIC_URL):
 * what a request says of its host may be anybody's, and a link in a mail that goes there gives its secret away.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"

#define URL_ORIGIN_MAX 300

/* What a browser calls the origin of this http or https URL: lower case, without the port that the scheme has anyway,
 * nothing behind it.  false: it is none, or names a user. */
bool url_origin(struct str url, char out[URL_ORIGIN_MAX]);

struct url_value {
    const char *name;
    struct str value;
};
#define URL_VALUES(...)                                                                                                \
    (const struct url_value[]){ __VA_ARGS__ },                                                                         \
        sizeof((const struct url_value[]){ __VA_ARGS__ }) / sizeof(struct url_value)

/* "/s/{code}" with {"code", ...}: a value that the path names stands there as one segment, all others are its query;
 * each is escaped.  `origin` is the setting, or "" for a path of one's own pages.  In the arena. */
struct str url_build(
    struct arena *arena, const char *origin, const char *path, const struct url_value *values, size_t n_values);
