/* demo.c - authctl demo ... */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/authctl/authctl.h"

/* The link alone on standard output. */
static void print_link(const void *req, const void *rep)
{
    const struct demo_link *link = rep;

    (void)req;
    printf("%.*s\n", STR_ARG(link->url));
    fprintf(stderr, "Two people in a room, and what goes over the wire: good until %s, once.\n",
        time_text(link->expires_at));
}

/* clang-format off */
static const struct command COMMANDS[] = {
    { .verb = "link",
      .doc = "Make a link to the demo at /, good once",
      .about = "Whoever opens it talks with themselves, as two people in a room of their own, and sees each packet. What they can reach is "
               "that room; after an hour it and both people are erased. At most 20 links are good at a time: one more ends the oldest.",
      .ask = &ask_auth_demo_link,
      .print = print_link,
      .words = (const struct word[]){
          { .name = "--expires", .value = "1h", .field = "life_s", .is = DURATION, .least = 60, .doc = "It is good for so long, a day at most; without it, an hour" },
          { .name = NULL } },
      .examples = (const struct example[]){ { "demo link", "Try it in a browser" }, { "demo link --expires 1d", "For a colleague, until tomorrow" }, { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun demo_noun = { .name = "demo", .doc = "The demo at /", .commands = COMMANDS };
