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
    assert_int_equal(row->method, M_chat_room_remove);
    assert_int_equal(params.n, 2);
    assert_true(str_is(params.at[0].name, "room") && str_is(params.at[0].value, "r1"));
    assert_true(str_is(params.at[1].name, "member") && str_is(params.at[1].value, "user%3A7"));
    assert_non_null(route_find(STR("GET"), STR("/api/v1/rooms/"), &params, allow));
    assert_int_equal(route_find(STR("GET"), STR("/api/v1/rooms"), &params, allow)->method, M_chat_room_list);
    assert_int_equal(route_find(STR("POST"), STR("/api/v1/rooms"), &params, allow)->method, M_chat_room_create);
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
        "/api/v1/rooms/x/messages/y/z",
        "api/v1/rooms",
    };

    assert_null(route_find(STR("PATCH"), STR("/api/v1/rooms"), &params, allow));
    assert_string_equal(allow, "POST, GET, HEAD");
    for (size_t i = 0; i < COUNT(unknown); i++) {
        assert_null(route_find(STR("GET"), str_of(unknown[i]), &params, allow));
        assert_string_equal(allow, "");
    }
}

static void events_are_found_in_their_namespace(void **state)
{
    (void)state;

    assert_int_equal(event_row_find(STR("/chat"), STR("room:join"))->effect, EFFECT_JOIN);
    assert_int_equal(event_row_find(STR("/chat"), STR("message:send"))->method, M_store_message_append);
    assert_null(event_row_find(STR("/"), STR("message:send")));
    assert_null(event_row_find(STR("/chat"), STR("message:sen")));
}

/* Compiles where two may have a method of one name. */
enum names_of_two { METHOD_INDEX(one, job, list), METHOD_INDEX(another, job, list) };

static void a_method_is_known_by_its_service(void **state)
{
    (void)state;
    assert_int_not_equal(M_one_job_list, M_another_job_list);
    assert_string_equal(methods[M_auth_job_list].name, "job.list");
    assert_string_equal(methods[M_store_message_append].name, "message.append");
}

/* What a query of messages is made of; `room` is the path's. */
static enum err merge(const char *query, const char *body, struct message_query *out, struct wire_error *why)
{
    struct route_params params = { 1, { { STR("room"), STR("0190A0B1%2dc2d3-7e4f-8a5b-6c7d8e9fa0b1") } } };
    struct wire_given_list given;

    *why = (struct wire_error){ 0 };
    given_begin(&given, arena);
    TRY(query_read(&params, str_of(query), arena, &given, why));
    return wire_read_json_over(message_query_shape(), str_of(body), given, arena, out, why);
}

static void the_path_goes_before_the_query_and_the_query_before_the_body(void **state)
{
    (void)state;
    struct message_query got;
    struct wire_error why;
    char room[ID_TEXT_BYTES + 1];

    assert_int_equal(
        merge("limit=3&limit=7&room=x&extra=a+b%21&empty", "{\"after\":3,\"limit\":9,\"room\":\"z\"}", &got, &why), OK);
    assert_int_equal(got.after, 3);
    assert_int_equal(got.limit, 7);
    id_format(got.room, room);
    assert_string_equal(room, "0190a0b1-c2d3-7e4f-8a5b-6c7d8e9fa0b1");
    assert_int_equal(merge("before=x", "{}", &got, &why), ERR_INVALID_ARGUMENT);
    assert_string_equal(why.field, "before");
    assert_int_equal(merge("limit=0", "{}", &got, &why), ERR_INVALID_ARGUMENT);
    assert_int_equal(merge("after=%31%30", "{}", &got, &why), OK);
    assert_int_equal(got.after, 10);
    assert_int_equal(merge("after=%2531", "{}", &got, &why), ERR_INVALID_ARGUMENT); /* decoded once */
}

static void bad_bodies_and_encodings_are_refused_by_name(void **state)
{
    (void)state;
    struct message_query got;
    struct wire_error why;

    assert_int_equal(merge("", "{\"a\":", &got, &why), ERR_MALFORMED);
    assert_int_equal(merge("", "{\"a\":1,\"a\":2}", &got, &why), ERR_INVALID_ARGUMENT);
    assert_string_equal(why.text, "the JSON has a key that is given twice, at byte 7");
    assert_int_equal(merge("", "{\"room\":1,\"room\":2}", &got, &why), ERR_INVALID_ARGUMENT);
    assert_int_equal(merge("", "[1]", &got, &why), ERR_INVALID_ARGUMENT);
    assert_int_equal(merge("x=%4", "{}", &got, &why), ERR_MALFORMED);
    assert_int_equal(merge("x=%00", "{}", &got, &why), ERR_MALFORMED);
    assert_int_equal(merge("x=%ff", "{}", &got, &why), ERR_MALFORMED);
    assert_int_equal(merge("x=%ed%a0%80", "{}", &got, &why), ERR_MALFORMED);
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
        cmocka_unit_test(a_method_is_known_by_its_service),
        cmocka_unit_test(the_path_goes_before_the_query_and_the_query_before_the_body),
        cmocka_unit_test(bad_bodies_and_encodings_are_refused_by_name),
        cmocka_unit_test(a_rate_holds_and_recovers),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
