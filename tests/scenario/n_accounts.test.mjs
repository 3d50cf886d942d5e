// n_accounts - profiles and their handles, passwords that hold, accounts that leave and come back, and what administrators do.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startStack } from '../lib/stack.mjs'
import { Person, request } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

let stack
before(async () => { stack = await startStack({ env: { MADANG_AUTH_REGISTRATION: 'open', MADANG_GATEWAY_RATE_PERCENT: '1000' } }) })
after(() => stack?.stop())

const password = 'only Uma knows this'
const call = (method, path, body, token) => request(stack, method, `/api/v1/${path}`, { body, token })
const ok = (answer, status = 200) => { assert.equal(answer.status, status, answer.text); return answer.json?.data }
const refused = (answer, status, code) => { assert.equal(answer.status, status, answer.text); assert.equal(answer.json.error.code, code, answer.text); return answer.json.error }
const register = async (nickname, more = {}) => ok(await call('POST', 'auth/register', { email: `${nickname}@example.org`, password, nickname, ...more }), 201).user
const login = (nickname, word = password) => call('POST', 'auth/login', { email: `${nickname}@example.org`, password: word })
const signIn = async (nickname, word) => ok(await login(nickname, word))
const person = ({ id, nickname, name }) => ({ id, nickname, ...(name ? { name } : {}), avatar: `/avatars/${id}` })

test('what a user says of themselves others see, by id and as they allow', async () => {
  const ada = await register('ada'), bo = await register('bo', { name: 'Bo B.' })
  const { access_token: token } = await signIn('ada'), { access_token: other } = await signIn('bo')
  const edited = ok(await call('PATCH', 'users/me', { nickname: 'Ada', name: 'Ada L.', locale: 'ko' }, token))
  assert.deepEqual([edited.nickname, edited.name, edited.locale], ['Ada', 'Ada L.', 'ko'])
  assert.deepEqual(ok(await call('GET', `users/${ada.id}`, undefined, other)), person({ ...ada, nickname: 'Ada', name: 'Ada L.' }))
  const some = ok(await call('GET', `users?ids=${bo.id},${ada.id},${randomUUID()}`, undefined, token)).users
  assert.deepEqual(some, [person({ ...ada, nickname: 'Ada', name: 'Ada L.' }), person(bo)])
  assert.equal(ok(await call('PATCH', 'users/me', { name: '' }, token)).name, undefined)
  refused(await call('PATCH', 'users/me', { nickname: 'ＢＯ' }, token), 409, 'conflict')
  refused(await call('PATCH', 'users/me', { nickname: 'a\u202eb' }, token), 400, 'invalid_argument')
  refused(await call('PATCH', 'users/me', { findable: 'always' }, token), 400, 'invalid_argument')
  refused(await call('GET', 'users?ids=1', undefined, token), 400, 'invalid_argument')
  refused(await call('GET', `users?ids=${Array(101).fill(ada.id).join(',')}`, undefined, token), 413, 'too_large')

  const find = query => call('GET', `users/find?${new URLSearchParams(query)}`, undefined, other)
  assert.equal(ok(await find({ nickname: 'ADA' })).id, ada.id)
  refused(await find({ email: 'ada@example.org' }), 404, 'not_found') // neither allowed nor proved
  ok(await call('PATCH', 'users/me', { findable: 'both' }, token))
  refused(await find({ email: 'ada@example.org' }), 404, 'not_found')
  await stack.sql('auth', "UPDATE auth.account SET email_verified_at = now() WHERE nickname = 'Ada'")
  assert.equal(ok(await find({ email: 'ADA@example.org' })).id, ada.id)
  ok(await call('PATCH', 'users/me', { findable: 'none' }, token))
  for (const query of [{ nickname: 'ada' }, { email: 'ada@example.org' }, { nickname: 'nobody at all' }]) refused(await find(query), 404, 'not_found')
  refused(await find({}), 400, 'invalid_argument')
})

