/* test_token.c - tokens against what auth says is to be trusted: each way to be wrong has its own code. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jwt.h>
#include <unistd.h>
#include <openssl/bn.h>

#include "libshared/base/es256.h"
#include "libshared/base/base64.h"
#include "libshared/base/clock.h"
#include "services/gateway/identity/bearer.h"
#include "tests/unit/gateway/identity/signer.h"

#define HERE STR("192.0.2.1")

static struct signer ours, theirs;
static struct trusted *trusted;
static struct bearers *bearers;
static int changes;

static void on_change(void *arg, const struct trust *page)
{
    (void)arg, (void)page;
    changes++;
    bearers_forget(bearers);
}

static struct trust_key bound; /* with a key: the one that is another than its tokens say */

static struct trust_key key_with(struct str_list networks)
{
    return (struct trust_key){ .key = STR("key1"), .networks = networks, .impersonate = true, .act_as_users = true };
}

/* One policy, `chat`: everything in /chat and /account, nothing in rooms named x*; `revoked` may be NULL. */
static void trust(const char *policy, const char *revoked)
{
    struct str chat[] = { STR("/chat"), STR("/account") }, x[] = { STR("x*") };
    struct trust_key api_keys[] = { bound, { .key = str_of(revoked), .revoked = true } };
    struct policy_rule rules[] = {
        { .effect = STR("allow"), .namespaces = { chat, 2 } },
        { .effect = STR("deny"), .rooms = { x, 1 } },
    };
    struct policy policies[] = { { .name = str_of(policy), .rules = { rules, 2 } } };
    struct signing_key keys[] = { { STR("k1"), str_of(ours.public) } };
    struct trust record = { .issuer = STR("madang"),
        .audience = STR("test"),
        .keys = { keys, 1 },
        .policies = { policies, 1 },
        .position = 1,
        .api_keys = { revoked != NULL ? &api_keys[1] : api_keys, revoked != NULL || bound.key.len > 0 ? 1 : 0 } };
    struct buf bytes = BUF(100000);

    assert_int_equal(wire_encode(trust_shape(), &record, &bytes), OK);
    assert_int_equal(trusted_take(trusted, buf_str(&bytes)), OK);
    buf_free(&bytes);
}

