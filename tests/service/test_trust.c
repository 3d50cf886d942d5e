/* test_trust.c - two real auth processes on one database, and a gateway that watches both: each change reaches both. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/rpc/rpc_client.h"
#include "tests/lib/free_port.h"
#include "tests/service/pg_cluster.h"

#define PATIENCE_US 60000000 /* as party.h has it */
#define BUDGET_MS   30000

struct watcher {
    struct rpc_client *client;
    char endpoint[260];
    pid_t auth;
    struct arena *arena;
    struct trust trust; /* the newest page */
    struct trust_position at;
    int64_t version[3]; /* of the policies `mine`, `after` and chat-client, as heard last */
    struct str revoked; /* the last key that was */
    int64_t heard_us;
    int snapshots, changes, policies; /* policies: how often one came */
};

static struct ev_loop *loop;
static struct arena *arena;
static struct watcher watchers[2];
static char key_dir[240];

static const char *program(const char *name)
{
    static char path[300];

    snprintf(path, sizeof path, "%s/%s", getenv("BIN") ? getenv("BIN") : "build/bin", name);
    return path;
}

static pid_t spawn_auth(int i)
{
    int port = free_port();
    pid_t child = fork();

    if (child != 0) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(open("/dev/null", O_WRONLY), 1);
    char health[40];
    snprintf(health, sizeof health, "127.0.0.1:%d", port);
    setenv("MADANG_AUTH_BIND", watchers[i].endpoint, 1);
    setenv("MADANG_AUTH_DB", pg_cluster_conninfo("auth"), 1);
    setenv("MADANG_AUTH_HEALTH", health, 1);
    setenv("MADANG_KEY_DIR", key_dir, 1);
    execl(program("auth"), "auth", (char *)NULL);
    _exit(127);
}

static const char *const followed[] = { "mine", "after", "chat-client" };

static void follow(struct watcher *w, const struct policy *policy)
{
    for (size_t i = 0; i < COUNT(followed); i++)
        if (str_is(policy->name, followed[i])) w->version[i] = policy->version;
    w->policies++;
}

/* What is missing before a page is a gap. */
static void keep(struct watcher *w, struct str body)
{
    struct wire_error why = { 0 };

    assert_int_equal(wire_decode(trust_shape(), arena_str(w->arena, body), w->arena, &w->trust, &why), OK);
    assert_true(w->trust.since <= w->at.position);
    w->at = (struct trust_position){ w->trust.epoch, w->trust.position };
    for (size_t i = 0; i < w->trust.policies.len; i++) follow(w, &w->trust.policies.at[i]);
    for (size_t i = 0; i < w->trust.api_keys.len; i++)
        if (w->trust.api_keys.at[i].revoked) w->revoked = w->trust.api_keys.at[i].key;
    w->heard_us = clock_mono_us();
}

static void on_snapshot(void *arg, enum err status, struct str body)
{
    struct watcher *w = arg;

    if (status != OK) return;
    w->snapshots++;
    keep(w, body);
}

static void on_event(void *arg, const struct frame_event *head, struct str body)
{
    struct watcher *w = arg;

    assert_true(str_is(head->name, "trust.moved"));
    w->changes++;
    keep(w, body);
}

static void on_up(void *arg, struct id instance)
{
    struct watcher *w = arg;

    struct buf body = BUF(1000);

    (void)instance;
    assert_int_equal(wire_encode(trust_position_shape(), &w->at, &body), OK);
    rpc_client_call(w->client,
        &(struct rpc_request){
            .method = "trust.since", .safe = true, .budget_ms = BUDGET_MS, .trace = STR("t"), .body = buf_str(&body) },
        on_snapshot, w);
    buf_free(&body);
}

static void wake(struct ev_loop *l, ev_timer *timer, int events)
{
    (void)l;
    (void)timer;
    (void)events;
}

static bool until(bool (*is_so)(void))
{
    int64_t end_us = clock_mono_us() + PATIENCE_US;
    ev_timer tick;
    bool so;

    ev_timer_init(&tick, wake, 0.05, 0.05);
    ev_timer_start(loop, &tick);
    while (!(so = is_so()) && clock_mono_us() < end_us) ev_run(loop, EVRUN_ONCE);
    ev_timer_stop(loop, &tick);
    return so;
}

static bool both_have_a_snapshot(void)
{
    return watchers[0].snapshots > 0 && watchers[1].snapshots > 0;
}

