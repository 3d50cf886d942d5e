/* conversation_import.c - the conversations of a file are kept, each once: import.h has its way. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/conversations/import.h"

#include "libshared/base/clock.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/json.h"
#include "services/share/conversations/conversations_private.h"
#include "services/share/conversations/dump.h"

#define FILE_BYTES_MAX  (64 << 20)
#define PIECE_BYTES     65536
#define ENTRY_BYTES_MAX 2200000 /* of one: twice what a route takes, as its quotes may be escaped */
#define NAME_CHARS_MAX  120     /* proto/share.def: import_entry, conversation_draft */
#define NAME_BYTES_MAX  4096    /* as it stands there: a longer one is not answered */
#define THEME_BYTES_MAX 40
#define AT_ONCE         20 /* in one transaction, of */
#define AT_ONCE_BYTES   (1 << 20)
#define ANSWER_US       500000 /* before the deadline, to be heard */

struct import_run {
    struct rpc_later *later;
    import_end_fn *end;
    const void *arg;
    struct upload *upload;
    struct dump dump;
    struct import_entry entries[DUMP_ENTRIES_MAX];
    struct import_answer answer;
    size_t next, taken; /* the first one of which nothing is known; the first one behind those that a worker is at */
};

static void end_import(struct import_run *import, enum err e)
{
    uploads_read_end(import->upload);
    import->end(import->later, e, &import->answer, import->arg);
}

/* --- where they lie --- */

/* As much of a name as an answer has; of one without end none. */
static enum err read_name(struct import_run *import, size_t i, struct arena *arena)
{
    const struct dump_entry *at = &import->dump.entries[i];
    size_t n = (size_t)(at->key_end - at->key_at);
    struct str name;

    import->entries[i].place = (int64_t)i + 1;
    if (n > NAME_BYTES_MAX) return OK;
    char *raw = arena_alloc(arena, n);
    TRY(upload_read(import->upload, at->key_at, raw, n));
    if (!json_decode_text((struct str){ raw, n }, arena, &name) || !utf8_is_valid(name.at, name.len)) return OK;
    while (utf8_length(name.at, name.len) > NAME_CHARS_MAX) {
        do name.len--;
        while (((unsigned char)name.at[name.len] & 0xc0) == 0x80);
    }
    import->entries[i].name = arena_str(rpc_later_call(import->later)->arena, name);
    return OK;
}

static enum err find_entries(struct pg *pg, struct arena *arena, void *arg)
{
    struct import_run *import = arg;
    struct dump *dump = &import->dump;
    int64_t size = upload_size(import->upload);
    char *piece = arena_alloc(arena, PIECE_BYTES);

    (void)pg;
    for (int64_t at = 0; at < size && dump->fault == NULL;) {
        size_t n = size - at < PIECE_BYTES ? (size_t)(size - at) : PIECE_BYTES;
        TRY(upload_read(import->upload, at, piece, n));
        dump_take(dump, (struct str){ piece, n });
        at += (int64_t)n;
    }
    if (!dump_end(dump))
        return call_fail(rpc_later_call(import->later), ERR_INVALID_ARGUMENT, "file: byte %lld: %s",
            (long long)dump->at + 1, dump->fault);
    for (size_t i = 0; i < dump->n; i++) TRY(read_name(import, i, arena));
    return OK;
}

/* --- one of them --- */

/* Its text, `"name": value`. */
static enum err read_entry(
    struct call *call, const struct import_run *import, size_t i, struct str *key, struct str *value)
{
    const struct dump_entry *at = &import->dump.entries[i];
    size_t n = (size_t)(at->end - at->key_at);

    if (n > ENTRY_BYTES_MAX) return call_fail(call, ERR_TOO_LARGE, "it has more than %d bytes", ENTRY_BYTES_MAX);
    char *text = arena_alloc(call->arena, n);
    TRY(upload_read(import->upload, at->key_at, text, n));
    *key = (struct str){ text, (size_t)(at->key_end - at->key_at) };
    *value = (struct str){ text + (at->value_at - at->key_at), (size_t)(at->end - at->value_at) };
    return OK;
}

/* A theme is a word; what is none stays content. */
static bool is_theme(struct str raw)
{
    return raw.at[0] == '"' && raw.len > 2 && raw.len <= THEME_BYTES_MAX + 2;
}

/* Parts its members: a theme, and all else, which is its content, whatever it is. */
static enum err part_members(struct call *call, struct str object, struct buf *theme, struct buf *content)
{
    struct json_open open;
    struct json_in in;
    struct str key, raw;

    json_begin(&in, object, JSON_DEPTH_MAX);
    bool is_object = json_peek(&in) == '{' && json_open_object(&in, &open);
    while (is_object && json_next_key(&in, &open, &key)) {
        const char *at = json_key_at(&in);
        bool is_named_so = str_is(key, "theme"); /* the key holds until the next text is read */
        if (!json_skip(&in, &raw)) break;
        struct buf *to = is_named_so && is_theme(raw) ? theme : content;
        if (to->len > 0) buf_add_char(to, ',');
        buf_add_str(to, (struct str){ at, (size_t)(raw.at + raw.len - at) });
    }
    if (!is_object) json_skip(&in, NULL);
    enum json_verdict verdict = json_end(&in);
    if (verdict != JSON_FINE)
        return call_fail(call, ERR_INVALID_ARGUMENT, "data: is no JSON that is taken: %s", in.fault);
    return is_object ? OK : call_fail(call, ERR_INVALID_ARGUMENT, "data: want an object");
}

