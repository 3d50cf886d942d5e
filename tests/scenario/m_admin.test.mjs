// m_admin - what authctl can, an administrator can over REST, and nobody else; and no secret of all of it is anywhere to be read.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { Person, request as ask, tokenFor } from '../lib/people.mjs'
import { addSecretsOfStack, areNowhere, Secrets, watch } from '../lib/secrets.mjs'
import { bin, root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const run = promisify(execFile)
const secrets = new Secrets()
const refusals = []
let stack, watched, admin, backend

const issue = async (policy, ...more) => {
  const issued = await stack.authctl('key', 'issue', '--name', policy, '--policy', policy, ...more)
  secrets.addKey(issued.key)
  return issued
}
async function request(method, path, { token = admin?.key, ...more } = {}) {
  const answer = await ask(stack, method, path, { token, ...more })
  if (answer.status >= 400) refusals.push(answer.text + JSON.stringify(answer.headers))
  return answer
}
const done = async (method, path, body, status = 200) => {
  const answer = await request(method, `/api/v1/admin/${path}`, { body })
  assert.equal(answer.status, status, answer.text)
  return answer.json
}
const refused = (answer, status, code) => {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.json.error.code, code, answer.text)
}
const newest = async () => (await done('GET', 'audit?limit=1')).data.audit[0]

before(async () => {
  stack = await startStack()
  watched = await watch(stack)
  admin = await issue('admin')
  backend = await issue('chat-backend')
})
after(() => { watched?.stop(); return stack?.stop() })

test('policies are made, read, explained, held against expectations and deleted', async () => {
  const rules = [{ effect: 'allow', namespaces: ['/', '/chat'], actions: ['connect'] }, { effect: 'deny', events: ['room:create'] }]
  assert.deepEqual((await done('PUT', 'policies/kiosk', { rules })).data, { name: 'kiosk', version: 1, rules })
  assert.deepEqual((await done('GET', 'policies/kiosk')).data.rules, rules)
  assert.ok((await done('GET', 'policies')).data.policies.some(({ name }) => name === 'kiosk'))
  assert.equal((await done('POST', 'policies/kiosk/explain', { action: 'connect', namespace: '/chat' })).data.rule, 0)
  const cases = [{ policy: 'kiosk', action: 'connect', namespace: '/chat', expect: 'allow' }, { policy: 'kiosk', action: 'emit', namespace: '/chat', expect: 'allow' }]
  assert.deepEqual((await done('POST', 'policy-tests', { cases })).data, { met: 1, missed: [{ number: 2, allowed: false, rule: -1 }] })
  assert.deepEqual(await newest().then(({ who, what, target }) => [who, what, target]), [`key:${admin.id}`, 'policy.put', 'kiosk'])
  refused(await request('PUT', '/api/v1/admin/policies/kiosk', { body: { rules: [{ effect: 'maybe' }] } }), 400, 'invalid_argument')
  const key = await issue('kiosk')
  refused(await request('DELETE', '/api/v1/admin/policies/kiosk'), 409, 'conflict')
  await stack.authctl('policy', 'put', 'unused', await fileOf(rules))
  await done('DELETE', 'policies/unused', undefined, 204)
  refused(await request('GET', '/api/v1/admin/policies/unused'), 404, 'not_found')
  assert.equal(key.policy, 'kiosk')
})

const fileOf = async value => {
  const file = join(stack.dir, 'rules.json')
  writeFileSync(file, JSON.stringify(value))
  return file
}

test('the audit comes in pages, whose meta says where the next and the previous one begin', async () => {
  for (let i = 0; i < 5; i++) await done('PUT', 'quotas/rooms', { limit: 100 + i, subject: 'paged' })
  const page = async after => done('GET', `audit?what=limit.&limit=2${after ? `&after=${encodeURIComponent(after)}` : ''}`)
  const limits = ({ data }) => data.audit.map(({ detail }) => detail.limit)
  const first = await page()
  assert.deepEqual(Object.keys(first).sort(), ['data', 'meta', 'success'])
  assert.deepEqual([limits(first), first.meta.limit, first.meta.total, first.meta.prev], [[104, 103], 2, 5, undefined])
  const second = await page(first.meta.next)
  const third = await page(second.meta.next)
  assert.deepEqual([limits(second), limits(third), third.meta.next], [[102, 101], [100], undefined])
  assert.deepEqual(limits(await page(second.meta.prev)), [104, 103])
  assert.deepEqual(limits(await page(third.meta.prev)), [102, 101])
  refused(await request('GET', '/api/v1/admin/audit?after=nonsense'), 400, 'invalid_argument')
  const { data: state } = await done('GET', 'audit/state')
  assert.deepEqual([state.broken, (await done('GET', `audit/chain?after=${state.rows - 1}`)).data.links[0].hash], [0, state.hash])
  assert.equal((await done('GET', `audit/state?n=${state.rows}&hash=${state.hash}`)).data.broken, 0)
  assert.equal((await done('GET', `audit/state?n=${state.rows}&hash=${state.hash.replace(/./g, '0')}`)).data.broken, state.rows)
})

