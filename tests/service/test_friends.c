/* test_friends.c - friends, blocks and rooms of two: all pairs of deeds in all orders against a model that has only what was decided, and what two
 * do at the same time. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "tests/service/party.h"

static struct proc chat;
static struct pipe *one, *another; /* gateways */

enum deed { ASK, ACCEPT, DECLINE, CANCEL, REMOVE, BLOCK, UNBLOCK, DEEDS };
static const char *const methods[] = { "friend.request", "friend.accept", "friend.decline", "friend.cancel",
    "friend.remove", "friend.block", "friend.unblock" };

/* What two are to each other: 0 and 1. */
struct model {
    bool asks[2], is_hidden[2], was_declined[2], blocks[2], friends;
};

static void model_befriend(struct model *m)
{
    m->friends = true;
    m->asks[0] = m->asks[1] = m->is_hidden[0] = m->is_hidden[1] = false;
}

static enum err model_ask(struct model *m, int self, int other)
{
    if (m->blocks[self]) return ERR_CONFLICT;
    if (m->friends) return OK;
    if (m->asks[other]) {
        model_befriend(m);
    } else {
        m->asks[self] = true;
        m->is_hidden[self] = m->was_declined[self];
    }
    return OK;
}

static enum err model_accept(struct model *m, int self, int other)
{
    if (m->blocks[self]) return ERR_CONFLICT;
    if (!m->friends && (!m->asks[other] || m->is_hidden[other])) return ERR_NOT_FOUND;
    model_befriend(m);
    return OK;
}

static enum err model_do(struct model *m, int self, enum deed deed)
{
    int other = 1 - self;

    if (m->friends && (deed == DECLINE || deed == CANCEL)) return ERR_CONFLICT;
    switch (deed) {
    case ASK: return model_ask(m, self, other);
    case ACCEPT: return model_accept(m, self, other);
    case DECLINE:
        if (m->asks[other] && !m->is_hidden[other]) m->is_hidden[other] = m->was_declined[other] = true;
        return OK;
    case CANCEL: m->asks[self] = m->is_hidden[self] = false; return OK;
    case REMOVE: m->friends = false; return OK;
    case BLOCK: m->blocks[self] = true; return OK;
    case UNBLOCK: m->blocks[self] = false; return OK;
    case DEEDS: break;
    }
    return ERR_INTERNAL;
}

static const char *model_sees(const struct model *m, int self)
{
    int other = 1 - self;

    if (m->blocks[self]) return "blocked";
    if (m->friends) return "friends";
    if (m->asks[self]) return "requested";
    return m->asks[other] && !m->is_hidden[other] ? "asked" : "none";
}

static int64_t model_holds(const struct model *m, int self)
{
    return (m->friends || m->asks[self]) + m->blocks[self];
}

/* --- two subjects, and what they do --- */

struct two {
    char name[2][24];
    struct model model;
};

static struct two meet(void)
{
    static unsigned met;
    struct two two = { .model = { .friends = false } };

    met++;
    snprintf(two.name[0], sizeof two.name[0], "%c-%u", met % 2 ? 'a' : 'z', met); /* either is the lower one */
    snprintf(two.name[1], sizeof two.name[1], "%c-%u", met % 2 ? 'z' : 'a', met);
    return two;
}

static void do_later(const struct two *who, int self, enum deed deed, struct pipe *by, struct answer *answer)
{
    struct friend_ref ref = { str_of(who->name[1 - self]) };

    ask_later(by, methods[deed], who->name[self], friend_ref_shape(), &ref, answer);
}

