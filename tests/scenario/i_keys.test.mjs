// i_keys - keys administered over REST while they are in use, on two gateways: who gives no more than they have, how many tokens there are, and who obeys.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { after, before, test } from 'node:test'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { bin, root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let stack, admin
const each = []
before(async () => {
  stack = await startStack({ gateways: 2, ownPorts: true })
  for (const port of stack.gatewayPorts) each.push({ ...stack, url: `https://127.0.0.1:${port}`, ca: stack.ca })
  admin = (await stack.authctl('key', 'issue', '--name', 'root', '--policy', 'admin', '--act-as-users')).key
})
after(() => stack?.stop())

const keys = (method, path, { as = admin, body, at = 0 } = {}) => request(each[at], method, `/api/v1/admin/keys${path}`, { token: as, body })
async function done(answer) {
  assert.ok((await answer).status < 300, (await answer).text)
  return (await answer).json.data
}
const refused = async (answer, status, code, message = /./) => {
  const { status: is, json, text } = await answer
  assert.deepEqual([is, json.error.code], [status, code], text)
  assert.match(json.error.message, message)
}
const issue = (body, as) => keys('POST', '', { as, body: { name: 'a key', ...body } })
const rooms = (token, at = 0) => request(each[at], 'GET', '/api/v1/rooms', { token })
const answersAt = (token, at, code) => until(`gateway ${at + 1} answers ${code}`, async () => ((await rooms(token, at)).json?.error?.code ?? 'ok') === code)

test('what authctl does with keys an admin does over REST, and the audit says who', async () => {
  const made = await done(issue({ policy: 'chat-client', expires_in_s: 3600, networks: ['127.0.0.0/8'], uses: 5, limits: [{ name: 'key_requests', limit: 100 }] }))
  assert.match(made.key, /^mdk_/)
  const shown = await done(keys('GET', `/${made.id}`))
  assert.deepEqual([shown.state, shown.uses_left, shown.networks, shown.limits, shown.issued_by],
    ['active', 5, ['127.0.0.0/8'], [{ name: 'key_requests', limit: 100 }], `key:${admin.split('_')[1]}`])
  const edited = await done(keys('PATCH', `/${made.id}`, { body: { name: 'renamed', policy: 'read-only', any_uses: true } }))
  assert.deepEqual([edited.name, edited.policy, edited.uses_left], ['renamed', 'read-only', undefined])
  for (const [verb, state] of [['disable', 'disabled'], ['enable', 'active']]) assert.equal((await done(keys('POST', `/${made.id}/${verb}`, { body: {} }))).state, state)
  const rotated = await done(keys('POST', `/${made.id}/rotate`, { body: { grace_s: 0 } }))
  await refused(request(each[0], 'POST', '/auth/token', { body: { api_key: made.key } }), 401, 'key_invalid')
  await tokenFor(each[0], rotated.key, 'ada')
  assert.match((await done(keys('GET', `/${made.id}`))).last_used_from, /^127\./)
  assert.equal((await done(keys('DELETE', `/${made.id}`))).state, 'revoked')
  await refused(request(each[0], 'POST', '/auth/token', { body: { api_key: rotated.key } }), 401, 'key_revoked')
  const { entries = [], ...rest } = await stack.authctl('audit', 'list')
  const rows = entries.length ? entries : Object.values(rest)[0]
  assert.ok(rows.some(row => row.what === 'key.edit' && row.target === made.id && row.who === `key:${admin.split('_')[1]}`))
})

