// f_faults_unheard - a store dies between an acknowledgement and the message's way to chat: who listens hears it all the
// same, within seconds and with nobody saying anything more.
//
// Two stores, since the listener's gateway hears of the death of its own: the speaker's dies.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, openSync, closeSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { join } from 'node:path'
import { bin, root, startStack } from '../lib/stack.mjs'
import { Person, everybodyLeaves } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

const rounds = Number(process.env.FAULT_ROUNDS ?? 1)
const FILLERS = 24
const LONG = '마'.repeat(10000)
let stack, key, other, gateways

/** The second store, below the first one's directory, with the same database. */
function startOther() {
  const log = openSync(join(stack.dir, 'log/store-2'), 'a')
  other = spawn('chpst', ['-e', join(stack.dir, 'env/store-2'), join(bin, 'store')], { cwd: root, stdio: ['ignore', log, log] })
  other.gone = new Promise(resolve => other.once('exit', resolve))
  closeSync(log)
}

before(async () => {
  stack = await startStack({ gateways: 2, ownPorts: true, env: { MADANG_STORE_MESSAGE_CHARS: '10000' } })
  key = await stack.issueKey()
  const set = (process, name, value) => writeFileSync(join(stack.dir, 'env', process, `MADANG_${name}`), `${value}\n`)
  cpSync(join(stack.dir, 'env/store'), join(stack.dir, 'env/store-2'), { recursive: true })
  set('store-2', 'STORE_BIND', `ipc://${stack.dir}/sock/store-2`)
  set('store-2', 'STORE_HEALTH', `127.0.0.1:${stack.healthPort + 6}`)
  startOther()
  gateways = stack.gatewayPorts.map(port => ({ ca: stack.ca, url: `https://127.0.0.1:${port}` }))
  set('gateway-1', 'STORE_URL', `ipc://${stack.dir}/sock/store-2`)
  await stack.kill('gateway-1')
  await stack.ready()
})
after(async () => {
  gateways?.forEach(everybodyLeaves)
  other?.kill('SIGKILL')
  await stack?.stop()
})

for (let round = 1; round <= rounds; round++) {
  test(`what a store acknowledged and took with it is heard${rounds > 1 ? `, round ${round}` : ''}`, { timeout: 60000 }, async () => {
    const speaker = await Person.arrives(gateways[0], key, 'ada')
    const near = await Person.arrives(gateways[0], key, 'bo')
    const far = await Person.arrives(gateways[1], key, 'cy')
    const { id: room } = await speaker.makesRoom()
    for (const person of [near, far]) await person.joins(room)
    const full = await Promise.all(Array.from({ length: FILLERS }, () => speaker.makesRoom()))
    for (const { id } of [...full, { id: room }]) await speaker.says(id, 'first')
    for (const person of [near, far]) await person.hears('first')

    const chat = stack.pid('chat')
    process.kill(chat, 'SIGSTOP')
    try {
      await Promise.all(full.map(({ id }) => speaker.says(id, LONG))) // more than its pipe takes: the next one waits in the store
      assert.equal((await speaker.says(room, 'unheard')).seq, 2)
      other.kill('SIGKILL')
      await other.gone
    } finally {
      process.kill(chat, 'SIGCONT')
    }
    startOther()
    for (const person of [near, far]) await person.hears('unheard', 15000)
    await speaker.says(room, 'last')
    for (const person of [near, far]) {
      await person.hears('last')
      assert.deepEqual(person.heard.map(message => message.body), ['first', 'unheard', 'last'])
    }
    ;[speaker, near, far].forEach(person => person.leaves())
  })
}
