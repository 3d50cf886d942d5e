// d_recovery_forged - whoever writes to Redis is no gateway: a record that none of them wrote for this pid, or that is out
// of its bounds, is not taken up. The client begins anew, and nobody is harmed.
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import notepack from 'notepack.io'
import { RESP_TYPES, createClient } from 'redis'
import { Person, isGapless } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'

const OWNER = 20, MAC = 32
let stack, key, ada, redis
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
  ada = await Person.arrives(stack, key, 'ada')
  const client = await createClient({ socket: { path: join(stack.dir, 'redis/redis.sock') } }).on('error', () => {}).connect()
  redis = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
})
after(async () => {
  await redis?.close()
  await stack?.stop()
})

/* --- the gateways' own way to sign --- */

function fromZ85(text) {
  const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'
  const out = Buffer.alloc(text.length / 5 * 4)
  for (let i = 0; i < text.length; i += 5)
    out.writeUInt32BE([...text.slice(i, i + 5)].reduce((n, c) => n * 85 + digits.indexOf(c), 0), i / 5 * 4)
  return out
}

const hmac = (secret, bytes) => createHmac('sha256', secret).update(bytes).digest()
const hashOf = pid => createHash('sha256').update(pid).digest()
const placeOf = pid => `madang:recovery:${hashOf(pid).toString('hex')}`

function signed(pid, owner, record) {
  const secret = readFileSync(join(stack.dir, 'keys/gateway.key_secret'), 'utf8').match(/secret-key = "(.*)"/)[1]
  const body = notepack.encode(record)
  return Buffer.concat([owner, hmac(hmac(hmac(fromZ85(secret), 'madang recovery record'), hashOf(pid)), body), body])
}

/* --- somebody whose connection is lost, and what is in Redis of him then --- */

async function isLost(name) {
  const person = await Person.arrives(stack, key, name, { reconnection: false })
  const { id } = await ada.makesRoom()
  await person.joins(id)
  const pid = person.socket._pid
  await person.losesConnection()
  const value = await redis.get(placeOf(pid))
  return { person, room: id, pid, value, owner: value.subarray(0, OWNER), record: notepack.decode(value.subarray(OWNER + MAC)) }
}

const puts = (lost, value) => redis.set(placeOf(lost.pid), value)

/** It is not taken up, and everything goes on: for him as somebody new, and for everybody else. */
async function beginsAnew({ person, room, pid }, what) {
  const sid = person.socket.id
  assert.equal(await person.comesBack(), false, what)
  assert.notEqual(person.socket._pid, pid, what)
  assert.notEqual(person.socket.id, sid, what)
  assert.match(person.socket.id, /^[\w-]{20}$/, what)
  const heard = person.heard.length
  await person.joins(room)
  await ada.says(room, `after ${what}`)
  await person.hears(`after ${what}`)
  assert.equal(person.heard.length, heard + 1, 'once')
  isGapless(person.heard.slice(heard))
  person.leaves()
}

test('as it was written, and signed again the same way, it is taken up', async () => {
  for (const change of [lost => lost.value, lost => signed(lost.pid, lost.owner, lost.record)]) {
    const lost = await isLost('bo')
    await puts(lost, change(lost))
    await ada.says(lost.room, 'missed')
    assert.equal(await lost.person.comesBack(), true)
    assert.equal(lost.person.heard.at(-1).body, 'missed')
    lost.person.leaves()
  }
})

test('forged: without the key nothing is signed', async () => {
  const lost = await isLost('bo')
  await puts(lost, Buffer.concat([lost.owner, Buffer.alloc(MAC), lost.value.subarray(OWNER + MAC)]))
  await beginsAnew(lost, 'a forged record')
})

test('altered by one bit, anywhere, it is none', async () => {
  for (const at of [OWNER, OWNER + MAC - 1, OWNER + MAC + 1, -1]) {
    const lost = await isLost('bo')
    const value = Buffer.from(lost.value)
    value[(at + value.length) % value.length] ^= 1
    await puts(lost, value)
    await beginsAnew(lost, `byte ${at} altered`)
  }
})

test("another's record, his rooms and all, is of no use under this pid", async () => {
  const [lost, other] = [await isLost('bo'), await isLost('bo')]
  await puts(lost, other.value)
  await beginsAnew(lost, "another's record")
  other.person.leaves()
})

test('as JSON, as it was once kept, it is not taken up', async () => {
  const lost = await isLost('bo')
  const { nsp, subject, sid } = lost.record
  await puts(lost, lost.owner + JSON.stringify({ nsp, sub: subject, sid, epoch: 'a', next: 1, replayed: false, rooms: [[lost.room, 0, 0]], names: [] }))
  await beginsAnew(lost, 'an old record')
})

test('ten megabytes are not read', async () => {
  for (const tail of [Buffer.alloc(10 << 20), Buffer.alloc(192 << 10)]) {
    const lost = await isLost('bo')
    await puts(lost, Buffer.concat([lost.value, tail]))
    await beginsAnew(lost, `${tail.length} bytes more`)
  }
})

test('what is signed, by a gateway with a mistake, is held against its bounds too', async () => {
  const start = (lost, room_no) => ({ ...lost.record.rooms[0], room_no })
  const wrong = {
    'quotes in the sid': () => ({ sid: 'abc","pid":"x","y":"' }),
    'a short sid': () => ({ sid: 'abc' }),
    'one room fifty times': lost => ({ next: 50, rooms: Array.from({ length: 50 }, (_, n) => start(lost, n)) }),
    'room numbers that descend': lost => ({ next: 5, rooms: [start(lost, 3), { ...start(lost, 2), room: Buffer.alloc(16, 7) }] }),
    'a room number that was never given': lost => ({ next: 1, rooms: [start(lost, 1)] }),
    'a start below nothing': lost => ({ rooms: [{ ...lost.record.rooms[0], start_seq: -1 }] }),
    'a number for a text': () => ({ subject: 7 }),
    'another epoch than there is': () => ({ epoch: '"' }),
    'two thousand rooms': lost => ({ next: 2000, rooms: Array.from({ length: 2000 }, (_, n) => start(lost, n)) }),
    'rooms by name without emitters': () => ({ names: [{ name: Buffer.from('vip') }] }),
  }
  for (const [what, change] of Object.entries(wrong)) {
    const lost = await isLost('bo')
    await puts(lost, signed(lost.pid, lost.owner, { ...lost.record, ...change(lost) }))
    await beginsAnew(lost, what)
  }
})

test('what is no text at all is no record', async () => {
  const lost = await isLost('bo')
  await redis.del(placeOf(lost.pid))
  await redis.rPush(placeOf(lost.pid), 'a list')
  await beginsAnew(lost, 'a list')
})
