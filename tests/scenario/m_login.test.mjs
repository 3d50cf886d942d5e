// m_login - people: they register, sign in, talk, go on with their sessions and end them; and nobody gets in who may not.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { secret, signInAt, startOidcProvider } from '../lib/oauth_providers.mjs'
import { freePorts } from '../lib/ports.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { Person, request } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

let stack, oidc, certs, helperPort
before(async () => {
  const port = await freePorts(2)
  helperPort = port + 1
  certs = mkdtempSync(join(tmpdir(), 'madang-login-'))
  writeFileSync(join(certs, 'secret'), `${secret}\n`, { mode: 0o600 })
  stack = await startStack({ env: {
    MADANG_FETCH_PLAIN: '1', MADANG_FETCH_INSIDE: '127.0.0.1', MADANG_FETCH_PORTS: `${port}`, MADANG_AUTH_OAUTH_RETURN_TO: 'https://app.example/signed-in',
    MADANG_AUTH_OAUTH_OIDC_CLIENT_ID: 'madang', MADANG_AUTH_OAUTH_OIDC_CLIENT_SECRET: join(certs, 'secret'), MADANG_AUTH_OAUTH_OIDC_ISSUER: `http://127.0.0.1:${port}`,
  } })
  oidc = await startOidcProvider(port, { client: 'madang', callback: `${stack.url}/api/v1/auth/oauth/oidc/callback`, people: { grace: { name: 'Grace H.' } } })
})
after(async () => {
  await oidc?.stop()
  await stack?.stop()
  rmSync(certs, { recursive: true, force: true })
})

const password = 'correct horse battery'
const post = (path, body, token, more) => request(stack, 'POST', `/api/v1/auth/${path}`, { body, token, ...more })
const me = token => request(stack, 'GET', '/api/v1/auth/me', { token })
const refused = (answer, status, code) => { assert.equal(answer.status, status, answer.text); assert.equal(answer.json.error.code, code, answer.text) }
const sql = text => stack.sql('auth', text)
const claimsOf = token => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))

async function register(nickname, more = {}) {
  const answer = await post('register', { email: `${nickname}@example.org`, password, nickname, ...more })
  assert.equal(answer.status, 201, answer.text)
  return answer.json.data.user
}
async function signIn(nickname, more) {
  const answer = await post('login', { email: `${nickname}@example.org`, password }, undefined, more)
  assert.equal(answer.status, 200, answer.text)
  return answer.json.data
}
async function refresh(token) {
  const answer = await post('refresh', { refresh_token: token })
  assert.equal(answer.status, 200, answer.text)
  return answer.json.data
}

test('a session opens sockets, goes on, and ends with all of its own and nothing else', async () => {
  const { id } = await register('ada', { name: 'Ada L.' })
  const [one, other] = await Promise.all([signIn('ada'), signIn('ada')])
  for (const path of ['/api/v1/auth/me', '/api/v1/users/me']) {
    const answer = await request(stack, 'GET', path, { token: one.access_token })
    assert.deepEqual(answer.json.data, one.user)
  }
  assert.deepEqual({ ...one.user, created_at: 0 },
    { id, email: 'ada@example.org', email_verified: false, nickname: 'ada', name: 'Ada L.', avatar: `/avatars/${id}`, locale: 'en', policy: 'member', created_at: 0 })
  const claims = claimsOf(one.access_token)
  assert.deepEqual([claims.sub, claims.sid, claims.email, claims.name, claims.pol, claims.amr, claims.exp - claims.iat, claims.key, claims.act],
    [id, one.session, 'ada@example.org', 'Ada L.', 'member', ['pwd'], 900, undefined, undefined])
  assert.ok(claims.auth_time <= claims.iat && claims.auth_time > claims.iat - 10)

  const ada = await new Person(stack, 'ada', one.access_token).connects({ reconnection: false })
  const elsewhere = await new Person(stack, 'ada elsewhere', other.access_token).connects({ reconnection: false })
  const { id: room } = await ada.makesRoom()
  await ada.joins(room)
  assert.equal((await ada.says(room, 'hello')).seq, 1)
  assert.equal((await ada.reads(room))[0].sender, id)

  const next = await refresh(one.refresh_token)
  assert.equal(next.session, one.session)
  await ada.calls('auth:refresh', { token: next.access_token })

  const gone = new Promise(resolve => ada.socket.once('disconnect', resolve))
  assert.equal((await post('logout', undefined, next.access_token)).status, 204)
  await gone
  assert.equal(ada.events.find(([name]) => name === 'error')[1].code, 'session_ended')
  refused(await me(one.access_token), 401, 'session_ended')
  refused(await post('refresh', { refresh_token: next.refresh_token }), 401, 'session_ended')
  await elsewhere.makesRoom()
  for (const person of [ada, elsewhere]) person.leaves()
})

