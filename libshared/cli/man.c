/* man.c - the rows as a manual page, mdoc(7). */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/cli/cli.h"

/* A line of text: nothing in it is a request, an escape or a sentence's end in its middle. */
static void put_text(const char *text)
{
    if (*text == '.' || *text == '\'') printf("\\&");
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            printf("\\e");
        else if (*text == '-')
            printf("\\-");
        else if ((*text == '.' || *text == ';' || *text == '!' || *text == '?') && text[1] == ' ' && text[2] != '\0') {
            printf("%c\n", *text++);
            if (text[1] == '.' || text[1] == '\'') printf("\\&");
        } else
            putchar(*text);
    }
    printf("\n");
}

static void put_paragraph(const char *text)
{
    printf(".Pp\n");
    put_text(text);
}

/* What may be in a macro's line is quoted. */
static void put_quoted(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            printf("\\(dq");
        else if (*text == '\\')
            printf("\\e");
        else if (*text == '-')
            printf("\\-");
        else
            putchar(*text);
    }
    putchar('"');
}

static void put_item(const char *word, const char *doc)
{
    printf(".It Sy ");
    put_quoted(word);
    printf("\n");
    put_text(doc);
}

static void put_words(const struct command *command)
{
    if (count_words(command) == 0) return;
    printf(".Bl -tag -width Ds\n");
    for (size_t i = 0; i < count_words(command); i++) {
        const struct word *word = &command->words[i];
        put_item(word_shown(word), text_printf("%s.", word->doc));
    }
    printf(".El\n");
}

static void put_examples(const struct command *command)
{
    if (command->examples == NULL) return;
    for (const struct example *e = command->examples; e->words != NULL; e++) {
        put_paragraph(text_printf("%s:", e->doc));
        printf(".Dl ");
        put_quoted(text_printf("%s %s", program.name, e->words));
        printf("\n");
    }
}

static void put_command(const struct noun *noun, const struct command *command)
{
    printf(".Ss %s%s%s\n.D1 ", noun->name, command->verb[0] != '\0' ? " " : "", command->verb);
    put_quoted(text_printf("%s %s", program.name, usage_text(noun, command)));
    printf("\n.Pp\n");
    put_text(text_printf("%s.", command->doc));
    if (command->about != NULL) put_paragraph(command->about);
    put_words(command);
    put_examples(command);
}

static const char *in_capitals(const char *name)
{
    char *out = arena_cstr(arena, str_of(name));

    for (char *at = out; *at != '\0'; at++)
        if (*at >= 'a' && *at <= 'z') *at = (char)(*at - 'a' + 'A');
    return out;
}

static void put_noun(const struct noun *noun)
{
    printf(".Sh ");
    put_quoted(text_printf("%s %s", in_capitals(program.name), noun->name));
    printf("\n");
    put_text(text_printf("%s.", noun->doc));
    if (noun->about != NULL) put_paragraph(noun->about);
    for (const struct command *c = noun->commands; c->verb != NULL; c++) put_command(noun, c);
}

static int print_man(const struct command_line *line)
{
    (void)line;
    printf(".Dd November 28, 2026\n.Dt %s 1\n.Os Madang %s\n.Sh NAME\n.Nm %s\n.Nd %s\n"
           ".Sh SYNOPSIS\n.Nm\n.Ar noun\n.Ar verb\n.Op Ar word ...\n.Nm\n.Cm help\n.Op Ar noun Op Ar verb\n.Sh "
           "DESCRIPTION\n",
        in_capitals(program.name), MADANG_VERSION, program.name, program.doc);
    put_text(text_printf(
        "%s Every command takes --help, and --json, which prints one JSON document with the names that REST has.",
        program.about));
    put_paragraph(TIMES_DOC);
    put_paragraph(SECRETS_DOC);
    for (size_t i = 0; program.nouns[i] != NULL; i++) put_noun(program.nouns[i]);
    printf(".Sh ENVIRONMENT\n");
    put_text(program.settings);
    printf(".Sh EXIT STATUS\n.Bl -tag -width Ds\n");
    for (const struct exit_row *row = exit_rows; row->doc != NULL; row++)
        put_item(text_printf("%d", row->status), row->doc);
    printf(".El\n");
    return EXIT_OK;
}

/* clang-format off */
static const struct command COMMANDS[] = {
    { .verb = "",
      .doc = "Print this as a manual page",
      .run = print_man,
      .examples = (const struct example[]){
          { "man | man -l -", "Read it" },
          { "man >manual.1", "Keep it" },
          { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun man_noun = { .name = "man", .doc = "The manual page", .commands = COMMANDS };
