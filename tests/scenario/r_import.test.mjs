// r_import - a room's file is read in elsewhere: the same room, to the byte, however often it is sent and whatever is killed meanwhile.
import assert from 'node:assert/strict'
import https from 'node:https'
import { createHash, randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Person, request } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let here, there // two systems: what is taken along in one is read in in the other
const keys = new Map(), admins = new Map()
before(async () => {
  [here, there] = await Promise.all([1, 2].map(() => startStack({ env: { MADANG_AUTH_REGISTRATION: 'open' } })))
  for (const stack of [here, there]) {
    keys.set(stack, await stack.issueKey())
    admins.set(stack, await stack.issueKey({ name: 'admin', policy: 'admin' }))
  }
})
after(() => Promise.all([here, there].map(stack => stack?.stop())))

const arrive = (stack, ...names) => Promise.all(names.map(name => Person.arrives(stack, keys.get(stack), name, { reconnection: false })))
const say = (person, room, body, more = {}) => person.calls('message:send', { room, id: randomUUID(), body, ...more })

/** The whole of a room, as an operator takes it along. */
async function wholeOf(stack, room) {
  const answer = await request(stack, 'GET', `/api/v1/admin/rooms/${room}/export?reason=moving`, { token: admins.get(stack) })
  assert.equal(answer.status, 200, answer.text)
  assert.match(answer.text, /\n\{"end":.*\}\n$/)
  return answer.text
}
/** Read a file in; `midway` runs once half of it is on its way. */
const send = (stack, text, { midway, token = admins.get(stack), type = 'application/x-ndjson' } = {}) => new Promise((resolve, reject) => {
  const req = https.request(`${stack.url}/api/v1/admin/rooms/import`, { method: 'POST', ca: stack.ca, agent: false, headers: { authorization: `Bearer ${token}`, 'content-type': type } }, res => {
    const chunks = []
    res.on('data', chunk => chunks.push(chunk))
    res.on('end', () => {
      const json = JSON.parse(Buffer.concat(chunks))
      resolve({ status: res.statusCode, data: json.data, code: json.error?.code, message: json.error?.message, line: json.error?.details?.line })
    })
    res.on('error', reject)
  })
  let during = Promise.resolve()
  req.on('error', error => during.then(() => midway ? resolve({ status: 0 }) : reject(error), reject))
  if (!midway) return req.end(text)
  const bytes = Buffer.from(text), half = bytes.length >> 1
  req.write(bytes.subarray(0, half), () => {
    during = midway()
    during.then(() => req.end(bytes.subarray(half)), reject)
  })
})
async function readIn(stack, text) {
  const answer = await send(stack, text)
  assert.deepEqual([answer.status, answer.message], [200, undefined])
  return answer.data
}

const linesOf = text => text.split('\n').slice(0, -1).map(line => JSON.parse(line))
const of = (kind, lines) => lines.filter(line => kind in line).map(line => line[kind])

/** What a system's tables have of a room. */
async function digest(stack, room) {
  const of = async (service, tables) => Promise.all(tables.map(table => stack.sql(service, `SELECT '${table}', count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM ${table} t WHERE ${table === 'room' ? 'id' : 'room_id'} = '${room}'`)))
  return [...await of('store', ['room_head', 'message', 'change', 'message_now', 'reaction', 'reaction_count', 'reply', 'removed', 'attachment', 'imported_medium']), ...await of('chat', ['room', 'member', 'room_import'])]
}

/** Numbers as by chance, the same each time. */
function chances(seed) {
  let state = seed
  const next = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32
  return { under: n => Math.floor(next() * n), of: list => list[Math.floor(next() * list.length)] }
}
async function aMedium(person, name) {
  const raw = `--b\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n${randomUUID()}\r\n--b--\r\n`
  const answer = await request(person.stack, 'POST', '/api/v1/media', { token: person.token, raw: Buffer.from(raw), headers: { 'content-type': 'multipart/form-data; boundary=b' } })
  assert.equal(answer.status, 201, answer.text)
  return answer.json.data
}
const WORDS = ['a word', '안녕 @olga', 'quotes " and \\ and \u0001', '@room listen', 'a\nline', '🦕🦖', '']

