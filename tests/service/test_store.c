/* test_store.c - the rooms' logs, through real processes on a real database: what is acknowledged is there, once, in order. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "tests/service/party.h"

static struct proc chat_proc, store_proc;
static struct pipe *chat, *store;

static enum err log_of(struct pipe *p, struct id room, int64_t after, struct message_page *out)
{
    return ask(
        p, "log.since", "", log_query_shape(), &(struct log_query){ room, after, 1000, 0 }, message_page_shape(), out);
}

/* seq 1, 2, 3 ... up to the head, and no id twice.  Each connection of those that read is lost with its database, and says so once. */
static size_t whole_log(struct id room)
{
    struct message_page page;
    size_t n = 0;

    do {
        TURN_UNTIL(log_of(store, room, (int64_t)n, &page) == OK, PATIENCE_MS);
        for (size_t i = 0; i < page.messages.len; i++) assert_int_equal(page.messages.at[i].seq, (int64_t)++n);
    } while ((int64_t)n < page.head && page.messages.len > 0);
    assert_int_equal(n, page.head);
    return n;
}

struct burst {
    size_t n;
    struct answer *answers;
};

static struct burst send_burst(
    struct pipe *p, struct id room, const char *who, const char *prefix, size_t n, size_t different)
{
    struct burst b = { n, arena_zero(party_arena, n * sizeof *b.answers) };

    for (size_t i = 0; i < n; i++) {
        struct message_draft draft = { .room = room,
            .id = arena_printf(party_arena, "%s-%05zu", prefix, i % different),
            .body = arena_printf(party_arena, "number %zu", i) };
        ask_later(p, "message.append", who, message_draft_shape(), &draft, &b.answers[i]);
    }
    return b;
}

static bool is_over(struct burst b)
{
    for (size_t i = 0; i < b.n; i++)
        if (!b.answers[i].is_there) return false;
    return true;
}

static size_t count_status(struct burst b, enum err e)
{
    size_t n = 0;

    for (size_t i = 0; i < b.n; i++) n += b.answers[i].status == e;
    return n;
}

static int64_t seq_in(const struct answer *answer)
{
    struct receipt receipt;

    read_record(receipt_shape(), answer->body, &receipt);
    return receipt.seq;
}

static void a_repeat_is_stored_once_and_the_first_text_stands(void **state)
{
    struct id room = make_room(chat, "alice", "bob");
    struct receipt first, again, other;
    struct message_page page;

    (void)state;
    assert_int_equal(append(store, room, "alice", "msg-00001", "first", &first), OK);
    assert_int_equal(append(store, room, "alice", "msg-00001", "second", &again), OK);
    assert_int_equal(first.seq, again.seq);
    assert_int_equal(first.at, again.at);
    assert_int_equal(append(store, room, "bob", "msg-00001", "bob's own", &other), OK);
    assert_int_equal(other.seq, 2);
    assert_int_equal(log_of(store, room, 0, &page), OK);
    assert_int_equal(page.messages.len, 2);
    assert_true(str_is(page.messages.at[0].body, "first"));
}

static void repeats_within_one_batch_are_stored_once(void **state)
{
    struct id room = make_room(chat, "alice", NULL);
    struct burst b = send_burst(store, room, "alice", "same", 200, 20);

    (void)state;
    TURN_UNTIL(is_over(b), PATIENCE_MS);
    assert_int_equal(count_status(b, OK), 200);
    assert_int_equal(whole_log(room), 20);
    for (size_t i = 20; i < 200; i++) assert_int_equal(seq_in(&b.answers[i]), seq_in(&b.answers[i % 20]));
}

static void two_stores_number_one_log_without_a_gap(void **state)
{
    struct id rooms[2] = { make_room(chat, "alice", "bob"), make_room(chat, "alice", "bob") };
    struct proc second = party_start("store", "store2", NULL);
    struct pipe *other = pipe_open("gateway", "store", "store2");
    struct burst b[6];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        b[i] = send_burst(store, rooms[i], "alice", "left", 300, 300);
        b[i + 2] = send_burst(other, rooms[i], "bob", "right", 300, 300);
        b[i + 4] = send_burst(other, rooms[i], "alice", "left", 300, 300); /* the same as the first, elsewhere */
    }
    for (size_t i = 0; i < 6; i++) {
        TURN_UNTIL(is_over(b[i]), PATIENCE_MS);
        assert_int_equal(count_status(b[i], OK), 300);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(whole_log(rooms[i]), 600);
        for (size_t n = 0; n < 300; n++) assert_int_equal(seq_in(&b[i].answers[n]), seq_in(&b[i + 4].answers[n]));
    }
    pipe_close(&other);
    party_kill(&second);
}

