/* raw.h - sockets that speak ZeroMQ and CURVE and nothing above: for what a healthy peer will not do. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/frame.h"
#include "tests/unit/rpc/fixture.h"

#define UNREAD_USUAL 1000 /* messages */

void *open_raw(void *context, int unread_max);
void send_raw(void *raw, struct str head, const char *body);

/* One frame, if there is one within the time; its length, or -1. */
int receive_frame(void *raw, int wait_ms, char *out, size_t size, bool *more);

/* --- a server as a script: what a client sends, and when --- */

extern struct script {
    struct arena *arena;
    void *context, *raw;
    char id[5], bytes[200000];
} script;

/* But for pings, which come when it is time. */
bool serve_one(int wait_ms, struct frame_head *head, struct str *body);
void answer_hello(uint64_t id, bool batches);
void open_script(struct probe *probe, bool batches, int unread_max);
void close_script(struct probe *probe);
