/*
 * push_send.c - what waits in one lane is posted, one after the other; a job, of which there is one at a time for each lane.
 *
 *      worker: what came of the attempt before is written, the next is picked --> loop: posted --> worker: ...
 *
 * Whether it is to be posted is looked up in the transaction right before, and whether the session of a browser goes on is asked of auth then.
 * Killed in between it comes again under the same id.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/base/clock.h"
#include "libshared/base/secret.h"
#include "libshared/db/pg.h"
#include "libshared/rpc/rpc_client.h"
#include "libshared/wire/json.h"
#include "services/chat/push/push_private.h"

#define RUN_US         INT64_C(5000000)
#define SENT_MAX       100 /* in one run: then others have their turn */
#define DROPS_MAX      10  /* in one step, of 500 */
#define HOLD_MAX_MS    300000
#define WAIT_MAX_MS    3600000
#define DATA_BYTES     8192
#define REFUSED_DAYS   7 /* of each message: then the browser is told nothing more */
#define QUESTION_BYTES 200
#define RECEIVER       "webhook" /* push_hold.receiver */
#define TYPE           "notification.push"

static const struct wire_field push_item_fields[] = {
    ROW_FIELD(struct push_item, delivery, ID),
    ROW_FIELD(struct push_item, notification, ID),
    ROW_FIELD(struct push_item, room, ID),
    ROW_FIELD(struct push_item, subscription, ID),
    ROW_FIELD(struct push_item, session, ID),
    ROW_FIELD(struct push_item, subject, TEXT),
    ROW_FIELD(struct push_item, kind, TEXT),
    ROW_FIELD(struct push_item, room_name, TEXT),
    ROW_FIELD(struct push_item, by, TEXT),
    ROW_FIELD(struct push_item, by_name, TEXT),
    ROW_FIELD(struct push_item, collapse, TEXT),
    ROW_FIELD(struct push_item, why_not, TEXT),
    ROW_FIELD(struct push_item, endpoint, TEXT),
    ROW_FIELD(struct push_item, origin, TEXT),
    ROW_FIELD(struct push_item, keys, BYTES),
    ROW_FIELD(struct push_item, topic, TEXT),
    ROW_FIELD(struct push_item, made, INT),
    ROW_FIELD(struct push_item, put_at, TIME),
    ROW_FIELD(struct push_item, attempts, INT),
    ROW_FIELD(struct push_item, seq, INT),
    ROW_FIELD(struct push_item, thread, INT),
    ROW_FIELD(struct push_item, at, TIME),
    ROW_FIELD(struct push_item, count, INT),
    ROW_FIELD(struct push_item, badge, INT),
    ROW_END,
};
static const struct wire_shape push_item_shape = { "push_item", "", sizeof(struct push_item), push_item_fields };

/* So many ended so. */
struct push_count {
    struct str why_not;
    int64_t n;
};
struct push_count_list {
    struct push_count *at;
    size_t len;
};
static const struct wire_field push_count_fields[] = {
    ROW_FIELD(struct push_count, why_not, TEXT),
    ROW_FIELD(struct push_count, n, INT),
    ROW_END,
};
static const struct wire_shape push_count_shape = { "push_count", "", sizeof(struct push_count), push_count_fields };

struct push_moment {
    int64_t at, failures;
};
static const struct wire_field push_moment_fields[] = {
    ROW_FIELD(struct push_moment, at, TIME),
    ROW_FIELD(struct push_moment, failures, INT),
    ROW_END,
};
static const struct wire_shape push_moment_shape = { "push_moment", "", sizeof(struct push_moment),
    push_moment_fields };

struct pushing {
    struct call *call;
    struct job_run *run;
    int64_t lane, began_us;
    enum push_to to;
    size_t sent;
    bool has_outcome, was_answered;
    enum push_end outcome; /* PUSH_ENDS: it was not taken, and is posted again */
    int64_t retry_after_ms;
    struct push_item item; /* no subject: nothing is due, or not now */
    struct str body;
    struct push_request request; /* to a browser */
};

/* --- on a worker: what came of it --- */

