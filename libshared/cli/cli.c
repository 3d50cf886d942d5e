/* cli.c - a command line: finds the row of a command and does what it says. */
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/log.h"
#include "libshared/base/nearest.h"
#include "libshared/cli/cli.h"

#define NAMES_MAX 64

static const struct noun *find_noun(const char *name)
{
    for (size_t i = 0; program.nouns[i] != NULL; i++)
        if (strcmp(program.nouns[i]->name, name) == 0) return program.nouns[i];
    return NULL;
}

static const struct command *find_command(const struct noun *noun, const char *verb)
{
    for (const struct command *c = noun->commands; c->verb != NULL; c++)
        if (c->verb[0] != '\0' && strcmp(c->verb, verb) == 0) return c;
    return NULL;
}

/* The row without a verb, if there is one: the only one of its noun, or the first. */
static const struct command *find_plain(const struct noun *noun)
{
    return noun->commands[0].verb[0] == '\0' ? noun->commands : NULL;
}

/* Beside verbs a word is none if it has a blank, or is an option: a mistyped verb is not taken for a text. */
static bool may_be_verb(const char *word)
{
    return word[0] != '-' && strchr(word, ' ') == NULL;
}

static bool wants_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* --- wrong words --- */

static int say_nearest(const char *typed, const struct str *names, size_t n)
{
    struct str nearest = nearest_of(str_of(typed), names, n);

    if (nearest.len > 0) fprintf(stderr, "%s: perhaps you mean %.*s\n", program.name, STR_ARG(nearest));
    return EXIT_USAGE;
}

static int refuse_noun(const char *typed)
{
    struct str names[NAMES_MAX];
    size_t n = 0;

    for (; n < NAMES_MAX && program.nouns[n] != NULL; n++) names[n] = str_of(program.nouns[n]->name);
    fprintf(stderr, "%s: there is no command %s; %s --help lists them\n", program.name, shown_text(str_of(typed)),
        program.name);
    return say_nearest(typed, names, n);
}

static int refuse_verb(const struct noun *noun, const char *typed)
{
    struct str names[NAMES_MAX];
    size_t n = 0;

    for (const struct command *c = noun->commands; n < NAMES_MAX && c->verb != NULL; c++)
        if (c->verb[0] != '\0') names[n++] = str_of(c->verb);
    fprintf(stderr, "%s: there is no command %s %s; %s %s --help lists them\n", program.name, noun->name,
        shown_text(str_of(typed)), program.name, noun->name);
    return say_nearest(typed, names, n);
}

/* --- what the rows say --- */

static void show_reply(const struct command *c, const void *req, const void *rep)
{
    const struct wire_shape *out = c->ask->out();

    if (as_json)
        print_json(out, rep);
    else if (c->print != NULL)
        c->print(req, rep);
    else if (c->says != NULL)
        print_says(c->says, c->ask->in(), req, out, rep);
    else if (c->columns != NULL) {
        print_head(c->columns);
        if (c->list == NULL) print_line(c->columns, out, rep);
    }
}

/* The items of a list of records, whatever they are: all lists lie in memory alike. */
static struct nothing_list list_of(const struct command *c, const void *rep, const struct wire_shape **of)
{
    const struct wire_field *field = wire_find(c->ask->out(), str_of(c->list));
    struct nothing_list list;

    *of = field->of();
    memcpy(&list, (const char *)rep + field->at, sizeof list);
    return list;
}

static const char *item_of(struct nothing_list list, const struct wire_shape *of, size_t i)
{
    return (const char *)list.at + i * of->size;
}

static void show_items(const struct command *c, const void *rep, bool first)
{
    const struct wire_shape *of;
    struct nothing_list list = list_of(c, rep, &of);

    for (size_t i = 0; i < list.len; i++) {
        if (!as_json) {
            print_line(c->columns, of, item_of(list, of, i));
            continue;
        }
        if (!first || i > 0) printf(",");
        put_record_json(of, item_of(list, of, i));
    }
}

static struct str *text_field(const struct wire_shape *shape, void *record, struct str name)
{
    return (struct str *)(void *)((char *)record + wire_find(shape, name)->at);
}

/* false: that was the last page. */
static bool turn_page(const struct command *c, void *req, const void *rep)
{
    const struct wire_field *meta = wire_find(c->ask->out(), STR("meta"));
    const struct page_meta *page = *(struct page_meta *const *)(const void *)((const char *)rep + meta->at);

    *text_field(c->ask->in(), req, STR("after")) = page->next;
    return page->next.len > 0;
}

