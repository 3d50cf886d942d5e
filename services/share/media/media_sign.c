/* media_sign.c - URLs that a browser reads media at without a token: an <img> has none to bring.
 *
 *      signature = base64url(sealed(medium, who asked, until when))
 *
 * So nothing of it is kept, nobody learns who asked, and whoever asked is asked about again when it is used. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/share/share.h"

#define PURPOSE STR("share.media_grant")

static enum err sign_medium(struct call *call, const struct media *media, struct signed_url *out)
{
    struct media_grant grant = { media->id, call->who->sub, call->now + share_settings(call)->url_s * 1000 };
    struct str signature;

    TRY(sealed_text_print(call->arena, PURPOSE, media_grant_shape(), &grant, &signature));
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

enum err media_signature_check(struct call *call, const struct media_link *link, struct str *subject)
{
    struct media_grant grant;

    if (!sealed_text_read(call->arena, PURPOSE, media_grant_shape(), link->signature, &grant) ||
        !id_eq(grant.media, link->media))
        return call_fail(call, ERR_FORBIDDEN, "the signature is none of ours for this file");
    if (grant.expires_at <= call->now)
        return call_fail(call, ERR_FORBIDDEN, "the signature's time is over; ask for another");
    *subject = grant.subject;
    return OK;
}
