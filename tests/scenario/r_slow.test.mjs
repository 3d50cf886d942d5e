// r_slow - slow mode: so much time lies between two messages of one member, whatever they send them by, and whoever is killed.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Person, everybodyLeaves, isGapless, request } from '../lib/people.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { pause, until } from '../lib/wait.mjs'

const HOUR = 3600, MOST = 21600, LONG = 60000

let stack, key, places
before(async () => {
  stack = await startStack({ gateways: 2, ownPorts: true, env: { MADANG_AUTH_REGISTRATION: 'open' } })
  key = await stack.issueKey()
  places = stack.gatewayPorts.map(port => ({ ...stack, ca: stack.ca, url: `https://127.0.0.1:${port}` })) // the same stack, by way of one of its gateways
})
after(() => {
  places?.forEach(everybodyLeaves)
  return stack?.stop()
})

let n = 0
const arrivesAt = (gateway, name) => Person.arrives(places[gateway], key, name)
const leave = (...people) => people.forEach(person => person.leaves())
/** A slow room of Olga's with Max in it, on two devices at two gateways, and Ann. */
async function aRoom(slow_s, more = {}) {
  const names = [`olga ${++n}`, `max ${n}`, `ann ${n}`]
  const [olga, max, phone, ann] = await Promise.all([arrivesAt(0, names[0]), arrivesAt(0, names[1]), arrivesAt(1, names[1]), arrivesAt(1, names[2])])
  const { id: room } = await olga.makesRoom({ open: false, members: names.slice(1), slow_s, ...more })
  await Promise.all([olga, max, phone, ann].map(person => person.joins(room)))
  return { olga, max, phone, ann, room, leave: () => leave(olga, max, phone, ann) }
}
const say = (person, room, body, more = {}) => person.emits('message:send', { room, id: randomUUID(), body, ...more })
const isTooEarly = (answer, what) => assert.equal(answer.error?.code, 'slow_mode', `${what ?? ''} ${JSON.stringify(answer)}`)
const sql = (service, text) => stack.sql(service, text).then(answer => answer.trim())
/** So many seconds pass for whoever has said something there. */
const age = (room, seconds) => sql('store', `UPDATE pace SET at = at - interval '${seconds} seconds' WHERE room_id = '${room}'`)
const bodies = async (person, room) => (await person.reads(room)).map(message => message.body)
async function aMedium(person) {
  const raw = `--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n${randomUUID()}\r\n--b--\r\n`
  const answer = await request(person.stack, 'POST', '/api/v1/media', { token: person.token, raw: Buffer.from(raw), headers: { 'content-type': 'multipart/form-data; boundary=b' } })
  assert.equal(answer.status, 201, answer.text)
  return answer.json.data
}

test('a room is slow when who may change it says so, and everybody is told', { timeout: 120000 }, async () => {
  const { olga, max, ann, room, leave } = await aRoom(0)
  const asIs = async person => [(await person.rest('GET', `/api/v1/rooms/${room}`)).json.data, (await person.calls('room:list', {})).rooms.find(({ id }) => id === room)].map(one => one.slow_s)
  assert.deepEqual(await asIs(max), [undefined, undefined])
  await max.isRefused('room:update', { room, slow_s: 1 }, 'forbidden')
  for (const slow_s of [-1, MOST + 1, 1.5, '5', 1e300]) await olga.isRefused('room:update', { room, slow_s }, 'invalid_argument', /slow_s/)
  await olga.isRefused('room:create', { slow_s: MOST + 1 }, 'invalid_argument', /slow_s/)
  assert.equal((await olga.calls('room:update', { room, slow_s: MOST })).slow_s, MOST)
  await until('ann hears it', () => ann.own.some(([, one]) => one.id === room && one.slow_s === MOST), LONG)
  assert.deepEqual(await asIs(max), [MOST, MOST])
  const answer = await olga.rest('PATCH', `/api/v1/rooms/${room}`, { slow_s: HOUR })
  assert.deepEqual([answer.status, answer.json.data.slow_s], [200, HOUR])
  assert.equal((await olga.calls('room:update', { room, topic: 'stays' })).slow_s, HOUR)
  assert.equal((await olga.makesRoom({ slow_s: 5 })).slow_s, 5)
  assert.equal((await olga.calls('room:update', { room, slow_s: 0 })).slow_s, undefined)
  leave()
})

