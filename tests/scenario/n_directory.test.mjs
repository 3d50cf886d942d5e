// n_directory - what other services know of users: changes reach them, also one that was away; who is erased is erased everywhere.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { after, before, test } from 'node:test'
import { root, startStack } from '../lib/stack.mjs'
import { Person, request } from '../lib/people.mjs'
import { Browser } from '../lib/push_service.mjs'
import { until as wait } from '../lib/wait.mjs'

let stack
const until = (what, condition) => wait(what, condition, 60000)
before(async () => { stack = await startStack({ env: { MADANG_AUTH_REGISTRATION: 'open', MADANG_CHAT_PUSH_SERVICES: 'localhost' } }) })
after(() => stack?.stop())

const services = ['chat', 'store', 'share']
const password = 'a lamp in the long grass'
const call = (method, path, body, token) => request(stack, method, `/api/v1/${path}`, { body, token })
const ok = (answer, status = 200) => { assert.equal(answer.status, status, answer.text); return answer.json?.data }
const register = async nickname => ok(await call('POST', 'auth/register', { email: `${nickname}@example.org`, password, nickname }), 201).user
const signIn = async nickname => ok(await call('POST', 'auth/login', { email: `${nickname}@example.org`, password })).access_token

/** Somebody who has registered, with a socket. */
const arrives = async nickname => {
  const user = await register(nickname)
  const person = await new Person(stack, nickname, await signIn(nickname)).connects()
  return Object.assign(person, { id: user.id, user })
}
const row = (service, id) => stack.sql(service, `SELECT nickname || ' ' || coalesce(name, '-') || ' ' || state FROM directory WHERE subject = '${id}'`)
const knows = (service, id, what) => until(`${service} knows ${what || 'nobody'}`, async () => await row(service, id) === what)
const everybodyKnows = (id, what) => Promise.all(services.map(service => knows(service, id, what)))

test('who registers, changes, leaves and comes back does so in every directory', async () => {
  const { id } = await register('ada')
  await everybodyKnows(id, 'ada - active')
  const token = await signIn('ada')
  ok(await call('PATCH', 'users/me', { nickname: 'Ada', name: 'Ada L.' }, token))
  await everybodyKnows(id, 'Ada Ada L. active')
  ok(await call('DELETE', 'users/me', undefined, token))
  await everybodyKnows(id, 'Ada Ada L. leaving')
  ok(await call('POST', 'auth/return', { email: 'ada@example.org', password }))
  await everybodyKnows(id, 'Ada Ada L. active')
  await stack.authctl('user', 'disable', id)
  await everybodyKnows(id, 'Ada Ada L. disabled')
})

test('messages and members have the names of who is a user beside them, each once, as they are now', async () => {
  const gus = await arrives('gus'), key = await stack.issueKey({ policy: 'chat-backend' })
  const bot = await Person.arrives(stack, key, 'a bot')
  const { id: room } = await gus.makesRoom()
  await bot.joins(room)
  for (let i = 0; i < 3; i++) await gus.says(room, `gus ${i}`)
  await bot.says(room, 'beep')
  await everybodyKnows(gus.id, 'gus - active')
  const seen = { id: gus.id, nickname: 'gus', avatar: `/avatars/${gus.id}` }
  const page = await gus.calls('message:list', { room })
  assert.equal(page.messages.length, 4)
  assert.deepEqual(page.users, [seen])
  const members = ok(await bot.rest('GET', `/api/v1/rooms/${room}/members`))
  assert.deepEqual(members.members.map(({ subject, role }) => [subject, role]).sort(), [[gus.id, 'owner'], ['a bot', 'member']].sort())
  assert.deepEqual([members.users, members.next], [[seen], undefined])
  const first = await gus.calls('member:list', { room, limit: 1 })
  const second = await gus.calls('member:list', { room, limit: 1, after: first.next })
  assert.deepEqual([...first.members, ...second.members], members.members)
  assert.deepEqual((await gus.calls('member:list', { room, limit: 1, after: second.next })).members, [])

  ok(await gus.rest('PATCH', '/api/v1/users/me', { name: 'Gus G.' }))
  await everybodyKnows(gus.id, 'gus Gus G. active')
  assert.deepEqual((await gus.calls('message:list', { room })).users, [{ ...seen, name: 'Gus G.' }])
  ok(await gus.rest('DELETE', '/api/v1/users/me'))
  await everybodyKnows(gus.id, 'gus Gus G. leaving')
  assert.deepEqual((await bot.calls('message:list', { room })).users ?? [], [])
  bot.leaves()
})

