// n_abuse - who is banned is in nowhere, on every gateway and at once; every attempt is on record.
import assert from 'node:assert/strict'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { wrongKey } from '../lib/keys.mjs'
import { Person, everybodyLeaves, request, tokenFor } from '../lib/people.mjs'
import { metricsText } from '../lib/prometheus.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

// Requests from 127.0.9.1 are a proxy's, whose clients are those that it names; others are their own.
const PROXY = '127.0.9.1'
let stack, doors, key, admin
before(async () => {
  stack = await startStack({ gateways: 2, ownPorts: true, env: { MADANG_GATEWAY_TRUSTED_PROXIES: '127.0.9.0/24' } })
  doors = stack.gatewayPorts.map(port => ({ url: `https://127.0.0.1:${port}`, ca: stack.ca }))
  key = await stack.authctl('key', 'issue', '--name', 'abuse', '--policy', 'chat-client')
  admin = await tokenFor(doors[0], await stack.issueKey({ policy: 'admin' }), 'adam')
})
after(async () => {
  for (const door of doors ?? []) everybodyLeaves(door)
  await stack?.stop()
})

const direct = from => ({ agent: new https.Agent({ ca: stack.ca, localAddress: from }) })
const proxied = client => ({ agent: new https.Agent({ ca: stack.ca, localAddress: PROXY }), extraHeaders: { 'x-forwarded-for': client } })
const arrives = async (door, name, options = {}) => new Person(door, name, await tokenFor(doors[0], key.key, name)).connects({ reconnection: false, ...options })
const code = error => error.data?.code ?? error.message
const comes = (door, name, options) => arrives(door, name, options).then(person => { person.leaves(); return 'ok' }, code)
const from = (client, more) => ({ from: PROXY, headers: { 'x-forwarded-for': client }, ...more })
const rooms = async (door, token, options) => (await request(door, 'GET', '/api/v1/rooms', { token, ...options })).json.error?.code ?? 'ok'
/** Why it was disconnected, when it is. */
const ended = person => new Promise(resolve => {
  let why
  person.socket.on('error', failure => { why = failure.code })
  person.socket.once('disconnect', () => resolve(why))
})

test('a banned subject is out at once, on every gateway, and until it is lifted', async () => {
  const there = await Promise.all(doors.map(door => arrives(door, 'dora'))), ends = there.map(ended)
  const other = await arrives(doors[0], 'emil'), token = await tokenFor(doors[0], key.key, 'dora')
  const ban = await stack.authctl('ban', 'add', '--subject', 'dora', '--reason', 'a test')
  assert.deepEqual(await Promise.all(ends), ['banned', 'banned'])
  for (const door of doors) assert.equal(await rooms(door, token), 'banned')
  const refused = await request(doors[0], 'POST', '/auth/token', { body: { api_key: key.key, subject: 'dora' } })
  assert.equal(refused.status, 403)
  assert.equal(refused.json.error.code, 'banned')
  for (const door of doors) await assert.rejects(new Person(door, 'dora', token).connects({ reconnection: false }), error => code(error) === 'banned')
  assert.equal(other.socket.connected, true)

  assert.deepEqual((await stack.authctl('ban', 'list')).bans.map(({ subject, reason }) => ({ subject, reason })), [{ subject: 'dora', reason: 'a test' }])
  await stack.authctl('ban', 'remove', ban.id)
  for (const door of doors) await until('she is let in again', async () => await rooms(door, token) === 'ok')
  assert.equal(await comes(doors[1], 'dora'), 'ok')
})

test('a banned key is out with all its tokens, and another is not', async () => {
  const bad = await stack.authctl('key', 'issue', '--name', 'bad', '--policy', 'chat-client')
  const person = await new Person(doors[1], 'finn', await tokenFor(doors[0], bad.key, 'finn')).connects({ reconnection: false }), end = ended(person)
  const other = await arrives(doors[1], 'finn')
  await stack.authctl('ban', 'add', '--key', bad.id, '--for', '10m')
  assert.equal(await end, 'banned')
  assert.equal((await request(doors[0], 'POST', '/auth/token', { body: { api_key: bad.key, subject: 'finn' } })).json.error.code, 'banned')
  assert.equal(other.socket.connected, true)
})

