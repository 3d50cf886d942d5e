// j_guesses - who guesses credentials is slowed down; who has a good one is not, whatever others at the same address do.
import assert from 'node:assert/strict'
import https from 'node:https'
import { after, before, test } from 'node:test'
import { wrongKey } from '../lib/keys.mjs'
import { Person, everybodyLeaves, request } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { pause, until } from '../lib/wait.mjs'

// All of 127.0.0.0/8 is this machine's: each test has an address of its own.
let stack
before(async () => { stack = await startStack({ env: { MADANG_GATEWAY_RATE_PERCENT: '100', MADANG_AUTH_REGISTRATION: 'open', MADANG_AUTH_PASSWORD_COST: '10' } }) })
after(async () => {
  if (stack) everybodyLeaves(stack)
  await stack?.stop()
})

const issue = (...more) => stack.authctl('key', 'issue', '--name', 'back end', '--policy', 'chat-backend', ...more)
const login = (key, from, more = {}, agent) => request(stack, 'POST', '/auth/token', { body: { api_key: key, subject: 'ada', ...more }, from, agent })
const rooms = (token, from, agent) => request(stack, 'GET', '/api/v1/rooms', { token, from, agent })
const counts = answers => {
  const n = {}
  for (const { status, json } of answers) n[json?.error?.code ?? status] = (n[json?.error?.code ?? status] ?? 0) + 1
  return n
}
const times = (n, what) => Promise.all(Array.from({ length: n }, (_, i) => what(i)))

/** Wrong keys from an address, a hundred a second, until the function returned is called, which has their answers. */
function guesses(from, guess = () => login(wrongKey(), from)) {
  const answers = []
  let going = true
  const done = (async () => {
    while (going) {
      answers.push(guess())
      await pause(10)
    }
  })()
  return async () => {
    going = false
    await done
    return Promise.all(answers)
  }
}

/** Of so many at once that came since `began` `most` were let in, and as many more as there are again each second. */
function areBounded(answers, code, { most, perS, began }) {
  const { [code]: taken, rate_limited: limited, ...others } = counts(answers), renewed = Math.ceil((Date.now() - began) / 1000 * perS)
  assert.deepEqual(others, {})
  assert.ok(limited > 0 && taken >= most && taken <= most + renewed, `${taken} of ${answers.length}, and ${most} and ${renewed} may`)
}

/** How many tokens auth was asked for since. */
const issued = () => stack.log('auth').split('\n').filter(line => line.includes('"token.issue"')).length

test('forty logins at once with a key that was never used before, and forty of such keys', async () => {
  const { key } = await issue()
  assert.deepEqual(counts(await times(40, () => login(key, '127.1.0.1'))), { 200: 40 })
  const keys = []
  for (let i = 0; i < 40; i++) keys.push((await issue()).key)
  assert.deepEqual(counts(await times(20, i => login(keys[i], '127.1.0.2'))), { 200: 20 })
  assert.deepEqual(counts(await times(20, i => rooms(keys[20 + i], '127.1.0.2'))), { 200: 20 })
})

test('bodies that hold no credential keep no key out, and have a rate of their own', async () => {
  const from = '127.1.0.3', { key } = await issue()
  const bodies = ['{', '[]', '{"api_key":7}', '{"api_key":"nonsense"}', '{"api_key":"mdk_nonsense"}', '']
  const before = issued(), began = Date.now(), answers = []
  do answers.push(...await times(40, i => request(stack, 'POST', '/auth/token', { raw: bodies[i % bodies.length], headers: { 'content-type': 'application/json' }, from })))
  while (!counts(answers).rate_limited && answers.length < 1100)
  const { rate_limited: limited, ...others } = counts(answers), renewed = Math.ceil((Date.now() - began) / 600)
  assert.ok(limited > 0 && answers.length - limited >= 100 && answers.length - limited <= 100 + renewed, JSON.stringify(counts(answers)))
  assert.equal(answers.find(answer => answer.status === 429).json.error.details.rate, 'malformed')
  assert.deepEqual(Object.keys(others).filter(code => !['malformed', 'invalid_argument', 'key_invalid'].includes(code)), [])
  assert.equal((await login(key, from)).status, 200)
  assert.equal((await rooms(key, from)).status, 200)
  await until('what was asked is in the log', () => issued() - before >= 2)
  assert.equal(issued() - before, 2, 'what is no key was a question to auth')
})

for (const [what, use] of [['logins', login], ['requests', rooms]])
  test(`${what} with a key that was good before go on while others guess at the same address`, async () => {
    const from = what === 'logins' ? '127.1.0.4' : '127.1.0.5', { key } = await issue()
    assert.equal((await use(key, from)).status, 200)
    const stop = guesses(from, () => use(wrongKey(), from))
    for (let i = 0; i < 20; i++) {
      assert.equal((await use(key, from)).status, 200)
      await pause(50)
    }
    const heard = counts(await stop())
    assert.deepEqual(Object.keys(heard).sort(), ['key_invalid', 'rate_limited'], JSON.stringify(heard))
  })

test('a key that is new to the gateway gets its turn at an address that is over the rate', async () => {
  const from = '127.1.0.6', { key } = await issue()
  await times(12, () => login(wrongKey(), from))
  assert.equal((await login(key, from)).status, 200)
  const { key: other } = await issue()
  assert.equal((await rooms(other, from)).status, 200)
})

