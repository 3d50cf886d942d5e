/* turns.c - what one subject sends to one room, in its order. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/entries/turns.h"

#include <assert.h>
#include <string.h>
#include <utlist.h>

#include "libshared/base/arena.h"
#include "libshared/base/invariant.h"
#include "libshared/base/table.h"

#define SUBJECT_BYTES (128 * 4) /* 128 characters of up to four bytes */

struct turn_key {
    struct id room;
    char subject[SUBJECT_BYTES];
};

struct turn_queue {
    UT_hash_handle hh;
    struct sender_turn *turns; /* the first is under way */
    uint64_t left;             /* so many turns were left */
    size_t n, steps;           /* turns in it; steps since they were looked at */
    bool is_advancing;
    size_t key_len;
    struct turn_key key;
};

struct turns {
    struct turn_queue *lines;
    size_t steps; /* since all lines were looked at */
};

struct turns *turns_create(void)
{
    return mem_zero(sizeof(struct turns));
}

static void end_line(struct turns *turns, struct turn_queue *line)
{
    HASH_DEL(turns->lines, line);
    mem_free(line);
}

void turns_destroy(struct turns **turns)
{
    struct turn_queue *line, *next;

    if (*turns == NULL) return;
    HASH_ITER(hh, (*turns)->lines, line, next) end_line(*turns, line);
    mem_free(*turns);
    *turns = NULL;
}

static size_t make_key(struct turn_key *key, const struct sender_turn *turn)
{
    assert(turn->subject.len <= SUBJECT_BYTES);
    key->room = turn->room;
    memcpy(key->subject, turn->subject.at, turn->subject.len);
    return sizeof key->room + turn->subject.len;
}

/* Whoever stands in it is of its room and its subject, whose text is still there. */
static void line_check(struct turn_queue *line)
{
    const struct sender_turn *turn;
    size_t n = 0;

    if (!walk_is_due(&line->steps, line->n)) return;
    DL_FOREACH(line->turns, turn) {
        assert(turn->line == line && id_eq(turn->room, line->key.room));
        assert(turn->subject.len == line->key_len - sizeof line->key.room);
        assert(memcmp(turn->subject.at, line->key.subject, turn->subject.len) == 0);
        n++;
    }
    assert(n == line->n);
}

/* A line is there while somebody stands in it. */
static void turns_check(struct turns *turns)
{
    if (!walk_is_due(&turns->steps, HASH_COUNT(turns->lines))) return;
    for (struct turn_queue *line = turns->lines; line != NULL; line = line->hh.next) {
        assert((line->n > 0 && line->turns != NULL) || line->is_advancing);
        line_check(line);
    }
}

/* The one that there is, or a new one. */
static struct turn_queue *get_line(struct turns *turns, const struct sender_turn *turn, bool opens)
{
    struct turn_queue *line;
    struct turn_key key;

    if (turns->lines == NULL && !opens) return NULL; /* as a rule */
    size_t len = make_key(&key, turn);
    HASH_FIND(hh, turns->lines, &key, len, line);
    if (line != NULL || !opens) return line;
    line = mem_zero(sizeof *line);
    memcpy(&line->key, &key, len);
    line->key_len = len;
    HASH_ADD(hh, turns->lines, key, line->key_len, line);
    return line;
}

bool turns_take(struct turns *turns, struct sender_turn *turn, bool opens)
{
    struct turn_queue *line = get_line(turns, turn, opens);

    turn->line = line;
    if (line == NULL) return true;
    DL_APPEND(line->turns, turn);
    line->n++;
    CHECK_STEP(line_check(line); turns_check(turns));
    return line->turns == turn;
}

/* One that is refused at once leaves while it begins: the next is begun here and not from there, however many they are. */
static void advance_queue(struct turn_queue *line)
{
    uint64_t left;

    line->is_advancing = true;
    do {
        left = line->left;
        if (line->turns != NULL) line->turns->begin(line->turns->arg);
    } while (line->left != left);
    line->is_advancing = false;
}

void turns_leave(struct turns *turns, struct sender_turn *turn)
{
    struct turn_queue *line = turn->line;

    if (line == NULL) return;
    assert(line->turns == turn);
    turn->line = NULL;
    DL_DELETE(line->turns, turn);
    line->left++;
    line->n--;
    if (line->is_advancing) return;
    advance_queue(line);
    if (line->turns == NULL) end_line(turns, line);
    CHECK_STEP(turns_check(turns));
}
