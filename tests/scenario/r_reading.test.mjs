// r_reading - one's rooms, what there is to be read in them, and up to where one has read.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { startStack } from '../lib/stack.mjs'
import { asAdmin, loggedBy } from '../lib/database_log.mjs'
import { Person, tokenFor } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
})
after(() => stack?.stop())

const arrives = name => Person.arrives(stack, key, name)
const arrive = (...names) => Promise.all(names.map(arrives))

/** All pages of one's rooms. */
async function roomsOf(person, query = {}) {
  const all = []
  for (let after; ;) {
    const { rooms, meta } = await person.calls('room:list', { ...query, ...(after ? { after } : {}) })
    all.push(...rooms)
    if (!meta.next) return all
    after = meta.next
  }
}
const roomOf = async (person, room) => (await roomsOf(person, { limit: 200 })).find(one => one.id === room)
/** The newest place of a log, as the store has it. */
const headOf = async (person, room) => (await person.calls('message:list', { room, limit: 1 })).head
/** Counting is a moment behind the log. */
const isCounted = (person, room) => until('all is counted', async () => {
  const head = await headOf(person, room)
  return (await roomOf(person, room)).head === head
}, 30000)

test('one\'s rooms come with the last message and what there is to be read, where somebody spoke last first', { timeout: 60000 }, async () => {
  const people = await arrive('lena', 'luis'), [lena, luis] = people
  const rooms = []
  for (let i = 0; i < 5; i++) rooms.push((await lena.makesRoom({ name: `room ${i}`, open: false, members: ['luis'] })).id)
  const said = await luis.says(rooms[1], 'one')
  await lena.says(rooms[3], 'of her own')
  await luis.says(rooms[3], 'two')
  const last = await luis.says(rooms[3], 'three')
  await isCounted(lena, rooms[1])
  await isCounted(lena, rooms[3])

  const all = await roomsOf(lena)
  assert.deepEqual(all.map(room => room.id), [rooms[3], rooms[1], rooms[4], rooms[2], rooms[0]])
  assert.deepEqual(all[0].last, { seq: last.seq, at: last.at, sender: 'luis' })
  assert.deepEqual([all[0].unread, all[0].read, all[0].head, all[0].active_at, all[0].muted, all[0].marked_at], [2, 1, 3, last.at, 'no', undefined])
  assert.deepEqual([all[1].unread, all[1].read, all[1].last.seq], [1, 0, said.seq])
  assert.deepEqual([all[2].unread, all[2].read, all[2].head, all[2].last, all[2].active_at], [0, 0, 0, undefined, all[2].created_at])
  assert.deepEqual(all[0].can, (await lena.calls('room:get', { room: rooms[3] })).can)
  assert.equal((await lena.calls('room:get', { room: rooms[3] })).unread, undefined) // in lists alone
  const his = await roomOf(luis, rooms[3])
  assert.deepEqual([his.unread, his.read], [0, 3]) // who says something has read up to there

  // Of a message that one does not read nothing is said.
  const { id: late } = await luis.makesRoom({ open: false, history: 'joining' })
  await luis.says(late, 'before her')
  await isCounted(luis, late)
  await luis.calls('room:invite', { room: late, members: ['lena'] })
  const hers = await roomOf(lena, late)
  assert.deepEqual([hers.last, hers.unread, hers.active_at > (await roomOf(luis, late)).last.at], [undefined, 0, true])
  await luis.calls('room:remove', { room: late, member: 'lena' })

  // Pages: each room once, whatever their size, in either order, and over REST the same.
  for (const limit of [1, 2, 5]) assert.deepEqual(await roomsOf(lena, { limit }), all)
  assert.deepEqual((await roomsOf(lena, { limit: 2, by: 'age' })).map(room => room.id), [...rooms].reverse())
  const answer = await lena.rest('GET', '/api/v1/rooms?limit=2')
  assert.deepEqual(answer.json.data.rooms, all.slice(0, 2))
  assert.equal(answer.json.meta.limit, 2)
  const next = await lena.rest('GET', `/api/v1/rooms?limit=200&after=${answer.json.meta.next}`)
  assert.deepEqual([next.json.data.rooms, next.json.meta.next], [all.slice(2), undefined])

  // By age a page misses none that becomes active meanwhile.
  const first = await lena.calls('room:list', { by: 'age', limit: 2 })
  await luis.says(rooms[0], 'four')
  await isCounted(lena, rooms[0])
  const rest = await lena.calls('room:list', { by: 'age', after: first.meta.next })
  assert.deepEqual(rest.rooms.map(room => room.id), [rooms[2], rooms[1], rooms[0]])

  for (const query of [{ by: 'name' }, { after: 'x' }, { after: randomUUID() }, { after: `1.${'x'.repeat(36)}` }, { by: 'age', after: `1.${randomUUID()}` }])
    await lena.isRefused('room:list', query, 'invalid_argument')
  people.forEach(person => person.leaves())
})

