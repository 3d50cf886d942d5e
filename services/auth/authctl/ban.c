/* ban.c - authctl ban ..., authctl attempts */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/authctl/authctl.h"

/* clang-format off */
#define BAN_COLUMNS (const struct column[]){ \
    { "ID", "id", 36, NULL, NULL }, { "NETWORK", "network", 20, NULL, NULL }, { "SUBJECT", "subject", 36, NULL, NULL }, \
    { "KEY", "key", 12, NULL, NULL }, { "SINCE", "at", 20, NULL, NULL }, { "UNTIL", "until", 20, "lifted", NULL }, \
    { "BY", "by", 16, NULL, NULL }, { "REASON", "reason", 0, NULL, NULL }, { .head = NULL } }

static const struct command OF_BAN[] = {
    { .verb = "list",
      .doc = "List bans that hold, the newest first",
      .ask = &ask_auth_ban_list,
      .pages = true, .list = "bans", .columns = BAN_COLUMNS },
    { .verb = "add",
      .doc = "Let a network, a subject or an API key in nowhere; its live sockets end at once",
      .about = "Gateways close a banned network's connections before TLS begins, and answer `banned` where it comes through a proxy or has "
               "a connection already. authctl itself is never asked for its address: whoever has its certificate can lift every ban.",
      .ask = &ask_auth_ban_add,
      .columns = BAN_COLUMNS,
      .words = (const struct word[]){
          { .name = "--network", .value = "CIDR", .field = "network", .is = ONE_OF, .doc = "An address, or a network of at most a /8, of IPv6 a /16" },
          { .name = "--subject", .value = "SUBJECT", .field = "subject", .is = ONE_OF, .doc = "A subject, as it is in tokens, their sub" },
          { .name = "--key", .value = "ID", .field = "key", .is = ONE_OF, .doc = "An API key: all its tokens, and no new one" },
          { .name = "--for", .value = "DURATION", .field = "for_s", .is = DURATION, .doc = "How long; not said: until it is lifted" },
          { .name = "--reason", .value = "TEXT", .field = "reason", .doc = "For those who read the list" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "ban add --network 203.0.113.0/24 --for 24h --reason guesses", "A network, for a day" },
          { "ban add --subject ada", "Whom a back end calls ada" },
          { NULL, NULL } } },
    { .verb = "remove",
      .doc = "Lift a ban, at once",
      .ask = &ask_auth_ban_remove,
      .says = "Ban {id} is lifted.",
      .words = (const struct word[]){
          { .name = "ID", .value = "ID", .field = "ban", .is = REQUIRED_WORD, .doc = "As `ban list` shows it" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "ban remove 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2", "By its id" },
          { NULL, NULL } } },
    { .verb = NULL },
};

static const struct command OF_ATTEMPTS[] = {
    { .verb = "",
      .doc = "List attempts to be somebody, the newest first: logins, tokens, handshakes, with their results",
      .about = "What fits all that is said. They are kept for MADANG_AUTH_ATTEMPT_DAYS days.",
      .ask = &ask_auth_attempt_list,
      .list = "attempts",
      .columns = (const struct column[]){
          { "AT", "at", 20, NULL, NULL }, { "KIND", "kind", 10, NULL, NULL }, { "RESULT", "result", 20, NULL, NULL }, { "TIMES", "times", 6, NULL, NULL },
          { "SUBJECT", "subject", 36, NULL, NULL }, { "KEY", "key", 12, NULL, NULL }, { "ADDRESS", "address", 24, NULL, NULL },
          { "DEVICE", "device", 0, NULL, NULL }, { .head = NULL } },
      .words = (const struct word[]){
          { .name = "--subject", .value = "SUBJECT", .field = "subject", .doc = "For this subject" },
          { .name = "--key", .value = "ID", .field = "key", .doc = "With this API key" },
          { .name = "--address", .value = "ADDRESS", .field = "address", .doc = "From this address" },
          { .name = "--kind", .value = "KIND", .field = "kind", .doc = "Of this kind",
            .choices = "token|handshake|register|login|refresh|factor|oauth|mail|reset" },
          { .name = "--result", .value = "CODE", .field = "result", .doc = "With this result: ok, a code, or refused for all codes" },
          { .name = "--since", .value = "TIME", .field = "since", .is = MOMENT, .doc = "Not older" },
          { .name = "--until", .value = "TIME", .field = "until", .is = MOMENT, .doc = "Not newer" },
          { .name = "--limit", .value = "N", .field = "limit", .doc = "So many at most" },
          { .name = "--after", .value = "CURSOR", .field = "after", .doc = "The `next` of the page before, as --json has it" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "attempts --result refused --since 1h", "What was refused in the last hour" },
          { "attempts --address 203.0.113.9 --json", "All from one address, for a program" },
          { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun ban_noun = { .name = "ban", .doc = "Who is let in nowhere", .commands = OF_BAN };
const struct noun attempts_noun = { .name = "attempts", .doc = "Who tried to be somebody", .commands = OF_ATTEMPTS };