test('uses over REST are counted by minute at every gateway, those of its tokens too, and each once though auth is killed', async () => {
  const made = await done(issue({ policy: 'chat-client' })), token = await tokenFor(each[0], made.key, 'ada')
  const sum = uses => uses.filter(use => use.result === 'rest').reduce((n, use) => n + use.count, 0)
  const usage = async (...more) => (await stack.authctl('key', 'usage', made.id, ...more)).uses
  const uses = async (n, key) => { for (let i = 0; i < n; i++) assert.equal((await rooms(key, i % 2)).status, 200) }
  await uses(6, token)
  await uses(5, made.key)
  await until('auth has all', async () => sum(await usage('--days', '2')) === 11)
  await stack.kill('auth')
  await uses(4, token)
  await stack.ready()
  await until('auth has those of while it was away', async () => sum(await usage()) === 15)
  const minutes = await usage('--minutes', '30')
  assert.ok(minutes.length > 0 && minutes.every(use => use.result === 'rest' && /^\d{4}-\d\d-\d\d \d\d:\d\d$/.test(use.day)))
  assert.equal(sum(minutes), 15)
  assert.equal(sum((await done(keys('GET', `/${made.id}/usage?minutes=30`))).uses), 15)

  // Minutes become days, once.
  await stack.sql('auth', "UPDATE auth.key_minute SET minute = minute - interval '3 days'")
  for (let i = 0; i < 2; i++) {
    const [job] = (await stack.rpc('auth', 'job.list', { kind: 'key_use.turn' })).jobs
    await stack.rpc('auth', 'job.retry', { job: job.id })
    await until('they are summed up', async () => await stack.sql('auth', `SELECT count(*) FROM auth.key_minute WHERE key = '${made.id}'`) === '0') // of others some are on their way
  }
  assert.deepEqual([sum(await usage()), sum(await usage('--minutes', '1000')), sum(await usage('--days', '2'))], [15, 0, 0])
})

test('a list of keys comes in pages that lead to each other', async () => {
  for (let i = 0; i < 5; i++) await done(issue({ policy: 'read-only' }))
  const page = async query => (await keys('GET', query)).json
  const first = await page('?limit=2'), second = await page(`?limit=2&after=${first.meta.next}`), back = await page(`?limit=2&after=${second.meta.prev}`)
  assert.deepEqual([first.meta.page, first.meta.prev, second.meta.page, first.meta.total], [1, undefined, 2, second.meta.total])
  assert.deepEqual(back.data.keys, first.data.keys)
  assert.deepEqual((await page('?limit=2&page=2')).data.keys, second.data.keys)
  assert.equal(new Set([...first.data.keys, ...second.data.keys].map(key => key.id)).size, 4)
})

test('nobody gives more than they have, whichever way', async () => {
  const rules = [{ effect: 'allow', namespaces: ['/admin'], events: ['key:*'], actions: ['admin'] }, { effect: 'allow', namespaces: ['/', '/chat'], actions: ['connect', 'history'] }]
  writeFileSync(`${stack.dir}/manager.json`, JSON.stringify(rules))
  await stack.authctl('policy', 'put', 'manager', `${stack.dir}/manager.json`)
  writeFileSync(`${stack.dir}/hears.json`, JSON.stringify([{ effect: 'allow', namespaces: ['/chat'], actions: ['connect', 'history'] }]))
  await stack.authctl('policy', 'put', 'hears', `${stack.dir}/hears.json`)
  const manager = await stack.authctl('key', 'issue', '--name', 'manager', '--policy', 'manager', '--network', '127.0.0.0/8', '--no-impersonate', '--expires', '1h')
  const as = manager.key, within = { policy: 'hears', networks: ['127.0.0.0/16'], impersonate: false, expires_in_s: 60 }
  await until('the gateway knows the policy', async () => (await keys('GET', '', { as })).status === 200)
  const own = await done(issue(within, as))
  for (const [more, message] of [[{ policy: 'admin' }, /policy/], [{ policy: 'chat-client' }, /policy/], [{ networks: [] }, /networks/], [{ networks: ['10.0.0.0/8'] }, /networks/],
    [{ impersonate: true }, /impersonate/], [{ act_as_users: true }, /act_as_users/], [{ expires_in_s: 0 }, /expires_in_s/], [{ expires_in_s: 7200 }, /expires_in_s/]])
    await refused(issue({ ...within, ...more }, as), 403, 'forbidden', message)
  for (const body of [{ policy: 'admin' }, { anywhere: true }, { grant: ['act_as_users'] }, { expires_in_s: 0 }]) await refused(keys('PATCH', `/${own.id}`, { as, body }), 403, 'forbidden')
  assert.equal((await done(keys('GET', `/${own.id}`))).policy, 'hears')
  // A mightier key is neither changed nor given a secret that it would know; nor does it make itself mightier.
  const mighty = await done(issue({ policy: 'admin' }))
  for (const [method, path, body] of [['PATCH', '', { name: 'mine' }], ['POST', '/rotate', {}], ['POST', '/disable', {}], ['DELETE', '', undefined]])
    await refused(keys(method, `/${mighty.id}${path}`, { as, body }), 403, 'forbidden')
  await refused(keys('PATCH', `/${manager.id}`, { as, body: { policy: 'admin' } }), 403, 'forbidden')
  await refused(keys('PATCH', `/${manager.id}`, { as, body: { expires_in_s: 0 } }), 403, 'forbidden')
  const narrowed = (await request(each[0], 'POST', '/auth/token', { body: { api_key: admin, cap: rules } })).json.data.token
  await refused(issue({ policy: 'admin' }, narrowed), 403, 'forbidden', /narrows/)
})