/* As a client would have sent it. */
static enum err put_draft(
    struct call *call, struct str key, struct str value, struct buf *theme, struct buf *content, struct buf *draft)
{
    TRY(part_members(call, value, theme, content));
    buf_add_str(draft, STR("{\"name\":"));
    buf_add_str(draft, key);
    buf_add_str(draft, theme->len > 0 ? STR(",") : STR(""));
    buf_add_str(draft, buf_str(theme));
    buf_add_str(draft, STR(",\"data\":{"));
    buf_add_str(draft, buf_str(content));
    buf_add_str(draft, STR("}}"));
    return OK;
}

/* A browser's storage holds texts: an object is one, or stands there itself. */
static enum err read_draft(struct call *call, struct str key, struct str value, struct conversation_draft *out)
{
    struct buf theme = BUF(value.len + 1), content = BUF(value.len + 1), draft = BUF(2 * (key.len + value.len) + 64);

    if (value.at[0] == '"' && !json_decode_text(value, call->arena, &value))
        return call_fail(call, ERR_INVALID_ARGUMENT, "data: is no JSON that is taken");
    enum err e = put_draft(call, key, value, &theme, &content, &draft);
    struct str text = arena_str(call->arena, buf_str(&draft));
    buf_free(&theme);
    buf_free(&content);
    buf_free(&draft);
    return e != OK ? e : wire_read_json(conversation_draft_shape(), text, call->arena, out, call->why);
}

struct known {
    struct str key;
    struct id same, former;
    bool trash;
};
static const struct wire_field known_fields[] = { ROW_FIELD(struct known, key, TEXT), ROW_FIELD(struct known, same, ID),
    ROW_FIELD(struct known, former, ID), ROW_FIELD(struct known, trash, BOOL), ROW_END };
static const struct wire_shape known_shape = { "known", "", sizeof(struct known), known_fields };

/* By its content as it is kept, so the order of members and blanks between them make no other. */
static const char LOOK_UP[] =
    "WITH said AS (SELECT 'import:' || rtrim(encode(sha256(convert_to(jsonb_build_array($2::text, $3::text,"
    "  $4::jsonb)::text, 'UTF8')), 'base64'), '=') AS key)"
    " SELECT said.key, c.id AS same, c.deleted_at IS NOT NULL AS trash, (SELECT f.id FROM conversation f WHERE"
    "  f.owner = $1 AND f.taken_in_as = $2 ORDER BY f.created_at DESC LIMIT 1) AS former"
    " FROM said LEFT JOIN conversation c ON c.owner = $1 AND c.client_key = said.key";
static const char INSERT[] =
    "INSERT INTO conversation (id, owner, name, theme, data, created_at, changed_at, client_key, bytes, taken_in_as)"
    " VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $3)";

/* Before it is there: one that has no room shall leave nothing, and its neighbours are in the same transaction. */
static enum err take_quotas(struct call *call, int64_t bytes)
{
    TRY(quota_take(call, QUOTA_conversations, 1));
    enum err e = quota_take(call, QUOTA_conversation_bytes, bytes);
    if (e == ERR_QUOTA_EXCEEDED) TRY(quota_give(call, QUOTA_conversations, call->who->sub, 1));
    return e;
}

static enum err keep_entry(struct call *call, const struct conversation_draft *draft, struct import_entry *entry)
{
    struct pg_arg data = pg_json(call->arena, draft->data);
    struct known known = { .trash = false };
    int64_t bytes = (int64_t)draft->data.len;
    struct id id = id_new();

    TRY(pg_one(call->pg, call->arena, &known_shape, &known, LOOK_UP,
        PG_ARGS(pg_text(call->who->sub), pg_text(draft->name), pg_text(draft->theme), data)));
    if (!id_is_nil(known.same)) {
        entry->state = STR("same");
        entry->conversation = known.same;
        entry->trash = known.trash;
        return OK;
    }
    TRY(take_quotas(call, bytes));
    TRY(pg_run(call->pg, call->arena, INSERT,
        PG_ARGS(pg_id(id), pg_text(call->who->sub), pg_text(draft->name), pg_text(draft->theme), data,
            pg_time(call->now), pg_text(known.key), pg_int(bytes)),
        NULL));
    entry->state = id_is_nil(known.former) ? STR("made") : STR("changed");
    entry->conversation = id;
    entry->former = known.former;
    return conversation_use_media(call, id, 0);
}

static enum err take_entry(struct call *call, struct import_run *import, size_t i)
{
    struct conversation_draft draft;
    struct str key = STR_NONE, value = STR_NONE;

