/* providers.c - other providers, as pages offer them. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/url.h"
#include "services/auth/oauth/oauth.h"
#include "services/auth/pages/pages.h"

static void put_provider(struct page *page, struct call *call, const struct oauth_provider *provider,
    struct str invitation, enum provider_use use)
{
    struct url_value values[3] = { { "provider", str_of(provider->name) } };
    size_t n = 1;

    if (invitation.len > 0) values[n++] = (struct url_value){ "invitation", invitation };
    if (use == PROVIDER_IS_LINKED) values[n++] = (struct url_value){ "link", STR("true") };
    if (use == PROVIDER_RETURNS) values[n++] = (struct url_value){ "returns", STR("true") };
    page_put(page, "<a class=\"button\" href=\"{url}\">{before}{label}{after}</a>\n",
        PAGE_VALUES({ "url", url_build(call->arena, "", "/account/oauth/{provider}", values, n) },
            { "label", str_of(provider->label) },
            { "before", str_of(page_text(page, use == PROVIDER_IS_LINKED ? "link_before" : "with_before")) },
            { "after", str_of(page_text(page, use == PROVIDER_IS_LINKED ? "link_after" : "with_after")) }));
}

void page_put_providers(struct page *page, struct call *call, struct str invitation, enum provider_use use)
{
    const struct auth *auth = call->context;
    size_t n = oauth_providers(auth->oauth);

    if (n == 0) return;
    page_put(page, "<p class=\"row\">\n", PAGE_NO_VALUES);
    for (size_t i = 0; i < n; i++) put_provider(page, call, oauth_provider_at(auth->oauth, i), invitation, use);
    page_put(page, "</p>\n", PAGE_NO_VALUES);
}