/* The answer is what the model says, and names nobody else. */
static void check_answer(struct two *who, int self, enum deed deed, const struct answer *answer)
{
    struct friend seen = { .since = 0 };
    enum err expected = model_do(&who->model, self, deed);

    if (answer->status != expected)
        fail_msg("%s of %s: %s, not %s", methods[deed], who->name[self], err_code(answer->status), err_code(expected));
    if (expected != OK) return;
    read_record(friend_shape(), answer->body, &seen);
    if (!str_is(seen.state, model_sees(&who->model, self)) || !str_is(seen.subject, who->name[1 - self]))
        fail_msg("%s of %s: %.*s, not %s", methods[deed], who->name[self], STR_ARG(seen.state),
            model_sees(&who->model, self));
    assert_int_equal(seen.since == 0, str_is(seen.state, "none"));
}

static void does(struct two *who, int self, enum deed deed)
{
    struct answer answer = { .is_there = false };

    do_later(who, self, deed, one, &answer);
    TURN_UNTIL(answer.is_there, PATIENCE_MS);
    check_answer(who, self, deed, &answer);
}

static struct friend_page list_of(const char *who, const char *state, const char *after, int64_t limit)
{
    struct friend_query query = { .state = str_of(state), .after = *after ? str_of(after) : STR_NONE, .limit = limit };
    struct friend_page page = { .next = STR_NONE };

    assert_int_equal(ask(one, "friend.list", who, friend_query_shape(), &query, friend_page_shape(), &page), OK);
    return page;
}

static int64_t used_by(const char *who)
{
    struct usage_page page;

    assert_int_equal(ask(one, "room.usage", "", usage_query_shape(), &(struct usage_query){ str_of(who) },
                         usage_page_shape(), &page),
        OK);
    for (size_t i = 0; i < page.usages.len; i++)
        if (str_is(page.usages.at[i].quota, "friends")) return page.usages.at[i].used;
    return 0;
}

/* Each list has the other exactly if it is the one, and each quota is what its subject holds. */
static void check_whole(const struct two *who)
{
    static const char *const states[] = { "friends", "requested", "asked", "blocked" };

    for (int self = 0; self < 2; self++) {
        for (size_t i = 0; i < COUNT(states); i++) {
            struct friend_page page = list_of(who->name[self], states[i], "", 10);
            assert_int_equal(page.friends.len, strcmp(states[i], model_sees(&who->model, self)) == 0);
        }
        assert_int_equal(used_by(who->name[self]), model_holds(&who->model, self));
    }
}

/* --- tests --- */

#define SIDES  (2 * DEEDS)
#define ORDERS (SIDES * SIDES * SIDES)

static void every_three_deeds_in_every_order_are_as_decided(void **state)
{
    static struct two pairs[SIDES];
    struct answer answers[SIDES];

    (void)state;
    for (int first = 0; first < SIDES * SIDES; first++) {
        for (int i = 0; i < SIDES; i++) pairs[i] = meet();
        for (int step = 0; step < 3; step++) {
            memset(answers, 0, sizeof answers);
            for (int i = 0; i < SIDES; i++) {
                int deed = step == 0 ? first / SIDES : step == 1 ? first % SIDES : i;
                do_later(&pairs[i], deed / DEEDS, (enum deed)(deed % DEEDS), i % 2 ? one : another, &answers[i]);
            }
            for (int i = 0; i < SIDES; i++) {
                int deed = step == 0 ? first / SIDES : step == 1 ? first % SIDES : i;
                TURN_UNTIL(answers[i].is_there, PATIENCE_MS);
                check_answer(&pairs[i], deed / DEEDS, (enum deed)(deed % DEEDS), &answers[i]);
            }
        }
    }
}

static unsigned next_of(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return *seed >> 16;
}

static void any_long_story_is_as_decided_with_its_lists_and_quotas(void **state)
{
    unsigned seed = 20261129;

    (void)state;
    for (int story = 0; story < 60; story++) {
        struct two who = meet();
        for (int i = 0; i < 12; i++) does(&who, (int)(next_of(&seed) % 2), (enum deed)(next_of(&seed) % DEEDS));
        check_whole(&who);
    }
}

struct sight {
    enum err status;
    char state[17];
};

static struct sight look_at(const struct answer *answer)
{
    struct sight sight = { .status = answer->status };
    struct friend seen;

