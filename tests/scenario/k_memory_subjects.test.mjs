// k_memory_subjects - subjects with good tokens who make a gateway hold bytes: the bound of one subject, however many addresses
// its sockets come from, and that of the process, however many subjects fill it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { flood, unfinishedMessageOf } from '../lib/flood.mjs'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const MiB = 1 << 20
const ALL = 160 * MiB, SUBJECT = 32 * MiB, HELD = 900000
/** What a gateway takes beside: its code and caches, and what the allocator has in pieces. */
const SANITIZED = process.env.BIN?.includes('address'), SLACK = 90 * MiB

let stack, key, gateway, honest, room
before(async () => {
  stack = await startStack({ env: {
    MADANG_GATEWAY_PLAIN: '1', MADANG_GATEWAY_MEMORY_BYTES: String(ALL), MADANG_GATEWAY_MEMORY_PER_SUBJECT: String(SUBJECT),
    MADANG_GATEWAY_PING_INTERVAL_MS: '3000', MADANG_GATEWAY_PING_TIMEOUT_MS: '600000', // who is in the midst of a message answers no ping, and is to be closed for what it holds alone
  } })
  gateway = stack.pid('gateway-1')
  key = await stack.issueKey()
  honest = await Person.arrives(stack, key, 'ada')
  honest.socket.on('disconnect', reason => { honest.lost = reason })
  room = (await honest.makesRoom()).id
  await honest.joins(room)
})
after(() => stack?.stop())

const memory = line => Number(new RegExp(`^${line}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${gateway}/status`, 'utf8'))[1]) * 1024
const metric = name => stack.metric(1, `madang_gateway_held_${name}`)
const isBelow = bytes => { if (!SANITIZED) assert.ok(memory('VmRSS') < bytes, `${memory('VmRSS')} bytes`) }
const goesBack = base => until(`memory goes back to ${base} bytes`, () => SANITIZED || memory('VmRSS') < base + 24 * MiB, 40000)

/** While `work` goes on: what ada says is acknowledged and heard, what she asks for by REST is answered, and others arrive. */
async function nobodyElseNotices(work) {
  let done = false, served = 0
  const witness = (async () => {
    while (!done || served === 0) {
      await honest.says(room, `word ${served}`)
      await honest.hears(`word ${served}`)
      const answer = await honest.rest('GET', `/api/v1/rooms/${room}/messages?limit=1`)
      assert.equal(answer.status, 200, answer.text)
      const other = await Person.arrives(stack, key, `other-${served}`)
      await other.joins(room)
      other.leaves()
      served++
    }
  })()
  try {
    return await work()
  } finally {
    done = true
    await witness
    assert.equal(honest.lost, undefined, 'ada kept her connection')
  }
}

const addresses = n => Array.from({ length: n }, (_, i) => `127.0.6.${i + 1}`)
/** What the gateway closed, and how: `try again later` in a Close frame, or without a word where no frame can be sent any more. */
const CLOSED_1013 = /^\x88.\x03\xf5/
function wereClosed(clients) {
  const closed = clients.filter(({ closed }) => closed)
  const codes = closed.map(({ heard }) => heard.includes('\x88') ? heard.slice(heard.indexOf('\x88')) : '')
  for (const code of codes) assert.ok(code === '' || CLOSED_1013.test(code), `close frame ${Buffer.from(code, 'latin1').toString('hex')}`)
  assert.ok(codes.some(code => code !== ''), 'the reason was said to some')
}
const stillThere = clients => clients.filter(({ closed }) => !closed).length

test('one subject on sockets of fifty addresses: its bound closes them, and nobody else', { timeout: 180000 }, async () => {
  const rss = memory('VmRSS'), evicted = await metric('evicted_total')
  const token = await tokenFor(stack, key, 'eve'), n = Math.ceil(2 * SUBJECT / HELD)
  const { clients, end } = await nobodyElseNotices(() => flood(stack.port + 1, unfinishedMessageOf(token), { n, addresses: addresses(50) }))
  isBelow(rss + SUBJECT + SLACK)
  assert.ok(await metric('bytes') < SUBJECT + 8 * MiB, 'what is held stays below her bound')
  await until('some of hers had to go', async () => await metric('evicted_total') > evicted)
  await until('a quarter was closed', () => clients.filter(({ closed }) => closed).length >= n / 4)
  wereClosed(clients)
  assert.ok(stillThere(clients) >= n / 4, 'she has what her bound allows')
  end()
  await goesBack(rss)
})

test('forty subjects, each within its bound, fill the process: whoever holds most goes, and nobody else', { timeout: 180000 }, async () => {
  const rss = memory('VmRSS'), evicted = await metric('evicted_total')
  const tokens = await Promise.all(Array.from({ length: 20 }, (_, i) => tokenFor(stack, key, `mallory-${i}`)))
  const modest = await flood(stack.port + 1, unfinishedMessageOf(await tokenFor(stack, key, 'bo')), { n: 1, addresses: ['127.0.6.99'] })
  const each = Math.ceil(2 * ALL / HELD / tokens.length)
  assert.ok(each * HELD < SUBJECT)
  let at = 0
  const way = client => unfinishedMessageOf(tokens[at++ % tokens.length])(client)
  const { clients, end } = await nobodyElseNotices(() => flood(stack.port + 1, way, { n: each * tokens.length, addresses: addresses(50) }))
  isBelow(rss + ALL + SLACK)
  assert.ok(await metric('bytes{by="all"}') <= ALL, 'no more is held than the bound')
  await until('some had to go', async () => await metric('evicted_total') > evicted)
  await until('a quarter was closed', () => clients.filter(({ closed }) => closed).length > clients.length / 4)
  wereClosed(clients)
  assert.equal(stillThere(modest.clients), 1, 'who holds little is not closed for those who hold much')
  end()
  modest.end()
  await goesBack(rss)
})

test('the token that a socket came with counts for it, with all that it narrows', { timeout: 60000 }, async () => {
  const events = Array.from({ length: 64 }, (_, i) => String.fromCharCode(48 + i)) // short ones are the dearest, by what a token has room for
  const cap = [{ effect: 'allow', events: ['*'] }, ...Array.from({ length: 8 }, () => ({ effect: 'deny', events }))]
  const all = () => metric('bytes{by="all"}')
  await until('the flood is over', async () => await all() < 300000)
  const before = await all()
  const crowd = await Promise.all(Array.from({ length: 20 }, async () =>
    Person.arrives(stack, key, 'cy', { token: await tokenFor(stack, key, 'cy', { cap }) })))
  await until('they are counted', async () => await all() > before + 20 * 24 * 1024 + 20 * 20000)
  for (const person of crowd) person.leaves()
  await until('and given back', async () => await all() < before + 20 * 24 * 1024)
})

test('what was held was given back', { timeout: 60000 }, async () => {
  await until('little is held', async () => await metric('bytes{by="all"}') < MiB)
  assert.equal((await request(stack, 'GET', `/api/v1/rooms/${room}/messages?limit=1`, { token: honest.token })).status, 200)
})
