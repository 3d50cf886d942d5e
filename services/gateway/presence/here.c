/* here.c - who has sockets at this gateway, as the processes of chat know it. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "services/gateway/presence/presence_private.h"

#define DEVICES_MAX 1000 /* proto/chat.def: presence_report.devices */
#define RETRY_S     1.0

static struct present_subject *get_subject(struct gateway_presence *presence, struct str text)
{
    struct present_subject *subject;

    HASH_FIND(hh, presence->subjects, text.at, text.len, subject);
    if (subject != NULL) return subject;
    subject = mem_zero(sizeof *subject + text.len);
    subject->len = text.len;
    memcpy(subject->text, text.at, text.len);
    HASH_ADD_KEYPTR(hh, presence->subjects, subject->text, subject->len, subject);
    return subject;
}

static void note_change(struct gateway_presence *presence, struct present_subject *subject)
{
    if (!subject->is_changed) {
        subject->is_changed = true;
        DL_APPEND(presence->changed, subject);
    }
    presence_wake(presence);
}

void here_open(struct gateway_presence *presence, struct present_socket *socket, struct str subject)
{
    socket->of = get_subject(presence, subject);
    if (socket->of->sockets++ == 0) note_change(presence, socket->of);
}

void here_close(struct gateway_presence *presence, struct present_socket *socket)
{
    assert(socket->of->sockets > 0);
    if (--socket->of->sockets == 0) note_change(presence, socket->of);
    socket->of = NULL;
}

static void doubt_part(struct told_part *part)
{
    part->must_begin = true;
    presence_wake(part->home);
}

void here_part_up(struct gateway_presence *presence, size_t part)
{
    presence->parts[part].not_before = 0;
    doubt_part(&presence->parts[part]);
}

static void on_told(void *arg, enum err e, struct str body)
{
    struct told_part *part = arg;

    (void)body;
    part->home->questions--;
    if (e == OK) return;
    part->not_before = ev_now(part->home->loop) + RETRY_S;
    doubt_part(part);
}

static void tell_part(struct told_part *part, bool begins, struct presence_device_list devices)
{
    const struct service_pipes pipe = { 1, { part->home->chat->at[part->index] } };

    for (size_t from = 0; from < devices.len || (begins && from == 0); from += DEVICES_MAX) {
        size_t n = devices.len - from < DEVICES_MAX ? devices.len - from : DEVICES_MAX;
        const struct presence_report report = { begins && from == 0, { devices.at + from, n } };
        part->home->questions++;
        method_ask(&pipe, M_chat_presence_report, &report, on_told, part);
    }
}

static struct presence_device_list list_all(struct gateway_presence *presence)
{
    struct presence_device_list list = { mem_alloc((HASH_COUNT(presence->subjects) + 1) * sizeof *list.at), 0 };
    struct present_subject *subject, *next;

    HASH_ITER(hh, presence->subjects, subject, next)
        if (subject->sockets > 0)
            list.at[list.len++] = (struct presence_device){ { subject->text, subject->len }, true };
    return list;
}

static struct presence_device_list list_changed(struct gateway_presence *presence)
{
    struct presence_device_list list = { NULL, 0 };
    struct present_subject *subject;
    size_t cap = 0;

    DL_FOREACH(presence->changed, subject) {
        if (subject->is_told == (subject->sockets > 0)) continue;
        list.at = mem_one_more(list.at, list.len, &cap, sizeof *list.at);
        list.at[list.len++] = (struct presence_device){ { subject->text, subject->len }, subject->sockets > 0 };
    }
    return list;
}

static void free_subject(struct gateway_presence *presence, struct present_subject *subject)
{
    HASH_DEL(presence->subjects, subject);
    mem_free(subject);
}

static void settle_changed(struct gateway_presence *presence)
{
    struct present_subject *subject, *next;

    DL_FOREACH_SAFE(presence->changed, subject, next) {
        DL_DELETE(presence->changed, subject);
        subject->is_changed = false;
        subject->is_told = subject->sockets > 0;
        if (!subject->is_told) free_subject(presence, subject);
    }
}

void here_clear(struct gateway_presence *presence)
{
    struct present_subject *subject, *next;

    HASH_ITER(hh, presence->subjects, subject, next) free_subject(presence, subject);
}

bool here_tell(struct gateway_presence *presence)
{
    struct presence_device_list changed = list_changed(presence);
    bool is_left = false;

    for (size_t i = 0; i < presence->chat->n; i++) {
        struct told_part *part = &presence->parts[i];
        bool is_early = part->not_before > ev_now(presence->loop);
        is_left |= part->must_begin && is_early;
        if (part->must_begin && is_early) continue;
        struct presence_device_list all = { NULL, 0 };
        bool begins = part->must_begin;
        part->must_begin = false;
        if (begins) all = list_all(presence);
        tell_part(part, begins, begins ? all : changed);
        mem_free(all.at);
    }
    mem_free(changed.at);
    settle_changed(presence);
    return is_left;
}