test('of a key for ten tokens there are ten, whoever asks at once and whoever is killed', async () => {
  const today = () => new Date().toISOString().slice(0, 10), days = [today()]
  const made = await done(issue({ policy: 'chat-client', uses: 10 }))
  const ask = i => request(each[i % 2], 'POST', '/auth/token', { body: { api_key: made.key, subject: `s${i}` } })
  await refused(rooms(made.key), 401, 'key_invalid', /POST \/auth\/token/) // and takes none
  const at = Array.from({ length: 60 }, (_, i) => ask(i))
  await stack.kill('auth')
  const answers = await Promise.all(at)
  await stack.ready()
  const rest = []
  for (let i = 0; i < 12; i++) rest.push(await ask(i))
  const got = [...answers, ...rest].filter(answer => answer.status === 200)
  assert.ok(got.length > 0 && got.length <= 10, `${got.length} tokens`)
  const { uses_left, state } = await done(keys('GET', `/${made.id}`))
  assert.deepEqual([uses_left, state], [0, 'used_up'])
  await refused(ask(0), 401, 'key_used_up')
  const { uses } = await done(keys('GET', `/${made.id}/usage`)) // of a day, or of two around midnight
  const of = result => uses.filter(use => use.result === result).reduce((n, use) => n + use.count, 0)
  assert.deepEqual([of('ok'), of('key_used_up') > 0], [10, true], 'as many lines as tokens')
  assert.deepEqual(uses.filter(({ day }) => !days.includes(day) && day !== today()), [])
  assert.equal((await rooms(got[0].json.data.token)).status, 200, 'what it got lives on')
})

test('an edit reaches the live sockets and requests of both gateways, and a gateway that was cut off before it serves again', async () => {
  const made = await done(issue({ policy: 'chat-client' })), token = await tokenFor(each[0], made.key, 'ada')
  const sockets = await Promise.all([0, 1, 0, 1].map(async at => new Person(each[at], `ada at ${at}`, token).connects({ transports: ['websocket'], reconnection: false })))
  const ended = () => Promise.all(sockets.map(person => new Promise(resolve => person.socket.once('disconnect', resolve))))
  const all = ended()
  await done(keys('POST', `/${made.id}/disable`, { body: {}, at: 1 }))
  assert.deepEqual(new Set(await all), new Set(['io server disconnect']))
  for (const person of sockets) assert.equal(person.events.find(([event]) => event === 'error')[1].code, 'key_disabled')
  for (const at of [0, 1]) await answersAt(token, at, 'key_disabled')
  await done(keys('POST', `/${made.id}/enable`, { body: {} }))
  for (const at of [0, 1]) await answersAt(token, at, 'ok')
  for (const at of [1, 2]) assert.ok(await stack.metric(at, 'madang_revocation_seconds_count', 'what="sockets"') >= 2)

  // The second gateway stands still while the key loses its policy's rights: the first thing that it is asked is answered by what holds then.
  const pid = stack.pid('gateway-2')
  process.kill(pid, 'SIGSTOP')
  const waits = rooms(token, 1)
  await done(keys('PATCH', `/${made.id}`, { body: { policy: 'read-only' } }))
  await new Promise(resolve => setTimeout(resolve, 1500)) // as long as makes it a standstill
  process.kill(pid, 'SIGCONT')
  await refused(waits, 403, 'forbidden')
})

