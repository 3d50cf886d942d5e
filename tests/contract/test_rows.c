/* test_rows.c - promises that hold between the rows of proto/: every name resolves, no name means two things. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "libshared/rpc/rpc_socket.h"
#include "libshared/wire/event_names.h"
#include "libshared/wire/records.h"

struct method_row {
    const char *service, *name, *callers;
    const struct wire_shape *(*req)(void), *(*rep)(void);
};

/* clang-format off */
static const struct method_row methods[] = {
#define METHOD(noun, verb, in, out, where, repeat, callers, doc) \
    { OWNER, #noun "." #verb, callers, in##_shape, out##_shape },
#include "proto/all.def"
};

static const struct job {
    const char *service, *name, *carries;
    int64_t attempts, first_ms, longest_ms, timeout_ms, every_s, waiting, of_one;
} jobs[] = {
#define JOB(noun, verb, rec, where, attempts, first_ms, longest_ms, timeout_ms, every_s, waiting, of_one, doc) \
    { OWNER, #noun "." #verb, #rec, attempts, first_ms, longest_ms, timeout_ms, every_s, waiting, of_one },
#include "proto/all.def"
};

struct face_row {
    const char *at, *within;            /* "/chat" and "message:send"; "GET" and "/api/..." */
    const char *service, *method, *nsp, *event, *action, *class, *who, *effect, *body, *answer;
    int status;
    const char *cache, *cookies; /* READS(a, b) SETS(c, d) */
};

static const struct face_row routes[] = {
#define ROUTE(http, path, service, noun, verb, who, nsp, event, action, class, body, status, answer, cache, cookies, doc) \
    { #http, path, #service, #noun "." #verb, nsp, event, #action, #class, #who, "CALL", #body, #answer, status, #cache, #cookies },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
static const struct cookie {
    const char *name, *called, *path;
    int64_t seconds;
} cookies[] = {
#define COOKIE(name, called, path, same_site, seconds, doc) { #name, called, path, seconds },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
static const struct face_row events[] = {
#define ON(nsp, event, service, noun, verb, action, effect, class, doc) \
    { nsp, event, #service, #noun "." #verb, nsp, event, #action, #class, "BEARER", #effect, "", "", 200, "", "" },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
static const struct face_row heard[] = {
#define HEAR(nsp, event, rec, doc) { .at = nsp, .within = event },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
static const char *const classes[] = {
#define CLASS(name, rates) #name,
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
static const char *const announced[] = {
#define EVENT(noun, name, rec, doc) #noun "." #name,
#include "proto/all.def"
};
static const struct wire_shape *(*const announced_shapes[])(void) = {
#define EVENT(noun, name, rec, doc) rec##_shape,
#include "proto/all.def"
};
/* clang-format on */

static const struct method_row *find(const char *service, const char *name)
{
    for (size_t i = 0; i < COUNT(methods); i++)
        if (strcmp(methods[i].name, name) == 0 && strcmp(methods[i].service, service) == 0) return &methods[i];
    return NULL;
}

static bool is_among(const char *word, const char *words)
{
    for (const char *at = words; (at = strstr(at, word)) != NULL; at++) {
        bool begins = at == words || at[-1] == ' ';
        if (begins && (at[strlen(word)] == ' ' || at[strlen(word)] == '\0')) return true;
    }
    return false;
}

/* What several services have from libshared, such as job.list, is the same in each. */
static void are_two_methods(const struct method_row *a, const struct method_row *b)
{
    if (strcmp(a->name, b->name) != 0) return;
    assert_string_not_equal(a->service, b->service);
    assert_ptr_equal(a->req, b->req);
    assert_ptr_equal(a->rep, b->rep);
}

static void every_method_has_one_name_and_known_callers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(methods); i++) {
        for (size_t j = 0; j < i; j++) are_two_methods(&methods[j], &methods[i]);
        assert_true(*methods[i].callers != '\0');
        assert_non_null(methods[i].req()->name);
        assert_non_null(methods[i].rep()->name);
    }
}

static void fits(const char *name, const struct wire_shape *shape)
{
    size_t most = wire_most_bytes(shape);

    if (most > RPC_BODY_MAX)
        fail_msg("%s: a %s may have %zu bytes, a message %u", name, shape->name, most, RPC_BODY_MAX);
}

static void the_largest_record_of_every_method_and_event_fits_into_a_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(methods); i++) {
        fits(methods[i].name, methods[i].req());
        fits(methods[i].name, methods[i].rep());
    }
    for (size_t i = 0; i < COUNT(announced); i++) fits(announced[i], announced_shapes[i]());
}

static void every_job_has_bounds_that_make_sense_and_a_service_that_lists_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(jobs); i++) {
        const struct job *j = &jobs[i];
        assert_null(find(j->service, j->name));
        assert_non_null(find(j->service, "job.list"));
        assert_true(j->attempts >= 1 && j->timeout_ms >= 1 && j->every_s >= 0);
        assert_true(j->first_ms >= 1 && j->first_ms <= j->longest_ms && j->longest_ms <= 86400000);
        assert_true(j->of_one >= 1 && j->of_one <= j->waiting && j->waiting <= 100000);
        /* Nobody is there to say what it carries. */
        if (j->every_s > 0) assert_string_equal(j->carries, "nothing");
    }
}

static void every_announcement_has_one_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(announced); i++)
        for (size_t j = 0; j < i; j++) assert_string_not_equal(announced[i], announced[j]);
}

static void every_error_has_its_own_code_status_and_words(void **state)
{
    (void)state;
    for (enum err e = OK; e < ERR_COUNT; e++) {
        assert_int_equal(err_find(err_code(e), strlen(err_code(e))), e);
        assert_true(e == OK ? err_status(e) == 200 : err_status(e) >= 400 && err_status(e) <= 599);
        assert_true(strlen(err_code(e)) <= 32 && strlen(err_text(e)) > 10);
        for (enum err other = OK; other < e; other++) assert_string_not_equal(err_text(e), err_text(other));
    }
    assert_int_equal(err_find("no such code", 12), ERR_INTERNAL);
}

static void resolves(const struct face_row *f)
{
    const struct method_row *m = find(f->service, f->method);
    bool rated = false;

    if (m == NULL) fail_msg("%s %s names no method: %s of %s", f->at, f->within, f->method, f->service);
    if (!is_among("gateway", m->callers)) fail_msg("%s %s: the gateway may not call %s", f->at, f->within, f->method);
    for (size_t i = 0; i < COUNT(classes); i++) rated |= strcmp(classes[i], f->class) == 0;
    if (!rated) fail_msg("%s %s has no class of rates: %s", f->at, f->within, f->class);
}

static void every_face_names_a_method_that_the_gateway_may_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(routes); i++) resolves(&routes[i]);
    for (size_t i = 0; i < COUNT(events); i++) resolves(&events[i]);
}

