// l_sharing - conversations that are shared with people by name, as readers and editors: who may do what is the table of rights.def, cell by cell; who is
// removed, blocked, disabled or erased; and the files inside.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { request, tokenFor } from '../lib/people.mjs'
import { aForm } from '../lib/share.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const MOST = 5, LONG = 60000

let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_SHARE_PEOPLE_MAX: String(MOST), MADANG_GATEWAY_RATE_PERCENT: '10000', MADANG_CALL_BUDGET_MS: '60000' } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

function is(answer, status, code) {
  assert.deepEqual([answer.status, answer.json?.error?.code], [status, code], answer.text)
  return answer.json?.data
}
/** Somebody with a token, who keeps conversations and files and shares them. */
function withToken(subject, token) {
  const asks = (method, path, body, more = {}) => request(stack, method, `/api/v1${path}`, { token, body, ...more })
  const talks = (method, path, body, more) => asks(method, `/conversations${path}`, body, more)
  return {
    subject, token, asks, talks,
    keeps: async (more = {}) => is(await talks('POST', '', { name: 'a talk', data: {}, ...more }), 201),
    keepsFile: async (content = `words of ${randomUUID()}`) => is(await asks('POST', '/media', undefined, aForm(content)), 201),
    shares: async ({ id }, who, role = 'reader') => is(await talks('POST', `/${id}/people`, { subject: who.subject, role }), 200),
    ends: async ({ id }, who) => is(await talks('DELETE', `/${id}/people/${encodeURIComponent(who.subject)}`), 204),
    people: async ({ id }) => is(await talks('GET', `/${id}/people`), 200).people,
    lists: async (query = '') => is(await talks('GET', query && `?${query}`), 200).conversations,
    reads: ({ id }) => talks('GET', `/${id}`),
    sees: async ({ url }) => (await request(stack, 'GET', url, { token })).status,
    used: async () => Object.fromEntries((await stack.rpc('share', 'conversation.usage', { subject })).usages.map(({ quota, used }) => [quota, used])),
  }
}
async function somebody(name) {
  const subject = `${name} ${randomUUID()}`
  return withToken(subject, await tokenFor(stack, key, subject))
}
/** Somebody with an account, whom share knows. */
let users = 0
async function aUser(name) {
  const nickname = `${name}${++users}`, email = `${nickname}@example.org`, password = 'correct horse battery staple'
  const answer = await request(stack, 'POST', '/api/v1/auth/register', { body: { email, password, nickname } })
  const { user: { id } } = is(answer, 201)
  const { access_token: token } = is(await request(stack, 'POST', '/api/v1/auth/login', { body: { email, password } }), 200)
  await until('share knows them', async () => await stack.sql('share', `SELECT count(*) FROM directory WHERE subject = '${id}'`) === '1', LONG)
  return Object.assign(withToken(id, token), { nickname, email, password })
}
const inChat = (who, method, path, body) => request(stack, method, `/api/v1${path}`, { token: who.token, body })

/* --- the table --- */

