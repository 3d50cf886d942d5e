// list.mjs - ways to break what matters, each with the test that has to notice.
//
// A row: name, a sentence that is true of the broken program; file and the one place in it (`from`), what stands there
// instead (`to`); `red`, the test: ['unit', path below tests/unit], ['contract', ...], ['service', name], ['edge', suite],
// ['scenario', file, pattern of the test's name]; ['checked', ...], ['checked-edge', ...] and ['checked-scenario', ...] are built with DEBUG=1, where
// state machines are checked at each step (libshared/base/invariant.h).
// SPDX-License-Identifier: Apache-2.0

const rooms = ['unit', 'gateway/test_rooms'], tokens = ['unit', 'gateway/test_token'], resume = ['unit', 'gateway/test_resume']
const outbox = ['unit', 'store/test_outbox'], access = ['unit', 'store/test_access_cache'], auth = ['service', 'test_auth']
const jobs = ['service', 'test_jobs']

export const mutants = [
  // --- files ---
  {
    name: 'an upload is kept before its bytes are on disk in their order', file: 'services/share/media/uploads.c', red: ['service', 'test_media'],
    from: 'if (piece->at > size) return ERR_CONFLICT;', to: '',
  },
  {
    name: 'pieces are queued behind what is written already', file: 'services/share/media/uploads.c', red: ['checked', 'service/test_media'],
    from: 'upload->last_waiting = &upload->waiting;\n    if (!rpc_server_work_blocking', to: 'if (!rpc_server_work_blocking',
  },
  {
    name: 'another\'s upload is written into', file: 'services/share/media/uploads.c', red: ['service', 'test_media'],
    from: ' && str_eq(upload->owner, call->who->sub)', to: '',
  },
  {
    name: 'the second of one content keeps its file', file: 'services/share/media/uploads.c',
    red: ['scenario', 'l_media', 'two files of one content'],
    from: 'if (is_spare) uploads_remove_file(uploads, spare);', to: 'if (is_spare) (void)spare;',
  },
  {
    name: 'a content goes with the first who deletes it', file: 'services/share/media/media_delete.c', red: ['service', 'test_media'],
    from: 'if (blob.refs > 1)', to: 'if (blob.refs > 2)',
  },
  {
    name: 'two who leave a content at once both take it for the other\'s', file: 'services/share/media/media_delete.c', red: ['service', 'test_media'],
    from: ' WHERE hash = $1 FOR UPDATE', to: ' WHERE hash = $1',
  },
  {
    name: 'who breaks an upload off is not charged for what came', file: 'services/gateway/routes/rest_upload.c', red: ['scenario', 'k_limits', 'bytes of files count'],
    from: 'return rest_charge_chunks(upload->rest, bytes) ? OK : ERR_RATE_LIMITED;', to: 'return OK;',
  },
  {
    name: 'bytes of files that are read are not charged', file: 'services/gateway/routes/rest_download.c', red: ['scenario', 'k_limits', 'bytes of files that are read'],
    from: '"HEAD") || rest_charge_bytes(rest, bytes)', to: '"HEAD") || bytes >= 0',
  },
  {
    name: 'what is left of a reservation stays taken', file: 'services/share/media/uploads.c', red: ['service', 'test_media'],
    from: 'upload->owner, upload->most - content.size)', to: 'upload->owner, 0)',
  },
  {
    name: 'a start leaves what a killed process had begun', file: 'services/share/media/files.c', red: ['service', 'test_media'],
    from: 'for (size_t i = 0; i < found.len; i++) file_remove(files, found.at[i].upload);', to: '(void)files;',
  },
  {
    name: 'a boundary that is cut in two is bytes', file: 'libshared/http/multipart.c', red: ['unit', 'http/test_multipart'],
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
    name: 'a room does not count who fetches', file: 'services/gateway/rooms/subscription.c', red: ['checked', 'unit/gateway/test_rooms'],
    from: 'if (state == SUBSCRIPTION_FETCHING) room->fetching++;', to: 'if (state == SUBSCRIPTION_FETCHING) room->fetching = 1;',
  },
  {
    name: 'the workers\' queue keeps every subject it has seen', file: 'libshared/rpc/rpc_queue.c',
    red: ['checked', 'unit/rpc/test_rpc_queue'],
    from: 'lane->running--;\n    drop_if_idle(queue, lane);', to: 'lane->running--;',
  },
  {
    name: 'a client of rpc counts bytes that were answered', file: 'libshared/rpc/rpc_client_wait.c',
    red: ['checked', 'unit/rpc/test_rpc_link'],
    from: 'client->waiting_bytes -= w->bytes;', to: '',
  },
  {
    name: 'the committer puts behind what it has taken', file: 'services/store/messages/committer.c',
    red: ['checked', 'service/test_store_batch'],
    from: 'if (c->first == NULL) c->last = &c->first;', to: '',
  },
  {
    name: 'the outbox counts what it has sent', file: 'services/store/outbox.c', red: ['checked', 'unit/store/test_outbox'],
    from: 'outbox->bytes -= entry->bytes;', to: '',
  },
  {
    name: 'a session that has ended goes on pinging', file: 'services/gateway/engineio/session.c',
    red: ['checked', 'unit/gateway/test_eio_session'],
    from: 's->at = (struct deadlines){ 0 };', to: '',
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
    red: ['checked', 'unit/gateway/test_resume'],
    from: '|| message->seq != position->got + 1) return false;', to: ') return false;',
  },
  {
    name: 'a save under way is counted twice', file: 'services/gateway/recovery/saved_connection.c',
    red: ['checked', 'unit/gateway/test_resume'],
    from: 'connection->saving++;', to: 'connection->saving += 2;',
  },
  {
    name: 'a lost connection leaves its turn taken', file: 'services/gateway/recovery/resume_turns.c', red: ['checked', 'unit/gateway/test_resume'],
    from: 'if (c->has_turn) c->home->turns--;', to: '',
  },
  {
    name: 'what blocks runs on the workers', file: 'libshared/rpc/rpc_dispatch.c', red: ['unit', 'rpc/test_rpc_calls'],
    from: 'queue_for(later->server->blocking, later)', to: 'queue_for(later->server->pool, later)',
  },
  {
    name: 'one address takes all places for passwords', file: 'services/gateway/interop/login.c', red: ['unit', 'gateway/test_admin'],
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
    from: 'rpc_server_release(jobs->server);\n    wake(jobs);', to: 'rpc_server_release(jobs->server);\n    if (jobs->woken) begin_run(jobs);',
  },
  {
    name: 'one kind of job goes before the others', file: 'libshared/jobs/jobs.c', red: jobs,
    from: 'jobs->turn++;', to: '',
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
    name: 'a slow reader is not paused', file: 'services/gateway/rooms/deliver.c', red: rooms,
    from: 'if (sio_is_slow(subscription->subscriber->socket)) {', to: 'if (false) {',
  },
  {
    name: 'what is kept ahead of a gap is never handed out', file: 'services/gateway/rooms/deliver.c', red: rooms,
    from: 'if (item.seq == room->seq + 1) deliver_packet(', to: 'if (false) deliver_packet(',
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
    name: "a key's networks bind no token", file: 'services/gateway/identity/bound_keys.c', red: tokens,
    from: 'if (!address_parse(address, &from)) return false;', to: 'if (!address_parse(address, &from) || bound->n > 0) return true;',
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
    name: 'a refused credential is not counted', file: 'services/gateway/identity/guesses.c', red: ['unit', 'gateway/test_guesses'],
    from: 'return rates_take(guesses->rates, RATE_auth, str_of(guess->address), clock_mono_us());', to: 'return 0;',
  },
  {
    name: 'a credential that was good waits as an unknown one does', file: 'services/gateway/identity/guesses.c', red: ['unit', 'gateway/test_guesses'],
    from: 'else if (find_known(guesses, digest) != NULL)', to: 'else if (false)',
  },
  {
    name: 'unknown credentials do not take turns', file: 'services/gateway/identity/guesses.c', red: ['unit', 'gateway/test_guesses'],
    from: 'rates_take(rates, RATE_guess, who, now_us) == 0', to: 'true',
  },
  {
    name: 'what is refused for one rate takes from the others', file: 'services/gateway/rates/rates.c', red: ['unit', 'gateway/test_rates'],
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
    name: 'anybody may have written a recovery record', file: 'services/gateway/recovery/record.c', red: ['unit', 'gateway/test_recovery'],
    from: 'return secret_eq(mac.at, want, sizeof want);', to: 'return mac.len > 0;',
  },
  {
    name: 'one record is as good as another', file: 'services/gateway/recovery/record.c', red: ['unit', 'gateway/test_recovery'],
    from: 'make_hmac(key->bytes, (struct str){ (const char *)hash, RECORD_HASH_BYTES }, own);', to: '(void)hash, make_hmac(key->bytes, STR("x"), own);',
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
    name: 'all sessions of a gateway have one moment to leave', file: 'services/gateway/engineio/session.c', red: ['unit', 'gateway/test_eio_session'],
    from: 'table_hash(sid, EIO_SID_CHARS) % spread_ms', to: 'table_hash(sid, EIO_GATEWAY_CHARS) % spread_ms',
  },
  {
    name: 'whoever knows a pid is its owner', file: 'services/gateway/recovery/resume.c', red: resume,
    from: ' ||\n        !str_eq(c->record.subject, bearer_subject(c->arrival.rights.bearer)))', to: ')',
  },
  {
    name: 'who is no member any more comes back into the room', file: 'services/gateway/recovery/resume.c', red: resume,
    from: ' || roles->roles.at[i].role.len == 0)', to: ')',
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
    name: 'a reader that takes nothing is kept for ever', file: 'services/gateway/engineio/heartbeat.c', red: ['unit', 'gateway/test_eio_session'],
    from: 'if (passed(s->at.slow, now)) {', to: 'if (false) {',
  },
  {
    name: 'what waits for a session has no end', file: 'services/gateway/engineio/session.c', red: ['unit', 'gateway/test_eio_session'],
    from: 's->queued_bytes > 2 * most || s->count', to: 's->count',
  },
  {
    name: 'a session that joins nothing stays', file: 'services/gateway/engineio/heartbeat.c', red: ['unit', 'gateway/test_eio_session'],
    from: 'if (passed(s->at.connect, now)) {', to: 'if (false) {',
  },
  {
    name: 'a client that went silent stays', file: 'services/gateway/engineio/heartbeat.c', red: ['unit', 'gateway/test_eio_session'],
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
    from: ' && page->since <= store->position;', to: ';',
  },
  {
    name: 'sockets of a key are not found when there are many', file: 'services/gateway/identity/socket_index.c', red: ['unit', 'gateway/test_socket_index'],
    from: 'if (link->next != NULL) link->next->link[by].here = &link->next;', to: '',
  },
  {
    name: 'a token has no end', file: 'services/gateway/identity/bearer.c', red: tokens,
    from: 'if (bearer->expires_at <= clock_ms()) return ERR_TOKEN_EXPIRED;', to: '',
  },
  {
    name: 'a cap narrows nothing', file: 'services/gateway/identity/bearer.c', red: tokens,
    from: '(rights->bearer->cap == NULL ||', to: '(rights->bearer->cap != NULL || rights->bearer->cap == NULL ||',
  },
  // --- store ---
  {
    name: 'chat does not hear of what the outbox left out', file: 'services/store/messages/message_append.c', red: ['unit', 'store/test_append'],
    from: 'if (a->e == OK && !outbox_put(store->outbox, &a->message)) chat_link_recheck(store->link);', to: 'if (a->e == OK && !outbox_put(store->outbox, &a->message)) continue;',
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
    from: 'is_member && grant->is_watched) {', to: 'is_member) {',
  },
  {
    name: 'a no that is older than the question counts', file: 'services/store/access_cache.c', red: access,
    from: ' && (grant->n_early > 0 || is_member || e != OK)) {', to: ') {',
  },
  {
    name: 'a page has no bound in bytes', file: 'services/store/log/log_page.c', red: ['service', 'test_store'],
    from: '" WHERE n = 1 OR bytes <= $4 ORDER BY seq"', to: '" WHERE n > 0 OR bytes <= $4 ORDER BY seq"',
  },
  // --- chat ---
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
    from: 'if (room->entry.is_kept && version != room->version + 1) {', to: 'if (false) {',
  },
  {
    name: 'an older change makes an older reading good', file: 'services/chat/members/member_cache.c', red: ['unit', 'chat/test_member_cache'],
    from: ' || version <= room->version) return;', to: ') return;',
  },
  {
    name: 'any member removes others', file: 'services/chat/rooms/room_remove.c', red: ['service', 'test_chat'],
    from: 'if (!str_eq(who, call->who->sub) && !str_is(row.role, "owner"))', to: 'if (!str_eq(who, call->who->sub) && row.role.len == 0)',
  },
  {
    name: 'a closed room is open', file: 'services/chat/rooms/room_enter.c', red: ['service', 'test_chat'],
    from: 'if (row.role.len == 0 && !row.open) return', to: 'if (row.role.len == 0 && row.open && !row.open) return',
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
    name: 'a refusal leaves no line in the token log', file: 'services/auth/tokens/token_issue.c', red: auth,
    from: 'TRY(pg_commit(call->pg));', to: '',
  },
  {
    name: 'a policy replaces one that changed meanwhile', file: 'services/auth/policies/policy_put.c', red: auth,
    from: 'WHERE $3 = 0 OR', to: 'WHERE $3 >= 0 OR',
  },
  {
    name: 'a revocation is told to nobody', file: 'migrations/auth/0008_trust_by_position.sql', red: ['service', 'test_trust'],
    from: 'networks, bind_tokens, revoked_at ON api_key', to: 'networks, bind_tokens ON api_key',
  },
  {
    name: 'what another auth changed is not heard', file: 'services/auth/trust/trust_watch.c', red: ['service', 'test_trust'],
    from: 'if (auth->server != NULL) refresh_snapshot(auth);', to: '(void)auth;',
  },
  {
    name: 'a change that comes while trust is loaded is forgotten', file: 'services/auth/trust/trust_watch.c', red: ['service', 'test_trust'],
    from: '    if (e == OK)\n        load_snapshot(auth);', to: '    if (e == OK) auth->changed = false;',
  },
  // --- libshared: rpc ---
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
    from: ' && head.kind == FRAME_REQUEST) {', to: ') {',
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
    from: 'head.bytes >= rest->len) return false;', to: 'head.bytes > rest->len) return false;',
  },
  {
    name: 'a field may be given twice', file: 'libshared/wire/decode.c', red: ['contract', 'test_shapes'],
    from: 'if (seen & bit) return refuse_field(f, "is given twice", why);', to: '',
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
    from: 'plain.room = plain_room(question->room, room);', to: '(void)room;',
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
    name: 'a request has a length and chunks', file: 'libshared/http/http_head.c', red: ['unit', 'http/test_http_head'],
    from: 'return out->chunked && out->content_length >= 0 ? 400 : 0;', to: 'return 0;',
  },
  {
    name: 'a request has two lengths', file: 'libshared/http/http_head.c', red: ['unit', 'http/test_http_head'],
    from: 'if (out->content_length >= 0 && out->content_length != n) return 400;', to: '',
  },
  {
    name: 'a frame need not be masked', file: 'libshared/http/ws_frame.c', red: ['edge', 'rfc6455'],
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
    from: 'membership_stamp != 0 && membership_stamp == rooms_membership_stamp(room->home, room->id);', to: 'membership_stamp != 0;',
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
    name: 'undefined of msgpack is known by its length', file: 'services/gateway/socketio/msgpack_in.c', red: ['edge', 'msgpack'],
    from: 'value->lead == 0xd4 && value->ext == 0', to: 'value->bytes.len == 1 && value->ext == 0',
  },
]