test('a changed name is heard by each socket that shares a room, once, and by nobody else', async () => {
  const hal = await arrives('hal'), ida = await arrives('ida'), jon = await arrives('jon')
  const rooms = [await hal.makesRoom(), await hal.makesRoom()]
  for (const { id } of rooms) for (const person of [hal, ida]) await person.joins(id)
  await jon.joins((await jon.makesRoom()).id)
  const heard = person => person.events.filter(([event]) => event === 'user:changed').map(([, change]) => change)
  ok(await hal.rest('PATCH', '/api/v1/users/me', { name: 'Hal H.' }))
  await ida.hearsEvent('user:changed', 60000)
  await hal.hearsEvent('user:changed', 60000)
  ok(await hal.rest('PATCH', '/api/v1/users/me', { locale: 'ko' })) // nobody sees that
  await ida.rest('PATCH', '/api/v1/users/me', { nickname: 'Ida' })
  for (const person of [hal, ida]) await until(`${person.name} hears of ida`, () => heard(person).some(change => change.id === ida.id))
  assert.deepEqual(heard(hal), heard(ida))
  assert.deepEqual(heard(ida), [{ id: hal.id, nickname: 'hal', name: 'Hal H.', avatar: `/avatars/${hal.id}` }, { id: ida.id, nickname: 'Ida', avatar: `/avatars/${ida.id}` }])

  const pid = stack.pid('chat')
  process.kill(pid, 'SIGSTOP') // what happens meanwhile is heard, too, from the next one
  ok(await call('DELETE', 'users/me', undefined, hal.token))
  process.kill(pid, 'SIGKILL')
  await until('ida hears that hal is gone', () => heard(ida).some(change => change.id === hal.id && change.nickname === undefined))
  assert.deepEqual(heard(jon), [])
})

test('who has no picture has one that is drawn: the same for ever, without a script, of any id', async () => {
  const { id, avatar } = await register('kim')
  assert.equal(avatar, `/avatars/${id}`)
  const [one, again, other] = [await request(stack, 'GET', avatar), await request(stack, 'GET', avatar), await request(stack, 'GET', `/avatars/${randomUUID()}`)]
  assert.equal(one.status, 200)
  assert.equal(one.headers['content-type'], 'image/svg+xml')
  assert.equal(one.headers['x-content-type-options'], 'nosniff')
  assert.match(one.headers['content-security-policy'], /default-src 'none'; sandbox/)
  assert.match(one.headers['cache-control'], /^public, max-age=\d{8}$/)
  assert.match(one.text, /^<svg [^>]*viewBox="-1 -1 7 7"[^>]*><rect [^<>]*\/><path fill="hsl\(\d+,\d+%,\d+%\)" d="(M\d \dh1v1h-1z)+"\/><\/svg>$/)
  assert.equal(again.text, one.text)
  assert.notEqual(other.text, one.text)
  assert.equal((await request(stack, 'GET', '/avatars/nobody')).status, 400)
})

test('a service that is killed again and again, and auth too, misses no change', async () => {
  const { id } = await register('bo'), token = await signIn('bo')
  for (const [i, victim] of [...services, 'auth', ...services].entries()) {
    const changed = call('PATCH', 'users/me', { name: `Bo ${i}` }, token) // auth may die before, in the middle, or after
    await stack.kill(victim)
    await stack.ready()
    if ((await changed).status !== 200) ok(await call('PATCH', 'users/me', { name: `Bo ${i}` }, token))
    await everybodyKnows(id, `bo Bo ${i} active`)
  }
})

