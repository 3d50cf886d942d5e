/* session_form_show.c - the page of one's sessions: each can be ended, or all others. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/pages/pages.h"

static void put_session(struct page *page, struct arena *arena, const struct session *session)
{
    char id[ID_TEXT_BYTES + 1];
    struct str device = session->device.len > 0 ? session->device : str_of(page_text(page, "unknown_device"));
    const struct page_value values[] = {
        { "device", device },
        { "address", session->address },
        { "at", page_time(arena, session->refreshed_at) },
    };

    id_format(session->id, id);
    page_put(
        page, "<li>{device}<br><span class=\"quiet\">{address} · {last_seen} {at}</span>\n", values, COUNT(values));
    if (session->is_this) {
        page_put(page, "<br><strong>{this_one}</strong></li>\n", PAGE_NO_VALUES);
        return;
    }
    form_put_quiet_button(page, "/account/sessions/end", "session", str_of(id), "end_one");
    page_put(page, "</li>\n", PAGE_NO_VALUES);
}

enum err session_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    struct session_page own = { .sessions = { 0 } };
    struct nothing none;
    struct page page;

    TRY(session_list(call, &none, &own));
    account_page_begin(&page, call, visit->lang, "sessions");
    form_put_refusal(&page, visit, "refused");
    page_put(&page, "<ul>\n", PAGE_NO_VALUES);
    for (size_t i = 0; i < own.sessions.len; i++)
        put_session(&page, call->arena, (const struct session *)own.sessions.at + i);
    page_put(&page, "</ul>\n", PAGE_NO_VALUES);
    if (own.sessions.len > 1) {
        form_begin(&page, "/account/sessions/end-others");
        form_put_hidden(&page, "others", STR("true"));
        form_end(&page, "end_others");
    }
    page_put_link(&page, "/account", "to_account");
    account_page_end(&page, call, STR("/account/sessions"), rep);
    return OK;
}