test('what comes too early is refused with the time that is left, and leaves no trace', { timeout: 120000 }, async () => {
  const { olga, max, phone, ann, room, leave } = await aRoom(HOUR)
  const id = randomUUID(), first = await max.calls('message:send', { room, id, body: 'first' })
  const began = Date.now(), refused = await say(phone, room, 'too early'), ended = Date.now()
  isTooEarly(refused)
  const refusedAt = first.at + HOUR * 1000 - refused.error.retry_after_ms
  assert.ok(began <= refusedAt && refusedAt <= ended, `of ${began}..${ended} it says ${refusedAt}`)
  const over = await max.rest('POST', `/api/v1/rooms/${room}/messages`, { id: randomUUID(), body: 'too early, too' })
  assert.deepEqual([over.status, over.json.error.code], [429, 'slow_mode'])
  assert.equal(Number(over.headers['retry-after']), Math.ceil(over.json.error.details.retry_after_ms / 1000))
  // A repeat is answered as the first time, by whatever it comes.
  assert.deepEqual(await phone.calls('message:send', { room, id, body: 'another text' }), first)
  assert.deepEqual((await max.rest('POST', `/api/v1/rooms/${room}/messages`, { id, body: 'first' })).json.data, first)
  // Each has a pace of their own, who moderates has none, and a reply is a message.
  const hers = await ann.calls('message:send', { room, id: randomUUID(), body: 'of ann' })
  isTooEarly(await say(ann, room, 'a reply', { thread: first.seq }))
  for (const body of ['one', 'two', 'three']) await olga.says(room, body)
  await olga.calls('member:role', { room, member: ann.name, role: 'moderator' })
  await until('ann moderates', async () => !(await say(ann, room, 'as moderator')).error, LONG)
  await ann.says(room, 'again')
  // What is done to a message is none.
  await max.calls('message:edit', { room, seq: first.seq, id: randomUUID(), body: 'first, edited' })
  await max.calls('reaction:add', { room, seq: hers.seq, id: randomUUID(), emoji: '🐢' })
  await max.calls('message:delete', { room, seq: first.seq, id: randomUUID() })
  isTooEarly(await say(max, room, 'behind a deletion'))
  // A file and a draft of what was refused are as they were.
  const media = await aMedium(max), draft = await max.calls('draft:set', { room, body: 'with a file', attachments: [media.id] })
  const late = randomUUID(), sent = { room, id: late, body: 'with a file', attachments: [media.id], draft: draft.version }
  isTooEarly(await max.emits('message:send', sent))
  assert.equal((await max.calls('draft:list', {})).drafts.length, 1)
  assert.equal((await olga.rest('GET', media.url)).status, 404)
  const { head } = await max.calls('message:list', { room, limit: 1 })
  await age(room, HOUR)
  assert.equal((await max.calls('message:send', sent)).seq, head + 1)
  assert.equal((await max.calls('draft:list', {})).drafts.length, 0)
  assert.equal((await olga.rest('GET', media.url)).status, 200)
  await olga.hears('with a file')
  const said = await bodies(ann, room)
  assert.deepEqual(said.filter(body => /early|reply|behind/.test(body)), [])
  assert.deepEqual(olga.heard.filter(({ body }) => /early|reply|behind/.test(body)), [])
  leave()
})

