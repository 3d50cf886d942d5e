/* http_mount.c - which handler a path belongs to: the longest mount that fits. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/http_private.h"

static struct str without_end(struct str path, char end)
{
    return path.len > 0 && path.at[path.len - 1] == end ? (struct str){ path.at, path.len - 1 } : path;
}

void http_mount(struct http_server *server, const char *path, const struct http_handler *handler, void *arg)
{
    struct http_mount *mount = mem_zero(sizeof *mount);
    struct str whole = str_of(path), beginning = without_end(whole, '*');
    mount->prefix = beginning.len < whole.len;
    mount->path = mount->prefix ? beginning : without_end(whole, '/');
    mount->handler = handler;
    mount->arg = arg;
    mount->next = server->mounts;
    server->mounts = mount;
}

static bool is_fitting(const struct http_mount *mount, struct str path)
{
    return mount->prefix ? str_starts(path, mount->path) : str_eq(without_end(path, '/'), mount->path);
}

/* Of the same length the exact one is meant: "/a" before "/a*". */
static bool is_closer(const struct http_mount *mount, const struct http_mount *than)
{
    if (than == NULL || mount->path.len > than->path.len) return true;
    return mount->path.len == than->path.len && than->prefix && !mount->prefix;
}

const struct http_mount *http_mount_find(const struct http_server *server, struct str path)
{
    const struct http_mount *best = NULL;
    for (const struct http_mount *mount = server->mounts; mount != NULL; mount = mount->next)
        if (is_fitting(mount, path) && is_closer(mount, best)) best = mount;
    return best;
}

void http_mounts_free(struct http_server *server)
{
    while (server->mounts != NULL) {
        struct http_mount *mount = server->mounts;
        server->mounts = mount->next;
        mem_free(mount);
    }
}
