// r_moderation - what members report, and what who moderates a room does about it: messages that are withheld and read again, and the audit of it.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { Person, request } from '../lib/people.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let stack, key, admin
before(async () => {
  stack = await startStack({ env: { MADANG_AUTH_REGISTRATION: 'open', MADANG_STORE_SEARCH_PERCENT: '100', MADANG_STORE_REPORTS_OF_ONE: '3' } })
  key = await stack.issueKey()
  admin = await stack.authctl('key', 'issue', '--name', 'admin', '--policy', 'admin')
})
after(() => stack?.stop())

const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name, { reconnection: false })))
const codeOf = answer => answer?.error?.code ?? 'ok'
const entriesOf = (person, room) => person.events.filter(([event, entry]) => ['message', 'entry'].includes(event) && entry.room === room).map(([, entry]) => entry)
const say = (person, room, body, more = {}) => person.calls('message:send', { room, id: randomUUID(), body, ...more })
const withhold = (person, room, seq, reason = 'spam') => person.calls('message:withhold', { room, seq, reason })
const release = (person, room, seq, reason = 'a mistake') => person.calls('message:release', { room, seq, reason })
const onAdmin = (method, path, body) => request(stack, method, `/api/v1/admin${path}`, { body, token: admin.key })
const reportsOf = async (person, room, query = {}) => (await person.calls('report:list', { room, ...query })).reports
const sql = async text => (await stack.sql('store', text)).trim()
const used = async subject => Number(await sql(`SELECT coalesce(sum(used), 0) FROM usage WHERE quota = 'reports' AND subject = '${subject}'`))
/** What the audit says of a room, the oldest first, of which auth hears later (docs/why/0103). */
const audited = (room, ...deeds) => until(`${deeds} of the room in the audit`, async () => {
  const entries = (await stack.authctl('audit', 'list', '--target', room)).audit.reverse()
  return deeds.every(what => entries.some(entry => entry.what === what)) && entries
}, 60000)

let n = 0
/** A room of olga's, with a moderator and two members; a store hears of the role from chat, some milliseconds later. */
async function aRoom(more = {}) {
  n++
  const names = ['olga', 'mod', 'max', 'mel'].map(name => `${name}${n}`)
  const [olga, mod, max, mel] = await arrive(...names)
  const { id: room } = await olga.makesRoom({ open: false, members: names.slice(1), ...more })
  await olga.calls('member:role', { room, member: mod.name, role: 'moderator' })
  await until('the store knows who moderates', async () => codeOf(await mod.emits('report:list', { room })) === 'ok')
  return { olga, mod, max, mel, room, leave: () => [olga, mod, max, mel].forEach(person => person.leaves()) }
}

async function keeps(person, content) {
  const raw = Buffer.from(`--b\r\nContent-Disposition: form-data; name="file"; filename="words.txt"\r\n\r\n${content}\r\n--b--\r\n`)
  const answer = await request(stack, 'POST', '/api/v1/media', { token: person.token, raw, headers: { 'content-type': 'multipart/form-data; boundary=b' } })
  assert.equal(answer.status, 201, answer.text)
  return answer.json.data
}
const reads = async (person, medium) => (await request(stack, 'GET', medium.url, { token: person.token })).status

/** All ways in which somebody reads words of a room, as text. */
async function readsAll(person, room, seq, root) {
  const late = await Person.arrives(stack, key, person.name, { reconnection: false })
  await late.joins(room, 0)
  await until('the log is there', async () => entriesOf(late, room).at(-1)?.seq === (await late.calls('message:list', { room, limit: 1 })).head)
  const all = JSON.stringify(await Promise.all([
    person.calls('message:list', { room }), person.calls('message:list', { room, around: seq }), person.calls('message:list', { room, thread: root }),
    person.calls('pin:list', { room }), person.calls('message:get', { room, seq }), person.emits('message:versions', { room, seq }),
    person.rest('GET', '/api/v1/users/me/export/messages').then(({ json }) => json ?? {}), person.rest('GET', `/api/v1/rooms/${room}/export`).then(({ text }) => text)])) + JSON.stringify(entriesOf(late, room))
  late.leaves()
  return all
}
const finds = async (person, q) => (await person.calls('message:search', { q })).found.map(({ message }) => message.seq)
const isIndexed = (person, at) => until('the index has it', async () => (await person.calls('message:search', { q: 'x', limit: 1 })).indexed_until >= at, 60000)
const mentionsOf = async (person, room) => (await person.calls('mention:list', { limit: 100 })).mentions.filter(one => one.room === room).map(({ seq }) => seq)
const noticesOf = async (person, room) => (await person.rest('GET', '/api/v1/notifications?limit=100')).json.data.notifications.filter(one => one.room === room && one.kind === 'mention').map(({ seq }) => seq)

