// l_versions - what conversations were before: kept once for each change of somebody's, within bounds, read, restored and forgotten; the files that it showed.
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { request, tokenFor } from '../lib/people.mjs'
import { aForm } from '../lib/share.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const MOST = 6, BYTES = 700000, OWNER_BYTES = 1000000, EACH = 1024, LONG = 60000

let stack, key
before(async () => {
  stack = await startStack({ env: {
    MADANG_SHARE_VERSIONS: String(MOST), MADANG_SHARE_VERSION_BYTES: String(BYTES), MADANG_SHARE_OWNER_VERSION_BYTES: String(OWNER_BYTES),
    MADANG_GATEWAY_RATE_PERCENT: '10000', MADANG_CALL_BUDGET_MS: '60000',
  } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

function is(answer, status, code) {
  assert.deepEqual([answer.status, answer.json?.error?.code], [status, code], answer.text)
  return answer.json?.data
}
/** Somebody with a token, who keeps conversations and changes them. */
function withToken(subject, token) {
  const asks = (method, path, body, more = {}) => request(stack, method, `/api/v1${path}`, { token, body, ...more })
  const talks = (method, path, body, more) => asks(method, `/conversations${path}`, body, more)
  const versions = async ({ id }, query = '') => is(await talks('GET', `/${id}/versions${query}`), 200).versions
  return {
    subject, token, asks, talks, versions,
    keeps: async (more = {}) => is(await talks('POST', '', { name: 'a talk', data: { n: 0 }, ...more }), 201),
    keepsFile: async () => is(await asks('POST', '/media', undefined, aForm(`words of ${randomUUID()}`)), 201),
    shares: async ({ id }, who, role) => is(await talks('POST', `/${id}/people`, { subject: who.subject, role }), 200),
    writes: async ({ id }, data, more = {}) => is(await talks('PUT', `/${id}`, { name: 'a talk', data, ...more }), 200),
    reads: async ({ id }) => is(await talks('GET', `/${id}`), 200),
    restores: ({ id }, version, headers = {}) => talks('POST', `/${id}/versions/${version}/restore`, {}, { headers }),
    sees: async ({ url }) => (await request(stack, 'GET', url, { token })).status,
    /** What the former versions said, the last one first. */
    said: async talk => Promise.all((await versions(talk)).map(async ({ version }) => is(await talks('GET', `/${talk.id}/versions/${version}`), 200).data)),
  }
}
async function somebody(name) {
  const subject = `${name} ${randomUUID()}`
  return withToken(subject, await tokenFor(stack, key, subject))
}
let users = 0
async function aUser(name) {
  const nickname = `${name}${++users}`, email = `${nickname}@example.org`, password = 'correct horse battery staple'
  const { user: { id } } = is(await request(stack, 'POST', '/api/v1/auth/register', { body: { email, password, nickname } }), 201)
  const { access_token: token } = is(await request(stack, 'POST', '/api/v1/auth/login', { body: { email, password } }), 200)
  await until('share knows them', async () => await stack.sql('share', `SELECT count(*) FROM directory WHERE subject = '${id}'`) === '1', LONG)
  return withToken(id, token)
}

async function erases(who) {
  is(await who.asks('DELETE', '/users/me'), 200)
  await stack.sql('auth', `UPDATE account SET delete_at = now() - interval '1 second' WHERE id = '${who.subject}'; UPDATE job SET run_at = now() WHERE kind = 'account.erase'; NOTIFY auth_jobs`)
}

const sql = text => stack.sql('share', text)
/** As when who changed it last had done so more than ten minutes ago. */
const later = ({ id }) => sql(`UPDATE conversation SET began_at = began_at - interval '601 s' WHERE id = '${id}'`)
/** What counts of an owner's, as the database has it and as it is. */
async function usage(who) {
  const [[kept, is]] = (await sql(`SELECT coalesce((SELECT used FROM former_version_usage WHERE owner = '${who.subject}'), 0), coalesce(sum(counts), 0) FROM former_version WHERE owner = '${who.subject}'`)).split('\n').map(row => row.split('|').map(Number))
  assert.equal(kept, is, 'what is counted is what is there')
  return kept
}
/** Which no compression makes smaller. */
const noise = bytes => randomBytes(Math.ceil(bytes * 3 / 4)).toString('base64').slice(0, bytes)

/* --- what is kept --- */

test('what somebody changes again soon is one change; another person, or time, makes another', async () => {
  const [ada, bob] = [await somebody('ada'), await somebody('bob')]
  const talk = await ada.keeps({ theme: 'night', data: { messages: [{ text: '첫' }, { text: 'second' }] } })
  await ada.shares(talk, bob, 'editor')
  assert.deepEqual(await ada.versions(talk), [])
  for (let n = 1; n <= 20; n++) await ada.writes(talk, { n })
  const [first, ...none] = await ada.versions(talk)
  assert.deepEqual([none.length, first.version, first.name, first.theme, first.messages, first.changed_by, first.data], [0, 1, 'a talk', 'night', 2, ada.subject, undefined])
  assert.ok(first.bytes > 20 && first.kept_at >= first.changed_at && first.changed_at === talk.changed_at)
  assert.deepEqual(await ada.said(talk), [{ messages: [{ text: '첫' }, { text: 'second' }] }])
  await bob.writes(talk, { n: 21 })
  await bob.writes(talk, { n: 22 })
  await ada.writes(talk, { n: 23 })
  await later(talk)
  await ada.writes(talk, { n: 24 }, { name: 'renamed' })
  is(await ada.talks('PATCH', `/${talk.id}`, { data: { n: 25 } }), 200)
  assert.deepEqual((await ada.said(talk)).map(({ n }) => n), [23, 22, 20, undefined])
  const { data: read } = (await ada.talks('GET', `/${talk.id}/versions/${(await ada.versions(talk))[1].version}`)).json
  assert.deepEqual([read.conversation, read.changed_by, read.data], [talk.id, bob.subject, { n: 22 }])
  assert.deepEqual((await ada.reads(talk)).data, { n: 25 })
})

test('a change that changes nothing of name, theme and content makes none; a theme, a name, a letter does', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps({ data: { a: 1, b: { c: [2] } } })
  await ada.writes(talk, { b: { c: [2] }, a: 1 })
  await ada.writes(talk, { a: 1, b: { c: [2] } }, { public: true })
  is(await ada.talks('PATCH', `/${talk.id}`, {}), 200)
  assert.deepEqual(await ada.versions(talk), [])
  for (const [data, more] of [[{ a: 1, b: { c: [2] } }, { theme: 'night' }], [{ a: 1, b: { c: [2] } }, { name: 'another' }], [{ a: 1, b: { c: [3] } }, {}]]) {
    await ada.writes(talk, data, more)
    await later(talk)
  }
  const versions = await ada.versions(talk)
  assert.deepEqual(versions.map(({ name, theme, changed_by: by }) => [name, theme, by === ada.subject]), [['another', undefined, true], ['a talk', 'night', true], ['a talk', undefined, true]])
})

test('an unchanged content is not written again, and one that was large is not either', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps({ data: { text: noise(200000) } }), { data } = talk
  const size = () => sql(`SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = 'conversation'::regclass`).then(Number)
  await ada.writes(talk, data, { name: 'renamed' }) // what it was is kept
  const before = await size()
  for (let n = 0; n < 10; n++) await ada.writes(talk, data, { name: `name ${n}` })
  assert.equal(await size(), before)
  await ada.writes(talk, { text: noise(200000) })
  assert.ok(await size() > before)
})

test('to an editor it is not said which other editor made one so', async () => {
  const [ada, bob, eve] = [await somebody('ada'), await somebody('bob'), await somebody('eve')], talk = await ada.keeps()
  for (const who of [bob, eve]) await ada.shares(talk, who, 'editor')
  for (const who of [bob, eve, ada]) await who.writes(talk, { by: who.subject })
  const by = async who => (await who.versions(talk)).map(({ changed_by: by }) => by)
  assert.deepEqual(await by(ada), [eve.subject, bob.subject, ada.subject])
  assert.deepEqual(await by(bob), [undefined, bob.subject, ada.subject])
  assert.deepEqual(await by(eve), [eve.subject, undefined, ada.subject])
})

test('pages have each once, the last one first; what is no version is refused', async () => {
  const [ada, eve] = [await somebody('ada'), await somebody('eve')], talk = await ada.keeps(), other = await ada.keeps()
  for (let n = 1; n <= 5; n++) {
    await ada.writes(talk, { n })
    await later(talk)
  }
  const seen = []
  for (let after = ''; after !== undefined;) {
    const { data, meta } = (await ada.talks('GET', `/${talk.id}/versions?limit=2${after}`)).json
    seen.push(...data.versions.map(({ version }) => version))
    after = meta.next && `&after=${meta.next}`
  }
  assert.deepEqual(seen, [5, 4, 3, 2, 1])
  for (const query of ['after=x', 'after=0', 'after=-1', 'limit=101', 'limit=0']) is(await ada.talks('GET', `/${talk.id}/versions?${query}`), 400, 'invalid_argument')
  for (const version of ['0', '-1', 'x', '1.5', '9223372036854775808']) is(await ada.talks('GET', `/${talk.id}/versions/${version}`), 400, 'invalid_argument')
  for (const version of ['6', '9223372036854775807']) for (const ask of [
    ada.talks('GET', `/${talk.id}/versions/${version}`), ada.restores(talk, version), ada.talks('DELETE', `/${talk.id}/versions/${version}`), ada.talks('GET', `/${other.id}/versions/1`), eve.restores(talk, 1),
  ]) is(await ask, 404, 'not_found')
  is(await request(stack, 'GET', `/api/v1/conversations/${talk.id}/versions`), 401, 'unauthenticated')
})

/* --- restoring --- */

test('what is restored is what it was, but for who may read it; what it was until then is kept, however soon', async () => {
  const [ada, bob] = [await somebody('ada'), await somebody('bob')], first = { messages: [{ text: 'what was\u0001 said 👩‍👩‍👧' }], n: 1.50, big: 12345678901234567890 }
  const talk = await ada.keeps({ theme: 'night', data: first })
  const put = await ada.writes(talk, { n: 2 }, { name: 'second', public: true })
  await ada.shares(talk, bob, 'editor')
  is(await bob.restores(talk, 1, { 'if-match': talk.etag }), 412, 'precondition_failed')
  const restored = await ada.restores(talk, 1, { 'if-match': put.etag }) // at once, so it is the same person's and soon
  const { name, theme, data, public: isPublic, etag } = is(restored, 200)
  assert.deepEqual([name, theme, data, isPublic], ['a talk', 'night', talk.data, true])
  assert.deepEqual([restored.headers.etag, etag !== put.etag], [etag, true])
  assert.deepEqual((await ada.versions(talk)).map(({ name }) => name), ['second', 'a talk'])
  is(await bob.restores(talk, 1), 200) // as when its answer was lost
  assert.equal((await ada.versions(talk)).length, 2, 'what is so already makes none')
  const [undone] = await ada.versions(talk)
  assert.deepEqual(is(await ada.restores(talk, undone.version), 200).data, { n: 2 })
  await ada.writes(talk, { n: 3 })
  assert.deepEqual((await ada.said(talk)).map(({ n }) => n), [2, 1.5, 2, 1.5], 'after a restoration nothing is the same change')
})

test('one that goes by its own restoration is restored, and kept again by the next change', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps()
  for (let n = 1; n <= MOST; n++) {
    await ada.writes(talk, { n })
    await later(talk)
  }
  assert.deepEqual(is(await ada.restores(talk, 1), 200).data, { n: 0 })
  assert.deepEqual((await ada.said(talk)).map(({ n }) => n), [6, 5, 4, 3, 2, 1])
  await ada.writes(talk, { n: 7 })
  assert.deepEqual((await ada.said(talk)).map(({ n }) => n), [0, 6, 5, 4, 3, 2])
})

test('what is restored counts to its owner as any change; over the quota nothing changes', async () => {
  const [ada, bob] = [await somebody('ada'), await somebody('bob')], talk = await ada.keeps({ data: { text: 'x'.repeat(5000) } })
  await ada.shares(talk, bob, 'editor')
  await ada.writes(talk, { n: 1 })
  const used = async () => Number(await sql(`SELECT used FROM usage WHERE quota = 'conversation_bytes' AND subject = '${ada.subject}'`))
  const before = await used()
  await sql(`UPDATE usage SET used = 268435456 WHERE quota = 'conversation_bytes' AND subject = '${ada.subject}'`)
  is(await bob.restores(talk, 1), 403, 'quota_exceeded')
  assert.deepEqual([(await ada.reads(talk)).data, (await ada.versions(talk)).length], [{ n: 1 }, 1])
  await sql(`UPDATE usage SET used = ${before} WHERE quota = 'conversation_bytes' AND subject = '${ada.subject}'`)
  is(await bob.restores(talk, 1), 200)
  assert.equal(await used(), before + 5000 + 'text'.length - 'n'.length + 2)
})

test('a live link shows what was restored, and a snapshot what it was; a copy has no former versions', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps()
  await ada.writes(talk, { n: 1 })
  const [live, snapshot] = await Promise.all([{}, { snapshot: true }].map(async more => is(await ada.talks('POST', `/${talk.id}/share`, more), 201).code))
  is(await ada.restores(talk, 1), 200)
  const shown = async code => is(await request(stack, 'GET', `/api/v1/share/${code}`), 200).data
  assert.deepEqual([await shown(live), await shown(snapshot)], [{ n: 0 }, { n: 1 }])
  const copy = is(await ada.talks('POST', `/${talk.id}/duplicate`, {}), 201)
  assert.deepEqual(await ada.versions(copy), [])
})

