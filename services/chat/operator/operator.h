/*
 * operator.h - what operators do to rooms: they are no members, and need not be.
 *
 *      madangctl, or a bearer of /admin --> the deed, and its entry for auth's audit, in one transaction --> as by a member
 *
 * Who may is the gateway's business, by the policy's rules of /admin, and of the peers that a METHOD row names; nothing here asks for a
 * role.  What follows a deed is what follows it when a member does it.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/jobs/deeds.h"
#include "services/chat/chat.h"
