// r_knocks - who is not in a room asks to be let in: who may, who sees it, who answers, and what all of them hear.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import https from 'node:https'
import { after, before, test } from 'node:test'
import { startStack } from '../lib/stack.mjs'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { pause, until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack({ gateways: 2, env: { MADANG_GATEWAY_RATE_PERCENT: '1000' } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

const WEEK_MS = 7 * 24 * 3600 * 1000
const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name)))
const leave = (...people) => people.forEach(person => person.leaves())
const aRoom = (owner, more = {}) => owner.makesRoom({ name: 'courtyard', topic: 'of old', open: false, knocks: true, ...more }).then(({ id }) => id)
const asks = (person, room, more = {}) => person.calls('room:knock', { room, ...more })
const answers = (person, room, subject, yes) => person.calls('knock:answer', { room, subject, yes })
const seen = async (person, room) => (await person.calls('knock:list', { room })).knocks.map(one => one.subject)
const mine = async person => (await person.calls('knock:mine', {})).knocks.map(one => one.room)
const members = async (person, room) => (await person.calls('member:list', { room })).members.map(one => one.subject).sort()
const codeOf = answer => answer?.error?.code ?? 'ok'
const ends = (person, room) => person.events.filter(([event, change]) => event === 'room:removed' && change.room === room).length
const isAdded = (person, room) => until(`${person.name} is told`, () => person.own.some(([event, arg]) => event === 'room:added' && arg.id === room), 30000)
/** How many ask, as the person was told last. */
const told = (person, room) => person.own.findLast(([event, arg]) => event !== 'read:changed' && arg.id === room)?.[1].knocking
const isTold = (person, room, n) => until(`${person.name} is told of ${n}`, () => told(person, room) === n, 30000)
const listed = async (person, room) => (await person.calls('room:list', {})).rooms.find(one => one.id === room)

test('who asks is seen by those who may invite, and is let in or is not', { timeout: 90000 }, async () => {
  const people = await arrive('ada', 'bo', 'mo', 'cy', 'cy', 'dee'), [ada, bo, mo, cy, phone, dee] = people
  const room = await aRoom(ada, { members: ['bo', 'mo'], lines: true })
  await ada.calls('member:role', { room, member: 'bo', role: 'admin' })
  assert.deepEqual(await cy.calls('room:show', { room }), { room, name: 'courtyard', topic: 'of old', members: 3, open: false, can: ['knock'] })
  await cy.isRefused('room:get', { room }, 'forbidden')

  const knock = await asks(cy, room, { text: 'we met' })
  assert.deepEqual(knock, { room, subject: 'cy', text: 'we met', asked_at: knock.asked_at, expires_at: knock.asked_at + WEEK_MS })
  assert.deepEqual(await ada.calls('knock:list', { room }), { knocks: [knock] })
  for (const decider of [ada, bo]) await isTold(decider, room, 1)
  assert.equal((await listed(bo, room)).knocking, 1)
  assert.equal((await listed(mo, room)).knocking, undefined)
  for (const [event, more] of [['knock:list', {}], ['knock:answer', { subject: 'cy', yes: true }]])
    for (const person of [mo, cy, dee]) await person.isRefused(event, { room, ...more }, 'forbidden')
  const own = await phone.calls('knock:mine', {})
  assert.deepEqual(own, { knocks: [knock], rooms: [{ room, name: 'courtyard', topic: 'of old', members: 3, open: false }] })
  // Said twice it is the same; other words take the place of those, and none leave them.
  assert.deepEqual(await asks(cy, room), knock)
  assert.deepEqual(await asks(cy, room, { text: 'at the well' }), { ...knock, text: 'at the well' })
  assert.deepEqual(await seen(bo, room), ['cy'])

  assert.deepEqual(await answers(bo, room, 'cy', true), {})
  for (const device of [cy, phone]) await isAdded(device, room)
  for (const decider of [ada, bo]) await isTold(decider, room, 0)
  assert.deepEqual([await seen(ada, room), await mine(cy)], [[], []])
  assert.deepEqual([(await cy.calls('room:get', { room })).role, (await cy.calls('room:get', { room })).can], ['member', ['read', 'leave', 'write']])
  await until('the log says who let them in', async () => (await ada.reads(room)).some(({ kind, sender, body }) => kind === 'member:add' && sender === 'bo' && body === 'cy'), 30000)
  await cy.isRefused('room:knock', { room }, 'forbidden', /already/)
  // Said twice by who let them in; and by another, who would not have.
  assert.deepEqual(await answers(bo, room, 'cy', true), {})
  await ada.isRefused('knock:answer', { room, subject: 'cy', yes: false }, 'conflict')

  // Over REST the same. Who is declined is told that it has ended, and no more; they may ask again.
  const path = `/api/v1/rooms/${room}/knocks`
  const answer = await dee.rest('POST', path, { text: 'me too' })
  assert.deepEqual([answer.status, answer.json.data.text], [201, 'me too'])
  assert.deepEqual((await bo.rest('GET', path)).json.data.knocks, [answer.json.data])
  assert.equal((await dee.rest('GET', '/api/v1/knocks')).json.data.knocks.length, 1)
  assert.deepEqual((await dee.rest('GET', `/api/v1/rooms/${room}/front`)).json.data.can, ['knock'])
  assert.equal((await bo.rest('PUT', `${path}/dee`, { yes: false })).status, 200)
  await until('dee is told', () => ends(dee, room) === 1, 30000)
  assert.deepEqual(dee.events.find(([event]) => event === 'room:removed')[1], { room, subject: 'dee' })
  assert.deepEqual([await seen(ada, room), await mine(dee)], [[], []])
  assert.equal((await bo.rest('PUT', `${path}/dee`, { yes: false })).status, 200) // said twice
  await bo.isRefused('knock:answer', { room, subject: 'dee', yes: true }, 'not_found')
  await asks(dee, room)
  assert.deepEqual(await seen(ada, room), ['dee'])
  assert.equal((await dee.rest('DELETE', path)).status, 200)
  await until('dee is told again', () => ends(dee, room) === 2, 30000)
  assert.deepEqual([await seen(ada, room), await mine(dee)], [[], []])
  await isTold(ada, room, 0)
  await dee.calls('knock:withdraw', { room }) // said twice
  leave(...people)
})

