/* reports_decide.c - what members of all rooms reported, and what is decided of it, by an operator. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/moderation/moderation.h"

enum err reports_list(struct call *call, const struct reports_query *req, struct report_page *rep)
{
    struct report_slice slice = {
        .room = req->room, .seer = STR_NONE, .subject = req->subject, .state = req->state, .limit = req->limit
    };

    TRY(report_slice_check(call, req->state, req->after, &slice.after));
    return report_list_read(call, &slice, rep);
}

enum err reports_assign(struct call *call, const struct reports_assignment *req, struct report *rep)
{
    return report_set_assigned(call, &(struct report_place){ .id = req->report, .seer = STR_NONE }, req->to, rep);
}

enum err reports_resolve(struct call *call, const struct reports_resolution *req, struct report *rep)
{
    return report_set_resolved(
        call, &(struct report_place){ .id = req->report, .seer = STR_NONE }, req->outcome, req->note, rep);
}