test('a quota that is set over REST holds, and is unset', async () => {
  const token = await tokenFor(stack, backend.key, 'quinn')
  secrets.addToken(token)
  let made = 0
  const rooms = async () => {
    const answer = await request('POST', '/api/v1/rooms', { token, body: { name: 'x' } })
    made += answer.status === 201
    return answer
  }
  await done('PUT', 'quotas/rooms', { limit: 1, subject: 'quinn' })
  assert.equal((await rooms()).status, 201)
  await until('it holds', async () => (await rooms()).json.error?.code === 'quota_exceeded')
  assert.deepEqual((await done('GET', 'quotas?subject=quinn')).data.limits.find(({ subject }) => subject === 'quinn').limit, 1)
  assert.equal((await done('GET', 'usage/chat?subject=quinn')).data.usages.find(({ quota }) => quota === 'rooms').used, made)
  await done('DELETE', 'quotas/rooms?subject=quinn', undefined, 204)
  await until('it does not any more', async () => (await rooms()).status === 201)
  refused(await request('PUT', '/api/v1/admin/quotas/nonsense', { body: { limit: 1 } }), 400, 'invalid_argument')
})

test('tokens are ended, and signing keys rotated while sockets and tokens go on', async () => {
  const tokens = await Promise.all(['sam', 'sam', 'tom'].map(name => tokenFor(stack, backend.key, name)))
  for (const token of tokens) secrets.addToken(token)
  const [sam, again, tom] = await Promise.all(tokens.map((token, i) => new Person(stack, String(i), token).connects({ reconnection: false })))
  const gone = person => new Promise(resolve => person.socket.once('disconnect', resolve))
  const both = Promise.all([gone(sam), gone(again)])
  await done('POST', 'subjects/sam/logout', undefined, 204)
  await both
  const { data } = await done('POST', 'signing-keys', undefined, 201)
  assert.deepEqual(data.signing_keys.map(({ state }) => state), ['next', 'active'])
  refused(await request('POST', '/api/v1/admin/signing-keys'), 409, 'conflict')
  assert.deepEqual((await done('GET', 'file-keys')).data.file_keys.map(({ place, sealed }) => [place, sealed]), [[1, 2]])
  assert.ok(tom.socket.connected)
  await tom.makesRoom()
  const sid = JSON.parse(Buffer.from(tokens[2].split('.')[1], 'base64url')).sid
  const last = gone(tom)
  await done('POST', `sessions/${sid}/logout`, undefined, 204)
  await last
})

test('only a policy that names /admin opens it, and only for what it says', async () => {
  const everything = await fileOf([{ effect: 'allow' }, { effect: 'allow', namespaces: ['*', '/*'] }])
  await stack.authctl('policy', 'put', 'everything', everything)
  const auditor = await fileOf([{ effect: 'allow', namespaces: ['/admin'], events: ['audit:*'], actions: ['admin'] }])
  await stack.authctl('policy', 'put', 'auditor', auditor)
  const [wide, audits] = await Promise.all([issue('everything'), issue('auditor')])
  for (const { key } of [wide, backend]) refused(await request('GET', '/api/v1/admin/audit', { token: key }), 403, 'forbidden')
  assert.equal((await request('GET', '/api/v1/admin/audit', { token: audits.key })).status, 200)
  refused(await request('GET', '/api/v1/admin/policies', { token: audits.key }), 403, 'forbidden')
  refused(await request('GET', '/api/v1/admin/audit', { token: null }), 401, 'unauthenticated')
  // A token that an administrator's key gets for somebody else narrows; it speaks for that one in the audit.
  const cap = [{ effect: 'allow', events: ['quota:*'] }]
  const narrow = await tokenFor(stack, admin.key, 'helper', { cap })
  secrets.addToken(narrow)
  refused(await request('GET', '/api/v1/admin/policies', { token: narrow }), 403, 'forbidden')
  assert.equal((await request('PUT', '/api/v1/admin/quotas/rooms', { token: narrow, body: { limit: 9, subject: 'paged' } })).status, 200)
  assert.equal((await newest()).who, 'helper')
})

