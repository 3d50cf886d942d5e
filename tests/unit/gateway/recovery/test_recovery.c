/* test_recovery.c - offsets and records: what is written is read, and nothing else is. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/rooms/rooms.h"
#include "services/gateway/rooms/offset.h"
#include "services/gateway/recovery/record.h"
#include "tests/unit/arena.h"

static void offsets_are_read_as_they_were_written(void **state)
{
    (void)state;
    struct buf text = BUF(OFFSET_BYTES_MAX);
    struct offset offset;

    offset_begin(&text, 'c');
    assert_true(offset_read(buf_str(&text), 'c', arena, &offset) && offset.n == 0 && !offset.lost);
    offset_add(&text, 0, 47);
    offset_add(&text, 35, 1);
    offset_add(&text, UINT32_MAX, INT64_MAX);
    assert_true(str_starts(buf_str(&text), STR("c0.1b-z.1-")));
    assert_true(offset_read(buf_str(&text), 'c', arena, &offset));
    assert_int_equal(offset.n, 3);
    assert_true(offset.at[0].room_no == 0 && offset.at[0].seq == 47);
    assert_true(offset.at[2].room_no == UINT32_MAX && offset.at[2].seq == INT64_MAX);
    offset_begin(&text, 'c');
    offset_lose(&text);
    assert_true(offset_read(buf_str(&text), 'c', arena, &offset) && offset.lost);
    buf_free(&text);
}

static void what_is_no_offset_of_this_epoch_is_told_apart(void **state)
{
    (void)state;
    static const char *const wrong[] = { "", "b", "b0.1", "Q7xwzg7", "a0", "a0.", "a.1", "a0.1-", "a-0.1", "a0.1--1.1",
        "a0.1-0.2", "a1.1-0.1", "a0.1b!", "a0.-1", "a0.1y2p0ij32e8e8", "a1z141z4.1", "a0.1 ", "a0.A", "a--" };
    struct offset offset;

    for (size_t i = 0; i < COUNT(wrong); i++)
        if (offset_read(str_of(wrong[i]), 'a', arena, &offset)) fail_msg("%s was taken", wrong[i]);
}

static void a_new_start_has_another_epoch(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "a", "a0.1", "y-", "z0.1", "Q7xwzg7", "\xff" };

    for (size_t i = 0; i < COUNT(texts); i++) {
        char next = offset_next_epoch(str_of(texts[i]));
        assert_true(next >= 'a' && next <= 'z' && next != texts[i][0]);
    }
}

static void more_rooms_than_there_may_be_are_refused(void **state)
{
    (void)state;
    struct buf text = BUF(OFFSET_BYTES_MAX);
    struct offset offset;

    offset_begin(&text, 'a');
    for (uint32_t i = 0; i < OFFSET_ROOMS_MAX; i++) offset_add(&text, UINT32_MAX - OFFSET_ROOMS_MAX + i, INT64_MAX);
    assert_false(text.over);
    assert_true(offset_read(buf_str(&text), 'a', arena, &offset) && offset.n == OFFSET_ROOMS_MAX);
    offset_add(&text, UINT32_MAX, 1);
    assert_false(offset_read(buf_str(&text), 'a', arena, &offset));
    buf_free(&text);
}

/* --- records --- */

static const struct record_key key = { "a key that all gateways have...." };
static const unsigned char pid_hash[RECORD_HASH_BYTES] = "the hash of a pid", other_hash[RECORD_HASH_BYTES] = "another";

static struct str written(const struct record *record)
{
    struct buf text = BUF(RECORD_BYTES_MAX);

    record_write(record, &key, pid_hash, &text);
    struct str kept = arena_str(arena, buf_str(&text));
    buf_free(&text);
    return kept;
}

static bool is_read(struct str text)
{
    struct record out;

    return record_read(text, &key, pid_hash, arena, &out);
}

static struct record sample(void)
{
    static struct room_start rooms[] = { { { "room one" }, 0, 0 }, { { "room two" }, 7, INT64_MAX } };

    return (struct record){ .nsp = STR("/chat"),
        .subject = STR("a\"\xc3\xa9\n"),
        .sid = STR("abcdefghij_-ABCDEFGH"),
        .epoch = 'q',
        .next_room_no = UINT32_MAX,
        .replayed = true,
        .rooms = rooms,
        .n = COUNT(rooms) };
}

static void records_are_read_as_they_were_written(void **state)
{
    (void)state;
    struct record in = sample(), out;

    assert_true(record_read(written(&in), &key, pid_hash, arena, &out));
    assert_true(str_eq(out.nsp, in.nsp) && str_eq(out.subject, in.subject) && str_eq(out.sid, in.sid));
    assert_true(out.epoch == 'q' && out.next_room_no == UINT32_MAX && out.replayed && out.n == 2);
    assert_true(id_eq(out.rooms[1].room, in.rooms[1].room));
    assert_true(out.rooms[1].room_no == 7 && out.rooms[1].start_seq == INT64_MAX);
    assert_string_equal(out.sid.at, "abcdefghij_-ABCDEFGH");
    in.subject = STR_NONE;
    in.n = 0;
    assert_true(record_read(written(&in), &key, pid_hash, arena, &out) && out.subject.len == 0 && out.n == 0);
}

