/*
 * known_sessions.c - whose the sessions of other gateways are, for which requests came here lately.
 *
 * The owner says it with each answer.  So the next request counts for that subject from its head on, and its connection for no
 * stranger's.  A session belongs to one subject to its end.
 */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/holding.h"
#include "libshared/base/log.h"
#include "services/gateway/mesh/mesh_private.h"

#define KNOWN_MAX 20000 /* the one of which nothing was heard for longest is forgotten */

struct known_session {
    UT_hash_handle hh;
    char sid[EIO_SID_CHARS];
    size_t len;
    char subject[];
};

static struct known_session *find_session(const struct mesh *mesh, struct str sid)
{
    struct known_session *session;

    HASH_FIND(hh, mesh->known, sid.at, EIO_SID_CHARS, session);
    return session;
}

static void forget_session(struct mesh *mesh, struct known_session *session)
{
    HASH_DEL(mesh->known, session);
    mem_free(session);
}

static void add_session(struct mesh *mesh, struct str sid, struct str subject)
{
    struct known_session *session = mem_alloc(sizeof *session + subject.len);

    if (HASH_COUNT(mesh->known) >= KNOWN_MAX) forget_session(mesh, mesh->known);
    *session = (struct known_session){ .len = subject.len };
    memcpy(session->sid, sid.at, EIO_SID_CHARS);
    memcpy(session->subject, subject.at, subject.len);
    HASH_ADD(hh, mesh->known, sid, EIO_SID_CHARS, session);
}

static void count_for(struct http *http, struct str subject)
{
    if (holding_is_strangers(http_holding(http)) && holding_belongs(http_holding(http), subject) != OK)
        LOG_BOUNDED(INFO, "mesh.owner_full", F_STR("subject", subject));
}

void known_session_count(const struct mesh *mesh, struct str sid, struct http *http)
{
    const struct known_session *session = find_session(mesh, sid);

    if (session != NULL) count_for(http, (struct str){ session->subject, session->len });
}

/* The newest is last in the table, so that the first is the one to forget. */
void known_session_learn(struct mesh *mesh, struct str sid, struct str subject, struct http *http)
{
    struct known_session *session = find_session(mesh, sid);

    if (session != NULL) forget_session(mesh, session);
    if (subject.len == 0) return;
    add_session(mesh, sid, subject);
    count_for(http, subject);
}

void known_sessions_free(struct mesh *mesh)
{
    while (mesh->known != NULL) forget_session(mesh, mesh->known);
}
