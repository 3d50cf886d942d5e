/* markdown.c - events and errors, for a reader. */
// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/tools/protodoc/protodoc.h"

/* clang-format off */
static const struct wire_shape *(*const shapes[])(void) = {
#define RECORD(name, doc) name##_shape,
#include "proto/all.def"
};
/* clang-format on */

static void print_kind(const struct wire_field *f)
{
    switch (f->kind) {
    case WIRE_INT:
        printf(f->max == INT64_MAX ? "integer from %" PRId64 : "integer, %" PRId64 " to %" PRId64, f->min, f->max);
        break;
    case WIRE_TIME: printf("milliseconds since 1970"); break;
    case WIRE_BOOL: printf("true or false"); break;
    case WIRE_TEXT: printf("text, %" PRId64 " to %" PRId64 " characters", f->min, f->max); break;
    case WIRE_BYTES: printf("base64, %" PRId64 " to %" PRId64 " bytes", f->min, f->max); break;
    case WIRE_ID: printf("id (UUID)"); break;
    case WIRE_ANY: printf("any JSON up to %" PRId64 " bytes", f->max); break;
    case WIRE_TEXTS: printf("up to %" PRId64 " texts of up to %" PRId64 " characters", f->max, f->item_max); break;
    case WIRE_IDS: printf("up to %" PRId64 " ids", f->max); break;
    case WIRE_LIST:
        printf("up to %" PRId64 " × [%s](#%s)", f->max, f->of()->name, f->of()->name);
        if (f->total > 0) printf(", %" PRId64 " bytes of msgpack in all", f->total);
        break;
    case WIRE_ONE: printf("[%s](#%s)", f->of()->name, f->of()->name); break;
    }
}

static void print_need(const struct wire_field *f)
{
    bool has_default = f->kind == WIRE_INT && f->fallback >= f->min && f->fallback <= f->max;

    if (f->required)
        printf("required");
    else if (f->kind == WIRE_BOOL)
        printf("%s if absent", f->fallback ? "true" : "false");
    else if (has_default)
        printf("%" PRId64 " if absent", f->fallback);
    else
        printf("optional");
}

static void print_record(const char *name)
{
    const struct wire_shape *s = NULL;

    for (size_t i = 0; i < COUNT(shapes); i++)
        if (strcmp(shapes[i]()->name, name) == 0) s = shapes[i]();
    printf("\n### %s\n\n%s.\n", s->name, s->doc);
    if (s->fields->name == NULL) return;
    printf("\n| field | kind | need | meaning |\n|---|---|---|---|\n");
    for (const struct wire_field *f = s->fields; f->name != NULL; f++) {
        printf("| `%s` | ", f->name);
        print_kind(f);
        printf(" | ");
        print_need(f);
        printf(" | %s |\n", f->doc);
    }
}

static void print_records(void)
{
    json_t *used = json_object(), *ignored;
    const char *name;

    for (const struct on *on = events; on->event != NULL; on++) {
        schema_add(used, find_method(on->method)->req());
        schema_add(used, find_method(on->method)->rep());
    }
    for (const struct hear *hear = heard; hear->event != NULL; hear++) schema_add(used, hear->rec());
    printf("\n## Records\n");
    json_object_foreach(used, name, ignored) print_record(name);
    json_decref(used);
}

