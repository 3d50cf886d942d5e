/* test_privileges.c - what each process may still do, tried by a child that has given up the rest. */
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <zmq.h>

#include "libshared/base/arena.h"
#include "libshared/base/log.h"
#include "libshared/service/privileges.h"
#include "libshared/service/privileges_private.h"
#include "libshared/service/settings.h"

static struct settings settings;
static char dir[] = "/tmp/madang-privileges.XXXXXX";
static const char *const kinds[] = {
#define SERVICE(name, place, parts, doc) #name,
#define EDGE(name, place, doc)           #name,
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
};

/* In the child a test's failure is its exit status, with the line on standard error. */
#define WANT(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, strerror(errno));                      \
            _exit(1);                                                                                                  \
        }                                                                                                              \
    } while (0)
#define FAILS(call, why) WANT((errno = 0, (call) == -1 && errno == (why)))

static const char *path_of(const char *name)
{
    static char paths[8][300];
    static unsigned turn;
    char *path = paths[turn++ % COUNT(paths)];

    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *out = fopen(path_of(name), "w");

    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

static void link_to(const char *to, const char *name)
{
    unlink(path_of(name));
    assert_int_equal(symlink(to, path_of(name)), 0);
}

/* As an installation has them; certificates as Let's Encrypt's client lays them out. */
static int begin(void **state)
{
    static const char *const dirs[] = { "sock", "elsewhere", "keys", "keys/peers", "tls", "tls/live", "tls/archive",
        "secrets", "media", "sql", "sql/auth", "sql/chat", "sql/store", "sql/share" };

    (void)state;
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < COUNT(dirs); i++) assert_int_equal(mkdir(path_of(dirs[i]), 0700), 0);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        char name[100];
        snprintf(name, sizeof name, "keys/%s.key_secret", kinds[i]);
        write_file(name, "secret");
        snprintf(name, sizeof name, "secrets/%s.pgpass", kinds[i]);
        write_file(name, "*:*:*:*:secret");
    }
    write_file("keys/peers/chat.key", "public");
    write_file("sql/chat/0001.sql", "SELECT 1");
    write_file("sql/auth/0001.sql", "SELECT 1");
    write_file("tls/archive/chain1.pem", "1");
    write_file("tls/archive/key1.pem", "1");
    link_to("../archive/chain1.pem", "tls/live/chain.pem");
    link_to("../archive/key1.pem", "tls/live/key.pem");
    write_file("elsewhere/file", "somebody else's");
    log_init("test", LOG_ERROR);
    return 0;
}

