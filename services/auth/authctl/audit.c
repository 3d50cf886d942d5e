/* audit.c - authctl audit ... */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/wire/json_text.h"
#include "services/auth/audit/audit_chain.h"
#include "services/auth/authctl/authctl.h"

#define LINE_BYTES_MAX (8u << 20)
#define ALL_BYTES_MAX  (256u << 20)

/* --- list --- */

static const char *detail_text(const void *record)
{
    const struct audit_entry *entry = record;
    struct buf json = BUF(LINE_BYTES_MAX);
    const char *text = "";

    if (entry->detail.len > 0 && wire_any_to_json(entry->detail, &json) == OK) text = shown_text(buf_str(&json));
    buf_free(&json);
    return text;
}

static const struct column COLUMNS[] = {
    { "N", "n", 6, NULL, NULL },
    { "AT", "at", 20, NULL, NULL },
    { "WHO", "who", 20, NULL, NULL },
    { "WHAT", "what", 18, NULL, NULL },
    { "TARGET", "target", 20, NULL, NULL },
    { "DETAIL", NULL, 0, NULL, detail_text },
    { NULL, NULL, 0, NULL, NULL },
};

/* --- verify --- */

/* "7:<64 hex digits>" */
static int take_anchor(const struct command_line *line, void *req)
{
    struct audit_anchor *anchor = req;
    struct str hash = line_text(line, "--anchor");

    if (hash.at == NULL) return EXIT_OK;
    struct str n = str_cut(&hash, ':');
    if (!str_to_int(n, &anchor->n) || anchor->n < 1 || hash.len != 64)
        return usage_error(line, "--anchor wants a row's number and hash, as audit verify prints them: N:HASH");
    anchor->hash = hash;
    return EXIT_OK;
}

static int print_state(const struct audit_state *state, struct str of)
{
    if (as_json)
        print_json(audit_state_shape(), state);
    else if (state->broken != 0)
        printf("%.*s is broken at row %lld.\n", STR_ARG(of), (long long)state->broken);
    else
        printf("%.*s is whole. Its newest row: %lld:%.*s\n", STR_ARG(of), (long long)state->rows, STR_ARG(state->hash));
    return state->broken != 0 ? EXIT_MISSED : EXIT_OK;
}

static int verify_there(const struct audit_anchor *anchor)
{
    struct audit_state state;
    int status = call_method(&ask_auth_audit_verify, anchor, &state);

    return status == EXIT_OK ? print_state(&state, STR("The chain")) : status;
}

/* What of a copy its last line alone does not tell. */
struct copy {
    struct audit_cursor cursor;
    const struct audit_anchor *anchor;
    int64_t line;
    bool anchored;
};

static bool take_line(struct copy *copy, struct str text)
{
    copy->line++;
    if (!audit_chain_take(&copy->cursor, text)) return false;
    copy->anchored |= copy->cursor.n == copy->anchor->n && str_is(copy->anchor->hash, copy->cursor.hash);
    return true;
}

static int verify_copy(const struct command_line *line, const struct audit_anchor *anchor)
{
    struct copy copy = { .anchor = anchor };
    struct buf text;
    int status = line_file(line, "FILE", ALL_BYTES_MAX, &text);

    if (status != EXIT_OK) return status;
    audit_chain_begin(&copy.cursor);
    for (struct str rest = buf_str(&text); rest.len > 0;)
        if (!take_line(&copy, str_cut(&rest, '\n'))) break;
    buf_free(&text);
    if (copy.cursor.broken < 0) return usage_error(line, "line %lld is no link of the chain", (long long)copy.line);
    struct audit_state state = {
        .rows = copy.cursor.n, .hash = str_of(copy.cursor.hash), .broken = copy.cursor.broken
    };
    if (state.broken == 0 && anchor->n > 0 && !copy.anchored) state.broken = anchor->n;
    if (state.rows == 0) state.hash = STR_NONE;
    return print_state(&state, STR("The copy"));
}

static int verify_chain(const struct command_line *line)
{
    struct audit_anchor anchor = { .n = 0 };
    int status = take_anchor(line, &anchor);

    if (status != EXIT_OK) return status;
    return line_has(line, "FILE") ? verify_copy(line, &anchor) : verify_there(&anchor);
}

