// large.mjs - a large log: what a page of history costs at any depth of a room, and to find messages beside it; how soon they are found; and what
// the index costs who sends.
// SPDX-License-Identifier: Apache-2.0
//
//     node tests/bench/large.mjs [--messages 200000] [--rooms 1000] [--users 2000] [--asks 100] [--sends 5000] [--no-search]
//     make bench-large      # ten million messages, 10,000 rooms, 100,000 users: an hour or more, and 15 GB
//
// The log is written by SQL, and indexed by the store. Of each message's words one is in no other, one is in a thousandth of all, one in a twentieth.
// A tenth of all are in one room. One asker is in 20 rooms, another in half of all; of the other users each is in some. Then the plans are printed that
// PostgreSQL took for pages. Fails if the log or the table of the index was ever read from end to end.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startStack } from '../lib/stack.mjs'
import { Person } from '../lib/people.mjs'
import { pause, until } from '../lib/wait.mjs'

const { values } = parseArgs({ options: {
  messages: { type: 'string', default: '200000' }, rooms: { type: 'string', default: '1000' }, users: { type: 'string', default: '2000' },
  asks: { type: 'string', default: '100' }, sends: { type: 'string', default: '5000' }, 'no-search': { type: 'boolean', default: false },
} })
const [MESSAGES, ROOMS, USERS, ASKS, SENDS] = ['messages', 'rooms', 'users', 'asks', 'sends'].map(name => Number(values[name]))
const AT_ONCE = 100000, DEEP = Math.floor(MESSAGES / 10), IN_A_ROOM = 100
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
const word = (n, kind) => Array.from({ length: kind === 0 ? 5 : 4 }, (_, i) => `chr((44032 + (${n}) / ${40 ** i} % 40 + ${40 * i + 400 * kind})::int)`).join(' || ')
const wordOf = (n, kind) => Array.from({ length: kind === 0 ? 5 : 4 }, (_, i) => String.fromCodePoint(44032 + Math.floor(n / 40 ** i) % 40 + 40 * i + 400 * kind)).join('')

/** One with a tenth as many messages as all the others have together, and of the same days. */
async function deepRoom(stack, began) {
  const deep = await stack.sql('chat', `WITH made AS (INSERT INTO room (id, name, open, created_by, created_at, version) VALUES (gen_random_uuid(), 'deep', true, 'host', now(), 1) RETURNING id)
    INSERT INTO member (room_id, subject, role, joined_at) SELECT id, 'few', 'member', now() FROM made RETURNING room_id`)
  for (let from = 0; from < DEEP; from += AT_ONCE)
    await stack.sql('store', `INSERT INTO message (room_id, seq, id, sender, body, at) SELECT '${deep.split('\n')[0]}', n + 1, 'deep message ' || n, 'user ' || n % ${USERS}, 'in the deep ' || n,
      to_timestamp((${began} + n * 10000::bigint) / 1000.0) FROM generate_series(${from}, ${Math.min(from + AT_ONCE, DEEP) - 1}) n`)
  return deep.split('\n')[0]
}

