// c_overload - more messages than store can commit: what is too much is refused at once, and clients that send it again lose none of it.
//
//     MESSAGES=100000 node --test tests/scenario/c_overload.test.mjs      # as the promise says it; 6,000 otherwise
//
// A commit has two messages, so a small machine's clients are faster than store.  They have ten times as many messages under way as store takes: nine
// of ten are refused at any time, and come again when the answer said.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Person } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { pause, until } from '../lib/wait.mjs'

const MESSAGES = Number(process.env.MESSAGES ?? 6000)
const OPEN_MAX = 120, SENDERS = 12, EACH = 10 * OPEN_MAX / SENDERS
let stack, key, senders

before(async () => {
  stack = await startStack({ env: { MADANG_STORE_BATCH_MAX: '2', MADANG_STORE_COMMITTERS: '1', MADANG_STORE_APPEND_MAX: String(OPEN_MAX), MADANG_CALL_BUDGET_MS: '30000' } })
  key = await stack.issueKey()
  senders = await Promise.all(Array.from({ length: SENDERS }, (_, i) => Person.arrives(stack, key, `sender ${i}`)))
  for (const sender of senders) {
    sender.room = (await sender.makesRoom()).id
    await sender.joins(sender.room)
  }
})
after(() => stack?.stop())

const percentile = (times, share) => [...times].sort((a, b) => a - b)[Math.floor((times.length - 1) * share)]

/** Sends it until it is acknowledged; notes how long the try took that was, and what the others were told. */
async function insists(sender, n, notes) {
  for (;;) {
    const began = performance.now()
    const answer = await sender.emits('message:send', { room: sender.room, id: `message ${n}`, body: `body ${n}` })
    if (!answer.error) {
      notes.took.push(performance.now() - began)
      return answer
    }
    assert.equal(answer.error.code, 'overloaded', JSON.stringify(answer.error))
    assert.ok(answer.error.retry_after_ms > 0, JSON.stringify(answer.error))
    notes.refused++
    await pause(answer.error.retry_after_ms)
  }
}

/** So many messages, of which `each` of a sender's are under way at a time. */
async function floods(messages, each) {
  const notes = { took: [], refused: 0, most: 0, seqs: senders.map(() => []) }
  const began = performance.now(), share = Math.ceil(messages / SENDERS)
  let flooding = true
  const watch = (async () => {
    while (flooding) {
      notes.most = Math.max(notes.most, await stack.metric('store', 'madang_store_appends_waiting'))
      await pause(20)
    }
  })()
  await Promise.all(senders.flatMap((sender, i) => {
    let next = 0
    return Array.from({ length: each }, async () => {
      while (next < share) notes.seqs[i].push((await insists(sender, next++, notes)).seq)
    })
  }))
  flooding = false
  await watch
  notes.seconds = (performance.now() - began) / 1000
  return notes
}

test('more than store takes, all the time: nothing is lost, and what waits is bounded', { timeout: 900000 }, async t => {
  const over = await floods(MESSAGES, EACH)
  const rate = over.took.length / over.seconds
  t.diagnostic(`${over.took.length} messages, ${Math.round(rate)}/s; ${over.refused} refusals; at most ${over.most} open; accepted within ms: median ` +
    `${percentile(over.took, 0.5).toFixed(0)}, 99 % ${percentile(over.took, 0.99).toFixed(0)}, of which ${OPEN_MAX} take ${(OPEN_MAX / rate * 1000).toFixed(0)}`)
  assert.ok(over.refused >= over.took.length / 4, `${over.refused} refusals: that was no overload`)
  assert.ok(over.most > 0 && over.most <= OPEN_MAX, `${over.most} were open at a time`)
  for (const [i, sender] of senders.entries()) {
    const share = Math.ceil(MESSAGES / SENDERS)
    const log = await sender.reads(sender.room)
    assert.deepEqual(log.map(m => m.seq), Array.from({ length: share }, (_, n) => n + 1), 'the log has no gap')
    assert.deepEqual(new Set(log.map(m => m.id)), new Set(Array.from({ length: share }, (_, n) => `message ${n}`)), 'each is there, once')
    assert.ok(log.every(m => m.body === `body ${m.id.slice(8)}`))
    assert.deepEqual(over.seqs[i].sort((a, b) => a - b), log.map(m => m.seq), 'what was acknowledged is what is there')
    await until('all is heard', () => sender.heard.length >= share, 60000)
    assert.deepEqual(sender.heard.map(m => m.seq), log.map(m => m.seq), 'heard in order, once')
  }
  assert.equal(await stack.metric('store', 'madang_store_appends_waiting'), 0)
})

test('behind it a message is taken at once', async () => {
  const [sender] = senders
  assert.equal((await sender.says(sender.room, 'calm')).seq, Math.ceil(MESSAGES / SENDERS) + 1)
})
