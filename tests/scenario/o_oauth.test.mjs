// o_oauth - people sign in by way of other providers: each gets their own account and nobody else's, whatever a provider, another
// page or another program says.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createServer } from 'node:net'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { aVerifier, discovery, idToken, otherKey, secret, sha256, signInAt, startOidcProvider, startScripted } from '../lib/oauth_providers.mjs'
import { request } from '../lib/people.mjs'
import { freePorts } from '../lib/ports.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const page = 'https://app.example/signed-in?by=oauth', app = 'com.example.app:/signed-in', password = 'correct horse battery'
const people = {
  ada: { email: 'ada@example.org', email_verified: true, name: 'Ada L.', preferred_username: 'ada' },
  bo: { email: 'bo@example.org', email_verified: false, name: 'Bo', preferred_username: 'bo' },
  vic: { email: 'vic@example.org', email_verified: true, name: 'Vic Timm', preferred_username: 'vic' },
}
let stack, oidc, google, others, trapPort, dir
before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'madang-oauth-'))
  writeFileSync(join(dir, 'secret'), `${secret}\n`, { mode: 0o600 })
  const oidcPort = await freePorts(4), googlePort = oidcPort + 1, othersPort = oidcPort + 2
  trapPort = oidcPort + 3
  google = await startScripted(googlePort)
  Object.assign(google.answers, discovery(google.at))
  others = await startScripted(othersPort)
  const file = join(dir, 'secret')
  stack = await startStack({
    env: {
      MADANG_AUTH_REGISTRATION: 'open', MADANG_AUTH_OAUTH_RETURN_TO: `${page}, ${app}`,
      MADANG_FETCH_PLAIN: '1', MADANG_FETCH_INSIDE: '127.0.0.1', MADANG_FETCH_PORTS: `${oidcPort},${googlePort},${othersPort},${trapPort}`,
      MADANG_AUTH_OAUTH_OIDC_CLIENT_ID: 'madang', MADANG_AUTH_OAUTH_OIDC_CLIENT_SECRET: file, MADANG_AUTH_OAUTH_OIDC_ISSUER: `http://127.0.0.1:${oidcPort}`,
      MADANG_AUTH_OAUTH_GOOGLE_CLIENT_ID: 'madang.apps', MADANG_AUTH_OAUTH_GOOGLE_CLIENT_SECRET: file, MADANG_AUTH_OAUTH_GOOGLE_ISSUER: google.at,
      MADANG_AUTH_OAUTH_KAKAO_CLIENT_ID: 'kakao-key', MADANG_AUTH_OAUTH_KAKAO_CLIENT_SECRET: file,
      MADANG_AUTH_OAUTH_KAKAO_ACCOUNTS: `${others.at}/kauth`, MADANG_AUTH_OAUTH_KAKAO_API: `${others.at}/kapi`,
      MADANG_AUTH_OAUTH_GITHUB_CLIENT_ID: 'github-id', MADANG_AUTH_OAUTH_GITHUB_CLIENT_SECRET: file,
      MADANG_AUTH_OAUTH_GITHUB_SITE: `${others.at}/github`, MADANG_AUTH_OAUTH_GITHUB_API: `${others.at}/api`,
    },
  })
  oidc = await startOidcProvider(oidcPort, { client: 'madang', callback: `${stack.url}/api/v1/auth/oauth/oidc/callback`, people })
})
after(async () => {
  for (const one of [oidc, google, others]) await one?.stop()
  rmSync(dir, { recursive: true, force: true })
  await stack?.stop()
})

const post = (path, body, more) => request(stack, 'POST', `/api/v1/auth/${path}`, { body, ...more })
const refused = (answer, status, code) => { assert.equal(answer.status, status, answer.text); assert.equal(answer.json.error.code, code, answer.text) }
const navigates = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'cross-site' }
const sql = text => execFileSync('psql', ['-AtqX', '-c', `SET search_path TO auth; ${text}`,
  `host=${stack.dir}/pg-socket dbname=madang user=madang_auth passfile=${stack.dir}/secrets/auth.pgpass`], { encoding: 'utf8' }).trim()

