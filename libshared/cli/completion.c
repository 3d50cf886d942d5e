/*
 * completion.c - the rows as a function of bash, and as one of zsh.
 *
 * Both know nouns, verbs, options, the choices of a word that has some, and which words are files.
 */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/cli/cli.h"

static void put_options(const struct command *command)
{
    for (size_t i = 0; i < count_words(command); i++) {
        const struct word *word = &command->words[i];
        if (!word_is_option(word)) continue;
        printf(" %s", word->name);
        if (word->is & PAIR) printf(" --no-%s", word->name + 2);
    }
    printf(" --json --help");
}

static void put_choices(const char *choices)
{
    struct str rest = str_of(choices);

    while (rest.len > 0) {
        struct str one = str_cut(&rest, '|');
        printf("%.*s ", STR_ARG(one));
    }
}

static bool is_file(const struct word *word)
{
    return word->is & (A_FILE | A_SECRET);
}

/* A command as a pattern of `case`: one without a verb has whatever is none, so it comes last. */
static void put_pattern(const struct noun *noun, const struct command *command)
{
    if (command->verb[0] != '\0')
        printf("'%s %s')", noun->name, command->verb);
    else
        printf("'%s'%s)", noun->name, noun_is_alone(noun) ? "" : "*");
}

static void put_each(const struct noun *noun, void (*put)(const struct noun *, const struct command *))
{
    const struct command *first = noun->commands;
    bool is_plain = first->verb[0] == '\0';

    for (const struct command *c = first + is_plain; c->verb != NULL; c++) put(noun, c);
    if (is_plain) put(noun, first);
}

/* --- bash --- */

/* What follows an option, and what an argument may be: of the same form, `words` and `files`. */
static void put_bash_value(const struct word *word)
{
    if (word->choices != NULL) {
        printf("words='");
        put_choices(word->choices);
        printf("'");
    } else if (is_file(word)) {
        printf("files=yes");
    } else {
        printf(":");
    }
}

static void put_bash_command(const struct noun *noun, const struct command *command)
{
    printf("    ");
    put_pattern(noun, command);
    printf("\n        case $prev in\n");
    for (size_t i = 0; i < count_words(command); i++) {
        const struct word *word = &command->words[i];
        if (!word_is_option(word) || word->value == NULL) continue;
        printf("        %s) ", word->name);
        put_bash_value(word);
        printf(" ;;\n");
    }
    printf("        *) words='");
    put_options(command);
    printf("'\n");
    for (size_t i = 0; i < count_words(command); i++) {
        const struct word *word = &command->words[i];
        if (word_is_option(word)) continue;
        if (word->choices != NULL) {
            printf("           words+=' ");
            put_choices(word->choices);
            printf("'\n");
        }
        if (is_file(word)) printf("           files=yes\n");
    }
    printf("           ;;\n        esac ;;\n");
}

static int print_bash(const struct command_line *line)
{
    (void)line;
    printf("# bash completion for %s: . <(%s completion bash)\n_%s() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words= files= said\n"
           "    said=${COMP_WORDS[1]}\n    COMPREPLY=()\n    case $said in\n",
        program.name, program.name, program.name);
    for (size_t i = 0; program.nouns[i] != NULL; i++) {
        if (noun_is_alone(program.nouns[i])) continue;
        printf("    %s) [ \"$COMP_CWORD\" = 1 ] || said+=\" ${COMP_WORDS[2]}\" ;;\n", program.nouns[i]->name);
    }
    printf("    esac\n    if [ \"$COMP_CWORD\" = 1 ]; then words='");
    for (size_t i = 0; program.nouns[i] != NULL; i++) printf("%s ", program.nouns[i]->name);
    printf("help --version'\n    elif [ \"$COMP_CWORD\" = 2 ] && [[ $said == *' '* ]]; then\n        case "
           "${COMP_WORDS[1]} in\n");
    for (size_t i = 0; program.nouns[i] != NULL; i++) {
        if (noun_is_alone(program.nouns[i])) continue;
        printf("        %s) words='", program.nouns[i]->name);
        for (const struct command *c = program.nouns[i]->commands; c->verb != NULL; c++)
            if (c->verb[0] != '\0') printf("%s ", c->verb);
        printf("--help' ;;\n");
    }
    printf("        esac\n    else\n    case $said in\n");
    for (size_t i = 0; program.nouns[i] != NULL; i++) put_each(program.nouns[i], put_bash_command);
    printf("    esac\n    fi\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
           "    if [ -n \"$files\" ]; then\n"
           "        local file\n"
           "        while IFS= read -r file; do COMPREPLY+=(\"$file\"); done < <(compgen -f -- \"$cur\")\n"
           "    fi\n}\ncomplete -F _%s %s\n",
        program.name, program.name);
    return EXIT_OK;
}

