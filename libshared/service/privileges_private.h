/* privileges_private.h - what privileges.c and the files that take things away share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* AddressSanitizer looks for leaks from a process of its own, which traces this one, and reads the program for its reports. */
#if defined(__SANITIZE_ADDRESS__)
#define LEAKS_ARE_LOOKED_FOR true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAKS_ARE_LOOKED_FOR true
#endif
#endif
#ifndef LEAKS_ARE_LOOKED_FOR
#define LEAKS_ARE_LOOKED_FOR false
#endif

enum reads { READS_SYSTEM = 1, READS_KEYS = 2, READS_CERTIFICATE = 4, READS_MIGRATIONS = 8, READS_DATABASE = 16 };

struct settings;

struct privileges {
    const char *kind;
    const struct settings *settings;
    unsigned reads;           /* of enum reads */
    const char *sockets[2];   /* ZeroMQ endpoints, or NULL: sockets are made where the ipc:// ones are */
    const char *db;           /* its conninfo, or NULL */
    const char *low_ports[2]; /* addresses whose port may be below 1024, or NULL */
    bool keeps_readers;       /* it forks copies of itself and ends them, and has no sockets but pairs */
};

enum use { USE_READ, USE_DEVICE, USE_SOCKETS, USE_FILES };

/* Each path that the row names; of directories all that is below.  What does not exist is named as well. */
void privileges_each_path(
    const struct privileges *has, void (*visit)(void *arg, const char *path, enum use use), void *arg);

int privileges_confine_files(const struct privileges *has); /* Landlock's version, 0: none */
bool privileges_makes_files(const struct privileges *has);  /* one of its settings is FILES */
void privileges_refuse_calls(const struct privileges *has);
void privileges_refuse_listening(void);
void privileges_allow_computing(void);
void privileges_drop_capabilities(const struct privileges *has, char *kept, int size); /* kept: names, or "" */
__attribute__((noreturn)) void privileges_die(const char *what);
