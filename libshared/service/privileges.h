/*
 * privileges.h - what a process gives up right after its settings are read, and what once everything is bound.
 *
 *      settings --> privileges_drop --> log thread, migrations, ZeroMQ, ... binds --> privileges_settle --> loop
 *                   files, system calls,         all threads inherit it               no listening any more,
 *                   capabilities, cores                                               in every thread
 *
 * The table of who may do what is the head of privileges.c.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>

struct settings;

/* kind: a name of proto/services.def, or imager.  Before the first thread: Landlock and capabilities belong to a thread and those
 * that it starts.  Exits with status 2 and one line if the kernel refuses; a kernel without Landlock is only logged. */
void privileges_drop(const char *kind, const struct settings *settings);
void privileges_settle(const struct settings *settings);

/* For a process that reads what strangers sent, by somebody else's code: in all its threads nothing is left but to compute, to use the
 * files and sockets that it has, and to end.  For good; the names of proto/services.def have no use for it. */
void privileges_only_compute(const struct settings *settings);
bool privileges_sanitized(void); /* a sanitizer's build, which has its own use for memory */
