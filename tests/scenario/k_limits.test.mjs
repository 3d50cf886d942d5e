// k_limits - what one subject or one key may cause: over two gateways, over many sockets; and nobody else is hit.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { crc32 } from '../lib/keys.mjs'
import { Person, everybodyLeaves, request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { pause, until } from '../lib/wait.mjs'

// 10 percent of the rates in proto/public.def.
const ROOMS = 6, MEMBERS = 100, CODES = 10, KNOCKS = 10, TOKENS = 300, CONVERSATIONS = 3, RELAYS = 100, HOURLY = 100, ROWS = 2000, DRAFTS = 30
const run = promisify(execFile)
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
/** As much as there is of it again since `began`. */
const renewed = (began, limit, period) => Math.ceil((Date.now() - began) / 1000 * limit / period)
const rest = (where, token, method, path, body) => request(where, method, path, { token, body }).then(({ json }) => json.success ? json.data : json)

const usage = async subject => Object.fromEntries((await stack.authctl('quota', 'show', subject)).limits.map(({ name, used, limit }) => [name, { used, limit }]))
const changes = async (...words) => { await stack.authctl('quota', ...words) }

test('rooms made, over two gateways and both faces', async () => {
  const ada = await somebody('ada'), other = await somebody('ada', 1)
  const makes = i => i % 3 === 0 ? rest(gateways[0], ada.token, 'POST', '/api/v1/rooms', {}) : (i % 3 === 1 ? ada : other).emits('room:create', {})
  isOver(await goesOn(50, makes), 'new_rooms', ROOMS, ROOMS)
  const bo = await somebody('bo')
  await bo.makesRoom()
})

test('codes of links into rooms', async () => {
  const lea = await somebody('lea'), { id: room } = await (await somebody('kay')).makesRoom()
  const guesses = async i => {
    const answer = await lea.emits(i % 2 ? 'invite:show' : 'invite:accept', { room, code: `guess ${i}` })
    return answer.error.code === 'not_found' ? {} : answer
  }
  isOver(await goesOn(2 * CODES, guesses), 'codes', CODES, CODES)
})

test('rooms that one asks to be let into', async () => {
  const ria = await somebody('ria'), { id: room } = await (await somebody('sue')).makesRoom({ open: false, knocks: true })
  isOver(await goesOn(2 * KNOCKS, i => ria.emits(i % 2 ? 'knock:withdraw' : 'room:knock', { room })), 'knocks', KNOCKS, KNOCKS)
})

test('members who are named', async () => {
  const cy = await somebody('cy'), { id: room } = await cy.makesRoom()
  const invites = i => cy.emits('room:invite', { room, members: Array.from({ length: 20 }, (_, n) => `nobody-${i}-${n}`) })
  const began = Date.now(), { taken, error } = await goesOn(20, invites)
  isOver({ taken: taken * 20, error }, 'new_members', MEMBERS, renewed(began, MEMBERS, 60))
  const answer = await rest(gateways[0], cy.token, 'POST', `/api/v1/rooms/${room}/members`, { members: ['one', 'more', 'of', 'them', 'five', 'six', 'seven'] })
  assert.equal(answer.error.details.rate, 'new_members')
})

test('tokens of one key, for whomever; another key is not hit', async () => {
  const busy = await stack.issueKey(), began = Date.now(), agent = new https.Agent({ keepAlive: true, maxSockets: 10 })
  let taken = 0, refusal
  while (!refusal && taken < 4 * TOKENS) {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => request(gateways[i % 2], 'POST', '/auth/token', { agent, body: { api_key: busy, subject: `user-${taken}-${i}` } })))
    taken += answers.filter(({ status }) => status === 200).length
    refusal = answers.find(({ status }) => status !== 200)
  }
  agent.destroy()
  isOver({ taken, error: refusal?.json.error }, 'tokens', TOKENS, TOKENS / 3 + renewed(began, TOKENS, 60))
  assert.ok(Number(refusal.headers['retry-after']) > 0)
  await tokenFor(gateways[0], key, 'di')
})