static enum err of_room(const char *method, struct id room)
{
    return ask(chat, method, "", room_ref_shape(), &(struct room_ref){ room }, nothing_shape(), NULL);
}

/* The seqs of the room's messages that were heard from `from` on, in the order of hearing. */
static size_t seqs_heard(struct id room, size_t from, int64_t *out, size_t max)
{
    struct publication p;
    size_t n = 0;

    for (size_t i = from; i < chat->n_heard; i++) {
        if (!id_eq(chat->heard[i].stream, room) || strcmp(chat->heard[i].name, "room.messages") != 0) continue;
        read_record(publication_shape(), chat->heard[i].body, &p);
        for (size_t m = 0; m < p.messages.len && n < max; m++) out[n++] = p.messages.at[m].seq;
    }
    return n;
}

static void listeners_hear_each_message_once_in_order(void **state)
{
    struct id room = make_room(chat, "alice", NULL);
    int64_t seqs[600];
    size_t from = chat->n_heard, n;

    (void)state;
    assert_int_equal(of_room("room.subscribe", room), OK);
    struct burst b = send_burst(store, room, "alice", "heard", 500, 500);
    TURN_UNTIL(is_over(b), PATIENCE_MS);
    TURN_UNTIL((n = seqs_heard(room, from, seqs, 600)) >= 500, PATIENCE_MS);
    assert_int_equal(n, 500);
    for (size_t i = 0; i < n; i++) assert_int_equal(seqs[i], (int64_t)i + 1);
}

static bool heard_up_to(struct id room, size_t from, int64_t seq)
{
    int64_t seqs[10];
    size_t n = seqs_heard(room, from, seqs, 10);

    for (size_t i = 1; i < n; i++) assert_int_equal(seqs[i], seqs[i - 1] + 1);
    return n > 0 && seqs[n - 1] == seq;
}

/* Chat stands still, so the publication is under way when it dies.  The store is held until we listen at the new one:
 * else we would read it from the log, and could not tell whether it was published again. */
static void a_publication_survives_the_death_of_chat(void **state)
{
    struct id room = make_room(chat, "alice", NULL);
    struct receipt receipt;
    unsigned ups = chat->ups;

    (void)state;
    assert_int_equal(append(store, room, "alice", "msg-00001", "known", &receipt), OK);
    party_pause(&chat_proc);
    assert_int_equal(append(store, room, "alice", "msg-00002", "under way", &receipt), OK);
    party_pause(&store_proc);
    party_kill(&chat_proc);
    chat_proc = party_start("chat", "chat", NULL);
    TURN_UNTIL(chat->ups > ups && chat->is_up, PATIENCE_MS);
    size_t from = chat->n_heard;
    assert_int_equal(of_room("room.subscribe", room), OK);
    party_resume(&store_proc);
    TURN_UNTIL(heard_up_to(room, from, 2), PATIENCE_MS); /* the first one again too, if chat had not confirmed it yet */
    assert_int_equal(append(store, room, "alice", "msg-00003", "after", &receipt), OK);
    TURN_UNTIL(heard_up_to(room, from, 3), PATIENCE_MS);
}

static void a_removed_member_is_forbidden(void **state)
{
    struct id room = make_room(chat, "alice", "bob");
    struct room_removal removal = { room, STR("bob") };
    struct message_page page;
    struct receipt receipt;
    int i = 0;

    (void)state;
    assert_int_equal(append(store, room, "eve", "msg-00001", "hi", &receipt), ERR_FORBIDDEN);
    assert_int_equal(append(store, room, "bob", "msg-00001", "hi", &receipt), OK);
    assert_int_equal(ask(chat, "room.remove", "alice", room_removal_shape(), &removal, nothing_shape(), NULL), OK);
    TURN_UNTIL(
        append(store, room, "bob", arena_printf(party_arena, "late-%05d", i++).at, "still here?", &receipt) != OK,
        PATIENCE_MS); /* the store hears of it behind chat's answer */
    assert_true(str_is(last_failure.code, "forbidden"));
    assert_int_equal(ask(store, "message.list", "bob", message_query_shape(),
                         &(struct message_query){ .room = room, .after = -1, .before = -1, .limit = 50 },
                         message_page_shape(), &page),
        ERR_FORBIDDEN);
    assert_int_equal(append(store, id_new(), "bob", "msg-00009", "hi", &receipt), ERR_NOT_FOUND);
}

