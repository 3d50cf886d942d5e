// j_standstill - what stands still beside a process (a log's reader, a name server, a disk) takes nobody along.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { startStack } from '../lib/stack.mjs'
import { Person, request } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
})
after(() => stack?.stop())

const loggerOf = name => Number(readFileSync(join(stack.dir, 'service', name, 'log/supervise/pid'), 'utf8'))

/** Each request is a line of 1 kB; together they are more than a pipe and the process keep. */
async function fillsTheLog() {
  const path = `/api/v1/${'x'.repeat(1000)}`
  for (let i = 0; i < 40; i++)
    for (const { status } of await Promise.all(Array.from({ length: 50 }, () => request(stack, 'GET', path)))) assert.equal(status, 404)
}

test('a log that nobody reads stops no process, and what was dropped is counted and said', async () => {
  const processes = ['gateway-1', 'auth', 'chat', 'store', 'share']
  for (const name of processes) process.kill(loggerOf(name), 'SIGSTOP')
  try {
    await fillsTheLog()
    await until('lines are dropped', () => stack.metric(1, 'madang_log_dropped_total'))
    const ada = await Person.arrives(stack, key, 'ada')
    const { id: room } = await ada.makesRoom()
    await ada.joins(room)
    await ada.says(room, 'the log stands still')
    await ada.hears('the log stands still')
    ada.leaves()
  } finally {
    for (const name of processes) process.kill(loggerOf(name), 'SIGCONT')
  }
  const said = await until('it is said', () => stack.log('gateway-1').split('\n').find(line => line.includes('"log.dropped"')))
  assert.ok(JSON.parse(said).lines > 0)
  assert.equal(await stack.metric(1, 'madang_log_dropped_total'), JSON.parse(said).lines)
  for (const line of stack.log('gateway-1').trim().split('\n')) JSON.parse(line)
})

test('all logs together have a bound, and on a full disk the oldest go', () => {
  const configs = readdirSync(join(stack.dir, 'log')).map(name => readFileSync(join(stack.dir, 'log', name, 'config'), 'utf8'))
  const of = (config, letter) => Number(config.match(new RegExp(`^${letter}(\\d+)$`, 'm'))[1])
  assert.equal(configs.length, 7)
  assert.ok(configs.reduce((sum, config) => sum + of(config, 's') * (of(config, 'n') + 1), 0) <= 400e6)
  for (const config of configs) assert.ok(of(config, 'N') < of(config, 'n'))
})
