// r_sync - who was away asks once, and knows of all of their rooms what the list of rooms says.
import assert from 'node:assert/strict'
import { randomInt, randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { asAdmin, loggedBy } from '../lib/database_log.mjs'
import { Person } from '../lib/people.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const LONG = 120000, DAY = 86400000, WEEK = 7 * DAY
let stack, key
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
})
after(() => stack?.stop())

const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name)))
/** In chat's tables, as the administrator of the database. */
const admin = text => asAdmin(stack, `SET search_path = chat; ${text}`)

/** What the list of rooms says, but for the newest message itself, which is in the log. */
async function listed(person) {
  const rooms = new Map()
  for (let after; ;) {
    const page = await person.calls('room:list', { limit: 200, by: 'age', ...(after && { after }) })
    for (const { last, ...room } of page.rooms) rooms.set(room.id, room)
    if (!page.meta.next) return rooms
    after = page.meta.next
  }
}

/** One answer, which is the same over REST; its number of bytes. */
async function asks(person, query) {
  const page = await person.calls('sync', query)
  const rest = await person.rest('GET', `/api/v1/sync?${new URLSearchParams(query)}`)
  assert.equal(rest.status, 200, rest.text)
  if (page.until) assert.ok(rest.json.data.until >= page.until)
  assert.deepEqual(Object.keys(rest.json.data), Object.keys(page))
  return [page, Buffer.byteLength(rest.text)]
}

/** What a client does with an answer. */
function learns(known, { rooms, heads, removed }) {
  for (const { last, ...room } of rooms) known.set(room.id, room)
  for (const { room, ...head } of heads) {
    const { marked_at, ...rest } = known.get(room) ?? assert.fail(`nobody has told of ${room}`)
    known.set(room, { ...rest, muted: 'no', ...head })
  }
  for (const room of removed) known.delete(room)
}

/** All pages: the state behind them, and how it came. */
async function syncs(person, known, since, limit) {
  const pages = []
  for (let after; ;) {
    const [page] = await asks(person, { ...(since && { since }), ...(after && { after }), ...(limit && { limit }) })
    const { rooms, heads, removed } = page
    assert.ok(10 * rooms.length + heads.length + removed.length <= (limit ?? 2000))
    learns(known, page)
    pages.push(page)
    assert.equal(page.until === undefined, page.next !== undefined)
    if (page.until && pages.length > 1) assert.equal(page.until, Number(pages[0].next.split('.')[0]), 'the next time is asked for from the first page on')
    if (page.until) return { until: page.until, pages, told: { rooms: pages.flatMap(p => p.rooms.map(room => room.id)), heads: pages.flatMap(p => p.heads.map(head => head.room)), removed: pages.flatMap(p => p.removed) } }
    after = page.next
  }
}

const sorted = map => [...map.values()].sort((a, b) => a.id < b.id ? -1 : 1)
/** Counts are a moment behind the log: until a client that goes on from `since` has what the list has. */
const agrees = (person, known, since, limit) => until('a client knows what the list says', async () => {
  const trial = new Map(known), { until: next, told } = await syncs(person, trial, since, limit)
  try { assert.deepEqual(sorted(trial), sorted(await listed(person))) } catch (error) { agrees.why = error; return false }
  return { known: trial, until: next, told }
}, LONG).catch(error => { throw agrees.why ?? error })

/** So much time goes by; when a client looked that asks two minutes after `until`, so that the minute which is asked for twice is over. */
const looked = until => until - WEEK + 120000
const ages = ms => admin(`SET session_replication_role = replica;
  UPDATE room SET changed_at = changed_at - interval '${ms} ms', stated_at = stated_at - interval '${ms} ms';
  UPDATE member SET changed_at = changed_at - interval '${ms} ms', stated_at = stated_at - interval '${ms} ms', joined_at = joined_at - interval '${ms} ms';
  UPDATE activity SET changed_at = changed_at - interval '${ms} ms', message_at = message_at - interval '${ms} ms';
  UPDATE relation SET low_blocks = low_blocks - interval '${ms} ms', high_blocks = high_blocks - interval '${ms} ms';
  UPDATE former_member SET ended_at = ended_at - interval '${ms} ms'`)

