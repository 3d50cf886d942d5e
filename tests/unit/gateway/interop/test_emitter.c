/* test_emitter.c - what @socket.io/redis-emitter publishes: its own bytes are understood, others are not. */
// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>

#include "services/gateway/interop/broadcast.h"
#include "tests/unit/arena.h"

#define VECTORS "tests/unit/gateway/interop/vectors/redis-emitter.json"

static json_t *vectors;

static int open_vectors(void **state)
{
    vectors = json_load_file(VECTORS, 0, NULL);
    return json_array_size(vectors) > 0 ? make_arena(state) : -1;
}

static int close_vectors(void **state)
{
    json_decref(vectors);
    return drop_arena(state);
}

static const char *text_at(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* --- the samples --- */

static bool is_buffer(const json_t *value)
{
    return json_is_object(value) && json_object_size(value) == 2 && text_at(value, "type") != NULL &&
           strcmp(text_at(value, "type"), "Buffer") == 0;
}

static void same_bytes(const json_t *buffer, struct str got)
{
    const json_t *bytes = json_object_get(buffer, "data");

    assert_int_equal(json_array_size(bytes), got.len);
    for (size_t i = 0; i < got.len; i++)
        assert_int_equal(json_integer_value(json_array_get(bytes, i)), (unsigned char)got.at[i]);
}

static void same_argument(const json_t *want, const json_t *got, const struct broadcast *broadcast)
{
    if (!is_buffer(want)) {
        assert_true(json_equal(want, got));
        return;
    }
    json_int_t num = json_integer_value(json_object_get(got, "num"));
    assert_true(json_is_true(json_object_get(got, "_placeholder")) && num < broadcast->n_parts);
    same_bytes(want, broadcast->parts[num]);
}

static void same_event(const json_t *want, const struct broadcast *broadcast)
{
    struct sio_packet packet;

    assert_true(sio_packet_read(broadcast->text, arena, &packet));
    assert_true(str_eq(packet.nsp, broadcast->who.nsp));
    assert_int_equal(packet.attachments, broadcast->n_parts);
    json_t *got = json_loadb(packet.json.at, packet.json.len, 0, NULL);
    assert_int_equal(json_array_size(got), json_array_size(want));
    for (size_t i = 0; i < json_array_size(want); i++)
        same_argument(json_array_get(want, i), json_array_get(got, i), broadcast);
    json_decref(got);
}

static void same_names(const json_t *want, const struct str *got, size_t n)
{
    assert_int_equal(json_array_size(want), n);
    for (size_t i = 0; i < n; i++) assert_true(str_is(got[i], json_string_value(json_array_get(want, i))));
}

static struct str nsp_of(const json_t *decoded)
{
    return str_of(text_at(json_array_get(decoded, 1), "nsp"));
}

static void the_emitters_own_bytes_are_understood(void **state)
{
    struct broadcast broadcast;
    json_t *vector;
    size_t i;

    (void)state;
    json_array_foreach(vectors, i, vector)
    {
        const json_t *decoded = json_object_get(vector, "decoded");
        const json_t *opts = json_array_get(decoded, 2);
        if (!json_is_array(decoded)) continue;
        assert_true(broadcast_read(bytes_of(text_at(vector, "hex")), nsp_of(decoded), arena, &broadcast));
        same_event(json_object_get(json_array_get(decoded, 1), "data"), &broadcast);
        same_names(json_object_get(opts, "rooms"), broadcast.who.rooms, broadcast.who.n_rooms);
        same_names(json_object_get(opts, "except"), broadcast.who.except, broadcast.who.n_except);
        assert_int_equal(
            broadcast.is_volatile, json_is_true(json_object_get(json_object_get(opts, "flags"), "volatile")));
    }
}

static void bytes_cut_short_or_for_another_namespace_are_not(void **state)
{
    struct broadcast broadcast;
    json_t *vector;
    size_t i;

    (void)state;
    json_array_foreach(vectors, i, vector)
    {
        const json_t *decoded = json_object_get(vector, "decoded");
        if (!json_is_array(decoded)) continue;
        struct str bytes = bytes_of(text_at(vector, "hex"));
        assert_false(broadcast_read(bytes, STR("/elsewhere"), arena, &broadcast));
        for (size_t n = 0; n < bytes.len; n++)
            assert_false(broadcast_read((struct str){ bytes.at, n }, nsp_of(decoded), arena, &broadcast));
    }
}

/* --- by hand --- */

static bool reads(const char *hex, struct broadcast *out)
{
    return broadcast_read(bytes_of(hex), STR("/"), arena, out);
}

/* [uid "e", {type 2, data ["x"<, argument>]}, {rooms, except, flags}]: nsp left out means "/". */
#define EVENT(argument)                                                                                                \
    "93a16582a47479706502a464617461" argument "83a5726f6f6d7390a6657863657074"                                         \
    "90a5666c61677380"

static void numbers_name_rooms_too(void **state)
{
    struct broadcast b;

    (void)state;
    assert_true(reads("93a16582a47479706502a46461746191a17881a5726f6f6d739307a17afb", &b));
    assert_int_equal(b.who.n_rooms, 3);
    assert_true(str_is(b.who.rooms[0], "7") && str_is(b.who.rooms[1], "z") && str_is(b.who.rooms[2], "-5"));
    assert_true(str_is(b.text, "2[\"x\"]"));
}

static void values_become_what_javascript_would_write(void **state)
{
    static const struct {
        const char *hex, *json;
    } values[] = {
        { "cb7ff8000000000000", "null" },
        { "d40000", "null" },
        { "82a161d40000a162c3", "{\"b\":true}" },
        { "8107c2", "{\"7\":false}" },
        { "cfffffffffffffffff", "18446744073709551615" },
        { "d38000000000000000", "-9223372036854775808" },
        { "d6ff00000000", "\"1970-01-01T00:00:00.000Z\"" },
        { "d7ff1d5353006553f100", "\"2023-11-14T22:13:20.123Z\"" },
        { "c70cff00000000ffffffffffffffff", "\"1969-12-31T23:59:59.000Z\"" },
        { "d700ffffffffffffffff", "\"1969-12-31T23:59:59.999Z\"" },
        { "d7007fffffffffffffff", "null" },
        { "d7008000000000000000", "null" },
        { "c70cff3b9ac9ff7fffffffffffffff", "null" },
        { "d700ffffc7758bd54400", "\"-000001-12-31T00:00:00.000Z\"" },
        { "d40561", "[5,{\"_placeholder\":true,\"num\":0}]" },
    };
    char hex[200], want[200];
    struct broadcast b;

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        snprintf(hex, sizeof hex, EVENT("92a178%s"), values[i].hex);
        assert_true(reads(hex, &b));
        snprintf(want, sizeof want, "%s[\"x\",%s]", b.n_parts > 0 ? "51-" : "2", values[i].json);
        assert_string_equal(arena_cstr(arena, b.text), want);
    }
}

