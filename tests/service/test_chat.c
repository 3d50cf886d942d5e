/* test_chat.c - rooms, membership and fan-out, through a real process on a real database. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "tests/service/party.h"

#include <libpq-fe.h>

static struct proc chat;
static struct pipe *one, *two, *store; /* two gateways and a store */

static enum err enter(const char *who, struct id room, struct room_entered *out)
{
    return ask(one, "room.enter", who, room_entry_shape(), &(struct room_entry){ .room = room, .since = -1 },
        room_entered_shape(), out);
}

static enum err access_of(struct id room, const char *subject, struct access *out)
{
    return ask(store, "room.access", "", access_query_shape(), &(struct access_query){ room, str_of(subject) },
        access_shape(), out);
}

static enum err of_room(struct pipe *p, const char *method, struct id room)
{
    return ask(p, method, "", room_ref_shape(), &(struct room_ref){ room }, nothing_shape(), NULL);
}

static enum err invite(const char *by, struct id room, const char *whom)
{
    struct str name = str_of(whom);
    struct room_invitation invitation = { room, { &name, 1 } };

    return ask(one, "room.invite", by, room_invitation_shape(), &invitation, room_shape(), NULL);
}

static enum err take_out(const char *by, struct id room, const char *whom)
{
    struct room_removal removal = { room, str_of(whom) };

    return ask(one, "room.remove", by, room_removal_shape(), &removal, nothing_shape(), NULL);
}

static enum err publish(struct id room, int64_t first, size_t n)
{
    struct message messages[10];

    for (size_t i = 0; i < n; i++)
        messages[i] = (struct message){ .room = room,
            .seq = first + (int64_t)i,
            .id = STR("id"),
            .sender = STR("alice"),
            .body = STR("hello"),
            .at = 1 };
    return ask(store, "room.publish", "", publication_shape(), &(struct publication){ room, { messages, n } },
        nothing_shape(), NULL);
}

static size_t count_heard(const struct pipe *p, const char *name, struct id stream)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_heard; i++)
        n += strcmp(p->heard[i].name, name) == 0 && id_eq(p->heard[i].stream, stream);
    return n;
}

static void the_same_key_makes_one_room(void **state)
{
    struct room_draft draft = { .name = STR("tea"), .client_key = STR("key-00001") };
    struct room first, again;
    struct room_page page;

    (void)state;
    assert_int_equal(ask(one, "room.create", "ann", room_draft_shape(), &draft, room_shape(), &first), OK);
    assert_int_equal(ask(one, "room.create", "ann", room_draft_shape(), &draft, room_shape(), &again), OK);
    assert_true(id_eq(first.id, again.id));
    assert_int_equal(
        ask(one, "room.list", "ann", room_query_shape(), &(struct room_query){ .limit = 50 }, room_page_shape(), &page),
        OK);
    assert_int_equal(page.rooms.len, 1);
}

static void one_s_rooms_come_newest_first_in_slices(void **state)
{
    struct room_page page;
    struct id made[3];

    (void)state;
    for (size_t i = 0; i < 3; i++) made[i] = make_room(one, "carl", NULL);
    assert_int_equal(ask(one, "room.list", "carl", room_query_shape(),
                         &(struct room_query){ .by = STR("age"), .limit = 2 }, room_page_shape(), &page),
        OK);
    assert_int_equal(page.rooms.len, 2);
    assert_true(id_eq(page.rooms.at[0].id, made[2]));
    assert_int_equal(
        ask(one, "room.list", "carl", room_query_shape(),
            &(struct room_query){ .by = STR("age"), .after = page.meta->next, .limit = 2 }, room_page_shape(), &page),
        OK);
    assert_int_equal(page.rooms.len, 1);
    assert_true(id_eq(page.rooms.at[0].id, made[0]));
}

static void a_closed_room_is_for_members(void **state)
{
    struct id room = make_room(one, "alice", "bob");
    struct room_entered entered;

    (void)state;
    assert_int_equal(enter("alice", room, &entered), OK);
    assert_true(str_is(entered.role, "owner"));
    assert_int_equal(enter("bob", room, &entered), OK);
    assert_true(str_is(entered.role, "member"));
    assert_int_equal(enter("eve", room, &entered), ERR_FORBIDDEN);
    assert_int_equal(enter("alice", id_new(), &entered), ERR_NOT_FOUND);
    assert_int_equal(invite("bob", room, "eve"), ERR_FORBIDDEN);
    assert_int_equal(take_out("bob", room, "alice"), ERR_FORBIDDEN);
}