static void watch(int i)
{
    struct watcher *w = &watchers[i];
    const struct rpc_client_config config = { .self = "gateway",
        .service = "auth",
        .endpoint = w->endpoint,
        .key_dir = key_dir,
        .pending_max = 10,
        .up = on_up,
        .event = on_event,
        .arg = w };

    w->arena = arena_create("watcher", 16u << 20);
    w->client = rpc_client_create(loop, &config);
}

static int start(void **state)
{
    (void)state;
    char command[1000];

    log_init("test", (enum log_level)(LOG_ERROR + 1));
    signal(SIGPIPE, SIG_IGN);
    pg_cluster_start();
    snprintf(key_dir, sizeof key_dir, "%s/keys", pg_cluster_dir);
    snprintf(command, sizeof command, "%s %s >/dev/null && mkdir %s/sock", program("keygen"), key_dir, pg_cluster_dir);
    assert_int_equal(system(command), 0);
    loop = ev_default_loop(EVFLAG_AUTO);
    arena = arena_create("test", 16u << 20);
    for (int i = 0; i < 2; i++) {
        snprintf(watchers[i].endpoint, sizeof watchers[i].endpoint, "ipc://%s/sock/auth-%d", pg_cluster_dir, i);
        watchers[i].auth = spawn_auth(i);
        watch(i);
    }
    return until(both_have_a_snapshot) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        rpc_client_destroy(&watchers[i].client);
        arena_destroy(&watchers[i].arena);
        kill(watchers[i].auth, SIGTERM);
        waitpid(watchers[i].auth, NULL, 0);
    }
    arena_destroy(&arena);
    pg_cluster_run("stop");
    return 0;
}

/* As authctl asks, the first of the two processes. */
static enum err ask(
    const char *method, const struct wire_shape *in, const void *req, const struct wire_shape *out, void *rep)
{
    const struct rpc_client_config config = {
        .self = "authctl", .service = "auth", .endpoint = watchers[0].endpoint, .key_dir = key_dir
    };
    struct buf body = BUF(65536);
    struct wire_error why = { 0 };
    struct str reply;

    assert_int_equal(wire_encode(in, req, &body), OK);
    enum err e = rpc_client_ask(&config,
        &(struct rpc_request){ .method = method, .budget_ms = BUDGET_MS, .trace = STR("t"), .body = buf_str(&body) },
        arena, &reply);
    if (e == OK) assert_int_equal(wire_decode(out, reply, arena, rep, &why), OK);
    buf_free(&body);
    return e;
}

static void a_snapshot_has_all_that_is_needed(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(watchers[i].trust.keys.len, 1); /* both processes started at once: still one first key */
        assert_true(watchers[i].trust.policies.len >= 3 && watchers[i].trust.since == 0 && !watchers[i].trust.more);
        assert_true(str_is(watchers[i].trust.issuer, "madang"));
    }
    assert_true(str_eq(watchers[0].trust.keys.at[0].kid, watchers[1].trust.keys.at[0].kid));
}

static struct key_issued key;

static bool both_know_the_revocation(void)
{
    for (int i = 0; i < 2; i++)
        if (!str_eq(watchers[i].revoked, key.id)) return false;
    return true;
}

static void a_revocation_reaches_watchers_of_every_process(void **state)
{
    (void)state;
    struct key_draft draft = { .name = STR("x"), .policy = STR("chat-client") };
    struct api_key revoked;

    assert_int_equal(ask("key.issue", key_draft_shape(), &draft, key_issued_shape(), &key), OK);
    assert_int_equal(ask("key.revoke", key_ref_shape(), &(struct key_ref){ key.id }, api_key_shape(), &revoked), OK);
    assert_true(until(both_know_the_revocation));
    assert_true(watchers[1].changes > 0);
}

static int seen[2];

static bool both_heard_again(void)
{
    return watchers[0].changes > seen[0] && watchers[1].changes > seen[1];
}

static void a_rotation_is_announced(void **state)
{
    (void)state;
    struct key_draft draft = { .name = STR("x"), .policy = STR("chat-client") };
    struct key_issued old, new;

    assert_int_equal(ask("key.issue", key_draft_shape(), &draft, key_issued_shape(), &old), OK);
    for (int i = 0; i < 2; i++) seen[i] = watchers[i].changes;
    assert_int_equal(
        ask("key.rotate", key_rotation_shape(), &(struct key_rotation){ old.id, 0 }, key_issued_shape(), &new), OK);
    assert_true(until(both_heard_again));
}

static bool both_have_the_last_policy(void)
{
    return watchers[0].version[0] == 20 && watchers[1].version[0] == 20;
}