    if (answer->status != OK) return sight;
    read_record(friend_shape(), answer->body, &seen);
    snprintf(sight.state, sizeof sight.state, "%.*s", STR_ARG(seen.state));
    return sight;
}

static struct sight sees_when(const struct two *who, int self, enum deed deed)
{
    struct answer answer = { .is_there = false };

    do_later(who, self, deed, one, &answer);
    TURN_UNTIL(answer.is_there, PATIENCE_MS);
    return look_at(&answer);
}

/* The story is told twice: as it was, and without what 0 did to block 1 or was refused meanwhile.  To 1 they are one. */
static void whoever_is_blocked_sees_no_difference(void **state)
{
    unsigned seed = 11292026;

    (void)state;
    for (int story = 0; story < 60; story++) {
        struct two with = meet(), without = meet();
        for (int i = 0; i < 14; i++) {
            int self = (int)(next_of(&seed) % 2);
            enum deed deed = (enum deed)(next_of(&seed) % DEEDS);
            struct sight sight = sees_when(&with, self, deed);
            if (self == 0 && (deed == BLOCK || deed == UNBLOCK || sight.status != OK)) continue;
            struct sight other = sees_when(&without, self, deed);
            if (self == 0) continue;
            assert_int_equal(sight.status, other.status);
            assert_string_equal(sight.state, other.state);
        }
        for (int i = 0; i < 4; i++) {
            static const char *const states[] = { "friends", "requested", "asked", "blocked" };
            assert_int_equal(list_of(with.name[1], states[i], "", 10).friends.len,
                list_of(without.name[1], states[i], "", 10).friends.len);
        }
        assert_int_equal(used_by(with.name[1]), used_by(without.name[1]));
    }
}

#define AT_ONCE 100

static void await_all(const struct answer *answers, size_t n)
{
    for (size_t i = 0; i < n; i++) TURN_UNTIL(answers[i].is_there, PATIENCE_MS);
}

static void who_ask_each_other_at_the_same_time_are_friends(void **state)
{
    static struct answer answers[AT_ONCE];
    struct two who = meet();

    (void)state;
    memset(answers, 0, sizeof answers);
    for (int i = 0; i < AT_ONCE; i++) do_later(&who, i % 2, ASK, i % 4 < 2 ? one : another, &answers[i]);
    await_all(answers, AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++) assert_int_equal(answers[i].status, OK);
    model_befriend(&who.model);
    check_whole(&who);
}

static void accept_beside_cancel_is_one_of_the_two(void **state)
{
    static struct answer answers[2 * AT_ONCE];
    struct two who[AT_ONCE];
    unsigned accepted = 0;

    (void)state;
    memset(answers, 0, sizeof answers);
    for (int i = 0; i < AT_ONCE; i++) {
        who[i] = meet();
        does(&who[i], 0, ASK);
    }
    for (int i = 0; i < AT_ONCE; i++) {
        do_later(&who[i], i % 2, i % 2 ? ACCEPT : CANCEL, one, &answers[2 * i]);
        do_later(&who[i], 1 - i % 2, i % 2 ? CANCEL : ACCEPT, another, &answers[2 * i + 1]);
    }
    await_all(answers, 2 * AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++) {
        const struct answer *cancel = &answers[2 * i + (i % 2)], *accept = &answers[2 * i + 1 - (i % 2)];
        if (accept->status == OK) {
            assert_int_equal(cancel->status, ERR_CONFLICT);
            model_befriend(&who[i].model);
            accepted++;
        } else {
            assert_int_equal(accept->status, ERR_NOT_FOUND);
            assert_int_equal(cancel->status, OK);
            who[i].model.asks[0] = false;
        }
        if (i % 10 == 0) check_whole(&who[i]);
    }
    print_message("%u of %d were accepted\n", accepted, AT_ONCE);
}

