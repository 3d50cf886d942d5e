// g_privileges - the processes of a stack have given up what they don't need, and all goes on: messages, a database and a
// Redis that die, a certificate that is renewed.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import tls from 'node:tls'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, startStack } from '../lib/stack.mjs'
import { Person } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

const processes = ['gateway-1', 'gateway-2', 'auth', 'chat', 'store', 'share']
let stack, key, certificates

/** As Let's Encrypt's client keeps them: live/chain.pem leads to archive/chain2.pem, beside the first one. */
function renewTo(n) {
  const made = join(certificates, `made${n}`)
  execFileSync(join(root, 'scripts/certs'), [made])
  for (const [from, name] of [['server.crt', 'chain'], ['server.key', 'key']]) {
    copyFileSync(join(made, from), join(certificates, `archive/${name}${n}.pem`))
    symlinkSync(`../archive/${name}${n}.pem`, join(certificates, 'live/new'))
    renameSync(join(certificates, 'live/new'), join(certificates, `live/${name}.pem`))
  }
}

before(async () => {
  certificates = mkdtempSync(join(tmpdir(), 'madang-certificates-'))
  for (const name of ['live', 'archive']) mkdirSync(join(certificates, name))
  renewTo(1)
  stack = await startStack({
    gateways: 2,
    env: {
      MADANG_GATEWAY_TLS_CERT: join(certificates, 'live/chain.pem'), MADANG_GATEWAY_TLS_KEY: join(certificates, 'live/key.pem'),
      MADANG_GATEWAY_RECOVERY_MS: '30000',
    },
  })
  Object.defineProperty(stack, 'ca', { get: () => [1, 2].map(n => join(certificates, `made${n}/ca.crt`)).flatMap(file => {
    try { return [readFileSync(file)] } catch { return [] }
  }) })
  key = await stack.issueKey()
})
after(async () => {
  await stack?.stop()
  rmSync(certificates, { recursive: true, force: true })
})

/** What the kernel says of each thread: { NoNewPrivs: '1', ... }. */
const threadsOf = pid => readdirSync(`/proc/${pid}/task`).map(tid =>
  Object.fromEntries(readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8').split('\n').map(line => line.split(/:\s+/))))

async function trip(room, text) {
  const ada = await Person.arrives(stack, key, 'ada'), bo = await Person.arrives(stack, key, 'bo')
  const id = room ?? (await ada.makesRoom()).id
  await ada.joins(id)
  await bo.joins(id)
  await ada.says(id, text)
  await bo.hears(text)
  ada.leaves()
  bo.leaves()
  return id
}

test('every thread of every process has no capability, gains none, and is filtered, before and after a message', async () => {
  for (const round of ['idle', 'used']) {
    for (const name of processes) {
      const threads = threadsOf(stack.pid(name))
      assert.ok(threads.length > 2, name)
      for (const thread of threads) {
        const { NoNewPrivs, Seccomp, CapEff, CapPrm, CapInh, CapAmb } = thread
        assert.deepEqual({ NoNewPrivs, Seccomp, capabilities: [CapEff, CapPrm, CapInh, CapAmb].map(Number) },
          { NoNewPrivs: '1', Seccomp: '2', capabilities: [0, 0, 0, 0] }, `${name}, ${thread.Name}, ${round}`)
        // begin, its ENOSYS half, and what came when all was bound
        assert.equal(thread.Seccomp_filters, '3', `${name}, ${thread.Name}`)
        if (process.getuid() === 0) assert.equal(Number(thread.CapBnd), 0, name)
      }
      assert.match(readFileSync(`/proc/${stack.pid(name)}/limits`, 'utf8'), /^Max core file size +0 +0 /m)
    }
    if (round === 'idle') await trip(undefined, 'through filters')
  }
})

test('each log says once what holds', () => {
  for (const name of processes) {
    const lines = stack.log(name).split('\n').filter(line => line.includes('"privileges.applied"')).map(line => JSON.parse(line))
    assert.equal(lines.length, 1, name)
    assert.equal(typeof lines[0].landlock, 'number')
    assert.equal(lines[0].capabilities, '')
  }
})

test('a database and a Redis that died are found again', async () => {
  const room = await trip(undefined, 'before')
  await stack.kill('postgres')
  await stack.kill('redis')
  await stack.ready()
  await until('messages are stored', () => trip(room, 'after').then(() => true, () => false), 30000)
})

const served = () => new Promise((resolve, reject) => {
  const socket = tls.connect({ host: '127.0.0.1', port: stack.port, rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().fingerprint256)
    socket.destroy()
  })
  socket.on('error', reject)
})

test('a certificate whose links were renewed is read on SIGHUP', async () => {
  const first = await served()
  renewTo(2)
  for (const name of ['gateway-1', 'gateway-2']) process.kill(stack.pid(name), 'SIGHUP')
  await until('both serve the new one', () => ['gateway-1', 'gateway-2'].every(name => stack.log(name).includes('"loaded":true')))
  assert.notEqual(await served(), first)
  await trip(undefined, 'with the new one')
})

test('SIGUSR1 is heard, and a rolling restart brings processes that have given up as much', async () => {
  process.kill(stack.pid('chat'), 'SIGUSR1')
  await until('chat says what its workers do', () => stack.log('chat').includes('"event":"rpc.worker_'))
  await stack.script('roll')
  for (const name of ['gateway-1', 'gateway-2']) for (const thread of threadsOf(stack.pid(name))) assert.equal(thread.Seccomp, '2')
  await trip(undefined, 'after a roll')
})
