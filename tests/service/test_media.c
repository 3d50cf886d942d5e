/* test_media.c - files on their way, piece by piece, through a real process with a real database and a directory. */
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <sys/resource.h>

#include "tests/service/party.h"

static struct proc share_process;
static struct pipe *share;

static enum err begin_upload(const char *owner, int64_t size, struct id *upload)
{
    struct upload_ref ref = { { { 0 } } };
    enum err e = ask(
        share, "upload.begin", owner, upload_draft_shape(), &(struct upload_draft){ size }, upload_ref_shape(), &ref);

    *upload = ref.upload;
    return e;
}

static enum err write_piece(const char *owner, struct id upload, int64_t at, const char *text)
{
    struct upload_piece piece = { upload, at, str_of(text) };

    return ask(share, "upload.write", owner, upload_piece_shape(), &piece, NULL, NULL);
}

static enum err drop(const char *owner, struct id upload)
{
    return ask(share, "upload.drop", owner, upload_ref_shape(), &(struct upload_ref){ upload }, NULL, NULL);
}

static enum err keep(const char *owner, struct id upload, struct media *media)
{
    struct media_draft draft = { upload, STR("a.txt") };

    return ask(share, "media.create", owner, media_draft_shape(), &draft, media_shape(), media);
}

static enum err open_media(const char *owner, struct id media, struct source *source)
{
    struct media_link link = { .media = media, .name = STR("x") };

    return ask(share, "media.open", owner, media_link_shape(), &link, source_shape(), source);
}

