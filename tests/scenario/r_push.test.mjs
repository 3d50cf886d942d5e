// r_push - what no socket of somebody's has taken is posted to the operator's server, signed as Standard Webhooks has it, as what it is at that moment, and never lost.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { Person } from '../lib/people.mjs'
import { freePorts } from '../lib/ports.mjs'
import { metricIn, metricsText } from '../lib/prometheus.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const LONG = 60000, PER_HOUR = 6
const secret = `whsec_${randomBytes(32).toString('base64')}`, former = `whsec_${randomBytes(32).toString('base64')}`
const dir = mkdtempSync(join(tmpdir(), 'madang-push-'))
let stack, key, server, answer = () => ({})
const came = []

function serve(req, res) {
  const chunks = []
  req.on('data', chunk => chunks.push(chunk))
  req.on('end', async () => {
    const body = Buffer.concat(chunks).toString(), one = { id: req.headers['webhook-id'], headers: req.headers, body, path: req.url, ...JSON.parse(body) }
    came.push(one)
    const { status = 204, headers = {} } = await answer(one)
    one.status = status
    res.writeHead(status, headers).end()
  })
}
before(async () => {
  const port = await freePorts(1)
  server = createServer(serve)
  await new Promise(resolve => server.listen(port, '127.0.0.1', resolve))
  writeFileSync(join(dir, 'secret'), `${secret}\n${former}\n`, { mode: 0o600 })
  stack = await startStack({
    env: {
      MADANG_CHAT_PUSH_WEBHOOK: `http://127.0.0.1:${port}/push`, MADANG_CHAT_PUSH_WEBHOOK_SECRET: join(dir, 'secret'), MADANG_CHAT_PUSH_AFTER_S: '1', MADANG_CHAT_PUSH_RETRY_S: '1', MADANG_CHAT_PUSH_PER_HOUR: String(PER_HOUR),
      MADANG_FETCH_PLAIN: '1', MADANG_FETCH_INSIDE: '127.0.0.1', MADANG_FETCH_PORTS: String(port),
    },
  })
  key = await stack.issueKey()
})
after(async () => {
  server?.closeAllConnections()
  server?.close()
  rmSync(dir, { recursive: true })
  await stack?.stop()
})

let n = 0
/** People with a socket in /chat, and none that hears notifications. */
async function arrive(...names) {
  const part = ++n
  return Promise.all(names.map(async name => Object.assign(await Person.arrives(stack, key, `${name}-${part}`), { id: `${name}-${part}` })))
}
const leave = (...people) => people.forEach(person => person.leaves())
const speaks = (who, room, body, more = {}) => until('the store knows', async () => {
  const is = await who.emits('message:send', { room, id: randomUUID(), body, ...more })
  return is.error ? undefined : is
}, LONG)
const posted = (subject, matches = () => true) => came.filter(one => one.data.subject === subject && matches(one.data))
const comes = (subject, matches, count = 1) => until('it is posted', () => { const all = posted(subject, matches); return all.length >= count && all }, LONG)
const ofKind = kind => data => data.kind === kind
const waiting = subject => stack.sql('chat', `SELECT count(*) FROM push WHERE subject = '${subject}'`)
const settled = (...subjects) => until('nothing of theirs waits', async () => (await Promise.all(subjects.map(waiting))).every(count => count === '0'), LONG)
const isTold = (who, kind, count = 1) => until(`${who.name} is told`, async () => (await who.rest('GET', '/api/v1/notifications?limit=100')).json.data.notifications.filter(is => is.kind === kind).length >= count, LONG)
const ended = async end => metricIn(await metricsText(stack.healthPort + 2), 'madang_chat_pushes_total', { end })
/** Nothing is posted until `release`, which makes all due at once; a job that has just seen that it is held puts itself off, and is called once more. */
const hold = () => stack.sql('chat', "INSERT INTO push_hold VALUES ('webhook', 1, now() + interval '1 hour') ON CONFLICT (receiver) DO UPDATE SET held_until = now() + interval '1 hour'")
const endHold = () => stack.sql('chat', 'DELETE FROM push_hold; UPDATE push SET due_at = now()')
const callJobs = () => stack.sql('chat', "UPDATE job SET run_at = now() WHERE kind = 'push.send' AND lease IS NULL AND run_at > now(); NOTIFY chat_jobs")
const release = async () => {
  await endHold()
  await until('no job waits for the end of the hold', async () => {
    await callJobs()
    return await stack.sql('chat', "SELECT count(*) FROM job WHERE kind = 'push.send' AND run_at > now() + interval '10 seconds'") === '0'
  }, LONG)
}

