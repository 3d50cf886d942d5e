// peers.test.mjs - each process's certificate tries each method of each service: METHOD rows say who may, and nobody else may.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { bin, startStack } from '../lib/stack.mjs'
import { contract } from './rows.mjs'

const run = promisify(execFile)
const peerCalls = join(dirname(bin), 'tests/matrix/peer_calls')
const services = [...new Set(contract.methods.map(method => method.service))]
const EVERYWHERE = 'operator' // build/bin/rpc, for whoever has a shell on the machine

let stack, strangers
before(async () => { stack = await startStack() })
after(async () => {
  if (strangers) rmSync(strangers, { recursive: true })
  await stack?.stop()
})

function endpointOf(service) {
  const [process, name] = service === 'gateway' ? ['gateway-1', 'MADANG_GATEWAY_MESH'] : ['operator', `MADANG_${service.toUpperCase()}_URL`]
  return readFileSync(join(stack.dir, 'env', process, name), 'utf8').trim()
}

/** { method: code } of one service for one certificate. */
async function calls(peer, service, { keys = join(stack.dir, 'keys'), ms = 15000 } = {}) {
  const { stdout } = await run(peerCalls, [peer, service, endpointOf(service), keys, String(ms)])
  return Object.fromEntries(stdout.trim().split('\n').map(line => line.split(' ')))
}

const peers = () => readdirSync(join(stack.dir, 'keys/peers')).map(file => file.replace(/\.key$/, ''))

test('there is a certificate for every caller that a row names, and for every service', () => {
  const named = new Set([EVERYWHERE, ...services, ...contract.methods.flatMap(method => method.callers.split(' '))])
  assert.deepEqual(peers().sort(), [...named].sort())
})

for (const service of services)
  test(`methods of ${service}: each peer's certificate opens those that name it, and no other`, async () => {
    for (const peer of peers()) {
      const answers = await calls(peer, service)
      const expected = contract.methods.filter(method => method.service === service).map(({ method, callers }) =>
        [method, peer === EVERYWHERE || callers.split(' ').includes(peer) ? 'reached' : 'forbidden'])
      const got = Object.entries(answers).map(([method, code]) => [method, code === 'malformed' || code === 'invalid_argument' ? 'reached' : code])
      assert.deepEqual(got, expected, `as ${peer}`)
    }
  })

test('a key that is no peer\'s opens nothing, whatever name it gives itself', async () => {
  strangers = mkdtempSync(join(stack.dir, 'strangers-'))
  await run(join(bin, 'keygen'), [strangers, 'gateway'])
  cpSync(join(stack.dir, 'keys/peers'), join(strangers, 'peers'), { recursive: true })
  await Promise.all(services.map(async service => {
    const answers = await calls('gateway', service, { keys: strangers, ms: 300 })
    assert.ok(Object.keys(answers).length > 0)
    for (const [method, code] of Object.entries(answers)) assert.equal(code, 'unavailable', method)
  }))
})
