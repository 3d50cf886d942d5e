/* multipart.c - the parts of a form: a scanner for its boundary, and the heads between. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/message/multipart.h"

#include <string.h>
#include <strings.h>

#include "libshared/http/message/media_type.h"

enum { START, BYTES, BEHIND_BOUNDARY, HEAD, OVER, BAD };

bool multipart_begin(struct multipart *m, struct str content_type, struct arena *arena)
{
    struct str boundary;

    *m = (struct multipart){ .arena = arena, .state = START };
    if (!media_type_is(content_type, "multipart/form-data")) return false;
    if (!media_type_param(content_type, "boundary", arena, &boundary)) return false;
    if (boundary.len == 0 || boundary.len > MULTIPART_BOUNDARY_MAX) return false;
    if (memchr(boundary.at, '\r', boundary.len) != NULL || memchr(boundary.at, '\n', boundary.len) != NULL)
        return false;
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary.at, boundary.len);
    m->delimiter_len = 4 + boundary.len;
    m->matched = 2; /* the first one stands at the beginning of a line without one before it */
    return true;
}

bool multipart_is_over(const struct multipart *m)
{
    return m->state == OVER;
}

static enum multipart_event refuse_form(struct multipart *m)
{
    m->state = BAD;
    return MULTIPART_BAD;
}

/* --- the boundary --- */

static void boundary_found(struct multipart *m)
{
    m->matched = 0;
    m->head_len = 0;
    m->state = BEHIND_BOUNDARY;
}

/* Goes on with a boundary that the input before this one may have begun with.  What was none is bytes after all; a
 * boundary has a line end at its beginning alone, so no other one can have begun within it. */
static bool match_rest(struct multipart *m, struct str *in, struct str *bytes)
{
    while (in->len > 0 && m->matched < m->delimiter_len && in->at[0] == m->delimiter[m->matched]) {
        *in = str_skip(*in, 1);
        m->matched++;
    }
    if (m->matched == m->delimiter_len) {
        boundary_found(m);
        return false;
    }
    if (in->len == 0) return false;
    *bytes = (struct str){ m->delimiter, m->matched };
    m->matched = 0;
    return true;
}

/* Where at the end of the input a boundary may begin. */
static size_t tail_from(const struct multipart *m, struct str in)
{
    size_t from = in.len > m->delimiter_len ? in.len - m->delimiter_len : 0;

    for (; from < in.len; from++)
        if (memcmp(in.at + from, m->delimiter, in.len - from) == 0) break;
    return from;
}

static enum multipart_event take_bytes(struct multipart *m, struct str *in, struct str *bytes)
{
    if (m->matched > 0) {
        if (match_rest(m, in, bytes)) return MULTIPART_BYTES;
        if (m->state != BYTES || m->matched > 0) return MULTIPART_MORE;
    }
    const char *found = memmem(in->at, in->len, m->delimiter, m->delimiter_len);
    size_t end = found != NULL ? (size_t)(found - in->at) : tail_from(m, *in);
    *bytes = (struct str){ in->at, end };
    if (found != NULL)
        boundary_found(m);
    else
        m->matched = in->len - end;
    *in = str_skip(*in, found != NULL ? end + m->delimiter_len : in->len);
    return end > 0 ? MULTIPART_BYTES : MULTIPART_MORE;
}

/* --- a part's head --- */

/* What a browser escapes in names: a quotation mark and the ends of lines (HTML, 4.10.21.8). */
static struct str unescape_name(struct str text, struct arena *arena)
{
    static const struct {
        const char *text;
        char means;
    } escapes[] = { { "%22", '"' }, { "%0D", '\r' }, { "%0A", '\n' } };
    char *to = arena_alloc(arena, text.len + 1);
    size_t n = 0;

    while (text.len > 0) {
        size_t took = 1;
        to[n] = text.at[0];
        for (size_t i = 0; i < COUNT(escapes); i++)
            if (text.len >= 3 && memcmp(text.at, escapes[i].text, 3) == 0) {
                to[n] = escapes[i].means;
                took = 3;
            }
        text = str_skip(text, took);
        n++;
    }
    return (struct str){ to, n };
}