const table = readFileSync(join(root, 'services/share/conversations/rights.def'), 'utf8')
const [, ...roles] = /\/\*\s+(right\s.*?)\s+meaning \*\//.exec(table)[1].split(/\s+/)
const rights = [...table.matchAll(/^CAN\((\w+),\s*(.*?),\s*"/gm)].map(([, right, cells]) => ({ right, may: Object.fromEntries(cells.split(/,\s*/).map((cell, i) => [roles[i], cell === 'YES'])) }))

/** What is done with each right: every way there is; `by` has the role, `talk` is Ada's, and Eve is shared with, too. */
const deeds = {
  read: ({ by, talk }) => [by.reads(talk)],
  duplicate: ({ by, talk }) => [by.talks('POST', `/${talk.id}/duplicate`, {})],
  edit: async ({ by, talk }) => [
    await by.talks('PUT', `/${talk.id}`, { name: 'put', public: talk.public, data: { n: 1 } }), await by.talks('PATCH', `/${talk.id}`, { data: { n: 2 } })],
  versions: async ({ by, talk }) => [await by.talks('GET', `/${talk.id}/versions`), await by.talks('GET', `/${talk.id}/versions/1`)],
  restore: async ({ by, talk }) => [await by.talks('POST', `/${talk.id}/versions/1/restore`, {})],
  leave: ({ by, talk }) => [by.talks('DELETE', `/${talk.id}/people/${encodeURIComponent(by.subject)}`)],
  publish: async ({ by, talk }) => [await by.talks('PATCH', `/${talk.id}`, { public: !talk.public }), await by.talks('PUT', `/${talk.id}`, { name: 'put', public: !talk.public, data: {} })],
  share: async ({ by, talk, eve }) => [
    await by.talks('GET', `/${talk.id}/people`), await by.talks('POST', `/${talk.id}/people`, { subject: 'somebody else', role: 'reader' }),
    await by.talks('DELETE', `/${talk.id}/people/${encodeURIComponent(eve.subject)}`)],
  link: async ({ by, talk }) => [await by.talks('POST', `/${talk.id}/share`, {}), await by.talks('GET', `/${talk.id}/share`)],
  delete: async ({ by, talk }) => [await by.talks('DELETE', `/${talk.id}`), await by.talks('POST', `/${talk.id}/undelete`, {}), await by.talks('DELETE', `/${talk.id}?for_good=true`)],
  forget: async ({ by, talk }) => [await by.talks('DELETE', `/${talk.id}/versions/1`), await by.talks('DELETE', `/${talk.id}/versions`)],
}

test('the table has a deed for each right here, and a row for each', () => {
  assert.deepEqual(rights.map(({ right }) => right).sort(), Object.keys(deeds).sort())
  assert.deepEqual(roles, ['anybody', 'reader', 'editor', 'owner'])
  for (const { may } of rights) assert.deepEqual(Object.keys(may), roles)
})

for (const { right, may } of rights)
  for (const role of roles)
    test(`${role}: ${may[role] ? 'may' : 'may not'} ${right}`, async () => {
      const [ada, bob, eve] = [await somebody('ada'), await somebody('bob'), await somebody('eve')]
      const talk = await ada.keeps({ public: role === 'anybody' })
      is(await ada.talks('PATCH', `/${talk.id}`, { name: 'another' }), 200)
      await ada.shares(talk, eve)
      if (role === 'reader' || role === 'editor') await ada.shares(talk, bob, role)
      const by = role === 'owner' ? ada : bob
      const can = (await by.reads(talk)).json.data.can
      assert.equal(can.includes(right), may[role], `can: ${can}`)
      const of = async talk => [await stack.sql('share', `SELECT name || public || data::text || coalesce(deleted_at::text, '') FROM conversation WHERE id = '${talk.id}'`), (await ada.people(talk)).length, (await ada.talks('GET', `/${talk.id}/share`)).json.data.links.length, (await ada.talks('GET', `/${talk.id}/versions`)).json.data.versions.length]
      const before = await of(talk)
      const answers = await Promise.all(await deeds[right]({ by, talk, eve }))
      const codes = answers.map(({ status, json }) => status < 300 ? 'ok' : json.error.code)
      assert.deepEqual(codes, codes.map(() => may[role] ? 'ok' : role === 'anybody' ? 'not_found' : 'forbidden'))
      if (!may[role]) assert.deepEqual(await of(talk), before)
    })

test('who is nothing of a conversation is answered as if there were none, whatever they ask', async () => {
  const [ada, eve, mal] = [await somebody('ada'), await somebody('eve'), await somebody('mal')]
  const talk = await ada.keeps(), never = { id: randomUUID() }
  is(await ada.talks('PATCH', `/${talk.id}`, { name: 'another' }), 200)
  await ada.shares(talk, eve, 'editor')
  const likeness = ({ status, headers, text }) => [status, text.replaceAll(headers['x-request-id'], 'TRACE')]
  for (const { right } of rights) {
    const answers = await Promise.all([talk, never].map(async one => Promise.all(await deeds[right]({ by: mal, talk: { ...one, public: false }, eve }))))
    assert.deepEqual(answers[0].map(likeness), answers[1].map(likeness), right)
    assert.ok(answers[0].every(({ status }) => status === 404), right)
  }
})

/* --- sharing --- */

test('an owner shares, by id and by nickname; the list says with whom; a repeat changes the role; each has it in their list', async () => {
  const [ada, bob, eve] = [await aUser('ada'), await aUser('bob'), await aUser('eve')]
  const talk = await ada.keeps({ data: { messages: [{ text: 'hi' }] } }), own = await bob.keeps({ name: 'my own' })
  const shared = await ada.shares(talk, bob)
  assert.deepEqual([shared.subject, shared.role, shared.nickname, shared.since > 0], [bob.subject, 'reader', bob.nickname, true])
  const byName = is(await ada.talks('POST', `/${talk.id}/people`, { nickname: eve.nickname.toUpperCase(), role: 'editor' }), 200)
  assert.deepEqual([byName.subject, byName.role], [eve.subject, 'editor'])
  const again = await ada.shares(talk, { subject: bob.subject.toUpperCase() }, 'editor')
  assert.deepEqual(again, { ...shared, role: 'editor' })
  assert.deepEqual((await ada.people(talk)).map(({ subject, role }) => [subject, role]), [[bob.subject, 'editor'], [eve.subject, 'editor']])
  assert.equal((await ada.used()).sharings, 2)
  const read = is(await bob.reads(talk), 200)
  assert.deepEqual([read.role, read.owner, read.data], ['editor', ada.subject, { messages: [{ text: 'hi' }] }])
  assert.deepEqual([(await ada.reads(talk)).json.data.role, (await ada.reads(talk)).json.data.owner], ['owner', undefined])
  const seen = async (who, query) => (await who.lists(query)).map(({ id, role, owner }) => [id, role, owner])
  assert.deepEqual(await seen(bob, 'sort=name'), [[talk.id, 'editor', ada.subject], [own.id, 'owner', undefined]])
  assert.deepEqual(await seen(bob, 'whose=shared'), [[talk.id, 'editor', ada.subject]])
  assert.deepEqual(await seen(bob, 'whose=own'), [[own.id, 'owner', undefined]])
  assert.deepEqual(await seen(bob, ''), [[own.id, 'owner', undefined], [talk.id, 'editor', ada.subject]], 'the one that changed last is the first')
  assert.deepEqual(await seen(ada, 'whose=shared'), [])
  is(await bob.talks('GET', '?whose=nobody'), 400, 'invalid_argument')
  is(await bob.talks('GET', '?whose=shared&trash=true'), 400, 'invalid_argument')
  for (const [body, status, code] of [
    [{ role: 'reader' }, 400, 'invalid_argument'], [{ subject: bob.subject, nickname: bob.nickname, role: 'reader' }, 400, 'invalid_argument'],
    [{ subject: bob.subject, role: 'owner' }, 400, 'invalid_argument'], [{ subject: ada.subject, role: 'reader' }, 400, 'invalid_argument'],
    [{ nickname: ada.nickname, role: 'reader' }, 400, 'invalid_argument'], [{ subject: randomUUID(), role: 'reader' }, 404, 'not_found'],
  ]) is(await ada.talks('POST', `/${talk.id}/people`, body), status, code)
})

test('pages have own and shared ones in one order, and count both', async () => {
  const [ada, bob] = [await somebody('ada'), await somebody('bob')]
  for (const name of ['a', 'c', 'e']) await ada.shares(await ada.keeps({ name }), bob)
  for (const name of ['b', 'd']) await bob.keeps({ name })
  const seen = []
  for (let page = 1; page <= 3; page++) {
    const { json: { data, meta } } = await bob.talks('GET', `?sort=name&limit=2&page=${page}`)
    assert.equal(meta.total, 5)
    seen.push(...data.conversations.map(({ name }) => name))
  }
  assert.deepEqual(seen, ['a', 'b', 'c', 'd', 'e'])
  assert.equal((await bob.talks('GET', '?whose=shared')).json.meta.total, 3)
  assert.equal((await bob.talks('GET', '?whose=own')).json.meta.total, 2)
})

test('an editor changes what another has changed meanwhile only knowing it, and its bytes are its owner\'s', async () => {
  const [ada, bob] = [await somebody('ada'), await somebody('bob')]
  const talk = await ada.keeps({ data: { text: '' } })
  await ada.shares(talk, bob, 'editor')
  const before = (await ada.used()).conversation_bytes
  const put = await bob.talks('PUT', `/${talk.id}`, { name: 'his', data: { text: 'x'.repeat(100) } }, { headers: { 'if-match': talk.etag } })
  assert.deepEqual([is(put, 200).role, put.json.data.owner, put.headers.etag], ['editor', ada.subject, put.json.data.etag])
  is(await ada.talks('PATCH', `/${talk.id}`, { name: 'hers' }, { headers: { 'if-match': talk.etag } }), 412, 'precondition_failed')
  assert.equal((await ada.reads(talk)).json.data.name, 'his')
  assert.deepEqual([(await ada.used()).conversation_bytes - before, (await bob.used()).conversation_bytes], [101, undefined])
  await stack.sql('share', `UPDATE usage SET used = 268435456 WHERE quota = 'conversation_bytes' AND subject = '${ada.subject}'`)
  const refused = await bob.talks('PATCH', `/${talk.id}`, { data: { text: 'x'.repeat(300) } })
  is(refused, 403, 'quota_exceeded')
  assert.deepEqual(refused.json.error.details, {}, 'how much of it is used is its owner\'s business')
  assert.equal(is(await bob.talks('PATCH', `/${talk.id}`, { data: { text: '' } }), 200).data.text, '')
})

test('who is removed, or leaves, has it no more: nothing of it is there for them, and it can be shared again', async () => {
  const [ada, bob, eve] = [await somebody('ada'), await somebody('bob'), await somebody('eve')]
  const talk = await ada.keeps()
  for (const who of [bob, eve]) await ada.shares(talk, who, 'editor')
  await ada.ends(talk, bob)
  await eve.ends(talk, eve)
  for (const who of [bob, eve]) {
    for (const answer of [await who.reads(talk), await who.talks('PATCH', `/${talk.id}`, { name: 'x' }), await who.talks('POST', `/${talk.id}/duplicate`, {}), await who.talks('DELETE', `/${talk.id}/people/${encodeURIComponent(who.subject)}`)]) is(answer, 404, 'not_found')
    assert.deepEqual(await who.lists(), [])
  }
  assert.deepEqual([await ada.people(talk), (await ada.used()).sharings], [[], undefined])
  await ada.ends(talk, bob) // again
  assert.equal((await ada.used()).sharings, undefined)
  await ada.shares(talk, bob)
  is(await bob.reads(talk), 200)
})

test('one that is in the trash or taken down is nobody\'s but its owner\'s until it is back, and then it is as it was', async () => {
  const [ada, bob] = [await somebody('ada'), await somebody('bob')]
  const talk = await ada.keeps()
  await ada.shares(talk, bob, 'editor')
  const hidden = async () => {
    is(await bob.reads(talk), 404, 'not_found')
    is(await bob.talks('PATCH', `/${talk.id}`, { name: 'x' }), 404, 'not_found')
    assert.deepEqual(await bob.lists(), [])
    assert.equal((await ada.people(talk)).length, 1)
  }
  await ada.talks('DELETE', `/${talk.id}`)
  await hidden()
  is(await ada.talks('POST', `/${talk.id}/people`, { subject: 'another', role: 'reader' }), 404, 'not_found')
  await ada.talks('POST', `/${talk.id}/undelete`, {})
  is(await bob.reads(talk), 200)
  await stack.rpc('share', 'takedown.put', { share: talk.id, reason: 'spam' })
  await hidden()
  await stack.rpc('share', 'takedown.lift', { share: talk.id, note: 'it was not' })
  is(await bob.reads(talk), 200)
  is(await ada.talks('DELETE', `/${talk.id}?for_good=true`), 204)
  assert.equal((await ada.used()).sharings, undefined)
  is(await bob.reads(talk), 404, 'not_found')
})

test('as many people have one as the setting says, and an owner shares as often as their quota says', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps()
  const adds = subject => ada.talks('POST', `/${talk.id}/people`, { subject, role: 'reader' })
  const answers = await Promise.all(Array.from({ length: MOST + 5 }, (_, i) => adds(`one ${i}`)))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(MOST).fill(200), ...Array(5).fill(409)])
  const there = await ada.people(talk)
  is(await adds(there[0].subject), 200)
  assert.deepEqual([there.length, (await ada.used()).sharings], [MOST, MOST])
  await stack.sql('share', `UPDATE usage SET used = 10000 WHERE quota = 'sharings' AND subject = '${ada.subject}'`)
  const other = await ada.keeps()
  is(await ada.talks('POST', `/${other.id}/people`, { subject: 'one', role: 'reader' }), 403, 'quota_exceeded')
  assert.deepEqual(await ada.people(other), [])
})

