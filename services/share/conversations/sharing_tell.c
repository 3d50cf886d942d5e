/* sharing_tell.c - chat hears whether somebody shares something with another, who is told of it; a job. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/rpc/rpc_client.h"
#include "services/share/conversations/conversations_private.h"

#define BODY_BYTES 2048 /* a sharing_news, by the bounds of its fields */

enum err sharing_put_news(struct call *call, struct str owner, struct str subject)
{
    const struct sharing_news news = { .by = owner, .subject = subject };
    struct str key = arena_printf(call->arena, "%zu %.*s %.*s", owner.len, STR_ARG(owner), STR_ARG(subject));

    return job_put(call, &sharing_tell_job, key, &news, 0);
}

struct telling {
    struct share *share;
    struct call *call;
    struct job_run *run;
    struct sharing_news news;
};

static void on_told(void *arg, enum err status, struct str body)
{
    (void)body;
    job_done(((struct telling *)arg)->run, status);
}

/* What is so now, whatever it was when this was put. */
struct newest {
    int64_t at;
};
static const struct wire_field newest_fields[] = { ROW_FIELD(struct newest, at, TIME), ROW_END };
static const struct wire_shape newest_shape = { "newest", "", sizeof(struct newest), newest_fields };

static const char NEWEST[] = "SELECT max(p.since) AS at FROM sharing p JOIN conversation c ON c.id = p.conversation"
                             " WHERE p.subject = $1 AND c.owner = $2 AND " CONVERSATION_IS_SHARED;

static enum err find_newest(struct pg *pg, struct arena *arena, void *arg)
{
    struct telling *telling = arg;
    struct newest newest = { 0 };

    TRY(pg_one(
        pg, arena, &newest_shape, &newest, NEWEST, PG_ARGS(pg_text(telling->news.subject), pg_text(telling->news.by))));
    telling->news.at = newest.at;
    return OK;
}

static void on_newest(void *arg, enum err e)
{
    struct telling *telling = arg;
    struct buf body = BUF(BODY_BYTES);

    if (e != OK) {
        job_done(telling->run, e);
        return;
    }
    e = wire_encode(sharing_news_shape(), &telling->news, &body);
    assert(e == OK); /* within its bounds */
    rpc_client_call(telling->share->chat,
        &(struct rpc_request){
            .method = "sharing.note", .safe = true, .trace = telling->call->trace, .body = buf_str(&body) },
        on_told, telling);
    buf_free(&body);
}

void sharing_tell(struct call *call, const struct job *job, const struct sharing_news *payload, struct job_run *run)
{
    struct telling *telling = arena_zero(call->arena, sizeof *telling);

    (void)job;
    *telling = (struct telling){ .share = call->context, .call = call, .run = run, .news = *payload };
    if (!rpc_server_work(telling->share->server, STR(""), find_newest, on_newest, telling))
        job_done(run, ERR_OVERLOADED);
}
