// r_notifications - what somebody is told of, in /notification and in lists: each kind of proto/notifications.def, whether they are there or not.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePorts } from '../lib/ports.mjs'
import { bin, root, startStack } from '../lib/stack.mjs'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

const { notifications: kinds } = JSON.parse(execFileSync(join(bin, 'protodoc'), ['contract'], { encoding: 'utf8' }))
const MAX = 200, LONG = 60000

let stack, key, port, goneServer
before(async () => {
  port = await freePorts(1)
  goneServer = createServer((req, res) => req.resume().on('end', () => res.writeHead(410).end()))
  await new Promise(resolve => goneServer.listen(port, '127.0.0.1', resolve))
  stack = await startStack({ gateways: 2, env: { MADANG_CHAT_NOTIFICATIONS_MAX: String(MAX), MADANG_FETCH_PLAIN: '1', MADANG_FETCH_INSIDE: '127.0.0.1', MADANG_FETCH_PORTS: String(port) } })
  key = await stack.issueKey()
})
after(async () => {
  goneServer?.closeAllConnections()
  goneServer?.close()
  await stack?.stop()
})

/** Somebody with a socket in /chat, and names that nobody has had before. */
let n = 0
async function arrive(...names) {
  const part = ++n
  return Promise.all(names.map(async name => {
    const id = `${name}-${part}`, person = await Person.arrives(stack, key, id)
    return Object.assign(person, { id, at: await inNotification(person) })
  }))
}
/** Another socket of theirs, in /notification. */
async function inNotification(person) {
  const socket = await new Person(stack, person.name, person.token).connects({ namespace: '/notification' })
  return Object.assign(socket, { of: person })
}
const leave = (...people) => people.forEach(person => { person.at?.leaves(); person.leaves() })

const list = (at, query = {}) => at.calls('notification:list', query)
const rows = async (at, query) => (await list(at, { limit: 100, ...query })).notifications
const told = (at, event, matches) => at.events.filter(([name, is]) => name === event && matches(is)).map(([, is]) => is)
const hears = (at, matches, event = 'notification') => until(`${at.name} hears ${event}`, () => told(at, event, matches)[0], LONG)
/** The log is read a moment behind the acknowledgement, and jobs run behind that. */
const isRead = (person, room) => until('the log is read', async () => {
  const { head } = await person.calls('message:list', { room, limit: 1 })
  return (await person.calls('room:list', { limit: 200 })).rooms.find(one => one.id === room)?.head === head
}, LONG)
const idle = () => until('no job waits', async () => await stack.sql('chat', "SELECT count(*) FROM job WHERE kind = 'notification.spread'") === '0', LONG)

