/* presence_private.h - what the files of presence/ share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/table.h"
#include "services/gateway/features.h"
#include "services/gateway/presence/presence.h"

#define NAMED_MAX 200 /* proto/chat.def: presence_room.people */

struct present_socket;

/* Somebody who is a member of a room that is watched here. */
struct known_person {
    UT_hash_handle hh;
    bool is_there;
    char state[16];
    struct str text;
    struct str_list hidden_from; /* one block of memory */
    uint64_t changed, hidden_at; /* by presence.news: anything of it, and from whom they are hidden */
    struct watched_room **rooms;
    size_t n, cap;
    size_t len;
    char subject[];
};

struct watched_member {
    struct known_person *person;
    uint64_t since; /* by presence.news */
};

struct room_watch {
    struct watched_room *room;
    struct present_socket *socket;
    bool is_begun;                                /* it was told of all */
    uint64_t told;                                /* up to there */
    int64_t online;                               /* as it was told */
    struct room_watch *prev, *next;               /* of the room */
    struct room_watch *socket_prev, *socket_next; /* of the socket */
};

struct who_question;
struct watched_room {
    UT_hash_handle hh;
    struct gateway_presence *home;
    struct id id;
    struct room_watch *watches;
    bool is_known, is_large;
    struct watched_member *members; /* of one that is not large */
    size_t n;
    int64_t online; /* of a large one */
    uint64_t changed;
    bool is_touched; /* its sockets are to be noted */
    bool is_due;     /* chat is to be asked */
    ev_tstamp not_before;
    struct who_question *question;
    struct made_packet {
        struct eio_packet *packet; /* NULL: none since it changed */
        bool is_whole;
        uint64_t told;
        size_t weight;
        int64_t online;
    } made; /* the last event about it alone, for other sockets that know as much */
    struct watched_room *touched_prev, *touched_next, *due_prev, *due_next;
};

/* In each client's memory; `of` NULL: a socket in another namespace, or without a subject. */
struct present_socket {
    struct gateway_presence *home;
    struct client *client;
    struct present_subject *of;
    struct str subject; /* its text */
    struct room_watch *watches;
    size_t n;
    bool is_due;
    ev_tstamp next;                         /* it is told then */
    ev_tstamp gap;                          /* and this much later at the earliest, the next time */
    struct present_socket *prev, *next_due; /* those that are due */
};

struct present_subject {
    UT_hash_handle hh;
    size_t sockets;
    bool is_told, is_changed;
    struct present_subject *prev, *next;
    size_t len;
    char text[];
};

/* A process of chat. */
struct told_part {
    struct gateway_presence *home;
    size_t index;
    bool must_begin; /* it is to be told of all */
    ev_tstamp not_before;
};

struct gateway_presence {
    struct ev_loop *loop;
    const struct service_pipes *chat;
    struct told_part parts[PARTS_MAX];
    size_t questions; /* to chat, unanswered */
    struct present_subject *subjects, *changed;
    struct known_person *people;
    struct watched_room *rooms, *touched, *due_rooms;
    struct present_socket *due;
    size_t asking;
    uint64_t news;  /* one more with each change */
    int64_t number; /* of chat's news; 0: none yet */
    ev_timer turn;
    struct arena *arena;
};

/* There is something to be done at the next turn. */
void presence_wake(struct gateway_presence *presence);

/* here.c */
void here_open(struct gateway_presence *presence, struct present_socket *socket, struct str subject);
void here_close(struct gateway_presence *presence, struct present_socket *socket);
void here_part_up(struct gateway_presence *presence, size_t part);
bool here_tell(struct gateway_presence *presence); /* false: there is nothing left to tell */
void here_clear(struct gateway_presence *presence);

/* watched.c */
struct watched_room *watched_get(struct gateway_presence *presence, struct id id);
void watched_drop_if_idle(struct watched_room *room);
void watched_doubt(struct watched_room *room);
void watched_doubt_all(struct gateway_presence *presence);
void watched_take_news(struct gateway_presence *presence, struct str body);
void watched_take_own(struct gateway_presence *presence, struct str body); /* own.changed */
bool watched_ask(struct gateway_presence *presence);                       /* false: nothing waits for it */
