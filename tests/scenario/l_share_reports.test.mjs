// l_share_reports - who was shown what a link opens reports it, and operators take it down: at once, for everybody but its owner, who is told why.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { io } from 'socket.io-client'
import { request, tokenFor } from '../lib/people.mjs'
import { freePorts } from '../lib/ports.mjs'
import { startSink } from '../lib/smtp_sink.mjs'
import { startStack } from '../lib/stack.mjs'
import { until as wait } from '../lib/wait.mjs'

const until = (what, condition) => wait(what, condition, 30000)
const PER_LINK = 5, APPEAL = 'appeals@courtyard.example'
let stack, sink, key, admin
const sockets = new Set()
before(async () => {
  const port = await freePorts()
  sink = await startSink(port)
  stack = await startStack({ env: {
    MADANG_GATEWAY_TRUSTED_PROXIES: '127.0.0.1', MADANG_GATEWAY_RATE_PERCENT: '100', MADANG_SHARE_REPORTS_PER_LINK: String(PER_LINK), MADANG_SHARE_APPEAL: APPEAL,
    MADANG_AUTH_REGISTRATION: 'open', MADANG_AUTH_SMTP_URL: `smtp://127.0.0.1:${port}`, MADANG_AUTH_SMTP_TLS: '0', MADANG_AUTH_MAIL_FROM: 'gate@courtyard.example', MADANG_AUTH_MAIL_SITE: 'Courtyard',
  } })
  key = await stack.issueKey()
  admin = await tokenFor(stack, await stack.issueKey({ policy: 'admin' }), 'adam')
})
after(async () => {
  for (const socket of sockets) socket.disconnect()
  await stack?.stop()
  await sink?.stop()
})

/** Somebody who shares. */
async function somebody(token) {
  token ??= await tokenFor(stack, key, `ada ${randomUUID()}`)
  const asks = (method, path, body) => request(stack, method, `/api/v1${path}`, { token, body })
  const gets = async (status, ...words) => {
    const answer = await asks(...words)
    assert.equal(answer.status, status, answer.text)
    return answer.json?.data
  }
  return {
    token, asks, gets,
    keeps: body => gets(201, 'POST', '/conversations', { name: 'a talk', data: { messages: [{ text: 'hi' }] }, ...body }),
    shares: (talk, settings = {}) => gets(201, 'POST', `/conversations/${talk.id}/share`, settings),
    sees: talk => gets(200, 'GET', `/conversations/${talk.id}`),
    link: async link => (await gets(200, 'GET', `/conversations/${link.conversation}/share`)).links.find(({ id }) => id === link.id),
  }
}
let addresses = 0
/** An address in a network of its own. */
const elsewhere = () => `10.${++addresses >> 8}.${addresses & 255}.7`
const opens = (code, { at = elsewhere(), visit } = {}) => request(stack, 'GET', `/api/v1/share/${code}`, { headers: { 'x-forwarded-for': at, ...visit && { 'x-share-visit': visit } } })
async function visits(code, at) {
  const answer = await opens(code, { at })
  assert.equal(answer.status, 200, answer.text)
  return answer.json.data
}
const reports = (code, visit, body = { reason: 'spam' }, at = elsewhere()) =>
  request(stack, 'POST', `/api/v1/share/${code}/report`, { body, headers: { 'x-forwarded-for': at, ...visit && { 'x-share-visit': visit } } })
