// f_faults - kill -9 of each process while messages flow: what was acknowledged is in the history exactly once, without
// a gap, and who was connected hears what he missed.
//
// FAULT_ROUNDS=20 repeats each kill so often.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { randomUUID } from 'node:crypto'
import { startStack } from '../lib/stack.mjs'
import { Person, isGapless } from '../lib/people.mjs'
import { pause, until } from '../lib/wait.mjs'

const rounds = Number(process.env.FAULT_ROUNDS ?? 1)
let stack, key
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
})
after(() => stack?.stop())

/** Sends until told to stop, repeating what was not acknowledged: a client as it should be. */
function keepsTalking(person, room, name) {
  const acknowledged = new Map()
  let talking = true
  const done = (async () => {
    for (let i = 0; talking; i++) {
      const message = { room, id: randomUUID(), body: `${name} ${i}` }
      for (;;) {
        const answer = await person.socket.timeout(2000).emitWithAck('message:send', message).catch(() => undefined)
        if (answer?.seq) { acknowledged.set(message.id, answer.seq); break }
        if (answer?.error) assert.ok(['unavailable', 'overloaded', 'deadline', 'shutting_down'].includes(answer.error.code), JSON.stringify(answer))
        if (!person.socket.connected) await until('connected again', () => person.socket.connected, 30000)
        else await pause(20)
      }
      await pause(2)
    }
  })()
  return { acknowledged, stop: () => { talking = false; return done } }
}

/** A listener that joins again, with what it has, whenever its connection is new. */
async function listens(person, room) {
  const last = () => person.heard.length ? person.heard.at(-1).seq : 0
  const join = async () => {
    for (;;) {
      const answer = await person.socket.timeout(5000).emitWithAck('room:join', { room, since: last() }).catch(() => undefined)
      if (answer && !answer.error) return
      if (!person.socket.connected) return
      await pause(50)
    }
  }
  person.socket.on('connect', () => { if (!person.socket.recovered) join() })
  await join()
}

for (const victim of ['store', 'chat', 'gateway-1', 'auth']) {
  for (let round = 1; round <= rounds; round++) {
    test(`kill -9 ${victim} while messages flow${rounds > 1 ? `, round ${round}` : ''}`, { timeout: 90000 }, async () => {
      const people = await Promise.all(['ada', 'bo'].map(name => Person.arrives(stack, key, name)))
      const listener = await Person.arrives(stack, key, 'cy')
      const { id: room } = await people[0].makesRoom()
      await people[1].calls('room:join', { room })
      await listens(listener, room)
      const talks = people.map((person, i) => keepsTalking(person, room, `${victim} ${i}`))

      await until('messages flow', () => listener.heard.length > 20)
      await stack.kill(victim)
      await stack.ready()
      const flowing = talks.map(talk => talk.acknowledged.size)
      await until('messages flow again', () => talks.every((talk, i) => talk.acknowledged.size > flowing[i] + 20), 30000)
      await Promise.all(talks.map(talk => talk.stop()))

      const reader = await Person.arrives(stack, key, 'cy')
      const history = await reader.reads(room)
      isGapless(history)
      assert.equal(new Set(history.map(m => m.id)).size, history.length, 'a message is in the history twice')
      for (const talk of talks) {
        for (const [id, seq] of talk.acknowledged) assert.equal(history[seq - 1]?.id, id, `acknowledged ${seq} is not in the history`)
      }
      await until(`all ${history.length} heard`, () => listener.heard.length >= history.length)
      isGapless(listener.heard)
      assert.equal(listener.heard.length, history.length)
      ;[...people, listener, reader].forEach(person => person.leaves())
    })
  }
}
