/* feed_alert.c - operators are told that a consumer is late. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "libshared/rpc/rpc_client.h"
#include "services/store/feeds/feeds_private.h"

#define BODY_BYTES 1024

/* What auth has not heard is said again a minute later, as long as the consumer is late. */
static void on_told(void *arg, enum err status, struct str body)
{
    (void)arg, (void)body;
    if (status != OK) LOG_BOUNDED(WARN, "feed.untold", F_STR("code", str_of(err_code(status))));
}

void feed_tell_operators(struct store *store, const char *feed, int64_t late_ms)
{
    char detail[100];
    struct buf body = BUF(BODY_BYTES);

    snprintf(detail, sizeof detail, "%s: %" PRId64 " s", feed, late_ms / 1000);
    const struct alert_news news = { .id = id_new(), .kind = STR("feed_late"), .detail = str_of(detail), .times = 1 };
    enum err e = wire_encode(alert_news_shape(), &news, &body);

    assert(e == OK); /* within its bounds */
    (void)e;
    rpc_client_call(directory_auth(store->directory),
        &(struct rpc_request){ .method = "alert.report", .safe = true, .body = buf_str(&body) }, on_told, NULL);
    buf_free(&body);
}