async function fill(stack) {
  await stack.sql('chat', `INSERT INTO room (id, name, open, created_by, created_at, version) SELECT gen_random_uuid(), 'r' || n, true, 'host', now(), 1 FROM generate_series(1, ${ROOMS}) n;
    INSERT INTO member (room_id, subject, role, joined_at) SELECT id, 'many', 'member', now() FROM room WHERE created_by = 'host' AND substr(name, 2)::int % 2 = 0;
    INSERT INTO member (room_id, subject, role, joined_at) SELECT id, 'few', 'member', now() FROM room WHERE created_by = 'host' AND substr(name, 2)::int <= ${FEW};
    INSERT INTO member (room_id, subject, role, joined_at) SELECT id, 'user ' || (substr(name, 2)::int * ${IN_A_ROOM} + k) % ${USERS}, 'member', now() FROM room, generate_series(1, ${Math.min(IN_A_ROOM, USERS)}) k WHERE created_by = 'host'`)
  const rooms = (await stack.sql('chat', `SELECT id FROM room WHERE created_by = 'host' ORDER BY substr(name, 2)::int`)).split('\n')
  const began = Date.now() - MESSAGES * 1000 - 1000
  // As a log that grew day by day would have them.
  await stack.sql('store', `INSERT INTO search_segment (id, from_at, salt) SELECT i + 1, ${began} + i * ${SEGMENT}::bigint * 1000, hashint8(i) FROM generate_series(1, ${Math.floor(MESSAGES / SEGMENT)}) i;
    CREATE TABLE bench_room (room uuid, i bigint UNIQUE)`)
  for (let from = 0; from < ROOMS; from += 2000) // as many as one argument of a program holds
    await stack.sql('store', `INSERT INTO bench_room SELECT room, i - 1 + ${from} FROM unnest('{${rooms.slice(from, from + 2000)}}'::uuid[]) WITH ORDINALITY AS r (room, i)`)
  for (let from = 0; from < MESSAGES; from += AT_ONCE)
    await stack.sql('store', `INSERT INTO message (room_id, seq, id, sender, body, at) SELECT room, n / ${ROOMS} + 1, 'message ' || n, 'host',
      ${word('n', 0)} || ' ' || ${word('n % 1000', 1)} || ' ' || ${word('n % 20', 2)} || ' 회의', to_timestamp((${began} + n * 1000::bigint) / 1000.0)
      FROM generate_series(${from}, ${Math.min(from + AT_ONCE, MESSAGES) - 1}) n JOIN bench_room ON i = n % ${ROOMS}`)
  const deep = await deepRoom(stack, began)
  await stack.sql('store', `INSERT INTO room_head (room_id, seq) SELECT room_id, max(seq) FROM message GROUP BY room_id; DROP TABLE bench_room`)
  return { rooms, deep, began }
}

async function indexAll(stack) {
  const left = () => stack.sql('store', `SELECT count(*) FROM room_head h LEFT JOIN feed_place p ON p.feed = 'search' AND p.room_id = h.room_id WHERE h.seq > COALESCE(p.seq, 0)`)
  await stack.kill('store')
  await stack.ready()
  const cpu = cpuOf(stack.pid('store'))
  const [ms] = await timed(() => until('all is indexed', async () => { await pause(1000); return await left() === '0' }, 24 * 3600000))
  show('index: time, CPU of the store', `${(ms * 1000 / MESSAGES).toFixed(1)} µs, ${((cpuOf(stack.pid('store')) - cpu) / MESSAGES).toFixed(1)} µs a message`)
  show('index: size, a message', await stack.sql('store', `SELECT pg_total_relation_size('search_entry') / ${MESSAGES} || ' bytes, of which keys ' || pg_relation_size('search_entry_keys') / ${MESSAGES}`))
}

const some = async (n, deed) => {
  const times = []
  for (let i = 0; i < n; i++) times.push((await timed(deed))[0])
  return times
}

/** Each way of reading a room, at each depth of the deep one. */
const waysAt = (deep, began, seq) => [
  ['after', { room: deep, after: seq }], ['before', { room: deep, before: seq }], ['around', { room: deep, around: seq }],
  ['from a time on', { room: deep, from: began + seq * 10000 }],
]

async function readDeep(stack, key, { deep, began }) {
  const few = await Person.arrives(stack, key, 'few')
  const near = depth => Math.max(60, DEEP - Math.floor(DEEP * depth) - randomInt(50))
  for (const depth of [0.001, 0.1, 0.5, 0.9, 0.999])
    for (const [i, [way]] of waysAt(deep, began, 1).entries())
      show(`a page ${way}, ${depth * 100} % of ${DEEP} down`, percentiles(await some(ASKS, () => few.calls('message:list', { ...waysAt(deep, began, near(depth))[i][1], limit: 50 }))))
  few.leaves()
}

