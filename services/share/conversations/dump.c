/* dump.c - where the conversations of a browser's text lie. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/conversations/dump.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct dump_entry *last_entry(struct dump *dump)
{
    return &dump->entries[dump->n - 1];
}

/* What some editors put before a text: U+FEFF. */
static bool is_mark(const struct dump *dump, char c)
{
    static const char mark[] = "\xef\xbb\xbf";

    return dump->at < 3 && c == mark[dump->at];
}

static void begin_entry(struct dump *dump, char c)
{
    if (c != '"') {
        dump->fault = "want a name in quotes";
    } else if (dump->n == DUMP_ENTRIES_MAX) {
        dump->fault = "there are more than 1000 conversations";
    } else {
        dump->n++;
        last_entry(dump)->key_at = dump->at;
        dump->place = DUMP_IN_KEY;
    }
}

/* false: the text goes on. */
static bool ends_text(struct dump *dump, char c)
{
    if (dump->escaped)
        dump->escaped = false;
    else if (c == '\\')
        dump->escaped = true;
    else
        return c == '"';
    return false;
}

static void end_value(struct dump *dump, int64_t end)
{
    last_entry(dump)->end = end;
    dump->place = DUMP_BEHIND_VALUE;
}

/* A number or a word ends before the character that is none of it. */
static bool ends_word(const struct dump *dump, char c)
{
    return dump->depth == 0 && (c == ',' || c == '}' || is_blank(c));
}

static void take_behind_value(struct dump *dump, char c);

static void take_value(struct dump *dump, char c)
{
    if (dump->in_text) {
        dump->in_text = !ends_text(dump, c);
        if (!dump->in_text && dump->depth == 0) end_value(dump, dump->at + 1);
    } else if (c == '"') {
        dump->in_text = true;
    } else if (c == '{' || c == '[') {
        dump->depth++;
    } else if (dump->depth > 0 && (c == '}' || c == ']')) {
        if (--dump->depth == 0) end_value(dump, dump->at + 1);
    } else if (ends_word(dump, c)) {
        end_value(dump, dump->at);
        take_behind_value(dump, c);
    }
}

static void begin_value(struct dump *dump, char c)
{
    if (c == ',' || c == '}') {
        dump->fault = "want a conversation behind its name";
        return;
    }
    last_entry(dump)->value_at = dump->at;
    dump->place = DUMP_IN_VALUE;
    take_value(dump, c);
}

static void take_behind_value(struct dump *dump, char c)
{
    if (c == ',')
        dump->place = DUMP_BEFORE_KEY;
    else if (c == '}')
        dump->place = DUMP_BEHIND_OBJECT;
    else if (!is_blank(c))
        dump->fault = "want a comma or the object's end";
}

static void take_between(struct dump *dump, char c)
{
    if (is_blank(c)) return;
    switch (dump->place) {
    case DUMP_BEFORE_OBJECT:
        if (c == '{')
            dump->place = DUMP_BEFORE_FIRST;
        else if (!is_mark(dump, c))
            dump->fault = "want an object, {\"name\": conversation}";
        return;
    case DUMP_BEFORE_FIRST:
        if (c == '}')
            dump->place = DUMP_BEHIND_OBJECT;
        else
            begin_entry(dump, c);
        return;
    case DUMP_BEFORE_KEY: begin_entry(dump, c); return;
    case DUMP_BEHIND_KEY:
        if (c == ':')
            dump->place = DUMP_BEFORE_VALUE;
        else
            dump->fault = "want a colon behind a name";
        return;
    case DUMP_BEFORE_VALUE: begin_value(dump, c); return;
    case DUMP_BEHIND_VALUE: take_behind_value(dump, c); return;
    case DUMP_IN_KEY:
    case DUMP_IN_VALUE:
    case DUMP_BEHIND_OBJECT: dump->fault = "want nothing behind the object"; return;
    }
}

static void take_character(struct dump *dump, char c)
{
    if (dump->place == DUMP_IN_VALUE) {
        take_value(dump, c);
    } else if (dump->place != DUMP_IN_KEY) {
        take_between(dump, c);
    } else if (ends_text(dump, c)) {
        last_entry(dump)->key_end = dump->at + 1;
        dump->place = DUMP_BEHIND_KEY;
    }
}

void dump_take(struct dump *dump, struct str piece)
{
    for (size_t i = 0; i < piece.len && dump->fault == NULL; i++) {
        take_character(dump, piece.at[i]);
        if (dump->fault == NULL) dump->at++;
    }
}

bool dump_end(struct dump *dump)
{
    if (dump->fault == NULL && dump->place == DUMP_BEFORE_OBJECT) dump->fault = "there is nothing";
    if (dump->fault == NULL && dump->place != DUMP_BEHIND_OBJECT) dump->fault = "the object is cut off";
    return dump->fault == NULL;
}
