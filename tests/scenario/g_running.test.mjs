// g_running - what an operator relies on: health, metrics, restarts that keep the data, clear lines for what is wrong.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import net from 'node:net'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { bin, root, startStack } from '../lib/stack.mjs'
import { Person, request } from '../lib/people.mjs'
import { ask } from '../lib/prometheus.mjs'
import { until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
})
after(() => stack?.stop())

test('every process says that it lives, that it is ready, and what it counts', async () => {
  for (let i = 0; i < 5; i++) {
    assert.equal((await ask(stack.healthPort + i, '/healthz')).status, 200)
    assert.equal((await ask(stack.healthPort + i, '/readyz')).status, 200)
    const metrics = await ask(stack.healthPort + i, '/metrics')
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

test('a schema is brought to its newest version without a start', async () => {
  const migrations = mkdtempSync(join(tmpdir(), 'madang-migrations-')), name = `${String(readdirSync(join(root, 'migrations/chat')).length + 1).padStart(4, '0')}_made_by_migrate.sql`
  const run = (program, env = {}) => spawnSync('chpst', ['-e', join(stack.dir, 'env/chat'), 'env', ...Object.entries(env).map(pair => pair.join('=')), join(bin, program), '--migrate'], { cwd: root, encoding: 'utf8' })
  cpSync(join(root, 'migrations'), migrations, { recursive: true })
  writeFileSync(join(migrations, 'chat', name), 'CREATE TABLE made_by_migrate (n int);')
  const { status, stdout } = run('chat', { MADANG_MIGRATIONS_DIR: migrations })
  rmSync(migrations, { recursive: true })
  assert.match(stdout, /"migrate.applied".*made_by_migrate/)
  assert.deepEqual([status, await stack.sql('chat', 'SELECT count(*) FROM made_by_migrate')], [0, '0'])
  await stack.sql('chat', `DROP TABLE made_by_migrate; DELETE FROM migration WHERE name = '${name}'`)
  assert.equal(run('chat').status, 0)
  assert.equal(run('chat', { MADANG_CHAT_DB: '' }).status, 2)
  assert.equal(run('gateway').status, 2)
})

test("a service's database role reads its own schema, and nothing else that the database has", () => {
  const connect = role => `host=${stack.dir}/pg-socket dbname=madang user=${role}` + (role === 'madang_admin' ? '' : ` passfile=${stack.dir}/secrets/${role.slice(7)}.pgpass`)
  const psql = (role, sql) => spawnSync('psql', ['-X', '-At', '-v', 'ON_ERROR_STOP=1', '-c', sql, connect(role)], { encoding: 'utf8' })
  const listed = sql => { const r = psql('madang_admin', sql); assert.equal(r.stderr, ''); return r.stdout.trim().split('\n') }
  const things = listed(`SELECT concat_ws(' ', n.nspname, c.relkind, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('auth', 'chat', 'store', 'share') AND c.relkind IN ('r', 'p', 'v', 'm', 'S')`).map(line => line.split(' '))
  const roles = [...new Set(things.map(([schema]) => schema))]
  assert.deepEqual(roles.sort(), ['auth', 'chat', 'share', 'store'])
  assert.ok(things.length > 30, `${things.length} tables, views and sequences`)
  const denied = (role, sql) => {
    const { status, stdout, stderr } = psql(`madang_${role}`, sql)
    assert.notEqual(status, 0, `${role}: ${sql}: ${stdout}`)
    assert.match(stderr, /permission denied|must be superuser|must be owner|privileges?/, `${role}: ${sql}`)
  }
  for (const role of roles) {
    const own = things.filter(([schema, kind]) => schema === role && kind !== 'S').map(([schema, , name]) => `SELECT count(*) FROM ${schema}.${name};`)
    assert.equal(psql(`madang_${role}`, own.join('\n')).status, 0, `${role} can't read its own`)
    // One session: each statement by itself has to fail.
    const others = things.filter(([schema]) => schema !== role)
    const tried = psql(`madang_${role}`, `DO $$ DECLARE one text; BEGIN
      FOREACH one IN ARRAY ARRAY[${others.map(([schema, , name]) => `'${schema}.${name}'`)}] LOOP
        BEGIN EXECUTE 'SELECT * FROM ' || one; RAISE EXCEPTION 'READ %', one; EXCEPTION WHEN insufficient_privilege THEN NULL; END;
      END LOOP; END $$`)
    assert.equal(tried.status, 0, `${role}: ${tried.stderr}`)
    for (const other of roles.filter(name => name !== role)) {
      denied(role, `CREATE TABLE ${other}.mine (i int)`)
      denied(role, `SET ROLE madang_${other}`)
    }
    if (role !== 'auth') denied(role, "SELECT auth.audit_add(now(), 'me', 'x', 'y', '{}')")
    for (const sql of ['CREATE TABLE public.mine (i int)', 'CREATE TEMPORARY TABLE mine (i int)', 'SELECT rolpassword FROM pg_authid', 'SELECT passwd FROM pg_shadow',
      "SELECT pg_read_file('PG_VERSION')", "SELECT pg_ls_dir('.')", "COPY (SELECT 1) TO PROGRAM 'true'", "COPY (SELECT 1) TO '/tmp/x'", 'SET ROLE madang_admin',
      'CREATE ROLE mine', 'CREATE DATABASE mine', 'CREATE EXTENSION adminpack', 'ALTER SYSTEM SET fsync = off', 'SELECT * FROM pg_hba_file_rules',
      "ALTER ROLE CURRENT_USER SUPERUSER", 'SELECT pg_reload_conf()']) denied(role, sql)
    const seen = psql(`madang_${role}`, `SELECT count(*) FROM pg_stat_activity WHERE usename <> current_user AND query NOT IN ('', '<insufficient privilege>')`)
    assert.equal(seen.stdout.trim(), '0', `${role} sees others' statements`)
  }
  // Its own logs its owner can add to, and not change.
  for (const sql of ['UPDATE audit SET who = who', 'DELETE FROM audit', 'TRUNCATE audit', 'UPDATE token_log SET subject = subject'])
    assert.match(psql('madang_auth', sql).stderr, /only grows/, sql)
})

test('plain HTTP leads to HTTPS', async () => {
  const answer = await ask(stack.port + 1, '/api/v1/rooms?x=1')
  assert.ok([301, 308].includes(answer.status))
  assert.equal(answer.headers.location, `${stack.url}/api/v1/rooms?x=1`)
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
