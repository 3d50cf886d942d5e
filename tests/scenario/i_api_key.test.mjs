// i_api_key - a back end gives its API key where a token is wanted: what it may do, how it ends, what guessing costs.
import assert from 'node:assert/strict'
import https from 'node:https'
import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startStack } from '../lib/stack.mjs'
import { wrongKey } from '../lib/keys.mjs'
import { Person, request } from '../lib/people.mjs'
import { pause, until } from '../lib/wait.mjs'

// Ten refused credentials in 60 s are all that this file has: 127.0.0.1 is one address.
let stack
before(async () => { stack = await startStack({ env: { MADANG_GATEWAY_RATE_PERCENT: '100', MADANG_CALL_BUDGET_MS: '3000' } }) })
after(() => stack?.stop())

const issue = (...more) => stack.authctl('key', 'issue', '--name', 'back end', '--policy', 'chat-backend', ...more)
const rooms = key => request(stack, 'GET', '/api/v1/rooms', { token: key })
const works = async key => { const answer = await rooms(key); assert.equal(answer.status, 200, answer.text) }
const refused = (answer, status, code) => {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.json.error.code, code, answer.text)
}

/** The gateway's lines about this key, each of which was a question to auth. */
const logged = id => stack.log('gateway-1').split('\n').filter(line => line.includes('"gateway.key"') && line.includes(id)).map(line => JSON.parse(line))
const exchanges = async id => { await until('it is in the log', () => logged(id).length > 0); return logged(id) }

async function whileAuthStandsStill(what) {
  process.kill(stack.pid('auth'), 'SIGSTOP')
  try { return await what() } finally { process.kill(stack.pid('auth'), 'SIGCONT') }
}

test('a key makes a room, adds a member, writes, reads, and sends an event that a member hears', async () => {
  const { key, id } = await issue()
  const call = async (method, path, body) => {
    const answer = await request(stack, method, `/api/v1/rooms${path}`, { token: key, body })
    assert.ok(answer.json?.success, answer.text)
    return answer.json.data
  }
  const room = await call('POST', '', { name: 'orders' })
  assert.equal(room.created_by, `key:${id}`)
  await call('POST', `/${room.id}/members`, { members: ['ada'] })
  const ada = await Person.arrives(stack, await stack.issueKey(), 'ada')
  await ada.joins(room.id)
  await call('POST', `/${room.id}/messages`, { id: randomUUID(), body: 'ready at noon' })
  assert.equal((await ada.hears('ready at noon')).sender, `key:${id}`)
  assert.deepEqual((await call('GET', `/${room.id}/messages`)).messages.map(message => message.body), ['ready at noon'])
  await call('POST', `/${room.id}/events`, { event: 'order:ready', data: { table: 7 } })
  assert.deepEqual(await ada.hearsEvent('order:ready'), ['order:ready', { sender: `key:${id}`, table: 7 }])
  assert.equal((await exchanges(id)).length, 1, 'a remembered key cost another question')
  ada.leaves()
})

test('its policy bounds it', async () => {
  const { key } = await stack.authctl('key', 'issue', '--name', 'reader', '--policy', 'read-only')
  refused(await request(stack, 'POST', '/api/v1/rooms', { token: key, body: {} }), 403, 'forbidden')
})

test('requests at once wait for one exchange, and those who hang up meanwhile harm nobody', async () => {
  const { key, id } = await issue()
  const gone = Array.from({ length: 8 }, () => {
    const req = https.request(`${stack.url}/api/v1/rooms`, { ca: stack.ca, agent: false, headers: { authorization: `Bearer ${key}` } })
    req.on('error', () => {})
    req.end()
    return req
  })
  const answers = await whileAuthStandsStill(async () => {
    const asked = Array.from({ length: 8 }, () => works(key))
    await pause(300) // nothing tells that they are with the gateway: it keeps quiet until auth speaks
    for (const req of gone) req.destroy()
    await pause(100)
    return asked
  })
  await Promise.all(answers)
  const [exchange, ...more] = await exchanges(id)
  assert.deepEqual(more, [])
  assert.ok(exchange.requests > 1, 'nobody waited')
  await works(key)
})

