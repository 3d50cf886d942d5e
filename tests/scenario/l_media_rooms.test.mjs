// l_media_rooms - media that messages show: whose they may be, who hears of them, and who may read them, for as long as it is so.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { after, before, test } from 'node:test'
import { pngOf } from '../lib/images.mjs'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
})
after(() => stack?.stop())

const aForm = (content, name) => ({
  raw: Buffer.concat([Buffer.from(`--b\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n`), Buffer.from(content), Buffer.from('\r\n--b--\r\n')]),
  headers: { 'content-type': 'multipart/form-data; boundary=b' },
})
async function keeps(person, content = `words of ${randomUUID()}`, name = 'words.txt') {
  const answer = await request(stack, 'POST', '/api/v1/media', { token: person.token, ...aForm(content, name) })
  assert.equal(answer.status, 201, answer.text)
  return answer.json.data
}
const reads = async (person, medium) => (await request(stack, 'GET', medium.url, { token: person.token })).status
const knows = async (person, medium) => (await person.rest('GET', `/api/v1/media/${medium.id}`)).status
const signs = async (person, ...media) => (await person.rest('POST', '/api/v1/media/urls', { ids: media.map(({ id }) => id) })).json.data.urls
const shows = (person, room, media, more = {}) => person.calls('message:send', { room, id: randomUUID(), body: 'look', attachments: media.map(({ id }) => id), ...more })
const entries = (person, room) => person.events.filter(([event, entry]) => ['message', 'entry'].includes(event) && entry.room === room).map(([, entry]) => entry)
const list = async (person, room) => (await person.rest('GET', `/api/v1/rooms/${room}/messages`)).json.data.messages

/** A room of olga's with max in it; zoe is in none of hers. */
async function aRoom() {
  const [olga, max, zoe] = await Promise.all(['olga', 'max', 'zoe'].map(name => Person.arrives(stack, key, name)))
  const { id: room } = await olga.makesRoom({ open: false, members: ['max'] })
  await Promise.all([olga, max].map(person => person.joins(room)))
  return { olga, max, zoe, room, leave: () => [olga, max, zoe].forEach(person => person.leaves()) }
}

test("the members of a room read what a message there shows, and nobody else does", async () => {
  const { olga, max, zoe, room, leave } = await aRoom()
  const [shown, kept] = [await keeps(max, 'a text', 'notes.txt'), await keeps(max)]
  for (const person of [olga, zoe]) assert.deepEqual([await reads(person, shown), await knows(person, shown)], [404, 404])
  await shows(max, room, [shown])
  for (const person of [olga, max]) assert.deepEqual([await reads(person, shown), await knows(person, shown)], [200, 200])
  assert.deepEqual([await reads(zoe, shown), await knows(zoe, shown), await reads(olga, kept)], [404, 404, 404])

  // One question says all that is wanted to show it, and leaves out what one may not see.
  const [signed, ...more] = await signs(olga, kept, shown)
  assert.equal(more.length, 0)
  assert.deepEqual([signed.id, signed.name, signed.type, signed.size], [shown.id, 'notes.txt', 'text/plain; charset=utf-8', 6])
  assert.equal((await request(stack, 'GET', signed.url)).text, 'a text')
  assert.deepEqual(await signs(zoe, shown), [])

  // Who may read does not own.
  assert.equal((await olga.rest('DELETE', `/api/v1/media/${shown.id}`)).status, 404)
  leave()
})

test('who is no member any more reads it no more, a signed URL of theirs included; who becomes one does', async () => {
  const { olga, max, zoe, room, leave } = await aRoom()
  const shown = await keeps(olga)
  await shows(olga, room, [shown])
  const [signed] = await signs(max, shown)
  assert.equal((await request(stack, 'GET', signed.url)).status, 200)
  assert.equal((await olga.rest('DELETE', `/api/v1/rooms/${room}/members/max`)).status, 200)
  assert.equal(await reads(max, shown), 404)
  assert.equal((await request(stack, 'GET', signed.url)).status, 404)
  await olga.calls('room:invite', { room, members: ['zoe'] })
  assert.equal(await reads(zoe, shown), 200)
  leave()
})

