/*
 * log.h - one JSON object per line on standard output.
 *
 *      LOG(INFO, "rpc.peer_lost", F_TEXT("peer", name), F_INT("pending", n));
 *   -> {"at":"2026-01-02T03:04:05.678Z","level":"info","service":"store","event":"rpc.peer_lost","peer":"chat","pending":3}
 *
 * The event is a stable dotted word; what varies is a field.  A secret is never a field.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/id.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *key;
    enum { LOG_END, LOG_STR, LOG_INT, LOG_SOME, LOG_REAL, LOG_BOOL, LOG_ID } kind;
    struct str s;
    int64_t i;
    double r;
    struct id id;
};

#define F_TEXT(k, v) ((struct log_field){ .key = (k), .kind = LOG_STR, .s = str_of(v) })
#define F_STR(k, v)  ((struct log_field){ .key = (k), .kind = LOG_STR, .s = (v) })
#define F_INT(k, v)  ((struct log_field){ .key = (k), .kind = LOG_INT, .i = (int64_t)(v) })
#define F_SOME(k, v) ((struct log_field){ .key = (k), .kind = LOG_SOME, .i = (int64_t)(v) }) /* 0 is left out */
#define F_REAL(k, v) ((struct log_field){ .key = (k), .kind = LOG_REAL, .r = (v) })
#define F_BOOL(k, v) ((struct log_field){ .key = (k), .kind = LOG_BOOL, .i = (v) })
#define F_ID(k, v)   ((struct log_field){ .key = (k), .kind = LOG_ID, .id = (v) })

/* LOG(level, "event", fields...): level is DEBUG, INFO, WARN or ERROR. */
#define LOG(level, ...)                                                                                                \
    do {                                                                                                               \
        if (LOG_##level >= log_threshold())                                                                            \
            log_write(LOG_##level, LOG_FIRST(__VA_ARGS__, 0), (struct log_field[]){ LOG_REST(__VA_ARGS__, { 0 }) });   \
    } while (0)
/* The same for what others can cause as often as they like: each place writes LOG_BOUNDED_LINES in LOG_BOUNDED_US at
 * most, and the next line says how many before it were left out. */
#define LOG_BOUNDED(level, ...)                                                                                        \
    do {                                                                                                               \
        static struct log_bound bound_;                                                                                \
        int64_t left_out_;                                                                                             \
        if (LOG_##level >= log_threshold() && log_may_write(&bound_, &left_out_))                                      \
            log_write(LOG_##level, LOG_FIRST(__VA_ARGS__, 0),                                                          \
                (struct log_field[]){ LOG_REST(__VA_ARGS__, F_SOME("left_out", left_out_), { 0 }) });                  \
    } while (0)
#define LOG_BOUNDED_LINES 50
#define LOG_BOUNDED_US    10000000

struct log_bound {
    _Atomic int64_t since_us, lines, left_out;
};
bool log_may_write(struct log_bound *bound, int64_t *left_out);

#define LOG_FIRST(event, ...) event
#define LOG_REST(event, ...)  __VA_ARGS__

void log_init(const char *service, enum log_level threshold);
bool log_level_parse(struct str name, enum log_level *out);
enum log_level log_threshold(void);
void log_write(enum log_level level, const char *event, const struct log_field *fields); /* thread-safe */

/* From now on no line waits for its reader: a thread writes them, and what it cannot write in time is dropped, counted
 * and said ("log.dropped").  What waits at exit or before a crash still has a moment. */
void log_begin(void);
bool log_flush(int ms); /* wait until all is written; false: not within so long */
uint64_t log_dropped(void);
