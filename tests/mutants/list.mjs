// list.mjs - ways to break what matters, each with the test that has to notice.
//
// A row: name, a sentence that is true of the broken program; file and the one place in it (`from`), what stands there
// instead (`to`); `red`, the test: ['unit', path below tests/unit], ['contract', ...], ['service', name], ['edge', suite],
// ['scenario', file, pattern of the test's name]; ['checked', ...], ['checked-edge', ...] and ['checked-scenario', ...] are built with DEBUG=1, where
// state machines are checked at each step (libshared/base/invariant.h).
// SPDX-License-Identifier: Apache-2.0

const rooms = ['unit', 'gateway/rooms/test_rooms'], tokens = ['unit', 'gateway/identity/test_token'], resume = ['unit', 'gateway/recovery/test_resume']
const outbox = ['unit', 'store/test_outbox'], access = ['unit', 'store/test_access_cache'], rights = ['unit', 'store/test_entries'], auth = ['service', 'test_auth']
const jobs = ['service', 'test_jobs'], singleUse = ['service', 'test_single_use'], sessions = ['service', 'test_sessions']

const whoReads = row => ['scenario', 'r_who_reads', `with history ${row}`]

const counted = test => ['scenario', 'r_keeping_count', test]

const keeping = test => ['scenario', 'r_keeping', test]

const drafts = test => ['scenario', 'r_drafts', test]
const slow = test => ['scenario', 'r_slow', test]
const here = test => ['scenario', 'r_here', test]
const typing = test => ['scenario', 'r_typing', test]

const scheduled = test => ['scenario', 'r_scheduled', test]

const importing = test => ['scenario', 'r_import', test]

const operating = test => ['scenario', 'r_operator', test]

const fromMattermost = test => ['scenario', 'r_mattermost', test]

const exporting = test => ['scenario', 'r_export', test]

const notified = test => ['scenario', 'r_notifications', test]

const pushed = test => ['scenario', 'r_push', test]

const browsed = test => ['scenario', 'r_web_push', test]

const hooked = test => ['scenario', 'r_webhooks', test]

const byHook = test => ['scenario', 'r_hooks', test]

const present = test => ['scenario', 'r_presence', test], crowded = ['unit', 'gateway/presence/test_presence']

const moderated = test => ['scenario', 'r_moderation', test]

const connected = test => ['scenario', 'n_connected', test]

const receipt = test => ['scenario', 'r_receipts', test]