static int end(void **state)
{
    char command[100];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static void set(const char *name, const char *value)
{
    setenv(name, value, 1);
}

static void load_settings(void)
{
    char text[700];

    set("MADANG_RUN_DIR", dir);
    set("MADANG_KEY_DIR", path_of("keys"));
    set("MADANG_MIGRATIONS_DIR", path_of("sql"));
    set("MADANG_GATEWAY_TLS_CERT", path_of("tls/live/chain.pem"));
    set("MADANG_GATEWAY_TLS_KEY", path_of("tls/live/key.pem"));
    snprintf(text, sizeof text, "ipc://%s/sock/gateway", dir);
    set("MADANG_GATEWAY_MESH", text);
    snprintf(text, sizeof text, "tcp://127.0.0.1:7000,ipc://%s/sock/chat", dir);
    set("MADANG_CHAT_BIND", text);
    snprintf(text, sizeof text, "dbname=madang passfile=%s/secrets/chat.pgpass", dir);
    set("MADANG_CHAT_DB", text);
    set("MADANG_SHARE_MEDIA_DIR", path_of("media"));
    settings_load(&settings);
}

static const char *present_kind;

static bool is_share(void)
{
    return strcmp(present_kind, "share") == 0;
}

/* `run` in a child of that kind; `meet`, or NULL, in the parent, between two bytes on the pipe. */
static void as(const char *kind, void (*run)(int pipe), void (*meet)(void))
{
    int ends[2], status;
    char byte;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        load_settings();
        present_kind = kind;
        privileges_drop(kind, &settings);
        run(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    if (meet != NULL && read(ends[0], &byte, 1) == 1) {
        meet();
        assert_int_equal(write(ends[0], "x", 1), 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    close(ends[0]);
    assert_int_equal(status, 0);
}

static void as_each(void (*run)(int pipe))
{
    for (size_t i = 0; i < COUNT(kinds); i++) as(kinds[i], run, NULL);
}

static bool has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
}

/* --- processes --- */

static void *answer(void *arg)
{
    return arg;
}

static void start_others(int pipe)
{
    char *const words[] = { (char *)(uintptr_t) "true", NULL };
    pthread_t thread;
    void *result = NULL;
    pid_t child;

    (void)pipe;
    FAILS(fork(), EPERM);
    WANT(posix_spawn(&child, "/bin/true", NULL, NULL, words, NULL) == EPERM);
    WANT(system("true") != 0);
    FAILS(execv("/bin/true", words), EPERM);
    FAILS(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), EPERM);
    FAILS(syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0), EPERM);
    WANT(pthread_create(&thread, NULL, answer, dir) == 0);
    WANT(pthread_join(thread, &result) == 0 && result == dir);
}

static void no_process_starts_another_and_threads_go_on(void **state)
{
    (void)state;
    as_each(start_others);
}

static void touch_others(int pipe)
{
    struct rlimit none = { 0, 0 };
    struct iovec here = { &none, sizeof none };

    (void)pipe;
    FAILS(kill(getppid(), 0), EPERM);
    FAILS(syscall(SYS_tgkill, getppid(), getppid(), 0), EPERM);
    FAILS(prlimit(getppid(), RLIMIT_CORE, &none, NULL), EPERM);
    FAILS(process_vm_readv(getppid(), &here, 1, &here, 1, 0), EPERM);
    FAILS(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL), EPERM); /* under ASan Landlock's word */
    WANT(raise(SIGCONT) == 0);
}

static void no_process_signals_or_traces_another(void **state)
{
    (void)state;
    as_each(touch_others);
}

/* --- system calls --- */