test('relays of one subject, however many sockets it has', async () => {
  const token = await tokenFor(gateways[0], key, 'ed'), ed = await Person.arrives(gateways[0], key, 'ed', { token })
  const { id: room } = await ed.makesRoom(), began = Date.now()
  await changes('set', 'write', '10000', '--subject', 'ed') // for the joins
  let taken = 0, refusal
  const storm = async (sockets, each) => {
    for (let socket = 0; socket < sockets; socket++) {
      const one = await Person.arrives(gateways[socket % 2], key, 'ed', { token })
      await until('it has joined', async () => !(await one.emits('room:join', { room })).error)
      const answers = await Promise.all(Array.from({ length: each }, () => one.emits('typing', { room })))
      taken += answers.filter(answer => !answer?.error).length
      refusal = answers.find(answer => answer?.error) ?? refusal
      one.leaves()
    }
  }
  const again = () => renewed(began, RELAYS, 10)
  await storm(20, 20)
  isOver({ taken: RELAYS, error: refusal?.error }, 'relay', RELAYS)
  assert.ok(taken >= RELAYS && taken <= 2 * RELAYS + again(), `${taken} were taken before the gateways had heard of each other`)
  const before = taken, already = again()
  await until('both gateways have heard', async () => { refusal = undefined; await storm(2, 2); return refusal?.error.retry_after_ms > 0 })
  await storm(20, 20)
  assert.ok(taken - before <= again() - already + 10, `${taken - before} more were taken by new sockets, of ${again() - already}`)
})

test('conversations, and REST calls in an hour', async () => {
  const fay = await tokenFor(gateways[0], key, 'fay')
  isOver(await goesOn(20, () => rest(gateways[0], fay, 'POST', '/api/v1/conversations', { name: 'tea', data: {} })), 'conversation', CONVERSATIONS)
  await changes('set', 'hourly', String(HOURLY), '--subject', 'fay')
  let answer
  const calls = await goesOn(3 * HOURLY, async () => (answer = await request(gateways[0], 'GET', '/api/v1/rooms', { token: fay })).json)
  assert.ok(calls.taken < 3 * HOURLY / 10, `${calls.taken} were taken, besides the conversations`)
  assert.deepEqual([answer.json.error.details.rate, answer.json.error.details.limit], ['hourly', HOURLY / 10])
  const { id: room } = await (await somebody('fay', 1)).makesRoom()
  assert.ok((await rest(gateways[0], fay, 'POST', `/api/v1/rooms/${room}/messages`, { id: randomUUID(), body: 'still' })).seq, 'messages are not counted by the hour')
})

test('bytes of files count as they come, those of files that nobody ends too', { timeout: 60000 }, async () => {
  const hal = await tokenFor(gateways[0], key, 'hal'), dir = join(stack.dir, 'files/share')
  await changes('set', 'upload', '10000', '--subject', 'hal')
  await changes('set', 'upload_bytes', '10000000', '--subject', 'hal')
  const some = randomBytes(400000), head = '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
  let heard = '', tries = 0
  for (; tries < 12 && !heard; tries++) {
    const socket = tls.connect({ host: '127.0.0.1', port: stack.gatewayPorts[0], ca: stack.ca })
    await once(socket, 'secureConnect')
    socket.on('error', () => {}).on('data', data => { heard += data })
    socket.write(`POST /api/v1/media HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${hal}\r\nContent-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n`)
    socket.write(`${head.length.toString(16)}\r\n${head}\r\n${some.length.toString(16)}\r\n`)
    socket.write(some)
    await until('it has come, or was refused', () => heard.endsWith('}') || readdirSync(dir).some(name => (statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0) >= 6 * 65536))
    socket.destroy()
    await until('nothing is left of it', () => readdirSync(dir).length === 0)
  }
  assert.match(heard, /^HTTP\/1\.1 429[^]*"rate":"upload_bytes","limit":1000000/)
  assert.ok(tries >= 3, `${tries} tries`)
})

