// n_factors - second factors: codes of an app, recovery codes, passkeys of a real browser; and that nothing opens before.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { contract } from '../matrix/rows.mjs'
import { shows, startBrowser } from '../lib/browser.mjs'
import { startStack } from '../lib/stack.mjs'
import { Person, request } from '../lib/people.mjs'
import { codeOf, stepNow } from '../lib/totp.mjs'
import { until } from '../lib/wait.mjs'

let stack
before(async () => { stack = await startStack({ publicHost: 'localhost', env: { MADANG_AUTH_REGISTRATION: 'open' } }) })
after(() => stack?.stop())

const password = 'correct horse battery'
const post = (path, body, token) => request(stack, 'POST', `/api/v1/auth/${path}`, { body, token })
const ok = (answer, status = 200) => { assert.equal(answer.status, status, answer.text); return answer.json?.data }
const refused = (answer, status, code) => { assert.equal(answer.status, status, answer.text); assert.equal(answer.json.error.code, code, answer.text) }
const claimsOf = token => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))
/** Another character in the middle. */
const altered = text => text.slice(0, 30) + (text[30] === 'A' ? 'B' : 'A') + text.slice(31)
const signIn = async nickname => ok(await post('login', { email: `${nickname}@example.org`, password }))
async function register(nickname) {
  ok(await post('register', { email: `${nickname}@example.org`, password, nickname }), 201)
  return signIn(nickname)
}

/** An account whose app is confirmed, by the code of the step before `step`: so that of any step from then on is good. */
async function withApp(nickname) {
  const { access_token: token } = await register(nickname)
  const { secret, uri } = ok(await post('totp', {}, token), 201)
  assert.match(uri, new RegExp(`^otpauth://totp/madang:${nickname}%40example.org\\?secret=${secret}&issuer=madang$`))
  ok(await signIn(nickname).then(session => request(stack, 'GET', '/api/v1/auth/me', { token: session.access_token }))) // not asked for yet
  refused(await post('totp/confirm', { code: codeOf(secret, stepNow() + 40) }, token), 400, 'invalid_argument')
  for (;;) {
    const step = stepNow(), answer = await post('totp/confirm', { code: codeOf(secret, step - 1) }, token)
    if (answer.status === 200) return { secret, codes: answer.json.data.codes, token, step }
    assert.ok(stepNow() > step, answer.text) // its step has just ended
  }
}

test('while a second factor is pending every route, event and namespace but its own answers mfa_required', async () => {
  const { secret, codes, step } = await withApp('ada')
  assert.equal(new Set(codes).size, 10)
  const pending = await signIn('ada')
  assert.deepEqual(pending.pending, ['totp', 'recovery'])
  assert.deepEqual([pending.user, pending.refresh_token, claimsOf(pending.access_token).pending], [undefined, undefined, true])

  const { routes } = contract
  const guarded = routes.filter(route => route.who === 'BEARER' && !route.path.startsWith('/account')) // pages take cookies, and no token
  assert.ok(guarded.length > 20)
  for (const route of guarded) {
    const path = route.path.replace(/\{[^}]*\}/g, '01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2')
    const answer = await request(stack, route.http, path, { token: pending.access_token, ...(['GET', 'DELETE'].includes(route.http) ? {} : { body: {} }) })
    refused(answer, 401, 'mfa_required')
  }
  for (const namespace of ['/', '/chat', '/notification', '/error', '/system'])
    await assert.rejects(new Person(stack, 'ada', pending.access_token).connects({ namespace, reconnection: false }), error => error.data?.code === 'mfa_required')
  const { access_token: good } = await register('eve')
  const eve = await new Person(stack, 'eve', good).connects({ reconnection: false })
  await assert.rejects(eve.calls('auth:refresh', { token: pending.access_token }), /mfa_required/)
  eve.leaves()

  refused(await post('factor', { code: '000000' }, pending.access_token), 401, 'credentials_invalid')
  refused(await post('factor', { code: codeOf(secret, step - 1) }, pending.access_token), 401, 'credentials_invalid') // it has confirmed the app
  const session = ok(await post('factor', { code: codeOf(secret, stepNow()) }, pending.access_token))
  assert.equal(session.session, pending.session)
  assert.deepEqual(claimsOf(session.access_token).amr, ['pwd', 'totp'])
  ok(await request(stack, 'GET', '/api/v1/auth/me', { token: session.access_token }))
  ok(await post('refresh', { refresh_token: session.refresh_token }))
  refused(await post('factor', { code: codeOf(secret, step + 1) }, pending.access_token), 401, 'session_ended') // pending no more
})

