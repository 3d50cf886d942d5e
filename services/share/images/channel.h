/*
 * channel.h - records and open files between share, the imager and those that read one image each.
 *
 * A message is one record and the files that it is about.  The other end is not trusted: what is longer, or brings more files, is
 * no message, and none of its files stays open.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libshared/base/str.h"

#define CHANNEL_BYTES 2048
#define CHANNEL_FILES 5

struct channel_message {
    char bytes[CHANNEL_BYTES];
    size_t len;
    int files[CHANNEL_FILES];
    size_t n_files;
};

enum channel_got { CHANNEL_MESSAGE, CHANNEL_CLOSED, CHANNEL_LATE };

/* SOCK_SEQPACKET, closed in programs that are started. */
bool channel_pair(int ends[2]);
bool channel_send(int channel, const struct channel_message *message);
/* Waits until clock_mono_us() is that far: for threads and processes without a loop. */
enum channel_got channel_receive(int channel, int64_t until_us, struct channel_message *out);
void channel_close_files(struct channel_message *message);
