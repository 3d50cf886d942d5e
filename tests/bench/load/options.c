/* options.c - the command line of the load generator, as rows. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINES = 100000 };

enum kind { TEXT, COUNT, SECONDS, FLAG, LINES };

struct row {
    const char *name;
    enum kind kind;
    size_t at, count_at; /* where in struct options; count_at for LINES only */
    double least, most;
    const char *meaning;
};

#define AT(field) offsetof(struct options, field)

/* clang-format off */
static const struct row rows[] = {
    { "--mode",      TEXT,    AT(mode),   0, 0, 0, "idle, connect, ended, fanout, rooms, durable or soak" },
    { "--host",      TEXT,    AT(host),   0, 0, 0, "address of the server (127.0.0.1)" },
    { "--path",      TEXT,    AT(path),   0, 0, 0, "request path (/socket.io/)" },
    { "--tls",       FLAG,    AT(tls),    0, 0, 0, "speak TLS, whatever the certificate" },
    { "--paced",     FLAG,    AT(paced),  0, 0, 0, "wait for a line on stdin between phases" },
    { "--tokens",    LINES,   AT(tokens), AT(token_count), 0, 0, "file of tokens, used in turn" },
    { "--room-list", LINES,   AT(rooms),  AT(room_count),  0, 0, "file of the rooms' identifiers" },
    { "--port",      COUNT,   AT(port),           0, 1, 65535,   "port of the server" },
    { "--connections", COUNT, AT(connections),    0, 1, 60000,   "idle, connect, ended, soak: how many (1000)" },
    { "--stalled",   COUNT,   AT(stalled),        0, 0, 1000,    "soak: how many of them stop to read (0)" },
    { "--members",   COUNT,   AT(members),        0, 1, 60000,   "listeners of each room (1000)" },
    { "--in-flight", COUNT,   AT(in_flight),      0, 1, 4096,    "messages of a sender under way (4)" },
    { "--bytes",     COUNT,   AT(body_bytes),     0, 64, 4000,   "length of a message's body (200)" },
    { "--opening",   COUNT,   AT(opening),        0, 1, 4096,    "connections opened at a time (64)" },
    { "--sources",   COUNT,   AT(sources),        0, 1, 250,     "source addresses, from 127.0.0.2 (4)" },
    { "--open-seconds",   SECONDS, AT(open_seconds),   0, 0.1, 600, "longest opening phase (120)" },
    { "--warmup-seconds", SECONDS, AT(warmup_seconds), 0, 0, 60,    "traffic before the measuring (1)" },
    { "--seconds",        SECONDS, AT(seconds),        0, 0.1, 600, "length of the measuring (5)" },
};
/* clang-format on */

static _Noreturn void wrong(const char *what, const char *about)
{
    fprintf(stderr, "bench-load: %s: %s\n", about, what);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fprintf(stderr, "  %-18s %s\n", rows[i].name, rows[i].meaning);
    exit(2);
}

static double read_number(const struct row *row, const char *text)
{
    char *end;
    double n = strtod(text, &end);

    if (end == text || *end != '\0' || !(n >= row->least && n <= row->most))
        wrong("not a number within bounds", row->name);
    return n;
}

/* The lines of a small file. */
static char **read_lines(const char *path, size_t *count)
{
    FILE *file = fopen(path, "r");
    char **lines = calloc(MAX_LINES, sizeof *lines);
    size_t room = 0;
    char *line = NULL;

    if (file == NULL || lines == NULL) wrong(strerror(errno), path);
    for (*count = 0; *count < MAX_LINES && getline(&line, &room, file) > 0; line = NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (*line != '\0')
            lines[(*count)++] = line;
        else
            free(line);
        room = 0;
    }
    free(line);
    fclose(file);
    if (*count == 0) wrong("no line in it", path);
    return lines;
}

static void take(struct options *o, const struct row *row, const char *value)
{
    char *field = (char *)o + row->at;

    switch (row->kind) {
    case TEXT: *(const char **)field = value; return;
    case FLAG: *(bool *)field = true; return;
    case SECONDS: *(double *)field = read_number(row, value); return;
    case LINES: *(char ***)field = read_lines(value, (size_t *)((char *)o + row->count_at)); return;
    case COUNT: break;
    }
    if (row->at == AT(port))
        o->port = (int)read_number(row, value);
    else
        *(size_t *)field = (size_t)read_number(row, value);
}

static const struct row *find_row(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    wrong("no such option", name);
}

struct options options_read(int argc, char **argv)
{
    struct options o = { .host = "127.0.0.1",
        .path = "/socket.io/",
        .connections = 1000,
        .members = 1000,
        .in_flight = 4,
        .body_bytes = 200,
        .opening = 64,
        .sources = 4,
        .open_seconds = 120,
        .warmup_seconds = 1,
        .seconds = 5 };

    for (int i = 1; i < argc; i++) {
        const struct row *row = find_row(argv[i]);
        if (row->kind != FLAG && i + 1 == argc) wrong("wants a value", row->name);
        take(&o, row, row->kind == FLAG ? NULL : argv[++i]);
    }
    if (o.mode == NULL || o.port == 0 || o.token_count == 0) wrong("all three are needed", "--mode, --port, --tokens");
    return o;
}

static void free_lines(char **lines, size_t count)
{
    for (size_t i = 0; i < count; i++) free(lines[i]);
    free(lines);
}

void options_free(struct options *o)
{
    free_lines(o->tokens, o->token_count);
    free_lines(o->rooms, o->room_count);
}
