/* presence_rows.c - how somebody wants to be seen, and what one may see of others. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/plain_text.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/chat/chat.h"

#define IDS_MAX   100   /* proto/chat.def: presence_page.people */
#define NAMED_MAX 200   /* proto/chat.def: presence_answer.subjects */
#define PORTION   10000 /* members of a large room that are counted at once */

/* --- how one wants to be seen --- */

static const char MINE[] = "SELECT CASE WHEN coalesce(until > $2, true) THEN state ELSE 'online' END AS state,"
                           " CASE WHEN coalesce(until > $2, true) THEN nullif(text, '') END AS text,"
                           " CASE WHEN until > $2 THEN until END AS until, shows_last_seen AS last_seen"
                           " FROM presence WHERE subject = $1";

enum err presence_mine(struct call *call, const struct nothing *req, struct presence_own *rep)
{
    (void)req;
    TRY(require_subject(call));
    enum err e = pg_one(
        call->pg, call->arena, presence_own_shape(), rep, MINE, PG_ARGS(pg_text(call->who->sub), pg_time(call->now)));
    if (e != ERR_NOT_FOUND) return e;
    *rep = (struct presence_own){ .state = STR("online"), .last_seen = true };
    return OK;
}

static const char SET[] =
    "INSERT INTO presence (subject, state, text, until, shows_last_seen) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (subject) DO UPDATE SET state = excluded.state, text = excluded.text, until = excluded.until,"
    " shows_last_seen = excluded.shows_last_seen RETURNING state, nullif(presence.text, '') AS text, until, "
    "shows_last_seen AS last_seen";

static enum err require_wish(struct call *call, const struct presence_draft *req)
{
    static const char *const states[] = { "", "online", "away", "busy", "invisible" };
    size_t i = 0;

    while (i < COUNT(states) && !str_is(req->state, states[i])) i++;
    if (i == COUNT(states))
        return call_fail(call, ERR_INVALID_ARGUMENT, "state: is none of online, away, busy and invisible");
    if (req->text.len > 0 && !text_is_plain(req->text))
        return call_fail(
            call, ERR_INVALID_ARGUMENT, "text: has a character that is not seen, or begins or ends with a blank");
    if (req->until != 0 && req->until <= call->now) return call_fail(call, ERR_INVALID_ARGUMENT, "until: is over");
    return OK;
}

enum err presence_set(struct call *call, const struct presence_draft *req, struct presence_own *rep)
{
    struct str subject = call->who->sub;

    TRY(require_subject(call));
    TRY(require_wish(call, req));
    TRY(pg_one(call->pg, call->arena, presence_own_shape(), rep, SET,
        PG_ARGS(pg_text(subject), pg_text(req->state.len > 0 ? req->state : STR("online")),
            pg_text(req->text.len > 0 ? req->text : STR("")), pg_time(req->until), pg_bool(req->last_seen))));
    return presence_notify(call, (struct str_list){ &subject, 1 });
}

static const char ERASE[] = "DELETE FROM presence WHERE subject = $1";

enum err presence_erase(struct call *call, struct str subject, int64_t *rows)
{
    return pg_run(call->pg, call->arena, ERASE, PG_ARGS(pg_text(subject)), rows);
}

/* --- how others are --- */

/* Of whom one may see it: who shares a room with one or is a friend, and neither blocks the other. */
static const char GET[] =
    "SELECT a.subject, CASE WHEN p.shows_last_seen AND coalesce(me.shows_last_seen, true) THEN p.last_seen END"
    " AS last_seen FROM (SELECT subject_form(s) AS subject, min(n) AS n FROM unnest($2::text[]) WITH ORDINALITY AS t"
    " (s, n) GROUP BY 1) a LEFT JOIN presence p ON p.subject = a.subject LEFT JOIN presence me ON me.subject = $1"
    " WHERE a.subject = $1 OR ((EXISTS (SELECT FROM member m JOIN member o ON o.room_id = m.room_id AND o.subject ="
    " a.subject WHERE m.subject = $1) OR EXISTS (SELECT FROM relation r WHERE r.low = least(a.subject COLLATE \"C\","
    " $1) AND r.high = greatest(a.subject COLLATE \"C\", $1) AND r.bond = 'friends'))"
    " AND NOT EXISTS (SELECT FROM relation r WHERE r.low = least(a.subject COLLATE \"C\", $1) AND r.high ="
    " greatest(a.subject COLLATE \"C\", $1) AND (r.low_blocks IS NOT NULL OR r.high_blocks IS NOT NULL))) ORDER BY a.n";

static enum err read_ids(struct call *call, struct str rest, struct str_list *out)
{
    *out = (struct str_list){ arena_alloc(call->arena, IDS_MAX * sizeof *out->at), 0 };
    while (rest.at != NULL) {
        if (out->len == IDS_MAX) return call_fail(call, ERR_TOO_LARGE, "ids: more than %d", IDS_MAX);
        struct str id = str_trim(str_cut(&rest, ','));
        if (id.len == 0) return call_fail(call, ERR_INVALID_ARGUMENT, "ids: one of them is empty");
        out->at[out->len++] = id;
    }
    return OK;
}