test('a withheld message has words for nobody, in whatever way the room is read; who moderates sees what was there, and has it be read again as it was', { timeout: 120000 }, async () => {
  const { olga, mod, max, mel, room, leave } = await aRoom(), word = `gemein${randomUUID().replaceAll('-', '')}`, hidden = new RegExp(word)
  const medium = await keeps(max, word)
  const root = await say(olga, room, 'the root')
  await mel.joins(room)
  const { seq } = await say(max, room, `${word} first @${mel.name}`, { thread: root.seq, meta: { word }, attachments: [medium.id] })
  const edit = await max.calls('message:edit', { room, seq, id: randomUUID(), body: `${word} now, @${mel.name}`, attachments: [medium.id] })
  await olga.calls('pin:add', { room, seq })
  await mel.calls('reaction:add', { room, seq, emoji: '🙉' })
  await until('who is mentioned is known', async () => (await mentionsOf(mel, room)).length === 1)
  await until('and told', async () => (await noticesOf(mel, room)).length === 1)
  await isIndexed(mel, edit.at)
  const before = await mel.calls('message:get', { room, seq }), versions = await mel.calls('message:versions', { room, seq })
  assert.deepEqual(await finds(mel, word), [seq])
  assert.match(await readsAll(mel, room, seq, root.seq), hidden)
  assert.equal(await reads(mel, medium), 200)

  for (const event of ['message:withhold', 'message:release']) await mel.isRefused(event, { room, seq, reason: 'no' }, 'forbidden')
  await mod.isRefused('message:release', { room, seq, reason: 'no' }, 'not_found', /not withheld/)
  await mod.isRefused('message:withhold', { room, seq }, 'invalid_argument', /reason/)
  const first = await withhold(mod, room, seq, 'not here')
  assert.deepEqual(await withhold(olga, room, seq, 'said twice'), first)
  const heard = await until('members hear that', () => entriesOf(mel, room).find(({ kind }) => kind === 'message:withhold'))
  assert.deepEqual([heard.target, heard.sender, heard.body], [seq, mod.name, 'not here'])

  for (const person of [mel, max, mod, olga]) assert.doesNotMatch(await readsAll(person, room, seq, root.seq), hidden, person.name)
  const view = await mel.calls('message:get', { room, seq })
  assert.deepEqual([view.body, view.meta, view.attachments, view.withheld_by, view.withheld_at, view.pinned, view.reactions.length],
    ['', undefined, undefined, mod.name, first.at, true, 1])
  await mel.isRefused('message:versions', { room, seq }, 'not_found')
  assert.deepEqual(await finds(mod, word), [])
  await until('nobody is mentioned', async () => (await mentionsOf(mel, room)).length === 0)
  await until('nor told of it', async () => (await noticesOf(mel, room)).length === 0)
  assert.deepEqual([await reads(mel, medium), await reads(max, medium), await reads(mod, medium)], [404, 200, 200])
  await max.isRefused('message:edit', { room, seq, id: randomUUID(), body: 'again' }, 'conflict', /withheld/)
  for (const table of ['message', 'change', 'message_now', 'removed']) assert.equal(await sql(`SELECT count(*) FROM ${table} WHERE body LIKE '%${word}%'`), '0', table)

  await mel.isRefused('withheld:list', { room }, 'forbidden')
  const { messages: [was, ...others] } = await mod.calls('withheld:list', { room })
  assert.deepEqual([was.seq, was.sender, was.at, was.body, was.meta, was.thread, was.attachments, was.withheld_by, was.reason, others],
    [seq, max.name, before.at, before.body, before.meta, root.seq, [medium.id], mod.name, 'not here', []])
  for (const [query, seqs] of [[`?seq=${seq}`, [seq]], [`?before=${seq}`, []], [`?seq=${root.seq}`, []]])
    assert.deepEqual((await mod.rest('GET', `/api/v1/rooms/${room}/withheld${query}`)).json.data.messages.map(message => message.seq), seqs, query)

  const back = await olga.rest('POST', `/api/v1/rooms/${room}/messages/${seq}/release`, { reason: 'it was a quotation' })
  assert.equal(back.status, 200, back.text)
  assert.deepEqual(await release(mod, room, seq), back.json.data)
  assert.deepEqual(await mel.calls('message:get', { room, seq }), before)
  assert.deepEqual(await mel.calls('message:versions', { room, seq }), versions)
  assert.match(await readsAll(mel, room, seq, root.seq), hidden)
  assert.deepEqual((await mod.calls('withheld:list', { room })).messages, [])
  assert.equal(await sql(`SELECT count(*) FROM withheld WHERE room_id = '${room}'`), '0')
  await until('it is found again', async () => (await finds(mel, word)).length === 1, 60000)
  await until('it mentions again', async () => (await mentionsOf(mel, room)).length === 1)
  await until('and is told of again', async () => (await noticesOf(mel, room)).length === 1)
  assert.equal(await reads(mel, medium), 200)
  await max.calls('message:edit', { room, seq, id: randomUUID(), body: 'said otherwise' })

  const deeds = (await audited(room, 'message.withhold', 'message.release')).filter(({ what }) => what.startsWith('message.'))
  assert.deepEqual(deeds.map(({ who, what, detail }) => [who, what, detail.seq, detail.reason]),
    [[mod.name, 'message.withhold', seq, 'not here'], [olga.name, 'message.release', seq, 'it was a quotation']])
  leave()
})

