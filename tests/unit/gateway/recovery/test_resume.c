/* test_resume.c - lost connections that are taken up again, or not: a real Redis, and a chat and a store that say what the
 * test wants, when it wants. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/keys.h"
#include "services/gateway/methods.h"
#include "services/gateway/recovery/resume_private.h"
#include "tests/unit/cache/redis_server.h"

#define SOCKETS       40
#define QUESTIONS_MAX 64
#define HEARD_MAX     600

/* --- who comes: sockets, and what becomes of them --- */

struct bearer {
    struct str subject;
};
struct sio_socket {
    struct bearer bearer;
    struct client client;
    struct subscriber subscriber;
    struct saved_connection *connection;
    bool pending, hung_up, told_off;
    enum err refused;
    char sid[EIO_SID_CHARS + 1], pid[21], auth[200];
    struct room_start starts[4];
    int64_t heard[HEARD_MAX]; /* before its CONNECT */
    size_t n_heard;
    char offset[80]; /* the newest that it was sent */
    int64_t resumed_at;
    uint64_t resumed_stamp;
    size_t held; /* that is counted for it */
};
static struct sio_socket sockets[SOCKETS];
static size_t n_sockets;
static struct recovery *recovery;
static enum err checked; /* what clients_check says */
static bool allowed;     /* what the policy says */

struct sio_socket *sio_socket_take(struct sio_socket *socket)
{
    return socket;
}
void sio_socket_drop(struct sio_socket *socket)
{
    (void)socket;
}
bool sio_is_pending(const struct sio_socket *socket)
{
    return socket->pending;
}
const char *sio_sid(const struct sio_socket *socket)
{
    return socket->sid;
}
struct str sio_nsp(const struct sio_socket *socket)
{
    (void)socket;
    return STR("/chat");
}
void sio_hang_up(struct sio_socket *socket)
{
    socket->hung_up = true;
}
void sio_hold_anyway(struct sio_socket *socket, size_t bytes)
{
    socket->held += bytes;
}
void sio_release(struct sio_socket *socket, size_t bytes)
{
    assert_true(socket->held >= bytes);
    socket->held -= bytes;
}
void sio_send_with_offset(struct sio_socket *socket, struct eio_packet *packet)
{
    struct str text = eio_packet_text_payload(packet);

    socket->told_off |= memmem(text.at, text.len, "recovery:off", 12) != NULL;
}
void sio_send_early(struct sio_socket *socket, struct eio_packet *const *packets, unsigned n)
{
    struct str text = eio_packet_text_payload(packets[0]);
    const char *seq = memmem(text.at, text.len, "\"seq\":", 6), *offset = memrchr(text.at, ',', text.len);

    assert_true(socket->pending && n == 1 && socket->n_heard < HEARD_MAX);
    socket->heard[socket->n_heard++] = strtoll(seq + 6, NULL, 10);
    assert_int_equal(sscanf(offset, ",\"%79[^\"]\"]", socket->offset), 1);
}

struct str bearer_subject(const struct bearer *bearer)
{
    return bearer->subject;
}
void rights_drop(struct rights *rights)
{
    *rights = (struct rights){ 0 };
}
bool rights_allow(
    const struct rights *rights, struct str nsp, struct str event, struct str room, enum policy_action action)
{
    (void)rights, (void)nsp, (void)event, (void)room, (void)action;
    return allowed;
}

static void open_rooms(struct sio_socket *socket, const struct record *record)
{
    socket->subscriber =
        (struct subscriber){ .socket = socket, .epoch = record->epoch, .next_room_no = record->next_room_no };
    for (size_t i = 0; i < record->n; i++) {
        socket->starts[socket->subscriber.n++] = record->rooms[i];
        socket->subscriber.changes++;
        socket->resumed_at = record->sent[i];
        socket->resumed_stamp = record->memberships[i].stamp;
    }
}

struct client *clients_admit(struct arrival *arrival)
{
    struct sio_socket *socket = arrival->socket;
    struct client *client = &socket->client;

