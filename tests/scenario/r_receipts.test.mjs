// r_receipts - up to where the others have read: who sees it, live and in lists, and who does not.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Person, everybodyLeaves } from '../lib/people.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let stack, key, places
before(async () => {
  stack = await startStack({ gateways: 2, ownPorts: true, chats: 2 })
  key = await stack.issueKey()
  places = stack.gatewayPorts.map(port => ({ ...stack, ca: stack.ca, url: `https://127.0.0.1:${port}` })) // the same stack, by way of one of its gateways
})
after(() => {
  places?.forEach(everybodyLeaves)
  return stack?.stop()
})

const arrivesAt = (gateway, name) => Person.arrives(places[gateway], key, name)
const arrive = (...names) => Promise.all(names.map(name => arrivesAt(0, name)))
const leave = (...people) => people.forEach(person => person.leaves())

const pageOf = (person, room, query = {}) => person.calls('receipt:list', { room, ...query })
/** { subject: seq } as the list has it, and what it shows. */
async function listed(person, room, query) {
  const { shows, receipts } = await pageOf(person, room, query)
  return [shows, Object.fromEntries(receipts.map(({ subject, read }) => [subject, read]))]
}
const isListed = async (person, room, ...expected) => assert.deepEqual(await listed(person, room), expected)
const changesOf = (person, room) => person.receipts.filter(change => change.room === room)
const speakers = new Map() // of rooms: where they have read their messages say, and a process that has just begun says it, too
/** All that a person's socket was told: [subject, seq]. */
const heard = (person, room) => changesOf(person, room).flatMap(({ receipts = [] }) => receipts).map(({ subject, read }) => [subject, read]).filter(([subject]) => subject !== speakers.get(room))
/** { subject: seq } after that. */
const told = (person, room) => Object.fromEntries(heard(person, room))
const isTold = (person, room, subject, seq) => until(`${person.name} hears that ${subject} has read ${seq}`, () => told(person, room)[subject] === seq, 30000)
const reads = (person, room, seq) => person.calls('read:mark', { room, seq })

/** A closed room of these, which all of them have joined, with some messages of the first one's. */
async function aRoomOf(people, { says = 5, ...more } = {}) {
  const [first, ...others] = people
  const { id: room } = await first.makesRoom({ open: false, members: others.map(({ name }) => name), ...more })
  speakers.set(room, first.name)
  await Promise.all(people.map(person => person.joins(room)))
  for (let i = 0; i < says; i++) await first.says(room, `message ${i + 1}`)
  await until('what was said counts as read by who said it', async () => (await first.calls('room:list', {})).rooms.find(({ id }) => id === room).read === says, 30000)
  return room
}

test('members see up to where the others have read, at every gateway, live and in a list', { timeout: 120000 }, async () => {
  const [ada, bo, cy] = [await arrivesAt(0, 'ada'), await arrivesAt(1, 'bo'), await arrivesAt(0, 'cy')]
  const room = await aRoomOf([ada, bo, cy])
  assert.deepEqual(changesOf(ada, room), [])
  await isListed(bo, room, 'names', { ada: 5 }) // who speaks has read; who came in and has read nothing is not in it
  const before = Date.now()
  await reads(bo, room, 3)
  await Promise.all([isTold(ada, room, 'bo', 3), isTold(cy, room, 'bo', 3)])
  const { receipts: [receipt] } = changesOf(ada, room)[0]
  assert.ok(Math.abs(receipt.at - before) < 60000)
  await isListed(ada, room, 'names', { bo: 3 }) // without oneself
  await reads(bo, room, 2) // another device is behind: a place never goes back, and nobody is told again
  await reads(cy, room, 5)
  await isTold(ada, room, 'cy', 5)
  await isTold(bo, room, 'cy', 5)
  assert.deepEqual([told(ada, room), told(bo, room)], [{ bo: 3, cy: 5 }, { cy: 5 }])
  assert.deepEqual((await pageOf(ada, room)).receipts[0], receipt)
  // Who has read a message, and page by page.
  assert.deepEqual(await Promise.all([3, 4, 5, 6].map(seq => listed(ada, room, { seq }))), [['names', { bo: 3, cy: 5 }], ['names', { cy: 5 }], ['names', { cy: 5 }], ['names', {}]])
  const first = await pageOf(ada, room, { limit: 1 }), second = await pageOf(ada, room, { limit: 1, after: first.next })
  assert.deepEqual([first.receipts, first.next, second.receipts.map(({ subject }) => subject)], [[receipt], 'bo', ['cy']])
  const answer = await ada.rest('GET', `/api/v1/rooms/${room}/receipts?seq=4`)
  assert.deepEqual([answer.status, answer.json.data.receipts.map(({ subject, read }) => [subject, read])], [200, [['cy', 5]]])
  leave(ada, bo, cy)
})

