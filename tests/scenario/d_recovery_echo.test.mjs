// d_recovery_echo - recovery in the conformance configuration: echo namespaces, for anybody and for who has a token.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { Emitter } from '@socket.io/redis-emitter'
import { createClient } from 'redis'
import { io } from 'socket.io-client'
import { root } from '../lib/stack.mjs'
import { freePorts } from '../lib/ports.mjs'
import { ask } from '../lib/prometheus.mjs'
import { pause, until } from '../lib/wait.mjs'

// The configuration's own 300 ms between pings and 200 ms for a pong would end sockets on a machine that stalls.
const PATIENT = { MADANG_GATEWAY_PING_INTERVAL_MS: '25000', MADANG_GATEWAY_PING_TIMEOUT_MS: '20000', MADANG_GATEWAY_CONNECT_TIMEOUT_MS: '45000' }
const run = promisify(execFile)
const everybody = []

async function startEcho(more = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'madang-echo-'))
  const port = await freePorts(16)
  const env = {
    PATH: process.env.PATH, HOME: dir, BIN: resolve(root, process.env.BIN ?? 'build/bin'), HEALTH_PORT: String(port + 1),
    MADANG_GATEWAY_HTTP: `127.0.0.1:${port}`, MADANG_GATEWAY_RECOVERY_MS: '60000', ...PATIENT, ...more,
  }
  const script = (...words) => run(join(root, 'scripts/conformance'), words, { env })
  await script('up', dir).catch(async error => { await script('down', dir); throw error })
  return {
    url: `http://127.0.0.1:${port}`,
    redisSocket: join(dir, 'redis/redis.sock'),
    /** The same, reached at another gateway. */
    at: other => ({ url: `http://127.0.0.1:${other}` }),
    token: async subject => (await script('token', dir, subject)).stdout.trim(),
    async kill() {
      const pid = () => Number(readFileSync(join(dir, 'service/gateway-1/supervise/pid'), 'utf8'))
      const old = pid()
      process.kill(old, 9)
      await until('it is back', () => { try { return pid() && pid() !== old } catch { return false } }, 20000)
      await script('wait', dir)
    },
    async stop() {
      everybody.splice(0).forEach(socket => socket.disconnect())
      await script('down', dir)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function arrives(echo, options = {}) {
  const socket = io(echo.url + (options.namespace ?? '/'), { transports: ['websocket'], forceNew: true, reconnection: false, ...options })
  everybody.push(socket)
  socket.heard = []
  socket.on('message-back', (...args) => socket.heard.push(args[0]))
  return isConnected(socket)
}

const isConnected = socket => new Promise((resolve, reject) => {
  socket.once('connect', () => resolve(socket))
  socket.once('connect_error', reject)
})

async function losesConnection(socket) {
  if (!socket.connected) return
  const gone = new Promise(resolve => socket.once('disconnect', resolve))
  socket.io.engine.close()
  await gone
}

/** What this socket is sent from now on does not arrive, and then its connection is gone. */
async function missesThat(socket, ...words) {
  const known = { pid: socket._pid, offset: socket._lastOffset }
  const transport = socket.io.engine.transport, missed = []
  transport.onPacket = packet => { if (/^[25]/.test(packet.data)) missed.push(packet) } // events, not their attachments
  words.forEach(word => socket.emit('message', word))
  await until('all was sent', () => missed.length === words.length)
  await ask(new URL(socket.io.uri).port, '/healthz') // answered after Redis was written to
  await losesConnection(socket)
  return known
}

const comesBack = async socket => (await isConnected(socket.connect())).recovered

let echo
before(async () => { echo = await startEcho({ MADANG_GATEWAY_EMITTER: '1' }) })
after(() => echo?.stop())

test('what was missed comes again, in order and once, with its binaries', async () => {
  const socket = await arrives(echo)
  const sid = socket.id
  socket.emit('message', 'one')
  await until('one', () => socket.heard.length === 1)
  await missesThat(socket, 'two', Buffer.from([1, 2, 3]), 'four')
  assert.equal(await comesBack(socket), true)
  assert.equal(socket.id, sid)
  assert.deepEqual(socket.heard, ['one', 'two', Buffer.from([1, 2, 3]), 'four'])
  for (let i = 0; i < 2; i++) {
    await losesConnection(socket)
    assert.equal(await comesBack(socket), true)
  }
  assert.equal(socket.heard.length, 4)
})

test('after kill -9 too, and in every echo namespace', async () => {
  const socket = await arrives(echo, { namespace: '/custom' })
  await missesThat(socket, 'one')
  await echo.kill()
  assert.equal(await comesBack(socket), true)
  assert.deepEqual(socket.heard, ['one'])
})

test('in the rooms that a back end put it into, too', async () => {
  const redis = await createClient({ socket: { path: echo.redisSocket } }).on('error', () => {}).connect()
  try {
    const emitter = new Emitter(redis).of('/custom')
    const socket = await arrives(echo, { namespace: '/custom' })
    const names = new Set()
    socket.onAny(name => names.add(name))
    const isHeard = name => until(name, () => emitter.to(name).emit(name) && names.has(name))
    await until('the emitter is heard', () => emitter.emit('all') && names.has('all'))
    emitter.in(socket.id).socketsJoin(['vip', 'left'])
    emitter.in('left').socketsLeave('left')
    await isHeard('vip')
    await until('that is on record', async () => {
      const keys = (await redis.keys('madang:recovery:*')).filter(name => !name.endsWith(':log'))
      const records = await Promise.all(keys.map(name => redis.get(name)))
      return records.some(record => record?.includes('vip') && !record.includes('left'))
    })
    await echo.kill()
    assert.equal(await comesBack(socket), true)
    for (let i = 0; i < 2; i++) {
      names.clear()
      await isHeard('vip')
      emitter.to('left').emit('left')
      emitter.emit('end')
      await until('end', () => names.has('end'))
      assert.equal(names.has('left'), false)
      await losesConnection(socket)
      assert.equal(await comesBack(socket), true)
    }
  } finally {
    await redis.close()
  }
})

test('an offset is replayed once, and only with its pid, in its namespace', async () => {
  const socket = await arrives(echo)
  const known = await missesThat(socket, 'one')
  assert.notEqual((await arrives(echo, { auth: known, namespace: '/custom' }))._pid, known.pid)
  const first = await arrives(echo, { auth: known })
  assert.equal(first._pid, known.pid)
  assert.deepEqual(first.heard, ['one'])
  const second = await arrives(echo, { auth: known })
  assert.notEqual(second._pid, known.pid)
  assert.notEqual(second.id, first.id)
  assert.deepEqual(second.heard, [])
  assert.equal(first.connected, true)
})

test('too late is too late', { timeout: 120000 }, async () => {
  const hasty = await startEcho({ MADANG_GATEWAY_RECOVERY_MS: '1000' })
  try {
    const socket = await arrives(hasty)
    await losesConnection(socket)
    await pause(3000) // some of it until the gateway has noticed, with which the time begins
    assert.equal(await comesBack(socket), false)
  } finally {
    await hasty.stop()
  }
})

test('who is back before the old connection is found dead takes it over; who said good-bye does not', async () => {
  const old = await arrives(echo)
  const sid = old.id // a closed socket has none
  const socket = await arrives(echo, { auth: { pid: old._pid, offset: old._lastOffset } })
  assert.equal(socket.id, sid)
  await until('the old one is closed', () => !old.connected)
  socket.auth = {}
  socket.disconnect()
  assert.equal(await comesBack(socket), false)
})

test('on another gateway too, the old connection dead or alive', { timeout: 120000 }, async () => {
  const first = await freePorts(3)
  const three = await startEcho({ GATEWAY_PORTS: `${first} ${first + 1} ${first + 2}` })
  try {
    const known = await missesThat(await arrives(three.at(first)), 'one')
    const back = await arrives(three.at(first + 1), { auth: known })
    assert.equal(back._pid, known.pid)
    assert.deepEqual(back.heard, ['one'])
    const sid = back.id // a closed socket has none
    const taken = await arrives(three.at(first + 2), { auth: { pid: back._pid, offset: back._lastOffset } })
    assert.equal(taken.id, sid)
    assert.deepEqual(taken.heard, [])
    await until('the one that was alive is closed', () => !back.connected)
  } finally {
    await three.stop()
  }
})

test('with tokens: a pid belongs to its subject', { timeout: 120000 }, async () => {
  const guarded = await startEcho({ ECHO_TOKEN: '1', ECHO_NAMESPACES: '/chat' })
  try {
    const [ada, eve] = [await guarded.token('ada'), await guarded.token('eve')]
    const socket = await arrives(guarded, { namespace: '/chat', auth: { token: ada } })
    const known = await missesThat(socket, 'one')
    const thief = await arrives(guarded, { namespace: '/chat', auth: { ...known, token: eve } })
    assert.notEqual(thief._pid, known.pid)
    assert.deepEqual(thief.heard, [])
    assert.equal(await comesBack(socket), true)
    assert.deepEqual(socket.heard, ['one'])
    await losesConnection(socket)
    socket.auth = {}
    await assert.rejects(comesBack(socket), error => error.data?.code === 'unauthenticated')
  } finally {
    await guarded.stop()
  }
})