test('the pages ask for the second factor on a page of its own, and begin no session before', async () => {
  const { secret, codes } = await withApp('abe')
  const send = (path, fields, cookie) => request(stack, 'POST', path, { raw: String(new URLSearchParams(fields)),
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: stack.publicUrl, ...(cookie ? { cookie } : {}) } })
  const cookie = (answer, name) => new RegExp(`(__Secure-madang_${name}=[^;]+);`).exec(String(answer.headers['set-cookie']))?.[1]
  const begins = async () => {
    const answer = await send('/account/login', { email: 'abe@example.org', password })
    assert.deepEqual([answer.status, answer.headers.location], [303, '/account/factor'], answer.text)
    assert.equal(cookie(answer, 'page'), undefined)
    assert.match(String(answer.headers['set-cookie']), /__Secure-madang_factor=[^;]+; Path=\/account\/factor; Max-Age=600; HttpOnly; Secure; SameSite=Strict/)
    return cookie(answer, 'factor')
  }
  const first = await begins(), second = await begins()
  const visit = first.replace('_factor=', '_page=')
  assert.match((await request(stack, 'GET', '/account', { headers: { cookie: visit } })).text, /href="\/account\/login"/) // nor is it one
  refused(await post('refresh', { refresh_token: first.slice(first.indexOf('=') + 1) }), 401, 'session_ended')
  const wrong = await send('/account/factor', { code: codes[0].replace(/[A-Z]/, c => c === 'A' ? 'B' : 'A') }, first)
  assert.equal(wrong.status, 401)
  assert.match(wrong.text, /That code is not right/)
  assert.equal(cookie(wrong, 'page'), undefined)
  for (const none of [undefined, first.replace(/.$/, c => c === 'A' ? 'B' : 'A'), '__Secure-madang_factor=x'])
    assert.equal((await send('/account/factor', { code: codeOf(secret, stepNow()) }, none)).status, 401)
  const good = await send('/account/factor', { code: codeOf(secret, stepNow()) }, first)
  assert.deepEqual([good.status, good.headers.location], [303, '/account'], good.text)
  assert.match((await request(stack, 'GET', '/account', { headers: { cookie: cookie(good, 'page') } })).text, /abe@example\.org/)
  assert.equal((await send('/account/factor', { code: codes[0] }, first)).status, 401) // pending no more
  assert.equal((await send('/account/factor', { code: codes[0] }, second)).status, 303)
})

test('a code is good once, also in parallel', async () => {
  const { secret } = await withApp('bo')
  const sessions = []
  while (sessions.length < 4) sessions.push(await signIn('bo')) // more wrong ones have to wait
  // Nobody's use of it is written before two have read that it is unused.
  const atOnce = stack.sql('auth', `DO $$ BEGIN PERFORM FROM factor FOR UPDATE; FOR i IN 1..500 LOOP PERFORM pg_sleep(0.02), pg_stat_clear_snapshot();
    EXIT WHEN (SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock') >= 2; END LOOP; END $$`)
  await until('it is held', async () => await stack.sql('auth', "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") === '1')
  const code = codeOf(secret, stepNow())
  const answers = await Promise.all(sessions.map(session => post('factor', { code }, session.access_token)))
  await atOnce
  assert.equal(answers.filter(answer => answer.status === 200).length, 1, answers.map(answer => answer.text).join('\n'))
})

test('a recovery code is good once; others take their place; without the app they are gone', async () => {
  const { codes } = await withApp('cy')
  const first = await signIn('cy')
  const { access_token: token } = ok(await post('factor', { code: codes[0].toLowerCase().replaceAll('-', ' ') }, first.access_token))
  refused(await post('factor', { code: codes[0] }, (await signIn('cy')).access_token), 401, 'credentials_invalid')
  const page = ok(await request(stack, 'GET', '/api/v1/auth/factors', { token }))
  assert.deepEqual([page.recovery_codes, page.factors.map(factor => factor.kind)], [9, ['totp']])
  const { codes: others } = ok(await post('recovery-codes', {}, token), 201)
  refused(await post('factor', { code: codes[1] }, (await signIn('cy')).access_token), 401, 'credentials_invalid')
  ok(await post('factor', { code: others[1] }, (await signIn('cy')).access_token))
  refused(await post('totp', {}, token), 409, 'conflict')
  ok(await request(stack, 'DELETE', `/api/v1/auth/factors/${page.factors[0].id}`, { token }), 204)
  assert.equal(ok(await request(stack, 'GET', '/api/v1/auth/factors', { token })).recovery_codes, 0)
  assert.equal((await signIn('cy')).pending, undefined)
})