static void are_distinct(const struct face_row *faces, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(faces[i].at, faces[j].at) == 0 && strcmp(faces[i].within, faces[j].within) == 0)
                fail_msg("%s %s stands there twice", faces[i].at, faces[i].within);
}

static void no_face_is_given_twice(void **state)
{
    (void)state;
    are_distinct(routes, COUNT(routes));
    are_distinct(events, COUNT(events));
    are_distinct(heard, COUNT(heard));
}

/* A path holds texts: the field has to be one that a text can say. */
static void check_path(const struct face_row *r)
{
    const struct wire_shape *shape = find(r->service, r->method)->req();

    for (const char *at = r->within; (at = strchr(at, '{')) != NULL; at++) {
        size_t len = strcspn(at + 1, "}/");
        const struct wire_field *f = wire_find(shape, (struct str){ at + 1, len });
        if (at[1 + len] != '}' || f == NULL) fail_msg("%s %s: no such field: %s", r->at, r->within, at);
        assert_true(f->kind == WIRE_ID || f->kind == WIRE_TEXT || f->kind == WIRE_INT);
    }
}

static void every_path_parameter_is_a_field_of_the_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(routes); i++) check_path(&routes[i]);
}

static void what_has_no_body_asks_for_no_more_than_a_query_can_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(routes); i++) {
        if (strcmp(routes[i].at, "GET") != 0 && strcmp(routes[i].at, "DELETE") != 0) continue;
        const struct wire_field *f = find(routes[i].service, routes[i].method)->req()->fields;
        for (; f->name != NULL; f++) assert_true(f->kind != WIRE_ANY && f->kind != WIRE_BYTES && f->kind < WIRE_TEXTS);
    }
}