test('a withheld message that is deleted is gone for who moderates, too; one that is withheld, read again and withheld is withheld', { timeout: 60000 }, async () => {
  const { mod, max, room, leave } = await aRoom(), word = `wort${randomUUID().replaceAll('-', '')}`
  const { seq } = await say(max, room, word), { seq: other } = await say(max, room, `${word} too`)
  await max.calls('message:edit', { room, seq, id: randomUUID(), body: `${word} edited` })
  for (let i = 0; i < 2; i++) {
    await withhold(mod, room, seq)
    assert.equal((await mod.calls('message:get', { room, seq })).body, '')
    await release(mod, room, seq)
    assert.equal((await mod.calls('message:get', { room, seq })).body, `${word} edited`)
  }
  // Many at once: whoever comes last in the log says what holds, and no word is lost or left.
  for (let i = 0; i < 5; i++) {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, k) => k % 2 ? mod.emits('message:withhold', { room, seq: other, reason: `${k}`, id: randomUUID() })
      : k % 4 ? max.emits('message:edit', { room, seq: other, id: randomUUID(), body: `${word} too` }) : mod.emits('message:release', { room, seq: other, reason: `${k}`, id: randomUUID() })))
    assert.ok(answers.every(answer => ['ok', 'conflict', 'not_found'].includes(codeOf(answer))), JSON.stringify(answers))
    const view = await mod.calls('message:get', { room, seq: other })
    assert.equal(view.body, view.withheld_at ? '' : `${word} too`)
    if (view.withheld_at) assert.equal((await mod.calls('withheld:list', { room, seq: other })).messages[0].body, `${word} too`)
    if (!view.withheld_at) await withhold(mod, room, other)
    await release(mod, room, other)
    assert.equal((await mod.calls('message:get', { room, seq: other })).body, `${word} too`)
  }
  await withhold(mod, room, seq)
  await max.calls('message:delete', { room, seq })
  assert.deepEqual((await mod.calls('withheld:list', { room })).messages, [])
  await mod.isRefused('message:release', { room, seq, reason: 'no' }, 'not_found')
  const view = await mod.calls('message:get', { room, seq })
  assert.deepEqual([view.body, view.deleted_by, view.withheld_at], ['', max.name, undefined])
  assert.equal(await sql(`SELECT count(*) FROM withheld WHERE room_id = '${room}'`), '0')
  assert.equal(await sql(`SELECT count(*) FROM removed WHERE room_id = '${room}' AND body LIKE '${word}%'`), '2') // as of any that is deleted
  leave()
})