/* With root's capabilities, if we have them: what fails then fails because of the filter. */
static void calls_of_the_list_are_refused(void **state)
{
    static const struct {
        const char *name;
        int number;
    } calls[] = {
#define REFUSED(name) { #name, SCMP_SYS(name) },
#include "libshared/service/calls_refused.def"
#undef REFUSED
    };
    int status;

    (void)state;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        privileges_refuse_calls(&(struct privileges){ .kind = "gateway" });
        for (size_t i = 0; i < COUNT(calls); i++) {
            errno = 0;
            if (calls[i].number < 0 || (syscall(calls[i].number, 0, 0, 0, 0, 0, 0) == -1 && errno == EPERM)) continue;
            fprintf(stderr, "%s is not refused: %s\n", calls[i].name, strerror(errno));
            _exit(1);
        }
        FAILS(syscall(SYS_clone3, NULL, 0), ENOSYS);
        FAILS(syscall(SYS_openat2, 0, NULL, NULL, 0), ENOSYS);
        FAILS(syscall(1000), ENOSYS);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void open_sockets(int pipe)
{
    static const int refused[][3] = { { AF_PACKET, SOCK_RAW, 0 }, { AF_PACKET, SOCK_DGRAM, 0 },
        { 38 /* AF_ALG */, SOCK_SEQPACKET, 0 }, { 40 /* AF_VSOCK */, SOCK_STREAM, 0 }, { 44 /* AF_XDP */, SOCK_RAW, 0 },
        { 31 /* AF_BLUETOOTH */, SOCK_STREAM, 0 }, { 29 /* AF_CAN */, SOCK_RAW, 0 },
        { 30 /* AF_TIPC */, SOCK_STREAM, 0 }, { AF_KEY, SOCK_RAW, 2 }, { 9 /* AF_X25 */, SOCK_STREAM, 0 },
        { AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT }, { AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER },
        { AF_INET, SOCK_RAW, IPPROTO_ICMP }, { AF_INET, SOCK_RAW, IPPROTO_TCP },
        { AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP }, { AF_INET, SOCK_DGRAM, IPPROTO_ICMP },
        { AF_INET, SOCK_STREAM, IPPROTO_SCTP }, { AF_INET, SOCK_STREAM, 262 /* MPTCP */ },
        { AF_INET, SOCK_PACKET, 0 } };
    static const int allowed[][3] = { { AF_UNIX, SOCK_STREAM, 0 }, { AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0 },
        { AF_INET, SOCK_STREAM, IPPROTO_TCP }, { AF_INET, SOCK_DGRAM, IPPROTO_UDP },
        { AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE } };

    (void)pipe;
    for (size_t i = 0; i < COUNT(refused); i++) {
        FAILS(socket(refused[i][0], refused[i][1], refused[i][2]), EPERM);
        /* The kernel reads 32 bits of each, and the filter 64. */
        FAILS(syscall(SYS_socket, (1L << 32) | refused[i][0], refused[i][1], refused[i][2]), EPERM);
    }
    FAILS(syscall(SYS_socket, AF_INET, SOCK_STREAM, (1L << 32) | IPPROTO_SCTP), EPERM);
    for (size_t i = 0; i < COUNT(allowed); i++) WANT(socket(allowed[i][0], allowed[i][1], allowed[i][2]) >= 0);
}

static void only_the_usual_sockets_are_opened(void **state)
{
    (void)state;
    as_each(open_sockets);
}

static int bound_socket(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    WANT(bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
    return fd;
}

static pthread_barrier_t settled;

static void *listen_late(void *arg)
{
    (void)arg;
    pthread_barrier_wait(&settled);
    FAILS(listen(bound_socket(), 1), EPERM);
    return NULL;
}

static void listen_before_and_after(int pipe)
{
    struct sockaddr_in at;
    socklen_t size = sizeof at;
    pthread_t thread;
    int fd = bound_socket();

    (void)pipe;
    pthread_barrier_init(&settled, NULL, 2);
    WANT(pthread_create(&thread, NULL, listen_late, NULL) == 0);
    WANT(listen(fd, 1) == 0);
    privileges_settle(&settings);
    pthread_barrier_wait(&settled);
    pthread_join(thread, NULL);
    FAILS(listen(bound_socket(), 1), EPERM);
    WANT(getsockname(fd, (struct sockaddr *)&at, &size) == 0);
    WANT(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&at, size) == 0);
    WANT(accept(fd, NULL, NULL) >= 0);
}

static void nothing_is_listened_on_once_all_is_bound_whichever_thread_tries(void **state)
{
    (void)state;
    as_each(listen_before_and_after);
}

/* --- files --- */

static int open_for(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd < 0) return -1;
    close(fd);
    return 0;
}

static void read_as_chat(int pipe)
{
    static const char *const closed[] = { "keys/auth.key_secret", "keys", "secrets/auth.pgpass", "secrets",
        "sql/auth/0001.sql", "elsewhere/file", "tls/live/key.pem", "tls/archive/key1.pem" };
    static const char *const opened[] = { "keys/chat.key_secret", "keys/peers", "keys/peers/chat.key",
        "secrets/chat.pgpass", "sql/chat", "sql/chat/0001.sql" };
    static const char *const system_closed[] = { "/etc/shadow", "/etc/ssl/private", "/root", "/proc/1/environ",
        "/proc/meminfo", "/etc", "/" };
    static const char *const system_opened[] = { "/etc/hosts", "/etc/passwd", "/etc/ssl/certs", "/proc/self/statm",
        "/proc/self/fd", "/dev/urandom", "/usr/lib" };

    (void)pipe;
    for (size_t i = 0; i < COUNT(opened); i++) WANT(open_for(path_of(opened[i]), O_RDONLY) == 0);
    for (size_t i = 0; i < COUNT(system_opened); i++) WANT(open_for(system_opened[i], O_RDONLY) == 0);
    for (size_t i = 0; i < COUNT(closed); i++) FAILS(open_for(path_of(closed[i]), O_RDONLY), EACCES);
    for (size_t i = 0; i < COUNT(system_closed); i++)
        WANT(open_for(system_closed[i], O_RDONLY) == -1 && (errno == EACCES || errno == ENOENT));
}