/* --- people --- */

test('who may not be found by nickname, was disabled or is nobody is answered alike; what is shared by id needs somebody who is there', async () => {
  const [ada, bob, cat] = [await aUser('ada'), await aUser('bob'), await aUser('cat')], talk = await ada.keeps()
  is(await bob.asks('PATCH', '/users/me', { findable: 'none' }), 200)
  await stack.authctl('user', 'disable', cat.subject)
  await until('share knows', async () => await stack.sql('share', `SELECT state FROM directory WHERE subject = '${cat.subject}'`) === 'disabled', LONG)
  const adds = body => ada.talks('POST', `/${talk.id}/people`, { role: 'reader', ...body })
  const likeness = ({ status, headers, text }) => [status, text.replaceAll(headers['x-request-id'], 'TRACE')]
  const nobody = likeness(await adds({ nickname: 'nobodyatall' }))
  assert.equal(nobody[0], 404)
  for (const body of [{ nickname: bob.nickname }, { nickname: cat.nickname }, { nickname: 'no nickname!' }, { subject: cat.subject }, { subject: randomUUID() }]) assert.deepEqual(likeness(await adds(body)), nobody, JSON.stringify(body))
  is(await adds({ subject: bob.subject }), 200)
})

test('to who blocks its owner nothing comes, and its owner cannot tell; who is blocked by its owner is not shared with', async () => {
  const [ada, bob, eve] = [await aUser('ada'), await aUser('bob'), await aUser('eve')], talk = await ada.keeps()
  is(await inChat(bob, 'PUT', `/friends/${ada.subject}/block`), 200)
  const [toBob, toEve] = [await ada.shares(talk, bob), await ada.shares(talk, eve)]
  assert.deepEqual(Object.keys(toBob).sort(), Object.keys(toEve).sort())
  assert.deepEqual((await ada.people(talk)).map(({ subject }) => subject), [bob.subject, eve.subject])
  is(await bob.reads(talk), 404, 'not_found')
  assert.deepEqual(await bob.lists(), [])
  is(await bob.talks('DELETE', `/${talk.id}/people/${bob.subject}`), 404, 'not_found')
  await ada.shares(talk, bob, 'editor')
  is(await bob.reads(talk), 404, 'not_found')
  is(await inChat(bob, 'DELETE', `/friends/${ada.subject}/block`), 200)
  is(await bob.reads(talk), 404, 'not_found')
  await ada.shares(talk, bob, 'editor')
  is(await bob.reads(talk), 200)
  is(await inChat(bob, 'PUT', `/friends/${ada.subject}/block`), 200)
  await ada.shares(talk, bob, 'reader')
  assert.equal(is(await bob.reads(talk), 200).role, 'reader', 'what they had they have')
  const other = await ada.keeps()
  is(await inChat(ada, 'PUT', `/friends/${eve.subject}/block`), 200)
  is(await ada.talks('POST', `/${other.id}/people`, { subject: eve.subject, role: 'reader' }), 409, 'conflict')
  assert.deepEqual(await ada.people(other), [])
})

