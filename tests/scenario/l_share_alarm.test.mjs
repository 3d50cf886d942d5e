// l_share_alarm - operators are told, once, when passwords of links are guessed at, whatever links and networks; and when it is over.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { Person, everybodyLeaves, request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const ALARM = 30
let stack, key, admin, boss
before(async () => {
  stack = await startStack({ env: { MADANG_GATEWAY_TRUSTED_PROXIES: '127.0.0.1', MADANG_SHARE_PASSWORD_COST: '10', MADANG_SHARE_PASSWORD_ALARM: String(ALARM) } })
  key = await stack.issueKey()
  admin = await tokenFor(stack, await stack.issueKey({ policy: 'admin' }), 'adam')
  boss = await new Person(stack, 'adam', admin).connects({ namespace: '/system' })
})
after(() => {
  if (stack) everybodyLeaves(stack)
  return stack?.stop()
})
beforeEach(async () => {
  await stack.sql('share', 'DELETE FROM share_guess')
  await watches()
  await until('nothing is left to be told', async () => (await jobs('alert.tell')).length === 0)
  await stack.sql('auth', "DELETE FROM alert WHERE kind = 'link_guesses'")
  boss.events.length = 0
})

const jobs = async kind => (await stack.rpc('share', 'job.list', { kind })).jobs
/** What is counted once a minute is counted now. */
async function watches() {
  const [{ id }] = await jobs('guess.watch')
  await stack.rpc('share', 'job.retry', { job: id }).catch(error => assert.match(error.message, /it runs just now/))
  await until('it was counted', async () => (await jobs('guess.watch')).some(job => job.state === 'waiting' && job.run_at > Date.now() + 20000))
}
async function shares(n) {
  const token = await tokenFor(stack, key, `ada ${randomUUID()}`), made = async (path, body) => (await request(stack, 'POST', `/api/v1${path}`, { token, body })).json.data
  const talk = await made('/conversations', { name: 'a talk', data: {} })
  return Promise.all(Array.from({ length: n }, () => made(`/conversations/${talk.id}/share`, { password: 'six at the harbour' })))
}
let networks = 0
async function guesses(links, n) {
  for (let i = 0; i < n; i++) {
    const from = `10.${networks >> 8}.${networks++ & 255}.7`
    const { status, text } = await request(stack, 'GET', `/api/v1/share/${links[i % links.length].code}`, { headers: { 'x-share-password': 'not the one', 'x-forwarded-for': from } })
    assert.equal(status, 401, text)
  }
}
const alerts = async () => (await request(stack, 'GET', '/api/v1/admin/alerts?kind=link_guesses', { token: admin })).json.data.alerts
const heard = () => boss.events.filter(([event, alert]) => event === 'alert' && alert.kind === 'link_guesses').map(([, alert]) => alert)
const pass = () => stack.sql('share', "UPDATE share_guess SET changed_at = changed_at - interval '11 minutes'")

test('as many wrong passwords as the bound says, of several links from many networks, are one alert, which names no link, and is over when they are', async () => {
  const links = await shares(3)
  await guesses(links, ALARM - 1)
  await watches()
  assert.deepEqual(await jobs('alert.tell'), [])
  assert.deepEqual(await alerts(), [])
  await guesses(links, 1)
  await watches()
  await until('it is told', async () => (await alerts()).length === 1)
  const [alert] = await alerts()
  assert.deepEqual([alert.detail, alert.times, alert.over_at, alert.subject, alert.address], [`3 links, ${ALARM} networks, ${ALARM} tries`, ALARM, undefined, undefined, undefined])
  await until('who may list alerts hears it', () => heard().length === 1)

  await guesses(links, 3)
  await stack.kill('share')
  await stack.ready()
  await watches()
  assert.deepEqual([await alerts(), heard().length], [[alert], 1], 'one for as long as it goes on, whoever was killed')

  await pass()
  await watches()
  await until('it is over', async () => (await alerts())[0].over_at)
  const [ended] = await alerts()
  assert.deepEqual([ended.id, ended.detail, ended.times, (await alerts()).length], [alert.id, `3 links, ${ALARM + 3} networks, ${ALARM + 3} tries`, ALARM + 3, 1])
  await until('its end is heard', () => heard().length === 2)
  assert.equal(heard()[1].over_at, ended.over_at)
  const logs = stack.log('auth') + stack.log('share')
  for (const { code } of links) assert.ok(!logs.includes(code), 'no code is in a log')
  for (const { id, code } of links) assert.ok(![id, code].some(secret => JSON.stringify([ended, heard()]).includes(secret)))

  await guesses(links, ALARM)
  await watches()
  await until('the next one is another', async () => (await alerts()).length === 2)
  assert.notEqual((await alerts())[0].id, alert.id)
})

test('while it goes on at half the bound it is not over; a right password is no guess', async () => {
  const links = await shares(1)
  await guesses(links, ALARM)
  await watches()
  await until('it is told', async () => (await alerts()).length === 1)
  await pass()
  await guesses(links, ALARM / 2)
  await watches()
  assert.equal((await alerts())[0].over_at, undefined)
  await pass()
  for (let i = 0; i < ALARM / 2; i++) {
    const { status } = await request(stack, 'GET', `/api/v1/share/${links[0].code}`, { headers: { 'x-share-password': 'six at the harbour', 'x-forwarded-for': `10.200.${i}.7` } })
    assert.equal(status, 200)
  }
  await watches()
  await until('it is over', async () => (await alerts())[0].over_at)
  await until('its end is heard, which has counted no more', () => heard().some(alert => alert.over_at && alert.times === ALARM))
})

test('what auth could not be told while it was away is told when it is back, as one alert', async () => {
  const links = await shares(1)
  await guesses(links, ALARM)
  const auth = stack.pid('auth')
  process.kill(auth, 'SIGSTOP')
  try {
    await watches()
    await until('it is to be told', async () => (await jobs('alert.tell')).length === 1)
  } finally {
    process.kill(auth, 'SIGCONT')
  }
  await until('it is told', async () => (await alerts()).length === 1)
  await until('and that is all', async () => (await jobs('alert.tell')).length === 0)
  assert.deepEqual((await alerts()).map(({ times, over_at: over }) => [times, over]), [[ALARM, undefined]])
})
