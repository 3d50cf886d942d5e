/* mentions_follow.c - who is mentioned follows from entries: see mentions.h and activity.h. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/chat/activity/activity.h"
#include "services/chat/mentions/mentions.h"
#include "services/chat/own/own.h"

#define TOLD_MAX 10000 /* ten names in each of 200 entries, and as many that are named no more */

/* What a message says now of whom it names. */
struct naming {
    struct id room;
    int64_t seq, at;
    struct str sender, names;
};
struct naming_list {
    struct naming *at;
    size_t len;
};

/* What is done to it in the same piece says it anew. */
static void put_naming(struct naming_list *list, size_t first_of_room, struct naming naming)
{
    for (size_t i = first_of_room; i < list->len; i++)
        if (list->at[i].seq == naming.seq) {
            list->at[i] = naming;
            return;
        }
    list->at[list->len++] = naming;
}

/* A message that is read again, as it is now. */
static bool read_released(const struct message *entry, const struct feed_release_list *released, struct naming *out)
{
    size_t i = 0;

    while (i < released->len && !(released->at[i].seq == entry->target && id_eq(released->at[i].room, entry->room)))
        i++;
    if (i == released->len) return false;
    const struct feed_release *is = &released->at[i];
    *out = (struct naming){ .room = is->room, .seq = is->seq, .at = is->at, .sender = is->sender, .names = is->body };
    return true;
}

static bool read_entry(const struct message *entry, const struct feed_release_list *released, struct naming *out)
{
    bool is_message = entry->kind.len == 0, is_edit = str_is(entry->kind, "message:edit");
    bool is_withheld = str_is(entry->kind, "message:withhold");

    if (str_is(entry->kind, "message:release")) return read_released(entry, released, out);
    *out = (struct naming){ .room = entry->room,
        .seq = is_message ? entry->seq : entry->target,
        .at = is_message ? entry->at
              : is_edit  ? entry->target_at
                         : 0,
        .sender = entry->sender,
        .names = is_withheld ? STR("") : entry->body };
    return is_message || is_edit || is_withheld || str_is(entry->kind, "message:delete");
}

static struct naming_list read_entries(struct call *call, const struct activity_news *news)
{
    struct naming_list list = { NULL, 0 };
    size_t n = 0;

    for (size_t i = 0; i < news->n; i++) n += news->rooms[i].n;
    list.at = arena_alloc(call->arena, n * sizeof *list.at + 1);
    for (size_t i = 0; i < news->n; i++) {
        size_t first = list.len;
        for (size_t k = 0; k < news->rooms[i].n; k++) {
            struct naming naming;
            if (read_entry(&news->rooms[i].entries[k], news->released, &naming)) put_naming(&list, first, naming);
        }
    }
    return list;
}

/* Roles that may mention everybody. */
static struct str_list roles_of(struct arena *arena)
{
    struct str_list roles = { arena_alloc(arena, ROLES_END * sizeof *roles.at), 0 };

    for (enum role role = ROLE_none + 1; role < ROLES_END; role++)
        if (room_role_may(role, MAY_mention_all)) roles.at[roles.len++] = room_role_name(role);
    return roles;
}

/* Of plans only those that look rows up, as this is prepared while the tables are short. */
static const char LOOK_UP[] =
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true)";
/* Of each name the longest beginning that is a member's.  Who is told: who is mentioned now and was not, or the other way round; of `@here`, which
 * has a row without a subject, as everybody's, mention_spread() finds out who that is; so it does when `@room` takes its place, or the other way round. */