/** Anything that can be done in a room, n times, by anyone of these; of a message some things are done often. */
async function muchIsDone(people, room, n, by) {
  const messages = [], media = await Promise.all(people.map((person, i) => aMedium(person, `a file "${i}".txt`)))
  const deeds = [
    async person => { const { seq } = await say(person, room, by.of(WORDS.slice(0, -1)) + by.under(100), by.under(2) ? { meta: { n: by.under(9) / 7, s: '"', list: [null, true, { e: 1e21 }] } } : {}); messages.push({ seq, by: person }) },
    async person => { const { seq } = await say(person, room, by.of(WORDS), { attachments: [media[people.indexOf(person)].id] }); messages.push({ seq, by: person }) },
    async person => { const root = by.of(messages); const answer = await person.emits('message:send', { room, id: randomUUID(), body: 'an answer', thread: root.seq }); if (answer.seq) messages.push({ seq: answer.seq, by: person }) },
    (_, { seq, by: person }) => person.emits('message:edit', { room, seq, id: randomUUID(), body: `in other words ${by.under(100)}`, ...(by.under(2) ? { attachments: [media[people.indexOf(person)].id] } : {}) }),
    (_, { seq, by: person }) => person.emits('message:delete', { room, seq }),
    (person, { seq }) => person.emits('reaction:add', { room, seq, emoji: by.of(['👍', '🦕', 'ok']) }),
    (person, { seq }) => person.emits('reaction:remove', { room, seq, emoji: by.of(['👍', '🦕', 'ok']) }),
    (_, { seq }) => people[0].emits(by.of(['pin:add', 'pin:remove']), { room, seq }),
  ]
  const { seq } = await say(people[0], room, 'the first one'), gone = await say(people[1], room, 'words that were deleted')
  await people[0].calls('message:edit', { room, seq, id: randomUUID(), body: 'the first one, in other words' })
  await people[1].calls('message:delete', { room, seq: gone.seq })
  for (const event of ['reaction:add', 'reaction:remove', 'pin:add']) await people[0].calls(event, { room, seq, ...(event === 'pin:add' ? {} : { emoji: '🦕' }) })
  const often = [0, 0, 0, 0, 1, 2, 2, 3, 3, 4, 5, 5, 5, 6, 7, 7]
  for (let i = 0; i < n; i++) await deeds[messages.length === 0 ? 0 : by.of(often)](by.of(people), messages.length > 0 ? by.of(messages.slice(-12)) : undefined)
}

/** A room here with all that there can be in one, and two users in it who are known there under the same ids, as docs/import.md says. */
async function aFullRoom(seed, n) {
  const call = async (path, body) => (await request(here, 'POST', `/api/v1/auth/${path}`, { body })).json.data
  const mail = { email: `uma-${seed}@example.org`, password: 'only Uma knows this' }
  const { user } = await call('register', { ...mail, nickname: `uma${seed}`, name: 'Uma "U"' })
  const uma = await Person.arrives(here, keys.get(here), user.id, { token: (await call('login', mail)).access_token, reconnection: false })
  const [olga, max, zoe] = await arrive(here, 'olga', 'max', 'zoe')
  await until('the store knows uma', async () => await here.sql('store', `SELECT count(*) FROM directory WHERE subject = '${user.id}'`) === '1')
  const { id: room } = await olga.makesRoom({ open: false, name: 'the yard', topic: 'a "topic"\n', lines: true, receipts: seed !== 1, members: ['max', 'zoe', user.id, 'former'] })
  for (const person of [max, zoe, uma]) await person.joins(room)
  for (const [one, other] of [[olga, 'max'], [uma, 'olga']]) await one.calls('friend:request', { subject: other })
  await max.calls('friend:accept', { subject: 'olga' })
  await olga.calls('friend:accept', { subject: user.id })
  await max.calls('friend:request', { subject: 'a stranger' })
  await muchIsDone([olga, max, zoe, uma], room, n, chances(seed))
  await olga.calls('member:role', { room, member: 'max', role: 'moderator' })
  await olga.calls('member:mute', { room, member: 'zoe', seconds: 100000 })
  await olga.calls('room:remove', { room, member: 'former' })
  await until('the lines are in the log', async () => await here.sql('store', `SELECT count(*) FROM message WHERE room_id = '${room}' AND kind IN ('member:role', 'member:remove')`) === '2')
  if (seed === 1) await olga.calls('room:update', { room, slow_s: 90 })
  const text = await wholeOf(here, room)
  const people = join(there.dir, 'people.ndjson')
  writeFileSync(people, text.split('\n').flatMap(line => line.match(/^\{"person":(.*)\}$/)?.[1] ?? []).join('\n'))
  await there.authctl('user', 'import', people)
  await until('the others know uma', async () => await there.sql('store', `SELECT count(*) FROM directory WHERE subject = '${user.id}'`) === '1')
  return { room, text, olga, max, zoe, uma, user, leave: () => [olga, max, zoe, uma].forEach(person => person.leaves()) }
}