static void over_the_bound_it_says_so_at_once(void **state)
{
    struct id room = make_room(chat, "alice", NULL);
    struct proc small = party_start("store", "store3", "MADANG_STORE_APPEND_MAX=10");
    struct pipe *p = pipe_open("gateway", "store", "store3");
    struct receipt receipt;

    (void)state;
    party_pause(&chat_proc); /* nobody can say who is a member: all of them wait */
    struct burst b = send_burst(p, room, "alice", "many", 15, 15);
    TURN_UNTIL(count_status(b, ERR_OVERLOADED) == 5, PATIENCE_MS);
    assert_true(b.answers[14].failure.retry_after_ms > 0);
    party_resume(&chat_proc);
    TURN_UNTIL(is_over(b), PATIENCE_MS);
    assert_int_equal(count_status(b, OK), 10);
    assert_int_equal(append(p, room, "alice", "many-00014", "again", &receipt), OK);
    assert_int_equal(whole_log(room), 11);
    pipe_close(&p);
    party_kill(&small);
}

/* It answers for no room while it cannot know that its part is still its own; where that was for too long it ends, and is begun
 * anew by whoever watches it, which is we. */
static bool chat_answers_for(struct id room)
{
    if (waitpid(chat_proc.pid, NULL, WNOHANG) == chat_proc.pid) chat_proc = party_start("chat", "chat", NULL);
    return of_room("room.subscribe", room) == OK && of_room("room.unsubscribe", room) == OK;
}

/* Some answers are `unavailable`, of messages stored or not: repeats make it all of them, once. */
static void what_a_dying_database_lost_is_repeated(void **state)
{
    struct id room = make_room(chat, "alice", NULL);
    struct receipt receipt;

    (void)state;
    assert_int_equal(append(store, room, "alice", "before-1", "hi", &receipt), OK);
    struct burst b = send_burst(store, room, "alice", "crash", 300, 300);
    party_turn();
    pg_cluster_run("restart");
    TURN_UNTIL(is_over(b), PATIENCE_MS);
    assert_int_equal(count_status(b, OK) + count_status(b, ERR_UNAVAILABLE), 300);
    TURN_UNTIL(chat_answers_for(room), PATIENCE_MS);
    for (int i = 0; i < 50 && count_status(b, OK) < 300; i++) {
        b = send_burst(store, room, "alice", "crash", 300, 300);
        TURN_UNTIL(is_over(b), PATIENCE_MS);
    }
    assert_int_equal(count_status(b, OK), 300);
    assert_int_equal(whole_log(room), 301);
}

static size_t list(struct id room, int64_t after, int64_t before, int64_t limit, struct message_page *page)
{
    assert_int_equal(ask(store, "message.list", "alice", message_query_shape(),
                         &(struct message_query){ .room = room, .after = after, .before = before, .limit = limit },
                         message_page_shape(), page),
        OK);
    return page->messages.len;
}

static void pages_go_both_ways(void **state)
{
    struct id room = make_room(chat, "alice", NULL);
    struct message_page page;

    (void)state;
    assert_int_equal(list(room, -1, -1, 50, &page), 0);
    assert_int_equal(page.head, 0);
    struct burst b = send_burst(store, room, "alice", "paged", 25, 25);
    TURN_UNTIL(is_over(b), PATIENCE_MS);
    assert_int_equal(list(room, -1, -1, 10, &page), 10);
    assert_int_equal(page.messages.at[0].seq, 16);
    assert_int_equal(page.messages.at[9].seq, 25);
    assert_int_equal(page.head, 25);
    assert_int_equal(list(room, -1, 16, 10, &page), 10);
    assert_int_equal(page.messages.at[0].seq, 6);
    assert_int_equal(list(room, 20, -1, 10, &page), 5);
    assert_int_equal(page.messages.at[0].seq, 21);
    assert_int_equal(list(room, 0, -1, 10, &page), 10);
    assert_int_equal(page.messages.at[0].seq, 1);
    assert_int_equal(
        ask(store, "message.list", "alice", message_query_shape(),
            &(struct message_query){ .room = room, .after = 1, .before = 9, .limit = 10 }, message_page_shape(), &page),
        ERR_INVALID_ARGUMENT);
}

