// d_recovery - a lost connection is taken up again: same sid, same rooms, and what was missed, in order, once; or, when
// anything stands against that, plainly not.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startStack } from '../lib/stack.mjs'
import { Person, isGapless, tokenFor } from '../lib/people.mjs'
import { pause, until } from '../lib/wait.mjs'

const run = promisify(execFile)
let stack, key, ada
before(async () => {
  stack = await startStack({ env: { MADANG_GATEWAY_RECOVERY_ROOMS_MAX: '5' } })
  key = await stack.issueKey()
  ada = await Person.arrives(stack, key, 'ada')
})
after(() => stack?.stop())

/** Somebody who reconnects only when he is told to. */
const arrives = (name, { at = stack, apiKey = key, ...options } = {}) => Person.arrives(at, apiKey, name, { reconnection: false, ...options })

/** A second program with what the first one knows. */
async function brings(person, { pid = person.socket._pid, offset = person.socket._lastOffset, token = person.token } = {}) {
  const other = new Person(person.stack, person.name, token)
  await other.connects({ auth: { token, pid, ...(offset === undefined ? {} : { offset }) }, reconnection: false })
  other.socket.auth = { token } // from now on with what it has itself
  return other
}

const bodies = person => person.heard.map(message => message.body)
const room = async (...people) => {
  const { id } = await ada.makesRoom()
  for (const person of people) await person.joins(id)
  return id
}

test('what was missed is there when the connection is back, once and in order, and then it goes on', async () => {
  const bo = await arrives('bo')
  const id = await room(bo)
  await ada.says(id, 'before')
  await bo.hears('before')
  const sid = bo.socket.id
  for (let round = 0; round < 3; round++) {
    await bo.losesConnection()
    for (let i = 0; i < 5; i++) await ada.says(id, `missed ${round} ${i}`)
    assert.equal(await bo.comesBack(), true)
    assert.equal(bo.socket.id, sid)
    assert.equal(bo.heard.at(-1).body, `missed ${round} 4`, 'it is there before `connect`')
    await ada.says(id, `live ${round}`)
    await bo.hears(`live ${round}`)
  }
  isGapless(bo.heard)
  assert.equal(bo.heard.length, 1 + 3 * 6)
  bo.leaves()
})

test('it works when no event had arrived yet, and when nothing was missed', async () => {
  const bo = await arrives('bo')
  const id = await room(bo)
  assert.equal(bo.socket._lastOffset, undefined)
  for (let i = 0; i < 2; i++) {
    await bo.losesConnection()
    assert.equal(await bo.comesBack(), true)
  }
  await bo.losesConnection()
  await ada.says(id, 'first')
  assert.equal(await bo.comesBack(), true)
  assert.deepEqual(bodies(bo), ['first'])
  await bo.losesConnection()
  assert.equal(await bo.comesBack(), true)
  assert.deepEqual(bodies(bo), ['first'])
  bo.leaves()
})

test('by polling too', async () => {
  const bo = await arrives('bo', { transports: ['polling'] })
  const id = await room(bo)
  await ada.says(id, 'before')
  await bo.hears('before')
  await bo.losesConnection()
  await ada.says(id, 'missed')
  assert.equal(await bo.comesBack(), true)
  assert.deepEqual(bodies(bo), ['before', 'missed'])
  bo.leaves()
})

test('an offset is replayed once: the second who brings it starts anew', async () => {
  const bo = await arrives('bo')
  const id = await room(bo)
  await ada.says(id, 'before')
  await bo.hears('before')
  const known = { pid: bo.socket._pid, offset: bo.socket._lastOffset }
  await bo.losesConnection()
  await ada.says(id, 'missed')
  const first = await brings(bo, known)
  assert.equal(first.socket.id !== undefined, true)
  assert.deepEqual(bodies(first), ['missed'])
  const second = await brings(bo, known)
  assert.notEqual(second.socket.id, first.socket.id)
  assert.notEqual(second.socket._pid, known.pid)
  await ada.says(id, 'after')
  await first.hears('after')
  await second.hearsNothing()
  assert.equal(first.socket.connected, true)
  // Nor after the first has heard more, and nor is anything older believed.
  await first.losesConnection()
  assert.notEqual((await brings(bo, known)).socket._pid, known.pid)
  assert.equal(await first.comesBack(), true)
  ;[bo, first, second].forEach(person => person.leaves())
})

