/*
 * batch_memory.h - what was learned from batches, so that the next may take the short way.  All committers share it, from any thread.
 *
 *      a batch whose rooms all have a head, and without repeats  --FRESH-->  one statement
 *      anything else                                             --the long way-->  finds out, and takes its time
 *
 * Nothing rests on it: the short way fails whole where the memory is wrong, and the long way follows.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

struct batch_memory;

struct batch_memory *batch_memory_create(void);
void batch_memory_destroy(struct batch_memory **memory);
/* May this batch take the short way? */
bool batch_memory_trusts(struct batch_memory *memory, struct id_list rooms);
void batch_memory_long_way(struct batch_memory *memory);                        /* it was taken */
void batch_memory_committed(struct batch_memory *memory, struct id_list rooms); /* they have heads */
void batch_memory_was_wrong(struct batch_memory *memory);                       /* trust nothing for a while */
