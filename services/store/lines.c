/* lines.c - from chat into the logs, a page at a time. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/lines.h"

#include <assert.h>
#include <ev.h>

#include "libshared/base/log.h"
#include "services/store/store.h"

#define LINES_MAX  500 /* proto/chat.def: line_page.lines */
#define PAGE_BYTES (8u << 20)
#define RETRY_S    0.5

struct lines {
    struct store *store;
    struct ev_loop *loop;
    struct arena *arena; /* of the page that is under way */
    struct log_line_list page;
    struct id stored[LINES_MAX]; /* of the last page; chat has not been told yet, nor of those refused */
    struct line_refusal refused[LINES_MAX];
    size_t n_stored, n_refused;
    size_t open; /* under way to the log */
    bool busy, again, failed;
    ev_timer retry;
};

struct line_append {
    struct append append;
    size_t nth; /* of the page */
};

static void go_on(struct lines *lines);

static void end_turn(struct lines *lines)
{
    bool failed = lines->failed;

    lines->busy = lines->failed = false;
    if (failed)
        ev_timer_again(lines->loop, &lines->retry);
    else
        go_on(lines);
}

static void on_stored(struct append *append);

static struct str id_text(struct arena *arena, struct id id)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(id, text);
    return arena_str(arena, str_of(text));
}

static void put_line(struct lines *lines, size_t nth)
{
    struct line_append *put = arena_zero(lines->arena, sizeof *put);
    const struct log_line *line = &lines->page.at[nth];

    put->nth = nth;
    put->append = (struct append){ .owner = lines,
        .answer = on_stored,
        .deadline_us = INT64_MAX,
        .message = { .room = line->room,
            .id = id_text(lines->arena, line->id),
            .sender = line->sender,
            .kind = line->kind,
            .body = line->body } };
    lines->open++;
    if (committer_put(lines->store->committer, &put->append)) return;
    lines->open--;
    lines->failed = true;
}

/* The first one of a room, from this one on. */
static void put_next(struct lines *lines, size_t from, struct id room)
{
    for (size_t i = from; i < lines->page.len; i++)
        if (id_eq(lines->page.at[i].room, room)) {
            put_line(lines, i);
            return;
        }
}

static bool is_first_of_room(const struct lines *lines, size_t nth)
{
    for (size_t i = 0; i < nth; i++)
        if (id_eq(lines->page.at[i].room, lines->page.at[nth].room)) return false;
    return true;
}

/* Is it the line's fault and not that of a database that is away? */
static bool is_refusal(enum err e)
{
    return e != OK && e != ERR_UNAVAILABLE && e != ERR_DEADLINE && e != ERR_OVERLOADED;
}

/* true: nothing more becomes of the line. */
static bool settle_line(struct lines *lines, const struct log_line *line, enum err e)
{
    bool is_final = err_status(e) < 500;

    if (e == OK) {
        lines->stored[lines->n_stored++] = line->id;
        return true;
    }
    if (!is_refusal(e)) return false;
    LOG_BOUNDED(ERROR, "line.refused", F_TEXT("code", err_code(e)));
    lines->refused[lines->n_refused++] = (struct line_refusal){ line->id, str_of(err_code(e)), is_final };
    return is_final;
}

/* Those of its room that come behind a line wait until it is in the log or will never be: so they are there in their order. */
static void on_stored(struct append *append)
{
    struct lines *lines = append->owner;
    size_t nth = ((struct line_append *)append)->nth;
    const struct log_line *line = &lines->page.at[nth];

    if (settle_line(lines, line, append->e))
        put_next(lines, nth + 1, line->room);
    else
        lines->failed = true;
    if (--lines->open > 0) return;
    lines->again = true;
    end_turn(lines);
}

static void on_page(void *arg, enum err status, struct str body)
{
    struct lines *lines = arg;
    struct line_page page = { { NULL, 0 } };
    struct wire_error why = { 0 };

    if (lines->store->stopping) return;
    if (status == OK) {
        lines->n_stored = lines->n_refused = 0; /* chat knows */
        arena_reset(lines->arena);
        status = wire_decode(line_page_shape(), arena_str(lines->arena, body), lines->arena, &page, &why);
    }
    lines->failed = status != OK;
    lines->page = page.lines;
    for (size_t i = 0; i < page.lines.len && !lines->failed; i++)
        if (is_first_of_room(lines, i)) put_line(lines, i);
    if (lines->open == 0) end_turn(lines);
}

/* Any part of chat has the lines of all: they are in one database. */
static void go_on(struct lines *lines)
{
    const struct chat_part *part = store_any_chat(lines->store);

    if (lines->busy || !lines->again || part == NULL) return; /* a link that comes up wakes us */
    ev_timer_stop(lines->loop, &lines->retry);
    lines->busy = true;
    lines->again = false;
    const struct line_query query = { { lines->stored, lines->n_stored }, { lines->refused, lines->n_refused } };
    chat_link_take_lines(part->link, &query, on_page, lines);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct lines *lines = timer->data;

    (void)events;
    ev_timer_stop(loop, timer);
    lines->again = true;
    go_on(lines);
}

void lines_wake(void *arg)
{
    struct lines *lines = arg;

    lines->again = true;
    go_on(lines);
}

struct lines *lines_create(struct ev_loop *loop, struct store *store)
{
    struct lines *lines = mem_zero(sizeof *lines);

    lines->loop = loop;
    lines->store = store;
    /* bound: a page of lines, and an append for each */
    lines->arena = arena_create("lines", PAGE_BYTES);
    ev_timer_init(&lines->retry, on_retry, 0, RETRY_S);
    lines->retry.data = lines;
    return lines;
}

void lines_destroy(struct lines **lines)
{
    if (*lines == NULL) return;
    ev_timer_stop((*lines)->loop, &(*lines)->retry);
    arena_destroy(&(*lines)->arena);
    mem_free(*lines);
    *lines = NULL;
}