test('two that bring the same at the same time: one gets it', async () => {
  const bo = await arrives('bo')
  const id = await room(bo)
  await bo.losesConnection()
  await ada.says(id, 'missed')
  const both = await Promise.all([1, 2, 3, 4].map(() => brings(bo)))
  assert.equal(both.filter(person => person.socket._pid === bo.socket._pid).length, 1)
  assert.equal(both.filter(person => person.heard.length === 1).length, 1)
  both.forEach(person => person.leaves())
})

test("somebody else's pid is worth nothing, and stays with whom it belongs to", async () => {
  const bo = await arrives('bo')
  const id = await room(bo)
  await ada.says(id, 'before')
  await bo.hears('before')
  const thief = await brings(bo, { token: await tokenFor(stack, key, 'eve') })
  assert.notEqual(thief.socket._pid, bo.socket._pid)
  assert.equal(bo.socket.connected, true)
  await bo.losesConnection()
  await ada.says(id, 'missed')
  const again = await brings(bo, { token: await tokenFor(stack, key, 'eve') })
  await again.hearsNothing()
  assert.equal(await bo.comesBack(), true)
  assert.deepEqual(bodies(bo), ['before', 'missed'])
  ;[bo, thief, again].forEach(person => person.leaves())
})

test('pids and offsets that are none of ours do no harm', async () => {
  const bo = await arrives('bo')
  const id = await room(bo)
  for (const pid of [7, null, {}, '', 'x', 'x'.repeat(20), '*'.repeat(20), 'x'.repeat(5000)]) {
    const other = await brings(bo, { pid, offset: 'Q7xwzg7' })
    assert.notEqual(other.socket._pid, pid)
    other.leaves()
  }
  assert.equal(bo.socket.connected, true)
  await bo.losesConnection()
  await ada.says(id, 'missed')
  const other = await brings(bo, { offset: 17 })
  assert.deepEqual(bodies(other), ['missed'], 'what is no string is no offset')
  ;[bo, other].forEach(person => person.leaves())
})

test('a forged offset shows nothing from before the room was joined', async () => {
  const bo = await arrives('bo')
  const { id } = await ada.makesRoom()
  await ada.says(id, 'secret')
  await bo.joins(id)
  await ada.says(id, 'heard')
  await bo.hears('heard')
  await bo.losesConnection()
  for (const offset of ['a0.0', 'a0.zzzzzzzz', 'a7.1', 'a0.1-0.1', 'a0.2-', 'a-']) {
    const other = await brings(bo, { offset })
    if (other.socket._pid === bo.socket._pid) assert.deepEqual(bodies(other), ['heard'])
    assert.ok(!bodies(other).includes('secret'))
    other.leaves()
    if (other.socket._pid === bo.socket._pid) break
  }
  bo.leaves()
})

test('who is no member any more starts anew', async () => {
  const bo = await arrives('bo')
  const [kept, lost] = [await room(bo), await room(bo)]
  await bo.losesConnection()
  await ada.calls('room:remove', { room: lost, member: 'bo' })
  await ada.says(kept, 'missed')
  assert.equal(await bo.comesBack(), false)
  await bo.hearsNothing()
  bo.leaves()
})