    TRY(read_entry(call, import, i, &key, &value));
    TRY(read_draft(call, key, value, &draft));
    TRY(conversation_check(call, draft.data));
    return keep_entry(call, &draft, &import->entries[i]);
}

/* --- some at a time --- */

static void refuse_entry(struct import_run *import, size_t i, enum err e, const char *why)
{
    struct import_entry *entry = &import->entries[i];

    *entry = (struct import_entry){ .place = (int64_t)i + 1,
        .name = entry->name,
        .state = STR("refused"),
        .code = str_of(err_code(e)),
        .message = arena_str(rpc_later_call(import->later)->arena, str_of(why[0] != '\0' ? why : err_text(e))) };
}

/* What is its sender's fault is so for ever; what is ours is all of theirs that this transaction had. */
static bool is_of_entry(enum err e)
{
    return e == ERR_MALFORMED || e == ERR_INVALID_ARGUMENT || e == ERR_TOO_LARGE || e == ERR_QUOTA_EXCEEDED;
}

/* Two files of one owner's take turns, so that what both have is made once. */
static const char LOCK[] = "SELECT pg_advisory_xact_lock(hashtextextended('madang.share.import.' || $1, 0))";

static enum err take_some(struct pg *pg, struct arena *arena, void *arg)
{
    struct import_run *import = arg;
    const struct call *caller = rpc_later_call(import->later);
    struct wire_error why;
    int64_t bytes = 0;

    pg_set_deadline(pg, caller->deadline_us - ANSWER_US / 2);
    TRY(pg_run(pg, arena, LOCK, PG_ARGS(pg_text(caller->who->sub)), NULL));
    for (size_t i = import->next; i < import->dump.n && i < import->next + AT_ONCE && bytes < AT_ONCE_BYTES; i++) {
        struct call call = call_on_worker(caller, pg, arena);
        why = (struct wire_error){ .limit = -1 };
        call.why = &why;
        enum err e = take_entry(&call, import, i);
        if (e != OK && !is_of_entry(e)) return e;
        if (e != OK) refuse_entry(import, i, e, why.text);
        bytes += import->dump.entries[i].end - import->dump.entries[i].key_at;
        import->taken = i + 1;
    }
    return OK;
}

static void count_entries(struct import_run *import)
{
    struct import_answer *answer = &import->answer;

    answer->conversations = (struct import_entry_list){ import->entries, import->dump.n };
    for (size_t i = 0; i < import->dump.n; i++) {
        struct str state = import->entries[i].state;
        if (str_is(state, "made")) answer->made++;
        if (str_is(state, "same")) answer->same++;
        if (str_is(state, "changed")) answer->changed++;
        if (str_is(state, "refused")) answer->refused++;
    }
}

/* What this transaction had, and all behind it. */
static void refuse_rest(struct import_run *import, enum err e)
{
    for (size_t i = import->next; i < import->dump.n; i++)
        refuse_entry(import, i, e, "it was not taken in any more; send the file again");
}

static void take_next(struct import_run *import);

static void on_taken(void *arg, enum err e)
{
    struct import_run *import = arg;

    if (e == OK)
        import->next = import->taken;
    else
        refuse_rest(import, e);
    if (e != OK) import->next = import->dump.n;
    take_next(import);
}

static void take_next(struct import_run *import)
{
    const struct call *call = rpc_later_call(import->later);
    enum err e = ERR_DEADLINE;

    if (import->next < import->dump.n && clock_mono_us() < call->deadline_us - ANSWER_US) {
        if (rpc_server_work(call->server, rpc_call_lane(call), take_some, on_taken, import)) return;
        e = ERR_OVERLOADED;
    }
    refuse_rest(import, e);
    count_entries(import);
    end_import(import, OK);
}

static void on_found(void *arg, enum err e)
{
    struct import_run *import = arg;

    if (e == OK)
        take_next(import);
    else
        end_import(import, e);
}

void conversations_import(struct rpc_later *later, struct id upload, import_end_fn *end, const void *arg)
{
    struct call *call = rpc_later_call(later);
    struct upload *read = uploads_read_begin(later, upload);

    if (read == NULL) return;
    struct import_run *import = arena_zero(call->arena, sizeof *import);
    import->later = later;
    import->end = end;
    import->arg = arg;
    import->upload = read;
    enum err e = OK;
    if (upload_size(read) > FILE_BYTES_MAX)
        e = call_fail(call, ERR_TOO_LARGE, "file: may have %d bytes", FILE_BYTES_MAX);
    else if (!rpc_server_work_blocking(call->server, rpc_call_lane(call), find_entries, on_found, import))
        e = call_fail(call, ERR_OVERLOADED, "too much waits for a thread");
    if (e != OK) end_import(import, e);
}

static void answer_import(struct rpc_later *later, enum err e, const struct import_answer *answer, const void *arg)
{
    (void)arg;
    rpc_later_done(later, e, answer);
}

void conversation_import(struct call *call, const struct media_draft *draft, struct rpc_later *later)
{
    (void)call;
    conversations_import(later, draft->upload, answer_import, NULL);
}