static void a_service_reads_its_own_files_and_no_others(void **state)
{
    (void)state;
    if (!has_landlock()) skip();
    as("chat", read_as_chat, NULL);
}

static void read_as_gateway(int pipe)
{
    (void)pipe;
    WANT(open_for(path_of("keys/gateway.key_secret"), O_RDONLY) == 0);
    WANT(open_for(path_of("tls/live/key.pem"), O_RDONLY) == 0);
    FAILS(open_for(path_of("keys/chat.key_secret"), O_RDONLY), EACCES);
    FAILS(open_for(path_of("sql/chat/0001.sql"), O_RDONLY), EACCES);
    FAILS(open_for(path_of("secrets/chat.pgpass"), O_RDONLY), EACCES);
}

static void the_gateway_reads_its_certificate_and_nothing_of_the_services(void **state)
{
    (void)state;
    if (!has_landlock()) skip();
    as("gateway", read_as_gateway, NULL);
}

static char first_byte(const char *path)
{
    char byte = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || read(fd, &byte, 1) != 1) byte = 0;
    close(fd);
    return byte;
}

static void renew_certificate(void)
{
    write_file("tls/archive/chain2.pem", "2");
    link_to("../archive/chain2.pem", "tls/live/chain.pem");
    write_file("tls/live/new.pem", "2"); /* as others do it: another file by the same name */
    assert_int_equal(rename(path_of("tls/live/new.pem"), path_of("tls/live/key.pem")), 0);
}

static void read_renewed(int pipe)
{
    char byte;

    WANT(first_byte(path_of("tls/live/chain.pem")) == '1' && first_byte(path_of("tls/live/key.pem")) == '1');
    WANT(write(pipe, "x", 1) == 1 && read(pipe, &byte, 1) == 1);
    WANT(first_byte(path_of("tls/live/chain.pem")) == '2' && first_byte(path_of("tls/live/key.pem")) == '2');
}

static void a_renewed_certificate_is_read_whether_it_was_linked_or_renamed(void **state)
{
    (void)state;
    as("gateway", read_renewed, renew_certificate);
    link_to("../archive/key1.pem", "tls/live/key.pem");
    link_to("../archive/chain1.pem", "tls/live/chain.pem");
}

static int bind_unix(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    return bind(fd, (struct sockaddr *)&at, sizeof at);
}

static void write_files(int pipe)
{
    const char *own = path_of("keys/peers/chat.key");

    (void)pipe;
    if (!is_share() || has_landlock()) {
        FAILS(open_for(path_of("sock/file"), O_WRONLY | O_CREAT), is_share() ? EACCES : EPERM);
        FAILS(open_for(path_of("keys/new"), O_RDWR | O_CREAT | O_EXCL), is_share() ? EACCES : EPERM);
    }
    FAILS(open_for("/tmp", O_TMPFILE | O_RDWR), EPERM);
    FAILS(open_for(path_of("media"), O_TMPFILE | O_RDWR), EPERM);
    FAILS(rename(own, path_of("sock/x")), EPERM);
    FAILS(symlink("/etc/shadow", path_of("sock/x")), EPERM);
    FAILS(mkdir(path_of("sock/x"), 0700), EPERM);
    FAILS(chmod(own, 0777), EPERM);
    if (has_landlock()) {
        FAILS(open_for(own, O_WRONLY), EACCES);
        FAILS(open_for(path_of("elsewhere/file"), O_WRONLY), EACCES);
        FAILS(unlink(path_of("elsewhere/file")), EACCES);
        FAILS(bind_unix(path_of("elsewhere/socket")), EACCES);
        FAILS(bind_unix("/tmp/madang-socket"), EACCES);
    }
    WANT(open_for("/dev/null", O_RDWR) == 0);
}

