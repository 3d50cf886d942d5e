// l_share_links - links with which others see a conversation: made, listed, changed, reset and ended by its owner; opened by anybody who has
// the code, as often as its budget says and not once more, whoever is killed meanwhile.
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { request, tokenFor } from '../lib/people.mjs'
import { sharer } from '../lib/share.mjs'
import { bin, root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const WEEK = 604800000
let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_GATEWAY_TRUSTED_PROXIES: '127.0.9.0/24' } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

/** Somebody who keeps conversations and shares them. */
async function somebody(name, as) {
  const one = await sharer(stack, key, name, as), { subject, asks, gets } = one
  return {
    ...one,
    keeps: body => gets(201, 'POST', '/conversations', { name: 'a talk', data: { messages: [{ text: 'hi' }] }, ...body }),
    changes: (one, changes) => gets(200, 'PATCH', `/conversations/${one.id}`, changes),
    lists: async (one, query = '') => (await asks('GET', `/conversations/${one.id}/share${query}`)).json,
    async link(link) { return (await this.lists({ id: link.conversation })).data.links.find(({ id }) => id === link.id) },
    async used() {
      const { usages } = await stack.rpc('share', 'conversation.usage', { subject })
      return Object.fromEntries(usages.map(({ quota, used }) => [quota, used]))
    },
  }
}
function isRefused(answer, status, code, why = /./) {
  assert.deepEqual([answer.status, answer.json?.error?.code], [status, code], answer.text)
  assert.match(answer.json.error.message, why)
}
/** Whoever has the code and nothing else. */
const opens = ({ code }, { visit, clientKey, password, from, method = 'GET', ...more } = {}) => request(stack, method, `/api/v1/share/${encodeURIComponent(code)}${clientKey ? `?client_key=${clientKey}` : ''}`,
  { headers: { ...visit && { 'x-share-visit': visit }, ...password && { 'x-share-password': Buffer.from(password).toString('latin1') }, ...from && { 'x-forwarded-for': from } }, ...from && { from: '127.0.9.1' }, ...more })
async function sees(link, more) {
  const answer = await opens(link, more)
  assert.equal(answer.status, 200, answer.text)
  return answer.json.data
}

test('a conversation has several links, each with settings of its own; without any it ends in seven days, may be downloaded, and is not indexed', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps({ theme: 'night' })
  const before = Date.now(), plain = await ada.shares(talk), after = Date.now()
  assert.match(plain.code, /^[1-9A-HJ-NP-Za-km-z]{14}$/)
  assert.deepEqual([plain.url, plain.conversation], [`${stack.publicUrl}/s/${plain.code}`, talk.id])
  const { download, noindex, snapshot, view_budget: budget, views, ended, label, theme, last_view_at: last } = plain
  assert.deepEqual({ download, noindex, snapshot, budget, views, ended, label, theme, last }, { download: true, noindex: true, snapshot: false, budget: undefined, views: 0, ended: false, label: undefined, theme: undefined, last: undefined })
  assert.ok(plain.expires_at >= before + WEEK && plain.expires_at <= after + WEEK, 'seven days')
  const until = Date.now() + 3600000
  const full = await ada.shares(talk, { label: '친구들', expires_at: until, view_budget: 3, download: false, noindex: false, snapshot: true, theme: 'day' })
  assert.deepEqual([full.label, full.expires_at, full.view_budget, full.download, full.noindex, full.snapshot, full.theme], ['친구들', until, 3, false, false, true, 'day'])
  assert.equal((await ada.shares(talk, { endless: true })).expires_at, undefined)
  const { data: { links } } = await ada.lists(talk)
  assert.deepEqual([links.length, links[1], links[2]], [3, full, plain])
  assert.equal(new Set(links.map(({ code }) => code)).size, 3)
  for (const wrong of [{ expires_at: Date.now() - 1 }, { expires_at: Date.now() + 11 * 366 * 86400000 }, { expires_at: until, endless: true }, { view_budget: 0 }, { view_budget: 1000001 }, { label: '' }, { label: 'x'.repeat(81) }, { download: 'no' }])
    isRefused(await ada.asks('POST', `/conversations/${talk.id}/share`, wrong), 400, 'invalid_argument')
})

