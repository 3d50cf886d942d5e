/* report.c - madangctl report ... */
// SPDX-License-Identifier: Apache-2.0
#include "services/tools/madangctl/madangctl.h"

static const char *what_text(const void *record)
{
    const struct report *report = record;

    return report->seq > 0 ? text_printf("message %lld", (long long)report->seq) : "member";
}

static const struct column COLUMNS[] = {
    { "REPORT", "id", 36, NULL, NULL },
    { "CAME", "created_at", 20, NULL, NULL },
    { "STATE", "state", 9, NULL, NULL },
    { "REASON", "reason", 13, NULL, NULL },
    { "ROOM", "room", 36, NULL, NULL },
    { "WHAT", NULL, 14, NULL, what_text },
    { "OF", "subject", 20, NULL, NULL },
    { "BY", "reporter", 20, NULL, NULL },
    { "FOR", "assigned_to", 12, NULL, NULL },
    { "OUTCOME", "outcome", 9, NULL, NULL },
    { "TEXT", "text", 0, NULL, NULL },
    { NULL, NULL, 0, NULL, NULL },
};

/* clang-format off */
#define REPORT { .name = "REPORT", .value = "REPORT", .field = "report", .is = REQUIRED_WORD, .doc = "Its id, as `report list` shows it" }

static const struct command COMMANDS[] = {
    { .verb = "list",
      .doc = "List what members reported, the newest first",
      .about = "Who moderates a room sees and decides about the reports in it; an operator all of them, also in rooms of two, which nobody moderates. What the message said is not shown: room export.",
      .ask = &ask_store_reports_list,
      .pages = true, .list = "reports", .columns = COLUMNS,
      .words = (const struct word[]){
          { .name = "--state", .value = "STATE", .field = "state", .doc = "Only those that are so", .choices = "open|resolved" },
          { .name = "--room", .value = "ROOM", .field = "room", .doc = "Of this room" },
          { .name = "--of", .value = "SUBJECT", .field = "subject", .doc = "About this one" },
          { .name = "--limit", .value = "N", .field = "limit", .doc = "So many alone" },
          { .name = "--after", .value = "CURSOR", .field = "after", .doc = "Behind this report: the id of the last one that is known" },
          { .name = NULL } },
      .examples = (const struct example[]){ { "report list --state open", "What nobody has decided about yet" }, { NULL, NULL } } },
    { .verb = "assign",
      .doc = "Say who looks into a report",
      .ask = &ask_store_reports_assign,
      .says = "Report {id} is for {assigned_to}.",
      .words = (const struct word[]){ REPORT, { .name = "--to", .value = "SUBJECT", .field = "to", .doc = "Who; without it, oneself" }, { .name = NULL } },
      .examples = (const struct example[]){ { "report assign 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2", "I do" }, { NULL, NULL } } },
    { .verb = "resolve",
      .doc = "Say what was done about a report, and why",
      .about = "What else is open about the same message, or about the same member of the same room, is decided with it. It does nothing else: `user purge-messages` does, and a ban.",
      .ask = &ask_store_reports_resolve,
      .says = "Report {id} is {state}: {outcome}.",
      .words = (const struct word[]){
          REPORT,
          { .name = "--outcome", .value = "WHAT", .field = "outcome", .is = REQUIRED_WORD, .doc = "What was done", .choices = "nothing|withheld|deleted|muted|removed|banned" },
          { .name = "--note", .value = "TEXT", .field = "note", .is = REQUIRED_WORD, .doc = "Why, for others who decide and for the audit" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "report resolve 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --outcome nothing --note 'a joke among friends'", "It stays" },
          { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun report_noun = { .name = "report", .doc = "What members report, in rooms", .commands = COMMANDS };
