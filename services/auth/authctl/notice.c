/* notice.c - authctl notice ..., authctl alert ... */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/authctl/authctl.h"

/* clang-format off */
static const char ALERT_KINDS[] =
#define ALERT(kind, quiet_s, most, doc) #kind "|"
#include "proto/begin.def"
#include "proto/alerts.def"
#include "proto/end.def"
    ;

#define NOTICE_COLUMNS (const struct column[]){ \
    { "ID", "id", 36, NULL, NULL }, { "SINCE", "at", 20, NULL, NULL }, { "UNTIL", "until", 20, NULL, NULL }, \
    { "BY", "by", 16, NULL, NULL }, { "TEXT", "text", 0, NULL, NULL }, { .head = NULL } }

static const struct command OF_NOTICE[] = {
    { .verb = "",
      .doc = "Say something to everybody: to who is connected at once, to others when they come, while it holds",
      .about = "Sockets hear it in the namespace /system, as `notice`: everybody whose policy lets them connect there, as the first policies do. "
               "Who connects while it holds hears it then. There are 20 at most. A text without a blank is written behind --, "
               "so that no mistyped verb is said to everybody.",
      .ask = &ask_auth_notice_put,
      .columns = NOTICE_COLUMNS,
      .words = (const struct word[]){
          { .name = "TEXT", .value = "TEXT", .field = "text", .is = REQUIRED_WORD, .doc = "What is said, of 500 characters at most" },
          { .name = "--until", .value = "TIME", .field = "until", .is = MOMENT | AHEAD, .doc = "Until when it holds; not said: for a day" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "notice 'We are away from 22:00 to 22:15 UTC.' --until 2030-11-28T22:15", "Until it is over" },
          { "notice 'Back in ten minutes.' --until 10m", "For ten minutes" },
          { "notice -- Sorry!", "In one word" },
          { NULL, NULL } } },
    { .verb = "list",
      .doc = "List notices that hold, the newest first",
      .ask = &ask_auth_notice_list,
      .list = "notices", .columns = NOTICE_COLUMNS },
    { .verb = "withdraw",
      .doc = "End a notice before its time; whoever heard it hears that",
      .ask = &ask_auth_notice_withdraw,
      .says = "Notice {id} is withdrawn.",
      .words = (const struct word[]){
          { .name = "ID", .value = "ID", .field = "notice", .is = REQUIRED_WORD, .doc = "As `notice list` shows it" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "notice withdraw 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2", "By its id" },
          { NULL, NULL } } },
    { .verb = NULL },
};

static const struct command OF_ALERT[] = {
    { .verb = "list",
      .doc = "List what operators were alerted to, the newest first",
      .about = "What is alike is one alert for a while, and counted. They are kept for MADANG_AUTH_ALERT_DAYS days; docs/alerts.md has the kinds.",
      .ask = &ask_auth_alert_list,
      .pages = true,
      .list = "alerts",
      .columns = (const struct column[]){
          { "AT", "at", 20, NULL, NULL }, { "LAST", "last_at", 20, NULL, NULL }, { "KIND", "kind", 18, NULL, NULL }, { "TIMES", "times", 6, NULL, NULL },
          { "ADDRESS", "address", 24, NULL, NULL }, { "SUBJECT", "subject", 36, NULL, NULL }, { "KEY", "key", 12, NULL, NULL },
          { "DETAIL", "detail", 0, NULL, NULL }, { .head = NULL } },
      .words = (const struct word[]){
          { .name = "--kind", .value = "KIND", .field = "kind", .doc = "Of this kind", .choices = ALERT_KINDS },
          { .name = "--limit", .value = "N", .field = "limit", .doc = "So many at most" },
          { .name = "--after", .value = "CURSOR", .field = "after", .doc = "The `next` of the page before, as REST has it" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "alert list --limit 20", "The newest ones" },
          { "alert list --kind audit_broken --json", "All of a kind, for a program" },
          { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun notice_noun = { .name = "notice", .doc = "What everybody is told", .commands = OF_NOTICE };
const struct noun alert_noun = { .name = "alert", .doc = "What operators are told of", .commands = OF_ALERT };
