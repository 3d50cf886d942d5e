/* loop_post.c - work handed to the loop from other threads. */
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>

#include "libshared/base/arena.h"
#include "libshared/base/turn.h"
#include "libshared/rpc/loop.h"

struct posted {
    void (*run)(void *);
    void *arg;
};
struct posted_list {
    struct posted *at;
    size_t len, cap;
};

struct loop_post {
    struct ev_loop *loop;
    ev_async wake;
    pthread_mutex_t lock;
    struct posted_list filling, running; /* swapped, so that posters never wait for what runs */
};

static void run_all(struct loop_post *post)
{
    pthread_mutex_lock(&post->lock);
    struct posted_list list = post->filling;
    post->filling = post->running;
    post->filling.len = 0;
    post->running = (struct posted_list){ 0 };
    pthread_mutex_unlock(&post->lock);

    struct turn_span span = turn_enter();
    for (size_t i = 0; i < list.len; i++) list.at[i].run(list.at[i].arg);
    turn_leave(span, STR("other_threads"));

    mem_free(post->running.at);
    post->running = list;
}

static void on_wake(struct ev_loop *loop, ev_async *wake, int revents)
{
    (void)loop, (void)revents;
    run_all(wake->data);
}

struct loop_post *loop_post_create(struct ev_loop *loop)
{
    struct loop_post *post = mem_zero(sizeof *post);
    post->loop = loop;
    pthread_mutex_init(&post->lock, NULL);
    ev_async_init(&post->wake, on_wake);
    post->wake.data = post;
    ev_async_start(loop, &post->wake);
    return post;
}

void loop_post_destroy(struct loop_post **post)
{
    struct loop_post *p = *post;
    if (p == NULL) return;
    while (p->filling.len > 0) run_all(p);
    ev_async_stop(p->loop, &p->wake);
    pthread_mutex_destroy(&p->lock);
    mem_free(p->filling.at);
    mem_free(p->running.at);
    mem_free(p);
    *post = NULL;
}

void loop_post_run(struct loop_post *post, void (*run)(void *), void *arg)
{
    pthread_mutex_lock(&post->lock);
    struct posted_list *list = &post->filling;
    list->at = mem_one_more(list->at, list->len, &list->cap, sizeof *list->at);
    list->at[list->len++] = (struct posted){ run, arg };
    pthread_mutex_unlock(&post->lock);
    ev_async_send(post->loop, &post->wake);
}