static void a_route_and_an_event_of_one_meaning_ask_for_one_permission(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(routes); i++) {
        bool is_open = strcmp(routes[i].who, "BEARER") != 0 && strcmp(routes[i].who, "SIGNED") != 0;
        assert_true(is_open == (routes[i].event[0] == '\0'));
        for (size_t j = 0; j < COUNT(events); j++) {
            /* What an administrator asks for in /admin may be called as what a member asks for in /chat. */
            bool named_alike =
                strcmp(routes[i].event, events[j].event) == 0 && strcmp(routes[i].nsp, events[j].nsp) == 0;
            if (strcmp(routes[i].method, events[j].method) == 0) assert_true(named_alike);
            if (!named_alike) continue;
            assert_string_equal(routes[i].method, events[j].method);
            assert_string_equal(routes[i].action, events[j].action);
            assert_string_equal(routes[i].class, events[j].class);
        }
    }
}

/* The rates of each class, as its row spells them. */
static const struct class_rates {
    const char *class, *rates;
} class_rates[] = {
#define CLASS(name, rates) { #name, #rates },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};

static bool counts_hourly(const char *class)
{
    for (size_t i = 0; i < COUNT(class_rates); i++)
        if (strcmp(class_rates[i].class, class) == 0) return strstr(class_rates[i].rates, "T(hourly)") != NULL;
    fail_msg("%s is no class", class);
    return false;
}

/* `hourly` is by USER, whose is nobody's but a user's over REST.  The parts of a file are one call: that which began it. */
static bool is_part(const struct face_row *route)
{
    return strcmp(route->class, "part") == 0;
}

/* Messages that are sent, and the history. */
static bool is_method_of_messages(const char *method)
{
    static const char *const names[] = { "message.append", "message.list", "message.get", "message.export",
        "message.versions", "reaction.export", "pin.list" };

    for (size_t i = 0; i < COUNT(names); i++)
        if (strcmp(names[i], method) == 0) return true;
    return false;
}

static void what_a_user_asks_over_rest_counts_by_the_hour_but_for_messages_and_history(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(routes); i++) {
        bool is_of_messages = is_method_of_messages(routes[i].method);
        if (strcmp(routes[i].who, "BEARER") != 0 ||
            counts_hourly(routes[i].class) != (is_of_messages || is_part(&routes[i])))
            continue;
        fail_msg("%s %s: of the class %s", routes[i].at, routes[i].within, routes[i].class);
    }
}

static bool has_field(const struct wire_shape *s, const char *name, enum wire_kind kind)
{
    const struct wire_field *f = wire_find(s, str_of(name));

    return f != NULL && f->kind == kind;
}

static bool has_page_meta(const struct wire_shape *shape)
{
    for (const struct wire_field *f = shape->fields; f->name != NULL; f++)
        if (f->of == page_meta_shape) return true;
    return false;
}

static void a_route_asks_in_a_namespace_of_routes_or_asks_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(routes); i++) {
        assert_true((routes[i].nsp[0] == '\0') == (routes[i].event[0] == '\0'));
        if (routes[i].nsp[0] != '\0')
            assert_true(is_among(routes[i].nsp, "/account /chat /notification /share /media /admin"));
    }
}

/* The gateway asks for each part behind the first by a json_lines_query, whatever more the first one says. */
static bool goes_on_by_a_mark(const struct wire_shape *req)
{
    for (const struct wire_field *f = req->fields; f->name != NULL; f++)
        if (f->required && strcmp(f->name, "room") != 0) return false;
    return has_field(req, "room", WIRE_ID) && has_field(req, "after", WIRE_TEXT);
}