export const mutants = [
  // --- up to where others have read ---
  {
    name: 'where who is blocked has read is told', file: 'services/gateway/rooms/receipts.c', red: receipt('of two of whom one blocks'),
    from: 'if (str_eq(item->hidden_from.at[i], subject)) return false;', to: 'if (str_eq(item->hidden_from.at[i], subject)) return true;',
  },
  {
    name: 'what was read while a room did not show it is shown later', file: 'services/chat/reading/receipts.h', red: receipt('an owner says whether'),
    from: '"m.read_at >= r.receipts_since AND', to: '"m.read_at >= r.receipts_since - make_interval(days => 1) AND',
  },
  {
    name: 'who has read is told as often as somebody reads', file: 'services/chat/reading/receipts.c', red: receipt('once in a second'),
    from: '#define PERIOD_S      1.0', to: '#define PERIOD_S      0.005',
  },
  {
    name: 'a socket that was slow is not told that it missed who has read', file: 'services/gateway/rooms/receipts.c', red: rooms,
    from: 'tell_missed(subscriber, news->room);', to: '(void)tell_missed;',
  },

  // --- who moderates a room ---
  {
    name: 'words from before an edit stay where versions and catching up find them', file: 'services/store/messages/batch_effects.c', red: moderated('has words for nobody'),
    from: `" edits AS (UPDATE change e SET body = '', attachments = NULL FROM due f WHERE e.room_id`, to: `" edits AS (UPDATE change e SET attachments = NULL FROM due f WHERE e.room_id`,
  },
  {
    name: 'members read the files of what is withheld', file: 'services/store/attachments/attachment_access.c', red: moderated('has words for nobody'),
    from: '(!asking->last.withheld || room_role_may(may.role, MAY_moderate))', to: '(!asking->last.withheld || room_role_may(may.role, MAY_read))',
  },
  {
    name: 'a moderator sees what was reported of them', file: 'services/store/moderation/report_decide.c', red: moderated('what is about oneself one does not see'),
    from: '.seer = call.who->sub,', to: '.seer = STR_NONE,',
  },
  {
    name: 'what is withheld is in no audit', file: 'services/chat/moderation/moderation_follow.c', red: moderated('has words for nobody'),
    from: `if (str_is(entry->kind, "message:withhold") || str_is(entry->kind, "message:release"))`, to: `if (str_is(entry->kind, "message:release"))`,
  },
  // --- what an operator does ---
  {
    name: 'a room is purged by another name', file: 'services/chat/operator/rooms_purge.c', red: operating('told to its members as a deleted one'),
    from: 'if (!str_eq(req->name, row.room.name))', to: 'if (req->name.len == 0)',
  },
  {
    name: 'of a purged room the newest entry is kept', file: 'services/store/log/log_trim.c', red: operating('dies between a purge and its end'),
    from: '*place = beyond.seq;\n        return e;', to: '*place = beyond.seq - 1;\n        return e;',
  },
  {
    name: 'who have a room of two get another one by a file', file: 'services/chat/rooms/room_import.c', red: importing('a room of two is'),
    from: 'return made > 0 ? OK : call_fail(call, ERR_CONFLICT, "two:', to: 'return made >= 0 ? OK : call_fail(call, ERR_CONFLICT, "two:',
  },
  {
    name: 'somebody else is in a room of two', file: 'services/chat/rooms/room_import.c', red: importing('a room of two is'),
    from: 'if (is_direct(state) && !is_of_two(', to: 'if (false && !is_of_two(',
  },
  {
    name: "an answer of Mattermost's stands in no thread", file: 'services/tools/madangctl/mattermost/collect.c', red: fromMattermost('channels, direct ones too'),
    from: 'take_said(all, room, root, &post->replies.at[i])', to: 'take_said(all, room, 0 * root, &post->replies.at[i])',
  },
  {
    name: 'of a mark nothing is remembered', file: 'services/tools/madangctl/room_import.c', red: fromMattermost('a long file is read in'),
    from: 'if (status == EXIT_OK && !r->whole) remember_mark(r);', to: '',
  },
  // --- webhooks of rooms ---
  {
    name: 'of a room with webhooks the log is taken without its texts', file: 'services/chat/activity/activity_take.c', red: hooked('each row of proto/webhooks.def'),
    from: '(wants_texts && !span->texts)', to: '(wants_texts && span->after < 0)',
  },
  {
    name: 'a redirect is as good as taken', file: 'libshared/fetch/webhook.c', red: hooked('what is not taken comes again'),
    from: 'answer->status < 300;', to: 'answer->status < 400;',
  },
  {
    name: 'a webhook is held no longer than it failed', file: 'services/chat/webhooks/webhook_send.c', red: hooked('Retry-After holds'),
    from: 'pg_int(longer_of(shake(hold), o->retry_after_ms))', to: 'pg_int(shake(hold))',
  },
  {
    name: 'words of a deleted message are told', file: 'services/chat/webhooks/webhooks_follow.c', red: hooked('words of a deleted message'),
    from: 'if (gone.len == 0) return OK;', to: 'if (gone.len < 1000) return OK;',
  },
  // --- hooks ---
  {
    name: 'a repeat by a hook with its key is posted again', file: 'services/store/hooks/hook_post.c', red: byHook('a repeat with its key'),
    from: 'return p->req->idempotency_key.len > 0 ?', to: 'return p->req->idempotency_key.len > 64 ?',
  },
  {
    name: 'a hook mentions everybody, whether it may or not', file: 'migrations/chat/0031_hooks.sql', red: byHook('mentions everybody only if'),
    from: "AND h.mentions_all)", to: ')',
  },
  {
    name: 'a hook whose URL is another goes on by the one before', file: 'services/chat/hooks/hook_change.c', red: byHook('who may makes, sees, changes'),
    from: '"UPDATE hook SET code_hash = $3 WHERE', to: '"UPDATE hook SET code_hash = CASE WHEN $3::bytea IS NULL THEN $3 ELSE code_hash END WHERE',
  },
  {
    name: 'all hooks of a room post more than they may', file: 'services/chat/hooks/hook_open.c', red: byHook('so many in a minute'),
    from: 'if (hook->room_posts >= settings->hooks_per_minute)', to: 'if (hook->room_posts >= 2 * settings->hooks_per_minute)',
  },
  {
    name: 'two who post at once by one hook are counted as one', file: 'services/chat/hooks/hook_open.c', red: byHook('so many in a minute'),
    from: '" code_hash = $2) ORDER BY id FOR NO KEY UPDATE";', to: '" code_hash = $2) ORDER BY id";',
  },
  {
    name: 'a hook that is banned posts on', file: 'services/chat/hooks/hook_open.c', red: byHook('it outlives who made it'),
    from: 'TRY(require_welcome(call, req->room, &hook));', to: 'enum err welcome = require_welcome(call, req->room, &hook);\n    if (hook.is_archived) return welcome;',
  },
  {
    name: 'who is erased stands beside the hooks that they made', file: 'services/chat/hooks/hook_change.c', red: ['scenario', 'n_directory', 'webhooks that who is erased made go'],
    from: '"UPDATE hook SET made_by = NULL, client_key = NULL WHERE id IN (SELECT id FROM hook WHERE made_by = $1 LIMIT $2)";', to: '"UPDATE hook SET client_key = client_key WHERE id IN (SELECT id FROM hook WHERE made_by = $1 AND made_by IS NULL LIMIT $2)";',
  },
  {
    name: 'a hook is in the log with its code', file: 'libshared/base/loggable_path.c', red: byHook('no code of a hook'),
    from: '"/api/v1/share/", "/hooks/" };', to: '"/api/v1/share/" };',
  },
  // --- what no socket took ---
  {
    name: 'what a socket took is posted', file: 'services/chat/push/push_send.c', red: pushed('what a socket took is not posted'),
    from: 'h.heard >= n.made', to: 'h.heard > n.made + 1000',
  },
  {
    name: 'what was quiet when it was posted is posted', file: 'services/chat/push/push_send.c', red: pushed('levels, do-not-disturb, blocks'),
    from: '" WHEN is_quiet(', to: '" WHEN false AND is_quiet(',
  },
  {
    name: 'each attempt has an id of its own', file: 'services/chat/push/push_send.c', red: pushed('what is not taken comes again'),
    from: "|| ' ' || coalesce(w.seq, (", to: "|| ' ' || w.attempts + coalesce(w.seq, (",
  },
  {
    name: 'what is posted waits no more, taken or not', file: 'services/chat/push/push_send.c', red: pushed('chat killed in between'),
    from: 'if (p->item.why_not.len == 0) return write_body(call, p);', to: 'if (p->item.why_not.len == 0) { TRY(note_outcome(call, &(struct pushing){ .item = p->item, .is_taken = true })); return write_body(call, p); }',
  },
  // --- browsers ---
  {
    name: 'a browser of who has signed out is told', file: 'services/chat/push/push_send.c', red: browsed('who signs out'),
    from: 'else if (going.sessions.len == 0)', to: 'else if (going.sessions.len > 1)',
  },
  {
    name: 'who has learnt of an endpoint has it', file: 'services/chat/push/push_subscribe.c', red: browsed('an endpoint is one subject'),
    from: 'return is_same ? OK :', to: 'return is_same || call->now > 0 ? OK :',
  },
  {
    name: 'a browser that has unsubscribed is told on', file: 'services/chat/push/push_browser.c', red: browsed('404 or 410'),
    from: 'if (status == 404 || status == 410)', to: 'if (status == 404)',
  },
  {
    name: 'a browser is posted to before Retry-After', file: 'services/chat/push/push_send.c', red: browsed('429 and 5xx'),
    from: 'coalesce(s.held_until <= now(), true)', to: 'true',
  },
  {
    name: 'the end of a name is a push service', file: 'services/chat/push/push_subscribe.c', red: browsed('what is no subscription'),
    from: 'struct str end = str_skip(service, 1);', to: 'struct str end = str_skip(service, 2);',
  },
  {
    name: 'a message is encrypted without what its browser has in secret', file: 'libshared/fetch/web_push.c', red: ['unit', 'fetch/test_web_push'],
    from: 'derive(to->auth, sizeof to->auth, shared', to: 'derive(to->point, sizeof to->auth, shared',
  },
  // --- who was away ---
  {
    name: 'who blocks is told of no room that looks otherwise for that', file: 'services/chat/friends/relation.c', red: ['scenario', 'r_sync', 'blocks no more'],
    from: 'if ((was->my_block > 0) != (is->my_block > 0))\n', to: 'if (was->my_block < 0)\n',
  },
  {
    name: 'that more has gone than is kept is not said', file: 'services/chat/own/own_sync.c', red: ['scenario', 'r_sync', 'left out in silence'],
    from: ' && gone->n < OWN_FORMER_MAX', to: '',
  },
  {
    name: 'the next time is asked for from the last page on', file: 'services/chat/own/own_sync.c', red: ['scenario', 'r_sync', 'left out in silence'],
    from: 'if (place.until == 0) place.until', to: 'place.until',
  },
  // --- who is there ---
  {
    name: 'whoever loses a connection is gone at once', file: 'services/chat/presence/presence.c', red: ['scenario', 'r_presence_crowd', 'hear two events at most'],
    from: 'clock_mono_us() + presence->grace_us', to: 'clock_mono_us() + 0 * presence->grace_us',
  },
  {
    name: 'who is blocked is seen', file: 'services/chat/presence/presence.c', red: present('of two of whom one blocks'),
    from: '        .hidden_from = person->hidden_from };', to: '        .hidden_from = { person->hidden_from.at, 0 } };',
  },
  {
    name: 'who has not joined a room watches it', file: 'services/gateway/presence/presence.c', red: present('hears and sees nothing'),
    from: 'if (!subscriber_is_in(client_subscriber(client), room)) return ERR_NOT_JOINED;', to: 'if (client == NULL) return ERR_NOT_JOINED;',
  },
  {
    name: 'a crowd is told of every two seconds', file: 'services/gateway/presence/presence.c', red: crowded,
    from: 'weight < CROWD ? GAP_S :', to: 'weight < CROWD * 1000 ? GAP_S :',
  },
  // --- what somebody is told of ---
  {
    name: 'who is blocked is shown', file: 'services/chat/notifications/notifications.h', red: notified('mention: of who is blocked'),
    from: '(n.ended_at IS NULL AND NOT " NOTIFICATION_BLOCKS', to: '(n.ended_at IS NULL AND (true OR " NOTIFICATION_BLOCKS("n.by", "n.by") ") AND NOT " NOTIFICATION_BLOCKS',
  },
  {
    name: 'a room that is muted tells of everything', file: 'services/chat/notifications/notification_put.c', red: notified('a room says of what'),
    from: "(g.told = 'ALWAYS' OR m.muted = 'no'", to: "(g.told <> '' OR m.muted = 'no'",
  },
  {
    name: 'what was read before it is told of is unread', file: 'services/chat/notifications/notification_put.c', red: notified('what was read in its room'),
    from: 'CASE WHEN f.seq <= f.read_seq THEN now() END, h.quiet', to: 'NULL::timestamptz, h.quiet',
  },
  {
    name: 'what was read in a room stays unread here', file: 'services/chat/reading/read_mark.c', red: notified('what was read in its room'),
    from: 'if (!req->unread) TRY(notifications_read_in', to: 'if (req->seq < 0) TRY(notifications_read_in',
  },
  {
    name: 'who says something has read nothing of it', file: 'services/chat/notifications/notifications_follow.c', red: notified('what was read in its room'),
    from: 'if (readers.len > 0) {', to: 'if (readers.len > 100) {',
  },
  {
    name: 'of a room that is deleted nobody hears that it is gone', file: 'services/chat/rooms/room_delete.c', red: notified('who leaves or is removed'),
    from: 'TRY(notifications_end_in(call, row->room.id, (struct str_list){ NULL, 0 }));', to: '',
  },
  {
    name: 'who is somewhere no more is told nothing of it', file: 'services/chat/notifications/notification_put.c', red: notified('invitation: taken back'),
    from: 'if (change->who.at[0].role.len == 0)', to: 'if (change->who.at[0].role.len > 1000)',
  },
  {
    name: 'nobody is told of replies', file: 'services/store/feeds/feed_read.c', red: notified('reply: every device'),
    from: '(kind IS NOT NULL OR thread IS NOT NULL OR "', to: '(kind IS NOT NULL OR "',
  },
  {
    name: 'a withdrawn request stays', file: 'services/chat/friends/relation.c', red: notified('friend_request: taken back'),
    from: 'if (!is) return notifications_end_of(', to: 'if (!is && since < 0) return notifications_end_of(',
  },
  {
    name: 'a page of what is newer stands upside down', file: 'services/chat/notifications/notification_list.c', red: notified('pages go both ways'),
    from: 'if (!is_older) turn_over', to: 'if (is_older) turn_over',
  },
  {
    name: 'what was forgotten is not missed', file: 'services/chat/notifications/notification_list.c', red: notified('the newest are kept'),
    from: ' || req->since < forgotten', to: ' || forgotten < 0',
  },
  {
    name: 'nothing is quiet', file: 'services/chat/notifications/notification_put.c', red: notified('not to be disturbed: what comes'),
    from: 'is_quiet(h.quiet_until, h.zone, h.times, now()) AS quiet', to: 'false AS quiet',
  },
  {
    name: 'what comes first is not heard', file: 'services/gateway/notifications/notifications.c', red: notified('mention: read on one device'),
    from: 'subject->begin = subject->version = version - 1;', to: 'subject->begin = subject->version = version;',
  },
  // --- how many messages are kept ---
  {
    name: 'a room keeps one message fewer than it says', file: 'services/store/log/log_trim.c', red: counted('the newest messages stay'),
    from: 'ORDER BY seq DESC OFFSET $2 LIMIT 1', to: 'ORDER BY seq DESC OFFSET $2 - 1 LIMIT 1',
  },
  {
    name: 'what the server says counts as a message', file: 'services/store/log/log_trim.c', red: counted('the newest messages stay'),
    from: 'WHERE room_id = $1 AND kind IS NULL"', to: 'WHERE room_id = $1"',
  },
  {
    name: 'of two numbers the greater one holds', file: 'services/store/log/log_trim.c', red: counted('of days and a number'),
    from: '(other > 0 && other < one) ? other : one;', to: '(other > 0 && other > one) ? other : one;',
  },
  {
    name: 'where there is a number days say nothing', file: 'services/store/log/log_trim.c', red: counted('of days and a number'),
    from: 'if (beyond.seq > *place) *place', to: 'if (keeping->messages > 0) *place',
  },
  {
    name: 'an admin says how many messages are kept', file: 'services/chat/rooms/room_update.c', red: counted('of days and a number'),
    from: ' || req->kept_messages >= 0) TRY', to: ') TRY',
  },
  // --- slow mode ---
  {
    name: 'what comes too early is stored', file: 'services/store/messages/batch.c', red: slow('of what one person sends at once'),
    from: 'min(n) AS n FROM slow WHERE early_ms <= 0 GROUP BY', to: 'min(n) AS n FROM slow GROUP BY',
  },
  {
    name: 'a message does not begin another time', file: 'services/store/messages/batch.c', red: slow('of what one person sends at once'),
    from: 'ON CONFLICT (sender, room_id) DO UPDATE SET at = EXCLUDED.at', to: 'ON CONFLICT (sender, room_id) DO NOTHING',
  },
  {
    name: 'a repeat comes too early', file: 'services/store/messages/batch.c', red: slow('leaves no trace'),
    from: 'WHERE a.slow_ms > 0 AND NOT EXISTS"', to: 'WHERE a.slow_ms > 0 OR EXISTS"',
  },
  {
    name: 'who moderates is slow, too', file: 'services/chat/rooms/room_access.c', red: slow('leaves no trace'),
    from: 'MAY_moderate) ? 0 : access.slow_s', to: 'MAY_delete) ? 0 : access.slow_s',
  },
  {
    name: 'what is scheduled and early is refused for good', file: 'services/store/scheduled/schedule_run.c', red: slow('waits for its turn'),
    from: ' || e == ERR_SLOW_MODE;', to: ';',
  },
  {
    name: 'what waits for its turn is not cancelled', file: 'services/store/scheduled/schedule_run.c', red: slow('waits for its turn'),
    from: 'pg_bool(s->was_put && !is_early)', to: 'pg_bool(s->was_put)',
  },
  {
    name: 'somebody who was erased has a pace', file: 'services/store/messages/message_erase.c', red: slow('what is known of somebody'),
    from: '"DELETE FROM pace WHERE sender = $1"', to: '"DELETE FROM pace WHERE sender = $1 AND false"',
  },
  // --- who is there is mentioned ---
  {
    name: 'who is not there is mentioned', file: 'services/chat/mentions/mention_spread.c', red: here('who is there is mentioned'),
    from: 'if (!str_is(items[i].state, "offline")) there', to: 'there',
  },
  {
    name: 'an edit reaches those who have come', file: 'services/chat/mentions/mentions_follow.c', red: here('an edit that says it still'),
    from: "WHERE o.subject = '' AND o.here <> EXCLUDED.here\"", to: "WHERE o.subject = ''\"",
  },
  {
    name: 'what says it no more mentions on', file: 'services/chat/mentions/mentions_follow.c', red: here('an edit that says it still'),
    from: 'o.here AS spreads),', to: 'false AS spreads),',
  },
  {
    name: 'of many members the first are reached', file: 'services/chat/mentions/mention_spread.c', red: here('in a room of many'),
    from: 'if (members.len < SLICE) return OK;', to: 'if (members.len <= SLICE) return OK;',
  },
  // --- who types ---
  {
    name: 'a block does not hide who types', file: 'services/gateway/rooms/ephemeral.c', red: typing('between two of whom'),
    from: 'if (str_eq(relay->hidden_from.at[i], subject)) return true;', to: 'if (false && str_eq(relay->hidden_from.at[i], subject)) return true;',
  },
  {
    name: 'a block does not hide who begins to type', file: 'services/chat/typing/typing.c', red: typing('between two of whom'),
    from: ' || str_starts(event, STR("typing:"))', to: '',
  },
  {
    name: 'who is not known to be there is seen typing', file: 'services/chat/presence/presence.c', red: typing('not known to be there'),
    from: '    *out = wish.hidden_from;', to: '    *out = (struct str_list){ NULL, 0 };',
  },
  // --- drafts ---
  {
    name: 'an older device writes over a newer draft', file: 'services/store/drafts/draft_set.c', red: drafts('does not write over a newer one'),
    from: '($8::bigint < 0 OR version = $8)', to: '($8::bigint < 0 OR version >= $8)',
  },
  {
    name: 'a draft that was sent comes back', file: 'services/store/drafts/draft_set.c', red: drafts('names its draft clears it'),
    from: 'if (e == ERR_NOT_FOUND && version <= 0) e = begin_draft', to: 'if (e == ERR_NOT_FOUND) e = begin_draft',
  },
  {
    name: 'what a draft says again is refused', file: 'services/store/drafts/draft_set.c', red: drafts('does not write over a newer one'),
    from: 'if (e != ERR_NOT_FOUND) return e;', to: 'if (e != ERR_NOT_FOUND && e != OK) return e;',
  },
  {
    name: 'a draft is kept where one only reads', file: 'services/store/drafts/draft_set.c', red: drafts('only where one could write now'),
    from: '!entry_is_allowed(s->store->settings, ENTRY_message, may.role, true, 0)', to: 'may.role == ROLE_none',
  },
  {
    name: 'a message clears a draft that is newer', file: 'services/store/drafts/draft_clear.c', red: drafts('names its draft clears it'),
    from: 'OR version <= $4) RETURNING', to: 'OR version > 0) RETURNING',
  },
  {
    name: 'a draft that is gone counts', file: 'services/store/drafts/draft_clear.c', red: drafts('what is begun on one device'),
    from: 'return quota_give(call, QUOTA_drafts, call->who->sub, 1);', to: 'return OK;',
  },
  {
    name: 'a page of drafts begins with the last one before it', file: 'services/store/drafts/draft_clear.c', red: drafts('listed in pages'),
    from: 'AND version < $3 ORDER', to: 'AND version <= $3 ORDER',
  },
  {
    name: 'the repeat of a message leaves its draft', file: 'services/store/drafts/draft_send.c', red: drafts('dies between a message and its draft'),
    from: 'return draft_remove(&call, &s->draft, &s->gone);', to: 'return s->receipt.at < call.now ? OK : draft_remove(&call, &s->draft, &s->gone);',
  },
  {
    name: 'each message looks for a draft', file: 'services/store/messages/message_append.c', red: drafts('costs the store nothing'),
    from: 'if (draft->draft > 0)', to: 'if (draft->draft >= 0)',
  },
  {
    name: 'a file in a draft is none that is used', file: 'services/store/attachments/attachment_used.c', red: drafts('a file in a draft'),
    from: 'd.attachments @> ARRAY[q.media])', to: 'd.attachments @> ARRAY[q.media] AND false)',
  },
  {
    name: 'drafts outlive an archived room', file: 'services/chat/members/member_absent.c', red: drafts('is in an archived room'),
    from: '" AND r.archived_at IS NULL)"', to: '")"',
  },
  {
    name: 'drafts outlive a membership', file: 'services/chat/members/member_absent.c', red: drafts('has left go'),
    from: 'm.room_id = a.room AND m.subject = a.subject"', to: 'm.room_id = a.room"',
  },
  {
    name: 'drafts outlive their author', file: 'services/store/messages/message_erase.c', red: drafts('go with their author'),
    from: 'FROM draft WHERE subject = $1 LIMIT $2)', to: 'FROM draft WHERE subject = $1 AND false LIMIT $2)',
  },
  {
    name: 'a device does not hear that a draft is gone', file: 'services/gateway/own/own.c', red: drafts('what is begun on one device'),
    from: 'if (news.end != NULL) tell_all(subject, news.end->room, make_packet("draft:cleared"', to: 'if (news.end == NULL) tell_all(subject, news.end->room, make_packet("draft:cleared"',
  },
  // --- reading a room in ---
  {
    name: 'who comes with a file has all of it to read', file: 'services/chat/rooms/room_import.c', red: importing('the same to the byte'),
    from: 'pg_int(req->head)), &added', to: 'pg_int(0)), &added',
  },
  {
    name: 'a file is read into a room that has lived on', file: 'services/chat/rooms/room_import.c', red: importing('the same to the byte'),
    from: '    if (state.whole) return OK;', to: '',
  },
  {
    name: 'a file adds to a room that is whole', file: 'services/store/import/log_import.c', red: importing('cut off goes on behind'),
    from: 'part->is_whole = state.whole;', to: 'part->is_whole = false;',
  },
  {
    name: 'a room that no file brought takes one', file: 'services/chat/rooms/room_import.c', red: importing('cut off goes on behind'),
    from: 'if (e == ERR_NOT_FOUND || is_other)', to: 'if (is_other)',
  },
  {
    name: 'a file says who owns what it shows', file: 'services/store/import/log_import.c', red: importing('lets nobody read files of others'),
    from: "UPDATE attachment SET sender = '' WHERE", to: 'UPDATE attachment SET sender = sender WHERE',
  },
  {
    name: 'what is not shown as it was made is taken', file: 'services/store/import/import_lines.c', red: ['unit', 'store/test_import'],
    from: '!str_eq(said.hash, export_hash(r->arena, r->from.hash, r->hashed)) ||', to: '',
  },
  // --- taking a room along ---
  {
    name: 'every member takes a room along', file: 'services/chat/rooms/room_export.c', red: exporting('owners and admins'),
    from: 'MAY_export', to: 'MAY_read',
  },
  {
    name: 'an edit says what was said before one came', file: 'services/store/export/log_export.c', red: exporting('who came late'),
    from: 'if (entry->target == 0 || entry->target > floor) return;', to: 'if (floor >= 0) return;',
  },
  {
    name: 'an export ends where the log is by then', file: 'services/store/export/log_export.c', red: exporting('ends with what was the newest'),
    from: 'if (part->is_first) part->to.head = part->ends.head;', to: 'part->to.head = part->ends.head;',
  },
  {
    name: 'what one hides from oneself is not in the export', file: 'services/store/export/log_export.c', red: exporting('has the room, its members by name'),
    from: ', .limit = PART_ENTRIES', to: ', .reader = call->who->sub, .limit = PART_ENTRIES',
  },
  {
    name: 'the hash is of the last part alone', file: 'services/store/export/export_lines.c', red: exporting('from each mark on'),
    from: 'EVP_DigestUpdate(hash, before.at, before.len) != 1 ||', to: 'before.len == 0 ||',
  },
  {
    name: 'a mark counts entries anew', file: 'services/store/export/log_export.c', red: exporting('from each mark on'),
    from: 'part->to.entries += (int64_t)part->n;', to: 'part->to.entries = (int64_t)part->n;',
  },
  {
    name: 'whose key was revoked is read to', file: 'services/gateway/routes/rest_lines.c', red: exporting('who may no more'),
    from: 'return rights_renew(flow->routes->bearers, http_address(rest->http), &rest->rights) == OK &&', to: 'return',
  },
  {
    name: 'one subject has all the exports', file: 'services/gateway/routes/rest_lines.c', red: exporting('does not read'),
    from: '#define FLOWS_OF_ONE 4 ', to: '#define FLOWS_OF_ONE FLOWS_MAX ',
  },
  // --- messages that are sent later ---
  {
    name: 'what is being sent is cancelled', file: 'services/store/scheduled/scheduled_change.c', red: scheduled('dies behind the commit'),
    from: 'OWN " AND NOT sending"', to: 'OWN',
  },
  {
    name: 'what is sent is not said to be', file: 'services/store/scheduled/schedule_run.c', red: scheduled('dies behind the commit'),
    from: 'UPDATE scheduled s SET sending = true FROM', to: 'UPDATE scheduled s SET sending = false FROM',
  },
  {
    name: 'what is in the log is refused', file: 'services/store/scheduled/schedule_run.c', red: scheduled('is told as sent'),
    from: 'if (s->e != OK && !may_pass(s->e)) TRY(find_stored(pg, arena, s));', to: '(void)find_stored;',
  },
  {
    name: 'what was sent counts for its author', file: 'services/store/scheduled/schedule_run.c', red: scheduled('sent at its time as it was scheduled'),
    from: 'rows > 0 ? quota_give(call, QUOTA_scheduled, s->due->subject, 1) : OK', to: 'OK',
  },
  {
    name: 'a message is sent early', file: 'services/store/scheduled/schedule_run.c', red: scheduled('is listed in pages'),
    from: 'WHERE try_at <= now() AND refused', to: "WHERE try_at <= now() + interval '1 day' AND refused",
  },
  {
    name: 'whose account is disabled is heard', file: 'services/store/scheduled/schedule_run.c', red: scheduled('goes with its room'),
    from: 'return due->state.len > 0 && !str_is(due->state, "active");', to: 'return due->state.len > 1000;',
  },
  {
    name: 'a file that waits to be shown is none that is used', file: 'services/store/attachments/attachment_used.c', red: scheduled('waits to be shown'),
    from: 's.attachments @> ARRAY[q.media])', to: 's.attachments @> ARRAY[q.media] AND false)',
  },
  {
    name: 'another text sends what was refused', file: 'services/store/scheduled/scheduled_change.c', red: scheduled('is muted by then'),
    from: '" refused = CASE WHEN $4::timestamptz IS NULL THEN refused END,"', to: '" refused = NULL,"',
  },
  {
    name: 'a page of scheduled messages begins with those of the same time', file: 'services/store/scheduled/scheduled_change.c', red: scheduled('is listed in pages'),
    from: '(send_at, nth) > (COALESCE', to: '(send_at, nth) >= (COALESCE',
  },
  {
    name: 'what was scheduled outlives its room', file: 'services/chat/rooms/room_keeping.c', red: scheduled('goes with its room'),
    from: 'rep->gone = gone.rooms;', to: '',
  },
  {
    name: 'a device does not hear what becomes of what another one scheduled', file: 'services/gateway/own/own.c', red: scheduled('sent at its time as it was scheduled'),
    from: 'DL_FOREACH(subject->sockets, socket)\n        if (may_hear(socket->client, room) && !sio', to: 'socket = subject->sockets;\n        if (may_hear(socket->client, room) && !sio',
  },
  // --- words that are no more ---
  {
    name: 'the text before the first edit is never forgotten', file: 'services/store/messages/former_purge.c', red: ['scenario', 'r_words', 'before it was edited'],
    from: 'm.seq = e.target AND e.first_at <= late.at)', to: 'm.seq = e.target AND e.first_at > late.at)',
  },
  {
    name: 'what a message says now is forgotten with what it said', file: 'services/store/messages/former_purge.c', red: ['scenario', 'r_words', 'before it was edited'],
    from: 'e.replaced_at <= late.at),"', to: 'COALESCE(e.replaced_at, late.at) <= late.at),"',
  },
  {
    name: 'some of what is forgotten is done later', file: 'services/store/messages/former_purge.c', red: ['scenario', 'r_words', 'leaves no half'],
    from: 'c.seq = e.seq AND e.replaced_at <= late.at),"', to: 'c.seq = e.seq AND e.seq % 2 = 0 AND e.replaced_at <= late.at),"',
  },
  {
    name: 'versions are read by who does not read the message', file: 'services/store/messages/message_aside.c', red: ['scenario', 'r_who_reads', 'with history joining'],
    from: 'if (!history_reads(aside->may.reads_after, target.at)) return ERR_NOT_FOUND;', to: '',
  },
  {
    name: 'a deleted message has versions', file: 'services/store/messages/message_aside.c', red: ['scenario', 'r_words', 'before it was edited'],
    from: ' AND n.delete_seq IS NULL AND n.withheld_at', to: ' AND n.withheld_at',
  },
  {
    name: 'pages show what their reader hid', file: 'services/store/log/history_page.c', red: ['scenario', 'r_words', 'has no text on any'],
    from: 'if (view->hidden_at == 0) continue;', to: 'if (view->hidden_at >= 0) continue;',
  },
  {
    name: 'who catches up hears what they hid', file: 'services/store/log/log.c', red: ['scenario', 'r_words', 'has no text on any'],
    from: '.reader = call->who->sub, ', to: '',
  },
  {
    name: 'what one hides is hidden from all', file: 'services/store/log/history_page.c', red: ['scenario', 'r_words', 'has no text on any'],
    from: 'WHERE h.subject = $5 AND h.room_id = p.room', to: 'WHERE h.room_id = p.room',
  },
  // --- for how long rooms keep what was said ---
  {
    name: 'a log is read from before its beginning until the rows are removed', file: 'services/store/log/history_page.c', red: keeping('that is stuck'),
    from: 'if (*seq < ends.first - 1) *seq = ends.first - 1;', to: '',
  },
  {
    name: 'who catches up from before the beginning is told nothing', file: 'services/gateway/rooms/subscription.c', red: keeping('all that hangs on it'),
    from: 'if (page->first > before + 1) subscription->first = page->first;', to: '',
  },
  {
    name: 'edits keep the words of a message that was removed', file: 'services/store/log/log_trim.c', red: keeping('all that hangs on it'),
    from: "AND kind = 'message:edit' AND (body", to: "AND kind = 'message:edited' AND (body",
  },
  {
    name: 'the segments of search count what was removed', file: 'services/store/log/log_trim.c', red: keeping('all that hangs on it'),
    from: 'SET n = s.n - g.n FROM"', to: 'SET n = s.n FROM"',
  },
  {
    name: 'rows are removed before a consumer has had them', file: 'services/store/log/log_trim.c', red: keeping('has not had stays'),
    from: "rows[i].method[0] != '\\0'", to: "rows[i].method[0] == '\\0'",
  },
  {
    name: 'a room keeps for longer than the installation', file: 'services/store/log/log_trim.c', red: keeping('never for more'),
    from: 'days = fewer(days, kept->rooms.at[i].days);', to: 'days = kept->rooms.at[i].days > 0 ? kept->rooms.at[i].days : days;',
  },
  {
    name: 'what is removed counts as unread', file: 'services/chat/rooms/room_keeping.c', red: keeping('not to be read'),
    from: 'WHERE a.first < u.first', to: 'WHERE a.first > u.first',
  },
  {
    name: 'batches wait for the removal of rows', file: 'services/store/log/log_trim.c', red: keeping('that is stuck'),
    from: 'TRY(pg_run(pg, arena, HOLD_SEARCH, PG_NO_ARGS, NULL));', to: 'TRY(pg_run(pg, arena, HOLD_SEARCH, PG_NO_ARGS, NULL)); TRY(pg_run(pg, arena, CLEARED, PG_ARGS(pg_id(room), pg_int(1)), NULL));',
  },
  // --- who reads what was said before ---
  {
    name: 'a page of a log begins with the first message, whoever reads it', file: 'services/store/messages/message_list.c', red: whoReads('joining'),
    from: 'TRY(history_floor(pg, arena, r->slice.room, r->reads_after, &r->slice.floor));', to: '',
  },
  {
    name: 'a thread begins with its first reply, whoever reads it', file: 'services/store/log/history_page.c', red: whoReads('joining'),
    from: '" AND seq " condition " $2 AND seq > $7 ORDER BY', to: '" AND seq " condition " $2 ORDER BY',
  },
  {
    name: 'a file is shown to who may not read what shows it', file: 'services/store/attachments/attachment_access.c', red: whoReads('joining'),
    from: 'may.role != ROLE_none && history_reads(may.reads_after, asking->last.at)', to: 'may.role != ROLE_none',
  },
  {
    name: 'something is done to a message by who may not read it', file: 'services/store/entries/entries.c', red: whoReads('joining'),
    from: 'if (!history_reads(may.reads_after, target->at))', to: 'if (target->at == 0)',
  },
  {
    name: 'a join with `since` catches up with what was before it', file: 'services/store/log/log.c', red: ['service', 'test_history'],
    from: 'req->reads_after, &rep->after)', to: '0, &rep->after)',
  },
  {
    name: 'what a message is now hears who may not read it', file: 'services/gateway/rooms/subscription_send.c', red: whoReads('joining'),
    from: 'is_blind ? entry->blind : entry->packet', to: 'is_blind ? entry->packet : entry->packet',
  },
  {
    name: 'who was no member meanwhile gets back what was said meanwhile', file: 'services/gateway/recovery/resume.c', red: whoReads('joining'),
    from: 'c->positions[i].membership.reads_after = found->reads_after;', to: '',
  },
  {
    name: 'who comes back reads from where they were before', file: 'services/chat/rooms/room_row.c', red: whoReads('joining'),
    from: 'reads_after($6, joined_at) AS reads_after', to: 'reads_after($6, NULL) AS reads_after',
  },
  {
    name: 'gateways do not hear that a room has another history', file: 'services/chat/rooms/room_update.c', red: ['scenario', 'r_who_reads', 'a change of the setting'],
    from: 'if (req->history.at != NULL) call_after', to: 'if (req->history.at == NULL) call_after',
  },
  {
    name: 'everybody reads all', file: 'migrations/chat/0013_history.sql', red: whoReads('joining'),
    from: "WHEN history <> 'all' THEN", to: "WHEN history = 'none' THEN",
  },
  {
    name: 'an export has what others did', file: 'services/store/log/history_page.c', red: ['scenario', 'r_who_reads', 'own export'],
    from: 'for (size_t i = 0; i < out->len; i++) keep_own(', to: 'for (size_t i = out->len; i < out->len; i++) keep_own(',
  },
  // --- history ---
  {
    name: 'the head of a page is younger than its messages', file: 'services/store/messages/message_list.c', red: ['scenario', 'r_history', 'a page, and what is heard'],
    from: 'TRY(pg_one_snapshot(pg, arena));', to: '',
  },
  {
    name: 'a page around a message is cut where it begins', file: 'services/store/log/history_page.c', red: ['service', 'test_history'],
    from: '"abs(w.seq - $2)"', to: '"w.seq"',
  },
  {
    name: 'every room has lines', file: 'services/chat/rooms/lines.c', red: ['scenario', 'r_history', 'did not ask for lines'],
    from: 'WHERE r.id = $1 AND r.lines ORDER', to: 'WHERE r.id = $1 ORDER',
  },
  {
    name: 'a store does not hear that lines wait', file: 'services/store/chat_link.c', red: ['scenario', 'r_history', 'comes and goes is said'],
    from: '} else if (str_is(head->name, "line.waiting")) {', to: '} else if (str_is(head->name, "line.wanting")) {',
  },
  {
    name: 'a line has another id each time', file: 'services/store/lines.c', red: ['scenario', 'r_history', 'comes and goes is said'],
    from: '.id = id_text(lines->arena, line->id),', to: '.id = id_text(lines->arena, id_new()),',
  },
  {
    name: 'a line that is refused is tried for ever', file: 'services/chat/rooms/dead_lines.c', red: ['scenario', 'r_history', 'holds up no other'],
    from: 'r.final > 0 OR l.attempts + 1 >= $4', to: 'r.final > 0 AND l.attempts + 1 >= $4',
  },
  {
    name: 'those behind a line that is refused do not wait for it', file: 'services/store/lines.c', red: ['scenario', 'r_history', 'holds up no other'],
    from: '    return is_final;', to: '    return true;',
  },
  {
    name: 'what was given up is asked for again', file: 'services/chat/rooms/lines.c', red: ['scenario', 'r_history', 'holds up no other'],
    from: 'FROM line WHERE dead_at IS NULL ORDER BY n', to: 'FROM line ORDER BY n',
  },
  {
    name: 'what the server said of who was erased is blanked', file: 'services/store/messages/message_erase.c', red: ['scenario', 'n_directory', 'erased everywhere'],
    from: 'sender = $1 AND kind IS NULL AND', to: 'sender = $1 AND',
  },
  // --- search ---
  {
    name: 'what writes the index never rests', file: 'services/store/feeds/feeds.c', red: ['scenario', 't_search', 'rests for the messages'],
    from: '(1 / share - 1) : 0', to: '(1 / share - 1) * 0 : 0',
  },
  {
    name: 'what was deleted stays in the index', file: 'services/store/search/search_take.c', red: ['scenario', 't_search', 'what was edited'],
    from: '\'message:edit\', \'message:delete\',', to: '\'message:edit\', \'message:deleted\',',
  },
  {
    name: 'who came late finds what was said before', file: 'services/store/search/search_read.c', red: ['scenario', 't_search', 'who came late'],
    from: 'WHERE h.at > r.reads_after', to: 'WHERE h.at > 0',
  },
  {
    name: 'the next page begins with the end of the last one', file: 'services/store/search/search_read.c', red: ['scenario', 't_search', 'all pages together'],
    from: '(e.at, e.room_id, e.seq) < ($5, $6, $7)', to: '(e.at, e.room_id, e.seq) <= ($5, $6, $7)',
  },
  {
    name: 'one letter is looked for inside of words', file: 'services/store/search/text.c', red: ['unit', 'store/test_search'],
    from: 'if (word->len == 1) return search_begins_word(text, i);', to: 'if (word->len == 1) return true;',
  },
  {
    name: 'of few rooms more is read than is in them', file: 'services/store/search/search_read.c', red: ['service', 'test_search'],
    from: 'r->rooms.len <= ROOMS_BY_INDEX', to: 'r->rooms.len <= 0',
  },
  {
    name: 'a policy\'s deny of some rooms\' history is not one of a search of all', file: 'libshared/policy/policy_set.c', red: ['unit', 'policy/test_policy'],
    from: '(!rule->allow && q->action == POLICY_HISTORY && q->room.len == 0)', to: '(!rule->allow && q->action == POLICY_HISTORY && q->room.len == 1000)',
  },
  {
    name: 'what somebody hides from themselves they find', file: 'services/store/search/texts.c', red: ['scenario', 't_search', 'what was edited'],
    from: 'n.withheld_at IS NULL AND h.at IS NULL', to: 'n.withheld_at IS NULL',
  },
  // --- what follows from the log ---
  {
    name: 'an entry that comes again has its consequence again', file: 'services/chat/activity/activity_take.c', red: ['scenario', 'r_history', 'written once'],
    from: 'while (known < piece->n && piece->entries[known].seq <= position->seq) known++;', to: '',
  },
  {
    name: 'what a consumer has lost it does not have again', file: 'services/store/feeds/feeds.c', red: ['scenario', 'r_history', 'written once'],
    from: 'places->at[i].seq < lane->last[k])', to: 'places->at[i].seq < 0)',
  },
  {
    name: 'what had no place in a batch is passed over', file: 'services/store/feeds/feed_read.c', red: ['scenario', 'r_history', 'written once'],
    from: 'if (n == of_each) span->seq =', to: 'if (n > FEED_ENTRIES_MAX) span->seq =',
  },
  {
    name: 'of many voices in a batch some are passed over', file: 'services/store/feeds/feed_read.c', red: ['service', 'test_feeds'],
    from: 'return fits ? OK :', to: 'return OK; return fits ? OK :',
  },
  {
    name: 'a batch has as few messages as voices', file: 'services/store/feeds/feed_read.c', red: ['service', 'test_feeds'],
    from: 'texts, FEED_SPAN_MAX / rooms.len,', to: 'texts, FEED_ENTRIES_MAX / rooms.len,',
  },
  {
    name: 'rooms that nobody noted are not found', file: 'services/store/feeds/feeds.c', red: ['scenario', 'r_history', 'written once'],
    from: 'if (!feed->sweeps || feed->is_looking) return;', to: 'if (feed->sweeps || feed->is_looking) return;',
  },
  {
    name: 'a deleted message is still to be read', file: 'services/chat/activity/activity_count.c', red: ['scenario', 'r_history', 'written once'],
    from: 'if (!str_is(entry->kind, "message:delete")) continue;', to: 'if (!str_is(entry->kind, "message:deleted")) continue;',
  },
  {
    name: 'a room of which nothing can be written holds up others', file: 'services/store/feeds/feeds.c', red: ['scenario', 'r_history', 'how late'],
    from: '    lane->most = 1;\n', to: '',
  },
  {
    name: 'what failed is not handed on again', file: 'services/store/feeds/feeds.c', red: ['scenario', 'r_history', 'how late'],
    from: 'for (size_t i = 0; i < lane->n_taken; i++) note_room(lane, lane->taken[i].room, lane->taken[i].at);', to: '',
  },
  // --- what is read ---
  {
    name: 'a place goes back', file: 'services/chat/reading/read_mark.c', red: ['scenario', 'r_reading', 'never goes back'],
    from: 'greatest(m.read_seq, coalesce(nullif($3, -1),"\n    " a.seq))', to: 'coalesce(nullif($3, -1),"\n    " a.seq)',
  },
  {
    name: 'a time is taken for a place', file: 'services/chat/reading/read_mark.c', red: ['scenario', 'r_reading', 'never goes back'],
    from: '$3 <= a.seq + $6', to: '$3 <= a.seq + $6 * 1000000000',
  },
  {
    name: 'what one says one has to read', file: 'services/chat/reading/read_by_speaking.c', red: ['scenario', 'r_reading', 'come with the last message'],
    from: 'if (voices->len == 0) return OK;', to: 'if (voices->len > 0) return OK;',
  },
  {
    name: 'who comes in has to read all', file: 'services/chat/rooms/room_row.c', red: ['scenario', 'r_reading', 'a recount of the log'],
    from: '" coalesce((SELECT seq FROM activity WHERE room_id = $1), 0) FROM', to: '" 0 FROM',
  },
  {
    name: 'a page repeats the last room of the one before', file: 'services/chat/rooms/room_list.c', red: ['scenario', 'r_reading', 'come with the last message'],
    from: '" < (COALESCE($2', to: '" <= (COALESCE($2',
  },
  {
    name: 'each room of a page is asked for', file: 'services/chat/rooms/room_list.c', red: ['scenario', 'r_reading', 'is one statement'],
    from: '    fill_rights(call, &rep->rooms);\n    rep->meta', to: '    for (size_t i = 0; i < rep->rooms.len; i++) TRY(room_get(call, &(struct room_ref){ rep->rooms.at[i].id }, &rep->rooms.at[i]));\n    rep->meta',
  },
  {
    name: 'all rooms are looked up for a page', file: 'services/chat/rooms/room_list.c', red: ['scenario', 'r_reading', 'is one statement'],
    from: '" ORDER BY 2 DESC, 1 DESC LIMIT $4",\n        "o.active_at DESC, o.room_id DESC");', to: '"",\n        "o.active_at DESC, o.room_id DESC LIMIT $4");',
  },
  // --- mentions ---
  {
    name: 'a name goes on behind its end', file: 'services/chat/mentions/mentions_follow.c', red: ['scenario', 'r_mentions', 'the longest'],
    from: 'WHERE name_ends(n.key, i)', to: 'WHERE true',
  },
  {
    name: 'the shortest name counts', file: 'services/chat/mentions/mentions_follow.c', red: ['scenario', 'r_mentions', 'the longest'],
    from: 'ORDER BY found.i DESC LIMIT 1', to: 'ORDER BY found.i LIMIT 1',
  },
  {
    name: 'who is no member is mentioned', file: 'services/chat/mentions/mentions_follow.c', red: ['scenario', 'r_mentions', 'the longest'],
    from: '(SELECT subject FROM member"\n    "     WHERE room_id = n.room_id AND subject = found.subject LIMIT 1)', to: '(SELECT found.subject)',
  },
  {
    name: 'anybody mentions everybody', file: 'services/chat/mentions/mentions_follow.c', red: ['scenario', 'r_mentions', 'everybody who is there'],
    from: 'AND m.role = ANY ($6))', to: 'AND $6::text[] IS NOT NULL)',
  },
  {
    name: 'all users are looked through for a name', file: 'services/chat/mentions/mentions_follow.c', red: ['scenario', 'r_mentions', 'full of names'],
    from: 'WHERE name_key(nickname) = left(n.key, i)', to: "WHERE name_key(nickname) || '' = left(n.key, i)",
  },
  {
    name: 'an edit takes no mention away', file: 'services/chat/mentions/mentions_follow.c', red: ['scenario', 'r_mentions', 'one moment'],
    from: '|| is_edit ||', to: '|| (is_edit && entry->body.len > 0) ||',
  },
  {
    name: 'what an edit in the same piece says is not looked at', file: 'services/chat/mentions/mentions_follow.c', red: ['scenario', 'r_mentions', 'one moment'],
    from: '            list->at[i] = naming;\n', to: '',
  },
  {
    name: 'whom one blocks is in one\'s mentions', file: 'services/chat/mentions/mention_list.c', red: ['scenario', 'r_mentions', 'whom one blocks'],
    from: 'AND NOT blocks($1, n.sender) " NEWEST ") n WHERE', to: '" NEWEST ") n WHERE',
  },
  {
    name: 'mentions are read that one may not read', file: 'services/chat/mentions/mention_list.c', red: ['scenario', 'r_mentions', 'that one reads now'],
    from: "coalesce(reads_after(r.history, m.joined_at), '-infinity')", to: "'-infinity'",
  },
  {
    name: 'what everybody was told before one came is one\'s own', file: 'services/chat/mentions/mention_list.c', red: ['scenario', 'r_mentions', 'that one reads now'],
    from: 'AND n.at > m.joined_at', to: 'AND m.joined_at IS NOT NULL',
  },
  {
    name: 'a place in the list is in the page behind it, too', file: 'services/chat/mentions/mention_list.c', red: ['scenario', 'r_mentions', 'that one reads now'],
    from: '(n.at, n.room_id, n.seq) <', to: '(n.at, n.room_id, n.seq) <=',
  },
  {
    name: 'who has joined hears of no mention', file: 'services/chat/mentions/mentions_follow.c', red: ['scenario', 'r_mentions', 'each socket'],
    from: 'OWN_CHANGED, (struct str_list)', to: 'OWN_SAID, (struct str_list)',
  },
  {
    name: 'mentions outlive their messages', file: 'services/chat/rooms/room_keeping.c', red: ['scenario', 'r_keeping', 'not to be read'],
    from: 'AND n.seq < u.first', to: 'AND n.seq < 0',
  },
  {
    name: 'code mentions somebody', file: 'services/store/feeds/named.c', red: ['unit', 'store/test_named'],
    from: 'return i + n;', to: 'return at + n;',
  },
  {
    name: 'a URL mentions somebody', file: 'services/store/feeds/named.c', red: ['unit', 'store/test_named'],
    from: 'is_url = true;', to: 'is_url = false;',
  },
  {
    name: 'a name is as long as its line', file: 'services/store/feeds/named.c', red: ['unit', 'store/test_named'],
    from: 'n++ == NAMED_CHARS', to: 'n++ == 1000',
  },
  // --- rooms that appear by themselves ---
  {
    name: 'a subject is asked about as often as something happens', file: 'services/gateway/own/own.c', red: ['scenario', 'r_own', 'once in a while'],
    from: '+ PERIOD_S;', to: '+ 0;',
  },
  {
    name: 'more subjects are asked about at a time than may be', file: 'services/gateway/own/own.c', red: ['unit', 'gateway/own/test_own'],
    from: 'if (own->asking >= ASKING_MAX) break;', to: 'if (own->asking > ASKING_MAX) break;',
  },
  {
    name: 'what was asked before a room ended is told after it', file: 'services/gateway/own/own.c', red: ['unit', 'gateway/own/test_own'],
    from: '*note = question->notes[--question->n];', to: 'assert(note != NULL);',
  },
  {
    name: 'who was slow is not told what it missed', file: 'services/gateway/own/own.c', red: ['unit', 'gateway/own/test_own'],
    from: 'doubt_since(socket->of, socket->missed_since);', to: 'assert(object != NULL);',
  },
  {
    name: 'rooms beyond those that are noted are forgotten', file: 'services/gateway/own/own.c', red: ['unit', 'gateway/own/test_own'],
    from: 'doubt_since(subject, (subject->n > 0 ? subject->noted_at : clock_ms()) - MARGIN_MS);', to: 'make_due(subject);',
  },
  {
    name: 'rooms are noted without a bound', file: 'services/gateway/own/own.c', red: ['unit', 'gateway/own/test_own'],
    from: 'bool is_full = subject->n >= NOTES_MAX', to: 'bool is_full = subject->n >= SIZE_MAX',
  },
  {
    name: 'of all subjects together rooms are noted without a bound', file: 'services/gateway/own/own.c', red: ['unit', 'gateway/own/test_own'],
    from: 'subject->home->places < subject->home->places_max', to: 'subject->home->places_max > 0',
  },
  {
    name: 'who has nothing noted any more is asked about', file: 'services/gateway/own/own.c', red: ['unit', 'gateway/own/test_own'],
    from: '    subject->is_due = false;\n    DL_DELETE(subject->home->due, subject);\n}', to: '}',
  },
  {
    name: 'who finds no place asks again and makes none', file: 'services/gateway/own/own.c', red: ['unit', 'gateway/own/test_own'],
    from: ' && (subject->n == 0 || has_place(subject)))', to: ')',
  },
  {
    name: 'a token for other rooms hears of this one', file: 'services/gateway/own/own.c', red: ['unit', 'gateway/own/test_own'],
    from: 'if (!may_hear(socket->client, room->id)) continue;', to: 'if (socket->client == NULL) continue;',
  },
  {
    name: 'a question that failed is forgotten', file: 'services/gateway/own/own.c', red: ['unit', 'gateway/own/test_own'],
    from: 'doubt_since(subject, question->since);\n}', to: 'subject->noted_at = question->since;\n}',
  },
  {
    name: 'what chat did not tell is not asked for', file: 'services/gateway/own/own.c', red: ['scenario', 'r_own', 'nobody told a gateway'],
    from: 'if (part.service == SERVICE_chat) doubt_all(object, part.index);\n}', to: '(void)object, (void)part;\n}',
  },
  {
    name: 'only the first page of what was missed is told', file: 'services/gateway/own/own.c', red: ['scenario', 'r_own', 'nobody told a gateway'],
    from: 'if (places.len < PLACES_MAX) return;', to: 'if (places.len <= PLACES_MAX) return;',
  },
  {
    name: 'who has joined a room hears of its end twice', file: 'services/gateway/own/own.c', red: ['scenario', 'r_own', 'appears by itself'],
    from: 'if (may_hear(socket->client, room) && !has_joined(socket, room)) tell_socket', to: 'if (may_hear(socket->client, room)) tell_socket',
  },
  {
    name: 'a room with whom one blocks is told of', file: 'services/chat/rooms/room_list.c', red: ['scenario', 'r_own', 'a block is silent'],
    from: 'PAGE_OF(OWN SEEN " AND m.room_id = ANY ($2)"', to: 'PAGE_OF(OWN " AND m.room_id = ANY ($2)"',
  },
  {
    name: 'who was a member is not remembered', file: 'services/chat/own/own_since.c', red: ['scenario', 'r_own', 'nobody told a gateway'],
    from: 'f.subject = $1 AND f.ended_at > $2', to: 'f.subject = $1 AND f.ended_at < $2',
  },
  // --- chat in parts ---
  {
    name: 'a request goes to any part', file: 'services/gateway/methods.c', red: ['scenario', 'g_chats', 'a room of'],
    from: 'if (part_of_request(body, to->n, &part)) return to->at[part];', to: 'if (part_of_request(body, to->n, &part)) part = 0;',
  },
  {
    name: 'what names no room waits for a part that is dead', file: 'services/gateway/methods.c', red: ['scenario', 'g_chats', 'while chat is dead'],
    from: 'while (part + 1 < to->n && !rpc_client_is_up(to->at[part])) part++;', to: '',
  },
  {
    name: 'a part takes rooms that are not its own', file: 'services/chat/main.c', red: ['scenario', 'g_chats', 'refuses rooms'],
    from: 'if (part != chat->part) return refuse_foreign(call, part);', to: 'if (part > PARTS_MAX) return refuse_foreign(call, part);',
  },
  {
    name: 'a part is had by two', file: 'libshared/db/pg_claim.c', red: ['scenario', 'g_chats', 'a second process|a room of'],
    from: 'if (all) return CLAIM_HELD;', to: 'if (all || claim->conn != NULL) return CLAIM_HELD;',
  },
  {
    name: 'who lost its numbers to another goes on', file: 'libshared/db/pg_claim.c', red: ['unit', 'db/test_pg_claim'],
    from: 'if (answer == CLAIM_TAKEN) {', to: 'if (answer == CLAIM_TAKEN && claim->config.n == 0) {',
  },
  {
    name: 'who is cut off stays sure', file: 'libshared/db/pg_claim.c', red: ['unit', 'db/test_pg_claim'],
    from: 'return clock_mono_us() < atomic_load(&claim->sure_until_us);', to: 'return clock_mono_us() > 0 || atomic_load(&claim->sure_until_us) == 0;',
  },
  {
    name: 'who was silent for long goes on', file: 'libshared/db/pg_claim.c', red: ['unit', 'db/test_pg_claim'],
    from: 'if (answer == CLAIM_HELD && was_silent_for_long(claim)) return CLAIM_TAKEN;', to: 'if (answer == CLAIM_HELD && was_silent_for_long(claim)) note_answer(claim);',
  },
  {
    name: 'the heir does not wait', file: 'libshared/db/pg_claim.c', red: ['unit', 'db/test_pg_claim'],
    from: 'wait_for(claim, -1, (int)grace_ms(claim));', to: 'wait_for(claim, -1, (int)grace_ms(claim) / 1000);',
  },
  {
    name: 'a process of chat that is cut off goes on', file: 'services/chat/main.c', red: ['scenario', 'g_chats', 'is cut off'],
    from: 'return pg_claim_is_sure(claim) ? OK : refuse_unsure(call);', to: 'return pg_claim_is_sure(claim) || part == chat->part ? OK : refuse_unsure(call);',
  },
  {
    name: 'a part claims the slots of the next one', file: 'libshared/rpc/parts.c', red: ['unit', 'rpc/test_parts'],
    from: 'return (part * PART_SLOTS + n - 1) / n;', to: 'return part * PART_SLOTS / n;',
  },
  {
    name: 'a store asks one part about all rooms', file: 'services/store/store.h', red: ['scenario', 'g_chats', 'a room of'],
    from: 'return &store->parts[part_of(room, store->n_parts)];', to: '(void)room;\n    return &store->parts[0];',
  },
  {
    name: 'what one process did to an owner of rooms no process takes', file: 'services/chat/members/member_erase.c', red: ['scenario', 'g_chats', 'erases the owner'],
    from: '        hear_change(chat, &change);', to: '        (void)hear_change;',
  },
  {
    name: 'an administrator limits who may more', file: 'services/auth/limits/limit_set.c', red: ['scenario', 'm_admin', 'sets no limit'],
    from: 'return key.len > 0 ? issuer_outranks_key(call, key) : issuer_outranks_all(call);', to: 'return key.len > 0 ? issuer_outranks_key(call, key) : OK;',
  },
  {
    name: 'a token of a key is ended by whoever may end sessions', file: 'services/auth/tokens/session_logout.c', red: ['scenario', 'm_admin', 'sets no limit'],
    from: 'if (!id_parse(session, &id)) return issuer_outranks_all(call);', to: 'if (!id_parse(session, &id)) return OK;',
  },
  // --- the directory of people ---
  {
    name: 'a page of users says that it is the last one', file: 'services/auth/position_page.c', red: ['scenario', 'n_directory', 'catches up'],
    from: 'bool more = row.n == most && row.last < row.newest;', to: 'bool more = most < 0;',
  },
  {
    name: 'what a bad signature left is found by TLS', file: 'libshared/base/es256.c', red: ['unit', 'base/test_es256'],
    from: 'EVP_MD_CTX_free(ctx);\n    ERR_clear_error();', to: 'EVP_MD_CTX_free(ctx);',
  },
  {
    name: 'whoever signs is believed', file: 'libshared/base/es256.c', red: ['unit', 'base/test_es256'],
    from: 'EVP_DigestVerify(ctx, der, len, (const unsigned char *)text.at, text.len) == 1;', to: 'EVP_DigestVerify(ctx, der, len, (const unsigned char *)text.at, text.len) >= 0;',
  },
  // --- alerts ---
  {
    name: 'a certificate that is late when a gateway starts is in time', file: 'libshared/http/renewal.c', red: ['scenario', 'n_alerts', 'certificate that was not'],
    from: 'renewal->told[i] = LATE_PERCENT + 1;', to: 'renewal->told[i] = 0;',
  },
  // --- rooms whose owner goes ---
  {
    name: 'a room whose owner is erased has none', file: 'services/chat/members/member_erase.c', red: ['scenario', 'n_directory', 'whose owner is erased'],
    from: 'if (left->rooms.at[i].owned)', to: 'if (left->rooms.at[i].version == 0)',
  },
  {
    name: 'a room is passed on to whoever was there first, though disabled', file: 'services/chat/rooms/room_heir.c', red: ['scenario', 'n_directory', 'whose owner is erased'],
    from: "d.state = 'active' THEN 0", to: "d.state = 'active' THEN 3",
  },
  {
    name: 'an owner who leaves leaves a room that nobody has', file: 'services/chat/rooms/room_remove.c', red: ['scenario', 'n_directory', 'whose owner is erased'],
    from: 'if (change.who.len > 0) TRY(pass_on(call, &change));', to: '(void)pass_on;',
  },
  {
    name: 'anybody comes into a room that nobody is in', file: 'services/chat/rooms/room_heir.c', red: ['scenario', 'n_directory', 'whose owner is erased'],
    from: 'AND members = 0', to: 'AND members < 0',
  },
  // --- people and keys: who ends whom, what is proved again, what is counted ---
  {
    name: 'a minute that a gateway tells again counts again', file: 'services/auth/keys/key_use.c', red: auth,
    from: 'greatest(key_minute.uses, excluded.uses)', to: 'key_minute.uses + excluded.uses',
  },
  {
    name: 'whoever may anything more than administrators is none of theirs to end', file: 'libshared/policy/policy_within.c', red: ['unit', 'policy/test_policy_within'],
    from: 'part.nsp = STR("/admin");', to: '',
  },
  {
    name: 'an administrator ends who may more', file: 'services/auth/keys/issuer.c', red: ['scenario', 'm_admin', 'ends nobody'],
    from: 'if (policy_admin_within(&policy.rules, &issuer.policy.rules)) return OK;', to: 'return OK;',
  },
  {
    name: 'a QR code has a bit of its format wrong in both places', file: 'libshared/page/qr.c', red: ['unit', 'page/test_qr'],
    from: '#define MASK           0', to: '#define MASK           1',
  },
  {
    name: 'a session that another takes the place of goes on', file: 'services/auth/sessions/sign_in.c', red: ['scenario', 'p_pages', 'a while ago'],
    from: 'TRY(session_replace(call, replaces));', to: '(void)replaces;',
  },
  {
    name: 'words that are said quietly cannot be read', file: 'libshared/page/style.c', red: ['scenario', 'p_pages', 'assistive'],
    from: '--quiet:#666b74', to: '--quiet:#a6abb4',
  },
  {
    name: 'an older session does what wants a fresh proof', file: 'services/auth/factors/factor_own.c', red: ['scenario', 'p_pages', 'a while ago'],
    from: 'return call->now - own.authenticated_at <= RECENT_MS ? OK : ERR_PROOF_REQUIRED;', to: 'return OK;',
  },
  // --- files ---
  {
    name: 'a large answer keeps the loop for as long as its reader takes it', file: 'libshared/http/conn.c', red: ['unit', 'http/test_http_stream'],
    from: 'if (server->scratch_len >= MUCH_BYTES) {', to: 'if (server->scratch_len > TRANSPORT_WRITE_MAX) {',
  },
  {
    name: 'an upload is kept before its bytes are on disk in their order', file: 'services/share/media/upload_write.c', red: ['service', 'test_media'],
    from: 'if (piece->at > size) return ERR_CONFLICT;', to: '',
  },
  {
    name: 'pieces are queued behind what is written already', file: 'services/share/media/upload_write.c', red: ['checked', 'service/test_media'],
    from: 'upload->last_waiting = &upload->waiting;\n    if (!rpc_server_work_blocking', to: 'if (!rpc_server_work_blocking',
  },
  {
    name: 'another\'s upload is written into', file: 'services/share/media/upload.c', red: ['service', 'test_media'],
    from: ' &&\n        str_eq(upload->owner, call->who->sub)', to: '',
  },
  {
    name: 'whoever was first keeps all places for files', file: 'services/share/media/upload_places.c', red: ['service', 'test_media'],
    from: 'struct upload *other = find_who_gives_way(uploads, out);', to: 'struct upload *other = NULL;\n    (void)find_who_gives_way;',
  },
  {
    name: 'many subjects of one address keep all places for files', file: 'services/share/media/upload_places.c', red: ['service', 'test_media'],
    from: 'by < PLACE_BY_COUNT && upload == NULL', to: 'by < PLACE_OF_ADDRESS && upload == NULL',
  },
  {
    name: 'files on their way take all descriptors', file: 'services/share/media/upload_places.c', red: ['service', 'test_media'],
    from: 'return is_short ? ', to: 'return is_short && limit.rlim_cur < 2 ? ',
  },
  {
    name: 'one subject has all rooms listened to', file: 'services/gateway/rooms/subscriber.c', red: rooms,
    from: 'return local_room_find(rooms, room_id) != NULL || rooms_have_room_for(rooms, subscriber);', to: '(void)room_id;\n    return rooms != NULL;',
  },
  {
    name: 'a room counts for who has left it', file: 'services/gateway/rooms/local_room.c', red: rooms,
    from: 'place_leave(&room->home->listened, &room->place);', to: '',
  },
  {
    name: 'what a join reads is free', file: 'services/gateway/rooms/subscription.c', red: rooms,
    from: 'return paid || subscription->joined == NULL;', to: 'return paid || subscription->joined == NULL || over->limit > 0;',
  },
  {
    name: 'whoever was live loses what is over its rate', file: 'services/gateway/rooms/subscription.c', red: rooms,
    from: 'return paid || subscription->joined == NULL;', to: 'return paid;',
  },
  {
    name: 'what a lost connection missed is free', file: 'services/gateway/recovery/resume_missed.c', red: resume,
    from: 'if (e == OK && !pay_for_page(c, &page)) e = ERR_RATE_LIMITED;', to: '(void)pay_for_page;',
  },
  {
    name: 'what was read over a rate costs nothing', file: 'services/gateway/rates/rates.c', red: ['unit', 'gateway/rates/test_rates'],
    from: 'if (one->bucket->refs > 1 && most_us > 0)', to: 'if (one->bucket->refs > 1 && most_us < 0)',
  },
  {
    name: 'the second of one content keeps its file', file: 'services/share/media/upload_end.c',
    red: ['scenario', 'l_media', 'two files of one content'],
    from: 'if (is_spare) uploads_remove_file(uploads, spare);', to: 'if (is_spare) (void)spare;',
  },
  {
    name: 'a former picture stays', file: 'services/share/avatars/avatar_tell.c', red: ['scenario', 'l_avatars', 'takes the place'],
    from: 'return avatars_drop(&call,', to: 'return rows == 0 ? OK : avatars_drop(&call,',
  },
  {
    name: 'a picture is shown of who is disabled', file: 'services/share/avatars/avatar_open.c', red: ['scenario', 'l_avatars', 'who is disabled'],
    from: " AND coalesce(d.state, 'active') = 'active'", to: " AND coalesce(d.state, 'active') <> ''",
  },
  {
    name: 'memory that is shared is nobody\'s', file: 'libshared/service/privileges_calls.c', red: ['unit', 'service/test_privileges'],
    from: 'own[] = { not_code, arg_has(3, MAP_SHARED, 0) }', to: 'own[] = { not_code, not_code }',
  },
  {
    name: 'an image whose file is gone keeps the others from being read', file: 'services/share/images/images.c', red: ['service', 'test_media_upgrade'],
    from: 'if (e == ERR_NOT_FOUND) { /* the directory', to: 'if (e == ERR_GONE) { /* the directory',
  },
  {
    name: 'a content goes with the first who deletes it', file: 'services/share/media/blob.c', red: ['service', 'test_media'],
    from: 'if (blob.refs > 1)', to: 'if (blob.refs > 2)',
  },
  {
    name: 'two who leave a content at once both take it for the other\'s', file: 'services/share/media/blob.c', red: ['service', 'test_media'],
    from: ' WHERE hash = $1 FOR UPDATE', to: ' WHERE hash = $1',
  },
  {
    name: 'who breaks an upload off is not charged for what came', file: 'services/gateway/routes/rest_upload.c', red: ['scenario', 'k_limits', 'bytes of files count'],
    from: 'return rest_charge_chunks(upload->rest, bytes) ? OK : ERR_RATE_LIMITED;', to: 'return OK;',
  },
  {
    name: 'arguments are read before a rate is asked', file: 'services/gateway/routes/events.c', red: ['scenario', 'e_rates', 'before its arguments are read'],
    from: 'if (!event_charge(routes, client, row->class, event)) {', to: 'const struct wire_shape *shape = methods[row->method].req();\n    if (read_args(event, shape, routes->scratch, arena_zero(routes->scratch, shape->size + 1), &(struct wire_error){ 0 }) != OK) {\n        refuse_plainly(client, row, event, ERR_INVALID_ARGUMENT);\n        return;\n    }\n    if (!event_charge(routes, client, row->class, event)) {',
  },
  {
    name: 'bytes of files that are read are not charged', file: 'services/gateway/routes/rest_download.c', red: ['scenario', 'k_limits', 'bytes of files that are read'],
    from: ': rest_charge_bytes(rest, bytes)', to: ': bytes >= 0',
  },
  {
    name: 'the last byte counts before the medium is kept', file: 'services/share/media/transfer_part.c', red: ['checked', 'unit/share/test_tus'],
    from: 'return length < size ? length : size - 1;', to: 'return size > 0 ? length : 0;',
  },
  {
    name: 'bytes with another checksum stay', file: 'services/share/media/transfer_part.c', red: ['scenario', 'l_media_resumes', 'whose checksum'],
    from: 'if (len == part->checksum.len && memcmp(found, part->checksum.bytes, len) == 0) return OK;', to: 'return OK;',
  },
  {
    name: 'a start gives up what rests', file: 'services/share/media/files.c', red: ['scenario', 'l_media_resumes', 'killed at any byte'],
    from: 'DELETE FROM upload WHERE expires_at IS NULL RETURNING', to: 'DELETE FROM upload RETURNING',
  },
  {
    name: 'a file is whoever asks for it', file: 'services/share/media/media_access.c', red: ['scenario', 'l_media_rooms', 'nobody else does'],
    from: 'if (str_eq(media.at[i].owner, reader) ||', to: 'if (media.at[i].owner.len > 0 ||',
  },
  {
    name: 'a narrowed token opens what rooms show', file: 'services/share/media/media_access.c', red: ['scenario', 'l_media_rooms', 'narrowed to a room'],
    from: 'else if (!is_narrow)', to: 'else',
  },
  {
    name: 'a room shows its files to who is in none', file: 'services/store/attachments/attachment_access.c', red: ['scenario', 'l_media_rooms', 'is no member any more'],
    from: 'may.role != ROLE_none && history_reads(', to: 'history_reads(',
  },
  {
    name: 'an edit leaves what it does not name', file: 'services/store/messages/batch_effects.c', red: ['scenario', 'l_media_rooms', 'shows what it names'],
    from: `" AND a.media <> ALL (COALESCE(now.attachments, '{}'))"`, to: '" AND a.media <> ALL (now.attachments)"',
  },
  {
    name: 'one shows what is somebody else\'s', file: 'services/share/media/media_claim.c', red: ['scenario', 'l_media_rooms', 'own, not there'],
    from: 'WHERE id = ANY ($1) AND owner = $2', to: "WHERE id = ANY ($1) AND $2 <> ''",
  },
  {
    name: 'of a repeat share is asked again', file: 'services/store/messages/message_append.c', red: ['scenario', 'l_media_rooms', 'a repeat brings'],
    from: 'if (m->attachments.len == 0 || s->target.is_repeat)', to: 'if (m->attachments.len == 0)',
  },
  {
    name: 'what a message shows goes as if nothing did', file: 'services/share/media/media_collect.c', red: ['scenario', 'l_media_unused', 'at two looks goes'],
    from: 'm.id = ANY ($3) OR', to: 'm.id = ANY ($3) AND',
  },
  {
    name: 'a file goes at the first look', file: 'services/share/media/media_collect.c', red: ['scenario', 'l_media_unused', 'at two looks goes'],
    from: 'looks.at[i].was_left ? unused : left', to: 'looks.at[i].was_left ? left : unused',
  },
  {
    name: 'a conversation uses no file', file: 'services/share/media/media_collect.c', red: ['scenario', 'l_media_unused', 'of its owner names'],
    from: 'WHERE u.media = m.id AND u.shown)', to: 'WHERE u.media = m.id AND NOT u.shown)',
  },
  {
    name: 'a view is taken without the budget', file: 'services/share/links/link_find.c', red: ['scenario', 'l_share_links', 'of 1,000 first openings'],
    from: 'if (e == OK && budget.view_budget > 0)', to: 'if (e == OK && budget.view_budget > 1000)',
  },
  {
    name: 'a view that is asked for again is another one', file: 'services/share/links/visit.c', red: ['scenario', 'l_share_links', 'one client key within'],
    from: 'if (client_key.len > 0) return', to: 'if (client_key.len > 1000) return',
  },
  {
    name: 'who took the last view and lost it is refused', file: 'services/share/links/link_find.c', red: ['scenario', 'l_share_links', 'one client key within'],
    from: 't.request = $4"', to: 't.request = $4 || 0::text"',
  },
  {
    name: 'a link whose time is over opens', file: 'services/share/links/links.h', red: ['scenario', 'l_share_links', 'a code that never was'],
    from: 'WHERE (l.expires_at IS NULL OR l.expires_at > " now ") AND c.', to: 'WHERE " now "::timestamptz IS NOT NULL AND c.',
  },
  {
    name: 'a link to what is in the trash opens', file: 'services/share/links/links.h', red: ['scenario', 'l_share_links', 'a live link shows'],
    from: ' AND c.deleted_at IS NULL"', to: '"',
  },
  {
    name: 'whoever asks for what is over is told so', file: 'services/share/links/link_find.c', red: ['scenario', 'l_share_links', 'a code that never was'],
    from: 'if (visit->had) return', to: 'if (!visit->had) return',
  },
  {
    name: 'a HEAD is a view', file: 'services/share/links/link_open.c', red: ['scenario', 'l_share_links', 'asks by HEAD'],
    from: 'if (opening->looks_only)', to: 'if (false)',
  },
  {
    name: 'a visit lasts for ever', file: 'services/share/links/visit.c', red: ['unit', 'share/test_links'],
    from: 'visit.is_fresh = opened->at > call->now - share_settings(call)->visit_s * 1000;', to: 'visit.is_fresh = opened->at > 0;',
  },
  {
    name: 'some letters of a code are likelier', file: 'services/share/links/link_code.c', red: ['unit', 'share/test_links'],
    from: '#define EVEN    (256 / LETTERS * LETTERS)', to: '#define EVEN    255',
  },
  {
    name: 'anybody resets a link', file: 'services/share/links/share_link_change.c', red: ['scenario', 'l_share_links', 'owner.s alone'],
    from: 'code = $4 WHERE id = $1 AND owner = $2 RETURNING', to: 'code = $4 WHERE id = $1 AND $2::text IS NOT NULL RETURNING',
  },
  {
    name: 'a budget begins anew when it is changed', file: 'services/share/links/link_row.c', red: ['scenario', 'l_share_links', 'by a merge patch'],
    from: 'view_budget > views ? view_budget - views : 0', to: 'view_budget > 0 * views ? view_budget : 0',
  },
  {
    name: 'links that go with their conversation stay counted', file: 'services/share/conversations/conversation_trash.c', red: ['scenario', 'l_share_links', 'are counted, and given back'],
    from: 'quota_give(call, QUOTA_share_links, owner, counts->links)', to: 'quota_give(call, QUOTA_share_links, owner, 0)',
  },
  {
    name: 'a code is in the log', file: 'libshared/base/loggable_path.c', red: ['scenario', 'l_share_links', 'no code is in'],
    from: 'if (is_before_secret(rest, &before))', to: 'before = 0;\n        if (before > 0 && is_before_secret(rest, &before))',
  },
  {
    name: 'codes stay sealed with a former line of the file key', file: 'services/share/links/link_row.c', red: ['scenario', 'l_share_links', 'no code is in'],
    from: 'enum err e = sealed_columns_renew(pg, columns, COUNT(columns));', to: 'enum err e = sealed_columns_renew(pg, columns, 0 * COUNT(columns));',
  },
  {
    name: 'a link is opened without its password', file: 'services/share/links/link_open.c', red: ['scenario', 'l_share_links', 'opens to whoever says it'],
    from: 'opening->link.lock == 0 ? take_view', to: 'opening->link.lock >= 0 ? take_view',
  },
  {
    name: 'who came in by a former password looks on', file: 'services/share/links/link_find.c', red: ['scenario', 'l_share_links', 'set, changed and taken away'],
    from: 'if (out->lock != 0 && out->lock != visit->lock)', to: 'if (out->lock != 0 && visit->lock == 0)',
  },
  {
    name: 'any other change takes a password away', file: 'services/share/links/share_link_change.c', red: ['scenario', 'l_share_links', 'set, changed and taken away'],
    from: 'CASE WHEN $8::boolean THEN $9::text ELSE password END', to: '$9::text',
  },
  {
    name: 'as many passwords are guessed as come at once', file: 'services/share/links/link_guess.c', red: ['scenario', 'l_share_links', 'guesses are counted'],
    from: 'WHERE g.failures <= " GUESS_FREE', to: 'WHERE g.failures <= 500" GUESS_FREE',
  },
  {
    name: 'wrong passwords of a link are kept for ever', file: 'services/share/links/link_guess.c', red: ['scenario', 'l_share_links', 'are forgotten with their link'],
    from: 'WHERE changed_at < $2 AND', to: 'WHERE false AND changed_at < $2 AND',
  },
  {
    name: 'a link has a password that nobody can say', file: 'services/share/links/link_password.c', red: ['scenario', 'l_share_links', 'that nobody could say'],
    from: 'if (!is_sayable(text))', to: 'if (!is_sayable(text) && text.len == 0)',
  },
  {
    name: 'neighbours use up the tries of who has said the password before', file: 'services/share/links/link_guess.c', red: ['scenario', 'l_share_links', 'tries of their own'],
    from: 'if (visit->lock != 0) return', to: 'if (visit->lock < 0) return',
  },
  {
    name: 'a right password that came to nothing stays a wrong one', file: 'services/share/links/link_open.c', red: ['scenario', 'l_share_media', 'comes to nothing'],
    from: 'if (e != OK && rpc_server_work(', to: 'if (e == OK && rpc_server_work(',
  },
  {
    name: 'a link shows whatever its conversation names', file: 'services/share/links/link_media.c', red: ['scenario', 'l_share_media', 'is not its owner.s'],
    from: '" AND shown AND l.snap_data IS NULL UNION', to: '" AND l.snap_data IS NULL UNION',
  },
  {
    name: 'files of a link are read without opening it', file: 'services/share/links/link_media.c', red: ['scenario', 'l_share_media', 'who has opened a link reads'],
    from: 'if (!visit.is_fresh) return', to: 'if (!visit.is_fresh && req->code.len == 0) return',
  },
  {
    name: 'what may not be kept is kept in its large form', file: 'services/share/links/link_media.c', red: ['scenario', 'l_share_media', 'without download'],
    from: 'str_is(form, "small") || str_is(form, "medium")', to: 'str_is(form, "small") || form.len > 0',
  },
  {
    name: 'what may not be kept is kept range by range', file: 'services/gateway/routes/rest_download.c', red: ['scenario', 'l_share_media', 'without download'],
    from: 'if (source->whole && http_range(http).at != NULL)', to: 'if (source->whole && http_range(http).len > 1000)',
  },
  {
    name: 'other sites show the files of a link', file: 'services/gateway/routes/rest_download.c', red: ['scenario', 'l_share_media', 'who has opened a link reads'],
    from: 'rest->row->cookies[0].use == USE_NONE &&', to: 'rest->row != NULL &&',
  },
  {
    name: 'a link that shows what was keeps no file', file: 'services/share/media/media_collect.c', red: ['scenario', 'l_share_media', 'a file stays for as long'],
    from: '"            WHERE u.media = m.id AND " OPEN_LINK', to: '"            WHERE u.media = m.id AND l.owner = m.name AND " OPEN_LINK',
  },
  {
    name: 'a link whose time is over keeps its files', file: 'services/share/links/links.h', red: ['scenario', 'l_share_media', 'a file stays for as long'],
    from: 'l.expires_at > " now ") AND (l.view', to: 'l.expires_at < " now ") AND (l.view',
  },
  {
    name: 'a link keeps the files of another moment than it shows', file: 'services/share/links/share_link_create.c', red: ['scenario', 'l_share_media', 'of one moment'],
    from: 'AND owner = $2 FOR SHARE', to: 'AND owner = $2',
  },
  {
    name: 'nobody pays for what a link\'s viewers read', file: 'services/share/links/link_media.c', red: ['scenario', 'l_share_media', 'so many bytes'],
    from: 'rep->payer = found.owner;', to: 'rep->payer = STR("nobody");',
  },
  {
    name: 'one address reads what all viewers may', file: 'services/gateway/routes/rest_admit.c', red: ['scenario', 'l_share_media', 'so many bytes'],
    from: '[BY_SUBJECT] = subject, [BY_ADDRESS] = http_address(rest->http) }', to: '[BY_SUBJECT] = subject }',
  },
  {
    name: 'a link that shows what was shows the files of now, too', file: 'services/share/links/link_media.c', red: ['scenario', 'l_share_media', 'a live link shows'],
    from: '" AND shown AND l.snap_data IS NULL UNION', to: '" AND shown UNION',
  },
  {
    name: 'a page of pictures may not load them', file: 'services/gateway/routes/rest_page.c', red: ['scenario', 'p_share', 'pictures, faces and files'],
    from: 'page->watched ? PAGE_WATCHED', to: 'page->watched ? PAGE_PLAIN',
  },
  {
    name: 'passwords are compared in the order of their coming', file: 'services/share/links/hashing.c', red: ['unit', 'share/test_hashing'],
    from: 'task->rank = tries +', to: 'task->rank = 0 * tries +',
  },
  {
    name: 'a page has what comes behind others that are left out', file: 'services/chat/operator/connection_inquiries.c', red: connected('a page ends where'),
    from: 'while (n < all.len && compare_ids(all.at[n].id, from) >= 0) n++;', to: 'n = all.len + 0 * (size_t)from.b[0];',
  },
  {
    name: 'what ends nobody has an entry', file: 'services/chat/operator/connection_inquiries.c', red: connected('is disconnected on all gateways'),
    from: 'if (gather_connections(inquiry).len == 0 && list_silent(inquiry).len == 0)', to: 'if (list_silent(inquiry).len == 1000)',
  },
  {
    name: 'a gateway that does not answer is not named', file: 'services/chat/operator/connection_inquiries.c', red: connected('stands still is named'),
    from: 'if (!inquiry->gateways[i].has_reported) silent', to: 'if (inquiry->n == 1000) silent',
  },
  {
    name: 'an address that connections were ended by is logged', file: 'services/chat/operator/connection_inquiries.c', red: connected('those end and no others'),
    from: 'return STR("addresses");', to: 'return which->address;',
  },
  {
    name: 'who is disconnected is not told why', file: 'services/gateway/connections/connections.c', red: connected('is disconnected on all gateways'),
    from: 'refusal_disconnect(socket, ERR_DISCONNECTED);', to: 'sio_disconnect(socket);',
  },
  {
    name: 'a gateway that has gone is waited for', file: 'services/chat/operator/connection_inquiries.c', red: ['checked-scenario', 'n_connected', 'stands still is named'],
    from: '        gateway->peer = NULL;\n        if (--inquiry->n_waiting == 0) finish_inquiry(inquiry);', to: '        gateway->peer = NULL;',
  },
  {
    name: 'all connections are looked at in one turn', file: 'services/gateway/connections/connections.c', red: ['unit', 'gateway/connections/test_connections'],
    from: 'seen++ < CONNECTIONS_SEEN_MAX && done < CONNECTIONS_DONE_MAX', to: 'seen++ < 100000 && done < 100000',
  },
  {
    name: 'a walk goes on at a session that is no more', file: 'services/gateway/engineio/session.c', red: ['unit', 'gateway/engineio/test_eio_session'],
    from: '    walk_leave(s);\n', to: '',
  },
  {
    name: 'whoever has a code reports', file: 'services/share/reports/share_report.c', red: ['scenario', 'l_share_reports', 'has not opened it'],
    from: 'if (!visit->is_fresh)', to: 'if (!visit->is_fresh && false)',
  },
  {
    name: 'reports of a link are kept that come at once', file: 'services/share/reports/share_report.c', red: ['scenario', 'l_share_reports', 'as many as like at once'],
    from: ' < $8 ON CONFLICT', to: ' < 1000 * $8 ON CONFLICT',
  },
  {
    name: 'where a reporter may be asked lies in the database as it is', file: 'services/share/reports/share_report.c', red: ['scenario', 'l_share_reports', 'its owner does not'],
    from: 'pg_bytes(email)', to: 'pg_bytes(email.len > 0 ? draft->email : email)',
  },
  {
    name: 'what is taken down opens', file: 'services/share/links/links.h', red: ['scenario', 'l_share_reports', 'has no link'],
    from: ' AND l.taken_down_at IS NULL AND c.taken_down_at IS NULL', to: ' AND l.taken_down_at IS NULL',
  },
  {
    name: 'a public conversation that is taken down is read by its id', file: 'services/share/conversations/conversation_get.c', red: ['scenario', 'l_share_reports', 'has no link'],
    from: 'AND public AND deleted_at IS NULL"\n    " AND taken_down_at IS NULL"', to: 'AND public AND deleted_at IS NULL"',
  },
  {
    name: 'who makes another like it shares what was taken down', file: 'services/share/conversations/conversation_create.c', red: ['scenario', 'l_share_reports', 'has no link'],
    from: ' AND taken_down_at IS NULL', to: '',
  },
  {
    name: 'a takedown has no entry in the audit', file: 'services/share/reports/takedown.c', red: ['scenario', 'l_share_reports', 'share may be killed'],
    from: 'lifted ? "share.restore" : "share.takedown"', to: 'lifted ? "share.restore" : "share.look"',
  },
  {
    name: 'an owner is told in a language that they do not read', file: 'services/auth/mail/takedown_tell.c', red: ['scenario', 'l_share_reports', 'told by mail'],
    from: 'str_is(locale, "ko") ? reasons[i].ko', to: 'str_is(locale, "xx") ? reasons[i].ko',
  },
  {
    name: 'one report of a link is dismissed at a time', file: 'services/share/reports/reports_list.c', red: ['scenario', 'l_share_reports', 'open about the same link'],
    from: 'WHERE link = $1 AND state = \'open\'', to: 'WHERE link = $1 AND network = (SELECT min(network) FROM share_report) AND state = \'open\'',
  },
  {
    name: 'a report is made on paper', file: 'libshared/page/style_talk.c', red: ['scenario', 'p_share_reports', 'on paper'],
    from: 'nav,footer,.news,.keep,.report,.gate ', to: 'nav,footer,.news,.gate ',
  },
  {
    name: 'a crowd of new networks comes before whoever is alone', file: 'services/share/links/hashing.c', red: ['scenario', 'l_share_guesses', 'side by side'],
    from: 'a->rank != b->rank ? a->rank < b->rank : a->crowd < b->crowd', to: 'a->rank < b->rank',
  },
  {
    name: 'a wide network is a network', file: 'services/share/links/hashing.c', red: ['unit', 'share/test_hashing'],
    from: '#define WIDE_BYTES      6', to: '#define WIDE_BYTES      8',
  },
  {
    name: 'what found no place is a wrong password', file: 'services/share/links/link_open.c', red: ['scenario', 'l_share_guesses', 'side by side'],
    from: 'if (e != OK && rpc_server_work', to: 'if (e != OK && e != ERR_OVERLOADED && rpc_server_work',
  },
  {
    name: 'an alarm is over below its bound', file: 'services/share/links/guess_watch.c', red: ['scenario', 'l_share_alarm', 'half the bound'],
    from: '(bound + 1) / 2', to: 'bound',
  },
  {
    name: 'nobody is told that an alarm is over', file: 'services/share/links/guess_watch.c', red: ['scenario', 'l_share_alarm', 'are one alert'],
    from: '        .over = over };', to: '        .over = false };',
  },
  {
    name: 'an alarm is raised with each look', file: 'services/share/links/guess_watch.c', red: ['scenario', 'l_share_alarm', 'are one alert'],
    from: 'if (now.tries < (bound + 1) / 2) return end_alarm(call, &alarm);', to: 'if (now.tries < (bound + 1) / 2) return end_alarm(call, &alarm);\n    if (now.tries > alarm.tries) return tell(call, &now, false);',
  },
  {
    name: 'the end of an alert that has come no more often is not heard', file: 'services/gateway/identity/announcements.c', red: ['scenario', 'l_share_alarm', 'half the bound'],
    from: 'alert->over_at != 0 ? -alert->times : alert->times', to: 'alert->times',
  },
  {
    name: 'where all places are taken nobody gives way', file: 'services/share/links/hashing.c', red: ['scenario', 'l_share_guesses', 'unseen address'],
    from: '(is_full && !comes_before(task, last))', to: 'is_full',
  },
  {
    name: 'viewers with a former code look on', file: 'services/gateway/viewers/viewers.c', red: ['scenario', 'l_share_viewers', 'it has another code'],
    from: 'bool is_same = memcmp(', to: 'bool is_same = true || memcmp(',
  },
  {
    name: 'viewers who know a former password look on', file: 'services/gateway/viewers/viewers.c', red: ['scenario', 'l_share_viewers', 'it has a password'],
    from: 'state->lock == 0 || state->lock == viewer->lock;', to: 'state->lock >= 0 || viewer->lock >= 0;',
  },
  {
    name: 'what one listens with opens an event', file: 'services/gateway/viewers/viewers.c', red: ['scenario', 'l_share_viewers', 'opens nothing else'],
    from: 'struct failure failure = refusal_plain(ERR_FORBIDDEN);', to: 'struct failure failure = refusal_plain(ERR_NO_EVENT);',
  },
  {
    name: 'one address listens as often as it likes', file: 'services/gateway/viewers/viewers.c', red: ['scenario', 'l_share_viewers', 'so many of a link'],
    from: 'sio_address(socket)) >= viewers->config.per_address', to: 'sio_address(socket)) >= viewers->config.max',
  },
  {
    name: 'who leaves is shown on', file: 'services/share/links/link_watch.c', red: ['scenario', 'l_share_viewers', 'who is disabled'],
    from: 'if (!str_is(changed.at[i].state, "active")) out->at', to: 'if (str_is(changed.at[i].state, "active")) out->at',
  },
  {
    name: 'a page of a link that has ended keeps what it showed', file: 'services/gateway/site/watch.js', red: ['scenario', 'p_share_viewers', 'closed at once'],
    from: 'location.replace(location.pathname + location.search)', to: '',
  },
  {
    name: 'a password stands in a URL', file: 'services/gateway/routes/rest_condition.c', red: ['scenario', 'l_share_links', 'in a header alone'],
    from: 'if (rows[i].is_secret) given_forget(', to: 'if (!rows[i].is_secret) given_forget(',
  },
  {
    name: 'whoever follows a link has opened it', file: 'services/share/pages/share_page.c', red: ['scenario', 'p_share', 'draws previews'],
    from: 'if (view.visit.is_fresh) return show_talk(&view, call, rep);', to: 'return show_talk(&view, call, rep);',
  },
  {
    name: 'who pressed the button has to press it again', file: 'services/share/links/link_open.c', red: ['scenario', 'p_share', 'whoever presses the button'],
    from: 'TRY(visit_print(call, &opening->visit, opening->link.lock, &opening->share_visit));', to: 'opening->share_visit = STR_NONE;',
  },
  {
    name: 'a form that is sent again is another view', file: 'services/share/pages/share_page.c', red: ['scenario', 'p_share', 'sent twice'],
    from: 'visit_read(call, req->share_visit, req->code, req->client_key)', to: 'visit_read(call, req->share_visit, req->code, STR_NONE)',
  },
  {
    name: 'who may not list a page is not told so by its header', file: 'services/gateway/routes/rest_page.c', red: ['scenario', 'p_share', 'search engines'],
    from: 'rest->indexed = page->indexed;', to: 'rest->indexed = true;',
  },
  {
    name: 'a second part begins with the first', file: 'services/share/pages/talk.c', red: ['scenario', 'p_share', 'a long conversation'],
    from: 'if (i < from) continue;', to: '(void)from;',
  },
  {
    name: 'the style of conversations is in no policy', file: 'libshared/page/content_policy.c', red: ['scenario', 'p_share', 'whoever presses the button'],
    from: 'for (int which = 0; which < PAGE_STYLES; which++) {\n        hash_of(page_style(', to: 'for (int which = 0; which < PAGE_STYLES - 1; which++) {\n        hash_of(page_style(',
  },
  {
    name: 'the trash is emptied of what has just come into it', file: 'services/share/conversations/conversation_trash.c', red: ['scenario', 'l_conversations', 'in the trash'],
    from: 'WHERE deleted_at < $1"', to: 'WHERE (deleted_at < $1 OR deleted_at IS NOT NULL)"',
  },
  {
    name: 'any etag fits', file: 'services/share/conversations/conversation_rights.c', red: ['scenario', 'l_conversations', 'by its etag'],
    from: 'if (str_eq(str_trim(str_cut(&if_match, \',\')), etag)) return true;', to: 'if (str_cut(&if_match, \',\').len < etag.len + 200) return true;',
  },
  {
    name: 'what is public is so in the trash', file: 'services/share/conversations/conversation_get.c', red: ['scenario', 'l_conversations', 'anybody with its id'],
    from: 'AND public AND deleted_at IS NULL"', to: 'AND public"',
  },
  {
    name: 'a copy of a public conversation is public', file: 'services/share/conversations/conversation_create.c', red: ['scenario', 'l_conversations', 'duplicate'],
    from: '(id, owner, name, theme, data, created_at, changed_at, client_key, bytes)"\n    " SELECT $1, $2, coalesce($3, name), theme, data,', to: '(id, owner, name, theme, public, data, created_at, changed_at, client_key, bytes)"\n    " SELECT $1, $2, coalesce($3, name), theme, public, data,',
  },
  {
    name: 'what a patch leaves is not checked', file: 'services/share/conversations/conversation_change.c', red: ['scenario', 'l_conversations', 'as it is printed'],
    from: '    TRY(conversation_check(call, content->data));\n', to: '',
  },
  {
    name: 'what shrinks is not given back', file: 'services/share/conversations/conversation_change.c', red: ['scenario', 'l_conversations', 'given back'],
    from: 'state->owner, state->bytes - now)', to: 'state->owner, 0)',
  },
  {
    name: 'a flat conversation loses what is unknown', file: 'services/gateway/routes/flat.c', red: ['scenario', 'l_conversations', 'a flat conversation'],
    from: 'add_member(is_named ? named : others, member);', to: 'if (is_named || others->len > 0) add_member(named, member);',
  },
  {
    name: 'a signature opens any file', file: 'services/share/media/media_sign.c', red: ['scenario', 'l_media_shown', 'is read without a token'],
    from: ' ||\n        !id_eq(grant.media, link->media))', to: ')',
  },
  {
    name: 'a signature is good for ever', file: 'services/share/media/media_sign.c', red: ['service', 'test_media'],
    from: 'grant.expires_at <= call->now', to: 'grant.expires_at == 0',
  },
  {
    name: 'what a page is a browser is told', file: 'services/share/media/content_type.c', red: ['scenario', 'l_media_shown', 'whatever its sender says'],
    from: '{ "text/plain; charset=utf-8", CONTENT_TEXT, false }', to: '{ "text/html; charset=utf-8", CONTENT_TEXT, true }',
  },
  {
    name: 'what is left of a reservation stays taken', file: 'services/share/media/upload_end.c', red: ['service', 'test_media'],
    from: 'upload->owner, upload->most - content.size)', to: 'upload->owner, 0)',
  },
  {
    name: 'a start leaves what a killed process had begun', file: 'services/share/media/files.c', red: ['service', 'test_media'],
    from: 'for (size_t i = 0; i < found.len; i++) file_remove(files, found.at[i].upload);', to: '(void)files;',
  },
  {
    name: 'a boundary that is cut in two is bytes', file: 'libshared/http/message/multipart.c', red: ['unit', 'http/test_multipart'],
    from: 'm->matched = in->len - end;', to: 'm->matched = 0;',
  },
  {
    name: 'a client is read on while the service has not written', file: 'services/gateway/routes/rest_upload.c',
    red: ['scenario', 'l_media', 'without being held'],
    from: 'if (!upload->held) http_pause(upload->rest->http, true);', to: '',
  },
  // --- what only the checks of the state machines see, or see first ---
  {
    name: 'a room keeps what it has handed out', file: 'services/gateway/rooms/deliver.c', red: rooms,
    from: 'if (room->seq >= 0) local_room_release_ahead(room);', to: '',
  },
  {
    name: 'a room does not count who fetches', file: 'services/gateway/rooms/subscription.c', red: ['checked', 'unit/gateway/rooms/test_rooms'],
    from: 'if (state == SUBSCRIPTION_FETCHING) room->fetching++;', to: 'if (state == SUBSCRIPTION_FETCHING) room->fetching = 1;',
  },
  {
    name: 'the workers\' queue keeps every subject it has seen', file: 'libshared/rpc/rpc_queue.c',
    red: ['checked', 'unit/rpc/test_rpc_queue'],
    from: 'lane->running--;\n    drop_if_idle(queue, lane);', to: 'lane->running--;',
  },
  {
    name: 'a request has the principal of another one of its session', file: 'libshared/rpc/rpc_client_send.c', red: ['unit', 'rpc/test_rpc_batch'],
    from: 'record_is_same(principal_shape(), &other->who, who)', to: 'str_eq(other->who.session, who->session)',
  },
  {
    name: 'a request that is not sent lends its principal', file: 'libshared/rpc/rpc_client_send.c', red: ['unit', 'rpc/test_rpc_batch'],
    from: 'buf_clear(&client->head);\n    frame_put_request(&client->head, &w->head);', to: 'note_sender(senders, &w->head, client->out.n + 1);\n    buf_clear(&client->head);\n    frame_put_request(&client->head, &w->head);',
  },
  {
    name: 'a number in the place of who asks may be of no request', file: 'libshared/rpc/rpc_server.c', red: ['unit', 'rpc/test_rpc_batch'],
    from: ' || !in->has_who[same - 1]', to: '',
  },
  {
    name: 'a number in the place of who asks may stand outside of a batch', file: 'libshared/rpc/rpc_server.c', red: ['unit', 'rpc/test_rpc_batch'],
    from: ' && head->request.same_who == 0', to: '',
  },
  {
    name: 'a client of rpc counts bytes that were answered', file: 'libshared/rpc/rpc_client_wait.c',
    red: ['checked', 'unit/rpc/test_rpc_link'],
    from: 'client->waiting_bytes -= w->bytes;', to: '',
  },
  {
    name: 'the committer puts behind what it has taken', file: 'services/store/messages/committer.c',
    red: ['checked', 'service/test_store_batch'],
    from: 'if (room->first == NULL) room->last = &room->first;', to: '',
  },
  {
    name: 'the outbox counts what it has sent', file: 'services/store/outbox.c', red: ['checked', 'unit/store/test_outbox'],
    from: 'outbox->bytes -= entry->bytes;', to: '',
  },
  {
    name: 'a session that has ended goes on pinging', file: 'services/gateway/engineio/session.c',
    red: ['checked', 'unit/gateway/engineio/test_eio_session'],
    from: 's->at = (struct deadlines){ 0 };', to: '',
  },
  {
    name: 'a room that waits for its head keeps what it hears twice', file: 'services/gateway/rooms/deliver.c',
    red: ['checked', 'unit/gateway/rooms/test_rooms'],
    from: 'if (room->ahead.n > 0 && entry->seq <= room->ahead.at[room->ahead.n - 1].seq) return;', to: '',
  },
  {
    name: 'who is live again counts as fetching', file: 'services/gateway/rooms/subscription.c', red: ['checked', 'unit/gateway/rooms/test_rooms'],
    from: 'if (subscription->state == SUBSCRIPTION_FETCHING && --room->fetching == 0) backlog_clear(&room->recent);',
    to: 'if (subscription->state == SUBSCRIPTION_FETCHING && room->fetching == 1) backlog_clear(&room->recent);',
  },
  {
    name: 'a token that goes leaves the next one without its place', file: 'services/gateway/identity/socket_index.c',
    red: ['checked', 'unit/gateway/identity/test_token'],
    from: 'if (link->next != NULL) link->next->link[by].here = link->here;', to: '',
  },
  {
    name: 'a socket that goes leaves the next one without its place', file: 'services/gateway/identity/socket_index.c',
    red: ['checked', 'unit/gateway/identity/test_socket_index'],
    from: 'if (socket->next != NULL) socket->next->here = socket->here;', to: '',
  },
  {
    name: 'what was sent counts as waiting for its session', file: 'services/gateway/engineio/session.c',
    red: ['checked', 'unit/gateway/engineio/test_eio_session'],
    from: 's->queued_bytes -= bytes;', to: 's->queued_bytes -= 0 * bytes;',
  },
  {
    name: 'a session has a request that was answered', file: 'services/gateway/engineio/polling.c',
    red: ['checked', 'unit/gateway/engineio/test_eio_session'],
    from: 's->poll = NULL;\n    s->at.release = 0;', to: 's->at.release = 0;',
  },
  {
    name: 'a socket holds what it has given back', file: 'services/gateway/socketio/socket.c', red: ['checked-scenario', 'a_trip'],
    from: 'socket->held -= bytes;', to: '',
  },
  {
    name: 'connections are kept on record in any order', file: 'services/gateway/recovery/saved_connection.c',
    red: ['checked', 'unit/gateway/recovery/test_resume'],
    from: 'DL_APPEND(connection->home->list, connection);', to: 'DL_PREPEND(connection->home->list, connection);',
  },
  {
    name: 'a connection is on record that another one has taken', file: 'services/gateway/recovery/saved_connection.c',
    red: ['checked', 'unit/gateway/recovery/test_resume'],
    from: '*slot_of(connection->client) = NULL;\n    connection->client = NULL;', to: 'connection->client = NULL;',
  },
  {
    name: 'the committer does not count what waits behind a batch', file: 'services/store/messages/committer.c',
    red: ['checked', 'service/test_store_batch'],
    from: 'c->n_behind += room->n_waiting;', to: 'c->n_behind += n;',
  },
  {
    name: 'a session has two sockets in one namespace', file: 'services/gateway/socketio/sio.c', red: ['checked-edge', 'socketio'],
    from: 'return socket == NULL ? SIO_IN_TURN : SIO_OUT_OF_TURN;', to: 'return SIO_IN_TURN;',
  },
  {
    name: 'a tunnel does not count what it holds for its client', file: 'services/gateway/mesh/tunnel.c',
    red: ['checked-scenario', 'e_mesh'],
    from: 'buf_add_str(&t->frames, frames->bytes);\n    count_frames(t);', to: 'buf_add_str(&t->frames, frames->bytes);',
  },
  {
    name: 'more keys are remembered than the table of memory has', file: 'services/gateway/identity/api_key_tokens.c',
    red: ['unit', 'gateway/identity/test_api_key_tokens'],
    from: '#define HELD_MAX        10000', to: '#define HELD_MAX        11000',
  },
  {
    name: 'more senders are remembered than the table of memory has', file: 'services/gateway/rates/rates_buckets.c',
    red: ['unit', 'gateway/rates/test_rates'],
    from: '#define SENDERS_MAX 200000', to: '#define SENDERS_MAX 210000',
  },
  {
    name: 'the common forms of patterns keep their pieces', file: 'libshared/policy/pattern.c', red: ['unit', 'gateway/identity/test_trusted'],
    from: 'if (p.pieces != NULL) p.pieces = arena_copy(arena, pieces, p.n_pieces * sizeof *pieces);',
    to: 'p.pieces = arena_copy(arena, pieces, (p.n_pieces + 1u) * sizeof *pieces);',
  },
  {
    name: 'a room has as many gateways as there are', file: 'services/chat/gateways/feeds.c', red: ['unit', 'chat/test_feeds'],
    from: 'if (feeds->n_peers >= PEERS_MAX * feeds->max) return false;', to: '',
  },
  {
    name: 'long subjects weigh as little as short ones', file: 'services/store/access_cache.c', red: access,
    from: 'return bytes > GRANT_BYTES ? bytes : GRANT_BYTES;', to: 'return bytes > GRANT_BYTES ? GRANT_BYTES : GRANT_BYTES;',
  },
  {
    name: 'the token of a socket costs nobody anything', file: 'services/gateway/identity/connect.c',
    red: ['scenario', 'k_memory_subjects', 'the token that a socket came with|what was held'],
    from: 'return sio_hold(arrival->socket, bearer_bytes(arrival->rights.bearer)); /*', to: 'return sio_hold(arrival->socket, 1); /*',
  },
  {
    name: 'rooms by name cost nobody anything', file: 'services/gateway/interop/roster.c', red: ['unit', 'gateway/interop/test_roster'],
    from: 'if (sio_hold(entry->client->socket, MEMBERSHIP_BYTES + room.len) != OK) {', to: 'sio_hold_anyway(entry->client->socket, MEMBERSHIP_BYTES + room.len);\n    if (false) {',
  },
  {
    name: 'a gateway that has just begun knows whose sessions there are', file: 'services/gateway/mesh/wait.c',
    red: ['scenario', 'e_mesh', 'has just begun'],
    from: 'return end_us > young_us ? end_us : young_us;', to: 'return end_us > young_us + end_us ? young_us : end_us;',
  },
  {
    name: 'what polls elsewhere bring is a stranger\'s', file: 'services/gateway/mesh/forwarded_requests.c',
    red: ['scenario', 'e_mesh', 'polling elsewhere'],
    from: 'known_session_count(path->mesh, sid, http);', to: '(void)known_session_count;',
  },
  {
    name: 'what was sent to a tunnel is sent to the next one too', file: 'services/gateway/mesh/remote_tunnels.c',
    red: ['checked-scenario', 'e_mesh'],
    from: 'buf_clear(&mesh->frames);', to: '',
  },
  {
    name: 'an address is charged for a connection that is another\'s now', file: 'libshared/base/holding.c',
    red: ['checked', 'unit/base/test_holding'],
    from: 'subtract_bytes(before, h->held + h->shared);', to: '',
  },
  {
    name: 'a recovery has a hole in what it holds ahead', file: 'services/gateway/recovery/resume_missed.c',
    red: ['checked', 'unit/gateway/recovery/test_resume'],
    from: '|| message->seq != position->got + 1) return false;', to: ') return false;',
  },
  {
    name: 'a save under way is counted twice', file: 'services/gateway/recovery/saved_connection.c',
    red: ['checked', 'unit/gateway/recovery/test_resume'],
    from: 'connection->saving++;', to: 'connection->saving += 2;',
  },
  {
    name: 'a line stays when nobody stands in it', file: 'services/store/entries/turns.c', red: ['checked', 'unit/store/test_turns'],
    from: 'if (line->turns == NULL) end_line(turns, line);', to: '(void)end_line;',
  },
  {
    name: 'a gateway that listens to nothing more is counted', file: 'services/chat/gateways/feeds.c', red: ['checked', 'unit/chat/test_feeds'],
    from: 'feeds->n_peers -= feed->n - kept;', to: '',
  },
  {
    name: 'what waited for a join is counted on', file: 'services/gateway/routes/order.c', red: ['checked-scenario', 'c_order'],
    from: 'order->bytes -= w->bytes;', to: '',
  },
  {
    name: 'the last member of a room by name is not told where it is now', file: 'services/gateway/interop/roster.c',
    red: ['checked', 'unit/gateway/interop/test_roster'],
    from: 'named->memberships[membership->in_room]->in_room = membership->in_room;', to: '',
  },
  {
    name: 'a guess that has its turn is counted among those that wait', file: 'services/gateway/identity/guesses.c',
    red: ['checked', 'unit/gateway/identity/test_guesses'],
    from: 'guess->lane->n_queued--;\n    guess->home->n_waiting--;', to: 'guess->lane->n_queued--;',
  },
  {
    name: 'what is forgotten weighs on', file: 'libshared/base/ask_cache.c', red: ['checked', 'unit/base/test_ask_cache'],
    from: 'entry->home->weight -= entry->weight;', to: '',
  },
  {
    name: 'a run keeps its place among the LATER jobs', file: 'libshared/jobs/jobs.c', red: ['checked', 'service/test_jobs'],
    from: 'if (run->may_be_later) leave_place(run->jobs);', to: 'if (run->may_be_later && run->kind != NULL) leave_place(run->jobs);',
  },
  {
    name: 'an image that is read waits', file: 'services/share/images/images.c', red: ['checked-scenario', 'l_media_images'],
    from: 'images->n_waiting--;', to: '',
  },
  {
    name: 'a connection stays paused for a write that has gone out', file: 'libshared/http/conn.c', red: ['checked', 'unit/http/test_http_server'],
    from: 'conn->unsent = 0;\n    conn_hold_anyway(conn);\n    conn_pause(conn);', to: 'conn->unsent = 0;\n    conn_hold_anyway(conn);',
  },
  {
    name: 'a client that is read again counts as held back', file: 'services/gateway/routes/rest_upload.c', red: ['checked-scenario', 'l_media', 'deleted while it is read'],
    from: 'upload->held = false;', to: '',
  },
  {
    name: 'a piece that a client took is not counted', file: 'services/gateway/routes/rest_download.c', red: ['checked-scenario', 'l_media', 'comes back as it was sent'],
    from: 'download->at += (int64_t)took;', to: 'if (took < left) download->at += (int64_t)took;',
  },
  {
    name: 'an upload that is over keeps its place', file: 'services/share/media/upload_places.c', red: ['checked', 'service/test_media'],
    from: 'assert(uploads->n_placed > 0);\n    uploads->n_placed--;', to: 'assert(uploads->n_placed > 0);',
  },
  {
    name: 'a part begins before what is there', file: 'services/share/media/transfer_part.c', red: ['checked-scenario', 'l_media_resumes', 'the next goes on behind it'],
    from: 'TRY(file_open(files, upload->id, offset, &upload->file));', to: 'TRY(file_open(files, upload->id, 0, &upload->file));',
  },
  {
    name: 'a lost connection leaves its turn taken', file: 'services/gateway/recovery/resume_turns.c', red: ['checked', 'unit/gateway/recovery/test_resume'],
    from: 'if (c->has_turn) c->home->turns--;', to: '',
  },
  {
    name: 'what blocks runs on the workers', file: 'libshared/rpc/rpc_dispatch.c', red: ['unit', 'rpc/test_rpc_calls'],
    from: 'queue_for(later->server->blocking, later)', to: 'queue_for(later->server->pool, later)',
  },
  {
    name: 'one address takes all places for passwords', file: 'services/gateway/interop/login.c', red: ['unit', 'gateway/interop/test_admin'],
    from: 'rpc_pool_put(login->pool, &attempt->task, who)', to: 'rpc_pool_put(login->pool, &attempt->task, who.len > 0 ? STR_NONE : who)',
  },
  {
    name: 'a back end says by Redis what only the gateway says', file: 'services/gateway/interop/emitter.c',
    red: ['scenario', 'h_interop', 'a back end reaches'],
    from: '|| !event_is_ours(name);', to: '|| name.len > 0;',
  },
  {
    name: 'the loop sleeps over what is left of a turn', file: 'libshared/base/before_sleep.c', red: ['unit', 'base/test_before_sleep'],
    from: 'ev_idle_start(loop, &before->awake);', to: 'ev_idle_stop(loop, &before->awake);',
  },
  // --- jobs ---
  {
    name: 'a run that lost its lease ends the job of another', file: 'libshared/jobs/job_table.c', red: jobs,
    from: 'WHERE id = $1 AND lease = $2 AND again_at IS NULL', to: 'WHERE id = $1 AND ($2::uuid IS NOT NULL) AND again_at IS NULL',
  },
  {
    name: 'two take one job', file: 'libshared/jobs/job_table.c', red: jobs,
    from: 'AND dead_at IS NULL AND run_at <= now()', to: 'AND dead_at IS NULL',
  },
  {
    name: 'what is put while it runs is forgotten', file: 'libshared/jobs/job_table.c', red: jobs,
    from: 'THEN least(j.again_at, excluded.run_at) END', to: 'THEN j.again_at END',
  },
  {
    name: 'a job that ends its process is tried for ever', file: 'libshared/jobs/job_run.c', red: jobs,
    from: 'if (run->job.attempt > run->kind->attempts) {', to: 'if (false) {',
  },
  {
    name: 'a job that was answered later and failed waits for its lease', file: 'libshared/jobs/jobs.c', red: jobs,
    from: 'rpc_server_release(jobs->server);\n    wake_jobs(jobs);', to: 'rpc_server_release(jobs->server);\n    if (jobs->woken) begin_run(jobs);',
  },
  {
    name: 'one kind of job goes before the others', file: 'libshared/jobs/jobs.c', red: jobs,
    from: 'jobs->turn++;', to: '',
  },
  {
    name: 'a job that clears a table does it once', file: 'libshared/jobs/job_remove.c', red: jobs,
    from: 'return job_put(call, job->kind, job->key, &none, 0);', to: '(void)none, (void)job;\n    return OK;',
  },
  {
    name: 'what wakes a busy runner is forgotten', file: 'libshared/jobs/jobs.c', red: jobs,
    from: 'if (took || (e == OK && jobs->woken)) {', to: 'if (false) {',
  },
  {
    name: 'a drain does not wait for jobs', file: 'libshared/jobs/jobs.c', red: jobs,
    from: 'rpc_server_hold(jobs->server);', to: '(void)jobs;',
  },
  {
    name: 'a message is delivered across a gap', file: 'services/gateway/rooms/deliver.c', red: rooms,
    from: 'room->seq >= 0 && message->seq == room->seq + 1', to: 'room->seq >= 0',
  },
  {
    name: 'features hear that somebody left who never came', file: 'services/gateway/rooms/subscription.c', red: rooms,
    from: 'if (subscription->entered) client_left(', to: 'client_left(',
  },
  {
    name: 'features hear of whom was slow a second time', file: 'services/gateway/rooms/subscription.c', red: rooms,
    from: 'if (!subscription->entered) client_entered(', to: 'client_entered(',
  },
  {
    name: 'features hear of a departure in the order of the arrival', file: 'services/gateway/identity/client_features.c', red: ['unit', 'gateway/test_features'],
    from: 'for (unsigned i = clients->n_features; i-- > 0;) FEATURE_DO(clients, i, left, client, room);',
    to: 'for (unsigned i = 0; i < clients->n_features; i++) FEATURE_DO(clients, i, left, client, room);',
  },
  {
    name: 'sockets of another epoch hear an offset of the last one', file: 'services/gateway/rooms/subscription_send.c', red: rooms,
    from: 'rooms->last_packet.epoch == subscriber->epoch', to: 'true',
  },
  {
    name: 'an offset of two rooms counts as one of one', file: 'services/gateway/rooms/subscription_send.c', red: rooms,
    from: 'subscriber->n == 1 && !subscriber->lost', to: '!subscriber->lost',
  },
  {
    name: 'a slow reader is not paused', file: 'services/gateway/rooms/deliver.c', red: rooms,
    from: 'if (sio_is_slow(subscription->subscriber->socket)) {', to: 'if (false) {',
  },
  {
    name: 'what is kept ahead of a gap is never handed out', file: 'services/gateway/rooms/deliver.c', red: rooms,
    from: 'if (entry.seq == room->seq + 1) deliver_entry(', to: 'if (false) deliver_entry(',
  },
  {
    name: 'a socket that joins with `since` goes live before it has caught up', file: 'services/gateway/rooms/subscription.c', red: rooms,
    from: 'return subscription->seq >= subscription->room->seq;', to: 'return true;',
  },
  {
    name: 'an answer for heads that is older than the loss is believed', file: 'services/gateway/rooms/room_sync.c', red: rooms,
    from: 'if (asked->generation != rooms->generation)', to: 'if (false)',
  },
  {
    name: 'a slow reader that has read is forgotten', file: 'services/gateway/rooms/subscriber.c', red: rooms,
    from: 'subscription_fetch(subscriber->subscriptions[i]);', to: '(void)subscriber;',
  },
  {
    name: 'a token has more than one spelling', file: 'libshared/base/base64.c', red: tokens,
    from: 'spare[] = { 0, -1, 15, 3 };', to: 'spare[] = { 0, -1, 0, 0 };',
  },
  {
    name: "a key's networks bind no token", file: 'services/gateway/identity/key_states.c', red: tokens,
    from: 'if (!address_parse(address, &from)) return false;', to: 'if (!address_parse(address, &from) || key->n > 0) return true;',
  },
  {
    name: 'tokens of a disabled key hold', file: 'services/gateway/identity/key_states.c', red: tokens,
    from: 'if (key->disabled) return ERR_KEY_DISABLED;', to: '',
  },
  {
    name: 'tokens outlive their key, whose end was changed', file: 'services/gateway/identity/key_states.c', red: tokens,
    from: 'if (key->ends_at != 0 && key->ends_at <= now) return ERR_KEY_EXPIRED;', to: 'if (key->ends_at != 0 && now < 0) return ERR_KEY_EXPIRED;',
  },
  {
    name: 'a key that acts for a user opens the account', file: 'services/gateway/identity/bearer.c', red: tokens,
    from: 'if (rights->bearer->kind == BEARER_ACTING &&', to: 'if (false &&',
  },
  {
    name: 'any key speaks for registered users', file: 'services/auth/tokens/subject.c', red: ['service', 'test_auth'],
    from: 'if (!rights->act_as_users)', to: 'if (!rights->act_as_users && false)',
  },
  {
    name: 'a bare * names an event', file: 'libshared/policy/pattern.h', red: ['unit', 'policy/test_policy'],
    from: 'return p->head != 0;', to: 'return p->head != 0 || p->kind == PATTERN_ANY;',
  },
  {
    name: 'a client says who it is', file: 'libshared/wire/json_set.c', red: ['unit', 'wire/test_json_set'],
    from: 'bool is_replaced = str_is(key, name);', to: 'bool is_replaced = str_is(key, name) && in == NULL;',
  },
  {
    name: 'a refused credential is not counted', file: 'services/gateway/identity/guesses.c', red: ['unit', 'gateway/identity/test_guesses'],
    from: 'return rates_take(guesses->rates, RATE_auth, str_of(guess->address), clock_mono_us());', to: 'return 0;',
  },
  {
    name: 'a credential that was good waits as an unknown one does', file: 'services/gateway/identity/guesses.c', red: ['unit', 'gateway/identity/test_guesses'],
    from: 'else if (find_known(guesses, digest) != NULL)', to: 'else if (false)',
  },
  {
    name: 'unknown credentials do not take turns', file: 'services/gateway/identity/guesses.c', red: ['unit', 'gateway/identity/test_guesses'],
    from: 'rates_take(rates, RATE_guess, who, now_us) == 0', to: 'true',
  },
  {
    name: 'what is refused for one rate takes from the others', file: 'services/gateway/rates/rates.c', red: ['unit', 'gateway/rates/test_rates'],
    from: 'for (size_t i = 0; i < n && good; i++) {\n        if (charged', to: 'for (size_t i = 0; i < n; i++) {\n        if (charged',
  },
  {
    name: 'many at once pass a quota', file: 'libshared/rpc/quota.c', red: ['service', 'test_share'],
    from: '" WHERE u.used + excluded.used <= $4::bigint RETURNING', to: '" RETURNING',
  },
  {
    name: 'what is deleted is not given back', file: 'libshared/rpc/quota.c', red: ['service', 'test_chat'],
    from: 'used - $3::bigint', to: 'used - 0 * $3::bigint',
  },
  {
    name: 'the loop writes the log itself', file: 'libshared/base/log_out.c', red: ['unit', 'base/test_log_out'],
    from: 'atomic_store(&running, true);', to: '',
  },
  {
    name: 'a line that a full disk took half of is not continued', file: 'libshared/base/log_out.c', red: ['unit', 'base/test_log_out'],
    from: 'pause_ms(RETRY_MS);', to: 'return;',
  },
  {
    name: 'strangers write as much into the log as they like', file: 'libshared/base/log.c', red: ['unit', 'base/test_log'],
    from: 'if (atomic_fetch_add(&bound->lines, 1) >= LOG_BOUNDED_LINES) {', to: 'if (atomic_fetch_add(&bound->lines, 1) < 0) {',
  },
  {
    name: 'an answer that is older than a change is remembered', file: 'libshared/base/ask_cache.c', red: ['unit', 'base/test_ask_cache'],
    from: '        remove_from_table(asked);\n        asked->is_stale = true;\n', to: '        break;\n',
  },
  {
    name: 'what is remembered grows and grows', file: 'libshared/base/ask_cache.c', red: ['unit', 'base/test_ask_cache'],
    from: 'if (oldest == NULL) return;', to: 'return;',
  },
  {
    name: 'an errand is run on the loop', file: 'libshared/base/errand.c', red: ['unit', 'http/test_http_server'],
    from: 'if (thread_start(run_errand, e)) return e;', to: 'if (!e->ended) { run_errand(e); return e; }\n    if (thread_start(run_errand, e)) return e;',
  },
  {
    name: 'ZeroMQ resolves the names of endpoints', file: 'libshared/rpc/rpc_client_name.c', red: ['unit', 'rpc/test_rpc_link'],
    from: 'if (!has_name(client->config.endpoint, host)) {', to: 'if (!has_name(client->config.endpoint, host) || true) {',
  },
  {
    name: 'a full outbox is said again and again', file: 'services/store/outbox.c', red: ['unit', 'store/test_outbox'],
    from: 'if (!outbox->full) LOG(WARN, "outbox.full"', to: 'LOG(WARN, "outbox.full"',
  },
  {
    name: 'a message of one part takes the next one with it', file: 'libshared/rpc/rpc_server.c', red: ['unit', 'rpc/test_rpc_link'],
    from: 'skip_rest(server, last);', to: 'skip_rest(server, &id);',
  },
  {
    name: 'a request that its servers die of walks through all of them', file: 'libshared/rpc/rpc_client_link.c', red: ['unit', 'rpc/test_rpc_link'],
    from: 'return w->safe && ++w->lost < SENT_MAX;', to: 'return w->safe;',
  },
  {
    name: 'a call over its arena is kept', file: 'libshared/rpc/rpc_call.c', red: ['unit', 'rpc/test_rpc_calls'],
    from: 'if (arena_is_over(call->arena)) return', to: 'if (false) return',
  },
  {
    name: 'a list has no total', file: 'libshared/wire/check.c', red: ['service', 'test_totals'],
    from: 'len <= (size_t)f->total) return OK;', to: 'len > 0) return OK;',
  },
  {
    name: 'anybody may have written a recovery record', file: 'services/gateway/recovery/record.c', red: ['unit', 'gateway/recovery/test_recovery'],
    from: 'return secret_eq(mac.at, want, sizeof want);', to: 'return mac.len > 0;',
  },
  {
    name: 'one record is as good as another', file: 'services/gateway/recovery/record.c', red: ['unit', 'gateway/recovery/test_recovery'],
    from: 'make_hmac(key->bytes, (struct str){ (const char *)hash, RECORD_HASH_BYTES }, own);', to: '(void)hash, make_hmac(key->bytes, STR("x"), own);',
  },
  {
    name: 'a record has a room twice', file: 'services/gateway/recovery/record.c', red: ['unit', 'gateway/recovery/test_recovery'],
    from: 'if (str_eq(list[i - 1], list[i])) return true;', to: ';',
  },
  {
    name: 'Redis may send without end', file: 'libshared/cache/redis_link.c', red: ['unit', 'cache/test_redis'],
    from: 'if (link->unfinished <= REDIS_REPLY_MAX) {', to: 'if (link->unfinished > 0 || bytes == 0) {',
  },
  {
    name: 'a process starts others', file: 'libshared/service/privileges_calls.c', red: ['unit', 'service/test_privileges'],
    from: 'refuse_processes(filter, has->keeps_readers);', to: '(void)refuse_processes;',
  },
  {
    name: 'the families of sockets are compared by their lower half', file: 'libshared/service/privileges_calls.c', red: ['unit', 'service/test_privileges'],
    from: 'when[0] = arg_is(arg, SCMP_CMP_GT, top);', to: 'when[0] = arg_has(arg, 32, 32);',
  },
  {
    name: 'only the thread that asks may not listen any more', file: 'libshared/service/privileges_calls.c', red: ['unit', 'service/test_privileges'],
    from: 'int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);', to: 'int rc = 0;',
  },
  {
    name: 'newer system calls are allowed', file: 'libshared/service/privileges_calls.c', red: ['unit', 'service/test_privileges'],
    from: 'answer_as_older_kernel();\n}', to: '(void)answer_as_older_kernel;\n}',
  },
  {
    name: "each process reads all keys", file: 'libshared/service/privileges_files.c', red: ['unit', 'service/test_privileges'],
    from: '"%s/%s.key_secret", has->settings->common.key_dir, has->kind', to: '"%s", has->settings->common.key_dir',
  },
  {
    name: 'a renewed certificate is out of reach', file: 'libshared/service/privileges_files.c', red: ['unit', 'service/test_privileges'],
    from: 'if (realpath(path, real) != NULL) visit_parent(visit, real);', to: '(void)real;',
  },
  {
    name: 'root keeps its capabilities', file: 'libshared/service/privileges_capabilities.c', red: ['unit', 'service/test_privileges'],
    from: 'set_capabilities(keep, keep);\n', to: 'set_capabilities(~UINT64_C(0) >> 23, ~UINT64_C(0) >> 23);\n',
  },
  {
    name: 'the memory of a process is open', file: 'libshared/service/privileges.c', red: ['unit', 'service/test_privileges'],
    from: 'prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)', to: 'prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)',
  },
  // --- gateway: leaving, coming back ---
  {
    name: 'a gateway that leaves closes all its sessions at once', file: 'services/gateway/drain.c', red: ['unit', 'gateway/test_drain'],
    from: 'if (eio_drain_delay_ms(eio_sid(session), now->spread_ms) <= now->elapsed_ms)', to: 'if (now->elapsed_ms >= 0)',
  },
  {
    name: 'a gateway leaves before its requests are answered', file: 'services/gateway/drain.c', red: ['unit', 'gateway/test_drain'],
    from: 'count_sessions(gateway) == 0 && gateway->routes.in_flight == 0 &&', to: 'count_sessions(gateway) == 0 &&',
  },
  {
    name: "a gateway leaves before it has answered other gateways' clients", file: 'services/gateway/drain.c', red: ['unit', 'gateway/test_drain'],
    from: ' && mesh_in_flight(gateway->mesh) == 0', to: '',
  },
  {
    name: 'all sessions of a gateway have one moment to leave', file: 'services/gateway/engineio/session.c', red: ['unit', 'gateway/engineio/test_eio_session'],
    from: 'table_hash(sid, EIO_SID_CHARS) % spread_ms', to: 'table_hash(sid, EIO_GATEWAY_CHARS) % spread_ms',
  },
  {
    name: 'whoever knows a pid is its owner', file: 'services/gateway/recovery/resume.c', red: resume,
    from: ' ||\n        !str_eq(c->record.subject, bearer_subject(c->arrival.rights.bearer)))', to: ')',
  },
  {
    name: 'who is no member any more comes back into the room', file: 'services/gateway/recovery/resume.c', red: resume,
    from: ' || found->role.len == 0)', to: ')',
  },
  {
    name: 'a lost connection is taken up twice', file: 'services/gateway/recovery/recovery_records.c', red: resume,
    from: 'return -1 end if v ~= ARGV[1] then return 0 end "', to: 'return -1 end "',
  },
  {
    name: 'what was sent again is sent once more', file: 'services/gateway/recovery/resume_positions.c', red: resume,
    from: 'return c->record.replayed;', to: 'return false;',
  },
  {
    name: 'a hole in what was missed is passed over', file: 'services/gateway/recovery/resume_missed.c', red: resume,
    from: ' || message->seq != position->got + 1) return false;', to: ') return false;',
  },
  {
    name: 'what is more than may be held is forgotten', file: 'services/gateway/recovery/resume.c', red: resume,
    from: 'sent[i] = c->positions[i].got;', to: 'sent[i] = c->positions[i].head;',
  },
  {
    name: 'a connection that only seems alive stays', file: 'services/gateway/recovery/resume.c', red: resume,
    from: 'if (old != NULL) saved_connection_supersede(old);', to: '(void)old;',
  },
  {
    name: 'features of a socket are closed in the order in which they were opened', file: 'services/gateway/identity/client_features.c', red: ['unit', 'gateway/test_features'],
    from: 'for (unsigned i = clients->n_features; i-- > 0;) FEATURE_DO(clients, i, closed, client, reason);', to: 'for (unsigned i = 0; i < clients->n_features; i++) FEATURE_DO(clients, i, closed, client, reason);',
  },
  {
    name: 'a join is answered before it is on record', file: 'services/gateway/recovery/saved_connection.c', red: resume,
    from: 'saved_connection_save(connection, done, arg);', to: 'saved_connection_save(connection, NULL, NULL);\n    done(arg);',
  },
  {
    name: 'nobody is told that its rooms are not on record', file: 'services/gateway/recovery/saved_connection.c', red: resume,
    from: 'if (!connection->told && subscriber->changes > 0) {', to: 'if (false) {',
  },
  {
    name: 'who said good-bye comes back', file: 'services/gateway/recovery/record.c', red: resume,
    from: 'strstr(reason, "namespace disconnect") != NULL || ', to: '',
  },
  {
    name: 'a busy service ends a resume', file: 'services/gateway/recovery/resume_turns.c', red: resume,
    from: 'e == ERR_OVERLOADED || ', to: '',
  },
  {
    name: 'a herd comes back all at once', file: 'services/gateway/recovery/resume_turns.c', red: resume,
    from: 'recovery->turns < turns_max(recovery)', to: 'recovery->turns < turns_max(recovery) * 1000',
  },
  {
    name: 'a policy that closed the room is not asked when a connection is resumed', file: 'services/gateway/recovery/resume_positions.c', red: resume,
    from: 'if (why == NULL && !resume_may_hear(c)) why', to: 'if (why != NULL && !resume_may_hear(c)) why',
  },
  // --- gateway: Engine.IO, Socket.IO, tokens, the mesh ---
  {
    name: 'a reader that takes nothing is kept for ever', file: 'services/gateway/engineio/heartbeat.c', red: ['unit', 'gateway/engineio/test_eio_session'],
    from: 'if (passed(s->at.slow, now)) {', to: 'if (false) {',
  },
  {
    name: 'what waits for a session has no end', file: 'services/gateway/engineio/session.c', red: ['unit', 'gateway/engineio/test_eio_session'],
    from: 's->queued_bytes > 2 * most || s->count', to: 's->count',
  },
  {
    name: 'a session that joins nothing stays', file: 'services/gateway/engineio/heartbeat.c', red: ['unit', 'gateway/engineio/test_eio_session'],
    from: 'if (passed(s->at.connect, now)) {', to: 'if (false) {',
  },
  {
    name: 'a client that went silent stays', file: 'services/gateway/engineio/heartbeat.c', red: ['unit', 'gateway/engineio/test_eio_session'],
    from: 'if (passed(s->at.pong, now)) {', to: 'if (false) {',
  },
  {
    name: 'events behind a join overtake it', file: 'services/gateway/routes/order.c', red: ['scenario', 'c_order'],
    from: 't->is_closed = true;', to: 't->is_closed = false;',
  },
  {
    name: 'a key that was revoked is still spoken for', file: 'services/gateway/identity/bearer.c', red: tokens,
    from: 'if (ended_find(ended, ENDED_KEY, bearer->key) >= 0) return ERR_KEY_REVOKED;', to: '',
  },
  {
    name: 'a subject that was logged out is still spoken for', file: 'services/gateway/identity/bearer.c', red: tokens,
    from: 'if (ended_find(ended, ENDED_SUBJECT, bearer->sub) >= bearer->issued_at) return ERR_SESSION_ENDED;', to: '',
  },
  {
    name: 'a page of the trust behind a gap is taken', file: 'services/gateway/identity/trusted.c', red: tokens,
    from: ' && page->since <= state->position;', to: ';',
  },
  {
    name: 'sockets of a key are not found when there are many', file: 'services/gateway/identity/socket_index.c', red: ['unit', 'gateway/identity/test_socket_index'],
    from: 'if (link->next != NULL) link->next->link[by].here = &link->next;', to: '',
  },
  {
    name: 'a policy that is not known yet is none', file: 'services/gateway/identity/trusted.c', red: ['unit', 'gateway/identity/test_trusted'],
    from: 'if (trusted->auth == NULL || (is_fresh && !trusted->asking)) return false;', to: 'if (trusted->auth == NULL || !is_fresh || !trusted->asking) return false;',
  },
  {
    name: 'auth is asked for a policy again and again', file: 'services/gateway/identity/trusted.c', red: ['unit', 'gateway/identity/test_trusted'],
    from: '(is_fresh && !trusted->asking)', to: '(is_fresh && !trusted->asking && trusted->now == NULL)',
  },
  {
    name: 'a token has no end', file: 'services/gateway/identity/bearer.c', red: tokens,
    from: 'if (bearer->expires_at <= now) return ERR_TOKEN_EXPIRED;', to: '',
  },
  {
    name: 'a cap narrows nothing', file: 'services/gateway/identity/bearer.c', red: tokens,
    from: '(rights->bearer->cap == NULL ||', to: '(rights->bearer->cap != NULL || rights->bearer->cap == NULL ||',
  },
  // --- store ---
  {
    name: 'chat does not hear of what the outbox left out', file: 'services/store/messages/message_append.c', red: ['unit', 'store/test_append'],
    from: 'chat_link_recheck(store_chat(store, a->message.room)->link);', to: 'continue;',
  },
  {
    name: 'a message is answered before it is published', file: 'services/store/messages/message_append.c', red: ['unit', 'store/test_append'],
    from: 'outbox_flush(store->outbox);', to: '',
  },
  {
    name: 'what was not stored is published', file: 'services/store/messages/message_append.c', red: ['unit', 'store/test_append'],
    from: 'if (a->e == OK && !outbox_put', to: 'if (!outbox_put',
  },
  {
    name: "a member may do to others' messages what the rows keep for one's own", file: 'services/store/entries/entries.c', red: rights,
    from: '(is_own || right->whose == ANYBODY)', to: '(is_own || right->whose == ANYBODY || right->whose == OWN)',
  },
  {
    name: "a member has an owner's rights", file: 'services/store/entries/entries.c', red: rights,
    from: 'room_role_may(role, right->may)', to: 'role >= ROLE_member',
  },
  {
    name: 'who is no member may do what members may', file: 'services/store/entries/entries.c', red: rights,
    from: 'room_role_may(role, right->may)', to: '(room_role_may(role, right->may) || role == ROLE_none)',
  },
  {
    name: 'the time to edit has no end', file: 'services/store/entries/entries.c', red: rights,
    from: 'right->within_s == 0 ||', to: 'right->within_s >= 0 ||',
  },
  {
    name: 'one may do to a message what a row allows for another', file: 'services/store/entries/entries.c', red: rights,
    from: 'right->kind == kind &&', to: 'right->kind >= ENTRY_message && kind >= ENTRY_message &&',
  },
  {
    name: 'what comes behind an edit overtakes it', file: 'services/store/entries/turns.c', red: ['unit', 'store/test_turns'],
    from: 'return line->turns == turn;', to: 'return true;',
  },
  {
    name: "a room's publications overtake each other", file: 'services/store/outbox.c', red: outbox,
    from: 'if (queue->n_in_flight == 0 && !queue->is_ready) {', to: 'if (!queue->is_ready) {',
  },
  {
    name: 'a publication has a gap', file: 'services/store/outbox.c', red: outbox,
    from: 'entry->message.seq == out[n - 1].seq + 1', to: 'entry->message.seq > out[n - 1].seq',
  },
  {
    name: 'a full outbox drops the newest', file: 'services/store/outbox.c', red: outbox,
    from: 'drop_unsent(outbox, queue);\n    DL_APPEND(queue->entries, entry);', to: 'outbox->bytes += 0;\n    DL_PREPEND(queue->entries, entry);',
  },
  {
    name: 'a publication that chat did not take is forgotten', file: 'services/store/outbox.c', red: outbox,
    from: 'if (!acknowledged) {', to: 'if (!acknowledged && outbox == NULL) {',
  },
  {
    name: 'a room is in two batches at a time', file: 'services/store/messages/committer.c', red: ['service', 'test_store_batch'],
    from: 'room->worker = worker;\n    out->n += n;\n    DL_DELETE(c->ready, room);', to: 'out->n += n;\n    DL_DELETE(c->ready, room);',
  },
  {
    name: 'a commit that is slow has none beside it', file: 'services/store/messages/committer.c', red: ['service', 'test_store_batch'],
    from: '(has_enough(c) || any_is_slow(c))', to: '(has_enough(c) || (any_is_slow(c) && c == NULL))',
  },
  {
    name: 'what waits behind a hung statement is all that the store may have open', file: 'services/store/messages/committer.c',
    red: ['service', 'test_store_batch'],
    from: 'return !is_slow(room->worker);', to: 'return room->n_waiting < c->config.open_max;',
  },
  {
    name: 'the committer waits for its answer a hundred times as long', file: 'services/store/messages/batch.c', red: ['service', 'test_store_batch'],
    from: 'int64_t until_us = clock_mono_us() + b->limits.statement_ms * 1000 + PG_GRACE_US;\n    enum err e = OK;',
    to: 'int64_t until_us = clock_mono_us() + 100 * (b->limits.statement_ms * 1000 + PG_GRACE_US);\n    enum err e = OK;',
  },
  {
    name: 'what nobody waits for is stored', file: 'services/store/messages/committer.c', red: ['service', 'test_store_batch'],
    from: 'if (a->deadline_us < now_us)', to: 'if (a->deadline_us < now_us - now_us)',
  },
  {
    name: 'one bad message fails all of its batch', file: 'services/store/messages/committer.c', red: ['service', 'test_store_batch'],
    from: 'e != OK && e != ERR_UNAVAILABLE && n > 1', to: 'e != OK && e != ERR_UNAVAILABLE && n > 1000000',
  },
  {
    name: 'a repeat is answered with its own text and not with what was stored', file: 'services/store/messages/batch.c', red: ['service', 'test_store_batch'],
    from: 'if (is_repeat) {', to: 'if (is_repeat && b == NULL) {',
  },
  {
    name: 'members are remembered while nobody tells of changes', file: 'services/store/access_cache.c', red: access,
    from: 'ask_cache_invalidate(&access->cache);', to: '',
  },
  {
    name: 'an answer is remembered while nobody tells of changes', file: 'services/store/access_cache.c', red: access,
    from: 'is_yes(e, may) && grant->is_watched) {', to: 'is_yes(e, may)) {',
  },
  {
    name: 'a no that is older than the question counts', file: 'services/store/access_cache.c', red: access,
    from: ' && (grant->n_early > 0 || e != OK || is_yes(e, may))) {', to: ') {',
  },
  {
    name: 'who may only read is remembered', file: 'services/store/access_cache.c', red: access,
    from: 'return e == OK && may.role > ROLE_read_only;', to: 'return e == OK && may.role > ROLE_none;',
  },
  {
    name: 'a room that is late is as late as what came last', file: 'services/store/feeds/feeds.c',
    red: ['scenario', 't_search', 'what is said to be in the index'],
    from: 'if (at > 0 && at < room->at) room->at = at;', to: '',
  },
  {
    name: 'a page has no bound in bytes', file: 'services/store/log/log_page.c', red: ['service', 'test_store'],
    from: '" WHERE n = 1 OR bytes <= $4 ORDER BY seq"', to: '" WHERE n > 0 OR bytes <= $4 ORDER BY seq"',
  },
  // --- chat ---
  {
    name: 'a gateway that is gone stays in chat\'s directory', file: 'services/chat/keeps.def', red: ['service', 'test_chat'],
    from: 'gateways_forget_peer)', to: 'NULL)',
  },
  {
    name: 'chat passes on what it has passed on', file: 'services/chat/gateways/feeds.c', red: ['unit', 'chat/test_feeds'],
    from: 'all.at[skip].seq <= after) skip++;', to: 'all.at[skip].seq < after) skip++;',
  },
  {
    name: 'chat does not pass on that a store may have died', file: 'services/chat/gateways/feeds.c', red: ['service', 'test_chat'],
    from: 'feeds_recheck(call->server);', to: '(void)call;',
  },
  {
    name: 'who was read before a change is believed after it', file: 'services/chat/members/member_cache.c', red: ['unit', 'chat/test_member_cache'],
    from: 'if (read->version < room->version) {', to: 'if (read->version < 0) {',
  },
  {
    name: 'a change that follows a lost one is believed', file: 'services/chat/members/member_cache.c', red: ['unit', 'chat/test_member_cache'],
    from: 'if (room->entry.is_kept && (version != room->version + 1 || who.len == 0)) {', to: 'if (false) {',
  },
  {
    name: 'an older change makes an older reading good', file: 'services/chat/members/member_cache.c', red: ['unit', 'chat/test_member_cache'],
    from: ' || version <= room->version) return;', to: ') return;',
  },
  {
    name: 'who is blocked brings the other into a room', file: 'services/chat/rooms/room_row.c', red: ['service', 'test_friends'],
    from: 'named WHERE NOT blocked($4, subject)"', to: 'named WHERE NOT blocks($4, subject)"',
  },
  {
    name: 'a room with whom one blocks is listed', file: 'services/chat/rooms/room_list.c', red: ['service', 'test_friends'],
    from: '(d.room_id IS NULL OR NOT blocks', to: '(true OR NOT blocks',
  },
  {
    name: 'who is left in a room of two owns it', file: 'services/chat/rooms/room_heir.c', red: ['service', 'test_friends'],
    from: 'AND NOT EXISTS (SELECT FROM direct WHERE', to: 'AND NOT EXISTS (SELECT FROM direct WHERE false AND',
  },
  {
    name: 'what was declined is seen when it is asked again', file: 'services/chat/friends/friend_acts.c', red: ['service', 'test_friends'],
    from: 'if (to == BOND_MINE && call->now < is->mine_quiet_until)', to: 'if (to == BOND_MINE && call->now < 0)',
  },
  {
    name: 'a block takes a friend away', file: 'services/chat/friends/friend_acts.c', red: ['service', 'test_friends'],
    from: 'if (act == BLOCK && is.my_block == 0) is.my_block = call->now;', to: 'if (act == BLOCK && is.my_block == 0) is.my_block = call->now, is.bond = BOND_NONE;',
  },
  {
    name: 'a friend who is removed counts in the other\'s quota', file: 'services/chat/friends/relation.c', red: ['service', 'test_friends'],
    from: 'struct subject_share theirs = { was->other, held_by_them(is) - held_by_them(was) };', to: 'struct subject_share theirs = { was->other, held_by_them(is) - held_by_them(is) };',
  },
  {
    name: 'any member removes others', file: 'services/chat/rooms/room_remove.c', red: ['service', 'test_chat'],
    from: 'TRY(require_right(call, &row.room, MAY_remove));', to: '',
  },
  {
    name: 'a closed room is open', file: 'services/chat/rooms/room_enter.c', red: ['service', 'test_chat'],
    from: 'if (row.room.role.len == 0 && !row.room.open)', to: 'if (row.room.role.len == 0 && row.room.open && !row.room.open)',
  },
  // --- who asks to be let into a room ---
  {
    name: 'who is banned finds the room', file: 'services/chat/rooms/room_find.c', red: ['scenario', 'r_find', 'only a listed room'],
    from: '" = $1 AND (b.banned_until', to: '" <> $1 AND (b.banned_until',
  },
  {
    name: 'a room is found once for each piece of its name', file: 'services/chat/rooms/room_find.c', red: ['scenario', 'r_find', 'pages have each room once'],
    from: '" AND f.key < k.key)" PAGE', to: '" AND f.key < k.key AND false)" PAGE',
  },
  {
    name: 'a page begins with the last room of the one before', file: 'services/chat/rooms/room_find.c', red: ['scenario', 'r_find', 'pages have each room once'],
    from: '(k.key, k.room_id) > (', to: '(k.key, k.room_id) >= (',
  },
  {
    name: 'an archived room is found', file: 'migrations/chat/0019_listed_rooms.sql', red: ['scenario', 'r_find', 'only a listed room'],
    from: 'WHERE NEW.listed AND NEW.archived_at IS NULL AND', to: 'WHERE NEW.listed AND',
  },
  {
    name: 'an archive lacks what is sent later', file: 'libshared/page/archive_script.c', red: ['scenario', 'p_pages', 'is had as an archive'],
    from: "await allowed('scheduled', {}, after)", to: '[]',
  },
  {
    name: 'an archive lacks what one has begun to write', file: 'libshared/page/archive_script.c', red: ['scenario', 'p_pages', 'is had as an archive'],
    from: "await allowed('drafts', {}, after)", to: '[]',
  },
  {
    name: 'any closed room is asked', file: 'libshared/rpc/room_rights.c', red: ['scenario', 'r_knocks', 'where the room says so'],
    from: 'return standing->role == ROLE_none && standing->is_asked;', to: 'return standing->role == ROLE_none;',
  },
  {
    name: 'a member asks, too', file: 'libshared/rpc/room_rights.c', red: ['scenario', 'r_knocks', 'who asks is seen'],
    from: 'return standing->role == ROLE_none && standing->is_asked;', to: 'return standing->is_asked;',
  },
  {
    name: 'who is banned is seen asking', file: 'migrations/chat/0018_knocks.sql', red: ['scenario', 'r_knocks', 'who is banned or blocked'],
    from: 'AND b.subject = k.subject AND (b.banned_until', to: 'AND b.subject = viewer AND (b.banned_until',
  },
  {
    name: 'who blocks sees who asks', file: 'migrations/chat/0018_knocks.sql', red: ['scenario', 'r_knocks', 'who is banned or blocked'],
    from: 'AND NOT blocked(viewer, k.subject)', to: 'AND NOT blocked(viewer, viewer)',
  },
  {
    name: 'who may answer does not hear of a ban', file: 'services/chat/members/member_ban.c', red: ['scenario', 'r_knocks', 'who is banned or blocked'],
    from: 'TRY(tell_deciders(call, &row.room, req->member));', to: '',
  },
  {
    name: 'a no behind a yes of another is taken for one', file: 'services/chat/knocks/knock_answer.c', red: ['scenario', 'r_knocks', 'who asks is seen'],
    from: 'if ((members > 0) == req->yes) return OK;', to: 'if (members > 0 || !req->yes) return OK;',
  },
  {
    name: 'who asked anew is told that it has ended', file: 'services/chat/rooms/room_list.c', red: ['scenario', 'r_knocks', 'before they could be told'],
    from: 'rep->asked = IDS_OF(call->arena, asked, room);', to: '',
  },
  {
    name: 'who is declined is not told', file: 'services/chat/knocks/knock_answer.c', red: ['scenario', 'r_knocks', 'who asks is seen'],
    from: 'own_tell(call, req->room, OWN_UNASKED, one);', to: '',
  },
  {
    name: 'who has come in another way still asks', file: 'services/chat/knocks/knocks.c', red: ['scenario', 'r_knocks', 'where the room says so'],
    from: 'if (change->of != OF_MEMBERS || change->who.len == 0) return OK;', to: 'if (change->of == OF_MEMBERS || change->who.len == 0) return OK;',
  },
  {
    name: 'what was asked and is over counts', file: 'services/chat/knocks/knocks.c', red: ['scenario', 'r_knocks', 'a thousand at most'],
    from: 'FROM knock WHERE room_id = $1 AND expires_at > $2";', to: 'FROM knock WHERE room_id = $1 AND $2::timestamptz IS NOT NULL";',
  },
  {
    name: 'who was away is not told that what they asked has ended', file: 'services/chat/own/own_since.c', red: ['scenario', 'r_knocks', 'while one was away'],
    from: 'f.subject = $1 AND f.ended_at > $2', to: 'f.subject = $1 AND f.ended_at > $2 AND NOT f.asked',
  },
  {
    name: 'what an erased user asked stays', file: 'services/chat/members/member_erase.c', red: ['scenario', 'n_directory', 'that who is erased has made'],
    from: 'TRY(knocks_erase(call, subject, &rows));', to: 'rows = 0;',
  },
  {
    name: 'links that an erased user made stay', file: 'services/chat/members/member_erase.c', red: ['scenario', 'n_directory', 'that who is erased has made'],
    from: 'TRY(invites_erase_some(call, subject, INVITES_AT_ONCE, &rows));', to: 'rows = 0;',
  },
  // --- links into rooms ---
  {
    name: 'a link lets in though who made it may make none any more', file: 'services/chat/invites/invite_accept.c', red: ['scenario', 'r_invites', 'of who made it'],
    from: '(e == OK && !room_lets(&seen_by_maker, MAY_link))', to: '(e == OK && false)',
  },
  {
    name: 'a link lets in whom who made it blocks', file: 'services/chat/invites/invite_accept.c', red: ['scenario', 'r_invites', 'of who made it'],
    from: 'AND NOT blocked(i.made_by, $4)', to: 'AND NOT blocks(i.made_by || $4, $4)',
  },
  {
    name: 'a link opens other rooms, too', file: 'services/chat/invites/invite_accept.c', red: ['scenario', 'r_invites', 'of who made it'],
    from: 'WHERE i.room_id = $1 AND', to: 'WHERE $1::uuid IS NOT NULL AND',
  },
  {
    name: 'who looks at a room takes a use of the link', file: 'services/chat/invites/invite_accept.c', red: ['scenario', 'r_invites', 'a link shows the room'],
    from: 'LOOK[] = "SELECT m.role, m.muted_until FROM invite i, " LETS_IN;', to: 'LOOK[] = "UPDATE invite i SET used = i.used + 1 FROM " LETS_IN " RETURNING m.role, m.muted_until";',
  },
  {
    name: 'more come in by a link than it says', file: 'services/chat/invites/invite_accept.c', red: ['scenario', 'r_invites', 'a link shows the room'],
    from: '(i.uses IS NULL OR i.used < i.uses)', to: '(i.uses IS NULL OR i.uses > 0)',
  },
  {
    name: 'who is banned comes in by a link', file: 'services/chat/invites/invite_accept.c', red: ['scenario', 'r_invites', 'who is banned does not'],
    from: 'return require_unbanned(call, room->id, (struct str_list){ self, 1 }, ERR_FORBIDDEN);', to: 'return self != NULL ? OK : ERR_INTERNAL;',
  },
  {
    name: 'who has lost the answer takes another use', file: 'services/chat/invites/invite_accept.c', red: ['scenario', 'r_invites', 'a link shows the room'],
    from: 'if (row.room.role.len == 0) {', to: 'if (row.room.members > 0) {',
  },
  {
    name: 'a code is kept as it is', file: 'services/chat/code_hash.c', red: ['scenario', 'r_invites', 'a code is in no log'],
    from: 'return (struct str){ (const char *)hash, CODE_HASH_BYTES };', to: 'return arena_printf(arena, "%32.32s", arena_printf(arena, "%.*s", STR_ARG(code)).at);',
  },
  {
    name: 'links that are over count', file: 'services/chat/invites/invites.c', red: ['scenario', 'r_invites', 'a hundred links at most'],
    from: 'AND (expires_at <= $2 OR used >= uses)"', to: 'AND expires_at <= $2 AND used >= uses"',
  },
  // --- roles and rights ---
  {
    name: 'an archived room goes on', file: 'libshared/rpc/room_rights.c', red: ['scenario', 'n_roles', 'archived: may'],
    from: 'if (standing->is_archived && rights[right].archived == ENDS) return false;', to: '',
  },
  {
    name: 'who is muted may what their role may', file: 'libshared/rpc/room_rights.c', red: ['scenario', 'n_roles', 'muted: may'],
    from: 'bool is_silent = standing->is_muted && standing->role > ROLE_read_only;', to: 'bool is_silent = false && standing->is_muted;',
  },
  {
    name: 'who is as high as oneself can be put out', file: 'services/chat/rooms/room_row.c', red: ['scenario', 'n_roles', 'role above theirs'],
    from: 'if (room_role_of(out->role) < room_role_of(room->role)) return OK;', to: 'if (room_role_of(out->role) <= room_role_of(room->role)) return OK;',
  },
  {
    name: 'what all may do is remembered over a change', file: 'services/chat/members/member_cache.c', red: ['scenario', 'n_roles', 'settings hold'],
    from: 'if (room->entry.is_kept && (version != room->version + 1 || who.len == 0)) {', to: 'if (room->entry.is_kept && version != room->version + 1) {',
  },
  {
    name: 'stores do not hear that all may do something else', file: 'services/chat/rooms/room_row.c', red: ['scenario', 'n_roles', 'settings hold'],
    from: 'if (change->who.len == 0)', to: 'if (false)',
  },
  {
    name: 'who is banned joins', file: 'services/chat/rooms/room_enter.c', red: ['scenario', 'n_roles', 'banned is out'],
    from: 'TRY(require_unbanned(call, room, (struct str_list){ self, 1 }, ERR_FORBIDDEN));', to: '',
  },
  {
    name: 'a room falls to who has been there longest, whatever they are', file: 'services/chat/rooms/room_heir.c', red: ['scenario', 'n_roles', 'falls to'],
    from: '"m.room_id, array_position($2, m.role), CASE', to: '"m.room_id, array_position($2, m.role) IS NULL, CASE',
  },
  {
    name: 'sockets stay in a deleted room', file: 'services/gateway/rooms/rooms.c', red: ['scenario', 'n_roles', 'deleted room'],
    from: 'if (room != NULL && change.subject.len == 0) {', to: 'if (room != NULL && change.subject.len == 0) return;\n    if (false) {',
  },
  // --- secrets that are good once ---
  {
    name: 'a secret is good as often as somebody has it', file: 'services/auth/single_use/single_use.c', red: singleUse,
    from: 'SET used_at = now() WHERE', to: 'SET used_at = NULL WHERE',
  },
  {
    name: 'a secret does not know what it is for', file: 'services/auth/single_use/single_use.c', red: singleUse,
    from: '"%s%c%.*s", purpose->name,', to: '"%s%c%.*s", purpose->life_s > 0 ? "" : purpose->name,',
  },
  {
    name: 'there is one guess more than there may be', file: 'services/auth/single_use/single_use.c', red: singleUse,
    from: 'AND tries < $3', to: 'AND tries <= $3',
  },
  {
    name: 'a holder has as many secrets as it likes', file: 'services/auth/single_use/single_use.c', red: singleUse,
    from: 'OFFSET $3)', to: 'OFFSET $3 + 1)',
  },
  // --- mails ---
  {
    name: 'what is put into a mail can be markup', file: 'libshared/page/html.c', red: ['unit', 'auth/test_mail_text'],
    from: "case '<': buf_add_str(out, STR(\"&lt;\")); break;", to: '',
  },
  {
    name: 'a mail server that offers no TLS gets the mail all the same', file: 'libshared/fetch/fetch_mail.c', red: ['unit', 'fetch/test_fetch_mail'],
    from: 'CURLUSESSL_ALL', to: 'CURLUSESSL_TRY',
  },
  {
    name: 'a mail server that refuses us has judged the mail', file: 'libshared/fetch/fetch_mail.c', red: ['unit', 'fetch/test_fetch_mail'],
    from: ' && fetch->mail.was_read)', to: ')',
  },
  {
    name: 'a mail whose address was typed by a stranger is a second command', file: 'libshared/fetch/fetch_mail.c', red: ['unit', 'fetch/test_fetch_mail'],
    from: ' || !is_one_word(mail->to))', to: ')',
  },
  {
    name: 'link and code of one mail are each good once', file: 'services/auth/proofs/mail_login.c', red: ['scenario', 'm_mail', 'one signs in by the link'],
    from: 'TRY(end_others(call, account));', to: '(void)end_others;',
  },
  {
    name: 'a wrong code is no try', file: 'services/auth/proofs/mail_login.c', red: ['scenario', 'm_mail', 'one signs in by the link'],
    from: 'TRY(single_use_try(call->pg', to: 'TRY(single_use_read(call->pg',
  },
  {
    name: 'who had an account before its owner keeps the password', file: 'services/auth/proofs/mail_login.c', red: ['scenario', 'm_mail', 'without its former owner'],
    from: 'account_prove_email(call, account, false)', to: 'account_prove_email(call, account, true)',
  },
  {
    name: 'a new password ends no session', file: 'services/auth/users/revocations.def', red: ['scenario', 'm_mail', 'a new password'],
    from: 'REVOCATION(password_reset,       ALL,', to: 'REVOCATION(password_reset,       NO,',
  },
  {
    name: 'another e-mail leaves other sessions as they are', file: 'services/auth/users/revocations.def', red: sessions,
    from: 'REVOCATION(email_changed,        ALL,', to: 'REVOCATION(email_changed,        NO,',
  },
  {
    name: 'whoever registered with another\'s address keeps a passkey to it', file: 'services/auth/users/credentials.def', red: sessions,
    from: '"DELETE FROM factor WHERE account_id = $1",         R(taken_over)', to: '"DELETE FROM factor WHERE account_id = $1",         0',
  },
  {
    name: 'what an unlinked provider said a moment ago still signs in', file: 'services/auth/users/revocations.def', red: sessions,
    from: 'S(oauth_login),                                 0,', to: '0,                                              0,',
  },
  {
    name: 'who is banned goes on with a session', file: 'services/auth/users/user_refresh.c', red: sessions,
    from: 'e = ban_check(call->pg, call->arena, id_text(call->arena, session.account.id));', to: 'e = OK;',
  },
  {
    name: 'who is banned signs in by a mail', file: 'services/auth/sessions/session.c', red: sessions,
    from: 'TRY(ban_check(pg, arena, id_text(arena, account->id)));', to: '',
  },
  {
    name: 'a right password of an account that may not be opened is told by its time', file: 'libshared/base/password.c', red: ['unit', 'base/test_password'],
    from: 'if (!fits) spend_rest', to: 'if (!fits && may) spend_rest',
  },
  {
    name: 'an account without a password is told by its time', file: 'libshared/base/password.c', red: ['unit', 'base/test_password'],
    from: 'spend_bcrypt(password, rule.cost);', to: 'spend_bcrypt(password, 4);',
  },
  {
    name: 'what a former version had on record is left behind', file: 'migrations/auth/0010_attempts_and_budgets.sql', red: ['service', 'test_auth_upgrade'],
    from: "'token', subject, key_id, address, '', outcome, '' FROM token_log\n    WHERE at > now() - interval '90 days'", to: "'token', subject, key_id, address, '', outcome, '' FROM token_log\n    WHERE at > now() - interval '9 days'",
  },
  {
    name: 'paths are logged as they come, with what does not belong in them', file: 'libshared/base/loggable_path.c', red: ['scenario', 'n_secrets', 'no secret of a person'],
    from: 'return (struct str){ path.at, i };', to: 'return path;',
  },
  {
    name: 'an answer that got lost costs the session', file: 'services/auth/users/user_refresh.c', red: sessions,
    from: 'behind > 1 && call->now', to: 'behind > 0 && call->now',
  },
  {
    name: 'a session whose answers get lost ends, although it is used', file: 'services/auth/users/user_refresh.c', red: sessions,
    from: 'WHERE id = $1 AND expires_at <', to: 'WHERE id = $1 AND ends_at <',
  },
  {
    name: 'a refresh token is taken without its secret', file: 'services/auth/users/user_refresh.c', red: sessions,
    from: '!refresh_token_is_genuine(token, session->secret) || ', to: '',
  },
  {
    name: 'who was disabled goes on with a session', file: 'services/auth/users/user_refresh.c', red: sessions,
    from: ' || !account_is_active(&session->account)', to: '',
  },
  {
    name: 'requests with one refresh token have a successor each', file: 'services/auth/users/user_refresh.c', red: ['scenario', 'm_login', 'fifty requests'],
    from: 'token.counter == session.counter ? move', to: 'true ? move',
  },
  {
    name: "a session of another user's is ended", file: 'services/auth/sessions/session_end.c', red: sessions,
    from: ' AND account_id::text = $2', to: ' AND $2::text IS NOT NULL',
  },
  {
    name: 'a mail of a stranger is sent as often as they like', file: 'services/auth/mail/budgets.def', red: ['scenario', 'm_mail', 'in an hour is bounded'],
    from: 'ASKED,  ADDRESS, 10,', to: 'ASKED,  ADDRESS, 1000,',
  },
  // --- auth ---
  {
    name: 'a revoked key gets tokens', file: 'services/auth/tokens/token_issue.c', red: auth,
    from: 'if (key->revoked_at != 0) return ERR_KEY_REVOKED;', to: '',
  },
  {
    name: 'a token outlives its key', file: 'services/auth/tokens/token_issue.c', red: auth,
    from: 'return until_s < end ? until_s : end;', to: 'return until_s < now_s ? until_s : end;',
  },
  {
    name: 'a former secret has no end', file: 'services/auth/tokens/token_issue.c', red: auth,
    from: 'fitted ? whole_s(key->grace_until) : 0', to: 'fitted ? INT64_MAX : 0',
  },
  {
    name: 'the networks of a key are not asked', file: 'services/auth/tokens/token_issue.c', red: auth,
    from: 'return networks.len == 0;', to: 'return true;',
  },
  {
    name: 'what a proxy brings from a banned network is served', file: 'libshared/http/http.c', red: ['scenario', 'n_abuse', 'a banned network'],
    from: 'if (is_banned(conn)) {', to: 'if (is_banned(conn) && !conn->proxied) {',
  },
  {
    name: 'a gateway that stood still answers requests by what it knew', file: 'services/gateway/freshness.c', red: ['scenario', 'n_ends', 'a gateway that stood still'],
    from: 'routes_hold(&gateway->routes, true);', to: '',
  },
  {
    name: 'a gateway that was cut off does not ask what it missed', file: 'services/gateway/service_links.c', red: ['scenario', 'n_ends', 'a gateway that was cut off'],
    from: 'if (link->part.service == SERVICE_auth) freshness_ask(gateway);', to: 'if (gateway->service[SERVICE_auth] == NULL) freshness_ask(gateway);',
  },
  {
    name: 'tokens of a back end outlive the rights of whom they are for', file: 'services/auth/users/revocations.def', red: ['scenario', 'n_ends', 'another policy'],
    from: 'REVOCATION(policy_changed,       NO,       TOKENS,', to: 'REVOCATION(policy_changed,       NO,       0,',
  },
  {
    name: 'sockets of a banned network stay', file: 'services/gateway/identity/client.c', red: ['scenario', 'n_abuse', 'a banned network'],
    from: 'if (has_network) clients_each(clients, add_if_banned, all);', to: 'if (has_network && all == NULL) clients_each(clients, add_if_banned, all);',
  },
  {
    name: 'who guesses at an account keeps its owner out', file: 'services/auth/users/user_login.c', red: ['scenario', 'n_abuse', 'thousands'],
    from: 'login->proof.budget.device = login->req->device_token;', to: '',
  },
  {
    name: 'a second factor lets in who was banned since the password', file: 'services/auth/factors/factor_prove.c', red: ['service', 'test_ways'],
    from: 'TRY(ban_check(call->pg, call->arena, call->who->sub));', to: '',
  },
  {
    name: 'a link that is gone leaves no trace', file: 'services/auth/abuse/attempts.c', red: ['service', 'test_ways'],
    from: 'pg_rollback(call->pg);\n    return attempt_refuse(call, attempt, result);', to: 'return result;',
  },
  {
    name: 'everybody in /system hears alerts', file: 'services/gateway/system/system.c', red: ['scenario', 'n_alerts', 'refused ten times'],
    from: 'return !said->to_admins ||', to: 'return said != NULL ||',
  },
  {
    name: 'an alert is told each time that it comes', file: 'services/auth/alerts/alert_raise.c', red: ['scenario', 'n_alerts', 'refused ten times'],
    from: 'return raised.times - n == raised.told ? put_tell(pg, arena, raised.id, raised.open_until) : OK;', to: 'return put_tell(pg, arena, raised.id, 0);',
  },
  {
    name: 'a banned subject gets tokens', file: 'services/auth/tokens/token_issue.c', red: ['scenario', 'n_abuse', 'a banned subject'],
    from: 'if (key->banned) return ERR_BANNED;', to: '',
  },
  {
    name: 'a day of attempts is taken away while all who write wait', file: 'services/auth/abuse/attempt_turn.c', red: ['service', 'test_abuse'],
    from: ': "CONCURRENTLY"', to: ': ""',
  },
  {
    name: 'guesses that come at once are counted as one', file: 'services/auth/abuse/budget.c', red: ['service', 'test_abuse'],
    from: 'TRY(pg_run(pg, arena, LOCK_ACCOUNT, PG_ARGS(pg_text(who->account)), NULL));', to: '(void)LOCK_ACCOUNT;',
  },
  {
    name: 'strangers guess as much as they have addresses', file: 'services/auth/abuse/budget.c', red: ['service', 'test_abuse'],
    from: 'who->is_unknown ? state->unknown.next_at - UNKNOWN_AHEAD_MS - who->now : 0', to: '0',
  },
  {
    name: 'a refusal leaves no row of attempts', file: 'services/auth/abuse/attempts.c', red: auth,
    from: 'TRY(pg_commit(call->pg));', to: '',
  },
  {
    name: 'a policy replaces one that changed meanwhile', file: 'services/auth/policies/policy_put.c', red: auth,
    from: 'WHERE $3 = 0 OR', to: 'WHERE $3 >= 0 OR',
  },
  {
    name: 'a sealed key signs from another row', file: 'libshared/db/sealed_column.c', red: auth,
    from: 'return arena_printf(arena, "%s.%s:%.*s", column->schema, column->name, STR_ARG(row));', to: '(void)row;\n    return arena_printf(arena, "%s.%s", column->schema, column->name);',
  },
  {
    name: 'a signing key stays in the database as it is', file: 'services/auth/tokens/signing_key.c', red: auth,
    from: 'SET sealed = $2, private_pem = NULL WHERE', to: 'SET sealed = $2 WHERE',
  },
  {
    name: 'a signing key that lay there in plain signs on', file: 'services/auth/tokens/signing_key.c', red: auth,
    from: 'return n_plain > 0 || ', to: '(void)n_plain;\n    return ',
  },
  {
    name: 'more keys sign than gateways know', file: 'services/auth/tokens/signing_key.c', red: auth,
    from: '#define FORMER_KEYS_MAX 14', to: '#define FORMER_KEYS_MAX 140',
  },
  {
    name: 'a file key that anybody may read is taken', file: 'libshared/base/sealed.c', red: ['unit', 'base/test_sealed'],
    from: 'if (st.st_mode & S_IRWXO) {', to: 'if (st.st_mode & S_ISVTX) {',
  },
  {
    name: 'a policy that allows everything makes administrators', file: 'libshared/policy/policy_set.c', red: ['unit', 'policy/test_policy'],
    from: '(!str_starts(q->namespace, STR(ADMIN)) || rule->opens_admin)', to: 'true',
  },
  {
    name: 'a change that is announced is looked for among all that is over', file: 'services/auth/trust/trust.c', red: ['service', 'test_auth'],
    from: 'trust_change WHERE position > f.since', to: 'trust_change WHERE position + 0 > f.since',
  },
  {
    name: 'statements wait for their compilation', file: 'libshared/db/pg.c', red: ['unit', 'db/test_pg'],
    from: ' -c jit=off', to: '',
  },
  {
    name: 'a revocation is told to nobody', file: 'migrations/auth/0008_trust_by_position.sql', red: ['service', 'test_trust'],
    from: 'networks, bind_tokens, revoked_at ON api_key', to: 'networks, bind_tokens ON api_key',
  },
  {
    name: 'what another auth changed is not heard', file: 'services/auth/trust/trust_watch.c', red: ['service', 'test_trust'],
    from: 'if (!is_of_users) refresh_snapshot(auth);', to: '',
  },
  {
    name: 'a change that comes while trust is loaded is forgotten', file: 'services/auth/trust/trust_watch.c', red: ['service', 'test_trust'],
    from: '    if (e == OK)\n        load_snapshot(auth);', to: '    if (e == OK) auth->changed = false;',
  },
  // --- libshared: rpc ---
  {
    name: 'a signal ends a call to ZeroMQ', file: 'libshared/rpc/rpc_socket.c', red: ['unit', 'rpc/test_rpc_signals'],
    from: 'while (rc < 0 && zmq_errno() == EINTR);', to: 'while (false);',
  },
  {
    name: 'a former version is sent batches', file: 'libshared/rpc/rpc_client_send.c', red: ['unit', 'rpc/test_rpc_batch'],
    from: 'return client->batches && zmq_msg_size', to: 'return client != NULL && zmq_msg_size',
  },
  {
    name: 'a former version is answered in batches', file: 'libshared/rpc/rpc_send.c', red: ['unit', 'rpc/test_rpc_batch'],
    from: 'if (!peer->batches || body.len', to: 'if (body.len',
  },
  {
    name: 'a call waits for more than its turn', file: 'libshared/rpc/rpc_client_send.c', red: ['unit', 'rpc/test_rpc_batch'],
    from: 'if (client->n_fresh > 0) rpc_client_flush(client);', to: '(void)client;',
  },
  {
    name: 'what waited for a connection goes ahead of what it begins with', file: 'libshared/rpc/rpc_client_wait.c',
    red: ['unit', 'rpc/test_rpc_batch'],
    from: 'if (client->ahead != NULL)', to: 'if (client->ahead == client->first && client->first == NULL)',
  },
  {
    name: 'a large event overtakes a batch', file: 'libshared/rpc/rpc_send.c', red: ['unit', 'rpc/test_rpc_batch'],
    from: 'send_filled(server, peer);\n        return false;', to: 'return false;',
  },
  {
    name: 'a batch in a batch is taken for a request', file: 'libshared/rpc/rpc_server.c', red: ['unit', 'rpc/test_rpc_batch'],
    from: ' && head->kind == FRAME_REQUEST;', to: ';',
  },
  {
    name: 'a child of fork() makes its parent\'s ids', file: 'libshared/base/id_new.c', red: ['unit', 'base/test_id'],
    from: ' || page.forks != forks', to: '',
  },
  {
    name: 'a request waits for ever', file: 'libshared/rpc/rpc_client_wait.c', red: ['unit', 'rpc/test_rpc_calls'],
    from: 'if (w->deadline_us <= now_us) rpc_wait_end', to: 'if (w->deadline_us <= now_us - now_us) rpc_wait_end',
  },
  {
    name: 'a request that is not safe is sent again', file: 'libshared/rpc/rpc_client_link.c', red: ['unit', 'rpc/test_rpc_link'],
    from: 'return w->safe && ++w->lost', to: 'return ++w->lost',
  },
  {
    name: 'a server leaves before it has answered', file: 'libshared/rpc/rpc_drain.c', red: ['unit', 'rpc/test_rpc_link'],
    from: 'server->n_in_hand == 0 && ', to: '',
  },
  {
    name: 'a client that finds no room takes the news of what has come', file: 'libshared/rpc/loop_sock.c', red: ['unit', 'rpc/test_rpc_wake'],
    from: 'return rpc_socket_put(sock->socket, msg, more);',
    to: 'int rc = rpc_socket_put(sock->socket, msg, more);\n    sock->touched = rc >= 0;\n    return rc;',
  },
  {
    name: 'a slow turn of the loop is not said', file: 'libshared/service/health.c', red: ['unit', 'service/test_health'],
    from: 'if (turn->us <= SLOW_US) return;', to: 'if (turn->us <= 1000 * SLOW_US) return;',
  },
  {
    name: 'a slow turn is blamed on the handler that called the slow one', file: 'libshared/base/turn.c', red: ['unit', 'service/test_health'],
    from: 'own_us = us - inner_us;', to: 'own_us = us;',
  },
  {
    name: 'nobody hears that events were lost', file: 'libshared/rpc/rpc_send.c', red: ['unit', 'rpc/test_rpc_events'],
    from: 'peer->missed = true;', to: '',
  },
  {
    name: 'one subject takes all workers from the others', file: 'libshared/rpc/rpc_queue.c', red: ['unit', 'rpc/test_rpc_queue'],
    from: 'lane->running >= queue->share && lane->next', to: 'lane->running >= 1000000 && lane->next',
  },
  {
    name: 'who has most waiting keeps its place in a full queue', file: 'libshared/rpc/rpc_queue.c', red: ['unit', 'rpc/test_rpc_calls'],
    from: 'if (longest->n < than->n + 2) return NULL;', to: 'if (longest->n > than->n) return NULL;',
  },
  {
    name: 'any peer calls any method', file: 'libshared/rpc/rpc_call.c', red: ['unit', 'rpc/test_rpc_calls'],
    from: 'if (!rpc_may_call(method, call->peer_name))', to: 'if (!rpc_may_call(method, STR("operator")))',
  },
  {
    name: 'a call that failed is committed', file: 'libshared/rpc/rpc_call.c', red: ['service', 'test_share'],
    from: 'if (e == OK && call->pg != NULL)\n        e = pg_commit(call->pg);', to: 'if (call->pg != NULL && pg_commit(call->pg) == OK)\n        ;',
  },
  // --- libshared: wire, policy, database, HTTP, memory ---
  {
    name: 'a value that is cut is read past its end', file: 'libshared/wire/walk.c', red: ['unit', 'wire/test_walk'],
    from: 'if (bytes > rest->len) return false;', to: 'if (bytes > rest->len + 1) return false;',
  },
  {
    name: 'a field may be given twice', file: 'libshared/wire/decode.c', red: ['contract', 'test_shapes'],
    from: 'if (seen & bit) return refuse_field(f, "is given twice", r->why);', to: '',
  },
  {
    name: 'a required field may be left out', file: 'libshared/wire/check.c', red: ['contract', 'test_shapes'],
    from: 'if (f->required) return refuse_field', to: 'if (f->required && why == NULL) return refuse_field',
  },
  {
    name: 'an allow that stands before a deny decides', file: 'libshared/policy/policy_set.c', red: ['unit', 'policy/test_policy'],
    from: 'TRY(compile_with(p, from, "deny", why));\n    TRY(compile_with(p, from, "allow", why));', to: 'TRY(compile_with(p, from, "allow", why));\n    TRY(compile_with(p, from, "deny", why));',
  },
  {
    name: 'the capitals of an id pass a deny', file: 'libshared/policy/policy_set.c', red: ['unit', 'policy/test_policy'],
    from: 'plain.room = policy_plain_room(question->room, room);', to: '(void)room;',
  },
  {
    name: 'a transaction that failed is said to be kept', file: 'libshared/db/pg_transaction.c', red: ['unit', 'db/test_pg'],
    from: 'return kept ? OK : ERR_INTERNAL;', to: 'return kept ? OK : OK;',
  },
  {
    name: 'a slow statement has no deadline', file: 'libshared/db/pg_transaction.c', red: ['unit', 'db/test_pg'],
    from: '(left_ms < 600000 ? left_ms : 600000)', to: '600000',
  },
  {
    name: 'a request has a length and chunks', file: 'libshared/http/message/http_head.c', red: ['unit', 'http/test_http_head'],
    from: 'return out->chunked && out->content_length >= 0 ? 400 : 0;', to: 'return 0;',
  },
  {
    name: 'a request has two lengths', file: 'libshared/http/message/http_head.c', red: ['unit', 'http/test_http_head'],
    from: 'if (out->content_length >= 0 && out->content_length != n) return 400;', to: '',
  },
  {
    name: 'chunks go before a length: other parsers\' corpora', file: 'libshared/http/message/http_head.c', red: ['scenario', 'r_fronts', 'more requests than it is'],
    from: 'return out->chunked && out->content_length >= 0 ? 400 : 0;', to: 'return 0;',
  },
  {
    name: 'blanks stand before a colon: other parsers\' corpora', file: 'libshared/http/message/http_head.c', red: ['scenario', 'r_fronts', 'more requests than it is'],
    from: 'struct str name = str_cut(&value, \':\');', to: 'struct str name = str_trim(str_cut(&value, \':\'));',
  },
  {
    name: 'an unknown coding is passed over: other parsers\' corpora', file: 'libshared/http/message/http_head.c', red: ['scenario', 'r_fronts', 'more requests than it is'],
    from: '"chunked", 7) != 0) return 501;', to: '"chunked", 7) != 0) return 0;',
  },
  // --- what each question of HTTP is answered ---
  {
    name: 'brotli goes first, whatever is wanted more', file: 'services/gateway/site/site.c', red: ['edge', 'site'],
    from: 'if (brotli > 0 && brotli >= gzip) return AS_BROTLI;', to: 'if (brotli > 0) return AS_BROTLI;',
  },
  {
    name: 'what is packed goes before what is wanted as it is', file: 'libshared/http/message/gzip.c', red: ['unit', 'http/test_http_head'],
    from: 'weight > 0 && weight >= weight_of_any(accept, "identity")', to: 'weight > 0',
  },
  {
    name: 'a weak tag is good enough to change what it tags', file: 'libshared/http/message/http_range.c', red: ['scenario', 's_edge', 'says weakly'],
    from: 'if (str_eq(str_trim(str_cut(&header, \',\')), tag)) return true;', to: 'if (str_eq(without_weak(str_trim(str_cut(&header, \',\'))), without_weak(tag))) return true;',
  },
  {
    name: 'HEAD is answered with a body', file: 'libshared/http/http_reply.c', red: ['scenario', 's_edge', 'standard'],
    from: 'return status_has_body(status) && !str_is(http->head.method, "HEAD");', to: 'return status_has_body(status) && !str_is(http->head.method, "HEADS");',
  },
  {
    name: 'what is refused before a route has no HSTS', file: 'libshared/http/http_reply.c', red: ['scenario', 's_edge', 'no route has seen'],
    from: 'conn->tls ? HSTS : "", more', to: '"", more',
  },
  {
    name: 'an answer over TLS has no HSTS', file: 'libshared/http/http_reply.c', red: ['scenario', 's_edge', 'so has all else'],
    from: 'if (conn->tls) buf_add_str(out, STR(HSTS));', to: '',
  },
  {
    name: 'caches keep what a route refused', file: 'services/gateway/routes/rest_answer.c', red: ['scenario', 's_edge', 'every route'],
    from: 'return status < 400 && rest->row != NULL ?', to: 'return status < 500 && rest->row != NULL ?',
  },
  {
    name: 'caches give to all what one is answered', file: 'services/gateway/routes/rest_answer.c', red: ['scenario', 's_edge', 'every route'],
    from: 'rest_headers_add(out, "Vary", STR("Accept, Authorization"));', to: 'rest_headers_add(out, "Vary", STR("Accept"));',
  },
  {
    name: 'caches keep what is not there', file: 'libshared/http/http_reply.c', red: ['scenario', 's_edge', 'so has all else'],
    from: 'headers[n++] = (struct http_header_out){ "Cache-Control", STR("no-store") };', to: '',
  },
  {
    name: 'caches give to every page what one page is answered', file: 'libshared/http/http_reply.c', red: ['scenario', 's_edge', 'every route'],
    from: 'buf_printf(out, "Vary: Origin%s%s', to: 'buf_printf(out, "Vary: Accept%s%s',
  },
  {
    name: 'a packed body is read as if it were not', file: 'services/gateway/routes/rest_admit.c', red: ['scenario', 's_edge', 'standard'],
    from: 'if (rest_body_is_packed(rest)) return ERR_UNSUPPORTED_MEDIA;', to: '',
  },
  {
    name: 'a body is read as its route wants it, whatever it is', file: 'services/gateway/routes/rest_admit.c', red: ['scenario', 's_edge', 'standard'],
    from: 'if (http_content_length(http) != 0 && !media_type_is(http_header(http, "content-type"), route_takes(rest->row)))', to: 'if (false)',
  },
  {
    name: 'an answer is of one kind, whatever is taken', file: 'services/gateway/routes/rest_admit.c', red: ['scenario', 's_edge', 'standard'],
    from: 'return accepted ? OK : ERR_NOT_ACCEPTABLE;', to: 'return accepted ? OK : OK;',
  },
  {
    name: 'nobody is told what a path may be asked', file: 'libshared/http/http.c', red: ['scenario', 's_edge', 'standard'],
    from: 'const char *methods = find_methods(http);', to: 'const char *methods = find_methods(http) != NULL ? NULL : NULL;',
  },
  {
    name: 'whatever is expected is passed over', file: 'libshared/http/message/http_head.c', red: ['unit', 'http/test_http_head'],
    from: 'strncasecmp(value.at, "100-continue", 12) != 0) return 417;', to: 'strncasecmp(value.at, "100-continue", 12) != 0) return 0;',
  },
  // --- what is counted of it ---
  {
    name: 'what a request was refused is counted nowhere', file: 'services/gateway/routes/measures.c', red: ['scenario', 'r_metrics', 'requests are counted'],
    from: 'if (status >= 400) refusal_count(err_find(code, strlen(code)));', to: '(void)code;',
  },
  {
    name: 'every event is counted as good', file: 'services/gateway/routes/measures.c', red: ['scenario', 'r_metrics', 'events are counted'],
    from: 'enum outcome outcome = outcome_of(err_status(e));', to: 'enum outcome outcome = outcome_of(e == OK ? err_status(e) : 200);',
  },
  {
    name: 'an upgrade that is given up is counted nowhere', file: 'services/gateway/engineio/upgrade.c', red: ['scenario', 'r_metrics', 'upgrades by their end'],
    from: 'metric_add(s->eio->not_upgraded, 1);', to: '',
  },
  // --- a site ---
  {
    name: 'an example is of another kind than its field', file: 'services/tools/protodoc/sample.c', red: ['scenario', 'q_docs', 'each example of a body'],
    from: '{ "action", "emit" },', to: '',
  },
  {
    name: 'a certificate that failed is asked for in half a day', file: 'scripts/acme', red: ['scenario', 'q_acme', 'looks every'],
    from: 'else pause=3600', to: 'else pause=43200',
  },
  {
    name: 'a certificate is renewed in its last days', file: 'scripts/acme', red: ['scenario', 'q_acme', 'of 6 days'],
    from: '-ge 34', to: '-ge 5',
  },
  {
    name: 'links in a site are followed', file: 'services/gateway/site/files.c', red: ['edge', 'site'],
    from: 'O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC', to: 'O_RDONLY | O_NONBLOCK | O_CLOEXEC',
  },
  {
    name: 'hidden files of a site are served', file: 'services/gateway/site/files.c', red: ['edge', 'site'],
    from: 'return name[0] == \'.\' &&', to: 'return name[0] == \'/\' &&',
  },
  {
    name: 'every file is kept for a year', file: 'services/gateway/site/files.c', red: ['edge', 'site'],
    from: ' && has_hash(path);', to: ' && (has_hash(path) || true);',
  },
  {
    name: 'what was packed before the file changed is sent', file: 'services/gateway/site/files.c', red: ['edge', 'site'],
    from: 'if (packed->changed >= file->changed) {', to: 'if (packed->changed >= 0) {',
  },
  {
    name: 'a part is of the packed file', file: 'services/gateway/site/site.c', red: ['edge', 'site'],
    from: 'if (http_range(http).len > 0) return AS_IS;', to: '',
  },
  {
    name: 'a date decides against a tag', file: 'services/gateway/site/site.c', red: ['edge', 'site'],
    from: 'if (none.at != NULL) return http_tag_matches(none, tag) ? 304 : 0;', to: 'if (none.at != NULL && http_tag_matches(none, tag)) return 304;',
  },
  {
    name: 'programs get the app where there is nothing', file: 'services/gateway/site/site.c', red: ['edge', 'site'],
    from: ' || !http_wants_page(http)) return NULL;', to: ') return NULL;',
  },
  {
    name: 'whom a refusal finds without a whole request gets an object', file: 'libshared/http/http_reply.c', red: ['edge', 'site'],
    from: 'http->text.len > 0 ? http->text : buf_str(&conn->in)', to: 'http->text.len > 0 ? http->text : STR_NONE',
  },
  {
    name: 'refusals are in English alone', file: 'services/gateway/site/error_pages.c', red: ['unit', 'gateway/site/test_error_pages'],
    from: 'page_language_accepted(accept_language)', to: 'page_language_accepted(accept_language.len > 0 ? STR("en") : accept_language)',
  },
  {
    name: 'the page at / cannot be taken away', file: 'services/gateway/site/front_page.c', red: ['edge', 'site'],
    from: 'if (!config->page || config->home_url', to: 'if (config->home_url',
  },
  {
    name: 'what a request asks too much of is our fault', file: 'services/gateway/site/error_pages.c', red: ['unit', 'gateway/site/test_error_pages'],
    from: ' || status == 501 || status == 505', to: '',
  },
  {
    name: 'a link to the demo is good as often as one likes', file: 'services/auth/demo/demo.c', red: ['scenario', 'q_front', 'once among many'],
    from: 'single_use_take(', to: 'single_use_read(',
  },
  {
    name: 'tokens of a demo are good in every room', file: 'services/auth/demo/demo.c', red: ['scenario', 'q_front', 'nothing else'],
    from: 'rules[1].rooms = (struct str_list){ rooms, 1 };', to: '(void)rooms;',
  },
  {
    name: 'proofs are read wherever a token leads', file: 'services/gateway/site/acme.c', red: ['edge', 'site'],
    from: 'if (!is_token(token))', to: 'if (!is_token(STR("x")))',
  },
  {
    name: 'any host is ours', file: 'libshared/http/http.c', red: ['edge', 'site'],
    from: 'if (!http_host_is_ours(http)) {', to: 'if (!http_host_is_ours(http) && http->head.minor > 7) {',
  },
  // --- proxies ---
  {
    name: 'a proxy\'s connection may begin with anything', file: 'libshared/http/proxied.c', red: ['unit', 'http/test_client_address'],
    from: 'case PROXY_BAD: give_up(conn, "none"); break;', to: 'case PROXY_BAD: n > 4096 ? give_up(conn, "none") : take_header(conn, 0, NULL); break;',
  },
  {
    name: 'anybody says by a PROXY line who they are', file: 'libshared/http/accept.c', red: ['unit', 'http/test_client_address'],
    from: 'if (conn->proxied && server->config.proxies_say == PROXIES_SAY_FIRST)', to: 'if (server->config.proxies_say == PROXIES_SAY_FIRST)',
  },
  {
    name: 'clients behind the PROXY protocol have no limit', file: 'libshared/http/proxied.c', red: ['unit', 'http/test_client_address'],
    from: '|| !client_address_begin(conn, client)) return false;', to: '|| (client_address_begin(conn, client), false)) return false;',
  },
  {
    name: 'a hidden hop of Forwarded is passed over', file: 'libshared/http/address/forwarded.c', red: ['unit', 'http/test_forwarded'],
    from: 'if (name.len != 3 || strncasecmp(name.at, "for", 3) != 0) continue;', to: 'if (name.len < 2) continue;',
  },
  // --- TLS ---
  {
    name: 'every host has the first certificate', file: 'libshared/http/tls/certificates.c', red: ['unit', 'http/test_tls'],
    from: 'name, 0, NAME_FLAGS, NULL) == 1)', to: 'name, 0, NAME_FLAGS, NULL) == 7)',
  },
  {
    name: 'a session is resumed by any name', file: 'libshared/http/tls/tls.c', red: ['unit', 'http/test_tls'],
    from: 'TLSEXT_TYPE_server_name, &name, &len) != 1) len = 0;', to: 'TLSEXT_TYPE_server_name, &name, &len) != 2) len = 0;',
  },
  {
    name: 'tickets are each gateway\'s own', file: 'libshared/http/tls/tickets.c', red: ['unit', 'http/test_tls'],
    from: 'if (secret != NULL)', to: 'if (secret == tickets->secret)',
  },
  {
    name: 'a connection keeps what its last request needed', file: 'libshared/http/http.c', red: ['unit', 'http/test_tls'],
    from: 'if (conn->reading) return;\n    free_request(conn->state);', to: 'return;\n    free_request(conn->state);',
  },
  {
    name: 'a connection keeps its buffers of TLS', file: 'libshared/http/transport.c', red: ['unit', 'http/test_tls'],
    from: 'lws_set_timeout(link, NO_PENDING_TIMEOUT, 0);',
    to: 'lws_set_timeout(link, NO_PENDING_TIMEOUT, 0);\n    if (lws_get_ssl(link) != NULL) SSL_clear_mode(lws_get_ssl(link), SSL_MODE_RELEASE_BUFFERS);',
  },
  {
    name: 'a ticket of TLS 1.3 is not followed by another', file: 'libshared/http/tls/tls.c', red: ['unit', 'http/test_tls'],
    from: 'return seals || (key == current && SSL_version(ssl) < TLS1_3_VERSION) ? 1 : 2;', to: 'return seals || key == current ? 1 : 2;',
  },
  {
    name: 'a ticket key lives for ever', file: 'libshared/http/tls/tickets.c', red: ['unit', 'http/test_tls'],
    from: 'int64_t period = now / TICKETS_PERIOD_S;', to: 'int64_t period = now / TICKETS_PERIOD_S / 1000000;',
  },
  {
    name: 'a renewed certificate waits for a signal', file: 'libshared/http/renewal.c', red: ['unit', 'http/test_tls'],
    from: 'look->changed = look->asked || mark != look->mark;', to: 'look->changed = look->asked;',
  },
  {
    name: 'nobody is told that a certificate ends', file: 'libshared/http/renewal.c', red: ['unit', 'http/test_tls'],
    from: 'if (is_little && percent < was) {', to: 'if (is_little && percent < was - 100) {',
  },
  {
    name: 'whatever suites OpenSSL has are spoken', file: 'libshared/http/tls/tls.c', red: ['unit', 'http/test_tls'],
    from: 'SSL_CTX_set_cipher_list(ctx, CIPHERS);', to: 'SSL_CTX_set_cipher_list(ctx, "DEFAULT:" CIPHERS);',
  },
  {
    name: 'whatever groups OpenSSL has are spoken', file: 'libshared/http/tls/tls.c', red: ['unit', 'http/test_tls'],
    from: '#define GROUPS      "X25519:P-256:P-384"', to: '#define GROUPS      "X25519:P-256:P-384:P-521"',
  },
  {
    name: 'the server\'s order of ciphers counts', file: 'libshared/http/tls/tls.c', red: ['unit', 'http/test_tls'],
    from: 'SSL_CTX_clear_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);', to: 'SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);',
  },
  {
    name: 'any method is answered where two are', file: 'libshared/http/http.c', red: ['scenario', 'g_ports', 'answer GET and HEAD'],
    from: 'if (methods == NULL || http_list_has', to: 'if (methods != NULL || http_list_has',
  },
  {
    name: 'what came with an upgrade is lost', file: 'libshared/http/http.c', red: ['edge', 'rfc6455'],
    from: 'if (*len > 0) conn_take(conn, *at, *len);', to: '',
  },
  {
    name: 'a frame need not be masked', file: 'libshared/http/websocket/ws_frame.c', red: ['edge', 'rfc6455'],
    from: 'if (!(r->header[1] & MASK)) return "a frame that is not masked";', to: '',
  },
  {
    name: 'idle connections keep an operator out', file: 'libshared/service/health_http.c', red: ['unit', 'service/test_health'],
    from: '.idle_gives_way = true,', to: '.idle_gives_way = false,',
  },
  {
    name: 'an arena says nothing of what it is over', file: 'libshared/base/arena.c', red: ['unit', 'base/test_arena'],
    from: 'arena->over = true;', to: '',
  },
  {
    name: 'what an arena had to clean up is left', file: 'libshared/base/arena.c', red: ['unit', 'base/test_arena'],
    from: 'run_cleanups(arena);\n    while', to: 'if (arena->cap == 0) run_cleanups(arena);\n    while',
  },
  {
    name: 'a key of a JSON object may be there twice', file: 'libshared/wire/json.c', red: ['unit', 'wire/test_json'],
    from: 'if (in->verdict == JSON_FINE && is_same_key(in, a, b))', to: 'if (in->verdict != JSON_FINE && is_same_key(in, a, b))',
  },
  {
    name: 'half of a surrogate pair comes in', file: 'libshared/wire/json.c', red: ['unit', 'wire/test_json'],
    from: 'refuse_at(in, from, "has half of a surrogate pair");', to: '',
  },
  {
    name: 'a number that no double holds comes in as nothing', file: 'libshared/wire/json.c', red: ['unit', 'wire/test_json'],
    from: '(*out == 0 && has_digit_but_zero(text))', to: '(*out > 1e308 && has_digit_but_zero(text))',
  },
  {
    name: 'an address holds as many bytes as it likes', file: 'libshared/base/holding.c', red: ['unit', 'base/test_holding'],
    from: 'if (!has_room(h->address, bytes)) return count_refusal(ERR_RATE_LIMITED);', to: '',
  },
  {
    name: 'over the bound of the process somebody small has to go', file: 'libshared/base/holding.c', red: ['unit', 'base/test_holding'],
    from: 'return a->of_holder != b->of_holder ? a->of_holder > b->of_holder', to: 'return a->of_holder != b->of_holder ? a->of_holder < b->of_holder',
  },
  {
    name: 'a subject holds as many bytes as it likes', file: 'libshared/base/holding.c', red: ['unit', 'base/test_holding'],
    from: 'return has_room(h->owner, bytes) ? OK', to: 'return h->owner != NULL ? OK',
  },
  {
    name: 'what is held for a resume is counted for ever', file: 'services/gateway/recovery/resume_missed.c', red: resume,
    from: 'sio_release(c->arrival.socket, c->bytes);', to: '',
  },
  {
    name: 'a part of a key is in the log', file: 'services/auth/tokens/token_issue.c', red: ['scenario', 'i_api_key', 'no part of a key'],
    from: 'call_note(call, F_STR("key", parts.id));', to: 'call_note(call, F_STR("key", ((struct str){ parts.id.at, 30 })));',
  },
  {
    name: 'who is back in a room that others hear is not asked about', file: 'services/gateway/rooms/subscriber.c', red: rooms,
    from: 'membership.stamp != 0 && membership.stamp == rooms_membership_stamp(room->home, room->id);', to: 'membership.stamp != 0;',
  },
  {
    name: 'who joins or is back hears before chat has answered about it', file: 'services/gateway/rooms/deliver.c', red: rooms,
    from: '== SUBSCRIPTION_WAITING && room->subscriptions[i]->sure)', to: '== SUBSCRIPTION_WAITING)',
  },
  {
    name: 'the answer of a chat that is gone counts', file: 'services/gateway/rooms/inquiry.c', red: rooms,
    from: 'subscription->sure = subscription->room->subscribed;', to: 'subscription->sure = true;',
  },
  {
    name: 'an answer that is older than a second join takes the room away', file: 'services/gateway/rooms/subscriber.c', red: rooms,
    from: 'if (subscription->inquiry != NULL) subscription_inquire(subscription);', to: '',
  },
  {
    name: 'a policy that changed while a record was claimed is not asked', file: 'services/gateway/recovery/resume.c', red: resume,
    from: 'if (e == OK && resume_may_hear(c)) {', to: 'if (e == OK) {',
  },
  {
    name: 'what was said after chat had answered is sent ahead', file: 'services/gateway/recovery/resume_missed.c', red: resume,
    from: ' && position->got < position->head && has_space(c)', to: ' && has_space(c)',
  },
  {
    name: 'a gateway is where it says', file: 'services/chat/gateways/gateways.c', red: ['service', 'test_chat'],
    from: 'if (!endpoint_is_valid(req->endpoint))', to: 'if (req->endpoint.len == 0)',
  },
  {
    name: 'who listens to the database is not waited for', file: 'libshared/base/thread.c', red: ['unit', 'db/test_pg_listen'],
    from: 'if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) == 0) return true;', to: '',
  },
  {
    name: 'PostgreSQL is told to wait for its clients', file: 'scripts/lib/stack_database.sh', red: ['scenario', 'g_running', 'PostgreSQL ends'],
    from: 'exec kill -INT', to: 'exec kill -TERM',
  },
  {
    name: 'the mark of the conformance configuration is looked for beside the keys', file: 'tests/echo/echo_gateway.c', red: ['scenario', 'g_conformance', 'a directory made for it'],
    from: 'is_there(keys, "conformance")', to: 'is_there(value_of("MADANG_RUN_DIR", ".run"), "conformance")',
  },
  {
    name: 'an honest stack is refused where the conformance configuration was made', file: 'scripts/lib/stack_settings.sh', red: ['scenario', 'g_conformance', 'a directory made for it'],
    from: '[ ! -e "$keys/conformance" ]', to: '[ ! -e "$dir/conformance" ]',
  },
  {
    name: 'a date of msgpack is known by its length', file: 'services/gateway/socketio/msgpack_json.c', red: ['edge', 'msgpack'],
    from: 'if (v->lead == 0xd7 && v->ext == EXT_NOTEPACK)', to: 'if (v->bytes.len == 8 && v->ext == EXT_NOTEPACK)',
  },
  {
    name: 'undefined of msgpack is known by its length', file: 'libshared/wire/msgpack_in.c', red: ['edge', 'msgpack'],
    from: 'value->lead == 0xd4 && value->ext == 0', to: 'value->bytes.len == 1 && value->ext == 0',
  },
  // --- pages, forms and cookies ---
  {
    name: 'of two tokens the first one counts', file: 'libshared/http/message/http_head.c', red: ['unit', 'http/test_http_head'],
    from: '"host", "authorization", "cookie",', to: '"host", "cookie",',
  },
  {
    name: 'of two tokens a route takes the first one', file: 'libshared/http/message/http_head.c', red: ['scenario', 's_edge', 'however its header'],
    from: 'if ((there & bit) != 0) return 400;', to: '',
  },
  {
    name: 'a scheme is written one way', file: 'services/gateway/routes/rest_admit.c', red: ['scenario', 's_edge', 'however its header'],
    from: 'strncasecmp(header.at, "Bearer ", 7)', to: 'strncmp(header.at, "Bearer ", 7)',
  },
  {
    name: 'scripts see cookies', file: 'libshared/http/message/cookie.c', red: ['unit', 'http/test_cookie'],
    from: '; HttpOnly; Secure; SameSite=%s"', to: '; Secure; SameSite=%s"',
  },
  {
    name: 'cookies are sent without TLS', file: 'libshared/http/message/cookie.c', red: ['scenario', 'm_login', 'in a cookie'],
    from: '; HttpOnly; Secure; SameSite=%s"', to: '; HttpOnly; SameSite=%s"',
  },
  {
    name: 'a refresh token comes along from other sites', file: 'proto/public.def', red: ['scenario', 'm_login', 'in a cookie'],
    from: '"/api/v1/auth",     STRICT,           7776000,', to: '"/api/v1/auth",     LAX,              7776000,',
  },
  {
    name: 'a refresh token is sent to all paths', file: 'libshared/http/message/cookie.c', red: ['scenario', 'm_login', 'in a cookie'],
    from: 'STR_ARG(value), path, max_age_s, same_site', to: 'STR_ARG(value), path[0] == \'/\' ? "/" : path, max_age_s, same_site',
  },
  {
    name: 'a sign-in that was begun for an address outlives what ends it', file: 'services/auth/users/revoke.c', red: ['service', 'test_sessions'],
    from: 'if (purpose != &single_use_login_flow)', to: 'if (purpose != NULL)',
  },
  {
    name: 'a form may come from anywhere', file: 'services/gateway/routes/rest_cookies.c', red: ['scenario', 'p_pages', 'a form of another site'],
    from: 'rest->row->takes == TAKES_FIELDS || brings_cookie(rest);', to: 'brings_cookie(rest) && rest->row->takes != TAKES_FIELDS;',
  },
  {
    name: 'a request that a browser calls another site\'s is taken', file: 'libshared/http/cors.c', red: ['unit', 'http/test_cookie'],
    from: 'return !str_is(sender->site, "cross-site") && is_from_named(o, sender);', to: 'return is_from_named(o, sender);',
  },
  {
    name: 'a page of any origin acts with its visitor\'s cookies', file: 'libshared/http/cors.c', red: ['unit', 'http/test_cookie'],
    from: 'if (sender->origin.len > 0 && !str_is(sender->origin, "null")) return origins_name(o, sender->origin);', to: 'if (sender->origin.len > 0 && !str_is(sender->origin, "null")) return true;',
  },
  {
    name: 'a * vouches for pages that bring cookies', file: 'libshared/http/cors.c', red: ['unit', 'http/test_cookie'],
    from: 'if (o->own.len > 0 && str_eq(o->own, origin)) return true;', to: 'if (o->any || (o->own.len > 0 && str_eq(o->own, origin))) return true;',
  },
  {
    name: 'of two cookies of a name the last one holds', file: 'libshared/http/message/cookie.c', red: ['unit', 'http/test_cookie'],
    from: 'if (found == COOKIE_FOUND) return COOKIE_TWICE;', to: '',
  },
  {
    name: 'a quote in a value ends its attribute', file: 'libshared/page/html.c', red: ['unit', 'page/test_page'],
    from: `case '"': buf_add_str(out, STR("&quot;")); break;`, to: '',
  },
  {
    name: 'a link goes to whatever scheme it names', file: 'libshared/page/page.c', red: ['unit', 'page/test_page'],
    from: 'if (is_url && !is_link(value)) value = STR("#");', to: '(void)is_url, (void)is_link;',
  },
  {
    name: 'nobody asks where a cookie comes from', file: 'services/gateway/routes/rest_cookies.c', red: ['scenario', 'm_pages', 'a cookie is no reason'],
    from: 'return !is_browsers || http_sender_is_good(rest->http) ? OK : ERR_ORIGIN_REFUSED;', to: 'return is_browsers || http_sender_is_good(rest->http) ? OK : ERR_ORIGIN_REFUSED;',
  },
  {
    name: 'whoever asks gets a refresh token as a cookie', file: 'services/gateway/routes/rest_cookies.c', red: ['scenario', 'm_login', 'in a cookie'],
    from: 'if (rest->sets_cookies && !http_sender_is_good(rest->http)) return ERR_ORIGIN_REFUSED;', to: '',
  },
  {
    name: 'a refresh token stands in the body beside its cookie', file: 'services/gateway/routes/rest_cookies.c', red: ['scenario', 'm_login', 'in a cookie'],
    from: '        *value = STR_NONE;\n', to: '',
  },
  {
    name: 'a field of a form counts twice', file: 'services/gateway/routes/query.c', red: ['scenario', 'm_pages', 'the same bounds as JSON'],
    from: 'if (str_eq(out->at[k].name, out->at[i].name))', to: 'if (false)',
  },
  {
    name: 'passwords take no turns', file: 'services/gateway/routes/rest_proof.c', red: ['scenario', 'j_guesses', 'a password that was good'],
    from: 'return rest->row->who == WHO_PROOF;', to: 'return rest->row->who == WHO_PROOF && strcmp(rest->row->proof[0], "api_key") == 0;',
  },
  {
    name: 'refused refresh tokens count for nobody', file: 'services/gateway/routes/rest_reply.c', red: ['scenario', 'j_guesses', 'refresh tokens that are refused'],
    from: 'if (rest->http == NULL || !refusal_is_of_credential(status)) return 0;', to: 'if (rest->http == NULL || status != OK + ERR_COUNT) return 0;',
  },
  {
    name: 'a step begins although nobody waits any more', file: 'libshared/rpc/rpc_steps.c', red: ['unit', 'rpc/test_rpc_calls'],
    from: 'if (clock_mono_us() > call->deadline_us) return ERR_DEADLINE;', to: '',
  },
  {
    name: 'an absent record in a record is sent', file: 'libshared/wire/check.c', red: ['unit', 'wire/test_record'],
    from: 'case WIRE_ONE: return *(void *const *)at == NULL;', to: 'case WIRE_ONE: return false;',
  },
  {
    name: 'what is typed is shown again in no form', file: 'services/gateway/routes/rest_page.c', red: ['scenario', 'p_pages', 'somebody registers'],
    from: 'if (typed) give_typed(', to: 'if (typed && shape == NULL) give_typed(',
  },
  {
    name: 'a link says that a form was refused', file: 'services/gateway/routes/rest_page.c', red: ['scenario', 'p_pages', 'shown as it is'],
    from: 'if (wire_find(shape, STR("refused")) == NULL) return;', to: 'if (wire_find(shape, STR("refused")) == NULL || e == OK) return;',
  },
  {
    name: 'a page\'s session goes on with the same cookie', file: 'services/gateway/routes/rest_visit.c', red: ['scenario', 'p_pages', 'replaced with each use'],
    from: 'if (rest->visit.at == NULL) return;', to: 'if (rest->visit.at == NULL || headers->n > 0) return;',
  },
  {
    name: 'the choice of a language leads anywhere', file: 'services/auth/pages/language_choose.c', red: ['scenario', 'p_pages', 'shown as it is'],
    from: 'return path.len == 8 ', to: 'return path.len > 0 ',
  },
  {
    name: 'a hash that became too cheap stays', file: 'services/auth/users/user_login.c', red: ['scenario', 'n_accounts', 'hashes of another'],
    from: 'if (login->proof.fits && password_is_stale', to: 'if (login->req == NULL && password_is_stale',
  },
  {
    name: 'hashes of an older bcrypt are none', file: 'libshared/base/password.c', red: ['scenario', 'n_accounts', 'hashes of another'],
    from: 'str_starts(hash, STR("$2a$")) || ', to: '',
  },
  {
    name: 'who is banned comes back', file: 'services/auth/users/user_login.c', red: ['scenario', 'n_accounts', 'who is banned'],
    from: 'if (e != OK) pg_rollback(pg);', to: '',
  },
  {
    name: 'what is behind the bytes that are compared is left out of a password', file: 'libshared/base/password.c', red: ['scenario', 'n_accounts', 'every byte counts'],
    from: 'if (text.len > PASSWORD_BYTES_MAX) return false;', to: 'if (text.len > PASSWORD_BYTES_MAX) text.len = PASSWORD_BYTES_MAX;',
  },
  {
    name: 'a right password whose successor is weak is a guess', file: 'services/auth/users/password_proof.c', red: ['scenario', 'n_accounts', 'who is banned'],
    from: 'proof->taken = proof->taken && proof->fits;', to: 'proof->taken = false;',
  },
  // --- one's own data ---
  {
    name: 'what others have said is in an export', file: 'services/store/log/history_page.c', red: ['service', 'test_history'],
    from: 'm.room_id = r.room_id AND m.sender = $5 AND m.seq', to: "m.room_id = r.room_id AND $5 <> '' AND m.seq",
  },
  {
    name: 'a log in parts stores a repeat again', file: 'migrations/store/0014_logs_in_parts.sql', red: ['service', 'test_log_upgrade'],
    from: 'ALTER TABLE message ADD PRIMARY KEY (room_id, seq), ADD UNIQUE (room_id, sender, id);', to: 'ALTER TABLE message ADD PRIMARY KEY (room_id, seq);',
  },
  {
    name: 'what was done to messages is lost on the way into parts', file: 'migrations/store/0014_logs_in_parts.sql', red: ['service', 'test_log_upgrade'],
    from: 'INSERT INTO change_in_parts SELECT * FROM change;', to: 'INSERT INTO change_in_parts SELECT * FROM change WHERE seq > 110;',
  },
  {
    name: 'parts that are known to be empty', file: 'migrations/store/0014_logs_in_parts.sql', red: ['service', 'test_history'],
    from: 'CREATE INDEX change_target ON change (room_id, target, kind, seq);', to: 'CREATE INDEX change_target ON change (room_id, target, kind, seq); ANALYZE message, change;',
  },
  {
    name: 'who sends too much is told that the log is away', file: 'services/store/messages/message_append.c', red: ['scenario', 'c_overload', 'more than store takes'],
    from: 'call_fail(call, ERR_OVERLOADED, "too many messages wait for a commit")', to: 'call_fail(call, ERR_UNAVAILABLE, "too many messages wait for a commit")',
  },
  {
    name: 'what is scheduled leaves its draft', file: 'services/store/scheduled/message_schedule.c', red: ['scenario', 'r_drafts', 'takes its draft along'],
    from: 'if (draft->draft == 0) return OK;', to: 'if (draft->draft >= 0) return OK;',
  },
  {
    name: 'what is scheduled clears a newer draft', file: 'services/store/scheduled/message_schedule.c', red: ['scenario', 'r_drafts', 'takes its draft along'],
    from: '(struct draft_ref){ draft->room, draft->thread, draft->draft }', to: '(struct draft_ref){ draft->room, draft->thread, 0 }',
  },
  {
    name: 'what was reported of somebody who is erased stays', file: 'services/share/conversations/keeping_erase.c', red: ['scenario', 'n_directory', 'who is erased is erased everywhere'],
    from: 'SELECT id FROM share_report WHERE owner = $1 LIMIT $2', to: "SELECT id FROM share_report WHERE owner = $1 || 'x' LIMIT $2",
  },
  {
    name: 'a page of an export begins with the next room', file: 'services/store/log/history_page.c', red: ['service', 'test_history'],
    from: 'AND ($2::bigint > 0 OR room_id IS DISTINCT FROM $1)', to: 'AND ($2::bigint < 0 OR room_id IS DISTINCT FROM $1)',
  },
  {
    name: 'a page of an export looks through all rooms', file: 'services/store/log/history_page.c', red: ['service', 'test_history'],
    from: 'pg_int(REACTIONS_MAX), pg_id(end.room))));', to: 'pg_int(REACTIONS_MAX), pg_id((struct id){ { 255, 255, 255, 255 } }))));',
  },
  {
    name: 'an export ends where there were none of one\'s own for long', file: 'services/store/log/history_page.c', red: ['service', 'test_history'],
    from: 'end->n == OWN_ROOMS_AT_ONCE ? end->room', to: 'end->n > OWN_ROOMS_AT_ONCE ? end->room',
  },
  {
    name: 'a reaction that was taken back and made again is exported twice', file: 'services/store/log/history_page.c', red: ['scenario', 'n_accounts', 'one.s own is had'],
    from: 'x.present AND x.entry = c.seq)', to: 'x.present)',
  },
  {
    name: 'an archive has messages in the order in which rooms come', file: 'libshared/page/archive_script.c', red: ['scenario', 'p_pages', 'archive that other'],
    from: "addRows('messages', (await all('messages', {}, after)).sort(byTime))", to: "addRows('messages', await all('messages', {}, after))",
  },
  {
    name: 'no program believes what is in an archive', file: 'libshared/page/archive_script.c', red: ['scenario', 'p_pages', 'archive that other'],
    from: 'return ~c', to: 'return c',
  },
  {
    name: 'files of others are in an export', file: 'services/share/conversations/keeping_export.c', red: ['scenario', 'n_accounts', 'one.s own is had'],
    from: 'FROM media WHERE owner = $1 AND id', to: "FROM media WHERE $1 <> '' AND id",
  },
  {
    name: 'what one has said is read at any rate', file: 'proto/public.def', red: ['scenario', 'n_accounts', 'a long export'],
    from: 'T(read_rows) | T(export))', to: 'T(read_rows))',
  },
  // --- second factors ---
  {
    name: 'a token of a pending session opens all', file: 'services/gateway/identity/bearer.c', red: ['scenario', 'n_factors', 'while a second factor'],
    from: 'return bearer->pending ? ERR_MFA_REQUIRED : OK;', to: 'return bearer->pending ? OK : OK;',
  },
  {
    name: 'an app that was confirmed is not asked for', file: 'services/auth/factors/factor_row.c', red: ['scenario', 'n_factors', 'while a second factor'],
    from: 'if (!held.app) return OK;', to: 'return OK;',
  },
  {
    name: 'a pending session goes on by two proofs', file: 'services/auth/factors/factor_prove.c', red: ['scenario', 'n_factors', 'while a second factor'],
    from: 'account_id = $2 AND pending AND', to: 'account_id = $2 AND',
  },
  {
    name: 'a code is good for whoever comes at the same time', file: 'services/auth/factors/factor_row.c', red: ['scenario', 'n_factors', 'a code is good once'],
    from: 'AND (counter < $2 OR', to: 'AND (counter <= $2 OR',
  },
  {
    name: 'a recovery code is good again', file: 'services/auth/factors/recovery_codes.c', red: ['scenario', 'n_factors', 'a recovery code'],
    from: '"DELETE FROM recovery_code WHERE account_id = $1 AND hash = $2"', to: '"UPDATE recovery_code SET hash = hash WHERE account_id = $1 AND hash = $2"',
  },
  {
    name: 'who signed in long ago changes factors', file: 'services/auth/factors/factor_own.c', red: ['scenario', 'n_factors', 'changed by their user alone'],
    from: '<= RECENT_MS ? OK : ERR_PROOF_REQUIRED', to: '<= 100 * RECENT_MS ? OK : ERR_PROOF_REQUIRED',
  },
  {
    name: 'another\'s factor is removed', file: 'services/auth/factors/factor_own.c', red: ['scenario', 'n_factors', 'changed by their user alone'],
    from: 'DELETE FROM factor WHERE id = $1 AND account_id = $2', to: 'DELETE FROM factor WHERE id = $1 AND $2::uuid IS NOT NULL',
  },
  {
    name: 'a passkey whose user nobody verified is taken', file: 'services/auth/factors/passkey.c', red: ['unit', 'auth/test_passkey'],
    from: 'FLAG_PRESENT | FLAG_VERIFIED | with', to: 'FLAG_PRESENT | with',
  },
  {
    name: 'a passkey of another page is taken', file: 'services/auth/factors/passkey.c', red: ['unit', 'auth/test_passkey'],
    from: 'says(client_data, "origin", expected->origin) &&', to: '',
  },
  {
    name: 'a code that was good is good again', file: 'services/auth/factors/totp.c', red: ['unit', 'auth/test_totp'],
    from: ' && step > after', to: ' && step > after - 1',
  },

  // --- other providers ---
  {
    name: 'an id_token of another flow counts', file: 'services/auth/oauth/id_token.c', red: ['scenario', 'o_oauth', 'an id_token counts'],
    from: 'return str_eq(member_of(arena, claims, "nonce"), wants->nonce) ? NULL : "other_nonce";', to: 'return NULL;',
  },
  {
    name: 'a key that a token does not name verifies it', file: 'services/auth/oauth/id_token.c', red: ['scenario', 'o_oauth', 'an id_token counts'],
    from: 'return token->kid.at == NULL || str_eq(member_of(arena, key, "kid"), token->kid);', to: 'return true;',
  },
  {
    name: 'any browser ends a flow', file: 'services/auth/oauth/oauth_end.c', red: ['scenario', 'o_oauth', 'a flow ends once'],
    from: 'return cookie.len > 0 && secret_eq(sha256_of(arena, cookie).at, flow->browser.at, SHA256_BYTES);', to: '(void)arena, (void)flow;\n    return cookie.len > 0;',
  },
  {
    name: 'any provider ends a flow', file: 'services/auth/oauth/oauth_end.c', red: ['scenario', 'o_oauth', 'a flow ends once'],
    from: '!str_eq(ending->flow.provider, back->provider) || ', to: '',
  },
  {
    name: 'what is nearly true is a verified e-mail', file: 'services/auth/oauth/claims.c', red: ['scenario', 'o_oauth', 'only an e-mail'],
    from: 'return json_find(object, name, &raw) && str_is(raw, "true");', to: 'return json_find(object, name, &raw) && !str_is(raw, "false");',
  },
  {
    name: 'who registered with another\'s address keeps the account', file: 'services/auth/oauth/oauth_account.c', red: ['scenario', 'o_oauth', 'an account is linked'],
    from: 'if (account->email_verified_at == 0) TRY', to: 'if (account->email_verified_at < 0) TRY',
  },
  {
    name: 'and goes on signing in by another provider', file: 'services/auth/users/credentials.def', red: ['scenario', 'o_oauth', 'an account is linked'],
    from: '"DELETE FROM identity WHERE account_id = $1",       R(taken_over)', to: '"DELETE FROM identity WHERE account_id = $1",       0',
  },
  {
    name: 'userinfo is another\'s', file: 'services/auth/oauth/oauth_end.c', red: ['scenario', 'o_oauth', 'another subject in userinfo'],
    from: 'return str_eq(a->subject, b->subject);', to: 'return a->subject.len > 0 && b->subject.len > 0;',
  },
  {
    name: 'a code goes to the provider that it is not from', file: 'services/auth/oauth/oauth_asking.c', red: ['scenario', 'o_oauth', 'another subject in userinfo'],
    from: 'str_eq(said, wanted)) return OK;', to: 'wanted.len > 0) return OK;',
  },
  {
    name: 'a picture that a provider points to is fetched', file: 'services/auth/oauth/oauth_asking.c', red: ['scenario', 'o_oauth', 'nobody of ours goes'],
    from: 'request->url = endpoint(asking, "emails_endpoint");', to: 'if (!json_find_text(asking->user, "avatar_url", asking->call->arena, &request->url)) request->url = endpoint(asking, "emails_endpoint");',
  },
  {
    name: 'who signs in has back what is about to be deleted, unasked', file: 'services/auth/users/user_leave.c', red: ['scenario', 'o_oauth', 'who leaves has'],
    from: 'if (account_is_leaving(account)) return ERR_ACCOUNT_LEAVING;', to: 'if (account_is_leaving(account)) return account_take_back(call, account);',
  },
  {
    name: 'a code is good without its verifier', file: 'services/auth/oauth/oauth_login.c', red: ['scenario', 'o_oauth', 'twenty exchanges'],
    from: 'bool is_theirs = str_eq(sha256_text(call->arena, proof->verifier), claim.challenge);', to: 'bool is_theirs = claim.challenge.len > 0;',
  },
  {
    name: 'browsers return to what begins like one of the list', file: 'services/auth/oauth/oauth.c', red: ['scenario', 'o_oauth', 'where somebody returns to'],
    from: 'if (str_eq(str_trim(str_cut(&list, \',\')), url)) return', to: 'if (str_starts(url, str_trim(str_cut(&list, \',\')))) return',
  },
  {
    name: 'whoever another provider knows registers here', file: 'services/auth/oauth/oauth_account.c', red: ['scenario', 'o_oauth', 'nobody becomes a user'],
    from: 'return is_invited || registration_has_domain(s, a->email.key) ? OK', to: 'return is_invited || s != NULL ? OK',
  },
  {
    name: 'what links is good without its verifier', file: 'services/auth/oauth/identity.c', red: ['scenario', 'o_oauth', 'signed in links'],
    from: 'if (!str_eq(sha256_text(call->arena, proof->verifier), claim.challenge))', to: 'if (claim.challenge.len == 0)',
  },
  {
    name: 'whoever signs in by it is linked to somebody else', file: 'services/auth/oauth/identity.c', red: ['scenario', 'o_oauth', 'signed in links'],
    from: 'return id_eq(owner.account_id, account) ? OK :', to: 'return !id_is_nil(owner.account_id) ? OK :',
  },
  {
    name: 'who signed in long ago links and unlinks', file: 'services/auth/oauth/identity.c', red: ['scenario', 'o_oauth', 'signed in links'],
    from: 'TRY(factor_check_recent(call, account));', to: 'if (!id_parse(call->who->sub, account)) return ERR_NOT_FOUND;',
  },
  {
    name: 'the last way in is unlinked', file: 'services/auth/oauth/identity.c', red: ['scenario', 'o_oauth', 'is unlinked while'],
    from: 'TRY(account_keeps_way_in(call, account));', to: '',
  },
  {
    name: 'another\'s provider is unlinked', file: 'services/auth/oauth/identity.c', red: ['scenario', 'o_oauth', 'is unlinked while'],
    from: 'WHERE id = $1 AND account_id = $2 RETURNING', to: 'WHERE id = $1 AND $2::uuid IS NOT NULL RETURNING',
  },
  {
    name: 'the passkey that is the last way in is removed', file: 'services/auth/factors/factor_own.c', red: ['scenario', 'o_oauth', 'a passkey that is'],
    from: 'TRY(account_keeps_way_in(call, account));', to: '',
  },
  {
    name: 'a reader changes what they read', file: 'services/share/conversations/conversation_change.c', red: ['scenario', 'l_sharing', 'reader: may not edit'],
    from: 'conversation_lock(call, conversation, right, if_match, out)', to: 'conversation_lock(call, conversation, right == CAN_edit ? CAN_read : right, if_match, out)',
  },
  {
    name: 'each change makes a former version', file: 'services/share/conversations/conversation_change.c', red: ['scenario', 'l_versions', 'what somebody changes again soon'],
    from: ' AND ($11 OR NOT soon)', to: '',
  },
  {
    name: 'what was changed just now is not kept when another is restored', file: 'services/share/conversations/conversation_change.c', red: ['scenario', 'l_versions', 'what is restored is what it was'],
    from: ' AND ($11 OR NOT soon)', to: ' AND NOT soon',
  },
  {
    name: 'an unchanged content is written again', file: 'services/share/conversations/conversation_change.c', red: ['scenario', 'l_versions', 'an unchanged content'],
    from: 'CASE WHEN (SELECT same_data FROM was) THEN data ELSE $5 END', to: '$5',
  },
  {
    name: 'what was restored is lost when it changes soon', file: 'services/share/conversations/conversation_change.c', red: ['scenario', 'l_versions', 'one that goes by its own restoration'],
    from: 'WHEN $11 THEN NULL ', to: '',
  },
  {
    name: 'a former version shows whatever was named', file: 'services/share/conversations/conversation_change.c', red: ['scenario', 'l_versions', 'nobody makes a conversation show by restoring'],
    from: ' AND u.shown)', to: ')',
  },
  {
    name: 'a former version uses no file', file: 'services/share/media/media_collect.c', red: ['scenario', 'l_versions', 'files that a former version showed'],
    from: 'EXISTS (SELECT FROM former_version_media u WHERE u.media = m.id)', to: 'false',
  },
  {
    name: 'an owner\'s former versions have no bound', file: 'services/share/conversations/version_delete.c', red: ['scenario', 'l_versions', 'of one owner as many bytes'],
    from: 'used > $2)', to: 'used < 0 AND used > $2)',
  },
  {
    name: 'editors are told of each other', file: 'services/share/conversations/conversations_private.h', red: ['scenario', 'l_versions', 'to an editor it is not said'],
    from: 'WHEN owner = $2 OR changed_by IN (owner, $2)', to: 'WHEN $2 > \'\'',
  },
  {
    name: 'an editor shows whatever they name', file: 'services/share/conversations/conversation_content.c', red: ['scenario', 'l_sharing', 'an editor shows files'],
    from: 'WHERE m.id = n.media AND m.owner = $2)', to: 'WHERE m.id = n.media AND $2 > \'\')',
  },
  {
    name: 'who blocks somebody gets what they share', file: 'services/share/conversations/sharing_add.c', red: ['scenario', 'l_sharing', 'blocks its owner nothing'],
    from: 'adding->hidden = blocks.blocked;', to: 'adding->hidden = false;',
  },
  {
    name: 'who was removed changes what they waited for', file: 'services/share/conversations/conversation_rights.c', red: ['scenario', 'l_sharing', 'a change that waited'],
    from: 'PG_ARGS(pg_id(conversation)), NULL));\n    TRY(find_state(call, conversation, right, out));', to: 'PG_ARGS(pg_id(conversation)), NULL));',
  },
  {
    name: 'a file that is sent twice is taken in twice', file: 'services/share/conversations/conversation_import.c', red: ['scenario', 'p_import', 'the same file makes nothing twice'],
    from: 'if (!id_is_nil(known.same)) {', to: 'if (id_is_nil(known.same) && bytes < 0) {',
  },
  {
    name: 'what has no room takes some all the same', file: 'services/share/conversations/conversation_import.c', red: ['scenario', 'p_import', 'the quotas of their owner hold'],
    from: 'if (e == ERR_QUOTA_EXCEEDED) TRY(quota_give(call, QUOTA_conversations, call->who->sub, 1));', to: '',
  },
  {
    name: 'a file that was cut off is taken in as far as it goes', file: 'services/share/conversations/dump.c', red: ['scenario', 'p_import', 'of a file that is no object'],
    from: 'if (dump->fault == NULL && dump->place != DUMP_BEHIND_OBJECT) dump->fault = "the object is cut off";', to: '',
  },
  {
    name: 'a preview tells the name of what has a password', file: 'services/share/links/link_find.c', red: ['scenario', 'p_share', 'where its owner likes that'],
    from: 'WHEN l.preview AND l.password IS NULL', to: 'WHEN l.preview',
  },
  {
    name: 'an erasure misses what is withheld meanwhile', file: 'services/store/messages/message_erase.c', red: ['scenario', 'r_moderation', 'is erased keeps no words'],
    from: 'TRY(pg_run(call->pg, call->arena, HOLD_ROOMS, slice, NULL));', to: '(void)HOLD_ROOMS;',
  },
  {
    name: 'former words that go are withheld meanwhile', file: 'services/store/messages/former_purge.c', red: ['scenario', 'r_words', 'when its former words go'],
    from: 'TRY(pg_run(call->pg, call->arena, HOLD_ROOMS, PG_ARGS(pg_int(MESSAGES_AT_ONCE)), NULL));', to: '(void)HOLD_ROOMS;',
  },
  {
    name: 'what may not be kept is taken along', file: 'services/share/pages/talk_take.c', red: ['scenario', 'l_share_kept', 'who has opened a link'],
    from: 'if (!shared.download) return', to: 'if (shared.data.len == 0) return',
  },
  {
    name: 'who has only a code takes along what it opens', file: 'services/share/pages/talk_take.c', red: ['scenario', 'l_share_kept', 'who has opened a link'],
    from: 'if (!visit.is_fresh) return', to: 'if (visit.hash.len == 0) return',
  },
  {
    name: 'what somebody says in a file others seem to say', file: 'services/share/pages/talk_file.c', red: ['scenario', 'l_share_kept', 'nobody says there'],
    from: 'put_lines(out, text, "\\n    ");', to: 'put_lines(out, text, "\\n");',
  },
]
