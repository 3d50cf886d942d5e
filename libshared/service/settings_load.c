/* settings_load.c - from the environment, or not at all. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libshared/base/arena.h"
#include "libshared/base/network.h"
#include "libshared/base/url.h"
#include "libshared/rpc/endpoint.h"
#include "libshared/service/settings_rows.h"

/* One of them, on its way. */
struct loading {
    struct settings *into;
    const struct setting_row *row;
    char variable[80];
    const char *text;
};

static void exit_bad_setting(const char *variable, const char *why)
{
    fprintf(stderr, "%s: %s\n", variable, why);
    exit(2);
}

static void *field_of(const struct loading *one)
{
    return (char *)one->into + one->row->at;
}

static void load_int(const struct loading *one)
{
    int64_t n;
    char why[100];
    if (!str_to_int(str_of(one->text), &n) || n < one->row->lo || n > one->row->hi) {
        snprintf(why, sizeof why, "wants a number from %" PRId64 " to %" PRId64, one->row->lo, one->row->hi);
        exit_bad_setting(one->variable, why);
    }
    *(int64_t *)field_of(one) = n;
}

static void load_bool(const struct loading *one)
{
    if (strcmp(one->text, "0") != 0 && strcmp(one->text, "1") != 0) exit_bad_setting(one->variable, "wants 0 or 1");
    *(bool *)field_of(one) = one->text[0] == '1';
}

static void keep_text(const struct loading *one, const char *text)
{
    *(const char **)field_of(one) = arena_cstr(one->into->texts, str_of(text));
}

static void load_text(const struct loading *one)
{
    char why[100];
    if ((int64_t)strlen(one->text) > one->row->hi) {
        snprintf(why, sizeof why, "is longer than %" PRId64 " bytes", one->row->hi);
        exit_bad_setting(one->variable, why);
    }
    keep_text(one, one->text);
}

static bool is_choice(const char *choices, const char *text)
{
    struct str rest = str_of(choices);
    while (rest.len > 0)
        if (str_is(str_cut(&rest, '|'), text)) return true;
    return false;
}

static void load_choice(const struct loading *one)
{
    char why[200];
    if (!is_choice(one->row->choices, one->text)) {
        snprintf(why, sizeof why, "wants one of %s", one->row->choices);
        exit_bad_setting(one->variable, why);
    }
    keep_text(one, one->text);
}

static void load_networks(const struct loading *one)
{
    struct network_list *list = arena_alloc(one->into->texts, sizeof *list);
    struct str bad;
    char why[200];
    *(const struct network_list **)field_of(one) = list;
    if (network_list_parse(str_of(one->text), list, &bad)) return;
    if (list->n == NETWORKS_MAX)
        snprintf(why, sizeof why, "wants at most %d networks", NETWORKS_MAX);
    else
        snprintf(why, sizeof why, "\"%.*s\" is no network such as 10.0.0.0/24, 2001:db8::/48 or 10.0.0.4",
            (int)(bad.len < 60 ? bad.len : 60), bad.at);
    exit_bad_setting(one->variable, why);
}

/* Paths are the routes' own: a slash may end it, and no more. */
static bool is_origin(const char *text, char origin[URL_ORIGIN_MAX])
{
    const char *end = strstr(text, "//");

    return url_origin(str_of(text), origin) && (end = strpbrk(end + 2, "/?#"), end == NULL || strcmp(end, "/") == 0);
}

static void load_origin(const struct loading *one)
{
    char origin[URL_ORIGIN_MAX];
    if (!is_origin(one->text, origin))
        exit_bad_setting(one->variable, "wants https://host or https://host:port, and no path");
    keep_text(one, origin);
}

static bool parse_ports(struct str text, struct port_list *out)
{
    *out = (struct port_list){ { 0 } };
    for (size_t n = 0; text.at != NULL; n++) {
        int64_t port;
        struct str word = str_trim(str_cut(&text, ','));
        if (n == PORTS_MAX || !str_to_int(word, &port) || port < 1 || port > 65535) return false;
        out->at[n] = (int)port;
    }
    return true;
}

static void load_ports(const struct loading *one)
{
    char why[60];
    snprintf(why, sizeof why, "wants 1 to %d ports, separated by commas", PORTS_MAX);
    if (!parse_ports(str_of(one->text), field_of(one))) exit_bad_setting(one->variable, why);
}

/* Twice the same would be two parts that are one process. */
static bool is_listed(const struct endpoint_list *list, struct str endpoint)
{
    for (size_t i = 0; i < list->n; i++)
        if (str_is(endpoint, list->at[i])) return true;
    return false;
}

static void load_endpoints(const struct loading *one)
{
    struct endpoint_list *list = field_of(one);
    char why[200];

    *list = (struct endpoint_list){ 0 };
    for (struct str rest = str_of(one->text); rest.at != NULL;) {
        struct str endpoint = str_trim(str_cut(&rest, ','));
        bool is_valid = endpoint_is_valid(endpoint) && !is_listed(list, endpoint);
        if (!is_valid)
            snprintf(why, sizeof why,
                "\"%.*s\" is no endpoint such as tcp://host:9001 or ipc:///run/x.sock, or is there twice",
                (int)(endpoint.len < 60 ? endpoint.len : 60), endpoint.at != NULL ? endpoint.at : "");
        else if ((int64_t)list->n == one->row->hi)
            snprintf(why, sizeof why, "wants at most %" PRId64, one->row->hi);
        if (!is_valid || (int64_t)list->n == one->row->hi) exit_bad_setting(one->variable, why);
        list->at[list->n++] = arena_cstr(one->into->texts, endpoint);
    }
}

static void load_row(struct settings *into, const struct setting_row *row)
{
    struct loading one = { .into = into, .row = row };

    setting_variable(row, one.variable, sizeof one.variable);
    one.text = getenv(one.variable);
    if (one.text == NULL) one.text = row->fallback;
    switch (row->kind) {
    case KIND_INT: load_int(&one); return;
    case KIND_BOOL: load_bool(&one); return;
    case KIND_TEXT:
    case KIND_FILE:
    case KIND_FILES: load_text(&one); return;
    case KIND_CHOICE: load_choice(&one); return;
    case KIND_NETWORKS: load_networks(&one); return;
    case KIND_PORTS: load_ports(&one); return;
    case KIND_ORIGIN: load_origin(&one); return;
    case KIND_ENDPOINTS: load_endpoints(&one); return;
    }
}

static bool is_known(const char *variable, size_t len)
{
    char known[80];
    for (size_t i = 0; i < n_setting_rows; i++) {
        setting_variable(&setting_rows[i], known, sizeof known);
        if (strlen(known) == len && memcmp(known, variable, len) == 0) return true;
    }
    return false;
}

/* A typo is not a default. */
static void refuse_unknown(void)
{
    for (char **at = environ; *at != NULL; at++) {
        size_t len = strcspn(*at, "=");
        if (strncmp(*at, SETTINGS_PREFIX, sizeof SETTINGS_PREFIX - 1) != 0 || is_known(*at, len)) continue;
        char name[200];
        snprintf(name, sizeof name, "%.*s", (int)len, *at);
        exit_bad_setting(name, "there is no such setting; --help lists them");
    }
}

void settings_load(struct settings *into)
{
    arena_destroy(&into->texts);
    /* bound: none from outside, but the environment that we were started with */
    into->texts = arena_create("settings", 1 << 20);
    refuse_unknown();
    for (size_t i = 0; i < n_setting_rows; i++) load_row(into, &setting_rows[i]);
}
