/* test_sio.c - Socket.IO packets: what is taken, how it is cut, and that nothing else is. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/socketio/assembly.h"
#include "services/gateway/socketio/scan.h"
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
    assert_true(reads("2[\"\\ud800\"]", &p));
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
    char text[2 * SCAN_MAX_DEPTH + 16];

    for (int depth = SCAN_MAX_DEPTH - 1; depth <= SCAN_MAX_DEPTH + 1; depth++) {
        size_t n = 0;
        struct scan_array array;
        for (int i = 0; i < depth; i++) text[n++] = '[';
        for (int i = 0; i < depth; i++) text[n++] = ']';
        assert_int_equal(scan_array((struct str){ text, n }, SCAN_PLAIN, &array), depth <= SCAN_MAX_DEPTH);
    }
}

static void members_are_found_and_the_last_wins(void **state)
{
    (void)state;
    struct str value;

    assert_true(scan_member(STR("{\"a\":{\"room\":1},\"room\":\"x\",\"r\\u006fom\":\"y\"}"), "room", &value));
    assert_true(str_is(value, "\"y\""));
    assert_false(scan_member(STR("{\"a\":{\"room\":1}}"), "room", &value));
    assert_false(scan_member(STR("{}"), "room", &value));
    assert_false(scan_member(STR("[]"), "room", &value));
}

static void an_assembly_is_whole_with_its_last_part_and_bounded(void **state)
{
    (void)state;
    struct str text = STR("52-[\"a\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]");
    struct sio_assembly *a = sio_assembly_create(text, text.len + 10);

    assert_false(sio_assembly_is_whole(a));
    assert_true(sio_assembly_add(a, STR("12345")));
    assert_false(sio_assembly_add(a, STR("123456")));
    assert_true(sio_assembly_add(a, STR("6789a")));
    assert_true(sio_assembly_is_whole(a));
    assert_true(str_is(a->parts[1], "6789a"));
    assert_true(str_is(a->packet.name, "a"));
    sio_assembly_destroy(&a);
    assert_null(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found),
        cmocka_unit_test(names_are_decoded_before_they_are_judged),
        cmocka_unit_test(what_is_no_packet_is_refused),
        cmocka_unit_test(placeholders_name_an_attachment),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(members_are_found_and_the_last_wins),
        cmocka_unit_test(an_assembly_is_whole_with_its_last_part_and_bounded),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