/** How each kind is made, by one to another: what matches it, and how it is taken back for good, and how it is read where it is of a room. */
const makes = {
  async mention(by, to) {
    const { id: room } = await by.makesRoom({ open: false, members: [to.id] })
    const { seq } = await by.says(room, `@${to.id} hello`)
    return { room, seq, collapse: `mention:${room}:${seq}`, back: () => by.calls('message:delete', { room, seq }) }
  },
  async direct(by, to) {
    const { id: room } = await by.calls('room:direct', { subject: to.id })
    const { seq } = await by.says(room, 'hello')
    return { room, seq, collapse: `direct:${room}`, back: () => by.calls('message:delete', { room, seq }) }
  },
  async reply(by, to) {
    const { id: room } = await by.makesRoom({ open: false, members: [to.id] })
    assert.ok((await by.calls('member:list', { room })).members.some(is => is.subject === to.id), 'who blocks by is not added')
    await until('the store knows', async () => !(await to.emits('message:send', { room, id: randomUUID(), body: 'what I said' })).error, LONG)
    const { messages } = await to.calls('message:list', { room })
    const thread = messages[messages.length - 1].seq
    const { seq } = await by.calls('message:send', { room, id: randomUUID(), body: 'and I reply', thread })
    return { room, seq, thread, collapse: `reply:${room}:${seq}`, back: () => by.calls('message:delete', { room, seq }) }
  },
  async invitation(by, to) {
    const { id: room } = await by.makesRoom({ open: false })
    await by.calls('room:invite', { room, members: [to.id] })
    return { room, collapse: `invitation:${room}`, back: () => by.calls('room:remove', { room, member: to.id }) }
  },
  async shared(by, to) {
    const asks = async (method, path, body) => { const answer = await by.rest(method, `/api/v1/conversations${path}`, body); assert.ok(answer.status < 300, answer.text); return answer.json?.data }
    const { id } = await asks('POST', '', { name: 'a talk', data: {} })
    await asks('POST', `/${id}/people`, { subject: to.id, role: 'reader' })
    return { collapse: `shared:${await stack.sql('chat', `SELECT md5('${by.id}')`)}`, back: () => asks('DELETE', `/${id}/people/${encodeURIComponent(to.id)}`) }
  },
  async friend_request(by, to) {
    await by.calls('friend:request', { subject: to.id })
    return { collapse: `friend_request:${await stack.sql('chat', `SELECT md5('${by.id}')`)}`, back: () => by.calls('friend:cancel', { subject: to.id }) }
  },
  /** Nobody's deed: the server of a webhook of one's own wants no more. */
  async webhook_off(by, to) {
    const { id: room } = await to.makesRoom({ open: false }), path = `/api/v1/rooms/${room}/webhooks`
    const { id } = (await to.rest('POST', path, { url: `http://127.0.0.1:${port}/` })).json.data
    assert.equal((await to.rest('POST', `${path}/${id}/test`)).status, 201)
    const by_ = `server:webhook:${id}`
    return { room, by: by_, collapse: `webhook_off:${await stack.sql('chat', `SELECT md5('${by_}')`)}`, back: () => to.rest('DELETE', `${path}/${id}`) }
  },
}
const ofSomebody = kinds.filter(({ kind }) => kind !== 'webhook_off')
const isOf = made => is => is.collapse === made.collapse
const shown = async (at, made) => (await rows(at)).find(isOf(made))

test('each row of the kinds has a maker here, and a line in docs/notifications.md', () => {
  assert.deepEqual(kinds.map(({ kind }) => kind), Object.keys(makes))
  const page = readFileSync(join(root, 'docs/notifications.md'), 'utf8')
  for (const { kind, told } of kinds) assert.match(page, new RegExp(`^\\| \`${kind}\` \\|.*\\| ${{ ALL: '`no`', MENTIONS: '`no`, `but_mentions`', ALWAYS: 'any' }[told]} \\|`, 'm'))
})