test('whoever has the code reads the conversation and nothing of its owner; each look is a view, but for those of who comes again', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps({ theme: 'night', name: 'ours', data: { messages: [{ text: 'ㅎㅇ' }], future: [1] } })
  const link = await ada.shares(talk, { download: false })
  const answer = await opens(link), { share_visit: visit, share_watch: watch, ...shown } = answer.json.data
  assert.match(watch, /^[\w-]{100,}$/)
  assert.deepEqual(shown, { name: 'ours', theme: 'night', data: { messages: [{ text: 'ㅎㅇ' }], future: [1] }, changed_at: talk.changed_at, download: false })
  assert.deepEqual([answer.headers['x-robots-tag'], answer.headers['cache-control'], answer.headers['referrer-policy']], ['noindex', 'no-store', 'no-referrer'])
  assert.ok(!answer.text.includes(ada.subject) && !answer.text.includes(talk.id) && !answer.text.includes(link.id))
  const first = await ada.link(link)
  assert.equal(first.views, 1)
  assert.ok(first.last_view_at >= talk.changed_at)
  assert.equal((await sees(link, { visit })).share_visit, undefined)
  assert.equal((await ada.link(link)).views, 1, 'the same visit')
  await sees(link)
  await sees(link, { visit: `${visit.slice(0, -2)}AA` })
  assert.equal((await ada.link(link)).views, 3, 'a visit that is none of ours')
  assert.equal((await ada.link(await ada.shares(talk))).views, 0, 'another link')
  isRefused(await opens(link, { method: 'POST', body: {} }), 405, 'method_not_allowed')
})

test('what asks by HEAD opens nothing', async () => {
  const ada = await somebody('ada'), link = await ada.shares(await ada.keeps(), { view_budget: 1 })
  assert.equal((await opens(link, { method: 'HEAD' })).status, 405)
  assert.equal((await opens({ code: `${link.code.slice(0, -1)}${link.code.endsWith('2') ? '3' : '2'}` }, { method: 'HEAD' })).status, 404)
  assert.equal((await ada.link(link)).views, 0)
  await sees(link)
})

test('a link is changed by a merge patch, and what it opens obeys at once', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps({ theme: 'night' }), link = await ada.shares(talk, { label: 'one', view_budget: 1, theme: 'day' })
  const without = await ada.edits(link, { expires_at: null, label: null, theme: null, unknown: 7 })
  assert.deepEqual([without.expires_at, without.label, without.theme, without.view_budget, without.code], [undefined, undefined, undefined, 1, link.code])
  assert.equal((await sees(link)).theme, 'night')
  assert.equal((await ada.link(link)).ended, true)
  isRefused(await opens(link), 404, 'not_found')
  assert.equal((await ada.edits(link, { view_budget: 3, theme: 'day', download: false })).ended, false)
  assert.deepEqual([(await sees(link)).theme, (await sees(link)).download], ['day', false])
  isRefused(await opens(link), 404, 'not_found')
  await ada.edits(link, { view_budget: null })
  await sees(link)
  assert.equal((await ada.edits(link, { view_budget: 3 })).ended, true, 'four views are more')
  isRefused(await opens(link), 404, 'not_found')
  await ada.edits(link, { view_budget: 5 })
  await sees(link)
  isRefused(await opens(link), 404, 'not_found')
  await ada.edits(link, { view_budget: null, expires_at: 1000 })
  isRefused(await opens(link), 404, 'not_found')
  for (const wrong of [{ view_budget: 0 }, { label: 7 }, { expires_at: 'soon' }, { expires_at: Date.now() + 11 * 366 * 86400000 }, { download: null, noindex: 'x' }, { theme: {} }])
    isRefused(await ada.asks('PATCH', `/share-links/${link.id}`, wrong), 400, 'invalid_argument')
})

