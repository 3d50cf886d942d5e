/* media_open.c - reading a file: what it is, and its bytes. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/share.h"

/* Another's file is not found: its existence is nobody's business. */
static enum err hide_medium(struct call *call)
{
    return call_fail(call, ERR_NOT_FOUND, "there is no such file that you may read");
}

static void answer_medium(struct rpc_later *later, struct media_list media)
{
    struct call *call = rpc_later_call(later);

    if (media.len == 0) {
        rpc_later_done(later, hide_medium(call), NULL);
        return;
    }
    media.at->url = media_url(call, media.at->id, media.at->name, STR_NONE);
    rpc_later_done(later, OK, media.at);
}

void media_get(struct call *call, const struct media_ref *req, struct rpc_later *later)
{
    struct id *id = arena_alloc(call->arena, sizeof *id);

    *id = req->media;
    media_find(later, (struct id_list){ id, 1 }, answer_medium);
}

static const struct wire_field medium_source_fields[] = { ROW_FIELD(struct medium_source, source, ID),
    ROW_FIELD(struct medium_source, owner, TEXT), ROW_FIELD(struct medium_source, name, TEXT),
    ROW_FIELD(struct medium_source, type, TEXT), ROW_FIELD(struct medium_source, state, TEXT),
    ROW_FIELD(struct medium_source, tag, TEXT), ROW_FIELD(struct medium_source, size, INT), ROW_END };
static const struct wire_shape medium_source_shape = { "medium_source", "", sizeof(struct medium_source),
    medium_source_fields };

/* An image that was kept before images were read had the same id, and other bytes. */
static const char SOURCE_OF_MEDIA[] = "SELECT b.file AS source, m.owner, m.name, m.type, m.state, b.size,"
                                      " m.id::text || CASE WHEN m.width IS NULL THEN '' ELSE '-image' END AS tag"
                                      " FROM media m JOIN blob b USING (hash) WHERE m.id = $1";
static const char SOURCE_OF_FORM[] =
    "SELECT b.file AS source, m.owner, m.name, 'image/webp' AS type, m.state, b.size, m.id::text || '-' || $2 AS tag"
    " FROM media m LEFT JOIN media_form f ON f.media = m.id AND f.form = $2 LEFT JOIN blob b ON b.hash = f.hash"
    " WHERE m.id = $1";

enum err medium_source_find(
    struct pg *pg, struct arena *arena, struct id media, struct str form, struct medium_source *out)
{
    if (form.len == 0) return pg_one(pg, arena, &medium_source_shape, out, SOURCE_OF_MEDIA, PG_ARGS(pg_id(media)));
    return pg_one(pg, arena, &medium_source_shape, out, SOURCE_OF_FORM, PG_ARGS(pg_id(media), pg_text(form)));
}

/* Not even its owner is shown what was not read: it is no picture yet, or none. */
enum err medium_source_show(struct call *call, const struct medium_source *shown, struct source *out)
{
    if (str_is(shown->state, "pending")) return call_fail(call, ERR_MEDIA_PENDING, "the image is not read yet");
    if (str_is(shown->state, "refused")) return call_fail(call, ERR_UNPROCESSABLE, "it is no image that can be read");
    if (id_is_nil(shown->source)) return call_fail(call, ERR_NOT_FOUND, "there is no such form of it");
    *out = (struct source){ .source = shown->source,
        .name = shown->name,
        .type = shown->type,
        .size = shown->size,
        .tag = shown->tag,
        .shown = content_type_is_shown(shown->type) };
    return OK;
}

struct media_opening {
    struct rpc_later *later;
    const struct media_link *link;
    struct str reader;
    struct medium_source found;
    struct id_list shown;
};

static enum err find_source(struct pg *pg, struct arena *arena, void *arg)
{
    struct media_opening *opening = arg;
    struct id media = opening->link->media;

    TRY(media_access_look(pg, arena, opening->reader, (struct id_list){ &media, 1 }, &opening->shown));
    return medium_source_find(pg, arena, media, opening->link->form, &opening->found);
}

static void on_access(void *arg, enum err e, struct id_list readable)
{
    struct media_opening *opening = arg;
    struct call *call = rpc_later_call(opening->later);

    if (e == OK && readable.len == 0) e = hide_medium(call);
    struct source source = { .size = 0 };
    if (e == OK) e = medium_source_show(call, &opening->found, &source);
    if (opening->link->signature.len > 0) source.payer = opening->reader;
    rpc_later_done(opening->later, e, &source);
}

static void on_source(void *arg, enum err e)
{
    struct media_opening *opening = arg;
    struct call *call = rpc_later_call(opening->later);
    struct medium_of *medium = arena_alloc(call->arena, sizeof *medium);

    if (e != OK) {
        rpc_later_done(opening->later, e == ERR_NOT_FOUND ? hide_medium(call) : e, NULL);
        return;
    }
    *medium = (struct medium_of){ opening->link->media, opening->found.owner };
    media_access_ask(call, opening->reader, (struct medium_of_list){ medium, 1 }, opening->shown, on_access, opening);
}

static enum err find_reader(struct call *call, const struct media_link *link, struct str *reader)
{
    *reader = call->who->sub;
    if (link->signature.len > 0) return media_signature_check(call, link, reader);
    return reader->len > 0 ? OK : call_fail(call, ERR_UNAUTHENTICATED, "it wants a token, or a signature");
}

/* The user who signed has to be one who may read it at this moment, too. */
void media_open(struct call *call, const struct media_link *req, struct rpc_later *later)
{
    static const struct rpc_step steps[] = { { WORKER, find_source }, { .run = NULL } };
    struct media_opening *opening = arena_zero(call->arena, sizeof *opening);

    *opening = (struct media_opening){ .later = later, .link = req };
    enum err e = find_reader(call, req, &opening->reader);
    if (e == OK)
        rpc_later_steps(later, steps, on_source, opening);
    else
        rpc_later_done(later, e, NULL);
}

/* Its reader was checked when it was opened; a file that was deleted since is not found. */
enum err source_read(struct call *call, const struct source_range *req, struct source_bytes *rep)
{
    const struct share *share = call->context;
    char *to = arena_alloc(call->arena, (size_t)req->size);

    rep->bytes = (struct str){ to, (size_t)req->size };
    return file_read(share->files, req->source, req->at, to, (size_t)req->size);
}
