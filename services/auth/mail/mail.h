/*
 * mail.h - mails, from the request that makes one necessary to the operator's mail server.
 *
 *      mail_put --> job mail.send --> worker: budgets, link, words --> loop: SMTP --> done, later again, or dead
 *
 * The link's secret is made when the mail is sent, and lies nowhere else: not in the queue, and not in a mail that failed.
 * A mail that was perhaps sent is sent again, under the same Message-ID, with a link of its own.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/mail/mail_text.h"

struct mailer;

/* On the loop thread.  NULL: no mail server is configured.  Exits if the settings contradict each other. */
struct mailer *mailer_create(struct ev_loop *loop, const struct settings_auth *s);
void mailer_destroy(struct mailer **mailer); /* jobs that run are tried again by the next process */

bool mail_is_on(const struct settings_auth *s);

/* Whom, and what its link carries.  An account, or an address, or both: an account's other address. */
struct mail_to {
    struct id account;
    struct str email, locale;
    struct str holder;   /* STR_NONE: the account */
    struct str network;  /* where it was asked for; STR_NONE: where the call comes from */
    struct str flow;     /* of MAIL_sign_in */
    const void *carries; /* a record of the link's purpose; NULL: one without fields */
    int64_t life_s;      /* of the link; 0: as its purpose has it */
    struct id id;        /* said twice it is one mail, as long as it waits; nil: any */
};

/* In a WORKER, or a WORKER's job, or work of a LATER method with a call of its own: after the commit there is a mail to be
 * sent.  `words`: those of the kind's row; NULL: it has none.  ERR_MAIL_OFF: no mail server is configured. */
enum err mail_put(
    struct call *call, enum mail_kind kind, const struct mail_to *to, const struct mail_words *words) MUST_CHECK;
/* The words `at` and `address`, which most notices have. */
void mail_add_event(struct mail_words *words, struct arena *arena, const struct call *call);

/* A kind whose words are `at` and `address`, to an account; without a mail server nobody is told. */
enum err mail_tell(struct call *call, enum mail_kind kind, struct id account) MUST_CHECK;

/* mail_budget.c: ERR_RATE_LIMITED: the class has no more in this hour for one of these, or at all. */
struct mail_takers {
    struct str address, network;
    struct id account;
};
enum err mail_budget_spend(struct pg *pg, struct arena *arena, const struct settings_auth *s, enum mail_class class,
    const struct mail_takers *of) MUST_CHECK;
/* Where a call comes from, as it is counted; STR_NONE: from inside. */
struct str mail_network(struct call *call);

/* An address where it is counted or named, by its hash in hex: no table is a list of addresses. */
struct str mail_hash_text(struct arena *arena, struct str text);

/* mailer.c: `done` on the loop, with what the job's end is. */
struct mail_letter {
    struct str to, message; /* `to` as in an envelope */
};
void mailer_send(struct mailer *mailer, const struct mail_letter *letter,
    void (*done)(void *arg, enum err e, const char *why), void *arg);