static const char DELETE[] = "DELETE FROM push WHERE subject = $1 AND notification = $2 AND made = $3"
                             " AND subscription IS NOT DISTINCT FROM $4";
static const char RELEASE[] = "DELETE FROM push_hold WHERE receiver = $1";
static const char LATER_ON[] =
    "UPDATE push SET attempts = attempts + 1, due_at = now() + $5::bigint * interval '1 millisecond'"
    " WHERE subject = $1 AND notification = $2 AND made = $3 AND subscription IS NOT DISTINCT FROM $4";
/* Those of other lanes that fail at the same moment are no further failures. */
static const char HOLD[] =
    "INSERT INTO push_hold AS h (receiver, failures, held_until) VALUES ($4, 1, now() + greatest($1::bigint,"
    " $2::bigint) * interval '1 millisecond') ON CONFLICT (receiver) DO UPDATE SET failures = h.failures + 1, "
    "held_until"
    " = now() + greatest(least($1::bigint * (2 ^ least(h.failures, 20))::bigint, greatest($3::bigint, $1::bigint)),"
    "  $2::bigint) * interval '1 millisecond' WHERE h.held_until <= now()";
static const char FORGET_HOLDS[] =
    "DELETE FROM push_hold WHERE receiver <> '" RECEIVER "' AND held_until < now() - interval '1 hour'";
static const char HOLD_BROWSER[] =
    "UPDATE push_subscription SET held_until = now() + $2::bigint * interval '1 millisecond' WHERE id = $1";
static const char TOOK[] =
    "UPDATE push_subscription SET posted_at = now(), refused_since = NULL, held_until = NULL, pushes = CASE WHEN"
    " push_since > now() - interval '1 hour' THEN pushes + 1 ELSE 1 END, push_since = CASE WHEN push_since > now() -"
    " interval '1 hour' THEN push_since ELSE now() END WHERE id = $1";
static const char REFUSED[] =
    "UPDATE push_subscription SET refused_since = coalesce(refused_since, now()) WHERE id = $1"
    " RETURNING refused_since AS at, CASE WHEN refused_since < now() - $2::bigint * interval '1 day' THEN 1 ELSE 0 END"
    " AS failures";

static struct str receiver_of(const struct pushing *p)
{
    return p->to == TO_WEBHOOK ? STR(RECEIVER) : p->item.origin;
}

static enum err delete_row(struct call *call, const struct push_item *item)
{
    return pg_run(call->pg, call->arena, DELETE,
        PG_ARGS(pg_text(item->subject), pg_id(item->notification), pg_int(item->made), pg_id(item->subscription)),
        NULL);
}

/* A fifth more or less, so that what failed together does not come back together. */
static int64_t shake(int64_t ms)
{
    uint32_t chance;

    secret_random(&chance, sizeof chance);
    return ms - ms / 5 + (int64_t)(chance % (uint64_t)(ms / 5 * 2 + 1));
}

/* A push service that answers speaks of one browser; one that does not is away for all. */
static enum err hold(struct call *call, const struct pushing *p, int64_t wait)
{
    int64_t unit = chat_settings(call)->push_retry_s * 1000;

    if (p->to == TO_BROWSERS && p->was_answered)
        return pg_run(call->pg, call->arena, HOLD_BROWSER, PG_ARGS(pg_id(p->item.subscription), pg_int(wait)), NULL);
    TRY(pg_run(call->pg, call->arena, FORGET_HOLDS, PG_NO_ARGS, NULL));
    return pg_run(call->pg, call->arena, HOLD,
        PG_ARGS(pg_int(unit), pg_int(p->retry_after_ms), pg_int(HOLD_MAX_MS), pg_text(receiver_of(p))), NULL);
}

static enum err note_failure(struct call *call, const struct pushing *p)
{
    const struct push_item *item = &p->item;
    int64_t wait = chat_settings(call)->push_retry_s * 1000;