for (const { kind } of kinds) {
  test(`${kind}: every device hears it once, the list has it, and over REST the same; who did it is not told`, { timeout: 120000 }, async () => {
    const [by, to, third] = await arrive('by', 'to', 'third'), phone = await inNotification(to)
    const made = await makes[kind](by, to)
    const heard = []
    for (const at of [to.at, phone]) heard.push(await hears(at, isOf(made)))
    assert.deepEqual({ ...heard[0], heard: 0 }, { ...heard[1], heard: 0 }) // which of two gateways tells first is chance
    const { id, version, place, at, collapse, unread, heard: _, ...rest } = heard[0]
    assert.ok(at > Date.now() - LONG * 10 && version === place && unread >= 1)
    assert.deepEqual(rest, { kind, ...(made.room ? { room: made.room } : {}), ...(made.seq ? { seq: made.seq } : {}), ...(made.thread ? { thread: made.thread } : {}), by: made.by ?? by.id, count: 1, quiet: false, gone: false })
    const listed = await until('a socket was told', async () => { const is = await shown(to.at, made); return is.heard && is }, LONG)
    assert.deepEqual(listed, { ...rest, id, version, place, at, collapse, heard: true })
    const answer = await request(stack, 'GET', '/api/v1/notifications?limit=100', { token: to.token }), page = await list(to.at, { limit: 100 })
    assert.deepEqual([answer.status, answer.json.data, answer.json.meta], [200, (({ meta, ...data }) => data)(page), page.meta])
    for (const other of [by, third]) assert.deepEqual(await rows(other.at), [])
    assert.equal(told(to.at, 'notification', isOf(made)).length, 1)
    phone.leaves()
    leave(by, to, third)
  })

  test(`${kind}: who was away finds it, and who comes back with a version is told what has changed since`, { timeout: 120000 }, async () => {
    const [by, to] = await arrive('by', 'to')
    const { version: since } = await list(to.at)
    to.at.leaves()
    const made = await makes[kind](by, to)
    const back = await inNotification(to)
    await until('it is there', () => shown(back, made), LONG)
    const { notifications, more } = await list(back, { since })
    assert.deepEqual([notifications.find(isOf(made)).gone, more], [false, false])
    assert.deepEqual(notifications.map(is => is.version), notifications.map(is => is.version).sort((a, b) => a - b))
    back.leaves()
    leave(by, to)
  })

  test(`${kind}: taken back it is gone, from the list, the count and every device`, { timeout: 120000 }, async () => {
    const [by, to] = await arrive('by', 'to')
    const made = await makes[kind](by, to)
    const { id, version, place } = await hears(to.at, isOf(made))
    const before = (await list(to.at)).unread
    await made.back()
    const gone = await hears(to.at, isOf(made), 'notification:changed')
    assert.deepEqual({ id: gone.id, gone: gone.gone, place: gone.place, by: gone.by, room: gone.room, seq: gone.seq }, { id, gone: true, place, by: undefined, room: undefined, seq: undefined })
    assert.equal(await shown(to.at, made), undefined)
    assert.equal((await list(to.at)).unread, before - 1)
    assert.equal((await list(to.at, { since: version })).notifications.find(isOf(made)).gone, true)
    leave(by, to)
  })

  if (ofSomebody.some(one => one.kind === kind)) test(`${kind}: of who is blocked nothing comes; a block hides what came, and its end shows it`, { timeout: 120000 }, async () => {
    const [by, to, mark] = await arrive('by', 'to', 'mark')
    const made = await makes[kind](by, to)
    const first = await hears(to.at, isOf(made))
    await to.calls('friend:block', { subject: by.id })
    await until('it is hidden', async () => !(await shown(to.at, made)), LONG)
    await hears(to.at, is => isOf(made)(is) && is.gone, 'notification:changed')
    await to.calls('friend:unblock', { subject: by.id })
    assert.ok(await until('it is shown', () => shown(to.at, made), LONG))
    await until('and heard', () => to.at.events.some(([, is]) => isOf(made)(is) && !is.gone && is.version > first.version), LONG)

    const [quiet] = await arrive('quiet')
    await quiet.calls('friend:block', { subject: by.id })
    await makes[kind](by, quiet).catch(() => undefined) // some of it is refused, as to who blocks nobody is added
    const other = await makes.friend_request(mark, quiet)
    await hears(quiet.at, isOf(other))
    await idle()
    assert.deepEqual((await rows(quiet.at, {})).map(is => is.by), [mark.id])
    leave(by, to, mark, quiet)
  })

  test(`${kind}: read on one device it is read on all, and the count falls`, { timeout: 120000 }, async () => {
    const [by, to] = await arrive('by', 'to'), phone = await inNotification(to)
    const made = await makes[kind](by, to)
    const { id } = await hears(phone, isOf(made))
    await isQuietNow(to.at)
    const { unread } = await list(to.at)
    const answer = await to.at.calls('notification:read', { id })
    assert.deepEqual([answer.read, answer.unread], [1, unread - 1])
    const changed = await hears(phone, isOf(made), 'notification:changed')
    assert.deepEqual([changed.id, changed.read_at > 0, changed.unread], [id, true, unread - 1])
    assert.ok((await shown(phone, made)).read_at > 0)
    assert.equal((await to.at.calls('notification:read', { id })).read, 0)
    assert.equal((await rows(phone, { unread: true })).find(isOf(made)), undefined)
    phone.leaves()
    leave(by, to)
  })
}
/** What is to come has come: all jobs are done, and the head stands still. */
async function isQuietNow(at) {
  await idle()
  let last = -1
  await until('nothing comes any more', async () => { const { version } = await list(at); const still = version === last; last = version; return still }, LONG)
}

