// l_conversations - conversations that one keeps: changed by one at a time, found in lists, public if one says so, and in the trash for a while.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
})
after(() => stack?.stop())

/** Somebody who keeps conversations, with rates of their own. */
async function somebody(name) {
  const subject = `${name} ${randomUUID()}`, token = await tokenFor(stack, key, subject)
  const asks = (method, path, body, more = {}) => request(stack, method, `/api/v1/conversations${path}`, { token, body, ...more })
  return {
    subject, asks,
    async keeps(body) {
      const answer = await asks('POST', '', { name: 'a talk', data: {}, ...body })
      assert.equal(answer.status, 201, answer.text)
      return answer.json.data
    },
    async reads({ id }) { return (await asks('GET', `/${id}`)).json.data },
    async lists(query = '') { return (await asks('GET', query && `?${query}`)).json },
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

test('a flat conversation is kept as its content; one with `data` as it is; what is unknown stays', async () => {
  const ada = await somebody('ada')
  const made = await ada.asks('POST', '', { name: 'a talk', theme: 'night', messages: [{ text: 'ㅎㅇ', likes: 3 }], profiles: { me: { name: '아다' } }, statusBar: { battery: 7 }, future: [1, null, { '': 0.5 }] })
  assert.equal(made.status, 201, made.text)
  const { data, name, theme, public: isPublic } = made.json.data
  assert.deepEqual([name, theme, isPublic], ['a talk', 'night', false])
  assert.deepEqual(data, { messages: [{ text: 'ㅎㅇ', likes: 3 }], profiles: { me: { name: '아다' } }, statusBar: { battery: 7 }, future: [1, null, { '': 0.5 }] })
  const nested = await ada.keeps({ data: { name: 'inside', data: { deeper: true } }, unknown: 1 })
  assert.deepEqual([nested.name, nested.data], ['a talk', { name: 'inside', data: { deeper: true } }])
  assert.deepEqual((await ada.keeps({ data: undefined })).data, {})
  const put = await ada.asks('PUT', `/${nested.id}`, { name: 'flat now', messages: [] })
  assert.deepEqual([put.status, put.json.data.data], [200, { messages: [] }])
  for (const raw of ['{"name":"a","name":"b","x":1}', '{"name":"a","x":{"y":1,"y":2}}']) isRefused(await ada.asks('POST', '', undefined, { raw, headers: { 'content-type': 'application/json' } }), 400, 'invalid_argument')
  for (const raw of ['{"name":"a","x"', '[]', '{"name":"a","x":1}}']) assert.equal((await ada.asks('POST', '', undefined, { raw, headers: { 'content-type': 'application/json' } })).status, 400, raw)
})

test('content has a conversation\'s shape where it has its members, and bounds as it is stored and as it is printed', async () => {
  const ada = await somebody('ada'), kept = await ada.keeps({ data: { messages: [{ text: 'first' }] } })
  const wrong = [{ messages: {} }, { messages: [1] }, { messages: [[]] }, { profiles: 'me' }, { profiles: { me: 1 } }, { profiles: [null] }, { statusBar: [] }]
  for (const data of wrong) {
    isRefused(await ada.asks('POST', '', { name: 'a talk', data }), 400, 'invalid_argument', /data|want/)
    isRefused(await ada.asks('PUT', `/${kept.id}`, { name: 'a talk', data }), 400, 'invalid_argument', /data|want/)
    isRefused(await ada.asks('PATCH', `/${kept.id}`, { data }), 400, 'invalid_argument', /data|want/)
  }
  isRefused(await ada.asks('PUT', `/${kept.id}`, { name: 'a talk', data: [] }), 400, 'invalid_argument', /data/)
  isRefused(await ada.asks('PUT', `/${kept.id}`, { name: 'x'.repeat(121), data: {} }), 400, 'invalid_argument', /name/)
  isRefused(await ada.asks('PUT', `/${kept.id}`, { name: 'long', data: { text: 'x'.repeat(262144) } }), 400, 'invalid_argument', /data/)
  const long = Array.from({ length: 3400 }, () => 1e308) // which PostgreSQL writes in full
  isRefused(await ada.asks('PUT', `/${kept.id}`, { name: 'long', data: { long } }), 413, 'too_large', /read back/)
  await ada.asks('PATCH', `/${kept.id}`, { data: { a: 'x'.repeat(200000) } })
  isRefused(await ada.asks('PATCH', `/${kept.id}`, { data: { b: 'x'.repeat(200000) } }), 400, 'invalid_argument', /data/)
  isRefused(await ada.asks('PATCH', `/${kept.id}`, { data: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`k${i}`, {}])) }), 413, 'too_large', /objects/)
  const { data } = await ada.reads(kept)
  assert.deepEqual([data.messages, data.a.length, Object.keys(data).length], [[{ text: 'first' }], 200000, 2])
})

