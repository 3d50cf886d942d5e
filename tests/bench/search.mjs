// search.mjs - what it costs to find messages, beside reading a page of history; how soon they are found; and what the index costs who sends.
// SPDX-License-Identifier: Apache-2.0
//
//     node tests/bench/search.mjs [--messages 200000] [--rooms 1000] [--asks 100] [--sends 5000]
//     node tests/bench/search.mjs --messages 10000000 --rooms 10000      # an hour or more, and 15 GB
//
// The log is written by SQL, and indexed by the store. Of each message's words one is in no other, one is in a thousandth of all, one in a twentieth.
// One asker is in 20 rooms, another in half of all. Fails if the table of the index was ever read from end to end.
import assert from 'node:assert/strict'
import { randomInt, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startStack } from '../lib/stack.mjs'
import { Person } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

const { values } = parseArgs({ options: { messages: { type: 'string', default: '200000' }, rooms: { type: 'string', default: '1000' }, asks: { type: 'string', default: '100' }, sends: { type: 'string', default: '5000' } } })
const MESSAGES = Number(values.messages), ROOMS = Number(values.rooms), ASKS = Number(values.asks), SENDS = Number(values.sends)
const SEGMENT = 65536, FEW = Math.min(20, ROOMS)

const show = (what, figures) => console.log(`${what.padEnd(58)} ${figures}`)
const percentiles = times => {
  const sorted = [...times].sort((a, b) => a - b), at = share => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(1)
  return `p50 ${at(0.5)} ms   p99 ${at(0.99)} ms`
}
const timed = async deed => {
  const began = performance.now(), answer = await deed()
  return [performance.now() - began, answer]
}

/** User and system time of a process, in microseconds. */
const cpuOf = pid => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10000
}

/** A word of Korean for a number: syllables by its digits, so that two numbers have no pair of syllables in common but where they agree. */
const word = `CREATE OR REPLACE FUNCTION bench_word(n bigint, kind int) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(chr(44032 + ((n / (40 ^ i)::bigint) % 40)::int + 40 * i + 400 * kind), '' ORDER BY i) FROM generate_series(0, 3 + (kind = 0)::int) i $$;`
const wordOf = (n, kind) => Array.from({ length: kind === 0 ? 5 : 4 }, (_, i) => String.fromCodePoint(44032 + Math.floor(n / 40 ** i) % 40 + 40 * i + 400 * kind)).join('')

async function fill(stack) {
  await stack.sql('chat', `INSERT INTO room (id, name, open, created_by, created_at, version) SELECT gen_random_uuid(), 'r' || n, true, 'host', now(), 1 FROM generate_series(1, ${ROOMS}) n;
    INSERT INTO member (room_id, subject, role, joined_at) SELECT id, 'many', 'member', now() FROM room WHERE created_by = 'host' AND substr(name, 2)::int % 2 = 0;
    INSERT INTO member (room_id, subject, role, joined_at) SELECT id, 'few', 'member', now() FROM room WHERE created_by = 'host' AND substr(name, 2)::int <= ${FEW}`)
  const rooms = (await stack.sql('chat', `SELECT id FROM room WHERE created_by = 'host' ORDER BY substr(name, 2)::int`)).split('\n')
  const began = Date.now() - MESSAGES * 1000 - 1000
  // As a log that grew day by day would have them.
  await stack.sql('store', `INSERT INTO search_segment (id, from_at, salt) SELECT i + 1, ${began} + i * ${SEGMENT}::bigint * 1000, hashint8(i) FROM generate_series(1, ${Math.floor(MESSAGES / SEGMENT)}) i;
    CREATE TABLE bench_room AS SELECT room, i - 1 AS i FROM unnest('{${rooms}}'::uuid[]) WITH ORDINALITY AS r (room, i); CREATE UNIQUE INDEX ON bench_room (i)`)
  for (let from = 0; from < MESSAGES; from += 500000)
    await stack.sql('store', `${word} INSERT INTO message (room_id, seq, id, sender, body, at) SELECT room, n / ${ROOMS} + 1, 'message ' || n, 'host',
      bench_word(n, 0) || ' ' || bench_word(n % 1000, 1) || ' ' || bench_word(n % 20, 2) || ' 회의', to_timestamp((${began} + n * 1000::bigint) / 1000.0)
      FROM generate_series(${from}, ${Math.min(from + 500000, MESSAGES) - 1}) n JOIN bench_room ON i = n % ${ROOMS}`)
  await stack.sql('store', `INSERT INTO room_head (room_id, seq) SELECT room_id, max(seq) FROM message GROUP BY room_id; DROP TABLE bench_room; DROP FUNCTION bench_word`)
  return rooms
}

