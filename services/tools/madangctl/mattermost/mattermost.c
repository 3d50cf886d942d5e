/*
 * mattermost.c - madangctl mattermost ...: what Mattermost's bulk export becomes here.
 *
 *      export --people--> users, for authctl user import, and who is who, for --rooms--> a file for each room, for madangctl room import
 *
 * Nothing of it asks a service: what is written is looked at, and read in as any other file.  docs/import.md
 */
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libshared/wire/json_text.h"
#include "services/tools/madangctl/madangctl.h"
#include "services/tools/madangctl/mattermost/rooms.h"

#define LINE_BYTES_MAX   ((size_t)64 << 20)
#define PEOPLE_BYTES_MAX ((size_t)64 << 20)
#define LINE_ARENA       ((size_t)1 << 30)
#define AS_DEFAULT       "mattermost"
#define AS_CHARS         24
#define NICKNAME_CHARS   32 /* proto/auth.def: people_draft */
#define NAME_CHARS       80
#define EMAIL_BYTES      254

/* --- the file --- */

typedef const char *take_fn(void *arg, const struct mattermost_line *line); /* NULL, or why it cannot go on */

static int take_row(struct rows *rows, struct arena *of_line, take_fn *take, void *arg)
{
    struct wire_error why = { 0 };
    struct mattermost_line line;
    struct str text = str_trim(buf_str(&rows->row));

    if (rows->row.over) return row_refuse(rows, ERR_TOO_LARGE, "is longer than 64 MiB");
    if (text.len == 0 && rows->n > 1) return EXIT_OK;
    enum err e = mattermost_line_read(of_line, text, &line, &why);
    if (e != OK) return row_refuse(rows, e, why.text);
    if ((rows->n == 1) != (line.kind == MATTERMOST_VERSION))
        return row_refuse(rows, ERR_INVALID_ARGUMENT, "the version is the first line, and no other one");
    const char *fault = take(arg, &line);
    return fault == NULL ? EXIT_OK : row_refuse(rows, ERR_TOO_LARGE, fault);
}

static int read_rows(FILE *from, take_fn *take, void *arg)
{
    struct rows rows = { .from = from, .row = BUF(LINE_BYTES_MAX) };
    /* bound: one line; each list in it has one */
    struct arena *of_line = arena_create("madangctl.mattermost.line", LINE_ARENA);
    int status = EXIT_OK;

    while (status == EXIT_OK && row_read(&rows)) {
        status = take_row(&rows, of_line, take, arg);
        arena_reset(of_line);
    }
    if (status == EXIT_OK && ferror(from)) status = row_refuse(&rows, ERR_INTERNAL, "cannot be read");
    if (status == EXIT_OK && rows.n == 0) status = row_refuse(&rows, ERR_INVALID_ARGUMENT, "nothing is in it");
    arena_destroy(&of_line);
    buf_free(&rows.row);
    return status;
}

static int read_file(const struct command_line *line, take_fn *take, void *arg)
{
    struct str file = line_text(line, "FILE");

    if (str_is(file, "-")) return read_rows(stdin, take, arg);
    FILE *from = fopen(arena_cstr(arena, file), "re");
    if (from == NULL) return usage_error(line, "%s: %s", shown_text(file), strerror(errno));
    int status = read_rows(from, take, arg);
    fclose(from);
    return status;
}