test('nicknames that look alike are one: letters of other alphabets, of full width, an I for an l; Korean ones are what they are', async () => {
  const taken = ['Paula', 'kimchi', '지민', '하늘', 'ㅇㅇ친구', 'zero0']
  for (const [i, nickname] of taken.entries()) await register(nickname, { email: `alike${i}@example.org` })
  const tries = nickname => call('POST', 'auth/register', { email: `other${Date.now()}@example.org`, password, nickname })
  for (const nickname of ['Pаula', 'PAULA', 'PauIa', 'Ｐaula', 'kirnchi', 'ｋｉｍｃｈｉ', 'zeroO', '지민'.normalize('NFD')])
    refused(await tries(nickname), 409, 'conflict')
  await register('lee')
  await register('이', { email: 'alike@example.org' })
  const { access_token: token } = await signIn('lee')
  refused(await call('PATCH', 'users/me', { nickname: 'Pаula' }, token), 409, 'conflict')
  refused(await call('PATCH', 'users/me', { nickname: 'kirnchi' }, token), 409, 'conflict')
  for (const nickname of ['지인', '하는', 'ㅎㅎ친구', '김지민', 'LEE', 'lee 2']) ok(await call('PATCH', 'users/me', { nickname }, token))
  const report = await stack.authctl('user', 'create', 'Pаula').catch(error => error)
  assert.match(report.stderr, /conflict/)
  await stack.sql('auth', "INSERT INTO nickname_reserved (nickname_key, until, skeleton) VALUES ('mina', now() + interval '1 day', nickname_skeleton_of('mina'))")
  refused(await tries('Мina'), 409, 'conflict') // somebody who has left was called mina
})

test('a password that is guessed first is no password, in Korean either', async () => {
  for (const word of ['password1!', 'dkssudgktpdy', '비밀번호비밀번호', 'cy@example.org', 'qwerty123456']) {
    const error = refused(await call('POST', 'auth/register', { email: 'cy@example.org', password: word, nickname: 'cy' }), 400, 'password_weak')
    assert.match(error.message, /^password: /)
    assert.ok(!error.message.includes(word))
  }
  await register('cy')
  const [one, other] = [await signIn('cy'), await signIn('cy')]
  const socket = await new Person(stack, 'cy elsewhere', other.access_token).connects({ reconnection: false })
  const gone = new Promise(resolve => socket.socket.once('disconnect', resolve))
  const change = body => call('PUT', 'users/me/password', body, one.access_token)
  refused(await change({ password: 'another one entirely', new_password: 'the moon is a lamp' }), 401, 'credentials_invalid')
  refused(await change({ password, new_password: 'password1' }), 400, 'password_weak')
  refused(await change({ password, new_password: '가'.repeat(25) }), 400, 'password_too_long')
  ok(await change({ password, new_password: 'the moon is a lamp' }), 204)
  await gone // other sessions have ended, with their sockets
  refused(await call('POST', 'auth/refresh', { refresh_token: other.refresh_token }), 401, 'session_ended')
  ok(await call('POST', 'auth/refresh', { refresh_token: one.refresh_token }))
  refused(await login('cy'), 401, 'credentials_invalid')
  await signIn('cy', 'the moon is a lamp')
})

test('of a password every byte counts, and one that has more bytes than are compared is none at any door', async () => {
  const longest = 'the heron at the weir has eaten nine fish, and looks for another 10 now!', email = 'len@example.org'
  assert.equal(longest.length, 72)
  ok(await call('POST', 'auth/register', { email, password: longest, nickname: 'len' }), 201)
  const { access_token: token } = await signIn('len', longest)
  refused(await login('len', `${longest.slice(0, -1)}?`), 401, 'credentials_invalid')
  const over = `${longest}!`, doors = {
    'auth/login': ['POST', { email, password: over }], 'auth/return': ['POST', { email, password: over }],
    'auth/register': ['POST', { email: 'len2@example.org', password: over, nickname: 'len2' }], 'auth/reset/confirm': ['POST', { token: 'x'.repeat(43), password: over }],
    'users/me/password': ['PUT', { password: longest, new_password: over }],
  }
  for (const [path, [method, body]] of Object.entries(doors)) assert.match(refused(await call(method, path, body, token), 400, 'password_too_long').message, /more than 72 bytes/, path)
  refused(await call('PUT', 'users/me/password', { password: over, new_password: 'the moon is a lamp' }, token), 400, 'password_too_long')
  await signIn('len', longest)
})