/** The commands of docs/keys.md under the bold word that begins their paragraph, in a directory of their own. */
function commandsOf(chapter) {
  const text = readFileSync(join(root, 'docs/keys.md'), 'utf8')
  const at = text.indexOf(`**${chapter}`)
  assert.ok(at >= 0, chapter)
  return text.slice(at).match(/```sh\n([^]*?)```/)[1].replaceAll('https://localhost:8443', each[0].url).replaceAll('.run/tls/ca.crt', join(stack.dir, 'tls/ca.crt'))
    .replaceAll('scripts/authctl', `chpst -e ${join(stack.dir, 'env/operator')} ${join(bin, 'authctl')}`)
}

test('the life of a key, as docs/keys.md tells it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'keys-')), read = name => readFileSync(join(dir, name), 'utf8').trim()
  const runs = async chapter => (await promisify(execFile)('bash', ['-eu', '-o', 'pipefail', '-c', commandsOf(chapter)], { cwd: dir })).stdout
  try {
    assert.match(await runs('Issue.'), /^line 1: key \w{12}\n[^]*state +active/)
    assert.match(await runs('Use.'), /"rooms":\[/)
    const token = read('ada.token'), former = read('web.key')
    const ada = await new Person(each[1], 'ada', token).connects({ transports: ['websocket'], reconnection: false })
    await runs('Rotate.')
    await runs('Grace.')
    assert.notEqual(read('web.key'), former)
    await refused(request(each[0], 'POST', '/auth/token', { body: { api_key: former } }), 401, 'key_invalid')
    const [went] = await Promise.all([new Promise(resolve => ada.socket.once('disconnect', resolve)), runs('Perhaps it leaked?')])
    assert.equal(went, 'io server disconnect')
    await answersAt(token, 1, 'ok')
    const back = await new Person(each[1], 'ada', token).connects({ transports: ['websocket'], reconnection: false })
    const gone = new Promise(resolve => back.socket.once('disconnect', resolve))
    await runs('Revoke, and disconnect.')
    assert.equal(await gone, 'io server disconnect')
    assert.equal(back.events.find(([event]) => event === 'error')[1].code, 'key_revoked')
  } finally { rmSync(dir, { recursive: true, force: true }) }
})

test('a key has requests, events and arrivals of its own', async () => {
  const limited = await startStack({ env: { MADANG_GATEWAY_RATE_PERCENT: '100' } })
  try {
    const { key } = await limited.authctl('key', 'issue', '--name', 'few', '--policy', 'chat-client', '--limit', 'key_requests=3', '--limit', 'key_events=2', '--limit', 'key_arrivals=2')
    const token = await tokenFor(limited, key, 'ada')
    const answers = []
    for (let i = 0; i < 4; i++) answers.push(await request(limited, 'GET', '/api/v1/rooms', { token }))
    assert.deepEqual(answers.map(answer => answer.status), [200, 200, 200, 429])
    const person = await Person.arrives(limited, key, 'bo'), codes = []
    for (let i = 0; i < 3; i++) codes.push((await person.emits('room:list', {})).error?.code)
    assert.deepEqual(codes, [undefined, undefined, 'rate_limited'])
    await new Person(limited, 'cy', await tokenFor(limited, key, 'cy')).connects({ reconnection: false })
    await assert.rejects(new Person(limited, 'di', await tokenFor(limited, key, 'di')).connects({ reconnection: false }), error => error.data?.code === 'rate_limited')
  } finally { await limited.stop() }
})
