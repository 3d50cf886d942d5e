/* sharing_note.c - somebody is told, or not any more, that another shares conversations with them: for share. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/notifications/notifications.h"

enum err sharing_note(struct call *call, const struct sharing_news *req, struct nothing *rep)
{
    struct notification_news_item item = {
        .subject = req->subject, .kind = NOTIFICATION_shared, .by = req->by, .at = req->at
    };
    struct str subject = req->subject;

    (void)rep;
    if (req->at > 0) return notifications_make(call, (struct notification_items){ &item, 1 });
    TRY(notifications_lock(call, (struct str_list){ &subject, 1 }));
    return notifications_end_of(call, subject, NOTIFICATION_shared, req->by);
}
