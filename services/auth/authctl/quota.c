/* quota.c - authctl quota ... */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/wire/json_text.h"
#include "services/auth/authctl/authctl.h"

/* clang-format off */
static const struct row {
    const char *name, *by, *unit, *doc;
    int64_t limit, seconds; /* 0: a quota */
} rows[] = {
#define RATE(name, count, seconds, by, unit, doc) { #name, #by, #unit, doc, count, seconds },
#define QUOTA(name, service, unit, limit, doc) { #name, "SUBJECT", #unit, doc, limit, 0 },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/quotas.def"
#include "proto/end.def"
};

static const char NAMES[] =
#define RATE(name, count, seconds, by, unit, doc) #name "|"
#define QUOTA(name, service, unit, limit, doc) #name "|"
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/quotas.def"
#include "proto/end.def"
    ;
/* clang-format on */

/* --- list --- */

static const char *lower(const char *word)
{
    char *out = arena_alloc(arena, strlen(word) + 1), *to = out;

    for (; *word != '\0'; word++) *to++ = (char)(*word >= 'A' && *word <= 'Z' ? *word + 32 : *word);
    *to = '\0';
    return out;
}

static const char *number(int64_t n)
{
    return arena_printf(arena, "%lld", (long long)n).at;
}

static void print_limit(const char *name, const char *whose, const char *limit, const struct row *row, const char *doc)
{
    static const int widths[] = { 18, 28, 12, 8, 8, 12, 0 };
    const char *seconds = row == NULL ? "SECONDS" : row->seconds > 0 ? number(row->seconds) : "-";
    const char *cells[] = { name, whose, limit, row == NULL ? "UNIT" : lower(row->unit), seconds,
        row == NULL ? "BY" : lower(row->by), doc };

    print_cells(cells, widths, COUNT(cells));
}

static void print_change(const struct row *row, const struct limit *limit)
{
    struct str whose = limit->subject.len > 0 ? arena_printf(arena, "subject %.*s", STR_ARG(limit->subject))
                       : limit->key.len > 0   ? arena_printf(arena, "key %.*s", STR_ARG(limit->key))
                                              : STR("all");

    print_limit("", whose.at, number(limit->limit), row, "(changed)");
}

static void put_member(struct buf *out, const char *name, struct str text)
{
    buf_printf(out, ",\"%s\":", name);
    json_put_text(out, text);
}

static void put_changes(struct buf *out, const struct row *row, const struct limit_page *page)
{
    const char *between = "";

    for (size_t i = 0; i < page->limits.len; i++) {
        const struct limit *limit = &page->limits.at[i];
        if (!str_is(limit->name, row->name)) continue;
        buf_printf(out, "%s{\"limit\":%lld", between, (long long)limit->limit);
        if (limit->subject.len > 0) put_member(out, "subject", limit->subject);
        if (limit->key.len > 0) put_member(out, "key", limit->key);
        buf_add_char(out, '}');
        between = ",";
    }
}

/* The rows beside what was changed of them. */
static void print_all_json(const struct limit_page *page)
{
    struct buf out = BUF(64u << 20);

    buf_add_str(&out, STR("{\"limits\":["));
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_printf(&out, "%s{\"name\":\"%s\",\"by\":\"%s\",\"unit\":\"%s\",\"limit\":%lld,\"changes\":[",
            i > 0 ? "," : "", rows[i].name, lower(rows[i].by), lower(rows[i].unit), (long long)rows[i].limit);
        put_changes(&out, &rows[i], page);
        buf_add_char(&out, ']');
        if (rows[i].seconds > 0) buf_printf(&out, ",\"seconds\":%lld", (long long)rows[i].seconds);
        buf_add_char(&out, '}');
    }
    printf("%.*s]}\n", STR_ARG(buf_str(&out)));
    buf_free(&out);
}

static void print_all(const struct limit_page *page)
{
    print_limit("NAME", "FOR", "LIMIT", NULL, "OF");
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_limit(rows[i].name, "all", number(rows[i].limit), &rows[i], rows[i].doc);
        for (size_t j = 0; j < page->limits.len; j++)
            if (str_is(page->limits.at[j].name, rows[i].name)) print_change(&rows[i], &page->limits.at[j]);
    }
}

static int list_limits(const struct command_line *line)
{
    const struct limit_query of_all = { STR_NONE };
    struct limit_page page;
    int status = call_method(&ask_auth_limit_list, &of_all, &page);

    (void)line;
    if (status != EXIT_OK) return status;
    if (as_json)
        print_all_json(&page);
    else
        print_all(&page);
    return EXIT_OK;
}

/* --- show --- */

/* For a subject before those for its key, and these before those for all: as gateways have it. */
static int64_t limit_of(const struct limit_page *page, const struct row *row, struct str subject, struct str key)
{
    int64_t limit = row->limit;
    int rank = 0;

    for (size_t i = 0; i < page->limits.len; i++) {
        const struct limit *l = &page->limits.at[i];
        int its = l->subject.len > 0 ? (str_eq(l->subject, subject) ? 3 : 0)
                  : l->key.len > 0   ? (str_eq(l->key, key) ? 2 : 0)
                                     : 1;
        if (!str_is(l->name, row->name) || its <= rank) continue;
        rank = its;
        limit = l->limit;
    }
    return limit;
}

static int64_t used_of(const struct usage_page *page, const char *name)
{
    for (size_t i = 0; i < page->usages.len; i++)
        if (str_is(page->usages.at[i].quota, name)) return page->usages.at[i].used;
    return 0;
}

static bool is_of_subject(const struct row *row)
{
    return strcmp(row->by, "SUBJECT") == 0 || strcmp(row->by, "USER") == 0;
}

