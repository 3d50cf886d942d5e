// i_api_key - a back end gives its API key where a token is wanted: what it may do, how it ends, what guessing costs.
import assert from 'node:assert/strict'
import https from 'node:https'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { startStack } from '../lib/stack.mjs'
import { wrongKey } from '../lib/keys.mjs'
import { Person, request as ask } from '../lib/people.mjs'
import { Secrets, watch } from '../lib/secrets.mjs'
import { pause, until } from '../lib/wait.mjs'

// Ten refused credentials in 60 s are all that this file has: 127.0.0.1 is one address.
let stack, watched
before(async () => {
  stack = await startStack({ env: { MADANG_GATEWAY_RATE_PERCENT: '100', MADANG_CALL_BUDGET_MS: '6000' } })
  watched = await watch(stack)
})
after(() => { watched?.stop(); return stack?.stop() })

/** Every key and token of this file, and every refusal: the last test looks for the ones in the others. */
const secrets = new Secrets()
const refusals = []
async function authctl(...words) {
  const answer = await stack.authctl(...words)
  if (answer.key) secrets.addKey(answer.key)
  return answer
}
async function request(...words) {
  const answer = await ask(...words)
  if (answer.status >= 400) refusals.push(answer.text + JSON.stringify(answer.headers))
  return answer
}
const issue = (...more) => authctl('key', 'issue', '--name', 'back end', '--policy', 'chat-backend', ...more)
const tokenOf = async (key, subject) => {
  const { token } = (await request(stack, 'POST', '/auth/token', { body: { api_key: key, subject } })).json.data
  secrets.addToken(token)
  return token
}
const web = async () => (await authctl('key', 'issue', '--name', 'web', '--policy', 'chat-client')).key
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
  const ada = await Person.arrives(stack, key, 'ada', { token: await tokenOf(await web(), 'ada') })
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
  const { key } = await authctl('key', 'issue', '--name', 'reader', '--policy', 'read-only')
  refused(await request(stack, 'POST', '/api/v1/rooms', { token: key, body: {} }), 403, 'forbidden')
})

test('requests at once wait for one exchange, and those who hang up meanwhile harm nobody', async () => {
  const { key, id } = await issue()
  const accepted = () => stack.metric(1, 'madang_gateway_connections_accepted_total'), before = await accepted()
  const gone = Array.from({ length: 8 }, () => {
    const req = https.request(`${stack.url}/api/v1/rooms`, { ca: stack.ca, agent: false, headers: { authorization: `Bearer ${key}` } })
    req.on('error', () => {})
    req.end()
    return req
  })
  const answers = await whileAuthStandsStill(async () => {
    const asked = Array.from({ length: 8 }, () => works(key))
    await until('all are connected', async () => await accepted() >= before + 16)
    await pause(300) // nothing tells that their requests are with the gateway: it keeps quiet until auth speaks
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
  await authctl('key', 'revoke', revoked.id)
  await until('the revocation is heard', async () => (await rooms(revoked.key)).status === 401)
  refused(await rooms(revoked.key), 401, 'key_revoked')

  const { key } = await authctl('key', 'rotate', rotated.id, '--grace', '0s')
  await until('the rotation is heard', async () => (await rooms(rotated.key)).json.error?.code === 'key_invalid')
  await works(key)
})

test('a former secret works until its grace ends, though it was remembered before', async () => {
  const old = await issue()
  await works(old.key)
  const { key, grace_until } = await authctl('key', 'rotate', old.id, '--grace', '6s')
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
  await authctl('key', 'rotate', former.id, '--grace', '0s')
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
  await authctl('key', 'rotate', (await issue()).id) // all that is remembered is asked for again
  await until('the rotation is heard', async () => { await works(good.key); return logged(good.id).length === 2 })
})

/** A key and a token in all places where they do not belong, and in those where they do but something else is wrong. */
async function misplace(key, id, token) {
  const good = (await issue()).key
  const paths = [`/x/${key}`, `/x/%6Ddk_${key.slice(4)}`, `/x/mdk%5f${key.slice(4)}`, `/x/${token}`, `/x/%65${token.slice(1)}`,
    `/x?api_key=${key}`, `/api/v1/rooms/${key}`, `/api/v1/rooms?cursor=${key}`, `/api/v1/rooms?limit=${token}`]
  for (const path of paths) await request(stack, 'GET', path, { token: path.startsWith('/api') ? good : undefined })
  for (const raw of [`{"api_key":"${key}",,}`, `{"api_key":"${key}"`, `${key}`, `{"${key}":1}`, `{"api_key":"${key}","subject":"${token}"}`, `{"api_key":"${token}"}`])
    await request(stack, 'POST', '/auth/token', { raw })
  await request(stack, 'POST', '/api/v1/rooms', { token: good, body: { name: 1, [key]: token, client_key: key + token } })
  for (const authorization of [`Basic ${key}`, key, `Bearer  ${key}`, `Bearer ${key} ${token}`, `Bearer ${token.slice(0, -6)}AAAAAA`])
    await request(stack, 'GET', '/api/v1/rooms', { headers: { authorization } })
  const refused = await Person.arrives(stack, key, 'eve', { token: `${token.slice(0, -6)}AAAAAA` }).catch(error => error)
  refusals.push(`${refused.message} ${JSON.stringify(refused.data)}`)
  await request(stack, 'GET', `/x/${id}`)
  await until('the last request is logged', () => stack.log('gateway-1').includes(`/x/${id}`))
}

test('no part of a key, of a token or of a hash of them is in a log, a refusal, a command line or in Redis', async () => {
  const { key, id } = await issue()
  const token = await tokenOf(key, 'ada')
  await works(token)
  const ada = await Person.arrives(stack, key, 'ada', { token })
  await misplace(key, id, token)
  ada.leaves()
  await until('Redis was asked', () => watched.redis().includes('madang:recovery:'))

  assert.ok(secrets.size > 500 && refusals.length > 10, `${secrets.size} parts, ${refusals.length} refusals`)
  assert.ok(secrets.find(`>${key}<`) && secrets.find(token.slice(-20)), 'a key that is there is found')
  assert.ok(watched.processes().includes(stack.dir), 'the processes are looked at')
  for (const [name, text] of watched.logs()) assert.equal(secrets.find(text), undefined, `the log of ${name}`)
  for (const text of refusals) assert.equal(secrets.find(text), undefined, 'a refusal')
  assert.equal(secrets.find(watched.processes()), undefined, 'a command line')
  assert.equal(secrets.find(watched.redis()), undefined, 'Redis')
})