static void sql(const char *text)
{
    struct pg *pg = pg_create(pg_cluster_conninfo("chat"), "chat");

    assert_int_equal(pg_run(pg, party_arena, text, PG_NO_ARGS, NULL), OK);
    assert_int_equal(pg_commit(pg), OK);
    pg_destroy(&pg);
}

static void what_was_declined_is_seen_again_when_it_is_asked_again_after_its_time(void **state)
{
    struct two who = meet();

    (void)state;
    does(&who, 0, ASK);
    does(&who, 1, DECLINE);
    does(&who, 0, ASK);
    check_whole(&who);
    sql("UPDATE relation SET low_quiet_until = now() - interval '1 s' WHERE low_quiet_until IS NOT NULL");
    sql("UPDATE relation SET high_quiet_until = now() - interval '1 s' WHERE high_quiet_until IS NOT NULL");
    check_whole(&who); /* not by itself */
    who.model.was_declined[0] = false;
    does(&who, 0, ASK);
    check_whole(&who);
    assert_string_equal(model_sees(&who.model, 1), "asked");
}

static void one_s_friends_come_in_pages_however_many_of_them_are_blocked(void **state)
{
    struct friend_page page = { .next = STR("") };
    size_t n = 0;

    (void)state;
    sql("INSERT INTO relation (low, high, bond, since, low_blocks) SELECT 'mia', 'n-' || lpad(i::text, 5, '0'), "
        "'friends',"
        " now(), CASE WHEN i BETWEEN 100 AND 1100 THEN now() END FROM generate_series(1, 1300) AS i");
    sql("INSERT INTO relation (low, high, bond, since) SELECT 'b-' || lpad(i::text, 5, '0'), 'mia', 'friends', now()"
        " FROM generate_series(1, 150) AS i");
    for (char last[129] = ""; page.next.at != NULL; n += page.friends.len) {
        page = list_of("mia", "friends", last, 100);
        assert_true(page.friends.len == 0 || strcmp(last, arena_cstr(party_arena, page.friends.at[0].subject)) < 0);
        snprintf(last, sizeof last, "%.*s", STR_ARG(page.next));
    }
    assert_int_equal(n, 150 + 299);
    assert_int_equal(list_of("mia", "blocked", "", 200).friends.len, 200);
    assert_int_equal(list_of("n-00100", "friends", "", 200).friends.len, 1); /* who is blocked sees a friend */
}

/* --- rooms --- */

static enum err invite(const char *by, struct id room, const char *whom)
{
    struct str name = str_of(whom);
    struct room_invitation invitation = { room, { &name, 1 } };

    return ask(one, "room.invite", by, room_invitation_shape(), &invitation, room_shape(), NULL);
}

static bool is_member(struct id room, const char *by, const char *who)
{
    struct member_page page;

    assert_int_equal(ask(one, "member.list", by, member_query_shape(),
                         &(struct member_query){ .room = room, .limit = 200 }, member_page_shape(), &page),
        OK);
    for (size_t i = 0; i < page.members.len; i++)
        if (str_is(page.members.at[i].subject, who)) return true;
    return false;
}

static void whom_one_blocks_cannot_bring_one_into_a_room_and_is_not_told(void **state)
{
    struct two who = meet();
    const char *blocker = who.name[0], *other = who.name[1];
    struct id theirs = make_room(one, other, NULL), mine = make_room(one, blocker, NULL);

    (void)state;
    does(&who, 0, BLOCK);
    assert_int_equal(invite(other, theirs, blocker), OK);
    assert_false(is_member(theirs, other, blocker));
    assert_false(is_member(make_room(one, other, blocker), other, blocker));
    assert_int_equal(invite(blocker, mine, other), ERR_CONFLICT); /* one knows whom one blocks */
    assert_false(is_member(mine, blocker, other));
    does(&who, 0, UNBLOCK);
    assert_int_equal(invite(other, theirs, blocker), OK);
    assert_true(is_member(theirs, other, blocker));
    does(&who, 0, BLOCK);
    assert_true(is_member(theirs, other, blocker)); /* rooms that they share stay */
}