test("a browser's refresh token is in a cookie that its scripts do not see, and acts for our own pages alone", async () => {
  await register('dee')
  const login = (headers, more = { cookie: true }) => post('login', { email: 'dee@example.org', password, ...more }, undefined, { headers })
  const cookieOf = answer => {
    const lines = answer.headers['set-cookie'].filter(line => !line.startsWith('__Secure-madang_device_api=')) // of a device that is new
    const [line, ...others] = lines
    assert.equal(others.length, 0)
    const [, value, rest] = /^__Secure-madang_rt=([^;]*)(.*)$/.exec(line)
    return { cookie: `__Secure-madang_rt=${value}`, value, rest }
  }
  const own = { origin: stack.url }
  for (const headers of [{}, { origin: 'https://evil.example' }, { origin: 'null' }, { ...own, 'sec-fetch-site': 'cross-site' }])
    refused(await login(headers), 403, 'origin_refused')
  const plain = await login({}, {})
  assert.equal(plain.headers['set-cookie'], undefined)
  assert.ok(plain.json.data.refresh_token)

  const first = await login(own)
  assert.equal(first.status, 200)
  assert.equal(first.json.data.refresh_token, undefined)
  assert.ok(first.json.data.access_token)
  const { cookie, rest } = cookieOf(first)
  assert.equal(rest, '; Path=/api/v1/auth; Max-Age=7776000; HttpOnly; Secure; SameSite=Strict')

  for (const headers of [{ cookie }, { cookie, origin: 'https://evil.example' }, { cookie, ...own, 'sec-fetch-site': 'cross-site' }])
    refused(await post('refresh', undefined, undefined, { headers }), 403, 'origin_refused')
  refused(await post('refresh', undefined, undefined, { headers: { ...own, cookie: `${cookie}; ${cookie}` } }), 400, 'malformed')
  refused(await post('refresh', undefined, undefined, { headers: own }), 400, 'invalid_argument')
  const next = await post('refresh', undefined, undefined, { headers: { ...own, cookie } })
  assert.equal(next.status, 200, next.text)
  assert.equal(next.json.data.refresh_token, undefined)
  assert.equal(next.json.data.session, first.json.data.session)
  assert.notEqual(cookieOf(next).value, cookieOf(first).value)

  refused(await me(undefined), 401, 'unauthenticated')
  refused(await request(stack, 'GET', '/api/v1/auth/me', { headers: { ...own, cookie: cookieOf(next).cookie } }), 401, 'unauthenticated')
  const out = await post('logout', undefined, next.json.data.access_token, { headers: { ...own, cookie: cookieOf(next).cookie } })
  assert.equal(out.status, 204)
  assert.deepEqual(out.headers['set-cookie'], ['__Secure-madang_rt=; Path=/api/v1/auth; Max-Age=0; HttpOnly; Secure; SameSite=Strict'])
  const after = await post('refresh', undefined, undefined, { headers: { ...own, cookie: cookieOf(next).cookie } })
  refused(after, 401, 'session_ended')
  assert.equal(after.headers['set-cookie'], undefined)
})

test('who is unknown, wrong or disabled is told the same', async () => {
  await register('bo')
  const tries = [{ email: 'bo@example.org', password: 'something else' }, { email: 'nobody@example.org', password }, { email: 'no address', password },
    { email: 'bo@example.org', password: password.toUpperCase() }]
  const answers = await Promise.all(tries.map(body => post('login', body)))
  for (const answer of answers) {
    refused(answer, 401, 'credentials_invalid')
    assert.deepEqual({ ...answer.json.error, details: undefined }, { ...answers[0].json.error, details: undefined })
  }
  refused(await post('login', { email: 'bo@example.org', password: 'x'.repeat(73) }), 400, 'password_too_long')
  refused(await post('register', { email: 'bo2@example.org', password: '가'.repeat(25), nickname: 'bo2' }), 400, 'password_too_long')
})

test('e-mail and nickname are unique, however they are written', async () => {
  await register('Zoë', { email: 'Zoe.Straße@Bücher.example' })
  const again = (email, nickname) => post('register', { email, password, nickname })
  for (const email of ['zoe.straße@bücher.example', 'ZOE.STRASSE@BÜCHER.EXAMPLE', 'zoe.straße@xn--bcher-kva.example'])
    refused(await again(email, `other ${email.length}`), 409, 'conflict')
  for (const nickname of ['zoë', 'ZOË', 'zoe\u0308', 'ＺＯＥ\u0308']) refused(await again(`${nickname.length}@x.example`, nickname), 409, 'conflict')
  for (const email of ['a＠example.org', 'a\u200bb@example.org', 'a@b@example.org', 'a@example', 'ａ@example.org', '.a@example.org', 'a@[127.0.0.1]', 'a@-b.org'])
    refused(await again(email, 'nobody yet'), 400, 'invalid_argument')
  for (const nickname of ['a\u202eb', ' a', 'a\u3164']) refused(await again('somebody@example.org', nickname), 400, 'invalid_argument')
  const answer = await post('login', { email: 'ZOE.STRASSE@xn--bcher-kva.example', password })
  assert.equal(answer.json.data.user.email, 'Zoe.Straße@Bücher.example')
})