/* --- zsh --- */

/* Within single quotes, and within the brackets or behind the colon of _arguments. */
static void put_zsh_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            printf("'\\''");
        else if (*text == ':' || *text == '[' || *text == ']' || *text == '\\')
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

static void put_zsh_value(const struct word *word)
{
    printf(":%s:", word->value);
    if (word->choices != NULL) {
        printf("(");
        put_choices(word->choices);
        printf(")");
    } else if (is_file(word)) {
        printf("_files");
    }
}

static void put_zsh_word(const struct word *word, const char *name)
{
    printf(" '%s%s", word->is & MANY && word_is_option(word) ? "*" : "", word_is_option(word) ? name : "");
    if (word_is_option(word)) {
        printf("[");
        put_zsh_text(word->doc);
        printf("]");
    }
    if (word->value != NULL) put_zsh_value(word);
    printf("'");
}

static void put_zsh_command(const struct noun *noun, const struct command *command)
{
    printf("        ");
    put_pattern(noun, command);
    printf(" _arguments");
    for (size_t i = 0; i < count_words(command); i++) {
        const struct word *word = &command->words[i];
        put_zsh_word(word, word->name);
        if (word->is & PAIR) put_zsh_word(word, text_printf("--no-%s", word->name + 2));
    }
    printf(" '--json[Print one JSON document]' '--help[Say all about it]' ;;\n");
}

static void put_zsh_described(const char *name, const char *doc)
{
    printf(" '%s:", name);
    put_zsh_text(doc);
    printf("'");
}

static int print_zsh(const struct command_line *line)
{
    (void)line;
    printf("#compdef %s\n# zsh completion for %s: %s completion zsh "
           ">\"${fpath[1]}/_%s\"\n_%s() {\n"
           "    local -a verbs\n    local said=$words[2]\n    if (( CURRENT == 2 )); then\n        verbs=(",
        program.name, program.name, program.name, program.name, program.name);
    for (size_t i = 0; program.nouns[i] != NULL; i++) put_zsh_described(program.nouns[i]->name, program.nouns[i]->doc);
    printf(" 'help:Teach')\n        _describe noun verbs\n        return\n    fi\n    case $said in\n");
    for (size_t i = 0; program.nouns[i] != NULL; i++) {
        if (noun_is_alone(program.nouns[i])) continue;
        printf("        %s) verbs=(", program.nouns[i]->name);
        for (const struct command *c = program.nouns[i]->commands; c->verb != NULL; c++)
            if (c->verb[0] != '\0') put_zsh_described(c->verb, c->doc);
        printf(") ;;\n");
    }
    printf("    esac\n    if (( $#verbs )); then\n"
           "        if (( CURRENT == 3 )); then _describe verb verbs; return; fi\n"
           "        said+=\" $words[3]\"\n        shift words; (( CURRENT-- ))\n    fi\n"
           "    shift words; (( CURRENT-- ))\n    case $said in\n");
    for (size_t i = 0; program.nouns[i] != NULL; i++) put_each(program.nouns[i], put_zsh_command);
    printf("    esac\n}\n_%s \"$@\"\n", program.name);
    return EXIT_OK;
}

/* clang-format off */
static const struct command COMMANDS[] = {
    { .verb = "bash",
      .doc = "Print a completion for bash",
      .run = print_bash,
      .examples = (const struct example[]){
          { "completion bash >completion.bash", "A file that a shell reads in: . completion.bash" },
          { NULL, NULL } } },
    { .verb = "zsh",
      .doc = "Print a completion for zsh",
      .run = print_zsh,
      .examples = (const struct example[]){
          { "completion zsh >completion.zsh", "A file that goes as _ and the program's name into a folder of fpath" },
          { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun completion_noun = { .name = "completion", .doc = "What a shell completes", .commands = COMMANDS };
