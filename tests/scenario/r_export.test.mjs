// r_export - taking a room along: all of it as lines of JSON, to the byte the same however often it was cut off, for who may.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import https from 'node:https'
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { Person, request } from '../lib/people.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_AUTH_REGISTRATION: 'open' } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name, { reconnection: false })))
const say = (person, room, body, more = {}) => person.calls('message:send', { room, id: randomUUID(), body, ...more })

/** An export, as far as it came; `midway` runs once something is there, while nothing more is read. */
const take = ({ token }, room, { after, midway } = {}) => new Promise((resolve, reject) => {
  const path = `/api/v1/rooms/${room}/export${after ? `?after=${encodeURIComponent(after)}` : ''}`
  const req = https.get(stack.url + path, { ca: stack.ca, agent: false, headers: { authorization: `Bearer ${token}` } }, res => {
    const chunks = []
    let during = Promise.resolve() // it has an end of its own, when the connection is gone
    const done = () => during.then(() => {
      const text = Buffer.concat(chunks).toString()
      resolve({ status: res.statusCode, headers: res.headers, text, whole: res.complete, error: res.statusCode === 200 ? undefined : JSON.parse(text).error })
    }, reject)
    res.on('data', chunk => {
      chunks.push(chunk)
      if (!midway || res.statusCode !== 200) return
      during = midway()
      midway = undefined
      res.pause()
      during.then(() => res.resume(), reject)
    })
    res.on('end', done)
    res.on('error', done)
  })
  req.on('error', reject)
})
const wholeOf = async (person, room, more) => {
  const taken = await take(person, room, more)
  assert.deepEqual([taken.status, taken.whole], [200, true], taken.text.slice(0, 500))
  return taken.text
}

const linesOf = text => text.split('\n').slice(0, -1).map(line => JSON.parse(line))
const of = (kind, lines) => lines.filter(line => kind in line).map(line => line[kind])
/** As docs/export.md says how whoever has a file sees that nothing of it is missing or another. */
function check(text) {
  let hash = Buffer.alloc(32), part = '', entries = 0
  for (const line of text.split('\n').slice(0, -1)) {
    const said = JSON.parse(line)
    if ('entry' in said) entries++
    if (!('mark' in said) && !('end' in said)) { part += `${line}\n`; continue }
    hash = createHash('sha256').update(hash).update(part).digest()
    part = ''
    if (!('end' in said)) continue
    assert.deepEqual(said.end, { entries, hash: hash.toString('hex') })
    return
  }
  assert.fail('there is no end')
}
/** What of a file that was cut off is kept, and where it goes on. */
function upToMark(text) {
  const lines = text.split('\n').slice(0, -1), last = lines.findLastIndex(line => line.startsWith('{"mark"'))
  return { kept: lines.slice(0, last + 1).map(line => `${line}\n`).join(''), after: last < 0 ? undefined : JSON.parse(lines[last]).mark }
}

/** So many messages of `size` bytes, as the store would have written them: under the lock of the room's head. */
const fill = (room, n, size) => stack.sql('store', `BEGIN; SELECT FROM room_head WHERE room_id = '${room}' FOR UPDATE;
  INSERT INTO message (room_id, seq, id, sender, body, at) SELECT '${room}', h.seq + n, 'filled-' || (h.seq + n), 'max', repeat('y', ${size}), now()
    FROM room_head h, generate_series(1, ${n}) n WHERE h.room_id = '${room}';
  UPDATE room_head SET seq = seq + ${n} WHERE room_id = '${room}'; COMMIT`)
/** A room of olga's with max in it, with more in it than lies between a gateway and a client that does not read: 16 MB. */
async function aLargeRoom() {
  const [olga, max] = await arrive('olga', 'max')
  const { id: room } = await olga.makesRoom({ open: false, members: ['max'] })
  await say(max, room, 'the first one')
  await fill(room, 4000, 4000)
  return { olga, max, room, leave: () => [olga, max].forEach(person => person.leaves()) }
}
async function aMedium(person, name) {
  const raw = `--b\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n${randomUUID()}\r\n--b--\r\n`
  const answer = await request(stack, 'POST', '/api/v1/media', { token: person.token, raw: Buffer.from(raw), headers: { 'content-type': 'multipart/form-data; boundary=b' } })
  assert.equal(answer.status, 201, answer.text)
  return answer.json.data
}

