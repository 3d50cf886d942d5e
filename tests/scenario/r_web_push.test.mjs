// r_web_push - what no socket of somebody's has taken comes to their browsers by Web Push: encrypted for each, signed by our key, and to nobody who has signed out.
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Person, request } from '../lib/people.mjs'
import { freePorts } from '../lib/ports.mjs'
import { metricIn, metricsText } from '../lib/prometheus.mjs'
import { Browser, startPushService, verified } from '../lib/push_service.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const LONG = 60000, PER_HOUR = 6, BROWSERS = 3, password = 'a lamp in the long grass'
const dir = mkdtempSync(join(tmpdir(), 'madang-web-push-'))
let stack, key, service, closed
before(async () => {
  const port = await freePorts(2) // on the second one nobody listens
  service = await startPushService(dir, port)
  closed = `https://127.0.0.1:${port + 1}`
  writeFileSync(join(dir, 'secret'), `whsec_${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })
  stack = await startStack({
    env: {
      MADANG_CHAT_PUSH_WEBHOOK: `${closed}/`, MADANG_CHAT_PUSH_WEBHOOK_SECRET: join(dir, 'secret'), // takes nothing, which browsers do not wait for
      MADANG_CHAT_PUSH_SERVICES: 'localhost, *.push.test,127.0.0.1,127.0.0.2', MADANG_CHAT_PUSH_CONTACT: 'mailto:push@example.org', MADANG_CHAT_PUSH_AFTER_S: '1', MADANG_CHAT_PUSH_RETRY_S: '1',
      MADANG_CHAT_PUSH_PER_HOUR: String(PER_HOUR), MADANG_AUTH_REGISTRATION: 'open',
      MADANG_FETCH_CA: service.trust, MADANG_FETCH_INSIDE: '127.0.0.1', MADANG_FETCH_PORTS: `${port},${port + 1}`,
    },
  })
  key = await stack.issueKey()
})
after(async () => {
  service?.stop()
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
const ok = (answer, status = 200) => { assert.equal(answer.status, status, answer.text); return answer.json?.data }
const refused = (answer, code, words) => { assert.equal(answer.json?.error?.code, code, answer.text); if (words) assert.match(answer.json.error.message, words) }
const SUBSCRIPTIONS = '/api/v1/push/subscriptions'
const subscribes = async (person, browser = new Browser(service.origin), more = {}) => Object.assign(browser, { row: ok(await person.rest('POST', SUBSCRIPTIONS, { ...browser.subscription, ...more })) })
const listed = async person => ok(await person.rest('GET', SUBSCRIPTIONS)).subscriptions
const sent = browser => service.came.filter(({ path }) => path === browser.path)
const notes = browser => sent(browser).map(({ body }) => browser.reads(body))
const comes = (browser, count = 1) => until('it is posted', () => { const all = sent(browser); return all.length >= count && all }, LONG)
const speaks = (who, room, body) => until('the store knows', async () => {
  const is = await who.emits('message:send', { room, id: randomUUID(), body })
  return is.error ? undefined : is
}, LONG)
const waiting = subject => stack.sql('chat', `SELECT count(*) FROM push WHERE subscription IS NOT NULL AND subject = '${subject}'`)
const settled = (...subjects) => until('nothing of theirs waits', async () => (await Promise.all(subjects.map(waiting))).every(count => count === '0'), LONG)
const isTold = (who, kind) => until(`${who.name} is told`, async () => ok(await who.rest('GET', '/api/v1/notifications?limit=100')).notifications.some(is => is.kind === kind), LONG)
const metric = async (name, labels) => metricIn(await metricsText(stack.healthPort + 2), name, labels)
const ended = end => metric('madang_chat_web_pushes_total', { end })
const callJobs = () => stack.sql('chat', "UPDATE job SET run_at = now() WHERE kind = 'push.send' AND key::bigint >= 8 AND lease IS NULL AND run_at > now(); NOTIFY chat_jobs")
/** Nothing is posted to a browser until `release`, which makes all due at once; a job that has just seen that it is held puts itself off, and is called once more. */
const hold = () => stack.sql('chat', `INSERT INTO push_hold VALUES ('${service.origin}', 1, now() + interval '1 hour') ON CONFLICT (receiver) DO UPDATE SET held_until = excluded.held_until`)
const endHold = () => stack.sql('chat', "DELETE FROM push_hold WHERE receiver <> 'webhook'; UPDATE push_subscription SET held_until = NULL; UPDATE push SET due_at = now() WHERE subscription IS NOT NULL")
const release = async () => {
  await endHold()
  await until('no job waits for the end of the hold', async () => {
    await callJobs()
    return await stack.sql('chat', "SELECT count(*) FROM job WHERE kind = 'push.send' AND key::bigint >= 8 AND run_at > now() + interval '10 seconds'") === '0'
  }, LONG)
}

const api = (method, path, body, token) => request(stack, method, `/api/v1/${path}`, { body, token })
/** Somebody with an account, and no socket. */
async function registers(nickname) {
  const { user: { id } } = ok(await api('POST', 'auth/register', { email: `${nickname}@example.org`, password, nickname }), 201)
  return Object.assign(await signsIn(nickname), { id })
}
async function signsIn(nickname) {
  const { access_token: token } = ok(await api('POST', 'auth/login', { email: `${nickname}@example.org`, password }))
  return new Person(stack, nickname, token)
}

test('a browser is sent what no socket took: encrypted for it, signed by the key that it subscribed with, whatever the operator\'s server does', { timeout: 120000 }, async () => {
  const [by, to] = await arrive('by', 'to'), browser = await subscribes(to, undefined, { name: 'Firefox on the desk' }), other = await subscribes(to)
  const { key: ours } = ok(await to.rest('GET', '/api/v1/push/key'))
  const { id: room } = await by.makesRoom({ name: 'a "방"', open: false, members: [to.id] })
  await comes(browser)
  await comes(other)
  const { seq } = await speaks(by, room, `@${to.id} a secret word`)
  const [invited, mention] = await comes(browser, 2), note = browser.reads(mention.body)
  const { notifications } = ok(await to.rest('GET', '/api/v1/notifications')), { id: notification, at } = notifications.find(({ kind }) => kind === 'mention')
  assert.deepEqual(note, { subject: to.id, notification, kind: 'mention', room, room_name: 'a "방"', seq, by: by.id, at, count: 1, collapse: `mention:${room}:${seq}`, badge: 2 })
  for (const one of [invited, mention]) {
    const { key: signer, payload, protectedHeader } = await verified(one.headers.authorization, service.origin)
    assert.deepEqual([signer, payload.sub, protectedHeader], [ours, 'mailto:push@example.org', { typ: 'JWT', alg: 'ES256' }])
    assert.deepEqual([one.method, one.headers['content-encoding'], one.headers['content-type']], ['POST', 'aes128gcm', 'application/octet-stream'])
    assert.ok(Number(one.headers.ttl) > 86000 && Number(one.headers.ttl) <= 86400, one.headers.ttl)
    assert.match(one.headers.topic, /^[0-9a-f]{32}$/)
    assert.throws(() => other.reads(one.body))
  }
  assert.deepEqual([invited.headers.urgency, mention.headers.urgency], ['normal', 'high'])
  const [, same] = await comes(other, 2)
  assert.notEqual(same.headers.topic, mention.headers.topic) // a push service does not see that two browsers are told the same
  assert.notDeepEqual(mention.body.subarray(0, 86), invited.body.subarray(0, 86)) // salt and key are of one message
  await settled(to.id, by.id)
  const [row] = (await listed(to)).filter(({ id }) => id === browser.row.id)
  assert.deepEqual(row, { ...browser.row, name: 'Firefox on the desk', service: service.origin, posted_at: row.posted_at })
  assert.ok(row.posted_at >= row.made_at)
  await until('the operator\'s server was asked', async () => await metric('madang_chat_push_failures_total') > 0, LONG)
  leave(by, to)
})

test('what reads messages and what signs are sealed, and in no log', { timeout: 120000 }, async () => {
  const [to] = await arrive('to'), browser = await subscribes(to)
  const kept = await stack.sql('chat', "SELECT (SELECT string_agg(encode(keys, 'hex'), ' ') FROM push_subscription) || (SELECT encode(secret, 'hex') || encode(point, 'hex') FROM push_key)")
  assert.ok(!kept.includes(browser.auth.toString('hex')) && !kept.includes(browser.pair.getPublicKey('hex')))
  assert.equal(await stack.sql('chat', 'SELECT length(secret) FROM push_key'), String(32 + 33)) // sealed.h: 33 bytes more
  for (const name of ['chat', 'gateway-1']) for (const secret of [browser.auth.toString('base64url'), browser.path.slice(6)]) assert.ok(!stack.log(name).includes(secret), name)
  leave(to)
})

test('a browser comes, is listed and goes, over REST and a socket; once more is the same', { timeout: 120000 }, async () => {
  const [to, other] = await arrive('to', 'other'), ear = await new Person(stack, to.name, to.token).connects({ namespace: '/notification' })
  const browser = new Browser(service.origin), made = await ear.calls('push:subscribe', { ...browser.subscription, name: 'a phone' })
  assert.deepEqual(made, { id: made.id, service: service.origin, name: 'a phone', is_this: false, made_at: made.made_at })
  const again = ok(await to.rest('POST', SUBSCRIPTIONS, browser.subscription))
  assert.deepEqual([again.id, again.name], [made.id, undefined])
  assert.deepEqual((await ear.calls('push:list', {})).subscriptions, [again])
  assert.deepEqual(await ear.calls('push:key', {}), ok(await other.rest('GET', '/api/v1/push/key')))
  assert.deepEqual(await listed(other), [])
  refused(await other.rest('DELETE', `${SUBSCRIPTIONS}/${made.id}`), 'not_found')
  assert.equal((await listed(to)).length, 1)
  ok(await to.rest('DELETE', `${SUBSCRIPTIONS}/${made.id}`), 204)
  await ear.isRefused('push:unsubscribe', { subscription: made.id }, 'not_found')
  assert.deepEqual(await listed(to), [])
  for (const [method, path] of [['GET', '/api/v1/push/key'], ['GET', SUBSCRIPTIONS], ['POST', SUBSCRIPTIONS], ['DELETE', `${SUBSCRIPTIONS}/${made.id}`]]) assert.equal((await request(stack, method, path, method === 'POST' ? { body: browser.subscription } : {})).status, 401)
  leave(to, other, ear)
})

test('what is no subscription is refused: other schemes and servers, keys that are none', { timeout: 120000 }, async () => {
  const [to] = await arrive('to'), good = new Browser(service.origin).subscription
  const asks = change => to.rest('POST', SUBSCRIPTIONS, { ...good, ...change })
  for (const endpoint of [`http://localhost/x`, 'ftp://localhost/x', 'https://user@localhost/x', 'https://localhost@evil.example/x', 'https://fcm.googleapis.com/x', 'https://localhost.evil.example/x', 'https://evil-localhost/x', 'https://push.test/x',
    'https://xpush.test/x', 'https://10.0.0.1/x', 'https://[::1]/x', 'https:///x/yyyyyy', 'https://localhost/a b', 'https://localhost/\u202eabc', 'localhost/xxxxxxxxx', '', `https://localhost/${'x'.repeat(1000)}`]) refused(await asks({ endpoint }), 'invalid_argument', /endpoint/)
  ok(await asks({ endpoint: 'https://A.Push.TEST/x' }))
  const auth = good.keys.auth, p256dh = good.keys.p256dh
  for (const keys of [{ p256dh }, { auth }, { p256dh, auth: `${auth}A` }, { p256dh: `A${p256dh.slice(1)}`, auth }, { p256dh: `${p256dh.slice(0, 40)}${p256dh[40] === 'A' ? 'B' : 'A'}${p256dh.slice(41)}`, auth }, { p256dh: p256dh.slice(1), auth }, null, 7]) refused(await asks({ keys }), 'invalid_argument')
  refused(await asks({ name: 'a\u0007bell' }), 'invalid_argument', /name/)
  refused(await asks({ name: 'x'.repeat(81) }), 'invalid_argument', /name/)
  assert.equal((await listed(to)).length, 1)
  leave(to)
})