test('a patch is RFC 7386\'s', async () => {
  const ada = await somebody('ada'), kept = await ada.keeps({ theme: 'night', data: { a: 'b', c: { d: 'e', f: 'g' }, list: [{ x: 1 }, 2] } })
  const becomes = async (changes, expected) => {
    const { status, json, text } = await ada.asks('PATCH', `/${kept.id}`, changes)
    assert.equal(status, 200, text)
    const { name, theme, public: isPublic, data } = json.data
    assert.deepEqual({ name, theme, isPublic, data }, expected)
    assert.deepEqual((await ada.reads(kept)).data, expected.data)
  }
  await becomes({ data: { a: 'z', c: { f: null } } }, { name: 'a talk', theme: 'night', isPublic: false, data: { a: 'z', c: { d: 'e' }, list: [{ x: 1 }, 2] } })
  await becomes({ data: { list: [1], c: [{ n: null }], a: { b: { c: null, d: 1 } } } }, { name: 'a talk', theme: 'night', isPublic: false, data: { list: [1], c: [{ n: null }], a: { b: { d: 1 } } } })
  await becomes({ name: 'renamed', theme: null, public: true, nobody: 'knows' }, { name: 'renamed', theme: undefined, isPublic: true, data: { list: [1], c: [{ n: null }], a: { b: { d: 1 } } } })
  await becomes({ data: { c: 'text', a: null } }, { name: 'renamed', theme: undefined, isPublic: true, data: { list: [1], c: 'text' } })
  await becomes({}, { name: 'renamed', theme: undefined, isPublic: true, data: { list: [1], c: 'text' } })
  for (const changes of [{ name: null }, { name: 7 }, { data: null }, { data: [] }, { public: 'yes' }]) isRefused(await ada.asks('PATCH', `/${kept.id}`, changes), 400, 'invalid_argument')
})

test('who changes what another has changed meanwhile is told so, by its etag', async () => {
  const ada = await somebody('ada'), kept = await ada.keeps(), path = `/${kept.id}`
  const read = await ada.asks('GET', path)
  assert.equal(read.headers.etag, kept.etag)
  const ifMatch = etag => ({ headers: { 'if-match': etag } })
  const put = await ada.asks('PUT', path, { name: 'second', data: {} }, ifMatch(kept.etag))
  assert.equal(put.status, 200, put.text)
  assert.notEqual(put.headers.etag, kept.etag)
  for (const [method, body] of [['PUT', { name: 'third', data: {} }], ['PATCH', { name: 'third' }], ['DELETE', undefined]])
    for (const etag of [kept.etag, '"no etag"', `W/${put.headers.etag}`, '"1","7"']) isRefused(await ada.asks(method, path, body, ifMatch(etag)), 412, 'precondition_failed', /by now/)
  assert.equal((await ada.reads(kept)).name, 'second')
  for (const etag of ['*', '"1", "2"']) assert.equal((await ada.asks('PATCH', path, { name: 'second' }, ifMatch(etag))).status, etag === '*' ? 200 : 412)
  const { etag } = await ada.reads(kept)
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ada.asks('PATCH', path, { name: `number ${i}` }, ifMatch(etag))))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(19).fill(412)])
  assert.equal((await ada.reads(kept)).name, answers.find(({ status }) => status === 200).json.data.name)
})

