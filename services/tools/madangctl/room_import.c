/*
 * room_import.c - madangctl room import: a room's file goes to the store part by part, each up to a mark, as the gateway sends it:
 * services/gateway/routes/rest_intake.c.
 *
 *      file --lines up to a mark--> log.import, with the mark before --answered--> the next
 *
 * Each part is taken once, however often it comes; so one whose answer is missing is sent again, and what is there when nobody answers any
 * more is where --after goes on.
 */
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libshared/wire/json.h"
#include "services/tools/madangctl/madangctl.h"

#define PART_BYTES     2097152 /* proto/store.def: import_part.text */
#define MARK_BYTES_MAX 1600    /* import_part.after */
#define MARK_BEGINS    "{\"mark\":"
#define TRIES          6 /* of a part that others came before: 31 seconds */

struct file_intake {
    struct rows rows;
    struct buf text;           /* the part */
    int64_t before;            /* so many lines came before it */
    char mark[MARK_BYTES_MAX]; /* with which the part before ends */
    size_t mark_len;
    bool begun, whole;
};

static bool is_mark(const struct file_intake *r)
{
    return str_starts(buf_str(&r->rows.row), STR(MARK_BEGINS));
}

/* Up to the next mark, or to the end; the row of --after is there already. */
static int read_part(struct file_intake *r, bool has_row)
{
    bool ended = false;

    buf_clear(&r->text);
    r->before = r->rows.n - has_row;
    while (!ended && !r->text.over && (has_row || row_read(&r->rows))) {
        buf_add_str(&r->text, buf_str(&r->rows.row));
        r->text.over |= r->rows.row.over;
        ended = is_mark(r);
        has_row = false;
    }
    r->whole = !ended;
    if (ferror(r->rows.from)) return row_refuse(&r->rows, ERR_INTERNAL, "cannot be read");
    if (!r->text.over) return EXIT_OK;
    return row_refuse(&r->rows, ERR_TOO_LARGE, "from the mark before it to here there are more than 2 MiB");
}

/* The row is the mark of the part that was taken. */
static void remember_mark(struct file_intake *r)
{
    struct str mark;

    r->mark_len = 0;
    if (!json_find_text(buf_str(&r->rows.row), "mark", arena, &mark) || mark.len > sizeof r->mark) return;
    memcpy(r->mark, mark.at, mark.len);
    r->mark_len = mark.len;
}

static int find_mark(struct file_intake *r, struct str mark)
{
    while (row_read(&r->rows)) {
        if (!is_mark(r)) continue;
        remember_mark(r);
        if (str_eq((struct str){ r->mark, r->mark_len }, mark)) {
            r->mark_len = 0; /* the store reads it in the row */
            return EXIT_OK;
        }
    }
    return row_refuse(&r->rows, ERR_NOT_FOUND, "the file ends, and has no such mark");
}

static int send_part(struct file_intake *r, struct import_report *report)
{
    const struct import_part part = { .after = r->mark_len > 0 ? (struct str){ r->mark, r->mark_len } : STR_NONE,
        .line = r->before,
        .text = r->text.len > 0 ? buf_str(&r->text) : STR(""),
        .whole = r->whole };
    int status = EXIT_UNREACHABLE;

    for (unsigned i = 0; status == EXIT_UNREACHABLE && i < (r->begun ? TRIES : 1); i++) {
        if (i > 0) sleep(1u << (i - 1));
        status = call_method(&ask_store_log_import, &part, report);
    }
    r->begun |= status == EXIT_OK;
    return status;
}

/* What a part needs goes with it. */
static int send_parts(struct file_intake *r, bool has_row, struct import_report *report)
{
    struct arena *all = arena;
    int status;

    do {
        /* bound: one part; the encoder asks */
        arena = arena_create("madangctl.part", 16u << 20);
        status = read_part(r, has_row);
        if (status == EXIT_OK) status = send_part(r, report);
        if (status == EXIT_OK && !r->whole) remember_mark(r);
        has_row = false;
        arena_destroy(&arena);
        arena = all;
    } while (status == EXIT_OK && !r->whole);
    if (status == EXIT_UNREACHABLE && r->mark_len > 0)
        fprintf(stderr, "%s: what is before line %lld is there; it goes on with --after %.*s\n", program.name,
            (long long)r->before + 1, (int)r->mark_len, r->mark);
    return status;
}

static int import_from(const struct command_line *line, FILE *from)
{
    struct file_intake r = { .rows = { .from = from, .row = BUF(PART_BYTES) }, .text = BUF(PART_BYTES) };
    struct import_report report = { .entries = 0 };
    bool goes_on = line_has(line, "--after");
    int status = goes_on ? find_mark(&r, line_text(line, "--after")) : EXIT_OK;

    if (status == EXIT_OK) status = send_parts(&r, goes_on, &report);
    buf_free(&r.text);
    buf_free(&r.rows.row);
    if (status != EXIT_OK) return status;
    if (as_json)
        print_json(import_report_shape(), &report);
    else
        print_says("Room {room} is there, with {entries} entries of the file.", import_report_shape(), &report,
            import_report_shape(), &report);
    return EXIT_OK;
}

int import_room(const struct command_line *line)
{
    struct str file = line_text(line, "FILE");

    if (str_is(file, "-")) return import_from(line, stdin);
    FILE *from = fopen(arena_cstr(arena, file), "re");
    if (from == NULL) return usage_error(line, "%s: %s", shown_text(file), strerror(errno));
    int status = import_from(line, from);
    fclose(from);
    return status;
}
