/*
 * tls_cost.c - what TLS costs a server.
 *
 *      tls_cost handshakes PORT PID COUNT   its CPU for a connection with one small request: full and resumed, TLS 1.2 and 1.3
 *      tls_cost plain PORT PID COUNT        the same without TLS
 *      tls_cost floor CERT KEY COUNT        that of OpenSSL's server alone, in memory: no socket, no HTTP, no cold cache
 *      tls_cost waiting CERT KEY COUNT      the same, but it sleeps before each step, as who waits for a network does
 *      tls_cost hold PORT COUNT tls|plain   its memory is read by who called us: so many idle ones, until standard input ends
 *      tls_cost object CERT KEY COUNT       the growth of this process by so many idle server objects of OpenSSL alone
 *
 * Prints JSON.  All clients speak what browsers choose, so that each server does the same work: AES-128 with SHA-256, X25519.
 */
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <openssl/pem.h>
#include <time.h>

#include "libshared/base/arena.h"
#include "tests/lib/tls_client.h"

#define WARM_UP 20
#define WAIT_US 100

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

static long long ran_ns(const char *pid, const char *thread)
{
    char path[600];
    long long ns = 0;

    snprintf(path, sizeof path, "/proc/%s/task/%s/schedstat", pid, thread);
    FILE *file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%lld", &ns) != 1) give_up("a thread ended");
    fclose(file);
    return ns;
}

/* The kernel's own count: nanoseconds on a processor, of all its threads. */
static double cpu_us(const char *pid)
{
    char path[300];
    long long ns = 0;

    snprintf(path, sizeof path, "/proc/%s/task", pid);
    DIR *threads = opendir(path);
    if (threads == NULL) give_up("no such process");
    for (const struct dirent *one; (one = readdir(threads)) != NULL;)
        if (one->d_name[0] != '.') ns += ran_ns(pid, one->d_name);
    closedir(threads);
    return (double)ns / 1e3;
}

static void print_cost(int version, bool resumes, double us, double resumed)
{
    static bool more;

    printf("%s{\"tls\":\"%s\",\"resumes\":%s,\"us\":%.1f,\"resumed\":%.3f}", more ? "," : "[",
        version == TLS1_3_VERSION ? "1.3" : "1.2", resumes ? "true" : "false", us, resumed);
    more = true;
}

static void measure(int port, const char *pid, int count, int version, bool resumes)
{
    SSL_CTX *ctx = new_client(version);
    int resumed = 0;

    for (int i = 0; i < WARM_UP; i++) connect_once(ctx, port, resumes);
    double began = cpu_us(pid);
    for (int i = 0; i < count; i++) resumed += connect_once(ctx, port, resumes);
    print_cost(version, resumes, (cpu_us(pid) - began) / count, (double)resumed / count);
    SSL_CTX_free(ctx);
}

static int measure_handshakes(int port, const char *pid, int count)
{
    for (size_t i = 0; i < COUNT(versions); i++)
        for (int resumes = 0; resumes < 2; resumes++) {
            forget_ticket();
            measure(port, pid, count, versions[i], resumes);
        }
    puts("]");
    return 0;
}

static int measure_plain(int port, const char *pid, int count)
{
    double began = 0;

    for (int i = -WARM_UP; i < count; i++) {
        if (i == 0) began = cpu_us(pid);
        int fd = dial(port);
        ask_for_health_plainly(fd);
        hang_up(fd);
    }
    printf("%.1f\n", (cpu_us(pid) - began) / count);
    return 0;
}

static int hold(int port, int count, bool tls)
{
    SSL_CTX *ctx = new_client(TLS1_3_VERSION);

    for (int i = 0; i < count; i++) {
        int fd = dial(port);
        if (tls)
            ask_for_health(shake_hands(ctx, fd, NULL));
        else
            ask_for_health_plainly(fd);
    }
    puts("\"held\"");
    fflush(stdout);
    return getchar() == EOF ? 0 : 1;
}

/* --- OpenSSL alone, its server and its client in this process --- */

static SSL_CTX *new_server(const char *cert, const char *key)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        give_up("no certificate there, or no key");
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 1);
    return ctx;
}

static double thread_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static useconds_t wait_us;

/* The server's next step begins. */
static double begin_step(void)
{
    if (wait_us > 0) usleep(wait_us);
    return thread_us();
}

