// r_metrics - what /metrics says is what happened, its labels are ours alone, and what it says is in docs/operations.md.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import WebSocket from 'ws'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { familiesOf, metricIn, metricsText } from '../lib/prometheus.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let stack, key, token, ada
before(async () => {
  stack = await startStack({ env: { MADANG_GATEWAY_NAMESPACES: '/odd"name\\' } })
  key = await stack.issueKey()
  token = await tokenFor(stack, key, 'ada')
  ada = await Person.arrives(stack, key, 'ada', { token })
})
after(() => stack?.stop())

const now = () => metricsText(stack.healthPort)
/** What has changed since `before`, of each of these; waits until it is as expected, for gauges follow. */
const grows = (before, name, labels, by) => until(`${name} ${JSON.stringify(labels)} by ${by}`, async () => metricIn(await now(), name, labels) - metricIn(before, name, labels) === by)

test('every process is understood by Prometheus\' own reader, and each family says what it is', async () => {
  for (let i = 0; i < 5; i++) {
    const families = familiesOf(await metricsText(stack.healthPort + i))
    assert.ok(families.length > 10)
    for (const { name, type, help } of families) assert.ok(['counter', 'gauge', 'histogram'].includes(type) && help.length > 5, `${name}: ${type}, ${help}`)
    assert.equal(new Set(families.map(({ name }) => name)).size, families.length, 'a family is there once')
  }
})

test('sessions are counted by their transport, and upgrades by their end', async () => {
  const before = await now()
  const sessions = (transport, by) => grows(before, 'madang_gateway_sessions', { transport }, by)
  const bo = await Person.arrives(stack, key, 'bo', { transports: ['polling'] })
  const cy = await Person.arrives(stack, key, 'cy', { transports: ['websocket'] })
  await sessions('polling', 1)
  await sessions('websocket', 1)
  const di = await Person.arrives(stack, key, 'di', { transports: ['polling', 'websocket'] })
  await until('di is on WebSocket', () => di.socket.io.engine.transport.name === 'websocket')
  await sessions('websocket', 2)
  await grows(before, 'madang_gateway_upgrades_total', { result: 'upgraded' }, 1)
  const halfway = new WebSocket(`${stack.url.replace('https', 'wss')}/socket.io/?EIO=4&transport=websocket&sid=${bo.socket.io.engine.id}`, { ca: stack.ca })
  await new Promise(resolve => halfway.once('open', resolve))
  halfway.terminate()
  await grows(before, 'madang_gateway_upgrades_total', { result: 'given_up' }, 1)
  for (const person of [bo, cy, di]) person.leaves()
  await sessions('polling', 0)
  await sessions('websocket', 0)
})

