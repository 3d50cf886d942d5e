/* share_files.c - images and other files stand where a message names them. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/pages/share_files.h"

#include <inttypes.h>

#define FILES_MAX  200 /* of one part: a page has so many bytes */
#define NAME_CHARS 80
#define SEEN_SIDE  480 /* of the form medium: proto/share.def */

static struct id_list named_files(struct arena *arena, struct talk *talk)
{
    struct id_list ids = { arena_alloc(arena, (FILES_MAX + talk->n + 1) * sizeof *ids.at), 0 };
    size_t left = FILES_MAX;

    for (size_t i = 0; i < talk->n; i++) {
        struct talk_line *line = &talk->lines[i];
        if (!id_is_nil(line->face)) ids.at[ids.len++] = line->face;
        if (line->media.len > left) line->media.len = left;
        left -= line->media.len;
        for (size_t j = 0; j < line->media.len; j++) ids.at[ids.len++] = line->media.at[j];
    }
    return ids;
}

enum err share_files_find(struct share_files *files, struct id link, struct talk *talk)
{
    struct id_list ids = named_files(files->call->arena, talk);

    if (ids.len == 0) return OK;
    return link_media_list(files->call, link, files->code, files->download, ids, &files->list);
}

static const struct shared_medium *find_file(const struct share_files *files, struct id id)
{
    for (size_t i = 0; i < files->list.len; i++)
        if (id_eq(files->list.at[i].id, id)) return &files->list.at[i];
    return NULL;
}

/* Its place is kept free until it is there. */
static struct str side_text(struct arena *arena, int64_t side, int64_t longest)
{
    int64_t n = longest <= SEEN_SIDE ? side : (side * SEEN_SIDE + longest / 2) / longest;

    return arena_printf(arena, "%" PRId64, n > 0 ? n : 1);
}

static void put_image(struct page *page, const struct share_files *files, const struct shared_medium *file)
{
    struct call *call = files->call;
    int64_t longest = file->width > file->height ? file->width : file->height;

    page_put(page, "<p class=\"picture\">", PAGE_NO_VALUES);
    if (files->download)
        page_put(page, "<a href=\"{url}\" target=\"_blank\" rel=\"noopener\">", PAGE_VALUES({ "url", file->url }));
    page_put(page, "<img src=\"{src}\" alt=\"{picture}: {name}\" width=\"{width}\" height=\"{height}\">",
        PAGE_VALUES({ "src", link_media_url(call, files->code, file->id, STR("medium")) },
            { "name", talk_cut(file->name, NAME_CHARS) }, { "width", side_text(call->arena, file->width, longest) },
            { "height", side_text(call->arena, file->height, longest) }));
    page_put(page, files->download ? "</a></p>" : "</p>", PAGE_NO_VALUES);
}

static void put_file(struct page *page, const struct share_files *files, const struct shared_medium *file)
{
    struct str name = talk_cut(file->name, NAME_CHARS);

    if (files->saved)
        page_put(page, "<p class=\"file\"><span dir=\"auto\">{name}</span></p>", PAGE_VALUES({ "name", name }));
    else if (file->url.len > 0)
        page_put(page,
            "<p class=\"file\"><a href=\"{url}\" target=\"_blank\" rel=\"noopener\" dir=\"auto\">{name}</a></p>",
            PAGE_VALUES({ "url", file->url }, { "name", name }));
    else
        page_put(
            page, "<p class=\"file\"><span dir=\"auto\">{name}</span> ({unkept})</p>", PAGE_VALUES({ "name", name }));
}

size_t share_files_put(struct page *page, const struct share_files *files, struct id_list media)
{
    size_t n = 0;

    for (size_t i = 0; i < media.len; i++) {
        const struct shared_medium *file = find_file(files, media.at[i]);
        if (file == NULL) continue;
        n++;
        if (file->width > 0 && !files->saved)
            put_image(page, files, file);
        else
            put_file(page, files, file);
    }
    return n;
}

bool share_files_put_face(struct page *page, const struct share_files *files, struct id face)
{
    const struct shared_medium *file = find_file(files, face);

    if (file == NULL || file->width == 0 || files->saved) return false;
    page_put(page, "<img class=\"face\" src=\"{src}\" alt=\"\">",
        PAGE_VALUES({ "src", link_media_url(files->call, files->code, file->id, STR("small")) }));
    return true;
}