test('a banned network is out: its sockets, its requests through a proxy, and its connections before TLS', async () => {
  const banned = await arrives(doors[0], 'gil', proxied('198.51.100.7')), polling = await arrives(doors[1], 'gil', { ...proxied('198.51.100.8'), transports: ['polling'] })
  const nearby = await arrives(doors[0], 'hal', proxied('198.51.101.7'))
  const ends = [banned, polling].map(ended), token = await tokenFor(doors[0], key.key, 'gil')
  await stack.authctl('ban', 'add', '--network', '198.51.100.0/24')
  assert.equal(await ends[0], 'banned')
  await ends[1]
  for (const door of doors) {
    assert.equal(await rooms(door, token, from('198.51.100.9')), 'banned')
    assert.equal(await rooms(door, token, from('198.51.101.9')), 'ok')
    assert.equal((await request(door, 'GET', '/socket.io/?EIO=4&transport=polling', from('198.51.100.9'))).status, 403)
    const page = await request(door, 'GET', '/', from('198.51.100.9', { headers: { 'x-forwarded-for': '198.51.100.9', accept: 'text/html', 'accept-language': 'ko' } }))
    assert.match(page.text, /<html lang="ko">[^]*<h1>들어갈 수 없습니다<[^]*data-code="banned">403 ·/)
    assert.equal((await request(door, 'POST', '/auth/token', from('198.51.100.9', { body: { api_key: key.key } }))).json.error.code, 'banned')
  }
  assert.equal(nearby.socket.connected, true)

  const token7 = await tokenFor(doors[0], key.key, 'ida'), agent = new https.Agent({ ca: stack.ca, localAddress: '127.0.7.7', keepAlive: true })
  const kept = () => new Promise((resolve, reject) => https.get(`${doors[0].url}/api/v1/rooms`, { agent, headers: { authorization: `Bearer ${token7}` } }, answer => {
    answer.resume()
    answer.on('end', () => resolve(answer.statusCode))
  }).on('error', reject))
  assert.equal(await kept(), 200)
  const { id } = await stack.authctl('ban', 'add', '--network', '127.0.7.7', '--for', '1h')
  await until('it is refused on the connection that it had', async () => await kept() === 403)
  for (const door of doors) await assert.rejects(rooms(door, token7, { from: '127.0.7.7' }), /ECONNRESET|socket disconnected|socket hang up/)
  assert.equal(await rooms(doors[0], token7, { from: '127.0.7.8' }), 'ok')
  await stack.authctl('ban', 'remove', id)
  for (const door of doors) await until('it is let in again', () => rooms(door, token7, { from: '127.0.7.7' }).then(answer => answer === 'ok', () => false))
})

test('a ban ends by itself', async () => {
  await stack.authctl('ban', 'add', '--subject', 'jan', '--for', '5s')
  assert.equal((await request(doors[0], 'POST', '/auth/token', { body: { api_key: key.key, subject: 'jan' } })).json.error.code, 'banned')
  await until('he is let in', async () => (await request(doors[0], 'POST', '/auth/token', { body: { api_key: key.key, subject: 'jan' } })).status === 200)
  await until('the gateways know', async () => await comes(doors[0], 'jan') === 'ok')
})

test('what the command does, an administrator does by REST, and not to oneself', async () => {
  const bans = (method, path = '', body) => request(doors[0], method, `/api/v1/admin/bans${path}`, { token: admin, body })
  const made = await bans('POST', '', { subject: 'kai', reason: 'spam', for_s: 600 })
  assert.equal(made.status, 201, made.text)
  assert.equal(made.json.data.by, 'adam')
  assert.ok((await bans('GET')).json.data.bans.some(ban => ban.id === made.json.data.id))
  assert.equal((await bans('DELETE', `/${made.json.data.id}`)).status, 200)
  assert.equal((await bans('DELETE', `/${made.json.data.id}`)).status, 404)
  for (const body of [{ subject: 'adam' }, { network: '127.0.0.0/8' }, { network: '0.0.0.0/0' }, { network: 'nonsense' }, {}, { subject: 'x', key: 'y' }])
    assert.equal((await bans('POST', '', body)).json.error.code, 'invalid_argument', JSON.stringify(body))
})

