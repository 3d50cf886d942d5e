// c_order - what a socket sends about a room right behind its join or leave there is done in that order, without waiting for
// acknowledgements; other rooms do not wait.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import msgpack from 'socket.io-msgpack-parser'
import { Person } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const WAITING_MAX = 256
let stack, key, ada
before(async () => {
  // What waits while a service stands still does so for as long as a busy machine takes to send the rest.
  stack = await startStack({ env: { MADANG_GATEWAY_MSGPACK_PATH: '/socket.io-msgpack/', MADANG_CALL_BUDGET_MS: '30000' } })
  key = await stack.issueKey()
  ada = await Person.arrives(stack, key, 'ada')
})
after(() => stack?.stop())

const ways = [
  ['text over WebSocket', { transports: ['websocket'] }],
  ['text over polling', { transports: ['polling'] }],
  ['msgpack over WebSocket', { transports: ['websocket'], parser: msgpack, path: '/socket.io-msgpack/' }],
  ['msgpack over polling', { transports: ['polling'], parser: msgpack, path: '/socket.io-msgpack/' }],
]
const arrives = (name, options = {}) => Person.arrives(stack, key, name, { reconnection: false, ...options })

/** Everything at once, in one burst of packets; what is acknowledged, in the order of asking, and `order`, in which it came. */
async function atOnce(person, ...events) {
  const order = []
  person.socket.emit('room:list', {}) // what follows a POST that is under way goes in one POST
  const answers = await Promise.all(events.map(([event, ...args], i) =>
    person.emits(event, ...args).then(answer => { order.push(i); return answer })))
  return { answers, order, codes: answers.map(answer => answer?.error?.code ?? 'ok') }
}
const draft = (room, body) => ({ room, id: randomUUID(), body })

/** While store stands still a first join is under way: the room's head is not known. */
async function whileStoreStands(work) {
  process.kill(stack.pid('store'), 'SIGSTOP')
  try { return await work() } finally { process.kill(stack.pid('store'), 'SIGCONT') }
}

for (const [way, options] of ways) {
  test(`what follows a join finds it done: ${way}`, async () => {
    const bo = await arrives('bo', options)
    for (let round = 0; round < 10; round++) {
      const { id: room } = await ada.makesRoom()
      await ada.joins(room)
      const { codes, order } = await atOnce(bo, ['room:join', { room }], ['typing', { room }, `round ${round}`],
        ['message:send', draft(room, `round ${round}`)], ['message:list', { room }], ['room:invite', { room, members: ['cy'] }])
      assert.deepEqual(codes, ['ok', 'ok', 'ok', 'ok', 'forbidden'], 'who is no owner invites nobody')
      assert.equal(order[0], 0, 'the join is acknowledged first')
      await ada.hears(`round ${round}`)
      await until('ada hears it', () => ada.events.some(e => e[0] === 'typing' && e[2] === `round ${round}`))
    }
    bo.leaves()
  })

  test(`join, leave and join in one burst end where the client thinks: ${way}`, async () => {
    const bo = await arrives('bo', options)
    for (let round = 0; round < 5; round++) {
      const { id: room } = await ada.makesRoom()
      await ada.joins(room)
      const { codes, order } = await atOnce(bo, ['room:join', { room }], ['typing', { room }], ['room:leave', { room }], ['typing', { room }],
        ['room:join', { room }], ['room:join', { room, since: 0 }], ['typing', { room }])
      assert.deepEqual(codes, ['ok', 'ok', 'ok', 'not_joined', 'ok', 'ok', 'ok'])
      assert.deepEqual(order.filter(i => [0, 2, 4, 5].includes(i)), [0, 2, 4, 5])
      await ada.says(room, `heard ${round}`)
      await bo.hears(`heard ${round}`)
      assert.deepEqual((await atOnce(bo, ['room:leave', { room }], ['room:leave', { room }])).codes, ['ok', 'not_joined'])
    }
    bo.leaves()
  })

  test(`a join that is refused lets what follows be judged as it is: ${way}`, async () => {
    const { id: room } = await ada.makesRoom({ open: false })
    const bo = await arrives('bo', options)
    const { codes, order } = await atOnce(bo, ['room:join', { room }], ['typing', { room }], ['message:send', draft(room, 'x')], ['room:leave', { room }])
    assert.deepEqual(codes, ['forbidden', 'not_joined', 'forbidden', 'not_joined'])
    assert.equal(order[0], 0)
    bo.leaves()
  })

  test(`a room that waits keeps no other waiting, and waits within bounds: ${way}`, { timeout: 120000 }, async () => {
    const bo = await arrives('bo', options)
    const [{ id: room }, { id: other }] = [await ada.makesRoom(), await ada.makesRoom()]
    for (const id of [room, other]) await ada.joins(id)
    await bo.joins(other)
    await bo.calls('typing', { room: other }, 'before')
    // ada's socket has the room open at this gateway: its head is known, so chat has to be what stands still.
    process.kill(stack.pid('chat'), 'SIGSTOP')
    let waiting
    try {
      const joined = bo.emits('room:join', { room })
      const typed = Array.from({ length: WAITING_MAX + 50 }, (_, i) => bo.emits('typing', { room }, i))
      waiting = [joined, ...typed]
      const over = await Promise.all(typed.slice(WAITING_MAX))
      assert.ok(over.every(answer => answer.error?.code === 'overloaded' && answer.error.retry_after_ms > 0), JSON.stringify(over[0]))
      assert.equal((await bo.emits('room:leave', { room: other })).error, undefined, 'another room does not wait')
    } finally {
      process.kill(stack.pid('chat'), 'SIGCONT')
    }
    const answers = await Promise.all(waiting.slice(0, 1 + WAITING_MAX))
    assert.deepEqual(answers.filter(answer => answer.error), [])
    await until('ada hears them', () => ada.events.filter(e => e[0] === 'typing' && e[1].room === room).length === WAITING_MAX)
    assert.deepEqual(ada.events.filter(e => e[0] === 'typing' && e[1].room === room).map(e => e[2]), Array.from({ length: WAITING_MAX }, (_, i) => i))
    bo.leaves()
  })
}