test('an export has the room, its members by name, and every entry as it is in the log', async () => {
  const call = async (path, body) => (await request(stack, 'POST', `/api/v1/auth/${path}`, { body })).json.data
  const mail = { email: 'uma@example.org', password: 'only Uma knows this' }
  const { user } = await call('register', { ...mail, nickname: 'uma', name: 'Uma U' })
  const uma = await Person.arrives(stack, key, 'uma', { token: (await call('login', mail)).access_token })
  const [olga, max] = await arrive('olga', 'max')
  await until('the store knows uma', async () => await stack.sql('store', `SELECT count(*) FROM directory WHERE subject = '${user.id}'`) === '1')
  const { id: room } = await olga.makesRoom({ open: false, name: 'the yard', topic: 'a "topic"\n', members: ['max', user.id], lines: true })
  await max.joins(room)
  const [shown, replaced] = [await aMedium(max, 'plan.txt'), await aMedium(max, 'old plan.txt')]
  const first = await say(uma, room, 'a first one "with" \\ and \u0001 and 안녕', { meta: { n: 1e3, deep: [1, { a: null }] } })
  const media = await say(max, room, 'look', { attachments: [replaced.id] })
  await max.calls('message:edit', { room, seq: media.seq, id: randomUUID(), body: 'look here', attachments: [shown.id] })
  const gone = await say(max, room, 'words that were deleted')
  await max.calls('message:edit', { room, seq: gone.seq, id: randomUUID(), body: 'words that were deleted, too' })
  await max.calls('message:delete', { room, seq: gone.seq })
  const reply = await say(olga, room, 'an answer', { thread: first.seq })
  await max.calls('reaction:add', { room, seq: first.seq, emoji: '🦕' })
  await max.calls('reaction:remove', { room, seq: first.seq, emoji: '🦕' })
  await olga.calls('pin:add', { room, seq: first.seq })
  await olga.calls('member:role', { room, member: 'max', role: 'admin' })
  await max.hearsEvent('entry')
  await until('the line is in the log', async () => await stack.sql('store', `SELECT count(*) FROM message WHERE room_id = '${room}' AND kind = 'member:role'`) === '1')

  await olga.calls('room:update', { room, receipts: 'no', slow_s: 30 })
  const answer = await take(olga, room), lines = linesOf(answer.text)
  assert.deepEqual([answer.status, answer.whole, answer.headers['content-type'], answer.headers['cache-control']], [200, true, 'application/x-ndjson', 'no-store'])
  assert.ok(lines.every(line => Object.keys(line).length === 1))
  const [begin] = of('begin', lines), entries = of('entry', lines)
  assert.deepEqual(lines[0], { begin })
  assert.deepEqual([begin.format, begin.version, begin.after, begin.head], ['madang-room', 1, 0, entries.length])
  const { created_at, ...settings } = begin.room
  assert.ok(created_at > 0)
  assert.deepEqual(settings, { id: room, name: 'the yard', topic: 'a "topic"\n', created_by: 'olga', open: false, knocks: false, listed: false, lines: true, writes: 'member', invites: 'admin', history: 'all', receipts: 'no', slow_s: 30 })
  assert.deepEqual(of('person', lines), [{ id: user.id, nickname: 'uma', name: 'Uma U' }])
  assert.deepEqual(of('member', lines).map(({ subject, role }) => [subject, role]), [[user.id, 'member'], ['max', 'admin'], ['olga', 'owner']])
  assert.deepEqual(of('medium', lines), [{ id: shown.id, name: 'plan.txt', type: shown.type, size: shown.size }])
  assert.deepEqual(entries.map(entry => entry.seq), entries.map((_, i) => i + 1))
  assert.deepEqual(entries.map(({ kind }) => kind), [undefined, undefined, 'message:edit', undefined, 'message:edit', 'message:delete', undefined, 'reaction:add', 'reaction:remove', 'pin:add', 'member:role'])
  const { at, id } = first
  assert.deepEqual(entries[0], { seq: 1, id, sender: user.id, at, body: 'a first one "with" \\ and \u0001 and 안녕', meta: { n: 1e3, deep: [1, { a: null }] } })
  assert.deepEqual([entries[1].attachments, entries[2].target, entries[2].body, entries[2].attachments], [[replaced.id], media.seq, 'look here', [shown.id]])
  assert.deepEqual([3, 4, 5].map(i => [entries[i].target, entries[i].body]), [[undefined, ''], [gone.seq, ''], [gone.seq, '']], 'a deleted message is a place')
  assert.deepEqual([entries[6].thread, entries[6].seq, entries[7].body, entries[10].body], [first.seq, reply.seq, '🦕', 'max'])
  assert.doesNotMatch(answer.text, /words that were deleted|old plan/)
  check(answer.text)
  assert.throws(() => check(answer.text.replace('an answer', 'another answer')))
  assert.throws(() => check(answer.text.replace(/\{"end".*\n/, '')))

  // It is of the room, not of who asks; and what they hide from themselves is theirs.
  await olga.calls('message:hide', { room, seq: first.seq })
  for (const person of [olga, max]) assert.equal(await wholeOf(person, room), answer.text)
  await olga.calls('room:archive', { room })
  assert.ok(of('begin', linesOf(await wholeOf(olga, room)))[0].room.archived_at > 0)
  for (const person of [olga, max, uma]) person.leaves()
})

test('owners and admins take a room along, and nobody else does', async () => {
  const [olga, max, zoe] = await arrive('olga', 'max', 'zoe')
  const { id: room } = await olga.makesRoom({ open: true, members: ['max'] })
  await say(max, room, 'a word')
  const code = async (person, where = room) => (await take(person, where)).error?.code ?? 'ok'
  for (const [role, may] of [['read_only', 'forbidden'], ['moderator', 'forbidden'], ['admin', 'ok'], ['member', 'forbidden']]) {
    await olga.calls('member:role', { room, member: 'max', role })
    assert.deepEqual([role, await code(max)], [role, may])
  }
  assert.deepEqual([await code(olga), await code(zoe), await code(olga, randomUUID())], ['ok', 'forbidden', 'not_found'])
  assert.ok((await olga.calls('room:get', { room })).can.includes('export'))
  const mark = await take(olga, room, { after: 'nobody-said-this' })
  assert.deepEqual([mark.status, mark.error.code], [400, 'invalid_argument'])
  for (const person of [olga, max, zoe]) person.leaves()
})

test('who came late to a room takes along what they read of it, and not a word of what was before', async () => {
  const [olga, max, zoe] = await arrive('olga', 'max', 'zoe')
  const { id: room } = await olga.makesRoom({ open: false, history: 'joining', members: ['max'] })
  const old = await say(max, room, 'a secret of before')
  await say(olga, room, 'another one of before')
  await olga.calls('room:invite', { room, members: ['zoe'] })
  await olga.calls('member:role', { room, member: 'zoe', role: 'admin' })
  await max.calls('message:edit', { room, seq: old.seq, id: randomUUID(), body: 'a secret of before, in other words' })
  const said = await say(max, room, 'a word of now')
  const mine = linesOf(await wholeOf(zoe, room)), entries = of('entry', mine)
  assert.deepEqual([of('begin', mine)[0].after, entries.map(({ seq }) => seq)], [2, [3, said.seq]])
  assert.deepEqual([entries[0].kind, entries[0].body], ['message:edit', ''])
  assert.doesNotMatch(JSON.stringify(mine), /before/)
  assert.match(await wholeOf(olga, room), /a secret of before, in other words/)
  for (const person of [olga, max, zoe]) person.leaves()
})

test('from each mark on an export goes on with exactly what is missing', { timeout: 120000 }, async () => {
  const [olga] = await arrive('olga')
  const names = Array.from({ length: 450 }, (_, i) => `member ${i}`)
  const { id: room } = await olga.makesRoom({ open: false })
  for (let i = 0; i < names.length; i += 50) await olga.calls('room:invite', { room, members: names.slice(i, i + 50) })
  await say(olga, room, 'the first one')
  await fill(room, 600, 20)
  await fill(room, 100, 4000) // a part has so many entries, or so many bytes
  const whole = await wholeOf(olga, room), lines = linesOf(whole)
  check(whole)
  assert.deepEqual(of('member', lines).map(({ subject }) => subject), [...names, 'olga'].sort())
  assert.deepEqual(of('entry', lines).map(({ seq }) => seq), Array.from({ length: 701 }, (_, i) => i + 1))
  const marks = of('mark', lines)
  assert.ok(marks.length >= 7, `${marks.length} marks`)
  for (const after of marks) {
    const { kept } = upToMark(whole.slice(0, whole.indexOf(after) + after.length + 3))
    assert.equal(kept + await wholeOf(olga, room, { after }), whole)
  }
  olga.leaves()
})

test('an export ends with what was the newest when it began, and what was killed meanwhile changes no byte of it', { timeout: 180000 }, async () => {
  const { olga, max, room, leave } = await aLargeRoom()
  const whole = await wholeOf(olga, room)
  check(whole)
  assert.equal(of('end', linesOf(whole))[0].entries, 4001)

  // A service that dies between two parts is asked for the next one when it is there again.
  const head = 4001
  const said = await take(olga, room, { midway: async () => {
    await say(max, room, 'said meanwhile')
    for (const service of ['store', 'chat']) await stack.kill(service)
    await stack.ready()
  } })
  assert.deepEqual([said.whole, said.text === whole, of('begin', linesOf(said.text))[0].head], [true, true, head])
  assert.match(await wholeOf(olga, room), /said meanwhile/)

  // A gateway that dies takes the connection with it, a store that stands still is given up: what is there has a mark behind which it goes on.
  const stops = {
    'gateway-1': async () => { await stack.kill('gateway-1'); await stack.ready() },
    store: async () => process.kill(stack.pid('store'), 'SIGSTOP'),
  }
  let text = '', after, begun = await take(olga, room, { midway: stops['gateway-1'] })
  for (const stop of [stops.store, undefined]) {
    assert.equal(begun.whole, false)
    const { kept, after: mark } = upToMark(begun.text)
    text += kept
    after = mark ?? after
    begun = await take(olga, room, { after, midway: stop })
    if (stop) process.kill(stack.pid('store'), 'SIGCONT')
  }
  assert.equal(begun.whole, true)
  text += begun.text
  check(text)
  assert.equal(of('entry', linesOf(text)).length, head + 1)
  assert.equal(text, await wholeOf(olga, room))
  leave()
})

test('the script of the docs takes a room along while its gateway is killed, and the other one sees whether a file is whole', { timeout: 120000 }, async () => {
  const { olga, room, leave } = await aLargeRoom(), run = promisify(execFile)
  const script = language => readFileSync(join(root, 'docs/export.md'), 'utf8').split(`\`\`\`${language}\n`)[1].split('```')[0]
  const file = join(stack.dir, 'room.ndjson'), checker = join(stack.dir, 'check.py')
  writeFileSync(checker, script('python'))
  writeFileSync(join(stack.dir, '.curlrc'), 'limit-rate = 4M\n')
  const env = { PATH: process.env.PATH, CURL_HOME: stack.dir, URL: stack.url, CA: join(stack.dir, 'tls/ca.crt'), TOKEN: olga.token }
  const takes = (where, to) => run('bash', ['-c', `${script('sh')} take ${where} ${to}`], { env })
  const taken = takes(room, file)
  await until('something has come', () => existsSync(file) && statSync(file).size > 1 << 20)
  await stack.kill('gateway-1')
  await taken
  assert.equal(readFileSync(file, 'utf8'), await wholeOf(olga, room))
  await run('python3', [checker, file])
  await assert.rejects(takes(randomUUID(), join(stack.dir, 'nothing.ndjson')), 'what is refused is not asked for again')
  const text = readFileSync(file, 'utf8')
  for (const broken of [text.replace('yyyy', 'yyxy'), text.slice(0, text.lastIndexOf('{"end"')), text.replace(/\{"entry":.*\n/, '')]) {
    writeFileSync(file, broken)
    await assert.rejects(run('python3', [checker, file]))
  }
  leave()
})

test('a client that does not read holds no transaction and a part, and one has so many at once', { timeout: 120000 }, async () => {
  const { olga, room, leave } = await aLargeRoom()
  const held = () => stack.metric(1, 'madang_gateway_held_bytes', 'by="all"')
  const idle = await held()
  let release
  const reading = new Promise(resolve => { release = resolve })
  const begun = [], flows = Array.from({ length: 4 }, () => new Promise(resolve => begun.push(resolve)))
  const taken = begun.map(begin => take(olga, room, { midway: () => { begin(); return reading } }))
  await Promise.all(flows)
  const fifth = await take(olga, room)
  assert.deepEqual([fifth.status, fifth.error.code], [503, 'overloaded'])
  assert.ok(Number(fifth.headers['retry-after']) > 0)
  await until('no transaction is open', async () => await stack.sql('store', "SELECT count(*) FROM pg_stat_activity WHERE usename = 'madang_store' AND pid <> pg_backend_pid() AND xact_start IS NOT NULL") === '0')
  const now = await held()
  assert.ok(now - idle < 4 * (2 << 20), `${idle} -> ${now}`)
  release()
  for (const { whole, text } of await Promise.all(taken)) {
    assert.equal(whole, true)
    check(text)
  }
  assert.equal((await take(olga, room)).status, 200)
  leave()
})

test('who may no more, or ends their session, gets no further part', { timeout: 120000 }, async () => {
  const { olga, max, room, leave } = await aLargeRoom()
  await olga.calls('member:role', { room, member: 'max', role: 'admin' })
  const taken = await take(max, room, { midway: () => olga.calls('member:role', { room, member: 'max', role: 'member' }) })
  assert.equal(taken.whole, false)
  assert.deepEqual(of('end', linesOf(upToMark(taken.text).kept)), [])
  assert.equal((await take(max, room, { after: upToMark(taken.text).after })).error.code, 'forbidden')

  const other = await stack.issueKey({ name: 'another' }), cut = await Person.arrives(stack, other, 'olga', { reconnection: false })
  const ended = await take(cut, room, { midway: async () => {
    await stack.authctl('key', 'revoke', other.split('_')[1])
    await until('the gateway knows', async () => (await cut.rest('GET', '/api/v1/rooms')).status === 401)
  } })
  assert.equal(ended.whole, false)
  cut.leaves()
  leave()
})
