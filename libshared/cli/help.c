/* help.c - what the rows teach: of all, of a noun, of a command. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/cli/cli.h"

#define WIDTH 96

const char TIMES_DOC[] =
    "How long: 90d, 24h, 30m, 45s; a number alone is seconds. When: 2026-11-28 or 2026-11-28T10:00, which are "
    "UTC, or how long ago.";

const char SECRETS_DOC[] =
    "A secret is never among the words of a command, which every process of the machine may read: it is the "
    "first line of a file or of standard input, or is typed without being shown.";

const struct exit_row exit_rows[] = {
    { EXIT_OK, "It is done." },
    { EXIT_REFUSED,
        "It was refused: the code and the reason are on standard error, with --json the failure on standard output." },
    { EXIT_USAGE, "The words are not understood, or a file cannot be read. Nothing was asked." },
    { EXIT_UNREACHABLE, "The service is away, too busy, or did not answer in time." },
    { EXIT_MISSED, "It is done, and what was looked for is not so: an expectation failed, a chain is broken, there is "
                   "a difference." },
    { -1, NULL },
};

/* --- text --- */

/* Words of `text` within the width, each line behind so many blanks; the first line goes on where the cursor is. */
static void print_wrapped(FILE *out, const char *text, int indent)
{
    struct str rest = str_of(text);
    int at = indent;

    while (rest.len > 0) {
        struct str word = str_cut(&rest, ' ');
        int chars = (int)utf8_length(word.at, word.len);
        if (at > indent && at + 1 + chars > WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
        }
        fprintf(out, "%s%.*s", at > indent ? " " : "", STR_ARG(word));
        at += chars + (at > indent);
    }
    fprintf(out, "\n");
}

static void print_paragraph(FILE *out, const char *text)
{
    fprintf(out, "\n");
    print_wrapped(out, text, 0);
}

/* A word, and what it means beside it or below. */
static void print_item(FILE *out, const char *word, int width, const char *doc)
{
    fprintf(out, "  %-*s", width, word);
    if ((int)strlen(word) > width) fprintf(out, "\n  %*s", width, "");
    fprintf(out, "  ");
    print_wrapped(out, doc, width + 4);
}

/* --- words --- */

bool word_is_option(const struct word *word)
{
    return word->name[0] == '-';
}

const char *word_shown(const struct word *word)
{
    if (!word_is_option(word)) return word->name;
    const char *name = word->is & PAIR ? text_printf("--[no-]%s", word->name + 2) : word->name;
    return word->value == NULL ? name : text_printf("%s %s", name, word->value);
}

static const char *usage_of_word(const struct word *word)
{
    const char *shown = word_shown(word);

    if (!(word->is & REQUIRED_WORD)) shown = text_printf("[%s]", shown);
    return word->is & MANY ? text_printf("%s...", shown) : shown;
}

static const char *name_text(const struct noun *noun, const struct command *command)
{
    return command->verb[0] == '\0' ? noun->name : text_printf("%s %s", noun->name, command->verb);
}

const char *usage_text(const struct noun *noun, const struct command *command)
{
    const char *out = name_text(noun, command), *one_of = "";

    for (size_t i = 0; i < count_words(command); i++) {
        const struct word *word = &command->words[i];
        if (word->is & ONE_OF)
            one_of = text_printf("%s%s%s", one_of, *one_of != '\0' ? " | " : "", word_shown(word));
        else
            out = text_printf("%s %s", out, usage_of_word(word));
    }
    return *one_of == '\0' ? out : text_printf("%s (%s)", out, one_of);
}

/* --- a command --- */

static const char *choices_text(const char *choices)
{
    struct str rest = str_of(choices);
    const char *out = "";

    while (rest.len > 0) {
        struct str one = str_cut(&rest, '|');
        out = text_printf("%s%s%.*s", out, *out != '\0' ? ", " : "", STR_ARG(one));
    }
    return out;
}

static void print_words(FILE *out, const struct command *command)
{
    fprintf(out, "\n");
    for (size_t i = 0; i < count_words(command); i++) {
        const struct word *word = &command->words[i];
        const char *doc = word->doc;
        if (word->choices != NULL) doc = text_printf("%s: %s", doc, choices_text(word->choices));
        print_item(out, word_shown(word), 22, doc);
    }
    print_item(out, "--json", 22, "Print one JSON document, with the names of docs/openapi.json");
}

static void print_examples(FILE *out, const struct example *examples)
{
    if (examples == NULL) return;
    fprintf(out, "\nExamples\n");
    for (const struct example *e = examples; e->words != NULL; e++)
        fprintf(out, "  # %s\n  %s %s\n", e->doc, program.name, e->words);
}

static unsigned kinds_of(const struct command *command)
{
    unsigned kinds = 0;

    for (size_t i = 0; i < count_words(command); i++) kinds |= command->words[i].is;
    return kinds;
}

void help_command(FILE *out, const struct noun *noun, const struct command *command)
{
    int before = fprintf(out, "usage: %s ", program.name);
    print_wrapped(out, usage_text(noun, command), before);
    print_paragraph(out, text_printf("%s.", command->doc));
    if (command->about != NULL) print_paragraph(out, command->about);
    print_words(out, command);
    if (kinds_of(command) & (DURATION | MOMENT)) print_paragraph(out, TIMES_DOC);
    if (kinds_of(command) & A_SECRET) print_paragraph(out, SECRETS_DOC);
    print_examples(out, command->examples);
}

/* --- more of them --- */

bool noun_is_alone(const struct noun *noun)
{
    return noun->commands[0].verb[0] == '\0' && noun->commands[1].verb == NULL;
}

static void print_command(FILE *out, const struct noun *noun, const struct command *command)
{
    print_item(out, name_text(noun, command), 18, command->doc);
}

void help_noun(FILE *out, const struct noun *noun)
{
    fprintf(out, "%s %s - %s\n\n", program.name, noun->name, noun->doc);
    for (const struct command *c = noun->commands; c->verb != NULL; c++) print_command(out, noun, c);
    if (noun->about != NULL) print_paragraph(out, noun->about);
    for (const struct command *c = noun->commands; c->verb != NULL; c++) {
        if (c->examples == NULL) continue;
        fprintf(out, "\n  # %s\n  %s %s\n", c->examples->doc, program.name, c->examples->words);
    }
    fprintf(out, "\n%s %s VERB --help says all about one of them.\n", program.name, noun->name);
}

void help_all(FILE *out)
{
    fprintf(out, "%s - %s\n\nusage: %s NOUN VERB [words]\n", program.name, program.doc, program.name);
    for (size_t i = 0; program.nouns[i] != NULL; i++) {
        fprintf(out, "\n%s\n", program.nouns[i]->doc);
        for (const struct command *c = program.nouns[i]->commands; c->verb != NULL; c++)
            print_command(out, program.nouns[i], c);
    }
    fprintf(out, "\n%s NOUN --help and %s NOUN VERB --help teach more, with examples; %s man prints all of it.\n",
        program.name, program.name, program.name);
    fprintf(out, "\nEvery command takes --json and --help. Exit status\n");
    for (const struct exit_row *row = exit_rows; row->doc != NULL; row++)
        print_item(out, text_printf("%d", row->status), 2, row->doc);
    print_paragraph(out, TIMES_DOC);
    print_paragraph(out, SECRETS_DOC);
    print_paragraph(out, program.settings);
    print_examples(out, program.examples);
}
