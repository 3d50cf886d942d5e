// r_operator - what an operator does to rooms, who is in none of them: by madangctl and by REST, and each deed is in the audit once, whoever is killed.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Person, request } from '../lib/people.mjs'
import { bin, root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let stack, key, admin, backend
before(async () => {
  stack = await startStack({ env: { MADANG_STORE_SEARCH_PERCENT: '100' } })
  key = await stack.issueKey()
  admin = await stack.authctl('key', 'issue', '--name', 'admin', '--policy', 'admin')
  backend = await stack.issueKey({ policy: 'chat-backend' })
})
after(() => stack?.stop())

const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name, { reconnection: false })))
const say = (person, room, body, more = {}) => person.calls('message:send', { room, id: randomUUID(), body, ...more })
const rest = (method, path, body, token = admin.key) => request(stack, method, `/api/v1/admin/rooms${path}`, { body, token })
const answered = async (method, path, body) => {
  const { status, json, text } = await rest(method, path, body)
  assert.equal(status, 200, text)
  return json
}
const refused = ({ status, json, text }, expected, code) => assert.deepEqual([status, json?.error?.code], [expected, code], text)
const ctl = async (...words) => {
  const { status, out, err } = await stack.madangctl(...words)
  assert.equal(status, 0, err)
  return out
}
const ctlJSON = async (...words) => JSON.parse(await ctl(...words, '--json'))
const sql = async (service, text) => (await stack.sql(service, text)).trim()
const count = async (service, table, where) => Number(await sql(service, `SELECT count(*) FROM ${table} WHERE ${where}`))

/** What the audit says of a room, the oldest deed first, of which auth may have heard later (docs/why/0103); once all of it is there that was done. */
const entriesOf = async room => (await stack.authctl('audit', 'list', '--target', room)).audit.reverse().sort((a, b) => a.at - b.at)
const inAudit = (room, ...deeds) => until(`${deeds} of ${room} in the audit`, async () => {
  const entries = await entriesOf(room)
  return entries.length >= deeds.length && entries
}, 60000).then(entries => {
  assert.deepEqual(entries.map(({ what }) => what), deeds)
  return entries
})
/** Nothing is left to be told to auth. */
const isTold = () => until('auth has heard of all', async () => await count('chat', 'job', "kind = 'audit.tell'") + await count('store', 'job', "kind = 'audit.tell'") === 0, 60000)

let n = 0
async function aRoom(more = {}) {
  const [olga, max] = await arrive(`olga ${++n}`, `max ${n}`), name = `room ${n} ${randomUUID()}`
  const { id: room } = await olga.makesRoom({ name, open: false, members: [max.name], ...more })
  return { olga, max, room, name: more.name ?? name, leave: () => [olga, max].forEach(person => person.leaves()) }
}
const isIn = (list, room) => list.rooms.some(({ id }) => id === room)

test('an operator finds rooms by kind, name, owner and activity, page by page, whoever is in them', async () => {
  const { olga, max, room, name, leave } = await aRoom()
  const { id: open } = await olga.makesRoom({ name: `${name} too`, open: true })
  await say(olga, room, 'something')
  const found = query => answered('GET', `?${new URLSearchParams(query)}`).then(({ data }) => data.rooms.map(({ id }) => id))
  assert.deepEqual(await found({ name: name.toUpperCase() }), [open, room])
  assert.deepEqual(await found({ name, kind: 'closed' }), [room])
  assert.deepEqual(await found({ name, kind: 'open' }), [open])
  assert.deepEqual(await found({ name, kind: 'archived' }), [])
  assert.deepEqual(await found({ owner: olga.name }), [open, room])
  assert.deepEqual(await found({ owner: max.name }), [])
  assert.deepEqual(await found({ owner: olga.name, active_since: '1000' }), [open, room])
  assert.deepEqual(await found({ owner: olga.name, idle_since: '1000' }), [])
  // Activity is what is said: the store tells chat of it some time later.
  await sql('chat', `UPDATE room SET created_at = created_at - interval '9 days' WHERE id IN ('${room}', '${open}')`)
  const week = String(Date.now() - 7 * 86400000)
  await until('what was said is counted', async () => (await found({ owner: olga.name, active_since: week })).includes(room))
  assert.deepEqual(await found({ owner: olga.name, active_since: week }), [room])
  assert.deepEqual(await found({ owner: olga.name, idle_since: week }), [open])
  refused(await rest('GET', '?kind=large'), 400, 'invalid_argument')
  refused(await rest('GET', '?after=there'), 400, 'invalid_argument')

  const page = await answered('GET', `?owner=${encodeURIComponent(olga.name)}&limit=1`)
  assert.deepEqual([page.data.rooms.map(({ id }) => id), page.meta.next], [[open], open])
  assert.deepEqual((await answered('GET', `?owner=${encodeURIComponent(olga.name)}&limit=1&after=${page.meta.next}`)).data.rooms.map(({ id }) => id), [room])
  // The same by the command line, which turns the pages itself; a name moves no cursor of a terminal.
  const table = await ctl('room', 'list', '--owner', olga.name)
  assert.match(table, new RegExp(`^ROOM .*\n${open} +open +1 .*\n${room} +closed +2 .*${name}\n$`))
  assert.deepEqual((await ctlJSON('room', 'list', '--owner', olga.name)).rooms.map(({ id }) => id), [open, room])
  leave()
})

