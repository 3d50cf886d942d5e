// c_live - what happens to connections that live: their tokens end, their policies change, they read too slowly, their
// gateway leaves.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startStack } from '../lib/stack.mjs'
import { Person, isGapless, tokenFor } from '../lib/people.mjs'
import { pause, until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack({
    env: {
      MADANG_GATEWAY_QUEUE_BYTES: '100000', MADANG_GATEWAY_SLOW_MS: '600000',
      MADANG_GATEWAY_DRAIN_SPREAD_MS: '500', MADANG_STORE_MESSAGE_CHARS: '10000',
    },
  })
  key = await stack.issueKey()
})
after(() => stack?.stop())

const putPolicy = async (name, rules) => {
  const file = join(stack.dir, `${name}.json`)
  writeFileSync(file, JSON.stringify({ rules }))
  return stack.authctl('policy', 'put', name, file)
}

// Tokens end after ten seconds at the earliest: one is renewed meanwhile, and the other is not.
test('tokens that end', { concurrency: true }, async t => {
  const renewed = t.test('a token that is about to end is announced, and a refreshed one keeps the socket', async () => {
    const token = await tokenFor(stack, key, 'ada', { ttl_s: 10 })
    const ada = await Person.arrives(stack, key, 'ada', { token, reconnection: false })
    await pause(500)
    assert.deepEqual(ada.events, [])                     // a minute before its end was before its beginning
    const [, notice] = await ada.hearsEvent('token:expiring')
    assert.ok(notice.expires_at > Date.now())

    const others = await tokenFor(stack, key, 'bo')
    await ada.isRefused('auth:refresh', { token: others }, 'forbidden')
    await ada.isRefused('auth:refresh', { token: 'x.y.z' }, 'token_invalid')
    const fresh = await ada.calls('auth:refresh', { token: await tokenFor(stack, key, 'ada') })
    assert.ok(fresh.expires_at > notice.expires_at)
    await until('the first token has ended', () => Date.now() > notice.expires_at + 500)
    await ada.calls('room:list', {})
    ada.leaves()
  })
  const left = t.test('without a new token the socket ends with the old one, and says why', async () => {
    const token = await tokenFor(stack, key, 'ada', { ttl_s: 10 })
    const ada = await Person.arrives(stack, key, 'ada', { token, reconnection: false })
    const reason = await new Promise(resolve => ada.socket.once('disconnect', resolve))
    assert.equal(reason, 'io server disconnect')
    const [, failure] = await ada.hearsEvent('error')
    assert.equal(failure.code, 'token_expired')
    ada.leaves()
  })
  await Promise.all([renewed, left])
})

test('who tries one bad token after the other is disconnected', { timeout: 60000 }, async () => {
  const eve = await Person.arrives(stack, key, 'eve', { reconnection: false })
  const reason = new Promise(resolve => eve.socket.once('disconnect', resolve))
  for (let i = 0; i < 32; i++) await eve.isRefused('auth:refresh', { token: `x.y.${i}` }, 'token_invalid')
  eve.socket.emit('auth:refresh', { token: 'x.y.z' })
  assert.equal(await reason, 'transport close')
})

test('a changed policy holds for live sockets at once', async () => {
  const all = [{ effect: 'allow', namespaces: ['/chat'] }]
  await putPolicy('changing', all)
  const ada = await Person.arrives(stack, await stack.issueKey({ policy: 'changing' }), 'ada')
  const { id: room } = await ada.makesRoom()
  await ada.joins(room)
  await ada.says(room, 'while allowed')
  await putPolicy('changing', [...all, { effect: 'deny', events: ['message:*'], actions: ['emit'] }])
  await until('sending is refused', async () => (await ada.emits('message:send', { room, id: randomUUID(), body: 'x' })).error?.code === 'forbidden')
  const verdict = await stack.authctl('policy', 'explain', '--policy', 'changing', '--namespace', '/chat', '--event', 'message:send', '--action', 'emit')
  assert.equal(verdict.allowed, false)
  assert.equal(verdict.rule, 1)
  await putPolicy('changing', [{ effect: 'deny', actions: ['connect'] }])
  await until('the socket is ended', () => ada.socket.disconnected)
  ada.leaves()
})

