/*
 * loop.h - a ZeroMQ socket on a libev loop, and work handed to the loop from other threads.
 *
 * ZeroMQ's descriptor is edge-triggered and lies unless its events are asked after every send and receive;
 * this is the one place that knows.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

struct loop_sock;

/* Call `read_one(arg)` while the raw ZeroMQ socket may have a message; it reads one, and says false when there was none or
 * it wants no more.  What comes in a turn of the loop is bounded in number and time: the rest has the next turn, in its
 * order, so that timers and other descriptors have theirs. */
struct loop_sock *loop_sock_create(struct ev_loop *loop, void *zmq_socket, bool (*read_one)(void *), void *arg);
void loop_sock_destroy(struct loop_sock **sock);
void loop_sock_nudge(struct loop_sock *sock); /* after sending outside of `read_one` */

/* A queue of functions to run on the loop thread, from any thread.  Unbounded by itself: each poster is bounded. */
struct loop_post;
struct loop_post *loop_post_create(struct ev_loop *loop);
void loop_post_destroy(struct loop_post **post);
void loop_post_run(struct loop_post *post, void (*run)(void *), void *arg);