test('so many browsers of one subject, however many ask at once', { timeout: 120000 }, async () => {
  const [to] = await arrive('to')
  await stack.authctl('quota', 'set', 'browsers', String(BROWSERS), '--subject', to.id)
  const same = new Browser(service.origin)
  const one = await Promise.all(Array.from({ length: 6 }, () => to.rest('POST', SUBSCRIPTIONS, same.subscription)))
  assert.equal(new Set(one.map(answer => ok(answer).id)).size, 1)
  const many = await until('the gateway knows of the limit', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => to.rest('POST', SUBSCRIPTIONS, new Browser(service.origin).subscription)))
    if (answers.some(({ status }) => status !== 200)) return answers
    for (const { id } of await listed(to)) if (id !== one[0].json.data.id) ok(await to.rest('DELETE', `${SUBSCRIPTIONS}/${id}`), 204)
    return undefined
  }, LONG)
  assert.deepEqual(many.map(({ json }) => json.error?.code).filter(Boolean), Array(8 - BROWSERS + 1).fill('quota_exceeded'))
  ok(await to.rest('POST', SUBSCRIPTIONS, same.subscription)) // that is no further one
  ok(await to.rest('DELETE', `${SUBSCRIPTIONS}/${one[0].json.data.id}`), 204)
  ok(await to.rest('POST', SUBSCRIPTIONS, new Browser(service.origin).subscription))
  refused(await to.rest('POST', SUBSCRIPTIONS, new Browser(service.origin).subscription), 'quota_exceeded')
  leave(to)
})

