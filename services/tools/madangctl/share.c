/* share.c - madangctl share ... */
// SPDX-License-Identifier: Apache-2.0
#include "services/tools/madangctl/madangctl.h"

static const struct column COLUMNS[] = {
    { "REPORT", "id", 36, NULL, NULL },
    { "CAME", "created_at", 20, NULL, NULL },
    { "STATE", "state", 10, NULL, NULL },
    { "REASON", "reason", 13, NULL, NULL },
    { "LINK", "link", 36, NULL, NULL },
    { "NETWORK", "network", 18, NULL, NULL },
    { "FOR", "assigned_to", 12, NULL, NULL },
    { "TEXT", "text", 0, NULL, NULL },
    { NULL, NULL, 0, NULL, NULL },
};

static const struct column DOWN[] = {
    { "SINCE", "taken_down_at", 20, NULL, NULL },
    { "REASON", "reason", 13, NULL, NULL },
    { "CONVERSATION", "conversation", 36, NULL, NULL },
    { "LINK", "link", 36, NULL, NULL },
    { "OWNER", "owner", 0, NULL, NULL },
    { NULL, NULL, 0, NULL, NULL },
};

static void print_line_of(const char *head, struct str text)
{
    if (text.len > 0) printf("%-13s %s\n", head, shown_text(text));
}

static void print_reported(const void *req, const void *rep)
{
    const struct share_reported *reported = rep;
    const struct share_report *report = reported->report;
    char link[ID_TEXT_BYTES + 1], conversation[ID_TEXT_BYTES + 1];

    (void)req;
    id_format(report->link, link);
    id_format(report->conversation, conversation);
    printf("link          %s\nconversation  %s\n", link, conversation);
    print_line_of("name", reported->name);
    print_line_of("owner", report->owner);
    printf("came          %s from %s\n", time_text(report->created_at), shown_text(report->network));
    print_line_of("reason", report->reason);
    print_line_of("text", report->text);
    print_line_of("may be asked", report->email);
    print_line_of("state", report->state);
    print_line_of("looked at by", report->assigned_to);
    print_line_of("decided by", report->resolved_by);
    print_line_of("note", report->note);
    if (reported->taken_down_at > 0)
        printf("taken down    %s, %s\n", time_text(reported->taken_down_at), shown_text(reported->taken_down_for));
    if (reported->name.len == 0) printf("The conversation is no more.\n");
}

static void print_takedown(const void *req, const void *rep)
{
    const struct takedown *takedown = rep;
    bool whole = id_is_nil(takedown->link);
    char id[ID_TEXT_BYTES + 1];

    (void)req;
    id_format(whole ? takedown->conversation : takedown->link, id);
    if (takedown->taken_down_at > 0)
        printf("%s %s of %s is taken down: %s.\n", whole ? "Conversation" : "Link", id, shown_text(takedown->owner),
            shown_text(takedown->reason));
    else
        printf("%s %s of %s is shown again.\n", whole ? "Conversation" : "Link", id, shown_text(takedown->owner));
}

/* clang-format off */
#define REPORT  { .name = "REPORT", .value = "REPORT", .field = "report", .is = REQUIRED_WORD, .doc = "Its id, as `share reports` shows it" }
#define SHARED  { .name = "SHARE", .value = "SHARE", .field = "share", .is = REQUIRED_WORD, .doc = "The id of a link or a conversation, or the code or the URL of a link" }
#define WHOLE   { .name = "--whole", .field = "whole", .doc = "Of a link: its conversation, with all links to it" }
#define NOTE    { .name = "--note", .value = "TEXT", .field = "note", .doc = "For the audit and other operators" }
#define REASONS "spam|illegal|personal_data|copyright|other"

