/* certificate_ends.c - auth is told of certificates that end, until it has taken it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/certificate_ends.h"

#include <assert.h>
#include <ev.h>
#include <string.h>

#include "libshared/base/log.h"
#include "libshared/http/tls/certificates.h"
#include "services/gateway/methods.h"

#define SOON_S     0.1
#define RETRY_S    5.
#define FILE_CHARS 60 /* proto/auth.def: certificate_life.file */

struct certificate_ends {
    struct ev_loop *loop;
    const struct service_pipes *auth;
    struct {
        bool is_late;
        char file[FILE_CHARS + 1];
        int64_t percent;
    } at[CERTIFICATES_MAX];
    ev_timer timer;
    bool is_news, asking; /* not told yet; being told */
};

static void wait_for(struct certificate_ends *ends, double seconds)
{
    ev_timer_stop(ends->loop, &ends->timer);
    ev_timer_set(&ends->timer, seconds, 0.);
    ev_timer_start(ends->loop, &ends->timer);
}

static void on_reported(void *arg, enum err status, struct str body)
{
    struct certificate_ends *ends = arg;

    (void)body;
    ends->asking = false;
    if (status != OK) {
        LOG_BOUNDED(WARN, "gateway.certificate_ends_not_reported", F_TEXT("code", err_code(status)));
        ends->is_news = true;
    }
    if (ends->is_news) wait_for(ends, status == OK ? SOON_S : RETRY_S);
}

static void report_ends(struct certificate_ends *ends)
{
    struct certificate_life rows[CERTIFICATES_MAX];
    size_t n = 0;

    for (size_t i = 0; i < CERTIFICATES_MAX; i++)
        if (ends->at[i].is_late) rows[n++] = (struct certificate_life){ str_of(ends->at[i].file), ends->at[i].percent };
    ends->is_news = false;
    if (n == 0) return;
    ends->asking = true;
    method_ask(ends->auth, M_auth_certificate_report, &(struct certificate_lives){ { rows, n } }, on_reported, ends);
}

static void on_time(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct certificate_ends *ends = timer->data;

    (void)loop, (void)events;
    if (ends->is_news && !ends->asking) report_ends(ends);
}

/* In letters that any log, page and database takes. */
static void copy_name(const char *path, char file[FILE_CHARS + 1])
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    size_t n = 0;

    for (; n < FILE_CHARS && name[n] != '\0'; n++) file[n] = name[n] > ' ' && name[n] < 0x7f ? name[n] : '?';
    file[n] = '\0';
}

void certificate_ends_note(void *arg, size_t i, const char *path, int64_t percent, bool is_little)
{
    struct certificate_ends *ends = arg;

    assert(i < CERTIFICATES_MAX);
    ends->at[i].is_late = is_little;
    ends->at[i].percent = percent;
    copy_name(path, ends->at[i].file);
    if (!is_little) return;
    ends->is_news = true;
    if (!ends->asking) wait_for(ends, SOON_S);
}

struct certificate_ends *certificate_ends_create(struct ev_loop *loop, const struct service_pipes *auth)
{
    struct certificate_ends *ends = mem_zero(sizeof *ends);

    ends->loop = loop;
    ends->auth = auth;
    ev_timer_init(&ends->timer, on_time, SOON_S, 0.);
    ends->timer.data = ends;
    return ends;
}

void certificate_ends_destroy(struct certificate_ends **ends)
{
    if (*ends == NULL) return;
    ev_timer_stop((*ends)->loop, &(*ends)->timer);
    mem_free(*ends);
    *ends = NULL;
}
