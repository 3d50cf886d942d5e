// i_ends - tokens that end before their time: a thousand sockets on two gateways, of which a change touches its own and no other.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { io } from 'socket.io-client'
import { everybodyLeaves, Person, request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

// Each connection has a socket in four namespaces; what begins with polling is often carried by the other gateway, and
// costs more, so that two of a subject's five do.
const NAMESPACES = ['/', '/chat', '/notification', '/error'], SUBJECTS = 50, CONNECTIONS = 5
let stack, keys, all

before(async () => {
  stack = await startStack({ gateways: 2 })
  keys = [await stack.issueKey(), await stack.issueKey()]
})
after(async () => {
  all?.forEach(one => one.manager.disconnect())
  await stack?.stop()
})

/** One connection of a subject, with its four sockets. */
async function connect(subject, key, token, transports = ['polling', 'websocket']) {
  const one = { subject, key, token, sockets: [], codes: new Set() }
  for (const namespace of NAMESPACES) {
    const socket = io(stack.url + namespace, { ca: stack.ca, auth: { token }, reconnection: false, ...(one.manager ? {} : { forceNew: true, transports }) })
    one.manager ??= { disconnect: () => one.sockets.forEach(s => s.disconnect()) }
    socket.on('error', error => one.codes.add(error.code))
    one.sockets.push(socket)
  }
  await until(`${subject} is connected`, () => one.sockets.every(s => s.connected), 60000)
  return one
}

const isThere = one => one.sockets.every(s => s.connected)
const isGone = one => one.sockets.every(s => !s.connected)
const sum = async (name, labels) => await stack.metric(1, name, labels) + await stack.metric(2, name, labels)
const changes = gateway => stack.log(`gateway-${gateway}`).split('\n').filter(line => line.includes('"gateway.trust_changed"')).map(line => JSON.parse(line))
const claims = token => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))

/** How many events auth has sent, of whatever kind and to whomever. */
const sentByAuth = () => stack.metric('auth', 'madang_rpc_events_total')

/** What a change of the trust had looked at: sockets, and messages to each gateway, which are all that auth has sent. */
async function touches(change) {
  const before = await sum('madang_trust_sockets_reviewed_total'), told = [changes(1).length, changes(2).length], sent = await sentByAuth()
  await change()
  const news = [1, 2].map(gateway => () => changes(gateway).slice(told[gateway - 1]))
  await until('both gateways heard of it', () => news.every(news => news().length > 0))
  assert.equal(await sentByAuth() - sent, 2, 'one event to each gateway, and nothing else')
  return { sockets: await sum('madang_trust_sockets_reviewed_total') - before, messages: news.map(news => news().length) }
}

test('a thousand sockets on two gateways', { timeout: 240000 }, async () => {
  all = []
  for (let i = 0; i < SUBJECTS; i++) {
    const key = keys[i < 40 ? 0 : 1], token = await tokenFor(stack, key, `subject-${i}`)
    all.push(...await Promise.all(Array.from({ length: CONNECTIONS }, (_, n) => connect(`subject-${i}`, key, token, n < 2 ? undefined : ['websocket']))))
  }
  assert.equal(all.length * NAMESPACES.length, 1000)
  const here = [await stack.metric(1, 'madang_socketio_sockets'), await stack.metric(2, 'madang_socketio_sockets')]
  assert.equal(here[0] + here[1], 1000)
  assert.ok(Math.min(...here) > 100, `${here}`)
})

test("a logout is one message to each gateway and touches that subject's sockets alone", { timeout: 60000 }, async () => {
  const theirs = all.filter(one => one.subject === 'subject-3'), others = all.filter(one => one.subject !== 'subject-3')
  const touched = await touches(() => stack.authctl('subject', 'logout', 'subject-3'))
  assert.deepEqual(touched, { sockets: CONNECTIONS * NAMESPACES.length, messages: [1, 1] })
  await until('they are gone', () => theirs.every(isGone))
  assert.ok(theirs.every(one => one.codes.has('session_ended')), JSON.stringify(theirs.map(one => [...one.codes])))
  assert.ok(others.every(isThere))
})

test('a token from before opens nothing any more, and one that is asked for now does', { timeout: 60000 }, async () => {
  const old = all.find(one => one.subject === 'subject-3').token
  const rest = await request(stack, 'GET', '/api/v1/rooms', { token: old })
  assert.equal(rest.status, 401)
  assert.equal(rest.json.error.code, 'session_ended')
  await assert.rejects(Person.arrives(stack, keys[0], 'subject-3', { token: old, reconnection: false }), error => error.data.code === 'session_ended')
  const again = await Person.arrives(stack, keys[0], 'subject-3')
  again.leaves()
})