/* --- forgetting, the trash --- */

test('an owner forgets one, and all; in the trash they stay, are read and forgotten, and none is restored; they go with it', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps()
  for (let n = 1; n <= 4; n++) {
    await ada.writes(talk, { n })
    await later(talk)
  }
  is(await ada.talks('DELETE', `/${talk.id}/versions/2`), 204)
  is(await ada.talks('DELETE', `/${talk.id}/versions/2`), 404, 'not_found')
  is(await ada.talks('GET', `/${talk.id}/versions/2`), 404, 'not_found')
  assert.deepEqual((await ada.said(talk)).map(({ n }) => n), [3, 2, 0])
  is(await ada.talks('DELETE', `/${talk.id}`), 204)
  assert.deepEqual((await ada.said(talk)).map(({ n }) => n), [3, 2, 0])
  is(await ada.restores(talk, 1), 404, 'not_found')
  is(await ada.talks('DELETE', `/${talk.id}/versions/1`), 204)
  is(await ada.talks('POST', `/${talk.id}/undelete`, {}), 200)
  assert.deepEqual((await ada.said(talk)).map(({ n }) => n), [3, 2])
  assert.ok(await usage(ada) > 2 * EACH)
  is(await ada.talks('DELETE', `/${talk.id}/versions`), 204)
  is(await ada.talks('DELETE', `/${talk.id}/versions`), 204)
  assert.deepEqual([await ada.versions(talk), await usage(ada)], [[], 0])
  await ada.writes(talk, { n: 5 })
  assert.equal((await ada.versions(talk)).length, 1)
  is(await ada.talks('DELETE', `/${talk.id}?for_good=true`), 204)
  assert.equal(await usage(ada), 0)
  assert.equal(await sql(`SELECT count(*) FROM former_version WHERE conversation = '${talk.id}'`), '0')
})