test('what a message shows is in the log: heard, listed, caught up with and recovered', async () => {
  const { olga, max, zoe, room, leave } = await aRoom()
  const away = await Person.arrives(stack, key, 'max', { reconnection: false })
  await away.joins(room)
  await olga.says(room, 'before')
  await away.hears('before')
  await away.losesConnection()
  const media = [await keeps(olga), await keeps(olga), await keeps(olga)]
  const ids = media.map(({ id }) => id), backwards = [...ids].reverse()
  const { seq } = await shows(olga, room, media)
  await shows(olga, room, media.slice(0, 1), { body: '', thread: seq })
  await olga.calls('message:edit', { room, seq, id: randomUUID(), body: 'edited', attachments: backwards })
  const want = [undefined, ids, ids.slice(0, 1), backwards]
  const late = await Person.arrives(stack, key, 'max')
  await late.joins(room, 0)
  assert.ok(await away.comesBack())
  for (const person of [olga, max, late, away]) {
    await until(`${person.name} hears all`, () => entries(person, room).length >= 4)
    assert.deepEqual(entries(person, room).map(entry => entry.attachments), want)
  }
  assert.deepEqual((await list(max, room)).map(({ body, attachments }) => [body, attachments]), [['before', undefined], ['edited', backwards], ['', ids.slice(0, 1)]])
  const one = (await max.rest('GET', `/api/v1/rooms/${room}/messages/${seq}`)).json.data
  assert.deepEqual([one.body, one.attachments], ['edited', backwards])
  ;[away, late].forEach(person => person.leaves())
  leave()
})

test('an edit shows what it names and nothing else; a deletion shows nothing', async () => {
  const { olga, max, room, leave } = await aRoom()
  const [first, second, third] = [await keeps(max), await keeps(max), await keeps(max)]
  const readable = () => Promise.all([first, second, third].map(medium => reads(olga, medium)))
  const { seq } = await shows(max, room, [first, second])
  assert.deepEqual(await readable(), [200, 200, 404])
  await max.calls('message:edit', { room, seq, id: randomUUID(), body: 'look', attachments: [second.id, third.id] })
  assert.deepEqual(await readable(), [404, 200, 200])
  await max.calls('message:edit', { room, seq, id: randomUUID(), body: 'nothing to see' })
  assert.deepEqual(await readable(), [404, 404, 404])
  assert.equal((await list(olga, room)).at(-1).attachments, undefined)

  const other = await shows(max, room, [first]), again = await shows(max, room, [first])
  await olga.calls('message:delete', { room, seq: other.seq })
  assert.equal(await reads(olga, first), 200, 'another message shows it')
  await olga.calls('message:delete', { room, seq: again.seq })
  assert.equal(await reads(olga, first), 404)
  assert.equal(await reads(max, first), 200, "it is max's own")
  assert.equal(await stack.sql('store', 'SELECT count(*) FROM attachment'), await stack.sql('store', `SELECT count(*) FROM attachment WHERE room_id <> '${room}'`))
  // The log that one catches up with says no more than the messages do.
  const { messages } = await stack.rpc('store', 'log.since', { room, after: 0 })
  assert.ok(messages.filter(({ seq }) => [other.seq, again.seq].includes(seq)).every(({ attachments }) => attachments === undefined))
  leave()
})

test("what is not one's own, not there, not read yet or no image is not shown, and nothing is said", async () => {
  const { olga, max, room, leave } = await aRoom()
  const [of_max, of_olga] = [await keeps(max), await keeps(olga)]
  const refused = (attachments, code, message) => olga.isRefused('message:send', { room, id: randomUUID(), body: 'look', attachments }, code, message)
  await refused([of_olga.id, of_max.id], 'not_found', new RegExp(`attachments: .*${of_max.id}`))
  await refused([randomUUID()], 'not_found', /attachments/)
  await refused([of_olga.id, of_olga.id], 'invalid_argument', /attachments/)
  await refused(Array.from({ length: 11 }, () => randomUUID()), 'invalid_argument', /attachments/)
  const text = await olga.says(room, 'a text')
  await olga.isRefused('message:edit', { room, seq: text.seq, id: randomUUID(), body: 'look', attachments: [of_max.id] }, 'not_found', /attachments/)
  await olga.isRefused('message:edit', { room, seq: text.seq, id: randomUUID(), body: '' }, 'invalid_argument', /body/)
  await olga.isRefused('message:send', { room, id: randomUUID(), body: '' }, 'invalid_argument', /body/)

  const none = await keeps(olga, Buffer.from('GIF89a and then words'), 'none.gif')
  await until('it is refused', async () => (await olga.rest('GET', `/api/v1/media/${none.id}`)).json.data.state === 'refused')
  await refused([none.id], 'unprocessable_media', /attachments/)
  const pending = await keeps(olga, pngOf(5000, 4000), 'large.png'), draft = { room, id: randomUUID(), body: 'look', attachments: [pending.id] }
  const answers = new Set()
  await until('it can be shown', async () => {
    const answer = await olga.emits('message:send', draft)
    answers.add(answer.error?.code ?? 'ok')
    return answer.seq
  })
  assert.deepEqual([...answers], ['media_pending', 'ok'])
  assert.deepEqual((await list(olga, room)).map(({ body }) => body), ['a text', 'look'])
  leave()
})