test('a member reports a message or a member, once; who moderates sees it, gives it to another of them, and says what was done and why', { timeout: 60000 }, async () => {
  const { olga, mod, max, mel, room, leave } = await aRoom(), draft = { reason: 'harassment', text: 'this is not nice' }
  const { seq } = await say(max, room, 'a bad word')
  const [eve] = await arrive('eve')
  await mel.joins(room)
  await max.joins(room)
  await max.joins(room)
  const taken = await mel.calls('report:create', { room, seq, ...draft })
  assert.deepEqual(Object.keys(taken).sort(), ['created_at', 'id'])
  const again = await mel.rest('POST', `/api/v1/rooms/${room}/reports`, { seq, reason: 'spam' })
  assert.deepEqual([again.status, again.json.data], [201, taken])
  const ofMember = await mel.calls('report:create', { room, member: max.name, reason: 'other' })
  assert.equal(await used(mel.name), 2)

  await mel.isRefused('report:create', { room, seq, member: max.name, reason: 'spam' }, 'invalid_argument')
  await mel.isRefused('report:create', { room, reason: 'spam' }, 'invalid_argument')
  await mel.isRefused('report:create', { room, seq, reason: 'dislike' }, 'invalid_argument', /reason/)
  await mel.isRefused('report:create', { room, seq: 1e6, reason: 'spam' }, 'not_found')
  await mel.isRefused('report:create', { room, member: 'nobody here', reason: 'spam' }, 'not_found')
  await max.isRefused('report:create', { room, seq, reason: 'spam' }, 'invalid_argument', /oneself/)
  await eve.isRefused('report:create', { room, seq, reason: 'spam' }, 'forbidden')
  for (const person of [mel, max, eve]) await person.isRefused('report:list', { room }, 'forbidden')

  const [second, first] = await reportsOf(mod, room)
  assert.deepEqual([first.id, first.room, first.seq, first.subject, first.reporter, first.reason, first.text, first.state, first.created_at],
    [taken.id, room, seq, max.name, mel.name, 'harassment', draft.text, 'open', taken.created_at])
  assert.deepEqual([second.id, second.seq, second.subject], [ofMember.id, undefined, max.name])
  assert.deepEqual((await olga.rest('GET', `/api/v1/rooms/${room}/reports?limit=1&after=${second.id}`)).json.data.reports, [first])
  await mod.isRefused('report:list', { room, state: 'closed' }, 'invalid_argument')

  assert.equal((await mod.calls('report:assign', { room, report: taken.id })).assigned_to, mod.name)
  assert.equal((await mod.calls('report:assign', { room, report: taken.id, to: olga.name })).assigned_to, olga.name)
  for (const to of [mel.name, 'nobody here']) await mod.isRefused('report:assign', { room, report: taken.id, to }, 'invalid_argument', /to/)
  await mod.isRefused('report:assign', { room, report: randomUUID() }, 'not_found')

  // What another reported of the same is decided with it, and everybody may report something else then.
  await olga.calls('report:create', { room, seq, reason: 'spam' })
  await olga.isRefused('report:resolve', { room, report: taken.id, outcome: 'burnt', note: 'why not' }, 'invalid_argument', /outcome/)
  await olga.isRefused('report:resolve', { room, report: taken.id, outcome: 'muted' }, 'invalid_argument', /note/)
  await mel.isRefused('report:resolve', { room, report: taken.id, outcome: 'muted', note: 'I say so' }, 'forbidden')
  const done = (await olga.rest('POST', `/api/v1/rooms/${room}/reports/${taken.id}/resolve`, { outcome: 'muted', note: 'for an hour' })).json.data
  assert.deepEqual([done.state, done.outcome, done.note, done.resolved_by, done.assigned_to], ['resolved', 'muted', 'for an hour', olga.name, olga.name])
  assert.deepEqual(await mod.calls('report:resolve', { room, report: taken.id, outcome: 'muted', note: 'said twice' }), done)
  await mod.isRefused('report:resolve', { room, report: taken.id, outcome: 'banned', note: 'too late' }, 'conflict')
  await mod.isRefused('report:assign', { room, report: taken.id }, 'conflict')
  assert.deepEqual((await reportsOf(mod, room, { state: 'resolved' })).map(({ reporter, outcome }) => [reporter, outcome]), [[olga.name, 'muted'], [mel.name, 'muted']])
  assert.deepEqual((await reportsOf(mod, room, { state: 'open' })).map(({ id }) => id), [ofMember.id])
  assert.deepEqual([await used(mel.name), await used(olga.name)], [1, 0])
  assert.deepEqual(await mel.calls('report:create', { room, seq, reason: 'spam' }), taken) // one of each thing, ever

  await mod.calls('member:mute', { room, member: max.name, for_s: 3600, reason: 'as reported' })
  await mod.calls('member:ban', { room, member: max.name, reason: 'again' })
  await mod.calls('member:unban', { room, member: max.name, reason: 'they said sorry' })
  const deeds = (await audited(room, 'report.assign', 'report.resolve', 'member.mute', 'member.ban', 'member.unban')).map(({ who, what, detail }) => [who, what, detail.note ?? detail.reason ?? detail.to])
  for (const deed of [[mod.name, 'report.assign', mod.name], [mod.name, 'report.assign', olga.name], [olga.name, 'report.resolve', 'for an hour'],
    [mod.name, 'member.mute', 'as reported'], [mod.name, 'member.ban', 'again'], [mod.name, 'member.unban', 'they said sorry']])
    assert.equal(deeds.filter(one => one.join() === deed.join()).length, 1, `${deed} in ${JSON.stringify(deeds)}`)
  // Who was reported heard what was done to them, and of reports nothing.
  assert.doesNotMatch(JSON.stringify([max.events, max.own]), new RegExp(`${taken.id}|harassment|${draft.text}`))
  eve.leaves()
  leave()
})