/* --- bounds --- */

test('of one conversation as many are kept as the setting says, and as many bytes; the oldest go', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps()
  for (let n = 1; n <= MOST + 3; n++) {
    await ada.writes(talk, { n })
    await later(talk)
  }
  assert.deepEqual((await ada.said(talk)).map(({ n }) => n), [8, 7, 6, 5, 4, 3])
  for (let n = 10; n <= 13; n++) {
    await ada.writes(talk, { n, text: noise(240000) })
    await later(talk)
  }
  assert.deepEqual((await ada.said(talk)).map(({ n }) => n), [12, 11])
  assert.ok(await usage(ada) <= BYTES)
})

test('of one owner as many bytes are kept as the setting says, the oldest of all conversations go first; whoever writes', async () => {
  const [ada, bob] = [await somebody('ada'), await somebody('bob')], talks = []
  for (let i = 0; i < 3; i++) talks.push(await ada.keeps({ data: { text: noise(200000) } }))
  for (const talk of talks) await ada.shares(talk, bob, 'editor')
  for (const talk of talks) await ada.writes(talk, { text: noise(200000) })
  for (const talk of talks) await bob.writes(talk, { n: 1 })
  assert.deepEqual(await Promise.all(talks.map(async talk => (await ada.versions(talk)).map(({ version }) => version))), [[2], [2], [2, 1]])
  assert.ok(await usage(ada) <= OWNER_BYTES)
})

