// i_key_rights - what a key's tokens may: from which networks, and for whom. Everything is on 127.0.0.0/8, of which each test has its addresses.
import assert from 'node:assert/strict'
import https from 'node:https'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import WebSocket from 'ws'
import { startProxy } from '../lib/balancer.mjs'
import { Person, everybodyLeaves, request } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const INSIDE = '127.0.5.2', OUTSIDE = '127.0.6.2', PROXY = '127.0.9.1', USER = '01a1fcfe-3db8-7efb-9c34-fc5b361312f6'
let stack, proxied, proxy
before(async () => {
  stack = await startStack({ gateways: 2, ownPorts: true, env: { MADANG_GATEWAY_TRUSTED_PROXIES: '127.0.9.0/24' } })
  const file = name => readFileSync(join(stack.dir, 'tls', name))
  proxied = { url: stack.url, ca: stack.ca }
  proxy = await startProxy(stack.port, stack.gatewayPorts, { key: file('server.key'), cert: file('server.crt'), ca: stack.ca, from: PROXY })
  stack.url = `https://127.0.0.1:${stack.gatewayPorts[0]}` // without the proxy, unless a test says otherwise
})
after(async () => {
  if (proxied) everybodyLeaves(proxied)
  try { await stack?.stop() } finally { await proxy?.stop() }
})

const issue = (...more) => stack.authctl('key', 'issue', '--name', 'test', '--policy', 'chat-backend', ...more)
const edit = (id, ...words) => stack.authctl('key', 'edit', id, ...words)
const exchange = (key, from, more = {}) => request(stack, 'POST', '/auth/token', { body: { api_key: key, ...more }, from })
async function tokenOf(key, from, more) {
  const answer = await exchange(key, from, more)
  assert.equal(answer.status, 200, answer.text)
  return answer.json.data.token
}
const rooms = (token, from, where = stack) => request(where, 'GET', '/api/v1/rooms', { token, from })
const refused = (answer, status, code, message = /./) => {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.json.error.code, code, answer.text)
  assert.match(answer.json.error.message, message)
}
/** A socket `from` an address, over one transport. */
function arrives(token, from, { transport = 'websocket', where = stack } = {}) {
  const person = new Person(where, 'a back end', token)
  const agent = new https.Agent({ localAddress: from, ca: stack.ca })
  return person.connects({ transports: [transport], agent, reconnection: false })
}
const isSentAway = (promise, code) => assert.rejects(promise, error => { assert.equal(error.data?.code, code, error.message); return true })

test("a key's networks bind its own token on every surface, and those for subjects only if it says so", async () => {
  const { id, key } = await issue('--network', '127.0.5.0/24')
  const own = await tokenOf(key, INSIDE), ada = await tokenOf(key, INSIDE, { subject: 'ada' })
  assert.equal((await rooms(own, INSIDE)).status, 200)
  refused(await rooms(own, OUTSIDE), 403, 'address_refused')
  refused(await rooms(key, OUTSIDE), 403, 'address_refused')
  assert.equal((await rooms(ada, OUTSIDE)).status, 200)
  for (const transport of ['websocket', 'polling']) {
    await isSentAway(arrives(own, OUTSIDE, { transport }), 'address_refused')
    for (const [token, from] of [[own, INSIDE], [ada, OUTSIDE]]) (await arrives(token, from, { transport })).leaves()
  }
  await edit(id, '--bind-tokens')
  await until('the gateway has heard', async () => (await rooms(ada, OUTSIDE)).status === 403)
  refused(await rooms(ada, OUTSIDE), 403, 'address_refused')
  assert.equal((await rooms(ada, INSIDE)).status, 200)
  for (const transport of ['websocket', 'polling']) await isSentAway(arrives(ada, OUTSIDE, { transport }), 'address_refused')
})