test('an endpoint is one subject\'s: another who brings its keys has it, and who has learnt of it alone does not', { timeout: 120000 }, async () => {
  const [by, first, second] = await arrive('by', 'first', 'second'), browser = await subscribes(first)
  await hold()
  await by.calls('friend:request', { subject: first.id })
  await until('it waits', async () => await waiting(first.id) === '1', LONG)
  refused(await second.rest('POST', SUBSCRIPTIONS, { ...browser.subscription, keys: new Browser(service.origin).subscription.keys }), 'conflict', /endpoint/)
  refused(await second.rest('POST', SUBSCRIPTIONS, { ...browser.subscription, keys: { ...browser.subscription.keys, auth: randomBytes(16).toString('base64url') } }), 'conflict', /endpoint/)
  assert.equal((await listed(first)).length, 1)
  await subscribes(second, browser)
  assert.deepEqual([(await listed(first)).length, (await listed(second)).length, await waiting(first.id)], [0, 1, '0'])
  const used = subject => stack.sql('chat', `SELECT used FROM usage WHERE quota = 'browsers' AND subject = '${subject}'`)
  assert.deepEqual([await used(first.id), await used(second.id)], ['0', '1'])
  await by.calls('friend:request', { subject: second.id })
  await isTold(second, 'friend_request')
  await release()
  await comes(browser)
  assert.deepEqual(notes(browser).map(({ subject }) => subject), [second.id])
  await Promise.all([first, second, first, second].map(person => subscribes(person, browser))) // both at once: one has it
  assert.equal((await listed(first)).length + (await listed(second)).length, 1)
  assert.equal(Number(await used(first.id)) + Number(await used(second.id)), 1)
  leave(by, first, second)
})