test('a room is shown with its members counted and its log measured, and not a word of what is said there', async () => {
  const { olga, max, room, name, leave } = await aRoom({ topic: 'what it is about', history: 'joining' })
  const secret = `secret${randomUUID()}`
  for (let i = 0; i < 3; i++) await say(i % 2 ? max : olga, room, secret)
  const { data } = await answered('GET', `/${room}`)
  assert.deepEqual([data.name, data.kind, data.members, data.owners, data.topic, data.history, data.created_by, data.kept_days],
    [name, 'closed', 2, [olga.name], 'what it is about', 'joining', olga.name, undefined])
  const { data: log } = await answered('GET', `/${room}/log`)
  assert.deepEqual([log.head, log.first, log.entries, log.clearing], [3, 1, 3, false])
  assert.ok(log.oldest_at <= log.newest_at && log.newest_at <= Date.now() + 1000)
  const both = await ctlJSON('room', 'show', room)
  assert.deepEqual([both.room.members, both.log.entries], [2, 3])
  const shown = await ctl('room', 'show', room)
  assert.match(shown, /members {3}2\n[^]*log {7}3 entries, seq 1 to 3;/)
  assert.ok(!shown.includes(secret) && !JSON.stringify([data, log, both]).includes(secret))
  refused(await rest('GET', `/${randomUUID()}`), 404, 'not_found')
  refused(await rest('GET', '/none'), 400, 'invalid_argument')
  assert.equal((await stack.madangctl('room', 'show', randomUUID())).status, 1)
  leave()
})

test('who has no right to it is refused each of these, and nothing is done or written down', async () => {
  const { olga, room, name, leave } = await aRoom(), reason = 'why not'
  const deeds = [['GET', ''], ['GET', `/${room}`], ['GET', `/${room}/log`], ['GET', `/${room}/export?reason=x`], ['POST', `/${room}/archive`, { reason }],
    ['POST', `/${room}/unarchive`, { reason }], ['PUT', `/${room}/retention`, { kept_days: 1, reason }], ['POST', `/${room}/purge`, { name, reason }]]
  for (const [method, path, body] of deeds) {
    refused(await rest(method, path, body, olga.token), 403, 'forbidden') // who owns the room is no operator
    refused(await rest(method, path, body, backend), 403, 'forbidden')
    refused(await rest(method, path, body, ''), 401, 'unauthenticated')
  }
  // Who may see rooms and no more.
  const rules = join(stack.dir, 'looks.json')
  await import('node:fs').then(fs => fs.writeFileSync(rules, JSON.stringify([{ effect: 'allow', namespaces: ['/', '/admin'], actions: ['connect'] },
    { effect: 'allow', namespaces: ['/admin'], actions: ['admin'], events: ['room:list', 'room:show'] }])))
  await stack.authctl('policy', 'put', 'looks', rules)
  const looks = await stack.issueKey({ policy: 'looks' })
  for (const [i, [method, path, body]] of deeds.entries())
    if (i < 3) assert.equal((await rest(method, path, body, looks)).status, 200, path)
    else refused(await rest(method, path, body, looks), 403, 'forbidden')
  await isTold()
  assert.deepEqual(await entriesOf(room), [])
  const { data } = await answered('GET', `/${room}`)
  assert.deepEqual([data.archived_at, data.kept_days], [undefined, undefined])
  leave()
})