test('a link that is reset has another code, one that is revoked is gone: the former codes open nothing', async () => {
  const ada = await somebody('ada'), link = await ada.shares(await ada.keeps(), { label: 'one' })
  await sees(link)
  const again = await ada.resets(link)
  assert.deepEqual([again.id, again.label, again.views], [link.id, 'one', 1])
  assert.notEqual(again.code, link.code)
  isRefused(await opens(link), 404, 'not_found')
  await sees(again)
  await ada.revokes(link)
  isRefused(await opens(again), 404, 'not_found')
  assert.deepEqual((await ada.lists({ id: link.conversation })).data.links, [])
  isRefused(await ada.asks('DELETE', `/share-links/${link.id}`), 404, 'not_found')
})

test('links are their owner\'s alone; a repeat with the same key makes no other', async () => {
  const [ada, eve] = [await somebody('ada'), await somebody('eve')]
  const open = await ada.keeps({ public: true }), link = await ada.shares(open)
  for (const [method, path, body] of [['POST', `/conversations/${open.id}/share`, {}], ['GET', `/conversations/${open.id}/share`], ['PATCH', `/share-links/${link.id}`, { label: 'hers' }],
    ['POST', `/share-links/${link.id}/reset`, {}], ['DELETE', `/share-links/${link.id}`], ['GET', `/conversations/${randomUUID()}/share`]])
    isRefused(await eve.asks(method, path, body), 404, 'not_found')
  assert.deepEqual(await ada.link(link), link)
  const client = { client_key: `key ${randomUUID()}`, label: 'once' }
  const made = await Promise.all(Array.from({ length: 5 }, () => ada.shares(open, client)))
  assert.equal(new Set(made.map(({ code }) => code)).size, 1)
  assert.equal((await ada.used()).share_links, 2)
})

test('lists come page by page', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps()
  for (const label of ['a', 'b', 'c', 'd', 'e']) await ada.shares(talk, { label })
  const seen = []
  for (let query = '?limit=2'; query;) {
    const { data, meta } = await ada.lists(talk, query)
    seen.push(...data.links.map(({ label }) => label))
    query = meta.next && `?limit=2&after=${meta.next}`
  }
  assert.deepEqual(seen, ['e', 'd', 'c', 'b', 'a'])
  for (const query of ['?after=x', '?limit=101', '?limit=0']) isRefused(await ada.asks('GET', `/conversations/${talk.id}/share${query}`), 400, 'invalid_argument')
})

test('a live link shows what the conversation is, a snapshot what it was; in the trash it is closed, and its time goes on', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps({ name: 'before', theme: 'night' })
  const [live, snapshot] = [await ada.shares(talk), await ada.shares(talk, { snapshot: true })]
  const { changed_at: changed } = await ada.changes(talk, { name: 'after', theme: 'day', data: { messages: [] } })
  const now = await sees(live), then = await sees(snapshot)
  assert.deepEqual([now.name, now.theme, now.data, now.changed_at], ['after', 'day', { messages: [] }, changed])
  assert.deepEqual([then.name, then.theme, then.data, then.changed_at], ['before', 'night', { messages: [{ text: 'hi' }] }, talk.changed_at])
  await ada.asks('DELETE', `/conversations/${talk.id}`)
  for (const link of [live, snapshot]) isRefused(await opens(link), 404, 'not_found')
  isRefused(await ada.asks('POST', `/conversations/${talk.id}/share`, {}), 404, 'not_found')
  await ada.asks('POST', `/conversations/${talk.id}/undelete`, {})
  for (const link of [live, snapshot]) await sees(link)
})