test('whatever is read on three devices each: who listened and who asks know the same', { timeout: 120000 }, async () => {
  const names = ['dot', 'eli', 'flo', 'gus']
  const devices = (await Promise.all(names.map(name => Promise.all([0, 1, 0].map(gateway => arrivesAt(gateway, name))))))
  const room = await aRoomOf(devices.map(([one]) => one), { says: 40 })
  await Promise.all(devices.flatMap(list => list.slice(1)).map(person => person.joins(room)))
  const most = { dot: 40 }
  let seed = 7
  const random = n => (seed = (seed * 1103515245 + 12345) % 2147483648) % n
  const marks = Array.from({ length: 120 }, () => [random(4), random(3), 1 + random(40)])
  for (const [who, , seq] of marks) most[names[who]] = Math.max(most[names[who]] ?? 0, seq)
  await Promise.all([0, 1, 2].map(async device => { for (const [who, with_, seq] of marks) if (with_ === device) await reads(devices[who][device], room, seq) }))
  for (const [i, name] of names.entries()) {
    const others = Object.fromEntries(Object.entries(most).filter(([other]) => other !== name).sort())
    await isListed(devices[i][0], room, 'names', others)
    const heardOf = Object.entries(others).filter(([other]) => other !== 'dot')
    for (const device of devices[i])
      await until(`${name} was told the same`, () => JSON.stringify(Object.entries(told(device, room)).sort()) === JSON.stringify(heardOf), 30000)
  }
  leave(...devices.flat())
})

test('however much is read, a socket is told of a room once in a second', { timeout: 120000 }, async () => {
  const people = await arrive('hal', 'ida', 'jon', 'kit')
  const room = await aRoomOf(people, { says: 60 }), [hal, ...others] = people
  const from = Date.now()
  for (let seq = 1; seq <= 60; seq++) await Promise.all(others.map(person => reads(person, room, seq)))
  await Promise.all(others.map(({ name }) => isTold(hal, room, name, 60)))
  const n = changesOf(hal, room).length, seconds = (Date.now() - from) / 1000
  assert.ok(n <= seconds + 2, `${n} events in ${seconds} s`)
  leave(...people)
})

