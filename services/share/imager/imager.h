/*
 * imager.h - the program `imager`: images that strangers sent are read where nothing can come of it.
 *
 *      share --- starts, before it gives up starting programs ---> imager, which reads no image
 *        |                                                            |  forks, one after another
 *        |  work: a record, the file, files for what comes of it      v
 *        +------------------------------------------------------> a reader of one image: libvips is set up, then it gives up
 *        <------------------------------------------------------  opening, connecting, starting and forking; ends with its image
 *                 what came of it, or that the reader ended
 *
 * The next reader is ready before it is needed.  A reader that takes too long or too much is killed, and that is an answer as any
 * other.  imager ends with share.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

struct settings;

struct reader_limits {
    int64_t memory;  /* bytes that it may write to */
    int64_t seconds; /* of its CPU; some times as many on the clock */
    const struct settings *settings;
};

/* In a process of its own: reads one image that comes over the channel, and ends. */
__attribute__((noreturn)) void reader_run(int channel, const struct reader_limits *limits);
