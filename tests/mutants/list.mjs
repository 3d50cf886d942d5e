// list.mjs - ways to break what matters, each with the test that has to notice.
//
// A row: name, a sentence that is true of the broken program; file and the one place in it (`from`), what stands there
// instead (`to`); `red`, the test: ['unit', path below tests/unit], ['contract', ...], ['service', name], ['edge', suite],
// ['scenario', file, pattern of the test's name].
// SPDX-License-Identifier: Apache-2.0

const rooms = ['unit', 'gateway/test_rooms'], tokens = ['unit', 'gateway/test_token']

export const mutants = [
  {
    name: 'a message is delivered across a gap', file: 'services/gateway/rooms/deliver.c', red: rooms,
    from: 'hall->seq >= 0 && message->seq == hall->seq + 1', to: 'hall->seq >= 0',
  },
  {
    name: 'a slow reader is not paused', file: 'services/gateway/rooms/deliver.c', red: rooms,
    from: 'if (sio_is_slow(seat->guest->socket)) {', to: 'if (false) {',
  },
  {
    name: 'what is kept ahead of a gap is never handed out', file: 'services/gateway/rooms/deliver.c', red: rooms,
    from: 'if (item.seq == hall->seq + 1) deliver(', to: 'if (false) deliver(',
  },
  {
    name: 'a socket that joins with `since` goes live before it has caught up', file: 'services/gateway/rooms/seat.c', red: rooms,
    from: 'return seat->seq >= seat->hall->seq;', to: 'return true;',
  },
  {
    name: 'an answer for heads that is older than the loss is believed', file: 'services/gateway/rooms/pursue.c', red: rooms,
    from: 'if (asked->round != halls->round) hall->head_known = false;', to: '',
  },
  {
    name: 'a slow reader that has read is forgotten', file: 'services/gateway/rooms/guest.c', red: rooms,
    from: 'if (guest->seats[i]->state == SEAT_BEHIND) seat_fetch(guest->seats[i]);', to: ';',
  },
  {
    name: 'a token has more than one spelling', file: 'services/gateway/session/token_head.c', red: tokens,
    from: 'spare[] = { 0, -1, 15, 3 };', to: 'spare[] = { 0, -1, 0, 0 };',
  },
  {
    name: "a key's networks bind no token", file: 'services/gateway/session/bound_keys.c', red: tokens,
    from: 'if (!address_parse(address, &from)) return false;', to: 'if (!address_parse(address, &from) || bound->n > 0) return true;',
  },
  {
    name: 'a key that acts for a user opens the account', file: 'services/gateway/session/bearer.c', red: tokens,
    from: 'if (rights->bearer->kind == BEARER_ACTING &&', to: 'if (false &&',
  },
  {
    name: 'any key speaks for registered users', file: 'services/auth/subject.c', red: ['service', 'test_auth'],
    from: 'if (!rights->act_as_users)', to: 'if (!rights->act_as_users && false)',
  },
  {
    name: 'a bare * names an event', file: 'libshared/policy/pattern.h', red: ['unit', 'policy/test_policy'],
    from: 'return p->head != 0;', to: 'return p->head != 0 || p->kind == PATTERN_ANY;',
  },
  {
    name: 'a client says who it is', file: 'libshared/wire/json_set.c', red: ['unit', 'wire/test_json_set'],
    from: 'if (!key_is(key, name)) {', to: 'if (true || !key_is(key, name)) {',
  },
  {
    name: 'a refused credential is not counted', file: 'services/gateway/session/guesses.c', red: ['unit', 'gateway/test_guesses'],
    from: 'return rates_take(guesses->rates, RATE_auth, str_of(guess->address), clock_mono_us());', to: 'return 0;',
  },
  {
    name: 'a credential that was good waits as an unknown one does', file: 'services/gateway/session/guesses.c', red: ['unit', 'gateway/test_guesses'],
    from: 'else if (find_known(guesses, digest) != NULL)', to: 'else if (false)',
  },
  {
    name: 'unknown credentials do not take turns', file: 'services/gateway/session/guesses.c', red: ['unit', 'gateway/test_guesses'],
    from: 'rates_take(rates, RATE_guess, who, now_us) == 0', to: 'true',
  },
  {
    name: 'what is refused for one rate takes from the others', file: 'services/gateway/session/rates.c', red: ['unit', 'gateway/test_rates'],
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
    from: '        remove_from_table(asked);\n        asked->is_doubted = true;\n', to: '        break;\n',
  },
  {
    name: 'what is remembered grows and grows', file: 'libshared/base/ask_cache.c', red: ['unit', 'base/test_ask_cache'],
    from: 'if (oldest == NULL) return;', to: 'return;',
  },
  {
    name: 'an errand is run on the loop', file: 'libshared/base/errand.c', red: ['unit', 'http/test_http_server'],
    from: 'if (thread_start(run, e)) return e;', to: 'if (!e->ended) { run(e); return e; }\n    if (thread_start(run, e)) return e;',
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
    name: 'anybody may have written a recovery record', file: 'services/gateway/recovery/record.c', red: ['unit', 'gateway/test_recovery'],
    from: 'return secret_eq(mac.at, want, sizeof want);', to: 'return mac.len > 0;',
  },
  {
    name: 'one record is as good as another', file: 'services/gateway/recovery/record.c', red: ['unit', 'gateway/test_recovery'],
    from: 'hmac(key->bytes, (struct str){ (const char *)hash, RECORD_HASH_BYTES }, own);', to: '(void)hash, hmac(key->bytes, STR("x"), own);',
  },
  {
    name: 'a record has a room twice', file: 'services/gateway/recovery/record.c', red: ['unit', 'gateway/test_recovery'],
    from: 'if (str_eq(list[i - 1], list[i])) return true;', to: ';',
  },
  {
    name: 'Redis may send without end', file: 'libshared/cache/redis_link.c', red: ['unit', 'cache/test_redis'],
    from: 'if (link->unfinished <= REDIS_REPLY_MAX) {', to: 'if (link->unfinished > 0 || bytes == 0) {',
  },
  {
    name: 'a process starts others', file: 'libshared/service/privileges_calls.c', red: ['unit', 'service/test_privileges'],
    from: 'refuse_processes(filter);', to: '(void)refuse_processes;',
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
    from: '"%s/%s.key_secret", settings.common.key_dir, kind', to: '"%s", kind == NULL ? kind : settings.common.key_dir',
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
]