test('links and what they keep are counted, and given back with them, with their conversation, and with the trash', async () => {
  const ada = await somebody('ada')
  const counts = async () => { const { share_links: links = 0, conversation_bytes: bytes = 0 } = await ada.used(); return { links, bytes } }
  const talk = await ada.keeps({ data: { text: 'x'.repeat(1000) } }), { bytes } = await counts()
  const link = await ada.shares(talk, { snapshot: true, view_budget: 5 })
  assert.deepEqual(await counts(), { links: 1, bytes: 2 * bytes })
  await ada.shares(talk)
  await ada.revokes(link)
  assert.deepEqual(await counts(), { links: 1, bytes })
  await sees(await ada.shares(talk, { snapshot: true, view_budget: 5 }))
  await ada.asks('DELETE', `/conversations/${talk.id}?for_good=true`)
  assert.deepEqual(await counts(), { links: 0, bytes: 0 })
  const old = await ada.keeps(), lasting = await ada.keeps()
  for (const one of [old, lasting]) for (const view_budget of [3, 4]) await sees(await ada.shares(one, { snapshot: true, view_budget }))
  await ada.asks('DELETE', `/conversations/${old.id}`)
  const before = await counts()
  await stack.sql('share', `UPDATE conversation SET deleted_at = now() - interval '31 days' WHERE id = '${old.id}'`)
  await until('the trash was emptied', async () => {
    if ((await ada.asks('GET', `/conversations/${old.id}`)).status === 404) return true
    const { jobs: [job] } = await stack.rpc('share', 'job.list', { kind: 'trash.expire', state: 'waiting' })
    if (job) await stack.rpc('share', 'job.retry', { job: job.id }).catch(error => assert.match(error.message, /it runs just now/))
  })
  assert.deepEqual(await counts(), { links: 2, bytes: before.bytes / 2 })
  const uses = await stack.sql('share', `SELECT count(*), (SELECT count(*) FROM use_taken t WHERE NOT EXISTS (SELECT FROM share_link l WHERE l.id::text = t.id)) FROM uses_left u WHERE NOT EXISTS (SELECT FROM share_link l WHERE l.id::text = u.id)`)
  assert.equal(uses, '0|0', 'nothing is left of links that are gone')
  await stack.authctl('quota', 'set', 'share_links', '3', '--subject', ada.subject)
  await until('it holds', async () => (await ada.asks('POST', `/conversations/${lasting.id}/share`, {})).json.error?.code === 'quota_exceeded')
  assert.equal((await counts()).links, 3)
  const answers = await Promise.all(Array.from({ length: 10 }, () => ada.asks('POST', `/conversations/${lasting.id}/share`, { view_budget: 1 })))
  assert.deepEqual(new Set(answers.map(({ json }) => json.error?.code)), new Set(['quota_exceeded']))
  await stack.authctl('quota', 'unset', 'share_links', '--subject', ada.subject)
})

/** What an answer is, but for what is another each time. */
function likeness({ status, headers, text }) {
  const same = Object.fromEntries(Object.entries(headers).filter(([name]) => !['x-request-id', 'date'].includes(name)))
  return JSON.stringify([status, same, text.replaceAll(headers['x-request-id'], 'TRACE')])
}
test('a code that never was, and one whose link has ended, was revoked or is used up, are answered alike, but to who had it', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps({ data: { text: 'x'.repeat(200000) } }), closed = await ada.keeps(), visits = {}
  const links = { never: { code: '1'.repeat(14) }, odd: { code: 'a b/ä' }, ended: await ada.shares(talk), revoked: await ada.shares(talk), 'used up': await ada.shares(talk, { view_budget: 1 }), trashed: await ada.shares(closed), reset: await ada.shares(talk) }
  for (const name of ['ended', 'revoked', 'used up', 'trashed', 'reset']) visits[name] = (await sees(links[name])).share_visit
  await ada.edits(links.ended, { expires_at: Date.now() - 1 })
  await ada.revokes(links.revoked)
  await ada.resets(links.reset)
  await ada.asks('DELETE', `/conversations/${closed.id}`)
  const times = Object.fromEntries(Object.keys(links).map(name => [name, []]))
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: stack.ca })
  const never = likeness(await opens(links.never, { agent }))
  for (let round = 0; round < 60; round++)
    for (const [name, link] of Object.entries(links)) {
      const began = process.hrtime.bigint()
      assert.equal(likeness(await opens(link, { agent })), never, name)
      times[name].push(Number(process.hrtime.bigint() - began) / 1e6)
    }
  agent.destroy()
  const quick = name => times[name].sort((a, b) => a - b)[5] // of 60: on a busy machine others run in the midst of most
  for (const name of Object.keys(links)) assert.ok(quick(name) < 2 * quick('never') && quick('never') < 2 * quick(name), `${name}: ${quick(name)} ms, never: ${quick('never')} ms`)
  for (const name of ['ended', 'revoked', 'trashed', 'reset']) isRefused(await opens(links[name], { visit: visits[name] }), 410, 'gone', /has ended/)
  for (const name of ['ended', 'never']) isRefused(await opens(links[name], { visit: visits.revoked }), 404, 'not_found')
  await sees(links['used up'], { visit: visits['used up'] })
})

