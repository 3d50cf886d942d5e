/* fetch_request.c - a request as curl has it, once its URL has been judged. */
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "libshared/base/network.h"
#include "libshared/fetch/fetch_private.h"
#include "libshared/fetch/public_address.h"

#define URL_BYTES_MAX      2048
#define HEADERS_BYTES_MAX  65536 /* of a request */
#define CONNECT_TIMEOUT_MS 5000

static bool may_connect(const struct fetcher *fetcher, const struct sockaddr *to)
{
    struct in6_addr address = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

    if (to->sa_family == AF_INET)
        memcpy(address.s6_addr + 12, &((const struct sockaddr_in *)(const void *)to)->sin_addr, 4);
    else if (to->sa_family == AF_INET6)
        address = ((const struct sockaddr_in6 *)(const void *)to)->sin6_addr;
    else
        return false;
    return address_is_public(&address) ||
           (fetcher->config.inside != NULL && network_list_has(fetcher->config.inside, &address));
}

/* The address that curl is about to connect to, and no other, whatever its name resolved to before. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct fetch *fetch = arg;

    if (purpose != CURLSOCKTYPE_IPCXN || !(fetch->mail.is_mail || may_connect(fetch->home, &to->addr))) {
        fetch->result = FETCH_ADDRESS_REFUSED;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static bool has_line_end(const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i] == '\r' || at[i] == '\n' || at[i] == '\0') return true;
    return false;
}

static bool add_headers(struct fetch *fetch, const struct fetch_request *request)
{
    size_t bytes = 0;

    for (size_t i = 0; i < request->n_headers; i++) {
        const struct fetch_header *header = &request->headers[i];
        bytes += strlen(header->name) + header->value.len;
        if (bytes > HEADERS_BYTES_MAX || has_line_end(header->name, strlen(header->name)) ||
            has_line_end(header->value.at, header->value.len))
            return false;
        struct str line = arena_printf(fetch->arena, "%s: %.*s", header->name, STR_ARG(header->value));
        fetch->headers = curl_slist_append(fetch->headers, line.at);
    }
    fetch->headers = curl_slist_append(fetch->headers, "Expect:"); /* none waits for a 100 */
    return true;
}

static bool is_port(const struct fetcher *fetcher, long port)
{
    for (int i = 0; i < FETCH_PORTS_MAX && fetcher->config.ports[i] != 0; i++)
        if (fetcher->config.ports[i] == port) return true;
    if (fetcher->config.ports[0] != 0) return false;
    return port == 443 || (port == 80 && fetcher->config.plain);
}

static char *part_of(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;

    return curl_url_get(url, part, &text, flags) == CURLUE_OK ? text : NULL;
}

static bool is_scheme(const struct fetch *fetch, const char *scheme)
{
    if (fetch->mail.is_mail) return strcmp(scheme, "smtp") == 0 || strcmp(scheme, "smtps") == 0;
    return strcmp(scheme, "https") == 0 || (fetch->home->config.plain && strcmp(scheme, "http") == 0);
}

static enum fetch_result judge_parts(struct fetch *fetch, const char *scheme, const char *host, const char *port)
{
    if (scheme == NULL || !is_scheme(fetch, scheme)) return FETCH_SCHEME_REFUSED;
    if (host == NULL || host[0] == '\0' || port == NULL) return FETCH_BAD_URL;
    if (!fetch->mail.is_mail && !is_port(fetch->home, strtol(port, NULL, 10))) return FETCH_PORT_REFUSED;
    fetch->host = arena_printf(fetch->arena, "%s:%s", host, port).at;
    return FETCH_ANSWERED;
}

enum fetch_result fetch_judge_url(struct fetch *fetch, const char *text)
{
    CURLU *url = curl_url();
    enum fetch_result result = FETCH_BAD_URL;

    if (curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER) == CURLUE_OK) {
        char *scheme = part_of(url, CURLUPART_SCHEME, 0), *host = part_of(url, CURLUPART_HOST, 0);
        char *port = part_of(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
        result = judge_parts(fetch, scheme, host, port);
        curl_free(scheme);
        curl_free(host);
        curl_free(port);
    }
    curl_url_cleanup(url);
    return result;
}

static void set_body(CURL *easy, const struct fetch_request *request)
{
    if (request->body.at == NULL) return;
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->body.at);
}

void fetch_set_guards(struct fetch *fetch, const char *protocols, int64_t timeout_ms)
{
    const struct fetcher_config *config = &fetch->home->config;
    CURL *easy = fetch->easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (config->ca_file != NULL) curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file);
    if (fetch->home->hosts != NULL) curl_easy_setopt(easy, CURLOPT_RESOLVE, fetch->home->hosts);
}

static void set_request(struct fetch *fetch, const struct fetch_request *request, const char *url)
{
    CURL *easy = fetch->easy;

    curl_easy_setopt(easy, CURLOPT_URL, url);
    set_body(easy, request);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, arena_cstr(fetch->arena, str_of(request->method)));
    if (strcmp(request->method, "HEAD") == 0) curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, fetch->home->config.user_agent);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, fetch_take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, fetch_take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
}

enum fetch_result fetch_prepare(struct fetch *fetch, const struct fetch_request *request)
{
    if (request->url.len > URL_BYTES_MAX || has_line_end(request->url.at, request->url.len)) return FETCH_BAD_URL;
    const char *url = arena_cstr(fetch->arena, request->url);
    enum fetch_result result = fetch_judge_url(fetch, url);

    if (result != FETCH_ANSWERED) return result;
    if (!add_headers(fetch, request)) return FETCH_BAD_URL;
    fetch->easy = curl_easy_init();
    fetch_set_guards(fetch, fetch->home->config.plain ? "https,http" : "https", request->timeout_ms);
    set_request(fetch, request, url);
    return FETCH_ANSWERED;
}