test('up to where one has read never goes back, and a room that is marked as unread is so until it is read', { timeout: 60000 }, async () => {
  const people = await arrive('mara', 'milo', 'mara', 'mara', 'moss'), [mara, milo, phone, tablet, moss] = people
  const { id: room } = await mara.makesRoom({ open: false, members: ['milo'] })
  for (let i = 0; i < 6; i++) await milo.says(room, `number ${i}`)
  await isCounted(mara, room)

  assert.deepEqual(await phone.calls('read:mark', { room, seq: 2 }), { room, read: 2, unread: 4, mentions: 0 })
  await Promise.all([[mara, 3], [phone, 5], [tablet, 4]].map(([device, seq]) => device.calls('read:mark', { room, seq })))
  assert.deepEqual(await tablet.calls('read:mark', { room, seq: 1 }), { room, read: 5, unread: 1, mentions: 0 })
  assert.equal((await roomOf(milo, room)).read, 6) // another's is another's

  const marked = await phone.calls('read:mark', { room, unread: true })
  assert.deepEqual([marked.read, marked.unread, marked.marked_at > 0], [5, 1, true])
  await mara.says(room, 'and an answer')
  await isCounted(mara, room)
  const seen = await roomOf(tablet, room)
  assert.deepEqual([seen.read, seen.unread, seen.marked_at], [7, 0, marked.marked_at])
  const { json } = await mara.rest('PUT', `/api/v1/rooms/${room}/read`, {})
  assert.deepEqual(json.data, { room, read: 7, unread: 0, mentions: 0 }) // without a place: all that there is

  // A place ahead of what is counted may be right; one far ahead is none.
  assert.equal((await mara.calls('read:mark', { room, seq: 9 })).unread, 0)
  await mara.isRefused('read:mark', { room, seq: Date.now() }, 'invalid_argument')
  await milo.says(room, 'eight')
  await milo.says(room, 'nine')
  await milo.says(room, 'ten')
  await isCounted(mara, room)
  assert.equal((await roomOf(mara, room)).unread, 1)

  // Of what one wants to be told: each for themselves.
  for (const muted of ['yes', 'but_mentions', 'no', 'yes']) {
    assert.deepEqual(await phone.calls('room:mute', { room, muted }), { room, muted })
    assert.equal((await roomOf(tablet, room)).muted, muted)
  }
  assert.equal((await roomOf(milo, room)).muted, 'no')
  await mara.isRefused('room:mute', { room, muted: 'maybe' }, 'invalid_argument')
  for (const [event, more] of [['read:mark', { seq: 1 }], ['read:mark', { unread: true }], ['room:mute', { muted: 'yes' }]]) {
    await moss.isRefused(event, { room, ...more }, 'forbidden')
    await moss.isRefused(event, { room: randomUUID(), ...more }, 'not_found')
  }
  people.forEach(person => person.leaves())
})

/** The same numbers each time, in [0, n). */
function makeDice(seed) {
  let state = seed
  return n => {
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return (state >>> 8) % n
  }
}