test('who leaves is out at once, may come back, and is erased in the end', async () => {
  const dee = await register('dee')
  const { access_token: token } = await signIn('dee')
  const all = ok(await call('GET', 'users/me/export', undefined, token))
  assert.deepEqual([all.user.email, all.sessions.length, all.factors], ['dee@example.org', 1, []])
  assert.ok(all.attempts.some(attempt => attempt.kind === 'login' && attempt.result === 'ok'))
  const socket = await new Person(stack, 'dee', token).connects({ reconnection: false })
  const gone = new Promise(resolve => socket.socket.once('disconnect', resolve))
  const { delete_at: at } = ok(await call('DELETE', 'users/me', undefined, token))
  assert.ok(Math.abs(at - Date.now() - 14 * 86400000) < 60000)
  await gone
  refused(await call('GET', 'users/me', undefined, token), 401, 'session_ended')
  refused(await login('dee'), 401, 'credentials_invalid')
  refused(await call('POST', 'auth/return', { email: 'dee@example.org', password: 'some other thing' }), 401, 'credentials_invalid')
  const back = ok(await call('POST', 'auth/return', { email: 'dee@example.org', password }))
  assert.equal(back.user.id, dee.id)
  const tries = ok(await call('GET', 'auth/attempts?kind=login', undefined, back.access_token)).attempts.map(attempt => attempt.result)
  assert.deepEqual(tries.slice(0, 2), ['ok', 'credentials_invalid']) // the one that came back, and the one before that did not
  refused(await call('POST', 'auth/return', { email: 'dee@example.org', password }), 401, 'credentials_invalid') // it has left no more
  await signIn('dee')

  ok(await call('DELETE', 'users/me', undefined, back.access_token))
  await stack.sql('auth', "UPDATE auth.account SET delete_at = now() - interval '1 minute' WHERE nickname = 'dee'")
  await runErasing()
  refused(await call('POST', 'auth/return', { email: 'dee@example.org', password }), 401, 'credentials_invalid')
  for (const table of ['account', 'session', 'factor', 'single_use', 'nickname_reserved', 'account_erased', 'attempt', 'audit'])
    assert.equal(await stack.sql('auth', `SELECT count(*) FROM auth.${table} t WHERE t::text ILIKE '%dee@example%'`), '0', table)
  assert.equal(await stack.sql('auth', `SELECT count(*) FROM auth.account_erased WHERE account_id = '${dee.id}'`), '1')
  refused(await call('POST', 'auth/register', { email: 'dee@example.org', password, nickname: 'DEE' }), 409, 'conflict') // the handle is nobody's yet
  ok(await call('POST', 'auth/register', { email: 'dee@example.org', password, nickname: 'dee2' }), 201)
  await stack.sql('auth', "UPDATE auth.nickname_reserved SET until = now()")
  ok(await call('POST', 'auth/register', { email: 'dee3@example.org', password, nickname: 'dee' }), 201)
})

/** All of a list of one's own, page by page. */
async function all(token, list, query = '') {
  const rows = []
  for (let after = '', pages = 0; ; pages++) {
    const answer = await call('GET', `users/me/export/${list}?${query}${after}`, undefined, token)
    ok(answer)
    rows.push(...answer.json.data[list])
    if (answer.json.meta.next === undefined) return Object.assign(rows, { pages })
    after = `&after=${answer.json.meta.next}`
  }
}

