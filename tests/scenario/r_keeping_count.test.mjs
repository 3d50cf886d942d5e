// r_keeping_count - how many messages rooms keep: the newest, and whoever writes meanwhile or is killed, neither more nor fewer are removed.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Person } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const INSTALLATION = 30, LONG = 60000

let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_STORE_KEPT_MESSAGES: `${INSTALLATION}` } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

const say = (person, room, body, more = {}) => person.calls('message:send', { room, id: randomUUID(), body, ...more })
const pageOf = (person, room, query = {}) => person.calls('message:list', { room, limit: 200, ...query })
const sql = async text => (await stack.sql('store', text)).trim()
const due = () => sql("UPDATE job SET run_at = now() WHERE kind = 'log.trim'; SELECT pg_notify('store_jobs', '')") // as when ten minutes are over, or a lease
const begins = (person, room, first) => until(`the log begins with ${first}`, async () => { await due(); return (await pageOf(person, room)).first === first }, LONG)
const isCleared = (room, first) => until('all of it is removed', async () => { await due(); return await sql(`SELECT cleared FROM room_head WHERE room_id = '${room}'`) === `${first}` }, LONG)
/** Consumers of the log have had all of it. */
const isTaken = room => until('all is taken', () => sql(`SELECT count(*) = 2 FROM feed_place p JOIN room_head h USING (room_id) WHERE room_id = '${room}' AND p.seq = h.seq`).then(is => is === 't'), LONG)
/** So many days pass for what is in the log up to this seq. */
const age = (room, seq, days) => sql(`UPDATE message SET at = at - interval '${days} days' WHERE room_id = '${room}' AND seq <= ${seq}`)
async function isPassed() {
  await due()
  await until('it has run', async () => await sql("SELECT count(*) FROM job WHERE kind = 'log.trim' AND (run_at <= now() OR lease IS NOT NULL)") === '0', LONG)
}

let n = 0
async function aRoom(keeps, more = {}) {
  const names = [`olga ${++n}`, `max ${n}`], [olga, max] = await Promise.all(names.map(name => Person.arrives(stack, key, name, { reconnection: false })))
  const { id: room } = await olga.makesRoom({ open: false, members: [max.name], ...more })
  if (keeps) {
    const { kept_messages, kept_days } = await olga.calls('room:update', { room, ...keeps })
    assert.deepEqual({ kept_messages, kept_days }, { kept_messages: undefined, kept_days: undefined, ...keeps })
  }
  return { olga, max, room, leave: () => [olga, max].forEach(person => person.leaves()) }
}

test('the newest messages stay, in whatever is done to them, and what is older goes with all that hangs on it', { timeout: 120000 }, async () => {
  const { olga, max, room, leave } = await aRoom({ kept_messages: 4 }, { lines: true }), seqs = []
  for (let i = 0; i < 6; i++) {
    const { seq } = await say(i % 2 ? olga : max, room, `no. ${i}`)
    seqs.push(seq)
    await olga.calls('reaction:add', { room, seq, emoji: '👍' })
    if (i % 2) await olga.calls('message:edit', { room, seq, id: randomUUID(), body: `no. ${i}, edited` })
  }
  await max.calls('message:delete', { room, seq: seqs[4] })
  await say(max, room, 'a reply', { thread: seqs[3] })
  await olga.calls('room:invite', { room, members: [`somebody ${n}`] }) // a line, which counts as none
  await until('it is in the log', async () => (await pageOf(olga, room)).messages.at(-1).kind, LONG)
  await isTaken(room)
  const whole = await pageOf(olga, room, { after: 0 })
  assert.equal(whole.first, undefined)

  // Of seven messages three go: the next one is the first.
  const first = seqs[2] + 1
  await begins(olga, room, first)
  await isCleared(room, first)
  const page = await pageOf(olga, room, { after: 0 })
  assert.deepEqual([page.messages, page.head], [whole.messages.filter(({ seq }) => seq >= first), whole.head])
  assert.equal(page.messages.filter(({ kind }) => !kind).length, 4)
  for (const table of ['message', 'change', 'message_now', 'reaction', 'reaction_count', 'reply'])
    assert.equal(await sql(`SELECT count(*) FROM ${table} WHERE room_id = '${room}' AND seq < ${first}`), '0', table)
  await olga.isRefused('message:get', { room, seq: seqs[2] }, 'not_found')
  const late = await Person.arrives(stack, key, max.name), joined = await late.joins(room, 0)
  assert.deepEqual([joined.first, joined.seq], [first, whole.head])
  late.leaves()

  const { seq } = await say(max, room, 'one more')
  assert.equal(seq, whole.head + 1)
  await isTaken(room)
  await begins(olga, room, seqs[3] + 1)
  await until('what is gone is not to be read', async () => (await olga.calls('room:list', { limit: 200 })).rooms.find(one => one.id === room).unread <= 3, LONG)
  leave()
})

