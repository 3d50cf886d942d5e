/* watch.c - the script with which the page of a link listens, at a path of its own, whatever else the site has. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/site/site_private.h"

__asm__(
    ".section .rodata\nwatch_script:\n.incbin \"services/gateway/site/watch.js\"\nwatch_script_end:\n.byte 0\n.text\n");
extern const char watch_script[], watch_script_end[];

static struct str between(const char *at, const char *end)
{
    return (struct str){ at, (size_t)(end - at) };
}

struct site_files *watch_files(void)
{
    struct site_files *files = site_files_create();

    site_files_add(files, "/watch/watch.js", SITE_SCRIPT_TYPE, between(watch_script, watch_script_end));
    front_page_add_client(files, "/watch/socket.io.esm.min.js", "/watch/socket.io.LICENSE.txt");
    return files;
}
