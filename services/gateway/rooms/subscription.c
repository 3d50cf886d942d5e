/* subscription.c - one socket in one room: live, or on its way there through the store's log. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/base/log.h"
#include "services/gateway/methods.h"
#include "libshared/base/invariant.h"
#include "services/gateway/rooms/rooms_private.h"

struct subscription_fetch {
    struct rooms *rooms;
    struct subscription *subscription;
}; /* subscription NULL: it was left meanwhile */

static struct client *client_of(const struct subscription *subscription)
{
    return sio_user(subscription->subscriber->socket);
}

static void answer_join(struct subscription *subscription, enum err e, const struct rate_state *over)
{
    subscriber_joined_fn *joined = subscription->joined;
    struct joined_at at = { 0, 0 };

    subscription->joined = NULL;
    if (e == OK) at = (struct joined_at){ subscription->room->seq, subscription->first };
    if (joined != NULL) joined(subscription->arg, e, at, over);
}

void subscription_answer(struct subscription *subscription, enum err e)
{
    answer_join(subscription, e, NULL);
}

static void set_state(struct subscription *subscription, enum subscription_state state)
{
    struct local_room *room = subscription->room;

    if (subscription->state == SUBSCRIPTION_FETCHING && --room->fetching == 0) backlog_clear(&room->recent);
    if (state == SUBSCRIPTION_FETCHING) room->fetching++;
    subscription->state = state;
}

static void go_live(struct subscription *subscription)
{
    set_state(subscription, SUBSCRIPTION_LIVE);
    if (!subscription->entered) client_entered(client_of(subscription), subscription->room->id);
    subscription->entered = true;
    subscription_answer(subscription, OK);
}

/* A resumed subscription has a start that was verified, and may be ahead of the room's head as this gateway knows it.  A `since`
 * is only what a client says. */
void subscription_begin(struct subscription *subscription)
{
    if (subscription->start_seq < 0) {
        if (subscription->seq < 0 || subscription->seq > subscription->room->seq)
            subscription->seq = subscription->room->seq;
        subscription->start_seq = subscription->seq;
    }
    if (subscription->seq >= subscription->room->seq)
        go_live(subscription);
    else
        subscription_fetch(subscription);
}

void subscription_pause(struct subscription *subscription)
{
    subscription->seq = subscription_newest_sent(subscription);
    set_state(subscription, SUBSCRIPTION_BEHIND);
    metric_add(subscription->room->home->paused, 1);
}

/* What came live while the page was on its way: true if that closes the gap. */
static bool catch_up(struct subscription *subscription)
{
    const struct backlog *recent = &subscription->room->recent;

    if (recent->n > 0 && recent->at[0].seq <= subscription->seq + 1)
        for (size_t i = 0; i < recent->n; i++)
            if (recent->at[i].seq == subscription->seq + 1) {
                subscription_send(subscription, &recent->at[i]);
                subscription->seq++;
            }
    return subscription->seq >= subscription->room->seq;
}

/* What lies beyond the room's own seq will come live; what a slow socket can't take now, it is asked for again. */
static void send_page(struct subscription *subscription, const struct message_page *page)
{
    for (size_t i = 0; i < page->messages.len && !sio_is_slow(subscription->subscriber->socket); i++) {
        const struct message *message = &page->messages.at[i];
        if (message->seq <= subscription->seq || message->seq > subscription->room->seq) continue;
        struct entry_packets entry = entry_packets_make(message);
        subscription_send(subscription, &entry);
        entry_packets_drop(&entry);
        subscription->seq = message->seq;
    }
}

/* What it may read begins later than with what it asked for. */
static void skip_unreadable(struct subscription *subscription, int64_t after)
{
    if (after <= subscription->seq) return;
    subscription->seq = after < subscription->room->seq ? after : subscription->room->seq;
    if (subscription->entered) return;
    subscription->start_seq = subscription->seq;
    subscription->subscriber->changes++;
}

static void take_page(struct subscription *subscription, const struct message_page *page)
{
    int64_t before = subscription->seq;

    if (page->first > before + 1) subscription->first = page->first;
    skip_unreadable(subscription, page->after);
    send_page(subscription, page);
    if (sio_is_slow(subscription->subscriber->socket)) {
        set_state(subscription, SUBSCRIPTION_BEHIND);
    } else if (catch_up(subscription)) {
        go_live(subscription);
    } else if (subscription->seq > before) {
        subscription_fetch(subscription);
    } else {
        LOG_BOUNDED(ERROR, "gateway.log_gap", F_ID("room", subscription->room->id), F_INT("after", subscription->seq),
            F_INT("want", subscription->room->seq));
        go_live(subscription);
    }
    CHECK_STEP(local_room_check(subscription->room));
}

