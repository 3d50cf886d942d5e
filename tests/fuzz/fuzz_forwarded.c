/* fuzz_forwarded.c - whatever stands in X-Forwarded-For, one line of it a line: nobody gets another's address by it. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/network.h"
#include "libshared/http/address/forwarded.h"
#include "tests/fuzz/fuzz.h"

#define OURS "10.0.0.0/8,2001:db8:1::/48"

static struct network_list ours;
static struct http_head head;

static void add(struct str value)
{
    if (head.n_fields < HTTP_FIELDS_MAX)
        head.fields[head.n_fields++] = (struct http_field){ STR("x-forwarded-for"), value };
}

static void read_lines(struct str rest)
{
    size_t end;

    head.n_fields = 0;
    while (str_find(rest, '\n', &end)) {
        add((struct str){ rest.at, end });
        rest = str_skip(rest, end + 1);
    }
    add(rest);
}

static struct in6_addr client_from(const char *text)
{
    struct in6_addr peer;

    PROMISE(address_parse(str_of(text), &peer));
    return forwarded_client(&ours, &head, "x-forwarded-for", &peer);
}

static bool same(struct in6_addr a, struct in6_addr b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool is(struct in6_addr address, const char *text)
{
    struct in6_addr other;

    return address_parse(str_of(text), &other) && same(address, other);
}

/* What comes from the client itself, and not through one of ours. */
static void lies_are_not_read(struct in6_addr client)
{
    PROMISE(is(client_from("203.0.113.9"), "203.0.113.9"));
    if (head.n_fields == HTTP_FIELDS_MAX) return;
    add(STR("203.0.113.9"));
    PROMISE(is(client_from("10.0.0.4"), "203.0.113.9"));
    head.n_fields--;
    add(STR("127.0.0.1, [2001:db8:2::9]:443 , 10.0.0.5"));
    PROMISE(is(client_from("10.0.0.4"), "2001:db8:2::9"));
    head.n_fields--;
    add(STR("10.0.0.5"));
    PROMISE(same(client_from("10.0.0.5"), client) || is(client, "10.0.0.4"));
    head.n_fields--;
}

/* It is written so that it is read as the same again. */
static void is_an_address(struct in6_addr client)
{
    char text[INET6_ADDRSTRLEN];

    address_print(&client, text);
    PROMISE(is(client, text));
}

/* The same bytes as elements of Forwarded, behind which our proxy writes its own. */
static void elements_are_walked(void)
{
    struct in6_addr peer, client;

    PROMISE(address_parse(STR("10.0.0.4"), &peer));
    for (size_t i = 0; i < head.n_fields; i++) head.fields[i].name = STR("forwarded");
    is_an_address(forwarded_client(&ours, &head, "forwarded", &peer));
    if (head.n_fields == HTTP_FIELDS_MAX) return;
    head.fields[head.n_fields++] = (struct http_field){ STR("forwarded"), STR("proto=https;for=203.0.113.9") };
    client = forwarded_client(&ours, &head, "forwarded", &peer);
    PROMISE(is(client, "203.0.113.9"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    struct str bad;

    if (ours.n == 0) PROMISE(network_list_parse(STR(OURS), &ours, &bad));
    memcpy(exact, data, size);
    read_lines((struct str){ exact, size });
    struct in6_addr client = client_from("10.0.0.4");
    is_an_address(client);
    lies_are_not_read(client);
    elements_are_walked();
    free(exact);
    return 0;
}
