// r_drafts - what somebody has begun to write: one text on all of their devices, which goes when it was sent, and does not come back.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { asAdmin, loggedBy } from '../lib/database_log.mjs'
import { Person, request } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { pause, until } from '../lib/wait.mjs'

const LONG = 60000

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
/** What is over a rate, as a test that waits for something asks often, is asked again. */
async function asks(person, event, arg) {
  for (;;) {
    const answer = await person.emits(event, arg)
    if (answer?.error?.code !== 'rate_limited') return answer
    await pause(answer.error.retry_after_ms)
  }
}
async function begins(person, room, body, more = {}) {
  const draft = await asks(person, 'draft:set', { room, body, ...more })
  assert.ok(!draft.error, JSON.stringify(draft.error))
  return draft
}
const listed = async (person, query = {}) => (await person.calls('draft:list', query)).drafts
const told = (person, event, version) => person.events.filter(([name, arg]) => name === event && arg.version === version).map(([, arg]) => arg)
const hears = (person, event, { version }) => until(`${person.name} hears ${event}`, () => told(person, event, version)[0], LONG)
const sends = (person, room, body, more = {}) => person.calls('message:send', { room, id: randomUUID(), body, ...more })
const sql = text => stack.sql('store', text)
const used = async subject => Number(await sql(`SELECT coalesce(sum(used), 0) FROM usage WHERE quota = 'drafts' AND subject = '${subject}'`))
/** As who puts it does: one that runs is run again. */
const wake = kind => sql(`UPDATE job SET run_at = CASE WHEN lease IS NULL THEN now() ELSE run_at END, again_at = CASE WHEN lease IS NOT NULL THEN now() END
  WHERE kind = '${kind}'; SELECT pg_notify('store_jobs', '')`)
const writesNoMore = (person, room) => until('the store knows', async () => (await person.emits('message:send', { room, id: randomUUID(), body: 'now' })).error?.code === 'forbidden', LONG)
async function aMedium(person) {
  const raw = `--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n${randomUUID()}\r\n--b--\r\n`
  const answer = await request(stack, 'POST', '/api/v1/media', { token: person.token, raw: Buffer.from(raw), headers: { 'content-type': 'multipart/form-data; boundary=b' } })
  assert.equal(answer.status, 201, answer.text)
  return answer.json.data.id
}

test('what is begun on one device is there on the others, for each room and thread, and nobody else hears of it', { timeout: 120000 }, async () => {
  const { olga, phone, max, room, leave } = await aRoom(), media = await aMedium(olga)
  const { seq: thread } = await max.says(room, 'a question'), from = Date.now()
  const said = { room, thread, body: 'an answ', meta: { n: [1.5, 'b'] }, attachments: [media] }
  const first = await olga.calls('draft:set', said)
  assert.deepEqual(first, { ...said, updated_at: first.updated_at, version: first.version })
  assert.ok(first.updated_at >= from && first.version > 0)
  for (const device of [olga, phone]) assert.deepEqual(await hears(device, 'draft:changed', first), first)

  const next = await phone.calls('draft:set', { room, thread, body: 'an answer', version: first.version })
  assert.deepEqual(next, { room, thread, body: 'an answer', updated_at: next.updated_at, version: next.version })
  assert.ok(next.version > first.version && next.updated_at >= first.updated_at)
  assert.deepEqual(await hears(olga, 'draft:changed', next), next)
  const plain = await begins(olga, room, 'of the room')
  assert.deepEqual(await listed(phone), [plain, next])
  assert.deepEqual([await used(olga.name), await listed(max)], [2, []])

  await phone.calls('draft:clear', { room, thread })
  for (const device of [olga, phone]) assert.deepEqual(await hears(device, 'draft:cleared', next), { room, thread, version: next.version })
  assert.deepEqual([await listed(olga), await used(olga.name)], [[plain], 1])
  assert.deepEqual(await max.calls('draft:clear', { room }), {})
  assert.deepEqual([await listed(olga), max.events.filter(([event]) => event.startsWith('draft:'))], [[plain], []])
  leave()
})

