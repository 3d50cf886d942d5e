// n_secrets - no secret of a person's whole story is in a log, an error, a command line, an environment, Redis or the database.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { aVerifier, discovery, secret as clientSecret, startScripted } from '../lib/oauth_providers.mjs'
import { Person, request } from '../lib/people.mjs'
import { freePorts } from '../lib/ports.mjs'
import { addSecretsOfStack, areNowhere, Secrets, watch } from '../lib/secrets.mjs'
import { startSink } from '../lib/smtp_sink.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { codeOf, stepNow } from '../lib/totp.mjs'

const password = 'only magpies steal 4711', wrong = 'no magpie stole 0815', next = 'two magpies steal 4712'
const providersCode = '4/0AbUR2VMeHxkQ-Zp7TnWq', email = 'canary@example.org', mailPassword = 'what the courier knows'
const secrets = new Secrets(), refusals = []
let stack, sink, provider, watched, dir
before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'madang-secrets-'))
  execFileSync(join(root, 'scripts/certs'), [dir])
  for (const [name, text] of [['mail', mailPassword], ['client', clientSecret]]) {
    secrets.addText(`the ${name} password`, text)
    writeFileSync(join(dir, name), `${text}\n`, { mode: 0o600 })
  }
  const port = await freePorts(2)
  sink = await startSink(port, '--starttls', join(dir, 'server.crt'), join(dir, 'server.key'), '--login', 'courier', `@${join(dir, 'mail')}`)
  provider = await startScripted(port + 1)
  Object.assign(provider.answers, discovery(provider.at))
  stack = await startStack({
    env: {
      MADANG_CALL_BUDGET_MS: '30000', MADANG_AUTH_REGISTRATION: 'open', MADANG_AUTH_SMTP_URL: `smtp://127.0.0.1:${port}`, MADANG_AUTH_SMTP_CA: join(dir, 'ca.crt'),
      MADANG_AUTH_SMTP_USER: 'courier', MADANG_AUTH_SMTP_PASSWORD: join(dir, 'mail'), MADANG_AUTH_MAIL_FROM: 'gate@madang.example',
      MADANG_AUTH_OAUTH_RETURN_TO: 'https://app.example/in', MADANG_FETCH_PLAIN: '1', MADANG_FETCH_INSIDE: '127.0.0.1', MADANG_FETCH_PORTS: `${port + 1}`,
      MADANG_AUTH_OAUTH_GOOGLE_CLIENT_ID: 'madang.apps', MADANG_AUTH_OAUTH_GOOGLE_CLIENT_SECRET: join(dir, 'client'), MADANG_AUTH_OAUTH_GOOGLE_ISSUER: provider.at,
    },
  })
  watched = await watch(stack)
})
after(async () => {
  watched?.stop()
  await stack?.stop()
  await sink?.stop()
  await provider?.stop()
  rmSync(dir, { recursive: true, force: true })
})

