/* admin.c - the /admin namespace: who may look, and what they see. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/interop/admin.h"

#include <inttypes.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/secret.h"
#include "libshared/wire/json.h"
#include "services/gateway/interop/admin_session.h"
#include "services/gateway/interop/admin_stats.h"
#include "services/gateway/interop/login.h"

#define TICK_S          1.0
#define TICKS_PER_STATS 2
#define SESSION_S       (24 * 3600)
#define STATS_BYTES_MAX 65536
#define CONFIG          "{\"supportedFeatures\":[\"AGGREGATED_EVENTS\"]}"

struct admin {
    struct ev_loop *loop;
    struct admin_view view;
    struct admin_stats stats;
    struct sio_namespace namespace;
    struct login *login;
    ev_timer tick;
    unsigned ticks;
    struct sio_socket **sockets; /* of those who look */
    size_t n, cap;
};

/* A password that is being checked. */
struct caller {
    struct admin *admin;
    struct sio_socket *socket;
    bool user_is_right;
};

static void refuse_login(struct sio_socket *socket)
{
    LOG_BOUNDED(WARN, "admin.refused", F_STR("address", sio_address(socket)));
    sio_refuse(socket, "invalid credentials", STR_NONE);
}

static void welcome_admin(struct admin *admin, struct sio_socket *socket)
{
    if (!sio_is_pending(socket)) return;
    admin->sockets = mem_one_more(admin->sockets, admin->n, &admin->cap, sizeof *admin->sockets);
    admin->sockets[admin->n++] = socket;
    sio_accept(socket);
    LOG(INFO, "admin.opened", F_STR("address", sio_address(socket)), F_TEXT("socket", sio_sid(socket)));
    sio_emit(socket, "config", STR(CONFIG));
}

static void give_session(const struct admin *admin, struct sio_socket *socket)
{
    char session[ADMIN_SESSION_MAX];
    struct buf json = BUF(ADMIN_SESSION_MAX + 2);

    admin_session_make(session, admin->view.user, admin->view.hash, clock_ms() / 1000 + SESSION_S);
    buf_printf(&json, "\"%s\"", session);
    sio_emit(socket, "session", buf_str(&json));
    buf_free(&json);
}

static void refuse_for_load(struct sio_socket *socket)
{
    struct buf data = BUF(200);

    buf_printf(&data, "{\"code\":\"%s\"}", err_code(ERR_OVERLOADED));
    sio_refuse(socket, err_text(ERR_OVERLOADED), buf_str(&data));
    buf_free(&data);
}

static void on_checked(void *arg, enum err e)
{
    struct caller *caller = arg;
    struct admin *admin = caller->admin;
    struct sio_socket *socket = caller->socket;

    if (e == OK && caller->user_is_right) {
        rates_give_back(admin->view.rates, RATE_admin, sio_address(socket));
        welcome_admin(admin, socket);
        give_session(admin, socket);
    } else if (e == ERR_OVERLOADED) {
        rates_give_back(admin->view.rates, RATE_admin, sio_address(socket));
        refuse_for_load(socket);
    } else {
        refuse_login(socket);
    }
    sio_socket_drop(socket);
    mem_free(caller);
}

static bool is_user(const struct admin *admin, struct str name)
{
    struct str want = str_of(admin->view.user);

    return name.len == want.len && secret_eq(name.at, want.at, want.len);
}

static void refuse_for_rate(struct sio_socket *socket, int64_t wait_ms)
{
    struct buf data = BUF(200);

    buf_printf(&data, "{\"code\":\"%s\",\"retry_after_ms\":%" PRId64 "}", err_code(ERR_RATE_LIMITED), wait_ms);
    sio_refuse(socket, "too many attempts, try again in a minute", buf_str(&data));
    buf_free(&data);
}

