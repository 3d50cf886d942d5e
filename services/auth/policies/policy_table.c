/* policy_table.c - lines of words into cases. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/policies/policy_table.h"

#include <string.h>

#include "libshared/wire/json.h"

#define WORDS_MAX 16

struct policy_words {
    struct str at[WORDS_MAX];
    size_t n;
};

static enum err refuse_line(struct wire_error *why, int64_t line, const char *what)
{
    return wire_refuse(why, ERR_INVALID_ARGUMENT, "", "line %lld: %s", (long long)line, what);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Up to the quote that ends it; an escape's character is none. */
static size_t quoted_length(struct str rest)
{
    for (size_t i = 1; i < rest.len; i++) {
        if (rest.at[i] == '\\')
            i++;
        else if (rest.at[i] == '"')
            return i + 1;
    }
    return 0;
}

static bool take_quoted(struct arena *arena, struct str *rest, struct str *out)
{
    size_t len = quoted_length(*rest);
    struct str raw = { rest->at, len };

    if (len == 0 || json_check(raw, 1) != JSON_FINE || !json_decode_text(raw, arena, out)) return false;
    *rest = str_skip(*rest, len);
    return rest->len == 0 || is_blank(rest->at[0]);
}

static struct str take_plain(struct str *rest)
{
    struct str word = { rest->at, 0 };

    while (word.len < rest->len && !is_blank(rest->at[word.len])) word.len++;
    *rest = str_skip(*rest, word.len);
    return word.len == 1 && word.at[0] == '-' ? STR_NONE : word;
}

static bool split_line(struct arena *arena, struct str line, struct policy_words *out)
{
    out->n = 0;
    while (line.len > 0) {
        if (is_blank(line.at[0])) {
            line = str_skip(line, 1);
            continue;
        }
        if (out->n == WORDS_MAX) return false;
        if (line.at[0] != '"')
            out->at[out->n++] = take_plain(&line);
        else if (!take_quoted(arena, &line, &out->at[out->n++]))
            return false;
    }
    return true;
}

/* --- the head --- */

static enum err read_head(
    const struct policy_words *names, int64_t line, const struct wire_field **columns, struct wire_error *why)
{
    const struct wire_shape *shape = policy_expectation_shape();
    unsigned seen = 0, required = 0;

    for (size_t i = 0; i < names->n; i++) {
        columns[i] = wire_find(shape, names->at[i]);
        if (columns[i] == NULL)
            return refuse_line(why, line, "its columns are policy, action, namespace, event, room, subject and expect");
        unsigned bit = 1u << (columns[i] - shape->fields);
        if (seen & bit) return refuse_line(why, line, "a column is there twice");
        seen |= bit;
    }
    for (const struct wire_field *f = shape->fields; f->name != NULL; f++)
        if (f->required) required |= 1u << (f - shape->fields);
    if ((seen & required) != required) return refuse_line(why, line, "wants the columns policy, action and expect");
    return OK;
}

/* --- a case --- */

static enum err set_word(
    const struct wire_field *f, struct str word, int64_t line, struct policy_expectation *out, struct wire_error *why)
{
    bool is_text = utf8_is_valid(word.at, word.len);
    int64_t chars = is_text ? (int64_t)utf8_length(word.at, word.len) : -1;

    if (word.at == NULL && !f->required) return OK;
    if (chars < f->min || chars > f->max)
        return wire_refuse(why, ERR_INVALID_ARGUMENT, f->name, "line %lld: %s: wants %lld to %lld characters",
            (long long)line, f->name, (long long)f->min, (long long)f->max);
    memcpy((char *)out + f->at, &word, sizeof word);
    return OK;
}

static enum err read_case(const struct policy_words *words, const struct wire_field *const *columns, size_t n,
    int64_t line, struct policy_expectation *out, struct wire_error *why)
{
    *out = (struct policy_expectation){ .policy = STR_NONE };
    if (words->n != n) return refuse_line(why, line, "has more or fewer words than there are columns");
    for (size_t i = 0; i < n; i++) TRY(set_word(columns[i], words->at[i], line, out, why));
    return OK;
}

enum err policy_table_read(
    struct arena *arena, struct str text, struct policy_trial *out, const int64_t **lines, struct wire_error *why)
{
    const struct wire_field *columns[WORDS_MAX] = { NULL };
    int64_t *at = arena_alloc(arena, POLICY_CASES_MAX * sizeof *at), line = 0;
    size_t n_columns = 0;
    struct policy_words words;

    *lines = at;
    out->cases = (struct policy_expectation_list){ arena_alloc(arena, POLICY_CASES_MAX * sizeof *out->cases.at), 0 };
    while (text.len > 0) {
        struct str row = str_trim(str_cut(&text, '\n'));
        line++;
        if (row.len == 0 || row.at[0] == '#') continue;
        if (!split_line(arena, row, &words)) return refuse_line(why, line, "is not understood");
        if (n_columns == 0) {
            TRY(read_head(&words, line, columns, why));
            n_columns = words.n;
            continue;
        }
        if (out->cases.len == POLICY_CASES_MAX) return refuse_line(why, line, "there are more than 1000 of them");
        TRY(read_case(&words, columns, n_columns, line, &out->cases.at[out->cases.len], why));
        at[out->cases.len++] = line;
    }
    return n_columns > 0 ? OK : refuse_line(why, line, "there is no line that names the columns");
}
