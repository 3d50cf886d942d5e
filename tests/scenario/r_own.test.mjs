// r_own - what becomes another of one's rooms reaches each of one's sockets, which have joined none of them.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { startStack } from '../lib/stack.mjs'
import { Person } from '../lib/people.mjs'
import { pause, until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack({ gateways: 2 })
  key = await stack.issueKey()
})
after(() => stack?.stop())

const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name)))
const all = async person => {
  const rooms = new Map()
  for (let after; ;) {
    const page = await person.calls('room:list', { limit: 200, by: 'age', ...(after ? { after } : {}) })
    for (const room of page.rooms) rooms.set(room.id, room)
    if (!page.meta.next) return rooms
    after = page.meta.next
  }
}
const hears = (person, event, matches = () => true) => until(`${person.name} hears ${event}`, () => person.own.find(([name, arg]) => name === event && matches(arg))?.[1], 30000)
const ends = (person, room) => person.events.filter(([event, change]) => event === 'room:removed' && change.room === room)
const isOf = room => ([, arg]) => (arg.id ?? arg.room) === room

test('a room appears by itself on every socket, and what becomes another of it', { timeout: 60000 }, async () => {
  const people = await arrive('ada', 'bo', 'bo', 'cy'), [ada, bo, phone, cy] = people
  const { id: room } = await ada.makesRoom({ name: 'courtyard', open: false, members: ['bo'] })
  for (const device of [bo, phone]) assert.deepEqual(await hears(device, 'room:added', isOfRoom(room)), (await all(bo)).get(room))
  assert.equal((await hears(ada, 'room:added', isOfRoom(room))).role, 'owner')

  const said = await ada.says(room, 'hello')
  for (const device of [bo, phone]) {
    const changed = await hears(device, 'room:changed', one => one.id === room && one.last)
    assert.deepEqual([changed.last, changed.unread, changed.head], [{ seq: 1, at: said.at, sender: 'ada' }, 1, 1])
    assert.deepEqual(changed, (await all(bo)).get(room))
  }
  assert.equal((await hears(ada, 'room:changed', one => one.id === room && one.last)).unread, 0)

  await phone.calls('read:mark', { room, seq: 1 })
  for (const device of [bo, phone]) assert.deepEqual(await hears(device, 'read:changed', one => one.room === room), { room, read: 1, unread: 0, mentions: 0 })
  await phone.calls('room:mute', { room, muted: 'yes' })
  await hears(bo, 'room:changed', one => one.id === room && one.muted === 'yes')
  await ada.calls('room:update', { room, name: 'garden' })
  for (const device of [bo, phone]) await hears(device, 'room:changed', one => one.id === room && one.name === 'garden')
  await ada.calls('member:mute', { room, member: 'bo', for_s: 3600 }) // sockets are told once a second: a short one may be over by then
  await hears(phone, 'room:changed', one => one.id === room && !one.can.includes('write'))
  phone.own.length = 0
  await ada.calls('member:mute', { room, member: 'bo', for_s: 1 })
  await hears(phone, 'room:changed', one => one.id === room && one.can.includes('write')) // the mute is over
  await ada.calls('member:role', { room, member: 'bo', role: 'moderator' })
  await hears(phone, 'room:changed', one => one.id === room && one.role === 'moderator')

  // Who joined it hears what is said as messages alone, and of its end once as well.
  await phone.joins(room)
  const from = phone.own.length
  await ada.says(room, 'to who is there')
  await hears(bo, 'room:changed', one => one.id === room && one.last?.seq === 2)
  await bo.calls('read:mark', { room, seq: 2 })
  await hears(phone, 'read:changed', one => one.room === room && one.read === 2)
  assert.deepEqual([phone.heard.map(message => message.seq), phone.own.slice(from).map(([event]) => event)], [[2], ['read:changed']])
  await ada.calls('room:remove', { room, member: 'bo' })
  for (const device of [bo, phone]) await until('it has ended', () => ends(device, room).length > 0)
  await ada.calls('room:invite', { room, members: ['bo', 'cy'] })
  await hears(cy, 'room:added', isOfRoom(room))
  for (const device of [bo, phone]) await hears(device, 'room:added', one => one.id === room && one.name === 'garden')
  assert.deepEqual([bo, phone].map(device => ends(device, room).length), [1, 1])
  await ada.calls('room:remove', { room }) // bo owns it now, or cy: who has the higher role, then the first
  await until('somebody owns it', () => [bo, cy].some(one => one.own.some(([event, arg]) => event === 'room:changed' && arg.id === room && arg.role === 'owner')))
  const owner = [...(await all(bo)).values()].find(one => one.id === room).role === 'owner' ? bo : cy
  await owner.calls('room:delete', { room })
  for (const device of [bo, phone]) await until('it is deleted', () => ends(device, room).length === 2)
  await until('for cy, too', () => ends(cy, room).length === 1)
  assert.equal(ends(ada, room).length, 1)
  const direct = await ada.calls('room:direct', { subject: 'cy' })
  assert.equal((await hears(cy, 'room:added', isOfRoom(direct.id))).peer, 'ada')
  people.forEach(person => person.leaves())
})

