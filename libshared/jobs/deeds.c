/* deeds.c - an operator's deed as a job, which tells auth of it until auth has written it down. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/jobs/deeds.h"

#include <assert.h>

#include "libshared/rpc/rpc_client.h"

#define DETAIL_BYTES 16384 /* proto/common.def: audit_deed.detail */
#define DEED_BYTES   32768 /* an audit_deed, by the bounds of its fields */

enum err deed_put_once(struct call *call, const struct job_kind *kind, struct id id, const char *what,
    struct str target, const struct wire_shape *shape, const void *detail)
{
    char key[ID_TEXT_BYTES + 1];
    struct buf json = BUF(DETAIL_BYTES);
    enum err e = wire_write_json(shape, detail, &json);

    id_format(id, key);
    const struct audit_deed deed = { .id = id,
        .at = call->now,
        .who = call->who->sub.len > 0 ? call->who->sub : call->peer_name,
        .what = str_of(what),
        .target = target,
        .detail = buf_str(&json) };
    call_note(call, F_STR("target", target));
    if (e == OK) e = job_put(call, kind, str_of(key), &deed, 0);
    buf_free(&json);
    return e;
}

enum err deed_put(struct call *call, const struct job_kind *kind, const char *what, struct str target,
    const struct wire_shape *shape, const void *detail)
{
    return deed_put_once(call, kind, id_new(), what, target, shape, detail);
}

enum err deed_put_room(struct call *call, const struct job_kind *kind, const char *what, struct id room,
    const struct wire_shape *shape, const void *detail)
{
    char target[ID_TEXT_BYTES + 1];

    id_format(room, target);
    return deed_put(call, kind, what, arena_str(call->arena, str_of(target)), shape, detail);
}

/* No answer of auth ends the job: an entry that is refused today is there when what refuses it has been put right. */
static void on_noted(void *arg, enum err status, struct str body)
{
    (void)body;
    if (status != OK) LOG_BOUNDED(ERROR, "audit.untold", F_STR("code", str_of(err_code(status))));
    job_done(arg, status == OK ? OK : ERR_UNAVAILABLE);
}

void deed_tell(struct rpc_client *auth, struct call *call, const struct audit_deed *deed, struct job_run *run)
{
    struct buf body = BUF(DEED_BYTES);
    enum err e = wire_encode(audit_deed_shape(), deed, &body);

    assert(e == OK); /* it was read within its bounds */
    (void)e;
    rpc_client_call(auth,
        &(struct rpc_request){ .method = "audit.note", .safe = true, .trace = call->trace, .body = buf_str(&body) },
        on_noted, run);
    buf_free(&body);
}