    assert_true(socket->pending);
    socket->pending = false;
    if (arrival->sid != NULL) snprintf(socket->sid, sizeof socket->sid, "%s", arrival->sid);
    snprintf(socket->pid, sizeof socket->pid, "%s", arrival->pid);
    *client = (struct client){ .socket = socket, .rights = arrival->rights };
    arrival->rights = (struct rights){ 0 };
    open_rooms(socket, arrival->record);
    recovery_feature.open(recovery, client, arrival);
    return client;
}
enum err clients_check(struct clients *clients, const struct sio_socket *socket, struct rights *rights)
{
    (void)clients, (void)socket, (void)rights;
    return checked;
}
static size_t missed_max; /* messages; more are over the rate */

bool arrival_charge_missed(const struct arrival *arrival, size_t n, struct rate_state *over)
{
    (void)arrival, (void)over;
    bool good = n <= missed_max;
    missed_max -= good ? n : 0;
    return good;
}
void clients_refuse(struct arrival *arrival, enum err e)
{
    arrival->socket->pending = false;
    arrival->socket->refused = e;
}
void *client_slot(struct client *client, unsigned feature)
{
    return feature == FEATURE_rooms ? (void *)&client->socket->subscriber : &client->socket->connection;
}
void client_save(struct client *client, struct arena *scratch, struct record *out)
{
    const struct subscriber *subscriber = client_subscriber(client);

    out->epoch = subscriber->epoch;
    out->next_room_no = subscriber->next_room_no;
    out->rooms = arena_copy(scratch, client->socket->starts, sizeof client->socket->starts);
    out->n = subscriber->n;
}

/* --- its rooms --- */

static uint64_t endings; /* of memberships */

uint64_t rooms_membership_stamp(struct rooms *rooms, struct id room)
{
    (void)rooms, (void)room;
    return endings;
}

struct subscriber *client_subscriber(struct client *client)
{
    return &client->socket->subscriber;
}
void subscriber_untrack(struct subscriber *subscriber)
{
    subscriber->tracked = false;
}
void keys_derive(const char *key_dir, const char *self, const char *purpose, unsigned char out[KEYS_DERIVED_BYTES])
{
    (void)key_dir, (void)self, (void)purpose;
    memset(out, 'k', KEYS_DERIVED_BYTES);
}

/* --- chat and store: their questions wait for the test --- */

struct resume_question {
    enum method_index method;
    int64_t after, limit;
    rpc_reply_fn *reply;
    void *arg;
};
static struct resume_question questions[QUESTIONS_MAX];
static size_t n_questions, most_questions;
static struct id room;
static int64_t head;         /* of the log */
static struct str role;      /* what everybody is in the room */
static int64_t missing_from; /* the store's pages lack this one */

void method_ask_for(const struct service_pipes *to, enum method_index method, struct str subject, const void *record,
    rpc_reply_fn *reply, void *arg)
{
    struct resume_question question = { .method = method, .reply = reply, .arg = arg };

    (void)to;
    assert_true(subject.len > 0);
    if (method == M_store_log_since) {
        question.after = ((const struct log_query *)record)->after;
        question.limit = ((const struct log_query *)record)->limit;
    }
    assert_true(n_questions < QUESTIONS_MAX);
    questions[n_questions++] = question;
    if (n_questions > most_questions) most_questions = n_questions;
}

static void reply_with(const struct resume_question *question, const struct wire_shape *shape, const void *record)
{
    struct buf body = BUF(1u << 20);

    assert_int_equal(wire_encode(shape, record, &body), OK);
    question->reply(question->arg, OK, buf_str(&body));
    buf_free(&body);
}

static void reply_since(const struct resume_question *question)
{
    static struct message messages[1000];
    size_t n = 0;

    for (int64_t seq = question->after + 1; seq <= head && (int64_t)n < question->limit; seq++)
        if (seq != missing_from)
            messages[n++] = (struct message){
                .room = room, .seq = seq, .id = STR("an-id"), .sender = STR("bo"), .body = STR("x"), .at = 1
            };
    reply_with(question, message_page_shape(), &(struct message_page){ .messages = { messages, n }, .head = head });
}

/* The oldest question is answered as things are now; `e`: it fails. */
static void answer(enum err e)
{
    struct resume_question question = questions[0];

    memmove(&questions[0], &questions[1], --n_questions * sizeof *questions);
    if (e != OK)
        question.reply(question.arg, e, STR_NONE);
    else if (question.method == M_chat_room_roles)
        reply_with(&question, room_roles_shape(),
            &(struct room_roles){ .roles = { &(struct room_role){ .room = room, .role = role }, 1 } });
    else if (question.method == M_store_log_heads)
        reply_with(
            &question, log_heads_shape(), &(struct log_heads){ .heads = { &(struct log_head){ room, head }, 1 } });
    else
        reply_since(&question);
}

