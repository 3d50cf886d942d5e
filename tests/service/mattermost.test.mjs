// mattermost.test.mjs - what becomes of Mattermost's export before anybody reads it in: its files, what is left out, and what is no export.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url)))), bin = join(root, process.env.BIN ?? 'build/bin')
const own = mkdtempSync(join(tmpdir(), 'mattermost-')), exported = readFileSync(join(root, 'tests/lib/mattermost.jsonl'), 'utf8')
after(() => rmSync(own, { recursive: true, force: true }))

let n = 0
const run = (input, ...words) => {
  const r = spawnSync(join(bin, 'madangctl'), ['mattermost', ...words], { env: { PATH: process.env.PATH }, input, encoding: 'utf8', maxBuffer: 64 << 20 })
  return { status: r.status, out: r.stdout, err: r.stderr }
}
/** The rooms that come of an export: what is said of them, and the lines of each. */
function rooms(text, ...words) {
  const to = join(own, String(++n)), { status, out, err } = run(text, 'rooms', '-', '--to', to, '--json', ...words)
  assert.equal(status, 0, err)
  const made = JSON.parse(out), texts = made.rooms.map(({ room }) => readFileSync(join(to, `${room}.ndjson`), 'utf8'))
  assert.deepEqual(readdirSync(to).sort(), made.rooms.map(({ room }) => `${room}.ndjson`).sort())
  return { ...made, texts, lines: texts.map(linesOf) }
}
const linesOf = text => text.split('\n').slice(0, -1).map(line => JSON.parse(line))
const of = (kind, lines) => lines.flatMap(line => line[kind] ?? [])
const line = (type, more) => `${JSON.stringify({ type, ...more })}\n`
const version = line('version', { version: 1 }), channel = (more = {}) => line('channel', { channel: { team: 't', name: 'c', display_name: 'C', type: 'O', ...more } })
const post = (more = {}) => line('post', { post: { team: 't', channel: 'c', user: 'ada', message: 'hello', create_at: 1000, ...more } })

/** As docs/export.md says it is seen whether a file is whole. */
function isWhole(text) {
  let before = Buffer.alloc(32), hash = createHash('sha256').update(before), entries = 0, said
  for (const row of text.split('\n').slice(0, -1)) {
    said = JSON.parse(row)
    entries += 'entry' in said
    if ('mark' in said || 'end' in said) {
      before = hash.digest()
      hash = createHash('sha256').update(before)
    } else hash.update(`${row}\n`)
  }
  assert.deepEqual(said.end, { entries, hash: before.toString('hex') })
}

test('each of its lines becomes part of a room, or is counted among what is left out', () => {
  const made = rooms(exported)
  assert.deepEqual(made.left_out, { lines: 6, system: 1, deleted: 1, empty: 1, elsewhere: 2, alone: 2, memberships: 1, emoji: 1, files: 2, props: 1, saves: 2, headers: 1 })
  assert.deepEqual(made.rooms.map(({ kind, members, entries, name }) => [kind, members, entries, name]), [['open', 4, 17, '광장'], ['closed', 3, 4, 'Design "inner" circle'], ['open', 2, 0, 'Town Square'],
    ['direct', 2, 4, ''], ['closed', 3, 2, 'ada, minsu, jiyoung'], ['direct', 2, 1, '']])
  for (const text of made.texts) isWhole(text)
  assert.deepEqual(of('medium', made.lines[0]).map(({ name, type }) => [name, type]), [['그림 하나.png', 'image/png'], ['notes.txt', 'text/plain']])
  const shown = run(exported, 'rooms', '-', '--to', join(own, 'shown'))
  assert.match(shown.out, /^ROOM .*\n[0-9a-f-]{36} {2}open +4 +17 +광장\n/)
  assert.match(shown.err, /^Left out: 6 lines of other kinds[^]*Left out: 1 posts that were deleted\n/)
  assert.match(run(exported, 'people', '-').err, /^Left out: 1 who were deactivated\nLeft out: 1 whose names have more than 32 characters\n$/)
})

test('a room has the order of its times, whatever order the lines have; what is said of a message is never before it', () => {
  const lines = exported.split('\n').slice(0, -1), is = (...types) => row => types.includes(JSON.parse(row).type)
  const turned = [...lines.filter(row => !is('post', 'direct_post')(row)), ...lines.filter(is('post', 'direct_post')).reverse()].map(row => `${row}\n`).join('')
  const one = rooms(exported), other = rooms(turned)
  const sorted = made => made.lines.map(all => JSON.stringify([of('begin', all), of('entry', all).map(({ at, sender, body, kind }) => [at, sender, body, kind])])).sort()
  assert.deepEqual(sorted(other), sorted(one))
  const { lines: [early] } = rooms(version + channel() + post({ create_at: 5000, replies: [{ user: 'max', message: 'before', create_at: 3000 }], reactions: [{ user: 'max', emoji_name: 'eyes', create_at: 4000 }] }) + post({ message: 'between', create_at: 4500 }))
  assert.deepEqual(of('entry', early).map(({ seq, at, body, target, thread }) => [seq, at, body, target ?? thread]), [[1, 4500, 'between', undefined], [2, 5000, 'hello', undefined], [3, 4000, ':eyes:', 2], [4, 3000, 'before', 2]])
})

