// c_relays - what clients say to each other: only what a policy names, with the sender that the gateway vouches for, and never in the server's voice.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startStack } from '../lib/stack.mjs'
import { Person, request } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

let stack, key
before(async () => { stack = await startStack(); key = await stack.issueKey() })
after(() => stack?.stop())

async function putPolicy(name, rules) {
  const file = join(stack.dir, `${name}.json`)
  writeFileSync(file, JSON.stringify(rules))
  await stack.authctl('policy', 'put', name, file)
}

/** Two of them in a new room; `nothingElse` holds that bo heard what is expected and no more. */
async function twoInARoom(withKey = key) {
  const ada = await Person.arrives(stack, withKey, 'ada'), bo = await Person.arrives(stack, key, 'bo')
  const { id: room } = await ada.makesRoom()
  await ada.joins(room)
  await bo.joins(room)
  return {
    ada, bo, room,
    async nothingElse(...events) {
      await ada.calls('typing', { room, last: true })
      await until('the last one is heard', () => bo.events.find(([name, arg]) => name === 'typing' && arg.last))
      assert.deepEqual(bo.events.filter(([, arg]) => !arg.last), events)
    },
    leave() { ada.leaves(); bo.leaves() },
  }
}

test('who sends is said by the gateway, whatever the sender says', async () => {
  const { ada, room, nothingElse, leave } = await twoInARoom()
  await ada.calls('typing', { room, on: true })
  await ada.calls('cursor:move', { sender: 'bo', room, x: [1, { sender: 'inside' }] }, 'more', { sender: 'bo' })
  await ada.calls('app:poke', { room, sender: { sub: 'bo' }, Sender: 'another member' })
  await nothingElse(
    ['typing', { sender: 'ada', room, on: true }],
    ['cursor:move', { sender: 'ada', room, x: [1, { sender: 'inside' }] }, 'more', { sender: 'bo' }],
    ['app:poke', { sender: 'ada', room, Sender: 'another member' }])
  leave()
})

test('an attachment in the place of the first argument is not relayed: it would hide the sender', async () => {
  const { ada, room, nothingElse, leave } = await twoInARoom()
  const sends = (...parts) => { for (const part of parts) ada.socket.io.engine.write(part) }
  for (const name of ['_placeholder', '\\u005fplaceholder'])
    sends(`51-/chat,["typing",{"${name}":true,"num":0,"room":"${room}"}]`, Buffer.from('from bo'))
  await ada.calls('typing', { room, data: Buffer.from('bytes') }, Buffer.from('more'))
  await nothingElse(['typing', { sender: 'ada', room, data: Buffer.from('bytes') }, Buffer.from('more')])
  leave()
})

test('a misspelt event is answered with the name that was perhaps meant, and nobody hears it', async () => {
  const { ada, room, nothingElse, leave } = await twoInARoom()
  for (const [wrong, nearest] of [
    ['message:sned', 'message:send'], ['mesage:send', 'message:send'], ['Message:send', 'message:send'], ['room:jion', 'room:join'],
    ['typign', 'typing'], ['auth:refesh', 'auth:refresh'], ['message', 'message:send'], ['cursr', 'cursor'], ['quite:another', undefined],
  ]) {
    const error = await ada.isRefused(wrong, { room, id: 'x', body: 'x' }, 'no_event')
    assert.equal(error.nearest, nearest, wrong)
    if (nearest) assert.ok(error.message.includes(`${nearest} perhaps?`), error.message)
  }
  await nothingElse()
  leave()
})

test('names of ours are nobody else\'s, in no spelling', async () => {
  await putPolicy('names-all', [
    { effect: 'allow', namespaces: ['/chat'], actions: ['connect', 'emit', 'subscribe', 'history'] },
    { effect: 'allow', actions: ['publish'], events: ['typing', 'message*', 'Message*', 'MESSAGE', 'm*', 'entry', 'Entry:*', 'room:*', 'token:*', 'error', 'auth:*',
      'read:marked', 'member:add', 'connect_errorx', 'x*'] },
  ])
  const { ada, room, nothingElse, leave } = await twoInARoom(await stack.issueKey({ policy: 'names-all' }))
  for (const name of ['message', 'Message', 'MESSAGE', 'message:sent', 'message:', 'entry', 'Entry:x', 'room:removed', 'room:x', 'token:expiring', 'error', 'auth:x',
    'read:marked', 'member:add', 'message\u200b', 'message ', 'm\u0007', 'm\u202eegassem', 'x'.repeat(129)])
    await ada.isRefused(name, { room }, 'no_event')
  await ada.isRefused('m\u0000', { room }, 'invalid_argument', /NUL/)
  await ada.calls('mine', { room })
  await nothingElse(['mine', { sender: 'ada', room }])
  leave()
})

