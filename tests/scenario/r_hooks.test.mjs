// r_hooks - programs post to a room by a URL: durable, once, signed as the hook, as often as it may, and by a URL that is nowhere to be read.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { Person, request } from '../lib/people.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { pause, until } from '../lib/wait.mjs'

const PER_MINUTE = 40, OF_ROOM = 60, HOOKS = 3, LONG = 60000
let stack, key
before(async () => {
  stack = await startStack({
    gateways: 2, chats: 2,
    env: { MADANG_CHAT_HOOK_PER_MINUTE: String(PER_MINUTE), MADANG_CHAT_HOOKS_PER_MINUTE: String(OF_ROOM), MADANG_CHAT_HOOKS_MAX: String(HOOKS), MADANG_STORE_MESSAGE_CHARS: '1000' },
  })
  key = await stack.issueKey()
})
after(() => stack?.stop())

let n = 0
/** An owner and a member of a room, both listening. */
async function aRoom(more = {}) {
  const part = ++n, [owner, member] = await Promise.all(['owner', 'member'].map(name => Person.arrives(stack, key, `${name}-${part}`)))
  const { id: room } = await owner.makesRoom({ open: false, members: [member.name], ...more })
  await Promise.all([owner, member].map(person => person.joins(room)))
  return { room, owner, member, path: `/api/v1/rooms/${room}/hooks`, leaves: () => [owner, member].forEach(person => person.leaves()) }
}
const is = (answer, status, code) => {
  assert.deepEqual([answer.status, answer.json?.error?.code], [status, code], answer.text)
  return answer.json
}
const makes = async (at, more = {}) => is(await at.owner.rest('POST', at.path, { name: 'Build', ...more }), 201).data
const pathOf = ({ url }) => new URL(url).pathname
const posts = (hook, body, more = {}) => request(stack, 'POST', pathOf(hook), { body: typeof body === 'string' ? { text: body } : body, ...more })
const keyed = key => ({ headers: { 'idempotency-key': key } })
const sql = text => stack.sql('chat', text)
const audited = (room, ...what) => until('it is in the audit', async () => {
  const entries = (await stack.authctl('audit', 'list', '--target', room)).audit.filter(entry => entry.what.startsWith('hook.'))
  return what.every(one => entries.some(entry => entry.what === one)) && entries
}, LONG)

test('what a program posts is a message of the log that members hear, signed as the hook, and counted for them', { timeout: 60000 }, async () => {
  const at = await aRoom(), { room, owner, member } = at
  const hook = await makes(at, { avatar: 'https://ci.example.org/logo.png' })
  assert.match(hook.url, new RegExp(`^https://.*/hooks/${room}/[\\w-]{32}$`))
  const receipt = is(await posts(hook, '빌드 41 <b>&"'), 200)
  const { seq, id, at: when } = receipt
  assert.deepEqual(receipt, { ok: true, room, id, seq: 1, at: when })
  const heard = await member.hears('빌드 41 <b>&"')
  assert.deepEqual(heard, { room, seq, id, sender: `hook:${hook.id}`, body: '빌드 41 <b>&"', meta: { bot: { name: 'Build', avatar: 'https://ci.example.org/logo.png' } }, at: when })
  const [read] = await member.reads(room)
  assert.deepEqual([read.seq, read.sender, read.body, read.meta], [seq, heard.sender, heard.body, heard.meta])
  await until('it is to be read', async () => (await member.calls('room:list', {})).rooms.find(one => one.id === room)?.unread === 1, LONG)
  const found = await until('it is found', async () => (await member.calls('message:search', { q: '빌드 41', room })).found[0], LONG)
  assert.deepEqual([found.message?.sender ?? found.sender, found.message?.meta ?? found.meta], [heard.sender, heard.meta])

  // A thread, a reaction, and who moderates: as with any message; but nobody edits it.
  assert.equal((await member.calls('message:send', { room, id: randomUUID(), body: 'why?', thread: seq })).seq, 2)
  await member.calls('reaction:add', { room, seq, emoji: '👍' })
  await owner.isRefused('message:edit', { room, seq, id: randomUUID(), body: 'green' }, 'forbidden')
  assert.equal(await until('a reply is followed', async () => await sql(`SELECT count(*) FROM activity WHERE room_id = '${room}' AND seq >= 3`) === '1' && 'yes', LONG), 'yes')
  assert.equal(await sql(`SELECT count(*) FROM notification WHERE subject LIKE 'hook:%'`), '0')
  await owner.calls('message:delete', { room, seq })

  // It is renamed: what it has said stays signed as it was.
  is(await owner.rest('PATCH', `${at.path}/${hook.id}`, { name: 'CI', avatar: '' }), 200)
  const second = is(await posts(hook, 'renamed'), 200)
  assert.deepEqual((await member.hears('renamed')).meta, { bot: { name: 'CI' } })
  assert.equal((await member.reads(room)).find(one => one.seq === second.seq).sender, `hook:${hook.id}`)
  at.leaves()
})