test('an administrator gives nobody more than they have, by a policy, an invitation, an account or a new password', async () => {
  const admins = [{ effect: 'allow', namespaces: ['/admin'], actions: ['admin'] }], all = [{ effect: 'allow' }]
  await stack.authctl('policy', 'put', 'helpdesk', await fileOf(admins))
  const { key: token } = await issue('helpdesk')
  const asks = (method, path, body) => request(method, `/api/v1/admin/${path}`, { token, body })
  const user = async (nickname, policy) => (await done('POST', 'users', { nickname, policy }, 201)).data.id
  const [boss, clerk] = [await user('boss', 'admin'), await user('clerk', 'helpdesk')]
  const more = [
    ['PUT', 'policies/more', { rules: all }], ['PUT', 'policies/helpdesk', { rules: [...admins, ...all] }], ['PUT', 'policies/admin', { rules: admins }],
    ['POST', 'invitations', { policy: 'admin' }], ['POST', 'users', { nickname: 'another-boss', policy: 'admin' }], ['POST', `users/${boss}/reset-password`],
    ['PUT', `users/${clerk}/policy`, { policy: 'admin' }], ['PUT', `users/${boss}/policy`, { policy: 'helpdesk' }]]
  for (const [method, path, body] of more) refused(await asks(method, path, body), 403, 'forbidden')
  const asMuch = [
    ['PUT', 'policies/less', { rules: [{ ...admins[0], events: ['audit:*'] }] }], ['PUT', 'policies/helpdesk', { rules: admins }], ['POST', 'invitations', { policy: 'less' }], ['POST', 'invitations', {}],
    ['POST', 'users', { nickname: 'another-clerk', policy: 'helpdesk' }], ['POST', 'users', { nickname: 'anybody' }], ['POST', `users/${clerk}/reset-password`],
    ['PUT', `users/${clerk}/policy`, { policy: 'less' }]]
  for (const [method, path, body] of asMuch) {
    const { status, text, json } = await asks(method, path, body)
    assert.ok(status < 300, `${method} ${path}: ${text}`)
    const secret = json?.data?.token ?? json?.data?.url?.split('token=')[1]
    if (secret) secrets.addText('a link', secret)
  }
  refused(await asks('PUT', `users/${clerk}/policy`, { policy: 'nothing' }), 404, 'not_found')
})

test('an administrator ends nobody who may more in /admin, and lets nobody in again who does; whoever is none, they do', async () => {
  const admins = [{ effect: 'allow', namespaces: ['/admin'], actions: ['admin'], events: ['user:*', 'ban:*', 'session:*', 'subject:*'] }]
  await stack.authctl('policy', 'put', 'doorkeeper', await fileOf(admins))
  const { key: token } = await issue('doorkeeper')
  const asks = (method, path, body) => request(method, `/api/v1/admin/${path}`, { token, body })
  const password = 'a heron at the weir'
  const person = async (nickname, policy) => {
    const account = { email: `${nickname}@example.org`, nickname, password }
    const { id } = (await request('POST', '/api/v1/auth/register', { body: account, token: null })).json.data.user
    await stack.authctl('user', 'set-policy', id, policy)
    return { id, signIn: async () => (await request('POST', '/api/v1/auth/login', { body: account, token: null })).json.data.session }
  }
  const boss = await person('the-boss', 'admin'), peer = await person('the-peer', 'doorkeeper'), member = await person('the-member', 'member')
  const strong = await issue('admin'), weak = await issue('chat-client')
  const ends = (who, key, session) => [
    ['POST', `users/${who}/disable`], ['POST', `users/${who}/enable`], ['POST', `users/${who}/logout`], ['POST', `subjects/${who}/logout`],
    ['POST', `sessions/${session}/logout`], ['POST', 'bans', { subject: who }], ['POST', 'bans', { key: key.id }], ['POST', 'bans', { subject: `key:${key.id}` }], ['DELETE', `users/${who}`]]
  for (const [method, path, body] of ends(boss.id, strong, await boss.signIn())) refused(await asks(method, path, body), 403, 'forbidden')
  assert.deepEqual((await done('GET', `users/${boss.id}`)).data.state, 'active')
  for (const { id, signIn } of [peer, member])
    for (const [method, path, body] of ends(id, weak, await signIn())) {
      const answer = await asks(method, path, body)
      assert.ok(answer.status < 300, `${method} ${path}: ${answer.text}`)
      if (path === 'bans') await done('DELETE', `bans/${answer.json.data.id}`)
    }
  const { data: ban } = await done('POST', 'bans', { subject: boss.id }, 201)
  refused(await asks('DELETE', `bans/${ban.id}`), 403, 'forbidden')
  assert.equal((await done('GET', 'bans')).data.bans.length, 1)
  await done('DELETE', `bans/${ban.id}`)
})