test('what is about oneself one does not see, whatever one is there; and of one thing no more reports are kept than may be', { timeout: 60000 }, async () => {
  const { olga, mod, max, mel, room, leave } = await aRoom()
  const { seq } = await say(mod, room, 'of the moderator')
  const { id } = await mel.calls('report:create', { room, seq, reason: 'hate' })
  assert.deepEqual(await reportsOf(mod, room), [])
  for (const [event, more] of [['report:assign', {}], ['report:resolve', { outcome: 'nothing', note: 'nothing' }]]) await mod.isRefused(event, { room, report: id, ...more }, 'not_found')
  assert.deepEqual((await reportsOf(olga, room)).map(report => report.id), [id])
  const other = await aRoom()
  await other.mod.isRefused('report:assign', { room: other.room, report: id }, 'not_found')
  for (const person of [max, olga]) await person.calls('report:create', { room, seq, reason: 'spam' })
  const [ann] = await arrive(`ann${n}`)
  await olga.calls('room:invite', { room, members: [ann.name] })
  await until('the store knows ann', async () => codeOf(await ann.emits('message:list', { room })) === 'ok')
  assert.ok((await ann.calls('report:create', { room, seq, reason: 'spam' })).id) // MADANG_STORE_REPORTS_OF_ONE
  assert.equal((await reportsOf(olga, room)).length, 3)
  assert.equal(await used(ann.name), 0)
  await sql(`UPDATE usage SET used = 100 WHERE quota = 'reports' AND subject = '${max.name}'`)
  const refused = await max.isRefused('report:create', { room, member: mel.name, reason: 'spam' }, 'quota_exceeded')
  assert.deepEqual([refused.quota ?? refused.details?.quota, (await reportsOf(olga, room)).length], ['reports', 3])
  ann.leaves()
  other.leave()
  leave()
})

