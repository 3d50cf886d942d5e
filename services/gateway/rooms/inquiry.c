/*
 * inquiry.c - whether those who have a subscription are still members of the room.
 *
 *      unsure --asked--> sure, until chat's pipe is lost --> unsure
 *                  \--> no member: the subscription is taken away
 *
 * Chat tells a gateway that a membership ended once that gateway listens to the room, and not before.  So each subscription is
 * asked about when the listening has begun, and again when it has begun anew.  One question is for all that wait for one.
 */
// SPDX-License-Identifier: Apache-2.0
#include <utlist.h>

#include "libshared/base/invariant.h"
#include "services/gateway/methods.h"
#include "services/gateway/rooms/rooms_private.h"

#define SUBSCRIPTIONS_MAX 1000 /* subscriptions in one question: the bound of access_queries */
#define QUESTIONS_MAX     4    /* at a time */

struct inquiry {
    struct rooms *rooms;
    struct inquiry *prev, *next; /* among those that wait to be asked */
    size_t n;
    struct subscription *subscriptions[SUBSCRIPTIONS_MAX]; /* NULL: left, or asked about anew */
};

void subscription_forget_inquiry(struct subscription *subscription)
{
    if (subscription->inquiry != NULL) subscription->inquiry->subscriptions[subscription->in_inquiry] = NULL;
    subscription->inquiry = NULL;
}

static struct inquiry *get_open_inquiry(struct rooms *rooms)
{
    struct inquiry *last = rooms->inquiries != NULL ? rooms->inquiries->prev : NULL;

    if (last != NULL && last->n < SUBSCRIPTIONS_MAX) return last;
    last = mem_alloc(sizeof *last);
    last->rooms = rooms;
    last->n = 0;
    DL_APPEND(rooms->inquiries, last);
    return last;
}

static void add_subscription(struct inquiry *inquiry, struct subscription *subscription)
{
    subscription->inquiry = inquiry;
    subscription->in_inquiry = inquiry->n;
    inquiry->subscriptions[inquiry->n++] = subscription;
}

/* A question that is on its way already may be answered with what was before. */
void subscription_inquire(struct subscription *subscription)
{
    struct rooms *rooms = subscription->room->home;

    subscription_forget_inquiry(subscription);
    subscription->sure = false;
    add_subscription(get_open_inquiry(rooms), subscription);
    if (!ev_is_active(&rooms->inquire)) ev_timer_start(rooms->loop, &rooms->inquire);
}

/* While the room was not listened to again, an answer may be outdated already: the subscription is asked about when it is. */
static void take_role(struct subscription *subscription, const struct room_role *found)
{
    if (found->role.len == 0) {
        subscription_remove(subscription);
        return;
    }
    subscription->reads_after = found->reads_after;
    subscription->sure = subscription->room->subscribed;
    if (subscription->sure && subscription->state == SUBSCRIPTION_WAITING && subscription->room->seq >= 0)
        subscription_begin(subscription);
    CHECK_STEP(local_room_check(subscription->room));
}

/* A join is answered with the error; a subscription that was let in before stays until the next try. */
static void inquiry_failed(struct subscription *subscription, enum err e)
{
    struct rooms *rooms = subscription->room->home;

    if (subscription->joined != NULL) {
        subscription_answer(subscription, e);
        subscription_leave(subscription);
    } else if (!ev_is_active(&rooms->retry)) {
        ev_timer_start(rooms->loop, &rooms->retry);
    }
}

static bool is_answer_to(const struct inquiry *inquiry, const struct room_roles *found)
{
    if (found->roles.len != inquiry->n) return false;
    for (size_t i = 0; i < inquiry->n; i++)
        if (inquiry->subscriptions[i] != NULL && !id_eq(inquiry->subscriptions[i]->room->id, found->roles.at[i].room))
            return false;
    return true;
}

static void ask_waiting(struct rooms *rooms);

/* What becomes of one subscription may end another's. */
static void on_roles(void *arg, enum err status, struct str body)
{
    struct inquiry *inquiry = arg;
    struct rooms *rooms = inquiry->rooms;
    struct room_roles found = { 0 };
    struct wire_error why;

    if (status == OK) status = wire_decode(room_roles_shape(), body, rooms->arena, &found, &why);
    if (status == OK && !is_answer_to(inquiry, &found)) status = ERR_INTERNAL;
    for (size_t i = 0; i < inquiry->n; i++) {
        struct subscription *subscription = inquiry->subscriptions[i];
        if (subscription == NULL) continue;
        subscription_forget_inquiry(subscription);
        if (status == OK)
            take_role(subscription, &found.roles.at[i]);
        else
            inquiry_failed(subscription, status);
    }
    mem_free(inquiry);
    arena_reset(rooms->arena);
    rooms->inquiring--;
    ask_waiting(rooms);
}

static void drop_empty_places(struct inquiry *inquiry)
{
    size_t n = inquiry->n;

    inquiry->n = 0;
    for (size_t i = 0; i < n; i++)
        if (inquiry->subscriptions[i] != NULL) add_subscription(inquiry, inquiry->subscriptions[i]);
}

static void ask_chat(struct inquiry *inquiry)
{
    struct access_query *asked = mem_alloc(inquiry->n * sizeof *asked);

    for (size_t i = 0; i < inquiry->n; i++)
        asked[i] = (struct access_query){ inquiry->subscriptions[i]->room->id,
            inquiry->subscriptions[i]->subscriber->subject };
    inquiry->rooms->inquiring++;
    method_ask(inquiry->rooms->chat, M_chat_member_roles, &(struct access_queries){ { asked, inquiry->n } }, on_roles,
        inquiry);
    mem_free(asked);
}

static void ask_waiting(struct rooms *rooms)
{
    while (rooms->inquiries != NULL && rooms->inquiring < QUESTIONS_MAX) {
        struct inquiry *inquiry = rooms->inquiries;
        DL_DELETE(rooms->inquiries, inquiry);
        drop_empty_places(inquiry);
        if (inquiry->n > 0)
            ask_chat(inquiry);
        else
            mem_free(inquiry);
    }
}

/* A turn of the loop later: whoever subscribes in the meantime is in the same question. */
static void on_inquire(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    ask_waiting(timer->data);
}

void rooms_inquire_init(struct rooms *rooms)
{
    ev_timer_init(&rooms->inquire, on_inquire, 0., 0.);
    rooms->inquire.data = rooms;
}

void rooms_inquire_stop(struct rooms *rooms)
{
    struct inquiry *inquiry, *next;

    ev_timer_stop(rooms->loop, &rooms->inquire);
    DL_FOREACH_SAFE(rooms->inquiries, inquiry, next) mem_free(inquiry);
}
