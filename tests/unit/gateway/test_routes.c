/* test_routes.c - rows are found by path and method; path, query and body become one object; rates hold. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/routes/query.h"
#include "services/gateway/routes/rows.h"
#include "tests/unit/arena.h"

static void a_row_is_found_by_method_and_path(void **state)
{
    (void)state;
    struct route_params params;
    char allow[64];
    const struct route_row *row = route_find(STR("DELETE"), STR("/api/v1/rooms/r1/members/user%3A7"), &params, allow);

    assert_non_null(row);
    assert_int_equal(row->method, M_room_remove);
    assert_int_equal(params.n, 2);
    assert_true(str_is(params.at[0].name, "room") && str_is(params.at[0].value, "r1"));
    assert_true(str_is(params.at[1].name, "member") && str_is(params.at[1].value, "user%3A7"));
    assert_non_null(route_find(STR("GET"), STR("/api/v1/rooms/"), &params, allow));
    assert_int_equal(route_find(STR("GET"), STR("/api/v1/rooms"), &params, allow)->method, M_room_list);
    assert_int_equal(route_find(STR("POST"), STR("/api/v1/rooms"), &params, allow)->method, M_room_create);
}

static void other_methods_and_paths_are_told_apart(void **state)
{
    (void)state;
    struct route_params params;
    char allow[64];
    static const char *const unknown[] = {
        "",
        "/",
        "/api/v1",
        "/api/v1/roomsx",
        "/api/v1/rooms//messages",
        "/api/v1/rooms/x/messages/y",
        "api/v1/rooms",
    };

    assert_null(route_find(STR("PATCH"), STR("/api/v1/rooms"), &params, allow));
    assert_string_equal(allow, "POST, GET");
    for (size_t i = 0; i < COUNT(unknown); i++) {
        assert_null(route_find(STR("GET"), str_of(unknown[i]), &params, allow));
        assert_string_equal(allow, "");
    }
}

static void events_are_found_in_their_namespace(void **state)
{
    (void)state;

    assert_int_equal(on_find(STR("/chat"), STR("room:join"))->effect, EFFECT_JOIN);
    assert_int_equal(on_find(STR("/chat"), STR("message:send"))->method, M_message_append);
    assert_null(on_find(STR("/"), STR("message:send")));
    assert_null(on_find(STR("/chat"), STR("message:sen")));
}

static json_t *merge(const char *query, const char *body, enum err *e, struct wire_error *why)
{
    struct route_params params = { 1, { { STR("room"), STR("a%20b") } } };

    *e = OK;
    *why = (struct wire_error){ 0 };
    return query_merge(message_query_shape(), &params, str_of(query), str_of(body), arena, e, why);
}

static void path_query_and_body_become_one_object(void **state)
{
    (void)state;
    struct wire_error why;
    enum err e;
    json_t *json = merge("limit=7&before=x&extra=a+b%21&empty", "{\"after\":3,\"limit\":9,\"room\":\"z\"}", &e, &why);

    assert_non_null(json);
    assert_int_equal(json_integer_value(json_object_get(json, "after")), 3);
    assert_int_equal(json_integer_value(json_object_get(json, "limit")), 7);
    assert_string_equal(json_string_value(json_object_get(json, "before")), "x");
    assert_string_equal(json_string_value(json_object_get(json, "extra")), "a b!");
    assert_string_equal(json_string_value(json_object_get(json, "empty")), "");
    assert_string_equal(json_string_value(json_object_get(json, "room")), "a b");
    json_decref(json);
}

static void bad_bodies_and_encodings_are_refused_by_name(void **state)
{
    (void)state;
    struct wire_error why;
    enum err e;

    assert_null(merge("", "{\"a\":", &e, &why));
    assert_int_equal(e, ERR_MALFORMED);
    assert_null(merge("", "{\"a\":1,\"a\":2}", &e, &why));
    assert_int_equal(e, ERR_MALFORMED);
    assert_null(merge("", "[1]", &e, &why));
    assert_int_equal(e, ERR_INVALID_ARGUMENT);
    assert_null(merge("x=%4", "", &e, &why));
    assert_int_equal(e, ERR_MALFORMED);
    assert_null(merge("x=%00", "", &e, &why));
    assert_null(merge("x=%ff", "", &e, &why));
    assert_true(why.text[0] != '\0');
}

static void a_rate_holds_and_recovers(void **state)
{
    (void)state;
    struct rates *rates = rates_create(100);
    int64_t now = 1000000000, taken = 0, wait;

    while ((wait = rates_take(rates, RATE_auth, STR("192.0.2.1"), now)) == 0) taken++;
    assert_int_equal(taken, 10);
    assert_in_range(wait, 5900, 6100);
    assert_int_equal(rates_take(rates, RATE_auth, STR("192.0.2.2"), now), 0);
    assert_int_equal(rates_take(rates, RATE_write, STR("192.0.2.1"), now), 0);
    assert_int_equal(rates_take(rates, RATE_auth, STR("192.0.2.1"), now + wait * 1000), 0);
    assert_true(rates_take(rates, RATE_auth, STR("192.0.2.1"), now + wait * 1000) > 0);
    rates_give_back(rates, RATE_auth, STR("192.0.2.1"));
    assert_int_equal(rates_take(rates, RATE_auth, STR("192.0.2.1"), now + wait * 1000), 0);
    rates_destroy(&rates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_found_by_method_and_path),
        cmocka_unit_test(other_methods_and_paths_are_told_apart),
        cmocka_unit_test(events_are_found_in_their_namespace),
        cmocka_unit_test(path_query_and_body_become_one_object),
        cmocka_unit_test(bad_bodies_and_encodings_are_refused_by_name),
        cmocka_unit_test(a_rate_holds_and_recovers),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
