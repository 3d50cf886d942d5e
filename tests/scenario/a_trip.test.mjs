// a_trip - one durable message all the way: key, token, socket, room, acknowledgement, the others, history.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { randomUUID } from 'node:crypto'
import { startStack } from '../lib/stack.mjs'
import { Person, isGapless, request, tokenFor } from '../lib/people.mjs'

let stack, key
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
})
after(() => stack?.stop())

test('a key is shown once and becomes an ES256 token', async () => {
  const listed = await stack.authctl('key', 'list')
  assert.ok(!JSON.stringify(listed).includes(/^mdk_[^_]+_(.+)_[^_]+$/.exec(key)[1]), 'the list shows the secret')

  const token = await tokenFor(stack, key, 'ada')
  const [header, claims] = token.split('.').slice(0, 2).map(part => JSON.parse(Buffer.from(part, 'base64url')))
  assert.equal(header.alg, 'ES256')
  assert.equal(claims.sub, 'ada')
  assert.ok(claims.exp > claims.iat && claims.jti && claims.sid && claims.iss && claims.aud)

  const jwks = await request(stack, 'GET', '/.well-known/jwks.json')
  assert.ok((jwks.json.keys ?? jwks.json.data.keys).some(jwk => jwk.kid === header.kid && jwk.crv === 'P-256'))
})

test('a message is acknowledged with its seq, heard once by the others, and is in the history', async () => {
  const ada = await Person.arrives(stack, key, 'ada')
  const bo = await Person.arrives(stack, key, 'bo')
  const { id: room } = await ada.makesRoom()
  await ada.joins(room)
  await bo.joins(room)

  const receipt = await ada.says(room, 'hello')
  assert.equal(receipt.seq, 1)
  const heard = await bo.hears('hello')
  assert.equal(heard.seq, 1)
  assert.equal(heard.sender, 'ada')
  assert.equal(heard.room, room)
  await bo.hearsNothing()

  const history = await bo.reads(room)
  assert.deepEqual(history.map(m => m.body), ['hello'])
  ada.leaves(); bo.leaves()
})

test('the same client message id is stored once and acknowledged with the same seq', async () => {
  const ada = await Person.arrives(stack, key, 'ada')
  const bo = await Person.arrives(stack, key, 'bo')
  const { id: room } = await ada.makesRoom()
  await bo.joins(room)
  const id = randomUUID()
  const [first, again, ...rest] = await Promise.all(Array.from({ length: 5 }, () => ada.says(room, 'once', id)))
  for (const other of [again, ...rest]) assert.equal(other.seq, first.seq)
  await bo.hears('once')
  await ada.says(room, 'twice')
  await bo.hears('twice')
  assert.deepEqual(bo.heard.map(m => m.body), ['once', 'twice'])
  assert.equal((await bo.reads(room)).length, 2)
  ada.leaves(); bo.leaves()
})

test('many senders at once: every member hears every message once, in the order of seq', async () => {
  const people = await Promise.all(['a', 'b', 'c', 'd'].map(name => Person.arrives(stack, key, name)))
  const { id: room } = await people[0].makesRoom()
  for (const person of people) await person.joins(room)
  await Promise.all(people.flatMap(person => Array.from({ length: 50 }, (_, i) => person.says(room, `${person.name} ${i}`))))
  for (const person of people) {
    await person.hears(people[0].heard.at(-1)?.body ?? 'a 49')
    await import('../lib/wait.mjs').then(({ until }) => until('all 200', () => person.heard.length >= 200))
    isGapless(person.heard)
    assert.equal(person.heard.length, 200)
  }
  isGapless(await people[1].reads(room))
  people.forEach(person => person.leaves())
})

test('who joins with `since` hears what he missed first, in order', async () => {
  const ada = await Person.arrives(stack, key, 'ada')
  const { id: room } = await ada.makesRoom()
  for (let i = 1; i <= 7; i++) await ada.says(room, `m${i}`)
  const late = await Person.arrives(stack, key, 'late')
  const entered = await late.joins(room, 3)
  assert.equal(entered.seq, 7)
  await ada.says(room, 'm8')
  await late.hears('m8')
  assert.deepEqual(late.heard.map(m => m.seq), [4, 5, 6, 7, 8])
  ada.leaves(); late.leaves()
})

