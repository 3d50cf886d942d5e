// r_history - a room's messages are read as they are now, from anywhere; a page and what is heard behind it are the next page.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { randomUUID } from 'node:crypto'
import { startStack } from '../lib/stack.mjs'
import { Person, isGapless, request, tokenFor } from '../lib/people.mjs'
import { foldLog, inOrder, shownTo } from '../lib/log_fold.mjs'
import { pause, until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_STORE_FEED_LATE_S: '2' } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name)))
const logOf = (person, room) => person.events.filter(([event, entry]) => ['message', 'entry'].includes(event) && entry.room === room).map(([, entry]) => entry)
const seqs = page => page.messages.map(message => message.seq)

/** A room of olga's with max, who listen. */
async function aRoom() {
  const people = await arrive('olga', 'max'), [olga, max] = people
  const { id: room } = await olga.makesRoom({ open: false, members: ['max'] })
  for (const person of people) await person.joins(room)
  return { olga, max, room, leave: () => people.forEach(person => person.leaves()) }
}

/** A page over Socket.IO, which is the same over REST. */
async function page(person, path, event, room, query = {}) {
  const answer = await person.calls(event, { room, ...query })
  const rest = await person.rest('GET', `/api/v1/rooms/${room}/${path}?${new URLSearchParams(query)}`)
  assert.equal(rest.status, 200, rest.text)
  assert.deepEqual(rest.json.data, answer)
  return answer
}

test('pages begin anywhere: after, before and around a message, from a time on, in a thread, among the pins', { timeout: 60000 }, async () => {
  const { olga, max, room, leave } = await aRoom()
  const sent = []
  for (let i = 0; i < 20; i++) sent.push(await max.says(room, `number ${i}`))
  const reply = thread => olga.calls('message:send', { room, id: randomUUID(), body: 'a reply', thread })
  const replies = [await reply(3), await reply(3), await reply(4), await reply(3)]
  for (const seq of [5, 9, 7]) await olga.calls('pin:add', { room, seq })
  await olga.calls('pin:remove', { room, seq: 9 })
  await max.calls('message:edit', { room, seq: 10, id: randomUUID(), body: 'edited' })
  const list = query => page(max, 'messages', 'message:list', room, query)

  assert.deepEqual(seqs(await list({ after: 17, limit: 2 })), [18, 19])
  assert.deepEqual(seqs(await list({ before: 4, limit: 2 })), [2, 3])
  assert.deepEqual(seqs(await list({ around: 10, limit: 5 })), [8, 9, 10, 11, 12])
  assert.deepEqual(seqs(await list({ around: 1, limit: 5 })), [1, 2, 3])
  const first = sent.findIndex(receipt => receipt.at === sent[12].at) + 1   // several may be of one millisecond
  assert.deepEqual(seqs(await list({ from: sent[12].at, limit: 3 })), [first, first + 1, first + 2])
  const ofThree = [0, 1, 3].map(i => replies[i].seq)
  assert.deepEqual(seqs(await list({ thread: 3 })), ofThree)
  assert.deepEqual(seqs(await list({ thread: 3, before: ofThree[2], limit: 1 })), [ofThree[1]])
  assert.deepEqual(seqs(await list({ thread: 3, after: ofThree[0], limit: 1 })), [ofThree[1]])
  const pins = await page(max, 'pins', 'pin:list', room)
  assert.deepEqual(seqs(pins), [5, 7])
  assert.deepEqual(seqs(await page(max, 'pins', 'pin:list', room, { after: 5 })), [7])

  const ten = await max.calls('message:get', { room, seq: 10 })
  assert.equal(ten.body, 'edited')
  assert.deepEqual((await max.rest('GET', `/api/v1/rooms/${room}/messages/10`)).json.data, ten)
  const { head } = pins
  for (const seq of [head, head + 1, 2 ** 53 - 1]) await max.isRefused('message:get', { room, seq }, 'not_found')

  for (const query of [{ after: 1, before: 9 }, { around: 1, from: 9 }, { around: 4, thread: 3 }, { from: 4, thread: 3 }])
    await max.isRefused('message:list', { room, ...query }, 'invalid_argument')
  await max.isRefused('pin:list', { room, after: 1, before: 9 }, 'invalid_argument')
  const [eve] = await arrive('eve')
  for (const [event, query] of [['message:list', { around: 3 }], ['message:list', { thread: 3 }], ['message:get', { seq: 3 }], ['pin:list', {}]])
    await eve.isRefused(event, { room, ...query }, 'forbidden')
  eve.leaves()
  leave()
})