test('what was read in its room is read here, with this device or another, and by saying something there', { timeout: 120000 }, async () => {
  const [by, to] = await arrive('by', 'to')
  const { id: room } = await by.makesRoom({ open: false, members: [to.id] })
  const first = await by.says(room, `@${to.id} one`), second = await by.says(room, `@${to.id} two`)
  await hears(to.at, is => is.seq === second.seq)
  const reads = async () => Object.fromEntries((await rows(to.at)).map(is => [is.kind + (is.seq ?? ''), is.read_at > 0]))
  assert.deepEqual(await reads(), { mention1: false, mention2: false, invitation: false })
  await to.calls('read:mark', { room, seq: first.seq })
  assert.deepEqual(await reads(), { mention1: true, mention2: false, invitation: true })
  await hears(to.at, is => is.seq === first.seq && is.read_at > 0, 'notification:changed')
  await to.calls('read:mark', { room, unread: true })
  assert.deepEqual(await reads(), { mention1: true, mention2: false, invitation: true })
  await until('the store knows', async () => !(await to.emits('message:send', { room, id: randomUUID(), body: 'I answer' })).error, LONG)
  await until('it is read', async () => (await reads()).mention2, LONG)
  await hears(to.at, is => is.seq === second.seq && is.read_at > 0, 'notification:changed')
  assert.equal((await list(to.at)).unread, 0)
  // What was read before it was told of is told of as read: a place ahead of the log, as of a client that heard the message.
  const { seq } = await by.says(room, 'no name')
  await to.calls('read:mark', { room, seq: seq + 1 })
  await by.says(room, `@${to.id} three`)
  await until('it is there', async () => (await rows(to.at)).some(is => is.seq === seq + 1 && is.read_at > 0), LONG)
  assert.equal((await list(to.at)).unread, 0)
  leave(by, to)
})

test('a room says of what one is told: all, mentions or nothing; invitations come in any case', { timeout: 180000 }, async () => {
  const [by, to] = await arrive('by', 'to')
  const wanted = { ALL: ['no'], MENTIONS: ['no', 'but_mentions'], ALWAYS: ['no', 'but_mentions', 'yes'] }
  for (const muted of ['no', 'but_mentions', 'yes']) {
    const { id: room } = await by.makesRoom({ open: false, members: [to.id] }), { id: two } = await by.calls('room:direct', { subject: to.id })
    for (const one of [room, two]) await to.calls('room:mute', { room: one, muted })
    const { seq: thread } = await until('the store knows', async () => { const answer = await to.emits('message:send', { room, id: randomUUID(), body: 'mine' }); return !answer.error && answer }, LONG)
    await by.says(room, `@${to.id}`)
    await by.calls('message:send', { room, id: randomUUID(), body: 'a reply', thread })
    const direct = await by.says(two, 'to you')
    for (const one of [room, two]) await isRead(by, one)
    await isQuietNow(to.at)
    const there = (await rows(to.at)).filter(is => is.room === room || (is.room === two && is.seq === direct.seq)).map(is => is.kind).sort()
    assert.deepEqual(there, ofSomebody.filter(({ one, told }) => one !== 'PERSON' && wanted[told].includes(muted)).map(({ kind }) => kind).sort(), muted)
  }
  leave(by, to)
})