test('a repeat with its key posts once, at either gateway, at once, and with store or chat killed meanwhile', { timeout: 240000 }, async () => {
  const at = await aRoom(), { room, member } = at, hook = await makes(at)
  const [first, ...rest] = await Promise.all(Array.from({ length: 8 }, (_, i) => posts(hook, `said ${i}`, keyed('one key'))))
  for (const one of rest) assert.deepEqual(is(one, 200), is(first, 200))
  assert.deepEqual([first.json.id, first.json.seq], ['one key', 1])
  const other = await makes(at)
  assert.equal(is(await posts(other, 'of another hook', keyed('one key')), 200).seq, 2)

  for (const victim of ['store', 'chat', 'chat-2']) {
    const answers = Array.from({ length: 10 }, async (_, i) => {
      for (;;) {
        const answer = await posts(i % 2 ? hook : other, `${victim} ${i}`, keyed(`${victim} ${i}`)).catch(() => undefined)
        if (answer?.status === 200) return answer.json
        assert.ok(!answer || answer.status >= 500, answer?.text)
        await pause(100)
      }
    })
    await Promise.race(answers)
    await stack.kill(victim)
    const all = await Promise.all(answers), log = (await member.reads(room)).filter(({ id }) => id.startsWith(`${victim} `))
    assert.equal(log.length, 10)
    for (const { id, seq } of all) assert.equal(log.find(one => one.id === id).seq, seq)
    await sql(`UPDATE hook SET minute = NULL WHERE room_id = '${room}'`)
  }
  // Without a key each is another message, unless its gateway repeats it.
  const [a, b] = [await posts(hook, 'the same'), await posts(hook, 'the same')]
  assert.equal(is(b, 200).seq, is(a, 200).seq + 1)
  at.leaves()
})