test('of what one person sends at once, by whatever they send it, one is stored', { timeout: 180000 }, async () => {
  const { olga, max, phone, ann, room, leave } = await aRoom(HOUR)
  const tablets = await Promise.all([0, 1].map(gateway => arrivesAt(gateway, max.name)))
  const devices = [max, phone, ...tablets]
  for (let round = 1; round <= 4; round++) {
    const ids = Array.from({ length: 30 }, () => randomUUID())
    const answers = await Promise.all(ids.flatMap((id, i) => {
      const message = { room, id, body: `round ${round}, ${i}` }, device = devices[i % devices.length]
      if (i % 5 === 0) return device.rest('POST', `/api/v1/rooms/${room}/messages`, { id, body: message.body }).then(({ json }) => json.data ?? { error: json.error })
      return i % 7 === 0 ? [device.emits('message:send', message), phone.emits('message:send', message)] : [device.emits('message:send', message)] // or the same twice
    }).concat(olga.says(room, `olga ${round}`)))
    answers.pop()
    const stored = answers.filter(answer => !answer.error)
    assert.equal(new Set(stored.map(({ id }) => id)).size, 1, JSON.stringify(stored))
    assert.equal(new Set(stored.map(({ seq }) => seq)).size, 1)
    answers.filter(answer => answer.error).forEach(answer => {
      isTooEarly(answer)
      const { retry_after_ms } = answer.error.details ?? answer.error
      assert.ok(retry_after_ms > 0 && retry_after_ms <= HOUR * 1000, `${retry_after_ms}`)
    })
    await age(room, HOUR)
  }
  await ann.says(room, 'last')
  const log = await ann.reads(room)
  isGapless(log)
  assert.deepEqual([log.filter(({ sender }) => sender === max.name).length, log.length], [4, 9])
  await ann.hears('last', LONG)
  isGapless(ann.heard.filter(message => message.room === room))
  leave()
  tablets.forEach(person => person.leaves())
})

test('whoever is killed, it is as the log says', { timeout: 240000 }, async () => {
  const { max, phone, room, leave } = await aRoom(HOUR)
  const first = await max.calls('message:send', { room, id: randomUUID(), body: 'first' })
  const insists = (device, id, body) => until(`${body} is answered`, async () => {
    const answer = await device.emits('message:send', { room, id, body }).catch(() => undefined)
    return answer && !['unavailable', 'deadline', 'overloaded', 'shutting_down'].includes(answer.error?.code) ? answer : false
  }, LONG)
  for (const service of ['store', 'chat']) {
    await stack.kill(service)
    await stack.ready()
    isTooEarly(await insists(phone, randomUUID(), `after the end of ${service}`), service)
  }
  await age(room, HOUR)
  const ids = Array.from({ length: 12 }, () => randomUUID())
  const sent = ids.map((id, i) => insists(i % 2 ? max : phone, id, `meanwhile ${i}`))
  await stack.kill('store')
  await stack.ready()
  const stored = (await Promise.all(sent)).filter(answer => !answer.error)
  assert.deepEqual([stored.length, stored[0]?.seq], [1, first.seq + 1])
  assert.equal((await max.reads(room)).length, 2)
  leave()
})

test('another pace holds from then on, for who has just said something, too', { timeout: 120000 }, async () => {
  const { olga, max, ann, room, leave } = await aRoom(0)
  const pace = async (slow_s, isSo) => {
    await olga.calls('room:update', { room, slow_s })
    return until(`${slow_s} s hold`, isSo, LONG)
  }
  await max.says(room, 'before it was slow')
  await pace(HOUR, async () => (await say(ann, room, 'slow')).error?.code === 'slow_mode')
  await max.says(room, 'the first that counts')
  isTooEarly(await say(max, room, 'the second'))
  await pace(1, async () => !(await say(max, room, 'in a second')).error)
  const { error } = await say(max, room, 'too early')
  if (error) {
    isTooEarly({ error })
    await pause(error.retry_after_ms + 5)
    assert.ok(!(await say(max, room, 'in time')).error)
  }
  await pace(0, async () => !(await say(max, room, 'at any time')).error)
  await max.says(room, 'and again')
  // Who leaves and comes back has the pace that they had.
  await pace(HOUR, async () => (await say(ann, room, 'slow again')).error?.code === 'slow_mode')
  await ann.calls('room:remove', { room })
  await olga.calls('room:invite', { room, members: [ann.name] })
  await until('ann is in it again', async () => (await say(ann, room, 'back')).error?.code === 'slow_mode', LONG)
  leave()
})