    for (int64_t i = 0; i < item->attempts && wait < WAIT_MAX_MS; i++) wait *= 2;
    wait = shake(wait);
    if (wait < p->retry_after_ms) wait = p->retry_after_ms;
    TRY(hold(call, p, wait));
    return pg_run(call->pg, call->arena, LATER_ON,
        PG_ARGS(pg_text(item->subject), pg_id(item->notification), pg_int(item->made), pg_id(item->subscription),
            pg_int(wait)),
        NULL);
}

static enum err note_refusal(struct call *call, const struct push_item *item)
{
    struct push_moment refused;
    enum err e = pg_one(call->pg, call->arena, &push_moment_shape, &refused, REFUSED,
        PG_ARGS(pg_id(item->subscription), pg_int(REFUSED_DAYS)));

    if (e == ERR_NOT_FOUND) return OK; /* it went meanwhile, and the row with it */
    TRY(e);
    if (refused.failures > 0) return push_forget(call, item->subscription, item->subject);
    return delete_row(call, item);
}

static const char COUNT_ONE[] =
    "UPDATE notification_head SET pushes = CASE WHEN push_since > now() - interval '1 hour' THEN pushes + 1 ELSE 1 END,"
    " push_since = CASE WHEN push_since > now() - interval '1 hour' THEN push_since ELSE now() END WHERE subject = $1";

/* Heads are locked before rows of `push`, as by who makes notifications; and browsers, whose end takes theirs along. */
static enum err note_taken(struct call *call, const struct pushing *p)
{
    const struct push_item *item = &p->item;

    if (p->to == TO_WEBHOOK)
        TRY(pg_run(call->pg, call->arena, COUNT_ONE, PG_ARGS(pg_text(item->subject)), NULL));
    else
        TRY(pg_run(call->pg, call->arena, TOOK, PG_ARGS(pg_id(item->subscription)), NULL));
    TRY(delete_row(call, item));
    return pg_run(call->pg, call->arena, RELEASE, PG_ARGS(pg_text(receiver_of(p))), NULL);
}

static enum err note_outcome(struct call *call, const struct pushing *p)
{
    if (p->outcome == PUSH_posted) return note_taken(call, p);
    if (p->outcome == PUSH_ended) return push_forget(call, p->item.subscription, p->item.subject);
    return p->outcome == PUSH_refused ? note_refusal(call, &p->item) : note_failure(call, p);
}

/* --- on a worker: what comes next --- */

/* With the kinds that are told always and with mentions as $2 and $3, and the bounds as $4 and $5. */
#define WHY_NOT                                                                                                        \
    "CASE WHEN NOT " NOTIFICATION_HOLDS                                                                                \
    " OR EXISTS (SELECT FROM directory o WHERE o.subject = n.subject AND o.state <> 'active')"                         \
    " THEN 'gone' WHEN n.read_at IS NOT NULL THEN 'read' WHEN h.heard >= n.made THEN 'heard' WHEN NOT (n.kind = ANY"   \
    " ($2) OR m.muted = 'no' OR (n.kind = ANY ($3) AND m.muted = 'but_mentions')) THEN 'muted'"                        \
    " WHEN is_quiet(h.quiet_until, h.zone, h.times, now()) THEN 'quiet'"                                               \
    " WHEN p.put_at < now() - $4::bigint * interval '1 second' THEN 'late' WHEN CASE WHEN s.id IS NULL THEN"           \
    " h.push_since > now() - interval '1 hour' AND h.pushes >= $5 ELSE s.push_since > now() - interval '1 hour'"       \
    " AND s.pushes >= $5 END THEN 'limited' END"
/* What is due in a lane and held by nobody. */
#define DUE                                                                                                            \
    "FROM push p JOIN notification n ON n.subject = p.subject AND n.id = p.notification JOIN notification_head h"      \
    " ON h.subject = p.subject" NOTIFICATION_JOINS                                                                     \
    " LEFT JOIN push_subscription s ON s.id = p.subscription WHERE p.lane = $1 AND p.due_at <= now()"                  \
    " AND coalesce(s.held_until <= now(), true) AND NOT EXISTS (SELECT FROM push_hold o WHERE o.receiver ="            \
    " coalesce(s.origin, '" RECEIVER "') AND o.held_until > now()) ORDER BY p.due_at"