test('a device that knows an older text does not write over a newer one, and what it repeats is kept once', { timeout: 120000 }, async () => {
  const { olga, phone, room, leave } = await aRoom(), say = (body, version) => ({ room, body, version })
  const first = await olga.calls('draft:set', say('one', 0))
  await phone.isRefused('draft:set', say('two', 0), 'precondition_failed', /version/)
  assert.deepEqual(await olga.calls('draft:set', say('one', 0)), first)
  const second = await phone.calls('draft:set', say('two', first.version))
  await olga.isRefused('draft:set', say('three', first.version), 'precondition_failed', /version/)
  assert.deepEqual(await phone.calls('draft:set', say('two', first.version)), second)
  await phone.isRefused('draft:set', { ...say('two', first.version), meta: { a: 1 } }, 'precondition_failed')
  assert.deepEqual([told(olga, 'draft:changed', first.version).length, await listed(olga), await used(olga.name)], [1, [second], 1])

  await olga.isRefused('draft:clear', { room, version: first.version }, 'precondition_failed', /newer/)
  const third = await begins(olga, room, 'in any case')
  assert.deepEqual(await listed(phone), [third])
  await phone.calls('draft:clear', { room, version: third.version })
  await phone.calls('draft:clear', { room, version: third.version })
  await olga.isRefused('draft:set', say('late', third.version), 'precondition_failed')
  assert.deepEqual([await listed(olga), await used(olga.name)], [[], 0])
  assert.ok((await olga.calls('draft:set', say('anew', 0))).version > third.version)
  leave()
})

test('of many that begin at once one has begun, and the last of many that change it stands', { timeout: 120000 }, async () => {
  const { olga, phone, room, leave } = await aRoom()
  const all = more => Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? olga : phone).emits('draft:set', { room, body: `no. ${i}`, ...more })))
  const begun = await all({ version: 0 })
  assert.deepEqual(begun.map(answer => answer.error?.code ?? 'kept').sort(), ['kept', ...Array(19).fill('precondition_failed')])
  assert.deepEqual(await listed(olga), begun.filter(answer => !answer.error))
  await olga.calls('draft:clear', { room })
  const kept = await all({})
  const newest = kept.reduce((a, b) => a.version > b.version ? a : b)
  assert.equal(new Set(kept.map(draft => draft.version)).size, 20)
  assert.deepEqual([await listed(phone), await used(olga.name)], [[newest], 1])
  leave()
})

test('a message that names its draft clears it, on all devices, and who did not hear of it does not bring it back', { timeout: 120000 }, async () => {
  const { olga, phone, max, room, leave } = await aRoom(), { seq: thread } = await max.says(room, 'a question')
  const draft = await begins(olga, room, 'hello'), reply = await begins(olga, room, 'an answer', { thread })
  await sends(olga, room, 'something else')
  assert.deepEqual(await listed(olga), [reply, draft])

  const id = randomUUID(), message = { room, id, body: 'hello', draft: draft.version }
  const receipt = await olga.calls('message:send', message)
  assert.deepEqual([await listed(phone), await used(olga.name)], [[reply], 1]) // the receipt comes behind it
  for (const device of [olga, phone]) assert.deepEqual(await hears(device, 'draft:cleared', draft), { room, version: draft.version })
  await phone.isRefused('draft:set', { room, body: 'hello, wor', version: draft.version }, 'precondition_failed')
  assert.deepEqual(await olga.calls('message:send', message), receipt)
  assert.deepEqual(await listed(phone), [reply])

  // Another device has written on meanwhile; a message that is refused was not sent.
  const answered = await begins(phone, room, 'an answer, and more', { thread, version: reply.version })
  await sends(olga, room, 'an answer', { thread, draft: reply.version })
  assert.deepEqual(await listed(olga), [answered])
  await olga.isRefused('message:send', { room, id: randomUUID(), body: 'an answer', thread: 4711, draft: answered.version }, 'not_found')
  assert.deepEqual(await listed(olga), [answered])
  const rest = await olga.rest('POST', `/api/v1/rooms/${room}/messages`, { id: randomUUID(), body: 'an answer', thread, draft: answered.version })
  assert.equal(rest.status, 201, rest.text)
  assert.deepEqual([await listed(olga), await used(olga.name)], [[], 0])
  leave()
})

