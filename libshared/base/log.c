/* log.c - one JSON object per line on standard output. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "libshared/base/clock.h"
#include "libshared/base/err.h"
#include "libshared/base/log_private.h"

/* What a pipe takes in one piece (PIPE_BUF), so that lines of several processes never mix. */
#define LINE_BYTES 4096
#define TAIL       ",\"cut\":true}\n"
#define BODY_BYTES (LINE_BYTES - sizeof TAIL)
#define TEXT_BYTES 1024 /* of one field; what is longer ends with three dots */

struct log_text {
    char at[LINE_BYTES];
    size_t len;
    bool cut;
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };
static char service_name[32] = "-";
static enum log_level lowest = LOG_INFO;

void log_init(const char *service, enum log_level threshold)
{
    snprintf(service_name, sizeof service_name, "%s", service);
    lowest = threshold;
}

bool log_level_parse(struct str name, enum log_level *out)
{
    for (size_t i = 0; i < COUNT(level_names); i++) {
        if (!str_is(name, level_names[i])) continue;
        *out = (enum log_level)i;
        return true;
    }
    return false;
}

enum log_level log_threshold(void)
{
    return lowest;
}

/* Threads that begin a window together may write a line more. */
bool log_may_write(struct log_bound *bound, int64_t *left_out)
{
    int64_t now_us = clock_mono_us();

    if (now_us - atomic_load(&bound->since_us) >= LOG_BOUNDED_US) {
        atomic_store(&bound->since_us, now_us);
        atomic_store(&bound->lines, 0);
    }
    if (atomic_fetch_add(&bound->lines, 1) >= LOG_BOUNDED_LINES) {
        atomic_fetch_add(&bound->left_out, 1);
        return false;
    }
    *left_out = atomic_exchange(&bound->left_out, 0);
    return true;
}

static void append_bytes(struct log_text *line, const char *at, size_t len)
{
    if (line->cut || len > BODY_BYTES - line->len) {
        line->cut = true;
        return;
    }
    memcpy(line->at + line->len, at, len);
    line->len += len;
}

static void add_text(struct log_text *line, const char *text)
{
    append_bytes(line, text, strlen(text));
}

static void add_format(struct log_text *line, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void add_format(struct log_text *line, const char *fmt, ...)
{
    char text[64];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    add_text(line, text);
}

/* Bytes of the UTF-8 sequence that begins s; 0: it begins with none. */
static size_t sequence(struct str s)
{
    for (size_t n = 1; n <= 4 && n <= s.len; n++)
        if (utf8_is_valid(s.at, n)) return n;
    return 0;
}

static size_t add_one(struct log_text *line, struct str s)
{
    unsigned char c = (unsigned char)s.at[0];
    size_t n = sequence(s);

    if (c < 0x20 || c == 0x7F)
        add_format(line, "\\u%04x", c);
    else if (n == 0)
        add_text(line, "\xEF\xBF\xBD");
    else if (c == '"' || c == '\\')
        append_bytes(line, (char[]){ '\\', (char)c }, 2);
    else
        append_bytes(line, s.at, n);
    return n == 0 ? 1 : n;
}

static void add_quoted(struct log_text *line, struct str s)
{
    size_t end = line->len + TEXT_BYTES;

    add_text(line, "\"");
    while (s.len > 0 && line->len < end && !line->cut) s = str_skip(s, add_one(line, s));
    add_text(line, s.len > 0 ? "...\"" : "\"");
}

static void add_value(struct log_text *line, const struct log_field *f)
{
    char text[ID_TEXT_BYTES + 1];

    switch (f->kind) {
    case LOG_STR:
        if (f->s.at == NULL)
            add_text(line, "null");
        else
            add_quoted(line, f->s);
        break;
    case LOG_SOME:
    case LOG_INT: add_format(line, "%" PRId64, f->i); break;
    case LOG_REAL:
        if (isfinite(f->r))
            add_format(line, "%.6g", f->r);
        else
            add_text(line, "null");
        break;
    case LOG_BOOL: add_text(line, f->i ? "true" : "false"); break;
    case LOG_ID:
        id_format(f->id, text);
        add_quoted(line, str_of(text));
        break;
    case LOG_END: break;
    }
}

/* All of the field or nothing of it, so that a line that is cut is still JSON. */
static void add_field(struct log_text *line, const struct log_field *f)
{
    size_t before = line->len;

    add_text(line, ",");
    add_quoted(line, str_of(f->key));
    add_text(line, ":");
    add_value(line, f);
    if (line->cut) line->len = before;
}

static void add_time(struct log_text *line)
{
    struct timespec now;
    struct tm tm;
    char text[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    add_format(line, "{\"at\":\"%s.%03ldZ\"", text, now.tv_nsec / 1000000);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    struct log_text line = { .len = 0 };
    bool cut = false;
    int saved = errno;

    add_time(&line);
    add_field(&line, &F_TEXT("level", level_names[level]));
    add_field(&line, &F_TEXT("service", service_name));
    add_field(&line, &F_TEXT("event", event));
    for (const struct log_field *f = fields; f->kind != LOG_END; f++) {
        if (f->kind == LOG_SOME && f->i == 0) continue;
        line.cut = false;
        add_field(&line, f);
        cut |= line.cut;
    }
    const char *tail = cut ? TAIL : "}\n";
    memcpy(line.at + line.len, tail, strlen(tail));
    log_out_put(line.at, line.len + strlen(tail));
    errno = saved;
}