/* Of who is there sockets have taken all, so most rows go so.  Nobody is waited for: who makes a notification holds heads, then rows of `push`. */
static const char DROP[] =
    "WITH due AS MATERIALIZED (SELECT p.subject, p.notification, p.subscription, p.made, " WHY_NOT " AS why_not " DUE
    " LIMIT 500),"
    " free AS MATERIALIZED (SELECT p.subject, p.notification, p.subscription, due.why_not FROM due JOIN push p ON"
    "  p.subject = due.subject AND p.notification = due.notification AND p.subscription IS NOT DISTINCT FROM"
    "  due.subscription AND p.made = due.made WHERE due.why_not IS NOT NULL FOR UPDATE OF p SKIP LOCKED), gone AS "
    "(DELETE FROM push p USING free WHERE p.subject = free.subject AND p.notification ="
    "  free.notification AND p.subscription IS NOT DISTINCT FROM free.subscription RETURNING free.why_not)"
    " SELECT why_not, count(*) AS n FROM gone GROUP BY why_not";
/* An entry of the log is the same message with each making of its row: its delivery has the same id. */
static const char PICK[] =
    "SELECT w.subject, w.id AS notification, w.subscription, w.session, w.endpoint, w.origin, w.keys, md5(concat("
    "w.subscription, ' ', w.collapse)) AS topic, w.made, w.put_at, w.attempts, w.why_not, md5(w.subject || ' ' ||"
    " w.collapse || ' ' || coalesce(w.seq, (extract(epoch FROM w.at) * 1000)::bigint))::uuid AS delivery, w.kind,"
    " w.room_id AS room, nullif(w.room_name, '') AS room_name, coalesce(w.seq, 0) AS seq, coalesce(w.thread, 0) AS"
    " thread, w.by, coalesce(d.name, d.nickname) AS by_name, w.at, CASE WHEN w.kind = 'direct' THEN " NOTIFICATION_COUNT
    " ELSE 1 END AS count, w.collapse, CASE WHEN w.why_not IS NULL THEN " NOTIFICATION_UNREAD(
        "w.subject") " ELSE 0 END AS badge FROM (SELECT n.*, p.subscription, s.session, s.endpoint, s.origin, s.keys, "
                     "p.put_at,"
                     " p.attempts, m.read_seq, r.name AS room_name, " WHY_NOT " AS why_not " DUE
                     " LIMIT 1 FOR UPDATE OF p SKIP LOCKED) w LEFT JOIN directory d ON d.subject = w.by";
static const char HELD[] =
    "SELECT held_until AS at, failures FROM push_hold WHERE receiver = '" RECEIVER "' AND held_until > now()";
static const char NEXT[] =
    "SELECT greatest(due_at, $2) AS at, 0::bigint AS failures FROM push WHERE lane = $1 ORDER BY due_at LIMIT 1";
static const char NEXT_OF_BROWSERS[] =
    "SELECT greatest(p.due_at, s.held_until, o.held_until, $2) AS at, 0::bigint AS failures FROM push p JOIN"
    " push_subscription s ON s.id = p.subscription LEFT JOIN push_hold o ON o.receiver = s.origin WHERE p.lane = $1"
    " ORDER BY 1 LIMIT 1";
static const char CLEAR[] = "DELETE FROM push WHERE lane = $1";

static void count_end(const struct call *call, enum push_to to, struct str why_not, int64_t n)
{
    for (enum push_end end = 0; end < PUSH_ENDS; end++)
        if (str_is(why_not, push_end_name(end))) metric_add(push_of(call)->ends[to][end], n);
}

static struct pg_args due_args(struct call *call, const struct pushing *p)
{
    const struct settings_chat *settings = chat_settings(call);
    struct arena *arena = call->arena;

    return *PG_ARGS(pg_int(p->lane), pg_texts(arena, notification_kinds_told(arena, "ALWAYS")),
        pg_texts(arena, notification_kinds_told(arena, "MENTIONS")), pg_int(settings->push_kept_s),
        pg_int(settings->push_per_hour));
}