test('whatever is said, a socket is told once in a while, and at last how it is', { timeout: 90000 }, async () => {
  const people = await arrive('dan', 'eli'), [dan, eli] = people, ROOMS = 12, MESSAGES = 20
  const rooms = []
  for (let i = 0; i < ROOMS; i++) rooms.push((await dan.makesRoom({ open: false, members: ['eli'] })).id)
  for (const room of rooms) await hears(eli, 'room:added', isOfRoom(room))
  const from = eli.own.length, begun = Date.now()
  for (let i = 0; i < MESSAGES; i++) {
    await Promise.all(rooms.map(room => dan.says(room, `number ${i}`)))
    await pause(100) // so that each batch of the log is another
  }
  for (const room of rooms) await hears(eli, 'room:changed', one => one.id === room && one.unread === MESSAGES && one.last.seq === MESSAGES)
  const seconds = (Date.now() - begun) / 1000
  for (const room of rooms) {
    const told = eli.own.slice(from).filter(isOf(room))
    assert.ok(told.length <= seconds + 2, `${told.length} times in ${seconds} s`)
    for (let i = 1; i < told.length; i++) assert.ok(told[i][1].head >= told[i - 1][1].head)
  }
  people.forEach(person => person.leaves())
})

test('a block is silent, and so is a room to who is not in it', { timeout: 60000 }, async () => {
  const people = await arrive('fay', 'gil', 'hal'), [fay, gil, hal] = people
  const { id: direct } = await fay.calls('room:direct', { subject: 'gil' })
  const { id: other } = await gil.makesRoom({ open: true, members: ['fay'] })
  for (const room of [direct, other]) await hears(fay, 'room:added', isOfRoom(room))
  await fay.calls('friend:block', { subject: 'gil' })
  const from = { fay: fay.own.length, events: fay.events.length }
  await gil.says(direct, 'to nobody')
  await until('it is counted', async () => (await all(gil)).get(direct).head === 1, 30000)
  await gil.says(other, 'to all')
  await hears(fay, 'room:changed', one => one.id === other && one.last)
  assert.deepEqual(fay.own.slice(from.fay).filter(isOf(direct)), [])
  assert.deepEqual(fay.events.slice(from.events), [])
  assert.equal((await hears(gil, 'room:changed', one => one.id === direct && one.last)).unread, 0) // who is blocked sees what they would without it
  await fay.calls('friend:unblock', { subject: 'gil' })
  await gil.says(direct, 'to her')
  assert.equal((await hears(fay, 'room:changed', one => one.id === direct)).unread, 2)
  assert.deepEqual([hal.own, hal.events], [[], []])
  people.forEach(person => person.leaves())
})