static void a_member_is_one_person_however_the_name_is_typed(void **state)
{
    struct id room = make_room(one, "alice", "e\xcc\x81va");
    struct room_entered entered;

    (void)state;
    assert_int_equal(enter("\xc3\xa9va", room, &entered), OK); /* as auth names her in tokens */
    assert_int_equal(invite("alice", room, "\xc3\xa9va"), OK);
    assert_int_equal(invite("alice", room, "01A1FCFE-3DB8-7EFB-9C34-FC5B361312F6"), OK);
    assert_int_equal(enter("01a1fcfe-3db8-7efb-9c34-fc5b361312f6", room, &entered), OK);
    assert_int_equal(take_out("alice", room, "e\xcc\x81va"), OK);
    assert_int_equal(enter("\xc3\xa9va", room, &entered), ERR_FORBIDDEN);
}

static void who_enters_an_open_room_is_a_member(void **state)
{
    struct room_draft draft = { .name = STR("hall"), .open = true };
    struct room_entered entered;
    struct access access;
    struct room room;

    (void)state;
    assert_int_equal(ask(one, "room.create", "alice", room_draft_shape(), &draft, room_shape(), &room), OK);
    assert_int_equal(access_of(room.id, "eve", &access), OK);
    assert_int_equal(access.role.len, 0);
    assert_int_equal(enter("eve", room.id, &entered), OK);
    assert_int_equal(access_of(room.id, "eve", &access), OK);
    assert_true(str_is(access.role, "member"));
}

static void a_change_is_remembered_and_told(void **state)
{
    struct id room = make_room(one, "alice", NULL);
    struct access access;

    (void)state;
    assert_int_equal(ask(store, "access.watch", "", nothing_shape(), NULL, nothing_shape(), NULL), OK);
    assert_int_equal(of_room(two, "room.subscribe", room), OK);
    assert_int_equal(access_of(room, "bob", &access), OK);
    assert_int_equal(access.role.len, 0);
    assert_int_equal(invite("alice", room, "bob"), OK);
    assert_int_equal(access_of(room, "bob", &access), OK);
    assert_true(str_is(access.role, "member"));
    assert_int_equal(invite("alice", room, "alice"), OK);
    assert_int_equal(access_of(room, "alice", &access), OK);
    assert_true(str_is(access.role, "owner")); /* inviting oneself changes nothing */
    assert_int_equal(take_out("bob", room, NULL), OK);
    assert_int_equal(take_out("bob", room, NULL), OK);
    assert_int_equal(access_of(room, "bob", &access), OK);
    assert_int_equal(access.role.len, 0);
    TURN_UNTIL(
        count_heard(store, "access.changed", room) == 2 && count_heard(two, "access.changed", room) == 2, PATIENCE_MS);
    assert_int_equal(count_heard(one, "access.changed", room), 0);
    assert_int_equal(access_of(id_new(), "bob", &access), ERR_NOT_FOUND);
}

/* As many members as it takes to read them in several portions, and one more; LARGE_ROOM=1000000 for as many as there may be. */
static int64_t fill_room(struct id room)
{
    static const char FILL[] = "INSERT INTO member (room_id, subject, role, joined_at)"
                               " SELECT $1, 'user-' || i, 'member', now() FROM generate_series(1, $2) AS i";
    int64_t n = getenv("LARGE_ROOM") != NULL ? atoll(getenv("LARGE_ROOM")) : 20001;
    struct pg *pg = pg_create(pg_cluster_conninfo("chat"), "chat");

    assert_int_equal(pg_run(pg, party_arena, FILL, PG_ARGS(pg_id(room), pg_int(n)), NULL), OK);
    assert_int_equal(pg_commit(pg), OK);
    pg_destroy(&pg);
    return n;
}

static void a_room_of_any_size_is_read_in_portions(void **state)
{
    struct id room = make_room(one, "zoe", NULL);
    int64_t n = fill_room(room);
    struct access access;
    char subject[32];

    (void)state;
    for (int64_t i = 1; i <= n; i += n / 200) {
        snprintf(subject, sizeof subject, "user-%lld", (long long)i);
        assert_int_equal(access_of(room, subject, &access), OK);
        assert_true(str_is(access.role, "member"));
    }
    assert_int_equal(access_of(room, "zoe", &access), OK);
    assert_true(str_is(access.role, "owner"));
    assert_int_equal(access_of(room, "user-0", &access), OK);
    assert_int_equal(access.role.len, 0);
}

