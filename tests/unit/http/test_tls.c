/* test_tls.c - TLS as clients see it: which certificate, which session is resumed where, what a renewal changes. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <malloc.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "libshared/base/log.h"
#include "libshared/base/metrics.h"
#include "libshared/http/conn_private.h"
#include "tests/lib/free_port.h"
#include "tests/lib/same_thread.h"
#include "tests/unit/captured_log.h"

#define DAY     86400
#define REQUEST "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

/* --- certificates, made for the test --- */

static char dir[] = "/tmp/test_tls_XXXXXX";

static const char *path_of(const char *name)
{
    static char paths[8][300];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static X509 *make_certificate(EVP_PKEY *key, long serial, const char *names, long since_s, long until_s)
{
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), since_s);
    X509_gmtime_adj(X509_getm_notAfter(cert), until_s);
    X509_set_pubkey(cert, key);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    X509_add_ext(cert, san, -1);
    X509_EXTENSION_free(san);
    X509_sign(cert, key, EVP_sha256());
    return cert;
}

/* Each file is whole at once, as those who renew certificates have it. */
static FILE *open_new(void)
{
    return fopen(path_of("new"), "w");
}

static void put_in_place(FILE *file, const char *name)
{
    fclose(file);
    assert_int_equal(rename(path_of("new"), path_of(name)), 0);
}

static void write_key(EVP_PKEY *key, const char *name)
{
    FILE *file = open_new();
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    put_in_place(file, name);
}

static void write_chain(X509 *cert, const char *name)
{
    FILE *file = open_new();
    PEM_write_X509(file, cert);
    put_in_place(file, name);
}

static void write_pair(const char *chain, const char *key_name, X509 *cert, EVP_PKEY *key)
{
    write_chain(cert, chain);
    write_key(key, key_name);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void write_a(long serial)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    write_pair("a.crt", "a.key", make_certificate(key, serial, "DNS:a.example", 0, DAY), key);
}

static void write_b(long serial)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    write_pair("b.crt", "b.key", make_certificate(key, serial, "DNS:*.b.example", 0, DAY), key);
}

/* --- gateways on this thread --- */

static int on_begin(void *arg, struct http *http)
{
    (void)arg;
    http_reply(http, 200, "text/plain", STR("here\n"), NULL, 0);
    return 0;
}

static const struct http_handler handler = { .begin = on_begin };

/* One at a time: of two contexts in a process the library keeps what the first had. */
struct tls_gateway {
    struct http_server *server;
    const unsigned char *secret;
    int port, plain_port;
    char https[32], http[32], chains[700], keys[700];
    struct metric *full, *resumed, *life_left;
};

static struct metric *metric_of(int port, const char *what)
{
    char label[64];
    snprintf(label, sizeof label, "port=\"%d\",what=\"%s\"", port, what);
    return metric_gauge("test", label, "");
}

static void prepare_gateway(struct tls_gateway *gateway, const unsigned char *secret)
{
    gateway->secret = secret;
    gateway->port = free_port();
    gateway->plain_port = free_port();
    snprintf(gateway->https, sizeof gateway->https, "127.0.0.1:%d", gateway->port);
    snprintf(gateway->http, sizeof gateway->http, "127.0.0.1:%d", gateway->plain_port);
    snprintf(gateway->chains, sizeof gateway->chains, "%s, %s", path_of("a.crt"), path_of("b.crt"));
    snprintf(gateway->keys, sizeof gateway->keys, "%s,%s", path_of("a.key"), path_of("b.key"));
    gateway->full = metric_of(gateway->port, "full");
    gateway->resumed = metric_of(gateway->port, "resumed");
    gateway->life_left = metric_of(gateway->port, "life");
}

static struct tls_gateway *running;

static void run_gateway(struct tls_gateway *gateway)
{
    if (running == gateway) return;
    if (running != NULL) http_server_destroy(&running->server);
    running = gateway;
    struct http_server_config config = {
        .https = gateway->https,
        .http = gateway->http,
        .tls_cert = gateway->chains,
        .tls_key = gateway->keys,
        .tls_secret = gateway->secret,
        .certificate_seconds = 0.02,
        .connections_max = 100,
        .connections_per_address = 100,
        .metrics = { .tls_full = gateway->full, .tls_resumed = gateway->resumed, .life_left = { gateway->life_left } },
    };
    gateway->server = http_server_create(loop, &config);
    http_mount(gateway->server, "/*", &handler, NULL);
}

