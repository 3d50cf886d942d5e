// h_interop - other programs' protocols on the whole product: the msgpack parser, and back ends that publish in Redis.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Emitter } from '@socket.io/redis-emitter'
import { createClient } from 'redis'
import parser from 'socket.io-msgpack-parser'
import { Person } from '../lib/people.mjs'
import { freePorts } from '../lib/ports.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const packed = { path: '/msgpack/', parser }
let stack, key, redis, publisher, emitter
before(async () => {
  const port = await freePorts()
  redis = spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', '/tmp'], { stdio: 'ignore' })
  const url = `redis://127.0.0.1:${port}`
  stack = await startStack({ env: { MADANG_REDIS_URL: url, MADANG_GATEWAY_EMITTER: '1', MADANG_GATEWAY_MSGPACK_PATH: '/msgpack/' } })
  key = await stack.issueKey()
  publisher = await createClient({ url }).on('error', () => {}).connect()
  emitter = new Emitter(publisher)
})
after(async () => {
  await publisher?.close()
  await stack?.stop()
  redis?.kill()
})

/** Ada speaks text and Bo msgpack, in one room. */
async function twoInARoom() {
  const [ada, bo] = [await Person.arrives(stack, key, 'ada'), await Person.arrives(stack, key, 'bo', packed)]
  const { id: room } = await ada.makesRoom()
  await ada.joins(room)
  await bo.joins(room)
  return { ada, bo, room, leave: () => { ada.leaves(); bo.leaves() } }
}

const got = (person, event) => until(`${person.name} gets ${event}`, () => person.events.find(([name]) => name === event))

test('messages go both ways between the parsers', async () => {
  const { ada, bo, room, leave } = await twoInARoom()
  assert.equal((await ada.says(room, 'from text 마당')).seq, 1)
  assert.equal((await bo.says(room, 'from msgpack')).seq, 2)
  for (const person of [ada, bo]) {
    await person.hears('from msgpack')
    assert.deepEqual(person.heard.map(m => m.body), ['from text 마당', 'from msgpack'])
  }
  assert.deepEqual(ada.heard, bo.heard)
  leave()
})

test('so do ephemeral events, with and without binary', async () => {
  const { ada, bo, room, leave } = await twoInARoom()
  const bytes = value => [...new Uint8Array(value)]
  await ada.emits('cursor', { room, x: 1.5, at: [Buffer.from([1, 2]), Buffer.alloc(0)] })
  const [, there] = await got(bo, 'cursor')
  assert.deepEqual([there.sender, there.x, ...there.at.map(bytes)], ['ada', 1.5, [1, 2], []])
  await bo.emits('app:pointer', { room, y: -7 }, Buffer.from([255]))
  const [, back, part] = await got(ada, 'app:pointer')
  assert.deepEqual([back, bytes(part)], [{ sender: 'bo', room, y: -7 }, [255]])
  // A sender of one's own, be it an attachment, is not the sender that is heard.
  for (const [from, to, name] of [[ada, bo, 'ada'], [bo, ada, 'bo']]) {
    await from.emits('app:forged', { room, sender: Buffer.from('eve'), more: Buffer.from([7]) })
    const [, heard] = await got(to, 'app:forged')
    assert.deepEqual([heard.sender, bytes(heard.more)], [name, [7]])
  }
  leave()
})

test('refusals come through msgpack as through text', async () => {
  const stranger = new Person(stack, 'eve', 'nonsense')
  await assert.rejects(stranger.connects(packed), error => error.data.code === 'token_invalid')
  stranger.leaves()
  const bo = await Person.arrives(stack, key, 'bo', packed)
  const text = await Person.arrives(stack, key, 'bo')
  const missing = { room: '01900000-0000-7000-8000-000000000000', body: 'x', client_message_id: 'no' }
  assert.deepEqual(await bo.emits('message:send', missing), await text.emits('message:send', missing))
  assert.ok((await bo.emits('message:send', missing)).error.code)
  bo.leaves(); text.leaves()
})

