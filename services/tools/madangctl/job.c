/* job.c - madangctl job ... */
// SPDX-License-Identifier: Apache-2.0
#include "services/tools/madangctl/madangctl.h"

/* Which service a word means; each has the same three methods. */
static const struct {
    const char *name;
    const struct asked_method *list, *retry, *drop;
} SERVICES[] = {
    { "auth", &ask_auth_job_list, &ask_auth_job_retry, &ask_auth_job_drop },
    { "chat", &ask_chat_job_list, &ask_chat_job_retry, &ask_chat_job_drop },
    { "store", &ask_store_job_list, &ask_store_job_retry, &ask_store_job_drop },
    { "share", &ask_share_job_list, &ask_share_job_retry, &ask_share_job_drop },
};
#define CHOICES "auth|chat|store|share"

static const struct column COLUMNS[] = {
    { "JOB", "id", 36, NULL, NULL },
    { "KIND", "kind", 20, NULL, NULL },
    { "STATE", "state", 8, NULL, NULL },
    { "AT", "run_at", 20, NULL, NULL },
    { "TIMES", "attempts", 5, NULL, NULL },
    { "KEY", "key", 36, NULL, NULL },
    { "ERROR", "last_error", 0, NULL, NULL },
    { NULL, NULL, 0, NULL, NULL },
};

static int find_service(const struct command_line *line, size_t *out)
{
    struct str name = line_text(line, "SERVICE");

    for (*out = 0; *out < COUNT(SERVICES); ++*out)
        if (str_is(name, SERVICES[*out].name)) return EXIT_OK;
    return usage_error(line, "there is no service %s", shown_text(name));
}

static int list_jobs(const struct command_line *line)
{
    struct job_page page;
    void *req;
    size_t service;
    int status = find_service(line, &service);

    if (status == EXIT_OK) status = request_make(line, job_query_shape(), &req);
    if (status == EXIT_OK) status = call_method(SERVICES[service].list, req, &page);
    if (status != EXIT_OK) return status;
    if (as_json) {
        print_json(job_page_shape(), &page);
        return EXIT_OK;
    }
    print_head(COLUMNS);
    for (size_t i = 0; i < page.jobs.len; i++) print_line(COLUMNS, job_entry_shape(), &page.jobs.at[i]);
    return EXIT_OK;
}

static int retry_job(const struct command_line *line)
{
    struct job_entry job;
    void *req;
    size_t service;
    int status = find_service(line, &service);

    if (status == EXIT_OK) status = request_make(line, job_ref_shape(), &req);
    if (status == EXIT_OK) status = call_method(SERVICES[service].retry, req, &job);
    if (status != EXIT_OK) return status;
    if (as_json)
        print_json(job_entry_shape(), &job);
    else
        print_says("Job {id} ({kind}) runs now.", job_ref_shape(), req, job_entry_shape(), &job);
    return EXIT_OK;
}

static int drop_job(const struct command_line *line)
{
    struct nothing none;
    void *req;
    size_t service;
    int status = find_service(line, &service);

    if (status == EXIT_OK) status = request_make(line, job_ref_shape(), &req);
    if (status == EXIT_OK) status = call_method(SERVICES[service].drop, req, &none);
    if (status != EXIT_OK) return status;
    if (as_json)
        print_json(nothing_shape(), &none);
    else
        print_says("Job {job} is forgotten.", job_ref_shape(), req, nothing_shape(), &none);
    return EXIT_OK;
}

/* clang-format off */
#define SERVICE { .name = "SERVICE", .value = "SERVICE", .is = REQUIRED_WORD, .doc = "Whose it is", .choices = CHOICES }
#define JOB_ID  { .name = "JOB", .value = "JOB", .field = "job", .is = REQUIRED_WORD, .doc = "Its id, as `job list` shows it" }

static const struct command COMMANDS[] = {
    { .verb = "list",
      .doc = "List jobs of a service that wait, run or are dead, those first that are due first",
      .run = list_jobs,
      .words = (const struct word[]){
          SERVICE,
          { .name = "--kind", .value = "KIND", .field = "kind", .doc = "Of this kind: a row of docs/jobs.md" },
          { .name = "--state", .value = "STATE", .field = "state", .doc = "Only those that are so", .choices = "waiting|running|dead" },
          { .name = "--limit", .value = "N", .field = "limit", .doc = "So many at most; without it 100" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "job list store --state dead", "What was given up" },
          { NULL, NULL } } },
    { .verb = "retry",
      .doc = "Run a job now, with all its attempts before it again",
      .run = retry_job,
      .words = (const struct word[]){ SERVICE, JOB_ID, { .name = NULL } },
      .examples = (const struct example[]){ { "job retry auth 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2", "The mail server is there again" }, { NULL, NULL } } },
    { .verb = "drop",
      .doc = "Forget a job",
      .run = drop_job,
      .words = (const struct word[]){ SERVICE, JOB_ID, { .name = NULL } },
      .examples = (const struct example[]){ { "job drop auth 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2", "That mail is not to be sent" }, { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun job_noun = { .name = "job", .doc = "What is done later, by each service", .commands = COMMANDS };