test('while auth is away, what is remembered works, and what is not is answered in time', async () => {
  const [known, unknown] = [await issue(), await issue()]
  await works(known.key)
  await whileAuthStandsStill(async () => {
    const waiting = rooms(unknown.key)
    await works(known.key)
    const answer = await waiting
    assert.ok(['deadline', 'unavailable'].includes(answer.json.error.code), answer.text)
    await works(known.key)
  })
  await until('auth is back', async () => (await rooms(unknown.key)).status === 200)
})

test('a key ends at once: revoked, or rotated without grace', async () => {
  const [revoked, rotated] = [await issue(), await issue()]
  await works(revoked.key)
  await works(rotated.key)
  await stack.authctl('key', 'revoke', revoked.id)
  await until('the revocation is heard', async () => (await rooms(revoked.key)).status === 401)
  refused(await rooms(revoked.key), 401, 'key_revoked')

  const { key } = await stack.authctl('key', 'rotate', rotated.id, '--grace', '0s')
  await until('the rotation is heard', async () => (await rooms(rotated.key)).json.error?.code === 'key_invalid')
  await works(key)
})

test('a former secret works until its grace ends, though it was remembered before', async () => {
  const old = await issue()
  await works(old.key)
  const { key, grace_until } = await stack.authctl('key', 'rotate', old.id, '--grace', '3s')
  await works(old.key)
  await until('the grace is over', async () => (await rooms(old.key)).json.error?.code === 'key_invalid')
  assert.ok(Date.now() > grace_until - 1000 && Date.now() < grace_until + 5000, `${Date.now() - grace_until} ms after its grace`)
  await works(key)
})

test('a wrong secret, a wrong form and a wrong network have their codes', async () => {
  const { key, id } = await issue('--network', '10.0.0.0/8')
  const answer = await rooms(key)
  refused(answer, 403, 'address_refused')
  assert.match(answer.json.error.message, /127\.0\.0\.1/)
  const former = await issue()
  await stack.authctl('key', 'rotate', former.id, '--grace', '0s')
  const wrong = await rooms(former.key)
  refused(wrong, 401, 'key_invalid')
  assert.equal(wrong.headers['www-authenticate'], 'Bearer')
  refused(await rooms(key.slice(0, -1) + (key.endsWith('0') ? '1' : '0')), 401, 'key_invalid')
  assert.equal((await exchanges(id)).length, 1, 'a mistyped key was a question to auth')
})

test('guessing is bounded for an address; a key that was good before goes on', async () => {
  const good = await issue()
  await works(good.key)
  const answer = await until('too many', async () => {
    const one = await rooms(wrongKey())
    return one.status === 429 ? one : refused(one, 401, 'key_invalid')
  })
  refused(answer, 429, 'rate_limited')
  assert.ok(answer.json.error.details.retry_after_ms > 0 && Number(answer.headers['retry-after']) > 0)
  await works((await issue()).key)
  await works(good.key)
  await stack.authctl('key', 'rotate', (await issue()).id) // all that is remembered is asked for again
  await until('the rotation is heard', async () => { await works(good.key); return logged(good.id).length === 2 })
})

test('no key and no token of one is in any log', async () => {
  const { key, id } = await issue()
  for (const path of [`/x/${key}`, `/x/%6Ddk_${key.slice(4)}`, `/x/mdk%5f${key.slice(4)}`, '/x/%65yJhbGciOiJFUzI1NiJ9', `/x/${id}`])
    assert.equal((await request(stack, 'GET', path)).status, 404)
  await until('the last request is logged', () => stack.log('gateway-1').includes(`/x/${id}`))
  for (const name of readdirSync(join(stack.dir, 'log'))) assert.doesNotMatch(stack.log(name), /mdk_|eyJ|%6d|%5f|%65/i, name)
})
