// r_entries - what is done to messages: each is an entry of the room's log, heard, caught up with and recovered like a message, and
// the message is read as it is then.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { randomUUID } from 'node:crypto'
import { startStack } from '../lib/stack.mjs'
import { Person, isGapless } from '../lib/people.mjs'
import { pause, until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_STORE_DELETE_WITHIN_S: '3600' } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

/** What a socket heard of a room's log. */
const logOf = (person, room) => person.events.filter(([event, entry]) => ['message', 'entry'].includes(event) && entry.room === room).map(([, entry]) => entry)
const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name)))
const hearsAll = (person, room, n) => until(`${person.name} hears ${n} entries`, () => logOf(person, room).length >= n)
const plain = ({ room, seq, id, sender, body, at, kind, target, thread }) => ({ room, seq, id, sender, body, at, kind, target, thread })
const list = async (person, room, query = '') => {
  const answer = await person.rest('GET', `/api/v1/rooms/${room}/messages${query}`)
  assert.equal(answer.status, 200, answer.text)
  return answer.json.data
}

/** A room of olga's with a member. */
async function aRoom() {
  const [olga, max] = await arrive('olga', 'max')
  const { id: room } = await olga.makesRoom({ open: false, members: ['max'] })
  await Promise.all([olga, max].map(person => person.joins(room)))
  return { olga, max, room, leave: () => [olga, max].forEach(person => person.leaves()) }
}

/** One of each kind, in a room with two messages of max's. */
async function oneOfEach({ olga, max, room }) {
  const first = await max.says(room, 'first'), second = await max.says(room, 'second')
  const reply = await olga.calls('message:send', { room, id: randomUUID(), body: 'a reply', thread: first.seq })
  const deeds = [
    [max, 'message:edit', { seq: first.seq, body: 'edited' }], [olga, 'reaction:add', { seq: first.seq, emoji: '👍' }],
    [max, 'reaction:add', { seq: first.seq, emoji: '👍' }], [max, 'reaction:add', { seq: first.seq, emoji: '🎉' }],
    [max, 'reaction:remove', { seq: first.seq, emoji: '🎉' }], [olga, 'pin:add', { seq: first.seq }],
    [olga, 'pin:add', { seq: second.seq }], [olga, 'pin:remove', { seq: second.seq }], [max, 'message:delete', { seq: second.seq }],
  ]
  const receipts = []
  for (const [person, event, draft] of deeds) receipts.push(await person.calls(event, { room, id: randomUUID(), ...draft }))
  return { first, second, reply, deeds, receipts, n: 3 + deeds.length }
}

test('each deed is an entry with the next seq, heard by all, caught up with and recovered', { timeout: 60000 }, async () => {
  const at = await aRoom(), { olga, max, room } = at
  const away = await Person.arrives(stack, key, 'max', { reconnection: false })
  await away.joins(room)
  await max.says(room, 'before')
  await hearsAll(away, room, 1)
  await away.losesConnection()
  const { deeds, receipts, n, first } = await oneOfEach(at)
  receipts.forEach((receipt, i) => assert.equal(receipt.seq, 5 + i))

  await Promise.all([olga, max].map(person => hearsAll(person, room, n + 1)))
  const heard = logOf(max, room)
  isGapless(heard)
  assert.deepEqual(logOf(olga, room), heard)
  deeds.forEach(([person, kind, draft], i) => {
    const { kind: said, target, sender, body } = heard[4 + i]
    assert.deepEqual([said, target, sender, body], [kind, draft.seq, person.name, draft.body ?? draft.emoji ?? ''])
  })
  assert.equal(heard[3].thread, first.seq)

  assert.ok(await away.comesBack(), 'the connection was taken up')
  await hearsAll(away, room, n + 1)
  isGapless(logOf(away, room))
  const late = await Person.arrives(stack, key, 'max')
  await late.joins(room, 1)
  await hearsAll(late, room, n)
  isGapless(logOf(late, room), 2)
  // What was deleted is not in what comes later, and all else is as it was heard.
  const gone = heard[2].seq
  for (const person of [away, late])
    assert.deepEqual(logOf(person, room).filter(e => e.seq > 1).map(plain), heard.slice(1).map(e => plain(e.seq === gone ? { ...e, body: '' } : e)))
  for (const person of [away, late]) person.leaves()
  at.leave()
})