test('small ones are not free: no one has more of them than their bytes, and 1,024 for each, allow', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps()
  await sql(`WITH many AS (INSERT INTO conversation (id, owner, name, data, created_at, changed_at, bytes) SELECT gen_random_uuid(), '${ada.subject}', 'one of many', '{}', now(), now(), 2 FROM generate_series(1, 200) RETURNING id)
    INSERT INTO former_version (conversation, version, owner, changed_at, kept_at, name, data, messages, bytes) SELECT id, n, '${ada.subject}', now(), now() - interval '1 hour', 'old', '{}', 0, 2 FROM many, generate_series(1, 4) n`)
  assert.equal(await usage(ada), 800 * (EACH + 2))
  await ada.writes(talk, { text: noise(240000) })
  await later(talk)
  await ada.writes(talk, { n: 1 })
  assert.equal((await ada.versions(talk)).length, 2)
  const used = await usage(ada)
  assert.ok(used <= OWNER_BYTES && used > OWNER_BYTES - EACH - 2, `${used}`)
})

test('days later they are forgotten, and not before; of each owner', async () => {
  const [ada, bob] = [await somebody('ada'), await somebody('bob')], talks = [await ada.keeps(), await bob.keeps()]
  for (const [i, who] of [ada, bob].entries()) for (let n = 1; n <= 2; n++) {
    await who.writes(talks[i], { n })
    await later(talks[i])
  }
  await sql(`UPDATE former_version SET kept_at = now() - interval '91 days' WHERE version = 1 AND conversation IN ('${talks[0].id}', '${talks[1].id}')`)
  await sql(`UPDATE former_version SET kept_at = now() - interval '89 days' WHERE version = 2 AND conversation IN ('${talks[0].id}', '${talks[1].id}')`)
  await until('they are forgotten', async () => {
    if (await sql(`SELECT count(*) FROM former_version WHERE kept_at < now() - interval '90 days'`) === '0') return true
    const { jobs: [job] } = await stack.rpc('share', 'job.list', { kind: 'version.expire', state: 'waiting' })
    if (job) await stack.rpc('share', 'job.retry', { job: job.id }).catch(error => assert.match(error.message, /it runs just now|not_found/))
  }, LONG)
  for (const [i, who] of [ada, bob].entries()) assert.deepEqual((await who.said(talks[i])).map(({ n }) => n), [1])
  await usage(ada)
})