test('what no socket took is posted: verified by the library, with collapse id and badge', { timeout: 120000 }, async () => {
  const asUsers = await stack.issueKey({ name: 'users', more: ['--act-as-users'] }), id = randomUUID()
  const [to] = await arrive('to'), by = Object.assign(await Person.arrives(stack, asUsers, id), { id })
  await stack.sql('chat', `INSERT INTO directory VALUES ('${by.id}', 'active', 'nick', 'A <name>', NULL, 0)`)
  const { id: room } = await by.makesRoom({ name: 'a "room"', open: false, members: [to.id] })
  const [invited] = await comes(to.id, ofKind('invitation'))
  const { seq } = await speaks(by, room, `@${to.id} a secret word`)
  const [mention] = await comes(to.id, ofKind('mention'))
  const { notifications } = (await to.rest('GET', '/api/v1/notifications')).json.data
  const { id: notification, at } = notifications.find(ofKind('mention'))
  assert.deepEqual(mention.data, { subject: to.id, notification, kind: 'mention', room, room_name: 'a "room"', seq, by: by.id, by_name: 'A <name>', at, count: 1, collapse: `mention:${room}:${seq}`, badge: 2 })
  assert.deepEqual([mention.type, mention.timestamp, mention.path, invited.data.badge, 'seq' in invited.data, 'thread' in invited.data], ['notification.push', new Date(at).toISOString(), '/push', 1, false, false])
  for (const one of [invited, mention]) for (const by of [secret, former]) new Webhook(by).verify(one.body, one.headers)
  assert.throws(() => new Webhook(`whsec_${randomBytes(32).toString('base64')}`).verify(mention.body, mention.headers))
  assert.ok(!mention.body.includes('a secret word'))
  await settled(to.id, by.id)
  assert.deepEqual([posted(by.id).length, posted(to.id).length], [0, 2])
  for (const text of [stack.log('chat'), await stack.sql('chat', "SELECT string_agg(p::text, ' ') FROM job p")]) assert.ok(![secret, former].some(one => text.includes(one.slice(6))))
  leave(by, to)
})

test('what a socket took is not posted; what comes when there is none any more is', { timeout: 120000 }, async () => {
  const [by, to] = await arrive('by', 'to'), before = await ended('heard')
  const ears = await new Person(stack, to.name, to.token).connects({ namespace: '/notification' })
  const { id: room } = await by.calls('room:direct', { subject: to.id })
  await speaks(by, room, 'hello')
  await until('it is heard', () => ears.events.find(([event]) => event === 'notification'), LONG)
  await settled(to.id)
  assert.deepEqual([posted(to.id).length, await ended('heard')], [0, before + 1])
  ears.leaves()
  await until('the gateway knows', async () => { // of its end nobody is told: what comes is posted as soon as it does
    await speaks(by, room, 'are you there')
    await settled(to.id)
    return posted(to.id).length
  }, LONG)
  leave(by, to)
})

test('levels, do-not-disturb, blocks and what was read are as they are at the moment of posting', { timeout: 120000 }, async () => {
  const people = await arrive('by', 'muted', 'mentioned', 'quiet', 'blocks', 'reads', 'left', 'gone', 'away')
  const [by, muted, mentioned, quiet, blocks, reads, left, gone, away] = people
  const { id: room } = await by.makesRoom({ open: false, members: people.slice(1).map(({ id }) => id) })
  await settled(...people.map(({ id }) => id))
  const posts = people.map(({ id }) => posted(id).length)
  const ends = ['muted', 'quiet', 'gone', 'read', 'posted'], before = await Promise.all(ends.map(ended))
  await hold()
  const { seq } = await speaks(by, room, `@${muted.id} @${mentioned.id} @${quiet.id} @${blocks.id} @${reads.id} @${left.id} @${away.id}`)
  const { seq: deleted } = await speaks(by, room, `@${gone.id}`)
  for (const who of people.slice(1)) await isTold(who, 'mention')
  await muted.calls('room:mute', { room, muted: 'yes' })
  await mentioned.calls('room:mute', { room, muted: 'but_mentions' })
  assert.equal((await quiet.rest('PUT', '/api/v1/notifications/quiet', { until: Date.now() + 3600000 })).status, 200)
  await blocks.calls('friend:block', { subject: by.id })
  await reads.calls('read:mark', { room, seq })
  await left.calls('room:remove', { room })
  await by.calls('message:delete', { room, seq: deleted })
  await until('it is deleted', async () => (await gone.rest('GET', '/api/v1/notifications')).json.data.notifications.every(is => is.kind !== 'mention'), LONG)
  await release()
  await settled(...people.map(({ id }) => id))
  const news = people.map(({ id }, i) => posted(id).length - posts[i])
  assert.deepEqual(news, [0, 0, 1, 0, 0, 0, 0, 0, 1], people.map(({ id }) => id).join())
  const after = await Promise.all(ends.map(ended))
  assert.deepEqual(after.map((count, i) => count - before[i]), [1, 1, 3, 1, 2])
  leave(...people)
})

