/* content_policy.c - what a browser may do with a page of ours. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <openssl/sha.h>
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/page/page.h"

#define HASH_CHARS (2 * SHA256_DIGEST_LENGTH)

static void hash_of(const char *text, char out[HASH_CHARS])
{
    unsigned char hash[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)text, strlen(text), hash);
    base64_encode(out, (struct str){ (const char *)hash, sizeof hash });
    out[base64_length(sizeof hash)] = '\0';
}

/* "; script-src 'sha256-…' 'sha256-…'; connect-src 'self'" */
static void put_scripts(struct buf *policy)
{
    char hash[HASH_CHARS];

    buf_add_str(policy, STR("; script-src"));
    for (int which = 0; which < PAGE_SCRIPTS; which++) {
        hash_of(page_script((enum page_script)which), hash);
        buf_printf(policy, " 'sha256-%s'", hash);
    }
    buf_add_str(policy, STR("; connect-src 'self'"));
}

static void put_styles(struct buf *policy)
{
    char hash[HASH_CHARS];

    buf_add_str(policy, STR("default-src 'none'; style-src"));
    for (int which = 0; which < PAGE_STYLES; which++) {
        hash_of(page_style((enum page_style)which), hash);
        buf_printf(policy, " 'sha256-%s'", hash);
    }
    buf_add_str(policy, STR("; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"));
}

void page_content_policy(char out[PAGE_POLICY_BYTES], enum page_needs needs)
{
    struct buf policy = BUF(PAGE_POLICY_BYTES - 1);

    put_styles(&policy);
    if (needs == PAGE_SCRIPTED) put_scripts(&policy);
    if (needs == PAGE_WATCHED) buf_add_str(&policy, STR("; img-src 'self'; script-src 'self'; connect-src 'self'"));
    assert(!policy.over);
    struct str text = buf_str(&policy);
    memcpy(out, text.at, text.len);
    out[text.len] = '\0';
    buf_free(&policy);
}
