// first_run - what a newcomer does: `make up` in a clean clone, the line that it prints, `make down`.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../lib/stack.mjs'
import { freePorts } from '../lib/ports.mjs'

const clone = join(mkdtempSync(join(tmpdir(), 'first-run-')), 'madang')
const inClone = (command, more = {}) =>
  execFileSync('bash', ['-c', command], { cwd: clone, encoding: 'utf8', timeout: 400000, env: { PATH: process.env.PATH, HOME: process.env.HOME, ...more } })
let printed

before(async () => {
  execFileSync('git', ['clone', '-q', '--depth', '1', `file://${root}`, clone])
  const port = await freePorts(64)
  writeFileSync(join(clone, '.env'), [`MADANG_GATEWAY_HTTPS=127.0.0.1:${port}`, `MADANG_GATEWAY_HTTP=127.0.0.1:${port + 1}`,
    `MADANG_GATEWAY_PUBLIC_URL=https://localhost:${port}`, `MADANG_GATEWAY_MESH=tcp://127.0.0.1:${port + 32}`,
    `HEALTH_PORT=${port + 2}`].join('\n') + '\n')
  printed = inClone('make up')
}, { timeout: 420000 })
after(() => {
  inClone('make down')
  rmSync(join(clone, '..'), { recursive: true, force: true })
}, { timeout: 60000 })

test('make up ends with the URL, a first key and a line to try, which works when pasted', () => {
  assert.match(printed, /https:\/\/localhost:\d+/)
  assert.match(printed, /mdk_\w+/)
  const line = printed.split('\n').find(l => /^ +scripts\/first-message/.test(l))
  const answer = inClone(line.trim())
  assert.match(answer, /"seq":1/)
  assert.match(answer, /Hello, courtyard/)
})

test('a second make up is harmless and says the same', () => {
  const again = inClone('make up')
  assert.equal(again.match(/mdk_\w+/)[0], printed.match(/mdk_\w+/)[0])
  assert.match(inClone('scripts/first-message again'), /"seq":2/)
})

test('make status shows every process as ready', () => {
  const status = inClone('make status')
  for (const name of ['postgres', 'redis', 'auth', 'chat', 'store', 'share', 'gateway-1']) assert.match(status, new RegExp(`run: ${name}`))
  assert.ok(!/NOT READY/.test(status))
})

test('make restart takes ports that the old gateway does not hold, and gives them back the next time', () => {
  for (let i = 0; i < 2; i++) inClone('make restart')
  assert.ok(!/NOT READY/.test(inClone('make status')))
})

test('a wrong setting stops make up at once with one line, and harms nothing', () => {
  const refused = more => { try { inClone('make up 2>&1 >/dev/null', more) } catch (error) { return error.stdout } }
  assert.match(refused({ MADANG_STORE_WORKERS: '0' }), /^MADANG_STORE_WORKERS: wants a number from 1 to 64$/m)
  assert.match(refused({ MADANG_STORE_WORKER: '4' }), /^MADANG_STORE_WORKER: there is no such setting; --help lists them$/m)
  assert.ok(!/NOT READY/.test(inClone('make status')))
})

test('the conformance configuration beside it opens nothing, and is in nobody\'s way', async () => {
  const port = await freePorts(16)
  const conformance = { MADANG_GATEWAY_HTTP: `127.0.0.1:${port}`, HEALTH_PORT: `${port + 1}` }
  inClone('make up CONFORMANCE=1', conformance)
  inClone('scripts/conformance down .run/conformance', conformance)
  assert.throws(() => inClone('make up 2>&1', { MADANG_GATEWAY_CONFORMANCE: '1' }), error => /MADANG_GATEWAY_CONFORMANCE: there is no such setting/.test(error.stdout))
  assert.match(inClone('make up'), /mdk_\w+/)
})

test('it leaves nothing outside .run and build', () => {
  const untracked = inClone('git status --porcelain --ignored').trim().split('\n').map(l => l.slice(3)).sort()
  assert.deepEqual(untracked, ['.env', '.run/', 'build/'])
})