test('one client key within an hour is one view of a budget', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps(), two = await ada.shares(talk, { view_budget: 2 }), clientKey = randomUUID()
  for (let i = 0; i < 3; i++) await sees(two, { clientKey })
  assert.equal((await ada.link(two)).views, 1)
  await stack.sql('share', `UPDATE use_taken SET at = at - interval '2 hours' WHERE id = '${two.id}'`)
  await sees(two, { clientKey })
  assert.equal((await ada.link(two)).views, 2)
  isRefused(await opens(two), 404, 'not_found')
  await sees(two, { clientKey })
})

test('of 1,000 first openings at once as many are shown it as its budget says, whoever is killed, and no view is lost', async () => {
  const BUDGET = 100, ada = await somebody('ada'), link = await ada.shares(await ada.keeps(), { view_budget: BUDGET })
  const agent = new https.Agent({ keepAlive: true, maxSockets: 100, ca: stack.ca })
  let shown = 0, refused = 0, kills = 0, again = 0
  /** Asks until it is told yes or no. */
  async function looks(i) {
    for (;;) {
      const answer = await opens(link, { agent, clientKey: `viewer-${i}` }).catch(() => undefined)
      if (answer?.status === 200) return shown++
      if (answer?.status === 404) return refused++
      assert.ok(!answer || [503, 504].includes(answer.status), answer?.text)
      again++
    }
  }
  const all = Promise.all(Array.from({ length: 1000 }, (_, i) => looks(i)))
  for (const at of [5, 40, 80]) {
    await until(`${at} were shown it`, async () => Number(await stack.sql('share', `SELECT views FROM share_link WHERE id = '${link.id}'`)) >= at, 60000)
    await stack.kill('share')
    kills++
  }
  await all
  agent.destroy()
  assert.deepEqual({ shown, refused, kills }, { shown: BUDGET, refused: 1000 - BUDGET, kills: 3 }, `${again} asked again`)
  const { views, ended } = await ada.link(link)
  assert.deepEqual({ views, ended }, { views: BUDGET, ended: true })
  assert.equal(await stack.sql('share', `SELECT remaining, (SELECT count(*) FROM use_taken WHERE id = u.id) FROM uses_left u WHERE id = '${link.id}'`), `0|${BUDGET}`)
})

test('who is disabled shares nothing meanwhile', async () => {
  const ada = await somebody('ada', randomUUID().replaceAll('-', 'x')), link = await ada.shares(await ada.keeps())
  await stack.sql('share', `INSERT INTO directory (subject, state, nickname, generation) VALUES ('${ada.subject}', 'disabled', 'ada', 0)`)
  isRefused(await opens(link), 404, 'not_found')
  await stack.sql('share', `UPDATE directory SET state = 'active' WHERE subject = '${ada.subject}'`)
  await sees(link)
  await stack.sql('share', `DELETE FROM directory WHERE subject = '${ada.subject}'`)
})