static void of_many_changes_the_last_one_stays(void **state)
{
    (void)state;
    struct policy policy;

    for (int i = 0; i < 20; i++) {
        struct policy_rule rule = { .effect = i % 2 ? STR("deny") : STR("allow") };
        struct policy draft = { STR("mine"), 0, { &rule, 1 } };
        assert_int_equal(ask("policy.put", policy_shape(), &draft, policy_shape(), &policy), OK);
    }
    assert_int_equal(policy.version, 20);
    assert_true(until(both_have_the_last_policy));
}

/* A session of an administrator's, to be written to; it ends with pclose(). */
static FILE *open_psql(void)
{
    char command[400];

    snprintf(command, sizeof command, "psql -q -h %s -U madang_admin madang >/dev/null", pg_cluster_dir);
    FILE *psql = popen(command, "w");
    assert_non_null(psql);
    return psql;
}

/* Of the table of keys; -1: that is not known. */
static int count_locks(const char *condition)
{
    char command[400];
    int n = -1;

    snprintf(command, sizeof command,
        "psql -qtA -h %s -U madang_admin madang -c \"SELECT count(*) FROM pg_locks"
        " WHERE relation = 'auth.api_key'::regclass AND %s\"",
        pg_cluster_dir, condition);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    if (fscanf(out, "%d", &n) != 1) n = -1;
    pclose(out);
    return n;
}

static bool it_is_locked(void)
{
    return count_locks("granted AND mode = 'AccessExclusiveLock'") == 1;
}

static bool both_are_loading(void)
{
    return count_locks("NOT granted") >= 2;
}

static void put_mine(int64_t *version)
{
    struct policy_rule rule = { .effect = *version % 2 ? STR("deny") : STR("allow") };
    struct policy draft = { STR("mine"), 0, { &rule, 1 } }, policy;

    assert_int_equal(ask("policy.put", policy_shape(), &draft, policy_shape(), &policy), OK);
    *version = policy.version;
}

static int64_t newest;

static bool both_have_the_newest_policy(void)
{
    return watchers[0].version[0] == newest && watchers[1].version[0] == newest;
}

/* The load has read the policies, and stands at the table behind them, when they change again. */
static void a_change_during_a_load_is_loaded_too(void **state)
{
    (void)state;
    FILE *psql = open_psql();

    fputs("BEGIN; LOCK TABLE auth.api_key IN ACCESS EXCLUSIVE MODE;\n", psql);
    fflush(psql);
    assert_true(until(it_is_locked));
    newest = 20;
    put_mine(&newest);
    assert_true(until(both_are_loading));
    put_mine(&newest);
    assert_int_equal(newest, 22);
    pclose(psql);
    assert_true(until(both_have_the_newest_policy));
}

static bool listens_again(void)
{
    static int round;
    struct policy policy;
    /* A change of the other process is heard again only when the lost connection is back. */
    struct policy_rule rule = { .effect = round++ % 2 ? STR("deny") : STR("allow") };
    struct policy draft = { STR("after"), 0, { &rule, 1 } };
    int before = watchers[1].changes;
    if (round > 200 || ask("policy.put", policy_shape(), &draft, policy_shape(), &policy) != OK) return false;
    int64_t end_us = clock_mono_us() + 300000;
    while (watchers[1].changes == before && clock_mono_us() < end_us) ev_run(loop, EVRUN_NOWAIT);
    return watchers[1].version[1] == policy.version;
}

static void a_restarted_database_is_listened_to_again(void **state)
{
    (void)state;
    pg_cluster_run("restart");
    assert_true(until(listens_again));
}

static bool second_is_up_again(void)
{
    return watchers[1].snapshots > seen[1];
}

static bool second_is_where_the_first_is(void)
{
    return watchers[1].at.position == watchers[0].at.position;
}

static void a_restarted_process_is_watched_again(void **state)
{
    (void)state;
    assert_true(until(second_is_where_the_first_is));
    kill(watchers[1].auth, SIGKILL);
    waitpid(watchers[1].auth, NULL, 0);
    seen[1] = watchers[1].snapshots;
    watchers[1].auth = spawn_auth(1);
    assert_true(until(second_is_up_again));
    assert_int_equal(watchers[1].trust.since, watchers[1].at.position); /* it missed nothing, and got nothing */
    assert_int_equal(watchers[1].trust.policies.len + watchers[1].trust.api_keys.len, 0);
}

static bool first_knows_the_revocation(void)
{
    return str_eq(watchers[0].revoked, key.id);
}