test('an archived room is read and not written, and comes back; the audit says by whom and why', async () => {
  const { olga, max, room, leave } = await aRoom()
  await olga.joins(room)
  await say(olga, room, 'before')
  refused(await rest('POST', `/${room}/archive`, {}), 400, 'invalid_argument') // without a reason
  const { data } = await answered('POST', `/${room}/archive`, { reason: 'it is over' })
  assert.ok(data.archived_at > 0)
  await until('nobody writes', async () => (await olga.emits('message:send', { room, id: randomUUID(), body: 'now' })).error?.code === 'forbidden')
  assert.equal((await max.reads(room)).length >= 1, true)
  await until('its members see it', async () => (await max.calls('room:list', {})).rooms.find(({ id }) => id === room)?.archived_at > 0)
  assert.match(await ctl('room', 'unarchive', room, '--reason', 'it goes on'), /is not archived any more\.\n$/)
  await until('it is written in again', async () => (await olga.emits('message:send', { room, id: randomUUID(), body: 'again' })).seq > 0)
  assert.match(await ctl('room', 'archive', room, '--reason', 'it does not'), /is archived\.\n$/)
  await answered('POST', `/${room}/unarchive`, { reason: 'it does' })
  await answered('POST', `/${room}/unarchive`, { reason: 'it is not archived, so this is no deed' })
  await isTold()
  const entries = await inAudit(room, 'room.archive', 'room.unarchive', 'room.archive', 'room.unarchive')
  assert.deepEqual(entries.map(({ detail }) => detail.reason), ['it is over', 'it goes on', 'it does not', 'it does'])
  assert.equal(entries[0].who, `key:${admin.id}`)
  assert.match(entries[1].who, /^admin:/)
  refused(await rest('POST', `/${randomUUID()}/archive`, { reason: 'x' }), 404, 'not_found')
  leave()
})

test('what a room keeps is said, shown and obeyed', async () => {
  const { olga, room, leave } = await aRoom()
  for (let i = 0; i < 9; i++) await say(olga, room, `number ${i}`)
  assert.match(await ctl('room', 'retention', room), /^as many days as the server says, as many messages as the server says\n$/)
  assert.equal((await stack.madangctl('room', 'retention', room, '--days', '3')).status, 2) // without a reason
  assert.equal(await ctl('room', 'retention', room, '--days', '30', '--reason', 'as agreed'), '30 days, as many messages as the server says\n')
  const { data } = await answered('PUT', `/${room}/retention`, { kept_messages: 4, reason: 'as agreed, too' })
  assert.deepEqual([data.kept_days, data.kept_messages], [30, 4])
  assert.equal((await answered('PUT', `/${room}/retention`, { reason: 'of nothing' })).data.kept_days, 30)
  refused(await rest('PUT', `/${room}/retention`, { kept_days: 3 }), 400, 'invalid_argument') // without a reason
  refused(await rest('PUT', `/${room}/retention`, { kept_days: 99999, reason: 'x' }), 400, 'invalid_argument')
  await until('the log begins with 6', async () => {
    await trims()
    return (await answered('GET', `/${room}/log`)).data.first === 6
  }, 60000)
  assert.deepEqual((await olga.calls('message:list', { room, limit: 200 })).messages.map(({ seq }) => seq), [6, 7, 8, 9])
  assert.equal(await ctl('room', 'retention', room, '--days', '0', '--messages', '0', '--reason', 'all of it'), 'as many days as the server says, as many messages as the server says\n')
  const entries = await inAudit(room, 'room.retention', 'room.retention', 'room.retention')
  assert.deepEqual(entries.map(({ detail }) => [detail.kept_days, detail.kept_messages]), [[30, undefined], [undefined, 4], [0, 0]])
  leave()
})
const trims = () => sql('store', "UPDATE job SET run_at = now() WHERE kind = 'log.trim'; SELECT pg_notify('store_jobs', '')") // as when ten minutes are over, or a lease
const sweeps = kind => sql('store', `UPDATE job SET run_at = now() WHERE kind = '${kind}'; SELECT pg_notify('store_jobs', '')`)

/** In how many rows something of a room is still said. */
const TABLES = ['message', 'change', 'message_now', 'reaction', 'reaction_count', 'reply', 'attachment', 'removed', 'hidden', 'search_entry', 'draft', 'scheduled', 'withheld', 'report']
const left = async room => Object.fromEntries((await sql('store', TABLES.map(table => `SELECT '${table}', count(*) FROM ${table} WHERE room_id = '${room}'`).join(' UNION ALL ')))
  .split('\n').map(line => line.split('|')).filter(([, rows]) => rows !== '0'))