test('of days and a number, of the room and the installation, each time the fewer hold; and a change takes effect', { timeout: 240000 }, async () => {
  const keeps = [undefined, { kept_messages: 10 }, { kept_messages: 100 }, { kept_messages: 10, kept_days: 5 }, { kept_messages: 20, kept_days: 5 }, { kept_days: 5 }]
  const firsts = [11, 31, 11, 31, 26, 26], rooms = []
  for (const keep of keeps) rooms.push(await aRoom(keep))
  for (const { olga, room } of rooms) {
    for (let i = 0; i < 40; i++) await say(olga, room, `no. ${i}`)
    await isTaken(room)
    await age(room, 25, 6)
  }
  for (const [i, { olga, room }] of rooms.entries()) await begins(olga, room, firsts[i])
  await isPassed()
  for (const [i, { olga, room }] of rooms.entries()) assert.equal((await pageOf(olga, room)).first, firsts[i], JSON.stringify(keeps[i]))

  const [{ olga, max, room }] = rooms
  await olga.calls('room:update', { room, kept_messages: 3 })
  await begins(olga, room, 38)
  assert.equal((await olga.calls('room:update', { room, topic: 'another' })).kept_messages, 3)
  assert.equal((await olga.rest('PATCH', `/api/v1/rooms/${room}`, { kept_messages: 0 })).json.data.kept_messages, undefined)
  for (const kept_messages of [-1, 100001, 1.5, '30', true]) await olga.isRefused('room:update', { room, kept_messages }, 'invalid_argument', /kept_messages/)
  await olga.calls('member:role', { room, member: max.name, role: 'admin' })
  await max.isRefused('room:update', { room, kept_messages: 1 }, 'forbidden', /keep/)
  assert.equal((await max.calls('room:update', { room, topic: 'of an admin' })).kept_messages, undefined)
  for (const { leave } of rooms) leave()
})

/** As a store has written them, some of them reacted to: so many messages up to this seq. */
const fill = (room, many) => sql(`
  INSERT INTO message (room_id, seq, id, sender, body, at) SELECT '${room}', n * 2, 'm' || n, 'somebody', 'old', now() FROM generate_series(1, ${many}) n;
  INSERT INTO change (room_id, seq, id, sender, kind, target, body, at) SELECT '${room}', n * 2 + 1, 'r' || n, 'somebody', 'reaction:add', n * 2, '👍', now() FROM generate_series(1, ${many}) n;
  INSERT INTO reaction (room_id, seq, emoji, subject, entry, present) SELECT room_id, target, body, sender, seq, true FROM change WHERE room_id = '${room}';
  INSERT INTO reaction_count (room_id, seq, emoji, n, first) SELECT room_id, target, body, 1, seq FROM change WHERE room_id = '${room}';
  UPDATE room_head SET seq = ${2 * many + 1} WHERE room_id = '${room}';
  UPDATE feed_place SET seq = ${2 * many + 1} WHERE room_id = '${room}'`)
/** What is left is the newest, without a hole between it and the head, and no fewer than the room keeps. */
function isWhole({ first, head, messages }, keeps) {
  assert.ok(messages.length >= Math.min(keeps, 200), `${messages.length} messages from ${first} to ${head}`)
  assert.ok(messages.every(({ seq }) => seq >= (first ?? 1)))
}

test('who writes while the job removes waits for nothing, and the newest are there at each moment', { timeout: 240000 }, async () => {
  const KEEPS = 20, OLD = 3000, { olga, max, room, leave } = await aRoom({ kept_messages: KEEPS })
  await say(olga, room, 'the first')
  await isTaken(room)
  await fill(room, OLD)
  const said = []
  const writer = (async () => { for (let i = 0; i < 100; i++) said.push(await say(max, room, `no. ${i}`)) })()
  const jobs = (async () => { while (said.length < 100) { await due(); isWhole(await pageOf(olga, room), KEEPS) } })()
  await Promise.all([writer, jobs])
  assert.deepEqual(said.map(({ seq }) => seq), Array.from({ length: 100 }, (_, i) => 2 * OLD + 2 + i))
  await isTaken(room)
  const first = said.at(-KEEPS).seq
  await begins(olga, room, first)
  await isCleared(room, first)
  assert.deepEqual((await pageOf(olga, room)).messages.map(({ seq }) => seq), said.slice(-KEEPS).map(({ seq }) => seq))
  leave()
})

test('a store that is killed while it removes leaves nothing half, and the newest as they were', { timeout: 400000 }, async () => {
  const KEEPS = 20, OLD = 3000, { olga, room, leave } = await aRoom({ kept_messages: KEEPS })
  await say(olga, room, 'the first')
  await isTaken(room)
  await fill(room, OLD)
  const first = 2 * (OLD - KEEPS) + 1
  const digest = () => sql(`SELECT md5(string_agg(m::text, ',' ORDER BY m.seq)) FROM message m WHERE room_id = '${room}' AND seq >= ${first}`)
  const left = table => sql(`SELECT count(*) FROM ${table} WHERE room_id = '${room}' AND seq < ${first}`).then(Number)
  const before = await digest()
  for (let kills = 0; kills < 5; kills++) {
    await due()
    if (kills) await until('some is removed, or all', async () => { await due(); return await left('message') < OLD - KEEPS - 300 * kills }, LONG)
    await stack.kill('store')
    await until('the store answers', async () => !(await olga.emits('message:list', { room })).error, LONG)
    isWhole(await pageOf(olga, room), KEEPS)
  }
  await isCleared(room, first)
  for (const table of ['message', 'change', 'reaction', 'reaction_count']) assert.equal(await left(table), 0, table)
  const page = await pageOf(olga, room)
  assert.deepEqual([page.first, page.messages.length, await digest()], [first, KEEPS, before])
  assert.equal((await say(olga, room, 'the next')).seq, 2 * OLD + 2)
  leave()
})
