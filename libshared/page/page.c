/* page.c - templates are filled, and each value is escaped where it stands. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/page/page.h"

#include <assert.h>
#include <string.h>

#include "libshared/page/html.h"
#include "libshared/page/scripts.h"

/* Where in the template its reader is. */
enum template_place { IN_TEXT, IN_TAG, IN_VALUE };

struct filler {
    struct page *page;
    const struct page_value *values;
    size_t n_values;
    enum template_place place;
    const char *attribute; /* begin of the one whose value it is, or was */
};

static const struct page_text *find_text(const struct page *page, struct str name)
{
    for (const struct page_text *text = page->texts; text->name != NULL; text++)
        if (str_is(name, text->name)) return text;
    return NULL;
}

const char *page_text(const struct page *page, const char *name)
{
    const struct page_text *text = find_text(page, str_of(name));

    assert(text != NULL);
    return text->in[page->language];
}

static struct str find_value(const struct filler *f, struct str name)
{
    for (size_t i = 0; i < f->n_values; i++)
        if (str_is(name, f->values[i].name)) return f->values[i].value;
    const struct page_text *text = find_text(f->page, name);
    assert(text != NULL); /* a name that nothing has */
    return str_of(text->in[f->page->language]);
}

static bool is_attribute(const struct filler *f, const char *name)
{
    size_t len = strlen(name);

    return strncmp(f->attribute, name, len) == 0 && f->attribute[len] == '=';
}

/* Of a browser's many ways to read one, only these two. */
static bool is_link(struct str url)
{
    bool is_path = str_starts(url, STR("/")) && !str_starts(url, STR("//")) && !str_starts(url, STR("/\\"));

    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.at[i] <= ' ') return false; /* which browsers leave out before they look */
    return is_path || str_starts(url, STR("https://"));
}

static void put_value(struct filler *f, struct str name)
{
    struct str value = find_value(f, name);

    assert(f->place == IN_TEXT || f->place == IN_VALUE);
    if (f->place == IN_VALUE) {
        assert(!is_attribute(f, "style") && strncmp(f->attribute, "on", 2) != 0);
        bool is_url = is_attribute(f, "href") || is_attribute(f, "action") || is_attribute(f, "src");
        if (is_url && !is_link(value)) value = STR("#");
    }
    html_put_text(&f->page->html, value);
}

static void follow_template(struct filler *f, const char *at)
{
    char c = *at;

    if (f->place == IN_TEXT && c == '<') {
        assert(strncmp(at, "<script", 7) != 0 && strncmp(at, "<style", 6) != 0 && at[1] != '!');
        f->place = IN_TAG;
    } else if (f->place == IN_TAG && c == '"') {
        f->place = IN_VALUE;
    } else if (f->place == IN_TAG && c == '>') {
        f->place = IN_TEXT;
    } else if (f->place == IN_TAG && c == ' ') {
        f->attribute = at + 1;
    } else if (f->place == IN_VALUE && c == '"') {
        f->place = IN_TAG;
    }
    assert(f->place != IN_TAG || c != '\'');
}

void page_put(struct page *page, const char *template, const struct page_value *values, size_t n_values)
{
    struct filler f = { page, values, n_values, IN_TEXT, "" };

    for (const char *at = template; *at != '\0'; at++) {
        if (*at == '{') {
            size_t len = strcspn(at + 1, "}");
            assert(at[1 + len] == '}');
            put_value(&f, (struct str){ at + 1, len });
            at += len + 1;
        } else {
            follow_template(&f, at);
            buf_add_char(&page->html, *at);
        }
    }
    assert(f.place == IN_TEXT);
}

void page_begin(struct page *page, const struct page_text *texts, enum page_language language, const char *title)
{
    *page = (struct page){ .texts = texts, .language = language };
    page_begin_with(page, texts, language, &(struct page_head){ .title = str_of(page_text(page, title)) });
}

static void put_preview(struct page *page, const struct page_preview *preview)
{
    page_put(page,
        "<meta property=\"og:type\" content=\"website\"><meta property=\"og:title\" content=\"{title}\">"
        "<meta property=\"og:description\" content=\"{text}\"><meta property=\"og:url\" content=\"{url}\">"
        "<meta property=\"og:locale\" content=\"{locale}\">",
        PAGE_VALUES({ "title", preview->title }, { "text", preview->text }, { "url", preview->url },
            { "locale", page->language == PAGE_KO ? STR("ko_KR") : STR("en_US") }));
}

void page_begin_with(
    struct page *page, const struct page_text *texts, enum page_language language, const struct page_head *head)
{
    *page = (struct page){
        .html = BUF(head->bytes_max > 0 ? head->bytes_max : PAGE_BYTES_MAX), .texts = texts, .language = language
    };
    buf_add_str(&page->html, STR("<!doctype html>\n"));
    page_put(page,
        "<html lang=\"{language}\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>",
        PAGE_VALUES({ "language", str_of(page_language_code(language)) }, { "title", head->title }));
    if (head->noindex) buf_add_str(&page->html, STR("<meta name=\"robots\" content=\"noindex\">"));
    if (head->preview != NULL) put_preview(page, head->preview);
    buf_printf(&page->html, "<style>%s</style></head>", page_style(head->style));
    if (head->theme == NULL)
        buf_add_str(&page->html, STR("<body><main>\n"));
    else
        page_put(page, "<body data-theme=\"{theme}\"><main>\n", PAGE_VALUES({ "theme", str_of(head->theme) }));
}

void page_put_account_foot(struct page *page, struct str path)
{
    page_put(page,
        "<footer><form method=\"post\" action=\"/account/language\"><span class=\"quiet\">{language}</span>"
        "<input type=\"hidden\" name=\"at\" value=\"{at}\">"
        "<button class=\"plain\" name=\"to\" value=\"ko\" lang=\"ko\">한국어</button>"
        "<button class=\"plain\" name=\"to\" value=\"en\" lang=\"en\">English</button></form></footer>\n",
        PAGE_VALUES({ "at", path }));
}

const char *page_style(enum page_style which)
{
    return which == PAGE_STYLE_FORMS ? page_style_forms() : page_style_talk();
}

const char *page_script(enum page_script which)
{
    return which == PAGE_SCRIPT_PASSKEY ? page_passkey_script : page_archive_script;
}

void page_put_script(struct page *page, enum page_script which)
{
    buf_printf(&page->html, "<script>%s</script>\n", page_script(which));
    page->scripted = true;
}

void page_put_watch(struct page *page)
{
    buf_add_str(&page->html, STR("<script type=\"module\" src=\"/watch/watch.js\"></script>\n"));
}

struct str page_end(struct page *page, struct arena *arena)
{
    buf_add_str(&page->html, STR("</main></body></html>\n"));
    struct str html = page->html.over ? STR_NONE : arena_str(arena, buf_str(&page->html));
    buf_free(&page->html);
    return html;
}