async function aMedium(person) {
  const raw = `--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n${randomUUID()}\r\n--b--\r\n`
  const answer = await request(stack, 'POST', '/api/v1/media', { token: person.token, raw: Buffer.from(raw), headers: { 'content-type': 'multipart/form-data; boundary=b' } })
  assert.equal(answer.status, 201, answer.text)
  return answer.json.data
}
const isGone = room => until('all of it is gone', async () => {
  for (const kind of ['log.trim', 'draft.sweep', 'schedule.sweep']) await sweeps(kind)
  return Object.keys(await left(room)).length === 0
}, 120000)

test('a purged room is told to its members as a deleted one, and nothing of it is left anywhere', { timeout: 240000 }, async () => {
  const { olga, max, room, name, leave } = await aRoom(), word = `word${randomUUID().replaceAll('-', '')}`
  await Promise.all([olga, max].map(person => person.joins(room)))
  const media = await aMedium(olga)
  const root = await say(olga, room, `${word} root`, { attachments: [media.id] })
  await say(max, room, `${word} reply`, { thread: root.seq })
  await olga.calls('message:edit', { room, seq: root.seq, id: randomUUID(), body: `${word} edited`, attachments: [media.id] })
  await max.calls('reaction:add', { room, seq: root.seq, emoji: '🌱' })
  const deleted = await say(max, room, `${word} deleted`)
  await max.calls('message:delete', { room, seq: deleted.seq })
  await max.calls('message:hide', { room, seq: root.seq })
  await olga.calls('draft:set', { room, body: `${word} draft` })
  await olga.calls('message:schedule', { room, id: randomUUID(), body: `${word} later`, send_at: Date.now() + 86400000 })
  await until('search has it', async () => (await max.calls('message:search', { q: word })).found.length > 0, 60000)
  assert.equal((await max.rest('GET', media.url)).status, 200)

  refused(await rest('POST', `/${room}/purge`, { name: `${name}!`, reason: 'as the law wants it' }), 412, 'precondition_failed')
  refused(await rest('POST', `/${room}/purge`, { name }), 400, 'invalid_argument')
  const { data } = await answered('POST', `/${room}/purge`, { name, reason: 'as the law wants it' })
  assert.equal(data.room, room)
  // Whose socket is in the room, and whose list has it, hears at once.
  for (const person of [olga, max]) {
    await until(`${person.name} hears it`, () => person.events.some(([event, said]) => event === 'room:removed' && said.room === room))
    assert.ok(!isIn(await person.calls('room:list', {}), room))
  }
  await olga.isRefused('message:list', { room }, 'forbidden').catch(() => olga.isRefused('message:list', { room }, 'not_found'))
  refused(await rest('GET', `/${room}/export?reason=x`), 404, 'not_found')
  refused(await rest('GET', `/${room}`), 404, 'not_found')
  assert.deepEqual((await max.calls('message:search', { q: word })).found, [])
  await isGone(room)
  assert.equal(await count('store', 'message', `body LIKE '${word}%'`), 0)
  assert.equal(await count('store', 'search_segment s', 's.n <> (SELECT count(*) FROM search_entry e WHERE e.segment = s.id)'), 0)
  await until('nobody else reads the file', async () => (await max.rest('GET', media.url)).status === 404, 60000)
  const { data: log } = await answered('GET', `/${room}/log`)
  assert.deepEqual([log.entries, log.first, log.clearing], [0, log.head + 1, false])
  // Said again, it is the same deed.
  assert.deepEqual((await answered('POST', `/${room}/purge`, { name, reason: 'as the law wants it' })).data, data)
  await isTold()
  const [entry] = await inAudit(room, 'room.purge')
  assert.deepEqual([entry.who, entry.detail.reason, entry.detail.name], [`key:${admin.id}`, 'as the law wants it', name])
  leave()
})