/* --- rooms of two --- */

static void direct_later(const struct two *who, int self, struct pipe *by, struct answer *answer)
{
    struct friend_ref ref = { str_of(who->name[1 - self]) };

    ask_later(by, "room.direct", who->name[self], friend_ref_shape(), &ref, answer);
}

static enum err direct(const struct two *who, int self, struct room *out)
{
    struct answer answer = { .is_there = false };

    direct_later(who, self, one, &answer);
    TURN_UNTIL(answer.is_there, PATIENCE_MS);
    if (answer.status == OK) read_record(room_shape(), answer.body, out);
    return answer.status;
}

/* How many of a subject's rooms are of two; `peer` of the newest. */
static size_t count_direct(const char *who, struct str *peer)
{
    struct room_page page;
    size_t n = 0;

    assert_int_equal(
        ask(one, "room.list", who, room_query_shape(), &(struct room_query){ .limit = 200 }, room_page_shape(), &page),
        OK);
    *peer = STR_NONE;
    for (size_t i = page.rooms.len; i-- > 0;) {
        if (page.rooms.at[i].peer.len == 0) continue;
        *peer = page.rooms.at[i].peer;
        n++;
    }
    return n;
}

static void two_have_one_room_whoever_asks_first_and_however_many_times_at_once(void **state)
{
    static struct answer answers[AT_ONCE];
    struct two who = meet();
    struct room first, room;
    struct str peer;

    (void)state;
    memset(answers, 0, sizeof answers);
    for (int i = 0; i < AT_ONCE; i++) direct_later(&who, i % 2, i % 4 < 2 ? one : another, &answers[i]);
    await_all(answers, AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++) {
        assert_int_equal(answers[i].status, OK);
        read_record(room_shape(), answers[i].body, i == 0 ? &first : &room);
        assert_true(i == 0 || id_eq(room.id, first.id));
        assert_true(i == 0 || str_is(room.peer, who.name[1 - i % 2]));
    }
    for (int self = 0; self < 2; self++) {
        assert_int_equal(count_direct(who.name[self], &peer), 1);
        assert_true(str_is(peer, who.name[1 - self]));
        assert_true(is_member(first.id, who.name[self], who.name[1 - self]));
    }
}

static enum err leave(const char *who, struct id room)
{
    return ask(
        one, "room.remove", who, room_removal_shape(), &(struct room_removal){ room, STR_NONE }, nothing_shape(), NULL);
}

static void nobody_else_comes_into_a_room_of_two_and_none_puts_the_other_out(void **state)
{
    struct two who = meet();
    struct room room, again;
    struct room_entered entered;

    (void)state;
    assert_int_equal(direct(&who, 0, &room), OK);
    for (int self = 0; self < 2; self++) {
        struct room_removal removal = { room.id, str_of(who.name[1 - self]) };
        assert_int_equal(invite(who.name[self], room.id, "a third"), ERR_FORBIDDEN);
        assert_int_equal(ask(one, "room.remove", who.name[self], room_removal_shape(), &removal, nothing_shape(), NULL),
            ERR_FORBIDDEN);
    }
    assert_int_equal(leave(who.name[0], room.id), OK);
    assert_int_equal(invite(who.name[1], room.id, "a third"), ERR_FORBIDDEN); /* who is left owns nothing */
    assert_int_equal(direct(&who, 1, &again), OK);
    assert_false(is_member(room.id, who.name[1], who.name[0])); /* who has left comes back by themselves */
    assert_int_equal(direct(&who, 0, &again), OK);
    assert_true(id_eq(again.id, room.id));
    struct room_entry entry = { .room = room.id, .since = -1 };
    assert_int_equal(
        ask(one, "room.enter", who.name[0], room_entry_shape(), &entry, room_entered_shape(), &entered), OK);
    assert_true(str_is(entered.role, "member"));
}

