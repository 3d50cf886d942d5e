/* party.c - see party.h. */
// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>

#include "tests/service/party.h"

char party_dir[200], party_bin[PATH_MAX];
struct arena *party_arena;
struct ev_loop *party_loop(void)
{
    return ev_default_loop(0);
}

const char *party_path(const char *name)
{
    static char path[8][300];
    static unsigned turn;

    char *out = path[turn++ % 8];
    snprintf(out, sizeof path[0], "%s/%s", party_dir, name);
    return out;
}

/* build/tests/service/test_x -> build/bin */
static void find_programs(void)
{
    ssize_t n = readlink("/proc/self/exe", party_bin, sizeof party_bin - 8);

    party_bin[n < 0 ? 0 : n] = '\0';
    for (int i = 0; i < 3 && strrchr(party_bin, '/'); i++) *strrchr(party_bin, '/') = '\0';
    strcat(party_bin, "/bin");
}

static void end_party(void)
{
    char command[300];

    snprintf(command, sizeof command, "rm -rf '%s'", party_dir);
    if (party_dir[0] != '\0' && system(command) != 0) perror("rm");
    arena_destroy(&party_arena);
}

void party_begin(void)
{
    char command[PATH_MAX + 1000];

    log_init("test", LOG_ERROR);
    find_programs();
    pg_cluster_start();
    snprintf(party_dir, sizeof party_dir, "/tmp/madang-party.XXXXXX");
    assert_non_null(mkdtemp(party_dir));
    atexit(end_party);
    snprintf(command, sizeof command, "mkdir '%s/sock' '%s/media' && '%s/keygen' '%s/keys' >/dev/null", party_dir,
        party_dir, party_bin, party_dir);
    assert_int_equal(system(command), 0);
    party_arena = arena_create("party", 1u << 30);
}

static void set_for(const char *service, const char *what, const char *value)
{
    char name[64];

    snprintf(name, sizeof name, "MADANG_%s_%s", service, what);
    for (char *at = name; *at; at++) *at = (char)(*at >= 'a' && *at <= 'z' ? *at - 32 : *at);
    setenv(name, value, 1);
}

const char *socket_of(const char *name)
{
    static char url[4][300];
    static unsigned turn;

    char *out = url[turn++ % 4];
    snprintf(out, sizeof url[0], "ipc://%s/sock/%s", party_dir, name);
    return out;
}

static void become(const struct proc *p, const char *setting)
{
    char value[PATH_MAX + 32];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("MADANG_RUN_DIR", party_dir, 1);
    setenv("MADANG_KEY_DIR", party_path("keys"), 1);
    setenv("MADANG_LOG_LEVEL", getenv("PARTY_LOG") ? getenv("PARTY_LOG") : "error", 1);
    setenv("MADANG_CHAT_URL", socket_of("chat"), 1);
    set_for(p->service, "bind", socket_of(p->name));
    snprintf(value, sizeof value, "127.0.0.1:%d", p->port);
    set_for(p->service, "health", value);
    set_for(p->service, "db", pg_cluster_conninfo(p->service));
    setenv("MADANG_SHARE_MEDIA_DIR", party_path("media"), 1);
    if (setting != NULL) putenv((char *)(uintptr_t)setting);
    snprintf(value, sizeof value, "%s/%s", party_bin, p->service);
    execl(value, p->service, (char *)NULL);
    _exit(127);
}

struct proc party_start(const char *service, const char *name, const char *setting)
{
    struct proc p = { .port = free_port() };

    snprintf(p.service, sizeof p.service, "%s", service);
    snprintf(p.name, sizeof p.name, "%s", name);
    p.pid = fork();
    assert_true(p.pid >= 0);
    if (p.pid == 0) become(&p, setting);
    return p;
}

void party_pause(const struct proc *p)
{
    int status = 0;

    kill(p->pid, SIGSTOP);
    assert_int_equal(waitpid(p->pid, &status, WUNTRACED), p->pid);
    assert_true(WIFSTOPPED(status));
}

void party_resume(const struct proc *p)
{
    kill(p->pid, SIGCONT);
}

void party_kill(struct proc *p)
{
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
}

int party_stop(struct proc *p)
{
    int64_t until = clock_ms() + STOP_MS;
    int status = -1;

    kill(p->pid, SIGTERM);
    party_resume(p);
    while (waitpid(p->pid, &status, WNOHANG) == 0) {
        if (clock_ms() > until) kill(p->pid, SIGKILL);
        usleep(5000);
    }
    return status;
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)timer, (void)events;
}