test('sockets are counted in their namespace', async () => {
  const before = await now()
  const bo = await Person.arrives(stack, key, 'bo'), errors = await Person.arrives(stack, key, 'bo', { namespace: '/error' })
  await grows(before, 'madang_socketio_sockets', { namespace: '/chat' }, 1)
  await grows(before, 'madang_socketio_sockets', { namespace: '/error' }, 1)
  assert.match(before, /^madang_socketio_sockets\{namespace="\/odd\\"name\\\\"\} 0$/m)
  bo.leaves()
  errors.leaves()
  await grows(before, 'madang_socketio_sockets', { namespace: '/chat' }, 0)
})

test('events are counted by their name and end, with the time that they took', async () => {
  const before = await now()
  const { id: room } = await ada.makesRoom()
  await ada.joins(room)
  for (let i = 0; i < 3; i++) await ada.says(room, `${i}`)
  await ada.isRefused('message:send', { room, id: 'x', body: 7 }, 'invalid_argument')
  await ada.isRefused('message:sned', { room }, 'no_event')
  await ada.calls('typing', { room })
  const events = (event, outcome, by) => grows(before, 'madang_events_total', { event, outcome }, by)
  await events('room:create', 'ok', 1)
  await events('room:join', 'ok', 1)
  await events('message:send', 'ok', 3)
  await events('message:send', 'refused', 1)
  await events('relayed', 'ok', 1)
  await events('relayed', 'refused', 1)
  await grows(before, 'madang_event_seconds_count', { event: 'message:send' }, 3)
  await grows(before, 'madang_refusals_total', { code: 'no_event' }, 1)
  await grows(before, 'madang_refusals_total', { code: 'invalid_argument' }, 1)
})

test('requests are counted by their route and end, with the time that they took, and the log has their bytes', async () => {
  const before = await now()
  const list = await request(stack, 'GET', '/api/v1/rooms', { token, headers: { 'x-request-id': 'counted-1' } })
  assert.equal((await request(stack, 'GET', '/api/v1/rooms', { token: 'none' })).status, 401)
  assert.equal((await request(stack, 'GET', '/api/v1/no-such-thing/0123', { token })).status, 404)
  const requests = (route, outcome, by) => grows(before, 'madang_http_requests_total', { route, outcome }, by)
  await requests('GET /api/v1/rooms', 'ok', 1)
  await requests('GET /api/v1/rooms', 'refused', 1)
  await requests('none', 'refused', 1)
  await grows(before, 'madang_http_seconds_count', { route: 'GET /api/v1/rooms' }, 2)
  await grows(before, 'madang_refusals_total', { code: 'no_route' }, 1)
  const line = await until('it is in the log', () => stack.log('gateway-1').split('\n').find(each => each.includes('"counted-1"')))
  assert.equal(JSON.parse(line).bytes, Buffer.byteLength(list.text))
  assert.equal((await request(stack, 'GET', '/robots.txt')).status, 200)
  assert.match(await until('the page is in the log', () => stack.log('gateway-1').split('\n').find(each => each.includes('"/robots.txt"'))), /"bytes":[1-9]/)
})

test('who comes back is counted, and why who began anew did', async () => {
  const before = await now()
  const bo = await Person.arrives(stack, key, 'bo')
  const { id: room } = await bo.makesRoom()
  await bo.joins(room)
  await bo.says(room, 'an offset')
  await bo.hears('an offset')
  await bo.losesConnection()
  assert.equal(await bo.comesBack(), true)
  await grows(before, 'madang_recoveries_total', { result: 'recovered' }, 1)
  await bo.losesConnection()
  Object.assign(bo.socket, { _pid: 'A'.repeat(bo.socket._pid.length) })
  assert.equal(await bo.comesBack(), false)
  await grows(before, 'madang_recoveries_total', { result: 'anew' }, 1)
  await grows(before, 'madang_recoveries_refused_total', { why: 'no_record' }, 1)
  bo.leaves()
})

test('what waits in a queue is counted, until it goes on', async () => {
  const { id: room } = await ada.makesRoom()
  await ada.joins(room)
  await ada.says(room, 'she may')
  const [gateway, store] = [0, 3].map(at => stack.healthPort + at)
  const waits = async (port, name, labels) => metricIn(await metricsText(port), name, labels)
  const counts = (port, name, labels, n) => until(`${name} is ${n}`, async () => await waits(port, name, labels) === n)
  await counts(store, 'madang_store_publications_waiting', {}, 0)
  const chat = stack.pid('chat')
  let made
  process.kill(chat, 'SIGSTOP')
  try {
    await ada.says(room, 'chat does not hear of it yet')
    await counts(store, 'madang_store_publications_waiting', {}, 1)
    made = ada.calls('room:create', { name: 'later' })
    await until('chat owes an answer', async () => await waits(gateway, 'madang_rpc_unanswered', { peer: 'chat' }) >= 1)
  } finally {
    process.kill(chat, 'SIGCONT')
  }
  await made
  await counts(gateway, 'madang_rpc_unanswered', { peer: 'chat' }, 0)
  await counts(store, 'madang_store_publications_waiting', {}, 0)

  const locks = spawn('psql', ['-X', '-q', `host=${stack.dir}/pg-socket dbname=madang user=madang_store passfile=${stack.dir}/secrets/store.pgpass options=-csearch_path=store`])
  let said
  try {
    locks.stdin.write('BEGIN; LOCK TABLE message IN ACCESS EXCLUSIVE MODE; SELECT 1;\n')
    await new Promise(resolve => locks.stdout.once('data', resolve))
    said = ada.says(room, 'behind a lock')
    await counts(store, 'madang_store_appends_waiting', {}, 1)
  } finally {
    locks.stdin.end('COMMIT;\n')
  }
  await said
  await counts(store, 'madang_store_appends_waiting', {}, 0)
})

test('nothing that comes from outside becomes a label', async () => {
  await ada.emits('warm:up', { room: 'x' }) // the rows of what follows are there
  await request(stack, 'GET', '/api/v1/warm-up', { token })
  // Of requests and events: what the gateway asks of services by itself begins when it begins.
  const series = async () => (await now()).split('\n').filter(line => /^madang_(events|event_seconds|http|refusals)_/.test(line)).length
  const before = await series()
  for (let i = 0; i < 100; i++) {
    await request(stack, 'GET', `/api/v1/outside-${i}`, { token, headers: { 'x-request-id': `outside-${i}` } })
    await ada.emits(`outside:${i}`, { room: `outside-${i}` })
  }
  assert.equal(await series(), before)
  assert.doesNotMatch(await now(), /outside/)
})

test('docs/operations.md has each of them, and none that is not there', async () => {
  const section = readFileSync(join(root, 'docs/operations.md'), 'utf8').split('\n## Metrics\n')[1].split('\n## ')[0]
  const named = [...section.matchAll(/`((?:madang|process)_\w+|_\w+)/g)].map(match => match[1])
  const isNamed = name => named.some(each => each === name || (each.startsWith('_') && name.endsWith(each)))
  const missing = new Set()
  for (let i = 0; i < 5; i++)
    for (const { name, type } of familiesOf(await metricsText(stack.healthPort + i))) if (!isNamed(type === 'counter' ? `${name}_total` : name) && !isNamed(name)) missing.add(name)
  assert.deepEqual([...missing], [], 'what is not in docs/operations.md')
  const source = execFileSync('grep', ['-rhoE', '"?(madang|process)_[a-z_]+', 'services', 'libshared', '--include=*.c', '--include=*.h'], { cwd: root, encoding: 'utf8' })
  for (const name of named.filter(each => !each.startsWith('_'))) assert.ok(source.includes(name), `${name} is nowhere`)
})
