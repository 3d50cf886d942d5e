/* bans.c - a table of bans by what they are about; networks by their prefix. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/bans.h"

#include <netinet/in.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/network.h"
#include "libshared/base/table.h"

#define NAME_BYTES 512 /* proto/auth.def: trust_ban.subject, of four bytes each */
#define LENGTHS    129 /* of prefixes */

enum ban_kind { BAN_NETWORK, BAN_SUBJECT, BAN_KEY };

/* What a ban is looked up by. */
struct ban_name {
    size_t len;
    char bytes[2 + NAME_BYTES];
};

struct known_ban {
    int64_t until; /* 0: it does not end */
    int bits;      /* of a network; -1: it is none */
    UT_hash_handle hh;
    size_t len;
    char name[];
};

struct bans {
    struct known_ban *table;
    size_t of_length[LENGTHS]; /* networks with so many bits */
    size_t n_networks;
};

struct bans *bans_create(void)
{
    return mem_zero(sizeof(struct bans));
}

static void drop_ban(struct bans *bans, struct known_ban *ban)
{
    HASH_DEL(bans->table, ban);
    if (ban->bits >= 0) {
        bans->of_length[ban->bits]--;
        bans->n_networks--;
    }
    mem_free(ban);
}

void bans_destroy(struct bans **bans)
{
    if (*bans == NULL) return;
    while ((*bans)->table != NULL) drop_ban(*bans, (*bans)->table);
    mem_free(*bans);
    *bans = NULL;
}

static struct ban_name name_of(enum ban_kind kind, struct str text)
{
    struct ban_name name = { .len = 1 + (text.len < NAME_BYTES ? text.len : NAME_BYTES) };

    name.bytes[0] = (char)kind;
    if (name.len > 1) memcpy(name.bytes + 1, text.at, name.len - 1);
    return name;
}

/* Its first bits, and how many. */
static struct ban_name name_of_network(const struct in6_addr *address, int bits)
{
    struct in6_addr prefix = { .s6_addr = { 0 } };
    struct ban_name name = { .len = 2 + sizeof prefix };

    memcpy(prefix.s6_addr, address->s6_addr, (size_t)bits / 8);
    if (bits % 8 != 0) prefix.s6_addr[bits / 8] = (uint8_t)(address->s6_addr[bits / 8] & (0xff00 >> bits % 8));
    name.bytes[0] = BAN_NETWORK;
    name.bytes[1] = (char)bits;
    memcpy(name.bytes + 2, &prefix, sizeof prefix);
    return name;
}

static struct known_ban *find_ban(const struct bans *bans, const struct ban_name *name)
{
    struct known_ban *ban;

    HASH_FIND(hh, bans->table, name->bytes, name->len, ban);
    return ban;
}

static void add_ban(struct bans *bans, const struct ban_name *name, int bits, int64_t until)
{
    struct known_ban *ban = mem_zero(sizeof *ban + name->len);

    ban->until = until;
    ban->bits = bits;
    ban->len = name->len;
    memcpy(ban->name, name->bytes, name->len);
    HASH_ADD_KEYPTR(hh, bans->table, ban->name, ban->len, ban);
    if (bits < 0) return;
    bans->of_length[bits]++;
    bans->n_networks++;
}

static void set_ban(struct bans *bans, const struct ban_name *name, int bits, const struct trust_ban *ban)
{
    struct known_ban *was = find_ban(bans, name);

    if (was != NULL) drop_ban(bans, was);
    if (!ban->lifted && (ban->until == 0 || ban->until > clock_ms())) add_ban(bans, name, bits, ban->until);
}

void bans_set(struct bans *bans, const struct trust_ban *ban)
{
    struct ban_name subject = name_of(BAN_SUBJECT, ban->subject), key = name_of(BAN_KEY, ban->key);
    struct network network;

    if (ban->subject.len > 0) set_ban(bans, &subject, -1, ban);
    if (ban->key.len > 0) set_ban(bans, &key, -1, ban);
    if (ban->network.len == 0 || !network_parse(ban->network, &network)) return;
    struct ban_name prefix = name_of_network(&network.at, network.bits);
    set_ban(bans, &prefix, network.bits, ban);
}

static bool has_ban(struct bans *bans, const struct ban_name *name)
{
    struct known_ban *ban = find_ban(bans, name);

    if (ban == NULL) return false;
    if (ban->until == 0 || ban->until > clock_ms()) return true;
    drop_ban(bans, ban);
    return false;
}

/* IPv4 is a part of IPv6 here, and a prefix of less than its 96 bits is of IPv6 alone. */
bool bans_have_address(struct bans *bans, const struct in6_addr *address)
{
    if (bans == NULL || bans->n_networks == 0) return false;
    for (int bits = IN6_IS_ADDR_V4MAPPED(address) ? 96 : 0; bits < LENGTHS; bits++) {
        if (bans->of_length[bits] == 0) continue;
        struct ban_name name = name_of_network(address, bits);
        if (has_ban(bans, &name)) return true;
    }
    return false;
}

static bool has_name(struct bans *bans, enum ban_kind kind, struct str text)
{
    struct ban_name name = name_of(kind, text);

    return text.len > 0 && has_ban(bans, &name);
}

bool bans_have(struct bans *bans, struct str subject, struct str key, struct str address)
{
    struct in6_addr at;

    if (bans == NULL || bans->table == NULL) return false;
    return has_name(bans, BAN_SUBJECT, subject) || has_name(bans, BAN_KEY, key) ||
           (bans->n_networks > 0 && address_parse(address, &at) && bans_have_address(bans, &at));
}