test('one may ask where the room says so, while it is neither open nor archived', { timeout: 60000 }, async () => {
  const people = await arrive('eli', 'fay'), [eli, fay] = people
  await eli.isRefused('room:create', { open: true, knocks: true }, 'invalid_argument', /knocks/)
  const room = await aRoom(eli, { knocks: false })
  const isClosed = async reason => {
    await fay.isRefused('room:knock', { room }, 'forbidden', reason)
    await fay.isRefused('room:join', { room }, 'forbidden')
  }
  await isClosed(/does not ask/)
  await fay.isRefused('room:show', { room }, 'forbidden', /not a member/)
  assert.deepEqual([(await eli.calls('room:update', { room, joins: 'who_asks' })).knocks, (await eli.calls('room:update', { room, topic: 'stays' })).knocks], [true, true])
  await asks(fay, room)
  await eli.calls('room:archive', { room })
  assert.equal((await fay.calls('room:show', { room })).can, undefined)
  await isClosed(/archived/)
  await eli.isRefused('knock:answer', { room, subject: 'fay', yes: true }, 'forbidden')
  await eli.calls('room:archive', { room, archived: false })
  // What was asked stays asked, whatever becomes of the setting.
  assert.equal((await eli.calls('room:update', { room, joins: 'nobody' })).knocks, false)
  await isClosed(/does not ask/)
  assert.deepEqual([await seen(eli, room), await mine(fay)], [['fay'], [room]])
  // Who joins, comes by a link or is invited asks no more.
  const opened = await eli.calls('room:update', { room, joins: 'anybody' })
  assert.deepEqual([opened.open, opened.knocks], [true, false])
  await fay.isRefused('room:knock', { room }, 'forbidden', /join it/)
  assert.deepEqual([(await fay.calls('room:show', { room })).open, (await fay.calls('room:show', { room })).can], [true, undefined])
  await fay.joins(room)
  assert.deepEqual([await seen(eli, room), await mine(fay)], [[], []])
  for (const comes of [at => eli.calls('room:invite', { room: at, members: ['fay'] }), async at => fay.calls('invite:accept', { room: at, code: (await eli.calls('invite:create', { room: at })).code })]) {
    const other = await aRoom(eli)
    await asks(fay, other)
    await isTold(eli, other, 1)
    await comes(other)
    await isTold(eli, other, 0)
    assert.deepEqual([await seen(eli, other), await mine(fay), (await fay.calls('room:get', { room: other })).role], [[], [], 'member'])
  }
  await fay.isRefused('room:knock', { room: randomUUID() }, 'not_found')
  await fay.isRefused('room:knock', { room, text: 'x'.repeat(201) }, 'invalid_argument', /text/)
  // Of a room that is deleted they hear that it has ended; where nobody is left, nobody would answer.
  const gone = await aRoom(eli), empty = await aRoom(eli)
  await asks(fay, gone)
  await eli.calls('room:delete', { room: gone })
  await until('fay is told', () => ends(fay, gone) === 1, 30000)
  assert.deepEqual(await mine(fay), [])
  await eli.calls('room:remove', { room: empty })
  await fay.isRefused('room:knock', { room: empty }, 'forbidden', /does not ask/)
  leave(...people)
})