/** A browser begins; what it needs for the rest. */
async function begins(provider, { returnTo = page, challenge, invitation, link, ...more } = {}) {
  const own = aVerifier()
  const query = new URLSearchParams({ return_to: returnTo, challenge: challenge ?? own.challenge, ...(invitation ? { invitation } : {}), ...(link ? { link } : {}) })
  const answer = await request(stack, 'GET', `/api/v1/auth/oauth/${provider}?${query}`, { headers: { ...navigates, ...more } })
  if (answer.status !== 303) return answer
  const [line] = answer.headers['set-cookie']
  const at = new URL(answer.headers.location)
  return { answer, at, provider, line, cookie: line.split(';')[0], state: at.searchParams.get('state'), nonce: at.searchParams.get('nonce'), challenge: at.searchParams.get('code_challenge'), verifier: own.verifier }
}
/** And comes back. */
const comesBack = (flow, { code = 'a code', provider = flow.provider, cookie = flow.cookie, ...more } = {}) => {
  const query = new URLSearchParams({ state: flow.state, ...(code === undefined ? {} : { code }), ...more })
  return request(stack, 'GET', `/api/v1/auth/oauth/${provider}/callback?${query}`, { headers: { ...navigates, ...(cookie ? { cookie } : {}) } })
}
const returned = (answer, to = page) => {
  assert.equal(answer.status, 303, answer.text)
  assert.ok(answer.headers.location.startsWith(`${to}${to.includes('?') ? '&' : '?'}`), answer.headers.location)
  return Object.fromEntries(new URLSearchParams(answer.headers.location.slice(to.length + 1)))
}
const exchanges = (code, verifier, more = {}) => post('oauth/login', { code, verifier, ...more })
const claimsOf = token => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))

/** All of it, at the provider that is scripted: what its tokens and its userinfo say. */
async function arrives(claims, { userinfo = {}, provider = 'google', token = {}, flow = {}, back = {} } = {}) {
  const begun = await begins(provider, flow)
  const now = Math.floor(Date.now() / 1000)
  const whole = { iss: google.at, aud: 'madang.apps', iat: now, exp: now + 300, nonce: begun.nonce, ...claims }
  google.answers['/token'] = { access_token: 'an access token', token_type: 'Bearer', id_token: idToken(whole, token) }
  google.answers['/userinfo'] = { sub: claims.sub, ...userinfo }
  const answer = await comesBack(begun, back)
  return { begun, ...returned(answer) }
}
async function signsIn(...args) {
  const { code, error, begun } = await arrives(...args)
  assert.ok(code, error)
  const answer = await exchanges(code, begun.verifier)
  assert.equal(answer.status, 200, answer.text)
  return answer.json.data
}

test('somebody signs in at a real provider, and comes back as the same user each time', async () => {
  const round = async (returnTo = page) => {
    const flow = await begins('oidc', { returnTo })
    assert.match(flow.line, /; Path=\/api\/v1\/auth\/oauth; Max-Age=600; HttpOnly; Secure; SameSite=Lax$/)
    const back = await signInAt(flow.at.href, 'ada', `${stack.url}/api/v1/auth/oauth/oidc/callback`)
    const answer = await request(stack, 'GET', back.pathname + back.search, { headers: { ...navigates, cookie: flow.cookie } })
    assert.match(answer.headers['set-cookie'][0], /^__Secure-madang_oauth=; .*Max-Age=0/)
    const { code } = returned(answer, returnTo)
    const session = await exchanges(code, flow.verifier)
    assert.equal(session.status, 200, session.text)
    return session.json.data
  }
  const first = await round()
  assert.deepEqual([first.user.email, first.user.email_verified, first.user.nickname, first.user.name], ['ada@example.org', true, 'ada', 'Ada L.'])
  assert.deepEqual(claimsOf(first.access_token).amr, ['oauth:oidc'])
  const again = await round(app)
  assert.equal(again.user.id, first.user.id)
  assert.notEqual(again.session, first.session)
  const me = await request(stack, 'GET', '/api/v1/auth/me', { token: again.access_token })
  assert.deepEqual(me.json.data, again.user)
})