test('a message that is scheduled waits for its turn, and is cancelled meanwhile', { timeout: 180000 }, async () => {
  const { max, room, leave } = await aRoom(HOUR)
  const later = async body => (await max.calls('message:schedule', { room, id: randomUUID(), body, send_at: Date.now() + 86400000 })).id
  const ids = [await later('scheduled 1'), await later('scheduled 2')]
  await max.says(room, 'just now')
  const comes = id => sql('store', `UPDATE scheduled SET try_at = now() - interval '1 second' WHERE id = '${id}';
    UPDATE job SET run_at = CASE WHEN lease IS NULL THEN now() ELSE run_at END, again_at = CASE WHEN lease IS NOT NULL THEN now() END WHERE kind = 'schedule.run'; SELECT pg_notify('store_jobs', '')`)
  const left = id => sql('store', `SELECT NOT sending AND refused IS NULL AND try_at BETWEEN now() + interval '58 minutes' AND now() + interval '1 hour' FROM scheduled WHERE id = '${id}'`)
  for (const id of ids) await comes(id)
  for (const id of ids) await until('it waits for as long as is left', async () => await left(id) === 't', LONG)
  await max.calls('scheduled:cancel', { room, id: ids[0] })
  await age(room, HOUR)
  await comes(ids[1])
  await until('it is sent', async () => (await bodies(max, room)).includes('scheduled 2'), LONG)
  assert.deepEqual(await bodies(max, room), ['just now', 'scheduled 2'])
  isTooEarly(await say(max, room, 'it counts as any other'))
  leave()
})

test('what is known of somebody there is forgotten when it has no bearing any more, and with them', { timeout: 180000 }, async () => {
  const { olga, max, ann, room, leave } = await aRoom(HOUR), kept = () => sql('store', `SELECT string_agg(sender, ',' ORDER BY sender) FROM pace WHERE room_id = '${room}'`)
  await max.says(room, 'of max')
  await ann.says(room, 'of ann')
  assert.equal(await kept(), `${ann.name},${max.name}`)
  await sql('store', `UPDATE pace SET at = at - interval '${MOST + 1} seconds' WHERE room_id = '${room}' AND sender = '${max.name}'; UPDATE job SET run_at = now() WHERE kind = 'pace.expire'; SELECT pg_notify('store_jobs', '')`)
  await until('max is forgotten', async () => await kept() === ann.name, LONG)

  const mail = { email: 'uma@example.org', password: 'only Uma knows this' }
  const auth = async (path, body) => (await request(olga.stack, 'POST', `/api/v1/auth/${path}`, { body })).json.data
  const { user } = await auth('register', { ...mail, nickname: 'uma' }), uma = new Person(olga.stack, user.id, (await auth('login', mail)).access_token)
  await olga.calls('room:invite', { room, members: [user.id] })
  await uma.connects()
  await until('uma has said something', async () => !(await say(uma, room, 'of uma')).error, LONG)
  assert.ok((await kept()).includes(user.id))
  assert.equal((await uma.rest('DELETE', '/api/v1/users/me')).status, 200)
  await sql('auth', `UPDATE account SET delete_at = now() - interval '1 second' WHERE id = '${user.id}'; UPDATE job SET run_at = now() WHERE kind = 'account.erase'; NOTIFY auth_jobs`)
  await until('uma is forgotten', async () => await kept() === ann.name, LONG)
  leave()
})

test('the client of docs/slow.md says each thing once, when the room takes it', { timeout: 120000 }, async () => {
  const [code] = /```js\n([^]*?)```/.exec(readFileSync(join(root, 'docs/slow.md'), 'utf8')).slice(1)
  const { max, ann, room, leave } = await aRoom(1)
  const says = new Function('socket', `${code}; return say`)(max.socket)
  for (const body of ['one', 'two', 'three']) assert.equal((await says(room, randomUUID(), body)).error, undefined)
  const log = await ann.reads(room)
  assert.deepEqual(log.map(({ body }) => body), ['one', 'two', 'three'])
  for (let i = 1; i < log.length; i++) assert.ok(log[i].at - log[i - 1].at >= 1000, `${log[i].at - log[i - 1].at} ms after the one before`)
  leave()
})