static void put_shown(struct buf *out, const struct row *row, int64_t limit, int64_t used)
{
    buf_printf(out, "%s{\"name\":\"%s\",\"unit\":\"%s\",\"limit\":%lld,\"%s\":%lld}", out->len > 0 ? "," : "",
        row->name, lower(row->unit), (long long)limit, row->seconds > 0 ? "seconds" : "used",
        (long long)(row->seconds > 0 ? row->seconds : used));
}

static void print_shown(const struct row *row, int64_t limit, int64_t used)
{
    static const int widths[] = { 18, 12, 12, 8, 0 };
    const char *cells[] = { row->name, row->seconds > 0 ? "-" : number(used), number(limit), lower(row->unit),
        row->seconds > 0 ? arena_printf(arena, "in %lld s", (long long)row->seconds).at : "" };

    print_cells(cells, widths, COUNT(cells));
}

/* Each quota is counted by one service. */
static void print_usage(struct str subject, struct str key, const struct limit_page *limits,
    const struct usage_page *chat, const struct usage_page *share, const struct usage_page *store)
{
    struct buf list = BUF(1u << 20), name = BUF(1u << 16);

    if (!as_json) printf("%-18s  %-12s  %-12s  %-8s\n", "NAME", "USED", "LIMIT", "UNIT");
    for (size_t i = COUNT(rows); i-- > 0;) { /* quotas first */
        if (!is_of_subject(&rows[i])) continue;
        int64_t limit = limit_of(limits, &rows[i], subject, key);
        int64_t used = used_of(chat, rows[i].name) + used_of(share, rows[i].name) + used_of(store, rows[i].name);
        if (as_json)
            put_shown(&list, &rows[i], limit, used);
        else
            print_shown(&rows[i], limit, used);
    }
    json_put_text(&name, subject);
    if (as_json) printf("{\"subject\":%.*s,\"limits\":[%.*s]}\n", STR_ARG(buf_str(&name)), STR_ARG(buf_str(&list)));
    buf_free(&list);
    buf_free(&name);
}

static int show_usage(const struct command_line *line)
{
    const struct limit_query asked = { line_text(line, "SUBJECT") };
    struct usage_query query;
    struct limit_page limits;
    struct usage_page chat, share, store;
    int status = call_method(&ask_auth_limit_list, &asked, &limits);

    if (status == EXIT_OK) query = (struct usage_query){ limits.subject };
    if (status == EXIT_OK) status = call_method(&ask_chat_room_usage, &query, &chat);
    if (status == EXIT_OK) status = call_method(&ask_share_conversation_usage, &query, &share);
    if (status == EXIT_OK) status = call_method(&ask_store_message_usage, &query, &store);
    if (status == EXIT_OK) print_usage(query.subject, line_text(line, "--key"), &limits, &chat, &share, &store);
    return status;
}

/* --- the rows --- */

#define LIMIT_NAME                                                                                                     \
    {                                                                                                                  \
        .name = "NAME", .value = "NAME", .field = "name", .is = REQUIRED_WORD, .choices = NAMES,                       \
        .doc = "The rate or quota"                                                                                     \
    }
#define FOR_WHOM                                                                                                       \
    { .name = "--subject", .value = "SUBJECT", .field = "subject", .is = ONE_OF, .doc = "For this subject" },          \
        { .name = "--key",                                                                                             \
            .value = "ID",                                                                                             \
            .field = "key",                                                                                            \
            .is = ONE_OF,                                                                                              \
            .doc = "For this API key, and each subject of its tokens" },                                               \
    {                                                                                                                  \
        .name = "--default", .is = ONE_OF, .doc = "For all that nothing else is said of"                               \
    }

/* clang-format off */
static const struct command COMMANDS[] = {
    { .verb = "list",
      .doc = "List all rates and quotas, and where they were changed",
      .run = list_limits },
    { .verb = "show",
      .doc = "Show how much of each quota a subject uses, and what may be",
      .run = show_usage,
      .words = (const struct word[]){
          { .name = "SUBJECT", .value = "SUBJECT", .is = REQUIRED_WORD, .doc = "The subject" },
          { .name = "--key", .value = "ID", .doc = "The key of its tokens, if that has limits of its own" },
          { .name = NULL } },
      .examples = (const struct example[]){ { "quota show ada", "What ada keeps" }, { NULL, NULL } } },
    { .verb = "set",
      .doc = "Change a rate or quota for a subject, for a key and each subject of its tokens, or for all; it holds at once",
      .ask = &ask_auth_limit_set,
      .says = "{name} is {limit}.",
      .words = (const struct word[]){
          LIMIT_NAME,
          { .name = "LIMIT", .value = "LIMIT", .field = "limit", .is = REQUIRED_WORD, .doc = "How much there may be" },
          FOR_WHOM,
          { .name = NULL } },
      .examples = (const struct example[]){
          { "quota set rooms 100000 --subject key:gk7QhTz1aVx2", "A back end that makes many rooms" },
          { "quota set tokens 30000 --key gk7QhTz1aVx2", "One that asks for many tokens" },
          { "quota set conversation_bytes 1000000000 --default", "For everybody" },
          { NULL, NULL } } },
    { .verb = "unset",
      .doc = "Let its row hold again",
      .ask = &ask_auth_limit_unset,
      .says = "{name} is as its row says.",
      .words = (const struct word[]){ LIMIT_NAME, FOR_WHOM, { .name = NULL } },
      .examples = (const struct example[]){ { "quota unset rooms --subject ada", "As for everybody" }, { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun quota_noun = {
    .name = "quota",
    .doc = "How much, and how fast",
    .about = "Of each rate and quota there is a row with what holds for all; docs/limits.md has them. For a subject "
             "holds what is "
             "set for it, else what is set for the key of its tokens, else what is set for all, else the row.",
    .commands = COMMANDS,
};
