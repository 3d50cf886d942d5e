// d_recovery_herd - a gateway dies with hundreds of clients in many rooms each, and they are all back at once: everybody goes
// on as who he was, although the gateway may have only a few questions to a service open at a time.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Person, everybodyLeaves, isGapless, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const CLIENTS = Number(process.env.HERD_CLIENTS ?? 200), ROOMS = Number(process.env.HERD_ROOMS ?? 30)
const PENDING_MAX = 15
let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_GATEWAY_PENDING_MAX: String(PENDING_MAX) } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

/** One after the other in each of a few lanes: the bound on questions is not what fills the courtyard. */
async function inLanes(lanes, items, work) {
  const left = [...items]
  await Promise.all(Array.from({ length: lanes }, async () => { while (left.length) await work(left.shift()) }))
}

/** The herd, in all the rooms, and somebody who speaks there. */
async function gather() {
  const ada = await Person.arrives(stack, key, 'ada')
  const rooms = []
  for (let i = 0; i < ROOMS; i++) rooms.push((await ada.makesRoom()).id)
  const token = await tokenFor(stack, key, 'bo', { ttl_s: 3600 })
  const herd = []
  await inLanes(5, Array.from({ length: CLIENTS }), async () => {
    const bo = await Person.arrives(stack, key, 'bo', { token, reconnectionDelay: 100, reconnectionDelayMax: 200 })
    for (const room of rooms) await bo.joins(room)
    herd.push(bo)
  })
  return { ada, rooms, herd }
}

/** Kill the gateway; true for each who is back as who he was. */
async function killed(herd) {
  const back = herd.map(bo => new Promise(resolve => {
    bo.socket.once('disconnect', () => bo.socket.once('connect', () => resolve(bo.socket.recovered)))
  }))
  await stack.kill('gateway-1')
  return Promise.all(back)
}

test('a herd that comes back at once is recovered, all of it', { timeout: 240000 }, async () => {
  const { ada, rooms, herd } = await gather()
  await ada.says(rooms[0], 'before')
  await Promise.all(herd.map(bo => bo.hears('before')))

  const recovered = (await killed(herd)).filter(Boolean).length
  const anew = await stack.metric(1, 'madang_recoveries_total', 'result="anew"')
  console.log(`# ${recovered} of ${CLIENTS} recovered with ${PENDING_MAX} questions open and ${ROOMS} rooms each, ${anew} began anew`)
  assert.equal(recovered, CLIENTS)

  await until('ada is back', () => ada.socket.connected)
  for (const room of [rooms[0], rooms.at(-1)]) await ada.says(room, `after ${room}`)
  await Promise.all(herd.map(async bo => {
    for (const room of [rooms[0], rooms.at(-1)]) await bo.hears(`after ${room}`)
    isGapless(bo.heard.filter(m => m.room === rooms[0]))
  }))
  everybodyLeaves(stack)
})

test('a service that is away for a while is waited for, and not for ever', { timeout: 120000 }, async () => {
  const small = await startStack({ env: { MADANG_CALL_BUDGET_MS: '500', MADANG_GATEWAY_CONNECT_TIMEOUT_MS: '12000' } })
  const asked = () => small.metric(1, 'madang_recovery_questions_again_total')
  const stopped = async (name, work) => {
    process.kill(small.pid(name), 'SIGSTOP')
    try { return await work() } finally { process.kill(small.pid(name), 'SIGCONT') }
  }
  try {
    const secret = await small.issueKey()
    const bo = await Person.arrives(small, secret, 'bo', { reconnection: false })
    const { id } = await bo.makesRoom()
    await bo.joins(id)
    for (const name of ['chat', 'store']) {
      await bo.losesConnection()
      const before = await asked()
      const back = await stopped(name, async () => {
        const back = bo.comesBack()
        await until(`${name} is asked again`, async () => await asked() >= before + 2)
        return { back }
      })
      assert.equal(await back.back, true, `${name} is back`)
    }
    await bo.losesConnection()
    assert.equal(await stopped('chat', () => bo.comesBack()), false)

    await bo.joins(id)
    await bo.losesConnection()
    const before = await asked()
    await stopped('chat', async () => {
      bo.socket.connect()
      await until('chat is asked again', async () => await asked() >= before + 2)
      await small.kill('gateway-1', 'SIGTERM')
    })
    await until('it left in order with somebody on his way in', () => small.log('gateway-1').includes('"gateway.stopped"'))
  } finally {
    await small.stop()
  }
})
