/* api_documents.h - the interface for people and tools, a part of the program. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#define API_DOCUMENTS 4
struct api_document {
    const char *path, *type;
    struct str bytes;
};
size_t api_documents(struct api_document out[API_DOCUMENTS]);
