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

/* kind: a name of proto/services.def.  Before the first thread: Landlock and capabilities belong to a thread and those
 * that it starts.  Exits with status 2 and one line if the kernel refuses; a kernel without Landlock is only logged. */
void privileges_drop(const char *kind);
void privileges_settle(void);
