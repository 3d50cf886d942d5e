/*
 * party.h - real services for a C test: processes of our own on a private database, and pipes to them.
 *
 *      party_begin();                                   a database, keys, a directory
 *      struct proc chat = party_start("chat", "chat", NULL);
 *      struct pipe *p = pipe_open("gateway", "chat", "chat");
 *      e = ask(p, "room.create", "alice", room_draft_shape(), &draft, room_shape(), &room);
 *
 * Everything ends with the test.  PARTY_DEBUG=1 prints each refusal, PARTY_LOG=info what the services log.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/rpc/rpc_client.h"
#include "tests/lib/free_port.h"
#include "tests/service/pg_cluster.h"

#define MAX_HEARD   20000
#define STOP_MS     20000
#define BUDGET_MS   30000 /* of a call, and of a process that begins: under a sanitizer, beside whatever else runs */
#define PATIENCE_MS 60000

struct proc {
    pid_t pid;
    char service[16], name[16];
    int port;
};
struct heard {
    struct id stream;
    int64_t seq;
    char name[32];
    struct str body;
};
struct pipe {
    struct rpc_client *client;
    bool is_up;
    unsigned ups;
    struct heard heard[MAX_HEARD];
    size_t n_heard;
};

extern char party_dir[200], party_bin[PATH_MAX];
extern struct arena *party_arena;

struct ev_loop *party_loop(void);
const char *party_path(const char *name);
void party_begin(void);
const char *socket_of(const char *name);

/* `setting`: one more NAME=value, or NULL. */
struct proc party_start(const char *service, const char *name, const char *setting);

/* It stands still when this returns, and stays so until party_resume, party_kill or party_stop. */
void party_pause(const struct proc *p);
void party_resume(const struct proc *p);

/* One that stands still dies as it stands: it does no more of what it was about to do. */
void party_kill(struct proc *p);

/* SIGTERM ends it in order; its exit status.  One that a failed test left standing is woken for it, and one that does
 * not end is killed: its status is SIGKILL. */
int party_stop(struct proc *p);

/* Turn the loop until `is_so`; fails the test after ms. */
#define TURN_UNTIL(is_so, ms)                                                                                          \
    do {                                                                                                               \
        int64_t until_ = clock_ms() + (ms);                                                                            \
        while (!(is_so)) {                                                                                             \
            if (clock_ms() > until_) fail_msg("not so after %d ms: %s", (int)(ms), #is_so);                            \
            party_turn();                                                                                              \
        }                                                                                                              \
    } while (0)

void party_turn(void);

/* --- pipes --- */

/* It is up when this returns: the budget of a first call would run while the process at the other end still makes its tables, and
 * whoever has not met us hears nothing of our end.  To one that is just not there: party_start() it first. */
struct pipe *pipe_open(const char *self, const char *service, const char *name);
void pipe_close(struct pipe **p);

struct answer {
    bool is_there;
    enum err status;
    struct str body;
    struct failure failure;
};

void on_answer(void *arg, enum err status, struct str body);

extern const char *asks_from; /* the address of whoever asks */

void ask_later(struct pipe *p, const char *method, const char *user, const struct wire_shape *shape, const void *rec,
    struct answer *answer);
void read_record(const struct wire_shape *shape, struct str body, void *out);

extern struct failure last_failure;

enum err ask(struct pipe *p, const char *method, const char *user, const struct wire_shape *shape, const void *rec,
    const struct wire_shape *reply_shape, void *reply);

/* --- what most tests begin with --- */

struct id make_room(struct pipe *chat, const char *owner, const char *member);
enum err append(
    struct pipe *store, struct id room, const char *sender, const char *id, const char *body, struct receipt *receipt);