static void what_clients_would_choke_on_stays_here(void **state)
{
    static const char *const wrong[] = {
        EVENT("91c0"),                                                                /* an event without a name */
        EVENT("90"),                                                                  /* nor any */
        EVENT("81a17801"),                                                            /* no list */
        EVENT("91aa646973636f6e6e656374"),                                            /* "disconnect" */
        EVENT("92a178c7050500"),                                                      /* an extension cut short */
        EVENT("92a178a3610062"),                                                      /* a NUL */
        EVENT("92a17882a16101a16102"),                                                /* a key given twice */
        EVENT("92a178a1ff"),                                                          /* no UTF-8 */
        EVENT("9ca178c400c400c400c400c400c400c400c400c400c400c400"),                  /* eleven binaries */
        "93a16582a47479706503a46461746191a17880",                                     /* an ACK */
        "93a16581a4747970650280",                                                     /* no data */
        "93a16582a47479706502a46461746191a17882a5726f6f6d7391a178a5726f6f6d7391a178", /* rooms twice */
        "93a16582a47479706502a46461746191a17881a5726f6f6d73ddffffffff", "92a16582a47479706502a46461746191a178",
        "93a16582a47479706502a46461746191a1788000", /* something after the end */
    };
    struct broadcast b;

    (void)state;
    assert_true(reads(EVENT("9ba178c400c400c400c400c400c400c400c400c400c400"), &b) && b.n_parts == 10);
    for (size_t i = 0; i < COUNT(wrong); i++)
        if (reads(wrong[i], &b)) fail_msg("taken: %s", wrong[i]);
}

static void requests_are_read(void **state)
{
    struct request r;

    (void)state;
    assert_true(
        request_read(STR("{\"type\":2,\"opts\":{\"rooms\":[\"r\",7],\"except\":[\"e\"]},\"rooms\":[\"a\",\"b\"]}"),
            STR("/"), arena, &r));
    assert_int_equal(r.type, REQUEST_JOIN);
    assert_true(r.who.n_rooms == 2 && str_is(r.who.rooms[1], "7") && r.who.n_except == 1 && r.n_rooms == 2);
    assert_true(request_read(STR("{\"type\":3,\"opts\":{},\"rooms\":\"a\"}"), STR("/"), arena, &r));
    assert_true(r.type == REQUEST_LEAVE && r.n_rooms == 1 && r.who.n_rooms == 0);
    assert_true(request_read(STR("{\"type\":4,\"opts\":{\"rooms\":[]},\"close\":true}"), STR("/"), arena, &r));
    assert_true(r.type == REQUEST_DISCONNECT && r.close);
    assert_true(request_read(STR("{\"uid\":\"emitter\",\"type\":6,\"data\":[\"x\"]}"), STR("/"), arena, &r));
    assert_int_equal(r.type, REQUEST_OTHER);
}

static void requests_that_say_nothing_clear_are_not(void **state)
{
    static const char *const wrong[] = { "", "{", "[]", "{}", "{\"type\":\"2\",\"opts\":{}}", "{\"type\":4}",
        "{\"type\":4,\"opts\":[]}", "{\"type\":4,\"opts\":{\"rooms\":{}}}", "{\"type\":4,\"opts\":{\"rooms\":[null]}}",
        "{\"type\":4,\"opts\":{\"except\":[[]]}}", "{\"type\":2,\"opts\":{},\"rooms\":true}", "\x93\x01\x02\x03" };
    struct request r;

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        if (request_read(str_of(wrong[i]), STR("/"), arena, &r)) fail_msg("taken: %s", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_emitters_own_bytes_are_understood),
        cmocka_unit_test(bytes_cut_short_or_for_another_namespace_are_not),
        cmocka_unit_test(numbers_name_rooms_too),
        cmocka_unit_test(values_become_what_javascript_would_write),
        cmocka_unit_test(what_clients_would_choke_on_stays_here),
        cmocka_unit_test(requests_are_read),
        cmocka_unit_test(requests_that_say_nothing_clear_are_not),
    };
    return cmocka_run_group_tests(tests, open_vectors, close_vectors);
}
