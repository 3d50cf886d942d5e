/* channel.c - a socket pair whose messages carry open files. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/images/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libshared/base/clock.h"

union control {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(CHANNEL_FILES * sizeof(int))];
};

bool channel_pair(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0;
}

bool channel_send(int channel, const struct channel_message *message)
{
    union control control = { .bytes = { 0 } };
    struct iovec bytes = { (void *)message->bytes, message->len };
    struct msghdr head = { .msg_iov = &bytes, .msg_iovlen = 1 };
    size_t files = message->n_files * sizeof(int);
    ssize_t sent;

    if (files > 0) {
        head.msg_control = control.bytes;
        head.msg_controllen = CMSG_SPACE(files);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(files);
        memcpy(CMSG_DATA(&control.head), message->files, files);
    }
    do sent = sendmsg(channel, &head, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)message->len;
}

static void take_files(struct msghdr *head, struct channel_message *out)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(head); at != NULL; at = CMSG_NXTHDR(head, at)) {
        if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) continue;
        out->n_files = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(out->files, CMSG_DATA(at), out->n_files * sizeof(int));
    }
}

/* `control` has room for CHANNEL_FILES descriptors; the kernel says if it cut off more. */
static enum channel_got take_message(int channel, struct channel_message *out)
{
    union control control;
    struct iovec bytes = { out->bytes, sizeof out->bytes };
    struct msghdr head = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes
    };
    ssize_t got;

    out->n_files = 0;
    do got = recvmsg(channel, &head, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got <= 0) return CHANNEL_CLOSED;
    out->len = (size_t)got;
    take_files(&head, out);
    if ((head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0) return CHANNEL_MESSAGE;
    channel_close_files(out);
    return CHANNEL_CLOSED;
}

enum channel_got channel_receive(int channel, int64_t until_us, struct channel_message *out)
{
    for (;;) {
        struct pollfd what = { .fd = channel, .events = POLLIN };
        int64_t left_ms = (until_us - clock_mono_us() + 999) / 1000;
        int ready = poll(&what, 1, left_ms < 0 ? 0 : left_ms > 3600000 ? 3600000 : (int)left_ms);
        if (ready > 0) return take_message(channel, out);
        if (ready < 0 && errno != EINTR) return CHANNEL_CLOSED;
        if (clock_mono_us() >= until_us) return CHANNEL_LATE;
    }
}

void channel_close_files(struct channel_message *message)
{
    for (size_t i = 0; i < message->n_files; i++) close(message->files[i]);
    message->n_files = 0;
}