test('whoever comes back after a week is told what has become another, as what it is, and nothing else', { timeout: 240000 }, async () => {
  const people = await arrive('ada', 'bo', 'cy'), [ada, bo, cy] = people
  const names = ['still', 'said', 'read', 'muted', 'named', 'ranked', 'left', 'removed', 'deleted', 'crowded', 'silenced', 'knocked']
  const room = {}
  for (const name of names) room[name] = (await ada.makesRoom({ name, open: false, knocks: name === 'knocked', members: ['bo'] })).id
  await ada.calls('member:role', { room: room.knocked, member: 'bo', role: 'admin' })
  await ada.says(room.read, 'to be read')
  await ada.says(room.still, 'to be read later')
  const blocked = (await ada.calls('room:direct', { subject: 'bo' })).id, unblocked = (await cy.calls('room:direct', { subject: 'bo' })).id
  await bo.calls('friend:block', { subject: 'cy' })

  const isCounted = (...rooms) => until('what was said is counted', async () => { const list = await listed(bo); return rooms.every(id => list.get(id).unread === 1) }, LONG)
  await isCounted(room.still, room.read)
  const first = await agrees(bo, new Map())
  assert.deepEqual(first.told.rooms.sort(), [...Object.values(room), blocked].sort())
  assert.deepEqual([first.told.heads, first.told.removed], [[], []])
  await ages(WEEK)
  const since = looked(first.until), known = await listed(bo)
  const idle = await syncs(bo, new Map(known), since)
  assert.deepEqual([idle.told.rooms, idle.told.heads, idle.told.removed], [[], [], []], 'nothing has become another')

  await ada.says(room.said, 'hello')
  await bo.calls('read:mark', { room: room.read, seq: 1 })
  await bo.calls('room:mute', { room: room.muted, muted: 'but_mentions' })
  await ada.calls('room:update', { room: room.named, name: 'another', topic: 'and why' })
  await ada.calls('member:role', { room: room.ranked, member: 'bo', role: 'moderator' })
  await bo.calls('room:remove', { room: room.left })
  await ada.calls('room:remove', { room: room.removed, member: 'bo' })
  await ada.calls('room:delete', { room: room.deleted })
  await ada.calls('room:invite', { room: room.crowded, members: ['cy'] })
  await ada.calls('member:mute', { room: room.silenced, member: 'bo', for_s: 3600 })
  await cy.calls('room:knock', { room: room.knocked, body: 'let me in' })
  await bo.calls('friend:block', { subject: 'ada' })
  await bo.calls('friend:unblock', { subject: 'cy' })
  const come = (await cy.makesRoom({ name: 'new', open: false, members: ['bo'] })).id

  await isCounted(room.said)
  const { told, known: after } = await agrees(bo, known, since)
  assert.deepEqual(told.heads.sort(), [room.said, room.read, room.muted, room.crowded].sort())
  assert.deepEqual(told.rooms.sort(), [room.named, room.ranked, room.silenced, room.knocked, unblocked, come].sort())
  assert.deepEqual(told.removed.sort(), [room.left, room.removed, room.deleted, blocked].sort())
  assert.equal(after.get(room.still).unread, 1)
  people.forEach(person => person.leaves())
})

test('who blocks, and blocks no more, is told of the mentions that count then', { timeout: 120000 }, async () => {
  const people = await arrive('dan', 'eva'), [dan, eva] = people
  const { id: room } = await dan.makesRoom({ open: false, members: ['eva'] })
  await dan.says(room, '@room all of you')
  const { known, until: since } = await until('it counts', async () => {
    const one = await agrees(eva, new Map())
    return one.known.get(room).mentions === 1 && one
  }, LONG)
  await ages(WEEK)
  await eva.calls('friend:block', { subject: 'dan' })
  const then = await agrees(eva, known, looked(since))
  assert.equal(then.known.get(room).mentions, 0)
  await ages(WEEK)
  await eva.calls('friend:unblock', { subject: 'dan' })
  assert.equal((await agrees(eva, then.known, looked(then.until))).known.get(room).mentions, 1)
  people.forEach(person => person.leaves())
})