test('a store that dies between a purge and its end ends it once: nothing is left of the room, and nothing is missing of another', { timeout: 240000 }, async () => {
  const { olga, max, room, name, leave } = await aRoom(), other = await olga.makesRoom({ open: false, members: [max.name] })
  const fill = async at => {
    const { seq } = await say(olga, at, 'a root'), edited = await say(max, at, 'a first text', { thread: seq })
    await max.calls('message:edit', { room: at, seq: edited.seq, id: randomUUID(), body: 'another text' })
    await olga.calls('reaction:add', { room: at, seq: edited.seq, emoji: '🌱' })
    await olga.calls('pin:add', { room: at, seq })
    await olga.calls('draft:set', { room: at, body: 'begun' })
    await olga.calls('message:withhold', { room: at, seq: edited.seq, reason: 'spam' })
    for (const thing of [{ seq }, { member: olga.name }]) await max.calls('report:create', { room: at, reason: 'spam', ...thing })
  }
  await fill(room)
  await fill(other.id)
  await inAudit(room, 'message.withhold')
  const rows = async at => JSON.stringify(await Promise.all([...TABLES, 'room_head'].filter(table => table !== 'search_entry').map(table => sql('store', `SELECT '${table}', count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM ${table} t WHERE room_id = '${at}'`))))
  await until('search has both', async () => await count('store', 'search_entry', `room_id = '${room}'`) * await count('store', 'search_entry', `room_id = '${other.id}'`) > 0, 60000)
  const kept = async () => { const { search_entry: _, ...others } = await left(room); return others } // what search has follows
  const before = await rows(other.id), said = await kept()
  await until('nothing of its end is due', async () => {
    const ends = "kind IN ('log.trim', 'draft.sweep', 'schedule.sweep')"
    await sql('store', `UPDATE job SET run_at = now() + interval '1 hour' WHERE ${ends} AND lease IS NULL`)
    return await count('store', 'job', `${ends} AND run_at < now() + interval '30 minutes'`) === 0
  }, 60000)

  // Before any of it is removed; and then while its end waits for a row that somebody holds.
  await answered('POST', `/${room}/purge`, { name, reason: 'a test' })
  await stack.kill('store')
  await stack.ready()
  assert.deepEqual(await kept(), said)
  const holder = `holder ${room}`, held = sql('store', `SET application_name = '${holder}'; BEGIN; SELECT FROM message WHERE room_id = '${room}' FOR UPDATE; SELECT pg_sleep(300)`).catch(() => 'ended')
  await until('its rows are held', async () => await count('store', 'pg_stat_activity', `application_name = '${holder}' AND wait_event = 'PgSleep'`) === 1)
  await until('its end waits for them', async () => { await trims(); return await count('store', 'pg_stat_activity', "wait_event_type = 'Lock' AND query LIKE '%DELETE FROM message %'") === 1 }, 60000)
  await stack.kill('store')
  await until('nobody waits any more', async () => await count('store', 'pg_stat_activity', "wait_event_type = 'Lock' AND query LIKE '%DELETE FROM message %'") === 0, 60000)
  assert.deepEqual(await kept(), said)
  await sql('store', `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${holder}'`)
  assert.equal(await held, 'ended')
  await stack.ready()
  await isGone(room)
  assert.equal(await rows(other.id), before)
  const { data: log } = await answered('GET', `/${room}/log`)
  assert.deepEqual([log.entries, log.first, log.clearing], [0, log.head + 1, false])
  assert.equal(await count('store', 'search_segment s', 's.n <> (SELECT count(*) FROM search_entry e WHERE e.segment = s.id)'), 0)
  await isTold()
  await inAudit(room, 'message.withhold', 'room.purge')
  leave()
})

test('what a deleted room has left in its log is purged, too', { timeout: 120000 }, async () => {
  const { olga, room, name, leave } = await aRoom(), reason = 'its owner has deleted it'
  await say(olga, room, 'something')
  refused(await rest('POST', `/${room}/purge`, { name, reason, gone: true }), 412, 'precondition_failed') // it is there
  await olga.calls('room:delete', { room })
  refused(await rest('POST', `/${room}/purge`, { name, reason }), 404, 'not_found')
  assert.equal((await left(room)).message, '1')
  await ctl('room', 'purge', room, '--reason', reason, '--gone')
  await isGone(room)
  const [entry] = await inAudit(room, 'room.purge')
  assert.deepEqual([entry.detail.reason, entry.detail.gone], [reason, true])
  leave()
})

const purgeOf = async id => (await ctlJSON('user', 'purges')).purges.find(purge => purge.id === id)
const isPurged = id => until('the purge is over', async () => (await purgeOf(id)).ended_at > 0, 120000)
const newestPurge = async subject => (await request(stack, 'GET', `/api/v1/admin/purges?subject=${encodeURIComponent(subject)}`, { token: admin.key })).json.data.purges[0]

