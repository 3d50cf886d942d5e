// b_refusals - whatever is wrong gets a stable code and a clear sentence, and harms nobody.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { randomUUID } from 'node:crypto'
import bcrypt from 'bcryptjs'
import { startStack } from '../lib/stack.mjs'
import { wrongKey } from '../lib/keys.mjs'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { pause, until } from '../lib/wait.mjs'

// In `strict` the rates of proto/public.def hold.
let stack, strict, key, token, brief, ada, room
before(async () => {
  stack = await startStack({ env: { MADANG_GATEWAY_MAX_PAYLOAD: '100000' } })
  strict = await startStack({ env: { MADANG_GATEWAY_RATE_PERCENT: '100', MADANG_GATEWAY_ADMIN_USER: 'admin', MADANG_GATEWAY_ADMIN_PASSWORD_HASH: bcrypt.hashSync('password', 4) } })
  key = await stack.issueKey()
  token = await tokenFor(stack, key, 'ada')
  brief = await tokenFor(stack, key, 'ada', { ttl_s: 10 }) // over when the last test asks
  ada = await Person.arrives(stack, key, 'ada')
  room = (await ada.makesRoom()).id
})
after(async () => { ada?.leaves(); await stack?.stop(); await strict?.stop() })

const refused = (answer, status, code) => {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.json?.success, false, answer.text)
  assert.equal(answer.json.error.code, code, answer.text)
  assert.ok(answer.json.error.message.length > 3)
}

const connectWith = auth => new Person(stack, 'x', auth).connects({ reconnection: false, ...(auth === undefined ? { auth: {} } : {}) })
const codeOf = async auth => connectWith(auth).then(() => 'connected', error => error.data?.code)

test('connecting without a token, or with a bad one, is a connect_error with a code', async () => {
  assert.equal(await codeOf(undefined), 'unauthenticated')
  assert.equal(await codeOf('nonsense'), 'token_invalid')
  const [head, claims, signature] = token.split('.')
  const forged = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(claims, 'base64url')), sub: 'root' })).toString('base64url')
  assert.equal(await codeOf(`${head}.${forged}.${signature}`), 'token_invalid')
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
  assert.equal(await codeOf(`${none}.${claims}.`), 'token_invalid')
})

test('an unknown namespace is refused', async () => {
  await assert.rejects(Person.arrives(stack, key, 'ada', { namespace: '/nowhere', reconnection: false }), { message: 'Invalid namespace' })
})

test('a policy forbids connecting, and single events, by name', async () => {
  const { writeFileSync } = await import('node:fs')
  const { join } = await import('node:path')
  const file = join(stack.dir, 'listener.json')
  writeFileSync(file, JSON.stringify({ rules: [
    { effect: 'allow', namespaces: ['/chat'], actions: ['connect', 'subscribe', 'history'] },
    { effect: 'allow', namespaces: ['/chat'], events: ['room:list'], actions: ['emit'] },
  ] }))
  await stack.authctl('policy', 'put', 'listener', file)
  const quiet = await stack.issueKey({ policy: 'listener' })
  const eve = await Person.arrives(stack, quiet, 'eve')
  await eve.joins(room)
  await eve.isRefused('message:send', { room, id: randomUUID(), body: 'x' }, 'forbidden')
  await eve.calls('room:list', {})
  await assert.rejects(Person.arrives(stack, quiet, 'eve', { namespace: '/system', reconnection: false }), error => error.data?.code === 'forbidden')
  refused(await request(stack, 'POST', `/api/v1/rooms/${room}/messages`, { token: eve.token, body: { id: randomUUID(), body: 'x' } }), 403, 'forbidden')
  eve.leaves()
})

test('a rule means its room however its id is written', async () => {
  const { writeFileSync } = await import('node:fs')
  const { join } = await import('node:path')
  const file = join(stack.dir, 'elsewhere.json')
  writeFileSync(file, JSON.stringify({ rules: [{ effect: 'allow' }, { effect: 'deny', rooms: [room] }] }))
  await stack.authctl('policy', 'put', 'elsewhere', file)
  const barred = await stack.issueKey({ policy: 'elsewhere' })
  const token = await tokenFor(stack, barred, 'ada')
  for (const id of [room, room.toUpperCase()]) {
    refused(await request(stack, 'GET', `/api/v1/rooms/${id}/messages`, { token }), 403, 'forbidden')
    refused(await request(stack, 'POST', `/api/v1/rooms/${id}/messages`, { token, body: { id: randomUUID(), body: 'x' } }), 403, 'forbidden')
  }
})

