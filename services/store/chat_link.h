/* chat_link.h - the pipe to chat: questions, publications, and the changes that chat tells.  Loop thread only. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_client.h"

struct chat_link;
struct access_cache;

struct chat_link_config {
    const char *endpoint, *key_dir;
    int64_t budget_ms; /* of one question, and of one publication */
    size_t pending_max;
    void (*lines)(void *arg); /* chat may have lines for the logs */
    void *arg;
};

/* access_cache is told of changes. */
struct chat_link *chat_link_create(
    struct ev_loop *loop, struct access_cache *access, const struct chat_link_config *config);
void chat_link_destroy(struct chat_link **link); /* what is unanswered ends with shutting_down */
bool chat_link_is_up(const struct chat_link *link);

/* `done` comes later, once. */
void chat_link_ask(struct chat_link *link, const struct access_query *query, rpc_reply_fn *done, void *arg);
void chat_link_readable(struct chat_link *link, const struct readable_query *query, rpc_reply_fn *done, void *arg);
/* Something may have been committed that nobody publishes: chat is told until it has heard.  A new link begins with
 * that, as the store before us may have died between a commit and its publication. */
void chat_link_recheck(struct chat_link *link);
/* Of a room that a file brings. */
void chat_link_arrival(struct chat_link *link, const struct room_arrival *arrival, rpc_reply_fn *done, void *arg);
void chat_link_export(struct chat_link *link, const struct export_question *question, rpc_reply_fn *done, void *arg);
void chat_link_hook(struct chat_link *link, const struct hook_code *code, rpc_reply_fn *done, void *arg);
void chat_link_publish(struct chat_link *link, const struct publication *publication, rpc_reply_fn *done, void *arg);
void chat_link_take_lines(struct chat_link *link, const struct line_query *query, rpc_reply_fn *done, void *arg);
void chat_link_absent(struct chat_link *link, const struct access_queries *who, rpc_reply_fn *done, void *arg);
void chat_link_keeping(struct chat_link *link, const struct log_begins *logs, rpc_reply_fn *done, void *arg);
/* A feed_batch, to a method that takes one. */
void chat_link_feed(struct chat_link *link, const char *method, struct str batch, rpc_reply_fn *done, void *arg);
void chat_link_flush(struct chat_link *link); /* what was asked and published leaves now, not at the end of the turn */