test('a repeat brings what was stored, though its media have gone since; and what is sent behind it stays behind it', async () => {
  const { olga, room, leave } = await aRoom()
  const medium = await keeps(olga), id = randomUUID()
  const draft = { room, id, body: 'look', attachments: [medium.id] }
  const [first, second] = await Promise.all([olga.calls('message:send', draft), olga.says(room, 'behind it')])
  assert.ok(first.seq < second.seq)
  assert.equal((await olga.rest('DELETE', `/api/v1/media/${medium.id}`)).status, 204)
  assert.deepEqual(await olga.calls('message:send', draft), first)
  assert.deepEqual(await olga.calls('message:send', { ...draft, attachments: [randomUUID()] }), first)
  leave()
})

test('a token that is narrowed to a room opens what is its own', async () => {
  const { olga, max, room, leave } = await aRoom()
  const [shown, own] = [await keeps(olga), await keeps(max)]
  await shows(olga, room, [shown])
  const narrow = { rest: (method, path, body) => request(stack, method, path, { token: narrow.token, body }), token: await tokenFor(stack, key, 'max', { cap: [{ effect: 'allow', actions: ['emit'], namespaces: ['/media'] }] }) }
  assert.equal(await reads(narrow, own), 200)
  assert.equal(await reads(narrow, shown), 404)
  assert.deepEqual((await signs(narrow, shown, own)).map(({ id }) => id), [own.id])
  leave()
})

test('of a medium that a thousand messages in many rooms show the newest rooms do not hide the oldest', async () => {
  const { olga, max, zoe, room, leave } = await aRoom()
  const medium = await keeps(olga)
  await shows(olga, room, [medium])
  // Rooms that nobody is in, each of them newer, and one with many messages.
  await stack.sql('store', `INSERT INTO attachment (media, room_id, seq, sender) SELECT '${medium.id}', ('ffffffff-ffff-4fff-8fff-' || lpad(to_hex(n % 700), 12, '0'))::uuid, n, 'olga' FROM generate_series(1, 2000) n`)
  assert.equal(await reads(max, medium), 200)
  assert.equal(await reads(zoe, medium), 404)
  leave()
})

test('docs/media.md is run as it stands', async () => {
  const commands = [...readFileSync(join(root, 'docs/media.md'), 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, lines]) => lines).join('')
  const [ADA, BO] = await Promise.all(['ada', 'bo'].map(name => tokenFor(stack, key, name)))
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', commands],
    { cwd: root, encoding: 'utf8', env: { ...process.env, MADANG: stack.url, CA: join(stack.dir, 'tls/ca.crt'), TMPDIR: stack.dir, ADA, BO } })
  assert.match(stdout, /not_found.*"attachments":\[".*The tide is at six\..*"seq":2.*not_found/s)
})

test('without store one reads what is one\'s own; without share one says what shows nothing', async () => {
  const { olga, max, room, leave } = await aRoom()
  const medium = await keeps(olga)
  await shows(olga, room, [medium])
  process.kill(stack.pid('store'), 'SIGSTOP')
  try {
    assert.equal(await reads(olga, medium), 200)
    assert.ok([503, 504].includes(await reads(max, medium)))
  } finally {
    process.kill(stack.pid('store'), 'SIGCONT')
  }
  await until('store answers', async () => await reads(max, medium) === 200)
  process.kill(stack.pid('share'), 'SIGSTOP')
  try {
    await olga.says(room, 'a text')
    assert.ok(['unavailable', 'deadline'].includes((await max.emits('message:send', { room, id: randomUUID(), body: 'look', attachments: [medium.id] })).error.code))
  } finally {
    process.kill(stack.pid('share'), 'SIGCONT')
  }
  leave()
})
