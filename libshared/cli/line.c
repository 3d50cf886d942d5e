/* line.c - what was typed, held against the rows of its command. */
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "libshared/base/nearest.h"
#include "libshared/base/secret.h"
#include "libshared/cli/cli.h"

#define SECRET_BYTES_MAX 4096
#define NAMES_MAX        64

bool as_json;
struct arena *arena;

int usage_error(const struct command_line *line, const char *fmt, ...)
{
    va_list args;

    fprintf(stderr, "%s: ", program.name);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\nusage: %s %s\n", program.name, usage_text(line->noun, line->command));
    return EXIT_USAGE;
}

static const struct given *find_given(const struct command_line *line, const char *name)
{
    for (size_t i = line->n; i-- > 0;)
        if (strcmp(line->given[i].word->name, name) == 0) return &line->given[i];
    return NULL;
}

bool line_has(const struct command_line *line, const char *name)
{
    return find_given(line, name) != NULL;
}

struct str line_text(const struct command_line *line, const char *name)
{
    const struct given *given = find_given(line, name);

    return given == NULL ? STR_NONE : given->value;
}

/* --- files and secrets --- */

static bool read_all(struct str file, struct buf *out)
{
    FILE *from = str_is(file, "-") ? stdin : fopen(arena_cstr(arena, file), "re");
    char bytes[4096];
    size_t n;

    if (from == NULL) return false;
    while (!out->over && (n = fread(bytes, 1, sizeof bytes, from)) > 0) buf_add(out, bytes, n);
    bool good = ferror(from) == 0;
    secret_wipe(bytes, sizeof bytes);
    if (from != stdin) fclose(from);
    return good;
}

int file_read(const struct command_line *line, struct str file, size_t most, struct buf *out)
{
    *out = BUF(most);
    if (read_all(file, out) && !out->over) return EXIT_OK;
    int status = usage_error(line, "%s: %s", shown_text(file), out->over ? "too large" : strerror(errno));
    buf_free(out);
    return status;
}

int line_file(const struct command_line *line, const char *name, size_t most, struct buf *out)
{
    return file_read(line, line_text(line, name), most, out);
}

static void interrupt_reading(int signal)
{
    (void)signal;
}

/* An interrupt leaves a terminal that shows what is typed. */
static bool ask_terminal(const char *what, struct buf *out)
{
    struct sigaction interrupted = { .sa_handler = interrupt_reading }, before;
    struct termios shown, hidden;
    char text[SECRET_BYTES_MAX];

    if (tcgetattr(STDIN_FILENO, &shown) != 0) return false;
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "%s: ", what);
    sigaction(SIGINT, &interrupted, &before);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    bool good = fgets(text, sizeof text, stdin) != NULL;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    sigaction(SIGINT, &before, NULL);
    fprintf(stderr, "\n");
    if (!good && !feof(stdin)) raise(SIGINT);
    if (good) buf_add_str(out, str_of(text));
    secret_wipe(text, sizeof text);
    return good;
}

static const char *plain_name(const struct word *word)
{
    return word->name + strspn(word->name, "-");
}

/* Its first line.  `file` none: from the terminal. */
static int read_secret(const struct command_line *line, const struct word *word, struct str file, struct str *out)
{
    struct buf text = BUF(SECRET_BYTES_MAX);

    if (file.at == NULL) {
        if (!isatty(STDIN_FILENO) || !ask_terminal(plain_name(word), &text))
            return usage_error(line, "%s is missing: a file's name, or - for standard input", word->name);
    } else {
        int status = file_read(line, file, SECRET_BYTES_MAX, &text);
        if (status != EXIT_OK) return status;
    }
    struct str rest = buf_str(&text);
    *out = arena_str(arena, str_cut(&rest, '\n'));
    if (out->len > 0 && out->at[out->len - 1] == '\r') out->len--;
    secret_wipe(text.at, text.len);
    buf_free(&text);
    return out->len > 0 ? EXIT_OK : usage_error(line, "%s: nothing is in it", word->name);
}

/* --- words --- */

static bool takes_more(const struct command_line *line, const struct word *word)
{
    return (word->is & MANY) || !line_has(line, word->name);
}

static const struct word *next_argument(const struct command_line *line)
{
    for (size_t i = 0; i < count_words(line->command); i++) {
        const struct word *word = &line->command->words[i];
        if (!word_is_option(word) && takes_more(line, word)) return word;
    }
    return NULL;
}

