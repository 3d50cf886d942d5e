/* media_describe.c - what a file is called from now on, whatever its sender called it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/plain_text.h"
#include "libshared/base/url.h"
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

struct str media_url(struct call *call, struct id id, struct str name, struct str signature)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(id, text);
    const struct url_value values[] = { { "media", str_of(text) }, { "name", name }, { "signature", signature } };
    return url_build(call->arena, "", "/media/{media}/{name}", values, COUNT(values) - (signature.len == 0));
}

/* Type and size are filled in when the content is whole. */
void media_describe(struct call *call, const struct media_draft *draft, struct media *out)
{
    *out = (struct media){ .id = id_new(), .created_at = call->now };
    out->name = name_of(draft->name, call->arena);
    out->url = media_url(call, out->id, out->name, STR_NONE);
}