test('only what a policy names is published: `*` and an absent list name nothing, a deny and a cap hold', async () => {
  const open = { effect: 'allow', namespaces: ['/chat'] }
  await putPolicy('bare', [open, { ...open, actions: ['publish'] }, { ...open, actions: ['publish'], events: ['*'] }, { ...open, events: ['typing'] },
    { ...open, actions: ['publish'], events: ['*ing'] }])
  const bare = await Person.arrives(stack, await stack.issueKey({ policy: 'bare' }), 'ada')
  const { id } = await bare.makesRoom()
  await bare.joins(id)
  await bare.isRefused('typing', { room: id }, 'no_event')
  bare.leaves()

  await putPolicy('games', [open, { ...open, actions: ['publish'], events: ['typing', 'game:*'] }, { effect: 'deny', events: ['game:cheat'] }])
  const games = await stack.issueKey({ policy: 'games' })
  const { ada, room, nothingElse, leave } = await twoInARoom(games)
  await ada.calls('game:move', { room })
  await ada.isRefused('game:cheat', { room }, 'forbidden')
  await ada.isRefused('games', { room }, 'no_event')
  for (const arg of [undefined, 'text', 7, [{ room }], {}, { room: 7 }]) await ada.isRefused('game:move', arg, 'invalid_argument', /room/)
  await ada.isRefused('game:move', { room: '01900000-0000-7000-8000-000000000000' }, 'not_joined')
  await nothingElse(['game:move', { sender: 'ada', room }])

  const token = cap => request(stack, 'POST', '/auth/token', { body: { api_key: games, subject: 'ada', cap } }).then(answer => answer.json.data.token)
  assert.equal((await ada.calls('auth:refresh', { token: await token([{ effect: 'allow' }, { effect: 'deny', events: ['game:move'] }]) })).ok, true)
  await ada.isRefused('game:move', { room }, 'forbidden')
  await nothingElse(['game:move', { sender: 'ada', room }])
  leave()
})

test('what a back end casts is asked about by the name that is delivered', async () => {
  const { bo, room, leave } = await twoInARoom()
  const cast = (token, event) => request(stack, 'POST', `/api/v1/rooms/${room}/events`, { token, body: { event } }).then(answer => answer.json.error?.code ?? 'ok')
  const all = { effect: 'allow', actions: ['emit', 'subscribe', 'publish', 'history', 'admin'], events: ['*'] }
  const keys = {}
  const policies = {
    denies: [all, { effect: 'deny', events: ['admin:*'] }],
    hushes: [all, { effect: 'deny', events: ['admin:*'], actions: ['publish'] }],
    lists: [{ ...all, events: ['room:event', 'order:*'] }],
    silent: [{ ...all, events: ['order:*'] }],
    here: [all, { effect: 'deny', events: ['admin:*'], rooms: [room.toUpperCase()] }]
  }
  for (const [name, rules] of Object.entries(policies)) {
    await putPolicy(`cast-${name}`, rules)
    keys[name] = await stack.issueKey({ policy: `cast-${name}` })
  }
  for (const name of ['denies', 'hushes', 'lists', 'here']) {
    assert.equal(await cast(keys[name], 'admin:ban'), 'forbidden', name)
    assert.equal(await cast(keys[name], 'order:ready'), 'ok', name)
  }
  assert.equal(await cast(keys.silent, 'order:ready'), 'forbidden', 'room:event is asked about as before')

  const key = await stack.issueKey({ policy: 'chat-backend' })
  const cap = [{ effect: 'allow' }, { effect: 'deny', events: ['admin:*'] }]
  const narrowed = (await request(stack, 'POST', '/auth/token', { body: { api_key: key, cap } })).json.data.token
  assert.equal(await cast(narrowed, 'admin:ban'), 'forbidden')
  assert.equal(await cast(narrowed, 'order:ready'), 'ok')
  await until('bo has heard five', () => bo.events.length === 5)
  assert.deepEqual([...new Set(bo.events.map(event => event[0]))], ['order:ready'])
  leave()
})

test('a back end says who it is, too, and keeps away from names of ours', async () => {
  const { key: orders, id } = await stack.authctl('key', 'issue', '--name', 'orders', '--policy', 'chat-backend')
  const { bo, room, nothingElse, leave } = await twoInARoom()
  const cast = body => request(stack, 'POST', `/api/v1/rooms/${room}/events`, { token: orders, body })
  for (const name of ['message', 'Message', 'entry', 'room:removed', 'room:anything', 'error', 'connect', 'disconnect', 'read:mark', 'order\u200b', ' order']) {
    const refused = await cast({ event: name, data: {} })
    assert.equal(refused.json.error?.code, 'invalid_argument', name)
  }
  for (const body of [{ event: 'order:ready', data: { sender: 'ada', table: 7 } }, { event: 'order:list', data: [1, { sender: 'ada' }] }, { event: 'order:none' }])
    assert.equal((await cast(body)).status, 200)
  await until('bo has heard three', () => bo.events.length === 3)
  await nothingElse(
    ['order:ready', { sender: `key:${id}`, table: 7 }], ['order:list', [1, { sender: 'ada' }]], ['order:none', { sender: `key:${id}` }])
  leave()
})