static bool read_disposition(struct multipart *m, struct str value)
{
    struct str text;

    if (m->name.at != NULL || !media_type_is(value, "form-data")) return false;
    if (!media_type_param(value, "name", m->arena, &text)) return false;
    m->name = unescape_name(text, m->arena);
    if (media_type_param(value, "filename", m->arena, &text)) m->file = unescape_name(text, m->arena);
    return utf8_is_valid(m->name.at, m->name.len) && utf8_is_valid(m->file.at, m->file.len);
}

static bool read_line(struct multipart *m, struct str line)
{
    struct str value = line, name = str_cut(&value, ':');

    if (name.len == 0 || name.len == line.len || memchr(line.at, '\r', line.len) != NULL) return false;
    if (name.len != strlen("content-disposition") || strncasecmp(name.at, "content-disposition", name.len) != 0)
        return true;
    return read_disposition(m, str_trim(value));
}

static bool read_head(struct multipart *m)
{
    struct str rest = { arena_copy(m->arena, m->head, m->head_len), m->head_len - 2 };

    m->name = m->file = STR_NONE;
    while (rest.len > 0) {
        size_t end;
        if (!str_find(rest, '\n', &end) || end == 0 || rest.at[end - 1] != '\r') return false;
        if (!read_line(m, (struct str){ rest.at, end - 1 })) return false;
        rest = str_skip(rest, end + 1);
    }
    return m->name.at != NULL;
}

static bool ends_with(const struct multipart *m, const char *end)
{
    size_t len = strlen(end);

    return m->head_len >= len && memcmp(m->head + m->head_len - len, end, len) == 0;
}

static enum multipart_event take_head(struct multipart *m, struct str *in)
{
    while (in->len > 0) {
        if (m->head_len == sizeof m->head) return refuse_form(m);
        m->head[m->head_len++] = in->at[0];
        *in = str_skip(*in, 1);
        if (!ends_with(m, "\r\n\r\n")) continue;
        if (++m->n_parts > MULTIPART_PARTS_MAX || !read_head(m)) return refuse_form(m);
        m->state = BYTES;
        m->matched = 0;
        return MULTIPART_PART;
    }
    return MULTIPART_MORE;
}

/* Two bytes tell what follows: a line end and the head of a part, or "--" and nothing. */
static enum multipart_event take_mark(struct multipart *m, struct str *in)
{
    while (in->len > 0 && m->head_len < 2) {
        m->head[m->head_len++] = in->at[0];
        *in = str_skip(*in, 1);
    }
    if (m->head_len < 2) return MULTIPART_MORE;
    bool is_last = ends_with(m, "--");
    if (!is_last && !ends_with(m, "\r\n")) return refuse_form(m);
    m->state = is_last ? OVER : HEAD;
    m->head_len = 0;
    return is_last ? MULTIPART_END : MULTIPART_MORE;
}

static enum multipart_event take_start(struct multipart *m, struct str *in)
{
    struct str none;

    return match_rest(m, in, &none) ? refuse_form(m) : MULTIPART_MORE;
}

static enum multipart_event take_step(struct multipart *m, struct str *in, struct str *bytes)
{
    switch (m->state) {
    case START: return take_start(m, in);
    case BYTES: return take_bytes(m, in, bytes);
    case BEHIND_BOUNDARY: return take_mark(m, in);
    case HEAD: return take_head(m, in);
    case OVER: *in = (struct str){ in->at, 0 }; return MULTIPART_MORE;
    default: return MULTIPART_BAD;
    }
}

enum multipart_event multipart_next(struct multipart *m, struct str *in, struct str *bytes)
{
    enum multipart_event event = m->state == BAD ? MULTIPART_BAD : MULTIPART_MORE;

    *bytes = STR_NONE;
    while (event == MULTIPART_MORE && in->len > 0) event = take_step(m, in, bytes);
    return event;
}
