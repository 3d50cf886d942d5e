/* test_media.c - files on their way, piece by piece, through a real process with a real database and a directory. */
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>

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
    struct media_link link = { media, STR("x") };

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
    assert_int_equal(open_media("bo", media.id, &source), ERR_NOT_FOUND);
}

static void a_gap_fails_the_upload_and_nothing_stays(void **state)
{
    struct id upload;
    size_t before = files();

    (void)state;
    assert_int_equal(begin_upload("cy", 100, &upload), OK);
    assert_int_equal(write_piece("cy", upload, 1, "x"), ERR_CONFLICT);
    assert_int_equal(write_piece("cy", upload, 0, "x"), ERR_UNAVAILABLE);
    TURN_UNTIL(files() == before && used("cy", "media") == 0, 5000);
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
    TURN_UNTIL(files() == before && used("cy", "media") == 0, 5000);
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
    TURN_UNTIL(files() == before && used("dora", "media") == 0, 10000);
}

/* The same content, kept and deleted by two at once, many times: what is there is readable at each moment. */
static void one_content_comes_and_goes_without_being_lost(void **state)
{
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
                TURN_UNTIL(kept[i].is_there, 15000);
                assert_int_equal(kept[i].status, OK);
                read_record(media_shape(), kept[i].body, &media[i]);
            }
        }
        for (size_t i = 4; i < 8; i++) {
            struct source source;
            struct source_bytes bytes;
            TURN_UNTIL(kept[i].is_there && gone[i].is_there, 15000);
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
            TURN_UNTIL(gone[i].is_there, 15000);
            assert_int_equal(gone[i].status, OK);
        }
    }
    TURN_UNTIL(files() == before, 5000);
    assert_int_equal(used("ida", "media") + used("jon", "media"), 0);
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
    TURN_UNTIL(files() == before + (e == OK), 10000);
    assert_int_equal(used("fay", "media"), e == OK);
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

static int begin(void **state)
{
    (void)state;
    party_begin();
    share_process = party_start("share", "share", "MADANG_SHARE_MEDIA_BYTES=1048576");
    share = pipe_open("gateway", "share", "share");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_become_a_file_that_is_read_in_pieces),
        cmocka_unit_test(a_gap_fails_the_upload_and_nothing_stays),
        cmocka_unit_test(more_than_was_announced_is_too_large),
        cmocka_unit_test(another_s_upload_is_like_none),
        cmocka_unit_test(one_subject_has_an_eighth_of_the_places),
        cmocka_unit_test(one_content_comes_and_goes_without_being_lost),
        cmocka_unit_test(the_last_two_of_one_content_go_together),
        cmocka_unit_test(a_lost_database_keeps_nothing_half),
        cmocka_unit_test(what_a_killed_process_left_the_next_one_collects),
        cmocka_unit_test(a_directory_has_one_process),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