test('so does nobody whose key was revoked: authentication comes first', async () => {
  const other = await stack.issueKey({ name: 'revoked soon' })
  const bo = await arrives('bo', { apiKey: other })
  await room(bo)
  await bo.losesConnection()
  const { keys } = await stack.authctl('key', 'list')
  await stack.authctl('key', 'revoke', keys.find(k => k.name === 'revoked soon').id)
  // A gateway that has not heard of it yet lets him in once more.
  await assert.rejects(until('refused', () => bo.comesBack().then(() => bo.losesConnection())), error => error.data?.code === 'key_revoked')
  bo.leaves()
})

test('who said good-bye is not recovered, whoever of the two said it', async () => {
  const bo = await arrives('bo')
  const id = await room(bo)
  await ada.says(id, 'before')
  await bo.hears('before')
  const sessions = () => stack.metric(1, 'madang_gateway_sessions'), before = await sessions()
  bo.socket.disconnect()
  await until('the gateway knows', async () => await sessions() < before)
  await ada.says(id, 'missed')
  assert.equal(await bo.comesBack(), false)
  await bo.hearsNothing()
  bo.leaves()
})

test('a new start after a failed one forgets the old offset', async () => {
  const bo = await arrives('bo')
  const [first, second] = [await room(), await room()]
  await bo.joins(first)
  for (let i = 0; i < 9; i++) await ada.says(first, `old ${i}`)
  await bo.hears('old 8')
  bo.socket.disconnect()
  assert.equal(await bo.comesBack(), false)
  const stale = bo.socket._lastOffset
  await bo.joins(second)
  assert.equal(bo.socket._lastOffset, stale, 'clients keep it')
  await bo.losesConnection()
  await ada.says(second, 'missed')
  assert.equal(await bo.comesBack(), true)
  assert.equal(bo.heard.at(-1).body, 'missed')
  bo.leaves()
})

test('several rooms, joined, left and joined again, are heard each in its order', async () => {
  const bo = await arrives('bo')
  const rooms = [await room(bo), await room(bo), await room(bo), await room(bo)]
  for (const id of rooms) await ada.says(id, 'before')
  await until('all heard', () => bo.heard.length === 4)
  await bo.calls('room:leave', { room: rooms[1] })
  await bo.calls('room:leave', { room: rooms[2] })
  await bo.joins(rooms[2])
  await ada.says(rooms[1], 'not for bo')
  await ada.says(rooms[3], 'more')
  await bo.hears('more')
  await bo.losesConnection()
  for (let i = 0; i < 12; i++) await ada.says(rooms[i % 4], `missed ${i}`)
  assert.equal(await bo.comesBack(), true)
  const missed = bo.heard.slice(5)                     // of different rooms in any order: their clock counts milliseconds
  assert.equal(missed.length, 9)
  for (const i of [0, 2, 3]) {
    const inRoom = missed.filter(message => message.room === rooms[i]).map(message => message.body)
    assert.deepEqual(inRoom, [`missed ${i}`, `missed ${i + 4}`, `missed ${i + 8}`])
  }
  for (const id of rooms) await ada.says(id, 'live')
  await until('all live', () => bodies(bo).filter(body => body === 'live').length === 3)
  bo.leaves()
})

test('what is too much for one go follows, and still there is no gap', async () => {
  const bo = await arrives('bo')
  const id = await room(bo)
  await bo.losesConnection()
  const long = 'x'.repeat(900)
  for (let n = 0; n < 800; n += 100) await Promise.all(Array.from({ length: 100 }, (_, i) => ada.says(id, `${n + i} ${long}`)))
  assert.equal(await bo.comesBack(), true)
  assert.ok(bo.heard.length > 10, 'a part came at once')
  await ada.says(id, 'live')
  await bo.hears('live')
  assert.equal(bo.heard.length, 801)
  isGapless(bo.heard)
  bo.leaves()
})