static void whoever_was_away_gets_what_it_missed_and_nothing_else(void **state)
{
    (void)state;
    struct key_draft draft = { .name = STR("x"), .policy = STR("chat-client") };
    struct api_key revoked;

    assert_true(until(second_is_where_the_first_is));
    kill(watchers[1].auth, SIGKILL);
    waitpid(watchers[1].auth, NULL, 0);
    assert_int_equal(ask("key.issue", key_draft_shape(), &draft, key_issued_shape(), &key), OK);
    assert_int_equal(ask("key.revoke", key_ref_shape(), &(struct key_ref){ key.id }, api_key_shape(), &revoked), OK);
    assert_true(until(first_knows_the_revocation));
    seen[1] = watchers[1].snapshots;
    watchers[1].policies = 0;
    watchers[1].auth = spawn_auth(1);
    assert_true(until(second_is_up_again));
    assert_true(str_eq(watchers[1].revoked, key.id));
    assert_true(watchers[1].trust.api_keys.len == 1 && watchers[1].trust.since > 0 && watchers[1].policies == 0);
}

static bool both_know_the_end(void)
{
    for (int i = 0; i < 2; i++)
        if (watchers[i].trust.ended.len != 1 || !str_is(watchers[i].trust.ended.at[0].subject, "ada")) return false;
    return true;
}

static void a_logout_is_one_small_message_to_each(void **state)
{
    (void)state;
    struct nothing nothing;

    assert_true(until(second_is_where_the_first_is));
    for (int i = 0; i < 2; i++) seen[i] = watchers[i].changes;
    assert_int_equal(
        ask("subject.logout", subject_ref_shape(), &(struct subject_ref){ STR("ada") }, nothing_shape(), &nothing), OK);
    assert_true(until(both_know_the_end));
    for (int i = 0; i < 2; i++) {
        const struct trust *page = &watchers[i].trust;
        assert_int_equal(watchers[i].changes, seen[i] + 1);
        assert_int_equal(page->position, page->since + 1);
        assert_int_equal(page->policies.len + page->keys.len + page->api_keys.len + page->limits.len, 0);
        assert_true(page->ended.at[0].until > page->ended.at[0].ended_at);
    }
}

/* By hand, as a migration may: more than fits into one page, and a process of another epoch. */
static int all_pages;

static void on_all(void *arg, enum err status, struct str body)
{
    struct trust page;
    struct wire_error why;
    struct trust_position *at = arg;

    assert_int_equal(status, OK);
    assert_int_equal(wire_decode(trust_shape(), arena_str(arena, body), arena, &page, &why), OK);
    assert_int_equal(page.since, at->position);
    *at = (struct trust_position){ page.epoch, page.position };
    all_pages = page.more ? -1 : (int)page.ended.len;
}

static bool a_page_is_there(void)
{
    return all_pages != 0;
}

static int ask_page(struct trust_position *at)
{
    struct buf body = BUF(1000);

    all_pages = 0;
    assert_int_equal(wire_encode(trust_position_shape(), at, &body), OK);
    rpc_client_call(watchers[0].client,
        &(struct rpc_request){
            .method = "trust.since", .safe = true, .budget_ms = BUDGET_MS, .trace = STR("t"), .body = buf_str(&body) },
        on_all, at);
    buf_free(&body);
    assert_true(until(a_page_is_there));
    return all_pages;
}

static void a_long_way_comes_in_pages(void **state)
{
    (void)state;
    struct trust_position at = { .position = 0 };
    FILE *psql = open_psql();

    fputs("SELECT auth.trust_note('session', 's' || i, now(), now() + interval '1 hour') FROM generate_series(1, 2500) "
          "i;\n",
        psql);
    pclose(psql);
    assert_int_equal(ask_page(&at), -1);
    assert_int_equal(ask_page(&at), -1);
    assert_true(ask_page(&at) > 0);
    struct trust_position other = { id_new(), at.position };
    other.position = 0;
    assert_int_equal(ask_page(&other), -1); /* a position of another database is the beginning */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_has_all_that_is_needed),
        cmocka_unit_test(a_revocation_reaches_watchers_of_every_process),
        cmocka_unit_test(a_rotation_is_announced),
        cmocka_unit_test(of_many_changes_the_last_one_stays),
        cmocka_unit_test(a_change_during_a_load_is_loaded_too),
        cmocka_unit_test(a_restarted_database_is_listened_to_again),
        cmocka_unit_test(a_restarted_process_is_watched_again),
        cmocka_unit_test(whoever_was_away_gets_what_it_missed_and_nothing_else),
        cmocka_unit_test(a_logout_is_one_small_message_to_each),
        cmocka_unit_test(a_long_way_comes_in_pages),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