static const struct command COMMANDS[] = {
    { .verb = "reports",
      .doc = "List what was reported, the newest first",
      .ask = &ask_share_share_reports_list,
      .pages = true, .list = "reports", .columns = COLUMNS,
      .words = (const struct word[]){
          { .name = "--state", .value = "STATE", .field = "state", .doc = "Only those that are so", .choices = "open|dismissed|taken_down" },
          { .name = "--limit", .value = "N", .field = "limit", .doc = "So many alone" },
          { .name = "--after", .value = "CURSOR", .field = "after", .doc = "Behind this report: the id of the last one that is known" },
          { .name = NULL } },
      .examples = (const struct example[]){ { "share reports --state open", "What is to be decided" }, { NULL, NULL } } },
    { .verb = "report",
      .doc = "Show a report, and what it is about",
      .about = "With --json the content of the conversation, too, as the link shows it. That somebody looked is in the audit.",
      .ask = &ask_share_share_reports_show,
      .print = print_reported,
      .words = (const struct word[]){ REPORT, { .name = NULL } },
      .examples = (const struct example[]){ { "share report 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --json", "With what was said" }, { NULL, NULL } } },
    { .verb = "assign",
      .doc = "Say who looks into a report",
      .ask = &ask_share_share_reports_assign,
      .says = "Report {id} is for {assigned_to}.",
      .words = (const struct word[]){ REPORT, { .name = "--to", .value = "SUBJECT", .field = "to", .doc = "Who; without it, oneself" }, { .name = NULL } },
      .examples = (const struct example[]){ { "share assign 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2", "I do" }, { NULL, NULL } } },
    { .verb = "resolve",
      .doc = "Dismiss a report, or take down what it is about",
      .about = "All open ones of the same link are decided with it.",
      .ask = &ask_share_share_reports_resolve,
      .says = "Report {id} is {state}.",
      .words = (const struct word[]){
          REPORT,
          { .name = "--as", .value = "WHAT", .field = "as", .is = REQUIRED_WORD, .doc = "What is decided", .choices = "dismissed|taken_down" },
          WHOLE,
          { .name = "--reason", .value = "REASON", .field = "reason", .doc = "Of a takedown; without it the report's", .choices = REASONS },
          NOTE, { .name = NULL } },
      .examples = (const struct example[]){
          { "share resolve 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --as dismissed --note 'a joke'", "It stays" },
          { "share resolve 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --as taken_down --whole", "The conversation with all its links is closed" },
          { NULL, NULL } } },
    { .verb = "takedown",
      .doc = "Show a link or a conversation to nobody but its owner, who is told why",
      .about = "At once: pages that are open are closed, and files, JSON and a public page are not found any more. Done again it changes nothing.",
      .ask = &ask_share_takedown_put,
      .print = print_takedown,
      .words = (const struct word[]){
          SHARED,
          { .name = "--reason", .value = "REASON", .field = "reason", .is = REQUIRED_WORD, .doc = "Why; the owner reads it", .choices = REASONS },
          WHOLE, NOTE, { .name = NULL } },
      .examples = (const struct example[]){
          { "share takedown https://chat.example.org/s/4RkD8VnqWm1cTz --reason illegal --note 'a court asks'", "One link" },
          { "share takedown 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --reason copyright --whole", "All of a conversation" },
          { NULL, NULL } } },
    { .verb = "takedowns",
      .doc = "List what is taken down now, the last first",
      .about = "Without a link it is the conversation with all of its links.",
      .ask = &ask_share_takedown_list,
      .pages = true, .list = "takedowns", .columns = DOWN,
      .words = (const struct word[]){
          { .name = "--limit", .value = "N", .field = "limit", .doc = "So many alone" },
          { .name = "--after", .value = "CURSOR", .field = "after", .doc = "`next` of a page before" },
          { .name = NULL } },
      .examples = (const struct example[]){ { "share takedowns", "What nobody but its owner sees" }, { NULL, NULL } } },
    { .verb = "restore",
      .doc = "Show again what was taken down",
      .ask = &ask_share_takedown_lift,
      .print = print_takedown,
      .words = (const struct word[]){
          SHARED, WHOLE,
          { .name = "--note", .value = "TEXT", .field = "note", .is = REQUIRED_WORD, .doc = "Why, for the audit" },
          { .name = NULL } },
      .examples = (const struct example[]){ { "share restore 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --note 'after an appeal'", "It was a mistake" }, { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun share_noun = {
    .name = "share",
    .doc = "What is shared by links: reports of it, and takedowns",
    .commands = COMMANDS,
};