const sendsFile = async (token, name, content) => ok(await request(stack, 'POST', '/api/v1/media', {
  token, headers: { 'content-type': 'multipart/form-data; boundary=x' },
  raw: Buffer.from(`--x\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n${content}\r\n--x--\r\n`),
}), 201)

test('all that is one\'s own is had before one leaves, and while one may still come back: messages of every room, conversations and files', async () => {
  const [ivy, jay] = [await register('ivy'), await register('jay')]
  let { access_token: token } = await signIn('ivy')
  const { access_token: others } = await signIn('jay')
  const rooms = []
  for (const name of ['left', 'stayed']) {
    const room = ok(await call('POST', 'rooms', { name }, others), 201).id
    ok(await call('POST', `rooms/${room}/members`, { members: [ivy.id] }, others))
    rooms.push(room)
  }
  const says = async (who, room, body) => ok(await call('POST', `rooms/${room}/messages`, { id: randomUUID(), body }, who), 201).seq
  for (const [i, room] of rooms.entries()) for (let n = 0; n < 7; n++) {
    await says(token, room, `mine ${i}.${n}`)
    await says(others, room, `not mine ${i}.${n}`)
  }
  const edited = await says(token, rooms[0], 'as it was'), deleted = await says(token, rooms[0], 'not to be seen again')
  ok(await call('PATCH', `rooms/${rooms[0]}/messages/${edited}`, { id: randomUUID(), body: 'as it is' }, token))
  ok(await call('DELETE', `rooms/${rooms[0]}/messages/${deleted}`, undefined, token))
  const reacts = async (who, room, seq, emoji) => ok(await call('POST', `rooms/${room}/reactions`, { seq, emoji }, who), 201)
  const takesBack = async (room, seq, emoji) => ok(await call('DELETE', `rooms/${room}/reactions/${seq}/${encodeURIComponent(emoji)}`, undefined, token))
  const reactions = [[rooms[0], 1, '👍'], [rooms[0], 2, '👍'], [rooms[0], 2, '🎉'], [rooms[1], 4, '👍'], [rooms[1], 6, '가']]
  for (const one of [...reactions, [rooms[0], 4, '👎'], [rooms[1], 4, '👎']]) await reacts(token, ...one)
  await reacts(others, rooms[0], 1, '👍')
  for (const one of [[rooms[0], 4, '👎'], [rooms[1], 4, '👎'], [rooms[1], 4, '👍']]) await takesBack(...one)
  await reacts(token, rooms[1], 4, '👍') // once more: it is one, and not two
  ok(await call('DELETE', `rooms/${rooms[0]}/members/${ivy.id}`, undefined, token))
  const kept = []
  for (const name of ['one', 'two', 'three']) kept.push(await sendsFile(token, `${name}.txt`, `the text of ${name}`))
  const conversation = ok(await call('POST', 'conversations', { name: 'a talk', data: { said: ['hello'] } }, token), 201)
  await sendsFile(others, 'other.txt', 'of somebody else')

  const isWhole = async () => {
    for (const query of ['', 'limit=1', 'limit=5']) {
      const messages = await all(token, 'messages', query)
      assert.deepEqual(messages.map(one => one.body).sort(), ['', 'as it is', ...rooms.flatMap((_, i) => Array.from({ length: 7 }, (_, n) => `mine ${i}.${n}`))].sort())
      assert.ok(messages.every(one => one.sender === ivy.id && rooms.includes(one.room)))
      assert.equal(new Set(messages.map(one => `${one.room} ${one.seq}`)).size, 16)
      assert.deepEqual((await all(token, 'reactions', query)).map(({ room, seq, emoji }) => `${room} ${seq} ${emoji}`).sort(), reactions.map(one => one.join(' ')).sort())
      assert.deepEqual((await all(token, 'media', query)).map(one => one.id), kept.map(one => one.id))
    }
    for (const [i, one] of (await all(token, 'media')).entries())
      assert.equal((await request(stack, 'GET', one.url, { token })).text, `the text of ${['one', 'two', 'three'][i]}`)
    assert.deepEqual((await all(token, 'conversations')).map(({ id, data }) => ({ id, data })), [{ id: conversation.id, data: { said: ['hello'] } }])
    assert.equal(ok(await call('GET', 'users/me/export', undefined, token)).user.id, ivy.id)
  }
  await isWhole()
  const [theirs] = await all(others, 'media')
  assert.equal((await all(others, 'media')).length, 1)
  refused(await request(stack, 'GET', theirs.url, { token }), 404, 'not_found')
  assert.ok((await all(others, 'messages')).every(one => one.sender === jay.id))
  assert.deepEqual((await all(others, 'reactions')).map(({ room, seq, emoji }) => [room, seq, emoji]), [[rooms[0], 1, '👍']])
  for (const list of ['messages', 'reactions'])
    for (const after of ['x', `${rooms[0]}`, `${rooms[0]}.x`, `${rooms[0]}.-1`, '.1']) refused(await call('GET', `users/me/export/${list}?after=${after}`, undefined, token), 400, 'invalid_argument')
  refused(await call('GET', 'users/me/export/media?after=1', undefined, token), 400, 'invalid_argument')

  ok(await call('DELETE', 'users/me', undefined, token))
  await until('nothing is had of an account that is about to be deleted', async () => (await call('GET', 'users/me/export/messages', undefined, token)).json.error?.code === 'session_ended')
  token = ok(await call('POST', 'auth/return', { email: 'ivy@example.org', password })).access_token
  await isWhole()
})