test('a flood in a room of two is one notification, which counts, until it is read; the next one begins anew', { timeout: 120000 }, async () => {
  const [by, to] = await arrive('by', 'to')
  const { id: room } = await by.calls('room:direct', { subject: to.id })
  for (let i = 0; i < 40; i++) await by.says(room, `number ${i}`)
  const one = await until('all are counted', async () => { const [is, ...more] = await rows(to.at); assert.equal(more.length, 0); return is?.count === 40 && is }, LONG)
  assert.deepEqual([one.kind, one.seq, (await list(to.at)).unread], ['direct', 40, 1])
  await by.calls('message:delete', { room, seq: 3 })
  await until('one less', async () => (await rows(to.at))[0].count === 39, LONG)
  await to.at.calls('notification:read', {})
  await by.says(room, 'again')
  const next = await until('it is there again', async () => { const [is] = await rows(to.at); return !is.read_at && is }, LONG)
  assert.deepEqual([next.id, next.seq > 40, next.version > one.version, next.collapse], [one.id, true, true, one.collapse])
  assert.equal(next.count, 1)
  leave(by, to)
})

test('who leaves or is removed, and whose room is deleted, is told no more of it, and sees nothing of it', { timeout: 120000 }, async () => {
  const [by, to] = await arrive('by', 'to')
  const ends = {
    removed: room => by.calls('room:remove', { room, member: to.id }), left: room => to.calls('room:remove', { room }),
    banned: room => by.calls('member:ban', { room, member: to.id }), deleted: room => by.calls('room:delete', { room }),
  }
  for (const [how, ends_] of Object.entries(ends)) {
    const { id: room } = await by.makesRoom({ open: false, members: [to.id] })
    const { seq } = await by.says(room, `@${to.id} ${how}`)
    await hears(to.at, is => is.room === room && is.seq === seq)
    const { version: since } = await list(to.at)
    await ends_(room)
    assert.deepEqual((await rows(to.at)).filter(is => is.room === room), [], how)
    await hears(to.at, is => is.collapse === `mention:${room}:${seq}` && is.gone, 'notification:changed')
    const { notifications } = await list(to.at, { since })
    assert.deepEqual(notifications.map(({ gone, by, room }) => [gone, by, room]), [[true, undefined, undefined], [true, undefined, undefined]], how)
  }
  const { id: room } = await by.makesRoom({ open: false, history: 'joining', members: [to.id] })
  const { seq } = await by.says(room, `@${to.id}`)
  await hears(to.at, is => is.room === room && is.seq === seq)
  await by.calls('room:remove', { room, member: to.id })
  await by.calls('room:invite', { room, members: [to.id] })
  assert.deepEqual((await rows(to.at)).filter(is => is.room === room).map(is => is.kind), ['invitation'])
  leave(by, to)
})

test('an edit that names another takes it from the one and tells the other; a request that is answered is gone', { timeout: 120000 }, async () => {
  const [by, to, other] = await arrive('by', 'to', 'other')
  const { id: room } = await by.makesRoom({ open: false, members: [to.id, other.id] })
  const { seq } = await by.says(room, `@${to.id}`), collapse = `mention:${room}:${seq}`
  await hears(to.at, is => is.collapse === collapse)
  await by.calls('message:edit', { room, seq, id: randomUUID(), body: `@${other.id}` })
  await hears(other.at, is => is.collapse === collapse)
  await hears(to.at, is => is.collapse === collapse && is.gone, 'notification:changed')
  for (const answer of ['accept', 'decline']) {
    const [one, two] = await arrive('one', 'two')
    const made = await makes.friend_request(one, two)
    await hears(two.at, isOf(made))
    await two.calls(`friend:${answer}`, { subject: one.id })
    assert.equal(await shown(two.at, made), undefined)
    await hears(two.at, is => isOf(made)(is) && is.gone, 'notification:changed')
    if (answer === 'decline') { // asked again within the cool-down it is not seen, and so not told
      await one.calls('friend:cancel', { subject: two.id })
      await one.calls('friend:request', { subject: two.id })
      assert.equal(await shown(two.at, made), undefined)
    }
    leave(one, two)
  }
  leave(by, to, other)
})

