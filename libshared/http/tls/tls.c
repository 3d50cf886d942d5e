/* tls.c - what TLS we speak: Mozilla's guideline 6.0, "intermediate"; with which certificate, and who may resume. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/tls/tls.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

/* Of TLS 1.2 what is forward secret and authenticated; TLS 1.3's suites all are.  The client's order counts: it knows
 * whether its processor has AES. */
#define CIPHERS                                                                                                        \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"                         \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define GROUPS      "X25519:P-256:P-384"
#define GROUPS_LATE "X25519MLKEM768:" GROUPS /* OpenSSL 3.5 */

static struct tls *tls_of(SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* --- with which certificate --- */

static int choose_certificate(SSL *ssl, void *arg)
{
    const struct tls *tls = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    if (certificate_use(certificates_find(tls->certificates, name), ssl)) return 1;
    ERR_clear_error();
    return 0;
}

/* --- who may resume --- */

/* A session is resumed by the name that it began with: what was shown one host's certificate is not taken for another's.
 * The extension is hashed as it came, so nothing here reads it. */
static int bind_session(SSL *ssl, int *alert, void *arg)
{
    const unsigned char *name = NULL;
    unsigned char id[SHA256_DIGEST_LENGTH];
    size_t len = 0;

    (void)alert, (void)arg;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &name, &len) != 1) len = 0;
    SHA256(name != NULL ? name : (const unsigned char *)"", len, id);
    return SSL_set_session_id_context(ssl, id, sizeof id) == 1 ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

static bool set_mac_key(EVP_MAC_CTX *mac, const struct ticket_key *key)
{
    unsigned char bytes[TICKETS_MAC_BYTES];
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, bytes, sizeof bytes),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    memcpy(bytes, key->mac, sizeof bytes);
    bool set = EVP_MAC_CTX_set_params(mac, params) == 1;
    OPENSSL_cleanse(bytes, sizeof bytes);
    return set;
}

/* What OpenSSL wants back: -1 an error, 0 no ticket, 1 good, 2 good but to be sealed anew, as each of TLS 1.3 is: its
 * clients use one only once, so that nobody on the way sees who comes back. */
static int use_ticket_key(
    SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seals)
{
    struct tickets *tickets = &tls_of(ssl)->tickets;
    time_t now = time(NULL);
    const struct ticket_key *current = tickets_current(tickets, now);
    const struct ticket_key *key = seals ? current : tickets_find(tickets, now, name);

    if (key == NULL) return 0;
    if (seals) {
        memcpy(name, key->name, sizeof key->name);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    }
    if (EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, seals) != 1 || !set_mac_key(mac, key))
        return -1;
    return seals || (key == current && SSL_version(ssl) < TLS1_3_VERSION) ? 1 : 2;
}

static void allow_tickets(SSL_CTX *ctx)
{
    /* Tickets carry the session to any gateway and cost no memory here; the cache would. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ctx, TICKETS_PERIOD_S);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_client_hello_cb(ctx, bind_session, NULL);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, use_ticket_key);
}

void tls_configure(SSL_CTX *ctx, struct tls *tls)
{
    SSL_CTX_set_app_data(ctx, tls);
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(ctx, CIPHERS);
    if (SSL_CTX_set1_groups_list(ctx, GROUPS_LATE) != 1) SSL_CTX_set1_groups_list(ctx, GROUPS);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_clear_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_cert_cb(ctx, choose_certificate, tls);
    allow_tickets(ctx);
    ERR_clear_error();
}

void tls_take(struct tls *tls, struct certificates *certificates)
{
    certificates_free(&tls->certificates);
    tls->certificates = certificates;
}