/* What a gateway asks about somebody who comes back. */
static void the_roles_in_many_rooms_come_in_one_answer(void **state)
{
    struct id none = id_new(), own = make_room(one, "alice", NULL), other = make_room(one, "bob", NULL);
    struct id many[1000];
    struct room_roles rep;
    struct roles_query query = { STR("alice"), { (struct id[]){ own, none, other, own }, 4 } };

    (void)state;
    assert_int_equal(ask(one, "room.roles", "", roles_query_shape(), &query, room_roles_shape(), &rep), OK);
    assert_int_equal(rep.roles.len, 4);
    for (size_t i = 0; i < 4; i++) assert_true(id_eq(rep.roles.at[i].room, query.rooms.at[i]));
    assert_true(str_is(rep.roles.at[0].role, "owner"));
    assert_int_equal(rep.roles.at[1].role.len, 0);
    assert_int_equal(rep.roles.at[2].role.len, 0);
    assert_true(str_is(rep.roles.at[3].role, "owner"));
    assert_int_equal(invite("bob", other, "alice"), OK);
    assert_int_equal(ask(one, "room.roles", "", roles_query_shape(), &query, room_roles_shape(), &rep), OK);
    assert_true(str_is(rep.roles.at[2].role, "member"));

    for (size_t i = 0; i < COUNT(many); i++) many[i] = i % 2 ? own : id_new();
    query.rooms = (struct id_list){ many, COUNT(many) };
    assert_int_equal(ask(one, "room.roles", "", roles_query_shape(), &query, room_roles_shape(), &rep), OK);
    assert_int_equal(rep.roles.len, COUNT(many));
    assert_true(str_is(rep.roles.at[999].role, "owner"));
    assert_int_equal(
        ask(store, "room.roles", "", roles_query_shape(), &query, room_roles_shape(), &rep), ERR_FORBIDDEN);
}

/* What a gateway asks about those who subscribe to rooms to which it begins to listen. */
static void the_roles_of_many_in_their_rooms_come_in_one_answer(void **state)
{
    struct id none = id_new(), first = make_room(one, "alice", NULL), second = make_room(one, "bob", NULL);
    struct access_query asked[1000] = { { first, STR("alice") }, { second, STR("alice") }, { none, STR("bob") },
        { second, STR("bob") }, { first, STR("alice") } };
    const char *expected[] = { "owner", "", "", "owner", "owner" };
    struct access_queries query = { { asked, 5 } };
    struct room_roles rep;

    (void)state;
    assert_int_equal(ask(one, "member.roles", "", access_queries_shape(), &query, room_roles_shape(), &rep), OK);
    assert_int_equal(rep.roles.len, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(id_eq(rep.roles.at[i].room, asked[i].room));
        assert_true(str_is(rep.roles.at[i].role, expected[i]));
    }
    for (size_t i = 0; i < COUNT(asked); i++)
        asked[i] = (struct access_query){ first, i == 700 ? STR("alice") : STR("nobody") };
    query.asked.len = COUNT(asked);
    assert_int_equal(ask(one, "member.roles", "", access_queries_shape(), &query, room_roles_shape(), &rep), OK);
    for (size_t i = 0; i < COUNT(asked); i++) assert_int_equal(rep.roles.at[i].role.len > 0, i == 700);
    assert_int_equal(
        ask(store, "member.roles", "", access_queries_shape(), &query, room_roles_shape(), &rep), ERR_FORBIDDEN);
}

static void a_publication_reaches_each_listener_once(void **state)
{
    struct id room = make_room(one, "alice", NULL);
    struct publication heard;

    (void)state;
    assert_int_equal(publish(room, 1, 2), OK); /* nobody listens yet */
    assert_int_equal(of_room(one, "room.subscribe", room), OK);
    assert_int_equal(of_room(one, "room.subscribe", room), OK);
    assert_int_equal(of_room(two, "room.subscribe", room), OK);
    assert_int_equal(publish(room, 3, 2), OK);
    assert_int_equal(publish(room, 3, 2), OK); /* the store did not hear our answer */
    assert_int_equal(publish(room, 4, 3), OK); /* overlaps */
    assert_int_equal(of_room(two, "room.unsubscribe", room), OK);
    assert_int_equal(publish(room, 7, 1), OK);
    TURN_UNTIL(count_heard(one, "room.messages", room) == 3, PATIENCE_MS);
    TURN_UNTIL(count_heard(two, "room.messages", room) == 2, PATIENCE_MS);
    assert_int_equal(one->heard[one->n_heard - 1].seq, 7);
    read_record(publication_shape(), one->heard[one->n_heard - 2].body, &heard);
    assert_int_equal(heard.messages.len, 2);
    assert_int_equal(heard.messages.at[0].seq, 5);
}

