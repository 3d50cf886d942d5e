/* media_describe.c - what a file is called from now on, whatever its sender called it. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/plain_text.h"
#include "services/share/share.h"

#define NAME_CHARS_MAX 200

/* A sender's directories are nobody's business. */
static struct str without_directories(struct str name)
{
    for (size_t i = name.len; i-- > 0;)
        if (name.at[i] == '/' || name.at[i] == '\\') return str_skip(name, i + 1);
    return name;
}

/* Nothing that is not seen, or turns the direction: "gpj.exe" behind such a mark looks like an image. */
static struct str printable(struct str name, struct arena *arena)
{
    char *to = arena_alloc(arena, name.len + 1);

    return (struct str){ to, text_plain_part(name, NAME_CHARS_MAX, to) };
}

/* "." and ".." mean something else in a path. */
static struct str name_of(struct str given, struct arena *arena)
{
    struct str name = str_trim(printable(without_directories(given), arena));
    bool is_path = str_is(name, ".") || str_is(name, "..");

    return name.len == 0 || is_path ? STR("file") : name;
}

static void put_encoded(struct buf *out, struct str name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

    for (size_t i = 0; i < name.len; i++) {
        if (strchr(plain, name.at[i]) != NULL)
            buf_add_char(out, name.at[i]);
        else
            buf_printf(out, "%%%02X", (unsigned char)name.at[i]);
    }
}

struct str media_url(struct call *call, struct id id, struct str name)
{
    struct buf url = BUF(4096);
    char text[ID_TEXT_BYTES + 1];

    id_format(id, text);
    buf_printf(&url, "/media/%s/", text);
    put_encoded(&url, name);
    struct str copy = arena_str(call->arena, buf_str(&url));
    buf_free(&url);
    return copy;
}

/* What it is has not been looked at: nobody is told more than that it is bytes. */
void media_describe(struct call *call, const struct media_draft *draft, struct media *out)
{
    *out = (struct media){ .id = id_new(), .type = STR("application/octet-stream"), .created_at = call->now };
    out->name = name_of(draft->name, call->arena);
    out->url = media_url(call, out->id, out->name);
}