static bool is_asked(void)
{
    return n_questions > 0;
}

static void answer_next(enum method_index method, enum err e)
{
    assert_true(redis_server_until(is_asked));
    assert_int_equal(questions[0].method, method);
    answer(e);
}

/* --- what a test does --- */

static bool redis_is_there(void)
{
    return redis_is_up(recovery->redis);
}

static int begin(void **state)
{
    (void)state;
    redis_server_start("");
    const struct recovery_config config = {
        .redis_url = redis_server_url,
        .key_dir = "",
        .recovery_ms = 60000,
        .rooms_max = 4,
        .socket_rooms_max = 4,
        .max_payload = 1000000,
        .queue_bytes = 1 << 20,
        .pending_max = 1000,
        .connect_timeout_ms = 45000,
    };
    n_sockets = n_questions = most_questions = 0;
    room = id_new();
    head = 3;
    role = STR("member");
    missing_from = 0;
    endings = 1;
    checked = OK;
    missed_max = SIZE_MAX;
    allowed = true;
    recovery = recovery_create(redis_server_loop, NULL, NULL, NULL, &config);
    assert_true(redis_server_until(redis_is_there));
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_sockets; i++)
        if (sockets[i].connection != NULL) recovery_feature.closed(recovery, &sockets[i].client, "transport close");
    while (n_questions > 0) answer(ERR_SHUTTING_DOWN);
    recovery_feature.stop(recovery);
    redis_server_stop();
    for (size_t i = 0; i < n_sockets; i++) assert_int_equal(sockets[i].held, 0);
    return 0;
}

static struct sio_socket *arrive(const char *subject, const char *auth)
{
    struct sio_socket *socket = &sockets[n_sockets++];

    assert_true(n_sockets <= SOCKETS);
    memset(socket, 0, sizeof *socket);
    socket->pending = true;
    socket->bearer.subject = str_of(subject);
    snprintf(socket->auth, sizeof socket->auth, "%s", auth);
    snprintf(socket->sid, sizeof socket->sid, "socket-%013zu", n_sockets);
    struct arrival arrival = {
        .socket = socket, .rights = { .bearer = &socket->bearer }, .auth = str_of(socket->auth)
    };
    if (!recovery_feature.resume(recovery, &arrival)) clients_admit(&arrival);
    return socket;
}

/* With the pid and the offset of this one, as socket.io-client brings them. */
static struct sio_socket *come_back_as(const char *subject, const struct sio_socket *was, const char *offset)
{
    char auth[200];

    snprintf(auth, sizeof auth, "{\"pid\":\"%s\",\"offset\":\"%s\"}", was->pid, offset);
    return arrive(subject, auth);
}

static struct sio_socket *come_back(const struct sio_socket *was)
{
    return come_back_as("ada", was, was->offset[0] != '\0' ? was->offset : "-");
}

static size_t n_noted;
static void on_noted(void *arg)
{
    (void)arg;
    n_noted++;
}
static bool is_noted(void)
{
    return n_noted > 0;
}

static void join(struct sio_socket *socket, int64_t start_seq)
{
    struct subscriber *subscriber = &socket->subscriber;

    socket->starts[subscriber->n++] = (struct room_start){ room, subscriber->next_room_no++, start_seq };
    subscriber->changes++;
    n_noted = 0;
    recovery_note(&socket->client, on_noted, NULL);
}

/* Ada, in the room, where she has heard up to 3. */
static struct sio_socket *ada_in_the_room(void)
{
    struct sio_socket *ada = arrive("ada", "");

    assert_true(!ada->pending && strlen(ada->pid) == 20);
    join(ada, 3);
    assert_true(redis_server_until(is_noted));
    return ada;
}

static void lose(struct sio_socket *socket, const char *reason)
{
    recovery_feature.closed(recovery, &socket->client, reason);
}

static struct sio_socket *ada_who_was_lost(void)
{
    struct sio_socket *ada = ada_in_the_room();

