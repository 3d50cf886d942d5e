/* media_sign.c - URLs that a browser reads media at without a token: an <img> has none to bring.
 *
 *      signature = base64url(sealed(medium, who asked, until when))
 *
 * So nothing of it is kept, nobody learns who asked, and whoever asked is asked about again when it is used. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/base64.h"
#include "libshared/base/sealed.h"
#include "libshared/db/pg.h"
#include "services/share/share.h"

#define PURPOSE     STR("share.media_grant")
#define GRANT_BYTES 1024 /* a record of it has less */

static enum err print_signature(struct call *call, const struct media_grant *grant, struct str *out)
{
    struct buf plain = BUF(GRANT_BYTES);
    enum err e = wire_encode(media_grant_shape(), grant, &plain);

    if (e == OK) {
        struct str sealed = seal(call->arena, PURPOSE, buf_str(&plain));
        char *text = arena_alloc(call->arena, (4 * sealed.len + 2) / 3 + 1);
        base64url_encode((const unsigned char *)sealed.at, sealed.len, text);
        *out = str_of(text);
    }
    buf_free(&plain);
    return e;
}

static enum err sign_medium(struct call *call, const struct media *media, struct signed_url *out)
{
    const struct share *share = call->context;
    struct media_grant grant = { media->id, call->who->sub, call->now + share->url_s * 1000 };
    struct str signature;

    TRY(print_signature(call, &grant, &signature));
    *out = (struct signed_url){ .id = media->id,
        .expires_at = grant.expires_at,
        .name = media->name,
        .type = media->type,
        .size = media->size,
        .width = media->width,
        .height = media->height,
        .placeholder = media->placeholder };
    out->url = media_url(call, media->id, media->name, signature);
    return OK;
}

static void sign_media(struct rpc_later *later, struct media_list media)
{
    struct call *call = rpc_later_call(later);
    struct signed_urls rep = { { arena_alloc(call->arena, (media.len + 1) * sizeof *rep.urls.at), media.len } };
    enum err e = OK;

    for (size_t i = 0; i < media.len && e == OK; i++) e = sign_medium(call, &media.at[i], &rep.urls.at[i]);
    rpc_later_done(later, e, &rep);
}

void media_sign(struct call *call, const struct media_selection *req, struct rpc_later *later)
{
    (void)call;
    media_find(later, req->ids, sign_media);
}

static bool read_signature(struct call *call, struct str text, struct media_grant *out)
{
    unsigned char *sealed = arena_alloc(call->arena, text.len + 1);
    struct wire_error why;
    struct str plain;

    if (!base64url_is_canonical(text)) return false;
    size_t len = base64url_decode(text, sealed);
    return unseal(call->arena, PURPOSE, (struct str){ (const char *)sealed, len }, &plain) &&
           wire_decode(media_grant_shape(), plain, call->arena, out, &why) == OK;
}

enum err media_signature_check(struct call *call, const struct media_link *link, struct str *subject)
{
    struct media_grant grant;

    if (!read_signature(call, link->signature, &grant) || !id_eq(grant.media, link->media))
        return call_fail(call, ERR_FORBIDDEN, "the signature is none of ours for this file");
    if (grant.expires_at <= call->now)
        return call_fail(call, ERR_FORBIDDEN, "the signature's time is over; ask for another");
    *subject = grant.subject;
    return OK;
}
