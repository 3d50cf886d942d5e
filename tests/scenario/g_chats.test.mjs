// g_chats - chat in two processes, each with its part of the rooms: everything works in both, and one that dies takes only
// its own rooms with it until it is back.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePorts } from '../lib/ports.mjs'
import { metricsText } from '../lib/prometheus.mjs'
import { bin, startStack } from '../lib/stack.mjs'
import { Person, request } from '../lib/people.mjs'
import { pause, until } from '../lib/wait.mjs'

const CHATS = ['chat', 'chat-2']
let stack, key, ada, bo, cy
let rooms // one of each process
before(async () => {
  stack = await startStack({ gateways: 2, ownPorts: true, chats: 2, env: { MADANG_AUTH_REGISTRATION: 'open' } })
  stack.url = `https://127.0.0.1:${stack.gatewayPorts[0]}`
  key = await stack.issueKey()
  const elsewhere = { ...stack, url: `https://127.0.0.1:${stack.gatewayPorts[1]}`, ca: stack.ca }
  ada = await Person.arrives(stack, key, 'ada')
  bo = await Person.arrives(elsewhere, key, 'bo')
  cy = await Person.arrives(elsewhere, key, 'cy')
  rooms = await roomOfEach(ada)
  for (const chat of CHATS) await bo.joins(rooms[chat])
})
after(() => { for (const person of [ada, bo, cy]) person?.leaves(); return stack?.stop() })

/** How often a process has answered a method. */
async function calls(chat, method) {
  const index = CHATS.indexOf(chat)
  const text = await metricsText(stack.healthPort + (index === 0 ? 2 : 11 - index - 1))
  return text.split('\n').filter(line => line.startsWith('madang_rpc_calls_total') && line.includes(`method="${method}"`))
    .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0)
}

/** Rooms until each process has one, as the processes themselves count who joins. */
async function roomOfEach(person) {
  const found = {}
  for (let i = 0; i < 40 && Object.keys(found).length < CHATS.length; i++) {
    const { id } = await person.makesRoom({ open: false, members: ['bo'] })
    const before = await Promise.all(CHATS.map(chat => calls(chat, 'room.subscribe')))
    await person.joins(id)
    for (const [n, chat] of CHATS.entries()) if (await calls(chat, 'room.subscribe') > before[n]) found[chat] ??= id
  }
  assert.deepEqual(Object.keys(found).sort(), CHATS, 'rooms fall to both')
  return found
}

const sv = (verb, name) => execFileSync('sv', [verb, join(stack.dir, 'service', name)], { stdio: 'ignore' })

const isAlive = pid => { try { return process.kill(pid, 0) } catch { return false } }

/** Everything that chat has a part in. */
async function worksIn(room, word) {
  await ada.says(room, `${word} to everybody`)
  await bo.hears(`${word} to everybody`)
  // It is lost where a gateway has not reached that chat yet, by which a message goes anyway.
  await until(`bo hears ${word} typed`, async () => {
    await ada.emits('typing', { room, word })
    await pause(200)
    return bo.events.find(([name, what]) => name === 'typing' && what.word === word)
  })
  await ada.calls('room:invite', { room, members: ['cy'] })
  await cy.joins(room)
  cy.events.length = 0
  await bo.says(room, `${word} from bo`)
  await cy.hears(`${word} from bo`)
  await ada.calls('room:remove', { room, member: 'cy' })
  await until('cy is out', () => cy.events.find(([name, what]) => name === 'room:removed' && what.room === room))
  await cy.isRefused('message:send', { room, id: `${word} from outside`, body: 'still here?' }, 'forbidden')
  await cy.isRefused('room:join', { room }, 'forbidden')
}

for (const chat of CHATS)
  test(`a room of ${chat}: messages, relays, members who come and go, across gateways`, async () => {
    await worksIn(rooms[chat], chat)
  })

test('a list of rooms has those of both', async () => {
  const { rooms: listed } = await ada.calls('room:list', {})
  for (const chat of CHATS) assert.ok(listed.some(({ id }) => id === rooms[chat]), `${chat}'s is listed`)
})