test('@room tells everybody, some hundred at a time, and others are told meanwhile; deleted, it is told to nobody', { timeout: 300000 }, async () => {
  const [by, to, other] = await arrive('by', 'to', 'other'), SIZE = 20000
  const { id: room } = await by.makesRoom({ open: false, members: [to.id] })
  await stack.sql('chat', `INSERT INTO member (room_id, subject, role, joined_at) SELECT '${room}', 'one-of-many-' || i, 'member', now() FROM generate_series(1, ${SIZE}) i`)
  await stack.sql('chat', `UPDATE room SET members = members + ${SIZE} WHERE id = '${room}'`)
  const { seq } = await by.says(room, '@room, all of you'), collapse = `mention:${room}:${seq}`
  const made = await makes.direct(other, to)
  await hears(to.at, isOf(made))
  const many = async more => Number(await stack.sql('chat', `SELECT count(*) FROM notification WHERE room_id = '${room}' AND seq = ${seq} ${more ?? ''}`))
  await until('all are told', async () => await many() === SIZE + 1, 240000)
  await hears(to.at, is => is.collapse === collapse) // the last of all, by their names
  assert.equal((await rows(by.at)).length, 0)
  await by.calls('message:delete', { room, seq })
  await until('all are told no more', async () => await many('AND ended_at IS NULL') === 0, 240000)
  await hears(to.at, is => is.collapse === collapse && is.gone, 'notification:changed')
  leave(by, to, other)
})

test('pages go both ways, each once; read up to one, and all; what is refused is refused alike over REST', { timeout: 120000 }, async () => {
  const [to] = await arrive('to'), others = await arrive(...Array.from({ length: 12 }, (_, i) => `asks${i}`))
  for (const other of others) await other.calls('friend:request', { subject: to.id })
  const all = await rows(to.at)
  assert.deepEqual(all.map(is => is.by), others.map(other => other.id).reverse())
  const pages = []
  let page
  for (let after; ;) {
    page = await list(to.at, { limit: 5, ...(after ? { after } : {}) })
    pages.push(...page.notifications)
    if (!(after = page.meta.next)) break
  }
  const ids = list => list.map(is => is.id) // that they are heard meanwhile may change
  assert.deepEqual(ids(pages), ids(all))
  const before = await list(to.at, { limit: 5, after: page.meta.prev })
  assert.deepEqual(ids(before.notifications), ids(all.slice(5, 10)))
  const first = await list(to.at, { limit: 5, after: before.meta.prev })
  assert.deepEqual(ids(first.notifications), ids(all.slice(0, 5)))
  assert.deepEqual((await list(to.at, { limit: 5, after: first.meta.prev })).notifications, [])
  assert.deepEqual((await list(to.at, { limit: 5, after: first.meta.next })).notifications.length, 5)

  const rest = (method, path, body) => request(stack, method, `/api/v1/notifications${path}`, { token: to.token, body })
  const answer = await rest('POST', '/read', { up_to: all[8].id })
  assert.deepEqual([answer.json.data.read, answer.json.data.unread], [4, 8])
  assert.deepEqual((await rows(to.at, { unread: true })).map(is => is.id), all.slice(0, 8).map(is => is.id))
  const rest_ = await to.at.calls('notification:read', {})
  assert.deepEqual([rest_.read, rest_.unread], [8, 0])
  const { version } = await list(to.at)
  for (const [bad, code] of [[{ id: all[0].id, up_to: all[0].id }, 'invalid_argument'], [{ id: randomUUID() }, 'not_found'], [{ up_to: randomUUID() }, 'not_found']]) {
    await to.at.isRefused('notification:read', bad, code)
    assert.equal((await rest('POST', '/read', bad)).json.error.code, code)
  }
  for (const [bad, code] of [[{ after: 'x1' }, 'invalid_argument'], [{ since: 1, after: 'b1' }, 'invalid_argument'], [{ since: version + 1 }, 'resync']]) {
    await to.at.isRefused('notification:list', bad, code)
    assert.equal((await rest('GET', `?${new URLSearchParams(bad)}`)).json.error.code, code)
  }
  await others[0].at.isRefused('notification:read', { id: all[0].id }, 'not_found') // another's
  leave(to, ...others)
})