    lose(ada, "transport close");
    return ada;
}

static bool is_settled(void)
{
    for (size_t i = 0; i < n_sockets; i++)
        if (sockets[i].pending) return false;
    return true;
}

/* All that is asked is answered, until everybody is in. */
static bool all_answered(void)
{
    while (n_questions > 0) answer(OK);
    return is_settled();
}

static bool is_taken_up(const struct sio_socket *socket, const struct sio_socket *was)
{
    return !socket->pending && strcmp(socket->sid, was->sid) == 0 && strcmp(socket->pid, was->pid) == 0;
}

static void assert_anew(const struct sio_socket *socket, const struct sio_socket *was)
{
    assert_true(!socket->pending && strcmp(socket->sid, was->sid) != 0 && strcmp(socket->pid, was->pid) != 0);
    assert_int_equal(socket->n_heard, 0);
    assert_int_equal(socket->subscriber.n, 0);
}

/* --- the tests --- */

static void it_has_the_same_sid_and_hears_what_it_missed_first(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();

    head = 300; /* more than a page */
    struct sio_socket *ada = come_back(was);
    answer_next(M_store_log_heads, OK);
    answer_next(M_chat_room_roles, OK);
    assert_true(redis_server_until(all_answered));
    assert_true(is_taken_up(ada, was));
    assert_int_equal(ada->n_heard, 297);
    for (size_t i = 0; i < ada->n_heard; i++) assert_int_equal(ada->heard[i], 4 + (int64_t)i);
    assert_true(ada->subscriber.n == 1 && ada->resumed_at == 300);
    assert_true(ada->subscriber.next_room_no == 1 && ada->subscriber.epoch == was->subscriber.epoch);
}

static void what_is_more_than_may_be_held_follows_from_where_it_ended(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();

    head = 300;
    recovery->config.queue_bytes = 4096;
    struct sio_socket *ada = come_back(was);
    assert_true(redis_server_until(all_answered));
    assert_true(is_taken_up(ada, was));
    assert_true(ada->n_heard > 0 && ada->n_heard < 100);
    assert_int_equal(ada->resumed_at, ada->heard[ada->n_heard - 1]);
}

static void who_missed_more_than_its_subject_may_read_begins_anew(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();

    head = 300;
    missed_max = 250; /* a page of 200, and then no other */
    struct sio_socket *ada = come_back(was);
    assert_true(redis_server_until(all_answered));
    assert_anew(ada, was);
    assert_int_equal(missed_max, 50);
}

static void who_is_no_member_any_more_begins_anew(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();

    head = 5;
    role = STR("");
    struct sio_socket *ada = come_back(was);
    answer_next(M_store_log_heads, OK);
    answer_next(M_chat_room_roles, OK);
    assert_true(redis_server_until(all_answered));
    assert_anew(ada, was);
}

static void who_may_not_hear_the_room_any_more_begins_anew(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();

    allowed = false;
    struct sio_socket *ada = come_back(was);
    assert_true(redis_server_until(is_settled));
    assert_anew(ada, was);
    assert_int_equal(n_questions, 0);
}

/* A policy that changes while the record is being claimed. */
static void who_may_not_hear_the_room_when_it_is_claimed_begins_anew(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();

    head = 5;
    struct sio_socket *ada = come_back(was);
    answer_next(M_store_log_heads, OK);
    answer_next(M_chat_room_roles, OK);
    redis_server_freeze();
    answer_next(M_store_log_since, OK); /* and the record is claimed */
    allowed = false;
    kill(redis_server_pid, SIGCONT);
    assert_true(redis_server_until(is_settled));
    assert_anew(ada, was);
    allowed = true;
    struct sio_socket *again = come_back(was); /* nor is it anything that could be taken up later */
    assert_true(redis_server_until(all_answered));
    assert_anew(again, was);
}

static void nothing_is_sent_from_behind_the_heads_that_were_there_before_chat_was_asked(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();

    head = 5;
    struct sio_socket *ada = come_back(was);
    answer_next(M_store_log_heads, OK);
    answer_next(M_chat_room_roles, OK);
    head = 8; /* perhaps after it was removed */
    assert_true(redis_server_until(all_answered));
    assert_true(is_taken_up(ada, was) && ada->n_heard == 2 && ada->resumed_at == 5);
}