test('a message is read as it is now', { timeout: 60000 }, async () => {
  const at = await aRoom(), { olga, max, room } = at
  const { first, second, reply, receipts } = await oneOfEach(at)
  const { messages, head } = await list(max, room)
  assert.equal(head, receipts.at(-1).seq)
  assert.deepEqual(messages.map(m => m.seq), [first.seq, second.seq, reply.seq])
  const [edited, deleted] = messages
  assert.equal(edited.body, 'edited')
  assert.equal(edited.edited_at, receipts[0].at)
  assert.equal(edited.pinned, true)
  assert.deepEqual([edited.replies, edited.last_reply], [1, reply.seq])
  assert.deepEqual(edited.reactions, [{ emoji: '👍', count: 2, mine: true }])
  assert.equal(deleted.body, '')
  assert.deepEqual([deleted.deleted_at, deleted.deleted_by, deleted.pinned], [receipts.at(-1).at, 'max', false])
  await olga.calls('reaction:remove', { room, seq: first.seq, emoji: '👍' })
  assert.deepEqual((await list(olga, room)).messages[0].reactions, [{ emoji: '👍', count: 1, mine: false }])
  at.leave()
})

test('who may do what: the rows of proto/entries.def', { timeout: 60000 }, async () => {
  const at = await aRoom(), { olga, max, room } = at
  const [mia] = await arrive('mia')
  await olga.calls('room:invite', { room, members: ['mia'] })
  const { seq } = await max.says(room, 'of max')
  const id = () => randomUUID()
  for (const person of [olga, mia]) await person.isRefused('message:edit', { room, seq, id: id(), body: 'not mine' }, 'forbidden')
  await mia.isRefused('message:delete', { room, seq }, 'forbidden')
  for (const person of [max, mia]) {
    await person.isRefused('pin:add', { room, seq }, 'forbidden')
    await person.isRefused('pin:remove', { room, seq }, 'forbidden')
  }
  await max.isRefused('message:edit', { room, seq: seq + 1, id: id(), body: 'none' }, 'not_found')
  await mia.isRefused('reaction:remove', { room, seq, emoji: '👍' }, 'not_found')
  const { seq: reply } = await mia.calls('message:send', { room, id: id(), body: 'a reply', thread: seq })
  await max.isRefused('message:send', { room, id: id(), body: 'deeper', thread: reply }, 'conflict')
  const { seq: entry } = await mia.calls('reaction:add', { room, seq, emoji: '👍' })
  await mia.isRefused('reaction:add', { room, seq: entry, emoji: '👍' }, 'not_found')

  // After its time one's own is no longer one's to change; the owner may still delete it.
  await stack.sql('store', `UPDATE message SET at = at - interval '3601 s' WHERE room_id = '${room}'`)
  await max.isRefused('message:delete', { room, seq }, 'forbidden')
  await max.calls('message:edit', { room, seq, id: id(), body: 'within a day' })
  await stack.sql('store', `UPDATE message SET at = at - interval '1 day' WHERE room_id = '${room}'`)
  await max.isRefused('message:edit', { room, seq, id: id(), body: 'too late' }, 'forbidden')
  await olga.calls('message:delete', { room, seq })
  for (const [event, more] of [['message:edit', { id: id(), body: 'gone' }], ['reaction:add', { emoji: '👀' }]])
    await olga.isRefused(event, { room, seq, ...more }, event === 'message:edit' ? 'forbidden' : 'not_found')
  await olga.isRefused('message:send', { room, id: id(), body: 'late', thread: seq }, 'not_found')
  assert.equal((await olga.rest('PATCH', `/api/v1/rooms/${room}/messages/${reply}`, { id: id(), body: 'x' })).status, 403)
  mia.leaves()
  at.leave()
})

