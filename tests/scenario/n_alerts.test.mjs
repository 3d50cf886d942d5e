// n_alerts - an operator is told at once of what looks like an attack: in the list, the log, by a webhook and in /system; and
// everybody of what administrators have to say.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import { randomBytes } from 'node:crypto'
import https from 'node:https'
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import tls from 'node:tls'
import { Webhook } from 'standardwebhooks'
import { wrongKey } from '../lib/keys.mjs'
import { Person, everybodyLeaves, request, tokenFor } from '../lib/people.mjs'
import { freePorts } from '../lib/ports.mjs'
import { startStack } from '../lib/stack.mjs'
import { pause, until } from '../lib/wait.mjs'

const secrets = [randomBytes(32), randomBytes(24)].map(bytes => `whsec_${bytes.toString('base64')}`)
const PROXY = '127.0.9.1' // a trusted proxy's, whose clients are those that it names
let stack, doors, dir, hook, key, adminKey, admin

/** The operator's own server: what came, and what the next ones are answered that are `about` this. */
async function startHook(port) {
  const hook = { came: [], answers: [], about: () => false, server: null }
  hook.server = createServer((req, res) => {
    const chunks = []
    req.on('data', chunk => chunks.push(chunk))
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const { status = 204, headers = {} } = (hook.about(JSON.parse(body).data) && hook.answers.shift()) || {}
      hook.came.push({ headers: req.headers, body, status })
      res.writeHead(status, headers).end()
    })
  })
  await new Promise(resolve => hook.server.listen(port, '127.0.0.1', resolve))
  return hook
}

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'madang-hook-'))
  writeFileSync(join(dir, 'secret'), `${secrets.join('\n')}\n`, { mode: 0o600 })
  const port = await freePorts(1)
  hook = await startHook(port)
  stack = await startStack({
    gateways: 2, ownPorts: true,
    env: {
      MADANG_GATEWAY_RATE_PERCENT: '10', MADANG_GATEWAY_TRUSTED_PROXIES: '127.0.9.0/24', MADANG_GATEWAY_CONNECTIONS_PER_ADDRESS: '200', MADANG_GATEWAY_TLS_CHECK_S: '1',
      MADANG_AUTH_ALERT_WEBHOOK: `http://127.0.0.1:${port}/alerts`, MADANG_AUTH_ALERT_WEBHOOK_SECRET: join(dir, 'secret'),
      MADANG_FETCH_PLAIN: '1', MADANG_FETCH_INSIDE: '127.0.0.1', MADANG_FETCH_PORTS: String(port),
    },
  })
  doors = stack.gatewayPorts.map(port => ({ url: `https://127.0.0.1:${port}`, ca: stack.ca }))
  key = await stack.authctl('key', 'issue', '--name', 'web', '--policy', 'chat-client')
  adminKey = await stack.issueKey({ policy: 'admin' })
  admin = await tokenFor(doors[0], adminKey, 'adam')
})
after(async () => {
  for (const door of doors ?? []) everybodyLeaves(door)
  hook?.server.closeAllConnections()
  hook?.server.close()
  await stack?.stop()
  rmSync(dir, { recursive: true, force: true })
})

const proxied = (client, more) => ({ from: PROXY, headers: { 'x-forwarded-for': client }, ...more })
const inSystem = async (door, name, token) => new Person(door, name, token ?? await tokenFor(doors[0], key.key, name)).connects({ namespace: '/system', reconnection: false })
const heard = (person, event) => person.events.filter(([name]) => name === event).map(([, what]) => what)
const alerts = async (kind, about = () => true) => (await stack.authctl('alert', 'list', '--kind', kind)).alerts.filter(about)
const alertOf = (kind, about) => until(`there is an alert ${kind}`, async () => (await alerts(kind, about))[0])
const logged = (kind, text) => stack.log('auth').split('\n').filter(line => line.includes('"event":"auth.alert"') && line.includes(`"kind":"${kind}"`) && line.includes(text))
const posted = about => hook.came.map(({ body }) => JSON.parse(body)).filter(({ data }) => about(data))