static void no_process_writes_a_file_but_share_its_media(void **state)
{
    (void)state;
    as_each(write_files);
}

/* Made, written, on disk, read, gone; what it is called stays, and so do its rights. */
static void write_media(int pipe)
{
    const char *file = path_of("media/file"), *other = path_of("media/other");
    char byte;

    (void)pipe;
    if (!is_share()) {
        FAILS(open_for(file, O_WRONLY | O_CREAT), EPERM);
        return;
    }
    int fd = open(file, O_RDWR | O_CREAT | O_EXCL, 0600), at = open(path_of("media"), O_RDONLY | O_DIRECTORY);
    WANT(fd >= 0 && at >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0 && fsync(at) == 0);
    WANT(pread(fd, &byte, 1, 0) == 1 && byte == 'x');
    FAILS(rename(file, other), EPERM);
    FAILS(link(file, other), EPERM);
    FAILS(symlink("/etc/shadow", other), EPERM);
    FAILS(chmod(file, 0777), EPERM);
    FAILS(mkdir(other, 0700), EPERM);
    WANT(unlink(file) == 0);
}

static void share_alone_keeps_media(void **state)
{
    (void)state;
    as_each(write_media);
}

/* --- what has to work --- */

static int other;

static void listen_elsewhere(void)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    snprintf(at.sun_path, sizeof at.sun_path, "%s", path_of("elsewhere/redis.sock"));
    other = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(other, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(other, 5), 0);
}

static void pass_a_message(void *zmq, const char *endpoint)
{
    char bound[300], got[8] = "";
    size_t size = sizeof bound;
    void *server = zmq_socket(zmq, ZMQ_PULL), *client = zmq_socket(zmq, ZMQ_PUSH);

    WANT(zmq_bind(server, endpoint) == 0);
    WANT(zmq_getsockopt(server, ZMQ_LAST_ENDPOINT, bound, &size) == 0);
    WANT(zmq_connect(client, bound) == 0);
    WANT(zmq_send(client, "through", 7, 0) == 7);
    WANT(zmq_recv(server, got, sizeof got, 0) == 7 && memcmp(got, "through", 7) == 0);
    WANT(zmq_close(client) == 0 && zmq_close(server) == 0);
}

static void talk(int pipe)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    char endpoint[300];

    (void)pipe;
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path_of("elsewhere/redis.sock"));
    WANT(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&at, sizeof at) == 0);
    WANT(getaddrinfo("localhost", "80", &hints, &found) == 0);
    freeaddrinfo(found);
    void *zmq = zmq_ctx_new();
    snprintf(endpoint, sizeof endpoint, "ipc://%s/sock/chat", dir);
    pass_a_message(zmq, endpoint);
    pass_a_message(zmq, endpoint); /* over what the first one may have left */
    pass_a_message(zmq, "tcp://127.0.0.1:*");
    WANT(zmq_ctx_term(zmq) == 0);
}

static void sockets_names_and_zeromq_go_on(void **state)
{
    (void)state;
    listen_elsewhere();
    as("chat", talk, NULL);
    close(other);
}

/* --- the state that an operator sees --- */

