/* http_head.h - the request line and headers of HTTP/1.1, strictly: what two readers could read in two ways is refused. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#define HTTP_HEAD_MAX   16384
#define HTTP_TARGET_MAX 12288
#define HTTP_FIELDS_MAX 100

struct http_field {
    struct str name, value;
};

struct http_head {
    struct str method, path, query;
    int minor; /* HTTP/1.minor */
    size_t n_fields;
    bool chunked, expects_continue;
    bool close, keep_alive, upgrade; /* Connection */
    bool websocket;                  /* Upgrade */
    int64_t content_length;          /* -1: none */
    struct http_field fields[HTTP_FIELDS_MAX];
};

/* Where the head ends in these bytes, behind its empty line; 0: not there yet. */
size_t http_head_end(const char *at, size_t len, size_t seen);
/* Could this become a request?  Asked of an unfinished head. */
bool http_head_is_plausible(const char *at, size_t len);
/* Reads a whole head; the texts point into it, names become lower case.  0, or the status that refuses it. */
int http_head_parse(char *at, size_t len, struct http_head *out);
struct str http_head_field(const struct http_head *head, const char *lower_case_name);
/* The same of a head that is not whole, or refused: STR_NONE where no line has the name, or it was not read up to its end. */
struct str http_head_peek(struct str head, const char *lower_case_name);
/* Is `word` in this comma-separated list of tokens?  Any case. */
bool http_list_has(struct str list, const char *word);
struct str http_list_last(struct str *list); /* cuts off its last item; behind the only one it is STR_NONE */
