/* http_range.c - Range, If-None-Match and If-Match. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/message/http_range.h"

#include <strings.h>

/* false: no number.  Absent: -1.  What does not fit is more than there is. */
static bool read_number(struct str text, int64_t *out)
{
    *out = -1;
    if (text.len == 0) return true;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9') return false;
    if (text.len > 18 || !str_to_int(text, out)) *out = INT64_MAX;
    return true;
}

enum http_range http_range_read(struct str header, int64_t size, int64_t *at, int64_t *end)
{
    int64_t first, last;

    *at = 0;
    *end = size;
    if (header.len < 6 || strncasecmp(header.at, "bytes=", 6) != 0) return RANGE_NONE;
    struct str rest = str_trim(str_skip(header, 6)), from = str_cut(&rest, '-');
    if (rest.at == NULL || !read_number(from, &first) || !read_number(rest, &last)) return RANGE_NONE;
    if (first < 0 && last < 0) return RANGE_NONE;
    if (first >= 0 && last >= 0 && last < first) return RANGE_NONE;
    if (first < 0) { /* so many at the end */
        if (last == 0 || size == 0) return RANGE_UNSATISFIABLE;
        *at = last < size ? size - last : 0;
        return RANGE_PART;
    }
    if (first >= size) return RANGE_UNSATISFIABLE;
    *at = first;
    if (last >= 0 && last < size) *end = last + 1;
    return RANGE_PART;
}

static struct str without_weak(struct str tag)
{
    return str_starts(tag, STR("W/")) ? str_skip(tag, 2) : tag;
}

bool http_tag_is_same(struct str header, struct str tag)
{
    if (str_is(str_trim(header), "*")) return true;
    while (header.len > 0)
        if (str_eq(str_trim(str_cut(&header, ',')), tag)) return true;
    return false;
}

bool http_tag_matches(struct str header, struct str tag)
{
    if (str_is(str_trim(header), "*")) return true;
    while (header.len > 0)
        if (str_eq(without_weak(str_trim(str_cut(&header, ','))), without_weak(tag))) return true;
    return false;
}