test('an app, a passkey and their likes are changed by their user alone, soon after signing in', async () => {
  const { access_token: token } = await register('dee')
  const { access_token: other } = await register('dot')
  ok(await post('totp', {}, other), 201)
  const { factor } = ok(await post('totp', {}, token), 201)
  refused(await request(stack, 'DELETE', `/api/v1/auth/factors/${factor}`, { token: other }), 404, 'not_found')
  await stack.sql('auth', "UPDATE auth.session SET authenticated_at = now() - interval '11 minutes'")
  for (const path of ['totp', 'recovery-codes', 'passkeys/options']) refused(await post(path, {}, token), 403, 'proof_required')
  refused(await request(stack, 'DELETE', `/api/v1/auth/factors/${factor}`, { token }), 403, 'proof_required')
})

test('a passkey of a browser signs in by itself, and is a second factor', async () => {
  const browser = await startBrowser({ args: ['--ignore-certificate-errors'] })
  try {
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage()
    await page.goto(`${stack.publicUrl}/.well-known/jwks.json`)
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } })
    const make = options => page.evaluate(async options => (await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })).toJSON(), options)
    const prove = options => page.evaluate(async options => (await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })).toJSON(), options)
    const credential = ({ id, response: r }) => ({ id, client_data: r.clientDataJSON, attestation_object: r.attestationObject, authenticator_data: r.authenticatorData, signature: r.signature, user_handle: r.userHandle })
    const proof = async () => credential(await prove(ok(await post('passkeys/challenge', {})).public_key))

    const { access_token: token, user } = await register('fay')
    const { public_key: options } = ok(await post('passkeys/options', {}, token))
    const made = credential(await make(options))
    const factor = ok(await post('passkeys', { name: 'Laptop', credential: made }, token), 201)
    assert.deepEqual([factor.kind, factor.name], ['passkey', 'Laptop'])
    refused(await post('passkeys', { credential: made }, token), 410, 'gone') // its challenge was good once
    await assert.rejects(make(ok(await post('passkeys/options', {}, token)).public_key), /InvalidStateError|excluded/) // the browser knows that there is one

    const good = await proof()
    const session = ok(await post('passkeys/login', { credential: good }))
    assert.deepEqual([session.user.id, claimsOf(session.access_token).amr], [user.id, ['passkey']])
    refused(await post('passkeys/login', { credential: good }), 401, 'credentials_invalid') // replayed
    const other = await proof()
    for (const [field, value] of [['signature', altered(other.signature)], ['authenticator_data', made.client_data], ['user_handle', 'AAAA'],
      ['id', 'AAAA'], ['client_data', Buffer.from(Buffer.from(other.client_data, 'base64url').toString().replace('localhost', 'evil.org')).toString('base64url')]])
      refused(await post('passkeys/login', { credential: { ...other, [field]: value } }), 401, 'credentials_invalid')
    await devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
    await assert.rejects(proof())
    await devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true })

    const noted = await stack.sql('auth', `SELECT string_agg(DISTINCT result, ' ' ORDER BY result) FROM attempt WHERE kind = 'login' AND subject = '${user.id}'`)
    assert.equal(noted, 'credentials_invalid ok') // who signs in with a passkey, or not, is on record

    // With an app, a password asks for a second factor: the passkey is one, and needs none.
    const { secret } = ok(await post('totp', {}, session.access_token), 201)
    ok(await post('totp/confirm', { code: codeOf(secret, stepNow()) }, session.access_token))
    const pending = await signIn('fay')
    assert.deepEqual(pending.pending, ['totp', 'passkey', 'recovery'])
    const both = ok(await post('factor', { credential: await proof() }, pending.access_token))
    assert.deepEqual(claimsOf(both.access_token).amr, ['pwd', 'passkey'])
    assert.equal(ok(await post('passkeys/login', { credential: await proof() })).pending, undefined)

    // Who leaves has the account back by it, and does so by saying so.
    ok(await request(stack, 'DELETE', '/api/v1/users/me', { token: both.access_token }))
    refused(await post('passkeys/login', { credential: await proof() }), 403, 'account_leaving')
    const back = ok(await post('passkeys/return', { credential: await proof() }))
    assert.equal(back.user.id, user.id)
    refused(await post('passkeys/return', { credential: await proof() }), 401, 'credentials_invalid') // it has left no more
    ok(await post('passkeys/login', { credential: await proof(), replaces: back.refresh_token }))
    refused(await post('refresh', { refresh_token: back.refresh_token }), 401, 'session_ended') // another took its place

    await stack.sql('auth', "UPDATE auth.account SET state = 'disabled' WHERE nickname = 'fay'")
    refused(await post('passkeys/return', { credential: await proof() }), 401, 'credentials_invalid')
    refused(await post('passkeys/login', { credential: await proof() }), 401, 'credentials_invalid')
    await stack.sql('auth', "UPDATE auth.account SET state = 'active' WHERE nickname = 'fay'")
    await stack.sql('auth', "UPDATE auth.factor SET counter = 1000 WHERE kind = 'passkey'") // a copy of it counts on elsewhere
    refused(await post('passkeys/login', { credential: await proof() }), 401, 'credentials_invalid')
  } finally {
    await browser.close()
  }
})

