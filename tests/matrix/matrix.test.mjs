// matrix.test.mjs - every ROUTE and ON row, each caller, each state, over every path: expectations.mjs says what is answered.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Person, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { env, makeCallers, over, paths, socketOver, transports } from './callers.mjs'
import { Scene, waysOf } from './deeds.mjs'
import { callers, deeds, hearings, losses } from './expectations.mjs'
import { Hearing } from './hearing.mjs'
import { losesAway, losesPresent, losesWhileComingBack, losesWhileJoining } from './lost.mjs'
import { byCaller, complaints, contract } from './rows.mjs'

let stack, made, scene, hearing
const sockets = {} // of each caller: { path: { person } or { refused } }
const silent = [] // strangers' sockets that are there all the time
const ofStrangers = new Set() // their own rooms

before(async () => {
  stack = await startStack({ env })
  made = await makeCallers(stack)
  scene = new Scene(stack, made)
  await scene.opens()
  for (const caller of Object.values(made)) {
    const entries = await Promise.all(paths.map(async path => [path, await socketOver(stack, path, caller)]))
    sockets[caller.name] = Object.fromEntries(entries)
  }
  await strangersListen()
  hearing = new Hearing(stack, made, sockets)
})
after(() => stack?.stop())

/** Notices are for everybody. */
const isForSomebody = ([event]) => event !== 'notice' && event !== 'notice:end'

/** In every namespace, over every transport, in a room of its own. */
async function strangersListen() {
  const token = await tokenFor(stack, await stack.issueKey(), 'silent')
  for (const namespace of ['/', '/chat', '/notification', '/error', '/system'])
    for (const transport of Object.keys(transports)) {
      const person = new Person(stack, `a silent stranger in ${namespace}, ${transport}`, token)
      await person.connects({ ...over(transport), namespace })
      if (namespace === '/chat') {
        const { id } = await person.makesRoom()
        ofStrangers.add(id)
        await person.joins(id)
      }
      silent.push(person)
    }
}

test('a row without an expectation for each caller is a complaint, and so is an expectation without a row', () => {
  assert.deepEqual(complaints(), [])
  const without = (list, i) => list.filter((_, at) => at !== i)
  contract.routes.forEach((_, i) => assert.ok(complaints({ ...contract, routes: without(contract.routes, i) }).length))
  contract.events.forEach((_, i) => assert.ok(complaints({ ...contract, events: without(contract.events, i) }).length))
  contract.heard.forEach((_, i) => assert.ok(complaints({ ...contract, heard: without(contract.heard, i) }).length))
  for (const name of Object.keys(deeds).filter(name => deeds[name].rows.length)) assert.ok(complaints(contract, { ...deeds, [name]: { ...deeds[name], rows: [] } }).length, name)
  for (const name of Object.keys(hearings)) {
    const { [name]: gone, ...rest } = hearings
    assert.ok(complaints(contract, deeds, rest).length && complaints(contract, deeds, { ...hearings, [`${name}x`]: gone }).length, name)
  }
})

const rowsOf = ([name, deed]) => deed.rows.length ? deed.rows.map(row => [row, name, deed]) : [[name, name, deed]]

for (const [row, name, deed] of Object.entries(deeds).flatMap(rowsOf))
  describe(row, () => {
    for (const caller of Object.keys(callers))
      test(`${row}: ${caller}`, async () => {
        const cells = Object.entries(deed.states).flatMap(([state, answers]) =>
          waysOf(scene, row, name, state, made[caller], sockets).map(([path, run]) => ({ state, path, run, expected: byCaller(answers)[caller] })))
        assert.ok(cells.length > 0)
        const wrong = await Promise.all(cells.map(async ({ state, path, run, expected }) => {
          const got = await run()
          return got === expected ? '' : `${row} as ${caller}, ${state}, over ${path}: ${got}, not ${expected}`
        }))
        assert.deepEqual(wrong.filter(Boolean), [])
      })
  })

for (const [loss, expected] of Object.entries(losses))
  describe(`a right is lost: ${loss}`, () => {
    for (const transport of Object.keys(transports)) {
      test(`${loss}, while the socket is away, ${transport}`, () => losesAway(scene, loss, expected, transport))
      test(`${loss}, while the socket is there, ${transport}`, () => losesPresent(scene, loss, expected, transport))
    }
  })

test('a membership that ends while its socket joins leaves nobody in the room', () => losesWhileJoining(scene))
test('nor does one that ends while a connection is taken up again', () => losesWhileComingBack(scene))

/** The last one ends the gateway. */
const inOrder = Object.entries(hearings).sort(([a], [b]) => (a === '* server:closing') - (b === '* server:closing'))

describe('strangers who listened all the time', () => {
  test('have heard nothing', async () => {
    for (const person of silent) {
      assert.ok(person.socket.connected, `${person.name} is there`)
      await person.emits('no:such', {})
      assert.deepEqual(person.events.filter(isForSomebody), [], person.name)
      assert.deepEqual(person.own.filter(([, room]) => !ofStrangers.has(room.id)), [], person.name)
    }
  })
})

for (const [row, scenarios] of inOrder)
  describe(`who hears ${row}`, () => {
    for (const [scenario, who] of Object.entries(scenarios))
      test(`${row}, ${scenario}`, async () => {
        const expected = byCaller(who)
        const heard = await hearing.plays(row, scenario, who)
        const wrong = Object.keys(callers).flatMap(caller => {
          const sockets = heard[caller] ?? {}
          const counts = Object.entries(sockets)
          if (expected[caller] === 'away') return counts.length ? [`${caller} has a socket`] : []
          if (!counts.length) return [`${caller} has no socket`]
          return counts.filter(([, n]) => n !== (expected[caller] === 'hears' ? 1 : 0)).map(([path, n]) => `${caller}, over ${path}: heard it ${n} times, and ${expected[caller]} was expected`)
        })
        assert.deepEqual(wrong, [])
        const leaks = silent.flatMap(person => [...person.events, ...person.receipts.map(change => ['receipts', change])].filter(isForSomebody).filter(([event]) => event !== 'server:closing').map(event => `${person.name} heard ${JSON.stringify(event)}`))
        assert.deepEqual(leaks, [])
      })
  })
