/* form.c - forms of the pages: their fields, and why they are shown again. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "libshared/base/url.h"
#include "services/auth/pages/pages.h"

static const struct {
    const char *code, *field, *text;
} refusals[] = {
#define REFUSAL(code_, field_, text_) { .code = code_, .field = field_, .text = #text_ },
#include "services/auth/pages/refusals.def"
#undef REFUSAL
};

static const char *text_of_refusal(const struct form_visit *visit, const char *wrong)
{
    if (str_is(visit->refused, err_code(ERR_CREDENTIALS_INVALID))) return wrong;
    for (size_t i = 0; i < COUNT(refusals); i++)
        if (str_is(visit->refused, refusals[i].code) &&
            (refusals[i].field[0] == '\0' || str_is(visit->refused_field, refusals[i].field)))
            return refusals[i].text;
    return "refused";
}

void form_put_refusal(struct page *page, const struct form_visit *visit, const char *wrong)
{
    char seconds[24];

    if (visit->refused.len == 0) return;
    snprintf(seconds, sizeof seconds, "%lld", (long long)visit->retry_after_s);
    page_put(page, "<p class=\"bad\" role=\"alert\" id=\"refused\" data-code=\"{code}\">{why}</p>\n",
        PAGE_VALUES({ "why", str_of(page_text(page, text_of_refusal(visit, wrong))) }, { "code", visit->refused }));
    if (visit->retry_after_s > 0)
        page_put(page, "<p class=\"bad\">{wait_seconds} {seconds}</p>\n", PAGE_VALUES({ "seconds", str_of(seconds) }));
}

void form_begin(struct page *page, const char *path)
{
    page_put(page, "<form method=\"post\" action=\"{path}\">\n", PAGE_VALUES({ "path", str_of(path) }));
}

void form_put_hidden(struct page *page, const char *name, struct str value)
{
    if (value.len == 0) return;
    page_put(page, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">\n",
        PAGE_VALUES({ "name", str_of(name) }, { "value", value }));
}

static const struct {
    const char *name, *type, *autocomplete, *label, *hint;
} fields[] = {
#define FIELD_OF_FORM(field, name, type, autocomplete, label, hint)                                                    \
    [FIELD_##field] = { name, type, autocomplete, label, hint },
#include "services/auth/pages/fields.def"
#undef FIELD_OF_FORM
};

static bool is_at_fault(const struct form_visit *visit, enum form_field field)
{
    return visit->refused.len > 0 && str_is(visit->refused_field, fields[field].name);
}

static const char *input_of(enum form_field field)
{
    if (field == FIELD_NAME)
        return "<input id=\"{id}\" name=\"{id}\" type=\"{type}\" autocomplete=\"{autocomplete}\" value=\"{value}\""
               " aria-invalid=\"{bad}\" aria-describedby=\"{described}\">\n";
    return "<input id=\"{id}\" name=\"{id}\" type=\"{type}\" autocomplete=\"{autocomplete}\" value=\"{value}\""
           " aria-invalid=\"{bad}\" aria-describedby=\"{described}\" required>\n";
}

void form_put_field(struct page *page, enum form_field field, struct str value, const struct form_visit *visit)
{
    const char *hint = fields[field].hint;
    bool bad = is_at_fault(visit, field);
    const struct page_value values[] = {
        { "id", str_of(fields[field].name) },
        { "type", str_of(fields[field].type) },
        { "autocomplete", str_of(fields[field].autocomplete) },
        { "label", str_of(page_text(page, fields[field].label)) },
        { "hint", str_of(hint != NULL ? page_text(page, hint) : "") },
        { "hint_id", str_of(hint != NULL ? hint : "") },
        { "described", str_of(bad || hint == NULL ? "refused" : hint) },
        { "bad", bad ? STR("true") : STR("false") },
        { "value", value },
    };

    page_put(page, "<label for=\"{id}\">{label}</label>\n", values, COUNT(values));
    page_put(page, input_of(field), values, COUNT(values));
    if (hint != NULL) page_put(page, "<p class=\"quiet\" id=\"{hint_id}\">{hint}</p>\n", values, COUNT(values));
}

void form_end(struct page *page, const char *button)
{
    page_put(
        page, "<p><button>{button}</button></p></form>\n", PAGE_VALUES({ "button", str_of(page_text(page, button)) }));
}

void form_put_quiet_button(struct page *page, const char *path, const char *name, struct str value, const char *button)
{
    form_begin(page, path);
    form_put_hidden(page, name, value);
    page_put(page, "<button class=\"plain\">{button}</button></form>\n",
        PAGE_VALUES({ "button", str_of(page_text(page, button)) }));
}

void form_put_passkey(struct page *page, const char *kind, const char *options, const char *send, const char *next)
{
    bool creates = strcmp(kind, "create") == 0;

    page_put(page,
        "<p><button type=\"button\" class=\"plain\" hidden data-passkey=\"{kind}\" data-options=\"{options}\" "
        "data-send=\"{send}\" data-next=\"{next}\" data-failed=\"{failed}\">{button}</button>"
        "<span class=\"bad\" role=\"alert\" hidden></span></p>\n",
        PAGE_VALUES({ "kind", str_of(kind) }, { "options", str_of(options) }, { "send", str_of(send) },
            { "next", str_of(next) }, { "button", str_of(page_text(page, creates ? "add_passkey" : "use_passkey")) },
            { "failed", str_of(page_text(page, "passkey_failed")) }));
}

struct str form_path(struct call *call, const char *path, struct str token)
{
    if (token.len == 0) return str_of(path);
    return url_build(call->arena, "", path, URL_VALUES({ "token", token }));
}
