// r_keeping - for how long rooms keep what was said: what is older goes with all that hangs on it, and everybody is told where the log begins.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Person, request } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { pause, until } from '../lib/wait.mjs'

const INSTALLATION = 60 // days

let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_STORE_KEPT_DAYS: `${INSTALLATION}`, MADANG_STORE_SEARCH_PERCENT: '100' } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name, { reconnection: false })))
const entriesOf = (person, room) => person.events.filter(([event, entry]) => ['message', 'entry'].includes(event) && entry.room === room).map(([, entry]) => entry)
const say = (person, room, body, more = {}) => person.calls('message:send', { room, id: randomUUID(), body, ...more })
const edit = (person, room, seq, body, more = {}) => person.calls('message:edit', { room, seq, id: randomUUID(), body, ...more })
const pageOf = (person, room, query = {}) => person.calls('message:list', { room, ...query })
const sql = async (service, text) => (await stack.sql(service, text)).trim()
const count = async (table, where, service = 'store') => Number(await sql(service, `SELECT count(*) FROM ${table} WHERE ${where}`))
const due = () => sql('store', "UPDATE job SET run_at = now() WHERE kind = 'log.trim'; SELECT pg_notify('store_jobs', '')") // as when ten minutes are over, or a lease
/** So many days pass for what is in the log up to this seq. */
const age = (room, seq, days) => sql('store', ['message', 'change'].map(table => `UPDATE ${table} SET at = at - interval '${days} days' WHERE room_id = '${room}' AND seq <= ${seq}`).join(';'))
const firstOf = async (person, room) => (await pageOf(person, room, { limit: 1 })).first
const begins = (person, room, first) => until(`the log begins with ${first}`, async () => { await due(); return await firstOf(person, room) === first }, 30000)
/** What lies before this seq in the tables of the log. */
const TABLES = ['message', 'change', 'message_now', 'reaction', 'reaction_count', 'attachment', 'removed', 'hidden', 'search_entry', 'reply']
const leftBefore = async (room, seq) => {
  const left = {}
  for (const table of TABLES) left[table] = await count(table, `room_id = '${room}' AND seq < ${seq}`)
  return left
}
const nothing = Object.fromEntries(TABLES.map(table => [table, 0]))
const isCleared = (room, first) => until('all of it is removed', async () => { await due(); return await sql('store', `SELECT cleared FROM room_head WHERE room_id = '${room}'`) === `${first}` }, 30000)
/** Consumers of the log have had all of it. */
const isTaken = room => until('all is taken', () => sql('store', `SELECT count(*) = 2 FROM feed_place p JOIN room_head h USING (room_id) WHERE room_id = '${room}' AND p.seq = h.seq`).then(is => is === 't'), 30000)

let n = 0
async function aRoom(kept_days) {
  const names = [`olga ${++n}`, `max ${n}`], [olga, max] = await arrive(...names)
  const { id: room } = await olga.makesRoom({ open: false, members: [max.name] })
  if (kept_days) assert.equal((await olga.calls('room:update', { room, kept_days })).kept_days, kept_days)
  return { olga, max, room, leave: () => [olga, max].forEach(person => person.leaves()) }
}

async function aMedium(person) {
  const raw = `--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n${randomUUID()}\r\n--b--\r\n`
  const answer = await request(stack, 'POST', '/api/v1/media', { token: person.token, raw: Buffer.from(raw), headers: { 'content-type': 'multipart/form-data; boundary=b' } })
  assert.equal(answer.status, 201, answer.text)
  return answer.json.data
}