async function isReported(...words) {
  const answer = await reports(...words)
  assert.deepEqual([answer.status, answer.text], [204, ''])
}
const isRefused = (answer, status, code) => assert.deepEqual([answer.status, answer.json?.error?.code], [status, code], answer.text)
const asAdmin = (method, path, body) => request(stack, method, `/api/v1/admin/${path}`, { token: admin, body })
async function does(method, path, body) {
  const answer = await asAdmin(method, path, body)
  assert.equal(answer.status, 200, answer.text)
  return answer.json.data
}
const listed = async ({ id }, state = '') => (await does('GET', `shares/reports?limit=100${state && `&state=${state}`}`)).reports.filter(({ link }) => link === id)
const takesDown = (share, more = {}) => does('POST', 'shares/takedown', { share, reason: 'illegal', ...more })
const restores = (share, more = {}) => does('POST', 'shares/restore', { share, note: 'looked at again', ...more })
const audit = async (what, target) => (await does('GET', `audit?what=${what}&limit=1000`)).audit.filter(entry => entry.target === target)
const audited = (what, target, n = 1) => until(`${what} is in the audit`, async () => (await audit(what, target)).length === n)
async function listens(watch) {
  const one = { ended: false, socket: io(`${stack.url}/link`, { ca: stack.ca, transports: ['websocket'], auth: { watch }, forceNew: true, reconnection: false }) }
  sockets.add(one.socket)
  one.socket.on('link:ended', () => { one.ended = true })
  await until('it listens', () => one.socket.connected)
  return one
}
/** In the words of a code that never was. */
async function isNothing(code) {
  const [answer, never] = [await opens(code), await opens('never was')]
  assert.deepEqual([answer.status, answer.json], [never.status, never.json])
  const pages = await Promise.all([code, 'neverwas'].map(one => request(stack, 'GET', `/s/${one}`, { headers: { accept: 'text/html' } })))
  assert.equal(pages[0].status, 404)
  assert.equal(pages[0].text.replaceAll(code, ''), pages[1].text.replaceAll('neverwas', ''))
}

test('who was shown it reports it, each network once; operators see who, and its owner does not', async () => {
  const ada = await somebody(), talk = await ada.keeps(), link = await ada.shares(talk), { share_visit: visit } = await visits(link.code)
  await isReported(link.code, visit, { reason: 'personal_data', text: '제 번호가 있어요', email: 'mina@example.org' }, '203.0.113.5')
  await isReported(link.code, visit, { reason: 'spam', text: 'once more' }, '203.0.113.77')
  await isReported(link.code, visit, { reason: 'other', text: '', email: '' }, '203.0.114.5')
  const [second, first] = await listed(link)
  assert.deepEqual((await listed(link)).length, 2)
  assert.deepEqual({ ...first, id: 0, created_at: 0 }, {
    id: 0, created_at: 0, link: link.id, conversation: talk.id, owner: first.owner, reason: 'personal_data', text: '제 번호가 있어요', email: 'mina@example.org', network: '203.0.113.0/24', state: 'open' })
  assert.deepEqual([second.reason, second.text, second.email], ['other', undefined, undefined])
  const { report, name, data } = await does('GET', `shares/reports/${first.id}`)
  assert.deepEqual([report, name, data], [first, 'a talk', { messages: [{ text: 'hi' }] }])
  const own = JSON.stringify([await ada.sees(talk), await ada.link(link), await ada.gets(200, 'GET', '/conversations')])
  assert.doesNotMatch(own, /mina|203\.0|report/)
  assert.doesNotMatch(await stack.sql('share', "SELECT string_agg(encode(email, 'escape'), '') FROM share_report"), /mina/)
  assert.doesNotMatch(stack.log('share') + stack.log('gateway-1'), /mina@example/)
  await audited('share.look', talk.id)
})

test('whoever has not opened it reports nothing, a code that opens nothing has no reports, and what is said is bounded', async () => {
  const ada = await somebody(), link = await ada.shares(await ada.keeps()), { share_visit: visit } = await visits(link.code)
  isRefused(await reports(link.code), 403, 'forbidden')
  const never = await reports('never was', visit)
  isRefused(never, 404, 'not_found')
  assert.deepEqual(never.json, (await opens('never was')).json)
  for (const body of [{}, { reason: 'boring' }, { reason: 'spam', text: 'x'.repeat(1001) }, { reason: 'spam', email: 'nobody' }, { reason: 'spam', email: `${'x'.repeat(250)}@example.org` }])
    isRefused(await reports(link.code, visit, body), 400, 'invalid_argument')
  await ada.gets(204, 'DELETE', `/share-links/${link.id}`)
  isRefused(await reports(link.code, visit), 410, 'gone')
  assert.deepEqual(await listed(link), [])
})