test('an operator sees what was reported in all rooms, also in a room of two, and decides, by madangctl and REST', { timeout: 60000 }, async () => {
  const [ann, bob] = await arrive('ann of two', 'bob of two')
  const { id: room } = await ann.calls('room:direct', { subject: bob.name })
  const { seq } = await say(bob, room, `secret ${randomUUID()}`)
  const { id } = await ann.calls('report:create', { room, seq, reason: 'violence', text: 'he will come' })
  await ann.isRefused('report:list', { room }, 'forbidden')
  const ctl = async (...words) => {
    const { status, out, err } = await stack.madangctl('report', ...words)
    assert.equal(status, 0, err)
    return out
  }
  const listed = JSON.parse(await ctl('list', '--state', 'open', '--json')).reports.find(report => report.id === id)
  assert.deepEqual([listed.room, listed.seq, listed.subject, listed.reporter, listed.text], [room, seq, bob.name, ann.name, 'he will come'])
  assert.match(await ctl('list', '--of', bob.name), new RegExp(`${id} .* open +violence +${room} +message ${seq} .*he will come`))
  for (const query of [`?room=${room}`, `?subject=${encodeURIComponent(bob.name)}`, '?state=open&limit=100', '?limit=100']) {
    const { status, json, text } = await onAdmin('GET', `/reports${query}`)
    assert.equal(status, 200, text)
    assert.equal(json.data.reports.filter(report => report.id === id).length, 1, query)
    assert.doesNotMatch(text, /secret/)
  }
  assert.match(await ctl('assign', id), new RegExp(`Report ${id} is for`))
  assert.equal((await onAdmin('POST', `/reports/${id}/assign`, { to: 'the night shift' })).json.data.assigned_to, 'the night shift')
  assert.equal((await onAdmin('POST', `/reports/${randomUUID()}/resolve`, { outcome: 'nothing', note: 'none' })).status, 404)
  assert.match(await ctl('resolve', id, '--outcome', 'banned', '--note', 'by a court'), /is resolved: banned/)
  const { json } = await onAdmin('POST', `/reports/${id}/resolve`, { outcome: 'nothing', note: 'none' })
  assert.equal(json.error.code, 'conflict')
  const deeds = await audited(room, 'report.assign', 'report.resolve')
  assert.ok(deeds.some(({ what, detail }) => what === 'report.resolve' && detail.note === 'by a court'))
  await sql(`UPDATE report SET created_at = created_at - interval '400 days' WHERE id = '${id}'; UPDATE job SET run_at = now() WHERE kind = 'report.expire'; SELECT pg_notify('store_jobs', '')`)
  await until('what is old is forgotten', async () => await sql(`SELECT count(*) FROM report WHERE id = '${id}'`) === '0', 60000)
  for (const person of [ann, bob]) person.leaves()
})

const onAccounts = async (method, path, body, token) => (await request(stack, method, `/api/v1/${path}`, { body, token })).json?.data
/** People with accounts, in a room of olga's. */
async function takesIn(olga, room, ...nicknames) {
  const people = await Promise.all(nicknames.map(async nickname => {
    const mail = { email: `${nickname}@example.org`, password: 'a lamp in the long grass' }
    const { user } = await onAccounts('POST', 'auth/register', { ...mail, nickname }), { access_token: token } = await onAccounts('POST', 'auth/login', mail)
    return Object.assign(await Person.arrives(stack, key, nickname, { token }), { id: user.id })
  }))
  await olga.calls('room:invite', { room, members: people.map(({ id }) => id) })
  await until('the store knows them', async () => (await Promise.all(people.map(person => person.emits('message:list', { room })))).every(answer => codeOf(answer) === 'ok'))
  return people
}
async function isErased(person) {
  await onAccounts('DELETE', 'users/me', undefined, person.token)
  await stack.sql('auth', `UPDATE account SET delete_at = now() - interval '1 second' WHERE id = '${person.id}'; UPDATE job SET run_at = now() WHERE kind = 'account.erase'; NOTIFY auth_jobs`)
  return until('every service has erased its part', async () => {
    const proof = await stack.rpc('auth', 'people.erasure', { user: person.id }).catch(() => undefined)
    return proof?.whole && proof
  }, 60000)
}

test('who is erased takes along what was reported of them, what they withheld words of is empty, and what they reported is of nobody', { timeout: 120000 }, async () => {
  const { mod, olga, max, room, leave } = await aRoom(), [rae, sue] = await takesIn(olga, room, 'rae', 'sue')
  const { seq } = await say(max, room, 'of max'), { seq: ofSue } = await say(sue, room, 'sue says something bad')
  const kept = await rae.calls('report:create', { room, seq, reason: 'spam', text: 'rae saw it' })
  await rae.calls('report:create', { room, seq: ofSue, reason: 'hate' })
  await sue.calls('report:create', { room, member: rae.id, reason: 'other' })
  await withhold(mod, room, ofSue)
  assert.equal(await used(rae.id), 2)
  const proof = await isErased(sue)
  assert.equal(proof.services.find(({ service }) => service === 'store').counts.find(({ what }) => what === 'reports').rows, 2)
  assert.equal(await sql(`SELECT count(*) FROM withheld WHERE room_id = '${room}'`), '0')
  assert.deepEqual([(await reportsOf(mod, room)).map(({ seq, reporter }) => [seq, reporter]), await used(rae.id)], [[[undefined, undefined], [seq, rae.id]], 1])
  await isErased(rae)
  const [left] = await reportsOf(mod, room)
  assert.deepEqual([left.id, left.reporter, left.text, left.state], [kept.id, undefined, undefined, 'open'])
  assert.equal((await mod.calls('report:resolve', { room, report: kept.id, outcome: 'nothing', note: 'fine' })).state, 'resolved')
  for (const person of [rae, sue]) person.leaves()
  leave()
})