/* A connection and a byte each way.  Answers what the server's side took. */
static double make_pair(SSL_CTX *server, SSL_CTX *client, SSL **mine, SSL **other)
{
    BIO *here, *there;
    char byte;

    BIO_new_bio_pair(&here, 0, &there, 0);
    *other = SSL_new(client);
    SSL_set_bio(*other, there, there);
    SSL_set_connect_state(*other);
    if (newest != NULL) SSL_set_session(*other, newest);
    double began = begin_step(), took = 0;
    *mine = SSL_new(server);
    SSL_set_bio(*mine, here, here);
    SSL_set_accept_state(*mine);
    for (int i = 0; i < 4; i++) {
        took += thread_us() - began;
        SSL_do_handshake(*other);
        began = begin_step();
        SSL_do_handshake(*mine);
    }
    took += thread_us() - began;
    if (SSL_write(*other, "x", 1) != 1) give_up("no handshake in memory");
    began = begin_step();
    if (SSL_read(*mine, &byte, 1) != 1 || SSL_write(*mine, "y", 1) != 1) give_up("no traffic");
    took += thread_us() - began;
    if (SSL_read(*other, &byte, 1) != 1) give_up("no answer in memory");
    return took;
}

static double pair_us(SSL_CTX *server, SSL_CTX *client, bool resumes, int *resumed)
{
    SSL *mine, *other;

    if (!resumes) forget_ticket();
    double took = make_pair(server, client, &mine, &other);
    *resumed += SSL_session_reused(mine);
    SSL_shutdown(other); /* or its session is good no more */
    double began = begin_step();
    SSL_shutdown(mine);
    SSL_free(mine);
    took += thread_us() - began;
    SSL_free(other);
    return took;
}

static void measure_pairs(SSL_CTX *server, int version, bool resumes, int count)
{
    SSL_CTX *client = new_client(version);
    double took = 0;
    int resumed = 0;

    forget_ticket();
    for (int i = 0; i < WARM_UP; i++) pair_us(server, client, resumes, &resumed);
    resumed = 0;
    for (int i = 0; i < count; i++) took += pair_us(server, client, resumes, &resumed);
    print_cost(version, resumes, took / count, (double)resumed / count);
    SSL_CTX_free(client);
}

static int measure_floor(const char *cert, const char *key, int count, useconds_t waits)
{
    SSL_CTX *server = new_server(cert, key);

    wait_us = waits;
    for (size_t i = 0; i < COUNT(versions); i++)
        for (int resumes = 0; resumes < 2; resumes++) measure_pairs(server, versions[i], resumes, count);
    puts("]");
    return 0;
}

static long resident_bytes(void)
{
    long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%ld %ld", &all, &resident) != 2) give_up("no /proc");
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

/* The clients, and the pairs that they talk through, go again: what stays is the servers'. */
static int measure_object(const char *cert, const char *key, int count)
{
    SSL_CTX *server = new_server(cert, key), *client = new_client(TLS1_3_VERSION);
    SSL **all = mem_alloc((size_t)count * sizeof *all);
    long before = 0;

    for (int i = 0; i < count; i++) {
        SSL *other;
        if (i == count / 10) before = resident_bytes();
        forget_ticket();
        make_pair(server, client, &all[i], &other);
        SSL_set_bio(all[i], NULL, NULL);
        SSL_free(other);
    }
    printf("%.0f\n", (double)(resident_bytes() - before) / (count - count / 10));
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int port = argc > 2 ? atoi(argv[2]) : 0, count = argc > 4 ? atoi(argv[4]) : 0; /* a program for programs */

    if (argc != 5) give_up("see the head of tls_cost.c");
    if (strcmp(what, "handshakes") == 0) return measure_handshakes(port, argv[3], count);
    if (strcmp(what, "plain") == 0) return measure_plain(port, argv[3], count);
    if (strcmp(what, "floor") == 0) return measure_floor(argv[2], argv[3], count, 0);
    if (strcmp(what, "waiting") == 0) return measure_floor(argv[2], argv[3], count, WAIT_US);
    if (strcmp(what, "hold") == 0) return hold(port, atoi(argv[3]), strcmp(argv[4], "tls") == 0);
    if (strcmp(what, "object") == 0) return measure_object(argv[2], argv[3], count);
    give_up("see the head of tls_cost.c");
    return 2;
}
