/* subscriber.c - a local socket and the rooms that it is in. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/invariant.h"
#include "services/gateway/rooms/rooms_private.h"

void subscriber_begin(struct subscriber *subscriber, struct rooms *rooms, struct sio_socket *socket, struct str subject)
{
    *subscriber = (struct subscriber){ .home = rooms, .socket = socket, .subject = subject };
}

void subscriber_end(struct subscriber *subscriber)
{
    subscriber_drop_states(subscriber);
    while (subscriber->n > 0) subscription_leave(subscriber->subscriptions[subscriber->n - 1]);
    mem_free(subscriber->subscriptions);
    subscriber->subscriptions = NULL;
    subscriber->cap = 0;
}

void subscriber_drained(struct subscriber *subscriber)
{
    subscriber_send_states(subscriber);
    for (size_t i = 0; i < subscriber->n; i++)
        if (subscriber->subscriptions[i]->state == SUBSCRIPTION_BEHIND)
            subscription_fetch(subscriber->subscriptions[i]);
}

static struct subscription *find_subscription(const struct subscriber *subscriber, struct id room_id)
{
    for (size_t i = 0; i < subscriber->n; i++)
        if (id_eq(subscriber->subscriptions[i]->room->id, room_id)) return subscriber->subscriptions[i];
    return NULL;
}

bool subscriber_is_in(const struct subscriber *subscriber, struct id room_id)
{
    return find_subscription(subscriber, room_id) != NULL;
}

static void append_subscription(struct subscription ***list, size_t *n, size_t *cap, struct subscription *subscription)
{
    *list = mem_one_more(*list, *n, cap, sizeof **list);
    (*list)[(*n)++] = subscription;
}

static struct subscription *add_subscription(struct subscriber *subscriber, struct local_room *room, uint32_t room_no)
{
    struct subscription *subscription = mem_zero(sizeof *subscription);

    subscription->subscriber = subscriber;
    subscription->room = room;
    subscription->in_room = room->n;
    subscription->in_subscriber = subscriber->n;
    subscription->start_seq = -1;
    subscription->room_no = room_no;
    subscriber->changes++;
    append_subscription(&room->subscriptions, &room->n, &room->cap, subscription);
    local_room_find_payer(room);
    append_subscription(&subscriber->subscriptions, &subscriber->n, &subscriber->cap, subscription);
    return subscription;
}

/* Where a room is not subscribed, its subscriptions are asked about when it is. */
static void begin_or_wait(struct subscription *subscription, struct membership membership)
{
    struct local_room *room = subscription->room;

    subscription->reads_after = membership.reads_after;
    subscription->sure = membership.stamp != 0 && membership.stamp == rooms_membership_stamp(room->home, room->id);
    if (!subscription->sure && room->subscribed) subscription_inquire(subscription);
    if (subscription->sure && room->seq >= 0)
        subscription_begin(subscription);
    else
        local_room_sync(room);
    CHECK_STEP(local_room_check(room));
}

/* A second join: a client that lost our answer.  If the first is still under way, it answers both alike: not yet.
 * Chat was asked again for it: a question that is on its way may be older, from before its subscriber became a member again. */
static void join_again(struct subscription *subscription, subscriber_joined_fn *joined, void *arg)
{
    if (subscription->inquiry != NULL) subscription_inquire(subscription);
    if (subscription->joined != NULL)
        joined(arg, ERR_CONFLICT, (struct joined_at){ 0 }, NULL);
    else
        joined(arg, OK, (struct joined_at){ subscription_newest_sent(subscription), subscription->first }, NULL);
}

/* A room that is listened to already costs chat no other place. */
static bool has_room_for_one_more(const struct subscriber *subscriber, struct id room_id)
{
    struct rooms *rooms = subscriber->home;

    if (subscriber->n >= rooms->bounds.of_socket) return false;
    return local_room_find(rooms, room_id) != NULL || rooms_have_room_for(rooms, subscriber);
}

void subscriber_join(struct subscriber *subscriber, struct id room_id, struct membership membership, int64_t since,
    subscriber_joined_fn *joined, void *arg)
{
    struct subscription *subscription = find_subscription(subscriber, room_id);

    if (subscription != NULL) {
        join_again(subscription, joined, arg);
        return;
    }
    enum err e =
        has_room_for_one_more(subscriber, room_id) ? sio_hold(subscriber->socket, SUBSCRIPTION_BYTES) : ERR_TOO_LARGE;
    if (e != OK) {
        joined(arg, e, (struct joined_at){ 0 }, NULL);
        return;
    }
    struct local_room *room = local_room_get(subscriber->home, room_id);
    subscription = add_subscription(subscriber, room, subscriber->next_room_no++);
    subscription->seq = since;
    subscription->joined = joined;
    subscription->arg = arg;
    begin_or_wait(subscription, membership);
}

void subscriber_resume(
    struct subscriber *subscriber, const struct room_start *start, struct membership membership, int64_t seq)
{
    struct local_room *room = local_room_get(subscriber->home, start->room);
    struct subscription *subscription = add_subscription(subscriber, room, start->room_no);
    sio_hold_anyway(subscriber->socket, SUBSCRIPTION_BYTES);

    subscription->start_seq = start->start_seq;
    subscription->seq = seq;
    begin_or_wait(subscription, membership);
}

bool subscriber_room_start(const struct subscriber *subscriber, size_t i, struct room_start *out)
{
    const struct subscription *subscription = subscriber->subscriptions[i];

    *out = (struct room_start){ subscription->room->id, subscription->room_no, subscription->start_seq };
    return subscription->start_seq >= 0;
}

bool subscriber_leave(struct subscriber *subscriber, struct id room_id)
{
    struct subscription *subscription = find_subscription(subscriber, room_id);

    if (subscription == NULL) return false;
    subscription_leave(subscription);
    return true;
}

void subscriber_review(struct subscriber *subscriber, bool (*may)(void *arg, struct id room_id), void *arg)
{
    for (size_t i = subscriber->n; i-- > 0;)
        if (!may(arg, subscriber->subscriptions[i]->room->id)) subscription_remove(subscriber->subscriptions[i]);
}
