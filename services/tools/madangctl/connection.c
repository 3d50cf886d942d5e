/* connection.c - madangctl connection ... */
// SPDX-License-Identifier: Apache-2.0
#include "services/tools/madangctl/madangctl.h"

#define PAGE 200 /* proto/chat.def: connection_query.limit */

static const char *namespaces_text(const void *record)
{
    const struct connection *connection = record;
    const char *out = "";

    for (size_t i = connection->sockets.len; i-- > 0;)
        out = text_printf("%s%s%s", out, *out ? "," : "", shown_text(connection->sockets.at[i].namespace));
    return out;
}

static const struct column COLUMNS[] = {
    { "CONNECTION", "id", 36, NULL, NULL },
    { "SINCE", "since", 20, NULL, NULL },
    { "HEARD", "heard", 20, NULL, NULL },
    { "GATEWAY", "gateway", 7, NULL, NULL },
    { "TRANSPORT", "transport", 9, NULL, NULL },
    { "ADDRESS", "address", 15, NULL, NULL },
    { "SUBJECT", "subject", 36, NULL, NULL },
    { "IN", NULL, 24, NULL, namespaces_text },
    { "AGENT", "agent", 0, NULL, NULL },
    { NULL, NULL, 0, NULL, NULL },
};

/* A page of the answer is small change for a gateway that has many. */
static int ask_for_much(const struct command_line *line, void *req)
{
    struct connection_query *query = req;

    if (!line_has(line, "--limit")) query->limit = PAGE;
    return EXIT_OK;
}

static int name_silent(struct str_list silent)
{
    if (silent.len == 0) return EXIT_OK;
    fprintf(stderr, "%s: these gateways did not answer in time: %s\n", program.name, list_text(silent));
    return EXIT_UNREACHABLE;
}

static int judge_page(const void *rep)
{
    return name_silent(((const struct connection_page *)rep)->silent);
}

static int judge_end(const void *rep)
{
    return name_silent(((const struct connections_ended *)rep)->silent);
}

static const char *or_none(struct str text)
{
    return text.len > 0 ? shown_text(text) : "-";
}

static void print_connection(const void *req, const void *rep)
{
    const struct connection *connection = rep;
    char id[ID_TEXT_BYTES + 1];

    (void)req;
    id_format(connection->id, id);
    printf("connection  %s\nsubject     %s\naddress     %s\nagent       %s\ntransport   %s\ngateway     %s\n"
           "since       %s\nheard       %s\nqueued      %lld bytes\nheld        %lld bytes\n",
        id, or_none(connection->subject), or_none(connection->address), or_none(connection->agent),
        shown_text(connection->transport), shown_text(connection->gateway), time_text(connection->since),
        time_text(connection->heard), (long long)connection->queued, (long long)connection->held);
    for (size_t i = connection->sockets.len; i-- > 0;) {
        const struct connection_socket *socket = &connection->sockets.at[i];
        printf("socket      %s in %s: subject %s, session %s, key %s\n", shown_text(socket->id),
            shown_text(socket->namespace), or_none(socket->subject), or_none(socket->session), or_none(socket->key));
    }
}

/* clang-format off */
#define CONNECTION { .name = "CONNECTION", .value = "CONNECTION", .field = "connection", .is = REQUIRED_WORD, .doc = "Its id, as `connection list` shows it" }
#define OF         { .name = "--of", .value = "SUBJECT", .field = "subject", .doc = "With a socket of this subject: the id of a user, or the name that a back end gave" }
#define KEY        { .name = "--key", .value = "KEY", .field = "key", .doc = "With a socket by this API key, as `authctl key list` shows it" }
#define SESSION    { .name = "--session", .value = "SESSION", .field = "session", .doc = "With a socket of this session, as `authctl user sessions` shows it" }
#define FROM       { .name = "--from", .value = "ADDRESS", .field = "address", .doc = "From this address, or this network, such as 192.0.2.0/24" }
#define AT         { .name = "--at", .value = "GATEWAY", .field = "gateway", .doc = "At this gateway" }

static const struct command COMMANDS[] = {
    { .verb = "list",
      .doc = "List who is connected, and from where; who came last comes first",
      .about = "What fits all that is said. All gateways are asked; those that do not answer within two seconds are named, and exit status 3 says that the list may lack theirs.",
      .ask = &ask_chat_connection_list,
      .prepare = ask_for_much,
      .judge = judge_page,
      .pages = true, .list = "connections", .columns = COLUMNS,
      .words = (const struct word[]){
          OF, KEY, SESSION, FROM, AT,
          { .name = "--in", .value = "NAMESPACE", .field = "namespace", .doc = "With a socket in this namespace" },
          { .name = "--limit", .value = "N", .field = "limit", .doc = "So many alone" },
          { .name = "--after", .value = "CURSOR", .field = "after", .doc = "Behind this connection: the id of the last one that is known" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "connection list --of ada", "All devices of ada's" },
          { "connection list --from 192.0.2.0/24 --in /chat", "Who chats from this network" },
          { NULL, NULL } } },
    { .verb = "show",
      .doc = "Show a connection, and each of its sockets",
      .ask = &ask_chat_connection_show,
      .print = print_connection,
      .words = (const struct word[]){ CONNECTION, { .name = NULL } },
      .examples = (const struct example[]){ { "connection show 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2", "Whose it is, by which session, and what waits for it" }, { NULL, NULL } } },
    { .verb = "end",
      .doc = "Disconnect: one connection, or all that fit what is said",
      .about = "It is no ban: who has a credential may connect again, at once. A client hears `error` with the code disconnected and stays away until its program connects; with "
               "--back it hears nothing, and comes back by itself with its rooms, as after a lost connection. Who shall stay out: authctl ban add; who shall sign in again: "
               "authctl session logout, authctl user logout.",
      .ask = &ask_chat_connection_end,
      .judge = judge_end,
      .says = "{ended} connections were ended.",
      .words = (const struct word[]){
          { .name = "--connection", .value = "CONNECTION", .field = "connection", .doc = "This one, as `connection list` shows it" },
          OF, KEY, SESSION, FROM, AT,
          { .name = "--back", .field = "back", .doc = "Clients come back by themselves" },
          { .name = "--reason", .value = "TEXT", .field = "reason", .is = REQUIRED_WORD, .doc = "Why, for the audit" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "connection end --connection 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --reason 'it hangs'", "One" },
          { "connection end --of ada --back --reason 'moved to the new gateways'", "All of ada's, who is back a moment later" },
          { "connection end --from 192.0.2.0/24 --reason 'a runaway script'", "All from there" },
          { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun connection_noun = {
    .name = "connection", .doc = "Who is connected, and from where", .commands = COMMANDS
};