test('who is banned or blocked is answered like anybody, and is not seen', { timeout: 60000 }, async () => {
  const people = await arrive('gus', 'hal', 'ida', 'jo'), [gus, hal, ida, jo] = people
  const room = await aRoom(gus, { members: ['hal'] })
  await gus.calls('member:role', { room, member: 'hal', role: 'admin' })
  await gus.calls('member:ban', { room, member: 'ida' })
  await gus.calls('friend:block', { subject: 'jo' })
  const shape = person => asks(person, room, { text: 'please' }).then(({ asked_at: at, expires_at: end, ...rest }) => ({ ...rest, subject: 'x', after: end - at }))
  assert.deepEqual(await shape(ida), await shape(jo))
  assert.deepEqual(await ida.calls('room:show', { room }), await jo.calls('room:show', { room }))
  for (const person of [ida, jo]) assert.deepEqual(await mine(person), [room])
  // Whoever blocks does not see it, and cannot answer; the other one does.
  await isTold(hal, room, 1)
  assert.deepEqual([await seen(gus, room), await seen(hal, room), (await listed(gus, room)).knocking], [[], ['jo'], 0])
  for (const subject of ['ida', 'jo']) await gus.isRefused('knock:answer', { room, subject, yes: true }, 'not_found')
  await hal.isRefused('knock:answer', { room, subject: 'ida', yes: true }, 'not_found')
  for (const subject of ['ida', 'jo']) await answers(gus, room, subject, false) // it is not there for them
  for (const person of [ida, jo]) assert.deepEqual(await mine(person), [room])
  // What is behind a block or a ban is there when that ends, and hidden when one comes.
  await gus.calls('friend:unblock', { subject: 'jo' })
  await jo.calls('friend:block', { subject: 'hal' })
  assert.deepEqual([await seen(gus, room), await seen(hal, room)], [['jo'], []])
  await gus.calls('member:unban', { room, member: 'ida' })
  await isTold(gus, room, 2)
  assert.deepEqual([await seen(gus, room), await seen(hal, room)], [['ida', 'jo'], ['ida']])
  await gus.calls('member:ban', { room, member: 'jo' })
  await isTold(gus, room, 1)
  assert.deepEqual([await seen(gus, room), ends(jo, room), await mine(jo)], [['ida'], 0, [room]])
  await answers(gus, room, 'ida', true)
  assert.deepEqual([await members(gus, room), ends(ida, room), ends(jo, room)], [['gus', 'hal', 'ida'], 0, 0])
  leave(...people)
})