test('everybody in /system hears a notice at once, who comes later hears it while it holds, and its end', async () => {
  const there = await Promise.all(doors.map((door, i) => inSystem(door, `ann-${i}`)))
  const elsewhere = await Person.arrives(doors[0], key.key, 'ann-chat')
  const made = await request(doors[0], 'POST', '/api/v1/admin/notices', { token: admin, body: { text: '잠시 후 점검이 있습니다.', for_s: 600 } })
  assert.equal(made.status, 201, made.text)
  const { id, at, until: end } = made.json.data
  assert.ok(end - at === 600000 && made.json.data.by === 'adam', made.text)
  for (const person of there) {
    await person.hearsEvent('notice')
    assert.deepEqual(heard(person, 'notice'), [{ id, text: '잠시 후 점검이 있습니다.', at, until: end }])
  }
  const second = await stack.authctl('notice', 'Back soon.', '--until', '30m')
  for (const person of there) await until('the second one is heard', () => heard(person, 'notice').length === 2)
  const later = await inSystem(doors[1], 'later')
  await until('both are heard', () => heard(later, 'notice').length === 2)
  assert.deepEqual((await stack.authctl('notice', 'list')).notices.map(notice => notice.id), [second.id, id])
  assert.deepEqual((await request(doors[0], 'GET', '/api/v1/admin/notices', { token: admin })).json.data.notices.length, 2)

  await stack.authctl('notice', 'withdraw', second.id)
  for (const person of [...there, later]) {
    await person.hearsEvent('notice:end')
    assert.deepEqual(heard(person, 'notice:end'), [{ notice: second.id }])
  }
  assert.equal((await request(doors[0], 'DELETE', `/api/v1/admin/notices/${second.id}`, { token: admin })).status, 404)
  const last = await inSystem(doors[0], 'last')
  await until('the first one is heard', () => heard(last, 'notice').length)
  assert.deepEqual(heard(last, 'notice').map(notice => notice.id), [id])
  assert.deepEqual(heard(elsewhere, 'notice'), [])
  assert.equal((await request(doors[0], 'DELETE', `/api/v1/admin/notices/${id}`, { token: admin })).status, 200)
})

test('a notice is bounded, and administrators alone give one', async () => {
  const put = (body, token = admin) => request(doors[0], 'POST', '/api/v1/admin/notices', { token, body })
  for (const body of [{}, { text: '' }, { text: 'x'.repeat(501) }, { text: 'over', until: 1000 }, { text: 'bell \u0007' }, { text: 'late', until: Date.now() + 400 * 86400000 }])
    assert.equal((await put(body)).json.error.code, 'invalid_argument', JSON.stringify(body))
  assert.equal((await put({ text: 'x' }, await tokenFor(doors[0], key.key, 'nobody'))).json.error.code, 'forbidden')
  const made = []
  let refused
  while (!refused && made.length < 30) {
    const { json } = await put({ text: `one of many, ${made.length}` })
    if (json.error) refused = json.error.code
    else made.push(json.data.id)
  }
  assert.deepEqual([refused, made.length], ['too_large', 20])
  for (const id of made) await stack.authctl('notice', 'withdraw', id)
})

test('a gateway that was killed has the notices that hold when it is back, and a killed auth has lost none', async () => {
  const { id } = await stack.authctl('notice', 'It holds.')
  await stack.kill('auth')
  await stack.kill('gateway-2')
  await stack.ready()
  const person = await inSystem(doors[1], 'bea')
  await person.hearsEvent('notice')
  assert.deepEqual(heard(person, 'notice').map(notice => notice.id), [id])
  await stack.authctl('notice', 'withdraw', id)
  await person.hearsEvent('notice:end')
})