test('bans come in pages, to the end and back', async () => {
  const bans = async query => (await request(doors[0], 'GET', `/api/v1/admin/bans${query}`, { token: admin })).json
  const made = []
  for (const name of ['one', 'two', 'three', 'four', 'five']) made.unshift((await stack.authctl('ban', 'add', '--subject', `paged-${name}`)).id)
  const all = (await bans('')).data.bans.map(({ id }) => id)
  assert.deepEqual(all.slice(0, 5), made)
  const first = await bans('?limit=2'), second = await bans(`?limit=2&after=${first.meta.next}`)
  assert.deepEqual([first, second].flatMap(page => page.data.bans.map(({ id }) => id)), made.slice(0, 4))
  assert.deepEqual([first.meta.total, first.meta.prev, second.meta.limit], [all.length, undefined, 2])
  assert.deepEqual((await bans(`?limit=2&after=${encodeURIComponent(second.meta.prev)}`)).data, first.data)
  assert.equal((await bans('?after=nonsense')).error.code, 'invalid_argument')
  for (const id of made) await stack.authctl('ban', 'remove', id)
})

test('whoever has authctl is not kept out by a ban', async () => {
  const { id } = await stack.authctl('ban', 'add', '--network', '127.0.0.0/8')
  assert.ok((await stack.authctl('ban', 'list')).bans.some(ban => ban.id === id))
  await stack.authctl('ban', 'remove', id)
  await until('all are let in again', () => rooms(doors[0], admin).then(answer => answer === 'ok', () => false))
})

test('tokens and refusals are on record, by key, address and result', async () => {
  await request(doors[0], 'POST', '/auth/token', { body: { api_key: wrongKey(key.id) }, from: PROXY, headers: { 'x-forwarded-for': '203.0.113.77' } })
  const { attempts } = await stack.authctl('attempts', '--key', key.id, '--result', 'refused', '--address', '203.0.113.77')
  assert.deepEqual(attempts.map(({ kind, result }) => ({ kind, result })), [{ kind: 'token', result: 'key_invalid' }])
  const own = await request(doors[0], 'GET', '/api/v1/auth/attempts?kind=token', { token: admin })
  assert.deepEqual([...new Set(own.json.data.attempts.map(({ subject, result }) => `${subject} ${result}`))], ['adam ok'])
  const doras = await request(doors[0], 'GET', '/api/v1/admin/attempts?result=banned&subject=dora', { token: admin })
  assert.deepEqual([...new Set(doras.json.data.attempts.map(({ subject, result }) => `${subject} ${result}`))], ['dora banned'])
})

const login = (door, body, client, more) => request(door, 'POST', '/api/v1/auth/login', { body, from: PROXY, headers: { 'x-forwarded-for': client, ...more } })

test('thousands who guess at an account get little, and its owner signs in all the time', async () => {
  const password = 'a heron at the weir', email = 'lea@example.org', home = '192.0.2.1'
  const made = await request(doors[0], 'POST', '/api/v1/auth/register', { body: { email, password, nickname: 'lea' } })
  assert.equal(made.status, 201, made.text)
  const first = await login(doors[0], { email, password }, home, { 'user-agent': 'her phone' }), { device_token } = first.json.data
  assert.equal(first.status, 200, first.text)
  assert.ok(device_token)

  const guesses = async () => {
    const text = await metricsText(stack.healthPort + 1)
    return Number(text.match(/madang_guesses_total\{result="compared"\} (\d+)/)[1])
  }
  const before = await guesses(), answers = {}
  let owner = 0
  const guess = async n => {
    const answer = await login(doors[n % 2], { email, password: `a guess, ${n}` }, `10.${n % 200}.${Math.floor(n / 200) % 10}.${n % 250 + 1}`)
    const code = answer.json.error.code
    answers[code] = (answers[code] ?? 0) + 1
    if (code === 'rate_limited') assert.ok(Number(answer.headers['retry-after']) > 0, answer.text)
  }
  for (let n = 0; n < 2400; n += 24) {
    const herself = n % 240 === 0 ? login(doors[0], { email, password, device_token }, n % 480 === 0 ? home : '203.0.113.5').then(answer => {
      assert.equal(answer.status, 200, answer.text)
      assert.equal(answer.json.data.device_token, undefined)
      owner++
    }) : undefined
    await Promise.all([herself, ...Array.from({ length: 24 }, (_, i) => guess(n + i))])
  }
  assert.equal(owner, 10)
  assert.deepEqual(Object.keys(answers).sort(), ['credentials_invalid', 'rate_limited'])
  const compared = await guesses() - before - owner
  assert.ok(compared >= 20 && compared <= 100, `${compared} were compared`)
  assert.equal(answers.credentials_invalid, compared)

  // An account that there isn't is guessed at alike.
  const strange = { email: 'nobody@example.org', password }
  const told = []
  for (let n = 0; n < 22; n++) told.push((await login(doors[0], strange, `10.9.${n}.1`)).json.error.code)
  assert.deepEqual([...new Set(told.slice(0, 20))], ['credentials_invalid'])
  assert.equal(told[21], 'rate_limited')

  const own = await request(doors[0], 'GET', '/api/v1/auth/attempts?kind=login&result=ok', { token: first.json.data.access_token })
  assert.equal(own.json.data.attempts.length, 11)
  assert.ok(own.json.data.attempts.some(({ device, address }) => device === 'her phone' && address === home))
  const refused = await stack.authctl('attempts', '--subject', made.json.data.user.id, '--result', 'credentials_invalid', '--limit', '1000')
  assert.equal(refused.attempts.length, compared)
})