test('of two who answer at once, and of a knock and an invitation, one comes first', { timeout: 120000 }, async () => {
  const people = await arrive('kai', 'lea', 'max'), [kai, lea, max] = people, ROUNDS = 12
  for (let i = 0; i < ROUNDS; i++) {
    const room = await aRoom(kai, { members: ['lea'] })
    await kai.calls('member:role', { room, member: 'lea', role: 'admin' })
    await asks(max, room)
    const [yes, no] = await Promise.all([kai, lea].map((person, k) => person.emits('knock:answer', { room, subject: 'max', yes: k === 0 })))
    const isIn = (await members(kai, room)).includes('max')
    assert.deepEqual([codeOf(yes), codeOf(no)], isIn ? ['ok', 'conflict'] : ['not_found', 'ok'])
    assert.deepEqual([await seen(kai, room), await mine(max)], [[], []])

    const both = await aRoom(kai, { members: ['lea'], lines: true })
    await kai.calls('member:role', { room: both, member: 'lea', role: 'admin' })
    await asks(max, both)
    assert.deepEqual((await Promise.all([kai, lea].map(person => person.emits('knock:answer', { room: both, subject: 'max', yes: true })))).map(codeOf), ['ok', 'ok'])
    assert.deepEqual([(await kai.calls('room:get', { room: both })).members, await members(kai, both)], [3, ['kai', 'lea', 'max']])

    const other = await aRoom(kai)
    const [knock, invited] = await Promise.all([max.emits('room:knock', { room: other }), kai.emits('room:invite', { room: other, members: ['max'] })])
    assert.ok(['ok', 'forbidden'].includes(codeOf(knock)), codeOf(knock))
    assert.equal(codeOf(invited), 'ok')
    assert.deepEqual([await members(kai, other), await seen(kai, other), await mine(max)], [['kai', 'max'], [], []])

    const back = await aRoom(kai)
    await asks(max, back)
    const [, let_in] = await Promise.all([max.calls('knock:withdraw', { room: back }), kai.emits('knock:answer', { room: back, subject: 'max', yes: true })])
    assert.deepEqual([(await members(kai, back)).includes('max'), await seen(kai, back)], [codeOf(let_in) === 'ok', []])
    assert.ok(['ok', 'not_found'].includes(codeOf(let_in)), codeOf(let_in))
  }
  leave(...people)
})

test('chat may die meanwhile: who was answered is in, who asked is seen, and nobody is both', { timeout: 240000 }, async () => {
  const PEOPLE = 40
  const [ned] = await arrive('ned')
  const room = await aRoom(ned), agent = new https.Agent({ keepAlive: true, maxSockets: 20 })
  const names = Array.from({ length: PEOPLE }, (_, i) => `guest ${i}`)
  const tokens = await Promise.all([ned.name, ...names].map(name => tokenFor(stack, key, name)))
  /** As often as it takes: an answer that is lost with chat says nothing. */
  const does = async (token, method, path, body) => {
    for (;;) {
      const answer = await request(stack, method, `/api/v1/rooms/${room}/knocks${path}`, { token, body, agent }).catch(() => undefined)
      if (answer?.status < 500) return answer.json.success ? 'ok' : answer.json.error.code
      await pause(100)
    }
  }
  const all = names.map(async (name, i) => {
    const asked = await does(tokens[i + 1], 'POST', '', { text: name })
    return [asked, i % 2 ? await does(tokens[0], 'PUT', `/${encodeURIComponent(name)}`, { yes: true }) : 'ok']
  })
  await Promise.race(all)
  await stack.kill('chat')
  for (const [i, codes] of (await Promise.all(all)).entries()) {
    // Whose first try was taken and let in before the second is a member by now.
    assert.deepEqual(codes, ['ok', 'ok'], names[i])
  }
  assert.deepEqual(await members(ned, room), ['ned', ...names.filter((_, i) => i % 2)].sort())
  assert.deepEqual((await seen(ned, room)).sort(), names.filter((_, i) => !(i % 2)).sort())
  agent.destroy()
  leave(ned)
})

test('what became of a knock while one was away is told when one is back', { timeout: 60000 }, async () => {
  const [ora] = await arrive('ora'), pia = await Person.arrives(stack, key, 'pia', { reconnection: false })
  const room = await aRoom(ora), other = await aRoom(ora), again = await aRoom(ora)
  for (const one of [room, other, again]) await asks(pia, one)
  await pia.losesConnection()
  await answers(ora, room, 'pia', false)
  await answers(ora, other, 'pia', true)
  await answers(ora, again, 'pia', false)
  const phone = await Person.arrives(stack, key, 'pia')
  await asks(phone, again)
  assert.ok(await pia.comesBack())
  await isAdded(pia, other)
  await until('pia is told', () => ends(pia, room) === 1, 30000)
  assert.deepEqual([ends(pia, other), ends(pia, again), await mine(pia)], [0, 0, [again]])
  leave(ora, pia, phone)
})