test('a service that stands still catches up with many changes, each user once, as they are now', async () => {
  const pid = stack.pid('chat')
  process.kill(pid, 'SIGSTOP')
  try {
    await stack.sql('auth', `INSERT INTO account (id, nickname, nickname_key, created_at, changed_at)
      SELECT gen_random_uuid(), 'many' || n, 'many' || n, now(), now() FROM generate_series(1, 1700) n`)
    await stack.sql('auth', "UPDATE account SET name = 'one of many' WHERE nickname LIKE 'many%'")
    await until('store has them', async () => await stack.sql('store', "SELECT count(*) FROM directory WHERE name = 'one of many'") === '1700')
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await until('chat has them', async () => await stack.sql('chat', "SELECT count(*) FROM directory WHERE name = 'one of many'") === '1700')
})

test('positions of another database are none: the directory is made anew, and who is not named any more is gone', async () => {
  const { id } = await register('cy')
  await everybodyKnows(id, 'cy - active')
  const ghost = randomUUID()
  for (const service of services) await stack.sql(service, `INSERT INTO directory VALUES ('${ghost}', 'active', 'ghost', NULL, NULL, 0)`)
  await stack.sql('auth', `UPDATE users_position SET epoch = gen_random_uuid(); UPDATE account SET name = 'Cy C.' WHERE id = '${id}'`)
  await everybodyKnows(id, 'cy Cy C. active')
  for (const service of services) {
    await knows(service, ghost, '')
    assert.equal(await stack.sql(service, 'SELECT count(*) FROM directory'), await stack.sql('auth', 'SELECT count(*) FROM account'))
  }
})

/** Their 14 days are over. */
const lapses = async id => {
  await stack.sql('auth', `UPDATE account SET delete_at = now() - interval '1 second' WHERE id = '${id}'`)
  await stack.sql('auth', "UPDATE job SET run_at = now() WHERE kind = 'account.erase'; NOTIFY auth_jobs")
}
const reportOf = id => stack.rpc('auth', 'people.erasure', { user: id })
const isWhole = id => until('every service has erased its part', async () => { const proof = await reportOf(id).catch(() => undefined); return proof?.whole && proof })
const counts = (proof, service) => Object.fromEntries(proof.services.find(line => line.service === service).counts.map(({ what, rows }) => [what, rows]))

test('who is found by a nickname is asked, and is a friend, with a name; who blocks is let alone and nobody hears of it', async () => {
  const [ari, ben] = [await arrives('ari'), await arrives('ben')]
  for (const [person, name] of [[ari, 'ari'], [ben, 'ben']]) await knows('chat', person.id, `${name} - active`)
  const seen = (person, nickname) => ({ id: person.id, nickname, avatar: `/avatars/${person.id}` })
  const found = ok(await ari.rest('GET', '/api/v1/users/find?nickname=ben'))
  const asked = ok(await ari.rest('POST', '/api/v1/friends', { subject: found.id }))
  assert.deepEqual([asked.subject, asked.state], [ben.id, 'requested'])
  const requests = ok(await ben.rest('GET', '/api/v1/friends?state=asked'))
  assert.deepEqual([requests.friends, requests.users], [[{ subject: ari.id, state: 'asked', since: asked.since }], [seen(ari, 'ari')]])
  assert.equal((await ben.calls('friend:accept', { subject: ari.id })).state, 'friends')
  assert.deepEqual(ok(await ari.rest('GET', '/api/v1/friends')).users, [seen(ben, 'ben')])

  const { id: two } = ok(await ari.rest('POST', '/api/v1/rooms/direct', { subject: ben.id }))
  assert.equal((await ben.calls('room:direct', { subject: ari.id })).id, two)
  await ben.joins(two)
  await ari.says(two, 'only for Ben')
  await ben.hears('only for Ben')

  assert.equal(ok(await ben.rest('PUT', `/api/v1/friends/${ari.id}/block`)).state, 'blocked')
  assert.deepEqual((await ben.calls('room:list', {})).rooms, [])
  assert.deepEqual((await ari.calls('room:list', {})).rooms.map(({ id, peer }) => [id, peer]), [[two, ben.id]])
  assert.deepEqual((await ari.calls('friend:list', {})).users, [seen(ben, 'ben')])
  const { id: room } = await ari.makesRoom({ open: false, members: [ben.id] })
  ok(await ari.rest('POST', `/api/v1/rooms/${room}/members`, { members: [ben.id] }))
  assert.deepEqual((await ari.calls('member:list', { room })).members.map(member => member.subject), [ari.id])
  await ben.isRefused('room:create', { members: [ari.id] }, 'conflict', /you block/)
  assert.equal(ok(await ben.rest('DELETE', `/api/v1/friends/${ari.id}/block`)).state, 'friends')
  assert.equal(ok(await ben.rest('DELETE', `/api/v1/friends/${ari.id}`)).state, 'none')
  assert.deepEqual(ok(await ari.rest('GET', '/api/v1/friends')).friends, [])
})

test('who is erased is erased everywhere, by services that are killed in the middle, and it is proved', async () => {
  const dee = await arrives('dee'), eve = await arrives('eve')
  const { id: shared } = await dee.makesRoom(), { id: said } = await dee.makesRoom({ open: true, lines: true })
  await eve.joins(said)
  await dee.calls('room:invite', { room: said, members: [eve.id, 'a bot'] })
  await dee.calls('room:remove', { room: said, member: 'a bot' })
  await eve.joins(shared)
  await dee.joins(shared)
  for (let i = 0; i < 1200; i += 100) await Promise.all(Array.from({ length: 100 }, (_, k) => dee.says(shared, `dee@example.org says ${i + k}`)))
  await eve.says(shared, 'and I say this')
  for (const [person, name] of [[dee, 'dee'], [eve, 'eve']]) await knows('chat', person.id, `${name} - active`)
  await dee.calls('friend:request', { subject: eve.id })
  await eve.calls('friend:accept', { subject: dee.id })
  await eve.makesRoom({ open: false, members: [dee.id] })
  await until('dee is told', async () => await stack.sql('chat', `SELECT count(*) FROM notification WHERE subject = '${dee.id}'`) === '1')
  await eve.calls('room:direct', { subject: dee.id })
  await eve.calls('friend:block', { subject: dee.id })
  for (let i = 0; i < 120; i++) await dee.calls('friend:request', { subject: `one of many ${i}` }) // two steps
  for (let i = 0; i < 3; i++) ok(await dee.rest('POST', '/api/v1/conversations', { name: `talk ${i}`, data: { of: 'dee@example.org' } }), 201)
  const { conversations: [talk] } = ok(await dee.rest('GET', '/api/v1/conversations'))
  const flo = await Person.arrives(stack, await stack.issueKey(), 'flo'), ofFlo = ok(await flo.rest('POST', '/api/v1/conversations', { name: 'of flo', data: {} }), 201)
  ok(await flo.rest('POST', `/api/v1/conversations/${ofFlo.id}/people`, { subject: dee.id, role: 'editor' }))
  ok(await dee.rest('POST', `/api/v1/conversations/${talk.id}/people`, { subject: 'flo', role: 'reader' }))
  await until('both are told', async () => await stack.sql('chat', `SELECT count(*) FROM notification WHERE kind = 'shared' AND '${dee.id}' IN (subject, by)`) === '2')
  await stack.sql('chat', `INSERT INTO push SELECT subject, id, 0, made, now(), now() + interval '1 day' FROM notification WHERE '${dee.id}' IN (subject, by)`) // as if they waited to be posted
  const { code } = ok(await dee.rest('POST', `/api/v1/conversations/${talk.id}/share`, {}), 201)
  const { share_visit: visit } = ok(await request(stack, 'GET', `/api/v1/share/${code}`))
  ok(await request(stack, 'POST', `/api/v1/share/${code}/report`, { body: { reason: 'spam', text: 'of dee' }, headers: { 'x-share-visit': visit } }), 204)
  assert.equal(await stack.sql('share', `SELECT count(*) FROM share_report WHERE owner = '${dee.id}'`), '1')
  const form = new FormData()
  form.set('file', new Blob(['dee@example.org has written this']), 'dee.txt')
  const encoded = new Response(form)
  const media = await request(stack, 'POST', '/api/v1/media', { raw: Buffer.from(await encoded.arrayBuffer()), token: dee.token, headers: { 'content-type': encoded.headers.get('content-type') } })
  ok(media, 201)
  await dee.calls('message:send', { room: shared, id: randomUUID(), body: 'dee@example.org shows this', attachments: [media.json.data.id] })
  const tus = (method, path, headers, raw) => request(stack, method, path, { raw, token: dee.token, headers: { 'tus-resumable': '1.0.0', ...headers } })
  const part = await tus('POST', '/api/v1/uploads', { 'upload-length': 100 })
  ok(part, 201)
  ok(await tus('PATCH', part.headers.location, { 'upload-offset': 0, 'content-type': 'application/offset+octet-stream' }, 'dee@example.org has not written all of this'), 204)
  const files = () => readdirSync(join(stack.dir, 'files/share')).length
  assert.equal(files(), 2)

  ok(await dee.rest('PUT', '/api/v1/receipts/me', { shown: false }))
  ok(await dee.rest('POST', '/api/v1/push/subscriptions', new Browser('https://localhost:1').subscription))
  await stack.sql('chat', `INSERT INTO push (subject, notification, subscription, lane, made, due_at) SELECT n.subject, n.id, s.id, 8, n.made, now() + interval '1 day' FROM notification n JOIN push_subscription s USING (subject) LIMIT 1`)

  ok(await dee.rest('DELETE', '/api/v1/users/me'))
  await assert.rejects(reportOf(dee.id))
  await lapses(dee.id)
  for (const service of services) await stack.kill(service)
  const proof = await isWhole(dee.id)
  assert.deepEqual(proof.services.map(line => line.service), ['auth', ...services].sort())
  assert.ok(proof.services.every(line => line.erased_at >= proof.asked_at))
  assert.equal(counts(proof, 'auth').accounts, 1)
  assert.equal(counts(proof, 'chat').memberships, 4)
  assert.equal(counts(proof, 'chat').notifications, 125) // theirs, and what 120, eve and the bot were told of them
  assert.equal(counts(proof, 'chat').rooms_made, 2)
  assert.equal(counts(proof, 'chat').receipt_choices, 1)
  assert.deepEqual([counts(proof, 'chat').browsers, await stack.sql('chat', `SELECT count(*) FROM push_subscription WHERE subject = '${dee.id}'`)], [1, '0'])
  assert.equal(counts(proof, 'chat').direct_rooms, 1)
  assert.equal(counts(proof, 'chat').relations, 121)
  assert.equal(await stack.sql('chat', `SELECT count(*) FROM relation WHERE '${dee.id}' IN (low, high)`), '0')
  assert.equal(await stack.sql('chat', `SELECT used FROM usage WHERE quota = 'friends' AND subject = '${eve.id}'`), '0')
  assert.equal(counts(proof, 'store').messages, 1201)
  assert.deepEqual([counts(proof, 'share').conversations, counts(proof, 'share').media, counts(proof, 'share').transfers], [3, 1, 1])
  assert.deepEqual([counts(proof, 'share').sharings, ok(await flo.rest('GET', `/api/v1/conversations/${ofFlo.id}/people`)).people, ok(await flo.rest('GET', '/api/v1/conversations?whose=shared')).conversations], [1, [], []])
  assert.equal(await stack.sql('share', `SELECT used FROM usage WHERE quota = 'sharings' AND subject = 'flo'`), '0')
  assert.equal(counts(proof, 'share').reports, 1)
  assert.equal(await stack.sql('share', `SELECT count(*) FROM share_report WHERE owner = '${dee.id}'`), '0')
  assert.equal(await stack.sql('chat', `SELECT count(*) FROM notification WHERE '${dee.id}' IN (subject, by)`), '0')
  assert.equal(await stack.sql('chat', `SELECT (SELECT count(*) FROM notification_head WHERE subject = '${dee.id}') + (SELECT count(*) FROM push)`), '0')
  await stack.ready()

  const log = await eve.reads(shared)
  assert.equal(log.length, 1202)
  assert.ok(log.filter(message => message.sender === dee.id).every(message => message.body === '' && message.meta === undefined && message.attachments === undefined))
  assert.equal(await stack.sql('store', `SELECT count(*) FROM attachment WHERE sender = '${dee.id}'`), '0')
  assert.equal(log[1200].body, 'and I say this')
  // What the server said of them is not theirs: it stands, in a room's log once, and names nobody any more.
  const lines = async () => (await eve.reads(said)).map(({ sender, kind, body }) => [sender, kind, body])
  await until('it is said that they left', async () => (await lines()).length === 5)
  assert.deepEqual(await lines(), [[eve.id, 'member:join', ''], [dee.id, 'member:add', 'a bot'], [dee.id, 'member:remove', 'a bot'],
    [dee.id, 'member:leave', ''], [dee.id, 'member:role', eve.id]])
  await until('the files are gone', () => files() === 0)
  const { stdout } = await promisify(execFile)('chpst', ['-e', join(stack.dir, 'env/operator'), 'build/bin/authctl', 'user', 'erase-report', dee.id], { cwd: root })
  assert.match(stdout, /store +20\d\d-[^\n]* 1201 messages/)
})

test('a service that was away erases when it is back, and the report waits for it', async () => {
  const fay = await arrives('fay')
  const { id: room } = await fay.makesRoom()
  await fay.says(room, 'fay was here')
  await everybodyKnows(fay.id, 'fay - active')
  ok(await fay.rest('DELETE', '/api/v1/users/me'))
  const pid = stack.pid('store')
  process.kill(pid, 'SIGSTOP')
  try {
    await lapses(fay.id)
    await until('the others have said so', async () => (await reportOf(fay.id).catch(() => undefined))?.services.filter(line => line.erased_at).length === 3)
    assert.equal((await reportOf(fay.id)).whole, false)
    const { code, stdout } = await promisify(execFile)('chpst', ['-e', join(stack.dir, 'env/operator'), 'build/bin/authctl', 'user', 'erase-report', fay.id], { cwd: root })
      .then(() => ({ code: 0 }), error => error)
    assert.equal(code, 4)
    assert.match(stdout, /store +- +waiting/)
  } finally {
    process.kill(pid, 'SIGKILL')
  }
  await isWhole(fay.id)
  assert.equal(await stack.sql('store', `SELECT count(*) FROM message WHERE sender = '${fay.id}' AND body <> ''`), '0')
})

test('a room whose owner is erased is owned by who has been in it longest and can sign in, at once; where nobody is it is closed', async () => {
  const [hal, ivy, jon, kim] = [await arrives('hope'), await arrives('ivy'), await arrives('jude'), await arrives('kate')]
  const { id: room } = await hal.makesRoom(), { id: empty } = await hal.makesRoom(), { id: other } = await ivy.makesRoom()
  for (const person of [kim, jon, ivy]) await person.joins(room)
  await hal.joins(other)
  await stack.authctl('user', 'disable', kim.id)
  for (const [person, what] of [[hal, 'hope - active'], [ivy, 'ivy - active'], [jon, 'jude - active'], [kim, 'kate - disabled']]) await everybodyKnows(person.id, what)
  const { seq } = await ivy.says(room, 'may I?')
  await ivy.says(other, 'mine')
  await jon.isRefused('pin:add', { room, seq }, 'forbidden')
  await jon.isRefused('room:invite', { room, members: ['lou'] }, 'forbidden')

  ok(await hal.rest('DELETE', '/api/v1/users/me'))
  const pid = stack.pid('chat')
  process.kill(pid, 'SIGSTOP') // chat was away
  try { await lapses(hal.id); await until('auth has erased', () => reportOf(hal.id).catch(() => undefined)) } finally { process.kill(pid, 'SIGKILL') }
  const proof = await isWhole(hal.id)
  assert.deepEqual(['memberships', 'rooms_made', 'rooms_passed_on', 'rooms_closed'].map(what => counts(proof, 'chat')[what]), [3, 2, 1, 1])
  await stack.ready()
  const roles = async id => Object.fromEntries(ok(await ivy.rest('GET', `/api/v1/rooms/${id}/members`)).members.map(({ subject, role }) => [subject, role]))
  await until('ivy is back', () => ivy.socket.connected)
  assert.deepEqual(await roles(room), { [kim.id]: 'member', [jon.id]: 'owner', [ivy.id]: 'member' })
  assert.deepEqual(await roles(other), { [ivy.id]: 'owner' })
  await jon.calls('pin:add', { room, seq })
  await jon.calls('room:invite', { room, members: ['lou'] })
  await ivy.isRefused('room:invite', { room, members: ['mo'] }, 'forbidden')
  await ivy.isRefused('room:join', { room: empty }, 'forbidden')
  assert.equal(await stack.sql('chat', `SELECT open FROM room WHERE id = '${empty}'`), 'f')

  await jon.calls('room:remove', { room }) // who leaves for good is no other case, and another owner is one at once
  await ivy.calls('pin:remove', { room, seq })
  await ivy.calls('room:remove', { room, member: 'lou' })
  assert.deepEqual(await roles(room), { [kim.id]: 'member', [ivy.id]: 'owner' })

  // Rooms from before that was so: an upgrade gives them an owner, too.
  await stack.sql('chat', `UPDATE member SET role = 'member' WHERE room_id = '${room}'; UPDATE room SET open = true WHERE id = '${empty}'`)
  await stack.sql('chat', readFileSync(join(root, 'migrations/chat/0006_no_room_without_an_owner.sql'), 'utf8'))
  assert.deepEqual(await roles(room), { [kim.id]: 'member', [ivy.id]: 'owner' })
  assert.equal(await stack.sql('chat', `SELECT open FROM room WHERE id = '${empty}'`), 'f')
})

test('the links into rooms that who is erased has made let nobody in, and what they asked is gone', async () => {
  const [pam, quy, roy] = [await arrives('pam'), await arrives('quy'), await arrives('roy')]
  for (const person of [pam, quy, roy]) await everybodyKnows(person.id, `${person.name} - active`)
  const { id: room } = await quy.makesRoom({ open: false, members: [pam.id] }), { id: asked } = await quy.makesRoom({ open: false, knocks: true })
  await quy.calls('member:role', { room, member: pam.id, role: 'admin' })
  const [{ code }, { code: other }] = [await pam.calls('invite:create', { room }), await quy.calls('invite:create', { room })]
  // More than goes in one step, as a link is made: under the lock of the room's row.
  await stack.sql('chat', `BEGIN; SELECT FROM room WHERE id = '${room}' FOR NO KEY UPDATE; INSERT INTO invite (id, room_id, code_hash, made_by, made_at, expires_at)
    SELECT gen_random_uuid(), '${room}', sha256(n::text::bytea), '${pam.id}', now(), now() + interval '1 day' FROM generate_series(1, 600) n; COMMIT`)
  for (const person of [pam, roy]) await person.calls('room:knock', { room: asked, text: `${person.name} at the door` })
  await quy.says(room, '@pam')
  await pam.says(room, '@quy')
  await until('both are mentioned', async () => await stack.sql('chat', `SELECT count(*) FROM mention WHERE room_id = '${room}'`) === '2')
  assert.equal((await roy.calls('invite:show', { room, code })).room, room)

  ok(await pam.rest('DELETE', '/api/v1/users/me'))
  await lapses(pam.id)
  const proof = await isWhole(pam.id)
  assert.deepEqual(['memberships', 'invites', 'knocks', 'mentions'].map(what => counts(proof, 'chat')[what]), [1, 601, 1, 2])
  assert.equal(await stack.sql('chat', `SELECT (SELECT count(*) FROM invite WHERE made_by = '${pam.id}') + (SELECT count(*) FROM knock WHERE subject = '${pam.id}')`), '0')
  await roy.isRefused('invite:accept', { room, code }, 'not_found')
  assert.deepEqual((await quy.calls('knock:list', { room: asked })).knocks.map(({ subject, text }) => [subject, text]), [[roy.id, 'roy at the door']])
  await roy.calls('invite:accept', { room, code: other })
})

test('webhooks that who is erased made go, and of what others are told what names them; their hooks stay with the room, and are nobody\'s', async () => {
  const [pat, rob] = [await arrives('pat'), await arrives('rob')]
  for (const person of [pat, rob]) await everybodyKnows(person.id, `${person.name} - active`)
  const { id: room } = await rob.makesRoom({ open: false, members: [pat.id] })
  await rob.calls('member:role', { room, member: pat.id, role: 'admin' })
  for (const person of [pat, rob]) assert.equal((await person.rest('POST', `/api/v1/rooms/${room}/webhooks`, { url: 'https://example.org:1/' })).status, 201)
  for (const person of [pat, rob]) assert.equal((await person.rest('POST', `/api/v1/rooms/${room}/hooks`, { name: 'Build', client_key: 'made by me' })).status, 201)
  for (const person of [pat, rob]) await until('the store knows', async () => !(await person.emits('message:send', { room, id: randomUUID(), body: `of ${person.name}` })).error)
  const told = () => stack.sql('chat', `SELECT string_agg(w.made_by || ' ' || d.text, ', ' ORDER BY d.text, w.made_by) FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id WHERE w.room_id = '${room}'`)
  const all = ['pat', 'rob'].flatMap(name => [pat.id, rob.id].sort().map(id => `${id} of ${name}`)).join(', ')
  await until('both are told', async () => await told() === all)

  ok(await pat.rest('DELETE', '/api/v1/users/me'))
  await lapses(pat.id)
  const { webhooks, hooks_made } = counts(await isWhole(pat.id), 'chat')
  assert.deepEqual([webhooks, hooks_made], [2, 1])
  assert.deepEqual((await rob.rest('GET', `/api/v1/rooms/${room}/hooks`)).json.data.hooks.map(({ made_by }) => made_by), [undefined, rob.id])
  assert.equal(await told(), `${rob.id} of rob`)
})

test('the address of who was erased stands nowhere any more: no table, no log', async () => {
  for (const schema of ['auth', ...services]) {
    const { stdout } = await promisify(execFile)('pg_dump', ['--data-only', '-n', schema,
      `host=${stack.dir}/pg-socket dbname=madang user=madang_${schema} passfile=${stack.dir}/secrets/${schema}.pgpass`], { maxBuffer: 1 << 28 })
    assert.ok(!stdout.includes('dee@example.org'), `schema ${schema}`)
    assert.ok(!stack.log(schema).includes('dee@example.org'), `log of ${schema}`)
  }
  assert.equal((await call('POST', 'auth/register', { email: 'dee@example.org', password, nickname: 'dee' })).status, 409) // the nickname is nobody's for a while
})