test('of one network as many as like at once are one report, and of a link so many networks are kept, whoever comes at once', async () => {
  const ada = await somebody(), talk = await ada.keeps(), [one, many] = [await ada.shares(talk), await ada.shares(talk)]
  const [{ share_visit: first }, { share_visit: second }] = [await visits(one.code), await visits(many.code)]
  await Promise.all(Array.from({ length: 12 }, (_, i) => isReported(one.code, first, undefined, `198.51.100.${i}`)))
  assert.equal((await listed(one)).length, 1)
  await Promise.all(Array.from({ length: 4 * PER_LINK }, () => isReported(many.code, second)))
  assert.equal((await listed(many)).length, PER_LINK)
  const answers = []
  for (let i = 0; i < 22; i++) answers.push((await reports(one.code, first, undefined, '192.0.2.9')).status)
  assert.deepEqual([answers.slice(0, 20).every(status => status === 204), answers[21]], [true, 429])
  const { alerts } = await does('GET', 'alerts?kind=share_reports')
  assert.equal(alerts.length, 1, 'one alert for all of them')
  assert.doesNotMatch(JSON.stringify(alerts), new RegExp(`${one.code}|${many.code}`))
})

test('a link that is taken down ends for everybody at once, in the words of a code that never was, and its owner sees why; its conversation has others', async () => {
  const ada = await somebody(), talk = await ada.keeps({ public: true }), [link, other] = [await ada.shares(talk), await ada.shares(talk)]
  const { share_visit: visit, share_watch: watch } = await visits(link.code), viewer = await listens(watch), bystander = await listens((await visits(other.code)).share_watch)
  const done = await takesDown(link.url, { note: 'seen by adam' })
  assert.deepEqual([done.link, done.conversation, done.reason, done.note], [link.id, talk.id, 'illegal', 'seen by adam'])
  await until('whoever looks at it is told', () => viewer.ended)
  await isNothing(link.code)
  isRefused(await opens(link.code, { visit }), 410, 'gone')
  const own = await ada.link(link)
  assert.deepEqual([own.taken_down_for, own.taken_down_at], ['illegal', done.taken_down_at])
  assert.doesNotMatch(JSON.stringify(own), /adam/)
  const again = await ada.gets(200, 'POST', `/share-links/${link.id}/reset`, {})
  await isNothing(again.code)
  await ada.gets(200, 'PATCH', `/share-links/${link.id}`, { expires_at: null })
  await isNothing(again.code)
  await visits(other.code)
  assert.equal((await request(stack, 'GET', `/api/v1/public/conversations/${talk.id}`)).status, 200)
  assert.ok(bystander.socket.connected && !bystander.ended)
  const { note, ...repeated } = done
  assert.deepEqual(await takesDown(link.id, { reason: 'spam' }), repeated, 'the first reason stays')
  assert.equal((await restores(again.code)).taken_down_at, undefined)
  await visits(again.code)
  assert.equal((await ada.link(link)).taken_down_for, undefined)
  await audited('share.takedown', link.id)
  await audited('share.restore', link.id)
})