const admin = (stack, sql) => execFileSync('psql', ['-X', '-At', '-c', sql, `host=${stack.dir}/pg-socket dbname=madang user=madang_admin`], { encoding: 'utf8' })
/** Tables' rows that were read without an index, since the statistics began. */
const scanned = stack => Number(admin(stack, "SELECT COALESCE(sum(seq_tup_read), 0) FROM pg_stat_user_tables WHERE schemaname = 'store' AND relname ~ '^(message|change)_[0-9]$'"))

/** Of the store's own statements, as PostgreSQL writes them into its log. */
async function plans(stack, key, { deep, began }) {
  for (const setting of ['session_preload_libraries = auto_explain', 'auto_explain.log_min_duration = 0', 'auto_explain.log_analyze = on', 'auto_explain.log_timing = off', 'auto_explain.log_buffers = on'])
    admin(stack, `ALTER ROLE madang_store SET ${setting}`)
  await stack.kill('store')
  await stack.ready()
  const few = await Person.arrives(stack, key, 'few')
  for (const [way, query] of waysAt(deep, began, Math.floor(DEEP / 2))) {
    const already = stack.log('postgres').length
    for (let i = 0; i < 8; i++) await few.calls('message:list', { ...query, limit: 50 }) // PostgreSQL keeps a plan from the sixth time on
    const plan = await until('the plan is written', () => stack.log('postgres').slice(already).split(/(?=^.*LOG: {2}duration)/m).filter(text => /OVER walk/.test(text) && / message_\d/.test(text)).at(-1))
    console.log(`\nthe plan of a page ${way}, half of ${DEEP} down:`)
    for (const line of plan.split('\n')) if (/Scan|Limit|Sort|Aggregate|Append|Removed|Buffers/.test(line)) console.log('  ' + line.replace(/\(cost=\S+ rows=\d+ width=\d+\) ?/, ''))
    assert.ok(!/Seq Scan on message/.test(plan), plan)
  }
  few.leaves()
}

async function look(stack, key, rooms) {
  const reads = () => stack.sql('store', `SELECT (SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'search_entry') || ' ' || (SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'search_entry_keys')`)
  const [scans, walks] = (await reads()).split(' ').map(Number)
  for (const name of ['few', 'many']) {
    const asker = await Person.arrives(stack, key, name)
    const own = name === 'few' ? rooms.slice(0, FEW) : rooms.filter((_, i) => i % 2 === 1)
    show(`${own.length} rooms: a page of history (the base)`, percentiles(await some(ASKS, () => asker.calls('message:list', { room: own[randomInt(own.length)], limit: 50 }))))
    const classes = { 'in no other message': () => wordOf(randomInt(MESSAGES), 0), 'in a thousandth': () => wordOf(randomInt(1000), 1), 'in a twentieth': () => wordOf(name === 'few' ? randomInt(20) : 2 * randomInt(10) + 1, 2),
      ...(name === 'many' && { 'in a twentieth, but in none of these rooms': () => wordOf(2 * randomInt(10), 2) }), // words and rooms are both even or both odd
      'one syllable, in all': () => '회', 'two syllables, in all': () => '회의' }
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

console.log(`${MESSAGES} messages in ${ROOMS} rooms, ${DEEP} more in one; ${USERS} users`)
if (!values['no-search']) for (const search of ['off', 'on', 'off', 'on']) await withStack({ MADANG_STORE_SEARCH: search }, (stack, key) => send(stack, key, `search ${search}`))
await withStack(values['no-search'] ? { MADANG_STORE_SEARCH: 'off' } : { MADANG_STORE_SEARCH_PERCENT: '100' }, async (stack, key) => {
  const log = await fill(stack), before = scanned(stack)
  await readDeep(stack, key, log)
  if (!values['no-search']) {
    await indexAll(stack)
    await look(stack, key, log.rooms)
    await isFoundSoon(stack, key)
  }
  await plans(stack, key, log)
  assert.equal(scanned(stack), before, 'the log was read from end to end')
})