test('a key that is refused ten times is an alert: in the list, in the log, by a signed webhook, in /system for administrators alone', async () => {
  const boss = await inSystem(doors[1], 'adam', admin), other = await inSystem(doors[1], 'olga')
  const guess = i => request(doors[0], 'POST', '/auth/token', proxied(`203.0.${i}.1`, { body: { api_key: wrongKey(key.id) } }))
  for (let i = 0; i < 9; i++) assert.equal((await guess(i)).json.error.code, 'key_invalid')
  const about = alert => alert.key === key.id
  assert.deepEqual(await alerts('repeated_failures', about), [])
  await guess(9)
  const alert = await alertOf('repeated_failures', about)
  await until('who may list alerts hears it', () => heard(boss, 'alert').some(about))
  await until('it is posted', () => posted(about).length)
  for (let i = 10; i < 12; i++) await guess(i)
  const [first] = heard(boss, 'alert').filter(about)
  assert.deepEqual({ ...first, times: 0, last_at: 0 }, { ...alert, times: 0, last_at: 0 })
  assert.deepEqual([alert.detail, alert.subject, alert.address, first.times], ['key_invalid', undefined, undefined, 1])
  await until('it is logged', () => logged('repeated_failures', key.id).length)
  await until('all three are counted', async () => (await alerts('repeated_failures', about))[0].times === 3)
  assert.equal((await alerts('repeated_failures', about)).length, 1)
  assert.equal(logged('repeated_failures', key.id).length, 1, 'one line while it goes on')
  assert.equal(heard(boss, 'alert').filter(about).length, 1)
  const rest = await request(doors[0], 'GET', '/api/v1/admin/alerts?kind=repeated_failures', { token: admin })
  assert.ok(rest.json.data.alerts.some(one => one.id === alert.id) && rest.json.meta.total >= 1, rest.text)
  assert.equal((await request(doors[0], 'GET', '/api/v1/admin/alerts', { token: other.token })).json.error.code, 'forbidden')

  const { headers, body } = hook.came.find(({ body }) => about(JSON.parse(body).data))
  for (const secret of secrets) assert.deepEqual(new Webhook(secret).verify(body, headers), JSON.parse(body))
  assert.throws(() => new Webhook(secrets[0]).verify(body.replace(key.id, 'another'), headers))
  assert.throws(() => new Webhook(`whsec_${randomBytes(32).toString('base64')}`).verify(body, headers))
  const { type, timestamp, data } = JSON.parse(body)
  assert.deepEqual([type, Date.parse(timestamp), data.id], ['alert.repeated_failures', data.last_at, alert.id])

  // Its time is over: it is told once more, with the same id, how often it came.
  await stack.sql('auth', `UPDATE job SET run_at = now() WHERE kind = 'alert.tell' AND key = '${alert.id}'`)
  await stack.sql('auth', "SELECT pg_notify('auth_jobs', '')")
  await until('it is told once more', () => heard(boss, 'alert').filter(about).length === 2)
  assert.deepEqual(heard(boss, 'alert').filter(about).map(({ id, times }) => [id, times]), [[alert.id, 1], [alert.id, 3]])
  await until('and posted', () => posted(about).length === 2)
  assert.deepEqual(posted(about).map(({ data }) => data.times), [1, 3])
  assert.deepEqual(heard(other, 'alert'), [], 'who may not list alerts hears none')
})

test('a webhook that fails gets it again under the same id, also after a kill; one that wants no more gets no more', async () => {
  const other = await stack.authctl('key', 'issue', '--name', 'other', '--policy', 'chat-client'), about = alert => alert.key === other.id
  hook.about = about
  hook.answers.push({ status: 503, headers: { 'retry-after': '1' } }, { status: 302, headers: { location: '/elsewhere' } })
  const from = client => request(doors[0], 'POST', '/auth/token', proxied(client, { body: { api_key: other.key, subject: 'x' } }))
  assert.equal((await from('198.51.100.7')).status, 200)
  assert.equal((await from('198.51.100.77')).status, 200, 'the same network')
  assert.deepEqual(await alerts('key_new_network', about), [])
  assert.equal((await from('192.0.2.7')).status, 200)
  const alert = await alertOf('key_new_network', about)
  assert.equal(alert.detail, '192.0.2.0/24')
  assert.equal((await from('192.0.2.9')).status, 200)
  await until('it came once', () => posted(about).length >= 1)
  await stack.kill('auth')
  const due = () => stack.sql('auth', "UPDATE job SET run_at = now() WHERE kind = 'alert.tell' AND lease IS NULL; SELECT pg_notify('auth_jobs', '')")
  await until('it came again until it was taken', async () => { await due(); return hook.came.some(({ body, status }) => status === 204 && about(JSON.parse(body).data)) }, 30000)
  const came = hook.came.filter(({ body }) => about(JSON.parse(body).data))
  assert.equal(new Set(came.map(({ headers }) => headers['webhook-id'])).size, 1)
  assert.deepEqual(came.map(({ status }) => status), [503, 302, 204])
  for (const { headers, body } of came) new Webhook(secrets[0]).verify(body, headers)
  assert.ok(!hook.came.some(({ body }) => body === ''), 'no redirect is followed')

  const third = await stack.authctl('key', 'issue', '--name', 'third', '--policy', 'chat-client')
  hook.about = alert => alert.key === third.id
  hook.answers.push({ status: 410 })
  for (const client of ['198.51.100.7', '192.0.2.7']) await request(doors[0], 'POST', '/auth/token', proxied(client, { body: { api_key: third.key, subject: 'x' } }))
  await until('it is given up', async () => (await stack.rpc('auth', 'job.list', { kind: 'alert.tell', state: 'dead' })).jobs?.some(job => job.last_error.startsWith('gone')))
})