/** The lines of a room's log, as a member reads them: `who kind whom`. */
const lines = async (person, room) => (await person.calls('message:list', { room, after: 0, limit: 200 })).messages
  .filter(message => message.kind).map(({ sender, kind, body }) => `${sender} ${kind} ${body}`.trim())

/** Chat has none for the room any more. */
const allSaid = room => until('all is said', async () =>
  (await stack.sql('chat', `SELECT count(*) AS n FROM line WHERE room_id = '${room}'`)).trim() === '0', 20000)

test('who comes and goes is said in the log, by the server alone, and heard and recovered like a message', { timeout: 60000 }, async () => {
  const [olga, max, mia] = await arrive('olga', 'max', 'mia')
  const away = await Person.arrives(stack, key, 'olga', { reconnection: false })
  const made = await olga.makesRoom({ open: true, lines: true, members: ['vic'] }), { id: room } = made
  assert.equal(made.lines, true)
  assert.equal((await olga.calls('room:list', {})).rooms.find(({ id }) => id === room).lines, true)
  for (const person of [olga, away]) await person.joins(room)
  await olga.says(room, 'welcome')
  await until('it is heard', () => logOf(away, room).length === 1)
  await away.losesConnection()

  await max.joins(room)
  await olga.calls('room:invite', { room, members: ['vic', 'ann', 'ben'] })
  await olga.calls('room:remove', { room, member: 'ann' })
  await max.calls('room:remove', { room })
  await max.joins(room)
  const said = ['max member:join', 'olga member:add ann', 'olga member:add ben', 'olga member:remove ann', 'max member:leave', 'max member:join']
  await until('all is said', () => logOf(olga, room).length === 1 + said.length)
  const log = logOf(olga, room)
  isGapless(log)
  assert.deepEqual(log.slice(1).map(({ sender, kind, body }) => `${sender} ${kind} ${body}`.trim()).sort(), [...said].sort())
  assert.deepEqual(await lines(olga, room), log.slice(1).map(({ sender, kind, body }) => `${sender} ${kind} ${body}`.trim()))
  assert.deepEqual((await lines(olga, room)).filter(line => !line.includes(':add')), said.filter(line => !line.includes(':add')))
  assert.ok(await away.comesBack())
  await until('the connection is whole', () => logOf(away, room).length === log.length)
  assert.deepEqual(logOf(away, room), log)

  // Nobody says it themselves, and nobody does anything to it.
  const { seq } = await mia.joins(room).then(() => mia.calls('message:send', { room, id: randomUUID(), body: 'max', kind: 'member:remove', target: 1 }))
  await until('it is heard', () => logOf(olga, room).some(entry => entry.seq === seq))
  const { kind, target } = await olga.calls('message:get', { room, seq })
  assert.deepEqual([kind, target], [undefined, undefined])
  const line = log[1].seq
  for (const [event, more] of [['message:edit', { id: randomUUID(), body: 'x' }], ['message:delete', {}], ['reaction:add', { emoji: '👍' }], ['pin:add', {}]])
    await olga.isRefused(event, { room, seq: line, ...more }, 'not_found')
  await olga.isRefused('message:send', { room, id: randomUUID(), body: 'x', thread: line }, 'not_found')

  // A line that is given again, as by a store that died before it could say that it has it, is in the log already.
  await allSaid(room)
  const { id, kind: again, sender, body } = log[1], before = await lines(olga, room)
  await stack.sql('chat', `INSERT INTO line (id, room_id, kind, sender, body) VALUES ('${id}', '${room}', '${again}', '${sender}', '${body}')`)
  await olga.calls('room:remove', { room, member: 'ben' })
  await allSaid(room)
  await olga.calls('room:remove', { room })
  await allSaid(room)
  assert.deepEqual(await lines(max, room), [...before, 'olga member:remove ben', 'olga member:leave', 'olga member:role vic'])
  for (const person of [olga, max, mia, away]) person.leaves()
})

test('a room that did not ask for lines has none', { timeout: 60000 }, async () => {
  const { olga, max, room, leave } = await aRoom()
  await olga.calls('room:invite', { room, members: ['ann'] })
  await olga.calls('room:remove', { room, member: 'ann' })
  assert.equal((await max.says(room, 'a message')).seq, 1)
  assert.equal((await stack.sql('chat', `SELECT count(*) AS n FROM line WHERE room_id = '${room}'`)).trim(), '0')
  leave()
})