test('a conversation that is taken down has no link, no public page, no new link and no copy; its owner reads and changes it, and has all back when that is lifted', async () => {
  const ada = await somebody(), bo = await somebody(), talk = await ada.keeps({ public: true })
  const links = [await ada.shares(talk), await ada.shares(talk, { snapshot: true }), await ada.shares(talk, { password: 'six at the harbour' })]
  const seen = await visits(links[1].code), viewer = await listens(seen.share_watch)
  await takesDown(links[0].code, { whole: true, reason: 'copyright' })
  await until('whoever looks at a link is told', () => viewer.ended)
  for (const { code } of links) await isNothing(code)
  assert.equal((await request(stack, 'GET', `/api/v1/public/conversations/${talk.id}`)).status, 404)
  isRefused(await bo.asks('GET', `/conversations/${talk.id}`), 404, 'not_found')
  isRefused(await bo.asks('POST', `/conversations/${talk.id}/duplicate`, {}), 404, 'not_found')
  isRefused(await ada.asks('POST', `/conversations/${talk.id}/duplicate`, {}), 403, 'forbidden')
  isRefused(await ada.asks('POST', `/conversations/${talk.id}/share`, {}), 403, 'forbidden')
  const own = await ada.sees(talk)
  assert.ok(own.taken_down_for === 'copyright' && own.taken_down_at > 0 && own.data.messages.length === 1)
  assert.equal((await ada.gets(200, 'GET', '/conversations')).conversations[0].taken_down_for, 'copyright')
  assert.deepEqual((await Promise.all(links.map(link => ada.link(link)))).map(link => link.taken_down_for), Array(3).fill('copyright'))
  await ada.gets(200, 'PATCH', `/conversations/${talk.id}`, { public: true, data: { messages: [] } })
  await ada.gets(204, 'DELETE', `/conversations/${talk.id}`)
  await ada.gets(200, 'POST', `/conversations/${talk.id}/undelete`, {})
  for (const { code } of links) await isNothing(code)
  await restores(talk.id)
  assert.deepEqual((await visits(links[1].code)).data, { messages: [{ text: 'hi' }] })
  await visits((await ada.shares(talk)).code)
  await ada.gets(201, 'POST', `/conversations/${talk.id}/duplicate`, {})
  assert.equal((await request(stack, 'GET', `/api/v1/public/conversations/${talk.id}`)).status, 200)
})

test('files that a link has shown end with it', async () => {
  const ada = await somebody(), form = Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhigh water\r\n--b--\r\n')
  const file = (await request(stack, 'POST', '/api/v1/media', { token: ada.token, raw: form, headers: { 'content-type': 'multipart/form-data; boundary=b' } })).json.data
  const link = await ada.shares(await ada.keeps({ data: { messages: [{ url: file.url }] } })), { share_visit: visit, media } = await visits(link.code)
  const reads = () => request(stack, 'GET', media[0].url, { headers: { 'x-share-visit': visit } })
  assert.equal((await reads()).text, 'high water')
  await takesDown(link.id)
  assert.equal((await reads()).status, 410)
  await restores(link.id)
  assert.equal((await reads()).text, 'high water')
})

test('what is decided of a report is decided of all that is open about the same link; a takedown by one is a takedown', async () => {
  const ada = await somebody(), talk = await ada.keeps(), [link, other] = [await ada.shares(talk), await ada.shares(talk)]
  const [{ share_visit: visit }, { share_visit: seen }] = [await visits(link.code), await visits(other.code)]
  for (let i = 0; i < 2; i++) await isReported(link.code, visit)
  await isReported(other.code, seen, { reason: 'copyright' })
  const [{ id }] = await listed(link), [{ id: third }] = await listed(other)
  assert.equal((await does('POST', `shares/reports/${id}/assign`, {})).assigned_to, 'adam')
  assert.equal((await does('POST', `shares/reports/${id}/assign`, { to: 'olga' })).assigned_to, 'olga')
  isRefused(await asAdmin('POST', `shares/reports/${id}/resolve`, { as: 'read' }), 400, 'invalid_argument')
  const { state, resolved_by: by, note } = await does('POST', `shares/reports/${id}/resolve`, { as: 'dismissed', note: 'a joke' })
  assert.deepEqual([state, by, note], ['dismissed', 'adam', 'a joke'])
  assert.deepEqual((await listed(link)).map(report => report.state), ['dismissed', 'dismissed'])
  assert.deepEqual((await listed(other, 'open')).map(report => report.id), [third])
  isRefused(await asAdmin('POST', `shares/reports/${id}/resolve`, { as: 'taken_down' }), 409, 'conflict')
  await visits(link.code)
  await isReported(link.code, visit)
  const down = await does('POST', `shares/reports/${third}/resolve`, { as: 'taken_down', whole: true })
  assert.equal(down.state, 'taken_down')
  assert.equal((await ada.sees(talk)).taken_down_for, 'copyright')
  assert.deepEqual((await listed(link)).map(report => report.state), ['taken_down', 'dismissed', 'dismissed'])
  for (const [what, target] of [['share.assign', id], ['share.dismiss', link.id], ['share.takedown', talk.id]]) await audited(what, target, what === 'share.assign' ? 2 : 1)
  const [entry] = await audit('share.takedown', talk.id)
  assert.deepEqual([entry.who, entry.detail.reason, entry.detail.owner], ['adam', 'copyright', (await listed(other))[0].owner])
  isRefused(await asAdmin('GET', `shares/reports/${randomUUID()}`), 404, 'not_found')
  isRefused(await asAdmin('POST', 'shares/takedown', { share: 'never was', reason: 'spam' }), 404, 'not_found')
  isRefused(await asAdmin('POST', 'shares/takedown', { share: link.id, reason: 'boring' }), 400, 'invalid_argument')
})