/* The gateway brings the file, and its method makes something of it; or its method says where the bytes are. */
static void what_is_streamed_is_named_in_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(routes); i++) {
        const struct face_row *r = &routes[i];
        const struct method_row *m = find(r->service, r->method);
        bool has_body = strcmp(r->at, "GET") != 0 && strcmp(r->at, "DELETE") != 0;
        if (strcmp(r->body, "FORM") == 0) {
            assert_true(has_body && strcmp(r->who, "BEARER") == 0);
            assert_true(has_field(m->req(), "upload", WIRE_ID) && has_field(m->req(), "name", WIRE_TEXT));
            assert_ptr_equal(find(r->service, "upload.begin")->req, upload_draft_shape);
            assert_ptr_equal(find(r->service, "upload.write")->req, upload_piece_shape);
            assert_ptr_equal(find(r->service, "upload.drop")->req, upload_ref_shape);
        }
        if (strcmp(r->body, "PART") == 0) {
            assert_string_equal(r->answer, "TUS");
            assert_ptr_equal(m->req, transfer_part_shape);
            assert_ptr_equal(find(r->service, "transfer.open")->req, transfer_part_shape);
        }
        if (strcmp(r->body, "NDJSON") == 0) {
            assert_true(has_body && strcmp(r->who, "BEARER") == 0 && strcmp(r->answer, "ENVELOPE") == 0);
            assert_ptr_equal(m->req, import_part_shape);
        }
        if (strcmp(r->answer, "TUS") == 0) assert_true(m->rep == transfer_shape || m->rep == nothing_shape);
        if (strcmp(r->answer, "STREAM") == 0) {
            assert_string_equal(r->at, "GET");
            assert_ptr_equal(m->rep, source_shape);
            assert_ptr_equal(find(r->service, "source.read")->req, source_range_shape);
        }
        if (strcmp(r->answer, "LINES") == 0) {
            assert_string_equal(r->at, "GET");
            assert_true(goes_on_by_a_mark(m->req()));
            assert_ptr_equal(m->rep, json_lines_shape);
        }
        /* Where a list that comes in pages goes on is asked for by `after`; its meta is lifted from the end of the data. */
        if (has_page_meta(m->rep())) {
            assert_true(wire_is_page(m->rep()) && strcmp(r->answer, "ENVELOPE") == 0);
            assert_true(has_field(m->req(), "after", WIRE_TEXT) && has_field(m->req(), "limit", WIRE_INT));
        }
        if (strcmp(r->answer, "EMPTY") == 0) assert_ptr_equal(m->rep, nothing_shape);
        if (strcmp(r->answer, "WRITTEN") == 0) assert_ptr_equal(m->rep, written_file_shape);
        if (strcmp(r->answer, "DRAWING") == 0) assert_string_equal(m->rep()->name, "drawing");
        if (strcmp(r->answer, "REDIRECT") == 0) assert_true(has_field(m->rep(), "url", WIRE_TEXT));
        if (strcmp(r->answer, "TUS") != 0) assert_int_equal(r->status == 204, strcmp(r->answer, "EMPTY") == 0);
        assert_int_equal(
            r->status / 100 == 3, strcmp(r->answer, "REDIRECT") == 0 || strncmp(r->answer, "THEN", 4) == 0);
    }
}

static const struct cookie *find_cookie(const char *name)
{
    for (size_t i = 0; i < COUNT(cookies); i++)
        if (strcmp(cookies[i].name, name) == 0) return &cookies[i];
    fail_msg("no such cookie: %s", name);
    return NULL;
}

/* One word of the column: a browser sends the cookie there, and the field can hold a text, or do without one. */
static void check_cookie(const struct face_row *r, const char *use, const char *name, const char *field)
{
    const struct method_row *m = find(r->service, r->method);
    const struct cookie *cookie = find_cookie(name);

    if (strcmp(use, "SETS") != 0 && strncmp(r->within, cookie->path, strlen(cookie->path)) != 0)
        fail_msg("%s %s is not below %s, where %s is sent", r->at, r->within, cookie->path, cookie->called);
    if (strcmp(use, "READS") == 0) assert_true(has_field(m->req(), field, WIRE_TEXT));
    if (strcmp(use, "BEARS") == 0) assert_int_equal(strncmp(r->within, "/account", 8), 0); /* pages, and their script */
    if (strcmp(use, "SETS") != 0) return;
    assert_true(has_field(m->rep(), field, WIRE_TEXT));
    const struct wire_field *f = wire_find(m->rep(), str_of(field));
    assert_true(!f->required && 4 * f->max <= 4000); /* browsers keep 4096 bytes */
}