test('a repeat is answered with the first one, and what is so already is not done again', { timeout: 60000 }, async () => {
  const at = await aRoom(), { olga, max, room } = at
  const { seq } = await max.says(room, 'a message')
  const draft = { room, seq, id: randomUUID(), body: 'edited' }
  const edit = await max.calls('message:edit', draft)
  const newer = await max.calls('message:edit', { ...draft, id: randomUUID(), body: 'newer' })
  assert.deepEqual(await max.calls('message:edit', draft), edit)
  assert.equal((await list(max, room)).messages[0].body, 'newer')   // the repeat of the first did not undo the second

  const path = `/api/v1/rooms/${room}`
  const add = await olga.rest('POST', `${path}/reactions`, { seq, emoji: '👍' })
  assert.equal(add.status, 201, add.text)
  assert.equal(add.json.data.seq, newer.seq + 1)
  assert.deepEqual((await olga.rest('POST', `${path}/reactions`, { seq, emoji: '👍' })).json.data, add.json.data)
  const remove = await olga.rest('DELETE', `${path}/reactions/${seq}/${encodeURIComponent('👍')}`)
  assert.deepEqual([remove.status, remove.json.data.seq], [200, newer.seq + 2], remove.text)
  const pin = await olga.rest('POST', `${path}/pins`, { seq })
  assert.deepEqual([pin.status, (await olga.rest('POST', `${path}/pins`, { seq })).json.data.seq], [201, pin.json.data.seq])
  assert.equal((await olga.rest('DELETE', `${path}/pins/${seq}`)).json.data.seq, pin.json.data.seq + 1)
  const gone = await max.rest('DELETE', `${path}/messages/${seq}`)
  assert.equal(gone.status, 200, gone.text)
  assert.deepEqual((await olga.rest('DELETE', `${path}/messages/${seq}`)).json.data, gone.json.data)
  assert.equal((await list(olga, room)).head, gone.json.data.seq)
  at.leave()
})

test('what one sends without waiting stays in its order', { timeout: 60000 }, async () => {
  const at = await aRoom(), { max, room } = at
  const { seq } = await max.says(room, 'a message')
  const kinds = []
  await Promise.all(Array.from({ length: 60 }, (_, i) => {
    const [event, more] = [['reaction:add', { emoji: '👍' }], ['message:send', { body: `${i}`, id: randomUUID() }],
      ['reaction:remove', { emoji: '👍' }], ['message:edit', { body: `${i}`, id: randomUUID() }]][i % 4]
    kinds.push(event === 'message:send' ? undefined : event)
    return max.calls(event, { room, seq, ...more })
  }))
  await hearsAll(max, room, 61)
  assert.deepEqual(logOf(max, room).slice(1).map(e => e.kind), kinds)
  assert.equal((await list(max, room, '?limit=1&before=2')).messages[0].body, '59')
  at.leave()
})

test('what a deleted message said is nowhere to be read', { timeout: 60000 }, async () => {
  const at = await aRoom(), { max, room } = at, secret = `secret ${randomUUID()}`
  const { seq } = await max.calls('message:send', { room, id: randomUUID(), body: secret, meta: { secret } })
  await max.calls('message:edit', { room, seq, id: randomUUID(), body: `${secret} edited` })
  await max.calls('message:delete', { room, seq })
  const late = await Person.arrives(stack, key, 'olga')
  await late.joins(room, 0)
  await hearsAll(late, room, 3)
  assert.doesNotMatch(JSON.stringify([late.events, await list(late, room)]), new RegExp(secret))
  assert.equal((await stack.sql('store', `SELECT count(*) AS n FROM removed WHERE body LIKE '${secret}%'`)).trim(), '2')
  late.leaves()
  at.leave()
})