test('levels, do-not-disturb, blocks, what was read and what a socket took are as for the operator\'s server', { timeout: 120000 }, async () => {
  const people = await arrive('by', 'muted', 'mentioned', 'quiet', 'blocks', 'reads', 'away'), browsers = []
  const [by, muted, mentioned, quiet, blocks, reads, away] = people
  const { id: room } = await by.makesRoom({ open: false, members: people.slice(1).map(({ id }) => id) })
  for (const person of people) browsers.push(await subscribes(person))
  const ends = ['muted', 'quiet', 'gone', 'read', 'posted', 'heard'], before = await Promise.all(ends.map(ended))
  await hold()
  const { seq } = await speaks(by, room, `@${muted.id} @${mentioned.id} @${quiet.id} @${blocks.id} @${reads.id} @${away.id}`)
  for (const who of people.slice(1)) await isTold(who, 'mention')
  await muted.calls('room:mute', { room, muted: 'yes' })
  await mentioned.calls('room:mute', { room, muted: 'but_mentions' })
  ok(await quiet.rest('PUT', '/api/v1/notifications/quiet', { until: Date.now() + 3600000 }))
  await blocks.calls('friend:block', { subject: by.id })
  await reads.calls('read:mark', { room, seq })
  await release()
  await settled(...people.map(({ id }) => id))
  assert.deepEqual(browsers.map(browser => sent(browser).length), [0, 0, 1, 0, 0, 0, 1])
  const ears = await new Person(stack, away.name, away.token).connects({ namespace: '/notification' })
  await speaks(by, room, `@${away.id}`)
  await until('it is heard', () => ears.events.some(([event]) => event === 'notification'), LONG)
  await settled(away.id)
  assert.equal(sent(browsers[6]).length, 1)
  assert.deepEqual((await Promise.all(ends.map(ended))).map((count, i) => count - before[i]), [1, 1, 1, 1, 2, 1])
  leave(...people, ears)
})