/* --- files --- */

const isDue = (...media) => sql(`UPDATE media SET due_at = now() - interval '1 s' WHERE id IN (${media.map(({ id }) => `'${id}'`)})`)
async function isLookedAt(...media) {
  await isDue(...media)
  await until('none is due', async () => {
    if (await sql(`SELECT count(*) FROM media WHERE due_at <= now() AND id IN (${media.map(({ id }) => `'${id}'`)})`) === '0') return true
    const { jobs: [job] } = await stack.rpc('share', 'job.list', { kind: 'media.collect', state: 'waiting' })
    if (job) await stack.rpc('share', 'job.retry', { job: job.id }).catch(error => assert.match(error.message, /it runs just now|not_found/))
  }, LONG)
}

test('files that a former version showed stay with it, are seen by who may read it, are shown again, and go with it', async () => {
  const [ada, bob, eve, mal] = [await somebody('ada'), await somebody('bob'), await somebody('eve'), await somebody('mal')]
  const [his, hers, never] = [await bob.keepsFile(), await ada.keepsFile(), await ada.keepsFile()]
  const talk = await ada.keeps({ data: { messages: [{ picture: hers.url }] } })
  await ada.shares(talk, bob, 'editor')
  await ada.shares(talk, eve, 'editor')
  await ada.shares(talk, mal, 'reader')
  await bob.writes(talk, { messages: [{ picture: his.url }, { picture: hers.url }, { picture: never.url }] }) // the last of which he cannot show
  await ada.writes(talk, { messages: [] })
  for (let look = 0; look < 3; look++) await isLookedAt(his, hers, never)
  assert.deepEqual(await Promise.all([his, hers].map(file => eve.sees(file))), [200, 200])
  assert.deepEqual(await Promise.all([his, hers].map(file => mal.sees(file))), [404, 404], 'a reader has no former versions')
  assert.deepEqual([await ada.sees(his), await ada.sees(never)], [200, 404], 'what nothing shows is gone')
  const [{ version }] = await ada.versions(talk)
  is(await eve.restores(talk, version), 200)
  assert.deepEqual(await Promise.all([his, hers].map(file => mal.sees(file))), [200, 200], 'they are shown again')
  await ada.writes(talk, { messages: [] })
  is(await ada.talks('DELETE', `/${talk.id}/versions`), 204)
  assert.deepEqual([await eve.sees(his), await ada.sees(his), await bob.sees(his)], [404, 404, 200])
  for (let look = 0; look < 2; look++) await isLookedAt(his, hers)
  assert.deepEqual([await bob.sees(his), await ada.sees(hers)], [404, 404])
})

