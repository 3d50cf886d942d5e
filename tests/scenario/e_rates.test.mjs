// e_rates - three gateways, and the rates of one: who is limited is limited everywhere; without Redis each for itself.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { wrongKey } from '../lib/keys.mjs'
import { Person, everybodyLeaves, request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { pause, until } from '../lib/wait.mjs'

// 30 percent: of `write` 90 in 10 s, so 9 a second later on; of `auth` 3 in 60 s.
const WRITES = 90, WRITES_A_SECOND = 9, GUESSES = 3
const run = promisify(execFile)
let stack, gateways, key, ada, room
before(async () => {
  stack = await startStack({ gateways: 3, ownPorts: true, env: { MADANG_GATEWAY_RATE_PERCENT: '30' } })
  gateways = stack.gatewayPorts.map(port => ({ url: `https://127.0.0.1:${port}`, ca: stack.ca }))
  key = await stack.issueKey()
  ada = await Person.arrives(gateways[0], key, 'ada')
  room = (await ada.makesRoom()).id
  await ada.joins(room)
})
after(async () => {
  gateways?.forEach(everybodyLeaves)
  await stack?.stop()
})

const limited = answer => answer?.error?.code === 'rate_limited'

/** Somebody with a socket at each of these gateways, a member of the room. */
async function arrives(name, at = gateways) {
  const token = await tokenFor(at[0], key, name)
  const sockets = await Promise.all(at.map(gateway => Person.arrives(gateway, key, name, { token })))
  await sockets[0].joins(room)
  return { sockets, says: i => sockets[i % sockets.length].emits('message:send', { room, id: randomUUID(), body: name }), leaves: () => sockets.forEach(s => s.leaves()) }
}

/** Messages at the gateways in turn, a hundred a second; how many were taken, and how many more than one gateway may. */
async function writes(person, tries) {
  const began = Date.now(), under = []
  for (let i = 0; i < tries; i++) {
    under.push(person.says(i))
    await pause(10)
  }
  const answers = await Promise.all(under)
  answers.forEach(answer => assert.ok(answer?.seq || limited(answer), JSON.stringify(answer)))
  const taken = answers.filter(answer => answer.seq).length
  return { taken, more: taken - WRITES - renewed(began) }
}

const renewed = since => Math.ceil((Date.now() - since) / 1000 * WRITES_A_SECOND)

const redis = verb => run('sv', ['-w', '10', verb, join(stack.dir, 'service/redis')])

test('a subject that writes at three gateways has the rate of one, and hears from each when to go on', { timeout: 60000 }, async () => {
  const bo = await arrives('bo')
  const { taken, more } = await writes(bo, 3 * WRITES)
  assert.ok(taken >= WRITES, `${taken} were taken`)
  assert.ok(more < WRITES * 2 / 3, `${taken} were taken, ${more} too many`)

  for (const i of gateways.keys()) {
    const refusals = (await Promise.all(Array.from({ length: 30 }, () => bo.says(i)))).filter(limited)
    assert.ok(refusals.length > 0 && refusals.every(({ error: { retry_after_ms: ms } }) => ms > 0 && ms < 10000), JSON.stringify(refusals))
    let waits = 0
    for (let answer; limited(answer = await bo.says(i)); await pause(answer.error.retry_after_ms))
      assert.ok(++waits <= 3, `he did as he was told, and is refused again: ${answer.error?.retry_after_ms}`)
  }
  bo.leaves()
})

test('what is over a rate is refused before its arguments are read', async () => {
  const dan = await arrives('dan', gateways.slice(0, 1))
  const codes = async (n, arg) => (await Promise.all(Array.from({ length: n }, () => dan.sockets[0].emits('message:send', arg)))).map(answer => answer.error.code)
  const read = await codes(3 * WRITES, { room, id: 7 })
  assert.deepEqual([...new Set(read)].sort(), ['invalid_argument', 'rate_limited'])
  dan.leaves()
})

test('without Redis each gateway limits for itself, and with it, all together again', { timeout: 90000 }, async () => {
  await redis('down')
  const cy = await arrives('cy', gateways.slice(0, 1))
  const began = Date.now()
  const { taken, more } = await writes(cy, 1.5 * WRITES)
  assert.ok(taken >= WRITES && more <= 1, `${taken} were taken, ${more} too many`)
  await until('her messages arrive', () => ada.heard.filter(message => message.body === 'cy').length === taken)
  cy.leaves()

  await redis('up')
  await Promise.all([1, 2, 3].map(n => until(`gateway ${n} has found it`, () =>
    stack.log(`gateway-${n}`).split('"event":"redis.away"').at(-1).includes('"redis.up"'))))
  const again = await arrives('cy', gateways.slice(1))
  const { taken: elsewhere } = await writes(again, WRITES)
  const all = taken + elsewhere - WRITES - renewed(began)
  assert.ok(all < WRITES / 3, `what she wrote meanwhile was forgotten: ${elsewhere} more were taken elsewhere, ${all} too many`)
  again.leaves()

  const di = await arrives('di')
  const shared = await writes(di, 3 * WRITES)
  assert.ok(shared.more < WRITES * 2 / 3, `${shared.taken} were taken, ${shared.more} too many`)
  di.leaves()
})

test('guesses are counted over three gateways, good keys are not', { timeout: 60000 }, async () => {
  for (let i = 0; i < 4 * GUESSES; i++) await tokenFor(gateways[i % 3], key, `user-${i}`)
  const answers = []
  const exchanged = i => stack.metric(1 + i % 3, 'madang_rates_shared_total', 'result="answered"')
  for (let i = 0; i < 3 * GUESSES; i++) {
    const before = await exchanged(i)
    answers.push(await request(gateways[i % 3], 'POST', '/auth/token', { body: { api_key: wrongKey() } }))
    if (answers.at(-1).status === 401) await until('the others can know of it', async () => await exchanged(i) > before)
    await pause(150)
  }
  const counts = [401, 429].map(status => answers.filter(answer => answer.status === status).length)
  assert.equal(counts[0] + counts[1], answers.length)
  assert.ok(counts[0] >= GUESSES && counts[0] <= GUESSES + 2, `${counts[0]} guesses were taken`)
  const { json, headers } = answers.at(-1)
  assert.equal(json.error.code, 'rate_limited')
  assert.ok(json.error.details.retry_after_ms > 10000 && Number(headers['retry-after']) >= 10)
})