test('who may makes, sees, changes, rotates and removes hooks; each is in the audit, and the URL is said once', { timeout: 90000 }, async () => {
  const at = await aRoom(), { room, owner, member, path } = at
  const stranger = await Person.arrives(stack, key, `stranger-${room}`), hook = await makes(at, { client_key: 'the same key' })
  const again = await makes(at, { client_key: 'the same key' })
  assert.equal(again.id, hook.id)
  assert.notEqual(again.url, hook.url)
  is(await posts(hook, 'lost'), 404, 'not_found')
  is(await posts(again, 'found'), 200)
  const { hooks: [listed, ...none] } = is(await owner.rest('GET', path), 200).data
  const { url, ...shown } = again
  assert.ok(listed.used_at >= listed.made_at)
  assert.deepEqual([{ ...listed, used_at: undefined }, none], [{ ...shown, used_at: undefined }, []])
  for (const who of [member, stranger])
    for (const [method, where, body] of [['POST', path, { name: 'x' }], ['GET', path], ['PATCH', `${path}/${hook.id}`, { name: 'x' }], ['POST', `${path}/${hook.id}/rotate`], ['DELETE', `${path}/${hook.id}`]])
      is(await who.rest(method, where, body), 403, 'forbidden')
  for (const [body, field] of [[{}, 'name'], [{ name: ' x' }, 'name'], [{ name: 'a‮b' }, 'name'], [{ name: 'x'.repeat(81) }, 'name'], [{ name: 'x', avatar: 'http://x/y' }, 'avatar'],
    [{ name: 'x', avatar: 'javascript:alert(1)' }, 'avatar'], [{ name: 'x', avatar: '//evil.example/x' }, 'avatar'], [{ name: 'x', avatar: '/a b' }, 'avatar']])
    assert.equal(is(await owner.rest('POST', path, body), 400, 'invalid_argument').error.details.field, field)
  is(await owner.rest('PATCH', `${path}/${hook.id}`, { mentions_all: 'perhaps' }), 400, 'invalid_argument')
  for (let i = 1; i < HOOKS; i++) await makes(at)
  is(await owner.rest('POST', path, { name: 'one too many' }), 413, 'too_large')
  assert.equal(is(await owner.rest('GET', path), 200).data.hooks.length, HOOKS)

  const rotated = is(await owner.rest('POST', `${path}/${hook.id}/rotate`), 200).data
  is(await posts(again, 'by the old one'), 404, 'not_found')
  is(await posts(rotated, 'by the new one'), 200)
  is(await owner.rest('PATCH', `${path}/${hook.id}`, { name: 'CI' }), 200)
  is(await owner.rest('DELETE', `${path}/${hook.id}`), 200)
  is(await owner.rest('DELETE', `${path}/${hook.id}`), 404, 'not_found')
  is(await posts(rotated, 'by one that is no more'), 404, 'not_found')
  assert.deepEqual((await member.reads(room)).map(({ body }) => body), ['found', 'by the new one'])
  const entries = await audited(room, 'hook.create', 'hook.rotate', 'hook.update', 'hook.delete')
  assert.deepEqual(new Set(entries.filter(({ detail }) => detail.hook === hook.id).map(({ who, what }) => `${who} ${what}`)),
    new Set(['create', 'rotate', 'update', 'delete'].map(deed => `${owner.name} hook.${deed}`)))
  // Of another room it is none.
  const other = await aRoom(), [kept] = is(await owner.rest('GET', path), 200).data.hooks
  for (const [method, tail, body] of [['PATCH', '', { name: 'x' }], ['POST', '/rotate'], ['DELETE', '']]) is(await other.owner.rest(method, `${other.path}/${kept.id}${tail}`, body), 404, 'not_found')
  other.leaves()
  stranger.leaves()
  at.leaves()
})

test('a URL that is none is answered alike, whatever is wrong with it', { timeout: 60000 }, async () => {
  const at = await aRoom(), { room } = at, hook = await makes(at), gone = await makes(at), code = pathOf(hook).split('/').at(-1)
  is(await at.owner.rest('DELETE', `${at.path}/${gone.id}`), 200)
  const answer = async path => {
    const { status, json, headers } = await request(stack, 'POST', path, { body: { text: 'x' } })
    return { status, json, type: headers['content-type'], cache: headers['cache-control'] }
  }
  const never = await answer(`/hooks/${room}/${'x'.repeat(32)}`)
  assert.deepEqual([never.status, never.json.error.code, never.cache], [404, 'not_found', 'no-store'])
  for (const path of [pathOf(gone), `/hooks/${randomUUID()}/${code}`, `/hooks/${room}/${code.slice(1)}`, `/hooks/${room}/${code}%00`.replace('%00', 'x'), `/hooks/${room}/${hook.id}`])
    assert.deepEqual(await answer(path), never, path)
  for (const method of ['GET', 'PUT', 'DELETE']) is(await request(stack, method, pathOf(hook)), 405, 'method_not_allowed')
  at.leaves()
})

test('so many in a minute by one hook, and by all of a room: then it is told when to come again, and strangers use up nothing', { timeout: 120000 }, async () => {
  const at = await aRoom(), { room, member } = at, [hook, other] = [await makes(at), await makes(at)]
  for (let i = 0; i < 30; i++) is(await request(stack, 'POST', `/hooks/${room}/${'y'.repeat(32)}`, { body: { text: 'x' } }), 404, 'not_found')
  const many = await Promise.all(Array.from({ length: PER_MINUTE + 10 }, (_, i) => posts(hook, `many ${i}`)))
  const over = many.filter(({ status }) => status !== 200)
  assert.equal(over.length, 10)
  for (const one of over) {
    is(one, 429, 'rate_limited')
    assert.ok(one.headers['retry-after'] >= 1 && one.headers['retry-after'] <= 60, one.headers['retry-after'])
  }
  const rest = await Promise.all(Array.from({ length: OF_ROOM - PER_MINUTE + 5 }, (_, i) => posts(other, `more ${i}`)))
  assert.equal(rest.filter(({ status }) => status === 429).length, 5)
  assert.equal((await member.reads(room)).length, OF_ROOM)
  await sql(`UPDATE hook SET minute = minute - interval '1 minute' WHERE room_id = '${room}'`)
  is(await posts(hook, 'a minute later'), 200)
  at.leaves()
})

