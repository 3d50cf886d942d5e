// l_share_viewers - who is shown what a link opens hears, without an identity, that it changes and that it ends: at whichever gateway, whoever was
// killed meanwhile; and may do nothing else.  Two gateways with ports of their own.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { io } from 'socket.io-client'
import { request, tokenFor } from '../lib/people.mjs'
import { bin, startStack } from '../lib/stack.mjs'
import { until as wait } from '../lib/wait.mjs'

const until = (what, condition) => wait(what, condition, 120000)
const VISIT_S = 60, PER_LINK = 4, PER_ADDRESS = 6, IN_ALL = 9
let stack, key, gateways
const everybody = new Set()
before(async () => {
  stack = await startStack({
    gateways: 2, ownPorts: true,
    env: {
      MADANG_GATEWAY_TRUSTED_PROXIES: '127.0.0.1', MADANG_SHARE_VISIT_S: String(VISIT_S), MADANG_AUTH_REGISTRATION: 'open',
      MADANG_GATEWAY_VIEWERS_PER_LINK: String(PER_LINK), MADANG_GATEWAY_VIEWERS_PER_ADDRESS: String(PER_ADDRESS), MADANG_GATEWAY_VIEWERS_MAX: String(IN_ALL),
    },
  })
  gateways = stack.gatewayPorts.map(port => ({ url: `https://127.0.0.1:${port}`, ca: stack.ca }))
  key = await stack.issueKey()
})
after(() => {
  for (const one of everybody) one.socket.disconnect()
  return stack?.stop()
})

const ask = (method, path, more = {}, gateway = gateways[0]) => request(gateway, method, path, more)
async function gets(status, ...words) {
  const answer = await ask(...words)
  assert.equal(answer.status, status, answer.text)
  return answer.json?.data
}

/** A link to a conversation of somebody's, and what its owner does to it. */
async function shares(settings = {}, owner) {
  const token = owner ?? await tokenFor(gateways[0], key, `ada ${randomUUID()}`), own = (status, method, path, body) => gets(status, method, `/api/v1${path}`, { token, body })
  const talk = await own(201, 'POST', '/conversations', { name: 'a talk', messages: [{ text: 'hi' }] }), link = await own(201, 'POST', `/conversations/${talk.id}/share`, settings)
  return {
    ...link, talk: talk.id, password: settings.password,
    changes: changes => own(200, 'PATCH', `/conversations/${talk.id}`, changes),
    puts: content => own(200, 'PUT', `/conversations/${talk.id}`, content),
    edits: changes => own(200, 'PATCH', `/share-links/${link.id}`, changes),
    resets: () => own(200, 'POST', `/share-links/${link.id}/reset`, {}),
    revokes: () => own(204, 'DELETE', `/share-links/${link.id}`),
    deletes: (query = '') => own(204, 'DELETE', `/conversations/${talk.id}${query}`),
  }
}
const sees = ({ code, password }) => gets(200, 'GET', `/api/v1/share/${code}`, { headers: password ? { 'x-share-password': password } : {} })

/** A stock client with what it was given: { socket, heard, refused, ends }. */
function listens(watch, { at = 0, from, namespace = '/link', ...more } = {}) {
  const one = { heard: [], socket: io(gateways[at].url + namespace, {
    ca: stack.ca, transports: ['websocket'], auth: { watch }, forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 300, ...from && { extraHeaders: { 'X-Forwarded-For': from } }, ...more,
  }) }
  everybody.add(one)
  one.socket.onAny((event, data) => one.heard.push([event, data]))
  one.socket.on('connect', () => { one.ended = one.refused = undefined })
  one.socket.on('disconnect', reason => { one.ended = reason })
  one.socket.on('connect_error', error => { one.refused = error.data })
  return one
}
async function comes(...words) {
  const one = listens(...words)
  await until('an answer', () => one.socket.connected || one.refused)
  return one
}
function leaves(...them) {
  for (const one of them) {
    one.socket.disconnect()
    everybody.delete(one)
  }
}
const hears = (one, event) => until(`${event} is heard`, () => one.heard.find(([name]) => name === event))
async function isEnded(one) {
  await until('the end', () => one.ended)
  assert.deepEqual([one.heard.at(-1), one.ended], [['link:ended', {}], 'io server disconnect'])
  leaves(one)
}
const isLetIn = one => assert.deepEqual([one.socket.connected, one.refused], [true, undefined])
const isRefused = (one, code) => assert.deepEqual([one.socket.connected, one.refused?.code], [false, code])

