// r_scheduled - messages that are sent later: at their time, once, whoever is killed; and only while their author may say something there.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Person, isGapless, request } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const DAY = 86400000, LONG = 60000

let stack, key
before(async () => {
  stack = await startStack({ gateways: 2, env: { MADANG_AUTH_REGISTRATION: 'open' } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

let n = 0
const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name)))
/** Olga, who owns a room, on two devices; and Max, who is in it. */
async function aRoom() {
  const names = [`olga ${++n}`, `max ${n}`], [olga, phone, max] = await arrive(names[0], names[0], names[1])
  const { id: room } = await olga.makesRoom({ open: false, members: [max.name] })
  return { olga, phone, max, room, leave: () => [olga, phone, max].forEach(person => person.leaves()) }
}
const later = (person, room, more = {}) => person.calls('message:schedule', { room, id: randomUUID(), body: 'later', send_at: Date.now() + DAY, ...more })
const listed = async (person, query = {}) => (await person.calls('scheduled:list', query)).scheduled
const told = (person, event, id) => person.events.filter(([name, arg]) => name === event && arg.id === id).map(([, arg]) => arg)
const hears = (person, event, id, matches = () => true) => until(`${person.name} hears ${event}`, () => told(person, event, id).find(matches), LONG)
const sql = text => stack.sql('store', text)
const used = async subject => Number(await sql(`SELECT coalesce(sum(used), 0) FROM usage WHERE quota = 'scheduled' AND subject = '${subject}'`))
/** Its time has come, as far as the store is concerned. */
const due = where => sql(`UPDATE scheduled SET try_at = now() - interval '1 second' WHERE ${where}`)
/** As who puts it does: one that runs is run again. */
const wake = kind => sql(`UPDATE job SET run_at = CASE WHEN lease IS NULL THEN now() ELSE run_at END, again_at = CASE WHEN lease IS NOT NULL THEN now() END
  WHERE kind = '${kind}'; SELECT pg_notify('store_jobs', '')`)
const isSent = (person, room, id) => until(`${id} is in the log`, async () => (await person.reads(room)).find(message => message.id === id), LONG)
const inLog = async (person, room, id) => (await person.reads(room)).filter(message => message.id === id)
async function aMedium(person) {
  const raw = `--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n${randomUUID()}\r\n--b--\r\n`
  const answer = await request(stack, 'POST', '/api/v1/media', { token: person.token, raw: Buffer.from(raw), headers: { 'content-type': 'multipart/form-data; boundary=b' } })
  assert.equal(answer.status, 201, answer.text)
  return answer.json.data.id
}

test('a message is sent at its time as it was scheduled, and its author hears on every device what becomes of it', { timeout: 120000 }, async () => {
  const { olga, phone, max, room, leave } = await aRoom()
  await max.joins(room)
  const { seq: thread } = await max.says(room, 'a question'), media = await aMedium(olga)
  const draft = { room, id: randomUUID(), body: 'an answer', meta: { n: [1.5, 'b'] }, thread, attachments: [media], send_at: Date.now() + 1500 }
  const made = await olga.calls('message:schedule', draft)
  assert.deepEqual({ ...made, made_at: undefined }, { ...draft, made_at: undefined })
  for (const device of [olga, phone]) assert.deepEqual(await hears(device, 'scheduled:changed', draft.id), made)
  assert.deepEqual(await olga.calls('message:schedule', { ...draft, body: 'a repeat' }), made)

  const message = await isSent(max, room, draft.id)
  assert.ok(message.at >= draft.send_at, `sent ${draft.send_at - message.at} ms early`)
  assert.deepEqual({ body: message.body, meta: message.meta, thread: message.thread, attachments: message.attachments, sender: message.sender },
    { body: 'an answer', meta: draft.meta, thread, attachments: [media], sender: olga.name })
  for (const device of [olga, phone]) assert.deepEqual(await hears(device, 'scheduled:removed', draft.id), { room, id: draft.id, seq: message.seq })
  assert.deepEqual([await listed(olga), await used(olga.name), told(max, 'scheduled:changed', draft.id)], [[], 0, []])
  assert.equal((await until('max hears it', () => max.heard.find(one => one.id === draft.id), LONG)).body, 'an answer')
  await olga.isRefused('message:schedule', { ...draft, send_at: Date.now() + DAY }, 'conflict', /in the log/)
  leave()
})

test('it is listed in pages, over REST and over a socket, given another time and text, sent at once, or cancelled', { timeout: 120000 }, async () => {
  const { olga, phone, max, room, leave } = await aRoom(), { id: other } = await olga.makesRoom()
  const at = Date.now() + DAY, ids = []
  for (let i = 0; i < 5; i++) ids.push((await later(olga, i === 4 ? other : room, { body: `no. ${i}`, send_at: at + (i >> 1) })).id)
  const pages = []
  for (let after; ;) {
    const page = await olga.calls('scheduled:list', { limit: 2, ...(after ? { after } : {}) })
    pages.push(page.scheduled.map(one => one.id))
    if (!(after = page.meta.next)) break
  }
  assert.deepEqual(pages.flat(), ids)
  assert.equal(pages.length, 3)
  assert.deepEqual((await listed(olga, { room: other })).map(one => one.id), [ids[4]])
  assert.deepEqual(await listed(max), [])
  await olga.isRefused('scheduled:list', { after: 'no place' }, 'invalid_argument', /after/)
  const rest = await olga.rest('GET', '/api/v1/scheduled?limit=100')
  assert.deepEqual(rest.json.data.scheduled, await listed(olga, { limit: 100 }))

  const path = id => `/api/v1/rooms/${room}/scheduled/${id}`
  const changed = await olga.rest('PATCH', path(ids[0]), { body: 'another text', send_at: at + 10 })
  assert.deepEqual([changed.status, changed.json.data.body, changed.json.data.send_at], [200, 'another text', at + 10])
  await hears(phone, 'scheduled:changed', ids[0], one => one.body === 'another text')
  assert.equal((await olga.calls('scheduled:change', { room, id: ids[1], body: 'a text' })).send_at, at)
  assert.equal((await olga.rest('DELETE', path(ids[1]))).status, 204)
  assert.deepEqual(await hears(phone, 'scheduled:removed', ids[1]), { room, id: ids[1] })
  assert.equal((await olga.rest('DELETE', path(ids[1]))).status, 404)

  // What is another's is not there.
  for (const [event, more] of [['scheduled:change', { body: 'mine' }], ['scheduled:cancel', {}], ['scheduled:send', {}]])
    await max.isRefused(event, { room, id: ids[2], ...more }, 'not_found')

  const sent = await olga.rest('POST', `${path(ids[0])}/send`)
  assert.equal(sent.status, 200, sent.text)
  const message = await isSent(olga, room, ids[0])
  assert.deepEqual([message.body, (await hears(phone, 'scheduled:removed', ids[0])).seq], ['another text', message.seq])
  assert.deepEqual((await listed(olga)).map(one => one.id), ids.slice(2))
  assert.equal(await used(olga.name), 3)
  leave()
})

test('what could not be sent now is refused at once, and so is what is too early, too late, too long or too many', { timeout: 120000 }, async () => {
  const { olga, max, room, leave } = await aRoom(), [stranger] = await arrive(`stranger ${n}`)
  const draft = { room, id: randomUUID(), body: 'later', send_at: Date.now() + DAY }
  await stranger.isRefused('message:schedule', draft, 'forbidden')
  await olga.isRefused('message:schedule', { ...draft, room: randomUUID() }, 'not_found')
  await olga.isRefused('message:schedule', { ...draft, send_at: Date.now() - 1000 }, 'invalid_argument', /send_at/)
  await olga.isRefused('message:schedule', { ...draft, send_at: Date.now() + 121 * DAY }, 'invalid_argument', /send_at/)
  await olga.isRefused('message:schedule', { ...draft, body: 'x'.repeat(1001) }, 'invalid_argument', /body/)
  await olga.isRefused('message:schedule', { ...draft, body: '' }, 'invalid_argument', /body/)
  await olga.isRefused('message:schedule', { ...draft, attachments: [randomUUID()] }, 'not_found', /attachments/)
  await olga.isRefused('message:schedule', { ...draft, attachments: [await aMedium(max)] }, 'not_found', /attachments/)
  await olga.calls('message:schedule', draft)
  await olga.isRefused('scheduled:change', { room, id: draft.id, body: 'x'.repeat(1001) }, 'invalid_argument', /body/)
  await olga.isRefused('scheduled:change', { room, id: draft.id, send_at: Date.now() - 1000 }, 'invalid_argument', /send_at/)
  await olga.calls('member:mute', { room, member: max.name, for_s: 3600 })
  await until('max only reads', async () => (await max.emits('message:schedule', { ...draft, id: randomUUID() })).error?.code === 'forbidden', LONG)

  await stack.authctl('quota', 'set', 'scheduled', '2', '--subject', olga.name)
  await olga.calls('message:schedule', { ...draft, id: 'the second' })
  await until('the quota is two', async () => {
    const { error } = await olga.emits('message:schedule', { ...draft, id: 'one more' })
    if (!error) await olga.calls('scheduled:cancel', { room, id: 'one more' })
    return error?.code === 'quota_exceeded'
  }, LONG)
  assert.deepEqual([(await listed(olga)).length, await used(olga.name)], [2, 2])
  leave()
  stranger.leaves()
})

// What a room's people may do there changes, and then it is due.
const ends = {
  'has left': ({ max, room }) => max.calls('room:remove', { room }),
  'was removed': ({ olga, max, room }) => olga.calls('room:remove', { room, member: max.name }),
  'was banned': ({ olga, max, room }) => olga.calls('member:ban', { room, member: max.name }),
  'is muted': ({ olga, max, room }) => olga.calls('member:mute', { room, member: max.name, for_s: 3600 }),
  'is in an archived room': ({ olga, room }) => olga.calls('room:archive', { room }),
  'may only read': ({ olga, room }) => olga.calls('room:update', { room, writes: 'moderator' }),
}
for (const [what, end] of Object.entries(ends))
  test(`whoever ${what} by then is not heard, and is told`, { timeout: 120000 }, async () => {
    const at = await aRoom(), { olga, max, room, leave } = at
    const { id } = await later(max, room)
    await end(at)
    await until('the store knows', async () => (await max.emits('message:send', { room, id: randomUUID(), body: 'now' })).error?.code === 'forbidden', LONG)
    const before = await olga.reads(room)
    await due(`id = '${id}'`)
    await wake('schedule.run')
    const refused = await hears(max, 'scheduled:changed', id, one => one.refused)
    assert.equal(refused.refused, 'forbidden')
    assert.ok(refused.why.length > 0)
    assert.deepEqual(await listed(max), [refused])
    assert.deepEqual(await olga.reads(room), before)
    assert.equal((await max.calls('scheduled:change', { room, id, body: 'another text' })).refused, 'forbidden')
    await max.calls('scheduled:cancel', { room, id })
    assert.deepEqual([await listed(max), await used(max.name)], [[], 0])
    leave()
  })

// docs/why/0078: whoever is blocked is answered what they would be without it, now and later.
test('whoever is blocked in a room of two by then sees no difference: what they scheduled is sent, as what they say is', { timeout: 120000 }, async () => {
  const [olga, max] = await arrive(`olga ${++n}`, `max ${n}`)
  await olga.calls('friend:request', { subject: max.name })
  await max.calls('friend:accept', { subject: olga.name })
  const { id: room } = await max.calls('room:direct', { subject: olga.name })
  const { id } = await later(max, room)
  await olga.calls('friend:block', { subject: max.name })
  const { id: another } = await later(max, room)
  const { id: now } = await max.says(room, 'now')
  await due(`id IN ('${id}', '${another}')`)
  await wake('schedule.run')
  for (const sent of [id, another]) {
    const { seq } = await isSent(max, room, sent)
    assert.deepEqual(await hears(max, 'scheduled:removed', sent), { room, id: sent, seq })
  }
  assert.deepEqual([await listed(max), await used(max.name)], [[], 0])
  assert.deepEqual((await max.reads(room)).map(message => message.id).sort(), [id, another, now].sort())
  assert.ok(!(await olga.calls('room:list', {})).rooms.some(one => one.id === room))
  olga.leaves()
  max.leaves()
})

test('what was refused is sent when it is given another time, and its author may write again', { timeout: 120000 }, async () => {
  const { olga, max, room, leave } = await aRoom()
  const { id } = await later(max, room)
  await olga.calls('room:archive', { room })
  await until('nobody writes', async () => (await max.emits('message:send', { room, id: randomUUID(), body: 'now' })).error?.code === 'forbidden', LONG)
  await max.calls('scheduled:send', { room, id })
  await hears(max, 'scheduled:changed', id, one => one.refused === 'forbidden')
  await olga.calls('room:archive', { room, archived: false })
  assert.equal((await max.calls('scheduled:change', { room, id, send_at: Date.now() + 500 })).refused, undefined)
  await isSent(olga, room, id)
  await hears(max, 'scheduled:removed', id, one => one.seq > 0)
  leave()
})

test('a reply to what is no message, and what shows a file that is gone, are refused with that reason', { timeout: 120000 }, async () => {
  const { olga, room, leave } = await aRoom(), media = await aMedium(olga)
  const reply = await later(olga, room, { thread: 4711 }), shows = await later(olga, room, { attachments: [media] })
  await stack.sql('share', `DELETE FROM media WHERE id = '${media}'`)
  await due(`id IN ('${reply.id}', '${shows.id}')`)
  await wake('schedule.run')
  assert.equal((await hears(olga, 'scheduled:changed', reply.id, one => one.refused)).refused, 'not_found')
  assert.match((await hears(olga, 'scheduled:changed', shows.id, one => one.refused)).why, /attachments/)
  leave()
})

test('of a cancellation and the sending one wins', { timeout: 240000 }, async () => {
  const { olga, room, leave } = await aRoom()
  const ids = []
  for (let i = 0; i < 40; i++) ids.push((await later(olga, room)).id)
  const [answers] = await Promise.all([
    Promise.all(ids.map(id => olga.emits('scheduled:cancel', { room, id }).then(answer => answer?.error?.code ?? 'cancelled'))),
    due(`room_id = '${room}'`).then(() => wake('schedule.run')),
  ])
  await until('all is over', async () => { await wake('schedule.run'); return (await listed(olga)).length === 0 }, LONG)
  const stored = new Set((await olga.reads(room)).map(message => message.id))
  ids.forEach((id, i) => {
    assert.ok(['cancelled', 'conflict', 'not_found'].includes(answers[i]), answers[i])
    assert.equal(stored.has(id), answers[i] !== 'cancelled', `${id}: ${answers[i]}`)
  })
  assert.equal(await used(olga.name), 0)
  leave()
})

test('what was in the log when the store died is told as sent, though its author was put out of the room since', { timeout: 120000 }, async () => {
  const { olga, max, room, leave } = await aRoom()
  const { id } = await later(max, room)
  const { seq } = await max.calls('message:send', { room, id, body: 'later' }) // as the store had, before it died
  await olga.calls('room:remove', { room, member: max.name })
  await until('the store knows', async () => (await max.emits('message:send', { room, id: randomUUID(), body: 'now' })).error?.code === 'forbidden', LONG)
  await sql(`UPDATE scheduled SET sending = true, try_at = now() WHERE id = '${id}'`)
  await max.isRefused('scheduled:cancel', { room, id }, 'conflict')
  await wake('schedule.run')
  await until('it is over', async () => (await listed(max)).length === 0, LONG)
  assert.deepEqual([(await inLog(olga, room, id)).map(message => message.seq), await used(max.name)], [[seq], 0])
  leave()
})

test('a file that waits to be shown stays', { timeout: 120000 }, async () => {
  const { olga, room, leave } = await aRoom(), media = await aMedium(olga), { id } = await later(olga, room, { attachments: [media] })
  const use = () => stack.sql('share', `SELECT use FROM media WHERE id = '${media}'`)
  const isLookedAt = async () => {
    await stack.sql('share', `UPDATE media SET due_at = now() - interval '1 s' WHERE id = '${media}'`)
    await until('it is looked at', async () => {
      if (await stack.sql('share', `SELECT due_at > now() FROM media WHERE id = '${media}'`) === 't') return true
      await stack.sql('share', "UPDATE job SET run_at = now() WHERE kind = 'media.collect' AND lease IS NULL; SELECT pg_notify('share_jobs', '')")
    }, LONG)
  }
  await isLookedAt()
  assert.equal(await use(), 'shown')
  await olga.calls('scheduled:cancel', { room, id })
  await isLookedAt()
  assert.equal(await use(), 'left')
  leave()
})

test('it goes with its room, and with its author', { timeout: 120000 }, async () => {
  const { olga, max, room, leave } = await aRoom()
  const kept = await olga.makesRoom(), { id } = await later(max, room), other = await later(olga, kept.id)
  await olga.calls('room:delete', { room })
  await until('it is forgotten', async () => { await wake('schedule.sweep'); return (await listed(max)).length === 0 }, LONG)
  assert.deepEqual([await hears(max, 'scheduled:removed', id), await used(max.name), (await listed(olga)).map(one => one.id)], [{ room, id }, 0, [other.id]])
  leave()

  const nickname = `ida${n}`, account = { email: `${nickname}@example.org`, password: 'a lamp in the long grass' }
  const { user } = (await request(stack, 'POST', '/api/v1/auth/register', { body: { ...account, nickname } })).json.data
  const { access_token } = (await request(stack, 'POST', '/api/v1/auth/login', { body: account })).json.data
  const ida = await new Person(stack, nickname, access_token).connects()
  const mine = await ida.makesRoom()
  const last = await later(ida, mine.id)
  await stack.authctl('user', 'disable', user.id)
  await until('the store knows', async () => await sql(`SELECT state FROM directory WHERE subject = '${user.id}'`) === 'disabled', LONG)
  await due(`id = '${last.id}'`)
  await wake('schedule.run')
  await until('it is refused', async () => await sql(`SELECT refused FROM scheduled WHERE id = '${last.id}'`) === 'forbidden', LONG)
  await stack.authctl('user', 'enable', user.id)
  await stack.authctl('user', 'delete', user.id)
  await stack.sql('auth', `UPDATE account SET delete_at = now() - interval '1 day' WHERE id = '${user.id}'`)
  await until('it is gone', async () => {
    await stack.sql('auth', "UPDATE job SET run_at = now() WHERE lease IS NULL; SELECT pg_notify('auth_jobs', '')")
    return await sql(`SELECT (SELECT count(*) FROM scheduled WHERE subject = '${user.id}') + (SELECT count(*) FROM usage WHERE subject = '${user.id}')`) === '0'
  }, LONG)
  ida.leaves()
})

/** Rows are held by somebody else, who is let go of. */
const holds = async rows => {
  const name = `holder ${randomUUID()}`, held = sql(`SET application_name = '${name}'; BEGIN; ${rows} FOR UPDATE; SELECT pg_sleep(300)`).catch(() => {})
  await until('they are held', async () => await sql(`SELECT count(*) FROM pg_stat_activity WHERE application_name = '${name}' AND wait_event = 'PgSleep'`) === '1', LONG)
  return async () => {
    await sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${name}'`)
    await held
  }
}
/** As when the lease of the run that died is over. */
const lapses = () => sql("UPDATE job SET run_at = now() WHERE kind = 'schedule.run'; SELECT pg_notify('store_jobs', '')")
const isOver = person => until('it is over', async () => { await lapses(); return (await person.emits('scheduled:list', {})).scheduled?.length === 0 }, LONG)

test('a store that dies before the commit has sent nothing, and the next one sends it once; meanwhile nobody cancels it', { timeout: 240000 }, async () => {
  const { olga, room, leave } = await aRoom()
  await olga.says(room, 'the first')
  const { id } = await later(olga, room), letGo = await holds(`SELECT FROM room_head WHERE room_id = '${room}'`)
  await due(`id = '${id}'`)
  await wake('schedule.run')
  await until('it is being sent', async () => await sql(`SELECT sending FROM scheduled WHERE id = '${id}'`) === 't', LONG)
  await olga.isRefused('scheduled:cancel', { room, id }, 'conflict')
  await olga.isRefused('scheduled:change', { room, id, body: 'another text' }, 'conflict')
  assert.equal((await olga.calls('scheduled:send', { room, id })).id, id)
  await stack.kill('store')
  await letGo()
  await stack.ready()
  await isOver(olga)
  assert.deepEqual([(await inLog(olga, room, id)).map(message => [message.seq, message.body]), await used(olga.name)], [[[2, 'later']], 0])
  leave()
})

test('a store that dies behind the commit has sent it, and the next one sends it no more', { timeout: 240000 }, async () => {
  const { olga, room, leave } = await aRoom(), { id } = await later(olga, room)
  const letGo = await holds(`SELECT FROM usage WHERE subject = '${olga.name}'`)
  await due(`id = '${id}'`)
  await wake('schedule.run')
  const { seq } = await isSent(olga, room, id)
  await olga.isRefused('scheduled:cancel', { room, id }, 'conflict')
  await stack.kill('store')
  await letGo()
  await stack.ready()
  await isOver(olga)
  assert.deepEqual([(await inLog(olga, room, id)).map(message => message.seq), await used(olga.name)], [[seq], 0])
  leave()
})

test('each is sent once, whoever is killed while they are', { timeout: 400000 }, async () => {
  const { olga, max, room, leave } = await aRoom(), ids = []
  for (let i = 0; i < 120; i++) ids.push((await later(olga, room, { body: `no. ${i}` })).id)
  await due(`room_id = '${room}'`)
  await wake('schedule.run')
  for (const victim of ['store', 'chat', 'gateway-1', 'store', 'postgres', 'store']) {
    await stack.kill(victim)
    await stack.ready()
    await until('the database is there', () => due(`room_id = '${room}'`).then(() => true, () => false), LONG) // what is tried again is tried now
    await lapses()
  }
  await until('none waits', async () => { await due(`room_id = '${room}'`); await lapses(); return (await sql(`SELECT count(*) FROM scheduled WHERE room_id = '${room}'`)) === '0' }, 120000)
  await until('the log is read again', async () => (await max.rest('GET', `/api/v1/rooms/${room}/messages`)).status === 200, LONG)
  const log = await max.reads(room)
  isGapless(log)
  assert.deepEqual(log.map(message => message.id).sort(), [...ids].sort())
  assert.equal(await used(olga.name), 0)
  leave()
})
