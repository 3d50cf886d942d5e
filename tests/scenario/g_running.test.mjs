// g_running - what an operator relies on: health, metrics, restarts that keep the data, clear lines for what is wrong.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import net from 'node:net'
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { root, startStack } from '../lib/stack.mjs'
import { Person, request } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
})
after(() => stack?.stop())

const get = (port, path) => fetch(`http://127.0.0.1:${port}${path}`).then(async res => ({ status: res.status, text: await res.text() }))

test('every process says that it lives, that it is ready, and what it counts', async () => {
  for (let i = 0; i < 5; i++) {
    assert.equal((await get(stack.healthPort + i, '/healthz')).status, 200)
    assert.equal((await get(stack.healthPort + i, '/readyz')).status, 200)
    const metrics = await get(stack.healthPort + i, '/metrics')
    assert.match(metrics.text, /^# TYPE \w+ (counter|gauge|histogram)$/m)
    assert.match(metrics.text, /^madang_\w+(\{.*\})? [0-9.e+-]+$/m)
  }
})

test('a second up is harmless, and a restart keeps the data', async () => {
  const ada = await Person.arrives(stack, key, 'ada')
  const { id: room } = await ada.makesRoom()
  await ada.says(room, 'before')
  await stack.script('up')
  await ada.says(room, 'between')
  ada.leaves()
  await stack.script('down')
  await stack.script('up')
  const again = await Person.arrives(stack, key, 'ada')
  assert.deepEqual((await again.reads(room)).map(m => m.body), ['before', 'between'])
  again.leaves()
})

test('PostgreSQL ends while the services are connected to it, and they come back to it', async () => {
  const asked = () => stack.log('postgres').match(/received (fast|smart) shutdown request/g) ?? []
  const before = asked().length
  spawnSync('sv', ['-w', '20', 'restart', join(stack.dir, 'service/postgres')])
  await until('it has ended', () => stack.log('postgres').includes('database system is shut down') && asked().length > before)
  assert.deepEqual(asked().slice(before), ['received fast shutdown request'])
  await stack.ready()
  const ada = await Person.arrives(stack, key, 'ada')
  await until('rooms are made again', async () => !(await ada.emits('room:create', { name: 'a room', open: true })).error)
  ada.leaves()
})

test('a busy port is a clear line', async () => {
  await stack.script('down')
  const squatter = net.createServer().listen(stack.port, '127.0.0.1')
  await new Promise(resolve => squatter.once('listening', resolve))
  const error = await stack.script('up').then(() => undefined, e => e)
  assert.match(error.stderr, new RegExp(`port ${stack.port} is in use`))
  squatter.close()
  await stack.script('up')
})

test('a wrong or unknown setting stops the start with one clear line', () => {
  for (const [name, value] of [['MADANG_STORE_BATCH_MAX', 'many'], ['MADANG_STORE_BATCH_MAX', '0'], ['MADANG_STOER_WORKERS', '1']]) {
    const { status, stderr, stdout } = spawnSync(resolve(root, process.env.BIN ?? 'build/bin', 'store'), [], { env: { PATH: process.env.PATH, [name]: value }, encoding: 'utf8' })
    assert.equal(status, 2)
    assert.match(stderr + stdout, new RegExp(name))
    assert.equal((stderr + stdout).trim().split('\n').length, 1, stderr + stdout)
  }
})

test('each program explains itself', () => {
  for (const name of ['gateway', 'auth', 'chat', 'store', 'share', 'authctl']) {
    const { status, stdout } = spawnSync(resolve(root, process.env.BIN ?? 'build/bin', name), ['--help'], { encoding: 'utf8', env: { PATH: process.env.PATH } })
    assert.equal(status, 0)
    assert.ok(stdout.length > 200, `${name} --help says little`)
  }
  const tools = ['keygen', 'protodoc', 'rpc', 'settings'].map(name => resolve(root, process.env.BIN ?? 'build/bin', name))
  const scripts = ['certs', 'conformance', 'db-init', 'docs', 'first-message', 'setup', 'stack', 'welcome'].map(name => resolve(root, 'scripts', name))
  for (const program of [...tools, ...scripts]) {
    const { status, stdout, stderr } = spawnSync(program, ['--help'], { encoding: 'utf8', env: { PATH: process.env.PATH } })
    assert.deepEqual([status, stderr], [0, ''], program)
    assert.ok(stdout.length > 20, `${program} --help says little`)
  }
})

test("a service's database role can't read another's schema", () => {
  const tables = { auth: 'api_key', chat: 'room', store: 'message', share: 'conversation' }
  const psql = (role, sql) => spawnSync('psql', ['-X', '-At', '-c', sql,
    `host=${stack.dir}/pg-socket dbname=madang user=madang_${role} passfile=${stack.dir}/secrets/${role}.pgpass`], { encoding: 'utf8' })
  for (const role of Object.keys(tables)) {
    assert.equal(psql(role, `SELECT count(*) FROM ${role}.${tables[role]}`).status, 0, `${role} can't read its own`)
    for (const other of Object.keys(tables).filter(name => name !== role)) {
      const { status, stderr } = psql(role, `SELECT count(*) FROM ${other}.${tables[other]}`)
      assert.notEqual(status, 0, `${role} reads ${other}.${tables[other]}`)
      assert.match(stderr, /permission denied/)
      assert.notEqual(psql(role, `CREATE TABLE ${other}.mine (i int)`).status, 0)
    }
    assert.notEqual(psql(role, 'CREATE TABLE public.mine (i int)').status, 0, `${role} may create in public`)
  }
})

test('plain HTTP leads to HTTPS', async () => {
  const answer = await fetch(`${stack.plainUrl}/api/v1/rooms?x=1`, { redirect: 'manual' })
  assert.ok([301, 308].includes(answer.status))
  assert.equal(answer.headers.get('location'), `${stack.url}/api/v1/rooms?x=1`)
})

test('a policy change and an unready part show themselves', async () => {
  process.kill(stack.pid('auth'), 'SIGSTOP')
  try {
    const answer = await request(stack, 'POST', '/auth/token', { body: { api_key: key } })
    assert.ok([503, 504].includes(answer.status), answer.text)
    assert.ok(['unavailable', 'deadline'].includes(answer.json.error.code))
  } finally {
    process.kill(stack.pid('auth'), 'SIGCONT')
  }
  await until('auth answers', async () => (await request(stack, 'POST', '/auth/token', { body: { api_key: key } })).status === 200)
})

test("a stack's directory shows others nothing", () => {
  const all = spawnSync('find', [stack.dir, '-mindepth', '1', '-printf', '%m %g %P\\n'], { encoding: 'utf8' }).stdout.trim().split('\n')
    .map(line => /^(\d+) (\S+) (.*)$/.exec(line)).map(([, mode, group, path]) => ({ mode: parseInt(mode, 8), group, path }))
  // As root PostgreSQL is another user, who makes its sockets where the services, root without capabilities, reach them.
  const shared = ({ mode, group, path }) => process.getuid() === 0 && path === 'pg-socket' && group === 'postgres' && mode === 0o770
  const closed = all.filter(entry => !(entry.mode & 0o077) || shared(entry)).map(({ path }) => path)
  const reached = all.filter(({ path, mode }) => mode & 0o077 && !closed.includes(path) && !closed.some(dir => path.startsWith(`${dir}/`)))
  assert.ok(all.length > 100)
  assert.deepEqual(reached, [])
  for (const name of ['env', 'log', 'keys', 'secrets', 'sock', 'service', 'redis', 'pg-socket']) assert.ok(closed.includes(name), name)
})