test('nobody makes a conversation show by restoring what they were only shown', async () => {
  const [ada, bob, mal] = [await somebody('ada'), await somebody('bob'), await somebody('mal')], secret = await ada.keepsFile()
  const talk = await ada.keeps()
  await ada.shares(talk, bob, 'editor')
  await ada.shares(talk, mal, 'reader')
  await bob.writes(talk, { picture: secret.url })
  await ada.writes(talk, {})
  const [{ version }] = await bob.versions(talk)
  is(await bob.restores(talk, version), 200)
  assert.deepEqual(await Promise.all([bob, mal].map(who => who.sees(secret))), [404, 404])
})

/* --- people --- */

test('an editor who is erased is named no more, nor is one who had changed what it is; who is removed has none', async () => {
  const [ada, bob, eve] = [await aUser('ada'), await aUser('bob'), await aUser('eve')], talks = []
  for (let i = 0; i < 2; i++) {
    const talk = await ada.keeps()
    talks.push(talk)
    for (const who of [bob, eve]) await ada.shares(talk, who, 'editor')
    for (const who of [bob, ada, bob]) await who.writes(talk, { by: who.subject, at: randomUUID() })
  }
  await ada.talks('DELETE', `/${talks[0].id}/people/${eve.subject}`)
  is(await eve.talks('GET', `/${talks[0].id}/versions`), 404, 'not_found')
  await erases(bob)
  await until('he is erased', async () => await sql(`SELECT count(*) FROM former_version WHERE changed_by = '${bob.subject}'`) === '0' && await sql(`SELECT count(*) FROM conversation WHERE changed_by = '${bob.subject}'`) === '0', LONG)
  for (const talk of talks) {
    await ada.writes(talk, {})
    assert.deepEqual((await ada.versions(talk)).map(({ changed_by: by }) => by), [undefined, ada.subject, undefined, ada.subject])
  }
  await erases(ada)
  await until('she is erased', async () => await sql(`SELECT (SELECT count(*) FROM former_version WHERE owner = '${ada.subject}') + (SELECT count(*) FROM former_version_usage WHERE owner = '${ada.subject}') + (SELECT count(*) FROM former_version_media f JOIN conversation c ON c.id = f.conversation WHERE c.owner = '${ada.subject}')`) === '0', LONG)
})

test('what is taken down is its owner\'s, with what it was; nobody else has its former versions', async () => {
  const [ada, bob] = [await somebody('ada'), await somebody('bob')], talk = await ada.keeps()
  await ada.shares(talk, bob, 'editor')
  await ada.writes(talk, { n: 1 })
  await stack.rpc('share', 'takedown.put', { share: talk.id, reason: 'spam' })
  for (const ask of [bob.talks('GET', `/${talk.id}/versions`), bob.talks('GET', `/${talk.id}/versions/1`), bob.restores(talk, 1)]) is(await ask, 404, 'not_found')
  assert.ok(is(await ada.restores(talk, 1), 200).taken_down_at > 0)
})