test('a client that is back before its old connection is found dead takes it over', async () => {
  const bo = await arrives('bo')
  const id = await room(bo)
  await ada.says(id, 'before')
  await bo.hears('before')
  const sid = bo.socket.id // a closed socket has none
  const other = await brings(bo)
  assert.equal(other.socket.id, sid)
  await until('the old one is closed', () => !bo.socket.connected)
  await ada.says(id, 'after')
  await other.hears('after')
  assert.deepEqual(bodies(other), ['after'])
  assert.deepEqual(bodies(bo), ['before'])
  await other.losesConnection()
  await ada.says(id, 'missed')
  const third = await brings(other)
  assert.deepEqual(bodies(third), ['missed'])
  ;[bo, other, third].forEach(person => person.leaves())
})

test('ephemeral events leave the offset alone', async () => {
  const bo = await arrives('bo')
  const id = await room(bo)
  await ada.joins(id)
  ada.socket.emit('typing', { room: id }, 'a7.zzz')
  await bo.hearsEvent('typing')
  assert.equal(bo.socket._lastOffset, 'a')
  await ada.says(id, 'one')
  await bo.hears('one')
  const offset = bo.socket._lastOffset
  bo.events.length = 0
  ada.socket.emit('typing', { room: id }, ' ', 'b0.0')
  ada.socket.emit('app:drawing', { room: id }, Buffer.from([1, 2]), 'b0.0')
  ada.socket.emit('cursor', { room: id, state: true })
  await bo.hearsEvent('cursor')
  assert.equal(bo.socket._lastOffset, offset)
  assert.deepEqual(bo.events.find(e => e[0] === 'typing').slice(2), [' ', 'b0.0', offset])
  assert.deepEqual(bo.events.find(e => e[0] === 'app:drawing').slice(2), [Buffer.from([1, 2]), 'b0.0', offset])
  assert.equal(bo.events.find(e => e[0] === 'cursor').length, 2)
  await bo.losesConnection()
  await ada.says(id, 'two')
  assert.equal(await bo.comesBack(), true)
  assert.deepEqual(bodies(bo), ['one', 'two'])
  await ada.calls('room:leave', { room: id })
  bo.leaves()
})

test('in more rooms than can be kept one is told, and starts anew', async () => {
  const bo = await arrives('bo')
  for (let i = 0; i < 5; i++) await room(bo)
  const off = () => bo.events.filter(([event]) => event === 'recovery:off') // of rooms of former tests something may be said once more
  assert.deepEqual(off(), [])
  const id = await room(bo)
  await bo.hearsEvent('recovery:off')
  await ada.says(id, 'heard')
  await bo.hears('heard')
  assert.equal(bo.events.findLast(([event]) => event === 'message').length, 2, 'no offset any more')
  await bo.losesConnection()
  assert.equal(await bo.comesBack(), false)
  bo.leaves()
})

test('kill -9 of the gateway costs nothing', async () => {
  const bo = await arrives('bo')
  const ears = Array.from({ length: 2 }, () => room(bo))
  const [one, two] = await Promise.all(ears)
  await ada.says(one, 'before')
  await bo.hears('before')
  const gone = new Promise(resolve => bo.socket.once('disconnect', resolve))
  await stack.kill('gateway-1')
  await gone
  await stack.ready()
  await until('ada is back', () => ada.socket.connected)
  await ada.says(two, 'missed in two')
  await pause(5) // of different rooms in the order of their milliseconds
  await ada.says(one, 'missed in one')
  assert.equal(await bo.comesBack(), true)
  assert.deepEqual(bodies(bo), ['before', 'missed in two', 'missed in one'])
  await ada.says(one, 'live')
  await bo.hears('live')
  bo.leaves()
})