/* A line of /proc/self/task/TID/status. */
static unsigned long long status_of(long tid, const char *name)
{
    char path[64], line[200];
    unsigned long long value = 99;

    snprintf(path, sizeof path, "/proc/self/task/%ld/status", tid);
    FILE *in = fopen(path, "re");
    WANT(in != NULL);
    while (fgets(line, sizeof line, in) != NULL)
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            value = strtoull(line + strlen(name) + 1, NULL, strncmp(name, "Cap", 3) == 0 ? 16 : 10);
    fclose(in);
    return value;
}

static void *look_at_status(void *arg)
{
    long tid = syscall(SYS_gettid);

    (void)arg;
    WANT(status_of(tid, "NoNewPrivs") == 1);
    WANT(status_of(tid, "Seccomp") == 2);
    WANT(status_of(tid, "CapEff") == 0);
    WANT(status_of(tid, "CapPrm") == 0);
    WANT(status_of(tid, "CapInh") == 0);
    WANT(status_of(tid, "CapAmb") == 0);
    WANT(geteuid() != 0 || status_of(tid, "CapBnd") == 0);
    return NULL;
}

static void look(int pipe)
{
    struct rlimit core;
    pthread_t thread;

    (void)pipe;
    look_at_status(NULL);
    WANT(pthread_create(&thread, NULL, look_at_status, NULL) == 0);
    pthread_join(thread, NULL);
    WANT(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
    WANT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
}

static void no_thread_has_capabilities_and_memory_is_closed(void **state)
{
    (void)state;
    as_each(look);
}

static void look_at_low_port(int pipe)
{
    (void)pipe;
    WANT(status_of(getpid(), "CapEff") == 1ull << 10);
    privileges_settle(&settings);
    FAILS(listen(bound_socket(), 1), EPERM);
}

static void a_gateway_on_a_low_port_keeps_the_one_capability_for_it(void **state)
{
    (void)state;
    if (geteuid() != 0) skip();
    set("MADANG_GATEWAY_HTTPS", ":443");
    as("gateway", look_at_low_port, NULL);
    as("chat", look, NULL);
    unsetenv("MADANG_GATEWAY_HTTPS");
}

static void look_at_closed(int pipe)
{
    (void)pipe;
    WANT(status_of(getpid(), "CapEff") == 1ull << 2);
    WANT(open_for(path_of("keys/chat.key_secret"), O_RDONLY) == 0);
    if (has_landlock()) FAILS(open_for(path_of("elsewhere/file"), O_RDONLY), EACCES);
}

/* sudo make up, in a clone below one's own closed home directory. */
static void root_still_reads_what_lies_in_a_closed_directory(void **state)
{
    (void)state;
    if (geteuid() != 0) skip();
    assert_int_equal(chown(dir, 65534, 65534), 0);
    as("chat", look_at_closed, NULL);
    assert_int_equal(chown(dir, 0, 0), 0);
}

/* As a reader of images is, whom somebody has taken over. */
static void compute_and_try(int pipe)
{
    struct sockaddr_un somewhere = { .sun_family = AF_UNIX };
    char *const none[] = { NULL };
    int ends[2], socket_before = socket(AF_UNIX, SOCK_STREAM, 0), file = open("/dev/null", O_RDWR);
    pthread_t thread;
    void *back = NULL;

    (void)pipe;
    WANT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    void *writable = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    privileges_only_compute(&settings);
    FAILS(open("/dev/null", O_RDONLY), EPERM);
    FAILS(openat(AT_FDCWD, "/usr", O_RDONLY | O_DIRECTORY), EPERM);
    FAILS(memfd_create("x", 0), EPERM);
    FAILS(socket(AF_UNIX, SOCK_STREAM, 0), EPERM);
    FAILS(connect(socket_before, (struct sockaddr *)&somewhere, sizeof somewhere), EPERM);
    FAILS(bind(socket_before, (struct sockaddr *)&somewhere, sizeof somewhere), EPERM);
    FAILS(execve("/bin/true", none, none), EPERM);
    FAILS(fork(), EPERM);
    FAILS(kill(getppid(), 0), EPERM);
    FAILS(tgkill(getppid(), getppid(), 0), EPERM);
    FAILS(ptrace(PTRACE_ATTACH, getppid(), 0, 0), EPERM);
    FAILS(unlink("/tmp/none"), EPERM);
    FAILS(setrlimit(RLIMIT_CPU, &(struct rlimit){ 1, 1 }), EPERM);
    FAILS(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), EPERM);
    FAILS(mprotect(writable, 4096, PROT_READ | PROT_EXEC), EPERM);
    WANT(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EPERM);
    WANT(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EPERM);
    WANT(write(file, "x", 1) == 1 && send(ends[0], "x", 1, 0) == -1); /* sendto may name an address */
    WANT(pthread_create(&thread, NULL, answer, dir) == 0 && pthread_join(thread, &back) == 0 && back == dir);
}

