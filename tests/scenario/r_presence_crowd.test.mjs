// r_presence_crowd - many who lose their connection and come back at once were never away, and are told so in an event or two.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Person } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const MEMBERS = 100

let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_CHAT_PRESENCE_GRACE_S: '300' } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

test('a hundred in one room whose gateway is killed hear two events at most, and nobody that somebody went', { timeout: 180000 }, async () => {
  const names = Array.from({ length: MEMBERS }, (_, i) => `m${i}`), back = new Set(), refused = []
  const people = await Promise.all(names.map(name => Person.arrives(stack, key, name, { reconnection: true })))
  const { id: room } = await people[0].makesRoom({ open: false, members: names.slice(1) })
  const watches = async person => {
    await person.joins(room)
    await person.calls('presence:watch', { room })
  }
  await Promise.all(people.map(watches))
  const rooms = (person, from = 0) => person.events.slice(from).filter(([event]) => event === 'presence').flatMap(([, change]) => change.rooms)
  const isWhole = (person, from) => rooms(person, from).some(one => one.whole && one.online === MEMBERS && one.people.length === MEMBERS)
  for (const person of people) await until(`${person.name} sees all`, () => isWhole(person) || rooms(person).at(-1)?.online === MEMBERS, 60000)
  const from = new Map(people.map(person => [person, person.events.length]))
  for (const person of people) person.socket.on('connect', () => watches(person).then(() => back.add(person), error => refused.push(error)))
  await stack.kill('gateway-1')
  await until('all are back', () => back.size === MEMBERS || refused.length > 0, 90000)
  assert.deepEqual(refused, [])
  for (const person of people) await until(`${person.name} sees all again`, () => isWhole(person, from.get(person)), 60000)
  await people[1].calls('presence:set', { state: 'busy' })
  const isBusy = ({ people: some = [] }) => some.some(({ subject, state }) => subject === 'm1' && state === 'busy')
  for (const person of people) await until(`${person.name} sees m1 busy`, () => rooms(person, from.get(person)).some(isBusy), 60000)
  for (const person of people) {
    const heard = person.events.slice(from.get(person)).filter(([event]) => event === 'presence')
    assert.ok(heard.length <= 2, `${person.name} heard ${heard.length}`)
    assert.deepEqual(rooms(person, from.get(person)).flatMap(one => one.people ?? []).filter(({ state }) => state === 'offline'), [])
  }
})
