// rooms.mjs - what it costs to know how one's rooms are: a page of the list, `sync`, marks of what is read; beside `room:get` in the same run.
// SPDX-License-Identifier: Apache-2.0
//
//     node tests/bench/rooms.mjs [--rooms 2000] [--asks 200]
//
// Kit is in all rooms, and in each something was said yesterday. Calls come one behind the other; CPU is of chat, the gateway and all of PostgreSQL.
import { readFileSync, readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startStack } from '../lib/stack.mjs'
import { Person } from '../lib/people.mjs'

const { values } = parseArgs({ options: { rooms: { type: 'string', default: '2000' }, asks: { type: 'string', default: '200' } } })
const ROOMS = Number(values.rooms), ASKS = Number(values.asks), DAY = 86400000

const stack = await startStack({ env: { MADANG_LOG_LEVEL: 'warn' } })
const statOf = pid => { try { return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ') } catch { return [] } }
const postmaster = Number(readFileSync(`${stack.dir}/pg/data/postmaster.pid`, 'utf8').split('\n')[0])
const isOfPostgres = pid => pid === postmaster || Number(statOf(pid)[1]) === postmaster
/** User and system time in ms, by group. */
const cpu = () => {
  const ms = pid => (Number(statOf(pid)[11] ?? 0) + Number(statOf(pid)[12] ?? 0)) * 10
  const engines = readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).filter(isOfPostgres)
  return { chat: ms(stack.pid('chat')), gateway: ms(stack.pid('gateway-1')), postgres: engines.reduce((sum, pid) => sum + ms(pid), 0) }
}

async function measure(what, deed) {
  const times = [], before = cpu()
  for (let i = 0; i < ASKS; i++) {
    const began = performance.now()
    await deed(i)
    times.push(performance.now() - began)
  }
  const after = cpu(), at = share => times.sort((a, b) => a - b)[Math.min(ASKS - 1, Math.floor(ASKS * share))].toFixed(1)
  const each = Object.keys(after).map(group => `${group} ${((after[group] - before[group]) / ASKS).toFixed(2)}`).join(', ')
  console.log(`${what.padEnd(52)} p50 ${at(0.5)} ms   p99 ${at(0.99)} ms   CPU ms: ${each}`)
}

try {
  const key = await stack.issueKey()
  await stack.sql('chat', `WITH made AS (INSERT INTO room (id, name, open, created_by, created_at, members, changed_at) SELECT gen_random_uuid(), 'a room with a name, number ' || n, true, 'jo', now() - interval '60 days', 2, now() - interval '40 days' FROM generate_series(1, ${ROOMS}) n RETURNING id)
    INSERT INTO member (room_id, subject, role, joined_at, stated_at) SELECT id, s, CASE s WHEN 'jo' THEN 'owner' ELSE 'member' END, now() - interval '60 days', now() - interval '40 days' FROM made, unnest(ARRAY['jo', 'kit']) s;
    INSERT INTO activity (room_id, seq, message_seq, message_at, message_by, changed_at) SELECT room_id, 1000, 1000, now() - interval '1 day', 'jo', now() - interval '1 day' FROM member WHERE subject = 'kit'`)
  for (const rate of ['read', 'read_rows', 'write', 'hourly']) await stack.authctl('quota', 'set', rate, '1000000000', '--default')
  const kit = await Person.arrives(stack, key, 'kit')
  const rooms = (await kit.calls('room:list', { limit: 200, by: 'age' })).rooms.map(room => room.id)
  const now = Date.now()
  await measure('room:get (the base)', i => kit.calls('room:get', { room: rooms[i % rooms.length] }))
  await measure('room:list, 50 by activity', () => kit.calls('room:list', { limit: 50 }))
  await measure('sync, nothing is another', () => kit.calls('sync', { since: now - DAY / 2 }))
  await measure(`sync, something was said in ${Math.min(ROOMS, 2000)} rooms`, () => kit.calls('sync', { since: now - 2 * DAY }))
  await measure('sync, from nothing, a page of 200', () => kit.calls('sync', {}))
  await measure('read:mark', i => kit.calls('read:mark', { room: rooms[i % rooms.length], seq: 1 + Math.floor(i / rooms.length) }))
  kit.leaves()
} finally {
  await stack.stop()
}