/* What a browser brings by itself changes nothing by a GET, and its answers are nobody else's: of a file its reader may keep it, who asks
 * each time. */
static void what_a_browser_keeps_is_read_and_set_where_its_rows_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cookies); i++) {
        assert_true(strncmp(cookies[i].called, "__Secure-madang_", 16) == 0 && cookies[i].path[0] == '/');
        assert_true(cookies[i].seconds > 0);
        for (size_t k = 0; k < i; k++) assert_string_not_equal(cookies[i].called, cookies[k].called);
    }
    for (size_t i = 0; i < COUNT(routes); i++) {
        const struct face_row *r = &routes[i];
        bool is_stream = strcmp(r->answer, "STREAM") == 0;
        char use[8], name[32], field[64];
        int n = 0;
        if (strcmp(r->cookies, "NO_COOKIES") == 0) continue;
        for (const char *at = r->cookies; *at != '\0'; at += n + (at[n] == ' ')) {
            field[0] = '\0';
            bool has = sscanf(at, "%7[A-Z](%31[a-z_], %63[a-z_])%n", use, name, field, &n) == 3 ||
                       sscanf(at, "%7[A-Z](%31[a-z_])%n", use, name, &n) == 2;
            assert_true(has);
            check_cookie(r, use, name, field);
            if (strcmp(r->at, "GET") == 0 && strcmp(use, "READS") == 0)
                assert_true(is_stream || strcmp(r->answer, "WRITTEN") == 0 || strcmp(r->answer, "PAGE") == 0 ||
                            strcmp(r->answer, "REDIRECT") == 0);
        }
        assert_string_equal(r->cache, is_stream ? "REVALIDATE" : "NO_STORE");
    }
}

/* The form of a THEN is shown by a GET that answers a page and is told why it is shown again; what follows is a path of ours. */
static void a_form_has_a_page_that_shows_it_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(routes); i++) {
        char form[100], next[100];
        size_t k = 0;
        if (strncmp(routes[i].answer, "THEN", 4) != 0) continue;
        assert_int_equal(sscanf(routes[i].answer, "THEN(\"%99[^\"]\", \"%99[^\"]\")", form, next), 2);
        assert_true(strcmp(routes[i].at, "POST") == 0 && strncmp(next, "/account", 8) == 0);
        while (k < COUNT(routes) && (strcmp(routes[k].at, "GET") != 0 || strcmp(routes[k].within, form) != 0)) k++;
        assert_true(k < COUNT(routes) && strcmp(routes[k].answer, "PAGE") == 0);
        const struct method_row *m = find(routes[k].service, routes[k].method);
        assert_ptr_equal(m->rep, web_page_shape);
        assert_true(has_field(m->req(), "refused", WIRE_TEXT) && has_field(m->req(), "lang", WIRE_TEXT));
        assert_false(has_field(m->req(), "password", WIRE_TEXT) || has_field(m->req(), "code", WIRE_TEXT));
    }
}

static void a_page_is_a_web_page_that_nobody_keeps(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(routes); i++) {
        const struct face_row *r = &routes[i];
        const struct method_row *m = find(r->service, r->method);
        bool has_body = strcmp(r->at, "GET") != 0 && strcmp(r->at, "DELETE") != 0;
        if (strncmp(r->body, "FIELDS", 6) == 0) assert_true(has_body && strcmp(r->at, "POST") == 0);
        if (strcmp(r->answer, "PAGE") != 0) continue;
        const struct wire_field *f = wire_find(m->rep(), STR("page"));
        assert_true(
            m->rep == web_page_shape || (f != NULL && f->kind == WIRE_ONE && f->of == web_page_shape && f->required));
        assert_string_equal(r->cache, "NO_STORE");
        assert_int_equal(r->status, 200);
    }
}