static int read_as(const struct command_line *line, struct str *as)
{
    *as = line_has(line, "--as") ? line_text(line, "--as") : STR(AS_DEFAULT);
    for (size_t i = 0; i < as->len; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-", as->at[i]) == NULL) as->len = 0;
    return as->len > 0 && as->len <= AS_CHARS ? EXIT_OK : usage_error(line, "--as wants up to 24 of a-z, 0-9 and -");
}

/* --- people --- */

struct people {
    struct str as;
    struct arena *arena;
    int64_t left, long_names;
};

static struct str name_of(struct arena *scratch, const struct mattermost_line *user)
{
    bool both = user->first_name.len > 0 && user->last_name.len > 0;
    struct str name =
        arena_printf(scratch, "%.*s%s%.*s", STR_ARG(user->first_name), both ? " " : "", STR_ARG(user->last_name));

    name = str_trim(text_cut(name.len > 0 ? name : user->nickname, NAME_CHARS));
    return name.len > 0 ? name : STR_NONE;
}

static const char *print_person(void *arg, const struct mattermost_line *user)
{
    struct people *people = arg;
    struct buf out = BUF(65536);
    bool has_locale = str_is(user->locale, "ko") || str_is(user->locale, "en");

    if (user->kind != MATTERMOST_USER) return NULL;
    people->left += user->left_at > 0;
    if (user->left_at > 0) return NULL;
    bool is_long = utf8_length(user->username.at, user->username.len) > NICKNAME_CHARS;
    people->long_names += is_long;
    if (is_long) return NULL;
    const struct people_draft draft = { .id = made_id(people->arena, people->as, "user", user->username),
        .nickname = user->username,
        .name = name_of(people->arena, user),
        .email = user->email.len > 2 && user->email.len <= EMAIL_BYTES ? user->email : STR_NONE,
        .locale = has_locale ? user->locale : STR_NONE };
    enum err e = wire_write_json(people_draft_shape(), &draft, &out);
    if (e == OK) printf("%.*s\n", STR_ARG(buf_str(&out)));
    buf_free(&out);
    arena_reset(people->arena);
    return e == OK ? NULL : "is longer than a user may be";
}

static int print_people(const struct command_line *line)
{
    struct people people = { .left = 0 };
    int status = read_as(line, &people.as);

    if (status != EXIT_OK) return status;
    /* bound: one person */
    people.arena = arena_create("madangctl.person", 1u << 20);
    status = read_file(line, print_person, &people);
    arena_destroy(&people.arena);
    if (people.left > 0) fprintf(stderr, "Left out: %lld who were deactivated\n", (long long)people.left);
    if (people.long_names > 0)
        fprintf(stderr, "Left out: %lld whose names have more than 32 characters\n", (long long)people.long_names);
    return status;
}

/* --- rooms --- */

static const struct {
    const char *name, *doc;
} LEFT_OUT[] = {
#define LEFT(name, doc) { #name, doc },
#include "services/tools/madangctl/mattermost/left_out.def"
#undef LEFT
};

/* Who is a user here, by nickname. */
static int read_people(const struct command_line *line, struct made_rooms *all)
{
    struct buf text;
    char id[ID_TEXT_BYTES + 1];
    int status = line_has(line, "--people") ? line_file(line, "--people", PEOPLE_BYTES_MAX, &text) : EXIT_OK;

    if (status != EXIT_OK || !line_has(line, "--people")) return status;
    struct str rest = buf_str(&text);
    for (int64_t n = 1; status == EXIT_OK && rest.at != NULL && rest.len > 0; n++) {
        struct str row = str_trim(str_cut(&rest, '\n'));
        struct people_draft person = { .created_at = 0 };
        struct wire_error why = { 0 };
        if (row.len == 0) continue;
        enum err e = wire_read_json(people_draft_shape(), row, all->scratch, &person, &why);
        if (e != OK || id_is_nil(person.id)) {
            fprintf(stderr, "%s: %s: --people, line %lld: %s\n", program.name, err_code(ERR_INVALID_ARGUMENT),
                (long long)n, e != OK ? why.text : "id: is missing");
            status = EXIT_REFUSED;
            break;
        }
        id_format(person.id, id);
        rooms_name(all, person.nickname, str_of(id));
        arena_reset(all->scratch);
    }
    buf_free(&text);
    return status;
}

static const char *take_line(void *arg, const struct mattermost_line *line)
{
    struct made_rooms *all = arg;

    return rooms_take(all, line) ? NULL : all->fault;
}

static const char *kind_of(const struct made_room *room)
{
    return room->is_direct ? "direct" : room->is_open ? "open" : "closed";
}

static void print_room(const struct made_room *room, const char *id, bool is_first)
{
    struct buf json = BUF(65536);
    const char *members = text_printf("%zu", room->n_members), *entries = text_printf("%lld", (long long)room->entries);
    const char *const cells[] = { id, kind_of(room), members, entries, shown_text(room->name) };
    static const int widths[] = { 36, 6, 7, 9, 0 };

    if (!as_json) {
        print_cells(cells, widths, COUNT(widths));
        return;
    }
    buf_printf(&json, "%s{\"room\":\"%s\",\"kind\":\"%s\",\"members\":%s,\"entries\":%s,\"name\":", is_first ? "" : ",",
        id, kind_of(room), members, entries);
    json_put_text(&json, room->name.at != NULL ? room->name : STR(""));
    printf("%.*s}", STR_ARG(buf_str(&json)));
    buf_free(&json);
}

/* Whole, or not at all. */
static int write_room(const struct command_line *line, struct made_rooms *all, size_t i, const char *dir)
{
    char id[ID_TEXT_BYTES + 1];

    id_format(all->rooms[i].id, id);
    const char *file = text_printf("%s/%s.ndjson", dir, id), *part = text_printf("%s.part", file);
    FILE *to = fopen(part, "we");
    bool good = to != NULL && room_write(all, i, to);
    if (to != NULL) good = fclose(to) == 0 && good;
    if (!good || rename(part, file) != 0) {
        unlink(part);
        return usage_error(line, "%s cannot be written", file);
    }
    print_room(&all->rooms[i], id, i == 0);
    return EXIT_OK;
}

static void print_left(const struct made_rooms *all)
{
    bool is_first = true;

    if (as_json) printf("],\"left_out\":{");
    for (size_t i = 0; i < COUNT(LEFT_OUT); i++) {
        if (as_json) printf("%s\"%s\":%lld", is_first ? "" : ",", LEFT_OUT[i].name, (long long)all->left[i]);
        is_first = false;
        if (!as_json && all->left[i] > 0)
            fprintf(stderr, "Left out: %lld %s\n", (long long)all->left[i], LEFT_OUT[i].doc);
    }
    if (as_json) printf("}}\n");
}

static int write_rooms(const struct command_line *line, struct made_rooms *all, const char *dir)
{
    static const char *const heads[] = { "ROOM", "KIND", "MEMBERS", "ENTRIES", "NAME" };
    static const int widths[] = { 36, 6, 7, 9, 0 };
    int status = read_people(line, all);

    if (status == EXIT_OK) status = read_file(line, take_line, all);
    if (status != EXIT_OK) return status;
    if (fflush(all->spool) != 0) return usage_error(line, "%s cannot be written to", dir);
    rooms_sort(all);
    if (as_json)
        printf("{\"rooms\":[");
    else
        print_cells(heads, widths, COUNT(widths));
    for (size_t i = 0; status == EXIT_OK && i < all->n_rooms; i++) status = write_room(line, all, i, dir);
    print_left(all);
    return status;
}

static int make_rooms(const struct command_line *line)
{
    const char *dir = arena_cstr(arena, line_text(line, "--to"));
    struct made_rooms all;
    struct str as;
    int status = read_as(line, &as);

    if (status != EXIT_OK) return status;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) return usage_error(line, "%s: %s", dir, strerror(errno));
    char *path = arena_cstr(arena, arena_printf(arena, "%s/.spool-XXXXXX", dir));
    int fd = mkostemp(path, 0);
    FILE *spool = fd >= 0 ? fdopen(fd, "w+e") : NULL;
    if (spool == NULL) return usage_error(line, "%s: %s", dir, strerror(errno));
    unlink(path);
    rooms_begin(&all, as, spool);
    status = write_rooms(line, &all, dir);
    rooms_end(&all);
    fclose(spool);
    return status;
}