test('bytes of files that are read count, as many as are promised', async () => {
  const ida = await tokenFor(gateways[0], key, 'ida'), half = 500000
  const kept = await request(gateways[0], 'POST', '/api/v1/media', { token: ida, raw: `--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n${'x'.repeat(half)}\r\n--b--\r\n`, headers: { 'content-type': 'multipart/form-data; boundary=b' } })
  await changes('set', 'download_bytes', '10000000', '--subject', 'ida')
  const reads = (method = 'GET', range = 'bytes=0-') => request(gateways[0], method, kept.json.data.url, { token: ida, headers: { range } })
  for (let i = 0; i < 3; i++) assert.equal((await reads('HEAD')).status, 200) // of the whole: a range is a GET's
  assert.deepEqual([(await reads()).status, (await reads('GET', `bytes=1-${half - 1}`)).status], [206, 206])
  const refused = await reads()
  assert.deepEqual([refused.status, refused.json?.error.details.rate], [429, 'download_bytes'], refused.text.slice(0, 300))
  assert.equal((await reads('GET', 'bytes=0-0')).status, 206, 'what is left of it')
})

test('drafts kept and cleared, over two gateways and both faces', { timeout: 120000 }, async () => {
  const dot = await somebody('dot'), other = await somebody('dot', 1), { id: room } = await dot.makesRoom()
  const began = Date.now(), puts = i => i % 3 === 0 ? rest(gateways[0], dot.token, 'PUT', `/api/v1/rooms/${room}/draft`, { body: `begun ${i}` })
    : i % 3 === 1 ? dot.emits('draft:set', { room, body: `begun ${i}` }) : other.emits('draft:clear', { room })
  const writes = async i => { // as many as one writes in ten seconds: who is refused by that rate waits
    for (;;) {
      const answer = await puts(i), { rate, retry_after_ms: wait } = answer.error?.details ?? answer.error ?? {}
      if (rate !== 'write') return answer
      await pause(wait)
    }
  }
  isOver(await goesOn(4 * DRAFTS, writes), 'drafts', DRAFTS, DRAFTS + renewed(began, DRAFTS, 60))
  const del = await somebody('del'), { id: another } = await del.makesRoom()
  await del.calls('draft:set', { room: another, body: 'nobody else is hit' })
})

test('bytes of rooms that are taken along count, as many as were sent', async () => {
  const eva = await somebody('eva'), { id: room } = await eva.makesRoom(), text = 'x'.repeat(900)
  for (let i = 0; i < 20; i++) await eva.calls('message:send', { room, id: randomUUID(), body: text })
  await changes('set', 'export_bytes', '500000', '--subject', 'eva') // of which a tenth holds here
  const takes = () => request(gateways[0], 'GET', `/api/v1/rooms/${room}/export`, { token: eva.token })
  await until('it holds', async () => (await usage('eva')).export_bytes.limit === 500000)
  const first = await takes(), size = first.text.length
  assert.ok(first.status === 200 && size > 18000 && size < 25000, `${first.status}: ${size} bytes`)
  assert.equal((await takes()).status, 200)
  const { taken, error } = await goesOn(10, async () => (({ status, json }) => status === 200 ? {} : json)(await takes()))
  assert.equal(error?.code, 'rate_limited', `${taken} more were taken`)
  assert.deepEqual([error.details.rate, taken <= 1], ['export_bytes', true])
  const ivo = await somebody('ivo'), { id: another } = await ivo.makesRoom()
  assert.equal((await request(gateways[0], 'GET', `/api/v1/rooms/${another}/export`, { token: ivo.token })).status, 200)
})