/** A room as its members read it, page by page; and what is pinned, and who is in it. */
async function viewOf(person, room) {
  const all = []
  for (let after = 0; ;) {
    const { messages } = (await person.rest('GET', `/api/v1/rooms/${room}/messages?after=${after}&limit=200`)).json.data
    if (messages.length === 0) break
    all.push(...messages)
    after = messages.at(-1).seq
  }
  const { pins: _, messages: pinned } = (await person.rest('GET', `/api/v1/rooms/${room}/pins`)).json.data
  const { members } = (await person.rest('GET', `/api/v1/rooms/${room}/members`)).json.data
  return { all, pinned, members: members.map(({ presence, ...member }) => member) } // who is there is another matter
}

for (const seed of [1, 2])
  test(`a room with everything in it is the same to the byte, read in elsewhere and taken along again (${seed})`, { timeout: 180000 }, async () => {
    const { room, text, olga, user, leave } = await aFullRoom(seed, 150)
    const lines = linesOf(text), entries = of('entry', lines)
    assert.deepEqual(of('friends', lines).map(({ subject, friend }) => [subject, friend]), [['max', 'olga'], ['olga', user.id]].map(pair => pair.sort()).sort())
    assert.deepEqual([of('member', lines).length, of('medium', lines).length > 0, ['message:edit', 'message:delete', 'reaction:add', 'reaction:remove', 'pin:add', 'member:role', 'member:remove'].filter(kind => !entries.some(entry => entry.kind === kind))], [4, true, []])
    assert.deepEqual(await readIn(there, text), { room, entries: entries.length })
    assert.equal(await wholeOf(there, room), text)

    await until('it is in the audit', async () => (await there.authctl('audit', 'list', '--target', room)).audit.some(({ what }) => what === 'room.import'))

    // As its members read it, it is the same: edits, what was deleted, reactions, threads, pins.
    const [other, max] = await arrive(there, 'olga', 'max')
    assert.deepEqual(await other.calls('room:get', { room }).then(one => [one.receipts, one.slow_s]), [seed !== 1, seed === 1 ? 90 : undefined])
    assert.deepEqual(await viewOf(other, room), await viewOf(olga, room))
    assert.deepEqual((await max.calls('friend:list', {})).friends.map(({ subject }) => subject), ['olga'])

    // Who is in it has read it; what is said next has the next place, and is heard, counted and found.
    const mine = async person => (await person.rest('GET', '/api/v1/rooms')).json.data.rooms.find(({ id }) => id === room)
    await until('what follows from the entries is there', async () => (await mine(max)).last?.seq === (await mine(olga)).last?.seq)
    assert.deepEqual([(await mine(max)).unread, (await mine(max)).mentions, (await mine(max)).role], [0, 0, 'moderator'])
    await max.joins(room)
    const { seq } = await say(other, room, 'said once it was here @max')
    assert.equal(seq, entries.length + 1)
    assert.equal((await max.hears('said once it was here @max')).seq, seq)
    await until('it is counted', async () => { const { unread, mentions } = await mine(max); return unread === 1 && mentions === 1 })
    await until('old words are found', async () => (await max.rest('GET', `/api/v1/search?q=${encodeURIComponent('the first one')}&room=${room}`)).json.data.found.some(({ message }) => message.seq === 1))

    // The same file changes nothing any more, whatever has become of the room; and another one of this room is refused.
    await other.calls('room:update', { room, name: 'another yard' })
    await other.calls('room:remove', { room, member: 'zoe' })
    const now = await digest(there, room)
    assert.deepEqual(await readIn(there, text), { room, entries: entries.length })
    assert.deepEqual(await digest(there, room), now)

    // Purged, it is gone with what the file said of media, and is not read in any more.
    const purged = await request(there, 'POST', `/api/v1/admin/rooms/${room}/purge`, { token: admins.get(there), body: { name: 'another yard', reason: 'a test' } })
    assert.equal(purged.status, 200, purged.text)
    assert.equal((await send(there, text)).code, 'conflict')
    await until('nothing is left of it', async () => {
      await there.sql('store', "UPDATE job SET run_at = now() WHERE kind = 'log.trim' AND lease IS NULL; SELECT pg_notify('store_jobs', '')") // as when ten minutes are over
      return await there.sql('store', `SELECT (SELECT count(*) FROM message WHERE room_id = '${room}') + (SELECT count(*) FROM imported_medium WHERE room_id = '${room}')`) === '0'
    }, 60000)
    for (const person of [other, max]) person.leaves()
    leave()
  })