test('guesses of an address are ten, and then one a second, however many there are at once', async () => {
  const from = '127.1.0.7', { id } = await issue(), before = issued(), began = Date.now()
  const stop = guesses(from, () => login(wrongKey(Math.random() < 0.5 ? id : undefined), from))
  await pause(3000)
  const answers = await stop(), seconds = (Date.now() - began) / 1000
  await until('what was asked is in the log', () => issued() - before > 10)
  const most = 10 + Math.ceil(seconds) + 1, { key_invalid: refused, rate_limited: limited } = counts(answers)
  assert.ok(refused >= 10 && refused <= 10 + seconds / 6 + 1, `${refused} were answered in ${seconds} s`)
  const asked = issued() - before
  assert.ok(asked <= most, `auth was asked ${asked} times in ${seconds} s, ${most} is the most`)
  assert.ok(limited > 0)
  const over = answers.find(answer => answer.status === 429)
  assert.deepEqual([over.json.error.details.rate, over.json.error.details.limit], ['auth', 10])
  assert.ok(over.json.error.details.retry_after_ms > 0 && Number(over.headers['retry-after']) > 0)
})

const signIn = (email, password, from) => request(stack, 'POST', '/api/v1/auth/login', { body: { email, password }, from })
const register = async nickname => {
  const answer = await request(stack, 'POST', '/api/v1/auth/register', { body: { email: `${nickname}@example.org`, password: 'correct horse battery', nickname } })
  assert.equal(answer.status, 201, answer.text)
}
/** Of people that there are not: no account's own budget is asked. */
const wrongPassword = (n, from) => signIn(`nobody${n}@example.org`, 'incorrect horse battery', from)

test('a password that was good before goes on, and a new one gets its turn, while others guess at the same address', async () => {
  const from = '127.1.0.11'
  for (const nickname of ['ada', 'bo']) await register(nickname)
  assert.equal((await signIn('ada@example.org', 'correct horse battery', from)).status, 200)
  const compared = () => stack.log('auth').split('\n').filter(line => line.includes('"user.login"')).length
  const before = compared(), began = Date.now(), answers = await times(30, n => wrongPassword(n, from))
  areBounded(answers, 'credentials_invalid', { most: 10, perS: 1, began })
  const most = 10 + Math.ceil((Date.now() - began) / 1000) + 1, asked = compared() - before
  assert.ok(asked <= most, `auth was asked about ${asked} passwords, and ${most} are the most`)
  for (let i = 0; i < 3; i++) assert.equal((await signIn('ada@example.org', 'correct horse battery', from)).status, 200)
  assert.equal((await signIn('bo@example.org', 'correct horse battery', from)).status, 200)
})

test('refresh tokens that are refused count for their address, and keep no good one out', async () => {
  const from = '127.1.0.12', refresh = token => request(stack, 'POST', '/api/v1/auth/refresh', { body: { refresh_token: token }, from })
  await register('cy')
  const { refresh_token: good } = (await signIn('cy@example.org', 'correct horse battery', '127.1.0.13')).json.data
  const began = Date.now()
  areBounded(await times(30, () => refresh(good.replace(/^..../, 'AAAA'))), 'token_invalid', { most: 10, perS: 1 / 6, began })
  assert.equal((await refresh(good)).status, 200)
  assert.equal((await rooms(wrongKey(), from)).json.error.code, 'rate_limited', 'a key is a guess like any other')
})

test('wrong keys fill no log, whichever door they come to', async () => {
  const lines = () => stack.log('gateway-1').split('\n').filter(line => /"gateway\.(key|http)"/.test(line) && line.includes('127.1.0.9')).length
  const agent = new https.Agent({ keepAlive: true, maxFreeSockets: 400 })
  // Forty connections more at a time: they may wait for TLS longer than a head may take.
  for (let n = 40; n <= 400; n += 40) await times(n, () => request(stack, 'GET', '/', { from: '127.1.0.9', agent }))
  for (const guess of [() => rooms(wrongKey(), '127.1.0.9', agent), () => login(wrongKey(), '127.1.0.9', {}, agent)]) {
    const before = lines(), began = Date.now(), answers = await times(400, guess)
    const most = 100 * (2 + Math.floor((Date.now() - began) / 10000)) // 50 a place, in one window of ten seconds or two
    assert.ok(answers.every(({ status }) => status === 401 || status === 429))
    assert.ok(lines() - before <= most, `${lines() - before} lines about 400 requests, ${most} are the most`)
  }
  agent.destroy()
})

test('tokens that are none of ours keep no token out, over REST and over a socket', async () => {
  const from = '127.1.0.8', { key } = await issue()
  const began = Date.now()
  areBounded(await times(30, i => rooms(`eyJ.${i}.x`, from)), 'token_invalid', { most: 10, perS: 1 / 6, began })
  const { json } = await login(key, from)
  assert.equal((await rooms(json.data.token, from)).status, 200)

  const refusal = await Person.arrives(stack, key, 'eve', { token: 'eyJ.socket.x', localAddress: from }).catch(error => error)
  assert.equal(refusal.data?.code, 'rate_limited')
  assert.ok(refusal.data.retry_after_ms > 0)
  const ada = await Person.arrives(stack, key, 'ada', { token: json.data.token, localAddress: from })
  ada.leaves()
})