static void a_body_is_bounded_in_characters_and_a_page_in_bytes(void **state)
{
    struct id room = make_room(chat, "alice", NULL);
    struct message_page page;
    struct receipt receipt;
    char body[1001 * 3 + 1];

    (void)state;
    for (size_t i = 0; i < 1001; i++) memcpy(body + 3 * i, "\xea\xb0\x80", 3);
    body[3003] = '\0';
    assert_int_equal(append(store, room, "alice", "long-00001", body, &receipt), ERR_INVALID_ARGUMENT);
    assert_true(str_is(last_failure.field, "body"));
    body[3000] = '\0';

    struct burst b = { 400, arena_zero(party_arena, 400 * sizeof *b.answers) };
    for (size_t i = 0; i < b.n; i++)
        ask_later(store, "message.append", "alice", message_draft_shape(),
            &(struct message_draft){
                .room = room, .id = arena_printf(party_arena, "big-%05zu", i), .body = str_of(body) },
            &b.answers[i]);
    TURN_UNTIL(is_over(b), PATIENCE_MS);
    assert_int_equal(count_status(b, OK), 400);
    assert_int_equal(log_of(store, room, 0, &page), OK);
    assert_int_equal(page.messages.len, (1 << 20) / 3000);
    assert_int_equal(whole_log(room), 400);
}

static void meta_comes_back_and_nonsense_in_it_harms_nobody(void **state)
{
    static const char nan_meta[] = "\xcb\x7f\xf8\0\0\0\0\0\0";
    struct id room = make_room(chat, "alice", NULL);
    struct message_draft draft = { .room = room, .id = STR("meta-0001"), .body = STR("hi"), .meta = { nan_meta, 9 } };
    struct buf meta = BUF(1000);
    struct message_page page;
    struct receipt receipt;

    (void)state;
    struct answer a = { 0 };
    struct buf body = BUF(1000);
    if (wire_encode(message_draft_shape(), &draft, &body) == OK) {
        ask_later(store, "message.append", "alice", message_draft_shape(), &draft, &a);
        TURN_UNTIL(a.is_there, PATIENCE_MS);
        assert_int_not_equal(a.status, ERR_UNAVAILABLE);
    }
    buf_free(&body);
    draft.id = STR("meta-0002");
    assert_int_equal(wire_any_from_json(STR("{\"n\":[1e300,18446744073709551615,7]}"), &meta), OK);
    draft.meta = buf_str(&meta);
    assert_int_equal(
        ask(store, "message.append", "alice", message_draft_shape(), &draft, receipt_shape(), &receipt), OK);
    assert_int_equal(log_of(store, room, receipt.seq - 1, &page), OK);
    assert_true(page.messages.at[0].meta.len > 0);
    buf_free(&meta);
}