test('a message that shall be sent later takes its draft along, or neither is kept', { timeout: 120000 }, async () => {
  const { olga, phone, max, room, leave } = await aRoom(), send_at = Date.now() + 3600000
  const { seq: thread } = await max.says(room, 'a question')
  const [draft, other] = [await begins(olga, room, 'tomorrow'), await begins(olga, room, 'in the thread', { thread })]
  const later = { room, id: randomUUID(), body: 'tomorrow then', send_at, draft: draft.version }
  assert.equal((await olga.emits('message:schedule', { ...later, send_at: send_at - 7200000 })).error.code, 'invalid_argument')
  assert.deepEqual((await listed(olga)).map(d => d.version), [other.version, draft.version], 'what is refused clears none')

  const made = await olga.calls('message:schedule', later)
  assert.equal(made.body, 'tomorrow then')
  for (const device of [olga, phone]) assert.deepEqual(await hears(device, 'draft:cleared', draft), { room, version: draft.version })
  assert.deepEqual((await listed(phone)).map(d => d.version), [other.version], 'another thread\'s stays')
  assert.equal(await used(olga.name), 1)

  const newer = await begins(phone, room, 'something else')
  assert.deepEqual(await olga.calls('message:schedule', later), made, 'a repeat')
  await olga.calls('message:schedule', { ...later, id: randomUUID() })
  assert.deepEqual((await listed(olga)).map(d => d.version), [newer.version, other.version], 'a newer one stays')
  const answer = await olga.rest('POST', `/api/v1/rooms/${room}/scheduled`, { id: randomUUID(), body: 'an answer', send_at, thread, draft: other.version })
  assert.equal(answer.status, 201, answer.text)
  assert.deepEqual((await listed(olga)).map(d => d.version), [newer.version])
  assert.deepEqual(told(max, 'draft:cleared', draft.version), [])
  leave()
})

test('they are listed in pages, newest first, over REST and over a socket, and kept and cleared by either', { timeout: 120000 }, async () => {
  const { olga, phone, room, leave } = await aRoom(), { id: other } = await olga.makesRoom(), made = []
  for (let thread = 1; thread <= 4; thread++) made.unshift(await begins(olga, room, `no. ${thread}`, { thread }))
  made.unshift(await begins(olga, other, 'elsewhere'))
  made.unshift(await begins(olga, room, 'no. 2, again', { thread: 2 }))
  made.splice(made.findIndex(draft => draft.body === 'no. 2'), 1)
  const pages = []
  for (let after; ;) {
    const page = await olga.calls('draft:list', { limit: 2, ...(after ? { after } : {}) })
    pages.push(page.drafts)
    if (!(after = page.meta.next)) break
  }
  assert.deepEqual(pages.flat(), made)
  assert.equal(pages.length, 3)
  assert.deepEqual(await listed(olga, { room: other }), made.filter(draft => draft.room === other))
  for (const after of ['no place', '0', '-1', '1.5']) await olga.isRefused('draft:list', { after }, 'invalid_argument', /after/)
  assert.deepEqual((await olga.rest('GET', '/api/v1/drafts?limit=100')).json.data.drafts, made)

  const path = `/api/v1/rooms/${room}/draft`
  const put = await olga.rest('PUT', path, { body: 'by REST', version: 0 })
  assert.deepEqual([put.status, put.json.data.body], [200, 'by REST'])
  assert.deepEqual(await hears(phone, 'draft:changed', put.json.data), put.json.data)
  const late = await olga.rest('PUT', path, { body: 'late', version: made[0].version })
  assert.deepEqual([late.status, late.json.error.code], [412, 'precondition_failed'])
  assert.equal((await olga.rest('DELETE', `${path}?version=${made[0].version}`)).status, 412)
  assert.equal((await olga.rest('DELETE', `${path}?version=${put.json.data.version}`)).status, 204)
  assert.equal((await olga.rest('DELETE', `${path}?thread=1`)).status, 204)
  assert.equal((await olga.rest('DELETE', `${path}?thread=1`)).status, 204)
  assert.deepEqual(await listed(phone), made.filter(draft => draft.thread !== 1))
  leave()
})