test('a closed room is closed: no joining, no sending, no reading, until invited', async () => {
  const ada = await Person.arrives(stack, key, 'ada')
  const eve = await Person.arrives(stack, key, 'eve')
  const { id: room } = await ada.makesRoom({ open: false })
  await ada.says(room, 'secret')
  for (const [event, arg] of [['room:join', { room }], ['message:send', { room, id: randomUUID(), body: 'x' }], ['message:list', { room }]]) {
    const answer = await eve.emits(event, arg)
    assert.ok(['forbidden', 'not_found'].includes(answer.error?.code), `${event}: ${JSON.stringify(answer)}`)
  }
  await ada.calls('room:invite', { room, members: ['eve'] })
  await eve.joins(room, 0)
  await eve.hears('secret')

  await ada.calls('room:remove', { room, member: 'eve' })
  await eve.hearsEvent('room:removed')
  await ada.says(room, 'without eve')
  await eve.hearsNothing()
  const answer = await eve.emits('message:send', { room, id: randomUUID(), body: 'let me in' })
  assert.ok(['forbidden', 'not_found'].includes(answer.error?.code), JSON.stringify(answer))
  ada.leaves(); eve.leaves()
})

test('an event that the policy names is relayed to the room, and never stored', async () => {
  const ada = await Person.arrives(stack, key, 'ada')
  const bo = await Person.arrives(stack, key, 'bo')
  const { id: room } = await ada.makesRoom()
  await ada.joins(room); await bo.joins(room)
  ada.socket.emit('typing', { room, on: true, pad: 'ü\u001e', n: 1.50 })
  const [, arg] = await bo.hearsEvent('typing')
  assert.deepEqual(arg, { sender: 'ada', room, on: true, pad: 'ü\u001e', n: 1.5 })
  assert.ok(!ada.events.some(e => e[0] === 'typing'), 'the sender heard herself')
  ada.socket.emit('app:drawing', { room, strokes: Buffer.from([1, 2, 3]) })
  const [, drawing] = await bo.hearsEvent('app:drawing')
  assert.deepEqual([...drawing.strokes], [1, 2, 3])
  assert.equal((await ada.reads(room)).length, 0)
  ada.leaves(); bo.leaves()
})

test('a back end sends an ephemeral event into a room that it is no member of; a client may not', async () => {
  const ada = await Person.arrives(stack, key, 'ada')
  const { id: room } = await ada.makesRoom({ open: false })
  await ada.joins(room)
  const path = `/api/v1/rooms/${room}/events`
  const { key: whole, id } = await stack.authctl('key', 'issue', '--name', 'orders', '--policy', 'chat-backend')
  const backend = await tokenFor(stack, whole)
  const sent = await request(stack, 'POST', path, { token: backend, body: { event: 'order:ready', data: { table: 7 } } })
  assert.equal(sent.status, 200, sent.text)
  assert.deepEqual(await ada.hearsEvent('order:ready'), ['order:ready', { sender: `key:${id}`, table: 7 }])
  assert.equal((await ada.rest('POST', path, { event: 'x' })).json.error.code, 'forbidden')
  assert.equal((await request(stack, 'POST', path, { token: backend, body: { event: 'message', data: {} } })).json.error.code, 'invalid_argument')
  ada.leaves()
})

test('nobody speaks in the server\'s voice: a relayed event can not be called `message`', async () => {
  const ada = await Person.arrives(stack, key, 'ada')
  const { id: room } = await ada.makesRoom()
  await ada.joins(room)
  await ada.isRefused('message', { room, seq: 1, id: 'forged', sender: 'bo', body: 'never said' }, 'no_event', /message:send perhaps/)
  await ada.isRefused('token:expiring', { room }, 'no_event')
  ada.leaves()
})

test('REST sends and the sockets hear', async () => {
  const ada = await Person.arrives(stack, key, 'ada')
  const room = (await ada.rest('POST', '/api/v1/rooms', { name: 'by REST', open: true })).json.data.id
  await ada.joins(room)
  const sent = await ada.rest('POST', `/api/v1/rooms/${room}/messages`, { id: randomUUID(), body: 'by REST' })
  assert.equal(sent.status, 201, sent.text)
  await ada.hears('by REST')
  ada.leaves()
})