/* --- export --- */

static void print_links(const struct audit_chain *chain)
{
    struct buf out = BUF(LINE_BYTES_MAX);

    for (size_t i = 0; i < chain->links.len; i++) {
        buf_clear(&out);
        audit_chain_put(&out, &chain->links.at[i]);
        printf("%.*s\n", STR_ARG(buf_str(&out)));
    }
    buf_free(&out);
}

/* Lines of JSON with --json and without. */
static int export_chain(const struct command_line *line)
{
    struct audit_after after = { .after = 0 };
    struct audit_chain chain = { .more = true };
    void *asked;
    int status = request_make(line, audit_after_shape(), &asked);

    if (status == EXIT_OK) after = *(struct audit_after *)asked;
    while (status == EXIT_OK && chain.more) {
        struct arena *all = arena;
        /* bound: one page; the decoder asks */
        arena = arena_create("authctl.page", 256u << 20);
        status = call_method(&ask_auth_audit_export, &after, &chain);
        if (status == EXIT_OK) print_links(&chain);
        if (chain.links.len > 0) after.after = chain.links.at[chain.links.len - 1].n;
        arena_destroy(&arena);
        arena = all;
    }
    return status;
}

/* clang-format off */
static const struct command COMMANDS[] = {
    { .verb = "list",
      .doc = "List what administrators did, newest first",
      .ask = &ask_auth_audit_list,
      .pages = true, .list = "audit", .columns = COLUMNS,
      .words = (const struct word[]){
          { .name = "--who", .value = "WHO", .field = "who", .doc = "By whom: admin:<account of the machine>, key:<id> or the id of a user" },
          { .name = "--what", .value = "WHAT", .field = "what", .doc = "What was done, such as key.issue, or what that begins with" },
          { .name = "--target", .value = "TARGET", .field = "target", .doc = "To what: a key's id, a policy's name" },
          { .name = "--since", .value = "WHEN", .field = "since", .is = MOMENT, .doc = "Not older" },
          { .name = "--until", .value = "WHEN", .field = "until", .is = MOMENT, .doc = "Not newer" },
          { .name = "--last", .value = "N", .field = "limit", .doc = "The last so many alone" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "audit list --since 24h", "What happened since yesterday" },
          { "audit list --what key. --target gk7QhTz1aVx2", "What became of a key" },
          { NULL, NULL } } },
    { .verb = "verify",
      .doc = "Is the chain whole? Exit status 4: it is not",
      .about = "Each row has the hash of the one before it, so none can be changed or taken away without changing all after it. Whoever owns "
               "the database can do that: keep the newest row, which is printed, elsewhere, and hold the chain against it.",
      .run = verify_chain,
      .words = (const struct word[]){
          { .name = "FILE", .value = "FILE", .is = A_FILE, .doc = "A copy that audit export printed, instead of the chain itself; nobody is asked" },
          { .name = "--anchor", .value = "N:HASH", .doc = "A row as it was once: the chain has to have it still" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "audit verify", "Nobody has changed it since it was written, if the database is to be trusted" },
          { "audit verify --anchor 1204:5f0c0a3d2e7b4f5061728394a5b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8", "Nor if it is not, up to that row" },
          { "audit verify audit.ndjson", "A copy, on a machine that knows nothing else of it" },
          { NULL, NULL } } },
    { .verb = "export",
      .doc = "Print the chain, oldest first, a line of JSON for each row",
      .about = "hash is the SHA-256 of the bytes of prev and the text of row, to the letter: any program can verify it.",
      .run = export_chain,
      .words = (const struct word[]){
          { .name = "--after", .value = "N", .field = "after", .doc = "Behind that row: what was exported before has it" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "audit export >audit.ndjson", "All of it" },
          { "audit export --after 1204 >>audit.ndjson", "What came since; the whole file is one chain" },
          { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun audit_noun = {
    .name = "audit",
    .doc = "What administrators did, in a chain of hashes",
    .commands = COMMANDS,
};