/* A join is answered with the error; a subscription that was live before stays behind until the next try. */
static void fetch_failed(struct subscription *subscription, enum err e, const struct rate_state *over)
{
    struct rooms *rooms = subscription->room->home;

    if (subscription->joined != NULL) {
        answer_join(subscription, e, over);
        subscription_leave(subscription);
        return;
    }
    set_state(subscription, SUBSCRIPTION_BEHIND);
    CHECK_STEP(local_room_check(subscription->room));
    if (!ev_is_active(&rooms->retry)) ev_timer_start(rooms->loop, &rooms->retry);
}

/* Over its rate a join with `since` is refused, wherever it is: its client has what came before.  A live subscription is owed what it
 * missed, and what that costs keeps it from reading other things. */
static bool pay_for_page(
    const struct subscription *subscription, const struct message_page *page, struct rate_state *over)
{
    bool paid = client_charge_missed(client_of(subscription), page->messages.len, over);

    return paid || subscription->joined == NULL;
}

static void on_page(void *arg, enum err status, struct str body)
{
    struct subscription_fetch *fetch = arg;
    struct rooms *rooms = fetch->rooms;
    struct subscription *subscription = fetch->subscription;
    struct message_page page = { 0 };
    struct rate_state over = { 0 };
    struct wire_error why;

    mem_free(fetch);
    if (subscription == NULL) return;
    subscription->fetch = NULL;
    if (status == OK) status = wire_decode(message_page_shape(), body, rooms->arena, &page, &why);
    if (status == OK && !pay_for_page(subscription, &page, &over)) status = ERR_RATE_LIMITED;
    if (status == OK)
        take_page(subscription, &page);
    else
        fetch_failed(subscription, status, over.name != NULL ? &over : NULL);
    arena_reset(rooms->arena);
}

void subscription_fetch(struct subscription *subscription)
{
    struct rooms *rooms = subscription->room->home;

    assert(subscription->fetch == NULL);
    set_state(subscription, SUBSCRIPTION_FETCHING);
    subscription->fetch = mem_alloc(sizeof *subscription->fetch);
    *subscription->fetch = (struct subscription_fetch){ rooms, subscription };
    method_ask_for(rooms->store, M_store_log_since, subscription->subscriber->subject,
        &(struct log_query){ .room = subscription->room->id,
            .after = subscription->seq,
            .limit = FETCH_LIMIT,
            .reads_after = subscription->reads_after },
        on_page, subscription->fetch);
}

static void detach_subscription(struct subscription *subscription)
{
    struct local_room *room = subscription->room;
    struct subscriber *subscriber = subscription->subscriber;

    room->subscriptions[subscription->in_room] = room->subscriptions[--room->n];
    room->subscriptions[subscription->in_room]->in_room = subscription->in_room;
    for (size_t i = subscription->in_subscriber + 1; i < subscriber->n; i++) {
        subscriber->subscriptions[i - 1] = subscriber->subscriptions[i];
        subscriber->subscriptions[i - 1]->in_subscriber = i - 1;
    }
    subscriber->n--;
    subscriber->changes++;
    local_room_find_payer(room);
    sio_release(subscriber->socket, SUBSCRIPTION_BYTES);
}

void subscription_leave(struct subscription *subscription)
{
    struct local_room *room = subscription->room;

    subscription_answer(subscription, ERR_SHUTTING_DOWN);
    if (subscription->entered) client_left(client_of(subscription), room->id);
    set_state(subscription, SUBSCRIPTION_WAITING);
    if (subscription->fetch != NULL) subscription->fetch->subscription = NULL;
    subscription_forget_inquiry(subscription);
    detach_subscription(subscription);
    mem_free(subscription);
    CHECK_STEP(local_room_check(room));
    local_room_close_if_empty(room);
}

static void tell_removed(const struct subscription *subscription)
{
    char room_id[ID_TEXT_BYTES + 1];
    struct buf json = BUF(4096);
    struct access_change change = { .room = subscription->room->id, .subject = subscription->subscriber->subject };

    id_format(subscription->room->id, room_id);
    enum err e = wire_write_json(access_change_shape(), &change, &json);
    assert(e == OK);
    sio_emit(subscription->subscriber->socket, "room:removed", buf_str(&json));
    LOG(INFO, "gateway.room_removed", F_TEXT("room", room_id), F_STR("subject", subscription->subscriber->subject));
    buf_free(&json);
}

void subscription_remove(struct subscription *subscription)
{
    if (subscription->joined != NULL)
        subscription_answer(subscription, ERR_FORBIDDEN);
    else
        tell_removed(subscription);
    subscription_leave(subscription);
}