static void print_emitted(void)
{
    printf(
        "## To emit\n\nThe one argument is an object. With a callback, the answer is one object: the "
        "acknowledgement, or"
        " `{\"error\":{\"code\",\"message\",\"field\"?,\"retry_after_ms\"?,\"nearest\"?}}` with a code of "
        "[errors.md](errors.md). Without a"
        " callback a refusal is heard as `error` on `/error`.\n\nAn event that stands not here and that the policy "
        "names under "
        "`publish` (of the first policies `typing`,\n`cursor`, `signal`, each also with `:*`, and `app:*`) is carried "
        "to the "
        "other sockets of the room in its first\nargument, an object with a `room` that the socket has joined. They "
        "hear it "
        "with `sender` in that object, which the\ngateway sets; all else is as it was sent. Any other name is "
        "`no_event`, "
        "with `nearest` in the answer where one is near.\n"
        "With `\"state\": true` in that object it is a newest value: who reads too slowly hears the last one of"
        " that name\nwhen it has caught up, where other such events are dropped for it.\n\n"
        "A connection that was lost and is taken up again (`socket.recovered`) has its id, the rooms that it joined and"
        " those that a back end\nput it into (`socketsJoin`), and each `message` that it missed. What is carried or"
        " emitted by a back end is never stored: what came of\nthat meanwhile is missed, and so is what a back end"
        " wanted joined or left.\n\n"
        "In every namespace `auth:refresh` with `{token}` takes a new token for this socket, of the same subject; the "
        "acknowledgement is\n`{ok,expires_at}`. A client's sockets in other namespaces have their own.\n\n"
        "| namespace | event | argument | acknowledgement | permission | class | meaning "
        "|\n|---|---|---|---|---|---|---|\n");
    for (const struct on *on = events; on->event != NULL; on++) {
        const struct contract_method *m = find_method(on->method);
        printf("| `%s` | `%s` | [%s](#%s) | [%s](#%s) | `%s` | %s | %s |\n", on->nsp, on->event, m->req()->name,
            m->req()->name, m->rep()->name, m->rep()->name, on->action, on->rate, on->doc);
    }
}

void print_events(void)
{
    printf("# Events\n\nPrinted from proto/ by `make docs`. Socket.IO v5 over Engine.IO v4; a stock `socket.io-client` "
           "connects with"
           " `auth: { token }`, the token from `POST /auth/token`.\n\n");
    print_emitted();
    printf("\n## To hear\n\n| namespace | event | argument | when |\n|---|---|---|---|\n");
    for (const struct hear *hear = heard; hear->event != NULL; hear++)
        printf("| `%s` | `%s` | [%s](#%s) | %s |\n", hear->nsp, hear->event, hear->rec()->name, hear->rec()->name,
            hear->doc);
    printf("\n## Rates\n\nThe column `class` above names what an event takes from: see [limits.md](limits.md).\n");
    print_records();
}

void print_errors(void)
{
    printf("# Errors\n\nPrinted from proto/errors.def by `make docs`. A code is stable for ever; the message is for "
           "people and may"
           " change.\n\n| code | HTTP status | meaning |\n|---|---|---|\n");
    for (enum err e = OK + 1; e < ERR_COUNT; e++)
        printf("| `%s` | %d | %s |\n", err_code(e), err_status(e), err_text(e));
}

static const char *by_text(const char *by)
{
    static const char *const texts[][2] = {
        { "ADDRESS", "address" },
        { "SUBJECT", "subject" },
        { "KEY", "key" },
        { "USER", "user, over REST" },
        { "SESSION", "session" },
        { "CONNECTION", "connection" },
    };

    for (size_t i = 0; i < COUNT(texts); i++)
        if (strcmp(texts[i][0], by) == 0) return texts[i][1];
    abort();
}

static const char *unit_text(const char *unit)
{
    return strcmp(unit, "BYTES") == 0 ? " bytes" : strcmp(unit, "ITEMS") == 0 ? " items" : "";
}

static void print_rates(void)
{
    printf("## Rates\n\n| rate | so much | in seconds | by | of |\n|---|---|---|---|---|\n");
    for (const struct contract_rate *rate = rates; rate->name != NULL; rate++)
        printf("| `%s` | %" PRId64 "%s | %" PRId64 " | %s | %s |\n", rate->name, rate->count, unit_text(rate->unit),
            rate->seconds, by_text(rate->by), rate->doc);
    printf("\n| class | takes from |\n|---|---|\n");
    for (const struct contract_class *class = classes; class->name != NULL; class ++) {
        printf("| %s |", class->name);
        for (size_t i = 0; rates[i].name != NULL; i++)
            if (class->rates & UINT64_C(1) << i) printf(" `%s`", rates[i].name);
        printf(" |\n");
    }
}