test('one\'s own former versions are in what one takes along, page by page, and no others', async () => {
  const [ada, bob] = [await aUser('ada'), await aUser('bob')], own = await bob.keeps(), talks = [await ada.keeps(), await ada.keeps()]
  for (const talk of talks) await ada.shares(talk, bob, 'editor')
  for (let n = 1; n <= 3; n++) for (const talk of talks) {
    await bob.writes(talk, { n, text: noise(n === 2 ? 1000 : 10) })
    await later(talk)
  }
  await bob.writes(own, { n: 1 })
  const takes = async (who, limit) => {
    const seen = []
    for (let after = ''; after !== undefined;) {
      const { data: { versions }, meta } = (await who.asks('GET', `/users/me/export/versions?limit=${limit}${after}`)).json
      assert.ok(versions.length <= limit)
      seen.push(...versions)
      after = meta.next && `&after=${meta.next}`
    }
    return seen.map(({ conversation, version, data: { n } }) => [conversation, version, n])
  }
  const all = await takes(ada, 200)
  assert.deepEqual(all.map(([, version, n]) => [version, n]).sort(), [[1, 0], [1, 0], [2, 1], [2, 1], [3, 2], [3, 2]])
  assert.deepEqual(await takes(ada, 1), all)
  assert.deepEqual(await takes(bob, 2), [[own.id, 1, 0]])
  for (const after of ['x', '1', '1.2', '1.2.x', '1.2.3.4']) is(await ada.asks('GET', `/users/me/export/versions?after=${after}`), 400, 'invalid_argument')
})

/* --- at once, killed, many --- */

test('of many who change at once, in one conversation and in many, each state is kept or is there, and nobody waits in a circle', async () => {
  const [ada, ...others] = await Promise.all(['ada', 'bob', 'cat', 'dan'].map(somebody)), talks = []
  for (let i = 0; i < 4; i++) talks.push(await ada.keeps({ data: { text: noise(90000) } }))
  for (const talk of talks) for (const who of others) await ada.shares(talk, who, 'editor')
  const answers = await Promise.all(talks.flatMap(talk => [ada, ...others].flatMap(who => Array.from({ length: 4 }, async (_, n) => {
    if (n === 3) return who === ada ? ada.talks('DELETE', `/${talk.id}/versions/${1 + Math.floor(talks.indexOf(talk) * 2)}`) : who.restores(talk, 1)
    return who.talks('PUT', `/${talk.id}`, { name: 'a talk', data: { n, text: noise(90000) } })
  }))))
  assert.deepEqual(answers.filter(({ status }) => ![200, 204, 404].includes(status)).map(({ text }) => text), [])
  assert.ok(await usage(ada) <= OWNER_BYTES)
  for (const talk of talks) assert.ok((await ada.versions(talk)).length <= MOST)
})

test('of two who know the same etag one changes it, and the other is told, whether they write or restore', async () => {
  const [ada, bob] = [await somebody('ada'), await somebody('bob')], talk = await ada.keeps()
  await ada.shares(talk, bob, 'editor')
  await ada.writes(talk, { n: 1 })
  const { etag } = await ada.reads(talk), headers = { 'if-match': etag }
  const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => n % 2 ? bob.restores(talk, 1, headers) : ada.talks('PUT', `/${talk.id}`, { name: 'a talk', data: { n: 10 + n } }, { headers })))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(9).fill(412)])
})

test('kills lose no state between a conversation and its former versions, and what counts stays true', { timeout: 240000 }, async () => {
  const [ada, bob] = [await somebody('ada'), await somebody('bob')], talk = await ada.keeps({ data: { n: 0 } })
  await ada.shares(talk, bob, 'editor')
  let n = 0, done = false
  const answered = []
  const writing = (async () => {
    while (!done) {
      const who = answered.length % 2 ? ada : bob, mine = ++n // in turn, so that none is the same change
      const answer = await who.talks('PUT', `/${talk.id}`, { name: 'a talk', data: { n: mine, text: noise(50000) } }).catch(() => ({ status: 0 }))
      if (answer.status === 200) answered.push(mine)
    }
  })()
  for (let round = 0; round < 4; round++) {
    const before = answered.length
    await until('some are answered', () => answered.length > before + 3, LONG)
    await stack.kill('share')
    await stack.ready()
  }
  done = true
  await writing
  const states = [(await ada.reads(talk)).data.n, ...(await ada.said(talk)).map(({ n }) => n)]
  assert.deepEqual(states, [...states].sort((a, b) => b - a), 'in the order in which they were said')
  assert.equal(states.length, MOST + 1)
  for (const said of answered.filter(one => one >= states.at(-1))) assert.ok(states.includes(said), `${said} of ${states}`)
  await usage(ada)
})