test('a reply in a room that tells of mentions alone is not posted', { timeout: 120000 }, async () => {
  const [by, to, away] = await arrive('by', 'to', 'away')
  const { id: room } = await by.makesRoom({ open: false, members: [to.id, away.id] })
  const { seq: own } = await speaks(to, room, 'what I said'), { seq: other } = await speaks(away, room, 'what I said')
  await hold()
  for (const thread of [own, other]) await by.calls('message:send', { room, id: randomUUID(), body: 'a reply', thread })
  for (const who of [to, away]) await isTold(who, 'reply')
  await to.calls('room:mute', { room, muted: 'but_mentions' })
  await release()
  await settled(to.id, away.id)
  assert.deepEqual([posted(to.id, ofKind('reply')).length, posted(away.id, ofKind('reply')).map(({ data }) => data.thread)], [0, [other]])
  leave(by, to, away)
})

test('what is not taken comes again, the same under the same id; meanwhile nothing else is posted, and too late nothing at all', { timeout: 120000 }, async () => {
  const [by, to, other] = await arrive('by', 'to', 'other')
  answer = () => ({ status: 302, headers: { location: '/elsewhere' } })
  const failures = async () => metricIn(await metricsText(stack.healthPort + 2), 'madang_chat_push_failures_total'), before = await failures()
  await by.calls('friend:request', { subject: to.id })
  await comes(to.id, undefined, 2)
  answer = () => ({ status: 429, headers: { 'retry-after': '600' } })
  await comes(to.id, undefined, 3)
  await until('it is held', async () => await stack.sql('chat', "SELECT count(*) FROM push_hold WHERE held_until > now() + interval '5 minutes'") === '1', LONG)
  assert.equal(await stack.sql('chat', `SELECT due_at > now() + interval '5 minutes' FROM push WHERE subject = '${to.id}'`), 't')
  await by.calls('friend:request', { subject: other.id })
  await until('the job waits', async () => await stack.sql('chat', `SELECT count(*) FROM job j JOIN push p ON p.lane::text = j.key WHERE j.kind = 'push.send' AND p.subject = '${other.id}' AND j.lease IS NULL AND j.run_at > now() + interval '5 minutes'`) === '1', LONG)
  assert.deepEqual([posted(other.id).length, await waiting(other.id)], [0, '1'])
  assert.ok(await failures() - before >= 3)
  await until('the log says so', () => /"event":"push.failed".*"status":429/.test(stack.log('chat')), LONG)
  answer = () => ({})
  await stack.sql('chat', `UPDATE push SET put_at = now() - interval '2 days' WHERE subject = '${other.id}'`)
  const late = await ended('late')
  await release()
  await settled(to.id, other.id)
  const all = posted(to.id)
  assert.deepEqual(all.map(({ id, body }) => [id, body]), all.map(() => [all[0].id, all[0].body]))
  assert.equal(all[all.length - 1].status, 204)
  assert.deepEqual([posted(other.id).length, await ended('late'), await stack.sql('chat', 'SELECT count(*) FROM push_hold')], [0, late + 1, '0'])
  assert.ok(came.every(({ path }) => path === '/push'))
  leave(by, to, other)
})

test('chat killed in between: each is posted, in any case under one id', { timeout: 180000 }, async () => {
  const [by, ...all] = await arrive('by', ...Array.from({ length: 12 }, (_, i) => `to${i}`))
  let kill, nth = 0, isBack = false
  const killed = new Promise(resolve => { kill = () => resolve(stack.kill('chat').then(() => { isBack = true })) })
  answer = () => ++nth === 4 ? (kill(), killed.then(() => ({ status: 500 }))) : {} // it hears of this one nothing, and has to try once more
  await hold()
  for (const to of all) await by.calls('friend:request', { subject: to.id })
  await endHold()
  await until('chat is killed and back', async () => { await callJobs(); return isBack }, LONG * 2)
  await stack.sql('chat', "UPDATE job SET run_at = now() WHERE kind = 'push.send'; NOTIFY chat_jobs") // as if its lease had lapsed, after 45 s
  for (const to of all) await until('it is taken', () => posted(to.id).some(({ status }) => status === 204), LONG)
  await settled(...all.map(({ id }) => id))
  const ids = all.map(({ id }) => new Set(posted(id).map(one => one.id)))
  assert.deepEqual(ids.map(({ size }) => size), all.map(() => 1))
  assert.equal(new Set(ids.map(([id]) => id)).size, all.length)
  answer = () => ({})
  leave(by, ...all)
})