test('of an owner who is disabled it is nobody\'s until they are back', async () => {
  const [ada, bob] = [await aUser('ada'), await aUser('bob')], talk = await ada.keeps()
  await ada.shares(talk, bob)
  is(await bob.reads(talk), 200)
  await stack.authctl('user', 'disable', ada.subject)
  await until('it is gone', async () => (await bob.reads(talk)).status === 404 && (await bob.lists()).length === 0, LONG)
  await stack.authctl('user', 'enable', ada.subject)
  await until('it is there', async () => (await bob.reads(talk)).status === 200 && (await bob.lists()).length === 1, LONG)
})

/* --- files --- */

test('files inside are read by readers and editors while it is shared with them, and by nobody else', async () => {
  const [ada, bob, eve, mal] = [await somebody('ada'), await somebody('bob'), await somebody('eve'), await somebody('mal')]
  const file = await ada.keepsFile(), other = await ada.keepsFile()
  const talk = await ada.keeps({ data: { messages: [{ picture: file.url }] } })
  await ada.shares(talk, bob)
  await ada.shares(talk, eve, 'editor')
  assert.deepEqual(await Promise.all([ada, bob, eve, mal].map(who => who.sees(file))), [200, 200, 200, 404])
  assert.deepEqual(await Promise.all([bob, eve].map(who => who.sees(other))), [404, 404])
  const { urls: [{ url: signed }] } = is(await bob.asks('POST', '/media/urls', { ids: [file.id, other.id] }), 200)
  assert.equal((await request(stack, 'GET', signed)).status, 200)
  const narrow = await tokenFor(stack, key, bob.subject, { cap: [{ effect: 'allow', actions: ['emit'], namespaces: ['/media'] }] })
  assert.equal((await request(stack, 'GET', file.url, { token: narrow })).status, 404)
  await ada.ends(talk, bob)
  assert.deepEqual([await bob.sees(file), (await request(stack, 'GET', signed)).status, await eve.sees(file)], [404, 404, 200])
  await ada.shares(talk, bob)
  is(await ada.talks('PATCH', `/${talk.id}`, { data: { messages: [] } }), 200)
  assert.deepEqual([await bob.sees(file), await eve.sees(file)], [404, 200], 'who reads former versions sees what they show')
  is(await ada.talks('DELETE', `/${talk.id}/versions`), 204)
  assert.equal(await eve.sees(file), 404)
})