test('no code is in the database or in a log as it is; a changed file key loses none', async () => {
  const ada = await somebody('ada'), link = await ada.shares(await ada.keeps(), { label: 'sealed' })
  await sees(link)
  await request(stack, 'GET', `/api/v1/share/${link.code}x`)
  await request(stack, 'GET', `/%61pi/v1/share/${link.code}`)
  const row = await stack.sql('share', `SELECT row_to_json(l) FROM share_link l WHERE id = '${link.id}'`)
  assert.ok(!row.includes(link.code) && !row.includes(Buffer.from(link.code).toString('hex')))
  const line = JSON.stringify('/api/v1/share/')
  await until('the look is in the log', () => stack.log('gateway-1').includes(line))
  for (const name of ['gateway-1', 'share', 'store', 'auth', 'chat']) assert.ok(!stack.log(name).includes(link.code), name)
  const keys = readFileSync(join(stack.dir, 'env/share/MADANG_KEY_DIR'), 'utf8').trim(), keygen = word => execFileSync(join(bin, 'keygen'), [word, keys])
  const sealedBy = () => stack.sql('share', `SELECT encode(substr(code, 2, 4), 'hex') FROM share_link WHERE id = '${link.id}'`)
  const former = await sealedBy()
  keygen('--rotate-file-key')
  await stack.kill('share')
  await stack.ready()
  assert.notEqual(await sealedBy(), former)
  keygen('--forget-file-keys')
  await stack.kill('share')
  await stack.ready()
  assert.equal((await ada.link(link)).code, link.code)
  await sees(link)
  keygen('--rotate-file-key')
  keygen('--forget-file-keys')
  await stack.kill('share')
  await stack.ready()
  assert.deepEqual([(await ada.link(link)).code, (await ada.link(link)).url], [undefined, undefined])
  await sees(link)
  await sees(await ada.resets(link))
})

test('docs/share.md is run as it stands', async () => {
  const commands = [...readFileSync(join(root, 'docs/share.md'), 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, lines]) => lines).join('')
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', commands],
    { cwd: root, encoding: 'utf8', env: { ...process.env, MADANG: stack.url, CA: join(stack.dir, 'tls/ca.crt'), ADA: await tokenFor(stack, key, 'ada') } })
  assert.match(stdout, /The tide.*The tide.*not_found.*High water: six\..*High water\n.*For today.*"views":2.*The tide.*not_found.*The tide.*"end":\{"messages":1\}.*"versions":\[\{"version":1,"name":"The log","messages":1,.*Wind.*Wind.*"made":2,"same":0,"changed":0,"refused":1.*"made":0,"same":2,"changed":0,"refused":1/s)
})

test('a list of links is read by an index, however many links others have', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps(), link = await ada.shares(talk)
  await stack.sql('share', `BEGIN; INSERT INTO share_link (id, owner, conversation, code_hash, code, created_at, download, noindex, bytes) SELECT gen_random_uuid(), 'others', '${talk.id}', sha256(n::text::bytea), '', now(), true, true, 0 FROM generate_series(1, 3000) n; COMMIT; ANALYZE share_link`)
  const list = await stack.sql('share', `EXPLAIN SELECT id FROM share_link WHERE conversation = '${talk.id}' AND id < 'ffffffff-ffff-ffff-ffff-ffffffffffff' ORDER BY id DESC LIMIT 50`)
  assert.match(list, /Index (Only )?Scan using share_link_conversation/)
  assert.doesNotMatch(list, /Sort/)
  assert.match(await stack.sql('share', `EXPLAIN SELECT id FROM share_link WHERE code_hash = sha256('x')`), /Index Scan using share_link_code_hash_key/)
  await stack.sql('share', `DELETE FROM share_link WHERE owner = 'others'`)
  await sees(link)
})

// --- passwords ---

const PASSWORD = '등대지기의 밤 7'
let networks = 0
/** An address in a network from which nobody has come yet. */
const elsewhere = () => `203.${networks >> 8}.${networks++ & 255}.7`
const guesses = async link => (await stack.sql('share', `SELECT who, failures FROM share_guess WHERE link = '${link.id}' ORDER BY who`)).split('\n').filter(Boolean)

test('a link with a password opens to whoever says it, and before that it says nothing but that it has one', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps({ name: 'the secret name', theme: 'night', data: { messages: [{ text: 'the secret' }] } })
  const link = await ada.shares(talk, { password: PASSWORD, view_budget: 2 })
  assert.deepEqual([link.has_password, link.password], [true, undefined])
  const asked = await opens(link), wrong = await opens(link, { password: '등대지기의 밤 8' })
  isRefused(asked, 401, 'password_required')
  isRefused(wrong, 401, 'credentials_invalid')
  isRefused(await opens(link, { password: 'x'.repeat(73) }), 401, 'credentials_invalid')
  for (const answer of [asked, wrong]) assert.doesNotMatch(answer.text + JSON.stringify(answer.headers), /secret|night|messages/)
  assert.equal((await ada.link(link)).views, 0, 'a wrong password is no view')
  const seen = await sees(link, { password: PASSWORD }), { share_visit: visit } = seen
  assert.deepEqual([seen.name, seen.data], ['the secret name', { messages: [{ text: 'the secret' }] }])
  assert.equal((await sees(link, { visit })).name, 'the secret name', 'who has said it is not asked again')
  assert.equal((await ada.link(link)).views, 1)
  isRefused(await opens(link, { visit: `${visit.slice(0, -2)}AA` }), 401, 'password_required')
  await sees(link, { password: PASSWORD })
  isRefused(await opens(link, { password: PASSWORD }), 404, 'not_found')
  isRefused(await opens(link), 404, 'not_found')
  const kept = await stack.sql('share', `SELECT password FROM share_link WHERE id = '${link.id}'`)
  assert.match(kept, /^\$2b\$10\$/)
})