test('fifty requests with one refresh token get fifty good answers and one successor', async () => {
  await register('cora')
  const { refresh_token: token } = await signIn('cora')
  const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(token)))
  const successors = new Set(answers.map(answer => answer.refresh_token))
  assert.equal(successors.size, 1)
  assert.ok(!successors.has(token))
  for (const answer of answers) assert.equal((await me(answer.access_token)).status, 200)
  assert.notEqual((await refresh([...successors][0])).refresh_token, [...successors][0])
})

test('a stolen refresh token that comes back ends its session and the sockets of that, and no other', async () => {
  await register('dora')
  const [stolen, other] = [await signIn('dora'), await signIn('dora')]
  const [victim, elsewhere] = await Promise.all([stolen, other].map(one => new Person(stack, 'dora', one.access_token).connects({ reconnection: false })))
  await refresh((await refresh(stolen.refresh_token)).refresh_token)
  await sql(`UPDATE session SET refreshed_at = refreshed_at - interval '31 s' WHERE id = '${stolen.session}'`)
  const gone = new Promise(resolve => victim.socket.once('disconnect', resolve))
  refused(await post('refresh', { refresh_token: stolen.refresh_token }), 401, 'refresh_reused')
  await gone
  assert.equal(victim.events.find(([name]) => name === 'error')[1].code, 'session_ended')
  await elsewhere.makesRoom()
  await refresh(other.refresh_token)
  for (const person of [victim, elsewhere]) person.leaves()
})

test('sessions are seen with their devices, and end one by one, all others, or all', async () => {
  await register('eve')
  const sessions = token => request(stack, 'GET', '/api/v1/auth/sessions', { token }).then(answer => answer.json.data.sessions)
  const end = (which, token) => request(stack, 'DELETE', `/api/v1/auth/sessions${which}`, { token })
  const list = []
  for (const agent of ['phone', 'laptop', 'x'.repeat(300)]) list.push(await signIn('eve', { headers: { 'user-agent': agent } }))
  const [phone, laptop, tablet] = list
  assert.deepEqual((await sessions(phone.access_token)).map(one => [one.id, one.device, one.is_this, one.address, one.methods]),
    [[tablet.session, 'x'.repeat(200), false], [laptop.session, 'laptop', false], [phone.session, 'phone', true]].map(one => [...one, '127.0.0.1', ['pwd']]))
  refused(await end(`/${phone.session}`, (await signIn('cora')).access_token), 404, 'not_found')
  const socket = await new Person(stack, 'eve', laptop.access_token).connects({ reconnection: false })
  const gone = new Promise(resolve => socket.socket.once('disconnect', resolve))
  assert.equal((await end(`/${laptop.session}`, phone.access_token)).status, 204)
  await gone
  refused(await post('refresh', { refresh_token: laptop.refresh_token }), 401, 'session_ended')
  assert.deepEqual((await end('?others=true', phone.access_token)).json.data, { count: 1 })
  refused(await post('refresh', { refresh_token: tablet.refresh_token }), 401, 'session_ended')
  assert.deepEqual((await end('', phone.access_token)).json.data, { count: 1 })
  refused(await post('refresh', { refresh_token: phone.refresh_token }), 401, 'session_ended')
})

test('an operator who ends a session or a subject ends what would go on with it', async () => {
  const { id } = await register('fay')
  const [one, two] = [await signIn('fay'), await signIn('fay')]
  await stack.authctl('session', 'logout', one.session)
  refused(await post('refresh', { refresh_token: one.refresh_token }), 401, 'session_ended')
  await refresh(two.refresh_token)
  await stack.authctl('subject', 'logout', id.toUpperCase())
  refused(await post('refresh', { refresh_token: two.refresh_token }), 401, 'session_ended')
  assert.equal((await me((await signIn('fay')).access_token)).status, 200)
})