test('an owner says whether a room shows it; what was read while it did not is not shown later', { timeout: 120000 }, async () => {
  const [leo, mia, nan] = await arrive('leo', 'mia', 'nan')
  const room = await aRoomOf([leo, mia, nan])
  assert.equal((await mia.calls('room:get', { room })).receipts, true)
  await leo.calls('member:role', { room, member: 'mia', role: 'admin' })
  await mia.isRefused('room:update', { room, receipts: 'no' }, 'forbidden', /receipts/)
  await leo.isRefused('room:update', { room, receipts: 'perhaps' }, 'invalid_argument', /receipts/)
  const { until: since } = await mia.calls('sync', {})
  assert.deepEqual([(await leo.calls('room:update', { room, receipts: 'no' })).receipts, (await leo.calls('room:get', { room })).receipts], [false, false])
  assert.equal((await mia.calls('sync', { since })).rooms.find(({ id }) => id === room).receipts, false) // more than a head
  assert.equal((await mia.calls('room:list', {})).rooms.find(({ id }) => id === room).receipts, false)
  await reads(nan, room, 4)
  await isListed(leo, room, 'nothing', {})
  assert.equal((await leo.rest('PATCH', `/api/v1/rooms/${room}`, { receipts: 'yes' })).status, 200)
  await leo.calls('room:update', { room, receipts: 'yes' }) // since when it was said first
  await isListed(mia, room, 'names', {})
  await reads(mia, room, 2)
  await isTold(leo, room, 'mia', 2)
  await leo.calls('room:update', { room, receipts: 'yes' })
  await isListed(leo, room, 'names', { mia: 2 })
  await reads(nan, room, 5)
  await isTold(leo, room, 'nan', 5)
  assert.deepEqual(heard(leo, room).filter(([subject, read]) => subject === 'nan' && read !== 5), [])
  const quiet = await leo.makesRoom({ open: false, members: ['mia'], receipts: false })
  assert.deepEqual([quiet.receipts, await listed(leo, quiet.id)], [false, ['nothing', {}]])
  leave(leo, mia, nan)
})

test('who takes no part neither shows nor sees it, and afterwards shows nothing of that time', { timeout: 120000 }, async () => {
  const [oda, pia, quin] = await arrive('oda', 'pia', 'quin')
  const room = await aRoomOf([oda, pia, quin])
  assert.deepEqual(await pia.calls('receipt:mine', {}), { shown: true })
  await reads(pia, room, 1)
  await isTold(oda, room, 'pia', 1)
  assert.deepEqual(await pia.calls('receipt:set', { shown: false }), { shown: false })
  assert.deepEqual((await pia.rest('GET', '/api/v1/receipts/me')).json.data, { shown: false })
  await isListed(pia, room, 'nothing', {})
  await isListed(quin, room, 'names', { oda: 5 })
  await reads(pia, room, 3)
  await reads(quin, room, 3)
  await isTold(oda, room, 'quin', 3)
  assert.deepEqual([told(oda, room), told(pia, room)], [{ pia: 1, quin: 3 }, {}])
  assert.equal((await pia.rest('PUT', '/api/v1/receipts/me', { shown: true })).status, 200)
  await isListed(pia, room, 'names', { oda: 5, quin: 3 })
  await isListed(oda, room, 'names', { quin: 3 })
  await reads(pia, room, 4)
  await isTold(oda, room, 'pia', 4)
  await isListed(oda, room, 'names', { pia: 4, quin: 3 })
  await pia.isRefused('receipt:set', {}, 'invalid_argument', /shown/)
  leave(oda, pia, quin)
})

/** Whoever of the two blocks: neither is told of the other, nor has them in a list; a third one sees both. */
async function isHidden(blocker) {
  const names = ['host', 'one', 'two', 'third'].map(name => `${name}: ${blocker}`), [host, one, two, third] = names
  const people = await arrive(...names), [, a, b, c] = people, room = await aRoomOf(people, { says: 6 })
  const acts = async event => {
    if (blocker !== 'second') await a.calls(event, { subject: two })
    if (blocker !== 'first') await b.calls(event, { subject: one })
  }
  await acts('friend:block')
  await reads(a, room, 6)
  await reads(b, room, 4)
  await reads(c, room, 6)
  await isTold(c, room, one, 6)
  await isTold(c, room, two, 4)
  await Promise.all([a, b].map(person => isListed(person, room, 'names', { [host]: 6, [third]: 6 })))
  await isListed(c, room, 'names', { [host]: 6, [one]: 6, [two]: 4 })
  await reads(b, room, 5)
  await isTold(c, room, two, 5) // by then a would have been told, too
  assert.deepEqual([told(a, room)[two], told(b, room)[one]], [undefined, undefined])
  await acts('friend:unblock')
  await isListed(a, room, 'names', { [host]: 6, [third]: 6, [two]: 5 })
  await reads(b, room, 6)
  await isTold(a, room, two, 6)
  leave(...people)
}