/* A limit that was given ends the list: no further page is asked for. */
static bool says_limit(const struct command_line *line)
{
    for (size_t i = 0; i < line->n; i++)
        if (line->given[i].word->field != NULL && strcmp(line->given[i].word->field, "limit") == 0) return true;
    return false;
}

static int judge_reply(const struct command *c, const void *rep)
{
    return c->judge != NULL ? c->judge(rep) : EXIT_OK;
}

/* Printed as they come: nobody knows how many there are. */
static int run_pages(const struct command_line *line, void *req)
{
    const struct command *c = line->command;
    void *rep = request_new(c->ask->out());
    bool first = true;
    int judged = EXIT_OK;

    do {
        int status = call_method(c->ask, req, rep);
        if (status != EXIT_OK) return status;
        if (first && as_json) printf("{\"%s\":[", c->list);
        if (first && !as_json) print_head(c->columns);
        show_items(c, rep, first);
        first = false;
        if (judged == EXIT_OK) judged = judge_reply(c, rep);
    } while (turn_page(c, req, rep) && !says_limit(line));
    if (as_json) printf("]}\n");
    return judged;
}

static int run_question(const struct command_line *line)
{
    const struct command *c = line->command;
    void *req, *rep = request_new(c->ask->out());
    int status = request_make(line, c->ask->in(), &req);

    if (status == EXIT_OK && c->prepare != NULL) status = c->prepare(line, req);
    if (status != EXIT_OK) return status;
    if (c->pages) return run_pages(line, req);
    status = call_method(c->ask, req, rep);
    if (status != EXIT_OK) return status;
    show_reply(c, req, rep);
    if (c->list != NULL && !as_json) show_items(c, rep, true);
    return judge_reply(c, rep);
}

static int run_command(const struct noun *noun, const struct command *command, int argc, char **argv)
{
    static struct command_line line;

    line.noun = noun;
    line.command = command;
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help_command(stdout, noun, command);
            return EXIT_OK;
        }
    int status = line_read(&line, argc, argv);
    if (status != EXIT_OK) return status;
    return command->run != NULL ? command->run(&line) : run_question(&line);
}

/* help [NOUN [VERB]] */
static int run_help(int argc, char **argv)
{
    const struct noun *noun = argc > 0 ? find_noun(argv[0]) : NULL;

    if (argc == 0) {
        help_all(stdout);
        return EXIT_OK;
    }
    if (noun == NULL) return refuse_noun(argv[0]);
    const struct command *command = argc > 1 ? find_command(noun, argv[1]) : find_plain(noun);
    if (argc > 1 && command == NULL) return refuse_verb(noun, argv[1]);
    if (command != NULL) help_command(stdout, noun, command);
    if (argc == 1 && command != NULL && !noun_is_alone(noun)) printf("\n");
    if (argc == 1 && !noun_is_alone(noun)) help_noun(stdout, noun);
    return EXIT_OK;
}

static int run_words(int argc, char **argv)
{
    if (argc == 0) {
        help_all(stderr);
        return EXIT_USAGE;
    }
    if (wants_help(argv[0])) return run_help(argc - 1, argv + 1);
    if (strcmp(argv[0], "--version") == 0) {
        printf("%s (Madang) %s\n", program.name, MADANG_VERSION);
        return EXIT_OK;
    }
    const struct noun *noun = find_noun(argv[0]);
    if (noun == NULL) return refuse_noun(argv[0]);
    if (noun_is_alone(noun)) return run_command(noun, noun->commands, argc - 1, argv + 1);
    if (argc == 1) {
        help_noun(stderr, noun);
        return EXIT_USAGE;
    }
    if (wants_help(argv[1])) return run_help(1, argv);
    const struct command *command = may_be_verb(argv[1]) ? find_command(noun, argv[1]) : find_plain(noun);
    if (command != NULL && command == find_plain(noun)) return run_command(noun, command, argc - 1, argv + 1);
    return command == NULL ? refuse_verb(noun, argv[1]) : run_command(noun, command, argc - 2, argv + 2);
}

int cli_main(int argc, char **argv)
{
    log_init(program.name, (enum log_level)(LOG_ERROR + 1)); /* standard output is for the answer alone */
    signal(SIGPIPE, SIG_IGN);
    /* bound: one answer; the decoder asks */
    arena = arena_create(program.name, 256u << 20);
    int status = run_words(argc - 1, argv + 1);
    arena_destroy(&arena);
    return fflush(stdout) == 0 ? status : EXIT_REFUSED;
}