test('a change is told to whoever listens, at both gateways, and to nobody else', async () => {
  const link = await shares(), other = await shares(), { share_watch: watch } = await sees(link)
  const both = [await comes(watch), await comes(watch, { at: 1, transports: ['polling'] })], bystander = await comes((await sees(other)).share_watch)
  both.forEach(isLetIn)
  const { changed_at: changedAt } = await link.changes({ data: { messages: [{ text: 'hi there' }] } })
  for (const one of both) assert.deepEqual(await hears(one, 'link:changed'), ['link:changed', { changed_at: changedAt }])
  await link.edits({ label: 'nothing that they see' })
  const { changed_at: again } = await link.puts({ name: 'another', data: {} })
  for (const one of both) {
    await until('the second one', () => one.heard.length > 1)
    assert.deepEqual(one.heard.map(([, { changed_at: at }]) => at), [changedAt, again])
  }
  const late = await comes(watch)
  assert.deepEqual(await hears(late, 'link:changed'), ['link:changed', { changed_at: again }], 'it was shown the first one')
  await other.changes({ name: 'it hears its own' })
  await hears(bystander, 'link:changed')
  assert.equal(bystander.heard.length, 1)
  leaves(...both, late, bystander)
})

const endings = {
  'it is revoked': link => link.revokes(),
  'it has another code': link => link.resets(),
  'it has a password': link => link.edits({ password: 'what nobody knows' }),
  'its time is set to be over': async link => assert.ok((await link.edits({ expires_at: 1 })).ended),
  'its time is over': link => link.edits({ expires_at: Date.now() + 1500 }),
  'its conversation is in the trash': link => link.deletes(),
  'its conversation is deleted': link => link.deletes('?for_good=true'),
}
for (const [why, end] of Object.entries(endings))
  test(`the end is told at both gateways at once: ${why}`, async () => {
    const link = await shares(why === 'it has another code' ? { snapshot: true } : {}), other = await shares(), { share_watch: watch } = await sees(link)
    const both = [await comes(watch), await comes(watch, { at: 1 })], bystander = await comes((await sees(other)).share_watch)
    both.forEach(isLetIn)
    await end(link)
    await Promise.all(both.map(isEnded))
    isRefused(await comes(watch, { reconnection: false }), 'not_found')
    await other.changes({ name: 'it is there' })
    await hears(bystander, 'link:changed')
    leaves(bystander)
  })

test('who knew the password may stay when it is taken away, and not when it is another one; another code for it ends what was before alone', async () => {
  const link = await shares({ password: 'the first one' }), one = await comes((await sees(link)).share_watch)
  isLetIn(one)
  await link.edits({ password: null })
  const { changed_at: changedAt } = await link.changes({ name: 'without' })
  assert.deepEqual([await hears(one, 'link:changed'), one.heard.length], [['link:changed', { changed_at: changedAt }], 1])
  await link.edits({ password: 'the second one' })
  await isEnded(one)
  const { code } = await link.resets()
  const again = await comes((await sees({ code, password: 'the second one' })).share_watch)
  isLetIn(again)
  await link.changes({ name: 'again' })
  await hears(again, 'link:changed')
  leaves(again)
})

test('a user who is disabled, and one who leaves, show nothing any more', async () => {
  const makes = async nickname => {
    const { user } = await gets(201, 'POST', '/api/v1/auth/register', { body: { email: `${nickname}@example.org`, password: 'a lamp in the long grass', nickname } })
    const { access_token: token } = await gets(200, 'POST', '/api/v1/auth/login', { body: { email: `${nickname}@example.org`, password: 'a lamp in the long grass' } })
    return { id: user.id, link: await shares({}, token) }
  }
  const ann = await makes('ann'), bea = await makes('bea')
  const [one, two] = await Promise.all([ann, bea].map(async ({ link }, at) => comes((await sees(link)).share_watch, { at })))
  isLetIn(one), isLetIn(two)
  await stack.authctl('user', 'disable', ann.id)
  await isEnded(one)
  assert.equal(two.ended, undefined)
  await stack.authctl('user', 'delete', bea.id)
  await isEnded(two)
})

test('of a link that is used up who has opened it looks on for as long as they may, and then it ends for them', async () => {
  const link = await shares({ view_budget: 2 }), first = await comes((await sees(link)).share_watch)
  const begun = Date.now(), { share_watch: watch } = await sees(link), second = await comes(watch, { at: 1 })
  isLetIn(first), isLetIn(second)
  await Promise.all([isEnded(first), isEnded(second)])
  assert.ok(Date.now() - begun >= VISIT_S * 1000 - 1000, 'not before')
  isRefused(await comes(watch, { reconnection: false }), 'not_found')
})

test('who was away while it ended, and while it changed, is told when it comes back; whichever process was killed', async () => {
  const link = await shares(), other = await shares(), one = await comes((await sees(link)).share_watch), two = await comes((await sees(other)).share_watch)
  isLetIn(one), isLetIn(two)
  process.kill(stack.pid('gateway-1'), 'SIGSTOP')
  const at = (method, path, body) => ask(method, path, { token: undefined, body }, gateways[1])
  assert.equal((await at('GET', `/api/v1/share/${link.code}`)).status, 200)
  await stack.sql('share', `DELETE FROM share_link WHERE id = '${link.id}'`)
  await stack.kill('gateway-1')
  await until('the end', () => one.refused?.code)
  isRefused(one, 'not_found')
  await until('it is there again', () => two.socket.connected)
  const { changed_at: changedAt } = await other.changes({ name: 'after that' })
  assert.deepEqual(await hears(two, 'link:changed'), ['link:changed', { changed_at: changedAt }])
  process.kill(stack.pid('share'), 'SIGSTOP')
  await stack.sql('share', `DELETE FROM share_link WHERE id = '${other.id}'`)
  await stack.kill('share')
  await isEnded(two)
  leaves(one)
})