test('a cap within the bounds of each field, and too large in all, is refused and ends nobody', async () => {
  const patterns = n => Array.from({ length: n }, (_, i) => `${i}`.padEnd(128, 'a*'))
  const rule = { effect: 'allow', namespaces: patterns(16), events: patterns(64), rooms: patterns(64) }
  const api_key = await strict.issueKey()
  const exchange = more => request(strict, 'POST', '/auth/token', { body: { api_key, ...more } })
  const before = strict.pid('auth')
  for (let i = 0; i < 3; i++) refused(await exchange({ cap: Array(7).fill(rule) }), 413, 'too_large')
  assert.equal((await exchange({ cap: [{ effect: 'allow', rooms: ['tea'] }] })).status, 200)
  assert.equal(strict.pid('auth'), before)
})

test('fields: missing, of the wrong type, too short, too long; each is named', async () => {
  const id = randomUUID()
  await ada.isRefused('message:send', { room, id }, 'invalid_argument', /body/)
  await ada.isRefused('message:send', { room, id, body: 7 }, 'invalid_argument', /body/)
  await ada.isRefused('message:send', { room, id, body: '' }, 'invalid_argument', /body/)
  await ada.isRefused('message:send', { room, id, body: 'x'.repeat(1001) }, 'invalid_argument', /body/)
  await ada.isRefused('message:send', { room: 'lobby', id, body: 'x' }, 'invalid_argument', /room/)
  await ada.isRefused('message:send', { room, id: 'short', body: 'x' }, 'invalid_argument', /id/)
  await ada.isRefused('message:send', { room, id, body: 'a\u0000b' }, 'invalid_argument', /NUL/)
  await ada.isRefused('message:send', 'not an object', 'invalid_argument')
  await ada.isRefused('message:send', undefined, 'invalid_argument')
  await ada.isRefused('room:join', { room: randomUUID() }, 'not_found')
  await ada.says(room, '☃'.repeat(1000))
})

test('an event that nothing answers is refused, in its ack or on /error', async () => {
  await ada.isRefused('no:such', { a: 1 }, 'no_event')
  const listener = await Person.arrives(stack, key, 'ada', { namespace: '/error' })
  const chat = listener.socket.io.socket('/chat', { auth: { token } })
  await new Promise(resolve => chat.once('connect', resolve))
  chat.emit('no:such', { a: 1 })
  const [, failure] = await listener.hearsEvent('error')
  assert.equal(failure.code, 'no_event')
  chat.disconnect(); listener.leaves()
})

test('REST: malformed, wrong, missing, unknown', async () => {
  const rooms = '/api/v1/rooms'
  refused(await request(stack, 'POST', rooms, { token, raw: '{"name":' }), 400, 'malformed')
  refused(await request(stack, 'POST', rooms, { token, raw: '['.repeat(5000) + ']'.repeat(5000) }), 400, 'malformed')
  refused(await request(stack, 'POST', `${rooms}/${room}/messages`, { token, raw: `{"id":"${randomUUID()}","body":"x","meta":${'['.repeat(40)}${']'.repeat(40)}}` }), 400, 'malformed')
  refused(await request(stack, 'POST', rooms, { token, raw: '"text"' }), 400, 'invalid_argument')
  refused(await request(stack, 'POST', rooms, { token, body: { name: 5 } }), 400, 'invalid_argument')
  refused(await request(stack, 'POST', rooms, { token, raw: '{}', headers: { 'content-type': 'text/plain' } }), 415, 'unsupported_media')
  refused(await request(stack, 'POST', rooms, { body: {} }), 401, 'unauthenticated')
  refused(await request(stack, 'POST', rooms, { body: {}, token: 'x.y.z' }), 401, 'token_invalid')
  refused(await request(stack, 'GET', '/api/v1/nothing', { token }), 404, 'no_route')
  refused(await request(stack, 'PUT', rooms, { token, body: {} }), 405, 'method_not_allowed')
  refused(await request(stack, 'GET', `${rooms}/${room}/messages?limit=0`, { token }), 400, 'invalid_argument')
  refused(await request(stack, 'GET', `${rooms}/${room}/messages?limit=ten`, { token }), 400, 'invalid_argument')
  refused(await request(stack, 'GET', `${rooms}/not-a-room/messages`, { token }), 400, 'invalid_argument')
  refused(await request(stack, 'POST', `${rooms}/${room}/messages`, { token, body: { id: randomUUID(), body: 'x'.repeat(200000) } }), 413, 'too_large')
  refused(await request(stack, 'GET', rooms, { token, headers: { 'x-long': 'x'.repeat(60000) } }), 431, 'headers_too_large')
})