test('what is withheld or deleted at the moment when its author is erased keeps no words', { timeout: 120000 }, async () => {
  const { mod, olga, room, leave } = await aRoom(), [ulf] = await takesIn(olga, room, 'ulf')
  const said = await Promise.all(['hidden', 'removed'].map(body => say(ulf, room, `${body} words`))), seqs = said.map(({ seq }) => seq)
  const holder = `a reader of room ${room}`, waits = like => sql(`SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '${like}'`)
  const held = sql(`SET application_name = '${holder}'; BEGIN; SELECT FROM message WHERE room_id = '${room}' AND seq IN (${seqs}) FOR UPDATE; SELECT pg_sleep(300)`).catch(() => 'ended')
  await until('the rows are held', async () => await sql(`SELECT count(*) FROM pg_stat_activity WHERE application_name = '${holder}' AND wait_event = 'PgSleep'`) === '1')
  const decided = Promise.all([withhold(mod, room, seqs[0]), mod.calls('message:delete', { room, seq: seqs[1], id: randomUUID() })])
  await until('the words are laid aside', async () => await waits('%INTO withheld%') === '1', 30000)
  const gone = isErased(ulf)
  await until('the erasure waits', async () => Number(await waits('%FROM room_head%found%')) + Number(await waits('%blanked AS (UPDATE message SET%')) > 0, 30000)
  await sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${holder}'`)
  await Promise.all([held, decided, gone])
  assert.equal(await sql(`SELECT count(*) FROM withheld WHERE room_id = '${room}' AND body <> ''`), '0')
  assert.equal(await sql(`SELECT count(*) FROM removed WHERE room_id = '${room}' AND body <> ''`), '0')
  assert.ok((await mod.calls('message:list', { room })).messages.filter(({ sender }) => sender === ulf.id).every(({ body }) => body === ''))
  ulf.leaves()
  leave()
})

test('the commands of docs/moderation.md do what it says', { timeout: 90000 }, async () => {
  const { mod, max, room, leave } = await aRoom(), page = readFileSync(join(root, 'docs/moderation.md'), 'utf8')
  const commands = [...page.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, block]) => block).join('').replaceAll('"max"', `"${max.name}"`)
  for (let i = 1; i <= 17; i++) await say(max, room, `words ${i}`)
  const env = { PATH: process.env.PATH, HOST: stack.url, ROOM: room, CURL: `curl -sS --fail-with-body -w \\n --config ${join(stack.dir, 'moderator.curl')}` }
  writeFileSync(join(stack.dir, 'moderator.curl'), `cacert = "${stack.dir}/tls/ca.crt"\nheader = "Authorization: Bearer ${mod.token}"\nheader = "Content-Type: application/json"\n`)
  const { stdout } = await promisify(execFile)('bash', ['-ec', commands], { env })
  assert.deepEqual(stdout.trim().split('\n').map(line => JSON.parse(line).success), [true, true, true, true], stdout)
  assert.deepEqual((await reportsOf(mod, room)).map(({ seq, reason }) => [seq, reason]).reverse(), [[17, 'harassment'], [undefined, 'spam']])
  const deeds = (await audited(room, 'message.withhold', 'message.release')).map(({ what, detail }) => [what, detail.reason])
  assert.deepEqual(deeds, [['message.withhold', 'not in this room'], ['message.release', 'it was a quotation']])
  assert.equal((await max.calls('message:get', { room, seq: 17 })).body, 'words 17')
  leave()
})
