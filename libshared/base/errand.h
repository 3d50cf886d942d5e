/*
 * errand.h - what would hold a loop up, done on a thread of its own while the loop goes on.
 *
 *      loop    errand_begin ............................ done(arg, work)
 *      thread        run(work): may wait as long as it likes
 *
 * The owner of an errand may leave before it is done: errand_end(), and the last to leave, loop or thread, discards the work.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

struct ev_loop;
struct errand;

struct errand_kind {
    void (*run)(void *work);             /* on the thread */
    void (*done)(void *arg, void *work); /* on the loop, once and later; errand_end() is still to be called */
    void (*discard)(void *work);         /* on either */
};

/* NULL: there can be no further thread; the work is discarded. */
struct errand *errand_begin(struct ev_loop *loop, const struct errand_kind *kind, void *work, void *arg);
/* `done` is not called any more.  NULL is fine. */
void errand_end(struct errand **errand);