test('handshakes are on record, those alike as one, with whose they were and how they ended', async () => {
  const subject = 'nell', token = await tokenFor(doors[0], key.key, subject), client = '192.0.2.40'
  const tries = async (given, n) => {
    for (let i = 0; i < n; i++) await new Person(doors[i % 2], subject, given).connects({ reconnection: false, ...proxied(client) }).then(person => person.leaves(), () => {})
  }
  await tries(token, 3)
  await tries('nonsense', 4)
  const sum = (attempts, ...want) => attempts.filter(({ result, subject }) => JSON.stringify([result, subject ?? '']) === JSON.stringify(want)).reduce((n, { times }) => n + (times ?? 1), 0)
  await until('all are on record', async () => {
    const { attempts } = await stack.authctl('attempts', '--kind', 'handshake', '--address', client)
    return sum(attempts, 'ok', 'nell') === 3 && sum(attempts, 'token_invalid', '') === 4 && attempts.filter(({ result }) => result === 'ok').every(attempt => attempt.key === key.id)
  })
  await stack.kill('auth')
  await tries(token, 2)
  await stack.ready()
  await until('those of while auth was away, too', async () => sum((await stack.authctl('attempts', '--kind', 'handshake', '--address', client)).attempts, 'ok', 'nell') === 5)
})

test('a session that may not go on is on record', async () => {
  const account = { email: 'max@example.org', password: 'a heron at the weir' }, from = '192.0.2.23'
  await request(doors[0], 'POST', '/api/v1/auth/register', { body: { ...account, nickname: 'max' } })
  const { access_token, refresh_token } = (await login(doors[0], account, '192.0.2.2')).json.data
  await request(doors[0], 'POST', '/api/v1/auth/logout', { token: access_token })
  const refresh = await request(doors[0], 'POST', '/api/v1/auth/refresh', { body: { refresh_token }, from: PROXY, headers: { 'x-forwarded-for': from } })
  assert.equal(refresh.json.error.code, 'session_ended')
  const { attempts } = await stack.authctl('attempts', '--kind', 'refresh', '--address', from)
  assert.deepEqual(attempts.map(({ result, trace }) => ({ result, trace })), [{ result: 'session_ended', trace: refresh.headers['x-request-id'] }])
})

/* --- secrets that are good once, at every door that takes one --- */

const VERIFIER = 'a-verifier-of-at-least-forty-three-characters'
/** Short texts in msgpack. */
const packed = text => { const bytes = Buffer.from(text); return Buffer.concat([Buffer.from(bytes.length < 32 ? [0xa0 | bytes.length] : [0xd9, bytes.length]), bytes]) }
const encode = record => Buffer.concat([Buffer.from([0x80 | Object.keys(record).length]), ...Object.entries(record).flat().map(packed)])
const bytea = bytes => `'\\x${Buffer.from(bytes).toString('hex')}'::bytea`

/** A secret of this purpose, as auth would have made it. */
async function secretOf(purpose, account, data = {}) {
  const secret = randomBytes(32).toString('base64url')
  const hash = createHash('sha256').update(`${purpose}\0${secret}`).digest()
  await stack.sql('auth', `INSERT INTO single_use (hash, purpose, holder, account_id, data, made_at, expires_at) VALUES (${bytea(hash)}, '${purpose}',
    '${randomUUID()}', ${account ? `'${account}'` : 'NULL'}, ${bytea(encode(data))}, now(), now() + interval '10 minutes')`)
  return secret
}

