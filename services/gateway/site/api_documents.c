/* api_documents.c - the interface for people and tools, printed from the rows when the gateway is built, and a part of it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/site/api_documents.h"

/* The bytes of a file between two names. */
#define DOCUMENT(name, file)                                                                                           \
    __asm__(".section .rodata\n" #name ":\n.incbin \"" MADANG_API "/" file "\"\n" #name "_end:\n.byte 0\n.text\n");    \
    extern const char name[], name##_end[]

DOCUMENT(api_docs_html, "docs.html");
DOCUMENT(api_docs_css, "docs.css");
DOCUMENT(api_openapi, "openapi.json");
DOCUMENT(api_asyncapi, "asyncapi.json");

static struct str between(const char *at, const char *end)
{
    return (struct str){ at, (size_t)(end - at) };
}

size_t api_documents(struct api_document out[API_DOCUMENTS])
{
    const struct api_document all[API_DOCUMENTS] = {
        { "/api/docs", "text/html; charset=utf-8", between(api_docs_html, api_docs_html_end) },
        { "/api/docs.css", "text/css; charset=utf-8", between(api_docs_css, api_docs_css_end) },
        { "/api/openapi.json", "application/json", between(api_openapi, api_openapi_end) },
        { "/api/asyncapi.json", "application/json", between(api_asyncapi, api_asyncapi_end) },
    };

    for (size_t i = 0; i < API_DOCUMENTS; i++) out[i] = all[i];
    return API_DOCUMENTS;
}