test('what somebody said becomes places without words: in history, threads, search, mentions, exports and archives, live and for good', { timeout: 240000 }, async () => {
  const { olga, max, room, leave } = await aRoom(), word = `word${randomUUID().replaceAll('-', '')}`
  const other = await olga.makesRoom({ name: 'another', open: false, members: [max.name] })
  await Promise.all([olga, max].map(person => person.joins(room)))
  const media = await aMedium(max)
  const root = await say(olga, room, `${word} of olga`)
  const edited = await say(max, room, `${word} first @${olga.name}`, { attachments: [media.id] })
  await max.calls('message:edit', { room, seq: edited.seq, id: randomUUID(), body: `${word} edited`, attachments: [media.id] })
  const reply = await say(max, room, `${word} reply`, { thread: root.seq })
  await olga.calls('pin:add', { room, seq: edited.seq })
  await max.calls('reaction:add', { room, seq: root.seq, emoji: '🌱' })
  const before = await say(max, room, `${word} deleted before`)
  await max.calls('message:delete', { room, seq: before.seq })
  await say(max, other.id, `${word} elsewhere`)
  await until('search has it', async () => (await olga.calls('message:search', { q: word })).found.length >= 4, 60000)

  const body = { subject: max.name, room, reason: 'as they asked' }
  refused(await request(stack, 'POST', '/api/v1/admin/purges', { body, token: olga.token }), 403, 'forbidden')
  refused(await request(stack, 'POST', '/api/v1/admin/purges', { body: { subject: max.name }, token: admin.key }), 400, 'invalid_argument')
  const begun = await request(stack, 'POST', '/api/v1/admin/purges', { body, token: admin.key })
  assert.equal(begun.status, 201, begun.text)
  await isPurged(begun.json.data.id)
  assert.equal((await purgeOf(begun.json.data.id)).messages, 3)
  // Live, each once, with no hole in the log.
  const deletions = () => olga.events.filter(([event, entry]) => event === 'entry' && entry.room === room && entry.kind === 'message:delete' && entry.sender === 'operator').map(([, entry]) => entry)
  await until('olga hears it', () => deletions().length === 2)
  assert.deepEqual(deletions().map(({ target }) => target).sort((a, b) => a - b), [edited.seq, reply.seq])
  const { messages, head } = await olga.calls('message:list', { room, limit: 200 })
  const of = seq => messages.find(message => message.seq === seq)
  for (const seq of [edited.seq, reply.seq, before.seq]) assert.deepEqual([of(seq).body, of(seq).deleted_at > 0, of(seq).sender], ['', true, max.name])
  assert.equal(of(root.seq).body, `${word} of olga`)
  assert.equal(head, messages.length + (await count('store', 'change', `room_id = '${room}'`)))
  assert.deepEqual((await olga.calls('message:list', { room, thread: root.seq })).messages.map(({ body: said }) => said).filter(said => said !== `${word} of olga`), [''])
  assert.deepEqual((await olga.calls('pin:list', { room })).messages, [])
  await until('search has it no more', async () => (await olga.calls('message:search', { q: word })).found.filter(hit => hit.message?.room === room || hit.room === room).length === 1, 60000)
  await until('no mention is left', async () => (await olga.calls('mention:list', {})).mentions.length === 0, 60000)
  await until('nobody is shown the file', async () => (await olga.rest('GET', media.url)).status === 404, 60000)
  // Nowhere at all, though what is deleted is kept for a while otherwise.
  const words = ['message', 'change', 'message_now', 'removed'].map(table => `SELECT count(*) FROM ${table} WHERE room_id = '${room}' AND body LIKE '${word}%'`)
  assert.deepEqual((await sql('store', words.join(' UNION ALL '))).split('\n').map(Number), [1, 0, 0, 0])
  const taken = await olga.rest('GET', `/api/v1/rooms/${room}/export`)
  assert.equal(taken.text.match(new RegExp(word, 'g')).length, 1)
  // In the other room it stands, until that one's turn comes; what is said since stays.
  assert.ok((await olga.calls('message:list', { room: other.id })).messages.some(message => message.body === `${word} elsewhere`))
  const { room: everywhere } = await ctlJSON('user', 'purge-messages', max.name, '--reason', 'all of it', '--yes')
  assert.equal(everywhere, undefined)
  const since = await say(max, room, 'said since')
  await isPurged((await newestPurge(max.name)).id)
  assert.ok((await olga.calls('message:list', { room: other.id })).messages.every(message => message.body === ''))
  assert.equal((await olga.calls('message:get', { room, seq: since.seq })).body, 'said since')
  const entries = await inAudit(max.name, 'message.purge', 'message.purge')
  assert.deepEqual(entries.map(({ detail }) => [detail.room, detail.reason]), [[room, 'as they asked'], [undefined, 'all of it']])
  assert.match(await ctl('user', 'purges', '--of', max.name), /done +\d+ +all rooms[^]*done +3 /)
  leave()
})