test('a rule with {sub} lets each into the room of his own name only', async () => {
  await putPolicy('own-room', [
    { effect: 'allow', namespaces: ['/chat'], actions: ['connect'] },
    { effect: 'allow', namespaces: ['/chat'], rooms: ['{sub}-*'], events: ['typing'], actions: ['publish'] },
  ])
  const explain = (room, subject) => stack.authctl('policy', 'explain', '--policy', 'own-room', '--namespace', '/chat', '--event', 'typing', '--room', room, '--action', 'publish', '--subject', subject)
  assert.equal((await explain('ada-1', 'ada')).allowed, true)
  assert.equal((await explain('bo-1', 'ada')).allowed, false)
  assert.equal((await explain('anything-1', '*')).allowed, false)
})

test('a reader that stalls costs the others nothing, and gets all it missed when it reads again', async () => {
  const ada = await Person.arrives(stack, key, 'ada')
  const bo = await Person.arrives(stack, key, 'bo')
  const stalled = await Person.arrives(stack, key, 'stalled')
  const { id: room } = await ada.makesRoom()
  for (const person of [bo, stalled]) await person.joins(room)
  const tcp = stalled.socket.io.engine.transport.ws._socket
  tcp.pause()
  const long = 'x'.repeat(9000)
  const count = 1200                                    // 11 MB: more than the queue and the kernel's buffers hold
  for (let i = 0; i < count; i += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, j) => ada.says(room, `${i + j} ${long}`)))
  }
  await until('bo has heard all', () => bo.heard.length === count, 60000)
  isGapless(bo.heard)
  tcp.resume()
  await until('the stalled one has heard all', () => stalled.heard.length >= count, 60000)
  isGapless(stalled.heard)
  assert.equal(stalled.heard.length, count)
  ;[ada, bo, stalled].forEach(person => person.leaves())
})

test('a rolling restart under load: nothing acknowledged is lost, and nobody sees more than one reconnect', async () => {
  const ada = await Person.arrives(stack, key, 'ada')
  const { id: room } = await ada.makesRoom()
  const crowd = await Promise.all(Array.from({ length: 20 }, (_, i) => Person.arrives(stack, key, `member-${i}`)))
  const errors = []
  for (const person of [...crowd, ada]) {
    person.reconnects = 0
    await person.joins(room)
    person.socket.on('connect', () => {
      person.reconnects++
      if (!person.socket.recovered) person.joins(room, person.heard.at(-1)?.seq ?? 0).catch(error => errors.push(error))
    })
    person.socket.on('connect_error', error => errors.push(error))
  }
  const acknowledged = new Map()
  let talking = true
  const talk = (async () => {
    while (talking) {
      const id = randomUUID()
      for (let done = false; !done;) {
        const answer = await ada.socket.timeout(3000).emitWithAck('message:send', { room, id, body: 'on the move' }).catch(() => undefined)
        if (answer?.seq) { acknowledged.set(id, answer.seq); done = true } else await pause(30)
      }
      await pause(5)
    }
  })()
  await stack.script('roll')
  await pause(300)
  talking = false
  await talk
  const history = await ada.reads(room)
  isGapless(history)
  assert.ok(acknowledged.size > 20)
  for (const [id, seq] of acknowledged) assert.equal(history[seq - 1].id, id)
  for (const person of crowd) {
    await until(`${person.name} has heard all`, () => person.reconnects > 0 && person.heard.length >= history.length)
    isGapless(person.heard)
    assert.deepEqual(person.events.filter(e => e[0] === 'server:closing').map(e => e[1].within_ms), [500])
    assert.equal(person.reconnects, 1, `${person.name} reconnected ${person.reconnects} times`)
  }
  assert.deepEqual(errors, [])
  ;[ada, ...crowd].forEach(person => person.leaves())
})