static struct tls_gateway one, two, stranger;

static int start(void **state)
{
    static const unsigned char secret[TICKETS_SECRET_BYTES] = "the gateways'", other[TICKETS_SECRET_BYTES] = "other";
    (void)state;
    write_a(1);
    write_b(2);
    loop = ev_loop_new(0);
    prepare_gateway(&one, secret);
    prepare_gateway(&two, secret);
    prepare_gateway(&stranger, other);
    run_gateway(&one);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    http_server_destroy(&running->server);
    running = NULL;
    ev_loop_destroy(loop);
    return 0;
}

/* --- clients --- */

struct tls_client {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
    SSL_SESSION *session; /* the newest ticket's */
};

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION_free(client->session);
    client->session = session;
    return 1;
}

static struct tls_client new_client(int version)
{
    struct tls_client client = { .ctx = SSL_CTX_new(TLS_client_method()), .fd = -1 };
    SSL_CTX_set_min_proto_version(client.ctx, version);
    SSL_CTX_set_max_proto_version(client.ctx, version);
    SSL_CTX_set_session_cache_mode(client.ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(client.ctx, on_session);
    return client;
}

static bool shake_hands(struct tls_client *client)
{
    for (int64_t end = clock_mono_us() + PATIENCE_US; clock_mono_us() < end; turn()) {
        int done = SSL_connect(client->ssl);
        if (done == 1) return true;
        if (SSL_get_error(client->ssl, done) != SSL_ERROR_WANT_READ) return false;
    }
    return false;
}

/* A request and its answer: with it come the tickets of TLS 1.3. */
static bool is_answered(struct tls_client *client)
{
    char answer[4000] = "";
    int len = 0;
    assert_int_equal(SSL_write(client->ssl, REQUEST, sizeof REQUEST - 1), sizeof REQUEST - 1);
    for (int64_t end = clock_mono_us() + PATIENCE_US; clock_mono_us() < end; turn()) {
        int n = SSL_read(client->ssl, answer + len, (int)sizeof answer - 1 - len);
        if (n > 0) len += n;
        if (n <= 0 && SSL_get_error(client->ssl, n) != SSL_ERROR_WANT_READ) return false;
        if (strstr(answer, "here\n") != NULL) return true;
    }
    return false;
}

static bool greet(struct tls_client *client, struct tls_gateway *gateway, const char *name)
{
    int flags = 1;
    run_gateway(gateway);
    SSL_CTX_set_app_data(client->ctx, client);
    client->fd = connect_from("127.0.0.1", gateway->port);
    ioctl(client->fd, FIONBIO, &flags);
    client->ssl = SSL_new(client->ctx);
    SSL_set_fd(client->ssl, client->fd);
    if (name != NULL) SSL_set_tlsext_host_name(client->ssl, name);
    if (client->session != NULL) SSL_set_session(client->ssl, client->session);
    return shake_hands(client);
}

static void dial(struct tls_client *client, struct tls_gateway *gateway, const char *name)
{
    assert_true(greet(client, gateway, name));
    assert_true(is_answered(client));
}

static void hang_up(struct tls_client *client)
{
    SSL_shutdown(client->ssl);
    SSL_free(client->ssl);
    close(client->fd);
    turn();
}

static void forget(struct tls_client *client)
{
    SSL_SESSION_free(client->session);
    SSL_CTX_free(client->ctx);
}

static bool is_resumed(struct tls_client *client, struct tls_gateway *gateway, const char *name)
{
    dial(client, gateway, name);
    bool resumed = SSL_session_reused(client->ssl);
    hang_up(client);
    return resumed;
}

static long serial_by(struct tls_gateway *gateway, const char *name)
{
    struct tls_client client = new_client(TLS1_3_VERSION);
    dial(&client, gateway, name);
    long serial = ASN1_INTEGER_get(X509_get0_serialNumber(SSL_get0_peer_certificate(client.ssl)));
    hang_up(&client);
    forget(&client);
    return serial;
}

/* --- tests --- */

static void a_host_has_its_own_certificate_and_a_stranger_the_first(void **state)
{
    (void)state;
    assert_int_equal(serial_by(&one, "a.example"), 1);
    assert_int_equal(serial_by(&one, "chat.b.example"), 2);
    assert_int_equal(serial_by(&one, "CHAT.B.EXAMPLE"), 2);
    assert_int_equal(serial_by(&one, "b.example"), 1);
    assert_int_equal(serial_by(&one, "x.y.b.example"), 1);
    assert_int_equal(serial_by(&one, NULL), 1);
}

static void a_session_is_resumed_at_each_gateway_that_has_the_secret(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    (void)state;
    for (size_t i = 0; i < COUNT(versions); i++) {
        struct tls_client client = new_client(versions[i]);
        int64_t full = metric_value(one.full), resumed = metric_value(two.resumed);
        assert_false(is_resumed(&client, &one, "a.example"));
        assert_true(is_resumed(&client, &two, "a.example"));
        assert_true(is_resumed(&client, &two, "a.example"));
        assert_true(is_resumed(&client, &one, "a.example"));
        assert_false(is_resumed(&client, &stranger, "a.example"));
        assert_int_equal(metric_value(one.full) - full, 1);
        assert_int_equal(metric_value(two.resumed) - resumed, 2);
        forget(&client);
    }
}

static void a_session_of_one_host_is_not_resumed_at_another(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    (void)state;
    for (size_t i = 0; i < COUNT(versions); i++) {
        struct tls_client client = new_client(versions[i]);
        assert_false(is_resumed(&client, &one, "a.example"));
        assert_false(is_resumed(&client, &one, "chat.b.example"));
        assert_true(is_resumed(&client, &one, "chat.b.example"));
        assert_false(is_resumed(&client, &one, NULL));
        forget(&client);
    }
}

static void a_renewed_file_serves_new_connections_and_ends_none(void **state)
{
    struct tls_client old = new_client(TLS1_3_VERSION), back = new_client(TLS1_3_VERSION);
    (void)state;
    dial(&old, &one, "chat.b.example");
    assert_false(is_resumed(&back, &one, "chat.b.example"));
    write_b(7);
    TURN_UNTIL(one.server->tls.certificates->n == 2 && serial_by(&one, "chat.b.example") == 7);
    assert_int_equal(serial_by(&one, "a.example"), 1);
    assert_true(is_answered(&old));
    assert_true(is_resumed(&back, &one, "chat.b.example"));
    hang_up(&old);
    forget(&old);
    forget(&back);
}

/* Chain and key are two files: between the two renames they do not fit. */
static void a_chain_whose_key_is_not_there_yet_waits_for_it(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = make_certificate(key, 9, "DNS:a.example", 0, DAY);
    uint64_t mark = one.server->renewal.mark;
    (void)state;
    write_chain(cert, "a.crt");
    TURN_UNTIL(one.server->renewal.mark != mark);
    assert_int_equal(serial_by(&one, "a.example"), 1);
    write_key(key, "a.key");
    TURN_UNTIL(serial_by(&one, "a.example") == 9);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void write_a_with_life(long since_s, long until_s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    write_pair("a.crt", "a.key", make_certificate(key, 1, "DNS:a.example", since_s, until_s), key);
}

static void live_to_the_end(void)
{
    write_a_with_life(-50 * DAY, 50 * DAY + 3600);
    TURN_UNTIL(metric_value(one.life_left) == 50);
    write_a_with_life(-90 * DAY, 10 * DAY + 3600);
    TURN_UNTIL(metric_value(one.life_left) == 10);
    for (int i = 0; i < 500; i++) turn();
    write_a_with_life(-90 * DAY, -DAY);
    TURN_UNTIL(metric_value(one.life_left) < 0);
}

static void the_end_of_a_certificate_is_announced_once_for_each_percent(void **state)
{
    (void)state;
    assert_in_range(metric_value(one.life_left), 99, 100); /* new */
    const char *log = captured_log(live_to_the_end);
    assert_int_equal(count_texts(log, "\"listener.certificate_ends\""), 1);
    assert_non_null(strstr(log, "\"percent_left\":10,\"hours_left\":24"));
    assert_int_equal(count_texts(log, "\"listener.certificate_ended\""), 1);
}

static void ticket_keys_change_with_the_period_and_open_one_more(void **state)
{
    static const unsigned char secret[TICKETS_SECRET_BYTES] = "x";
    struct tickets here, there;
    time_t now = 1000 * TICKETS_PERIOD_S;
    unsigned char name[TICKETS_NAME_BYTES];
    (void)state;
    tickets_begin(&here, secret);
    tickets_begin(&there, secret);
    memcpy(name, tickets_current(&here, now)->name, sizeof name);
    assert_memory_equal(
        tickets_current(&there, now + TICKETS_PERIOD_S - 1), tickets_current(&here, now), sizeof(struct ticket_key));
    assert_non_null(tickets_find(&there, now - 1, name)); /* its clock is behind */
    assert_non_null(tickets_find(&there, now + 2 * TICKETS_PERIOD_S - 1, name));
    assert_memory_not_equal(tickets_current(&there, now + TICKETS_PERIOD_S)->name, name, sizeof name);
    assert_null(tickets_find(&there, now + 2 * TICKETS_PERIOD_S, name));
    assert_null(tickets_find(&there, now - TICKETS_PERIOD_S - 1, name));
    tickets_begin(&there, NULL);
    assert_null(tickets_find(&there, now, name));
}

static void lists_that_do_not_fit_are_refused_with_the_file_s_name(void **state)
{
    char why[400], chains[700], many[8000] = "";
    (void)state;
    snprintf(chains, sizeof chains, "%s,%s", path_of("a.crt"), path_of("b.crt"));
    assert_null(certificates_read(chains, path_of("a.key"), why, sizeof why));
    assert_non_null(strstr(why, "/b.crt: there is no private key for it"));
    snprintf(chains, sizeof chains, "%s,%s", path_of("a.key"), path_of("b.key"));
    assert_null(certificates_read(path_of("a.crt"), chains, why, sizeof why));
    assert_non_null(strstr(why, "/b.key: there is no certificate for this private key"));
    assert_null(certificates_read(path_of("a.crt"), path_of("b.key"), why, sizeof why));
    assert_non_null(strstr(why, "is not the certificate's"));
    assert_null(certificates_read(path_of("none"), path_of("b.key"), why, sizeof why));
    assert_non_null(strstr(why, "/none: the certificate cannot be read"));
    for (int i = 0; i <= CERTIFICATES_MAX; i++) {
        strcat(many, path_of("a.crt"));
        strcat(many, ",");
    }
    char *keys = strdup(many);
    for (char *at = keys; (at = strstr(at, ".crt")) != NULL; at++) memcpy(at, ".key", 4);
    assert_null(certificates_read(many, keys, why, sizeof why));
    assert_non_null(strstr(why, "more than 16"));
    free(keys);
}

/* What a client wants first of the six is what it gets: it knows its processor. */
static void the_six_suites_of_tls_1_2_are_spoken_in_the_clients_order(void **state)
{
    static const char *const chosen[][2] = {
        { "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384" },
        { "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305" },
        { "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256" },
    };
    static const char *const groups[] = { "X25519", "P-256", "P-384" };
    (void)state;
    for (size_t i = 0; i < COUNT(chosen); i++) {
        struct tls_client client = new_client(TLS1_2_VERSION);
        assert_int_equal(SSL_CTX_set_cipher_list(client.ctx, chosen[i][0]), 1);
        dial(&client, &one, "a.example");
        assert_string_equal(SSL_get_cipher_name(client.ssl), chosen[i][1]);
        hang_up(&client);
        forget(&client);
    }
    for (size_t i = 0; i < COUNT(groups); i++) {
        struct tls_client client = new_client(TLS1_3_VERSION);
        assert_int_equal(SSL_CTX_set1_groups_list(client.ctx, groups[i]), 1);
        dial(&client, &one, "a.example");
        hang_up(&client);
        forget(&client);
    }
}

/* A client that would take anything. */
static struct tls_client new_careless_client(int version)
{
    struct tls_client client = new_client(version);
    SSL_CTX_set_security_level(client.ctx, 0);
    SSL_CTX_set_cipher_list(client.ctx, "ALL:COMPLEMENTOFALL");
    return client;
}

static bool is_spoken(struct tls_client *client)
{
    bool spoken = greet(client, &one, "a.example");
    hang_up(client);
    forget(client);
    return spoken;
}

static void nothing_else_that_openssl_knows_is_spoken(void **state)
{
    static const int old[] = { TLS1_VERSION, TLS1_1_VERSION };
    static const char *const weak[] = { "ECDSA+SHA1", "RSA+SHA1" };
    struct tls_client all = new_careless_client(TLS1_2_VERSION);
    STACK_OF(SSL_CIPHER) *suites = SSL_CTX_get_ciphers(all.ctx);
    int tried = 0, spoken = 0;
    (void)state;
    for (int i = 0; i < sk_SSL_CIPHER_num(suites); i++) {
        const SSL_CIPHER *suite = sk_SSL_CIPHER_value(suites, i);
        struct tls_client client = new_careless_client(TLS1_2_VERSION);
        if (strncmp(SSL_CIPHER_get_name(suite), "TLS_", 4) == 0) {
            forget(&client);
            continue;
        }
        assert_int_equal(SSL_CTX_set_cipher_list(client.ctx, SSL_CIPHER_get_name(suite)), 1);
        tried++;
        spoken += is_spoken(&client);
    }
    forget(&all);
    assert_true(tried > 80);
    assert_int_equal(spoken, 3); /* of the six those for a key of an elliptic curve */
    for (size_t i = 0; i < COUNT(old); i++) {
        struct tls_client client = new_careless_client(old[i]);
        SSL_CTX_set_min_proto_version(client.ctx, old[i]);
        assert_false(is_spoken(&client));
    }
    for (size_t i = 0; i < COUNT(weak); i++) {
        struct tls_client client = new_careless_client(TLS1_2_VERSION);
        assert_int_equal(SSL_CTX_set1_sigalgs_list(client.ctx, weak[i]), 1);
        assert_false(is_spoken(&client));
    }
    struct tls_client curves = new_careless_client(TLS1_3_VERSION);
    assert_int_equal(SSL_CTX_set1_groups_list(curves.ctx, "P-521:X448:ffdhe2048"), 1);
    assert_false(is_spoken(&curves));
}

/* --- what an idle connection keeps in memory --- */

#define IDLE_ONES   40
#define PLAIN_BYTES 3000 /* our own structure and the library's: nothing of the request that was answered */
#define MORE_BYTES  1024 /* what we may add to OpenSSL's object */

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void); /* gcc comes without its header */
static size_t bytes_in_use(void)
{
    return __sanitizer_get_current_allocated_bytes();
}
#else
static size_t bytes_in_use(void)
{
    struct mallinfo2 now = mallinfo2();
    return now.uordblks + now.hblkhd;
}
#endif

static void turn_idle(void)
{
    for (int i = 0; i < 20; i++) turn();
}

/* The client's own object is freed, its end of the connection stays: what is left in memory is the server's. */
static int keep_idle(struct tls_gateway *gateway, int version)
{
    struct tls_client client = new_client(version);
    dial(&client, gateway, "a.example");
    turn_idle();
    SSL_free(client.ssl);
    forget(&client);
    return client.fd;
}

static int keep_idle_plain(struct tls_gateway *gateway, int version)
{
    struct buf in = BUF(4000);
    (void)version;
    run_gateway(gateway);
    int fd = connect_from("127.0.0.1", gateway->plain_port);
    say(fd, REQUEST);
    assert_true(hears(fd, &in, "here\n"));
    turn_idle();
    buf_free(&in);
    return fd;
}

/* Bytes of the server's for each connection.  The first one is not counted: with it come tables that all have. */
static size_t idle_bytes(int (*keep)(struct tls_gateway *, int), int version)
{
    int fds[IDLE_ONES + 1];
    size_t before = 0;
    TURN_UNTIL(http_server_connections(one.server) == 0); /* those of former tests have gone */
    turn_idle();
    for (size_t i = 0; i < COUNT(fds); i++) {
        if (i == 1) before = bytes_in_use();
        fds[i] = keep(&one, version);
    }
    size_t each = (bytes_in_use() - before) / IDLE_ONES;
    for (size_t i = 0; i < COUNT(fds); i++) close(fds[i]);
    TURN_UNTIL(http_server_connections(one.server) == 0);
    return each;
}

/* A server of OpenSSL's alone, that releases its buffers and keeps no sessions, as ours does. */
static SSL_CTX *new_bare_server(int version)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_file(ctx, path_of("a.crt"), SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, path_of("a.key"), SSL_FILETYPE_PEM), 1);
    SSL_CTX_set_max_proto_version(ctx, version);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return ctx;
}

