/* room.c - madangctl room ... */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <unistd.h>

#include "services/tools/madangctl/madangctl.h"

#define NAME_BYTES_MAX 1024
#define MARK_BYTES_MAX 1600 /* proto/common.def: json_lines.next */

/* --- list, show --- */

static const char *kind_text(const void *record)
{
    const struct room_state *room = record;

    return text_printf("%s%s", shown_text(room->kind), room->archived_at > 0 ? ", archived" : "");
}

static const struct column COLUMNS[] = {
    { "ROOM", "id", 36, NULL, NULL },
    { "KIND", NULL, 16, NULL, kind_text },
    { "MEMBERS", "members", 8, NULL, NULL },
    { "ACTIVE", "active_at", 20, NULL, NULL },
    { "MADE", "created_at", 20, NULL, NULL },
    { "NAME", "name", 0, NULL, NULL },
    { NULL, NULL, 0, NULL, NULL },
};

static const char *yes_or_no(bool is)
{
    return is ? "yes" : "no";
}

static const char *kept_text(int64_t n, const char *unit)
{
    return n > 0 ? text_printf("%lld %s", (long long)n, unit) : text_printf("as many %s as the server says", unit);
}

static void print_log(const struct log_state *log)
{
    printf("log       ");
    if (log->entries > 0)
        printf("%lld entries, seq %lld to %lld", (long long)log->entries, (long long)log->first, (long long)log->head);
    else
        printf("nothing, up to seq %lld", (long long)log->head);
    if (log->oldest_at > 0) printf("; %s to %s", time_text(log->oldest_at), time_text(log->newest_at));
    printf("%s\n", log->clearing ? "; what was before is still being removed" : "");
}

static void print_room(const struct room_state *room)
{
    printf("room      %s\n", shown_text(room->name));
    if (room->topic.len > 0) printf("topic     %s\n", shown_text(room->topic));
    printf("kind      %s\n", kind_text(room));
    printf("made      %s by %s\n", time_text(room->created_at), shown_text(room->created_by));
    if (room->archived_at > 0) printf("archived  %s\n", time_text(room->archived_at));
    printf("active    %s\n", time_text(room->active_at));
    printf("members   %lld\n", (long long)room->members);
    printf("owners    %s\n", list_text(room->owners));
    printf("writes    %s\ninvites   %s\nhistory   %s\n", shown_text(room->writes), shown_text(room->invites),
        shown_text(room->history));
    printf("knocks    %s\nlisted    %s\nlines     %s\n", yes_or_no(room->knocks), yes_or_no(room->listed),
        yes_or_no(room->lines));
    if (room->slow_s > 0) printf("slow      %lld s between two messages of one member\n", (long long)room->slow_s);
    printf("keeps     %s, %s\n", kept_text(room->kept_days, "days"), kept_text(room->kept_messages, "messages"));
}

static int ask_room(const struct command_line *line, struct room_ref *ref, struct room_state *room)
{
    if (!id_parse(line_text(line, "ROOM"), &ref->room)) return usage_error(line, "ROOM wants a UUID");
    return call_method(&ask_chat_rooms_show, ref, room);
}

/* Of two services: what the room is, and how much its log has. */
static int show_room(const struct command_line *line)
{
    struct room_ref ref;
    struct room_state room;
    struct log_state log;
    int status = ask_room(line, &ref, &room);

    if (status == EXIT_OK) status = call_method(&ask_store_logs_show, &ref, &log);
    if (status != EXIT_OK) return status;
    if (as_json) {
        printf("{\"room\":");
        put_record_json(room_state_shape(), &room);
        printf(",\"log\":");
        put_record_json(log_state_shape(), &log);
        printf("}\n");
        return EXIT_OK;
    }
    print_room(&room);
    print_log(&log);
    return EXIT_OK;
}

/* --- purge --- */

bool confirmed(const char *question, struct str text)
{
    char typed[NAME_BYTES_MAX];

    fprintf(stderr, "%s", question);
    if (fgets(typed, sizeof typed, stdin) == NULL) return false;
    struct str said = str_of(typed);
    if (said.len > 0 && said.at[said.len - 1] == '\n') said.len--;
    return str_eq(said, text);
}

static bool is_confirmed(const struct room_state *room)
{
    return confirmed(text_printf("Nothing brings a purged room back. Its name, to purge it (%lld members): ",
                         (long long)room->members),
        room->name);
}

/* Whoever does not say --yes says the room's name. */
static int confirm(const struct command_line *line, struct room_purge *req)
{
    struct room_ref ref;
    struct room_state room;

    if (req->gone) return EXIT_OK;
    int status = ask_room(line, &ref, &room);
    if (status != EXIT_OK) return status;
    req->name = room.name;
    if (line_has(line, "--yes") || is_confirmed(&room)) return EXIT_OK;
    fprintf(stderr, "%s: that is not its name; nothing was done\n", program.name);
    return EXIT_USAGE;
}