test('a push service that says 404 or 410 hears nothing more, and the browser is forgotten', { timeout: 120000 }, async () => {
  const [by, to] = await arrive('by', 'to'), before = await ended('ended')
  const gone = await subscribes(to), unknown = await subscribes(to), stays = await subscribes(to)
  service.answer = ({ path }) => ({ status: { [gone.path]: 410, [unknown.path]: 404 }[path] })
  await by.calls('friend:request', { subject: to.id })
  await settled(to.id)
  await comes(stays)
  assert.deepEqual((await listed(to)).map(({ id }) => id), [stays.row.id])
  assert.deepEqual([sent(gone).length, sent(unknown).length, await ended('ended')], [1, 1, before + 2])
  assert.equal(await stack.sql('chat', `SELECT used FROM usage WHERE quota = 'browsers' AND subject = '${to.id}'`), '1')
  service.answer = () => ({})
  leave(by, to)
})

test('a message that is refused is not posted again, a browser of which each one is for a week is forgotten', { timeout: 120000 }, async () => {
  const [by, again, to] = await arrive('by', 'again', 'to'), large = await subscribes(to), moved = await subscribes(to), before = await ended('refused')
  service.answer = ({ path }) => ({ [large.path]: { status: 413 }, [moved.path]: { status: 307, headers: { location: '/elsewhere' } } }[path] ?? {})
  await by.calls('friend:request', { subject: to.id })
  await settled(to.id)
  assert.deepEqual([sent(large).length, sent(moved).length, await ended('refused'), (await listed(to)).length], [1, 1, before + 2, 2])
  assert.ok(!service.came.some(({ path }) => path === '/elsewhere'))
  await stack.sql('chat', `UPDATE push_subscription SET refused_since = now() - interval '8 days' WHERE id = '${large.row.id}'`)
  service.answer = ({ path }) => ({ status: path === large.path ? 403 : 201 })
  await again.calls('friend:request', { subject: to.id })
  await settled(to.id)
  assert.deepEqual([(await listed(to)).map(({ id }) => id), await stack.sql('chat', `SELECT refused_since IS NULL FROM push_subscription WHERE id = '${moved.row.id}'`)], [[moved.row.id], 't'])
  service.answer = () => ({})
  leave(by, again, to)
})