test('an answer says how much is left', async () => {
  const gil = await tokenFor(gateways[0], key, 'gil')
  const { headers } = await request(gateways[0], 'POST', '/api/v1/rooms', { token: gil, body: {} })
  const partition = whose => `pk=:${Buffer.from(whose).toString('base64')}:`
  assert.equal(headers['ratelimit-policy'], `"new_rooms";q=6;w=60;${partition('subject:gil')}`)
  assert.match(headers.ratelimit, /^"new_rooms";r=[45];t=60;/)
  assert.ok(headers.ratelimit.endsWith(`;${partition('subject:gil')}`), headers.ratelimit)
  const jwks = (await request(gateways[0], 'GET', '/.well-known/jwks.json')).headers
  assert.ok(jwks.ratelimit.endsWith(`;${partition('address:127.0.0.1')}`), jwks.ratelimit)
})

test('a session is refreshed so often, by whatever address; nobody else uses that up, and another session goes on', async () => {
  const account = { email: 'rae@example.org', password: 'a heron at the weir', nickname: 'rae' }, REFRESHES = 12
  assert.equal((await request(gateways[0], 'POST', '/api/v1/auth/register', { body: account })).status, 201)
  const signsIn = async () => (await request(gateways[0], 'POST', '/api/v1/auth/login', { body: account })).json.data
  const mine = await signsIn(), other = await signsIn()
  const refreshes = (token, from) => request(gateways[0], 'POST', '/api/v1/auth/refresh', { body: { refresh_token: token }, from })
  // Tokens that name the session and are none of it: they are refused, and count for where they come from alone.
  const bytes = Buffer.from(mine.refresh_token, 'base64url')
  bytes.fill(7, 25, 41)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 41)), 41)
  for (let i = 0; i < 2; i++) assert.notEqual((await refreshes(bytes.toString('base64url'), `127.0.6.${i + 1}`)).status, 200)
  let token = mine.refresh_token, answer
  const result = await goesOn(3 * REFRESHES, async i => {
    answer = await refreshes(token, `127.0.5.${i + 1}`)
    token = answer.json.data?.refresh_token ?? token
    return answer.json
  })
  isOver(result, 'refresh', REFRESHES, 2)
  assert.ok(answer.headers['retry-after'] > 0, JSON.stringify(answer.headers))
  assert.equal((await refreshes(other.refresh_token, '127.0.5.99')).status, 200)
})

test('a page of history costs as many rows as it asks for, by both faces', async () => {
  const ann = await somebody('ann'), { id: room } = await ann.makesRoom()
  await changes('set', 'read', '10000', '--subject', 'ann')
  const reads = limit => i => i % 2 ? ann.emits('message:list', { room, limit }) : rest(gateways[0], ann.token, 'GET', `/api/v1/rooms/${room}/messages?limit=${limit}`)
  const small = await goesOn(40, reads(1))
  assert.deepEqual(small, { taken: 40 }, 'pages of one row')
  const { taken, error } = await goesOn(40, reads(200))
  assert.equal((error?.details ?? error)?.rate, 'read_rows', JSON.stringify(error))
  assert.equal((error.details ?? error).limit, ROWS)
  assert.ok(taken >= ROWS / 200 - 1 && taken < 30, `${taken} pages of 200 rows`)
  const bea = await somebody('bea')
  assert.equal((await bea.emits('room:list', {})).error, undefined, 'and nobody else')
})

test('what a join reads from `since` on costs as many rows as there are', async () => {
  const eva = await somebody('eva'), { id: room } = await eva.makesRoom()
  for (const [rate, most] of [['write', '100000'], ['read_rows', '2000']]) await changes('set', rate, most, '--subject', 'eva') // of which ten percent hold here
  for (let i = 0; i < 60; i++) await eva.says(room, `${i}`)
  await until('it holds', async () => (await stack.authctl('quota', 'list')).limits.find(({ name }) => name === 'read_rows').changes.length === 1)
  const comesAgain = async () => (await somebody('eva', 1)).emits('room:join', { room, since: 0 })
  const { taken, error } = await goesOn(20, comesAgain)
  assert.deepEqual({ rate: error?.rate, limit: error?.limit }, { rate: 'read_rows', limit: 200 }, JSON.stringify(error))
  assert.ok(error.retry_after_ms > 0)
  assert.ok(taken >= 3 && taken <= 6, `${taken} times 60 rows, of 200`)
  const there = await somebody('eva', 1)
  assert.equal((await there.emits('message:list', { room, limit: 200 })).error?.rate, 'read_rows', 'it is the rate of other pages, too')
  await there.joins(room) // without `since` nothing is read
})

