/* upload_read.c - a whole body of which nothing is kept is read, and leaves. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/media/uploads_private.h"

struct upload *uploads_read_begin(struct rpc_later *later, struct id id)
{
    struct call *call = rpc_later_call(later);
    struct upload *upload = upload_require(call, id, later);

    if (upload == NULL) return NULL;
    if (upload->state != UPLOAD_OPEN) {
        rpc_later_done(later, call_fail(call, ERR_CONFLICT, "it is not whole yet"), NULL);
        return NULL;
    }
    upload->state = UPLOAD_ENDS;
    upload->present = upload_request_create(later);
    return upload;
}

int64_t upload_size(const struct upload *upload)
{
    return file_size(upload->file);
}

enum err upload_read(const struct upload *upload, int64_t at, char *to, size_t n)
{
    return file_read(upload->uploads->config.files, upload->id, at, to, n);
}

/* The call is its method's to answer. */
void uploads_read_end(struct upload *upload)
{
    struct uploads *uploads = upload->uploads;

    mem_free(upload->present);
    upload->present = NULL;
    upload_give_up(upload);
    CHECK_STEP(uploads_check(uploads));
}