test('`@room` mentions everybody only if the hook may; a name mentions its member, who may block it', { timeout: 90000 }, async () => {
  const at = await aRoom(), { room, owner, member } = at, hook = await makes(at), loud = await makes(at, { mentions_all: true })
  const mentions = async (who = member) => (await who.calls('room:list', {})).rooms.find(one => one.id === room).mentions
  const counted = async (by, text, count) => {
    const { seq } = is(await posts(by, text), 200)
    await until('it is counted', async () => await sql(`SELECT seq FROM activity WHERE room_id = '${room}'`) >= seq, LONG)
    assert.equal(await mentions(), count, text)
  }
  await counted(hook, '@room it burns', 0)
  await counted(hook, `@${member.name} it burns`, 1)
  await counted(loud, '@room it burns', 2)
  is(await owner.rest('PATCH', `${at.path}/${loud.id}`, { mentions_all: 'no' }), 200)
  await counted(loud, '@room it burns', 2)
  is(await owner.rest('PATCH', `${at.path}/${hook.id}`, { mentions_all: 'yes' }), 200)
  await counted(hook, '@room it burns', 3)
  await member.calls('friend:block', { subject: `hook:${hook.id}` })
  await until('what it mentions is counted no more', async () => await mentions() === 1, LONG)
  at.leaves()
})

test('a hook is the room\'s: it outlives who made it, rests while the room is archived or it is banned, and ends with it', { timeout: 90000 }, async () => {
  const at = await aRoom(), { room, owner, member } = at
  await owner.calls('member:role', { room, member: member.name, role: 'admin' })
  const hook = is(await member.rest('POST', at.path, { name: 'Till' }), 201).data
  await member.calls('room:remove', { room })
  is(await posts(hook, 'its maker has left'), 200)
  await owner.calls('room:archive', { room, archived: true })
  is(await posts(hook, 'archived'), 403, 'forbidden')
  is(await owner.rest('GET', at.path), 200)
  await owner.calls('room:archive', { room, archived: false })
  is(await posts(hook, 'back'), 200)
  await owner.calls('member:ban', { room, member: `hook:${hook.id}`, reason: 'in a loop' })
  assert.match(is(await posts(hook, 'banned'), 403, 'forbidden').error.message, /is banned from this room/)
  await owner.calls('member:unban', { room, member: `hook:${hook.id}` })
  is(await posts(hook, 'let in again'), 200)
  await owner.calls('room:delete', { room })
  is(await posts(hook, 'deleted'), 404, 'not_found')
  assert.equal(await sql(`SELECT count(*) FROM hook WHERE room_id = '${room}'`), '0')
  // One that nobody is in any more.
  const empty = await aRoom(), of = await makes(empty)
  for (const person of [empty.member, empty.owner]) await person.calls('room:remove', { room: empty.room })
  is(await posts(of, 'to nobody'), 404, 'not_found')
  empty.leaves()
  at.leaves()
})