test('what is older than its room keeps it goes with all that hangs on it, and what is left has no hole', { timeout: 120000 }, async () => {
  const { olga, max, room, leave } = await aRoom(30), secret = `ancient${randomUUID().replaceAll('-', '')}`
  const media = await aMedium(olga)
  const old = await say(olga, room, `${secret} root`, { attachments: [media.id] })
  await say(max, room, `${secret} reply`, { thread: old.seq })
  const deleted = await say(max, room, `${secret} deleted`)
  await max.calls('message:delete', { room, seq: deleted.seq })
  await edit(olga, room, old.seq, `${secret} edited`, { attachments: [media.id] })
  await olga.calls('pin:add', { room, seq: old.seq })
  await max.calls('reaction:add', { room, seq: old.seq, emoji: '🦕' })
  await max.calls('message:hide', { room, seq: deleted.seq })
  const last = await say(max, room, `${secret} last of old`)
  // What is done today to what is old.
  const lateEdit = await edit(max, room, last.seq, `${secret} edited today`)
  const lateReply = await say(olga, room, 'a reply of today', { thread: old.seq })
  const root = await say(max, room, 'of today')
  for (const body of ['one', 'two']) await say(olga, room, body, { thread: root.seq })
  await isTaken(room)
  assert.equal((await max.rest('GET', media.url)).status, 200)
  const whole = await pageOf(olga, room, { limit: 200 })
  assert.equal(whole.first, undefined)

  await age(room, last.seq, 31)
  const first = last.seq + 1
  await begins(olga, room, first)
  await isCleared(room, first)
  assert.deepEqual(await leftBefore(room, first), nothing)
  assert.equal(await count('change', `room_id = '${room}' AND body LIKE '${secret}%'`), 0)
  assert.equal(await count('search_segment s', 's.n <> (SELECT count(*) FROM search_entry e WHERE e.segment = s.id)'), 0)

  // As it was, but for what is gone.
  const page = await pageOf(olga, room, { after: 0, limit: 200 })
  assert.deepEqual(page.messages, whole.messages.filter(({ seq }) => seq >= first))
  assert.deepEqual([page.first, page.head], [first, whole.head])
  assert.deepEqual((await olga.rest('GET', `/api/v1/rooms/${room}/messages?before=${first}`)).json.data.messages, [])
  assert.equal((await olga.calls('message:get', { room, seq: root.seq })).replies, 2)
  assert.deepEqual((await pageOf(olga, room, { thread: root.seq })).messages.map(({ body }) => body), ['one', 'two'])
  assert.deepEqual((await olga.calls('pin:list', { room })).messages, [])
  const { messages } = await pageOf(olga, room, { from: 1 })
  assert.equal(messages[0].seq, lateReply.seq)
  assert.deepEqual((await max.calls('message:search', { q: secret })).found, [])
  assert.equal((await max.calls('message:search', { q: 'reply of today' })).found.length, 1)
  assert.notEqual((await max.rest('GET', media.url)).status, 200)
  for (const [event, more] of [['message:get'], ['message:versions'], ['message:hide'], ['message:delete'], ['pin:add'], ['reaction:add', { emoji: '🦕' }], ['message:edit', { id: randomUUID(), body: 'late' }]])
    await olga.isRefused(event, { room, seq: old.seq, ...more }, 'not_found')
  await olga.isRefused('message:send', { room, id: randomUUID(), body: 'late', thread: old.seq }, 'not_found')

  // Who catches up from before it is told where the log begins, and who has enough is not.
  for (const since of [0, 1, first - 2]) {
    const late = await Person.arrives(stack, key, max.name)
    const joined = await late.joins(room, since)
    assert.deepEqual([joined.first, joined.seq], [first, whole.head])
    assert.deepEqual(entriesOf(late, room).map(({ seq }) => seq), Array.from({ length: whole.head - first + 1 }, (_, i) => first + i))
    assert.deepEqual(entriesOf(late, room).filter(({ seq }) => seq === lateEdit.seq).map(({ kind, target, body }) => [kind, target, body]), [['message:edit', last.seq, '']])
    assert.doesNotMatch(JSON.stringify(late.events), new RegExp(secret))
    late.leaves()
  }
  const enough = await Person.arrives(stack, key, max.name)
  assert.equal((await enough.joins(room, first - 1)).first, undefined)
  assert.equal(entriesOf(enough, room)[0].seq, first)
  const next = await say(olga, room, 'the next')
  assert.equal(next.seq, whole.head + 1)
  await enough.hears('the next')
  enough.leaves()
  leave()
})

test('what is not kept any more is not to be read, and a room of which nothing is left goes on where it was', { timeout: 60000 }, async () => {
  const { olga, max, room, leave } = await aRoom(7)
  for (let i = 0; i < 5; i++) await say(olga, room, `old ${i} @${max.name}`)
  await olga.calls('message:delete', { room, seq: 2 })
  const mine = async () => (await max.calls('room:list', { limit: 200 })).rooms.find(one => one.id === room)
  await until('all is counted', async () => (await mine()).head === 6)
  assert.deepEqual([(await mine()).unread, (await mine()).mentions, (await mine()).last.seq], [4, 4, 5])
  await age(room, 4, 8)
  await isTaken(room)
  await begins(olga, room, 5)
  await until('the room is counted from there', async () => (await mine()).unread === 1)
  assert.deepEqual(await max.calls('read:mark', { room, seq: 1 }), { room, read: 1, unread: 1, mentions: 1 })
  assert.deepEqual((await max.calls('mention:list', {})).mentions.filter(one => one.room === room).map(({ seq }) => seq), [5])

  await age(room, 6, 8)
  await begins(olga, room, 6)
  await until('nothing is to be read', async () => (await mine()).unread === 0)
  assert.deepEqual([(await mine()).last, (await mine()).head], [undefined, 6])
  assert.deepEqual((await pageOf(max, room)).messages, [])
  const late = await Person.arrives(stack, key, max.name)
  assert.equal((await late.joins(room, 0)).first, 6)
  assert.equal((await say(olga, room, 'new')).seq, 7)
  await late.hears('new')
  await until('it is to be read', async () => (await mine()).unread === 1)
  late.leaves()
  leave()
})