test('what is unread, and what of it mentions one, is what a recount of the log says, whatever is sent, edited, deleted and read on three devices', { timeout: 240000 }, async () => {
  const names = ['nora', 'nils', 'nina'], seed = Number(process.env.READING_SEED ?? 20261129), dice = makeDice(seed)
  const devices = {}
  for (const name of names) devices[name] = await arrive(name, name, name)
  const any = list => list[dice(list.length)], of = name => any(devices[name])
  /** Who comes in begins behind what is there. */
  const comesIn = async (room, name) => {
    await isCounted(devices.nora[0], room)
    const { head } = await roomOf(devices.nora[0], room)
    await of(name).joins(room)
    assert.ok((await roomOf(of(name), room)).read >= head, `${name} begins before ${head}`)
  }
  const rooms = []
  for (let i = 0; i < 3; i++) {
    const { id } = await of('nora').makesRoom({ open: true, lines: i > 0 })
    await of('nora').says(id, 'before the others')
    for (const name of ['nils', 'nina']) await comesIn(id, name)
    await isCounted(devices.nora[0], id)
    rooms.push({ id, read: Object.fromEntries(names.map(name => [name, 0])) })
  }
  for (const room of rooms) for (const name of names) room.read[name] = (await roomOf(of(name), room.id)).read

  const raise = (room, name, seq) => { room.read[name] = Math.max(room.read[name], seq) }
  /** A message that is there, of `name`'s or of anybody's. */
  const aMessage = async (room, name) => any((await devices.nora[0].reads(room.id)).filter(m => !m.kind && !m.deleted_at && (!name || m.sender === name)))
  /** A text that mentions somebody, everybody (said by nora: the others may not), or nobody. */
  const aText = () => `a text ${any(['', '', '@nora', '@nils에게', '@nils @nina', '@room', '@nina and @room'])}`
  const mentions = (m, name) => new RegExp(`@${name}`).test(m.body) || (m.sender === 'nora' && /@room/.test(m.body))
  const deeds = {
    async send(room, name) { raise(room, name, (await of(name).says(room.id, aText())).seq) },
    async reply(room, name) {
      const to = await aMessage(room)
      if (to && !to.thread) raise(room, name, (await of(name).calls('message:send', { room: room.id, id: randomUUID(), body: aText(), thread: to.seq })).seq)
    },
    async edit(room, name) {
      const own = await aMessage(room, name)
      if (own) await of(name).calls('message:edit', { room: room.id, seq: own.seq, id: randomUUID(), body: aText() })
    },
    async remove(room, name) {
      const one = await aMessage(room, name === 'nora' ? undefined : name) // the owner deletes anybody's
      if (one) await of(name).calls('message:delete', { room: room.id, seq: one.seq })
    },
    async react(room, name) {
      const to = await aMessage(room)
      if (to) await of(name).calls('reaction:add', { room: room.id, seq: to.seq, emoji: '👍' })
    },
    async mark(room, name) {
      const head = await headOf(devices.nora[0], room.id), seqs = devices[name].map(() => dice(head + 1))
      await Promise.all(devices[name].map((device, i) => device.calls('read:mark', { room: room.id, seq: seqs[i] })))
      raise(room, name, Math.max(...seqs))
    },
    async markUnread(room, name) { await of(name).calls('read:mark', { room: room.id, unread: true }) },
    async comeBack(room, name) {
      if (name === 'nora') return
      await of(name).calls('room:remove', { room: room.id })
      await comesIn(room.id, name)
      room.read[name] = (await roomOf(of(name), room.id)).read
    },
  }
  const weights = { send: 6, reply: 2, edit: 6, remove: 3, react: 2, mark: 4, markUnread: 1, comeBack: 1 }
  const counted = { unread: 0, mentions: 0 }
  const bag = Object.entries(weights).flatMap(([deed, n]) => Array(n).fill(deed)), done = []

  async function recount() {
    for (const room of rooms) {
      await isCounted(devices.nora[0], room.id)
      const log = await devices.nora[0].reads(room.id)
      for (const name of names) {
        const expected = log.filter(m => !m.kind && !m.deleted_at && m.seq > room.read[name] && m.sender !== name)
        const naming = expected.filter(m => mentions(m, name)).length
        counted.unread += expected.length
        counted.mentions += naming
        for (const device of devices[name]) {
          const { unread, mentions, read } = (await roomsOf(device, { limit: 1 + dice(3) })).find(one => one.id === room.id)
          assert.deepEqual({ name, unread, mentions, read }, { name, unread: expected.length, mentions: naming, read: room.read[name] }, `seed ${seed}, after ${done.slice(-12).join(' ')}`)
        }
      }
    }
  }
  for (let round = 0; round < 8; round++) {
    for (let i = 0; i < 25; i++) {
      const deed = any(bag), name = any(names)
      done.push(`${name}:${deed}`)
      await deeds[deed](any(rooms), name)
    }
    await recount()
  }
  assert.ok(counted.unread > 20 && counted.mentions > 10, JSON.stringify(counted))
  names.forEach(name => devices[name].forEach(device => device.leaves()))
})