static int purge_room(const struct command_line *line)
{
    struct room_purged purged;
    void *req;
    int status = request_make(line, room_purge_shape(), &req);

    if (status == EXIT_OK) status = confirm(line, req);
    if (status == EXIT_OK) status = call_method(&ask_chat_rooms_purge, req, &purged);
    if (status != EXIT_OK) return status;
    if (as_json)
        print_json(room_purged_shape(), &purged);
    else
        printf("Room %s is purged: nobody reads it any more. What its log has is removed by the store's job log.trim, "
               "which "
               "comes by within ten minutes.\n",
            shown_text(line_text(line, "ROOM")));
    return EXIT_OK;
}

/* --- retention --- */

static int keep_room(const struct command_line *line)
{
    struct room_ref ref;
    struct room_state room;
    void *req;
    bool changes = line_has(line, "--days") || line_has(line, "--messages");
    int status = request_make(line, room_retention_shape(), &req);

    if (status != EXIT_OK) return status;
    if (changes && !line_has(line, "--reason")) return usage_error(line, "--reason is missing");
    status = changes ? call_method(&ask_chat_rooms_keep, req, &room) : ask_room(line, &ref, &room);
    if (status != EXIT_OK) return status;
    if (as_json)
        print_json(room_state_shape(), &room);
    else
        printf("%s, %s\n", kept_text(room.kept_days, "days"), kept_text(room.kept_messages, "messages"));
    return EXIT_OK;
}

/* --- export --- */

static int write_parts(const struct command_line *line, struct room_taking *req, FILE *to)
{
    struct arena *all = arena;
    char mark[MARK_BYTES_MAX];
    int status;

    do {
        struct json_lines part = { .text = STR_NONE };
        /* bound: one part; the decoder asks */
        arena = arena_create("madangctl.part", 16u << 20);
        status = call_method(&ask_store_logs_export, req, &part);
        bool is_written =
            part.text.len == 0 || (fwrite(part.text.at, 1, part.text.len, to) == part.text.len && fflush(to) == 0);
        if (status == EXIT_OK && !is_written) status = usage_error(line, "the lines cannot be written");
        if (part.next.len > 0) memcpy(mark, part.next.at, part.next.len);
        req->after = (struct str){ mark, part.next.len };
        arena_destroy(&arena);
        arena = all;
    } while (status == EXIT_OK && req->after.len > 0);
    return status;
}

static int export_room(const struct command_line *line)
{
    void *req;
    int status = request_make(line, room_taking_shape(), &req);

    if (status != EXIT_OK) return status;
    if (!line_has(line, "--to")) return write_parts(line, req, stdout);
    const char *file = arena_cstr(arena, line_text(line, "--to"));
    FILE *to = fopen(file, line_has(line, "--after") ? "ae" : "we");
    if (to == NULL) return usage_error(line, "%s cannot be written", file);
    status = write_parts(line, req, to);
    if (fclose(to) != 0 && status == EXIT_OK) return usage_error(line, "%s cannot be written", file);
    return status;
}

/* clang-format off */
#define ROOM_ID { .name = "ROOM", .value = "ROOM", .field = "room", .is = REQUIRED_WORD, .doc = "Its id, as `room list` shows it" }
#define REASON  { .name = "--reason", .value = "TEXT", .field = "reason", .is = REQUIRED_WORD, .doc = "Why, for the audit" }