test('lists are of one\'s own, without content, by time or name, page by page', async () => {
  const [ada, eve] = [await somebody('ada'), await somebody('eve')]
  const kept = []
  for (const name of ['c', 'a', 'e', 'b', 'd']) kept.push(await ada.keeps({ name, public: true, data: { text: 'x'.repeat(1000) } }))
  await eve.keeps()
  await ada.asks('PATCH', `/${kept[1].id}`, { data: { changed: true } })
  const names = async query => (await ada.lists(query)).data.conversations.map(({ name }) => name)
  assert.deepEqual(await names(), ['a', 'd', 'b', 'e', 'c'])
  assert.deepEqual(await names('sort=name'), ['a', 'b', 'c', 'd', 'e'])
  const seen = []
  let page = await ada.lists('sort=name&limit=2')
  assert.deepEqual(page.meta, { limit: 2, total: 5, page: 1, next: page.meta.next })
  for (; ; page = await ada.lists(`sort=name&limit=2&after=${page.meta.next}`)) {
    seen.push(...page.data.conversations)
    if (!page.meta.next) break
  }
  assert.deepEqual(seen.map(({ name }) => name), ['a', 'b', 'c', 'd', 'e'])
  assert.ok(seen.every(one => one.data === undefined && one.bytes > 0 && one.etag && one.changed_at >= one.created_at))
  assert.deepEqual([page.meta.page, (await ada.lists(`sort=name&limit=2&after=${page.meta.prev}`)).data.conversations.map(({ name }) => name)], [3, ['c', 'd']])
  assert.deepEqual(await names('sort=name&limit=2&page=3'), ['e'])
  assert.deepEqual((await eve.lists()).data.conversations.map(({ name }) => name), ['a talk'])
  for (const query of ['sort=size', 'after=x', 'after=0', 'limit=101', 'page=0']) isRefused(await ada.asks('GET', `?${query}`), 400, 'invalid_argument')
})

test('anybody with its id may read a public one, and nobody another; only its owner changes or deletes it', async () => {
  const [ada, eve] = [await somebody('ada'), await somebody('eve')]
  const open = await ada.keeps({ public: true, data: { messages: [] } }), closed = await ada.keeps()
  const stranger = ({ id }) => request(stack, 'GET', `/api/v1/public/conversations/${id}`)
  const shown = await stranger(open)
  assert.equal(shown.status, 200, shown.text)
  assert.deepEqual(shown.json.data, { id: open.id, name: 'a talk', data: { messages: [] }, changed_at: open.changed_at })
  assert.equal(shown.headers['x-robots-tag'], 'noindex')
  assert.deepEqual((await eve.reads(open)).data, { messages: [] })
  assert.ok(!(await eve.asks('GET', `/${open.id}`)).text.includes(ada.subject), 'whose it is is nobody\'s business')
  const never = { id: randomUUID() }
  for (const one of [closed, never]) {
    isRefused(await stranger(one), 404, 'not_found')
    isRefused(await eve.asks('GET', `/${one.id}`), 404, 'not_found')
    isRefused(await eve.asks('POST', `/${one.id}/duplicate`, {}), 404, 'not_found')
  }
  for (const one of [open, closed, never]) {
    isRefused(await eve.asks('PUT', `/${one.id}`, { name: 'hers', data: {} }), 404, 'not_found')
    isRefused(await eve.asks('PATCH', `/${one.id}`, { name: 'hers' }), 404, 'not_found')
    isRefused(await eve.asks('DELETE', `/${one.id}`), 404, 'not_found')
    isRefused(await eve.asks('POST', `/${one.id}/undelete`, {}), 404, 'not_found')
  }
  await ada.asks('PATCH', `/${open.id}`, { public: false })
  isRefused(await stranger(open), 404, 'not_found')
  await ada.asks('PATCH', `/${open.id}`, { public: true })
  await ada.asks('DELETE', `/${open.id}`)
  isRefused(await stranger(open), 404, 'not_found')
  isRefused(await eve.asks('GET', `/${open.id}`), 404, 'not_found')
})