/** A file of one part, as whoever writes one elsewhere would: a room with these in it, and this said. */
function aFile({ begin = {}, settings = {}, members = [['olga', 'owner']], friends = [], entries = [['hello']], lines = x => x, end = {} }) {
  const room = randomUUID()
  const text = lines([
    { begin: { format: 'madang-room', version: 1, room: { id: room, name: '', topic: '', created_by: 'olga', created_at: 1000, open: false, knocks: false, listed: false, lines: false, writes: 'member', invites: 'admin', history: 'all', ...settings }, after: 0, head: entries.length, ...begin } },
    ...members.map(([subject, role]) => ({ member: { subject, role, joined_at: 2000 } })),
    ...friends.map(([subject, friend]) => ({ friends: { subject, friend, since: 3000 } })),
    ...entries.map(([body, more], i) => ({ entry: { seq: i + 1, id: `entry-${i}`, sender: 'olga', at: 4000 + i, body, ...more } })),
  ]).map(line => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
  const hash = createHash('sha256').update(Buffer.alloc(32)).update(text).digest('hex')
  return { room, text: `${text}${end === null ? '' : `${JSON.stringify({ end: { entries: entries.length, hash, ...end } })}\n`}` }
}

test('a line that is none, or says what cannot be, is refused by its number, and nothing of its part is kept', { timeout: 120000 }, async () => {
  const replaced = (n, line) => ({ lines: lines => lines.with(n - 1, line) })
  const reaction = ['👍', { kind: 'reaction:add', target: 1 }]
  const broken = [
    [1, 'invalid_argument', replaced(1, 'no JSON')],
    [1, 'invalid_argument', { lines: lines => lines.slice(1) }],
    [1, 'invalid_argument', { begin: { format: 'another' } }],
    [1, 'invalid_argument', { begin: { version: 2 } }],
    [1, 'invalid_argument', { begin: { after: 2 } }],
    [1, 'invalid_argument', { settings: { writes: 'owner' } }],
    [1, 'invalid_argument', { settings: { open: true, knocks: true } }],
    [1, 'invalid_argument', { settings: { name: 'n'.repeat(81) } }],
    [2, 'invalid_argument', replaced(2, '')],
    [2, 'invalid_argument', replaced(2, { word: 1 })],
    [2, 'invalid_argument', { lines: lines => lines.with(1, { ...lines[1], ...lines[2] }) }],
    [2, 'invalid_argument', { lines: lines => lines.with(1, lines[0]) }],
    [3, 'invalid_argument', { members: [['olga', 'owner'], ['max', 'member']] }],
    [3, 'invalid_argument', { lines: lines => [lines[0], lines[2], lines[1]] }],
    [4, 'invalid_argument', { members: [['max', 'member'], ['olga', 'owner']], friends: [['olga', 'max']] }],
    [3, 'invalid_argument', { entries: [['hello', { seq: 2 }]] }],
    [4, 'invalid_argument', { entries: [['hello'], ['again', { seq: 1 }]] }],
    [4, 'invalid_argument', { begin: { head: 1 }, entries: [['hello'], ['again']] }],
    [3, 'invalid_argument', { entries: [['hello', { kind: 'message' }]] }],
    [3, 'invalid_argument', { entries: [['hello', { kind: 'member:fly' }]] }],
    [3, 'invalid_argument', { entries: [['hello', { target: 1 }]] }],
    [4, 'invalid_argument', { entries: [['hello'], ['again', { kind: 'message:edit' }]] }],
    [4, 'invalid_argument', { entries: [['hello'], ['again', { kind: 'message:edit', target: 2 }]] }],
    [4, 'invalid_argument', { entries: [['hello'], ['an answer', { thread: 2 }]] }],
    [4, 'invalid_argument', { entries: [['hello'], ['👍', { kind: 'reaction:add', target: 1, thread: 1 }]] }],
    [4, 'invalid_argument', { entries: [['hello'], ['👍', { kind: 'reaction:add', target: 1, meta: {} }]] }],
    [4, 'invalid_argument', { entries: [['hello'], ['👍', { kind: 'reaction:add', target: 1, attachments: [randomUUID()] }]] }],
    [4, 'invalid_argument', { entries: [['hello'], ['x'.repeat(200), { kind: 'reaction:add', target: 1 }]] }],
    [3, 'invalid_argument', { entries: [['hello', { at: Date.now() + 2 * 86400000 }]] }],
    [3, 'invalid_argument', { entries: [['x'.repeat(10001)]] }],
    [4, 'invalid_argument', { end: { hash: '0'.repeat(64) } }],
    [4, 'invalid_argument', { end: { entries: 2 } }],
    [4, 'invalid_argument', { begin: { head: 2 } }],
    [3, 'invalid_argument', { end: null }],
    [4, 'invalid_argument', { lines: lines => [...lines, { mark: 'AAAA' }] }],
    [3, 'invalid_argument', { entries: [['hello'], reaction, ['👍', { kind: 'reaction:add', target: 2 }]] }],
    [3, 'conflict', { entries: [['hello'], ['again', { id: 'entry-0' }]] }],
    [1, 'invalid_argument', { members: [['olga', 'king']] }],
    [1, 'invalid_argument', { members: [['A\u030a', 'owner']] }, 'conflict'],
  ]
  for (const [line, code, parts, other] of broken) {
    const { room, text } = aFile(parts), answer = await send(there, text)
    assert.deepEqual([answer.code, answer.line], [other ?? code, line], `${JSON.stringify(parts)}: ${answer.message}`)
    assert.equal(await there.sql('store', `SELECT (SELECT count(*) FROM message WHERE room_id = '${room}') + (SELECT count(*) FROM change WHERE room_id = '${room}')`), '0', text)
  }
  for (const members of [[['max', 'member']], [['max', 'owner'], ['olga', 'owner']]]) assert.equal((await send(there, aFile({ members }).text)).code, 'invalid_argument', 'there is one owner')
  const { text } = aFile({ entries: [['hello'], reaction] })
  assert.deepEqual([(await send(there, `${text}${text}`)).line, (await send(there, text.slice(0, -1))).code, (await send(there, '')).code], [6, 'invalid_argument', 'invalid_argument'])
  await readIn(there, text)
})

test('a file that was cut off goes on behind each of its marks, and what is not what is there is refused', { timeout: 120000 }, async () => {
  const [olga] = await arrive(here, 'olga')
  const { id: room } = await olga.makesRoom({ open: false })
  const names = Array.from({ length: 450 }, (_, i) => `member ${i}`)
  for (let i = 0; i < names.length; i += 50) await olga.calls('room:invite', { room, members: names.slice(i, i + 50) })
  await here.sql('chat', `INSERT INTO relation (low, high, bond, since) SELECT 'member ' || n, 'olga', 'friends', now() FROM generate_series(0, 440) n`)
  const { seq } = await say(olga, room, 'the first one')
  for (let i = 0; i < 300; i++) await (i % 3 ? say(olga, room, `word ${i} ${'y'.repeat(900)}`) : olga.calls('message:edit', { room, seq, id: randomUUID(), body: `words ${i}` }))
  const text = await wholeOf(here, room), lines = text.split('\n').slice(0, -1), marks = lines.flatMap((line, i) => line.startsWith('{"mark":') ? [i] : [])
  assert.ok(marks.length >= 5, `${marks.length} marks`)
  const part = (from, to) => lines.slice(from, to).map(line => `${line}\n`).join('')
  assert.equal((await send(there, part(marks[0]))).code, 'not_found', 'it begins with its beginning')
  for (const [i, from] of [0, ...marks].entries()) {
    if (i === marks.length) break
    const cut = await send(there, part(from, marks[i] + 2)) // the mark, and a line of the next part
    assert.deepEqual([cut.code, cut.line], ['invalid_argument', marks[i] + 2 - from], cut.message)
    await arrive(there, [...names].sort()[i]).then(async ([other]) => { // who is in it already
      assert.equal((await other.emits('message:send', { room, id: randomUUID(), body: 'too early' })).error?.code, 'forbidden')
      other.leaves()
    })
  }
  await readIn(there, part(marks.at(-1)))
  assert.equal(await wholeOf(there, room), text)
  const now = await digest(there, room)
  for (const from of [0, ...marks]) await readIn(there, part(from))
  assert.deepEqual(await digest(there, room), now)

  // A file of another beginning, of other entries, or with a hole before it.
  const { room: small, text: file } = aFile({ entries: [['hello'], ['again']] })
  await readIn(there, file)
  const other = (more, id) => aFile(more).text.replace(/"id":"[0-9a-f-]{36}"/, `"id":"${id}"`)
  const rehashed = told => { const body = told.replace(/\{"end".*\n/, ''); return body + JSON.stringify({ end: { entries: 2, hash: createHash('sha256').update(Buffer.alloc(32)).update(body).digest('hex') } }) + '\n' }
  const refused = async (more, line) => assert.deepEqual(await send(there, rehashed(other(more, small))).then(({ code, line }) => [code, line]), ['conflict', line])
  await refused({ settings: { name: 'another' }, entries: [['hello'], ['again']] }, 1)
  await refused({ entries: [['hello'], ['another word']] }, 4)
  await refused({ entries: [['hello'], ['again', { at: 1 }]] }, 4)
  await refused({ entries: [['hello'], ['again', { sender: 'max' }]] }, 4)
  // Nor is anything added to a room that is whole, by whoever makes a mark of it that says how its hash could go on.
  const body = file.split('\n').slice(0, -2).map(line => `${line}\n`).join('')
  const hash = createHash('sha256').update(Buffer.alloc(32)).update(body).digest()
  const mark = Buffer.concat([Buffer.from([0x86]), ...[['members', [0xc3]], ['seq', [2]], ['head', [3]], ['entries', [2]], ['hash', [0xc4, 32, ...hash]], ['room', [0xc4, 16, ...Buffer.from(small.replaceAll('-', ''), 'hex')]]]
    .map(([name, value]) => Buffer.from([0xa0 + name.length, ...Buffer.from(name), ...value]))]).toString('base64url')
  const added = JSON.stringify({ entry: { seq: 3, id: 'entry-2', sender: 'olga', at: 5000, body: 'forged' } }) + '\n'
  const forged = `${JSON.stringify({ mark })}\n${added}${JSON.stringify({ end: { entries: 3, hash: createHash('sha256').update(hash).update(added).digest('hex') } })}\n`
  assert.deepEqual(await send(there, forged).then(({ code, line }) => [code, line]), ['conflict', 2])
  const { id: made } = await olga.makesRoom({ open: false })
  assert.equal((await send(here, rehashed(other({ entries: [['hello'], ['again']] }, made)))).code, 'conflict', 'a room that no file brought')
  olga.leaves()
})

test('a file lets nobody read files of others, and makes no friends of those who have parted, nor of who is not in the room', { timeout: 120000 }, async () => {
  const [olga, max, zoe] = await arrive(there, 'olga', 'max', 'zoe')
  const media = await Promise.all(['a', 'b'].map(name => aMedium(max, name)))
  const members = [['lea', 'member'], ['max', 'member'], ['olga', 'owner']]
  const entries = [['look', { sender: 'max', attachments: [media[0].id] }], ['look', { sender: 'max' }], ['look here', { sender: 'max', kind: 'message:edit', target: 2, attachments: [media[1].id] }]]
  await olga.calls('friend:block', { subject: 'lea' })
  await zoe.calls('friend:request', { subject: 'lea' })
  const { room, text } = aFile({ members, entries, friends: [['lea', 'max'], ['lea', 'olga'], ['max', 'zoe']] })
  await readIn(there, text)
  await until('olga reads the room', async () => (await olga.rest('GET', `/api/v1/rooms/${room}/messages`)).status === 200)
  const shown = (await olga.rest('GET', `/api/v1/rooms/${room}/messages`)).json.data.messages.map(({ attachments }) => attachments)
  assert.deepEqual(shown, media.map(({ id }) => [id]))
  for (const { url } of media) {
    assert.equal((await request(there, 'GET', url, { token: max.token })).status, 200)
    assert.equal((await request(there, 'GET', url, { token: olga.token })).status, 404)
  }
  const bonds = await there.sql('chat', "SELECT low, high, bond, low_blocks IS NOT NULL OR high_blocks IS NOT NULL FROM relation WHERE low = 'lea' OR high = 'lea' OR low = 'zoe' OR high = 'zoe' ORDER BY low, high")
  assert.deepEqual(bonds.split('\n'), ['lea|max|friends|f', 'lea|olga|none|t', 'lea|zoe|high_asks|f'])
  assert.equal(await there.sql('chat', "SELECT used FROM usage WHERE quota = 'friends' AND subject = 'lea'"), '1')
  for (const person of [olga, max, zoe]) person.leaves()
})

test('two who read the same file in at once are as good as one, and so is one who is killed again and again', { timeout: 300000 }, async () => {
  const [olga] = await arrive(here, 'olga')
  const { id: room } = await olga.makesRoom({ open: false, members: ['max'] })
  const { seq } = await say(olga, room, 'the first one')
  for (const emoji of ['👍', '🦕']) await olga.calls('reaction:add', { room, seq, emoji })
  await here.sql('store', `BEGIN; SELECT FROM room_head WHERE room_id = '${room}' FOR UPDATE;
    INSERT INTO message (room_id, seq, id, sender, body, at) SELECT '${room}', h.seq + n, 'filled-' || (h.seq + n), 'max', repeat('y', 4000), now() FROM room_head h, generate_series(1, 5000) n WHERE h.room_id = '${room}';
    UPDATE room_head SET seq = seq + 5000 WHERE room_id = '${room}'; COMMIT`)
  await olga.calls('message:edit', { room, seq, id: randomUUID(), body: 'the last one' })
  const text = await wholeOf(here, room)
  for (const name of ['store', 'chat', 'gateway-1']) {
    const answer = await send(there, text, { midway: async () => { await there.kill(name); await there.ready() } })
    assert.ok([0, 200, 502, 503, 504].includes(answer.status), `${name}: ${answer.status} ${answer.message}`)
  }
  await Promise.all([readIn(there, text), readIn(there, text)])
  assert.equal(await wholeOf(there, room), text)
  olga.leaves()
})

test('only who may by their policy reads files in, a few at once, and a gateway holds no more than a part of each', { timeout: 120000 }, async () => {
  const [olga] = await arrive(there, 'olga')
  const { text } = aFile({})
  const refused = async (more, ...expected) => assert.deepEqual(await send(there, text, more).then(({ status, code }) => [status, code]), expected)
  await refused({ token: olga.token }, 403, 'forbidden')
  await refused({ token: await there.issueKey({ name: 'back', policy: 'chat-backend' }) }, 403, 'forbidden')
  await refused({ token: 'nobody' }, 401, 'token_invalid')
  await refused({ type: 'application/json' }, 415, 'unsupported_media')
  const room = linesOf(text)[0].begin.room.id
  assert.equal((await olga.rest('GET', `/api/v1/admin/rooms/${room}/export?reason=x`)).json.error.code, 'forbidden')

  const held = () => there.metric(1, 'madang_gateway_held_bytes', 'by="all"')
  const idle = await held()
  let release
  const waiting = new Promise(resolve => { release = resolve })
  const padded = () => { const { text: whole } = aFile({ entries: Array.from({ length: 150 }, (_, i) => ['y'.repeat(9000), { id: `a-long-one-${i}` }]) }); return whole }
  const begun = [], flows = Array.from({ length: 4 }, () => new Promise(resolve => begun.push(resolve)))
  const sent = begun.map(begin => send(there, padded(), { midway: () => { begin(); return waiting } }))
  await Promise.all(flows)
  await until('all four have come halfway', async () => await held() - idle > 4 * 600000)
  await refused({}, 503, 'overloaded')
  assert.ok(await held() - idle < 4 * (5 << 20))
  release()
  for (const answer of await Promise.all(sent)) assert.equal(answer.status, 200, answer.message)
  await readIn(there, text)
  const endless = await send(there, `${text.split('\n')[0]}\n${'{}\n'.repeat(1 << 20)}`)
  assert.deepEqual([endless.status, endless.code], [413, 'too_large'])
  olga.leaves()
})

test('a room of two is the same to the byte, and is the room of these two from then on', { timeout: 120000 }, async () => {
  const [olga, max] = await arrive(here, 'ona', 'mio')
  const { id: room } = await olga.calls('room:direct', { subject: max.name })
  const { seq } = await say(olga, room, 'only for you')
  await say(max, room, '둘이서', { thread: seq })
  await max.calls('reaction:add', { room, seq, emoji: '🦕' })
  await max.calls('room:remove', { room }) // it is theirs all the same
  await until('one of them is in it', async () => (await olga.rest('GET', `/api/v1/rooms/${room}/members`)).json.data.members.length === 1)
  const text = await wholeOf(here, room)
  assert.deepEqual(linesOf(text)[0].begin.room.two, ['mio', 'ona'])
  await readIn(there, text)
  assert.equal(await wholeOf(there, room), text)
  const [other, again] = await arrive(there, 'ona', 'mio')
  assert.deepEqual(await viewOf(other, room), await viewOf(olga, room))
  assert.equal((await again.calls('room:direct', { subject: 'ona' })).id, room)
  const found = await other.calls('room:direct', { subject: 'mio' })
  assert.deepEqual([found.id, found.peer], [room, 'mio'])
  const now = await digest(there, room)
  await readIn(there, text)
  assert.deepEqual(await digest(there, room), now)
  const id = randomUUID()
  await until('both are in it, and write there', async () => (await again.emits('message:send', { room, id, body: 'here I am' })).seq > 0)

  // Who have a room of two keep it.
  const { id: theirs } = await other.calls('room:direct', { subject: 'zia' })
  const two = (pair, more = {}) => aFile({ settings: { two: pair, created_by: pair[0], ...more.settings }, members: pair.map(subject => [subject, 'member']), ...more })
  const before = await digest(there, theirs), second = two(['ona', 'zia'])
  assert.deepEqual(await send(there, second.text).then(({ code, line }) => [code, line]), ['conflict', 1])
  assert.equal(await there.sql('chat', `SELECT count(*) FROM room WHERE id = '${second.room}'`), '0')
  assert.equal(await there.sql('store', `SELECT count(*) FROM room_head WHERE room_id = '${second.room}'`), '0')
  assert.deepEqual(await digest(there, theirs), before)
  assert.equal((await other.calls('room:direct', { subject: 'zia' })).id, theirs)
  for (const [parts, code] of [
    [two(['b', 'a'], { members: [['a', 'member'], ['b', 'member']] }), 'invalid_argument'], [two(['a', 'a'], { members: [['a', 'member']] }), 'invalid_argument'], [two(['a'], {}), 'invalid_argument'],
    [two(['a', 'b'], { settings: { two: ['a', 'b'], open: true } }), 'invalid_argument'], [two(['a', 'b'], { members: [['a', 'member'], ['c', 'member']] }), 'invalid_argument'],
    [two(['a', 'b'], { members: [['a', 'owner'], ['b', 'member']] }), 'invalid_argument'], [two(['A\u030a', 'b']), 'conflict']]) {
    assert.deepEqual(await send(there, parts.text).then(({ code, line }) => [code, line]), [code, 1], parts.text)
    assert.equal(await there.sql('chat', `SELECT count(*) FROM room WHERE id = '${parts.room}'`), '0')
  }
  await readIn(there, two(['a', 'b']).text)
  for (const person of [olga, max, other, again]) person.leaves()
})