static const struct command COMMANDS[] = {
    { .verb = "list",
      .doc = "List rooms, the newest first",
      .about = "What fits all that is said.",
      .ask = &ask_chat_rooms_list,
      .pages = true, .list = "rooms", .columns = COLUMNS,
      .words = (const struct word[]){
          { .name = "--kind", .value = "KIND", .field = "kind", .doc = "Of this kind", .choices = "open|closed|direct|archived" },
          { .name = "--name", .value = "TEXT", .field = "name", .doc = "Whose name begins with this, in capitals or not" },
          { .name = "--owner", .value = "SUBJECT", .field = "owner", .doc = "Of which this subject is an owner" },
          { .name = "--active-since", .value = "WHEN", .field = "active_since", .is = MOMENT, .doc = "Where somebody said something since then" },
          { .name = "--idle-since", .value = "WHEN", .field = "idle_since", .is = MOMENT, .doc = "Where nobody has" },
          { .name = "--limit", .value = "N", .field = "limit", .doc = "So many alone" },
          { .name = "--after", .value = "CURSOR", .field = "after", .doc = "Behind this room: the id of the last one that is known" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "room list --kind archived", "All that are archived" },
          { "room list --owner ada --idle-since 90d", "Those of ada where nothing has been said for three months" },
          { NULL, NULL } } },
    { .verb = "show",
      .doc = "Show a room: its members counted, its settings, and how much its log has",
      .run = show_room,
      .words = (const struct word[]){ ROOM_ID, { .name = NULL } },
      .examples = (const struct example[]){ { "room show 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2", "All that is known of it without reading it" }, { NULL, NULL } } },
    { .verb = "archive",
      .doc = "Archive a room: nobody writes there, and it is read as before",
      .ask = &ask_chat_rooms_archive,
      .says = "Room {id} ({name}) is archived.",
      .words = (const struct word[]){ ROOM_ID, REASON, { .name = NULL } },
      .examples = (const struct example[]){ { "room archive 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --reason 'the project is over'", "Kept, and over" }, { NULL, NULL } } },
    { .verb = "unarchive",
      .doc = "Have an archived room back",
      .ask = &ask_chat_rooms_unarchive,
      .says = "Room {id} ({name}) is not archived any more.",
      .words = (const struct word[]){ ROOM_ID, REASON, { .name = NULL } },
      .examples = (const struct example[]){ { "room unarchive 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --reason 'it goes on'", "It is written in again" }, { NULL, NULL } } },
    { .verb = "purge",
      .doc = "End a room with all that was said there, for good",
      .about = "Its members hear that it is no more, as when an owner deletes it, and from then on nobody reads or exports it. What its log has, what "
               "search found of it and what its messages showed of files is removed by the store's job log.trim, which comes by every ten minutes; drafts and "
               "messages that were to be sent later go with draft.sweep and schedule.sweep, just as often. A backup that was made before still has all of it. "
               "Without --yes the room's name is asked for.",
      .run = purge_room,
      .words = (const struct word[]){
          ROOM_ID, REASON,
          { .name = "--yes", .doc = "Ask for no name" },
          { .name = "--gone", .field = "gone", .doc = "It was deleted before, by who owned it, and what its log still has is to go" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "room purge 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --reason 'as the law wants it'", "It asks for the room's name" },
          { "room purge 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --reason 'left behind by a test' --yes", "For a script" },
          { "room purge 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --reason 'as the law wants it' --gone", "Its owner has deleted it" },
          { NULL, NULL } } },
    { .verb = "retention",
      .doc = "Say for how long and how much a room keeps of what was said; without options, show it",
      .about = "What a room keeps no longer is removed by the store's job log.trim. Of what a room says and what the installation says "
               "(MADANG_STORE_KEPT_DAYS, MADANG_STORE_KEPT_MESSAGES) the less is kept.",
      .run = keep_room,
      .words = (const struct word[]){
          ROOM_ID,
          { .name = "--days", .value = "N", .field = "kept_days", .least = 0, .doc = "What was said so many days ago is removed; 0: when the installation says" },
          { .name = "--messages", .value = "N", .field = "kept_messages", .least = 0, .doc = "So many messages are kept, the newest; 0: as many as the installation says" },
          { .name = "--reason", .value = "TEXT", .field = "reason", .doc = "Why, for the audit; it is wanted where something is changed" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "room retention 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2", "What it keeps" },
          { "room retention 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --days 30 --messages 0 --reason 'as agreed'", "A month, however much it is" },
          { NULL, NULL } } },
    { .verb = "export",
      .doc = "Take a room along as lines of JSON: its settings, members and entries",
      .about = "The lines are those of docs/export.md, whoever owns the room. After a line with a mark they go on by --after MARK, at any time and "
               "on any machine, and are what would have followed; with --to they are then put behind what the file has. Lines of JSON with --json and without.",
      .run = export_room,
      .words = (const struct word[]){
          ROOM_ID,
          { .name = "--reason", .value = "TEXT", .field = "reason", .doc = "Why, for the audit; it is wanted of an export's beginning" },
          { .name = "--after", .value = "MARK", .field = "after", .doc = "Behind this mark" },
          { .name = "--to", .value = "FILE", .is = A_FILE, .doc = "Into this file, instead of standard output" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "room export 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --reason 'a court asks' --to room.ndjson", "All of it" },
          { NULL, NULL } } },
    { .verb = "import",
      .doc = "Read a room's lines in: the room, its members, and every entry with its sender, time and place",
      .about = "The lines are those of docs/import.md, as room export writes them. What is there already is compared and not written again, so the "
               "same file may come as often as it takes; what does not fit what is there is refused with its line. When a service goes away meanwhile its part is sent "
               "again for half a minute; then exit status 3 says the mark behind which --after goes on.",
      .run = import_room,
      .words = (const struct word[]){
          { .name = "FILE", .value = "FILE", .is = REQUIRED_WORD | A_FILE, .doc = "The lines, or - for standard input" },
          { .name = "--after", .value = "MARK", .doc = "From this mark of the file on: what is before it was read in" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "room import room.ndjson", "The same room, to the byte" },
          { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun room_noun = {
    .name = "room",
    .doc = "Rooms, whoever is in them",
    .about = "An operator is no member: nothing here depends on who is in a room, and nobody in it sees an operator.",
    .commands = COMMANDS,
};