test('a flood of requests, one of wrong credentials and one of connections are alerts about where they come from', async () => {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 8 })
  const requests = await until('there is an alert request_flood', async () => { // of ten seconds: however fast this machine is
    await Promise.all(Array.from({ length: 150 }, () => request(doors[0], 'GET', '/.well-known/jwks.json', { from: '127.0.7.1', agent })))
    return (await alerts('request_flood', alert => alert.address === '127.0.7.1'))[0]
  })
  agent.destroy()
  assert.equal(requests.detail, 'public')
  assert.ok(requests.times >= 100, JSON.stringify(requests))

  for (let i = 0; i < 6; i++) await request(doors[1], 'POST', '/auth/token', { body: { api_key: wrongKey(`nokey${i}`.padEnd(key.id.length, 'x')) }, from: '127.0.7.2' })
  const failures = await alertOf('repeated_failures', alert => alert.address === '127.0.7.2')
  assert.equal(failures.detail, 'auth')

  const open = () => new Promise(resolve => {
    const socket = tls.connect({ host: '127.0.0.1', port: stack.gatewayPorts[0], ca: stack.ca, localAddress: '127.0.7.3' }, () => resolve(socket))
    socket.on('error', () => resolve(socket))
  })
  const sockets = []
  const connections = await until('there is an alert connection_flood', async () => {
    for (let i = 0; i < 20; i++) sockets.push(...await Promise.all(Array.from({ length: 10 }, open)))
    return (await alerts('connection_flood', alert => alert.address === '127.0.7.3'))[0]
  })
  assert.ok(connections.times >= 100, JSON.stringify(connections))
  for (const socket of sockets) socket.destroy()
  assert.equal((await request(doors[0], 'GET', '/.well-known/jwks.json', { from: '127.0.7.4' })).status, 200, 'and nobody else')
})

/** A certificate with the gateways' key, of ten days of which one is left, in the place of theirs. */
function putLateCertificate(tlsDir) {
  const of = name => join(dir, name), day = 86400000
  const at = ms => new Date(Date.now() + ms).toISOString().replace(/[-:T]|\.\d+/g, '')
  writeFileSync(of('ca.cnf'), `[ca]\ndefault_ca=own\n[own]\ndatabase=${of('index')}\nserial=${of('serial')}\nnew_certs_dir=${dir}\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n`)
  writeFileSync(of('index'), '')
  writeFileSync(of('serial'), '01\n')
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' })
  openssl('req', '-new', '-key', join(tlsDir, 'server.key'), '-subj', '/CN=localhost', '-out', of('late.csr'))
  openssl('ca', '-batch', '-selfsign', '-config', of('ca.cnf'), '-keyfile', join(tlsDir, 'server.key'), '-in', of('late.csr'), '-notext', '-out', of('late.crt'),
    '-startdate', at(-9 * day), '-enddate', at(day + 3600000))
  copyFileSync(of('late.crt'), join(tlsDir, 'late.crt'))
  renameSync(join(tlsDir, 'late.crt'), join(tlsDir, 'server.crt'))
}

