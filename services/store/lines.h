/*
 * lines.h - what the server says in rooms' logs: lines that chat has written go into them, each once.
 *
 *      chat --line.waiting--> wake --line.take: those stored--> a page of lines --> committer --> stored
 *                               ^                                                            |
 *                               +------------------------------------------------------------+   until a page is empty
 *
 * Of a room one line is under way at a time, so that they are in its log in their order whatever fails.  A line that the log refuses is
 * reported with the next question: after some attempts chat keeps it apart, and those behind it go on.
 *
 * A line has an id: one that was stored and is given again, because we died before we said so, is a repeat, and the log has it once.
 * Loop thread only.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

struct lines;
struct store;
struct ev_loop;

struct lines *lines_create(struct ev_loop *loop, struct store *store);
void lines_destroy(struct lines **lines); /* after the committer */
void lines_wake(void *lines);             /* chat may have some */