test('the newest are kept, and of old ones none; who has too old a version begins anew', { timeout: 120000 }, async () => {
  const [to, by] = await arrive('to', 'by')
  const { version: since } = await list(to.at)
  const { id: room } = await by.makesRoom({ open: false, members: [to.id] })
  for (let i = 0; i < MAX + 130; i++) await by.says(room, `@${to.id} ${i}`)
  assert.equal(await stack.sql('chat', 'SELECT count(*) FROM push'), '0') // nobody has said where it would be posted
  await until('all are told', async () => (await rows(to.at, { limit: 1 }))[0].seq === MAX + 130, LONG)
  const kept = Number(await stack.sql('chat', `SELECT count(*) FROM notification WHERE subject = '${to.id}'`))
  assert.ok(kept >= MAX && kept <= MAX + 122, `${kept}`)
  await to.at.isRefused('notification:list', { since }, 'resync')
  await stack.sql('chat', `UPDATE notification SET made_at = now() - interval '91 days' WHERE subject = '${to.id}'`)
  await stack.sql('chat', "UPDATE job SET run_at = now() WHERE kind = 'notification.expire'")
  await until('they are forgotten', async () => await stack.sql('chat', `SELECT count(*) FROM notification WHERE subject = '${to.id}'`) === '0', LONG)
  assert.deepEqual(await rows(to.at), [])
  leave(to, by)
})

test('through the end of every process at any time each is told of once, in order', { timeout: 300000 }, async () => {
  const [by, to] = await arrive('by', 'to')
  const { id: room } = await by.makesRoom({ open: false, members: [to.id] })
  const sent = []
  const victims = ['chat', 'store', 'gateway-1', 'postgres', 'gateway-2', 'chat']
  for (const [i, name] of victims.entries()) {
    const saying = (async () => {
      for (let k = 0; k < 10; k++) {
        const id = randomUUID()
        const { seq } = await until('it is said', async () => { const answer = await by.emits('message:send', { room, id, body: `@${to.id} ${i}.${k}` }).catch(() => ({ error: {} })); return !answer.error && answer }, LONG)
        sent.push(seq)
      }
    })()
    await stack.kill(name)
    await saying
    await stack.ready()
  }
  const seqs = async () => (await rows(to.at)).filter(is => is.kind === 'mention').map(is => is.seq).reverse()
  await until('all are told', async () => { try { return (await seqs()).length === sent.length } catch { return false } }, LONG)
  assert.deepEqual(await seqs(), sent)
  assert.equal(await stack.sql('chat', `SELECT count(*) FROM notification WHERE subject = '${to.id}'`), String(sent.length + 1))
  leave(by, to)
})

test('not to be disturbed: what comes is kept, listed and heard, and says that it is quiet', { timeout: 120000 }, async () => {
  const [by, to] = await arrive('by', 'to')
  assert.deepEqual(await to.at.calls('quiet:get', {}), { zone: 'UTC', times: [], quiet: false })
  const until_ = Date.now() + 3600000
  assert.deepEqual(await to.at.calls('quiet:set', { until: until_ }), { until: until_, zone: 'UTC', times: [], quiet: true })
  const first = await makes.friend_request(by, to)
  assert.equal((await hears(to.at, isOf(first))).quiet, true)
  assert.equal((await shown(to.at, first)).quiet, true)
  const answer = await request(stack, 'PUT', '/api/v1/notifications/quiet', { token: to.token, body: { zone: 'Asia/Seoul', times: [{ day: 1, from: 0, minutes: 10080 }] } })
  assert.deepEqual(answer.json.data, { zone: 'Asia/Seoul', times: [{ day: 1, from: 0, minutes: 10080 }], quiet: true })
  assert.deepEqual((await request(stack, 'GET', '/api/v1/notifications/quiet', { token: to.token })).json.data, answer.json.data)
  await to.at.calls('quiet:set', {})
  const second = await makes.mention(by, to)
  assert.equal((await hears(to.at, isOf(second))).quiet, false)
  for (const zone of ['Nowhere/City', 'KST', "UTC'", 'utc+9']) await to.at.isRefused('quiet:set', { zone }, 'invalid_argument')
  for (const time of [{ day: 0, from: 0, minutes: 1 }, { day: 8, from: 0, minutes: 1 }, { day: 1, from: 1440, minutes: 1 }, { day: 1, from: 0, minutes: 0 }])
    await to.at.isRefused('quiet:set', { times: [time] }, 'invalid_argument')
  leave(by, to)
})