test('only where one could write now, and as long, and with what, as a message; not too many', { timeout: 120000 }, async () => {
  const { olga, max, room, leave } = await aRoom(), [stranger] = await arrive(`stranger ${n}`), draft = { room, body: 'begun' }
  await stranger.isRefused('draft:set', draft, 'forbidden')
  await olga.isRefused('draft:set', { ...draft, room: randomUUID() }, 'not_found')
  await olga.isRefused('draft:set', { ...draft, body: 'x'.repeat(1001) }, 'invalid_argument', /body/)
  await olga.isRefused('draft:set', { ...draft, body: '' }, 'invalid_argument', /body/)
  await olga.isRefused('draft:set', { ...draft, meta: 'x'.repeat(5000) }, 'invalid_argument', /meta/)
  await olga.isRefused('draft:set', { ...draft, version: -2 }, 'invalid_argument', /version/)
  await olga.isRefused('draft:set', { ...draft, attachments: [randomUUID()] }, 'not_found', /attachments/)
  await olga.isRefused('draft:set', { ...draft, attachments: [await aMedium(max)] }, 'not_found', /attachments/)
  assert.equal((await begins(olga, room, '한'.repeat(1000))).body.length, 1000)
  await olga.calls('member:mute', { room, member: max.name, for_s: 3600 })
  await until('max only reads', async () => (await asks(max, 'draft:set', draft)).error?.code === 'forbidden', LONG)

  await stack.authctl('quota', 'set', 'drafts', '2', '--subject', olga.name)
  await begins(olga, room, 'the second', { thread: 1 })
  await until('the quota is two', async () => {
    const { error } = await asks(olga, 'draft:set', { ...draft, thread: 2 })
    if (!error) await asks(olga, 'draft:clear', { room, thread: 2 })
    return error?.code === 'quota_exceeded'
  }, LONG)
  await begins(olga, room, 'what is there is changed', { thread: 1 })
  assert.deepEqual([(await listed(olga)).length, await used(olga.name)], [2, 2])
  leave()
  stranger.leaves()
})

test('a file in a draft stays, until nothing shows it any more', { timeout: 120000 }, async () => {
  const { olga, room, leave } = await aRoom(), media = await aMedium(olga)
  const use = () => stack.sql('share', `SELECT use FROM media WHERE id = '${media}'`)
  const isLookedAt = async () => {
    await stack.sql('share', `UPDATE media SET due_at = now() - interval '1 s' WHERE id = '${media}'`)
    await until('it is looked at', async () => {
      if (await stack.sql('share', `SELECT due_at > now() FROM media WHERE id = '${media}'`) === 't') return true
      await stack.sql('share', "UPDATE job SET run_at = now() WHERE kind = 'media.collect' AND lease IS NULL; SELECT pg_notify('share_jobs', '')")
    }, LONG)
  }
  await begins(olga, room, '', { attachments: [media] })
  await isLookedAt()
  assert.equal(await use(), 'shown')
  await begins(olga, room, 'without it')
  await isLookedAt()
  assert.equal(await use(), 'left')
  leave()
})