test('what is no message is refused in plain words, and Slack\'s form is one', { timeout: 90000 }, async () => {
  const at = await aRoom(), { room, member } = at, hook = await makes(at)
  const raw = (raw, headers = {}) => request(stack, 'POST', pathOf(hook), { raw, headers })
  for (const body of [{}, { text: '' }, { attachments: [] }, { attachments: [{ color: 'danger' }] }, { text: 'x'.repeat(1001) }, { text: 7 }, { attachments: [{ text: 'x'.repeat(600) }, { text: 'y'.repeat(600) }] }])
    is(await posts(hook, body), 400, 'invalid_argument')
  for (const text of ['{"text":"a\\ud800"}', '{"text":"a\\u0000b"}', '{"text":"a","text":"b"}', 'text', '[]']) assert.equal((await raw(text)).status, 400, text)
  is(await raw('payload=%7B%22text%22%3A%22x%22%7D', { 'content-type': 'application/x-www-form-urlencoded' }), 415, 'unsupported_media')
  is(await raw(`{"text":"${'x'.repeat(200000)}"}`), 413, 'too_large')
  is(await posts(hook, 'x', keyed('')), 400, 'invalid_argument')
  is(await posts(hook, 'x', keyed('k'.repeat(65))), 400, 'invalid_argument')
  assert.deepEqual(await member.reads(room), [])
  is(await raw('{"text":"with a charset"}', { 'content-type': 'application/json; charset=utf-8' }), 200)
  is(await posts(hook, { text: 'above', username: 'somebody', icon_emoji: ':x:', room: randomUUID(), code: 'x', sender: member.name, meta: { bot: { name: 'x' } },
    attachments: [{ pretext: 'before', title: 'title', title_link: 'https://a/b', text: 'text', fallback: 'not this', fields: [{ title: 'severity', value: 'page', short: true }, { value: 'alone' }], ts: 1.5 }, { fallback: 'only this' }] }), 200)
  const [, message] = await member.reads(room)
  assert.equal(message.body, 'above\nbefore\ntitle https://a/b\ntext\nseverity: page\nalone\nonly this')
  assert.deepEqual([message.sender, message.meta], [`hook:${hook.id}`, { bot: { name: 'Build' } }])
  at.leaves()
})

test('the commands of docs/hooks.md do what it says', { timeout: 90000 }, async () => {
  const at = await aRoom(), { room, owner, member } = at, page = readFileSync(join(root, 'docs/hooks.md'), 'utf8')
  const commands = [...page.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, block]) => block).join('')
  writeFileSync(join(stack.dir, 'hooks.curl'), `cacert = "${stack.dir}/tls/ca.crt"\nheader = "Authorization: Bearer ${owner.token}"\nheader = "Content-Type: application/json"\n`)
  const env = { PATH: process.env.PATH, HOST: stack.url, ROOM: room, CURL: `curl -sS --fail-with-body --config ${join(stack.dir, 'hooks.curl')}`, CA: `-w \\n --cacert ${stack.dir}/tls/ca.crt` }
  const { stdout } = await promisify(execFile)('bash', ['-ec', commands], { env, cwd: stack.dir })
  const [made, ...receipts] = stdout.trim().split(/\n|(?<=\})(?=\{)/).map(line => JSON.parse(line))
  assert.deepEqual(receipts.map(({ ok, seq }) => [ok, seq]), [[true, 1], [true, 2], [true, 2], [true, 3]])
  const log = await member.reads(room)
  assert.deepEqual(log.map(({ body }) => body), ['Build 41 is green', 'Build 42 is red', '[FIRING:1] DiskFull https://prom.example.org/a\nnode7: 3 % left\nseverity: page'])
  assert.deepEqual(new Set(log.map(({ sender }) => sender)), new Set([`hook:${made.data.id}`]))
  at.leaves()
})

test('no code of a hook is in a log, in a database or in a metric', { timeout: 60000 }, async () => {
  const at = await aRoom(), hook = await makes(at), code = pathOf(hook).split('/').at(-1)
  is(await posts(hook, 'x'), 200)
  const encoded = [...code].map(char => `%${char.charCodeAt(0).toString(16)}`).join(''), marker = `/hooks-${randomUUID().slice(0, 8)}`
  is(await request(stack, 'POST', `/hooks/${at.room}/${encoded}`, { body: { text: 'x' } }), 200)
  for (const path of [`${pathOf(hook)}/`, `/%68ooks/${at.room}/${code}`, `/%68ooks/${at.room}/${encoded}`, `//hooks/${at.room}/${code}`]) await request(stack, 'POST', path, { body: { text: 'x' } })
  for (const path of [marker, marker, marker, marker]) await request(stack, 'GET', path) // at both gateways
  const find = async (...texts) => (await promisify(execFile)('bash', ['-c', `grep -rlaF ${texts.map(text => `-e '${text}'`).join(' ')} . || true`], { cwd: stack.dir, maxBuffer: 1 << 26 })).stdout
  await until('what came after it is in the logs', () => find(marker), LONG)
  assert.equal(await find(code, encoded), '')
  at.leaves()
})
