/* fixture.c - see fixture.h. */
// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "tests/unit/rpc/fixture.h"

struct fixture fx;

/* --- keys --- */

static void write_key(const char *path, const char *name, const char *public_key, const char *secret_key)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "metadata\n    name = \"%s\"\ncurve\n    public-key = \"%s\"\n", name, public_key);
    if (secret_key != NULL) fprintf(file, "    secret-key = \"%s\"\n", secret_key);
    fclose(file);
    chmod(path, 0600);
}

static void make_key(const char *name, bool known)
{
    char public_key[41], secret_key[41], path[200];
    assert_int_equal(zmq_curve_keypair(public_key, secret_key), 0);
    snprintf(path, sizeof path, "%s/%s.key_secret", fx.keys, name);
    write_key(path, name, public_key, secret_key);
    snprintf(path, sizeof path, "%s/peers/%s.key", fx.keys, name);
    if (known) write_key(path, name, public_key, NULL);
}

int fixture_begin(void **state)
{
    (void)state;
    strcpy(fx.dir, "/tmp/madang-rpc-XXXXXX");
    assert_non_null(mkdtemp(fx.dir));
    snprintf(fx.keys, sizeof fx.keys, "%s/keys", fx.dir);
    snprintf(fx.endpoint, sizeof fx.endpoint, "ipc://%s/store", fx.dir);
    mkdir(fx.keys, 0700);
    char peers[120];
    snprintf(peers, sizeof peers, "%s/peers", fx.keys);
    mkdir(peers, 0700);
    make_key("store", true);
    make_key("gateway", true);
    make_key("chat", true);
    make_key("operator", true);
    make_key("stranger", false);
    fx.loop = ev_loop_new(EVFLAG_AUTO);
    log_init("test", getenv("TEST_LOG") != NULL ? LOG_DEBUG : LOG_ERROR);
    return 0;
}

int fixture_end(void **state)
{
    (void)state;
    char command[100];
    ev_loop_destroy(fx.loop);
    snprintf(command, sizeof command, "rm -rf '%s'", fx.dir);
    return system(command);
}

/* --- turning the loop --- */

static void on_turn_end(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)timer, (void)revents;
    ev_break(loop, EVBREAK_ONE);
}

void turn_for(int ms)
{
    ev_timer timer;
    ev_timer_init(&timer, on_turn_end, ms / 1000., 0.);
    ev_now_update(fx.loop);
    ev_timer_start(fx.loop, &timer);
    ev_run(fx.loop, 0);
    ev_timer_stop(fx.loop, &timer);
}

/* --- a client that remembers what it heard --- */

int heard_order;
void on_heard(void *arg, enum err status, struct str body)
{
    struct rpc_outcome *heard = arg;
    struct arena *arena = arena_create("test", 1u << 20);
    assert_int_equal(heard->order, 0); /* exactly once */
    heard->order = ++heard_order;
    heard->status = status;
    struct wire_error why = { .field = "" };
    struct room_ref ref;
    struct failure failure;
    if (status == OK && wire_decode(room_ref_shape(), body, arena, &ref, &why) == OK) heard->room = ref.room;
    if (status != OK) {
        assert_true(body.len > 0);
        rpc_failure_read(body, arena, &failure);
        heard->retry_after_ms = failure.retry_after_ms;
        snprintf(heard->code, sizeof heard->code, "%.*s", STR_ARG(failure.code));
        snprintf(heard->message, sizeof heard->message, "%.*s", STR_ARG(failure.message));
    }
    arena_destroy(&arena);
}

void on_up(void *arg, struct id instance)
{
    struct probe *probe = arg;
    probe->ups++;
    probe->instance = instance;
}

static void on_down(void *arg, bool told)
{
    struct probe *probe = arg;
    probe->downs++;
    probe->tolds += told;
}

void on_event(void *arg, const struct frame_event *head, struct str body)
{
    struct probe *probe = arg;
    (void)body;
    probe->events++;
    snprintf(probe->last_event, sizeof probe->last_event, "%.*s", STR_ARG(head->name));
    if (str_is(head->name, "resync")) {
        probe->resynced = true;
        return;
    }
    if (probe->first_gap == 0 && head->seq != probe->last_seq + 1) probe->first_gap = head->seq;
    probe->last_seq = head->seq;
}

void probe_open(struct probe *probe, const char *self, size_t pending_max)
{
    memset(probe, 0, sizeof *probe);
    struct rpc_client_config config = {
        .self = self,
        .service = "store",
        .endpoint = fx.endpoint,
        .key_dir = fx.keys,
        .budget_ms = 5000,
        .pending_max = pending_max,
        .up = on_up,
        .down = on_down,
        .event = on_event,
        .arg = probe,
    };
    probe->client = rpc_client_create(fx.loop, &config);
}

struct str room_bytes(struct id room, char out[64])
{
    struct buf buf = BUF(64);
    assert_int_equal(wire_encode(room_ref_shape(), &(struct room_ref){ room }, &buf), OK);
    memcpy(out, buf.at, buf.len);
    struct str bytes = { out, buf.len };
    buf_free(&buf);
    return bytes;
}

void probe_ask_for(struct probe *probe, const struct principal *who, const char *method, bool safe, int64_t budget_ms,
    struct id room, struct rpc_outcome *heard)
{
    char bytes[64];
    memset(heard, 0, sizeof *heard);
    rpc_client_call(probe->client,
        &(struct rpc_request){ .method = method,
            .safe = safe,
            .budget_ms = budget_ms,
            .trace = STR("t-1"),
            .who = who,
            .body = room_bytes(room, bytes) },
        on_heard, heard);
    assert_int_equal(heard->order, 0); /* never from within the call */
}

void probe_ask_as(struct probe *probe, const char *subject, const char *method, bool safe, int64_t budget_ms,
    struct id room, struct rpc_outcome *heard)
{
    struct principal who = { .sub = str_of(subject), .kind = STR("token") };
    probe_ask_for(probe, &who, method, safe, budget_ms, room, heard);
}

void probe_ask(
    struct probe *probe, const char *method, bool safe, int64_t budget_ms, struct id room, struct rpc_outcome *heard)
{
    probe_ask_as(probe, "alice", method, safe, budget_ms, room, heard);
}

struct rpc_server_config server_config(const struct rpc_method *methods, size_t n, unsigned workers)
{
    return (struct rpc_server_config){
        .service = "store",
        .endpoints = fx.endpoint,
        .key_dir = fx.keys,
        .methods = methods,
        .n_methods = n,
        .workers = workers,
        .queue_max = 16, /* four of one subject */
        .later_max = 3,
        .event_hwm = 1000,
    };
}