test('so many of a link, of an address and in all; the others are told to come later, and may when one has left', async () => {
  const [link, second, third] = await Promise.all([shares(), shares(), shares()]), given = async one => (await sees(one)).share_watch
  const enter = async (n, watch, from) => { const them = []; for (let i = 0; i < n; i++) { const one = await comes(watch, { from }); isLetIn(one); them.push(one) } return them }
  const isLater = async (watch, from) => {
    const one = await comes(watch, { from })
    isRefused(one, 'overloaded')
    assert.ok(one.refused.retry_after_ms > 0)
    leaves(one)
  }
  const watch = await given(link), crowd = await enter(PER_LINK, watch, '192.0.2.1')
  await isLater(watch, '192.0.2.2')
  const more = await enter(PER_ADDRESS - PER_LINK, await given(second), '192.0.2.1')
  await isLater(await given(second), '192.0.2.1')
  const rest = await enter(IN_ALL - PER_ADDRESS, await given(third), '192.0.2.3')
  await isLater(await given(third), '192.0.2.4')
  const elsewhere = await comes(watch, { at: 1, from: '192.0.2.1' })
  isLetIn(elsewhere)
  leaves(...crowd.splice(0, 1))
  const next = await until('there is a place', async () => {
    const one = await comes(watch, { from: '192.0.2.2' })
    if (one.socket.connected) return one
    leaves(one)
    return undefined
  })
  leaves(...crowd, ...more, ...rest, elsewhere, next)
  await until('all have left', async () => await stack.metric(1, 'madang_socketio_sockets', '/link') === 0)
})

test('what one listens with opens nothing else: no event, no route, no namespace, and no link', async () => {
  const rows = JSON.parse(execFileSync(join(bin, 'protodoc'), ['contract'], { encoding: 'utf8' })), link = await shares(), { share_watch: watch, share_visit: visit } = await sees(link), one = await comes(watch)
  isLetIn(one)
  const room = randomUUID()
  assert.ok(rows.events.length > 50 && rows.routes.length > 100)
  for (const event of [...new Set([...rows.events.map(({ event }) => event), 'auth:refresh', 'typing', 'anything:else'])])
    assert.equal((await one.socket.timeout(30000).emitWithAck(event, { room, token: watch })).error?.code, 'forbidden', event)
  for (const { http, path } of rows.routes.filter(({ who }) => who === 'BEARER')) {
    const answer = await ask(http, path.replace(/\{[^}]*\}/g, room), { token: watch, ...http !== 'GET' && http !== 'DELETE' && { body: {} } })
    assert.equal(answer.status, 401, `${http} ${path}: ${answer.text}`)
  }
  for (const namespace of ['/', '/chat', '/system', '/notification', '/error'])
    isRefused(await comes(undefined, { namespace, auth: { token: watch, watch }, reconnection: false }), 'token_invalid')
  assert.equal((await ask('GET', `/s/${link.code}/media/${room}`, { headers: { 'x-share-visit': watch } })).status, 403)
  for (const wrong of [visit, `${watch}x`, `${watch.slice(0, -2)}`, link.code, '', undefined, 7, { watch }, 'x'.repeat(1001)])
    isRefused(await comes(wrong, { reconnection: false }), 'credentials_invalid')
  const token = await tokenFor(gateways[0], key, 'somebody')
  isRefused(await comes(undefined, { auth: { token }, reconnection: false }), 'credentials_invalid')
  await link.changes({ name: 'it hears on' })
  await hears(one, 'link:changed')
  leaves(one)
})

test('a bearer of a token, on the same connection, is who it is in one namespace and nobody in the other', async () => {
  const link = await shares(), { share_watch: watch } = await sees(link), token = await tokenFor(gateways[0], key, 'somebody'), one = await comes(watch)
  const chat = one.socket.io.socket('/chat', { auth: { token } })
  await new Promise((resolve, reject) => chat.once('connect', resolve).once('connect_error', reject))
  assert.ok((await chat.timeout(30000).emitWithAck('room:list', {})).rooms)
  assert.equal((await one.socket.timeout(30000).emitWithAck('room:list', {})).error.code, 'forbidden')
  await link.revokes()
  await isEnded(one)
  assert.ok((await chat.timeout(30000).emitWithAck('room:list', {})).rooms)
  chat.disconnect()
})
