/* room_cast.c - a back end's ephemeral event, carried to a room's listeners; its policy has allowed it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/event_names.h"
#include "libshared/wire/json_set.h"
#include "libshared/wire/json_text.h"
#include "services/chat/chat.h"

#define ARGS_BYTES_MAX 65536 /* as relay.args has it */

struct cast {
    struct rpc_later *later;
    const struct room_event *event;
};

/* An object gets the sender, whatever it said itself; without data an object is made.  Other data are passed on as they are. */
static enum err put_data(struct str data, struct str sender, struct buf *args)
{
    struct buf json = BUF(ARGS_BYTES_MAX);
    enum err e = data.at != NULL ? wire_any_to_json(data, &json) : OK;

    if (e == OK && data.at == NULL) buf_add_str(&json, STR("{}"));
    if (e == OK && json.len > 0 && json.at[0] == '{')
        e = json_set_text(buf_str(&json), "sender", sender, args) ? OK : ERR_INTERNAL;
    else
        buf_add_str(args, buf_str(&json));
    buf_free(&json);
    return e;
}

/* ["name",data]: the packet's array as a client would have sent it. */
static enum err put_args(const struct room_event *event, struct str sender, struct buf *args)
{
    buf_add_char(args, '[');
    json_put_text(args, event->event);
    buf_add_char(args, ',');
    TRY(put_data(event->data, sender, args));
    buf_add_char(args, ']');
    return args->over ? ERR_TOO_LARGE : OK;
}

static void on_carried(void *arg, enum err e)
{
    const struct cast *cast = arg;
    struct nothing rep;

    rpc_later_done(cast->later, e, &rep);
}

static void carry_event(struct cast *cast, struct call *call)
{
    struct buf args = BUF(ARGS_BYTES_MAX);
    enum err e = put_args(cast->event, call->who->sub, &args);
    const struct relay relay = { .room = cast->event->room,
        .namespace = rooms_namespace(),
        .event = cast->event->event,
        .args = arena_str(call->arena, buf_str(&args)) };

    buf_free(&args);
    if (e == OK)
        relay_carry(call, &relay, on_carried, cast);
    else
        on_carried(cast, call_fail(call, e, "data: is larger than its bound as JSON"));
}

/* Whether the sender is a member does not matter; whether the room exists does. */
static void on_access(void *arg, enum err e, struct member_access access)
{
    struct cast *cast = arg;
    struct call *call = rpc_later_call(cast->later);

    (void)access;
    if (e == OK)
        carry_event(cast, call);
    else
        on_carried(cast, e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such room") : e);
}

void room_cast(struct call *call, const struct room_event *req, struct rpc_later *later)
{
    struct nothing rep;
    if (!event_is_free(req->event)) {
        rpc_later_done(later,
            call_fail(call, ERR_INVALID_ARGUMENT,
                "event: is a name that the server keeps for itself, or has characters that are not seen"),
            &rep);
        return;
    }
    struct cast *cast = arena_zero(call->arena, sizeof *cast);

    *cast = (struct cast){ later, req };
    member_cache_ask(
        ((struct chat *)call->context)->member_cache, call->server, req->room, call->who->sub, on_access, cast);
}
