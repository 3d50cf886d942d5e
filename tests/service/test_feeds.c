/* test_feeds.c - what consumers of the logs are handed: a batch has much of rooms in which few speak, and of others as much as there is place for. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/db/migrate.h"
#include "libshared/db/pg.h"
#include "services/store/feeds/feeds_private.h"
#include "tests/service/party.h"

enum { ROOMS = FEED_ROOMS_AT_ONCE, MESSAGES = 300, OF_EACH = FEED_VOICES_MAX / ROOMS };

static struct pg *pg;
static struct id_list rooms;

static void run(const char *sql, const struct pg_args *args)
{
    assert_int_equal(pg_run(pg, party_arena, sql, args, NULL), OK);
}

/* Each room has so many messages, of its speakers in turn. */
static void fill_log(int64_t speakers)
{
    for (size_t i = 0; i < ROOMS; i++) rooms.at[i] = id_new();
    const struct pg_args *args = PG_ARGS(pg_ids(party_arena, rooms), pg_int(MESSAGES), pg_int(speakers));
    run("INSERT INTO room_head (room_id, seq) SELECT room, $2 FROM unnest($1::uuid[]) AS r (room) WHERE $3::bigint > 0",
        args);
    run("INSERT INTO message (room_id, seq, id, sender, body, at) SELECT room, n, 'message ' || n, 'speaker ' || n % "
        "$3, '',"
        " now() FROM unnest($1::uuid[]) AS r (room), generate_series(1, $2::bigint) n",
        args);
    assert_int_equal(pg_commit(pg), OK);
}

static size_t voices_of(const struct feed_batch *batch, struct id room)
{
    size_t n = 0;

    for (size_t i = 0; i < batch->voices.len; i++) n += id_eq(batch->voices.at[i].room, room);
    return n;
}

/* All of it, and the consumer is there. */
static void take_batch(struct feed_news *news)
{
    struct feed_place_list places = { arena_alloc(party_arena, ROOMS * sizeof *places.at), 0 };

    assert_int_equal(feed_read(pg, party_arena, "activity", rooms, (struct id_list){ NULL, 0 }, news), OK);
    for (size_t i = 0; i < news->batch.spans.len; i++)
        places.at[places.len++] = (struct feed_place){ news->batch.spans.at[i].room, news->batch.spans.at[i].seq };
    assert_int_equal(feed_keep(pg, party_arena, "activity", places), OK);
    assert_int_equal(pg_commit(pg), OK);
}

static void what_few_said_in_many_rooms_is_one_batch(void **state)
{
    struct feed_news news;

    (void)state;
    fill_log(OF_EACH);
    take_batch(&news);
    assert_int_equal(news.batch.spans.len, ROOMS);
    assert_int_equal(news.batch.voices.len, ROOMS * OF_EACH);
    for (size_t i = 0; i < ROOMS; i++) {
        const struct feed_span *span = &news.batch.spans.at[i];
        assert_int_equal(span->after, 0);
        assert_int_equal(span->seq, MESSAGES);
        assert_int_equal(span->newest, MESSAGES);
        assert_false(news.is_cut[i]);
        assert_int_equal(voices_of(&news.batch, span->room), OF_EACH);
    }
    take_batch(&news);
    assert_int_equal(news.batch.spans.len, 0);
}

/* Nobody is left out: who spoke last in a batch has spoken up to its end, and the next one begins there. */
static void where_many_spoke_a_batch_has_as_many_messages_as_voices(void **state)
{
    struct feed_news news;
    int64_t at = 0;

    (void)state;
    fill_log(MESSAGES);
    for (; at < MESSAGES; at += OF_EACH) {
        take_batch(&news);
        assert_int_equal(news.batch.spans.len, ROOMS);
        assert_int_equal(news.batch.voices.len, ROOMS * OF_EACH);
        for (size_t i = 0; i < ROOMS; i++) {
            assert_int_equal(news.batch.spans.at[i].after, at);
            assert_int_equal(news.batch.spans.at[i].seq, at + OF_EACH);
            assert_int_equal(news.batch.spans.at[i].newest, at + OF_EACH);
            assert_int_equal(news.is_cut[i], at + OF_EACH < MESSAGES);
        }
        for (size_t i = 0; i < news.batch.voices.len; i++)
            assert_int_equal(news.batch.voices.at[i].seq, at + 1 + (int64_t)(i % OF_EACH));
    }
    assert_int_equal(at, MESSAGES);
    take_batch(&news);
    assert_int_equal(news.batch.spans.len, 0);
}

static void one_room_in_which_many_spoke_does_not_hold_up_the_batch(void **state)
{
    struct feed_news news;

    (void)state;
    fill_log(1);
    run("UPDATE message SET sender = 'another ' || seq WHERE room_id = $1", PG_ARGS(pg_id(rooms.at[7])));
    assert_int_equal(pg_commit(pg), OK);
    take_batch(&news);
    assert_int_equal(news.batch.spans.len, ROOMS);
    for (size_t i = 0; i < ROOMS; i++) {
        assert_int_equal(news.batch.spans.at[i].seq, OF_EACH);
        assert_int_equal(voices_of(&news.batch, rooms.at[i]), i == 7 ? OF_EACH : 1);
    }
}

static int begin(void **state)
{
    (void)state;
    party_begin();
    assert_int_equal(migrate_up(pg_cluster_conninfo("store"), "store", "migrations/store"), OK);
    pg = pg_create(pg_cluster_conninfo("store"), "store");
    rooms = (struct id_list){ arena_alloc(party_arena, ROOMS * sizeof *rooms.at), ROOMS };
    return 0;
}

static int end(void **state)
{
    (void)state;
    pg_destroy(&pg);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_few_said_in_many_rooms_is_one_batch),
        cmocka_unit_test(where_many_spoke_a_batch_has_as_many_messages_as_voices),
        cmocka_unit_test(one_room_in_which_many_spoke_does_not_hold_up_the_batch),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