test('the client of docs/sync.md knows what the list says, from nothing and when it comes back', { timeout: 120000 }, async () => {
  const [code] = /```js\n([^]*?)```/.exec(readFileSync(join(root, 'docs/sync.md'), 'utf8')).slice(1)
  const client = new Function(`${code}; return { known, catchesUp, comesFrom: at => { since = at } }`)() // as it stands there
  const people = await arrive('lou', 'mia'), [lou, mia] = people
  const agreesWith = person => until('the client knows what the list says', async () => {
    await client.catchesUp(person.socket)
    const known = JSON.parse(JSON.stringify([...client.known.values()])).map(({ last, ...room }) => room)
    try { assert.deepEqual(sorted(new Map(known.map(room => [room.id, room]))), sorted(await listed(person))) } catch { return false }
    return true
  }, LONG)
  const { id: kept } = await lou.makesRoom({ open: false, members: ['mia'] }), { id: left } = await lou.makesRoom({ open: false, members: ['mia'] })
  await agreesWith(mia)
  await lou.says(kept, 'meanwhile')
  await lou.calls('room:remove', { room: left, member: 'mia' })
  await lou.makesRoom({ members: ['mia'] })
  await until('what was said is counted', async () => (await listed(mia)).get(kept).unread === 1, LONG)
  await agreesWith(mia)
  assert.deepEqual([client.known.has(left), client.known.get(kept).unread, client.known.size], [false, 1, 2])
  client.comesFrom(1) // too long ago: it begins anew
  await agreesWith(mia)
  people.forEach(person => person.leaves())
})

const pick = list => list[randomInt(list.length)]

test('whatever was done, and whoever was killed: from nothing, from a week ago and page by page a client has what the list has', { timeout: 600000 }, async () => {
  const names = ['fay', 'gil', 'hal', 'ivo'], people = await arrive(...names), [fay] = people, rooms = []
  const deeds = [
    person => person.emits('room:create', { name: `room ${randomInt(1000)}`, open: randomInt(2) > 0, members: ['fay'], client_key: randomUUID() }).then(made => made.id && rooms.push(made.id)),
    person => person.emits('message:send', { room: pick(rooms), id: randomUUID(), body: pick(['hello', '@room look', 'again']) }),
    person => person.emits('message:delete', { room: pick(rooms), seq: 1 + randomInt(4), id: randomUUID() }),
    person => person.emits('read:mark', { room: pick(rooms), ...(randomInt(3) > 0 ? {} : { unread: true }) }),
    person => person.emits('room:mute', { room: pick(rooms), muted: pick(['yes', 'no', 'but_mentions']) }),
    person => person.emits('room:update', { room: pick(rooms), topic: `topic ${randomInt(1000)}` }),
    person => person.emits('room:invite', { room: pick(rooms), members: [pick(names)] }),
    person => person.emits('room:remove', { room: pick(rooms), member: pick(names) }),
    person => person.emits('room:join', { room: pick(rooms) }),
    person => person.emits('member:role', { room: pick(rooms), member: pick(names), role: pick(['member', 'moderator', 'admin', 'owner']) }),
    person => person.emits('room:archive', { room: pick(rooms), archived: randomInt(2) > 0 }),
    person => person.emits('room:direct', { subject: pick(names) }),
    person => person.emits(pick(['friend:block', 'friend:unblock']), { subject: pick(names) }),
    person => randomInt(4) > 0 ? undefined : person.emits('room:delete', { room: pick(rooms) }),
  ]
  await deeds[0](fay)
  let known = new Map(), since
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 60; i++) await Promise.all(people.map(person => pick(deeds)(person)?.catch(() => undefined))) // refusals are no matter here
    if (round % 2 === 0) {
      await stack.kill('chat')
      await stack.ready()
    }
    const next = await agrees(fay, known, since, pick([10, 25, 2000]))
    await agrees(fay, new Map(), undefined, pick([10, 25, 2000]))
    await ages(WEEK)
    const shifted = await listed(fay)
    known = new Map([...next.known.keys()].map(id => [id, shifted.get(id)]))
    since = looked(next.until)
  }
  people.forEach(person => person.leaves())
})

/** How many statements of chat ask for rooms while `deed` runs. */
const statementsOf = async deed => (await loggedBy(stack, deed)).filter(record => /execute [^:]*:.*(former_member|counted_after)/s.test(record)).length

