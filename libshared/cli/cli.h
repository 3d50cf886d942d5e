/*
 * cli.h - what authctl and madangctl are made of.  A command is a row: its words, the method that it asks, how the answer is shown, and what its help teaches.
 *
 *      words --line_read--> struct command_line --request_make--> record --ask--> reply --> a table or a sentence; --json: the record
 *
 * Help, the completion of shells and the man page are made of the same rows.  A noun's rows and what they need beside the
 * rows are a file of its program, whose main.c lists the nouns.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

#include <stdio.h>

/* MISSED: it was done, and what it looked for is not so. */
enum { EXIT_OK = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3, EXIT_MISSED = 4 };

/* --- the rows --- */

enum {
    REQUIRED_WORD = 1,
    MANY = 2,     /* may be said again; its field is a list */
    DURATION = 4, /* 90d, 24h, 30m, 45s or 45: seconds */
    MOMENT = 8,   /* 2026-11-28, 2026-11-28T10:00 (UTC), or a duration, so long ago: milliseconds */
    A_FILE = 16,  /* a file's name, or - for standard input */
    A_SECRET =
        32,    /* a file whose first line is the value, or - for standard input; not said: a terminal is asked.  So no
                      secret is among the words of a process, which all may read */
    PAIR = 64, /* --x and --no-x */
    ONE_OF = 128, /* one of those that have this is said, and one alone */
    AHEAD = 256   /* MOMENT: a duration is so long from now, not ago */
};

/* An option, or with a name without dashes an argument, in the order of the rows.  Without a value it is a flag. */
struct word {
    const char *name, *value, *doc;
    const char *field; /* of the request, which takes it; NULL: the command looks for it itself, line_text() */
    unsigned is;
    int64_t least;       /* where that is more than the field's own bound */
    const char *gives;   /* a flag that puts this text into its field, a list */
    const char *denied;  /* PAIR: the field that --no-x puts it into; NULL: the same one, false */
    const char *choices; /* "a|b|c", for completion and help; the service itself decides */
};

struct example {
    const char *words, *doc; /* what follows the program's name */
};

/* How a field of a record is shown to people. */
struct column {
    const char *head, *field;
    int width;                               /* the last one is as wide as it is */
    const char *none;                        /* what stands for nothing; NULL: "-" */
    const char *(*text)(const void *record); /* instead of the field */
};

struct asked_method {
    const char *service, *method;
    bool safe;
    const struct wire_shape *(*in)(void), *(*out)(void);
};

struct command_line;
struct command {
    const char *verb; /* "": the noun without one is the command; the first row of its noun */
    const char *doc;  /* a sentence */
    const char *about;
    const struct word *words; /* ends with name NULL, as the lists below; NULL: none */
    const struct example *examples;
    const struct asked_method *ask;                             /* &ask_<service>_<noun>_<verb> */
    bool edits;                                                 /* at least one option is said */
    int (*prepare)(const struct command_line *line, void *req); /* what rows do not say; an exit code */
    int (*run)(const struct command_line *line);                /* instead of asking once */
    bool pages;       /* the reply has `meta`: the next page is `after` its `next` */
    const char *list; /* a line of columns for each of this list of the reply; NULL: one for the reply */
    const struct column *columns;
    const char *says; /* instead of columns: "Key {id} is revoked.", fields of reply or request */
    void (*print)(const void *req, const void *rep); /* instead of both */
    int (*judge)(const void *rep); /* an exit code of what was answered and shown; NULL: EXIT_OK.  It says why */
};

struct noun {
    const char *name, *doc;
    const char *about;
    const struct command *commands; /* ends with verb NULL */
};

/* What a program is, beside what its nouns say; each has one, in its main.c. */
struct program {
    const char *name, *doc; /* "authctl", "who may do what in Madang" */
    const char *about;      /* how its manual page begins */
    const char *settings;   /* where it finds what it asks: of the environment */
    const struct example *examples;
    const struct noun *const *nouns; /* ends with NULL */
};
extern const struct program program;
int cli_main(int argc, char **argv);