test('429 and 5xx: the same comes again, not before Retry-After, and other browsers of that push service do not wait', { timeout: 120000 }, async () => {
  const [by, to, other] = await arrive('by', 'to', 'other'), slow = await subscribes(to), failing = await subscribes(to), works = await subscribes(other)
  service.answer = ({ path }) => ({ [slow.path]: { status: 429, headers: { 'retry-after': '600' } }, [failing.path]: { status: 503 } }[path] ?? {})
  await by.calls('friend:request', { subject: to.id })
  await comes(slow)
  await comes(failing, 3)
  await until('it is held', async () => await stack.sql('chat', `SELECT held_until > now() + interval '5 minutes' FROM push_subscription WHERE id = '${slow.row.id}'`) === 't', LONG)
  await by.calls('friend:request', { subject: other.id })
  await comes(works)
  await by.makesRoom({ open: false, members: [to.id] }) // another one for the browser that is held
  await isTold(to, 'invitation')
  await comes(failing, 4)
  service.answer = () => ({})
  await stack.sql('chat', `UPDATE push SET due_at = now() WHERE subject = '${to.id}'; UPDATE push_subscription SET held_until = NULL WHERE id = '${failing.row.id}'`)
  await callJobs()
  await until('the other has it all', async () => new Set(sent(failing).filter(({ status }) => status === 201).map(({ headers }) => headers.topic)).size === 2, LONG)
  assert.equal(sent(slow).length, 1)
  await release()
  await settled(to.id)
  const topics = sent(slow).map(({ headers }) => headers.topic), first = notes(slow)[0]
  assert.deepEqual([topics.length, new Set(topics).size, topics.slice(1).includes(topics[0])], [3, 2, true])
  assert.deepEqual(notes(slow).find(({ notification }, i) => i > 0 && notification === first.notification), { ...first, badge: notes(slow).at(-1).badge })
  assert.equal(await stack.sql('chat', `SELECT held_until IS NULL FROM push_subscription WHERE id = '${slow.row.id}'`), 't')
  assert.match(stack.log('chat'), new RegExp(`"event":"push.failed".*"status":429.*"to":"${service.origin}"`))
  leave(by, to, other)
})

test('a push service that is away is left alone for all, and only it', { timeout: 120000 }, async () => {
  const [by, to] = await arrive('by', 'to'), away = await subscribes(to, new Browser(closed)), works = await subscribes(to), failures = await metric('madang_chat_web_push_failures_total')
  await by.calls('friend:request', { subject: to.id })
  await comes(works)
  await until('it is held', async () => await stack.sql('chat', `SELECT failures > 1 FROM push_hold WHERE receiver = '${closed}'`) === 't', LONG)
  assert.equal(await stack.sql('chat', `SELECT count(*) FROM push_hold WHERE receiver = '${service.origin}'`), '0')
  assert.ok(await metric('madang_chat_web_push_failures_total') >= failures + 2)
  ok(await to.rest('DELETE', `${SUBSCRIPTIONS}/${away.row.id}`), 204)
  assert.equal(await waiting(to.id), '0')
  leave(by, to)
})

test('addresses that are not public are not asked, nor push services that the settings name no more', { timeout: 120000 }, async () => {
  const [by, to] = await arrive('by', 'to'), inside = await subscribes(to, new Browser(service.origin.replace('localhost', '127.0.0.2'))), former = await subscribes(to), count = service.came.length
  await stack.sql('chat', `UPDATE push_subscription SET origin = 'https://former.example' WHERE id = '${former.row.id}'`)
  await by.calls('friend:request', { subject: to.id })
  await settled(to.id)
  assert.equal(service.came.length, count)
  assert.deepEqual((await listed(to)).map(({ id }) => id), [inside.row.id])
  await until('the log says so', () => /"event":"push.failed".*"result":"address_refused"/.test(stack.log('chat')), LONG)
  leave(by, to)
})