test('the owner is told by mail, in Korean or English, what and why and where to object, and when it is lifted; nothing of who reported it', async () => {
  for (const [locale, words, again] of [['ko', /대화 "항구 이야기"의 공유 링크를 닫았습니다\.[^]*개인 정보 노출[^]*appeals@courtyard\.example/, /다시 열렸습니다/], ['en', /a link to your conversation "항구 이야기"[^]*Personal data of somebody[^]*appeals@courtyard\.example/, /shown again/]]) {
    const nickname = `n${randomUUID().slice(0, 8)}`, email = `${nickname}@example.org`, password = 'a lamp in the long grass', auth = (path, body) => request(stack, 'POST', `/api/v1/auth/${path}`, { body })
    await auth('register', { email, password, nickname, locale })
    await auth('verify', { token: (await sink.next(email)).token })
    const ada = await somebody((await auth('login', { email, password })).json.data.access_token)
    const link = await ada.shares(await ada.keeps({ name: '항구 이야기' })), { share_visit: visit } = await visits(link.code)
    await isReported(link.code, visit, { reason: 'personal_data', text: 'my number', email: 'mina@example.org' })
    await does('POST', `shares/reports/${(await listed(link))[0].id}/resolve`, { as: 'taken_down', note: 'between us' })
    const mail = await sink.next(email)
    assert.match(mail.text, words)
    assert.doesNotMatch(mail.text, /mina|my number|between us|adam/)
    await restores(link.id)
    assert.match((await sink.next(email)).subject, again)
    assert.equal(sink.mails.filter(one => one.to[0] === 'mina@example.org').length, 0)
  }
})

test('share may be killed and auth be away: what was answered is down and in the audit, once, and what was not is both or neither', async () => {
  const ada = await somebody(), talk = await ada.keeps(), links = []
  for (let i = 0; i < 12; i++) links.push(await ada.shares(talk))
  const auth = stack.pid('auth')
  process.kill(auth, 'SIGSTOP')
  const answers = []
  try {
    const asked = links.map(async ({ id }) => answers.push([id, (await asAdmin('POST', 'shares/takedown', { share: id, reason: 'spam' }).catch(() => ({ status: 0 }))).status]))
    await until('some are answered', () => answers.length >= 3)
    await stack.kill('share')
    await Promise.all(asked)
  } finally {
    process.kill(auth, 'SIGCONT')
  }
  await stack.ready()
  await until('nothing is left to be told', async () => (await stack.rpc('share', 'job.list', { kind: 'audit.tell' })).jobs.length === 0)
  for (const [id, status] of answers) {
    const down = (await ada.link({ id, conversation: talk.id })).taken_down_for === 'spam'
    assert.ok(down || status !== 200, `${id} was answered ${status}`)
    assert.equal((await audit('share.takedown', id)).length, down ? 1 : 0, `${id}: ${status}`)
  }
})

test('reports are forgotten after their days', async () => {
  const ada = await somebody(), link = await ada.shares(await ada.keeps()), { share_visit: visit } = await visits(link.code)
  await isReported(link.code, visit)
  await isReported(link.code, visit)
  const [{ id }] = await listed(link)
  await stack.sql('share', `UPDATE share_report SET created_at = created_at - interval '366 days' WHERE id = '${id}'`)
  await until('the old one is forgotten', async () => {
    if ((await listed(link)).length === 1) return true
    const { jobs: [job] } = await stack.rpc('share', 'job.list', { kind: 'report.expire', state: 'waiting' })
    if (job) await stack.rpc('share', 'job.retry', { job: job.id }).catch(error => assert.match(error.message, /it runs just now/))
  })
})