/** What stands in for a browser and its user: where it ends that begins at `url`. */
async function browses(url) {
  const headers = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' }
  const begun = await request(stack, 'GET', url.slice(stack.url.length), { headers })
  const back = await signInAt(begun.headers.location, 'grace', `${stack.url}/api/v1/auth/oauth/oidc/callback`)
  return (await request(stack, 'GET', back.pathname + back.search, { headers: { ...headers, cookie: begun.headers['set-cookie'][0].split(';')[0] } })).headers.location
}

test('sessions are right without Redis: while it stands still and when it was killed people sign in, go on, and end', async () => {
  const account = { email: 'rex@example.org', password: 'a heron at the weir' }
  assert.equal((await request(stack, 'POST', '/api/v1/auth/register', { body: { ...account, nickname: 'rex' } })).status, 201)
  const post = (path, body, token) => request(stack, 'POST', `/api/v1/auth/${path}`, { body, token })
  async function goesOn() {
    const login = await post('login', account)
    assert.equal(login.status, 200, login.text)
    const refreshed = await post('refresh', { refresh_token: login.json.data.refresh_token })
    assert.equal(refreshed.status, 200, refreshed.text)
    const { access_token: token } = refreshed.json.data
    assert.equal((await request(stack, 'GET', '/api/v1/auth/me', { token })).status, 200)
    const page = await request(stack, 'POST', '/account/login', { raw: new URLSearchParams(account).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded', origin: stack.publicUrl } })
    assert.equal(page.status, 303, page.text)
    const [cookie] = page.headers['set-cookie'].filter(one => one.startsWith('__Secure-madang_page='))
    assert.match((await request(stack, 'GET', '/account', { headers: { cookie: cookie.split(';')[0] } })).text, /rex@example\.org/)
    assert.equal((await post('logout', {}, token)).status, 204)
    await until('that is obeyed', async () => (await request(stack, 'GET', '/api/v1/auth/me', { token })).status === 401)
  }
  const redis = stack.pid('redis')
  process.kill(redis, 'SIGSTOP')
  try {
    for (let i = 0; i < 3; i++) await goesOn()
  } finally {
    process.kill(redis, 'SIGCONT')
  }
  await Promise.all([stack.kill('redis'), goesOn(), goesOn()])
  await goesOn()
})

test('docs/people.md is run as it stands', async () => {
  const commands = [...readFileSync(join(root, 'docs/people.md'), 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, lines]) => lines).join('')
  const shift = `UPDATE session SET refreshed_at = refreshed_at - $1 * interval '1 s'`.replace('$1', '\'$1\'')
  const sleep = `sleep() { psql -Xq "host=$DIR/pg-socket dbname=madang user=madang_auth passfile=$DIR/secrets/auth.pgpass options=-csearch_path=auth" -c "${shift}"; }\n`
  const helper = createServer((req, res) => browses(new URL(req.url, 'http://x').searchParams.get('url')).then(at => res.end(at), error => res.writeHead(500).end(String(error))))
  await new Promise(resolve => helper.listen(helperPort, '127.0.0.1', resolve))
  const browser = `browser() { curl -sSfG "http://127.0.0.1:${helperPort}/" --data-urlencode "url=$1"; }\n`
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', sleep + browser + commands],
    { cwd: root, encoding: 'utf8', env: { ...process.env, MADANG: stack.url, CA: join(stack.dir, 'tls/ca.crt'), DIR: stack.dir } }).finally(() => helper.close())
  assert.match(stdout, /"nickname":"grace".*"nickname":"grace".*refresh_reused.*session_ended.*"is_this":true.*session_ended.*mfa_required.*session_ended.*"pending":.*"identities":/s)
})

test('a flood of logins slows logins alone, and as many wait as there is time for', async () => {
  const talker = await Person.arrives(stack, await stack.issueKey(), 'talker')
  const { id: room } = await talker.makesRoom()
  await talker.joins(room)
  const codes = { credentials_invalid: 0, overloaded: 0 }
  let flooding = true
  const flood = Promise.all(Array.from({ length: 24 }, async (_, i) => {
    for (let n = 0; flooding; n++) {
      const { json } = await post('login', { email: `${i}.${n}@flood.example`, password })
      codes[json.error.code] = (codes[json.error.code] ?? 0) + 1
    }
  }))
  await until('logins are sent away', () => codes.overloaded > 0)
  const compared = codes.credentials_invalid
  let messages = 0
  while (codes.credentials_invalid < compared + 20) assert.equal((await talker.says(room, 'on it goes')).seq, ++messages)
  flooding = false
  await flood
  assert.deepEqual(Object.keys(codes).filter(code => !['credentials_invalid', 'overloaded', 'deadline'].includes(code)), [], JSON.stringify(codes))
  assert.ok(messages >= 4, `${messages} messages in the time of 20 logins`) // in a line with them each would have 24 before it
  await signIn('ada')
  talker.leaves()
})