/** A user of its own for each, so that one does not end what is another's. */
async function newUser() {
  const nickname = `u-${randomBytes(6).toString('hex')}`, email = `${nickname}@example.org`
  const { json, text } = await request(doors[0], 'POST', '/api/v1/auth/register', { body: { email, nickname, password: 'a heron at the weir' } })
  assert.ok(json.data?.user, text)
  return { id: json.data.user.id, email }
}

const post = (path, body) => request(doors[0], 'POST', path, { body })
const takers = {
  verify: { data: ({ email }) => ({ email }), come: token => post('/api/v1/auth/verify', { token }) },
  reset: { come: token => post('/api/v1/auth/reset/confirm', { token, password: 'another heron at the weir' }) },
  email_change: { wantsMail: true, data: ({ email }) => ({ email: `new-${email}` }), come: token => post('/api/v1/auth/email', { token }) },
  login_link: { come: token => post('/api/v1/auth/login/mail/confirm', { token }) },
  login_flow: { data: ({ email }) => ({ email, code: '123456' }), come: flow => post('/api/v1/auth/login/mail/confirm', { flow, code: '123456' }) },
  oauth_login: { data: () => ({ provider: 'google', challenge: createHash('sha256').update(VERIFIER).digest('base64url') }), come: code => post('/api/v1/auth/oauth/login', { code, verifier: VERIFIER }) },
  invite: { nobody: true, come: invitation => { const nickname = `i-${randomBytes(6).toString('hex')}`; return post('/api/v1/auth/register', { email: `${nickname}@example.org`, nickname, password: 'a heron at the weir', invitation }) } },
}
const make = async purpose => {
  const user = await newUser()
  return secretOf(purpose, takers[purpose].nobody ? undefined : user.id, takers[purpose].data?.(user))
}
const isGone = ({ status, json }) => status === 410 && json.error.code === 'gone'

test('no door opens with another one\'s secret, nor with one that is over; its own opens it once, however many come at once', async () => {
  for (const [purpose, { come, wantsMail }] of Object.entries(takers)) {
    for (const other of Object.keys(takers).filter(name => name !== purpose)) {
      const answer = await come(await make(other))
      assert.ok(isGone(answer), `${purpose}, of ${other}: ${answer.text}`)
    }
    const over = await make(purpose)
    await stack.sql('auth', 'UPDATE single_use SET expires_at = now()')
    assert.ok(isGone(await come(over)), `${purpose}, over`)
    if (wantsMail) continue // the former address would have to be told
    const secret = await make(purpose)
    const answers = await Promise.all(Array.from({ length: 4 }, () => come(secret)))
    assert.equal(answers.filter(({ status }) => status < 300).length, 1, `${purpose}: ${answers.map(({ status, text }) => `${status} ${text}`)}`)
    assert.equal(answers.filter(isGone).length, 3, `${purpose}: ${answers.map(({ text }) => text)}`)
    assert.ok(isGone(await come(secret)), `${purpose}, used`)
  }
})

test('from a banned network no way in leads anywhere, whichever it is', async () => {
  const { id } = await stack.authctl('ban', 'add', '--network', '198.51.100.0/24')
  const { paths } = JSON.parse(readFileSync(join(root, 'docs/openapi.json'), 'utf8'))
  const ways = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).filter(method => ['get', 'post', 'put', 'patch', 'delete'].includes(method)).map(method => [method.toUpperCase(), path]))
    .filter(([, path]) => path === '/auth/token' || path.startsWith('/api/v1/auth'))
  assert.ok(ways.length > 20)
  const path = text => text.replaceAll(/{\w+}/g, 'x')
  for (const door of doors) await until('it holds', async () => (await request(door, 'POST', '/auth/token', { ...from('198.51.100.9'), body: {} })).json?.error?.code === 'banned')
  for (const [method, template] of ways) {
    const { status, text } = await request(doors[0], method, path(template), from('198.51.100.9'))
    assert.ok(status === 403 && text.includes('banned'), `${method} ${template}: ${status} ${text}`)
  }
  await stack.authctl('ban', 'remove', id)
})
