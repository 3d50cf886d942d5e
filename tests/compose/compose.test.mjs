// compose - `docker compose up` on the real engine, and the whole trip through the one published port.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { root } from '../lib/stack.mjs'
import { missing, served, startAuthority, startNames } from '../lib/authority.mjs'
import { Person, tokenFor } from '../lib/people.mjs'
import { freePorts } from '../lib/ports.mjs'
import { until } from '../lib/wait.mjs'
import { findEngine, haveBaseImage, run } from './engine.mjs'

const engine = await findEngine()
const options = engine.reason ? { skip: engine.reason } : { timeout: 900000 }
const project = `madang-test-${process.pid}`
const stack = {}
const env = { ...process.env, COMPOSE_PROJECT_NAME: project }
const compose = (...words) => run('docker-compose', words, { cwd: root, env, maxBuffer: 1 << 27 })
const containers = async () => {
  const { stdout } = await compose('ps', '-q', '-a').catch(() => compose('ps', '-q'))
  const { stdout: all } = await run('docker', ['inspect', ...stdout.trim().split('\n')], { maxBuffer: 1 << 26 })
  return JSON.parse(all)
}
const nameOf = container => container.Config.Labels['com.docker.compose.service']
const allHealthy = async () => (await containers()).every(c => nameOf(c) === 'secrets' ? c.State.ExitCode === 0 && !c.State.Running : c.State.Health?.Status === 'healthy')

if (!engine.reason) {
  before(async () => {
    await haveBaseImage()
    const port = await freePorts(2)
    Object.assign(env, { MADANG_PUBLISH_HTTPS: `127.0.0.1:${port}`, MADANG_PUBLISH_HTTP: `127.0.0.1:${port + 1}` })
    await compose('build', '--quiet')
    await compose('up', '-d')
    await until('every container is healthy', allHealthy, 180000)
    Object.assign(stack, { port, url: `https://127.0.0.1:${port}`, plainPort: port + 1, ca: (await compose('exec', '-T', 'gateway', 'cat', '/secrets/tls/ca.crt')).stdout })
  }, { timeout: 900000 })
  after(async () => {
    if (process.env.KEEP_LOGS) console.log((await compose('logs', '--no-color', '--tail', '50')).stdout)
    await compose('down', '-v', '--remove-orphans').catch(() => {})
    await engine.stop()
  }, { timeout: 120000 })
}

test('the trip works through the published port', options, async () => {
  const { stdout } = await compose('exec', '-T', 'auth', 'authctl', 'key', 'issue', '--name', 'web', '--policy', 'chat-client', '--json')
  stack.key = JSON.parse(stdout).key
  const ada = await Person.arrives(stack, stack.key, 'ada')
  const bo = await Person.arrives(stack, stack.key, 'bo', { transports: ['polling', 'websocket'] })
  stack.room = (await ada.makesRoom()).id
  await ada.joins(stack.room); await bo.joins(stack.room)
  await ada.says(stack.room, 'through containers')
  await bo.hears('through containers')
  assert.deepEqual((await bo.reads(stack.room)).map(m => m.body), ['through containers'])
  ada.leaves(); bo.leaves()
})