static void its_subscriptions_know_when_chat_was_asked(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();

    struct sio_socket *ada = come_back(was);
    answer_next(M_store_log_heads, OK);
    endings = 7;
    answer_next(M_chat_room_roles, ERR_OVERLOADED);
    assert_true(redis_server_until(is_asked)); /* again */
    endings = 8;
    assert_true(redis_server_until(all_answered));
    assert_true(is_taken_up(ada, was) && ada->resumed_stamp == 7);
}

static void who_may_not_connect_any_more_is_refused(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();
    struct sio_socket *ada = come_back(was);

    answer_next(M_store_log_heads, OK);
    answer_next(M_chat_room_roles, OK);
    checked = ERR_KEY_REVOKED;
    assert_true(redis_server_until(all_answered));
    assert_int_equal(ada->refused, ERR_KEY_REVOKED);
    assert_int_equal(ada->n_heard, 0);
}

static void the_pid_of_somebody_else_is_worth_nothing(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();
    struct sio_socket *eve = come_back_as("eve", was, "-");

    assert_true(redis_server_until(is_settled));
    assert_anew(eve, was);
    struct sio_socket *ada = come_back(was); /* and Ada's is as it was */
    assert_true(redis_server_until(all_answered));
    assert_true(is_taken_up(ada, was));
}

static void of_two_with_one_pid_one_is_taken_up(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();

    head = 5;
    struct sio_socket *a = come_back(was), *b = come_back(was);
    assert_true(redis_server_until(all_answered));
    assert_int_equal(is_taken_up(a, was) + is_taken_up(b, was), 1);
    assert_anew(is_taken_up(a, was) ? b : a, was);
}

static struct sio_socket *watched;
static bool is_hung_up(void)
{
    return watched->hung_up;
}

static void a_connection_that_only_seems_alive_is_closed(void **state)
{
    (void)state;
    struct sio_socket *was = watched = ada_in_the_room();
    struct sio_socket *ada = come_back(was);

    assert_true(redis_server_until(all_answered));
    assert_true(is_taken_up(ada, was));
    assert_true(redis_server_until(is_hung_up));
}

static void what_was_sent_again_is_not_sent_a_third_time(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();

    head = 5;
    struct sio_socket *ada = come_back(was);
    assert_true(redis_server_until(all_answered));
    assert_true(is_taken_up(ada, was) && ada->n_heard == 2);
    lose(ada, "transport close"); /* did it hear those two? */
    struct sio_socket *again = come_back(was);
    assert_true(redis_server_until(all_answered));
    assert_anew(again, was);
}

static void an_offset_of_what_was_sent_again_goes_on_behind_it(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();

    head = 5;
    struct sio_socket *ada = come_back(was);
    assert_true(redis_server_until(all_answered));
    lose(ada, "transport close");
    head = 6;
    struct sio_socket *again = come_back(ada);
    assert_true(redis_server_until(all_answered));
    assert_true(is_taken_up(again, was));
    assert_true(again->n_heard == 1 && again->heard[0] == 6);
}

static void who_says_good_bye_does_not_come_back(void **state)
{
    (void)state;
    struct sio_socket *was = ada_in_the_room();

    lose(was, "client namespace disconnect");
    struct sio_socket *ada = come_back(was);
    assert_true(redis_server_until(is_settled));
    assert_anew(ada, was);
}

static void a_hole_in_what_was_missed_is_not_passed_over(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();

    head = 6;
    missing_from = 5;
    struct sio_socket *ada = come_back(was);
    assert_true(redis_server_until(all_answered));
    assert_anew(ada, was);
}

static void who_has_heard_more_than_there_is_begins_anew(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();

    head = 2; /* a restored backup */
    struct sio_socket *ada = come_back(was);
    assert_true(redis_server_until(all_answered));
    assert_anew(ada, was);
}

static void a_busy_service_is_asked_again(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();

    head = 5;
    struct sio_socket *ada = come_back(was);
    answer_next(M_store_log_heads, ERR_UNAVAILABLE);
    answer_next(M_store_log_heads, OK);
    answer_next(M_chat_room_roles, ERR_OVERLOADED);
    answer_next(M_chat_room_roles, OK);
    answer_next(M_store_log_since, ERR_DEADLINE);
    answer_next(M_store_log_since, OK);
    assert_true(redis_server_until(is_settled));
    assert_true(is_taken_up(ada, was) && ada->n_heard == 2);
}