bool noun_is_alone(const struct noun *noun); /* there are no verbs; help.c */
extern const struct noun completion_noun;    /* of every program: completion.c */
extern const struct noun man_noun;           /* man.c */

/* Every METHOD row as a question. */
#define ASK_NAME(owner, noun, verb)  ASK_NAME_(owner, noun, verb)
#define ASK_NAME_(owner, noun, verb) ask_##owner##_##noun##_##verb
#define METHOD(noun, verb, in, out, where, repeat, callers, doc)                                                       \
    extern const struct asked_method ASK_NAME(OWNER_NAME, noun, verb);
#include "proto/all.def"

/* --- line.c: what was typed --- */

struct given {
    const struct word *word;
    struct str value; /* of A_SECRET the secret itself */
    bool no;          /* --no-x */
};
struct command_line {
    const struct noun *noun;
    const struct command *command;
    struct given given[128];
    size_t n;
};

extern bool as_json;        /* --json, which every command takes */
extern struct arena *arena; /* lives as long as the program */

int line_read(struct command_line *line, int argc, char **argv);         /* what follows the verb; an exit code */
bool line_has(const struct command_line *line, const char *name);        /* of a PAIR: it was said either way */
struct str line_text(const struct command_line *line, const char *name); /* STR_NONE: it was not said */
int usage_error(const struct command_line *line, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* All of a file, or for - of standard input, of at most so many bytes. */
int file_read(const struct command_line *line, struct str file, size_t most, struct buf *out);
/* The file that an A_FILE names. */
int line_file(const struct command_line *line, const char *name, size_t most, struct buf *out);

/* --- request.c: words into the fields that their rows name --- */

/* With the defaults of its shape, and zeroes. */
void *request_new(const struct wire_shape *shape);
int request_make(const struct command_line *line, const struct wire_shape *shape, void **out);
bool duration_read(struct str text, int64_t *seconds);
bool moment_read(struct str text, bool is_ahead, int64_t *ms);

/* --- ask.c --- */

/* An exit code; EXIT_OK: rep is the reply, zeroed and filled.  Else it has said why. */
int call_method(const struct asked_method *method, const void *req, void *rep);

/* --- print.c --- */

void print_head(const struct column *columns);
void print_line(const struct column *columns, const struct wire_shape *shape, const void *record);
void print_cells(const char *const *cells, const int *widths, size_t n);
void print_says(
    const char *says, const struct wire_shape *in, const void *req, const struct wire_shape *out, const void *rep);
void print_json(const struct wire_shape *shape, const void *record); /* with the end of its line */
void put_record_json(const struct wire_shape *shape, const void *record);
const char *text_printf(const char *fmt, ...) PRINTF_LIKE(1, 2); /* in the arena */
const char *shown_text(struct str text);                         /* what a terminal would obey is `?` */
const char *time_text(int64_t ms);                               /* 2026-01-02 03:04 UTC; "-" for none */
const char *list_text(struct str_list list);                     /* a, b, c */

/* --- help.c, man.c, completion.c --- */

void help_all(FILE *out);
void help_noun(FILE *out, const struct noun *noun);
void help_command(FILE *out, const struct noun *noun, const struct command *command);
/* "key issue --name NAME [--network CIDR]..." */
const char *usage_text(const struct noun *noun, const struct command *command);
const char *word_shown(const struct word *word); /* "--[no-]x", "--name NAME", "FILE" */
bool word_is_option(const struct word *word);
/* What is true of every command. */
extern const struct exit_row {
    int status;
    const char *doc;
} exit_rows[];
extern const char TIMES_DOC[], SECRETS_DOC[];

static inline size_t count_words(const struct command *command)
{
    size_t n = 0;

    while (command->words != NULL && command->words[n].name != NULL) n++;
    return n;
}