test('a duplicate is its maker\'s own, is not public, and is made once for a key', async () => {
  const [ada, eve] = [await somebody('ada'), await somebody('eve')]
  const open = await ada.keeps({ public: true, theme: 'day', data: { messages: [{ text: 'hi' }] } })
  const key = { client_key: `key ${randomUUID()}` }
  const copy = (await eve.asks('POST', `/${open.id}/duplicate`, { name: 'mine', ...key })).json.data
  assert.deepEqual([copy.name, copy.theme, copy.public, copy.data], ['mine', 'day', false, { messages: [{ text: 'hi' }] }])
  assert.equal((await eve.asks('POST', `/${open.id}/duplicate`, key)).json.data.id, copy.id)
  await ada.asks('PATCH', `/${open.id}`, { data: { messages: [] } })
  assert.deepEqual((await eve.reads(copy)).data, { messages: [{ text: 'hi' }] })
  assert.equal((await eve.used()).conversations, 1)
  assert.equal((await ada.asks('POST', `/${open.id}/duplicate`, {})).json.data.name, 'a talk')
  assert.equal((await ada.used()).conversations, 2)
})

test('what is deleted is in the trash, can be had back, and is counted until it is gone for good', async () => {
  const ada = await somebody('ada')
  const [kept, back, old, gone] = [await ada.keeps(), await ada.keeps({ name: 'back' }), await ada.keeps({ name: 'old' }), await ada.keeps({ name: 'gone' })]
  for (const { id } of [back, old, gone]) assert.equal((await ada.asks('DELETE', `/${id}`)).status, 204)
  assert.equal((await ada.asks('DELETE', `/${old.id}`)).status, 204, 'again')
  assert.deepEqual((await ada.lists()).data.conversations.map(({ id }) => id), [kept.id])
  assert.deepEqual((await ada.lists('trash=true')).data.conversations.map(({ name, deleted_at: at }) => [name, at > 0]), [['gone', true], ['old', true], ['back', true]])
  isRefused(await ada.asks('PUT', `/${old.id}`, { name: 'x', data: {} }), 404, 'not_found', /trash/)
  isRefused(await ada.asks('PATCH', `/${old.id}`, { name: 'x' }), 404, 'not_found', /trash/)
  assert.equal((await ada.asks('POST', `/${back.id}/undelete`, {})).json.data.deleted_at, undefined)
  assert.equal((await ada.used()).conversations, 4)
  assert.equal((await ada.asks('DELETE', `/${gone.id}?for_good=true`)).status, 204)
  isRefused(await ada.asks('POST', `/${gone.id}/undelete`, {}), 404, 'not_found')
  await stack.sql('share', `UPDATE conversation SET deleted_at = now() - interval '31 days' WHERE id = '${old.id}'`)
  const other = await ada.keeps({ name: 'in the trash' })
  await ada.asks('DELETE', `/${other.id}`)
  const before = await ada.used()
  await until('the trash was emptied', async () => {
    if ((await ada.asks('GET', `/${old.id}`)).status === 404) return true
    const { jobs: [job] } = await stack.rpc('share', 'job.list', { kind: 'trash.expire', state: 'waiting' })
    if (job) await stack.rpc('share', 'job.retry', { job: job.id }).catch(error => assert.match(error.message, /it runs just now/))
  })
  assert.deepEqual((await ada.lists('trash=true')).data.conversations.map(({ name }) => name), ['in the trash'])
  const after = await ada.used()
  assert.deepEqual([before.conversations - after.conversations, before.conversation_bytes - after.conversation_bytes], [1, 1])
})

test('its bytes are counted as they are: what grows over the quota is refused, and what shrinks is given back', async () => {
  const ada = await somebody('ada'), kept = await ada.keeps({ data: { text: 'x'.repeat(100) } })
  const bytes = async () => (await ada.used()).conversation_bytes
  const first = await bytes()
  await ada.asks('PATCH', `/${kept.id}`, { data: { text: '' } })
  assert.equal(await bytes(), first - 101)
  await stack.authctl('quota', 'set', 'conversation_bytes', '50', '--subject', ada.subject)
  const writes = length => ada.asks('PUT', `/${kept.id}`, { name: 'a talk', data: { text: 'x'.repeat(length) } })
  let length = 100
  await until('it holds', async () => (await writes(++length)).json.error?.code === 'quota_exceeded')
  const before = [await bytes(), await ada.reads(kept)]
  isRefused(await writes(length), 403, 'quota_exceeded')
  assert.deepEqual([await bytes(), await ada.reads(kept)], before)
  assert.equal((await writes(0)).status, 200, 'who has too much may have less')
  assert.equal(await bytes(), first - 101)
  await stack.authctl('quota', 'unset', 'conversation_bytes', '--subject', ada.subject)
})