test('a password comes in a header alone: what a URL says is none', async () => {
  const ada = await somebody('ada'), link = await ada.shares(await ada.keeps(), { password: PASSWORD })
  for (const method of ['GET', 'HEAD']) {
    const answer = await request(stack, method, `/api/v1/share/${link.code}?share_password=${encodeURIComponent(PASSWORD)}`)
    assert.equal(answer.status, method === 'GET' ? 401 : 405)
  }
  assert.deepEqual(await guesses(link), [], 'nothing was compared')
})

test('a password is set, changed and taken away; who came in by another is asked again', async () => {
  const ada = await somebody('ada'), link = await ada.shares(await ada.keeps())
  const before = (await sees(link)).share_visit
  assert.equal((await ada.edits(link, { password: PASSWORD })).has_password, true)
  isRefused(await opens(link, { visit: before }), 401, 'password_required')
  const first = (await sees(link, { visit: before, password: PASSWORD })).share_visit
  assert.equal((await ada.edits(link, { label: 'another', theme: null })).has_password, true, 'it stays where nothing is said of it')
  await sees(link, { visit: first })
  await ada.edits(link, { password: 'another one' })
  isRefused(await opens(link, { visit: first }), 401, 'password_required')
  isRefused(await opens(link, { visit: first, password: PASSWORD }), 401, 'credentials_invalid')
  const second = (await sees(link, { password: 'another one' })).share_visit
  const again = await ada.resets(link)
  assert.equal(again.has_password, true)
  isRefused(await opens(again, { visit: second }), 401, 'password_required')
  const { views } = await ada.link(again), third = (await sees(again, { password: 'another one' })).share_visit
  assert.equal((await ada.edits(again, { password: null })).has_password, false)
  await sees(again, { visit: third })
  assert.equal((await ada.link(again)).views, views + 1, 'who had said it looks on')
  await sees(again)
  await ada.edits(again, { password: 'another one' })
  isRefused(await opens(again, { visit: third }), 401, 'password_required')
})

test('a password that nobody could say, or of which not all would be compared, is not taken', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps(), link = await ada.shares(talk, { password: PASSWORD })
  for (const [password, code] of [['short', 'invalid_argument'], [' blanks at the ends', 'invalid_argument'], ['a line\nand another', 'invalid_argument'], [7, 'invalid_argument'], ['가'.repeat(25), 'password_too_long'], ['x'.repeat(73), 'password_too_long']]) {
    isRefused(await ada.asks('POST', `/conversations/${talk.id}/share`, { password }), 400, code)
    isRefused(await ada.asks('PATCH', `/share-links/${link.id}`, { password, label: 'another' }), 400, code)
  }
  assert.equal((await ada.link(link)).label, undefined)
  await sees(link, { password: PASSWORD })
  const eve = await somebody('eve')
  isRefused(await eve.asks('PATCH', `/share-links/${link.id}`, { password: 'hers alone' }), 404, 'not_found')
  await sees(link, { password: PASSWORD })
})