/* Its client, and the pair that they talked through, go again. */
static SSL *keep_bare(SSL_CTX *server, int version)
{
    struct tls_client client = new_client(version);
    SSL *ssl = SSL_new(server);
    BIO *here, *there;
    char byte;
    SSL_CTX_set_app_data(client.ctx, &client);
    client.ssl = SSL_new(client.ctx);
    assert_int_equal(BIO_new_bio_pair(&here, 0, &there, 0), 1);
    SSL_set_bio(ssl, here, here);
    SSL_set_bio(client.ssl, there, there);
    SSL_set_accept_state(ssl);
    SSL_set_connect_state(client.ssl);
    for (int i = 0; i < 10; i++) SSL_do_handshake(client.ssl), SSL_do_handshake(ssl);
    assert_int_equal(SSL_write(client.ssl, "x", 1), 1);
    assert_int_equal(SSL_read(ssl, &byte, 1), 1);
    assert_int_equal(SSL_write(ssl, "y", 1), 1);
    assert_int_equal(SSL_read(client.ssl, &byte, 1), 1);
    SSL_set_bio(ssl, NULL, NULL);
    SSL_free(client.ssl);
    forget(&client);
    return ssl;
}

static size_t bare_bytes(int version)
{
    SSL_CTX *server = new_bare_server(version);
    SSL *all[IDLE_ONES + 1];
    size_t before = 0;
    for (size_t i = 0; i < COUNT(all); i++) {
        if (i == 1) before = bytes_in_use();
        all[i] = keep_bare(server, version);
    }
    size_t each = (bytes_in_use() - before) / IDLE_ONES;
    for (size_t i = 0; i < COUNT(all); i++) SSL_free(all[i]);
    SSL_CTX_free(server);
    return each;
}