async function indexAll(stack) {
  const left = () => stack.sql('store', `SELECT count(*) FROM room_head h LEFT JOIN feed_place p ON p.feed = 'search' AND p.room_id = h.room_id WHERE h.seq > COALESCE(p.seq, 0)`)
  await stack.kill('store')
  await stack.ready()
  const cpu = cpuOf(stack.pid('store'))
  const [ms] = await timed(() => until('all is indexed', async () => await left() === '0', 24 * 3600000))
  show('index: time, CPU of the store', `${(ms * 1000 / MESSAGES).toFixed(1)} µs, ${((cpuOf(stack.pid('store')) - cpu) / MESSAGES).toFixed(1)} µs a message`)
  show('index: size, a message', await stack.sql('store', `SELECT pg_total_relation_size('search_entry') / ${MESSAGES} || ' bytes, of which keys ' || pg_relation_size('search_entry_keys') / ${MESSAGES}`))
}

const some = async (n, deed) => {
  const times = []
  for (let i = 0; i < n; i++) times.push((await timed(deed))[0])
  return times
}

async function look(stack, key, rooms) {
  const reads = () => stack.sql('store', `SELECT (SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'search_entry') || ' ' || (SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'search_entry_keys')`)
  const [scans, walks] = (await reads()).split(' ').map(Number)
  for (const name of ['few', 'many']) {
    const asker = await Person.arrives(stack, key, name)
    const own = name === 'few' ? rooms.slice(0, FEW) : rooms.filter((_, i) => i % 2 === 1)
    show(`${own.length} rooms: a page of history (the base)`, percentiles(await some(ASKS, () => asker.calls('message:list', { room: own[randomInt(own.length)], limit: 50 }))))
    const classes = { 'in no other message': () => wordOf(randomInt(MESSAGES), 0), 'in a thousandth': () => wordOf(randomInt(1000), 1), 'in a twentieth': () => wordOf(randomInt(20), 2), 'one syllable, in all': () => '회', 'two syllables, in all': () => '회의' }
    for (const [what, pick] of Object.entries(classes))
      show(`${own.length} rooms: a word ${what}`, percentiles(await some(ASKS, () => asker.calls('message:search', { q: pick() }))))
    asker.leaves()
  }
  await until('the counters are written', async () => Number((await reads()).split(' ')[1]) > walks)
  assert.equal(Number((await reads()).split(' ')[0]), scans, 'the table of the index was read from end to end')
}

/** From the acknowledgement on. */
async function isFoundSoon(stack, key) {
  const ada = await Person.arrives(stack, key, 'ada'), { id: room } = await ada.makesRoom(), times = []
  for (let i = 0; i < 20; i++) {
    const q = wordOf(randomInt(10 ** 7), 3)
    await ada.says(room, q)
    times.push((await timed(() => until('it is found', async () => (await ada.calls('message:search', { q, room })).found.length > 0)))[0])
  }
  show('from the acknowledgement until it is found', percentiles(times))
  ada.leaves()
}

/** A hundred in flight. */
async function send(stack, key, what) {
  const ada = await Person.arrives(stack, key, 'ada'), { id: room } = await ada.makesRoom(), times = [], cpu = cpuOf(stack.pid('store'))
  let left = SENDS
  const sender = async () => { while (left-- > 0) times.push((await timed(() => ada.says(room, `${wordOf(left, 0)} ${randomUUID()}`)))[0]) }
  const [ms] = await timed(() => Promise.all(Array.from({ length: 100 }, sender)))
  show(`sending, 100 in flight, ${what}`, `${percentiles(times)}   ${Math.round(SENDS * 1000 / ms)}/s   CPU of the store ${((cpuOf(stack.pid('store')) - cpu) / SENDS).toFixed(0)} µs`)
  ada.leaves()
}

async function withStack(env, deed) {
  const stack = await startStack({ env })
  try { await deed(stack, await stack.issueKey()) } finally { await stack.stop() }
}

console.log(`${MESSAGES} messages in ${ROOMS} rooms`)
for (const search of ['off', 'on', 'off', 'on']) await withStack({ MADANG_STORE_SEARCH: search }, (stack, key) => send(stack, key, `search ${search}`))
await withStack({ MADANG_STORE_SEARCH_PERCENT: '100' }, async (stack, key) => {
  const rooms = await fill(stack)
  await indexAll(stack)
  await look(stack, key, rooms)
  await isFoundSoon(stack, key)
})