void party_turn(void)
{
    ev_timer tick;

    ev_timer_init(&tick, on_tick, 0.005, 0.);
    ev_timer_start(party_loop(), &tick);
    ev_run(party_loop(), EVRUN_ONCE);
    ev_timer_stop(party_loop(), &tick);
}

/* --- pipes --- */

static void pipe_is_up(void *arg, struct id instance)
{
    struct pipe *p = arg;

    (void)instance;
    p->is_up = true;
    p->ups++;
}

static void pipe_is_down(void *arg, bool told)
{
    (void)told;
    ((struct pipe *)arg)->is_up = false;
}

static void pipe_hears(void *arg, const struct frame_event *head, struct str body)
{
    struct pipe *p = arg;
    struct heard *h = &p->heard[p->n_heard];

    assert_true(p->n_heard < MAX_HEARD);
    *h = (struct heard){ .stream = head->stream, .seq = head->seq, .body = arena_str(party_arena, body) };
    snprintf(h->name, sizeof h->name, "%.*s", STR_ARG(head->name));
    p->n_heard++;
}

struct pipe *pipe_open(const char *self, const char *service, const char *name)
{
    struct pipe *p = mem_zero(sizeof *p);
    char *endpoint = arena_cstr(party_arena, str_of(socket_of(name)));

    p->client = rpc_client_create(party_loop(), &(struct rpc_client_config){ .self = self,
                                                    .service = service,
                                                    .endpoint = endpoint,
                                                    .key_dir = arena_cstr(party_arena, str_of(party_path("keys"))),
                                                    .pending_max = 100000,
                                                    .up = pipe_is_up,
                                                    .down = pipe_is_down,
                                                    .event = pipe_hears,
                                                    .arg = p });
    TURN_UNTIL(p->is_up, PATIENCE_MS);
    return p;
}

void pipe_close(struct pipe **p)
{
    rpc_client_destroy(&(*p)->client);
    mem_free(*p);
    *p = NULL;
}

void on_answer(void *arg, enum err status, struct str body)
{
    struct answer *a = arg;

    a->is_there = true;
    a->status = status;
    a->body = arena_str(party_arena, body);
    if (status != OK) rpc_failure_read(a->body, party_arena, &a->failure);
}

const char *asks_from = "";
void ask_later(struct pipe *p, const char *method, const char *user, const struct wire_shape *shape, const void *rec,
    struct answer *answer)
{
    struct buf body = BUF(8u << 20);
    struct principal who = { .sub = str_of(user), .kind = STR("token"), .address = str_of(asks_from) };

    assert_int_equal(wire_encode(shape, rec, &body), OK);
    rpc_client_call(p->client,
        &(struct rpc_request){
            .method = method, .safe = true, .budget_ms = BUDGET_MS, .who = &who, .body = buf_str(&body) },
        on_answer, answer);
    buf_free(&body);
}

void read_record(const struct wire_shape *shape, struct str body, void *out)
{
    struct wire_error why = { 0 };

    assert_int_equal(wire_decode(shape, body, party_arena, out, &why), OK);
}

struct failure last_failure;
enum err ask(struct pipe *p, const char *method, const char *user, const struct wire_shape *shape, const void *rec,
    const struct wire_shape *reply_shape, void *reply)
{
    struct answer a = { 0 };

    ask_later(p, method, user, shape, rec, &a);
    TURN_UNTIL(a.is_there, PATIENCE_MS);
    if (a.status == OK && reply != NULL) read_record(reply_shape, a.body, reply);
    last_failure = a.failure;
    if (getenv("PARTY_DEBUG") && a.status != OK) printf("# %s: %.*s\n", method, STR_ARG(a.failure.message));
    return a.status;
}

/* --- what most tests begin with --- */

struct id make_room(struct pipe *chat, const char *owner, const char *member)
{
    struct str name = str_of(member);
    struct room_draft draft = { .name = STR("tea"), .members = { &name, member != NULL } };
    struct room room;

    assert_int_equal(ask(chat, "room.create", owner, room_draft_shape(), &draft, room_shape(), &room), OK);
    return room.id;
}

enum err append(
    struct pipe *store, struct id room, const char *sender, const char *id, const char *body, struct receipt *receipt)
{
    struct message_draft draft = { .room = room, .id = str_of(id), .body = str_of(body) };

    return ask(store, "message.append", sender, message_draft_shape(), &draft, receipt_shape(), receipt);
}