// Who of a room writes there no more, and then the store looks.
const ends = {
  'has left': ({ max, room }) => max.calls('room:remove', { room }),
  'was removed': ({ olga, max, room }) => olga.calls('room:remove', { room, member: max.name }),
  'was banned': ({ olga, max, room }) => olga.calls('member:ban', { room, member: max.name }),
  'is in an archived room': ({ olga, room }) => olga.calls('room:archive', { room }),
  'was in a room that is no more': ({ olga, room }) => olga.calls('room:delete', { room }),
}
for (const [what, end] of Object.entries(ends))
  test(`the drafts of who ${what} go`, { timeout: 120000 }, async () => {
    const at = await aRoom(), { olga, max, room, leave } = at, { id: other } = await max.makesRoom()
    const draft = await begins(max, room, 'begun'), reply = await begins(max, room, 'an answer', { thread: 1 }), kept = await begins(max, other, 'elsewhere')
    const hers = await begins(olga, room, 'hers')
    await end(at)
    await until('they are forgotten', async () => { await wake('draft.sweep'); return (await listed(max)).length === 1 }, LONG)
    assert.deepEqual([await listed(max), await used(max.name)], [[kept], 1])
    for (const gone of [draft, reply]) await hears(max, 'draft:cleared', gone)
    await until('what she has is hers while she writes there', async () =>
      JSON.stringify(await listed(olga)) === JSON.stringify(what.includes('room') ? [] : [hers]), LONG)
    leave()
  })

test('thousands who are in their rooms no more lose theirs, and those between them keep theirs', { timeout: 120000 }, async () => {
  const { max, room, leave } = await aRoom(), draft = await begins(max, room, 'begun')
  await stack.sql('store', `INSERT INTO draft (subject, room_id, thread, body, updated_at, version)
    SELECT 'former ' || repeat('x', 100) || n, gen_random_uuid(), 0, '', now(), nextval('draft_version') FROM generate_series(1, 3500) n;
    INSERT INTO usage (quota, subject, used) SELECT 'drafts', subject, 1 FROM draft WHERE subject LIKE 'former %'`)
  const left = () => stack.sql('store', "SELECT count(*) FROM draft WHERE subject LIKE 'former %'")
  await until('they are forgotten', async () => { await wake('draft.sweep'); return await left() === '0' }, LONG)
  assert.deepEqual(await listed(max), [draft])
  assert.equal(await stack.sql('store', "SELECT coalesce(sum(used), 0) FROM usage WHERE subject LIKE 'former %'"), '0')
  await max.calls('draft:clear', { room })
  leave()
})

test('who is muted, or only reads for the time being, keeps theirs', { timeout: 120000 }, async () => {
  const { olga, max, room, leave } = await aRoom(), draft = await begins(max, room, 'begun'), { id: gone } = await max.makesRoom()
  await olga.calls('room:update', { room, writes: 'moderator' })
  await writesNoMore(max, room)
  await begins(max, gone, 'goes with its room')
  await max.calls('room:delete', { room: gone })
  await until('the store has looked', async () => { await wake('draft.sweep'); return (await listed(max, { room: gone })).length === 0 }, LONG)
  assert.deepEqual(await listed(max), [draft])
  await max.calls('draft:clear', { room })
  leave()
})

test('they go with their author', { timeout: 120000 }, async () => {
  const nickname = `ida${++n}`, account = { email: `${nickname}@example.org`, password: 'a lamp in the long grass' }
  const { user } = (await request(stack, 'POST', '/api/v1/auth/register', { body: { ...account, nickname } })).json.data
  const { access_token } = (await request(stack, 'POST', '/api/v1/auth/login', { body: account })).json.data
  const ida = await new Person(stack, nickname, access_token).connects(), { id: room } = await ida.makesRoom()
  await begins(ida, room, 'the last')
  await stack.authctl('user', 'delete', user.id)
  await stack.sql('auth', `UPDATE account SET delete_at = now() - interval '1 day' WHERE id = '${user.id}'`)
  await until('it is gone', async () => {
    await stack.sql('auth', "UPDATE job SET run_at = now() WHERE lease IS NULL; SELECT pg_notify('auth_jobs', '')")
    return await sql(`SELECT (SELECT count(*) FROM draft WHERE subject = '${user.id}') + (SELECT count(*) FROM usage WHERE subject = '${user.id}')`) === '0'
  }, LONG)
  ida.leaves()
})