test('networks that change are obeyed by live sockets at once', async () => {
  const { id, key } = await issue()
  const own = await tokenOf(key, OUTSIDE)
  const stays = await arrives(own, INSIDE), goes = await arrives(own, OUTSIDE), polls = await arrives(own, OUTSIDE, { transport: 'polling' })
  const ends = [goes, polls].map(person => new Promise(resolve => person.socket.once('disconnect', resolve)))
  await edit(id, '--network', '127.0.5.0/24')
  assert.deepEqual(await Promise.all(ends), ['io server disconnect', 'io server disconnect'])
  for (const person of [goes, polls]) assert.equal(person.events.find(e => e[0] === 'error')?.[1].code, 'address_refused')
  assert.ok((await stays.calls('room:list', {})).rooms)
  refused(await rooms(own, OUTSIDE), 403, 'address_refused')
  await edit(id, '--anywhere')
  await until('it may again', async () => (await rooms(own, OUTSIDE)).status === 200)
})

test('a new token is no way around: not at auth:refresh, and not at coming back', async () => {
  const free = await issue(), bound = await issue('--network', '127.0.5.0/24', '--bind-tokens')
  const outside = await arrives(await tokenOf(free.key, OUTSIDE, { subject: 'bo' }), OUTSIDE)
  const token = await tokenOf(bound.key, INSIDE, { subject: 'bo' })
  await outside.isRefused('auth:refresh', { token }, 'address_refused')
  const inside = await arrives(await tokenOf(free.key, INSIDE, { subject: 'bo' }), INSIDE)
  assert.equal((await inside.calls('auth:refresh', { token })).ok, true)

  inside.socket.io.opts.agent = new https.Agent({ localAddress: OUTSIDE, ca: stack.ca })
  inside.token = token
  await inside.losesConnection()
  await isSentAway(inside.comesBack(), 'address_refused')
})

/** A session by hand, each request `from` where and `at` which gateway one likes. */
async function opens(from) {
  const ask = (method, query, { from, at = 0, raw }) => request({ ...stack, url: `https://127.0.0.1:${stack.gatewayPorts[at]}` }, method,
    `/socket.io/?EIO=4&transport=polling${query}`, { raw, from, headers: raw === undefined ? {} : { 'content-type': 'text/plain' } })
  const { sid } = JSON.parse((await ask('GET', '', { from })).text.slice(1))
  return {
    posts: (raw, options) => ask('POST', `&sid=${sid}`, { raw, ...options }),
    polls: options => ask('GET', `&sid=${sid}`, options),
    /** What the WebSocket answers to its probe, or why there is none. */
    probes: ({ from, at = 0 }) => new Promise(resolve => {
      const ws = new WebSocket(`wss://127.0.0.1:${stack.gatewayPorts[at]}/socket.io/?EIO=4&transport=websocket&sid=${sid}`, { ca: stack.ca, localAddress: from })
      ws.on('open', () => ws.send('2probe')).on('message', data => resolve({ said: String(data), ws }))
      ws.on('error', () => resolve({})).on('close', () => resolve({}))
    })
  }
}

test('a session that is taken elsewhere is asked about there: each poll, each POST and each upgrade, at every gateway', async () => {
  const { id, key } = await issue('--network', '127.0.5.0/24', '--bind-tokens')
  const token = await tokenOf(key, INSIDE, { subject: 'ada' })
  const session = await opens(INSIDE)
  await session.posts(`40/chat,${JSON.stringify({ token })}`, { from: INSIDE })
  assert.match((await session.polls({ from: INSIDE })).text, /^40\/chat,/)
  for (const at of [0, 1]) {
    for (const answer of [await session.polls({ from: OUTSIDE, at }), await session.posts('42/chat,1["room:list",{}]', { from: OUTSIDE, at })]) {
      assert.equal(answer.status, 403, answer.text)
      assert.equal(answer.json.message, 'Forbidden')
    }
    assert.deepEqual(await session.probes({ from: OUTSIDE, at }), {})
  }
  for (const at of [0, 1]) {
    assert.equal((await session.posts(`42/chat,${at}["room:list",{}]`, { from: '127.0.5.3', at })).text, 'ok')
    assert.match((await session.polls({ from: INSIDE, at })).text, new RegExp(`^43/chat,${at}`), 'it goes on inside')
  }
  const { said, ws } = await session.probes({ from: '127.0.5.4', at: 1 })
  assert.equal(said, '3probe')
  ws.close()

  const borrowed = await opens(INSIDE)
  await borrowed.posts(`40/chat,${JSON.stringify({ token })}`, { from: OUTSIDE, at: 1 })
  assert.match((await borrowed.polls({ from: OUTSIDE })).text, /^44\/chat,.*address_refused/, 'a session from inside is no way in')

  await edit(id, '--anywhere')
  await until('it may from anywhere', async () => (await rooms(token, OUTSIDE)).status === 200)
  const moves = await opens(INSIDE)
  await moves.posts(`40/chat,${JSON.stringify({ token })}`, { from: INSIDE })
  await moves.polls({ from: INSIDE })
  const waits = moves.polls({ from: INSIDE })
  assert.equal((await moves.posts('42/chat,1["room:list",{}]', { from: OUTSIDE })).text, 'ok')
  await waits
  const carried = () => stack.metric(2, 'madang_mesh_forwarded_total', 'kind="poll"'), before = await carried()
  const last = moves.polls({ from: OUTSIDE, at: 1 }).then(async answer => [answer, await moves.polls({ from: OUTSIDE })])
  await until('the poll is on its way to where the session is', async () => await carried() > before)
  await edit(id, '--network', '127.0.5.0/24')
  assert.match((await last).map(answer => answer.text).join('\n'), /address_refused/, 'it is the newest address that has to fit')
})