async function asks(method, path, { status, ...more } = {}) {
  const answer = await request(stack, method, path, more)
  if (answer.status >= 400) refusals.push(answer.text + JSON.stringify(answer.headers))
  if (status) assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`)
  return answer.json?.data
}
const post = (path, body, status, token) => asks('POST', `/api/v1/auth/${path}`, { body, status, token })

/** One more secret, and it goes where it does not belong. */
function misplace(what, secret) {
  secrets.addText(what, secret)
  const url = encodeURIComponent(secret), none = `${secret}x`
  return Promise.all([
    asks('GET', `/nowhere/${url}`), asks('GET', `/api/v1/rooms?token=${url}`), asks('GET', '/api/v1/rooms', { token: `${url}x` }),
    ...['login', 'refresh', 'verify', 'reset/confirm', 'login/mail/confirm', 'email'].map(path => post(path, { token: none, flow: none, code: 7, refresh_token: none, password: 7, email: { secret } })),
    asks('POST', '/api/v1/auth/login', { raw: `{"email":"${email}","password":"${secret}"`, headers: { 'content-type': 'application/json' } }),
  ])
}

async function mailedTo(address) {
  const mail = await sink.next(address)
  await misplace(`a link to ${address}`, mail.token)
  return mail.token
}

/** Both tokens, and the device's if it is new. */
async function keeps(session) {
  for (const what of ['access_token', 'refresh_token', 'device_token']) if (session[what]) await misplace(`the ${what}`, session[what])
  return session
}

test("no secret of a person's story is anywhere to be read", async () => {
  addSecretsOfStack(stack, secrets)
  for (const text of [password, wrong, next]) secrets.addText('a password', text)

  await post('register', { email, nickname: 'canary', password, name: 'Canary' }, 202)
  await post('verify', { token: await mailedTo(email) }, 200)
  await post('login', { email, password: wrong }, 401)
  const first = await keeps(await post('login', { email, password }, 200))
  const later = await keeps(await post('refresh', { refresh_token: first.refresh_token }, 200))
  const token = later.access_token
  const person = await new Person(stack, 'canary', token).connects({ reconnection: false })
  for (const secret of [password, later.refresh_token]) refusals.push(JSON.stringify(await person.emits('room:join', { room: secret })))

  await post('login/mail', { email }, 202).then(({ flow }) => misplace('the flow of a sign-in', flow))
  await keeps(await post('login/mail/confirm', { token: await mailedTo(email) }, 200))

  const { secret, uri } = await post('totp', {}, 201, token)
  await misplace("an app's secret", secret)
  assert.ok(secrets.find(uri), 'what is there is found')
  await post('totp/confirm', { code: codeOf(secret, stepNow() + 40) }, 400, token)
  const { codes } = await post('totp/confirm', { code: codeOf(secret, stepNow()) }, 200, token)
  for (const code of codes) secrets.addText('a recovery code', code)
  const pending = await keeps(await post('login', { email, password }, 200))
  await post('factor', { code: codes[0].replace(/.$/, last => last.toUpperCase() === 'X' ? 'Y' : 'X') }, 401, pending.access_token)
  await keeps(await post('factor', { code: codes[0] }, 200, pending.access_token))

  await asks('PUT', '/api/v1/users/me/email', { body: { email: `new.${email}` }, token })
  await post('email', { token: await mailedTo(`new.${email}`) }, 200)
  await post('reset', { email: `new.${email}` }, 202)
  const reset = await mailedTo(`new.${email}`)
  await post('reset/confirm', { token: reset, password: '12345678' }, 400)
  await post('reset/confirm', { token: reset, password: next }, 204)

  const invitation = await stack.authctl('user', 'invite')
  await misplace('an invitation', invitation.token)

  const { verifier, challenge } = aVerifier(), navigates = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'cross-site' }
  secrets.addText('the verifier of a flow', verifier)
  const begun = await request(stack, 'GET', `/api/v1/auth/oauth/google?${new URLSearchParams({ return_to: 'https://app.example/in', challenge })}`, { headers: navigates })
  assert.equal(begun.status, 303, begun.text)
  const cookie = begun.headers['set-cookie'][0].split(';')[0], state = new URL(begun.headers.location).searchParams.get('state')
  for (const [what, text] of [['the state of a flow', state], ["a flow's cookie", cookie.split('=')[1]], ['a code of a provider', providersCode]]) secrets.addText(what, text)
  provider.answers['/token'] = ({ form }) => { assert.equal(form.client_secret, clientSecret); return { status: 400, json: { error: 'invalid_grant', error_description: form.code } } }
  await request(stack, 'GET', `/api/v1/auth/oauth/google/callback?${new URLSearchParams({ state, code: providersCode })}`, { headers: { ...navigates, cookie } })
  assert.ok(provider.asked.some(({ path }) => path === '/token'), 'the provider was asked')

  person.leaves()
  await stack.kill('auth')
  await stack.ready()
  await areNowhere(stack, secrets, watched, refusals)
})
