/* test_entries.c - who may do what to whose messages, and for how long: each row of proto/entries.def, and nothing besides. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "services/store/entries/entries.h"

#define EDIT_S   60
#define DELETE_S 600

static const struct settings_store set = { .edit_within_s = EDIT_S, .delete_within_s = DELETE_S };
static const struct settings_store endless = { .edit_within_s = 0, .delete_within_s = 0 };

/* What member and owner (and, as much, a moderator) may do to their own message and to another's, up to how old: -1 never, 0 for ever. */
static const struct {
    enum entry_kind kind;
    int64_t member_own, member_other, owner_own, owner_other;
} expected[] = {
    { ENTRY_message, 0, 0, 0, 0 },
    { ENTRY_edit, EDIT_S, -1, EDIT_S, -1 },
    { ENTRY_delete, DELETE_S, -1, 0, 0 },
    { ENTRY_withhold, -1, -1, 0, 0 },
    { ENTRY_release, -1, -1, 0, 0 },
    { ENTRY_reaction_add, 0, 0, 0, 0 },
    { ENTRY_reaction_remove, 0, 0, 0, 0 },
    { ENTRY_pin_add, -1, -1, 0, 0 },
    { ENTRY_pin_remove, -1, -1, 0, 0 },
    { ENTRY_member_add, -1, -1, -1, -1 },
    { ENTRY_member_join, -1, -1, -1, -1 },
    { ENTRY_member_leave, -1, -1, -1, -1 },
    { ENTRY_member_remove, -1, -1, -1, -1 },
    { ENTRY_member_role, -1, -1, -1, -1 },
};

static void is_allowed_for(enum entry_kind kind, enum role role, bool is_own, int64_t s)
{
    int64_t in_time = s > 0 ? s * 1000 : INT64_C(1) << 50;

    assert_int_equal(entry_is_allowed(&set, kind, role, is_own, in_time), s >= 0);
    assert_int_equal(entry_is_allowed(&set, kind, role, is_own, in_time + 1), s == 0);
    assert_int_equal(entry_is_allowed(&endless, kind, role, is_own, INT64_C(1) << 50), s >= 0);
}

static void the_rows_say_who_may_do_what(void **state)
{
    (void)state;
    assert_int_equal(COUNT(expected), ENTRY_KINDS);
    for (size_t i = 0; i < COUNT(expected); i++) {
        enum entry_kind kind = expected[i].kind;
        is_allowed_for(kind, ROLE_member, true, expected[i].member_own);
        is_allowed_for(kind, ROLE_member, false, expected[i].member_other);
        is_allowed_for(kind, ROLE_owner, true, expected[i].owner_own);
        is_allowed_for(kind, ROLE_owner, false, expected[i].owner_other);
        is_allowed_for(kind, ROLE_moderator, true, expected[i].owner_own);
        is_allowed_for(kind, ROLE_moderator, false, expected[i].owner_other);
        is_allowed_for(kind, ROLE_read_only, true, -1);
        is_allowed_for(kind, ROLE_read_only, false, -1);
        is_allowed_for(kind, ROLE_none, true, -1);
        is_allowed_for(kind, ROLE_none, false, -1);
    }
}

/* What is done for oneself alone, and asked, takes no more than reading. */
static void who_reads_may_hide_and_ask(void **state)
{
    (void)state;
    for (enum entry_kind kind = ENTRY_hide; kind <= ENTRY_versions; kind++)
        for (enum role role = ROLE_none; role < ROLES_END; role++)
            assert_int_equal(entry_is_allowed(&set, kind, role, false, INT64_C(1) << 50), role != ROLE_none);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_rows_say_who_may_do_what),
        cmocka_unit_test(who_reads_may_hide_and_ask) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