test("the end of a session touches its sockets, and not the subject's others", { timeout: 60000 }, async () => {
  const other = await tokenFor(stack, keys[0], 'subject-4'), more = await connect('subject-4', keys[0], other)
  const theirs = all.filter(one => one.subject === 'subject-4')
  const touched = await touches(() => stack.authctl('session', 'logout', claims(other).sid))
  assert.deepEqual(touched, { sockets: NAMESPACES.length, messages: [1, 1] })
  await until('it is gone', () => isGone(more))
  assert.ok(more.codes.has('session_ended') && theirs.every(isThere))
})

test('a revoked key touches the sockets of its tokens', { timeout: 60000 }, async () => {
  const theirs = all.filter(one => one.key === keys[1])
  const touched = await touches(() => stack.authctl('key', 'revoke', keys[1].split('_')[1]))
  assert.deepEqual(touched, { sockets: 200, messages: [1, 1] })
  await until('they are gone', () => theirs.every(isGone))
  assert.ok(theirs.every(one => one.codes.has('key_revoked')))
  assert.equal(all.filter(isThere).length, 39 * CONNECTIONS)
})

test('a policy that nobody here has touches nobody', { timeout: 60000 }, async () => {
  const touched = await touches(() => stack.rpc('auth', 'policy.put', { name: 'for-nobody', rules: [{ effect: 'allow' }] }))
  assert.deepEqual(touched, { sockets: 0, messages: [1, 1] })
})

/** The gateway, by its number, that has this socket's session. */
function gatewayOf(person) {
  const started = n => stack.log(`gateway-${n}`).split('\n').filter(line => line.includes('"gateway.started"')).map(line => JSON.parse(line)).at(-1)
  return [1, 2].find(n => started(n).gateway === person.socket.io.engine.id.slice(0, 4))
}

test('a gateway that stood still obeys what it missed before it takes what was said meanwhile', { timeout: 60000 }, async () => {
  const ada = await Person.arrives(stack, keys[0], 'ada'), eve = await Person.arrives(stack, keys[0], 'eve')
  const { id: room } = await ada.makesRoom()
  await Promise.all([ada.joins(room), eve.joins(room)])
  await eve.says(room, 'before')
  const gateway = gatewayOf(eve), pid = stack.pid(`gateway-${gateway}`), other = changes(3 - gateway).length, stopped = Date.now()
  process.kill(pid, 'SIGSTOP')
  try {
    await stack.authctl('subject', 'logout', 'eve')
    await until('the other gateway heard of it', () => changes(3 - gateway).length > other)
    for (let i = 0; i < 20; i++) eve.socket.emit('message:send', { room, id: randomUUID(), body: 'after' })
    eve.rest('POST', `/api/v1/rooms/${room}/messages`, { id: randomUUID(), body: 'after' }).catch(() => {})
    await until('it stood still for a while', () => Date.now() - stopped > 1500)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await until('eve is gone', () => !eve.socket.connected)
  assert.ok(eve.events.some(([event, error]) => event === 'error' && error.code === 'session_ended'), JSON.stringify(eve.events))
  await until('it said that it stood still', () => stack.log(`gateway-${gateway}`).includes('"gateway.stood_still"'))
  const reader = await Person.arrives(stack, keys[0], 'ada')
  assert.deepEqual((await reader.reads(room)).map(message => message.body), ['before'])
  ada.leaves()
  reader.leaves()
})

test('while auth is away all goes on, and what is said when it is back is taken', { timeout: 60000 }, async () => {
  const ada = await Person.arrives(stack, keys[0], 'ada')
  const { id: room } = await ada.makesRoom()
  await ada.joins(room)
  const back = stack.kill('auth')
  for (let i = 0; i < 20; i++) await ada.says(room, `${i}`)
  await back
  await until('both gateways know all again', async () => (await ada.rest('GET', `/api/v1/rooms/${room}/messages`)).status === 200)
  for (let i = 20; i < 40; i++) await ada.says(room, `${i}`)
  assert.deepEqual((await ada.reads(room)).map(message => message.body), Array.from({ length: 40 }, (_, i) => `${i}`))
  ada.leaves()
})
