// r_mattermost - what Mattermost exported is read in: its channels are rooms here, with who said what and when, by users who are known here and by names.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Person, request } from '../lib/people.mjs'
import { bin, root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const exported = join(root, 'tests/lib/mattermost.jsonl')
let stack, key, admin
before(async () => {
  stack = await startStack()
  key = await stack.issueKey({ more: ['--act-as-users'] })
  admin = await stack.issueKey({ name: 'admin', policy: 'admin' })
})
after(() => stack?.stop())

const arrives = name => Person.arrives(stack, key, name, { reconnection: false })
const ctl = async (...words) => {
  const { status, out, err } = await stack.madangctl(...words)
  assert.equal(status, 0, err)
  return out
}
const linesOf = text => text.split('\n').slice(0, -1).map(line => JSON.parse(line))
/** The rooms of an export, each by its name, with its file. */
async function roomsOf(file, to, ...words) {
  const made = JSON.parse(await ctl('mattermost', 'rooms', file, '--to', to, ...words, '--json'))
  return made.rooms.map(room => ({ ...room, file: join(to, `${room.room}.ndjson`) }))
}
const said = text => linesOf(text).filter(line => 'entry' in line || 'member' in line || 'begin' in line)
async function taken(room) {
  const answer = await request(stack, 'GET', `/api/v1/admin/rooms/${room}/export?reason=moving`, { token: admin })
  assert.equal(answer.status, 200, answer.text)
  return answer.text
}

test('channels, direct ones too, become rooms in which everything has its sender, its time and its place; read in again nothing changes', { timeout: 180000 }, async () => {
  const people = join(stack.dir, 'people.ndjson'), to = join(stack.dir, 'rooms')
  const users = (await ctl('mattermost', 'people', exported)).split('\n').filter(Boolean).map(line => JSON.parse(line))
  assert.deepEqual(users.map(({ nickname, name, locale }) => [nickname, name, locale]), [['ada', 'Ada Lovelace', 'en'], ['minsu', '민수', 'ko'], ['jiyoung', '지영', 'ko']])
  writeFileSync(people, users.slice(0, 2).map(user => `${JSON.stringify(user)}\n`).join('')) // jiyoung is to be no user
  await stack.authctl('user', 'import', people)
  const [{ id: ada }, { id: minsu }] = users, jiyoung = 'mattermost:jiyoung'
  const rooms = await roomsOf(exported, to, '--people', people)
  for (const { room, file, entries } of rooms) assert.equal(await ctl('room', 'import', file), `Room ${room} is there, with ${entries} entries of the file.\n`)
  for (const { room, file } of rooms) assert.deepEqual(said(await taken(room)), said(readFileSync(file, 'utf8')), file)

  const [square, design, , two, three] = rooms
  assert.deepEqual(rooms.map(({ kind, name }) => [kind, name]), [['open', '광장'], ['closed', 'Design "inner" circle'], ['open', 'Town Square'], ['direct', ''], ['closed', 'ada, minsu, jiyoung'], ['direct', '']])
  const her = await arrives(ada), him = await arrives(minsu)
  const mine = async person => (await person.rest('GET', '/api/v1/rooms')).json.data.rooms
  await until('she has her rooms', async () => (await mine(her)).length === 6)
  const view = async room => (await her.rest('GET', `/api/v1/rooms/${room}/messages?limit=200`)).json.data.messages
  const [early, hello, ...more] = (await view(square.room)).filter(({ kind }) => !kind)
  assert.deepEqual([early.sender, early.body, early.at, early.edited_at, early.meta], [ada, 'Good morning, said before and written later', 1577836803000, 1577836804000, { disable_group_highlight: true }])
  assert.deepEqual([hello.sender, hello.body, hello.at], [minsu, '안녕하세요, 여러분! 오늘 회의는 세 시입니다.', 1577836805000])
  assert.deepEqual(hello.reactions.map(({ emoji, count }) => [emoji, count]), [[':+1:', 1], [':heart:', 1]])
  assert.deepEqual(more.map(({ body, thread }) => [body, thread]), [['I will be "late"\nsorry', hello.seq], ['네, 알겠습니다', hello.seq], ['Build is green', undefined], ['', undefined], ['/me waves', undefined]])
  assert.deepEqual((await her.rest('GET', `/api/v1/rooms/${square.room}/pins`)).json.data.messages.map(({ seq }) => seq), [hello.seq])
  assert.deepEqual((await view(square.room)).filter(({ kind }) => kind).map(({ kind, sender, body }) => [kind, sender, body]), [['member:join', ada, ''], ['member:add', minsu, jiyoung],
    ['member:leave', 'mattermost:former', ''], ['member:remove', minsu, 'mattermost:former']])
  assert.deepEqual((await view(design.room)).filter(({ kind }) => !kind).map(({ body }) => body.length), [10000, 22, 11])
  const roles = async room => Object.fromEntries((await her.rest('GET', `/api/v1/rooms/${room}/members`)).json.data.members.map(({ subject, role }) => [subject, role]))
  assert.deepEqual(await roles(square.room), { [ada]: 'member', [minsu]: 'owner', [jiyoung]: 'member', 'mattermost:former': 'member' })
  assert.deepEqual(await roles(design.room), { [ada]: 'owner', [minsu]: 'member', [jiyoung]: 'member' })
  assert.deepEqual([Object.keys(await roles(three.room)).length, (await mine(her)).filter(({ archived_at }) => archived_at > 0).map(({ name }) => name)], [3, ['Town Square']])

  // The direct one is the room of these two, where they go on.
  assert.equal((await him.calls('room:direct', { subject: ada })).id, two.room)
  await him.joins(two.room)
  const id = randomUUID()
  assert.equal(await until('she writes there', async () => (await her.emits('message:send', { room: two.room, id, body: 'so we go on here' })).seq), 5)
  await him.hears('so we go on here')
  await until('old words are found', async () => (await her.rest('GET', `/api/v1/search?q=${encodeURIComponent('회의')}`)).json.data.found.some(({ message }) => message.seq === hello.seq))

  // The same export becomes the same files, which change nothing.
  const again = await roomsOf(exported, join(stack.dir, 'again'), '--people', people)
  for (const [i, { file }] of again.entries()) assert.equal(readFileSync(file, 'utf8'), readFileSync(rooms[i].file, 'utf8'))
  const now = await taken(two.room)
  for (const { file } of again) await ctl('room', 'import', file)
  assert.equal(await taken(two.room), now)
  for (const person of [her, him]) person.leaves()
})

/** A channel in which much was said, whose lines come in no order. */
function aLongOne(n) {
  const name = randomUUID(), line = (type, more) => `${JSON.stringify({ type, ...more })}\n`
  const posts = Array.from({ length: n }, (_, i) => line('post', { post: { team: 't', channel: name, user: `u${i % 7}`, message: `word ${i} ${'말'.repeat(i % 90)}`, create_at: 1600000000000 + 10 * i,
    replies: i % 5 ? null : [{ user: 'u1', message: `answer to ${i}`, create_at: 1600000000000 + 10 * i + 10000 }], reactions: i % 3 ? [] : [{ user: 'u2', emoji_name: '+1', create_at: 1600000000005 + 10 * i }] } }))
  posts.sort((a, b) => a.length - b.length)
  const file = join(stack.dir, `${name}.jsonl`)
  writeFileSync(file, line('version', { version: 1 }) + line('channel', { channel: { team: 't', name, display_name: name, type: 'P' } }) +
    line('user', { user: { username: 'u1', teams: [{ name: 't', channels: [{ name, roles: 'channel_user' }] }] } }) + posts.join(''))
  return { file, name }
}

test('a long file is read in by the command line whoever is killed meanwhile, goes on behind a mark, and says where it is wrong', { timeout: 300000 }, async () => {
  const N = 3000, { file } = aLongOne(N), to = join(stack.dir, randomUUID())
  const [{ room, entries, file: lines }] = await roomsOf(file, to)
  assert.equal(entries, N + N / 5 + N / 3)
  const text = readFileSync(lines, 'utf8'), rows = text.split('\n').slice(0, -1), marks = rows.flatMap((row, i) => row.startsWith('{"mark":') ? [i] : [])
  assert.ok(marks.length > 10, `${marks.length} marks`)
  const all = linesOf(text).flatMap(({ entry }) => entry ?? [])
  assert.deepEqual(all.map(({ seq }) => seq), Array.from({ length: entries }, (_, i) => i + 1))
  assert.ok(all.every(({ at }, i) => i === 0 || at >= all[i - 1].at))
  const roots = all.filter(({ thread }) => thread)
  assert.equal(roots.length, N / 5)
  for (const reply of roots) assert.equal(all[reply.thread - 1].body.split(' ')[1], reply.body.split(' ')[2])

  // Its lines come through a pipe: the store dies when half of them are there.
  const child = spawn('chpst', ['-e', join(stack.dir, 'env/operator'), join(bin, 'madangctl'), 'room', 'import', '-'], { cwd: root })
  let err = ''
  child.stderr.on('data', chunk => { err += chunk })
  const ended = new Promise(resolve => child.on('close', resolve))
  const half = rows.slice(0, marks[marks.length >> 1] + 2).map(row => `${row}\n`).join('')
  const head = async () => Number(await stack.sql('store', `SELECT coalesce(max(seq), 0) FROM room_head WHERE room_id = '${room}'`))
  child.stdin.write(half)
  await until('half of it is there', async () => await head() > 500, 60000)
  const killed = Promise.all(['store', 'chat'].map(name => stack.kill(name)))
  child.stdin.end(text.slice(half.length))
  await killed
  let status = await ended
  while (status === 3) { // they were away for longer than it waits: it has said where it goes on
    const after = /; it goes on with --after (\S+)\n/.exec(err)?.[1];
    ({ status, err } = await stack.madangctl('room', 'import', lines, ...(after ? ['--after', after] : [])))
  }
  assert.equal(status, 0, err)
  assert.deepEqual(said(await taken(room)), said(text))

  // Behind a mark; and where it is not as it was.
  const mark = JSON.parse(rows[marks[3]]).mark
  assert.equal(await ctl('room', 'import', lines, '--after', mark), `Room ${room} is there, with ${entries} entries of the file.\n`)
  const none = await stack.madangctl('room', 'import', lines, '--after', 'AAAA')
  assert.deepEqual([none.status, none.err], [1, `madangctl: not_found: line ${rows.length}: the file ends, and has no such mark\n`])
  const at = marks[2] + 5, other = join(to, 'other.ndjson')
  writeFileSync(other, rows.with(at, rows[at].replace('"body":"', '"body":"another ')).map(row => `${row}\n`).join(''))
  const wrong = await stack.madangctl('room', 'import', other)
  assert.deepEqual([wrong.status, /^madangctl: invalid_argument: line (\d+): /.exec(wrong.err)?.[1]], [1, String(marks[3] + 1)], wrong.err)
  writeFileSync(other, rows.slice(0, marks[3] + 1).map(row => `${row}\n`).join(''))
  assert.match((await stack.madangctl('room', 'import', other)).err, new RegExp(`^madangctl: invalid_argument: line ${marks[3] + 1}: .*not whole`))
  writeFileSync(other, 'x'.repeat(3 << 20))
  assert.match((await stack.madangctl('room', 'import', other)).err, /^madangctl: too_large: line 1: /)
  assert.deepEqual(said(await taken(room)), said(text))
  await until('it is in the audit', async () => (await stack.authctl('audit', 'list', '--target', room)).audit.filter(({ what }) => what === 'room.import').length === 1)
})

test('whoever is killed while files are made leaves no half of one, and the next time they are whole', { timeout: 60000 }, async () => {
  const { file } = aLongOne(4000), to = join(stack.dir, randomUUID()), whole = join(stack.dir, randomUUID())
  mkdirSync(to)
  const [{ file: lines }] = await roomsOf(file, whole)
  const child = spawn(join(bin, 'madangctl'), ['mattermost', 'rooms', '-', '--to', to], { env: { PATH: process.env.PATH } })
  child.stdin.on('error', () => undefined)
  child.stdin.write(readFileSync(file).subarray(0, 100000))
  const ended = new Promise(resolve => child.on('close', resolve))
  child.kill('SIGKILL')
  await ended
  assert.deepEqual(readdirSync(to).filter(name => name.endsWith('.ndjson')), [])
  const [{ file: made }] = await roomsOf(file, to)
  assert.equal(readFileSync(made, 'utf8'), readFileSync(lines, 'utf8'))
})