test('twenty exchanges of one code give one session, and nobody without the verifier gets any', async () => {
  const { code, begun } = await arrives({ sub: 'once' })
  const answers = await Promise.all(Array.from({ length: 20 }, () => exchanges(code, begun.verifier)))
  assert.equal(answers.filter(answer => answer.status === 200).length, 1)
  for (const answer of answers.filter(one => one.status !== 200)) refused(answer, 410, 'gone')

  const seen = await arrives({ sub: 'once' })
  refused(await exchanges(seen.code, aVerifier().verifier), 401, 'credentials_invalid')
  refused(await exchanges(seen.code, seen.begun.verifier), 410, 'gone')
})

test('a flow ends once, in its own browser, on its own provider\'s way back', async () => {
  const flow = await begins('google'), other = await begins('google')
  google.answers['/token'] = () => assert.fail('nothing is asked')
  const asked = google.asked.length
  for (const [what, back] of Object.entries({
    'another browser': { cookie: other.cookie }, 'no cookie': { cookie: null }, 'another provider': { provider: 'oidc' },
  })) {
    const answer = await comesBack(flow, back)
    assert.equal(answer.status, 410, what)
    assert.match(answer.headers['content-type'], /^text\/html/, what)
  }
  const unknown = await comesBack({ ...flow, state: 'x'.repeat(43) })
  assert.equal(unknown.status, 410)
  assert.equal(google.asked.length, asked)
  assert.deepEqual(returned(await comesBack(flow, { code: undefined, error: 'access_denied' })), { error: 'provider_refused' })
  assert.equal((await comesBack(flow)).status, 410)
})