test('a line that its log refuses is kept with the reason, and holds up no other', { timeout: 90000 }, async () => {
  const [olga] = await arrive('olga')
  const { id: room } = await olga.makesRoom({ lines: true }), { id: other } = await olga.makesRoom({ lines: true })
  const isSo = (what, condition) => until(what, async () => await stack.sql('chat', `SELECT count(*) FROM line WHERE ${condition}`) === '1', 60000)
  const refuses = check => stack.sql('store', `ALTER TABLE message DROP CONSTRAINT IF EXISTS no_poison; ${check && `ALTER TABLE message ADD CONSTRAINT no_poison CHECK (${check}) NOT VALID`}`)
  const invites = (id, member) => olga.calls('room:invite', { room: id, members: [member] })
  const dead = async query => (await stack.rpc('chat', 'line.list', query)).lines
  await refuses("body NOT LIKE 'poison%'")
  try {
    await invites(room, 'poison one')
    await stack.sql('chat', "UPDATE line SET attempts = -1000, dead_at = NULL WHERE body = 'poison one'")
    await invites(room, 'ann')
    await invites(other, 'ben')
    await until('another room goes on', async () => (await lines(olga, other)).length === 1)
    await isSo('it is tried', "body = 'poison one' AND last_error = 'internal'")
    await refuses('')
    await until('all is said', async () => (await lines(olga, room)).length === 2)
    assert.deepEqual(await lines(olga, room), ['olga member:add poison one', 'olga member:add ann']) // in the order in which it was so

    await refuses("body NOT LIKE 'poison%'")
    await invites(room, 'poison two')
    await stack.sql('chat', "UPDATE line SET attempts = 1000 WHERE body = 'poison two'")
    await isSo('it is given up', "body = 'poison two' AND dead_at IS NOT NULL")
    await refuses("1 / (body NOT LIKE 'poison%')::int = 1") // what no attempt mends
    await invites(room, 'poison three')
    await invites(room, 'cat')
    await until('those behind it go on', async () => (await lines(olga, room)).length === 3)
    assert.deepEqual((await lines(olga, room)).slice(2), ['olga member:add cat'])
    assert.deepEqual((await dead()).map(line => [line.room, line.kind, line.sender, line.body, line.attempts >= 1000 || line.attempts, line.last_error]),
      [[room, 'member:add', 'olga', 'poison three', 1, 'invalid_argument'], [room, 'member:add', 'olga', 'poison two', true, 'internal']])
    assert.deepEqual((await dead({ limit: 1 })).map(({ body }) => body), ['poison three'])
    assert.match(stack.log('chat'), /"line\.dead"[^\n]*"code":"invalid_argument"/)

    // Whoever has mended what was wrong has it said after all, and forgets what is of no use.
    await refuses('')
    const [useless, late] = await dead()
    await stack.rpc('chat', 'line.retry', { line: late.id })
    await until('it is said', async () => (await lines(olga, room)).length === 4)
    assert.deepEqual((await lines(olga, room)).slice(3), ['olga member:add poison two'])
    await stack.rpc('chat', 'line.drop', { line: useless.id })
    assert.deepEqual(await dead(), [])
    await allSaid(room)
    for (const method of ['line.retry', 'line.drop']) await assert.rejects(stack.rpc('chat', method, { line: late.id }), /not_found/)
    assert.deepEqual(await lines(olga, other), ['olga member:add ben'])
  } finally {
    await refuses('')
  }
  olga.leaves()
})

for (const victim of ['store', 'chat']) {
  test(`kill -9 ${victim} while people come and go: each is said once, in their order`, { timeout: 90000 }, async () => {
    const [olga, max] = await arrive('olga', 'max')
    const { id: room } = await olga.makesRoom({ open: true, lines: true })
    await olga.joins(room)
    let coming = true, times = 0
    /** What is not answered is asked again: nothing was done, or it is so already. */
    const asks = async (event, arg) => {
      for (;;) {
        const answer = await max.socket.timeout(3000).emitWithAck(event, arg).catch(() => undefined)
        if (answer && !answer.error) return
        await pause(20)
      }
    }
    const work = (async () => {
      for (; coming; times++) {
        await asks('room:join', { room })
        await asks('room:remove', { room })
      }
    })()
    await until('people come and go', () => times > 5, 30000)
    await stack.kill(victim)
    await stack.ready()
    const before = times
    await until('people come and go again', () => times > before + 5, 30000)
    coming = false
    await work
    await allSaid(room)
    const said = await lines(olga, room)
    assert.deepEqual(said, Array.from({ length: times * 2 }, (_, i) => `max member:${i % 2 ? 'leave' : 'join'}`).slice(0, said.length))
    assert.equal(said.length, Math.min(200, times * 2))
    for (const person of [olga, max]) person.leaves()
  })
}