test('the edges of times that are not to be disturbed, on the clock of the zone: past midnight, the end of the week, and when the clock is set', { timeout: 60000 }, async () => {
  const isQuiet = async (zone, times, at) => await stack.sql('chat', `SELECT is_quiet(NULL, '${zone}', '${JSON.stringify(times)}', '${at}')`) === 't'
  const night = [{ day: 5, from: 1320, minutes: 600 }] // Friday 22:00 to Saturday 08:00
  const sunday = [{ day: 7, from: 1320, minutes: 600 }] // past the end of the week
  const spring = [{ day: 7, from: 120, minutes: 60 }] // from 02:00 to 03:00, which there is not on the day when the clock is set forward
  const cases = [
    ['Asia/Seoul', night, '2026-11-27T12:59:59Z', false], ['Asia/Seoul', night, '2026-11-27T13:00:00Z', true],
    ['Asia/Seoul', night, '2026-11-27T22:59:59Z', true], ['Asia/Seoul', night, '2026-11-27T23:00:00Z', false],
    ['UTC', night, '2026-11-27T13:00:00Z', false], ['UTC', night, '2026-11-27T22:00:00Z', true],
    ['UTC', sunday, '2026-11-29T21:59:59Z', false], ['UTC', sunday, '2026-11-29T22:00:00Z', true], ['UTC', sunday, '2026-11-30T07:59:59Z', true], ['UTC', sunday, '2026-11-30T08:00:00Z', false],
    ['Europe/Berlin', spring, '2026-03-29T00:59:59Z', false], ['Europe/Berlin', spring, '2026-03-29T01:00:00Z', false],
    ['Europe/Berlin', spring, '2026-10-25T00:00:00Z', true], ['Europe/Berlin', spring, '2026-10-25T01:30:00Z', true], ['Europe/Berlin', spring, '2026-10-25T02:00:00Z', false], // the hour comes twice
    ['UTC', [], '2026-11-27T13:00:00Z', false],
  ]
  for (const [zone, times, at, expected] of cases) assert.equal(await isQuiet(zone, times, at), expected, `${zone} ${at}`)
  assert.equal(await stack.sql('chat', "SELECT is_quiet('2026-01-01T00:00:01Z', 'UTC', '[]', '2026-01-01T00:00:00Z')"), 't')
  assert.equal(await stack.sql('chat', "SELECT is_quiet('2026-01-01T00:00:00Z', 'UTC', '[]', '2026-01-01T00:00:00Z')"), 'f')
})

test('a list of 100,000 walks an index, and counts at most a hundred', { timeout: 120000 }, async () => {
  const [to] = await arrive('to')
  await stack.sql('chat', `INSERT INTO notification_head (subject, version) VALUES ('${to.id}', 100000) ON CONFLICT (subject) DO UPDATE SET version = 100000`)
  await stack.sql('chat', `INSERT INTO notification (subject, collapse, kind, by, at, made, version, quiet) SELECT '${to.id}', 'friend_request:' || md5(i::text), 'friend_request', 'a-' || i, now(), i, i, false FROM generate_series(1, 100000) i`)
  await stack.sql('chat', 'ANALYZE notification')
  const page = await list(to.at, { limit: 100 })
  assert.deepEqual([page.notifications.length, page.notifications[0].place, page.unread], [100, 100000, 100])
  const plan = await stack.sql('chat', `EXPLAIN SELECT * FROM notification n WHERE n.subject = '${to.id}' AND n.made < 5000 ORDER BY n.made DESC LIMIT 100`)
  assert.match(plan, /notification_made/)
  assert.doesNotMatch(plan, /Seq Scan|Sort/)
  await stack.sql('chat', `DELETE FROM notification WHERE subject = '${to.id}'`)
  leave(to)
})