test('where somebody returns to is on the list, to the letter', async () => {
  for (const returnTo of ['https://evil.example/', 'https://app.example/signed-in', `${page}/`, `${page}&x=1`, 'com.example.app:/signed-in/..', 'javascript:alert(1)', 'https://app.example@evil.example/'])
    assert.equal((await begins('google', { returnTo })).status, 400, returnTo)
  assert.equal((await begins('nobody')).status, 404)
  assert.equal((await begins('google', { challenge: `${'a'.repeat(42)}*` })).status, 400)
  assert.equal((await begins('google', { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' })).status, 403)
})

test('what the provider is asked proves that it is us, and is bound to the flow', async () => {
  const { begun } = await arrives({ sub: 'bound' })
  const asked = google.asked.findLast(one => one.path === '/token')
  assert.deepEqual({ ...asked.form, code_verifier: sha256(asked.form.code_verifier) }, {
    grant_type: 'authorization_code', code: 'a code', redirect_uri: `${stack.url}/api/v1/auth/oauth/google/callback`, client_id: 'madang.apps',
    client_secret: secret, code_verifier: begun.challenge,
  })
  assert.deepEqual(Object.fromEntries(begun.at.searchParams), {
    response_type: 'code', client_id: 'madang.apps', redirect_uri: `${stack.url}/api/v1/auth/oauth/google/callback`, scope: 'openid email profile',
    state: begun.state, nonce: begun.nonce, code_challenge: begun.challenge, code_challenge_method: 'S256',
  })
})

test('an id_token counts if it is signed, for us, of now and of this flow', async () => {
  const now = Math.floor(Date.now() / 1000), sub = 'tokens'
  const good = { google: {}, ES256: [{}, { alg: 'ES256' }], 'for more, and by us': { aud: ['madang.apps', 'other'], azp: 'madang.apps' } }
  for (const [what, more] of Object.entries(good)) {
    const [claims, token] = Array.isArray(more) ? more : [more, {}]
    assert.ok((await arrives({ sub, ...claims }, { token })).code, what)
  }
  const bad = {
    'another issuer': [{ iss: 'https://evil.example' }], 'another audience': [{ aud: 'another' }], 'many, without us': [{ aud: ['another'] }], 'for another party': [{ aud: ['madang.apps', 'x'], azp: 'x' }],
    'over': [{ exp: now - 120 }], 'no end': [{ exp: undefined }], 'an end in words': [{ exp: `${now + 300}` }], 'of tomorrow': [{ iat: now + 86400 }],
    'another flow\'s': [{ nonce: 'x'.repeat(43) }], 'no nonce': [{ nonce: undefined }],
    'none': [{}, { alg: 'none' }], 'another key': [{}, { key: otherKey }], 'an unknown key': [{}, { kid: 'unknown' }], 'a key of another kind': [{}, { kid: 'ES256' }],
    'a head that has to be understood': [{}, { head: { crit: ['b64'], b64: false } }], 'no subject': [{ sub: '' }], 'a number': [{ sub: 7 }],
  }
  for (const [what, [claims, token]] of Object.entries(bad)) {
    const answer = await arrives({ sub, ...claims }, { token, userinfo: { sub } })
    assert.equal(answer.error, 'credentials_invalid', what)
    assert.equal(answer.code, undefined, what)
  }
})

test('another subject in userinfo, and another issuer on the way back, are refused', async () => {
  assert.equal((await arrives({ sub: 'me' }, { userinfo: { sub: 'you', email: 'me@example.org', email_verified: true } })).error, 'credentials_invalid')
  const asked = google.asked.length
  assert.equal((await arrives({ sub: 'me' }, { back: { iss: 'https://evil.example' } })).error, 'credentials_invalid')
  assert.equal(google.asked.slice(asked).filter(one => one.path === '/token').length, 0)
  assert.ok((await arrives({ sub: 'me' }, { back: { iss: google.at } })).code)
})

test('only an e-mail that the provider calls verified, by true, is somebody\'s', async () => {
  const values = { 'no word': undefined, false: false, 'a text': 'true', 'the text false': 'false', one: 1, zero: 0, yes: 'yes', null: null, 'a list': [true] }
  for (const [what, email_verified] of Object.entries(values)) {
    const { user } = await signsIn({ sub: `unverified ${what}` }, { userinfo: { email: 'owner@example.org', email_verified } })
    assert.equal(user.email, undefined, what)
  }
  const { user } = await signsIn({ sub: 'verified' }, { userinfo: { email: 'owner@example.org', email_verified: true } })
  assert.deepEqual([user.email, user.email_verified], ['owner@example.org', true])
  // One answer's e-mail with the other's word for it is neither's.
  const mixed = await signsIn({ sub: 'mixed', email_verified: true }, { userinfo: { email: 'ada@example.org' } })
  assert.equal(mixed.user.email, undefined)
})

test('an account is linked to who owns its e-mail, and without whoever had registered it', async () => {
  const made = await post('register', { email: 'vic@example.org', password, nickname: 'attacker', name: 'An attacker' })
  assert.equal(made.status, 201, made.text)
  const attacker = (await post('login', { email: 'vic@example.org', password })).json.data
  sql(`INSERT INTO identity (provider, issuer, subject, account_id, email_verified, created_at, used_at) VALUES ('google', '${google.at}', 'the attacker''s own', '${attacker.user.id}', false, now(), now())`)
  const vic = await signsIn({ sub: 'vic' }, { userinfo: people.vic })
  assert.deepEqual([vic.user.id, vic.user.email_verified, vic.user.nickname, vic.user.name], [attacker.user.id, true, 'vic', 'Vic Timm'])
  const attackerIs = () => request(stack, 'GET', '/api/v1/auth/me', { token: attacker.access_token })
  await until('the gateway has heard of it', async () => (await attackerIs()).status === 401)
  refused(await attackerIs(), 401, 'session_ended')
  refused(await post('refresh', { refresh_token: attacker.refresh_token }), 401, 'session_ended')
  refused(await post('login', { email: 'vic@example.org', password }), 401, 'credentials_invalid')
  const own = await signsIn({ sub: "the attacker's own" })
  assert.notEqual(own.user.id, vic.user.id)
  // Proved by now: another provider's word links it, and takes nothing away.
  const other = await signsIn({ sub: 'vic elsewhere' }, { userinfo: people.vic })
  assert.equal(other.user.id, vic.user.id)
  assert.equal((await request(stack, 'GET', '/api/v1/auth/me', { token: vic.access_token })).status, 200)
})

const identities = token => request(stack, 'GET', '/api/v1/auth/identities', { token }).then(answer => { assert.equal(answer.status, 200, answer.text); return answer.json.data.identities })
const unlinks = (token, { id }) => request(stack, 'DELETE', `/api/v1/auth/identities/${id}`, { token })
const links = async (token, claims, more = {}) => {
  const { code, begun } = await arrives(claims, { flow: { link: true }, ...more })
  return post('identities', { code, verifier: begun.verifier }, { token })
}
async function registers(nickname) {
  assert.equal((await post('register', { email: `${nickname}@example.org`, password, nickname })).status, 201)
  return (await post('login', { email: `${nickname}@example.org`, password })).json.data
}

test('who is signed in links one more provider, and the code for that does nothing else', async () => {
  const lin = await registers('lin'), { access_token: token } = lin
  const { code, begun } = await arrives({ sub: 'lin there' }, { flow: { link: true }, userinfo: { email: 'ada@example.org', email_verified: true } })
  refused(await exchanges(code, begun.verifier), 410, 'gone')
  refused(await post('identities', { code, verifier: begun.verifier }), 401, 'unauthenticated')
  const linked = await post('identities', { code, verifier: begun.verifier }, { token })
  assert.equal(linked.status, 201, linked.text)
  assert.deepEqual([linked.json.data.provider, linked.json.data.email], ['google', 'ada@example.org']) // whosever address it is: this is no claim to it
  refused(await post('identities', { code, verifier: begun.verifier }, { token }), 410, 'gone')
  assert.deepEqual(await identities(token), [linked.json.data])
  const by = await signsIn({ sub: 'lin there' })
  assert.deepEqual([by.user.id, by.user.email], [lin.user.id, 'lin@example.org'])
  assert.equal((await links(token, { sub: 'lin there' })).json.data.id, linked.json.data.id) // once more is the same

  const login = await arrives({ sub: 'lin there' })
  refused(await post('identities', { code: login.code, verifier: login.begun.verifier }, { token }), 410, 'gone')
  assert.equal((await exchanges(login.code, login.begun.verifier)).status, 200)
  const seen = await arrives({ sub: 'seen' }, { flow: { link: true } })
  refused(await post('identities', { code: seen.code, verifier: aVerifier().verifier }, { token }), 401, 'credentials_invalid')
  refused(await post('identities', { code: seen.code, verifier: seen.begun.verifier }, { token }), 410, 'gone')
  const other = await registers('lou')
  refused(await links(other.access_token, { sub: 'lin there' }), 409, 'conflict')
  sql(`UPDATE session SET authenticated_at = now() - interval '11 minutes' WHERE id = '${lin.session}'`)
  refused(await links(token, { sub: 'late' }), 403, 'proof_required')
  refused(await unlinks(token, linked.json.data), 403, 'proof_required')
})

test('a provider is unlinked while there is another way in; other sessions end, and it signs in to the account no more', async () => {
  const kim = await registers('kim'), { access_token: token } = kim
  assert.equal((await links(token, { sub: 'kim there' })).status, 201)
  const [identity] = await identities(token), elsewhere = await signsIn({ sub: 'kim there' }), waiting = await arrives({ sub: 'kim there' })
  refused(await unlinks((await registers('kit')).access_token, identity), 404, 'not_found')
  assert.equal((await unlinks(token, identity)).status, 204)
  assert.deepEqual(await identities(token), [])
  await until('the gateway has heard of it', async () => (await request(stack, 'GET', '/api/v1/auth/me', { token: elsewhere.access_token })).status === 401)
  refused(await post('refresh', { refresh_token: elsewhere.refresh_token }), 401, 'session_ended')
  refused(await exchanges(waiting.code, waiting.begun.verifier), 410, 'gone')
  assert.notEqual((await signsIn({ sub: 'kim there' })).user.id, kim.user.id)
  refused(await unlinks(token, identity), 404, 'not_found')

  const only = await signsIn({ sub: 'the only way' })
  const [way] = await identities(only.access_token)
  refused(await unlinks(only.access_token, way), 409, 'last_way_in')
  assert.equal((await links(only.access_token, { sub: 'a second way' })).status, 201)
  const both = await identities(only.access_token)
  const answers = await Promise.all(both.map(one => unlinks(only.access_token, one)))
  assert.deepEqual(answers.map(answer => answer.status).sort(), [204, 409], answers.map(answer => answer.text).join())
  assert.equal((await identities(only.access_token)).length, 1)
  for (let i = 2; i <= 20; i++) assert.equal((await links(only.access_token, { sub: `way ${i}` })).status, 201)
  refused(await links(only.access_token, { sub: 'one too many' }), 409, 'conflict')
})

test('a passkey that is the last way in stays', async () => {
  const { user, access_token: token } = await signsIn({ sub: 'passkey' })
  sql(`INSERT INTO factor (id, account_id, kind, name, credential, public_key, algorithm, counter, confirmed_at, created_at) VALUES (gen_random_uuid(), '${user.id}', 'passkey', 'x', decode('${'ab'.repeat(16)}', 'hex'), '\\x00', -7, 0, now(), now())`)
  const [way] = await identities(token)
  assert.equal((await unlinks(token, way)).status, 204)
  const { factors: [factor] } = (await request(stack, 'GET', '/api/v1/auth/factors', { token })).json.data
  refused(await request(stack, 'DELETE', `/api/v1/auth/factors/${factor.id}`, { token }), 409, 'last_way_in')
  assert.equal((await links(token, { sub: 'passkey again' })).status, 201)
  assert.equal((await request(stack, 'DELETE', `/api/v1/auth/factors/${factor.id}`, { token })).status, 204)
})

test('who may not sign in does not by another door', async () => {
  const { user } = await signsIn({ sub: 'disabled' })
  sql(`UPDATE account SET state = 'disabled' WHERE id = '${user.id}'`)
  assert.equal((await arrives({ sub: 'disabled' })).error, 'credentials_invalid')
})

test('who leaves has the account back by the provider it is linked with, with one code, and by no e-mail that one claims', async () => {
  const { user, access_token: token } = await signsIn({ sub: 'leaver', email: 'leaver@example.org', email_verified: true })
  assert.equal((await request(stack, 'DELETE', '/api/v1/users/me', { token })).status, 200)
  assert.equal((await arrives({ sub: 'another', email: 'leaver@example.org', email_verified: true })).error, 'credentials_invalid')
  const { code, begun } = await arrives({ sub: 'leaver' })
  refused(await exchanges(code, begun.verifier), 403, 'account_leaving')
  const attempts = await stack.authctl('attempts', '--subject', user.id, '--kind', 'oauth', '--result', 'account_leaving')
  assert.equal(attempts.attempts.length, 1)
  const back = await post('oauth/return', { code, verifier: begun.verifier })
  assert.deepEqual([back.status, back.json.data?.user.id], [200, user.id], back.text)
  refused(await post('oauth/return', { code, verifier: begun.verifier }), 410, 'gone')
  const again = await arrives({ sub: 'leaver' })
  refused(await post('oauth/return', { code: again.code, verifier: again.begun.verifier }), 401, 'credentials_invalid') // it has left no more
  assert.equal((await signsIn({ sub: 'leaver' })).user.id, user.id)
})

test('nobody of ours goes where a token or a profile points: to a picture, a page, a key or more claims', async () => {
  let visits = 0
  const trap = createServer(socket => { visits++; socket.destroy() }) // which the settings would let us ask
  await new Promise(resolve => trap.listen(trapPort, '127.0.0.1', resolve))
  try {
    const at = `http://127.0.0.1:${trapPort}/meta-data`, sub = 'pointer'
    const claims = { picture: at, profile: at, website: at, logo: at, _claim_names: { email: 'there' }, _claim_sources: { there: { endpoint: at, access_token: 'x' } } }
    const users = [(await signsIn({ sub, ...claims }, { userinfo: claims, token: { head: { jku: at, x5u: at } } })).user]
    // A head that names an unknown key is a reason to ask for the provider's keys again, and not for those that it points to.
    assert.equal((await arrives({ sub }, { token: { kid: 'of theirs', key: otherKey, head: { jku: at, x5u: at } } })).error, 'credentials_invalid')
    others.answers['/kauth/oauth/token'] = { access_token: 'kakao token' }
    others.answers['/kapi/v2/user/me'] = { id: 20, properties: { profile_image: at, thumbnail_image: at }, kakao_account: { profile: { nickname: 'p', profile_image_url: at, thumbnail_image_url: at } } }
    others.answers['/github/login/oauth/access_token'] = { access_token: 'gho_x' }
    others.answers['/api/user'] = { id: 20, login: 'pointer', avatar_url: at, url: at, html_url: at, organizations_url: at }
    others.answers['/api/user/emails'] = []
    for (const provider of ['kakao', 'github']) {
      const flow = await begins(provider), { code, error } = returned(await comesBack(flow))
      assert.equal(error, undefined)
      users.push((await exchanges(code, flow.verifier)).json.data.user)
    }
    for (const user of users) {
      assert.equal(user.avatar, `/avatars/${user.id}`)
      assert.match((await request(stack, 'GET', user.avatar)).text, /^<svg /)
    }
    assert.equal(visits, 0)
    for (const table of ['account', 'identity', 'account_change', 'job']) assert.equal(sql(`SELECT count(*) FROM ${table} t WHERE t::text LIKE '%meta-data%'`), '0', table)
  } finally {
    await new Promise(resolve => trap.close(resolve))
  }
})

test('nicknames are made where the provider has none, or a taken one', async () => {
  const taken = await signsIn({ sub: 'nick 1' }, { userinfo: { preferred_username: 'Ada', name: '' } })
  assert.match(taken.user.nickname, /^Ada-[A-Za-z0-9]{6}$/)
  const none = await signsIn({ sub: 'nick 2' })
  assert.match(none.user.nickname, /^user-[A-Za-z0-9]{6}$/)
  const long = await signsIn({ sub: 'nick 3' }, { userinfo: { preferred_username: '\u202e', name: '가'.repeat(200) } })
  assert.deepEqual([long.user.nickname, long.user.name], ['가'.repeat(32), '가'.repeat(80)])
})

test('Kakao: a number, mostly without an e-mail, and both words for one', async () => {
  const arrival = async user => {
    const flow = await begins('kakao')
    assert.equal(flow.at.origin + flow.at.pathname, `${others.at}/kauth/oauth/authorize`)
    others.answers['/kauth/oauth/token'] = { token_type: 'bearer', access_token: 'kakao token', expires_in: 43199, refresh_token: 'r', refresh_token_expires_in: 5184000, scope: 'profile_nickname' }
    others.answers['/kapi/v2/user/me'] = user
    const { code, error } = returned(await comesBack(flow))
    return error ?? (await exchanges(code, flow.verifier)).json.data.user
  }
  const plain = await arrival({ id: 123456789, connected_at: '2022-04-11T01:45:28Z', kakao_account: { profile_nickname_needs_agreement: false, profile: { nickname: '홍길동' }, email_needs_agreement: true, has_email: true } })
  assert.deepEqual([plain.nickname, plain.name, plain.email], ['홍길동', '홍길동', undefined])
  assert.deepEqual([others.asked.at(-2).form.client_id, others.asked.at(-2).form.client_secret, others.asked.at(-1).headers.authorization], ['kakao-key', secret, 'Bearer kakao token'])
  assert.equal((await arrival({ id: 123456789 })).id, plain.id)
  let id = 1
  for (const [valid, verified] of [[true, false], [false, true], ['true', true], [true, undefined]])
    assert.equal((await arrival({ id: id++, kakao_account: { email: 'k@example.org', is_email_valid: valid, is_email_verified: verified } })).email, undefined)
  assert.equal((await arrival({ id: id++, kakao_account: { email: 'k@example.org', is_email_valid: true, is_email_verified: true } })).email, 'k@example.org')
  for (const user of [{ id: '123456789' }, { id: 1.5 }, {}, []]) assert.equal(await arrival(user), 'credentials_invalid')
})

test('GitHub: the id and not the login, and the primary address if it is verified', async () => {
  const arrival = async (user, emails, token = { access_token: 'gho_x', scope: 'user:email', token_type: 'bearer' }) => {
    const flow = await begins('github')
    others.answers['/github/login/oauth/access_token'] = token
    others.answers['/api/user'] = user
    others.answers['/api/user/emails'] = emails
    const { code, error } = returned(await comesBack(flow))
    return error ?? (await exchanges(code, flow.verifier)).json.data.user
  }
  const list = [{ email: 'shown@example.org', primary: false, verified: true, visibility: null }, { email: 'octo@example.org', primary: true, verified: true, visibility: 'private' }]
  const octo = await arrival({ login: 'octocat', id: 583231, name: 'The Octocat', email: null }, list)
  assert.deepEqual([octo.nickname, octo.name, octo.email, octo.email_verified], ['octocat', 'The Octocat', 'octo@example.org', true])
  assert.equal((await arrival({ login: 'renamed', id: 583231, name: null, email: null }, [])).id, octo.id)
  const squatter = await arrival({ login: 'octocat', id: 99, name: null, email: 'octo@example.org' }, [{ email: 'octo@example.org', primary: true, verified: false }])
  assert.notEqual(squatter.id, octo.id)
  assert.equal(squatter.email, undefined)
  assert.equal(await arrival({}, [], { error: 'bad_verification_code', error_description: 'The code passed is incorrect or expired.' }), 'credentials_invalid')
})

test('a provider that is away, slow of wit or too large is told of, and holds nothing up', async () => {
  const answers = { away: { status: 503, json: {} }, 'no JSON': { json: '<html>' }, large: { json: `"${'x'.repeat(100000)}"` }, 'twice the same key': { json: '{"sub":"a","sub":"b"}' } }
  for (const [what, answer] of Object.entries(answers)) {
    const begun = await begins('google'), now = Math.floor(Date.now() / 1000)
    google.answers['/token'] = { access_token: 'x', id_token: idToken({ iss: google.at, aud: 'madang.apps', iat: now, exp: now + 300, nonce: begun.nonce, sub: 'away' }) }
    google.answers['/userinfo'] = answer
    assert.equal(returned(await comesBack(begun)).error, 'provider_failed', what)
  }
})

/** From now on, for a process of auth that begins anew. */
async function registersBy(mode, domains = '') {
  writeFileSync(join(stack.dir, 'env/auth/MADANG_AUTH_REGISTRATION'), mode)
  writeFileSync(join(stack.dir, 'env/auth/MADANG_AUTH_REGISTRATION_DOMAINS'), domains)
  await stack.kill('auth')
  await stack.ready()
}

test('a code that no provider gives is not asked about, and ends nothing but its flow', async () => {
  const before = stack.pid('auth'), query = { '1,000 letters of three bytes': '가'.repeat(1000), blanks: ' '.repeat(2000), 'a line end': 'a\r\nb' }
  for (const [what, code] of Object.entries(query)) {
    const answer = await comesBack(await begins('google'), { code })
    assert.equal(returned(answer).error, 'provider_refused', what)
  }
  assert.equal(stack.pid('auth'), before)
  const long = await arrives({ sub: 'long' }, { back: { code: 'x'.repeat(2000) }, userinfo: { email: `${'a'.repeat(60000)}@example.org`, email_verified: true } })
  assert.ok(long.code)
})

test('nobody becomes a user by way of another provider who could not register', async () => {
  const { user } = await signsIn({ sub: 'was there' })
  await registersBy('off')
  assert.equal((await signsIn({ sub: 'was there' })).user.id, user.id)
  assert.equal((await arrives({ sub: 'off' })).error, 'forbidden')
  await registersBy('invite')
  assert.equal((await arrives({ sub: 'invited' })).error, 'forbidden')
  const { token: invitation } = await stack.rpc('auth', 'invitation.create', {})
  assert.equal((await signsIn({ sub: 'invited' }, { flow: { invitation } })).user.policy, 'member')
  assert.equal((await arrives({ sub: 'too late' }, { flow: { invitation } })).error, 'gone')
  await registersBy('domains', 'home.example')
  const from = (sub, email, email_verified) => arrives({ sub }, { userinfo: { email, email_verified } })
  assert.equal((await from('stranger', 'a@elsewhere.example', true)).error, 'forbidden')
  assert.equal((await from('unverified', 'a@home.example', false)).error, 'forbidden')
  assert.equal((await from('nameless')).error, 'forbidden')
  assert.ok((await from('at home', 'a@home.example', true)).code)
  assert.equal(sql("SELECT count(*) FROM identity WHERE subject IN ('off', 'too late', 'stranger', 'unverified', 'nameless')"), '0')
})

test('no secret of all this is in a log', () => {
  const logs = ['auth', 'gateway1', 'gateway'].map(name => stack.log(name)).join('')
  for (const one of [secret, 'an access token', 'kakao token', 'a%20code', 'a+code']) assert.ok(!logs.includes(one), one)
})