static void only_members_relay(void **state)
{
    struct id room = make_room(one, "alice", NULL);
    struct relay relay = {
        .room = room, .namespace = STR("/chat"), .event = STR("typing"), .args = STR("[\"typing\"]")
    };

    (void)state;
    assert_int_equal(of_room(two, "room.subscribe", room), OK);
    assert_int_equal(ask(one, "room.relay", "eve", relay_shape(), &relay, nothing_shape(), NULL), ERR_FORBIDDEN);
    assert_int_equal(ask(one, "room.relay", "alice", relay_shape(), &relay, nothing_shape(), NULL), OK);
    TURN_UNTIL(count_heard(two, "room.relayed", room) == 1, PATIENCE_MS);
    assert_int_equal(two->heard[two->n_heard - 1].seq, 0);
}

static enum err announce_at(struct pipe *p, const char *id, const char *endpoint, struct gateway_page *out)
{
    return ask(p, "gateway.announce", "", gateway_info_shape(), &(struct gateway_info){ str_of(id), str_of(endpoint) },
        gateway_page_shape(), out);
}

static enum err announce(struct pipe *p, const char *id, struct gateway_page *out)
{
    return announce_at(p, id, "ipc://x", out);
}

/* The others would connect to it. */
static void a_gateway_that_says_it_is_nowhere_is_refused(void **state)
{
    static const char *const bad[] = { "x", "tcp://host", "tcp://*:*", "inproc://chat", "tcp://a:1,tcp://b:1" };
    struct gateway_page page;

    (void)state;
    assert_int_equal(announce(one, "aaaa", &page), OK);
    size_t before = count_heard(one, "gateway.changed", (struct id){ { 0 } });
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(announce_at(two, "cccc", bad[i], &page), ERR_INVALID_ARGUMENT);
    assert_int_equal(announce(one, "aaaa", &page), OK);
    assert_int_equal(page.gateways.len, 1);
    assert_int_equal(count_heard(one, "gateway.changed", (struct id){ { 0 } }), before);
}

static void gateways_hear_of_one_another_and_of_a_store_s_end(void **state)
{
    struct pipe *three = pipe_open("gateway", "chat", "chat"), *another = pipe_open("store", "chat", "chat");
    struct gateway_page page;
    struct id none = { { 0 } };

    (void)state;
    assert_int_equal(announce(one, "aaaa", &page), OK);
    assert_int_equal(announce(three, "bbbb", &page), OK);
    assert_int_equal(page.gateways.len, 2);
    TURN_UNTIL(count_heard(one, "gateway.changed", none) == 2, PATIENCE_MS);
    assert_int_equal(announce(three, "bbbb", &page), OK);
    size_t before = count_heard(one, "room.recheck_due", none);
    pipe_close(&three);
    pipe_close(&another);
    TURN_UNTIL(count_heard(one, "gateway.changed", none) == 3, PATIENCE_MS);
    TURN_UNTIL(count_heard(one, "room.recheck_due", none) == before + 1, PATIENCE_MS);
    assert_int_equal(announce(one, "aaaa", &page), OK);
    assert_int_equal(page.gateways.len, 1);
}

static void what_a_store_doubts_every_gateway_hears(void **state)
{
    struct id none = { { 0 } };

    (void)state;
    assert_int_equal(ask(one, "room.recheck", "", nothing_shape(), NULL, nothing_shape(), NULL), ERR_FORBIDDEN);
    assert_int_equal(ask(store, "room.recheck", "", nothing_shape(), NULL, nothing_shape(), NULL), OK);
    TURN_UNTIL(count_heard(one, "room.recheck_due", none) == 1 && count_heard(two, "room.recheck_due", none) == 1,
        PATIENCE_MS);
    assert_int_equal(count_heard(store, "room.recheck_due", none), 0);
}

static void sql(const char *text)
{
    PGconn *db = PQconnectdb(pg_cluster_conninfo("chat"));
    PGresult *result = PQexec(db, text);

    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(db);
}

