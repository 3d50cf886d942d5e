// r_typing - who types in a room: heard by its others, and not between two of whom one blocks the other; nobody learns of a block by it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Person, everybodyLeaves, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const LONG = 60000

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

let n = 0
async function aRoom() {
  const names = ['ada', 'bo', 'cy'].map(name => `${name} ${++n}`)
  const people = await Promise.all([Person.arrives(places[0], key, names[0]), Person.arrives(places[1], key, names[1]), Person.arrives(places[0], key, names[2])])
  const { id: room } = await people[0].makesRoom({ open: false, members: names.slice(1) })
  await Promise.all(people.map(person => person.joins(room)))
  return [...people, room]
}
const leave = (...people) => people.forEach(person => person.leaves())
let marks = 0
const heard = (person, name, mark) => person.events.some(([event, arg]) => event === name && arg.mark === mark)
/** Does one see the other type? What is sent behind it, and no block stops, has come when it is answered: events of one sender come in order. */
async function sees(person, other, room, { event = 'typing', types = mark => other.calls(event, { room, mark }) } = {}) {
  const mark = ++marks
  assert.deepEqual(await types(mark) ?? {}, {})
  await other.calls('cursor', { room, mark })
  await until(`${person.name} hears what follows`, () => heard(person, 'cursor', mark), LONG)
  return heard(person, event, mark)
}
const isSeen = (is, person, other, room, more) => until(`${person.name} ${is ? 'sees' : 'does not see'} ${other.name} type`, async () => await sees(person, other, room, more) === is, LONG)
/** From a moment after the block on it is so, and stays so. */
async function staysSo(is, person, other, room, more) {
  await isSeen(is, person, other, room, more)
  for (let i = 0; i < 10; i++) assert.equal(await sees(person, other, room, more), is, `${other.name} for ${person.name}`)
}

test('between two of whom one blocks the other nobody is seen typing, either way, until it is taken back; all others see them', { timeout: 180000 }, async () => {
  const [ada, bo, cy, room] = await aRoom(), people = [ada, bo, cy]
  for (const person of people) for (const other of people) if (person !== other) assert.ok(await sees(person, other, room))
  await ada.calls('friend:block', { subject: bo.name })
  for (const event of ['typing', 'typing:start']) {
    await staysSo(false, ada, bo, room, { event })
    await staysSo(false, bo, ada, room, { event })
    for (const [person, other] of [[cy, ada], [cy, bo], [ada, cy], [bo, cy]]) await staysSo(true, person, other, room, { event })
  }
  // Each device of theirs, at whatever gateway, also one that comes after the block; and of state.
  const phone = await Person.arrives(places[1], key, ada.name)
  await phone.joins(room)
  assert.equal(await sees(phone, bo, room), false)
  assert.equal(await sees(phone, ada, room), true) // one's own
  assert.equal(await sees(ada, bo, room, { types: mark => bo.calls('typing', { room, mark, state: true }) }), false)
  // Blocked the other way, too, it is so while one of them does.
  await bo.calls('friend:block', { subject: ada.name })
  await ada.calls('friend:unblock', { subject: bo.name })
  for (const [person, other] of [[ada, bo], [bo, ada], [phone, bo]]) await staysSo(false, person, other, room)
  await bo.calls('friend:unblock', { subject: ada.name })
  for (const [person, other] of [[ada, bo], [bo, ada], [phone, bo]]) await staysSo(true, person, other, room)
  leave(ada, bo, cy, phone)
})

test('friends, and two in a room of two, are hidden alike, and the blocked one is answered as ever', { timeout: 180000 }, async () => {
  const [ada, bo, cy, room] = await aRoom()
  await ada.calls('friend:request', { subject: bo.name })
  await bo.calls('friend:accept', { subject: ada.name })
  const { id: direct } = await ada.calls('room:direct', { subject: bo.name })
  for (const person of [ada, bo]) await person.joins(direct)
  assert.ok(await sees(ada, bo, direct) && await sees(bo, ada, direct))
  const answer = await bo.emits('typing', { room: direct })
  await ada.calls('friend:block', { subject: bo.name })
  for (const where of [direct, room]) for (const [person, other] of [[ada, bo], [bo, ada]]) await staysSo(false, person, other, where)
  assert.deepEqual(await bo.emits('typing', { room: direct }), answer)
  assert.ok(await sees(cy, bo, room))
  leave(ada, bo, cy)
})

test('it holds for who is not known to be there: right after a chat was killed, and of what a back end says for somebody', { timeout: 240000 }, async () => {
  const caster = await stack.issueKey({ policy: 'chat-backend' })
  const [ada, bo, cy, room] = await aRoom()
  await ada.calls('friend:block', { subject: bo.name })
  await staysSo(false, ada, bo, room)
  // And who has never had a socket, as far as anybody knows.
  const name = `dan ${++n}`, dan = new Person(places[0], name, await tokenFor(places[0], caster, name))
  await ada.calls('room:invite', { room, members: [name] })
  await ada.calls('friend:block', { subject: name })
  const types = async mark => {
    const answer = await dan.rest('POST', `/api/v1/rooms/${room}/events`, { event: 'typing', data: { mark } })
    assert.ok(answer.status < 300, answer.text)
  }
  assert.equal(await sees(ada, bo, room, { types }), false)
  assert.equal(await sees(cy, bo, room, { types }), true)
  for (let i = 0; i < 2; i++) {
    for (const chat of ['chat', 'chat-2']) await stack.kill(chat)
    await stack.ready()
    await until('rooms are heard again', async () => !(await bo.emits('typing', { room })).error, LONG)
    await until('ada hears cy', () => sees(ada, cy, room).catch(() => false), LONG)
    for (let k = 0; k < 5; k++) assert.equal(await sees(ada, bo, room), false)
  }
  leave(ada, bo, cy)
})