static void show_state(struct presence_person *person, const struct presence_item *item)
{
    person->state = item->state;
    person->text = item->text;
    if (!str_is(item->state, "offline")) person->last_seen = 0;
}

enum err presence_get(struct call *call, const struct presence_query *req, struct presence_page *rep)
{
    struct presence_item *items = arena_alloc(call->arena, IDS_MAX * sizeof *items);
    struct str_list asked;

    TRY(require_subject(call));
    TRY(read_ids(call, req->ids, &asked));
    TRY(pg_all(call->pg, call->arena, presence_person_shape(), &rep->people, IDS_MAX, GET,
        PG_ARGS(pg_text(call->who->sub), pg_texts(call->arena, asked))));
    (void)presence_look(call->context, call->arena, TEXTS_OF(call->arena, rep->people, subject), items);
    for (size_t i = 0; i < rep->people.len; i++) show_state(&rep->people.at[i], &items[i]);
    return OK;
}

static bool is_named(struct str_list names, struct str name)
{
    for (size_t i = 0; i < names.len; i++)
        if (str_eq(names.at[i], name)) return true;
    return false;
}

enum err presence_show(struct call *call, struct room_member_list members)
{
    struct presence_item *items = arena_alloc(call->arena, (members.len + 1) * sizeof *items);

    (void)presence_look(call->context, call->arena, TEXTS_OF(call->arena, members, subject), items);
    for (size_t i = 0; i < members.len; i++) {
        bool is_hidden = is_named(items[i].hidden_from, call->who->sub);
        members.at[i].presence = is_hidden ? STR("offline") : items[i].state;
    }
    return OK;
}

/* --- for gateways --- */

struct room_size {
    int64_t members;
};
static const struct wire_field room_size_fields[] = { ROW_FIELD(struct room_size, members, INT), ROW_END };
static const struct wire_shape room_size_shape = { "room_size", "", sizeof(struct room_size), room_size_fields };

struct member_subject {
    struct str subject;
};
struct member_subject_list {
    struct member_subject *at;
    size_t len;
};
static const struct wire_field member_subject_fields[] = { ROW_FIELD(struct member_subject, subject, TEXT), ROW_END };
static const struct wire_shape member_subject_shape = { "member_subject", "", sizeof(struct member_subject),
    member_subject_fields };

static const char SIZE[] = "SELECT members FROM room WHERE id = $1";
static const char SUBJECTS[] =
    "SELECT subject FROM member WHERE room_id = $1 AND subject > $2 ORDER BY subject LIMIT $3";

static enum err read_subjects(
    struct call *call, struct arena *arena, struct id room, struct str after, int64_t max, struct str_list *out)
{
    struct member_subject_list rows;

    TRY(pg_all(call->pg, arena, &member_subject_shape, &rows, (size_t)max, SUBJECTS,
        PG_ARGS(pg_id(room), pg_text(after), pg_int(max))));
    *out = TEXTS_OF(arena, rows, subject);
    return OK;
}

static enum err count_portion(struct call *call, struct id room, struct str *last, size_t *n, int64_t *online)
{
    /* bound: PORTION subjects */
    struct arena *arena = arena_create("presence", 8u << 20);
    struct str_list subjects = { NULL, 0 };
    enum err e = read_subjects(call, arena, room, *last, PORTION, &subjects);

    *n = subjects.len;
    if (e == OK && *n > 0) {
        *online += presence_count(call->context, subjects);
        *last = arena_str(call->arena, subjects.at[*n - 1]);
    }
    arena_destroy(&arena);
    return e;
}

static enum err count_all(struct call *call, struct id room, int64_t *online)
{
    struct str last = STR("");
    size_t n = PORTION;

    while (n == PORTION) TRY(count_portion(call, room, &last, &n, online));
    return OK;
}

static enum err name_all(struct call *call, struct id room, struct presence_answer *rep)
{
    struct presence_item *items = arena_alloc(call->arena, NAMED_MAX * sizeof *items);

    TRY(read_subjects(call, call->arena, room, STR(""), NAMED_MAX, &rep->subjects));
    rep->number = presence_look(call->context, call->arena, rep->subjects, items);
    rep->people.at = items;
    for (size_t i = 0; i < rep->subjects.len; i++)
        if (!str_is(items[i].state, "offline")) items[rep->people.len++] = items[i];
    rep->online = (int64_t)rep->people.len;
    return OK;
}

enum err presence_room(struct call *call, const struct presence_question *req, struct presence_answer *rep)
{
    struct room_size size;

    if (!presence_is_known(call->context))
        return call_fail(call, ERR_UNAVAILABLE, "gateways have not said yet who is there");
    TRY(pg_one(call->pg, call->arena, &room_size_shape, &size, SIZE, PG_ARGS(pg_id(req->of))));
    rep->members = size.members;
    return size.members > NAMED_MAX ? count_all(call, req->of, &rep->online) : name_all(call, req->of, rep);
}