/** Does deeds until told to stop, repeating what was not acknowledged. It edits each of its replies once: a message is edited so often and no more. */
function keepsDoing(person, room, seqs) {
  const acknowledged = new Map()
  let doing = true, reply
  const done = (async () => {
    for (let i = 0; doing; i++) {
      const seq = seqs[Math.floor(i / 4) % seqs.length], id = randomUUID()
      const [event, more] = [['reaction:add', { seq, emoji: '👍' }], ['message:send', { body: `${person.name} ${i}`, thread: seqs[0] }],
        ['message:edit', { seq: reply, body: `${person.name} ${i}` }], ['reaction:remove', { seq, emoji: '👍' }]][i % 4]
      for (;;) {
        const answer = await person.socket.timeout(2000).emitWithAck(event, { room, id, ...more }).catch(() => undefined)
        if (answer?.seq) {
          acknowledged.set(answer.seq, event)
          if (event === 'message:send') reply = answer.seq
          break
        }
        if (answer?.error) assert.ok(['unavailable', 'overloaded', 'deadline', 'shutting_down'].includes(answer.error.code), JSON.stringify(answer))
        if (!person.socket.connected) await until('connected again', () => person.socket.connected, 30000)
        else await pause(20)
      }
      await pause(2)
    }
  })()
  return { acknowledged, stop: () => { doing = false; return done } }
}

for (const victim of ['store', 'chat', 'gateway-1']) {
  test(`kill -9 ${victim} while things are done to messages`, { timeout: 90000 }, async () => {
    const at = await aRoom(), { olga, max, room } = at
    const seqs = []
    for (let i = 0; i < 4; i++) seqs.push((await max.says(room, `message ${i}`)).seq)
    const listener = await Person.arrives(stack, key, 'olga')
    const last = () => logOf(listener, room).at(-1)?.seq ?? 0
    const join = async () => {
      while (listener.socket.connected) {
        const answer = await listener.socket.timeout(5000).emitWithAck('room:join', { room, since: last() }).catch(() => undefined)
        if (answer && !answer.error) return
        await pause(50)
      }
    }
    listener.socket.on('connect', () => { if (!listener.socket.recovered) join() })
    await join()
    const work = keepsDoing(max, room, seqs)
    await until('things are done', () => logOf(listener, room).length > 30)
    await stack.kill(victim)
    await stack.ready()
    const before = work.acknowledged.size
    await until('things are done again', () => work.acknowledged.size > before + 20, 30000)
    await work.stop()

    const { head } = await list(olga, room, '?limit=1')
    await until('all is heard', () => last() === head)
    const heard = logOf(listener, room)
    isGapless(heard)
    assert.equal(new Set(heard.map(e => `${e.target > 0} ${e.id}`)).size, heard.length, 'an entry is in the log twice')
    for (const [seq, event] of work.acknowledged) assert.equal(heard[seq - 1].kind ?? 'message:send', event)

    // The view is what the log says.
    const { messages } = await list(max, room, '?after=0&limit=200')
    for (const message of messages) {
      const of = heard.filter(e => e.target === message.seq)
      assert.equal(message.body, of.filter(e => e.kind === 'message:edit').at(-1)?.body ?? heard[message.seq - 1].body)
      const reacts = of.filter(e => e.kind.startsWith('reaction')).at(-1)?.kind === 'reaction:add'
      assert.deepEqual(message.reactions ?? [], reacts ? [{ emoji: '👍', count: 1, mine: true }] : [])
    }
    const replies = heard.filter(e => e.thread === seqs[0])
    assert.deepEqual([messages[0].replies, messages[0].last_reply], [replies.length, replies.at(-1).seq])
    listener.leaves()
    at.leave()
  })
}