test('a purge goes on where it was, whoever is killed, and others write meanwhile: the log has no hole and each deletion once', { timeout: 600000 }, async () => {
  const { olga, max, room, leave } = await aRoom(), N = 700
  for (let i = 0; i < N; i += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => say(max, room, `secret ${i + k}`)))
  const { id } = await ctlJSON('user', 'purge-messages', max.name, '--room', room, '--reason', 'a test', '--yes')
  const acknowledged = []
  let over = false
  const talk = (async () => {
    for (let i = 0; !over; i++) {
      const key = randomUUID() // the same until it is answered
      for (;;) {
        const answer = await olga.emits('message:send', { room, id: key, body: `beside ${i}` }).catch(() => ({}))
        if (answer.seq > 0) { acknowledged.push(answer.seq); break }
        if (over) break
      }
    }
  })()
  const left = () => purgeOf(id).catch(() => undefined)
  for (const name of ['store', 'chat', 'store']) {
    const at = (await until('the purge is seen', left, 60000)).messages
    await until('it goes on', async () => { const now = await left(); return now && (now.messages > at || now.ended_at > 0) }, 120000)
    await stack.kill(name)
  }
  await isPurged(id)
  over = true
  await talk
  assert.equal((await purgeOf(id)).messages, N)
  assert.equal(await count('store', 'message', `room_id = '${room}' AND body LIKE 'secret%'`), 0)
  assert.equal(await count('store', 'removed', `room_id = '${room}'`), 0)
  assert.equal(await count('store', 'change', `room_id = '${room}' AND kind = 'message:delete'`), N)
  assert.equal(await sql('store', `SELECT count(*) = max(seq) AND max(seq) = (SELECT seq FROM room_head WHERE room_id = '${room}') FROM (SELECT seq FROM message WHERE room_id = '${room}' UNION SELECT seq FROM change WHERE room_id = '${room}') s`), 't')
  const there = new Set((await sql('store', `SELECT seq FROM message WHERE room_id = '${room}' AND body LIKE 'beside%'`)).split('\n').map(Number))
  assert.deepEqual(acknowledged.filter(seq => !there.has(seq)), [])
  await inAudit(max.name, 'message.purge')
  leave()
})

/** madangctl with something typed. */
const typed = (input, ...words) => new Promise(resolve => {
  const child = spawn('chpst', ['-e', join(stack.dir, 'env/operator'), join(bin, 'madangctl'), ...words], { cwd: root })
  let out = '', err = ''
  child.stdout.on('data', chunk => { out += chunk })
  child.stderr.on('data', chunk => { err += chunk })
  child.on('close', status => resolve({ status, out, err }))
  child.stdin.end(input)
})

test('the command line purges a room whose name is typed, or with --yes, and else does nothing', { timeout: 120000 }, async () => {
  const { room, name, leave } = await aRoom(), other = await aRoom({ name: '' })
  const no = await typed('another name\n', 'room', 'purge', room, '--reason', 'a test')
  assert.deepEqual([no.status, no.out], [2, ''])
  assert.match(no.err, /\(2 members\)[^]*nothing was done/)
  assert.equal((await typed('', 'room', 'purge', room, '--reason', 'a test')).status, 2)
  assert.equal((await answered('GET', `/${room}`)).data.name, name)
  const yes = await typed(`${name}\n`, 'room', 'purge', room, '--reason', 'a test')
  assert.equal(yes.status, 0, yes.err)
  assert.match(yes.out, /log\.trim/)
  await ctl('room', 'purge', other.room, '--reason', 'a test', '--yes')
  for (const gone of [room, other.room]) {
    refused(await rest('GET', `/${gone}`), 404, 'not_found')
    await inAudit(gone, 'room.purge')
  }
  assert.equal((await stack.madangctl('room', 'purge', room, '--yes')).status, 2) // without a reason
  assert.equal((await typed('another\n', 'user', 'purge-messages', 'somebody', '--reason', 'a test')).status, 2)
  assert.deepEqual((await ctlJSON('user', 'purges', '--of', 'somebody')).purges, [])
  assert.equal((await typed('somebody\n', 'user', 'purge-messages', 'somebody', '--reason', 'a test')).status, 0)
  assert.equal((await ctlJSON('user', 'purges', '--of', 'somebody')).purges.length, 1)
  leave()
  other.leave()
})