test('bytes that wait are bounded, too', { timeout: 120000 }, async () => {
  const bo = await arrives('bo')
  const { id: room } = await ada.makesRoom()
  const answers = await whileStoreStands(async () => {
    bo.socket.emit('room:join', { room })
    const typed = Array.from({ length: 12 }, (_, i) => bo.emits('typing', { room }, Buffer.alloc(30000, i), 'x'.repeat(30000)))
    const [last] = await Promise.all([typed[11], until('some are refused', () => true)])
    assert.equal(last.error?.code, 'overloaded')
    return typed
  })
  const codes = (await Promise.all(answers)).map(answer => answer.error?.code ?? 'ok')
  assert.deepEqual(codes, [...Array(4).fill('ok'), ...Array(8).fill('overloaded')])
  bo.leaves()
})

test('whoever goes meanwhile takes along what waits, and comes back to a room in order', { timeout: 120000 }, async () => {
  const bo = await arrives('bo')
  const [{ id: first }, { id: room }] = [await ada.makesRoom(), await ada.makesRoom()]
  await ada.joins(first)
  await bo.joins(first)
  await whileStoreStands(async () => {
    bo.socket.emit('room:join', { room })
    for (let i = 0; i < 10; i++) bo.socket.emit('message:send', draft(room, `waits ${i}`))
    await bo.calls('typing', { room: first }, 'it is all there')
    await bo.losesConnection()
  })
  assert.equal(await bo.comesBack(), true)
  const { codes } = await atOnce(bo, ['room:join', { room }], ['message:send', draft(room, 'again')], ['typing', { room: first }])
  assert.deepEqual(codes, ['ok', 'ok', 'ok'])
  await bo.hears('again')
  await ada.joins(room, 0)
  await ada.hears('again')
  assert.deepEqual(ada.heard.filter(m => m.room === room).map(m => m.body), ['again'], 'what waited went with its socket')
  bo.leaves()
})

test('leaving for good and coming again, and inviting: changes of members are in order as well', async () => {
  const bo = await arrives('bo'), cy = await arrives('cy')
  for (let round = 0; round < 10; round++) {
    const { id: room } = await ada.makesRoom()
    const { codes } = await atOnce(bo, ['room:join', { room }], ['room:remove', { room }], ['room:join', { room }], ['message:send', draft(room, 'in')])
    assert.deepEqual(codes, ['ok', 'ok', 'ok', 'ok'])
    assert.deepEqual((await atOnce(ada, ['room:invite', { room, members: ['cy'] }], ['room:remove', { room, member: 'cy' }])).codes, ['ok', 'ok'])
    await cy.isRefused('message:send', draft(room, 'x'), 'forbidden')
  }
  for (const person of [bo, cy]) person.leaves()
})

test('who was invited may act as soon as the inviter knows it, refused before or not', async () => {
  const bo = await arrives('dee')
  for (let round = 0; round < 20; round++) {
    const { id: room } = await ada.makesRoom({ open: false })
    await bo.isRefused('message:send', draft(room, 'too early'), 'forbidden')
    await ada.calls('room:invite', { room, members: ['dee'] })
    await bo.calls('message:send', draft(room, 'in time'))
  }
  bo.leaves()
})

test('an event without an acknowledgement is in order, too, and its refusal is on /error', async () => {
  const bo = await arrives('bo')
  const errors = bo.socket.io.socket('/error', { auth: { token: bo.token } })
  const said = []
  errors.on('error', error => said.push(error.code))
  await new Promise(resolve => errors.once('connect', resolve))
  const { id: room } = await ada.makesRoom({ open: false })
  bo.socket.emit('room:join', { room })
  bo.socket.emit('typing', { room })
  bo.socket.emit('message:send', draft(room, 'x'))
  await until('all three are refused', () => said.length === 3)
  assert.deepEqual([said[0], ...said.slice(1).sort()], ['forbidden', 'forbidden', 'not_joined'])
  bo.leaves()
})

test('where nothing is recovered a join is answered at once, and what follows it finds it done, or refused', { timeout: 120000 }, async () => {
  const plain = await startStack({ env: { MADANG_GATEWAY_RECOVERY_MS: '0', MADANG_CALL_BUDGET_MS: '3000' } })
  try {
    const secret = await plain.issueKey()
    const bo = await Person.arrives(plain, secret, 'bo', { reconnection: false })
    for (let round = 0; round < 10; round++) {
      const { id: room } = await bo.makesRoom()
      const { codes } = await atOnce(bo, ['room:join', { room }], ['room:leave', { room }], ['room:join', { room, since: 0 }],
        ['room:leave', { room }], ['room:leave', { room }])
      assert.deepEqual(codes, ['ok', 'ok', 'ok', 'ok', 'not_joined'])
    }
    const { id: room } = await bo.makesRoom()
    process.kill(plain.pid('store'), 'SIGSTOP')
    const { codes } = await atOnce(bo, ['room:join', { room }], ['room:leave', { room }]).finally(() => process.kill(plain.pid('store'), 'SIGCONT'))
    assert.deepEqual(codes, ['deadline', 'not_joined'])
    await bo.joins(room)
  } finally {
    await plain.stop()
  }
})