test('a certificate that was not renewed is an alert, though auth was away when it was found, and one a day', async () => {
  const tlsDir = join(stack.dir, 'tls'), theirs = readFileSync(join(tlsDir, 'server.crt')), watcher = await inSystem(doors[0], 'adam', admin)
  assert.deepEqual(await alerts('certificate_ends'), [])
  const pid = stack.pid('auth')
  process.kill(pid, 'SIGSTOP')
  try {
    putLateCertificate(tlsDir)
    for (const n of [1, 2]) await until(`gateway ${n} has found it`, () => stack.log(`gateway-${n}`).includes('"listener.certificate_ends"'))
  } finally { process.kill(pid, 'SIGKILL') }
  const alert = await alertOf('certificate_ends')
  assert.equal(alert.detail, 'server.crt 10%')
  assert.deepEqual([alert.address, alert.subject, alert.key], [undefined, undefined, undefined])
  await until('it is told', () => logged('certificate_ends', 'server.crt 10%')[0] && posted(({ id }) => id === alert.id)[0] && heard(watcher, 'alert').find(({ id }) => id === alert.id))
  await until('both gateways have said so', async () => (await alerts('certificate_ends'))[0].times >= 2)

  const told = (await alerts('certificate_ends'))[0].times
  await stack.kill('gateway-1') // which finds it anew
  await until('it is counted', async () => (await alerts('certificate_ends'))[0].times > told)
  assert.equal((await alerts('certificate_ends')).length, 1)
  writeFileSync(join(tlsDir, 'server.new'), theirs)
  renameSync(join(tlsDir, 'server.new'), join(tlsDir, 'server.crt'))
  await until('the former one is in place', async () => (await stack.metric(1, 'madang_gateway_certificate_life_left_percent')) > 90 && (await stack.metric(2, 'madang_gateway_certificate_life_left_percent')) > 90)
  await stack.ready()
})

test('a storm of alerts is so many of its kind, and one that counts the others', async () => {
  const before = (await alerts('key_new_network')).length
  const keys = await Promise.all(Array.from({ length: 24 }, (_, i) => stack.authctl('key', 'issue', '--name', `storm-${i}`, '--policy', 'chat-client')))
  for (const client of ['198.51.100.7', '192.0.2.7'])
    await Promise.all(keys.map(({ key }) => request(doors[0], 'POST', '/auth/token', proxied(client, { body: { api_key: key, subject: 'x' } }))))
  const others = await alertOf('key_new_network', alert => alert.key === undefined)
  assert.equal((await alerts('key_new_network')).length, 21)
  await until('the others are counted', async () => (await alerts('key_new_network', alert => alert.id === others.id))[0].times === 24 - (20 - before))
})

test('a chain of the audit that somebody changed is an alert, and a new chain in its place is, too', async () => {
  const check = () => stack.sql('auth', "UPDATE job SET run_at = now() WHERE kind = 'audit.check'; SELECT pg_notify('auth_jobs', '')")
  const newest = Number(await stack.sql('auth', 'SELECT max(n) FROM audit'))
  await until('all was looked at', async () => { await check(); return Number(await stack.sql('auth', 'SELECT head FROM audit_checked')) >= newest })
  assert.deepEqual(await alerts('audit_broken'), [])
  const change = sql => stack.sql('auth', `ALTER TABLE audit DISABLE TRIGGER audit_only_grows; ${sql}; ALTER TABLE audit ENABLE TRIGGER audit_only_grows`)
  await change("UPDATE audit SET who = 'nobody' WHERE n = 2")
  const alert = await until('it is found', async () => { await check(); return (await alerts('audit_broken'))[0] }, 30000)
  assert.equal(alert.detail, '2')
  await stack.sql('auth', 'DELETE FROM alert')
  // All of it anew, whole in itself; its newest link is another one.
  await change(`CREATE TABLE kept AS SELECT * FROM audit; DELETE FROM audit;
    SELECT audit_add(at, who, what, target, detail) FROM (SELECT * FROM kept ORDER BY n) k; DROP TABLE kept`)
  assert.equal((await stack.authctl('audit', 'verify')).broken ?? 0, 0)
  await until('it is found', async () => { await check(); return (await alerts('audit_broken')).length }, 30000)
})