static size_t files(void)
{
    DIR *dir = opendir(party_path("media"));
    size_t n = 0;

    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

/* How much of a quota of share a subject has. */
static int64_t used(const char *subject, const char *quota)
{
    struct pipe *authctl = pipe_open("authctl", "share", "share");
    struct usage_page page = { 0 };
    int64_t n = 0;

    assert_int_equal(ask(authctl, "conversation.usage", "admin", usage_query_shape(),
                         &(struct usage_query){ str_of(subject) }, usage_page_shape(), &page),
        OK);
    pipe_close(&authctl);
    for (size_t i = 0; i < page.usages.len; i++)
        if (str_is(page.usages.at[i].quota, quota)) n = page.usages.at[i].used;
    return n;
}

static void pieces_become_a_file_that_is_read_in_pieces(void **state)
{
    struct id upload;
    struct media media;
    struct source source;
    struct source_bytes bytes;

    (void)state;
    assert_int_equal(begin_upload("ada", 10, &upload), OK);
    assert_int_equal(used("ada", "media_bytes"), 10);
    assert_int_equal(write_piece("ada", upload, 0, "hel"), OK);
    assert_int_equal(write_piece("ada", upload, 3, "lo"), OK);
    assert_int_equal(write_piece("ada", upload, 3, "lo"), OK); /* a connection was lost: it comes twice */
    assert_int_equal(write_piece("ada", upload, 0, "hel"), OK);
    assert_int_equal(keep("ada", upload, &media), OK);
    assert_int_equal(media.size, 5);
    assert_int_equal(used("ada", "media_bytes"), 5);
    assert_int_equal(open_media("ada", media.id, &source), OK);
    assert_int_equal(source.size, 5);
    struct source_range range = { source.source, 1, 4 };
    assert_int_equal(ask(share, "source.read", "ada", source_range_shape(), &range, source_bytes_shape(), &bytes), OK);
    assert_true(str_is(bytes.bytes, "ello"));
    range.size = 5;
    assert_int_equal(ask(share, "source.read", "ada", source_range_shape(), &range, NULL, NULL), ERR_NOT_FOUND);
    /* Who else may read it store knows, which is not here. */
    assert_int_equal(open_media("bo", media.id, &source), ERR_DEADLINE);
    assert_int_equal(open_media("bo", id_new(), &source), ERR_NOT_FOUND);
}

static void a_gap_fails_the_upload_and_nothing_stays(void **state)
{
    struct id upload;
    size_t before = files();

    (void)state;
    assert_int_equal(begin_upload("cy", 100, &upload), OK);
    assert_int_equal(write_piece("cy", upload, 1, "x"), ERR_CONFLICT);
    assert_int_equal(write_piece("cy", upload, 0, "x"), ERR_UNAVAILABLE);
    TURN_UNTIL(files() == before && used("cy", "media") == 0, PATIENCE_MS);
    assert_int_equal(used("cy", "media_bytes"), 0);
}

static void more_than_was_announced_is_too_large(void **state)
{
    struct id upload;
    size_t before = files();

    (void)state;
    assert_int_equal(begin_upload("cy", 3, &upload), OK);
    assert_int_equal(write_piece("cy", upload, 0, "abc"), OK);
    assert_int_equal(write_piece("cy", upload, 3, "d"), ERR_TOO_LARGE);
    TURN_UNTIL(files() == before && used("cy", "media") == 0, PATIENCE_MS);
    assert_int_equal(begin_upload("cy", (1 << 20) + 65537, &upload), ERR_TOO_LARGE);
    assert_int_equal(begin_upload("", 1, &upload), ERR_UNAUTHENTICATED);
}

static void another_s_upload_is_like_none(void **state)
{
    struct id upload;
    struct media media;

    (void)state;
    assert_int_equal(begin_upload("ada", 100, &upload), OK);
    assert_int_equal(write_piece("bo", upload, 0, "x"), ERR_UNAVAILABLE);
    assert_int_equal(drop("bo", upload), ERR_UNAVAILABLE);
    assert_int_equal(keep("bo", upload, &media), ERR_UNAVAILABLE);
    assert_int_equal(write_piece("ada", upload, 0, "ours"), OK);
    assert_int_equal(keep("ada", upload, &media), OK);
    assert_int_equal(keep("ada", upload, &media), ERR_UNAVAILABLE);
    assert_int_equal(write_piece("ada", upload, 4, "x"), ERR_UNAVAILABLE);
}

/* The process signs for a second. */
static void a_signed_url_is_over_after_its_time(void **state)
{
    static char signature[1024];
    struct signed_urls urls = { { NULL, 0 } };
    struct id upload;
    struct media media;

    (void)state;
    assert_int_equal(begin_upload("ada", 10, &upload), OK);
    assert_int_equal(keep("ada", upload, &media), OK);
    struct media_selection selection = { { &media.id, 1 } };
    assert_int_equal(
        ask(share, "media.sign", "ada", media_selection_shape(), &selection, signed_urls_shape(), &urls), OK);
    assert_int_equal(urls.urls.len, 1);
    struct str url = urls.urls.at[0].url;
    int64_t until_ms = urls.urls.at[0].expires_at;
    (void)str_cut(&url, '=');
    snprintf(signature, sizeof signature, "%.*s", STR_ARG(url));
    struct media_link link = { .media = media.id, .name = STR("x"), .signature = str_of(signature) };
    struct source source;
    TURN_UNTIL(
        ask(share, "media.open", "", media_link_shape(), &link, source_shape(), &source) == ERR_FORBIDDEN, PATIENCE_MS);
    assert_true(clock_ms() >= until_ms);
    link.signature = STR_NONE;
    assert_int_equal(
        ask(share, "media.open", "", media_link_shape(), &link, source_shape(), &source), ERR_UNAUTHENTICATED);
}

static void one_subject_has_an_eighth_of_the_places(void **state)
{
    static struct id uploads[129];
    struct id other;
    size_t before = files();

    (void)state;
    for (size_t i = 0; i < 128; i++) assert_int_equal(begin_upload("dora", 1, &uploads[i]), OK);
    assert_int_equal(begin_upload("dora", 1, &uploads[128]), ERR_OVERLOADED);
    assert_int_equal(begin_upload("ada", 1, &other), OK);
    assert_int_equal(drop("ada", other), OK);
    for (size_t i = 0; i < 128; i++) assert_int_equal(drop("dora", uploads[i]), OK);
    TURN_UNTIL(files() == before && used("dora", "media") == 0, PATIENCE_MS);
}

/* Eight have all places; who comes then takes one from whoever has most, and not from who has as many as itself. */
static void all_places_are_shared_out(void **state)
{
    static struct id uploads[8][128];
    char owner[8];
    struct id first, second, third;
    size_t before = files();

    (void)state;
    for (size_t i = 0; i < 8 * 128; i++) { /* a place is given back a moment after what was in it is gone */
        snprintf(owner, sizeof owner, "many-%zu", i / 128);
        TURN_UNTIL(begin_upload(owner, 1, &uploads[i / 128][i % 128]) == OK, PATIENCE_MS);
    }
    assert_int_equal(begin_upload("ada", 1, &first), OK);
    assert_int_equal(begin_upload("ada", 1, &second), OK);
    assert_int_equal(write_piece("ada", first, 0, "x"), OK);
    assert_int_equal(begin_upload("many-0", 1, &third), ERR_OVERLOADED);
    size_t gone = 0;
    for (size_t i = 0; i < 8; i++) {
        snprintf(owner, sizeof owner, "many-%zu", i);
        for (size_t n = 0; n < 128; n++) gone += drop(owner, uploads[i][n]) == ERR_UNAVAILABLE;
    }
    assert_int_equal(gone, 2);
    assert_int_equal(drop("ada", first), OK);
    assert_int_equal(drop("ada", second), OK);
    TURN_UNTIL(files() == before && used("many-0", "media") == 0 && used("many-7", "media") == 0, PATIENCE_MS);
}

/* A key makes as many subjects as it likes. */
static void subjects_of_one_address_give_way_to_another_one(void **state)
{
    static struct id uploads[1024];
    char owner[16];
    struct id ours;
    size_t before = files();

    (void)state;
    asks_from = "2001:db8::1";
    for (size_t i = 0; i < 1024; i++) {
        snprintf(owner, sizeof owner, "one-of-%zu", i);
        TURN_UNTIL(begin_upload(owner, 1, &uploads[i]) == OK, PATIENCE_MS);
    }
    asks_from = "2001:db8::2"; /* the same host */
    assert_int_equal(begin_upload("one-more", 1, &ours), ERR_OVERLOADED);
    asks_from = "192.0.2.1";
    assert_int_equal(begin_upload("ada", 1, &ours), OK);
    assert_int_equal(drop("ada", ours), OK);
    asks_from = "";
    size_t gone = 0;
    for (size_t i = 0; i < 1024; i++) {
        snprintf(owner, sizeof owner, "one-of-%zu", i);
        gone += drop(owner, uploads[i]) == ERR_UNAVAILABLE;
    }
    assert_int_equal(gone, 1);
    TURN_UNTIL(files() == before, PATIENCE_MS);
}

/* The same content, kept and deleted by two at once, many times: what is there is readable at each moment. */
static void one_content_comes_and_goes_without_being_lost(void **state)
{
    size_t before = files();
    struct media media[8];

    (void)state;
    for (int round = 0; round < 10; round++) {
        struct answer kept[8] = { 0 }, gone[8] = { 0 };
        for (size_t i = 0; i < 8; i++) {
            struct id upload;
            assert_int_equal(begin_upload("eve", 20, &upload), OK);
            assert_int_equal(write_piece("eve", upload, 0, "always the same"), OK);
            struct media_draft draft = { upload, STR("same") };
            ask_later(share, "media.create", "eve", media_draft_shape(), &draft, &kept[i]);
            if (i >= 4)
                ask_later(
                    share, "media.delete", "eve", media_ref_shape(), &(struct media_ref){ media[i - 4].id }, &gone[i]);
            if (i < 4) {
                TURN_UNTIL(kept[i].is_there, PATIENCE_MS);
                assert_int_equal(kept[i].status, OK);
                read_record(media_shape(), kept[i].body, &media[i]);
            }
        }
        for (size_t i = 4; i < 8; i++) {
            struct source source;
            struct source_bytes bytes;
            TURN_UNTIL(kept[i].is_there && gone[i].is_there, PATIENCE_MS);
            assert_int_equal(kept[i].status, OK);
            assert_int_equal(gone[i].status, OK);
            read_record(media_shape(), kept[i].body, &media[i]);
            assert_int_equal(open_media("eve", media[i].id, &source), OK);
            struct source_range range = { source.source, 0, 15 };
            assert_int_equal(
                ask(share, "source.read", "eve", source_range_shape(), &range, source_bytes_shape(), &bytes), OK);
            assert_true(str_is(bytes.bytes, "always the same"));
        }
        for (size_t i = 4; i < 8; i++)
            assert_int_equal(
                ask(share, "media.delete", "eve", media_ref_shape(), &(struct media_ref){ media[i].id }, NULL, NULL),
                OK);
        assert_int_equal(used("eve", "media"), 0);
        assert_int_equal(used("eve", "media_bytes"), 0);
    }
    TURN_UNTIL(files() == before, PATIENCE_MS); /* of what was there already, the second file goes behind the answer */
}

/* The last two of one content are deleted at once, by two: both are gone, and so is the content. */
static void the_last_two_of_one_content_go_together(void **state)
{
    static const char *const owners[] = { "ida", "jon" };
    size_t before = files();

    (void)state;
    for (int round = 0; round < 40; round++) {
        struct answer gone[2] = { 0 };
        struct media media[2];
        for (size_t i = 0; i < 2; i++) {
            struct id upload;
            assert_int_equal(begin_upload(owners[i], 20, &upload), OK);
            assert_int_equal(write_piece(owners[i], upload, 0, "of two"), OK);
            assert_int_equal(keep(owners[i], upload, &media[i]), OK);
        }
        for (size_t i = 0; i < 2; i++)
            ask_later(
                share, "media.delete", owners[i], media_ref_shape(), &(struct media_ref){ media[i].id }, &gone[i]);
        for (size_t i = 0; i < 2; i++) {
            TURN_UNTIL(gone[i].is_there, PATIENCE_MS);
            assert_int_equal(gone[i].status, OK);
        }
    }
    TURN_UNTIL(files() == before, PATIENCE_MS);
    assert_int_equal(used("ida", "media") + used("jon", "media"), 0);
}

/* Each worker has a connection of its own, and does not try again at once where one could not be opened. */
static void wait_for_every_worker(void)
{
    struct source none;

    for (int in_a_row = 0; in_a_row < 20;) {
        int64_t until = clock_ms() + 50;

        in_a_row = open_media("fay", id_new(), &none) == ERR_UNAVAILABLE ? 0 : in_a_row + 1;
        TURN_UNTIL(clock_ms() >= until, 1000);
    }
}

/* The database is away while an upload ends: it fails, and is cleared away when the database is back. */
static void a_lost_database_keeps_nothing_half(void **state)
{
    struct id upload;
    struct media media;
    size_t before = files();

    (void)state;
    assert_int_equal(begin_upload("fay", 100, &upload), OK);
    assert_int_equal(write_piece("fay", upload, 0, "something"), OK);
    pg_cluster_run("restart");
    enum err e = keep("fay", upload, &media);
    assert_true(e == OK || e == ERR_UNAVAILABLE);
    TURN_UNTIL(files() == before + (e == OK), PATIENCE_MS);
    assert_int_equal(used("fay", "media"), e == OK);
    wait_for_every_worker();
}

static void what_a_killed_process_left_the_next_one_collects(void **state)
{
    struct id upload, other;
    struct media media;
    struct source source;

    (void)state;
    assert_int_equal(begin_upload("gil", 100, &upload), OK);
    assert_int_equal(write_piece("gil", upload, 0, "kept"), OK);
    assert_int_equal(keep("gil", upload, &media), OK);
    size_t before = files();
    assert_int_equal(begin_upload("gil", 100, &other), OK);
    assert_int_equal(write_piece("gil", other, 0, "half of it"), OK);
    assert_int_equal(files(), before + 1);
    assert_int_equal(used("gil", "media"), 2);
    party_kill(&share_process);
    setenv("MADANG_SHARE_URL_S", "1", 1);
    share_process = party_start("share", "share", "MADANG_SHARE_MEDIA_BYTES=1048576");
    assert_int_equal(write_piece("gil", other, 10, "x"), ERR_UNAVAILABLE);
    assert_int_equal(files(), before);
    assert_int_equal(used("gil", "media"), 1);
    assert_int_equal(used("gil", "media_bytes"), 4);
    assert_int_equal(open_media("gil", media.id, &source), OK);
}

static void a_directory_has_one_process(void **state)
{
    (void)state;
    struct proc second = party_start("share", "second", NULL);
    int status;

    assert_int_equal(waitpid(second.pid, &status, 0), second.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

/* Others are kept for the database, gateways and health checks. */
static void files_on_their_way_have_half_of_the_descriptors(void **state)
{
    struct rlimit few = { 400, 400 };
    struct id uploads[26];

    (void)state;
    party_kill(&share_process);
    assert_int_equal(prlimit(0, RLIMIT_NOFILE, &few, NULL), 0);
    share_process = party_start("share", "share", NULL);
    for (size_t i = 0; i < 25; i++) assert_int_equal(begin_upload("kim", 1, &uploads[i]), OK);
    assert_int_equal(begin_upload("kim", 1, &uploads[25]), ERR_OVERLOADED);
}

static int begin(void **state)
{
    (void)state;
    party_begin();
    setenv("MADANG_SHARE_URL_S", "1", 1);
    share_process = party_start("share", "share", "MADANG_SHARE_MEDIA_BYTES=1048576");
    share = pipe_open("gateway", "share", "share");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_become_a_file_that_is_read_in_pieces),
        cmocka_unit_test(a_gap_fails_the_upload_and_nothing_stays),
        cmocka_unit_test(more_than_was_announced_is_too_large), cmocka_unit_test(another_s_upload_is_like_none),
        cmocka_unit_test(a_signed_url_is_over_after_its_time),
        cmocka_unit_test(one_subject_has_an_eighth_of_the_places), cmocka_unit_test(all_places_are_shared_out),
        cmocka_unit_test(subjects_of_one_address_give_way_to_another_one),
        cmocka_unit_test(one_content_comes_and_goes_without_being_lost),
        cmocka_unit_test(the_last_two_of_one_content_go_together), cmocka_unit_test(a_lost_database_keeps_nothing_half),
        cmocka_unit_test(what_a_killed_process_left_the_next_one_collects),
        cmocka_unit_test(a_directory_has_one_process),
        cmocka_unit_test(files_on_their_way_have_half_of_the_descriptors), /* it has the last word: they stay few */
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