/* clang-format off */
#define THE_FILE { .name = "FILE", .value = "FILE", .is = REQUIRED_WORD | A_FILE, .doc = "The export, one line of JSON each, or - for standard input" }
#define AS_NAME  { .name = "--as", .value = "NAME", .doc = "What that system is called, of which ids are made; without it, mattermost" }

static const struct command COMMANDS[] = {
    { .verb = "people",
      .doc = "Print the users of Mattermost's export as lines for authctl user import",
      .about = "Each has an id that is always the same for this name. Who is a user here already gets that one's id in place of it; who is to be no user is taken out. "
               "Who was deactivated is not printed.",
      .run = print_people,
      .words = (const struct word[]){ THE_FILE, AS_NAME, { .name = NULL } },
      .examples = (const struct example[]){ { "mattermost people import.jsonl > people.ndjson", "Then: authctl user import people.ndjson" }, { NULL, NULL } } },
    { .verb = "rooms",
      .doc = "Make of Mattermost's export a file for each of its channels, for madangctl room import",
      .about = "The format is that of Mattermost's bulk loading, version 1; what becomes of what is in docs/import.md. No service is asked. "
               "The same export becomes the same files, to the byte. What is left out is counted and said.",
      .run = make_rooms,
      .words = (const struct word[]){
          THE_FILE,
          { .name = "--to", .value = "DIR", .is = REQUIRED_WORD, .doc = "Where the files are written, each as its room's id and .ndjson" },
          { .name = "--people", .value = "FILE", .is = A_FILE, .doc = "Who is which user here: lines with id and nickname, as mattermost people prints them; who is not there is a name, as mattermost:ada" },
          AS_NAME,
          { .name = NULL } },
      .examples = (const struct example[]){ { "mattermost rooms import.jsonl --people people.ndjson --to rooms", "Then, for each file there: madangctl room import" }, { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun mattermost_noun = {
    .name = "mattermost",
    .doc = "What comes from Mattermost",
    .about = "Users first, then rooms: what a bulk export has becomes files that authctl and madangctl read in.",
    .commands = COMMANDS,
};