/** What the logs say, counted anew, and what follows from it in chat, for some places of each room: `room|place|head|messages behind it`. */
const PLACES = 'unnest(ARRAY[0, 1, 2, 3, 7, 20, 1000000]) AS p (place)'
const recount = () => stack.sql('store', `SELECT h.room_id, p.place, h.seq, (SELECT count(*) FROM message m LEFT JOIN message_now n USING (room_id, seq)
  WHERE m.room_id = h.room_id AND m.kind IS NULL AND n.delete_seq IS NULL AND m.seq > p.place) FROM room_head h, ${PLACES} ORDER BY 1, 2`)
const counted = () => stack.sql('chat', `SELECT a.room_id, p.place, a.seq, counted_after(a.room_id, p.place) FROM activity a, ${PLACES} ORDER BY 1, 2`)
const isCounted = async () => {
  await until('all is counted', async () => await counted() === await recount(), 30000)
  assert.equal(await stack.sql('chat', 'SELECT room_id, message_seq FROM activity WHERE message_seq IS NOT NULL ORDER BY 1'),
    await stack.sql('store', 'SELECT room_id, max(seq) FROM message WHERE kind IS NULL GROUP BY 1 ORDER BY 1'))
  assert.equal(await stack.sql('chat', 'SELECT count(*) FROM activity a WHERE silent <> (SELECT count(*) FROM activity_silent s WHERE s.room_id = a.room_id)'), '0')
}

test('what follows from the logs is written once, in order, whoever is killed', { timeout: 150000 }, async () => {
  const [olga] = await arrive('olga')
  const rooms = []
  for (let i = 0; i < 4; i++) rooms.push((await olga.makesRoom({ open: true, lines: i % 2 === 0 })).id)
  await olga.calls('room:invite', { room: rooms[0], members: ['ann', 'ben'] })
  let going = true, done = 0
  /** What is not answered is asked again under its id. */
  const asks = async (event, arg) => {
    for (;;) {
      const answer = await olga.socket.timeout(3000).emitWithAck(event, arg).catch(() => undefined)
      if (answer && !answer.error) return answer
      await pause(20)
    }
  }
  const work = Promise.all(rooms.map(async room => {
    for (let i = 0; going; i++, done++) {
      const { seq } = await asks('message:send', { room, id: randomUUID(), body: `message ${i}` })
      if (i % 3 === 1) await asks('message:edit', { room, seq, id: randomUUID(), body: 'another text' })
      if (i % 4 === 2) await asks('reaction:add', { room, seq, emoji: '👍', id: randomUUID() })
      if (i % 5 === 3) await asks('message:delete', { room, seq, id: randomUUID() })
    }
  }))
  for (const victim of ['chat', 'store', 'chat', 'store']) {
    const before = done
    await until('it goes on', () => done > before + 40, 30000)
    await stack.kill(victim)
    await stack.ready()
  }
  going = false
  await work
  for (let i = 0; i < 240; i++) await asks(`reaction:${i % 2 ? 'remove' : 'add'}`, { room: rooms[3], seq: 1, emoji: '🎉', id: randomUUID() }) // more than a batch takes of it
  await allSaid(rooms[0])
  await isCounted()

  // What comes again is behind the position; what a consumer does not have it has again; logs of before are handed on from their beginning.
  await stack.sql('store', 'UPDATE feed_place SET seq = 1')
  await olga.says(rooms[1], 'one more')
  await isCounted()
  await stack.sql('chat', `DELETE FROM activity WHERE room_id = '${rooms[2]}'`)
  await olga.says(rooms[2], 'one more')
  await isCounted()
  await stack.sql('chat', 'DELETE FROM activity')
  await stack.sql('store', 'DELETE FROM feed_place')
  await stack.kill('store')
  await stack.ready()
  await isCounted()
  olga.leaves()
})

