/* transport.c - TCP and TLS connections on libwebsockets' raw role, on our libev loop. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/transport.h"

#include "libshared/base/arena.h"
#include "libshared/base/log.h"
#include "libshared/http/tls/tls.h"

#include <assert.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* One read.  A TLS record is at most 16 KiB; larger reads help plain uploads. */
#define READ_BYTES        65536
/* TLS has to be up, and the first bytes there, in this time. */
#define ESTABLISH_SECONDS 10

/* So few connections are looked for in a list.  Of more the library has a table by descriptor, as long as ulimit allows. */
#define FEW_CONNECTIONS 128
/* What the library and its loop have open besides. */
#define OWN_DESCRIPTORS 16

struct transport {
    struct transport_upper upper;
    struct lws_context *context;
    struct lws_vhost *plain, *tls;
    struct tls *tls_setup;
    struct conn *adopting; /* its `gone` is left out: transport_adopt() says it */
    bool adopt_failed;
};

static struct transport *transport_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

static void note_closed(struct transport *t, struct conn *conn)
{
    if (conn == NULL) return;
    if (conn == t->adopting)
        t->adopt_failed = true;
    else
        t->upper.gone(conn);
}

static int on_lws_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    (void)len;
    switch ((int)reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        tls_configure(user, transport_of(wsi)->tls_setup);
        return 0;
    case LWS_CALLBACK_RAW_RX: transport_of(wsi)->upper.bytes(lws_get_opaque_user_data(wsi), in, len); return 0;
    case LWS_CALLBACK_RAW_WRITEABLE: transport_of(wsi)->upper.writable(lws_get_opaque_user_data(wsi)); return 0;
    case LWS_CALLBACK_RAW_CLOSE:
        note_closed(transport_of(wsi), lws_get_opaque_user_data(wsi));
        lws_set_opaque_user_data(wsi, NULL);
        return 0;
    default: return 0;
    }
}

static const struct lws_protocols protocols[] = {
    { .name = "madang", .callback = on_lws_event, .rx_buffer_size = READ_BYTES, .tx_packet_size = TRANSPORT_WRITE_MAX },
    { .name = NULL },
};

static void log_line(int level, const char *line)
{
    struct str text = str_of(line);
    while (text.len > 0 && (text.at[text.len - 1] == '\n' || text.at[text.len - 1] == ' ')) text.len--;
    if (level == LLL_ERR) LOG_BOUNDED(WARN, "listener.lws", F_STR("text", text));
}

static void exit_no_tls(const char *what, const char *why)
{
    fprintf(stderr, "madang: %s: %s\n", what, why);
    exit(2);
}

static struct lws_vhost *make_vhost(struct transport *t, const char *name, bool tls)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .vhost_name = name,
        .alpn = "http/1.1",
    };
    /* No client is asked for a certificate, so nobody's authorities are wanted: the library would load them all.  Our own
     * certificates are chosen at each handshake: the library has none. */
    if (tls)
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS |
                       LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
    struct lws_vhost *vhost = lws_create_vhost(t->context, &info);
    if (vhost == NULL) exit_no_tls(name, "libwebsockets cannot set it up");
    return vhost;
}

static struct lws_context *make_context(struct transport *t, struct ev_loop *loop, size_t most, bool tls)
{
    static const lws_retry_bo_t no_keepalive = { 0 }; /* Engine.IO has its own pings */
    void *loops[1] = { loop };
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   (tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .foreign_loops = loops,
        .fd_limit_per_thread = most <= FEW_CONNECTIONS ? (unsigned)most + OWN_DESCRIPTORS : 0,
        .pt_serv_buf_size = READ_BYTES,
        .timeout_secs = ESTABLISH_SECONDS,
        .retry_and_idle_policy = &no_keepalive,
        .gid = -1,
        .uid = -1,
        .user = t,
    };
    return lws_create_context(&info);
}

struct transport *transport_create(
    struct ev_loop *loop, const struct transport_upper *upper, size_t most, struct tls *tls)
{
    struct transport *t = mem_zero(sizeof *t);
    t->upper = *upper;
    t->tls_setup = tls;
    lws_set_log_level(LLL_ERR, log_line);
    t->context = make_context(t, loop, most, tls != NULL);
    if (t->context == NULL)
        exit_no_tls("listener", "libwebsockets does not start: is libwebsockets-evlib-ev installed?");
    t->plain = make_vhost(t, "plain", false);
    if (tls != NULL) t->tls = make_vhost(t, "tls", true);
    return t;
}

void transport_destroy(struct transport **transport)
{
    struct transport *t = *transport;
    if (t == NULL) return;
    lws_context_destroy(t->context);
    mem_free(t);
    *transport = NULL;
}

struct lws *transport_adopt(struct transport *t, int fd, bool tls, struct conn *conn)
{
    lws_adopt_desc_t info = {
        .vh = tls ? t->tls : t->plain,
        .type = LWS_ADOPT_SOCKET | (tls ? LWS_ADOPT_ALLOW_SSL : 0),
        .fd.sockfd = fd,
        .opaque = conn,
    };
    t->adopting = conn;
    t->adopt_failed = false;
    struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&info);
    t->adopting = NULL;
    return t->adopt_failed ? NULL : wsi;
}

bool transport_write(struct lws *link, const char *at, size_t len)
{
    assert(len <= TRANSPORT_WRITE_MAX && !lws_partial_buffered(link));
    /* A raw write only reads the bytes, whatever its prototype says. */
    return lws_write(link, (unsigned char *)at, len, LWS_WRITE_RAW) >= 0;
}

bool transport_is_blocked(struct lws *link)
{
    return lws_partial_buffered(link);
}

void transport_read_pause(struct lws *link, bool pause)
{
    lws_rx_flow_control(link, LWS_RXFLOW_REASON_APPLIES | LWS_RXFLOW_REASON_USER_BOOL |
                                  LWS_RXFLOW_REASON_FLAG_PROCESS_NOW |
                                  (pause ? 0 : LWS_RXFLOW_REASON_APPLIES_ENABLE_BIT));
}

bool transport_has_input(struct lws *link)
{
    char byte;
    return recv(lws_get_socket_fd(link), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool transport_is_resumed(struct lws *link)
{
    SSL *ssl = lws_get_ssl(link);
    return ssl != NULL && SSL_session_reused(ssl);
}

void transport_established(struct lws *link)
{
    lws_set_timeout(link, NO_PENDING_TIMEOUT, 0);
}

void transport_shutdown(struct lws *link)
{
    SSL *ssl = lws_get_ssl(link);
    if (ssl != NULL && SSL_is_init_finished(ssl)) SSL_shutdown(ssl);
    shutdown(lws_get_socket_fd(link), SHUT_WR);
}

void transport_kill(struct lws *link)
{
    lws_set_timeout(link, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
}