test('2,000 rooms after 30 days are one answer of less than 300 kB, of as many statements as of one room', { timeout: 240000 }, async () => {
  const ROOMS = 2000
  await admin("ALTER ROLE madang_chat SET log_statement = 'all'")
  await stack.kill('chat')
  await stack.ready()
  await stack.sql('chat', `WITH made AS (INSERT INTO room (id, name, open, created_by, created_at, members, changed_at) SELECT gen_random_uuid(), 'a room with a name, number ' || n, true, 'jo', now() - interval '60 days', 2, now() - interval '40 days' FROM generate_series(1, ${ROOMS}) n RETURNING id)
    INSERT INTO member (room_id, subject, role, joined_at, stated_at) SELECT id, s, CASE s WHEN 'jo' THEN 'owner' ELSE 'member' END, now() - interval '60 days', now() - interval '40 days' FROM made, unnest(ARRAY['jo', 'kit']) s;
    INSERT INTO activity (room_id, seq, message_seq, message_at, message_by, changed_at) SELECT room_id, 123456, 123456, now() - interval '1 day', 'jo', now() - interval '1 day' FROM member WHERE subject = 'kit'`)
  const [jo, kit] = await arrive('jo', 'kit')
  const since = Date.now() - 30 * DAY + 3600000
  const [page, bytes] = await asks(kit, { since })
  assert.deepEqual([page.heads.length, page.rooms.length, page.removed.length, page.next], [ROOMS, 0, 0, undefined])
  assert.ok(bytes < 300000, `${bytes} bytes`)
  assert.deepEqual(page.heads[0], { room: page.heads[0].room, members: 2, active_at: page.heads[0].active_at, head: 123456, read: 0, unread: 123456, mentions: 0 })
  const many = await statementsOf(() => kit.calls('sync', { since }))
  await stack.sql('chat', `DELETE FROM room WHERE created_by = 'jo' AND id <> '${page.heads[5].room}'; DELETE FROM former_member`)
  assert.deepEqual((await kit.calls('sync', { since })).heads, [page.heads[5]])
  assert.deepEqual([many, await statementsOf(() => kit.calls('sync', { since }))], [3, 3])
  await admin('ALTER ROLE madang_chat RESET log_statement')
  jo.leaves()
  kit.leaves()
})

test('what is too long ago, of another time or no page\'s is refused, and of too many that went none is left out in silence', { timeout: 120000 }, async () => {
  const [lea] = await arrive('lea'), now = Date.now()
  for (const since of [now - 31 * DAY, 1, now + 3600000]) await lea.isRefused('sync', { since }, 'resync')
  for (const query of [{ after: 'x' }, { after: `${now}.x` }, { after: `-1.${randomUUID()}` }, { since: -5 }, { limit: 9 }, { limit: 2001 }, { since: 'yesterday' }]) await lea.isRefused('sync', query, 'invalid_argument')
  assert.equal((await lea.rest('GET', `/api/v1/sync?since=${now - 31 * DAY}`)).status, 409)

  const end = (n, ms) => stack.sql('chat', `INSERT INTO former_member SELECT 'lea', gen_random_uuid(), now() - interval '${ms} ms' FROM generate_series(1, ${n})`)
  await end(4999, 2 * DAY)
  const [first] = await asks(lea, { since: now - 3 * DAY })
  assert.equal(first.removed.length, 2000)
  const whole = await syncs(lea, new Map(), now - 3 * DAY)
  assert.deepEqual([new Set(whole.told.removed).size, whole.told.removed.length, whole.pages.length], [4999, 4999, 3])
  await end(20, 4 * DAY)
  await lea.isRefused('sync', { since: now - 5 * DAY }, 'resync')
  assert.equal((await syncs(lea, new Map(), now - 3 * DAY)).told.removed.length, 4999)

  // What is beyond is forgotten, and what is older than anybody may ask for.
  await stack.sql('chat', "INSERT INTO former_member VALUES ('lea', gen_random_uuid(), now() - interval '32 days')")
  await stack.sql('chat', "UPDATE job SET run_at = now() WHERE kind = 'former_member.expire' AND lease IS NULL; SELECT pg_notify('chat_jobs', '')")
  await until('19 are forgotten', async () => await stack.sql('chat', "SELECT count(*) FROM former_member WHERE subject = 'lea'") === '5000', LONG)
  await lea.isRefused('sync', { since: now - 5 * DAY }, 'resync')
  assert.equal((await syncs(lea, new Map(), now - 3 * DAY)).told.removed.length, 4999)
  lea.leaves()
})