test('a process refuses rooms that are not its own, and its caller sees why', async () => {
  const wrong = join(stack.dir, 'env-wrong')
  execFileSync('cp', ['-r', join(stack.dir, 'env/operator'), wrong])
  execFileSync('sh', ['-c', `tr , '\\n' <"$1/MADANG_CHAT_URL" | tail -n 1 >"$1/other" && mv "$1/other" "$1/MADANG_CHAT_URL"`, 'sh', wrong])
  const ask = room => {
    try {
      return execFileSync('chpst', ['-e', wrong, `${process.env.BIN ?? 'build/bin'}/rpc`, 'chat', 'room.access',
        JSON.stringify({ room, subject: 'ada' })], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    } catch (error) { return error.stderr }
  }
  assert.match(ask(rooms['chat-2']), /"role":"owner"/)
  assert.match(ask(rooms.chat), /unavailable.*another process of chat/)
})

test('whoever erases the owner of rooms of both, the process of each knows at once who owns it now', async () => {
  const who = { email: 'dee@example.org', password: 'a lamp in the long grass', nickname: 'dee' }
  assert.equal((await request(stack, 'POST', '/api/v1/auth/register', { body: who })).status, 201)
  const { json: { data } } = await request(stack, 'POST', '/api/v1/auth/login', { body: who })
  const dee = await new Person(stack, 'dee', data.access_token).connects()
  const theirs = await roomOfEach(dee), said = {}
  for (const chat of CHATS) {
    await bo.joins(theirs[chat])
    said[chat] = (await bo.says(theirs[chat], 'may I?')).seq
    await bo.isRefused('pin:add', { room: theirs[chat], seq: said[chat] }, 'forbidden')
  }
  assert.equal((await dee.rest('DELETE', '/api/v1/users/me')).status, 200)
  dee.leaves()
  await stack.sql('auth', `UPDATE account SET delete_at = now() - interval '1 second' WHERE id = '${data.user.id}'; UPDATE job SET run_at = now() WHERE kind = 'account.erase'; NOTIFY auth_jobs`)
  const proof = await until('chat has erased its part', async () => (await stack.rpc('auth', 'people.erasure', { user: data.user.id }).catch(() => undefined))?.services.find(line => line.service === 'chat' && line.erased_at), 60000)
  assert.ok(proof.counts.find(({ what }) => what === 'rooms_passed_on').rows >= CHATS.length)
  for (const chat of CHATS) await until(`bo is heard as the owner in the room of ${chat}`, async () => !(await bo.emits('pin:add', { room: theirs[chat], seq: said[chat] })).error)
})

for (const [victim, other] of [CHATS, [...CHATS].reverse()])
  test(`while ${victim} is dead the rooms of ${other} go on, new ones too, and its own are whole when it is back`, async () => {
    const pid = stack.pid(victim)
    sv('once', victim) // who dies stays dead
    process.kill(pid, 9)
    await until(`${victim} is dead`, () => !isAlive(pid))
    await ada.says(rooms[other], `without ${victim}`)
    await bo.hears(`without ${victim}`)
    await bo.calls('room:leave', { room: rooms[other] })
    await bo.joins(rooms[other])
    assert.ok((await ada.calls('room:list', {})).rooms.length > 0)
    assert.ok((await ada.makesRoom()).id)
    const late = ada.socket.timeout(20000).emitWithAck('message:send', { room: rooms[victim], id: `late-${victim}`, body: `late for ${victim}` })
    sv('up', victim)
    await stack.ready()
    const answer = await late
    if (answer.error) await ada.says(rooms[victim], `late for ${victim}`, `late-${victim}`)
    await bo.hears(`late for ${victim}`)
    await worksIn(rooms[victim], `${victim} again`)
  })

/** One more process with the settings of another, as somebody's second machine or a compose file with a larger scale would have it. */
async function beginBeside(name) {
  const health = await freePorts()
  const child = spawn('chpst', ['-e', join(stack.dir, 'env', name), 'env', `MADANG_CHAT_HEALTH=127.0.0.1:${health}`, join(bin, 'chat')], { stdio: ['ignore', 'pipe', 'pipe'] })
  const heir = { child, log: '', ended: once(child, 'exit'), said: word => heir.log.includes(word) }
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => heir.log += text)
  return heir
}

/** The setting of one process's database goes over a link, which can be cut. */
function layWay(name) {
  const way = join(stack.dir, `way-of-${name}`), setting = join(stack.dir, 'env', name, 'MADANG_CHAT_DB')
  const conninfo = readFileSync(setting, 'utf8')
  const host = /host=(\S+)/.exec(conninfo)[1]
  symlinkSync(host, way)
  writeFileSync(setting, conninfo.replace(`host=${host}`, `host=${way}`))
  const end = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid() AND backend_start > now() - interval '1 hour'`
  return {
    cut() {
      unlinkSync(way)
      execFileSync('psql', ['-XAtqc', end, conninfo.trim()])
    },
    mend: () => symlinkSync(host, way),
    forget() { writeFileSync(setting, conninfo) },
  }
}

test('a process that is cut off from the database answers for none of its rooms, and is whole when it is back', async () => {
  const way = layWay('chat-2')
  const ask = room => {
    try {
      return execFileSync('chpst', ['-e', join(stack.dir, 'env/operator'), join(bin, 'rpc'), 'chat', 'room.access',
        JSON.stringify({ room, subject: 'ada' })], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    } catch (error) { return error.stderr }
  }
  sv('restart', 'chat-2')
  await stack.ready()
  await until('it answers', () => /"role":"owner"/.test(ask(rooms['chat-2'])))
  way.cut()
  await until('it answers no more', () => /unavailable.*database does not answer/.test(ask(rooms['chat-2'])))
  assert.match(ask(rooms.chat), /"role":"owner"/)
  way.mend()
  await until('it is back', () => /"role":"owner"/.test(ask(rooms['chat-2'])))
  way.forget()
  await stack.ready()
  await until('messages flow', () => ada.says(rooms['chat-2'], 'to the one that is back', 'to-the-one').then(() => true, () => false))
  await worksIn(rooms['chat-2'], 'after the cut')
})

test('a second process for the same rooms serves none of them until the first is gone', async () => {
  const heir = await beginBeside('chat-2')
  try {
    await until('it waits', () => heir.said('"claim.waiting"'))
    await worksIn(rooms['chat-2'], 'beside another')
    assert.ok(!heir.said('"service.started"'), heir.log)
    sv('down', 'chat-2')
    await until('it has taken over', () => heir.said('"service.started"'))
    await until('messages flow', () => ada.says(rooms['chat-2'], 'to the heir', 'to-the-heir').then(() => true, () => false))
    await worksIn(rooms['chat-2'], 'with the heir')
    const waited = stack.log('chat-2').split('"claim.waiting"').length
    sv('up', 'chat-2')
    await until('the first waits now', () => stack.log('chat-2').split('"claim.waiting"').length > waited)
  } finally {
    heir.child.kill()
    await heir.ended
  }
  await stack.ready()
  await until('messages flow', () => ada.says(rooms['chat-2'], 'to the first', 'to-the-first').then(() => true, () => false))
  await worksIn(rooms['chat-2'], 'with the first')
})