test('behind a trusted proxy it is the address of the client', async () => {
  const { key } = await issue('--network', '127.0.5.0/24')
  const own = await tokenOf(key, INSIDE)
  assert.equal((await rooms(own, INSIDE, proxied)).status, 200)
  refused(await rooms(own, OUTSIDE, proxied), 403, 'address_refused')
  refused(await rooms(own, PROXY), 403, 'address_refused')
  await isSentAway(arrives(own, OUTSIDE, { where: proxied }), 'address_refused')
  ;(await arrives(own, INSIDE, { where: proxied })).leaves()
})

test('a registered user is spoken for with a right of its own, in one spelling, and nothing personal is opened', async () => {
  const { id, key } = await issue()
  for (const subject of [USER, USER.toUpperCase(), `{${USER}}`, `urn:uuid:${USER}`])
    refused(await exchange(key, INSIDE, { subject }), 403, 'forbidden', /act_as_users/)
  for (const subject of ['', null, 'key:x', 'System', 'ad\u202ea', ' ada', 'ada\u0007']) refused(await exchange(key, INSIDE, { subject }), 400, 'invalid_argument', /subject/)
  await edit(id, '--act-as-users', '--no-impersonate')
  refused(await exchange(key, INSIDE, { subject: 'ada' }), 403, 'forbidden', /impersonate/)
  const acting = await exchange(key, INSIDE, { subject: `{${USER.toUpperCase()}}` })
  assert.equal(acting.json.data.subject, USER)
  const { token } = acting.json.data
  assert.deepEqual(JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).act, { sub: `key:${id}` })
  const room = (await request(stack, 'POST', '/api/v1/rooms', { token, body: { name: 'a room' } })).json.data
  assert.equal(room.created_by, USER)
  // Its policy, chat-backend, allows what is for administrators. The key itself may do it, the user whom it acts for may not.
  const cast = as => request(stack, 'POST', `/api/v1/rooms/${room.id}/events`, { token: as, body: { event: 'order:ready' } })
  refused(await cast(token), 403, 'forbidden')
  assert.equal((await cast(key)).status, 200)
  const listed = (await stack.authctl('key', 'list')).keys.find(one => one.id === id)
  assert.deepEqual([listed.act_as_users, listed.impersonate, listed.bind_tokens], [true, false, false])
})

test('one person however the name is typed', async () => {
  const { key } = await issue()
  const eva = await Person.arrives(stack, key, 'e\u0301va'), ada = await Person.arrives(stack, key, 'ada')
  const { id } = await ada.calls('room:create', { name: 'closed', members: ['e\u0301va'] })
  await eva.joins(id)
  assert.equal((await request(stack, 'POST', '/auth/token', { body: { api_key: key, subject: 'e\u0301va' } })).json.data.subject, '\u00e9va')
})