/* A room with so many members besides alice: too many for chat to remember them all. */
static struct id make_large_room(unsigned members)
{
    char text[300], id[ID_TEXT_BYTES + 1];
    struct id room = make_room(one, "alice", NULL);

    id_format(room, id);
    snprintf(text, sizeof text,
        "INSERT INTO chat.member SELECT '%s', 'member-' || i, 'member', now() FROM generate_series(1, %u) AS i", id,
        members);
    sql(text);
    return room;
}

static long resident_kib(const struct proc *p)
{
    char path[64], line[200];
    long kib = 0;

    snprintf(path, sizeof path, "/proc/%d/status", p->pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (kib == 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0) kib = strtol(line + 6, NULL, 10);
    fclose(file);
    return kib;
}

/* A chat that stands in the other's place, which has the rooms' slots for as long as it lives. */
static void replace_chat(const char *name, const char *setting)
{
    pipe_close(&one);
    pipe_close(&two);
    pipe_close(&store);
    party_stop(&chat);
    chat = party_start("chat", name, setting);
    one = pipe_open("gateway", "chat", name);
    two = pipe_open("gateway", "chat", name);
    store = pipe_open("store", "chat", name);
}

static int begin_small(void **state)
{
    (void)state;
    replace_chat("small", "MADANG_CHAT_MEMORY_BYTES=1048576");
    return 0;
}

static int end_small(void **state)
{
    (void)state;
    replace_chat("chat", NULL);
    return 0;
}

static void of_a_large_room_each_is_known_who_is_asked_for(void **state)
{
    struct id room = make_large_room(5000);
    struct access access;

    (void)state;
    for (int i = 0; i < 2; i++) { /* asked, and remembered */
        assert_int_equal(access_of(room, "alice", &access), OK);
        assert_true(str_is(access.role, "owner"));
        assert_int_equal(access_of(room, "member-5000", &access), OK);
        assert_true(str_is(access.role, "member"));
        assert_int_equal(access_of(room, "eve", &access), OK);
        assert_true(str_is(access.role, ""));
    }
    assert_int_equal(invite("alice", room, "eve"), OK);
    assert_int_equal(access_of(room, "eve", &access), OK);
    assert_true(str_is(access.role, "member"));
    assert_int_equal(take_out("alice", room, "member-5000"), OK);
    assert_int_equal(access_of(room, "member-5000", &access), OK);
    assert_true(str_is(access.role, ""));
    assert_int_equal(access_of(room, "alice", &access), OK);
    assert_true(str_is(access.role, "owner"));
}

static void many_large_rooms_take_no_more_memory_than_chat_has_for_rooms(void **state)
{
    struct access access;
    struct id rooms[25];

    (void)state;
    for (size_t i = 0; i < COUNT(rooms); i++) rooms[i] = make_large_room(10000);
    for (size_t i = 0; i < 8; i++) assert_int_equal(access_of(rooms[0], "alice", &access), OK); /* each worker warm */
    long before = resident_kib(&chat);
    for (size_t i = 0; i < COUNT(rooms); i++) {
        assert_int_equal(access_of(rooms[i], "member-1", &access), OK);
        assert_true(str_is(access.role, "member"));
    }
#if defined(__SANITIZE_ADDRESS__)
    (void)before; /* it keeps what was freed */
#else
    assert_in_range(resident_kib(&chat), 0, before + 16384);
#endif
}

static int begin(void **state)
{
    (void)state;
    party_begin();
    chat = party_start("chat", "chat", NULL);
    one = pipe_open("gateway", "chat", "chat");
    two = pipe_open("gateway", "chat", "chat");
    store = pipe_open("store", "chat", "chat");
    return 0;
}

static int end(void **state)
{
    (void)state;
    pipe_close(&one);
    pipe_close(&two);
    pipe_close(&store);
    return 0;
}

static int64_t used(const char *subject, const char *quota)
{
    struct pipe *authctl = pipe_open("authctl", "chat", "chat");
    struct usage_page page = { 0 };
    int64_t n = 0;

    assert_int_equal(ask(authctl, "room.usage", "admin", usage_query_shape(), &(struct usage_query){ str_of(subject) },
                         usage_page_shape(), &page),
        OK);
    for (size_t i = 0; i < page.usages.len; i++)
        if (str_is(page.usages.at[i].quota, quota)) n = page.usages.at[i].used;
    pipe_close(&authctl);
    return n;
}

static enum err create_within(const char *who, const char *quota, int64_t limit, struct str_list members)
{
    struct room_draft draft = { .name = STR("tea"), .members = members };
    struct quota_limit changed = { str_of(quota), limit };
    struct principal principal = { .sub = str_of(who), .kind = STR("token"), .quotas = { &changed, 1 } };
    struct answer a = { 0 };
    struct buf body = BUF(100000);

    assert_int_equal(wire_encode(room_draft_shape(), &draft, &body), OK);
    rpc_client_call(one->client,
        &(struct rpc_request){
            .method = "room.create", .safe = true, .budget_ms = 10000, .who = &principal, .body = buf_str(&body) },
        on_answer, &a);
    TURN_UNTIL(a.is_there, PATIENCE_MS);
    buf_free(&body);
    last_failure = a.failure;
    return a.status;
}

static void rooms_and_members_are_counted_for_who_makes_and_adds_them(void **state)
{
    struct str names[] = { STR("u1"), STR("u2"), STR("u3") };
    struct room_entered entered;

    (void)state;
    assert_int_equal(create_within("mia", "rooms", 2, (struct str_list){ names, 3 }), OK);
    assert_int_equal(create_within("mia", "rooms", 2, (struct str_list){ NULL, 0 }), OK);
    assert_int_equal(create_within("mia", "rooms", 2, (struct str_list){ NULL, 0 }), ERR_QUOTA_EXCEEDED);
    assert_true(str_is(last_failure.quota, "rooms"));
    assert_int_equal(last_failure.limit, 2);
    assert_int_equal(last_failure.used, 2);
    assert_int_equal(used("mia", "rooms"), 2);
    assert_int_equal(used("mia", "members"), 5);
    assert_int_equal(create_within("mia", "members", 8, (struct str_list){ names, 3 }), ERR_QUOTA_EXCEEDED);
    assert_true(str_is(last_failure.quota, "members"));
    assert_int_equal(used("mia", "rooms"), 2); /* what was refused is not counted */
    assert_int_equal(create_within("mia", "members", 9, (struct str_list){ names, 3 }), OK);

    struct room_draft open = { .name = STR("open"), .open = true };
    struct room room;
    assert_int_equal(ask(one, "room.create", "max", room_draft_shape(), &open, room_shape(), &room), OK);
    assert_int_equal(enter("nina", room.id, &entered), OK);
    assert_int_equal(enter("nina", room.id, &entered), OK);
    assert_int_equal(used("nina", "members"), 1);
    assert_int_equal(invite("max", room.id, "olga"), OK);
    assert_int_equal(used("max", "members"), 2);
    assert_int_equal(take_out("max", room.id, "nina"), OK); /* whom she added herself */
    assert_int_equal(used("nina", "members"), 0);
    assert_int_equal(take_out("olga", room.id, "olga"), OK);
    assert_int_equal(take_out("olga", room.id, "olga"), OK);
    assert_int_equal(used("max", "members"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_key_makes_one_room),
        cmocka_unit_test(one_s_rooms_come_newest_first_in_slices),
        cmocka_unit_test(a_closed_room_is_for_members),
        cmocka_unit_test_setup_teardown(of_a_large_room_each_is_known_who_is_asked_for, begin_small, end_small),
        cmocka_unit_test_setup_teardown(
            many_large_rooms_take_no_more_memory_than_chat_has_for_rooms, begin_small, end_small),
        cmocka_unit_test(a_member_is_one_person_however_the_name_is_typed),
        cmocka_unit_test(who_enters_an_open_room_is_a_member),
        cmocka_unit_test(a_change_is_remembered_and_told),
        cmocka_unit_test(a_room_of_any_size_is_read_in_portions),
        cmocka_unit_test(the_roles_in_many_rooms_come_in_one_answer),
        cmocka_unit_test(the_roles_of_many_in_their_rooms_come_in_one_answer),
        cmocka_unit_test(a_publication_reaches_each_listener_once),
        cmocka_unit_test(only_members_relay),
        cmocka_unit_test(rooms_and_members_are_counted_for_who_makes_and_adds_them),
        cmocka_unit_test(what_a_store_doubts_every_gateway_hears),
        cmocka_unit_test(a_gateway_that_says_it_is_nowhere_is_refused),
        cmocka_unit_test(gateways_hear_of_one_another_and_of_a_store_s_end),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