/* In a query, which nothing changes by; its method judges it. */
static void what_is_signed_is_read_and_says_so(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(routes); i++) {
        if (strcmp(routes[i].who, "SIGNED") != 0) continue;
        assert_string_equal(routes[i].at, "GET");
        assert_true(has_field(find(routes[i].service, routes[i].method)->req(), "signature", WIRE_TEXT));
    }
}

/* What a credential is made of is texts of the request. */
static void what_is_judged_is_a_text_of_the_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(routes); i++) {
        const char *at = routes[i].who;
        if (strncmp(at, "PROOF", 5) != 0) continue;
        size_t n = 0;
        while ((at = strchr(at, '"')) != NULL) {
            size_t len = strcspn(at + 1, "\"");
            const struct wire_field *f =
                wire_find(find(routes[i].service, routes[i].method)->req(), (struct str){ at + 1, len });
            assert_true(f != NULL && f->kind == WIRE_TEXT);
            at += len + 2;
            n++;
        }
        assert_true(n >= 1 && n <= 3);
    }
}

static void who_joins_or_leaves_names_a_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(events); i++) {
        const struct method_row *m = find(events[i].service, events[i].method);
        if (strcmp(events[i].effect, "CALL") == 0) continue;
        assert_true(has_field(m->req(), "room", WIRE_ID));
        if (strcmp(events[i].effect, "JOIN") == 0) assert_true(has_field(m->rep(), "room", WIRE_ID));
    }
}

static void what_is_said_in_rooms_is_heard_where_they_are_joined(void **state)
{
    static const char *const said[] = { "message", "entry", "user:changed", "room:removed", "recovery:off" };

    (void)state;
    for (size_t i = 0; i < COUNT(said); i++) {
        size_t found = 0;
        for (size_t k = 0; k < COUNT(heard); k++)
            if (strcmp(heard[k].within, said[i]) == 0 && str_is(rooms_namespace(), heard[k].at)) found++;
        assert_int_equal(found, 1);
    }
}

static void names_have_the_form_of_socket_io(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(events); i++)
        assert_true(events[i].at[0] == '/' && strchr(events[i].within, ' ') == NULL);
    for (size_t i = 0; i < COUNT(routes); i++)
        assert_true(routes[i].within[0] == '/' && routes[i].status >= 200 && routes[i].status < 400);
    for (size_t i = 0; i < COUNT(heard); i++)
        assert_true(strchr("/*", heard[i].at[0]) != NULL && heard[i].at[0] != '\0' && heard[i].within[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_has_one_name_and_known_callers),
        cmocka_unit_test(every_job_has_bounds_that_make_sense_and_a_service_that_lists_it),
        cmocka_unit_test(every_announcement_has_one_name),
        cmocka_unit_test(what_a_user_asks_over_rest_counts_by_the_hour_but_for_messages_and_history),
        cmocka_unit_test(the_largest_record_of_every_method_and_event_fits_into_a_message),
        cmocka_unit_test(every_error_has_its_own_code_status_and_words),
        cmocka_unit_test(every_face_names_a_method_that_the_gateway_may_call),
        cmocka_unit_test(no_face_is_given_twice),
        cmocka_unit_test(every_path_parameter_is_a_field_of_the_request),
        cmocka_unit_test(what_has_no_body_asks_for_no_more_than_a_query_can_say),
        cmocka_unit_test(a_route_and_an_event_of_one_meaning_ask_for_one_permission),
        cmocka_unit_test(a_route_asks_in_a_namespace_of_routes_or_asks_nothing),
        cmocka_unit_test(what_is_streamed_is_named_in_records),
        cmocka_unit_test(what_a_browser_keeps_is_read_and_set_where_its_rows_say),
        cmocka_unit_test(a_form_has_a_page_that_shows_it_again),
        cmocka_unit_test(a_page_is_a_web_page_that_nobody_keeps),
        cmocka_unit_test(what_is_judged_is_a_text_of_the_request),
        cmocka_unit_test(what_is_signed_is_read_and_says_so),
        cmocka_unit_test(who_joins_or_leaves_names_a_room),
        cmocka_unit_test(what_is_said_in_rooms_is_heard_where_they_are_joined),
        cmocka_unit_test(names_have_the_form_of_socket_io),
    };
    return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