test('nothing of it is lost when chat or a gateway dies, and of 2,000 rooms none is joined', { timeout: 240000 }, async () => {
  const ROOMS = 2000
  await stack.sql('chat', `WITH made AS (INSERT INTO room (id, name, open, created_by, created_at, members)
    SELECT gen_random_uuid(), 'n' || n, true, 'ivy', now() - interval '1 day', 2 FROM generate_series(1, ${ROOMS}) n RETURNING id)
    INSERT INTO member (room_id, subject, role, joined_at) SELECT id, s, CASE s WHEN 'ivy' THEN 'owner' ELSE 'member' END, now() - interval '1 day' FROM made, unnest(ARRAY['ivy', 'jan']) s`)
  const [ivy] = await arrive('ivy'), devices = []
  for (let i = 0; i < 4; i++) devices.push(await new Person(stack, 'jan', (await arrive('jan'))[0].token).connects())
  /** What a client knows: the list, and what it has heard since. */
  const known = new Map()
  for (const device of devices) {
    const mine = new Map()
    known.set(device, mine)
    device.socket.onAny((event, arg) => {
      if (event === 'room:added' || event === 'room:changed') mine.set(arg.id, arg)
      else if (event === 'read:changed') mine.set(arg.room, { ...mine.get(arg.room), ...arg, marked_at: arg.marked_at })
      else if (event === 'room:removed') mine.delete(arg.room)
    })
    device.socket.on('connect', async () => { // begun anew, it asks for all
      if (device.socket.recovered) return
      for (const [id, room] of await all(device)) mine.set(id, room)
    })
    for (const [id, room] of await all(device)) mine.set(id, room)
    assert.equal(mine.size, ROOMS)
  }
  const rooms = [...known.get(devices[0]).keys()]
  let going = true, done = 0
  const asks = async (event, arg) => {
    for (;;) {
      const answer = await ivy.socket.timeout(3000).emitWithAck(event, arg).catch(() => undefined)
      if (answer && !answer.error) return answer
      await pause(20)
    }
  }
  const work = (async () => {
    for (let i = 0; going; i++, done++) {
      const room = rooms[(i * 7) % 60]
      await asks('message:send', { room, id: randomUUID(), body: `message ${i}` })
      if (i % 5 === 1) await asks('room:update', { room, name: `room ${i}` })
      if (i % 7 === 2) await asks('room:remove', { room: rooms[60 + i % 40], member: 'jan' })
      if (i % 7 === 5) await asks('room:invite', { room: rooms[60 + (i - 3) % 40], members: ['jan'] })
      if (i % 11 === 3) await asks('room:create', { name: `made ${i}`, members: ['jan'], client_key: randomUUID() })
    }
  })()
  for (const victim of ['chat', 'gateway-1', 'chat', 'gateway-2']) {
    const before = done
    await until('it goes on', () => done > before + 25, 30000)
    await stack.kill(victim)
    await stack.ready()
  }
  going = false
  await work
  const seen = room => [room.id, room.name, room.head, room.unread, room.read, room.role, room.last?.seq]
  await until('each device knows how it is', async () => {
    const is = JSON.stringify([...(await all(devices[0])).values()].map(seen))
    return devices.every(device => JSON.stringify([...known.get(device).values()].sort((a, b) => a.id < b.id ? 1 : -1).map(seen)) === is)
  }, 60000)
  ivy.leaves()
  devices.forEach(device => device.leaves())
})

test('what nobody told a gateway it asks for when chat is back, page by page', { timeout: 60000 }, async () => {
  const MISSED = 450
  const [kim] = await arrive('kim')
  await stack.sql('chat', `WITH made AS (INSERT INTO room (id, name, open, created_by, created_at, members)
    SELECT gen_random_uuid(), 'missed ' || n, true, 'lou', now(), 2 FROM generate_series(1, ${MISSED}) n RETURNING id)
    INSERT INTO member (room_id, subject, role, joined_at) SELECT id, s, CASE s WHEN 'lou' THEN 'owner' ELSE 'member' END, now() FROM made, unnest(ARRAY['lou', 'kim']) s`)
  assert.deepEqual(kim.own, [])
  await stack.kill('chat')
  const firsts = () => new Map([...kim.own].reverse().map(([event, room]) => [room.id, event])) // an event may come again
  await until('all of them appear', () => firsts().size >= MISSED, 30000)
  assert.equal(firsts().size, MISSED)
  assert.deepEqual([...new Set(firsts().values())], ['room:added'])
  const gone = kim.own[7][1].id
  await stack.sql('chat', `DELETE FROM member WHERE room_id = '${gone}' AND subject = 'kim'`)
  await stack.kill('chat')
  await until('one of them is gone', () => ends(kim, gone).length > 0, 30000)
  assert.deepEqual([...new Set(kim.events.filter(([event]) => event === 'room:removed').map(([, { room }]) => room))], [gone])
  kim.leaves()
})

function isOfRoom(id) { return room => room.id === id }
