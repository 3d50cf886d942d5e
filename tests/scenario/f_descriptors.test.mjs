// f_descriptors - a service that strangers leave no descriptors goes on: it neither ends nor turns around without sleeping.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Person } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const LIMIT = 128, STRANGERS = 300
let stack, key
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
})
after(() => stack?.stop())

const descriptors = pid => readdirSync(`/proc/${pid}/fd`).length

/** A connection to a service's pipe without a key, which says nothing. */
function stranger(path) {
  const socket = connect(path)
  socket.over = false
  socket.on('error', () => {})
  socket.on('close', () => { socket.over = true })
  return socket
}

for (const service of ['store', 'chat', 'auth', 'share'])
  test(`${service} keeps descriptors for itself, whoever connects`, { timeout: 60000 }, async () => {
    const pid = stack.pid(service), path = join(stack.dir, 'sock', service)
    execFileSync('prlimit', ['--pid', String(pid), `--nofile=${LIMIT}:${LIMIT}`])
    const crowd = Array.from({ length: STRANGERS }, () => stranger(path))
    await until('those that are too many were sent away', () => crowd.filter(one => one.over).length >= STRANGERS - LIMIT)
    await until('it has some left for itself', () => descriptors(pid) < LIMIT - 20)
    assert.equal(stack.pid(service), pid, 'it is the same process')
    const ada = await Person.arrives(stack, key, `ada-${service}`)
    const room = (await ada.makesRoom()).id
    await ada.joins(room)
    await ada.says(room, 'hello')
    await until('it is heard', () => ada.heard.length === 1)
    ada.leaves()
    crowd.forEach(one => one.destroy())
    await until('they are forgotten', () => descriptors(pid) < LIMIT / 2)
  })