test('an editor shows files of their own, and cannot make a conversation show what they may not', async () => {
  const [ada, bob, eve] = [await somebody('ada'), await somebody('bob'), await somebody('eve')]
  const secret = await ada.keepsFile(), hers = await ada.keepsFile(), his = await bob.keepsFile(), another = await eve.keepsFile()
  const says = (...files) => ({ data: { messages: files.map(({ url }) => ({ picture: url })) } })
  const talk = await ada.keeps(says(hers))
  await ada.shares(talk, bob, 'editor')
  await ada.shares(talk, eve)
  is(await bob.talks('PATCH', `/${talk.id}`, says(hers, his, secret, another)), 200)
  assert.deepEqual(await Promise.all([hers, his, secret, another].map(file => bob.sees(file))), [200, 200, 404, 404])
  assert.deepEqual(await Promise.all([hers, his, secret].map(file => eve.sees(file))), [200, 200, 404])
  assert.equal(await ada.sees(his), 200)
  is(await ada.talks('PATCH', `/${talk.id}`, { name: 'as it was' }), 200)
  assert.deepEqual([await eve.sees(secret), await eve.sees(his)], [200, 200], 'who may show a file does so by keeping it there')
  const link = is(await ada.talks('POST', `/${talk.id}/share`, {}), 201)
  const { media } = is(await request(stack, 'GET', `/api/v1/share/${link.code}`), 200)
  assert.deepEqual(media.map(({ id }) => id).sort(), [hers.id, his.id, secret.id].sort())
})