/** The plans of all that chat reads of rooms and people while `deed` runs: of statements, without what its jobs change, and who is there, which gateways say when they hear of a new chat. */
const plansOf = async deed => (await loggedBy(stack, deed)).filter(record => record.includes('plan:'))
  .map(record => JSON.parse(record.slice(record.indexOf('plan:') + 5)).Plan)
  .filter(plan => plan['Node Type'] !== 'ModifyTable' && nodesOf(plan).some(node => node['Relation Name'] && !['job', 'directory_position'].includes(node['Relation Name'])) && !nodesOf(plan).some(node => node['Relation Name'] === 'presence'))
const nodesOf = plan => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]
/** How many rows of a table a plan read, thrown away ones too. */
const rowsOf = (plan, table) => nodesOf(plan).filter(node => node['Relation Name'] === table)
  .reduce((sum, node) => sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'], 0)

test('a page of one\'s rooms is one statement, however many there are, and looks up only what it shows', { timeout: 120000 }, async () => {
  const ROOMS = 5000, OTHERS = 20000, PAGE = 50
  const [omar] = await arrive('omar')
  const { id: alone } = await omar.makesRoom()
  await asAdmin(stack, `INSERT INTO chat.room (id, name, open, created_by, created_at, members)
    SELECT gen_random_uuid(), 'n' || n, false, 'somebody', now() - n * interval '1 minute', 2 FROM generate_series(1, ${ROOMS + OTHERS}) n;
    INSERT INTO chat.member (room_id, subject, role, joined_at)
    SELECT id, CASE WHEN substr(name, 2)::int <= ${ROOMS} THEN 'omar' ELSE 'other ' || name END, 'member', created_at FROM chat.room WHERE created_by = 'somebody';
    INSERT INTO chat.member (room_id, subject, role, joined_at) SELECT id, 'oona', 'member', created_at FROM chat.room WHERE name IN ('n1', 'n2', 'n3') AND created_by = 'somebody';
    INSERT INTO chat.activity (room_id, seq, message_seq, message_at, message_by)
    SELECT id, 10, 10, created_at + interval '1 second', 'somebody' FROM chat.room WHERE created_by = 'somebody';
    ANALYZE chat.room, chat.member, chat.activity`)
  for (const [name, value] of Object.entries({ log_min_duration: '0', log_analyze: 'on', log_format: 'json', log_level: 'warning' }))
    await asAdmin(stack, `ALTER ROLE madang_chat SET auto_explain.${name} = '${value}'`)
  await asAdmin(stack, "ALTER ROLE madang_chat SET session_preload_libraries = 'auto_explain'")
  await stack.kill('chat')
  await stack.ready()

  // By REST, from people without a socket: for sockets a gateway asks, too.
  omar.leaves()
  for (const [name, n] of [['oona', 3], ['omar', PAGE]]) {
    const person = new Person(stack, name, await tokenFor(stack, key, name))
    for (const query of [{ limit: PAGE }, { limit: PAGE, by: 'age' }]) {
      const asks = async () => assert.equal((await person.rest('GET', `/api/v1/rooms?${new URLSearchParams(query)}`)).json.data.rooms.length, n)
      await until('chat is there again', () => asks().then(() => true, () => false), 30000)
      const plans = await plansOf(asks)
      assert.equal(plans.length, 1, JSON.stringify(plans, null, 1))
      const [plan] = plans
      assert.ok(rowsOf(plan, 'room') <= n, `${rowsOf(plan, 'room')} rows of room for ${n}`)
      assert.ok(rowsOf(plan, 'member') <= ROOMS + 1 + n, `${rowsOf(plan, 'member')} rows of member`) // of one's own alone
      if (query.by) assert.ok(rowsOf(plan, 'member') <= 3 * n, `${rowsOf(plan, 'member')} rows of member by age`)
    }
  }
  // All of them are there, each once, in pages of one moment.
  const again = await arrives('omar'), all = await roomsOf(again, { limit: 200 })
  assert.equal(new Set(all.map(room => room.id)).size, ROOMS + 1)
  assert.equal(all[0].id, alone)
  assert.deepEqual(all.map(room => room.active_at), [...all].sort((a, b) => b.active_at - a.active_at).map(room => room.active_at))
  again.leaves()
})
