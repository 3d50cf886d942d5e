// l_share_guesses - a thousand addresses guess at the password of a link: who was not seen before comes next with the right one, whatever waits.
import assert from 'node:assert/strict'
import https from 'node:https'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const ADDRESSES = 1000, AT_ONCE = 220
let stack, key
const agent = new https.Agent({ keepAlive: true, maxSockets: AT_ONCE + 50 })
before(async () => {
  stack = await startStack({ env: {
    MADANG_GATEWAY_TRUSTED_PROXIES: '127.0.0.1', MADANG_SHARE_PASSWORD_THREADS: '1', MADANG_SHARE_PASSWORD_QUEUE: '200',
    MADANG_CALL_BUDGET_MS: '60000',
  } })
  key = await stack.issueKey()
})
after(() => {
  agent.destroy()
  return stack?.stop()
})

async function shares(subject, password) {
  const token = await tokenFor(stack, key, subject), made = async (path, body) => (await request(stack, 'POST', `/api/v1${path}`, { token, body })).json.data
  return made(`/conversations/${(await made('/conversations', { name: 'a talk', data: {} })).id}/share`, { password })
}
const says = ({ code }, password, from) => request(stack, 'GET', `/api/v1/share/${code}`, { agent, headers: { 'x-share-password': password, 'x-forwarded-for': from } })
/** A network of its own for each. */
const guesser = n => `10.${n >> 8}.${n & 255}.7`


/** So many guess at it all the time, who was refused again when a place may be free; `act` may ask how many were compared. How many were compared in all. */
async function whileAllGuess(link, act) {
  const answered = { 401: 0, 503: 0 }
  let over = false, next = 0, waiting = []
  const another = () => new Promise(resolve => waiting.push(resolve))
  const wakeAll = () => { for (const go of waiting.splice(0)) go() }
  const guesses = Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (!over) {
      const { status, text } = await says(link, `guess ${next}`, guesser(next++ % ADDRESSES))
      assert.ok([401, 429, 503].includes(status), text)
      answered[status] = (answered[status] ?? 0) + 1
      if (status !== 401 && !over) await another()
      else wakeAll()
    }
  }))
  try {
    await until('all places are taken, and some are refused', () => answered[401] > 10 && answered[503] > 0, 120000)
    await act(() => answered[401])
  } finally {
    over = true
    wakeAll()
    await guesses
  }
  return answered[401]
}

test('the right password from an unseen address is compared next while a thousand addresses guess', async () => {
  const subject = `ada ${randomUUID()}`, link = await shares(subject, 'six at the harbour'), quiet = await shares(subject, 'seven at the harbour')
  // Each has guessed before: what a thousand comparisons would say, without their minutes.
  await stack.sql('share', `INSERT INTO share_guess (link, who, failures, next_at, changed_at)
    SELECT '${link.id}', '10.' || (n >> 8) || '.' || (n & 255) || '.0/24', 1 + n % 3, now(), now() FROM generate_series(0, ${ADDRESSES - 1}) n`)
  await whileAllGuess(link, async compared => {
    for (let i = 0; i < 3; i++) {
      const before = compared(), seen = await says(link, 'six at the harbour', `192.0.2.${i}`)
      assert.equal(seen.status, 200, seen.text)
      // One place in the queue is for who has tried least: in the order of their coming there would be two hundred before.
      assert.ok(compared() - before < 100, `${compared() - before} were compared meanwhile`)
      if (i === 0) assert.equal((await says(quiet, 'not that', '192.0.2.200')).status, 401, 'another link has its turn, too')
    }
  })
})

test('it is compared next, too, while a thousand addresses guess that were never seen, all of them side by side', async () => {
  const link = await shares(`bo ${randomUUID()}`, 'six at the harbour')
  const all = await whileAllGuess(link, async compared => {
    const before = compared(), seen = await says(link, 'six at the harbour', '198.51.100.7')
    assert.equal(seen.status, 200, seen.text)
    assert.ok(compared() - before < 100, `${compared() - before} were compared meanwhile`)
  })
  await until('what was refused for want of a place is no try', async () => Number(await stack.sql('share', `SELECT sum(failures) FROM share_guess WHERE link = '${link.id}'`)) === all)
})