test('a room keeps for fewer days than the installation, and never for more; a change of the setting takes effect', { timeout: 60000 }, async () => {
  const rooms = []
  for (const days of [undefined, 30, 100]) rooms.push(await aRoom(days))
  for (const { olga, room } of rooms) {
    for (const body of ['70 days', '50 days', 'today']) await say(olga, room, body)
    await isTaken(room)
    await age(room, 2, 50)
    await age(room, 1, 20)
  }
  const [none, fewer, more] = rooms
  for (const { olga, room } of [none, more]) await begins(olga, room, 2)
  await begins(fewer.olga, fewer.room, 3)
  assert.equal(await firstOf(none.olga, none.room), 2)

  await none.olga.calls('room:update', { room: none.room, kept_days: 49 })
  await begins(none.olga, none.room, 3)
  assert.equal((await more.olga.rest('PATCH', `/api/v1/rooms/${more.room}`, { kept_days: 0 })).json.data.kept_days, undefined)
  assert.equal((await more.olga.calls('room:update', { room: more.room, topic: 'another' })).kept_days, undefined)
  assert.equal((await fewer.olga.calls('room:update', { room: fewer.room, topic: 'another' })).kept_days, 30)
  for (const kept_days of [-1, 36501, 1.5, '30', true]) await fewer.olga.isRefused('room:update', { room: fewer.room, kept_days }, 'invalid_argument', /kept_days/)
  await fewer.olga.calls('member:role', { room: fewer.room, member: fewer.max.name, role: 'admin' })
  await fewer.max.isRefused('room:update', { room: fewer.room, kept_days: 1 }, 'forbidden', /keep/)
  assert.equal((await fewer.max.calls('room:update', { room: fewer.room, topic: 'of an admin' })).kept_days, 30)
  for (const { leave } of rooms) leave()
})

test('what a consumer of the log has not had stays until it has', { timeout: 60000 }, async () => {
  const { olga, room, leave } = await aRoom(30)
  for (let i = 0; i < 5; i++) await say(olga, room, `old ${i}`)
  await isTaken(room)
  await age(room, 5, 31)
  const heldBack = `held_${room.replaceAll('-', '')}`
  await sql('store', `CREATE FUNCTION ${heldBack}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.seq := 2; RETURN NEW; END';
    CREATE TRIGGER ${heldBack} BEFORE UPDATE ON feed_place FOR EACH ROW WHEN (NEW.feed = 'activity' AND NEW.room_id = '${room}') EXECUTE FUNCTION ${heldBack}();
    UPDATE feed_place SET seq = 2 WHERE feed = 'activity' AND room_id = '${room}'`)
  await begins(olga, room, 3)
  await due()
  await until('it has run', () => count('job', "kind = 'log.trim' AND (run_at <= now() OR lease IS NOT NULL)").then(n => n === 0))
  assert.equal(await firstOf(olga, room), 3)
  await sql('store', `DROP FUNCTION ${heldBack} CASCADE`)
  await say(olga, room, 'new') // it is told of all that is there
  await isTaken(room)
  await begins(olga, room, 6)
  leave()
})

test('one pass goes over all rooms, however many there are', { timeout: 60000 }, async () => {
  const { olga, room, leave } = await aRoom(30)
  for (const body of ['old', 'new']) await say(olga, room, body)
  await isTaken(room)
  await age(room, 1, 31)
  await sql('store', "INSERT INTO room_head (room_id, seq) SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 0 FROM generate_series(1, 1200) n")
  await due()
  await until('the log begins with what is new', async () => await firstOf(olga, room) === 2, 30000)
  await sql('store', "DELETE FROM room_head WHERE room_id < '00000000-0000-4000-8000-999999999999'")
  leave()
})

