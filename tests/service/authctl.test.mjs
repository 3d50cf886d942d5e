// authctl.test.mjs - the command line against a real auth process: what it prints, where, and how it exits.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn, spawnSync, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../lib/ports.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const bin = join(root, process.env.BIN ?? 'build/bin')
const cluster = join(root, 'tests/service/pg_cluster.sh')
let dir, own, auth, env

function authctl(args, { input = '', extra = {} } = {}) {
  const r = spawnSync(join(bin, 'authctl'), args, { env: { ...env, ...extra }, input, encoding: 'utf8' })
  return { status: r.status, out: r.stdout, err: r.stderr }
}

const issue = (...more) => JSON.parse(authctl(['key', 'issue', '--name', 'web', '--policy', 'chat-client', '--json', ...more]).out)

before(async () => {
  dir = execFileSync(cluster, ['start', String(process.pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim()
  own = mkdtempSync(join(tmpdir(), 'authctl-'))  // the cluster's directory is its user's, and auth has no capability to pass that by
  execFileSync(join(bin, 'keygen'), [`${own}/keys`])
  env = { PATH: process.env.PATH, MADANG_KEY_DIR: `${own}/keys`, MADANG_AUTH_URL: `ipc://${own}/auth` }
  auth = spawn(join(bin, 'auth'), [], {
    cwd: root, stdio: 'ignore',
    env: {
      ...env, MADANG_AUTH_BIND: `ipc://${own}/auth`, MADANG_AUTH_HEALTH: `127.0.0.1:${await freePorts()}`,
      MADANG_AUTH_DB: `host=${dir} dbname=madang user=madang_auth passfile=${dir}/secrets/auth.pgpass`,
    },
  })
  // The first question waits for the pipe within its own budget.
  assert.equal(authctl(['key', 'list'], { extra: { MADANG_CALL_BUDGET_MS: '20000' } }).status, 0)
})

after(() => {
  auth?.kill('SIGKILL')
  if (dir) execFileSync(cluster, ['stop', dir])
  if (own) rmSync(own, { recursive: true, force: true })
})

test('a key alone goes to standard output, the warning to standard error', () => {
  const r = authctl(['key', 'issue', '--name', 'web', '--policy', 'chat-client', '--expires', '90d', '--network', '10.0.0.0/8'])
  assert.equal(r.status, 0)
  assert.match(r.out, /^mdk_[0-9A-Za-z]{12}_[\w-]{43}_[0-9a-f]{8}\n$/)
  assert.match(r.err, /cannot be shown again/)
  assert.match(authctl(['key', 'list']).out, /web +chat-client +active .*10\.0\.0\.0\/8/)
})

test('what a key may is said when it is issued, listed and edited', () => {
  const key = issue('--act-as-users', '--bind-tokens', '--network', '10.0.0.0/8')
  const row = () => authctl(['key', 'list']).out.split('\n').find(line => line.startsWith(key.id))
  assert.match(row(), /impersonate, act_as_users, bind_tokens +10\.0\.0\.0\/8$/)
  const edited = authctl(['key', 'edit', key.id, '--no-act-as-users', '--no-bind-tokens', '--network', '192.0.2.0/24', '--network', '2001:db8::/32'])
  assert.equal(edited.status, 0)
  assert.match(edited.out, /RIGHTS +FROM\n.* impersonate +192\.0\.2\.0\/24, 2001:db8::\/32\n$/)
  assert.match(authctl(['key', 'edit', key.id, '--anywhere', '--no-impersonate']).out, / - +anywhere\n$/)
  assert.ok(row().endsWith('anywhere'))
  for (const [words, why] of [
    [[], /nothing to change/], [['--impersonate', '--no-impersonate'], /granted or denied/], [['--fly'], /not understood/],
  ]) {
    const wrong = authctl(['key', 'edit', key.id, ...words])
    assert.equal(wrong.status, 2)
    assert.match(wrong.err, why)
  }
  for (const words of [['--network', '10.0.0.1/8'], ['--network', '10.0.0.0/8', '--anywhere']]) {
    const refused = authctl(['key', 'edit', key.id, ...words])
    assert.equal(refused.status, 1)
    assert.match(refused.err, /invalid_argument/)
  }
  assert.match(authctl(['key', 'edit', 'nobody', '--anywhere']).err, /not_found/)
  assert.match(authctl(['key', 'edit', '--help']).out, /--\[no-\]act-as-users/)
})

test('a key is rotated and revoked by its id', () => {
  const key = issue('--no-impersonate')
  const again = JSON.parse(authctl(['key', 'rotate', key.id, '--grace', '1h', '--json']).out)
  assert.notEqual(again.key, key.key)
  assert.ok(again.grace_until > Date.now() + 3500e3)
  assert.equal(authctl(['key', 'revoke', key.id]).status, 0)
  const listed = JSON.parse(authctl(['key', 'list', '--json']).out).keys.find(k => k.id === key.id)
  assert.equal(listed.state, 'revoked')
  assert.equal(listed.impersonate, false)
})

test('what policy show prints, policy put takes', () => {
  const shown = authctl(['policy', 'show', 'chat-client', '--json']).out
  assert.equal(authctl(['policy', 'put', 'copy', '-'], { input: shown.replace(/"version":\d+,?/, '') }).status, 0)
  assert.deepEqual(JSON.parse(authctl(['policy', 'show', 'copy', '--json']).out).rules, JSON.parse(shown).rules)
  assert.equal(authctl(['policy', 'put', 'short', '-'], { input: '[{"effect":"deny"}]' }).status, 0)
  assert.match(authctl(['policy', 'list']).out, /short/)
})

test('a policy without end is refused, and not read for ever', () => {
  const { status, stderr } = spawnSync(join(bin, 'authctl'), ['policy', 'put', 'endless', '/dev/zero'], { env, encoding: 'utf8', timeout: 20000 })
  assert.equal(status, 2)
  assert.match(stderr, /too large/)
})

test('explain names the rule', () => {
  const ask = ['policy', 'explain', '--policy', 'chat-client', '--namespace', '/chat', '--event', 'message:send', '--action']
  assert.match(authctl([...ask, 'emit', '--subject', 'ada']).out, /^allowed: rule 1 /)
  assert.match(authctl([...ask, 'admin']).out, /^denied: none of 3 rules/)
})

test('exit statuses: refused 1, usage 2, unreachable 3', () => {
  assert.equal(authctl(['key', 'revoke', 'nobody']).status, 1)
  assert.equal(authctl(['key', 'issue', '--name', 'x', '--policy', 'nobody']).status, 1)
  assert.equal(authctl(['policy', 'put', 'bad', '-'], { input: '[{"effect":"maybe"}]' }).status, 1)
  for (const args of [[], ['key'], ['key', 'fly'], ['key', 'issue'], ['key', 'issue', '--name'], ['key', 'revoke'], ['key', 'list', 'x'],
    ['key', 'issue', '--name', 'x', '--policy', 'chat-client', '--expires', 'soon'], ['policy', 'put', 'x', '/nonexistent']])
    assert.equal(authctl(args).status, 2, args.join(' '))
  assert.equal(authctl(['policy', 'put', 'bad', '-'], { input: '{' }).status, 2)
  const away = authctl(['key', 'list'], { extra: { MADANG_AUTH_URL: `ipc://${dir}/nobody`, MADANG_CALL_BUDGET_MS: '300' } })
  assert.equal(away.status, 3)
  assert.match(away.err, /unavailable/)
})

test('help is everywhere', () => {
  for (const args of [['--help'], ['key', '--help'], ['key', 'issue', '--help'], ['policy', 'explain', '-h']]) {
    const r = authctl(args)
    assert.equal(r.status, 0)
    assert.match(r.out, /authctl/)
  }
})

test('a quota is for the subject that tokens have, however it is spelled', () => {
  const changes = () => JSON.parse(authctl(['quota', 'list', '--json']).out).limits.find(({ name }) => name === 'rooms').changes
  const spellings = [['Jose\u0301', 'Jos\u00e9'], ['{0192F0C1-0000-7000-8000-00000000ABCD}', '0192f0c1-0000-7000-8000-00000000abcd'], ['key:K1', 'key:K1']]
  for (const [typed, spelled] of spellings) {
    assert.equal(JSON.parse(authctl(['quota', 'set', 'rooms', '5', '--subject', typed, '--json']).out).subject, spelled)
    assert.deepEqual(changes(), [{ limit: 5, subject: spelled }])
    assert.equal(authctl(['quota', 'unset', 'rooms', '--subject', typed]).status, 0)
    assert.deepEqual(changes(), [])
  }
  const hidden = authctl(['quota', 'set', 'rooms', '5', '--subject', 'ad\u200ba'])
  assert.equal(hidden.status, 1)
  assert.match(hidden.err, /invalid_argument: subject: has a character that is not seen/)
})

test('rates and quotas are listed, changed and changed back', () => {
  const quota = (...words) => authctl(['quota', ...words])
  const row = name => JSON.parse(quota('list', '--json').out).limits.find(limit => limit.name === name)
  assert.deepEqual(row('rooms'), { name: 'rooms', by: 'subject', unit: 'items', limit: 10000, changes: [] })
  assert.deepEqual(row('auth'), { name: 'auth', by: 'address', unit: 'calls', limit: 10, changes: [], seconds: 60 })
  assert.equal(quota('set', 'rooms', '5', '--subject', 'ada').out, 'rooms is 5.\n')
  assert.equal(quota('set', 'rooms', '7', '--key', 'k1').status, 0)
  assert.equal(quota('set', 'rooms', '6', '--subject', 'ada').status, 0)
  assert.equal(quota('set', 'auth', '20', '--default').status, 0)
  assert.deepEqual(row('rooms').changes, [{ limit: 6, subject: 'ada' }, { limit: 7, key: 'k1' }])
  assert.match(quota('list').out, /\nrooms +all +10000 .*\n +subject ada +6 .*\(changed\)\n +key k1 +7 /)
  assert.match(quota('list').out, /\nauth +all +10 +calls +60 +address .*\n +all +20 /)
  for (const words of [['rooms', '--subject', 'ada'], ['rooms', '--key', 'k1'], ['auth', '--default'], ['rooms', '--subject', 'ada']])
    assert.equal(quota('unset', ...words).status, 0)
  assert.deepEqual(row('rooms').changes, [])
})

test('a limit that makes no sense is refused', () => {
  const refused = (words, status, why) => {
    const r = authctl(['quota', 'set', ...words])
    assert.equal(r.status, status, r.err)
    assert.match(r.err, why)
  }
  refused(['nonsense', '5', '--default'], 1, /no rate or quota nonsense/)
  refused(['auth', '5', '--subject', 'ada'], 1, /auth is not counted by subject/)
  refused(['connect', '5', '--key', 'k1'], 1, /connect is not counted by subject or key/)
  refused(['rooms', '5', '--subject', 'ada', '--key', 'k1'], 2, /one of --subject, --key and --default/)
  refused(['rooms', '5'], 2, /for whom/)
  refused(['rooms', '-5', '--default'], 2, /-5 is not understood/)
  refused(['rooms', 'many', '--default'], 2, /a number/)
})

test('all keys are listed, however many there are', () => {
  const before = JSON.parse(authctl(['key', 'list', '--json']).out).keys.length
  execFileSync('psql', ['-q', '-h', dir, '-U', 'madang_admin', '-v', 'ON_ERROR_STOP=1', '-c', `
    INSERT INTO auth.api_key (id, name, policy, secret, created_at)
    SELECT 'many' || n, 'one of many', 'chat-client', sha256(n::text::bytea), now() - (n / 100) * interval '1 minute' FROM generate_series(1, 2005) n`, 'madang'])
  const { keys } = JSON.parse(authctl(['key', 'list', '--json']).out)
  assert.equal(keys.length, before + 2005)
  assert.equal(new Set(keys.map(({ id }) => id)).size, keys.length)
  assert.ok(keys.every(({ created_at: at }, i) => i === 0 || at <= keys[i - 1].created_at), 'newest first')
  const lines = authctl(['key', 'list']).out.trimEnd().split('\n')
  assert.equal(lines.length, 1 + keys.length)
  assert.equal(lines.filter(line => line.startsWith('ID ')).length, 1)
})
