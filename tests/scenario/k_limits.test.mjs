// k_limits - what one subject or one key may cause: over two gateways, over many sockets; and nobody else is hit.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Person, everybodyLeaves, request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'

// 10 percent of the rates in proto/public.def.
const ROOMS = 6, MEMBERS = 100, TOKENS = 300, CONVERSATIONS = 3, RELAYS = 100, HOURLY = 100
let stack, gateways, key
before(async () => {
  stack = await startStack({ gateways: 2, ownPorts: true, env: { MADANG_GATEWAY_RATE_PERCENT: '10' } })
  gateways = stack.gatewayPorts.map(port => ({ url: `https://127.0.0.1:${port}`, ca: stack.ca }))
  key = await stack.issueKey()
})
after(async () => {
  gateways?.forEach(everybodyLeaves)
  await stack?.stop()
})

const somebody = (name, at = 0) => Person.arrives(gateways[at], key, name)
/** What this gave one after the other, until it was refused or `tries` are over: how many were taken, and the refusal. */
async function goesOn(tries, what) {
  for (let taken = 0; taken < tries; taken++) {
    const answer = await what(taken)
    if (answer.error) return { taken, error: answer.error }
  }
  return { taken: tries }
}
function isOver({ taken, error }, rate, limit, slack = 0) {
  assert.equal(error?.code, 'rate_limited', `${taken} were taken: ${JSON.stringify(error)}`)
  const { rate: name, limit: most, retry_after_ms: wait } = error.details ?? error
  assert.deepEqual({ name, most }, { name: rate, most: limit })
  assert.ok(wait > 0)
  assert.ok(taken >= limit && taken <= limit + slack, `${taken} were taken, of ${limit}`)
}
const rest = (where, token, method, path, body) => request(where, method, path, { token, body }).then(({ json }) => json.success ? json.data : json)

test('rooms made, over two gateways and both faces', async () => {
  const ada = await somebody('ada'), other = await somebody('ada', 1)
  const makes = i => i % 3 === 0 ? rest(gateways[0], ada.token, 'POST', '/api/v1/rooms', {}) : (i % 3 === 1 ? ada : other).emits('room:create', {})
  isOver(await goesOn(50, makes), 'new_rooms', ROOMS, ROOMS)
  const bo = await somebody('bo')
  await bo.makesRoom()
})

test('members who are named', async () => {
  const cy = await somebody('cy'), { id: room } = await cy.makesRoom()
  const invites = i => cy.emits('room:invite', { room, members: Array.from({ length: 20 }, (_, n) => `nobody-${i}-${n}`) })
  isOver(await goesOn(20, invites).then(({ taken, error }) => ({ taken: taken * 20, error })), 'new_members', MEMBERS)
  const answer = await rest(gateways[0], cy.token, 'POST', `/api/v1/rooms/${room}/members`, { members: ['one', 'more', 'of', 'them', 'five', 'six', 'seven'] })
  assert.equal(answer.error.details.rate, 'new_members')
})

test('tokens of one key, for whomever; another key is not hit', async () => {
  const busy = await stack.issueKey()
  let taken = 0, refusal
  while (!refusal && taken < 2 * TOKENS) {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => request(gateways[i % 2], 'POST', '/auth/token', { body: { api_key: busy, subject: `user-${taken}-${i}` } })))
    taken += answers.filter(({ status }) => status === 200).length
    refusal = answers.find(({ status }) => status !== 200)
  }
  isOver({ taken, error: refusal?.json.error }, 'tokens', TOKENS, TOKENS / 3)
  assert.ok(Number(refusal.headers['retry-after']) > 0)
  await tokenFor(gateways[0], key, 'di')
})

test('relays of one subject, however many sockets it has', async () => {
  const token = await tokenFor(gateways[0], key, 'ed'), ed = await Person.arrives(gateways[0], key, 'ed', { token })
  const { id: room } = await ed.makesRoom(), began = Date.now()
  let taken = 0, refusal
  for (let socket = 0; socket < 12; socket++) {
    const one = await Person.arrives(gateways[socket % 2], key, 'ed', { token })
    await one.joins(room)
    const answers = await Promise.all(Array.from({ length: 20 }, () => one.emits('typing', { room })))
    taken += answers.filter(answer => !answer?.error).length
    refusal = answers.find(answer => answer?.error) ?? refusal
    one.leaves()
  }
  const most = RELAYS + (Date.now() - began) / 1000 * RELAYS / 10
  isOver({ taken: Math.max(RELAYS, taken), error: refusal?.error }, 'relay', RELAYS, most)
  assert.ok(taken <= most + RELAYS / 2, `${taken} were taken, of ${most}`)
})

test('conversations, and REST calls in an hour', async () => {
  const fay = await tokenFor(gateways[0], key, 'fay')
  isOver(await goesOn(20, () => rest(gateways[0], fay, 'POST', '/api/v1/conversations', { name: 'tea', data: {} })), 'conversation', CONVERSATIONS)
  let calls = 0, answer
  do answer = await request(gateways[0], 'GET', '/api/v1/rooms', { token: fay }); while (answer.json.error?.details.rate !== 'hourly' && ++calls < 3 * HOURLY)
  const { rate, limit } = answer.json.error.details
  assert.deepEqual({ rate, limit }, { rate: 'hourly', limit: HOURLY })
  const { id: room } = await (await somebody('fay')).makesRoom()
  assert.ok((await rest(gateways[0], fay, 'POST', `/api/v1/rooms/${room}/messages`, { id: randomUUID(), body: 'still' })).seq, 'messages are not counted by the hour')
})

test('an answer says how much is left', async () => {
  const gil = await tokenFor(gateways[0], key, 'gil')
  const { headers } = await request(gateways[0], 'POST', '/api/v1/rooms', { token: gil, body: {} })
  assert.equal(headers['ratelimit-policy'], '"new_rooms";q=6;w=60')
  assert.match(headers.ratelimit, /^"new_rooms";r=[45];t=60$/)
})
