/* test_sio.c - Socket.IO packets: what is taken, how it is cut, and that nothing else is. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/json.h"
#include "services/gateway/socketio/assembly.h"
#include "tests/unit/arena.h"

static bool reads(const char *text, struct sio_packet *out)
{
    return sio_packet_read(str_of(text), arena, out);
}

static void parts_are_found(void **state)
{
    (void)state;
    struct sio_packet p;

    assert_true(reads("2/chat,17[\"message:send\", {\"a\":1} ,2]", &p));
    assert_int_equal(p.type, SIO_EVENT);
    assert_true(str_is(p.nsp, "/chat"));
    assert_int_equal(p.id, 17);
    assert_true(str_is(p.name, "message:send"));
    assert_true(str_is(p.first, "{\"a\":1}"));
    assert_true(str_is(p.args, " {\"a\":1} ,2"));
    assert_true(reads("0/custom", &p) && str_is(p.nsp, "/custom") && p.json.len == 0);
    assert_true(reads("0/custom,{\"token\":\"x\"}", &p) && str_is(p.json, "{\"token\":\"x\"}"));
    assert_true(reads("2[\"a\"]", &p) && str_is(p.nsp, "/") && p.id == -1 && p.args.len == 0 && p.first.at == NULL);
    assert_true(reads("3456[]", &p) && p.type == SIO_ACK && p.id == 456 && p.args.len == 0);
}

static void names_are_decoded_before_they_are_judged(void **state)
{
    (void)state;
    struct sio_packet p;

    assert_true(reads("2[\"\\u006dessage\"]", &p) && str_is(p.name, "message"));
    assert_false(reads("2[\"\\u0063onnect\"]", &p));
    assert_true(reads("2[7,1]", &p) && str_is(p.name, "7"));
    assert_true(reads("2[\"\",1]", &p) && p.name.len == 0);
    assert_true(reads("2[\"\\ud800\"]", &p) && p.refused.len > 0);
}

static void what_a_policy_is_asked_about_is_what_others_hear(void **state)
{
    (void)state;
    struct sio_packet p;

    assert_true(reads("2/chat,[ \"\\u0061dmin:b\\\"an\\/\" , {\"a\":1} ]", &p));
    assert_true(str_is(p.name, "admin:b\"an/"));
    assert_true(str_is(p.json, "[\"admin:b\\\"an/\", {\"a\":1} ]"));
    assert_true(str_is(p.first, "{\"a\":1}"));
    assert_true(reads("2[\"\\u0061\"]", &p) && str_is(p.json, "[\"a\"]"));
    assert_true(reads("51-[\"\\u0061\",{\"_placeholder\":true,\"num\":0}]", &p) && str_is(p.name, "a"));
    assert_true(reads("2[\"plain\" ,1]", &p) && str_is(p.json, "[\"plain\" ,1]"));
}

static void json_that_the_door_refuses_is_a_packet_and_not_used(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "2[\"\\u0061dmin:ban\\ud800\"]",
        "27[\"a\",\"\\udc00\"]",
        "2[\"a\\u0000\"]",
        "2[\"a\",{\"room\":1,\"r\\u006fom\":2}]",
        "2[\"a\",[{\"x\":1e999}]]",
        "2[\"a\",1e-999]",
        "2[1.5]",
        "2[1e3]",
        "2[-0.0]",
        "0{\"token\":\"a\",\"token\":\"b\"}",
        "31[\"\\ud800\"]",
    };
    struct sio_packet p;

    for (size_t i = 0; i < COUNT(refused); i++) {
        if (!reads(refused[i], &p)) fail_msg("%s was taken for no packet", refused[i]);
        if (p.refused.len == 0) fail_msg("%s was taken", refused[i]);
    }
    assert_true(reads("27[\"a\",\"\\ud800\"]", &p));
    assert_string_equal(p.refused.at, "the JSON has half of a surrogate pair, at byte 6");
    assert_int_equal(p.id, 7);
}

static void what_is_no_packet_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "7",
        "abc",
        "2",
        "2{}",
        "2[]",
        "2[null]",
        "2[\"a\"",
        "2[\"a\"]x",
        "2[\"a\",]",
        "2[\"a\" 1]",
        "2abc[\"a\"]",
        "2[\"connect\"]",
        "2[\"disconnecting\"]",
        "0[]",
        "0\"x\"",
        "0{\"a\":1",
        "1{\"a\":1}",
        "3[\"x\"]",
        "31{}",
        "4{\"message\":\"x\"}",
        "5[\"a\"]",
        "5x-[\"a\"]",
        "51[\"a\"]",
        "511-[\"a\"]",
        "29007199254740992[\"a\"]",
        "2[\"a\x1e\"]",
        "2[\"\xff\"]",
        "2[\"a\",01]",
        "2[\"a\",1.]",
        "2[\"a\",+1]",
        "2[\"a\",\"\\x\"]",
        "2[\"a\",\"\\u12g4\"]",
        "2[\"a\",tru]",
        "2[\"a\",{\"b\"}]",
        "2[\"a\",{b:1}]",
        "2[\"a\",{\"b\":1,}]",
    };
    struct sio_packet p;

    for (size_t i = 0; i < COUNT(wrong); i++)
        if (reads(wrong[i], &p)) fail_msg("%s was taken", wrong[i]);
}

static void placeholders_name_an_attachment(void **state)
{
    (void)state;
    struct sio_packet p;

    assert_true(reads("52-[\"a\",{\"_placeholder\":true,\"num\":1},{\"x\":[{\"_placeholder\":true,\"num\":0}]}]", &p));
    assert_true(reads("51-[\"a\",{\"_placeholder\":false,\"num\":9}]", &p));
    assert_true(reads("2[\"a\",{\"_placeholder\":true,\"num\":9}]", &p));
    assert_false(reads("51-[\"a\",{\"_placeholder\":true,\"num\":1}]", &p));
    assert_false(reads("51-[\"a\",{\"_placeholder\":true,\"num\":-1}]", &p));
    assert_false(reads("51-[\"a\",{\"_placeholder\":true,\"num\":0.5}]", &p));
    assert_false(reads("51-[\"a\",{\"_placeholder\":true,\"num\":\"0\"}]", &p));
    assert_false(reads("51-[\"a\",{\"_placeholder\":true}]", &p));
    assert_false(reads("51-[\"a\",{\"_placeholde\\u0072\":true,\"num\":1}]", &p));
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char text[2 * JSON_DEPTH_MAX + 16];

    for (int depth = JSON_DEPTH_MAX - 2; depth <= JSON_DEPTH_MAX; depth++) {
        size_t n = 0;
        struct sio_packet p;
        memcpy(text, "2[\"a\",", 7);
        n = 6;
        for (int i = 0; i < depth; i++) text[n++] = '[';
        for (int i = 0; i < depth; i++) text[n++] = ']';
        text[n++] = ']';
        text[n] = '\0';
        assert_int_equal(reads(text, &p), depth < JSON_DEPTH_MAX);
    }
}

static void an_assembly_is_whole_with_its_last_part_and_bounded(void **state)
{
    (void)state;
    struct str text = STR("52-[\"a\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]");
    struct holding holding;
    holding_open(&holding, NULL, 0, NULL);
    struct sio_assembly *a = sio_assembly_create(text, text.len + 10, &holding);

    assert_false(sio_assembly_is_whole(a));
    assert_true(sio_assembly_may_add(a, 5) && sio_assembly_add(a, STR("12345")));
    assert_false(sio_assembly_may_add(a, 6));
    assert_true(sio_assembly_add(a, STR("6789a")));
    assert_true(sio_assembly_is_whole(a));
    assert_true(str_is(a->parts[1], "6789a"));
    assert_true(str_is(a->packet.name, "a"));
    assert_true(holding_bytes(&holding) > text.len + 10);
    sio_assembly_destroy(&a);
    holding_close(&holding);
    assert_null(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found),
        cmocka_unit_test(names_are_decoded_before_they_are_judged),
        cmocka_unit_test(what_a_policy_is_asked_about_is_what_others_hear),
        cmocka_unit_test(json_that_the_door_refuses_is_a_packet_and_not_used),
        cmocka_unit_test(what_is_no_packet_is_refused),
        cmocka_unit_test(placeholders_name_an_attachment),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(an_assembly_is_whole_with_its_last_part_and_bounded),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