static enum err drop_some(struct call *call, enum push_to to, const struct pg_args *args)
{
    struct push_count_list counts;

    TRY(pg_all(call->pg, call->arena, &push_count_shape, &counts, PUSH_ENDS, DROP, args));
    for (size_t i = 0; i < counts.len; i++) count_end(call, to, counts.at[i].why_not, counts.at[i].n);
    return OK;
}

static enum err write_body(struct call *call, struct pushing *p)
{
    const struct push_item *item = &p->item;
    const struct push_note note = { .subject = item->subject,
        .notification = item->notification,
        .kind = item->kind,
        .room = item->room,
        .room_name = item->room_name,
        .seq = item->seq,
        .thread = item->thread,
        .by = item->by,
        .by_name = item->by_name,
        .at = item->at,
        .count = item->count,
        .collapse = item->collapse,
        .badge = item->badge };
    struct buf data = BUF(DATA_BYTES), out = BUF(DATA_BYTES + 200);
    enum err e = wire_write_json(push_note_shape(), &note, &data);

    if (e == OK && p->to == TO_BROWSERS)
        e = push_request_write(call, item, buf_str(&data), &p->request);
    else if (e == OK)
        webhook_write_body(STR(TYPE), item->at, buf_str(&data), &out);
    if (e == OK && out.over) e = ERR_TOO_LARGE;
    if (e == OK && p->to == TO_WEBHOOK) p->body = arena_str(call->arena, buf_str(&out));
    buf_free(&data);
    buf_free(&out);
    return e;
}

/* Nothing is posted now: the job comes back when something may be. */
static enum err rest(struct call *call, struct pushing *p, int64_t not_before)
{
    struct push_moment next;

    p->item = (struct push_item){ .subject = STR_NONE };
    enum err e = pg_one(call->pg, call->arena, &push_moment_shape, &next, p->to == TO_WEBHOOK ? NEXT : NEXT_OF_BROWSERS,
        PG_ARGS(pg_int(p->lane), pg_time(not_before)));
    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    return push_wake(call, p->lane, next.at);
}

static enum err pick_next(struct call *call, struct pushing *p)
{
    struct pg_args args = due_args(call, p);
    struct push_moment held;

    enum err e = p->to == TO_WEBHOOK ? pg_one(call->pg, call->arena, &push_moment_shape, &held, HELD, PG_NO_ARGS)
                                     : ERR_NOT_FOUND; /* the rows of a browser say it each for itself */
    if (e == OK) return rest(call, p, held.at);
    if (e != ERR_NOT_FOUND) return e;
    if (p->sent >= SENT_MAX || clock_mono_us() - p->began_us > RUN_US) return rest(call, p, clock_ms());
    for (size_t i = 0; i < DROPS_MAX; i++) {
        p->item = (struct push_item){ .subject = STR_NONE };
        e = pg_one(call->pg, call->arena, &push_item_shape, &p->item, PICK, &args);
        if (e != OK) return e == ERR_NOT_FOUND ? rest(call, p, clock_ms()) : e;
        if (p->item.why_not.len == 0) return write_body(call, p);
        TRY(drop_some(call, p->to, &args));
    }
    return rest(call, p, clock_ms());
}

static bool is_on(const struct push *push, enum push_to to)
{
    return to == TO_WEBHOOK ? push->receiver != NULL : push->services.len > 0;
}

static enum err step(struct pg *pg, struct arena *arena, void *arg)
{
    struct pushing *p = arg;
    struct call call = *p->call;

    (void)arena; /* what is read here is sent on the loop, and lives as long as the job */
    call.pg = pg;
    call.now = clock_ms();
    if (!is_on(push_of(&call), p->to)) return pg_run(pg, call.arena, CLEAR, PG_ARGS(pg_int(p->lane)), NULL);
    if (p->has_outcome) TRY(note_outcome(&call, p));
    return pick_next(&call, p);
}

/* --- on the loop --- */

static void go_on(struct pushing *p);