test('guesses are counted by link and network, each before it is compared: of fifty at once one is, and nobody else is kept out', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps(), [link, other] = [await ada.shares(talk, { password: PASSWORD }), await ada.shares(talk, { password: PASSWORD })]
  const from = elsewhere(), neighbour = from.replace(/7$/, '9')
  for (let i = 0; i < 21; i++) isRefused(await opens(link, { from: i % 2 ? from : neighbour, password: `guess ${i}` }), 401, 'credentials_invalid')
  assert.equal(await stack.sql('share', `SELECT failures, next_at - changed_at FROM share_guess WHERE link = '${link.id}'`), '21|00:00:01')
  await stack.sql('share', `UPDATE share_guess SET failures = 24, next_at = now() - interval '1 minute' WHERE link = '${link.id}'`)
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => opens(link, { from: i % 2 ? from : neighbour, password: `guess number ${i}` })))
  const codes = answers.map(({ json }) => json.error.code)
  assert.deepEqual([codes.filter(code => code === 'credentials_invalid').length, codes.filter(code => code === 'rate_limited').length], [1, 49])
  const banned = await opens(link, { from, password: PASSWORD })
  isRefused(banned, 429, 'rate_limited')
  assert.ok(banned.json.error.details.retry_after_ms > 800000, banned.text)
  await sees(other, { from, password: PASSWORD })
  const { share_visit: visit } = await sees(link, { from: elsewhere(), password: PASSWORD })
  await sees(link, { from, visit })
  assert.equal(await stack.sql('share', `SELECT count(*), max(failures) FROM share_guess WHERE link = '${link.id}'`), '1|25')
  await stack.sql('share', `UPDATE share_guess SET changed_at = now() - interval '25 hours', next_at = now() WHERE link = '${link.id}'`)
  for (let i = 0; i < 2; i++) isRefused(await opens(link, { from, password: 'another guess' }), 401, 'credentials_invalid')
  assert.equal(await stack.sql('share', `SELECT failures FROM share_guess WHERE link = '${link.id}'`), '2', 'a day forgets them')
})

test('whoever has said the password before has tries of their own, whatever their neighbours guess', async () => {
  const ada = await somebody('ada'), link = await ada.shares(await ada.keeps(), { password: PASSWORD }), from = elsewhere()
  const { share_visit: visit } = await sees(link, { from, password: PASSWORD })
  await ada.edits(link, { password: 'another one' })
  await stack.sql('share', `INSERT INTO share_guess SELECT '${link.id}', '${from.replace(/7$/, '0/24')}', 30, now() + interval '1 day', now()`)
  isRefused(await opens(link, { from, password: 'another one' }), 429, 'rate_limited')
  isRefused(await opens(link, { from, visit, password: PASSWORD }), 401, 'credentials_invalid')
  await sees(link, { from, visit, password: 'another one' })
  assert.equal((await guesses(link)).length, 1, 'theirs are forgotten, the neighbours\' are not')
})

test('of four who say the right password at once one has the last view', async () => {
  const ada = await somebody('ada'), link = await ada.shares(await ada.keeps(), { password: PASSWORD, view_budget: 1 }), from = elsewhere()
  const answers = await Promise.all(Array.from({ length: 4 }, () => opens(link, { from, password: PASSWORD })))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 404, 404, 404])
})

test('wrong passwords are forgotten with their link, and after a day', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps(), [gone, stays] = [await ada.shares(talk, { password: PASSWORD }), await ada.shares(talk, { password: PASSWORD })]
  for (const link of [gone, stays]) for (let i = 0; i < 2; i++) isRefused(await opens(link, { from: elsewhere(), password: 'another guess' }), 401, 'credentials_invalid')
  await ada.revokes(gone)
  assert.deepEqual([(await guesses(gone)).length, (await guesses(stays)).length], [0, 2])
  await stack.sql('share', `UPDATE share_guess SET changed_at = now() - interval '25 hours', next_at = now() - interval '25 hours' WHERE ctid = (SELECT min(ctid) FROM share_guess WHERE link = '${stays.id}')`)
  await until('it was forgotten', async () => {
    if ((await guesses(stays)).length === 1) return true
    const { jobs: [job] } = await stack.rpc('share', 'job.list', { kind: 'guess.expire', state: 'waiting' })
    if (job) await stack.rpc('share', 'job.retry', { job: job.id }).catch(error => assert.match(error.message, /it runs just now/))
  })
})
