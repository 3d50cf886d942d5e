// compose - `docker compose up` on the real engine, and the whole trip through the one published port.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { root } from '../lib/stack.mjs'
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
    Object.assign(env, { MADANG_PUBLISH_HTTPS: `127.0.0.1:${port}`, MADANG_PUBLISH_HTTP: `127.0.0.1:${port + 1}`, MADANG_GATEWAY_PUBLIC_URL: `https://127.0.0.1:${port}` })
    await compose('build', '--quiet')
    await compose('up', '-d')
    await until('every container is healthy', allHealthy, 180000)
    Object.assign(stack, { url: `https://127.0.0.1:${port}`, ca: (await compose('exec', '-T', 'gateway', 'cat', '/secrets/tls/ca.crt')).stdout })
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

test('only the gateway can be reached from outside', options, async () => {
  for (const container of await containers()) {
    const published = Object.values(container.NetworkSettings.Ports).filter(Boolean).flat()
    if (nameOf(container) === 'gateway') assert.equal(published.length, 2)
    else {
      assert.deepEqual(published, [], `${nameOf(container)} publishes a port`)
      assert.deepEqual(Object.keys(container.NetworkSettings.Networks), [`${project}_backend`])
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
  await until('store restarts', async () => (await containers()).some(c => nameOf(c) === 'store' && c.RestartCount > store.RestartCount), 30000)
  await until('all healthy again', allHealthy, 60000)
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
  await until('all healthy again', allHealthy, 60000)
})

test('down and up again keeps data and secrets', options, async () => {
  await compose('down')
  await compose('up', '-d')
  await until('every container is healthy', allHealthy, 120000)
  const token = await tokenFor(stack, stack.key, 'ada')
  const ada = await Person.arrives(stack, stack.key, 'ada', { token })
  assert.equal((await ada.reads(stack.room)).length, 2)
  ada.leaves()
})