test('HEAD is answered wherever GET is, as GET is but for the body', async () => {
  const rooms = '/api/v1/rooms', messages = `${rooms}/${room}/messages`
  let last
  for (let n = 0; n < 12; n++) last = await ada.says(room, `a message of some length, so that an answer is worth compressing ${n} ${'x'.repeat(60)}`)
  await until('the list of rooms has heard of them', async () => (await ada.calls('room:list', {})).rooms.find(({ id }) => id === room).last?.seq === last.seq)
  const seen = answer => {
    const { date, 'x-request-id': trace, ratelimit, ...headers } = answer.headers
    return [answer.status, headers]
  }
  for (const [path, options] of [
    ['/.well-known/jwks.json', {}],
    [rooms, { token }], [messages, { token }], [messages, { token, headers: { 'accept-encoding': 'gzip' } }],
    [rooms, {}], [rooms, { token: 'x.y.z' }], [`${messages}?limit=0`, { token }], [`${rooms}/${randomUUID()}/messages`, { token }],
    ['/api/v1/conversations/nothing', { token }], ['/api/v1/nothing', { token }], ['/healthz', {}],
  ]) {
    const get = await request(stack, 'GET', path, options), only = await request(stack, 'HEAD', path, options)
    assert.deepEqual(seen(only), seen(get), path)
    assert.ok(get.text.length > 0 && Number(only.headers['content-length']) > 0, path)
    assert.equal(only.text, '', path)
  }
  for (const path of [`${rooms}/${room}/events`, '/auth/token']) assert.equal((await request(stack, 'HEAD', path, { token })).status, 405, path)
  const { headers } = await request(stack, 'PUT', messages, { token, body: {} })
  assert.deepEqual(headers.allow.split(', ').sort(), ['GET', 'HEAD', 'POST'])
})

test('keys: wrong, altered, revoked; tokens of a revoked key end at once, live sockets too', async () => {
  const exchange = api_key => request(stack, 'POST', '/auth/token', { body: { api_key } })
  refused(await exchange('nonsense'), 401, 'key_invalid')
  const altered = key.replace(/.(?=_[^_]*$)/, c => c === 'A' ? 'B' : 'A')
  refused(await exchange(altered), 401, 'key_invalid')

  const doomed = await stack.authctl('key', 'issue', '--name', 'doomed', '--policy', 'chat-client')
  const kim = await Person.arrives(stack, doomed.key, 'kim')
  let gone = false
  kim.socket.once('disconnect', () => { gone = true })
  await stack.authctl('key', 'revoke', doomed.id)
  await until('her socket has ended', () => gone)
  refused(await exchange(doomed.key), 401, 'key_revoked')
  refused(await kim.rest('GET', '/api/v1/rooms'), 401, 'key_revoked')
  kim.leaves()
})

/** A socket of the connection that `person` has; how its next CONNECT is answered. */
function another(person, namespace) {
  const socket = person.socket.io.socket(namespace, { auth: { token: person.token } })
  socket.connects = () => new Promise(resolve => {
    socket.off().once('connect', () => resolve('connected')).once('connect_error', resolve)
    if (!socket.active) socket.connect() // a new one has begun already
  })
  return socket
}