static void end_attempt(struct pushing *p, enum push_end outcome)
{
    struct push *push = push_of(p->call);

    p->has_outcome = true;
    p->outcome = outcome;
    metric_add(outcome == PUSH_ENDS ? push->failed[p->to] : push->ends[p->to][outcome], 1);
    go_on(p);
}

static void on_answer(void *arg, const struct fetch_answer *answer)
{
    struct pushing *p = arg;
    enum push_end taken = webhook_was_taken(answer) ? PUSH_posted : PUSH_ENDS;
    enum push_end outcome = p->to == TO_WEBHOOK ? taken : push_answer_end(answer);

    p->was_answered = answer->result == FETCH_ANSWERED;
    p->retry_after_ms = webhook_retry_after_ms(answer);
    if (outcome == PUSH_ENDS || outcome == PUSH_refused)
        LOG_BOUNDED(WARN, "push.failed", F_TEXT("result", fetch_result_code(answer->result)),
            F_SOME("status", p->was_answered ? answer->status : 0), F_ID("id", p->item.delivery),
            F_STR("to", receiver_of(p)));
    end_attempt(p, outcome);
}

static void post(struct pushing *p)
{
    struct call *call = p->call;
    const struct webhook_receiver *receiver = push_of(call)->receiver;
    char id[ID_TEXT_BYTES + 1];

    p->sent++;
    if (p->to == TO_BROWSERS) {
        push_request_post(call->fetcher, &p->request, on_answer, p);
        return;
    }
    id_format(p->item.delivery, id);
    webhook_request(
        call->fetcher, str_of(receiver->url), receiver->secrets, receiver->n, str_of(id), p->body, on_answer, p);
}

static void end_job(struct pushing *p, enum err e)
{
    call_note(p->call, F_INT("sent", (int64_t)p->sent));
    job_done(p->run, e);
}

/* Without auth nobody knows whether somebody has signed out, and what waits does so until then. */
static void on_going(void *arg, enum err status, struct str body)
{
    struct pushing *p = arg;
    struct session_ids going = { .sessions = { NULL, 0 } };
    struct wire_error why;

    if (status == OK)
        status = wire_decode(session_ids_shape(), arena_str(p->call->arena, body), p->call->arena, &going, &why);
    if (status != OK)
        end_job(p, ERR_UNAVAILABLE);
    else if (going.sessions.len == 0)
        end_attempt(p, PUSH_ended);
    else
        post(p);
}

static void ask_session(struct pushing *p)
{
    const struct chat *chat = p->call->context;
    const struct session_ids asked = { .sessions = { &p->item.session, 1 } };
    struct buf body = BUF(QUESTION_BYTES);
    enum err e = wire_encode(session_ids_shape(), &asked, &body);

    assert(e == OK); /* of one id */
    rpc_client_call(directory_auth(chat->directory),
        &(struct rpc_request){
            .method = "session.going", .safe = true, .trace = p->call->trace, .body = buf_str(&body) },
        on_going, p);
    buf_free(&body);
}

static void on_step(void *arg, enum err e)
{
    struct pushing *p = arg;

    p->has_outcome = false;
    if (e != OK || p->item.subject.len == 0)
        end_job(p, e);
    else if (p->to == TO_BROWSERS && !push_service_is_known(push_of(p->call), p->item.origin))
        end_attempt(p, PUSH_ended);
    else if (!id_is_nil(p->item.session))
        ask_session(p);
    else
        post(p);
}

static void go_on(struct pushing *p)
{
    const struct chat *chat = p->call->context;

    if (!rpc_server_work(chat->server, STR_NONE, step, on_step, p)) on_step(p, ERR_OVERLOADED);
}

void push_send(struct call *call, const struct job *job, const struct push_lane *payload, struct job_run *run)
{
    struct pushing *p = arena_zero(call->arena, sizeof *p);

    (void)job;
    *p = (struct pushing){
        .call = call, .run = run, .lane = payload->lane, .to = push_to_of(payload->lane), .began_us = clock_mono_us()
    };
    go_on(p);
}
