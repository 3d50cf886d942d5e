// g_conformance - the conformance configuration is started and stopped as often as one likes, and has its own times.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { freePorts } from '../lib/ports.mjs'
import { ask } from '../lib/prometheus.mjs'
import { root } from '../lib/stack.mjs'

const dir = mkdtempSync(join(tmpdir(), 'madang-conformance-'))
const port = await freePorts(16)
const env = {
  PATH: process.env.PATH, HOME: dir, BIN: resolve(root, process.env.BIN ?? 'build/bin'), HEALTH_PORT: String(port + 1),
  MADANG_GATEWAY_HTTP: `127.0.0.1:${port}`,
}
const run = promisify(execFile)
const conformance = async verb => (await run(join(root, 'scripts/conformance'), [verb, dir], { env })).stdout
after(async () => {
  await conformance('down')
  rmSync(dir, { recursive: true, force: true })
})

test('down, and up again: nothing of the last time is in the way', { timeout: 120000 }, async () => {
  for (let time = 0; time < 2; time++) {
    assert.match(await conformance('up'), new RegExp(`http://127.0.0.1:${port}`))
    assert.equal((await ask(port, '/healthz')).status, 200)
    const polling = '/socket.io/?EIO=4&transport=polling'
    const { sid, pingInterval, pingTimeout, maxPayload } = JSON.parse((await ask(port, polling)).text.slice(1))
    assert.deepEqual([pingInterval, pingTimeout, maxPayload], [300, 200, 1000000])
    await ask(port, `${polling}&sid=${sid}`, { method: 'POST', body: '1' }) // a client that vanished would be waited for
    await conformance('down')
  }
})

test('a directory made for it is for nothing else, and nothing else becomes one', { timeout: 120000 }, async () => {
  const refused = async (script, more) => {
    const { code, stderr } = await run(join(root, 'scripts', script), ['up', dir], { env: { ...env, ENV_FILE: '/dev/null', ...more } }).then(() => ({}), e => e)
    return [code, stderr]
  }
  await conformance('up')
  await conformance('down')
  assert.deepEqual(await refused('stack', {}), [1, `madang: ${dir} is kept for make up CONFORMANCE=1; take another directory\n`])
  rmSync(join(dir, 'keys/conformance')) // as if it were a stack with API keys
  mkdirSync(join(dir, 'conformance')) // and beside it one like this, as below .run
  try {
    assert.match((await refused('conformance', {}))[1], /holds a stack with API keys/)
    const { code: status, stderr: said } = await run(join(dirname(env.BIN), 'tests/echo_gateway'), [],
      { env: { PATH: process.env.PATH, MADANG_RUN_DIR: dir, MADANG_KEY_DIR: join(dir, 'keys') } }).then(() => ({}), e => e)
    assert.deepEqual([status, /can't be on in a stack with API keys/.test(said)], [2, true])
  } finally {
    rmSync(join(dir, 'conformance'), { recursive: true })
    writeFileSync(join(dir, 'keys/conformance'), '')
  }
})