test('the same export becomes the same files, to the byte, and another name of it other ids', () => {
  const one = rooms(exported), again = rooms(exported), other = rooms(exported, '--as', 'other')
  assert.deepEqual(again, one)
  assert.deepEqual(one.rooms.filter(({ room }) => other.rooms.some(({ room: id }) => id === room)), [])
  assert.deepEqual(of('member', other.lines[3]).map(({ subject }) => subject), ['other:ada', 'other:minsu'])
  const people = join(own, 'people.ndjson'), id = '01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2'
  writeFileSync(people, `${JSON.stringify({ id, nickname: 'minsu' })}\n`)
  const mapped = rooms(exported, '--people', people)
  assert.deepEqual(of('member', mapped.lines[3]).map(({ subject }) => subject), [id, 'mattermost:ada'])
  assert.deepEqual(mapped.lines[3][0].begin.room.two, [id, 'mattermost:ada'])
  for (const bad of ['{}', '{"nickname":"minsu"}', 'none']) {
    writeFileSync(people, `${bad}\n`)
    const { status, err } = run(exported, 'rooms', '-', '--to', join(own, 'bad'), '--people', people)
    assert.deepEqual([status, /^madangctl: invalid_argument: --people, line 1: /.test(err)], [1, true], err)
  }
})

test('much in one room comes in parts that end with marks; a post with thousands of answers, too', () => {
  const replies = Array.from({ length: 5000 }, (_, i) => ({ user: `user${i % 300}`, message: `answer ${i}`, create_at: 2000 + i }))
  const users = Array.from({ length: 450 }, (_, i) => line('user', { user: { username: `member${i}`, teams: [{ name: 't', channels: [{ name: 'c', roles: i === 7 ? 'channel_user channel_admin' : 'channel_user' }] }] } })).join('')
  const files = Array.from({ length: 400 }, (_, i) => post({ message: '', create_at: 9000 + i, attachments: Array.from({ length: 10 }, (__, k) => ({ path: `${i}/${k}.png` })) })).join('')
  const { lines: [all], texts: [text] } = rooms(version + channel() + users + post({ replies }) + files)
  isWhole(text)
  assert.deepEqual([of('member', all).length, of('member', all).filter(({ role }) => role === 'owner').map(({ subject }) => subject), of('entry', all).length, of('medium', all).length], [450, ['mattermost:member7'], 5401, 4000])
  for (let i = 0, n = 0; i < all.length; i++) {
    n = 'mark' in all[i] ? 0 : n + 1
    assert.ok(n < 1000, 'a part is as long as one may be')
  }
  assert.ok(of('entry', all).every(({ seq, thread }) => seq === 1 || seq > 5001 || thread === 1))
})

test('what is no export, or a line of one that says what cannot be, is refused by its number, and no file is made', () => {
  const after = text => version + channel() + text
  for (const [at, text] of [[1, ''], [1, 'none\n'], [1, channel()], [1, line('version', { version: 2 })], [1, '\n'], [2, version + version], [2, `${version}[]\n`], [2, `${version}{}\n`], [2, `${version}{"type":"post","type":"post"}\n`],
    [2, version + channel({ type: 'X' })], [2, version + channel({ name: '' })], [2, version + channel({ name: 'x'.repeat(101) })], [2, version + line('user', { user: {} })], [2, version + line('post', {})],
    [3, after(post({ user: null }))], [3, after(post({ create_at: null }))], [3, after(post({ create_at: '1' }))], [3, after(post({ create_at: -1 }))], [3, after(post({ message: 5 }))], [3, after(post({ replies: {} }))],
    [3, after(post({ replies: [{ user: 'ada' }] }))], [3, after(post({ replies: [1] }))], [3, after(post({ reactions: [{ user: 'ada', create_at: 1 }] }))], [3, after(post({ attachments: [{}] }))],
    [3, after(line('direct_post', { direct_post: { channel_members: Array(101).fill('ada'), user: 'ada', message: 'x', create_at: 1 } }))], [3, after(line('direct_channel', { direct_channel: { members: null } }))],
    [3, after(line('direct_post', { direct_post: { channel_members: [], user: 'ada', message: 'x', create_at: 1 } }))], [3, after(`${post().slice(0, -2)}\n`)]]) {
    const to = join(own, `no${++n}`), { status, err } = run(text, 'rooms', '-', '--to', to)
    const said = /^madangctl: invalid_argument: line (\d+): /.exec(err)?.[1]
    assert.deepEqual([status, Number(said)], [1, text === '' ? 0 : at], `${text}: ${err}`)
    assert.deepEqual(readdirSync(to), [], text)
  }
  for (const words of [['rooms', '-'], ['rooms', '-', '--to', own, '--as', 'A'], ['rooms', '/nonexistent/file', '--to', own], ['rooms', '-', '--to', '/nonexistent/dir/of'], ['people', '/nonexistent/file']]) assert.equal(run(exported, ...words).status, 2, words.join(' '))
})
