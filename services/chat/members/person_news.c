/* person_news.c - what others see of a user has changed: who shares a room with them is to hear it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/chat/chat.h"

#define USERS_MAX 500 /* proto/common.def: users_page.users */
#define ROOMS_MAX 200 /* proto/chat.def: person_news.rooms */

/* Somebody's rooms, the newest first. */
struct whereabouts {
    struct id id;
    struct id_list rooms;
};
struct whereabouts_list {
    struct whereabouts *at;
    size_t len;
};
static const struct wire_field whereabouts_fields[] = {
    ROW_FIELD(struct whereabouts, id, ID),
    ROW_FIELD(struct whereabouts, rooms, IDS),
    ROW_END,
};
static const struct wire_shape whereabouts_shape = { "whereabouts", "", sizeof(struct whereabouts),
    whereabouts_fields };

struct news_list {
    struct person_news *at;
    size_t len;
};

static const char ROOMS[] =
    "SELECT c.id, r.rooms FROM unnest($1::uuid[]) WITH ORDINALITY AS c (id, n), LATERAL (SELECT array(SELECT room_id "
    "FROM"
    " member WHERE subject = c.id::text ORDER BY room_id DESC LIMIT $2) AS rooms) r WHERE r.rooms <> '{}' ORDER BY c.n";

/* Nobody is seen any more who is not active. */
static struct person_change change_of(const struct user_state *user)
{
    if (!str_is(user->state, "active")) return (struct person_change){ .id = user->id };
    return (struct person_change){ user->id, user->nickname, user->name, user->avatar };
}

static const struct user_state *find_user(struct user_state_list users, struct id id)
{
    for (size_t i = 0; i < users.len; i++)
        if (id_eq(users.at[i].id, id)) return &users.at[i];
    return NULL;
}

static struct person_news news_of(struct arena *arena, struct user_state_list changed, const struct whereabouts *where)
{
    struct person_change *person = arena_zero(arena, sizeof *person);

    *person = change_of(find_user(changed, where->id));
    return (struct person_news){ person, where->rooms };
}

enum err person_news_look(struct pg *pg, struct arena *arena, struct user_state_list changed, void **found)
{
    struct whereabouts_list where = { NULL, 0 };
    struct news_list *news = arena_zero(arena, sizeof *news);

    TRY(pg_all(pg, arena, &whereabouts_shape, &where, USERS_MAX, ROOMS,
        PG_ARGS(pg_ids(arena, IDS_OF(arena, changed, id)), pg_int(ROOMS_MAX))));
    news->at = arena_alloc(arena, where.len * sizeof *news->at + 1);
    for (size_t i = 0; i < where.len; i++) news->at[news->len++] = news_of(arena, changed, &where.at[i]);
    *found = news;
    return OK;
}

/* Each gateway knows which of the rooms it has, whichever process of chat has them. */
void person_news_tell(void *context, const void *found)
{
    struct chat *chat = context;
    const struct news_list *news = found;

    for (size_t i = 0; i < news->len; i++) {
        struct rpc_event *event =
            rpc_event_create((struct id){ { 0 } }, 0, "person.changed", person_news_shape(), &news->at[i]);
        rpc_event_send_all(chat->server, "gateway", event);
        rpc_event_destroy(&event);
    }
}
