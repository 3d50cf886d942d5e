/*
 * rpc_client_private.h - what the files of rpc_client share; nobody else includes it.
 *
 *      rpc_client.c        answers and events in            rpc_client_link.c   the connection: up, down, again
 *      rpc_client_send.c   calls out, as one message a turn
 *      rpc_client_wait.c   who waits: in order, by id, by deadline
 *      rpc_client_name.c   the address of the endpoint's name
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>
#include <zmq.h>

#include "libshared/base/before_sleep.h"
#include "libshared/base/log.h"
#include "libshared/base/table.h"
#include "libshared/rpc/loop.h"
#include "libshared/rpc/rpc_batch.h"
#include "libshared/rpc/rpc_client.h"
#include "libshared/rpc/rpc_pipe.h"
#include "libshared/rpc/rpc_socket.h"

#define WHEEL_SLOTS   512
#define WHEEL_SLOT_US 20000 /* how exact deadlines are */

/* One request without its answer.  Its texts lie behind it. */
struct rpc_waiting {
    struct rpc_waiting *prev, *next;     /* in the order of the calls */
    struct rpc_waiting *earlier, *later; /* in its slot of the wheel */
    UT_hash_handle hh;                   /* by id */
    uint64_t id;
    int64_t deadline_us;
    size_t bytes;
    bool safe, sent, ended;
    unsigned lost;   /* connections that went with it */
    enum err status; /* if ended without an answer */
    struct frame_request head;
    zmq_msg_t body;
    rpc_reply_fn *reply;
    void *arg;
};

enum rpc_link_state { LINK_DOWN, LINK_GREETING, LINK_UP };

struct rpc_client {
    struct rpc_client_config config;
    struct ev_loop *loop;
    struct rpc_socket socket, monitor;
    struct rpc_pipe *pipe; /* the socket's */
    struct loop_sock *watch, *monitor_watch;
    bool (*read_one)(void *client); /* what the watch calls: rpc_client.c reads */
    enum rpc_link_state link;
    bool broken; /* this connection is over: `soon` makes the next */
    bool told_up;
    bool leaving;           /* the server said shutting_down: what we send it, it refuses */
    bool told;              /* it has said that it will leave, but may serve us yet */
    bool held_up;           /* the pipe was full: later requests stand behind those that wait */
    bool batches, same_who; /* the server said that it reads them */
    bool refused;           /* a handshake failed, and the log says so */
    uint64_t last_id, hello_id;
    int64_t heard_us, greeted_us;
    struct rpc_waiting *first;  /* unanswered, in order */
    struct rpc_waiting *unsent; /* the first of them that this connection has not seen; behind it there are no others */
    struct rpc_waiting *ahead;  /* while `up` is called: what it calls goes out before this one */
    bool calling_up;
    size_t n_fresh, fresh_bytes; /* called since the last sending */
    struct rpc_batch out;
    zmq_msg_t in; /* a batch that is being read */
    struct str in_left;
    bool in_batch;
    struct rpc_waiting *by_id;
    struct rpc_waiting *ended; /* to be told on the next turn */
    size_t n_waiting, n_ended, waiting_bytes;
    struct metric *unanswered;
    struct rpc_waiting *wheel[WHEEL_SLOTS];
    int64_t wheel_at;    /* the last slot that was looked at, in slots since the clock's start */
    struct arena *arena; /* for heads and failures, emptied after each message */
    struct buf head;     /* scratch */
    ev_timer soon, tick, ping;
    struct before_sleep resume_end_turn;
    struct errand *resolve; /* while the address of our endpoint's name is asked for */
    ev_timer ask_again;
    bool nameless;       /* it had none the last time, and the log says so */
    char connected[300]; /* what ZeroMQ was given; "": nothing yet */
};

/* rpc_client_send.c */
void rpc_client_send_begin(struct rpc_client *client);
void rpc_client_send_end(struct rpc_client *client);
void rpc_client_send_again(struct rpc_client *client); /* the pipe may have room now, or the connection is new */

/* rpc_client_wait.c */
struct rpc_waiting *rpc_wait_add(
    struct rpc_client *client, const struct rpc_request *request, rpc_reply_fn *reply, void *arg);
struct rpc_waiting *rpc_wait_find(struct rpc_client *client, uint64_t id);
void rpc_wait_answer(struct rpc_client *client, struct rpc_waiting *waiting, enum err status, struct str body);
/* It ends without an answer: told on the loop's next turn. */
void rpc_wait_end(struct rpc_client *client, struct rpc_waiting *waiting, enum err status);
void rpc_wait_tell(struct rpc_client *client);
void rpc_wait_expire(struct rpc_client *client);
void rpc_wait_free(struct rpc_client *client);

/* rpc_client_link.c */
void rpc_link_open(struct rpc_client *client);
void rpc_link_close(struct rpc_client *client);
void rpc_link_break(struct rpc_client *client, const char *why); /* down at once, a new connection soon */
void rpc_link_replace(struct rpc_client *client);                /* what `soon` does about it */
bool rpc_link_send_hello(struct rpc_client *client);
bool rpc_link_greeted(struct rpc_client *client, enum err status, struct str body); /* true: it is up now */
enum put { PUT_SENT, PUT_FULL, PUT_REFUSED }; /* REFUSED: a head out of its bounds */
enum put rpc_link_put(struct rpc_client *client, const struct frame_request *head, zmq_msg_t *body);
enum put rpc_link_put_batch(struct rpc_client *client);
void rpc_link_ping(struct rpc_client *client);

/* rpc_client_name.c */
void rpc_name_connect(struct rpc_client *client); /* a new socket, to the endpoint or the address of its name */
void rpc_name_end(struct rpc_client *client);