test('coming and going on one connection is bounded; coming with a new one is not', async () => {
  const token = await tokenFor(strict, await strict.issueKey(), 'bo')
  const bo = await new Person(strict, 'bo', token).connects()
  const { engine } = bo.socket.io
  const visits = another(bo, '/notification')
  const began = Date.now()
  let times = 0, answer
  while ((answer = await visits.connects()) === 'connected' && ++times < 1000) visits.disconnect()
  const most = 100 + Math.ceil((Date.now() - began) / 600)
  assert.ok(times >= 99 && times <= most, `${times} times, of ${most}`)
  assert.equal(answer.data.code, 'rate_limited')
  assert.ok(answer.data.retry_after_ms > 0 && answer.data.retry_after_ms <= 601, JSON.stringify(answer.data))

  await pause(answer.data.retry_after_ms)
  assert.equal(await visits.connects(), 'connected', 'did as he was told')
  await until('so are tokens', async () => (await bo.emits('auth:refresh', { token })).error?.code === 'rate_limited')
  await bo.makesRoom()
  assert.equal(bo.socket.io.engine, engine, 'all on one connection')
  visits.disconnect()
  for (let i = 0; i < 50; i++) bo.socket.io.engine.send(`0/notification,${JSON.stringify({ token })}`)
  await until('who goes on regardless is disconnected', () => !bo.socket.connected)
  bo.leaves()

  for (let reload = 0; reload < 40; reload++) {
    const page = await new Person(strict, 'bo', token).connects(), { engine } = page.socket.io
    for (const namespace of ['/', '/notification', '/error']) assert.equal(await another(page, namespace).connects(), 'connected')
    assert.equal(page.socket.io.engine, engine)
    page.socket.io._close()
    page.leaves()
  }
})

test('guessing keys is bounded; using a good one is not', async () => {
  const good = await strict.issueKey()
  for (let i = 0; i < 25; i++) await tokenFor(strict, good, `user-${i}`)
  const exchange = api_key => request(strict, 'POST', '/auth/token', { body: { api_key } })
  const began = Date.now()
  let answer, taken = 0
  while (taken < 50 && (answer = await exchange(wrongKey())).status === 401) taken++
  refused(answer, 429, 'rate_limited')
  const most = 10 + Math.ceil((Date.now() - began) / 6000)
  assert.ok(taken >= 10 && taken <= most, `${taken} guesses were taken, of ${most}`)
  assert.ok(answer.json.error.details.retry_after_ms > 0 && Number(answer.headers['retry-after']) > 0)

  const guess = () => new Person(strict, 'admin').connects({ namespace: '/admin', reconnection: false, auth: { username: 'admin', password: 'x' } })
    .catch(error => error)
  const first = Date.now()
  let wrong = 0, refusal
  while (wrong < 50 && (refusal = await guess()).message === 'invalid credentials') wrong++
  const { data } = refusal, may = 10 + Math.ceil((Date.now() - first) / 6000)
  assert.ok(wrong >= 10 && wrong <= may, `${wrong} passwords were compared, of ${may}: keys were counted as passwords`)
  assert.ok(data?.code === 'rate_limited' && data.retry_after_ms > 0 && data.retry_after_ms <= 60000, JSON.stringify(data))
})

test('an API key has no place in a URL', async () => {
  refused(await request(stack, 'GET', `/auth/token/${key}`), 404, 'no_route')
  refused(await request(stack, 'POST', `/auth/token?api_key=${key}`, { body: { subject: 'ada' } }), 400, 'invalid_argument')
})

test('no secret is in any log', async () => {
  const { readdirSync } = await import('node:fs')
  const secret = /^mdk_[^_]+_(.+)_[^_]+$/.exec(key)[1]
  for (const name of readdirSync(`${stack.dir}/log`)) {
    const log = stack.log(name)
    assert.ok(!log.includes(secret), `${name} logged the API key`)
    assert.ok(!log.includes(token.split('.')[2]), `${name} logged a token`)
  }
  assert.match(stack.log('gateway-1'), /"event":/)
})

test('nobody was harmed', async () => {
  const before = ada.heard.length
  await ada.joins(room)
  await ada.says(room, 'still here')
  await ada.hears('still here')
  assert.ok(ada.heard.length > before)
})

test('connecting with an expired token is a connect_error with a code', async () => {
  const end = JSON.parse(Buffer.from(brief.split('.')[1], 'base64url')).exp * 1000
  await until('it is over', () => Date.now() > end + 500)
  assert.equal(await codeOf(brief), 'token_expired')
})