static void an_idle_connection_keeps_what_openssl_needs_and_little_of_ours(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    (void)state;
    size_t plain = idle_bytes(keep_idle_plain, 0);
    assert_in_range(plain, 1, PLAIN_BYTES);
    for (size_t i = 0; i < COUNT(versions); i++) {
        size_t tls = idle_bytes(keep_idle, versions[i]), bare = bare_bytes(versions[i]);
        assert_in_range(tls - plain, 1, bare + MORE_BYTES);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_host_has_its_own_certificate_and_a_stranger_the_first),
        TEST(a_session_is_resumed_at_each_gateway_that_has_the_secret),
        TEST(a_session_of_one_host_is_not_resumed_at_another),
        TEST(a_renewed_file_serves_new_connections_and_ends_none),
        TEST(a_chain_whose_key_is_not_there_yet_waits_for_it),
        TEST(the_end_of_a_certificate_is_announced_once_for_each_percent),
        TEST(the_six_suites_of_tls_1_2_are_spoken_in_the_clients_order),
        TEST(nothing_else_that_openssl_knows_is_spoken),
        TEST(an_idle_connection_keeps_what_openssl_needs_and_little_of_ours),
        cmocka_unit_test(ticket_keys_change_with_the_period_and_open_one_more),
        TEST(lists_that_do_not_fit_are_refused_with_the_file_s_name),
    };
    log_init("test", LOG_WARN);
    assert_non_null(mkdtemp(dir));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const names[] = { "a.crt", "a.key", "b.crt", "b.key" };
    for (size_t i = 0; i < COUNT(names); i++) unlink(path_of(names[i]));
    rmdir(dir);
    return failed;
}