test('operators see all that is taken down now, the last first and page by page, and nothing that is shown again', async () => {
  const ada = await somebody(), talks = [await ada.keeps(), await ada.keeps(), await ada.keeps()], links = await Promise.all(talks.map(talk => ada.shares(talk)))
  const down = [await takesDown(links[0].id), await takesDown(links[1].code, { whole: true, reason: 'spam' }), await takesDown(talks[2].id), await takesDown(links[2].id)]
  const all = async () => (await does('GET', 'shares/takedown?limit=100')).takedowns
  const expected = [...down].reverse().map(({ note, ...one }) => one)
  assert.deepEqual((await all()).slice(0, 4), expected)
  assert.deepEqual(expected.map(one => [one.conversation, one.link, one.reason]), [[talks[2].id, links[2].id, 'illegal'], [talks[2].id, undefined, 'illegal'], [talks[1].id, undefined, 'spam'], [talks[0].id, links[0].id, 'illegal']])
  const paged = []
  for (let after = ''; ;) {
    const answer = await asAdmin('GET', `shares/takedown?limit=2${after}`)
    paged.push(...answer.json.data.takedowns)
    if (!answer.json.meta.next) break
    after = `&after=${answer.json.meta.next}`
  }
  assert.deepEqual(paged, await all())
  await restores(talks[2].id)
  assert.deepEqual((await all()).slice(0, 3), [expected[0], expected[2], expected[3]])
  for (const after of ['x', '5.x', `-1.${randomUUID()}`]) isRefused(await asAdmin('GET', `shares/takedown?after=${after}`), 400, 'invalid_argument')
})

test('madangctl lists, shows, assigns and decides what was reported, takes down and restores, by whoever has its key', async () => {
  const ada = await somebody(), talk = await ada.keeps({ name: 'at the harbour' }), link = await ada.shares(talk), { share_visit: visit } = await visits(link.code)
  const ctl = async (...words) => {
    const { status, out, err } = await stack.madangctl('share', ...words)
    assert.equal(status, 0, err)
    return out
  }
  await isReported(link.code, visit, { reason: 'spam', text: 'buy\u001b[2J this', email: 'mina@example.org' })
  const [{ id }] = await listed(link)
  assert.ok((await ctl('reports', '--state', 'open')).split('\n').some(line => line.startsWith(id) && line.includes('spam') && !line.includes('\u001b')))
  assert.match(await ctl('report', id), /name +at the harbour\n[^]*mina@example\.org/)
  assert.deepEqual(JSON.parse(await ctl('report', id, '--json')).data, { messages: [{ text: 'hi' }] })
  assert.match(await ctl('assign', id), new RegExp(`Report ${id} is for `))
  assert.match(await ctl('resolve', id, '--as', 'dismissed', '--note', 'a joke'), /is dismissed/)
  assert.match(await ctl('takedown', link.url, '--reason', 'illegal', '--whole'), new RegExp(`Conversation ${talk.id} of ada [^]* is taken down: illegal`))
  await isNothing(link.code)
  assert.match(await ctl('takedowns'), new RegExp(`illegal +${talk.id} .*ada`))
  assert.match(await ctl('restore', talk.id, '--note', 'after an appeal'), new RegExp(`Conversation ${talk.id} .* is shown again`))
  await visits(link.code)
  assert.equal((await stack.madangctl('share', 'takedown', link.url, '--reason', 'boring')).status, 1)
  assert.equal((await stack.madangctl('share', 'takedown', 'neverwas', '--reason', 'spam')).status, 1)
  await audited('share.restore', talk.id)
  const [{ who, detail }] = await audit('share.restore', talk.id)
  assert.deepEqual([/^admin:/.test(who), detail.note], [true, 'after an appeal'])
})