static void who_only_computes_opens_connects_and_starts_nothing(void **state)
{
    (void)state;
    as("imager", compute_and_try, NULL);
}

static void keep_readers(int pipe)
{
    char *const none[] = { NULL };
    int status = 1;
    pid_t reader;

    (void)pipe;
    WANT((reader = fork()) >= 0);
    if (reader == 0) {
        for (;;) pause();
    }
    WANT(kill(reader, SIGKILL) == 0 && waitpid(reader, &status, 0) == reader && WTERMSIG(status) == SIGKILL);
    FAILS(socket(AF_UNIX, SOCK_STREAM, 0), EPERM);
    FAILS(execve("/bin/true", none, none), EPERM);
    WANT(open_for("/usr/share/zoneinfo", O_RDONLY) == 0);
    if (has_landlock()) {
        FAILS(open_for(path_of("keys/share.key_secret"), O_RDONLY), EACCES);
        FAILS(open_for(path_of("elsewhere/file"), O_RDONLY), EACCES);
    }
}

static void the_imager_has_copies_of_itself_and_nothing_of_share(void **state)
{
    (void)state;
    as("imager", keep_readers, NULL);
}

static void do_as_before(int pipe)
{
    (void)pipe;
    WANT(status_of(getpid(), "Seccomp") == 0 && status_of(getpid(), "NoNewPrivs") == 0);
    privileges_settle(&settings);
    WANT(open_for(path_of("elsewhere/file"), O_RDWR) == 0);
    WANT(listen(bound_socket(), 1) == 0);
}

static void off_takes_nothing_away(void **state)
{
    (void)state;
    set("MADANG_PRIVILEGES", "off");
    as("chat", do_as_before, NULL);
    unsetenv("MADANG_PRIVILEGES");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_process_starts_another_and_threads_go_on),
        cmocka_unit_test(no_process_signals_or_traces_another),
        cmocka_unit_test(calls_of_the_list_are_refused),
        cmocka_unit_test(only_the_usual_sockets_are_opened),
        cmocka_unit_test(nothing_is_listened_on_once_all_is_bound_whichever_thread_tries),
        cmocka_unit_test(a_service_reads_its_own_files_and_no_others),
        cmocka_unit_test(the_gateway_reads_its_certificate_and_nothing_of_the_services),
        cmocka_unit_test(a_renewed_certificate_is_read_whether_it_was_linked_or_renamed),
        cmocka_unit_test(no_process_writes_a_file_but_share_its_media),
        cmocka_unit_test(share_alone_keeps_media),
        cmocka_unit_test(sockets_names_and_zeromq_go_on),
        cmocka_unit_test(no_thread_has_capabilities_and_memory_is_closed),
        cmocka_unit_test(a_gateway_on_a_low_port_keeps_the_one_capability_for_it),
        cmocka_unit_test(root_still_reads_what_lies_in_a_closed_directory),
        cmocka_unit_test(who_only_computes_opens_connects_and_starts_nothing),
        cmocka_unit_test(the_imager_has_copies_of_itself_and_nothing_of_share),
        cmocka_unit_test(off_takes_nothing_away),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
