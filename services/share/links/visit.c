/* visit.c - which links somebody has opened: nothing of it is kept here, they carry it themselves, encrypted. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/share/links/links.h"

#define PURPOSE    STR("share.visit")
#define OPENED_MAX 14 /* proto/share.def: share_visits */

static struct str request_of(struct call *call, struct str client_key)
{
    if (client_key.len > 0) return arena_printf(call->arena, "key %.*s", STR_ARG(client_key));
    return link_uses_id(call->arena, id_is_nil(call->who->request) ? id_new() : call->who->request);
}

struct link_visit visit_read(struct call *call, struct str text, struct str code, struct str client_key)
{
    struct link_visit visit = { .hash = link_code_hash(call->arena, code), .request = request_of(call, client_key) };
    struct str begin = { visit.hash.at, LINK_CODE_BYTES };

    if (text.len > 0 && !sealed_text_read(call->arena, PURPOSE, share_visits_shape(), text, &visit.visits))
        visit.visits = (struct share_visits){ { NULL, 0 } };
    for (size_t i = 0; i < visit.visits.opened.len; i++) {
        const struct share_visited *opened = &visit.visits.opened.at[i];
        if (!str_eq(opened->code, begin)) continue;
        visit.had = true;
        visit.at = opened->at;
        visit.lock = opened->lock;
        visit.is_fresh = opened->at > call->now - share_settings(call)->visit_s * 1000;
    }
    return visit;
}

enum err visit_print(struct call *call, const struct link_visit *visit, int64_t lock, struct str *out)
{
    const struct share_visited_list *before = &visit->visits.opened;
    struct share_visited *at = arena_alloc(call->arena, OPENED_MAX * sizeof *at);
    struct share_visits now = { { at, 1 } };

    at[0] = (struct share_visited){ { visit->hash.at, LINK_CODE_BYTES }, call->now, lock };
    for (size_t i = 0; i < before->len && now.opened.len < OPENED_MAX; i++)
        if (!str_eq(before->at[i].code, at[0].code)) at[now.opened.len++] = before->at[i];
    return sealed_text_print(call->arena, PURPOSE, share_visits_shape(), &now, out);
}