static void print_quotas(void)
{
    printf(
        "\n## Quotas\n\nWhat a subject keeps is counted where it is kept, exactly, and given back with what is deleted."
        " Over it: `quota_exceeded`, with the details\n`{quota, limit, used}`.\n\n"
        "| quota | so much | kept by | of |\n|---|---|---|---|\n");
/* clang-format off */
#define QUOTA(name, service, unit, limit, doc) \
    printf("| `%s` | %lld%s | %s | %s |\n", #name, (long long)(limit), unit_text(#unit), #service, doc);
#include "proto/begin.def"
#include "proto/quotas.def"
#include "proto/end.def"
    /* clang-format on */
}

void print_limits(void)
{
    printf(
        "# Limits\n\nPrinted from proto/ by `make docs`. [security.md](security.md) says what they are for.\n\n"
        "Rates hold over all gateways that share a Redis, but for those by connection. A request takes from every rate"
        " of its class, or it is\nrefused with `rate_limited` and takes from none; the details are `{rate, limit,"
        " retry_after_ms}`. REST answers say in `RateLimit` and\n`RateLimit-Policy` "
        "(draft-ietf-httpapi-ratelimit-headers) how much is"
        " left, with `pk` whose it is, such as `subject:ada`,\nand in `Retry-After` when to try again. By address: of "
        "IPv6 a /64 is one.\n\n`authctl quota set` changes each for a subject, for a"
        " key or for all, while everything runs.\n\n");
    print_rates();
    print_quotas();
}

static void print_job(const char *service, const char *name, const char *where, int64_t attempts, int64_t first_ms,
    int64_t longest_ms, int64_t timeout_ms, int64_t every_s, int64_t waiting, int64_t of_one, const char *doc)
{
    char every[40] = "";

    if (every_s > 0) snprintf(every, sizeof every, "%" PRId64 " s", every_s);
    printf("| `%s` | %s | %s | %" PRId64 " | %" PRId64 " to %" PRId64 " ms | %" PRId64 " ms | %s | %" PRId64
           ", %" PRId64 " | %s |\n",
        name, service, where, attempts, first_ms, longest_ms, timeout_ms, every, waiting, of_one, doc);
}

void print_jobs(void)
{
    printf("# Jobs\n\nPrinted from proto/ by `make docs`. [operations.md](operations.md#jobs) says how they are looked"
           " after.\n\n| kind | service | runs on | attempts | between them | timeout | again after | waiting, of one"
           " subject | |\n|---|---|---|---|---|---|---|---|---|\n");
    /* clang-format off */
#define JOB(noun, verb, rec, where, attempts, first, longest, timeout, every, waiting, of_one, doc) \
    print_job(OWNER, #noun "." #verb, #where, attempts, first, longest, timeout, every, waiting, of_one, doc);
#include "proto/all.def"
    /* clang-format on */
}

static void print_alert(const char *kind, int64_t quiet_s, int64_t most, const char *doc)
{
    printf("| `%s` | %s | %" PRId64 " s, %" PRId64 " |\n", kind, doc, quiet_s, most);
}

void print_alerts(void)
{
    printf("# Alerts\n\nPrinted from proto/alerts.def by `make docs`. [operations.md](operations.md#alerts) says where"
           " they go.\n\nWhat is alike, of one kind and about the same, is one alert for so many seconds, and counted;"
           " so many of a kind are\nopen at a time, and what comes beyond them is one alert more, about nobody in"
           " particular.\n\n| kind | meaning | one for, at a time |\n|---|---|---|\n");
    /* clang-format off */
#define ALERT(kind, quiet_s, most, doc) print_alert(#kind, quiet_s, most, doc);
#include "proto/begin.def"
#include "proto/alerts.def"
#include "proto/end.def"
    /* clang-format on */
}

/* clang-format off */
static const struct {
#define ENTRY(kind, name, about, heard, unread, effect, doc) const char *kind;
#define ASIDE(kind, name, doc) const char *kind;
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
} entry_names = {
#define ENTRY(kind, name, about, heard, unread, effect, doc) name,
#define ASIDE(kind, name, doc) name,
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
};
/* clang-format on */

static void print_entry(const char *name, bool has_target, const char *event, const char *unread, const char *doc)
{
    printf("| `%s` | %s | %s | `%s` | %s |\n", name, doc, has_target ? "a message: `target`" : "", event, unread);
}

static const char reads_ALL[] = "all", reads_SINCE[] = "since", reads_NOTHING[] = "nothing";

static void print_room_rights(void)
{
    printf(
        "\n## Roles and rights\n\nPrinted from proto/rooms.def. What a room is answered with has `role`, and in `can`"
        " the rights that whoever asks has there now.\nWho is muted is `read_only` meanwhile. What is done to another"
        " member takes a role above theirs, too; a role is given and taken below one's own.\n\n| role |"
        " meaning |\n|---|---|\n");
    /* clang-format off */
#define ROLE(name, doc) printf("| `%s` | %s |\n", #name, doc);
#include "proto/begin.def"
#include "proto/rooms.def"
#include "proto/end.def"
    printf("\n| right | from | in an archived room | meaning |\n|---|---|---|---|\n");
#define MAY(name, from, archived, doc) \
    printf("| `%s` | `%s` | %s | %s |\n", #name, #from, #archived[0] == 'S' ? "stays" : "ends", doc);
#include "proto/begin.def"
#include "proto/rooms.def"
#include "proto/end.def"
    printf("\n## Who reads what was said before\n\nPrinted from proto/rooms.def, by the room's `history`. *Since*: what was stored after"
           " they came in, the last time; a room's answer says when that was, in `reads_after`.\nSo it is in pages, threads,"
           " pins, single messages, attachments, what is caught up with and what is recovered. What is done to a message that"
           "\nsomebody does not read they hear without `body` and `attachments`.\n\n| `history` | there first | came late |"
           " came back | left, removed or banned | meaning |\n|---|---|---|---|---|---|\n");
#define HISTORY(name, first, late, back, gone, doc) \
    printf("| `%s` | %s | %s | %s | %s | %s |\n", #name, reads_##first, reads_##late, reads_##back, reads_##gone, doc);
#include "proto/begin.def"
#include "proto/rooms.def"
#include "proto/end.def"
    /* clang-format on */
}

static void print_right(const char *name, const char *may, const char *whose, const char *within, const char *doc)
{
    printf("| `%s` | `%s` | %s | ", name, may, whose);
    if (strcmp(within, "forever") == 0) {
        printf("for ever | %s |\n", doc);
        return;
    }
    printf("`MADANG_STORE_");
    for (; *within != '\0'; within++) putchar(toupper((unsigned char)*within));
    printf("` | %s |\n", doc);
}

static void print_remains(const char *name, const char *texts, const char *read, const char *kept, const char *doc)
{
    printf("| `%s` | %s | %s | `MADANG_STORE_", name, texts, read);
    for (; *kept != '\0'; kept++) putchar(toupper((unsigned char)*kept));
    printf("` | %s |\n", doc);
}

void print_entries(void)
{
    printf("# What a room's log is made of\n\nPrinted from proto/entries.def by `make docs`.\n\nEach entry has a"
           " `seq` of the room's, 1, 2, 3 without a gap, is acknowledged when it is on disk, and is heard, caught up"
           " with and\nrecovered like a message.\n\n| kind | meaning | is done to | heard as | unread "
           "|\n|---|---|---|---|---|\n");
    /* clang-format off */
#define ENTRY_IS_NOTHING false
#define ENTRY_IS_MESSAGE true
#define ENTRY(kind, name, about, heard, unread, effect, doc) \
    print_entry(name, ENTRY_IS_##about, heard, #unread[0] == 'C' ? "counts" : "does not count", doc);
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
    print_room_rights();
    printf("\n## Who may do what\n\nWhat no row allows is `forbidden`. Nothing is done to a deleted message, and what is so"
           " already is not done again: its doer is answered\nwith the entry that did it.\n\n| what | who has the right | to whose message |"
           " for how long after it was sent | meaning |\n|---|---|---|---|---|\n");
#define RIGHT(kind, may, whose, within, doc) print_right(entry_names.kind, #may, \
    #whose[0] == 'O' ? "one's own" : "anybody's", #within, doc);
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
    printf("\n## What is left of words\n\n| after | whose words | read by | kept for | then |\n|---|---|---|---|---|\n");
#define REMAINS(kind, texts, read, kept, doc) print_remains(entry_names.kind, texts, read, #kept, doc);
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
    printf("\nWhat is no entry, and nobody else hears of:\n\n");
#define ASIDE(kind, name, doc) printf("- `%s`: %s\n", name, doc);
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
    /* clang-format on */
}