test('an operator takes any room along, to the byte what its owner takes; behind a mark the file goes on', { timeout: 120000 }, async () => {
  const { olga, max, room, leave } = await aRoom({ history: 'joining' })
  for (let i = 0; i < 600; i += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => say((i + k) % 2 ? olga : max, room, `number ${i + k}`)))
  const own = await olga.rest('GET', `/api/v1/rooms/${room}/export`)
  assert.equal(own.status, 200)
  const { text, status } = await rest('GET', `/${room}/export?reason=a%20court`)
  assert.equal(status, 200)
  assert.equal(text, own.text)
  assert.equal(text.match(/"entry":/g).length, 600)
  refused(await rest('GET', `/${room}/export`), 400, 'invalid_argument') // without a reason
  refused(await rest('GET', `/${room}/export?after=x&reason=y`), 400, 'invalid_argument')
  refused(await rest('GET', `/${randomUUID()}/export?reason=y`), 404, 'not_found')
  const entry = (await inAudit(room, 'room.export')).at(-1)
  assert.deepEqual([entry.who, entry.detail.reason], [`key:${admin.id}`, 'a court'])

  const file = join(stack.dir, 'room.ndjson')
  assert.equal(await ctl('room', 'export', room, '--reason', 'a copy'), text)
  await ctl('room', 'export', room, '--reason', 'a copy', '--to', file)
  assert.equal(readFileSync(file, 'utf8'), text)
  // As if it had been cut behind its first mark.
  const lines = text.split('\n'), at = lines.findIndex(line => line.startsWith('{"mark"'))
  assert.ok(at > 0 && at < lines.length - 2)
  const head = `${lines.slice(0, at + 1).join('\n')}\n`
  const { writeFileSync } = await import('node:fs')
  writeFileSync(file, head)
  await ctl('room', 'export', room, '--after', JSON.parse(lines[at]).mark, '--to', file)
  assert.equal(readFileSync(file, 'utf8'), text)
  assert.equal((await stack.madangctl('room', 'export', room, '--after', 'x', '--reason', 'y')).status, 1)
  assert.equal((await stack.madangctl('room', 'export', room)).status, 1) // without a reason
  const none = join(stack.dir, 'none.ndjson')
  assert.equal((await stack.madangctl('room', 'export', randomUUID(), '--reason', 'y', '--to', none)).status, 1)
  await isTold()
  // All parts that one takes of a room within an hour are one deed, of which the first one's reason is kept.
  const all = await entriesOf(room)
  assert.ok(all.every(({ what }) => what === 'room.export'))
  assert.deepEqual([...new Set(all.map(({ who }) => who))].length, 2)
  assert.ok(all.length <= 4, `${all.length} entries`) // 2, and as many again where an hour ended meanwhile
  leave()
})

test('no deed is without its entry, and none has two, whoever is killed meanwhile', { timeout: 300000 }, async () => {
  const { room, olga, leave } = await aRoom()
  await say(olga, room, 'something')
  const said = []
  let over = false
  const deeds = (async () => {
    for (let i = 0; !over; i++) {
      const reason = `deed ${i}`
      const { status } = await rest('PUT', `/${room}/retention`, { kept_days: i + 1, reason }).catch(() => ({ status: 0 }))
      said.push({ reason, done: status === 200 })
    }
  })()
  for (const name of ['auth', 'chat', 'auth', 'store', 'chat', 'auth']) {
    const before = said.length
    await until('some deeds are done', () => said.length > before + 5, 60000)
    await stack.kill(name)
    await until(`${name} is back`, () => rest('GET', `/${room}`).then(({ status }) => status === 200, () => false), 60000)
  }
  over = true
  await deeds
  await isTold()
  const reasons = (await entriesOf(room)).map(({ detail }) => detail.reason)
  assert.equal(new Set(reasons).size, reasons.length, 'none is there twice')
  for (const { reason, done } of said) if (done) assert.ok(reasons.includes(reason), `${reason} is in the audit`)
  assert.equal((await stack.authctl('audit', 'verify')).broken, 0)
  leave()
})

test('while auth is away a deed is done, and its entry comes when auth is back', { timeout: 120000 }, async () => {
  const { room, leave } = await aRoom(), reason = 'auth is away'
  await ctl('room', 'show', room)
  process.kill(stack.pid('auth'), 'SIGSTOP')
  try {
    await ctl('room', 'archive', room, '--reason', reason)
    assert.equal((await ctlJSON('room', 'show', room)).room.archived_at > 0, true)
    assert.equal(await count('chat', 'job', "kind = 'audit.tell'"), 1)
  } finally {
    process.kill(stack.pid('auth'), 'SIGCONT')
  }
  const [entry] = await inAudit(room, 'room.archive')
  assert.equal(entry.detail.reason, reason)
  await isTold()
  leave()
})