test('while rows are removed, and while that is stuck, messages go into the same log and are read', { timeout: 60000 }, async () => {
  const { olga, max, room, leave } = await aRoom(30)
  const [old] = [await say(olga, room, 'old'), await say(olga, room, 'old, too')]
  await edit(olga, room, old.seq, 'old and edited')
  const kept = await say(max, room, 'kept')
  await isTaken(room)
  const stuck = sql('store', `SET application_name = 'a reader of old rows'; BEGIN; SELECT FROM message_now WHERE room_id = '${room}' AND seq = ${old.seq} FOR UPDATE; SELECT pg_sleep(300)`).catch(() => 'ended')
  await until('the row is held', async () => await count('pg_stat_activity', "application_name = 'a reader of old rows' AND wait_event = 'PgSleep'") === 1)
  await age(room, kept.seq - 1, 31)
  const waiting = "wait_event_type = 'Lock' AND query LIKE 'DELETE FROM message_now%'"
  await until('the job waits for a row', async () => { await due(); return await count('pg_stat_activity', waiting) === 1 }, 30000)
  assert.deepEqual((await pageOf(olga, room)).messages.map(({ seq }) => seq), [kept.seq])
  for (let i = 0; i < 20; i++) await say(olga, room, `meanwhile ${i}`)
  await edit(max, room, kept.seq, 'and edited')
  await olga.calls('reaction:add', { room, seq: kept.seq, emoji: '👍' })
  assert.equal(await count('pg_stat_activity', waiting), 1, 'it waits still')
  await sql('store', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'a reader of old rows'")
  assert.equal(await stuck, 'ended')
  await isCleared(room, kept.seq - 1)
  assert.deepEqual(await leftBefore(room, kept.seq - 1), nothing)
  leave()
})

test('a store that is killed while rows are removed leaves nothing half, and removes nothing that is kept', { timeout: 240000 }, async () => {
  const { olga, room, leave } = await aRoom(30), old = 4000, first = 2 * old + 1
  await say(olga, room, 'the first')
  await isTaken(room)
  // As a store has written them, long ago: of each message a reaction; then some of today, done to old ones as well.
  await stack.sql('store', `
    UPDATE message SET at = now() - interval '31 days' WHERE room_id = '${room}';
    INSERT INTO message (room_id, seq, id, sender, body, at) SELECT '${room}', n * 2 + 1, 'm' || n, 'olga', 'old', now() - interval '31 days' FROM generate_series(1, ${old - 1}) n;
    INSERT INTO change (room_id, seq, id, sender, kind, target, body, at) SELECT '${room}', n * 2 + 2, 'r' || n, 'max', 'reaction:add', n * 2 + 1, '👍', now() - interval '31 days' FROM generate_series(0, ${old - 1}) n;
    INSERT INTO reaction (room_id, seq, emoji, subject, entry, present) SELECT room_id, target, body, sender, seq, true FROM change WHERE room_id = '${room}';
    INSERT INTO reaction_count (room_id, seq, emoji, n, first) SELECT room_id, target, body, 1, seq FROM change WHERE room_id = '${room}';
    INSERT INTO message_now (room_id, seq, pinned, pin_seq) SELECT room_id, target, true, seq FROM change WHERE room_id = '${room}';
    INSERT INTO message (room_id, seq, id, sender, body, at) SELECT '${room}', ${first} + n, 'k' || n, 'olga', 'kept', now() FROM generate_series(0, 99) n;
    UPDATE room_head SET seq = ${first + 99} WHERE room_id = '${room}';
    UPDATE feed_place SET seq = ${first + 99} WHERE room_id = '${room}'`)
  const digest = () => sql('store', `SELECT md5(string_agg(m::text, ',' ORDER BY m.seq)) FROM message m WHERE room_id = '${room}' AND seq >= ${first}`)
  const before = await digest()
  const left = async () => Object.values(await leftBefore(room, first - 1)).reduce((a, b) => a + b)
  const answers = () => until('the store answers', async () => !(await olga.emits('message:list', { room, limit: 1 })).error)
  const isWhole = async () => {
    const page = await pageOf(olga, room, { after: 0, limit: 200 }), pins = await olga.calls('pin:list', { room, limit: 200 })
    if (page.first === undefined) assert.deepEqual([await left() >= 5 * (old - 1), page.messages.length, pins.messages.length], [true, 200, 200])
    else assert.deepEqual([page.first, page.messages.map(({ seq }) => seq), pins.messages], [first - 1, Array.from({ length: 100 }, (_, i) => first + i), []])
  }
  for (let kills = 0; kills < 5; kills++) {
    await due()
    await pause(Math.random() * 200)
    await stack.kill('store')
    await answers()
    await isWhole()
  }
  await until('all of it is removed', async () => { await due(); await isWhole(); return await left() === 0 }, 60000)
  await isWhole()
  assert.equal(await digest(), before)
  assert.equal((await say(olga, room, 'the next')).seq, first + 100)
  leave()
})