/* jsonb would print 309 digits for each of these. */
static void meta_is_read_back_as_large_as_it_was_sent(void **state)
{
    struct id room = make_room(chat, "alice", NULL);
    struct buf json = BUF(10000), meta = BUF(4096);
    struct message_page page;
    struct receipt receipt;
    struct log_head kept = { .seq = 0 };
    struct pg *pg = pg_create(pg_cluster_conninfo("store"), "store");

    (void)state;
    buf_printf(&json, "[1e308");
    for (int i = 1; i < 450; i++) buf_printf(&json, i % 2 ? ",-1e308" : ",1e-307");
    buf_add_char(&json, ']');
    assert_int_equal(wire_any_from_json(buf_str(&json), &meta), OK);
    for (int i = 0; i < 20; i++) {
        struct message_draft draft = {
            .room = room, .id = arena_printf(party_arena, "large-%04d", i), .body = STR("x"), .meta = buf_str(&meta)
        };
        assert_int_equal(
            ask(store, "message.append", "alice", message_draft_shape(), &draft, receipt_shape(), &receipt), OK);
    }
    assert_int_equal(log_of(store, room, 0, &page), OK);
    assert_int_equal(page.messages.len, 20);
    buf_clear(&json);
    assert_int_equal(wire_any_to_json(buf_str(&meta), &json), OK);
    for (size_t i = 0; i < 20; i++) /* as text: whoever reads it prints no number again */
        assert_true(str_eq(wire_any_text(page.messages.at[i].meta), buf_str(&json)));
    assert_int_equal(
        pg_one(pg, party_arena, log_head_shape(), &kept,
            "SELECT sum(octet_length(COALESCE(meta_as_sent, meta::json)::text))::bigint AS seq FROM message"
            " WHERE room_id = $1",
            PG_ARGS(pg_id(room))),
        OK);
    assert_true(kept.seq > 0 && kept.seq <= 20 * 2 * (int64_t)meta.len);
    pg_destroy(&pg);
    buf_free(&json);
    buf_free(&meta);
}