test('who was declined and asks anew before they could be told is not told', { timeout: 90000 }, async () => {
  const [uma, vic] = await arrive('uma', 'vic'), room = await aRoom(uma), other = await aRoom(uma)
  await asks(vic, room)
  // Gateways ask about rooms, and chat reads this for it.
  const locks = spawn('psql', ['-X', '-q', `host=${stack.dir}/pg-socket dbname=madang user=madang_chat passfile=${stack.dir}/secrets/chat.pgpass options=-csearch_path=chat`])
  try {
    locks.stdin.write('BEGIN; LOCK TABLE direct IN ACCESS EXCLUSIVE MODE; SELECT 1;\n')
    await new Promise(resolve => locks.stdout.once('data', resolve))
    await answers(uma, room, 'vic', false)
    await until('chat is asked', async () => await stack.sql('chat', "SELECT count(*) FROM pg_locks WHERE relation = 'direct'::regclass AND NOT granted") > 0, 30000)
    await asks(vic, room)
  } finally {
    locks.stdin.end('COMMIT;\n')
  }
  await uma.calls('room:invite', { room: other, members: ['vic'] })
  await isAdded(vic, other)
  assert.deepEqual([ends(vic, room), await mine(vic)], [0, [room]])
  leave(uma, vic)
})

test('a room is asked by a thousand at most, one asks in fifty rooms, and what is over counts no more and goes', { timeout: 120000 }, async () => {
  const people = await arrive('quin', 'rex', 'sam', 'tom'), [quin, rex, sam, tom] = people
  const room = await aRoom(quin)
  // As a knock is made: under the lock of the room's row.
  await stack.sql('chat', `BEGIN; SELECT FROM room WHERE id = '${room}' FOR NO KEY UPDATE; INSERT INTO knock SELECT '${room}', 'n' || n, '',
    date_trunc('second', now()) - interval '1 hour' + n * interval '1 ms', now() + interval '1 hour' FROM generate_series(1, 999) n; COMMIT`)
  const last = await asks(rex, room)
  await sam.isRefused('room:knock', { room }, 'too_large')
  assert.deepEqual(await asks(rex, room), last) // said twice
  assert.deepEqual([await mine(sam), (await listed(quin, room)).knocking], [[], 100])
  const found = []
  for (let after, pages = 0; pages === 0 || after; pages++) {
    const page = await quin.calls('knock:list', { room, limit: 90, ...(after ? { after } : {}) })
    found.push(...page.knocks.map(one => one.subject))
    after = page.next
  }
  assert.deepEqual(found, [...Array.from({ length: 999 }, (_, n) => `n${n + 1}`), 'rex'])
  await quin.isRefused('knock:list', { room, after: 'no place' }, 'invalid_argument')
  await stack.sql('chat', `UPDATE knock SET expires_at = now() WHERE room_id = '${room}' AND subject IN ('n7', 'rex')`)
  assert.deepEqual([await mine(rex), (await seen(quin, room))[6]], [[], 'n8'])
  await asks(sam, room)
  const anew = await asks(rex, room)
  assert.ok(anew.asked_at > last.asked_at)
  await quin.isRefused('knock:answer', { room, subject: 'n7', yes: true }, 'not_found')
  await stack.sql('chat', 'UPDATE job SET run_at = now() WHERE kind = \'knock.expire\'')
  await until('it is removed', async () => await stack.sql('chat', `SELECT count(*) FROM knock WHERE room_id = '${room}' AND expires_at <= now()`) === '0', 30000)
  assert.deepEqual([await mine(sam), await mine(rex)], [[room], [room]])

  // In many rooms at once no more are taken than may be.
  const rooms = await Promise.all(Array.from({ length: 60 }, () => aRoom(quin)))
  const codes = (await Promise.all(rooms.map(one => tom.emits('room:knock', { room: one })))).map(codeOf)
  assert.deepEqual([codes.filter(code => code === 'ok').length, codes.filter(code => code === 'too_large').length], [50, 10])
  assert.equal((await mine(tom)).length, 50)
  await tom.calls('knock:withdraw', { room: rooms[codes.indexOf('ok')] })
  await asks(tom, rooms[codes.indexOf('too_large')])
  leave(...people)
})