const memory = name => Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${stack.pid(name)}/status`, 'utf8'))[1])

test('a long export is held nowhere, costs its user a rate of its own, and nobody else anything', async () => {
  const { id } = await register('kim')
  const { access_token: token } = await signIn('kim')
  await stack.sql('store', `WITH rooms AS (INSERT INTO store.room_head SELECT gen_random_uuid(), 100 FROM generate_series(1, 400) RETURNING room_id)
    INSERT INTO store.message (room_id, seq, id, sender, body, at) SELECT room_id, n, 'number-' || n, '${id}', repeat('x', 500), now() FROM rooms, generate_series(1, 100) n`)
  const held = () => memory('store') + memory('gateway-1')
  let n = 0, after = '', before
  for (let page = 0; after !== undefined; page++) {
    if (page === 50) before = held()
    const { json: { data: { messages }, meta }, text } = await call('GET', `users/me/export/messages?${after}`, undefined, token)
    assert.ok(text.length < 1 << 20)
    n += messages.length
    after = meta.next && `after=${meta.next}`
  }
  assert.equal(n, 40000)
  if (!process.env.BIN?.includes('address')) assert.ok(held() - before < 4096, `${held() - before} KiB more than after 50 pages`) // of 15 MB that were read since; a sanitizer keeps what was freed
  await stack.authctl('quota', 'set', 'export', '2', '--subject', id)
  let last
  await until('the rate is used up', async () => (last = await call('GET', 'users/me/export/messages?limit=1', undefined, token)).status === 429)
  assert.equal(last.json.error.details.rate, 'export', last.text)
  ok(await call('GET', 'users/me', undefined, token))
})

/** The job comes by itself each hour; here it is put now. */
async function runErasing() {
  const job = (await stack.rpc('auth', 'job.list', { kind: 'account.erase' })).jobs[0]
  await stack.rpc('auth', 'job.retry', { job: job.id })
  await until('they are erased', async () => await stack.sql('auth', "SELECT count(*) FROM auth.account WHERE state = 'leaving'") === '0')
}

test('an administrator lists, makes, bounds, disables and deletes users; who is disabled is out at once', async () => {
  const eve = await register('eve')
  const { access_token: token } = await signIn('eve')
  const socket = await new Person(stack, 'eve', token).connects({ reconnection: false })
  const gone = new Promise(resolve => socket.socket.once('disconnect', resolve))
  const page = await stack.authctl('user', 'list', '--like', 'EVE')
  assert.deepEqual([(page.users ?? page).map(user => [user.nickname, user.state, user.sessions])], [[['eve', 'active', 1]]])
  const sessions = await stack.authctl('user', 'sessions', 'eve')
  assert.deepEqual((sessions.sessions ?? sessions).map(session => session.methods), [['pwd']])
  assert.equal((await stack.authctl('user', 'disable', 'eve@example.org')).state, 'disabled')
  await gone
  refused(await call('GET', 'users/me', undefined, token), 401, 'session_ended')
  refused(await login('eve'), 401, 'credentials_invalid')
  refused(await call('POST', 'auth/return', { email: 'eve@example.org', password }), 401, 'credentials_invalid')
  await stack.authctl('user', 'enable', eve.id)
  const signedIn = await signIn('eve')
  await stack.authctl('user', 'logout', 'eve')
  await until('the gateway has heard of it', async () => (await call('GET', 'users/me', undefined, signedIn.access_token)).status === 401)
  refused(await call('GET', 'users/me', undefined, signedIn.access_token), 401, 'session_ended')
  const { url } = await stack.authctl('user', 'reset-password', 'eve')
  const set = { token: new URL(url).searchParams.get('token'), password: 'the moon is a lamp' }
  ok(await call('POST', 'auth/reset/confirm', set), 204)
  refused(await call('POST', 'auth/reset/confirm', set), 410, 'gone')
  const again = await signIn('eve', set.password)
  await stack.authctl('user', 'set-policy', 'eve', 'read-only')
  const bounded = ok(await call('POST', 'auth/refresh', { refresh_token: again.refresh_token }))
  assert.equal(JSON.parse(Buffer.from(bounded.access_token.split('.')[1], 'base64url')).pol, 'read-only')
  refused(await call('GET', 'users/me', undefined, again.access_token), 401, 'session_ended') // the former token said otherwise
  assert.equal((await stack.authctl('user', 'delete', 'eve')).state, 'leaving')
  const chain = await stack.sql('auth', `SELECT string_agg(what, ' ' ORDER BY n) FROM auth.audit WHERE target = '${eve.id}'`)
  assert.equal(chain, 'user.disable user.enable user.logout user.reset_password user.set_policy user.delete')

  // The same for an administrator's token, over REST.
  const admin = await stack.issueKey({ name: 'admin', policy: 'admin' })
  const listed = ok(await call('GET', 'admin/users?state=leaving', undefined, admin))
  assert.deepEqual(listed.users.map(user => user.nickname), ['eve'])
  assert.equal(ok(await call('POST', `admin/users/${eve.id}/enable`, {}, admin)).state, 'active')
  refused(await call('GET', 'admin/users', undefined, (await signIn('eve', set.password)).access_token), 403, 'forbidden')
})

test('users of another system come with their ids and passwords, and coming twice changes nothing', async () => {
  const id = randomUUID(), old = 'a very long time ago'
  const hash = execFileSync('python3', ['-W', 'ignore', '-c', 'import crypt, sys; print(crypt.crypt(sys.argv[1], crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=1024)))', old], { encoding: 'utf8' }).trim()
  const lines = [
    { id, email: 'Old.Timer@example.org', email_verified: true, nickname: 'timer', name: 'Old Timer', password_hash: hash, created_at: 1500000000000 },
    { id: randomUUID(), nickname: 'no mail' },
    { email: 'x@example.org', nickname: 'no id' },
    { id: randomUUID(), email: 'broken', nickname: 'x' },
    { id: randomUUID(), email: 'y@example.org', nickname: 'TIMER' },
    { id: randomUUID(), nickname: 'z', policy: 'no such' },
    { id: randomUUID(), nickname: 'w', password_hash: 'plain text of a password' },
  ]
  const file = join(stack.dir, 'users.ndjson')
  writeFileSync(file, lines.map(line => JSON.stringify(line)).join('\n') + '\nnot json\n')
  for (let i = 0; i < 2; i++) {
    const report = await stack.authctl('user', 'import', file).catch(error => { assert.equal(error.code, 4, error.stderr); return JSON.parse(error.stdout) })
    assert.deepEqual(Object.fromEntries(report.lines.map(line => [line.line, line.code])),
      { 1: 'ok', 2: 'ok', 3: 'invalid_argument', 4: 'invalid_argument', 5: 'conflict', 6: 'not_found', 7: 'invalid_argument', 8: 'malformed' })
  }
  assert.equal(await stack.sql('auth', `SELECT nickname || ' ' || (created_at AT TIME ZONE 'UTC')::date FROM auth.account WHERE id = '${id}'`), 'timer 2017-07-14')
  const session = ok(await call('POST', 'auth/login', { email: 'old.timer@example.org', password: old }))
  assert.equal(session.user.id, id)
})

test('hashes of another system verify, and are made anew at a login where the settings want dearer ones', async () => {
  const crypts = (word, setting) => execFileSync('python3', ['-W', 'ignore', '-c', 'import crypt, sys; print(crypt.crypt(sys.argv[1], sys.argv[2]))', word, setting], { encoding: 'utf8' }).trim()
  const salt = 'abcdefghijklmnopqrstuu'
  const kinds = { cheap_a: `$2a$05$${salt}`, cheap_b: `$2b$05$${salt}`, right_b: `$2b$10$${salt}`, dear_b: `$2b$11$${salt}`, yes: '$y$j75$abcdefghijklmnopqrstu.' }
  const lines = Object.entries(kinds).map(([nickname, setting]) => ({ id: randomUUID(), email: `${nickname}@example.org`, nickname, password_hash: crypts(`the word of ${nickname}`, setting) }))
  for (const { nickname, password_hash: hash } of lines) assert.ok(hash.startsWith(kinds[nickname].slice(0, 7)), hash)
  const file = join(stack.dir, 'hashes.ndjson')
  writeFileSync(file, lines.map(line => JSON.stringify(line)).join('\n'))
  await stack.authctl('user', 'import', file)
  const hashOf = nickname => stack.sql('auth', `SELECT password FROM auth.account WHERE nickname = '${nickname}'`)
  for (const { nickname, password_hash: before } of lines) {
    refused(await login(nickname, 'another word'), 401, 'credentials_invalid')
    assert.equal(await hashOf(nickname), before, `${nickname}: a wrong word changes nothing`)
    await signIn(nickname, `the word of ${nickname}`)
    const after = await hashOf(nickname)
    if (['right_b', 'dear_b'].includes(nickname)) assert.equal(after, before)
    else assert.match(after, /^\$2b\$10\$/, nickname) // the cost of this stack
    await signIn(nickname, `the word of ${nickname}`)
    assert.equal(await hashOf(nickname), after, `${nickname}: once`)
  }
})

test('who is banned does not come back either, and a password that is too weak costs no guess', async () => {
  const { id } = await register('fox')
  const { access_token: token } = await signIn('fox')
  for (let i = 0; i < 8; i++) refused(await call('PUT', 'users/me/password', { password, new_password: 'password1!' }, token), 400, 'password_weak')
  ok(await call('DELETE', 'users/me', undefined, token))
  const ban = await stack.authctl('ban', 'add', '--subject', id)
  refused(await call('POST', 'auth/return', { email: 'fox@example.org', password }), 403, 'banned')
  await stack.authctl('ban', 'remove', ban.id)
  ok(await call('POST', 'auth/return', { email: 'fox@example.org', password }))
})