static void names_of_rooms_are_whatever_text_they_are(void **state)
{
    (void)state;
    static struct str names[OFFSET_ROOMS_MAX];
    struct record in = sample(), out;
    size_t each = RECORD_NAMES_BYTES_MAX / OFFSET_ROOMS_MAX;

    in.names = names;
    names[0] = STR("a\"\\\0\xc3\xa9\n");
    names[1] = STR("\xff");
    in.n_names = 2;
    assert_true(record_read(written(&in), &key, pid_hash, arena, &out) && out.n_names == 2);
    assert_true(str_eq(out.names[0], names[0]) && str_eq(out.names[1], names[1]));

    for (in.n_names = 0; in.n_names < OFFSET_ROOMS_MAX; in.n_names++) {
        char *name = memset(arena_alloc(arena, each), 1, each);
        memcpy(name, &in.n_names, sizeof in.n_names);
        names[in.n_names] = (struct str){ name, each };
    }
    assert_true(record_read(written(&in), &key, pid_hash, arena, &out) && out.n_names == OFFSET_ROOMS_MAX);
}

static void the_largest_record_has_room(void **state)
{
    (void)state;
    assert_true(wire_most_bytes(recovery_record_shape()) + 32 <= RECORD_BYTES_MAX);
}

static void only_what_a_gateway_wrote_for_this_pid_is_read(void **state)
{
    (void)state;
    struct record in = sample(), out;
    struct str text = written(&in);
    const struct record_key other_key = { "the key of somebody else........" };

    assert_true(is_read(text));
    assert_false(record_read(text, &key, other_hash, arena, &out));
    assert_false(record_read(text, &other_key, pid_hash, arena, &out));
    for (size_t i = 0; i < text.len; i++) {
        char *altered = arena_copy(arena, text.at, text.len);
        altered[i] ^= 1;
        assert_false(is_read((struct str){ altered, text.len }));
        assert_false(is_read((struct str){ text.at, i }));
    }
    assert_false(is_read(STR("")));
    assert_false(
        is_read(STR("{\"nsp\":\"/chat\",\"sub\":\"ada\",\"sid\":\"abcdefghij_-ABCDEFGH\",\"epoch\":\"a\",\"next\":0,"
                    "\"replayed\":false,\"rooms\":[],\"names\":[]}"))); /* as they once were */
    char *large = memset(arena_alloc(arena, RECORD_BYTES_MAX + 1), 0, RECORD_BYTES_MAX + 1);
    assert_false(is_read((struct str){ large, RECORD_BYTES_MAX + 1 }));
}

/* A gateway with a mistake, or a key that got out: what is signed is held against its bounds all the same. */
static void what_is_signed_is_held_against_its_bounds(void **state)
{
    (void)state;
    struct room_start twins[] = { { { "room" }, 0, 0 }, { { "room" }, 1, 0 } },
                      turned[] = { { { "a" }, 2, 0 }, { { "b" }, 1, 0 } };
    struct str names[] = { STR("tea"), STR("tea") };
    struct record in = sample();

    in.rooms = twins;
    assert_false(is_read(written(&in)));
    in.rooms = turned;
    assert_false(is_read(written(&in)));
    in = sample();
    in.next_room_no = 7;
    assert_false(is_read(written(&in)));
    in = sample();
    in.names = names;
    in.n_names = COUNT(names);
    assert_false(is_read(written(&in)));
    in = sample();
    in.sid = STR("abcdefghij\",\"x\":\"yzz");
    assert_int_equal(in.sid.len, 20);
    assert_false(is_read(written(&in)));
    in = sample();
    in.epoch = '-';
    assert_false(is_read(written(&in)));
    in = sample();
    in.sid = STR("short");
    assert_int_equal(written(&in).len, 0); /* not even written */
}

static struct eio_packet *packet_of(const char *text)
{
    return eio_packet_text(str_of(text));
}

static void events_that_end_in_a_string_are_seen(void **state)
{
    (void)state;
    static const char *const yes[] = { "2[\"a\"]", "2/chat,[\"a\",1,\"b\"]", "2[\"a\",\"b\" ]\n",
        "51-[\"a\",{},\"b\"]" };
    static const char *const no[] = { "2[\"a\",1]", "2[\"a\",{\"b\":\"c\"}]", "2[\"a\",[\"b\"]]", "37[\"a\"]",
        "0{\"sid\":\"x\"}", "1" };

    for (size_t i = 0; i < COUNT(yes) + COUNT(no); i++) {
        struct eio_packet *packet = packet_of(i < COUNT(yes) ? yes[i] : no[i - COUNT(yes)]);
        assert_int_equal(sio_packet_ends_in_string(packet), i < COUNT(yes));
        eio_packet_drop(packet);
    }
}

static void an_offset_is_one_more_argument(void **state)
{
    (void)state;
    struct eio_packet *plain = packet_of("2/chat,[\"a\",1 ] "), *more = sio_packet_with(plain, STR("a0.1"));

    assert_true(str_is(eio_packet_text_payload(more), "2/chat,[\"a\",1 ,\"a0.1\"]"));
    eio_packet_drop(plain);
    eio_packet_drop(more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_are_read_as_they_were_written),
        cmocka_unit_test(what_is_no_offset_of_this_epoch_is_told_apart),
        cmocka_unit_test(a_new_start_has_another_epoch),
        cmocka_unit_test(more_rooms_than_there_may_be_are_refused),
        cmocka_unit_test(records_are_read_as_they_were_written),
        cmocka_unit_test(names_of_rooms_are_whatever_text_they_are),
        cmocka_unit_test(the_largest_record_has_room),
        cmocka_unit_test(only_what_a_gateway_wrote_for_this_pid_is_read),
        cmocka_unit_test(what_is_signed_is_held_against_its_bounds),
        cmocka_unit_test(events_that_end_in_a_string_are_seen),
        cmocka_unit_test(an_offset_is_one_more_argument),
    };
    return cmocka_run_group_tests_name("recovery", tests, make_arena, drop_arena);
}