test('of two of whom one blocks the other neither sees where the other has read', { timeout: 120000 }, () => Promise.all(['first', 'second', 'both'].map(isHidden)))

test('of a room with more than 200 members there is a number alone, and only members ask for it', { timeout: 120000 }, async () => {
  const [rex, sue, tim, uma] = await arrive('rex', 'sue', 'tim', 'uma')
  const room = await aRoomOf([rex, sue, tim])
  for (let i = 0; i < 2; i++) await rex.calls('room:invite', { room, members: Array.from({ length: 98 }, (_, k) => `extra ${i * 98 + k}`) })
  await rex.calls('room:invite', { room, members: ['nearly one too many'] })
  await reads(sue, room, 3) // 200 of them
  await isTold(rex, room, 'sue', 3)
  await rex.calls('room:invite', { room, members: ['one too many'] })
  await isListed(rex, room, 'count', {})
  await reads(tim, room, 5)
  await sue.calls('receipt:set', { shown: false })
  const counts = async person => Promise.all([3, 5, 6].map(async seq => (await pageOf(person, room, { seq })).count))
  assert.deepEqual(await counts(rex), [2, 2, 0]) // rex, who has spoken, and tim
  await rex.calls('friend:block', { subject: 'tim' })
  assert.deepEqual([await counts(rex), await counts(tim)], [[2, 2, 0], [2, 2, 0]]) // the same for all
  assert.equal((await pageOf(rex, room)).count, undefined)
  await rex.calls('room:remove', { room, member: 'one too many' })
  await sue.calls('receipt:set', { shown: true })
  await reads(sue, room, 4)
  await isTold(rex, room, 'sue', 4)
  assert.equal(told(rex, room).tim, undefined)
  await uma.isRefused('receipt:list', { room }, 'forbidden')
  await rex.calls('room:remove', { room, member: 'tim' })
  await tim.isRefused('receipt:list', { room, seq: 1 }, 'forbidden')
  await sue.calls('receipt:set', { shown: true })
  leave(rex, sue, tim, uma)
})

test('what was read right before a chat was killed is told by the one that comes after it', { timeout: 120000 }, async () => {
  const [val, wim] = await arrive('val', 'wim')
  const rooms = await Promise.all([1, 2, 3, 4].map(() => aRoomOf([val, wim], { says: 2 }))) // of both parts
  await Promise.all(rooms.map(room => reads(wim, room, 2)))
  await Promise.all(['chat', 'chat-2'].map(part => stack.kill(part)))
  for (const room of rooms) await isTold(val, room, 'wim', 2)
  leave(val, wim)
})

test('the client of docs/receipts.md knows what the list says, while it hears and when it comes back', { timeout: 120000 }, async () => {
  const [code] = /```js\n([^]*?)```/.exec(readFileSync(join(root, 'docs/receipts.md'), 'utf8')).slice(1)
  const [liv, max] = [await arrivesAt(0, 'liv'), await arrivesAt(1, 'max')], uwe = await arrivesAt(0, 'uwe')
  const room = await aRoomOf([liv, max, uwe])
  await reads(max, room, 2) // before the client looks
  const read = new Function('socket', 'room', `${code}; return read`)(uwe.socket, room)
  const agrees = async (seq, speaker) => until('the client knows what the list says', async () => {
    const [, list] = await listed(uwe, room)
    const known = Object.fromEntries([...read].filter(([subject]) => subject !== 'uwe'))
    return list.max === seq && list.liv === speaker && JSON.stringify(Object.entries(known).sort()) === JSON.stringify(Object.entries(list).sort())
  }, 30000)
  await uwe.losesConnection()
  await reads(max, room, 3) // while it is away
  await uwe.comesBack()
  await agrees(3, 5)
  await reads(max, room, 4)
  await agrees(4, 5)
  await liv.says(room, 'message 6')
  await agrees(4, 6)
  leave(liv, max, uwe)
})
