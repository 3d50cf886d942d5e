/* request.c - words into the fields of a record that their rows name, within the fields' bounds. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <time.h>

#include "libshared/base/clock.h"
#include "libshared/cli/cli.h"

#define DURATION_MAX_S 315360000 /* ten years */

static const struct {
    char unit;
    int64_t seconds;
} UNITS[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

bool duration_read(struct str text, int64_t *seconds)
{
    int64_t factor = 1, n;

    for (size_t i = 0; i < COUNT(UNITS); i++)
        if (text.len > 1 && text.at[text.len - 1] == UNITS[i].unit) {
            factor = UNITS[i].seconds;
            text.len--;
            break;
        }
    if (!str_to_int(text, &n) || n < 0 || n > DURATION_MAX_S / factor) return false;
    *seconds = n * factor;
    return true;
}

bool moment_read(struct str text, bool is_ahead, int64_t *ms)
{
    static const char *const FORMS[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d" };
    int64_t away;

    if (duration_read(text, &away)) {
        *ms = clock_ms() + (is_ahead ? away : -away) * 1000;
        return true;
    }
    if (text.len > 0 && text.at[text.len - 1] == 'Z') text.len--;
    const char *typed = arena_cstr(arena, text);
    for (size_t i = 0; i < COUNT(FORMS); i++) {
        struct tm tm = { 0 };
        const char *end = strptime(typed, FORMS[i], &tm);
        if (end == NULL || *end != '\0' || tm.tm_year < 70) continue;
        *ms = (int64_t)timegm(&tm) * 1000;
        return true;
    }
    return false;
}

/* "3d", "90m": as short as it is exact. */
static const char *duration_text(int64_t seconds)
{
    for (size_t i = 0; i < COUNT(UNITS); i++)
        if (seconds > 0 && seconds % UNITS[i].seconds == 0)
            return text_printf("%lld%c", (long long)(seconds / UNITS[i].seconds), UNITS[i].unit);
    return "0";
}

void *request_new(const struct wire_shape *shape)
{
    char *record = arena_zero(arena, shape->size + 1);

    for (const struct wire_field *f = shape->fields; f->name != NULL; f++) {
        if (f->kind == WIRE_INT) memcpy(record + f->at, &f->fallback, sizeof f->fallback);
        if (f->kind == WIRE_BOOL) *(bool *)(record + f->at) = f->fallback != 0;
    }
    return record;
}

static int set_number(
    const struct command_line *line, const struct given *given, const struct wire_field *f, int64_t *to)
{
    int64_t least = given->word->least > f->min ? given->word->least : f->min;

    if (given->word->is & DURATION) {
        if (duration_read(given->value, to) && *to >= least && *to <= f->max) return EXIT_OK;
        return usage_error(line, "%s wants a time such as 90d, 24h, 30m or 45s, from %s to %s", given->word->name,
            duration_text(least), duration_text(f->max));
    }
    if (str_to_int(given->value, to) && *to >= least && *to <= f->max) return EXIT_OK;
    return usage_error(
        line, "%s wants a number from %lld to %lld", given->word->name, (long long)least, (long long)f->max);
}

static int set_moment(const struct command_line *line, const struct given *given, int64_t *to)
{
    bool is_ahead = given->word->is & AHEAD;

    if (moment_read(given->value, is_ahead, to)) return EXIT_OK;
    return usage_error(line, "%s wants a time such as 2026-11-28, 2026-11-28T10:00 or, so long %s, 24h",
        given->word->name, is_ahead ? "from now" : "ago");
}

static int check_text(
    const struct command_line *line, const struct given *given, struct str text, int64_t min, int64_t max)
{
    const char *name = given->word->name;

    if (!utf8_is_valid(text.at, text.len)) return usage_error(line, "%s is not UTF-8", name);
    int64_t chars = (int64_t)utf8_length(text.at, text.len);
    if (chars >= min && chars <= max) return EXIT_OK;
    return usage_error(
        line, "%s wants %lld to %lld characters, and has %lld", name, (long long)min, (long long)max, (long long)chars);
}

static int add_text(const struct command_line *line, const struct given *given, const struct wire_field *f,
    struct str text, struct str_list *to)
{
    int status = check_text(line, given, text, 1, f->item_max);

    if (status != EXIT_OK) return status;
    if ((int64_t)to->len == f->max)
        return usage_error(line, "%s is said more than %lld times", given->word->name, (long long)f->max);
    if (to->at == NULL) to->at = arena_alloc(arena, (size_t)f->max * sizeof *to->at);
    to->at[to->len++] = text;
    return EXIT_OK;
}

static int set_id(const struct command_line *line, const struct given *given, struct id *to)
{
    return id_parse(given->value, to) ? EXIT_OK : usage_error(line, "%s wants a UUID", given->word->name);
}

static int set_field(
    const struct command_line *line, const struct given *given, const struct wire_field *f, void *record)
{
    char *to = (char *)record + f->at;
    const char *gives = given->word->gives;

    switch (f->kind) {
    case WIRE_INT: return set_number(line, given, f, (int64_t *)(void *)to);
    case WIRE_TIME: return set_moment(line, given, (int64_t *)(void *)to);
    case WIRE_BOOL: *(bool *)to = !given->no; return EXIT_OK;
    case WIRE_TEXT:
        *(struct str *)(void *)to = given->value;
        return check_text(line, given, given->value, f->min, f->max);
    case WIRE_TEXTS:
        return add_text(line, given, f, gives != NULL ? str_of(gives) : given->value, (struct str_list *)(void *)to);
    case WIRE_ID: return set_id(line, given, (struct id *)(void *)to);
    case WIRE_BYTES:
    case WIRE_ANY:
    case WIRE_IDS:
    case WIRE_LIST:
    case WIRE_ONE: break;
    }
    return usage_error(line, "%s: no word is a %s", given->word->name, f->name);
}

int request_make(const struct command_line *line, const struct wire_shape *shape, void **out)
{
    *out = request_new(shape);
    for (size_t i = 0; i < line->n; i++) {
        const struct given *given = &line->given[i];
        const char *name = given->no && given->word->denied != NULL ? given->word->denied : given->word->field;
        if (name == NULL) continue;
        int status = set_field(line, given, wire_find(shape, str_of(name)), *out);
        if (status != EXIT_OK) return status;
    }
    return EXIT_OK;
}
