// e_mesh_port - several gateway processes on one port (SO_REUSEPORT): the kernel deals out the connections.
import assert from 'node:assert/strict'
import https from 'node:https'
import { after, before, test } from 'node:test'
import { Person, isGapless } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack({ gateways: 3 })
  key = await stack.issueKey()
})
after(() => stack?.stop())

test('clients on polling, and clients that upgrade, work on whichever process they land', { timeout: 90000 }, async () => {
  const people = []
  for (const [name, transports] of [['ada', ['polling']], ['bo', ['polling']], ['cy', ['polling', 'websocket']], ['di', ['polling', 'websocket']]])
    people.push(await Person.arrives(stack, key, name, { transports, agent: new https.Agent({ keepAlive: false, ca: stack.ca }) }))
  const complaints = []
  for (const person of people) person.socket.on('disconnect', reason => complaints.push(`${person.name}: ${reason}`))
  const { id: room } = await people[0].makesRoom()
  for (const person of people) await person.joins(room)
  await Promise.all(people.map(async person => {
    for (let i = 0; i < 50; i++) await person.says(room, `${person.name} ${i}`)
  }))
  await until('all heard all', () => people.every(person => person.heard.length === 200))
  for (const person of people) isGapless(person.heard)
  assert.deepEqual(complaints, [])
  const handedOn = await Promise.all([1, 2, 3].map(n => stack.metric(n, 'madang_mesh_forwarded_total')))
  // Where the kernel gave one gateway every session, that one has nothing to hand on.
  assert.ok(handedOn.filter(count => count > 0).length >= 2, `${handedOn}`)
})
