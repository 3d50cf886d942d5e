/* test_rows.c - promises that hold between the rows of proto/: every name resolves, no name means two things. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "libshared/rpc/rpc_socket.h"
#include "libshared/wire/records.h"

struct method {
    const char *service, *name, *callers;
    const struct wire_shape *(*req)(void), *(*rep)(void);
};

/* clang-format off */
static const struct method methods[] = {
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

struct face {
    const char *at, *within;            /* "/chat" and "message:send"; "GET" and "/api/..." */
    const char *service, *method, *nsp, *event, *action, *class, *who, *effect, *body, *answer;
    int status;
};

static const struct face routes[] = {
#define ROUTE(http, path, service, noun, verb, who, nsp, event, action, class, body, status, answer, cache, doc) \
    { #http, path, #service, #noun "." #verb, nsp, event, #action, #class, #who, "CALL", #body, #answer, status },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
static const struct face events[] = {
#define ON(nsp, event, service, noun, verb, action, effect, class, doc) \
    { nsp, event, #service, #noun "." #verb, nsp, event, #action, #class, "BEARER", #effect, "", "", 200 },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
static const struct face heard[] = {
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

static const struct method *find(const char *service, const char *name)
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
static void are_two_methods(const struct method *a, const struct method *b)
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

static void resolves(const struct face *f)
{
    const struct method *m = find(f->service, f->method);
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

static void are_distinct(const struct face *faces, size_t n)
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
static void check_path(const struct face *r)
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
        bool is_open = strcmp(routes[i].who, "ANYONE") == 0;
        assert_true(is_open == (routes[i].event[0] == '\0'));
        for (size_t j = 0; j < COUNT(events); j++) {
            bool named_alike = strcmp(routes[i].event, events[j].event) == 0;
            if (strcmp(routes[i].method, events[j].method) == 0) assert_true(named_alike);
            if (!named_alike) continue;
            assert_string_equal(routes[i].method, events[j].method);
            assert_string_equal(routes[i].nsp, events[j].nsp);
            assert_string_equal(routes[i].action, events[j].action);
            assert_string_equal(routes[i].class, events[j].class);
        }
    }
}

static bool has_field(const struct wire_shape *s, const char *name, enum wire_kind kind)
{
    const struct wire_field *f = wire_find(s, str_of(name));

    return f != NULL && f->kind == kind;
}

static void a_route_asks_in_a_namespace_of_routes_or_asks_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(routes); i++) {
        assert_true((routes[i].nsp[0] == '\0') == (routes[i].event[0] == '\0'));
        if (routes[i].nsp[0] != '\0') assert_true(is_among(routes[i].nsp, "/account /chat /share /media /admin"));
    }
}

/* The gateway brings the file, and its method makes something of it; or its method says where the bytes are. */
static void what_is_streamed_is_named_in_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(routes); i++) {
        const struct face *r = &routes[i];
        const struct method *m = find(r->service, r->method);
        bool has_body = strcmp(r->at, "GET") != 0 && strcmp(r->at, "DELETE") != 0;
        if (strcmp(r->body, "FORM") == 0) {
            assert_true(has_body && strcmp(r->who, "BEARER") == 0);
            assert_true(has_field(m->req(), "upload", WIRE_ID) && has_field(m->req(), "name", WIRE_TEXT));
            assert_ptr_equal(find(r->service, "upload.begin")->req, upload_draft_shape);
            assert_ptr_equal(find(r->service, "upload.write")->req, upload_piece_shape);
            assert_ptr_equal(find(r->service, "upload.drop")->req, upload_ref_shape);
        }
        if (strcmp(r->answer, "STREAM") == 0) {
            assert_string_equal(r->at, "GET");
            assert_ptr_equal(m->rep, source_shape);
            assert_ptr_equal(find(r->service, "source.read")->req, source_range_shape);
        }
        if (strcmp(r->answer, "EMPTY") == 0) assert_ptr_equal(m->rep, nothing_shape);
        if (strcmp(r->answer, "REDIRECT") == 0) assert_true(has_field(m->rep(), "url", WIRE_TEXT));
        assert_int_equal(r->status == 204, strcmp(r->answer, "EMPTY") == 0);
        assert_int_equal(r->status / 100 == 3, strcmp(r->answer, "REDIRECT") == 0);
    }
}

static void who_joins_or_leaves_names_a_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(events); i++) {
        const struct method *m = find(events[i].service, events[i].method);
        if (strcmp(events[i].effect, "CALL") == 0) continue;
        assert_true(has_field(m->req(), "room", WIRE_ID));
        if (strcmp(events[i].effect, "JOIN") == 0) assert_true(has_field(m->rep(), "room", WIRE_ID));
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
        cmocka_unit_test(the_largest_record_of_every_method_and_event_fits_into_a_message),
        cmocka_unit_test(every_error_has_its_own_code_status_and_words),
        cmocka_unit_test(every_face_names_a_method_that_the_gateway_may_call),
        cmocka_unit_test(no_face_is_given_twice),
        cmocka_unit_test(every_path_parameter_is_a_field_of_the_request),
        cmocka_unit_test(what_has_no_body_asks_for_no_more_than_a_query_can_say),
        cmocka_unit_test(a_route_and_an_event_of_one_meaning_ask_for_one_permission),
        cmocka_unit_test(a_route_asks_in_a_namespace_of_routes_or_asks_nothing),
        cmocka_unit_test(what_is_streamed_is_named_in_records),
        cmocka_unit_test(who_joins_or_leaves_names_a_room),
        cmocka_unit_test(names_have_the_form_of_socket_io),
    };
    return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