test('who comes before the gateway knows whom to trust tries again by himself', async () => {
  const bo = await Person.arrives(stack, key, 'bo')
  const id = await room(bo)
  const errors = []
  bo.socket.on('connect_error', error => { if (error.data) errors.push(error.data) })
  process.kill(stack.pid('auth'), 'SIGSTOP')
  try {
    await stack.kill('gateway-1')
    await until('he has tried', () => stack.log('gateway-1').split('\n').some(line => /gateway.connect".*"unavailable"/.test(line)))
  } finally {
    process.kill(stack.pid('auth'), 'SIGCONT')
  }
  await until('all are back', () => ada.socket.connected && bo.socket.connected)
  assert.deepEqual(errors, [])
  assert.equal(bo.socket.recovered, true)
  await ada.says(id, 'heard')
  await bo.hears('heard')
  bo.leaves()
})

test('without Redis all goes on but recovery, and with it, that too', async () => {
  const redis = verb => run('sv', ['-w', '10', verb, join(stack.dir, 'service/redis')])
  const bo = await arrives('bo')
  const id = await room(bo)
  await ada.says(id, 'before')
  await bo.hears('before')
  await redis('down')
  const other = await arrives('cy')
  const elsewhere = await room(bo)
  await bo.hearsEvent('recovery:off')
  await other.joins(id)
  await ada.says(id, 'meanwhile')
  await ada.says(elsewhere, 'elsewhere')
  await Promise.all([bo.hears('meanwhile'), bo.hears('elsewhere'), other.hears('meanwhile')])
  await bo.losesConnection()
  assert.equal(await bo.comesBack(), false)
  await bo.joins(id)
  await redis('up')
  await ada.says(id, 'heard')
  await until('it is on record again', async () => {
    await bo.losesConnection()
    if (await bo.comesBack()) return true
    await bo.joins(id)
    await pause(200)
  })
  await bo.losesConnection()
  await ada.says(id, 'missed')
  assert.equal(await bo.comesBack(), true)
  assert.equal(bo.heard.at(-1).body, 'missed')
  ;[bo, other].forEach(person => person.leaves())
})

test('a rolling restart is one reconnection, and nobody misses anything', { timeout: 60000 }, async () => {
  const bo = await Person.arrives(stack, key, 'bo')
  const id = await room(bo)
  const starts = []
  bo.socket.on('connect', () => starts.push(bo.socket.recovered))
  let talking = true, n = 0
  const talk = (async () => {
    for (; talking; n++) {
      const message = { room: id, id: `roll-${n}-${id}`, body: `${n}` }
      while (!(await ada.socket.timeout(2000).emitWithAck('message:send', message).catch(() => undefined))?.seq) await pause(50)
    }
  })()
  await stack.script('roll')
  talking = false
  await talk
  await until('all heard', () => starts.length > 0 && bo.heard.length >= n)
  assert.ok(starts.every(Boolean), `recovered: ${starts}`)
  isGapless(bo.heard)
  assert.equal(bo.heard.length, n)
  bo.leaves()
})

test('any gateway takes up what another one lost', { timeout: 90000 }, async () => {
  const two = await startStack({ gateways: 2 })
  try {
    const secret = await two.issueKey()
    const speaker = await Person.arrives(two, secret, 'ada')
    const { id } = await speaker.makesRoom()
    const bo = await arrives('bo', { at: two, apiKey: secret })
    await bo.joins(id)
    const did = (what) => ['gateway-1', 'gateway-2'].every(name => two.log(name).includes(`"${what}"`))
    const sid = bo.socket.id
    for (let n = 0; n < 60 && !did('gateway.recovered'); n++) {
      await bo.losesConnection()
      await speaker.says(id, `missed ${n}`)
      assert.equal(await bo.comesBack(), true)
      assert.equal(bo.socket.id, sid)
    }
    assert.ok(did('gateway.recovered'), 'only one gateway was ever asked')
    isGapless(bo.heard)

    let old = bo
    for (let n = 0; n < 60 && !did('gateway.superseded'); n++) {
      const next = await brings(old)
      assert.equal(next.socket.id, sid)
      await until('the old one is closed', () => !old.socket.connected)
      await speaker.says(id, `taken over ${n}`)
      await next.hears(`taken over ${n}`)
      assert.equal(next.heard.length, 1)
      old = next
    }
    assert.ok(did('gateway.superseded'))
    ;[bo, old, speaker].forEach(person => person.leaves())
  } finally {
    await two.stop()
  }
})
