/*
 * notifications.h - what somebody is told of reaches each socket of theirs in /notification, without joining anything.
 *
 *      chat --notification.changed {subject, version}--> is it more than was told? --notification.changes--> told, in the order of versions
 *      --notification.heard--> chat knows what a socket was sent
 *
 * The first event that comes for somebody with a socket here says where to begin: what has a smaller version was there when the socket asked for its list.
 * Where events may have been lost with chat, it is asked for what is behind the version that was told, or by time where there is none yet; a slow socket is told
 * what it missed when it is slow no more, and the others with it once more: whoever hears a version twice has it already.  What a socket missed that was
 * away its client asks for (notification:list {since}).  A subject is asked about one question at a time, and of all ASKING_MAX.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

struct ev_loop;
struct notifications;
struct service_pipes;

struct notifications *notifications_create(struct ev_loop *loop, const struct service_pipes *chat);