test('a store that dies between a message and its draft: the message is repeated, is there once, and the draft goes', { timeout: 240000 }, async () => {
  const { olga, room, leave } = await aRoom(), draft = await begins(olga, room, 'hello'), id = randomUUID(), name = `holder ${id}`
  const held = sql(`SET application_name = '${name}'; BEGIN; SELECT FROM usage WHERE subject = '${olga.name}' FOR UPDATE; SELECT pg_sleep(300)`).catch(() => {})
  await until('it is held', async () => await sql(`SELECT count(*) FROM pg_stat_activity WHERE application_name = '${name}' AND wait_event = 'PgSleep'`) === '1', LONG)
  const message = { room, id, body: 'hello', draft: draft.version }, sending = olga.emits('message:send', message)
  await until('it is in the log', async () => (await olga.reads(room)).length === 1, LONG)
  assert.deepEqual(await listed(olga), [draft])
  await stack.kill('store')
  await sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${name}'`)
  await Promise.all([held, stack.ready(), sending])
  const { seq } = await until('it is repeated', async () => { const answer = await olga.emits('message:send', message); return !answer.error && answer }, LONG)
  assert.deepEqual([seq, (await olga.reads(room)).map(one => one.id), await listed(olga), await used(olga.name)], [1, [id], [], 0])
  leave()
})

test('what is acknowledged is there, whoever is killed, and no version comes back', { timeout: 400000 }, async () => {
  const { olga, room, leave } = await aRoom()
  let version = 0, round = 0
  for (const victim of ['store', 'chat', 'gateway-1', 'postgres']) {
    const killed = stack.kill(victim)
    for (let i = 0; i < 20; i++) {
      const body = `no. ${round++}`
      // A repeat of what was kept is answered as it was: so of an answer that was lost the next one is.
      const draft = await until('it is kept', async () => {
        const answer = await olga.socket.timeout(5000).emitWithAck('draft:set', { room, body, version }).catch(() => undefined)
        assert.notEqual(answer?.error?.code, 'precondition_failed', JSON.stringify(answer))
        return answer && !answer.error && answer
      }, 120000)
      assert.ok(draft.version > version && draft.body === body)
      version = draft.version
    }
    await killed
    await stack.ready()
  }
  const [draft] = await until('it is listed', async () => (await olga.emits('draft:list', {}).catch(() => undefined))?.drafts, LONG)
  assert.deepEqual([draft.version, draft.body, await used(olga.name)], [version, `no. ${round - 1}`, 1])
  leave()
})

/** The statements of the store while `deed` runs, but for those of its jobs. */
const statementsOf = async deed => (await loggedBy(stack, deed)).filter(record => /execute [^:]*:/.test(record)).map(record => record.slice(record.indexOf('execute')).replace(/\s+/g, ' '))

test('whoever sends without a draft costs the store nothing for drafts', { timeout: 120000 }, async () => {
  await asAdmin(stack, "ALTER ROLE madang_store SET log_statement = 'all'")
  await stack.kill('store')
  await stack.ready()
  const { olga, room, leave } = await aRoom()
  await until('the store is there', async () => !(await olga.emits('message:send', { room, id: randomUUID(), body: 'first' })).error, LONG)
  const draft = await begins(olga, room, 'begun'), about = statements => statements.filter(text => /\bdraft\b/.test(text)).length
  const without = await statementsOf(async () => { for (let i = 0; i < 20; i++) await sends(olga, room, `no. ${i}`) })
  assert.ok(without.filter(text => text.includes('room_head')).length >= 20, `${without.length} statements`)
  assert.equal(about(without), 0)
  assert.equal(about(await statementsOf(() => sends(olga, room, 'begun', { draft: draft.version }))), 1)
  await asAdmin(stack, 'ALTER ROLE madang_store RESET log_statement')
  leave()
})