static int begin(void **state)
{
    (void)state;
    ours = signer_new();
    theirs = signer_new();
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    bound = (struct trust_key){ 0 };
    trusted = trusted_create(ev_default_loop(0), on_change, NULL, NULL);
    bearers = bearers_create(trusted);
    trust("chat", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bearers_destroy(&bearers);
    trusted_destroy(&trusted);
    return 0;
}

/* What differs from a good token; what is left out is as it should be. */
struct signed_draft {
    const char *iss, *aud, *pol, *kid, *cap, *signer, *header, *sub;
    const char *sid;
    bool nobody, keyless;
    long ttl, iat; /* from now on; 0: now */
    jwt_alg_t alg;
};

static const char * or (const char *given, const char *good)
{
    return given != NULL ? given : good;
}

static int64_t issued_s; /* 0: now */

static char *token(struct signed_draft d)
{
    const char *signer = or (d.signer, ours.secret);
    int64_t now_s = issued_s != 0 ? issued_s : clock_ms() / 1000;
    jwt_t *jwt = NULL;

    assert_int_equal(jwt_new(&jwt), 0);
    assert_int_equal(jwt_set_alg(jwt, d.alg != JWT_ALG_NONE ? d.alg : JWT_ALG_ES256, (const unsigned char *)signer,
                         (int)strlen(signer)),
        0);
    jwt_add_header(jwt, "kid", or (d.kid, "k1"));
    if (d.header != NULL) jwt_add_header(jwt, d.header, "x");
    jwt_add_grant(jwt, "iss", or (d.iss, "madang"));
    jwt_add_grant(jwt, "aud", or (d.aud, "test"));
    if (!d.nobody) jwt_add_grant(jwt, "sub", or (d.sub, "alice"));
    jwt_add_grant(jwt, "pol", or (d.pol, "chat"));
    if (!d.keyless) jwt_add_grant(jwt, "key", "key1");
    jwt_add_grant_int(jwt, "exp", (long)now_s + (d.ttl != 0 ? d.ttl : 60));
    jwt_add_grant_int(jwt, "iat", (long)now_s + d.iat);
    if (d.sid != NULL) jwt_add_grant(jwt, "sid", d.sid);
    if (d.cap != NULL) assert_int_equal(jwt_add_grants_json(jwt, d.cap), 0);
    char *text = signer_sign(jwt);
    assert_non_null(text);
    jwt_free(jwt);
    return text;
}

static enum err verdict(struct signed_draft d)
{
    struct rights rights = { 0 };
    char *text = token(d);
    enum err e = rights_get(bearers, str_of(text), HERE, &rights);

    rights_drop(&rights);
    free(text);
    return e;
}

static void a_good_token_speaks_for_its_subject(void **state)
{
    (void)state;
    struct rights rights = { 0 };
    char *text = token((struct signed_draft){ .ttl = 60 });

    for (int i = 0; i < 2; i++) { /* checked, then remembered */
        assert_int_equal(rights_get(bearers, str_of(text), HERE, &rights), OK);
        assert_true(str_is(bearer_subject(rights.bearer), "alice"));
        assert_true(str_is(bearer_key(rights.bearer), "key1"));
        assert_in_range(bearer_expires_at(bearers, rights.bearer), clock_ms() + 50000, clock_ms() + 61000);
        assert_true(rights_allow(&rights, STR("/chat"), STR("message:send"), STR("r1"), POLICY_EMIT));
        assert_false(rights_allow(&rights, STR("/chat"), STR("message:send"), STR("x1"), POLICY_EMIT));
        assert_false(rights_allow(&rights, STR("/system"), STR_NONE, STR_NONE, POLICY_CONNECT));
        rights_drop(&rights);
    }
    free(text);
}

static void each_way_to_be_wrong_has_its_code(void **state)
{
    (void)state;
    struct rights rights;

    assert_int_equal(rights_get(bearers, STR_NONE, HERE, &rights), ERR_UNAUTHENTICATED);
    assert_int_equal(rights_get(bearers, STR("garbage"), HERE, &rights), ERR_TOKEN_INVALID);
    assert_int_equal(rights_get(bearers, STR("a.b.c"), HERE, &rights), ERR_TOKEN_INVALID);
    assert_int_equal(verdict((struct signed_draft){ .ttl = -1 }), ERR_TOKEN_EXPIRED);
    assert_int_equal(verdict((struct signed_draft){ .signer = theirs.secret }), ERR_TOKEN_INVALID);
    assert_int_equal(verdict((struct signed_draft){ .kid = "k2" }), ERR_TOKEN_INVALID);
    assert_int_equal(verdict((struct signed_draft){ .iss = "other" }), ERR_TOKEN_INVALID);
    assert_int_equal(verdict((struct signed_draft){ .aud = "other" }), ERR_TOKEN_INVALID);
    assert_int_equal(verdict((struct signed_draft){ .nobody = true }), ERR_TOKEN_INVALID);
    assert_int_equal(verdict((struct signed_draft){ .pol = "other" }), ERR_FORBIDDEN);
}

static void a_public_key_is_no_hmac_secret(void **state)
{
    (void)state;
    assert_int_equal(verdict((struct signed_draft){ .alg = JWT_ALG_HS256, .signer = ours.public }), ERR_TOKEN_INVALID);
}

/* `tail` instead of what comes after the first `keep` characters. */
static void refuses(const char *what, const char *text, size_t keep, const char *tail)
{
    struct rights rights = { 0 };
    struct buf forged = BUF(20000);

    buf_add(&forged, text, keep);
    buf_add_str(&forged, str_of(tail));
    enum err e = rights_get(bearers, buf_str(&forged), HERE, &rights);
    if (e != ERR_TOKEN_INVALID) fail_msg("%s: %s", what, err_code(e));
    buf_free(&forged);
}

/* The next letter of the alphabet differs in the last bit: of a signature's last character that bit says nothing. */
static const char *with_a_spare_bit(const char *text, char out[2])
{
    char last = text[strlen(text) - 1];

    out[0] = (char)(last + 1);
    out[1] = '\0';
    return out;
}

/* Another signature that verifies, and that anybody can write: n - s in place of s. */
static void with_the_other_s(const char *text, char out[ES256_CHARS + 1])
{
    static const char n_hex[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    unsigned char bytes[64];
    BIGNUM *n = NULL, *s = BN_new();

    base64url_decode(str_of(text + strlen(text) - ES256_CHARS), bytes);
    BN_hex2bn(&n, n_hex);
    BN_bin2bn(bytes + 32, 32, s);
    BN_sub(s, n, s);
    assert_int_equal(BN_bn2binpad(s, bytes + 32, 32), 32);
    base64url_encode(bytes, sizeof bytes, out);
    BN_free(n);
    BN_free(s);
}

static void verifies(const char *text)
{
    jwt_t *jwt = NULL;

    assert_int_equal(jwt_decode(&jwt, text, (const unsigned char *)ours.public, (int)strlen(ours.public)), 0);
    jwt_free(jwt);
}

static void a_signature_has_one_spelling(void **state)
{
    (void)state;
    char *text = token((struct signed_draft){ .ttl = 60 }), other[ES256_CHARS + 1];
    size_t keep = strlen(text) - ES256_CHARS;
    struct rights rights = { 0 };

    with_the_other_s(text, other);
    for (int known = 0; known < 2; known++) {
        refuses("the greater s", text, keep, other);
        assert_int_equal(rights_get(bearers, str_of(text), HERE, &rights), OK);
        rights_drop(&rights);
    }
    memcpy(text + keep, other, ES256_CHARS);
    verifies(text); /* or it would be no other spelling */
    es256_canonicalize(text + keep);
    assert_int_equal(rights_get(bearers, str_of(text), HERE, &rights), OK);
    rights_drop(&rights);
    free(text);
}

static void a_token_has_one_spelling(void **state)
{
    (void)state;
    static const char *const tails[] = { "=", "==", ".", ".x", " ", "\n", "A", "AAAA", "!", ";", ",", "%00", "\t",
        "\xc3\xa9" };
    char *text = token((struct signed_draft){ .ttl = 60 }), next[2];
    size_t len = strlen(text), head = (size_t)(strchr(text, '.') - text);
    struct rights rights = { 0 };

    for (int known = 0; known < 2; known++) { /* and once more, when the true one is remembered */
        for (size_t i = 0; i < COUNT(tails); i++) refuses(tails[i], text, len, tails[i]);
        refuses("spare bits", text, len - 1, with_a_spare_bit(text, next));
        refuses("a blank before it", " ", 1, text);
        refuses("padding after its head", text, head, "=.e30.AA");
        refuses("a line's end in it", text, head + 1, "\n");
        refuses("no signature", text, (size_t)(strrchr(text, '.') + 1 - text), "");
        refuses("two parts", text, (size_t)(strrchr(text, '.') - text), "");
        assert_int_equal(
            rights_get(bearers, (struct str){ text, len + 1 }, HERE, &rights), ERR_TOKEN_INVALID); /* a NUL */
        assert_int_equal(rights_get(bearers, str_of(text), HERE, &rights), OK);
        rights_drop(&rights);
    }
    free(text);
}

static void a_head_says_nothing_but_what_we_know(void **state)
{
    (void)state;
    static const char *const names[] = { "crit", "jwk", "jku", "x5u", "b64", "zip", "cty", "anything" };

    assert_int_equal(verdict((struct signed_draft){ .ttl = 60 }), OK);
    for (size_t i = 0; i < COUNT(names); i++)
        if (verdict((struct signed_draft){ .header = names[i] }) != ERR_TOKEN_INVALID) fail_msg("%s", names[i]);
    assert_int_equal(verdict((struct signed_draft){ .alg = JWT_ALG_NONE, .kid = "" }), ERR_TOKEN_INVALID);
}

static void a_token_is_never_longer_than_its_bound(void **state)
{
    (void)state;
    struct buf text = BUF(20000);
    struct rights rights;

    for (int i = 0; i < 10000; i++) buf_add_char(&text, i == 100 || i == 9000 ? '.' : 'A');
    assert_int_equal(rights_get(bearers, buf_str(&text), HERE, &rights), ERR_TOKEN_INVALID);
    buf_free(&text);
}

static void a_cap_narrows_and_never_widens(void **state)
{
    (void)state;
    struct rights rights = { 0 };
    char *text = token((struct signed_draft){ .cap = "{\"cap\":[{\"effect\":\"allow\",\"events\":[\"message:*\"]}]}" });

    assert_int_equal(rights_get(bearers, str_of(text), HERE, &rights), OK);
    assert_true(rights_allow(&rights, STR("/chat"), STR("message:send"), STR("r1"), POLICY_EMIT));
    assert_false(rights_allow(&rights, STR("/chat"), STR("room:create"), STR_NONE, POLICY_EMIT));
    assert_false(rights_allow(&rights, STR("/system"), STR("message:send"), STR("r1"), POLICY_EMIT));
    rights_drop(&rights);
    free(text);
    assert_int_equal(verdict((struct signed_draft){ .cap = "{\"cap\":[{\"effect\":\"maybe\"}]}" }), ERR_TOKEN_INVALID);
    assert_int_equal(verdict((struct signed_draft){ .cap = "{\"cap\":7}" }), ERR_TOKEN_INVALID);
}

/* The largest that auth takes, nearly: each star and each letter is a piece of its own. */
static const char *large_cap(void)
{
    static char json[4200];
    size_t n = (size_t)sprintf(json, "{\"cap\":[{\"effect\":\"allow\",\"events\":[\"*\"");

    while (n < 3900)
        n +=
            (size_t)sprintf(json + n, ",\"*a*b*c*d*e*f*g*h*i*j*k*l*m*n*o*p*q*r*s*t*u*v*w*x*y*z*0*1*2*3*4*5*6*7*8*9*\"");
    sprintf(json + n, "]}]}");
    return json;
}

static size_t bytes_of(struct signed_draft d)
{
    struct rights rights = { 0 };
    char *text = token(d);

    assert_int_equal(rights_get(bearers, str_of(text), HERE, &rights), OK);
    size_t bytes = bearer_bytes(rights.bearer);
    rights_drop(&rights);
    free(text);
    return bytes;
}

static void tokens_are_remembered_within_bytes_however_large_their_caps_are(void **state)
{
    const size_t most = 32u << 20;
    struct signed_draft capped = { .cap = large_cap(), .ttl = 100 };
    size_t all = 0;

    (void)state;
    assert_in_range(bytes_of((struct signed_draft){ .ttl = 99 }), 1, 1000);
    size_t plain = bearers_bytes(bearers), each = bytes_of(capped);
    assert_in_range(each, 20000, 400000);
    assert_in_range(bearers_bytes(bearers), plain + each, plain + each + 200);
    for (; all < most + 2 * each; capped.ttl++) {
        all += bytes_of(capped);
        assert_true(bearers_bytes(bearers) <= most);
    }
    assert_true(bearers_bytes(bearers) > most - 2 * each);
    bearers_forget(bearers);
    assert_int_equal(bearers_bytes(bearers), 0);
}

static void a_change_of_trust_is_obeyed_at_once(void **state)
{
    (void)state;
    struct rights rights = { 0 };
    char *text = token((struct signed_draft){ .ttl = 60 });

    assert_int_equal(rights_get(bearers, str_of(text), HERE, &rights), OK);
    int before = changes;
    trust("chat", "key1");
    assert_int_equal(changes, before + 1);
    assert_int_equal(rights_renew(bearers, HERE, &rights), ERR_KEY_REVOKED);
    assert_int_equal(verdict((struct signed_draft){ .ttl = 60 }), ERR_KEY_REVOKED);
    trust("chat", NULL);
    assert_int_equal(rights_renew(bearers, HERE, &rights), OK);
    trust("another", NULL);
    assert_int_equal(rights_renew(bearers, HERE, &rights), ERR_FORBIDDEN);
    rights_drop(&rights);
    free(text);
}

/* What changed between two positions; for `now` it is the whole, on its own. */
static enum err take(struct trust page)
{
    struct buf bytes = BUF(100000);

    page.issuer = STR("madang");
    page.audience = STR("test");
    assert_int_equal(wire_encode(trust_shape(), &page, &bytes), OK);
    enum err e = trusted_take(trusted, buf_str(&bytes));
    buf_free(&bytes);
    return e;
}

static void tokens_of_a_subject_or_session_end_if_they_were_issued_up_to_then(void **state)
{
    (void)state;
    issued_s = clock_ms() / 1000; /* all that it signs is of one second */
    int64_t now = issued_s * 1000;
    struct trust_end ends[] = { { .subject = STR("alice"), .ended_at = now - 10000, .until = now + 60000 },
        { .session = STR("s1"), .ended_at = now - 10000, .until = now + 60000 } };
    const struct signed_draft before = { .iat = -10, .sid = "s2" }, after = { .iat = -9, .sid = "s2" },
                              of_session = { .sub = "bob", .iat = -11, .sid = "s1" },
                              of_other = { .sub = "bob", .iat = -11 };

    assert_true(verdict(before) == OK && verdict(of_session) == OK);
    assert_int_equal(take((struct trust){ .since = 1, .position = 2, .ended = { ends, 2 } }), OK);
    assert_int_equal(verdict(before), ERR_SESSION_ENDED);
    assert_int_equal(verdict(after), OK);
    assert_int_equal(verdict(of_session), ERR_SESSION_ENDED);
    assert_int_equal(verdict(of_other), OK);
    assert_int_equal(verdict((struct signed_draft){ .keyless = true }), OK); /* of now, and of no key */
    issued_s = 0;
}

static void a_page_changes_what_it_names_and_nothing_else(void **state)
{
    (void)state;
    struct policy_rule rule = { .effect = STR("allow") };
    struct policy second = { .name = STR("second"), .rules = { &rule, 1 } };
    struct trust_key revoked = { .key = STR("another"), .revoked = true },
                     mine = { .key = STR("key1"), .revoked = true };
    struct str gone = STR("second");
    const struct signed_draft chat = { .ttl = 60 }, of_second = { .pol = "second" };

    assert_int_equal(verdict(of_second), ERR_FORBIDDEN);
    assert_int_equal(take((struct trust){ .since = 1, .position = 2, .policies = { &second, 1 } }), OK);
    assert_true(verdict(of_second) == OK && verdict(chat) == OK);
    assert_int_equal(take((struct trust){ .since = 2, .position = 3, .api_keys = { &revoked, 1 } }), OK);
    assert_true(verdict(of_second) == OK && verdict(chat) == OK);
    assert_int_equal(take((struct trust){ .since = 3, .position = 4, .gone = { &gone, 1 } }), OK);
    assert_true(verdict(of_second) == ERR_FORBIDDEN && verdict(chat) == OK);
    assert_int_equal(take((struct trust){ .since = 4, .position = 5, .api_keys = { &mine, 1 } }), OK);
    assert_int_equal(verdict(chat), ERR_KEY_REVOKED);
    assert_int_equal(trusted_position(trusted), 5);
}

static void a_page_that_is_heard_again_does_no_harm_and_one_behind_a_gap_is_not_taken(void **state)
{
    (void)state;
    struct trust_key mine = { .key = STR("key1"), .revoked = true };
    struct id other = { "another epoch" };

    assert_int_equal(take((struct trust){ .since = 1, .position = 7 }), OK);
    assert_int_equal(take((struct trust){ .since = 1, .position = 3 }), OK);
    assert_int_equal(trusted_position(trusted), 7);
    assert_int_equal(take((struct trust){ .since = 8, .position = 9, .api_keys = { &mine, 1 } }), ERR_CONFLICT);
    assert_int_equal(take((struct trust){ .epoch = other, .since = 7, .position = 9 }), ERR_CONFLICT);
    assert_true(trusted_position(trusted) == 7 && verdict((struct signed_draft){ .ttl = 60 }) == OK);
}

static void all_of_it_anew_holds_when_its_last_page_is_there(void **state)
{
    (void)state;
    struct policy_rule rule = { .effect = STR("allow") };
    struct policy next = { .name = STR("next"), .rules = { &rule, 1 } };
    struct signing_key key = { STR("k1"), str_of(ours.public) };
    int before = changes;

    assert_int_equal(take((struct trust){ .position = 3, .more = true, .policies = { &next, 1 } }), OK);
    assert_int_equal(verdict((struct signed_draft){ .ttl = 60 }), OK); /* as it was */
    assert_int_equal(verdict((struct signed_draft){ .pol = "next" }), ERR_FORBIDDEN);
    assert_int_equal(changes, before);
    assert_int_equal(take((struct trust){ .since = 3, .position = 4, .keys = { &key, 1 } }), OK);
    assert_int_equal(changes, before + 1);
    assert_int_equal(verdict((struct signed_draft){ .pol = "next" }), OK);
    assert_int_equal(verdict((struct signed_draft){ .ttl = 60 }), ERR_FORBIDDEN); /* that policy is no more */
}

/* --- who stands on which token --- */

static size_t n_found;

static void count_socket(void *arg, struct index_socket *socket)
{
    assert_true(arg == NULL || arg == socket);
    n_found++;
}

static size_t find(enum index_by by, const char *name, struct index_socket *only)
{
    n_found = 0;
    bearers_each_socket(bearers, by, str_of(name), count_socket, only);
    return n_found;
}

static void sockets_are_found_by_what_their_tokens_name(void **state)
{
    (void)state;
    struct rights ada = { 0 }, bob = { 0 };
    struct index_socket sockets[3] = { { NULL, NULL } };
    char *text = token((struct signed_draft){ .sub = "ada", .sid = "s1" }),
         *other = token((struct signed_draft){ .sub = "bob" });

    assert_int_equal(rights_get(bearers, str_of(text), HERE, &ada), OK);
    assert_int_equal(rights_get(bearers, str_of(other), HERE, &bob), OK);
    rights_add_socket(&ada, &sockets[0]);
    rights_add_socket(&ada, &sockets[1]);
    rights_add_socket(&bob, &sockets[2]);
    assert_true(find(INDEX_SUBJECT, "ada", NULL) == 2 && find(INDEX_SUBJECT, "bob", &sockets[2]) == 1);
    assert_true(find(INDEX_KEY, "key1", NULL) == 3 && find(INDEX_POLICY, "chat", NULL) == 3);
    assert_true(find(INDEX_SESSION, "s1", NULL) == 2 && find(INDEX_SESSION, "ada", NULL) == 0);
    index_socket_remove(&sockets[0]);
    assert_true(find(INDEX_SUBJECT, "ada", &sockets[1]) == 1);
    index_socket_remove(&sockets[1]);
    index_socket_remove(&sockets[2]);
    assert_int_equal(find(INDEX_KEY, "key1", NULL), 0);
    rights_drop(&ada);
    rights_drop(&bob);
    free(text);
    free(other);
}

static enum err from(struct str address, struct signed_draft d)
{
    struct rights rights = { 0 };
    char *text = token(d);
    enum err e = rights_get(bearers, str_of(text), address, &rights);

    rights_drop(&rights);
    free(text);
    return e;
}

static void a_keys_networks_bind_its_own_token_and_those_for_subjects_if_it_says_so(void **state)
{
    (void)state;
    struct str networks[] = { STR("10.0.0.0/8"), STR("2001:db8::/32") };
    const struct signed_draft itself = { .sub = "key:key1" }, alice = { .ttl = 60 }, user = { .keyless = true };

    bound = key_with((struct str_list){ networks, 2 });
    trust("chat", NULL);
    assert_int_equal(from(STR("10.1.2.3"), itself), OK);
    assert_int_equal(from(STR("2001:db8::9"), itself), OK);
    assert_int_equal(from(STR("11.1.2.3"), itself), ERR_ADDRESS_REFUSED);
    assert_int_equal(from(STR("::ffff:a01:203"), itself), OK); /* the same address, written otherwise */
    assert_int_equal(from(STR(""), itself), ERR_ADDRESS_REFUSED);
    assert_int_equal(from(STR("10.1.2.3x"), itself), ERR_ADDRESS_REFUSED);
    assert_int_equal(from(STR("11.1.2.3"), alice), OK);
    bound.subjects = true;
    trust("chat", NULL);
    assert_int_equal(from(STR("11.1.2.3"), alice), ERR_ADDRESS_REFUSED);
    assert_int_equal(from(STR("10.1.2.3"), alice), OK);
    assert_int_equal(from(STR("11.1.2.3"), user), OK); /* that key is not in it */
    bound.key = STR("key2");
    trust("chat", NULL);
    assert_int_equal(from(STR("11.1.2.3"), itself), OK);
}

static void a_live_token_obeys_a_change_of_networks(void **state)
{
    (void)state;
    struct str network = STR("10.0.0.0/8");
    struct rights rights = { 0 };
    char *text = token((struct signed_draft){ .sub = "key:key1" });

    assert_int_equal(rights_get(bearers, str_of(text), HERE, &rights), OK);
    bound = key_with((struct str_list){ &network, 1 });
    trust("chat", NULL);
    assert_int_equal(rights_renew(bearers, HERE, &rights), ERR_ADDRESS_REFUSED);
    assert_int_equal(rights_renew(bearers, STR("10.9.9.9"), &rights), OK);
    rights_drop(&rights);
    free(text);
}

#define A_USER "01a1fcfe-3db8-7efb-9c34-fc5b361312f6"

static void what_a_key_is_now_holds_for_tokens_that_it_got_before(void **state)
{
    (void)state;
    const struct signed_draft itself = { .sub = "key:key1" }, alice = { .ttl = 60 }, user = { .sub = A_USER },
                              keyless = { .keyless = true };
    struct str_list anywhere = { NULL, 0 };

    bound = key_with(anywhere);
    bound.disabled = true;
    trust("chat", NULL);
    assert_true(verdict(itself) == ERR_KEY_DISABLED && verdict(alice) == ERR_KEY_DISABLED && verdict(keyless) == OK);
    bound = key_with(anywhere);
    trust("chat", NULL);
    assert_true(verdict(itself) == OK && verdict(alice) == OK && verdict(user) == OK);
    bound.impersonate = false;
    trust("chat", NULL);
    assert_true(verdict(itself) == OK && verdict(alice) == ERR_SESSION_ENDED && verdict(user) == OK);
    bound.act_as_users = false;
    trust("chat", NULL);
    assert_true(verdict(itself) == OK && verdict(user) == ERR_SESSION_ENDED && verdict(keyless) == OK);
    bound = key_with(anywhere);
    bound.policy = STR("another"); /* which there is not */
    trust("chat", NULL);
    assert_true(verdict(alice) == ERR_FORBIDDEN && verdict(keyless) == OK);
    bound = key_with(anywhere);
    bound.ends_at = clock_ms() - 1;
    trust("chat", NULL);
    assert_true(verdict(alice) == ERR_KEY_EXPIRED && verdict(keyless) == OK);
}

static void a_live_token_has_the_policy_and_the_end_of_its_key(void **state)
{
    (void)state;
    struct rights rights = { 0 };
    char *text = token((struct signed_draft){ .pol = "former" });

    bound = key_with((struct str_list){ NULL, 0 });
    bound.policy = STR("chat");
    bound.ends_at = clock_ms() + 5000;
    trust("chat", NULL);
    assert_int_equal(rights_get(bearers, str_of(text), HERE, &rights), OK);
    assert_true(rights_allow(&rights, STR("/chat"), STR("x"), STR_NONE, POLICY_EMIT));
    assert_true(str_is(bearer_principal(bearers, rights.bearer, STR_NONE, HERE).policy, "chat"));
    assert_int_equal(bearer_expires_at(bearers, rights.bearer), bound.ends_at);
    rights_drop(&rights);
    free(text);
}

/* Tokens that were made before the change have ended by then, and the others say themselves what holds. */
static void what_only_former_tokens_had_to_know_is_forgotten_with_the_last_of_them(void **state)
{
    (void)state;
    struct key_states *keys = key_states_create();
    struct str network = STR("10.0.0.0/8");
    struct trust_key changed = { .key = STR("a"), .until = 1000 },
                     bound_one = key_with((struct str_list){ &network, 1 });

    key_states_set(keys, &bound_one);
    key_states_set(keys, &changed);
    changed.key = STR("b");
    changed.until = 2000;
    key_states_set(keys, &changed);
    key_states_forget(keys, 1500);
    assert_true(key_states_count(keys) == 2 && key_states_find(keys, STR("a")) == NULL);
    key_states_forget(keys, 9999);
    assert_true(key_states_count(keys) == 1 && key_states_find(keys, STR("key1")) != NULL);
    changed = bound_one;
    changed.revoked = true;
    key_states_set(keys, &changed); /* it is among what has ended */
    assert_int_equal(key_states_count(keys), 0);
    key_states_destroy(&keys);
}

/* May a token with this subject: emit in /chat, emit in /account, do what is for administrators? */
static void allows(const char *sub, bool keyless, const char *expected)
{
    struct rights rights = { 0 };
    char *text = token((struct signed_draft){ .sub = sub, .keyless = keyless }), got[4];

    assert_int_equal(rights_get(bearers, str_of(text), HERE, &rights), OK);
    got[0] = rights_allow(&rights, STR("/chat"), STR("a"), STR("r"), POLICY_EMIT) ? 'c' : '-';
    got[1] = rights_allow(&rights, STR("/account"), STR("a"), STR("r"), POLICY_EMIT) ? 'a' : '-';
    got[2] = rights_allow(&rights, STR("/chat"), STR("room:event"), STR("r"), POLICY_ADMIN) ? 'A' : '-';
    got[3] = '\0';
    assert_string_equal(got, expected);
    rights_drop(&rights);
    free(text);
}

static void a_key_that_acts_for_a_user_opens_nothing_that_only_the_user_may(void **state)
{
    (void)state;
    allows("01a1fcfe-3db8-7efb-9c34-fc5b361312f6", true, "caA");
    allows("01a1fcfe-3db8-7efb-9c34-fc5b361312f6", false, "c--");
    allows("01A1FCFE-3DB8-7EFB-9C34-FC5B361312F6", false, "c--");
    allows("alice", false, "caA");
    allows("key:key1", false, "caA");
}

static void a_subject_has_so_many_characters_and_not_bytes(void **state)
{
    (void)state;
    char sub[129 * 2 + 1] = "";

    for (int i = 0; i < 128; i++) strcat(sub, "\xc3\xa9");
    assert_int_equal(verdict((struct signed_draft){ .sub = sub }), OK);
    strcat(sub, "e");
    assert_int_equal(verdict((struct signed_draft){ .sub = sub }), ERR_TOKEN_INVALID);
}

static void nobody_is_trusted_before_auth_has_spoken(void **state)
{
    (void)state;
    struct trusted *silent = trusted_create(ev_default_loop(0), on_change, NULL, NULL);
    struct bearers *none = bearers_create(silent);
    struct rights rights;

    assert_int_equal(rights_get(none, STR("a.b.c"), HERE, &rights), ERR_UNAVAILABLE);
    bearers_destroy(&none);
    trusted_destroy(&silent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_token_speaks_for_its_subject, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_way_to_be_wrong_has_its_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_public_key_is_no_hmac_secret, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_has_one_spelling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_signature_has_one_spelling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_head_says_nothing_but_what_we_know, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_is_never_longer_than_its_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cap_narrows_and_never_widens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            tokens_are_remembered_within_bytes_however_large_their_caps_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_change_of_trust_is_obeyed_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_keys_networks_bind_its_own_token_and_those_for_subjects_if_it_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_live_token_obeys_a_change_of_networks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_key_is_now_holds_for_tokens_that_it_got_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_live_token_has_the_policy_and_the_end_of_its_key, set_up, tear_down),
        cmocka_unit_test(what_only_former_tokens_had_to_know_is_forgotten_with_the_last_of_them),
        cmocka_unit_test_setup_teardown(
            a_key_that_acts_for_a_user_opens_nothing_that_only_the_user_may, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_subject_has_so_many_characters_and_not_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            tokens_of_a_subject_or_session_end_if_they_were_issued_up_to_then, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_changes_what_it_names_and_nothing_else, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_page_that_is_heard_again_does_no_harm_and_one_behind_a_gap_is_not_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_of_it_anew_holds_when_its_last_page_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sockets_are_found_by_what_their_tokens_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_is_trusted_before_auth_has_spoken, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
