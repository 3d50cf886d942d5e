// j_standstill - what stands still beside a process (a log's reader, a name server, a disk) takes nobody along.
import assert from 'node:assert/strict'
import net from 'node:net'
import { execFileSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { readFileSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { startStack } from '../lib/stack.mjs'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
})
after(() => stack?.stop())

const loggerOf = name => Number(readFileSync(join(stack.dir, 'service', name, 'log/supervise/pid'), 'utf8'))

/** Each request is a line of 1 kB; together they are more than a pipe and the process keep. */
async function fillsTheLog(token) {
  const path = `/api/v1/rooms/${'x.'.repeat(500)}/messages` // what could be a secret is cut short
  for (let i = 0; i < 40; i++)
    for (const { status } of await Promise.all(Array.from({ length: 50 }, () => request(stack, 'GET', path, { token })))) assert.equal(status, 400)
}

test('a log that nobody reads stops no process, and what was dropped is counted and said', async () => {
  const processes = ['gateway-1', 'auth', 'chat', 'store', 'share']
  for (const name of processes) process.kill(loggerOf(name), 'SIGSTOP')
  try {
    await fillsTheLog(await tokenFor(stack, key, 'eve'))
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
  const said = () => stack.log('gateway-1').split('\n').filter(line => line.includes('"log.dropped"')).reduce((sum, line) => sum + JSON.parse(line).lines, 0)
  await until('all of it is said', async () => { const lines = said(); return lines > 0 && lines === await stack.metric(1, 'madang_log_dropped_total') })
  for (const line of stack.log('gateway-1').trim().split('\n')) JSON.parse(line)
})

test('all logs together have a bound, and on a full disk the oldest go', () => {
  const configs = readdirSync(join(stack.dir, 'log')).map(name => readFileSync(join(stack.dir, 'log', name, 'config'), 'utf8'))
  const of = (config, letter) => Number(config.match(new RegExp(`^${letter}(\\d+)$`, 'm'))[1])
  assert.equal(configs.length, 7)
  assert.ok(configs.reduce((sum, config) => sum + of(config, 's') * (of(config, 'n') + 1), 0) <= 400e6)
  for (const config of configs) assert.ok(of(config, 'N') < of(config, 'n'))
})

test('a process that runs reads no file again: a key that is gone from the disk ends nobody', async () => {
  const secret = join(stack.dir, 'keys/gateway.key_secret')
  const gateway = stack.pid('gateway-1')
  renameSync(secret, `${secret}.away`)
  try {
    for (const service of ['chat', 'store']) await stack.kill(service)
    await stack.ready()
    const ada = await Person.arrives(stack, key, 'ada')
    const { id: room } = await ada.makesRoom()
    await ada.says(room, 'from memory')
    ada.leaves()
  } finally {
    renameSync(`${secret}.away`, secret)
  }
  assert.equal(stack.pid('gateway-1'), gateway)
})

test('idle strangers take every descriptor that they may, and services that restart are found again', async () => {
  const supervisor = Number(readFileSync(`/proc/${stack.pid('gateway-1')}/stat`, 'utf8').split(' ')[3])
  execFileSync('prlimit', ['--pid', `${supervisor}`, '--nofile=256:256'])
  await stack.kill('gateway-1', 15)
  await stack.ready()
  await until('it says so', () => /"gateway.few_descriptors".*"limit":256,"connections_max":128/.test(stack.log('gateway-1')))
  const gateway = stack.pid('gateway-1')
  const ada = await Person.arrives(stack, key, 'ada')
  const { id: room } = await ada.makesRoom()
  await ada.joins(room)
  const strangers = await crowd(400)
  try {
    await until('strangers are refused', () => stack.metric(1, 'madang_gateway_connections_refused_total'))
    for (const service of ['auth', 'chat', 'store', 'share']) await stack.kill(service)
    await stack.ready()
    await until('ada is heard', () => ada.says(room, 'a crowd').then(() => true, () => false))
    await ada.hears('a crowd')
  } finally {
    for (const stranger of strangers) stranger.destroy()
  }
  assert.equal(stack.pid('gateway-1'), gateway, 'the gateway died')
  ada.leaves()
})

/** Connections from 127.0.0.2 on, 50 each, that say nothing; whether they are taken or not. */
async function crowd(n) {
  const sockets = Array.from({ length: n }, (_, i) => net.connect({ port: stack.port, host: '127.0.0.1', localAddress: `127.0.0.${2 + Math.floor(i / 50)}` }))
  await Promise.all(sockets.map(socket => new Promise(resolve => { socket.once('connect', resolve).once('error', resolve) })))
  return sockets
}