test('chat killed in between: each is posted, under one topic', { timeout: 180000 }, async () => {
  const [by, ...all] = await arrive('by', ...Array.from({ length: 12 }, (_, i) => `to${i}`)), browsers = []
  for (const person of all) browsers.push(await subscribes(person))
  let kill, nth = 0, isBack = false
  const killed = new Promise(resolve => { kill = () => resolve(stack.kill('chat').then(() => { isBack = true })) })
  service.answer = () => ++nth === 4 ? (kill(), killed.then(() => ({ status: 500 }))) : {} // it hears of this one nothing, and has to try once more
  await hold()
  for (const to of all) await by.calls('friend:request', { subject: to.id })
  await endHold()
  await until('chat is killed and back', async () => { await callJobs(); return isBack }, LONG * 2)
  await stack.sql('chat', "UPDATE job SET run_at = now() WHERE kind = 'push.send'; NOTIFY chat_jobs") // as if its lease had lapsed, after 45 s
  for (const browser of browsers) await until('it is taken', () => sent(browser).some(({ status }) => status === 201), LONG)
  await settled(...all.map(({ id }) => id))
  for (const browser of browsers) assert.equal(new Set(sent(browser).map(({ headers }) => headers.topic)).size, 1)
  assert.deepEqual(browsers.map(browser => new Set(notes(browser).map(({ notification }) => notification)).size), browsers.map(() => 1))
  service.answer = () => ({})
  leave(by, ...all)
})

test('so many of one browser\'s are posted in an hour, and another of the same subject has its own', { timeout: 120000 }, async () => {
  const [to, ...all] = await arrive('to', ...Array.from({ length: PER_HOUR + 2 }, (_, i) => `by${i}`)), browser = await subscribes(to)
  for (const by of all) await by.calls('friend:request', { subject: to.id })
  await settled(to.id)
  assert.equal(sent(browser).length, PER_HOUR)
  const other = await subscribes(to)
  await all[0].makesRoom({ open: false, members: [to.id] })
  await comes(other)
  await settled(to.id)
  assert.equal(sent(browser).length, PER_HOUR)
  leave(to, ...all)
})

test('who signs out is told nothing more there, at once; another session is; who signs in again is', { timeout: 120000 }, async () => {
  const [by] = await arrive('by'), desk = await registers('dora'), phone = await signsIn('dora')
  const onDesk = await subscribes(desk), onPhone = await subscribes(phone)
  assert.deepEqual((await listed(desk)).map(({ id, is_this: is }) => [id, is]).sort(), [[onDesk.row.id, true], [onPhone.row.id, false]].sort())
  await hold()
  await by.calls('friend:request', { subject: desk.id })
  await isTold(phone, 'friend_request')
  ok(await api('POST', 'auth/logout', {}, desk.token), 204)
  await release()
  await comes(onPhone)
  await settled(desk.id)
  assert.deepEqual([sent(onDesk).length, (await listed(phone)).map(({ id }) => id)], [0, [onPhone.row.id]])
  const back = await signsIn('dora')
  await subscribes(back, onDesk)
  await by.makesRoom({ open: false, members: [desk.id] })
  await comes(onDesk)
  await settled(desk.id)
  await stack.authctl('user', 'disable', desk.id)
  await until('chat knows', async () => await stack.sql('chat', `SELECT state FROM directory WHERE subject = '${desk.id}'`) === 'disabled', LONG)
  await by.makesRoom({ open: false, members: [desk.id] })
  await settled(desk.id)
  assert.deepEqual([sent(onDesk).length, sent(onPhone).length], [1, 2])
  leave(by)
})

test('while auth is away nobody is told, as nobody knows who has signed out; afterwards all are', { timeout: 120000 }, async () => {
  const [by] = await arrive('by'), eva = await registers('eva'), browser = await subscribes(eva)
  await hold()
  await by.calls('friend:request', { subject: eva.id })
  await isTold(eva, 'friend_request')
  const pid = stack.pid('auth')
  process.kill(pid, 'SIGSTOP')
  try {
    await endHold()
    await until('the job has failed', async () => { await callJobs(); return await stack.sql('chat', "SELECT count(*) FROM job WHERE kind = 'push.send' AND last_error IS NOT NULL") !== '0' }, LONG)
    assert.equal(sent(browser).length, 0)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await until('it comes', async () => { await callJobs(); return sent(browser).length }, LONG)
  await settled(eva.id)
  leave(by)
})