/* As a store of the former version left it. */
static void meta_of_before_is_read_from_where_it_is(void **state)
{
    struct id room = make_room(chat, "alice", NULL);
    struct message_page page;
    struct receipt receipt;
    struct buf json = BUF(1000), meta = BUF(1000);
    struct pg *pg = pg_create(pg_cluster_conninfo("store"), "store");

    (void)state;
    assert_int_equal(append(store, room, "alice", "former-01", "hi", &receipt), OK);
    assert_int_equal(pg_run(pg, party_arena, "UPDATE message SET meta = '{\"a\": 1e300}' WHERE room_id = $1",
                         PG_ARGS(pg_id(room)), NULL),
        OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(log_of(store, room, 0, &page), OK);
    assert_int_equal(wire_any_from_json(wire_any_text(page.messages.at[0].meta), &meta), OK);
    assert_int_equal(wire_any_to_json(buf_str(&meta), &json), OK);
    assert_true(str_is(buf_str(&json), "{\"a\":1e+300}"));
    pg_destroy(&pg);
    buf_free(&json);
    buf_free(&meta);
}

/* What PostgreSQL prints of these messages' meta, as text. */
static int64_t printed_bytes(struct pg *pg, struct id room, int64_t from, int64_t to)
{
    struct log_head sum = { .seq = -1 };

    assert_int_equal(
        pg_one(pg, party_arena, log_head_shape(), &sum,
            "SELECT $1::uuid AS room, COALESCE(sum(octet_length(meta::text)), 0)::bigint AS seq FROM message"
            " WHERE room_id = $1 AND seq BETWEEN $2 AND $3",
            PG_ARGS(pg_id(room), pg_int(from), pg_int(to))),
        OK);
    pg_rollback(pg);
    return sum.seq;
}

/* 450 times 1e308 of the former version: 139 KB each, and compressed to some hundred bytes. */
static void a_page_of_metas_of_before_ends_before_they_are_many_bytes(void **state)
{
    enum { N = 60, MOST = (1 << 20) + 163840 };
    struct id room = make_room(chat, "alice", NULL);
    struct message_page page;
    struct receipt receipt;
    struct pg *pg = pg_create(pg_cluster_conninfo("store"), "store");
    int64_t pages = 0, seq = 0;

    (void)state;
    for (int i = 0; i < N; i++)
        assert_int_equal(
            append(store, room, "alice", arena_printf(party_arena, "before-%04d", i).at, "hi", &receipt), OK);
    assert_int_equal(
        pg_run(pg, party_arena,
            "UPDATE message SET meta = to_jsonb(array_fill((CASE WHEN seq <= 30 THEN '1e308' ELSE '3' END)::numeric,"
            " ARRAY[CASE WHEN seq <= 30 THEN 450 ELSE 3 END])) WHERE room_id = $1",
            PG_ARGS(pg_id(room)), NULL),
        OK);
    assert_int_equal(pg_commit(pg), OK);
    for (; seq < N; pages++) {
        size_t n = list(room, seq, -1, 200, &page);
        assert_true(n > 0);
        assert_int_equal(page.messages.at[0].seq, seq + 1);
        assert_int_equal(page.messages.at[n - 1].seq, seq + (int64_t)n);
        assert_true(printed_bytes(pg, room, seq + 1, seq + (int64_t)n) <= MOST);
        seq += (int64_t)n;
    }
    assert_in_range(pages, 5, 6); /* six of the large ones a page, and the small ones in one */
    assert_int_equal(list(room, -1, 31, 200, &page), 6);
    assert_int_equal(page.messages.at[5].seq, 30);
    pg_destroy(&pg);
}

static void heads_come_in_the_order_asked(void **state)
{
    struct id rooms[3] = { make_room(chat, "alice", NULL), id_new(), make_room(chat, "alice", NULL) };
    struct log_heads heads;
    struct receipt receipt;

    (void)state;
    assert_int_equal(append(store, rooms[2], "alice", "msg-00001", "hi", &receipt), OK);
    assert_int_equal(
        ask(store, "log.heads", "", log_rooms_shape(), &(struct log_rooms){ { rooms, 3 } }, log_heads_shape(), &heads),
        OK);
    assert_int_equal(heads.heads.len, 3);
    for (size_t i = 0; i < 3; i++) assert_true(id_eq(heads.heads.at[i].room, rooms[i]));
    assert_int_equal(heads.heads.at[1].seq, 0);
    assert_int_equal(heads.heads.at[2].seq, 1);
}

/* What was acknowledged before the kill is there after it, and what was sent during it ends up there once. */
static void a_killed_store_loses_nothing(void **state)
{
    struct id room = make_room(chat, "alice", NULL);

    (void)state;
    struct burst b = send_burst(store, room, "alice", "kill", 500, 500);
    TURN_UNTIL(count_status(b, OK) > 0 && b.answers[0].is_there, PATIENCE_MS);
    party_kill(&store_proc);
    store_proc = party_start("store", "store", NULL);
    TURN_UNTIL(is_over(b), PATIENCE_MS);
    if (count_status(b, OK) < 500) {
        b = send_burst(store, room, "alice", "kill", 500, 500);
        TURN_UNTIL(is_over(b), PATIENCE_MS);
    }
    assert_int_equal(count_status(b, OK), 500);
    assert_int_equal(whole_log(room), 500);
}

static void it_stops_in_order(void **state)
{
    (void)state;
    assert_int_equal(party_stop(&store_proc), 0);
    assert_int_equal(party_stop(&chat_proc), 0);
}

static int begin(void **state)
{
    (void)state;
    party_begin();
    chat_proc = party_start("chat", "chat", NULL);
    store_proc = party_start("store", "store", NULL);
    chat = pipe_open("gateway", "chat", "chat");
    store = pipe_open("gateway", "store", "store");
    return 0;
}

static int end(void **state)
{
    (void)state;
    pipe_close(&chat);
    pipe_close(&store);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeat_is_stored_once_and_the_first_text_stands),
        cmocka_unit_test(repeats_within_one_batch_are_stored_once),
        cmocka_unit_test(heads_come_in_the_order_asked),
        cmocka_unit_test(pages_go_both_ways),
        cmocka_unit_test(a_body_is_bounded_in_characters_and_a_page_in_bytes),
        cmocka_unit_test(meta_comes_back_and_nonsense_in_it_harms_nobody),
        cmocka_unit_test(meta_is_read_back_as_large_as_it_was_sent),
        cmocka_unit_test(meta_of_before_is_read_from_where_it_is),
        cmocka_unit_test(a_page_of_metas_of_before_ends_before_they_are_many_bytes),
        cmocka_unit_test(listeners_hear_each_message_once_in_order),
        cmocka_unit_test(a_removed_member_is_forbidden),
        cmocka_unit_test(over_the_bound_it_says_so_at_once),
        cmocka_unit_test(two_stores_number_one_log_without_a_gap),
        cmocka_unit_test(a_publication_survives_the_death_of_chat),
        cmocka_unit_test(a_killed_store_loses_nothing),
        cmocka_unit_test(
            what_a_dying_database_lost_is_repeated), /* after it chat lets stores forget, in its own time */
        cmocka_unit_test(it_stops_in_order),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