/** All that there is to run is our script, as the policy of contents says. */
async function aBrowser(work) {
  const browser = await startBrowser({ args: ['--ignore-certificate-errors'] })
  try {
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 390, height: 780 } })).newPage()
    page.on('console', message => assert.doesNotMatch(message.text(), /Content Security Policy|Refused to/))
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    await work(page, devtools)
  } finally {
    await browser.close()
  }
}
const authenticator = devtools => devtools.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } })

test('on the pages somebody adds an app and a passkey, and signs in with both', () => aBrowser(async (page, devtools) => {
  const press = name => page.getByRole('button', { name, exact: true }).click()
  const isAt = path => page.waitForURL(stack.publicUrl + path)
  const opens = path => page.goto(stack.publicUrl + path)
  const signsIn = async () => {
    await opens('/account/login')
    await page.getByLabel('E-mail address').fill('guy@example.org')
    await page.getByLabel('Password').fill(password)
    await press('Sign in')
  }
  await register('guy')
  await signsIn()
  await isAt('/account')
  await shows(page, 'account')
  await page.getByRole('link', { name: 'Second factors and passkeys' }).click()
  await isAt('/account/factors')
  await shows(page, 'factors')
  await press('Add an app')
  await isAt('/account/factors/app')
  await shows(page, 'app')
  const secret = (await page.locator('code').innerText()).replaceAll(' ', '')
  assert.match(secret, /^[A-Z2-7]{32}$/)
  assert.match(await page.locator('svg.qr path').getAttribute('d'), /^M4 4h7v1h-7z/) // the first finder's edge
  await page.reload()
  assert.equal((await page.locator('code').innerText()).replaceAll(' ', ''), secret)
  await page.getByLabel('Six-digit code').fill(codeOf(secret, stepNow() + 40))
  await press('Confirm')
  assert.match(await page.locator('main').innerText(), /not the code that the app shows/)
  assert.equal((await page.locator('code').innerText()).replaceAll(' ', ''), secret)
  await page.getByLabel('Six-digit code').fill(codeOf(secret, stepNow()))
  await press('Confirm')
  const codes = await page.locator('.codes li').allInnerTexts()
  assert.equal(new Set(codes).size, 10)
  await shows(page, 'codes')
  await page.getByRole('link', { name: 'Second factors and passkeys' }).click()
  assert.match(await page.locator('main').innerText(), /Codes that are left: 10/)
  const { authenticatorId } = await authenticator(devtools)
  await devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
  await press('Add a passkey')
  await page.getByText('That did not work').waitFor()
  await devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true })
  await press('Add a passkey')
  await page.locator('li', { hasText: 'Passkey' }).waitFor()
  await shows(page, 'factors-both')

  await opens('/account')
  await press('Sign out')
  await opens('/account/login')
  await press('Sign in with a passkey')
  await isAt('/account')
  await page.getByText('guy@example.org').waitFor()
  await press('Sign out')
  await signsIn()
  await isAt('/account/factor')
  await shows(page, 'factor')
  await page.getByLabel('Six-digit code').fill('000000')
  await press('Sign in')
  await page.getByText('That code is not right').waitFor()
  await press('Sign in with a passkey')
  await isAt('/account')
  await page.getByText('guy@example.org').waitFor()
  await press('Sign out')
  await signsIn()
  await page.getByLabel('Six-digit code').fill(codes[3].toLowerCase())
  await press('Sign in')
  await isAt('/account')
  await opens('/account/factors')
  await page.locator('li', { hasText: 'Authenticator app' }).getByRole('button').click()
  await page.locator('li', { hasText: 'Authenticator app' }).waitFor({ state: 'detached' })
  await press('Add an app')
  await stack.sql('auth', "UPDATE auth.session SET authenticated_at = now() - interval '11 minutes'")
  await page.getByLabel('Six-digit code').fill('123456')
  await press('Confirm')
  await isAt('/account/prove?to=app') // by the passkey, and with the same app
  await press('Sign in with a passkey')
  await isAt('/account/factors/app')

  // An account that is about to be deleted is told apart from a passkey that is no good, as by the other ways in; there it is had back.
  await stack.sql('auth', "UPDATE account SET state = 'leaving', delete_at = now() + interval '1 day' WHERE email = 'guy@example.org'")
  await opens('/account/login')
  await press('Sign in with a passkey')
  await page.getByText('This account is about to be deleted').waitFor()
  await opens('/account/login?lang=ko')
  await press('패스키로 로그인')
  await page.getByText('삭제 예정인 계정입니다').waitFor()
  await opens('/account/undelete?lang=en')
  await press('Sign in with a passkey')
  await isAt('/account')
  await page.getByText('guy@example.org').waitFor()
}))