test('a quota is changed for one subject, for a key and for all, and holds at once at every gateway', async () => {
  const token = await tokenFor(gateways[0], key, 'hal')
  const keeps = (at = 0, who = token) => rest(gateways[at], who, 'POST', '/api/v1/rooms', { members: ['ida'] })
  assert.ok((await keeps()).id)
  for (const rate of ['new_rooms', 'conversation']) await changes('set', rate, '10000', '--subject', 'hal') // no rate comes first
  await changes('set', 'rooms', '1', '--subject', 'hal')
  for (const at of [0, 1]) {
    const refusal = await until('it is refused', async () => { const answer = await keeps(at); return answer.error?.code === 'quota_exceeded' && answer.error })
    assert.deepEqual(refusal.details, { quota: 'rooms', limit: 1, used: (await usage('hal')).rooms.used })
  }
  const hal = await Person.arrives(gateways[0], key, 'hal', { token })
  const { code, quota, limit } = (await hal.emits('room:create', {})).error
  assert.deepEqual({ code, quota, limit }, { code: 'quota_exceeded', quota: 'rooms', limit: 1 })
  const before = await usage('hal')
  assert.equal(before.members.used, 2 * before.rooms.used)
  assert.equal(before.rooms.limit, 1)
  assert.ok((await keeps(0, await tokenFor(gateways[0], key, 'jan'))).id, 'another subject was hit')

  await changes('unset', 'rooms', '--subject', 'hal')
  await until('it holds no more', async () => (await keeps(1)).id)
  await changes('set', 'conversation_bytes', '10', '--default')
  const talk = () => rest(gateways[1], token, 'POST', '/api/v1/conversations', { name: 'tea', data: { text: 'longer than ten bytes' } })
  const { error } = await until('for all', async () => { const answer = await talk(); return answer.error?.code === 'quota_exceeded' && answer })
  assert.equal(error.details.quota, 'conversation_bytes')
  assert.equal(error.details.used, (await usage('hal')).conversation_bytes.used)
  await changes('unset', 'conversation_bytes', '--default')
  for (const rate of ['new_rooms', 'conversation']) await changes('unset', rate, '--subject', 'hal')
})

test('a rate is changed for a key, and for a subject of it above that', async () => {
  const { key: other, id } = await stack.authctl('key', 'issue', '--name', 'other', '--policy', 'chat-client')
  const kim = await Person.arrives(gateways[0], other, 'kim'), leo = await Person.arrives(gateways[1], other, 'leo'), mia = await somebody('mia')
  await changes('set', 'new_rooms', '10', '--key', id) // of which ten percent hold here
  await changes('set', 'new_rooms', '30', '--subject', 'leo')
  await until('it holds', async () => (await stack.authctl('quota', 'list')).limits.find(({ name }) => name === 'new_rooms').changes.length === 2)
  await until('kim is limited', async () => (await kim.emits('room:create', {})).error?.limit === 1)
  isOver(await goesOn(20, () => leo.emits('room:create', {})), 'new_rooms', 3)
  isOver(await goesOn(20, () => mia.emits('room:create', {})), 'new_rooms', ROOMS)
  await changes('unset', 'new_rooms', '--key', id)
  await changes('unset', 'new_rooms', '--subject', 'leo')
})

test('without Redis each gateway holds the rates by itself', async () => {
  await run('sv', ['-w', '10', 'down', join(stack.dir, 'service/redis')])
  const nan = await somebody('nan')
  isOver(await goesOn(20, () => nan.emits('room:create', {})), 'new_rooms', ROOMS)
  await run('sv', ['-w', '10', 'up', join(stack.dir, 'service/redis')])
})