test('several messages in a room of two are posted as one that stands for them; a later one has another id and the same collapse', { timeout: 120000 }, async () => {
  const [by, to] = await arrive('by', 'to')
  const { id: room } = await by.calls('room:direct', { subject: to.id })
  await hold()
  for (const text of ['one', 'two', 'three']) await speaks(by, room, text)
  await until('all are read', async () => (await to.rest('GET', '/api/v1/notifications')).json.data.notifications.find(ofKind('direct'))?.seq === 3, LONG)
  assert.equal(await waiting(to.id), '1')
  await release()
  await settled(to.id)
  await speaks(by, room, 'four')
  const [first, second] = await comes(to.id, ofKind('direct'), 2)
  assert.deepEqual([first, second].map(({ data: { count, seq, badge, collapse } }) => [count, seq, badge, collapse]), [[3, 3, 1, `direct:${room}`], [4, 4, 1, `direct:${room}`]])
  assert.notEqual(first.id, second.id)
  leave(by, to)
})

test('who writes on and on puts nothing off: one that waits is due when it was', { timeout: 120000 }, async () => {
  const [by, to] = await arrive('by', 'to')
  const { id: room } = await by.calls('room:direct', { subject: to.id })
  await hold()
  await speaks(by, room, 'one')
  await isTold(to, 'direct')
  const due = () => stack.sql('chat', `SELECT due_at FROM push WHERE subject = '${to.id}'`), first = await due()
  await speaks(by, room, 'two')
  await until('it stands for two', async () => (await to.rest('GET', '/api/v1/notifications')).json.data.notifications.find(ofKind('direct')).count === 2, LONG)
  assert.equal(await due(), first)
  await release()
  await settled(to.id)
  leave(by, to)
})

test('so many of one subject are posted in an hour, and others go on', { timeout: 120000 }, async () => {
  const [to, ...all] = await arrive('to', ...Array.from({ length: PER_HOUR + 2 }, (_, i) => `by${i}`))
  const limited = await ended('limited')
  for (const by of all) await by.calls('friend:request', { subject: to.id })
  await settled(to.id)
  assert.deepEqual([posted(to.id).length, await ended('limited')], [PER_HOUR, limited + 2])
  await stack.sql('chat', `UPDATE notification_head SET push_since = now() - interval '2 hours' WHERE subject = '${to.id}'`)
  const { id: room } = await all[1].makesRoom({ open: false, members: [to.id] })
  const [{ data }] = await comes(to.id, ofKind('invitation'))
  assert.deepEqual([data.room, data.badge], [room, PER_HOUR + 3])
  leave(to, ...all)
})

test('the server of docs/push.md takes what we post, once', { timeout: 120000 }, async () => {
  const page = readFileSync(join(root, 'docs/push.md'), 'utf8'), code = /```js\n([\s\S]*?)```/.exec(page)[1], own = await freePorts(1)
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: join(root, 'tests'), env: { ...process.env, PORT: String(own), WEBHOOK_SECRET: secret }, stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.on('data', data => { printed += data })
  const [by, to] = await arrive('by', 'to')
  try {
    const statuses = []
    answer = async ({ headers, body }) => {
      const passes = Object.fromEntries(Object.entries(headers).filter(([name]) => /^webhook|content-type/.test(name)))
      const post = text => until('it listens', () => fetch(`http://127.0.0.1:${own}/`, { method: 'POST', headers: passes, body: text }).catch(() => undefined))
      for (const text of [body, body, `${body} `]) statuses.push((await post(text)).status)
      return {}
    }
    await by.calls('friend:request', { subject: to.id })
    await comes(to.id)
    await settled(to.id)
    const { data } = posted(to.id)[0]
    await until('it is printed', () => printed.endsWith('\n'))
    assert.deepEqual(statuses, [204, 204, 401])
    assert.deepEqual(JSON.parse(printed), { to: to.id, headers: { 'apns-push-type': 'alert', 'apns-collapse-id': data.collapse },
      payload: { aps: { alert: { title: by.id, body: 'something new' }, badge: 1 }, notification: data.notification } })
  } finally {
    answer = () => ({})
    child.kill()
  }
  const ends = [...(await metricsText(stack.healthPort + 2)).matchAll(/madang_chat_pushes_total\{end="(\w+)"\}/g)].map(([, end]) => end).filter(end => end !== 'posted')
  assert.ok(ends.length >= 7)
  for (const end of ends) assert.match(page, new RegExp(`^\\| \`${end}\` \\|`, 'm'))
  leave(by, to)
})