static const char KEEP[] =
    "WITH naming AS MATERIALIZED (SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[],"
    "  $5::text[]) AS n (room_id, seq, at, sender, names)),"
    " named AS MATERIALIZED (SELECT n.*, u.name, name_key(u.name) AS key, name_key(left(u.name, 4)) = 'here' AS here,"
    "  name_key(left(u.name, 4)) IN ('room', 'here') AND name_ends(u.name, 4) AND (EXISTS (SELECT FROM member m"
    "   WHERE m.room_id = n.room_id AND m.subject = n.sender AND m.role = ANY ($6))"
    "   OR hook_mentions_all(n.room_id, n.sender)) AS is_all"
    "  FROM naming n, unnest(string_to_array(n.names, E'\\n')) AS u (name) WHERE n.at IS NOT NULL),"
    " meant AS MATERIALIZED (SELECT DISTINCT n.room_id, n.seq, n.at, n.sender, who.subject, false AS here"
    "  FROM named n"
    "  CROSS JOIN LATERAL (SELECT m.subject FROM (SELECT d.subject, i FROM generate_series(1, char_length(n.key)) i"
    "    CROSS JOIN LATERAL (SELECT subject FROM directory WHERE name_key(nickname) = left(n.key, i) LIMIT 1) d"
    "    WHERE name_ends(n.key, i)"
    "    UNION ALL SELECT left(n.name, i), i FROM generate_series(1, char_length(n.name)) i"
    "    WHERE name_ends(n.name, i)) found CROSS JOIN LATERAL (SELECT subject FROM member"
    "     WHERE room_id = n.room_id AND subject = found.subject LIMIT 1) m ORDER BY found.i DESC LIMIT 1) who"
    "  WHERE NOT n.is_all AND who.subject <> n.sender"
    "  UNION SELECT room_id, seq, at, sender, '', bool_and(here) FROM named WHERE is_all"
    "   GROUP BY room_id, seq, at, sender),"
    " ended AS (DELETE FROM mention o USING naming n WHERE o.room_id = n.room_id AND o.seq = n.seq AND NOT EXISTS"
    "  (SELECT FROM meant WHERE room_id = o.room_id AND seq = o.seq AND subject = o.subject)"
    "  AND (o.subject = '' OR NOT o.here) RETURNING o.room_id, o.subject, o.sender, o.seq, o.here AS spreads),"
    " begun AS (INSERT INTO mention AS o (room_id, seq, at, sender, subject, here) SELECT * FROM meant"
    "  ON CONFLICT (room_id, subject, seq) DO UPDATE SET here = EXCLUDED.here"
    "   WHERE o.subject = '' AND o.here <> EXCLUDED.here"
    "  RETURNING o.room_id, o.subject, o.sender, o.seq, o.here OR o.xmax <> 0 AS spreads, o.xmax <> 0 AS is_other)"
    " SELECT DISTINCT room_id AS room, subject, CASE WHEN spreads THEN seq ELSE 0 END AS here FROM (TABLE ended"
    "  UNION ALL SELECT room_id, subject, sender, seq, spreads FROM begun"
    "  UNION ALL SELECT room_id, subject, sender, seq, false FROM begun WHERE is_other) told"
    " WHERE NOT blocks(subject, sender) ORDER BY room_id, subject, here";

struct told {
    struct id room;
    struct str subject;
    int64_t here; /* of `@here`: the message */
};
struct told_list {
    struct told *at;
    size_t len;
};
static const struct wire_field told_fields[] = {
    ROW_FIELD(struct told, room, ID),
    ROW_FIELD(struct told, subject, TEXT),
    ROW_FIELD(struct told, here, INT),
    ROW_END,
};
static const struct wire_shape told_shape = { "told", "", sizeof(struct told), told_fields };

/* In a room of any size; and where everybody is mentioned, in one of 1,000 at most. */
static enum err tell(struct call *call, const struct told_list *told)
{
    struct str_list subjects = TEXTS_OF(call->arena, *told, subject);

    for (size_t i = 0, n; i < told->len; i += n) {
        const struct told *first = &told->at[i];
        for (n = 1; first->subject.len > 0 && i + n < told->len && id_eq(told->at[i + n].room, first->room);) n++;
        if (first->here > 0)
            TRY(mention_put_spread(call, first->room, first->here, STR_NONE));
        else if (first->subject.len == 0)
            TRY(own_tell_all(call, first->room, OWN_CHANGED));
        else
            own_tell(call, first->room, OWN_CHANGED, (struct str_list){ subjects.at + i, n });
    }
    return OK;
}

enum err mentions_follow(struct call *call, const struct activity_news *news)
{
    struct naming_list namings = read_entries(call, news);
    struct str_list roles = roles_of(call->arena);
    struct told_list told;

    if (namings.len == 0) return OK;
    TRY(pg_run(call->pg, call->arena, LOOK_UP, PG_NO_ARGS, NULL));
    TRY(pg_all(call->pg, call->arena, &told_shape, &told, TOLD_MAX, KEEP,
        PG_ARGS(pg_ids(call->arena, IDS_OF(call->arena, namings, room)),
            pg_ints(call->arena, INTS_OF(call->arena, namings, seq)),
            pg_times(call->arena, INTS_OF(call->arena, namings, at)),
            pg_texts(call->arena, TEXTS_OF(call->arena, namings, sender)),
            pg_texts(call->arena, TEXTS_OF(call->arena, namings, names)), pg_texts(call->arena, roles))));
    return tell(call, &told);
}