test('how late a consumer is can be seen, and is said; a room of which nothing can be written holds up no other', { timeout: 90000 }, async () => {
  const { olga, room, leave } = await aRoom(), { id: other } = await olga.makesRoom({ open: true })
  const late = () => stack.metric('store', 'madang_store_feed_late_seconds', 'feed="activity"')
  const admin = await tokenFor(stack, await stack.issueKey({ policy: 'admin' }), 'adam')
  const alerts = async () => (await request(stack, 'GET', '/api/v1/admin/alerts?kind=feed_late', { token: admin })).json.data.alerts
  await isCounted()
  await stack.kill('store') // so that it has said nothing within this minute
  await stack.ready()
  await isCounted()
  const begun = Date.now()
  await stack.sql('chat', `ALTER TABLE activity ADD CONSTRAINT no_more CHECK (room_id <> '${room}') NOT VALID`) // a consumer that fails
  try {
    await olga.says(room, 'nobody counts this')
    for (let i = 0; i < 3; i++) {
      await olga.says(other, 'this is counted')
      await until('others are counted', async () => await stack.sql('chat', `SELECT counted_after('${other}', 0)`) === `${i + 1}`, 30000)
    }
    await until('it is late', async () => await late() >= 2, 30000)
    assert.ok(await stack.metric('store', 'madang_store_feed_rooms', 'feed="activity"') >= 1)
    await until('it is said', () => /"feed.late"[^\n]*"feed":"activity"/.test(stack.log('store')), 30000)
    await until('it is an alert', async () => (await alerts()).some(({ detail, last_at }) => /^\w+: \d+ s$/.test(detail) && last_at >= begun), 30000)
  } finally {
    await stack.sql('chat', 'ALTER TABLE activity DROP CONSTRAINT no_more')
  }
  await isCounted()
  await until('it is no longer late', async () => await late() === 0 && await stack.metric('store', 'madang_store_feed_rooms', 'feed="activity"') === 0)
  leave()
})

/** The same for each run with the same seed. */
function chances(seed) {
  let state = seed
  const next = () => { state = (state * 1103515245 + 12345) % 2147483648; return state / 2147483648 }
  return { below: n => Math.floor(next() * n), oneOf: list => list[Math.floor(next() * list.length)] }
}

/** One of all that can be done, to a message that is there; a refusal is as good. */
function aDeed({ oneOf, below }, room, newest) {
  const seq = 1 + below(newest), id = randomUUID()
  return oneOf([
    ['message:send', { room, id, body: `text ${id}` }],
    ['message:send', { room, id, body: `reply ${id}`, thread: seq }],
    ...Array(3).fill(['message:edit', { room, id, seq, body: `edited ${id}` }]),
    ...Array(4).fill(['reaction:add', { room, seq, emoji: oneOf(['👍', '🎉']) }]),
    ...Array(3).fill(['reaction:remove', { room, seq, emoji: oneOf(['👍', '🎉']) }]),
    ['pin:add', { room, seq }], ['pin:remove', { room, seq }], ['message:delete', { room, seq }],
  ])
}

test('a page, and what is heard behind its head, are the next page', { timeout: 90000 }, async () => {
  const { olga, max, room, leave } = await aRoom()
  for (let i = 0; i < 10; i++) await max.says(room, `number ${i}`)
  const seed = Date.now() % 100000, pages = []
  let done = 0
  const deeds = [olga, max].map(async (person, i) => {
    const luck = chances(seed + i)
    for (let n = 0; n < 300; n++, done++) await person.emits(...aDeed(luck, room, 20))
  })
  const reading = (async () => {
    while (done < 600) pages.push(await max.calls('message:list', { room, after: 0, limit: 200 }))
  })()
  await Promise.all([...deeds, reading])
  const last = await max.calls('message:list', { room, after: 0, limit: 200 })
  await until('all is heard', () => logOf(max, room).at(-1)?.seq === last.head)
  const log = logOf(max, room)
  isGapless(log)
  assert.ok(pages.length > 20 && log.length > 50, `${pages.length} pages were read of ${log.length} entries`)
  for (const { messages, head } of [...pages, last]) {
    const then = foldLog(log.slice(0, head))
    assert.deepEqual(messages.map(inOrder), shownTo('max', then), `seed ${seed}, page at ${head}`)
  }
  leave()
})