static void a_room_with_whom_one_blocks_is_not_shown_and_to_the_other_it_is_like_any(void **state)
{
    struct two before = meet(), after = meet();
    struct room room;
    struct str peer;

    (void)state;
    assert_int_equal(direct(&before, 1, &room), OK); /* the room, then the block */
    does(&before, 0, BLOCK);
    does(&after, 0, BLOCK); /* the block, then the room */
    assert_int_equal(direct(&after, 1, &room), OK);
    for (int i = 0; i < 2; i++) {
        const struct two *who = i == 0 ? &before : &after;
        assert_int_equal(count_direct(who->name[0], &peer), 0);
        assert_int_equal(count_direct(who->name[1], &peer), 1);
        assert_int_equal(direct(who, 1, &room), OK);
        assert_true(is_member(room.id, who->name[1], who->name[0]));
        assert_int_equal(direct(who, 0, &room), ERR_CONFLICT); /* one knows whom one blocks */
    }
    does(&after, 0, UNBLOCK);
    assert_int_equal(count_direct(after.name[0], &peer), 1);
}

static void nobody_is_their_own_friend_and_no_user_is_asked_who_is_not_there(void **state)
{
    const struct friend_ref self = { STR("leo") }, nobody = { STR("01A1FCFE-3DB8-7EFB-9C34-FC5B361312F6") };

    (void)state;
    for (int i = 0; i < DEEDS; i++)
        assert_int_equal(
            ask(one, methods[i], "leo", friend_ref_shape(), &self, friend_shape(), NULL), ERR_INVALID_ARGUMENT);
    assert_int_equal(
        ask(one, "friend.request", "leo", friend_ref_shape(), &nobody, friend_shape(), NULL), ERR_NOT_FOUND);
    sql("INSERT INTO directory (subject, state, nickname, generation) VALUES ('01a1fcfe-3db8-7efb-9c34-fc5b361312f6',"
        " 'active', 'nina', 0)");
    assert_int_equal(ask(one, "friend.request", "leo", friend_ref_shape(), &nobody, friend_shape(), NULL), OK);
    struct friend_page page = list_of("leo", "requested", "", 10);
    assert_int_equal(page.friends.len, 1);
    assert_int_equal(page.users.len, 1);
    assert_true(str_is(page.users.at[0].nickname, "nina"));
    struct friend_query bad = { .state = STR("none"), .limit = 10 };
    assert_int_equal(
        ask(one, "friend.list", "leo", friend_query_shape(), &bad, friend_page_shape(), NULL), ERR_INVALID_ARGUMENT);
}

int main(void)
{
    party_begin();
    chat = party_start("chat", "chat", NULL);
    one = pipe_open("gateway", "chat", "chat");
    another = pipe_open("gateway", "chat", "chat");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_three_deeds_in_every_order_are_as_decided),
        cmocka_unit_test(any_long_story_is_as_decided_with_its_lists_and_quotas),
        cmocka_unit_test(whoever_is_blocked_sees_no_difference),
        cmocka_unit_test(who_ask_each_other_at_the_same_time_are_friends),
        cmocka_unit_test(accept_beside_cancel_is_one_of_the_two),
        cmocka_unit_test(what_was_declined_is_seen_again_when_it_is_asked_again_after_its_time),
        cmocka_unit_test(one_s_friends_come_in_pages_however_many_of_them_are_blocked),
        cmocka_unit_test(whom_one_blocks_cannot_bring_one_into_a_room_and_is_not_told),
        cmocka_unit_test(two_have_one_room_whoever_asks_first_and_however_many_times_at_once),
        cmocka_unit_test(nobody_else_comes_into_a_room_of_two_and_none_puts_the_other_out),
        cmocka_unit_test(a_room_with_whom_one_blocks_is_not_shown_and_to_the_other_it_is_like_any),
        cmocka_unit_test(nobody_is_their_own_friend_and_no_user_is_asked_who_is_not_there),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    pipe_close(&one);
    pipe_close(&another);
    party_stop(&chat);
    return failed;
}