test('a change that waited while who makes it was removed is refused, and changes nothing', async () => {
  const [ada, bob] = [await somebody('ada'), await somebody('bob')], talk = await ada.keeps()
  await ada.shares(talk, bob, 'editor')
  // Removed under the lock, which is let go of when the change waits for it.
  const removal = stack.sql('share', `DO $$ BEGIN
    PERFORM FROM conversation WHERE id = '${talk.id}' FOR UPDATE;
    DELETE FROM sharing WHERE conversation = '${talk.id}';
    LOOP
      PERFORM pg_stat_clear_snapshot();
      EXIT WHEN EXISTS (SELECT FROM pg_stat_activity a WHERE pg_backend_pid() = ANY (pg_blocking_pids(a.pid)));
      PERFORM pg_sleep(0.01);
    END LOOP;
  END $$`)
  await until('the row is locked', async () => await stack.sql('share', `SELECT count(*) FROM (SELECT FROM conversation WHERE id = '${talk.id}' FOR UPDATE SKIP LOCKED) free`) === '0', LONG)
  is(await bob.talks('PATCH', `/${talk.id}`, { name: 'his' }), 404, 'not_found')
  await removal
  assert.equal((await ada.reads(talk)).json.data.name, 'a talk')
})

/* --- many --- */

test('of many conversations, of others\' and of people with whom one is shared the own ones are found by an index', async () => {
  const [ada, bob] = [await somebody('ada'), await somebody('bob')], talk = await ada.keeps({ data: { messages: [{ picture: '/media/00000000-0000-4000-8000-000000000001' }] } })
  await ada.shares(talk, bob)
  await stack.sql('share', `WITH many AS (INSERT INTO conversation (id, owner, name, data, created_at, changed_at, bytes)
    SELECT gen_random_uuid(), 'many ' || i % 100, 'one of many', '{}', now(), now(), 2 FROM generate_series(1, 20000) i RETURNING id)
    INSERT INTO sharing (conversation, subject, role, since, hidden) SELECT id, 'someone ' || i, 'reader', now(), false FROM many, generate_series(1, 3) i`)
  await stack.sql('share', 'ANALYZE conversation, sharing, conversation_media, directory')
  const shared = `SELECT c.id FROM sharing p JOIN conversation c ON c.id = p.conversation WHERE p.subject = '${bob.subject}' AND c.deleted_at IS NULL AND c.taken_down_at IS NULL
    AND NOT p.hidden AND NOT EXISTS (SELECT FROM directory d WHERE d.subject = c.owner AND d.state <> 'active')`
  const list = await stack.sql('share', `EXPLAIN SELECT * FROM ((SELECT id, changed_at FROM conversation c WHERE owner = '${bob.subject}' AND deleted_at IS NULL
    ORDER BY changed_at DESC, id DESC LIMIT 51) UNION ALL ${shared.replace('c.id FROM', 'c.id, changed_at FROM')}) e ORDER BY changed_at DESC, id DESC LIMIT 50`)
  assert.match(list, /conversation_changed/)
  assert.match(list, /sharing_subject/)
  assert.doesNotMatch(list, /Seq Scan on (conversation|sharing)\b/)
  const media = await stack.sql('share', `EXPLAIN SELECT FROM conversation_media u JOIN conversation c ON c.id = u.conversation WHERE u.media = '00000000-0000-4000-8000-000000000001' AND u.shown
    AND (c.owner = '${bob.subject}' OR EXISTS (SELECT FROM sharing p WHERE p.conversation = c.id AND p.subject = '${bob.subject}'))`)
  assert.doesNotMatch(media, /Seq Scan on (conversation|sharing)\b/)
  assert.deepEqual((await bob.lists()).map(({ id }) => id), [talk.id])
})
