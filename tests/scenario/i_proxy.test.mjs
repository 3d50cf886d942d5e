// i_proxy - two gateways behind a proxy that they trust: limits, networks of keys and logs are about the clients' own addresses.
import assert from 'node:assert/strict'
import https from 'node:https'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import WebSocket from 'ws'
import { startProxy } from '../lib/balancer.mjs'
import { wrongKey } from '../lib/keys.mjs'
import { Person, everybodyLeaves, request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

// Everything is on this machine, whose addresses are all of 127.0.0.0/8: the proxy is at .9.1, each test's clients are others.
const PROXY = '127.0.9.1', MOST = 8
let stack, proxy, key, direct
before(async () => {
  stack = await startStack({ gateways: 2, ownPorts: true, env: {
    MADANG_GATEWAY_TRUSTED_PROXIES: '192.0.2.0/24, 127.0.9.0/24', MADANG_GATEWAY_CONNECTIONS_PER_ADDRESS: String(MOST), MADANG_GATEWAY_RATE_PERCENT: '100',
  } })
  const file = name => readFileSync(join(stack.dir, 'tls', name))
  proxy = await startProxy(stack.port, stack.gatewayPorts, { key: file('server.key'), cert: file('server.crt'), ca: stack.ca, from: PROXY })
  direct = { url: `https://127.0.0.1:${stack.gatewayPorts[0]}`, ca: stack.ca }
  key = await stack.issueKey()
})
after(async () => {
  if (direct) everybodyLeaves(direct)
  try { await stack?.stop() } finally { await proxy?.stop() }
})

const claims = address => ({ 'x-forwarded-for': address })
const refused = (answer, status, code, message = /./) => {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.json.error.code, code, answer.text)
  assert.match(answer.json.error.message, message)
}
/** Where the gateways' logs say that this subject's only socket is from. */
const loggedAddress = subject => until(`${subject} is in a log`, () => {
  const lines = [1, 2].flatMap(n => stack.log(`gateway-${n}`).split('\n'))
    .filter(line => line.includes('"gateway.connect"') && line.includes(`"${subject}"`) && line.endsWith('}'))
  return lines.length === 1 && JSON.parse(lines[0]).address
})

test('a key bound to a network works through the proxy from there, and from nowhere else', async () => {
  const bound = await stack.issueKey({ policy: 'chat-backend', more: ['--network', '127.0.1.2/32'] })
  const exchange = (where, from, headers) => request(where, 'POST', '/auth/token', { body: { api_key: bound, subject: 'ada' }, from, headers })
  const rooms = (where, from, headers) => request(where, 'GET', '/api/v1/rooms', { token: bound, from, headers })
  for (const ask of [exchange, rooms]) {
    for (let gateway = 0; gateway < 2; gateway++) {
      assert.equal((await ask(stack, '127.0.1.2')).status, 200)
      refused(await ask(stack, '127.0.1.3'), 403, 'address_refused', /127\.0\.1\.3/)
      refused(await ask(stack, '127.0.1.3', claims('127.0.1.2')), 403, 'address_refused', /127\.0\.1\.3/)
    }
    refused(await ask(direct, '127.0.1.4', claims('127.0.1.2')), 403, 'address_refused', /127\.0\.1\.4/)
  }
})

test('who guesses keys is stopped, and nobody else behind the proxy', async () => {
  const guess = (from, headers) => request(stack, 'POST', '/auth/token', { body: { api_key: wrongKey() }, from, headers })
  const stopped = await until('too many', async () => {
    const one = await guess('127.0.2.2', claims(`127.0.2.${100 + Math.floor(Math.random() * 100)}`))
    return one.status === 429 ? one : refused(one, 401, 'key_invalid')
  })
  refused(stopped, 429, 'rate_limited')
  refused(await guess('127.0.2.3'), 401, 'key_invalid')
})

const forwarded = async kind => (await Promise.all([1, 2].map(n => stack.metric(n, 'madang_mesh_forwarded_total', `kind="${kind}`)))).reduce((a, b) => a + b)

/** Somebody from this address, behind the proxy. */
async function arrives(name, from, transports) {
  const agent = new https.Agent({ ca: stack.ca, localAddress: from })
  return Person.arrives(stack, key, name, { token: await tokenFor(stack, key, name), agent, transports })
}

/** The same, with a WebSocket at the gateway that does not have his session. */
async function arrivesElsewhere(name, from) {
  for (let tries = 0; tries < 20; tries++) {
    const before = await forwarded('upgrade')
    const person = await arrives(`${name}-${tries}`, from, ['polling', 'websocket'])
    await until('he is on WebSocket', () => person.socket.io.engine.transport.name === 'websocket')
    if (await forwarded('upgrade') > before) return person
    person.leaves()
    await request(stack, 'GET', '/healthz') // the next handshake is another gateway's turn
  }
  throw new Error('all upgrades landed on the owner')
}

test('a socket has its client\'s address, whichever gateway its requests come to', async () => {
  const before = await forwarded('po')
  const people = [await arrives('ada', '127.0.3.1', ['polling']), await arrives('bo', '127.0.3.2', ['websocket']), await arrivesElsewhere('cy', '127.0.3.3')]
  const { id: room } = await people[0].makesRoom()
  for (const person of people) await person.joins(room)
  for (const person of people) await person.says(room, person.name)
  await until('all heard all', () => people.every(person => person.heard.length === people.length))
  for (const [i, { name }] of people.entries()) assert.equal(await loggedAddress(name), `127.0.3.${i + 1}`)
  assert.ok(await forwarded('po') > before, 'no poll was handed on')

  const liar = await Person.arrives(direct, key, 'dee', { extraHeaders: claims('127.0.3.1') })
  assert.equal(await loggedAddress('dee'), '127.0.0.1')
  for (const person of [...people, liar]) person.leaves()
})

/** A WebSocket from this address: itself, or the status that refused it. */
const dial = (from, headers) => new Promise((resolve, reject) => {
  const ws = new WebSocket(`${stack.url.replace('https', 'wss')}/socket.io/?EIO=4&transport=websocket`, { ca: stack.ca, localAddress: from, headers })
  ws.on('open', () => resolve(ws)).on('unexpected-response', (_, res) => resolve(res.statusCode)).on('error', reject)
})

test('an address has so many connections and sessions at a gateway, and the proxy any number', async () => {
  const sockets = []
  for (let i = 0; i < 2 * MOST; i++) sockets.push(await dial('127.0.4.2'))
  for (let gateway = 0; gateway < 2; gateway++) assert.equal(await dial('127.0.4.2', claims('127.0.4.200')), 429)
  const poll = from => request(stack, 'GET', '/socket.io/?EIO=4&transport=polling', { from })
  assert.equal((await poll('127.0.4.2')).status, 429)
  for (let i = 0; i < 2 * MOST; i++) sockets.push(await dial('127.0.4.3', claims('127.0.4.2')))
  assert.ok(sockets.every(socket => socket instanceof WebSocket), 'somebody was refused too early')
  for (let i = 0; i < 2 * MOST; i++) assert.equal((await poll('127.0.4.4')).status, 200)
  const answer = await poll('127.0.4.4')
  assert.deepEqual([answer.status, answer.json.message], [403, 'Too many sessions'])
  assert.equal((await poll('127.0.4.5')).status, 200)
  for (const socket of sockets) socket.terminate()
  await until('there is room again', async () => { const ws = await dial('127.0.4.2'); return ws instanceof WebSocket && !ws.terminate() })
})