static bool is_asked_or_settled(void)
{
    return is_asked() || is_settled();
}

static void a_service_that_stays_away_is_not_asked_for_ever(void **state)
{
    (void)state;
    struct sio_socket *was = ada_who_was_lost();

    recovery->config.connect_timeout_ms = 300;
    struct sio_socket *ada = come_back(was);
    while (!is_settled()) {
        assert_true(redis_server_until(is_asked_or_settled));
        if (is_asked()) answer_next(M_store_log_heads, ERR_UNAVAILABLE);
    }
    assert_anew(ada, was);
}

static void many_that_come_at_once_take_turns(void **state)
{
    (void)state;
    struct sio_socket *was[SOCKETS / 2], *now[SOCKETS / 2];

    for (size_t i = 0; i < COUNT(was); i++) was[i] = ada_who_was_lost();
    recovery->config.pending_max = 16; /* a quarter of which may be theirs */
    for (size_t i = 0; i < COUNT(was); i++) now[i] = come_back(was[i]);
    assert_true(redis_server_until(is_asked));
    ev_sleep(0.05); /* more would be here by now */
    for (int i = 0; i < 20; i++) ev_run(redis_server_loop, EVRUN_NOWAIT);
    assert_true(redis_server_until(all_answered));
    assert_in_range(most_questions, 1, 4);
    for (size_t i = 0; i < COUNT(was); i++) assert_true(is_taken_up(now[i], was[i]));
}

static void a_join_is_on_record_before_it_is_answered(void **state)
{
    (void)state;
    struct sio_socket *ada = arrive("ada", "");

    redis_server_freeze();
    join(ada, 3);
    for (int i = 0; i < 20; i++) ev_run(redis_server_loop, EVRUN_NOWAIT);
    assert_int_equal(n_noted, 0);
    kill(redis_server_pid, SIGCONT);
    assert_true(redis_server_until(is_noted));
    assert_false(ada->told_off);
}

static bool redis_is_away(void)
{
    return !redis_is_up(recovery->redis);
}

static void who_is_not_on_record_is_told_so_once(void **state)
{
    (void)state;
    struct sio_socket *ada = ada_in_the_room();

    redis_server_stop();
    assert_true(redis_server_until(redis_is_away));
    join(ada, 3);
    assert_true(is_noted());
    assert_true(ada->told_off && ada->subscriber.lost);
    ada->told_off = false;
    join(ada, 3);
    assert_false(ada->told_off);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_has_the_same_sid_and_hears_what_it_missed_first),
        TEST(what_is_more_than_may_be_held_follows_from_where_it_ended),
        TEST(who_missed_more_than_its_subject_may_read_begins_anew),
        TEST(who_is_no_member_any_more_begins_anew),
        TEST(who_may_not_hear_the_room_any_more_begins_anew),
        TEST(who_may_not_hear_the_room_when_it_is_claimed_begins_anew),
        TEST(nothing_is_sent_from_behind_the_heads_that_were_there_before_chat_was_asked),
        TEST(its_subscriptions_know_when_chat_was_asked),
        TEST(who_may_not_connect_any_more_is_refused),
        TEST(the_pid_of_somebody_else_is_worth_nothing),
        TEST(of_two_with_one_pid_one_is_taken_up),
        TEST(a_connection_that_only_seems_alive_is_closed),
        TEST(what_was_sent_again_is_not_sent_a_third_time),
        TEST(an_offset_of_what_was_sent_again_goes_on_behind_it),
        TEST(who_says_good_bye_does_not_come_back),
        TEST(a_hole_in_what_was_missed_is_not_passed_over),
        TEST(who_has_heard_more_than_there_is_begins_anew),
        TEST(a_busy_service_is_asked_again),
        TEST(a_service_that_stays_away_is_not_asked_for_ever),
        TEST(many_that_come_at_once_take_turns),
        TEST(a_join_is_on_record_before_it_is_answered),
        TEST(who_is_not_on_record_is_told_so_once),
    };

    return cmocka_run_group_tests_name("resume", tests, redis_server_begin, redis_server_end);
}