static const struct word *find_option(const struct command_line *line, struct str name, bool *no)
{
    for (size_t i = 0; i < count_words(line->command); i++) {
        const struct word *word = &line->command->words[i];
        *no = false;
        if (str_is(name, word->name)) return word;
        *no = true;
        if ((word->is & PAIR) && str_starts(name, STR("--no-")) && str_is(str_skip(name, 5), word->name + 2))
            return word;
    }
    return NULL;
}

static int refuse_word(const struct command_line *line, struct str typed)
{
    struct str names[NAMES_MAX];
    size_t n = 0;

    for (size_t i = 0; i < count_words(line->command) && n < NAMES_MAX; i++)
        if (word_is_option(&line->command->words[i])) names[n++] = str_of(line->command->words[i].name);
    struct str nearest = nearest_of(typed, names, n);
    if (nearest.len > 0)
        return usage_error(line, "%s is not understood; perhaps you mean %.*s", shown_text(typed), STR_ARG(nearest));
    return usage_error(line, "%s is not understood", shown_text(typed));
}

static int add_given(struct command_line *line, const struct word *word, struct str value, bool no)
{
    const struct given *before = find_given(line, word->name);

    if (before != NULL && (word->is & PAIR) && before->no != no)
        return usage_error(line, "%s and --no-%s exclude each other", word->name, word->name + 2);
    if (before != NULL && !(word->is & MANY) && word->value != NULL)
        return usage_error(line, "%s is said twice", word->name);
    if (line->n == COUNT(line->given)) return usage_error(line, "these are too many words");
    if (word->is & A_SECRET) {
        int status = read_secret(line, word, value, &value);
        if (status != EXIT_OK) return status;
    }
    line->given[line->n++] = (struct given){ word, value, no };
    return EXIT_OK;
}

static int take_argument(struct command_line *line, struct str text)
{
    const struct word *word = next_argument(line);

    return word == NULL ? refuse_word(line, text) : add_given(line, word, text, false);
}

/* --name VALUE, --name=VALUE, --flag */
static int take_option(struct command_line *line, const char *typed, char ***rest, char **end)
{
    const char *equals = strchr(typed, '=');
    struct str name = equals == NULL ? str_of(typed) : (struct str){ typed, (size_t)(equals - typed) };
    bool no;

    if (str_is(name, "--json") && equals == NULL) {
        as_json = true;
        return EXIT_OK;
    }
    const struct word *word = find_option(line, name, &no);
    if (word == NULL) return refuse_word(line, name);
    if (word->value == NULL) {
        if (equals != NULL) return usage_error(line, "%s takes no value", word->name);
        return add_given(line, word, STR_NONE, no);
    }
    if (equals == NULL && *rest == end) return usage_error(line, "%s wants a value", word->name);
    return add_given(line, word, str_of(equals != NULL ? equals + 1 : *(*rest)++), no);
}

static int check_missing(struct command_line *line)
{
    size_t n = 0, one_of = 0;
    const char *names = "";

    for (size_t i = 0; i < count_words(line->command); i++) {
        const struct word *word = &line->command->words[i];
        if ((word->is & A_SECRET) && (word->is & REQUIRED_WORD) && !line_has(line, word->name)) {
            int status = add_given(line, word, STR_NONE, false);
            if (status != EXIT_OK) return status;
        }
        if ((word->is & REQUIRED_WORD) && !line_has(line, word->name))
            return usage_error(line, "%s is missing", word->name);
        if (!(word->is & ONE_OF)) continue;
        names = text_printf("%s%s%s", names, n++ ? ", " : "", word->name);
        one_of += line_has(line, word->name);
    }
    if (n > 0 && one_of != 1) return usage_error(line, "one of these is wanted, and one alone: %s", names);
    return EXIT_OK;
}

static bool has_option(const struct command_line *line)
{
    for (size_t i = 0; i < line->n; i++)
        if (word_is_option(line->given[i].word)) return true;
    return false;
}

int line_read(struct command_line *line, int argc, char **argv)
{
    char **at = argv, **end = argv + argc;
    bool options = true; /* until -- */
    int status = EXIT_OK;

    while (at < end && status == EXIT_OK) {
        const char *typed = *at++;
        if (options && strcmp(typed, "--") == 0)
            options = false;
        else if (options && typed[0] == '-' && typed[1] == '-') /* a session's id may begin with a single dash */
            status = take_option(line, typed, &at, end);
        else
            status = take_argument(line, str_of(typed));
    }
    if (status == EXIT_OK) status = check_missing(line);
    if (status == EXIT_OK && line->command->edits && !has_option(line))
        status = usage_error(line, "there is nothing to change");
    return status;
}