test('an administrator sets no limit of who may more in /admin, nor one of all, and ends no token of a key that could be anybody\'s', async () => {
  await stack.authctl('policy', 'put', 'quota-clerk', await fileOf([{ effect: 'allow', namespaces: ['/admin'], actions: ['admin'], events: ['quota:*', 'session:*'] }]))
  const clerk = await issue('quota-clerk'), strong = await issue('admin'), weak = await issue('chat-client')
  const asks = (method, path, body) => request(method, `/api/v1/admin/${path}`, { token: clerk.key, body })
  const boss = (await done('POST', 'users', { nickname: 'a-boss', policy: 'admin' }, 201)).data.id
  const member = (await done('POST', 'users', { nickname: 'a-member' }, 201)).data.id
  const strongToken = await tokenFor(stack, strong.key, 'deputy'), { sid } = JSON.parse(Buffer.from(strongToken.split('.')[1], 'base64url'))
  secrets.addToken(strongToken)

  for (const about of [{ subject: boss }, { subject: boss.toUpperCase() }, { subject: `key:${strong.id}` }, { key: strong.id }, {}]) {
    refused(await asks('PUT', 'quotas/rooms', { limit: 0, ...about }), 403, 'forbidden')
    refused(await asks('DELETE', `quotas/rooms?${new URLSearchParams(about)}`), 403, 'forbidden')
  }
  for (const about of [{ subject: member }, { subject: 'whoever' }, { key: weak.id }, { subject: `key:${clerk.id}` }]) {
    assert.equal((await asks('PUT', 'quotas/rooms', { limit: 5000, ...about })).status, 200)
    assert.equal((await asks('DELETE', `quotas/rooms?${new URLSearchParams(about)}`)).status, 204)
  }
  refused(await asks('POST', `sessions/${sid}/logout`), 403, 'forbidden')
  assert.equal((await request('GET', '/api/v1/admin/quotas', { token: strongToken })).status, 200, 'and it goes on')
  assert.equal((await asks('POST', 'sessions/0190a5b4-0000-7000-8000-000000000000/logout')).status, 204, 'a user\'s that is over')
  await done('PUT', 'quotas/rooms', { limit: 5000, subject: boss })
  await done('DELETE', `quotas/rooms?subject=${boss}`, undefined, 204)
  await done('POST', `sessions/${sid}/logout`, undefined, 204)
})

/* --- what nobody may read --- */

const password = 'only-canaries-sing-this-4711', wrong = 'no-canary-sings-that-0815'

/** Sign-ins that are good and bad, requests that put secrets where they do not belong, a service that dies and comes back. */
async function misplaceAll() {
  const account = { email: 'canary@example.org', nickname: 'canary', password }
  for (const text of [password, wrong]) secrets.addText('a password', text)
  assert.equal((await request('POST', '/api/v1/auth/register', { body: account, token: null })).status, 201)
  refused(await request('POST', '/api/v1/auth/login', { body: { ...account, password: wrong }, token: null }), 401, 'credentials_invalid')
  const { data } = (await request('POST', '/api/v1/auth/login', { body: account, token: null })).json
  secrets.addToken(data.access_token)
  secrets.addToken(data.refresh_token)
  await request('POST', '/api/v1/auth/refresh', { body: { refresh_token: `${data.refresh_token.slice(0, -1)}_` }, token: null })
  await request('POST', '/api/v1/auth/login', { raw: `{"email":"canary@example.org","password":"${password}"`, headers: { 'content-type': 'application/json' }, token: null })
  await request('POST', '/api/v1/auth/login', { body: { password, email: 7 }, token: null })
  for (const secret of [data.access_token, data.refresh_token, admin.key]) {
    await request('GET', `/nowhere/${secret}`)
    await request('GET', `/api/v1/rooms?token=${secret}`, { token: null })
    await request('GET', '/api/v1/rooms', { token: `${secret}x` })
    await request('PUT', `/api/v1/admin/policies/x?key=${secret}`, { body: { rules: secret } })
  }
  const person = await new Person(stack, 'canary', data.access_token).connects({ reconnection: false })
  for (const secret of [password, data.refresh_token, backend.key]) refusals.push(JSON.stringify(await person.emits('room:join', { room: secret })))
  await run(join(bin, 'authctl'), ['key', 'revoke', 'nobody'], { env: { PATH: process.env.PATH } }).catch(error => refusals.push(error.stderr))
  await stack.kill('auth')
  await stack.script('up')
}

test('no secret of all this is in a log, a refusal, a command line, an environment, Redis, the metrics, the audit or the database', async () => {
  addSecretsOfStack(stack, secrets)
  await misplaceAll()
  assert.ok(secrets.find(`>${password}<`) && secrets.find(readFileSync(join(stack.dir, 'keys/file.key'), 'utf8')), 'what is there is found')
  await areNowhere(stack, secrets, watched, refusals)
  const chain = await run('chpst', ['-e', join(stack.dir, 'env/operator'), join(bin, 'authctl'), 'audit', 'export'], { cwd: root, maxBuffer: 1 << 26 })
  assert.match(chain.stdout, /policy\.put/)
  assert.equal(secrets.find(chain.stdout), undefined, 'the audit')
})
