// d_recovery_window - for how long a lost connection can be taken up again, and that this time begins with the loss.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Person } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { pause } from '../lib/wait.mjs'

const RECOVERY_MS = 4000
let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_GATEWAY_RECOVERY_MS: String(RECOVERY_MS) } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

test('too late is too late, and a record outlives its time as long as the connection lives', async () => {
  const ada = await Person.arrives(stack, key, 'ada')
  const { id: room } = await ada.makesRoom()
  const [gone, stays] = await Promise.all(['bo', 'cy'].map(name => Person.arrives(stack, key, name, { reconnection: false })))
  for (const person of [gone, stays]) await person.joins(room)
  await gone.losesConnection()
  await ada.says(room, 'missed')
  await pause(RECOVERY_MS + 500)
  assert.equal(await gone.comesBack(), false)
  await gone.hearsNothing()

  await pause(RECOVERY_MS / 2) // an open connection's record lasts 1.5 times that when nobody keeps it
  await stays.hears('missed')
  await stays.losesConnection()
  await ada.says(room, 'missed too')
  assert.equal(await stays.comesBack(), true)
  assert.deepEqual(stays.heard.map(message => message.body), ['missed', 'missed too'])
  ;[ada, gone, stays].forEach(person => person.leaves())
})
