// e_strangers - connections of people whom nobody knows cost what they cost, and it is not those who are known that pay.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import tls from 'node:tls'
import { Person, isGapless } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const AT_ONCE = 40, PER_S = 10
let strict, wide
before(async () => {
  strict = await startStack({ env: { MADANG_GATEWAY_RATE_PERCENT: '100', MADANG_GATEWAY_CONNECTIONS_PER_ADDRESS: String(AT_ONCE), MADANG_GATEWAY_CONNECTS_PER_S: String(PER_S) } })
  wide = await startStack()
})
after(async () => { await strict?.stop(); await wide?.stop() })

const count = (stack, what) => stack.metric(1, `madang_gateway_${what}_total`)

/** Does it get as far as TLS, from there? */
async function shakesHands(stack, from) {
  const socket = tls.connect({ port: stack.port, host: '127.0.0.1', localAddress: from, ca: stack.ca })
  const met = await Promise.race([once(socket, 'secureConnect').then(() => true), once(socket, 'close').then(() => false, () => false)])
    .catch(() => false)
  socket.destroy()
  return met
}

test('an address that connects too fast is refused before TLS, and no other address', { timeout: 60000 }, async () => {
  const refused = await count(strict, 'connections_refused'), began = Date.now()
  let met = 0, tries = 0
  for (; tries < AT_ONCE * 3; tries++) met += await shakesHands(strict, '127.0.5.1')
  const seconds = (Date.now() - began) / 1000
  assert.ok(met >= AT_ONCE, `${met} were welcome`)
  assert.ok(met <= AT_ONCE + PER_S * (seconds + 1), `${met} in ${seconds} s`)
  assert.equal(await count(strict, 'connections_refused'), refused + tries - met)
  for (let n = 0; n < AT_ONCE / 2; n++) assert.ok(await shakesHands(strict, '127.0.6.1'), 'the neighbour is')
  await until('it is welcome again, with time', () => shakesHands(strict, '127.0.5.1'))
})

const p99 = list => list.sort((a, b) => a - b)[Math.floor(list.length * 0.99)]

async function talk(who, room, messages) {
  const times = []
  for (let n = 0; n < messages; n++) {
    const began = performance.now()
    await who.says(room, `message ${n}`)
    times.push(performance.now() - began)
  }
  return p99(times)
}

test('whoever is known goes on talking while strangers come as fast as they can', { timeout: 120000 }, async () => {
  const key = await wide.issueKey(), ada = await Person.arrives(wide, key, 'ada'), bo = await Person.arrives(wide, key, 'bo')
  const { id: room } = await ada.makesRoom()
  await ada.joins(room)
  await bo.joins(room)
  const calm = await talk(ada, room, 300)
  const accepted = await count(wide, 'connections_accepted'), waited = await count(wide, 'strangers_waited')
  const crowd = [1, 2].map(() => spawn(process.execPath, [fileURLToPath(new URL('../lib/strangers.mjs', import.meta.url)), String(wide.port), '150'], { stdio: 'ignore' }))
  try {
    await until('they are here', async () => await count(wide, 'connections_accepted') > accepted + 300, 20000)
    let stormy = Infinity, most = Math.max(calm * 100, 1000), tries = 0
    for (; tries < 3 && stormy >= most; tries++) stormy = await talk(ada, room, 300) // what stalls the machine does not do so each time
    const came = await count(wide, 'connections_accepted') - accepted
    console.log(`# p99 of a message: ${calm.toFixed(1)} ms, among strangers ${stormy.toFixed(1)} ms; ${came} came, ${await count(wide, 'strangers_waited') - waited} turns left some waiting`)
    assert.ok(came > 500, `${came} came`)
    assert.ok(await count(wide, 'strangers_waited') > waited, 'they waited for each other')
    assert.ok(stormy < most, `${stormy} ms, and ${calm} ms without them`)
    await until('bo heard all', () => bo.heard.length === 300 * (1 + tries))
    isGapless(bo.heard)
  } finally {
    crowd.forEach(child => child.kill())
  }
  ada.leaves()
  bo.leaves()
})