test('what the README says for containers goes from a key to the first message, and gives the two links', options, async () => {
  const [block] = readFileSync(join(root, 'README.md'), 'utf8').match(/^docker compose up [^]*?(?=^```$)/m)
  const [, ...lines] = block.trim().split('\n') // it is up
  const words = lines.join('\n').replaceAll('docker compose', 'docker-compose').replace(/(?<=[ =>])(first\.key|ca\.crt)/g, '"$HERE/$1"')
  const here = mkdtempSync(join(tmpdir(), 'madang-readme-'))
  try {
    const { stdout } = await run('sh', ['-euc', words], { cwd: root, env: { ...env, HERE: here } })
    const [, read] = stdout.match(/^GET .*\n(.*)$/m)
    assert.deepEqual(JSON.parse(read).data.messages.map(message => message.body), ['Hello, courtyard'])
    assert.equal(stdout.split('\n').filter(line => line.includes(`https://localhost:${stack.port}/`)).length, 2, stdout)
  } finally { rmSync(here, { recursive: true }) }
})

test('only the gateway can be reached from outside', options, async () => {
  for (const container of await containers()) {
    const published = Object.values(container.NetworkSettings.Ports).filter(Boolean).flat()
    if (nameOf(container) === 'gateway') assert.equal(published.length, 2)
    else {
      assert.deepEqual(published, [], `${nameOf(container)} publishes a port`)
      const own = ['auth', 'chat'].includes(nameOf(container)) ? ['backend', 'outwards'] : ['backend'] // mails, and webhooks of rooms
      assert.deepEqual(Object.keys(container.NetworkSettings.Networks).sort(), own.map(name => `${project}_${name}`))
    }
  }
  const { stdout } = await run('docker', ['network', 'inspect', `${project}_backend`])
  assert.equal(JSON.parse(stdout)[0].Internal, true)
})

test('no container is root, may write to its image, or has a capability; each has limits', options, async () => {
  for (const container of await containers()) {
    const name = nameOf(container)
    assert.ok(!['', '0', 'root'].includes(container.Config.User), `${name} runs as root`)
    assert.equal(container.HostConfig.ReadonlyRootfs, true, `${name} may write to its image`)
    assert.deepEqual(container.HostConfig.CapDrop, ['ALL'], name)
    assert.ok(container.HostConfig.SecurityOpt.some(o => o.startsWith('no-new-privileges')), name)
    assert.ok(container.HostConfig.Memory > 0 && container.HostConfig.NanoCpus > 0 && container.HostConfig.PidsLimit > 0, `${name} has no limits`)
    assert.deepEqual(container.HostConfig.LogConfig, { Type: 'json-file', Config: { 'max-file': '5', 'max-size': '10m' } }, `${name}'s log has no limit`)
  }
})

test('no secret is in an image, an environment or a command line', options, async () => {
  const password = (await compose('exec', '-T', 'store', 'cat', '/secrets/pgpass')).stdout.trim().split(':').pop()
  assert.ok(password.length >= 32)
  for (const container of await containers()) assert.ok(!JSON.stringify(container).includes(password), nameOf(container))
  await assert.rejects(compose('exec', '-T', 'chat', 'cat', '/secrets/keys/store.key_secret'), 'chat reads the key of store')
})

test('a process that is killed comes back, and what was said is still there', options, async () => {
  const [store] = (await containers()).filter(c => nameOf(c) === 'store')
  process.kill(store.State.Pid, 'SIGKILL')
  await until('store restarts', async () => (await containers()).some(c => nameOf(c) === 'store' && c.RestartCount > store.RestartCount), 60000)
  await until('all healthy again', allHealthy, 180000)
  const ada = await Person.arrives(stack, stack.key, 'ada')
  await ada.says(stack.room, 'after the kill')
  assert.deepEqual((await ada.reads(stack.room)).map(m => m.body), ['through containers', 'after the kill'])
  ada.leaves()
})

test('an operator asks a service in its container, as the manual says', options, async () => {
  const { stdout } = await compose('exec', '-T', 'auth', 'rpc', 'auth', 'job.list')
  assert.ok(Array.isArray(JSON.parse(stdout).jobs), stdout)
})

test('PostgreSQL is told to stop fast: the services do not hold it up', options, async () => {
  await compose('stop', 'postgres')
  const { stdout, stderr } = await compose('logs', '--no-color', 'postgres')
  assert.match(stdout + stderr, /received fast shutdown request/)
  assert.doesNotMatch(stdout + stderr, /received smart shutdown request/)
  await compose('up', '-d')
  await until('all healthy again', allHealthy, 180000)
})

test('down and up again keeps data and secrets', options, async () => {
  await compose('down')
  await compose('up', '-d')
  await until('every container is healthy', allHealthy, 180000)
  const token = await tokenFor(stack, stack.key, 'ada')
  const ada = await Person.arrives(stack, stack.key, 'ada', { token })
  assert.equal((await ada.reads(stack.room)).length, 2)
  ada.leaves()
})

/** Containers reach this machine, and what listens on all of its addresses, by this name. */
const AUTHORITY = 'authority.example.test', HOST = 'chat.example.test'

/** A connection that is kept: the socket that a request more went by. */
async function openKept() {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: stack.ca })
  const ask = () => new Promise((resolve, reject) => https.get(`${stack.url}/healthz`, { agent }, answer => answer.resume().on('end', () => resolve(answer.socket))).on('error', reject))
  return { first: await ask(), ask, end: () => agent.destroy() }
}

test('the profile acme has a certificate issued, which is served without a restart, to who is connected too, and stays', { ...options, ...!engine.reason && missing.length ? { skip: `${missing.join(', ')} not installed` } : {} }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'madang-acme-')), names = await startNames()
  const authority = await startAuthority({ dir, days: 6, names, proofsAt: stack.plainPort, host: AUTHORITY, listen: '0.0.0.0' })
  const before = await served(stack.port, HOST), kept = await openKept()
  assert.match(before.issuer, /^Madang/)
  try {
    // uacme trusts whom the system trusts.
    writeFileSync(join(dir, 'override.yaml'), JSON.stringify({ services: { acme: {
      extra_hosts: [`${AUTHORITY}:host-gateway`], volumes: [`${authority.trust}:/etc/ssl/certs/ca-certificates.crt:ro`] } } }))
    Object.assign(env, { COMPOSE_FILE: `compose.yaml:${join(dir, 'override.yaml')}`, COMPOSE_PROFILES: 'acme', ACME_HOSTS: HOST, ACME_URL: authority.url })
    await compose('up', '-d', '--no-recreate', 'acme')
    const issued = await until('the gateway serves it', async () => { const now = await served(stack.port, HOST); return now.serialNumber !== before.serialNumber && now }, 60000)
    assert.deepEqual([/^Pebble/.test(issued.issuer), issued.names, issued.days], [true, `DNS:${HOST}`, 6])
    assert.equal(await kept.ask(), kept.first, 'it is the same connection')
    const once = async (...at) => (await compose('exec', '-T', 'acme', '/usr/local/lib/madang/acme', 'once', ...at)).stdout
    assert.match(await once(), /(99|100) percent of its life are left/)
    await compose('up', '--no-deps', 'secrets') // as each start does
    assert.equal((await served(stack.port, HOST)).serialNumber, issued.serialNumber)
    assert.match(await once(`${Math.floor(Date.now() / 1000) + 5 * 86400}`), /issued/)
    await until('the renewed one is served', async () => (await served(stack.port, HOST)).serialNumber !== issued.serialNumber, 60000)
    assert.equal(await kept.ask(), kept.first, 'it still is')
  } finally {
    kept.end(); authority.stop(); names.stop()
    delete env.COMPOSE_FILE
    rmSync(dir, { recursive: true, force: true })
  }
})