/* The password is checked for any user name: how long it takes tells nothing about the name. */
static void check_password(struct admin *admin, struct sio_socket *socket, struct str user, struct str password)
{
    int64_t wait_ms = rates_take(admin->view.rates, RATE_admin, sio_address(socket), clock_mono_us());

    if (wait_ms > 0) {
        refuse_for_rate(socket, wait_ms);
        return;
    }
    struct caller *caller = mem_alloc(sizeof *caller);
    *caller = (struct caller){ admin, sio_socket_take(socket), is_user(admin, user) };
    login_check(admin->login, sio_address(socket), password, on_checked, caller);
}

static struct str read_member(struct str auth, const char *name, struct arena *arena)
{
    struct str text;

    return json_find_text(auth, name, arena, &text) ? text : STR_NONE;
}

static void on_auth(struct admin *admin, struct sio_socket *socket, struct str auth, struct arena *arena)
{
    struct str session = read_member(auth, "sessionId", arena), user = read_member(auth, "username", arena),
               password = read_member(auth, "password", arena);

    if (session.len > 0 && admin_session_is_good(session, admin->view.user, admin->view.hash, clock_ms() / 1000))
        welcome_admin(admin, socket);
    else if (user.len > 0 && password.len > 0 && password.len <= LOGIN_PASSWORD_MAX)
        check_password(admin, socket, user, password);
    else
        refuse_login(socket);
}

static void on_connect(void *arg, struct sio_socket *socket, struct str auth)
{
    /* bound: three texts of the JSON, no longer than it */
    struct arena *arena = arena_create("admin", 3 * auth.len + 4096);

    on_auth(arg, socket, auth, arena);
    arena_destroy(&arena);
}

/* There is nothing that the page could ask for in this mode. */
static void on_admin_event(void *arg, struct sio_socket *socket, const struct sio_event *event)
{
    (void)arg, (void)socket, (void)event;
}

static void on_disconnected(void *arg, struct sio_socket *socket, const char *reason)
{
    struct admin *admin = arg;

    for (size_t i = 0; i < admin->n; i++)
        if (admin->sockets[i] == socket) admin->sockets[i--] = admin->sockets[--admin->n];
    LOG(INFO, "admin.closed", F_TEXT("socket", sio_sid(socket)), F_TEXT("reason", reason));
}

/* --- statistics --- */

static void send_stats(struct admin *admin)
{
    struct buf json = BUF(STATS_BYTES_MAX);

    admin_stats_print(&admin->stats, admin->n, &json);
    if (!json.over) {
        struct eio_packet *packet = sio_packet_event(STR(ADMIN_NAMESPACE), "server_stats", buf_str(&json));
        for (size_t i = 0; i < admin->n; i++)
            if (!sio_is_slow(admin->sockets[i])) sio_send(admin->sockets[i], packet);
        eio_packet_drop(packet);
    }
    buf_free(&json);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct admin *admin = timer->data;

    (void)loop, (void)events;
    admin_stats_note(&admin->stats, clock_ms() / 1000);
    if (++admin->ticks % TICKS_PER_STATS != 0) return;
    if (admin->n > 0) send_stats(admin);
    admin_stats_forget(&admin->stats);
}

/* --- its life --- */

struct admin *admin_create(struct ev_loop *loop, struct sio *sio, const struct admin_view *view)
{
    struct admin *admin = mem_zero(sizeof *admin);

    admin->loop = loop;
    admin->view = *view;
    admin->login = login_create(loop, view->hash);
    admin->namespace = (struct sio_namespace){ .name = ADMIN_NAMESPACE,
        .arg = admin,
        .connect = on_connect,
        .event = on_admin_event,
        .disconnected = on_disconnected };
    sio_add(sio, &admin->namespace);
    admin_stats_begin(&admin->stats, &admin->view);
    ev_timer_init(&admin->tick, on_tick, TICK_S, TICK_S);
    admin->tick.data = admin;
    ev_timer_start(loop, &admin->tick);
    return admin;
}

void admin_destroy(struct admin **admin)
{
    struct admin *a = *admin;

    if (a == NULL) return;
    ev_timer_stop(a->loop, &a->tick);
    login_destroy(&a->login);
    mem_free(a->sockets);
    admin_stats_end(&a->stats);
    mem_free(a);
    *admin = NULL;
}