test('a back end reaches who joined a room, by its id, once each, whatever they speak', async () => {
  const { ada, bo, room, leave } = await twoInARoom()
  const eve = await Person.arrives(stack, key, 'eve')
  const chat = emitter.of('/chat')
  chat.in(ada.socket.id).socketsJoin('vip')
  chat.to([room, 'vip']).emit('offer', { price: 7 }, Buffer.from([9]))
  chat.to(room).except('vip').emit('second', 1)
  chat.emit('message', { room, seq: 1 })  // what only the gateway says
  chat.emit('last')
  for (const person of [ada, bo, eve]) await got(person, 'last')
  const names = person => person.events.map(([name]) => name)
  assert.deepEqual([ada, bo, eve].map(names), [['offer', 'last'], ['offer', 'second', 'last'], ['last']])
  assert.deepEqual([...new Uint8Array(bo.events[0][2])], [9])

  await bo.calls('room:leave', { room })
  chat.to(room).emit('third')
  chat.emit('end')
  for (const person of [ada, bo, eve]) await got(person, 'end')
  assert.ok(names(ada).includes('third') && !names(bo).includes('third'))
  eve.leaves(); leave()
})

/** Disconnected by `loses`, and connected again: true if the server took the connection up. */
async function comesBackAfter(person, loses) {
  const gone = new Promise(resolve => person.socket.once('disconnect', resolve))
  await loses()
  await gone
  await stack.ready()
  return person.comesBack()
}

/** Until the record of some socket has this. */
const isOnRecord = (what, there = true) => until(`${what} on record: ${there}`, async () => {
  const keys = await publisher.keys('madang:recovery:*')
  const records = await Promise.all(keys.map(name => publisher.get(name)))
  return records.some(record => record?.includes(what)) === there
})

test('who was put into rooms is in them after a recovery too, whatever became of the gateway', { timeout: 60000 }, async () => {
  const ada = await Person.arrives(stack, key, 'ada')
  const bo = await Person.arrives(stack, key, 'bo', { reconnection: false })
  const { id: room } = await ada.makesRoom()
  await bo.joins(room)
  const chat = emitter.of('/chat')
  const heard = async person => {
    chat.emit('end')
    await got(person, 'end')
    return person.events.splice(0).map(([name]) => name).filter(name => name !== 'again')
  }
  chat.in(bo.socket.id).socketsJoin(['vip', 'left', 'mañana "1"\n'])
  chat.in(bo.socket.id).socketsLeave('left')
  chat.in('vip').socketsJoin('by way of vip')
  await isOnRecord('by way of vip')
  await isOnRecord('"left"', false)
  const sid = bo.socket.id
  const ways = [() => bo.socket.io.engine.close(), () => stack.kill('gateway-1'), () => bo.socket.io.engine.close()]
  for (const loses of ways) {
    assert.equal(await comesBackAfter(bo, async () => {
      await loses()
      const id = randomUUID()
      await until('ada has said it', () => ada.says(room, 'missed', id).catch(() => false)) // she reconnects, too
      chat.to('vip').emit('lost')
    }), true)
    assert.equal(bo.socket.id, sid)
    await until('the emitter is heard', () => chat.emit('again') && bo.events.some(([name]) => name === 'again'))
    for (const name of ['vip', 'left', 'mañana "1"\n', 'by way of vip']) chat.to(name).emit(name)
    assert.deepEqual(await heard(bo), ['message', 'vip', 'mañana "1"\n', 'by way of vip', 'end'])
  }
  chat.in(bo.socket.id).socketsLeave(['vip', 'by way of vip', 'mañana "1"\n'])
  await isOnRecord('vip', false)
  assert.equal(await comesBackAfter(bo, ways[0]), true)
  chat.to('vip').emit('vip')
  assert.deepEqual(await heard(bo), ['end'])
  ada.leaves(); bo.leaves()
})

test('in more rooms by name than can be kept one is told, and starts anew', async () => {
  const bo = await Person.arrives(stack, key, 'bo', { reconnection: false })
  emitter.of('/chat').in(bo.socket.id).socketsJoin(Array.from({ length: 65 }, (_, i) => `room ${i}`))
  await got(bo, 'recovery:off')
  emitter.of('/chat').to('room 64').emit('here')
  await got(bo, 'here')
  assert.equal(await comesBackAfter(bo, () => bo.socket.io.engine.close()), false)
  bo.leaves()
})

test('a Redis that goes away takes nobody with it, and is heard again', async () => {
  const { ada, bo, room, leave } = await twoInARoom()
  const [program, ...words] = redis.spawnargs
  redis.kill('SIGKILL')
  await new Promise(resolve => redis.once('close', resolve))
  await ada.says(room, 'without Redis')
  await bo.hears('without Redis')
  redis = spawn(program, words, { stdio: 'ignore' })
  await until('the emitter is heard again', async () => {
    if (publisher.isReady) emitter.of('/chat').emit('again')
    return bo.events.some(([name]) => name === 'again')
  }, 20000)
  leave()
})
