// k_memory - whoever makes a gateway hold bytes meets a bound, the gateway stays far below what compose.yaml lets it have, an
// honest client of another address notices nothing, and afterwards the memory goes back.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { io } from 'socket.io-client'
import { dial, flood, ways } from '../lib/flood.mjs'
import { freePorts } from '../lib/ports.mjs'
import { ask, metricsText } from '../lib/prometheus.mjs'
import { bin, root } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const MiB = 1 << 20
/** A bound's default, as the settings' table has it. */
const bound = name => Number(new RegExp(`^SETTING\\(${name},.*?"(\\d+)"`, 'm')
  .exec(readFileSync(join(root, 'services/gateway/settings.def'), 'utf8'))[1])
const ALL = bound('memory_bytes'), STRANGERS = ALL / 100 * bound('memory_strangers_percent'), ADDRESS = bound('memory_per_address')
/** What a gateway takes beside: its code and caches, and what the allocator has in pieces. */
const SLACK = 90 * MiB
/** It keeps what was freed, so that of the process's memory nothing can be said: what is counted has to go back. */
const SANITIZED = process.env.BIN?.includes('address')

const dir = mkdtempSync(join(tmpdir(), 'madang-memory-'))
const port = await freePorts(16)
const env = {
  PATH: process.env.PATH, HOME: dir, BIN: bin, HEALTH_PORT: String(port + 1), MADANG_GATEWAY_HTTP: `127.0.0.1:${port}`,
  MADANG_GATEWAY_PING_INTERVAL_MS: '3000', MADANG_GATEWAY_PING_TIMEOUT_MS: '8000', MADANG_GATEWAY_CONNECT_TIMEOUT_MS: '600000',
}
const conformance = async verb => (await promisify(execFile)(join(root, 'scripts/conformance'), [verb, dir], { env })).stdout
const pid = () => Number(readFileSync(join(dir, 'service/gateway-1/supervise/pid'), 'utf8'))
const memory = line => Number(new RegExp(`^${line}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${gateway}/status`, 'utf8'))[1]) * 1024
async function metric(name) {
  const text = await metricsText(port + 1)
  return Number(text.split('\n').find(line => line.startsWith(name))?.split(' ').pop() ?? 0)
}

const hadToGo = async () => await metric('madang_gateway_held_evicted_total') + await metric('madang_gateway_held_refused_total')

let gateway, honest
before(async () => {
  await conformance('up')
  gateway = pid()
  honest = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true })
  honest.on('disconnect', reason => { honest.lost = reason })
  await until('the honest client is there', () => honest.connected)
})
after(async () => {
  honest?.close()
  await conformance('down')
  rmSync(dir, { recursive: true, force: true })
})

/** What the honest client says comes back, and a new one is let in, while `work` goes on. */
async function withHonestClients(work) {
  let done = false, served = 0
  const witness = (async () => {
    while (!done || served === 0) {
      assert.deepEqual(await honest.timeout(20000).emitWithAck('message-with-ack', served), served)
      assert.equal((await ask(port, '/socket.io/?EIO=4&transport=polling')).status, 200, 'a new client is let in')
      served++
    }
  })()
  try {
    return await work()
  } finally {
    done = true
    await witness
    assert.equal(honest.lost, undefined, 'the honest client kept its connection')
  }
}

test('docs/security.md has the defaults, and they fit into what compose.yaml gives a gateway', () => {
  const security = readFileSync(join(root, 'docs/security.md'), 'utf8')
  const rows = [...security.matchAll(/^\| `MADANG_GATEWAY_(MEMORY_\w+)`.*? \| (\d+) \|/gm)]
  assert.equal(rows.length, 5)
  for (const [, name, value] of rows) assert.equal(Number(value), bound(name.toLowerCase()), name)
  const compose = readFileSync(join(root, 'compose.yaml'), 'utf8')
  const limit = /^ {2}gateway:[^]*?mem_limit: (\d+)m/m.exec(compose)[1] * MiB
  const table = /^\| held by a gateway beside .*\n\|.*\n((?:\|.*\n)+)/m.exec(security)[1].split('\n').filter(row => row && !row.startsWith('| of those'))
  const beside = table.flatMap(row => row.split('|').at(-2).split(';')).reduce((sum, mib) => sum + Number(mib) * MiB, 0)
  assert.ok(table.length >= 13 && beside > 400 * MiB, `${table.length} rows of ${beside} bytes`)
  assert.ok(ALL + beside <= limit * 0.9, `${ALL} and ${beside} of ${limit}`)
})

/** As much memory as before, nearly: holes in the heap are left. */
const goesBack = base => SANITIZED
  ? until('what is held goes back', async () => await metric('madang_gateway_held_bytes{by="all"}') < 4 * MiB, 40000)
  : until(`memory goes back to ${base} bytes`, () => memory('VmRSS') < base + 24 * MiB, 40000)
const isBelow = (line, bytes) => { if (!SANITIZED) assert.ok(memory(line) < bytes, `${line}: ${memory(line)} bytes`) }

const clientsAt = n => Array.from({ length: n }, (_, i) => `127.0.5.${i + 1}`)
/** Each way, and clients enough to hold twice what one address may. */
const enough = { behindAPoll: 1000, unfinishedBody: 2100, unfinishedHead: 9000, attachments: 50, unfinishedMessage: 150, absentPoll: 70, unreadAnswer: 70 }

for (const [name, way] of Object.entries(ways))
  test(`one address, ${name}: it is bounded, and nobody elsewhere notices`, { timeout: 180000 }, async () => {
    await goesBack(60 * MiB)
    const before = memory('VmRSS')
    const gone = await hadToGo()
    const { end } = await withHonestClients(() => flood(port, way, { n: enough[name], addresses: ['127.0.4.1'] }))
    isBelow('VmRSS', ADDRESS + SLACK)
    await until('some had to go', async () => await hadToGo() > gone)
    end()
    await goesBack(before)
  })

test('strangers of many addresses leave room for those who say who they are', { timeout: 180000 }, async () => {
  const before = memory('VmRSS')
  const { end } = await withHonestClients(() => flood(port, ways.unfinishedMessage, { n: 700, addresses: clientsAt(50) }))
  isBelow('VmRSS', STRANGERS + SLACK)
  isBelow('VmHWM', ALL)
  end()
  await goesBack(before)
})

test('what was held was given back to the last byte', { timeout: 60000 }, async () => {
  honest.close()
  // connections that are closing, and sessions that handshakes left behind, have their base
  const base = 6144 + 24576
  await until('nothing but bases is held', async () =>
    await metric('madang_gateway_held_bytes{by="all"}') <= base * (await metric('madang_gateway_sessions') + await metric('madang_gateway_connections')))
  assert.ok(await dial(port, '127.0.0.1'))
})