test('of a thousand versions of a thousand conversations the own ones are found by an index, and a change costs what it is over', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps()
  await sql(`WITH many AS (INSERT INTO conversation (id, owner, name, data, created_at, changed_at, bytes) SELECT gen_random_uuid(), 'many ' || i, 'one of many', '{}', now(), now(), 2 FROM generate_series(1, 1000) i RETURNING id, owner)
    INSERT INTO former_version (conversation, version, owner, changed_at, kept_at, name, data, messages, bytes) SELECT id, n, owner, now(), now() - n * interval '1 s' - random() * interval '1 h', 'old', '{}', 0, 2 FROM many, generate_series(1, 20) n`)
  await sql(`INSERT INTO former_version (conversation, version, owner, changed_at, kept_at, name, data, messages, bytes) SELECT '${talk.id}', n, '${ada.subject}', now(), now() - interval '1 h' + n * interval '1 s', 'version ' || n, '{}', 0, 2 FROM generate_series(1, 1000) n`)
  await sql(`UPDATE conversation SET version = 1001 WHERE id = '${talk.id}'`)
  await sql('ANALYZE former_version, conversation')
  const list = await sql(`EXPLAIN SELECT version FROM former_version WHERE conversation = '${talk.id}' AND version < 9223372036854775807 ORDER BY version DESC LIMIT 50`)
  assert.match(list, /Index.* Scan Backward using former_version_pkey/)
  assert.doesNotMatch(list, /Sort/)
  for (const statement of [
    `SELECT * FROM former_version WHERE owner = '${ada.subject}' ORDER BY kept_at, conversation, version LIMIT 500`,
    `SELECT * FROM former_version WHERE owner = '${ada.subject}' AND (kept_at, conversation, version) > (now() - interval '1 day', '${talk.id}', 5) ORDER BY kept_at, conversation, version LIMIT 50`,
  ]) assert.match(await sql(`EXPLAIN ${statement}`), /Index Scan (using|on) former_version_owner/)
  assert.match(await sql(`EXPLAIN SELECT owner FROM former_version WHERE kept_at < now() - interval '1 day' ORDER BY kept_at LIMIT 1`), /former_version_kept/)
  const seen = []
  for (let after = ''; after !== undefined;) {
    const { data, meta } = (await ada.talks('GET', `/${talk.id}/versions?limit=100${after}`)).json
    seen.push(...data.versions.map(({ version }) => version))
    after = meta.next && `&after=${meta.next}`
  }
  assert.deepEqual(seen, Array.from({ length: 1000 }, (_, i) => 1000 - i))
  await ada.writes(talk, { n: 1 })
  assert.deepEqual((await ada.versions(talk)).map(({ version }) => version), [1001, 1000, 999, 998, 997, 996])
  await usage(ada)
})

/* --- none --- */

test('where none are kept a change leaves none, and those that there are go with the next look', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps()
  await ada.writes(talk, { n: 1 })
  writeFileSync(join(stack.dir, 'env/share/MADANG_SHARE_VERSIONS'), '0')
  await stack.kill('share')
  await stack.ready()
  const other = await ada.keeps()
  await ada.writes(other, { n: 1 })
  assert.deepEqual(await ada.versions(other), [])
  await until('none is left', async () => {
    if (await sql(`SELECT count(*) FROM former_version`) === '0') return true
    const { jobs: [job] } = await stack.rpc('share', 'job.list', { kind: 'version.expire', state: 'waiting' })
    if (job) await stack.rpc('share', 'job.retry', { job: job.id }).catch(error => assert.match(error.message, /it runs just now|not_found/))
  }, LONG)
  assert.equal(await usage(ada), 0)
})
